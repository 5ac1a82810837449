"""A performance table with its metrics in columns, each cell with the place in print that it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vcfstats.audit.table.cells import clean, is_missing, number_text, read_cell
from vcfstats.audit.table.columns import (
    COMPLEMENTS,
    METRICS,
    bound_side,
    cohort_name,
    column_role,
    is_cohort,
    metric_count,
)

Place = tuple[int, int, int]  # table, row and column among the frame's


@dataclass(frozen=True)
class Spot:
    """One cell: what it holds and where it stands."""

    value: Any
    place: Place

    @property
    def text(self) -> str:
        """The cell as cleaned text, empty where it is a sign for missing."""
        return "" if is_missing(self.value) else clean(number_text(self.value))


@dataclass(frozen=True)
class Sheet:
    """Headings, those above them where headings stand in two lines, and the cells below.

    A cell is None where a table with metrics in its rows has no such metric in a block. `rows` is the number that a line
    has in print.
    """

    names: tuple[str, ...]
    above: tuple[str, ...]
    body: tuple[tuple[Spot | None, ...], ...]
    numeric: tuple[bool, ...]

    def column(self, position: int) -> list[Any]:
        """Return the values of a column."""
        return [spot.value if (spot := line[position]) is not None else None for line in self.body]


def sheet_of(frame: pd.DataFrame, table: int, *, upright: bool = True) -> Sheet:
    """Return a frame as a sheet, turned where its metrics stand in rows and they shall be `upright`."""
    names = tuple(frame.attrs.get("below") or ("" if is_missing(name) else str(name) for name in frame.columns))
    above = tuple(frame.attrs.get("above") or [""] * len(names))
    values = [frame.iloc[:, c].tolist() for c in range(frame.shape[1])]
    body = tuple(tuple(Spot(values[c][r], (table, r, c)) for c in range(len(names))) for r in range(len(frame)))
    sheet = Sheet(names, above, body, tuple(frame.iloc[:, c].dtype.kind in "fi" for c in range(frame.shape[1])))
    return _upright(sheet) if upright and is_turned(sheet) else sheet


def is_turned(sheet: Sheet) -> bool:
    """Say whether a table has its metrics in rows."""
    if len(sheet.names) < 2 or metric_count(sheet.names) >= 2:
        return False
    return metric_count(line[0].text for line in sheet.body if line[0] is not None) >= 2


def _upright(sheet: Sheet) -> Sheet:
    """Turn a table with metrics in its rows; lines of their own, or a metric that comes again, part it into blocks."""
    blocks: list[tuple[str, dict[str, tuple[Spot | None, ...]]]] = [("", {})]
    for line in sheet.body:
        label = line[0].text if line[0] is not None else ""
        filled = [spot for spot in line[1:] if spot is not None and spot.text]
        if not filled:
            if label:
                blocks.append((label, {}))
            continue
        if label in blocks[-1][1]:
            blocks.append((blocks[-1][0], {}))
        blocks[-1][1][label] = line
    labels = list(dict.fromkeys(label for _, lines in blocks for label in lines))
    columns = [c for c in range(1, len(sheet.names)) if _holds_figures(sheet, c)]
    # Beside Training and Test, Combined is all patients; beside Clinical and Radiomics it is a model.
    sets = any(
        is_cohort(text) and cohort_name(text) != "all" for c in columns for text in (sheet.names[c], sheet.above[c])
    )
    body = []
    for section, lines in blocks:
        for c in columns if lines else ():
            name, over = sheet.names[c], sheet.above[c]
            parts = [part for part in (over, name) if part]
            cohort = section if is_cohort(section) else next((part for part in parts if sets and is_cohort(part)), "")
            model = ", ".join(part for part in (section, *parts) if part and part != cohort)
            if not cohort and over:  # "Task 1" over the columns: sets of patients as often as models
                cohort, model = over, ", ".join(part for part in (section, name) if part)
            head = (Spot(cohort, (-1, -1, -1)), Spot(model, (-1, -1, -1)))
            body.append((*head, *(lines[label][c] if label in lines else None for label in labels)))
    return Sheet(("cohort", "model", *labels), ("",) * (len(labels) + 2), tuple(body), (False,) * (len(labels) + 2))


def _holds_figures(sheet: Sheet, column: int) -> bool:
    """Say whether a column beside metrics in rows holds a model's figures: not the p values of comparisons."""
    if column_role(sheet.names[column])[0] in ("p", "other"):
        return False
    cells = [line[column] for line in sheet.body]
    return any(not read_cell(spot.value).is_empty for spot in cells if spot is not None)


