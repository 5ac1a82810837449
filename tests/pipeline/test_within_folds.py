"""The AUC over pairs of patients of one fold, against counting the pairs one by one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcfstats.learning.crossfit import pooled_auc
from vcfstats.pipeline.evaluation.performance import within_fold_auc

CASES = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.25, 0.25, 0.7, 0.9]), st.integers(0, 3)), max_size=30
)


def counted(outcome, probability, fold):
    points = [
        (probability[i] > probability[j]) + (probability[i] == probability[j]) / 2
        for i in range(len(outcome))
        for j in range(len(outcome))
        if outcome[i] == 1 and outcome[j] == 0 and fold[i] == fold[j]
    ]
    return (sum(points) / len(points) if points else math.nan), len(points)


@given(CASES)
def test_it_counts_the_pairs_of_one_fold(cases):
    outcome, probability, fold = (np.array([case[i] for case in cases]) for i in range(3))
    found, pairs = within_fold_auc(outcome, probability.astype(float), fold)
    expected, count = counted(outcome, probability, fold)
    assert pairs == count
    assert found == pytest.approx(expected, nan_ok=True)


@given(CASES, st.lists(st.floats(-0.05, 0.05), min_size=4, max_size=4))
def test_no_fit_s_level_moves_it(cases, levels):
    outcome, probability, fold = (np.array([case[i] for case in cases]) for i in range(3))
    moved = probability + np.array(levels)[fold.astype(int)]
    assert within_fold_auc(outcome, moved, fold)[0] == pytest.approx(
        within_fold_auc(outcome, probability.astype(float), fold)[0], nan_ok=True
    )


def test_one_fold_is_the_pooled_auc_and_prevalence_alone_ranks_nobody():
    rng = np.random.default_rng(4)
    outcome = np.arange(51) % 3 == 0
    score = rng.random(51)
    assert within_fold_auc(outcome, score, np.zeros(51))[0] == pytest.approx(pooled_auc(outcome, score))
    fold = rng.permutation(51) % 5
    prevalence = np.array([outcome[fold != k].mean() for k in range(5)])[fold]
    assert pooled_auc(outcome, prevalence) < 0.5  # the fewer events a fold holds, the more its fit promises
    assert within_fold_auc(outcome, prevalence, fold)[0] == 0.5
