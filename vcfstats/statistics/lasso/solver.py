"""Exact minimisation of a penalised likelihood by an active set: Newton steps among the signs at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from vcfstats.statistics.inputs import FloatArray

IntArray = npt.NDArray[np.intp]
_ROUNDS = 10_000
_VIOLATION = 1e-9  # of the penalty: a coefficient enters when its gradient exceeds the penalty by this share
_DEPENDENT = (
    1e-12  # of a column's curvature: what the other columns may leave of it before it counts as one of their span
)
_FAR = 1e9  # standard deviations of the linear predictor: beyond every coefficient at hand


@dataclass
class Problem:
    """Loss/n + penalty (l1 |b|_1 + l2 |b|^2 / 2) of centred, scaled columns; the intercept goes free.

    Gaussian loss is half the squared error, binomial loss the negative log-likelihood.
    """

    X: FloatArray
    y: FloatArray
    binomial: bool

    def loss(self, eta: FloatArray) -> float:
        """Mean loss at a linear predictor."""
        if self.binomial:
            return float(np.mean(np.logaddexp(0.0, eta) - self.y * eta))
        return float(np.mean(np.square(self.y - eta)) / 2)

    def residual(self, eta: FloatArray) -> FloatArray:
        """Derivative of the loss by the linear predictor, times -n."""
        return np.asarray(self.y - (expit(eta) if self.binomial else eta))

    def weight(self, eta: FloatArray) -> FloatArray:
        """Second derivative of the loss by the linear predictor, times n."""
        return np.asarray(expit(eta) * expit(-eta)) if self.binomial else np.ones_like(eta)


@dataclass
class State:
    """Coefficients with the intercept, warm from one penalty to the next."""

    intercept: float
    coef: FloatArray


def start(problem: Problem) -> State:
    """The model of the intercept alone."""
    mean = float(problem.y.mean())
    return State(float(np.log(mean / (1 - mean))) if problem.binomial else mean, np.zeros(problem.X.shape[1]))


def solve(problem: Problem, l1: float, l2: float, state: State) -> State:
    """Minimise at one penalty, starting from a neighbouring solution.

    A coefficient enters, one at a time, while the gradient at 0 exceeds the penalty; Newton steps move the active ones
    and stop where one reaches 0, which then leaves. A column that the active ones span (with as many of them as rows
    allow, any is) may enter as well: along the combination that leaves the fit as it is, the penalty falls until one of
    them reaches 0. Each step lowers the objective, so that no set comes twice.

    Raises
    ------
    ValueError
        If the active set has not settled, which rounding alone could cause.
    """
    coef, intercept = state.coef.copy(), state.intercept
    active = np.flatnonzero(coef)
    signs = np.sign(coef[active])
    for _ in range(_ROUNDS):
        intercept, coef, active, signs = _settle(problem, l1, l2, intercept, coef, active, signs)
        eta = intercept + problem.X[:, active] @ coef[active]
        gradient = problem.X.T @ problem.residual(eta) / len(problem.y)
        excess = np.abs(gradient) - l1
        excess[active] = -np.inf
        worst = int(np.argmax(excess))
        if excess[worst] <= _VIOLATION * l1 + 1e-15:
            return State(intercept, coef)
        active = np.append(active, worst)
        signs = np.append(signs, np.sign(gradient[worst]))
    raise ValueError(
        f"The lasso's active set did not settle at penalty {l1:.3g}, with {len(active)} of {len(coef)} predictors on"
        f" {len(problem.y)} rows; a larger smallest penalty (smallest_ratio, lambdas) keeps the model from saturation."
    )


def _settle(
    problem: Problem, l1: float, l2: float, intercept: float, coef: FloatArray, active: IntArray, signs: FloatArray
) -> tuple[float, FloatArray, IntArray, FloatArray]:
    """Newton among the active coefficients until the gradient vanishes; those that reach 0 leave."""
    n = len(problem.y)
    coef = coef.copy()
    for _ in range(_ROUNDS):
        columns = problem.X[:, active]
        values = coef[active]
        eta = intercept + columns @ values
        residual, weight = problem.residual(eta), problem.weight(eta)
        pull = np.append(residual.sum() / n, columns.T @ residual / n - l1 * signs - l2 * values)
        design = np.column_stack([np.ones(n), columns])
        hessian = (design * weight[:, None]).T @ design / n
        hessian[np.arange(1, len(hessian)), np.arange(1, len(hessian))] += l2
        step, flat = _newton_step(hessian, pull, l1)
        wrong = (values == 0) & (step[1:] * signs <= 0)
        if wrong.any():  # entered, but moves against its gradient: columns that are copies of one another
            active, signs = active[~wrong], signs[~wrong]
            continue
        longest, leaves = _longest(values, step[1:], signs)
        length = _backtrack(problem, l1, l2, intercept, columns, values, signs, step, longest, pull)
        intercept += length * step[0]
        coef[active] = values + length * step[1:]
        if leaves is not None and length == longest:
            coef[active[leaves]] = 0.0
            keep = np.arange(len(active)) != leaves
            active, signs = active[keep], signs[keep]
            continue
        if flat and length > 0:
            continue
        scale = 1 + np.abs(coef[active]).max(initial=abs(intercept))
        if np.abs(step).max() <= 1e-9 * scale and (not problem.binomial or np.abs(pull).max() <= 1e-11):
            return intercept, coef, active, signs
        if not problem.binomial and length == 1.0:
            return intercept, coef, active, signs
        if np.abs(length * step).max() <= 1e-14 * scale:
            return intercept, coef, active, signs
    raise ValueError(
        f"Newton's steps of the lasso did not settle at penalty {l1:.3g}, with {len(active)} of {len(coef)} predictors on"
        f" {n} rows; a larger smallest penalty (smallest_ratio, lambdas) keeps the model from saturation."
    )


def _newton_step(hessian: FloatArray, pull: FloatArray, l1: float) -> tuple[FloatArray, bool]:
    """Return the step to the minimum and False; or, where the loss is flat in a direction of descent, a step in it and True.

    Such a step goes on until a coefficient reaches 0, or to the minimum along it where a curvature is left by rounding.
    """
    unit = np.sqrt(np.maximum(np.diagonal(hessian), np.finfo(np.float64).tiny))
    scaled = hessian / np.outer(unit, unit)
    try:
        if np.diagonal(np.linalg.cholesky(scaled)).min() ** 2 > _DEPENDENT:
            return np.asarray(np.linalg.solve(hessian, pull)), False
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(scaled)
    flat = values <= len(values) * _DEPENDENT
    along = vectors.T @ (pull / unit)
    descent = vectors[:, flat] @ along[flat]
    if flat.any() and np.abs(descent * unit).max() > _VIOLATION * l1:
        curvature = float(descent @ scaled @ descent)
        reach = _FAR / np.abs(descent).max()
        if curvature > 0:
            reach = min(reach, float(descent @ descent) / curvature)
        return np.asarray(reach * descent / unit), True
    return np.asarray(vectors[:, ~flat] @ (along[~flat] / values[~flat]) / unit), False


def _longest(values: FloatArray, step: FloatArray, signs: FloatArray) -> tuple[float, int | None]:
    """How far the step may go (1 at most) before a coefficient would change sign, and which one that is."""
    crossing = (values != 0) & (step * signs < 0) & (np.abs(step) > np.abs(values))
    if not crossing.any():
        return 1.0, None
    lengths = np.full(len(values), np.inf)
    lengths[crossing] = -values[crossing] / step[crossing]
    first = int(np.argmin(lengths))
    return float(lengths[first]), first


def _backtrack(
    problem: Problem,
    l1: float,
    l2: float,
    intercept: float,
    columns: FloatArray,
    values: FloatArray,
    signs: FloatArray,
    step: FloatArray,
    length: float,
    pull: FloatArray,
) -> float:
    """Halve a binomial step until the objective falls; the gaussian one is exact."""
    if not problem.binomial:
        return length

    def objective(t: float) -> float:
        moved = values + t * step[1:]
        eta = intercept + t * step[0] + columns @ moved
        return problem.loss(eta) + l1 * float(signs @ moved) + l2 * float(moved @ moved) / 2

    here = objective(0.0)
    gain = float(pull @ step)
    for _ in range(60):
        if objective(length) <= here - 1e-4 * length * gain + 1e-14 * (1 + abs(here)):
            return length
        length /= 2
    return 0.0
