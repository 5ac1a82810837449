"""Null distribution of the calibration belt's statistic, which pays for the choice of the polynomial's degree.

Let q = 1 - selection level and k the chi-square (1 df) quantile at the selection level. The statistic is a sum of squares
of independent normals of which those that made the selection go on exceed k. Tails are integrated, not 1 minus the
distribution, so that small p values keep their digits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from vcfstats.statistics.inputs import FloatArray

_FAR = 40.0  # exp(-40^2 / 2) is 0 in double precision
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)


def belt_sf(t: float, degree: int, devel: str, selection: float) -> float:
    """Return P(statistic > t) given the selected degree.

    References
    ----------
    Nattino, Finazzi and Bertolini (2014), doi 10.1002/sim.6100 (external); (2016), doi 10.1002/sim.6997 (internal).
    """
    q = 1 - selection
    k = float(chi2.ppf(selection, 1))
    start = degree - 1 if devel == "external" else degree - 2
    if t <= start * k:
        return 1.0
    tail = _EXTERNAL[degree](t, k, q) if devel == "external" else _INTERNAL[degree](t, k, q)
    return float(min(1.0, max(0.0, tail)))


def belt_quantile(level: float, degree: int, devel: str, selection: float) -> float:
    """Return the quantile of the statistic at `level`."""
    k = float(chi2.ppf(selection, 1))
    low = (degree - 1 if devel == "external" else degree - 2) * k
    high = low + 10.0
    while belt_sf(high, degree, devel, selection) > 1 - level:
        high += 10.0
    return float(
        brentq(lambda t: belt_sf(t, degree, devel, selection) - (1 - level), low, high, xtol=1e-12, rtol=1e-13)
    )


def _integral(function: Callable[[FloatArray], FloatArray], low: float, high: float) -> float:
    """Integrate from a lower limit where the integrand may rise like a square root: r = low + s^2 makes it smooth."""
    if high <= low:
        return 0.0
    half = np.sqrt(high - low) / 2
    s = half * (_NODES + 1)
    return float(half * np.sum(_WEIGHTS * 2 * s * function(low + s * s)))


def _external_1(t: float, k: float, q: float) -> float:
    return float(chi2.sf(t, 2))


def _external_2(t: float, k: float, q: float) -> float:
    return float((chi2.sf(t, 1) + np.sqrt(2 / np.pi) * np.exp(-t / 2) * (np.sqrt(t) - np.sqrt(k))) / q)


def _external_3(t: float, k: float, q: float) -> float:
    upper = t - k
    tail = _integral(lambda y: chi2.sf(t - y, 1) * chi2.pdf(y, 1), k, upper)
    shell = _integral(lambda y: (np.sqrt(t - y) - np.sqrt(k)) / np.sqrt(y), k, upper)
    return float((q * chi2.sf(upper, 1) + tail + np.exp(-t / 2) / np.pi * shell) / q**2)


def _external_4(t: float, k: float, q: float) -> float:
    root = np.sqrt(k)

    def angle(r: FloatArray) -> FloatArray:
        u = r * r / k
        return np.asarray(
            -np.pi * root / (2 * r)
            + 2 * root / r * np.arcsin((u - 1) ** -0.5)
            - 2 * np.arctan((1 - 2 / u) ** -0.5)
            + 2 * root / r * np.arctan((u - 2) ** -0.5)
            + 2 * np.arctan(r / root * np.sqrt(u - 2))
            - 2 * root / r * np.arctan(np.sqrt(u - 2))
        )

    low, high = np.sqrt(3 * k), np.sqrt(t)
    tail = _integral(lambda r: r * r * np.exp(-r * r / 2) * angle(r), high, max(_FAR, high + 1))
    shell = _integral(lambda r: r * r * angle(r), low, high)
    return float((2 / (np.pi * q**2)) ** 1.5 * (tail + np.exp(-t / 2) * shell))


def _internal_2(t: float, k: float, q: float) -> float:
    return float(chi2.sf(t, 1))


def _internal_3(t: float, k: float, q: float) -> float:
    high = np.sqrt(t)
    tail = _integral(lambda r: r * np.exp(-r * r / 2) * np.arccos(np.sqrt(k) / r), high, max(_FAR, high + 1))
    return 2 / (np.pi * q) * tail


def _internal_4(t: float, k: float, q: float) -> float:
    root = np.sqrt(k)

    def density(r: FloatArray) -> FloatArray:
        u = r * r / k
        angle = (
            np.arctan(np.sqrt(u * (u - 2)))
            - root / r * np.arctan(np.sqrt(u - 2))
            - root / r * np.arccos((u - 1) ** -0.5)
        )
        return np.asarray(r * r * np.exp(-r * r / 2) * angle)

    high = np.sqrt(t)
    return float((2 / np.pi) ** 1.5 * q**-2 * _integral(density, high, max(_FAR, high + 1)))


_Tail = Callable[[float, float, float], float]
_EXTERNAL: dict[int, _Tail] = {1: _external_1, 2: _external_2, 3: _external_3, 4: _external_4}
_INTERNAL: dict[int, _Tail] = {2: _internal_2, 3: _internal_3, 4: _internal_4}
