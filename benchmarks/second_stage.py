"""Which input the second stage should see. Writes results/second_stage.csv, one row a method and cohort, and .md.

eval "$(vcfstats arithmetic)"
python benchmarks/second_stage.py --minutes 120 --workers 2

The plan is second_stage_plan.md. A run that is stopped goes on with the next cohort; rows of finished cohorts are kept.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from vcfstats import calibration_summary, roc_auc
from vcfstats.contracts.files import write_text
from vcfstats.learning.classifiers import build, probability_of
from vcfstats.learning.prepared import Prepared
from vcfstats.learning.selection import select_features
from vcfstats.learning.settings import CollinearitySettings, LassoSettings, SelectionSettings
from vcfstats.statistics.glm import fit_logistic
from vcfstats.statistics.regression.firth import firth_coefficients
from vcfstats.statistics.validation.folds import random_folds

RESULTS = Path(__file__).parent / "results"
Array = npt.NDArray[np.float64]
SELECTION = SelectionSettings(collinearity=CollinearitySettings(limit=None), lasso=LassoSettings(folds=5, n_lambdas=50))
GRIDS: dict[str, list[dict[str, Any]]] = {
    "logistic_regression": [{"C": c} for c in (0.01, 0.1, 1.0)],
    "random_forest": [
        {"n_estimators": 100, "max_depth": None, "min_samples_leaf": leaf, "max_features": "sqrt"} for leaf in (1, 5)
    ],
    "xgboost": [
        {"n_estimators": 50, "max_depth": depth, "learning_rate": 0.1, "subsample": 0.8, "reg_lambda": 1.0} for depth in (1, 3)
    ],
}  # fmt: skip
SIGNALS = {"none": 0.0, "moderate": 1.0, "strong": 2.0}
CELL = ["n", "events", "signal", "learner"]
FRESH = 20_000
CLIP = 0.001


@dataclass(frozen=True)
class Scenario:
    """One cell of the factorial."""

    n: int
    events: float
    signal: str
    learner: str

    @property
    def name(self) -> str:
        return f"n {self.n}, events {self.events:.0%}, signal {self.signal}, {self.learner}"


SCENARIOS = [Scenario(*cell) for cell in itertools.product((164, 1000), (0.15, 0.37), SIGNALS, GRIDS)]


@dataclass(frozen=True)
class Cohort:
    """Patients: clinical findings (n, 3), image features (n, 600), true risk and outcome."""

    clinical: Array
    features: pd.DataFrame
    risk: Array
    outcome: npt.NDArray[np.int64]


def _linear(rng: np.random.Generator, n: int, signal: str) -> tuple[Array, Array, Array]:
    """Return clinical findings, image factors and the linear predictor without its intercept."""
    clinical = np.column_stack([rng.standard_normal(n), rng.random(n) < 0.4, rng.random(n) < 0.25]).astype(float)
    factors = rng.standard_normal((n, 4))
    image = factors.sum(axis=1) / 2 + 0.5 * (factors[:, 0] > 0.5)
    return clinical, factors, clinical @ np.array([0.5, 0.8, 0.8]) + SIGNALS[signal] * image


@cache
def intercept(events: float, signal: str) -> float:
    """Return the intercept with which a share of patients has the event."""
    *_, linear = _linear(np.random.default_rng(0), 200_000, signal)
    return float(brentq(lambda a: expit(a + linear).mean() - events, -20, 20))


def draw(scenario: Scenario, rng: np.random.Generator, n: int) -> Cohort:
    """Draw patients of a scenario."""
    while True:
        clinical, factors, linear = _linear(rng, n, scenario.signal)
        risk = expit(intercept(scenario.events, scenario.signal) + linear)
        outcome = (rng.random(n) < risk).astype(np.int64)
        if 10 <= outcome.sum() <= n - 10:
            break
    blocks = rng.standard_normal((n, 60))
    blocks[:, :8] = 0.6 * np.tile(factors, 2) + 0.8 * blocks[:, :8]
    values = np.sqrt(0.7) * np.repeat(blocks, 10, axis=1) + np.sqrt(0.3) * rng.standard_normal((n, 600))
    return Cohort(clinical, pd.DataFrame(values, columns=[f"f{i}" for i in range(600)]), risk, outcome)


@dataclass(frozen=True)
class Fit:
    """Selection and a classifier for each tuning point asked for, on some patients; a constant where no feature was left."""

    prepared: Prepared
    prevalence: float
    models: dict[int, Any]
    lasso: Array

    def probability(self, frame: pd.DataFrame, point: int) -> Array:
        if not self.prepared.features:
            return np.full(len(frame), self.prevalence)
        return probability_of(self.models[point], self.prepared.apply(frame))

    def score(self, frame: pd.DataFrame) -> Array:
        """Return the LASSO's linear score, less its intercept."""
        return self.prepared.apply(frame) @ self.lasso if self.prepared.features else np.zeros(len(frame))


