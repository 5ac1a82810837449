"""What is missing: values of the covariates, second readings, follow-up, and predictions that a model could not make."""

from __future__ import annotations

import pandas as pd

from vcfstats.contracts.cohort import SECOND
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.evaluation.models import LABELS
from vcfstats.pipeline.params import Params


def missing(cohort: pd.DataFrame, predictions: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return, by partition, of how many cases a value or a prediction is missing.

    A prediction is missing (indeterminate) where a model gave none for a case; it counts in no table of performance. Of
    training cases the out-of-fold prediction counts.
    """
    sets = {name: cohort.index[cohort["partition"] == name] for name in ("training", "testing")}
    rows = []

    def add(item: str, what: str, known: pd.Index) -> None:
        counts = [(len(cases), len(cases.difference(known))) for cases in sets.values()]
        rows.append((item, what, *counts[0], *counts[1]))

    add("Reference standard", "value", cohort.index[cohort["outcome"].notna()])
    for name, covariate in params.cohort.covariates.items():
        add(covariate.label, "value", cohort.index[cohort[name].notna()])
        if f"{name}{SECOND}" in cohort:
            add(covariate.label, "second reading", cohort.index[cohort[f"{name}{SECOND}"].notna()])
    if params.cohort.followup is not None:
        known = cohort[["followup_time", "followup_event"]].notna().all(axis=1)
        add("Follow-up", "value", cohort.index[known])
    own = predictions[predictions["kind"].isin(["out_of_fold", "testing"]) & predictions["probability"].notna()]
    for model, label in LABELS.items():
        cases = own.loc[own["model"] == model, "case_id"]
        if len(cases):
            add(label, "prediction", pd.Index(cases.unique()))
    return pd.DataFrame(rows, columns=list(TABLES["missing"]))


def missing_records(table: pd.DataFrame) -> list[Record]:
    """Return how many values and how many predictions are missing in all, of the table that `missing` made."""
    totals = table.assign(missing=table["missing_training"] + table["missing_testing"]).groupby("what")["missing"].sum()
    return [
        Record(
            kind="cohort", partition="all", estimate=f"n_missing_{what}s", value=int(totals[what]), unit=f"{what}s", stage="evaluate",
            method="summed over variables or models, training and testing cases",
        )
        for what in ("value", "prediction")
        if what in totals
    ]  # fmt: skip
