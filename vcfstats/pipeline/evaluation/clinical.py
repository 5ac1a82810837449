"""What the readers saw: baseline table, agreement of readers, regression of the findings."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from vcfstats import baseline_table, cohen_kappa, logistic_table
from vcfstats.contracts.cohort import SECOND
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.evaluation.performance import STAGE, remarks
from vcfstats.pipeline.params import Covariate, Params
from vcfstats.statistics.digits import decimals_for, fixed

GROUPS = ("training", "testing")


def baseline(cohort: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return the baseline table: all, training, testing, each p value with its test.

    Continuous covariates are described by mean and SD or by median and quartiles, as the rules of `baseline_table` say; the
    p values compare the partitions.
    """
    groups = {"all": cohort, **{name: cohort[cohort["partition"] == name] for name in GROUPS}}
    outcome = params.cohort.outcome
    rows = [_row("Cases", "", "n", {name: str(len(group)) for name, group in groups.items()})]
    standard = _compare(cohort, "outcome", None, params)
    for value, label in ((1, outcome.event_label), (0, outcome.nonevent_label)):
        shares = {name: share(group["outcome"] == value) for name, group in groups.items()}
        rows.append(_row("Reference standard", label, "n (%)", shares, *(standard if value else ("", None))))
    for name, covariate in params.cohort.covariates.items():
        rows += _covariate_rows(name, covariate, groups, params)
    return pd.DataFrame(rows)


def _row(
    variable: str, level: str, statistic: str, cells: dict[str, str], test: str = "", p: float | None = None
) -> dict[str, object]:
    return {"variable": variable, "level": level, "statistic": statistic, **cells, "test": test, "p_value": p}


def _covariate_rows(
    name: str, covariate: Covariate, groups: dict[str, pd.DataFrame], params: Params
) -> list[dict[str, object]]:
    test, p = _compare(groups["all"], name, covariate, params)
    rows = []
    if covariate.type == "continuous":
        label = f"{covariate.label} ({covariate.unit})" if covariate.unit else covariate.label
        normal = "Mann" not in test
        parts = {group: frame[name].dropna() for group, frame in groups.items()}
        digits = decimals_for([_spread(values, normal) for values in parts.values()], 1)
        cells = {group: (_mean_sd if normal else _median_iqr)(values, digits) for group, values in parts.items()}
        rows.append(_row(label, "", "mean ± SD" if normal else "median (IQR)", cells, test, p))
    for position, (code, level) in enumerate(covariate.levels.items()):
        cells = {group: share(frame[name].dropna() == code) for group, frame in groups.items()}
        rows.append(_row(covariate.label, level, "n (%)", cells, *((test, p) if position == 0 else ("", None))))
    missing = {group: int(frame[name].isna().sum()) for group, frame in groups.items()}
    if missing["all"]:
        rows.append(_row(covariate.label, "Missing", "n", {group: str(n) for group, n in missing.items()}))
    return rows


def _compare(cohort: pd.DataFrame, name: str, covariate: Covariate | None, params: Params) -> tuple[str, float | None]:
    """Return the test of one variable between the partitions and its p value; neither where there is nothing to compare."""
    known = cohort[[name, "partition"]].dropna()
    if known[name].nunique() < 2 or known["partition"].nunique() < 2:
        return "", None
    kind = (
        {"continuous": [name]} if covariate is not None and covariate.type == "continuous" else {"categorical": [name]}
    )
    try:
        with remarks():
            table = baseline_table(
                known, "partition", yates=params.evaluation.baseline_yates, small_expected="chi-square", **kind
            ).to_frame()
    except ValueError:
        return "", None
    tested = table[table["p_value"].notna()]
    if tested.empty:
        return "", None
    return str(tested["test"].iloc[0]), float(tested["p_value"].iloc[0])


def share(chosen: pd.Series) -> str:
    """Return a count with its percentage."""
    return f"{int(chosen.sum())} ({chosen.mean():.1%})" if len(chosen) else "0 (-)"


def _spread(values: pd.Series, normal: bool) -> float:
    """Return the spread that is printed beside the centre; where nothing varies, the size of the values."""
    spread = values.std(ddof=1) if normal else values.quantile(0.75) - values.quantile(0.25)
    return float(spread) if spread > 0 else float(abs(values).max())


def _mean_sd(known: pd.Series, digits: int) -> str:
    return f"{fixed(known.mean(), digits)} ± {fixed(known.std(ddof=1), digits)}" if len(known) > 1 else "-"


def _median_iqr(known: pd.Series, digits: int) -> str:
    if known.empty:
        return "-"
    low, middle, high = (fixed(float(value), digits) for value in known.quantile([0.25, 0.5, 0.75]))
    return f"{middle} ({low} to {high})"