def fit(cohort: Cohort, inside: npt.NDArray[np.bool_], learner: str, seed: np.random.SeedSequence, *points: int) -> Fit:
    """Select features and fit tuning points (every one, where none is named) on the patients inside."""
    frame, y = cohort.features[inside], cohort.outcome[inside]
    chosen = select_features(frame, y, np.flatnonzero(inside), SELECTION, seed)
    sight = chosen.prepared
    models: dict[int, Any] = {}
    if sight.features:
        X, of = sight.apply(frame), int(seed.generate_state(1)[0])
        for i in points or range(len(GRIDS[learner])):
            models[i] = build(learner, GRIDS[learner][i], of, y=y, patients=np.flatnonzero(inside)).fit(X, y)
    return Fit(sight, float(y.mean()), models, np.array([chosen.coefficients[name] for name in sight.features]))


def _auc(y: npt.NDArray[np.int64], score: Array) -> float:
    return roc_auc(y, score).auc if 0 < y.sum() < len(y) else np.nan


def scores(cohort: Cohort, fresh: Cohort, scenario: Scenario, seed: np.random.SeedSequence) -> Iterator[tuple[str, Array, Array]]:  # fmt: skip
    """Yield each image score: its name, its values on the training patients, and on the fresh ones as deployed."""
    y, learner = cohort.outcome, scenario.learner
    points, rng = range(len(GRIDS[learner])), np.random.default_rng(seed.spawn(1)[0])
    seeds = iter(seed.spawn(100))
    five, twenty = (
        random_folds(len(y), min(K, int(min(y.sum(), len(y) - y.sum()))), rng, groups=np.arange(len(y)), strata=y)
        for K in (5, 20)
    )
    every = np.ones(len(y), dtype=bool)
    full = fit(cohort, every, learner, next(seeds))
    folds = {k: fit(cohort, five != k, learner, next(seeds)) for k in range(5)}
    out = np.array([_scattered(five, {k: folds[k].probability(cohort.features[five == k], point) for k in folds}) for point in points])  # fmt: skip
    final = int(np.nanargmax([_auc(y, values) for values in out]))

    nested = np.empty(len(y))
    pairs = {
        pair: fit(cohort, ~np.isin(five, pair), learner, next(seeds)) for pair in itertools.combinations(range(5), 2)
    }
    for k in folds:
        others = [j for j in folds if j != k]
        inner = np.array([
            _scattered(five, {j: pairs[min(j, k), max(j, k)].probability(cohort.features[five == j], point) for j in others})
            for point in points
        ])  # fmt: skip
        rows = five != k
        best = int(np.nanargmax([_auc(y[rows], values[rows]) for values in inner]))
        nested[five == k] = out[best][five == k]

    deployed = full.probability(fresh.features, final)
    yield "nested", nested, deployed
    yield "final5", out[final], deployed
    yield "mean5", out[final], np.mean([folds[k].probability(fresh.features, final) for k in folds], axis=0)
    yield "resubstituted", full.probability(cohort.features, final), deployed
    many = {k: fit(cohort, twenty != k, learner, next(seeds), final) for k in np.unique(twenty)}
    yield "final20", _scattered(twenty, {k: many[k].probability(cohort.features[twenty == k], final) for k in many}), deployed  # fmt: skip
    yield "lasso5", _scattered(five, {k: folds[k].score(cohort.features[five == k]) for k in folds}), full.score(fresh.features)  # fmt: skip
    yield "clinical", np.empty(0), np.empty(0)


