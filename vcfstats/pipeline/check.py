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
from vcfstats.pipeline.cells import Told
from vcfstats.pipeline.cohort_check import examine
from vcfstats.pipeline.cohort_files import find_table, image_columns, read_table
from vcfstats.pipeline.cohort_settings import BidsSection, ImageColumns
from vcfstats.pipeline.params import read_params
from vcfstats.pipeline.proposals import ROLES, propose
from vcfstats.pipeline.textfile import shown

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("severity", "patient", "file", "found", "allowed", "mend")
_WIDE = 140  # characters: below, six columns leave too few for a file's name
_ALIKE = 4  # rows that differ in patient and file alone are shown as one from this many on
_MANY = 10  # errors with the same mend are all shown up to this many, and the first half of them beyond
_MEANING = {"patient_id": "the patient's id", "image": "the image files", "mask": "the mask files"}
_MIN_SLICES = 3  # of a study without params: what the 2.5D slices need


def check_folder(folder: Path, *, params_file: Path | None = None, workers: int = 1) -> list[Problem]:
    """Return every problem of a cohort's folder, as `look_at`."""
    return look_at(folder, params_file=params_file, workers=workers).problems


def look_at(folder: Path, *, params_file: Path | None = None, workers: int = 1) -> Told:
    """Return everything that there is to say of a cohort's folder: of its table, its images and its masks.

    Parameters
    ----------
    folder : Path
        The cohort.
    params_file : Path, optional
        params.yaml that names the columns; without it they are told by their names and by what stands in them, and outcome
        and covariates are not checked.
    workers : int
        Parallel processes.

    Raises
    ------
    InputError
        The table cannot be read, or lacks columns that params.yaml names, so that nothing else can be checked.
    """
    if params_file is not None:
        params = read_params(params_file)
        columns: ImageColumns | None = params.cohort
        cohort, told = examine(folder, params)
    else:
        columns, cohort, told = _undescribed(folder)
    if columns is None:
        return told
    told.problems += check_cases(
        _cases(cohort, folder, "mask"),
        repeats={name: _cases(cohort, folder, name) for name in REPEATS},
        without_mask=_cases(cohort[cohort["mask"].isna()], folder, "image"),
        folder=folder,
        min_slices=columns.min_slices,
        workers=workers,
    )
    return told


def _undescribed(folder: Path) -> tuple[ImageColumns | None, pd.DataFrame, Told]:
    """Return columns and cases of a folder without params; no columns where they could not be told."""
    table = read_table(folder / find_table(folder))
    told = Told(table.path, list(table.problems), [str(table)])
    found = propose(table)
    if table.path.name.endswith(".tsv") and "participant_id" in table.cells:
        columns = ImageColumns(
            table=table.path.name, patient_id="participant_id", bids=BidsSection(), min_slices=_MIN_SLICES
        )
        return columns, image_columns(table, columns, told), told
    told.notes += found.lines()
    for role in ROLES:
        if role not in found.roles:
            told.error(
                f"no column that must be {_MEANING[role]}, among {', '.join(map(shown, table.cells.columns))}",
                f"a column named {role}, or one that its cells tell",
                f"name it under cohort.{role} in params.yaml (`vcfstats new` makes one) and check with --params",
            )
    if told.problems and any(role not in found.roles for role in ROLES):
        return None, pd.DataFrame(), told
    columns = found.columns(table.path.name, min_slices=_MIN_SLICES)
    return columns, image_columns(table, columns, told), told


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

    It names the first patients and the first file. Errors, each of which is to be mended, keep their rows, but of very many
    with the same mend the first stand for all.
    """
    rows = []
    warnings = frame[frame["severity"] == "warning"]
    for _, part in warnings.groupby(["found", "allowed", "mend"], sort=False):
        patients = list(dict.fromkeys(part["patient"]))
        if len(patients) < _ALIKE:
            rows.append(part)
            continue
        more = len(patients) - 2
        first = part.head(1)
        rows.append(
            first.assign(
                patient=f"{patients[0]}, {patients[1]} and {more:,} more",
                file=f"{first['file'].iloc[0]} and {len(part) - 1:,} more",
            )
        )
    for _, part in frame[frame["severity"] == "error"].groupby("mend", sort=False):
        if len(part) <= _MANY:
            rows.append(part)
            continue
        rest = part.iloc[_MANY // 2 :]
        said = f"{len(rest):,} more errors of this kind; --csv FILE lists them all"
        rows += [part.iloc[: _MANY // 2], rest.head(1).assign(patient=f"and {rest['patient'].nunique():,} more", file="", found=said)]  # fmt: skip
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
    told = look_at(folder, params_file=params_file, workers=workers)
    frame = report(told.problems, folder)
    told.say_notes()
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
