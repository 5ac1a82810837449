"""A model on patients of elsewhere, in records and tables: performance, recalibration, subgroups, case mix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from vcfstats import calibration_summary, case_mix_difference, optimism_bootstrap, roc_auc, update_calibration
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.learning.fusion import OUTPUT
from vcfstats.learning.scoring import Scored
from vcfstats.pipeline.application.bundle import Bundle, Moments, Numbers
from vcfstats.pipeline.application.newcomers import Newcomers
from vcfstats.pipeline.application.writing import linear_predictor, moments, numbers
from vcfstats.pipeline.evaluation.models import OUTPUT_LABEL
from vcfstats.pipeline.evaluation.performance import Predictions, performance_records, remarks
from vcfstats.pipeline.params import Covariate, EvaluationSection
from vcfstats.statistics.calibration.updating import CalibrationUpdate
from vcfstats.statistics.descriptive.difference import difference_of_counts
from vcfstats.statistics.digits import decimals_for, fixed

STAGE = "validate"
# Model with its probabilities updated -> what was fitted on the new patients.
UPDATES = {"intercept": "intercept", "recalibrated": "logistic"}
_UPDATED = (
    "calibration_in_the_large",
    "calibration_intercept",
    "calibration_slope",
    "oe_ratio",
    "brier",
    "hosmer_lemeshow",
)
_CORRECTED = ("intercept", "slope", "brier")


def external_predictions(newcomers: Newcomers, scored: Scored, bundle: Bundle) -> list[Predictions]:
    """Return the predictions of each headline model on the new cases that it scores, with its frozen threshold."""
    found = []
    for model in bundle.models:
        known = scored.probabilities[model].dropna()
        if known.empty:
            continue
        found.append(
            Predictions(
                kind="external",
                model=model,
                partition="external",
                outcome=newcomers.cohort.loc[known.index, "outcome"].to_numpy(dtype=np.float64),
                probability=known.to_numpy(dtype=np.float64),
                threshold=bundle.body.thresholds[model],
            )
        )
    return found


def development_records(bundle: Bundle, level: float = 0.95) -> list[Record]:
    """Return how the models did at home, out of fold, and how many patients were there."""
    d = bundle.body.development
    records = [
        Record(kind="cohort", partition="training", estimate=name, value=value, stage="learn")
        for name, value in (("n_cases", d.n_cases), ("n_patients", d.n_patients), ("n_events", d.n_events))
    ]
    for model, found in d.out_of_fold.items():
        has = found.low is not None
        records.append(
            Record(
                kind="out_of_fold", model=model, partition="training", estimate="auc", value=found.auc, ci_low=found.low, ci_high=found.high,
                level=level if has else None, n=found.n, events=found.events, method="DeLong", stage="learn",
            )
        )  # fmt: skip
    return records


def cohort_records(cohort: pd.DataFrame) -> list[Record]:
    """Return counts of the new patients."""
    counts = {
        "n_cases": len(cohort),
        "n_patients": int(cohort["patient_id"].nunique()),
        "n_events": int(cohort["outcome"].sum()),
    }
    return [
        Record(kind="cohort", partition="external", estimate=name, value=value, stage=STAGE)
        for name, value in counts.items()
    ]


def performance(given: Predictions, settings: EvaluationSection) -> list[Record]:
    """Return the records of one model on the new patients."""
    return [record.model_copy(update={"stage": STAGE}) for record in performance_records(given, settings)]


def updates(
    given: Predictions, patients: np.ndarray, settings: EvaluationSection, *, n_resamples: int, seed: int
) -> tuple[list[Record], list[Predictions]]:
    """Return the model with its intercept, and with intercept and slope, fitted on the new patients.

    Their calibration in the very patients that they were fitted to says nothing: its records say so, and the optimism of
    the bootstrap, whole patients drawn, stands beside it.

    Returns
    -------
    records : list of Record
        Coefficients, calibration as fitted and corrected for optimism, and tests of one update against another.
    predictions : list of Predictions
        The updated probabilities, as models of their own.
    """
    records: list[Record] = []
    made: list[Predictions] = []
    fitted: dict[str, CalibrationUpdate] = {"none": update_calibration(given.outcome, given.probability, method="none")}
    for suffix, method in UPDATES.items():
        name = f"{given.model}_{suffix}"

        def record(estimate: str, value: float | None, *, model: str = name, **more: Any) -> Record:
            return Record(
                kind="external", model=model, partition="external", estimate=estimate, value=value, n=len(given.outcome),
                events=int(given.outcome.sum()), stage=STAGE, **more,
            )  # fmt: skip

        try:
            with remarks():
                update = update_calibration(given.outcome, given.probability, method=method)
        except ValueError as error:
            records.append(record("update_intercept", None, method=f"not estimable: {error}"))
            continue
        fitted[method] = update
        if method == "logistic" and (said := _unranked(update, settings.confidence_level)):
            # Such a map turns the ranking round, or makes one of noise: no probability comes of it.
            records.append(record("update_intercept", None, method=f"not estimable: {said}"))
            continue
        for measure in ("intercept", "slope"):
            low, high = update.confidence_interval(measure, settings.confidence_level)
            records.append(
                record(
                    f"update_{measure}", getattr(update, measure), ci_low=low, ci_high=high,
                    level=None if math.isnan(low) else settings.confidence_level, method="not fitted" if math.isnan(low) else "Wald",
                )
            )  # fmt: skip
        updated = replace(
            given,
            model=name,
            probability=update.predict(given.probability),
            threshold=float(update.predict(np.array([given.threshold]))[0]),
        )
        made.append(updated)
        for found in performance(updated, settings):
            if found.estimate in _UPDATED:
                said = f"{found.method or ''}; fitted to these very patients".removeprefix("; ")
                records.append(found.model_copy(update={"method": said}))
        records += _corrected(given, patients, method, record, n_resamples=n_resamples, seed=seed)
    for larger, smaller in (("intercept", "none"), ("logistic", "intercept"), ("logistic", "none")):
        if larger in fitted and smaller in fitted:
            p = fitted[larger].test_against(fitted[smaller])
            records.append(
                Record(
                    kind="external", model=given.model, partition="external", estimate=f"update_test_{larger}_{smaller}",
                    value=2 * (fitted[larger].loglik - fitted[smaller].loglik), p_value=p,
                    df=fitted[larger].n_parameters - fitted[smaller].n_parameters, method="likelihood ratio",
                    n=len(given.outcome), events=int(given.outcome.sum()), stage=STAGE,
                )
            )  # fmt: skip
    return records, made


def _unranked(update: CalibrationUpdate, level: float) -> str:
    """Say why a new slope makes no risks of a model's probabilities; nothing where it is above 0 with its interval."""
    low, high = update.confidence_interval("slope", level)
    if update.slope > 0 and (math.isnan(low) or low > 0):
        return ""
    shown = f"{update.slope:.2f}, {100 * level:g}% CI {low:.2f} to {high:.2f}".replace("-", "\N{MINUS SIGN}")
    return f"the model does not rank these patients better than chance, calibration slope {shown}"


