"""Every classifier on every feature set: tuned, scored out of fold with tuning repeated in each fold, fitted to all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.learning.classifiers import GridResult, GridTask, fit_grid
from vcfstats.learning.crossfit import (
    HeldOut,
    as_int,
    best,
    described,
    held_out_sets,
    pair,
    pooled_auc,
    rows_in,
    run_tasks,
    tells_nothing,
)
from vcfstats.learning.prepared import Prepared
from vcfstats.statistics.inputs import BoolArray, FloatArray

Seeds = Callable[[str], np.random.SeedSequence]
Grids = Mapping[str, Mapping[str, Sequence[dict[str, Any]]]]
FitKey = tuple[str, str, HeldOut]  # feature set, classifier, folds left out


@dataclass(frozen=True)
class FeatureSet:
    """One feature set on its training cases (for clinical findings, those without a missing value).

    Attributes
    ----------
    name : str
        clinical, radiomics or fused.
    training, testing : DataFrame
        Features; index case_id.
    outcome, patients, fold : ndarray of shape (n,)
        Of the training cases.
    prepared : dict
        What was learned of the features on each set of training rows.
    by_fit : dict
        What was held out -> features of the training cases as the fit without it sees them: by a network trained, or missing
        findings imputed, without it; empty where all fits see the same features.
    """

    name: str
    training: pd.DataFrame
    testing: pd.DataFrame
    outcome: np.ndarray
    patients: np.ndarray
    fold: np.ndarray
    prepared: Mapping[HeldOut, Prepared]
    by_fit: Mapping[HeldOut, pd.DataFrame] = field(default_factory=dict)

    def seen(self, held_out: HeldOut) -> pd.DataFrame:
        """Return the training cases' features as a fit without `held_out` sees them."""
        return self.by_fit.get(held_out, self.training)


@dataclass(frozen=True)
class CrossFitted:
    """One classifier's out-of-fold life, on the training cases of its feature set.

    Attributes
    ----------
    point : dict
        Parameters with the best cross-validated AUC: those of the final model.
    out_of_fold : ndarray of shape (n,)
        Each case's probability by a model that saw neither it nor, while being tuned, its fold. Where the mean of the models of
        the folds is delivered and the tuning was nested: the mean of the models without its fold and each other one.
    learned_from : ndarray of shape (n,)
        Each case's probability by the model without its fold at `point`: what later steps learn from, since what they will
        meet comes from that point as well.
    inner : dict of int to ndarray of shape (n,)
        For fold k, out-of-fold probabilities within the other folds (NaN in fold k): no model of them saw fold k. Empty
        where the tuning was not nested; `out_of_fold` is then by parameters chosen on all folds.
    resubstituted : dict of int to ndarray of shape (n,)
        For fold k, probabilities of the model that scores it, on all cases.
    inner_auc : dict of int to float
        For fold k, the AUC of `inner`: what chooses between classifiers without looking at fold k. Empty as `inner` is.
    auc : float
        Pooled AUC of `out_of_fold`.
    """

    point: dict[str, Any]
    out_of_fold: FloatArray
    learned_from: FloatArray
    inner: dict[int, FloatArray]
    resubstituted: dict[int, FloatArray]
    inner_auc: dict[int, float]
    auc: float


@dataclass(frozen=True)
class Member:
    """One fitted classifier of those whose mean is delivered; the only one where a single one is.

    Attributes
    ----------
    estimator : object or None
        The fitted classifier; it takes `prepared.apply(features)`. None where no feature was left.
    prepared : Prepared
        The features.
    prevalence : float
        Of its training cases: its probability for everybody where there is no estimator.
    """

    estimator: Any
    prepared: Prepared
    prevalence: float


@dataclass(frozen=True)
class FinalFit:
    """A classifier as it is delivered: fitted to all training cases of its feature set, or the mean of those without each fold.

    Attributes
    ----------
    members : tuple of Member
        One, or one a fold.
    apparent, testing : ndarray
        Probabilities of the training and the testing cases.
    remark : str
        What went less than well.
    """

    members: tuple[Member, ...]
    apparent: FloatArray
    testing: FloatArray
    remark: str


