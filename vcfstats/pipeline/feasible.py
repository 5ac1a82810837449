"""What params.yaml asks of a cohort that its table alone shows it cannot give: told before any image is read.

The later stages refuse the same; here partition and folds are drawn as they will be, and their counts held against every
setting that needs so many patients, events, readings or scanners.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from vcfstats.contracts.cohort import REPEATS, SECOND
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.learning.crossfit import HeldOut, described, held_out_sets, rows_in
from vcfstats.learning.harmonisation.columns import check_scanners, context_columns
from vcfstats.learning.settings import SplitSettings
from vcfstats.learning.splitting import assign_folds, split_cohort
from vcfstats.pipeline.cells import Told
from vcfstats.pipeline.params import Params

_LASSO_FOLDS = 3  # fewest, for the LASSO to be cross-validated at all
_FEWEST_CHANGED = 3  # cases that are changed, for the correlations of their features
_FEWEST_AGAIN = 2  # cases whose region was drawn again


def tell_infeasible(cohort: pd.DataFrame, params: Params, told: Told) -> None:
    """Add to `told` what the later stages would refuse, or leave out, for want of cases.

    Parameters
    ----------
    cohort : DataFrame
        As `collect_cohort_table` returns it, without errors.
    params : Params
        The study's decisions.
    told : Told
        Of the table.
    """
    cohort = cohort.sort_index()
    try:
        partition = split_cohort(cohort, params.split, params.seed_for("split"))
    except InputError as error:
        _add(error.problems, told)
        return
    training = cohort[partition == "training"]
    _say_counts(training, cohort[partition == "testing"], told)
    _check_readings(training, params, told)
    _check_clinical(training, params, told)
    try:
        fold = assign_folds(training, params.learning.folds.n, params.seed_for("folds")).to_numpy()
    except InputError as error:
        _add(error.problems, told)
        return
    fits = held_out_sets(range(params.learning.folds.n), nested=_nested(params))
    _check_neighbours(training, fold, params, told)
    _check_lasso(training, fold, fits, params, told)
    _check_scanners(cohort, partition, fold, params, told)
    _check_networks(training, fold, params, told)


def _nested(params: Params) -> bool:
    """Whether some model is fitted without pairs of folds."""
    learning = params.learning
    return learning.folds.nested or (bool(params.cohort.covariates) and learning.fusion.input == "out_of_fold")


def _add(problems: Sequence[Problem], told: Told) -> None:
    told.problems += [dataclasses.replace(problem, file=problem.file or told.file) for problem in problems]


def _say_counts(training: pd.DataFrame, testing: pd.DataFrame, told: Told) -> None:
    sides = ((training, "training"), (testing, "internal test set"))
    told.notes += [
        f"{name}: {len(side)} cases of {side['patient_id'].nunique()} patients, {int(side['outcome'].sum())} events"
        for side, name in sides
    ]


def _check_readings(training: pd.DataFrame, params: Params, told: Told) -> None:
    """Repeated regions and second readings, of training cases."""
    settings = params.learning.reliability
    if settings.source == "perturbation" and len(training) < _FEWEST_CHANGED:
        told.error(f"{len(training)} training cases to be changed", f"{_FEWEST_CHANGED} at least", "set learning.reliability.source to none")  # fmt: skip
    if settings.source == "repeats":
        again = {column.removeprefix("mask_"): int(training[column].notna().sum()) for column in REPEATS}
        needed = (settings.combine,) if settings.combine in again else tuple(again)
        for name, count in again.items():
            if 0 < count < _FEWEST_AGAIN or (count == 0 and name in needed and any(again.values())):
                told.error(
                    f"{count} training case{'' if count == 1 else 's'} with a region in cohort.mask_{name}",
                    f"{_FEWEST_AGAIN} at least, for learning.reliability.combine {settings.combine}",
                    "name the column, set learning.reliability.combine to the reading that there is, or its source to none",
                )
    for name, covariate in params.cohort.covariates.items():
        if covariate.second_reading is not None and training[[name, f"{name}{SECOND}"]].dropna().empty:
            told.warn(
                f"no training case with both readings of {name}",
                "some, for the agreement of the readers: without it the finding enters no model",
                f"fill the cells, or set cohort.covariates.{name}.second_reading to null",
            )


def _check_clinical(training: pd.DataFrame, params: Params, told: Told) -> None:
    """Findings that are missing."""
    names = list(params.cohort.covariates)
    if not names or params.learning.clinical.missing != "complete_case":
        return
    complete = training[training[names].notna().all(axis=1)]
    if complete["outcome"].nunique() < 2:
        most = max(names, key=lambda name: int(training[name].isna().sum()))
        told.warn(
            f"{len(complete)} training cases with every finding, {int(complete['outcome'].sum())} of them events; "
            f"{most} is missing in {int(training[most].isna().sum())} of {len(training)}",
            "events and non-events with every finding, for a clinical model by complete cases",
            "take the finding out of cohort.covariates, or set learning.clinical.missing otherwise",
        )


def _check_neighbours(training: pd.DataFrame, fold: np.ndarray, params: Params, told: Told) -> None:
    fits = held_out_sets(range(params.learning.folds.n), nested=params.learning.folds.nested)
    counts = {held_out: int(rows_in(fold, held_out).sum()) for held_out in fits}
    least = min(counts, key=lambda held_out: counts[held_out])
    knn = params.learning.classifiers.knn
    key = "learning.classifiers.knn.n_neighbors"
    never = [value for value in knn.n_neighbors if value > len(training)] if knn else []
    seldom = [value for value in knn.n_neighbors if counts[least] < value <= len(training)] if knn else []
    if never:
        told.error(
            f"{_listed(never)} neighbours among {len(training)} training cases",
            f"{counts[least]} at most, as many cases as the smallest fit has ({described(least)})",
            f"take {'it' if len(never) == 1 else 'them'} out of {key}, or set learning.classifiers.knn to null",
        )
    if seldom:
        told.warn(
            f"{_listed(seldom)} neighbours among {counts[least]} training cases of the smallest fit ({described(least)})",
            f"{counts[least]} at most, to be tried in every fit",
            f"take {'it' if len(seldom) == 1 else 'them'} out of {key}",
        )


def _check_lasso(training: pd.DataFrame, fold: np.ndarray, fits: Sequence[HeldOut], params: Params, told: Told) -> None:
    """Patients of the rarer class in the smallest fit: the LASSO takes no more folds than there are, and none below three."""
    rarer = {}
    for held_out in fits:
        inside = training[rows_in(fold, held_out)]
        rarer[held_out] = min(inside.loc[inside["outcome"] == level, "patient_id"].nunique() for level in (0, 1))
    least = min(rarer, key=lambda held_out: rarer[held_out])
    if rarer[least] < _LASSO_FOLDS:
        told.warn(
            f"{rarer[least]} patients of the rarer class in the smallest fit ({described(least)})",
            f"{_LASSO_FOLDS} at least, for the LASSO's cross-validation: without them no feature is selected there",
            "lower learning.folds.n, or add patients",
        )
    elif rarer[least] < params.learning.selection.lasso.folds:
        told.notes.append(
            f"the LASSO is cross-validated in {rarer[least]} folds where a fit has no more patients of the rarer class, "
            f"in place of {params.learning.selection.lasso.folds}"
        )


def _check_scanners(cohort: pd.DataFrame, partition: pd.Series, fold: np.ndarray, params: Params, told: Told) -> None:
    settings, scanner = params.learning.selection.harmonisation, params.cohort.scanner
    if settings.method == "none" or scanner is None or scanner.column is None:  # of headers nothing is known yet
        return
    context = context_columns(cohort, params.cohort.covariates, settings.covariates)
    training = partition == "training"
    fits = held_out_sets(range(params.learning.folds.n), nested=params.learning.folds.nested)
    try:
        check_scanners(
            context[training],
            cohort.loc[training, "outcome"].to_numpy(),
            {described(held_out): rows_in(fold, held_out) for held_out in fits},
            context[~training],
            min_cases=settings.min_cases,
        )
    except InputError as error:
        _add(error.problems, told)


def _check_networks(training: pd.DataFrame, fold: np.ndarray, params: Params, told: Told) -> None:
    """Patients that say when a network's training stops."""
    trunk = params.trunk
    if trunk.trained == "none" or trunk.training.patience is None:
        return
    how = SplitSettings(method="stratified", test_fraction=trunk.training.stop_share)
    fits = held_out_sets(range(params.learning.folds.n)) if trunk.cross_fit == "folds" else [()]
    for held_out in fits:
        inside = training[rows_in(fold, held_out)]
        try:
            split_cohort(inside, how, np.random.SeedSequence(0))  # only counts are asked; no shuffle moves them
        except InputError:
            told.error(
                f"{len(inside)} training cases, {int(inside['outcome'].sum())} of them events, for the network ({described(held_out)})",
                f"events and non-events in a share of {trunk.training.stop_share:g} and in the rest",
                "raise trunk.training.stop_share, set trunk.training.patience to null, or set trunk.trained to none",
            )
            return


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
