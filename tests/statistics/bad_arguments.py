"""A valid call of every public statistic, and a catalogue of what may be put in place of each argument."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

import vcfstats

N = 24
_RNG = np.random.default_rng(20)
Y = np.tile([0, 1], N // 2)
Y[:4] = [1, 1, 0, 0]
SCORE = np.round(_RNG.normal(size=N) + Y, 2)
PROB = np.round(1 / (1 + np.exp(-SCORE)), 3)
OTHER = np.round(np.clip(PROB + _RNG.normal(0, 0.2, N), 0.02, 0.98), 3)
TIME = np.round(_RNG.exponential(10, N), 1) + 0.5
STATUS = (_RNG.random(N) < 0.7).astype(int)
CODES = STATUS * np.tile([1, 1, 2], N // 3)
GROUP = np.repeat(np.arange(N // 2), 2)
AGE = np.round(_RNG.normal(60, 10, N), 1)
FRAME = pd.DataFrame({"age": AGE, "marker": OTHER, "sex": np.tile(["f", "m", "m"], N // 3)})
MATRIX = np.column_stack([AGE / 10, OTHER])
DRAWN = np.array([np.bincount(_RNG.integers(0, N, N), minlength=N) for _ in range(3)])
ACCURACY = vcfstats.diagnostic_accuracy(Y, PROB, threshold=0.5)


def largest(values: Any) -> Any:
    """A statistic of the bootstrap that has an answer for all kinds of numbers."""
    return float(max((v for v in np.ravel(values).tolist() if isinstance(v, int | float)), default=0.0))


def _nomogram(**arguments: Any) -> Any:
    return vcfstats.Nomogram.from_coefficients(**arguments)


ROC = {"y_true": Y, "y_score": SCORE, "event": None, "direction": "higher"}
TWO = {"y_true": Y, "score_a": SCORE, "score_b": AGE, "event": None, "direction": "higher", "alternative": "two-sided"}
MANY = {"y_true": Y, "scores": np.column_stack([SCORE, AGE]), "event": None, "direction": "higher"}
P = {"y_true": Y, "y_prob": PROB, "event": None}
CHANGE = {"y_true": Y, "prob_old": PROB, "prob_new": OTHER, "event": None}
SURVIVAL = {"time": TIME, "event": STATUS, "event_value": None}
POWER = {"significance_level": 0.05, "alternative": "two-sided", "design_effect": 1.0}
FEW = {"n_resamples": 20, "random_state": 1}
DEVELOPMENT = {"shrinkage": 0.9, "optimism": 0.05, "rounding": "none"}

# Arguments of one value a patient, which are cut and shuffled together; of the others nothing is paired.
CALLS: dict[str, dict[str, Any]] = {
    "adjust_pvalues": {"p_values": [0.01, 0.2, 0.03], "method": "holm"},
    "auc_difference_power": {"auc_a": 0.8, "auc_b": 0.7, "n_events": 30, "n_nonevents": 40, "correlation": 0.3, **POWER},
    "auc_difference_sample_size": {"auc_a": 0.8, "auc_b": 0.7, "correlation": 0.3, "power": 0.9, "ratio": 1.0, **POWER},
    "auc_power": {"auc": 0.8, "n_events": 30, "n_nonevents": 40, "null_auc": 0.5, **POWER},
    "auc_sample_size": {"auc": 0.8, "null_auc": 0.5, "power": 0.9, "ratio": 1.0, **POWER},
    "baseline_table": {"data": FRAME, "by": Y, "variables": None, "categorical": ["sex"], "continuous": ["age"], "normal": [], "nonnormal": ["marker"], "test": None, "small_expected": "fisher", "variance_center": "mean", "alpha": 0.05},
    "bland_altman": {"method_a": AGE, "method_b": AGE + SCORE, "multiplier": 1.96},
    "bootstrap_aucs": {**MANY, "method": "percentile", "confidence_level": 0.95, "clusters": GROUP, **FEW},
    "bootstrap_ci": {"data": AGE, "statistic": largest, "method": "percentile", "confidence_level": 0.95, "strata": None, "clusters": None, **FEW},
    "brier_score": P,
    "calibration_belt": {**P, "devel": "external", "confidence_levels": (0.9,), "selection_level": 0.95, "max_degree": 2, "n_points": 8, "clip": 1e-6},
    "calibration_curve": {**P, "method": "loess", "surface": None, "span": None, "n_knots": None, "grid": [0.3, 0.6], "clip": None, "confidence_level": 0.95},
    "calibration_summary": {**P, "surface": "interpolate", "clip": 1e-6, "confidence_level": 0.95, "n_resamples": 0, "random_state": 1},
    "case_mix_difference": {"mean1": [1.0, 2.0], "covariance1": np.eye(2), "n1": 30, "mean2": [1.2, 2.0], "covariance2": np.eye(2), "n2": 40},
    "clustered_auc": {**ROC, "clusters": GROUP},
    "clustered_auc_covariance": {**MANY, "clusters": GROUP},
    "clustered_auc_test": {**TWO, "clusters": GROUP},
    "cohen_kappa": {"rater_a": Y, "rater_b": np.roll(Y, 3), "weights": "linear", "categories": None},
    "compare_aucs": {**MANY, "adjust": "holm", "contrasts": None, "names": None},
    "compare_diagnostic_tests": {"y_true": Y, "test_a": (PROB > 0.5) * 1, "test_b": (OTHER > 0.5) * 1, "event": None, "method": "mid-p"},
    "concordance_index": {**SURVIVAL, "risk": SCORE, "method": "harrell", "tau": None, "strata": np.tile([0, 1, 1], N // 3)},
    "cox_table": {**SURVIVAL, "predictors": FRAME, "univariable": True, "multivariable": True, "select_below": None, "reference": None, "strata": None, "ties": "efron", "interval": "wald", "confidence_level": 0.95, "missing": "raise"},
    "decision_curve": {**P, "thresholds": [0.2, 0.4], "prevalence": None, "harms": None, "policy": "opt-in", "per": 1},
    "delong_covariance": {**MANY, "unbiased": False},
    "delong_test": {**TWO, "unbiased": True},
    "delong_test_unpaired": {"y_a": Y, "score_a": SCORE, "y_b": Y[:20], "score_b": AGE[:20], "event": None, "direction": "higher", "alternative": "two-sided"},
    "detectable_auc": {"n_events": 30, "n_nonevents": 40, "null_auc": 0.5, "power": 0.9, **POWER},
    "diagnostic_accuracy": {**P, "threshold": 0.5, "direction": "higher"},
    "firth_logistic": {"y_true": Y, "predictors": FRAME, "event": None, "reference": None, "test": "wald", "information": "augmented", "missing": "raise"},
    "fleiss_kappa": {"ratings": np.column_stack([Y, np.roll(Y, 3), np.roll(Y, 5)]), "categories": None},
    "gwet_ac1": {"ratings": np.column_stack([Y, np.roll(Y, 3), np.roll(Y, 5)]), "categories": None},
    "hosmer_lemeshow": {**P, "n_groups": 4, "grouping": "quantile", "devel": "internal"},
    "icc": {"ratings": np.column_stack([AGE, AGE + SCORE]), "confidence_level": 0.95, "features": None},
    "integrated_discrimination": {**CHANGE, **FEW},
    "kaplan_meier": {**SURVIVAL, "band": "log"},
    "lasso_path": {"X": MATRIX, "y": Y, "family": "binomial", "event": None, "lambdas": None, "n_lambdas": 10, "smallest_ratio": None, "alpha": 1.0, "ddof": 0, "n_folds": None, "folds": np.tile([0, 1, 2], N // 3), "groups": None, "measure": None, "random_state": 1},
    "cumulative_incidence": {"time": TIME, "event": CODES, "cause": None},
    "gray_test": {"time": TIME, "event": CODES, "groups": Y, "cause": None, "rho": 0.0, "strata": None},
    "log_rank_test": {**SURVIVAL, "groups": Y, "rho": 0.0, "strata": np.tile([0, 1, 1], N // 3)},
    "log_rank_trend": {**SURVIVAL, "groups": np.tile([0, 1, 2], N // 3), "scores": [1.0, 2.0, 4.0], "rho": 0.0, "strata": None},
    "pairwise_log_rank": {**SURVIVAL, "groups": np.tile([0, 1, 2], N // 3), "adjust": "holm", "rho": 0.0, "strata": None},
    "restricted_mean_survival": {**SURVIVAL, "tau": 5.0, "groups": Y},
    "logistic_table": {"y_true": Y, "predictors": FRAME, "event": None, "univariable": True, "multivariable": True, "select_below": None, "reference": None, "interval": "wald", "confidence_level": 0.95, "separation": "warn", "missing": "raise"},
    "mcnemar_test": {"table": Y, "second": (PROB > 0.5) * 1, "method": "exact"},
    "meta_analysis": {"estimates": [0.7, 0.75, 0.8, 0.72], "standard_errors": [0.03, 0.02, 0.04, 0.03], "scale": "logit"},
    "net_benefit_difference": {"y_true": Y, "prob_a": PROB, "prob_b": OTHER, "thresholds": [0.2, 0.4], "prevalence": None, "harm_a": 0.0, "harm_b": 0.01, "confidence_level": 0.95, "event": None},
    "net_reclassification": {**CHANGE, "cutoffs": None, "min_change": 0.0, **FEW},
    "optimal_threshold": {**ROC, "criterion": "cost", "target": None, "cost": 2.0, "prevalence": 0.3},
    "optimism_bootstrap": {"estimator": "logistic", "X": MATRIX, "y": Y, "event": None, "measures": ("auc", "brier"), "n_resamples": 4, "n_outer": 0, "n_inner": None, "groups": None, "random_state": 1},
    "optimism_from_resamples": {**P, "resampled_prob": np.tile(PROB, (3, 1)), "drawn": DRAWN, "measures": ("auc", "brier")},
    "partial_auc": {**ROC, "bounds": (0.5, 1.0), "focus": "specificity"},
    "partial_auc_test": {**TWO, "bounds": (0.5, 1.0), "focus": "specificity", "clusters": None, **FEW},
    "performance_change": {**CHANGE, "thresholds": (0.5, 0.5), "clusters": GROUP, "clip": 1e-6},
    "proportional_hazards_test": {**SURVIVAL, "predictors": FRAME, "transform": "km", "reference": None, "strata": None, "ties": "efron", "missing": "raise"},
    "pool_chi_squares": {"statistics": [3.0, 4.0, 5.0], "df": 2},
    "pool_imputations": {"estimates": [0.7, 0.72, 0.69], "standard_errors": [0.05, 0.04, 0.05], "scale": "identity", "df_complete": None},
    "pool_wald": {"estimates": [[1.0, 2.0], [1.1, 1.9], [0.9, 2.2]], "covariances": np.tile(np.eye(2), (3, 1, 1))},
    "precision_recall_curve": ROC,
    "prediction_instability": {**P, "resampled_prob": np.tile(OTHER, (3, 1)), "threshold": 0.5, "range_level": 0.95},
    "predictive_values": {"accuracy": ACCURACY, "prevalence": 0.3},
    "proportion_ci": {"count": 3, "nobs": 10, "method": "wilson", "confidence_level": 0.95},
    "repeated_cross_validation": {"estimator": "logistic", "X": MATRIX, "y": Y, "event": None, "measures": ("auc", "brier"), "n_folds": 3, "n_repeats": 2, "folds": None, "groups": None, "random_state": 1},
    "reverse_kaplan_meier": {**SURVIVAL, "band": "log"},
    "roc_auc": {**ROC, "unbiased": False},
    "roc_band": {**ROC, "specificity": [0.5, 0.8], "confidence_level": 0.95, "method": "percentile", "clusters": None, **FEW},
    "roc_curve": ROC,
    "sample_size_binary": {"n_parameters": 5, "prevalence": 0.3, "c_statistic": 0.8, "r2_cox_snell": None, "r2_nagelkerke": None, "margin": 0.05, **DEVELOPMENT},
    "sample_size_continuous": {"n_parameters": 5, "r2": 0.3, "mean": 10.0, "sd": 3.0, "multiplicative_margin": None, **DEVELOPMENT},
    "sample_size_survival": {"n_parameters": 5, "rate": 0.1, "mean_follow_up": 3.0, "time": 2.0, "r2_cox_snell": 0.1, "r2_nagelkerke": None, "margin": 0.05, **DEVELOPMENT},
    "sample_size_validation": {"prevalence": 0.3, "c_statistic": 0.8, "linear_predictor": None, "oe_width": 0.4, "slope_width": 0.4, "c_width": 0.2, "sensitivity": None, "specificity": None, "threshold": None, "net_benefit_width": None},
    "selection_stability": {"selected": [[1, 0, 1], [1, 1, 0], [1, 0, 0]]},
    "spiegelhalter_test": P,
    "standardised_difference": {"values": AGE, "groups": Y},
    "survival_calibration": {**SURVIVAL, "risk": PROB, "at": 8.0, "n_groups": 3, "smooth": True, "n_knots": None, "confidence_level": 0.95},
    "survival_decision_curve": {"time": TIME, "event": STATUS, "y_prob": PROB, "thresholds": [0.2, 0.4], "prevalence": None, "horizon": 8.0, "cause": None, "harms": None, "per": 1},
    "time_dependent_auc": {**SURVIVAL, "risk": SCORE, "times": [5.0, 8.0], "at_horizon": "case"},
    "update_calibration": {**P, "method": "logistic", "clip": 1e-6},
    "variance_inflation": {"predictors": FRAME, "reference": None},
    "Nomogram": {"coefficients": {"Intercept": -1.0, "age": 0.02, "marker": 1.0}, "data": FRAME, "intercept": None, "knots": None, "covariance": np.diag([1.0, 0.001, 0.2]), "maxscale": 100.0, "link": "logit", "baseline_survival": None, "interact": None, "ticks": None},
}  # fmt: skip

# Arguments that hold one row a patient, and are paired with one another.
PAIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "delong_test_unpaired": (("y_a", "score_a"), ("y_b", "score_b")),
    "meta_analysis": (("estimates", "standard_errors"),),
    "pool_imputations": (("estimates", "standard_errors"),),
    "optimism_from_resamples": (("y_true", "y_prob"),),
    "prediction_instability": (("y_true", "y_prob"),),
}
_ROWS = (
    "y_true", "y_score", "y_prob", "score_a", "score_b", "scores", "clusters", "prob_old", "prob_new", "prob_a", "prob_b",
    "time", "event", "risk", "groups", "data", "by", "strata", "method_a", "method_b", "rater_a", "rater_b", "test_a", "test_b",
    "table", "second", "predictors", "X", "y", "folds", "values",
)  # fmt: skip


def function_of(name: str) -> Callable[..., Any]:
    """Return the public function of a name."""
    return _nomogram if name == "Nomogram" else getattr(vcfstats, name)


def paired_rows(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the groups of arguments whose rows are paired."""
    if name in PAIRED:
        return PAIRED[name]
    return (tuple(key for key, value in CALLS[name].items() if key in _ROWS and _has_rows(value)),)


