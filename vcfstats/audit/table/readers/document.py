"""What a reader returns: the tables of a file as lines of cells, and its prose."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

Records = list[list[str]]

# "Table 2. ...", "Supplementary Table S3", "Tabelle 1:", "Tab. 4", "表2"; a sentence that merely begins so has a verb behind.
_TITLE = re.compile(
    r"(?:(?:suppl\w*\.?|online|additional|e)\s*)?(?:tab(?:le|elle|leau)?s?\.?\s*[SAE]?-?\d+[A-Za-z]?|表\s*S?\d+)(?=[\s.:,|(\u3000]|$)",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"^[\s.:]*(?:and \S+ )?(?:shows?|presents?|lists?|summari[sz]es|gives?|reports?|displays?|describes?|compares?|is|are|was)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Grid:
    """A table as lines of cells; cells covered by a wider neighbour are empty, those under a taller one repeat it.

    `headings` is the number of heading lines where the file says it, 0 where it does not.
    """

    title: str
    records: Records
    headings: int = 0


@dataclass(frozen=True)
class Document:
    """The tables and the paragraphs of a file, in their order."""

    grids: list[Grid] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)


def is_title(text: str) -> bool:
    """Say whether a line is a table's title and not a sentence about it."""
    found = _TITLE.match(text.strip())
    return found is not None and not _VERB.match(text.strip()[found.end() :])


def mark_free(text: str) -> str:
    """Return a superscript if it is a figure such as an exponent; nothing where it is a footnote's mark."""
    return "" if re.fullmatch(r"[\s,]*(?:[a-z]|[*†‡§¶#‖|]+)(?:[\s,]*(?:[a-z]|[*†‡§¶#‖|]+))*[\s,]*", text) else text
