"""The cohort table, as users write it, brought to the contract of the cohort; everything wrong with it reported at once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vcfstats.contracts.cohort import COHORT, SECOND
from vcfstats.learning.settings import SplitSettings
from vcfstats.pipeline.cells import Told, differing_in_case, has_decimal_commas, known, levels_of, number, numbers, same
from vcfstats.pipeline.cohort_files import image_column_names, image_columns, read_table, require_columns
from vcfstats.pipeline.params import CohortSection, Covariate
from vcfstats.pipeline.textfile import folded, shown

# What tables call the absence of something: as the event it is to be meant, not left over.
_OLDEST = 130  # years
_ABSENCES = frozenset({"0", "false", "no", "n", "neg", "negative", "absent", "none", "-"})


def read_cohort_table(folder: Path, settings: CohortSection, split: SplitSettings) -> pd.DataFrame:
    """Read the cohort table and bring it to the contract of the cohort.

    Raises
    ------
    InputError
        All problems of the table at once: columns that are missing, ids that repeat or are unfit, outcomes, covariates and
        partitions that are missing or unknown, paths that leave the folder.
    """
    cohort, told = collect_cohort_table(folder, settings, split)
    told.refuse()
    return COHORT.validate(cohort.sort_index())


def collect_cohort_table(folder: Path, settings: CohortSection, split: SplitSettings) -> tuple[pd.DataFrame, Told]:
    """Read the cohort table; return it with everything that there is to say of it.

    Raises
    ------
    InputError
        The table cannot be read, or columns are missing.
    """
    table = read_table(folder / settings.table)
    require_columns(table, _wanted(settings, split))
    told = Told(table.path, list(table.problems), [str(table)])
    cohort = image_columns(table, settings, told)
    cells = table.cells.set_axis(cohort.index)
    cohort["outcome"] = outcome_column(cells, settings, told)
    cohort["partition"] = _partition(cells, split, told)
    commas = table.separator == ";" or any(
        has_decimal_commas(cells[covariate.column or name])
        for name, covariate in settings.covariates.items()
        if covariate.type == "continuous"
    )
    for name, covariate in settings.covariates.items():
        cohort[name] = covariate_column(cells[covariate.column or name], name, covariate, told, commas=commas)
        _warn_of_absences(cohort[name], covariate, told)
        if covariate.type == "continuous":
            _warn_of_years(cohort[name], covariate, told)
        if covariate.second_reading is not None:
            second = f"{name}{SECOND}"
            if covariate.type == "continuous":
                told.warn(f"numbers read twice: {name}", "levels, for Cohen's kappa: it takes two numbers for the same or not, however near", f"group the numbers, or set cohort.covariates.{name}.second_reading to null")  # fmt: skip
            cohort[second] = covariate_column(cells[covariate.second_reading], second, covariate, told, commas=commas)
    if settings.scanner is not None and settings.scanner.column is not None:
        cohort["scanner"] = scanner_column(cells[settings.scanner.column], told)
    if settings.followup is not None:
        times, events = cells[settings.followup.time], cells[settings.followup.event]
        cohort["followup_time"] = numbers(times, "followup_time", told, commas=commas, least=0.0)
        cohort["followup_event"] = _zero_or_one(events, "followup_event", told)
        if cohort[["followup_time", "followup_event"]].isna().any(axis=1).all():
            told.warn("no case with both time and event of the follow-up", "some", "correct cohort.followup in params.yaml, or set it to null")  # fmt: skip
    return cohort, told


def _wanted(settings: CohortSection, split: SplitSettings) -> dict[str, str | None]:
    wanted: dict[str, str | None] = {
        **image_column_names(settings),
        "cohort.outcome.column": settings.outcome.column,
        "split.column": split.column if split.method == "column" else None,
        "cohort.followup.time": settings.followup.time if settings.followup else None,
        "cohort.followup.event": settings.followup.event if settings.followup else None,
        "cohort.scanner.column": settings.scanner.column if settings.scanner else None,
    }
    for name, covariate in settings.covariates.items():
        wanted[f"cohort.covariates.{name}"] = covariate.column or name
        wanted[f"cohort.covariates.{name}.second_reading"] = covariate.second_reading
    return wanted


def outcome_column(cells: pd.DataFrame, settings: CohortSection, told: Told) -> pd.Series:
    """Return the reference standard as 0 and 1.

    Which value is the event is never guessed: where it looks like the absence of something, or is the smaller of two codes,
    params.yaml has to name the other value too.
    """
    column, event, nonevent = settings.outcome.column, settings.outcome.event, settings.outcome.nonevent
    declared = [str(value) for value in (event, nonevent) if value is not None]
    values = known(cells[column], f"column {column!r}", told, declared)
    for case in values.index[values.isna()]:
        told.error(
            f"no value in column {column!r}",
            "the reference standard of every case",
            "fill the cell or exclude the patient",
            patient=case,
        )
    counts = values.dropna().map(_as_number).value_counts().sort_index()
    said = ", ".join(f"{value} ({count})" for value, count in list(counts.items())[:6])
    events = [str(value) for value in counts.index if same(str(value), event)]
    others = [str(value) for value in counts.index if not same(str(value), event)]
    alike = differing_in_case(values)
    if alike:
        told.error(f"values of column {column!r} that differ in case alone: {', '.join(alike[0])}", "one way to write each", "correct the cells")  # fmt: skip
    elif len(counts) > 2:
        told.error(
            f"{len(counts)} values in column {column!r}: {', '.join(map(str, list(counts.index)[:6]))}",
            "two: the event and the non-event",
            "make a column of two values",
        )
    elif len(counts) == 1:
        told.error(f"one value in column {column!r}: {said}", "events and non-events", "add the other patients")
    if not events and len(counts):
        told.error(
            f"values {said} in column {column!r}",
            f"the event {event!r} among them",
            "correct cohort.outcome.event in params.yaml",
        )
    elif len(counts) == 2 and len(others) == 1:
        _check_nonevent(events[0], others[0], settings, told, said)
    outcome = values.map(lambda value: int(value is not None and same(value, event))).astype("int64")
    if len(events) == 1 and len(others) == 1:
        told.notes.append(
            f"outcome {column!r}: event {events[0]} ({counts[events[0]]} of {len(values)}), "
            f"non-event {others[0]} ({counts[others[0]]} of {len(values)})"
        )
    return outcome


def _as_number(value: str) -> str:
    """Return one way to write a number, so that 1 and 1.0 are one value."""
    found = number(value)
    return value if found is None else f"{found:.17g}"


def _check_nonevent(event: str, other: str, settings: CohortSection, told: Told, said: str) -> None:
    stated = settings.outcome.nonevent
    if stated is not None:
        if not same(other, stated):
            told.error(f"values {said} in column {settings.outcome.column!r}", f"the non-event {stated!r} among them", "correct cohort.outcome.nonevent in params.yaml")  # fmt: skip
        return
    codes = number(event), number(other)
    smaller = codes[0] is not None and codes[1] is not None and codes[0] < codes[1]
    if smaller or (folded(event) in _ABSENCES and folded(other) not in _ABSENCES):
        told.error(
            f"values {said} in column {settings.outcome.column!r}, of which {event} is called the event",
            "an event that is the larger code or not an absence, or both values named",
            f"set cohort.outcome.event to {other} if that is the event; if {event} is meant, add cohort.outcome.nonevent: {other}",
        )


def _partition(cells: pd.DataFrame, split: SplitSettings, told: Told) -> pd.Series:
    if split.method != "column":
        return pd.Series(None, index=cells.index, dtype=object)
    names = {split.training_value: "training", split.testing_value: "testing"}
    values = known(cells[str(split.column)], "partition", told, names)
    parts: list[str | None] = []
    for case, value in values.items():
        part = next((part for wanted, part in names.items() if value is not None and same(value, wanted)), None)
        parts.append(part)
        if part is None:
            told.error(
                "no partition" if value is None else f"partition {shown(value)}",
                " or ".join(map(repr, names)),
                "correct the cell, or split.training_value and split.testing_value in params.yaml",
                patient=case,
            )
    return pd.Series(parts, index=cells.index, dtype=object)


def covariate_column(cells: pd.Series, name: str, covariate: Covariate, told: Told, *, commas: bool) -> pd.Series:
    """Return a clinical column as numbers or levels."""
    if covariate.type == "continuous":
        return numbers(cells, name, told, commas=commas)
    key = f"cohort.covariates.{name.removesuffix(SECOND)}.levels"
    return levels_of(cells, name, covariate.levels, told, key=key)


def _warn_of_years(values: pd.Series, covariate: Covariate, told: Told) -> None:
    """Warn of an age that is none: a year of birth, a spreadsheet's number of a day."""
    given = values.dropna()
    beyond = given[(given < 0) | (given > _OLDEST)]
    if covariate.unit == "years" and len(beyond):
        told.warn(
            f"{values.name} = {beyond.iloc[0]:g} years in {len(beyond)} of {len(given)} cells",
            f"0 to {_OLDEST}",
            "correct these cells (a year of birth, a date as a number?), or the unit in params.yaml",
        )


