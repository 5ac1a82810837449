"""Numbers as words for whoever prints them."""

from __future__ import annotations

import math


def plainly(value: float) -> str:
    """Write a number as it was given, six significant digits at most after the point, and never an exponent.

    Examples
    --------
    >>> plainly(55.0), plainly(0.25), plainly(1250000.0), plainly(0.00002)
    ('55', '0.25', '1250000', '0.00002')
    """
    text = f"{value:.6g}"
    if "e" not in text:
        return text
    if abs(value) >= 1:
        return f"{value:.0f}"
    return f"{value:.{5 - math.floor(math.log10(abs(value)))}f}".rstrip("0")
