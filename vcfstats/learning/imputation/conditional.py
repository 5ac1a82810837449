"""Conditional models of one finding given the others, for all imputations at once, and draws of their parameters.

Arrays have one leading axis for the m imputations, whose chains run side by side: the findings' observed values are the
same in each, what stands in for the missing ones is not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vcfstats.statistics.inputs import FloatArray

_RIDGE = 1e-5  # added to the mean square of each standardised predictor: collinear and constant ones have a solution
_PRIOR_SD = 2.5  # of a log odds ratio per standard deviation: separation has a finite mode (Gelman et al. 2008)
_PRIOR_SD_INTERCEPT = 10.0
_STEPS = 50
_NEGLIGIBLE = 1e-6  # step of the mode, against a posterior spread of tenths


def linear_draw(Z: FloatArray, y: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Estimate linear regressions and draw their parameters from the posterior under a flat prior.

    sigma*^2 = RSS / chi2(n - q), beta* = beta + sigma* V^(1/2) z with V = (Z'Z + ridge)^-1.

    Parameters
    ----------
    Z : ndarray of shape (m, n, q)
        Standardised predictors, the column of ones first, of the rows whose value is known.
    y : ndarray of shape (n,)
        Known values.
    rng : Generator
        Random numbers.

    Returns
    -------
    estimate, drawn : ndarray of shape (m, q)
        Least squares and draw.
    sigma : ndarray of shape (m,)
        Drawn residual standard deviation.

    References
    ----------
    Rubin (1987), doi 10.1002/9780470316696, p. 167.
    """
    m, n, q = Z.shape
    A = Z.transpose(0, 2, 1) @ Z
    A[:, np.arange(1, q), np.arange(1, q)] += _RIDGE * n
    estimate = np.linalg.solve(A, np.einsum("mni,n->mi", Z, y)[..., None])[..., 0]
    rss = np.square(y - np.einsum("mni,mi->mn", Z, estimate)).sum(axis=1)
    sigma = np.sqrt(rss / rng.chisquare(max(n - q, 1), m))
    drawn = estimate + sigma[:, None] * _spread(A, rng)
    return estimate, drawn, sigma


