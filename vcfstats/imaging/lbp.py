"""Local binary patterns in 3D, as PyRadiomics has them, over the region alone.

Around each voxel of the region the image is sampled on a sphere by cubic B-splines; which samples reach the voxel's own
value is expanded in spherical harmonics, level by level; a last image holds the kurtosis of the samples.

A sample that ties with its voxel, as neighbours do in an image resampled by nearest neighbour, is decided by its last bit.
So samples are those of `scipy.ndimage.map_coordinates` to the last bit: taken by one matrix product for all of the sphere,
and again by scipy where rounding could tell the two apart.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates, spline_filter1d
from scipy.special import sph_harm_y
from scipy.stats import kurtosis
from trimesh.creation import icosphere

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_BLOCK = 2048  # voxels at a time: what they need stays in the processor's cache


def lbp_3d(
    values: Array, box: tuple[slice, slice, slice], inside: Array, *, levels: int, radius: float, subdivision: int
) -> Iterator[tuple[str, Floats]]:
    """Yield the name and the image over the region's bounding box of each level, the kurtosis last.

    Parameters
    ----------
    values : array, shape (z, y, x)
        The whole image.
    box : tuple of slice
        The region's bounding box.
    inside : array of bool
        The region within that box; images are zero outside.
    levels : int
        Levels of the spherical harmonics.
    radius : float
        Of the sphere, in voxels.
    subdivision : int
        Subdivisions of the icosahedron whose corners are the samples.

    References
    ----------
    Banerjee et al. 2012, doi:10.1109/MMBIA.2012.6164739; van Griethuysen et al. 2017, doi:10.1158/0008-5472.CAN-17-0339.
    """
    sphere = np.array(icosphere(subdivision, radius).vertices)
    harmonics, level_of = _harmonics(sphere, levels, radius)
    places = np.stack(np.nonzero(inside), axis=1) + [axis.start for axis in box]
    sampler = _Sampler(values, box, sphere)
    found = np.empty((len(places), levels + 1))
    for first in range(0, len(places), _BLOCK):
        block = places[first : first + _BLOCK]
        samples = sampler(block)
        reached = (samples >= values[tuple(block.T)][:, None]).astype(int)
        weight = (reached[:, :, None] * harmonics).sum(axis=1)
        parts = [
            (weight[:, None, level_of == level] * harmonics[:, level_of == level]).sum(axis=2)
            for level in range(levels)
        ]
        power = (np.stack(parts, axis=2) ** 2).sum(axis=1)
        found[first : first + _BLOCK, :levels] = np.real(np.sqrt(power))
        found[first : first + _BLOCK, levels] = kurtosis(samples, axis=1)
    for column, name in enumerate([*(f"m{level + 1}" for level in range(levels)), "k"]):
        filtered = np.zeros(inside.shape)
        filtered[inside] = found[:, column]
        yield f"lbp-3D-{name}", filtered


def _harmonics(sphere: Floats, levels: int, radius: float) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.intp]]:
    """Return the harmonics at the samples (rows), and the level of each column."""
    # PyRadiomics hands the two angles over in the other order than their names; its values are those to be met.
    polar, azimuth = np.arccos(sphere[:, 2] / radius), np.arctan2(sphere[:, 1], sphere[:, 0])
    kinds = [(n, m) for n in range(levels) for m in range(-n, n + 1)]
    columns = [sph_harm_y(n, m, azimuth, polar) for n, m in kinds]
    return np.stack(columns, axis=1), np.array([n for n, _ in kinds])


class _Sampler:
    """Samples on the sphere around voxels, in the image's own type of number."""

    def __init__(self, values: Array, box: tuple[slice, slice, slice], sphere: Floats) -> None:
        self.kind, self.sphere = values.dtype, sphere
        reach = math.ceil(float(np.abs(sphere).max())) + 3
        window = tuple(
            slice(max(axis.start - reach, 0), min(axis.stop + reach, size))
            for axis, size in zip(box, values.shape, strict=True)
        )
        # One pass along each axis. A line's coefficients do not depend on other lines: those not needed are cut off.
        part = values
        for axis in range(3):
            part = spline_filter1d(part, 3, axis=axis, output=np.float64, mode="constant")
            part = part[(slice(None),) * axis + (window[axis],)]
        # At its place in an array of the image's size, so that coordinates round alike. What is not touched costs nothing.
        self.coefficients = np.zeros(values.shape)
        self.coefficients[window] = part
        self.tolerance = 16 * np.finfo(float).eps * (max(values.shape) + 16) * float(np.abs(part).max())
        self.steps, self.weights = _spline_weights(sphere)
        self.room = np.abs(self.steps).max(axis=0)

    def __call__(self, places: npt.NDArray[np.intp]) -> Array:
        """Return samples, shape (n_voxels, n_samples)."""
        if self.kind != np.float32:
            return self._exact(places[:, None] + self.sphere)
        clear = ((places >= self.room) & (places + self.room < self.coefficients.shape)).all(axis=1)
        samples: Array = np.empty((len(places), len(self.sphere)), dtype=self.kind)
        unsure = np.ones(samples.shape, dtype=bool)
        if clear.any():
            strides = np.array([stride // 8 for stride in self.coefficients.strides])
            around = (places[clear] @ strides)[:, None] + self.steps @ strides
            close = self.coefficients.ravel()[around] @ self.weights
            low, high = (close - self.tolerance).astype(self.kind), (close + self.tolerance).astype(self.kind)
            samples[clear], unsure[clear] = low, low != high
        row, column = np.nonzero(unsure)
        samples[row, column] = self._exact(places[row] + self.sphere[column])
        return samples

    def _exact(self, coordinates: Floats) -> Array:
        sampled: Array = map_coordinates(
            self.coefficients, np.moveaxis(coordinates, -1, 0), output=self.kind, order=3, prefilter=False
        )
        return sampled


def _spline_weights(sphere: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return the steps to the coefficients that samples draw on, and the weight of each (rows) in each sample."""
    floor = np.floor(sphere)
    t = sphere - floor
    pieces = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (t + t**2 - t**3) + 1, t**3]) / 6
    reach = np.arange(int(floor.min()) - 1, int(floor.max()) + 3)
    by_axis = np.zeros((3, reach.size, len(sphere)))
    for piece in range(4):
        at = (floor + piece - 1 - reach[0]).astype(np.intp)
        for axis in range(3):
            by_axis[axis, at[:, axis], np.arange(len(sphere))] = pieces[piece, :, axis]
    weights = functools.reduce(lambda cube, line: cube[..., None, :] * line, by_axis).reshape(-1, len(sphere))
    steps = np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), axis=-1).reshape(-1, 3)
    used = np.abs(weights).max(axis=1) > np.finfo(float).eps
    return steps[used], weights[used]
