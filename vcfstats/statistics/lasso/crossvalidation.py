"""Cross-validation of a path, and the two usual choices of its penalty."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata

from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.lasso.fitting import Fitted, Settings, fit_path
from vcfstats.statistics.validation.folds import IntArray

MEASURES = {"gaussian": ("mse", "mae"), "binomial": ("deviance", "auc", "class", "mse")}
_FEWEST_FOR_AUC = 10  # rows a fold, below which glmnet takes the deviance
_FEWEST_FOR_GROUPING = 3  # rows a fold, below which the error is taken over rows
_CLIP = 1e-5  # of probabilities in the deviance


def cross_validate(
    X: FloatArray, y: FloatArray, folds: IntArray, fitted: Fitted, settings: Settings, measure: str
) -> tuple[str, FloatArray, FloatArray]:
    """Return the measure used, its mean and its standard error at every penalty.

    Raises
    ------
    ValueError
        A fold whose training part has one class only, or (auc) whose own rows have.
    """
    n, k = len(y), int(folds.max()) + 1
    if measure == "auc" and n / k < _FEWEST_FOR_AUC:
        warnings.warn(
            f"{n} rows in {k} folds are too few for auc by fold; deviance is used instead.", UserWarning, stacklevel=3
        )
        measure = "deviance"
    eta = np.empty((n, len(fitted.lambdas)))
    for fold in range(k):
        inside = folds == fold
        if settings.binomial and np.ptp(y[~inside]) == 0:
            raise ValueError(f"Without fold {fold} the outcome has one class only; use fewer or stratified folds.")
        path = fit_path(X[~inside], y[~inside], settings)
        intercept, coef = path.at(fitted.lambdas)
        eta[inside] = intercept + X[inside] @ coef.T
    if measure == "auc":
        values, weights = _auc_by_fold(y, eta, folds, k)
    else:
        rows = _row_losses(y, eta, measure, settings.binomial)
        values, weights = _grouped(rows, folds, k)
    mean = np.average(values, axis=0, weights=weights)
    spread = np.average(np.square(values - mean), axis=0, weights=weights)
    return measure, mean, np.sqrt(spread / (len(values) - 1))


def choose(lambdas: FloatArray, mean: FloatArray, se: FloatArray, *, larger_is_better: bool) -> tuple[float, float]:
    """Return lambda.min (the largest among ties) and lambda.1se."""
    loss = -mean if larger_is_better else mean
    best = int(np.flatnonzero(loss <= loss.min())[0])
    return float(lambdas[best]), float(lambdas[np.flatnonzero(loss <= loss[best] + se[best])[0]])


def _grouped(rows: FloatArray, folds: IntArray, k: int) -> tuple[FloatArray, FloatArray]:
    if len(rows) / k < _FEWEST_FOR_GROUPING:
        return rows, np.ones(len(rows))
    return (
        np.array([rows[folds == fold].mean(axis=0) for fold in range(k)]),
        np.bincount(folds, minlength=k).astype(np.float64),
    )


def _row_losses(y: FloatArray, eta: FloatArray, measure: str, binomial: bool) -> FloatArray:
    outcome = y[:, None]
    if not binomial:
        return np.asarray(np.square(outcome - eta) if measure == "mse" else np.abs(outcome - eta))
    prob = expit(eta)
    if measure == "class":
        return np.asarray((prob > 0.5) != (outcome > 0.5), dtype=np.float64)
    if measure == "mse":  # over both classes, as glmnet sums it: twice the Brier score
        return np.asarray(2 * np.square(outcome - prob))
    prob = np.clip(prob, _CLIP, 1 - _CLIP)
    return np.asarray(-2 * (outcome * np.log(prob) + (1 - outcome) * np.log(1 - prob)))


def _auc_by_fold(y: FloatArray, eta: FloatArray, folds: IntArray, k: int) -> tuple[FloatArray, FloatArray]:
    values, weights = [], []
    for fold in range(k):
        inside = folds == fold
        outcome = y[inside] > 0.5
        events, others = int(outcome.sum()), int((~outcome).sum())
        if not events or not others:
            raise ValueError(f"Fold {fold} holds one class only, so that it has no AUC; use fewer or stratified folds.")
        ranks = rankdata(eta[inside], axis=0)
        values.append((ranks[outcome].sum(axis=0) - events * (events + 1) / 2) / (events * others))
        weights.append(float(inside.sum()))
    return np.array(values), np.array(weights)
