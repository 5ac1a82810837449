"""Round tick values that cover a range."""

from __future__ import annotations

import numpy as np

from vcfstats.statistics.inputs import FloatArray

_BIAS = 1.5  # how much larger steps are preferred
_ROUNDING = 1e-10


def pretty_ticks(low: float, high: float, n: int = 10) -> FloatArray:
    """Return about n + 1 equally spaced round values that cover [low, high], steps 1, 2 or 5 times a power of ten.

    The rule of Becker, Chambers and Wilks (The New S Language, 1988), as R's ``pretty``.

    Examples
    --------
    >>> from vcfstats.statistics.nomogram.pretty import pretty_ticks
    >>> pretty_ticks(47, 78).tolist()
    [45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 80.0]
    """
    width = high - low
    largest = max(abs(low), abs(high))
    if width <= 1e-14 * largest:  # one value: a step of about a third of it
        cell = (largest if 0 < largest <= 10 else 9 + largest / 10) * 0.75 / (n // 3) if largest > 0 else 0.75
    else:
        cell = width / n
    base = 10.0 ** np.floor(np.log10(cell))
    unit = base
    if 2 * base - cell < _BIAS * (cell - unit):
        unit = 2 * base
        if 5 * base - cell < (0.5 + 1.5 * _BIAS) * (cell - unit):
            unit = 5 * base
            if 10 * base - cell < _BIAS * (cell - unit):
                unit = 10 * base
    first = np.floor(low / unit + _ROUNDING)
    last = np.ceil(high / unit - _ROUNDING)
    missing = n // 3 - (last - first)
    if missing > 0:
        half, odd = missing // 2, missing % 2
        first, last = (first - half - odd, last + half) if first >= 0 else (first - half, last + half + odd)
    steps = int(last - first)
    ticks = first * unit + np.arange(steps + 1) * ((last * unit - first * unit) / steps)
    return np.where(np.abs(ticks) < 1e-14 * unit, 0.0, ticks)
