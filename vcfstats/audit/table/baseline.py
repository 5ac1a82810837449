"""Checks of a baseline table: totals, percentages, sums over levels and groups, pooled means, p values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import pandas as pd

from vcfstats.audit.table.baseline_p import check_p_values
from vcfstats.audit.table.characteristics import Baseline, Block, Line, Variable, read_baseline, resolve, wholes
from vcfstats.audit.table.columns import cohort_name, plain
from vcfstats.audit.table.findings import INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.percentages import check_percentages
from vcfstats.audit.table.pooling import check_pooled

_AGREEING = 2  # variables whose levels must sum to one number before it is taken for the column's total


@dataclass
class Audited:
    """What the baseline tables gave."""

    tables: list[Baseline] = field(default_factory=list)
    totals: list[dict[int, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    frames: list[pd.DataFrame] = field(default_factory=list)
    seen: list[set[tuple[int, int]]] = field(default_factory=list)

    def saw(self, places: Iterable[tuple[int, int, int]]) -> None:
        """Note cells of the present table that a check held against others."""
        self.seen[-1] |= {(row, column) for _, row, column in places}


def audit_baseline(
    frames: Sequence[pd.DataFrame], *, n: Mapping[str, int], multiples: Mapping[str, int], columns: Mapping[str, str]
) -> Audited:
    """Run every check of the baseline tables.

    `n` holds the totals that are known, `multiples` the smallest totals recovered from performance tables (the true ones
    are multiples of them), `columns` what a column is said to be.
    """
    audit = Audited()
    for number, frame in enumerate(frames, start=1):
        title = str(frame.attrs.get("title", "")) or (
            f"baseline table {number}" if len(frames) > 1 else "baseline table"
        )
        table = read_baseline(frame, title)
        audit.frames.append(frame)
        audit.seen.append(set())
        sums = _level_sums(table)
        guesses = {column: total for column in table.headers if (total := _from_percentages(table, column)) is not None}
        labelled = {column: total for column, (_, total, _) in _expected(table, n, {}, columns).items()}
        summed = {column: _mode(counter)[0] for column, counter in sums.items() if counter}
        table = resolve(table, {**guesses, **labelled, **summed, **table.stated})
        sums = _level_sums(table)
        totals = _check_totals(audit, table, sums, n, multiples, columns)
        for block in table.blocks:
            _check_groups(audit, table, block, totals)
        for variable in table.variables:
            if variable.kind == "count":
                _check_levels(audit, table, variable, totals, sums)
                found, looked = check_percentages(table, variable, totals)
                audit.findings += found
                audit.checked["percentages"] += looked
                if looked:
                    audit.saw(
                        (table.order, line.number - 1, c)
                        for line in variable.lines
                        for c, e in line.entries.items()
                        if e.percent is not None and e.count is not None
                    )
            elif variable.kind == "median":
                _check_quartiles(audit, table, variable)
        findings, looked, places = check_p_values(table, totals)
        audit.findings += findings
        audit.saw(places)
        audit.checked["p values"] += looked
        audit.tables.append(table)
        audit.totals.append(totals)
    return audit


def _level_sums(table: Baseline) -> dict[int, Counter[int]]:
    """Count, by column, the sums of the levels of each variable that has all its levels printed."""
    sums: dict[int, Counter[int]] = {column: Counter() for column in table.headers}
    for variable in table.variables:
        if len(variable.lines) < 2:
            continue
        for column in table.headers:
            entries = [line.entries.get(column) for line in variable.lines]
            counts = [e.count for e in entries if e is not None and e.count is not None]
            if len(counts) != len(entries):
                continue
            shares = [e.percent for e in entries if e is not None and e.percent is not None]
            whole = sum((s.value for s in shares), Fraction(0))
            if shares and abs(whole - 1) > sum((s.half for s in shares), Fraction(0)) + Fraction(1, 200):
                continue  # not exclusive, or percentages of the rows
            sums[column][sum(counts)] += 1
    return sums


def _mode(sums: Counter[int]) -> tuple[int, int]:
    if not sums:
        return 0, 0
    return max(sums.items(), key=lambda item: (item[1], item[0]))


def _from_percentages(table: Baseline, column: int) -> int | None:
    """Return the one total that every count and percentage of a column share, where there is one."""
    pairs = [
        (e.count, e.percent)
        for v in table.variables
        for line in v.lines
        if (e := line.entries.get(column)) and e.count and e.percent
    ]
    if len(pairs) < 3:
        return None
    first, last = wholes(pairs)
    return first if first == last else None


def _expected(
    table: Baseline, n: Mapping[str, int], multiples: Mapping[str, int], columns: Mapping[str, str]
) -> dict[int, tuple[str, int, str]]:
    """Return by column what it is said to hold: cohort, total, and who says so."""
    said = {plain(header): cohort_name(cohort) for header, cohort in columns.items()}
    unknown = [header for header in columns if plain(header) not in {plain(h) for h in table.headers.values()}]
    if unknown and not any(plain(h) in said for h in table.headers.values()):
        raise ValueError(
            f"columns names {', '.join(map(repr, unknown))}; the baseline table has {', '.join(map(repr, table.headers.values()))}."
        )
    known = {**multiples, **n}
    expected: dict[int, tuple[str, int, str]] = {}
    nameless = []
    for column, header in table.headers.items():
        cohort = said.get(plain(header)) or cohort_name(header)
        if cohort in known:
            expected[column] = (cohort, known[cohort], f"labelled {cohort}")
        elif column in table.stated:
            expected[column] = (header, table.stated[column], "by its own heading")
        elif re.fullmatch(r"(col(umn)?|unnamed|group|v|x)? ?\d+( as printed)?", plain(header)):
            nameless.append(column)
    cohorts = [cohort for cohort in known if cohort != "all"]
    if nameless and len(nameless) == len(cohorts) and not expected.keys() & set(nameless):
        for column, cohort in zip(nameless, cohorts, strict=True):
            expected[column] = (
                cohort,
                known[cohort],
                f"without a name, read as {cohort} by its place among the columns",
            )
    if "all" not in known and len(n) > 1:
        for block in table.blocks:
            if block.everyone is not None and len(block.groups) == len(n) and block.everyone not in expected:
                expected[block.everyone] = ("all", sum(n.values()), f"labelled {table.headers[block.everyone]}")
    return expected


def _check_totals(
    audit: Audited,
    table: Baseline,
    sums: dict[int, Counter[int]],
    n: Mapping[str, int],
    multiples: Mapping[str, int],
    columns: Mapping[str, str],
) -> dict[int, int]:
    """Compare what the columns hold with what they are labelled as; return the totals to go on with."""
    expected = _expected(table, n, multiples, columns)
    totals: dict[int, int] = {}
    found: dict[int, tuple[int, str]] = {}
    for column in table.headers:
        total, votes = _mode(sums[column])
        if votes >= _AGREEING:
            found[column] = (total, f"the levels of {votes} variables sum to {total}")
        elif (single := _from_percentages(table, column)) is not None:
            found[column] = (single, f"only a total of {single} gives all its percentages")
        if column in found:
            totals[column] = found[column][0]
        elif column in expected and (expected[column][0] in n or column in table.stated):
            totals[column] = expected[column][1]
        elif votes:
            totals[column] = total
    wrong = {}
    for column, (cohort, total, _) in expected.items():
        if column not in found:
            continue
        audit.checked["column totals"] += 1
        value = found[column][0]
        exact = cohort in n or column in table.stated
        if value != total and (exact or value % total):
            wrong[column] = value
    for column, value in wrong.items():
        cohort, total, why = expected[column]
        owner = next((c for c, t in {**multiples, **n}.items() if t == value and c != cohort), "")
        swapped = next((o for o in wrong if o != column and expected[o][0] == owner), None)
        votes = sums[column][value]
        summed = sum(sums[column].values())
        text = f"{table.headers[column]} is {why}, n = {total}; {found[column][1]}{f', which is n of {owner}' if owner else ''}"
        if not owner and value < total and (votes < 3 or votes < summed):
            audit.findings.append(
                Finding(
                    NOTE,
                    "column total",
                    table.where_column(column),
                    str(value),
                    text + "; missing values would explain it",
                )
            )
            continue
        mend = (
            f"the headings of {table.headers[column]} and {table.headers[swapped]} exchanged"
            if swapped is not None
            else (f"{owner} for {cohort} in the heading" if owner else "the heading's n, or the counts")
        )
        audit.findings.append(
            Finding(INCONSISTENT, "column total", table.where_column(column), f"{value} patients", text, mend)
        )
    return totals


def _check_groups(audit: Audited, table: Baseline, block: Block, totals: Mapping[int, int]) -> None:
    """Check that the groups add up to the column of all of them: counts, and means and SDs pooled."""
    if block.everyone is None or len(block.groups) < 2:
        return
    columns = (block.everyone, *block.groups)
    sums = []
    for variable in table.variables:
        for line in variable.lines:
            entries = [line.entries.get(column) for column in columns]
            counts = [e.count for e in entries if e is not None and e.count is not None]
            if len(counts) == len(columns):
                sums.append((variable, line, counts))
    wrong = [(v, line, c) for v, line, c in sums if c[0] != sum(c[1:])]
    partition = (
        2 * len(wrong) <= len(sums)
        if sums
        else all(c in totals for c in columns) and totals[columns[0]] == sum(totals[c] for c in columns[1:])
    )
    audit.checked["sums over groups"] += len(sums)
    for variable, line, _ in sums:
        audit.saw(table.at(variable, line, *columns))
    if not partition:
        if sums:
            audit.findings.append(
                Finding(
                    NOTE,
                    "groups and all",
                    table.title,
                    "",
                    f"in {len(wrong)} of {len(sums)} lines the groups do not add up to {table.headers[columns[0]]}: no partition of it; not checked further",
                )
            )
        return
    for variable, line, counts in wrong:
        shown = " + ".join(map(str, counts[1:]))
        mend = f"{sum(counts[1:])} for {counts[0]} in {table.headers[columns[0]]}, or a count of a group"
        if isinstance(hint := _count_by_percentage(line, columns, totals), str):
            mend = hint
        audit.findings.append(
            Finding(
                INCONSISTENT,
                "groups and all",
                table.where(variable, line),
                f"{counts[0]}; {shown}",
                f"{shown} = {sum(counts[1:])}, not {counts[0]}",
                mend,
                cells=table.at(variable, line, *columns),
            )
        )
    if all(column in totals for column in columns) and totals[columns[0]] == sum(totals[c] for c in columns[1:]):
        for variable in table.variables:
            if variable.kind == "mean":
                for line in variable.lines:
                    found, looked = check_pooled(table, variable, line, columns, totals)
                    audit.findings += found
                    audit.checked["pooled means and SDs"] += looked
                    if looked:
                        audit.saw(table.at(variable, line, *columns))


def _count_by_percentage(line: Line, columns: Sequence[int], totals: Mapping[int, int]) -> str | None:
    """Name the count of a line that its own percentage contradicts."""
    for column in columns:
        entry = line.entries[column]
        if (
            entry.percent is not None
            and entry.count is not None
            and column in totals
            and not entry.percent.holds(Fraction(entry.count, totals[column]))
        ):
            count = round(entry.percent.value * totals[column])
            return f"{count} for {entry.count}, by its percentage {entry.percent.text}"
    return None


def _check_levels(
    audit: Audited, table: Baseline, variable: Variable, totals: Mapping[int, int], sums: Mapping[int, Counter[int]]
) -> None:
    """Compare the sum of a variable's levels with the column's total."""
    if len(variable.lines) < 2:
        return
    for column in table.headers:
        entries = [e for line in variable.lines if (e := line.entries.get(column)) is not None]
        counts = [e.count for e in entries if e.count is not None]
        if len(counts) != len(variable.lines) or column not in totals or sums[column][totals[column]] < _AGREEING:
            continue
        audit.checked["sums over levels"] += 1
        audit.saw(table.at(variable, None, column))
        summed, total = sum(counts), totals[column]
        shares = [e.percent for e in entries if e.percent is not None]
        whole = (
            abs(sum((s.value for s in shares), Fraction(0)) - 1) <= sum((s.half for s in shares), Fraction(0))
            if shares
            else False
        )
        text = f"{' + '.join(map(str, counts))} = {summed}, the column holds {total}"
        where = table.where(variable, None, column)
        if summed > total and (whole or not shares):
            audit.findings.append(
                Finding(
                    INCONSISTENT,
                    "sum over levels",
                    where,
                    "; ".join(e.text for e in entries),
                    text,
                    "a count of one level",
                    cells=table.at(variable, None, column),
                )
            )
        elif summed < total:
            audit.findings.append(
                Finding(
                    NOTE,
                    "sum over levels",
                    where,
                    "; ".join(e.text for e in entries),
                    f"{text}: {total - summed} missing, or another count",
                    cells=table.at(variable, None, column),
                )
            )


def _check_quartiles(audit: Audited, table: Baseline, variable: Variable) -> None:
    for line in variable.lines:
        for column, entry in line.entries.items():
            if entry.quartiles is None or entry.sd is None:
                continue
            audit.checked["quartiles"] += 1
            audit.saw(table.at(variable, line, column))
            low, high = entry.quartiles
            if not low.low <= entry.sd.high or not entry.sd.low <= high.high:
                audit.findings.append(
                    Finding(
                        INCONSISTENT,
                        "quartiles",
                        table.where(variable, line, column),
                        entry.text,
                        f"the median {entry.sd.text} lies outside {low.text} to {high.text}",
                        "the median or a limit",
                        cells=table.at(variable, line, column),
                    )
                )
