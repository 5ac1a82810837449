"""Whether a feature varies at all."""

from __future__ import annotations

import numpy as np

from vcfstats.statistics.inputs import BoolArray, FloatArray


def varying(X: FloatArray) -> BoolArray:
    """Return which columns vary by more than the rounding of their values."""
    spread = X.max(axis=0) - X.min(axis=0)
    return np.asarray(spread > 1e-12 * np.abs(X).max(axis=0), dtype=bool)
