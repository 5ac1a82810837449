"""Stage evaluate: every statistic of the paper, from the predictions table to result records and curves."""

from __future__ import annotations

import pandas as pd

from vcfstats.contracts.features import FeatureDescription, read_features
from vcfstats.contracts.predictions import read_predictions
from vcfstats.contracts.records import Record, Records, add_record, write_records
from vcfstats.contracts.study import write_study, write_table
from vcfstats.learning.logistic import LogisticModel
from vcfstats.learning.thresholds import read_thresholds
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.evaluation import curves, description
from vcfstats.pipeline.evaluation.performance import Predictions, performance_records


def run(study: StudyDirectory) -> None:
    """Write results/*.json and results/*.csv."""
    params = study.params
    cohort = study.read_cohort().drop(columns="partition").join(study.read_split())
    features = read_features(study.radiomics_file)
    about = FeatureDescription.model_validate_json(study.radiomics_file.with_suffix(".json").read_text(encoding="utf-8"))
    model = LogisticModel.read(study.models / "radiomics.json")

    records: Records = {}
    _add(records, description.cohort_records(cohort))
    _add(records, description.design_records(params, about, model, features.shape[1]))
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in ("roc", "calibration", "calibration_groups", "decision")}
    for given in predictions_by_model(study):
        _add(records, performance_records(given, params.evaluation))
        frames["roc"].append(curves.roc_points(given))
        frames["calibration"].append(curves.calibration_points(given, params.evaluation))
        frames["calibration_groups"].append(curves.calibration_groups(given, params.evaluation))
        frames["decision"].append(curves.decision_points(given, params.evaluation))

    write_records(records, study.results / "results.json")
    for name, parts in frames.items():
        write_table(name, pd.concat([part for part in parts if len(part)] or parts), study.results / f"{name}.csv")
    write_table("baseline", description.baseline(cohort, params), study.results / "baseline.csv")
    write_study(description.study_file(study), study.results / "study.json")
    for kind in ("apparent", "out_of_fold", "testing"):
        auc = records[f"{kind}/radiomics/auc"]
        shown = "not estimable" if auc.value is None else f"{auc.value:.3f} ({_limit(auc.ci_low)} to {_limit(auc.ci_high)})"
        print(f"evaluate: AUC {kind.replace('_', ' ')}: {shown}")


def predictions_by_model(study: StudyDirectory) -> list[Predictions]:
    """Return the predictions of each model on each set of patients, with its frozen threshold."""
    table = read_predictions(study.predictions_file)
    thresholds = read_thresholds(study.models / "thresholds.json")
    return [
        Predictions(
            kind=str(kind),  # type: ignore[arg-type]
            model=str(model),
            partition=rows["partition"].iloc[0],
            outcome=rows["outcome"].to_numpy(dtype=float),
            probability=rows["probability"].to_numpy(dtype=float),
            threshold=thresholds[str(model)],
        )
        for (model, kind), rows in table.groupby(["model", "kind"], sort=True)
    ]


def _add(records: Records, more: list[Record]) -> None:
    for record in more:
        add_record(records, record)


def _limit(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
