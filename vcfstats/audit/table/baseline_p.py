"""P values of a baseline table against every test that may have made them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from vcfstats.audit.table.characteristics import Baseline, Block, Variable
from vcfstats.audit.table.findings import INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.pvalues import PrintedP, categorical_candidates, continuous_candidates

MISSING = Fraction(1, 10)  # share of a group's patients without a value that turns a contradiction of means into a note
_LARGE = 5.0  # expected count from which chi-square tests are customary


def check_p_values(table: Baseline, totals: Mapping[int, int]) -> tuple[list[Finding], int]:
    """Flag p values that no candidate test gives: Pearson, Yates, Fisher; Student, Welch; for more groups their kin."""
    findings: list[Finding] = []
    looked = 0
    for number, block in enumerate(table.blocks):
        if block.p is None or len(block.groups) < 2:
            continue
        for variable in table.variables:
            p = variable.p.get(number)
            if p is not None:
                found = _one(table, variable, block, p, totals)
                looked += found is not None
                findings += found or []
            for position, level_p in variable.level_p.get(number, {}).items():
                counts = _counts(variable, block, totals, level=position)
                if counts is not None:
                    looked += 1
                    whole = _counts(variable, block, totals)
                    extra = categorical_candidates(whole) if whole is not None else {}
                    findings += _judge(table, variable, level_p, counts, extra, line=position)
    return findings, looked


def _one(
    table: Baseline, variable: Variable, block: Block, p: PrintedP, totals: Mapping[int, int]
) -> list[Finding] | None:
    if variable.kind == "count":
        counts = _counts(variable, block, totals)
        return None if counts is None else _judge(table, variable, p, counts, {})
    if variable.kind != "mean" or len(variable.lines) != 1:
        return None
    entries = [variable.lines[0].entries.get(column) for column in block.groups]
    means = [e.mean for e in entries if e is not None and e.mean is not None]
    sds = [e.sd for e in entries if e is not None and e.sd is not None]
    sizes = [totals[column] for column in block.groups if column in totals]
    if (
        not len(means) == len(sds) == len(sizes) == len(block.groups)
        or min(sizes) < 2
        or all(s.units == 0 for s in sds)
    ):
        return None
    ranges = continuous_candidates(means, sds, sizes)
    if any(p.meets(*limits) for limits in ranges.values()):
        return []
    shown = ", ".join(f"{name} {_p_range(*limits)}" for name, limits in ranges.items())
    text = f"{'; '.join(e.text for e in entries if e is not None)} with n = {', '.join(map(str, sizes))} give p: {shown}; printed {p.text}. (A Mann-Whitney or Kruskal-Wallis p cannot be recomputed from means and SDs.)"
    mend = " or ".join(dict.fromkeys(_print_like(p, sum(limits) / 2) for limits in ranges.values()))
    fewer = [max(2, round(n * (1 - float(MISSING)))) for n in sizes]
    thinned = continuous_candidates(means, sds, fewer)
    if any(p.meets(min(ranges[name][0], thinned[name][0]), max(ranges[name][1], thinned[name][1])) for name in ranges):
        note = f"{text} Missing values in at most {float(MISSING):.0%} of the patients would explain it."
        return [Finding(NOTE, "p value", table.where(variable), p.text, note, f"{mend} for {p.text}")]
    return [Finding(INCONSISTENT, "p value", table.where(variable), p.text, text, f"{mend} for {p.text}")]


def _counts(
    variable: Variable, block: Block, totals: Mapping[int, int], level: int | None = None
) -> list[list[int]] | None:
    """Return the levels x groups table of counts; a variable of one line is set against its complement."""
    lines = variable.lines if level is None else (variable.lines[level],)
    rows = []
    for line in lines:
        entries = [line.entries.get(column) for column in block.groups]
        counts = [
            _count(e.count, e.percent, totals.get(c)) if e is not None else None
            for e, c in zip(entries, block.groups, strict=True)
        ]
        if any(count is None for count in counts):
            return None
        rows.append([int(count) for count in counts if count is not None])
    if len(rows) > 1:
        return rows
    rest = []
    for position, column in enumerate(block.groups):
        entry = lines[0].entries[column]
        total = entry.total or totals.get(column)
        if total is None or total < rows[0][position]:
            return None
        if entry.percent is not None and not entry.percent.holds(Fraction(rows[0][position], total)):
            return None  # another total stands behind the percentage: nothing to test
        rest.append(total - rows[0][position])
    return [rows[0], rest]


def _count(count: int | None, percent: object, total: int | None) -> int | None:
    if count is not None or percent is None or total is None:
        return count
    low, high = percent.low * total, percent.high * total  # type: ignore[attr-defined]
    first = -((-low) // 1)
    return int(first) if first <= high < first + 1 else None


def _judge(
    table: Baseline,
    variable: Variable,
    p: PrintedP,
    counts: list[list[int]],
    extra: Mapping[str, float],
    line: int | None = None,
) -> list[Finding]:
    candidates = categorical_candidates(counts)
    if not candidates:
        return []
    if any(p.meets(value, value) for value in (*candidates.values(), *extra.values())):
        return []
    names = ("Pearson", "Yates", "Fisher", "likelihood ratio", "trend")
    shown = ", ".join(f"{name} {_p_text(candidates[name])}" for name in names if name in candidates)
    where = table.where(variable, variable.lines[line] if line is not None else None)
    text = f"counts {' | '.join(' '.join(map(str, row)) for row in counts)} give p: {shown}; printed {p.text}"
    array = np.asarray(counts, dtype=float)
    least = (np.outer(array.sum(axis=1), array.sum(axis=0)) / max(array.sum(), 1)).min()
    if "Fisher" not in candidates and least < _LARGE:
        return [
            Finding(NOTE, "p value", where, p.text, f"{text}; Fisher's exact test of this table was not enumerated")
        ]
    mend = " or ".join(
        dict.fromkeys(_print_like(p, candidates[name]) for name in ("Pearson", "Yates", "Fisher") if name in candidates)
    )
    return [Finding(INCONSISTENT, "p value", where, p.text, text, f"{mend} for {p.text}, or a count")]


def _p_text(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.1e}"


def _p_range(low: float, high: float) -> str:
    return _p_text(low) if _p_text(low) == _p_text(high) else f"{_p_text(low)} to {_p_text(high)}"


def _print_like(p: PrintedP, value: float) -> str:
    places = p.figure.decimals if p.figure is not None else 3
    return f"{value:.{places}f}" if value >= 0.5 * 10**-places else f"<{10**-places:.{places}f}"
