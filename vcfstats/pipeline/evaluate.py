"""Stage evaluate: every statistic of the paper, from the predictions table to result records and tables."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pandas as pd

from vcfstats.contracts.features import read_features
from vcfstats.contracts.naming import printed_names
from vcfstats.contracts.plan import add_looks
from vcfstats.contracts.predictions import as_fitted, performance, read_predictions, recalibrated
from vcfstats.contracts.progress import progress
from vcfstats.contracts.records import Record, Records, add_record, write_records
from vcfstats.contracts.study import write_study, write_table
from vcfstats.learning.thresholds import read_thresholds
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.evaluation import (
    bands,
    checklists,
    clinical,
    completeness,
    curves,
    description,
    example,
    imputation,
    models,
    network,
    nomogram_file,
    patients,
    planning,
    risk,
    scanners,
    subgroups,
    validation,
    workflow,
)
from vcfstats.pipeline.evaluation.performance import Predictions, performance_records
from vcfstats.pipeline.evaluation.quality import quality_records, quality_table
from vcfstats.pipeline.looks import log_look, log_run
from vcfstats.pipeline.networks import read_curves

CURVES = (
    "roc", "calibration", "calibration_groups", "decision", "roc_band", "decision_band", "calibration_belt", "distribution",
)  # fmt: skip


def run(study: StudyDirectory) -> None:
    """Write results/results.json, results/study.json, results/nomogram.json and results/tables."""
    params = study.params
    cohort = study.read_cohort().drop(columns="partition").join(study.read_split())
    whole = read_predictions(study.predictions_file)
    predictions = performance(whole)
    learned = study.learned
    selection = models.read_json(learned / "selection.json")
    matrices = {
        "radiomics": list(read_features(study.radiomics_file).columns),
        "deep": list(read_features(study.deep_file).columns),
    }

    if (predictions["kind"] == "testing").any():
        look = log_look(study)  # before anything is computed: a look that ends in an error was one
        if look.plan == "open":
            print("evaluate: results of the internal test set, and the plan was never locked (vcfstats lock)")
    else:
        add_looks([], study.looks_file)  # the documents read the log, be it empty
    log_run(study)

    names = printed_names(cohort.index, patient_ids=params.report.patient_ids)
    records: Records = {}
    _add(records, description.cohort_records(cohort))
    _add(records, description.design_records(study, {name: len(columns) for name, columns in matrices.items()}))
    _add(
        records,
        model_records(selection, models.read_json(learned / "lasso.json"), models.read_json(learned / "learned.json")),
    )
    training = read_curves(study.networks)
    _add(records, network.network_records(models.read_json(study.models / "trunk.json"), training))
    _add(records, activation_records(models.read_json(study.activation_file)))
    quality = models.read_json(study.quality_file)
    _add(records, quality_records(quality, patient_ids=params.report.patient_ids))
    imputed = imputation.read_imputed(learned)
    _add(
        records,
        imputation.imputation_records(models.read_json(learned / "imputation.json"), imputed, predictions, params),
    )
    account = models.read_json(learned / "resamples.json")
    if account:
        resamples = validation.read_resamples(learned)
        level = params.evaluation.confidence_level
        _add(records, validation.optimism_records(predictions, resamples, account, level))
    if kept := models.read_json(learned / "stability.json"):
        _add(records, validation.stability_records(kept, params.evaluation.confidence_level))
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in CURVES}
    sets = predictions_by_model(study, predictions)
    present = {given.model for given in sets}
    for given in progress(sets, len(sets), label="evaluate", unit="sets of predictions"):
        _add(records, performance_records(given, params.evaluation))
        fitted = as_fitted(given.model)
        if given.model == fitted:  # recalibrated, a model ranks patients as before
            tables["roc"].append(curves.roc_points(given))
        # Of the classifiers, those that are recalibrated are shown on the internal test set.
        if fitted in models.LABELS or (recalibrated(fitted) in present and given.kind == "testing"):
            tables["calibration"].append(curves.calibration_points(given, params.evaluation))
            tables["calibration_groups"].append(curves.calibration_groups(given, params.evaluation))
            points = curves.decision_points(given, params.evaluation)
            # Treating all or none is the same for every model: told once for each set of predictions.
            tables["decision"].append(
                points if given.model in models.LABELS else points[points["model"] == given.model]
            )
        if given.model in models.LABELS:
            tables["roc_band"].append(bands.roc_band_points(given, params))
            tables["decision_band"].append(bands.decision_band_points(given, params.evaluation))
            tables["distribution"].append(curves.distribution(given))
            belt, tested = bands.belt(given, params.evaluation)
            tables["calibration_belt"].append(belt)
            _add(records, tested)
    _add(records, patients.followup_records(study, cohort))

    out = study.results / "tables"
    shutil.rmtree(out, ignore_errors=True)
    for name, parts in tables.items():
        if parts:
            write_table(name, pd.concat([part for part in parts if len(part)] or parts), out / f"{name}.csv")
    drawn, traced, told = _nomogram_tables(study, cohort, whole)
    _add(records, told)
    _add(
        records,
        models.nomogram_records(models.read_json(learned / "dlrn.json"), models.spread(learned, whole, params)),
    )
    read, told = _clinical_tables(study, cohort)
    _add(records, told)
    lacking = completeness.missing(cohort, predictions, params)
    _add(records, completeness.missing_records(lacking))
    for name, frame in {
        "quality": quality_table(quality, patient_ids=params.report.patient_ids),
        **read,
        **_model_tables(study, predictions, selection, matrices, names),
        **drawn,
        **traced,
        "subgroups": subgroups.subgroups(cohort, predictions, params),
        "missing": lacking,
        "sample_size": planning.sample_sizes(cohort, matrices, params, records),
        "workflow": workflow.workflow(study.root / "dvc.yaml", params),
    }.items():
        write_table(name, frame, out / f"{name}.csv")
    if len(training):
        write_table("training", network.training_table(training), out / "training.csv")
    words = description.study_file(
        study,
        list(predictions["model"].unique()),
        [*list(selection), "clinical"],
        models.read_json(learned / "learned.json"),
    )
    write_study(words, study.results / "study.json")
    nomogram_file.write(study, cohort, whole, words)
    items, told = checklists.assessed(study, words, records)
    write_table("checklists", items, out / "checklists.csv")
    _add(records, told)
    write_records(records, study.results / "results.json")
    _print(records)


def _clinical_tables(study: StudyDirectory, cohort: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], list[Record]]:
    """Return the tables of the findings and of the patients' way into the study, and what they say of the regression."""
    params = study.params
    fitted = models.read_json(study.learned / "clinical.json")
    screened = [row["variable"] for row in (fitted or {}).get("screening", []) if row["screened"]]
    tables, told = {"baseline": clinical.baseline(cohort, params)}, list[Record]()
    if params.cohort.covariates:
        account = models.read_json(study.learned / "imputation.json")
        columns = (fitted or {}).get("columns", {})
        pooled = imputation.pooled_regression(account, columns, params)
        if pooled is None:
            tables["regression"], told = clinical.regression(cohort, params, screened)
        else:
            tables["regression"], told = pooled, clinical.entered(len(screened))
            tables["imputation"] = imputation.imputation_table(account, columns, params)
    agreement = clinical.agreement(cohort, params)
    if len(agreement):
        tables["agreement"] = agreement
    return tables | patients.tables(study, cohort), told


