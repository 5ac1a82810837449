"""Coverage of the intervals of Cox models and the size of the test of proportional hazards. Simulated data."""

from __future__ import annotations

import warnings

import numpy as np

from benchmarks.coverage import register
from vcfstats import cox_table
from vcfstats.statistics.regression import SeparationWarning

# About 10 or 60 events: exponential times with mean 1, censored uniformly; a rare binary and a normal covariate.
DESIGNS = [
    {"n": n, "last": last, "ties": ties} for n, last in ((70, 0.25), (70, 3.0), (164, 3.0)) for ties in ("none", "many")
]
LOG_HR = np.array([0.7, 0.5])


def _draw(design, generator):
    n = design["n"]
    X = np.column_stack([generator.random(n) < 0.25, generator.normal(size=n)]).astype(float)
    truth, end = generator.exponential(np.exp(-X @ LOG_HR)), generator.uniform(0, design["last"], n)
    time, event = np.minimum(truth, end), truth <= end
    if design["ties"] == "many":
        time = np.ceil(time / design["last"] * 12)
    return time, event, X


def _model(time, event, X, ties="efron"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        return cox_table(time, event, X, univariable=False, ties=ties).multivariable


@register("cox", designs=DESIGNS, replicates=250)
def binary_covariate(design, generator):
    """Log hazard ratio of a binary covariate of a quarter of the patients, beside a normal one; an infinite one has no Wald
    interval. Many: times in twelve steps."""
    time, event, X = _draw(design, generator)
    found = {}
    model = _model(time, event, X)
    for method in ("wald", "profile"):
        low, high = model.confidence_interval(method=method, scale="log hazard ratio")
        found[f"{method}, efron"] = (low[0], high[0])
    low, high = _model(time, event, X, "breslow").confidence_interval(scale="log hazard ratio")
    return LOG_HR[0], found | {"wald, breslow": (low[0], high[0])}


@register("cox", designs=DESIGNS, replicates=250)
def proportional_hazards(design, generator):
    """Share of the tests of proportional hazards that rightly keep a true hypothesis, by transform, both covariates at once."""
    model = _model(*_draw(design, generator))
    if model.infinite.any():
        raise ValueError("no finite hazard ratio")
    found = {}
    for transform in ("km", "rank", "identity", "log"):
        p = model.proportional_hazards(transform=transform).global_pvalue
        kept = p >= 0.05
        found[transform] = (-1.0, 1.0) if kept else (1.0, 2.0)
    return 0.0, found
