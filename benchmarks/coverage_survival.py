"""Coverage of the intervals of survival statistics. Exponential times and censoring; simulated data."""

from __future__ import annotations

import numpy as np

from benchmarks.coverage import register
from vcfstats import concordance_index, kaplan_meier, reverse_kaplan_meier, time_dependent_auc

DESIGNS = [{"n": n, "censoring": c} for n in (70, 164, 1000) for c in (0.3, 1.0)]


def _follow(generator, rate, censoring):
    truth = generator.exponential(1 / rate)
    end = generator.exponential(1 / censoring, size=len(truth))
    return np.minimum(truth, end), truth <= end


@register("survival", designs=DESIGNS, replicates=10_000)
def kaplan_meier_bands(design, generator):
    """Survival at the time at which it is 0.3, by scale of the band."""
    time, event = _follow(generator, np.ones(design["n"]), design["censoring"])
    curve = kaplan_meier(time, event)
    step = np.searchsorted(curve.time, -np.log(0.3), side="right") - 1
    bands = {band: curve.bands(method=band) for band in ("log", "log-log", "plain", "logit", "arcsin")}
    return 0.3, {band: (low[step], high[step]) for band, (low, high) in bands.items()}


@register("survival", designs=DESIGNS, replicates=10_000)
def medians(design, generator):
    """Median follow-up by the reverse curve, by scale of the band; an upper limit not reached counts as 1,000."""
    time, event = _follow(generator, np.ones(design["n"]), design["censoring"])
    curve = reverse_kaplan_meier(time, event)
    bands = ("log", "log-log", "plain")
    found = {band: curve.confidence_interval(method=band) for band in bands}
    # A limit that is not reached leaves the interval open above.
    return np.log(2) / design["censoring"], {b: (i.low, 1e3 if np.isnan(i.high) else i.high) for b, i in found.items()}


def _truth(horizon):
    rng = np.random.default_rng(1)
    x = rng.normal(size=20_000)
    time = rng.exponential(np.exp(-x))
    never = np.ones(len(x))
    return (
        concordance_index(time[:6000], never[:6000], x[:6000], tau=horizon).concordance,
        float(time_dependent_auc(time, never, x, [horizon]).auc[0]),
    )


_HORIZON = 1.5
_TRUE_C, _TRUE_AUC = _truth(_HORIZON)


@register("survival", designs=DESIGNS[:4], replicates=2000)
def discrimination(design, generator):
    """Uno's C to a horizon and the AUC at it (each against its truth), log hazard standard normal."""
    x = generator.normal(size=design["n"])
    time, event = _follow(generator, np.exp(x), design["censoring"])
    uno = concordance_index(time, event, x, method="uno", tau=_HORIZON).confidence_interval()
    result = time_dependent_auc(time, event, x, [_HORIZON])
    shift = _TRUE_AUC - _TRUE_C
    found = {"uno": uno}
    for method in ("wald", "logit"):
        low, high = result.confidence_interval(method=method)
        found[f"auc at the horizon, {method}"] = (low[0] - shift, high[0] - shift)
    return _TRUE_C, found
