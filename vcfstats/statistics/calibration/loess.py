"""Local quadratic regression of one predictor (loess), by R's vertices and blending or exactly at each point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicHermiteSpline
from scipy.stats import t as student_t

from vcfstats.statistics.inputs import FloatArray

SURFACES = ("interpolate", "direct")
_CELL = 0.2
_CHUNK = 4_000_000  # cells of the operator held at once

# Interpolation formula of Cleveland and Devlin for the degrees of freedom of a local quadratic in one predictor.
_DELTA1 = (0.1611761, 0.3091323, 0.4401023)
_DELTA2 = (0.2075670, 0.2822574, 0.2369957)
_CORRECTION = CubicHermiteSpline(
    [-0.005, 0.1204, 0.2017, 0.2815, 0.3705, 0.4536, 0.5591, 0.7132, 0.8751, 1.005],
    [-0.090572, 0.095807, 0.026152, -0.031926, -0.053718, -0.064170, -0.058387, -0.020636, 0.040172, -0.010856],
    [4.4844, -0.7978, -0.7286, -0.4457, -0.3495, 0.032813, 0.1611, 0.3350, -0.041032, -0.7736],
)


@dataclass(frozen=True)
class Loess:
    """A loess fit, able to predict.

    Attributes
    ----------
    x, y : ndarray of shape (n,)
        The data.
    span : float
        Share of the data in each neighbourhood.
    surface : str
        "interpolate" or "direct".
    vertices : ndarray of shape (v,)
        Where the local regressions were made; the cells between them are blended (interpolate only).
    fitted : ndarray of shape (n,)
        Fit at the data.
    trace : float
        Trace of the operator.
    one_delta, two_delta : float
        Traces that give the degrees of freedom, by the interpolation formula ("approximate" in R).
    residual_scale : float
        Square root of the residual sum of squares over `one_delta`.
    """

    x: FloatArray
    y: FloatArray
    span: float
    surface: str
    vertices: FloatArray
    fitted: FloatArray
    trace: float
    one_delta: float
    two_delta: float
    residual_scale: float
    _values: FloatArray
    _slopes: FloatArray

    @property
    def df(self) -> float:
        """Degrees of freedom of the t distribution of the pointwise band."""
        return self.one_delta**2 / self.two_delta

    def predict(self, at: npt.ArrayLike) -> FloatArray:
        """Return the fit at new points; NaN outside the range of the data where the surface is interpolated."""
        points = np.asarray(at, dtype=np.float64)
        if self.surface == "direct":
            return _direct(self.x, self.y, points, self.span)[0]
        inside = (points >= self.x.min()) & (points <= self.x.max())
        return np.where(inside, _hermite(self.vertices, self._values, self._slopes, points), np.nan)

    def standard_error(self, at: npt.ArrayLike) -> FloatArray:
        """Return the standard error of the fit at new points (NaN as in `predict`)."""
        points = np.asarray(at, dtype=np.float64)
        if self.surface == "direct":
            norm2 = _direct(self.x, self.y, points, self.span)[1]
        else:
            inside = (points >= self.x.min()) & (points <= self.x.max())
            value_rows, slope_rows = local_operator(self.x, self.vertices, self.span)
            norm2 = np.full(points.shape, np.nan)
            for j in np.flatnonzero(inside):
                cell, weights = _hermite_weights(self.vertices, points[j : j + 1])
                row = (
                    weights[0] * value_rows[cell]
                    + weights[1] * value_rows[cell + 1]
                    + weights[2] * slope_rows[cell]
                    + weights[3] * slope_rows[cell + 1]
                )
                norm2[j] = np.sum(row**2)
        return np.asarray(self.residual_scale * np.sqrt(norm2))

    def band(self, at: npt.ArrayLike, confidence_level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the fit and its pointwise limits fit -+ t(df) se."""
        fit = self.predict(at)
        half = student_t.ppf((1 + confidence_level) / 2, self.df) * self.standard_error(at)
        return fit, fit - half, fit + half


