"""The area under the ROC curve and its intervals."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
from scipy import optimize, special
from scipy.stats import DegenerateDataWarning

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    RandomState,
    as_flag,
    as_outcome,
    as_scores,
    check_alignment,
    check_choice,
    check_level,
    refuse_unused,
)
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.roc.delong import component_covariance, orient, placements
from vcfstats.statistics.roc.resampled import bootstrap_aucs
from vcfstats.statistics.roc.unbiased import unbiased_covariance

METHODS = ("delong", "logit-delong", "hanley-mcneil", "newcombe", "bootstrap")


@dataclass(frozen=True, repr=False, eq=False)
class Auc(Result):
    """Area under an empirical ROC curve.

    Attributes
    ----------
    auc : float
        Probability that a random event scores above a random non-event, ties counting one half.
    variance : float
        DeLong's estimate (or the unbiased one) of the variance of `auc`; NaN with one event or one non-event.
    n_events, n_nonevents : int
        Size of the two classes.
    direction : str
        "higher" or "lower".
    unbiased : bool
        Whether `variance` is the unbiased estimate.
    """

    auc: float
    variance: float
    n_events: int
    n_nonevents: int
    direction: str
    unbiased: bool
    _outcome: BoolArray
    _score: FloatArray

    @property
    def se(self) -> float:
        """Standard error, the root of `variance`; NaN where an unbiased variance came out negative."""
        return math.sqrt(self.variance) if self.variance >= 0 else math.nan

    def confidence_interval(
        self,
        confidence_level: float = 0.95,
        method: str = "delong",
        *,
        n_resamples: int | None = None,
        stratified: bool | None = None,
        bootstrap_method: str | None = None,
        random_state: RandomState = None,
    ) -> ConfidenceInterval:
        r"""Return a confidence interval of the AUC.

        Parameters
        ----------
        confidence_level : float
            Such as 0.95.
        method : {"delong", "logit-delong", "hanley-mcneil", "newcombe", "bootstrap"}
            "delong": :math:`\hat\theta\pm z\hat\sigma`, clipped to [0, 1]. "logit-delong": the same on the logit scale,
            :math:`\operatorname{logit}\hat\theta\pm z\hat\sigma/\{\hat\theta(1-\hat\theta)\}`, and back.
            "hanley-mcneil": :math:`\hat\theta\pm z s`, :math:`s^2=\{\hat\theta(1-\hat\theta)+(m-1)(Q_1-\hat\theta^2)
            +(n-1)(Q_2-\hat\theta^2)\}/(mn)`, :math:`Q_1=\hat\theta/(2-\hat\theta)`,
            :math:`Q_2=2\hat\theta^2/(1+\hat\theta)`, clipped. "newcombe": the score-type interval
            of all :math:`\theta` with :math:`|\hat\theta-\theta|\le z\,s(\theta)`, in :math:`s` both m and n replaced by
            (m + n) / 2 within the braces; it never degenerates. "bootstrap": patients resampled with replacement.
        n_resamples, stratified, bootstrap_method, random_state
            For "bootstrap" only (2,000, stratified and "percentile" where not given); see `bootstrap_aucs`.

        Returns
        -------
        ConfidenceInterval
            With an AUC of 0 or 1 (or a constant score) the estimated variance is 0: "delong" and "hanley-mcneil" give a
            point, "logit-delong" NaN, each with a `DegenerateDataWarning` that says so.

        Raises
        ------
        ValueError
            An unknown method, a level outside (0, 1), or an option of the bootstrap with another method.

        Notes
        -----
        Coverage at 95% of binormal scores (``benchmarks/results/coverage_roc.md``): "delong" under-covers with few events
        and near 1: 0.67 to 0.84 with 4 events, 0.76 to 0.89 with 8, still 0.90 to 0.94 with 50; "logit-delong" holds
        0.946 to 0.956 from 26 events on where non-events are not many times more, but 0.85 to 0.92 with 4 or 8 events and
        0.93 with 50 among 1,000 at AUC 0.95; "newcombe" never fell below 0.95, and is the one to use with few events or an
        AUC near 1. The bootstrap does not mend what few events spoil: percentile 0.70 to 0.87 with 4 or 8, BCa 0.83 to 0.89.

        References
        ----------
        DeLong, DeLong & Clarke-Pearson (1988), doi 10.2307/2531595. Logit: Qin & Hotilovac (2008),
        doi 10.1177/0962280207087173. Hanley & McNeil (1982), doi 10.1148/radiology.143.1.7063747. Newcombe (2006), method 5,
        doi 10.1002/sim.2324.

        Examples
        --------
        >>> from vcfstats import roc_auc
        >>> result = roc_auc([1, 1, 1, 1, 0, 0, 0, 0, 0], [9, 8, 4, 6, 1, 2, 3, 5, 7])
        >>> low, high = result.confidence_interval(0.95, method="logit-delong")
        >>> round(low, 3), round(high, 3)
        (0.403, 0.979)
        """
        z = float(special.ndtri(0.5 + check_level(confidence_level) / 2))
        method = check_choice(method, METHODS, name="method")
        if method == "bootstrap":
            replicates = bootstrap_aucs(
                self._outcome,
                self._score,
                direction=self.direction,
                n_resamples=2000 if n_resamples is None else n_resamples,
                stratified=stratified,
                random_state=random_state,
            )
            return replicates.contrast([1.0]).confidence_interval(confidence_level, bootstrap_method or "percentile")
        refuse_unused(
            f"with method={method!r}",
            n_resamples=n_resamples,
            stratified=stratified,
            bootstrap_method=bootstrap_method,
        )
        if method == "newcombe":
            return newcombe_interval(self.auc, self.n_events, self.n_nonevents, z)
        if method == "hanley-mcneil":
            se = math.sqrt(hanley_mcneil_variance(self.auc, self.n_events, self.n_nonevents))
        else:
            se = self.se
        if math.isnan(se):
            _warn(
                f"With {self.n_events} event(s) and {self.n_nonevents} non-event(s) the variance cannot be estimated (two of"
                f" each are needed; an unbiased one may come out negative), so the {method} interval is NaN; 'newcombe'"
                " has an answer."
            )
            return ConfidenceInterval(math.nan, math.nan)
        if method == "logit-delong":
            return self._logit_interval(z, se)
        if se == 0:
            _warn(
                f"AUC {self.auc:g} has an estimated variance of 0: the {method} interval is a point and says nothing."
            )
        return ConfidenceInterval(max(0.0, self.auc - z * se), min(1.0, self.auc + z * se))

    def _logit_interval(self, z: float, se: float) -> ConfidenceInterval:
        if self.auc in (0.0, 1.0):
            _warn(f"The logit of an AUC of {self.auc:g} is infinite: the logit-delong interval does not exist (NaN).")
            return ConfidenceInterval(math.nan, math.nan)
        if se == 0:
            _warn(f"AUC {self.auc:g} has an estimated variance of 0: the logit-delong interval is a point.")
        half = z * se / (self.auc * (1 - self.auc))
        logit = float(special.logit(self.auc))
        return ConfidenceInterval(float(special.expit(logit - half)), float(special.expit(logit + half)))


def roc_auc(
    y_true: npt.ArrayLike,
    y_score: npt.ArrayLike,
    *,
    event: Any = None,
    direction: str = "higher",
    unbiased: bool = False,
) -> Auc:
    r"""Return the area under the empirical ROC curve with its variance.

    :math:`\hat\theta=\frac{1}{mn}\sum_{i,j}\{1[x_i>y_j]+\tfrac12 1[x_i=y_j]\}` over the m events and n non-events,
    counted exactly in integers by one sort, O(n log n).

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome, 0/1 or bool, or any coding with `event`.
    y_score : array-like of shape (n,)
        Score or probability; ties at the last bit are kept apart, infinite values allowed.
    event : object, optional
        The value of `y_true` that is the event.
    direction : {"higher", "lower"}
        Which scores speak for the event. It is never guessed: an AUC below 0.5 stays below 0.5.
    unbiased : bool
        The unbiased variance of Zhu et al. (2024) in place of DeLong's, which is slightly too large.

    Returns
    -------
    Auc
        With `.auc`, `.variance`, `.n_events`, `.n_nonevents` and `.confidence_interval()`.

    Raises
    ------
    ValueError
        Bad shapes, missing values, an outcome of one class.

    References
    ----------
    Bamber (1975), doi 10.1016/0022-2496(75)90001-2; DeLong et al. (1988), doi 10.2307/2531595; Zhu et al. (2024),
    doi 10.1016/j.eswa.2024.123194.

    Examples
    --------
    >>> from vcfstats import roc_auc
    >>> result = roc_auc([1, 1, 1, 1, 0, 0, 0, 0, 0], [9, 8, 4, 6, 1, 2, 3, 5, 7])
    >>> result.auc, round(result.variance, 4)
    (0.85, 0.0192)
    """
    check_alignment(y_true=y_true, y_score=y_score)
    outcome = as_outcome(y_true, event=event)
    score = as_scores(y_score, outcome.size)
    oriented = orient(score, direction)[:, None]
    placed = placements(outcome, oriented)
    if as_flag(unbiased, "unbiased"):
        variance = unbiased_covariance(outcome, oriented, placed.events, placed.nonevents)
    else:
        variance = component_covariance(placed.events, placed.nonevents)
    return Auc(
        auc=float(placed.aucs[0]),
        variance=float(variance[0, 0]),
        n_events=placed.events.shape[0],
        n_nonevents=placed.nonevents.shape[0],
        direction=direction,
        unbiased=unbiased,
        _outcome=outcome,
        _score=score,
    )


def hanley_mcneil_variance(auc: float, n_events: int, n_nonevents: int) -> float:
    """Return Hanley and McNeil's (1982) variance, exact under exponential scores."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    total = auc * (1 - auc) + (n_events - 1) * (q1 - auc**2) + (n_nonevents - 1) * (q2 - auc**2)
    return max(0.0, total / (n_events * n_nonevents))


def newcombe_interval(auc: float, n_events: int, n_nonevents: int, z: float) -> ConfidenceInterval:
    """Return Newcombe's (2006) fifth interval."""
    average = (n_events + n_nonevents) / 2

    def excess(theta: float) -> float:
        spread = 1 + (average - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return abs(auc - theta) - z * math.sqrt(theta * (1 - theta) * spread / (n_events * n_nonevents))

    # At 0 and 1 the variance is 0: the estimate itself is then a root beside the one that is sought.
    inner = 1e-12
    low = 0.0 if auc == 0 else optimize.brentq(excess, 0.0, min(auc, 1 - inner), xtol=1e-15)
    high = 1.0 if auc == 1 else optimize.brentq(excess, max(auc, inner), 1.0, xtol=1e-15)
    return ConfidenceInterval(float(low), float(high))


def _warn(message: str) -> None:
    warnings.warn(message, DegenerateDataWarning, stacklevel=4)
