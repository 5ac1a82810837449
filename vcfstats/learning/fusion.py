"""The nomogram model: the fused model's output and the clinical predictors in one logistic regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit

from vcfstats.learning.clinical import ClinicalFit, Findings
from vcfstats.learning.linear import Column, LinearModel
from vcfstats.learning.pooled import averaged, each_probability, fit_pooled
from vcfstats.learning.settings import FusionSettings
from vcfstats.learning.tuning import CrossFitted
from vcfstats.statistics.inputs import FloatArray

# The fused model's output among the predictors of the nomogram.
OUTPUT = "dlr"
_NOTHING = (
    1e-4  # what no page prints: an output that the findings leave no more of would get a coefficient without sense
)


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
    learned_from : FloatArray
        Fused probabilities of the training cases that `model` was fitted to.
    apparent, testing : FloatArray
        Probabilities of the final model on the final fused model's probabilities: the chain as a new patient meets it.
    each : dict of str to ndarray of shape (m, n)
        out_of_fold, apparent, testing -> the same from each imputation of the findings, whose means these are.
    designs : tuple of DataFrame
        What the model was fitted to, once or once for each imputation.
    """

    model: LinearModel
    out_of_fold: FloatArray
    apparent: FloatArray
    testing: FloatArray
    learned_from: FloatArray
    each: dict[str, FloatArray]
    designs: tuple[pd.DataFrame, ...]


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
) -> tuple[LinearModel, tuple[pd.DataFrame, ...]]:
    """Fit the nomogram model to training rows with these fused probabilities; return what it was fitted to as well."""
    own = clinical.own_columns
    designs = tuple(fusion_design(probability, part.loc[rows, own], settings) for part in clinical.completed)
    if any(_adds_nothing(design) for design in designs):
        designs = tuple(design.drop(columns=OUTPUT) for design in designs)
    columns = {OUTPUT: Column(OUTPUT), **findings.columns}
    model = fit_pooled(
        designs,
        outcome,
        name="dlrn",
        columns=columns,
        penalty_c=settings.penalty_c,
        shrink=settings.shrinkage == "heuristic",
    )
    return model, designs


def leaves_nothing(model: LinearModel) -> bool:
    """Whether shrinkage left no coefficient: the predictors tell together no more than as many of noise."""
    return bool(model.terms) and all(term.coefficient == 0 for term in model.terms)


def _adds_nothing(design: pd.DataFrame) -> bool:
    """Whether the fused model's output is as good as one value for everybody, or a linear combination of the findings."""
    beside = np.column_stack([np.ones(len(design)), design.drop(columns=OUTPUT).to_numpy(dtype=np.float64)])
    output = design[OUTPUT].to_numpy(dtype=np.float64)
    coefficients, *_ = np.linalg.lstsq(beside, output, rcond=None)
    return bool(np.abs(output - beside @ coefficients).max() < _NOTHING)


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
        parts = fit.complete(findings.design.loc[rows])
        return each_probability(model, [fusion_design(probability, part[fit.own_columns], settings) for part in parts])

    learned_from = fused.learned_from if fresh else apparent
    model, designs = fit_fusion(learned_from, training, outcome, findings, clinical[()], settings)
    m = clinical[()].imputer.n_imputations if clinical[()].imputer is not None else 1
    out_of_fold = np.full((m, len(training)), np.nan)
    for k in np.unique(fold).tolist():
        inside, outside = fold != k, fold == k
        known = fused.inner.get(k, fused.out_of_fold) if fresh else fused.resubstituted[k]
        within, _ = fit_fusion(known[inside], training[inside], outcome[inside], findings, clinical[k,], settings)
        if within.terms and not leaves_nothing(within):
            out_of_fold[:, outside] = score(within, fused.out_of_fold[outside], training[outside], clinical[k,])
        else:
            out_of_fold[:, outside] = outcome.mean()  # ties over folds, see `tells_nothing`
    each = {
        "out_of_fold": out_of_fold,
        "apparent": score(model, apparent, training, clinical[()]),
        "testing": score(model, testing, tested, clinical[()]),
    }
    return Fusion(
        model=model,
        **{kind: averaged(values) for kind, values in each.items()},
        learned_from=learned_from,
        each=each,
        designs=designs,
    )
