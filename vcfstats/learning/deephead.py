"""The network's own probability: one ridge-penalised logistic head on the features of every slice, slices joined by a rule."""

from __future__ import annotations

import re
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.statistics.inputs import FloatArray

_SLICE = re.compile(r"\.([1-9]\d*)\Z")


@dataclass(frozen=True)
class DeepHead:
    """A fitted head.

    Attributes
    ----------
    units : tuple of str
        Features of one slice.
    mean, scale : ndarray of shape (units,)
        Over the slices of training cases; scale infinite where a unit does not vary.
    coefficients : ndarray of shape (units,)
        Log odds ratio per standard deviation.
    intercept : float
        Log odds at the means.
    C : float or None
        Inverse penalty strength; None for a network's own layer, trained by gradient descent.
    rule : str
        How slices become one probability.
    n, n_events : int
        Training cases and events.
    """

    units: tuple[str, ...]
    mean: FloatArray
    scale: FloatArray
    coefficients: FloatArray
    intercept: float
    C: float | None
    rule: str
    n: int
    n_events: int

    def predict(self, slices: FloatArray) -> FloatArray:
        """Return the probability of each case from its slices, shape (n, slices, units)."""
        return join_slices(self.intercept + ((slices - self.mean) / self.scale) @ self.coefficients, self.rule)

    def to_dict(self) -> dict[str, Any]:
        """Return the head as a dictionary for JSON, where a unit that does not vary has no scale."""
        return {
            **asdict(self),
            "units": list(self.units),
            "mean": self.mean.tolist(),
            "scale": [None if np.isinf(value) else value for value in self.scale.tolist()],
            "coefficients": self.coefficients.tolist(),
        }

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> DeepHead:
        """Rebuild a head from `to_dict`."""
        scale = [np.inf if value is None else value for value in body["scale"]]
        arrays = {name: np.array(body[name], dtype=np.float64) for name in ("mean", "coefficients")}
        return cls(**{**body, **arrays, "scale": np.array(scale, dtype=np.float64), "units": tuple(body["units"])})


def slices_of(deep: pd.DataFrame) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the features as (cases, slices, units), with the units' names, from columns DL_k, DL_k.1, DL_k.2 ...

    Raises
    ------
    InputError
        A unit lacks a slice that another has.
    """
    places: dict[int, dict[str, str]] = {}
    for column in map(str, deep.columns):
        match = _SLICE.search(column)
        unit, number = (column[: match.start()], int(match[1])) if match else (column, 0)
        places.setdefault(number, {})[unit] = column
    units = tuple(places.get(0, {}))
    for number, columns in sorted(places.items()):
        if set(columns) != set(units) or number >= len(places):
            odd = sorted(set(columns) ^ set(units))[:1] or [f"slice {number}"]
            raise InputError(
                Problem(
                    f"deep feature {odd[0]!r} not in every slice",
                    "DL_k, DL_k.1, DL_k.2 for every k",
                    "extract the deep features again",
                )
            )
    return np.stack(
        [deep[[places[s][u] for u in units]].to_numpy(dtype=np.float64) for s in sorted(places)], axis=1
    ), units


def join_slices(logits: FloatArray, rule: str) -> FloatArray:
    """Return one probability per case from the log odds of its slices, shape (n, slices)."""
    if rule == "mean_logit":
        return np.asarray(expit(logits.mean(axis=1)))
    each = expit(logits)
    return np.asarray(each.max(axis=1) if rule == "max" else each.mean(axis=1))


@dataclass(frozen=True)
class HeadTask:
    """Heads of several penalties on the same training cases, and cases to score."""

    slices: FloatArray
    outcome: np.ndarray
    score: FloatArray
    penalties: tuple[float, ...]
    units: tuple[str, ...]
    rule: str


def fit_heads(task: HeadTask) -> tuple[FloatArray, tuple[DeepHead, ...], tuple[str, ...]]:
    """Return probabilities of shape (penalties, m), the heads, and for each penalty a remark ("" where all went well)."""
    n, k, width = task.slices.shape
    flat = task.slices.reshape(n * k, width)
    mean, spread = flat.mean(axis=0), flat.std(axis=0, ddof=1)
    scale = np.where(spread > 1e-12 * np.abs(flat).max(axis=0), spread, np.inf)
    # A ridge solution lies in the space of the rows: fitting there costs the number of rows, not of units.
    left, values, axes = np.linalg.svd((flat - mean) / scale, full_matrices=False)
    rotated, y = left * values, np.repeat(task.outcome, k)
    heads, remarks = [], []
    for C in task.penalties:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = LogisticRegression(C=C, solver="lbfgs", tol=1e-8, max_iter=5000).fit(rotated, y)
        remarks.append(
            "iterations ended before convergence"
            if any(issubclass(w.category, ConvergenceWarning) for w in caught)
            else ""
        )
        heads.append(
            DeepHead(
                task.units,
                mean,
                scale,
                np.where(np.isfinite(scale), axes.T @ fit.coef_[0], 0.0),
                float(fit.intercept_[0]),
                C,
                task.rule,
                n,
                int(task.outcome.sum()),
            )
        )
    probabilities = np.array([head.predict(task.score) if len(task.score) else np.empty(0) for head in heads])
    return probabilities, tuple(heads), tuple(remarks)
