"""The log-rank test of several groups, its weighted and stratified kin, the test for trend, and all pairs of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_finite,
    as_labels,
    as_named_labels,
    as_numbers,
    check_alignment,
    refuse_huge,
)
from vcfstats.statistics.multiplicity import adjust_pvalues, adjustment
from vcfstats.statistics.results import Result
from vcfstats.statistics.survival.times import as_survival, risk_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class LogRankResult(Result):
    """A log-rank test; arrays run over the groups.

    Attributes
    ----------
    statistic, df, pvalue : float
        Chi-square, its degrees of freedom, upper-tail p value.
    groups : tuple
        Names in order.
    n, observed, expected : ndarray of shape (g,)
        Patients; (weighted) events, and those expected if the hazard were shared.
    covariance : ndarray of shape (g, g)
        Of observed - expected.
    rho : float
        Weight S(t-)^rho: 0 log-rank, 1 Peto and Peto.
    """

    statistic: float
    df: int
    pvalue: float
    groups: tuple[Any, ...]
    n: npt.NDArray[np.int64]
    observed: FloatArray
    expected: FloatArray
    covariance: FloatArray
    rho: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group: ``group, n, observed, expected``, and the test in the columns after."""
        import pandas as pd

        return pd.DataFrame(
            {
                "group": self.groups,
                "n": self.n,
                "observed": self.observed,
                "expected": self.expected,
                "statistic": self.statistic,
                "df": self.df,
                "p_value": self.pvalue,
            }
        )


def log_rank_test(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    event_value: Any = None,
    rho: float = 0.0,
    strata: npt.ArrayLike | None = None,
) -> LogRankResult:
    """Log-rank test that the hazards of two or more groups are equal, as of risk groups of a model.

    Sums, over event times, observed minus expected events of each group, weighted by S(t-)^rho of all patients;
    variance hypergeometric.

    Parameters
    ----------
    time, event, event_value
        As in `kaplan_meier`.
    groups : array-like of shape (n,)
        Group of each patient. Groups made from the outcome itself (a cut-off chosen for the smallest p) have no valid p.
    rho : float
        0 for the log-rank test, 1 for Peto and Peto's.
    strata : array-like of shape (n,), optional
        Labels; observed and expected events are taken within each stratum, and S(t-) is that of the stratum.

    Returns
    -------
    LogRankResult

    Raises
    ------
    ValueError
        Bad input, or fewer than two groups.

    References
    ----------
    Mantel (1966), Cancer Chemother Rep 50:163. Harrington and Fleming (1982), doi 10.1093/biomet/69.3.553.

    Examples
    --------
    >>> from vcfstats import log_rank_test
    >>> result = log_rank_test([2, 3, 4, 5, 8, 9, 10, 12], [1, 1, 0, 1, 0, 1, 1, 0], list("aababbab"))
    >>> round(result.statistic, 3), result.df
    (2.799, 1)
    """
    times, happened, codes, names, stratum = _checked(time, event, groups, event_value, strata)
    rho = as_finite(rho, "rho")
    observed, expected, covariance = _sums(times, happened, codes, len(names), rho, stratum)
    used = np.flatnonzero(expected > 0)
    df = len(used) - 1
    gap = (observed - expected)[used[:-1]]
    if df >= 1:
        solved = np.linalg.lstsq(covariance[np.ix_(used[:-1], used[:-1])], gap, rcond=None)[0]
        statistic = float(gap @ solved)
    else:
        statistic = float("nan")
    return LogRankResult(
        statistic=statistic,
        df=df,
        pvalue=float(chdtrc(df, statistic)) if df >= 1 else float("nan"),
        groups=names,
        n=np.bincount(codes, minlength=len(names)),
        observed=observed,
        expected=expected,
        covariance=covariance,
        rho=float(rho),
    )


@dataclass(frozen=True, repr=False, eq=False)
class LogRankTrend(Result):
    """A log-rank test for trend.

    Attributes
    ----------
    statistic, pvalue : float
        z, positive where groups of higher score have more events than expected, and its two-sided p value.
    groups, scores : tuple
        Names in order, and the score of each.
    rho : float
        Weight S(t-)^rho.
    """

    statistic: float
    pvalue: float
    groups: tuple[Any, ...]
    scores: tuple[float, ...]
    rho: float


