"""How each cell of the tables was read: its role, and whether anything could be held against it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from vcfstats.audit.table.baseline import Audited
from vcfstats.audit.table.cells import clean, is_missing, number_text, read_cell
from vcfstats.audit.table.characteristics import Baseline, is_recognised
from vcfstats.audit.table.columns import column_role
from vcfstats.audit.table.performance import Performance
from vcfstats.audit.table.reading import label_columns, table_name
from vcfstats.audit.table.sheets import Place, is_turned, roles_of, sheet_of

CHECKED, UNCHECKED, UNREAD = "checked", "not checkable", "not understood"
LABEL, EMPTY = "label", "empty"
FIGURES = (CHECKED, UNCHECKED, UNREAD)
_AVERAGES = "averaged over classes"
_SAID = {
    "p": "p value", "ci": "interval", "ci_low": "lower limit", "ci_high": "upper limit", "again": "printed again", "se": "standard error",
    "averaged": _AVERAGES, "called": "called positive", "other": "known, not checked",
}  # fmt: skip


@dataclass(frozen=True)
class ReadCell:
    """One cell: where it stands, what it holds, what it was taken for, and what became of it."""

    row: int
    column: int
    text: str
    role: str
    state: str


@dataclass(frozen=True)
class TableRead:
    """One table as it was read."""

    name: str
    kind: str
    headings: tuple[str, ...]
    cells: tuple[ReadCell, ...]
    order: int
    turned: bool = False

    @cached_property
    def counts(self) -> Counter[str]:
        """How many figures were checked, could not be, or were not understood."""
        return Counter(cell.state for cell in self.cells if cell.state in FIGURES)

    @cached_property
    def lines(self) -> list[tuple[str, str, Counter[str]]]:
        """What each column (of a table with metrics in rows, each line) was taken for: its name, its roles, its figures."""
        groups: dict[int, list[ReadCell]] = {}
        for cell in self.cells:
            groups.setdefault(cell.row if self.turned else cell.column, []).append(cell)
        found = []
        for key, cells in sorted(groups.items()):
            name = next((c.text for c in cells if c.column == 0), "") if self.turned else self.headings[key]
            states = Counter(c.state for c in cells if c.state in FIGURES)
            roles = list(dict.fromkeys(c.role for c in cells if c.state in FIGURES and c.role))
            if not states:
                roles = ["label"]
            found.append((name, ", ".join(roles) or "not understood", states))
        return found


def read_back(
    frames: Sequence[pd.DataFrame], performance: Performance, baseline: Audited, kinds: dict[int, str]
) -> tuple[TableRead, ...]:
    """Return how each table was read; `kinds` says by its number what each was taken for."""
    of_tables = {
        int(frame.attrs["order"]): (table, seen)
        for frame, table, seen in zip(baseline.frames, baseline.tables, baseline.seen, strict=True)
    }
    roles = {place: key for row in performance.rows for key, place in row.places.items()}
    roles |= {
        place: f"{metric}:again" for row in performance.rows for metric, _, place in row.again if place not in roles
    }
    checked = checked_places(performance)
    tables = []
    for frame in frames:
        order = int(frame.attrs["order"])
        kind = kinds[order]
        if kind == "claims":
            continue
        name = table_name(frame.attrs.get("title", "")) or f"table {order + 1}"
        turned = False
        if kind == "performance":
            cells, turned = _performance_cells(frame, order, roles, checked)
        elif kind == "baseline":
            cells = _baseline_cells(frame, *of_tables[order])
        else:
            cells = [_plain(frame, r, c) for r in range(frame.shape[0]) for c in range(frame.shape[1])]
        headings = tuple(" ".join(str(h).split()) for h in frame.columns)
        tables.append(TableRead(name, kind, headings, tuple(cells), order, turned))
    return tuple(tables)


def checked_places(performance: Performance) -> set[Place]:
    """Return the cells of performance tables that some check held against another figure."""
    found = set(performance.seen)
    for recovery in performance.recoveries:
        for row in recovery.rows:
            if len(row.rates) + len(row.matrix_cells) >= 2 or recovery.n is not None:
                found |= set(row.at()) | set(row.at("n", "tp", "fp", "fn", "tn", "events", "nonevents"))
    for row in performance.rows:
        held = [name for name in row.intervals if name in row.cells]
        found |= set(row.at(*held, *row.fractions)) if held or row.fractions else set()
        if {"auc", "sensitivity", "specificity"} <= set(row.cells) and not row.averaged:
            found |= set(row.at("auc"))
        if row.se is not None and "auc" in row.intervals:
            found |= set(row.at("auc", "se"))
        found |= {place for _, _, place in row.again}
    return found


def _performance_cells(
    frame: pd.DataFrame, order: int, roles: dict[Place, str], checked: set[Place]
) -> tuple[list[ReadCell], bool]:
    sheet = sheet_of(frame, order, upright=False)
    turned = is_turned(sheet)
    named = [] if turned else roles_of(sheet)
    labels = {0} if turned else set(label_columns(sheet, named))
    cells = []
    for r in range(frame.shape[0]):
        own = column_role(frame.iloc[r, 0])[0] if turned else ""
        for c in range(frame.shape[1]):
            cell = _plain(frame, r, c)
            place = (order, r, c)
            role = own if turned else named[c][0]
            if cell.state == EMPTY:
                cells.append(cell)
            elif place in roles:
                cells.append(ReadCell(r, c, cell.text, _said(roles[place]), CHECKED if place in checked else UNCHECKED))
            elif c in labels or cell.state == LABEL:
                cells.append(ReadCell(r, c, cell.text, "", LABEL))
            elif role in ("p", "threshold", "prevalence", "other", "averaged") or (
                turned and column_role(sheet.names[c])[0] == "p"
            ):
                cells.append(ReadCell(r, c, cell.text, _said(role or "p"), UNCHECKED))
            else:
                read = read_cell(frame.iloc[r, c])
                known = role and not read.is_empty and not read.is_garbled  # as a mean number of calls with its spread
                cells.append(ReadCell(r, c, cell.text, _said(role), UNCHECKED if known else UNREAD))
    return cells, turned


def _baseline_cells(frame: pd.DataFrame, table: Baseline, seen: set[tuple[int, int]]) -> list[ReadCell]:
    entries = {
        (line.number - 1, column): variable.kind or "figure"
        for variable in table.variables for line in variable.lines for column in line.entries
    }  # fmt: skip
    p_columns = {block.p for block in table.blocks if block.p is not None}
    named = dict.fromkeys(p_columns, "p value") | {
        b.statistic: "statistic" for b in table.blocks if b.statistic is not None
    }
    cells = []
    for r in range(frame.shape[0]):
        for c in range(frame.shape[1]):
            cell = _plain(frame, r, c)
            if cell.state in (EMPTY, LABEL):
                cells.append(cell)
            elif c in table.label_columns:
                cells.append(ReadCell(r, c, cell.text, "", LABEL))
            elif (r, c) in seen:
                cells.append(
                    ReadCell(
                        r,
                        c,
                        cell.text,
                        entries.get((r, c), named.get(c, "number of patients")),
                        CHECKED,
                    )
                )
            elif (r, c) in entries or c in p_columns or is_recognised(str(frame.columns[c])) or r in table.count_lines:
                cells.append(
                    ReadCell(
                        r,
                        c,
                        cell.text,
                        entries.get((r, c), named.get(c, "known, not checked")),
                        UNCHECKED,
                    )
                )
            else:
                cells.append(cell)
    return cells


def _plain(frame: pd.DataFrame, row: int, column: int) -> ReadCell:
    """Return a cell of which nothing is known: a figure that was not understood, a label without digits, or nothing."""
    value = frame.iloc[row, column]
    text = "" if value is None else " ".join(clean(number_text(value)).split())
    if is_missing(value):
        return ReadCell(row, column, text, "", EMPTY)
    return ReadCell(row, column, text, "", UNREAD if re.search(r"\d", text) else LABEL)


def _said(role: str) -> str:
    """Return a role in words."""
    from vcfstats.audit.table.rows import SHOWN

    metric, _, part = role.partition(":")
    words = [SHOWN.get(metric, _SAID.get(metric, metric.upper() if metric in ("tp", "fp", "fn", "tn") else metric))]
    return " ".join([*words, *([_SAID.get(part, part)] if part else [])])
