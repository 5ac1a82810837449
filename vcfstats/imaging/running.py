"""Work on many cases in parallel processes, with the same results for any number of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import SimpleITK as sitk

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.progress import progress
from vcfstats.imaging import cluster
from vcfstats.imaging.reading import reason_of

T = TypeVar("T")


def run_cases(
    function: Callable[[Case], T],
    cases: Sequence[Case],
    *,
    workers: int,
    label: str,
    scheduler: str | None = None,
    shared: Path | None = None,
) -> list[T]:
    """Call `function` on every case, each in one thread of one of `workers` processes, or on a Dask cluster.

    Parameters
    ----------
    function : callable
        Takes a case. It must not depend on the order in which cases are worked on.
    cases : sequence of Case
        The cases.
    workers : int
        Processes; 1 works in this one.
    label : str
        What the progress lines call the work.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then take the place of `workers`.
    shared : Path, optional
        Folder that all workers of the cluster must see; needed with `scheduler`.

    Returns
    -------
    list
        Results in the order of the cases.

    Raises
    ------
    ValueError
        `workers` is below 1, or `scheduler` is given without `shared`.
    InputError
        The problems of all cases whose input cannot be used, after all others have been finished; or a cluster that
        cannot be used.
    RuntimeError
        A worker process was killed, most often for want of memory.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if scheduler is not None and shared is None:
        raise ValueError("a scheduler needs `shared`, the folder that its workers see")
    results: dict[int, T] = {}
    problems: list[tuple[int, Problem]] = []
    if scheduler is not None and shared is not None and cases:
        coming = cluster.outcomes(functools.partial(_call, function), cases, scheduler=scheduler, shared=shared)
    else:
        coming = _outcomes(function, cases, workers=min(workers, max(len(cases), 1)), label=label)
    for index, outcome in progress(coming, len(cases), label=label):
        if isinstance(outcome, InputError):
            problems.extend((index, problem) for problem in outcome.problems)
        else:
            results[index] = outcome
    if problems:
        raise InputError([problem for _, problem in sorted(problems, key=lambda pair: pair[0])])
    return [results[index] for index in range(len(cases))]


def _outcomes(
    function: Callable[[Case], T], cases: Sequence[Case], *, workers: int, label: str
) -> Iterator[tuple[int, T | InputError]]:
    call = functools.partial(_call, function)
    if workers == 1:
        for index, case in enumerate(cases):
            yield call(index, case)
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
            yield from parallel(delayed(call)(index, case) for index, case in enumerate(cases))
    except TerminatedWorkerError as error:
        raise RuntimeError(
            f"{label}: a worker process was killed, most often for want of memory. Finished patients are kept; run again, "
            "with fewer workers if memory is short"
        ) from error


def _call(function: Callable[[Case], T], index: int, case: Case) -> tuple[int, T | InputError]:
    # One ITK thread a process: more would oversubscribe the cores, and N4 sums in an order that depends on their number.
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        return index, function(case)
    except InputError as error:
        return index, error
    except RuntimeError as error:
        # What ITK's filters refuse of an image is a fault of the image; other errors at run time are ours.
        if "SimpleITK" not in str(error) and "ITK ERROR" not in str(error):
            error.add_note(f"while working on patient {case.case_id} ({case.image})")
            raise
        return index, InputError(
            Problem(
                f"an image that ITK cannot work on ({reason_of(error)})",
                "a 3D image with a mask on its grid",
                "look at the image and the mask of this patient, or change the settings",
                patient=case.case_id,
                file=case.image,
            )
        )
    except MemoryError:
        return index, InputError(
            Problem(
                "an image too large for this machine's memory",
                "images that fit into memory, one for each of compute.workers",
                "run with fewer workers, or crop the image",
                patient=case.case_id,
                file=case.image,
            )
        )
    except Exception as error:
        error.add_note(f"while working on patient {case.case_id} ({case.image})")
        raise
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
