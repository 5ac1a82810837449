"""Performance tables turned into rows: one model in one cohort, every figure with its rounding interval."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import pandas as pd

from vcfstats.audit.table import columns as names
from vcfstats.audit.table.cells import Cell, Printed, clean, is_missing, number_text, read_cell
from vcfstats.audit.table.counts import RATES
from vcfstats.audit.table.scales import Scales
from vcfstats.audit.table.sheets import Place, Sheet, Spot, base_of, roles_of, sheet_of

_COUNTS = ("tp", "fp", "fn", "tn", "n", "events", "nonevents", "called")
_LABELS = ("table", "cohort", "model", "row")


@dataclass(frozen=True)
class Row:
    """One model in one cohort as printed.

    `cells` maps a metric to its figure, `intervals` a metric to its printed limits, `fractions` a metric to printed
    counts (58/65), `counts` any of tp, fp, fn, tn, n, events, nonevents, called to a whole number. `averaged` says why the
    rates are taken for averages, empty where they are not. `again` are rates printed a second time, under their own
    names, with their places, `p` is the row's p value as printed, `places` says where each figure stands.
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
    again: tuple[tuple[str, Printed, Place], ...] = ()
    p: str = ""
    places: dict[str, Place] = field(default_factory=dict)

    @property
    def rates(self) -> dict[str, Printed]:
        """The figures that a confusion matrix determines by whole-number bounds."""
        return {name: cell for name, cell in self.cells.items() if name in RATES}

    def at(self, *metrics: str) -> tuple[Place, ...]:
        """Return where figures stand, with their limits; all of the rates where none is named."""
        wanted = metrics or tuple(self.rates)
        found = [
            self.places[key]
            for name in wanted
            for key in (name, f"{name}:ci", f"{name}:ci_low", f"{name}:ci_high")
            if key in self.places
        ]
        return tuple(dict.fromkeys(found))

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
    headers = list(frame.attrs.get("below") or frame.columns)
    plain = [names.plain(header) for header in headers]
    if any(re.search(r"\b(claims?|statements?|sentences?)\b", name) for name in plain):
        return "claims"
    body = " ".join(clean(str(value)) for value in frame.to_numpy().ravel().tolist()[:400])
    described = any(
        re.search(r"\b(variables?|characteristics?|features?|parameters?|factors?)\b", name) for name in plain
    )
    counted = re.search(r"±|\+/-|\d+ ?\(\d+(\.\d+)?%?\)", body) is not None
    metrics = names.metric_count(headers)
    if metrics >= 2 or any(names.column_role(header)[0] == "auc" for header in headers):
        return "performance"
    labels = names.metric_count(frame.iloc[:, 0].tolist()) if len(headers) else 0
    if labels >= 2 and (labels >= 3 or not described):
        return "performance"
    if counted or (described and len(headers) > 2):
        return "baseline"
    # Counts alone by group, as "Low" and "High" of an expression: a heading, whole numbers and p values.
    cells = [clean(str(v)) for v in frame.iloc[:, 1:].to_numpy().ravel().tolist() if not is_missing(v)]
    if (
        len(headers) > 2
        and cells
        and sum(bool(re.fullmatch(r"\d{1,6}|[<>]? ?0?\.\d+\*?", c)) for c in cells) > 0.8 * len(cells)
        and "p" in {names.column_role(h)[0] for h in headers}
    ):
        return "baseline"
    texts = [str(value) for value in frame.to_numpy().ravel().tolist() if not is_missing(value)]
    return "claims" if texts and len(headers) <= 2 and median(len(text) for text in texts) > 20 else ""


def read_performance(frames: Sequence[pd.DataFrame]) -> list[Row]:
    """Return the rows of all tables in the order printed."""
    rows: list[Row] = []
    for number, frame in enumerate(frames, start=1):
        title = table_name(frame.attrs.get("title", "")) or (f"Table {number}" if len(frames) > 1 else "")
        rows += _read_sheet(sheet_of(frame, int(frame.attrs.get("order", number - 1))), title)
    return rows


def table_name(text: object) -> str:
    """Return "Table 2" for 2, "2." or "table 2: ..." and any other name as it is."""
    given = clean(number_text(text))
    found = re.fullmatch(
        r"(?:(suppl\w*\.?|s) ?)?(?:tab(?:le)?s?\.? ?)?(S?\d+[A-Za-z]?)\b[.:]?.*", given, flags=re.IGNORECASE
    )
    return f"{'Supplementary ' if found.group(1) else ''}Table {found.group(2)}" if found else given


