"""CSV files with one or more tables, read as text so that no printed zero is lost."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from vcfstats.audit.table.cells import is_missing, read_cell
from vcfstats.audit.table.columns import metric_count
from vcfstats.contracts.errors import InputError, Problem


def read_tables(path: Path) -> list[pd.DataFrame]:
    """Return the tables of a file; blank lines, or a heading that comes again, part them.

    A line with a single cell above a heading is the table's title (``frame.attrs["title"]``). A ``.txt`` file is read as
    one claim a line.

    Raises
    ------
    InputError
        No such file, not text, or no table in it.
    """
    text = _text(path)
    if path.suffix.lower() in {".txt", ".md"}:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        frames = [pd.DataFrame({"claim": lines}, dtype=object)] if lines else []
    else:
        frames = _frames(_records(text))
    if not frames:
        problem = Problem("no table", "a heading and at least one row below it, cells parted by commas, semicolons or tabs",
                          "export the table as CSV with its heading", file=path)  # fmt: skip
        raise InputError(problem)
    return frames


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError(Problem("no such file", "a CSV or text file", "check the path", file=path))
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    if b"\0" in data[:4096]:
        raise InputError(Problem("a binary file", "a CSV or text file", "export the sheet as CSV (UTF-8)", file=path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # what spreadsheets write where UTF-8 was not asked for


def _records(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip()]
    counts = {sign: sum(line.count(sign) for line in lines[:50]) for sign in ("\t", ";", ",", "|")}
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


def _frames(records: list[list[str]]) -> list[pd.DataFrame]:
    frames: list[pd.DataFrame] = []
    header: list[str] = []
    title = ""
    body: list[list[str]] = []
    blank = True

    def close() -> None:
        if header and body:
            width = max(len(header), *(len(record) for record in body))
            names = [*header, *("" for _ in range(width - len(header)))]
            frame = pd.DataFrame(
                [[*record, *("" for _ in range(width - len(record)))] for record in body], columns=names, dtype=object
            )
            frame.attrs["title"] = title
            frames.append(frame)

    pending = ""
    for record in records:
        filled = [cell for cell in record if cell.strip()]
        if not filled:
            blank = True
            continue
        alone = len(filled) == 1 and len(header or record) > 1
        if blank and alone and not (header and not body):
            pending = filled[0]
            continue
        heads = _is_heading(record)
        if not header or (heads and (record == header or blank)):
            close()
            header, body, title, pending = list(record), [], pending, ""
        else:
            if pending:
                body.append([pending])
                pending = ""
            body.append(record)
        blank = False
    if pending and header:
        body.append([pending])
    close()
    return frames


def _is_heading(record: list[str]) -> bool:
    """A heading has names of metrics, or words and hardly a figure."""
    if metric_count(record) >= 2:
        return True
    filled = [cell for cell in record if not is_missing(cell)]
    figures = sum(not read_cell(cell).is_empty and not any(c.isalpha() for c in cell) for cell in filled)
    return len(filled) > 1 and figures == 0
