"""How many decimals a number of unknown unit needs, so that a small unit does not print as 0.0."""

from __future__ import annotations

import math
from collections.abc import Iterable

_MOST = 6  # decimals; beyond, a power of ten says it


def decimals_for(spreads: Iterable[float], digits: int, *, least: int = 2) -> int:
    """Return the decimals at which the smallest spread keeps so many significant digits, and never fewer than `digits`.

    Parameters
    ----------
    spreads : iterable of float
        Standard deviations or widths of the numbers that are printed together; 0 and NaN say nothing.
    digits : int
        Decimals that are printed anyway.
    least : int
        Significant digits that the spread keeps.

    Examples
    --------
    >>> decimals_for([10.3, 9.8], 1), decimals_for([0.00031, 0.0002], 1)
    (1, 5)
    """
    told = [abs(float(spread)) for spread in spreads if spread == spread and 0 < abs(spread) < math.inf]
    if not told:
        return digits
    return max(digits, least - 1 - math.floor(math.log10(min(told))))


def fixed(value: float, decimals: int) -> str:
    """Write a number with so many decimals; with a power of ten where they would be too many to read.

    Examples
    --------
    >>> fixed(62.31, 1), fixed(0.00123, 5), fixed(1.234e-9, 11)
    ('62.3', '0.00123', '1.23e-09')
    """
    if decimals <= _MOST or value == 0 or not math.isfinite(value):
        return f"{value:.{min(decimals, _MOST)}f}"
    return f"{value:.{max(0, decimals + math.floor(math.log10(abs(value))))}e}"
