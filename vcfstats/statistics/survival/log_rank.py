"""The log-rank test of several groups, and its weighted kin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from vcfstats.statistics.inputs import FloatArray, as_finite, as_named_labels, check_alignment
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
    time: npt.ArrayLike, event: npt.ArrayLike, groups: npt.ArrayLike, *, event_value: Any = None, rho: float = 0.0
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
    check_alignment(time=time, event=event, groups=groups)
    times, happened = as_survival(time, event, event_value=event_value)
    codes, names = as_named_labels(groups, len(times), name="groups")
    rho = as_finite(rho, "rho")
    g = len(names)
    if g < 2:
        raise ValueError(f"A log-rank test needs two groups; found {list(names)}.")
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
        n=np.bincount(codes, minlength=g),
        observed=observed,
        expected=expected,
        covariance=covariance,
        rho=float(rho),
    )
