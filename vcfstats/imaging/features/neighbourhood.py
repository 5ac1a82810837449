"""Who is whose neighbour in a region: found once for a mask, used by every image type and texture class."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Runs:
    """The region's voxels in line order, all directions one after the other.

    Attributes
    ----------
    order : array of int, shape (n_directions * n_voxels,)
        Voxels as each direction passes them.
    breaks : array of bool, same shape
        True where the next voxel of the order is no neighbour of this one.
    n_directions : int
        Directions in which some line holds more than one voxel.
    longest : int
        Voxels along the longest side of the box: no run is longer.
    """

    order: Ints
    breaks: npt.NDArray[np.bool_]
    n_directions: int
    longest: int


class Neighbourhood:
    """A region's voxels, in the order of the array, within a box that is padded so that no step leaves it.

    In the flattened box a step in any direction is one and the same shift of the index, and whole-array operations on two
    shifted views meet each pair of neighbours once.

    Parameters
    ----------
    inside : array of bool, shape (z, y, x)
        The region in its bounding box.
    distance : int
        Distance of neighbours in the co-occurrence, dependence and neighbourhood-difference matrices, in voxels: the
        largest of the three steps along the axes. Runs and zones always join voxels at distance 1.
    """

    def __init__(self, inside: npt.NDArray[np.bool_], distance: int) -> None:
        self.distance = distance
        self.size = inside.shape
        padded = np.pad(inside, distance)
        self.shape = padded.shape
        self.strides = (self.shape[1] * self.shape[2], self.shape[2], 1)
        self.inside = padded.ravel()
        self.voxels: Ints = np.flatnonzero(self.inside)

    def steps(self, distance: int) -> list[tuple[int, int, int]]:
        """Return one of each two opposite steps of a length, those that fit into the box."""
        reach = range(-distance, distance + 1)
        return [
            (z, y, x)
            for z, y, x in itertools.product(reach, repeat=3)
            if (z, y, x) > (0, 0, 0)
            and max(abs(z), abs(y), abs(x)) == distance
            and all(abs(along) < size for along, size in zip((z, y, x), self.size, strict=True))
        ]

    def shift(self, step: tuple[int, int, int]) -> int:
        """Return a step as a shift of the flat index. It is positive for the steps that `steps` returns."""
        return sum(along * stride for along, stride in zip(step, self.strides, strict=True))

    def spread(self, values: npt.NDArray[Any], outside: int = 0) -> npt.NDArray[Any]:
        """Return the flat box with a value for each voxel of the region."""
        box = np.full(self.inside.size, outside, dtype=values.dtype)
        box[self.voxels] = values
        return box

    def neighbour_sum(self, box: Ints) -> Ints:
        """Return for each voxel the sum over its neighbours: the cube around it less the cube within."""
        cubes = (self._cube_sum(box, reach)[self.voxels] for reach in (self.distance, self.distance - 1))
        outer, inner = cubes
        difference: Ints = outer - inner
        return difference

    @functools.cached_property
    def n_neighbours(self) -> Ints:
        """How many neighbours each voxel has within the region."""
        return self.neighbour_sum(self.inside.astype(np.intp))

    @functools.cached_property
    def touching(self) -> tuple[Ints, Ints]:
        """For each voxel (rows) and step of length 1 (columns): the flat index of the neighbour, and its voxel number.

        Columns are filled up to 16 with a place outside the region.
        """
        index = np.zeros((self.voxels.size, 16), dtype=np.intp)
        for column, step in enumerate(self.steps(1)):
            index[:, column] = self.voxels + self.shift(step)
        number = self.spread(np.arange(self.voxels.size, dtype=np.int32))
        return index, number[index]

    @functools.cached_property
    def runs(self) -> Runs:
        """The lines through the region."""
        number = self.spread(np.arange(self.voxels.size))
        orders, breaks = [], []
        for step in self.steps(1):
            shift = self.shift(step)
            # Voxels along a line are `shift` apart: columns of the box folded at that length, one after the other.
            rows = -(-self.inside.size // shift)
            folded = np.zeros(rows * shift, dtype=bool)
            folded[: self.inside.size] = self.inside
            place = np.flatnonzero(folded.reshape(rows, shift).T)
            flat = place % rows * shift + place // rows
            ends = np.append(np.diff(flat) != shift, True)
            if not ends.all() or self._lined_up(step):
                orders.append(number[flat])
                breaks.append(ends)
        if not orders:
            return Runs(np.empty(0, np.intp), np.empty(0, bool), 0, max(self.size))
        return Runs(np.concatenate(orders), np.concatenate(breaks), len(orders), max(self.size))

    def _cube_sum(self, box: Ints, reach: int) -> Ints:
        for stride in self.strides:
            total = box.copy()
            for shift in range(stride, reach * stride + 1, stride):
                total[:-shift] += box[shift:]
                total[shift:] += box[:-shift]
            box = total
        return box

    def _lined_up(self, step: tuple[int, int, int]) -> bool:
        """Tell whether two voxels lie on one line in this direction, others between them."""
        places = np.stack(np.unravel_index(self.voxels, self.shape))
        axis = next(axis for axis, along in enumerate(step) if along)
        feet = places - places[axis] * step[axis] * np.array(step)[:, None]
        return len(np.unique(feet, axis=1).T) < self.voxels.size
