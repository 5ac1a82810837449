"""Scanners: what was harmonised, in words, and how much features differ between scanners, before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.params import Params

_MATRICES = {"radiomics": "radiomic", "deep": "deep"}
_STEPS = 50  # of the distribution of shares, from the least to the largest feature


def tables(found: dict[str, Any] | None) -> dict[str, pd.DataFrame]:
    """Return the tables of scanners from models/learned/scanners.json; none where nothing was measured."""
    if found is None:
        return {}
    shares = []
    points = np.linspace(0, 1, _STEPS + 1)
    for key, values in found["shares"].items():
        matrix, state = key.split("/")
        quantiles = np.quantile(values, points)
        shares += [(matrix, state, float(p), float(q)) for p, q in zip(points, quantiles, strict=True)]
    counts = list(found["counts"].items())
    return {
        "scanners": pd.DataFrame(counts, columns=list(TABLES["scanners"])),
        "scanner_effect": pd.DataFrame(found["table"])[list(TABLES["scanner_effect"])],
        "scanner_shares": pd.DataFrame(shares, columns=list(TABLES["scanner_shares"])),
    }


def harmonisation(params: Params) -> str:
    """Say what was done about differences between scanners."""
    h = params.learning.selection.harmonisation
    if h.method == "none":
        return "Features were not harmonised across scanners."
    kinds = " and ".join(_MATRICES[name] for name in h.matrices)
    prior = {
        "parametric": "parametric empirical Bayes estimates",
        "nonparametric": "nonparametric empirical Bayes estimates",
        "none": "estimates that were not shrunken",
    }[h.prior]
    of = "location" if h.mean_only else "location and scale"
    kept = [params.cohort.covariates[name].label for name in h.covariates]
    preserved = f"; the effect of {', '.join(kept)} was preserved" if kept else ""
    return (
        f"Differences between scanners were taken out of {kinds} features by ComBat ({prior} of {of}{preserved}; the outcome was not among the covariates), "
        "fitted to the training patients of each fit, folds left out."
    )
