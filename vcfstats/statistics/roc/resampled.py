"""The bootstrap of the AUCs of many models on the same resamples, through weighted ranks: no resample is ever sorted."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.bootstrap.intervals import METHODS, Bootstrap, assemble, warn_constant
from vcfstats.statistics.bootstrap.plan import Plan, check_resamples, make_plan, strata_of, streams
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    RandomState,
    as_outcome,
    as_score_matrix,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.roc.delong import orient, placements

# Weights held at once; at 8 bytes each and a few arrays of this size, some 100 MB.
BLOCK = 2_000_000


def bootstrap_aucs(
    y_true: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    event: Any = None,
    direction: str = "higher",
    confidence_level: float = 0.95,
    method: str = "percentile",
    n_resamples: int = 2000,
    stratified: bool | None = None,
    clusters: npt.ArrayLike | None = None,
    random_state: RandomState = None,
) -> Bootstrap:
    """Bootstrap the AUCs of k models on the same resamples.

    The scores are sorted once; a resample is a vector of weights w, and its AUC is
    sum over events i of w_i {W(below i) + W(tied with i) / 2} over the product of the total weights, W summing the weights
    of non-events. The replicates equal those of `bootstrap_ci` with `roc_auc` on the same seed, bit for bit.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Outcome.
    scores : array-like of shape (n,) or (n, k)
        Scores of k models, patients in rows.
    event, direction
        As in `roc_auc`.
    confidence_level, method, n_resamples, random_state
        As in `bootstrap_ci`; "studentized" is not offered here.
    stratified : bool
        Keep the numbers of events and of non-events; else a resample of one class counts as failed.
    clusters : array-like of shape (n,), optional
        Patient of each row (several lesions a patient); whole patients are drawn, unstratified.

    Returns
    -------
    Bootstrap
        `estimate` of shape (k,), `replicates` of shape (n_resamples, k); `.contrast([1, -1])` is a difference.

    Raises
    ------
    ValueError
        Bad shapes, missing values, an outcome of one class.

    References
    ----------
    Efron (1979), doi 10.1214/aos/1176344552; Carpenter & Bithell (2000),
    doi 10.1002/(SICI)1097-0258(20000515)19:9<1141::AID-SIM479>3.0.CO;2-F.

    Examples
    --------
    >>> from vcfstats import bootstrap_aucs
    >>> y = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> scores = [[9, 7], [8, 2], [4, 9], [7, 5], [1, 8], [2, 1], [3, 0], [5, 3], [6, 4], [0, 6]]
    >>> result = bootstrap_aucs(y, scores, n_resamples=1000, random_state=1)
    >>> result.estimate.round(3).tolist()
    [0.917, 0.708]
    >>> low, high = result.contrast([1, -1]).confidence_interval(0.95)
    >>> low < 0.2083 < high
    True
    """
    check_alignment(y_true=y_true, scores=scores, clusters=clusters)
    outcome = as_outcome(y_true, event=event)
    values = orient(as_score_matrix(scores, outcome.size, name="scores"), direction)
    level = check_level(confidence_level)
    chosen = check_choice(method, tuple(m for m in METHODS if m != "studentized"), name="method")
    strata = strata_of(outcome, stratified, clusters)
    plan = make_plan(outcome.size, strata=strata, clusters=clusters)
    ranks = WeightedRanks(outcome, values)
    replicates = np.concatenate(list(_replicates(ranks, plan, check_resamples(n_resamples), random_state)))
    result = assemble(
        placements(outcome, values).aucs,
        replicates,
        confidence_level=level,
        method=chosen,
        jackknife=lambda: _jackknife(outcome, values, plan, ranks),
        failure="the resample holds one class only" if np.isnan(replicates).any() else "",
    )
    if result.n_failed:
        warnings.warn(
            f"{result.n_failed:,} of {result.n_resamples:,} resamples hold one class only; the intervals leave them out.",
            RuntimeWarning,
            stacklevel=2,
        )
    warn_constant(result, each=True)
    return result


class WeightedRanks:
    """The order of k scores, prepared once, from which the AUCs of any weights follow by running sums."""

    def __init__(self, outcome: BoolArray, scores: FloatArray) -> None:
        self.outcome = outcome
        self.models = []
        for score in scores.T:
            nonevents, events = score[~outcome], score[outcome]
            order = np.argsort(nonevents, kind="stable")
            ranked = nonevents[order]
            self.models.append(
                (order, np.searchsorted(ranked, events, side="left"), np.searchsorted(ranked, events, side="right"))
            )

    def aucs(self, weights: FloatArray) -> FloatArray:
        """Return the AUCs, shape (b, k), of b sets of weights of shape (n, b); NaN where a class has no weight."""
        of_events, of_nonevents = weights[self.outcome], weights[~self.outcome]
        pairs = of_events.sum(axis=0) * of_nonevents.sum(axis=0)
        running = np.zeros((of_nonevents.shape[0] + 1, weights.shape[1]))
        result = np.empty((weights.shape[1], len(self.models)))
        for column, (order, below, through) in enumerate(self.models):
            np.cumsum(of_nonevents[order], axis=0, out=running[1:])
            doubled = np.einsum("ib,ib->b", of_events, running[below])
            doubled += np.einsum("ib,ib->b", of_events, running[through])
            with np.errstate(invalid="ignore"):
                result[:, column] = doubled / (2 * pairs)
        return result


def _replicates(ranks: WeightedRanks, plan: Plan, n_resamples: int, random_state: RandomState) -> Any:
    block = max(1, BLOCK // plan.n)
    for generator, size in streams(random_state, n_resamples):
        for start in range(0, size, block):
            count = min(block, size - start)
            weights = np.empty((plan.n, count))
            for column in range(count):
                weights[:, column] = plan.weights_of(plan.draw_units(generator))
            yield ranks.aucs(weights)


def _jackknife(outcome: BoolArray, values: FloatArray, plan: Plan, ranks: WeightedRanks) -> list[FloatArray]:
    if not plan.clustered:
        return [_leave_one_out(outcome, values)[stratum] for stratum in plan.strata]
    block = max(1, BLOCK // plan.n)
    parts = []
    for start in range(0, plan.n_units, block):
        dropped = np.arange(start, min(plan.n_units, start + block))
        parts.append(ranks.aucs((plan.unit[:, None] != dropped).astype(np.float64)))
    without = np.concatenate(parts)
    if np.isnan(without).any():
        raise ValueError(
            "Without one of the clusters a class is empty, so there is no jackknife: choose another method than bca."
        )
    return [without[stratum] for stratum in plan.strata]


def _leave_one_out(outcome: BoolArray, values: FloatArray) -> FloatArray:
    """Return the AUCs without each patient in turn, shape (n, k), from the placements."""
    placed = placements(outcome, values)
    m, n = placed.events.shape[0], placed.nonevents.shape[0]
    if m < 2 or n < 2:
        raise ValueError(
            f"With {m} event(s) and {n} non-event(s) there is no jackknife: choose another method than bca."
        )
    total = placed.events.sum(axis=0)
    without = np.empty(values.shape)
    without[outcome] = (total - placed.events) / (2.0 * (m - 1) * n)
    without[~outcome] = (total - placed.nonevents) / (2.0 * m * (n - 1))
    return without