def _scattered(fold: npt.NDArray[Any], parts: dict[Any, Array]) -> Array:
    values = np.full(len(fold), np.nan)
    for k, part in parts.items():
        values[fold == k] = part
    return values


def one_cohort(number: int, scenario: Scenario) -> list[dict[str, Any]]:
    """Run every method on one cohort of a scenario."""
    seed = np.random.SeedSequence([20261202, number, SCENARIOS.index(scenario)])
    drawn, later, own = seed.spawn(3)
    cohort = draw(scenario, np.random.default_rng(drawn), scenario.n)
    fresh = draw(scenario, np.random.default_rng(later), FRESH)
    rows = []
    for name, inside, outside in scores(cohort, fresh, scenario, own):
        ways: dict[str, Callable[[Array], Array]] = {"as it is": lambda x: x}
        if name not in ("lasso5", "clinical"):
            ways = {"probability": lambda x: x, "logit": lambda x: logit(np.clip(x, CLIP, 1 - CLIP))}
        for scale, turned in ways.items():
            for stage, measures in second_stages(cohort, fresh, turned(inside), turned(outside)):
                rows.append({"cohort": number, **vars(scenario), "score": name, "scale": scale, "stage": stage, **measures})  # fmt: skip
    return rows


def logistic(X: Array, y: Array) -> tuple[Array, float]:
    """Return intercept and slopes, and the log-likelihood; by Firth's method where the outcome is separated."""
    design = np.column_stack([np.ones(len(y)), X])
    found = fit_logistic(design, y)
    if found.separated or not np.isfinite(found.covariance).all():
        return firth_coefficients(design, y)[0], found.loglik
    return found.coef, found.loglik


def second_stages(cohort: Cohort, fresh: Cohort, inside: Array, outside: Array) -> Iterator[tuple[str, dict[str, float]]]:  # fmt: skip
    """Fit the second stage, plain and shrunken, and measure it on fresh patients."""
    y = cohort.outcome.astype(float)
    known = len(inside) > 0 and np.ptp(inside) > 0
    X, Z = cohort.clinical, fresh.clinical
    if known:
        X, Z = np.column_stack([X, inside]), np.column_stack([Z, outside])
    coef, likelihood = logistic(X, y)
    _, null = logistic(np.empty((len(y), 0)), y)
    chi2 = 2 * (likelihood - null)
    shrink = max(0.0, (chi2 - X.shape[1]) / chi2) if chi2 > 0 else 0.0
    slopes = coef[1:]
    offset = X @ (shrink * slopes)
    wide = 40 + np.abs(offset).max()
    moved = brentq(lambda a: expit(a + offset).mean() - y.mean(), -wide, wide)
    again = logistic(Z, fresh.outcome.astype(float))[0][-1] if known and np.ptp(outside) > 0 else np.nan
    for stage, constant, factor in (("plain", coef[0], 1.0), ("shrunken", moved, shrink)):
        risk = np.clip(expit(constant + Z @ (factor * slopes)), 1e-12, 1 - 1e-12)
        summary = calibration_summary(fresh.outcome, risk)
        yield stage, {
            "rmse": float(np.sqrt(np.mean((risk - fresh.risk) ** 2))),
            "slope": summary.slope,
            "in_the_large": summary.calibration_in_the_large,
            "brier": float(np.mean((risk - fresh.outcome) ** 2)),
            "auc": roc_auc(fresh.outcome, risk).auc,
            "coefficient": factor * slopes[-1] if known else np.nan,
            "refitted": float(again),
        }  # fmt: skip


