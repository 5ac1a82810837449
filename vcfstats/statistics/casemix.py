"""Whether two cohorts are the same kind of patients: a membership model from means and covariances alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import f as f_distribution
from scipy.stats import norm

from vcfstats.statistics.inputs import FloatArray, as_count, as_numbers, check_alignment, check_order, refuse_huge
from vcfstats.statistics.results import Result


@dataclass(frozen=True, repr=False, eq=False)
class CaseMix(Result):
    """Result of `case_mix_difference`.

    Attributes
    ----------
    auc : float
        AUC with which the linear discriminant tells the cohorts apart, corrected for chance: 0.5 where nothing does.
    auc_apparent : float
        The same without the correction: above 0.5 in any two samples.
    distance2 : float
        Squared Mahalanobis distance of the means, pooled covariance.
    distance2_corrected : float
        Its unbiased estimate; below 0 where the means differ less than chance has them differ.
    statistic, pvalue : float
        Hotelling's test of equal means, as F.
    df1, df2 : int
        Its degrees of freedom.
    n1, n2, n_variables : int
        Patients of each cohort, variables.
    """

    auc: float
    auc_apparent: float
    distance2: float
    distance2_corrected: float
    statistic: float
    pvalue: float
    df1: int
    df2: int
    n1: int
    n2: int
    n_variables: int


def case_mix_difference(
    mean1: npt.ArrayLike, covariance1: npt.ArrayLike, n1: int, mean2: npt.ArrayLike, covariance2: npt.ArrayLike, n2: int
) -> CaseMix:
    """Tell how well membership of two cohorts can be predicted, from their means and covariances.

    The membership model of Debray et al. (predictors and outcome against the cohort), as a linear discriminant, for which
    no patient of the first cohort is needed: with S the pooled covariance and d the difference of the means,
    D^2 = d' S^-1 d, AUC = Phi(D / sqrt 2) for normal variables of equal covariance. D^2 is corrected for chance,
    D^2 (N - p - 3) / (N - 2) - p N / (n1 n2) with N = n1 + n2, and taken as 0 below 0.

    Parameters
    ----------
    mean1, mean2 : array-like of shape (p,)
        Means of the cohorts; outcome, predictors and indicators of levels alike.
    covariance1, covariance2 : array-like of shape (p, p)
        Covariances, divisor n - 1.
    n1, n2 : int
        Patients.

    Returns
    -------
    CaseMix

    Raises
    ------
    ValueError
        Shapes that do not match, fewer than p + 4 patients in all, or a variable that varies in neither cohort or is a
        linear combination of others.

    Notes
    -----
    With variables that are not normal, such as indicators, the AUC is an approximation: in simulation it lies within 0.02 of
    the AUC of a logistic membership model (tests/statistics/test_casemix.py).

    References
    ----------
    Debray et al. (2015), doi 10.1016/j.jclinepi.2014.06.018. Su and Liu (1993), doi 10.1080/01621459.1993.10476417.
    Lachenbruch and Mickey (1968), doi 10.1080/00401706.1968.10490530.

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import case_mix_difference
    >>> rng = np.random.default_rng(1)
    >>> a, b = rng.normal(size=(100, 2)), rng.normal(size=(80, 2)) + [1, 0]
    >>> mix = case_mix_difference(a.mean(0), np.cov(a.T), 100, b.mean(0), np.cov(b.T), 80)
    >>> round(mix.auc, 2)
    0.73
    """
    check_alignment(mean1=mean1, covariance1=covariance1, mean2=mean2, covariance2=covariance2)
    for name, table in (("covariance1", covariance1), ("covariance2", covariance2)):
        check_order(
            f"the columns of {name}", getattr(table, "columns", None), "its rows", getattr(table, "index", None)
        )
    n1, n2 = as_count(n1, "n1", least=0, most=10**12), as_count(n2, "n2", least=0, most=10**12)
    m1, m2 = np.ravel(_finite(mean1, "mean1")), np.ravel(_finite(mean2, "mean2"))
    p, total = m1.size, n1 + n2
    c1, c2 = np.atleast_2d(_finite(covariance1, "covariance1")), np.atleast_2d(_finite(covariance2, "covariance2"))
    if m2.shape != (p,) or c1.shape != (p, p) or c2.shape != (p, p):
        raise ValueError(
            f"mean1, mean2, covariance1, covariance2: means of shape (p,) and covariances of shape (p, p) are needed; got {m1.shape}, {m2.shape}, {c1.shape}, {c2.shape}."
        )
    if min(n1, n2) < 2 or total < p + 4:
        raise ValueError(
            f"n1 and n2: {n1} and {n2} patients are too few for {p} variables: at least {p + 4} in all, 2 in each."
        )
    if (np.diagonal(c1) < 0).any() or (np.diagonal(c2) < 0).any():
        raise ValueError("covariance1 and covariance2 must not hold negative variances on their diagonals.")
    pooled = ((n1 - 1) * c1 + (n2 - 1) * c2) / (total - 2)
    spread = np.sqrt(np.diagonal(pooled))
    if not (spread > 0).all() or np.linalg.eigvalsh(pooled / np.outer(spread, spread))[0] <= 1e-10:
        raise ValueError(
            "covariance1 and covariance2: a variable varies in neither cohort or is a linear combination of others; leave it out."
        )
    gap = (m1 - m2) / spread
    distance2 = float(gap @ np.linalg.solve(pooled / np.outer(spread, spread), gap))
    corrected = distance2 * (total - p - 3) / (total - 2) - p * total / (n1 * n2)
    df2 = total - p - 1
    statistic = distance2 * n1 * n2 / total * df2 / (p * (total - 2))
    return CaseMix(
        auc=float(norm.cdf(np.sqrt(max(0.0, corrected) / 2))),
        auc_apparent=float(norm.cdf(np.sqrt(distance2 / 2))),
        distance2=distance2,
        distance2_corrected=float(corrected),
        statistic=float(statistic),
        pvalue=float(f_distribution.sf(statistic, p, df2)),
        df1=p,
        df2=df2,
        n1=n1,
        n2=n2,
        n_variables=p,
    )


def _finite(values: npt.ArrayLike, name: str) -> FloatArray:
    found = as_numbers(values, name, booleans=False)
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite; {int((~np.isfinite(found)).sum())} of its values are not.")
    refuse_huge(found, name)
    return found
