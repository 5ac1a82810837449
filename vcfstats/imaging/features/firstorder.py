"""First-order features: the distribution of intensities in a region."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.imaging.features.levels import Levels

NAMES = (
    "10Percentile", "90Percentile", "Energy", "Entropy", "InterquartileRange", "Kurtosis", "Maximum", "Mean",
    "MeanAbsoluteDeviation", "Median", "Minimum", "Range", "RobustMeanAbsoluteDeviation", "RootMeanSquared", "Skewness",
    "TotalEnergy", "Uniformity", "Variance",
)  # fmt: skip

_EPSILON = float(np.spacing(1))


def firstorder(
    intensities: npt.NDArray[Any], levels: Levels, *, energy_shift: float, voxel_volume: float
) -> dict[str, float]:
    """Compute the first-order features.

    Parameters
    ----------
    intensities : array, shape (n_voxels,)
        Of the region's voxels.
    levels : Levels
        The same in grey levels, for entropy and uniformity.
    energy_shift : float
        Added to the intensities in Energy, TotalEnergy and RootMeanSquared.
    voxel_volume : float
        In cubic millimetres, for TotalEnergy.

    Returns
    -------
    dict of str to float
        By feature. Kurtosis is not excess kurtosis; variance divides by n.

    References
    ----------
    Zwanenburg et al. 2020, doi:10.1148/radiol.2020191145; van Griethuysen et al. 2017, doi:10.1158/0008-5472.CAN-17-0339.
    """
    x = intensities.astype(np.float64)
    p10, p25, p50, p75, p90 = (float(value) for value in np.percentile(x, (10, 25, 50, 75, 90)))
    smallest, largest, mean = float(x.min()), float(x.max()), float(x.sum()) / x.size
    deviation = x - mean
    squared = deviation * deviation
    m2 = float(squared.mean())
    m3 = float((squared * deviation).mean())
    m4 = float((squared * squared).mean())
    spread = m2 or 1.0
    central = x[(x - p10 >= 0) & (x - p90 <= 0)]
    energy = float(np.square(x + energy_shift).sum())
    share = np.bincount(levels.index) / x.size
    return {
        "10Percentile": p10,
        "90Percentile": p90,
        "Energy": energy,
        "Entropy": -float((share * np.log2(share + _EPSILON)).sum()),
        "InterquartileRange": p75 - p25,
        "Kurtosis": m4 / spread**2,
        "Maximum": largest,
        "MeanAbsoluteDeviation": float(np.abs(deviation).mean()),
        "Mean": mean,
        "Median": p50,
        "Minimum": smallest,
        "Range": largest - smallest,
        "RobustMeanAbsoluteDeviation": float(np.abs(central - central.mean()).mean()),
        "RootMeanSquared": math.sqrt(energy / x.size),
        "Skewness": m3 / spread**1.5,
        "TotalEnergy": energy * voxel_volume,
        "Uniformity": float(np.square(share).sum()),
        "Variance": m2,
    }
