"""One lasso path on arrays: standardisation, the sequence of penalties, where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.lasso.homotopy import Homotopy
from vcfstats.statistics.lasso.solver import Problem, solve, start

# Where glmnet ends a sequence of its own making.
_LEAST = 5
_ENOUGH_DEVIANCE = 0.999
_LITTLE_GAIN = 1e-5
_SMALLEST_ALPHA = 1e-3


@dataclass(frozen=True)
class Settings:
    """What is fitted."""

    binomial: bool
    alpha: float
    standardize: bool
    ddof: int
    n_lambdas: int
    smallest_ratio: float | None
    lambdas: FloatArray | None


@dataclass(frozen=True)
class Fitted:
    """Solutions on the original scale, one a penalty."""

    lambdas: FloatArray
    intercept: FloatArray
    coef: FloatArray
    dev_ratio: FloatArray
    null_deviance: float
    center: FloatArray
    scale: FloatArray

    def at(self, penalties: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Intercepts and coefficients at other penalties, linear between neighbours, constant beyond the ends."""
        if len(self.lambdas) == 1:
            return np.repeat(self.intercept, len(penalties)), np.repeat(self.coef, len(penalties), axis=0)
        rising = self.lambdas[::-1]
        position = np.clip(np.searchsorted(rising, penalties, side="right") - 1, 0, len(rising) - 2)
        share = np.clip((penalties - rising[position]) / (rising[position + 1] - rising[position]), 0.0, 1.0)
        low, high = len(rising) - 1 - position, len(rising) - 2 - position
        intercept = (1 - share) * self.intercept[low] + share * self.intercept[high]
        coef = (1 - share)[:, None] * self.coef[low] + share[:, None] * self.coef[high]
        return intercept, coef


def fit_path(X: FloatArray, y: FloatArray, settings: Settings) -> Fitted:
    """Fit one path."""
    n = len(X)
    center = X.mean(axis=0)
    centred = X - center
    scale = np.sqrt(np.square(centred).sum(axis=0) / (n - settings.ddof))
    constant = scale <= 1e-12 * np.maximum(1.0, np.abs(center))
    centred[:, constant] = 0.0
    scale = np.where(constant | (not settings.standardize), 1.0, scale)
    problem = Problem(centred / scale, y, settings.binomial)
    state = start(problem)
    eta = np.full(n, state.intercept)
    null = problem.loss(eta)
    own = settings.lambdas is None
    penalties = _sequence(problem, eta, settings) if settings.lambdas is None else settings.lambdas
    # glmnet scales a gaussian y to unit variance, lambda with it: the ridge part is left divided by that deviation.
    ridge_unit = 1.0 if settings.binomial else float(y.std())
    follow = Homotopy(problem) if settings.alpha == 1 and not settings.binomial else None
    intercepts, coefs, ratios = [], [], []
    for k, penalty in enumerate(penalties):
        followed = follow.advance(float(penalty)) if follow else None
        state = followed or solve(problem, penalty * settings.alpha, penalty * (1 - settings.alpha) / ridge_unit, state)
        if follow and followed is None:
            follow.restart(state, float(penalty))
        loss = problem.loss(state.intercept + problem.X @ state.coef)
        intercepts.append(state.intercept)
        coefs.append(state.coef)
        ratios.append(1 - loss / null)
        if own and k >= _LEAST - 1 and _ends(ratios, settings.binomial):
            break
    coef = np.array(coefs) / scale
    count = len(coefs)
    return Fitted(
        lambdas=np.asarray(penalties[:count], dtype=np.float64),
        intercept=np.array(intercepts) - coef @ center,
        coef=coef,
        dev_ratio=np.array(ratios),
        null_deviance=2 * n * null,
        center=center,
        scale=scale,
    )


def _sequence(problem: Problem, eta: FloatArray, settings: Settings) -> FloatArray:
    n, p = problem.X.shape
    gradient = np.abs(problem.X.T @ problem.residual(eta)) / n
    largest = float(gradient.max()) / max(settings.alpha, _SMALLEST_ALPHA)
    if largest == 0:
        raise ValueError("No predictor varies with the outcome; pass lambdas= to fit the empty model nevertheless.")
    ratio = settings.smallest_ratio if settings.smallest_ratio is not None else (1e-2 if n < p else 1e-4)
    if not 0 < ratio < 1 or settings.n_lambdas < 2:
        raise ValueError(
            f"smallest_ratio must lie in (0, 1) and n_lambdas be at least 2; got {ratio}, {settings.n_lambdas}."
        )
    return np.asarray(largest * ratio ** (np.arange(settings.n_lambdas) / (settings.n_lambdas - 1)))


def _ends(ratios: list[float], binomial: bool) -> bool:
    gain = ratios[-1] - ratios[-2]
    return gain < _LITTLE_GAIN * (1.0 if binomial else ratios[-1]) or ratios[-1] > _ENOUGH_DEVIANCE
