"""Excel workbooks: the cells as the sheet shows them, zeros and percent signs of the number formats included."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from xml.etree.ElementTree import Element

from vcfstats.audit.table.readers.document import Grid, Records
from vcfstats.audit.table.readers.packed import Archive

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_BUILT_IN = {1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00"}
_MOST_CELLS = 200_000


def read_excel(path: Path) -> list[Grid]:
    """Return one grid for each sheet, hidden ones too, under the sheet's name where there are several.

    Raises
    ------
    InputError
        Not a workbook, or one too large for a paper's tables.
    """
    archive = Archive(path, "an Excel workbook (.xlsx)")
    book = archive.xml("xl/workbook.xml")
    targets = {link.get("Id"): link.get("Target", "") for link in archive.xml("xl/_rels/workbook.xml.rels")}
    shared = (
        [_words(item) for item in archive.xml("xl/sharedStrings.xml")] if archive.has("xl/sharedStrings.xml") else []
    )
    formats = _formats(archive)
    sheets = book.findall(f"{_S}sheets/{_S}sheet")
    grids = []
    for sheet in sheets:
        target = targets.get(sheet.get(f"{_R}id"), "").lstrip("/")
        part = target if target.startswith("xl/") else f"xl/{target}"
        records = _records(archive.xml(part), shared, formats, archive)
        if any(cell for record in records for cell in record):
            grids.append(Grid(sheet.get("name", "") if len(sheets) > 1 else "", records))
    return grids


def _records(root: Element, shared: list[str], formats: list[str], archive: Archive) -> Records:
    cells: dict[tuple[int, int], str] = {}
    for row in root.iter(f"{_S}row"):
        for cell in row.iter(f"{_S}c"):
            if (text := _shown(cell, shared, formats)) and (place := _place(cell.get("r", ""))):
                cells[place] = text
    for merged in root.iter(f"{_S}mergeCell"):
        first, _, last = merged.get("ref", "").partition(":")
        one, two = _place(first), _place(last)
        if one and two:
            for row_number in range(one[0] + 1, two[0] + 1):
                cells.setdefault((row_number, one[1]), cells.get(one, ""))
    if not cells:
        return []
    height, width = (max(place[side] for place in cells) + 1 for side in (0, 1))
    if height * width > _MOST_CELLS:
        raise archive.refused(f"a sheet of {height:,} x {width:,} cells, more than any printed table")
    return [[cells.get((r, c), "") for c in range(width)] for r in range(height)]


def _place(reference: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"\$?([A-Z]{1,3})\$?(\d{1,7})", reference)
    if not found:
        return None
    column = 0
    for letter in found.group(1):
        column = 26 * column + ord(letter) - 64
    return int(found.group(2)) - 1, column - 1


def _words(item: Element) -> str:
    """Return a text, the readings that East Asian editors put beside it left out."""
    own = [part.text or "" for part in item.findall(f"{_S}t")]
    return "".join(own + [part.text or "" for run in item.findall(f"{_S}r") for part in run.findall(f"{_S}t")])


def _shown(cell: Element, shared: list[str], formats: list[str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{_S}v", "")
    if kind == "inlineStr":
        inline = cell.find(f"{_S}is")
        return _words(inline) if inline is not None else ""
    if kind == "s":
        return shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""
    if kind in ("str", "e", "d"):
        return value
    style = cell.get("s", "0")
    return _number(value, formats[int(style)] if style.isdigit() and int(style) < len(formats) else "")


def _number(value: str, code: str) -> str:
    """Print a number by its format: decimals and percent sign; without one, as short as it was typed."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    shape = re.search(r"0(?:\.(0+))?(?!.*E\+)", code.split(";")[0])
    if shape is None:
        short = f"{float(number):.12g}"  # what binary arithmetic added beyond the twelfth digit nobody typed
        return short if "e" not in short else f"{number:f}"
    percent = "%" in code
    places = len(shape.group(1) or "")
    scaled = number * 100 if percent else number
    return f"{scaled.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):f}{'%' if percent else ''}"


def _formats(archive: Archive) -> list[str]:
    if not archive.has("xl/styles.xml"):
        return []
    root = archive.xml("xl/styles.xml")
    own = {item.get("numFmtId"): item.get("formatCode", "") for item in root.iter(f"{_S}numFmt")}
    used = root.find(f"{_S}cellXfs")
    ids = [style.get("numFmtId", "0") for style in used] if used is not None else []
    return [own.get(number, _BUILT_IN.get(int(number), "") if number.isdigit() else "") for number in ids]
