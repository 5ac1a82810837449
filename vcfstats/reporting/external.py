"""The report of an external validation: its sentences, tables and figures, from finished results."""

from __future__ import annotations

from typing import Any

import pandas as pd

from vcfstats.contracts.records import Record
from vcfstats.reporting import absence, figures, values, wording
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.performance import performance_table
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import INDENT, Column, Table
from vcfstats.reporting.values import Text, compose, join

KIND = "external"
_UPDATES = ("_intercept", "_recalibrated")


def main_model(study: Study) -> str:
    """Return the model that is validated: the first."""
    return next(iter(study.info.models))


def headline_models(study: Study) -> dict[str, str]:
    """Return the models as they came, without the updated ones."""
    return {name: label for name, label in study.info.models.items() if not name.endswith(_UPDATES)}


def versions(study: Study) -> dict[str, str]:
    """Return the validated model as it came and with its updates, as far as these could be fitted."""
    main = main_model(study)
    return {name: label for name, label in study.info.models.items() if name == main or name.startswith(f"{main}_")}


# ---- sentences


def banner(study: Study) -> Text:
    """Return, as Markdown, which of model and patients are simulated; empty where neither is."""
    model, patients = (study.point(f"design/simulated_{of}").plain == "yes" for of in ("model", "cohort"))
    if not model and not patients:
        return Text("", "")
    what = {
        (
            True,
            True,
        ): "Model and patients are simulated: no number in this document says anything about any disease, test or treatment.",
        (True, False): "The model was developed on simulated patients: nothing here supports its use on a patient.",
        (
            False,
            True,
        ): "The patients of this validation are simulated: nothing here says how the model does on patients.",
    }[model, patients]
    return Text(f"Simulated data. {what}", f"::: {{.callout-important}}\n## Simulated data\n\n{what}\n:::\n")


def summary(study: Study) -> Text:
    """Say what was validated on whom, how well it discriminates, and how well it is calibrated."""
    main = main_model(study)
    return join([counts(study), wording.discrimination_in(study, main, KIND), _at_home(study, main)])


def counts(study: Study) -> Text:
    """Say how many patients the model was validated on, and how many it was developed on."""
    cases, patients = (study.record(f"cohort/external/{name}").value for name in ("n_cases", "n_patients"))
    where = "patients, one case each" if cases == patients else "cases of {p} patients"
    return compose(
        "The model {name} was validated on {n} "
        + where
        + ", {events} of them events; it was developed on {home} cases with {home_events} events.",
        name=study.info.models[main_model(study)],
        n=study.point("cohort/external/n_cases"),
        p=study.point("cohort/external/n_patients"),
        events=study.share("cohort/external/n_events", "cohort/external/n_cases"),
        home=study.point("cohort/training/n_cases"),
        home_events=study.point("cohort/training/n_events"),
    )


def _at_home(study: Study, model: str) -> Text:
    key = f"out_of_fold/{model}/auc"
    if not study.has(key) or study.record(key).value is None:
        return Text("", "")
    return compose("Out of fold, in its own training patients, it was {auc}.", auc=study.value(key))


def calibration(study: Study) -> Text:
    """Say how predicted and observed risks agree in the new patients, in the large first."""
    main = main_model(study)
    ratio = study.record(f"{KIND}/{main}/oe_ratio")
    parts = []
    if ratio.value is not None:
        sentence = "There were {oe} times as many events as predicted."
        parts.append(compose(sentence, oe=study.value(f"{KIND}/{main}/oe_ratio")))
    return join([*parts, wording.calibration(study, main, KIND)])


