"""Stage ingest: the cohort table and every image and mask, checked, all problems reported at once."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pandas as pd

from vcfstats.contracts.cohort import COHORT, ID_PATTERN, REPEATS, cases_of
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import file_hash, replacing, write_text
from vcfstats.imaging.checking import check_cases
from vcfstats.learning.settings import SplitSettings
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.params import CohortSection

# Suffix of a covariate's second reading in the checked cohort table.
SECOND = "_second"


def run(study: StudyDirectory) -> None:
    """Check the cohort and write data/cohort.parquet and data/ingest.json."""
    params = study.params
    cohort = read_cohort_table(study.cohort_folder, params.cohort, params.split)
    cases = list(cases_of(cohort, study.cohort_folder))
    problems = check_cases(cases, workers=params.compute.workers)
    for repeat in REPEATS:
        again = list(cases_of(cohort, study.cohort_folder, mask=repeat))
        problems += check_cases(again, workers=params.compute.workers) if again else []
    if problems:
        raise InputError(problems)
    with replacing(study.cohort_file) as temporary:
        cohort.to_parquet(temporary)
    hashes = {case.case_id: {"image": _hash(case.image), "mask": _hash(case.mask)} for case in cases}
    table = file_hash(study.cohort_folder / params.cohort.table)
    write_text(
        study.data / "ingest.json", json.dumps({"table": table, "cases": hashes}, indent=1, sort_keys=True) + "\n"
    )
    print(
        f"ingest: {len(cohort)} cases of {cohort['patient_id'].nunique()} patients, {int(cohort['outcome'].sum())} events; no problem found"
    )


def _hash(path: Path) -> str:
    """Hash a file, or the files of a DICOM series in the order of their names."""
    if path.is_dir():
        return ",".join(file_hash(file) for file in sorted(path.iterdir()) if file.is_file())
    return file_hash(path)


def read_cohort_table(folder: Path, settings: CohortSection, split: SplitSettings) -> pd.DataFrame:
    """Read the cohort table and bring it to the contract of the cohort.

    Raises
    ------
    InputError
        All problems of the table at once: columns that are missing, ids that repeat or are unfit, outcomes, covariates and
        partitions that are missing or unknown, paths that leave the folder.
    """
    path = folder / settings.table
    table = _read_csv(path)
    _require_columns(table, settings, split, path)

    ids = table[settings.case_id or settings.patient_id]
    problems = [*_id_problems(ids, path)]
    if settings.case_id:
        problems += [p for p in _id_problems(table[settings.patient_id], path) if "again" not in p.found]
    cohort = pd.DataFrame(index=pd.Index(ids.fillna("").to_numpy(dtype=object), name="case_id"))
    table.index = cohort.index
    cohort["patient_id"] = table[settings.patient_id]
    for name in ("image", "mask"):
        cohort[name] = table[getattr(settings, name)]
        problems += _path_problems(cohort[name], name, path)
    for name in REPEATS:
        column = getattr(settings, name)
        cohort[name] = table[column] if column else pd.Series(None, index=table.index, dtype=object)
        problems += _path_problems(cohort[name].dropna(), name, path)
    cohort["mask_label"], found = _mask_labels(table, settings, path)
    problems += found
    cohort["outcome"], found = _outcome(table, settings, path)
    problems += found
    cohort["partition"], found = _partition(table, split, path)
    problems += found
    for name, covariate in settings.covariates.items():
        for target, column in ((name, covariate.column or name), (f"{name}{SECOND}", covariate.second_reading)):
            if column is not None:
                values = table[column]
                cohort[target] = pd.to_numeric(values, errors="coerce") if covariate.type == "continuous" else values
                problems += _covariate_problems(values, cohort[target], target, covariate.levels, path)
    if settings.followup is not None:
        for target, column in (("followup_time", settings.followup.time), ("followup_event", settings.followup.event)):
            values = table[column]
            cohort[target] = pd.to_numeric(values, errors="coerce")
            problems += _covariate_problems(values, cohort[target], target, {}, path)
    if problems:
        raise InputError(problems)
    return COHORT.validate(cohort.sort_index())


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", skipinitialspace=True)
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
                f"no readable CSV ({' '.join(str(error).split())})",
                "comma-separated text in UTF-8",
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
        "cohort.patient_id": settings.patient_id,
        "cohort.case_id": settings.case_id,
        "cohort.image": settings.image,
        "cohort.mask": settings.mask,
        "cohort.mask_intra": settings.mask_intra,
        "cohort.mask_inter": settings.mask_inter,
        "cohort.mask_label": settings.mask_label if isinstance(settings.mask_label, str) else None,
        "cohort.outcome.column": settings.outcome.column,
        "split.column": split.column if split.method == "column" else None,
        "cohort.followup.time": settings.followup.time if settings.followup else None,
        "cohort.followup.event": settings.followup.event if settings.followup else None,
    }
    for name, covariate in settings.covariates.items():
        wanted[f"cohort.covariates.{name}"] = covariate.column or name
        wanted[f"cohort.covariates.{name}.second_reading"] = covariate.second_reading
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
            PurePosixPath(value).is_absolute() or ".." in PurePosixPath(value.replace("\\", "/")).parts or ":" in value
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


def _mask_labels(table: pd.DataFrame, settings: CohortSection, path: Path) -> tuple[pd.Series, list[Problem]]:
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


def _outcome(table: pd.DataFrame, settings: CohortSection, path: Path) -> tuple[pd.Series, list[Problem]]:
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


def _covariate_problems(
    raw: pd.Series, values: pd.Series, name: str, levels: dict[str, str], path: Path
) -> list[Problem]:
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
