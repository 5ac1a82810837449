"""Logistic regression by maximum likelihood on arrays, for the statistics that need a small fit of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import linprog
from scipy.special import expit

from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.results import Result

_MAX_ITERATIONS = 100
_STEP_TOLERANCE = 1e-10
# Beyond this linear predictor a fitted probability is within 1e-6 of 0 or 1: only then is separation worth proving.
_SUSPECT_PREDICTOR = 14.0


@dataclass(frozen=True, repr=False, eq=False)
class LogisticFit(Result):
    """A logistic regression fitted by maximum likelihood.

    Attributes
    ----------
    coef : ndarray of shape (p,)
        Coefficients in the order of the columns of X, log odds per unit. Where `separated`, the last iterate: its
        direction means something, its size does not.
    covariance : ndarray of shape (p, p)
        Inverse of the Fisher information at `coef`.
    loglik : float
        Log-likelihood at `coef` (under separation its supremum, to rounding, along separated rows).
    converged : bool
        Whether Newton's steps became negligible. False under separation.
    separated : bool
        Whether a hyperplane separates events from non-events completely or quasi-completely, so that no finite
        maximum exists (Albert and Anderson 1984).
    iterations : int
        Newton steps taken.
    """

    coef: FloatArray
    covariance: FloatArray
    loglik: float
    converged: bool
    separated: bool
    iterations: int


def fit_logistic(
    X: npt.ArrayLike, y: npt.ArrayLike, *, offset: npt.ArrayLike | None = None, weights: npt.ArrayLike | None = None
) -> LogisticFit:
    """Fit a logistic regression by Newton's method with step halving.

    Maximises sum w_i (y_i eta_i - log(1 + exp(eta_i))) with eta = X b + offset. Columns are scaled to unit size while
    fitting, so that units do not matter to the accuracy.

    Parameters
    ----------
    X : array-like of shape (n, p)
        Design matrix as it is used: it holds its own column of ones.
    y : array-like of shape (n,)
        0/1 outcome (proportions between 0 and 1 are allowed).
    offset : array-like of shape (n,), optional
        Added to the linear predictor.
    weights : array-like of shape (n,), optional
        Case weights, non-negative.

    Returns
    -------
    LogisticFit

    Raises
    ------
    ValueError
        Shapes that do not match, values that are not finite, negative weights, or a design whose columns are linearly
        dependent.

    References
    ----------
    McCullagh and Nelder, Generalized Linear Models, 2nd ed. (1989), doi 10.1007/978-1-4899-3242-6; Albert and Anderson
    (1984), doi 10.1093/biomet/71.1.1 (separation).

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats.statistics.glm import fit_logistic
    >>> x = np.array([1.0, 2, 3, 4, 5, 6])
    >>> fit = fit_logistic(np.column_stack([np.ones(6), x]), [0, 0, 1, 0, 1, 1])
    >>> fit.coef.round(4)
    array([-4.2491,  1.214 ])
    """
    design, outcome, shift, weight = _checked(X, y, offset, weights)
    scale = np.sqrt(np.einsum("ij,ij->j", design, design) / len(outcome))
    if not scale.all():
        raise ValueError(f"Column {int(np.argmin(scale))} of X is zero throughout; drop it.")
    scaled = design / scale
    if np.linalg.matrix_rank(scaled[weight > 0]) < scaled.shape[1]:
        raise ValueError(
            f"The columns of X (shape {design.shape}) are linearly dependent; drop a constant or repeated column."
        )
    coef, information, loglik, converged, iterations = _newton(scaled, outcome, shift, weight)
    suspect = not converged or np.abs(scaled @ coef + shift).max() > _SUSPECT_PREDICTOR
    separated = bool(suspect and is_separated(scaled[weight > 0], outcome[weight > 0]))
    covariance = _inverse(information) / np.outer(scale, scale)
    return LogisticFit(coef / scale, covariance, loglik, converged and not separated, separated, iterations)


def is_separated(X: FloatArray, y: FloatArray) -> bool:
    """Say whether some direction b has (2y - 1) X b >= 0 in every row and > 0 in one, by linear programming.

    Rows whose outcome lies strictly between 0 and 1 must have X b = 0.
    """
    sign = np.sign(y - 0.5)
    pure = (y == 0) | (y == 1)
    directed = X[pure] * sign[pure, None]
    mixed = X[~pure]
    result = linprog(
        -directed.sum(axis=0) / max(len(directed), 1),
        A_ub=-directed,
        b_ub=np.zeros(len(directed)),
        A_eq=mixed if len(mixed) else None,
        b_eq=np.zeros(len(mixed)) if len(mixed) else None,
        bounds=[(-1, 1)] * X.shape[1],
        method="highs",
    )
    return bool(result.status == 0 and -result.fun > 1e-9)


def log_likelihood(y: FloatArray, eta: FloatArray, weights: FloatArray | float = 1.0) -> float:
    """Return sum w (y eta - log(1 + exp(eta))), free of overflow."""
    return float(np.sum(weights * (y * eta - np.logaddexp(0.0, eta))))


def _checked(
    X: npt.ArrayLike, y: npt.ArrayLike, offset: npt.ArrayLike | None, weights: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    design = np.asarray(X, dtype=np.float64)
    outcome = np.asarray(y, dtype=np.float64)
    if design.ndim != 2 or outcome.shape != (design.shape[0],) or not design.size:
        raise ValueError(f"X must have shape (n, p) and y shape (n,); got {design.shape} and {outcome.shape}.")
    n = len(outcome)
    shift = np.zeros(n) if offset is None else np.asarray(offset, dtype=np.float64)
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    for name, values in (("offset", shift), ("weights", weight)):
        if values.shape != (n,):
            raise ValueError(f"{name} must have shape ({n},); got {values.shape}.")
    if not all(np.isfinite(values).all() for values in (design, outcome, shift, weight)):
        raise ValueError("X, y, offset and weights must be finite; drop or impute missing values first.")
    if outcome.min() < 0 or outcome.max() > 1:
        raise ValueError(f"y must lie between 0 and 1; its range is {outcome.min():.6g} to {outcome.max():.6g}.")
    if weight.min() < 0 or not weight.any():
        raise ValueError("weights must be non-negative and not all zero.")
    return design, outcome, shift, weight


def _newton(
    X: FloatArray, y: FloatArray, offset: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, float, bool, int]:
    coef = np.zeros(X.shape[1])
    eta = offset.copy()
    loglik = log_likelihood(y, eta, weights)
    for iteration in range(1, _MAX_ITERATIONS + 1):
        prob = expit(eta)
        information = (X * (weights * prob * (1 - prob))[:, None]).T @ X
        step = _solve(information, X.T @ (weights * (y - prob)))
        for _ in range(40):
            trial = coef + step
            trial_eta = X @ trial + offset
            trial_loglik = log_likelihood(y, trial_eta, weights)
            if trial_loglik >= loglik - 1e-12 * (1 + abs(loglik)):
                break
            step = step / 2
        coef, eta, loglik = trial, trial_eta, trial_loglik
        if np.abs(step).max() <= _STEP_TOLERANCE * (1 + np.abs(coef).max()):
            converged = True
            break
        if np.abs(eta).max() > 500:  # running away: only separation does this
            converged = False
            break
    else:
        converged = False
    prob = expit(eta)
    information = (X * (weights * prob * (1 - prob))[:, None]).T @ X
    return coef, information, loglik, converged, iteration


def _solve(information: FloatArray, score: FloatArray) -> FloatArray:
    try:
        return np.asarray(cho_solve(cho_factor(information), score))
    except np.linalg.LinAlgError:  # flat far out along a separating direction
        return np.asarray(np.linalg.lstsq(information, score, rcond=None)[0])


def _inverse(information: FloatArray) -> FloatArray:
    try:
        return np.asarray(cho_solve(cho_factor(information), np.eye(len(information))))
    except np.linalg.LinAlgError:
        return np.full_like(information, np.inf)
