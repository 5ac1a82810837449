"""DeLong's covariance of correlated AUCs from ranks, and the tests of two AUCs that rest on it."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.stats import DegenerateDataWarning

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_flag,
    as_outcome,
    as_score_matrix,
    as_scores,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.roc.unbiased import unbiased_covariance

ALTERNATIVES = ("two-sided", "less", "greater")
DIRECTIONS = ("higher", "lower")


class Placements(NamedTuple):
    """Twice the placement counts, as exact integers.

    `events[i, r]` is twice the number of non-events that event i outranks under score r, a tie counting one half;
    `nonevents[j, r]` twice the number of events that outrank non-event j. DeLong's structural components are
    ``events / (2 * n_nonevents)`` and ``nonevents / (2 * n_events)``.
    """

    events: npt.NDArray[np.int64]
    nonevents: npt.NDArray[np.int64]

    @property
    def aucs(self) -> FloatArray:
        """AUC of each score, shape (k,): one correctly rounded quotient of integers."""
        pairs = 2 * self.events.shape[0] * self.nonevents.shape[0]
        return np.array([int(total) / pairs for total in self.events.sum(axis=0)])


def orient(scores: FloatArray, direction: str) -> FloatArray:
    """Return scores such that higher means the event."""
    return -scores if check_choice(direction, DIRECTIONS, name="direction") == "lower" else scores


def placements(outcome: BoolArray, scores: FloatArray) -> Placements:
    """Return the placements of scores of shape (n, k), by one sort a score: O(k n log n) time, O(k n) memory."""
    doubled = np.empty(scores.shape, dtype=np.int64)
    for column in range(scores.shape[1]):
        doubled[:, column] = _doubled_placements(outcome, scores[:, column])
    return Placements(doubled[outcome], doubled[~outcome])


def _doubled_placements(outcome: BoolArray, score: FloatArray) -> npt.NDArray[np.int64]:
    order = np.argsort(score)  # the order of ties, which differs between processors, does not matter below
    ranked, is_event = score[order], outcome[order]
    starts_group = np.append(True, ranked[1:] != ranked[:-1])
    group = np.cumsum(starts_group) - 1
    last = np.append(np.flatnonzero(starts_group)[1:], score.size) - 1
    events_through = np.cumsum(is_event)[last]
    nonevents_through = last + 1 - events_through
    events_before = np.append(0, events_through[:-1])
    nonevents_before = np.append(0, nonevents_through[:-1])
    outranked = nonevents_before + nonevents_through
    outranking = 2 * events_through[-1] - events_before - events_through
    result = np.empty(score.size, dtype=np.int64)
    result[order] = np.where(is_event, outranked[group], outranking[group])
    return result


def component_covariance(events: npt.NDArray[Any], nonevents: npt.NDArray[Any]) -> FloatArray:
    """DeLong's covariance, shape (k, k), of columns of doubled placements or of linear contrasts of them.

    With one event or one non-event the sample variance that the formula needs does not exist: all is NaN.
    """
    m, n = events.shape[0], nonevents.shape[0]
    if m < 2 or n < 2:
        return np.full((events.shape[1], events.shape[1]), np.nan)
    by_event = (events - events.sum(axis=0) / m) / (2.0 * n)
    by_nonevent = (nonevents - nonevents.sum(axis=0) / n) / (2.0 * m)
    covariance: FloatArray = by_event.T @ by_event / (m * (m - 1.0)) + by_nonevent.T @ by_nonevent / (n * (n - 1.0))
    return covariance


def delong_covariance(
    y_true: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    event: Any = None,
    direction: str = "higher",
    unbiased: bool = False,
) -> FloatArray:
    r"""Return the estimated covariance matrix of the AUCs of k scores read on the same patients.

    With m events, n non-events and the structural components
    :math:`V_{10}^r(x_i)` (share of non-events that event i outranks under score r) and :math:`V_{01}^r(y_j)`,

    .. math:: \hat\Sigma_{rs} = \frac{1}{m(m-1)}\sum_i (V_{10}^r(x_i)-\hat\theta_r)(V_{10}^s(x_i)-\hat\theta_s)
              + \frac{1}{n(n-1)}\sum_j (V_{01}^r(y_j)-\hat\theta_r)(V_{01}^s(y_j)-\hat\theta_s).

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome, 0/1 or bool, or any coding with `event`.
    scores : array-like of shape (n,) or (n, k)
        Scores of k models, patients in rows.
    event : object, optional
        The value of `y_true` that is the event.
    direction : {"higher", "lower"}
        Which scores speak for the event. It is never guessed from the data.
    unbiased : bool
        DeLong's estimator is biased upwards by terms of order 1/(mn). True gives the exactly unbiased estimator of the
        U-statistic's covariance, which can be negative in tiny samples. Both take O(n log n) a pair of scores.

    Returns
    -------
    ndarray of shape (k, k)
        All NaN with fewer than two events or two non-events, where no variance can be estimated.

    Raises
    ------
    ValueError
        Bad shapes, missing values, an outcome of one class.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), doi 10.2307/2531595. Sun & Xu (2014), doi 10.1109/LSP.2014.2337313.
    Unbiased: Zhu et al. (2024), doi 10.1016/j.eswa.2024.123194.

    Examples
    --------
    >>> from vcfstats import delong_covariance
    >>> covariance = delong_covariance([1, 1, 1, 0, 0, 0], [[4, 6], [5, 2], [2, 5], [3, 4], [1, 3], [0, 1]])
    >>> covariance.round(4).tolist()
    [[0.0247, -0.0062], [-0.0062, 0.0617]]
    """
    check_alignment(y_true=y_true, scores=scores)
    outcome = as_outcome(y_true, event=event)
    values = orient(as_score_matrix(scores, outcome.size, name="scores"), direction)
    placed = placements(outcome, values)
    if as_flag(unbiased, "unbiased"):
        return unbiased_covariance(outcome, values, placed.events, placed.nonevents)
    return component_covariance(placed.events, placed.nonevents)


@dataclass(frozen=True, repr=False, eq=False)
class AucDifference(Result):
    """Difference of two AUCs.

    Attributes
    ----------
    auc_a, auc_b : float
        The two AUCs.
    difference : float
        `auc_a - auc_b`, on the AUC scale.
    se : float
        Standard error of the difference.
    statistic : float
        `difference / se`.
    pvalue : float
        Of the null hypothesis of equal AUCs.
    df : float
        Degrees of freedom; inf for the normal reference of paired curves.
    alternative : str
        "two-sided", "less" or "greater" (of `auc_a` against `auc_b`).
    """

    auc_a: float
    auc_b: float
    difference: float
    se: float
    statistic: float
    pvalue: float
    df: float
    alternative: str

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the two-sided Wald interval of the difference, normal (paired) or t (unpaired), not clipped."""
        quantile = float(special.stdtrit(self.df, 0.5 + check_level(confidence_level) / 2))
        return ConfidenceInterval(self.difference - quantile * self.se, self.difference + quantile * self.se)


