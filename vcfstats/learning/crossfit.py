"""Which training patients a model is fitted to and which it scores, and how fits are spread over processes.

Cross-validation here is nested without a second set of folds. To score fold k, models are tuned on the other folds: each of
these, j, is scored by a model fitted without k and j. As "without k and j" serves k and j alike, K folds need
K (K - 1) / 2 such fits beside the K fits without one fold and the one on all training patients. Without nesting these are
left out: what is tuned is then tuned once, on all folds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed, parallel_config
from sklearn.metrics import roc_auc_score

from vcfstats.contracts.progress import progress
from vcfstats.statistics.inputs import BoolArray, FloatArray

T = TypeVar("T")
R = TypeVar("R")

_TIE = 1e-12  # probabilities that differ by less are the same
HeldOut = tuple[int, ...]  # folds left out, ascending: (), (k,) or (j, k)


def held_out_sets(folds: Sequence[int], *, nested: bool = True) -> list[HeldOut]:
    """Return what is left out of each fit: nothing, each fold, and if nested each pair of folds."""
    ordered = sorted(folds)
    return [(), *((k,) for k in ordered), *(combinations(ordered, 2) if nested else ())]


def pair(k: int, j: int) -> HeldOut:
    """Return the key of the fit without both folds."""
    return (k, j) if k < j else (j, k)


def described(held_out: HeldOut) -> str:
    """Say which training patients a fit used."""
    if not held_out:
        return "all folds"
    return "without fold " + " and ".join(map(str, held_out))


def rows_in(fold: np.ndarray, held_out: HeldOut) -> BoolArray:
    """Return which training rows a fit uses."""
    return ~np.isin(fold, held_out)


def pooled_auc(outcome: np.ndarray, probability: FloatArray) -> float:
    """AUC of probabilities pooled over folds; NaN where one is missing or one class only is left."""
    if not len(outcome) or np.isnan(probability).any() or outcome.min() == outcome.max():
        return float("nan")
    return float(roc_auc_score(outcome, probability))


def tells_nothing(probability: FloatArray) -> BoolArray:
    """Return which fits (rows) give all the cases that they scored one probability, shape (m, 1).

    Such a fit gives the prevalence of the cases it was fitted to, which is the lower the more events were held out: pooled
    over folds, these values rank cases the wrong way round, an AUC below 0.5 from nothing at all. Whoever pools them puts
    the prevalence over all folds in their place, one for all: ties.
    """
    known = ~np.isnan(probability)
    low = np.where(known, probability, np.inf).min(axis=1, keepdims=True)
    high = np.where(known, probability, -np.inf).max(axis=1, keepdims=True)
    nothing: BoolArray = known.any(axis=1, keepdims=True) & (high - low < _TIE)
    return nothing


def best(scores: Sequence[float]) -> int | None:
    """Return the position of the largest score, of equals (to rounding) the first; None where all are NaN."""
    if not len(scores) or np.isnan(scores).all():
        return None
    values = np.asarray(scores, dtype=np.float64)
    return int(np.flatnonzero(values >= np.nanmax(values) - 1e-12)[0])


def best_known(scores: Sequence[float]) -> int:
    """Return `best` of scores one of which is known to be defined.

    Raises
    ------
    ValueError
        All are NaN.
    """
    at = best(scores)
    if at is None:
        raise ValueError(f"none of {len(scores)} scores is defined: the cases scored are of one class")
    return at


def run_tasks(function: Callable[[T], R], tasks: Sequence[T], *, workers: int, label: str | None, unit: str) -> list[R]:
    """Call `function` on every task in `workers` processes of one thread each; results in the order of the tasks.

    With one worker it is called here, under whatever limit of threads the caller set. Without a label it says nothing.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if not tasks:
        return []
    results = _results(function, tasks, min(workers, max(1, len(tasks))))
    return list(results if label is None else progress(results, len(tasks), label=label, unit=unit))


def _results(function: Callable[[T], R], tasks: Sequence[T], workers: int) -> Iterator[R]:
    if workers == 1:
        yield from map(function, tasks)
        return
    with parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1):
        yield from Parallel(return_as="generator")(delayed(function)(task) for task in tasks)


def as_int(seed: np.random.SeedSequence) -> int:
    """Return an integer seed for libraries that take no SeedSequence."""
    return int(seed.generate_state(1)[0] >> 1)  # LightGBM's is a signed 32-bit integer
