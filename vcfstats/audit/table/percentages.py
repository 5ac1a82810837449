"""Percentages of a baseline table against the counts beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from vcfstats.audit.table.cells import Printed, decimal_text, printed
from vcfstats.audit.table.characteristics import Baseline, Entry, Line, Variable, wholes
from vcfstats.audit.table.findings import INCONSISTENT, NOTE, Finding


def check_percentages(table: Baseline, variable: Variable, totals: Mapping[int, int]) -> tuple[list[Finding], int]:
    """Compare each percentage with its count over the column's total, over the levels' sum, or over the whole row."""
    if _row_percentages(table, variable):
        return [], 0
    findings: list[Finding] = []
    looked = 0
    for column in table.headers:
        lines = [(line, e) for line in variable.lines if (e := line.entries.get(column)) is not None]
        pairs = [(line, e, e.count, e.percent) for line, e in lines if e.count is not None and e.percent is not None]
        if not pairs:
            continue
        looked += len(pairs)
        summed = sum(count for _, _, count, _ in pairs)
        options = [d for d in (totals.get(column), summed if len(pairs) > 1 else None) if d]
        options += [e.total for _, e, _, _ in pairs if e.total]
        misses = {
            d: [(line, e, c, s) for line, e, c, s in pairs if not s.holds(Fraction(c, e.total or d))]
            for d in dict.fromkeys(options)
        }
        if any(not wrong for wrong in misses.values()):
            continue
        largest = max(count for _, _, count, _ in pairs)
        ceiling = totals.get(column, 0)
        first, last = wholes([(count, share) for _, _, count, share in pairs])
        fewer = min(last, ceiling - 1)
        shared = fewer if fewer >= max(first, largest, ceiling // 2, 1) else 0
        if shared and (len(pairs) > 1 or not misses):
            continue  # one smaller total, that of the patients without missing values, gives all levels
        if not misses:
            continue
        total, wrong = min(misses.items(), key=lambda item: len(item[1]))
        for line, entry, count, share in wrong:
            findings.append(_percentage_finding(table, variable, line, entry, count, share, column, total, shared))
    return findings, looked


def _percentage_finding(
    table: Baseline,
    variable: Variable,
    line: Line,
    entry: Entry,
    count: int,
    share: Printed,
    column: int,
    total: int,
    shared: int,
) -> Finding:
    total = entry.total or total
    value = Fraction(count, total) * 100
    number = printed(re.sub(r"[^\d.]", "", share.text) or "0")
    right = decimal_text(value, number.decimals)
    other = round(share.value * total)
    mend = f"{right}% for {number.text}%"
    if share.holds(Fraction(other, total)):
        mend += f", or {other} for {count}"
    text = f"{count}/{total} = {decimal_text(value, number.decimals + 1)}%, printed {number.text}%"
    where, cells = table.where(variable, line, column), table.at(variable, line, column)
    if shared:
        note = f"{text}; {count}/{shared} would give it ({total - shared} missing?)"
        return Finding(NOTE, "percentage", where, entry.text, note, mend, cells=cells)
    return Finding(INCONSISTENT, "percentage", where, entry.text, text, mend, cells=cells)


def _row_percentages(table: Baseline, variable: Variable) -> bool:
    """Say whether the percentages of a variable run along the rows (of each level's patients)."""
    hits = misses = 0
    for block in table.blocks:
        for line in variable.lines:
            entries = [e for column in block.groups if (e := line.entries.get(column)) is not None]
            if (
                block.everyone is not None
                and (everyone := line.entries.get(block.everyone)) is not None
                and everyone.count
            ):
                whole = everyone.count
            else:
                whole = sum(e.count or 0 for e in entries)
            for entry in entries:
                if entry.count is not None and entry.percent is not None and whole:
                    hit = entry.percent.holds(Fraction(entry.count, whole))
                    hits, misses = hits + hit, misses + (not hit)
    return hits > 3 * misses
