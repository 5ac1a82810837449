"""The part of a cohort table that names cases and their files."""

from __future__ import annotations

import glob
import posixpath
import re
from pathlib import Path, PurePosixPath

import pandas as pd

from vcfstats.contracts.cohort import ID_PATTERN, REPEATS
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.cells import Told, differing_in_case, known, number
from vcfstats.pipeline.params import ImageColumns
from vcfstats.pipeline.textfile import TextTable, folded, read_text_table, shown

TABLES = ("cohort.csv", "participants.tsv")
# Files in which a table may lie that is looked for in vain.
_LIKE_TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".xlsm", ".ods")
# A long number as spreadsheets shorten it.
_SCIENTIFIC = re.compile(r"\d([.,]\d+)?E[+-]?\d+", re.IGNORECASE)


def find_table(folder: Path) -> str:
    """Return the name of a folder's cohort table: cohort.csv, or the participants.tsv of BIDS.

    Raises
    ------
    InputError
        The folder has neither.
    """
    if not folder.is_dir():
        raise InputError(Problem("no such folder", "a folder with cohort.csv, images and masks", "correct its name", file=folder))  # fmt: skip
    name = next((name for name in TABLES if (folder / name).is_file()), None)
    if name is None:
        like = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in _LIKE_TABLES]
        others = [file.name for file in sorted(like, key=lambda file: _LIKE_TABLES.index(file.suffix.lower()))]
        mend = "put the table there, or name its folder"
        if others:
            workbook = Path(others[0]).suffix.lower().startswith((".xls", ".ods"))
            mend = f"open {others[0]} in the spreadsheet and save it as `CSV UTF-8` under the name cohort.csv" if workbook else f"rename {others[0]} to cohort.csv, if it is the table"  # fmt: skip
        found = "no cohort table" + (f", but {', '.join(others[:4])}" if others else "")
        raise InputError(Problem(found, f"one of {', '.join(TABLES)}", mend, file=folder))
    return name


def read_table(path: Path) -> TextTable:
    """Read a cohort table.

    Raises
    ------
    InputError
        As `read_text_table`.
    """
    mend = "set cohort.folder and cohort.table in params.yaml"
    if not path.exists() and path.parent.is_dir():
        beside = sorted(file.name for file in path.parent.iterdir() if file.suffix.lower() in _LIKE_TABLES)
        mend += f"; the folder has {', '.join(beside[:4])}" if beside else ""
    return read_text_table(path, what="the cohort table, one row per case", mend=mend)


def image_column_names(settings: ImageColumns) -> dict[str, str | None]:
    """Return key of params.yaml -> column that the table must have."""
    files = {} if settings.bids else {name: getattr(settings, name) for name in ("image", "mask", *REPEATS)}
    label = settings.mask_label if isinstance(settings.mask_label, str) else None
    columns = {"patient_id": settings.patient_id, "case_id": settings.case_id, **files, "mask_label": label}
    return {f"cohort.{name}": column for name, column in columns.items()}


def require_columns(table: TextTable, wanted: dict[str, str | None]) -> None:
    """Refuse a table that lacks columns.

    Raises
    ------
    InputError
        All that are missing.
    """
    there = list(table.cells.columns)
    missing = []
    for key, column in wanted.items():
        if column is None or column in there:
            continue
        near = next((name for name in there if folded(name) == folded(column)), None)
        missing.append(
            Problem(
                f"no column {shown(column)}" + ("" if near is None else f", but {shown(near)}"),
                f"the columns there are: {', '.join(name if name.isprintable() else shown(name) for name in there)}",
                f"correct {key} in params.yaml or add the column",
                file=table.path,
            )
        )
    if missing:
        raise InputError(missing)


def image_columns(table: TextTable, settings: ImageColumns, told: Told) -> pd.DataFrame:
    """Return ids, files and labels of the cases, indexed by case_id, in the order of the table.

    Parameters
    ----------
    table : TextTable
        It has the columns that the settings name.
    settings : ImageColumns
        Which columns, or which files of a BIDS folder; these are looked for beside the table.
    told : Told
        What is wrong goes there.
    """
    cells = table.cells
    lines = cells.index
    ids = known(cells[settings.case_id or settings.patient_id], "id", told)
    _check_ids(ids, told, once=True)
    index = pd.Index([f"in line {line}" if value is None else value for line, value in ids.items()], name="case_id")
    cells = cells.set_axis(index)
    cohort = pd.DataFrame(index=index)
    patients = known(cells[settings.patient_id], "patient_id", told) if settings.case_id else ids.set_axis(index)
    if settings.case_id:
        _check_ids(patients.set_axis(lines), told, once=False)
    cohort["patient_id"] = patients
    for name in ("image", "mask", *REPEATS):
        column = getattr(settings.bids or settings, name)
        repeat = name in REPEATS
        if column is None:
            cohort[name] = pd.Series(None, index=index, dtype=object)
        elif settings.bids:
            cohort[name] = _bids_files(patients, column, name, told, optional=repeat)
        else:
            cohort[name] = _paths(cells[column], name, told, optional=repeat)
    cohort["mask_label"] = _mask_labels(cells, settings, told)
    _check_masks(cohort, told)
    return cohort


