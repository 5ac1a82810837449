"""The nomogram with its words, for the page that computes and for whoever draws it anew."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from vcfstats import Nomogram
from vcfstats.contracts.nomogram import NomogramFile, Predictor, write_nomogram
from vcfstats.contracts.study import StudyFile
from vcfstats.learning.fusion import OUTPUT
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.evaluation import models
from vcfstats.pipeline.evaluation.models import LABELS, OUTPUT_LABEL
from vcfstats.pipeline.params import Params


def write(study: StudyDirectory, cohort: pd.DataFrame, predictions: pd.DataFrame, words: StudyFile) -> None:
    """Write results/nomogram.json."""
    dlrn = models.read_json(study.learned / "dlrn.json")
    drawn = models.nomogram(dlrn, cohort, predictions, study.params) if dlrn and dlrn["terms"] else None
    useless = models.read_json(study.models / "learned" / "learned.json")["useless"]
    found = models.spread(study.learned, predictions, study.params)
    content = nomogram_file(
        dlrn, drawn, study.params, words, caution=useless.get("dlrn", ""), spread=found.warning if found else ""
    )
    write_nomogram(content, study.results / "nomogram.json")


def nomogram_file(
    dlrn: dict[str, Any] | None,
    drawn: Nomogram | None,
    params: Params,
    words: StudyFile,
    *,
    caution: str = "",
    spread: str = "",
) -> NomogramFile:
    """Return the nomogram of the combined model with labels, units and limits, or the reason why there is none.

    Parameters
    ----------
    dlrn : dict or None
        models/learned/dlrn.json.
    drawn : Nomogram or None
        Its nomogram.
    params : Params
        Names of covariates and their levels.
    words : StudyFile
        Words and hashes of the study.
    caution : str
        Why its probabilities must not be used; empty where they may.
    spread : str
        That its input spreads otherwise than what it was fitted to; empty where it does not.
    """
    about: dict[str, Any] = {
        "title": words.title,
        "model": LABELS["dlrn"],
        "outcome": words.event_label,
        "condition": words.condition,
        "simulated": words.simulated,
        "confidence_level": params.evaluation.confidence_level,
        "hashes": words.hashes,
        "version": words.version,
    }
    if dlrn is None or drawn is None:
        reasons = [note.text for note in words.notes if note.subject == "dlrn"]
        return NomogramFile(nomogram=None, reason=reasons[0] if reasons else "its model has no predictor", **about)
    predictors = {}
    for variable in drawn.variables:
        if variable.name == OUTPUT:
            predictors[OUTPUT] = _fused_output()
        else:
            covariate = params.cohort.covariates[variable.name]
            predictors[variable.name] = Predictor(label=covariate.label, unit=covariate.unit, levels=covariate.levels)
    return NomogramFile(
        nomogram=json.loads(drawn.to_json()),
        predictors=predictors,
        n=dlrn["n"],
        events=dlrn["n_events"],
        caution=caution,
        spread=spread,
        **about,
    )


def _fused_output() -> Predictor:
    return Predictor(label=OUTPUT_LABEL, help="Computed from the images by the fused model.", lowest=0, highest=1)
