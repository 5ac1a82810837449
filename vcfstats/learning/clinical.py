"""Clinical findings: which enter, how they are coded, screened, and joined in a logistic regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from vcfstats.learning.imputation import Imputer, impute
from vcfstats.learning.linear import Column, LinearModel
from vcfstats.learning.pooled import fit_pooled, pooled_test
from vcfstats.learning.prepared import Prepared, prepared
from vcfstats.learning.settings import ClinicalSettings


class Covariate(Protocol):
    """A clinical column: ``continuous``, ``binary`` or ``categorical``; levels in order, the reference first."""

    @property
    def type(self) -> str:
        """Kind of the column."""

    @property
    def levels(self) -> Mapping[str, str]:
        """Value in the table -> name in print."""


@dataclass(frozen=True)
class PlainCovariate:
    """A covariate as plain data, which travels to worker processes whatever the caller's own type is."""

    type: str
    levels: dict[str, str]

    @classmethod
    def of(cls, covariate: Covariate) -> PlainCovariate:
        """Return type and levels alone."""
        return cls(covariate.type, dict(covariate.levels))


@dataclass(frozen=True)
class Findings:
    """The clinical findings of all cases, coded as numbers.

    Attributes
    ----------
    design : DataFrame
        Index case_id; a continuous finding as it is, any other one column a level but the reference; NaN where missing.
    columns : dict
        Column of the design -> what it means.
    dropped : dict of str to str
        Finding that does not enter -> why.
    """

    design: pd.DataFrame
    columns: dict[str, Column]
    dropped: dict[str, str]

    @property
    def variables(self) -> tuple[str, ...]:
        """The findings that enter, in order."""
        return tuple(dict.fromkeys(column.variable for column in self.columns.values()))


def code_findings(
    cohort: pd.DataFrame,
    covariates: Mapping[str, Covariate],
    agreement: Mapping[str, float],
    settings: ClinicalSettings,
) -> Findings:
    """Code the findings that enter: those read twice only if the readers' kappa exceeds the limit.

    Parameters
    ----------
    cohort : DataFrame
        Index case_id, one column a finding.
    covariates : mapping
        Finding -> type and levels.
    agreement : mapping
        Finding that was read twice -> kappa (NaN where undefined).
    settings : ClinicalSettings
        The limit.
    """
    dropped: dict[str, str] = {}
    coded: dict[str, pd.Series] = {}
    columns: dict[str, Column] = {}
    for name, covariate in covariates.items():
        kappa = agreement.get(name)
        if kappa is not None and settings.kappa_above is not None and not kappa > settings.kappa_above:
            dropped[name] = (
                "how the readers agree is not known (kappa is undefined)"
                if np.isnan(kappa)
                else f"agreement of the readers, kappa = {kappa:.3f}, not above {settings.kappa_above:g}"
            )
            continue
        values = cohort[name]
        if covariate.type == "continuous":
            coded[name], columns[name] = values.astype(np.float64), Column(name)
            continue
        reference, *others = covariate.levels
        for level in others:
            key = f"{name}={level}"
            coded[key] = (values == level).astype(np.float64).where(values.notna())
            columns[key] = Column(name, level, reference)
    return Findings(pd.DataFrame(coded, index=cohort.index), columns, dropped)


def fill_values(design: pd.DataFrame, columns: Mapping[str, Column]) -> pd.Series:
    """Return what stands in for missing values: the median, or the commonest level (of equals the first in order)."""
    fill = design.median()
    for variable in dict.fromkeys(column.variable for column in columns.values() if column.level is not None):
        mine = [name for name, column in columns.items() if column.variable == variable]
        known = design[mine].dropna()
        counts = [float((known.sum(axis=1) == 0).sum()), *known.sum().tolist()]
        commonest = int(np.argmax(counts))
        fill[mine] = [float(i == commonest) for i in range(1, len(mine) + 1)]
    return fill.fillna(0.0)  # a column without a single value does not vary and enters no model


