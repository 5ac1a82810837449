"""From what the stage learn fitted to the bundle; nothing of it depends on a testing patient."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit

import vcfstats
from vcfstats import roc_auc
from vcfstats.contracts.files import write_text
from vcfstats.contracts.predictions import second_stage
from vcfstats.learning.fusion import OUTPUT
from vcfstats.learning.learned import Learned
from vcfstats.learning.network import study_trunk, write_weights
from vcfstats.learning.scoring import ORDER, Scored, Scorer, read_scorer, write_scorer
from vcfstats.learning.tuning import FinalFit
from vcfstats.learning.work import BEST_OF
from vcfstats.pipeline.application.bundle import (
    BODY,
    CARD,
    FORMAT,
    NETWORK,
    NOMOGRAM,
    PACKAGES,
    BundleBody,
    Development,
    Hashes,
    Levels,
    Moments,
    Numbers,
    OutOfFold,
    Words,
    hashed,
    image_mark,
    installed,
    write_manifest,
)
from vcfstats.pipeline.application.card import model_card
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.evaluation.description import rooms_hash
from vcfstats.pipeline.evaluation.models import nomogram
from vcfstats.pipeline.evaluation.performance import remarks
from vcfstats.pipeline.params import CohortSection, Params

# The rooms that score a patient.
CODE = ("imaging", "learning")
_SAME = 1e-9


def write_bundle(
    study: StudyDirectory, cohort: pd.DataFrame, matrices: Mapping[str, pd.DataFrame], learned: Learned, folder: Path
) -> list[str]:
    """Write the bundle of the headline models, and score the training patients with it to see that it is whole.

    Returns
    -------
    list of str
        What the bundle cannot do, in words: models that it does not reproduce are left out of it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    params = study.params
    training = cohort[cohort["partition"] == "training"]
    write_scorer(learned, params.learning, folder)
    scorer = read_scorer(folder)
    absent = dict(learned.absent)
    scored = None
    if scorer.models:
        scored = scorer.score(training, params.cohort.covariates, matrices)
        absent |= _not_reproduced(scored, learned.predictions)
    models = [name for name in scorer.models if name not in absent]
    if scorer.dlrn is not None and "dlrn" in models and scorer.dlrn.terms:
        drawn = nomogram(scorer.dlrn.to_dict(), cohort, learned.predictions, params)
        write_text(folder / NOMOGRAM, drawn.to_json() + "\n")
    write_weights(study_trunk(params.trunk, study.network), folder / NETWORK)
    body = _body(study, training, learned, scorer, scored, models, absent)
    # Keys are not sorted: the first level of a finding is its reference.
    write_text(folder / BODY, json.dumps(body.model_dump(mode="json"), indent=1, allow_nan=False) + "\n")
    write_text(folder / CARD, model_card(body, scorer))
    write_manifest(folder)
    return [f"{name}: {why}" for name, why in absent.items() if name not in learned.absent]


def _not_reproduced(scored: Scored, predictions: pd.DataFrame) -> dict[str, str]:
    """Return the models whose probabilities of training patients the bundle does not give again, and how far it is off."""
    wrong = {}
    rows = predictions[predictions["kind"] == "apparent"]
    for name in scored.probabilities:
        expected = rows[rows["model"] == name].set_index("case_id")["probability"]
        given = scored.probabilities[name].reindex(expected.index)
        known = given.notna()  # a finding that was imputed is missing to the bundle, which says so of such a patient
        off = float((given - expected)[known].abs().max()) if known.any() else float("inf")
        if not off <= _SAME:
            wrong[str(name)] = f"the bundle gives other probabilities of its training patients (by up to {off:.2g})"
    return wrong


