"""Everything that the cohort's table and params.yaml show together, in one place: for check, new, ingest, params and split."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.cells import Told
from vcfstats.pipeline.cohort_table import collect_cohort_table
from vcfstats.pipeline.feasible import tell_infeasible
from vcfstats.pipeline.params import Params
from vcfstats.pipeline.screening import read_screening


def examine(folder: Path, params: Params) -> tuple[pd.DataFrame, Told]:
    """Return the cohort, and everything that there is to say of its table and of what params ask of it; no image is read.

    Raises
    ------
    InputError
        The table cannot be read, or columns are missing.
    """
    cohort, told = collect_cohort_table(folder, params.cohort, params.split)
    if params.cohort.screening is not None:
        told.problems += _screening_problems(folder / params.cohort.screening)
    if all(problem.warning for problem in told.problems):
        tell_infeasible(cohort, params, told)
    return cohort, told


def _screening_problems(path: Path) -> list[Problem]:
    try:
        read_screening(path)
    except InputError as error:
        return list(error.problems)
    return []
