"""The precision-recall curve and its average precision: discrimination where events are rare and alarms must be right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from vcfstats.statistics.bootstrap.engine import bootstrap_ci
from vcfstats.statistics.bootstrap.intervals import Bootstrap
from vcfstats.statistics.bootstrap.plan import strata_of
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    RandomState,
    as_outcome,
    as_scores,
    check_alignment,
    check_choice,
    check_level,
    check_order,
    refuse_unused,
    row_labels,
)
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.roc.curve import empirical_curve

if TYPE_CHECKING:
    import pandas as pd

_METHODS = ("logit", "binomial", "bootstrap")


@dataclass(frozen=True, repr=False, eq=False)
class PrecisionRecallCurve(Result):
    """An empirical precision-recall curve, one operating point a threshold at which somebody is positive.

    Attributes
    ----------
    average_precision : float
        Sum over the thresholds of the gain in recall times the precision there: the area under the curve as a step.
    baseline : float
        What a score without information reaches: the share of events.
    thresholds : ndarray of shape (t,)
        As in `roc_curve`, from "all positive" on; without the last, at which nobody is positive and precision is 0 / 0.
    recall, precision : ndarray of shape (t,)
        Sensitivity, and positive predictive value among the patients at hand.
    npv : ndarray of shape (t,)
        Negative predictive value; NaN at the first threshold, where nobody is negative.
    true_positives, positives : ndarray of int, shape (t,)
        Counts at each threshold.
    n_events, n_nonevents : int
        Size of the two classes.
    direction : str
        "higher" or "lower".
    """

    average_precision: float
    baseline: float
    thresholds: FloatArray
    recall: FloatArray
    precision: FloatArray
    npv: FloatArray
    true_positives: npt.NDArray[np.int64]
    positives: npt.NDArray[np.int64]
    n_events: int
    n_nonevents: int
    direction: str
    _outcome: BoolArray
    _score: FloatArray
    _rows: Any = None

    def confidence_interval(
        self,
        confidence_level: float = 0.95,
        method: str = "logit",
        *,
        n_resamples: int | None = None,
        random_state: RandomState = None,
    ) -> ConfidenceInterval:
        """Return an interval of the average precision.

        Parameters
        ----------
        confidence_level : float
            Of the interval.
        method : {"logit", "binomial", "bootstrap"}
            With A the average precision and m events: expit(logit A -+ z / sqrt(m A (1 - A))); A -+ z sqrt(A (1 - A) / m),
            clipped to [0, 1]; percentiles of a bootstrap of patients within classes. At an A of 1 the first is NaN and the
            others are points.
        n_resamples, random_state
            Of the bootstrap, 2,000 by default.

        Raises
        ------
        ValueError
            An unknown method, or an option that it does not use.

        Notes
        -----
        Of a nominal 0.95 logit covers 0.94 to 0.99, wider than it need be, binomial 0.93 to 0.99 (0.90 with 4 events of 70),
        the bootstrap 0.95 with 61 events, 0.92 with 8 of 164, 0.86 with 26 of 70 and 0.81 with 4
        (benchmarks/results/coverage_instability.md): prefer the first.

        References
        ----------
        Boyd, Eng and Page (2013), doi 10.1007/978-3-642-40994-3_29.
        """
        z = float(special.ndtri(0.5 + check_level(confidence_level) / 2))
        chosen = check_choice(method, _METHODS, name="method")
        if chosen == "bootstrap":
            drawn = self.bootstrap(n_resamples=2000 if n_resamples is None else n_resamples, random_state=random_state)
            return drawn.confidence_interval(confidence_level)
        refuse_unused(f"with method={chosen!r}", n_resamples=n_resamples)
        value = self.average_precision
        spread = math.sqrt(value * (1 - value) / self.n_events)
        if chosen == "binomial":
            return ConfidenceInterval(max(0.0, value - z * spread), min(1.0, value + z * spread))
        if value in (0.0, 1.0):
            return ConfidenceInterval(math.nan, math.nan)
        centre, half = float(special.logit(value)), z / math.sqrt(self.n_events * value * (1 - value))
        return ConfidenceInterval(float(special.expit(centre - half)), float(special.expit(centre + half)))

    def bootstrap(
        self,
        *,
        n_resamples: int = 2000,
        stratified: bool | None = None,
        clusters: npt.ArrayLike | None = None,
        random_state: RandomState = None,
    ) -> Bootstrap:
        """Return the bootstrap of the average precision; see `bootstrap_ci` for the arguments.

        Patients are drawn within classes, so that the baseline stays, unless stratified=False or clusters are given.

        Raises
        ------
        ValueError
            `stratified` with clusters.
        """
        check_order("clusters", row_labels(clusters), "y_true", self._rows)
        oriented = -self._score if self.direction == "lower" else self._score
        return bootstrap_ci(
            (self._outcome, oriented),
            _average_precision,
            n_resamples=n_resamples,
            strata=strata_of(self._outcome, stratified, clusters),
            clusters=clusters,
            random_state=random_state,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return ``threshold, recall, precision, npv, true_positives, positives``, one row a threshold."""
        import pandas as pd  # loaded on use: importing a statistic must not cost pandas

        return pd.DataFrame(
            {
                "threshold": self.thresholds,
                "recall": self.recall,
                "precision": self.precision,
                "npv": self.npv,
                "true_positives": self.true_positives,
                "positives": self.positives,
            }
        )


