"""Coverage of the intervals of optimism-corrected measures, for the performance of the fitted model in new patients."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from benchmarks.coverage import register
from vcfstats import optimism_bootstrap
from vcfstats.statistics.glm import fit_logistic
from vcfstats.statistics.validation.measures import evaluate

_TEST = 30_000
_COEF = np.array([0.8, 0.5, 0.0, 0.0, 0.0])
DESIGNS = [
    {"n": 70, "prevalence": 0.37},
    {"n": 164, "prevalence": 0.37},
    {"n": 164, "prevalence": 0.1},
    {"n": 500, "prevalence": 0.37},
]


def _draw(design, generator):
    start = {0.37: -0.62, 0.1: -2.65}[design["prevalence"]]
    X = generator.normal(size=(design["n"], 5))
    y = generator.random(design["n"]) < expit(start + X @ _COEF)
    fit = fit_logistic(np.column_stack([np.ones(design["n"]), X]), y)
    new = generator.normal(size=(_TEST, 5))
    outcome = generator.random(_TEST) < expit(start + new @ _COEF)
    prob = expit(fit.coef[0] + new @ fit.coef[1:])
    return X, y, evaluate(outcome, prob, ("auc", "brier"))


def _intervals(result, measures, method):
    return {m: result.confidence_interval(m, method=method) for m in measures}


def _against(truth, apparent, result):
    """The study has one truth, that of the AUC; the Brier score's interval is moved to it."""
    shift = truth[1] - truth[0]
    return {
        f"{name} {method}": tuple(np.array(interval) - (shift if name == "brier" else 0.0))
        for method in apparent
        for name, interval in _intervals(result, ("auc", "brier"), method).items()
    }


@register("validation", designs=DESIGNS, replicates=300)
def location_shifted(design, generator):
    """Corrected AUC and Brier score of a logistic model of 5 predictors (2 of use): apparent percentiles, shifted; B = 200."""
    X, y, truth = _draw(design, generator)
    result = optimism_bootstrap("logistic", X, y, measures=("auc", "brier"), n_resamples=200, random_state=generator)
    return truth[0], _against(truth, ("location-shifted",), result)


@register("validation", designs=DESIGNS[:2], replicates=300)
def two_stage(design, generator):
    """The same, by the two-stage bootstrap: 150 outer resamples, each corrected by 20."""
    X, y, truth = _draw(design, generator)
    result = optimism_bootstrap(
        "logistic", X, y, measures=("auc", "brier"), n_resamples=200, n_outer=150, n_inner=20, random_state=generator
    )
    return truth[0], _against(truth, ("location-shifted", "two-stage"), result)
