"""A PDF read back: its words in order, and those that no reader can read, off the page or printed over one another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from vcfstats.audit.documents.reading import Block, ReadTable, absent, tidy
from vcfstats.audit.documents.sources import numbers
from vcfstats.contracts.errors import InputError, Problem

_CAPTION = re.compile(r"(?:Table|Figure) S?\d+\. ")
_HYPHEN = re.compile("(?<=\\w)\\s*[-\u00ad\u2010]\\s*(?=\\d)")
_EDGE = 1.0  # points beyond the page's edge at which words count as off it
# No letter of a text font is narrower on average; a run of fewer letters than this says too little.
_NARROWEST, _SHORTEST = 0.28, 4
# Lines stand further apart than this share of the type's size, or they are one line.
_ONE_LINE = 0.6


@dataclass(frozen=True)
class Run:
    """Words that a PDF sets in one go, from a point rightwards; all in points."""

    text: str
    x: float
    y: float
    size: float

    @property
    def end(self) -> float:
        """A point that the words reach at least."""
        return self.x + _NARROWEST * self.size * len(self.text)


@dataclass(frozen=True)
class ReadPdf:
    """A PDF read back.

    Attributes
    ----------
    path : Path
        The file.
    text : str
        The words that can be read, page after page.
    lost : tuple of str
        Words that cannot, and where.
    """

    path: Path
    text: str
    lost: tuple[str, ...]


def read_pdf(path: Path) -> ReadPdf:
    """Read a PDF, of Quarto or of the offline path."""
    try:
        pages = _pages(path.read_bytes())
    except FileNotFoundError:
        raise absent(path) from None
    except PyPdfError as error:
        raise InputError(Problem(f"no PDF ({error})", "a rendered document", "render it again", file=path)) from None
    lost, kept = [], []
    for number, (runs, box) in enumerate(pages, 1):
        off = [run for run in runs if not _on_page(run, box)]
        lost += [f"{run.text.strip()!r} off page {number}" for run in off]
        lost += [
            f"{one.text.strip()!r} over {other.text.strip()!r} on page {number}" for one, other in overprinted(runs)
        ]
        kept.append(_joined([run for run in runs if _on_page(run, box)]))
    return ReadPdf(path, " ".join(kept), tuple(lost))


@lru_cache(maxsize=4)  # pages full of curves take ten seconds
def _pages(content: bytes) -> list[tuple[list[Run], list[float]]]:
    return [(_runs(page), [float(edge) for edge in page.mediabox]) for page in PdfReader(BytesIO(content)).pages]


def _runs(page: Any) -> list[Run]:
    runs: list[Run] = []

    def take(text: str, outer: Sequence[float], inner: Sequence[float], font: Any, size: float) -> None:
        if text.strip():
            x = inner[4] * outer[0] + inner[5] * outer[2] + outer[4]
            y = inner[4] * outer[1] + inner[5] * outer[3] + outer[5]
            runs.append(Run(text.replace("\n", " "), x, y, float(size)))

    page.extract_text(visitor_text=take)
    return runs


def _joined(runs: Sequence[Run]) -> str:
    """Return words as one text; within a line the reader has set the blanks, between lines there is one."""
    parts: list[str] = []
    for before, run in zip([None, *runs], runs, strict=False):
        parts.append(run.text if before is not None and abs(run.y - before.y) < _EDGE else f" {run.text}")
    return "".join(parts)


def _on_page(run: Run, box: Sequence[float]) -> bool:
    left, bottom, right, top = box
    return left - _EDGE <= run.x and run.end <= right + _EDGE and bottom - _EDGE <= run.y <= top + _EDGE


def overprinted(runs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Return pairs of runs that cover one another, each run at most once as the first."""
    long = sorted((run for run in runs if len(run.text.strip()) >= _SHORTEST), key=lambda run: (run.y, run.x))
    found = []
    for at, one in enumerate(long):
        for other in long[at + 1 :]:
            if other.y - one.y > _ONE_LINE * max(one.size, other.size):
                break
            left, right = sorted((one, other), key=lambda run: run.x)
            if right.x < left.end - left.size and (left.text, left.x, left.y) != (right.text, right.x, right.y):
                found.append((one, other))
                break
    return found


def missing(pdf: ReadPdf, blocks: Sequence[Block], tables: Sequence[ReadTable]) -> list[str]:
    """Return what of a page (its blocks and labelled tables) a PDF lacks: captions, numbers of tables, numbers of the text.

    Figures and their captions may stand elsewhere in a PDF, tables follow one another: the numbers of each are looked for
    between its caption and the next table's.
    """
    compact, where = _compact(pdf.text)
    captions = [block.text for block in blocks if _CAPTION.match(block.text)]
    lacks = [f"no caption {text[:70]!r}" for text in captions if _start(text) not in compact]
    of_tables = [text for text in captions if text.startswith("Table")]
    starts = [compact.find(_start(text)) for text in of_tables]
    if len(of_tables) == len(tables):
        for at, (caption, table) in enumerate(zip(of_tables, tables, strict=True)):
            if starts[at] < 0:
                continue
            later = [start for start in starts[at + 1 :] if start > starts[at]]
            segment = pdf.text[where[starts[at]] : where[min(later)] if later else len(pdf.text)]
            gone = _gone([cell for row in table.rows for cell in row], segment)
            if gone:
                label = caption.partition(". ")[0]
                lacks.append(_said(gone, label))
    else:
        lacks.append(f"{len(of_tables)} captions of tables for {len(tables)} tables")
    if gone := _gone([block.text for block in blocks], pdf.text):
        lacks.append(_said(gone, "the text"))
    return lacks


def _said(gone: Sequence[str], where: str) -> str:
    return f"{len(gone)} number{'s' if len(gone) > 1 else ''} of {where} missing, such as {', '.join(gone[:3])}"


def _gone(wanted: Sequence[str], text: str) -> list[str]:
    """Return the numbers of texts that another text lacks; a hyphen within a name, where a line may break, is no minus."""
    asked = Counter(number for said in wanted for number in numbers(_HYPHEN.sub(" ", tidy(said))))
    return list((asked - Counter(numbers(_HYPHEN.sub(" ", tidy(text))))).elements())


def _start(caption: str) -> str:
    return _compact(caption)[0][:40]


def _compact(text: str) -> tuple[str, list[int]]:
    """Return a text without blanks and hyphens, which lines end with, and where each of its letters stands in the text."""
    kept = [(letter, at) for at, letter in enumerate(text) for letter in tidy(letter) if letter not in "-\u00ad\u2010"]
    return "".join(letter for letter, _ in kept), [at for _, at in kept]
