"""Reporting guidelines: what the study at hand can show, from its params, records and tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from vcfstats.audit.checklists import Evidence, assess, scores
from vcfstats.contracts.forks import ANALYTIC, read_forks
from vcfstats.contracts.records import Record, Records
from vcfstats.contracts.study import TABLES, StudyFile, read_table
from vcfstats.pipeline.directory import StudyDirectory


def assessed(study: StudyDirectory, words: StudyFile, records: Records) -> tuple[pd.DataFrame, list[Record]]:
    """Return the table of items and the records of their counts; results/tables and nomogram.json are written by then."""
    params = study.params
    given = Evidence(
        root=study.root,
        words=words,
        records=records,
        tables=_tables(study.results / "tables"),
        covariates=bool(params.cohort.covariates),
        second_reading=any(covariate.second_reading for covariate in params.cohort.covariates.values()),
        repeats=params.cohort.mask_intra is not None or params.cohort.mask_inter is not None,
        end_to_end=params.trunk.trained != "none",
        alternatives=len(read_forks(study.forks_file).of_kind(ANALYTIC)),
    )
    table = assess(given)
    return table, scores(table)


def _tables(folder: Path) -> Mapping[str, pd.DataFrame]:
    return {name: read_table(name, folder / f"{name}.csv") for name in TABLES if (folder / f"{name}.csv").is_file()}