@dataclass(frozen=True)
class Screening:
    """How the predictors of the clinical model were found on one set of training rows.

    Attributes
    ----------
    table : DataFrame
        One row a finding: ``variable, df, univariable_p, screened, multivariable_p, independent, reason``.
    screened, independent : tuple of str
        Findings with univariable p below the limit; those of them with multivariable p below it too.
    """

    table: pd.DataFrame
    screened: tuple[str, ...]
    independent: tuple[str, ...]

    def chosen(self, rule: str, variables: tuple[str, ...]) -> tuple[str, ...]:
        """Return the findings by rule ``all``, ``screened`` or ``independent``; of all those that vary."""
        unusable = set(self.table.loc[self.table["reason"] != "", "variable"])
        usable = tuple(name for name in variables if name not in unusable)
        return {"all": usable, "screened": self.screened, "independent": self.independent}[rule]


def screen(
    completed: Sequence[pd.DataFrame], outcome: np.ndarray, columns: Mapping[str, Column], settings: ClinicalSettings
) -> Screening:
    """Screen complete training rows: each finding by itself, then those below the limit together.

    Parameters
    ----------
    completed : sequence of DataFrame of shape (n, p)
        The rows without gaps: once, or once for each imputation, over which p values are pooled.
    outcome : ndarray of shape (n,)
        0/1.
    columns : mapping
        Column of the design -> what it means.
    settings : ClinicalSettings
        Test and limit.
    """
    limit = settings.screening_alpha

    def p_value(together: list[str], tested: list[str]) -> float:
        return pooled_test([design[together] for design in completed], outcome, tested, settings.screening_test)

    rows = []
    usable = _usable(completed, columns)
    for variable, (mine, reason) in usable.items():
        p = float("nan") if reason else p_value(mine, mine)
        rows.append(
            {"variable": variable, "df": len(mine), "univariable_p": p, "screened": p < limit, "reason": reason}
        )
    table = pd.DataFrame(rows, columns=["variable", "df", "univariable_p", "screened", "reason"])
    screened = tuple(table.loc[table["screened"].astype(bool), "variable"])
    together = [name for variable in screened for name in usable[variable][0]]
    joint = {}
    if screened and len(together) + 1 < len(outcome):
        joint = {variable: p_value(together, usable[variable][0]) for variable in screened}
    table["multivariable_p"] = table["variable"].map(joint).astype(np.float64)
    table["independent"] = table["multivariable_p"] < limit
    table = table[["variable", "df", "univariable_p", "screened", "multivariable_p", "independent", "reason"]]
    return Screening(table, screened, tuple(table.loc[table["independent"], "variable"]))


def _usable(completed: Sequence[pd.DataFrame], columns: Mapping[str, Column]) -> dict[str, tuple[list[str], str]]:
    """Return for each finding the columns that vary and add something to those of the findings before it, or why none.

    In every imputation: what is fitted to one of them is fitted to all.
    """
    found: dict[str, tuple[list[str], str]] = {}
    bases = [np.ones((len(design), 1)) for design in completed]
    vary = varying_columns(completed)
    for variable in dict.fromkeys(column.variable for column in columns.values()):
        mine = [name for name, column in columns.items() if column.variable == variable and name in vary]
        if not mine:
            found[variable] = ([], "does not vary")
            continue
        wider = [_widened(basis, design[mine]) for basis, design in zip(bases, completed, strict=True)]
        if any(np.linalg.matrix_rank(part) < part.shape[1] for part in wider):
            found[variable] = (
                [],
                "a linear combination of findings before it"
                if wider[0].shape[1] <= len(wider[0])
                else "more findings than cases",
            )
            continue
        bases = wider
        found[variable] = (mine, "")
    return found


def _widened(basis: np.ndarray, columns: pd.DataFrame) -> np.ndarray:
    block = columns.to_numpy(dtype=np.float64)
    return np.column_stack([basis, (block - block.mean(axis=0)) / block.std(axis=0)])


def varying_columns(completed: Sequence[pd.DataFrame]) -> set[str]:
    """Return the columns that vary in every completed data set."""
    return {str(name) for name in completed[0] if all(design[name].nunique() > 1 for design in completed)}


