"""Features, findings and labels that have nothing to do with one another: chance stays chance only when cross-fitted."""

import numpy as np
import pytest
from learning_cohorts import COVARIATES, learned, simulated, small_settings

from vcfstats import roc_auc
from vcfstats.learning.classifiers import NAMES

CHANCE = small_settings(
    classifiers={name: None for name in NAMES if name != "logistic_regression"}
    | {"logistic_regression": {"C": [0.1, 1.0]}},
    clinical={"screening_alpha": 1.0, "predictors": "screened"},
    fusion={"input": "resubstituted"},  # as it is often published
    optimism={"n_resamples": 0},
)


@pytest.fixture(scope="module")
def noise():
    cohort, matrices = simulated(100, 10, n_radiomics=200, n_units=20, effect=0.0, folds=3, seed=4)
    rng = np.random.default_rng(4)
    for name in COVARIATES:
        cohort[name] = rng.permutation(cohort[name].to_numpy())
    return learned(cohort, matrices, CHANCE)


@pytest.mark.parametrize("model", ["dlr", "dlrn"])
def test_chance_stays_chance_only_when_cross_fitted(noise, model):
    found = {}
    for kind in ("apparent", "out_of_fold"):
        own = noise.predictions.query(f"model == '{model}' and kind == '{kind}'")
        auc = roc_auc(own["outcome"], own["probability"])
        found[kind] = (auc.auc, *auc.confidence_interval(0.95, method="delong"))
    assert found["apparent"][0] > 0.85
    assert found["apparent"][1] > 0.75
    assert found["out_of_fold"][1] < 0.5 < found["out_of_fold"][2]
