"""What internal validation corrects: discrimination, overall error and calibration of one set of predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logit

from vcfstats.statistics.calibration.summary import smoothed_errors
from vcfstats.statistics.glm import fit_logistic
from vcfstats.statistics.inputs import BoolArray, FloatArray, as_array, as_list, as_numbers, check_choice, refuse_huge
from vcfstats.statistics.roc.resampled import WeightedRanks

MEASURES = ("auc", "brier", "slope", "intercept", "ici")
_CLIP = 1e-10  # of probabilities on the log-odds scale


def as_measures(measures: Any) -> tuple[str, ...]:
    """Return the measures asked for, or raise ValueError; one name is one measure."""
    named = [measures] if isinstance(measures, str) else as_list(measures, "measures", what=f"some of {MEASURES}")
    chosen = tuple(check_choice(name, MEASURES, name="measures") for name in named)
    if not chosen or len(set(chosen)) != len(chosen):
        raise ValueError(f"measures must list some of {', '.join(MEASURES)}, each once; got {list(chosen)}.")
    return chosen


def as_predictors(X: Any, n: int) -> Any:
    """Return the predictors as a frame or an array of n rows and some columns, of any type: the procedure reads them."""
    table = X if hasattr(X, "columns") else as_array(X, "X")
    if table.ndim != 2 or table.shape[0] != n or table.shape[1] == 0:
        raise ValueError(f"X must have shape ({n}, p), one row for each of y; got {table.shape}.")
    return table


def finite_predictors(X: Any) -> FloatArray:
    """Return the predictors as finite numbers, as logistic regression needs them."""
    values = as_numbers(X, "X")
    if not np.isfinite(values).all():
        raise ValueError("X has missing or infinite values; impute them inside the procedure, or drop the rows.")
    refuse_huge(values, "X")
    return values


def evaluate(outcome: BoolArray, prob: FloatArray, measures: tuple[str, ...]) -> FloatArray:
    """Return the measures of predictions; NaN where one has no value (one class; separation; constant predictions)."""
    return np.array([_MEASURE[name](outcome, prob) for name in measures])


def auc(outcome: BoolArray, prob: FloatArray) -> float:
    """AUC, ties counting 1/2; NaN for one class."""
    if outcome.all() or not outcome.any():
        return float("nan")
    return float(WeightedRanks(outcome, prob[:, None]).aucs(np.ones((len(prob), 1)))[0, 0])


def brier(outcome: BoolArray, prob: FloatArray) -> float:
    """Mean squared error of the probabilities."""
    return float(np.mean(np.square(outcome - prob)))


def recalibration(outcome: BoolArray, prob: FloatArray) -> tuple[float, float]:
    """Intercept and slope of the outcome on the log odds of the prediction; NaN where they do not exist."""
    lp = logit(np.clip(prob, _CLIP, 1 - _CLIP))
    if outcome.all() or not outcome.any() or np.ptp(lp) == 0:
        return float("nan"), float("nan")
    fit = fit_logistic(np.column_stack([np.ones(len(lp)), lp]), outcome)
    if fit.separated:
        return float("nan"), float("nan")
    return float(fit.coef[0]), float(fit.coef[1])


def ici(outcome: BoolArray, prob: FloatArray) -> float:
    """Mean distance of the predictions from the loess of the outcome on them; NaN for constant predictions."""
    if np.ptp(prob) == 0:
        return float("nan")
    return smoothed_errors(outcome.astype(np.float64), prob, "interpolate")["ici"]


def no_information(outcome: BoolArray, prob: FloatArray) -> dict[str, float]:
    """Value of auc and brier if predictions and outcomes were unrelated: over all pairings of the two."""
    prevalence = float(outcome.mean())
    paired = prevalence * np.mean(np.square(1 - prob)) + (1 - prevalence) * np.mean(np.square(prob))
    return {"auc": 0.5, "brier": float(paired)}


_MEASURE = {
    "auc": auc,
    "brier": brier,
    "slope": lambda y, p: recalibration(y, p)[1],
    "intercept": lambda y, p: recalibration(y, p)[0],
    "ici": ici,
}
