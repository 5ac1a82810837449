"""`vcfstats predict`: probability, points and warnings for patients whom the model has not seen."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import vcfstats
from vcfstats import Nomogram
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.contracts.made import refuse_other_file
from vcfstats.contracts.markup import csv_text
from vcfstats.contracts.predictions import as_fitted, recalibrated
from vcfstats.learning.fusion import OUTPUT
from vcfstats.learning.scoring import Scored
from vcfstats.pipeline.application.bundle import Bundle, read_bundle
from vcfstats.pipeline.application.newcomers import Newcomers, features_of, read_newcomers
from vcfstats.pipeline.evaluation.models import LABELS

# The image features whose ranges are watched, of each model that is made of some.
_FEATURES_OF = {"dlrn": "dlr", "dlr": "dlr", "rad": "rad"}


@dataclass(frozen=True)
class Prediction:
    """New patients with their probabilities.

    Attributes
    ----------
    table : DataFrame
        One row a case; the columns of predictions.csv.
    newcomers : Newcomers
        The cohort.
    scored : Scored
        Everything that was computed.
    bundle : Bundle
        The model.
    """

    table: pd.DataFrame
    newcomers: Newcomers
    scored: Scored
    bundle: Bundle


def predict(
    folder: Path,
    model: Path,
    *,
    params_file: Path | None = None,
    cache: Path,
    workers: int = 1,
) -> Prediction:
    """Score the cases of a folder.

    Parameters
    ----------
    folder : Path
        cohort.csv (or a BIDS folder) with images, masks and the model's clinical predictors; no outcome.
    model : Path
        The bundle.
    params_file : Path, optional
        Names the columns of the new table where they are not the development's (section ``cohort``).
    cache : Path
        Folder of finished cases.
    workers : int
        Parallel processes; no number depends on it.

    Raises
    ------
    InputError
        Everything wrong with bundle, table, images and masks.
    """
    bundle = read_bundle(model)
    newcomers = read_newcomers(
        folder, bundle, params_file=params_file, outcome=False, everything=False, workers=workers
    )
    scored = score(newcomers, bundle, cache=cache, workers=workers)
    return Prediction(prediction_table(newcomers, scored, bundle), newcomers, scored, bundle)


def score(newcomers: Newcomers, bundle: Bundle, *, cache: Path, workers: int) -> Scored:
    """Compute features and probabilities of a new cohort."""
    matrices = features_of(newcomers, bundle, cache=cache, workers=workers)
    return bundle.scorer.score(newcomers.cohort, bundle.body.cohort.covariates, matrices)


def prediction_table(newcomers: Newcomers, scored: Scored, bundle: Bundle) -> pd.DataFrame:
    """Return predictions.csv: one row a case.

    Columns: ``case_id, patient_id, model, probability, threshold, class``; ``total_points`` and ``points_PREDICTOR`` where
    the model is a nomogram; ``features_outside, n_features``; ``warnings``; ``probability_MODEL`` of the other headline
    models; ``probability_recalibrated`` and ``probability_MODEL_recalibrated`` where the study recalibrated; ``developed_on``.
    """
    body, main = bundle.body, bundle.body.model
    probability = scored.probabilities[main]
    threshold = body.thresholds[main]
    names = (body.cohort.outcome.nonevent_label, body.cohort.outcome.event_label)
    table = pd.DataFrame(
        {
            "patient_id": newcomers.cohort["patient_id"],
            "model": LABELS[main],
            "probability": probability,
            "threshold": threshold,
            "class": np.where(probability.isna(), "", np.where(probability >= threshold, names[1], names[0])),
        },
        index=newcomers.cohort.index,
    )
    if bundle.nomogram is not None:
        points = points_of(newcomers, scored, bundle, bundle.nomogram)
        table["total_points"] = points["total"]
        for name in points.columns.drop("total"):
            table[f"points_{name}"] = points[name]
    source = _FEATURES_OF.get(main)
    if source in scored.features_outside:
        table["features_outside"] = scored.features_outside[source].astype(int)
        table["n_features"] = scored.n_features[source]
    said = warnings_of(newcomers, scored, bundle)
    table["warnings"] = ["; ".join(said[str(case)]) for case in table.index]
    for name in bundle.models:
        if name != main:
            table[f"probability_{name}"] = scored.probabilities[name]
    for name in scored.recalibrated.columns:
        table[recalibrated("probability" if name == main else f"probability_{name}")] = scored.recalibrated[name]
    table["developed_on"] = "simulated patients" if body.simulated else "patients"
    return table


def points_of(newcomers: Newcomers, scored: Scored, bundle: Bundle, nomogram: Nomogram) -> pd.DataFrame:
    """Return the points of each predictor and their total; NaN for a case with a missing finding that is not filled."""
    values = pd.DataFrame(index=newcomers.cohort.index)
    for variable in nomogram.variables:
        if variable.name == OUTPUT:
            values[OUTPUT] = scored.probabilities["dlr"]
        else:
            own = newcomers.cohort[variable.name]
            fill = _fill(variable.name, bundle)
            values[variable.name] = own if fill is None else own.fillna(fill)
            if (
                variable.levels is not None
            ):  # a level that no training patient had counts as the reference, as in the model
                reference = next(iter(bundle.body.cohort.covariates[variable.name].levels))
                strange = values[variable.name].notna() & ~values[variable.name].isin(variable.levels)
                values.loc[strange, variable.name] = reference
    points: pd.DataFrame = nomogram.points(values.dropna()).reindex(values.index)
    return points


def _fill(variable: str, bundle: Bundle) -> object | None:
    """Return what stands in for a missing finding, in the words of the table."""
    fill, covariate = bundle.scorer.fill, bundle.body.cohort.covariates[variable]
    if fill is None:
        return None
    if covariate.type == "continuous":
        return float(fill[variable])
    reference, *others = covariate.levels
    return next((level for level in others if fill[f"{variable}={level}"] == 1), reference)


def warnings_of(newcomers: Newcomers, scored: Scored, bundle: Bundle) -> dict[str, list[str]]:
    """Return what somebody should know of each case before the probability is used, in words."""
    covariates, levels = bundle.body.cohort.covariates, bundle.body.development.levels
    said = {str(case): list(newcomers.warnings.get(str(case), [])) for case in newcomers.cohort.index}
    rule = "no probability" if bundle.scorer.fill is None else "filled by the training patients' usual value"
    if (imputer := bundle.scorer.imputer) is not None:
        rule = f"imputed from the other findings, the probability is the mean over {imputer.n_imputations} imputations and has no points"
    for variable in bundle.scorer.variables:
        values = newcomers.cohort[variable]
        for case in values.index[values.isna()]:
            said[str(case)].append(f"{covariates[variable].label} is missing: {rule}")
        for level, count in (levels[variable].counts if variable in levels else {}).items():
            for case in values.index[values == level] if not count else ():
                said[str(case)].append(
                    f"{covariates[variable].label} = {covariates[variable].levels[level]}: no training patient; scored as the reference level"
                )
    for found in scored.outside:
        label = "DLR output" if found.variable == OUTPUT else covariates[found.variable].label
        said[found.case_id].append(
            f"{label} = {found.value:.4g} outside the training range {found.low:.4g} to {found.high:.4g}"
        )
    source = _FEATURES_OF.get(bundle.body.model)
    if source in scored.features_outside:
        for case, count in scored.features_outside[source].items():
            if count:
                said[str(case)].append(
                    f"{int(count)} of {scored.n_features[source]} selected image features outside their training range"
                )
    for name, why in bundle.scorer.useless.items():
        for warnings in said.values():
            warnings.append(f"{LABELS[name]}: {why}; its probability must not be used")
    if bundle.scorer.spread and bundle.body.model == "dlrn":
        for warnings in said.values():
            warnings.append(f"{LABELS['dlrn']}: {bundle.scorer.spread}")
    return said


def run_predict(folder: Path, model: Path, *, params_file: Path | None, out: Path, cache: Path, workers: int) -> None:
    """Write predictions.csv and, beside it, what made it; say the rest on the terminal."""
    if out.suffix != ".csv":
        raise InputError(Problem(f"output {out.name!r}", "a name that ends in .csv", "correct --out"))
    refuse_other_file(out, begins="case_id,patient_id,model,probability,")
    refuse_other_file(out.with_suffix(".json"), begins='{\n "bundle": ')
    found = predict(folder, model, params_file=params_file, cache=cache, workers=workers)
    body, table = found.bundle.body, found.table
    write_text(out, csv_text(table, index=True))
    about = {
        "bundle": found.bundle.id,
        "model": body.model,
        "developed_on_simulated_patients": body.simulated,
        "simulated_cohort": found.newcomers.simulated,
        "hashes": body.hashes.model_dump(),
        "vcfstats": vcfstats.__version__,
        "other_versions": found.bundle.differences(),
        "inputs": found.newcomers.hashes,
        "columns": _columns(list(table.columns), found),
    }
    write_text(out.with_suffix(".json"), json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    if body.simulated:
        print("predict: SIMULATED: the model was developed on simulated patients and says nothing about a real one")
    if differing := found.bundle.differences():
        print(f"warning: other versions here than the model's: {', '.join(differing)}", file=sys.stderr)
    unsure = int((table["warnings"] != "").sum())
    without = int(table["probability"].isna().sum())
    print(
        f"predict: {LABELS[body.model]} (bundle {found.bundle.id}): {len(table)} cases, "
        f"{int((table['class'] == body.cohort.outcome.event_label).sum())} called {body.cohort.outcome.event_label} "
        f"at a threshold of {body.thresholds[body.model]:.3f}, {without} without a probability, {unsure} with warnings; written to {out}"
    )


def _columns(names: list[str], found: Prediction) -> dict[str, str]:
    event = found.bundle.body.cohort.outcome.event_label
    known = {
        "patient_id": "the patient",
        "model": "the model",
        "probability": f"probability of {event}; empty where a finding is missing"
        if found.bundle.scorer.imputer is None
        else f"probability of {event}; where a finding is missing, the mean over its imputations",
        "threshold": "frozen on out-of-fold predictions of the training patients",
        "class": "what the model calls the case: the probability reaches the threshold, or not",
        "total_points": "points of the nomogram, all predictors together",
        "features_outside": "selected image features outside their training range",
        "n_features": "selected image features",
        "warnings": "read them before the probability is used",
        "developed_on": "whose patients the model was learned from",
    }

    def said(name: str) -> str:
        if name in known:
            return known[name]
        if name.startswith("points_"):
            return f"points of {name.removeprefix('points_')}"
        of = as_fitted(name).removeprefix("probability").removeprefix("_") or found.bundle.body.model
        words = f"probability of {event} by model {LABELS.get(of, of)}"
        if as_fitted(name) == name:
            return words
        return (
            words
            + ", recalibrated by what out-of-fold probabilities of the training patients taught; threshold and class are not of it"
        )

    return {name: said(name) for name in names}
