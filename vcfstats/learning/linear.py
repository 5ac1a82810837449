"""A logistic regression that is whole in its JSON: coefficients in the units of the predictors, errors, ranges."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.statistics.glm import fit_logistic
from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.regression.firth import firth_coefficients


@dataclass(frozen=True)
class LinearTerm:
    """One coefficient and the predictor that it belongs to.

    Attributes
    ----------
    column : str
        Column of the design: ``variable`` or ``variable=level``.
    variable : str
        The predictor.
    level, reference : str or None
        Of a categorical predictor; None for a number.
    coefficient : float
        Log odds ratio per unit, or against the reference.
    standard_error : float or None
        None where the method gives none (ridge).
    low, high : float
        Training range.
    mean, scale : float
        Training mean and standard deviation (ddof 1).
    """

    column: str
    variable: str
    level: str | None
    reference: str | None
    coefficient: float
    standard_error: float | None
    low: float
    high: float
    mean: float
    scale: float


@dataclass(frozen=True)
class LinearModel:
    """A fitted logistic regression.

    Attributes
    ----------
    name : str
        What the model is called.
    method : str
        ``maximum likelihood``, ``Firth`` (where events and non-events are separated) or ``ridge, C = ...``; over which
        imputations it was pooled.
    intercept : float
        Log odds with every column of the design at 0.
    intercept_error : float or None
        Its standard error.
    terms : tuple of LinearTerm
        The coefficients; none for a model of the prevalence alone.
    n, n_events : int
        Training cases and events.
    covariance : tuple of tuple of float, or None
        Of the intercept and the coefficients, in the order of `terms`; None where the method gives none (ridge).
    shrinkage : float or None
        What the coefficients were multiplied by; None where they were left as they are.
    """

    name: str
    method: str
    intercept: float
    intercept_error: float | None
    terms: tuple[LinearTerm, ...]
    n: int
    n_events: int
    covariance: tuple[tuple[float, ...], ...] | None = None
    shrinkage: float | None = None

    @property
    def separated(self) -> bool:
        """Whether predictors separate events from non-events, in some imputation at least."""
        return "Firth" in self.method

    def predict(self, design: pd.DataFrame) -> FloatArray:
        """Return the probability of the event for each row; NaN where a predictor is missing."""
        absent = [term.column for term in self.terms if term.column not in design]
        if absent:
            raise InputError(
                Problem(
                    f"no column {absent[0]!r}",
                    "every predictor of the model",
                    "give the predictors under the names of the model",
                )
            )
        values = design.loc[:, [term.column for term in self.terms]].to_numpy(dtype=np.float64)
        return np.asarray(
            expit(self.intercept + values @ np.array([term.coefficient for term in self.terms])), dtype=np.float64
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the model as a dictionary for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> LinearModel:
        """Rebuild a model from `to_dict`."""
        given = body.get("covariance")
        covariance = None if given is None else tuple(tuple(row) for row in given)
        return cls(**{**body, "terms": tuple(LinearTerm(**term) for term in body["terms"]), "covariance": covariance})


@dataclass(frozen=True)
class Column:
    """What a column of a design means."""

    variable: str
    level: str | None = None
    reference: str | None = None


def fit_linear(
    design: pd.DataFrame,
    outcome: np.ndarray,
    *,
    name: str,
    columns: dict[str, Column],
    penalty_c: float | None = None,
    shrink: bool = False,
) -> LinearModel:
    """Fit a logistic regression to complete training rows.

    Without a penalty by maximum likelihood; where events and non-events are separated, so that there is no finite maximum,
    by Firth's method with the intercept corrected (FLIC), and `method` says so. With a penalty, ridge regression on
    standardised columns, coefficients returned in the columns' own units.

    Parameters
    ----------
    design : DataFrame of shape (n, p)
        Varying, linearly independent columns; p may be 0.
    outcome : ndarray of shape (n,)
        0/1.
    name : str
        What the model is called.
    columns : dict
        Column of the design -> what it means.
    penalty_c : float, optional
        Inverse strength of the ridge penalty.
    shrink : bool, default False
        Whether the coefficients are shrunken (`shrunken`); not beside a ridge penalty.
    """
    X = np.ascontiguousarray(design.to_numpy(dtype=np.float64))
    n, p = X.shape
    mean, scale = X.mean(axis=0), X.std(axis=0, ddof=1)
    errors: list[float | None]
    covariance: FloatArray | None
    factor: float | None = None
    if penalty_c is not None and p:
        fit = LogisticRegression(C=penalty_c, solver="lbfgs", tol=1e-10, max_iter=10_000).fit(
            (X - mean) / scale, outcome
        )
        slopes = fit.coef_[0] / scale
        coef = np.concatenate([[fit.intercept_[0] - slopes @ mean], slopes])
        errors, method, covariance = [None] * (p + 1), f"ridge, C = {penalty_c:g}", None
    else:
        likelihood = fit_logistic(np.column_stack([np.ones(n), X]), outcome)
        if likelihood.separated:
            coef, covariance = firth_coefficients(np.column_stack([np.ones(n), X]), outcome.astype(np.float64))
            method = "Firth"
        else:
            coef, covariance, method = likelihood.coef, likelihood.covariance, "maximum likelihood"
        if shrink and p:
            chi2 = 2 * (likelihood.loglik - fit_logistic(np.ones((n, 1)), outcome).loglik)
            factor = max(0.0, (chi2 - p) / chi2) if chi2 > 0 else 0.0
            coef, covariance = shrunken(coef, covariance, X, outcome, factor)
        errors = np.sqrt(np.diagonal(covariance)).tolist()
    terms = tuple(
        LinearTerm(
            column=str(column),
            variable=columns[column].variable,
            level=columns[column].level,
            reference=columns[column].reference,
            coefficient=float(coef[j + 1]),
            standard_error=errors[j + 1],
            low=float(X[:, j].min()),
            high=float(X[:, j].max()),
            mean=float(mean[j]),
            scale=float(scale[j]),
        )
        for j, column in enumerate(design.columns)
    )
    rows = None if covariance is None else tuple(tuple(row) for row in covariance.tolist())
    return LinearModel(name, method, float(coef[0]), errors[0], terms, n, int(outcome.sum()), rows, factor)


def shrunken(
    coef: FloatArray, covariance: FloatArray, X: FloatArray, outcome: np.ndarray, factor: float
) -> tuple[FloatArray, FloatArray]:
    """Multiply the slopes of a logistic regression by a factor and fit the intercept again; return both and their covariance.

    slopes s b; the intercept a solves sum(expit(a + s X b)) = sum(y). With weights w = p (1 - p) and the weighted mean m of the
    columns, var(a) = 1 / sum(w) + s^2 m' V m and cov(a, s b) = -s^2 V m, V the covariance of b: that of maximum likelihood where
    s = 1. The factor counts as known.

    Parameters
    ----------
    coef, covariance : ndarray of shape (p + 1,), (p + 1, p + 1)
        Intercept and slopes.
    X, outcome : ndarray of shape (n, p), (n,)
        Predictors; 0/1, both present.
    factor : float
        s, from 0 to 1.

    References
    ----------
    Van Houwelingen and Le Cessie (1990), doi 10.1002/sim.4780091109.
    """
    slopes = factor * coef[1:]
    offset = X @ slopes
    wide = 40 + float(np.abs(offset).max(initial=0.0))
    intercept = float(brentq(lambda a: expit(a + offset).mean() - outcome.mean(), -wide, wide, xtol=1e-14, rtol=1e-14))
    p = expit(intercept + offset)
    w = p * (1 - p)
    m = w @ X / w.sum()
    V = factor**2 * covariance[1:, 1:]
    beside = -V @ m
    whole = np.block([[np.array([[1 / w.sum() + m @ V @ m]]), beside[None, :]], [beside[:, None], V]])
    return np.concatenate([[intercept], slopes]), whole
