"""Performance tables as frames turned into rows: one model in one cohort, every figure with its rounding interval."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

import pandas as pd

from vcfstats.audit.table import columns as names
from vcfstats.audit.table.cells import Cell, Printed, clean, is_missing, number_text, read_cell

_PERCENT_METRICS = frozenset(names.METRICS) - {"lr_positive", "lr_negative"}


@dataclass(frozen=True)
class Row:
    """One model in one cohort as printed.

    `cells` maps a metric to its figure, `intervals` a metric to its printed limits, `fractions` a metric to printed
    counts (58/65), `counts` any of tp, fp, fn, tn, n, events, nonevents to a whole number. `averaged` says why the rates are taken for
    averages, empty where they are not.
    """

    table: str
    number: int
    label: str
    model: str
    cohort: str
    cells: dict[str, Printed] = field(default_factory=dict)
    intervals: dict[str, tuple[Printed, Printed]] = field(default_factory=dict)
    fractions: dict[str, tuple[int, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    se: Printed | None = None
    averaged: str = ""
    unread: tuple[str, ...] = ()

    @property
    def rates(self) -> dict[str, Printed]:
        """The figures that a confusion matrix determines."""
        return {name: cell for name, cell in self.cells.items() if name != "auc"}

    @property
    def matrix_cells(self) -> dict[str, int]:
        """The printed cells of the confusion matrix."""
        return {name: count for name, count in self.counts.items() if name in {"tp", "fp", "fn", "tn"}}

    @property
    def where(self) -> str:
        """Table, row and label."""
        return ", ".join(part for part in (self.table, f"row {self.number} ({self.label})") if part)

    @property
    def operating_point(self) -> tuple[tuple[str, str], ...]:
        """All rates as printed: rows that share them hold one piece of evidence."""
        return tuple(sorted((name, cell.text) for name, cell in self.rates.items()))


def frame_kind(frame: pd.DataFrame) -> str:
    """Recognise a frame by its columns: ``performance``, ``baseline`` or ``claims``; empty where it is none of them."""
    headers = list(frame.columns)
    plain = [names.plain(header) for header in headers]
    if any(re.search(r"\b(claims?|statements?|sentences?)\b", name) for name in plain):
        return "claims"
    if names.metric_count(headers) >= 2 or any(names.column_role(header)[0] == "auc" for header in headers):
        return "performance"
    if len(headers) and names.metric_count(frame.iloc[:, 0].tolist()) >= 2:
        return "performance"
    body = " ".join(clean(str(value)) for value in frame.to_numpy().ravel().tolist()[:400])
    described = any(
        re.search(r"\b(variables?|characteristics?|features?|parameters?|factors?)\b", name) for name in plain
    )
    if re.search(r"±|\+/-|\d+ ?\(\d+(\.\d+)?%?\)", body) or (described and len(headers) > 2):
        return "baseline"
    texts = [str(value) for value in frame.to_numpy().ravel().tolist() if not is_missing(value)]
    return "claims" if texts and len(headers) <= 2 and median(len(text) for text in texts) > 20 else ""


def read_performance(frames: Sequence[pd.DataFrame]) -> list[Row]:
    """Return the rows of all tables in the order printed."""
    rows: list[Row] = []
    for number, frame in enumerate(frames, start=1):
        title = table_name(frame.attrs.get("title", "")) or (f"Table {number}" if len(frames) > 1 else "")
        rows += _read_frame(_upright(frame), title)
    return rows


def table_name(text: object) -> str:
    """Return "Table 2" for 2, "2." or "table 2: ..." and any other name as it is."""
    given = clean(number_text(text))
    found = re.fullmatch(
        r"(?:(suppl\w*\.?|s) ?)?(?:tab(?:le)?s?\.? ?)?(S?\d+[A-Za-z]?)\b[.:]?.*", given, flags=re.IGNORECASE
    )
    return f"{'Supplementary ' if found.group(1) else ''}Table {found.group(2)}" if found else given


def _upright(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn a table with metrics in its rows, so that they stand in the columns."""
    if (
        frame.shape[1] < 2
        or names.metric_count(frame.columns) >= 2
        or names.metric_count(frame.iloc[:, 0].tolist()) < 2
    ):
        return frame
    turned = frame.iloc[:, 1:].T.reset_index()
    turned.columns = pd.Index(["model", *(str(value) for value in frame.iloc[:, 0])])
    turned.attrs = dict(frame.attrs)
    return turned


