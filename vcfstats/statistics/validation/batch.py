"""Maximum likelihood logistic regression of many resamples at once, as weights on the same rows."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from vcfstats.statistics.glm import fit_logistic
from vcfstats.statistics.inputs import BoolArray, FloatArray
from vcfstats.statistics.roc.resampled import WeightedRanks
from vcfstats.statistics.validation.measures import ici

_STEPS = 30
_TOLERANCE = 1e-9
_RUNAWAY = 30.0  # a linear predictor beyond which separation is to be proved or refuted one by one
_STEEPEST = 1e4


class LogisticBatch:
    """Fits and evaluates b weighted samples of n rows; a failed fit (separation, one class) is a row of NaN."""

    def __init__(self, X: FloatArray, y: BoolArray, measures: tuple[str, ...]) -> None:
        n, p = X.shape
        self.scale = np.sqrt(np.mean(np.square(X), axis=0))
        self.design = np.column_stack([np.ones(n), X / np.where(self.scale > 0, self.scale, 1.0)])
        self.products = np.einsum("ni,nj->nij", self.design, self.design).reshape(n, (p + 1) ** 2)
        # Rows with equal predictors must get equal predictions to the last bit, or ties would break.
        self.distinct, self.place = np.unique(self.design, axis=0, return_inverse=True)
        self.y, self.outcome = y, y.astype(np.float64)
        self.measures = measures
        self.start = fit_logistic(self.design, self.outcome).coef
        if not np.isfinite(self.start).all() or np.abs(self.design @ self.start).max() > _RUNAWAY:
            self.start = np.zeros(p + 1)

    def fit(self, weights: FloatArray) -> FloatArray:
        """Return coefficients of shape (b, p + 1) for weights of shape (b, n)."""
        b, q = len(weights), self.design.shape[1]
        coef = np.tile(self.start, (b, 1))
        going = np.arange(b)
        for _ in range(_STEPS):
            prob = expit(coef[going] @ self.design.T)
            w = weights[going]
            information = ((w * prob * (1 - prob)) @ self.products).reshape(-1, q, q)
            score = (w * (self.outcome - prob)) @ self.design
            try:
                step = np.linalg.solve(information, score[:, :, None])[:, :, 0]
            except np.linalg.LinAlgError:
                break
            coef[going] += step
            moving = np.abs(step).max(axis=1) > _TOLERANCE * (1 + np.abs(coef[going]).max(axis=1))
            moving &= np.abs(coef[going]).max(axis=1) < 1e3
            going = going[moving]
            if going.size == 0:
                break
        # Those that ran away, or might have: one by one, with a proof of separation where there is one.
        doubtful = ~np.isfinite(coef).all(axis=1) | (np.abs(coef @ self.design.T).max(axis=1) > _RUNAWAY)
        doubtful[going] = True
        for i in np.flatnonzero(doubtful):
            coef[i] = self._alone(weights[i])
        return coef

    def _alone(self, weights: FloatArray) -> FloatArray:
        used = weights > 0
        nothing = np.full(self.design.shape[1], np.nan)
        if self.y[used].all() or not self.y[used].any():
            return nothing
        try:
            fit = fit_logistic(self.design[used], self.outcome[used], weights=weights[used])
        except ValueError:  # a column that does not vary in the resample
            return nothing
        return nothing if fit.separated else fit.coef

    def predictor(self, coef: FloatArray) -> FloatArray:
        """Linear predictors of all rows, shape (b, n)."""
        return np.asarray((coef @ self.distinct.T)[:, self.place])

    def evaluate(self, train: FloatArray, base: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Fit each row of `train` (b, n) and evaluate it.

        Returns measures in the training sample, measures in the sample of weights `base` (n,) or (b, n), auc and brier
        outside the training sample (among rows of `base`), and the linear predictors.
        """
        coef = self.fit(train)
        eta = self.predictor(coef)
        base = np.broadcast_to(base, train.shape)
        outside = base * (train == 0)
        prob = expit(eta)
        squared = np.square(self.outcome - prob)
        b, m = len(train), len(self.measures)
        inside, tested, left_out = np.full((b, m), np.nan), np.full((b, m), np.nan), np.full((b, 2), np.nan)
        sound = np.isfinite(eta).all(axis=1)
        for i in np.flatnonzero(sound):
            ranks = WeightedRanks(self.y, eta[i][:, None])
            aucs = ranks.aucs(np.stack([train[i], base[i], outside[i]], axis=1))[:, 0]
            left_out[i, 0] = aucs[2]
            self._fill(inside[i], "auc", aucs[0])
            self._fill(tested[i], "auc", aucs[1])
            if "ici" in self.measures:
                self._fill(inside[i], "ici", self._ici(prob[i], train[i]))
                self._fill(tested[i], "ici", self._ici(prob[i], base[i]))
        if "brier" in self.measures:
            k = self.measures.index("brier")
            inside[sound, k] = _mean(squared, train)[sound]
            tested[sound, k] = _mean(squared, base)[sound]
        left_out[sound, 1] = _mean(squared, outside)[sound]
        if {"slope", "intercept"} & set(self.measures):
            intercept, slope = recalibrate(eta[sound], self.outcome, base[sound])
            for name, values, fixed in (("intercept", intercept, 0.0), ("slope", slope, 1.0)):
                if name in self.measures:  # in its own sample maximum likelihood has intercept 0 and slope 1
                    k = self.measures.index(name)
                    inside[sound, k] = fixed
                    tested[sound, k] = values
        return inside, tested, left_out, eta

    def _fill(self, row: FloatArray, name: str, value: float) -> None:
        if name in self.measures:
            row[self.measures.index(name)] = value

    def _ici(self, prob: FloatArray, weights: FloatArray) -> float:
        rows = np.repeat(np.arange(len(prob)), weights.astype(np.int64))
        return ici(self.y[rows], prob[rows])


