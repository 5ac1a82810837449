"""Log odds of predicted probabilities, where 0 and 1 have none."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.special import logit

from vcfstats.statistics.inputs import FloatArray, as_number


def check_clip(clip: float) -> float:
    """Return the distance kept from 0 and 1, or raise ValueError unless it lies strictly between 0 and 0.5."""
    distance = as_number(clip, "clip")
    if not 0 < distance < 0.5:
        raise ValueError(f"clip must lie strictly between 0 and 0.5, such as 1e-6; got {clip!r}.")
    return distance


def linear_predictor(prob: FloatArray, clip: float, *, stacklevel: int = 3) -> tuple[FloatArray, int]:
    """Return log(p / (1 - p)) and how many probabilities were exactly 0 or 1.

    Where any is, all are kept within [clip, 1 - clip] first, with a warning: a probability of 0 or 1 that is wrong once
    makes every calibration fit infinite.
    """
    extreme = int(((prob == 0) | (prob == 1)).sum())
    if extreme:
        warnings.warn(
            f"{extreme} of {len(prob)} probabilities are exactly 0 or 1 and have no log odds; all were kept within"
            f" [{clip:g}, 1 - {clip:g}] for the fits on the log odds (clip=).",
            RuntimeWarning,
            stacklevel=stacklevel,
        )
        prob = np.clip(prob, clip, 1 - clip)
    return np.asarray(logit(prob)), extreme
