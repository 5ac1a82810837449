"""Test statistics as baseline tables print them: t = 1.76, a column of chi-square values, Z beside t under one heading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from vcfstats.audit.table.cells import Printed, clean, is_missing, number_text, printed
from vcfstats.audit.table.columns import plain

_N = r"(?:\d+(?:\.\d+)?|\.\d+)"


@dataclass(frozen=True)
class Statistic:
    """A printed test statistic: what it is called (t, z, F, chi-square, or empty where nothing says it), its size, its cell."""

    name: str
    figure: Printed
    row: int
    column: int


def statistic_name(name: str, printed_as: str) -> str | None:
    """Return which statistic a heading or a cell speaks of, empty where any, None where none."""
    if re.search(r"/", printed_as) and re.search(r"[χ²2]|chi|\b[tzfu]\b", printed_as, re.IGNORECASE):
        return ""
    for said, pattern in (
        ("chi-square", r".*\bchi\b.*|x ?2|x|c2|chi2?|chi square.*"),
        ("t", r"t|t value|t statistic"),
        ("z", r"z|z value|u"),
        ("F", r"f|f value"),
    ):
        if re.fullmatch(pattern, name) or (said == "chi-square" and re.search(r"χ", printed_as)):
            return said
    return "" if re.fullmatch(r"(test )?(statistics?|statistical values?|test values?)( values?)?", name) else None


def read_statistic(value: Any, heading: str, row: int, column: int) -> Statistic | None:
    """Read 3.21, t = -1.76, chi-square 0.03: without its sign, since tests here are two-sided."""
    if is_missing(value):
        return None
    text = clean(number_text(value))
    found = re.fullmatch(rf"(?:([a-zA-Zχ²\d^ -]*?)\s*=\s*)?[-+]?\s*({_N})\s*[*a-d]?", text)
    if not found:
        return None
    own = statistic_name(plain(found.group(1)), found.group(1)) if found.group(1) else None
    name = own if own is not None else statistic_name(plain(heading), heading)
    return None if name is None else Statistic(name, printed(found.group(2)), row, column)
