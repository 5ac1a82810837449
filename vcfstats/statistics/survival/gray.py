"""Gray's test: do groups share the cumulative incidence of one cause where others compete?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from vcfstats.statistics.inputs import FloatArray, as_finite, as_labels, as_named_labels, check_alignment
from vcfstats.statistics.results import Result
from vcfstats.statistics.survival.times import as_cause, as_competing

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, repr=False, eq=False)
class GrayTest(Result):
    """Gray's test of the cumulative incidence of one cause in several groups.

    Attributes
    ----------
    statistic, df, pvalue : float
        Chi-square, its degrees of freedom, upper-tail p value.
    groups : tuple
        Names in order.
    score : ndarray of shape (g,)
        Weighted sum of observed minus expected events of the cause; they add up to 0.
    covariance : ndarray of shape (g, g)
        Of the scores.
    n, n_events : ndarray of shape (g,)
        Patients and events of the cause.
    cause : int
        Code of the cause.
    rho : float
        Weight (1 - F(t-))^rho.
    """

    statistic: float
    df: int
    pvalue: float
    groups: tuple[Any, ...]
    score: FloatArray
    covariance: FloatArray
    n: IntArray
    n_events: IntArray
    cause: int
    rho: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group: ``group, n, n_events, score``, and the test in the columns after."""
        import pandas as pd

        return pd.DataFrame(
            {
                "group": self.groups,
                "n": self.n,
                "n_events": self.n_events,
                "score": self.score,
                "statistic": self.statistic,
                "df": self.df,
                "p_value": self.pvalue,
            }
        )


def gray_test(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    cause: int | None = None,
    rho: float = 0.0,
    strata: npt.ArrayLike | None = None,
) -> GrayTest:
    r"""Gray's test that groups share the cumulative incidence of one cause while others compete.

    The score of group i is :math:`\sum_t (1-F(t-))^\rho \{d_i - d\, R_i / \sum_j R_j\}` over the events of the cause, with
    :math:`R_i = n_i (1 - F_i(t-)) / S_i(t-)`: those at risk, and those whom another cause took and who are kept with the
    weight they would have. Unlike the log-rank test of the cause it asks about probabilities and not about rates.

    Parameters
    ----------
    time, event, cause
        As in `cumulative_incidence`.
    groups : array-like of shape (n,)
        Group of each patient.
    rho : float
        Above 0 weighs early differences more.
    strata : array-like of shape (n,), optional
        Labels; scores and their covariances are summed over strata.

    Returns
    -------
    GrayTest

    Raises
    ------
    ValueError
        Bad input, a cause that never occurs, or fewer than two groups.

    Notes
    -----
    Equals cmprsk::cuminc. Its size at 0.05 is 0.045 to 0.051 from 23 patients a group on
    (benchmarks/results/coverage_groups.md).

    References
    ----------
    Gray (1988), doi 10.1214/aos/1176350951.

    Examples
    --------
    >>> from vcfstats import gray_test
    >>> result = gray_test([2, 3, 3, 5, 8, 9, 4, 6], [1, 2, 0, 1, 0, 2, 1, 1], list("aabbabab"))
    >>> round(result.statistic, 3), result.df
    (0.009, 1)
    """
    check_alignment(time=time, event=event, groups=groups, strata=strata)
    times, codes = as_competing(time, event)
    chosen = as_cause(codes, cause)
    if not (codes == chosen).any():
        raise ValueError(f"cause {chosen} never occurs in event; its codes are {sorted(set(codes.tolist()))}.")
    labels, names = as_named_labels(groups, len(times), name="groups")
    if len(names) < 2:
        raise ValueError(f"groups must hold two groups or more; found {list(names)}.")
    weight = as_finite(rho, "rho")
    stratum = np.zeros(len(times), dtype=np.int64)
    if strata is not None:
        stratum = as_labels(strata, len(times), name="strata")
    score, covariance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for code in range(int(stratum.max()) + 1):
        mine = stratum == code
        part = _gray(times[mine], codes[mine], labels[mine], len(names), chosen, weight)
        score, covariance = score + part[0], covariance + part[1]
    used = np.flatnonzero(np.diagonal(covariance) > 0)
    df = len(used) - 1
    statistic = float("nan")
    if df >= 1:
        free = used[:-1]
        solved = np.linalg.lstsq(covariance[np.ix_(free, free)], score[free], rcond=None)[0]
        statistic = float(score[free] @ solved)
    return GrayTest(
        statistic=statistic,
        df=df,
        pvalue=float(chdtrc(df, statistic)) if df >= 1 else float("nan"),
        groups=names,
        score=score,
        covariance=covariance,
        n=np.bincount(labels, minlength=len(names)),
        n_events=np.bincount(labels[codes == chosen], minlength=len(names)),
        cause=chosen,
        rho=weight,
    )


