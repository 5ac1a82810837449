"""Time of the optimism bootstrap and of ICCs beside what one would write without them. Writes results/speed_validation.md.

python -m benchmarks.speed_validation
"""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from benchmarks.timing import seconds
from vcfstats import icc, optimism_bootstrap
from vcfstats.statistics.glm import fit_logistic

RESULTS = Path(__file__).parent / "results"
RESAMPLES = 2000


def simulated(n=1000, seed=1):
    """Two predictors, a third of events."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 2))
    return X, generator.random(n) < 1 / (1 + np.exp(1 - X @ [1.0, 0.5]))


def measures(y, prob):
    logits = np.log(prob / (1 - prob))
    slope = fit_logistic(np.column_stack([np.ones_like(logits), logits]), y).coef
    return np.array([roc_auc_score(y, prob), brier_score_loss(y, prob), *slope])


def by_hand(X, y):
    """Harrell's optimism by a loop over scikit-learn: AUC, Brier score, calibration intercept and slope."""
    generator = np.random.default_rng(1)
    optimism = []
    for _ in range(RESAMPLES):
        rows = generator.integers(len(y), size=len(y))
        model = LogisticRegression(C=np.inf).fit(X[rows], y[rows])
        inside, outside = (model.predict_proba(data)[:, 1] for data in (X[rows], X))
        optimism.append(measures(y[rows], inside) - measures(y, outside))
    return np.mean(optimism, axis=0)


def main() -> None:
    X, y = simulated()
    ratings = np.random.default_rng(2).normal(size=(1834, 100, 2))
    rows = [
        (
            f"optimism, B = {RESAMPLES:,}, n = 1,000, 2 predictors",
            "optimism_bootstrap, all five measures",
            seconds(lambda: optimism_bootstrap("logistic", X, y, n_resamples=RESAMPLES, random_state=1), 2),
        ),
        (
            f"optimism, B = {RESAMPLES:,}, n = 1,000, 2 predictors",
            "optimism_bootstrap, without ICI",
            seconds(
                lambda: optimism_bootstrap(
                    "logistic",
                    X,
                    y,
                    measures=("auc", "brier", "intercept", "slope"),
                    n_resamples=RESAMPLES,
                    random_state=1,
                ),
                2,
            ),
        ),
        (f"optimism, B = {RESAMPLES:,}, n = 1,000, 2 predictors", "loop over scikit-learn, without ICI", seconds(lambda: by_hand(X, y), 1)),
        ("ICC of 1,834 features, 100 patients, 2 readings", "icc, six forms with intervals", seconds(lambda: icc(ratings), 5)),
    ]  # fmt: skip
    head = [
        "# Speed of validation and agreement",
        "",
        f"Python {platform.python_version()}, numpy {np.__version__}, scikit-learn {sklearn.__version__},"
        f" {platform.machine()}, one process, one thread; the least of a few runs. Simulated data. Peers timed apart, on a"
        " machine of the same kind: rms::validate took 22 s for the first task, pingouin 24.5 s for the ICCs.",
        "",
        "| task | with | seconds |",
        "|---|---|---|",
    ]
    lines = [f"| {task} | {subject} | {time_:.3g} |" for task, subject, time_ in rows]
    print(*lines, sep="\n")
    (RESULTS / "speed_validation.md").write_text("\n".join([*head, *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
