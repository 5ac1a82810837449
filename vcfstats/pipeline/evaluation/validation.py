"""Internal validation of the headline models: the optimism of their apparent performance, from bootstrap samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vcfstats import optimism_from_resamples, selection_stability
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.evaluation.performance import remarks
from vcfstats.statistics.inputs import FloatArray

# Measure of the optimism bootstrap -> the estimate of the records.
MEASURES = {"auc": "auc", "slope": "calibration_slope", "intercept": "calibration_intercept"}
_TOO_FEW = 2
_WORTH_SHOWING = 0.1


def optimism_records(
    predictions: pd.DataFrame, resamples: pd.DataFrame, account: dict[str, Any], confidence_level: float
) -> list[Record]:
    """Return the optimism-corrected AUC, slope and intercept of each headline model, and its out-of-bag and .632+ AUC.

    Parameters
    ----------
    predictions : DataFrame
        The predictions table; apparent probabilities are corrected.
    resamples : DataFrame
        models/learned/resamples.parquet.
    account : dict
        models/learned/resamples.json.
    confidence_level : float
        Of the intervals.
    """
    apparent = predictions[predictions["kind"] == "apparent"]
    return [
        record
        for model, repeated in account["repeated"].items()
        if len(rows := apparent[apparent["model"] == model])
        for record in _of_model(model, rows, resamples, repeated, account["n_resamples"], confidence_level)
    ]


def _of_model(
    model: str, rows: pd.DataFrame, resamples: pd.DataFrame, repeated: str, b: int, confidence_level: float
) -> list[Record]:
    cases = rows["case_id"].tolist()
    probability = resamples.pivot(index="resample", columns="case_id", values=model)[cases].to_numpy(dtype=np.float64)
    drawn = resamples.pivot(index="resample", columns="case_id", values="drawn")[cases].to_numpy()
    about: dict[str, Any] = {
        "kind": "model", "model": model, "partition": "training", "n": len(rows), "events": int(rows["outcome"].sum()), "stage": "evaluate",
    }  # fmt: skip
    failed = int(np.isnan(probability).all(axis=1).sum())
    records = [
        Record(estimate="resamples", value=b, method=repeated, **about),
        Record(estimate="resamples_failed", value=failed, **about),
    ]
    if b - failed < _TOO_FEW:
        return records
    with remarks() as said:
        result = optimism_from_resamples(
            rows["outcome"],
            rows["probability"],
            resampled_prob=probability,
            drawn=drawn,
            measures=tuple(MEASURES),
        )
    remark = f"; {'; '.join(dict.fromkeys(said))}" if said else ""
    how = f"{b} bootstrap samples of patients: {repeated}{remark}"
    for k, (measure, estimate) in enumerate(MEASURES.items()):
        interval = result.confidence_interval(measure, confidence_level)
        limits = interval if np.isfinite(interval).all() else (None, None)
        records.append(
            Record(
                estimate=f"{estimate}_corrected",
                value=float(result.corrected[k]),
                ci_low=limits[0],
                ci_high=limits[1],
                level=None if limits[0] is None else confidence_level,
                method=_method("Harrell's optimism correction", how, result.corrected[k]),
                **about,
            )
        )
        records.append(
            Record(
                estimate=f"{estimate}_optimism",
                value=float(result.optimism[k]),
                method=_method("in the sample less in all patients", how, result.optimism[k]),
                **about,
            )
        )
    for estimate, values, words in (
        ("auc_out_of_bag", result.out_of_bag, "in the patients not drawn"),
        ("auc_632plus", result.corrected_632plus, ".632+ (Efron and Tibshirani 1997)"),
    ):
        records.append(
            Record(estimate=estimate, value=float(values[0]), method=_method(words, how, values[0]), **about)
        )
    return records


def _method(words: str, how: str, value: float) -> str:
    if np.isnan(value):
        return f"not estimable: the predictions separate events from non-events; {words}, {how}"
    return f"{words}, {how}"


def stability_records(account: dict[str, Any], confidence_level: float) -> list[Record]:
    """Return how alike the features are that selection keeps in each subsample, for each feature set.

    Parameters
    ----------
    account : dict
        models/learned/stability.json.
    confidence_level : float
        Of the intervals.
    """
    records = []
    for feature_set, p in account["candidates"].items():
        kept, _ = _kept(account, feature_set)
        if len(kept) < _TOO_FEW or p < _TOO_FEW:
            continue
        columns = np.zeros((len(kept), p))
        columns[:, : kept.shape[1]] = kept
        found = selection_stability(columns)
        low, high = found.confidence_interval(confidence_level)
        about: dict[str, Any] = {"kind": "model", "model": feature_set, "partition": "training", "stage": "evaluate"}
        method = (
            f"Nogueira et al. (2018), {len(kept)} subsamples of {100 * account['share']:.3g}% of the patients of each class, without replacement, "
            f"{p:,} features to choose from"
        )
        known = bool(np.isfinite(found.stability))
        records += [
            Record(
                estimate="selection_stability",
                value=found.stability if known else None,
                ci_low=low if known else None,
                ci_high=high if known else None,
                level=confidence_level if known else None,
                method=method if known else "not estimable: no subsample kept a feature, or every one kept all",
                **about,
            ),
            Record(estimate="selection_mean_size", value=found.mean_size, method=method, **about),
        ]
    return records


def selection_frequency(account: dict[str, Any], selection: dict[str, Any]) -> pd.DataFrame:
    """Return in which share of the subsamples each feature was kept that the study kept, or a tenth of the subsamples."""
    rows = []
    for feature_set in account["candidates"]:
        kept, names = _kept(account, feature_set)
        final = set(selection[feature_set]["features"])
        share = dict(zip(names, kept.mean(axis=0).tolist(), strict=True)) if len(kept) else {}
        shown = final | {name for name, value in share.items() if value >= _WORTH_SHOWING}
        ordered = sorted(shown, key=lambda name: (-share.get(name, 0.0), name))
        rows += [(feature_set, name, share.get(name, 0.0), "yes" if name in final else "no") for name in ordered]
    return pd.DataFrame(rows, columns=list(TABLES["selection_frequency"]))


def _kept(account: dict[str, Any], feature_set: str) -> tuple[FloatArray, list[str]]:
    """Return which features each subsample kept, of those that any did, and their names."""
    sets = [set(selected[feature_set]) for selected in account["selected"] if feature_set in selected]
    names = sorted(set().union(*sets))
    return np.array([[name in kept for name in names] for kept in sets], dtype=np.float64).reshape(
        len(sets), len(names)
    ), names


def read_resamples(learned: Path) -> pd.DataFrame:
    """Read the probabilities of the bootstrap samples' models."""
    return pd.read_parquet(learned / "resamples.parquet")