def _check_ids(ids: pd.Series, told: Told, *, once: bool) -> None:
    """Check ids, indexed by line."""
    for line, value in ids.items():
        if value is None:
            told.error("no id", "an id in every row", "fill the cell", patient=f"in line {line}")
    given = ids.dropna()
    for value in given[given.duplicated()].unique() if once else ():
        lines = ", ".join(str(line) for line in given.index[given == value])
        told.error(
            f"the same id again, in lines {lines}",
            "each id once",
            "remove or rename the repeated rows, or name a case_id column",
            patient=value,
        )
    for value in given.unique():
        if not ID_PATTERN.fullmatch(value):
            mend = "rename the patient"
            if _SCIENTIFIC.fullmatch(value):
                mend = "a spreadsheet shortened a long number: format the column as text and enter the ids again"
            told.error(
                f"the id {shown(value)}",
                "letters, digits, dot, dash and underscore, 64 at most, no path",
                mend,
                patient=value,
            )
    for group in differing_in_case(given):
        told.error(
            f"ids that differ in case alone: {', '.join(group)}",
            "ids that differ in more, since files are named by them",
            "write one patient in one way, or rename one of two patients",
            patient=group[0],
        )
    by_number: dict[str, list[str]] = {}
    for value in sorted(given.unique()):
        if value.isascii() and value.isdigit():
            by_number.setdefault(value.lstrip("0"), []).append(value)
    for group in by_number.values():
        if len(group) > 1:
            told.warn(
                f"ids that differ in leading zeros alone: {', '.join(group)}",
                "one id for one patient",
                "look whether they are two patients: spreadsheets take leading zeros away",
                patient=group[0],
            )


def _paths(cells: pd.Series, name: str, told: Told, *, optional: bool) -> pd.Series:
    """Return paths with slashes, None where there is none; those that leave the folder are problems."""
    values = known(cells, name, told)
    if (with_backslash := values.dropna().str.contains("\\", regex=False).sum()) > 0:
        told.notes.append(f"{name}: backslashes of {int(with_backslash)} paths read as slashes")
    paths: list[str | None] = []
    for case, value in values.items():
        if value is None:
            paths.append(None)
            if not optional:
                told.error(f"no {name} file", "a file for every case", "fill the cell or remove the row", patient=case)
            continue
        # What follows # names a volume or segment within the file and may be called anything.
        file, mark, choice = value.partition("#")
        path = file.replace("\\", "/") + mark + choice
        paths.append(path)
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or ":" in path.partition("#")[0]:
            told.error(
                f"the {name} path {shown(value)}",
                "a path inside the cohort's folder",
                "move the file into the folder and name it relative to it",
                patient=case,
            )
    return pd.Series(paths, index=cells.index, dtype=object)


def _bids_files(patients: pd.Series, pattern: str, name: str, told: Told, *, optional: bool) -> pd.Series:
    """Find each patient's file in a BIDS folder by a pattern that holds {patient}."""
    folder, files = told.file.parent, []
    for case, patient in patients.items():
        wanted = pattern.replace("{patient}", glob.escape(str(patient)))
        # An id that is no name of a file is refused by itself.
        fit = patient is not None and ID_PATTERN.fullmatch(patient)
        matches = sorted(file.relative_to(folder).as_posix() for file in folder.glob(wanted)) if fit else []
        files.append(matches[0] if len(matches) == 1 else None)
        if len(matches) > 1 or (fit and not matches and not optional):
            found = f"{len(matches)} files {', '.join(matches)}" if matches else "no file"
            told.error(
                f"{found} for {wanted}",
                f"one {name} file for each patient",
                f"correct cohort.bids.{name} in params.yaml, or the files",
                patient=case,
            )
    return pd.Series(files, index=patients.index, dtype=object)


def _mask_labels(cells: pd.DataFrame, settings: ImageColumns, told: Told) -> pd.Series:
    if not isinstance(settings.mask_label, str):
        return pd.Series(settings.mask_label, index=cells.index, dtype="Int64")
    labels: list[int | None] = []
    for case, cell in cells[settings.mask_label].items():
        value = number(cell)
        fit = value is not None and value >= 1 and value % 1 == 0
        labels.append(int(value) if fit and value is not None else None)
        if not fit:
            told.error(f"mask label {shown(cell)}", "a whole number from 1 on", "correct the cell", patient=case)
    return pd.Series(labels, index=cells.index, dtype="Int64")


def _check_masks(cohort: pd.DataFrame, told: Told) -> None:
    """Refuse one region for several cases, and an image that is its own mask."""
    given = cohort[cohort["mask"].notna()]
    normal = given["mask"].map(posixpath.normpath)
    for _, cases in given.groupby([normal, given["mask_label"].fillna(0)], sort=False):
        if len(cases) > 1:
            told.error(
                f"one region for {len(cases)} cases: {', '.join(map(str, cases.index[:3]))}{', ...' if len(cases) > 3 else ''}",
                "a mask, or a label in it, of its own for each case",
                "correct the column with the masks",
                patient=cases.index[0],
            )
    images = given["image"].map(posixpath.normpath, na_action="ignore")
    for case in given.index[images == normal]:
        told.error(f"the mask {shown(given['mask'].loc[case])}, which is the image", "an image and a mask of it", "correct the columns", patient=case)  # fmt: skip
