"""What was done, in words and counts: design records, counts of patients, and the study file that documents read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd

import vcfstats
from vcfstats.contracts.features import FeatureDescription
from vcfstats.contracts.files import file_hash
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import StudyFile
from vcfstats.learning.logistic import LogisticModel
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.evaluation.performance import METHOD_NAMES, STAGE
from vcfstats.pipeline.params import Params
from vcfstats.pipeline.protocol import Departure

INTERPOLATORS = {"nearest": "nearest neighbour", "linear": "linear interpolation", "bspline": "cubic B-spline interpolation"}
# The rooms whose code made the results; what only draws them is not among them.
CODE = ("contracts", "imaging", "learning", "pipeline", "simulation", "statistics")


def design_records(params: Params, description: FeatureDescription, model: LogisticModel, n_features: int) -> list[Record]:
    """Return the decisions and what came of them as sentences or numbers, for the methods section."""
    versions = description.versions
    words: dict[str, float | str] = {
        "split": _split(params),
        "bias_field": _bias_field(params),
        "resampling": _resampling(params),
        "normalization": _normalization(params),
        "radiomics": _radiomics(params),
        "pyradiomics_version": versions.get("pyradiomics-bhklab", ""),
        "model": (
            f"Of two features with an absolute Pearson correlation above {params.model.correlation_max:g} the later was dropped; the others were "
            "standardised and entered a ridge-penalised logistic regression "
            f"(inverse penalty strength C = {params.model.penalty_c:g}). All steps were fitted to training patients only and "
            f"refitted within each of the {params.model.folds} folds of the patient-level cross-validation."
        ),
        "threshold": _threshold(params),
        "auc_interval": f"{METHOD_NAMES[params.evaluation.auc_interval]} confidence interval",
        "proportion_interval": f"{METHOD_NAMES[params.evaluation.proportion_interval]} confidence intervals",
    }
    numbers: dict[str, float] = {
        "n_features": n_features,
        "confidence_level": params.evaluation.confidence_level,
        "hosmer_lemeshow_groups": params.evaluation.hosmer_lemeshow_groups,
        "decision_low": params.evaluation.decision.low,
        "decision_high": params.evaluation.decision.high,
        "folds": params.model.folds,
        "seed": params.seed,
    }
    records = [Record(kind="design", estimate=name, value=value, stage=STAGE) for name, value in {**words, **numbers}.items()]
    kept = {"n_features_kept": len(model.features), "n": model.n, "events": model.events}
    return records + [Record(kind="model", model="radiomics", estimate=name, value=value, stage="learn") for name, value in kept.items()]


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


def _radiomics(params: Params) -> str:
    r = params.radiomics
    names = ", ".join(kind.replace("_", " ") for kind in r.image_types)
    bins = f"in bins of width {r.bin_width:g}" if r.bin_width is not None else f"in {r.bin_count} bins"
    images = "images" if len(r.image_types) > 1 else "image"
    return f"Features were taken from the {names} {images}, grey levels {bins}."


def _threshold(params: Params) -> str:
    if params.model.threshold.rule == "fixed":
        return f"A predicted probability of {params.model.threshold.value:g} or more was called positive."
    return (
        "The threshold was the one with the largest sum of sensitivity and specificity on out-of-fold predictions of training patients, "
        "then frozen; a predicted probability at or above it was called positive."
    )


def cohort_records(cohort: pd.DataFrame) -> list[Record]:
    """Return counts of patients, cases and events, in all and by partition."""
    records = []
    for partition, rows in (("all", cohort), *sorted(cohort.groupby("partition"), reverse=True)):
        counts = {"n_patients": rows["patient_id"].nunique(), "n_cases": len(rows), "n_events": int(rows["outcome"].sum())}
        records += [
            Record(kind="cohort", partition=str(partition), estimate=name, value=int(value), unit="cases" if name != "n_patients" else "patients", stage="split")
            for name, value in counts.items()
        ]  # fmt: skip
    return records


def baseline(cohort: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return the baseline table: counts with percentages, means with SD, number missing; all, training, testing."""
    groups = {"all": cohort, **{name: cohort[cohort["partition"] == name] for name in ("training", "testing")}}
    rows: list[dict[str, str]] = [{"variable": "Cases", "level": "", "statistic": "n"} | {name: str(len(group)) for name, group in groups.items()}]
    outcome = params.cohort.outcome
    shown = {outcome.event_label: 1, outcome.nonevent_label: 0}
    for label, value in shown.items():
        rows.append({"variable": "Reference standard", "level": label, "statistic": "n (%)"} | {n: _share(g["outcome"] == value) for n, g in groups.items()})
    for name, covariate in params.cohort.covariates.items():
        if covariate.type == "continuous":
            label = f"{covariate.label} ({covariate.unit})" if covariate.unit else covariate.label
            rows.append({"variable": label, "level": "", "statistic": "mean ± SD"} | {n: _mean_sd(g[name]) for n, g in groups.items()})
        for code, level in covariate.levels.items():
            known = {n: g[name].dropna() for n, g in groups.items()}
            rows.append({"variable": covariate.label, "level": level, "statistic": "n (%)"} | {n: _share(k == code) for n, k in known.items()})
        missing = {n: int(g[name].isna().sum()) for n, g in groups.items()}
        if missing["all"]:
            rows.append({"variable": covariate.label, "level": "Missing", "statistic": "n"} | {partition: str(count) for partition, count in missing.items()})
    return pd.DataFrame(rows)


def _share(chosen: pd.Series) -> str:
    return f"{int(chosen.sum())} ({chosen.mean():.1%})" if len(chosen) else "0 (-)"


def _mean_sd(values: pd.Series) -> str:
    known = values.dropna()
    return f"{known.mean():.1f} ± {known.std(ddof=1):.1f}" if len(known) > 1 else "-"


def study_file(study: StudyDirectory) -> StudyFile:
    """Return the words and hashes that documents print."""
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
            "models": {"radiomics": "Radiomics"},
            "authors": [author.model_dump() for author in params.study.authors],
            "data_source": params.study.data_source,
            "protocol": {
                "registered": study.protocol is not None,
                "source": study.protocol.source if study.protocol else "",
                "doi": study.protocol.doi if study.protocol else "",
                "deviations": [_departure(d) for d in departures if d.is_deviation],
                "choices": [_departure(d) for d in departures if not d.is_deviation],
            },
            "hashes": {"params": params_hash(params), "data": file_hash(study.data / "ingest.json"), "code": code_hash()},
            "version": vcfstats.__version__,
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
    """Hash the decisions: neither how many workers ran nor which formats were rendered changes it."""
    body = params.model_dump(mode="json", exclude={"compute", "report"})
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def code_hash() -> str:
    """Hash the code that made the results."""
    package = Path(vcfstats.__file__).parent
    digest = hashlib.sha256()
    for room in CODE:
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
