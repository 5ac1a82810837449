"""What multiple imputation did: who lacked what, coefficients pooled by Rubin's rules, AUCs pooled on the logit scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vcfstats import pool_imputations, roc_auc
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.evaluation.clinical import coefficient_label
from vcfstats.pipeline.evaluation.models import LABELS, output_label
from vcfstats.pipeline.params import Params
from vcfstats.statistics.pooling import PooledEstimate

_STAGE = "evaluate"
_SIDES = ("training", "testing")
# What was fitted -> the prefix of its columns in the table of regression.
_SHOWN = {"univariable": "", "multivariable": "adjusted_"}


def read_imputed(folder: Path) -> pd.DataFrame:
    """Read the probabilities by imputation; none where imputations do not differ."""
    path = folder / "imputed.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame({"kind": [], "model": []})


def imputation_records(
    account: dict[str, Any] | None, probabilities: pd.DataFrame, predictions: pd.DataFrame, params: Params
) -> list[Record]:
    """Return how many cases and values were imputed how often, and the pooled AUC of each model on each set of predictions.

    Parameters
    ----------
    account : dict or None
        models/learned/imputation.json.
    probabilities : DataFrame
        models/learned/imputed.parquet.
    predictions : DataFrame
        The predictions table, which holds the outcomes.
    params : Params
        Labels and confidence level.
    """
    if account is None:
        return []
    about: dict[str, Any] = {"kind": "model", "model": "clinical", "stage": "learn"}
    records = [
        Record(
            estimate="imputations",
            value=account["n_imputations"],
            method=f"chained equations of {account['iterations']} rounds, fitted on training cases with their outcome",
            **about,
        )
    ]
    for side in _SIDES:
        records.append(Record(estimate=f"imputed_{side}", value=account["cases"][side], unit="cases", **about))
        for name, counts in account["missing"].items():
            label = params.cohort.covariates[name].label
            records.append(
                Record(estimate=f"imputed_{side}_{name}", value=counts[side], unit="cases", method=label, **about)
            )
    outcome = predictions.drop_duplicates("case_id").set_index("case_id")["outcome"]
    for (kind, model), rows in probabilities.groupby(["kind", "model"], sort=True):
        records.append(_pooled_auc(str(kind), str(model), rows, outcome, params.evaluation.confidence_level))
    return records


def _pooled_auc(kind: str, model: str, rows: pd.DataFrame, outcome: pd.Series, level: float) -> Record:
    wide = rows.pivot(index="imputation", columns="case_id", values="probability")
    y = outcome.loc[wide.columns].to_numpy(dtype=np.float64)
    about: dict[str, Any] = {
        "kind": kind, "model": model, "estimate": "auc_pooled", "n": len(y), "events": int(y.sum()), "stage": _STAGE,
        "partition": "testing" if kind == "testing" else "training",
    }  # fmt: skip
    how = f"DeLong in each of {len(wide)} imputations, pooled by Rubin's rules on the logit scale"
    try:
        found = [roc_auc(y, p) for p in wide.to_numpy(dtype=np.float64)]
        pooled = pool_imputations([auc.auc for auc in found], [auc.se for auc in found], scale="logit")
    except ValueError as error:
        return Record(value=None, method=f"not estimable: {error}", **about)
    low, high = pooled.confidence_interval(level)
    df = pooled.df if np.isfinite(pooled.df) else None
    return Record(value=pooled.estimate, ci_low=low, ci_high=high, level=level, df=df, method=how, **about)


def pooled_regression(account: dict[str, Any] | None, columns: dict[str, Any], params: Params) -> pd.DataFrame | None:
    """Return pooled odds ratios in the form of the regression table; None where training cases lack nothing.

    Parameters
    ----------
    account : dict or None
        models/learned/imputation.json.
    columns : dict
        Column of the design -> variable, level, reference.
    params : Params
        Labels and confidence level.
    """
    fitted = (account or {}).get("regression")
    if not fitted:
        return None
    rows: dict[str, dict[str, Any]] = {}
    for what, prefix in _SHOWN.items():
        for given in fitted[what]:
            name, pooled = given["column"], _estimate(given)
            own = columns[name]
            covariate = params.cohort.covariates[own["variable"]]
            low, high = pooled.confidence_interval(params.evaluation.confidence_level)
            rows.setdefault(name, {name: None for name in TABLES["regression"]}).update(
                {
                    "variable": coefficient_label(covariate),
                    "level": covariate.levels.get(str(own["level"]), ""),
                    "reference": covariate.levels.get(str(own["reference"]), ""),
                    f"{prefix}or": float(np.exp(pooled.estimate)),
                    f"{prefix}low": float(np.exp(low)),
                    f"{prefix}high": float(np.exp(high)),
                    f"{prefix}p_value": pooled.pvalue(),
                }
            )
    return pd.DataFrame(list(rows.values()), columns=list(TABLES["regression"]))


def imputation_table(account: dict[str, Any] | None, columns: dict[str, Any], params: Params) -> pd.DataFrame:
    """Return the pooled coefficients of the clinical and the nomogram model, with what the gaps cost each."""
    rows = []
    for model in ("clinical", "dlrn"):
        for given in (account or {}).get("regression", {}).get(model, []):
            pooled, own = _estimate(given), columns.get(given["column"])
            low, high = pooled.confidence_interval(params.evaluation.confidence_level)
            term = output_label(params)
            if own is not None:
                covariate = params.cohort.covariates[own["variable"]]
                level = covariate.levels.get(str(own["level"]), "")
                term = f"{covariate.label}: {level}" if level else coefficient_label(covariate)
            rows.append(
                (
                    LABELS[model], term, pooled.estimate, float(np.sqrt(pooled.total)), low, high, pooled.df, pooled.missing_information,
                    pooled.pvalue(),
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(TABLES["imputation"]))


def _estimate(given: dict[str, Any]) -> PooledEstimate:
    return PooledEstimate(**{key: value for key, value in given.items() if key != "column"})
