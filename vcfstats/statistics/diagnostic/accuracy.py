"""The accuracy of a test at a threshold: the 2 x 2 table and what follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from vcfstats.statistics.diagnostic.proportion import METHODS as PROPORTION_METHODS
from vcfstats.statistics.diagnostic.proportion import proportion_ci
from vcfstats.statistics.diagnostic.ratio import ratio_score_interval
from vcfstats.statistics.inputs import as_number, as_outcome, as_scores, check_alignment, check_choice, check_level
from vcfstats.statistics.results import ConfidenceInterval, Result

if TYPE_CHECKING:
    import pandas as pd

PROPORTIONS = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence", "predicted_positive_rate")
RATIOS = ("lr_positive", "lr_negative", "diagnostic_odds_ratio")
OTHERS = ("youden", "balanced_accuracy", "f1", "mcc")


@dataclass(frozen=True, repr=False, eq=False)
class DiagnosticAccuracy(Result):
    """A 2 x 2 table of a test against the reference standard, and its summaries; 0/0 is NaN.

    Attributes
    ----------
    tp, fp, fn, tn : int
        True positives, false positives, false negatives, true negatives.
    sensitivity, specificity : float
        tp / (tp + fn), tn / (tn + fp).
    ppv, npv : float
        tp / (tp + fp), tn / (tn + fn), at the prevalence of the data; `predictive_values` gives them at another.
    accuracy : float
        (tp + tn) / n.
    balanced_accuracy, youden : float
        Mean of sensitivity and specificity; their sum less 1.
    f1 : float
        2 tp / (2 tp + fp + fn).
    mcc : float
        Matthews correlation (phi coefficient); NaN where a margin is empty.
    lr_positive, lr_negative : float
        sensitivity / (1 - specificity), (1 - sensitivity) / specificity; x/0 is inf.
    diagnostic_odds_ratio : float
        tp tn / (fp fn); x/0 is inf.
    prevalence : float
        (tp + fn) / n.
    predicted_positive_rate : float
        (tp + fp) / n.
    threshold : float
        Positive is `>= threshold`; NaN where the table was given.
    """

    tp: int
    fp: int
    fn: int
    tn: int
    sensitivity: float
    specificity: float
    ppv: float
    npv: float
    accuracy: float
    balanced_accuracy: float
    youden: float
    f1: float
    mcc: float
    lr_positive: float
    lr_negative: float
    diagnostic_odds_ratio: float
    prevalence: float
    predicted_positive_rate: float
    threshold: float

    def confidence_interval(
        self, measure: str = "sensitivity", confidence_level: float = 0.95, method: str | None = None
    ) -> ConfidenceInterval:
        r"""Return a confidence interval of one measure.

        Parameters
        ----------
        measure : str
            A proportion ("sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence",
            "predicted_positive_rate"), a ratio ("lr_positive", "lr_negative", "diagnostic_odds_ratio"), "youden" or
            "balanced_accuracy".
        confidence_level : float
            Such as 0.95.
        method : str, optional
            A proportion: as in `proportion_ci`, by default "wilson". A ratio: "log", :math:`\exp(\log r\pm z s)` with
            :math:`s^2=1/tp-1/(tp+fn)+1/fp-1/(fp+tn)` (LR+), :math:`1/fn-1/(tp+fn)+1/tn-1/(fp+tn)` (LR-) or
            :math:`1/tp+1/fp+1/fn+1/tn` (odds ratio); of a likelihood ratio also "score", Koopman's, which empty cells do not
            upset. "youden", "balanced_accuracy": "mover", which adds the distances from
            estimate to Wilson limits in quadrature.

        Returns
        -------
        ConfidenceInterval
            NaN where the measure is 0/0. An empty cell leaves a ratio without a standard error: a ratio of 0 has the limits
            (0, NaN), an infinite one (NaN, inf).

        Raises
        ------
        ValueError
            An unknown measure or method. "f1" and "mcc" have no closed interval here: use `bootstrap_ci`.

        Notes
        -----
        By simulation (``benchmarks/results/coverage_diagnostic.md``) "log" does not exist for LR- in half of the samples
        with 4 events and a sensitivity of 0.85, and in 28% with 8: prefer "score" with few events.

        References
        ----------
        Wilson (1927), doi 10.1080/01621459.1927.10502953. Ratios: Simel, Samsa & Matchar (1991),
        doi 10.1016/0895-4356(91)90128-V; score: Koopman (1984), doi 10.2307/2531405. MOVER: Newcombe (1998), doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
        """
        level = check_level(confidence_level)
        if isinstance(measure, str) and measure in ("f1", "mcc"):
            raise ValueError(f"{measure!r} has no closed interval here; resample the patients with bootstrap_ci.")
        allowed = (*PROPORTIONS, *RATIOS, "youden", "balanced_accuracy")
        check_choice(measure, allowed, name="measure")
        if measure in PROPORTIONS:
            chosen = check_choice(method, PROPORTION_METHODS, name="method", default="wilson")
            return proportion_ci(*self._counts(measure), chosen, confidence_level=level)
        if measure in RATIOS:
            scored = ("log", "score") if measure != "diagnostic_odds_ratio" else ("log",)
            if check_choice(method, scored, name="method", default="log") == "score":
                positive = measure == "lr_positive"
                x1, x0 = (self.tp, self.fp) if positive else (self.fn, self.tn)
                return ratio_score_interval(x1, self.tp + self.fn, x0, self.fp + self.tn, level)
            return self._ratio_interval(measure, level)
        check_choice(method, ("mover",), name="method", default="mover")
        half = 1.0 if measure == "youden" else 0.5
        return self._sum_interval(level, half)

    def to_frame(self, confidence_level: float = 0.95, method: str = "wilson") -> pd.DataFrame:
        """Return one row a measure: estimate, limits, and numerator and denominator of a proportion."""
        import pandas as pd  # loaded on use: importing a statistic must not cost pandas

        rows = []
        for measure in (*PROPORTIONS[:5], *OTHERS, *RATIOS, *PROPORTIONS[5:]):
            proportion = measure in PROPORTIONS
            if measure in ("f1", "mcc"):
                low, high = math.nan, math.nan
            else:
                low, high = self.confidence_interval(measure, confidence_level, method if proportion else None)
            count, nobs = self._counts(measure) if proportion else (None, None)
            rows.append((measure, getattr(self, measure), low, high, count, nobs))
        frame = pd.DataFrame(rows, columns=["measure", "estimate", "ci_low", "ci_high", "count", "nobs"])
        return frame.astype({"count": "Int64", "nobs": "Int64"})

    def _counts(self, measure: str) -> tuple[int, int]:
        tp, fp, fn, tn = self.tp, self.fp, self.fn, self.tn
        n = tp + fp + fn + tn
        return {
            "sensitivity": (tp, tp + fn),
            "specificity": (tn, tn + fp),
            "ppv": (tp, tp + fp),
            "npv": (tn, tn + fn),
            "accuracy": (tp + tn, n),
            "prevalence": (tp + fn, n),
            "predicted_positive_rate": (tp + fp, n),
        }[measure]

    def _ratio_interval(self, measure: str, level: float) -> ConfidenceInterval:
        tp, fp, fn, tn = self.tp, self.fp, self.fn, self.tn
        used = {"lr_positive": (tp, fp), "lr_negative": (fn, tn), "diagnostic_odds_ratio": (tp, fp, fn, tn)}[measure]
        ratio = getattr(self, measure)
        if math.isnan(ratio) or min(used) == 0:
            return ConfidenceInterval(0.0 if ratio == 0 else math.nan, math.inf if ratio == math.inf else math.nan)
        variance = sum(1 / cell for cell in used)
        if measure != "diagnostic_odds_ratio":
            variance -= 1 / (tp + fn) + 1 / (fp + tn)
        half = float(special.ndtri(0.5 + level / 2)) * math.sqrt(max(0.0, variance))
        return ConfidenceInterval(ratio * math.exp(-half), ratio * math.exp(half))

    def _sum_interval(self, level: float, factor: float) -> ConfidenceInterval:
        below = above = 0.0
        for measure in ("sensitivity", "specificity"):
            low, high = proportion_ci(*self._counts(measure), confidence_level=level)
            estimate = getattr(self, measure)
            below, above = below + (estimate - low) ** 2, above + (high - estimate) ** 2
        centre = factor * (self.sensitivity + self.specificity) - (2 * factor - 1)
        return ConfidenceInterval(centre - factor * math.sqrt(below), centre + factor * math.sqrt(above))


def diagnostic_accuracy(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    *,
    threshold: float,
    event: Any = None,
    direction: str = "higher",
) -> DiagnosticAccuracy:
    """Return the accuracy of a score, cut at a threshold, against the reference standard.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome, 0/1 or bool, or any coding with `event`. One class only is allowed; what needs the other is NaN.
    y_prob : array-like of shape (n,)
        Probability or any score; a 0/1 test with ``threshold=1`` (or 0.5).
    threshold : float
        Positive is ``y_prob >= threshold``. It has no default: a threshold is a decision, made before the data are seen.
    event : object, optional
        The value of `y_true` that is the event.
    direction : {"higher", "lower"}
        "lower": positive is ``y_prob <= threshold``.

    Returns
    -------
    DiagnosticAccuracy
        Table, summaries, and `.confidence_interval(measure)`.

    Raises
    ------
    ValueError
        Bad shapes, missing values, a threshold that is NaN.

    References
    ----------
    Altman & Bland (1994), doi 10.1136/bmj.308.6943.1552 and doi 10.1136/bmj.309.6947.102; STARD 2015,
    doi 10.1136/bmj.h5527. MCC: Matthews (1975), doi 10.1016/0005-2795(75)90109-9.

    Examples
    --------
    >>> from vcfstats import diagnostic_accuracy
    >>> result = diagnostic_accuracy([1, 1, 1, 0, 0, 0, 0], [0.9, 0.5, 0.2, 0.6, 0.3, 0.2, 0.1], threshold=0.5)
    >>> result.tp, result.fp, result.fn, result.tn
    (2, 1, 1, 3)
    >>> low, high = result.confidence_interval("specificity", 0.95, method="clopper-pearson")
    >>> round(result.specificity, 2), round(low, 3), round(high, 3)
    (0.75, 0.194, 0.994)
    """
    check_alignment(y_true=y_true, y_prob=y_prob)
    outcome = as_outcome(y_true, event=event, both_classes=False)
    score = as_scores(y_prob, outcome.size, name="y_prob")
    cut = as_number(threshold, "threshold")
    check_choice(direction, ("higher", "lower"), name="direction")
    positive = score >= cut if direction == "higher" else score <= cut
    tp, fp = int(np.sum(positive & outcome)), int(np.sum(positive & ~outcome))
    n_events = int(outcome.sum())
    return from_table(tp, fp, n_events - tp, outcome.size - n_events - fp, threshold=cut)


def from_table(tp: int, fp: int, fn: int, tn: int, *, threshold: float = math.nan) -> DiagnosticAccuracy:
    """Return the summaries of a table of counts."""
    n = tp + fp + fn + tn
    sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    # Python's integers do not overflow, so the product of four margins is exact for any n.
    margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return DiagnosticAccuracy(
        tp=tp,
        fp=fp,
        fn=fn,
        tn=tn,
        sensitivity=sensitivity,
        specificity=specificity,
        ppv=_ratio(tp, tp + fp),
        npv=_ratio(tn, tn + fn),
        accuracy=_ratio(tp + tn, n),
        balanced_accuracy=(sensitivity + specificity) / 2,
        youden=sensitivity + specificity - 1,
        f1=_ratio(2 * tp, 2 * tp + fp + fn),
        mcc=(tp * tn - fp * fn) / math.sqrt(margins) if margins else math.nan,
        lr_positive=_ratio(tp * (fp + tn), fp * (tp + fn)),
        lr_negative=_ratio(fn * (fp + tn), tn * (tp + fn)),
        diagnostic_odds_ratio=_ratio(tp * tn, fp * fn),
        prevalence=_ratio(tp + fn, n),
        predicted_positive_rate=_ratio(tp + fp, n),
        threshold=threshold,
    )


def _ratio(numerator: int, denominator: int) -> float:
    if denominator == 0:
        return math.inf if numerator else math.nan
    return numerator / denominator
