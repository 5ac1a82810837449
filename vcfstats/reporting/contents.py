"""The tables of the documents, laid out from result records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vcfstats.contracts.records import Record
from vcfstats.reporting import values
from vcfstats.reporting.study import KINDS, Study
from vcfstats.reporting.tables import INDENT, Column, Table

# Estimate -> its name in the performance table, in the order of print.
PERFORMANCE = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "accuracy": "Accuracy",
    "brier": "Brier score",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration intercept",
    "hosmer_lemeshow": "Hosmer-Lemeshow test",
}


def performance_table(study: Study) -> Table:
    """Return performance by set of predictions: estimates with intervals, one row group for each model if there are several."""
    kinds = study.kinds()
    columns = [
        Column("measure", "Measure", width=22),
        *(Column(kind, KINDS[kind][0], width=78 // len(kinds)) for kind in kinds),
    ]
    rows, groups = [], []
    for model, name in study.info.models.items():
        rows.append({"measure": "Cases (events)"} | {kind: _size(study, kind, model) for kind in kinds})
        for estimate, label in PERFORMANCE.items():
            rows.append({"measure": label} | {kind: _cell(study, f"{kind}/{model}/{estimate}") for kind in kinds})
        groups += [name] * (len(PERFORMANCE) + 1)
    table = Table.of(columns, rows, groups=groups if len(study.info.models) > 1 else ())
    shown = [
        study.records[key]
        for kind in kinds
        for model in study.info.models
        for key in [f"{kind}/{model}/auc"]
        if key in study.records
    ]
    levels = {record.level for record in shown if record.level is not None}
    about = (
        f"Values are estimates with {100 * levels.pop():g}% confidence intervals; proportions come with their counts."
        if len(levels) == 1
        else "Values are estimates with confidence intervals; proportions come with their counts."
    )
    reasons = _reasons(study, kinds)
    if "apparent" in kinds:
        table = table.with_footnote(
            "apparent", "Predicted for the patients on whom the model was fitted: optimistic by design."
        )
    if "out_of_fold" in kinds:
        table = table.with_footnote("out_of_fold", "Each patient predicted by a model fitted without that patient.")
    table = table.with_note(about)
    if reasons:
        table = table.with_note(f"Not estimable: {'; '.join(reasons)}.")
    return table.with_note(
        "AUC, area under the receiver operating characteristic curve; df, degrees of freedom; NPV, negative predictive value; PPV, positive predictive value."
    )


def _size(study: Study, kind: str, model: str) -> str:
    record = study.records.get(f"{kind}/{model}/auc")
    if record is None or record.n is None:
        return "–"
    return f"{record.n:,} ({record.events:,})" if record.events is not None else f"{record.n:,}"


def _cell(study: Study, key: str) -> str:
    record = study.records.get(key)
    if record is None:
        return "–"
    if record.value is None or (record.statistic is not None and record.p_value is not None):
        return values.full(record)
    counts, limits = values.fraction(record) if values.is_proportion(record) else "", values.interval(record)
    shown = f"{counts} ({values.point(record)}" if counts else values.point(record)
    if counts:
        return f"{shown}; {limits})" if limits else f"{shown})"
    return f"{shown} ({limits})" if limits else shown


def _reasons(study: Study, kinds: Sequence[str]) -> list[str]:
    """Return why estimates have no value, each reason once, with what it applies to."""
    found: dict[str, list[str]] = {}
    for kind in kinds:
        for model in study.info.models:
            for estimate, label in PERFORMANCE.items():
                key = f"{kind}/{model}/{estimate}"
                if key in study.records and study.records[key].value is None:
                    found.setdefault(str(study.reason(key)), []).append(label)
    return [f"{', '.join(dict.fromkeys(labels))} ({reason})" for reason, labels in found.items()]


def baseline_table(study: Study) -> Table:
    """Return the baseline table: variables with their levels indented, in all, training and testing; p values where there are any."""
    frame = study.table("baseline")
    shown = ("all", "training", "testing")
    rows: list[dict[str, Any]] = []
    for (variable, statistic), part in frame.groupby(["variable", "statistic"], sort=False):
        named = f"{variable}, {statistic}" if statistic else str(variable)
        p = part["p_value"].dropna()
        compared = {"p_value": values.p_value(p.iloc[0]) if len(p) else ""}
        if len(part) == 1 and not part["level"].iloc[0]:
            rows.append({"variable": named, **part.iloc[0][list(shown)], **compared})
            continue
        rows.append({"variable": named, **dict.fromkeys(shown, ""), **compared})
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
    table = Table.of(columns, rows)
    if with_p:
        tests = dict.fromkeys(frame.loc[frame["p_value"].notna() & (frame["test"] != ""), "test"])
        table = table.with_note(f"p: training against internal test set{' by ' + ', '.join(tests) if tests else ''}.")
    return table.with_note("SD, standard deviation.") if frame["statistic"].str.contains("SD").any() else table


def deviations_table(study: Study) -> Table:
    """Return what departs from the protocol's printed values, and why."""
    columns = [
        Column("key", "Decision", width=24),
        Column("published", "Published", width=17),
        Column("used", "Used", width=17),
        Column("reason", "Reason", width=42),
    ]
    rows = [
        {"key": _breakable(d.key), "published": _words(d.published), "used": _words(d.used), "reason": d.reason}
        for d in study.info.protocol.deviations
    ]
    return Table.of(columns, rows)


def choices_table(study: Study) -> Table:
    """Return what the protocol leaves open, what was chosen, and why."""
    columns = [
        Column("key", "Decision", width=24),
        Column("published", "Published", width=17),
        Column("used", "Used", width=17),
        Column("reason", "Reason", width=42),
    ]
    rows = [
        {
            "key": _breakable(c.key),
            "published": _words(c.published) or "nothing",
            "used": _words(c.used),
            "reason": c.reason,
        }
        for c in study.info.protocol.choices
    ]
    return Table.of(columns, rows)


def provenance_table(study: Study) -> Table:
    """Return every number and decision that the documents can print: key, value in full, method, n, events, stage."""
    columns = [
        Column("key", "Key", width=26),
        Column("value", "Value", width=25),
        Column("method", "Method", width=24),
        Column("n", "n", "right", width=6),
        Column("events", "Events", "right", width=8),
        Column("stage", "Stage", width=11),
    ]
    rows = [
        {
            "key": _breakable(key),
            "value": _in_full(record),
            "method": record.method or "",
            "n": "" if record.n is None else str(record.n),
            "events": "" if record.events is None else str(record.events),
            "stage": record.stage,
        }
        for key, record in study.records.items()
    ]
    return Table.of(columns, rows)


def _in_full(record: Record) -> str:
    """Write a value with six significant digits, its interval and its p value: more than the text prints."""
    if record.value is None:
        return values.NOT_ESTIMABLE
    parts = [_number(record.value)]
    if record.ci_low is not None and record.ci_high is not None:
        parts.append(f"({_number(record.ci_low)} to {_number(record.ci_high)})")
    if record.df is not None:
        parts.append(f"df {record.df:g}")
    if record.p_value is not None:
        parts.append(f"p {_number(record.p_value)}")
    return " ".join(parts)


def _number(value: float | int | str | bool) -> str:
    if isinstance(value, bool | str | int):
        return _words(value)
    return f"{value:.6g}".replace("-", values.MINUS)


def _words(value: Any) -> str:
    """Write a value of a decision as people do: yes and no, lists with commas, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_words(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _breakable(key: str) -> str:
    """Let a long key break after its dots, slashes and underscores."""
    return key.replace(".", ".\u200b").replace("/", "/\u200b").replace("_", "_\u200b")
