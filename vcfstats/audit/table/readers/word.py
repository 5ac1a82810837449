"""Word documents: tables with merged cells, captions above them, and the paragraphs between."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from vcfstats.audit.table.readers.document import Document, Grid, Records, is_title, mark_free
from vcfstats.audit.table.readers.packed import Archive

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_NEAR = 3  # paragraphs above a table among which its caption is looked for


def read_word(path: Path) -> Document:
    """Return the tables and paragraphs of a .docx file.

    Raises
    ------
    InputError
        Not a Word document.
    """
    archive = Archive(path, "a Word document (.docx)")
    root = archive.xml("word/document.xml")
    body = root.find(f"{_W}body")
    if body is None:
        raise archive.refused("word/document.xml without a body")
    found = Document()
    recent: list[str] = []
    for element in _blocks(body):
        if element.tag == f"{_W}p":
            if text := _text(element).strip():
                found.paragraphs.append(text)
                recent.append(text)
        else:
            title = next((text for text in reversed(recent[-_NEAR:]) if is_title(text)), "")
            recent = []
            found.grids.append(_grid(element, title))
    return found


def _blocks(element: Element) -> list[Element]:
    """Return the paragraphs and tables below an element, through content controls and accepted insertions."""
    blocks = []
    for child in element:
        if child.tag in (f"{_W}p", f"{_W}tbl"):
            blocks.append(child)
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml", f"{_W}smartTag"):
            blocks += _blocks(child)
    return blocks


def _inside(element: Element, tag: str) -> list[Element]:
    """Return the children of a kind, through content controls."""
    found = []
    for child in element:
        if child.tag == f"{_W}{tag}":
            found.append(child)
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins"):
            found += _inside(child, tag)
    return found


def _grid(table: Element, title: str) -> Grid:
    records: Records = []
    headings = 0
    open_cells: dict[int, str] = {}  # column -> text of the cell that goes on downwards
    for row in _inside(table, "tr"):
        properties = row.find(f"{_W}trPr")
        skipped = properties.find(f"{_W}gridBefore") if properties is not None else None
        record = [""] * int(skipped.get(f"{_W}val", "0") if skipped is not None else 0)
        for cell in _inside(row, "tc"):
            own = cell.find(f"{_W}tcPr")
            span = own.find(f"{_W}gridSpan") if own is not None else None
            merge = own.find(f"{_W}vMerge") if own is not None else None
            column = len(record)
            text = "\n".join(part for block in _blocks(cell) if (part := _text(block).strip()))
            if merge is None:
                open_cells.pop(column, None)
            elif merge.get(f"{_W}val") == "restart":
                open_cells[column] = text
            else:
                text = text or open_cells.get(column, "")
            record += [text, *[""] * (int(span.get(f"{_W}val", "1") if span is not None else 1) - 1)]
        if headings == len(records) and properties is not None and properties.find(f"{_W}tblHeader") is not None:
            headings += 1
        records.append(record)
    return Grid(title, records, headings if headings < len(records) else 0)


def _text(element: Element) -> str:
    """Return the words of a paragraph, footnote marks and deleted words left out."""
    parts = []
    for run in element.iter():
        if run.tag == f"{_W}r":
            raised = run.find(f"{_W}rPr/{_W}vertAlign")
            words = "".join(_character(child) for child in run)
            parts.append(mark_free(words) if raised is not None and raised.get(f"{_W}val") == "superscript" else words)
        elif run.tag == f"{_W}tbl":
            parts.append(" ")
    return "".join(parts)


def _character(element: Element) -> str:
    if element.tag == f"{_W}t":
        return element.text or ""
    if element.tag == f"{_W}sym":
        # Symbol fonts: plus-minus, less or equal, greater or equal, as Word's dialog inserts them.
        return {"F0B1": "±", "F0A3": "≤", "F0B3": "≥", "F063": "χ"}.get(element.get(f"{_W}char", "").upper(), "?")
    return {f"{_W}tab": " ", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}.get(element.tag, "")
