"""What the columns of a table that nobody has described yet may be: by their names, and by what stands in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vcfstats.contracts.cohort import ID_PATTERN
from vcfstats.imaging.paths import split_choice
from vcfstats.pipeline.cells import Told, has_decimal_commas, known, number
from vcfstats.pipeline.cohort_settings import ImageColumns
from vcfstats.pipeline.textfile import TextTable, folded

ROLES = ("patient_id", "image", "mask")
_OPTIONAL = ("case_id", "mask_label", "mask_intra", "mask_inter")
_ID_NAMES = frozenset({
    "patientid", "patient", "id", "pid", "patid", "patnr", "patientnr", "patientno", "patientnumber", "subject", "subjectid", "participantid",
    "participant", "case", "caseid", "recordid", "studyid", "patientenid", "patienten-id", "fall", "fallnr",
})  # fmt: skip
_MASK_NAMES = ("mask", "roi", "seg", "label", "contour", "region", "annotation", "delineation", "voi")
_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".img", ".dcm", ".seg.nrrd")
_SHARE = 0.5  # of a column's cells that are files, for a column of files
_FEW = 8  # values of a column that is no number, up to which it may be a finding


@dataclass(frozen=True)
class Proposal:
    """What a table's columns may be.

    Attributes
    ----------
    roles : dict of str to str
        Key under `cohort` -> column; what could not be told is absent.
    guessed : tuple of str
        Keys whose column has another name.
    two_valued : dict of str to Counter
        Columns of two values, which may be the reference standard, with the count of each.
    levels : dict of str to list of str
        Other columns of few values.
    numbers : list of str
        Columns of numbers.
    """

    roles: dict[str, str] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()
    two_valued: dict[str, Counter[str]] = field(default_factory=dict)
    levels: dict[str, list[str]] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)

    def columns(self, table: str, *, min_slices: int) -> ImageColumns:
        """Return the columns of images, where all three roles are known."""
        return ImageColumns.model_validate({"table": table, "min_slices": min_slices, **self.roles})

    def lines(self) -> list[str]:
        """Say what was understood."""
        said = [
            f"{key}: column {column!r}{' (guessed: say so in params.yaml)' if key in self.guessed else ''}"
            for key, column in self.roles.items()
        ]
        for column, counts in self.two_valued.items():
            values = ", ".join(f"{value} ({count})" for value, count in sorted(counts.items()))
            said.append(f"two values, an outcome or a finding: {column!r}: {values}")
        said += [f"few values, a finding: {column!r}: {', '.join(values)}" for column, values in self.levels.items()]
        if self.numbers:
            said.append(f"numbers: {', '.join(map(repr, self.numbers))}")
        return said


def propose(table: TextTable) -> Proposal:
    """Return what the columns of a table may be; a role that two columns could have is left open."""
    cells = table.cells
    names = [str(name) for name in cells.columns]
    roles = {key: key for key in (*ROLES, *_OPTIONAL) if key in names}
    files = {name for name in names if name not in roles.values() and _holds_files(cells[name], table.path.parent)}
    masks = [name for name in names if name in files and _looks_like_masks(name, cells[name])]
    images = [name for name in names if name in files and name not in masks]
    for key, like in (("image", images), ("mask", masks)):
        if key not in roles and len(like) == 1:
            roles[key] = like[0]
    if "patient_id" not in roles and (column := _ids(cells, files)) is not None:
        roles["patient_id"] = column
    found = Proposal(
        roles={key: roles[key] for key in (*ROLES, *_OPTIONAL) if key in roles},
        guessed=tuple(key for key in ROLES if key in roles and roles[key] != key),
    )
    for name in names:
        if name not in roles.values() and name not in files:
            _sort_in(name, cells[name], found, table)
    return found


def _holds_files(values: pd.Series, folder: Path) -> bool:
    given = [value.replace("\\", "/") for value in values if value]
    if not given:
        return False
    like = sum(value.lower().endswith(_SUFFIXES) or ("/" in value and _exists(folder, value)) for value in given)
    return bool(like >= _SHARE * len(given))


def _exists(folder: Path, value: str) -> bool:
    try:
        return split_choice(folder / value)[0].exists()
    except OSError:  # a name that is too long is no file
        return False


def _looks_like_masks(column: str, values: pd.Series) -> bool:
    names = [Path(value.replace("\\", "/")).name.lower() for value in values if value]
    in_cells = sum(any(word in name for word in _MASK_NAMES) for name in names)
    return any(word in folded(column) for word in _MASK_NAMES) or in_cells > _SHARE * len(names)


def _ids(cells: pd.DataFrame, files: set[str]) -> str | None:
    fit = [
        column
        for column in map(str, cells.columns)
        if column not in files and cells[column].is_unique and all(ID_PATTERN.fullmatch(cell) for cell in cells[column])
    ]
    named = [column for column in fit if folded(column).replace("_", "").replace(" ", "") in _ID_NAMES]
    if named:
        return named[0]
    # Without a name that says so: the first column, where its values tell the rows apart.
    return fit[0] if fit and fit[0] == cells.columns[0] else None


def _sort_in(column: str, values: pd.Series, found: Proposal, table: TextTable) -> None:
    given = known(values, column, Told(table.path)).dropna()
    if given.empty:
        return
    counts = Counter(given)
    commas = has_decimal_commas(given)
    if len(counts) == 2:
        found.two_valued[column] = counts
    elif all(number(cell.replace(",", ".") if commas else cell) is not None for cell in given):
        found.numbers.append(column)
    elif len(counts) <= _FEW:
        found.levels[column] = sorted(counts)
