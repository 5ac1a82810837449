"""Discrimination, accuracy and calibration of one model on one set of predictions, as result records."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from vcfstats import brier_score, calibration_summary, diagnostic_accuracy, hosmer_lemeshow, roc_auc
from vcfstats.contracts.records import Kind, Record
from vcfstats.learning.crossfit import pooled_auc
from vcfstats.pipeline.params import EvaluationSection
from vcfstats.statistics.inputs import FloatArray

STAGE = "evaluate"
# Cases that a group of the Hosmer-Lemeshow test holds at least, and groups without which it is not made.
PER_GROUP = 5
_FEWEST_GROUPS = 3
WITHIN = "auc_within_folds"
METHOD_NAMES = {
    "delong": "DeLong",
    "logit-delong": "DeLong on the logit scale",
    "wilson": "Wilson",
    "clopper-pearson": "Clopper-Pearson",
    "jeffreys": "Jeffreys",
    "agresti-coull": "Agresti-Coull",
}


@dataclass(frozen=True)
class Predictions:
    """The predictions of one model on one set of patients."""

    kind: Kind
    model: str
    partition: str
    outcome: FloatArray
    probability: FloatArray
    threshold: float
    fold: np.ndarray | None = None  # which fit gave each probability, where there are several

    @property
    def fitted_here(self) -> bool:
        """Whether the model was fitted on these very patients."""
        return self.kind == "apparent"


def performance_records(given: Predictions, settings: EvaluationSection) -> list[Record]:
    """Return the records of one model on one set of predictions.

    What a statistic refuses to compute on these patients becomes a record without a value, with the reason in `method`.
    """
    parts = (discrimination_records, _accuracy, _calibration, _hosmer_lemeshow, _brier)
    return [record for part in parts for record in part(given, settings)]


def _record(given: Predictions, settings: EvaluationSection, estimate: str, value: Any, **more: Any) -> Record:
    low, high = more.pop("interval", (None, None))
    return Record(
        kind=given.kind,
        model=given.model,
        partition=given.partition,
        estimate=estimate,
        value=value,
        ci_low=low,
        ci_high=high,
        level=settings.confidence_level if low is not None and not math.isnan(low) else None,
        n=len(given.outcome),
        events=int(given.outcome.sum()),
        stage=STAGE,
        **more,
    )


@contextmanager
def remarks() -> Iterator[list[str]]:
    """Collect what a statistic warns of, for the record; a remark on the page is worth more than a line on stderr."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
    said.extend(str(w.message) for w in caught)


def _attempt(
    given: Predictions, settings: EvaluationSection, estimates: tuple[str, ...], compute: Callable[[], list[Record]]
) -> list[Record]:
    """Run a statistic; where it refuses, return records without a value that carry its reason."""
    try:
        with remarks() as said:
            records = compute()
    except ValueError as error:
        return [_record(given, settings, name, None, method=f"not estimable: {error}") for name in estimates]
    if not said:
        return records
    remark = "; ".join(dict.fromkeys(said))
    return [
        record
        if (record.method or "").startswith("not estimable: ")  # its reason is its own
        else record.model_copy(update={"method": f"{record.method or ''} ({remark})".strip()})
        for record in records
    ]


def discrimination_records(given: Predictions, settings: EvaluationSection) -> list[Record]:
    """Return the records of the AUC of one model on one set of predictions, by fold too where several fits gave them."""

    def compute() -> list[Record]:
        auc = roc_auc(given.outcome, given.probability)
        interval = auc.confidence_interval(settings.confidence_level, method=settings.auc_interval)
        return [_record(given, settings, "auc", auc.auc, interval=interval, method=METHOD_NAMES[settings.auc_interval])]

    return [*_attempt(given, settings, ("auc",), compute), *_within_folds(given, settings)]


def _within_folds(given: Predictions, settings: EvaluationSection) -> list[Record]:
    if given.fold is None:
        return []
    auc, pairs = within_fold_auc(given.outcome, given.probability, given.fold)
    if not pairs:
        return [_record(given, settings, WITHIN, None, method="not estimable: no fold holds both classes")]
    return [_record(given, settings, WITHIN, auc, method=f"{pairs} pairs of an event and a non-event of one fold")]


def within_fold_auc(outcome: np.ndarray, probability: FloatArray, fold: np.ndarray) -> tuple[float, int]:
    """AUC over the pairs of an event and a non-event of one fold, and how many pairs these are.

    A = sum_k m_k n_k A_k / sum_k m_k n_k, A_k the AUC of fold k, m_k and n_k its events and non-events. Probabilities of one
    fold come from one fit: unlike in the AUC of all pairs, no fit's level, higher or lower than the others', ranks anybody.
    NaN, and no pair, where no fold has both classes. It has no interval: folds share the patients that they were fitted to.
    """
    concordant, pairs = 0.0, 0
    for k in np.unique(fold):
        inside = fold == k
        events = int(outcome[inside].sum())
        count = events * (int(inside.sum()) - events)
        if count:
            concordant += count * pooled_auc(outcome[inside], probability[inside])
            pairs += count
    return (concordant / pairs if pairs else float("nan")), pairs


