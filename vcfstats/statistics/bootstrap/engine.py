"""The bootstrap of any statistic: one loop over resamples, whatever the number of workers."""

from __future__ import annotations

import multiprocessing
import pickle
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.bootstrap.intervals import METHODS, Bootstrap, assemble, warn_constant
from vcfstats.statistics.bootstrap.plan import IntArray, Plan, check_resamples, make_plan, streams
from vcfstats.statistics.inputs import (
    FloatArray,
    RandomState,
    as_array,
    as_count,
    check_alignment,
    check_choice,
    check_level,
    refuse_unused,
)

Statistic = Callable[..., Any]
# What a statistic may raise when a resample cannot bear it: one class only, separation, a singular matrix, 0/0.
FAILURES = (ValueError, ArithmeticError, np.linalg.LinAlgError)


def bootstrap_ci(
    data: npt.ArrayLike | tuple[npt.ArrayLike, ...],
    statistic: Statistic,
    *,
    confidence_level: float = 0.95,
    method: str = "percentile",
    n_resamples: int | None = None,
    strata: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike | None = None,
    standard_error: Statistic | None = None,
    indices: npt.NDArray[Any] | Sequence[npt.ArrayLike] | None = None,
    n_workers: int | None = None,
    random_state: RandomState = None,
) -> Bootstrap:
    """Bootstrap any statistic of rows that belong together.

    Parameters
    ----------
    data : array-like, or tuple of array-likes
        One or more arrays whose first axis is the patients (or lesions); their rows are resampled together.
    statistic : callable
        Called as ``statistic(*arrays)``; returns a number or an array of fixed shape. A resample on which it raises
        ValueError, ArithmeticError or LinAlgError, or returns what is not finite, has failed: it is counted in
        `n_failed` and a warning says how many failed and why.
    confidence_level : float
        Of the interval in `.low` and `.high`.
    method : {"percentile", "basic", "bca", "studentized", "normal"}
        Of that interval; the formulas are in `Bootstrap.confidence_interval`, which gives the others later on.
    n_resamples : int
        Number of resamples.
    strata : array-like of shape (n,), optional
        Labels; each resample keeps the size of each stratum. Pass the outcome to keep the number of events.
    clusters : array-like of shape (n,), optional
        Labels of the patient, where a patient has several rows; whole patients are drawn.
    standard_error : callable, optional
        For "studentized": called as `statistic`, returns the standard error of the statistic on those rows.
    indices : sequence of index arrays, optional
        Resamples to use instead of drawing any, such as those of another program; 0-based.
    n_workers : int
        Processes. The resamples, and so the results, do not depend on it; with more than one, `statistic` must be
        defined at the top level of a module.
    random_state : int, SeedSequence or Generator
        Seed of the resamples.

    Returns
    -------
    Bootstrap
        Estimate, interval, standard error, bias, replicates and failures. A statistic that cannot vary over the resamples,
        as the AUC of a perfect score, gives a point and a `DegenerateDataWarning` that says so.

    Raises
    ------
    ValueError
        Arrays of different lengths, a statistic that fails on the data itself, or on all but one of the resamples.

    Notes
    -----
    For an AUC of 0.95 from 8 events the 95% intervals cover 0.79 (percentile), 0.72 (basic) and 0.86 (bca), from 26 of 70
    0.89, 0.81 and 0.94; see ``benchmarks/results/coverage_roc.md``. Of the methods here prefer "bca", and for an AUC with few
    events a closed one, ``roc_auc(...).confidence_interval(method="newcombe")``.

    References
    ----------
    Efron (1979), doi 10.1214/aos/1176344552; Davison & Hinkley (1997), doi 10.1017/CBO9780511802843. Clusters: Field &
    Welsh (2007), doi 10.1111/j.1467-9868.2007.00593.x.

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import bootstrap_ci
    >>> values = np.arange(20.0) ** 2
    >>> result = bootstrap_ci(values, np.median, n_resamples=500, random_state=1)
    >>> result.estimate, result.n_failed
    (90.5, 0)
    >>> low, high = result.confidence_interval(0.90, method="bca")
    >>> low < 90.5 < high
    True
    """
    level = check_level(confidence_level)
    chosen = check_choice(method, METHODS, name="method")
    check_alignment(data=data, strata=strata, clusters=clusters)
    for name, function in (("statistic", statistic), ("standard_error", standard_error)):
        if not (callable(function) or (function is None and name == "standard_error")):
            raise ValueError(f"{name} must be a function of the arrays of data; got {type(function).__name__}.")
    arrays = _as_arrays(data)
    n = arrays[0].shape[0]
    plan = make_plan(n, strata=strata, clusters=clusters)
    task = _Task(arrays, statistic, standard_error, plan)
    try:
        estimate, se = task.evaluate(np.arange(n))
    except FAILURES as error:
        raise ValueError(f"The statistic fails on the data itself, before any resample: {error}") from error
    if not np.all(np.isfinite(estimate)):
        raise ValueError(f"The statistic of the data itself is not finite: {estimate}.")
    if indices is not None:
        refuse_unused("with indices=, which are the resamples", n_resamples=n_resamples, n_workers=n_workers)
        outcomes = [task.attempt(_as_rows(row, n)) for row in indices]
    else:
        count = check_resamples(2000 if n_resamples is None else n_resamples)
        workers = 1 if n_workers is None else as_count(n_workers, "n_workers", least=1, most=10_000)
        outcomes = _run(task, list(streams(random_state, count)), workers)
    blank = np.full(np.shape(estimate), np.nan)
    replicates = np.array([blank if value is None else value for value, _, _ in outcomes], dtype=np.float64)
    failure = next((reason for _, _, reason in outcomes if reason), "")
    studentized = None
    if standard_error is not None:
        errors = np.array([blank if s is None else s for _, s, _ in outcomes], dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            studentized = (se, (replicates - estimate) / errors)
    result = assemble(
        estimate,
        replicates,
        confidence_level=level,
        method=chosen,
        jackknife=task.jackknife,
        studentized=studentized,
        failure=failure,
    )
    if result.n_failed:
        warnings.warn(
            f"The statistic failed on {result.n_failed:,} of {result.n_resamples:,} resamples, which the intervals leave"
            f" out; first reason: {failure}.",
            RuntimeWarning,
            stacklevel=2,
        )
    warn_constant(result)
    return result


@dataclass(frozen=True)
class _Task:
    arrays: tuple[Any, ...]
    statistic: Statistic
    standard_error: Statistic | None
    plan: Plan

    def evaluate(self, rows: IntArray) -> tuple[Any, Any]:
        # A frame stays a frame; its resampled labels would repeat, so the rows are numbered anew.
        drawn = [
            part.iloc[rows].reset_index(drop=True) if hasattr(part, "iloc") else part[rows] for part in self.arrays
        ]
        value = np.asarray(self.statistic(*drawn), dtype=np.float64)
        se = np.asarray(self.standard_error(*drawn), dtype=np.float64) if self.standard_error else None
        return (value if value.ndim else float(value)), se

    def attempt(self, rows: IntArray) -> tuple[Any, Any, str]:
        try:
            value, se = self.evaluate(rows)
        except FAILURES as error:
            return None, None, f"{type(error).__name__}: {error}"
        finite = bool(np.all(np.isfinite(value)))
        return (value, se, "") if finite else (None, None, "the statistic is not finite")

    def chunk(self, generator: np.random.Generator, size: int) -> list[tuple[Any, Any, str]]:
        return [self.attempt(self.plan.rows_of(self.plan.draw_units(generator))) for _ in range(size)]

    def jackknife(self) -> list[FloatArray]:
        everyone = np.arange(self.plan.n)
        try:
            return [
                np.array([self.evaluate(everyone[self.plan.unit != unit])[0] for unit in stratum])
                for stratum in self.plan.strata
            ]
        except FAILURES as error:
            raise ValueError(
                f"The BCa interval needs the statistic without each patient in turn, and there it fails: {error}"
                " Choose another method."
            ) from error


def _run(task: _Task, chunks: list[tuple[np.random.Generator, int]], n_workers: int) -> list[tuple[Any, Any, str]]:
    if n_workers == 1:
        return [outcome for generator, size in chunks for outcome in task.chunk(generator, size)]
    try:
        pickle.dumps(task)  # only to say now, in words, what the workers could not take
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"With n_workers={n_workers} the statistic must be defined at the top level of a module, not as a lambda or"
            f" inside a function ({error}). Define it so, or use n_workers=1."
        ) from error
    # spawn, not fork: safe beside threads (BLAS, notebooks) and the same on every platform.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_workers, context, initializer=_receive, initargs=(task,)) as pool:
        return [outcome for part in pool.map(_work, *zip(*chunks, strict=True)) for outcome in part]


