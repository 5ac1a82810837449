"""The cohort table, as users write it, brought to the contract of the cohort; everything wrong with it reported at once."""

from __future__ import annotations

import glob
from pathlib import Path, PurePosixPath

import pandas as pd

from vcfstats.contracts.cohort import COHORT, ID_PATTERN, REPEATS
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.learning.settings import SplitSettings
from vcfstats.pipeline.params import CohortSection, ImageColumns

TABLES = ("cohort.csv", "participants.tsv")
# Suffix of a covariate's second reading in the checked cohort table.
SECOND = "_second"


def read_cohort_table(folder: Path, settings: CohortSection, split: SplitSettings) -> pd.DataFrame:
    """Read the cohort table and bring it to the contract of the cohort.

    Raises
    ------
    InputError
        All problems of the table at once: columns that are missing, ids that repeat or are unfit, outcomes, covariates and
        partitions that are missing or unknown, paths that leave the folder.
    """
    cohort, problems = collect_cohort_table(folder, settings, split)
    if problems:
        raise InputError(problems)
    return COHORT.validate(cohort.sort_index())


def collect_cohort_table(
    folder: Path, settings: CohortSection, split: SplitSettings
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read the cohort table; return it with everything that is wrong with it.

    Raises
    ------
    InputError
        The table cannot be read, or columns are missing.
    """
    path = folder / settings.table
    table = read_table_file(path)
    _require_columns(table, settings, split, path)
    cohort, problems = image_columns(table, settings, path)
    table.index = cohort.index
    cohort["outcome"], found = outcome_column(table, settings, path)
    problems += found
    cohort["partition"], found = _partition(table, split, path)
    problems += found
    for name, covariate in settings.covariates.items():
        for target, column in ((name, covariate.column or name), (f"{name}{SECOND}", covariate.second_reading)):
            if column is not None:
                values = table[column]
                cohort[target] = pd.to_numeric(values, errors="coerce") if covariate.type == "continuous" else values
                problems += covariate_problems(values, cohort[target], target, covariate.levels, path)
    if settings.scanner is not None and settings.scanner.column is not None:
        cohort["scanner"] = table[settings.scanner.column]
    if settings.followup is not None:
        for target, column in (("followup_time", settings.followup.time), ("followup_event", settings.followup.event)):
            values = table[column]
            cohort[target] = pd.to_numeric(values, errors="coerce")
            problems += covariate_problems(values, cohort[target], target, {}, path)
    return cohort, problems


def image_columns(table: pd.DataFrame, settings: ImageColumns, path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Return ids, files and labels of the cases, indexed by case_id, with everything that is wrong with them.

    Parameters
    ----------
    table : DataFrame
        As read, all text; it has the columns that the settings name.
    settings : ImageColumns
        Which columns, or which files of a BIDS folder.
    path : Path
        The table, for messages; files are looked for beside it.
    """
    ids = table[settings.case_id or settings.patient_id]
    problems = [*_id_problems(ids, path)]
    if settings.case_id:
        problems += [p for p in _id_problems(table[settings.patient_id], path) if "again" not in p.found]
    cohort = pd.DataFrame(index=pd.Index(ids.fillna("").to_numpy(dtype=object), name="case_id"))
    table = table.set_axis(cohort.index)
    cohort["patient_id"] = table[settings.patient_id]
    for name in ("image", "mask", *REPEATS):
        column = getattr(settings.bids or settings, name)
        repeat = name in REPEATS
        if column is None:
            cohort[name] = pd.Series(None, index=table.index, dtype=object)
        elif settings.bids:
            cohort[name], found = _bids_files(table[settings.patient_id], column, name, path, optional=repeat)
            problems += found
        else:
            cohort[name] = table[column]
            problems += _path_problems(cohort[name].dropna() if repeat else cohort[name], name, path)
    cohort["mask_label"], found = _mask_labels(table, settings, path)
    return cohort, problems + found


def _bids_files(
    patients: pd.Series, pattern: str, name: str, path: Path, *, optional: bool
) -> tuple[pd.Series, list[Problem]]:
    """Find each patient's file in a BIDS folder by a pattern that holds {patient}."""
    folder, files, problems = path.parent, [], []
    for case, patient in patients.items():
        wanted = pattern.replace("{patient}", glob.escape(str(patient)))
        matches = sorted(str(file.relative_to(folder).as_posix()) for file in folder.glob(wanted))
        files.append(matches[0] if len(matches) == 1 else None)
        if len(matches) > 1 or (not matches and not optional):
            found = f"{len(matches)} files {', '.join(matches)}" if matches else "no file"
            problems.append(
                Problem(
                    f"{found} for {wanted}",
                    f"one {name} file for each patient",
                    f"correct cohort.bids.{name} in params.yaml, or the files",
                    patient=str(case),
                    file=path,
                )
            )
    return pd.Series(files, index=patients.index, dtype=object), problems


def find_table(folder: Path) -> str:
    """Return the name of a folder's cohort table: cohort.csv, or the participants.tsv of BIDS.

    Raises
    ------
    InputError
        The folder has neither.
    """
    name = next((name for name in TABLES if (folder / name).is_file()), None)
    if name is None:
        raise InputError(
            Problem(
                "no cohort table", f"one of {', '.join(TABLES)}", "put the table there, or name its folder", file=folder
            )
        )
    return name


def read_table_file(path: Path) -> pd.DataFrame:
    """Read a table of text: comma-separated, or tab-separated where its name ends in .tsv.

    Raises
    ------
    InputError
        It is missing, empty or no table.
    """
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, encoding="utf-8-sig", skipinitialspace=True)
    except FileNotFoundError:
        raise InputError(
            Problem(
                "no such file",
                "the cohort table, one row per case",
                "set cohort.folder and cohort.table in params.yaml",
                file=path,
            )
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(
            Problem(
                f"no readable table ({' '.join(str(error).split())})",
                "comma-separated text in UTF-8 (tab-separated in .tsv)",
                "export the table again as CSV UTF-8",
                file=path,
            )
        ) from None
    if table.empty:
        raise InputError(Problem("no rows", "one row per case", "fill the table", file=path))
    stripped: pd.DataFrame = table.apply(lambda column: column.str.strip())
    return stripped


def _require_columns(table: pd.DataFrame, settings: CohortSection, split: SplitSettings, path: Path) -> None:
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
    require_columns(table, wanted, path)


def image_column_names(settings: ImageColumns) -> dict[str, str | None]:
    """Return key of params.yaml -> column that the table must have."""
    files = {} if settings.bids else {name: getattr(settings, name) for name in ("image", "mask", *REPEATS)}
    label = settings.mask_label if isinstance(settings.mask_label, str) else None
    columns = {"patient_id": settings.patient_id, "case_id": settings.case_id, **files, "mask_label": label}
    return {f"cohort.{name}": column for name, column in columns.items()}


def require_columns(table: pd.DataFrame, wanted: dict[str, str | None], path: Path) -> None:
    """Refuse a table that lacks columns.

    Raises
    ------
    InputError
        All that are missing.
    """
    missing = [
        Problem(
            f"no column {column!r}",
            f"the columns there are: {', '.join(table.columns)}",
            f"correct {key} in params.yaml or add the column",
            file=path,
        )
        for key, column in wanted.items()
        if column is not None and column not in table
    ]
    if missing:
        raise InputError(missing)


def _id_problems(ids: pd.Series, path: Path) -> list[Problem]:
    problems = [
        Problem("no id", "an id in every row", "fill the cell", patient=f"in line {line + 2}", file=path)
        for line, value in enumerate(ids)
        if pd.isna(value)
    ]
    for value in ids.dropna()[ids.dropna().duplicated()].unique():
        lines = [str(line + 2) for line, other in enumerate(ids) if other == value]
        problems.append(
            Problem(
                f"the same id again, in lines {', '.join(lines)}",
                "each id once",
                "remove or rename the repeated rows, or name a case_id column",
                patient=value,
                file=path,
            )
        )
    for value in ids.dropna().unique():
        if not ID_PATTERN.fullmatch(value):
            problems.append(
                Problem(
                    f"the id {value!r}",
                    "letters, digits, dot, dash and underscore, 64 at most, no path",
                    "rename the patient",
                    patient=value,
                    file=path,
                )
            )
    return problems


def _path_problems(values: pd.Series, name: str, path: Path) -> list[Problem]:
    problems = []
    for case, value in values.items():
        if pd.isna(value):
            problems.append(
                Problem(
                    f"no {name} file",
                    "a file for every case",
                    "fill the cell or remove the row",
                    patient=str(case),
                    file=path,
                )
            )
        elif (
            PurePosixPath(value).is_absolute()
            or ".." in PurePosixPath(value.replace("\\", "/")).parts
            or ":" in value.partition("#")[0]  # a segment may be called anything
        ):
            problems.append(
                Problem(
                    f"the {name} path {value!r}",
                    "a path inside the cohort's folder",
                    "move the file into the folder and name it relative to it",
                    patient=str(case),
                    file=path,
                )
            )
    return problems


def _mask_labels(table: pd.DataFrame, settings: ImageColumns, path: Path) -> tuple[pd.Series, list[Problem]]:
    if not isinstance(settings.mask_label, str):
        return pd.Series(settings.mask_label, index=table.index, dtype="Int64"), []
    numbers = pd.to_numeric(table[settings.mask_label], errors="coerce")
    bad = numbers.isna() | (numbers % 1 != 0)
    problems = [
        Problem(
            f"mask label {table[settings.mask_label].loc[case]!r}",
            "a whole number",
            "correct the cell",
            patient=str(case),
            file=path,
        )
        for case in table.index[bad]
    ]
    return numbers.where(~bad).astype("Int64"), problems


def _same(value: str, wanted: object) -> bool:
    """Whether a cell means the value in params.yaml: as text, or as numbers (1 and 1.0)."""
    if isinstance(wanted, bool):
        return value.casefold() == str(wanted).casefold()
    if value == str(wanted):
        return True
    try:
        return float(value) == float(str(wanted))
    except ValueError:
        return False


def outcome_column(table: pd.DataFrame, settings: CohortSection, path: Path) -> tuple[pd.Series, list[Problem]]:
    """Return the reference standard as 0 and 1, with everything that is wrong with it."""
    column, event = settings.outcome.column, settings.outcome.event
    values = table[column]
    problems = [
        Problem(
            f"no value in column {column!r}",
            "the reference standard of every case",
            "fill the cell or exclude the patient",
            patient=str(case),
            file=path,
        )
        for case in values.index[values.isna()]
    ]
    levels = sorted(values.dropna().unique())
    if len(levels) > 2:
        problems.append(
            Problem(
                f"{len(levels)} values in column {column!r}: {', '.join(levels[:6])}",
                "two: the event and the non-event",
                "make a column of two values",
                file=path,
            )
        )
    if not any(_same(level, event) for level in levels):
        problems.append(
            Problem(
                f"values {', '.join(levels[:6])} in column {column!r}",
                f"the event {event!r} among them",
                "correct cohort.outcome.event in params.yaml",
                file=path,
            )
        )
    return values.map(lambda value: int(_same(value, event)) if isinstance(value, str) else 0).astype("int64"), problems


def _partition(table: pd.DataFrame, split: SplitSettings, path: Path) -> tuple[pd.Series, list[Problem]]:
    if split.method != "column":
        return pd.Series(None, index=table.index, dtype=object), []
    names = {split.training_value: "training", split.testing_value: "testing"}
    values = table[str(split.column)]
    problems = [
        Problem(
            f"partition {value!r}",
            " or ".join(map(repr, names)),
            "correct the cell, or split.training_value and split.testing_value in params.yaml",
            patient=str(case),
            file=path,
        )
        for case, value in values.items()
        if value not in names
    ]
    return values.map(names), problems


def covariate_problems(
    raw: pd.Series, values: pd.Series, name: str, levels: dict[str, str], path: Path
) -> list[Problem]:
    """Return the cells of a covariate that are no number, or none of its levels."""
    if levels:
        bad = raw.notna() & ~raw.isin(list(levels))
        return [
            Problem(
                f"{name} = {raw.loc[case]!r}",
                f"one of {', '.join(levels)}",
                f"correct the cell, or cohort.covariates.{name}.levels in params.yaml",
                patient=str(case),
                file=path,
            )
            for case in raw.index[bad]
        ]
    bad = raw.notna() & values.isna()
    return [
        Problem(f"{name} = {raw.loc[case]!r}", "a number", "correct the cell", patient=str(case), file=path)
        for case in raw.index[bad]
    ]
