"""Paired difference in net benefit between two models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from vcfstats.statistics.bootstrap import bootstrap_ci
from vcfstats.statistics.decision.benefit import net_benefit_of, shares
from vcfstats.statistics.decision.models import as_harm, as_prevalence, as_thresholds
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    RandomState,
    as_outcome,
    as_probabilities,
    check_alignment,
    check_choice,
    check_level,
    refuse_unused,
)
from vcfstats.statistics.results import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class NetBenefitDifference(Result):
    """Result of `net_benefit_difference`; arrays of shape (m,), one value a threshold.

    Attributes
    ----------
    thresholds : ndarray
        As given.
    difference : ndarray
        Net benefit of b minus net benefit of a, harms taken off.
    se : ndarray
        Its standard error, paired.
    statistic : ndarray
        difference / se; where both models classify everyone alike and the harms are equal, 0 (0/0).
    pvalue : ndarray
        Two-sided normal; not adjusted for the number of thresholds.
    net_benefit_a, net_benefit_b : ndarray
        Of the two models.
    n, n_events : int
        Patients and events.
    """

    thresholds: FloatArray
    difference: FloatArray
    se: FloatArray
    statistic: FloatArray
    pvalue: FloatArray
    net_benefit_a: FloatArray
    net_benefit_b: FloatArray
    n: int
    n_events: int
    _outcome: BoolArray
    _prob: FloatArray
    _prevalence: float | None
    _harm: float
    _level: float

    def confidence_interval(
        self,
        confidence_level: float = 0.95,
        *,
        method: str = "wald",
        n_resamples: int | None = None,
        random_state: RandomState = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Return the pointwise limits, two arrays of shape (m,).

        Parameters
        ----------
        confidence_level : float
            Such as 0.95.
        method : {"wald", "bootstrap"}
            "wald": difference -+ z se. It covers 93 to 97% of a nominal 95% where patients enough are reclassified, but
            81% at threshold 0.1 with 26 events among 70, where hardly any event is
            (benchmarks/results/coverage_decision.md), and is a point where nobody is.
            "bootstrap": percentiles over resampled patients (events and non-events apart at a given prevalence). It
            covers 93 to 95% where Wald does, 90 to 92% with 4 or 8 events, and is no help where hardly an event is
            reclassified: 73% at threshold 0.1 with 26 events among 70 (coverage_decision_bootstrap.md).
        n_resamples : int
            For "bootstrap".
        random_state : int, SeedSequence or Generator, optional
            For "bootstrap".
        """
        level = check_level(confidence_level)
        check_choice(method, ("wald", "bootstrap"), name="method")
        if method == "wald":
            refuse_unused("with method='wald'", n_resamples=n_resamples)
            half = norm.ppf((1 + level) / 2) * self.se
            return self.difference - half, self.difference + half

        def statistic(outcome: BoolArray, prob: FloatArray) -> FloatArray:
            a, b = (
                net_benefit_of(shares(outcome, p, self.thresholds, self._prevalence), self.thresholds) for p in prob.T
            )
            return b - a - self._harm

        drawn = bootstrap_ci(
            (self._outcome, self._prob),
            statistic,
            n_resamples=2000 if n_resamples is None else n_resamples,
            strata=self._outcome if self._prevalence is not None else None,
            random_state=random_state,
        )
        low, high = drawn.confidence_interval(level, method="percentile")
        return np.asarray(low), np.asarray(high)

    def to_frame(self) -> pd.DataFrame:
        """Return rows of `threshold, net_benefit_a, net_benefit_b, difference, se, ci_low, ci_high, statistic, pvalue`.

        The interval is Wald's at the level given to `net_benefit_difference`.
        """
        import pandas as pd

        low, high = self.confidence_interval(self._level)
        return pd.DataFrame(
            {
                "threshold": self.thresholds,
                "net_benefit_a": self.net_benefit_a,
                "net_benefit_b": self.net_benefit_b,
                "difference": self.difference,
                "se": self.se,
                "ci_low": low,
                "ci_high": high,
                "statistic": self.statistic,
                "pvalue": self.pvalue,
            }
        )


