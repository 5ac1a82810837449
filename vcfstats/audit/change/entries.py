"""Tables of results as entries: each estimate of each row has a key of its own, as a result record has."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pandas as pd

from vcfstats.audit.change.revision import Revision
from vcfstats.contracts.study import TABLES, WORDS

# Where text that is itself a result stands among the words: the columns that name a row.
_NAMED_BY = {"baseline": ("variable", "level"), "regression": ("variable", "level")}
_P = ("p_adjusted", "p_value")


def entries_of(name: str, text: str, level: float | None) -> dict[str, dict[str, Any]]:
    """Return the estimates of one table, ``comparison/testing/dlrn/clinical/difference`` -> a body like a record's.

    A row is addressed by its words before the first column of numbers; a table whose rows these do not tell apart is a curve,
    of which no point is a result. An estimate is the column before ``low`` and ``high`` (or before ``adjusted_low``, ...), with the
    p value that stands after; a p value without an estimate is an entry by itself.
    """
    frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    address = _address(name, frame)
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


def _address(name: str, frame: pd.DataFrame) -> list[str]:
    columns = [str(column) for column in frame]
    known = TABLES.get(name, ())
    numeric = (c for c in columns if (c not in WORDS if c in known else _is_numeric(frame[c])))
    first = next(numeric, columns[-1])
    named = _NAMED_BY.get(name, columns[: columns.index(first)])
    words = [column for column in named if column in columns]
    return words if words and not frame.duplicated(words).any() else []


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
            before = [name for name in columns[:at] if name != "standard_error"]
            found.append((before[-1], column, f"{prefix}high", p))
    if not found and "p_value" in columns:
        found.append(("p_value", "", "", "p_value"))
    return found


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