def _read_frame(frame: pd.DataFrame, title: str) -> list[Row]:
    roles = _roles(frame)
    values = [frame.iloc[:, position].tolist() for position in range(frame.shape[1])]
    labels = {
        role: position
        for position, (role, _) in reversed(list(enumerate(roles)))
        if role in {"table", "cohort", "model", "row"}
    }
    tables = (
        [table_name(v) if not is_missing(v) else "" for v in values[labels["table"]]]
        if "table" in labels
        else [title] * len(frame)
    )
    tables = _carry(tables)
    scales = _Scales(frame, roles, values, tables)
    wide = [cohort for cohort in dict.fromkeys(cohort for _, cohort in roles) if cohort]
    extra = [
        p for p, (role, _) in enumerate(roles) if not role and any(re.search(r"[A-Za-z]{2}", str(v)) for v in values[p] if not is_missing(v))
        and not any(read_cell(v).value is not None and read_cell(v).interval for v in values[p])
    ]  # fmt: skip
    rows: list[Row] = []
    cohort, section = "", ""
    last: tuple[str, list[str]] = ("", [])
    counter: dict[str, int] = {}
    for index in range(len(frame)):
        text = {
            name: "" if is_missing(values[p][index]) else clean(number_text(values[p][index]))
            for name, p in labels.items()
        }
        cells = {p: scales.read(p, index) for p, (role, _) in enumerate(roles) if role and p not in labels.values()}
        others = [clean(str(values[p][index])) for p in extra if not is_missing(values[p][index])]
        if all(cell.is_empty for cell in cells.values()):
            heading = next((t for t in (*others, *text.values()) if t), "")
            if names.is_cohort(heading):
                cohort, section = heading, ""
            elif heading:
                section = heading
            continue
        table = tables[index]
        counter[table] = counter.get(table, 0) + 1
        own = text.get("cohort", "") or cohort
        # Merged cells: a blank model under a filled one, beside a cohort of its own, is the same model.
        if not text.get("model") and text.get("cohort") and not text.get("row"):
            text["model"], others = text.get("model") or last[0], others or last[1]
        model = text.get("model", "")
        last = (model, others)
        if "model" not in labels and others:
            model, others = others[0], others[1:]
        row_label = text.get("row", "")
        if not own and not wide:
            found, rest = names.cohort_in(row_label or model)
            own = found
            model = model if model and model != (row_label or model) else rest
        model = model or (names.cohort_in(row_label)[1] if row_label else "")
        model = ", ".join(part for part in (section, *others, model) if part)
        if own and "cohort" in labels and not text.get("cohort"):
            own = cohort
        if "cohort" in labels and text.get("cohort"):
            cohort = text["cohort"]
        for name in wide or [""]:
            row = _row(table, counter[table], row_label, model, name or own, roles, cells, name)
            if row is not None:
                rows.append(row)
    return rows


def _row(
    table: str,
    number: int,
    row_label: str,
    model: str,
    cohort: str,
    roles: list[tuple[str, str]],
    cells: dict[int, Cell],
    wide: str,
) -> Row | None:
    """Gather the cells of one row (and, in a table with a column for each cohort, of one cohort)."""
    label = row_label or "-".join(part for part in (model, cohort) if part)
    row = Row(table, number, label, model.strip(), names.cohort_name(cohort), {}, {}, {}, {})
    limits: dict[str, dict[str, Printed]] = {}
    averaged = False
    se = None
    unread = []
    for position, cell in cells.items():
        role, own = roles[position]
        if own != wide and own:
            continue
        if cell.text and cell.is_empty:
            unread.append(f"{role} {cell.text!r}")
        metric, _, part = role.partition(":")
        if metric in {"ci_low", "ci_high"}:
            metric, part = "auc", metric
        if metric == "ci":
            metric, part = "auc", "ci"
        if part in {"ci_low", "ci_high"} and cell.value is not None:
            limits.setdefault(metric, {})[part] = cell.value
        elif part == "ci" and cell.interval:
            row.intervals[metric] = cell.interval
        elif metric == "se":
            se = cell.value
        elif metric in names.METRICS and not part:
            averaged |= cell.spread is not None and metric != "auc"
            if cell.value is not None:
                row.cells[metric] = cell.value
            if cell.interval is not None:
                row.intervals[metric] = cell.interval
            if cell.counts is not None:
                row.fractions[metric] = cell.counts
        elif (
            metric in {"tp", "fp", "fn", "tn", "n", "events", "nonevents"}
            and cell.value is not None
            and cell.value.decimals == 0
        ):
            row.counts[metric] = cell.value.units
    for metric, sides in limits.items():
        if len(sides) == 2:
            row.intervals[metric] = (sides["ci_low"], sides["ci_high"])
    if "n" not in row.counts and (stated := names.stated_n(cohort)):
        row.counts["n"] = stated
    if not row.cells and not row.fractions and not row.intervals:
        return None
    return replace(row, averaged="printed with a spread" if averaged else "", se=se, unread=tuple(unread))


