"""Checked times and events, and the tables of risk sets that all survival statistics start from."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import BoolArray, FloatArray, as_outcome, as_scores, refuse_huge


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