def recalibration(study: Study) -> Text:
    """Say what each update changes, that it was fitted to these patients, and what the tests say of the need for it."""
    main = main_model(study)
    parts = []
    first = f"{KIND}/{main}_intercept/update_intercept"
    if study.has(first) and study.record(first).value is not None:
        parts.append(compose("Updating the intercept alone adds {a} to the log odds.", a=study.value(first)))
    a, b = (f"{KIND}/{main}_recalibrated/update_{name}" for name in ("intercept", "slope"))
    if study.has(b) and study.record(b).value is not None:
        text = "Updating intercept and slope multiplies the log odds by {b} and adds {a}."
        parts.append(compose(text, a=study.value(a), b=study.value(b)))
    elif study.has(a):
        parts.append(compose("Intercept and slope could not be updated ({why}).", why=study.reason(a)))
    tests = {
        "intercept_none": "a new intercept against none",
        "logistic_intercept": "a new slope besides against the intercept alone",
        "logistic_none": "both against none",
    }
    told = [
        compose("{p} for {what}", p=study.p(key), what=what)
        for name, what in tests.items()
        if study.has(key := f"{KIND}/{main}/update_test_{name}")
    ]
    if told:
        parts.append(compose("Likelihood-ratio tests gave {told}.", told=join(told, ", ")))
    parts.append(
        Text.of(
            "Both updates were fitted to the very patients that they are shown on: there the mean risk, and with the slope the slope, are right by "
            "construction. The corrected columns of the table take that optimism off; only other patients can confirm an updated model."
        )
    )
    return join(parts)


def case_mix(study: Study) -> Text:
    """Say how far the new patients are of another kind than those of the development."""
    main = main_model(study)

    def said(measure: str, place: str) -> Text:
        return study.point(f"{KIND}/{main}/linear_predictor_{measure}_{place}")

    first = compose(
        "The linear predictor had a mean of {a} (SD {b}) in the new patients and of {c} (SD {d}) in the training patients, out of fold.",
        a=said("mean", "external"), b=said("sd", "external"), c=said("mean", "development"), d=said("sd", "development"),
    )  # fmt: skip
    key = f"{KIND}/{main}/membership_auc"
    if study.record(key).value is None:
        second = compose(
            "How well the two cohorts can be told apart could not be estimated ({why}).", why=study.reason(key)
        )
    else:
        second = compose(
            "A membership model told the cohorts apart with an AUC of {auc}, {p} (0.5: patients of the same kind). The more they differ, the more this "
            "validation speaks of transport to other patients, the less of reproducibility.",
            auc=study.point(key), p=study.p(key),
        )  # fmt: skip
    return join([first, second])


def subgroups(study: Study) -> Text:
    """Say in how many levels nothing could be estimated, or that there are none."""
    if why := absence.external_subgroups(study):
        return why
    frame = study.rows("external_subgroups")
    few = int((frame["remark"] != "").sum())
    minimum = study.point("design/subgroup_minimum")
    return compose(
        "Levels are described, not tested. {few} of {n} rows lack an estimate, since AUC and slope ask for {minimum} events and as many non-events.",
        few=str(few), n=str(len(frame)), minimum=minimum,
    )  # fmt: skip


def limits(study: Study) -> Text:
    """Say what limits this validation, as a Markdown list."""
    events, n = (study.record(f"cohort/external/{name}").value for name in ("n_events", "n_cases"))
    patients = study.record("cohort/external/n_patients").value
    found = []
    if isinstance(events, int) and isinstance(n, int) and min(events, n - events) < 100:
        found.append(
            compose(
                "The sample is small: {events} events among {n} cases, fewer than the hundred events and hundred non-events that are asked for "
                "when a model is evaluated {cite}. Intervals are wide accordingly.",
                events=study.point("cohort/external/n_events"),
                n=study.point("cohort/external/n_cases"),
                cite=Text("", "[@vergouwe2005]"),
            )
        )
    if n != patients:
        found.append(
            Text.of("Some patients have several cases; the intervals take cases as independent and are too narrow.")
        )
    found += [Text.of(f"{note.text[:1].upper()}{note.text[1:].rstrip('.')}.") for note in study.info.notes]
    if not found:
        return Text.of("- Nothing was left out.")
    return Text("\n\n".join(f"- {t.plain}" for t in found), "\n\n".join(f"- {t.markdown}" for t in found))