def run(minutes: float, workers: int) -> None:
    """Run cohorts in turn over the scenarios, keeping what is finished."""
    path = RESULTS / "second_stage.csv"
    kept = [pd.read_csv(path)] if path.is_file() else []
    done = {
        (int(r.cohort), Scenario(int(r.n), float(r.events), str(r.signal), str(r.learner)).name)
        for rows in kept
        for r in rows.drop_duplicates(["cohort", *CELL]).itertuples()
    }
    tasks = ((number, scenario) for number in itertools.count() for scenario in SCENARIOS)
    until, finished = time.monotonic() + 60 * minutes, 0
    with ProcessPoolExecutor(workers) as pool:
        running: dict[Any, Scenario] = {}
        while running or time.monotonic() < until:
            while len(running) < workers and time.monotonic() < until:
                number, scenario = next(task for task in tasks if (task[0], task[1].name) not in done)
                running[pool.submit(one_cohort, number, scenario)] = scenario
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                del running[future]
                kept.append(pd.DataFrame(future.result()))
                write_text(
                    path, pd.concat(kept).to_csv(index=False, float_format="%.6g")
                )  # whole or not at all, whenever it is stopped
                finished += 1
            left = max(0.0, until - time.monotonic())
            print(f"cohorts {finished}, {left / 60:.0f} min left", flush=True)


def report() -> None:
    """Write the tables of results/second_stage.md."""
    rows = pd.read_csv(RESULTS / "second_stage.csv")
    cell, method = CELL, ["score", "scale", "stage"]
    base = rows.query("score == 'nested' and scale == 'probability' and stage == 'plain'").set_index([*cell, "cohort"])["rmse"]  # fmt: skip
    rows["difference"] = rows["rmse"] - base.reindex(pd.MultiIndex.from_frame(rows[[*cell, "cohort"]])).to_numpy()
    text = [
        "# Which input the second stage should see",
        "",
        f"Plan: second_stage_plan.md. {rows.groupby(cell)['cohort'].nunique().min()} to {rows.groupby(cell)['cohort'].nunique().max()} cohorts in each of "
        f"{rows.groupby(cell).ngroups} scenarios, {FRESH:,} fresh patients each. Difference: of the error to the true risk to `nested`, probability, plain, "
        "paired by cohort, with its Monte Carlo error, every scenario weighted alike. Slope: mean over scenarios of the median and of the SD. "
        "Coefficient / refitted: of the score, median, scenarios with a signal.",
        "",
        "| score | scale | stage | error to true risk | difference (MC error) | slope, median | SD | in the large | Brier | AUC | coefficient / refitted |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    found = []
    for names, part in rows.groupby(method):
        by = part.groupby(cell)
        error = np.sqrt((by["difference"].var() / by.size()).sum()) / by.ngroups
        told = part[part["signal"] != "none"]  # without a signal the refitted coefficient is about 0
        ratio = (told["coefficient"] / told["refitted"]).groupby([told[c] for c in cell]).median()
        found.append(
            (
                by["rmse"].mean().mean(),
                f"| {' | '.join(names)} | {by['rmse'].mean().mean():.4f} | {by['difference'].mean().mean():+.4f} ({error:.4f}) | "
                f"{by['slope'].median().mean():.2f} | {by['slope'].std().mean():.2f} | {by['in_the_large'].mean().mean():+.3f} | "
                f"{by['brier'].mean().mean():.4f} | {by['auc'].mean().mean():.4f} | {ratio.mean():.2f} |",
            )
        )  # fmt: skip
    text += [line for _, line in sorted(found)]
    (RESULTS / "second_stage.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    run(given.minutes, given.workers)
    report()


if __name__ == "__main__":
    main()
