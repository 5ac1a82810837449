"""How much features differ between scanners, as they are and harmonised, on training cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc, fdtrc
from scipy.stats import rankdata

from vcfstats.learning.harmonisation.columns import SCANNER
from vcfstats.learning.harmonisation.frames import harmonise, matrix_of
from vcfstats.learning.settings import HarmonisationSettings
from vcfstats.learning.varying import varying
from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.multiplicity import adjust_pvalues

LEVEL = 0.05  # of the false discovery rate at which a feature counts as different
STATES = ("before", "apparent", "out_of_fold")


@dataclass(frozen=True)
class ScannerEffect:
    """Differences between scanners.

    Attributes
    ----------
    counts : dict of str to int
        Training cases of each scanner.
    table : DataFrame
        One row a matrix and a state: ``before``; ``apparent``, harmonised by what the same cases taught; ``out_of_fold``,
        each fold harmonised by what the other folds taught. Columns ``matrix, state, n_features, location, spread,
        median_share, upper_share``: features whose location (Kruskal-Wallis) and whose spread (Brown-Forsythe) differ at a
        false discovery rate of 0.05 (Benjamini-Hochberg), and median and 90th percentile over features of the share of the
        variance of ranks that lies between scanners.
    features : DataFrame
        ``matrix, state, feature, share``: that share, a row a feature and state.
    """

    counts: dict[str, int]
    table: pd.DataFrame
    features: pd.DataFrame


def scanner_effect(
    features: pd.DataFrame, context: pd.DataFrame, fold: np.ndarray, settings: HarmonisationSettings
) -> ScannerEffect:
    """Measure differences between scanners before and after ComBat. A difference may be the scanners' or their patients'.

    Parameters
    ----------
    features : DataFrame of shape (n, p)
        Training cases; features of the settings' matrices are looked at.
    context : DataFrame of shape (n, 1 + q)
        From `context_columns`.
    fold : ndarray of shape (n,)
        Fold of each case.
    settings : HarmonisationSettings
        Options of ComBat; its method is not asked.

    Raises
    ------
    ValueError
        What `ComBat` refuses, on all cases or without a fold.
    """
    frame = features[[name for name in features if matrix_of(str(name)) in settings.matrices]]
    held = frame.copy()
    for k in np.unique(fold):
        outside = fold == k
        _, correction = harmonise(frame[~outside], context[~outside], settings)
        held.loc[outside] = correction.apply(frame[outside].to_numpy(), context[outside])
    states = dict(zip(STATES, (frame, harmonise(frame, context, settings)[0], held), strict=True))
    scanner = context[SCANNER].to_numpy(dtype=object).astype(str)
    kinds = np.array([matrix_of(str(name)) for name in frame.columns], dtype=object)
    rows, single = [], []
    for kind in dict.fromkeys(kinds.tolist()):
        names = frame.columns[kinds == kind]
        for state, values in states.items():
            found = between(values[names].to_numpy(dtype=np.float64), scanner)
            rows.append(
                {
                    "matrix": kind,
                    "state": state,
                    "n_features": len(names),
                    "location": _different(found.location),
                    "spread": _different(found.spread),
                    "median_share": float(np.median(found.share)),
                    "upper_share": float(np.quantile(found.share, 0.9)),
                }
            )
            single.append(pd.DataFrame({"matrix": kind, "state": state, "feature": names, "share": found.share}))
    counts = pd.Series(scanner).value_counts().sort_index()
    return ScannerEffect(
        {str(name): int(n) for name, n in counts.items()}, pd.DataFrame(rows), pd.concat(single, ignore_index=True)
    )


@dataclass(frozen=True)
class Between:
    """Differences of each feature between groups, each of shape (p,).

    Attributes
    ----------
    share : ndarray
        Share of the variance of ranks between groups; 0 of a feature that does not vary.
    location, spread : ndarray
        p values of Kruskal and Wallis and of Brown and Forsythe; 1 of a feature that does not vary, or whose distance to
        the median does not.
    """

    share: FloatArray
    location: FloatArray
    spread: FloatArray


def between(X: FloatArray, group: npt.NDArray[np.str_]) -> Between:
    """Compare the groups by each column of X, shape (n, p).

    The statistic of Kruskal and Wallis is (n - 1) times the share of the variance of ranks between groups, on k - 1 degrees
    of freedom; that of Brown and Forsythe is the F ratio of the absolute distances to the group's median.

    References
    ----------
    Kruskal, Wallis (1952), doi 10.1080/01621459.1952.10483441. Brown, Forsythe (1974), doi 10.1080/01621459.1974.10482955.
    """
    n, groups = len(X), [group == name for name in np.unique(group)]
    k = len(groups)
    share = _share(rankdata(X, axis=0), groups)
    distance = np.empty_like(X)
    for mine in groups:
        distance[mine] = np.abs(X[mine] - np.median(X[mine], axis=0))
    ratio = _share(distance, groups)
    with np.errstate(divide="ignore"):
        f = ratio / (1 - ratio) * (n - k) / (k - 1)
    moves = varying(X)
    return Between(
        np.where(moves, share, 0.0),
        np.where(moves, chdtrc(k - 1, (n - 1) * share), 1.0),
        np.where(moves, fdtrc(k - 1, n - k, f), 1.0),
    )


def _share(values: FloatArray, groups: list[npt.NDArray[np.bool_]]) -> FloatArray:
    """Return the share of the sum of squares of each column that lies between groups; 0 where it does not vary."""
    mean = values.mean(axis=0)
    total = ((values - mean) ** 2).sum(axis=0)
    among = np.sum([mine.sum() * (values[mine].mean(axis=0) - mean) ** 2 for mine in groups], axis=0)
    return np.asarray(np.divide(among, total, out=np.zeros_like(total), where=total > 0).clip(0, 1))


def _different(pvalues: FloatArray) -> int:
    return int((adjust_pvalues(pvalues, method="bh") < LEVEL).sum())
