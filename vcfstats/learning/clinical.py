"""Clinical findings: which enter, how they are coded, screened, and joined in a logistic regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from vcfstats.learning.linear import Column, LinearModel, fit_linear
from vcfstats.learning.prepared import Prepared, prepared
from vcfstats.learning.settings import ClinicalSettings
from vcfstats.statistics.glm import LogisticFit, fit_logistic
from vcfstats.statistics.inputs import FloatArray


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
            dropped[name] = f"agreement of the readers, kappa = {kappa:.3f}, not above {settings.kappa_above:g}"
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
    design: pd.DataFrame, outcome: np.ndarray, columns: Mapping[str, Column], settings: ClinicalSettings
) -> Screening:
    """Screen complete training rows: each finding by itself, then those below the limit together.

    Parameters
    ----------
    design : DataFrame of shape (n, p)
        Complete.
    outcome : ndarray of shape (n,)
        0/1.
    columns : mapping
        Column of the design -> what it means.
    settings : ClinicalSettings
        Test and limit.
    """
    limit = settings.screening_alpha
    rows = []
    usable = _usable(design, columns)
    for variable, (mine, reason) in usable.items():
        p = float("nan") if reason else _test(design[mine], outcome, mine, settings.screening_test)
        rows.append(
            {"variable": variable, "df": len(mine), "univariable_p": p, "screened": p < limit, "reason": reason}
        )
    table = pd.DataFrame(rows, columns=["variable", "df", "univariable_p", "screened", "reason"])
    screened = tuple(table.loc[table["screened"].astype(bool), "variable"])
    together = [name for variable in screened for name in usable[variable][0]]
    joint = {}
    if screened and len(together) + 1 < len(outcome):
        joint = {
            variable: _test(design[together], outcome, usable[variable][0], settings.screening_test)
            for variable in screened
        }
    table["multivariable_p"] = table["variable"].map(joint).astype(np.float64)
    table["independent"] = table["multivariable_p"] < limit
    table = table[["variable", "df", "univariable_p", "screened", "multivariable_p", "independent", "reason"]]
    return Screening(table, screened, tuple(table.loc[table["independent"], "variable"]))


def _usable(design: pd.DataFrame, columns: Mapping[str, Column]) -> dict[str, tuple[list[str], str]]:
    """Return for each finding the columns that vary and add something to those of the findings before it, or why none."""
    found: dict[str, tuple[list[str], str]] = {}
    basis = np.ones((len(design), 1))
    for variable in dict.fromkeys(column.variable for column in columns.values()):
        mine = [name for name, column in columns.items() if column.variable == variable and design[name].nunique() > 1]
        if not mine:
            found[variable] = ([], "does not vary")
            continue
        block = design[mine].to_numpy(dtype=np.float64)
        wider = np.column_stack([basis, (block - block.mean(axis=0)) / block.std(axis=0)])
        if np.linalg.matrix_rank(wider) < wider.shape[1]:
            found[variable] = (
                [],
                "a linear combination of findings before it"
                if wider.shape[1] <= len(design)
                else "more findings than cases",
            )
            continue
        basis = wider
        found[variable] = (mine, "")
    return found


def _test(design: pd.DataFrame, outcome: np.ndarray, tested: list[str], how: str) -> float:
    """p value of the tested columns given the others; Wald's is undefined under separation, where the likelihood ratio is taken."""
    X = np.column_stack([np.ones(len(design)), design.to_numpy(dtype=np.float64)])
    at = [1 + list(design.columns).index(name) for name in tested]
    full = fit_logistic(X, outcome)
    if how == "wald" and not full.separated:
        return float(chdtrc(len(at), _wald(full, at)))
    without = fit_logistic(np.delete(X, at, axis=1), outcome)
    return float(chdtrc(len(at), max(0.0, 2 * (full.loglik - without.loglik))))


def _wald(fit: LogisticFit, at: list[int]) -> float:
    coef: FloatArray = fit.coef[at]
    return float(coef @ np.linalg.solve(fit.covariance[np.ix_(at, at)], coef))


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
    fill : Series or None
        What stands in for missing values.
    """

    screening: Screening
    predictors: tuple[str, ...]
    model: LinearModel | None
    prepared: Prepared
    fill: pd.Series | None

    def filled(self, design: pd.DataFrame) -> pd.DataFrame:
        """Return the design with missing values filled by the rule, or as it is."""
        return design if self.fill is None else design.fillna(self.fill)

    def design_of(self, design: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
        """Return the model's own columns of a design, filled."""
        names = [term.column for term in self.model.terms] if self.model else []
        return self.filled(design)[names]


def fit_clinical(
    findings: Findings, rows: pd.Index, outcome: np.ndarray, settings: ClinicalSettings, *, ddof: int
) -> ClinicalFit:
    """Screen and fit the clinical model on training rows; under complete_case these are complete already."""
    design = findings.design.loc[rows]
    fill = fill_values(design, findings.columns) if settings.missing == "median_mode" else None
    complete = design if fill is None else design.fillna(fill)
    screening = screen(complete, outcome, findings.columns, settings)

    def columns_of(variables: tuple[str, ...]) -> list[str]:
        return [
            name
            for name, column in findings.columns.items()
            if column.variable in variables and complete[name].nunique() > 1
        ]

    predictors = screening.chosen(settings.predictors, findings.variables)
    model = (
        fit_linear(complete[columns_of(predictors)], outcome, name="clinical", columns=findings.columns)
        if predictors
        else None
    )
    seen = columns_of(screening.chosen(settings.classifiers_use, findings.variables))
    sight = (
        prepared(design, tuple(seen), ddof=ddof, fill=fill)
        if seen
        else Prepared((), reason=f"no clinical finding was left (rule {settings.classifiers_use})")
    )
    return ClinicalFit(screening, predictors, model, sight, fill)
