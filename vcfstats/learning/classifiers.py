"""The eight classifiers: built from a point of their grid and a seed, fitted, asked for probabilities."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from lightgbm.basic import LightGBMError
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from xgboost import XGBClassifier
from xgboost.core import XGBoostError

from vcfstats.learning.grids import Grid
from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.validation.folds import random_folds

_PLATT_FOLDS = 5
NAMES = {
    "logistic_regression": "Logistic regression",
    "svm": "SVM",
    "knn": "k-nearest neighbours",
    "random_forest": "Random forest",
    "extra_trees": "Extra trees",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "mlp": "MLP",
}


@dataclass(frozen=True)
class GridTask:
    """Fits of one classifier at several points of its grid to the same training rows.

    Attributes
    ----------
    classifier : str
        Which.
    points : tuple of dict
        Parameters of each fit.
    X, y, patients : ndarray of shape (n, p), (n,), (n,)
        Training rows.
    score : ndarray of shape (m, p)
        Rows to give probabilities for.
    seed : int
        Of everything random in the fits.
    keep_fitted : bool
        Whether the fitted estimators are returned.
    """

    classifier: str
    points: tuple[dict[str, Any], ...]
    X: FloatArray
    y: np.ndarray
    patients: np.ndarray
    score: FloatArray
    seed: int
    keep_fitted: bool = False


@dataclass(frozen=True)
class GridResult:
    """Probabilities of the event, shape (points, m), NaN where a fit was impossible; why; and the estimators if asked for.

    `remarks` holds, for each point, what went wrong or "" if nothing did.
    """

    probabilities: FloatArray
    remarks: tuple[str, ...]
    fitted: tuple[Any, ...]


def grid_points(grid: Grid) -> tuple[dict[str, Any], ...]:
    """Return every combination of the grid's values, the last parameter varying fastest."""
    values = grid.model_dump()
    points = [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]
    if "gamma" in values:  # of no use to a linear kernel: one point, not one per gamma
        points = [point for point in points if point["kernel"] == "rbf" or point["gamma"] == values["gamma"][0]]
    return tuple(points)


def build(classifier: str, point: dict[str, Any], seed: int, *, y: np.ndarray, patients: np.ndarray) -> Any:
    """Return the unfitted estimator; `y` and `patients` serve the folds of Platt's calibration alone.

    Raises
    ------
    ValueError
        Too few training cases for these parameters.
    """
    match classifier:
        case "logistic_regression":
            return LogisticRegression(**point, solver="lbfgs", tol=1e-8, max_iter=10_000)
        case "svm":
            rarer = min(len(set(patients[y == level].tolist())) for level in (0, 1))
            if rarer < 2:
                raise ValueError("Platt's calibration needs two patients of each class")
            folds = random_folds(
                len(y), min(_PLATT_FOLDS, rarer), np.random.default_rng(seed), groups=patients, strata=y
            )
            splits = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(int(folds.max()) + 1)]
            return CalibratedClassifierCV(SVC(**point), method="sigmoid", cv=splits, ensemble=False)
        case "knn":
            if point["n_neighbors"] > len(y):
                raise ValueError(f"{point['n_neighbors']} neighbours among {len(y)} training cases")
            return KNeighborsClassifier(**point, algorithm="brute")
        case "random_forest":
            return RandomForestClassifier(**point, random_state=seed, n_jobs=1)
        case "extra_trees":
            return ExtraTreesClassifier(**point, random_state=seed, n_jobs=1)
        case "xgboost":
            return XGBClassifier(**point, random_state=seed, n_jobs=1, tree_method="exact", eval_metric="logloss")
        case "lightgbm":
            return LGBMClassifier(
                **point, random_state=seed, n_jobs=1, verbose=-1, deterministic=True, force_row_wise=True
            )
        case "mlp":
            return MLPClassifier(
                hidden_layer_sizes=(point["hidden_units"],),
                alpha=point["alpha"],
                solver="lbfgs",
                max_iter=2000,
                random_state=seed,
            )
    raise ValueError(f"unknown classifier {classifier!r}; known: {', '.join(NAMES)}")


def fit_grid(task: GridTask) -> GridResult:
    """Fit every point of the task; a fit that the data do not allow leaves NaN and its reason."""
    probabilities = np.full((len(task.points), len(task.score)), np.nan)
    remarks: list[str] = []
    fitted: list[Any] = []
    for i, point in enumerate(task.points):
        model: Any = None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                model = build(task.classifier, point, task.seed, y=task.y, patients=task.patients).fit(task.X, task.y)
                if len(task.score):
                    probabilities[i] = probability_of(model, task.score)
                remark = ""
            except (ValueError, LightGBMError, XGBoostError) as error:
                remark = f"not fitted: {error}".splitlines()[0]
        if any(issubclass(item.category, ConvergenceWarning) for item in caught):
            remark = remark or "iterations ended before convergence"
        remarks.append(remark)
        fitted.append(model if task.keep_fitted else None)
    return GridResult(probabilities, tuple(remarks), tuple(fitted))


def probability_of(model: Any, X: FloatArray) -> FloatArray:
    """Return the probability of the event, within [0, 1] (XGBoost's float32 may round past it)."""
    with warnings.catch_warnings():
        # LightGBM names its columns by itself and then misses the names.
        warnings.filterwarnings("ignore", message="X does not have valid feature names", category=UserWarning)
        return np.clip(np.asarray(model.predict_proba(X)[:, 1], dtype=np.float64), 0.0, 1.0)
