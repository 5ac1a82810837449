"""Grey-level size-zone matrix (Thibault et al. 2014, doi:10.1109/TBME.2013.2284600): connected zones of one level."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from vcfstats.imaging.features.levels import Levels
from vcfstats.imaging.features.neighbourhood import Neighbourhood
from vcfstats.imaging.features.sizes import Floats, size_features

_NAMES = {
    "level_nonuniformity": "GrayLevelNonUniformity",
    "level_nonuniformity_normalized": "GrayLevelNonUniformityNormalized",
    "level_variance": "GrayLevelVariance",
    "high": "HighGrayLevelZoneEmphasis",
    "large": "LargeAreaEmphasis",
    "large_high": "LargeAreaHighGrayLevelEmphasis",
    "large_low": "LargeAreaLowGrayLevelEmphasis",
    "low": "LowGrayLevelZoneEmphasis",
    "size_nonuniformity": "SizeZoneNonUniformity",
    "size_nonuniformity_normalized": "SizeZoneNonUniformityNormalized",
    "small": "SmallAreaEmphasis",
    "small_high": "SmallAreaHighGrayLevelEmphasis",
    "small_low": "SmallAreaLowGrayLevelEmphasis",
    "entropy": "ZoneEntropy",
    "percentage": "ZonePercentage",
    "size_variance": "ZoneVariance",
}
NAMES = tuple(_NAMES.values())


def matrix(levels: Levels, around: Neighbourhood) -> tuple[Floats, Floats]:
    """Return the matrix, shape (n_levels, n_sizes, 1), and the zone sizes that occur; the 26 around a voxel touch it."""
    index, number = around.touching
    level = (levels.index + 1).astype(np.uint8 if levels.present.size < 256 else np.int32)
    equal = around.spread(level)[index] == level[:, None]
    # Sixteen columns are two words of eight bytes, each byte 0 or 1: their set bits are the row's equal neighbours.
    per_voxel = np.bitwise_count(equal.view(np.uint64)).sum(axis=1, dtype=np.int32)
    starts = np.concatenate([np.zeros(1, np.int32), np.cumsum(per_voxel, dtype=np.int32)])
    neighbours = number.ravel()[np.flatnonzero(equal)]
    n_voxels = level.size
    graph = csr_array((np.ones(neighbours.size), neighbours, starts), shape=(n_voxels, n_voxels))
    n_zones, zone = connected_components(graph, directed=False)
    size = np.bincount(zone, minlength=n_zones)
    level_of = np.empty(n_zones, dtype=np.intp)
    level_of[zone] = levels.index
    occur, column = np.unique(size, return_inverse=True)
    counts = np.bincount(level_of * occur.size + column, minlength=levels.present.size * occur.size)
    return counts.astype(np.float64).reshape(levels.present.size, occur.size, 1), occur.astype(np.float64)


def glszm(levels: Levels, around: Neighbourhood) -> dict[str, float]:
    """Compute the size-zone features."""
    counts, sizes = matrix(levels, around)
    return size_features(counts, levels.values, sizes, _NAMES)
