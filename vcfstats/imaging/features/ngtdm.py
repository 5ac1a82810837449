"""Neighbouring grey-tone difference matrix (Amadasun and King 1989, doi:10.1109/21.44046)."""

from __future__ import annotations

import numpy as np

from vcfstats.imaging.features.levels import Levels
from vcfstats.imaging.features.neighbourhood import Neighbourhood

NAMES = ("Busyness", "Coarseness", "Complexity", "Contrast", "Strength")


def ngtdm(levels: Levels, around: Neighbourhood) -> dict[str, float]:
    """Compute the features of the differences between voxels and the mean of their neighbours in the region.

    A voxel without neighbours differs by nothing. Coarseness is one million, the other features zero, where their divisor
    is zero.
    """
    level = levels.present[levels.index]
    total, n_around = around.neighbour_sum(around.spread(level)), around.n_neighbours
    difference = np.abs(level - total / np.maximum(n_around, 1))
    difference[n_around == 0] = 0
    p = np.bincount(levels.index) / level.size
    s = np.bincount(levels.index, weights=difference)
    i = levels.values
    n = i.size
    apart = i[:, None] - i
    ps = p * s
    either = p[:, None] + p
    weighted = np.abs((i * p)[:, None] - i * p).sum()
    contrast = (p[:, None] * p * apart**2).sum() * s.sum() / level.size
    return {
        "Busyness": float(ps.sum() / weighted) if weighted else 0.0,
        "Coarseness": float(1 / ps.sum()) if ps.sum() else 1e6,
        "Complexity": float((np.abs(apart) * (ps[:, None] + ps) / either).sum() / level.size),
        "Contrast": float(contrast / (n * (n - 1))) if n > 1 else 0.0,
        "Strength": float((either * apart**2).sum() / s.sum()) if s.sum() else 0.0,
    }
