"""What ComBat changes out of fold. Writes results/combat_effect.md.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/combat_effect.py

Run in a study's directory after its stages radiomics, repeats and split. Radiomic features are selected without each fold of the
training patients, as the stage learn does, once as they are and once harmonised on the same patients; a logistic regression
(L2, C = 0.1, untuned) scores the fold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression

from vcfstats import delong_test, roc_auc
from vcfstats.contracts.features import read_features
from vcfstats.learning.harmonisation import context_columns
from vcfstats.learning.selection import select_features
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.learn import reliability

RESULTS = Path(__file__).parent / "results"


def out_of_fold(study: StudyDirectory, cohort: pd.DataFrame, method: str) -> tuple[npt.NDArray[np.float64], list[int]]:
    """Return the probability of every training case without its fold, and how many features each fold's model has."""
    settings = study.params.learning.selection
    settings = settings.model_copy(
        update={"harmonisation": settings.harmonisation.model_copy(update={"method": method})}
    )
    frame = read_features(study.radiomics_file).loc[cohort.index]
    if method == "combat":
        frame = frame.join(context_columns(cohort, study.params.cohort.covariates, ()))
    y, patients = cohort["outcome"].to_numpy(int), cohort["patient_id"].to_numpy()
    fold, dropped = cohort["fold"].to_numpy(int), reliability(study)["radiomics"].dropped
    found, counts = np.full(len(y), np.nan), []
    for k in sorted(set(fold.tolist())):
        inside = fold != k
        seed = np.random.SeedSequence([1, k])
        sight = select_features(frame[inside], y[inside], patients[inside], settings, seed, unreliable=dropped).prepared
        model = LogisticRegression(C=0.1, max_iter=2000).fit(sight.apply(frame[inside]), y[inside])
        found[~inside] = model.predict_proba(sight.apply(frame[~inside]))[:, 1]
        counts.append(len(sight.features))
    return found, counts


def main() -> None:
    study = StudyDirectory(Path())
    cohort = study.read_cohort().drop(columns="partition").join(study.read_split())
    cohort = cohort[cohort["partition"] == "training"].sort_index()
    y = cohort["outcome"].to_numpy(int)
    text = [
        "# What ComBat changes out of fold",
        "",
        f"{len(cohort)} training patients (simulated), {', '.join(f'{n} on {name}' for name, n in cohort['scanner'].value_counts().items())}; "
        "radiomic features, logistic regression.",
        "",
        "| Features | Selected, by fold | Out-of-fold AUC |",
        "|---|---|---|",
    ]
    scores = {}
    for label, method in (("as they are", "none"), ("harmonised by ComBat", "combat")):
        scores[method], counts = out_of_fold(study, cohort, method)
        text.append(f"| {label} | {', '.join(map(str, counts))} | {roc_auc(y, scores[method]).auc:.3f} |")
    test = delong_test(y, scores["combat"], scores["none"])
    text += [
        "",
        f"Difference {test.difference:.3f} (95% CI {test.difference - 1.96 * test.se:.3f} to {test.difference + 1.96 * test.se:.3f}), "
        f"DeLong p = {test.pvalue:.2f}.",
    ]
    (RESULTS / "combat_effect.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