def levels_draw(
    Z: FloatArray, codes: np.ndarray, k: int, rng: np.random.Generator, start: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Estimate (multinomial) logistic regressions and draw their coefficients from the posterior about its mode.

    Slopes per standard deviation have a normal prior of mean 0 and standard deviation 2.5, so that the mode is finite where a
    predictor separates the levels; the posterior is taken as normal with the inverse of its curvature there.

    Parameters
    ----------
    Z : ndarray of shape (m, n, q)
        Standardised predictors, the column of ones first, of the rows whose level is known.
    codes : ndarray of shape (n,)
        Level of each row, 0 ... k - 1; 0 is the reference.
    k : int
        Number of levels, 2 or more.
    rng : Generator
        Random numbers.
    start : ndarray of shape (m, k - 1, q), optional
        Where to look for the mode: that of the round before.

    Returns
    -------
    mode, drawn : ndarray of shape (m, k - 1, q)

    References
    ----------
    Gelman, Jakulin, Pittau and Su (2008), doi 10.1214/08-AOAS191. White, Daniel and Royston (2010), doi
    10.1016/j.csda.2010.04.005 (why separation must not go unheeded in imputation).
    """
    m, _, q = Z.shape
    known = (codes[:, None] == np.arange(1, k)).astype(np.float64)  # (n, k - 1)
    precision = np.tile(np.array([_PRIOR_SD_INTERCEPT**-2, *[_PRIOR_SD**-2] * (q - 1)]), k - 1)
    beta = np.zeros((m, k - 1, q)) if start is None else start

    def objective(at: FloatArray) -> FloatArray:
        eta = Z @ at.transpose(0, 2, 1)
        top = np.maximum(eta.max(axis=2), 0.0)
        total = top + np.log(np.exp(-top) + np.exp(eta - top[..., None]).sum(axis=2))
        prior = 0.5 * (np.square(at.reshape(m, -1)) * precision).sum(axis=1)
        return np.asarray((known * eta).sum(axis=(1, 2)) - total.sum(axis=1) - prior)

    value = objective(beta)
    for _ in range(_STEPS):
        p = probabilities(Z, beta)[..., 1:]
        slope = ((known - p).transpose(0, 2, 1) @ Z).reshape(m, -1) - beta.reshape(m, -1) * precision
        step = np.linalg.solve(_curvature(Z, p, precision), slope[..., None])[..., 0].reshape(beta.shape)
        share = np.ones(m)
        for _ in range(30):
            trial = beta + share[:, None, None] * step
            reached = objective(trial)
            worse = reached < value - 1e-10 * (1 + np.abs(value))
            if not worse.any():
                break
            share = np.where(worse, share / 2, share)
        beta, value = trial, reached
        if np.abs(share[:, None, None] * step).max() < _NEGLIGIBLE:
            break
    curvature = _curvature(Z, probabilities(Z, beta)[..., 1:], precision)
    return beta, np.asarray(beta + _spread(curvature, rng).reshape(beta.shape))


def cells(m: int, rows: np.ndarray, columns: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the index of rows (positions) and columns in all of m imputations, for an array of shape (m, n, p)."""
    return np.arange(m)[:, None, None], rows[None, :, None], np.array(columns, dtype=np.int64)[None, None, :]


def probabilities(Z: FloatArray, beta: FloatArray) -> FloatArray:
    """Return the probability of each level, shape (m, n, k), at coefficients of shape (m, k - 1, q).

    No case's sum depends on how many stand beside it, as it would in a product of matrices.
    """
    eta = np.einsum("mni,mai->mna", Z, beta)
    eta = np.concatenate([np.zeros((*eta.shape[:2], 1)), eta], axis=2)
    odds = np.exp(eta - eta.max(axis=2, keepdims=True))
    return np.asarray(odds / odds.sum(axis=2, keepdims=True))


def drawn_level(p: FloatArray, u: FloatArray) -> np.ndarray:
    """Return the level at quantile `u`, shape (m, n), of probabilities of shape (m, n, k)."""
    return np.asarray(np.minimum((u[..., None] > np.cumsum(p, axis=2)).sum(axis=2), p.shape[2] - 1))


def matched(
    seen: FloatArray, wanted: FloatArray, values: FloatArray, donors: int, rng: np.random.Generator
) -> FloatArray:
    """Return known values of cases whose prediction lies nearest: predictive mean matching.

    Parameters
    ----------
    seen : ndarray of shape (m, n)
        Predictions for the cases whose value is known, at the estimated coefficients.
    wanted : ndarray of shape (m, r)
        Predictions for the others, at the drawn coefficients.
    values : ndarray of shape (n,)
        Known values.
    donors : int
        Nearest cases that one is drawn from; all where there are fewer.
    rng : Generator
        Random numbers.

    Returns
    -------
    ndarray of shape (m, r)

    References
    ----------
    Little (1988), doi 10.1080/07350015.1988.10509663. Morris, White and Royston (2014), doi 10.1186/1471-2288-14-75.
    """
    distance = np.abs(wanted[:, :, None] - seen[:, None, :])
    nearest = np.argsort(distance, axis=2, kind="stable")[:, :, :donors]
    at = rng.integers(nearest.shape[2], size=nearest.shape[:2])
    return np.asarray(values[np.take_along_axis(nearest, at[..., None], axis=2)[..., 0]])


def _curvature(Z: FloatArray, p: FloatArray, precision: FloatArray) -> FloatArray:
    m, _, q = Z.shape
    k = p.shape[2]
    whole = np.zeros((m, k, q, k, q))
    for a in range(k):
        for b in range(a, k):
            weight = p[..., a] * (float(a == b) - p[..., b])
            block = (Z * weight[..., None]).transpose(0, 2, 1) @ Z
            whole[:, a, :, b, :] = block
            whole[:, b, :, a, :] = block.transpose(0, 2, 1)
    flat = whole.reshape(m, k * q, k * q)
    flat[:, np.arange(k * q), np.arange(k * q)] += precision
    return flat


def _spread(information: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw from the normal distribution with the inverse of `information`, shape (m, q, q), as its covariance."""
    lower = np.linalg.cholesky(information)
    z = rng.standard_normal(information.shape[:2])
    return np.asarray(np.linalg.solve(lower.transpose(0, 2, 1), z[..., None])[..., 0])
