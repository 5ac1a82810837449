"""Training and testing patients, and folds; cases of one patient stay on one side of every split."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vcfstats.contracts.cohort import PARTITIONS
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.learning.settings import SplitSettings


def split_cohort(cohort: pd.DataFrame, settings: SplitSettings, seed: np.random.SeedSequence) -> pd.Series:
    """Return the partition of each case, indexed by case_id.

    Parameters
    ----------
    cohort : DataFrame
        Indexed by case_id, with patient_id, outcome and, for method column, partition.
    settings : SplitSettings
        How to split.
    seed : SeedSequence
        Source of the shuffle. The rows' order does not matter: patients are sorted first.

    Raises
    ------
    InputError
        A missing partition, a patient on both sides, or a side that lacks one of the classes.
    """
    partition = cohort["partition"].copy() if settings.method == "column" else _draw(cohort, settings, seed)
    _check(cohort, partition)
    return partition.rename("partition")


def _draw(cohort: pd.DataFrame, settings: SplitSettings, seed: np.random.SeedSequence) -> pd.Series:
    # A patient with several cases counts as an event patient if any of them is one.
    patients = cohort.groupby("patient_id", sort=True)["outcome"].max()
    rng = np.random.default_rng(seed)
    strata = (
        [patients.index[patients == level] for level in (0, 1)] if settings.method == "stratified" else [patients.index]
    )
    testing: set[str] = set()
    for stratum in strata:
        shuffled = rng.permutation(stratum.to_numpy(dtype=object))
        testing.update(shuffled[: round(settings.test_fraction * len(shuffled))])
    return pd.Series(np.where(cohort["patient_id"].isin(testing), "testing", "training"), index=cohort.index)


def _check(cohort: pd.DataFrame, partition: pd.Series) -> None:
    if partition.isna().any():
        case = partition.index[partition.isna()][0]
        raise InputError(
            Problem(
                "no partition",
                f"one of {', '.join(PARTITIONS)} for every case",
                "fill the column named in split.column",
                patient=str(case),
            )
        )
    sides = partition.groupby(cohort["patient_id"]).nunique()
    if (sides > 1).any():
        patient = sides.index[sides > 1][0]
        raise InputError(
            Problem(
                "cases in training and in testing",
                "all cases of a patient on one side",
                "correct the partition column",
                patient=str(patient),
            )
        )
    for side in PARTITIONS:
        events = cohort["outcome"][partition == side]
        if events.nunique() < 2:
            raise InputError(
                Problem(
                    f"{len(events)} {side} cases, {int(events.sum())} of them events", "events and non-events in both partitions",
                    "use a stratified split, another seed or more patients",
                )
            )  # fmt: skip


def assign_folds(cohort: pd.DataFrame, folds: int, seed: np.random.SeedSequence) -> pd.Series:
    """Return the fold (0 ... folds - 1) that holds each case out, stratified by outcome, whole patients.

    Raises
    ------
    InputError
        Fewer patients of a class than folds.
    """
    patients = cohort.groupby("patient_id", sort=True)["outcome"].max()
    rng = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    start = 0
    for level, name in ((1, "events"), (0, "non-events")):
        members = rng.permutation(patients.index[patients == level].to_numpy(dtype=object))
        if len(members) < folds:
            raise InputError(
                Problem(
                    f"{len(members)} {name} among the training patients",
                    f"at least one per fold ({folds} folds)",
                    "lower the number of folds",
                )
            )
        # The second class starts where the first ended, so that fold sizes differ by one at most.
        fold_of |= {patient: (start + i) % folds for i, patient in enumerate(members)}
        start += len(members)
    return cohort["patient_id"].map(fold_of).astype("int64").rename("fold")
