"""Intervals of sensitivities, specificities and the like against the counts behind them: which method gives them, if any."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from scipy.special import betaincinv, ndtri

from vcfstats.audit.table.cells import Printed
from vcfstats.audit.table.cohorts import Recovery
from vcfstats.audit.table.counts import list_matrices
from vcfstats.audit.table.findings import NOTE, Finding
from vcfstats.audit.table.reading import Row
from vcfstats.audit.table.rows import SHOWN
from vcfstats.audit.table.sheets import Place

_NARROW, _WIDE = 0.6, 1.8  # of the narrowest and the widest interval of any method: beyond what resampling does
_MOST_MATRICES = 50
_MANY = 4
_MOST_COUNTS = 5
# rate -> its numerator and denominator among (TP, FP, FN, TN)
_PARTS = {
    "sensitivity": ((0,), (0, 2)),
    "specificity": ((3,), (1, 3)),
    "ppv": ((0,), (0, 1)),
    "npv": ((3,), (2, 3)),
    "accuracy": ((0, 3), (0, 1, 2, 3)),
}


@lru_cache(maxsize=20_000)
def limits(count: int, total: int, level: float) -> dict[str, tuple[float, float]]:
    """Return the interval of a proportion by each method in common use."""
    z = float(ndtri(0.5 + level / 2))
    p, n, tail = count / total, total, (1 - level) / 2
    wald = z * math.sqrt(p * (1 - p) / n)
    middle, spread = (
        (p + z * z / (2 * n)) / (1 + z * z / n),
        z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n),
    )
    added = z * math.sqrt(middle * (1 - middle) / (n + z * z))
    found = {
        "Wald": (p - wald, p + wald),
        "Wald, corrected": (p - wald - 0.5 / n, p + wald + 0.5 / n),
        "Wilson": (middle - spread, middle + spread),
        "Agresti-Coull": (middle - added, middle + added),
        "Clopper-Pearson": (_beta(count, total - count + 1, tail, 0.0), _beta(count + 1, total - count, 1 - tail, 1.0)),
        "Jeffreys": (
            0.0 if not count else _beta(count + 0.5, total - count + 0.5, tail, 0.0),
            1.0 if count == total else _beta(count + 0.5, total - count + 0.5, 1 - tail, 1.0),
        ),
        "Wilson, corrected": _corrected_wilson(count, total, z),
    }
    if 0 < count < total:
        odds, se = math.log(p / (1 - p)), math.sqrt(1 / (n * p * (1 - p)))
        found["logit"] = (1 / (1 + math.exp(z * se - odds)), 1 / (1 + math.exp(-odds - z * se)))
    return {name: (max(low, 0.0), min(high, 1.0)) for name, (low, high) in found.items()}


def _beta(a: float, b: float, share: float, end: float) -> float:
    return float(betaincinv(a, b, share)) if a > 0 and b > 0 else end


def _corrected_wilson(count: int, total: int, z: float) -> tuple[float, float]:
    p, n, zz = count / total, total, z * z
    low = (2 * n * p + zz - 1 - z * math.sqrt(max(zz - 2 - 1 / n + 4 * p * (n * (1 - p) + 1), 0))) / (2 * (n + zz))
    high = (2 * n * p + zz + 1 + z * math.sqrt(max(zz + 2 - 1 / n + 4 * p * (n * (1 - p) - 1), 0))) / (2 * (n + zz))
    return (0.0 if not count else low), (1.0 if count == total else high)


def check_rate_intervals(recoveries: Sequence[Recovery], level: float) -> tuple[list[Finding], int, set[Place]]:
    """Note intervals far narrower or wider than any method gives with the counts, and one that alone departs from a method.

    Notes only: intervals by bootstrap or profile likelihood are none of these methods'.
    """
    judged: list[tuple[Row, str, tuple[int, int], list[str]]] = []
    seen: set[Place] = set()
    for recovery in recoveries:
        for row in recovery.members:
            for name in _PARTS:
                if name not in row.intervals or row.averaged:
                    continue
                options = _counts(row, name, recovery)
                if not options:
                    continue
                low, high = row.intervals[name]
                fits = {
                    option: [
                        m
                        for m, pair in limits(*option, level).items()
                        if _meets(low, pair[0]) and _meets(high, pair[1])
                    ]
                    for option in options
                }
                best = max(options, key=lambda option: (len(fits[option]), option[1]))
                judged.append((row, name, best, fits[best]))
                seen |= set(row.at(name))
    findings = []
    methods = Counter(method for *_, met in judged for method in met)
    common, count = methods.most_common(1)[0] if methods else ("", 0)
    for row, name, (part, total), methods_met in judged:
        if methods_met:
            continue
        low, high = row.intervals[name]
        known = limits(part, total, level)
        widths = [b - a for a, b in known.values()]
        slack = float(low.half + high.half)
        width = float(high.value - low.value)
        pair = known["Clopper-Pearson"]
        shown = f"{row.cells[name].text if name in row.cells else part / total} ({low.text}-{high.text})"
        start = f"{SHOWN[name]} {part}/{total} has {pair[0]:.3f} to {pair[1]:.3f} by Clopper and Pearson"
        if width + slack < _NARROW * min(widths):
            text = f"{start}; the printed interval is {width / min(widths):.2f} times as wide as the narrowest of {len(known)} methods"
        elif width - slack > _WIDE * max(widths):
            text = f"{start}; the printed interval is {width / max(widths):.2f} times as wide as the widest of {len(known)} methods"
        elif count >= 5 and count >= 0.8 * len(judged):
            text = (
                f"{start}; {count} of {len(judged)} intervals are those of {common}, this is that of no method ({common} {known[common][0]:.3f} to {known[common][1]:.3f})"
                if common in known
                else ""
            )
        else:
            text = ""
        if text:
            findings.append(
                Finding(
                    NOTE,
                    "interval of a rate",
                    f"{row.where}, {SHOWN[name]} interval",
                    shown,
                    text,
                    "the interval, or say how it was made",
                    cells=row.at(name),
                )
            )
    return _together(findings, len(judged)), len(judged), seen


def _together(findings: list[Finding], judged: int) -> list[Finding]:
    """Say once what holds of many intervals: a method of its own, not so many slips."""
    if len(findings) < _MANY:
        return findings
    text = f"{len(findings)} of {judged} intervals are those of no method with the counts behind the rates; for one, {findings[0].where}: {findings[0].arithmetic}"
    cells = tuple(dict.fromkeys(place for finding in findings for place in finding.cells))
    return [
        Finding(
            NOTE,
            "interval of a rate",
            f"{len(findings)} intervals",
            "",
            text,
            "say how the intervals were made",
            cells=cells,
        )
    ]


def _meets(figure: Printed, value: float) -> bool:
    return float(figure.low) - 1e-9 <= value <= float(figure.high) + 1e-9


def _counts(row: Row, name: str, recovery: Recovery) -> list[tuple[int, int]]:
    """Return the counts that may stand behind a rate: those in its cell, or those of every matrix that prints as the row."""
    if name in row.fractions:
        return [row.fractions[name]] if 0 < row.fractions[name][1] >= row.fractions[name][0] else []
    pairs = [recovery.best] if recovery.given else [int(i) for i in recovery.plausible]
    if (
        (not recovery.is_covered and not recovery.given)
        or len(pairs) > _MOST_COUNTS
        or row not in recovery.rows
        or not row.rates
    ):
        return []
    matrices = [
        matrix for i in pairs
        for matrix in list_matrices(row.rates, int(recovery.m[i]), int(recovery.k[i]), known=row.matrix_cells, limit=_MOST_MATRICES)
    ]  # fmt: skip
    if len(matrices) >= _MOST_MATRICES:
        return []
    above, below = _PARTS[name]
    found = {(sum(m[i] for i in above), sum(m[i] for i in below)) for m in matrices}
    return sorted((part, total) for part, total in found if total)
