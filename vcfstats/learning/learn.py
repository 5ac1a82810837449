"""Everything between the feature matrices and the table of probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vcfstats.contracts.predictions import KEY, PREDICTIONS
from vcfstats.learning.classifiers import grid_points
from vcfstats.learning.clinical import Covariate
from vcfstats.learning.crossfit import best, pooled_auc
from vcfstats.learning.deephead import DeepHead
from vcfstats.learning.deepnetworks import DeepNetworks
from vcfstats.learning.featuresets import applied_reliability, clinical_findings, clinical_set, image_sets
from vcfstats.learning.headline import headline_clinical, headline_deep, headline_network, headline_nomogram
from vcfstats.learning.inputs import check_inputs
from vcfstats.learning.learned import Learned
from vcfstats.learning.scanners import describe_scanners, scanner_context
from vcfstats.learning.selection import Reliability
from vcfstats.learning.settings import LearningSettings
from vcfstats.learning.thresholds import choose_threshold
from vcfstats.learning.tuning import CrossFitted, FeatureSet, FinalFit, Seeds, cross_fit, fit_final
from vcfstats.learning.work import BEST_OF, Work


def learn(
    cohort: pd.DataFrame,
    matrices: Mapping[str, pd.DataFrame],
    settings: LearningSettings,
    seeds: Seeds,
    *,
    workers: int,
    covariates: Mapping[str, Covariate] | None = None,
    agreement: Mapping[str, float] | None = None,
    reliability: Mapping[str, Reliability] | None = None,
    networks: DeepNetworks | None = None,
) -> Learned:
    """Select features, tune and fit every model on training patients, then score training and testing patients.

    Nothing is fitted, chosen or standardised with a testing patient. Supervised steps (screening, selection, tuning) are
    repeated within every fold of the out-of-fold probabilities. The reliability filter and the readers' agreement, which
    know no outcome, are taken as given.

    Parameters
    ----------
    cohort : DataFrame
        Index case_id: ``patient_id, partition`` (training, testing), ``fold`` (0 ... K - 1 of training cases, missing for
        others), ``outcome`` (0/1), the covariates and, where it is known, ``scanner``.
    matrices : mapping
        ``radiomics`` and, where there are deep features, ``deep`` (columns DL_k, DL_k.1, DL_k.2): index case_id, finite.
    settings : LearningSettings
        Every decision.
    seeds : callable
        Purpose -> SeedSequence.
    workers : int
        Processes; no number depends on it.
    covariates : mapping, optional
        Clinical finding -> type and levels (reference first); the column of `cohort` has its name.
    agreement : mapping, optional
        Finding that two readers read -> their kappa.
    reliability : mapping, optional
        Matrix -> result of `reliable_features` on training patients' repeated regions.
    networks : DeepNetworks, optional
        The heads of networks that were trained on these patients and, cross-fitted, the features of the network without
        each fold and each pair of folds; ``matrices["deep"]`` holds those of the network trained on all of them.

    Returns
    -------
    Learned

    Raises
    ------
    InputError
        Cases without features, folds that do not match the settings, an outcome of one class.
    """
    given = check_inputs(cohort, matrices, settings, covariates or {}, networks)
    # Libraries add up in another order with more threads: one thread gives the same bits on any machine, for any number
    # of workers, and small matrices are faster so.
    with threadpool_limits(1):
        return _learn(Work(given, settings, seeds, workers), covariates or {}, agreement or {}, reliability or {})


def _learn(
    work: Work,
    covariates: Mapping[str, Covariate],
    agreement: Mapping[str, float],
    reliability: Mapping[str, Reliability],
) -> Learned:
    given, settings, seeds, workers = work.given, work.settings, work.seeds, work.workers
    if "deep" not in given.matrices:
        for model in ("dl", "dlr"):
            work.give_up(model, "there are no deep features")
    applied = applied_reliability(work, reliability)
    sets = image_sets(work, applied, scanner_context(work, covariates))
    findings = clinical_findings(work, covariates, agreement)
    if findings is not None:
        sets = [*clinical_set(work, findings), *sets]
    fitted, tuning, failed = cross_fit(
        sets, {name: grid_points(grid) for name, grid in settings.classifiers.grids().items()}, seeds, workers=workers
    )
    for (feature_set, classifier), why in failed.items():
        work.note(f"{feature_set}.{classifier}", f"the classifier was not fitted: {why}")
    final = fit_final(sets, fitted, seeds, workers=workers)
    chosen = _choose_classifiers(sets, fitted)
    repeated = {
        given_set.name: _auc_with_choice_repeated(given_set, fitted) for given_set in sets if given_set.name in chosen
    }
    by_name = {given_set.name: given_set for given_set in sets}
    for (feature_set, classifier), fit in final.items():
        work.add(
            f"{feature_set}.{classifier}",
            by_name[feature_set],
            fitted[feature_set, classifier].out_of_fold,
            fit.apparent,
            fit.testing,
        )

    if findings is not None:
        headline_clinical(work, findings)
    for model, feature_set in BEST_OF.items():
        if feature_set in chosen:
            key = (feature_set, chosen[feature_set])
            work.add(model, by_name[feature_set], fitted[key].out_of_fold, final[key].apparent, final[key].testing)
        elif feature_set in by_name:
            work.give_up(model, f"no classifier of the {feature_set} features could be fitted")
    if given.networks.heads:
        head: DeepHead | None = headline_network(work)
    else:
        head = headline_deep(work) if "deep" in given.matrices else None
    fusion = headline_nomogram(work, findings, fitted, final, chosen)

    predictions = (
        PREDICTIONS.validate(pd.concat(work.rows).sort_values(KEY, ignore_index=True))
        if work.rows
        else _no_predictions()
    )
    return Learned(
        predictions=predictions,
        thresholds=_thresholds(predictions, settings),
        classifiers=_ranking(fitted, failed, final, chosen),
        tuning=tuning,
        chosen=chosen,
        auc_choice_repeated=repeated,
        selections=work.selections,
        reliability=applied,
        findings=findings,
        clinical=work.clinical,
        deep_head=head,
        dlrn=fusion.model if fusion else None,
        final=final,
        scanners=describe_scanners(work, covariates),
        absent=work.absent,
        notes=tuple(work.notes),
    )


def _no_predictions() -> pd.DataFrame:
    return PREDICTIONS.validate(
        pd.DataFrame({name: pd.Series(dtype=column.dtype.type) for name, column in PREDICTIONS.columns.items()})
    )


def _choose_classifiers(sets: list[FeatureSet], fitted: Mapping[tuple[str, str], CrossFitted]) -> dict[str, str]:
    """Return the classifier with the largest out-of-fold AUC of each feature set; of equals the first in order."""
    chosen = {}
    for given in sets:
        lives = {classifier: life for (name, classifier), life in fitted.items() if name == given.name}
        at = best([life.auc for life in lives.values()])
        if at is not None:
            chosen[given.name] = list(lives)[at]
    return chosen


def _auc_with_choice_repeated(given: FeatureSet, fitted: Mapping[tuple[str, str], CrossFitted]) -> float:
    """Out-of-fold AUC where each fold is scored by the classifier that was best on the other folds."""
    lives = [life for (name, _), life in fitted.items() if name == given.name]
    probability = np.full(len(given.outcome), np.nan)
    for k in np.unique(given.fold).tolist():
        at = best([life.inner_auc[k] for life in lives])
        if at is not None:
            probability[given.fold == k] = lives[at].out_of_fold[given.fold == k]
    return pooled_auc(given.outcome, probability)


def _thresholds(predictions: pd.DataFrame, settings: LearningSettings) -> dict[str, float]:
    rows = predictions[predictions["kind"] == "out_of_fold"]
    return {str(model): choose_threshold(part, settings.threshold) for model, part in rows.groupby("model", sort=True)}


def _ranking(
    fitted: Mapping[tuple[str, str], CrossFitted],
    failed: Mapping[tuple[str, str], str],
    final: Mapping[tuple[str, str], FinalFit],
    chosen: Mapping[str, str],
) -> pd.DataFrame:
    rows = [
        {
            "feature_set": name,
            "classifier": classifier,
            "point": json.dumps(life.point),
            "auc_out_of_fold": life.auc,
            "chosen": chosen.get(name) == classifier,
            "remark": final[name, classifier].remark,
        }
        for (name, classifier), life in fitted.items()
    ]
    rows += [
        {
            "feature_set": name,
            "classifier": classifier,
            "point": "",
            "auc_out_of_fold": float("nan"),
            "chosen": False,
            "remark": why,
        }
        for (name, classifier), why in failed.items()
    ]
    return pd.DataFrame(rows, columns=["feature_set", "classifier", "point", "auc_out_of_fold", "chosen", "remark"])