def _gray(
    time: FloatArray, codes: IntArray, groups: IntArray, g: int, cause: int, rho: float
) -> tuple[FloatArray, FloatArray]:
    """Scores and covariance in one stratum; arrays have the shape (event times, groups)."""
    distinct, place = np.unique(time, return_inverse=True)

    def count(rows: npt.NDArray[np.bool_]) -> FloatArray:
        table = np.zeros((len(distinct), g))
        np.add.at(table, (place[rows], groups[rows]), 1)
        return table

    own, other = count(codes == cause), count((codes > 0) & (codes != cause))
    n = np.cumsum(count(np.ones(len(time), dtype=bool))[::-1], axis=0)[::-1]
    here = n > 0
    safe = np.where(here, n, 1.0)
    s = np.cumprod(np.where(here, 1 - (own + other) / safe, 1.0), axis=0)
    s_before = np.vstack([np.ones(g), s[:-1]])
    f = np.cumsum(np.where(here, s_before * own / safe, 0.0), axis=0)
    f_before = np.vstack([np.zeros(g), f[:-1]])
    # Those at risk over S(t-): of everybody, and of those without the cause.
    base = np.where(here, n / np.where(here, s_before, 1.0), 0.0)
    risk = base * (1 - f_before)
    d = own.sum(axis=1)
    total, total_base = risk.sum(axis=1), base.sum(axis=1)
    jump = np.where(d > 0, d / total_base, 0.0)
    pooled = np.cumsum(jump)
    pooled_before = np.concatenate([[0.0], pooled[:-1]])
    with np.errstate(divide="ignore"):
        w = np.maximum(1 - pooled_before, 0.0) ** rho
    observed = own - np.where(d > 0, d / np.where(total > 0, total, 1.0), 0.0)[:, None] * risk
    score = np.sum(np.where(here, w[:, None] * observed, 0.0), axis=0)
    # Each martingale increment of group k moves score i by a_ik now and, through F_k in the risk sets to come, by what
    # of C_ik is still ahead.
    share = base / total_base[:, None]
    a = w[:, None, None] * base[:, :, None] * (np.eye(g)[None] - share[:, None, :])
    hazard = jump / np.where(pooled_before < 1, 1 - pooled_before, 1.0)
    c = np.cumsum(a * hazard[:, None, None], axis=0)
    ahead = c[-1] - c
    left = np.where(s > 0, (1 - pooled)[:, None] / np.where(s > 0, s, 1.0), 0.0)
    expected = np.where(here, s_before / safe, 0.0) * jump[:, None]
    one = total_base[:, None] * s_before - 1
    expected *= np.where(d[:, None] > 1, 1 - (d[:, None] - 1) / np.where(one != 0, one, 1.0), 1.0)
    through = a + (1 - left)[:, None, :] * ahead
    taken = np.where(here & (s > 0), s_before**2 * other / safe**2, 0.0)
    taken *= np.where(other > 1, 1 - (other - 1) / np.maximum(safe - 1, 1.0), 1.0)
    kept = left[:, None, :] * ahead
    covariance = np.einsum("tik,tjk,tk->ij", through, through, expected) + np.einsum(
        "tik,tjk,tk->ij", kept, kept, taken
    )
    return score, np.asarray(covariance)
