"""What harmonisation must know of a case: its scanner and its covariates, in columns beside its features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from vcfstats.contracts.errors import InputError, Problem

# No feature has a name that begins so.
MARK = "@"
SCANNER = f"{MARK}scanner"


class Covariate(Protocol):
    """A clinical column: ``continuous``, ``binary`` or ``categorical``; levels in order, the reference first."""

    @property
    def type(self) -> str:
        """Kind of the column."""

    @property
    def levels(self) -> Mapping[str, str]:
        """Value in the table -> name in print."""


def context_columns(
    cohort: pd.DataFrame, covariates: Mapping[str, Covariate], preserved: Sequence[str]
) -> pd.DataFrame:
    """Return the scanner of each case and the covariates to preserve, coded as numbers, under names that no feature has.

    Parameters
    ----------
    cohort : DataFrame
        Index case_id; ``scanner``, and a column for each covariate.
    covariates : mapping
        Clinical column -> type and levels.
    preserved : sequence of str
        Those whose effect on the features is preserved.

    Raises
    ------
    InputError
        No column ``scanner``, or a covariate that the study does not have.
    """
    if "scanner" not in cohort:
        raise InputError(
            Problem(
                "no scanner in the cohort",
                "the scanner of every case, where features are harmonised",
                "set cohort.scanner in params.yaml to the column or the header fields that name it",
            )
        )
    context = pd.DataFrame({SCANNER: cohort["scanner"].astype(object)}, index=cohort.index)
    for name in preserved:
        if name not in covariates:
            raise InputError(
                Problem(
                    f"the covariate {name!r} to preserve",
                    f"clinical columns of the study: {', '.join(covariates) or 'there are none'}",
                    "correct learning.selection.harmonisation.covariates",
                )
            )
        values = cohort[name]
        if covariates[name].type == "continuous":
            context[f"{MARK}{name}"] = values.astype(np.float64)
            continue
        for level in list(covariates[name].levels)[1:]:
            context[f"{MARK}{name}={level}"] = (values == level).astype(np.float64).where(values.notna())
    return context


def split_context(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a frame's features, and the columns beside them that are none."""
    beside = [name for name in frame.columns if str(name).startswith(MARK)]
    return frame.drop(columns=beside), frame[beside]


def check_scanners(
    context: pd.DataFrame,
    outcome: np.ndarray,
    fits: Mapping[str, np.ndarray],
    testing: pd.DataFrame,
    *,
    min_cases: int,
) -> None:
    """Refuse, before anything is fitted, what no fit could harmonise.

    Parameters
    ----------
    context : DataFrame of shape (n, 1 + q)
        From `context_columns`, training cases.
    outcome : ndarray of shape (n,)
        0/1.
    fits : mapping
        What a fit leaves out, in words -> which training rows it uses.
    testing : DataFrame
        From `context_columns`, testing cases.
    min_cases : int
        Fewest training cases of a scanner in any fit.

    Raises
    ------
    InputError
        Cases without a scanner or a covariate, or of a scanner that no training case has; one scanner only; a scanner of
        too few cases; a covariate that is the outcome under another name.
    """
    known = sorted({str(name) for name in context[SCANNER].dropna()})
    problems = [
        unseen(str(case), scanner, known)
        for frame in (context, testing)
        for case, scanner in frame[SCANNER].items()
        if scanner not in known
    ]
    for name in context.columns[1:]:
        problems += [
            lacking(str(case), name) for frame in (context, testing) for case in frame.index[frame[name].isna()]
        ]
    if problems:
        raise InputError(problems)
    if len(known) < 2:
        raise InputError(
            Problem(
                f"one scanner, {known[0]}, in the training set",
                "two or more, where features are harmonised",
                "set learning.selection.harmonisation.method to none",
            )
        )
    for name in context.columns[1:]:
        levels = pd.Series(outcome, index=context.index).groupby(context[name]).nunique()
        if len(levels) == 2 and (levels == 1).all():
            raise InputError(
                Problem(
                    f"the covariate {name.removeprefix(MARK)!r}, which tells the outcome of every training case",
                    "covariates other than the outcome: preserving its effect would hand it to the features",
                    "take it out of learning.selection.harmonisation.covariates",
                )
            )
    for words, rows in fits.items():
        for scanner, count in context.loc[rows, SCANNER].value_counts().reindex(known, fill_value=0).items():
            if count < min_cases:
                raise InputError(
                    Problem(
                        f"{count} training cases of scanner {scanner} in the fit ({words})",
                        f"at least {min_cases} (learning.selection.harmonisation.min_cases)",
                        "join scanners of one model under one name, take this one's patients out, or set learning.selection.harmonisation.method to none",
                    )
                )


def unseen(case: str, scanner: object, known: Sequence[str]) -> Problem:
    """Return what is said of a case whose scanner no training patient was examined on."""
    if scanner is None or scanner != scanner:
        return Problem(
            "no scanner",
            "the scanner of every case, where features are harmonised",
            "fill the cell, or set learning.selection.harmonisation.method to none",
            patient=case,
        )
    return Problem(
        f"the scanner {scanner!r}, on which no training patient was examined",
        f"one of {', '.join(known)}",
        "what this scanner does to the features is not known: take the case out, or train with patients of this scanner",
        patient=case,
    )


def lacking(case: str, column: str) -> Problem:
    """Return what is said of a case without a covariate."""
    return Problem(
        f"no value of {column.removeprefix('@')}",
        "every covariate whose effect harmonisation preserves",
        "fill the cell, or take the covariate out of learning.selection.harmonisation.covariates",
        patient=case,
    )
