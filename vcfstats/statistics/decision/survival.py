"""Decision curves where the outcome is a survival time, with or without competing risks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.decision.benefit import Shares
from vcfstats.statistics.decision.curve import DecisionCurve, assemble
from vcfstats.statistics.decision.models import as_prevalence, as_thresholds, named_probabilities
from vcfstats.statistics.inputs import FloatArray, as_positive, check_alignment
from vcfstats.statistics.survival.times import as_cause, as_competing


def survival_decision_curve(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    y_prob: Any,
    thresholds: npt.ArrayLike | None = None,
    prevalence: float | None = None,
    *,
    horizon: float,
    cause: int | None = None,
    harms: float | Mapping[str, float] | None = None,
    per: float = 1,
) -> DecisionCurve:
    """Compute decision curves for the risk of an event by a horizon, from censored data.

    Positive is risk >= threshold. With P the share of positives and F+ the estimated probability of the event by the
    horizon among them, net benefit = F+ P - (1 - F+) P t / (1 - t) - harm. F+ is 1 - Kaplan-Meier, or Aalen-Johansen's
    cumulative incidence of `cause` where other causes compete. At a given prevalence pi,
    net benefit = (F+ P / F) pi - ((1 - F+) P / (1 - F)) (1 - pi) t / (1 - t), F being the estimate among all
    (R's dcurves 0.5.1 accepts a prevalence here but leaves the net benefit as it was).

    Parameters
    ----------
    time : array-like of shape (n,)
        Follow-up, any unit, at least 0.
    event : array-like of shape (n,)
        0 censored, 1 the event; 2, 3, ... competing events.
    y_prob : array-like of shape (n,) or (n, k), DataFrame, or mapping of name to array
        Predicted risk of the event by the horizon, of one or more models.
    thresholds : array-like of shape (m,), optional
        Threshold probabilities, 0 <= t < 1, used to the last bit. Default 0.01, 0.02, ..., 0.99.
    prevalence : float, optional
        Risk by the horizon in the population, where the sample's is by design.
    horizon : float
        Time at which risk is judged, in the unit of `time`.
    cause : int, optional
        Code of the event of interest: 1 where not given, and then a 0 is needed among the codes, lest 1 mean censored.
    harms : float or mapping of model name to float, optional
        Harm of obtaining the prediction, in units of net benefit.
    per : float
        Patients to whom `interventions_avoided` refers, such as 100.

    Returns
    -------
    DecisionCurve
        Net benefit is 0 where nobody is positive, and NaN where the follow-up of the positives ends before the horizon.
        `prevalence` is the estimated risk among all, or the one given.

    Raises
    ------
    ValueError
        Bad input, negative times, codes that are no whole numbers, a cause that never occurs, or follow-up that ends
        before the horizon in all patients.

    References
    ----------
    Vickers et al. (2008), doi 10.1186/1472-6947-8-53; Aalen and Johansen (1978), Scand J Stat 5:141-150.

    Examples
    --------
    >>> from vcfstats import survival_decision_curve
    >>> time, event = [2, 3, 5, 6, 8, 9], [1, 1, 0, 1, 0, 0]
    >>> curve = survival_decision_curve(time, event, [0.9, 0.6, 0.5, 0.3, 0.2, 0.1], thresholds=[0.4], horizon=4)
    >>> curve.to_frame().round(4)[["model", "net_benefit"]]
       model  net_benefit
    0    all      -0.1111
    1   none       0.0000
    2  model       0.2222
    """
    check_alignment(time=time, event=event, y_prob=y_prob)
    times, codes = as_competing(time, event)
    cause = as_cause(codes, cause)
    if not (codes == cause).any():
        raise ValueError(f"cause {cause!r} never occurs in event; its codes are {sorted(set(codes.tolist()))}.")
    n = len(times)
    models = named_probabilities(y_prob, n)
    t = as_thresholds(thresholds)
    population = as_prevalence(prevalence)
    horizon = as_positive(horizon, "horizon", example="5 in the unit of `time`")
    order = np.argsort(times, kind="stable")
    times, codes = times[order], codes[order]
    overall = event_probability(times, codes, float(horizon), cause)
    if np.isnan(overall):
        raise ValueError(
            f"Follow-up ends at {times[-1]:.6g}, before the horizon of {horizon:.6g}; choose an earlier one."
        )

    def scaled(tp: FloatArray, fp: FloatArray) -> Shares:
        if population is None:
            return Shares(tp, fp, overall)
        return Shares(tp / overall * population, fp / (1 - overall) * (1 - population), population)

    everyone, nobody = np.ones(len(t)), np.zeros(len(t))
    strategies = [scaled(everyone * overall, everyone * (1 - overall)), scaled(nobody, nobody)]
    for prob in models.values():
        strategies.append(scaled(*_positive_shares(times, codes, prob[order], t, float(horizon), cause)))
    parts = assemble(strategies, t, list(models), harms, "opt-in", per)
    return DecisionCurve(**parts, prevalence_given=population is not None, n=n)


def event_probability(times: FloatArray, codes: npt.NDArray[np.int64], horizon: float, cause: int) -> float:
    """Return the cumulative incidence of `cause` at the horizon; NaN where follow-up ends before.

    Times are sorted. Without competing events this is 1 - Kaplan-Meier.
    """
    if times[-1] < horizon:
        return float("nan")
    distinct, first = np.unique(times, return_index=True)
    at_risk = len(times) - first
    any_event = np.add.reduceat((codes > 0).astype(float), first)
    of_cause = np.add.reduceat((codes == cause).astype(float), first)
    early = distinct <= horizon
    factors = 1 - any_event[early] / at_risk[early]
    if not ((codes > 0) & (codes != cause))[times <= horizon].any():
        return float(1 - np.prod(factors))
    before = np.concatenate([[1.0], np.cumprod(factors)[:-1]])
    return float(np.sum(before * of_cause[early] / at_risk[early]))


def _positive_shares(
    times: FloatArray,
    codes: npt.NDArray[np.int64],
    prob: FloatArray,
    thresholds: FloatArray,
    horizon: float,
    cause: int,
) -> tuple[FloatArray, FloatArray]:
    tp, fp = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    known: dict[int, tuple[float, float]] = {0: (0.0, 0.0)}
    for j, threshold in enumerate(thresholds):
        positive = prob >= threshold
        count = int(positive.sum())
        if count not in known:  # positives are nested: as many means the same patients
            risk = event_probability(times[positive], codes[positive], horizon, cause)
            share = count / len(times)
            known[count] = (risk * share, (1 - risk) * share)
        tp[j], fp[j] = known[count]
    return tp, fp
