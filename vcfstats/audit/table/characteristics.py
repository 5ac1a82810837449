"""Baseline tables as frames turned into variables: counts with percentages, means with SDs, the p values beside them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import pandas as pd

from vcfstats.audit.table.cells import Printed, clean, is_missing, number_text, printed
from vcfstats.audit.table.columns import cohort_name, plain, stated_n
from vcfstats.audit.table.printed_tests import Statistic, read_statistic, statistic_name
from vcfstats.audit.table.pvalues import PrintedP, read_p

_N = r"(?:\d+(?:\.\d+)?|\.\d+)"
_VARIABLE = r"variables?|characteristics?|features?|parameters?|factors?|clinical (characteristics?|features?|variables?|factors?)|items?|covariates?|predictors?|demographics?|index|indicators?"
_LEVEL = r"levels?|category|categories|subgroups?|class|values?|subcategory"
_STATISTIC = r"statistics?|summary|type|measure|unit|format"
_P = r"p|p ?values?|p wert|p val|p for .*|pvalue|p .*value|significance|sig"
_OTHER = r"smd|standardi[sz]ed .*|.*\bchi\b.*|x2|t|z|f|u|t value|z value|(statistical )?tests?|test (statistics?|values?)|or|odds ratio.*|.*\bci\b.*|hr|method|ref.*|notes?|missing.*|difference.*|effect.*|df|statistic value|t x2.*"
_HINTS = (
    ("median", r"median|iqr|quartile|range|\bq1\b|interquartile"),
    ("mean", r"mean|±|\bsd\b|standard deviation|average"),
    ("count", r"\bn\b ?\(|n ?\(?%|no\.|%|count|number|percent|proportion|frequency"),
)


@dataclass(frozen=True)
class Entry:
    """One cell: a count with its percentage, or a mean with its SD, or a median with its quartiles."""

    text: str
    count: int | None = None
    percent: Printed | None = None
    total: int | None = None
    mean: Printed | None = None
    sd: Printed | None = None
    quartiles: tuple[Printed, Printed] | None = None

    @property
    def is_ambiguous(self) -> bool:
        """True for "63 (13)", which may be a count with a percentage or a mean with an SD."""
        return self.count is not None and self.mean is not None


@dataclass(frozen=True)
class Line:
    """One line of the table: a level of a variable, or a variable of one line."""

    number: int
    level: str
    entries: dict[int, Entry]


@dataclass(frozen=True)
class Variable:
    """A variable with its lines and, by block of columns, its printed p values (and those of single levels)."""

    name: str
    lines: tuple[Line, ...]
    p: dict[int, PrintedP] = field(default_factory=dict)
    level_p: dict[int, dict[int, PrintedP]] = field(default_factory=dict)
    p_rows: tuple[int, ...] = ()
    statistic: dict[int, Statistic] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """``count``, ``mean``, ``median`` or empty: what the lines hold."""
        found = [entry for line in self.lines for entry in line.entries.values()]
        if found and all(entry.mean is not None and entry.count is None for entry in found):
            return "mean"
        if found and all(entry.count is not None or entry.percent is not None for entry in found):
            return "count"
        return "median" if any(entry.quartiles for entry in found) else ""


@dataclass(frozen=True)
class Block:
    """Group columns that belong to one p value, with the column of all of them."""

    groups: tuple[int, ...]
    everyone: int | None
    p: int | None
    statistic: int | None = None


@dataclass(frozen=True)
class Baseline:
    """A baseline table: its variables, its blocks of columns and the columns' names and stated totals."""

    title: str
    headers: dict[int, str]
    stated: dict[int, int]
    blocks: tuple[Block, ...]
    variables: tuple[Variable, ...]
    label_columns: tuple[int, ...] = (0,)
    count_lines: tuple[int, ...] = ()
    order: int = 0

    def at(self, variable: Variable, line: Line | None = None, *columns: int) -> tuple[tuple[int, int, int], ...]:
        """Return where the figures of a variable, or of one of its lines, stand."""
        lines = variable.lines if line is None else (line,)
        return tuple(
            (self.order, one.number - 1, c) for one in lines for c in (columns or one.entries) if c in one.entries
        )

    def p_at(self, variable: Variable, block: int) -> tuple[tuple[int, int, int], ...]:
        """Return where a variable's p value stands."""
        column = self.blocks[block].p
        return () if column is None else tuple((self.order, row, column) for row in variable.p_rows)

    def where(self, variable: Variable, line: Line | None = None, column: int | None = None) -> str:
        """Name a place in the table."""
        level = line.level if line is not None else ""
        row = f"{self.title + ', ' if self.title else ''}{variable.name}{': ' + level if level else ''}"
        return f"{row}, {self.headers[column]}" if column is not None else row

    def where_column(self, column: int) -> str:
        """Name a column of the table."""
        return f"{self.title + ', ' if self.title else ''}column {self.headers[column]}"