def loess(x: npt.ArrayLike, y: npt.ArrayLike, *, span: float = 0.75, surface: str = "interpolate") -> Loess:
    """Fit a local quadratic with tricube weights, as R's ``loess(y ~ x, degree = 2)``.

    "interpolate" fits at the vertices of a k-d tree whose cells hold at most floor(n span 0.2) points and blends value
    and slope by cubic Hermite polynomials, which is R's default; "direct" fits at each point. Where so many values of x
    are tied that a neighbourhood has radius 0, the fit is the mean of the tied y (R stops there).

    References
    ----------
    Cleveland and Devlin (1988), doi 10.1080/01621459.1988.10478639; Cleveland and Grosse (1991),
    doi 10.1007/BF01890836.

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats.statistics.calibration.loess import loess
    >>> x = np.linspace(0, 1, 50)
    >>> bool(np.allclose(loess(x, 1 + x - x**2).fitted, 1 + x - x**2))
    True
    """
    xs = np.asarray(x, dtype=np.float64)
    ys = np.asarray(y, dtype=np.float64)
    n = len(xs)
    if surface == "interpolate":
        vertices = tree_vertices(xs, span)
        value_rows, slope_rows = local_operator(xs, vertices, span)
        values, slopes = value_rows @ ys, slope_rows @ ys
        fitted = _hermite(vertices, values, slopes, xs)
        cell, w = _hermite_weights(vertices, xs)
        own = np.arange(n)
        trace = float(
            np.sum(
                w[0] * value_rows[cell, own]
                + w[1] * value_rows[cell + 1, own]
                + w[2] * slope_rows[cell, own]
                + w[3] * slope_rows[cell + 1, own]
            )
        )
    else:
        vertices = values = slopes = np.empty(0)
        fitted, _, trace = _direct(xs, ys, xs, span, diagonal=True)
    one, two = _deltas(trace, n)
    scale = float(np.sqrt(np.sum((ys - fitted) ** 2) / one)) if one > 0 else float("nan")
    return Loess(xs, ys, span, surface, vertices, fitted, trace, one, two, scale, values, slopes)


def tree_vertices(x: FloatArray, span: float) -> FloatArray:
    """Return the vertices of the k-d tree: cells are cut at their median point until they hold few enough points."""
    ordered = np.sort(x)
    n = len(ordered)
    most = int(np.floor(n * (span * _CELL)))
    low, high = ordered[0], ordered[-1]
    margin = 0.005 * max(high - low, 1e-10 * max(abs(low), abs(high)) + 1e-30)
    vertices = {float(low - margin), float(high + margin)}
    cells = [(0, n - 1, float(low - margin), float(high + margin))]
    while cells:
        first, last, left, right = cells.pop()
        if last - first + 1 <= most:
            continue
        middle = _untied_middle(ordered, first, last)
        cut = float(ordered[middle])
        if cut in (left, right):
            continue
        vertices.add(cut)
        cells += [(first, middle, left, cut), (middle + 1, last, cut, right)]
    return np.array(sorted(vertices))