def delong_test(
    y_true: npt.ArrayLike,
    score_a: npt.ArrayLike,
    score_b: npt.ArrayLike,
    *,
    event: Any = None,
    direction: str = "higher",
    alternative: str = "two-sided",
    unbiased: bool = False,
) -> AucDifference:
    r"""Compare the AUCs of two scores read on the same patients.

    :math:`z = (\hat\theta_a-\hat\theta_b)/\sqrt{\hat\sigma_a^2+\hat\sigma_b^2-2\hat\sigma_{ab}}`, referred to the
    normal distribution. The variance is taken from the differences of the placements, so that it is exactly 0 where the
    two scores rank alike.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome.
    score_a, score_b : array-like of shape (n,)
        The two scores.
    event, direction, unbiased
        As in `delong_covariance`.
    alternative : {"two-sided", "less", "greater"}
        "less": the AUC of a is below that of b.

    Returns
    -------
    AucDifference
        With variance 0 and no difference: statistic 0 and p 1 (0.5 one-sided). With variance 0 and a difference: an
        infinite statistic, a point interval and a `DegenerateDataWarning`. With one event or one non-event: NaN.

    Raises
    ------
    ValueError
        Bad shapes, missing values, an outcome of one class.

    Notes
    -----
    Coverage of the 95% interval (``benchmarks/results/coverage_roc.md``): 0.95 from 26 events on; with 4 or 8 events 0.88
    and 0.91 for AUCs of 0.85 and 0.75. No closed
    interval here does better; report the number of events beside it. The unbiased variance covers slightly less.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), doi 10.2307/2531595. Nested models: refer to a likelihood ratio test
    instead (Demler, Pencina & D'Agostino 2012, doi 10.1002/sim.5328).

    Examples
    --------
    >>> from vcfstats import delong_test
    >>> y = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> test = delong_test(y, [9, 8, 4, 7, 1, 2, 3, 5, 6, 0], [7, 2, 9, 5, 8, 1, 0, 3, 4, 6])
    >>> round(test.difference, 4), round(test.pvalue, 4)
    (0.2083, 0.402)
    >>> low, high = test.confidence_interval(0.95)
    """
    check_alignment(y_true=y_true, score_a=score_a, score_b=score_b)
    outcome = as_outcome(y_true, event=event)
    a = as_scores(score_a, outcome.size, name="score_a")
    b = as_scores(score_b, outcome.size, name="score_b")
    values = orient(np.column_stack([a, b]), direction)
    placed = placements(outcome, values)
    difference, variance = contrast_of_two(placed, 0, 1)
    if as_flag(unbiased, "unbiased"):
        covariance = unbiased_covariance(outcome, values, placed.events, placed.nonevents)
        variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    auc_a, auc_b = placed.aucs.tolist()
    return difference_result(auc_a, auc_b, difference, variance, math.inf, alternative)


