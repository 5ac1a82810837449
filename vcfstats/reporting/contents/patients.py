"""Tables of the patients: baseline, odds ratios of the findings, agreement of the readers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vcfstats.reporting import absence, values
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.layout import row_sources
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import FOOTNOTE_MARKS, INDENT, Column, Table


def baseline_table(study: Study) -> Table | Absent:
    """Return the baseline table: variables with their levels indented, in all, training and testing; p values where there are any."""
    frame = study.rows("baseline")
    if why := absence.baseline(study):
        return Absent(why)
    shown = ("all", "training", "testing")
    tests = list(dict.fromkeys(frame.loc[frame["p_value"].notna() & (frame["test"] != ""), "test"]))
    marks = dict(zip(tests, FOOTNOTE_MARKS, strict=False)) if len(tests) > 1 else {}
    rows: list[dict[str, Any]] = []
    sources: list[str] = []
    for (variable, statistic), part in frame.groupby(["variable", "statistic"], sort=False):
        named = f"{variable}, {statistic}" if statistic else str(variable)
        tested = part[part["p_value"].notna()]
        p = values.p_value(tested["p_value"].iloc[0]) + marks.get(tested["test"].iloc[0], "") if len(tested) else ""
        own = row_sources(study, "baseline", part)
        # The line that names a variable with levels holds its p value, which each of their rows has.
        sources += own if len(part) == 1 and not part["level"].iloc[0] else [own[0], *own]
        if len(part) == 1 and not part["level"].iloc[0]:
            rows.append({"variable": named, **part.iloc[0][list(shown)], "p_value": p})
            continue
        rows.append({"variable": named, **dict.fromkeys(shown, ""), "p_value": p})
        rows += [{"variable": INDENT + row["level"], **row[list(shown)], "p_value": ""} for _, row in part.iterrows()]
    with_p = bool(frame["p_value"].notna().any())
    width = 17 if with_p else 19
    columns = [
        Column("variable", "Characteristic", width=100 - 3 * width - (9 if with_p else 0)),
        Column("all", "All", "right", width=width),
        Column("training", "Training set", "right", width=width),
        Column("testing", "Internal test set", "right", width=width),
        *([Column("p_value", "p", "right", width=9)] if with_p else []),
    ]
    table = Table.of(columns, rows, sources=sources)
    if with_p:
        by = (
            f" by {tests[0]}" if len(tests) == 1 else "; " + "; ".join(f"{mark} {test}" for test, mark in marks.items())
        )
        table = table.with_note(f"p: training against internal test set{by if tests else ''}.")
    if frame["statistic"].str.contains("SD").any():
        table = table.with_note("SD, standard deviation.")
    return table.with_note("IQR, interquartile range.") if frame["statistic"].str.contains("IQR").any() else table


def regression_table(study: Study) -> Table | Absent:
    """Return odds ratios of the findings, by themselves and together, on the training set."""
    frame = study.rows("regression")
    if why := absence.regression(study):
        return Absent(why)
    columns = [
        Column("variable", "Finding", width=36),
        Column("or", "Odds ratio (CI)", "right", "Univariable", 23),
        Column("p", "p", "right", "Univariable", 9),
        Column("adjusted", "Odds ratio (CI)", "right", "Multivariable", 23),
        Column("adjusted_p", "p", "right", "Multivariable", 9),
    ]
    rows: list[dict[str, str]] = []
    sources: list[str] = []
    for variable, part in frame.groupby("variable", sort=False):
        reference = part["reference"].iloc[0]
        several = len(part) > 1
        if several:
            rows.append({"variable": f"{variable} (reference: {reference})", **dict.fromkeys(_CELLS, "")})
            sources.append("")
        sources += row_sources(study, "regression", part)
        for row in part.to_dict("records"):
            compared = f"{variable}: {row['level']} against {reference}" if row["level"] else str(variable)
            rows.append({"variable": INDENT + str(row["level"]) if several else compared, **_odds(row)})
    table = Table.of(columns, rows, sources=sources)
    if frame["adjusted_or"].isna().any():
        table = table.with_note("–: not in the multivariable model.")
    odd = _odd_units(frame)
    if odd:
        table = table.with_note(
            f"One unit is no sensible step of {', '.join(odd)}: choose another unit in the cohort's table."
        )
    level = study.records.get("design/confidence_level")
    share = (
        f"{100 * level.value:g}% confidence" if level is not None and isinstance(level.value, float) else "confidence"
    )
    cases = (
        "complete cases"
        if study.rows("imputation").empty
        else "missing findings imputed several times, coefficients pooled by Rubin's rules"
    )
    return table.with_note(f"CI, {share} interval. Logistic regression on the training set, {cases}.")


_CELLS = ("or", "p", "adjusted", "adjusted_p")


def _odds(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "or": _ratio(row["or"], row["low"], row["high"]),
        "p": "–" if pd.isna(row["p_value"]) else values.p_value(row["p_value"]),
        "adjusted": _ratio(row["adjusted_or"], row["adjusted_low"], row["adjusted_high"]),
        "adjusted_p": "–" if pd.isna(row["adjusted_p_value"]) else values.p_value(row["adjusted_p_value"]),
    }


def _ratio(value: Any, low: Any, high: Any) -> str:
    return "–" if pd.isna(value) else values.ratio(value, low, high)


# Odds ratios of one unit beyond these, or nearer to 1, tell of the unit and not of the finding.
_FARTHEST, _NEAREST = 1000.0, 0.0005


def _odd_units(frame: pd.DataFrame) -> list[str]:
    """Return the numbers whose odds ratio per unit has no sense: both limits extreme, or no digit away from 1."""
    found = []
    for row in frame[frame["level"].fillna("") == ""].to_dict("records"):
        for low, high in ((row["low"], row["high"]), (row["adjusted_low"], row["adjusted_high"])):
            if pd.isna(low) or pd.isna(high) or low <= 0:
                continue
            extreme = high < 1 / _FARTHEST or low > _FARTHEST
            if extreme or (max(abs(low - 1), abs(high - 1)) < _NEAREST and (low > 1 or high < 1)):
                found.append(str(row["variable"]))
    return list(dict.fromkeys(found))


def agreement_table(study: Study) -> Table | Absent:
    """Return how two readers agree on each finding."""
    frame = study.rows("agreement")
    if why := absence.agreement(study):
        return Absent(why)
    columns = [
        Column("finding", "Finding", width=42),
        Column("n", "Read twice", "right", width=14),
        Column("kappa", "Cohen's kappa (CI)", "right", width=28),
        Column("kept", "Kept", "center", width=16),
    ]
    rows = [
        {
            "finding": row["finding"],
            "n": f"{int(row['n']):,}",
            "kappa": values.NOT_ESTIMABLE
            if pd.isna(row["kappa"])
            else f"{values.decimal(row['kappa'], 3)} ({values.decimal(row['low'], 3)} to {values.decimal(row['high'], 3)})",
            "kept": row["kept"],
        }
        for row in frame.to_dict("records")
    ]
    return Table.of(columns, rows, sources=row_sources(study, "agreement", frame)).with_note(
        "Training patients only. CI, confidence interval."
    )
