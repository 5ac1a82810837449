"""What is uncertain about the curves: bands of ROC and decision curve, the calibration belt."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vcfstats import calibration_belt, decision_curve, roc_band
from vcfstats.contracts.records import Record
from vcfstats.pipeline.evaluation.curves import labelled, thresholds
from vcfstats.pipeline.evaluation.performance import Predictions, remarks
from vcfstats.pipeline.params import EvaluationSection, Params


def roc_band_points(given: Predictions, params: Params) -> pd.DataFrame:
    """Return the pointwise bootstrap band of the ROC curve, events and non-events drawn apart; no rows without two classes.

    The seed is named after the set of predictions and the model: no other model's band moves it.
    """
    settings = params.evaluation
    specificity = np.linspace(1, 0, 101)
    try:
        band = roc_band(
            given.outcome,
            given.probability,
            specificity=specificity,
            confidence_level=settings.confidence_level,
            n_resamples=settings.bootstrap_samples,
            random_state=params.seed_for(f"evaluation/roc_band/{given.kind}/{given.model}"),
        )
    except ValueError:  # told by the record of the AUC
        return labelled(given, false_positive_rate=[], low=[], high=[])
    return labelled(given, false_positive_rate=1 - specificity, low=band.low, high=band.high)


def decision_band_points(given: Predictions, settings: EvaluationSection) -> pd.DataFrame:
    """Return the pointwise band (Wald) of a model's net benefit."""
    try:
        curve = decision_curve(
            given.outcome, {given.model: given.probability}, thresholds=thresholds(settings.decision)
        )
        frame = curve.confidence_band(settings.confidence_level)
    except ValueError:
        return labelled(given, threshold=[], low=[], high=[])
    own = frame[frame["model"] == given.model]
    return labelled(given, threshold=own["threshold"], low=own["low"], high=own["high"])


def belt(given: Predictions, settings: EvaluationSection) -> tuple[pd.DataFrame, list[Record]]:
    """Return the calibration belt and its test, for predictions of patients on whom the model was not fitted.

    On apparent predictions the belt is no region for the true curve (see `calibration_belt`): there is none.
    """
    none = labelled(given, confidence_level=[], predicted=[], low=[], high=[])
    if given.fitted_here:
        return none, []

    def record(value: float | None, method: str) -> Record:
        return Record(
            kind=given.kind, model=given.model, partition=given.partition, estimate="calibration_belt", value=value, statistic=value,
            p_value=None if value is None else result.pvalue, method=method, n=len(given.outcome), events=int(given.outcome.sum()), stage="evaluate",
        )  # fmt: skip

    levels = tuple(sorted({0.80, settings.confidence_level}, reverse=True))
    try:
        with remarks() as said:
            result = calibration_belt(given.outcome, given.probability, confidence_levels=levels)
    except ValueError as error:
        return none, [record(None, f"not estimable: {error}")]
    frame = result.to_frame()
    frame = frame.assign(kind=given.kind, model=given.model)[
        ["kind", "model", "confidence_level", "predicted", "low", "high"]
    ]
    remark = f" ({'; '.join(dict.fromkeys(said))})" if said else ""
    value = float(result.statistic) if np.isfinite(result.statistic) else None
    return frame.dropna().drop_duplicates(), [
        record(value, f"likelihood-ratio test of a polynomial of degree {result.degree}{remark}")
    ]
