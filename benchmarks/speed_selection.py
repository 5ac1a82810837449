"""CPU time of the feature selection at 8,000 features of 164 patients. Writes results/speed_selection.md.

python -m benchmarks.speed_selection
"""

from __future__ import annotations

import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from vcfstats.learning.selection import select_features
from vcfstats.learning.settings import SelectionSettings

RESULTS = Path(__file__).parent / "results"
N, EVENTS, P = 164, 61, 8000


def noise(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Independent features, a tenth of them with a weak effect."""
    return rng.standard_normal((N, P)) + 0.3 * np.outer(y, rng.random(P) < 0.1)


def blocks(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Features in correlated blocks of ten, as radiomics come, a tenth of the blocks with an effect."""
    latent = rng.standard_normal((N, P // 10)) + 0.5 * np.outer(y, rng.random(P // 10) < 0.1)
    return np.repeat(latent, 10, axis=1) + rng.standard_normal((N, P)) * np.tile(np.linspace(0.1, 2, 10), P // 10)


def main() -> None:
    rows = []
    for name, make in (("independent", noise), ("blocks of ten correlated ones", blocks)):
        rng = np.random.default_rng(0)
        y = (rng.permutation(N) < EVENTS).astype(np.int64)
        frame = pd.DataFrame(make(rng, y), columns=[f"f{j}" for j in range(P)])
        found = []
        for _ in range(3):
            start = time.process_time()
            with threadpool_limits(1):
                selection = select_features(
                    frame, y, np.arange(N).astype(str), SelectionSettings(), np.random.SeedSequence(1)
                )
            found.append(time.process_time() - start)
        left = " > ".join(str(step.n_out) for step in selection.steps)
        rows.append(f"| {name} | {left} | {min(found):.2f} |")
    text = "\n".join(
        [
            "# Speed of the feature selection",
            "",
            f"{P:,} simulated features of {N} patients, {EVENTS} events: z-score, Welch's t-test, correlation, variance inflation, LASSO with 10-fold "
            f"cross-validation at 100 penalties, default settings. Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}, one "
            "thread, CPU seconds, the least of three runs.",
            "",
            "| features | left after each step | CPU seconds |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )
    (RESULTS / "speed_selection.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
