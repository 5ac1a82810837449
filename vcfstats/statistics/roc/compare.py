"""Several models at once: the joint test of their AUCs, contrasts, and all pairs with adjusted p values."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.stats import DegenerateDataWarning

from vcfstats.statistics.inputs import (
    FloatArray,
    as_list,
    as_numbers,
    as_outcome,
    as_score_matrix,
    check_alignment,
    check_level,
)
from vcfstats.statistics.multiplicity import adjust_pvalues, adjustment
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.roc.delong import (
    Placements,
    component_covariance,
    contrast_of_two,
    orient,
    placements,
    tail_pvalue,
)

if TYPE_CHECKING:
    import pandas as pd

# Relative to the largest eigenvalue. Covariances of integer placements carry errors of about k times 1e-16.
RANK_TOLERANCE = 1e-13
# Part of a contrast that the null space of its covariance may hold through rounding alone.
CONSISTENCY_TOLERANCE = 1e-8


@dataclass(frozen=True, repr=False, eq=False)
class AucComparison(Result):
    """Comparison of the AUCs of k models read on the same patients.

    Attributes
    ----------
    models : tuple of str
        Names of the k models.
    aucs : ndarray of shape (k,)
        Their AUCs.
    covariance : ndarray of shape (k, k)
        DeLong's covariance of the AUCs.
    statistic : float
        Of the joint test that all AUCs are equal (or that the given contrasts are 0).
    df : int
        Its degrees of freedom: the rank of the covariance of the contrasts.
    pvalue : float
        Its p value.
    pairs : tuple of (str, str)
        All pairs (a, b), in the order of the models.
    difference, se : ndarray of shape (k (k - 1) / 2,)
        AUC of a less AUC of b, and its standard error.
    pair_statistic, pair_pvalue : ndarray
        DeLong's z and its two-sided p value of each pair.
    pair_pvalue_adjusted : ndarray
        The same, adjusted for all pairs.
    adjust : str
        Method of the adjustment.
    """

    models: tuple[str, ...]
    aucs: FloatArray
    covariance: FloatArray
    statistic: float
    df: int
    pvalue: float
    pairs: tuple[tuple[str, str], ...]
    difference: FloatArray
    se: FloatArray
    pair_statistic: FloatArray
    pair_pvalue: FloatArray
    pair_pvalue_adjusted: FloatArray
    adjust: str

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the Wald limits of every pair's difference, as arrays; each holds its level by itself."""
        z = float(special.ndtri(0.5 + check_level(confidence_level) / 2))
        return ConfidenceInterval(self.difference - z * self.se, self.difference + z * self.se)  # type: ignore[arg-type]

    def to_frame(self, confidence_level: float = 0.95) -> pd.DataFrame:
        """Return one row a pair: the difference with its interval first, p after."""
        import pandas as pd  # loaded on use: importing a statistic must not cost pandas

        low, high = self.confidence_interval(confidence_level)
        auc = dict(zip(self.models, self.aucs.tolist(), strict=True))
        return pd.DataFrame(
            {
                "model_a": [a for a, _ in self.pairs],
                "model_b": [b for _, b in self.pairs],
                "auc_a": [auc[a] for a, _ in self.pairs],
                "auc_b": [auc[b] for _, b in self.pairs],
                "difference": self.difference,
                "ci_low": low,
                "ci_high": high,
                "se": self.se,
                "statistic": self.pair_statistic,
                "pvalue": self.pair_pvalue,
                "pvalue_adjusted": self.pair_pvalue_adjusted,
            }
        )


