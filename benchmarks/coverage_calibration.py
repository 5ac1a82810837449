"""Coverage of the intervals of calibration, net benefit and reclassification, and the size of the calibration tests.

Patients are simulated: the log odds of two models are bivariate normal around the true log odds, whose mean gives the
prevalence. The number of events is binomial around the design's.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from benchmarks.coverage import DESIGNS, register
from vcfstats import (
    bootstrap_ci,
    calibration_belt,
    calibration_summary,
    decision_curve,
    hosmer_lemeshow,
    integrated_discrimination,
    net_benefit_difference,
    net_reclassification,
    spiegelhalter_test,
)

SPREAD = 1.2  # standard deviation of the true log odds
INTERCEPT, SLOPE = -0.3, 0.8  # of the miscalibrated model: logit P = INTERCEPT + SLOPE lp
THRESHOLDS = (0.1, 0.3)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(201)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
SMALL = [design for design in DESIGNS if design["n"] < 1000]


@cache
def centre(n, events):
    return float(brentq(lambda m: WEIGHTS @ expit(m + SPREAD * NODES) - events / n, -15, 15))


def miscalibrated(lp):
    return (lp - INTERCEPT) / SLOPE


def one_model(design, generator, *, calibrated=False):
    lp = generator.normal(centre(design["n"], design["events"]), SPREAD, design["n"])
    y = generator.random(design["n"]) < expit(lp)
    return y, expit(lp if calibrated else miscalibrated(lp))


@cache
def truths(n, events):
    lp = centre(n, events) + SPREAD * NODES
    p, shown = expit(lp), expit(miscalibrated(lp))
    prevalence = WEIGHTS @ p
    brier = WEIGHTS @ (p * (1 - shown) ** 2 + (1 - p) * shown**2)
    large = brentq(lambda c: WEIGHTS @ expit(c + miscalibrated(lp)) - prevalence, -10, 10)
    return {
        "calibration_in_the_large": large,
        "intercept": INTERCEPT,
        "slope": SLOPE,
        "oe_ratio": prevalence / (WEIGHTS @ shown),
        "brier": brier,
        "scaled_brier": 1 - brier / (prevalence * (1 - prevalence)),
        "ici": WEIGHTS @ np.abs(p - shown),
    }


def shifted(interval, truth):
    return interval[0] - truth, interval[1] - truth


@register("calibration", designs=DESIGNS)
def summary_intervals(design, generator):
    """Closed intervals of calibration_summary, less the true value (so that the truth is 0)."""
    y, prob = one_model(design, generator)
    summary, truth = calibration_summary(y, prob, n_resamples=0), truths(design["n"], design["events"])
    measures = ("calibration_in_the_large", "intercept", "slope", "oe_ratio", "brier", "scaled_brier")
    found = {f"{m}, default": shifted(summary.confidence_interval(m), truth[m]) for m in measures}
    found["oe_ratio, exact"] = shifted(summary.confidence_interval("oe_ratio", method="exact"), truth["oe_ratio"])
    return 0.0, found


@register("calibration_profile", designs=SMALL, replicates=2000)
def profile_intervals(design, generator):
    """Profile-likelihood intervals, less the true value."""
    y, prob = one_model(design, generator)
    summary, truth = calibration_summary(y, prob, n_resamples=0), truths(design["n"], design["events"])
    measures = ("calibration_in_the_large", "intercept", "slope")
    return 0.0, {m: shifted(summary.confidence_interval(m, method="profile"), truth[m]) for m in measures}


@register(
    "calibration_smooth",
    designs=[
        {**d, "calibrated": c} for d in ({"n": 70, "events": 26}, {"n": 164, "events": 61}) for c in (True, False)
    ],
    replicates=400,
)
def ici_interval(design, generator):
    """Percentile bootstrap (200 resamples) of the ICI; the truth of a calibrated model is 0, where no interval reaches."""
    y, prob = one_model(design, generator, calibrated=design["calibrated"])
    summary = calibration_summary(y, prob, n_resamples=200, random_state=int(generator.integers(2**31)))
    truth = 0.0 if design["calibrated"] else truths(design["n"], design["events"])["ici"]
    return truth, {"ici, bootstrap": summary.confidence_interval("ici")}


@register("calibration_tests", designs=DESIGNS, replicates=2000)
def test_sizes(design, generator):
    """Tests at 5% of a calibrated model: the coverage is the share of samples in which the test does not reject."""
    y, prob = one_model(design, generator, calibrated=True)
    belt = calibration_belt(y, prob, n_points=4, confidence_levels=[0.95])
    tests = {
        "calibration_belt, external": belt.pvalue,
        "hosmer_lemeshow, external": hosmer_lemeshow(y, prob, devel="external").pvalue,
        "spiegelhalter": spiegelhalter_test(y, prob).pvalue,
        "unreliability": calibration_summary(y, prob, n_resamples=0).unreliability_pvalue,
    }
    return 0.0, {name: (float(p <= 0.05), float(p <= 0.05)) for name, p in tests.items()}


def two_models(design, generator):
    lp = generator.normal(centre(design["n"], design["events"]), SPREAD, design["n"])
    y = generator.random(design["n"]) < expit(lp)
    old, new = (lp + generator.normal(0, sd, design["n"]) for sd in (1.0, 0.5))
    return y, expit(old), expit(new)


@cache
def population(n, events):
    generator = np.random.default_rng(1)
    size = 2_000_000
    y, old, new = two_models({"n": size, "events": events * size / n}, generator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nri, category = net_reclassification(y, old, new), net_reclassification(y, old, new, cutoffs=THRESHOLDS)
    return {
        "net_benefit": decision_curve(y, new, THRESHOLDS).net_benefit[2],
        "difference": net_benefit_difference(y, old, new, THRESHOLDS).difference,
        "nri": nri.nri,
        "category": category.nri,
        "nri_events": category.nri_events,
        "idi": integrated_discrimination(y, old, new).idi,
    }


@register("decision", designs=DESIGNS)
def net_benefit_intervals(design, generator):
    """Wald intervals of the net benefit and of its paired difference at 0.1 and 0.3, less the true value."""
    y, old, new = two_models(design, generator)
    truth = population(design["n"], design["events"])
    band = decision_curve(y, new, THRESHOLDS).confidence_band()
    return 0.0, net_benefits(band, net_benefit_difference(y, old, new, THRESHOLDS).confidence_interval(), truth)


def net_benefits(band, difference, truth):
    """Limits of the model's net benefit and of the difference at each threshold, less the true value."""
    found = {}
    for j, t in enumerate(THRESHOLDS):
        row = band.iloc[2 * len(THRESHOLDS) + j]  # after treat all and treat none
        found[f"net benefit at {t}"] = shifted((row["low"], row["high"]), truth["net_benefit"][j])
        found[f"difference at {t}"] = shifted((difference[0][j], difference[1][j]), truth["difference"][j])
    return found


