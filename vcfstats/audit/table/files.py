"""Files that people hold, turned into tables: text, Markdown, HTML, Word, Excel and PDF, as printed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd

from vcfstats.audit.table.headings import frames_of
from vcfstats.audit.table.readers.document import Document, Grid, is_title
from vcfstats.audit.table.readers.excel import read_excel
from vcfstats.audit.table.readers.pasted import read_delimited, read_pasted
from vcfstats.audit.table.readers.portable import read_portable
from vcfstats.audit.table.readers.web import read_web
from vcfstats.audit.table.readers.word import read_word
from vcfstats.contracts.errors import InputError, Problem

ALLOWED = "a .docx, .xlsx, .pdf, .html, .md, .txt, .tsv or .csv file, or - for text pasted to the terminal"
_OLD = {
    ".doc": ".docx",
    ".xls": ".xlsx",
    ".rtf": ".docx",
    ".odt": ".docx",
    ".ods": ".xlsx",
    ".xlsm": ".xlsx",
    ".pages": ".docx",
}
_PROSE = {".docx", ".html", ".htm", ".pdf"}  # manuscripts, whose sentences are held against their tables
_FIGURED = re.compile(r"\d\.\d|\d ?%")
# Sections that speak of other papers' figures.
_ELSEWHERE = re.compile(
    r"^\W*(?:\d+\.?\s*)?(?:introduction|background|discussion|references|related work|literature)\W*$", re.IGNORECASE
)
_OWN = re.compile(
    r"^\W*(?:\d+\.?\s*)?(?:abstract|summary|results?|findings|methods?|materials and methods|conclusions?)\b.{0,20}$",
    re.IGNORECASE,
)


def read_tables(path: Path) -> list[pd.DataFrame]:
    """Return the tables of a file, and of a manuscript its sentences with figures as claims.

    A text file in which nothing is a table is read as one claim a line.

    Raises
    ------
    InputError
        No such file, one of another kind, or no table in it.
    """
    document = _document(path)
    frames = [frame for grid in document.grids for frame in frames_of(grid)]
    for number, frame in enumerate(frames, start=1):
        frame.attrs.setdefault("title", "")
        frame.attrs["place"] = number
    sentences = _sentences(document.paragraphs) if frames and path.suffix.lower() in _PROSE else []
    if sentences:
        claims = pd.DataFrame({"claim": sentences}, dtype=object)
        claims.attrs["prose"] = True
        frames.append(claims)
    elif not frames and document.paragraphs and path.suffix.lower() not in _PROSE:
        frames = [pd.DataFrame({"claim": document.paragraphs}, dtype=object)]
    if not frames:
        problem = Problem("no table", "a heading and at least one row below it", "export the table as CSV with its heading", file=path)  # fmt: skip
        raise InputError(problem)
    return frames


def _document(path: Path) -> Document:
    suffix = path.suffix.lower()
    if str(path) == "-":
        text = sys.stdin.read()
        return (
            read_web(text) if re.match(r"\s*<(?:!doctype|html|table|meta)", text, re.IGNORECASE) else read_pasted(text)
        )
    if not path.is_file():
        raise InputError(Problem("no such file", ALLOWED, "check the path", file=path))
    if suffix in _OLD:
        raise InputError(Problem(f"a {suffix} file", ALLOWED, f"save it as {_OLD[suffix]}", file=path))
    if suffix == ".docx":
        return read_word(path)
    if suffix == ".xlsx":
        return Document(read_excel(path))
    if suffix == ".pdf":
        return read_portable(path)
    text = _text(path)
    if suffix in {".html", ".htm", ".xhtml"}:
        return read_web(text)
    if suffix in {".txt", ".md", ".markdown"}:
        return read_pasted(text)
    return Document([Grid("", read_delimited(text))] if text.strip() else [])


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:4096] or data[:4] in (b"PK\3\4", b"%PDF"):
        raise InputError(
            Problem(
                "a binary file", ALLOWED, "give the file its own ending, or export the sheet as CSV (UTF-8)", file=path
            )
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # what spreadsheets write where UTF-8 was not asked for


def _sentences(paragraphs: list[str]) -> list[str]:
    """Return the sentences of a paper's own results that hold figures: what the introduction and discussion cite is others'."""
    found, own = [], True
    for paragraph in paragraphs:
        if _ELSEWHERE.match(paragraph):
            own = False
        elif _OWN.match(paragraph):
            own = True
        elif own and not is_title(paragraph):
            found += [s.strip() for s in re.split(r"(?<=[.;])\s+(?=[A-Z])", paragraph) if _FIGURED.search(s)]
    return found