def _has_rows(value: Any) -> bool:
    return hasattr(value, "shape") and value.shape[:1] == (N,)


def bad_values(valid: Any) -> dict[str, Any]:
    """Return what may be put in place of an argument, by what it is."""
    found: dict[str, Any] = {
        "None": None, "a word": "nonsense", "empty text": "", "bytes": b"0.5", "True": True, "minus one": -1, "zero": 0,
        "one": 1, "half": 0.5, "1.5": 1.5, "NaN": float("nan"), "infinite": float("inf"), "minus infinite": -float("inf"),
        "1e308": 1e308, "denormal": 5e-324, "10**400": 10**400, "2**63": 2**63, "complex": 1 + 2j, "NA": pd.NA, "NaT": pd.NaT,
        "date": datetime.date(2020, 1, 1), "span": pd.Timedelta(days=3), "numpy span": np.timedelta64(3, "D"),
        "object": object(), "function": len, "empty list": [], "list of one": [0.5], "zero-dimensional": np.array(0.5),
        "mapping": {"a": 1}, "set": {0, 1}, "generator": (i for i in range(3)), "ragged": [[1, 2], [3]], "decimal": decimal.Decimal("0.5"),
        "list of words": ["a", "b"], "tuple of three": (1, 2, 3), "nested": [[[1.0]]], "empty table": np.empty((0, 2)),
    }  # fmt: skip
    array = np.asarray(valid) if isinstance(valid, np.ndarray | list | tuple | pd.DataFrame) else None
    if array is not None and array.dtype.kind in "fiu" and array.size > 1:
        found |= _bad_arrays(array)
    if isinstance(valid, pd.DataFrame):
        found |= _bad_frames(valid)
    return found


