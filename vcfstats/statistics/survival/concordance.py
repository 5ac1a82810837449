"""Concordance of a risk score with times to an event: Harrell's C and Uno's C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_number,
    as_scores,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.survival.times import as_survival, censoring_survival, just_before, risk_table

_BLOCK = 4_000_000  # pairs held at once


@dataclass(frozen=True, repr=False, eq=False)
class ConcordanceResult(Result):
    """A concordance index.

    Attributes
    ----------
    concordance : float
        Share of usable pairs in which the patient with the earlier event has the higher risk, ties in risk counting 1/2.
    se : float
        Infinitesimal-jackknife standard error.
    concordant, discordant, tied_risk, tied_time : float
        Pairs (weighted for Uno); those tied in time, both events, are not used.
    n, n_events : int
        Patients and events.
    method : str
        harrell or uno.
    tau : float
        Horizon; infinite where none was set.
    """

    concordance: float
    se: float
    concordant: float
    discordant: float
    tied_risk: float
    tied_time: float
    n: int
    n_events: int
    method: str
    tau: float

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return concordance -+ z se, clipped to [0, 1]."""
        half = float(ndtri(0.5 + check_level(confidence_level) / 2)) * self.se
        return ConfidenceInterval(max(self.concordance - half, 0.0), min(self.concordance + half, 1.0))


def concordance_index(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    risk: npt.ArrayLike,
    *,
    event_value: Any = None,
    method: str = "harrell",
    tau: float | None = None,
) -> ConcordanceResult:
    """Concordance index of a risk score.

    A pair is usable if the shorter time ended in an event (at equal times: an event and a censoring). Harrell counts
    usable pairs alike, and so depends on the censoring; Uno weighs each by 1 / G(t-)^2, G the Kaplan-Meier curve of
    censoring, and so estimates a quantity free of it. Set `tau` for Uno where few are followed to the end.

    Parameters
    ----------
    time, event, event_value
        As in `kaplan_meier`.
    risk : array-like of shape (n,)
        Higher means an earlier event.
    method : {"harrell", "uno"}
        Weight of the pairs.
    tau : float, optional
        Only events up to this time count.

    Returns
    -------
    ConcordanceResult

    Raises
    ------
    ValueError
        Bad input, or no usable pair.

    Notes
    -----
    Equals survival::concordance (reverse=TRUE; timewt "n" and "n/G2") with its standard error, in which Uno's weights
    count as known. Hmisc::rcorr.cens gives the same C.

    References
    ----------
    Harrell, Lee and Mark (1996), doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4. Uno et al. (2011),
    doi 10.1002/sim.4154.

    Examples
    --------
    >>> from vcfstats import concordance_index
    >>> result = concordance_index([2, 3, 4, 5, 8, 9], [1, 1, 0, 1, 0, 1], [0.9, 0.4, 0.6, 0.5, 0.2, 0.1])
    >>> round(result.concordance, 3)
    0.818
    """
    chosen = check_choice(method, ("harrell", "uno"), name="method")
    check_alignment(time=time, event=event, risk=risk)
    times, happened = as_survival(time, event, event_value=event_value)
    score = as_scores(risk, len(times), name="risk")
    horizon = np.inf if tau is None else as_number(tau, "tau")
    if not horizon > 0:
        raise ValueError(f"tau must be a positive time in the unit of `time`; got {tau!r}.")
    table = risk_table(times, happened)
    weight = np.ones(len(times))
    counted = happened & (times <= horizon)
    if chosen == "uno":
        left = just_before(table, censoring_survival(table), times)
        weight[counted] = 1 / np.square(left[counted])
    totals, own_good, own_all = _pairs(times, happened, score, weight, counted)
    concordant, discordant, tied_risk, tied_time = totals
    usable = concordant + discordant + tied_risk
    if usable == 0:
        raise ValueError("No pair of patients is usable: no event happened before another patient's time.")
    value = (concordant + tied_risk / 2) / usable
    influence = (own_good - value * own_all) / usable
    return ConcordanceResult(
        concordance=float(value),
        se=float(np.sqrt(np.sum(np.square(influence)))),
        concordant=float(concordant),
        discordant=float(discordant),
        tied_risk=float(tied_risk),
        tied_time=float(tied_time),
        n=len(times),
        n_events=int(happened.sum()),
        method=chosen,
        tau=horizon,
    )


def _pairs(
    time: FloatArray, event: BoolArray, score: FloatArray, weight: FloatArray, counted: BoolArray
) -> tuple[tuple[float, float, float, float], FloatArray, FloatArray]:
    """Weighted pairs, and for each patient the concordant (ties 1/2) and all usable pairs it belongs to."""
    n = len(time)
    own_good, own_all = np.zeros(n), np.zeros(n)
    concordant = discordant = tied_risk = tied_time = 0.0
    members = np.flatnonzero(counted)
    for start in range(0, len(members), max(1, _BLOCK // n)):
        i = members[start : start + max(1, _BLOCK // n)]
        w = weight[i, None]
        same = time[i, None] == time[None, :]
        usable = (time[i, None] < time[None, :]) | (same & ~event[None, :])
        higher, equal = score[i, None] > score[None, :], score[i, None] == score[None, :]
        good = usable * (higher + 0.5 * equal) * w
        every = usable * w
        concordant += float(np.sum((usable & higher) * w))
        tied_risk += float(np.sum((usable & equal) * w))
        discordant += float(np.sum((usable & ~higher & ~equal) * w))
        tied_time += float(np.sum((same & event[None, :] & ~equal) * w) / 2)
        own_good[i] += good.sum(axis=1)
        own_good += good.sum(axis=0)
        own_all[i] += every.sum(axis=1)
        own_all += every.sum(axis=0)
    return (concordant, discordant, tied_risk, tied_time), own_good, own_all
