"""Intensities of a region in grey levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from radiomics import imageoperations

from vcfstats.imaging.settings import RadiomicsSettings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Levels:
    """The region's voxels in grey levels.

    Attributes
    ----------
    index : array of int, shape (n_voxels,)
        Which of the levels present each voxel has, from 0.
    present : array of int, shape (n_levels,)
        The levels that occur, ascending, from 1.
    """

    index: Ints
    present: Ints

    @property
    def highest(self) -> int:
        """The highest level that occurs."""
        return int(self.present[-1])

    @property
    def values(self) -> Floats:
        """The levels present, as numbers to calculate with."""
        return self.present.astype(np.float64)

    @classmethod
    def of(cls, intensities: npt.NDArray[Any], settings: RadiomicsSettings) -> Levels:
        """Bin the region's intensities.

        Edges are PyRadiomics' own: multiples of the bin width from below the smallest intensity, or equal parts of the
        range. They depend on the extremes alone, and on the type of the numbers.
        """
        binning = {"binCount": settings.bin_count} if settings.bin_count else {"binWidth": settings.bin_width}
        extremes = np.array([intensities.min(), intensities.max()], dtype=intensities.dtype)
        levels = np.digitize(intensities, imageoperations.getBinEdges(extremes, **binning))
        occurs = np.bincount(levels) > 0
        rank = np.cumsum(occurs) - 1
        return cls(rank[levels], np.flatnonzero(occurs))
