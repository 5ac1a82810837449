"""How the models came about and compare: selection, LASSO, coefficients, pairs of AUCs, the nomogram."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from vcfstats import Nomogram, adjust_pvalues, delong_test
from vcfstats.contracts.naming import printed_names
from vcfstats.contracts.numbers import plainly
from vcfstats.contracts.predictions import second_stage
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.learning.fusion import OUTPUT
from vcfstats.learning.spread import Spread, spread_in_testing
from vcfstats.pipeline.params import Params

LABELS = {"clinical": "Clinical", "rad": "Rad", "dl": "DL", "dlr": "DLR", "dlrn": "DLRN"}
FEATURE_SETS = {"clinical": "Clinical findings", "radiomics": "Radiomics", "fused": "Radiomics and deep features"}
CLASSIFIERS = {
    "logistic_regression": "Logistic regression", "svm": "SVM", "knn": "k-NN", "random_forest": "Random forest", "extra_trees": "ExtraTrees",
    "xgboost": "XGBoost", "lightgbm": "LightGBM", "mlp": "MLP",
}  # fmt: skip
# rms draws the axis of the fused model's output like any other; its name in print.
OUTPUT_LABEL = "DLR probability"


def read_json(path: Path) -> Any:
    """Read a JSON file of the learning stage."""
    return json.loads(path.read_text(encoding="utf-8"))


def feature_class(name: str) -> str:
    """Return the class of a feature by its name: deep, shape, first order, or a texture matrix."""
    if name.startswith("DL_"):
        return "deep"
    return {"firstorder": "first order"}.get(
        name.split("_")[1], name.split("_")[1].upper() if name.split("_")[1] != "shape" else "shape"
    )


def funnel(selection: dict[str, Any], names: dict[str, list[str]]) -> pd.DataFrame:
    """Return the number of features by class after each step of each feature set's selection.

    Parameters
    ----------
    selection : dict
        models/learned/selection.json.
    names : dict
        Feature set -> all features that entered.
    """
    rows = []
    for feature_set, body in selection.items():
        left = list(names[feature_set])
        rows += _counts(feature_set, "extracted", left)
        for step in body["steps"]:
            left = [name for name in left if name not in step["dropped"]]
            rows += _counts(feature_set, step["name"], left)
    return pd.DataFrame(rows, columns=list(TABLES["funnel"]))


def _counts(feature_set: str, step: str, names: list[str]) -> list[tuple[str, str, str, int]]:
    counts = pd.Series([feature_class(name) for name in names], dtype=object).value_counts().sort_index()
    return [(feature_set, step, str(kind), int(n)) for kind, n in counts.items()] or [(feature_set, step, "none", 0)]


def lasso_tables(lasso: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the LASSO's path (features that are ever in it) and its cross-validated error."""
    path, error = [], []
    for feature_set, body in lasso.items():
        for feature, values in body["coefficients"].items():
            path += [(feature_set, lam, feature, value) for lam, value in zip(body["lambda"], values, strict=True)]
        columns = zip(body["lambda"], body["cv_mean"], body["cv_se"], body["df"], strict=True)
        error += [(feature_set, *row) for row in columns]
    return pd.DataFrame(path, columns=list(TABLES["lasso_path"])), pd.DataFrame(
        error, columns=list(TABLES["lasso_error"])
    )


def coefficients(selection: dict[str, Any]) -> pd.DataFrame:
    """Return what the LASSO kept with its coefficients per standard deviation, largest first."""
    rows = []
    for feature_set, body in selection.items():
        ordered = sorted(body["coefficients"].items(), key=lambda item: (-abs(item[1]), item[0]))
        rows += [(feature_set, name, value) for name, value in ordered if value != 0]
    return pd.DataFrame(rows, columns=list(TABLES["coefficients"]))


