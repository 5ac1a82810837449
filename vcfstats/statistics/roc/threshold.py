"""Thresholds that are best by a stated criterion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.bootstrap import Bootstrap, bootstrap_ci
from vcfstats.statistics.bootstrap.plan import strata_of
from vcfstats.statistics.inputs import (
    LARGEST,
    BoolArray,
    FloatArray,
    RandomState,
    as_number,
    as_outcome,
    as_positive,
    as_scores,
    as_share,
    check_alignment,
    check_choice,
    check_order,
    refuse_unused,
    row_labels,
)
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.roc.curve import RocCurve, empirical_curve

if TYPE_CHECKING:
    import pandas as pd

CRITERIA = ("youden", "closest", "cost", "sensitivity", "specificity")
MEASURES = ("threshold", "sensitivity", "specificity")
# Criterion values that are equal as fractions may differ in their last bits; they are of order 1.
TIE = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True, repr=False, eq=False)
class OptimalThreshold(Result):
    """The threshold or thresholds that are best by a criterion; every tie is kept.

    Attributes
    ----------
    thresholds, sensitivity, specificity : ndarray of shape (t,)
        The t tied optima, in ascending order of threshold. Positive is ``score >= threshold``.
    threshold : float
        The middle one of them (the lower of two middle ones).
    value : float
        The criterion at the optimum: sensitivity + specificity - 1 ("youden"), squared distance to (1, 1) ("closest"),
        sensitivity + r specificity ("cost"), or the other measure ("sensitivity", "specificity").
    criterion : str
        The criterion.
    direction : str
        "higher" or "lower".
    """

    thresholds: FloatArray
    sensitivity: FloatArray
    specificity: FloatArray
    threshold: float
    value: float
    criterion: str
    direction: str
    _outcome: BoolArray
    _score: FloatArray
    _settings: tuple[float | None, float, float | None]
    _rows: Any = None

    def to_frame(self) -> pd.DataFrame:
        """Return one row a tied optimum."""
        import pandas as pd  # loaded on use: importing a statistic must not cost pandas

        return pd.DataFrame(
            {"threshold": self.thresholds, "sensitivity": self.sensitivity, "specificity": self.specificity}
        ).assign(value=self.value, criterion=self.criterion)

    def bootstrap(
        self,
        *,
        n_resamples: int = 2000,
        stratified: bool | None = None,
        clusters: npt.ArrayLike | None = None,
        random_state: RandomState = None,
    ) -> Bootstrap:
        """Return the bootstrap of (threshold, sensitivity, specificity), the optimum being sought anew in each resample."""

        check_order("clusters", row_labels(clusters), "y_true", self._rows)

        def statistic(outcome: BoolArray, score: FloatArray) -> FloatArray:
            if outcome.all() or not outcome.any():
                raise ValueError("the resample holds one class only")
            curve = empirical_curve(outcome, score, self.direction)
            rows, _ = _best(curve, self.criterion, *self._settings)
            row = _middle(rows)
            return np.array([curve.thresholds[row], curve.sensitivity[row], curve.specificity[row]])

        return bootstrap_ci(
            (self._outcome, self._score),
            statistic,
            n_resamples=n_resamples,
            strata=strata_of(self._outcome, stratified, clusters),
            clusters=clusters,
            random_state=random_state,
        )

    def confidence_interval(
        self,
        confidence_level: float = 0.95,
        method: str = "percentile",
        *,
        measure: str = "threshold",
        n_resamples: int = 2000,
        stratified: bool | None = None,
        random_state: RandomState = None,
    ) -> ConfidenceInterval:
        """Return a bootstrap interval of the optimal threshold, or of the sensitivity or specificity at it.

        Of tied optima in a resample the middle one is taken. Resamples whose optimum is at an infinite threshold (call all
        positive, or none) count as failed.

        Parameters
        ----------
        confidence_level : float
            Such as 0.95.
        method : {"percentile", "basic", "bca", "normal"}
            As in `bootstrap_ci`.
        measure : {"threshold", "sensitivity", "specificity"}
            Of what. Sensitivity and specificity at a threshold chosen on the same data are optimistic, and this interval,
            though it repeats the choice, does not take the optimism away.
        n_resamples, stratified, random_state
            As in `bootstrap_aucs`.

        Notes
        -----
        Nominal 95% percentile intervals cover 95 to 96% (threshold), 93 to 96% (sensitivity) and 95 to 97% (specificity)
        with 26 events or more, but 72 to 86%, 38 to 69% and 80 to 92% with 4 or 8: the optimism shows
        (benchmarks/results/coverage_roc_curve_bootstrap.md).

        Raises
        ------
        ValueError
            An unknown method or measure, or an optimum at an infinite threshold.
        """
        column = MEASURES.index(check_choice(measure, MEASURES, name="measure"))
        if math.isinf(self.threshold):
            raise ValueError("The optimum is to call everyone alike (an infinite threshold), which has no interval.")
        replicates = self.bootstrap(n_resamples=n_resamples, stratified=stratified, random_state=random_state)
        return replicates.contrast(np.eye(3)[column]).confidence_interval(confidence_level, method)


def optimal_threshold(
    y_true: npt.ArrayLike,
    y_score: npt.ArrayLike,
    *,
    criterion: str = "youden",
    target: float | None = None,
    cost: float | None = None,
    prevalence: float | None = None,
    event: Any = None,
    direction: str = "higher",
) -> OptimalThreshold:
    r"""Return the thresholds of the empirical ROC curve that are best by a criterion, all ties included.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome.
    y_score : array-like of shape (n,)
        Score.
    criterion : {"youden", "closest", "cost", "sensitivity", "specificity"}
        "youden": largest se + sp - 1. "closest": smallest :math:`(1-se)^2+(1-sp)^2`. "cost": largest se + r sp with
        :math:`r=(1-\pi)/(c\pi)`. "sensitivity": largest sp among thresholds with se >= `target` (then the largest se);
        "specificity": largest se among those with sp >= `target` (then the largest sp).
    target : float, optional
        For "sensitivity" and "specificity", in [0, 1]; without default.
    cost : float, optional
        For "cost": c, the cost of a false negative relative to a false positive; 1 where not given.
    prevalence : float, optional
        For "cost": :math:`\pi`, by default that of the data.
    event, direction
        As in `roc_auc`.

    Returns
    -------
    OptimalThreshold
        `.thresholds` are midpoints between neighbouring scores, -inf and inf calling everyone positive or negative.

    Raises
    ------
    ValueError
        A missing `target`, an argument that the criterion does not use, a cost that is not positive, a prevalence outside
        (0, 1), and as in `roc_auc`.

    References
    ----------
    Youden (1950), doi 10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3; Perkins & Schisterman (2006),
    doi 10.1093/aje/kwj063, on why "closest" is not "youden"; cost: Metz (1978), doi 10.1016/S0001-2998(78)80014-2.

    Examples
    --------
    >>> from vcfstats import optimal_threshold
    >>> result = optimal_threshold([1, 1, 1, 1, 0, 0, 0, 0, 0], [9, 8, 4, 6, 1, 2, 3, 5, 7])
    >>> result.thresholds.tolist(), round(result.value, 2)
    ([3.5], 0.6)
    """
    check_alignment(y_true=y_true, y_score=y_score)
    outcome = as_outcome(y_true, event=event)
    score = as_scores(y_score, outcome.size)
    check_choice(criterion, CRITERIA, name="criterion")
    fixed = criterion in ("sensitivity", "specificity")
    if fixed != (target is not None):
        raise ValueError(
            f"criterion={criterion!r} needs target=, the {criterion} to reach, such as 0.9."
            if fixed
            else f"target is for the criteria 'sensitivity' and 'specificity'; {criterion!r} does not use it."
        )
    if target is not None and not 0 <= as_number(target, "target") <= 1:
        raise ValueError(f"target must lie in [0, 1]; got {target!r}.")
    if criterion != "cost":
        refuse_unused(f"with criterion={criterion!r}, only with 'cost'", cost=cost, prevalence=prevalence)
    curve = empirical_curve(outcome, score, direction)
    settings = (
        None if target is None else float(target),
        1.0 if cost is None else as_positive(cost, "cost"),
        None if prevalence is None else as_share(prevalence, "prevalence"),
    )
    if criterion == "cost" and not 1 / LARGEST < _weight(curve, settings[1], settings[2]) < LARGEST:
        raise ValueError(
            f"cost and prevalence leave one kind of error no weight at all (cost {settings[1]:g}, prevalence"
            f" {settings[2] if settings[2] is not None else 'of the data'}); choose others."
        )
    rows, value = _best(curve, criterion, *settings)
    return OptimalThreshold(
        thresholds=curve.thresholds[rows],
        sensitivity=curve.sensitivity[rows],
        specificity=curve.specificity[rows],
        threshold=float(curve.thresholds[_middle(rows)]),
        value=value,
        criterion=criterion,
        direction=direction,
        _outcome=outcome,
        _score=score,
        _settings=settings,
        _rows=row_labels(y_true, y_score),
    )


def _best(
    curve: RocCurve, criterion: str, target: float | None, cost: float, prevalence: float | None
) -> tuple[npt.NDArray[np.intp], float]:
    """Return the rows of the tied optima, thresholds ascending, and the criterion's value there."""
    rows, value = _tied(curve, criterion, target, cost, prevalence)
    return (rows[::-1] if curve.direction == "lower" else rows), value


