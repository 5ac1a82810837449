"""A feature matrix: parquet, one row per case, float64 columns; beside it a JSON that says what made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import replacing, write_text


class FeatureDescription(BaseModel):
    """What made a feature matrix."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    versions: dict[str, str]
    settings: dict[str, Any]
    inputs: dict[str, dict[str, str]]  # case_id -> {"image": sha256, "mask": sha256}
    grey_levels: dict[str, dict[str, int]] | None = (
        None  # case_id -> {"levels": n, "of_90_percent": n}; radiomics alone
    )

    def text(self) -> str:
        """Return the description as JSON, without what it does not have."""
        return json.dumps(self.model_dump(exclude_none=True), indent=1, sort_keys=True) + "\n"

    def median_levels(self) -> tuple[float, float] | None:
        """Return the median over cases of the grey levels of a region, and of those that hold 90% of its voxels."""
        if not self.grey_levels:
            return None
        counts = [(own["levels"], own["of_90_percent"]) for own in self.grey_levels.values()]
        levels, most = np.median(counts, axis=0)
        return float(levels), float(most)


def check_features(frame: pd.DataFrame, *, file: str | Path = "") -> pd.DataFrame:
    """Return the matrix, or end in an InputError that names the first case and feature at fault."""
    if frame.index.name != "case_id" or not frame.index.is_unique:
        raise InputError(
            Problem("rows without a unique case_id", "one row per case_id", "rebuild the features", file=file)
        )
    wrong = list(frame.columns[(frame.dtypes != np.float64).to_numpy()])
    if wrong:
        raise InputError(
            Problem(
                f"column {wrong[0]!r} of type {frame[wrong[0]].dtype}",
                "float64 columns",
                "rebuild the features",
                file=file,
            )
        )
    finite = np.isfinite(frame.to_numpy())
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(
            Problem(
                f"feature {frame.columns[column]!r} is {frame.iat[row, column]}", "finite feature values",
                "look at the image and mask of this patient, or take the feature out", patient=str(frame.index[row]), file=file,
            )
        )  # fmt: skip
    return frame


def write_features(frame: pd.DataFrame, description: FeatureDescription, path: Path) -> None:
    """Write the matrix as parquet and its description beside it, ``radiomics.parquet`` and ``radiomics.json``."""
    checked = check_features(frame.sort_index(), file=path)
    with replacing(path) as temporary:
        checked.to_parquet(temporary)
    write_text(path.with_suffix(".json"), description.text())


def read_features(path: Path) -> pd.DataFrame:
    """Read a feature matrix and check it."""
    if not path.is_file():
        raise InputError(Problem("no such file", "a feature matrix (parquet)", "run `dvc repro` first", file=path))
    return check_features(pd.read_parquet(path), file=path)
