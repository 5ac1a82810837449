"""Coverage of the intervals of agreement: intraclass correlation, kappas, AC1, limits of agreement. Simulated data."""

from __future__ import annotations

import numpy as np

from benchmarks.coverage import register
from vcfstats import bland_altman, cohen_kappa, fleiss_kappa, gwet_ac1, icc

# Two raters, three categories: a table of weak and one of strong agreement, and one with a rare category.
TABLES = {
    "moderate": [[0.25, 0.08, 0.04], [0.07, 0.20, 0.06], [0.03, 0.07, 0.20]],
    "strong": [[0.33, 0.02, 0.0], [0.02, 0.30, 0.02], [0.0, 0.01, 0.30]],
    "rare": [[0.86, 0.03, 0.01], [0.03, 0.03, 0.01], [0.01, 0.01, 0.01]],
}


@register(
    "agreement", designs=[{"n": n, "k": k, "rho": rho} for n in (20, 100) for k in (2, 3) for rho in (0.5, 0.85, 0.95)]
)
def intraclass(design, generator):
    """ICC(A,1), raters' variance a fifth of the error's, and ICC(C,1) of the same readings; normal effects."""
    n, k, rho = design["n"], design["k"], design["rho"]
    error = (1 - rho) / 1.2
    subjects = generator.normal(size=(n, 1)) * np.sqrt(rho)
    raters = generator.normal(size=(1, k)) * np.sqrt(error / 5)
    result = icc(subjects + raters + generator.normal(size=(n, k)) * np.sqrt(error))
    consistency = rho / (rho + error)
    # One truth a study: the interval of ICC(C,1) is moved to the scale of its own truth.
    low, high = result.low, result.high
    return rho, {
        "ICC(A,1)": (low[1], high[1]),
        "ICC(C,1)": (low[2] - consistency + rho, high[2] - consistency + rho),
    }


@register("agreement", designs=[{"n": n, "table": name} for n in (30, 50, 100, 300) for name in TABLES])
def cohen(design, generator):
    """Cohen's kappa, unweighted, linear and squared (each against its own truth)."""
    p = np.array(TABLES[design["table"]])
    cells = generator.choice(9, size=design["n"], p=(p / p.sum()).ravel())
    first, second = np.divmod(cells, 3)
    found, reference = {}, _kappa(p / p.sum(), "unweighted")
    for weights in ("unweighted", "linear", "squared"):
        low, high = cohen_kappa(first, second, weights=weights, categories=[0, 1, 2]).confidence_interval()
        shift = _kappa(p / p.sum(), weights) - reference
        found[weights] = (low - shift, high - shift)
    return reference, found


def _kappa(p, weights):
    gap = np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
    cost = {"unweighted": gap > 0, "linear": gap, "squared": gap**2}[weights]
    return 1 - np.sum(cost * p) / np.sum(cost * np.outer(p.sum(axis=1), p.sum(axis=0)))


@register(
    "agreement", designs=[{"n": n, "m": m, "prevalence": q} for n in (30, 100) for m in (3, 6) for q in (0.5, 0.1)]
)
def several_raters(design, generator):
    """Fleiss' kappa and AC1: two categories; raters copy the truth with probability 0.7, else answer at random."""
    n, m, q, sure = design["n"], design["m"], design["prevalence"], 0.7
    truth = generator.random((n, 1)) < q
    ratings = np.where(generator.random((n, m)) < sure, truth, generator.random((n, m)) < q).astype(int)
    kappa = sure**2  # the correlation of two ratings, whose marginals are all q
    agree = 1 - 2 * q * (1 - q) * (1 - kappa)
    chance = 2 * q * (1 - q)
    shift = (agree - chance) / (1 - chance) - kappa
    low, high = gwet_ac1(ratings, categories=[0, 1]).confidence_interval()
    return kappa, {"fleiss": fleiss_kappa(ratings).confidence_interval(), "AC1": (low - shift, high - shift)}


@register("agreement", designs=[{"n": n} for n in (10, 30, 100)])
def limits_of_agreement(design, generator):
    """Upper limit of agreement of normal differences: exact (noncentral t) and approximate intervals."""
    result = bland_altman(generator.normal(size=design["n"]), np.zeros(design["n"]))
    return 1.96, {m: result.confidence_interval(of="upper", method=m) for m in ("exact", "approximate")}
