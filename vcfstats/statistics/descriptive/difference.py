"""Standardised mean difference of groups: balance that does not depend on the sample size."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import (
    FloatArray,
    as_array,
    as_flag,
    as_named_labels,
    as_numbers,
    check_alignment,
    missing_of,
    refuse_huge,
    refuse_times,
)


def standardised_difference(values: npt.ArrayLike, groups: npt.ArrayLike, *, categorical: bool = False) -> float:
    """Absolute standardised difference between groups; for more than two, the mean over all pairs.

    Numeric: |m1 - m2| / sqrt((s1^2 + s2^2) / 2). Categorical: sqrt(d' S^-1 d), d the difference of the shares of all
    levels but the first, S the mean of the two multinomial covariance matrices (Yang and Dalton); for two levels
    |p1 - p2| / sqrt((p1 q1 + p2 q2) / 2).

    Parameters
    ----------
    values : array-like of shape (n,)
        Missing ones are left out.
    groups : array-like of shape (n,)
        At least two groups.
    categorical : bool
        Read the values as levels.

    Returns
    -------
    float
        NaN where neither group varies about one value. Infinite exactly where two groups share no level: tableone's generalised
        inverse gives a finite number there, which depends on which level comes first.

    Raises
    ------
    ValueError
        Lengths that differ, or fewer than two groups.

    References
    ----------
    Austin (2009), doi 10.1002/sim.3697. Yang and Dalton (2012), SAS Global Forum, paper 335.

    Examples
    --------
    >>> from vcfstats import standardised_difference
    >>> round(standardised_difference([1, 2, 3, 4, 2, 3, 4, 5], [0, 0, 0, 0, 1, 1, 1, 1]), 4)
    0.7746
    """
    check_alignment(values=values, groups=groups)
    array = as_array(values, "values")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"values must have shape (n,) with n >= 1; got shape {array.shape}.")
    labels, names = as_named_labels(groups, array.size, name="groups")
    if len(names) < 2:
        raise ValueError(f"groups must hold two groups or more; found {list(names)}.")
    if as_flag(categorical, "categorical"):
        refuse_times(array, "values")
        known = ~missing_of(array)
        levels = as_named_labels(array[known], int(known.sum()), name="values")[0]
        counts = np.zeros((len(names), int(levels.max(initial=0)) + 1), dtype=np.int64)
        np.add.at(counts, (labels[known], levels), 1)
        return difference_of_counts(counts)
    data = as_numbers(values, "values")
    if np.isinf(data).any():
        raise ValueError(f"values must be finite; {int(np.isinf(data).sum())} of them are infinite: recode them.")
    refuse_huge(data, "values")
    known = ~np.isnan(data)
    return difference_of_means([data[known & (labels == at)] for at in range(len(names))])


def difference_of_means(groups: list[FloatArray]) -> float:
    """Mean over pairs of |m1 - m2| / sqrt((s1^2 + s2^2) / 2)."""
    found = []
    for a, b in combinations(groups, 2):
        if min(len(a), len(b)) < 2:
            return float("nan")
        spread = np.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / 2)
        found.append(abs(np.mean(a) - np.mean(b)) / spread if spread > 0 else np.nan)
    return float(np.mean(found))


def difference_of_counts(counts: npt.NDArray[np.int64]) -> float:
    """Mean over pairs of the Mahalanobis distance of two multinomials; counts of shape (groups, levels)."""
    found = []
    for a, b in combinations(counts, 2):
        if a.sum() == 0 or b.sum() == 0:
            return float("nan")
        used = (a + b) > 0
        if not ((a > 0) & (b > 0)).any():
            found.append(np.inf)
            continue
        # One shared level makes the mean covariance regular, whichever level is left out: it need not be the shared one.
        p, q = (a[used] / a.sum())[1:], (b[used] / b.sum())[1:]
        if p.size == 0:
            found.append(np.nan)
            continue
        mean = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
        gap = p - q
        found.append(float(np.sqrt(gap @ np.linalg.solve(mean, gap))))
    return float(np.mean(found))
