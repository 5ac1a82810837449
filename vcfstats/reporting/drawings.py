"""The figures of the documents: what of a study goes into which figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vcfstats.contracts.predictions import as_fitted, recalibrated
from vcfstats.reporting import absence, figures, values, wording
from vcfstats.reporting.absence import Absent, all_features
from vcfstats.reporting.contents.selection import STEPS
from vcfstats.reporting.figures import Step, wrapped
from vcfstats.reporting.figures.curves import TREAT_ALL, TREAT_NONE
from vcfstats.reporting.pictures import Picture
from vcfstats.reporting.study import KINDS, Study

_CALLED = {"positive": "event", "negative": "nonevent"}  # what a case is called that is called positive


def flow(study: Study) -> Any:
    """Draw the flow of patients, or say that no screening log was given."""
    if why := absence.flow(study):
        return Absent(why)
    sets = [
        (name, _count(study, f"cohort/{part}/n_cases"), _count(study, f"cohort/{part}/n_events"))
        for part, name in (("training", "Training set"), ("testing", "Internal test set"))
    ]
    labels = (study.info.event_label, study.info.nonevent_label)
    return figures.flow_figure(study.rows("flow"), sets, labels, simulated=study.info.simulated)


def workflow(study: Study) -> Any:
    """Draw the stages of the study as its dvc.yaml links them, with counts where the study has them."""
    steps = [
        Step(
            str(row["stage"]),
            (*wrapped(str(row["description"])), *_counted(study, str(row["stage"]))),
            tuple(str(row["takes"]).split()),
        )
        for row in study.rows("workflow").to_dict("records")
    ]
    return figures.workflow_figure(steps, simulated=study.info.simulated)


def _counted(study: Study, stage: str) -> tuple[str, ...]:
    """Return what a stage left, in numbers."""
    if stage == "ingest" and study.has("cohort/all/n_cases"):
        return (f"{study.point('cohort/all/n_cases')} cases",)
    if stage == "split" and study.has("cohort/training/n_cases") and study.has("cohort/testing/n_cases"):
        return (f"{study.point('cohort/training/n_cases')} and {study.point('cohort/testing/n_cases')} cases",)
    if stage in ("radiomics", "deep") and study.has(f"design/n_features_{stage}"):
        return (f"{study.point(f'design/n_features_{stage}')} features",)
    if stage == "learn" and study.info.models:
        return wrapped(f"{len(study.info.classifiers)} classifiers; {', '.join(study.info.models.values())}")
    return ()


def forks(study: Study) -> Any:
    """Draw the specification curve of the alternatives to the study's decisions, or say that none was run."""
    if why := absence.forks(study):
        return Absent(why)
    found = study.forks()
    return figures.fork_figure(
        found, study.info.models.get(found.primary, found.primary), simulated=study.info.simulated
    )


def activation_maps(study: Study) -> Any:
    """Draw the class activation maps of one case of each kind, right and wrong, or say that there are none."""
    if why := absence.activation(study):
        return Absent(why)
    rows = study.rows("activation")
    names = {"event": study.info.event_label, "nonevent": study.info.nonevent_label}
    headings = [
        f"{chr(ord('A') + number)}  {wording.capital(names[outcome])},\ncalled {names[kind]}\nprobability {values.decimal(probability, 2)}"
        for number, (outcome, kind, probability) in enumerate(
            (part["outcome"].iloc[0], _CALLED[part["called"].iloc[0]], part["probability"].iloc[0])
            for _, part in rows.groupby("panel", sort=True)
        )
    ]
    return figures.activation_figure(rows, headings, simulated=study.info.simulated)


def contact_sheets(study: Study) -> list[Picture]:
    """Return the contact sheets as the stage that made them left them; none where they are not on this machine.

    They are not part of results/, which are committed: pictures of patients do not belong into a repository.
    """
    return [Picture(path) for path in sorted((study.root / "data" / "quality" / "sheets").glob("sheet_*.png"))]


def lasso(study: Study, feature_set: str | None = None) -> Any:
    """Draw the LASSO of a feature set, by default of all features."""
    feature_set = feature_set or all_features(study)
    if why := absence.lasso(study, feature_set):
        return Absent(why)
    lambdas = tuple(_number(study, f"model/{feature_set}/{name}") for name in ("lambda_min", "lambda_1se"))
    path, error, kept = (_of(study, name, feature_set) for name in ("lasso_path", "lasso_error", "coefficients"))
    return figures.lasso_figure(path, error, kept, (lambdas[0], lambdas[1]), simulated=study.info.simulated)


def coefficients(study: Study, feature_set: str | None = None) -> Any:
    """Draw the coefficients of a feature set, by default of all features."""
    feature_set = feature_set or all_features(study)
    if why := absence.coefficients(study, feature_set):
        return Absent(why)
    return figures.coefficient_figure(_of(study, "coefficients", feature_set), simulated=study.info.simulated)