def _body(
    study: StudyDirectory,
    training: pd.DataFrame,
    learned: Learned,
    scorer: Scorer,
    scored: Scored | None,
    models: list[str],
    absent: dict[str, str],
) -> BundleBody:
    params = study.params
    ingest = json.loads((study.data / "ingest.json").read_text(encoding="utf-8"))
    cases = {case: ingest["cases"][case] for case in sorted(training.index)}
    given = training.sort_index()[["outcome", *params.cohort.covariates]].astype(object)
    rows = [[str(case), *map(str, row)] for case, row in zip(given.index, given.to_numpy().tolist(), strict=True)]
    return BundleBody(
        format=FORMAT,
        version=vcfstats.__version__,
        model=next((name for name in ORDER if name in models), ""),
        simulated=bool(params.simulate),
        study=Words(title=params.study.title, condition=params.study.condition, case_noun=params.study.case_noun),
        cohort=_columns(params.cohort),
        preprocess=params.preprocess,
        radiomics=params.radiomics,
        slices=params.slices,
        trunk=params.trunk,
        thresholds={name: learned.thresholds[name] for name in models},
        absent=absent,
        holds_patients={
            f"{name}.{learned.chosen[name]}": count
            for name in BEST_OF.values()
            if name in learned.chosen
            and (count := _cases_within(learned.chosen[name], learned.final[name, learned.chosen[name]], len(training)))
        },
        development=_development(params, training, learned, scorer, scored, models, ingest, cases),
        hashes=Hashes(
            params=hashed(_decisions(params)),
            data=hashed([cases, rows]),
            code=rooms_hash(CODE),
        ),
        versions={name: found for name in PACKAGES if (found := installed(name)) is not None},
    )


def _columns(cohort: CohortSection) -> CohortSection:
    """Return the columns that a new cohort has too: no repeated readings, no follow-up, and a folder of its own."""
    covariates = {name: c.model_copy(update={"second_reading": None}) for name, c in cohort.covariates.items()}
    own = {"mask_intra": None, "mask_inter": None, "followup": None, "screening": None, "folder": "."}
    bids = cohort.bids and cohort.bids.model_copy(update={"mask_intra": None, "mask_inter": None})
    return cohort.model_copy(update={**own, "bids": bids, "covariates": covariates})


def _decisions(params: Params) -> dict[str, Any]:
    names = {"seed", "cohort", "split", "preprocess", "radiomics", "slices", "trunk", "learning"}
    return params.model_dump(mode="json", include=names)


def _cases_within(classifier: str, fit: FinalFit, n: int) -> int:
    """Return how many of n training cases a classifier is made of, at most: neighbours and support vectors are patients."""
    estimators = [member.estimator for member in fit.members if member.estimator is not None]
    if classifier == "knn":
        return min(n, sum(int(own.n_samples_fit_) for own in estimators))
    if classifier == "svm":
        parts = [part.estimator.support_.size for own in estimators for part in own.calibrated_classifiers_]
        return min(n, int(sum(parts)))
    return 0


def _development(
    params: Params,
    training: pd.DataFrame,
    learned: Learned,
    scorer: Scorer,
    scored: Scored | None,
    models: list[str],
    ingest: dict[str, Any],
    cases: dict[str, dict[str, str]],
) -> Development:
    covariates = params.cohort.covariates
    if "scanner" in training:
        scanners = set(training["scanner"].dropna())
    else:
        scanners = {machine(ingest.get("acquisition", {}).get(case, {})) for case in cases}
    clip = params.learning.fusion.clip
    return Development(
        n_cases=len(training),
        n_patients=int(training["patient_id"].nunique()),
        n_events=int(training["outcome"].sum()),
        numbers={name: numbers(training[name]) for name, c in covariates.items() if c.type == "continuous"},
        levels={
            name: Levels(
                counts={level: int((training[name] == level).sum()) for level in c.levels},
                missing=int(training[name].isna().sum()),
            )
            for name, c in covariates.items()
            if c.type != "continuous"
        },
        out_of_fold={name: _out_of_fold(learned.predictions, name, clip) for name in models},
        moments=_moments(params, training, learned, scorer, scored, models),
        scanners=tuple(sorted(scanners - {""})),
        images=tuple(sorted(image_mark(hashes["image"]) for hashes in cases.values())),
    )