def _roles(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Say what each column is; an unnamed interval belongs to the metric on its left."""
    roles: list[tuple[str, str]] = []
    seen: set[tuple[str, str]] = set()
    last = "auc"
    for header in frame.columns:
        role, cohort = names.column_role(header)
        if role in names.METRICS:
            last = role
        if role in {"ci", "ci_low", "ci_high"} and last != "auc":
            role = f"{last}:{role}"
        if role and (role, cohort) in seen:
            # The same name twice, as in "AUC (95% CI)" beside "AUC": the first holds the figure.
            role = f"{role}:ci" if role in names.METRICS and (f"{role}:ci", cohort) not in seen else ""
        seen.add((role, cohort))
        roles.append((role, cohort))
    taken = {role for role, _ in roles}
    if "row" in taken and "model" not in taken:
        return [("model" if role == "row" else role, cohort) for role, cohort in roles]
    return roles


def _carry(values: list[str]) -> list[str]:
    """Repeat a table's name down the rows that leave it blank (merged cells)."""
    filled: list[str] = []
    for value in values:
        filled.append(value or (filled[-1] if filled else ""))
    return filled


class _Scales:
    """How the figures of each column are to be read: percentages or proportions, and with how many decimals."""

    def __init__(
        self, frame: pd.DataFrame, roles: list[tuple[str, str]], values: list[list[Any]], tables: list[str]
    ) -> None:
        self._values, self._tables, self._roles = values, tables, roles
        self._numeric = [frame.iloc[:, p].dtype.kind in "fi" for p in range(frame.shape[1])]
        self._percent: dict[tuple[int, str], bool] = {}
        self._decimals: dict[tuple[int, str], int] = {}
        for position, (role, _) in enumerate(roles):
            metric = role.partition(":")[0]
            if metric not in _PERCENT_METRICS and metric not in {"ci", "ci_low", "ci_high", "se"}:
                continue
            for table in dict.fromkeys(tables):
                cells = [read_cell(v) for v, t in zip(values[position], tables, strict=True) if t == table]
                figures = [c.value for c in cells if c.value is not None] + [f for c in cells for f in c.interval or ()]
                bare = [float(f) for f in figures if "%" not in f.text]
                self._percent[position, table] = bool(bare) and median(bare) > 1.0
                self._decimals[position, table] = max((f.decimals for f in figures), default=0)

    def read(self, position: int, index: int) -> Cell:
        key = (position, self._tables[index])
        percent = self._percent.get(key, False)
        value = self._values[position][index]
        places = self._decimals.get(key) if self._numeric[position] else None
        if key not in self._percent:  # a count, in which 1,000 is a thousand
            value = clean(number_text(value))
        cell = read_cell(value, percent=percent, decimals=places)
        if (
            key in self._percent
            and not percent
            and cell.value is not None
            and cell.value.decimals == 0
            and self._decimals[key]
        ):
            # A proportion printed as 1 or 0 among decimals lost its zeros on the way.
            cell = (
                read_cell(f"{cell.value.units}.{'0' * self._decimals[key]}")
                if cell.interval is None and cell.counts is None
                else cell
            )
        return cell
