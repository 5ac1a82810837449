"""Tables of text as spreadsheets and statistics programs write them: every cell as it is written, or one error that says why not."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vcfstats.contracts.errors import InputError, Problem

# Separators by the names that messages give them.
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_AS_CSV = "open it in the spreadsheet and save it as `CSV UTF-8`"
# What the first bytes of a file say that is no text.
_BINARY = {
    b"PK\x03\x04": ("an Excel or LibreOffice workbook", _AS_CSV),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", _AS_CSV),
    b"\x1f\x8b": ("a file compressed by gzip", "unpack it"),
    b"%PDF": ("a PDF", "export the table as `CSV UTF-8`"),
}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_UTF8 = "text in UTF-8, or in UTF-16 with its byte order mark"
# Control characters, byte order marks within the text, and what stands for a letter that was lost.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffd-\uffff]")
_CELL_LIMIT = 1_000_000  # characters; csv's own limit is 131,072


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are text, spaces around them taken away; an empty cell is the empty text.

    Attributes
    ----------
    path : Path
        The file.
    cells : DataFrame
        Index: the line of the file in which the row begins.
    separator : str
        What stands between cells.
    encoding : str
        Of the file, in print.
    problems : tuple of Problem
        Warnings: what was left out.
    """

    path: Path
    cells: pd.DataFrame
    separator: str
    encoding: str
    problems: tuple[Problem, ...] = ()

    def __str__(self) -> str:
        """Say what was read."""
        rows, columns = self.cells.shape
        return (
            f"{self.path.name}: {rows} row{'' if rows == 1 else 's'}, {columns} column{'' if columns == 1 else 's'}, "
            f"separated by {SEPARATORS[self.separator]}, {self.encoding}"
        )


def read_text_table(path: Path, *, what: str, mend: str) -> TextTable:
    """Read a table separated by comma, semicolon or tab, whichever its header and rows agree with.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it should be, for messages.
    mend : str
        What to do where there is no such file.

    Raises
    ------
    InputError
        No such file, no text, cells that a row lacks or has too many, a column that stands twice, no rows.
    """
    text, encoding = _text(_bytes(path, what, mend), path)
    _refuse_control_characters(text, path)
    separator, rows = _parsed(text, path)
    if not rows:
        raise InputError(Problem("an empty file", what, "fill the table", file=path))
    (_, header), *body = rows
    _refuse_ragged(header, body, separator, path)
    names = [name.strip() for name in header]
    cells = pd.DataFrame(
        [[cell.strip() for cell in row] for _, row in body],
        index=pd.Index([line for line, _ in body], name="line"),
        columns=range(len(names)),
        dtype=object,
    )
    warnings = _over_several_lines(cells, separator, path)
    nameless = [at for at, name in enumerate(names) if not name]
    filled = [at for at in nameless if (cells[at] != "").any()]
    warnings += [
        Problem(
            f"values without a name in column {at + 1}, such as {shown(next(cell for cell in cells[at] if cell))}",
            "a name in the first line for every column",
            "name the column; it is not read",
            file=path,
            warning=True,
        )
        for at in filled
    ]
    cells = cells.drop(columns=nameless).set_axis([name for name in names if name], axis=1)
    _refuse_columns_twice(cells, path)
    if cells.empty:
        raise InputError(Problem("no rows", what, "fill the table", file=path))
    return TextTable(path, cells, separator, encoding, tuple(warnings))


def shown(value: object, most: int = 60) -> str:
    """Return a value as messages show it: quoted, what cannot be seen written out, what is long cut short."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 4]}...{text[-1]}"


def folded(text: str) -> str:
    """Return what two texts share that differ only in case, spaces or the way in which Unicode writes a letter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _bytes(path: Path, what: str, mend: str) -> bytes:
    if not path.is_file():
        found = "no regular file" if path.exists() else "no such file"
        raise InputError(Problem(found, what, mend, file=path))
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(Problem(f"a file that cannot be read ({error.strerror})", what, mend, file=path)) from None


def _text(raw: bytes, path: Path) -> tuple[str, str]:
    for start, (found, mend) in _BINARY.items():
        if raw.startswith(start):
            raise InputError(Problem(found, _UTF8, f"{mend}, under the name that params.yaml gives", file=path))
    codec, name = next(((codec, name) for mark, codec, name in _BYTE_ORDER_MARKS if raw.startswith(mark)), ("utf-8", "UTF-8"))  # fmt: skip
    try:
        return raw.decode(codec), name
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        begin = raw.rfind(b"\n", 0, error.start) + 1
        around = raw[max(begin, error.start - 12) : error.start + 12].split(b"\n")[0].split(b"\r")[0]
        guess = f": {around.decode('cp1252', errors='replace')!r}, if it is Windows text" if name == "UTF-8" else ""
        raise InputError(
            Problem(
                f"no {name} in line {line} (byte 0x{raw[error.start]:02X}{guess})",
                _UTF8,
                "which letters are meant cannot be told: save the table again as `CSV UTF-8`",
                file=path,
            )
        ) from None


