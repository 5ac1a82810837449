"""A table of features harmonised, each kind of feature by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.learning.harmonisation.columns import SCANNER
from vcfstats.learning.harmonisation.combat import ComBat
from vcfstats.learning.harmonisation.correction import Correction
from vcfstats.learning.settings import HarmonisationSettings


def matrix_of(feature: str) -> str:
    """Return the matrix that a feature belongs to, by its name: ``deep`` or ``radiomics``."""
    return "deep" if feature.startswith("DL_") else "radiomics"


def harmonise(
    features: pd.DataFrame, context: pd.DataFrame, settings: HarmonisationSettings
) -> tuple[pd.DataFrame, Correction]:
    """Fit ComBat to training cases and return them harmonised, with what was done to each feature.

    Radiomic and deep features are fitted apart: what the features of one kind share says little of the other kind.

    Parameters
    ----------
    features : DataFrame of shape (n, p)
        Training cases; those of a matrix that is not to be harmonised stay as they are.
    context : DataFrame of shape (n, 1 + q)
        Their scanners and covariates, from `context_columns`.
    settings : HarmonisationSettings
        Method ``combat``, its options and matrices.

    Raises
    ------
    ValueError
        What `ComBat` refuses.
    """
    if SCANNER not in context:
        raise InputError(
            Problem(
                "features without the scanners of their cases",
                "the columns of context_columns beside the features, where these are harmonised",
                "join them, or set learning.selection.harmonisation.method to none",
            )
        )
    scanner, covariates = context[SCANNER], tuple(map(str, context.columns[1:]))
    design = context.iloc[:, 1:].to_numpy(dtype=np.float64)
    kinds = np.array([matrix_of(str(name)) for name in features.columns], dtype=object)
    values = features.to_numpy(dtype=np.float64)
    scanners = tuple(sorted(set(scanner.astype(str))))
    parts: Correction = Correction.identity(scanners, covariates, 0)
    order: list[int] = []
    for kind in dict.fromkeys(kinds):
        columns = np.flatnonzero(kinds == kind)
        part = Correction.identity(scanners, covariates, len(columns))
        if kind in settings.matrices:
            fitted = ComBat(prior=settings.prior, mean_only=settings.mean_only, min_cases=settings.min_cases)
            fitted.fit(values[:, columns], batch=scanner.to_numpy(), covariates=design)
            part = replace(fitted.correction_, covariates=covariates)
        parts, order = parts.beside(part), [*order, *columns.tolist()]
    correction = parts.at(np.argsort(order, kind="stable").tolist())
    return pd.DataFrame(
        np.ascontiguousarray(correction.apply(values, context)), index=features.index, columns=features.columns
    ), correction


def refusal(error: ValueError) -> str:
    """Return why features could not be harmonised, for the record of a selection that ends there."""
    found = error.problems[0].found if isinstance(error, InputError) else str(error)
    return f"features could not be harmonised: {found}"
