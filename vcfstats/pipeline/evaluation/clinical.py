"""What the readers saw: baseline table, agreement of readers, regression of the findings."""

from __future__ import annotations

import pandas as pd

from vcfstats import baseline_table, cohen_kappa, logistic_table
from vcfstats.pipeline.cohort_table import SECOND
from vcfstats.pipeline.evaluation.performance import remarks
from vcfstats.pipeline.params import Covariate, Params

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
        cells = {group: (_mean_sd if normal else _median_iqr)(frame[name]) for group, frame in groups.items()}
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


def _mean_sd(values: pd.Series) -> str:
    known = values.dropna()
    return f"{known.mean():.1f} ± {known.std(ddof=1):.1f}" if len(known) > 1 else "-"


def _median_iqr(values: pd.Series) -> str:
    low, middle, high = values.dropna().quantile([0.25, 0.5, 0.75])
    return f"{middle:.1f} ({low:.1f} to {high:.1f})"


def agreement(cohort: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return Cohen's kappa of each finding read twice, on training patients, and whether the finding stays."""
    training = cohort[cohort["partition"] == "training"]
    limit = params.learning.clinical.kappa_above
    rows = []
    for name, covariate in params.cohort.covariates.items():
        if f"{name}{SECOND}" not in cohort:
            continue
        pairs = training[[name, f"{name}{SECOND}"]].dropna()
        with remarks():
            kappa = cohen_kappa(pairs[name], pairs[f"{name}{SECOND}"])
            low, high = kappa.confidence_interval(params.evaluation.confidence_level)
        kept = "yes" if limit is None or kappa.kappa > limit else "no"
        rows.append(
            {"finding": covariate.label, "kappa": kappa.kappa, "low": low, "high": high, "n": len(pairs), "kept": kept}
        )
    return pd.DataFrame(rows, columns=["finding", "kappa", "low", "high", "n", "kept"])


def regression(cohort: pd.DataFrame, params: Params, predictors: list[str]) -> pd.DataFrame:
    """Return univariable and multivariable odds ratios of the findings on training patients (complete cases)."""
    columns = [
        "variable", "level", "reference", "or", "low", "high", "p_value", "adjusted_or", "adjusted_low", "adjusted_high", "adjusted_p_value",
    ]  # fmt: skip
    names = list(params.cohort.covariates)
    training = cohort[cohort["partition"] == "training"].dropna(subset=names)
    varying = [name for name in names if training[name].nunique() > 1]
    if not varying or training["outcome"].nunique() < 2:
        return pd.DataFrame(columns=columns)
    covariates = params.cohort.covariates
    reference = {name: next(iter(covariates[name].levels)) for name in varying if covariates[name].levels}
    present = {name: value for name, value in reference.items() if (training[name] == value).any()}
    table = logistic_table(
        training["outcome"], training[varying], reference=present, multivariable=[p for p in predictors if p in varying] or False,
        confidence_level=params.evaluation.confidence_level, separation="firth",
    ).to_frame()  # fmt: skip
    return _regression_frame(table, covariates, columns)


def coefficient_label(covariate: Covariate) -> str:
    """Return what a coefficient is called in print, with the unit that it is for."""
    return f"{covariate.label} (per {covariate.unit.rstrip('s')})" if covariate.unit else covariate.label


def _regression_frame(table: pd.DataFrame, covariates: dict[str, Covariate], columns: list[str]) -> pd.DataFrame:
    rows = []
    for _, row in table.iterrows():
        covariate = covariates[str(row["variable"])]
        levels = covariate.levels
        rows.append(
            {
                "variable": coefficient_label(covariate),
                "level": levels.get(str(row["level"]), ""),
                "reference": levels.get(str(row["reference"]), ""),
                **{name: row[source] for name, source in _SOURCES.items()},
            }
        )
    return pd.DataFrame(rows, columns=columns)


_SOURCES = {
    "or": "univariable_or", "low": "univariable_low", "high": "univariable_high", "p_value": "univariable_p_value",
    "adjusted_or": "multivariable_or", "adjusted_low": "multivariable_low", "adjusted_high": "multivariable_high",
    "adjusted_p_value": "multivariable_p_value",
}  # fmt: skip