def _read_sheet(sheet: Sheet, title: str) -> list[Row]:
    roles = roles_of(sheet)
    labels = {name: [p for p, (role, _) in enumerate(roles) if role == name] for name in _LABELS}
    extra = _extra_labels(sheet, roles)
    count = len(sheet.body)
    texts = [[spot.text if spot is not None else "" for spot in line] for line in sheet.body]
    tables = [title] * count
    if labels["table"]:
        tables = _carry([table_name(line[labels["table"][0]]) if line[labels["table"][0]] else "" for line in texts])
    scales = Scales(sheet, roles, tables)
    wide = [cohort for cohort in dict.fromkeys(cohort for role, cohort in roles if role not in _LABELS) if cohort]
    context = _Context()
    rows: list[Row] = []
    counter: dict[str, int] = {}
    for index, line in enumerate(sheet.body):
        cells = {
            p: (spot, scales.read(p, index, spot))
            for p, (role, _) in enumerate(roles)
            if role and role not in _LABELS and (spot := line[p]) is not None
        }
        given = {name: [texts[index][p] for p in positions] for name, positions in labels.items()}
        others = [texts[index][p] for p in extra]
        if all(cell.is_empty and not cell.is_garbled for _, cell in cells.values()):
            context.section(next((t for t in (*others, *(t for name in _LABELS for t in given[name])) if t), ""))
            continue
        counter[tables[index]] = counter.get(tables[index], 0) + 1
        model, own, row_label = context.names(given, others, bool(wide))
        for name in wide or [""]:
            row = _row(tables[index], counter[tables[index]], row_label, model, name or own, roles, cells, name)
            if row is not None:
                rows.append(row)
    return rows


class _Context:
    """The labels that go on downwards: sections, cohorts, merged cells."""

    def __init__(self) -> None:
        self._cohort = self._section = ""
        self._models: list[str] = []
        self._others: list[str] = []

    def section(self, heading: str) -> None:
        """Take a line of its own: a cohort's, or one over models; both end what was merged above."""
        if names.is_cohort(heading):
            self._cohort, self._section = heading, ""
        elif heading:
            self._section = heading
        if heading:
            self._models, self._others = [], []

    def names(self, given: dict[str, list[str]], others: list[str], wide: bool) -> tuple[str, str, str]:
        """Return the model, the cohort and the label of a row."""
        row_label = next((text for text in given["row"] if text), "")
        cohort = next((text for text in given["cohort"] if text), "")
        models = list(given["model"])
        labelled = bool(cohort or any(others) or any(models) or not self._models)
        if models and not models[0] and (cohort or any(models) or any(others)) and not row_label:
            # Merged cells: a blank under a filled one, beside a label of its own, is the same.
            models = [text or (self._models[i] if i < len(self._models) else "") for i, text in enumerate(models)]
            if not any(others):
                others = self._others
        if labelled:
            self._models, self._others = models, others
        own = cohort or self._cohort
        if cohort:
            self._cohort = cohort
        parts = [part for part in (*models, *others) if part]
        if not own and not wide:
            for position, part in enumerate([row_label, *parts]):
                found, rest = names.cohort_in(part)
                if not found and names.is_cohort(part) and names.cohort_name(part) != "all":
                    found, rest = part, ""
                if found:
                    # n stands with the cohort in the label: "Validation cohort (n = 70)"
                    stated = names.stated_n(part)
                    own = f"{found} (n = {stated})" if stated is not None else found
                    if position:
                        parts[position - 1] = rest
                    elif not parts:
                        parts = [rest]
                    break
        if not parts and row_label:
            parts = [names.cohort_in(row_label)[1]]
        return ", ".join(part for part in (self._section, *parts) if part), own, row_label


def label_columns(sheet: Sheet, roles: Sequence[tuple[str, str]]) -> list[int]:
    """Return the columns that say what a row is of."""
    return [p for p, (role, _) in enumerate(roles) if role in _LABELS] + _extra_labels(sheet, roles)


