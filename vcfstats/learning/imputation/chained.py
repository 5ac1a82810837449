"""Chained equations: training patients' missing findings drawn in turn from their distribution given all else.

Of the libraries at hand scikit-learn's IterativeImputer draws numbers alone, no levels, and that of statsmodels matches
predictions for every type and keeps no model for the next patient; hence our own. A finding that is a number is imputed by
predictive mean matching, one of two or more levels by a Bayesian (multinomial) logistic regression. The outcome is among the
predictors, since without it the associations that the model is about would be diluted (Moons et al. 2006).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vcfstats.learning.imputation.conditional import (
    cells,
    drawn_level,
    levels_draw,
    linear_draw,
    matched,
    probabilities,
)
from vcfstats.learning.imputation.newcomers import Imputer, LevelModel, NumberModel
from vcfstats.learning.linear import Column
from vcfstats.learning.settings import ImputationSettings
from vcfstats.statistics.inputs import BoolArray, FloatArray


@dataclass(frozen=True)
class _Finding:
    """A finding by the positions of its columns; `levels` are those that occur, 0 the reference, None for a number."""

    name: str
    at: tuple[int, ...]
    levels: tuple[int, ...] | None
    known: BoolArray

    def codes(self, values: FloatArray) -> np.ndarray:
        """Return the position among `levels` of each row of shape (n, len(at))."""
        level = np.where(values.any(axis=1), values.argmax(axis=1) + 1, 0)
        return np.searchsorted(np.array(self.levels), level)

    def columns(self, codes: np.ndarray) -> FloatArray:
        """Return the columns of positions among `levels`, one axis more than `codes`."""
        level = np.array(self.levels)[codes]
        return np.asarray(level[..., None] == np.arange(1, len(self.at) + 1), dtype=np.float64)


def impute(
    design: pd.DataFrame,
    outcome: np.ndarray,
    columns: Mapping[str, Column],
    settings: ImputationSettings,
    seed: np.random.SeedSequence,
) -> tuple[tuple[pd.DataFrame, ...], Imputer]:
    """Impute training rows by chained equations and learn what imputes a patient whose outcome nobody knows.

    Parameters
    ----------
    design : DataFrame of shape (n, p)
        Coded findings of training cases, NaN where missing.
    outcome : ndarray of shape (n,)
        0/1, of these cases.
    columns : mapping
        Column of the design -> what it means.
    settings : ImputationSettings
        Imputations, rounds, donors.
    seed : SeedSequence
        Random numbers.

    Returns
    -------
    completed : tuple of DataFrame
        The rows as often as there are imputations, each without a gap; a finding that nobody has is 0. Where nothing is
        missing, the design itself, once.
    imputer : Imputer
        Models of each finding given the others, without the outcome: one set from each completed data set.

    References
    ----------
    van Buuren and Groothuis-Oudshoorn (2011), doi 10.18637/jss.v045.i03. Moons, Donders, Stijnen and Harrell (2006), doi
    10.1016/j.jclinepi.2006.01.009. White, Royston and Wood (2011), doi 10.1002/sim.4067.
    """
    rng = np.random.default_rng(seed)
    names = [str(name) for name in design if design[name].notna().any()]
    values = design[names].to_numpy(dtype=np.float64)
    findings = _findings(values, names, columns)
    m = settings.n_imputations
    X = np.repeat(np.where(np.isnan(values), 0.0, values)[None], m, axis=0)
    gaps = [finding for finding in findings if not finding.known.all()]
    for finding in gaps:  # the chains start at values of other patients
        given, lost = values[finding.known][:, finding.at], np.flatnonzero(~finding.known)
        X[cells(m, lost, finding.at)] = given[rng.integers(len(given), size=(m, len(lost)))]
    centre, scale = _standards(values)
    y = (outcome - outcome.mean()) / (outcome.std() or 1.0)
    modes: dict[str, FloatArray] = {}
    for _ in range(settings.iterations if gaps else 0):
        for finding in gaps:
            Z = _predictors(X, finding, centre, scale, y)
            given, lost = values[finding.known][:, finding.at], np.flatnonzero(~finding.known)
            drawn = _drawn(finding, Z[:, finding.known], given, Z[:, lost], settings.donors, rng, modes)
            X[cells(m, lost, finding.at)] = drawn
    completed = tuple(
        pd.DataFrame(part, index=design.index, columns=names).reindex(columns=design.columns, fill_value=0.0)
        for part in (X if gaps else X[:1])  # without gaps the imputations are one
    )
    models = [_model(X, finding, names, centre, scale, values, rng) for finding in findings]
    words = tuple(int(word) for word in seed.generate_state(4))
    return completed, Imputer(tuple(models), m, settings.iterations, words)


def _drawn(
    finding: _Finding,
    inside: FloatArray,
    given: FloatArray,
    lost: FloatArray,
    donors: int,
    rng: np.random.Generator,
    modes: dict[str, FloatArray],
) -> FloatArray:
    """Draw a finding's columns in the rows `lost`, shape (m, r, columns), by what the rows `inside` teach."""
    if finding.levels is None:
        estimate, drawn, _ = linear_draw(inside, given[:, 0], rng)
        seen, wanted = (np.einsum("mni,mi->mn", part, b) for part, b in ((inside, estimate), (lost, drawn)))
        return matched(seen, wanted, given[:, 0], donors, rng)[..., None]
    if len(finding.levels) == 1:
        return np.broadcast_to(given[0], (*lost.shape[:2], given.shape[1]))
    codes, k, name = finding.codes(given), len(finding.levels), finding.name
    modes[name], beta = levels_draw(inside, codes, k, rng, modes.get(name))
    p = probabilities(lost, beta)
    return finding.columns(drawn_level(p, rng.random(p.shape[:2])))