def net_benefit_difference(
    y_true: npt.ArrayLike,
    prob_a: npt.ArrayLike,
    prob_b: npt.ArrayLike,
    thresholds: npt.ArrayLike | None = None,
    prevalence: float | None = None,
    *,
    harm_a: float = 0.0,
    harm_b: float = 0.0,
    confidence_level: float = 0.95,
    event: Any = None,
) -> NetBenefitDifference:
    """Compare the net benefit of two models on the same patients, threshold by threshold.

    With w = t / (1 - t) and A, B the models' decisions (risk >= t), patient i contributes
    d_i = (B_i - A_i)(y_i - (1 - y_i) w); the difference is mean(d) - (harm_b - harm_a) and its variance
    mean((d - mean d)^2) / n. At a given prevalence pi events and non-events are two samples: the difference is
    pi mean(B - A | event) - (1 - pi) w mean(B - A | non-event), and the variances of both means add.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`.
    prob_a, prob_b : array-like of shape (n,)
        Predicted probabilities of the two models. An array of zeros or of ones is treat-none or treat-all.
    thresholds : array-like of shape (m,), optional
        Threshold probabilities, 0 <= t < 1, used to the last bit. Default 0.01, 0.02, ..., 0.99.
    prevalence : float, optional
        Prevalence in the population (case-control data).
    harm_a, harm_b : float
        Harm of obtaining each prediction, in units of net benefit.
    confidence_level : float
        Level of the interval in `to_frame`.
    event : object, optional
        The value of `y_true` that is the event.

    Returns
    -------
    NetBenefitDifference
        Where the decisions agree on everyone, se is 0: statistic 0 and p 1 if the difference is 0 too, infinite and 0
        if the harms differ.

    Raises
    ------
    ValueError
        Bad input, or a given prevalence with an outcome of one class.

    References
    ----------
    Vickers et al. (2008), doi 10.1186/1472-6947-8-53; Sande et al. (2020), doi 10.1177/0962280220923143 (variance).

    Examples
    --------
    >>> from vcfstats import net_benefit_difference
    >>> y = [0, 0, 0, 0, 1, 1, 1]
    >>> a, b = [0.1, 0.4, 0.6, 0.2, 0.3, 0.7, 0.8], [0.2, 0.1, 0.4, 0.2, 0.6, 0.7, 0.9]
    >>> result = net_benefit_difference(y, a, b, thresholds=[0.5])
    >>> result.difference.round(4), result.pvalue.round(3)
    (array([0.2857]), array([0.094]))
    """
    population = as_prevalence(prevalence)
    level = check_level(confidence_level)
    check_alignment(y_true=y_true, prob_a=prob_a, prob_b=prob_b)
    outcome = as_outcome(y_true, event=event, both_classes=population is not None)
    n, n_events = len(outcome), int(outcome.sum())
    prob = np.column_stack([as_probabilities(prob_a, n, name="prob_a"), as_probabilities(prob_b, n, name="prob_b")])
    t = as_thresholds(thresholds)
    harms = {"a": as_harm(harm_a, "harm_a"), "b": as_harm(harm_b, "harm_b")}
    benefit_a, benefit_b = (net_benefit_of(shares(outcome, p, t, population), t) for p in prob.T)
    odds = t / (1 - t)
    moves = (prob[:, 1, None] >= t).astype(float) - (prob[:, 0, None] >= t)
    if population is None:
        variance = (moves * np.where(outcome[:, None], 1.0, -odds)).var(axis=0) / n
    else:
        variance = population**2 * moves[outcome].var(axis=0) / n_events
        variance = variance + ((1 - population) * odds) ** 2 * moves[~outcome].var(axis=0) / (n - n_events)
    se = np.sqrt(variance)
    difference = benefit_b - benefit_a - (harms["b"] - harms["a"])
    alike = ~moves.any(axis=0)
    difference[alike] = harms["a"] - harms["b"]
    se[alike] = 0.0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        statistic = np.where(difference == 0, 0.0, difference / se)
    return NetBenefitDifference(
        thresholds=t,
        difference=difference,
        se=se,
        statistic=statistic,
        pvalue=2 * norm.sf(np.abs(statistic)),
        net_benefit_a=benefit_a - harms["a"],
        net_benefit_b=benefit_b - harms["b"],
        n=n,
        n_events=n_events,
        _outcome=outcome,
        _prob=prob,
        _prevalence=population,
        _harm=harms["b"] - harms["a"],
        _level=level,
    )
