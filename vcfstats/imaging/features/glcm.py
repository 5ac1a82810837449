"""Grey-level co-occurrence matrix (Haralick et al. 1973, doi:10.1109/TSMC.1973.4309314): levels of neighbours, by direction."""

from __future__ import annotations

import numpy as np

from vcfstats.imaging.features.levels import Floats, Ints, Levels
from vcfstats.imaging.features.neighbourhood import Neighbourhood

NAMES = (
    "Autocorrelation", "ClusterProminence", "ClusterShade", "ClusterTendency", "Contrast", "Correlation",
    "DifferenceAverage", "DifferenceEntropy", "DifferenceVariance", "Id", "Idm", "Idmn", "Idn", "Imc1", "Imc2",
    "InverseVariance", "JointAverage", "JointEnergy", "JointEntropy", "MCC", "MaximumProbability", "SumAverage",
    "SumEntropy", "SumSquares",
)  # fmt: skip

_EPSILON = float(np.spacing(1))


def matrix(levels: Levels, around: Neighbourhood) -> Floats:
    """Return how often two levels are neighbours, shape (n_levels, n_levels, n_directions), symmetric.

    Directions in which no voxel has a neighbour in the region are left out.
    """
    width = levels.present.size + 1
    level = (levels.index + 1).astype(np.uint8 if width <= 256 else np.int32)
    box, here = around.spread(level), (levels.index + 1) * width
    counts = []
    for step in around.steps(around.distance):
        # Voxels outside the region count as level 0, which is cut off.
        cell = here + box[around.voxels + around.shift(step)]
        found = np.bincount(cell, minlength=width * width).reshape(width, width)[1:, 1:]
        if found.any():
            counts.append(found + found.T)
    n_levels = levels.present.size
    return np.stack(counts, axis=-1).astype(np.float64) if counts else np.empty((n_levels, n_levels, 0))


def glcm(levels: Levels, around: Neighbourhood, *, with_mcc: bool) -> dict[str, float]:
    """Compute the co-occurrence features, each direction by itself, then averaged.

    Parameters
    ----------
    levels : Levels
        The region in grey levels.
    around : Neighbourhood
        The region's voxels and the distance of neighbours.
    with_mcc : bool
        Whether to compute MCC, the maximal correlation coefficient: eigenvalues of a matrix for each direction.

    Returns
    -------
    dict of str to float
        By feature; all NaN where no voxel has a neighbour in the region.
    """
    wanted = NAMES if with_mcc else tuple(name for name in NAMES if name != "MCC")
    counts = matrix(levels, around)
    if not counts.shape[2]:
        return dict.fromkeys(wanted, float("nan"))
    p = counts / counts.sum(axis=(0, 1))
    i, highest = levels.values, levels.highest
    margin = p.sum(axis=1)
    mean = i @ margin
    variance = (np.square(i[:, None] - mean) * margin).sum(axis=0)

    # Pairs of levels that occur at all, in rows; directions in columns.
    first, second = np.nonzero(counts.any(axis=2))
    cells = p[first, second]
    apart, together = np.abs(i[first] - i[second]).astype(np.intp), (i[first] + i[second]).astype(np.intp)
    difference, total = _gathered(cells, apart, highest), _gathered(cells, together, 2 * highest + 1)
    k = np.arange(highest, dtype=np.float64)
    sums = np.arange(2 * highest + 1, dtype=np.float64)
    difference_mean = k @ difference
    contrast = k**2 @ difference
    off = sums[:, None] - 2 * mean
    off2 = np.square(off)
    tendency = (off2 * total).sum(axis=0)

    joint_entropy = _entropy(cells)
    margin_entropy = _entropy(margin)
    apart_entropy = -(cells * np.log2(margin[first] * margin[second] + _EPSILON)).sum(axis=0)
    product = margin[:, None] * margin
    product_entropy = -(product * np.log2(product + _EPSILON)).sum(axis=(0, 1))
    imc1 = (joint_entropy - apart_entropy) / np.where(margin_entropy == 0, 1, margin_entropy)
    imc1[margin_entropy == 0] = 0
    # Rounding may leave less than nothing under the root; such a direction does not count.
    imc2 = np.sqrt(1 - np.e ** (-2 * (product_entropy - joint_entropy)))
    imc2[product_entropy == joint_entropy] = 0

    per_direction = {
        "Autocorrelation": (i[first] * i[second]) @ cells,
        "ClusterProminence": (np.square(off2) * total).sum(axis=0),
        "ClusterShade": (off2 * off * total).sum(axis=0),
        "ClusterTendency": tendency,
        "Contrast": contrast,
        # The covariance, from (i + j - 2 mean)^2 - (i - j)^2. One level alone is perfectly correlated.
        "Correlation": np.where(variance == 0, 1, (tendency - contrast) / 4 / (variance + _EPSILON)),
        "DifferenceAverage": difference_mean,
        "DifferenceEntropy": _entropy(difference),
        "DifferenceVariance": (np.square(k[:, None] - difference_mean) * difference).sum(axis=0),
        "Id": (1 / (1 + k)) @ difference,
        "Idm": (1 / (1 + k**2)) @ difference,
        "Idmn": (1 / (1 + k**2 / highest**2)) @ difference,
        "Idn": (1 / (1 + k / highest)) @ difference,
        "Imc1": imc1,
        "Imc2": imc2,
        "InverseVariance": k[1:] ** -2 @ difference[1:],
        "JointAverage": mean,
        "JointEnergy": np.square(cells).sum(axis=0),
        "JointEntropy": joint_entropy,
        "MaximumProbability": cells.max(axis=0),
        "SumAverage": sums @ total,
        "SumEntropy": _entropy(total),
        "SumSquares": variance,
    }
    if with_mcc:
        per_direction["MCC"] = _maximal_correlation(p, margin)
    means = np.nanmean(np.stack([per_direction[name] for name in wanted]), axis=1)
    return dict(zip(wanted, map(float, means), strict=True))


def _gathered(cells: Floats, row: Ints, n_rows: int) -> Floats:
    """Sum the rows of `cells` that have the same new row number."""
    n_directions = cells.shape[1]
    place = (row[:, None] * n_directions + np.arange(n_directions)).ravel()
    sums = np.bincount(place, weights=cells.ravel(), minlength=n_rows * n_directions)
    return sums.astype(np.float64, copy=False).reshape(n_rows, n_directions)


def _entropy(p: Floats) -> Floats:
    """Entropy of each column, in bits."""
    bits: Floats = -(p * np.log2(p + _EPSILON)).sum(axis=0)
    return bits


def _maximal_correlation(p: Floats, margin: Floats) -> Floats:
    """Return the square root of the second largest eigenvalue of each direction's matrix; 1 for a single level."""
    if p.shape[0] < 2:
        return np.ones(p.shape[2])
    by_direction, of = p.transpose(2, 0, 1), margin.T
    q = (by_direction / (of[:, :, None] * of[:, None, :] + _EPSILON)) @ by_direction.transpose(0, 2, 1)
    values = np.sort(np.linalg.eigvals(q), axis=1)
    roots: Floats = np.real(np.sqrt(values[:, -2]))
    return roots