def _middle(rows: npt.NDArray[np.intp]) -> np.intp:
    middle: np.intp = rows[(rows.size - 1) // 2]
    return middle


def _tied(
    curve: RocCurve, criterion: str, target: float | None, cost: float, prevalence: float | None
) -> tuple[npt.NDArray[np.intp], float]:
    sensitivity, specificity = curve.sensitivity, curve.specificity
    if target is not None:
        held, free = (sensitivity, specificity) if criterion == "sensitivity" else (specificity, sensitivity)
        goodness = np.where(held >= target - TIE, free, -np.inf)
        rows = np.flatnonzero(goodness >= goodness.max() - TIE)
        rows = rows[held[rows] >= held[rows].max() - TIE]
        return rows, float(free[rows[0]])
    if criterion == "closest":
        distance = (1 - sensitivity) ** 2 + (1 - specificity) ** 2
        rows = np.flatnonzero(distance <= distance.min() + TIE)
        return rows, float(distance[rows[0]])
    weight = 1.0
    if criterion == "cost":
        weight = _weight(curve, cost, prevalence)
    goodness = sensitivity + weight * specificity
    rows = np.flatnonzero(goodness >= goodness.max() - TIE * (1 + weight))
    value = float(goodness[rows[0]])
    return rows, value - 1 if criterion == "youden" else value


def _weight(curve: RocCurve, cost: float, prevalence: float | None) -> float:
    """Return the weight of specificity against sensitivity."""
    share = curve.n_events / (curve.n_events + curve.n_nonevents) if prevalence is None else prevalence
    divisor = cost * share
    return (1 - share) / divisor if divisor > 0 else math.inf
