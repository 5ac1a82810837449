import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit, logit

from vcfstats import pool_imputations


def test_rubin_s_rules_by_hand():
    """Q = 2, U = 0.25, B = 1, m = 3: T = 0.25 + 4/3, r = 16/3, df = 2 (1 + 3/16)^2."""
    found = pool_imputations([1.0, 2.0, 3.0], [0.5, 0.5, 0.5])
    assert (found.estimate, found.within, found.between) == (2.0, 0.25, 1.0)
    assert_allclose(found.total, 0.25 + 4 / 3)
    assert_allclose(found.df, 2 * (1 + 3 / 16) ** 2)
    assert_allclose(found.missing_information, (16 / 3 + 2 / (found.df + 3)) / (16 / 3 + 1))
    half = stats.t.ppf(0.975, found.df) * np.sqrt(found.total)
    assert_allclose(found.confidence_interval(), [2 - half, 2 + half])
    assert_allclose(found.pvalue(), 2 * stats.t.sf(2 / np.sqrt(found.total), found.df))


def test_degrees_of_freedom_of_barnard_and_rubin_by_hand():
    plain = pool_imputations([1.0, 2.0, 3.0], [0.5, 0.5, 0.5])
    small = pool_imputations([1.0, 2.0, 3.0], [0.5, 0.5, 0.5], df_complete=20)
    share = (4 / 3) / (0.25 + 4 / 3)
    observed = 21 / 23 * 20 * (1 - share)
    assert_allclose(small.df, 1 / (1 / plain.df + 1 / observed))
    large = pool_imputations([1.0, 2.0, 3.0], [0.5, 0.5, 0.5], df_complete=1e12)
    assert_allclose(large.df, plain.df, rtol=1e-9)


def test_auc_is_pooled_on_the_logit():
    auc, error = np.array([0.80, 0.86, 0.91]), np.array([0.04, 0.035, 0.03])
    found = pool_imputations(auc, error, scale="logit")
    by_hand = pool_imputations(logit(auc), error / (auc * (1 - auc)))
    assert_allclose(found.estimate, expit(by_hand.estimate))
    assert_allclose(found.confidence_interval(), expit(np.array(by_hand.confidence_interval())))
    low, high = found.confidence_interval()
    assert 0 < low < found.estimate < high < 1
    ratio = pool_imputations(np.exp([1.0, 2.0]), np.exp([1.0, 2.0]) * 0.5, scale="log")
    assert_allclose(ratio.estimate, np.exp(1.5))


def test_equal_imputations_add_nothing():
    found = pool_imputations([0.8] * 5, [0.1] * 5)
    assert (found.between, found.missing_information, found.df) == (0.0, 0.0, np.inf)
    assert_allclose(found.confidence_interval(), 0.8 + 0.1 * stats.norm.ppf([0.025, 0.975]), rtol=1e-6)


def test_interval_covers_a_mean_with_values_missing():
    """Proper imputation of a normal variable, 40% of 50 values missing completely at random."""
    rng = np.random.default_rng(8)
    covered, runs, m, n, seen = 0, 600, 10, 50, 30
    for _ in range(runs):
        known = rng.normal(1.0, 2.0, seen)
        variance = (seen - 1) * known.var(ddof=1) / rng.chisquare(seen - 1, m)
        mean = rng.normal(known.mean(), np.sqrt(variance / seen))
        filled = rng.normal(mean[:, None], np.sqrt(variance)[:, None], (m, n - seen))
        data = np.concatenate([np.tile(known, (m, 1)), filled], axis=1)
        pooled = pool_imputations(data.mean(axis=1), data.std(axis=1, ddof=1) / np.sqrt(n), df_complete=n - 1)
        low, high = pooled.confidence_interval()
        covered += low <= 1.0 <= high
    assert 0.93 <= covered / runs <= 0.98


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.floats(0.1, 10), st.floats(-5, 5))
def test_invariants(seed, m, unit, shift):
    rng = np.random.default_rng(seed)
    q, error = rng.normal(size=m), rng.uniform(0.1, 1, m)
    found = pool_imputations(q, error)
    order = rng.permutation(m)
    moved = pool_imputations(q[order] * unit + shift, error[order] * unit)
    assert_allclose(moved.estimate, found.estimate * unit + shift, atol=1e-9)
    assert_allclose(moved.total, found.total * unit**2, rtol=1e-9)
    assert_allclose(moved.df, found.df, rtol=1e-6)
    assert found.total >= found.within
    assert 0 <= found.missing_information <= 1


@pytest.mark.parametrize(
    ("q", "error", "scale", "message"),
    [
        ([0.8], [0.1], "identity", "at least 2 imputations"),
        ([0.8, 0.9], [0.1], "identity", "got shapes"),
        ([0.8, np.nan], [0.1, 0.1], "identity", "must be finite"),
        ([0.8, 0.9], [0.1, -0.1], "identity", "not negative"),
        ([0.8, 1.0], [0.1, 0.1], "logit", "between 0 and 1; got 1"),
        ([0.8, 0.0], [0.1, 0.1], "log", "positive; got 0"),
        ([0.8, 0.9], [0.1, 0.1], "probit", "scale must be one of"),
    ],
)
def test_errors(q, error, scale, message):
    with pytest.raises(ValueError, match=message):
        pool_imputations(q, error, scale=scale)
