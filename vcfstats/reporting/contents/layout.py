"""What the tables of the documents share."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from vcfstats.reporting import values
from vcfstats.reporting.study import Study


def row_sources(study: Study, name: str, frame: pd.DataFrame | Sequence[int]) -> list[str]:
    """Return the sources of rows that are made one by one from a table of results/, or from rows of it by number."""
    return [study.row_source(name, int(row)) for row in (frame.index if isinstance(frame, pd.DataFrame) else frame)]


def per_parameter(events: float) -> str:
    """Write a number of events per candidate parameter: two decimals, and two more where these would print 0.00."""
    return values.decimal(events, 2 if events >= 0.005 else 4)


def breakable(name: str) -> str:
    """Let a long name break after its dots, slashes and underscores."""
    return name.replace(".", ".\u200b").replace("/", "/\u200b").replace("_", "_\u200b")
