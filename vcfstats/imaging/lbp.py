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
    from trimesh.creation import icosphere  # half a second to import, for those who want these images

    sphere = np.array(icosphere(subdivision, radius).vertices)
    harmonics = _harmonics(sphere, levels, radius)
    places = np.stack(np.nonzero(inside), axis=1) + [axis.start for axis in box]
    sampler = _Sampler(values, box, sphere)
    found = np.empty((len(places), levels + 1))
    for first in range(0, len(places), _BLOCK):
        block = places[first : first + _BLOCK]
        samples = sampler(block)
        reached = np.ascontiguousarray((samples >= values[tuple(block.T)][:, None]).T)
        for level, at_level in enumerate(harmonics):
            found[first : first + _BLOCK, level] = _power(reached, at_level)
        found[first : first + _BLOCK, levels] = _excess_kurtosis(samples)
    for column, name in enumerate([*(f"m{level + 1}" for level in range(levels)), "k"]):
        filtered = np.zeros(inside.shape)
        filtered[inside] = found[:, column]
        yield f"lbp-3D-{name}", filtered


def _harmonics(sphere: Floats, levels: int, radius: float) -> list[npt.NDArray[np.complex128]]:
    """Return the harmonics of each level at the samples (rows), of order 0 and above (columns)."""
    # PyRadiomics hands the two angles over in the other order than their names; its values are those to be met.
    polar, azimuth = np.arccos(sphere[:, 2] / radius), np.arctan2(sphere[:, 1], sphere[:, 0])
    return [np.stack([sph_harm_y(n, m, azimuth, polar) for m in range(n + 1)], axis=1) for n in range(levels)]


def _power(reached: npt.NDArray[np.bool_], harmonics: npt.NDArray[np.complex128]) -> Floats:
    """Return the length of a level's part of each pattern, for patterns in columns and samples in rows.

    Orders m and -m are conjugates of one another but for the sign, and so are their coefficients: their two terms share
    the real part, and their imaginary parts cancel. Sums go sample by sample, order by order from the lowest, as
    PyRadiomics' do: patterns that are turned copies of one another tie but for the last bit.
    """
    pattern = reached.astype(np.float64)
    coefficients = np.zeros((harmonics.shape[1], pattern.shape[1]), dtype=np.complex128)
    for order, column in enumerate(harmonics.T):
        real, imaginary = np.zeros((2, pattern.shape[1]))
        for value, hit in zip(column, pattern, strict=True):
            real += value.real * hit
            if order:
                imaginary += value.imag * hit
        coefficients[order].real, coefficients[order].imag = real, imaginary
    power = np.zeros(pattern.shape[1])
    for row in harmonics:
        sides = [(coefficients[order] * row[order]).real for order in range(len(row) - 1, 0, -1)]
        terms = [*sides, coefficients[0].real * row[0].real, *sides[::-1]]
        power += np.square(functools.reduce(np.add, terms))
    return np.sqrt(power)


def _excess_kurtosis(samples: Array) -> Floats:
    """Return the excess kurtosis of each row in the samples' own precision, by the steps of `scipy.stats.kurtosis`."""
    if not np.issubdtype(samples.dtype, np.floating):
        samples = samples.astype(np.float64)
    mean = samples.mean(axis=1, keepdims=True)
    squared = np.square(samples - mean)
    second, fourth = squared.mean(axis=1), np.square(squared).mean(axis=1)
    with np.errstate(all="ignore"):
        constant = second <= (np.finfo(second.dtype).eps * mean[:, 0]) ** 2
        excess: Floats = np.where(constant, np.nan, fourth / second**2.0) - 3
    return excess


class _Sampler:
    """Samples on the sphere around voxels, in the image's own type of number."""

    def __init__(self, values: Array, box: tuple[slice, slice, slice], sphere: Floats) -> None:
        self.kind, self.sphere, self.size = values.dtype, sphere, np.array(values.shape)
        self.radius = math.ceil(float(np.abs(sphere).max()))
        reach = self.radius + 3
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
        # Beyond the image's border coefficients go on mirrored, as scipy has them.
        missing = [
            (near.start - axis.start + reach, axis.stop + reach - near.stop)
            for near, axis in zip(window, box, strict=True)
        ]
        self.mirrored = np.pad(part, missing, mode="reflect")
        self.corner = np.array([axis.start - reach for axis in box])

    def __call__(self, places: npt.NDArray[np.intp]) -> Array:
        """Return samples, shape (n_voxels, n_samples)."""
        if self.kind != np.float32:
            return self._exact(places[:, None] + self.sphere)
        strides = np.array([stride // 8 for stride in self.mirrored.strides])
        around = ((places - self.corner) @ strides)[:, None] + self.steps @ strides
        close = self.mirrored.ravel().take(around) @ self.weights
        samples: Array = (close - self.tolerance).astype(self.kind)
        unsure = samples != (close + self.tolerance).astype(self.kind)
        # Outside the image, by the coordinate as scipy rounds it, a sample is nothing.
        near = np.flatnonzero(((places < self.radius) | (places + self.radius >= self.size)).any(axis=1))
        coordinates = places[near, None] + self.sphere
        outside = ((coordinates < 0) | (coordinates > self.size - 1)).any(axis=2)
        samples[near] = np.where(outside, 0, samples[near])
        unsure[near] &= ~outside
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