def comparison(predictions: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Return DeLong's comparison of all pairs of headline models, on the cases that both score.

    The primary pair keeps its p value; the others are adjusted for their number. On resubstituted training predictions a
    p value would say nothing of new patients, so that only differences and intervals are given there.
    """
    primary = set(params.evaluation.primary_comparison)
    z = norm.ppf((1 + params.evaluation.confidence_level) / 2)
    frames = []
    for kind, rows in predictions[predictions["model"].isin(LABELS)].groupby("kind", sort=True):
        wide = rows.pivot(index="case_id", columns="model", values="probability")
        outcome = rows.drop_duplicates("case_id").set_index("case_id")["outcome"]
        models = [name for name in LABELS if name in wide]
        pairs = []
        for i, a in enumerate(models):
            for b in models[i + 1 :]:
                both = wide[[a, b]].dropna()
                y = outcome.loc[both.index]
                if y.nunique() < 2:
                    continue
                test = delong_test(y, both[a], both[b])
                half = z * test.se
                pairs.append((kind, a, b, test.difference, test.difference - half, test.difference + half, test.pvalue))
        frame = pd.DataFrame(pairs, columns=list(TABLES["comparison"])[:7])
        frame["primary"] = [
            "yes" if {a, b} == primary else "no" for a, b in zip(frame["model_a"], frame["model_b"], strict=True)
        ]
        if kind == "apparent":
            frame["p_value"] = np.nan
        others = (frame["primary"] == "no") & frame["p_value"].notna()
        frame["p_adjusted"] = frame["p_value"]
        if others.any():
            adjusted = adjust_pvalues(
                frame.loc[others, "p_value"].to_numpy(), method=params.evaluation.pairs_adjusted_by
            )
            frame.loc[others, "p_adjusted"] = adjusted
        frames.append(frame)
    table = pd.concat(frames) if frames else pd.DataFrame(columns=list(TABLES["comparison"]))
    return table.loc[:, list(TABLES["comparison"])]


def nomogram(dlrn: dict[str, Any], cohort: pd.DataFrame, predictions: pd.DataFrame, params: Params) -> Nomogram:
    """Return the nomogram of the fitted model, its ranges from the training cases that it was fitted to.

    `predictions`: the whole table, with what later steps learned from.
    """
    rows = second_stage(predictions, "dlr").set_index("case_id")
    variables = [term["variable"] for term in dlrn["terms"] if term["variable"] != OUTPUT]
    data = cohort.loc[rows.index, list(dict.fromkeys(variables))].copy()
    data.insert(0, OUTPUT, rows["probability"])
    settings = params.learning.fusion
    # On the scale of the logit, axis and fields are read as probabilities all the same.
    output = OUTPUT if settings.scale == "probability" else f"logit({OUTPUT}, {settings.clip!r})"
    ticks = (
        None if settings.scale == "probability" else {OUTPUT: _probability_ticks(rows["probability"], settings.clip)}
    )
    names = {OUTPUT: output}
    terms = {names.get(term["column"], term["column"]): term["coefficient"] for term in dlrn["terms"]}
    named = {"Intercept": dlrn["intercept"], **terms}
    # Ranges and levels are those of the known values: a case that lacks a finding tells of its other ones.
    usual = {name: data[name].mode().iloc[0] for name in data if data[name].isna().any()}
    if output not in terms:  # the findings alone
        data, ticks = data.drop(columns=OUTPUT), None
    return Nomogram.from_coefficients(named, data.fillna(usual), covariance=dlrn.get("covariance"), ticks=ticks)


def _probability_ticks(probability: pd.Series, clip: float) -> list[float]:
    """Return the ticks of an axis of probabilities that runs by their logit: from the last one below the least to the first above the largest."""
    half = np.array([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4])
    known = np.concatenate([half, [0.5], 1 - half[::-1]]).round(3)
    known = known[(known >= clip) & (known <= 1 - clip)]
    below, above = known[known <= probability.min()], known[known >= probability.max()]
    first = below.max() if below.size else known.min()
    last = above.min() if above.size else known.max()
    return [float(value) for value in known if first <= value <= last]


def spread(learned: Path, predictions: pd.DataFrame, params: Params) -> Spread | None:
    """Return how the fused model's output spreads on patients whom no fitted step saw, against what the nomogram was fitted to.

    On the internal test set; where that says nothing, on patients left out of bootstrap samples. `predictions`: the whole table.
    """
    dlrn = read_json(learned / "dlrn.json")
    if not dlrn or all(term["variable"] != OUTPUT for term in dlrn["terms"]):
        return None
    found = spread_in_testing(predictions, confidence_level=params.evaluation.confidence_level)
    kept = read_json(learned / "spread.json")
    return found or (Spread(**kept) if kept else None)


def nomogram_records(dlrn: dict[str, Any] | None, found: Spread | None) -> list[Record]:
    """Return what the coefficients of the nomogram model were multiplied by, and how its input spreads in use."""
    about: dict[str, Any] = {"kind": "model", "model": "dlrn", "stage": "evaluate"}
    records = []
    if dlrn and dlrn["shrinkage"] is not None:
        method = "(chi2 - df) / chi2 of the model's likelihood ratio (Van Houwelingen and Le Cessie 1990)"
        records.append(Record(estimate="shrinkage", value=dlrn["shrinkage"], method=method, **about))
    if found is not None:
        said = f"standard deviation of the fused model's output, {found.source} (n = {found.n}), over that of what the nomogram was fitted to"
        records.append(
            Record(
                estimate="input_spread",
                value=found.ratio,
                ci_low=found.low,
                ci_high=found.high,
                level=found.level,
                method=f"{said}; {'Bonett (2006)' if found.source == 'internal test set' else 'quantiles over bootstrap samples'}",
                **about,
            )
        )
    return records


def output_label(params: Params) -> str:
    """Return what the fused model's output is called where its coefficient stands."""
    return OUTPUT_LABEL if params.learning.fusion.scale == "probability" else f"{OUTPUT_LABEL} (logit)"


def axis_label(name: str, params: Params) -> str:
    """Return what an axis of the nomogram is called in print: the predictor's label with its unit."""
    if name == OUTPUT:
        return OUTPUT_LABEL
    covariate = params.cohort.covariates[name]
    return f"{covariate.label} ({covariate.unit})" if covariate.unit else covariate.label


def nomogram_tables(dlrn: dict[str, Any], drawn: Nomogram, params: Params) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the ticks of every axis in points, and the coefficients with standard errors and Wald limits."""
    covariates = params.cohort.covariates
    rows: list[tuple[str, str, str, float]] = []
    for tick in drawn.to_frame().itertuples():
        name = str(tick.variable)
        label = axis_label(name, params)
        level = (
            covariates[name].levels.get(str(tick.value), str(tick.value)) if name in covariates else _number(tick.value)
        )
        rows.append((label, "predictor", level, float(tick.points)))
    rows += [
        ("Points", "points", _number(value), float(value))
        for value in np.arange(0, drawn.maxscale + 1, drawn.maxscale / 10)
    ]
    rows += [("Total points", "total", _number(value), float(value)) for value in drawn.total_points_ticks]
    for row in drawn.risk_axis().itertuples():
        rows.append(
            (
                f"Probability: {params.cohort.outcome.event_label}",
                "probability",
                _number(row.risk),
                float(row.total_points),
            )
        )
    z = norm.ppf((1 + params.evaluation.confidence_level) / 2)
    model = [("Intercept", dlrn["intercept"], dlrn["intercept_error"])]
    for term in dlrn["terms"]:
        name = term["variable"]
        label = output_label(params) if name == OUTPUT else covariates[name].label
        level = covariates[name].levels.get(str(term["level"]), "") if name in covariates else ""
        model.append((f"{label}: {level}" if level else label, term["coefficient"], term["standard_error"]))
    frame = pd.DataFrame(model, columns=["term", "coefficient", "standard_error"])
    error = frame["standard_error"].astype(float)
    frame["low"], frame["high"] = frame["coefficient"] - z * error, frame["coefficient"] + z * error
    return pd.DataFrame(rows, columns=list(TABLES["nomogram"])), frame


def _number(value: Any) -> str:
    return plainly(float(value))


def activation(maps: dict[str, Any], names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the activation maps as a table, one row a row of pixels.

    `names` says what each case is called; without it those shown are numbered.
    """
    if names is None:
        names = printed_names(panel["case_id"] for panel in maps["panels"])
    rows = []
    for number, panel in enumerate(maps["panels"]):
        height, width = panel["pixel_mm"]
        for row, (intensity, share, region) in enumerate(
            zip(panel["intensity"], panel["map"], panel["region"], strict=True)
        ):
            words = [" ".join(map(str, pixels)) for pixels in (intensity, share, region)]
            about = (panel["outcome"], panel["called"], names[panel["case_id"]], panel["probability"])
            rows.append((number, *about, row, height, width, *words))
    return pd.DataFrame(rows, columns=list(TABLES["activation"]))
