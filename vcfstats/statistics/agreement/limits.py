"""Limits of agreement of two methods that measure the same quantity (Bland and Altman)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit
from scipy.stats import nct

from vcfstats.statistics.inputs import (
    FloatArray,
    as_numbers,
    as_positive,
    as_scores,
    check_alignment,
    check_choice,
    check_level,
    refuse_huge,
)
from vcfstats.statistics.results import ConfidenceInterval, Result


@dataclass(frozen=True, repr=False, eq=False)
class BlandAltmanResult(Result):
    """Bias and limits of agreement, in the unit of the measurements.

    Attributes
    ----------
    bias : float
        Mean difference, first minus second.
    sd : float
        Standard deviation of the differences (n - 1).
    lower, upper : float
        Limits of agreement, bias -+ multiplier x sd.
    n : int
        Pairs.
    multiplier : float
        1.96 by default.
    statistic, df, pvalue : float
        Paired t test of no bias.
    means, differences : ndarray of shape (n,)
        What the plot shows.
    """

    bias: float
    sd: float
    lower: float
    upper: float
    n: int
    multiplier: float
    statistic: float
    df: float
    pvalue: float
    means: FloatArray
    differences: FloatArray

    def confidence_interval(
        self, confidence_level: float = 0.95, *, of: str = "bias", method: str = "exact"
    ) -> ConfidenceInterval:
        """Return the interval of the bias or of a limit of agreement.

        Parameters
        ----------
        confidence_level : float
            Of the interval.
        of : {"bias", "lower", "upper"}
            The quantity.
        method : {"exact", "approximate"}
            For the limits: from the noncentral t distribution (Carkeet 2015), or limit -+ t(n-1) SE with
            SE = sd sqrt(1/n + multiplier^2 / (2 (n-1))) (Bland and Altman 1999), which is symmetric and covers too
            little on the outer side in small samples. The bias has its t interval either way.

        Raises
        ------
        ValueError
            An unknown choice.
        """
        tail = (1 - check_level(confidence_level)) / 2
        of = check_choice(of, ("bias", "lower", "upper"), name="of")
        method = check_choice(method, ("exact", "approximate"), name="method")
        root = np.sqrt(self.n)
        if of == "bias":
            half = stdtrit(self.df, 1 - tail) * self.sd / root
            return ConfidenceInterval(float(self.bias - half), float(self.bias + half))
        if method == "approximate":
            centre = self.lower if of == "lower" else self.upper
            half = stdtrit(self.df, 1 - tail) * self.sd * np.sqrt(1 / self.n + self.multiplier**2 / (2 * self.df))
            return ConfidenceInterval(float(centre - half), float(centre + half))
        shift = self.multiplier * root
        near, far = (float(nct.ppf(q, self.df, shift)) * self.sd / root for q in (tail, 1 - tail))
        if of == "upper":
            return ConfidenceInterval(float(self.bias + near), float(self.bias + far))
        return ConfidenceInterval(float(self.bias - far), float(self.bias - near))


def bland_altman(method_a: npt.ArrayLike, method_b: npt.ArrayLike, *, multiplier: float = 1.96) -> BlandAltmanResult:
    """Bias and limits of agreement between two methods measured once each on the same subjects.

    bias = mean(a - b), limits = bias -+ multiplier x SD(a - b): about 95% of differences lie between them if they are
    normal and neither mean nor spread depends on the size of the measurement (look at the plot).

    Parameters
    ----------
    method_a, method_b : array-like of shape (n,)
        Paired measurements in one unit, n >= 2.
    multiplier : float
        1.96 for limits that hold 95%.

    Returns
    -------
    BlandAltmanResult

    Raises
    ------
    ValueError
        Lengths that differ, fewer than two pairs, missing or infinite values, or a multiplier that is not positive.

    References
    ----------
    Bland and Altman (1986), doi 10.1016/S0140-6736(86)90837-8; (1999), doi 10.1177/096228029900800204. Carkeet (2015),
    doi 10.1097/OPX.0000000000000513.

    Examples
    --------
    >>> from vcfstats import bland_altman
    >>> result = bland_altman([10.1, 12.3, 9.8, 11.0, 10.7], [9.9, 12.0, 10.1, 10.6, 10.5])
    >>> round(result.bias, 3), round(result.lower, 3), round(result.upper, 3)
    (0.16, -0.37, 0.69)
    >>> [round(limit, 3) for limit in result.confidence_interval(of="upper")]
    [0.409, 1.774]
    """
    check_alignment(method_a=method_a, method_b=method_b)
    first = as_numbers(method_a, "method_a", booleans=False)
    if first.ndim != 1 or first.size < 2:
        raise ValueError(f"method_a must have shape (n,) with n >= 2; got {first.shape}.")
    a = as_scores(method_a, first.size, name="method_a", booleans=False)
    b = as_scores(method_b, first.size, name="method_b", booleans=False)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("method_a and method_b must be finite; drop pairs with infinite values.")
    refuse_huge(a, "method_a")
    refuse_huge(b, "method_b")
    multiplier = as_positive(multiplier, "multiplier", example="1.96")
    difference = a - b
    n = len(difference)
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = float(np.divide(bias, sd / np.sqrt(n)))
    return BlandAltmanResult(
        bias=bias,
        sd=sd,
        lower=bias - multiplier * sd,
        upper=bias + multiplier * sd,
        n=n,
        multiplier=float(multiplier),
        statistic=statistic,
        df=float(n - 1),
        pvalue=float(2 * stdtr(n - 1, -abs(statistic))),
        means=(a + b) / 2,
        differences=difference,
    )
