"""Scanners in the learning stage: what is known of each case, checked before anything is fitted, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vcfstats.contracts.study import NOT_MEASURED
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
    """Measure differences between scanners on training cases; None, with a note that says why, where that cannot be done."""
    settings, given = work.settings.selection.harmonisation, work.given
    if not (settings.describe or settings.method != "none"):
        _not_measured(work, "that was not asked for")
        return None
    if "scanner" not in given.training:
        _not_measured(work, "the cohort names none")
        return None
    context = context_columns(given.training, covariates, settings.covariates)
    known = context.notna().all(axis=1).to_numpy()
    if not known.any():
        _not_measured(work, "no training case has a known scanner")
        return None
    if not known.all():
        work.note(
            "scanner",
            f"{int((~known).sum())} training cases have no known scanner or lack a covariate: differences between scanners are those of the others",
        )
    names, fold = context.loc[known, SCANNER].astype(str), np.asarray(given.fold[known])
    if names.nunique() < 2:
        _not_measured(work, f"all training cases whose scanner is known were examined on one ({names.iloc[0]})")
        return None
    least = max(2, settings.min_cases)
    fewest = {name: min(int(((names == name) & (fold != k)).sum()) for k in given.folds) for name in sorted(set(names))}
    few = [f"{name} ({(names == name).sum()} in all, {n} without a fold)" for name, n in fewest.items() if n < least]
    if few:
        _not_measured(work, f"fewer than {least} training cases are left of {', '.join(few)}")
        return None
    matrices = pd.concat([frame.loc[given.training.index[known]] for frame in given.matrices.values()], axis=1)
    try:
        return scanner_effect(matrices, context[known], fold, settings)
    except ValueError as error:
        _not_measured(work, refusal(error))
        return None


def _not_measured(work: Work, why: str) -> None:
    work.note("scanner", f"{NOT_MEASURED}{why}")