def cross_fit(
    sets: Sequence[FeatureSet],
    grids: Grids,
    seeds: Seeds,
    *,
    nested: bool,
    averaged: bool,
    workers: int,
    label: str | None,
    known: dict[FitKey, GridResult] | None = None,
) -> tuple[dict[tuple[str, str], CrossFitted], pd.DataFrame, dict[tuple[str, str], str]]:
    """Fit every classifier at every point of its grid without each fold and, if nested, each pair of folds; and choose.

    Parameters
    ----------
    sets : sequence of FeatureSet
        The feature sets.
    grids : mapping
        Feature set -> classifier -> points of its grid.
    seeds : callable
        Purpose -> SeedSequence.
    nested : bool
        Whether the tuning is repeated without each fold.
    averaged : bool
        Whether the mean of the models without each fold is delivered.
    workers, label : int, str or None
        Processes; what the progress lines say, None for none.
    known : dict, optional
        Fits that were made already, which are not made again; those made here are added.

    Returns
    -------
    fitted : dict
        (feature set, classifier) -> its out-of-fold life.
    table : DataFrame
        Every AUC that tuned: ``feature_set, classifier, training, point, auc, chosen, remark``.
    failed : dict
        (feature set, classifier) -> why it could not be fitted.
    """
    by_key = {} if known is None else known
    tasks: dict[FitKey, GridTask] = {}
    for given in sets:
        for classifier, points in grids[given.name].items():
            for held_out in held_out_sets(np.unique(given.fold).tolist(), nested=nested)[1:]:
                key = given.name, classifier, held_out
                if given.prepared[held_out].features and key not in by_key:
                    tasks[key] = _task(given, classifier, points, held_out, seeds)
    results = run_tasks(fit_grid, list(tasks.values()), workers=workers, label=label, unit="fits of a grid")
    by_key.update(zip(tasks, results, strict=True))
    fitted: dict[tuple[str, str], CrossFitted] = {}
    failed: dict[tuple[str, str], str] = {}
    rows: list[dict[str, Any]] = []
    for given in sets:
        for classifier, points in grids[given.name].items():
            life, more = _choose(given, classifier, points, by_key, nested=nested, averaged=averaged)
            rows += more
            if isinstance(life, str):
                failed[given.name, classifier] = life
            else:
                fitted[given.name, classifier] = life
    table = pd.DataFrame(rows, columns=["feature_set", "classifier", "training", "point", "auc", "chosen", "remark"])
    return fitted, table, failed


def fit_final(
    sets: Sequence[FeatureSet],
    fitted: Mapping[tuple[str, str], CrossFitted],
    seeds: Seeds,
    *,
    averaged: bool,
    workers: int,
    label: str | None,
) -> dict[tuple[str, str], FinalFit]:
    """Fit each classifier with its chosen parameters as it is delivered, and score training and testing cases.

    `averaged`: the mean of the models without each fold, which are those of the out-of-fold probabilities; otherwise, and where
    features themselves are learned in every fit, one model of all training cases.
    """
    chosen = [(given, classifier) for given in sets for name, classifier in fitted if name == given.name]
    parts = [
        (given, classifier, held_out)
        for given, classifier in chosen
        for held_out in (delivered_without(given) if averaged else [()])
    ]
    tasks = [
        _final_task(given, classifier, fitted[given.name, classifier].point, held_out, seeds)
        for given, classifier, held_out in parts
        if given.prepared[held_out].features
    ]
    results = iter(run_tasks(fit_grid, tasks, workers=workers, label=label, unit="classifiers"))
    members: dict[tuple[str, str], list[tuple[Member, FloatArray, str]]] = {}
    for given, classifier, held_out in parts:
        sight = given.prepared[held_out]
        prevalence = float(given.outcome[rows_in(given.fold, held_out)].mean())
        estimator, remark = None, ""
        scored = np.full(len(given.training) + len(given.testing), prevalence)
        if sight.features:
            result = next(results)
            estimator, scored, remark = result.fitted[0], result.probabilities[0], result.remarks[0]
            if estimator is None:
                # What fits without a fold, with fewer cases, fits with more; but where no feature was left without any
                # fold nothing was fitted there, and the parameters were never put to the test.
                raise InputError(
                    Problem(
                        f"{given.name}, {classifier}: {remark}",
                        "parameters that can be fitted to the training cases",
                        "correct the classifier's grid under learning.classifiers in params.yaml",
                    )
                )
        own = Member(estimator, sight.ranging_over(given.training), prevalence), scored, remark
        members.setdefault((given.name, classifier), []).append(own)
    final = {}
    for given, classifier in chosen:
        found = members[given.name, classifier]
        n, p = len(given.training), mean_of([scored for _, scored, _ in found])
        remarks = "; ".join(dict.fromkeys(remark for *_, remark in found if remark))
        final[given.name, classifier] = FinalFit(tuple(member for member, *_ in found), p[:n], p[n:], remarks)
    return final


def delivered_without(given: FeatureSet) -> list[HeldOut]:
    """Return what is left out of each model whose mean is delivered: each fold, where the models see the same features.

    Where they do not (networks trained, findings imputed without each fold) it is one model of all training cases: a new
    patient's features are made once.
    """
    return [()] if given.by_fit else [(k,) for k in np.unique(given.fold).tolist()]


def mean_of(probabilities: Sequence[FloatArray]) -> FloatArray:
    """Return the mean of probabilities, one model a row; of a single model its own, to the bit."""
    return probabilities[0] if len(probabilities) == 1 else np.mean(probabilities, axis=0)


