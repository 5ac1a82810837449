"""Net benefit from the shares of patients that a threshold makes true and false positives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vcfstats.statistics.inputs import BoolArray, FloatArray

POLICIES = ("opt-in", "opt-out")


class Shares(NamedTuple):
    """Joint shares of the population, one a threshold.

    Attributes
    ----------
    tp : ndarray of shape (m,)
        P(positive and event).
    fp : ndarray of shape (m,)
        P(positive and non-event).
    prevalence : float
        P(event).
    """

    tp: FloatArray
    fp: FloatArray
    prevalence: float


def shares(outcome: BoolArray, prob: FloatArray | str, thresholds: FloatArray, prevalence: float | None) -> Shares:
    """Return the shares of one strategy: probabilities (positive is p >= threshold), or "all", or "none"."""
    n, n_events = len(outcome), int(outcome.sum())
    if isinstance(prob, str):
        everyone = np.full(len(thresholds), float(prob == "all"))
        positive_events, positive_nonevents = everyone * n_events, everyone * (n - n_events)
    else:
        positive_events = count_at_least(prob[outcome], thresholds)
        positive_nonevents = count_at_least(prob[~outcome], thresholds)
    if prevalence is None:
        return Shares(positive_events / n, positive_nonevents / n, n_events / n)
    sensitivity, false_positive_rate = positive_events / n_events, positive_nonevents / (n - n_events)
    return Shares(sensitivity * prevalence, false_positive_rate * (1 - prevalence), prevalence)


def count_at_least(values: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Return how many values are >= each threshold, compared as given, to the last bit."""
    return (len(values) - np.searchsorted(np.sort(values), thresholds, side="left")).astype(float)


def net_benefit_of(share: Shares, thresholds: FloatArray, policy: str = "opt-in") -> FloatArray:
    """Return the net benefit of treating the positives (opt-in) or of sparing the negatives (opt-out)."""
    odds = thresholds / (1 - thresholds)
    if policy == "opt-in":
        return share.tp - share.fp * odds
    true_negative, false_negative = 1 - share.prevalence - share.fp, share.prevalence - share.tp
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        loss = np.where(false_negative == 0, 0.0, false_negative / odds)
    return np.asarray(true_negative - loss)


def variance_of(share: Shares, thresholds: FloatArray, policy: str, n: int, n_events: int, given: bool) -> FloatArray:
    """Return the variance of the net benefit: of a mean of n contributions or, at a given prevalence, of two rates."""
    odds = thresholds / (1 - thresholds)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        gain, loss = (np.ones_like(odds), odds) if policy == "opt-in" else (1 / odds, np.ones_like(odds))
        if given:
            sensitivity = share.tp / share.prevalence
            fpr = share.fp / (1 - share.prevalence)
            return np.asarray(
                (gain * share.prevalence) ** 2 * sensitivity * (1 - sensitivity) / n_events
                + (loss * (1 - share.prevalence)) ** 2 * fpr * (1 - fpr) / (n - n_events)
            )
        if policy == "opt-in":
            square = share.tp + share.fp * odds**2
        else:
            square = 1 - share.prevalence - share.fp + (share.prevalence - share.tp) / odds**2
        return np.asarray(np.maximum(square - net_benefit_of(share, thresholds, policy) ** 2, 0.0) / n)