def _model_tables(
    study: StudyDirectory,
    predictions: pd.DataFrame,
    selection: dict[str, Any],
    matrices: dict[str, list[str]],
    called: dict[str, str],
) -> dict[str, pd.DataFrame]:
    params, learned = study.params, study.learned
    names = {"radiomics": matrices["radiomics"], "fused": matrices["radiomics"] + matrices["deep"]}
    path, error = models.lasso_tables(models.read_json(learned / "lasso.json"))
    tables = {
        "funnel": models.funnel(selection, names),
        "lasso_path": path,
        "lasso_error": error,
        "coefficients": models.coefficients(selection),
        "comparison": models.comparison(predictions, params),
        "classifiers": _classifiers(pd.read_csv(learned / "classifiers.csv")),
        "risk_groups": risk.risk_groups(predictions, models.read_json(learned / "risk_groups.json"), params.evaluation),
    }
    activation = models.activation(models.read_json(study.activation_file), called)
    if len(activation):
        tables["activation"] = activation
    account = models.read_json(learned / "stability.json")
    if account and account["candidates"]:
        tables["selection_frequency"] = validation.selection_frequency(account, selection)
    tables |= scanners.tables(models.read_json(learned / "scanners.json"))
    scaling = example.scaling(selection)
    return tables | ({"scaling": scaling} if len(scaling) else {})


