"""Progress of long work on the terminal: done, rate and time left, at least every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO, TypeVar

T = TypeVar("T")


def progress(
    items: Iterable[T],
    total: int,
    *,
    label: str,
    unit: str = "patients",
    every: float = 5.0,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[T]:
    """Yield from `items`, writing a line when work starts, every few seconds and when it ends.

    Plain lines, no cursor control: the same text is readable in a terminal, in DVC's output and in a log file.

    Parameters
    ----------
    items : iterable
        Finished pieces of work, as they come.
    total : int
        How many will come.
    label, unit : str
        What is being done, to what: ``radiomics 12/35 patients, 0.6/s, 38 s left``.
    every : float
        Seconds between lines.
    stream : text stream
        Default stderr.
    clock : callable
        Seconds, monotonic.
    """
    out = stream or sys.stderr
    start = last = clock()
    done = 0
    print(f"{label} 0/{total} {unit}", file=out, flush=True)
    for item in items:
        done += 1
        now = clock()
        if now - last >= every and done < total:
            rate = done / (now - start)
            print(
                f"{label} {done}/{total} {unit}, {rate:.2g}/s, {(total - done) / rate:.0f} s left", file=out, flush=True
            )
            last = now
        yield item
    spent = clock() - start
    print(f"{label} {done}/{total} {unit} in {spent:.1f} s", file=out, flush=True)
