"""Tables of the selection of features and of the fitted nomogram model."""

from __future__ import annotations

import pandas as pd

from vcfstats.reporting import absence, values
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.layout import breakable, row_sources
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Column, Table

STEPS = {
    "extracted": "Computed",
    "reliability": "Repeatable",
    "harmonisation": "Harmonised",
    "zscore": "Z-score",
    "t_test": "t-test",
    "correlation": "Correlation",
    "surplus": "No more than cases",
    "collinearity": "Variance inflation",
    "lasso": "LASSO",
}


def funnel_table(study: Study) -> Table | Absent:
    """Return how many features each step left, by class of feature, one row group for each feature set."""
    frame = study.rows("funnel")
    if why := absence.funnel(study):
        return Absent(why)
    steps = list(dict.fromkeys(frame["step"]))
    width = 84 // len(steps)
    columns = [
        Column("feature_class", "Class", width=100 - width * len(steps)),
        *(Column(step, STEPS.get(step, step.replace("_", " ")), "right", width=width) for step in steps),
    ]
    rows, groups = [], []
    at = {
        (row["feature_set"], row["step"], row["feature_class"]): number
        for number, row in zip(frame.index, frame.to_dict("records"), strict=True)
    }
    for feature_set, part in frame.groupby("feature_set", sort=False):
        counts = {(row["step"], row["feature_class"]): int(row["n"]) for row in part.to_dict("records")}
        done = list(dict.fromkeys(part["step"]))
        classes = [name for name in dict.fromkeys(part["feature_class"]) if name != "none"]
        total = {step: f"{sum(n for (s, _), n in counts.items() if s == step):,}" for step in done}
        shown = [
            *(
                {"feature_class": name}
                | {
                    step: _counted(study, counts.get((step, name), 0), at.get((feature_set, step, name)))
                    for step in done
                }
                for name in classes
            ),
            {"feature_class": "All"} | total,
        ]
        rows += [dict.fromkeys(steps, "–") | row for row in shown]
        groups += [study.info.feature_sets.get(str(feature_set), str(feature_set))] * len(shown)
    table = Table.of(columns, rows, groups=groups)
    missing = any("–" in row for row in table.rows)
    return table.with_note("–: step not reached.") if missing else table


def _counted(study: Study, count: int, row: int | None) -> str:
    return f"{count:,}" if row is None else study.sourced(f"{count:,}", study.row_source("funnel", row))


def score_table(study: Study) -> Table | Absent:
    """Return the linear score of each feature set: intercept, coefficients, and how its features are standardised."""
    frame = study.rows("coefficients")
    if why := absence.scores(study):
        return Absent(why)
    scales = study.rows("scaling")
    scaling = {
        (row["feature_set"], row["feature"]): {
            name: study.sourced(_six_digits(row[name]), study.row_source("scaling", number)) for name in ("mean", "sd")
        }
        for number, row in zip(scales.index, scales.to_dict("records"), strict=True)
    }
    width = 46 if scaling else 70
    columns = [
        Column("feature", "Feature", width=width),
        Column("coefficient", "Coefficient", "right", width=18 if scaling else 30),
        *([Column("mean", "Mean", "right", width=18), Column("sd", "SD", "right", width=18)] if scaling else []),
    ]
    rows, groups = [], []
    for feature_set, part in frame.groupby("feature_set", sort=False):
        intercept = study.records.get(f"model/{feature_set}/score_intercept")
        shown = []
        for number, row in zip(part.index, part.to_dict("records"), strict=True):
            known = scaling.get((feature_set, row["feature"]), {})
            source = study.row_source("coefficients", number)
            shown.append(
                {
                    "feature": breakable(row["feature"]), "coefficient": study.sourced(values.decimal(row["coefficient"], 5), source),
                    **{name: known.get(name, "–") for name in ("mean", "sd")},
                }
            )  # fmt: skip
        if intercept is not None and isinstance(intercept.value, float):
            shown.insert(
                0,
                {
                    "feature": "Intercept",
                    "coefficient": study.sourced(
                        values.decimal(intercept.value, 5), f"model/{feature_set}/score_intercept"
                    ),
                    "mean": "–",
                    "sd": "–",
                },
            )
        rows += shown
        groups += [study.info.feature_sets.get(str(feature_set), str(feature_set))] * len(shown)
    table = Table.of(columns, rows, groups=groups).with_note(
        "Coefficients are per standard deviation of the training set."
    )
    return table.with_note("Mean and SD (standard deviation): of the training set.") if scaling else table


def _six_digits(value: float) -> str:
    """Write a mean or a standard deviation of a feature, of whatever magnitude, with six significant digits."""
    text = f"{value:,.6g}"
    return values.power(text) if "e" in text else text.replace("-", values.MINUS)


def nomogram_table(study: Study) -> Table | Absent:
    """Return the equation behind the nomogram: coefficients on the log odds with standard errors and limits."""
    frame = study.rows("nomogram_model")
    if why := absence.nomogram(study):
        return Absent(why)
    columns = [
        Column("term", "Term", width=40),
        Column("coefficient", "Coefficient", "right", width=18),
        Column("standard_error", "Standard error", "right", width=18),
        Column("limits", "Confidence interval", "right", width=24),
    ]
    rows = [
        {
            "term": row["term"],
            "coefficient": values.scaled(row["coefficient"], 4),
            "standard_error": _or_dash(row["standard_error"]),
            "limits": "–"
            if pd.isna(row["low"])
            else f"{values.scaled(row['low'], 3)} to {values.scaled(row['high'], 3)}",
        }
        for row in frame.to_dict("records")
    ]
    return Table.of(columns, rows, sources=row_sources(study, "nomogram_model", frame)).with_note(
        "Coefficients on the scale of the log odds."
    )


def _or_dash(value: float) -> str:
    return "–" if pd.isna(value) else values.scaled(value, 4)
