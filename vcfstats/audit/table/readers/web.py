"""HTML pages: tables with cells that span rows and columns, captions, and the paragraphs between."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from vcfstats.audit.table.readers.document import Document, Grid, Records, is_title, mark_free

_SILENT = {"script", "style", "noscript", "template", "svg", "math", "head"}
_BLOCKS = {"p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "div", "section", "blockquote", "figcaption", "dd", "dt"}
_WIDEST = 500  # columns or rows that a cell may span: a page may say any number


def read_web(text: str) -> Document:
    """Return the tables and paragraphs of a page."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.end_block()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Document()
        self._silent = 0
        self._words: list[str] = []
        self._raised: list[int] = []  # where a superscript began among the words
        self._tables: list[_Table] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open what a tag opens."""
        self._silent += tag in _SILENT
        if tag == "table":
            self.end_block()
            self._tables.append(_Table(self.found.paragraphs[-1] if self.found.paragraphs else ""))
        elif tag == "sup":
            self._raised.append(len(self._words))
        elif tag == "br":
            self._words.append("\n")
        elif self._tables:
            table = self._tables[-1]
            if tag == "tr":
                self._end_cell()
                table.rows.append([])
            elif tag in ("td", "th"):
                self._end_cell()
                values = dict(attrs)
                table.open = (tag == "th", _count(values.get("colspan")), _count(values.get("rowspan")))
                self._words = []
            elif tag == "caption":
                self._words = []
            elif tag in _BLOCKS:
                self._words.append("\n")
        elif tag in _BLOCKS:
            self.end_block()

    def handle_endtag(self, tag: str) -> None:
        """Close what a tag closes."""
        if tag in _SILENT and self._silent:
            self._silent -= 1
        if tag == "sup" and self._raised:
            start = self._raised.pop()
            self._words[start:] = [mark_free("".join(self._words[start:]))]
        elif self._tables:
            table = self._tables[-1]
            if tag in ("td", "th", "tr"):
                self._end_cell()
            elif tag == "caption":
                table.title, self._words = _joined(self._words), []
            elif tag == "table":
                self._end_cell()
                self._tables.pop()
                if table.rows:
                    self.found.grids.append(table.grid())
                self._words = []
        elif tag in _BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        """Keep words that a reader sees."""
        if not self._silent:
            self._words.append(re.sub(r"[ \t\r\n]+", " ", data))

    def end_block(self) -> None:
        """End a paragraph."""
        if not self._tables:
            if words := _joined(self._words):
                self.found.paragraphs.append(words)
            self._words, self._raised = [], []

    def _end_cell(self) -> None:
        table = self._tables[-1]
        if table.open is None:
            return
        head, across, down = table.open
        if not table.rows:
            table.rows.append([])
        table.rows[-1].append((_joined(self._words), head, across, down))
        table.open, self._words = None, []


class _Table:
    def __init__(self, above: str) -> None:
        self.title = above if is_title(above) else ""
        self.rows: list[list[tuple[str, bool, int, int]]] = []
        self.open: tuple[bool, int, int] | None = None

    def grid(self) -> Grid:
        records: Records = []
        going_on: dict[int, tuple[str, int]] = {}  # column -> text and lines left of a cell that spans lines
        headings = 0
        for cells in self.rows:
            record: list[str] = []

            def covered(record: list[str] = record) -> None:
                while len(record) in going_on:
                    text, left = going_on[len(record)]
                    if left == 1:
                        del going_on[len(record)]
                    else:
                        going_on[len(record)] = (text, left - 1)
                    record.append(text)

            for text, _, across, down in cells:
                covered()
                for offset in range(across):
                    if down > 1:
                        going_on[len(record)] = (text if not offset else "", down - 1)
                    record.append(text if not offset else "")
            covered()
            if headings == len(records) and cells and all(head for _, head, _, _ in cells):
                headings += 1
            records.append(record)
        return Grid(self.title, records, headings if headings < len(records) else 0)


def _joined(words: list[str]) -> str:
    return re.sub(r"[ \t]*\n\s*", "\n", re.sub(r"[ \t]+", " ", "".join(words))).strip()


def _count(text: str | None) -> int:
    return min(max(int(text), 1), _WIDEST) if text and text.strip().isdigit() else 1
