"""Text: CSV, tabs, Markdown, columns held apart by blanks, tables among prose as a clipboard or a PDF gives them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from statistics import median

from vcfstats.audit.table.readers.document import Document, Grid, Records, is_title

_GAP = re.compile(r"\s{2,}|\t")
_FIGURE = re.compile(r"\d")
_LONG = 90  # characters of a line beyond which it is prose, not a table's row
_LEAST = 2  # lines with figures below a heading that make a table of lines held apart by blanks


def read_pasted(text: str) -> Document:
    """Return the tables of a text that may hold prose too; where nothing is a table, its lines are sentences."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    filled = [line for line in lines if line.strip()]
    if sum(line.count("|") >= 2 for line in filled) >= 2:
        return _markdown(lines)
    if sum("\t" in line for line in filled) >= 2:
        return _among_prose(lines, lambda line: "\t" in line, lambda rows: [row.split("\t") for row in rows])
    sign = ";" if _is_list(filled, ";") else "," if _is_list(filled, ",") else ""
    if sign:
        return Document([Grid("", read_delimited("\n".join(lines), sign))])
    found = _among_prose(lines, _is_spaced, _fixed)
    return found if found.grids else Document([], [line.strip() for line in filled])


def read_delimited(text: str, sign: str = "") -> Records:
    """Return the records of a CSV text, its sign found where none is given."""
    lines = [line for line in text.splitlines() if line.strip()]
    counts = {s: sum(line.count(s) for line in lines[:50]) for s in ("\t", ";", ",", "|")}
    if not sign:
        if counts["\t"]:
            sign = "\t"
        elif counts[";"] >= max(len(lines[:50]), 1) and counts[";"] >= counts[","] / 3:
            sign = ";"
        else:
            sign = "," if counts[","] or not counts["|"] else "|"
    return [
        [cell.strip("\ufeff\r") for cell in record]
        for record in csv.reader(text.splitlines(keepends=True), delimiter=sign)
    ]


def _is_list(lines: list[str], sign: str) -> bool:
    """Say whether a sign parts the lines into the same number of cells: prose has commas too, but never as many in each."""
    counts = [len(record) for record in csv.reader(lines, delimiter=sign)]
    most = max(counts, default=1)
    return most >= 3 and sum(count == most for count in counts) >= max(2, 0.7 * len(counts))


def _among_prose(lines: list[str], is_row: Callable[[str], bool], take: Callable[[list[str]], Records]) -> Document:
    """Gather runs of lines that are rows of a table; the lines between are its title or prose."""
    found = Document()
    rows: list[str] = []
    title = ""

    def close() -> None:
        nonlocal rows, title
        while rows and not rows[-1].strip():
            rows.pop()
        if sum(bool(_FIGURE.search(row)) for row in rows) >= 1 and len(rows) >= 2:
            found.grids.append(Grid(title, take(rows)))
            title = ""
        elif rows:
            found.paragraphs.append(" ".join(row.strip() for row in rows if row.strip()))
        rows = []

    for line in lines:
        if is_title(line):
            close()
            if title:
                found.paragraphs.append(title)
            title = " ".join(line.split())
        elif is_row(line):
            rows.append(line)
        elif rows and line.strip() and len(line.strip()) < _LONG / 2 and not re.search(r"[.;:]$", line.strip()):
            rows.append(line)  # a section's line within a table
        elif rows and not line.strip():
            rows.append(line)
            if len(rows) > 2 and not rows[-2].strip():
                close()
        else:
            close()
            if line.strip():
                found.paragraphs.append(line.strip())
    close()
    return found


def _markdown(lines: list[str]) -> Document:
    found = Document()
    records: Records = []
    last = ""

    def close() -> None:
        nonlocal records
        if len(records) > 1:
            found.grids.append(Grid(last if is_title(last) else "", records))
        records = []

    for line in [*lines, ""]:
        bare = line.strip()
        if bare.count("|") >= 2 or (records and "|" in bare):
            if not re.fullmatch(r"[\s|:+=-]+", bare):
                cells = re.split(r"(?<!\\)\|", bare.removeprefix("|").removesuffix("|"))
                records.append([_unmarked(cell) for cell in cells])
        else:
            close()
            if bare:
                last = _unmarked(bare.lstrip("#: "))
                found.paragraphs.append(last)
    return found


def _unmarked(cell: str) -> str:
    """Return a Markdown cell without its emphasis, breaks and superscripts."""
    cell = re.sub(r"<br\s*/?>", "\n", cell)
    cell = re.sub(r"<sup>[^<]*</sup>|</?[a-z]+>", "", cell)
    cell = re.sub(r"\*\*|__|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)", "", cell)
    return cell.replace("\\|", "|").strip()


def _is_spaced(line: str) -> bool:
    """Say whether a line has cells held apart by two blanks or more."""
    cells = [cell for cell in _GAP.split(line.strip()) if cell]
    if len(cells) < 2:
        return False
    # Justified prose has wide gaps too; its pieces are long and hold no figures.
    return median(len(cell) for cell in cells) <= 40


def _fixed(rows: list[str]) -> Records:
    """Part lines by the columns of characters that their rows of figures leave blank.

    Headings may run over several columns, so that they are placed by where they overlap: a heading over two columns
    goes to the first of them.
    """
    rows = [row.expandtabs(8) for row in rows if row.strip()]
    figures = [row for row in rows if len(re.findall(r"\d+[.,]?\d*", row)) >= 2] or rows
    width = max(map(len, rows))
    used = [any(len(row) > at and row[at] != " " for row in figures) for at in range(width + 1)]
    columns: list[tuple[int, int]] = []
    start = None
    gap = 0
    for at, filled in enumerate([*used, False, False]):
        if filled:
            start = at if start is None else start
            gap = 0
        elif start is not None:
            gap += 1
            if gap == 2 or at > width:
                columns.append((start, at - gap + 1))
                start = None
    records = []
    for row in rows:
        record = [""] * len(columns)
        for piece in re.finditer(r"\S+(?: \S+)*", row):
            at = max(
                range(len(columns)),
                key=lambda c: (
                    min(piece.end(), columns[c][1]) - max(piece.start(), columns[c][0]) > 0,
                    -c if min(piece.end(), columns[c][1]) > max(piece.start(), columns[c][0])
                    else -min(abs(piece.start() - columns[c][1]), abs(piece.end() - columns[c][0])),
                ),
            )  # fmt: skip
            record[at] = f"{record[at]} {piece.group()}".strip()
        records.append(record)
    return records