def local_operator(x: FloatArray, at: FloatArray, span: float) -> tuple[FloatArray, FloatArray]:
    """Return the rows, shape (len(at), n), that give the local fit's value and its slope at each point of `at`."""
    step = max(1, _CHUNK // len(x))
    parts = [_local_rows(x, at[start : start + step], span) for start in range(0, len(at), step)]
    return np.concatenate([value for value, _ in parts]), np.concatenate([slope for _, slope in parts])


def _local_rows(x: FloatArray, at: FloatArray, span: float) -> tuple[FloatArray, FloatArray]:
    n = len(x)
    nearest = min(n, int(np.floor(n * span + 1e-5)))
    distance = np.abs(x[None, :] - at[:, None])
    radius = np.partition(distance, nearest - 1, axis=1)[:, nearest - 1] * np.sqrt(max(1.0, span))
    closest = distance <= radius[:, None]
    radius = np.where(radius > 0, radius, 1.0)
    weight = (1 - np.minimum(distance / radius[:, None], 1.0) ** 3) ** 3
    # so many ties that the whole neighbourhood lies on its rim, or at its centre: the mean of the tied
    flat = (weight.sum(axis=1) == 0) | ((distance == 0).sum(axis=1) >= nearest)
    u = (x[None, :] - at[:, None]) / radius[:, None]
    u2 = u * u
    wu, wu2 = weight * u, weight * u2
    s0, s1, s2 = weight.sum(1), wu.sum(1), wu2.sum(1)
    s3, s4 = (wu2 * u).sum(1), (wu2 * u2).sum(1)
    gram = np.stack([s0, s1, s2, s1, s2, s3, s2, s3, s4], axis=1).reshape(-1, 3, 3)
    norms = np.sqrt(np.einsum("mii->mi", gram))
    norms[norms == 0] = 1.0
    gram = gram / (norms[:, :, None] * norms[:, None, :])
    eigenvalues, vectors = np.linalg.eigh(gram)
    sound = eigenvalues[:, 0] > 1e-4 * eigenvalues[:, 2]
    inverse = np.einsum("mik,mk,mjk->mij", vectors, 1 / np.where(sound[:, None], eigenvalues, 1.0), vectors)
    inverse = inverse / (norms[:, :, None] * norms[:, None, :])
    value_rows = inverse[:, 0, 0, None] * weight + inverse[:, 0, 1, None] * wu + inverse[:, 0, 2, None] * wu2
    slope_rows = inverse[:, 1, 0, None] * weight + inverse[:, 1, 1, None] * wu + inverse[:, 1, 2, None] * wu2
    for j in np.flatnonzero(~sound & ~flat):
        value_rows[j], slope_rows[j] = _singular_rows(weight[j], u[j] * radius[j])
        slope_rows[j] *= radius[j]
    value_rows[flat] = closest[flat] / closest[flat].sum(axis=1, keepdims=True)
    slope_rows[flat] = 0.0
    return value_rows, slope_rows / radius[:, None]


def _singular_rows(weight: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pseudo-inverse for neighbourhoods of one or two distinct points, with the tolerance that R uses."""
    root = np.sqrt(weight)
    design = np.column_stack([root, root * u, root * u**2])
    norms = np.sqrt((design**2).sum(axis=0))
    norms[norms == 0] = 1.0
    left, sigma, right = np.linalg.svd(design / norms, full_matrices=False)
    keep = sigma > sigma[0] * 100 * np.finfo(float).eps
    rows = (right.T[:, keep] / sigma[keep]) @ left.T[keep] / norms[:, None]
    return rows[0] * root, rows[1] * root


def _untied_middle(ordered: FloatArray, first: int, last: int) -> int:
    """Return the median's position, moved by the fewest steps (right before left) to where the next value differs."""
    middle = (first + last + 2) // 2 - 1
    offset = 0
    while first <= middle + offset < last:
        if ordered[middle + offset] != ordered[middle + offset + 1]:
            return middle + offset
        offset = -offset if offset > 0 else 1 - offset
    return middle


def _hermite_weights(vertices: FloatArray, points: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Return the cell of each point and the weights of value (left, right) and slope (left, right)."""
    cell = np.clip(np.searchsorted(vertices, points, side="left") - 1, 0, len(vertices) - 2)
    width = vertices[cell + 1] - vertices[cell]
    h = (points - vertices[cell]) / width
    weights = np.array(
        [(1 - h) ** 2 * (1 + 2 * h), h**2 * (3 - 2 * h), h * (1 - h) ** 2 * width, h**2 * (h - 1) * width]
    )
    return cell, weights


def _hermite(vertices: FloatArray, values: FloatArray, slopes: FloatArray, points: FloatArray) -> FloatArray:
    cell, w = _hermite_weights(vertices, points)
    return np.asarray(w[0] * values[cell] + w[1] * values[cell + 1] + w[2] * slopes[cell] + w[3] * slopes[cell + 1])


def _direct(
    x: FloatArray, y: FloatArray, at: FloatArray, span: float, *, diagonal: bool = False
) -> tuple[FloatArray, FloatArray, float]:
    """Return the fit, the squared norm of the operator's rows and, where `at` is x, its trace."""
    distinct, inverse = np.unique(at, return_inverse=True)
    fit, norm2, own = (np.empty(len(distinct)) for _ in range(3))
    step = max(1, _CHUNK // len(x))
    for start in range(0, len(distinct), step):
        block = slice(start, start + step)
        rows, _ = local_operator(x, distinct[block], span)
        fit[block], norm2[block] = rows @ y, (rows**2).sum(axis=1)
        if diagonal:
            owner = np.searchsorted(np.sort(x), distinct[block])
            own[block] = rows[np.arange(len(rows)), np.argsort(x, kind="stable")[owner]]
    return fit[inverse], norm2[inverse], float(own[inverse].sum()) if diagonal else float("nan")


def _deltas(trace: float, n: int) -> tuple[float, float]:
    k = 3
    if n <= k:  # a quadratic through all of them leaves nothing to judge the error by
        return 0.0, 0.0
    floor = np.sqrt(k / n)
    z = min(1.0, max(0.0, float((np.sqrt(k / trace) - floor) / (1 - floor))))
    correction = float(np.exp(_CORRECTION(z)))
    one, two = (n - trace * np.exp(a * z**b * (1 - z) ** c * correction) for a, b, c in (_DELTA1, _DELTA2))
    return float(one), float(two)