def roles_of(sheet: Sheet) -> list[tuple[str, str]]:
    """Say what each column is and of which cohort; an unnamed interval belongs to the metric on its left.

    A metric that comes again is a second print of it (``again:``), or its interval.
    """
    found = [_role(name, over) for name, over in zip(sheet.names, sheet.above, strict=True)]
    over = {cohort for role, cohort in found if cohort and role}
    if len(over) == 1 and not any(is_cohort(cohort) for cohort in over):
        found = [(role, "") for role, _ in found]  # one heading over all figures: "Performance"
    metrics = {role for role, _ in found}
    roles: list[tuple[str, str]] = []
    last = ("auc", "")
    for position, (role, cohort) in enumerate(found):
        name = sheet.names[position]
        side = bound_of(name, sheet.above[position])
        if side and not role and any(r.partition(":")[0] in METRICS or r == "ci" for r, _ in roles[-3:]):
            role = side
        if role == "n" and _counts_up(sheet.column(position)):
            role = ""  # the number of the line
        if role == "sensitivity" and name.strip() in ("SE", "Se") and "auc" in metrics and "specificity" not in metrics:
            role = "se"
        if role in METRICS:
            last = (role, cohort)
        if role in {"ci", "ci_low", "ci_high"} and last[0] != "auc":
            role = f"{last[0]}:{role}"
        if role in {"ci", "ci_low", "ci_high"} and not cohort:
            cohort = last[1]
        if role and (role, cohort) in roles:
            role = _second(sheet, position, role, cohort, roles)
        roles.append((role, cohort))
    taken = {role for role, _ in roles}
    if "row" in taken and "model" not in taken:
        roles = [("model" if role == "row" else role, cohort) for role, cohort in roles]
    elif (
        sheet.names
        and not taken & {"model", "row"}
        and roles[0][0].partition(":")[0] not in (*METRICS, "cohort", "table")
    ):
        roles[0] = ("model", "")  # whatever the first column is called, it says what a row is of
    return roles


def bound_of(name: str, above: str) -> str:
    """Return the side of a bare Lower or Upper, alone or under a heading that says interval."""
    return bound_side(name) if not above or column_role(above)[0] in ("", "ci", "auc") else ""


def _role(name: str, above: str) -> tuple[str, str]:
    role, cohort = column_role(name)
    if above and not role:
        role, cohort = column_role(f"{above} {name}")
    if above and role and not cohort and role not in ("model", "cohort", "table", "row"):
        over = column_role(above)[0]
        cohort = "" if over.partition(":")[0] in (*METRICS, "ci") else above
    return role, cohort


def _second(sheet: Sheet, position: int, role: str, cohort: str, roles: Iterable[tuple[str, str]]) -> str:
    """Say what a column is whose name stands already: its interval, or its figure once more under another name."""
    cells = [read_cell(value) for value in sheet.column(position)]
    if role in METRICS:
        if (
            any(cell.interval is not None and cell.value is None for cell in cells)
            and (f"{role}:ci", cohort) not in roles
        ):
            return f"{role}:ci"
        if any(cell.value is not None for cell in cells):
            return f"{role}:again"
    return role if role in ("model", "averaged", "p", "threshold", "prevalence", "other") else ""


def _counts_up(values: list[Any]) -> bool:
    numbers = [number_text(value).strip() for value in values if not is_missing(value)]
    return len(numbers) > 1 and numbers == [str(number) for number in range(1, len(numbers) + 1)]


def base_of(metric: str) -> str:
    """Return the rate that a name such as FNR speaks of."""
    return COMPLEMENTS.get(metric, metric)