def agreement(cohort: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return Cohen's kappa of each finding read twice, on training patients, and whether the finding stays."""
    training = cohort[cohort["partition"] == "training"]
    limit = params.learning.clinical.kappa_above
    rows = []
    for name, covariate in params.cohort.covariates.items():
        if f"{name}{SECOND}" not in cohort:
            continue
        pairs = training[[name, f"{name}{SECOND}"]].dropna()
        value, low, high = math.nan, math.nan, math.nan
        if len(pairs):
            with remarks():
                found = cohen_kappa(pairs[name], pairs[f"{name}{SECOND}"])
                value, (low, high) = found.kappa, found.confidence_interval(params.evaluation.confidence_level)
        kept = "yes" if limit is None or value > limit else "no"
        rows.append(
            {"finding": covariate.label, "kappa": value, "low": low, "high": high, "n": len(pairs), "kept": kept}
        )
    return pd.DataFrame(rows, columns=["finding", "kappa", "low", "high", "n", "kept"])


def regression(cohort: pd.DataFrame, params: Params, predictors: list[str]) -> tuple[pd.DataFrame, list[Record]]:
    """Return univariable and multivariable odds ratios of the findings on training patients (complete cases), and why some are missing.

    A finding that does not vary has no row, and one that repeats others is fitted by itself alone. The records say how many
    findings entered the multivariable model and, where nothing could be fitted at all, why.
    """
    covariates = params.cohort.covariates
    training = cohort[cohort["partition"] == "training"].dropna(subset=list(covariates))
    varying = [name for name in covariates if training[name].nunique() > 1]
    why = _nothing_to_fit(training, varying)
    if why:
        return pd.DataFrame(columns=list(TABLES["regression"])), entered(None, f"not estimable: {why}")
    reference = {name: next(iter(covariates[name].levels)) for name in varying if covariates[name].levels}
    present = {name: value for name, value in reference.items() if (training[name] == value).any()}

    def fitted(names: list[str], *, joint: bool) -> pd.DataFrame:
        frame: pd.DataFrame = logistic_table(
            training["outcome"], training[names], reference={name: present[name] for name in names if name in present},
            univariable=not joint, multivariable=joint, confidence_level=params.evaluation.confidence_level,
            separation="firth",
        ).to_frame()  # fmt: skip
        return frame

    together = [name for name in predictors if name in varying]
    rows = {row["term"]: row for name in varying for row in _rows(fitted([name], joint=False), covariates, _SINGLE)}
    told = entered(len(together))
    joint = []
    try:
        joint = _rows(fitted(together, joint=True), covariates, _JOINT) if together else []
    except (
        ValueError
    ) as error:  # the screening filled or imputed what complete cases lack: these may not bear its model
        told = entered(None, f"not estimable: {error}")
    for row in joint:
        rows[row["term"]].update(row)
    return pd.DataFrame(list(rows.values())).reindex(columns=list(TABLES["regression"])), told


def _nothing_to_fit(training: pd.DataFrame, varying: list[str]) -> str:
    if training.empty:
        return "no training case has all findings"
    if training["outcome"].nunique() < 2:
        return "the training cases with all findings are of one class"
    return "" if varying else "no finding varies among the training cases that have all of them"


def entered(value: int | None, method: str = "findings that passed the univariable screening") -> list[Record]:
    """Return the record of how many findings entered the multivariable regression, or why none could be fitted."""
    return [
        Record(
            kind="model", model="clinical", partition="training", estimate="n_findings_entered", value=value, method=method, stage=STAGE
        )
    ]  # fmt: skip


def coefficient_label(covariate: Covariate) -> str:
    """Return what a coefficient is called in print, with the unit that it is for."""
    return f"{covariate.label} (per {covariate.unit.rstrip('s')})" if covariate.unit else covariate.label


def _rows(table: pd.DataFrame, covariates: dict[str, Covariate], sources: dict[str, str]) -> list[dict[str, Any]]:
    """Return the rows of one fit, each under the term that it is of; both fits of a term share one."""
    rows = []
    for row in table.to_dict("records"):
        covariate = covariates[str(row["variable"])]
        rows.append(
            {
                "term": (row["variable"], row["level"]),
                "variable": coefficient_label(covariate),
                "level": covariate.levels.get(str(row["level"]), ""),
                "reference": covariate.levels.get(str(row["reference"]), ""),
                **{name: row[source] for name, source in sources.items()},
            }
        )
    return rows


_SINGLE = {
    "or": "univariable_or", "low": "univariable_low", "high": "univariable_high", "p_value": "univariable_p_value",
}  # fmt: skip
_JOINT = {f"adjusted_{name}": source.replace("uni", "multi") for name, source in _SINGLE.items()}
