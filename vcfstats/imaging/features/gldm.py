"""Grey-level dependence matrix (Sun and Wee 1983, doi:10.1016/0734-189X(83)90032-4): neighbours of about the same level."""

from __future__ import annotations

import numpy as np

from vcfstats.imaging.features.levels import Levels
from vcfstats.imaging.features.neighbourhood import Neighbourhood
from vcfstats.imaging.features.sizes import Floats, size_features

_NAMES = {
    "entropy": "DependenceEntropy",
    "size_nonuniformity": "DependenceNonUniformity",
    "size_nonuniformity_normalized": "DependenceNonUniformityNormalized",
    "size_variance": "DependenceVariance",
    "level_nonuniformity": "GrayLevelNonUniformity",
    "level_variance": "GrayLevelVariance",
    "high": "HighGrayLevelEmphasis",
    "large": "LargeDependenceEmphasis",
    "large_high": "LargeDependenceHighGrayLevelEmphasis",
    "large_low": "LargeDependenceLowGrayLevelEmphasis",
    "low": "LowGrayLevelEmphasis",
    "small": "SmallDependenceEmphasis",
    "small_high": "SmallDependenceHighGrayLevelEmphasis",
    "small_low": "SmallDependenceLowGrayLevelEmphasis",
}
NAMES = tuple(_NAMES.values())


def matrix(levels: Levels, around: Neighbourhood, *, alpha: int) -> tuple[Floats, Floats]:
    """Return the matrix, shape (n_levels, n_sizes, 1), and the sizes that occur: dependent neighbours and the voxel itself.

    A neighbour depends on a voxel if their levels differ by no more than `alpha`.
    """
    dependent = np.zeros(around.inside.size, dtype=np.uint8 if around.distance == 1 else np.uint16)
    kind = np.int16 if levels.highest + alpha < 2**14 else np.int32
    box = around.spread(levels.present.astype(kind)[levels.index], outside=-alpha - 1)
    for step in around.steps(around.distance):
        shift = around.shift(step)
        near = box[:-shift] == box[shift:] if not alpha else np.abs(box[:-shift] - box[shift:]) <= alpha
        np.add(dependent[:-shift], near, out=dependent[:-shift])
        np.add(dependent[shift:], near, out=dependent[shift:])
    size = dependent[around.voxels].astype(np.intp)
    n_sizes = int(size.max()) + 1
    counts = np.bincount(levels.index * n_sizes + size, minlength=levels.present.size * n_sizes)
    counts = counts.reshape(levels.present.size, n_sizes, 1)
    occurs = np.flatnonzero(counts.any(axis=(0, 2)))
    return counts[:, occurs].astype(np.float64), (occurs + 1).astype(np.float64)


def gldm(levels: Levels, around: Neighbourhood, *, alpha: int) -> dict[str, float]:
    """Compute the dependence features."""
    counts, sizes = matrix(levels, around, alpha=alpha)
    return size_features(counts, levels.values, sizes, _NAMES)
