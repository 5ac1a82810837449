"""Tests of several coefficients at once, pooled over imputed data sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, fdtrc

from vcfstats.statistics.inputs import as_number, as_numbers, refuse_huge
from vcfstats.statistics.results import Result

_MANY = 1e7
_AGREE = 1e-12  # share of the variance below which imputations differ by rounding alone


@dataclass(frozen=True, repr=False, eq=False)
class PooledTest(Result):
    """A test pooled over imputations.

    Attributes
    ----------
    statistic : float
        Referred to the F distribution.
    df1, df2 : float
        Its degrees of freedom; `df2` is infinite where the imputations agree.
    pvalue : float
        Probability of a larger statistic if all coefficients are 0.
    """

    statistic: float
    df1: float
    df2: float
    pvalue: float


def pool_wald(estimates: npt.ArrayLike, covariances: npt.ArrayLike) -> PooledTest:
    """Test that k coefficients are all 0, from their estimates in m imputed data sets (D1).

    D1 = Q' U^-1 Q / (k (1 + r)) with Q and U the means of estimates and covariances, r = (1 + 1/m) tr(B U^-1) / k and B the
    covariance of the estimates over the imputations; against F(k, df2).

    Parameters
    ----------
    estimates : array-like of shape (m, k)
        Coefficients of each imputed data set; m of at least 2.
    covariances : array-like of shape (m, k, k)
        Their covariances.

    Returns
    -------
    PooledTest

    Raises
    ------
    ValueError
        Shapes that do not match, or fewer than two imputations.

    References
    ----------
    Li, Raghunathan and Rubin (1991), doi 10.1080/01621459.1991.10475152.

    Examples
    --------
    >>> from vcfstats.statistics.pooled_tests import pool_wald
    >>> test = pool_wald([[1.0], [1.2], [0.8]], [[[0.1]], [[0.1]], [[0.1]]])
    >>> round(test.statistic, 3)
    6.522
    """
    Q = as_numbers(estimates, "estimates", booleans=False)
    U = as_numbers(covariances, "covariances", booleans=False)
    if Q.ndim != 2 or len(Q) < 2 or not Q.size or U.shape != (*Q.shape, Q.shape[1]):
        raise ValueError(
            f"estimates must have shape (m, k) with m of at least 2 and covariances (m, k, k); got {Q.shape} and {U.shape}."
        )
    for name, values in (("estimates", Q), ("covariances", U)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite; {int((~np.isfinite(values)).sum())} of its values are not.")
        refuse_huge(values, name)
    m, k = Q.shape
    mean, within = Q.mean(axis=0), U.mean(axis=0)
    spread = np.sqrt(np.abs(np.diagonal(within)))
    if not (np.diagonal(within) > 0).all() or np.linalg.matrix_rank(within / np.outer(spread, spread), tol=1e-10) < k:
        raise ValueError(
            "covariances are singular on average: a coefficient has no variance, or is a linear combination of others; leave"
            " it out."
        )
    between = np.atleast_2d(np.cov(Q, rowvar=False, ddof=1))
    r = float((1 + 1 / m) * np.trace(np.linalg.solve(within, between)) / k)
    statistic = float(mean @ np.linalg.solve(within, mean)) / (k * (1 + r))
    t = k * (m - 1)
    if r <= _AGREE:
        df2 = float("inf")
    elif t > 4:
        df2 = 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
    else:
        df2 = t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2
    return _tested(statistic, k, df2)


def pool_chi_squares(statistics: npt.ArrayLike, df: float) -> PooledTest:
    """Pool chi-square statistics with `df` degrees of freedom from m imputed data sets (D2).

    D2 = (mean d / k - (m + 1)/(m - 1) r) / (1 + r) with r = (1 + 1/m) times the variance of sqrt(d); against F(k,
    k^(-3/m) (m - 1) (1 + 1/r)^2). It asks for the statistics alone, and so pools likelihood ratios of models that have no
    finite maximum. Where much is missing it is less exact than `pool_wald`.

    Parameters
    ----------
    statistics : array-like of shape (m,)
        Of each imputed data set; m of at least 2.
    df : int
        Their degrees of freedom, k.

    Returns
    -------
    PooledTest

    Raises
    ------
    ValueError
        Another shape, fewer than two imputations, negative statistics or degrees of freedom below 1.

    References
    ----------
    Li, Meng, Raghunathan and Rubin (1991), Statistica Sinica 1, 65-92.

    Examples
    --------
    >>> from vcfstats.statistics.pooled_tests import pool_chi_squares
    >>> test = pool_chi_squares([6.0, 7.0, 8.0], 2)
    >>> round(test.statistic, 3), round(test.pvalue, 3)
    (3.249, 0.04)
    """
    d, df = as_numbers(statistics, "statistics", booleans=False), as_number(df, "df")
    if d.ndim != 1 or len(d) < 2 or not np.isfinite(d).all() or (d < 0).any() or not 1 <= df < np.inf:
        raise ValueError(
            f"statistics must be at least 2 finite numbers, none negative, and df at least 1; got shape {d.shape} and df {df}."
        )
    refuse_huge(d, "statistics")
    m = len(d)
    r = float((1 + 1 / m) * np.sqrt(d).var(ddof=1))
    statistic = max(0.0, (float(d.mean()) / df - (m + 1) / (m - 1) * r) / (1 + r))
    df2 = float("inf") if r <= _AGREE else df ** (-3 / m) * (m - 1) * (1 + 1 / r) ** 2
    return _tested(statistic, df, df2)


def _tested(statistic: float, df1: float, df2: float) -> PooledTest:
    # F with very many degrees of freedom is the chi-square distribution, which is computed more exactly.
    p = float(fdtrc(df1, df2, statistic) if df2 < _MANY else chdtrc(df1, df1 * statistic))
    return PooledTest(statistic, float(df1), df2, p)
