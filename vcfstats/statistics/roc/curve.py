"""The empirical ROC curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_numbers,
    as_outcome,
    as_scores,
    check_alignment,
    check_choice,
)
from vcfstats.statistics.results import Result
from vcfstats.statistics.roc.delong import DIRECTIONS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class RocCurve(Result):
    """An empirical ROC curve, one operating point a threshold, from "all positive" to "all negative".

    Attributes
    ----------
    thresholds : ndarray of shape (t,)
        Midpoints between consecutive distinct scores, with -inf and inf at the ends: ascending for direction "higher",
        descending for "lower". Positive is ``score >= threshold`` ("lower": ``score <= threshold``).
    sensitivity, specificity : ndarray of shape (t,)
        At each threshold.
    true_positives, false_positives : ndarray of int, shape (t,)
        Counts at each threshold.
    auc : float
        Area under the curve, ties counting one half.
    n_events, n_nonevents : int
        Size of the two classes.
    direction : str
        "higher" or "lower".
    """

    thresholds: FloatArray
    sensitivity: FloatArray
    specificity: FloatArray
    true_positives: npt.NDArray[np.int64]
    false_positives: npt.NDArray[np.int64]
    auc: float
    n_events: int
    n_nonevents: int
    direction: str

    def sensitivity_at(self, specificity: npt.ArrayLike) -> FloatArray:
        """Return the sensitivity at given specificities, on the straight segments of the curve; the highest where several.

        Raises
        ------
        ValueError
            A specificity outside [0, 1].
        """
        return _interpolate(self.specificity, self.sensitivity, specificity, "specificity")

    def specificity_at(self, sensitivity: npt.ArrayLike) -> FloatArray:
        """Return the specificity at given sensitivities, on the straight segments of the curve; the highest where several.

        Raises
        ------
        ValueError
            A sensitivity outside [0, 1].
        """
        return _interpolate(self.sensitivity[::-1], self.specificity[::-1], sensitivity, "sensitivity")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a threshold."""
        import pandas as pd  # loaded on use: importing a statistic must not cost pandas

        names = ("thresholds", "sensitivity", "specificity", "true_positives", "false_positives")
        return pd.DataFrame(
            {name.removesuffix("s") if name == "thresholds" else name: getattr(self, name) for name in names}
        )


def roc_curve(
    y_true: npt.ArrayLike, y_score: npt.ArrayLike, *, event: Any = None, direction: str = "higher"
) -> RocCurve:
    """Return the empirical ROC curve, every distinct score giving one operating point.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome, 0/1 or bool, or any coding with `event`.
    y_score : array-like of shape (n,)
        Score, in any unit; infinite values are allowed.
    event : object, optional
        The value of `y_true` that is the event.
    direction : {"higher", "lower"}
        Which scores speak for the event. It is never guessed from the data.

    Returns
    -------
    RocCurve
        A threshold between two scores that are neighbouring floating-point numbers is the one of them that keeps the
        rule "positive is >= threshold" true.

    Raises
    ------
    ValueError
        Bad shapes, missing values, an outcome of one class.

    References
    ----------
    Fawcett (2006), doi 10.1016/j.patrec.2005.10.010.

    Examples
    --------
    >>> from vcfstats import roc_curve
    >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    >>> curve.thresholds.tolist()
    [-inf, 0.25, 0.6000000000000001, inf]
    >>> curve.sensitivity.tolist(), curve.specificity.tolist()
    ([1.0, 1.0, 0.5, 0.0], [0.0, 0.5, 1.0, 1.0])
    """
    check_alignment(y_true=y_true, y_score=y_score)
    outcome = as_outcome(y_true, event=event)
    return empirical_curve(outcome, as_scores(y_score, outcome.size), direction)


def empirical_curve(outcome: BoolArray, score: FloatArray, direction: str) -> RocCurve:
    """Return the curve of checked input."""
    lower = check_choice(direction, DIRECTIONS, name="direction") == "lower"
    oriented = -score if lower else score
    order = np.argsort(oriented)  # the order of ties, which differs between processors, does not matter below
    ranked, is_event = oriented[order], outcome[order]
    first = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    events_below = np.append(np.append(0, np.cumsum(is_event))[first], is_event.sum())
    all_below = np.append(first, score.size)
    nonevents_below = all_below - events_below
    n_events = int(events_below[-1])
    n_nonevents = score.size - n_events
    thresholds = _between(ranked[first])
    true_positives, false_positives = n_events - events_below, n_nonevents - nonevents_below
    doubled = int((np.diff(events_below) * (nonevents_below[1:] + nonevents_below[:-1])).sum())
    return RocCurve(
        thresholds=-thresholds if lower else thresholds,
        sensitivity=true_positives / n_events,
        specificity=nonevents_below / n_nonevents,
        true_positives=true_positives,
        false_positives=false_positives,
        auc=doubled / (2 * n_events * n_nonevents),
        n_events=n_events,
        n_nonevents=n_nonevents,
        direction=direction,
    )


def _between(distinct: FloatArray) -> FloatArray:
    low, high = distinct[:-1], distinct[1:]
    with np.errstate(over="ignore", invalid="ignore"):
        middle = (low + high) / 2
    middle = np.where(np.isfinite(middle), middle, low / 2 + high / 2)
    # Neighbouring floats and infinite scores have no number strictly between them: the upper one separates them.
    middle = np.where((middle > low) & (middle <= high), middle, high)
    return np.concatenate([[-np.inf], middle, [np.inf]])


def _interpolate(x: FloatArray, y: FloatArray, at: npt.ArrayLike, name: str) -> FloatArray:
    """Return y at given x on the path (x rising, y falling)."""
    wanted = as_numbers(at, name, booleans=False)
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise ValueError(f"{name} must lie in [0, 1]; got {at!r}.")
    # The last point at or below the target, and the first at or above it: one and the same segment or vertex.
    high = np.minimum(np.searchsorted(x, wanted, side="left"), x.size - 1)
    low = np.where(x[high] == wanted, high, high - 1)
    width = np.where(high > low, x[high] - x[low], 1.0)
    return np.asarray(y[low] + (y[high] - y[low]) * (wanted - x[low]) / width)
