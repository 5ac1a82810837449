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
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.environment import here
from vcfstats.pipeline.evaluation import methods, network
from vcfstats.pipeline.evaluation.acquisition import acquisition
from vcfstats.pipeline.evaluation.models import CLASSIFIERS, FEATURE_SETS, LABELS
from vcfstats.pipeline.evaluation.performance import METHOD_NAMES, STAGE
from vcfstats.pipeline.evaluation.reproducibility import reliability
from vcfstats.pipeline.evaluation.scanners import harmonisation
from vcfstats.pipeline.looks import configuration_hash
from vcfstats.pipeline.params import Params
from vcfstats.pipeline.protocol import Departure
from vcfstats.pipeline.yamlfile import read_yaml

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
        "split": methods.split(params),
        "bias_field": methods.bias_field(params),
        "resampling": methods.resampling(params),
        "normalization": methods.normalization(params),
        "radiomics": methods.radiomics(params, made),
        "pyradiomics_version": made.versions.get("pyradiomics-bhklab", ""),
        "reliability": reliability(params, json.loads((study.repeats / "repeats.json").read_text(encoding="utf-8"))),
        "harmonisation": harmonisation(params),
        "slices": methods.slices(params),
        "trunk": network.trunk(params),
        "cross_fit": network.cross_fit(params),
        "selection": methods.selection(params),
        "classifiers": methods.classifiers(params),
        "delivered": methods.delivered(params),
        "stability": methods.stability(params),
        "grids": methods.grids(params),
        "clinical": methods.clinical(params),
        "deep_head": network.deep_head(params),
        "fusion": methods.fusion(params),
        "threshold": methods.threshold(params),
        "use": methods.USE,
        "recalibration": methods.recalibration(params),
        "risk_groups": methods.risk_groups(params),
        "auc_interval": f"{METHOD_NAMES[params.evaluation.auc_interval]} confidence interval",
        "proportion_interval": f"{METHOD_NAMES[params.evaluation.proportion_interval]} confidence intervals",
        "pairs_adjusted_by": params.evaluation.pairs_adjusted_by,
        **({"followup_unit": params.cohort.followup.unit} if params.cohort.followup is not None else {}),
    }
    numbers = {
        **{f"n_features_{name}": count for name, count in features.items()},
        **decision_numbers(params),
        "n_deviations": sum(departure.is_deviation for departure in study.departures()),
        "n_choices": sum(not departure.is_deviation for departure in study.departures()),
    }
    return [
        Record(kind="design", estimate=name, value=value, stage=STAGE) for name, value in {**words, **numbers}.items()
    ]


def decision_numbers(params: Params) -> dict[str, float]:
    """Return the decisions that the documents print as numbers."""
    e = params.evaluation
    return {
        "confidence_level": e.confidence_level,
        "hosmer_lemeshow_groups": e.hosmer_lemeshow_groups,
        "decision_low": e.decision.low,
        "decision_high": e.decision.high,
        "decision_sensible_low": e.decision.sensible_low,
        "decision_sensible_high": e.decision.sensible_high,
        "bootstrap_samples": e.bootstrap_samples,
        "subgroup_minimum": e.subgroup_minimum,
        "anticipated_r2": e.anticipated_r2,
        "folds": params.learning.folds.n,
        "seed": params.seed,
    }


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
