"""The figures of the documents: what of a study goes into which figure."""

from __future__ import annotations

from typing import Any

import pandas as pd

from vcfstats.reporting import figures, values
from vcfstats.reporting.figures import Step
from vcfstats.reporting.study import KINDS, Study

FUSED = "fused"
_CALLED = {"positive": "event", "negative": "nonevent"}  # what a case is called that is called positive


def all_features(study: Study) -> str:
    """Return the feature set that holds all features: the fused one, or the only kind there is."""
    names = list(study.info.feature_sets)
    return FUSED if FUSED in names or not names else names[-1]


def flow(study: Study) -> Any:
    """Draw the flow of patients, or say that no screening log was given."""
    sets = [
        (name, _count(study, f"cohort/{part}/n_cases"), _count(study, f"cohort/{part}/n_events"))
        for part, name in (("training", "Training set"), ("testing", "Internal test set"))
    ]
    labels = (study.info.event_label, study.info.nonevent_label)
    return figures.flow_figure(study.rows("flow"), sets, labels, simulated=study.info.simulated)


def workflow(study: Study) -> Any:
    """Draw what was done, from what the study has."""
    radiomics, deep = (study.has(f"design/n_features_{name}") for name in ("radiomics", "deep"))
    clinical = "clinical" in study.info.feature_sets or study.has_table("regression")
    images = int(radiomics) + int(deep)
    between = (images - 1) / 2  # the row of what goes for both kinds of features
    first = [Step(("Images and", "regions"), between)] if images else []
    second = [Step(("Preprocessing",), between, ("Images and",))] if images else []
    third, fourth = [], []
    if radiomics:
        count = str(study.point("design/n_features_radiomics"))
        third.append(Step(("Radiomics:", count, "features"), 0.0, ("Preprocessing",)))
    if deep:
        count = str(study.point("design/n_features_deep"))
        third.append(Step(("Deep learning:", count, "features"), images - 1.0, ("Preprocessing",)))
    if images:
        fourth.append(Step(("Selection", "on training"), between, tuple(step.lines[0] for step in third)))
    if clinical:
        first.append(Step(("Clinical", "findings"), float(images)))
        fourth.append(Step(("Univariable", "screening"), float(images), ("Clinical",)))
    sources = tuple(step.lines[0] for step in fourth)
    centre = sum(step.row for step in fourth) / max(len(fourth), 1)
    number = len(study.info.classifiers)
    fifth = [Step((f"{number} classifiers,", "cross-", "validated"), centre, sources)] if number else []
    end = tuple(step.lines[0] for step in fifth) or sources
    models = study.info.models
    sixth = [Step(("Headline", "models:", *models.values()), centre, end)] if models else []
    last = [Step(("Internal", "test set"), centre, tuple(step.lines[0] for step in sixth) or end)]
    columns = [column for column in (first, second, third, fourth, fifth, sixth, last) if column]
    return figures.workflow_figure(columns, simulated=study.info.simulated)


def activation_maps(study: Study) -> Any:
    """Draw the class activation maps of one case of each kind, right and wrong, or say that there are none."""
    rows = study.rows("activation")
    names = {"event": study.info.event_label, "nonevent": study.info.nonevent_label}
    headings = [
        f"{chr(ord('A') + number)}  {names[outcome].capitalize()},\ncalled {names[kind]}\nprobability {values.decimal(probability, 2)}"
        for number, (outcome, kind, probability) in enumerate(
            (part["outcome"].iloc[0], _CALLED[part["called"].iloc[0]], part["probability"].iloc[0])
            for _, part in rows.groupby("panel", sort=True)
        )
    ]
    return figures.activation_figure(rows, headings, simulated=study.info.simulated)


def lasso(study: Study, feature_set: str | None = None) -> Any:
    """Draw the LASSO of a feature set, by default of all features."""
    feature_set = feature_set or all_features(study)
    lambdas = tuple(_number(study, f"model/{feature_set}/{name}") for name in ("lambda_min", "lambda_1se"))
    path, error, kept = (_of(study, name, feature_set) for name in ("lasso_path", "lasso_error", "coefficients"))
    return figures.lasso_figure(path, error, kept, (lambdas[0], lambdas[1]), simulated=study.info.simulated)


def coefficients(study: Study, feature_set: str | None = None) -> Any:
    """Draw the coefficients of a feature set, by default of all features."""
    return figures.coefficient_figure(
        _of(study, "coefficients", feature_set or all_features(study)), simulated=study.info.simulated
    )


def nomogram(study: Study) -> Any:
    """Draw the nomogram."""
    return figures.nomogram_figure(study.rows("nomogram"), simulated=study.info.simulated)


def roc(study: Study, feature_set: str | None = None) -> Any:
    """Draw the ROC curves of the headline models, or of the classifiers on a feature set."""
    models = study.info.models if feature_set is None else study.classifiers(feature_set)
    return figures.roc_figure(study.rows("roc"), models, simulated=study.info.simulated)


def decision(study: Study) -> Any:
    """Draw the decision curves of the headline models."""
    return figures.decision_figure(study.rows("decision"), study.info.models, simulated=study.info.simulated)


def comparison(study: Study) -> Any:
    """Draw the comparisons of all pairs of headline models."""
    return figures.comparison_figure(study.rows("comparison"), study.info.models, simulated=study.info.simulated)


def calibration(study: Study) -> Any:
    """Draw the calibration of the headline models, the p value of the Hosmer-Lemeshow test in each panel."""
    notes = [
        {"kind": kind, "model": model, "text": f"HL {values.p_phrase(record.p_value)}"}
        for kind in KINDS
        for model in study.info.models
        if (record := study.records.get(f"{kind}/{model}/hosmer_lemeshow")) is not None and record.p_value is not None
    ]
    return figures.calibration_figure(
        study.rows("calibration"),
        study.rows("calibration_groups"),
        study.info.models,
        notes=pd.DataFrame(notes, columns=["kind", "model", "text"]),
        simulated=study.info.simulated,
    )


def followup(study: Study) -> Any:
    """Draw the follow-up, or say that there are no times of it."""
    return figures.followup_figure(study.rows("followup"), simulated=study.info.simulated)


def _of(study: Study, table: str, feature_set: str) -> pd.DataFrame:
    rows = study.rows(table)
    return rows[rows["feature_set"] == feature_set].reset_index(drop=True)


def _number(study: Study, key: str) -> float | None:
    record = study.records.get(key)
    return record.value if record is not None and isinstance(record.value, float) else None


def _count(study: Study, key: str) -> int:
    value = study.record(key).value
    return value if isinstance(value, int) else 0
