"""Groups of patients by predicted risk: where the cuts lie, learned on training patients and frozen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vcfstats.contracts.predictions import second_stage
from vcfstats.learning.settings import RiskGroupSettings
from vcfstats.learning.work import HEADLINE


def risk_cuts(predictions: pd.DataFrame, settings: RiskGroupSettings) -> dict[str, tuple[float, ...]]:
    """Return for each headline model the probabilities at which the next group begins, ascending.

    Quantiles are those of training patients' probabilities by models that have not seen them, with the parameters that are
    delivered (kind second_stage_input). Quantiles that coincide give fewer groups.

    Parameters
    ----------
    predictions : DataFrame
        The predictions table.
    settings : RiskGroupSettings
        Number of groups, or the cuts themselves.
    """
    known = second_stage(predictions)
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
