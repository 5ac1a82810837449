"""Features of a matrix that counts grey levels by size: of runs, of zones, of dependences.

The three matrices share one set of formulas; a run's length, a zone's volume and a voxel's dependent neighbours take the
same place in them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_EPSILON = float(np.spacing(1))


def size_features(counts: Floats, levels: Floats, sizes: Floats, names: Mapping[str, str]) -> dict[str, float]:
    """Compute the features of a size matrix, averaged over its directions.

    Parameters
    ----------
    counts : array, shape (n_levels, n_sizes, n_directions)
        How often a level occurs with a size.
    levels : array, shape (n_levels,)
        Grey levels of the rows.
    sizes : array, shape (n_sizes,)
        Sizes of the columns.
    names : mapping of str to str
        Which of the features below are wanted, and what they are called in the matrix at hand.

    Returns
    -------
    dict of str to float
        By name; NaN where the matrix is empty.
    """
    n_levels, n_sizes, n_directions = counts.shape
    if not n_directions or not counts.any():
        return dict.fromkeys(names.values(), float("nan"))
    by_level, by_size = counts.sum(axis=1), counts.sum(axis=0)
    total = by_size.sum(axis=0)
    levels2, sizes2 = levels**2, sizes**2
    low = (1 / levels2) @ counts.reshape(n_levels, -1)
    high = levels2 @ counts.reshape(n_levels, -1)
    low, high = low.reshape(n_sizes, n_directions), high.reshape(n_sizes, n_directions)
    level_squares, size_squares = np.square(by_level).sum(axis=0), np.square(by_size).sum(axis=0)
    share = counts / total
    per_direction = {
        "small": (1 / sizes2) @ by_size / total,
        "large": sizes2 @ by_size / total,
        "low": low.sum(axis=0) / total,
        "high": high.sum(axis=0) / total,
        "small_low": (1 / sizes2) @ low / total,
        "small_high": (1 / sizes2) @ high / total,
        "large_low": sizes2 @ low / total,
        "large_high": sizes2 @ high / total,
        "level_nonuniformity": level_squares / total,
        "level_nonuniformity_normalized": level_squares / total**2,
        "size_nonuniformity": size_squares / total,
        "size_nonuniformity_normalized": size_squares / total**2,
        "percentage": total / (sizes @ by_size),
        "level_variance": _variance(levels, by_level / total),
        "size_variance": _variance(sizes, by_size / total),
        "entropy": -(share * np.log2(share + _EPSILON)).sum(axis=(0, 1)),
    }
    return {name: float(per_direction[feature].mean()) for feature, name in names.items()}


def _variance(values: Floats, share: Floats) -> Floats:
    """Variance over the rows, for each column."""
    spread: Floats = (np.square(values[:, None] - values @ share) * share).sum(axis=0)
    return spread