def _final_task(given: FeatureSet, classifier: str, point: dict[str, Any], held_out: HeldOut, seeds: Seeds) -> GridTask:
    rows, sight = rows_in(given.fold, held_out), given.prepared[held_out]
    X = sight.apply(given.training)
    return GridTask(
        classifier=classifier,
        points=(point,),
        X=X[rows],
        y=given.outcome[rows],
        patients=given.patients[rows],
        score=np.vstack([X, sight.apply(given.testing)]),
        seed=as_int(seeds(f"learn/{given.name}/{classifier}/{described(held_out)}")),
        keep_fitted=True,
    )


def _task(
    given: FeatureSet, classifier: str, points: Sequence[dict[str, Any]], held_out: HeldOut, seeds: Seeds
) -> GridTask:
    rows = rows_in(given.fold, held_out)
    X = given.prepared[held_out].apply(given.seen(held_out))
    return GridTask(
        classifier=classifier,
        points=tuple(points),
        X=X[rows],
        y=given.outcome[rows],
        patients=given.patients[rows],
        score=X,  # its own training cases too, for whoever wants resubstituted probabilities
        seed=as_int(seeds(f"learn/{given.name}/{classifier}/{described(held_out)}")),
    )


def _choose(
    given: FeatureSet,
    classifier: str,
    points: Sequence[dict[str, Any]],
    results: Mapping[FitKey, GridResult],
    *,
    nested: bool,
    averaged: bool,
) -> tuple[CrossFitted | str, list[dict[str, Any]]]:
    n, m = len(given.outcome), len(points)
    folds = np.unique(given.fold).tolist()
    probability: dict[HeldOut, FloatArray] = {}
    empty: dict[HeldOut, BoolArray] = {}
    remarks: dict[HeldOut, tuple[str, ...]] = {}
    for held_out in held_out_sets(folds, nested=nested)[1:]:
        rows = rows_in(given.fold, held_out)
        result = results.get((given.name, classifier, held_out))
        values = np.full((m, n), np.nan)
        if result is None:  # no feature was left without these folds: the prevalence is all there is to predict
            values[:] = given.outcome[rows].mean()
            remarks[held_out] = ("no feature: prevalence",) * m
        else:
            values[:] = result.probabilities
            remarks[held_out] = result.remarks
        nothing = empty[held_out] = tells_nothing(values if len(held_out) == 1 else values[:, ~rows])
        for fold in held_out:  # pooled with all folds but the other one held out, if any: ties among these
            pooled, own = ~np.isin(given.fold, [other for other in held_out if other != fold]), given.fold == fold
            values[:, own] = np.where(nothing, given.outcome[pooled].mean(), values[:, own])
        probability[held_out] = values

    table: list[dict[str, Any]] = []

    def tuned(
        columns: dict[int, FloatArray], used: list[HeldOut], training: HeldOut
    ) -> tuple[int | None, FloatArray, float]:
        """Choose among points by the pooled AUC of the probabilities of the folds in `columns`."""
        joined = np.full((m, n), np.nan)
        for fold, values in columns.items():
            joined[:, given.fold == fold] = values[:, given.fold == fold]
        inside = np.isin(given.fold, list(columns))
        aucs = [pooled_auc(given.outcome[inside], joined[i, inside]) for i in range(m)]
        choice = best(aucs)
        for i, point in enumerate(points):
            said = Counter(remark for held_out in used if (remark := remarks[held_out][i]))
            table.append(
                {
                    "feature_set": given.name,
                    "classifier": classifier,
                    "training": described(training),
                    "point": json.dumps(point),
                    "auc": aucs[i],
                    "chosen": i == choice,
                    "remark": "; ".join(f"{text} ({count} of {len(used)} fits)" for text, count in said.items()),
                }
            )
        return (
            (choice, joined[choice], aucs[choice]) if choice is not None else (None, np.full(n, np.nan), float("nan"))
        )

    choice, learned_from, _ = tuned({k: probability[k,] for k in folds}, [(k,) for k in folds], ())
    out_of_fold = np.full(n, np.nan)
    inner, resubstituted, inner_auc = {}, {}, {}
    for k in folds:
        at, own = choice, given.fold == k
        without: list[HeldOut] = [(k,)]
        if nested:
            pairs = {j: pair(k, j) for j in folds if j != k}
            at, inner[k], inner_auc[k] = tuned(
                {j: probability[p] for j, p in pairs.items()}, list(pairs.values()), (k,)
            )
            if (
                averaged and not given.by_fit
            ):  # as it is delivered: the mean of the models without each of the other folds
                without = list(pairs.values())
        if at is not None:
            resubstituted[k] = mean_of([probability[held_out][at] for held_out in without])
            scored = [
                np.where(empty[held_out][at], given.outcome.mean(), probability[held_out][at, own])
                for held_out in without
            ]
            out_of_fold[own] = mean_of(scored)
    if choice is None or np.isnan(out_of_fold).any():
        reasons = Counter(remark for row in table if (remark := row["remark"]))
        return reasons.most_common(1)[0][0] if reasons else "no parameters could be fitted in every fold", table
    auc = pooled_auc(given.outcome, out_of_fold)
    return CrossFitted(dict(points[choice]), out_of_fold, learned_from, inner, resubstituted, inner_auc, auc), table
