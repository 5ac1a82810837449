"""The log of patients screened, as users write it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.cells import number
from vcfstats.pipeline.textfile import read_text_table, shown

STEPS = ("screened", "excluded", "included")


def read_screening(path: Path) -> pd.DataFrame:
    """Read the screening log: a table with step, reason and n, in order.

    Steps are ``screened``, ``excluded`` (once for each reason) and ``included``; the numbers must add up.

    Raises
    ------
    InputError
        No such file, other columns or steps, counts that are none or do not add up.
    """
    table = read_text_table(
        path, what="the screening log, with columns step, reason, n", mend="correct cohort.screening, or set it to null"
    )
    log = table.cells.reset_index(drop=True)
    if list(log.columns) != list(TABLES["flow"]):
        raise InputError(
            Problem(f"columns {', '.join(log.columns)}", "columns step, reason, n", "rename them", file=path)
        )
    problems = []
    for line, row in table.cells.iterrows():
        count = number(row["n"])
        if row["step"] not in STEPS:
            problems.append(Problem(f"step {shown(row['step'])} in line {line}", f"one of {', '.join(STEPS)}", "correct the cell", file=path))  # fmt: skip
        if count is None or count < 0 or count % 1:
            problems.append(Problem(f"n = {shown(row['n'])} in line {line}", "a whole number of patients", "correct the cell", file=path))  # fmt: skip
    if problems:
        raise InputError(problems)
    log["n"] = log["n"].map(lambda cell: int(float(cell)))
    counts = log.groupby("step")["n"].sum()
    screened, excluded, included = (int(counts.get(step, 0)) for step in STEPS)
    if screened - excluded != included:
        raise InputError(
            Problem(
                f"{screened} screened, {excluded} excluded and {included} included",
                "screened less excluded = included",
                "correct the log",
                file=path,
            )
        )
    return log
