"""Coverage of the mean over centres and of the prediction of a new one. Simulated data."""

from __future__ import annotations

from benchmarks.coverage import register
from vcfstats import meta_analysis

DESIGNS = [{"k": k, "tau": tau} for k in (3, 5, 10, 20) for tau in (0.0, 0.1, 0.3)]


def _draw(design, generator):
    se = generator.uniform(0.05, 0.3, design["k"])
    return 1 + generator.normal(0, design["tau"], design["k"]) + generator.normal(0, se), se


@register("centres", designs=DESIGNS, replicates=4000)
def mean_over_centres(design, generator):
    """Mean of normal centres, standard errors 0.05 to 0.3, by method of the interval."""
    result = meta_analysis(*_draw(design, generator))
    return 1.0, {method: result.confidence_interval(method=method) for method in ("hartung-knapp", "wald")}


@register("centres", designs=DESIGNS, replicates=4000)
def new_centre(design, generator):
    """The value of a new centre, by the prediction interval."""
    result = meta_analysis(*_draw(design, generator))
    return 1 + float(generator.normal(0, design["tau"])), {"prediction": result.prediction_interval()}
