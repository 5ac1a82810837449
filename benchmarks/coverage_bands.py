"""Coverage of what is drawn as a band or read off a curve: calibration curves and belts, decision curves by bootstrap, ROC
curves, optimal thresholds, nomogram probabilities, calibration at a time. Patients are simulated, as in coverage_calibration.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from benchmarks.coverage import register
from benchmarks.coverage_calibration import (
    INTERCEPT,
    SLOPE,
    SPREAD,
    THRESHOLDS,
    centre,
    miscalibrated,
    net_benefits,
    one_model,
    population,
    shifted,
    two_models,
)
from vcfstats import (
    Nomogram,
    calibration_belt,
    calibration_curve,
    decision_curve,
    net_benefit_difference,
    optimal_threshold,
    roc_band,
    survival_calibration,
)
from vcfstats.statistics.glm import fit_logistic

COMMON = [{"n": 70, "events": 26}, {"n": 164, "events": 61}, {"n": 1000, "events": 370}]
FEW = [{"n": 70, "events": 4}, {"n": 164, "events": 8}, {"n": 1000, "events": 50}]
QUANTILES = (0.1, 0.5, 0.9)


def _shown(design, quantile):
    """Return the predicted probability at a quantile of its distribution."""
    return expit(miscalibrated(centre(design["n"], design["events"]) + SPREAD * norm.ppf(quantile)))


@register("calibration_bands", designs=[*COMMON, *FEW], replicates=1000)
def curve_bands(design, generator):
    """Pointwise bands of calibration_curve at three quantiles of the predictions, less the true probability there.

    The logistic and the spline model hold the true curve, the local polynomial only nearly.
    """
    y, prob = one_model(design, generator)
    found = {}
    grid = np.array([_shown(design, q) for q in QUANTILES])
    truth = expit(INTERCEPT + SLOPE * logit(grid))
    for method in ("loess", "rcs", "logistic"):
        curve = calibration_curve(y, prob, method=method, surface="direct" if method == "loess" else None, grid=grid)
        for j, quantile in enumerate(QUANTILES):
            found[f"{method}, quantile {quantile}"] = (curve.low[j] - truth[j], curve.high[j] - truth[j])
    return 0.0, found


@register("calibration_bands", designs=[*COMMON, *FEW], replicates=1000)
def belt_region(design, generator):
    """Belts of 95%: samples in which the whole true curve lies within, over the range of the predictions.

    "external": a model calibrated or not, which others fitted. "internal": logistic regression on these very data, whose
    true curve is that of its own coefficients.
    """
    found = {}
    for name, calibrated in (("external, calibrated", True), ("external, miscalibrated", False)):
        y, prob = one_model(design, generator, calibrated=calibrated)
        belt = calibration_belt(y, prob, confidence_levels=[0.95], n_points=40)
        lp = logit(belt.predicted)
        found[name] = _inside(belt, expit(lp if calibrated else INTERCEPT + SLOPE * lp))
    x = generator.normal(size=design["n"])
    eta = centre(design["n"], design["events"]) + SPREAD * x
    y = generator.random(design["n"]) < expit(eta)
    fit = fit_logistic(np.column_stack([np.ones_like(x), x]), y)
    if fit.separated:
        found["internal"] = (np.nan, np.nan)
    else:
        belt = calibration_belt(
            y, expit(fit.coef[0] + fit.coef[1] * x), devel="internal", confidence_levels=[0.95], n_points=40
        )
        at = (logit(belt.predicted) - fit.coef[0]) / fit.coef[1]
        found["internal"] = _inside(belt, expit(centre(design["n"], design["events"]) + SPREAD * at))
    return 0.0, found


def _inside(belt, truth):
    if np.isnan(belt.low).any():
        return np.nan, np.nan
    inside = np.all((belt.low[0] <= truth + 1e-9) & (truth <= belt.high[0] + 1e-9))
    return (-0.5, 0.5) if inside else (1.0, 2.0)


@register("decision_bootstrap", designs=[*COMMON, *FEW], replicates=1000)
def bootstrap_bands(design, generator):
    """Percentile bootstrap (400 resamples) of the net benefit and of its paired difference, less the true value."""
    y, old, new = two_models(design, generator)
    truth = population(design["n"], design["events"])
    band = decision_curve(y, new, THRESHOLDS).confidence_band(
        method="bootstrap", n_resamples=400, random_state=generator
    )
    difference = net_benefit_difference(y, old, new, THRESHOLDS).confidence_interval(
        method="bootstrap", n_resamples=400, random_state=generator
    )
    return 0.0, net_benefits(band, difference, truth)


@register("nomogram", designs=[*COMMON, *FEW], replicates=5000)
def prediction_intervals(design, generator):
    """Probability of three patients read off a nomogram of a continuous and a binary predictor, less the true one."""
    import pandas as pd

    n = design["n"]
    frame = pd.DataFrame({"x": generator.normal(size=n), "z": (generator.random(n) < 0.4) * 1.0})
    constant = centre(n, design["events"]) - 0.4
    y = generator.random(n) < expit(constant + SPREAD * frame["x"] + frame["z"])
    fit = fit_logistic(np.column_stack([np.ones(n), frame]), y)
    patients = pd.DataFrame({"x": [-1.0, 0.0, 1.5], "z": [0.0, 1.0, 1.0]})
    if fit.separated:
        return 0.0, {f"patient {j + 1}": (np.nan, np.nan) for j in range(3)}
    model = Nomogram.from_coefficients(
        {"Intercept": fit.coef[0], "x": fit.coef[1], "z": fit.coef[2]}, frame, covariance=fit.covariance
    )
    interval = model.prediction_interval(patients)
    truth = expit(constant + SPREAD * patients["x"] + patients["z"]).to_numpy()
    return 0.0, {
        f"patient {j + 1}": (interval["low"].iloc[j] - truth[j], interval["high"].iloc[j] - truth[j]) for j in range(3)
    }


_DISTANCE = 1.2  # of the means of events and non-events, normal with SD 1: AUC 0.80


@register("roc_curve_bootstrap", designs=[*COMMON[:2], *FEW[:2]], replicates=600)
def thresholds_and_curves(design, generator):
    """Percentile bootstrap (300 resamples) on binormal scores: Youden's threshold, sensitivity and specificity at it, and the
    sensitivity at three specificities, less the true value."""
    y = np.arange(design["n"]) < design["events"]
    score = generator.normal(size=design["n"]) + _DISTANCE * y
    best = optimal_threshold(y, score)
    at = norm.cdf(_DISTANCE / 2)
    replicates = best.bootstrap(n_resamples=300, random_state=generator)
    found = {}
    for column, (name, truth) in enumerate((("threshold", _DISTANCE / 2), ("sensitivity", at), ("specificity", at))):
        interval = replicates.contrast(np.eye(3)[column]).confidence_interval(0.95, "percentile")
        found[f"optimal {name}"] = shifted((float(interval.low), float(interval.high)), truth)
    grid = np.array([0.5, 0.8, 0.9])
    band = roc_band(y, score, specificity=grid, n_resamples=300, random_state=generator)
    for j, specificity in enumerate(grid):
        truth = norm.sf(norm.ppf(specificity) - _DISTANCE)
        found[f"sensitivity at specificity {specificity}"] = (band.low[j] - truth, band.high[j] - truth)
    return 0.0, found


@register(
    "survival_calibration",
    designs=[{"n": n, "censoring": c} for n in (70, 164, 1000) for c in (0.3, 1.0)],
    replicates=4000,
)
def calibration_at_a_time(design, generator):
    """O/E at 0.7 of a calibrated model and the observed risk of the lowest and highest fifth, less their true values."""
    x = generator.normal(size=design["n"])
    rate = np.exp(0.8 * x)
    risk = 1 - np.exp(-0.7 * rate)
    died, end = generator.exponential(1 / rate), generator.exponential(1 / design["censoring"], size=design["n"])
    result = survival_calibration(np.minimum(died, end), died <= end, risk, 0.7, smooth=False)
    found = {"O/E": shifted(result.confidence_interval(), 1.0)}
    for name, row in (("lowest fifth", result.groups.iloc[0]), ("highest fifth", result.groups.iloc[-1])):
        found[f"observed risk, {name}"] = (row["low"] - row["predicted"], row["high"] - row["predicted"])
    return 0.0, found
