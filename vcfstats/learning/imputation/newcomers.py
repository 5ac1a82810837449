"""Imputation of a patient whose outcome nobody knows, by models that training patients left: whole in JSON, no patient in it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from vcfstats.learning.imputation.conditional import cells, drawn_level, probabilities
from vcfstats.statistics.inputs import FloatArray


@dataclass(frozen=True)
class NumberModel:
    """A number given the other findings: a linear regression for each imputation, drawn within the training range.

    Attributes
    ----------
    variable, columns : str, tuple of str
        The finding and its column of the design.
    others : tuple of str
        Columns of the other findings, its predictors after the column of ones.
    mean, scale : tuple of float
        What these are standardised by.
    coefficients : tuple of tuple of float
        One row an imputation.
    sigma : tuple of float
        Residual standard deviation of each.
    low, high : float
        Training range, which no draw leaves.
    start : float
        Where the chain begins: the training mean.
    """

    variable: str
    columns: tuple[str, ...]
    others: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[tuple[float, ...], ...]
    sigma: tuple[float, ...]
    low: float
    high: float
    start: float

    @property
    def first(self) -> FloatArray:
        """The columns where the chain begins."""
        return np.array([self.start])

    def draw(self, Z: FloatArray, u: FloatArray) -> FloatArray:
        """Return the columns, shape (m, n, 1), at quantiles `u` of shape (m, n)."""
        centre = np.einsum("mni,mi->mn", Z, np.array(self.coefficients))
        drawn = centre + np.array(self.sigma)[:, None] * ndtri(u)
        return np.asarray(np.clip(drawn, self.low, self.high)[..., None])


@dataclass(frozen=True)
class LevelModel:
    """Levels given the other findings: a (multinomial) logistic regression for each imputation.

    Attributes
    ----------
    variable, columns, others, mean, scale
        As of `NumberModel`; one column a level but the reference.
    coefficients : tuple of tuple of tuple of float
        For each imputation one row a level of `levels` but the first.
    levels : tuple of int
        Levels that training patients had, 0 the reference.
    start : int
        Where the chain begins: the commonest of them.
    """

    variable: str
    columns: tuple[str, ...]
    others: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[tuple[tuple[float, ...], ...], ...]
    levels: tuple[int, ...]
    start: int

    @property
    def first(self) -> FloatArray:
        """The columns where the chain begins."""
        return np.asarray(np.arange(1, len(self.columns) + 1) == self.start, dtype=np.float64)

    def draw(self, Z: FloatArray, u: FloatArray) -> FloatArray:
        """Return the columns, shape (m, n, levels - 1), at quantiles `u` of shape (m, n)."""
        if len(self.levels) == 1:
            return np.broadcast_to(self.first, (*u.shape, len(self.columns)))
        level = np.array(self.levels)[drawn_level(probabilities(Z, np.array(self.coefficients)), u)]
        return np.asarray(level[..., None] == np.arange(1, len(self.columns) + 1), dtype=np.float64)


@dataclass(frozen=True)
class Imputer:
    """What stands in for findings that a new patient lacks, as often as there are imputations.

    A patient's random numbers follow from the patient's own known values and the seed: the same values have the same
    probability, whatever the name and whoever stands beside them in the table.

    Attributes
    ----------
    models : tuple of NumberModel or LevelModel
        One a finding that training patients had.
    n_imputations, iterations : int
        Chains, and rounds of each.
    seed : tuple of int
        Of the random numbers.
    """

    models: tuple[NumberModel | LevelModel, ...]
    n_imputations: int
    iterations: int
    seed: tuple[int, ...]

    def complete(self, design: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
        """Return the design without gaps, once for each imputation.

        A finding whose columns the design lacks is missing for everybody. One that the models do not know, since no
        training patient had it, is 0.
        """
        own = [name for model in self.models for name in model.columns]
        given = design.reindex(columns=own).to_numpy(dtype=np.float64)
        gaps = np.isnan(given)
        rows = np.flatnonzero(gaps.any(axis=1))
        X = np.repeat(given[None], self.n_imputations, axis=0)
        if len(rows):
            X[:, rows] = self._drawn(given[rows], gaps[rows], {name: j for j, name in enumerate(own)})
        kept = [name for name in own if name in design]
        return tuple(design.assign(**pd.DataFrame(part, design.index, own)[kept]).fillna(0.0) for part in X)

    def _drawn(self, values: FloatArray, gaps: np.ndarray, place: dict[str, int]) -> FloatArray:
        m = self.n_imputations
        X = np.repeat(np.where(gaps, 0.0, values)[None], m, axis=0)
        missing = []
        for model in self.models:
            at = [place[name] for name in model.columns]
            lost = np.flatnonzero(gaps[:, at].any(axis=1))
            missing.append(lost)
            X[cells(m, lost, at)] = model.first
        u = np.stack([self._quantiles(row) for row in values], axis=3)  # (rounds, findings, m, n)
        for round_ in range(self.iterations):
            for i, (model, lost) in enumerate(zip(self.models, missing, strict=True)):
                if not len(lost):
                    continue
                at, others = ([place[name] for name in names] for names in (model.columns, model.others))
                Z = (X[cells(m, lost, others)] - np.array(model.mean)) / np.array(model.scale)
                Z = np.concatenate([np.ones((m, len(lost), 1)), Z], axis=2)
                X[cells(m, lost, at)] = model.draw(Z, u[round_, i][:, lost])
        return X

    def _quantiles(self, row: FloatArray) -> FloatArray:
        """Return quantiles, shape (rounds, findings, m), spread evenly over the imputations in random order."""
        digest = hashlib.sha256(np.where(np.isnan(row), np.nan, row + 0.0).tobytes()).digest()
        rng = np.random.default_rng([*self.seed, *np.frombuffer(digest, dtype="<u4").tolist()])
        shape = (self.iterations, len(self.models), self.n_imputations)
        order = np.argsort(rng.random(shape), axis=2, kind="stable")
        return np.asarray((order + rng.random(shape)) / self.n_imputations)

    def to_dict(self) -> dict[str, Any]:
        """Return it as a dictionary for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Imputer:
        """Rebuild it from `to_dict`."""
        models = tuple(
            (LevelModel if "levels" in model else NumberModel)(**{key: _frozen(value) for key, value in model.items()})
            for model in body["models"]
        )
        return cls(models, int(body["n_imputations"]), int(body["iterations"]), tuple(map(int, body["seed"])))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
