"""One value a patient: outcomes, scores, probabilities, labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs.numbers import (
    BoolArray,
    FloatArray,
    as_array,
    as_numbers,
    is_missing,
    missing_of,
    refuse_cells,
    refuse_missing,
    refuse_times,
    where,
)


def as_outcome(
    y_true: npt.ArrayLike,
    *,
    event: Any = None,
    both_classes: bool = True,
    name: str = "y_true",
    argument: str | None = "event",
) -> BoolArray:
    """Return the outcome as booleans of shape (n,), True for an event.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 or bool; any other coding needs `event`.
    event : object, optional
        The value of `y_true` that is the event.
    both_classes : bool
        Refuse an outcome of one class only.
    name : str
        What the caller calls it, for the message.
    argument : str, optional
        What the caller calls `event`; None where it has no such argument.

    Raises
    ------
    ValueError
        Empty, not one-dimensional, missing values, values other than 0 and 1 without `event`, an `event` that never
        occurs, or one class only.
    """
    values = as_array(y_true, name)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"{name} must have shape (n,) with n >= 1; got shape {values.shape}.")
    missing = missing_of(values)
    if missing.any():
        raise ValueError(
            f"{name} has {int(missing.sum())} missing value(s), first at {where(y_true, missing)}; drop or impute them first."
        )
    refuse_times(values, name)
    refuse_cells(values, name)
    outcome = _zero_one(values, name, argument) if event is None else _equal(values, event, name, argument or "event")
    if both_classes and (outcome.all() or not outcome.any()):
        which = "events" if outcome.all() else "non-events"
        raise ValueError(
            f"{name} holds one class only ({outcome.size} {which}); both events and non-events are needed."
        )
    return outcome


def _zero_one(values: npt.NDArray[Any], name: str, argument: str | None) -> BoolArray:
    if values.dtype.kind == "b":
        return values
    if values.dtype.kind in "fiu":
        events = values == 1
        if (events | (values == 0)).all():
            return np.asarray(events)
    found = distinct(values)
    if not all(isinstance(v, bool | int | float | np.generic) and v in (0, 1) for v in found):
        shown = ", ".join(repr(v) for v in found[:6])
        mend = (
            f"Pass {argument}= to name the event."
            if argument
            else f"Recode it first, such as ({name} == {found[-1]!r})."
        )
        raise ValueError(f"{name} must be 0/1 or bool; found values {shown}. {mend}")
    return np.asarray(values.astype(bool))


def _equal(values: npt.NDArray[Any], event: Any, name: str, argument: str) -> BoolArray:
    if not np.isscalar(event) and (type(event).__hash__ is None or hasattr(event, "__len__")):
        raise ValueError(f"{argument} must be one value of {name}; got {event!r}.")
    if is_missing(event):
        raise ValueError(f"{argument} must be one value of {name}; got {event!r}.")
    refuse_spellings(values, name)
    outcome = np.asarray(values == event, dtype=bool)
    if outcome.shape != values.shape or not outcome.any():
        raise ValueError(
            f"{argument}={event!r} never occurs in {name}; its values are {sorted(map(str, distinct(values)))[:6]}."
        )
    return outcome


def refuse_spellings(values: npt.NDArray[Any], name: str) -> None:
    """Refuse words that differ in case, in blanks or in their kind alone ("yes", "Yes " and "yes"; 7 and "7"): one thing, spelt twice.

    Raises
    ------
    ValueError
        Naming the first pair.
    """
    if values.dtype.kind not in "OUST":
        return
    spelt: dict[str, Any] = {}
    for label in dict.fromkeys(values.ravel().tolist()):
        if is_missing(label):
            continue
        other = spelt.setdefault(" ".join(str(label).split()).casefold(), label)
        if other is not label and other != label:
            kind = "kind" if str(other) == str(label) else "case or blanks"
            raise ValueError(
                f"{name} holds {other!r} and {label!r}, which differ in {kind} alone and would count as two; write one of them"
                " throughout, or recode them apart if they do differ."
            )


def distinct(values: npt.NDArray[Any]) -> list[Any]:
    """Return the distinct values in their order, numbers before words where both occur."""
    if values.dtype.kind != "O":
        return list(np.unique(values).tolist())
    return sorted_labels(list(dict.fromkeys(values.tolist())))


def sorted_labels(labels: list[Any]) -> list[Any]:
    """Return labels in their order; kinds that cannot be compared stand apart, by the name of their kind."""
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=lambda label: (type(label).__name__, str(label)))


def as_scores(scores: npt.ArrayLike, n: int, *, name: str = "y_score", booleans: bool = True) -> FloatArray:
    """Return one score per patient, shape (n,), as float64; infinite scores order well and are allowed.

    Raises
    ------
    ValueError
        Another shape, NaN, or values that are no numbers.
    """
    values = as_numbers(scores, name, booleans=booleans)
    if values.shape != (n,):
        raise ValueError(
            f"{name} must have shape ({n},), one value per patient of the outcome; got shape {values.shape}."
        )
    refuse_missing(scores, values, name)
    return values


def as_score_matrix(scores: npt.ArrayLike, n: int, *, name: str = "y_score") -> FloatArray:
    """Return the scores of k models as float64 of shape (n, k); a vector is one model.

    Raises
    ------
    ValueError
        Another shape, NaN, or values that are no numbers.
    """
    given = as_numbers(scores, name)
    values = given[:, None] if given.ndim == 1 else given
    if values.ndim != 2 or values.shape[0] != n or values.shape[1] == 0:
        raise ValueError(f"{name} must have shape ({n},) or ({n}, k), patients in rows; got shape {given.shape}.")
    refuse_missing(scores, values, name)
    return values


def as_probabilities(y_prob: npt.ArrayLike, n: int, *, name: str = "y_prob") -> FloatArray:
    """Return probabilities of shape (n,) as float64, each between 0 and 1.

    Raises
    ------
    ValueError
        As `as_scores`, or a value outside [0, 1].
    """
    values = as_scores(y_prob, n, name=name)
    outside = (values < 0) | (values > 1)
    if outside.any():
        first = values[outside][0]
        raise ValueError(
            f"{name} must lie in [0, 1]; {int(outside.sum())} value(s) do not, first {first:.6g} at {where(y_prob, outside)}."
            " A linear score is no probability: transform it first."
        )
    return values


def as_labels(labels: npt.ArrayLike, n: int, *, name: str) -> npt.NDArray[np.int64]:
    """Return labels (of clusters, strata, groups) of shape (n,) as codes 0, 1, ... in the order of their values.

    Raises
    ------
    ValueError
        Another shape, or missing labels.
    """
    return as_named_labels(labels, n, name=name)[0]


def as_named_labels(labels: npt.ArrayLike, n: int, *, name: str) -> tuple[npt.NDArray[np.int64], tuple[Any, ...]]:
    """Return the codes of `as_labels`, and the labels that they stand for.

    Raises
    ------
    ValueError
        Another shape, or missing labels.
    """
    values = as_array(labels, name)
    if values.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one label per row of the data; got shape {values.shape}.")
    missing = missing_of(values)
    if missing.any():
        raise ValueError(
            f"{name} has {int(missing.sum())} missing label(s), first at {where(labels, missing)}; every row needs one."
        )
    refuse_cells(values, name)
    refuse_spellings(values, name)
    if values.dtype.kind != "O":
        found, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.int64), tuple(found.tolist())
    names = sorted_labels(list(dict.fromkeys(values.tolist())))
    place = {label: at for at, label in enumerate(names)}
    return np.fromiter((place[v] for v in values.tolist()), dtype=np.int64, count=n), tuple(names)
