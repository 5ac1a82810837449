"""The steps of selection one after another, on the training patients they are given, with a log of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from vcfstats.learning.harmonisation.columns import split_context
from vcfstats.learning.harmonisation.frames import harmonise, refusal
from vcfstats.learning.prepared import Prepared, prepared
from vcfstats.learning.selection.base import FeatureFilter
from vcfstats.learning.selection.collinearity import CollinearityFilter
from vcfstats.learning.selection.filters import CorrelationFilter, TTestFilter, ZScore
from vcfstats.learning.selection.lasso import LassoSelector
from vcfstats.learning.settings import SelectionSettings
from vcfstats.statistics.lasso import LassoPath
from vcfstats.statistics.validation.folds import random_folds

# Steps in their order, as they are named in the log and in print.
STEPS = ("reliability", "harmonisation", "zscore", "t_test", "correlation", "surplus", "collinearity", "lasso")


@dataclass(frozen=True)
class Step:
    """One step of the funnel: features that entered, features that stayed, and why the others went."""

    name: str
    n_in: int
    n_out: int
    dropped: dict[str, str]


@dataclass(frozen=True)
class Selection:
    """What selection left on one set of training rows.

    Attributes
    ----------
    prepared : Prepared
        The selected features and how they are standardised; empty, with the reason, where none was left.
    steps : tuple of Step
        The funnel.
    lasso : LassoPath or None
        The path, where the LASSO was reached; its features are those that entered it.
    lambda_ : float or None
        The penalty chosen.
    intercept, coefficients : float or None, dict of str to float
        The LASSO's model at that penalty, per standard deviation of a feature: a linear score, no probability where
        the family is gaussian.
    n, n_events : int
        Cases and events.
    """

    prepared: Prepared
    steps: tuple[Step, ...]
    lasso: LassoPath | None
    lambda_: float | None
    intercept: float | None
    coefficients: dict[str, float]
    n: int
    n_events: int


def selection_pipeline(
    settings: SelectionSettings, *, lasso_folds: int | np.ndarray, random_state: int | None = None
) -> Pipeline:
    """Return the unfitted steps as a scikit-learn Pipeline.

    Parameters
    ----------
    settings : SelectionSettings
        The steps' parameters.
    lasso_folds : int or ndarray of shape (n,)
        Folds of the LASSO's cross-validation: how many, or the fold of each training row.
    random_state : int, optional
        Of random folds.
    """
    collinearity = settings.collinearity
    return Pipeline(
        [
            ("zscore", ZScore(ddof=settings.sd_ddof)),
            ("t_test", TTestFilter(**settings.t_test.model_dump())),
            (
                "correlation",
                CorrelationFilter(**settings.correlation.model_dump(), variances=settings.t_test.variances),
            ),
            *(
                [("collinearity", CollinearityFilter(**collinearity.model_dump(), variances=settings.t_test.variances))]
                if collinearity.limit is not None
                else []
            ),
            (
                "lasso",
                LassoSelector(
                    **settings.lasso.model_dump(exclude={"folds"}), folds=lasso_folds, random_state=random_state
                ),
            ),
        ]
    )


def select_features(
    features: pd.DataFrame,
    outcome: np.ndarray,
    patients: np.ndarray,
    settings: SelectionSettings,
    seed: np.random.SeedSequence,
    *,
    unreliable: Mapping[str, str] | None = None,
) -> Selection:
    """Select features on the rows given; a step that leaves nothing ends the chain with the reason recorded.

    Parameters
    ----------
    features : DataFrame of shape (n, p)
        Training rows; where features are harmonised, with the columns of `context_columns` beside them.
    outcome, patients : ndarray of shape (n,)
        0/1 outcome; patient of each row (rows of a patient share a fold of the LASSO's cross-validation).
    settings : SelectionSettings
        The steps.
    seed : SeedSequence
        Of the LASSO's folds.
    unreliable : mapping, optional
        Features that readers do not reproduce -> why.
    """
    events = int(outcome.sum())
    steps: list[Step] = []
    features, context = split_context(features)
    out = {str(name): why for name, why in (unreliable or {}).items() if name in features}
    frame = features.drop(columns=list(out))
    if unreliable is not None:
        steps.append(Step("reliability", features.shape[1], frame.shape[1], out))

    def ended(reason: str) -> Selection:
        return Selection(Prepared((), reason=reason), tuple(steps), None, None, None, {}, len(outcome), events)

    if frame.shape[1] == 0:
        return ended("the reliability filter kept no feature")
    if min(events, len(outcome) - events) < 3:
        return ended(
            f"{events} events and {len(outcome) - events} non-events are too few to select features by (3 of each)"
        )
    correction = None
    if settings.harmonisation.method == "combat":
        try:
            frame, correction = harmonise(frame, context, settings.harmonisation)
        except ValueError as error:
            return ended(refusal(error))
        steps.append(Step("harmonisation", frame.shape[1], frame.shape[1], {}))
    folds = min(settings.lasso.folds, *(len(set(patients[outcome == level])) for level in (0, 1)))
    if folds < 3:
        return ended(f"{folds} patients of the rarer class are too few for the LASSO's cross-validation (3)")
    labels = random_folds(len(outcome), folds, np.random.default_rng(seed), groups=patients, strata=outcome)
    names = np.asarray(frame.columns, dtype=object)
    values = np.ascontiguousarray(frame.to_numpy(dtype=np.float64))
    for name, step in selection_pipeline(settings, lasso_folds=labels).steps:
        step.fit(values, outcome)
        entered = names
        if isinstance(step, FeatureFilter):
            names, dropped = names[step.support_], step.dropped(entered)
            before = len(entered)
            if isinstance(step, CollinearityFilter):  # a rule of its own acts before the factors are defined
                first = {str(name): dropped.pop(str(name)) for name in entered[step.surplus_]}
                steps.append(Step("surplus", before, before - len(first), first))
                before -= len(first)
            steps.append(Step(name, before, len(names), dropped))
            if not len(names):
                return ended(f"step {name} kept none of {len(entered)} features")
        else:
            steps.append(Step(name, len(names), len(names), {}))
        values = step.transform(values)
    chosen = tuple(map(str, names))
    coefficients = step.coef_[step.support_]
    sight = prepared(frame, chosen, ddof=settings.sd_ddof)
    if correction is not None:
        sight = replace(sight, correction=correction.at(frame.columns.get_indexer(pd.Index(chosen)).tolist()))
    return Selection(
        prepared=sight,
        steps=tuple(steps),
        lasso=replace(step.path_, features=tuple(map(str, entered))),
        lambda_=step.lambda_,
        intercept=step.intercept_,
        coefficients=dict(zip(chosen, coefficients.tolist(), strict=True)),
        n=len(outcome),
        n_events=events,
    )
