"""Which rule before the LASSO. Writes results/collinearity.csv, one row a cohort, candidate and classifier, and .md.

eval "$(vcfstats arithmetic)"
python benchmarks/collinearity.py --real FOLDER --minutes 60

The plan is collinearity_plan.md. FOLDER holds the .gz tables of radMLBench (https://github.com/aydindemircioglu/radMLBench, datasets/). A run that
is stopped goes on with the next cohort.
"""

from __future__ import annotations

import argparse
import itertools
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import brentq
from scipy.spatial.distance import squareform
from scipy.special import expit
from sklearn.linear_model import ElasticNetCV

from vcfstats import roc_auc
from vcfstats.contracts.files import write_text
from vcfstats.learning.classifiers import build, probability_of
from vcfstats.learning.selection.collinearity import CollinearityFilter
from vcfstats.learning.selection.filters import CorrelationFilter, TTestFilter, t_test_pvalues
from vcfstats.learning.selection.lasso import LassoSelector
from vcfstats.statistics.validation.folds import random_folds

RESULTS = Path(__file__).parent / "results"
Array = npt.NDArray[np.float64]
REAL = (
    "WORC-Lipo", "WORC-Desmoid", "WORC-GIST", "WORC-CRLM", "Arita2018", "Sasaki2019", "LGG-1p19qDeletion", "Head-Neck-Radiomics-HN1",
)  # fmt: skip
CANDIDATES = ("none", "as published", "medoid", "most associated", "elastic net", "sets first")
LEARNERS: dict[str, dict[str, Any]] = {
    "extra_trees": {"n_estimators": 100, "max_depth": None, "min_samples_leaf": 5, "max_features": "sqrt"},
    "logistic_regression": {"C": 0.1},
}
CELLS = list(itertools.product((0.15, 0.37), (1.0, 2.0)))
COHORTS, FRESH, REPETITIONS, CUT = 6, 5_000, 2, 0.7


@dataclass(frozen=True)
class Cohort:
    """Features (n, p), set of each, which carry signal (all unknown: None), outcome, and true risk where it is known."""

    name: str
    features: Array
    sets: npt.NDArray[np.int64]
    carries: npt.NDArray[np.bool_] | None
    outcome: npt.NDArray[np.int64]
    risk: Array | None = None


def _patients(rng: np.random.Generator, n: int, signal: float) -> tuple[Array, Array]:
    factors = rng.standard_normal((n, 4))
    return factors, signal * (factors.sum(axis=1) / 2 + 0.5 * (factors[:, 0] > 0.5))


@cache
def _intercept(events: float, signal: float) -> float:
    _, linear = _patients(np.random.default_rng(0), 200_000, signal)
    return float(brentq(lambda a: expit(a + linear).mean() - events, -20, 20))


def simulated(events: float, signal: float, rng: np.random.Generator, n: int, name: str) -> Cohort:
    """Draw patients of a cell."""
    while True:
        factors, linear = _patients(rng, n, signal)
        risk = expit(_intercept(events, signal) + linear)
        outcome = (rng.random(n) < risk).astype(np.int64)
        if 10 <= outcome.sum() <= n - 10:
            break
    blocks = rng.standard_normal((n, 60))
    blocks[:, :24] = 0.6 * np.tile(factors, 6) + 0.8 * blocks[:, :24]
    first = np.sqrt(0.75) * np.repeat(blocks, 10, axis=1) + np.sqrt(0.25) * rng.standard_normal((n, 600))
    shared = factors.sum(axis=1, keepdims=True) / 2
    second = 0.25 * shared + np.sqrt(1 - 0.25**2) * rng.standard_normal((n, 800))
    carries = np.r_[np.repeat(np.arange(60) < 24, 10), np.zeros(800, dtype=bool)]
    return Cohort(name, np.hstack([first, second]), np.repeat([0, 1], [600, 800]), carries, outcome, risk)


def real(folder: Path, name: str) -> Cohort:
    """Read a public cohort; columns that do not vary or lack values are left out."""
    frame = pd.read_csv(folder / f"{name}.gz", compression="gzip")
    values = frame.drop(columns=["ID", "Target"]).select_dtypes("number")
    values = values.loc[:, values.notna().all() & (values.nunique() > 1)]
    X = values.to_numpy(dtype=np.float64)
    return Cohort(name, X, np.zeros(X.shape[1], dtype=np.int64), None, frame["Target"].to_numpy(dtype=np.int64))


def clusters(X: Array) -> npt.NDArray[np.int64]:
    """Return the cluster of each column: average linkage of 1 - |r|, cut where |r| is 0.7."""
    if X.shape[1] < 2:
        return np.zeros(X.shape[1], dtype=np.int64)
    apart = 1 - np.abs(np.corrcoef(X.T))
    np.fill_diagonal(apart, 0)
    joined = linkage(squareform(np.clip(apart, 0, None), checks=False), "average")
    return np.asarray(fcluster(joined, 1 - CUT, "distance"))