def _refuse_control_characters(text: str, path: Path) -> None:
    found = _CONTROL.search(text)
    if found is None:
        return
    at = found.start()
    before = re.split(r"[\n\r]", text[max(0, at - 12) : at])[-1]
    after = re.split(r"[\n\r]", text[at : at + 12])[0]
    raise InputError(
        Problem(
            f"the character U+{ord(text[at]):04X} in line {text.count(chr(10), 0, at) + 1} (in {(before + after)!r})",
            f"{_UTF8}, without control characters and lost letters",
            "save the table again as `CSV UTF-8`, and look at this line",
            file=path,
        )
    )


def _parsed(text: str, path: Path) -> tuple[str, list[tuple[int, list[str]]]]:
    """Return the separator and the rows that are not empty, each with the line in which it begins."""
    named = re.match(r"sep=(.)\r?\n", text)  # a line that Excel writes and reads
    if named:
        candidates, text, first = [named[1]], text[named.end() :], 2
        if named[1] not in SEPARATORS:
            raise InputError(
                Problem(f"sep={named[1]} in the first line", f"one of {' '.join(map(repr, SEPARATORS))}", "save it again as `CSV UTF-8`", file=path)
            )  # fmt: skip
    else:
        candidates, first = list(SEPARATORS), 1
    ways: list[tuple[tuple[bool, int], str, list[tuple[int, list[str]]]]] = []
    failed: dict[str, InputError] = {}
    for separator in candidates:
        try:
            rows = _rows(text, separator, first, path)
        except InputError as error:
            failed[separator] = error
            continue
        width = len(rows[0][1]) if rows else 0
        ways.append(((width > 1 and all(len(row) == width for _, row in rows), width), separator, rows))
    header = text.splitlines()[0] if text.strip() else ""
    # A quotation mark that does not end makes every way fail, or all but those that the header does not know.
    likely = max(candidates, key=header.count)
    if likely in failed and header.count(likely):
        raise failed[likely]
    if not ways:
        raise next(iter(failed.values()))
    ways.sort(key=lambda way: way[0], reverse=True)
    if len(ways) > 1 and ways[0][0] == ways[1][0] and ways[0][0][1] > 1:
        one, other = (SEPARATORS[way[1]] for way in ways[:2])
        raise InputError(
            Problem(
                f"{ways[0][0][1]} columns by {one} and as many by {other}",
                "one separator that is not in the cells",
                "put cells that hold the other character in quotation marks",
                file=path,
            )
        )
    return ways[0][1], ways[0][2]


def _rows(text: str, separator: str, first: int, path: Path) -> list[tuple[int, list[str]]]:
    csv.field_size_limit(_CELL_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows, begins = [], first
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((begins, row))
            begins = reader.line_num + first
    except csv.Error as error:
        raise InputError(
            Problem(
                f"a row that begins in line {begins} and cannot be read ({error})",
                "cells without quotation marks, or with one at either end and two for each within",
                "look at the quotation marks of this line, or save the table again as `CSV UTF-8`",
                file=path,
            )
        ) from None
    return rows


def _refuse_ragged(header: list[str], body: list[tuple[int, list[str]]], separator: str, path: Path) -> None:
    problems = [
        Problem(
            f"{len(row)} cells in line {line} ({shown(separator.join(row))})",
            f"{len(header)}, as in the first line",
            f"correct the line: cells that hold a {SEPARATORS[separator]} stand in quotation marks, empty cells at the end "
            "of a row keep their separator, row numbers have a name in the first line",
            file=path,
        )
        for line, row in body
        if len(row) != len(header)
    ]
    if problems:
        raise InputError(problems)


def _over_several_lines(cells: pd.DataFrame, separator: str, path: Path) -> list[Problem]:
    return [
        Problem(
            f"a cell over several lines in line {line}: {shown(cell)}",
            "quotation marks around one cell",
            "look whether a quotation mark is missing, so that rows were taken for one",
            file=path,
            warning=True,
        )
        for line, row in cells.iterrows()
        for cell in row
        if separator in cell and ("\n" in cell or "\r" in cell)
    ]


def _refuse_columns_twice(cells: pd.DataFrame, path: Path) -> None:
    problems = []
    for name, count in Counter(cells.columns).items():
        if count > 1:
            same = cells.loc[:, cells.columns == name]
            differ = int((same.nunique(axis=1) > 1).sum())
            problems.append(
                Problem(
                    f"{count} columns named {shown(name)}, "
                    + (
                        f"whose cells differ in {differ} row{'' if differ == 1 else 's'}"
                        if differ
                        else "all cells alike"
                    ),
                    "each name once",
                    "rename or remove one",
                    file=path,
                )
            )
    if problems:
        raise InputError(problems)
