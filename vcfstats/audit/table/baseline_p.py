"""P values of a baseline table against every test that may have made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
from scipy.special import chdtrc, fdtrc, ndtr, ndtri, stdtr

from vcfstats.audit.table.characteristics import Baseline, Block, Variable
from vcfstats.audit.table.findings import INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.pvalues import PrintedP, categorical_candidates, categorical_statistics, continuous_candidates
from vcfstats.audit.table.sheets import Place

MISSING = Fraction(1, 10)  # share of a group's patients without a value that turns a contradiction of means into a note
_FAR = 0.5  # normal deviates between the p values of a t test and a rank test that would be remarkable
_LARGE = 5.0  # expected count from which chi-square tests are customary


def check_p_values(table: Baseline, totals: Mapping[int, int]) -> tuple[list[Finding], int, list[Place]]:
    """Flag p values that no candidate test gives: Pearson, Yates, Fisher; Student, Welch; for more groups their kin.

    Returns the findings, how many p values were looked at, and the cells that were held against one another.
    """
    findings: list[Finding] = []
    looked = 0
    places: list[Place] = []
    for number, block in enumerate(table.blocks):
        if block.p is None or len(block.groups) < 2:
            continue
        for variable in table.variables:
            p = variable.p.get(number)
            cells = (*table.at(variable, None, *block.groups), *table.p_at(variable, number))
            judged = False
            if p is not None and (found := _one(table, variable, number, p, totals)) is not None:
                looked, judged = looked + 1, True
                findings += [replace(finding, cells=cells) for finding in found]
            for position, level_p in variable.level_p.get(number, {}).items():
                counts = _counts(variable, block, totals, level=position)
                if counts is not None:
                    looked, judged = looked + 1, True
                    whole = _counts(variable, block, totals)
                    extra = categorical_candidates(whole) if whole is not None else {}
                    found = _judge(table, variable, level_p, counts, extra, line=position)
                    findings += [replace(finding, cells=cells) for finding in found]
            if number in variable.statistic:
                found, told = _check_statistic(table, variable, number, totals)
                findings += found
                if told:
                    looked, judged = looked + 1, True
                    places.append((table.order, variable.statistic[number].row, variable.statistic[number].column))
            if judged:
                places += cells
    return findings, looked, places


def _one(
    table: Baseline, variable: Variable, number: int, p: PrintedP, totals: Mapping[int, int]
) -> list[Finding] | None:
    block = table.blocks[number]
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
    text = f"{'; '.join(e.text for e in entries if e is not None)} with n = {', '.join(map(str, sizes))} give p: {shown}; printed {p.text}."
    mend = " or ".join(dict.fromkeys(_print_like(p, sum(limits) / 2) for limits in ranges.values()))
    fewer = [max(2, round(n * (1 - float(MISSING)))) for n in sizes]
    thinned = continuous_candidates(means, sds, fewer)
    if any(p.meets(min(ranges[name][0], thinned[name][0]), max(ranges[name][1], thinned[name][1])) for name in ranges):
        note = f"{text} Missing values in at most {float(MISSING):.0%} of the patients would explain it."
        return [Finding(NOTE, "p value", table.where(variable), p.text, note, f"{mend} for {p.text}")]
    statistic = variable.statistic.get(number)
    if statistic is not None and statistic.name in ("t", "F"):
        return [Finding(INCONSISTENT, "p value", table.where(variable), p.text, text, f"{mend} for {p.text}")]
    # A rank test of the same data gives another p, as a rule not far off in z.
    text += " A Mann-Whitney or Kruskal-Wallis p cannot be recomputed from means and SDs"
    if min(_distance(p, limits) for limits in ranges.values()) < _FAR:
        return [
            Finding(
                NOTE,
                "p value",
                table.where(variable),
                p.text,
                f"{text}; such a test may have given it.",
                f"{mend} for {p.text}, or the name of the test",
            )
        ]
    return [
        Finding(
            INCONSISTENT,
            "p value",
            table.where(variable),
            p.text,
            f"{text}, and would have to be far from these.",
            f"{mend} for {p.text}",
        )
    ]


def _distance(p: PrintedP, limits: tuple[float, float]) -> float:
    """Return how far a p value lies from a range, as a distance of two-sided normal deviates."""
    deviate = [float(-ndtri(min(max(value, 1e-12), 1.0) / 2)) for value in (p.low, p.high, *limits)]
    return max(deviate[1] - deviate[2], deviate[3] - deviate[0], 0.0)


def _check_statistic(
    table: Baseline, variable: Variable, number: int, totals: Mapping[int, int]
) -> tuple[list[Finding], bool]:
    """Hold a printed statistic against the counts, and against the p value with the degrees of freedom that it can have."""
    statistic, p, block = variable.statistic[number], variable.p.get(number), table.blocks[number]
    figure = statistic.figure
    low, high = max(float(figure.low), 0.0), float(figure.high)
    where = table.where(variable)
    cells = ((table.order, statistic.row, statistic.column), *table.p_at(variable, number))
    counts = _counts(variable, block, totals) if variable.kind == "count" else None
    findings: list[Finding] = []
    ranges: dict[str, tuple[float, float]] = {}
    sizes = [totals[column] for column in block.groups if column in totals]
    if counts is not None and statistic.name in ("", "chi-square", "z"):
        found = categorical_statistics(counts)
        values = {name: [value, value**0.5] for name, (value, _) in found.items()}
        slack = 1e-9 + 1e-6 * high
        if found and not any(low - slack <= v <= high + slack for pair in values.values() for v in pair):
            shown = ", ".join(f"{name} {value:.{figure.decimals + 1}f}" for name, (value, _) in found.items())
            text = f"counts {' | '.join(' '.join(map(str, row)) for row in counts)} give {shown}; printed {figure.text}"
            mend = f"{found['Pearson'][0]:.{figure.decimals}f} for {figure.text}, or a count"
            findings.append(
                Finding(
                    INCONSISTENT,
                    "statistic",
                    where,
                    figure.text,
                    text,
                    mend,
                    cells=(*cells, *table.at(variable, None, *block.groups)),
                )
            )
        if p is not None and any(p.meets(value, value) for value in categorical_candidates(counts).values()):
            return findings, bool(found)  # Fisher's p beside a chi-square statistic is customary
        for df in sorted({df for _, df in found.values()}):
            ranges[f"chi-square with {df} df"] = (float(chdtrc(df, high)), float(chdtrc(df, low)))
    elif variable.kind != "mean" or len(sizes) != len(block.groups) or min(sizes) < 2:
        return [], False
    if statistic.name in ("", "z"):
        ranges["z"] = (float(2 * ndtr(-high)), float(2 * ndtr(-low)))
    if counts is None and statistic.name in ("", "t") and len(sizes) == 2:
        widest, narrowest = sum(sizes) - 2, max(min(sizes) - 1, 1)  # Welch's df lie between
        ranges["t"] = (float(2 * stdtr(widest, -high)), float(2 * stdtr(narrowest, -low)))
    if counts is None and statistic.name in ("", "F") and len(sizes) >= 2:
        between, within = len(sizes) - 1, sum(sizes) - len(sizes)
        ranges["F"] = (
            0.9 * float(fdtrc(between, within, high)),
            min(1.1 * float(fdtrc(between, max(min(sizes) - 1, 1), low)), 1.0),
        )
    if p is None or not ranges or any(p.meets(*limits) for limits in ranges.values()):
        return findings, bool(ranges)
    shown = ", ".join(f"{name} {_p_range(*limits)}" for name, limits in ranges.items())
    text = f"a statistic of {figure.text} gives p: {shown}; printed {p.text}"
    findings.append(
        Finding(
            INCONSISTENT,
            "statistic and p",
            where,
            f"{figure.text}, {p.text}",
            text,
            "the statistic, its test, or the p value",
            cells=cells,
        )
    )
    return findings, True


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
    names = ("Pearson", "Yates", "Fisher", "likelihood ratio", "trend", "Kruskal-Wallis")
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