def machine(acquired: Mapping[str, Any]) -> str:
    """Return a scanner's manufacturer and model as one name; empty where neither is known."""
    return " ".join(str(acquired[key]) for key in ("manufacturer", "model") if key in acquired)


def numbers(values: pd.Series | np.ndarray) -> Numbers:
    """Describe a number: what is undefined is None."""
    series = pd.Series(values, dtype=np.float64)
    known = series.dropna().to_numpy()
    q = np.quantile(known, [0, 0.25, 0.5, 0.75, 1]) if known.size else np.full(5, np.nan)
    found = [float(known.mean()) if known.size else np.nan, float(known.std(ddof=1)) if known.size > 1 else np.nan, *q]
    mean, sd, low, q1, median, q3, high = (None if np.isnan(value) else float(value) for value in found)
    return Numbers(
        n=known.size,
        missing=int(series.isna().sum()),
        mean=mean,
        sd=sd,
        low=low,
        q1=q1,
        median=median,
        q3=q3,
        high=high,
    )


def linear_predictor(probability: pd.Series | np.ndarray, clip: float) -> np.ndarray:
    """Return the log odds, probabilities kept `clip` away from 0 and 1."""
    return np.asarray(logit(np.clip(np.asarray(probability, dtype=np.float64), clip, 1 - clip)))


def _out_of_fold(predictions: pd.DataFrame, model: str, clip: float) -> OutOfFold:
    rows = predictions[(predictions["model"] == model) & (predictions["kind"] == "out_of_fold")]
    auc = low = high = None
    try:
        with remarks():
            found = roc_auc(rows["outcome"], rows["probability"])
            interval = found.confidence_interval(0.95, method="delong")
        auc = float(found.auc)
        if np.isfinite(interval).all():
            low, high = map(float, interval)
    except ValueError:
        pass  # one class among the cases that have a probability: no AUC, which the bundle says by null
    return OutOfFold(
        n=len(rows),
        events=int(rows["outcome"].sum()),
        auc=auc,
        low=low,
        high=high,
        linear_predictor=numbers(linear_predictor(rows["probability"], clip)),
    )


def _moments(
    params: Params, training: pd.DataFrame, learned: Learned, scorer: Scorer, scored: Scored | None, models: list[str]
) -> Moments | None:
    """Return means and covariance of outcome and design, the fused model's output as later steps saw it: what new patients compare with."""
    if scored is None or not models:
        return None
    main = models[0]
    frame = scored.design.copy() if main == "dlrn" else pd.DataFrame(index=training.index)
    source = "dlr" if main == "dlrn" else main
    rows = second_stage(learned.predictions, source).set_index("case_id")["probability"]
    if main != "dlrn":
        frame["linear_predictor"] = pd.Series(linear_predictor(rows, params.learning.fusion.clip), index=rows.index)
    elif OUTPUT in frame:
        scale = scorer.fusion
        fresh = rows if scale.scale == "probability" else pd.Series(linear_predictor(rows, scale.clip), rows.index)
        frame[OUTPUT] = fresh.reindex(frame.index)
    frame.insert(0, "outcome", training["outcome"].astype(np.float64))
    return moments(frame)


def moments(frame: pd.DataFrame) -> Moments | None:
    """Return means and covariance of the complete rows, None where there are fewer than three."""
    known = frame.dropna().astype(np.float64)
    if len(known) < 3:
        return None
    covariance = np.atleast_2d(np.cov(known.to_numpy(), rowvar=False, ddof=1))
    return Moments(
        names=tuple(map(str, known.columns)),
        n=len(known),
        mean=tuple(known.mean().tolist()),
        covariance=tuple(tuple(row) for row in covariance.tolist()),
    )
