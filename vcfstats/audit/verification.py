"""Results recomputed against results committed: every record, table cell and word that differs, by name."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

TOLERANCE = 1e-9
ABSENT = "(absent)"
_WORDS_OF = {"results.json": "", "study.json": "study/", "plan.json": "plan/"}


@dataclass(frozen=True)
class Difference:
    """One thing that is not as committed.

    Attributes
    ----------
    key : str
        ``testing/dlrn/auc: ci_low``, ``roc.csv row 12: sensitivity``, ``study/hashes.data``.
    committed, recomputed : object
        Both values; "(absent)" where one side lacks it.
    size : float or None
        For two numbers the difference, relative where the committed one exceeds 1.
    """

    key: str
    committed: Any
    recomputed: Any
    size: float | None = None

    def __str__(self) -> str:
        by = f" (by {self.size:.2g})" if self.size is not None else ""
        return f"{self.key}: committed {_short(self.committed)}, recomputed {_short(self.recomputed)}{by}"


@dataclass(frozen=True)
class Comparison:
    """What was compared and what differs; `largest` is the largest difference of two numbers, tolerated or not."""

    records: int
    cells: int
    differences: tuple[Difference, ...]
    largest: float


def compare_results(committed: Path, recomputed: Path, *, tolerance: float, leave: tuple[str, ...] = ()) -> Comparison:
    """Compare two folders of results.

    Parameters
    ----------
    committed, recomputed : Path
        Folders with results.json, study.json, plan.json and tables.
    tolerance : float
        Largest difference of two numbers that is tolerated, relative above 1; 0 asks for the same bits.
    leave : tuple of str
        Beginnings of keys that are not compared.
    """
    found: list[Difference] = []
    records = cells = 0
    for name, prefix in _WORDS_OF.items():
        bodies = [_json(folder / name) for folder in (committed, recomputed)]
        if name == "results.json":
            records = len(bodies[0])
            found += _one_sided(*bodies)
            bodies = [{key: body[key] for key in bodies[0] if key in bodies[1]} for body in bodies]
        old, new = (_leaves(body, prefix) for body in bodies)
        found += _differences(old, new)
    names = sorted({path.name for folder in (committed, recomputed) for path in (folder / "tables").glob("*.csv")})
    for name in names:
        old, new = (_cells(folder / "tables" / name) for folder in (committed, recomputed))
        cells += len(old)
        found += (
            _differences(old, new) if old and new else _one_sided({name: 1} if old else {}, {name: 1} if new else {})
        )
    kept = [d for d in found if not d.key.startswith(leave)] if leave else found
    sizes = [d.size for d in kept if d.size is not None]
    failed = tuple(d for d in kept if d.size is None or d.size > tolerance or (tolerance == 0 and d.size == 0))
    return Comparison(records, cells, failed, max(sizes, default=0.0))


def _one_sided(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """Return one difference for each record or table that is on one side alone."""
    return [Difference(key, "there" if key in old else ABSENT, ABSENT if key in old else "there") for key in sorted(old.keys() ^ new.keys())]  # fmt: skip


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    keys = [*old, *(key for key in new if key not in old)]
    pairs = ((key, old.get(key, ABSENT), new.get(key, ABSENT)) for key in keys)
    return [Difference(key, a, b, _size(a, b)) for key, a, b in pairs if type(a) is not type(b) or a != b]


def _size(a: Any, b: Any) -> float | None:
    for value in (a, b):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
    return float(abs(a - b) / max(1.0, abs(a)))


def _json(path: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return body


def _leaves(body: Any, prefix: str) -> dict[str, Any]:
    """Return every value under a name: the fields of a record after a colon, deeper ones after dots."""
    found: dict[str, Any] = {}
    for key, value in body.items():
        if not prefix and isinstance(value, dict):
            found |= {f"{key}: {name}": item for name, item in value.items()}
        elif isinstance(value, dict):
            found |= {f"{prefix}{key}.{name}": item for name, item in _leaves(value, " ").items()}
        else:
            found[f"{prefix}{key}"] = value
    return {key.replace(". ", "."): value for key, value in found.items()}


def _cells(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows = zip(*(frame[column].tolist() for column in frame), strict=True)
    return {
        f"{path.name} row {number}: {column}": _value(cell)
        for number, row in enumerate(rows, 1)
        for column, cell in zip(frame, row, strict=True)
    }


def _value(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