@dataclass(frozen=True)
class ClinicalFit:
    """The clinical model of one set of training rows.

    Attributes
    ----------
    screening : Screening
        How its predictors were found.
    predictors : tuple of str
        Its findings.
    model : LinearModel or None
        The multivariable logistic regression; None where no finding was left.
    prepared : Prepared
        What the classifiers see.
    completed : tuple of DataFrame
        The training rows that it was fitted to, without gaps: once, or once for each imputation, where the outcome helped
        to impute them.
    fill : Series or None
        What stands in for missing values by rule median_mode.
    imputer : Imputer or None
        What does so by rule multiple_imputation, without the outcome.
    failed : str
        Why the regression of the predictors there are could not be fitted.
    """

    screening: Screening
    predictors: tuple[str, ...]
    model: LinearModel | None
    prepared: Prepared
    completed: tuple[pd.DataFrame, ...]
    fill: pd.Series | None = None
    imputer: Imputer | None = None
    failed: str = ""

    def complete(self, design: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
        """Return cases as the model meets them, their outcome unknown: filled by the rule, once or for each imputation."""
        if self.imputer is not None:
            return self.imputer.complete(design)
        return (design if self.fill is None else design.fillna(self.fill),)

    def seen_by_classifiers(self, design: pd.DataFrame) -> pd.DataFrame:
        """Return cases as the classifiers see them: of several imputations the mean, of a level its share."""
        if self.imputer is None:
            return design
        parts = self.complete(design)
        mean = np.mean([part.to_numpy(dtype=np.float64) for part in parts], axis=0)
        known = design.notna().to_numpy()
        return pd.DataFrame(np.where(known, design.to_numpy(dtype=np.float64), mean), design.index, design.columns)

    def columns_of(self, variables: tuple[str, ...], columns: Mapping[str, Column]) -> list[str]:
        """Return the columns of findings that vary in the training rows."""
        vary = varying_columns(self.completed)
        return [name for name, column in columns.items() if column.variable in variables and name in vary]

    @property
    def own_columns(self) -> list[str]:
        """The model's columns of a design."""
        return [term.column for term in self.model.terms] if self.model else []


def fit_clinical(
    findings: Findings,
    rows: pd.Index,
    outcome: np.ndarray,
    settings: ClinicalSettings,
    seed: np.random.SeedSequence,
    *,
    ddof: int,
) -> ClinicalFit:
    """Screen and fit the clinical model on training rows; under complete_case these are complete already.

    Under multiple_imputation the rows are completed with the help of their outcome and what is fitted to each completed set
    is pooled. The classifiers, which are fitted once, see the mean of imputations without the outcome, in training rows as
    in others: an expectation that knew the outcome would carry it into the predictors (D'Agostino McGowan et al. 2024, doi
    10.1177/09622802241244608).
    """
    design = findings.design.loc[rows]
    fill, imputer = None, None
    completed: tuple[pd.DataFrame, ...] = (design,)
    if settings.missing == "median_mode":
        fill = fill_values(design, findings.columns)
        completed = (design.fillna(fill),)
    elif settings.missing == "multiple_imputation":
        completed, imputer = impute(design, outcome, findings.columns, settings.imputation, seed)
    screening = screen(completed, outcome, findings.columns, settings)
    predictors = screening.chosen(settings.predictors, findings.variables)
    fit = ClinicalFit(screening, predictors, None, Prepared(()), completed, fill, imputer)
    own = fit.columns_of(predictors, findings.columns)
    model, failed = None, ""
    if predictors:
        try:
            model = fit_pooled([part[own] for part in completed], outcome, name="clinical", columns=findings.columns)
        except ValueError as error:  # likelihoods of a few cases that have no maximum: no model, and the study goes on
            failed = f"the regression of {', '.join(predictors)} could not be fitted: {error}"
    seen = fit.columns_of(screening.chosen(settings.classifiers_use, findings.variables), findings.columns)
    sight = (
        prepared(fit.seen_by_classifiers(design), tuple(seen), ddof=ddof, fill=fill)
        if seen
        else Prepared((), reason=f"no clinical finding was left (rule {settings.classifiers_use})")
    )
    return replace(fit, model=model, prepared=sight, failed=failed)