def compare_aucs(
    y_true: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    adjust: str = "holm",
    contrasts: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
    event: Any = None,
    direction: str = "higher",
) -> AucComparison:
    r"""Test jointly whether k models discriminate alike, and compare all pairs with adjusted p values.

    With the contrasts L (by default each model against the next, which is the hypothesis that all AUCs are equal) the
    statistic is :math:`(L\hat\theta)^T(L\hat\Sigma L^T)^-(L\hat\theta)`, referred to chi-square with rank
    :math:`L\hat\Sigma L^T` degrees of freedom. The covariance is DeLong's, of the contrasts of the placements themselves.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome.
    scores : array-like or DataFrame of shape (n, k), k >= 2
        Scores of k models, patients in rows.
    adjust : str
        "holm", "hochberg", "hommel", "bonferroni", "bh", "by" or "none", over all pairs; see `adjust_pvalues`.
    contrasts : array-like of shape (q, k), optional
        Rows that each sum to 0, for the joint test.
    names : sequence of str, optional
        Names of the models; columns of a DataFrame otherwise, or model1, model2, ...
    event, direction
        As in `roc_auc`.

    Returns
    -------
    AucComparison
        `.statistic`, `.df`, `.pvalue` of the joint test; the pairs in `.to_frame()`.

    Raises
    ------
    ValueError
        Bad shapes, missing values, an outcome of one class, contrasts that do not sum to 0, or AUCs that differ while the
        estimated variance of their difference is 0 (as between two perfect models of opposite direction): the joint
        statistic would be infinite, and the data say nothing of its error.

    Notes
    -----
    A singular covariance (models that rank alike) lowers the degrees of freedom to its rank; with nothing left, all
    contrasts being 0 with variance 0, statistic 0, df 0 and p 1. More contrasts than the patients can tell apart (over
    m + n - 2) leave a contrast that has variance 0 and is not 0: an error. With one event or one non-event the
    covariance, and all that follows, is NaN.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), doi 10.2307/2531595, section 4. Adjustment: Holm (1979), and see
    `adjust_pvalues`.

    Examples
    --------
    >>> from vcfstats import compare_aucs
    >>> y = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> scores = [[9, 7, 3], [8, 2, 9], [4, 9, 8], [7, 5, 6], [1, 8, 5], [2, 1, 7], [3, 0, 2], [5, 3, 1], [6, 4, 4], [0, 6, 0]]
    >>> result = compare_aucs(y, scores, adjust="holm", names=["A", "B", "C"])
    >>> result.df, round(result.pvalue, 3)
    (2, 0.699)
    >>> result.to_frame()[["model_a", "model_b", "pvalue_adjusted"]].round(2).values.tolist()
    [['A', 'B', 1.0], ['A', 'C', 1.0], ['B', 'C', 1.0]]
    """
    check_alignment(y_true=y_true, scores=scores)
    outcome = as_outcome(y_true, event=event)
    columns = getattr(scores, "columns", None)
    adjustment(adjust, name="adjust")
    values = orient(as_score_matrix(scores, outcome.size, name="scores"), direction)
    k = values.shape[1]
    if k < 2:
        raise ValueError("scores must have at least two columns, one a model; for one model use roc_auc.")
    models = _names(names if names is not None else columns, k)
    placed = placements(outcome, values)
    matrix = _contrasts(contrasts, k)
    statistic, df = _joint(placed, matrix, models)
    pairs = list(itertools.combinations(range(k), 2))
    moments = np.array([contrast_of_two(placed, a, b) for a, b in pairs])
    difference, se = moments[:, 0], np.sqrt(moments[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where((difference == 0) & (se == 0), 0.0, difference / se)
    pvalues = np.array([tail_pvalue(value, math.inf, "two-sided") for value in z.tolist()])
    return AucComparison(
        models=models,
        aucs=placed.aucs,
        covariance=component_covariance(placed.events, placed.nonevents),
        statistic=statistic,
        df=df,
        pvalue=float(special.chdtrc(df, statistic)) if df else (math.nan if math.isnan(statistic) else 1.0),
        pairs=tuple((models[a], models[b]) for a, b in pairs),
        difference=difference,
        se=se,
        pair_statistic=z,
        pair_pvalue=pvalues,
        pair_pvalue_adjusted=adjust_pvalues(pvalues, method=adjust),
        adjust=adjust,
    )


def _joint(placed: Placements, contrasts: FloatArray, models: tuple[str, ...]) -> tuple[float, int]:
    """Return the statistic and its degrees of freedom."""
    # Contrasting the exact placements, not their covariance, leaves a variance of exactly 0 where models rank alike.
    covariance = component_covariance(placed.events @ contrasts.T, placed.nonevents @ contrasts.T)
    if np.isnan(covariance).any():
        warnings.warn(
            "With one event or one non-event the covariance cannot be estimated: the comparison is NaN.",
            DegenerateDataWarning,
            stacklevel=3,
        )
        return math.nan, 0
    m, n = placed.events.shape[0], placed.nonevents.shape[0]
    effect = contrasts @ placed.events.sum(axis=0) / (2.0 * m * n)
    # Contrasts on one scale, so that the rank does not depend on how large their coefficients are.
    scale = np.where(np.diag(covariance) > 0, np.sqrt(np.diag(covariance)), 1.0)
    eigenvalues, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    coordinates = vectors.T @ (effect / scale)
    largest = max(float(eigenvalues[-1]), 0.0)
    kept = eigenvalues > RANK_TOLERANCE * eigenvalues.size * largest
    size = float(np.linalg.norm(effect / scale))
    if float(np.linalg.norm(coordinates[~kept])) > CONSISTENCY_TOLERANCE * size:
        aucs = ", ".join(f"{name} {auc:.4g}" for name, auc in zip(models, placed.aucs.tolist(), strict=True))
        raise ValueError(
            f"A contrast of the AUCs ({aucs}) is not 0 although its estimated variance is 0, so the joint statistic does not"
            " exist. Leave out models that separate the classes perfectly, or compare the pairs with delong_test."
        )
    return float((coordinates[kept] ** 2 / eigenvalues[kept]).sum()), int(kept.sum())


def _contrasts(given: npt.ArrayLike | None, k: int) -> FloatArray:
    if given is None:
        return np.eye(k - 1, k) - np.eye(k - 1, k, 1)
    matrix = np.atleast_2d(as_numbers(given, "contrasts", booleans=False))
    if matrix.ndim != 2 or matrix.shape[1] != k or not matrix.size or not np.isfinite(matrix).all():
        raise ValueError(f"contrasts must have shape (q, {k}), one column a model; got shape {matrix.shape}.")
    off = np.abs(matrix.sum(axis=1)) > 1e-12 * np.abs(matrix).sum(axis=1)
    if off.any() or not np.abs(matrix).sum(axis=1).all():
        raise ValueError("Each row of contrasts must sum to 0 and hold at least two non-zero coefficients.")
    return matrix


def _names(names: Any, k: int) -> tuple[str, ...]:
    if names is None:
        return tuple(f"model{i + 1}" for i in range(k))
    found = tuple(str(name) for name in (as_list(names, "names", what="the names of the models")))
    if len(found) != k or len(set(found)) != k:
        raise ValueError(f"names must be {k} different names, one a model; got {list(found)}.")
    return found
