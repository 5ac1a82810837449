"""The partial likelihood of Cox's model: value, score, information, and its maximum, with tied times and strata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_array

from vcfstats.statistics.inputs import BoolArray, FloatArray

IntArray = npt.NDArray[np.int64]

_MAX_ITERATIONS = 200
_LONGEST_STEP = 5.0  # of the range of the linear predictor
_SUSPECT_RANGE = 14.0  # hazards a million times apart: only then is a monotone likelihood worth proving
_STRICT = 1e-4  # of a direction in the unit box; the solver's own tolerance is 1e-7


@dataclass(frozen=True)
class RiskSets:
    """Patients sorted by stratum and falling time, and one row an event: who is at risk then.

    Attributes
    ----------
    order : ndarray of shape (n,)
        Patients in the order of the arrays below.
    event : ndarray of shape (n,)
        Whether each ended in an event.
    start : ndarray of shape (e,)
        First position of the stratum of an event; the risk set runs from there to `stop`.
    stop : ndarray of shape (e,)
        Behind the last patient at risk: all of the stratum whose time is not shorter.
    tied : ndarray of shape (e,)
        Number of the distinct (stratum, time) of an event.
    share : ndarray of shape (e,)
        Efron's k / d for the k-th of d events at one time, counted from 0; 0 throughout for Breslow.
    first, last : ndarray of shape (n,)
        For each patient the numbers, as in `tied`, of the event times at which it is at risk: from `first` to before `last`.
    """

    order: IntArray
    event: BoolArray
    start: IntArray
    stop: IntArray
    tied: IntArray
    share: FloatArray
    first: IntArray
    last: IntArray

    @property
    def positions(self) -> IntArray:
        """Positions of the events."""
        return np.flatnonzero(self.event)


def risk_sets(time: FloatArray, event: BoolArray, stratum: IntArray, *, efron: bool) -> RiskSets:
    """Sort the patients and lay out the risk sets."""
    order = np.lexsort((~event, -time, stratum))
    t, d, s = time[order], event[order], stratum[order]
    n = len(t)
    run = np.cumsum(np.append(True, (t[1:] != t[:-1]) | (s[1:] != s[:-1]))) - 1
    behind = np.append(np.flatnonzero(np.diff(run)) + 1, n)  # end of each run of equal times
    begins = np.searchsorted(s, np.arange(s[-1] + 1))
    at = np.flatnonzero(d)
    runs_with_events, tied = np.unique(run[at], return_inverse=True)
    count = np.bincount(tied, minlength=len(runs_with_events))
    before = np.cumsum(count) - count
    share = (np.arange(len(at)) - before[tied]) / count[tied] if efron else np.zeros(len(at))
    # Times fall along the order: the risk sets of a patient are those of its own run and of later runs of its stratum.
    first = np.searchsorted(runs_with_events, run, side="left")
    ends = np.append(begins[1:], n)
    last_run = run[np.maximum(ends - 1, 0)]
    last = np.searchsorted(runs_with_events, last_run, side="right")[s]
    return RiskSets(order, d, begins[s[at]], behind[run[at]], tied, share, first, last)


@dataclass(frozen=True)
class Moments:
    """Log-likelihood, score and information, and what they are made of.

    Attributes
    ----------
    loglik : float
        Partial log-likelihood.
    score : ndarray of shape (p,)
        Its gradient.
    information : ndarray of shape (p, p)
        Its negative Hessian.
    total : ndarray of shape (e,)
        Sum of the hazards at risk at each event (less Efron's share of those tied), over exp(`shift`).
    mean : ndarray of shape (e, p)
        Their weighted mean covariates.
    hazard : ndarray of shape (n,)
        exp(linear predictor - shift) in the order of the risk sets.
    shift : float
        Largest linear predictor.
    """

    loglik: float
    score: FloatArray
    information: FloatArray
    total: FloatArray
    mean: FloatArray
    hazard: FloatArray
    shift: float


def moments(X: FloatArray, eta: FloatArray, sets: RiskSets) -> Moments:
    """Evaluate at a linear predictor; X and eta in the order of the risk sets."""
    shift = float(eta.max())
    hazard = np.exp(eta - shift)
    at = sets.positions
    total = _range_sums(hazard, sets) - sets.share * _tied_sums(hazard[at], sets)
    weighted = X * hazard[:, None]
    mean = (_range_sums(weighted, sets) - sets.share[:, None] * _tied_sums(weighted[at], sets)) / total[:, None]
    loglik = float(np.sum(eta[at] - shift) - np.sum(np.log(total)))
    score = np.sum(X[at] - mean, axis=0)
    weight = hazard * event_weights(np.ones(len(at)), total, sets)
    information = (X * weight[:, None]).T @ X - mean.T @ mean
    return Moments(loglik, score, information, total, mean, hazard, shift)


def event_weights(value: FloatArray, total: FloatArray, sets: RiskSets) -> FloatArray:
    """Sum over the events at which each patient is at risk of value / total, less Efron's share at its own event.

    Times exp(eta) it is the cumulative hazard of each patient, and the weight of its covariates in the information.
    """
    m = int(sets.tied[-1]) + 1
    by_time = np.bincount(sets.tied, weights=value / total, minlength=m)
    of_tied = np.bincount(sets.tied, weights=sets.share * value / total, minlength=m)
    running = np.concatenate([[0.0], np.cumsum(by_time)])
    weight = running[sets.last] - running[sets.first]
    weight[sets.positions] -= of_tied[sets.tied]
    return np.asarray(weight)


def _range_sums(values: FloatArray, sets: RiskSets) -> FloatArray:
    """Sum of the values at risk at each event; every stratum is summed by itself, so that no other costs it digits."""
    running = np.cumsum(values, axis=0)
    if not sets.start.any():
        return np.asarray(running[sets.stop - 1])
    result = np.empty((len(sets.start), *values.shape[1:]))
    for start in np.unique(sets.start):
        mine = sets.start == start
        result[mine] = np.cumsum(values[start : sets.stop[mine].max()], axis=0)[sets.stop[mine] - 1 - start]
    return result


def _tied_sums(values: FloatArray, sets: RiskSets) -> FloatArray:
    """Sum over the events of each time, given to each of them."""
    starts = np.flatnonzero(np.append(True, np.diff(sets.tied) > 0))
    return np.asarray(np.add.reduceat(values, starts, axis=0)[sets.tied])


@dataclass(frozen=True)
class CoxFit:
    """Maximum of the partial likelihood.

    Attributes
    ----------
    coef : ndarray of shape (p,)
        Coefficients; where `infinite`, the last iterate, whose sign alone means something.
    covariance : ndarray of shape (p, p)
        Inverse information at `coef`.
    loglik, null_loglik : float
        At the coefficients, and at 0 for all of them.
    null_score : float
        Score statistic at 0.
    infinite : ndarray of bool, shape (p,)
        Which coefficients have no finite estimate, the likelihood being monotone in them.
    """

    coef: FloatArray
    covariance: FloatArray
    loglik: float
    null_loglik: float
    null_score: float
    infinite: BoolArray


def fit_cox(X: FloatArray, sets: RiskSets, *, offset: FloatArray | None = None, prove: bool = True) -> CoxFit:
    """Maximise by Newton's method with step halving. X (n, p) and offset in the order of the patients.

    Whether a coefficient is infinite is asked only with `prove`, and only where the hazards are very far apart.

    Raises
    ------
    ValueError
        A direction of the covariates of which the risk sets say nothing; its column is the error's second argument.
    """
    design = X[sets.order]
    shift = np.zeros(len(design)) if offset is None else offset[sets.order]
    if X.shape[1] == 0:
        loglik = moments(design, shift, sets).loglik
        return CoxFit(np.empty(0), np.empty((0, 0)), loglik, loglik, 0.0, np.empty(0, dtype=bool))
    centred = design - design.mean(axis=0)
    scale = np.sqrt(np.mean(centred**2, axis=0))
    basis, triangle = np.linalg.qr(centred / scale)
    basis, triangle = basis * np.sqrt(len(design)), triangle / np.sqrt(len(design))
    null = moments(basis, shift, sets)
    _refuse_unidentified(triangle.T @ null.information @ triangle)
    null_score = float(null.score @ np.linalg.solve(null.information, null.score))
    back = np.linalg.inv(triangle) / scale[:, None]
    coef, now = np.zeros(X.shape[1]), null
    settled = False
    for _ in range(_MAX_ITERATIONS):
        step = _solve(now.information, now.score)
        step *= min(1.0, _LONGEST_STEP / max(float(np.ptp(basis @ step)), 1e-300))
        gain = float(now.score @ step)
        last = not gain > 1e-12 * (1 + abs(now.loglik))  # from here one whole step is exact to rounding
        for _ in range(40):
            trial = moments(basis, basis @ (coef + step) + shift, sets)
            if last or trial.loglik >= now.loglik - 1e-13 * (1 + abs(now.loglik)):
                break
            step = step / 2
        coef, now = coef + step, trial
        if last:
            settled = True
            break
    infinite = np.zeros(X.shape[1], dtype=bool)
    if prove and (not settled or np.ptp(basis @ coef) > _SUSPECT_RANGE):
        infinite = _infinite(centred / scale, sets)
    covariance = back @ _inverse(now.information) @ back.T
    return CoxFit(back @ coef, covariance, now.loglik, null.loglik, null_score, infinite)


def _refuse_unidentified(information: FloatArray) -> None:
    size = np.sqrt(np.maximum(np.diagonal(information), 0.0))
    if size.min() <= 1e-7 * max(float(size.max()), 1e-300):
        raise ValueError("unidentified", int(np.argmin(size)))
    lower = np.eye(len(size))
    correlation = information / np.outer(size, size)
    for j in range(len(size)):  # a Cholesky factor that names the column at which it ends
        lower[j, :j] = np.linalg.solve(lower[:j, :j], correlation[j, :j]) if j else 0.0
        rest = 1 - float(lower[j, :j] @ lower[j, :j])
        if rest < 1e-10:
            raise ValueError("unidentified", j)
        lower[j, j] = np.sqrt(rest)


def _infinite(X: FloatArray, sets: RiskSets) -> BoolArray:
    """Find the coefficients that some direction moves along which the likelihood never falls, by linear programming.

    A direction b is one if at every event no one at risk exceeds the patient with the event in b'x. With a variable
    m for the maximum over each risk set that takes 2n constraints: m >= b'x of those who join it, m >= the maximum of
    the risk set it holds, and b'x of each event >= m.
    """
    p = X.shape[1]
    m = int(sets.tied[-1]) + 1
    at = sets.positions
    joins = np.flatnonzero(sets.first < sets.last)  # patients in some risk set, entering at their first
    rows, columns, entries = [], [], []

    def put(row: IntArray, column: IntArray, entry: FloatArray) -> None:
        rows.append(row.ravel())
        columns.append(column.ravel())
        entries.append(entry.ravel())

    k = np.arange(len(joins))
    put(np.repeat(k, p), np.tile(np.arange(p), len(k)), X[joins])
    put(k, p + sets.first[joins], np.full(len(k), -1.0))
    stratum_start = np.zeros(m, dtype=np.int64)
    stratum_start[sets.tied] = sets.start
    chained = np.flatnonzero(np.append(False, stratum_start[1:] == stratum_start[:-1]))
    k = len(joins) + np.arange(len(chained))
    put(k, p + chained - 1, np.ones(len(k)))
    put(k, p + chained, np.full(len(k), -1.0))
    k = len(joins) + len(chained) + np.arange(len(at))
    put(np.repeat(k, p), np.tile(np.arange(p), len(k)), -X[at])
    put(k, p + sets.tied, np.ones(len(k)))
    matrix = coo_array(
        (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))),
        shape=(len(joins) + len(chained) + len(at), p + m),
    ).tocsr()
    bounds = [(-1.0, 1.0)] * p + [(None, None)] * m
    found = np.zeros(p, dtype=bool)
    for j in range(p):
        for sign in (1.0, -1.0):
            cost = np.zeros(p + m)
            cost[j] = -sign
            result = linprog(cost, A_ub=matrix, b_ub=np.zeros(matrix.shape[0]), bounds=bounds, method="highs")
            if result.status == 0 and -result.fun > _STRICT:
                found[j] = True
                break
    return found


def _solve(information: FloatArray, score: FloatArray) -> FloatArray:
    try:
        return np.asarray(np.linalg.solve(information, score))
    except np.linalg.LinAlgError:  # flat far out along a monotone likelihood
        return np.asarray(np.linalg.lstsq(information, score, rcond=None)[0])


def _inverse(information: FloatArray) -> FloatArray:
    try:
        return np.asarray(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(information))
