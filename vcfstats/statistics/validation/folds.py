"""Folds of cross-validation, in which a patient's copies or lesions stay together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import BoolArray, as_count, as_labels

IntArray = npt.NDArray[np.int64]


def random_folds(
    n: int,
    n_folds: int,
    rng: np.random.Generator,
    *,
    groups: npt.ArrayLike | None = None,
    strata: BoolArray | None = None,
) -> IntArray:
    """Return the fold (0 .. n_folds - 1) of each of n rows, at random and of even size.

    Rows of one group share a fold. With `strata` (an outcome) events and non-events are dealt separately; a group then
    counts as an event if any of its rows is one.

    Raises
    ------
    ValueError
        Fewer units (rows or groups) than folds, or fewer than two folds.
    """
    unit = np.arange(n) if groups is None else as_labels(groups, n, name="groups")
    count = int(unit.max()) + 1
    n_folds = as_count(n_folds, "n_folds", least=0)
    if n_folds < 2 or n_folds > count:
        raise ValueError(
            f"n_folds must lie between 2 and the {count} {'rows' if groups is None else 'groups'}; got {n_folds}."
        )
    stratum = np.zeros(count, dtype=bool)
    if strata is not None:
        np.logical_or.at(stratum, unit, strata)
    fold_of_unit = np.empty(count, dtype=np.int64)
    dealt = 0
    for value in (True, False):
        members = rng.permutation(np.flatnonzero(stratum == value))
        fold_of_unit[members] = (dealt + np.arange(members.size)) % n_folds
        dealt += members.size
    return np.asarray(fold_of_unit[unit])


def given_folds(folds: npt.ArrayLike, n: int) -> IntArray:
    """Return folds that the caller names by any labels, as 0 .. k - 1 in the order of the labels.

    Raises
    ------
    ValueError
        Another shape, or one fold only.
    """
    codes = as_labels(folds, n, name="folds")
    if not codes.any():
        raise ValueError("folds must name at least two folds; found one.")
    return codes
