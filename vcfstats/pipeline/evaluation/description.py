"""What was done, in words and counts: design records, counts of patients, and the study file that documents read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

import vcfstats
from vcfstats.contracts.features import FeatureDescription
from vcfstats.contracts.files import file_hash
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import StudyFile
from vcfstats.learning.settings import ImputationSettings
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.environment import here
from vcfstats.pipeline.evaluation import network
from vcfstats.pipeline.evaluation.acquisition import acquisition
from vcfstats.pipeline.evaluation.models import CLASSIFIERS, FEATURE_SETS, LABELS
from vcfstats.pipeline.evaluation.performance import METHOD_NAMES, STAGE
from vcfstats.pipeline.evaluation.reproducibility import reliability
from vcfstats.pipeline.evaluation.scanners import harmonisation
from vcfstats.pipeline.looks import configuration_hash
from vcfstats.pipeline.params import Params
from vcfstats.pipeline.protocol import Departure
from vcfstats.pipeline.yamlfile import read_yaml

INTERPOLATORS = {
    "nearest": "nearest neighbour",
    "linear": "linear interpolation",
    "bspline": "cubic B-spline interpolation",
}
# The rooms whose code made the results; what only draws them is not among them.
CODE = ("contracts", "imaging", "learning", "pipeline", "simulation", "statistics")


def design_records(study: StudyDirectory, features: dict[str, int]) -> list[Record]:
    """Return the decisions as sentences or numbers, for the methods section.

    Parameters
    ----------
    study : StudyDirectory
        The study.
    features : dict
        Matrix -> number of features.
    """
    params = study.params
    made = FeatureDescription.model_validate_json(study.radiomics_file.with_suffix(".json").read_text(encoding="utf-8"))
    acquired = json.loads((study.data / "ingest.json").read_text(encoding="utf-8")).get("acquisition", {})
    words: dict[str, float | str] = {
        **({"acquisition": acquisition(list(acquired.values()), len(study.read_cohort()))} if acquired else {}),
        "split": _split(params),
        "bias_field": _bias_field(params),
        "resampling": _resampling(params),
        "normalization": _normalization(params),
        "radiomics": _radiomics(params, made),
        "pyradiomics_version": made.versions.get("pyradiomics-bhklab", ""),
        "reliability": reliability(params, json.loads((study.repeats / "repeats.json").read_text(encoding="utf-8"))),
        "harmonisation": harmonisation(params),
        "slices": _slices(params),
        "trunk": network.trunk(params),
        "cross_fit": network.cross_fit(params),
        "selection": _selection(params),
        "classifiers": _classifiers(params),
        "clinical": _clinical(params),
        "deep_head": network.deep_head(params),
        "fusion": _fusion(params),
        "threshold": _threshold(params),
        "use": _USE,
        "recalibration": _recalibration(params),
        "risk_groups": _risk_groups(params),
        "auc_interval": f"{METHOD_NAMES[params.evaluation.auc_interval]} confidence interval",
        "proportion_interval": f"{METHOD_NAMES[params.evaluation.proportion_interval]} confidence intervals",
        "pairs_adjusted_by": params.evaluation.pairs_adjusted_by,
        **({"followup_unit": params.cohort.followup.unit} if params.cohort.followup is not None else {}),
    }
    numbers: dict[str, float] = {
        **{f"n_features_{name}": count for name, count in features.items()},
        "confidence_level": params.evaluation.confidence_level,
        "hosmer_lemeshow_groups": params.evaluation.hosmer_lemeshow_groups,
        "decision_low": params.evaluation.decision.low,
        "decision_high": params.evaluation.decision.high,
        "decision_sensible_low": params.evaluation.decision.sensible_low,
        "decision_sensible_high": params.evaluation.decision.sensible_high,
        "bootstrap_samples": params.evaluation.bootstrap_samples,
        "subgroup_minimum": params.evaluation.subgroup_minimum,
        "anticipated_r2": params.evaluation.anticipated_r2,
        "folds": params.learning.folds.n,
        "seed": params.seed,
        "n_deviations": sum(departure.is_deviation for departure in study.departures()),
        "n_choices": sum(not departure.is_deviation for departure in study.departures()),
    }
    return [
        Record(kind="design", estimate=name, value=value, stage=STAGE) for name, value in {**words, **numbers}.items()
    ]


def _slices(params: Params) -> str:
    s = params.slices
    unit = "mm" if s.offset_unit == "mm" else "slices"
    margin = f" with a margin of {s.margin_mm:g} mm" if s.margin_mm else ""
    box = "the bounding box of the region" if s.box == "largest_slice" else "the bounding box of the region in each"
    over = "" if s.scale_over == "slice" else ", all three together"
    cut = f"cut off beyond {s.clip_sd:g} standard deviations, " if s.clip_sd is not None else ""
    return (
        f"The sagittal slice with the largest region and its neighbours {s.offset} {unit} to either side were cropped to {box}{margin}, "
        f"standardised{over}, {cut}scaled to [-1, 1] and resized to {s.size} x {s.size} pixels by nearest neighbour."
    )


def _selection(params: Params) -> str:
    s = params.learning.selection
    test = {"student": "Student's", "welch": "Welch's"}[s.t_test.variances]
    steps = [
        f"{test} t-test (p < {s.t_test.alpha:g}"
        + ("" if s.t_test.adjustment == "none" else f", false discovery rate, {s.t_test.adjustment.upper()}")
        + ")"
    ]
    steps.append(f"one of each pair with absolute Pearson correlation above {s.correlation.limit:g}")
    if s.collinearity.limit is not None:
        steps.append(f"recursive elimination of variance-inflation factors above {s.collinearity.limit:g}")
    rule = (
        "the least cross-validated error"
        if s.lasso.rule == "min"
        else "the largest penalty within one standard error of the least error"
    )
    steps.append(
        f"a {'linear' if s.lasso.family == 'gaussian' else 'logistic'} LASSO with the penalty of {rule} in {s.lasso.folds} folds"
    )
    return "Features were standardised and selected in this order: " + "; ".join(steps) + "."


def _classifiers(params: Params) -> str:
    names = ", ".join(CLASSIFIERS[name] for name in params.learning.classifiers.grids())
    n = params.learning.folds.n
    repeated = (
        f"Selection and tuning were repeated without each of {n} patient-level folds"
        if params.learning.folds.nested
        else f"Selection and fit were repeated without each of {n} patient-level folds, the tuning was not"
        + (
            ", but for the probabilities that the nomogram model was fitted to"
            if params.learning.fusion.input == "out_of_fold"
            else ""
        )
        + ": the folds that give the out-of-fold probabilities also chose the parameters"
    )
    return (
        f"Classifiers were tuned by cross-validation on training patients ({names}). {repeated}; the best classifier of a feature set is the "
        "one with the largest out-of-fold AUC."
    )


def _clinical(params: Params) -> str:
    c = params.learning.clinical
    if not params.cohort.covariates:
        return "There were no clinical findings."
    text = f"Clinical findings with univariable p < {c.screening_alpha:g} entered a multivariable logistic regression; "
    text += (
        "those with p below the same limit there made the clinical model."
        if c.predictors == "independent"
        else "all of them made the clinical model."
    )
    missing = {
        "complete_case": "Cases with a missing finding have no clinical probability.",
        "median_mode": "Missing findings were filled by the training median or mode.",
        "multiple_imputation": _imputation(c.imputation),
    }
    return f"{text} {missing[c.missing]}"


def _imputation(i: ImputationSettings) -> str:
    return (
        f"Missing findings were imputed {i.n_imputations} times by chained equations of {i.iterations} rounds, fitted on training cases alone and again "
        f"within every fold: numbers by predictive mean matching of {i.donors} donors, levels by Bayesian logistic regression, on all other findings and, "
        "in training cases, the outcome. Coefficients were pooled by Rubin's rules, tests of several coefficients likewise. Whenever a case is given a "
        "probability, be it of the training or the internal test set or a new patient, its missing findings are imputed as often by models without the "
        "outcome, and the probability is the mean over these imputations; the classifiers see the mean of the imputed values. Image features took no part "
        "in the imputation."
    )


def _fusion(params: Params) -> str:
    f = params.learning.fusion
    of = "out-of-fold" if f.input == "out_of_fold" else "resubstituted"
    scale = "probability" if f.scale == "probability" else "logit"
    return f"The nomogram model is a logistic regression of the {of} {scale} of the best classifier of all features and the clinical predictors."


def _split(params: Params) -> str:
    share = f"{1 - params.split.test_fraction:.0%} training and {params.split.test_fraction:.0%} internal testing"
    return {
        "column": "The partition into training and internal test set was given with the cohort.",
        "random": f"Patients were divided at random into {share}.",
        "stratified": f"Patients were divided at random, stratified by the reference standard, into {share}.",
    }[params.split.method]


def _bias_field(params: Params) -> str:
    if not params.preprocess.n4.enabled:
        return "The bias field was not corrected."
    return "The bias field was corrected by the N4 algorithm."


def _resampling(params: Params) -> str:
    settings = params.preprocess
    size = " x ".join(f"{s:g}" for s in settings.spacing_mm)
    image, mask = INTERPOLATORS[settings.image_interpolator], INTERPOLATORS[settings.mask_interpolator]
    how = f"both by {image}" if image == mask else f"images by {image} and masks by {mask}"
    return f"Images and masks were resampled to {size} mm, {how}."


def _normalization(params: Params) -> str:
    n = params.preprocess.normalization
    over = {"image": "of the whole image", "region": "of the region of interest"}[n.over]
    return {
        "none": "Intensities were not normalised.",
        "zscore": f"Intensities were normalised by mean and standard deviation {over}, one standard deviation becoming {n.scale:g} units.",
        "percentile": f"Intensities were scaled so that the range between the percentiles {n.lower:g} and {n.upper:g} {over} became {n.scale:g} units.",
    }[n.method]


# What `vcfstats predict` does, whatever the params; what becomes of a missing finding stands with the clinical model.
_USE = (
    "In use, image and region of a new patient are checked and processed as those of the study were, and a value outside the range of the "
    "training patients is told beside the probability."
)
# Filters whose key is short for the name.
_IMAGES = {"log": "Laplacian-of-Gaussian", "lbp_3d": "3D local binary pattern"}


def _radiomics(params: Params, made: FeatureDescription) -> str:
    r = params.radiomics
    *names, last = (_IMAGES.get(kind, kind.replace("_", " ")) for kind in r.image_types)
    bins = f"in bins of width {r.bin_width:g}" if r.bin_width is not None else f"in {r.bin_count} bins"
    kinds = f"{', '.join(names)} and {last} images" if names else f"{last} image"
    sentence = f"Features were taken from the {kinds}, grey levels {bins}."
    if (medians := made.median_levels()) is not None:
        sentence += (
            f" A region had a median of {medians[0]:g} grey levels, of which {medians[1]:g} held 90% of its voxels."
        )
    return sentence


def _recalibration(params: Params) -> str:
    method = params.learning.recalibration.method
    if method == "none":
        return "No probability was recalibrated."
    how = "a logistic model of their logit" if method == "logistic" else "isotonic regression"
    return (
        f"Recalibrated probabilities came from {how}, learned on the out-of-fold probabilities of training patients alone; those of the training "
        "patients themselves from maps that had not seen their fold."
    )


def _risk_groups(params: Params) -> str:
    settings = params.learning.risk_groups
    if settings.cuts is not None:
        return f"Groups of risk begin at predicted probabilities of {', '.join(f'{cut:g}' for cut in settings.cuts)}, set beforehand."
    return f"Risk was cut into {settings.groups} groups at quantiles of the out-of-fold probabilities of training patients; the cuts were then frozen."


def _threshold(params: Params) -> str:
    threshold = params.learning.threshold
    if threshold.rule == "fixed":
        return f"A predicted probability of {threshold.value:g} or more was called positive."
    return (
        "Each model's threshold was the one with the largest sum of sensitivity and specificity on out-of-fold predictions of training patients, "
        "then frozen; a predicted probability at or above it was called positive."
    )


def cohort_records(cohort: pd.DataFrame) -> list[Record]:
    """Return counts of patients, cases and events, in all and by partition."""
    records = []
    for partition, rows in (("all", cohort), *sorted(cohort.groupby("partition"), reverse=True)):
        counts = {
            "n_patients": rows["patient_id"].nunique(),
            "n_cases": len(rows),
            "n_events": int(rows["outcome"].sum()),
        }
        records += [
            Record(kind="cohort", partition=str(partition), estimate=name, value=int(value), unit="cases" if name != "n_patients" else "patients", stage="split")
            for name, value in counts.items()
        ]  # fmt: skip
    return records


def study_file(study: StudyDirectory, models: list[str], feature_sets: list[str], learned: dict[str, Any]) -> StudyFile:
    """Return the words and hashes that documents print.

    Parameters
    ----------
    study : StudyDirectory
        The study.
    models, feature_sets : list of str
        What there are predictions of.
    learned : dict
        models/learned/learned.json.
    """
    params = study.params
    departures = study.departures()
    return StudyFile.model_validate(
        {
            "title": params.study.title,
            "subtitle": params.study.subtitle,
            "simulated": bool(params.simulate),
            "condition": params.study.condition,
            "event_label": params.cohort.outcome.event_label,
            "nonevent_label": params.cohort.outcome.nonevent_label,
            "case_noun": params.study.case_noun,
            "models": {name: label for name, label in LABELS.items() if name in models},
            "variants": network.variants(LABELS, models),
            "feature_sets": {name: label for name, label in FEATURE_SETS.items() if name in feature_sets},
            "classifiers": {name: CLASSIFIERS[name] for name in params.learning.classifiers.grids()},
            "chosen": learned["chosen"],
            "primary_comparison": params.evaluation.primary_comparison,
            "notes": learned["notes"],
            "authors": [author.model_dump() for author in params.study.authors],
            "statements": {name: text for name, text in params.study.statements.model_dump().items() if text.strip()},
            "data_source": params.study.data_source,
            "protocol": {
                "registered": study.protocol is not None,
                "source": study.protocol.source if study.protocol else "",
                "doi": study.protocol.doi if study.protocol else "",
                "deviations": [_departure(d) for d in departures if d.is_deviation],
                "choices": [_departure(d) for d in departures if not d.is_deviation],
            },
            "hashes": {
                "params": params_hash(params),
                "data": file_hash(study.data / "ingest.json"),
                "code": code_hash(),
                "configuration": configuration_hash(read_yaml(study.params_file)),
            },
            "version": vcfstats.__version__,
            "environment": here(),
        }
    )


def _departure(departure: Departure) -> dict[str, str]:
    return {
        "key": departure.key,
        "published": " or ".join(_text(value) for value in departure.published),
        "used": _text(departure.used),
        "reason": departure.reason,
    }


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def params_hash(params: Params) -> str:
    """Hash the decisions: neither how many workers ran nor which formats were rendered nor what else was tried changes it."""
    body = params.model_dump(mode="json", exclude={"compute", "report", "forks"})
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def code_hash() -> str:
    """Hash the code that made the results."""
    return rooms_hash(CODE)


def rooms_hash(rooms: tuple[str, ...]) -> str:
    """Hash the code of some rooms."""
    package = Path(vcfstats.__file__).parent
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
