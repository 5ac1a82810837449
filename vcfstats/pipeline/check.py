"""`vcfstats check`: everything that is wrong with a cohort's folder, in one table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from vcfstats.contracts.case import Case
from vcfstats.contracts.cohort import ID_PATTERN, REPEATS
from vcfstats.contracts.errors import Problem
from vcfstats.contracts.files import write_text
from vcfstats.contracts.made import refuse_other_file
from vcfstats.contracts.markup import csv_text
from vcfstats.imaging.checking import check_cases
from vcfstats.pipeline.cohort_table import (
    collect_cohort_table,
    find_table,
    image_column_names,
    image_columns,
    read_table_file,
    require_columns,
)
from vcfstats.pipeline.params import BidsSection, ImageColumns, read_params

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("severity", "patient", "file", "found", "allowed", "mend")
_WIDE = 140  # characters: below, six columns leave too few for a file's name
_ALIKE = 4  # rows that differ in patient and file alone are shown as one from this many on
_MIN_SLICES = 3  # of a study without params: what the 2.5D slices need


def check_folder(folder: Path, *, params_file: Path | None = None, workers: int = 1) -> list[Problem]:
    """Return every problem of a cohort's folder: of its table, its images and its masks.

    Parameters
    ----------
    folder : Path
        The cohort.
    params_file : Path, optional
        params.yaml that names the columns; without it the usual names are taken, and outcome and covariates not checked.
    workers : int
        Parallel processes.

    Raises
    ------
    InputError
        The table cannot be read, or lacks columns, so that nothing else can be checked.
    """
    if params_file is not None:
        params = read_params(params_file)
        columns: ImageColumns = params.cohort
        cohort, problems = collect_cohort_table(folder, params.cohort, params.split)
    else:
        columns, table = _usual(folder)
        path = folder / columns.table
        require_columns(table, image_column_names(columns), path)
        cohort, problems = image_columns(table, columns, path)
    cases = _cases(cohort, folder, "mask")
    problems += check_cases(
        cases,
        repeats={name: _cases(cohort, folder, name) for name in REPEATS},
        without_mask=_cases(cohort[cohort["mask"].isna()], folder, "image"),
        folder=folder,
        min_slices=columns.min_slices,
        workers=workers,
    )
    return problems


def _usual(folder: Path) -> tuple[ImageColumns, pd.DataFrame]:
    """Return the columns of a folder without params, and its table."""
    name = find_table(folder)
    table = read_table_file(folder / name)
    if name.endswith(".tsv"):
        columns = ImageColumns(table=name, patient_id="participant_id", bids=BidsSection(), min_slices=_MIN_SLICES)
        return columns, table
    optional = {column: column for column in ("case_id", "mask_label", *REPEATS) if column in table}
    return ImageColumns.model_validate({"table": name, "min_slices": _MIN_SLICES, **optional}), table


def _cases(cohort: pd.DataFrame, folder: Path, mask: str) -> list[Case]:
    """Return the rows whose files can be looked at: an id fit to name, and paths, of which check_cases says if they leave."""
    found = []
    for case_id, row in cohort[cohort[mask].notna() & cohort["image"].notna()].iterrows():
        paths = [Path(row["image"]), Path(row[mask])]
        # Paths that leave the folder were refused with the table.
        if not ID_PATTERN.fullmatch(str(case_id)) or any(path.is_absolute() or ".." in path.parts for path in paths):
            continue
        label = row["mask_label"]
        found.append(
            Case(
                case_id=str(case_id),
                patient_id=str(row["patient_id"]),
                image=folder / paths[0],
                mask=folder / paths[1],
                mask_label=None if pd.isna(label) else int(label),
            )
        )
    return found


def report(problems: list[Problem], folder: Path) -> pd.DataFrame:
    """Return the problems as a table: `severity, patient, file, found, allowed, mend`; files relative to the folder."""
    return pd.DataFrame(
        [
            {
                "severity": "warning" if problem.warning else "error",
                "patient": problem.patient,
                "file": _relative(problem.file, folder),
                "found": problem.found,
                "allowed": problem.allowed,
                "mend": problem.mend,
            }
            for problem in problems
        ],
        columns=list(COLUMNS),
    )


def _relative(file: str | Path, folder: Path) -> str:
    try:
        return Path(file).relative_to(folder).as_posix() if file else ""
    except ValueError:
        return str(file)


def merged(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with one row for warnings that many patients have alike, so that those of a few do not drown in them.

    It names the first patients and the first file; errors, each of which is to be mended, keep their rows.
    """
    alike = ["severity", "found", "allowed", "mend"]
    rows = []
    for (severity, *_), part in frame.groupby(alike, sort=False):
        patients = list(dict.fromkeys(part["patient"]))
        if severity == "error" or len(patients) < _ALIKE:
            rows.append(part)
            continue
        more = len(patients) - 2
        first = part.head(1)
        rows.append(
            first.assign(
                patient=f"{patients[0]}, {patients[1]} and {more} more",
                file=f"{first['file'].iloc[0]} and {len(part) - 1} more",
            )
        )
    return pd.concat(rows).sort_index() if rows else frame


def wide_table(frame: pd.DataFrame) -> Table:
    """Return one row a problem, all its cells side by side; what is longer than its column goes on in the next line."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_lines=True)
    for name, share in (("", 0), ("patient", 0), ("file", 2), ("found", 3), ("allowed", 3), ("to mend", 3)):
        table.add_column(name, overflow="fold", no_wrap=not share, ratio=share or None)
    for row in frame.itertuples(index=False):
        table.add_row(*(escape(str(cell)) for cell in row))
    return table


def narrow_table(frame: pd.DataFrame) -> Table:
    """Return four lines a problem, one below the other, for terminals in which six columns would be ribbons."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in frame.itertuples(index=False):
        who = ", ".join(escape(str(cell)) for cell in (row.patient, row.file) if cell)
        colour = "red" if row.severity == "error" else "yellow"
        table.add_row(f"[bold {colour}]{row.severity}[/]", f"[bold]{who}[/]")
        for label, cell in (("found", row.found), ("allowed", row.allowed), ("to mend", row.mend)):
            table.add_row(f"[dim]{label}[/]", escape(str(cell)))
        table.add_row("", "")
    return table


def run_check(folder: Path, *, params_file: Path | None, csv: Path | None, workers: int) -> None:
    """Print the table of problems and leave with 2 where one is an error, 1 where all are warnings, 0 where none is."""
    from rich.console import Console

    refuse_other_file(csv, begins=f"{','.join(COLUMNS)}\n", option="--csv")
    frame = report(check_folder(folder, params_file=params_file, workers=workers), folder)
    if csv is not None:
        write_text(csv, csv_text(frame))
    if frame.empty:
        print("check: no problem found")
        return
    # A terminal has its width; a file or a pipe gets lines long enough to be read.
    console = Console() if sys.stdout.isatty() else Console(width=180)
    shown = merged(frame)
    console.print(wide_table(shown) if console.width >= _WIDE else narrow_table(shown))
    errors = int((frame["severity"] == "error").sum())
    warnings = len(frame) - errors
    print(f"check: {errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}")
    sys.exit(2 if errors else 1)