def _accuracy(given: Predictions, settings: EvaluationSection) -> list[Record]:
    proportions = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
    counts = ("tp", "fp", "fn", "tn")

    def compute() -> list[Record]:
        accuracy = diagnostic_accuracy(given.outcome, given.probability, threshold=given.threshold)
        of = {
            "sensitivity": accuracy.tp + accuracy.fn,
            "specificity": accuracy.tn + accuracy.fp,
            "ppv": accuracy.tp + accuracy.fp,
            "npv": accuracy.tn + accuracy.fn,
            "accuracy": len(given.outcome),
        }
        name = METHOD_NAMES[settings.proportion_interval]
        records = [_record(given, settings, count, getattr(accuracy, count), unit="patients") for count in counts]
        for estimate in proportions:
            interval = accuracy.confidence_interval(estimate, settings.confidence_level, settings.proportion_interval)
            method = name if of[estimate] else "undefined: 0/0"
            record = _record(given, settings, estimate, getattr(accuracy, estimate), interval=interval, method=method)
            # The denominator of the proportion, not the number of patients; its numerator stands beside it.
            numerator = round(getattr(accuracy, estimate) * of[estimate]) if of[estimate] else 0
            records.append(record.model_copy(update={"n": of[estimate], "events": numerator}))
        return records

    return [
        _record(
            given,
            settings,
            "threshold",
            given.threshold,
            method="frozen on out-of-fold training predictions",
            unit="probability",
        ),
        *_attempt(given, settings, (*counts, *proportions), compute),
    ]


def _calibration(given: Predictions, settings: EvaluationSection) -> list[Record]:
    measures = {"calibration_in_the_large": "wald", "intercept": "wald", "slope": "wald", "oe_ratio": "log"}
    names = {"intercept": "calibration_intercept", "slope": "calibration_slope"}

    def compute() -> list[Record]:
        summary = calibration_summary(given.outcome, given.probability, confidence_level=settings.confidence_level)
        return [
            _record(
                given, settings, names.get(measure, measure), _finite(getattr(summary, measure)),
                interval=_finite_interval(summary.confidence_interval(measure, settings.confidence_level, method=method)),
                method=_how(measure, getattr(summary, measure)),
            )
            for measure, method in measures.items()
        ]  # fmt: skip

    return _attempt(given, settings, tuple(names.get(m, m) for m in measures), compute)


def _how(measure: str, value: float) -> str:
    """Say how a measure of calibration was computed, or why it has no value where no remark says so."""
    if measure == "oe_ratio" and not np.isfinite(value):
        return "not estimable: every predicted risk is 0, no event is expected"
    return "Wald on the log scale" if measure == "oe_ratio" else "Wald"


def _hosmer_lemeshow(given: Predictions, settings: EvaluationSection) -> list[Record]:
    def compute() -> list[Record]:
        devel = "internal" if given.fitted_here else "external"
        n_groups = min(settings.hosmer_lemeshow_groups, len(given.outcome) // PER_GROUP)
        if n_groups < _FEWEST_GROUPS:
            raise ValueError(f"{len(given.outcome)} cases are too few for {_FEWEST_GROUPS} groups of {PER_GROUP}")
        test = hosmer_lemeshow(given.outcome, given.probability, n_groups, devel=devel)
        if not np.isfinite(test.statistic):
            # Not undefined but infinite: expected events of a group are 0, or all of its cases, and others were observed.
            raise ValueError("a group with predicted risks of 0 or 1 throughout holds the other outcome")
        method = f"{test.n_groups} groups by quantiles of the predicted probability"
        if n_groups < settings.hosmer_lemeshow_groups:
            method += f", as many as leave {PER_GROUP} cases to each"
        return [
            _record(
                given, settings, "hosmer_lemeshow", test.statistic, statistic=test.statistic, df=test.df, p_value=test.pvalue, method=method
            )
        ]  # fmt: skip

    return _attempt(given, settings, ("hosmer_lemeshow",), compute)


def _brier(given: Predictions, settings: EvaluationSection) -> list[Record]:
    def compute() -> list[Record]:
        brier = brier_score(given.outcome, given.probability)
        interval = brier.confidence_interval(settings.confidence_level)
        return [_record(given, settings, "brier", brier.statistic, interval=interval, method="Wald")]

    return _attempt(given, settings, ("brier",), compute)


def _finite(value: float) -> float:
    """Infinite estimates (a slope under separation) have no place on a page: undefined, as the remark says."""
    return value if np.isfinite(value) else math.nan


def _finite_interval(interval: tuple[float, float]) -> tuple[float, float]:
    return interval if all(map(np.isfinite, interval)) else (math.nan, math.nan)
