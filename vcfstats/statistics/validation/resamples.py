"""Optimism from the probabilities of models that were fitted to bootstrap samples elsewhere, at leisure."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import as_numbers, as_outcome, check_alignment, check_order, row_labels
from vcfstats.statistics.validation.jobs import ESTIMABLE_632, Draws
from vcfstats.statistics.validation.measures import MEASURES, as_measures, evaluate
from vcfstats.statistics.validation.optimism import OptimismResult, collect

_MOST_DRAWS = 1_000_000  # of one row in one resample; more would fill the memory


def optimism_from_resamples(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    *,
    resampled_prob: npt.ArrayLike,
    drawn: npt.ArrayLike,
    event: Any = None,
    measures: tuple[str, ...] | list[str] = MEASURES,
) -> OptimismResult:
    """Optimism-corrected performance from the probabilities of refitted models (Harrell), with out-of-bag, .632 and .632+.

    For a modelling procedure too slow to repeat in one go, or in another language: fit it to all patients and to each
    bootstrap sample, score all patients with each model, and give the probabilities here. As in `optimism_bootstrap`,
    corrected = apparent - mean over resamples of (performance in the resample - performance of the same model in all).

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any with `event`.
    y_prob : array-like of shape (n,)
        Probabilities of the event by the model fitted to all n rows.
    resampled_prob : array-like of shape (b, n)
        Probabilities of all rows by the model of each resample; a row of NaN where it could not be fitted.
    drawn : array-like of shape (b, n)
        How often each resample holds each row (whole patients drawn: the same for all rows of a patient).
    event : object, optional
        Value of `y_true` that is the event.
    measures : sequence of str
        Among auc, brier, slope, intercept (of the outcome on the log odds) and ici (loess).

    Returns
    -------
    OptimismResult
        Its intervals are location-shifted.

    Raises
    ------
    ValueError
        Shapes that do not match, probabilities outside [0, 1], a row partly NaN, counts that are no whole numbers of at
        least 0, or fewer than two resamples.

    References
    ----------
    Harrell, Lee and Mark (1996), doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4. Efron and
    Tibshirani (1997), doi 10.1080/01621459.1997.10474007. Noma et al. (2021), doi 10.1002/sim.9148.

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import optimism_from_resamples
    >>> y = np.array([0, 0, 0, 1, 1, 1])
    >>> result = optimism_from_resamples(
    ...     y,
    ...     [0.1, 0.2, 0.3, 0.6, 0.7, 0.9],
    ...     resampled_prob=[[0.1, 0.2, 0.6, 0.5, 0.7, 0.9], [0.2, 0.1, 0.3, 0.4, 0.6, 0.8]],
    ...     drawn=[[1, 2, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1]],
    ...     measures=("auc",),
    ... )
    >>> result.optimism.round(3).tolist()
    [0.056]
    """
    check_alignment(y_true=y_true, y_prob=y_prob)
    check_alignment(resampled_prob=resampled_prob, drawn=drawn)
    rows = row_labels(y_true, y_prob)  # the patients are the columns of the two tables
    for name, table in (("resampled_prob", resampled_prob), ("drawn", drawn)):
        check_order(f"the columns of {name}", getattr(table, "columns", None), "y_true", rows)
    outcome = as_outcome(y_true, event=event, name="y_true")
    n = len(outcome)
    chosen = as_measures(measures)
    apparent = as_numbers(y_prob, "y_prob")
    if apparent.shape != (n,):
        raise ValueError(f"y_prob must hold one probability for each of the {n} rows; got shape {apparent.shape}.")
    if not ((apparent >= 0) & (apparent <= 1)).all():
        raise ValueError("y_prob must hold probabilities, from 0 to 1.")
    probabilities = as_numbers(resampled_prob, "resampled_prob")
    counts = as_numbers(drawn, "drawn")
    if probabilities.ndim != 2 or probabilities.shape[1] != n or len(probabilities) < 2:
        raise ValueError(
            f"resampled_prob must have shape (b, {n}), a row for each of at least 2 resamples; got {probabilities.shape}."
        )
    if counts.shape != probabilities.shape:
        raise ValueError(f"drawn must have the shape of resampled_prob, {probabilities.shape}; got {counts.shape}.")
    if not ((counts >= 0) & (counts <= _MOST_DRAWS) & (counts == np.floor(counts))).all():
        raise ValueError("drawn must say how often each row was drawn: whole numbers, 0 for none.")
    if not counts.any(axis=1).all():
        raise ValueError(f"drawn: resample {int(np.argmin(counts.any(axis=1)))} draws no row at all; leave it out.")
    missing = np.isnan(probabilities)
    partly = missing.any(axis=1) & ~missing.all(axis=1)
    if partly.any():
        raise ValueError(
            f"resampled_prob: resample {int(np.argmax(partly))} has a probability for some rows and none for others; leave the rows without"
            " one out of all arguments, or give the whole resample as NaN."
        )
    lost = missing.all(axis=1)
    if not ((probabilities[~lost] >= 0) & (probabilities[~lost] <= 1)).all():
        raise ValueError("resampled_prob must hold probabilities, from 0 to 1.")
    b, m = len(counts), len(chosen)
    training, test, outside = np.full((b, m), np.nan), np.full((b, m), np.nan), np.full((b, 2), np.nan)
    for i in np.flatnonzero(~lost):
        rows, left = np.repeat(np.arange(n), counts[i].astype(np.int64)), counts[i] == 0
        training[i] = evaluate(outcome[rows], probabilities[i, rows], chosen)
        test[i] = evaluate(outcome, probabilities[i], chosen)
        if left.any():
            outside[i] = evaluate(outcome[left], probabilities[i, left], ESTIMABLE_632)
    failures = Counter({"no model": int(lost.sum())} if lost.any() else {})
    return collect(
        chosen, outcome, evaluate(outcome, apparent, chosen), apparent, Draws(training, test, outside, failures)
    )