@register("reclassification", designs=DESIGNS)
def reclassification_intervals(design, generator):
    """Wald intervals of the NRI (continuous; categories at 0.1 and 0.3) and the IDI, less the true value."""
    y, old, new = two_models(design, generator)
    truth = population(design["n"], design["events"])
    category = net_reclassification(y, old, new, cutoffs=THRESHOLDS)
    return 0.0, {
        "continuous NRI": shifted(net_reclassification(y, old, new).confidence_interval(), truth["nri"]),
        "categorical NRI": shifted(category.confidence_interval(), truth["category"]),
        "categorical NRI, events": shifted(category.confidence_interval(component="events"), truth["nri_events"]),
        "IDI": shifted(integrated_discrimination(y, old, new).confidence_interval(), truth["idi"]),
    }


@register("few_events", designs=[d for d in SMALL if d["events"] < 10], replicates=5000)
def bootstrap_with_few_events(design, generator):
    """Percentile bootstrap (400 resamples) where Wald's interval is too short, less the true value."""
    y, prob = one_model(design, generator)
    brier = bootstrap_ci((prob - y) ** 2, np.mean, n_resamples=400, random_state=generator)
    return 0.0, {"brier": shifted(brier.confidence_interval(), truths(design["n"], design["events"])["brier"])}
