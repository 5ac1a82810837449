"""Cumulative/dynamic AUC of a marker at a time, with inverse-probability-of-censoring weights; Brier score beside it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_numbers,
    as_scores,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.results import Result
from vcfstats.statistics.survival.times import (
    RiskTable,
    as_survival,
    censoring_survival,
    just_after,
    just_before,
    risk_table,
    warn_beyond,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class TimeDependentAUC(Result):
    """AUC at several times; arrays run over the times.

    Attributes
    ----------
    times : ndarray of shape (k,)
        As asked for.
    auc, se : ndarray of shape (k,)
        AUC and its standard error from the influence functions, the estimation of the weights included. NaN where no
        event happened or nobody is left.
    cumulative_incidence : ndarray of shape (k,)
        1 - Kaplan-Meier at each time.
    n_cases, n_controls, n_censored : ndarray of shape (k,)
        Events up to the time, patients followed beyond it, patients censored before.
    """

    times: FloatArray
    auc: FloatArray
    se: FloatArray
    cumulative_incidence: FloatArray
    n_cases: npt.NDArray[np.int64]
    n_controls: npt.NDArray[np.int64]
    n_censored: npt.NDArray[np.int64]
    influence: FloatArray = field(repr=False)

    def confidence_interval(
        self, confidence_level: float = 0.95, *, method: str = "wald"
    ) -> tuple[FloatArray, FloatArray]:
        """Return (low, high), each of shape (k,).

        Parameters
        ----------
        confidence_level : float
            Of the intervals.
        method : {"wald", "logit"}
            auc -+ z se, clipped to [0, 1], as in timeROC; or the same on the log odds of the AUC. Wald's covers too
            little where few remain at risk (0.77 for 0.95 at n = 70 under heavy censoring, always too high); the logit
            interval errs less (benchmarks/results/coverage_survival.md).

        Raises
        ------
        ValueError
            An unknown method.
        """
        z = float(ndtri(0.5 + check_level(confidence_level) / 2))
        if check_choice(method, ("wald", "logit"), name="method") == "wald":
            return np.clip(self.auc - z * self.se, 0, 1), np.clip(self.auc + z * self.se, 0, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            half = z * self.se / (self.auc * (1 - self.auc))
            return np.asarray(expit(logit(self.auc) - half)), np.asarray(expit(logit(self.auc) + half))

    def to_frame(self) -> pd.DataFrame:
        """Return ``time, auc, low, high, se, cumulative_incidence, n_cases, n_controls, n_censored``."""
        import pandas as pd

        low, high = self.confidence_interval()
        return pd.DataFrame(
            {
                "time": self.times,
                "auc": self.auc,
                "low": low,
                "high": high,
                "se": self.se,
                "cumulative_incidence": self.cumulative_incidence,
                "n_cases": self.n_cases,
                "n_controls": self.n_controls,
                "n_censored": self.n_censored,
            }
        )


def time_dependent_auc(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    risk: npt.ArrayLike,
    times: npt.ArrayLike,
    *,
    event_value: Any = None,
    at_horizon: str = "case",
) -> TimeDependentAUC:
    """Cumulative/dynamic AUC: those with the event up to t against those still free of it at t.

    AUC(t) = sum over cases i and controls j of [1{M_i > M_j} + 1/2 1{M_i = M_j}] / G(T_i-), over the sum of the weights;
    G is the Kaplan-Meier curve of censoring, assumed independent of marker and event.

    Parameters
    ----------
    time, event, event_value
        As in `kaplan_meier`.
    risk : array-like of shape (n,)
        Higher means an earlier event.
    times : array-like of shape (k,)
        Horizons, within the follow-up.
    at_horizon : {"case", "dropped"}
        What an event at exactly the horizon is: a case, as defined, or neither case nor control, as in timeROC.

    Returns
    -------
    TimeDependentAUC

    Raises
    ------
    ValueError
        Bad input, or a horizon that is not positive.

    Notes
    -----
    Equals riskRegression::Score, and, with at_horizon="dropped", timeROC with weighting "marginal" and its standard error
    (the two agree unless an event falls on a horizon). The direction of the marker is taken as given.

    References
    ----------
    Uno et al. (2007), doi 10.1198/016214507000000149. Blanche, Dartigues and Jacqmin-Gadda (2013), doi 10.1002/sim.5958.

    Examples
    --------
    >>> from vcfstats import time_dependent_auc
    >>> result = time_dependent_auc([2, 3, 4, 5, 8, 9], [1, 1, 0, 1, 0, 1], [0.9, 0.4, 0.6, 0.5, 0.2, 0.1], [4.5])
    >>> result.auc.round(3).tolist()
    [0.833]
    """
    check_alignment(time=time, event=event, risk=risk)
    follow_up, happened = as_survival(time, event, event_value=event_value)
    n = len(follow_up)
    score = as_scores(risk, n, name="risk")
    horizons = np.atleast_1d(as_numbers(times, "times", booleans=False))
    if horizons.ndim != 1 or not horizons.size or not (np.isfinite(horizons) & (horizons > 0)).all():
        raise ValueError(f"times must be positive and finite, shape (k,) with k >= 1; got {horizons.tolist()}.")
    dropped = check_choice(at_horizon, ("case", "dropped"), name="at_horizon") == "dropped"
    table = risk_table(follow_up, happened)
    uncensored = censoring_survival(table)
    before = just_before(table, uncensored, follow_up)
    survival: FloatArray = np.cumprod(1 - table.events / table.at_risk).astype(np.float64)
    aucs, influences = [], []
    for horizon in horizons:
        case = happened & (follow_up < horizon if dropped else follow_up <= horizon)
        value, influence = _at(horizon, case, follow_up, happened, score, table, before)
        aucs.append(value)
        influences.append(influence)
    cases = np.array([int(np.sum(happened & (follow_up <= h))) for h in horizons])
    controls = np.array([int(np.sum(follow_up > h)) for h in horizons])
    influence = np.array(influences)
    incidence = 1 - just_after(table, survival, horizons)
    last = float(table.time[-1])
    beyond = horizons > last
    if beyond.any():
        warn_beyond("times", horizons[beyond], last)
        if survival[-1] > 0:
            incidence[beyond] = np.nan
    empty = ~beyond & ((controls == 0) | np.array([not np.any(happened & (follow_up <= h)) for h in horizons]))
    if empty.any():
        shown = ", ".join(f"{time:.6g}" for time in horizons[empty][:4].tolist())
        warnings.warn(
            f"times: no AUC exists at {shown} (NaN), where no event has happened or nobody is left; follow-up ends at {last:.6g}.",
            RuntimeWarning,
            stacklevel=2,
        )
    return TimeDependentAUC(
        times=horizons,
        auc=np.array(aucs),
        se=influence.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(horizons), np.nan),
        cumulative_incidence=incidence,
        n_cases=cases,
        n_controls=controls,
        n_censored=n - cases - controls,
        influence=influence,
    )


def _at(
    horizon: float,
    case: BoolArray,
    time: FloatArray,
    event: BoolArray,
    score: FloatArray,
    table: RiskTable,
    before: FloatArray,
) -> tuple[float, FloatArray]:
    """AUC at one time, and the influence of each patient on it."""
    n = len(time)
    control = time > horizon
    if not case.any() or not control.any():
        return float("nan"), np.full(n, np.nan)
    w = np.zeros(n)
    w[case] = 1 / before[case]
    of_controls = score[control]
    m = of_controls.size
    # For each case its wins over controls; for each control the weighted cases that beat it.
    ordered = np.sort(of_controls)
    wins = (np.searchsorted(ordered, score[case], "left") + np.searchsorted(ordered, score[case], "right")) / 2
    order = np.argsort(score[case], kind="stable")
    running = np.concatenate([[0.0], np.cumsum(w[case][order])])
    sorted_cases = score[case][order]
    above = (
        running[-1]
        - (
            running[np.searchsorted(sorted_cases, of_controls, "left")]
            + running[np.searchsorted(sorted_cases, of_controls, "right")]
        )
        / 2
    )
    total = w[case].sum()
    auc = float(np.sum(w[case] * wins) / (total * m))
    # In terms of means: numerator = mean(w_i wins_i / n), F = mean(w), S = m / n; the weight of controls cancels.
    part = np.zeros(n)
    part[case] += w[case] * (wins / m - auc) / (total / n)
    part[control] += (above / total - auc) / (m / n)
    # The weights are estimated: 1 / G(T_i-) moves by the integral of the censoring martingale of each patient.
    slope = np.zeros(n)
    slope[case] = w[case] * (wins / m - auc) / total
    return auc, part + _through_weights(slope, time, event, table)


def _through_weights(slope: FloatArray, time: FloatArray, event: BoolArray, table: RiskTable) -> FloatArray:
    """Sum over i of slope_i times the influence of each patient k on log 1 / G(T_i-): n x its martingale integral."""
    n = len(time)
    exposed = table.at_risk - table.events
    place = np.searchsorted(table.time, time)
    # Mass of slope at times beyond each distinct time: those i whose weight contains that time's factor.
    by_time = np.bincount(place, weights=slope, minlength=len(table.time))
    beyond = by_time.sum() - np.cumsum(by_time)
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = np.where((table.censored > 0) & (exposed > 0), n * beyond / exposed, 0.0)
        hazard = np.where(exposed > 0, table.censored / exposed, 0.0)
    compensator = np.cumsum(jump * hazard)
    own = np.where(~event, jump[place], 0.0)
    # A patient with an event at T leaves before the censorings of that time.
    until = np.where(event, place - 1, place)
    return own - np.where(until >= 0, compensator[np.maximum(until, 0)], 0.0)
