"""The chain from selection on, on one set of training cases: what a study fits once and every resample fits again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vcfstats.learning.classifiers import GridResult
from vcfstats.learning.clinical import Covariate, Findings
from vcfstats.learning.crossfit import best, described
from vcfstats.learning.deephead import DeepHead
from vcfstats.learning.featuresets import applied_reliability, clinical_findings, clinical_set, image_sets
from vcfstats.learning.fusion import Fusion
from vcfstats.learning.headline import headline_clinical, headline_deep, headline_network, headline_nomogram
from vcfstats.learning.scanners import scanner_context
from vcfstats.learning.selection import Reliability
from vcfstats.learning.tuning import CrossFitted, FeatureSet, FinalFit, FitKey, cross_fit, fit_final
from vcfstats.learning.work import BEST_OF, Work

# Feature set -> classifier -> points of the grid that is tried.
GridsOf = Callable[[str], Mapping[str, Sequence[dict[str, Any]]]]


@dataclass(frozen=True)
class Taken:
    """What is taken as given, since it knows no outcome: the coding of findings, and which of them and of the features readers reproduce."""

    covariates: Mapping[str, Covariate]
    agreement: Mapping[str, float]
    reliability: Mapping[str, Reliability]


@dataclass(frozen=True)
class Models:
    """Every model of one set of training cases; their probabilities are in the `Work` they were fitted with.

    Attributes
    ----------
    sets : tuple of FeatureSet
        The feature sets that have a feature.
    reliability : dict
        Filters that were applied.
    findings : Findings or None
        The coded findings.
    fitted, failed : dict
        (feature set, classifier) -> out-of-fold life; or why there is none.
    tuning : DataFrame
        Every AUC that tuned.
    final : dict
        (feature set, classifier) -> fit to all training cases.
    chosen : dict
        Feature set -> classifier with the largest out-of-fold AUC.
    head, fusion : DeepHead or None, Fusion or None
        The network's head; the nomogram model.
    """

    sets: tuple[FeatureSet, ...]
    reliability: dict[str, Reliability]
    findings: Findings | None
    fitted: dict[tuple[str, str], CrossFitted]
    failed: dict[tuple[str, str], str]
    tuning: pd.DataFrame
    final: dict[tuple[str, str], FinalFit]
    chosen: dict[str, str]
    head: DeepHead | None
    fusion: Fusion | None


def fit_models(work: Work, taken: Taken, grids: GridsOf) -> Models:
    """Select, tune and fit every model, and add the probabilities of training and testing cases to `work`."""
    settings, seeds, workers = work.settings, work.seeds, work.workers
    averaged = settings.delivered == "mean_of_folds"
    if "deep" not in work.given.matrices:
        for model in ("dl", "dlr"):
            work.give_up(model, "there are no deep features")
    applied = applied_reliability(work, taken.reliability)
    context = scanner_context(work, taken.covariates)
    sets = image_sets(work, applied, context, nomogram=bool(taken.covariates))
    findings = clinical_findings(work, taken.covariates, taken.agreement)
    if findings is not None:
        sets = [*clinical_set(work, findings), *sets]
    fits: dict[FitKey, GridResult] = {}
    fitted, tuning, failed = cross_fit(
        sets,
        {given.name: grids(given.name) for given in sets},
        seeds,
        nested=settings.folds.nested,
        averaged=averaged,
        workers=workers,
        label=work.label("tune classifiers"),
        known=fits,
    )
    for (feature_set, classifier), why in failed.items():
        work.note(f"{feature_set}.{classifier}", f"the classifier was not fitted: {why}")
    final = fit_final(sets, fitted, seeds, averaged=averaged, workers=workers, label=work.label("fit classifiers"))
    chosen = _choose_classifiers(sets, fitted)
    by_name = {given.name: given for given in sets}
    for (feature_set, classifier), fit in final.items():
        life = fitted[feature_set, classifier]
        work.add(
            f"{feature_set}.{classifier}",
            by_name[feature_set],
            life.out_of_fold,
            fit.apparent,
            fit.testing,
            learned_from=life.learned_from,
        )

    if findings is not None:
        headline_clinical(work, findings)
    for model, feature_set in BEST_OF.items():
        if feature_set in chosen:
            life, fit = fitted[feature_set, chosen[feature_set]], final[feature_set, chosen[feature_set]]
            work.add(
                model,
                by_name[feature_set],
                life.out_of_fold,
                fit.apparent,
                fit.testing,
                learned_from=life.learned_from,
            )
        elif feature_set in by_name:
            work.give_up(model, f"no classifier of the {feature_set} features could be fitted")
    head: DeepHead | None = None
    if work.given.networks.heads:
        head = headline_network(work)
    elif "deep" in work.given.matrices:
        head = headline_deep(work)
    fused = fitted.get(("fused", chosen.get("fused", "")))
    if fused is not None and () in work.clinical and work.tunes_nomogram_within_folds:
        fused, more = _tuned_within_folds(work, by_name["fused"], chosen["fused"], grids("fused"), fits)
        tuning = pd.concat([tuning, more], ignore_index=True)
    fusion = headline_nomogram(work, findings, fused, final, chosen)
    return Models(tuple(sets), applied, findings, fitted, failed, tuning, final, chosen, head, fusion)


def _tuned_within_folds(
    work: Work,
    given: FeatureSet,
    classifier: str,
    grid: Mapping[str, Sequence[dict[str, Any]]],
    fits: dict[FitKey, GridResult],
) -> tuple[CrossFitted | None, pd.DataFrame]:
    """Return the out-of-fold life of the fused model with its tuning repeated within every fold, and the AUCs that tuned."""
    lives, table, failed = cross_fit(
        [given],
        {given.name: {classifier: grid[classifier]}},
        work.seeds,
        nested=True,
        averaged=work.settings.delivered == "mean_of_folds",
        workers=work.workers,
        label=work.label("tune within folds"),
        known=fits,
    )
    for why in failed.values():
        work.note("dlrn", f"the fused model could not be tuned within the folds: {why}")
    return lives.get((given.name, classifier)), table[table["training"] != described(())]


def _choose_classifiers(sets: Sequence[FeatureSet], fitted: Mapping[tuple[str, str], CrossFitted]) -> dict[str, str]:
    """Return the classifier with the largest out-of-fold AUC of each feature set; of equals the first in order."""
    chosen = {}
    for given in sets:
        lives = {classifier: life for (name, classifier), life in fitted.items() if name == given.name}
        at = best([life.auc for life in lives.values()])
        if at is not None:
            chosen[given.name] = list(lives)[at]
    return chosen
