"""Checked times and events, and the tables of risk sets that all survival statistics start from."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_array,
    as_count,
    as_outcome,
    as_scores,
    refuse_huge,
)

_LARGEST_CODE = 10_000  # of an event; beyond, it is a time in the wrong place


class RiskTable(NamedTuple):
    """Distinct times with the number at risk just before, events and censorings at each."""

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray


def as_survival(time: npt.ArrayLike, event: npt.ArrayLike, *, event_value: Any = None) -> tuple[FloatArray, BoolArray]:
    """Return times and events (True) of n patients.

    Raises
    ------
    ValueError
        Lengths that differ, missing or negative times, an event indicator that is not 0/1.
    """
    happened = as_outcome(event, event=event_value, both_classes=False, name="event", argument="event_value")
    times = as_scores(time, len(happened), name="time", booleans=False)
    bad = ~np.isfinite(times) | (times < 0)
    if bad.any():
        position = int(np.argmax(bad))
        raise ValueError(f"time must be finite and not negative; found {times[position]} at position {position}.")
    refuse_huge(times, "time")
    return times, happened


def as_competing(time: npt.ArrayLike, event: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return times and codes of n patients: 0 censored, 1, 2, ... the event of each cause.

    Raises
    ------
    ValueError
        Lengths that differ, missing or negative times, codes that are no whole numbers.
    """
    given = as_array(time, "time")
    if given.ndim != 1 or given.size == 0:
        raise ValueError(f"time must have shape (n,) with n >= 1; got shape {given.shape}.")
    times = as_scores(time, len(given), name="time", booleans=False)
    refuse_huge(times, "time")
    codes = as_scores(event, len(given), name="event")
    if not np.isfinite(times).all() or (times < 0).any():
        raise ValueError(f"time must be finite and at least 0; position {int(np.argmax(~(times >= 0)))} is not.")
    if (codes != np.round(codes)).any() or (codes < 0).any() or (codes > _LARGEST_CODE).any():
        raise ValueError("event must hold 0 (censored), 1 (event), 2, 3, ... (competing events).")
    return times, codes.astype(np.int64)


def as_cause(codes: npt.NDArray[np.int64], cause: int | None) -> int:
    """Return the code of the event of interest; codes without a 0 are no sure sign that nobody was censored.

    Raises
    ------
    ValueError
        No whole number, or codes without a 0 and no cause named.
    """
    found = np.unique(codes).tolist()
    if cause is None:
        if 0 not in found and found != [1]:
            raise ValueError(
                f"event holds the codes {found} and no 0, which is the code of the censored: recode it, such as"
                f" event - {found[0]} where {found[0]} means censored, or pass cause= where nobody was censored."
            )
        return 1
    chosen = as_count(cause, "cause", least=1, most=_LARGEST_CODE)
    if 0 not in found and len(found) > 1:
        warnings.warn(
            f"event holds the codes {found} and no 0: nobody counts as censored, and all codes but {chosen} as competing"
            " events.",
            UserWarning,
            stacklevel=3,
        )
    return chosen


def risk_table(time: FloatArray, event: BoolArray) -> RiskTable:
    """Tabulate risk sets; at a tied time events come before censorings."""
    distinct, place = np.unique(time, return_inverse=True)
    events = np.bincount(place[event], minlength=len(distinct)).astype(np.float64)
    leaving = np.bincount(place, minlength=len(distinct)).astype(np.float64)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    return RiskTable(distinct, at_risk, events, leaving - events)


def censoring_survival(table: RiskTable) -> FloatArray:
    """Probability of being uncensored after each time; patients with an event at that time no longer count as at risk."""
    exposed = table.at_risk - table.events
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(table.censored > 0, 1 - table.censored / exposed, 1.0)
    return np.asarray(np.cumprod(factor))


def just_before(table: RiskTable, survival: FloatArray, at: FloatArray) -> FloatArray:
    """Value of a step function just before some times."""
    position = np.searchsorted(table.time, at, side="left") - 1
    return np.where(position >= 0, survival[np.maximum(position, 0)], 1.0)


def just_after(table: RiskTable, survival: FloatArray, at: FloatArray) -> FloatArray:
    """Value of a step function at some times (right-continuous)."""
    position = np.searchsorted(table.time, at, side="right") - 1
    return np.where(position >= 0, survival[np.maximum(position, 0)], 1.0)


def warn_beyond(name: str, times: FloatArray, last: float) -> None:
    """Warn that nothing is known at times beyond the last follow-up."""
    shown = ", ".join(f"{time:.6g}" for time in times[:4].tolist())
    warnings.warn(
        f"{name}: nothing is known at {shown}, beyond the last follow-up at {last:.6g} (NaN); choose an earlier time.",
        RuntimeWarning,
        stacklevel=3,
    )
