"""What the learning stage is given, checked and put in one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.features import check_features
from vcfstats.learning.deepnetworks import DeepNetworks
from vcfstats.learning.settings import LearningSettings


@dataclass(frozen=True)
class Inputs:
    """Training and testing cases, each sorted by case_id, and the matrices.

    Attributes
    ----------
    training, testing : DataFrame
        Rows of the cohort.
    matrices : dict of str to DataFrame
        Feature matrices.
    outcome, patients, fold : ndarray of shape (n,)
        Of the training cases.
    folds : list of int
        0 ... K - 1.
    networks : DeepNetworks
        Networks that were trained on these patients; none where the trunk stayed as it came.
    """

    training: pd.DataFrame
    testing: pd.DataFrame
    matrices: dict[str, pd.DataFrame]
    outcome: np.ndarray
    patients: np.ndarray
    fold: np.ndarray
    folds: list[int]
    networks: DeepNetworks


def check_inputs(
    cohort: pd.DataFrame,
    matrices: Mapping[str, pd.DataFrame],
    settings: LearningSettings,
    covariates: Mapping[str, Any],
    networks: DeepNetworks | None = None,
) -> Inputs:
    """Check cohort and matrices against one another and the settings.

    Raises
    ------
    InputError
        A column or a case is missing, folds that do not match, a patient in two folds or partitions, a fold without both classes.
    """
    needed = ["patient_id", "partition", "fold", "outcome", *covariates]
    absent = [name for name in needed if name not in cohort]
    if absent:
        raise InputError(Problem(f"no column {absent[0]!r} in the cohort", ", ".join(needed), "add the column"))
    if "radiomics" not in matrices or set(matrices) - {"radiomics", "deep"}:
        raise InputError(
            Problem(
                f"matrices {', '.join(matrices) or 'none'}",
                "radiomics, and deep where there are deep features",
                "name them so",
            )
        )
    ordered = cohort.sort_index()
    training, testing = (ordered[ordered["partition"] == side] for side in ("training", "testing"))
    checked = {name: check_features(frame, file=f"{name} features") for name, frame in matrices.items()}
    columns = [name for frame in checked.values() for name in frame.columns]
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise InputError(
            Problem(f"two features named {twice!r}", "one name a feature, over all matrices", "rename one")
        )
    for name, frame in checked.items():
        lost = ordered.index.difference(frame.index)
        if len(lost):
            raise InputError(
                Problem(
                    f"no row in the {name} features",
                    "every case of the cohort",
                    "extract its features, or take the case out",
                    patient=str(lost[0]),
                )
            )
    fold = training["fold"]
    expected = list(range(settings.folds.n))
    if fold.isna().any() or sorted(fold.unique().tolist()) != expected:
        found = sorted({str(value) for value in fold.tolist()})
        raise InputError(
            Problem(
                f"folds {', '.join(found)} of training cases",
                f"0 to {settings.folds.n - 1}, every one of them",
                "run the stage split with the same number of folds",
            )
        )
    torn = training.groupby("patient_id")["fold"].nunique()
    if (torn > 1).any():
        raise InputError(
            Problem(
                "cases in several folds",
                "all cases of a patient in one fold",
                "run the stage split again",
                patient=str(torn.index[torn > 1][0]),
            )
        )
    both = set(training["patient_id"]) & set(testing["patient_id"])
    if both:
        raise InputError(
            Problem(
                "cases in training and in testing",
                "all cases of a patient on one side",
                "correct the partition",
                patient=str(min(both)),
            )
        )
    for k, rows in training.groupby("fold"):
        if rows["outcome"].nunique() < 2:
            raise InputError(
                Problem(
                    f"{len(rows)} cases of one class in fold {k}",
                    "events and non-events in every fold",
                    "lower the number of folds",
                )
            )
    return Inputs(
        training=training,
        testing=testing,
        matrices={name: _in_one_layout(frame, ordered.index) for name, frame in checked.items()},
        outcome=training["outcome"].to_numpy(dtype=np.int64),
        patients=training["patient_id"].to_numpy(dtype=object).astype(str),
        fold=fold.to_numpy(dtype=np.int64),
        folds=expected,
        networks=(networks or DeepNetworks()).checked(training.index, checked.get("deep"), expected),
    )


def _in_one_layout(frame: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Return the rows in order of the cases, laid out in memory alike: sums over another layout differ in their last bits."""
    return pd.DataFrame(np.ascontiguousarray(frame.loc[index].to_numpy()), index=index, columns=frame.columns)
