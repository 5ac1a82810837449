"""Tables of performance: headline models, classifiers on a feature set, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vcfstats.contracts.predictions import recalibrated
from vcfstats.contracts.records import Record
from vcfstats.reporting import absence, values, wording
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.study import KINDS, Study
from vcfstats.reporting.tables import Column, Table

# Estimate -> its name as a column heading, in the order of print.
ACCURACY = {
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
}
_WIDTHS = {"accuracy": 11, "sensitivity": 12, "specificity": 12, "ppv": 8, "npv": 8}
CALIBRATION = {
    "calibration_slope": "Slope",
    "calibration_intercept": "Intercept",
    "calibration_in_the_large": "In the large",
    "oe_ratio": "O/E ratio",
    "brier": "Brier score",
    "hosmer_lemeshow": "Hosmer-Lemeshow test",
    "calibration_belt": "Calibration belt",
}
_TESTS = ("hosmer_lemeshow", "calibration_belt")


def headline_table(study: Study) -> Table | Absent:
    """Return the performance of the headline models, one row group for each set of predictions."""
    if why := absence.models(study):
        return Absent(why)
    table = performance_table(study, study.info.models, "Model")
    named = str(wording.models(study))
    return table.with_note(named) if named else table


def classifier_table(study: Study, feature_set: str) -> Table | Absent:
    """Return the performance of all classifiers on a feature set, the chosen one marked."""
    models = {name: label for name, label in study.classifiers(feature_set).items() if study.kinds(name)}
    if why := absence.classifiers(study, feature_set):
        return Absent(why)
    table = performance_table(study, models, "Classifier")
    chosen = models.get(f"{feature_set}.{study.info.chosen.get(feature_set, '')}")
    return table.with_footnote(chosen, "Chosen: the largest out-of-fold AUC.") if chosen else table


def performance_table(study: Study, models: Mapping[str, str], heading: str) -> Table:
    """Return the performance of some models, one row group for each set of predictions."""
    columns = [
        Column("model", heading, width=19),
        Column("auc", "AUC", "right", width=6),
        Column("interval", "CI", "right", width=13),
        Column("threshold", "Threshold", "right", width=11),
        *(Column(name, label, "right", width=_WIDTHS[name]) for name, label in ACCURACY.items()),
    ]
    rows, groups = [], []
    for kind in KINDS:
        shown = {name: label for name, label in models.items() if kind in study.kinds(name)}
        for name, label in shown.items():
            rows.append(
                {
                    "model": label,
                    "auc": _point(study, f"{kind}/{name}/auc"),
                    "interval": _interval(study, f"{kind}/{name}/auc"),
                    "threshold": _point(study, f"{kind}/{name}/threshold"),
                    **{estimate: _point(study, f"{kind}/{name}/{estimate}") for estimate in ACCURACY},
                }
            )
            groups.append(KINDS[kind][0] + _size(study, kind, list(shown)))
    table = Table.of(columns, rows, groups=groups)
    rule = study.records.get("design/threshold")
    notes = [str(rule.value)] if rule is not None else []
    if any(kind == "apparent" for name in models for kind in study.kinds(name)):
        notes.append("Apparent: predicted for the patients on whom the model was fitted, optimistic by design.")
    if any(kind == "out_of_fold" for name in models for kind in study.kinds(name)):
        notes.append("Out of fold: each patient predicted by a model fitted without that patient.")
    reasons = _reasons(study, models, ("auc", *ACCURACY))
    if reasons:
        notes.append(f"–: not estimable; {'; '.join(reasons)}.")
    if any(row["interval"] == values.NOT_ESTIMABLE for row in rows):
        # Said here since the record has a value: only its interval is none.
        notes.append("Not estimable: the estimated variance of the AUC is zero, which does not make it certain.")
    notes.append(
        f"AUC, area under the receiver operating characteristic curve; CI, {_level(study, models)} of the AUC; NPV, negative predictive value; "
        "PPV, positive predictive value."
    )
    for note in notes:
        table = table.with_note(note)
    return table


def calibration_table(study: Study) -> Table | Absent:
    """Return measures of the calibration of the headline models, one row group for each set of predictions."""
    widths = {"calibration_slope": 16, "oe_ratio": 16}
    columns = [
        Column("model", "Model", width=13),
        *(
            Column(name, CALIBRATION[name], "right", width=widths.get(name, 18))
            for name in CALIBRATION
            if name not in _TESTS
        ),
    ]
    table = _calibration(study, columns)
    if isinstance(table, Absent) or not study.kinds():
        return table
    return table.with_note(
        "With confidence intervals. Slope 1, intercept 0, calibration in the large 0 and O/E ratio 1 are those of a calibrated model. In the large: "
        "intercept at a slope of 1, on the log odds. O/E, observed to expected events."
    )


def calibration_tests_table(study: Study) -> Table | Absent:
    """Return the tests of the calibration of the headline models, one row group for each set of predictions."""
    columns = [
        Column("model", "Model", width=20),
        *(Column(name, CALIBRATION[name], "right", width=40) for name in _TESTS),
    ]
    table = _calibration(study, columns)
    if isinstance(table, Absent) or not study.kinds():
        return table
    return table.with_note(
        "A test that finds no difference does not show that a model is calibrated. On apparent predictions there is no belt. df, degrees of freedom."
    )


def _calibration(study: Study, columns: Sequence[Column]) -> Table | Absent:
    if why := absence.models(study):
        return Absent(why)
    estimates = tuple(column.key for column in columns[1:])
    rows, groups = [], []
    for kind in KINDS:
        shown = [name for name in study.info.models if kind in study.kinds(name)]
        for name in shown:
            for version in (name, recalibrated(name)):
                if kind in study.kinds(version):
                    label = study.info.models[name] + (", recalibrated" if version != name else "")
                    rows.append({"model": label} | {e: _full(study, f"{kind}/{version}/{e}") for e in estimates})
                    groups.append(KINDS[kind][0] + _size(study, kind, shown))
    table = Table.of(columns, rows, groups=groups)
    useless = [label for name, label in study.info.models.items() if study.has(f"model/{name}/better_than_chance")]
    if useless:
        table = table.with_note(
            f"Not recalibrated, and not to be used as risks: {', '.join(useless)}; out of fold, their probabilities do not rank patients better than chance."
        )
    reasons = _reasons(study, study.info.models, estimates)
    return table.with_note(f"–: not estimable; {'; '.join(reasons)}.") if reasons else table


def cross_fit_table(study: Study) -> Table | Absent:
    """Return the AUC of the headline models with one network for all folds and with a network for each, side by side."""
    if why := absence.models(study):
        return Absent(why)
    if why := absence.cross_fit(study):
        return Absent(why)
    columns = [
        Column("model", "Model", width=16),
        Column("cross_fitted", "AUC (CI), a network for each fold", "right", width=42),
        Column("one_network", "AUC (CI), one network for all folds", "right", width=42),
    ]
    rows, groups = [], []
    for kind in KINDS:
        shown = [name for name in study.info.models if kind in study.kinds(name)]
        for name in shown:
            other = f"{name}_one_network"
            rows.append(
                {
                    "model": study.info.models[name],
                    "cross_fitted": _full(study, f"{kind}/{name}/auc"),
                    "one_network": _full(study, f"{kind}/{other if other in study.info.variants else name}/auc"),
                }
            )
            groups.append(KINDS[kind][0] + _size(study, kind, shown))
    table = Table.of(columns, rows, groups=groups)
    table = table.with_note(
        "A network for each fold: out-of-fold probabilities come from networks that never saw the patient. One network for all "
        "folds: the network had seen every training patient, selection and classifiers had not, as is often published. Models without "
        "deep features are the same in both."
    )
    return table.with_note("AUC, area under the receiver operating characteristic curve; CI, confidence interval.")


def _record(study: Study, key: str) -> Record | None:
    record = study.records.get(key)
    return None if record is None or record.value is None else record


def _point(study: Study, key: str) -> str:
    record = _record(study, key)
    return "–" if record is None else study.sourced(values.point(record), key)


def _interval(study: Study, key: str) -> str:
    record = _record(study, key)
    return "–" if record is None else study.sourced(values.interval(record) or "–", key)


def _full(study: Study, key: str) -> str:
    record = _record(study, key)
    if record is None:
        return "–"
    if record.statistic is not None and record.p_value is not None:
        return study.sourced(values.full(record), key)
    limits = values.interval(record)
    return study.sourced(f"{values.point(record)} ({limits})" if limits else values.point(record), key)


def _size(study: Study, kind: str, models: Sequence[str]) -> str:
    """Return ``: 164 cases, 61 events``, if all models are judged on the same cases."""
    sizes = {(r.n, r.events) for name in models if (r := study.records.get(f"{kind}/{name}/auc")) is not None}
    if len(sizes) != 1:
        return ": the models are judged on different numbers of cases" if sizes else ""
    n, events = sizes.pop()
    return f": {n:,} cases, {events:,} events" if n is not None and events is not None else ""


def _level(study: Study, models: Mapping[str, str]) -> str:
    levels = {
        r.level
        for kind in KINDS
        for name in models
        if (r := study.records.get(f"{kind}/{name}/auc")) is not None and r.level
    }
    return f"{100 * levels.pop():g}% confidence interval" if len(levels) == 1 else "confidence interval"


def _reasons(study: Study, models: Mapping[str, str], estimates: Sequence[str]) -> list[str]:
    """Return why estimates have no value: each reason once, with the names of what it applies to."""
    labels = {"auc": "AUC", **ACCURACY, **CALIBRATION}
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        for model in models:
            for estimate in estimates:
                key = f"{kind}/{model}/{estimate}"
                if key in study.records and study.records[key].value is None:
                    found.setdefault(str(study.reason(key)), []).append(labels[estimate])
    return [f"{', '.join(dict.fromkeys(names))}: {reason}" for reason, names in found.items()]
