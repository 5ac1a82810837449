"""Groups of patients by predicted risk: where the cuts lie, learned on training patients and frozen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vcfstats.learning.settings import RiskGroupSettings
from vcfstats.learning.work import HEADLINE


def risk_cuts(predictions: pd.DataFrame, settings: RiskGroupSettings) -> dict[str, tuple[float, ...]]:
    """Return for each headline model the probabilities at which the next group begins, ascending.

    Quantiles are those of out-of-fold probabilities of training patients, which is how probabilities of patients spread
    that the model has not seen. Quantiles that coincide give fewer groups.

    Parameters
    ----------
    predictions : DataFrame
        The predictions table.
    settings : RiskGroupSettings
        Number of groups, or the cuts themselves.
    """
    known = predictions[predictions["kind"] == "out_of_fold"]
    cuts = {}
    for model in HEADLINE:
        probability = known.loc[known["model"] == model, "probability"].to_numpy(dtype=np.float64)
        if not len(probability):
            continue
        if settings.cuts is not None:
            cuts[model] = settings.cuts
        else:
            shares = np.arange(1, settings.groups) / settings.groups
            quantiles = np.unique(np.quantile(probability, shares))
            # A cut at the least probability would leave nobody below it.
            cuts[model] = tuple(quantiles[quantiles > probability.min()].tolist())
    return cuts


def risk_group(probability: np.ndarray, cuts: tuple[float, ...]) -> np.ndarray:
    """Return the group of each probability, 0 the lowest risk; one at a cut belongs to the group above it."""
    return np.searchsorted(np.array(cuts, dtype=np.float64), probability, side="right")
