"""Coverage of the intervals of proportions, ratios and paired differences: exact where enumerable, else simulated."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import stats

from benchmarks.coverage import DESIGNS, register
from vcfstats import compare_diagnostic_tests, diagnostic_accuracy, mcnemar_test, predictive_values, proportion_ci

METHODS = ("wilson", "clopper-pearson", "jeffreys", "agresti-coull")
EVENTS = (4, 8, 26, 50, 61, 370)


@register(
    "proportion", designs=[{"nobs": n, "p": p} for n in EVENTS for p in (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)], exact=True
)
def proportions(design):
    """Exact coverage of a proportion, such as a sensitivity among `nobs` events."""
    x = np.arange(design["nobs"] + 1)
    weight = stats.binom.pmf(x, design["nobs"], design["p"])
    return {method: _exact(method, design["nobs"], design["p"], weight) for method in METHODS}


@register("proportion", designs=[{"nobs": n, "p": "grid"} for n in EVENTS], exact=True)
def proportions_over_a_grid(design):
    """Mean and least exact coverage over p = 0.001, 0.002, ..., 0.999."""
    grid = np.arange(1, 1000) / 1000
    weight = stats.binom.pmf(np.arange(design["nobs"] + 1)[:, None], design["nobs"], grid)
    found = {}
    for method in METHODS:
        limits = np.array([proportion_ci(x, design["nobs"], method) for x in range(design["nobs"] + 1)])
        covers = (limits[:, [0]] <= grid) & (grid <= limits[:, [1]])
        coverage = (weight * covers).sum(axis=0)
        width = float((weight.mean(axis=1) * (limits[:, 1] - limits[:, 0])).sum())
        found[f"{method}, mean"] = (float(coverage.mean()), width)
        found[f"{method}, least"] = (float(coverage.min()), width)
    return found


def _exact(method, nobs, p, weight):
    limits = np.array([proportion_ci(x, nobs, method) for x in range(nobs + 1)])
    covers = (limits[:, 0] <= p) & (p <= limits[:, 1])
    return float(weight @ covers), float(weight @ (limits[:, 1] - limits[:, 0]))


@register("diagnostic", designs=[{**d, "sensitivity": 0.85, "specificity": 0.8} for d in DESIGNS])
def positive_ratio(design, generator):
    """LR+ (log and score methods)."""
    result = _table(design, generator)
    truth = design["sensitivity"] / (1 - design["specificity"])
    return truth, {f"lr_positive, {m}": result.confidence_interval("lr_positive", method=m) for m in ("log", "score")}


@register("diagnostic", designs=[{**d, "sensitivity": 0.85, "specificity": 0.8} for d in DESIGNS])
def negative_ratio(design, generator):
    """LR- (log and score methods)."""
    result = _table(design, generator)
    truth = (1 - design["sensitivity"]) / design["specificity"]
    return truth, {f"lr_negative, {m}": result.confidence_interval("lr_negative", method=m) for m in ("log", "score")}


@register("diagnostic", designs=[{**d, "sensitivity": 0.85, "specificity": 0.8} for d in DESIGNS])
def youden(design, generator):
    """Youden's index, MOVER on Wilson limits."""
    result = _table(design, generator)
    return design["sensitivity"] + design["specificity"] - 1, {"youden, mover": result.confidence_interval("youden")}


@register("diagnostic", designs=[{**d, "sensitivity": 0.85, "specificity": 0.8, "prevalence": 0.1} for d in DESIGNS])
def ppv_elsewhere(design, generator):
    """PPV at a prevalence of 0.1, logit method."""
    se, sp, pi = design["sensitivity"], design["specificity"], design["prevalence"]
    result = predictive_values(_table(design, generator), prevalence=pi)
    return se * pi / (se * pi + (1 - sp) * (1 - pi)), {"ppv, logit": result.confidence_interval("ppv")}


@register("diagnostic", designs=DESIGNS)
def ppv_difference(design, generator):
    """Difference of the PPVs of two tests on the same patients; events drawn at the rate of the design."""
    y, a, b = _pair(design["n"], design["events"] / design["n"], generator)
    result = compare_diagnostic_tests(y, a, b)
    return _true_ppv_difference(design["events"] / design["n"]), {"ppv, wald": result.ppv.confidence_interval(0.95)}


@register(
    "diagnostic",
    designs=[
        {"pairs": n, "p10": b, "p01": c}
        for n, (b, c) in itertools.product(EVENTS, [(0.1, 0.1), (0.2, 0.05), (0.3, 0.1)])
    ],
)
def paired_difference(design, generator):
    """Difference of two paired proportions, such as the sensitivities of two tests among `pairs` events."""
    b, c, _ = generator.multinomial(design["pairs"], [design["p10"], design["p01"], 1 - design["p10"] - design["p01"]])
    test = mcnemar_test([[design["pairs"] - b - c, b], [c, 0]])
    truth = design["p10"] - design["p01"]
    return truth, {method: test.confidence_interval(0.95, method) for method in ("tango", "wald")}


def _table(design, generator):
    tp = int(generator.binomial(design["events"], design["sensitivity"]))
    tn = int(generator.binomial(design["n"] - design["events"], design["specificity"]))
    fn, fp = design["events"] - tp, design["n"] - design["events"] - tn
    return diagnostic_accuracy(
        np.repeat([1, 0, 1, 0], [tp, fp, fn, tn]), np.repeat([1, 1, 0, 0], [tp, fp, fn, tn]), threshold=1
    )


def _pair(n, prevalence, generator):
    y = generator.random(n) < prevalence
    ease = generator.normal(size=n)
    a = 0.6 * ease + 0.8 * generator.normal(size=n) + 2.0 * y > 1.0
    b = 0.6 * ease + 0.8 * generator.normal(size=n) + 1.6 * y > 0.9
    return y, a, b


_TRUTH: dict[float, float] = {}


def _true_ppv_difference(prevalence):
    """Exact: given the outcome each test is a normal tail."""
    if prevalence not in _TRUTH:
        tails = {
            (shift, cut): stats.norm.sf(cut - shift) for shift, cut in ((2.0, 1.0), (0, 1.0), (1.6, 0.9), (0, 0.9))
        }

        def ppv(shift, cut):
            true, false = prevalence * tails[shift, cut], (1 - prevalence) * tails[0, cut]
            return true / (true + false)

        _TRUTH[prevalence] = float(ppv(2.0, 1.0) - ppv(1.6, 0.9))
    return _TRUTH[prevalence]