def _one_each(X: Array, badness: Array) -> npt.NDArray[np.int64]:
    labels = clusters(X)
    return np.sort([min(np.flatnonzero(labels == label), key=lambda j: badness[j]) for label in np.unique(labels)])


def _distance(X: Array) -> Array:
    """Return of each column the mean distance to its cluster."""
    labels, apart = clusters(X), 1 - np.abs(np.corrcoef(X.T)) if X.shape[1] > 1 else np.zeros((1, 1))
    return np.array([apart[j, labels == labels[j]].mean() for j in range(X.shape[1])])


def chosen(cohort: Cohort, rows: npt.NDArray[np.int64], candidate: str, seed: int) -> tuple[npt.NDArray[np.int64], Array, Array]:  # fmt: skip
    """Return the columns that a candidate selects on these rows, and the mean and SD that standardise all columns."""
    X, y = cohort.features[rows], cohort.outcome[rows].astype(bool)
    mean, sd = X.mean(axis=0), X.std(axis=0, ddof=1)
    kept = np.flatnonzero(sd > 0)
    Z = (X[:, kept] - mean[kept]) / sd[kept]

    def filtered(step: Any, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return columns[step.fit(Z[:, columns], y).support_] if len(columns) else columns

    left = np.arange(len(kept))
    left = filtered(TTestFilter(), left)
    left = filtered(CorrelationFilter(), left)
    if len(left) == 0:
        return np.array([], dtype=np.int64), mean, sd
    if candidate == "as published":
        left = filtered(CollinearityFilter(limit=10.0), left)
    elif candidate == "sets first":
        own = cohort.sets[kept]
        left = np.sort(np.concatenate([filtered(CollinearityFilter(limit=10.0), left[own[left] == k]) for k in (0, 1)]))
    elif candidate == "medoid":
        left = left[_one_each(Z[:, left], _distance(Z[:, left]))]
    elif candidate == "most associated":
        left = left[_one_each(Z[:, left], t_test_pvalues(Z[:, left], y, variances="welch"))]
    rng = np.random.default_rng(seed)
    inner = random_folds(len(y), 10, rng, groups=np.arange(len(y)), strata=y)
    if candidate == "elastic net":
        parts = [(np.flatnonzero(inner != k), np.flatnonzero(inner == k)) for k in np.unique(inner)]
        found = ElasticNetCV(l1_ratio=0.5, eps=0.01, alphas=50, cv=parts, max_iter=5000).fit(Z[:, left], y)
        left = left[found.coef_ != 0]
    else:
        left = filtered(LassoSelector(folds=inner, n_lambdas=50), left)
    return kept[left], mean, sd


def compare(cohort: Cohort, fresh: Cohort | None, seed: int) -> list[dict[str, Any]]:
    """Run every candidate on one cohort."""
    y, rows = cohort.outcome, []
    n = len(y)
    folds = [
        random_folds(n, 5, np.random.default_rng([seed, r]), groups=np.arange(n), strata=y) for r in range(REPETITIONS)
    ]
    for candidate in CANDIDATES:
        if candidate == "sets first" and len(set(cohort.sets)) == 1:
            continue
        out = {learner: np.full((REPETITIONS, n), np.nan) for learner in LEARNERS}
        later: dict[str, list[Array]] = {learner: [] for learner in LEARNERS}
        counts, true = [], []
        for r, fold in enumerate(folds):
            for k in np.unique(fold):
                inside, outside = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
                columns, mean, sd = chosen(cohort, inside, candidate, seed + 100 * r + int(k))
                counts.append(len(columns))
                if cohort.carries is not None and len(columns):
                    true.append(cohort.carries[columns].mean())
                for learner, point in LEARNERS.items():
                    if not len(columns):
                        out[learner][r, outside] = y[inside].mean()
                        continue
                    model = build(learner, point, seed, y=y[inside], patients=inside)
                    model.fit((cohort.features[np.ix_(inside, columns)] - mean[columns]) / sd[columns], y[inside])
                    out[learner][r, outside] = probability_of(
                        model, (cohort.features[np.ix_(outside, columns)] - mean[columns]) / sd[columns]
                    )
                    if fresh is not None and r == 0:
                        p = probability_of(model, (fresh.features[:, columns] - mean[columns]) / sd[columns])
                        later[learner].append((p - fresh.risk) ** 2)
        for learner, values in out.items():
            rows.append(
                {
                    "cohort": cohort.name,
                    "kind": "real" if cohort.risk is None else "simulated",
                    "candidate": candidate,
                    "learner": learner,
                    "brier": np.mean([(v - y) ** 2 for v in values]),
                    "auc": np.mean([roc_auc(y, v).auc for v in values]),
                    "error": np.sqrt(np.mean(later[learner])) if later[learner] else np.nan,
                    "features": np.mean(counts),
                    "carry": np.mean(true) if true else np.nan,
                }
            )
    return rows


def _task(number: int, folder: Path) -> list[dict[str, Any]]:
    if number < COHORTS * len(CELLS):
        events, signal = CELLS[number % len(CELLS)]
        name = f"events {events:.0%}, signal {signal:g}, {number // len(CELLS) + 1}"
        drawn, later = np.random.SeedSequence([20261201, number]).spawn(2)
        cohort = simulated(events, signal, np.random.default_rng(drawn), 164, name)
        fresh = simulated(events, signal, np.random.default_rng(later), FRESH, name)
        return compare(cohort, fresh, 1000 * number)
    return compare(real(folder, REAL[number - COHORTS * len(CELLS)]), None, 1000 * number)


def run(folder: Path, minutes: float, workers: int) -> None:
    """Run the cohorts, real ones first, keeping what is finished."""
    path = RESULTS / "collinearity.csv"
    kept = [pd.read_csv(path)] if path.is_file() else []
    done = {str(name) for rows in kept for name in rows["cohort"]}
    simulations = [
        (number, f"events {CELLS[number % 4][0]:.0%}, signal {CELLS[number % 4][1]:g}, {number // 4 + 1}")
        for number in range(COHORTS * len(CELLS))
    ]
    tasks = [(COHORTS * len(CELLS) + i, name) for i, name in enumerate(REAL)] + simulations
    left = [(number, name) for number, name in tasks if name not in done]
    began, stop = time.monotonic(), False
    with ProcessPoolExecutor(workers) as pool:
        waiting = {pool.submit(_task, number, folder): name for number, name in left}
        for future in as_completed(waiting):
            if future.cancelled():
                continue
            kept.append(pd.DataFrame(future.result()))
            write_text(path, pd.concat(kept).to_csv(index=False, float_format="%.6g"))
            print(f"{waiting[future]}: {time.monotonic() - began:.0f} s", flush=True)
            if time.monotonic() - began > 60 * minutes and not stop:
                stop = True
                for other in waiting:
                    other.cancel()


def report() -> None:
    """Write the tables of results/collinearity.md."""
    rows = pd.read_csv(RESULTS / "collinearity.csv")
    base = rows[rows["candidate"] == "none"].set_index(["cohort", "learner"])
    at = pd.MultiIndex.from_frame(rows[["cohort", "learner"]])
    for measure in ("brier", "auc", "error"):
        rows[f"d_{measure}"] = rows[measure] - base[measure].reindex(at).to_numpy()
    cohorts = rows.groupby("kind")["cohort"].nunique().to_dict()
    text = [
        "# What to do about collinear features before the LASSO",
        "",
        f"Plan: collinearity_plan.md. Cohorts: {cohorts}. Differences are to `none`, paired by cohort, mean of the two classifiers, with the standard error over cohorts.",
        "",
    ]
    summary = rows.groupby(["kind", "candidate", "cohort"], sort=False).mean(numeric_only=True)
    for kind in dict.fromkeys(rows["kind"]):
        text += [
            f"## {kind.capitalize()} cohorts",
            "",
            "| candidate | Brier | difference (SE) | AUC | difference (SE) | error to true risk | difference (SE) | features | carry signal |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for candidate in CANDIDATES:
            if (kind, candidate) not in summary.index.droplevel("cohort"):
                continue
            part = summary.loc[kind, candidate]
            n = len(part)
            text.append(
                f"| {candidate} | "
                + " | ".join(
                    "– | –" if part[m].isna().all() else f"{part[m].mean():.4f} | {part[f'd_{m}'].mean():+.4f} ({part[f'd_{m}'].std() / np.sqrt(n):.4f})"
                    for m in ("brier", "auc", "error")
                )
                + f" | {part['features'].mean():.1f} | {'–' if part['carry'].isna().all() else format(part['carry'].mean(), '.2f')} |"
            )  # fmt: skip
        text.append("")
    text += ["## Both kinds weighted alike, by classifier", "", "| candidate | classifier | Brier difference (SE) | AUC difference (SE) |", "|---|---|---|---|"]  # fmt: skip

    def weighted(part: pd.DataFrame, measure: str) -> str:
        kinds = part.groupby("kind")[measure]
        mean, error = kinds.mean().mean(), np.sqrt((kinds.var() / kinds.size()).sum()) / kinds.ngroups
        return f"{mean:+.4f} ({error:.4f})"

    for candidate in CANDIDATES:
        part = rows[rows["candidate"] == candidate]
        both = part.groupby(["kind", "cohort"])[["d_brier", "d_auc"]].mean().reset_index()
        text.append(f"| {candidate} | both | {weighted(both, 'd_brier')} | {weighted(both, 'd_auc')} |")
        for learner in LEARNERS:
            own = part[part["learner"] == learner]
            text.append(f"| {candidate} | {learner} | {weighted(own, 'd_brier')} | {weighted(own, 'd_auc')} |")
    write_text(RESULTS / "collinearity.md", "\n".join(text) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    run(given.real, given.minutes, given.workers)
    report()


if __name__ == "__main__":
    main()