def log_rank_trend(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    event_value: Any = None,
    scores: Sequence[float] | None = None,
    rho: float = 0.0,
    strata: npt.ArrayLike | None = None,
) -> LogRankTrend:
    """Test whether the hazard rises or falls along ordered groups, such as risk groups from low to high.

    z = c'(O - E) / sqrt(c'Vc) with the scores c, O, E and V those of `log_rank_test`. Against an ordered alternative it
    is more powerful than the test on g - 1 degrees of freedom.

    Parameters
    ----------
    time, event, event_value, rho, strata
        As in `log_rank_test`.
    groups : array-like of shape (n,)
        Group of each patient; in the order of their values, words in that of the alphabet.
    scores : sequence of float, optional
        One a group in that order; 1, 2, ..., g by default. Only their spacing matters.

    Returns
    -------
    LogRankTrend

    Raises
    ------
    ValueError
        Bad input, fewer than two groups, or scores that are not one a group or all the same.

    Notes
    -----
    The size at 0.05 is 0.046 to 0.059 from 23 patients a group on (benchmarks/results/coverage_groups.md).

    References
    ----------
    Tarone (1975), doi 10.1093/biomet/62.3.679.

    Examples
    --------
    >>> from vcfstats import log_rank_trend
    >>> result = log_rank_trend([2, 3, 4, 5, 8, 9, 10, 12], [1, 1, 0, 1, 0, 1, 1, 0], [3, 3, 2, 3, 2, 1, 1, 1])
    >>> round(result.statistic, 3)
    2.454
    """
    times, happened, codes, names, stratum = _checked(time, event, groups, event_value, strata)
    rho = as_finite(rho, "rho")
    weights = np.arange(1.0, len(names) + 1)
    if scores is not None:
        weights = as_numbers(scores, "scores", booleans=False)
        if weights.shape != (len(names),) or not np.isfinite(weights).all() or np.ptp(weights) == 0:
            raise ValueError(
                f"scores must give one finite number to each of the groups {list(names)}, not all the same; got {scores!r}."
            )
        refuse_huge(weights, "scores")
    observed, expected, covariance = _sums(times, happened, codes, len(names), rho, stratum)
    unit = (weights - weights.mean()) / np.abs(weights - weights.mean()).max()
    variance = float(unit @ covariance @ unit)
    statistic = float(unit @ (observed - expected)) / np.sqrt(variance) if variance > 0 else np.nan
    return LogRankTrend(
        float(statistic), float(2 * ndtr(-abs(statistic))), names, tuple(map(float, weights)), float(rho)
    )


@dataclass(frozen=True, repr=False, eq=False)
class PairwiseLogRank(Result):
    """Log-rank tests of all pairs of groups; arrays run over the pairs.

    Attributes
    ----------
    pairs : tuple of (group, group)
        Names, in order.
    statistic, pvalue, adjusted : ndarray of shape (m,)
        Chi-square on one degree of freedom, its p value, and that adjusted for the number of pairs.
    adjust : str
        Method of adjustment.
    rho : float
        Weight S(t-)^rho, S that of the two groups of a pair.
    """

    pairs: tuple[tuple[Any, Any], ...]
    statistic: FloatArray
    pvalue: FloatArray
    adjusted: FloatArray
    adjust: str
    rho: float

    def to_frame(self) -> pd.DataFrame:
        """Return ``group_a, group_b, statistic, p_value, adjusted``, one row a pair."""
        import pandas as pd

        return pd.DataFrame(
            {
                "group_a": [a for a, _ in self.pairs],
                "group_b": [b for _, b in self.pairs],
                "statistic": self.statistic,
                "p_value": self.pvalue,
                "adjusted": self.adjusted,
            }
        )


