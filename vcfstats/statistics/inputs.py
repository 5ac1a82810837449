"""Checks that every statistic makes of what it is given: one message that says what was found and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
RandomState = int | np.random.SeedSequence | np.random.Generator | None


def as_outcome(
    y_true: npt.ArrayLike, *, event: Any = None, both_classes: bool = True, name: str = "y_true"
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

    Raises
    ------
    ValueError
        Empty, not one-dimensional, missing values, values other than 0 and 1 without `event`, an `event` that never
        occurs, or one class only.
    """
    values = np.asarray(y_true)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"{name} must have shape (n,) with n >= 1; got shape {values.shape}.")
    missing = _missing(values)
    if missing.any():
        raise ValueError(
            f"{name} has {int(missing.sum())} missing value(s), first at {_where(y_true, missing)}; drop or impute them first."
        )
    if event is None:
        found = np.unique(values)
        if not np.isin(found, [0, 1]).all():
            shown = ", ".join(repr(v.item() if hasattr(v, "item") else v) for v in found[:6])
            raise ValueError(f"{name} must be 0/1 or bool; found values {shown}. Pass event= to name the event.")
        outcome = values.astype(bool)
    else:
        outcome = np.asarray(values == event, dtype=bool)
        if not outcome.any():
            raise ValueError(
                f"event={event!r} never occurs in {name}; its values are {sorted(map(str, set(values.tolist())))[:6]}."
            )
    if both_classes and (outcome.all() or not outcome.any()):
        which = "events" if outcome.all() else "non-events"
        raise ValueError(
            f"{name} holds one class only ({outcome.size} {which}); both events and non-events are needed."
        )
    return outcome


def as_scores(scores: npt.ArrayLike, n: int, *, name: str = "y_score") -> FloatArray:
    """Return one score per patient, shape (n,), as float64; infinite scores order well and are allowed.

    Raises
    ------
    ValueError
        Another shape, NaN, or values that are no numbers.
    """
    values = _as_float(scores, name)
    if values.shape != (n,):
        raise ValueError(
            f"{name} must have shape ({n},), one value per patient of the outcome; got shape {values.shape}."
        )
    _refuse_nan(scores, values, name)
    return values


def as_score_matrix(scores: npt.ArrayLike, n: int, *, name: str = "y_score") -> FloatArray:
    """Return the scores of k models as float64 of shape (n, k); a vector is one model.

    Raises
    ------
    ValueError
        Another shape, NaN, or values that are no numbers.
    """
    values = _as_float(scores, name)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[0] != n or values.shape[1] == 0:
        raise ValueError(f"{name} must have shape ({n},) or ({n}, k), patients in rows; got shape {np.shape(scores)}.")
    _refuse_nan(scores, values, name)
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
            f"{name} must lie in [0, 1]; {int(outside.sum())} value(s) do not, first {first:.6g} at {_where(y_prob, outside)}."
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
    values = np.asarray(labels)
    if values.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one label per row of the data; got shape {values.shape}.")
    missing = _missing(values)
    if missing.any():
        raise ValueError(
            f"{name} has {int(missing.sum())} missing label(s), first at {_where(labels, missing)}; every row needs one."
        )
    if values.dtype.kind == "O":
        values = values.astype(str)
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def check_level(confidence_level: float) -> float:
    """Return the confidence level, or raise ValueError unless it lies strictly between 0 and 1."""
    level = float(confidence_level)
    if not 0 < level < 1:
        raise ValueError(f"confidence_level must lie strictly between 0 and 1, such as 0.95; got {confidence_level!r}.")
    return level


def check_choice(value: str, allowed: tuple[str, ...], *, name: str) -> str:
    """Return `value`, or raise ValueError that lists what is allowed."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; got {value!r}.")
    return value


def as_generator(random_state: RandomState) -> np.random.Generator:
    """Return a Generator from an int, a SeedSequence or a Generator (returned as it is); None draws fresh entropy.

    Raises
    ------
    ValueError
        A negative int or another type.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is None or isinstance(random_state, np.random.SeedSequence):
        return np.random.default_rng(random_state)
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool) and random_state >= 0:
        return np.random.default_rng(int(random_state))
    raise ValueError(f"random_state must be a non-negative int, a SeedSequence or a Generator; got {random_state!r}.")


def _as_float(values: npt.ArrayLike, name: str) -> FloatArray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must hold numbers; got {type(values).__name__} of {np.asarray(values).dtype}."
        ) from None


def _refuse_nan(given: Any, values: FloatArray, name: str) -> None:
    missing: BoolArray = np.isnan(values)
    if missing.any():
        rows = np.asarray(missing.reshape(len(missing), -1).any(axis=1), dtype=np.bool_)
        raise ValueError(
            f"{name} has {int(missing.sum())} NaN, first at {_where(given, rows)}; drop or impute them first."
        )


def _missing(values: npt.NDArray[Any]) -> BoolArray:
    if values.dtype.kind in "fc":
        missing: BoolArray = np.isnan(values)
        return missing
    if values.dtype.kind == "O":
        return np.array([v is None or v != v for v in values], dtype=bool)
    return np.zeros(values.shape, dtype=bool)


def _where(given: Any, rows: BoolArray) -> str:
    """Name the first bad row, by its label where the caller gave a Series or a frame."""
    position = int(np.argmax(rows))
    index = getattr(given, "index", None)
    if index is not None and not callable(index):
        return f"row {index[position]!r} (position {position})"
    return f"position {position}"