def nomogram(study: Study) -> Any:
    """Draw the nomogram with a patient traced through it."""
    if why := absence.nomogram(study):
        return Absent(why)
    told = [_number(study, f"model/dlrn/example_{name}") for name in ("points", "probability")]
    outcome = (told[0], told[1]) if told[0] is not None and told[1] is not None else None
    return figures.nomogram_figure(
        study.rows("nomogram"), example=study.rows("nomogram_example"), outcome=outcome, simulated=study.info.simulated
    )


def roc(study: Study, feature_set: str | None = None) -> Any:
    """Draw the ROC curves of the headline models, or of the classifiers on a feature set.

    Headline models have their operating points, and the two of the primary comparison their bands.
    """
    if why := absence.models(study) if feature_set is None else absence.classifiers(study, feature_set):
        return Absent(why)
    if feature_set is not None:
        return figures.roc_figure(study.rows("roc"), study.classifiers(feature_set), simulated=study.info.simulated)
    return figures.roc_figure(
        study.rows("roc"),
        study.info.models,
        band=_primary(study, "roc_band"),
        operating=_operating(study),
        simulated=study.info.simulated,
    )


def roc_bands(study: Study) -> Any:
    """Draw the ROC curve of each headline model with its band and operating point, a panel each."""
    if why := absence.roc_bands(study):
        return Absent(why)
    return figures.roc_figure(
        study.rows("roc"), study.info.models, band=study.rows("roc_band"), operating=_operating(study), grid=True,
        simulated=study.info.simulated,
    )  # fmt: skip


def decision(study: Study) -> Any:
    """Draw the decision curves of the headline models, with bands for the two of the primary comparison."""
    if why := absence.models(study):
        return Absent(why)
    return figures.decision_figure(
        study.rows("decision"), study.info.models, band=_primary(study, "decision_band"), sensible=_sensible(study),
        simulated=study.info.simulated,
    )  # fmt: skip


def decision_bands(study: Study) -> Any:
    """Draw the decision curve of each headline model with its band, a panel each."""
    if why := absence.decision_bands(study):
        return Absent(why)
    return figures.decision_figure(
        study.rows("decision"), study.info.models, band=study.rows("decision_band"), sensible=_sensible(study), grid=True,
        simulated=study.info.simulated,
    )  # fmt: skip


def _primary(study: Study, table: str) -> pd.DataFrame:
    """Return the rows of the models of the primary comparison: more bands in one panel could not be told apart."""
    rows = study.rows(table)
    return rows[rows["model"].isin(study.info.primary_comparison)]


def _operating(study: Study) -> pd.DataFrame:
    """Return sensitivity and 1 - specificity of the headline models at their frozen thresholds."""
    points = []
    for kind in KINDS:
        for model in study.info.models:
            sensitivity, specificity = (
                _number(study, f"{kind}/{model}/{name}") for name in ("sensitivity", "specificity")
            )
            if sensitivity is not None and specificity is not None:
                points.append((kind, model, 1 - specificity, sensitivity))
    return pd.DataFrame(points, columns=["kind", "model", "false_positive_rate", "sensitivity"])


def _sensible(study: Study) -> tuple[float, float] | None:
    low, high = (_number(study, f"design/decision_sensible_{end}") for end in ("low", "high"))
    return None if low is None or high is None else (low, high)


def comparison(study: Study) -> Any:
    """Draw the comparisons of all pairs of headline models."""
    if why := absence.comparison(study):
        return Absent(why)
    return figures.comparison_figure(study.rows("comparison"), study.info.models, simulated=study.info.simulated)


def calibration(study: Study) -> Any:
    """Draw the calibration of the headline models, with counts and the p value of the Hosmer-Lemeshow test in each panel."""
    if why := absence.models(study):
        return Absent(why)
    notes = []
    for kind in KINDS:
        for model in study.info.models:
            auc, test = (study.records.get(f"{kind}/{model}/{name}") for name in ("auc", "hosmer_lemeshow"))
            if auc is None or auc.n is None:
                continue
            lines = [f"{auc.events or 0:,}/{auc.n:,} events"]
            if test is not None and test.p_value is not None:
                lines.append(f"HL {values.p_phrase(test.p_value)}")
            notes.append((kind, model, "\n".join(lines)))
    return figures.calibration_figure(
        study.rows("calibration"),
        study.rows("calibration_groups"),
        study.info.models,
        distribution=study.rows("distribution"),
        notes=pd.DataFrame(notes, columns=["kind", "model", "text"]),
        simulated=study.info.simulated,
    )