def _findings(values: FloatArray, names: list[str], columns: Mapping[str, Column]) -> list[_Finding]:
    found = []
    for variable in dict.fromkeys(columns[name].variable for name in names):
        at = tuple(j for j, name in enumerate(names) if columns[name].variable == variable)
        known = np.asarray(~np.isnan(values[:, at]).any(axis=1), dtype=np.bool_)
        levels: tuple[int, ...] | None = None
        if columns[names[at[0]]].level is not None:
            own = values[known][:, at]
            levels = tuple(np.unique(np.where(own.any(axis=1), own.argmax(axis=1) + 1, 0)).tolist())
        found.append(_Finding(variable, at, levels, known))
    return found


def _standards(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of the known values of each column; 1 for that of one that does not vary."""
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    centre = np.where(known, values, 0.0).sum(axis=0) / n
    scale = np.sqrt(np.where(known, np.square(values - centre), 0.0).sum(axis=0) / n)
    return centre, np.where(scale > 1e-12 * np.abs(centre), scale, 1.0)


def _predictors(
    X: FloatArray, finding: _Finding, centre: FloatArray, scale: FloatArray, outcome: FloatArray | None
) -> FloatArray:
    """Return ones, the other findings standardised and, where it is given, the outcome; shape (m, n, q)."""
    m, n, p = X.shape
    others = [j for j in range(p) if j not in finding.at]
    parts = [np.ones((m, n, 1)), (X[:, :, others] - centre[others]) / scale[others]]
    if outcome is not None:
        parts.append(np.broadcast_to(outcome[None, :, None], (m, n, 1)))
    return np.concatenate(parts, axis=2)


def _model(
    X: FloatArray,
    finding: _Finding,
    names: list[str],
    centre: FloatArray,
    scale: FloatArray,
    values: FloatArray,
    rng: np.random.Generator,
) -> NumberModel | LevelModel:
    """Fit what imputes the finding in a new patient: on the rows that know it, the other findings as they were completed."""
    inside = _predictors(X, finding, centre, scale, None)[:, finding.known]
    others = [j for j in range(len(names)) if j not in finding.at]
    shared: dict[str, Any] = {
        "variable": finding.name,
        "columns": tuple(names[j] for j in finding.at),
        "others": tuple(names[j] for j in others),
        "mean": tuple(centre[others].tolist()),
        "scale": tuple(scale[others].tolist()),
    }
    given = values[finding.known][:, finding.at]
    if finding.levels is None:
        _, drawn, sigma = linear_draw(inside, given[:, 0], rng)
        return NumberModel(
            **shared,
            coefficients=_nested(drawn),
            sigma=tuple(sigma.tolist()),
            low=float(given.min()),
            high=float(given.max()),
            start=float(given.mean()),
        )
    codes = finding.codes(given)
    k = len(finding.levels)
    beta = levels_draw(inside, codes, k, rng)[1] if k > 1 else np.zeros((len(X), 0, inside.shape[2]))
    start = int(np.argmax(np.bincount(codes, minlength=k)))
    return LevelModel(
        **shared, coefficients=tuple(_nested(part) for part in beta), levels=finding.levels, start=finding.levels[start]
    )


def _nested(values: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values.tolist())
