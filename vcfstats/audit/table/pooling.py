"""Means and SDs of groups pooled to those of all patients, over the rounding intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations

from vcfstats.audit.table.baseline_p import MISSING
from vcfstats.audit.table.cells import Printed, decimal_text
from vcfstats.audit.table.characteristics import Baseline, Line, Variable
from vcfstats.audit.table.findings import INCONSISTENT, NOTE, Finding


def check_pooled(
    table: Baseline, variable: Variable, line: Line, columns: Sequence[int], totals: Mapping[int, int]
) -> tuple[list[Finding], int]:
    """Check that the mean and the SD of the first of `columns` are those of the others pooled."""
    if any(column not in line.entries for column in columns):
        return [], 0
    entries = [line.entries[column] for column in columns]
    sizes = [totals[column] for column in columns]
    means = [e.mean for e in entries if e.mean is not None]
    sds = [e.sd for e in entries if e.sd is not None]
    if len(means) != len(entries):
        return [], 0
    total = sizes[0]
    low, high = _pooled_mean(sizes[1:], means[1:])
    where, shown = table.where(variable, line), "; ".join(e.text for e in entries)
    cells = table.at(variable, line, *columns)
    if high < means[0].low or low > means[0].high:
        hull = [_pooled_mean(some, means[1:]) for some in _with_missing(sizes[1:])]
        severity, tail = _severity(min(h[0] for h in hull) <= means[0].high and means[0].low <= max(h[1] for h in hull))
        middle = (low + high) / 2
        terms = " + ".join(f"{n} x {m.text}" for n, m in zip(sizes[1:], means[1:], strict=True))
        text = f"({terms})/{total} = {decimal_text(middle, means[0].decimals + 1)}, printed {means[0].text}{tail}"
        mend = f"{means[0].like(middle)} for {means[0].text}, or a mean of a group"
        return [Finding(severity, "pooled mean", where, shown, text, mend, cells=cells)], 1
    if len(sds) != len(entries):
        return [], 1
    squared = (max(sds[0].low, Fraction(0)) ** 2, sds[0].high ** 2)
    bounds = [_pooled_variance(sizes[1:], means[1:], sds[1:], ddof) for ddof in (1, 0)]
    if all(largest < squared[0] or least > squared[1] for least, largest in bounds):
        hull = [_pooled_variance(some, means[1:], sds[1:], 1) for some in _with_missing(sizes[1:])] + bounds
        severity, tail = _severity(min(h[0] for h in hull) <= squared[1] and squared[0] <= max(h[1] for h in hull))
        root = (float(bounds[0][0] + bounds[0][1]) / 2) ** 0.5
        text = f"the groups' means and SDs pool to an SD of {root:.{sds[0].decimals + 1}f}, printed {sds[0].text}{tail}"
        mend = f"{root:.{sds[0].decimals}f} for {sds[0].text}, or an SD of a group"
        return [Finding(severity, "pooled SD", where, shown, text, mend, cells=cells)], 1
    return [], 1


def _with_missing(sizes: Sequence[int]) -> list[list[Fraction]]:
    """Return the sizes with one group thinned: a mean may be of fewer patients than the column holds."""
    thinned = [
        [Fraction(n) * (1 - MISSING) if i == position else Fraction(n) for i, n in enumerate(sizes)]
        for position in range(len(sizes))
    ]
    return [[Fraction(n) for n in sizes], *thinned]


def _severity(explained: bool) -> tuple[str, str]:
    return (
        (NOTE, f"; missing values in at most {float(MISSING):.0%} of a group would explain it")
        if explained
        else (INCONSISTENT, "")
    )


def _pooled_mean(sizes: Sequence[int | Fraction], means: Sequence[Printed]) -> tuple[Fraction, Fraction]:
    total = sum(sizes, Fraction(0))
    low = sum((n * m.low for n, m in zip(sizes, means, strict=True)), Fraction(0)) / total
    return low, low + sum((2 * n * m.half for n, m in zip(sizes, means, strict=True)), Fraction(0)) / total


def _pooled_variance(
    sizes: Sequence[int | Fraction], means: Sequence[Printed], sds: Sequence[Printed], ddof: int
) -> tuple[Fraction, Fraction]:
    """Return the bounds of the variance of all, within plus between groups, over the rounding intervals.

    `ddof` is 1 for SDs with n - 1 below, 0 for SDs with n below.
    """
    total = sum(sizes, Fraction(0))
    within = [
        sum(((n - ddof) * max(sd, Fraction(0)) ** 2 for n, sd in zip(sizes, side, strict=True)), Fraction(0))
        for side in ([sd.low for sd in sds], [sd.high for sd in sds])
    ]
    least = largest = Fraction(0)
    for (n1, m1), (n2, m2) in combinations(list(zip(sizes, means, strict=True)), 2):
        distance, slack = abs(m1.value - m2.value), m1.half + m2.half
        least += n1 * n2 * max(distance - slack, Fraction(0)) ** 2 / total
        largest += n1 * n2 * (distance + slack) ** 2 / total
    return (within[0] + least) / (total - ddof), (within[1] + largest) / (total - ddof)
