"""Standardisation, and the filters by t-test and by correlation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from vcfstats.learning.selection.base import FeatureFilter, unit_columns
from vcfstats.learning.varying import varying
from vcfstats.statistics.inputs import BoolArray, FloatArray, check_choice
from vcfstats.statistics.multiplicity import adjust_pvalues


class ZScore(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Subtract the training mean and divide by the training standard deviation; a feature that does not vary becomes 0.

    Parameters
    ----------
    ddof : int
        The standard deviation divides by n - ddof.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (p,)
        Training mean and standard deviation, infinite where the feature does not vary.
    """

    def __init__(self, *, ddof: int = 1) -> None:
        self.ddof = ddof

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None) -> Self:
        """Learn mean and standard deviation."""
        values: FloatArray = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self.mean_ = values.mean(axis=0)
        self.scale_ = np.where(varying(values), values.std(axis=0, ddof=self.ddof), np.inf)
        return self

    def transform(self, X: npt.ArrayLike) -> FloatArray:
        """Standardise."""
        check_is_fitted(self)
        values: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray((values - self.mean_) / self.scale_, dtype=np.float64)


class TTestFilter(FeatureFilter):
    """Keep features whose means differ between events and non-events: two-sided t-test, p < alpha.

    Parameters
    ----------
    variances : {"welch", "student"}
        Separate variances with Satterthwaite's degrees of freedom, or a pooled one.
    alpha : float
        Features with (adjusted) p below it stay; with 1 every feature that varies stays.
    adjustment : {"none", "bh", "by"}
        Adjustment of the p values for the number of features that vary.

    Attributes
    ----------
    pvalues_ : ndarray of shape (p,)
        Adjusted p values, NaN where a feature does not vary.
    """

    def __init__(self, *, variances: str = "welch", alpha: float = 0.05, adjustment: str = "none") -> None:
        self.variances = variances
        self.alpha = alpha
        self.adjustment = adjustment

    def _select(self, X: FloatArray, event: BoolArray) -> None:
        self.pvalues_ = adjust_pvalues(t_test_pvalues(X, event, variances=self.variances), method=self.adjustment)
        still = np.isnan(self.pvalues_)
        self.support_ = ~still if self.alpha >= 1 else self.pvalues_ < self.alpha
        self.reasons_ = {
            int(j): "does not vary" if still[j] else f"p = {self.pvalues_[j]:.3g}"
            for j in np.flatnonzero(~self.support_)
        }


def t_test_pvalues(X: FloatArray, event: BoolArray, *, variances: str) -> FloatArray:
    """Two-sided p values of two-sample t-tests, one a column; NaN where the column does not vary or a class has one case.

    Where neither class varies but their means differ, p is 0.

    References
    ----------
    Student (1908), doi 10.1093/biomet/6.1.1. Welch (1947), doi 10.1093/biomet/34.1-2.28.
    """
    check_choice(variances, ("welch", "student"), name="variances")
    n1, n0 = int(event.sum()), int((~event).sum())
    if min(n1, n0) < 2:
        return np.full(X.shape[1], np.nan)
    difference = X[event].mean(axis=0) - X[~event].mean(axis=0)
    v1, v0 = X[event].var(axis=0, ddof=1), X[~event].var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if variances == "student":
            df = np.full(X.shape[1], n1 + n0 - 2.0)
            variance = ((n1 - 1) * v1 + (n0 - 1) * v0) / df * (1 / n1 + 1 / n0)
        else:
            variance = v1 / n1 + v0 / n0
            df = variance**2 / ((v1 / n1) ** 2 / (n1 - 1) + (v0 / n0) ** 2 / (n0 - 1))
        t = difference / np.sqrt(variance)
    p = 2 * stdtr(np.where(np.isfinite(df), df, 1.0), -np.abs(t))
    return np.where(varying(X), p, np.nan)


class CorrelationFilter(FeatureFilter):
    """Of features whose absolute Pearson correlation exceeds the limit, keep one.

    Features are visited in order of preference; each stays if its absolute correlation with every feature kept so far
    is at most the limit. So no two features that stay correlate above it, and each that goes does so with one that stays.

    Parameters
    ----------
    limit : float
        Largest |r| between features that stay.
    keep : {"smallest_p", "first"}
        Order of preference: the p value of the t-test, or the order of the columns. Ties: the order of the columns.
    variances : {"welch", "student"}
        Of the t-test of rule ``smallest_p``.

    Attributes
    ----------
    correlation_ : ndarray of shape (p,)
        For a feature that went, its |r| with the feature it went for; NaN otherwise.
    rival_ : ndarray of shape (p,)
        Column of the feature it went for; -1 otherwise.
    """

    def __init__(self, *, limit: float = 0.9, keep: str = "smallest_p", variances: str = "welch") -> None:
        self.limit = limit
        self.keep = keep
        self.variances = variances

    def _select(self, X: FloatArray, event: BoolArray) -> None:
        check_choice(self.keep, ("smallest_p", "first"), name="keep")
        unit = unit_columns(X)
        order = np.arange(X.shape[1])
        if self.keep == "smallest_p":
            order = np.argsort(t_test_pvalues(X, event, variances=self.variances), kind="stable")
        self.correlation_ = np.full(X.shape[1], np.nan)
        self.rival_ = np.full(X.shape[1], -1)
        kept = np.empty_like(unit)  # columns of those kept so far, so that one product compares with all of them
        columns: list[int] = []
        for j in order:
            if not unit[:, j].any():
                self.reasons_[int(j)] = "does not vary"
                continue
            r = np.abs(unit[:, j] @ kept[:, : len(columns)])
            if r.size and r.max() > self.limit:
                self.rival_[j] = columns[int(np.argmax(r))]
                self.correlation_[j] = r.max()
                self.reasons_[int(j)] = f"|r| = {r.max():.3f}"
                continue
            kept[:, len(columns)] = unit[:, j]
            columns.append(int(j))
        self.support_[columns] = True

    def dropped(self, names: Sequence[str] | npt.NDArray[np.object_]) -> dict[str, str]:
        """Return the dropped features and why, by the names of the columns."""
        rivals = {str(names[j]): f" with {names[rival]}" for j, rival in enumerate(self.rival_) if rival >= 0}
        return {name: why + rivals.get(name, "") for name, why in super().dropped(names).items()}