def _corrected(
    given: Predictions, patients: np.ndarray, method: str, record: Any, *, n_resamples: int, seed: int
) -> list[Record]:
    """Return calibration of an update corrected for the optimism of having been fitted to these patients."""

    def fit(X: Any, y: np.ndarray, _: Any) -> Any:
        update = update_calibration(y, expit(np.asarray(X)[:, 0]), method=method)
        return lambda other: update.predict(expit(np.asarray(other)[:, 0]))

    lp = logit(np.clip(given.probability, 1e-6, 1 - 1e-6))[:, None]
    groups = None if len(set(patients.tolist())) == len(patients) else patients
    try:
        with remarks() as said:
            found = optimism_bootstrap(
                fit, lp, given.outcome, measures=_CORRECTED, n_resamples=n_resamples, groups=groups, random_state=seed
            )
    except ValueError as error:
        return [record(f"corrected_{name}", None, method=f"not estimable: {error}") for name in _CORRECTED]
    told = [text.replace(" ({})", "") for text in dict.fromkeys(said)]  # no fit failed, a measure did not exist
    remark = f" ({'; '.join(told)})" if told else ""
    how = f"optimism-corrected, {n_resamples} bootstrap samples of patients, the update fitted anew in each{remark}"
    return [
        record(f"corrected_{name}", float(value) if np.isfinite(value) else None, method=how)
        for name, value in zip(found.measures, found.corrected, strict=True)
    ]


