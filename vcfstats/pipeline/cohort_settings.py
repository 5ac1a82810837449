"""The section `cohort` of params.yaml: which column of the cohort table says what."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from vcfstats.contracts.cohort import RESERVED, SECOND

# What stands in a new study's params.yaml where only its authors know the value.
FILL_IN = "FILL IN"
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _one_line(value: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in value):
        raise ValueError("text without line breaks and tabs: it is printed in one line")
    return value


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_one_line)]


class Section(BaseModel):
    """A part of params.yaml: unknown keys are refused, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OutcomeSection(Section):
    """The reference standard."""

    column: Text = Field(description="column of the cohort table that holds the reference standard")
    event: str | int | float | bool = Field(description="value of that column that is the event")
    nonevent: str | int | float | bool | None = Field(
        default=None,
        description="the other value; null: whatever it is. Needed where the event is the smaller code or an absence (1 of 1 and 2, no)",
    )
    event_label: Line = Field(description="what an event is called")
    nonevent_label: Line = Field(description="what a non-event is called")

    @model_validator(mode="after")
    def _two_values(self) -> OutcomeSection:
        if self.nonevent is not None and str(self.nonevent) == str(self.event):
            raise ValueError(f"event and nonevent are two values; both are {self.event!r}")
        if self.event_label == self.nonevent_label:
            raise ValueError(f"event_label and nonevent_label differ; both are {self.event_label!r}")
        return self


class Covariate(Section):
    """A clinical column of the cohort table."""

    type: Literal["continuous", "binary", "categorical"] = Field(description="how it is described")
    label: Line = Field(description="its name in print")
    unit: Line | Literal[""] = Field(default="", description="unit in print")
    levels: dict[Line, Line] = Field(
        default_factory=dict, description="value in the table -> name in print, in order, reference level first"
    )
    column: Text | None = Field(default=None, description="column of the cohort table, if not the key itself")
    second_reading: Text | None = Field(
        default=None, description="column with a second reader's finding, for agreement; null: none"
    )

    @model_validator(mode="after")
    def _levels_belong_to_categories(self) -> Covariate:
        if self.type == "continuous" and self.levels:
            raise ValueError("a continuous covariate has no levels")
        if self.type == "binary" and len(self.levels) != 2:
            raise ValueError(f"a binary covariate has two levels, reference first; found {len(self.levels)}")
        if self.type == "categorical" and len(self.levels) < 2:
            raise ValueError(
                f"a categorical covariate has at least two levels, reference first; found {len(self.levels)}"
            )
        twice = [label for label, count in Counter(self.levels.values()).items() if count > 1]
        if twice:
            raise ValueError(
                f"levels differ in print; {twice[0]!r} stands for {list(self.levels.values()).count(twice[0])}"
            )
        return self


class FollowupSection(Section):
    """Follow-up of the patients."""

    time: Text = Field(description="column with the time under observation")
    event: Text = Field(description="column with 1 where observation ended with the event, 0 where it was cut off")
    unit: Line = Field(default="months", description="unit of the time")


def _pattern(default: str | None, what: str) -> Any:
    return Field(
        default=default,
        description=f"{what}, a pattern relative to the folder: {{patient}} and * stand for names, ** for any folders",
    )


class BidsSection(Section):
    """Where a BIDS folder keeps its files."""

    image: str = _pattern("{patient}/**/anat/*_T2w.nii.gz", "image")
    mask: str = _pattern("derivatives/**/{patient}/**/anat/*_mask.nii.gz", "mask")
    mask_intra: str | None = _pattern(None, "region drawn again by the first reader; null: none")
    mask_inter: str | None = _pattern(None, "region drawn by a second reader; null: none")

    @field_validator("image", "mask", "mask_intra", "mask_inter")
    @classmethod
    def _within(cls, value: str | None) -> str | None:
        if value is not None and ("{patient}" not in value or ".." in value or value.startswith("/")):
            raise ValueError("the pattern holds {patient} and stays inside the folder")
        return value