def read_baseline(frame: pd.DataFrame, title: str) -> Baseline:
    """Return a baseline table's variables.

    Raises
    ------
    ValueError
        No column with counts or means.
    """
    names = [plain(header) for header in frame.columns]
    values = [frame.iloc[:, position].tolist() for position in range(frame.shape[1])]
    variable = _first(names, _VARIABLE, default=0)
    level = _first(names, _LEVEL, avoid={variable})
    statistic = _first(names, _STATISTIC, avoid={variable, level})
    taken = {variable, level, statistic}
    p_columns = [i for i, name in enumerate(names) if i not in taken and re.fullmatch(_P, re.sub(r" ?\*$", "", name))]
    groups = [
        i for i, name in enumerate(names)
        if i not in taken and i not in p_columns and not re.fullmatch(_OTHER, name) and not re.search(r"[χ²]", str(frame.columns[i]))
        and any(_entry(v, "") is not None for v in values[i])
    ]  # fmt: skip
    if not groups:
        raise ValueError("no column of the baseline table holds counts (105 (44.9)) or means (63.3 ± 13.4).")
    headers = {i: " ".join(clean(str(frame.columns[i])).split()) or f"column {i + 1}" for i in groups}
    stated = {i: n for i in groups if (n := stated_n(frame.columns[i])) is not None}
    blocks = _with_statistics(_blocks(groups, p_columns, headers), names, frame)
    variables = _variables(values, variable, level, statistic, groups, blocks, [str(h) for h in frame.columns])
    kept, counted = [], []
    for candidate in variables:
        if (
            re.fullmatch(
                r"n|no( of patients)?|number( of patients)?|total|patients|sample size|n total", plain(candidate.name)
            )
            and len(candidate.lines) == 1
        ):
            for column, entry in candidate.lines[0].entries.items():
                if entry.count is not None:
                    stated.setdefault(column, entry.count)
            counted.append(candidate.lines[0].number - 1)
            continue
        kept.append(candidate)
    labels = tuple(i for i in (variable, level, statistic) if i is not None)
    return Baseline(
        title, headers, stated, blocks, tuple(kept), labels, tuple(counted), int(frame.attrs.get("order", 0))
    )


def is_recognised(heading: str) -> bool:
    """Say whether a column of a baseline table holds what is known and not checked: a statistic, a ratio, a remark."""
    return bool(re.fullmatch(_OTHER, plain(heading)) or re.search(r"[χ²]", heading))


def resolve(baseline: Baseline, totals: dict[int, int]) -> Baseline:
    """Settle "63 (13)": a count where 13 is its percentage of a column's patients, else a mean with its SD."""
    settled = []
    for variable in baseline.variables:
        unclear = [(e, c) for line in variable.lines for c, e in line.entries.items() if e.is_ambiguous]
        if not unclear:
            settled.append(variable)
            continue
        known = [(e, totals[c]) for e, c in unclear if totals.get(c)]
        if known:
            as_count = 2 * sum(_is_share(e, total) for e, total in known) >= len(known)
        else:  # a mean has the decimals of its SD; a count has none beside its percentage's
            as_count = any(e.sd is not None and e.sd.decimals > 0 for e, _ in unclear)
        as_count |= len(variable.lines) > 1
        lines = tuple(
            replace(line, entries={c: _settle(e, as_count) if e.is_ambiguous else e for c, e in line.entries.items()})
            for line in variable.lines
        )
        settled.append(replace(variable, lines=lines))
    return replace(baseline, variables=tuple(settled))


