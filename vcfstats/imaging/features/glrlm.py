"""Grey-level run-length matrix (Galloway 1975, doi:10.1016/S0146-664X(75)80008-6): runs of one level along 13 directions."""

from __future__ import annotations

import numpy as np

from vcfstats.imaging.features.levels import Levels
from vcfstats.imaging.features.neighbourhood import Neighbourhood
from vcfstats.imaging.features.sizes import Floats, size_features

_NAMES = {
    "level_nonuniformity": "GrayLevelNonUniformity",
    "level_nonuniformity_normalized": "GrayLevelNonUniformityNormalized",
    "level_variance": "GrayLevelVariance",
    "high": "HighGrayLevelRunEmphasis",
    "large": "LongRunEmphasis",
    "large_high": "LongRunHighGrayLevelEmphasis",
    "large_low": "LongRunLowGrayLevelEmphasis",
    "low": "LowGrayLevelRunEmphasis",
    "entropy": "RunEntropy",
    "size_nonuniformity": "RunLengthNonUniformity",
    "size_nonuniformity_normalized": "RunLengthNonUniformityNormalized",
    "percentage": "RunPercentage",
    "size_variance": "RunVariance",
    "small": "ShortRunEmphasis",
    "small_high": "ShortRunHighGrayLevelEmphasis",
    "small_low": "ShortRunLowGrayLevelEmphasis",
}
NAMES = tuple(_NAMES.values())


def matrix(levels: Levels, around: Neighbourhood) -> tuple[Floats, Floats]:
    """Return the matrix, shape (n_levels, n_lengths, n_directions), and the run lengths that occur."""
    runs = around.runs
    along = levels.index.astype(np.uint8 if levels.present.size <= 256 else np.int32)[runs.order]
    ends = runs.breaks.copy()
    ends[:-1] |= along[1:] != along[:-1]
    last = np.flatnonzero(ends)
    length = np.diff(last, prepend=-1)
    n_voxels = levels.index.size
    bounds = np.searchsorted(last, np.arange(1, runs.n_directions + 1) * n_voxels)
    direction = np.repeat(np.arange(runs.n_directions), np.diff(bounds, prepend=0))
    n_lengths = int(length.max(initial=0))
    cell = (along[last].astype(np.intp) * n_lengths + length - 1) * runs.n_directions + direction
    counts = np.bincount(cell, minlength=levels.present.size * n_lengths * runs.n_directions).astype(np.float64)
    counts = counts.reshape(levels.present.size, n_lengths, runs.n_directions)
    occurs = np.flatnonzero(counts.any(axis=(0, 2)))
    return counts[:, occurs], (occurs + 1).astype(np.float64)


def glrlm(levels: Levels, around: Neighbourhood) -> dict[str, float]:
    """Compute the run-length features, averaged over directions."""
    counts, lengths = matrix(levels, around)
    return size_features(counts, levels.values, lengths, _NAMES)
