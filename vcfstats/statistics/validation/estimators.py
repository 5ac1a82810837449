"""Anything that is fitted and predicts probabilities, with the patient of each row handed through to inner folds."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcfstats.statistics.inputs import BoolArray, FloatArray, as_array

Rows = npt.NDArray[np.int64]
Predict = Callable[[Any], npt.ArrayLike]
_FAILURES = (ValueError, ArithmeticError, np.linalg.LinAlgError)


class FitError(Exception):
    """A fit that did not succeed on one resample; counted, never dropped in silence."""


class Modelling:
    """How to fit on some rows and predict others; the whole selection belongs to the fit."""

    def __init__(self, estimator: Any, X: Any, y: BoolArray, patients: Rows, groups_argument: str | None) -> None:
        self.X = X if isinstance(X, pd.DataFrame) else as_array(X, "X")
        self.y = y
        self.patients = patients
        self.estimator = estimator
        self.is_function = callable(estimator) and not hasattr(estimator, "fit")
        if not self.is_function and not hasattr(estimator, "fit"):
            raise ValueError(
                f"estimator must be 'logistic', an estimator with fit and predict_proba, or a function (X, y, patients) that"
                f" returns a function of X; got {type(estimator).__name__}."
            )
        self.groups_argument = None if self.is_function else _groups_argument(estimator, groups_argument)

    def fit(self, rows: Rows) -> Callable[[Rows], FloatArray]:
        """Fit on rows (with repeats) and return the predictions of any rows.

        Raises
        ------
        FitError
            One class only, or a fit that raised.
        """
        outcome = self.y[rows]
        if outcome.all() or not outcome.any():
            raise FitError("the resample holds one class only")
        data, patients = self._take(rows), self.patients[rows]
        try:
            if self.is_function:
                predict = self.estimator(data, outcome.astype(np.int64), patients)
            else:
                model = _clone(self.estimator)
                extra = {self.groups_argument: patients} if self.groups_argument else {}
                model.fit(data, outcome.astype(np.int64), **extra)
                predict = _probability_of(model)
        except _FAILURES as error:
            raise FitError(f"{type(error).__name__}: {error}") from error

        def of_rows(wanted: Rows) -> FloatArray:
            try:
                prob = np.asarray(predict(self._take(wanted)), dtype=np.float64)
            except _FAILURES as error:
                raise FitError(f"{type(error).__name__}: {error}") from error
            if prob.shape != (len(wanted),) or not ((prob >= 0) & (prob <= 1)).all():
                raise ValueError(
                    f"The model must predict one probability in [0, 1] a row; got shape {prob.shape} for {len(wanted)} rows,"
                    f" range {np.nanmin(prob):.4g} to {np.nanmax(prob):.4g}. A linear score is no probability."
                )
            return prob

        return of_rows

    def _take(self, rows: Rows) -> Any:
        return self.X.iloc[rows] if isinstance(self.X, pd.DataFrame) else self.X[rows]


def _probability_of(model: Any) -> Predict:
    if not hasattr(model, "predict_proba"):
        raise ValueError(f"{type(model).__name__} has no predict_proba; calibrate it, or choose a probabilistic model.")
    classes = list(getattr(model, "classes_", [0, 1]))
    column = classes.index(1)
    return lambda X: np.asarray(model.predict_proba(X))[:, column]


def _clone(estimator: Any) -> Any:
    """A new unfitted estimator with the same parameters: scikit-learn's clone where there are parameters to copy."""
    if not hasattr(estimator, "get_params"):
        raise ValueError(
            f"{type(estimator).__name__} has no get_params, so that it cannot be cloned; pass a function instead."
        )
    from sklearn.base import clone  # whoever passes an estimator of this protocol has scikit-learn

    return clone(estimator)


def _groups_argument(estimator: Any, wanted: str | None) -> str | None:
    """Which argument of fit takes the patients, so that the copies of one stay in one inner fold.

    Raises
    ------
    ValueError
        An inner cross-validation that is not told which rows are copies of one patient.
    """
    if wanted is not None:
        return wanted or None
    if "groups" in inspect.signature(estimator.fit).parameters:
        return "groups"
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    inner = sorted(name for name in parameters if name == "cv" or name.endswith("__cv"))
    if not inner:
        return None
    top = getattr(estimator, "cv", None)
    if inner == ["cv"] and top is not None and "Group" in type(top).__name__:
        return "groups"
    raise ValueError(
        f"{type(estimator).__name__} cross-validates inside ({', '.join(inner)}), and a bootstrap sample holds copies of one"
        " patient, which must not lie in different inner folds. Give it a group-aware splitter (such as"
        " cv=StratifiedGroupKFold(5)) and say which argument of fit takes the patients (groups_argument='groups'), or pass a"
        " function (X, y, patients). groups_argument='' accepts the leak."
    )
