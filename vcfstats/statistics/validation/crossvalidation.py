"""Repeated cross-validation, its measures taken from the pooled out-of-fold predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from vcfstats.statistics.glm import fit_logistic
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    RandomState,
    as_array,
    as_count,
    as_flag,
    as_generator,
    as_labels,
    as_outcome,
    check_alignment,
    check_choice,
    refuse_unused,
)
from vcfstats.statistics.results import Result
from vcfstats.statistics.validation.estimators import FitError, Modelling
from vcfstats.statistics.validation.folds import IntArray, given_folds, random_folds
from vcfstats.statistics.validation.measures import MEASURES, as_measures, as_predictors, evaluate, finite_predictors


@dataclass(frozen=True, repr=False, eq=False)
class CrossValidationResult(Result):
    """Repeated cross-validation.

    Attributes
    ----------
    measures : tuple of str
        auc, brier, slope, intercept, ici.
    estimate : ndarray of shape (m,)
        Mean over repeats of the measure of the pooled out-of-fold predictions.
    spread : ndarray of shape (m,)
        Standard deviation over repeats: of the partition alone, not of sampling, and no basis of an interval.
    by_repeat : ndarray of shape (r, m)
        The measures of each repeat.
    probability : ndarray of shape (n, r)
        Out-of-fold predictions.
    folds : ndarray of shape (n, r)
        Fold of each row.
    n, n_events, n_folds, n_repeats : int
        Of the data and the design.
    """

    measures: tuple[str, ...]
    estimate: FloatArray
    spread: FloatArray
    by_repeat: FloatArray
    probability: FloatArray = field(repr=False)
    folds: IntArray = field(repr=False)
    n: int
    n_events: int
    n_folds: int
    n_repeats: int

    def to_frame(self) -> pd.DataFrame:
        """Return ``measure, estimate, spread``."""
        return pd.DataFrame({"measure": self.measures, "estimate": self.estimate, "spread": self.spread})


def repeated_cross_validation(
    estimator: Any,
    X: pd.DataFrame | npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    event: Any = None,
    measures: tuple[str, ...] | list[str] = MEASURES,
    n_folds: int | None = None,
    n_repeats: int | None = None,
    folds: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    stratified: bool | None = None,
    groups_argument: str | None = None,
    random_state: RandomState = None,
) -> CrossValidationResult:
    """Repeated k-fold cross-validation of a whole modelling procedure, with pooled predictions.

    The predictions of all folds of one repeat are pooled, and each measure is taken once from the pool, so that small
    folds do not make an AUC or a slope of a handful of patients; repeats are then averaged.

    Parameters
    ----------
    estimator, X, y, event, measures, groups_argument
        As in `optimism_bootstrap`.
    n_folds, n_repeats : int
        Random folds, drawn anew for each repeat.
    folds : array-like of shape (n,) or (n, r), optional
        Folds to use instead.
    groups : array-like of shape (n,), optional
        Patient of each row; a patient's rows share a fold.
    stratified : bool
        Deal events and non-events evenly.
    random_state : int, SeedSequence or Generator, optional
        Of the random folds.

    Returns
    -------
    CrossValidationResult

    Raises
    ------
    ValueError
        As `optimism_bootstrap`; a fold without which the model cannot be fitted.

    References
    ----------
    Airola et al. (2011), doi 10.1016/j.csda.2010.11.023 (pooling against averaging). Steyerberg (2019),
    doi 10.1007/978-3-030-16399-0.

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import repeated_cross_validation
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(120, 3))
    >>> y = rng.random(120) < 1 / (1 + np.exp(-X[:, 0]))
    >>> result = repeated_cross_validation("logistic", X, y, n_repeats=3, random_state=0)
    >>> result.probability.shape
    (120, 3)
    """
    check_alignment(X=X, y=y, folds=folds, groups=groups)
    outcome = as_outcome(y, event=event, name="y")
    n = len(outcome)
    X = as_predictors(X, n)
    chosen = as_measures(measures)
    patients = np.arange(n) if groups is None else as_labels(groups, n, name="groups")
    if isinstance(estimator, str):
        check_choice(estimator, ("logistic",), name="estimator")
        refuse_unused("with estimator='logistic'", groups_argument=groups_argument)
        estimator, X = logistic_procedure, finite_predictors(X)
    modelling = Modelling(estimator, X, outcome, patients, groups_argument)
    partitions = _partitions(folds, outcome, n_folds, n_repeats, groups, stratified, random_state)
    probability = np.empty((n, partitions.shape[1]))
    for repeat, fold in enumerate(partitions.T):
        for k in range(int(fold.max()) + 1):
            out = np.flatnonzero(fold == k)
            try:
                probability[out, repeat] = modelling.fit(np.flatnonzero(fold != k))(out)
            except FitError as error:
                raise ValueError(f"Without fold {k} of repeat {repeat} the model cannot be fitted: {error}") from error
    by_repeat = np.array([evaluate(outcome, prob, chosen) for prob in probability.T])
    repeats = len(by_repeat)
    return CrossValidationResult(
        measures=chosen,
        estimate=by_repeat.mean(axis=0),
        spread=by_repeat.std(axis=0, ddof=1) if repeats > 1 else np.full(len(chosen), np.nan),
        by_repeat=by_repeat,
        probability=probability,
        folds=partitions,
        n=n,
        n_events=int(outcome.sum()),
        n_folds=int(partitions.max()) + 1,
        n_repeats=repeats,
    )


def logistic_procedure(X: FloatArray, y: npt.NDArray[np.int64], patients: npt.ArrayLike) -> Any:
    """Maximum likelihood logistic regression on all columns; separation is a failure, with its reason."""
    design = np.column_stack([np.ones(len(X)), X])
    fit = fit_logistic(design, y)
    if fit.separated:
        raise ValueError("the predictors separate events from non-events")
    return lambda new: expit(np.column_stack([np.ones(len(new)), new]) @ fit.coef)


def _partitions(
    folds: npt.ArrayLike | None,
    outcome: BoolArray,
    n_folds: int | None,
    n_repeats: int | None,
    groups: npt.ArrayLike | None,
    stratified: bool | None,
    random_state: RandomState,
) -> IntArray:
    n = len(outcome)
    if folds is not None:
        refuse_unused("with folds=", n_folds=n_folds, n_repeats=n_repeats, stratified=stratified)
        table = as_array(folds, "folds")
        table = table[:, None] if table.ndim == 1 else table
        if table.ndim != 2 or table.shape[1] == 0:
            raise ValueError(f"folds must have shape ({n},) or ({n}, repeats); got {table.shape}.")
        return np.column_stack([given_folds(column, n) for column in table.T])
    repeats = 20 if n_repeats is None else as_count(n_repeats, "n_repeats", least=1, most=100_000)
    count = 10 if n_folds is None else n_folds
    strata = outcome if stratified is None or as_flag(stratified, "stratified") else None
    streams = as_generator(random_state).spawn(repeats)
    return np.column_stack([random_folds(n, count, rng, groups=groups, strata=strata) for rng in streams])
