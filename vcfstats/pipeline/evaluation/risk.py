"""Groups of patients by predicted risk, and the nomogram as a score: points, and the probability they stand for."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from vcfstats import Nomogram, proportion_ci
from vcfstats.contracts.study import TABLES
from vcfstats.learning.riskgroups import risk_group
from vcfstats.pipeline.evaluation.models import LABELS
from vcfstats.pipeline.params import EvaluationSection

_KINDS = ("apparent", "out_of_fold", "testing")
_STEP = 10  # points between the rows of the score


def risk_groups(predictions: pd.DataFrame, cuts: dict[str, list[float]], settings: EvaluationSection) -> pd.DataFrame:
    """Return predicted and observed risk in each group of each headline model, on each set of predictions.

    Parameters
    ----------
    predictions : DataFrame
        The predictions table.
    cuts : dict
        models/learned/risk_groups.json.
    settings : EvaluationSection
        Interval of the observed proportion, and its level.
    """
    rows = []
    for kind in _KINDS:
        for model in LABELS:
            mine = predictions[(predictions["kind"] == kind) & (predictions["model"] == model)]
            if model not in cuts or mine.empty:
                continue
            probability = mine["probability"].to_numpy(dtype=np.float64)
            outcome = mine["outcome"].to_numpy()
            group = risk_group(probability, tuple(cuts[model]))
            bounds = [0.0, *cuts[model], 1.0]
            for g in range(len(bounds) - 1):
                inside = group == g
                n, events = int(inside.sum()), int(outcome[inside].sum())
                low, high = np.nan, np.nan
                if n:
                    low, high = proportion_ci(
                        events, n, settings.proportion_interval, confidence_level=settings.confidence_level
                    )
                predicted = float(probability[inside].mean()) if n else np.nan
                observed = events / n if n else np.nan
                rows.append((kind, model, g + 1, bounds[g], bounds[g + 1], n, events, predicted, observed, low, high))
    return pd.DataFrame(rows, columns=list(TABLES["risk_groups"]))


def risk_score(drawn: Nomogram, cuts: list[float] | None) -> pd.DataFrame:
    """Return the probability at every tenth point of the nomogram's total, and the group of risk it falls into."""
    ticks = drawn.total_points_ticks
    last = int(np.ceil(float(max(ticks)) / _STEP)) * _STEP
    points = np.arange(0, last + _STEP, _STEP, dtype=np.float64)
    probability = expit(drawn.lp_at_zero + points / drawn.points_per_unit)
    group = risk_group(probability, tuple(cuts or ())) + 1
    return pd.DataFrame({"points": points, "probability": probability, "number": group if cuts else np.nan})