def _bad_arrays(array: np.ndarray) -> dict[str, Any]:
    numbers = array.astype(float)
    first = (0,) * array.ndim
    spoiled = {}
    for what, value in (
        ("NaN", np.nan),
        ("infinity", np.inf),
        ("1e308", 1e308),
        ("-1e308", -1e308),
        ("-1", -1.0),
        ("2", 2.0),
    ):
        changed = numbers.copy()
        changed[first] = value
        spoiled[f"one {what}"] = changed
        spoiled[f"all {what}"] = np.full_like(numbers, value)
    huge = array.astype(object)
    huge[first] = 10**400
    strange = array.astype(object)
    strange[first] = [1, 2]
    with_none = array.astype(object)
    with_none[first] = None
    with_na = array.astype(object)
    with_na[first] = pd.NA
    spoiled |= {
        "all zero": np.zeros_like(numbers), "all one": np.ones_like(numbers), "1 and 2": numbers % 2 + 1, "tiny": numbers * 5e-324,
        "wide": numbers * 1e200, "text": array.astype(str), "text objects": array.astype(str).astype(object), "complex numbers": numbers + 1j,
        "days": (numbers * 100).astype("timedelta64[D]"), "dates": (numbers * 100).astype("datetime64[D]"),
        "masked": np.ma.masked_array(numbers, mask=np.arange(numbers.size).reshape(numbers.shape) == 1),
        "unmasked": np.ma.masked_array(numbers), "structured": np.zeros(array.shape, dtype=[("a", float), ("b", int)]),
        "truth": numbers > np.median(numbers), "huge int": huge, "cells of lists": strange, "with None": with_none, "with NA": with_na,
        "short": numbers[:-1], "one row": numbers[:1], "two rows": numbers[:2], "three rows": numbers[:3], "deep": numbers[..., None],
        "wrapped": numbers[None], "float32": numbers.astype(np.float32), "reversed": numbers[::-1], "decimals": np.array([decimal.Decimal(str(v)) for v in numbers.ravel()], dtype=object).reshape(numbers.shape),
    }  # fmt: skip
    if array.ndim == 1:
        series = pd.Series(numbers)
        spoiled |= {
            "nullable": series.astype("Float64").mask(series.index == 1), "series of spans": pd.to_timedelta(numbers, unit="D").to_series(),
            "series of dates": pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(numbers, unit="D")),
            "object dates": pd.Series([datetime.date(2020, 1, 1)] * len(numbers), dtype=object), "categories": pd.Categorical(numbers),
            "nullable truth": pd.Series(numbers > 0).astype("boolean").mask(series.index == 2),
            "nullable text": pd.Series(array.astype(str)).astype("string").mask(series.index == 2),
            "sparse": sparse.csr_matrix(numbers), "frame": series.to_frame(), "periods": pd.period_range("2020-01", periods=len(numbers), freq="M"),
        }  # fmt: skip
    return spoiled


