"""Printed confidence intervals: their centre, their width, and what the class counts allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vcfstats.audit.table.cells import Printed, decimal_text
from vcfstats.audit.table.cohorts import Recovery
from vcfstats.audit.table.columns import DERIVED, RATIOS
from vcfstats.audit.table.findings import IMPOSSIBLE, INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.reading import Row
from vcfstats.audit.table.rows import SHOWN

SYMMETRIC = ("delong", "wald", "hanley-mcneil")
METHODS = (*SYMMETRIC, "bootstrap", "logit", "exact", "other")
_USUAL = 0.8  # share of centred intervals from which a table without a stated method is taken to use a symmetric one
_SMALL, _LARGE = 0.5, 2.0  # ratio to Hanley and McNeil's standard error that is worth a note


@dataclass(frozen=True)
class StandardError:
    """What the interval of one row implies: the least and the largest SE over the rounding, and the two to compare with."""

    least: float
    printed: float
    largest: float
    delong_maximum: float
    hanley_mcneil: float


def centre_gap(estimate: Printed, low: Printed, high: Printed) -> Fraction:
    """Return by how much the interval's centre misses the estimate beyond what rounding explains; 0 where it need not."""
    centre = (low.value + high.value) / 2
    slack = estimate.half + (low.half + high.half) / 2
    return max(abs(centre - estimate.value) - slack, Fraction(0))


def is_clipped(estimate: Printed, low: Printed, high: Printed) -> bool:
    """Say whether a limit stands at 0 or 1, where methods cut it off."""
    return low.low <= 0 or high.high >= 1


def check_order(rows: Sequence[Row]) -> tuple[list[Finding], int]:
    """Flag limits in the wrong order, outside 0 to 1, or that leave the estimate outside."""
    findings, looked = [], 0
    for row in rows:
        for name, (low, high) in row.intervals.items():
            looked += 1
            where, shown = f"{row.where}, {SHOWN[name]} interval", f"{low.text}-{high.text}"
            proportion = name not in (*RATIOS, *DERIVED, "youden")
            estimate = row.cells.get(name)
            if low.low > high.high:
                findings.append(
                    Finding(
                        IMPOSSIBLE,
                        "interval order",
                        where,
                        shown,
                        f"the lower limit {low.text} is above the upper limit {high.text}",
                        "limits exchanged, or a digit of one",
                        cells=row.at(name),
                    )
                )
            elif proportion and high.low > 1:
                findings.append(
                    Finding(
                        IMPOSSIBLE, "range", where, shown, f"the upper limit {high.text} is above 1", cells=row.at(name)
                    )
                )
            elif estimate is not None and (estimate.high < low.low or estimate.low > high.high):
                findings.append(
                    Finding(
                        INCONSISTENT,
                        "interval order",
                        where,
                        f"{estimate.text} ({shown})",
                        f"{estimate.text} lies outside {shown}",
                        "the estimate or a limit",
                        cells=row.at(name),
                    )
                )
    return findings, looked


def check_centres(rows: Sequence[Row], method: str | None) -> tuple[list[Finding], int]:
    """Flag intervals of the AUC whose centre is not the AUC: DeLong's and Wald's are A - z SE to A + z SE.

    Flagged as inconsistent where `method` is symmetric; notes where no method is stated and most other intervals are
    centred; not looked at where the method need not be symmetric.
    """
    if method is not None and method not in SYMMETRIC:
        return [], 0
    usable = [(row, *row.intervals["auc"]) for row in rows if "auc" in row.cells and "auc" in row.intervals]
    usable = [
        (row, low, high)
        for row, low, high in usable
        if not is_clipped(row.cells["auc"], low, high) and low.value < high.value
    ]
    gaps = [centre_gap(row.cells["auc"], low, high) for row, low, high in usable]
    centred = sum(gap == 0 for gap in gaps)
    if method is None and (len(gaps) < 5 or centred < _USUAL * len(gaps)):
        return [], 0
    why = (
        f"intervals by {method} are symmetric"
        if method
        else f"{centred} of {len(gaps)} intervals are centred, as DeLong's are"
    )
    findings = []
    for (row, low, high), gap in zip(usable, gaps, strict=True):
        if not gap:
            continue
        auc = row.cells["auc"]
        centre = (low.value + high.value) / 2
        text = (
            f"centre ({low.text} + {high.text})/2 = {decimal_text(centre, auc.decimals + 1)}, AUC {auc.text}: "
            f"off by {decimal_text(abs(centre - auc.value), auc.decimals + 1)}, rounding explains {decimal_text(abs(centre - auc.value) - gap, auc.decimals + 1)}; {why}"
        )
        severity = INCONSISTENT if method else NOTE
        findings.append(
            Finding(
                severity,
                "interval off centre",
                f"{row.where}, AUC interval",
                f"{auc.text} ({low.text}-{high.text})",
                text,
                _centre_mends(auc, low, high),
                cells=row.at("auc"),
            )
        )
    return findings, len(usable)


def _centre_mends(auc: Printed, low: Printed, high: Printed) -> str:
    options = []
    if (value := 2 * auc.value - low.value) <= 1:
        options.append((_digits(high, value), f"upper limit about {high.like(value)} for {high.text}"))
    if (value := 2 * auc.value - high.value) >= 0:
        options.append((_digits(low, value), f"lower limit about {low.like(value)} for {low.text}"))
    value = (low.value + high.value) / 2
    options.append((_digits(auc, value), f"AUC about {auc.like(value)} for {auc.text}"))
    return "; or ".join(text for _, text in sorted(options, key=lambda option: option[0]))


