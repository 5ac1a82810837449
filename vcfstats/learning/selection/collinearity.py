"""Recursive elimination of collinear features by their variance-inflation factors."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

from vcfstats.learning.selection.base import FeatureFilter, unit_columns
from vcfstats.learning.selection.filters import t_test_pvalues
from vcfstats.statistics.inputs import BoolArray, FloatArray, check_choice

# A feature that the ones before it explain up to this share of its variance makes the factors mere rounding.
_UNEXPLAINED = 1e-10


class CollinearityFilter(FeatureFilter):
    """Drop the feature with the largest variance-inflation factor until none exceeds the limit.

    VIF_j = 1 / (1 - R_j^2), R_j^2 that of the linear regression of feature j on the others, is the j-th diagonal
    element of the inverse correlation matrix. It is defined for p < n - 1 features only (one degree of freedom must be left):
    with more, features go one at a time by another rule first (`surplus`). Ties: the later column goes.
    Rows that are copies of one another (a patient drawn twice into a bootstrap sample) count once in n.

    Parameters
    ----------
    limit : float or None
        Largest VIF that stays; None keeps every feature.
    surplus : {"mean_correlation", "association"}
        Which feature goes while they outnumber the cases: that with the largest mean |r| with the others, or that with the
        largest p value of Welch's or Student's t-test.
    variances : {"welch", "student"}
        Of the t-test of surplus ``association``.

    Attributes
    ----------
    surplus_ : ndarray of shape (p,)
        Which features went since features outnumbered the cases.
    inflation_ : ndarray of shape (p,)
        VIF of the features that stay, and of the others when they went; NaN where it was not defined.

    References
    ----------
    Marquardt (1970), doi 10.1080/00401706.1970.10488699.
    """

    def __init__(
        self, *, limit: float | None = 10.0, surplus: str = "mean_correlation", variances: str = "welch"
    ) -> None:
        self.limit = limit
        self.surplus = surplus
        self.variances = variances

    def _select(self, X: FloatArray, event: BoolArray) -> None:
        check_choice(self.surplus, ("mean_correlation", "association"), name="surplus")
        self.surplus_: BoolArray = np.zeros(X.shape[1], dtype=np.bool_)
        self.inflation_ = np.full(X.shape[1], np.nan)
        unit = unit_columns(X)
        still = ~unit.any(axis=0)
        self.reasons_ = {int(j): "does not vary" for j in np.flatnonzero(still)}
        left = np.flatnonzero(~still)
        if self.limit is not None:
            beyond = len(left) - (len(np.unique(unit, axis=0)) - 2)
            if beyond > 0 and self.surplus == "association":
                stay = self._least_associated_out(X, event, left, beyond)
            else:
                stay = self._most_correlated_out(unit, left, beyond)
            self.surplus_[np.setdiff1d(left, stay)] = True
            left = stay
            left = self._until_within(unit, left, self.limit)
        self.support_[left] = True

    def _least_associated_out(self, X: FloatArray, event: BoolArray, left: np.ndarray, surplus: int) -> np.ndarray:
        p = t_test_pvalues(X[:, left], event, variances=self.variances)
        order = np.argsort(np.where(np.isnan(p), np.inf, p), kind="stable")
        stay, go = order[: len(left) - surplus], order[len(left) - surplus :]
        for j in go:
            self.reasons_[int(left[j])] = f"p = {p[j]:.3g} while features outnumber the cases"
        return left[np.sort(stay)]

    def _most_correlated_out(self, unit: FloatArray, left: np.ndarray, surplus: int) -> np.ndarray:
        if surplus <= 0:
            return left
        magnitude = np.abs(unit[:, left].T @ unit[:, left])
        total = magnitude.sum(axis=0) - 1.0  # with the others
        here = np.ones(len(left), dtype=bool)
        for _ in range(surplus):
            worst = _last_largest(np.where(here, total, -np.inf))
            others = int(here.sum()) - 1
            mean = total[worst] / others if others else 0.0
            self.reasons_[int(left[worst])] = f"mean |r| = {mean:.3f} while features outnumber the cases"
            here[worst] = False
            total -= magnitude[worst]
        return left[here]

    def _until_within(self, unit: FloatArray, left: np.ndarray, limit: float) -> np.ndarray:
        correlation = unit[:, left].T @ unit[:, left]
        np.fill_diagonal(correlation, 1.0)
        here = np.arange(len(left))
        while here.size:
            inflation = inflation_factors(correlation[np.ix_(here, here)])
            self.inflation_[left[here]] = inflation
            worst = _last_largest(inflation)
            if inflation[worst] <= limit:
                break
            self.reasons_[int(left[here[worst]])] = f"VIF = {inflation[worst]:.3g}"
            here = np.delete(here, worst)
        return left[here]


def inflation_factors(correlation: FloatArray) -> FloatArray:
    """Return the variance-inflation factors of a correlation matrix of shape (p, p); huge where it is singular."""
    try:
        factor = cho_factor(correlation, lower=True, check_finite=False)
    except LinAlgError:
        factor = None
    if factor is not None and np.diagonal(factor[0]).min() ** 2 > _UNEXPLAINED:
        return np.diagonal(cho_solve(factor, np.eye(len(correlation)), check_finite=False)).copy()
    # Singular to rounding: features that lie in the null space have, in effect, infinite factors.
    values, vectors = eigh(correlation, check_finite=False)
    floor = len(correlation) * np.finfo(np.float64).eps
    return np.asarray((vectors**2) @ (1.0 / np.maximum(values, floor)))


def _last_largest(values: FloatArray) -> int:
    """Position of the largest value; of values equal up to rounding, the last."""
    largest = values.max()
    return int(np.flatnonzero(values >= largest - 1e-9 * abs(largest))[-1])
