"""Which confusion matrices print as a given row: exact, in whole numbers.

With m events, k non-events, TP = t and TN = x, every rate is monotone in x once t is fixed. A figure u / 10**d stands for
all values from a / D to b / D, where it was rounded with a = 2u - 1, b = 2u + 1 and D = 2 * 10**d; each figure then bounds x by a quotient of
whole numbers, and the matrices that fit are the whole numbers between the largest lower and the smallest upper bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.audit.table.cells import Printed

IntArray = npt.NDArray[np.int64]
MAX_N = 1_000_000  # beyond it products of counts and units leave int64
_UNBOUNDED = np.int64(4 * MAX_N)
_BLOCK = 100_000  # array elements held at once: what stays in a processor's cache


def matrix_ranges(
    rates: Mapping[str, Printed],
    events: npt.ArrayLike,
    nonevents: npt.ArrayLike,
    *,
    known: Mapping[str, int] | None = None,
) -> tuple[IntArray, IntArray, IntArray]:
    """Return for each pair of class counts the TP to consider and the lowest and highest TN that fit each.

    Parameters
    ----------
    rates : mapping of metric to figure
        Any of accuracy, balanced_accuracy, sensitivity, specificity, ppv, npv, f1, youden, lr_positive, lr_negative.
    events, nonevents : array-like of shape (s,)
        Class counts, each at least 1.
    known : mapping, optional
        Printed cells of the matrix: tp, fp, fn, tn.

    Returns
    -------
    tp, low, high : ndarray of shape (s, w)
        A TP fits where low <= high; TN is then any whole number between them.
    """
    m = np.atleast_1d(np.asarray(events, dtype=np.int64))[:, None]
    k = np.atleast_1d(np.asarray(nonevents, dtype=np.int64))[:, None]
    known = known or {}
    first, last = np.zeros_like(m), m.copy()
    if "sensitivity" in rates:
        a, b, d = bounds_of(rates["sensitivity"])
        first, last = np.maximum(first, _ceil(a * m, d)), np.minimum(last, b * m // d)
    if "tp" in known:
        first, last = np.maximum(first, known["tp"]), np.minimum(last, known["tp"])
    if "fn" in known:
        first, last = np.maximum(first, m - known["fn"]), np.minimum(last, m - known["fn"])
    width = int(max(1, (last - first + 1).max(initial=1)))
    t = first + np.arange(width, dtype=np.int64)[None, :]
    fn = m - t
    low, high = np.zeros_like(t), np.broadcast_to(k, t.shape).copy()
    if "tn" in known:
        low, high = np.maximum(low, known["tn"]), np.minimum(high, known["tn"])
    if "fp" in known:
        low, high = np.maximum(low, k - known["fp"]), np.minimum(high, k - known["fp"])
    for name, figure in rates.items():
        if name == "sensitivity":
            continue
        x_low, x_high = _LIMITS[name](figure, t, fn, m, k)
        low, high = np.maximum(low, x_low), np.minimum(high, x_high)
    outside = (t < 0) | (t > last)
    high[outside] = low[outside] - 1
    return t, low, high


def count_matrices(
    rates: Mapping[str, Printed],
    events: npt.ArrayLike,
    nonevents: npt.ArrayLike,
    *,
    known: Mapping[str, int] | None = None,
) -> IntArray:
    """Return for each pair of class counts the number of confusion matrices that print as `rates`."""
    m = np.atleast_1d(np.asarray(events, dtype=np.int64))
    k = np.atleast_1d(np.asarray(nonevents, dtype=np.int64))
    width = (
        1 + int(m.max(initial=1))
        if "sensitivity" not in rates
        else 2 + int(m.max(initial=1) * (rates["sensitivity"].high - rates["sensitivity"].low))
    )
    step = max(1, _BLOCK // width)
    parts = []
    for start in range(0, m.size, step):
        _, low, high = matrix_ranges(rates, m[start : start + step], k[start : start + step], known=known)
        parts.append(np.maximum(high - low + 1, 0).sum(axis=1))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def list_matrices(
    rates: Mapping[str, Printed],
    events: int,
    nonevents: int,
    *,
    known: Mapping[str, int] | None = None,
    limit: int = 1000,
) -> list[tuple[int, int, int, int]]:
    """Return the confusion matrices (TP, FP, FN, TN) that print as `rates`, at most `limit` of them."""
    t, low, high = (array[0] for array in matrix_ranges(rates, [events], [nonevents], known=known))
    found: list[tuple[int, int, int, int]] = []
    for tp, first, last in zip(t.tolist(), low.tolist(), high.tolist(), strict=True):
        for tn in range(first, last + 1):
            found.append((tp, nonevents - tn, events - tp, tn))
            if len(found) == limit:
                return found
    return found


def rate_of(name: str, tp: int, fp: int, fn: int, tn: int) -> Fraction | None:
    """Return one rate of a confusion matrix as an exact fraction, None where it is 0/0 or infinite."""
    m, k = tp + fn, tn + fp
    numerator, denominator = {
        "accuracy": (tp + tn, m + k),
        "balanced_accuracy": (tp * k + tn * m, 2 * m * k),
        "sensitivity": (tp, m),
        "specificity": (tn, k),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
        "f1": (2 * tp, 2 * tp + fp + fn),
        "youden": (tp * k + tn * m - m * k, m * k),
        "lr_positive": (tp * k, m * fp),
        "lr_negative": (fn * k, m * tn),
    }[name]
    return Fraction(numerator, denominator) if denominator else None


def formula(name: str, tp: int, fp: int, fn: int, tn: int) -> str:
    """Return the counts behind a rate, such as ``95/112``."""
    return {
        "accuracy": f"{tp + tn}/{tp + fp + fn + tn}",
        "sensitivity": f"{tp}/{tp + fn}",
        "specificity": f"{tn}/{tn + fp}",
        "ppv": f"{tp}/{tp + fp}",
        "npv": f"{tn}/{tn + fn}",
        "f1": f"{2 * tp}/{2 * tp + fp + fn}",
    }.get(name, f"TP {tp}, FP {fp}, FN {fn}, TN {tn}")


def prevalence_range(rates: Mapping[str, Printed]) -> tuple[Fraction, Fraction]:
    """Return the share of events that the rates of one row allow, whatever the number of patients.

    From accuracy = p sens + (1 - p) spec, and from PPV and NPV by Bayes' rule, each over the rounding intervals; an
    outer bound, empty (low > high) where no share of events at all can give the row.
    """
    low, high = Fraction(0), Fraction(1)
    if "sensitivity" not in rates or "specificity" not in rates:
        return low, high
    sens, spec = _clipped(rates["sensitivity"]), _clipped(rates["specificity"])
    if "accuracy" in rates:
        acc = _clipped(rates["accuracy"])
        if acc[1] < min(sens[0], spec[0]) or acc[0] > max(sens[1], spec[1]):
            return Fraction(1), Fraction(0)
        if sens[0] > spec[1] or spec[0] > sens[1]:
            corners = [(a - c) / (s - c) for a in acc for c in spec for s in sens]
            low, high = max(low, min(corners)), min(high, max(corners))
    if "ppv" in rates and rates["ppv"].units > 0:
        ppv = _clipped(rates["ppv"])
        low = max(low, _share(ppv[0] * (1 - spec[1]), (1 - ppv[0]) * sens[1]))
        high = min(high, _share(ppv[1] * (1 - spec[0]), (1 - ppv[1]) * sens[0]))
    if "npv" in rates and rates["npv"].units > 0:
        npv = _clipped(rates["npv"])
        low = max(low, _share(spec[0] * (1 - npv[1]), npv[1] * (1 - sens[0])))
        high = min(high, _share(spec[1] * (1 - npv[0]), npv[0] * (1 - sens[1])))
    return low, high


def _share(part: Fraction, other: Fraction) -> Fraction:
    """Turn odds part : other into a share; 0 : 0 says nothing."""
    total = part + other
    return part / total if total else Fraction(0)


def _clipped(figure: Printed) -> tuple[Fraction, Fraction]:
    return max(figure.low, Fraction(0)), min(figure.high, Fraction(1))


def bounds_of(figure: Printed) -> tuple[int, int, int]:
    """Return a, b and D in whole numbers: the figure stands for all values from a / D to b / D."""
    return 2 * figure.units - figure.below, 2 * figure.units + figure.above, 2 * 10**figure.decimals


def _ceil(numerator: Any, denominator: Any) -> Any:
    return -((-numerator) // denominator)


def _accuracy(figure: Printed, t: IntArray, fn: IntArray, m: IntArray, k: IntArray) -> tuple[Any, Any]:
    a, b, d = bounds_of(figure)
    return _ceil(a * (m + k), d) - t, b * (m + k) // d - t


def _specificity(figure: Printed, t: IntArray, fn: IntArray, m: IntArray, k: IntArray) -> tuple[Any, Any]:
    a, b, d = bounds_of(figure)
    return _ceil(a * k, d), b * k // d


def _ppv(figure: Printed, t: IntArray, fn: IntArray, m: IntArray, k: IntArray) -> tuple[Any, Any]:
    a, b, d = bounds_of(figure)
    fp_low = np.maximum(_ceil(d * t, b) - t, 0)
    fp_high = d * t // a - t if a > 0 else np.full_like(t, _UNBOUNDED)
    if 0 < figure.value < 1:  # without a positive call PPV is 0/0, which is printed as 0, as 1 or not at all
        fp_high = np.where(t == 0, -1, fp_high)
    return k - fp_high, k - fp_low


def _npv(figure: Printed, t: IntArray, fn: IntArray, m: IntArray, k: IntArray) -> tuple[Any, Any]:
    a, b, d = bounds_of(figure)
    low = np.maximum(_ceil(a * fn, d - a), 0) if d > a else np.where(fn == 0, 0, _UNBOUNDED)
    high = b * fn // (d - b) if d > b else np.full_like(fn, _UNBOUNDED)
    if 0 < figure.value < 1:
        low = np.maximum(low, 1)
    return low, high


def _f1(figure: Printed, t: IntArray, fn: IntArray, m: IntArray, k: IntArray) -> tuple[Any, Any]:
    a, b, d = bounds_of(figure)
    base = 2 * t + fn
    fp_low = np.maximum(_ceil(2 * d * t, b) - base, 0)
    fp_high = 2 * d * t // a - base if a > 0 else np.full_like(t, _UNBOUNDED)
    return k - fp_high, k - fp_low


def _youden(figure: Printed, t: IntArray, fn: IntArray, m: IntArray, k: IntArray) -> tuple[Any, Any]:
    a, b, d = bounds_of(figure)
    return _ceil(k * (a * m + d * m - d * t), d * m), k * (b * m + d * m - d * t) // (d * m)


def _balanced(figure: Printed, t: IntArray, fn: IntArray, m: IntArray, k: IntArray) -> tuple[Any, Any]:
    a, b, d = bounds_of(figure)
    return _ceil(k * (2 * a * m - d * t), d * m), k * (2 * b * m - d * t) // (d * m)


def _lr_positive(figure: Printed, t: IntArray, fn: IntArray, m: IntArray, k: IntArray) -> tuple[Any, Any]:
    a, b, d = bounds_of(figure)
    fp_low = np.maximum(_ceil(d * t * k, b * m), 0)
    fp_high = d * t * k // (a * m) if a > 0 else np.full_like(t, _UNBOUNDED)
    if figure.units > 0:  # without a positive call the ratio is 0/0
        fp_high = np.where(t == 0, -1, fp_high)
    return k - fp_high, k - fp_low


def _lr_negative(figure: Printed, t: IntArray, fn: IntArray, m: IntArray, k: IntArray) -> tuple[Any, Any]:
    a, b, d = bounds_of(figure)
    low = np.maximum(_ceil(d * fn * k, b * m), 0)
    high = d * fn * k // (a * m) if a > 0 else np.full_like(fn, _UNBOUNDED)
    return low, high


_LIMITS = {
    "accuracy": _accuracy,
    "specificity": _specificity,
    "ppv": _ppv,
    "npv": _npv,
    "f1": _f1,
    "youden": _youden,
    "balanced_accuracy": _balanced,
    "lr_positive": _lr_positive,
    "lr_negative": _lr_negative,
}
RATES = ("sensitivity", *_LIMITS)  # what bounds the cells of a matrix by whole numbers
