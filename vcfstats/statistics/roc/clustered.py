"""AUCs where patients contribute several readings, such as several lesions: Obuchowski's variance."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.stats import DegenerateDataWarning

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_labels,
    as_outcome,
    as_score_matrix,
    as_scores,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.roc.delong import AucDifference, component_covariance, difference_result, orient, placements

METHODS = ("wald", "logit")


@dataclass(frozen=True, repr=False, eq=False)
class ClusteredAuc(Result):
    """Area under an empirical ROC curve of clustered data.

    Attributes
    ----------
    auc : float
        Over all readings, each counting once.
    variance : float
        Obuchowski's estimate, which allows any correlation within a cluster.
    n_events, n_nonevents : int
        Readings of each class.
    n_clusters : int
        Clusters, such as patients.
    design_effect : float
        `variance` over DeLong's variance of the same readings taken as independent; NaN where that is 0.
    """

    auc: float
    variance: float
    n_events: int
    n_nonevents: int
    n_clusters: int
    design_effect: float

    @property
    def se(self) -> float:
        """Standard error, the root of `variance`."""
        return math.sqrt(self.variance) if self.variance >= 0 else math.nan

    def confidence_interval(self, confidence_level: float = 0.95, method: str = "wald") -> ConfidenceInterval:
        """Return the Wald interval on the AUC scale, clipped to [0, 1], or on the logit scale.

        With an AUC of 0 or 1 "wald" gives a point and "logit" NaN, each with a `DegenerateDataWarning`.

        Coverage at 95% with three lesions a patient (``benchmarks/results/coverage_roc.md``): "wald" 0.84 to 0.91 with 15
        patients and 0.93 to 0.95 with 100, "logit" 0.93 to 0.94 and 0.95: prefer "logit".

        Raises
        ------
        ValueError
            An unknown method or a level outside (0, 1).
        """
        z = float(special.ndtri(0.5 + check_level(confidence_level) / 2))
        check_choice(method, METHODS, name="method")
        if self.variance == 0:
            warnings.warn(
                f"AUC {self.auc:g} has an estimated variance of 0: its interval says nothing.",
                DegenerateDataWarning,
                stacklevel=2,
            )
        if math.isnan(self.se) or (method == "logit" and self.auc in (0.0, 1.0)):
            return ConfidenceInterval(math.nan, math.nan)
        if method == "wald":
            return ConfidenceInterval(max(0.0, self.auc - z * self.se), min(1.0, self.auc + z * self.se))
        half, centre = z * self.se / (self.auc * (1 - self.auc)), float(special.logit(self.auc))
        return ConfidenceInterval(float(special.expit(centre - half)), float(special.expit(centre + half)))


def clustered_auc(
    y_true: npt.ArrayLike,
    y_score: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike,
    event: Any = None,
    direction: str = "higher",
) -> ClusteredAuc:
    r"""Return the AUC of clustered readings with Obuchowski's variance.

    With I clusters, of which I10 hold events and I01 non-events, M events and N non-events in all, and for cluster i the
    sums of the structural components of its m_i events and n_i non-events less their expectation,
    :math:`e_i=\sum_k\{V_{10}(x_{ik})-\hat\theta\}`, :math:`f_i=\sum_k\{V_{01}(y_{ik})-\hat\theta\}`,

    .. math:: \widehat{\operatorname{var}} = \frac{I_{10}}{I_{10}-1}\frac{\sum e_i^2}{M^2}
              + \frac{I_{01}}{I_{01}-1}\frac{\sum f_i^2}{N^2} + \frac{2I}{I-1}\frac{\sum e_if_i}{MN}.

    With clusters of one reading it is DeLong's variance.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome of each reading.
    y_score : array-like of shape (n,)
        Score of each reading.
    clusters : array-like of shape (n,)
        Patient of each reading; patients may hold events, non-events or both.
    event, direction
        As in `roc_auc`.

    Returns
    -------
    ClusteredAuc
        The variance is NaN with fewer than two clusters of either class, and can come out negative in tiny samples
        (`.se` is then NaN).

    Raises
    ------
    ValueError
        Bad shapes, missing values, an outcome of one class.

    References
    ----------
    Obuchowski (1997), doi 10.2307/2533958.

    Examples
    --------
    >>> from vcfstats import clustered_auc
    >>> patients = ["a", "a", "a", "b", "b", "c", "d", "d", "e"]
    >>> result = clustered_auc([1, 1, 0, 1, 0, 1, 0, 0, 0], [9, 7, 4, 5, 6, 8, 1, 2, 3], clusters=patients)
    >>> result.auc, round(result.se, 4), result.n_clusters
    (0.95, 0.1029, 5)
    """
    check_alignment(y_true=y_true, y_score=y_score, clusters=clusters)
    outcome = as_outcome(y_true, event=event)
    values = orient(as_scores(y_score, outcome.size), direction)[:, None]
    labels = as_labels(clusters, outcome.size, name="clusters")
    placed = placements(outcome, values)
    variance = float(_obuchowski(outcome, labels, placed.events, placed.nonevents)[0, 0])
    independent = float(component_covariance(placed.events, placed.nonevents)[0, 0])
    return ClusteredAuc(
        auc=float(placed.aucs[0]),
        variance=variance,
        n_events=placed.events.shape[0],
        n_nonevents=placed.nonevents.shape[0],
        n_clusters=int(labels.max()) + 1,
        design_effect=variance / independent if independent > 0 else math.nan,
    )


def clustered_auc_covariance(
    y_true: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike,
    event: Any = None,
    direction: str = "higher",
) -> FloatArray:
    """Return Obuchowski's covariance matrix of the AUCs of k scores on clustered readings, shape (k, k).

    The formula is that of `clustered_auc` with products of two scores' sums in place of squares.

    Parameters
    ----------
    y_true, clusters, event, direction
        As in `clustered_auc`.
    scores : array-like of shape (n,) or (n, k)
        Scores of k models, readings in rows.

    Raises
    ------
    ValueError
        As `clustered_auc`.

    References
    ----------
    Obuchowski (1997), doi 10.2307/2533958.

    Examples
    --------
    >>> from vcfstats import clustered_auc_covariance
    >>> scores = [[9, 4], [7, 9], [4, 1], [5, 8], [6, 7], [8, 2], [1, 3], [2, 6], [3, 5]]
    >>> covariance = clustered_auc_covariance([1, 1, 0, 1, 0, 1, 0, 0, 0], scores, clusters=[1, 1, 1, 2, 2, 3, 4, 4, 5])
    >>> covariance.round(4).tolist()
    [[0.0106, -0.0047], [-0.0047, 0.0383]]
    """
    check_alignment(y_true=y_true, scores=scores, clusters=clusters)
    outcome = as_outcome(y_true, event=event)
    values = orient(as_score_matrix(scores, outcome.size, name="scores"), direction)
    placed = placements(outcome, values)
    return _obuchowski(outcome, as_labels(clusters, outcome.size, name="clusters"), placed.events, placed.nonevents)


def clustered_auc_test(
    y_true: npt.ArrayLike,
    score_a: npt.ArrayLike,
    score_b: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike,
    event: Any = None,
    direction: str = "higher",
    alternative: str = "two-sided",
) -> AucDifference:
    """Compare the AUCs of two scores on the same clustered readings; normal reference, Obuchowski's variance.

    Parameters
    ----------
    y_true, clusters, event, direction
        As in `clustered_auc`.
    score_a, score_b : array-like of shape (n,)
        The two scores.
    alternative : {"two-sided", "less", "greater"}
        As in `delong_test`.

    Returns
    -------
    AucDifference
        As `delong_test`, to which it comes down with clusters of one reading.

    Raises
    ------
    ValueError
        As `clustered_auc`.

    References
    ----------
    Obuchowski (1997), doi 10.2307/2533958.

    Examples
    --------
    >>> from vcfstats import clustered_auc_test
    >>> y, patients = [1, 1, 0, 1, 0, 1, 0, 0, 0], [1, 1, 1, 2, 2, 3, 4, 4, 5]
    >>> test = clustered_auc_test(y, [9, 7, 4, 5, 6, 8, 1, 2, 3], [4, 9, 1, 8, 7, 2, 3, 6, 5], clusters=patients)
    >>> round(test.difference, 3), round(test.pvalue, 3)
    (0.3, 0.214)
    """
    check_alignment(y_true=y_true, score_a=score_a, score_b=score_b, clusters=clusters)
    outcome = as_outcome(y_true, event=event)
    a = as_scores(score_a, outcome.size, name="score_a")
    b = as_scores(score_b, outcome.size, name="score_b")
    placed = placements(outcome, orient(np.column_stack([a, b]), direction))
    contrast = np.array([[1], [-1]])
    events, nonevents = placed.events @ contrast, placed.nonevents @ contrast
    variance = float(_obuchowski(outcome, as_labels(clusters, outcome.size, name="clusters"), events, nonevents)[0, 0])
    difference = int(events.sum()) / (2 * events.shape[0] * nonevents.shape[0])
    auc_a, auc_b = placed.aucs.tolist()
    return difference_result(auc_a, auc_b, difference, variance, math.inf, alternative)


def _obuchowski(
    outcome: BoolArray, clusters: npt.NDArray[np.int64], events: npt.NDArray[Any], nonevents: npt.NDArray[Any]
) -> FloatArray:
    m, n, k = events.shape[0], nonevents.shape[0], events.shape[1]
    total = int(clusters.max()) + 1
    with_events = np.unique(clusters[outcome]).size
    with_nonevents = np.unique(clusters[~outcome]).size
    if with_events < 2 or with_nonevents < 2:
        return np.full((k, k), np.nan)
    by_event, by_nonevent = np.zeros((total, k)), np.zeros((total, k))
    np.add.at(by_event, clusters[outcome], (events - events.sum(axis=0) / m) / (2.0 * n))
    np.add.at(by_nonevent, clusters[~outcome], (nonevents - nonevents.sum(axis=0) / n) / (2.0 * m))
    mixed = by_event.T @ by_nonevent
    covariance: FloatArray = (
        with_events / (with_events - 1) * (by_event.T @ by_event) / m**2
        + with_nonevents / (with_nonevents - 1) * (by_nonevent.T @ by_nonevent) / n**2
        + total / (total - 1) * (mixed + mixed.T) / (m * n)
    )
    return covariance
