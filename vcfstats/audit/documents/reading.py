"""Rendered documents read back: their tables, their text, and the numbers that name their record."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.markup import one_line

_HIDDEN = frozenset({"style", "script", "svg", "iframe", "nav", "math", "noscript", "template", "head"})
_BLOCKS = frozenset(
    {"p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "figcaption", "caption", "div", "section", "dd", "dt", "blockquote", "main", "header"}
)  # fmt: skip
_VOID = frozenset({"img", "br", "hr", "meta", "link", "col", "input", "wbr", "source"})
_LABEL = re.compile(r"^(?:tbl|supptbl)-[\w-]+$")
_RESULT = frozenset({"result", "decision"})
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

# What typesetting changes without changing what is said.
_PLAIN = str.maketrans({"\u200b": None, "\N{NO-BREAK SPACE}": " ", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "..."})


def tidy(text: str) -> str:
    """Return text with plain single spaces and straight quotes, without characters that only allow a line break."""
    return re.sub(r"\s+", " ", one_line(text).translate(_PLAIN)).strip()


@dataclass(frozen=True)
class Shown:
    """Words of a page that name where they come from."""

    source: str
    text: str


@dataclass(frozen=True)
class ReadTable:
    """A table as printed: its label where the format keeps it, and its rows, each a tuple of cells."""

    label: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Block:
    """A paragraph, heading or caption: all its words, and those that name no source."""

    text: str
    loose: str


@dataclass(frozen=True)
class ReadDocument:
    """A document read back.

    Attributes
    ----------
    path : Path
        The file.
    shown : tuple of Shown
        Words that name their source; Word keeps none.
    blocks : tuple of Block
        Text outside of tables, in order, without references and footer.
    tables : tuple of ReadTable
        In order.
    """

    path: Path
    shown: tuple[Shown, ...]
    blocks: tuple[Block, ...]
    tables: tuple[ReadTable, ...]


@dataclass
class _Table:
    label: str
    rows: list[tuple[str, ...]] = field(default_factory=list)
    row: list[str] = field(default_factory=list)
    cell: list[str] | None = None


class _Page(HTMLParser):
    """Collects while the parser walks; `stack` holds (tag, what the element began)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[tuple[str, str]] = []
        self.labels: list[str] = []
        self.table: _Table | None = None
        self.tables: list[ReadTable] = []
        self.shown: list[Shown] = []
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._loose: list[str] = []
        self._span: list[str] | None = None
        self._source = ""

    def _in(self, kind: str) -> bool:
        return any(began == kind for _, began in self.stack)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        given = {name: value or "" for name, value in attrs}
        classes = set(given.get("class", "").split())
        began = ""
        if tag in _HIDDEN:
            began = "hidden"
        elif given.get("id") == "refs" or "study-footer" in classes:
            self._end_block()
            began = "apart"
        elif _LABEL.match(given.get("id", "")):
            self._end_block()
            self.labels.append(given["id"])
            began = "label"
        elif tag == "table" and self.table is None:
            self._end_block()
            self.table = _Table(self.labels[-1] if self.labels else "")
            began = "table"
        elif tag == "span" and classes & _RESULT and self._span is None and not self._in("hidden"):
            self._span, self._source, began = [], given.get("title", ""), "span"
        elif tag in _BLOCKS:
            self._end_block()
        if self.table is not None and tag in ("td", "th"):
            self.table.cell = []
        self.stack.append((tag, began))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that closes itself holds nothing."""

    def handle_endtag(self, tag: str) -> None:
        if all(open_tag != tag for open_tag, _ in self.stack):
            return
        while self.stack:
            open_tag, began = self.stack.pop()
            self._close(open_tag, began)
            if open_tag == tag:
                return

    def _close(self, tag: str, began: str) -> None:
        table = self.table
        if table is not None and tag in ("td", "th") and table.cell is not None:
            table.row.append(tidy("".join(table.cell)))
            table.cell = None
        elif table is not None and tag == "tr":
            if table.row:
                table.rows.append(tuple(table.row))
            table.row = []
        if began == "table" and table is not None:
            self.tables.append(ReadTable(table.label, tuple(table.rows)))
            self.table = None
        elif began == "span" and self._span is not None:
            self.shown.append(Shown(tidy(self._source), tidy("".join(self._span))))
            self._span = None
        elif began == "label":
            self._end_block()
            self.labels.pop()
        elif tag in _BLOCKS:
            self._end_block()

    def handle_data(self, data: str) -> None:
        if self._in("hidden") or self._in("apart"):
            return
        if self._span is not None:
            self._span.append(data)
        if self.table is not None:
            if self.table.cell is not None:
                self.table.cell.append(data)
            return
        self._text.append(data)
        # A sign stands where a result stood, so that what comes before and after does not run together.
        self._loose.append(data if self._span is None else " ")

    def _end_block(self) -> None:
        text, loose = tidy("".join(self._text)), tidy("".join(self._loose))
        if text:
            self.blocks.append(Block(text, loose))
        self._text, self._loose = [], []


def read_page(path: Path) -> ReadDocument:
    """Read an HTML document, of Quarto or of the offline path."""
    page = _Page()
    page.feed(_text(path))
    page.close()
    page._end_block()
    return ReadDocument(path, tuple(page.shown), tuple(page.blocks), tuple(page.tables))


def read_word(path: Path) -> ReadDocument:
    """Read a Word document: paragraphs and tables in order."""
    try:
        with zipfile.ZipFile(path) as archive:
            root = ElementTree.fromstring(archive.read("word/document.xml"))
    except FileNotFoundError:
        raise absent(path) from None
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise InputError(
            Problem(f"no Word document ({error})", "a rendered document", "render it again", file=path)
        ) from None
    blocks, tables = [], []
    for item in root.iter():
        if item.tag == f"{_WORD}tbl":
            rows = [
                tuple(tidy(_words(cell)) for cell in row.findall(f"{_WORD}tc")) for row in item.findall(f"{_WORD}tr")
            ]
            tables.append(ReadTable("", tuple(row for row in rows if row)))
    inside = {id(p) for table in root.iter(f"{_WORD}tbl") for p in table.iter(f"{_WORD}p")}
    for item in root.iter(f"{_WORD}p"):
        if id(item) not in inside and (text := tidy(_words(item))):
            blocks.append(Block(text, text))
    return ReadDocument(path, (), tuple(blocks), tuple(tables))


def _words(item: ElementTree.Element) -> str:
    parts = []
    for node in item.iter():
        if node.tag == f"{_WORD}t":
            parts.append(node.text or "")
        elif node.tag in (f"{_WORD}tab", f"{_WORD}br", f"{_WORD}cr"):
            parts.append(" ")
        elif node.tag == f"{_WORD}noBreakHyphen":
            parts.append("-")
    return "".join(parts)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise absent(path) from None


def absent(path: Path) -> InputError:
    """Return the error for a document that is not there."""
    return InputError(
        Problem("no such file", "a rendered document", "render the documents first (dvc repro)", file=path)
    )
