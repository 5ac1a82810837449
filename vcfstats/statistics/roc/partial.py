"""The area under a part of the ROC curve."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import DegenerateDataWarning

from vcfstats.statistics.bootstrap import Bootstrap, bootstrap_ci
from vcfstats.statistics.bootstrap.plan import strata_of
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    RandomState,
    as_flag,
    as_numbers,
    as_outcome,
    as_scores,
    check_alignment,
    check_choice,
    check_order,
    row_labels,
)
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.roc.curve import empirical_curve

_NARROWEST = 1e-12  # of the bounds of an area
FOCUSES = ("specificity", "sensitivity")


@dataclass(frozen=True, repr=False, eq=False)
class PartialAuc(Result):
    """Area under a part of an empirical ROC curve.

    Attributes
    ----------
    auc : float
        The area itself, between 0 and `bounds[1] - bounds[0]`.
    corrected : float
        McClish's standardised area: 0.5 on the diagonal, 1 at best; NaN below the diagonal, where it is not defined.
    bounds : tuple of float
        Range of the focus, low to high.
    focus : str
        "specificity" or "sensitivity".
    n_events, n_nonevents : int
        Size of the two classes.
    direction : str
        "higher" or "lower".
    """

    auc: float
    corrected: float
    bounds: tuple[float, float]
    focus: str
    n_events: int
    n_nonevents: int
    direction: str
    _outcome: BoolArray
    _score: FloatArray
    _rows: Any = None

    def bootstrap(
        self,
        *,
        corrected: bool = False,
        n_resamples: int = 2000,
        stratified: bool | None = None,
        clusters: npt.ArrayLike | None = None,
        random_state: RandomState = None,
    ) -> Bootstrap:
        """Return the bootstrap of the area (or of the corrected area); see `bootstrap_ci` for the arguments.

        Raises
        ------
        ValueError
            A corrected area that is not defined on the data.
        """
        check_order("clusters", row_labels(clusters), "y_true", self._rows)
        if as_flag(corrected, "corrected") and math.isnan(self.corrected):
            raise ValueError("The corrected partial AUC is not defined below the diagonal, so it has no interval.")

        def statistic(outcome: BoolArray, score: FloatArray) -> float:
            if outcome.all() or not outcome.any():
                raise ValueError("the resample holds one class only")
            area = area_between(outcome, score, self.bounds, self.focus, self.direction)
            return _mcclish(area, self.bounds) if corrected else area

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
        corrected: bool = False,
        n_resamples: int = 2000,
        stratified: bool | None = None,
        random_state: RandomState = None,
    ) -> ConfidenceInterval:
        """Return a bootstrap interval of the partial area; DeLong's variance does not hold for a part of the curve.

        Parameters
        ----------
        confidence_level : float
            Such as 0.95.
        method : {"percentile", "basic", "bca", "normal"}
            As in `bootstrap_ci`.
        corrected : bool
            The interval of the corrected area. Resamples below the diagonal, where it is not defined, count as failed.
        n_resamples, stratified, random_state
            As in `bootstrap_aucs`.

        Raises
        ------
        ValueError
            An unknown method, or a corrected area that is not defined.

        Notes
        -----
        Coverage at 95% over specificities 0.8 to 1 (``benchmarks/results/coverage_roc.md``): "bca" 0.91 with 4 events, 0.93
        to 0.97 with 8 or more; "percentile" 0.85 to 0.95; "basic" 0.74 to 0.94. Prefer "bca".
        """
        replicates = self.bootstrap(
            corrected=corrected, n_resamples=n_resamples, stratified=stratified, random_state=random_state
        )
        return replicates.confidence_interval(confidence_level, method)


def partial_auc(
    y_true: npt.ArrayLike,
    y_score: npt.ArrayLike,
    *,
    bounds: tuple[float, float] = (0.8, 1.0),
    focus: str = "specificity",
    event: Any = None,
    direction: str = "higher",
) -> PartialAuc:
    r"""Return the area under the part of the ROC curve where specificity (or sensitivity) lies within bounds.

    With focus "specificity" the area is :math:`\int_{low}^{high} se(sp)\,d sp` along the curve's straight segments, with
    "sensitivity" :math:`\int_{low}^{high} sp(se)\,d se`. McClish's correction is
    :math:`\{1+(A-A_{min})/(A_{max}-A_{min})\}/2`, :math:`A_{max}=high-low`, :math:`A_{min}=(high-low)(2-low-high)/2`.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome.
    y_score : array-like of shape (n,)
        Score.
    bounds : tuple of float
        Range of the focus, in either order, within [0, 1]. These are specificities, not false positive rates.
    focus : {"specificity", "sensitivity"}
        The axis that the bounds are on.
    event, direction
        As in `roc_auc`.

    Returns
    -------
    PartialAuc
        `.auc`, `.corrected`, and a bootstrap `.confidence_interval()`.

    Raises
    ------
    ValueError
        Bounds outside [0, 1] or equal, and as in `roc_auc`.

    References
    ----------
    McClish (1989), doi 10.1177/0272989X8900900307; Jiang, Metz & Nishikawa (1996), doi 10.1148/radiology.201.3.8939225.

    Examples
    --------
    >>> from vcfstats import partial_auc
    >>> result = partial_auc([1, 1, 1, 1, 0, 0, 0, 0, 0], [9, 8, 4, 6, 1, 2, 3, 5, 7], bounds=(0.8, 1))
    >>> round(result.auc, 4), round(result.corrected, 4)
    (0.1, 0.7222)
    """
    check_alignment(y_true=y_true, y_score=y_score)
    outcome = as_outcome(y_true, event=event)
    score = as_scores(y_score, outcome.size)
    check_choice(focus, FOCUSES, name="focus")
    limits = check_bounds(bounds)
    area = area_between(outcome, score, limits, focus, direction)
    corrected = _mcclish(area, limits)
    if math.isnan(corrected):
        warnings.warn(
            "The curve lies below the diagonal between these bounds, where McClish's correction is not defined (NaN).",
            DegenerateDataWarning,
            stacklevel=2,
        )
    n_events = int(outcome.sum())
    return PartialAuc(
        area,
        corrected,
        limits,
        focus,
        n_events,
        outcome.size - n_events,
        direction,
        _outcome=outcome,
        _score=score,
        _rows=row_labels(y_true, y_score),
    )


def area_between(
    outcome: BoolArray, score: FloatArray, bounds: tuple[float, float], focus: str, direction: str
) -> float:
    """Return the area of checked input."""
    curve = empirical_curve(outcome, score, direction)
    x, y = curve.specificity, curve.sensitivity
    if focus == "sensitivity":
        x, y = y[::-1], x[::-1]
    # Clip each straight segment of the curve to the bounds; vertical segments hold no area.
    start, width = x[:-1], np.diff(x)
    moving = width > 0
    start, width, left, slope = start[moving], width[moving], y[:-1][moving], np.diff(y)[moving] / width[moving]
    low, high = np.clip(start, *bounds), np.clip(start + width, *bounds)
    return float(((high - low) * (left + slope * ((low + high) / 2 - start))).sum())


def _mcclish(area: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    largest = high - low
    smallest = largest * (2 - low - high) / 2
    # The diagonal itself, met only up to rounding, counts as 0.5.
    if area < smallest - 1e-14:
        return math.nan
    return (1 + (area - smallest) / (largest - smallest)) / 2


def check_bounds(bounds: Any) -> tuple[float, float]:
    """Return the bounds from low to high, or raise ValueError."""
    given = np.empty(0) if isinstance(bounds, str) else as_numbers(bounds, "bounds", booleans=False)
    if given.shape != (2,):
        raise ValueError(f"bounds must be two numbers, such as (0.8, 1.0); got {bounds!r}.")
    first, second = given.tolist()
    low, high = min(first, second), max(first, second)
    if not (low >= 0 and high <= 1 and high - low >= _NARROWEST):
        raise ValueError(f"bounds must be two different numbers within [0, 1]; got {bounds!r}.")
    return low, high