_received: list[_Task] = []


def _receive(task: _Task) -> None:
    _received[:] = [task]


def _work(generator: np.random.Generator, size: int) -> list[tuple[Any, Any, str]]:
    return _received[0].chunk(generator, size)


def _as_arrays(data: Any) -> tuple[Any, ...]:
    """Return the parts of data as arrays, frames as they are."""
    if isinstance(data, list) and any(np.ndim(part) and hasattr(part, "shape") for part in data):
        raise ValueError("data is a list of arrays, which could mean rows or columns; pass several arrays as a tuple.")
    parts = data if isinstance(data, tuple) else (data,)
    arrays = tuple(part if hasattr(part, "columns") else as_array(part, "data") for part in parts)
    if not arrays or any(array.ndim == 0 for array in arrays):
        raise ValueError("data must be an array or a tuple of arrays whose first axis is the rows to resample.")
    sizes = [array.shape[0] for array in arrays]
    if len(set(sizes)) != 1 or sizes[0] < 2:
        raise ValueError(f"The arrays of data must have one common length of at least 2; got lengths {sizes}.")
    return arrays


def _as_rows(row: npt.ArrayLike, n: int) -> IntArray:
    rows = as_array(row, "indices")
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or rows.size == 0 or rows.min() < 0 or rows.max() >= n:
        raise ValueError(f"Each entry of indices must be a vector of row numbers between 0 and {n - 1}.")
    return rows.astype(np.int64)