def recalibrate(eta: FloatArray, outcome: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Intercepts and slopes of b weighted logistic regressions of the outcome on each row of eta (b, n); NaN if none."""
    b = len(eta)
    a, s = np.zeros(b), np.ones(b)
    going = np.arange(b)
    for _ in range(50):
        lp, w = eta[going], weights[going]
        prob = expit(a[going, None] + s[going, None] * lp)
        v = w * prob * (1 - prob)
        s0, s1, s2 = v.sum(axis=1), np.sum(v * lp, axis=1), np.sum(v * lp * lp, axis=1)
        residual = w * (outcome - prob)
        g0, g1 = residual.sum(axis=1), np.sum(residual * lp, axis=1)
        determinant = s0 * s2 - s1 * s1
        with np.errstate(divide="ignore", invalid="ignore"):
            da, ds = (s2 * g0 - s1 * g1) / determinant, (s0 * g1 - s1 * g0) / determinant
        a[going] += da
        s[going] += ds
        with np.errstate(invalid="ignore"):
            moving = (np.abs(da) + np.abs(ds) > 1e-11 * (1 + np.abs(s[going]))) & (np.abs(s[going]) < _STEEPEST)
        going = going[moving]
        if going.size == 0:
            break
    lost = ~np.isfinite(a + s) | (np.abs(s) >= _STEEPEST)
    lost[going] = True
    a[lost], s[lost] = np.nan, np.nan
    for i in np.flatnonzero(lost):  # separated, or Newton went astray from (0, 1)
        used = weights[i] > 0
        if np.ptp(eta[i][used]) == 0:
            continue
        design = np.column_stack([np.ones(int(used.sum())), eta[i][used]])
        fit = fit_logistic(design, outcome[used], weights=weights[i][used])
        if not fit.separated:
            a[i], s[i] = fit.coef
    return a, s


def _mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    total = weights.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.einsum("bn,bn->b", values, weights) / total)