def contrast_of_two(placed: Placements, a: int, b: int) -> tuple[float, float]:
    """Return the difference of two AUCs and its DeLong variance, from exact integer differences of placements."""
    events = placed.events[:, [a]] - placed.events[:, [b]]
    nonevents = placed.nonevents[:, [a]] - placed.nonevents[:, [b]]
    difference = int(events.sum()) / (2 * events.shape[0] * nonevents.shape[0])
    return difference, float(component_covariance(events, nonevents)[0, 0])


def delong_test_unpaired(
    y_a: npt.ArrayLike,
    score_a: npt.ArrayLike,
    y_b: npt.ArrayLike,
    score_b: npt.ArrayLike,
    *,
    event: Any = None,
    direction: str = "higher",
    alternative: str = "two-sided",
    unbiased: bool = False,
) -> AucDifference:
    r"""Compare the AUCs of two independent groups of patients, such as two cohorts or two subgroups.

    :math:`t = (\hat\theta_a-\hat\theta_b)/\sqrt{v_a+v_b}` on
    :math:`(v_a+v_b)^2/\{v_a^2/(N_a-1)+v_b^2/(N_b-1)\}` degrees of freedom, :math:`N` counting all patients of a group.

    Parameters
    ----------
    y_a, y_b : array-like of shapes (n_a,) and (n_b,)
        Outcomes of the two groups.
    score_a, score_b : array-like of shapes (n_a,) and (n_b,)
        Scores of the two groups.
    event, direction, unbiased
        As in `delong_covariance`.
    alternative : {"two-sided", "less", "greater"}
        "less": the AUC of group a is below that of group b.

    Returns
    -------
    AucDifference
        Where both variances are 0 there are no degrees of freedom: `df` and `pvalue` are NaN, `statistic` is NaN or
        infinite, and a `DegenerateDataWarning` says so.

    Raises
    ------
    ValueError
        Bad shapes, missing values, a group of one class.

    Notes
    -----
    Coverage of the 95% interval (``benchmarks/results/coverage_roc.md``): 0.94 to 0.95 from 26 events a group on, 0.91 to
    0.95 with 4 or 8.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), doi 10.2307/2531595; the degrees of freedom are Satterthwaite's (1946),
    doi 10.2307/3002019.

    Examples
    --------
    >>> from vcfstats import delong_test_unpaired
    >>> test = delong_test_unpaired([1, 1, 1, 0, 0, 0], [4, 5, 2, 3, 1, 0], [1, 1, 0, 0, 0], [2, 9, 4, 3, 1])
    >>> round(test.difference, 4), round(test.df, 2)
    (0.2222, 5.41)
    """
    check_alignment(y_a=y_a, score_a=score_a)  # of the other group nothing is paired with these
    check_alignment(y_b=y_b, score_b=score_b)
    aucs, variances, sizes = [], [], []
    for label, y, score in (("a", y_a, score_a), ("b", y_b, score_b)):
        outcome = as_outcome(y, event=event, name=f"y_{label}")
        values = orient(as_scores(score, outcome.size, name=f"score_{label}"), direction)[:, None]
        placed = placements(outcome, values)
        covariance = (
            unbiased_covariance(outcome, values, placed.events, placed.nonevents)
            if as_flag(unbiased, "unbiased")
            else component_covariance(placed.events, placed.nonevents)
        )
        aucs.append(float(placed.aucs[0]))
        variances.append(float(covariance[0, 0]))
        sizes.append(outcome.size)
    variance = variances[0] + variances[1]
    terms = sum(v**2 / (size - 1) for v, size in zip(variances, sizes, strict=True))
    df = variance**2 / terms if terms > 0 else math.nan
    return difference_result(aucs[0], aucs[1], aucs[0] - aucs[1], variance, df, alternative)


