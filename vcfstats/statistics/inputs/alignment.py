"""Rows that belong together: pandas objects whose labels say that they do not are refused, never paired by position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


def check_alignment(**given: Any) -> None:
    """Refuse pandas objects that carry the same row labels in another order.

    Arguments without labels, and objects whose labels are others (a cohort numbered anew, two cohorts, parts that
    overlap), are paired by position, as arrays are. A mapping or a tuple of columns is looked into.

    Raises
    ------
    ValueError
        Two arguments with the same labels in another order: pairing them by position would mix patients.
    """
    seen: list[tuple[str, Any]] = []
    for name, index in _indexes(given):
        for other, known in seen:
            if index is known or index.equals(known):
                break
            if same_labels(known, index):
                raise ValueError(_message(other, known, name, index))
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
