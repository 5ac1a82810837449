"""Tables of what there was to learn from: sample size, and what is missing."""

from __future__ import annotations

import pandas as pd

from vcfstats.reporting import absence, values, wording
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.layout import per_parameter, row_sources
from vcfstats.reporting.study import KINDS, Study
from vcfstats.reporting.tables import Column, Table

_PURPOSES = {
    "development": "Training set: candidate parameters of each feature set",
    "testing": "Internal test set: precision of each measure",
}


def sample_size_table(study: Study) -> Table | Absent:
    """Return events per candidate parameter, and cases and events at hand beside the least numbers asked for."""
    frame = study.rows("sample_size")
    if why := absence.sample_size(study):
        return Absent(why)
    columns = [
        Column("subject", "Feature set or measure", width=36),
        Column("parameters", "Candidate parameters", "right", width=14),
        Column("per", "Events per parameter", "right", width=14),
        Column("n", "Cases", "right", "At hand", 8),
        Column("events", "Events", "right", "At hand", 9),
        Column("minimum_n", "Cases", "right", "Minimum", 10),
        Column("minimum_events", "Events", "right", "Minimum", 9),
    ]
    rows = [
        {
            "subject": wording.capital(str(row["subject"])),
            "parameters": _count(row["parameters"]),
            "per": "–" if pd.isna(row["events_per_parameter"]) else per_parameter(row["events_per_parameter"]),
            **{name: _count(row[name]) for name in ("n", "events", "minimum_n", "minimum_events")},
        }
        for row in frame.to_dict("records")
    ]
    table = Table.of(
        columns,
        rows,
        groups=[_PURPOSES.get(str(p), str(p)) for p in frame["purpose"]],
        sources=row_sources(study, "sample_size", frame),
    )
    share = study.records.get("design/anticipated_r2")
    if share is not None and isinstance(share.value, float):
        table = table.with_note(
            f"Training: the largest of Riley's criteria, with {100 * share.value:g}% of Nagelkerke's R² anticipated."
        )
    return table.with_note(
        "Internal test set: least numbers for a confidence interval of the width given. –: does not apply."
    )


def missing_table(study: Study) -> Table | Absent:
    """Return of how many cases a value, a second reading or a prediction is missing."""
    frame = study.rows("missing")
    if why := absence.missing(study):
        return Absent(why)
    headings = {"value": "Values", "second reading": "Second readings", "prediction": "Predictions (indeterminate)"}
    frame = frame.assign(order=frame["what"].map(list(headings).index)).sort_values("order", kind="stable")
    columns = [
        Column("item", "Variable or model", width=52),
        Column("training", "Training set", "right", width=24),
        Column("testing", "Internal test set", "right", width=24),
    ]
    rows = [
        {
            "item": row["item"],
            **{part: _share(row[f"missing_{part}"], row[f"n_{part}"]) for part in ("training", "testing")},
        }
        for row in frame.to_dict("records")
    ]
    table = Table.of(
        columns,
        rows,
        groups=[headings[str(what)] for what in frame["what"]],
        sources=row_sources(study, "missing", frame),
    )
    return table.with_note(
        "Missing cases of all cases (%). A case without a prediction counts in no measure of that model."
    )


def imputation_table(study: Study) -> Table | Absent:
    """Return the coefficients pooled over imputations, and the pooled AUCs beside those of the mean probabilities."""
    frame = study.rows("imputation")
    if why := absence.imputation(study):
        return Absent(why)
    columns = [
        Column("term", "Term", width=34),
        Column("coefficient", "Coefficient (CI)", "right", width=30),
        Column("df", "df", "right", width=10),
        Column("missing", "Information missing", "right", width=16),
        Column("p", "p", "right", width=10),
    ]
    rows = [
        {
            "term": row["term"],
            "coefficient": f"{values.decimal(row['coefficient'], 3)} ({values.decimal(row['low'], 3)} to {values.decimal(row['high'], 3)})",
            "df": values.decimal(row["df"], 1),
            "missing": f"{100 * row['missing_information']:.1f}%",
            "p": values.p_value(row["p_value"]),
        }
        for row in frame.to_dict("records")
    ]
    table = Table.of(columns, rows, groups=[str(model) for model in frame["model"]])
    for name, label in study.info.models.items():
        for kind in KINDS:
            key = f"{kind}/{name}/auc_pooled"
            record = study.records.get(key)
            if record is not None and isinstance(record.value, float):
                table = table.with_note(
                    f"{label}, {KINDS[kind][0].lower()}: AUC {values.decimal(record.value, 3)} ({values.decimal(record.ci_low, 3)} to "
                    f"{values.decimal(record.ci_high, 3)}), {record.method}."
                )
    return table.with_note(
        "Coefficients on the scale of the log odds; CI, confidence interval by Student's t with the degrees of freedom (df) of Barnard and Rubin. "
        "Elsewhere the AUC is that of the mean probability over the imputations, which is what a patient is told."
    )


def _count(value: float) -> str:
    return "–" if pd.isna(value) else f"{int(value):,}"


def _share(part: float, whole: float) -> str:
    return f"{int(part):,}/{int(whole):,} ({100 * part / whole:.1f}%)" if whole else "–"