def _digits(figure: Printed, value: Fraction) -> int:
    return sum(a != b for a, b in zip(figure.text.rjust(9), figure.like(value).rjust(9), strict=False))


def hanley_mcneil_se(auc: float, events: int, nonevents: int) -> float:
    """Return Hanley and McNeil's standard error of an AUC (1982, doi 10.1148/radiology.143.1.7063747)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (events - 1) * (q1 - auc**2) + (nonevents - 1) * (q2 - auc**2)
    return math.sqrt(max(variance, 0.0) / (events * nonevents))


def delong_maximum_se(auc: float, events: int, nonevents: int) -> float:
    """Return the largest standard error that DeLong's estimator can give: sqrt(A (1 - A) (1/(m-1) + 1/(n-1))).

    The placement values of a class lie in [0, 1] with mean A; their variance (denominator m - 1) is largest,
    A (1 - A) m / (m - 1), where each is 0 or 1. Infinite with fewer than two patients in a class.
    """
    if min(events, nonevents) < 2:
        return math.inf
    return math.sqrt(auc * (1 - auc) * (1 / (events - 1) + 1 / (nonevents - 1)))


def standard_error(row: Row, recovery: Recovery | None, z: float) -> StandardError | None:
    """Return the SE that a row's interval (or its printed SE) implies, and what the class counts allow."""
    if "auc" not in row.cells:
        return None
    auc = row.cells["auc"]
    if row.se is not None:
        least, middle, largest = float(row.se.low), float(row.se), float(row.se.high)
    elif "auc" in row.intervals:
        low, high = row.intervals["auc"]
        clipped_low, clipped_high = low.low <= 0, high.high >= 1
        if (clipped_low and clipped_high) or (low.value >= high.value and not (clipped_low or clipped_high)):
            return None
        if clipped_high:
            width, slack = auc.value - low.value, auc.half + low.half
        elif clipped_low:
            width, slack = high.value - auc.value, auc.half + high.half
        else:
            width, slack = (high.value - low.value) / 2, (low.half + high.half) / 2
        least, middle, largest = (max(float(v), 0.0) / z for v in (width - slack, width, width + slack))
    else:
        return None
    maximum = hanley = math.nan
    if recovery is not None and recovery.is_covered:
        nearest = (
            min(max(Fraction(1, 2), auc.low), auc.high)
            if auc.low <= Fraction(1, 2) <= auc.high
            else min((auc.low, auc.high), key=lambda a: abs(a - Fraction(1, 2)))
        )
        a = float(min(max(nearest, Fraction(0)), Fraction(1)))
        candidates = recovery.plausible if not recovery.given else [recovery.best]
        maximum = max(delong_maximum_se(a, int(recovery.m[i]), int(recovery.k[i])) for i in candidates)
        if recovery.is_settled:
            hanley = hanley_mcneil_se(min(float(auc), 1.0), recovery.events, recovery.nonevents)
    return StandardError(least, middle, largest, maximum, hanley)


def check_widths(recoveries: Sequence[Recovery], method: str | None, z: float) -> tuple[list[Finding], int]:
    """Flag an SE above DeLong's largest, and note one far from Hanley and McNeil's."""
    findings, looked = [], 0
    for recovery in recoveries:
        if not recovery.m.size:
            continue
        for row in recovery.members:
            if row.averaged:
                continue
            se = standard_error(row, recovery, z)
            if se is None:
                continue
            looked += 1
            where = f"{row.where}, AUC interval"
            shown = row.cells["auc"].text + (
                f" ({row.intervals['auc'][0].text}-{row.intervals['auc'][1].text})" if "auc" in row.intervals else ""
            )
            counts = f"{recovery.events} events, {recovery.nonevents} non-events"
            if se.least > se.delong_maximum * (1 + 1e-9):
                severity = {"delong": IMPOSSIBLE, None: NOTE}.get(method, INCONSISTENT if method in SYMMETRIC else NOTE)
                text = f"the interval implies SE >= {se.least:.4f}; with {counts} DeLong's is at most sqrt(A(1-A)(1/(m-1) + 1/(n-1))) = {se.delong_maximum:.4f}"
                findings.append(
                    Finding(
                        severity,
                        "SE above maximum",
                        where,
                        shown,
                        text,
                        "the interval, the AUC or the class counts",
                        cells=row.at("auc"),
                    )
                )
            elif math.isfinite(se.hanley_mcneil) and se.hanley_mcneil > 0 and float(row.cells["auc"]) < 0.99:
                ratio = se.printed / se.hanley_mcneil
                text = f"SE {se.printed:.4f} is {ratio:.2f} times Hanley and McNeil's {se.hanley_mcneil:.4f} ({counts})"
                if se.largest < _SMALL * se.hanley_mcneil:
                    findings.append(
                        Finding(NOTE, "small SE", where, shown, f"{text}: far below it", cells=row.at("auc"))
                    )
                elif se.least > _LARGE * se.hanley_mcneil:
                    findings.append(
                        Finding(NOTE, "large SE", where, shown, f"{text}: far above it", cells=row.at("auc"))
                    )
    return findings, looked