def _nomogram_tables(
    study: StudyDirectory, cohort: pd.DataFrame, predictions: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame], list[Record]]:
    """Return the tables of the nomogram, those of a patient traced through it, and what it says of this patient."""
    params = study.params
    dlrn = models.read_json(study.learned / "dlrn.json")
    if not dlrn or not dlrn["terms"]:
        return {}, {}, []
    drawn = models.nomogram(dlrn, cohort, predictions, params)
    ticks, model = models.nomogram_tables(dlrn, drawn, params)
    traced, records = example.example(drawn, cohort, predictions, params)
    cuts = models.read_json(study.learned / "risk_groups.json").get("dlrn")
    axes = {"nomogram": ticks, "nomogram_model": model, "risk_score": risk.risk_score(drawn, cuts)}
    return axes, {"nomogram_example": traced} if len(traced) else {}, records


def _classifiers(table: pd.DataFrame) -> pd.DataFrame:
    kept = table[["feature_set", "classifier", "auc_out_of_fold", "chosen", "remark"]].copy()
    kept["chosen"] = kept["chosen"].map({True: "yes", False: "no"})
    kept["remark"] = kept["remark"].fillna("")
    return kept


def model_records(selection: dict[str, Any], lasso: dict[str, Any], learned: dict[str, Any]) -> list[Record]:
    """Return what selection left, the penalties chosen, and the out-of-fold AUC with the classifier's choice repeated."""
    records = []

    def add(model: str, estimate: str, value: object, method: str | None = None) -> None:
        records.append(Record(kind="model", model=model, estimate=estimate, value=value, method=method, stage="learn"))  # type: ignore[arg-type]

    for feature_set, body in selection.items():
        add(feature_set, "n_features_kept", len(body["features"]), body["reason"] or None)
        add(feature_set, "n", body["n"])
        add(feature_set, "events", body["n_events"])
        if body["intercept"] is not None:
            add(feature_set, "score_intercept", body["intercept"], "linear LASSO score on standardised features")
    for feature_set, body in lasso.items():
        for name in ("lambda_min", "lambda_1se"):
            add(feature_set, name, body[name])
        add(feature_set, "lambda_chosen", body["chosen"])
    for name, why in learned["useless"].items():
        add(name, "better_than_chance", "no", why)
    for feature_set, classifier in learned["chosen"].items():
        add(feature_set, "best_classifier", models.CLASSIFIERS[classifier], "largest out-of-fold AUC")
    for feature_set, auc in learned["auc_choice_repeated"].items():
        add(
            feature_set,
            "auc_choice_repeated",
            auc,
            "out-of-fold AUC with the choice of the classifier repeated in every fold",
        )
    return records


def activation_records(maps: dict[str, Any]) -> list[Record]:
    """Return how far the activation maps depend on what the network learned."""
    found = [value for value in maps["correlations"] if value is not None]
    if not found:
        return []
    method = "median over testing cases of Spearman's correlation with the map of a network with random weights"
    value = float(np.median(found))
    return [
        Record(
            kind="model",
            model="dl",
            estimate="activation_randomised",
            value=value,
            n=len(found),
            method=method,
            stage="activation",
        )
    ]


def predictions_by_model(study: StudyDirectory, table: pd.DataFrame) -> list[Predictions]:
    """Return the predictions of each model on each set of patients, with its frozen threshold."""
    thresholds = read_thresholds(study.learned / "thresholds.json")
    return [
        Predictions(
            kind=str(kind),  # type: ignore[arg-type]
            model=str(model),
            partition=rows["partition"].iloc[0],
            outcome=rows["outcome"].to_numpy(dtype=float),
            probability=rows["probability"].to_numpy(dtype=float),
            threshold=thresholds[str(model)],
            fold=rows["fold"].to_numpy() if kind == "out_of_fold" else None,
        )
        for (model, kind), rows in table.groupby(["model", "kind"], sort=True)
    ]


def _add(records: Records, more: list[Record]) -> None:
    for record in more:
        add_record(records, record)


def _print(records: Records) -> None:
    for model, label in models.LABELS.items():
        shown = []
        for kind in ("apparent", "out_of_fold", "testing"):
            auc = records.get(f"{kind}/{model}/auc")
            if auc is not None:
                shown.append(f"{kind.replace('_', ' ')} {'not estimable' if auc.value is None else f'{auc.value:.3f}'}")
        print(f"evaluate: AUC of {label}: {', '.join(shown) if shown else 'not fitted'}")
