"""Stage learn: the model, fitted on training cases only, and the one table of probabilities."""

import pandas as pd

from vcfstats.contracts.features import read_features
from vcfstats.contracts.predictions import predictions_of, write_predictions
from vcfstats.contracts.progress import progress
from vcfstats.learning.logistic import fit_logistic_model
from vcfstats.learning.thresholds import choose_threshold, write_thresholds
from vcfstats.pipeline.directory import StudyDirectory

MODEL = "radiomics"


def run(study: StudyDirectory) -> None:
    """Write models/radiomics.json, models/thresholds.json and data/predictions.parquet."""
    settings = study.params.model
    cohort = study.read_cohort().drop(columns="partition").join(study.read_split())
    features = read_features(study.radiomics_file)
    training = cohort[cohort["partition"] == "training"]
    testing = cohort[cohort["partition"] == "testing"]

    held_out = []
    for fold in progress(range(settings.folds), settings.folds, label="cross-validation", unit="folds"):
        inside = training.index[training["fold"] != fold]
        outside = training.index[training["fold"] == fold]
        model = fit_logistic_model(features.loc[inside], training["outcome"], settings)
        held_out.append(model.predict(features.loc[outside]))
    model = fit_logistic_model(features.loc[training.index], training["outcome"], settings)
    model.write(study.models / f"{MODEL}.json")

    said = {"feature_set": MODEL, "model": MODEL}
    apparent = predictions_of(training, model.predict(features.loc[training.index]), kind="apparent", **said)
    out_of_fold = predictions_of(training, pd.concat(held_out), kind="out_of_fold", fold=training["fold"], **said)
    # Frozen before any testing patient is scored.
    write_thresholds({MODEL: choose_threshold(out_of_fold, settings.threshold)}, study.models / "thresholds.json")
    tested = predictions_of(testing, model.predict(features.loc[testing.index]), kind="testing", **said)
    write_predictions(pd.concat([apparent, out_of_fold, tested]), study.predictions_file)
    print(f"learn: {len(model.features)} of {features.shape[1]} features in the model, {model.n} training cases, {model.events} events")
