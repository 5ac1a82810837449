"""The two ways to run the resamples: vectorised maximum likelihood, and any estimator row by row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from vcfstats.statistics.bootstrap.plan import Plan, streams
from vcfstats.statistics.inputs import BoolArray, FloatArray, check_choice, refuse_unused
from vcfstats.statistics.validation.batch import LogisticBatch
from vcfstats.statistics.validation.estimators import FitError, Modelling
from vcfstats.statistics.validation.measures import evaluate, finite_predictors

ESTIMABLE_632 = ("auc", "brier")
_BLOCK = 1_000_000  # weights held at once by the vectorised path


@dataclass
class Draws:
    """Measures of each resample: in itself, in the base sample, and (auc, brier) outside itself."""

    training: FloatArray
    test: FloatArray
    out_of_bag: FloatArray
    failures: Counter[str]


def make_job(
    estimator: Any, X: Any, outcome: BoolArray, plan: Plan, measures: tuple[str, ...], groups_argument: str | None
) -> LogisticJob | EstimatorJob:
    """Return the job of an estimator, its input checked.

    Raises
    ------
    ValueError
        An unknown name, or (logistic) predictors that are no finite numbers.
    """
    if isinstance(estimator, str):
        check_choice(estimator, ("logistic",), name="estimator")
        refuse_unused("with estimator='logistic'", groups_argument=groups_argument)
        return LogisticJob(LogisticBatch(finite_predictors(X), outcome, measures), plan, measures)
    return EstimatorJob(Modelling(estimator, X, outcome, plan.unit, groups_argument), plan, measures)


class LogisticJob:
    """Maximum likelihood on all columns, a block of resamples at a time."""

    def __init__(self, batch: LogisticBatch, plan: Plan, measures: tuple[str, ...]) -> None:
        self.batch, self.plan, self.measures = batch, plan, measures

    def apparent(self) -> tuple[FloatArray, FloatArray]:
        """Measures and predictions of the model of all patients, in them."""
        ones = np.ones((1, self.plan.n))
        inside, _, _, eta = self.batch.evaluate(ones, ones)
        if not np.isfinite(eta).all():
            raise ValueError(
                "The predictors separate events from non-events in all patients: maximum likelihood has no finite estimate to"
                " validate. Validate a penalised model (see firth_logistic, lasso_path)."
            )
        return inside[0], expit(eta[0])

    def resample(self, count: int, rng: np.random.Generator) -> Draws:
        """Draw, fit and evaluate `count` resamples of all patients."""
        return self._draws(np.arange(self.plan.n_units), np.ones(self.plan.n), count, rng)

    def repeat(self, n_outer: int, n_inner: int, rng: np.random.Generator) -> FloatArray:
        """The corrected measures of `n_outer` resamples, each corrected by `n_inner` of its own."""
        corrected = np.full((n_outer, len(self.measures)), np.nan)
        for i, stream in enumerate(rng.spawn(n_outer)):
            units = self.plan.draw_units(stream)
            weights = self.plan.weights_of(units)
            inside, _, _, eta = self.batch.evaluate(weights[None], weights[None])
            if np.isfinite(eta).all():
                draws = self._draws(units, weights, n_inner, stream)
                corrected[i] = inside[0] - summarise(inside[0], draws)[2]
        return corrected

    def _draws(self, units: npt.NDArray[np.int64], base: FloatArray, count: int, rng: np.random.Generator) -> Draws:
        parts = []
        failed = 0
        limit = max(1, _BLOCK // self.plan.n)
        for stream, size in streams(rng, count):
            weights = np.stack([self.plan.weights_of(_redraw(self.plan, units, stream)) for _ in range(size)])
            for start in range(0, size, limit):
                inside, tested, outside, eta = self.batch.evaluate(weights[start : start + limit], base)
                failed += int(np.sum(~np.isfinite(eta).all(axis=1)))
                parts.append((inside, tested, outside))
        training, test, out_of_bag = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Draws(training, test, out_of_bag, Counter({"separated, or one class": failed} if failed else {}))


class EstimatorJob:
    """Any procedure, one resample at a time."""

    def __init__(self, modelling: Modelling, plan: Plan, measures: tuple[str, ...]) -> None:
        self.modelling, self.plan, self.measures = modelling, plan, measures

    def apparent(self) -> tuple[FloatArray, FloatArray]:
        """Measures and predictions of the model of all patients, in them."""
        rows = np.arange(self.plan.n)
        try:
            prob = self.modelling.fit(rows)(rows)
        except FitError as error:
            raise ValueError(f"The model cannot be fitted to all patients: {error}") from error
        return evaluate(self.modelling.y, prob, self.measures), prob

    def resample(self, count: int, rng: np.random.Generator) -> Draws:
        """Draw, fit and evaluate `count` resamples of all patients."""
        return self._draws(np.arange(self.plan.n_units), np.arange(self.plan.n), count, rng)

    def repeat(self, n_outer: int, n_inner: int, rng: np.random.Generator) -> FloatArray:
        """The corrected measures of `n_outer` resamples, each corrected by `n_inner` of its own."""
        corrected = np.full((n_outer, len(self.measures)), np.nan)
        for i, stream in enumerate(rng.spawn(n_outer)):
            units = self.plan.draw_units(stream)
            rows = self.plan.rows_of(units)
            try:
                prob = self.modelling.fit(rows)(rows)
            except FitError:
                continue
            inside = evaluate(self.modelling.y[rows], prob, self.measures)
            corrected[i] = inside - summarise(inside, self._draws(units, rows, n_inner, stream))[2]
        return corrected

    def _draws(
        self, units: npt.NDArray[np.int64], base: npt.NDArray[np.int64], count: int, rng: np.random.Generator
    ) -> Draws:
        m, y = len(self.measures), self.modelling.y
        training, test, outside = np.full((count, m), np.nan), np.full((count, m), np.nan), np.full((count, 2), np.nan)
        failures: Counter[str] = Counter()
        i = 0
        for stream, size in streams(rng, count):
            for _ in range(size):
                rows = self.plan.rows_of(_redraw(self.plan, units, stream))
                left = base[~np.isin(base, rows)]
                try:
                    predict = self.modelling.fit(rows)
                    training[i] = evaluate(y[rows], predict(rows), self.measures)
                    test[i] = evaluate(y[base], predict(base), self.measures)
                    if left.size:
                        outside[i] = evaluate(y[left], predict(left), ESTIMABLE_632)
                except FitError as error:
                    failures[str(error)] += 1
                i += 1
        return Draws(training, test, outside, failures)


def _redraw(plan: Plan, units: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw again from units drawn before, within each stratum's stretch of them."""
    ends = np.cumsum([stratum.size for stratum in plan.strata])
    return np.concatenate(
        [units[end - s.size : end][rng.integers(0, s.size, s.size)] for end, s in zip(ends, plan.strata, strict=True)]
        if not np.array_equal(units, np.arange(plan.n_units))
        else [plan.draw_units(rng)]
    )


def summarise(apparent: FloatArray, draws: Draws) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Means over the resamples that have both values."""
    both = np.isfinite(draws.training - draws.test)
    counts = both.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        training = np.where(both, draws.training, 0).sum(axis=0) / counts
        test = np.where(both, draws.test, 0).sum(axis=0) / counts
    return training, test, training - test
