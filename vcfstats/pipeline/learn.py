"""Stage learn: every model, fitted on training patients only, and the one table of probabilities."""

from __future__ import annotations

import math
import sys
from typing import Any

import pandas as pd

from vcfstats import cohen_kappa
from vcfstats.contracts.cohort import SECOND
from vcfstats.contracts.features import read_features
from vcfstats.contracts.predictions import write_predictions
from vcfstats.learning.deephead import slices_of
from vcfstats.learning.learn import learn
from vcfstats.learning.onenetwork import beside
from vcfstats.learning.selection import Reliability, reliable_features, stable_features
from vcfstats.pipeline.application.writing import write_bundle
from vcfstats.pipeline.correlations import READINGS, read_correlations
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.keeping import Kept
from vcfstats.pipeline.networks import read_networks


def run(study: StudyDirectory) -> None:
    """Write models/learned, data/predictions.parquet and models/dlrn, the bundle for new patients."""
    params = study.params
    cohort = study.read_cohort().drop(columns="partition").join(study.read_split())
    matrices = {"radiomics": read_features(study.radiomics_file), "deep": read_features(study.deep_file)}
    networks = read_networks(study.networks, slices_of(matrices["deep"])[1], params.learning.deep_head.slices)
    given: dict[str, Any] = {
        "workers": params.compute.workers,
        "covariates": params.cohort.covariates,
        "agreement": readers_agreement(study, cohort),
        "reliability": reliability(study),
    }
    keep = Kept(study.cache.absolute(), "resamples")
    learned = learn(cohort, matrices, params.learning, params.seed_for, networks=networks, keep=keep, **given)
    if networks.cross_fitted:
        print(
            "learn: once more with one network for all folds, to show what cross-fitting changes",
            file=sys.stderr,
            flush=True,
        )
        # The network is not refitted in a bootstrap sample: what these say is the same with one network.
        settings = params.learning.model_copy(
            update={"optimism": params.learning.optimism.model_copy(update={"n_resamples": 0})}
        )
        alone = learn(cohort, matrices, settings, params.seed_for, networks=networks.alone(), **given)
        learned = beside(learned, alone)
    learned.write(study.learned)
    write_predictions(learned.predictions, study.predictions_file)
    for lack in write_bundle(study, cohort, matrices, learned, study.bundle):
        print(f"learn: not in models/dlrn: {lack}")
    for note in learned.notes:
        print(f"learn: {note.subject}: {note.text}")


def readers_agreement(study: StudyDirectory, cohort: pd.DataFrame) -> dict[str, float]:
    """Return Cohen's kappa of the findings that two readers read, on training patients."""
    training = cohort[cohort["partition"] == "training"]
    kappas = {}
    for name in study.params.cohort.covariates:
        if f"{name}{SECOND}" in training:
            pairs = training[[name, f"{name}{SECOND}"]].dropna()
            known = len(pairs) > 0  # of a finding that no training patient was read twice for nothing is known
            kappas[name] = float(cohen_kappa(pairs[name], pairs[f"{name}{SECOND}"]).kappa) if known else math.nan
    return kappas


def reliability(study: StudyDirectory) -> dict[str, Reliability]:
    """Return the filter by reproducibility of each matrix, or nothing where no region was drawn again or changed."""
    settings = study.params.learning.reliability
    found = {}
    for matrix in ("radiomics", *(("deep",) if settings.deep else ())):
        frames = {name: read_correlations(study, matrix, name) for name in READINGS}
        if settings.source == "perturbation" and frames["perturbation"] is not None:
            found[matrix] = stable_features(frames["perturbation"], settings)
        elif settings.source == "repeats" and any(frames[name] is not None for name in ("intra", "inter")):
            found[matrix] = reliable_features(frames["intra"], frames["inter"], settings)
    return found