def _extra_labels(sheet: Sheet, roles: Sequence[tuple[str, str]]) -> list[int]:
    """Return the columns that name rows though nobody knows what they are called, and the thresholds of rows alike."""
    found = []
    for position, (role, _) in enumerate(roles):
        values = [value for value in sheet.column(position) if not is_missing(value)]
        words = any(re.search(r"[^\W\d_]{2}", str(value)) for value in values)
        figures = sum(not read_cell(value).is_empty for value in values if not re.search(r"[^\W\d_]{2}", str(value)))
        if (not role and words and 2 * figures < len(values)) or (role == "threshold" and _repeats(sheet, roles)):
            found.append(position)
    return found


def _repeats(sheet: Sheet, roles: Sequence[tuple[str, str]]) -> bool:
    """Say whether rows stand again under the same labels, so that a threshold tells them apart."""
    kept = [p for p, (role, _) in enumerate(roles) if role in ("model", "cohort", "row")]
    seen = [tuple(spot.text for p in kept if (spot := line[p]) is not None) for line in sheet.body]
    return len(set(seen)) < len(seen)


def _row(
    table: str,
    number: int,
    row_label: str,
    model: str,
    cohort: str,
    roles: list[tuple[str, str]],
    cells: dict[int, tuple[Spot, Cell]],
    wide: str,
) -> Row | None:
    """Gather the cells of one row (and, in a table with a column for each cohort, of one cohort)."""
    label = row_label or "-".join(part for part in (model, cohort) if part)
    row = Row(table, number, label, model.strip(), names.cohort_name(cohort), {}, {}, {}, {})
    limits: dict[str, dict[str, Printed]] = {}
    averaged = ""
    se: Printed | None = None
    unread, again, p = [], [], ""
    for position, (spot, cell) in cells.items():
        role, own = roles[position]
        if own and own != wide:
            continue
        if cell.is_garbled or (
            cell.text and cell.is_empty and role.partition(":")[0] in (*names.METRICS, *_COUNTS, "ci", "se")
        ):
            unread.append(f"{role.partition(':')[0]} {cell.text!r}")
            continue
        metric, _, part = role.partition(":")
        if metric in {"ci_low", "ci_high", "ci"}:
            metric, part = "auc", metric
        if metric == "averaged" and cell.value is not None:
            averaged = "a heading says weighted or macro"
        if metric == "p":
            p = p or spot.text
            if spot.text:
                row.places["p"] = spot.place
        if part in {"ci_low", "ci_high"} and cell.value is not None:
            limits.setdefault(metric, {})[part] = cell.value
            row.places[f"{metric}:{part}"] = spot.place
        elif part == "ci" and cell.interval:
            row.intervals[metric] = cell.interval
            row.places[f"{metric}:ci"] = spot.place
        elif metric == "se":
            se = cell.value
            row.places["se"] = spot.place
        elif metric in names.METRICS and part in ("", "again"):
            averaged = averaged or ("printed with a spread" if cell.spread is not None and metric != "auc" else "")
            if cell.value is not None and (part == "again" or base_of(metric) != metric):
                again.append((metric, cell.value, spot.place))
            elif cell.value is not None:
                row.cells[metric] = cell.value
                row.places[metric] = spot.place
            if cell.interval is not None and not part:
                row.intervals[metric] = cell.interval
                row.places.setdefault(metric, spot.place)
            if cell.counts is not None and not part:
                row.fractions[metric] = cell.counts
                row.places.setdefault(metric, spot.place)
        elif metric in _COUNTS and cell.value is not None and cell.value.decimals == 0:
            row.counts[metric] = cell.value.units
            row.places[metric] = spot.place
    for metric, sides in limits.items():
        if len(sides) == 2:
            row.intervals[metric] = (sides["ci_low"], sides["ci_high"])
    stated = next((n for text in (cohort, row_label, model) if (n := names.stated_n(text)) is not None), None)
    if "n" not in row.counts and stated is not None:
        row.counts["n"] = stated
    if not row.cells and not row.fractions and not row.intervals and not again and not unread:
        return None
    if wide and not row.cells and not row.fractions and not row.intervals:
        return None
    return replace(row, averaged=averaged, se=se, unread=tuple(unread), again=tuple(again), p=p)


def _carry(values: list[str]) -> list[str]:
    """Repeat a table's name down the rows that leave it blank (merged cells)."""
    filled: list[str] = []
    for value in values:
        filled.append(value or (filled[-1] if filled else ""))
    return filled