def belts(study: Study) -> Any:
    """Draw the calibration belts of the headline models, the p value of the test in each panel."""
    if why := absence.belts(study):
        return Absent(why)
    notes = [
        (kind, model, values.p_phrase(record.p_value))
        for kind in KINDS
        for model in study.info.models
        if (record := study.records.get(f"{kind}/{model}/calibration_belt")) is not None and record.p_value is not None
    ]
    return figures.belt_figure(
        study.rows("calibration_belt"), study.info.models, notes=pd.DataFrame(notes, columns=["kind", "model", "text"]),
        simulated=study.info.simulated,
    )  # fmt: skip


def subgroups(study: Study, model: str | None = None) -> Any:
    """Draw the AUC by level of each covariate, by default of the first of the primary comparison."""
    chosen = model or absence.first_model(study)
    if why := absence.subgroups(study, chosen):
        return Absent(why)
    rows = study.rows("subgroups")
    kinds = {kind: KINDS[kind][0] for kind in ("testing", "out_of_fold", "external")}
    shown = {
        kind: heading for kind, heading in kinds.items() if ((rows["kind"] == kind) & (rows["model"] == chosen)).any()
    }
    lettered = {kind: f"{chr(ord('A') + n)}  {heading}" for n, (kind, heading) in enumerate(shown.items())}
    return figures.forest_figure(rows[rows["model"] == chosen], lettered, simulated=study.info.simulated)


def funnel(study: Study) -> Any:
    """Draw how many features each step of the selection left."""
    if why := absence.funnel(study):
        return Absent(why)
    return figures.funnel_figure(study.rows("funnel"), STEPS, study.info.feature_sets, simulated=study.info.simulated)


def scanners(study: Study) -> Any:
    """Draw how much features differ between scanners, or say that this was not measured."""
    if why := absence.scanners(study):
        return Absent(why)
    return figures.scanner_figure(study.rows("scanner_shares"), simulated=study.info.simulated)


def training(study: Study) -> Any:
    """Draw the training curves of all networks, or say that none was trained."""
    if why := absence.training(study):
        return Absent(why)
    return figures.training_figure(study.rows("training"), simulated=study.info.simulated)


_VERSIONS = {"fitted": "As fitted", "recalibrated": "Recalibrated"}


def recalibration(study: Study, feature_set: str | None = None) -> Any:
    """Draw the calibration of the headline models on the internal test set as fitted and recalibrated, or of the classifiers of a feature set."""
    models = study.info.models if feature_set is None else study.classifiers(feature_set)
    what = "headline model" if feature_set is None else "classifier on all features"
    if why := absence.recalibration(study, models, what):
        return Absent(why)
    return figures.calibration_figure(
        _versions(study, "calibration", models),
        _versions(study, "calibration_groups", models),
        _recalibrated_ones(study, models),
        headings=_VERSIONS,
        simulated=study.info.simulated,
    )


def recalibrated_decision(study: Study, feature_set: str | None = None) -> Any:
    """Draw the decision curves of the same, as fitted and recalibrated."""
    models = study.info.models if feature_set is None else study.classifiers(feature_set)
    what = "headline model" if feature_set is None else "classifier on all features"
    if why := absence.recalibration(study, models, what):
        return Absent(why)
    return figures.decision_figure(
        _versions(study, "decision", models),
        _recalibrated_ones(study, models),
        headings=_VERSIONS,
        simulated=study.info.simulated,
    )


def _recalibrated_ones(study: Study, models: Mapping[str, str]) -> dict[str, str]:
    return {name: label for name, label in models.items() if study.kinds(recalibrated(name))}


def _versions(study: Study, table: str, models: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of the internal test set, with `kind` saying whether they are of the model as fitted or recalibrated."""
    rows = study.rows(table)
    rows = rows[rows["kind"] == "testing"]
    parts = []
    for version, of in (("fitted", as_fitted), ("recalibrated", recalibrated)):
        named = {of(name): name for name in _recalibrated_ones(study, models)}
        named |= {name: name for name in (TREAT_ALL, TREAT_NONE)}
        mine = rows[rows["model"].isin(list(named))]
        parts.append(mine.assign(kind=version, model=mine["model"].map(named)).drop_duplicates(ignore_index=True))
    return pd.concat(parts, ignore_index=True)


def followup(study: Study) -> Any:
    """Draw the follow-up, or say that there are no times of it."""
    if why := absence.followup(study):
        return Absent(why)
    unit = study.records.get("design/followup_unit")
    return figures.followup_figure(
        study.rows("followup"), unit=str(unit.value) if unit is not None else "", simulated=study.info.simulated
    )


def _of(study: Study, table: str, feature_set: str) -> pd.DataFrame:
    rows = study.rows(table)
    return rows[rows["feature_set"] == feature_set].reset_index(drop=True)


def _number(study: Study, key: str) -> float | None:
    record = study.records.get(key)
    return record.value if record is not None and isinstance(record.value, float) else None


def _count(study: Study, key: str) -> int:
    value = study.record(key).value
    return value if isinstance(value, int) else 0
