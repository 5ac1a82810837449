"""Where the likelihood region of a polynomial logistic model reaches, point by point."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from vcfstats.statistics.glm import log_likelihood
from vcfstats.statistics.inputs import FloatArray

_NEWTON_STEPS = 30
_TOLERANCE = 1e-11


def profile_bounds(
    X: FloatArray, y: FloatArray, rows: FloatArray, coef: FloatArray, covariance: FloatArray, loglik: float, drop: float
) -> tuple[FloatArray, FloatArray]:
    """Return min and max of row b over all b with log-likelihood >= loglik - drop, for each row, shape (m,).

    The region is convex. At an extreme the score is parallel to the row: score(b) = -+ lambda row, which Newton solves
    together with the constraint, from the quadratic approximation of the log-likelihood and, where that fails, along
    lambda.
    """
    limit = loglik - drop
    bounds = []
    for side in (-1.0, 1.0):
        reached = np.empty(len(rows))
        for j, row in enumerate(rows):
            direction = side * row
            step = covariance @ direction
            multiplier = float(np.sqrt(2 * drop / (direction @ step)))
            found = _newton(X, y, direction, coef + multiplier * step, multiplier, limit)
            if found is None:
                found = _along(X, y, direction, coef, limit, multiplier)
            reached[j] = row @ found
        bounds.append(reached)
    return bounds[0], bounds[1]


def _newton(
    X: FloatArray, y: FloatArray, direction: FloatArray, start: FloatArray, multiplier: float, limit: float
) -> FloatArray | None:
    b = start
    p = len(b)
    system = np.zeros((p + 1, p + 1))
    system[:p, p] = direction
    for _ in range(_NEWTON_STEPS):
        eta = X @ b
        prob = expit(eta)
        score = X.T @ (y - prob)
        system[:p, :p] = -(X * (prob * expit(-eta))[:, None]).T @ X
        system[p, :p] = score
        residual = np.append(score + multiplier * direction, log_likelihood(y, eta) - limit)
        try:
            move = np.linalg.solve(system, residual)
        except np.linalg.LinAlgError:
            return None
        b, multiplier = b - move[:p], multiplier - move[p]
        if not np.isfinite(b).all() or multiplier <= 0:
            return None
        if np.abs(move[:p]).max() <= _TOLERANCE * (1 + np.abs(b).max()):
            return b
    return None


def _along(
    X: FloatArray, y: FloatArray, direction: FloatArray, coef: FloatArray, limit: float, multiplier: float
) -> FloatArray:
    """Follow argmax loglik(b) + lambda direction b until lambda brings the log-likelihood down to its limit."""

    def excess(log_multiplier: float, start: FloatArray) -> tuple[float, FloatArray]:
        b = _penalised(X, y, np.exp(log_multiplier) * direction, start)
        return log_likelihood(y, X @ b) - limit, b

    low = float(np.log(multiplier))
    gap, inside = excess(low, coef)
    while gap < 0:
        low -= 1.0
        gap, inside = excess(low, coef)
    high = low
    while gap > 0:  # every start lies on the inner side, where the information is larger
        high += 0.5
        gap, outside = excess(high, inside)
        if gap > 0:
            low, inside = high, outside
    root = brentq(lambda at: excess(at, inside)[0], low, high, xtol=1e-12, rtol=1e-13)
    found = excess(root, inside)[1]
    polished = _newton(X, y, direction, found, float(np.exp(root)), limit)
    return found if polished is None else polished


def _penalised(X: FloatArray, y: FloatArray, pull: FloatArray, start: FloatArray) -> FloatArray:
    b = start
    value = log_likelihood(y, X @ b) + pull @ b
    for _ in range(200):
        eta = X @ b
        prob = expit(eta)
        information = (X * (prob * expit(-eta))[:, None]).T @ X
        step = np.linalg.lstsq(information, X.T @ (y - prob) + pull, rcond=1e-15)[0]
        step = step * min(1.0, max(5.0, np.abs(eta).max() / 2) / max(np.abs(X @ step).max(), 1e-300))
        for _ in range(60):
            trial = log_likelihood(y, X @ (b + step)) + pull @ (b + step)
            if trial >= value:
                break
            step = step / 2
        b, value = b + step, trial
        if np.abs(step).max() <= 1e-12 * (1 + np.abs(b).max()):
            break
    return b