def subgroups(
    newcomers: Newcomers, given: Predictions, scored: Scored, bundle: Bundle, settings: EvaluationSection
) -> pd.DataFrame:
    """Return AUC, O/E and calibration slope of the model by level of each categorical covariate, with counts.

    With fewer events or non-events than `evaluation.subgroup_minimum` AUC and slope are left out, without an event O/E as
    well, and the row says so.
    """
    probability = scored.probabilities[given.model].dropna()
    cohort = newcomers.cohort.loc[probability.index]
    rows = [_subgroup("All cases", "", cohort["outcome"], probability, settings)]
    for name, covariate in newcomers.columns.covariates.items():
        if covariate.type == "continuous" or name not in cohort:
            continue
        for level, label in _levels(cohort[name], covariate, bundle.body.cohort.covariates.get(name)).items():
            of = cohort.index[cohort[name] == level]
            rows.append(_subgroup(covariate.label, label, cohort.loc[of, "outcome"], probability.loc[of], settings))
    return pd.DataFrame(rows, columns=list(TABLES["external_subgroups"]))


def _levels(values: pd.Series, own: Covariate, model: Covariate | None) -> dict[str, str]:
    """Return the levels in order, the model's first, with their names in print; those unknown to both as they stand."""
    known = {**(model.levels if model else {}), **(own.levels if not model else {})}
    more = sorted(set(values.dropna()) - set(known))
    return known | {str(level): f"{level} (unknown to the model)" if model else str(level) for level in more}


def _subgroup(
    variable: str, level: str, outcome: pd.Series, probability: pd.Series, settings: EvaluationSection
) -> dict[str, Any]:
    n, events = len(outcome), int(outcome.sum())
    row: dict[str, Any] = {"variable": variable, "level": level, "n": n, "events": events}
    lacking = []
    if not n:
        return row | {"remark": "no case"}
    if min(events, n - events) >= settings.subgroup_minimum:
        with remarks():
            auc = roc_auc(outcome, probability)
            low, high = auc.confidence_interval(settings.confidence_level, method=settings.auc_interval)
        row |= {"auc": auc.auc, "low": low, "high": high}
    else:
        few = "events" if events <= n - events else "non-events"
        lacking.append(f"fewer than {settings.subgroup_minimum} {few}: no AUC, no slope")
    if 0 < events < n:
        try:
            with remarks():
                summary = calibration_summary(outcome, probability, n_resamples=0)
                limits = {m: summary.confidence_interval(m, settings.confidence_level) for m in ("oe_ratio", "slope")}
        except ValueError as error:
            lacking.append(f"calibration not estimable: {error}")
        else:
            row |= {"oe": summary.oe_ratio, "oe_low": limits["oe_ratio"].low, "oe_high": limits["oe_ratio"].high}
            if "auc" in row and np.isfinite(summary.slope):
                row |= {"slope": summary.slope, "slope_low": limits["slope"].low, "slope_high": limits["slope"].high}
            elif "auc" in row:
                lacking.append("predictions separate events from non-events: no slope")
    elif not events:
        lacking = ["no event: nothing can be estimated"]
    else:
        lacking = ["no non-event: nothing can be estimated"]
    return row | {"remark": "; ".join(lacking)}


def case_mix(newcomers: Newcomers, scored: Scored, bundle: Bundle, clip: float) -> tuple[pd.DataFrame, list[Record]]:
    """Return development and new patients beside one another, and how well they can be told apart.

    Returns
    -------
    table : DataFrame
        Counts, findings and linear predictor of both, with the standardised difference.
    records : list of Record
        Mean and standard deviation of the linear predictor, and the AUC of the membership model.
    """
    d, main = bundle.body.development, bundle.body.model
    cohort = newcomers.cohort
    rows = [
        _row("Cases", "", "n", f"{d.n_cases}", f"{len(cohort)}"),
        _counts_row(
            bundle.body.cohort.outcome.event_label.capitalize(), "", {"1": d.n_events, "0": d.n_cases - d.n_events}, "1",
            {"1": int(cohort["outcome"].sum()), "0": int((1 - cohort["outcome"]).sum())}, difference=True,
        ),
    ]  # fmt: skip
    for name, covariate in bundle.body.cohort.covariates.items():
        if name in d.numbers:
            own = numbers(cohort[name]) if name in cohort else None
            label = f"{covariate.label} ({covariate.unit})" if covariate.unit else covariate.label
            rows.append(_numbers_row(label, d.numbers[name], own))
        elif name in d.levels:
            counts = dict(d.levels[name].counts)
            new = {level: int((cohort[name] == level).sum()) for level in counts} if name in cohort else None
            for position, (level, printed) in enumerate(covariate.levels.items()):
                rows.append(_counts_row(covariate.label, printed, counts, level, new, difference=position == 0))
    home = d.out_of_fold[main].linear_predictor
    away = numbers(linear_predictor(scored.probabilities[main].dropna(), clip))
    rows.append(_numbers_row("Linear predictor (log odds)", home, away))
    records = []
    for name, place in (("development", home), ("external", away)):
        for measure in ("mean", "sd"):
            records.append(
                Record(
                    kind="external", model=main, partition="external", estimate=f"linear_predictor_{measure}_{name}", value=getattr(place, measure),
                    n=place.n, method="out of fold" if name == "development" else None, unit="log odds", stage=STAGE,
                )
            )  # fmt: skip
    records.append(_membership(newcomers, scored, bundle, clip))
    return pd.DataFrame(rows, columns=list(TABLES["case_mix"])), records


