"""The probability at which a model calls a patient positive, learned on training patients and frozen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from vcfstats import optimal_threshold
from vcfstats.contracts.files import write_text
from vcfstats.learning.settings import ThresholdSettings


def choose_threshold(known: pd.DataFrame, settings: ThresholdSettings) -> float:
    """Return the threshold of one model.

    Parameters
    ----------
    known : DataFrame
        Training patients by models that have not seen them (kind second_stage_input): outcome, probability.
    settings : ThresholdSettings
        The rule. Of several thresholds equally good by Youden's index the lowest is taken (the most sensitive).
    """
    if settings.value is not None:  # rule fixed, and no other, has a value
        return settings.value
    best = optimal_threshold(known["outcome"], known["probability"], criterion="youden")
    # The ends of the curve lie at -inf and inf; as probabilities they are 0, all positive, and 1.
    return float(np.clip(best.thresholds[0], 0.0, 1.0))


def write_thresholds(thresholds: dict[str, float], path: Path) -> None:
    """Write the frozen thresholds, model -> probability."""
    write_text(path, json.dumps(thresholds, indent=1, sort_keys=True) + "\n")


def read_thresholds(path: Path) -> dict[str, float]:
    """Read thresholds written by `write_thresholds`."""
    return {str(model): float(value) for model, value in json.loads(path.read_text(encoding="utf-8")).items()}
