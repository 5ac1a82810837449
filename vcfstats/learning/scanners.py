"""Scanners in the learning stage: what is known of each case, checked before anything is fitted, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vcfstats.learning.crossfit import described, rows_in
from vcfstats.learning.harmonisation import (
    SCANNER,
    ScannerEffect,
    check_scanners,
    context_columns,
    scanner_effect,
)
from vcfstats.learning.harmonisation.columns import Covariate
from vcfstats.learning.harmonisation.frames import refusal
from vcfstats.learning.work import Work


def scanner_context(work: Work, covariates: Mapping[str, Covariate]) -> pd.DataFrame | None:
    """Return scanner and preserved covariates of every case where features are harmonised, None where they are not.

    Raises
    ------
    InputError
        Cases that could not be harmonised, before anything is fitted.
    """
    settings, given = work.settings.selection.harmonisation, work.given
    if settings.method == "none":
        return None
    context = context_columns(pd.concat([given.training, given.testing]), covariates, settings.covariates)
    check_scanners(
        context.loc[given.training.index],
        given.outcome,
        {described(held_out): rows_in(given.fold, held_out) for held_out in work.held_out},
        context.loc[given.testing.index],
        min_cases=settings.min_cases,
    )
    if "deep" in settings.matrices and "deep" in given.matrices:
        work.note(
            "dl",
            "deep features were harmonised across scanners where they join radiomics; the network's own probability takes them as they are",
        )
    return context


def describe_scanners(work: Work, covariates: Mapping[str, Covariate]) -> ScannerEffect | None:
    """Measure differences between scanners on training cases; None, with a note, where that cannot be done."""
    settings, given = work.settings.selection.harmonisation, work.given
    if "scanner" not in given.training or not (settings.describe or settings.method != "none"):
        return None
    try:
        context = context_columns(given.training, covariates, settings.covariates)
        known = context.notna().all(axis=1).to_numpy()
        if not known.all():
            work.note(
                "scanner",
                f"{int((~known).sum())} training cases have no known scanner or lack a covariate: differences between scanners were measured on the others",
            )
        if context.loc[known, SCANNER].nunique() < 2:
            return None
        matrices = pd.concat([frame.loc[given.training.index[known]] for frame in given.matrices.values()], axis=1)
        return scanner_effect(matrices, context[known], np.asarray(given.fold[known]), settings)
    except ValueError as error:
        work.note("scanner", f"differences between scanners were not measured: {refusal(error)}")
        return None