class ImageColumns(Section):
    """Columns of the cohort table that say whose images lie where."""

    table: str = Field(default="cohort.csv", description="the cohort table in that folder (CSV, or TSV)")
    bids: BidsSection | None = Field(
        default=None, description="where a BIDS folder keeps images and masks, in place of their columns; null: columns"
    )
    min_slices: int = Field(default=1, ge=1, description="fewest slices that a region must span")
    case_id: Text | None = Field(default=None, description="column with one id per case; null: patient_id")
    patient_id: Text = Field(default="patient_id", description="column with the patient's id")
    image: Text = Field(default="image", description="column with the image file, relative to the folder")
    mask: Text = Field(default="mask", description="column with the mask file, relative to the folder")
    mask_label: Annotated[int, Field(ge=1)] | Text | None = Field(
        default=None, description="label of the region in the masks: a number, a column, or null for the only label"
    )
    mask_intra: Text | None = Field(
        default=None, description="column with the region drawn again by the first reader, or null"
    )
    mask_inter: Text | None = Field(
        default=None, description="column with the region drawn by a second reader, or null"
    )

    @field_validator("table")
    @classmethod
    def _table_in_folder(cls, value: str) -> str:
        if PurePosixPath(value).is_absolute() or ".." in PurePosixPath(value).parts:
            raise ValueError("the table lies in the cohort's folder")
        return value


class ScannerSection(Section):
    """Where the scanner of each image is named."""

    column: Text | None = Field(default=None, description="column of the cohort table")
    header: tuple[Literal["manufacturer", "model", "field_strength_t"], ...] | None = Field(
        default=None, min_length=1, description="or fields of the image's header or sidecar, joined"
    )

    @model_validator(mode="after")
    def _one_place(self) -> ScannerSection:
        if (self.column is None) == (self.header is None):
            raise ValueError("a scanner is named either in a column or in the header")
        return self


class CohortSection(ImageColumns):
    """The folder of the cohort and its columns."""

    folder: Text = Field(
        description="folder with the cohort table and the images, relative to the study's directory or absolute"
    )
    followup: FollowupSection | None = Field(default=None, description="follow-up, or null")
    screening: Text | None = Field(
        default=None,
        description="log of patients screened, a CSV in the cohort's folder with step, reason and n, or null",
    )
    scanner: ScannerSection | None = Field(
        default=None, description="where the scanner of each image is named, or null: not known"
    )
    outcome: OutcomeSection = Field(description="the reference standard")
    covariates: dict[str, Covariate] = Field(default_factory=dict, description="clinical columns, name -> description")

    @field_validator("covariates")
    @classmethod
    def _names_of_their_own(cls, value: dict[str, Covariate]) -> dict[str, Covariate]:
        for name in value:
            if name in RESERVED or name.endswith(SECOND):
                raise ValueError(
                    f"{name!r} is the name of a column that the study makes itself: call the covariate otherwise and write `column: {name}`"
                )
            if (
                name != name.strip()
                or not name.isprintable()
                or not name
                or "=" in name
                or "/" in name
                or name.startswith("@")
            ):
                raise ValueError(
                    f"{name!r} cannot name a covariate: letters, digits and spaces within, not = / or a leading @; the column's own name goes under `column:`"
                )
        return value

    @model_validator(mode="after")
    def _one_role_a_column(self) -> CohortSection:
        roles: dict[str, str] = {}
        for key, column in self._roles():
            other = roles.setdefault(column, key)
            if other != key:
                raise ValueError(f"column {column!r} stands under {other} and under {key}: each column says one thing")
        return self

    def _roles(self) -> list[tuple[str, str]]:
        """Return key -> column of all that no two keys may share; a scanner may be a finding too, and case_id the patient."""
        files = () if self.bids is not None else ("image", "mask", "mask_intra", "mask_inter")
        found: list[tuple[str, str | None]] = [(name, getattr(self, name)) for name in ("patient_id", *files)]
        found.append(("mask_label", self.mask_label if isinstance(self.mask_label, str) else None))
        if self.case_id != self.patient_id:
            found.append(("case_id", self.case_id))
        found.append(("outcome", self.outcome.column))
        if self.followup is not None:
            found += [("followup.time", self.followup.time), ("followup.event", self.followup.event)]
        for name, covariate in self.covariates.items():
            found += [
                (f"covariates.{name}", covariate.column or name),
                (f"covariates.{name}.second_reading", covariate.second_reading),
            ]
        return [(key, column) for key, column in found if column not in (None, FILL_IN)]

    def columns(self) -> dict[str, str]:
        """Return column -> key, of all columns that say one thing."""
        return {column: key for key, column in self._roles()}
