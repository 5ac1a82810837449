"""One model, one test from the completed data sets of multiple imputation; with a single one, its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from vcfstats.learning.linear import Column, LinearModel, fit_linear
from vcfstats.statistics.glm import fit_logistic
from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.pooled_tests import pool_chi_squares, pool_wald
from vcfstats.statistics.pooling import PooledEstimate, pool_imputations


def fit_pooled(
    designs: Sequence[pd.DataFrame],
    outcome: np.ndarray,
    *,
    name: str,
    columns: Mapping[str, Column],
    penalty_c: float | None = None,
    shrink: bool = False,
) -> LinearModel:
    """Fit `fit_linear` to each completed data set and pool coefficients and their covariance by Rubin's rules.

    Parameters
    ----------
    designs : sequence of DataFrame of shape (n, p)
        Completed data sets, columns alike.
    outcome, name, columns, penalty_c, shrink
        As for `fit_linear`.

    Returns
    -------
    LinearModel
        Mean coefficients; covariance mean U + (1 + 1/m) B.
    """
    models = [
        fit_linear(design, outcome, name=name, columns=dict(columns), penalty_c=penalty_c, shrink=shrink)
        for design in designs
    ]
    if len(models) == 1:
        return models[0]
    m = len(models)
    coef = coefficients_of(models)
    mean = coef.mean(axis=0)
    total: FloatArray | None = None
    errors: list[float | None] = [None] * len(mean)
    if all(model.covariance is not None for model in models):
        within = np.mean([np.array(model.covariance) for model in models], axis=0)
        total = within + (1 + 1 / m) * np.atleast_2d(np.cov(coef, rowvar=False, ddof=1))
        errors = np.sqrt(np.diagonal(total)).tolist()
    terms = tuple(
        replace(
            term,
            coefficient=float(mean[j + 1]),
            standard_error=errors[j + 1],
            low=min(model.terms[j].low for model in models),
            high=max(model.terms[j].high for model in models),
            mean=float(np.mean([model.terms[j].mean for model in models])),
            scale=float(np.mean([model.terms[j].scale for model in models])),
        )
        for j, term in enumerate(models[0].terms)
    )
    return LinearModel(
        name,
        f"{_methods(models)}; pooled over {m} imputations",
        float(mean[0]),
        errors[0],
        terms,
        models[0].n,
        models[0].n_events,
        None if total is None else tuple(tuple(row) for row in total.tolist()),
        float(np.mean(factors)) if (factors := [s for model in models if (s := model.shrinkage) is not None]) else None,
    )


def _methods(models: Sequence[LinearModel]) -> str:
    found = [model.method for model in models]
    counts = {method: found.count(method) for method in sorted(set(found))}
    return found[0] if len(counts) == 1 else ", ".join(f"{name} in {count}" for name, count in counts.items())


def coefficients_of(models: Sequence[LinearModel]) -> FloatArray:
    """Return intercepts and coefficients, one row a model."""
    return np.array([[model.intercept, *(term.coefficient for term in model.terms)] for model in models])


def pooled_terms(
    designs: Sequence[pd.DataFrame], outcome: np.ndarray, columns: Mapping[str, Column]
) -> list[tuple[str, PooledEstimate]]:
    """Return each column of a logistic regression with its pooled coefficient, degrees of freedom by Barnard and Rubin."""
    models = [fit_linear(design, outcome, name="", columns=dict(columns)) for design in designs]
    coef = coefficients_of(models)
    errors = np.array([[term.standard_error for term in model.terms] for model in models], dtype=np.float64)
    df = max(len(outcome) - coef.shape[1], 1)
    return [
        (str(column), pool_imputations(coef[:, j + 1], errors[:, j], df_complete=df))
        for j, column in enumerate(designs[0].columns)
    ]


def stored(pooled: Sequence[tuple[str, PooledEstimate]]) -> list[dict[str, Any]]:
    """Return pooled coefficients as dictionaries for JSON."""
    return [{"column": column, **asdict(estimate)} for column, estimate in pooled]


def pooled_test(designs: Sequence[pd.DataFrame], outcome: np.ndarray, tested: Sequence[str], how: str) -> float:
    """Return the p value of the tested columns given the others.

    Wald's test over imputations is D1, the likelihood ratio D2. Wald's is undefined under separation, where the likelihood
    ratio is taken.
    """
    names = list(designs[0].columns)
    at = [1 + names.index(name) for name in tested]
    full = []
    for design in designs:
        X = np.column_stack([np.ones(len(design)), design.to_numpy(dtype=np.float64)])
        full.append((X, fit_logistic(X, outcome)))
    if how == "wald" and not any(fit.separated for _, fit in full):
        coef = np.array([fit.coef[at] for _, fit in full])
        covariance = np.array([fit.covariance[np.ix_(at, at)] for _, fit in full])
        if len(designs) > 1:
            return pool_wald(coef, covariance).pvalue
        return float(chdtrc(len(at), float(coef[0] @ np.linalg.solve(covariance[0], coef[0]))))
    ratios = [max(0.0, 2 * (fit.loglik - fit_logistic(np.delete(X, at, axis=1), outcome).loglik)) for X, fit in full]
    if len(designs) > 1:
        return pool_chi_squares(ratios, len(at)).pvalue
    return float(chdtrc(len(at), ratios[0]))


def each_probability(model: LinearModel, designs: Sequence[pd.DataFrame]) -> FloatArray:
    """Return the probabilities of the cases as each imputation completes them, shape (m, n)."""
    return np.array([model.predict(design) for design in designs])


def averaged(each: FloatArray) -> FloatArray:
    """Return the mean over imputations: the expected probability given what is known of the case, shape (n,).

    Where nothing of a case was imputed it is the one probability, to the bit.
    """
    same = (each == each[0]).all(axis=0) | np.isnan(each[0])
    return np.asarray(np.where(same, each[0], each.mean(axis=0)))
