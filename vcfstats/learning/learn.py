"""Everything between the feature matrices and the table of probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vcfstats.contracts.predictions import KEY, PREDICTIONS, SECOND_STAGE, second_stage
from vcfstats.learning.classifiers import grid_points
from vcfstats.learning.clinical import Covariate, PlainCovariate
from vcfstats.learning.crossfit import best, pooled_auc
from vcfstats.learning.deepnetworks import DeepNetworks
from vcfstats.learning.imputed import imputed
from vcfstats.learning.inputs import check_inputs
from vcfstats.learning.learned import Learned
from vcfstats.learning.models import Taken, fit_models
from vcfstats.learning.optimism import Keep, keep_nothing, resample_models
from vcfstats.learning.recalibration import recalibrate, useless
from vcfstats.learning.riskgroups import risk_cuts
from vcfstats.learning.scanners import describe_scanners, scanner_context
from vcfstats.learning.selection import Reliability
from vcfstats.learning.settings import LearningSettings
from vcfstats.learning.spread import spread_out_of_bag
from vcfstats.learning.stability import subsample_selections
from vcfstats.learning.thresholds import choose_threshold
from vcfstats.learning.tuning import CrossFitted, FeatureSet, FinalFit, Seeds
from vcfstats.learning.work import HEADLINE, Work


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
    keep: Keep = keep_nothing,
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
    keep : callable, optional
        Given a key and a function that makes bytes, returns these, made now or kept from an earlier run: finished
        bootstrap samples go through it, in worker processes too.

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
        plain = {name: PlainCovariate.of(covariate) for name, covariate in (covariates or {}).items()}
        taken = Taken(plain, agreement or {}, reliability or {})
        return _learn(Work(given, settings, seeds, workers), taken, keep)


def _learn(work: Work, taken: Taken, keep: Keep) -> Learned:
    settings = work.settings
    grids = {name: grid_points(grid) for name, grid in settings.classifiers.grids().items()}
    models = fit_models(work, taken, lambda _: grids)
    fitted, final, chosen = models.fitted, models.final, models.chosen
    repeated = {
        given.name: _auc_with_choice_repeated(given, fitted)
        for given in models.sets
        if given.name in chosen and settings.folds.nested
    }

    raw = pd.concat(work.rows, ignore_index=True) if work.rows else _no_predictions()
    of_no_use = useless(raw, settings.recalibration.clip)
    for model, why in of_no_use.items():
        if model in HEADLINE:
            work.note(model, f"{why}: its probabilities must not be used as risks, and were not recalibrated")
    more, recalibrations = recalibrate(raw, settings.recalibration, of_no_use)
    for model, found in recalibrations.items():
        if found.remark:
            work.note(model, f"recalibration: {found.remark}")
    predictions = PREDICTIONS.validate(pd.concat([raw, more]).sort_values(KEY, ignore_index=True))
    stored = _with_nomogram_input(predictions, work.nomogram_input)
    resamples = resample_models(work, taken, chosen, keep) if settings.optimism.n_resamples else None
    return Learned(
        predictions=stored,
        thresholds=_thresholds(predictions, settings),
        classifiers=_ranking(fitted, models.failed, final, chosen),
        tuning=models.tuning,
        chosen=chosen,
        auc_choice_repeated=repeated,
        selections=work.selections,
        reliability=models.reliability,
        findings=models.findings,
        clinical=work.clinical,
        deep_head=models.head,
        dlrn=models.fusion.model if models.fusion else None,
        final=final,
        scanners=describe_scanners(work, taken.covariates),
        absent=work.absent,
        notes=tuple(work.notes),
        recalibrations=recalibrations,
        useless=of_no_use,
        risk_cuts=risk_cuts(predictions, settings.risk_groups),
        resamples=resamples,
        subsamples=subsample_selections(work, models.reliability, scanner_context(work, taken.covariates))
        if settings.stability.n_subsamples
        else None,
        spread=spread_out_of_bag(stored, resamples) if models.fusion else None,
        imputed=imputed(work, models.findings, models.fusion),
    )


def _with_nomogram_input(predictions: pd.DataFrame, fitted_to: pd.Series | None) -> pd.DataFrame:
    """Return the table with the fused probabilities that the nomogram model was fitted to, where those are resubstituted ones."""
    if fitted_to is None:
        return predictions
    rows = (predictions["kind"] == SECOND_STAGE) & (predictions["model"] == "dlr")
    own = fitted_to.reindex(predictions.loc[rows, "case_id"])
    kept = own.notna().to_numpy()
    changed = predictions.copy()
    changed.loc[rows, "probability"] = np.where(kept, own.to_numpy(), changed.loc[rows, "probability"])
    return changed


def _no_predictions() -> pd.DataFrame:
    return PREDICTIONS.validate(
        pd.DataFrame({name: pd.Series(dtype=column.dtype.type) for name, column in PREDICTIONS.columns.items()})
    )


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
    rows = second_stage(predictions)
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
