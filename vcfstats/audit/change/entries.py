"""Tables of results as entries: each estimate of each row has a key of its own, as a result record has."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pandas as pd

from vcfstats.audit.change.revision import Revision

# Columns that may hold numbers and yet name a row.
_NAMES = {"level", "reference", "group", "panel", "case"}
_P = ("p_adjusted", "p_value")


def entries_of(name: str, text: str, level: float | None) -> dict[str, dict[str, Any]]:
    """Return the estimates of one table, ``comparison/testing/dlrn/clinical/difference`` -> a body like a record's.

    A row is addressed by the fewest leading columns of words that tell all rows apart; a table without them is a curve, of
    which no point is a result. An estimate is the column before ``low`` and ``high`` (or before ``adjusted_low``, ...), with the
    p value that stands after; a p value without an estimate is an entry by itself.
    """
    frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    address = _address(frame)
    if not address:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for row in frame.to_dict("records"):
        place = "/".join([name, *(str(row[column]) for column in address if row[column])])
        for estimate, low, high, p in _estimates(list(frame.columns)):
            body = {
                "value": _number(row[estimate]),
                "ci_low": _number(row.get(low, "")),
                "ci_high": _number(row.get(high, "")),
                "p_value": _number(row.get(p, "")),
                "level": level if low else None,
                "estimate": estimate,
            }
            if any(body[part] is not None for part in ("value", "p_value")):
                found[f"{place}/{estimate}"] = body
    return found


def table_entries(revision: Revision) -> dict[str, dict[str, Any]]:
    """Return the estimates of all tables of a revision."""
    level = (revision.records.get("design/confidence_level") or {}).get("value")
    return {key: body for name, text in revision.tables.items() for key, body in entries_of(name, text, level).items()}


def rows_changed(old: str, new: str) -> int:
    """Return how many rows of a table are not on both sides, counted on the longer side."""
    before, after = (Counter(text.splitlines()[1:]) for text in (old, new))
    return max((before - after).total(), (after - before).total())


def _address(frame: pd.DataFrame) -> list[str]:
    words = [str(column) for column in frame if column in _NAMES or not _is_numeric(frame[column])]
    for count in range(1, len(words) + 1):
        if not frame.duplicated(words[:count]).any():
            return words[:count]
    return []


def _is_numeric(column: pd.Series) -> bool:
    given = column[column != ""]
    return bool(len(given)) and bool(pd.to_numeric(given, errors="coerce").notna().all())


def _estimates(columns: list[str]) -> list[tuple[str, str, str, str]]:
    """Return (estimate, low, high, p) of a table's columns; empty names where there are none."""
    found = []
    for at, column in enumerate(columns):
        if at and column.endswith("low") and columns[at + 1 : at + 2] == [column[: -len("low")] + "high"]:
            prefix = column[: -len("low")]
            p = next((f"{prefix}{name}" for name in _P if f"{prefix}{name}" in columns), "")
            found.append((columns[at - 1], column, f"{prefix}high", p))
    if not found and "p_value" in columns:
        found.append(("p_value", "", "", "p_value"))
    return found


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
