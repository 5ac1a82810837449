"""Bias and coverage of coefficients pooled over imputations, beside the complete data and the complete cases.

`python -m benchmarks.coverage_imputation [data sets] [patients] [imputations]` prints what docs/imputation.md quotes.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from vcfstats.learning.imputation import impute
from vcfstats.learning.linear import Column, fit_linear
from vcfstats.learning.pooled import pooled_terms
from vcfstats.learning.settings import ImputationSettings

COLUMNS = {
    "number": Column("number"),
    "binary=1": Column("binary", "1", "0"),
    "third=b": Column("third", "b", "a"),
    "third=c": Column("third", "c", "a"),
}
BETA, INTERCEPT = np.array([0.6, -0.8, 0.7, 1.0]), -0.6


def draw(rng: np.random.Generator, n: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return correlated findings of three types and an outcome."""
    number = rng.normal(size=n)
    binary = (rng.random(n) < expit(0.8 * number)).astype(float)
    odds = np.exp(np.stack([np.zeros(n), 0.5 * number + 0.3 * binary - 0.3, -0.5 * number - 0.2], axis=1))
    third = (rng.random(n)[:, None] > (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)).sum(axis=1)
    X = np.column_stack([number, binary, third == 1, third == 2]).astype(float)
    return pd.DataFrame(X, columns=list(COLUMNS)), (rng.random(n) < expit(INTERCEPT + X @ BETA)).astype(int)


def lose(rng: np.random.Generator, X: pd.DataFrame, y: np.ndarray, mechanism: str) -> pd.DataFrame:
    """Lose a fifth of the values of each finding by chance (mcar), or more of them in patients with the event (mar)."""
    lost = X.copy()
    for columns, start in ((["number"], -1.8), (["binary=1"], -1.8), (["third=b", "third=c"], -2.0)):
        share = 0.2 if mechanism == "mcar" else expit(start + 1.2 * y)
        lost.loc[rng.random(len(X)) < share, columns] = np.nan
    return lost


def main(repeats: int = 400, n: int = 400, m: int = 20) -> None:
    """Print mean, coverage and spread of the coefficients by each of the three analyses."""
    z = norm.ppf(0.975)
    for mechanism in ("mcar", "mar"):
        rng, start = np.random.default_rng(1), time.process_time()
        found: dict[str, list[list[tuple[float, bool]]]] = {"complete data": [], "imputed": [], "complete cases": []}
        for i in range(repeats):
            X, y = draw(rng, n)
            lost = lose(rng, X, y, mechanism)
            whole = lost.notna().all(axis=1).to_numpy()
            for name, rows in (("complete data", np.ones(n, dtype=bool)), ("complete cases", whole)):
                fit = fit_linear(X[rows], y[rows], name="", columns=COLUMNS)
                found[name].append(
                    [
                        (t.coefficient, abs(t.coefficient - b) < z * (t.standard_error or np.nan))
                        for t, b in zip(fit.terms, BETA, strict=True)
                    ]
                )
            completed, _ = impute(lost, y, COLUMNS, ImputationSettings(n_imputations=m), np.random.SeedSequence([1, i]))
            pooled = [(e.estimate, e.confidence_interval()) for _, e in pooled_terms(completed, y, COLUMNS)]
            found["imputed"].append([(q, low <= b <= high) for (q, (low, high)), b in zip(pooled, BETA, strict=True)])
        print(f"{mechanism}: {repeats} data sets of {n}, {m} imputations, {time.process_time() - start:.0f} s CPU")
        for name, values in found.items():
            table = np.array(values, dtype=float)
            print(
                f"  {name}: mean {table[..., 0].mean(axis=0).round(3)}, SD {table[..., 0].std(axis=0, ddof=1).round(3)}, "
                f"coverage {table[..., 1].mean(axis=0).round(3)}"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
