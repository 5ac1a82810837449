"""Coverage of the intervals of AUCs. Scores are binormal; all data are simulated."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from benchmarks.coverage import DESIGNS, register
from vcfstats import (
    bootstrap_aucs,
    clustered_auc,
    delong_test,
    delong_test_unpaired,
    partial_auc,
    roc_auc,
)


def binormal(design, generator, aucs, correlation=0.5):
    """Outcome, and a score for each AUC: unit variances, the scores of a patient correlated."""
    y = np.repeat([1, 0], [design["events"], design["n"] - design["events"]])
    shift = math.sqrt(2) * stats.norm.ppf(aucs)
    shared = generator.normal(size=(design["n"], 1))
    own = generator.normal(size=(design["n"], len(aucs)))
    return y, math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own + y[:, None] * shift


@register("roc", designs=[{**d, "auc": a} for d in DESIGNS for a in (0.7, 0.8, 0.9, 0.95)])
def auc_intervals(design, generator):
    """The AUC: DeLong, logit-DeLong (and both with the unbiased variance), Hanley-McNeil and Newcombe."""
    y, scores = binormal(design, generator, [design["auc"]])
    result = roc_auc(y, scores[:, 0])
    found = {
        method: result.confidence_interval(0.95, method)
        for method in ("delong", "logit-delong", "hanley-mcneil", "newcombe")
    }
    unbiased = roc_auc(y, scores[:, 0], unbiased=True)
    found["logit-delong, unbiased variance"] = unbiased.confidence_interval(0.95, "logit-delong")
    return design["auc"], found


@register("roc", designs=[{**d, "auc": a} for d in DESIGNS for a in (0.8, 0.95)], replicates=2000)
def auc_bootstrap_intervals(design, generator):
    """The AUC by the stratified bootstrap of 1,000 resamples."""
    y, scores = binormal(design, generator, [design["auc"]])
    replicates = bootstrap_aucs(y, scores, n_resamples=1000, random_state=generator).contrast([1.0])
    methods = ("percentile", "basic", "bca", "normal")
    return design["auc"], {f"bootstrap {m}": replicates.confidence_interval(0.95, m) for m in methods}


@register("roc", designs=[{**d, "auc_a": 0.85, "auc_b": b} for d in DESIGNS for b in (0.75, 0.85)])
def paired_difference(design, generator):
    """The difference of two AUCs on the same patients, scores correlated 0.5."""
    y, scores = binormal(design, generator, [design["auc_a"], design["auc_b"]])
    found = delong_test(y, *scores.T).confidence_interval(0.95)
    unbiased = delong_test(y, *scores.T, unbiased=True).confidence_interval(0.95)
    return design["auc_a"] - design["auc_b"], {"delong": found, "delong, unbiased variance": unbiased}


@register("roc", designs=[{**d, "auc_a": 0.85, "auc_b": b} for d in DESIGNS for b in (0.75, 0.85)])
def unpaired_difference(design, generator):
    """The difference of two AUCs on two groups of the same size, t reference."""
    y, first = binormal(design, generator, [design["auc_a"]])
    _, second = binormal(design, generator, [design["auc_b"]])
    test = delong_test_unpaired(y, first[:, 0], y, second[:, 0])
    return design["auc_a"] - design["auc_b"], {"delong, t": test.confidence_interval(0.95)}


@register(
    "roc", designs=[{**d, "auc": a, "specificity": "0.8-1"} for d in DESIGNS[:4] for a in (0.8, 0.9)], replicates=500
)
def partial_auc_bootstrap(design, generator):
    """The area over specificities 0.8 to 1, by the stratified bootstrap of 500 resamples."""
    y, scores = binormal(design, generator, [design["auc"]])
    shift = math.sqrt(2) * stats.norm.ppf(design["auc"])
    grid = (np.arange(20_000) + 0.5) / 20_000 * 0.2
    truth = 0.2 * float(np.mean(stats.norm.cdf(shift + stats.norm.ppf(grid))))
    replicates = partial_auc(y, scores[:, 0], bounds=(0.8, 1)).bootstrap(n_resamples=500, random_state=generator)
    return truth, {f"bootstrap {m}": replicates.confidence_interval(0.95, m) for m in ("percentile", "basic", "bca")}


@register("roc", designs=[{"patients": p, "lesions": 3, "auc": a} for p in (15, 30, 100) for a in (0.7, 0.8, 0.9)])
def clustered_intervals(design, generator):
    """Three lesions a patient, intraclass correlation of scores 0.5 and of outcomes about 0.3; naive DeLong for contrast."""
    patients = np.repeat(np.arange(design["patients"]), design["lesions"])
    lean = generator.normal(size=design["patients"])[patients]
    y = (0.7 * lean + generator.normal(size=patients.size) > 0.4).astype(int)
    noise = math.sqrt(0.5) * (
        generator.normal(size=design["patients"])[patients] + generator.normal(size=patients.size)
    )
    score = noise + y * math.sqrt(2) * stats.norm.ppf(design["auc"])
    result = clustered_auc(y, score, clusters=patients)
    naive = roc_auc(y, score).confidence_interval(0.95, "logit-delong")
    found = {f"obuchowski {m}": result.confidence_interval(0.95, m) for m in ("wald", "logit")}
    return design["auc"], {**found, "logit-delong, clusters ignored": naive}
