"""The files of stage repeats: intraclass correlations of features, one a matrix and a source of readings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from vcfstats import icc
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.pipeline.directory import StudyDirectory

# The first reader again, a second reader, small changes of image and region.
READINGS = ("intra", "inter", "perturbation")
MATRICES = ("radiomics", "deep")
_COLUMNS = ["feature", "form", "icc", "low", "high", "n"]


def correlations(readings: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the intraclass correlations of readings of the same cases, every form, one row a feature and form.

    Parameters
    ----------
    readings : list of DataFrame
        Feature matrices, two or more; the cases and features of the first count, all must have them.
    """
    first = readings[0]
    stacked = np.stack([frame.loc[first.index, first.columns].to_numpy() for frame in readings], axis=-1)
    ratings = stacked.transpose(1, 0, 2)
    frame: pd.DataFrame = icc(ratings, features=list(first.columns)).to_frame()
    return frame.filter(_COLUMNS[:-1]).assign(n=len(first))


def write_correlations(study: StudyDirectory, matrix: str, reading: str, frame: pd.DataFrame | None) -> None:
    """Write the correlations of one matrix and reading, a header alone where there are none."""
    body = pd.DataFrame(columns=_COLUMNS) if frame is None else frame
    write_text(_path(study, matrix, reading), body.to_csv(index=False, lineterminator="\n"))


def read_correlations(study: StudyDirectory, matrix: str, reading: str) -> pd.DataFrame | None:
    """Return the correlations of one matrix and reading, None where there are none.

    Raises
    ------
    InputError
        Stage repeats has not written them.
    """
    path = _path(study, matrix, reading)
    if not path.is_file():
        raise InputError(Problem("no such file", "intraclass correlations", "run the stage repeats first", file=path))
    frame = pd.read_csv(path)
    return frame if len(frame) else None


def _path(study: StudyDirectory, matrix: str, reading: str) -> Path:
    return study.repeats / f"{'' if matrix == 'radiomics' else f'{matrix}_'}icc_{reading}.csv"
