"""Logistic regression by maximum likelihood on arrays, for the statistics that need a small fit of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, linprog
from scipy.special import expit
from scipy.stats import chi2

from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.results import ConfidenceInterval, Result

_MAX_ITERATIONS = 100
_STEP_TOLERANCE = 1e-10
# Beyond this linear predictor a fitted probability is within 1e-6 of 0 or 1: only then is separation worth proving.
_SUSPECT_PREDICTOR = 14.0
_LONGEST_STEP = 10.0  # of the linear predictor: far from the maximum the information is flat and Newton leaps
_FARTHEST = 1e3  # a profile still flat this many log odds out is taken as unbounded


@dataclass(frozen=True, repr=False, eq=False)
class LogisticFit(Result):
    """A logistic regression fitted by maximum likelihood.

    Attributes
    ----------
    coef : ndarray of shape (p,)
        Coefficients in the order of the columns of X, log odds per unit. Where `separated`, the last iterate: its
        direction means something, its size does not.
    covariance : ndarray of shape (p, p)
        Inverse of the Fisher information at `coef`; NaN where it is singular in double precision.
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

    Maximises sum w_i (y_i eta_i - log(1 + exp(eta_i))) with eta = X b + offset. Columns are scaled
    and orthogonalised while fitting, so that units and collinearity do not matter to the accuracy.

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
    rank = np.linalg.matrix_rank(scaled[weight > 0]) if scaled.shape[1] > 1 else 1
    if rank < scaled.shape[1]:
        raise ValueError(
            f"The columns of X (shape {design.shape}) are linearly dependent; drop a constant or repeated column."
        )
    basis, triangle = np.linalg.qr(scaled)  # orthonormal columns: collinear ones cost no digits
    basis, triangle = basis * np.sqrt(len(outcome)), triangle / np.sqrt(len(outcome))
    coef, information, loglik, converged, iterations = _newton(basis, outcome, shift, weight)
    suspect = not converged or np.abs(basis @ coef).max() > _SUSPECT_PREDICTOR
    separated = bool(suspect and is_separated(basis[weight > 0], outcome[weight > 0]))
    back = np.linalg.inv(triangle) / scale[:, None]
    covariance = back @ _inverse(information) @ back.T
    return LogisticFit(back @ coef, covariance, loglik, converged and not separated, separated, iterations)


def profile_interval(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    column: int,
    *,
    confidence_level: float = 0.95,
    offset: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    fit: LogisticFit | None = None,
) -> ConfidenceInterval:
    """Return the profile-likelihood interval of one coefficient; a limit is infinite where the profile stays flat.

    Limits solve 2 (max loglik - profile loglik(b)) = chi-square quantile, df 1. Unlike Wald's, the interval keeps one
    finite limit under separation.

    References
    ----------
    Venzon and Moolgavkar (1988), doi 10.2307/2347496.

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats.statistics.glm import profile_interval
    >>> X = np.column_stack([np.ones(6), np.arange(6.0)])
    >>> low, high = profile_interval(X, [0, 0, 0, 1, 1, 1], 1)
    >>> round(low, 3), high
    (0.735, inf)
    """
    design, outcome, shift, weight = _checked(X, y, offset, weights)
    best = fit or fit_logistic(design, outcome, offset=shift, weights=weight)
    limit = chi2.ppf(confidence_level, 1)
    rest = np.delete(design, column, axis=1)

    def excess(value: float) -> float:
        fixed = shift + value * design[:, column]
        if rest.shape[1]:
            loglik = fit_logistic(rest, outcome, offset=fixed, weights=weight).loglik
        else:
            loglik = log_likelihood(outcome, fixed, weight)
        return float(2 * (best.loglik - loglik) - limit)

    scale = 1 / np.sqrt(np.average(design[:, column] ** 2, weights=weight))
    if best.separated:
        return profile_when_separated(excess, scale, float(np.sign(best.coef[column])))
    centre = float(best.coef[column])
    step = float(np.sqrt(best.covariance[column, column]))
    return ConfidenceInterval(crossing(excess, centre, -step, scale), crossing(excess, centre, step, scale))


def profile_when_separated(excess: Callable[[float], float], scale: float, toward: float) -> ConfidenceInterval:
    """Return the profile interval of a coefficient that has no finite estimate: `excess` as for `crossing`, its sign known."""
    start = 0.0
    if excess(start) > 0:
        start = toward * scale
        while excess(start) > 0 and abs(start) < _FARTHEST * scale:
            start *= 2
    return ConfidenceInterval(crossing(excess, start, -scale, scale), crossing(excess, start, scale, scale))


def crossing(excess: Callable[[float], float], inside: float, step: float, scale: float) -> float:
    """Walk from a point inside the interval until `excess` turns positive, then bisect; infinite where it never does."""
    outside = inside + step
    while excess(outside) <= 0:
        inside, step = outside, 2 * step
        outside = inside + step
        if abs(outside) > _FARTHEST * scale:
            return float(np.copysign(np.inf, step))
    return float(brentq(excess, inside, outside, xtol=1e-12 * scale, rtol=1e-12))


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
    converged = False
    iterations = 0
    while not converged and iterations < _MAX_ITERATIONS:
        iterations += 1
        prob, complement = expit(eta), expit(-eta)  # 1 - prob would round to 0 beyond 37
        information = (X * (weights * prob * complement)[:, None]).T @ X
        step = _solve(information, X.T @ (weights * (y * complement - (1 - y) * prob)))
        longest = max(_LONGEST_STEP, np.abs(eta).max() / 2)
        step = step * min(1.0, longest / max(np.abs(X @ step).max(), 1e-300))
        for _ in range(40):
            trial = coef + step
            trial_eta = X @ trial + offset
            trial_loglik = log_likelihood(y, trial_eta, weights)
            if trial_loglik >= loglik - 1e-12 * (1 + abs(loglik)):
                break
            step = step / 2
        coef, eta, loglik = trial, trial_eta, trial_loglik
        converged = bool(np.abs(step).max() <= _STEP_TOLERANCE * (1 + np.abs(coef).max()))
    information = (X * (weights * expit(eta) * expit(-eta))[:, None]).T @ X
    return coef, information, loglik, converged, iterations


def _solve(information: FloatArray, score: FloatArray) -> FloatArray:
    try:
        return np.asarray(np.linalg.solve(information, score))
    except np.linalg.LinAlgError:  # flat far out along a separating direction
        return np.asarray(np.linalg.lstsq(information, score, rcond=None)[0])


def _inverse(information: FloatArray) -> FloatArray:
    try:
        return np.asarray(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        return np.full_like(information, np.nan)
