"""Does a region's outline follow the edges of its image, and would it follow them better a few millimetres away?"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

STEEP = 80.0  # percentile beyond which one edge is as good as another
_BLUR_MM = 1.0
_COVERED = 0.5  # least share of the outline that must stay within the volume


def normals(near: BoolArray, spacing: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the smoothed distance from a region's outline, negative inside, and the unit vectors that point away from it."""
    outwards = ndimage.distance_transform_edt(~near, sampling=spacing)
    signed = ndimage.gaussian_filter(outwards - ndimage.distance_transform_edt(near, sampling=spacing), 1.0)
    normal = np.array(np.gradient(signed, *spacing))
    normal /= np.maximum(np.linalg.norm(normal, axis=0), 1e-9)
    return signed, normal


def best_place(
    values: FloatArray, inside: BoolArray, spacing: FloatArray, *, reach_mm: float = 8.0
) -> tuple[float, float]:
    """Move an outline over its image and say where it follows edges best.

    For every shift ``s`` of whole voxels up to `reach_mm` along each axis, ``E(s)`` is the mean over the outline of
    ``(n . g(x + s))**2``: the square of the intensity's slope across the outline, the slope cut off at the 80th percentile of the
    surroundings, so that a few bright edges do not outweigh the rest. The sum over the outline is six correlations, one for
    each product of two components, taken by Fourier transform. Of an outline that was drawn on its image, the best place is
    where it lies, or a voxel off; that of a neighbour, of another patient or of a shifted file fits better somewhere else.

    Parameters
    ----------
    values : float array, shape (a, b, c)
        Intensities.
    inside : bool array, shape (a, b, c)
        The region, not empty.
    spacing : float array, shape (3,)
        Of the array's axes, in mm.
    reach_mm : float
        Largest shift along each axis.

    Returns
    -------
    distance : float
        Of the best place from where the outline is, in mm; of equally good ones the nearest.
    fit : float
        ``E(0) / E(best)``, at most 1. Both are NaN where there is no edge at all or the region has no outline.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((30, 30, 30))
    >>> image[10:20, 10:20, 10:20] = 100.0
    >>> drawn = np.roll(image > 0, 3, axis=2)
    >>> best_place(image, drawn, np.ones(3))[0]
    3.0
    """
    found = np.argwhere(inside)
    steps = np.ceil(reach_mm / spacing).astype(int)
    margin = steps + 3
    low, high = np.maximum(found.min(axis=0) - margin, 0), np.minimum(found.max(axis=0) + 1 + margin, inside.shape)
    box = tuple(slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))
    near = inside[box]
    if near.all() or min(near.shape) < 2:
        return math.nan, math.nan
    signed, normal = normals(near, spacing)
    outline = (np.abs(signed) <= 1.2 * float(spacing.max())).astype(np.float64)
    slope = np.array(np.gradient(ndimage.gaussian_filter(values[box], _BLUR_MM / spacing), *spacing))
    strength = np.linalg.norm(slope, axis=0)
    if not strength.any():
        return math.nan, math.nan
    most = float(np.percentile(strength[strength > 0], STEEP))
    slope *= np.minimum(1.0 / most, 1.0 / np.maximum(strength, 1e-12))
    shape = [fft.next_fast_len(size + int(step), real=True) for size, step in zip(near.shape, steps, strict=True)]

    def moved(over: FloatArray, what: FloatArray) -> npt.NDArray[np.complex64]:
        # Single precision: a place that is better by less than it can tell is no better.
        transforms = [fft.rfftn(part.astype(np.float32), shape) for part in (over, what)]
        product: npt.NDArray[np.complex64] = np.conj(transforms[0]) * transforms[1]
        return product

    total = sum(
        (1.0 if i == j else 2.0) * moved(outline * normal[i] * normal[j], slope[i] * slope[j])
        for i, j in combinations_with_replacement(range(3), 2)
    )
    covered = fft.irfftn(moved(outline, np.ones_like(outline)), shape)
    edge = fft.irfftn(total, shape) / np.maximum(covered, _COVERED * outline.sum())
    shifts = [np.r_[0 : step + 1, -step:0] for step in steps]
    edge = edge[np.ix_(*shifts)]
    best = float(edge.max())
    if best <= 1e-6:
        return math.nan, math.nan
    axes = np.meshgrid(*(shift * step for shift, step in zip(shifts, spacing, strict=True)), indexing="ij")
    distance = np.sqrt(sum(axis**2 for axis in axes))
    # Rounding in the transform must not choose among equals.
    return float(distance[edge >= best * (1 - 1e-5)].min()), min(float(edge[0, 0, 0]) / best, 1.0)
