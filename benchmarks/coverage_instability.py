"""Coverage of the intervals of average precision, and what the ranges of unstable predictions hold. Simulated data."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit

from benchmarks.coverage import DESIGNS, register
from benchmarks.coverage_roc import binormal
from vcfstats import precision_recall_curve, prediction_instability
from vcfstats.statistics.glm import fit_logistic


def true_average_precision(auc, share):
    """Integral of precision over recall of two normal distributions."""
    shift = np.sqrt(2) * stats.norm.ppf(auc)

    def precision(recall):
        false = stats.norm.sf(stats.norm.isf(recall) + shift)
        return share * recall / (share * recall + (1 - share) * false)

    return quad(precision, 0, 1, limit=200)[0]


AP_DESIGNS = [
    {**d, "auc": a, "truth": true_average_precision(a, d["events"] / d["n"])} for d in DESIGNS for a in (0.7, 0.9)
]


@register("instability", designs=AP_DESIGNS, replicates=2000)
def average_precision(design, generator):
    """Average precision of a binormal score (`truth`: the area under the curve of the population)."""
    y, scores = binormal(design, generator, [design["auc"]])
    curve = precision_recall_curve(y, scores[:, 0])
    return design["truth"], {method: curve.confidence_interval(method=method) for method in ("logit", "binomial")}


@register("instability", designs=[d for d in AP_DESIGNS if d["auc"] == 0.9 and d["n"] < 1000], replicates=300)
def average_precision_bootstrap(design, generator):
    """The same by percentiles of 400 resamples of patients within classes."""
    y, scores = binormal(design, generator, [design["auc"]])
    drawn = precision_recall_curve(y, scores[:, 0]).bootstrap(n_resamples=400, random_state=generator)
    return design["truth"], {"bootstrap": drawn.confidence_interval()}


@register("instability", designs=[{"n": n, "predictors": p} for n in (70, 164) for p in (3, 10)], replicates=200)
def range_of_one_patient(design, generator):
    """The true risk of one patient (the first), in the 95% range of its risks by 100 resamples' logistic models; about 37% events."""
    n, p = design["n"], design["predictors"]
    X = np.column_stack([np.ones(n), generator.normal(size=(n, p))])
    risk = expit(X @ np.array([-0.6, 0.8, 0.6, *np.zeros(p - 2)]))
    y = generator.random(n) < risk

    def predictions(rows):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return expit(np.clip(X @ fit_logistic(X[rows], y[rows]).coef, -30, 30))

    drawn = [predictions(generator.integers(0, n, n)) for _ in range(100)]
    result = prediction_instability(y, predictions(np.arange(n)), drawn)
    return float(risk[0]), {"range": (result.low[0], result.high[0])}
