"""Rows that belong together: pandas objects whose labels say that they do not are refused, never paired by position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


def check_alignment(**given: Any) -> None:
    """Refuse pandas objects that carry the same row labels in another order.

    Arguments without labels, and objects whose labels are others (a cohort numbered anew, two cohorts), are paired by
    position, as arrays are. A mapping or a tuple of columns is looked into.

    Raises
    ------
    ValueError
        Two arguments with the same labels in another order, or with most of their labels in common, as where each lost rows
        of its own: pairing them by position would mix patients.
    """
    seen: list[tuple[str, Any]] = []
    for name, index in _indexes(given):
        for other, known in seen:
            if index is known or index.equals(known):
                break
            if same_labels(known, index):
                raise ValueError(_message(other, known, name, index))
            if alone := _each_lost_rows(known, index):
                raise ValueError(
                    f"{other} and {name} have most of their row labels in common, but {alone[0]!r} stands in {other} alone and"
                    f" {alone[1]!r} in {name} alone, so that pairing them row by row would mix patients; drop incomplete rows"
                    f" from both at once, or pass {name}.to_numpy() if the rows do belong together as they stand."
                )
        else:
            seen.append((name, index))


def row_labels(*given: Any) -> Any:
    """Return the row labels of the first argument that has any, else None."""
    return next((index for _, index in _indexes({str(at): value for at, value in enumerate(given)})), None)


def check_order(name: str, index: Any, other: str, known: Any) -> None:
    """Refuse labels that are those of another axis in another order; for axes that are not the rows of two arguments."""
    if index is not None and known is not None and not index.equals(known) and same_labels(known, index):
        raise ValueError(_message(other, known, name, index))


def same_labels(a: Any, b: Any) -> bool:
    """Whether two unequal indexes hold the same labels, repeats counted."""
    if len(a) != len(b) or len(a) < 2:
        return False
    kinds = [getattr(index.dtype, "kind", "O") for index in (a, b)]
    if all(kind in "iu" for kind in kinds) and (a.min() != b.min() or a.max() != b.max()):
        return False  # cheap, and true of most cohorts that were numbered apart
    if a.is_unique and b.is_unique:
        return bool(a.isin(b).all())
    return bool(not a.is_unique and not b.is_unique and Counter(a) == Counter(b))


def _each_lost_rows(a: Any, b: Any) -> tuple[Any, Any] | None:
    """Return a label of each index that the other lacks, where they share most of theirs; None where one was numbered anew."""
    if len(a) != len(b) or len(a) < 3 or not (a.is_unique and b.is_unique) or _numbered(a) or _numbered(b):
        return None
    common = a.isin(b)
    if not len(a) / 2 < common.sum() < len(a):
        return None
    return a[~common][0], b[~b.isin(a)][0]


def _numbered(index: Any) -> bool:
    """Whether the labels are 0, 1, 2, ...: pandas' own, which say nothing of patients."""
    return getattr(index.dtype, "kind", "O") in "iu" and bool((index == range(len(index))).all())


def _indexes(given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in given.items():
        if isinstance(value, Mapping):
            found += _indexes({f"{name}[{key!r}]": part for key, part in value.items()})
        elif isinstance(value, tuple):
            found += _indexes({f"{name}[{at}]": part for at, part in enumerate(value)})
        else:
            index = getattr(value, "index", None)  # of a list it is a method
            if index is not None and hasattr(index, "equals"):
                found.append((name, index))
    return found


def _message(first: str, a: Any, second: str, b: Any) -> str:
    position = next(at for at, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)
    mend = (
        f"put {second} into that order, such as {second}.loc[{first}.index]"
        if a.is_unique
        else f"the labels repeat, so sort {first} and {second} by one key"
    )
    return (
        f"{first} and {second} carry the same row labels in another order (position {position}: {a[position]!r} and"
        f" {b[position]!r}), so that pairing them row by row would mix patients; {mend}, or pass {second}.to_numpy() if"
        " the rows do belong together as they stand."
    )