def difference_result(
    auc_a: float, auc_b: float, difference: float, variance: float, df: float, alternative: str
) -> AucDifference:
    """Return the test of a difference of known variance."""
    check_choice(alternative, ALTERNATIVES, name="alternative")
    se = math.sqrt(variance) if variance >= 0 else math.nan
    if math.isnan(se):
        warnings.warn(
            "The variance cannot be estimated, so the test is NaN: two events and two non-events (of different clusters) are"
            f" needed, and the estimate must not be negative; it is {variance:.3g}.",
            DegenerateDataWarning,
            stacklevel=3,
        )
        statistic = math.nan
    elif se > 0:
        statistic = difference / se
    else:
        statistic = _zero_variance(difference, df)
    return AucDifference(
        auc_a, auc_b, difference, se, statistic, tail_pvalue(statistic, df, alternative), df, alternative
    )


def _zero_variance(difference: float, df: float) -> float:
    if math.isnan(df):
        warnings.warn(
            "Both AUCs have an estimated variance of 0, so the t reference has no degrees of freedom: p is NaN.",
            DegenerateDataWarning,
            stacklevel=4,
        )
        return math.copysign(math.inf, difference) if difference else math.nan
    if difference:
        warnings.warn(
            "The difference of the AUCs has an estimated variance of 0: the test and its interval say nothing of"
            " sampling error.",
            DegenerateDataWarning,
            stacklevel=4,
        )
        return math.copysign(math.inf, difference)
    return 0.0


def tail_pvalue(statistic: float, df: float, alternative: str) -> float:
    """Return the p value of a t (or, with df inf, normal) statistic, accurate in the far tail."""
    if math.isnan(statistic) or math.isnan(df):
        return math.nan
    if math.isinf(statistic):
        below = 0.0 if statistic < 0 else 1.0
        return {"two-sided": 0.0, "less": below, "greater": 1 - below}[alternative]
    tail = special.ndtr if math.isinf(df) else lambda value: special.stdtr(df, value)
    if alternative == "two-sided":
        return min(1.0, 2 * float(tail(-abs(statistic))))
    return float(tail(statistic if alternative == "less" else -statistic))
