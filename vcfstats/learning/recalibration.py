"""Probabilities set right by what training patients taught: a map from a model's output to a risk, learned out of fold.

Support vectors, neighbours and trees rank patients; what they call a probability often is none, and any model that fits
its own patients too well is too sure of new ones. The map is learned on the out-of-fold probabilities of training patients,
which the model gives for patients it has not seen, and on no testing patient. They are those of the parameters that are
delivered (kind second_stage_input).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from vcfstats.contracts.predictions import SECOND_STAGE, recalibrated
from vcfstats.learning.linear import Column, fit_linear
from vcfstats.learning.settings import RecalibrationSettings
from vcfstats.learning.work import HEADLINE
from vcfstats.statistics.inputs import FloatArray

# Classifiers whose output is no estimate by likelihood: raw and recalibrated, beside the headline models.
CLASSIFIERS = ("svm", "knn", "random_forest", "extra_trees", "xgboost", "lightgbm")
_NORMAL = 1.959963984540054  # quantile of the normal distribution behind a 95% interval
_ONE = 1e-6  # logits that differ by no more are one: what they differ by is rounding


@dataclass(frozen=True)
class Recalibration:
    """A map from a model's probability to a recalibrated one.

    Attributes
    ----------
    method : str
        ``logistic`` (Platt: logit(risk) = intercept + slope logit(probability)) or ``isotonic`` (monotone steps, straight
        between them).
    intercept, slope : float or None
        Of the logistic map.
    x, y : tuple of float
        Knots of the isotonic map; beyond them it is constant.
    clip : float
        Probabilities are kept this far from 0 and 1 before the logit.
    n, n_events : int
        Training cases and events it was learned on.
    remark : str
        What went less than well.
    """

    method: str
    intercept: float | None
    slope: float | None
    x: tuple[float, ...]
    y: tuple[float, ...]
    clip: float
    n: int
    n_events: int
    remark: str = ""

    def apply(self, probability: FloatArray) -> FloatArray:
        """Return the recalibrated probabilities."""
        values = np.asarray(probability, dtype=np.float64)
        if self.intercept is None or self.slope is None:
            return np.clip(np.interp(values, self.x, self.y), 0.0, 1.0)
        return np.asarray(expit(self.intercept + self.slope * logit(np.clip(values, self.clip, 1 - self.clip))))

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Recalibration:
        """Rebuild from `to_dict`."""
        return cls(**{**body, "x": tuple(body["x"]), "y": tuple(body["y"])})


def fit_recalibration(probability: FloatArray, outcome: np.ndarray, settings: RecalibrationSettings) -> Recalibration:
    """Learn the map on out-of-fold probabilities.

    Parameters
    ----------
    probability, outcome : ndarray of shape (n,)
        Out-of-fold probabilities of training cases; 0/1, both present.
    settings : RecalibrationSettings
        Method logistic or isotonic, and the clip.

    References
    ----------
    Platt (1999), Advances in Large Margin Classifiers 61-74. Zadrozny and Elkan (2002), doi 10.1145/775047.775151.
    """
    n, events = len(outcome), int(outcome.sum())
    if settings.method == "isotonic":
        fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(probability, outcome)
        x, y = fit.X_thresholds_.tolist(), fit.y_thresholds_.tolist()
        return Recalibration("isotonic", None, None, tuple(x), tuple(y), settings.clip, n, events)
    score = logit(np.clip(probability, settings.clip, 1 - settings.clip))
    if np.ptp(score) <= _ONE:
        prevalence = float(logit(events / n))
        return Recalibration(
            "logistic", prevalence, 0.0, (), (), settings.clip, n, events, "one probability for all: the prevalence"
        )
    model = fit_linear(
        pd.DataFrame({"logit": score}), outcome, name="recalibration", columns={"logit": Column("logit")}
    )
    slope = model.terms[0].coefficient
    if slope < 0:  # a map that falls would turn every ranking round: the isotonic one of such data is flat as well
        remark = "the slope is negative, the prevalence in its place: here, the model ranks events below non-events"
        return Recalibration("logistic", float(logit(events / n)), 0.0, (), (), settings.clip, n, events, remark)
    remark = "Firth's method: the probabilities separate the classes" if model.method == "Firth" else ""
    return Recalibration("logistic", model.intercept, slope, (), (), settings.clip, n, events, remark)


def no_better_than_chance(probability: FloatArray, outcome: np.ndarray, clip: float) -> str:
    """Say why out-of-fold probabilities do not show that a model ranks patients at all; nothing where they do.

    They show it where the calibration slope, the coefficient of their logit, is positive and its 95% interval (Wald; by Firth's
    method where they separate the classes) does not include 0.

    Parameters
    ----------
    probability, outcome : ndarray of shape (n,)
        Out-of-fold probabilities of training cases; 0/1.
    clip : float
        Probabilities are kept this far from 0 and 1 before the logit.
    """
    said = "out of fold this model does not rank patients better than chance"
    score = logit(np.clip(probability, clip, 1 - clip))
    if np.ptp(score) <= _ONE or not 0 < outcome.sum() < len(outcome):
        return f"{said} (it gives all of them one probability)" if np.ptp(score) <= _ONE else f"{said} (one class only)"
    model = fit_linear(
        pd.DataFrame({"logit": score}), outcome, name="recalibration", columns={"logit": Column("logit")}
    )
    slope, error = model.terms[0].coefficient, model.terms[0].standard_error
    half = _NORMAL * error if error is not None else np.inf
    if slope - half > 0:
        return ""
    return f"{said} (calibration slope {slope:.2f}, 95% CI {slope - half:.2f} to {slope + half:.2f})".replace(
        "-", "\N{MINUS SIGN}"
    )


def useless(predictions: pd.DataFrame, clip: float) -> dict[str, str]:
    """Return, of headline models and of classifiers, those that do not rank patients better than chance out of fold, and why.

    Their probabilities are none that anybody should act on, recalibrated or not.
    """
    found = {}
    for model, mine in predictions[predictions["kind"] == "out_of_fold"].groupby("model", sort=True):
        probability, outcome = mine["probability"].to_numpy(dtype=np.float64), mine["outcome"].to_numpy()
        if why := no_better_than_chance(probability, outcome, clip):
            found[str(model)] = why
    return found


def recalibrate(
    predictions: pd.DataFrame, settings: RecalibrationSettings, useless: Container[str] = ()
) -> tuple[pd.DataFrame, dict[str, Recalibration]]:
    """Return the recalibrated rows of the predictions table, and the map of each model.

    Apparent and testing probabilities go through the map learned on all training patients; out-of-fold ones of a fold
    through the map learned on the other folds.

    Parameters
    ----------
    predictions : DataFrame
        The predictions table, without recalibrated rows.
    settings : RecalibrationSettings
        The method; none leaves everything as it is.
    useless : container of str
        Models that have no map: nothing makes risks of what does not rank patients.
    """
    rows: list[pd.DataFrame] = []
    maps: dict[str, Recalibration] = {}
    if settings.method == "none":
        return predictions.iloc[:0], maps
    for model, mine in predictions.groupby("model", sort=True):
        name = str(model)
        if name not in HEADLINE and name.partition(".")[2] not in CLASSIFIERS:
            continue
        if name in useless:
            continue
        known = mine[mine["kind"] == SECOND_STAGE]
        scored = mine[mine["kind"] == "out_of_fold"]
        probability, outcome = known["probability"].to_numpy(dtype=np.float64), known["outcome"].to_numpy()
        maps[name] = fit_recalibration(probability, outcome, settings)
        changed = mine.assign(
            model=recalibrated(name), probability=maps[name].apply(mine["probability"].to_numpy(dtype=np.float64))
        )
        for k in np.unique(known["fold"]).tolist():
            others, own = (known["fold"] != k).to_numpy(), scored.index[scored["fold"] == k]
            within = fit_recalibration(probability[others], outcome[others], settings)
            changed.loc[own, "probability"] = within.apply(scored.loc[own, "probability"].to_numpy(dtype=np.float64))
        rows.append(changed)
    return (pd.concat(rows) if rows else predictions.iloc[:0]), maps
