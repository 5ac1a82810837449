"""What the kappas return: a coefficient with its standard error, hence its intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from vcfstats.statistics.inputs import FloatArray, check_choice, check_level
from vcfstats.statistics.results import ConfidenceInterval, Result

if TYPE_CHECKING:
    import pandas as pd


class _Coefficient(Result):
    """What the coefficients share: an estimate with its standard error, hence an interval, in the frame too."""

    se: float

    def _estimate(self) -> float:
        raise NotImplementedError

    def _quantile(self, upper: float) -> float:
        return float(ndtri(upper))

    def confidence_interval(self, confidence_level: float = 0.95, *, method: str = "wald") -> ConfidenceInterval:
        """Return the interval of the coefficient.

        Parameters
        ----------
        confidence_level : float
            Of the interval.
        method : {"wald", "fisher-z"}
            Estimate -+ quantile x SE, as the R packages do, not clipped, so that a limit above 1 shows how far the
            approximation strains; or the same on the scale artanh(estimate), which stays below 1 and covers better
            where agreement is strong (0.94 against 0.87 for 0.95 at kappa 0.9, n = 50). NaN at an estimate of 1.

        Raises
        ------
        ValueError
            An unknown method.
        """
        z = self._quantile(0.5 + check_level(confidence_level) / 2)
        estimate = self._estimate()
        if check_choice(method, ("wald", "fisher-z"), name="method") == "wald":
            return ConfidenceInterval(estimate - z * self.se, estimate + z * self.se)
        if not abs(estimate) < 1:
            return ConfidenceInterval(float("nan"), float("nan"))
        half = z * self.se / (1 - estimate**2)
        return ConfidenceInterval(
            float(np.tanh(np.arctanh(estimate) - half)), float(np.tanh(np.arctanh(estimate) + half))
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: the estimate, its 95% interval (`low`, `high`), then the other fields."""
        frame = super().to_frame()
        low, high = self.confidence_interval()
        frame.insert(1, "low", low)
        frame.insert(2, "high", high)
        return frame


@dataclass(frozen=True, repr=False, eq=False)
class CohenKappaResult(_Coefficient):
    """Cohen's kappa of two raters.

    Attributes
    ----------
    kappa : float
        (observed - expected) / (1 - expected); NaN where both raters used one and the same category.
    se : float
        Non-null large-sample standard error (Fleiss, Cohen and Everitt 1969), of the interval.
    statistic, pvalue : float
        z with the standard error under independence, and its two-sided normal p value.
    observed, expected : float
        (Weighted) observed agreement and the agreement expected from the marginals.
    weights : str
        unweighted, linear or squared.
    n_subjects : int
        Subjects rated.
    categories : tuple
        In the order of `table`.
    table : ndarray of shape (q, q)
        Counts, first rater in rows.
    """

    kappa: float
    se: float
    statistic: float
    pvalue: float
    observed: float
    expected: float
    weights: str
    n_subjects: int
    categories: tuple[Any, ...]
    table: npt.NDArray[np.int64]

    def _estimate(self) -> float:
        return self.kappa


@dataclass(frozen=True, repr=False, eq=False)
class FleissKappaResult(_Coefficient):
    """Fleiss' kappa of m raters.

    Attributes
    ----------
    kappa : float
        NaN where one category was used throughout.
    se : float
        Non-null standard error, by linearisation over subjects (Gwet 2021), of the interval.
    statistic, pvalue : float
        z with the standard error under chance alone (Fleiss, Nee and Landis 1979) and its two-sided normal p value; NaN
        where ratings are missing, for which that error is not defined.
    observed, expected : float
        Mean pairwise agreement, and its expectation by chance.
    n_subjects, n_raters : int
        Shape of the ratings.
    categories : tuple
        Categories found (or given).
    exact_kappa : float
        Conger's kappa, whose chance agreement is the mean over pairs of raters of the product of their own shares; for
        two raters it is Cohen's. NaN where ratings are missing.
    category_kappa, category_statistic : ndarray of shape (q,)
        Kappa of each category against all others, and its z under chance (NaN where ratings are missing).
    """

    kappa: float
    se: float
    statistic: float
    pvalue: float
    observed: float
    expected: float
    n_subjects: int
    n_raters: int
    categories: tuple[Any, ...]
    exact_kappa: float
    category_kappa: FloatArray
    category_statistic: FloatArray

    def _estimate(self) -> float:
        return self.kappa

    def _quantile(self, upper: float) -> float:
        return float(stdtrit(self.n_subjects - 1, upper))


@dataclass(frozen=True, repr=False, eq=False)
class GwetAC1Result(_Coefficient):
    """Gwet's AC1 of m raters.

    Attributes
    ----------
    ac1 : float
        NaN where fewer than two categories exist.
    se : float
        Standard error by linearisation over subjects.
    statistic, df, pvalue : float
        ac1 / se, referred two-sided to t with n - 1 degrees of freedom.
    observed, expected : float
        Mean pairwise agreement, and its expectation by chance.
    n_subjects, n_raters : int
        Shape of the ratings.
    categories : tuple
        Categories found (or given); AC1 depends on how many there are.
    """

    ac1: float
    se: float
    statistic: float
    df: float
    pvalue: float
    observed: float
    expected: float
    n_subjects: int
    n_raters: int
    categories: tuple[Any, ...]

    def _estimate(self) -> float:
        return self.ac1

    def _quantile(self, upper: float) -> float:
        return float(stdtrit(self.df, upper))
