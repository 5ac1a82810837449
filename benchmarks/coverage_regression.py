"""Coverage of intervals of odds ratios: Wald, profile likelihood and Firth. Simulated data."""

from __future__ import annotations

import numpy as np

from benchmarks.coverage import DESIGNS, register
from vcfstats import firth_logistic
from vcfstats.statistics.regression.design import build_design
from vcfstats.statistics.regression.logistic import fit_model


@register("regression", designs=[{**d, "odds_ratio": r} for d in DESIGNS for r in (1, 3)], replicates=2000)
def log_odds_ratio(design, generator):
    """A binary predictor (30%) beside a normal one; case-control sampling of the event count. Separated: undefined for Wald."""
    import pandas as pd

    n, events, beta = design["n"], design["events"], np.log(design["odds_ratio"])
    # Given the outcome: the binary predictor by its odds ratio, the normal one shifted by log 2.
    base = 0.3 / 0.7
    share = np.where(np.arange(n) < events, base * np.exp(beta) / (1 + base * np.exp(beta)), 0.3)
    y = np.arange(n) < events
    frame = pd.DataFrame({"x": (generator.random(n) < share) * 1.0, "z": generator.normal(size=n) + np.log(2) * y})
    model = fit_model(y, build_design(frame))
    found = {}
    for method in ("wald", "profile"):
        low, high = model.confidence_interval(method=method, scale="log odds ratio")
        found[method] = (low[1], high[1])
    firth = firth_logistic(y, frame)
    for method in ("wald", "profile"):
        low, high = firth.confidence_interval(method=method, scale="log odds ratio")
        found[f"firth {method}"] = (low[1], high[1])
    return float(beta), {m: _finite(v) for m, v in found.items()}


def _finite(interval):
    """An infinite profile limit is a sound answer: keep it in the count as very wide."""
    low, high = interval
    return (low if np.isfinite(low) or np.isnan(low) else -50.0, high if np.isfinite(high) or np.isnan(high) else 50.0)