# ---- tables


def performance(study: Study) -> Table:
    """Return discrimination and accuracy of the models as they came, out of fold at home and here."""
    table = performance_table(study, headline_models(study), "Model")
    return table.with_note("Training set: AUC alone, as it came with the model.")


def recalibration_table(study: Study) -> Table:
    """Return the calibration of the model as it came and of its updates, as fitted and corrected for optimism."""
    columns = [
        Column("model", "Model", width=17),
        Column("slope", "Slope", "right", "In these patients", 15),
        Column("intercept", "Intercept", "right", "In these patients", 16),
        Column("oe", "O/E", "right", "In these patients", 15),
        Column("brier", "Brier score", "right", "In these patients", 16),
        Column("corrected_slope", "Slope", "right", "Corrected", 7),
        Column("corrected_intercept", "Intercept", "right", "Corrected", 8),
        Column("corrected_brier", "Brier", "right", "Corrected", 6),
    ]
    rows, notes = [], []
    for name, label in versions(study).items():
        made = f"{KIND}/{name}/update_intercept"
        if study.has(made) and study.record(made).value is None:
            notes.append(f"{label}: could not be made; {study.reason(made)}.")
            continue
        fitted = name != main_model(study)
        corrected = {
            f"corrected_{key}": _decimal(study, f"{KIND}/{name}/corrected_{key}") if fitted else ""
            for key in ("slope", "intercept", "brier")
        }
        rows.append(
            {
                "model": label,
                "slope": "1 by construction" if name.endswith("_recalibrated") else _full(study, f"{KIND}/{name}/calibration_slope"),
                "intercept": "0 by construction" if name.endswith("_recalibrated") else _full(study, f"{KIND}/{name}/calibration_intercept"),
                "oe": "1 by construction" if fitted else _full(study, f"{KIND}/{name}/oe_ratio"),
                "brier": _full(study, f"{KIND}/{name}/brier"),
                **corrected,
            }
        )  # fmt: skip
    table = Table.of(columns, rows, notes=notes)
    for name in versions(study):
        key = f"{KIND}/{name}/corrected_slope"
        if study.has(key) and study.record(key).value is not None:
            table = table.with_note(f"Corrected: {study.record(key).method}.")
            break
    return table.with_note("O/E, observed over expected events. With confidence intervals in parentheses.")


def case_mix_table(study: Study) -> Table:
    """Return development and new patients beside one another."""
    frame = study.rows("case_mix")
    columns = [
        Column("variable", "Characteristic", width=40),
        Column("development", "Development", "right", width=21),
        Column("validation", "Validation", "right", width=21),
        Column("difference", "Standardised difference", "right", width=18),
    ]
    rows: list[dict[str, str]] = []
    for (variable, statistic), part in frame.groupby(["variable", "statistic"], sort=False):
        gap = part["difference"].dropna()
        difference = values.decimal(float(gap.iloc[0]), 2) if len(gap) else ""
        if len(part) == 1 and not part["level"].iloc[0]:
            row = part.iloc[0]
            rows.append({"variable": f"{variable}, {statistic}", "development": row["development"], "validation": row["validation"], "difference": difference})  # fmt: skip
            continue
        rows.append({"variable": f"{variable}, {statistic}", "development": "", "validation": "", "difference": difference})  # fmt: skip
        rows += [
            {"variable": INDENT + row["level"], "development": row["development"], "validation": row["validation"], "difference": ""}
            for _, row in part.iterrows()
        ]  # fmt: skip
    note = "Development: training cases, as summarised in the model's bundle; their linear predictor is out of fold. SD, standard deviation."
    return Table.of(columns, rows).with_note(note)


