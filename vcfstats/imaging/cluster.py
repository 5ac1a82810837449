"""Cases on the workers of a Dask cluster, under the conditions that make its results those of one machine."""

from __future__ import annotations

import functools
import hashlib
import secrets
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from vcfstats.contracts import arithmetic
from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import file_hash, write_text

T = TypeVar("T")

# Futures at a time: enough for any cluster's queue, few enough that 100,000 patients do not fill the scheduler.
_WINDOW = 2_000
_PATIENCE_S = 60


def outcomes(call: Callable[[int, Case], T], cases: Sequence[Case], *, scheduler: str, shared: Path) -> Iterator[T]:
    """Yield `call(index, case)` of every case as the workers finish, in any order.

    A worker that dies costs what it was working on: its cases go to the others.

    Parameters
    ----------
    call : callable
        What is done to a case; it raises for defects of the program alone.
    cases : sequence of Case
        The cases, with absolute paths.
    scheduler : str
        Address of the scheduler, such as ``tcp://host:8786``.
    shared : Path
        Folder that this machine and every worker must see under the same path.

    Raises
    ------
    InputError
        No scheduler answers, or none of its workers does; or a worker has more than one thread, other code or
        arithmetic than this machine, or does not see `shared`.
    RuntimeError
        A case killed its worker again and again, most often for want of memory.
    """
    from distributed import KilledWorker, as_completed

    code = _code()
    with _client(scheduler) as client, _token(shared) as token:
        waiting = deque(enumerate(cases))

        def submit() -> Any:
            index, case = waiting.popleft()
            return client.submit(_on_worker, call, index, case, token, code, arithmetic.active(), pure=False)

        finished = as_completed([submit() for _ in range(min(_WINDOW, len(waiting)))], loop=client.loop)
        for future in finished:
            try:
                result = future.result()
            except KilledWorker as error:
                raise RuntimeError(
                    "one case ended several workers of the cluster, most often for want of memory. Finished patients are "
                    "kept; run again with more memory for each worker"
                ) from error
            if isinstance(result, _Unfit):
                raise InputError(result.problem(scheduler))
            yield result
            if waiting:
                finished.add(submit())


class _Unfit:
    """Why a worker must not take part."""

    def __init__(self, worker: str, found: str, allowed: str, mend: str) -> None:
        self.worker, self.found, self.allowed, self.mend = worker, found, allowed, mend

    def problem(self, scheduler: str) -> Problem:
        return Problem(f"worker {self.worker} of {scheduler}: {self.found}", self.allowed, self.mend)


def _on_worker(
    call: Callable[[int, Case], T], index: int, case: Case, token: tuple[Path, str], code: str, wanted: str
) -> T | _Unfit:
    # Checked with each case and not once, since a worker may join at any time.
    from distributed import get_worker

    worker = get_worker()
    threads = worker.state.nthreads
    if threads != 1:
        return _Unfit(
            worker.address,
            f"{threads} threads",
            "one thread a worker: sums in several threads depend on their number",
            "start it with --nthreads 1, and more workers instead",
        )
    if _code() != code:
        return _Unfit(
            worker.address,
            "another version of this package's code",
            "the same version on every machine",
            "install the same version there and start the worker again",
        )
    if (own := arithmetic.active()) != wanted:
        return _Unfit(
            worker.address,
            f"{own} arithmetic, and {wanted} on this machine",
            "the same on every machine: others give other last digits",
            'start it after `eval "$(vcfstats arithmetic)"`, or set compute.arithmetic to native',
        )
    path, text = token
    try:
        seen = path.read_text(encoding="utf-8") == text
    except OSError:
        seen = False
    if not seen:
        return _Unfit(
            worker.address,
            f"does not see the folder {path.parent}",
            "the study's directory under the same path on every machine",
            "mount the shared file system there",
        )
    return call(index, case)


@functools.cache
def _code() -> str:
    """Return the hash of this room's code, read once a process."""
    files = sorted(Path(__file__).parent.glob("*.py"))  # not the folder: compiled files lie beside them
    return hashlib.sha256("".join(file_hash(file) for file in files).encode()).hexdigest()


@contextmanager
def _token(shared: Path) -> Iterator[tuple[Path, str]]:
    """Leave a word in the shared folder while work goes on; a worker that cannot read it writes somewhere else."""
    text = secrets.token_hex(16)
    path = shared.absolute() / f".cluster-{text}"
    write_text(path, text)
    try:
        yield path, text
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise InputError(
            Problem(
                f"the scheduler {scheduler} is named, but Dask is not installed",
                "the package with its extra 'cluster'",
                "pip install 'vcfstats[cluster]', or set compute.scheduler to null",
            )
        ) from None
    # Both waits may be long; a terminal that says nothing looks like a program that hangs.
    print(f"cluster: asking {scheduler}, {_PATIENCE_S} s at most", file=sys.stderr, flush=True)
    try:
        client = Client(scheduler, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            Problem(
                f"no Dask scheduler answers at {scheduler} ({error})",
                "the address of a running scheduler, such as tcp://host:8786",
                "start one with `dask scheduler`, correct compute.scheduler, or set it to null",
            )
        ) from None
    with client:
        print(f"cluster: waiting for a worker, {_PATIENCE_S} s at most", file=sys.stderr, flush=True)
        try:
            client.wait_for_workers(1, timeout=_PATIENCE_S)
        except TimeoutError:
            raise InputError(
                Problem(
                    f"the scheduler {scheduler} has no worker",
                    "at least one",
                    f"start some with `dask worker {scheduler} --nthreads 1`",
                )
            ) from None
        yield client