def _is_share(entry: Entry, total: int) -> bool:
    """Say whether the second figure is the first one's percentage of all patients, or of those without a missing value."""
    if entry.percent is None or entry.count is None:
        return False
    first, last = wholes([(entry.count, entry.percent)])
    return max(first, entry.count, total // 2, 1) <= min(last, total)


def wholes(pairs: Sequence[tuple[int, Printed]]) -> tuple[int, int]:
    """Return the smallest and the largest number of patients of which every count is its printed percentage.

    A count c printed as a share between a and b is of c / b to c / a patients; empty where the first exceeds the last.
    """
    first, last = 1, 10**9
    for count, share in pairs:
        low, high = max(share.low, Fraction(0)), share.high
        if count == 0:
            if low > 0:
                return 1, 0
            continue
        first = max(first, math.ceil(count / high))
        last = min(last, math.floor(count / low)) if low > 0 else last
    return first, last


def _settle(entry: Entry, as_count: bool) -> Entry:
    return replace(entry, mean=None, sd=None) if as_count else replace(entry, count=None, percent=None)


def _with_statistics(blocks: tuple[Block, ...], names: list[str], frame: pd.DataFrame) -> tuple[Block, ...]:
    """Give each block the column of test statistics that stands beside its p values."""
    found = []
    for block in blocks:
        beside = (
            []
            if block.p is None
            else [
                i
                for i in (block.p - 1, block.p + 1)
                if 0 <= i < len(names) and i not in (*block.groups, block.everyone)
            ]
        )
        column = next((i for i in beside if statistic_name(names[i], str(frame.columns[i])) is not None), None)
        found.append(replace(block, statistic=column))
    return tuple(found)


def _blocks(groups: list[int], p_columns: list[int], headers: dict[int, str]) -> tuple[Block, ...]:
    everyone = [i for i in groups if cohort_name(headers[i]) == "all"]
    blocks = []
    start = 0
    for position, p in enumerate([*p_columns, None]):
        inside = [i for i in groups if i >= start and (p is None or i < p)]
        start = p + 1 if p is not None else start
        if p is None and p_columns:
            continue
        # Two columns of p values side by side compare pairs of groups that the table does not name.
        following = p_columns[position + 1] if p is not None and position + 1 < len(p_columns) else None
        if p is not None and following is not None and not any(p < i < following for i in groups):
            p = None
        total = next((i for i in inside if i in everyone), None)
        members = tuple(i for i in inside if i not in everyone)
        if members:
            blocks.append(Block(members, total, p))
    return tuple(blocks)


def _variables(
    values: list[list[Any]],
    variable: int,
    level: int | None,
    statistic: int | None,
    groups: list[int],
    blocks: tuple[Block, ...],
    heads: list[str],
) -> list[Variable]:
    found: list[dict[str, Any]] = []
    current: dict[str, Any] | None = None
    last_name = ""
    for index in range(len(values[variable])):
        raw = values[variable][index]
        name = "" if is_missing(raw) and clean(str(raw)) in ("", "nan", "None") else clean(str(raw))
        level_name = (
            clean(str(values[level][index])) if level is not None and not is_missing(values[level][index]) else ""
        )
        hint = _hint(
            " ".join(
                [
                    str(values[statistic][index]) if statistic is not None else "",
                    name,
                    level_name,
                    current["name"] if current else "",
                ]
            )
        )
        if statistic is None:
            hint = _hint(f"{name} {level_name}") or (
                _hint(current["name"]) if current and not current["closed"] else ""
            )
        labels = f"{name} {level_name} {last_name}"
        entries = {g: e for g in groups if (e := _entry(values[g][index], hint, slashes="/" in labels)) is not None}
        p = {
            b: read
            for b, block in enumerate(blocks)
            if block.p is not None
            and not is_missing(values[block.p][index])
            and (read := read_p(values[block.p][index]))
        }
        own = name or last_name
        tests = {
            b: one
            for b, block in enumerate(blocks)
            if block.statistic is not None
            and (one := read_statistic(values[block.statistic][index], heads[block.statistic], index, block.statistic))
        }
        if level is not None:
            if current is None or (name and name != current["name"]):
                current = {"name": own, "lines": [], "p": {}, "level_p": {}, "closed": False}
                found.append(current)
        elif not entries:
            current = {"name": name, "lines": [], "p": {}, "level_p": {}, "closed": False}
            found.append(current)
        elif current is None or current["closed"] or not _continues(current, entries, p):
            current = {"name": name, "lines": [], "p": {}, "level_p": {}, "closed": True}
            found.append(current)
        else:
            level_name = name
        last_name = own
        for b, test in tests.items():
            current.setdefault("tests", {}).setdefault(b, test)
        if not entries:
            current["p"].update(p)
            if p:
                current.setdefault("p_rows", []).append(index)
            continue
        current["lines"].append((index, level_name, entries, p))
    return [_variable(item) for item in found if item["lines"]]


def _continues(current: dict[str, Any], entries: dict[int, Entry], p: dict[int, PrintedP]) -> bool:
    """Say whether a line without an own heading is one more level of the heading above it."""
    if any(entry.count is None and entry.percent is None for entry in entries.values()):
        return False
    if not current["lines"]:
        return True
    if p and current["p"]:
        return False
    sums = Counter[int]()
    for _, _, known, _ in current["lines"]:
        for column, entry in known.items():
            sums[column] += round(float(entry.percent) * 1000) if entry.percent is not None else 0
    return not (sums and min(sums.values()) >= 995)


def _variable(item: dict[str, Any]) -> Variable:
    """Build a variable; a slash line such as 105/129 becomes its two levels."""
    lines: list[Line] = []
    level_p: dict[int, dict[int, PrintedP]] = {}
    p = dict(item["p"])
    printed_on = [own for _, _, _, own in item["lines"] if own]
    for position, (index, level, entries, own) in enumerate(item["lines"]):
        lines.append(Line(index + 1, level, entries))
        if own and (len(printed_on) > 1):
            for block, value in own.items():
                level_p.setdefault(block, {})[position] = value
        elif own:
            for block, value in own.items():
                p.setdefault(block, value)
    if len(lines) == 1 and all(
        entry.total is not None and entry.percent is None for entry in lines[0].entries.values()
    ):
        only = lines[0]
        label = only.level or item["name"]
        inside = re.search(r"\(([^()]*/[^()]*)\)", label)
        names = re.split(r"\s*/\s*", inside.group(1) if inside else label)
        one = {c: Entry(e.text, count=e.count) for c, e in only.entries.items()}
        other = {c: Entry(e.text, count=e.total) for c, e in only.entries.items()}
        lines = [
            Line(only.number, names[-2] if len(names) > 1 else "first", one),
            Line(only.number, names[-1] if len(names) > 1 else "second", other),
        ]
    rows = tuple(index for index, _, _, own in item["lines"] if own) + tuple(item.get("p_rows", ()))
    return Variable(item["name"] or "(unnamed)", tuple(lines), p, level_p, rows, item.get("tests", {}))


def _entry(value: Any, hint: str, *, slashes: bool = False) -> Entry | None:
    """Read one cell of a baseline table; None where it holds none of the known forms."""
    if is_missing(value):
        return None
    raw = number_text(value).strip()
    text = re.sub(r"\s+", " ", clean(raw))
    sign = re.match(r"-\s*(?=[\d.])", text)
    text = text[sign.end() :] if sign else text
    if match := re.match(rf"({_N})\s*(?:±|\+/-|\+-)\s*({_N})", text):
        mean, sd = printed(match.group(1)), printed(match.group(2))
        return Entry(raw, mean=Printed("-" + mean.text, -mean.units, mean.decimals) if sign else mean, sd=sd)
    if match := re.match(rf"({_N})\s*\(\s*(-?{_N})\s*(?:-|~|,|;|to)\s*(-?{_N})\s*\)", text):
        if sign or "-" in match.group(2) + match.group(3):
            return Entry(raw)
        return Entry(
            raw, quartiles=(printed(match.group(2)), printed(match.group(3))), mean=None, sd=printed(match.group(1))
        )
    if sign:
        return None
    if match := re.match(rf"(\d+)\s*/\s*(\d+)(?:\s*\(\s*({_N})\s*%?\s*\))?", text):
        percent = printed(match.group(3), percent=True) if match.group(3) else None
        if percent is None and not slashes:
            return None
        return Entry(raw, count=int(match.group(1)), total=int(match.group(2)), percent=percent)
    if match := re.match(rf"({_N})\s*%\s*\(\s*(?:n\s*=\s*)?(\d+)(?:\s*/\s*(\d+))?\s*\)", text):
        total = int(match.group(3)) if match.group(3) else None
        return Entry(raw, count=int(match.group(2)), percent=printed(match.group(1), percent=True), total=total)
    if match := re.match(rf"({_N})\s*[(,]\s*({_N})\s*(%?)\s*\)?", text):
        first, second, sign_of_percent = match.groups()
        whole = re.fullmatch(r"\d+", first) is not None
        is_count = whole and (bool(sign_of_percent) or hint == "count")
        if hint == "median":
            return None
        share = printed(second, percent=True)
        if is_count:
            return Entry(raw, count=int(first), percent=share)
        if whole and hint != "mean" and float(second) <= 100:
            return Entry(raw, count=int(first), percent=share, mean=printed(first), sd=printed(second))
        return Entry(raw, mean=printed(first), sd=printed(second))
    if match := re.fullmatch(rf"({_N})\s*%", text):
        return Entry(raw, percent=printed(match.group(1), percent=True))
    if re.fullmatch(r"\d+", text) and hint != "mean" and hint != "median":
        return Entry(raw, count=int(text))
    return None


def _hint(text: str) -> str:
    lowered = clean(text).lower()
    return next((name for name, pattern in _HINTS if re.search(pattern, lowered)), "")


def _first(names: list[str], pattern: str, *, default: int | None = None, avoid: Collection[int | None] = ()) -> Any:
    return next((i for i, name in enumerate(names) if i not in avoid and re.fullmatch(pattern, name)), default)
