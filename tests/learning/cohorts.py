"""Simulated matrices and findings, for tests alone."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import logit
from statsmodels.api import Logit, add_constant

from vcfstats.contracts.predictions import as_fitted
from vcfstats.learning.learn import learn
from vcfstats.learning.settings import LearningSettings
from vcfstats.learning.splitting import assign_folds


@dataclass(frozen=True)
class Finding:
    type: str
    levels: dict[str, str] = field(default_factory=dict)


PRESENT = {"0": "Absent", "1": "Present"}
COVARIATES = {
    "age": Finding("continuous"),
    "sex": Finding("binary", {"female": "Female", "male": "Male"}),
    "location": Finding("categorical", {"lumbar": "Lumbar", "thoracic": "Thoracic", "cervical": "Cervical"}),
    "wedge": Finding("binary", PRESENT),
    "edema": Finding("binary", PRESENT),
    "mass": Finding("binary", PRESENT),
}


def seeds(purpose):
    return np.random.SeedSequence([7, *purpose.encode()])


def simulated(n_training=100, n_testing=40, *, n_radiomics=300, n_units=40, effect=0.8, folds=5, seed=0):
    """Return a cohort and its matrices: correlated blocks of radiomics, three slices of deep units, six findings."""
    rng = np.random.default_rng(seed)
    n = n_training + n_testing
    ids = [f"p{i:03d}" for i in range(n)]
    outcome = np.zeros(n, dtype=np.int64)
    outcome[rng.permutation(n_training)[: round(0.37 * n_training)]] = 1
    outcome[n_training + rng.permutation(n_testing)[: round(0.35 * n_testing)]] = 1
    latent = rng.normal(size=(n, n_radiomics // 5)) + effect * np.outer(outcome, rng.random(n_radiomics // 5) < 0.15)
    radiomics = np.repeat(latent, 5, axis=1) + rng.normal(size=(n, 5 * (n_radiomics // 5))) * np.tile(
        [0.1, 0.3, 0.6, 1, 2], n_radiomics // 5
    )
    radiomics = radiomics * rng.uniform(0.01, 1000, radiomics.shape[1]) + rng.uniform(-5, 5, radiomics.shape[1])
    unit = rng.normal(size=(n, 1, n_units)) + effect * 0.7 * outcome[:, None, None] * (rng.random(n_units) < 0.2)
    deep = np.maximum(unit + 0.7 * rng.normal(size=(n, 3, n_units)), 0)
    names = [f"DL_{k}{suffix}" for suffix in ("", ".1", ".2") for k in range(n_units)]
    index = pd.Index(ids, name="case_id")
    odds = rng.random((n, 6))
    cohort = pd.DataFrame(
        {
            "patient_id": ids,
            "partition": ["training"] * n_training + ["testing"] * n_testing,
            "outcome": outcome,
            "age": rng.normal(65, 10, n) + 4 * outcome,
            "sex": np.where(odds[:, 0] < 0.4 + 0.2 * outcome, "male", "female"),
            "location": np.select([odds[:, 1] < 0.5, odds[:, 1] < 0.93], ["lumbar", "thoracic"], "cervical"),
            "wedge": np.where(odds[:, 2] < 0.7 - 0.45 * outcome, "1", "0"),
            "edema": np.where(odds[:, 3] < 0.45 - 0.38 * outcome, "1", "0"),
            "mass": np.where(odds[:, 4] < 0.02 + 0.15 * outcome, "1", "0"),
        },
        index=index,
    )
    training = cohort[cohort["partition"] == "training"]
    cohort["fold"] = assign_folds(training, folds, np.random.SeedSequence(seed)).reindex(index).astype("Int64")
    matrices = {
        "radiomics": pd.DataFrame(
            radiomics, index=index, columns=[f"r{j // 5}_{j % 5}" for j in range(radiomics.shape[1])]
        ),
        "deep": pd.DataFrame(deep.reshape(n, -1), index=index, columns=names),
    }
    return cohort, matrices


def small_settings(**changes):
    """Return settings with three folds and grids of one or two cheap points; `changes` replace sections."""
    forest = {"n_estimators": [8], "max_depth": [3], "min_samples_leaf": [2]}
    body = {
        "folds": {"n": 3},
        "selection": {"lasso": {"folds": 5, "n_lambdas": 30}},
        "classifiers": {
            "logistic_regression": {"C": [0.1, 1.0]},
            "svm": {"kernel": ["linear"], "C": [1.0]},
            "knn": {"n_neighbors": [9, 5]},
            "random_forest": forest,
            "extra_trees": forest,
            "xgboost": {"n_estimators": [8], "max_depth": [2]},
            "lightgbm": {"n_estimators": [8], "num_leaves": [3]},
            "mlp": {"hidden_units": [3], "alpha": [10.0]},
        },
        "deep_head": {"C": [0.001, 0.1]},
        "optimism": {"n_resamples": 2},
        "stability": {"n_subsamples": 2},
    }
    return LearningSettings.model_validate(body | changes)


def learned(cohort, matrices, settings=None, *, workers=1, covariates=COVARIATES, **more):
    return learn(cohort, matrices, settings or small_settings(), seeds, workers=workers, covariates=covariates, **more)


def ranking(result, clip=0.001):
    """Return the models whose out-of-fold calibration slope is above 0 with its 95% interval, by statsmodels.

    Of no others is a recalibrated row made.
    """
    found = set()
    table = result.predictions.query("kind == 'out_of_fold'")
    for model, rows in table[table["model"] == table["model"].map(as_fitted)].groupby("model"):
        score = logit(np.clip(rows["probability"].to_numpy(), clip, 1 - clip))
        if np.ptp(score) > 1e-9:
            fit = Logit(rows["outcome"].to_numpy(), add_constant(score)).fit(disp=0)
            found |= {model} if fit.conf_int()[1, 0] > 0 else set()
    return found


def written(result, folder):
    """Write what was learned and return every file's bytes by name."""
    result.write(folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
