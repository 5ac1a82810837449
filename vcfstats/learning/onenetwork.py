"""The models of deep features a second time, with one network for all folds: what cross-fitting changes, side by side."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from vcfstats.contracts.predictions import KEY, PREDICTIONS
from vcfstats.learning.learned import Learned

# Headline models that rest on the network, and what their second version is called.
SUFFIX = "_one_network"
MODELS = ("dl", "dlr", "dlrn")


def beside(learned: Learned, alone: Learned) -> Learned:
    """Return the cross-fitted study with the probabilities of its headline models without cross-fitting.

    Fitted objects, thresholds and notes stay those of the cross-fitted one; of the other there are probabilities and
    thresholds, under the models' names with ``_one_network``.
    """
    rows = alone.predictions[alone.predictions["model"].isin(MODELS)]
    rows = rows.assign(model=rows["model"] + SUFFIX)
    predictions = pd.concat([learned.predictions, rows]).sort_values(KEY, ignore_index=True)
    thresholds = {f"{name}{SUFFIX}": alone.thresholds[name] for name in MODELS if name in alone.thresholds}
    return replace(
        learned, predictions=PREDICTIONS.validate(predictions), thresholds={**learned.thresholds, **thresholds}
    )
