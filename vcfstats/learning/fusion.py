"""The nomogram model: the fused model's output and the clinical predictors in one logistic regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit

from vcfstats.learning.clinical import ClinicalFit, Findings
from vcfstats.learning.linear import Column, LinearModel, fit_linear
from vcfstats.learning.settings import FusionSettings
from vcfstats.learning.tuning import CrossFitted
from vcfstats.statistics.inputs import FloatArray

# The fused model's output among the predictors of the nomogram.
OUTPUT = "dlr"


@dataclass(frozen=True)
class Fusion:
    """The nomogram model and its probabilities.

    Attributes
    ----------
    model : LinearModel
        Fitted on all training cases.
    out_of_fold : FloatArray
        Fold k's cases by a model of the other folds, fitted on fused probabilities that are themselves out of fold within
        these (where tuning is not nested: among all folds; or resubstituted, by the setting), with clinical predictors
        screened there.
    apparent, testing : FloatArray
        Probabilities of the final model on the final fused model's probabilities: the chain as a new patient meets it.
    """

    model: LinearModel
    out_of_fold: FloatArray
    apparent: FloatArray
    testing: FloatArray


def fusion_design(probability: FloatArray, clinical: pd.DataFrame, settings: FusionSettings) -> pd.DataFrame:
    """Return the design: the fused model's output by the scale of the settings, then the clinical columns."""
    p = np.asarray(probability, dtype=np.float64)
    output = logit(np.clip(p, settings.clip, 1 - settings.clip)) if settings.scale == "logit" else p
    return pd.concat([pd.Series(output, index=clinical.index, name=OUTPUT), clinical], axis=1)


def fit_fusion(
    probability: FloatArray,
    rows: pd.Index,
    outcome: np.ndarray,
    findings: Findings,
    clinical: ClinicalFit,
    settings: FusionSettings,
) -> LinearModel:
    """Fit the nomogram model to training rows with these fused probabilities."""
    design = fusion_design(probability, clinical.design_of(findings.design.loc[rows], findings.columns), settings)
    if design[OUTPUT].nunique() == 1:
        design = design.drop(columns=OUTPUT)  # the fused model predicts its prevalence for everybody
    return fit_linear(
        design, outcome, name="dlrn", columns={OUTPUT: Column(OUTPUT), **findings.columns}, penalty_c=settings.penalty_c
    )


def fuse(
    fused: CrossFitted,
    apparent: FloatArray,
    testing: FloatArray,
    cases: tuple[pd.Index, pd.Index],
    outcome: np.ndarray,
    fold: np.ndarray,
    findings: Findings,
    clinical: Mapping[tuple[int, ...], ClinicalFit],
    settings: FusionSettings,
) -> Fusion:
    """Fit the nomogram model and score every case.

    Parameters
    ----------
    fused : CrossFitted
        The fused model's out-of-fold life, on the training cases.
    apparent, testing : ndarray
        The final fused model's probabilities.
    cases : pair of Index
        Training and testing cases, all with their clinical findings.
    outcome, fold : ndarray
        Of the training cases.
    findings : Findings
        The coded findings.
    clinical : mapping
        Clinical model without nothing, and without each fold.
    settings : FusionSettings
        Input, scale and penalty.
    """
    training, tested = cases
    fresh = settings.input == "out_of_fold"

    def score(model: LinearModel, probability: FloatArray, rows: pd.Index, fit: ClinicalFit) -> FloatArray:
        return model.predict(
            fusion_design(probability, fit.design_of(findings.design.loc[rows], findings.columns), settings)
        )

    model = fit_fusion(fused.out_of_fold if fresh else apparent, training, outcome, findings, clinical[()], settings)
    out_of_fold = np.full(len(training), np.nan)
    for k in np.unique(fold).tolist():
        inside, outside = fold != k, fold == k
        learned_from = fused.inner.get(k, fused.out_of_fold) if fresh else fused.resubstituted[k]
        within = fit_fusion(learned_from[inside], training[inside], outcome[inside], findings, clinical[k,], settings)
        out_of_fold[outside] = score(within, fused.out_of_fold[outside], training[outside], clinical[k,])
    return Fusion(
        model=model,
        out_of_fold=out_of_fold,
        apparent=score(model, apparent, training, clinical[()]),
        testing=score(model, testing, tested, clinical[()]),
    )
