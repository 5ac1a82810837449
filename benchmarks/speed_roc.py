"""Time and memory of the AUC routines beside what one would do without them. Writes benchmarks/results/speed_roc.md.

python -m benchmarks.speed_roc [--quick]
"""

from __future__ import annotations

import argparse
import platform
import tracemalloc
from pathlib import Path

import numpy as np
import scipy
import sklearn
from sklearn.metrics import roc_auc_score

from benchmarks.timing import seconds
from vcfstats import bootstrap_aucs, bootstrap_ci, delong_covariance, roc_auc

RESULTS = Path(__file__).parent / "results"


def simulated(n, k=1, share=0.33, seed=1):
    generator = np.random.default_rng(seed)
    y = generator.random(n) < share
    return y, generator.normal(size=(n, k)) + y[:, None]


def peak(call):
    tracemalloc.start()
    call()
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size / 2**20


def resample_and_score(y, scores, count):
    generator = np.random.default_rng(1)
    events, nonevents = np.flatnonzero(y), np.flatnonzero(~y)
    found = []
    for _ in range(count):
        rows = np.concatenate([generator.choice(events, events.size), generator.choice(nonevents, nonevents.size)])
        found.append([roc_auc_score(y[rows], score[rows]) for score in scores.T])
    return found


def brute_covariance(y, scores):
    kernels = [(s[y][:, None] > s[~y]) + 0.5 * (s[y][:, None] == s[~y]) for s in scores.T]
    events = np.array([kernel.mean(axis=1) for kernel in kernels])
    nonevents = np.array([kernel.mean(axis=0) for kernel in kernels])
    return np.cov(events) / y.sum() + np.cov(nonevents) / (~y).sum()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="leave out n = 10 million")
    quick = parser.parse_args().quick
    rows = []

    def row(task, subject, call, repeats=3):
        rows.append((task, subject, seconds(call, repeats), peak(call)))
        print(*rows[-1], flush=True)

    y, scores = simulated(300, 8)
    task = "bootstrap of 8 AUCs, B = 2,000, n = 300"
    row(task, "bootstrap_aucs", lambda: bootstrap_aucs(y, scores, n_resamples=2000, random_state=1), 5)
    row(
        task,
        "bootstrap_ci with roc_auc, 8 times",
        lambda: [
            bootstrap_ci((y, s), lambda a, b: roc_auc(a, b).auc, n_resamples=2000, strata=y, random_state=1)
            for s in scores.T
        ],
        1,
    )
    row(task, "loop over sklearn roc_auc_score", lambda: resample_and_score(y, scores, 2000), 1)
    y4, scores4 = simulated(20_000, 4)
    task = "DeLong covariance of 4 AUCs, n = 20,000"
    row(task, "delong_covariance", lambda: delong_covariance(y4, scores4), 5)
    row(task, "delong_covariance, unbiased", lambda: delong_covariance(y4, scores4, unbiased=True), 3)
    row(task, "kernel of all pairs, numpy", lambda: brute_covariance(y4, scores4), 1)
    for n in (1_000_000,) if quick else (1_000_000, 10_000_000):
        large, score = simulated(n)
        task = f"one AUC, n = {n:,}"
        row(task, "roc_auc, with DeLong's variance", lambda large=large, score=score: roc_auc(large, score[:, 0]), 2)
        row(
            task,
            "sklearn roc_auc_score, no variance",
            lambda large=large, score=score: roc_auc_score(large, score[:, 0]),
            2,
        )
    head = [
        "# Speed of the AUC routines",
        "",
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn"
        f" {sklearn.__version__}, {platform.machine()}, one process. Seconds are the least of a few runs; memory is the peak"
        " that numpy and Python allocated beyond the input. Simulated data.",
        "",
        "| task | with | seconds | peak MiB |",
        "|---|---|---|---|",
    ]
    body = [f"| {task} | {subject} | {time_:.3g} | {size:.0f} |" for task, subject, time_, size in rows]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed_roc.md").write_text("\n".join([*head, *body, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
