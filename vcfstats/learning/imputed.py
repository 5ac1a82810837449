"""What multiple imputation left for the documents: who lacked what, pooled coefficients, probabilities by imputation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from vcfstats.learning.clinical import Findings
from vcfstats.learning.featuresets import clinical_cases
from vcfstats.learning.fusion import OUTPUT, Fusion
from vcfstats.learning.linear import Column
from vcfstats.learning.pooled import pooled_terms, stored
from vcfstats.learning.work import Work


@dataclass(frozen=True)
class Imputed:
    """The account of multiple imputation.

    Attributes
    ----------
    account : dict
        ``n_imputations, iterations, donors``; ``cases`` that lack a finding, by partition; ``missing`` values of each
        finding, by partition; ``regression``: pooled coefficients by what was fitted (univariable, multivariable, clinical,
        dlrn), empty where no training case lacks a finding.
    probabilities : DataFrame
        ``kind, model, imputation, case_id, probability``: what the mean probabilities are means of, where imputations differ.
    """

    account: dict[str, Any]
    probabilities: pd.DataFrame


def imputed(work: Work, findings: Findings | None, fusion: Fusion | None) -> Imputed | None:
    """Return the account of the imputation; None where another rule meets missing findings."""
    settings = work.settings.clinical
    if settings.missing != "multiple_imputation" or findings is None or () not in work.clinical:
        return None
    sides = {"training": work.given.training.index, "testing": work.given.testing.index}
    gaps = findings.design.isna()
    first = {column.variable: name for name, column in reversed(findings.columns.items())}
    account = {
        **settings.imputation.model_dump(mode="json"),
        "cases": {side: int(gaps.loc[index].any(axis=1).sum()) for side, index in sides.items()},
        "missing": {
            variable: {side: int(gaps.loc[index, first[variable]].sum()) for side, index in sides.items()}
            for variable in findings.variables
        },
        "regression": _regression(work, findings, fusion),
    }
    columns = ["kind", "model", "imputation", "case_id", "probability"]
    parts = work.imputed
    return Imputed(account, pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns))


def _regression(work: Work, findings: Findings, fusion: Fusion | None) -> dict[str, list[dict[str, Any]]]:
    fit = work.clinical[()]
    if len(fit.completed) == 1:
        return {}
    outcome = clinical_cases(work, findings).outcome
    columns = {OUTPUT: Column(OUTPUT), **findings.columns}

    def pooled(names: list[str]) -> list[dict[str, Any]]:
        return stored(pooled_terms([part[names] for part in fit.completed], outcome, columns)) if names else []

    usable = fit.screening.chosen("all", findings.variables)
    by_variable = {variable: fit.columns_of((variable,), findings.columns) for variable in usable}
    body = {
        "univariable": [row for names in by_variable.values() for row in pooled(names)],
        "multivariable": pooled([name for variable in fit.screening.screened for name in by_variable[variable]]),
        "clinical": pooled(fit.own_columns),
    }
    if fusion is not None and fusion.model.covariance is not None:
        body["dlrn"] = stored(pooled_terms(fusion.designs, outcome, columns))
    return body