def precision_recall_curve(
    y_true: npt.ArrayLike, y_score: npt.ArrayLike, *, event: Any = None, direction: str = "higher"
) -> PrecisionRecallCurve:
    """Return the precision-recall curve and its average precision, every distinct score giving one operating point.

    Average precision = sum over thresholds from the strictest on of (recall gained) x (precision there). Unlike the AUC
    it depends on the share of events, which is its value without information: say it beside it, and compare average
    precisions only among the same patients.

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
    PrecisionRecallCurve

    Raises
    ------
    ValueError
        Bad shapes, missing values, an outcome of one class.

    Notes
    -----
    Points are not joined by straight lines, which would be too high (Davis and Goadrich 2006); ties are one point.

    References
    ----------
    Davis and Goadrich (2006), doi 10.1145/1143844.1143874. Saito and Rehmsmeier (2015), doi 10.1371/journal.pone.0118432.

    Examples
    --------
    >>> from vcfstats import precision_recall_curve
    >>> curve = precision_recall_curve([0, 0, 1, 1, 0], [0.1, 0.4, 0.4, 0.8, 0.2])
    >>> round(curve.average_precision, 3), curve.baseline
    (0.833, 0.4)
    >>> curve.precision.round(3).tolist()
    [0.4, 0.5, 0.667, 1.0]
    """
    check_alignment(y_true=y_true, y_score=y_score)
    outcome = as_outcome(y_true, event=event)
    score = as_scores(y_score, outcome.size)
    roc = empirical_curve(outcome, score, direction)
    true, false = roc.true_positives[:-1], roc.false_positives[:-1]
    positives = true + false
    negatives = outcome.size - positives
    with np.errstate(invalid="ignore"):
        npv = (roc.n_nonevents - false) / negatives
    return PrecisionRecallCurve(
        average_precision=_average_precision(outcome, -score if direction == "lower" else score),
        baseline=roc.n_events / outcome.size,
        thresholds=roc.thresholds[:-1],
        recall=true / roc.n_events,
        precision=true / positives,
        npv=npv,
        true_positives=true,
        positives=positives,
        n_events=roc.n_events,
        n_nonevents=roc.n_nonevents,
        direction=direction,
        _outcome=outcome,
        _score=score,
        _rows=row_labels(y_true, y_score),
    )


def _average_precision(outcome: BoolArray, score: FloatArray) -> float:
    """Sum of recall gained times precision over distinct scores, from the highest on."""
    order = np.argsort(-score)  # the order of ties does not matter: only the ends of their runs are read
    ranked = score[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    true = np.cumsum(outcome[order])[ends]
    if true[-1] == 0:
        raise ValueError("the resample holds no event")
    gained = np.diff(true, prepend=0)
    return float(np.sum(gained / true[-1] * (true / (ends + 1))))
