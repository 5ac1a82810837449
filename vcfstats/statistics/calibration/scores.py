"""Brier score and Spiegelhalter's test."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from vcfstats.statistics.inputs import FloatArray, as_flag, as_outcome, as_probabilities, check_alignment, check_level
from vcfstats.statistics.results import ConfidenceInterval, Result


@dataclass(frozen=True, repr=False, eq=False)
class BrierScore(Result):
    """Result of `brier_score`; ``float(result)`` is the Brier score.

    Attributes
    ----------
    statistic : float
        Brier score, 0 (perfect) to 1.
    se : float
        Standard error of the mean squared difference.
    scaled : float
        1 - Brier / (prevalence (1 - prevalence)): 0 for the prevalence given to all, 1 for perfect predictions. NaN
        where the outcome has one class only.
    scaled_se : float
        Standard error of `scaled`, by the delta method.
    reference : float
        prevalence (1 - prevalence), the Brier score of the prevalence given to all.
    n, n_events : int
        Patients and events.
    """

    statistic: float
    se: float
    scaled: float
    scaled_se: float
    reference: float
    n: int
    n_events: int

    def __float__(self) -> float:
        """Return the Brier score."""
        return self.statistic

    def confidence_interval(self, confidence_level: float = 0.95, *, scaled: bool = False) -> ConfidenceInterval:
        """Return the normal interval of the Brier score or, with `scaled`, of the scaled one.

        Not clipped. A nominal 95% covered 88% with 4 events among 70, 92% with 8 among 164 and 94 to 95% from 26 events
        on; the scaled one 87%, 91% and 94 to 95% (benchmarks/results/coverage_calibration.md). With fewer than 10 events
        the bootstrap is no better: 89% and 92% (coverage_few_events.md).
        """
        estimate, se = (self.scaled, self.scaled_se) if as_flag(scaled, "scaled") else (self.statistic, self.se)
        half = norm.ppf((1 + check_level(confidence_level)) / 2) * se
        return ConfidenceInterval(float(estimate - half), float(estimate + half))


@dataclass(frozen=True, repr=False, eq=False)
class SpiegelhalterTest(Result):
    """Result of `spiegelhalter_test`.

    Attributes
    ----------
    statistic : float
        Standard normal under calibration. Positive: the Brier score is higher than the probabilities promise
        (predictions too extreme).
    pvalue : float
        Two-sided.
    """

    statistic: float
    pvalue: float


def brier_score(y_true: npt.ArrayLike, y_prob: npt.ArrayLike, *, event: Any = None) -> BrierScore:
    """Return the Brier score, mean (y - p)^2, and its scaled form.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`; one class alone is allowed.
    y_prob : array-like of shape (n,)
        Predicted probability of the event.
    event : object, optional
        The value of `y_true` that is the event.

    Raises
    ------
    ValueError
        Bad input.

    References
    ----------
    Brier (1950), doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; Steyerberg et al. (2010),
    doi 10.1097/EDE.0b013e3181c30fb2 (scaled).

    Examples
    --------
    >>> from vcfstats import brier_score
    >>> score = brier_score([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8])
    >>> round(float(score), 4), round(score.scaled, 4)
    (0.075, 0.7)
    """
    check_alignment(y_true=y_true, y_prob=y_prob)
    outcome = as_outcome(y_true, event=event, both_classes=False)
    prob = as_probabilities(y_prob, len(outcome))
    return brier_of(outcome.astype(float), prob)


def brier_of(y: FloatArray, prob: FloatArray) -> BrierScore:
    """Return the Brier score of checked arrays."""
    n = len(y)
    loss = (y - prob) ** 2
    brier, prevalence = float(loss.mean()), float(y.mean())
    reference = prevalence * (1 - prevalence)
    se = float(loss.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    scaled = scaled_se = float("nan")
    if reference > 0:
        scaled = 1 - brier / reference
        influence = (loss - brier) / reference - brier * (1 - 2 * prevalence) * (y - prevalence) / reference**2
        scaled_se = float(influence.std(ddof=1) / np.sqrt(n))
    return BrierScore(brier, se, scaled, scaled_se, reference, n, int(y.sum()))


def spiegelhalter_test(y_true: npt.ArrayLike, y_prob: npt.ArrayLike, *, event: Any = None) -> SpiegelhalterTest:
    """Test whether the Brier score is what calibrated probabilities would give (Spiegelhalter's z).

    z = sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)^2 p (1 - p)), two-sided normal p value.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`; one class alone is allowed.
    y_prob : array-like of shape (n,)
        Predicted probability of the event.
    event : object, optional
        The value of `y_true` that is the event.

    Returns
    -------
    SpiegelhalterTest
        Where every probability is 0, 0.5 or 1 the variance is 0: the statistic is NaN, with a warning, unless an
        outcome contradicts a probability of 0 or 1 (then infinite, p 0).

    Raises
    ------
    ValueError
        Bad input.

    References
    ----------
    Spiegelhalter (1986), doi 10.1002/sim.4780050506.

    Examples
    --------
    >>> from vcfstats import spiegelhalter_test
    >>> round(spiegelhalter_test([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8]).statistic, 3)
    -1.005
    """
    check_alignment(y_true=y_true, y_prob=y_prob)
    outcome = as_outcome(y_true, event=event, both_classes=False)
    prob = as_probabilities(y_prob, len(outcome))
    return spiegelhalter_of(outcome.astype(float), prob)


def spiegelhalter_of(y: FloatArray, prob: FloatArray) -> SpiegelhalterTest:
    """Return Spiegelhalter's test of checked arrays."""
    excess = float(np.sum((y - prob) * (1 - 2 * prob)))
    variance = float(np.sum((1 - 2 * prob) ** 2 * prob * (1 - prob)))
    if variance == 0:
        if excess != 0:
            return SpiegelhalterTest(float(np.copysign(np.inf, excess)), 0.0)
        warnings.warn(
            "Every probability is 0, 0.5 or 1, so Spiegelhalter's statistic is 0/0: NaN.", RuntimeWarning, stacklevel=3
        )
        return SpiegelhalterTest(float("nan"), float("nan"))
    z = excess / np.sqrt(variance)
    return SpiegelhalterTest(float(z), float(2 * norm.sf(abs(z))))