def subgroup_table(study: Study) -> Table | Absent:
    """Return AUC, O/E and calibration slope by level of each categorical covariate."""
    if why := absence.external_subgroups(study):
        return Absent(why)
    frame = study.rows("external_subgroups")
    columns = [
        Column("variable", "Subgroup", width=26),
        Column("n", "Cases", "right", width=7),
        Column("events", "Events", "right", width=8),
        Column("auc", "AUC", "right", width=20),
        Column("oe", "O/E", "right", width=18),
        Column("slope", "Slope", "right", width=21),
    ]
    rows: list[dict[str, str]] = []
    remarks: dict[str, str] = {}
    for variable, part in frame.groupby("variable", sort=False):
        named = bool(part["level"].iloc[0])
        if named:
            rows.append({"variable": str(variable), **dict.fromkeys(("n", "events", "auc", "oe", "slope"), "")})
        for row in part.to_dict("records"):
            mark = ""
            if row["remark"]:
                mark = remarks.setdefault(str(row["remark"]), "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐ"[len(remarks) % 13])
            rows.append(
                {
                    "variable": (INDENT + str(row["level"]) if named else str(variable)) + mark,
                    "n": f"{int(row['n']):,}",
                    "events": f"{int(row['events']):,}",
                    "auc": _interval(row["auc"], row["low"], row["high"], 3),
                    "oe": _interval(row["oe"], row["oe_low"], row["oe_high"], 2),
                    "slope": _interval(row["slope"], row["slope_low"], row["slope_high"], 2),
                }
            )
    table = Table.of(columns, rows)
    for remark, mark in remarks.items():
        table = table.with_note(f"{mark} {remark[:1].upper()}{remark[1:]}.")
    return table.with_note(
        "AUC, area under the receiver operating characteristic curve; O/E, observed over expected events; – not estimated."
    )


def model_table(study: Study) -> Table:
    """Return what identifies the model and what the validation was made with."""
    names = {
        "bundle": "Bundle",
        "model_made_by": "Made by",
        "other_versions": "Versions that differ from the model's",
        "threshold": "Threshold",
        "evaluation": "Settings of this validation",
    }
    columns = [Column("what", "What", width=26), Column("value", "Value", width=74)]
    rows = [
        {"what": label, "value": str(study.point(f"design/{name}"))}
        for name, label in names.items()
        if study.has(f"design/{name}")
    ]
    return Table.of(columns, rows)


# ---- figures


def roc(study: Study) -> Any:
    """Draw the ROC curves of the models as they came."""
    return figures.roc_figure(study.rows("roc"), headline_models(study), simulated=study.info.simulated)


def calibration_curves(study: Study) -> Any:
    """Draw the calibration of the model as it came and with each update."""
    return figures.calibration_figure(
        study.rows("calibration"),
        study.rows("calibration_groups"),
        versions(study),
        width_mm=180.0,
        simulated=study.info.simulated,
    )


def decision(study: Study) -> Any:
    """Draw the decision curves of the models as they came and of the updated ones."""
    main = main_model(study)
    shown = {**versions(study), **{k: v for k, v in headline_models(study).items() if k == "clinical" and k != main}}
    # As wide as its legend needs and no wider: a square panel that fills half a page leaves the rest of it white.
    return figures.decision_figure(study.rows("decision"), shown, width_mm=115.0, simulated=study.info.simulated)


def _record(study: Study, key: str) -> Record | None:
    record = study.records.get(key)
    return None if record is None or record.value is None else record


def _full(study: Study, key: str) -> str:
    record = _record(study, key)
    if record is None:
        return "–"
    limits = values.interval(record)
    return f"{values.point(record)} ({limits})" if limits else values.point(record)


def _decimal(study: Study, key: str) -> str:
    record = _record(study, key)
    if record is None:
        return "–"
    return values.decimal(float(record.value or 0.0), 3 if key.endswith("brier") else 2)


def _interval(value: Any, low: Any, high: Any, digits: int) -> str:
    if pd.isna(value):
        return "–"
    if pd.isna(low) or pd.isna(high):
        return values.decimal(float(value), digits)
    return f"{values.decimal(float(value), digits)} ({values.decimal(float(low), digits)} to {values.decimal(float(high), digits)})"