def _bad_frames(frame: pd.DataFrame) -> dict[str, Any]:
    n = len(frame)
    dates = pd.date_range("2020-01-01", periods=n)
    return {
        "a date column": frame.assign(seen=dates), "a span column": frame.assign(stay=dates - dates[0]),
        "object dates in a column": frame.assign(seen=[d.date() for d in dates]), "a complex column": frame.assign(z=1j * np.arange(n)),
        "NA in a column": frame.assign(age=frame["age"].astype("Float64").mask(frame.index == 3)),
        "infinity in a column": frame.assign(age=np.where(frame.index == 3, np.inf, frame["age"])),
        "1e308 in a column": frame.assign(age=np.where(frame.index == 3, 1e308, frame["age"])),
        "constant column": frame.assign(age=1.0), "numbers as text": frame.assign(age=frame["age"].astype(str)),
        "lists in cells": frame.assign(age=[[1, 2]] * n), "numbers and text": frame.assign(age=["<5", *frame["age"][1:]]),
        "repeated names": pd.concat([frame, frame], axis=1), "no columns": frame[[]], "no rows": frame.iloc[:0], "one row": frame.iloc[:1],
        "three rows": frame.iloc[:3], "missing text": frame.assign(sex=frame["sex"].astype("string").mask(frame.index == 3)),
        "two copies": frame.assign(again=frame["age"]), "many levels": frame.assign(sex=[f"level {i}" for i in range(n)]),
        "array": frame[["age", "marker"]].to_numpy(), "array of words": frame.to_numpy(), "numbers as names": frame.set_axis(range(3), axis=1),
        "tiny column": frame.assign(age=frame["age"] * 1e-12), "objects": frame.astype(object),
    }  # fmt: skip
