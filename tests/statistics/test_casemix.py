"""Case mix by moments: Hotelling's test against statsmodels, the AUC against membership models and its expectation."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from statsmodels.stats.multivariate import test_mvmean_2indep as hotelling_2indep

from vcfstats import case_mix_difference


def moments(x):
    return x.mean(axis=0), np.cov(x.T), len(x)


@pytest.mark.parametrize(("n1", "n2", "p"), [(164, 70, 4), (30, 200, 2), (6, 5, 3)])
def test_hotelling_of_statsmodels(n1, n2, p):
    rng = np.random.default_rng(n1)
    a, b = rng.normal(size=(n1, p)), rng.normal(size=(n2, p)) * 1.5 + 0.3
    ours, peer = case_mix_difference(*moments(a), *moments(b)), hotelling_2indep(a, b)
    assert ours.statistic == pytest.approx(peer.statistic, rel=1e-10)
    assert ours.pvalue == pytest.approx(peer.pvalue, rel=1e-9)
    assert (ours.df1, ours.df2) == tuple(peer.df)


def test_auc_is_that_of_a_logistic_membership_model():
    """Normal variables, an outcome and an indicator, as a model has them."""
    rng = np.random.default_rng(3)
    for shift in (0.0, 0.5, 1.5):
        a = np.column_stack([rng.normal(size=4000), rng.random(4000) < 0.4, rng.random(4000) < 0.3]).astype(float)
        b = np.column_stack([rng.normal(size=3000) + shift, rng.random(3000) < 0.4 + shift / 4, rng.random(3000) < 0.3]).astype(float)  # fmt: skip
        X, member = np.vstack([a, b]), np.repeat([0, 1], [4000, 3000])
        peer = roc_auc_score(member, LogisticRegression(C=1e6).fit(X, member).decision_function(X))
        assert case_mix_difference(*moments(a), *moments(b)).auc == pytest.approx(peer, abs=0.02)


def test_correction_is_unbiased_and_the_apparent_auc_is_not():
    """E(D^2) over 2,000 samples against its true value; without a difference the apparent AUC lies above 0.5."""
    rng = np.random.default_rng(5)
    shift = np.array([0.8, 0.0, 0.0])
    for true in (0.0, 0.64):
        found = [
            case_mix_difference(*moments(rng.normal(size=(40, 3))), *moments(rng.normal(size=(25, 3)) + (true > 0) * shift))
            for _ in range(2000)
        ]  # fmt: skip
        values = np.array([mix.distance2_corrected for mix in found])
        assert values.mean() == pytest.approx(true, abs=4 * values.std() / np.sqrt(len(values)))
        assert np.mean([mix.auc_apparent for mix in found]) > np.mean([mix.auc for mix in found]) + 0.03


def test_unit_and_order_of_the_variables_are_of_no_matter():
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=(50, 3)), rng.normal(size=(40, 3)) + 0.5
    first = case_mix_difference(*moments(a), *moments(b))
    scaled = [(x * [1e6, 1, 1e-6] + [5, 0, 1])[:, [2, 0, 1]] for x in (a, b)]
    second = case_mix_difference(*moments(scaled[0]), *moments(scaled[1]))
    assert second.auc == pytest.approx(first.auc, rel=1e-9)
    assert case_mix_difference(*moments(b), *moments(a)).pvalue == pytest.approx(first.pvalue, rel=1e-12)


def test_what_cannot_be_compared_is_said():
    rng = np.random.default_rng(9)
    a = rng.normal(size=(20, 2))
    double = np.column_stack([a, a.sum(axis=1)])
    with pytest.raises(ValueError, match="linear combination"):
        case_mix_difference(*moments(double), *moments(double + 1))
    with pytest.raises(ValueError, match="varies in neither"):
        case_mix_difference([0, 1], np.diag([1.0, 0]), 20, [0, 1], np.diag([1.0, 0]), 20)
    with pytest.raises(ValueError, match="too few"):
        case_mix_difference([0.0] * 3, np.eye(3), 3, [0.0] * 3, np.eye(3), 2)
    with pytest.raises(ValueError, match="shape"):
        case_mix_difference([0.0], np.eye(2), 9, [0.0], np.eye(2), 9)