def _warn_of_absences(values: pd.Series, covariate: Covariate, told: Told) -> None:
    name, given = values.name, values.dropna()
    absent = [level for level in covariate.levels if not (given == level).any()]
    if absent:
        told.warn(f"{name}: no case of {', '.join(absent)}", "levels that occur", f"look at the cells, or correct cohort.covariates.{name}.levels in params.yaml")  # fmt: skip
    elif given.nunique() < 2:
        told.warn(f"{name}: {'the same value in all cells' if len(given) else 'no value at all'}", "findings that differ between cases", "look at the column")  # fmt: skip


def scanner_column(cells: pd.Series, told: Told) -> pd.Series:
    """Return the names of scanners, None where not known."""
    values = known(cells, "scanner", told)
    for group in differing_in_case(values):
        told.warn(f"scanners that differ in case alone: {', '.join(group)}", "one name for one scanner", "write it in one way")  # fmt: skip
    return values


def _zero_or_one(cells: pd.Series, name: str, told: Told) -> pd.Series:
    values = numbers(cells, name, told, commas=False)
    for case in values.index[values.notna() & ~values.isin([0, 1])]:
        told.error(f"{name} = {shown(cells.loc[case])}", "1 for the event, 0 for the end of observation without it", "correct the cell", patient=case)  # fmt: skip
    return values