def _membership(newcomers: Newcomers, scored: Scored, bundle: Bundle, clip: float) -> Record:
    home, main = bundle.body.development.moments, bundle.body.model

    def record(value: float | None, **more: Any) -> Record:
        return Record(
            kind="external",
            model=main,
            partition="external",
            estimate="membership_auc",
            value=value,
            stage=STAGE,
            **more,
        )

    frame = scored.design.copy()
    if main != "dlrn":
        frame = pd.DataFrame({"linear_predictor": linear_predictor(scored.probabilities[main], clip)}, frame.index)
    frame.insert(0, "outcome", newcomers.cohort["outcome"].astype(np.float64))
    away = moments(frame)
    if home is None or away is None:
        return record(None, method="not estimable: too few complete cases")
    home, away, left_out = _comparable(home, away)
    try:
        mix = case_mix_difference(home.mean, home.covariance, home.n, away.mean, away.covariance, away.n)
    except ValueError as error:
        return record(None, method=f"not estimable: {error}")
    names = ", ".join(OUTPUT_LABEL if name == OUTPUT else name.replace("_", " ") for name in home.names)
    how = (
        f"linear discriminant of {names}; corrected for chance (apparent {mix.auc_apparent:.3f}); p of Hotelling's test"
    )
    if left_out:
        how += f"; left out, since they do not vary: {', '.join(left_out)}"
    return record(mix.auc, statistic=mix.statistic, df=float(mix.df1), p_value=mix.pvalue, n=away.n, method=how)


def _comparable(home: Moments, away: Moments) -> tuple[Moments, Moments, list[str]]:
    """Return both cohorts without the variables that vary in neither."""
    varies = [i for i in range(len(home.names)) if home.covariance[i][i] > 1e-12 or away.covariance[i][i] > 1e-12]

    def at(given: Moments) -> Moments:
        return Moments(
            names=tuple(given.names[i] for i in varies),
            n=given.n,
            mean=tuple(given.mean[i] for i in varies),
            covariance=tuple(tuple(given.covariance[i][j] for j in varies) for i in varies),
        )

    return at(home), at(away), [name for i, name in enumerate(home.names) if i not in varies]


def _row(
    variable: str, level: str, statistic: str, development: str, validation: str, difference: float = math.nan
) -> dict[str, object]:
    return {
        "variable": variable, "level": level, "statistic": statistic, "development": development, "validation": validation,
        "difference": difference,
    }  # fmt: skip


def _numbers_row(label: str, home: Numbers, away: Numbers | None) -> dict[str, object]:
    difference = math.nan
    if away is not None and home.sd is not None and away.sd is not None and home.mean is not None:
        spread = math.sqrt((home.sd**2 + away.sd**2) / 2)
        difference = abs(home.mean - (away.mean or 0.0)) / spread if spread > 0 else math.nan
    digits = decimals_for([found.sd for found in (home, away) if found is not None and found.sd is not None], 2)
    there = "not given" if away is None else _mean_sd(away, digits)
    return _row(label, "", "mean ± SD", _mean_sd(home, digits), there, difference)


def _mean_sd(found: Numbers, digits: int) -> str:
    absent = found.mean is None or found.sd is None
    text = "-" if absent else f"{fixed(found.mean or 0.0, digits)} ± {fixed(found.sd or 0.0, digits)}"
    return f"{text}; {found.missing} missing" if found.missing else text


def _counts_row(
    label: str, printed: str, home: Mapping[str, int], level: str, away: Mapping[str, int] | None, *, difference: bool
) -> dict[str, object]:
    gap = math.nan
    if difference and away is not None:
        gap = difference_of_counts(np.array([list(home.values()), [away[name] for name in home]]))
    return _row(label, printed, "n (%)", _share(home, level), "not given" if away is None else _share(away, level), gap)


def _share(counts: Mapping[str, int], level: str) -> str:
    total = sum(counts.values())
    return f"{counts[level]} ({counts[level] / total:.1%})" if total else "0 (-)"
