"""Curves of one model on one set of predictions, as tidy frames: what the figures draw."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vcfstats import calibration_curve, decision_curve, hosmer_lemeshow, roc_curve
from vcfstats.pipeline.evaluation.performance import Predictions, remarks
from vcfstats.pipeline.params import DecisionSection, EvaluationSection


def roc_points(given: Predictions) -> pd.DataFrame:
    """Return the empirical ROC curve."""
    curve = roc_curve(given.outcome, given.probability)
    return labelled(
        given, threshold=curve.thresholds, false_positive_rate=1 - curve.specificity, sensitivity=curve.sensitivity
    )


def calibration_points(given: Predictions, settings: EvaluationSection) -> pd.DataFrame:
    """Return the smoothed calibration curve with its pointwise band; no rows where it cannot be estimated."""
    try:
        with remarks():  # told by the record of the calibration slope
            curve = calibration_curve(
                given.outcome,
                given.probability,
                method=settings.calibration_smoother,
                confidence_level=settings.confidence_level,
            )
    except ValueError:
        # The figure then shows the groups alone; calibration_slope's record carries the reason.
        return labelled(given, predicted=[], observed=[], low=[], high=[])
    frame = curve.to_frame()
    return labelled(given, **{name: frame[name] for name in ("predicted", "observed", "low", "high")})


def calibration_groups(given: Predictions, settings: EvaluationSection) -> pd.DataFrame:
    """Return the groups of the Hosmer-Lemeshow test; no rows where there are too few distinct predictions."""
    try:
        with remarks():  # told by the record of the test
            table = hosmer_lemeshow(
                given.outcome, given.probability, settings.hosmer_lemeshow_groups, devel="external"
            ).table
    except ValueError:
        return labelled(given, group=[], n=[], events=[], predicted=[], observed=[])
    table = table[table["n"] > 0]
    return labelled(
        given,
        group=table["group"],
        n=table["n"],
        events=table["observed_events"],
        predicted=table["expected_events"] / table["n"],
        observed=table["observed_events"] / table["n"],
    )


def distribution(given: Predictions, bins: int = 20) -> pd.DataFrame:
    """Return how many events and non-events have which predicted probability, in bins of equal width; a bin holds its lower end."""
    edges = np.linspace(0, 1, bins + 1)
    events, nonevents = (
        np.histogram(given.probability[given.outcome == level], bins=edges)[0] for level in (1, 0)
    )  # the last bin holds its upper end too
    return labelled(given, lower=edges[:-1], upper=edges[1:], events=events, nonevents=nonevents)


def decision_points(given: Predictions, settings: EvaluationSection) -> pd.DataFrame:
    """Return net benefit over threshold probabilities, for the model and for treating all or none."""
    curve = decision_curve(given.outcome, {given.model: given.probability}, thresholds=thresholds(settings.decision))
    frame: pd.DataFrame = curve.to_frame()
    frame["model"] = frame["model"].replace({"all": "treat all", "none": "treat none"})
    frame["kind"] = given.kind
    return frame.filter(["kind", "model", "threshold", "net_benefit"])


def thresholds(settings: DecisionSection) -> list[float]:
    """Return the threshold probabilities; counted in steps, so that 0.3 is 0.3 and not a sum of thirty hundredths."""
    count = round((settings.high - settings.low) / settings.step)
    digits = 12
    return [round(settings.low + i * settings.step, digits) for i in range(count + 1)]


def labelled(given: Predictions, **columns: object) -> pd.DataFrame:
    """Return columns as a frame that says whose they are."""
    frame = pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})
    frame.insert(0, "kind", given.kind)
    frame.insert(1, "model", given.model)
    return frame