def pairwise_log_rank(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    event_value: Any = None,
    adjust: str = "holm",
    rho: float = 0.0,
    strata: npt.ArrayLike | None = None,
) -> PairwiseLogRank:
    """Log-rank tests of all pairs of groups, the p values adjusted for their number.

    Each pair is tested on its own patients alone.

    Parameters
    ----------
    time, event, event_value, groups, rho, strata
        As in `log_rank_test`.
    adjust : str
        As `method` of `adjust_pvalues`; "none" leaves them.

    Returns
    -------
    PairwiseLogRank

    Raises
    ------
    ValueError
        Bad input, fewer than two groups, or an unknown method.

    Notes
    -----
    Any of Holm's three pairs of alike groups lies below 0.05 in 0.040 to 0.052 of samples
    (benchmarks/results/coverage_groups.md).

    References
    ----------
    Mantel (1966), Cancer Chemother Rep 50:163. Adjustment: see `adjust_pvalues`.

    Examples
    --------
    >>> from vcfstats import pairwise_log_rank
    >>> result = pairwise_log_rank([2, 3, 4, 5, 8, 9, 10, 12], [1, 1, 0, 1, 0, 1, 1, 0], list("aabcbacb"))
    >>> result.pairs, result.adjusted.round(3).tolist()
    ((('a', 'b'), ('a', 'c'), ('b', 'c')), [0.189, 0.315, 0.315])
    """
    chosen = adjustment(adjust, name="adjust")
    times, happened, codes, names, stratum = _checked(time, event, groups, event_value, strata)
    rho = as_finite(rho, "rho")
    pairs = list(combinations(range(len(names)), 2))
    found = []
    for a, b in pairs:
        mine = (codes == a) | (codes == b)
        observed, expected, covariance = _sums(
            times[mine], happened[mine], (codes[mine] == b).astype(np.int64), 2, rho, stratum[mine]
        )
        possible = covariance[0, 0] > 0
        found.append((observed[0] - expected[0]) ** 2 / covariance[0, 0] if possible else np.nan)
    statistic = np.array(found)
    pvalue = np.asarray(chdtrc(1, statistic))
    return PairwiseLogRank(
        pairs=tuple((names[a], names[b]) for a, b in pairs),
        statistic=statistic,
        pvalue=pvalue,
        adjusted=adjust_pvalues(pvalue, method=chosen),
        adjust=chosen,
        rho=float(rho),
    )


def _checked(
    time: npt.ArrayLike, event: npt.ArrayLike, groups: npt.ArrayLike, event_value: Any, strata: npt.ArrayLike | None
) -> tuple[FloatArray, BoolArray, npt.NDArray[np.int64], tuple[Any, ...], npt.NDArray[np.int64]]:
    check_alignment(time=time, event=event, groups=groups, strata=strata)
    times, happened = as_survival(time, event, event_value=event_value)
    codes, names = as_named_labels(groups, len(times), name="groups")
    if len(names) < 2:
        raise ValueError(f"groups must hold two groups or more for a log-rank test; found {list(names)}.")
    stratum = np.zeros(len(times), dtype=np.int64)
    if strata is not None:
        stratum = as_labels(strata, len(times), name="strata")
    return times, happened, codes, names, stratum


def _sums(
    times: FloatArray,
    happened: BoolArray,
    codes: npt.NDArray[np.int64],
    g: int,
    rho: float,
    stratum: npt.NDArray[np.int64],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Observed and expected events of each group and the covariance of their difference, summed over strata."""
    if (stratum != stratum[0]).any():
        parts = [
            _sums(times[m], happened[m], codes[m], g, rho, np.zeros(int(m.sum()), dtype=np.int64))
            for m in (stratum == code for code in np.unique(stratum))
        ]
        observed, expected, covariance = (np.sum(part, axis=0) for part in zip(*parts, strict=True))
        return observed, expected, covariance
    table = risk_table(times, happened)
    place = np.searchsorted(table.time, times)
    events, leaving = np.zeros((len(table.time), g)), np.zeros((len(table.time), g))
    np.add.at(events, (place[happened], codes[happened]), 1)
    np.add.at(leaving, (place, codes), 1)
    at_risk = np.cumsum(leaving[::-1], axis=0)[::-1]
    survival = np.cumprod(1 - table.events / table.at_risk)
    weight = np.concatenate([[1.0], survival[:-1]]) ** rho
    share = at_risk / table.at_risk[:, None]
    observed = weight @ events
    expected = (weight * table.events) @ share
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(table.at_risk > 1, table.events * (table.at_risk - table.events) / (table.at_risk - 1), 0.0)
    spread = spread * weight**2
    covariance = np.diag(spread @ share) - (share * spread[:, None]).T @ share
    return observed, expected, covariance
