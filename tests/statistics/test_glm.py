import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from vcfstats.statistics.glm import fit_logistic, log_likelihood, profile_interval


def test_agrees_with_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(400), rng.normal(size=(400, 3)) * [1, 100, 1e-3]])
    y = rng.binomial(1, expit(X @ [0.3, 1, 0.01, 100]))
    fit, peer = fit_logistic(X, y), sm.Logit(y, X).fit(disp=0, tol=1e-14, method="newton")
    np.testing.assert_allclose(fit.coef, peer.params, rtol=1e-10)
    np.testing.assert_allclose(fit.covariance, peer.cov_params(), rtol=1e-8)
    assert fit.loglik == pytest.approx(peer.llf, rel=1e-12)
    assert fit.converged
    assert not fit.separated


def test_weights_are_repeated_rows_and_offsets_shift():
    rng = np.random.default_rng(2)
    X, y, w = np.column_stack([np.ones(60), rng.normal(size=60)]), rng.integers(0, 2, 60), rng.integers(0, 4, 60)
    repeated = fit_logistic(np.repeat(X, w, axis=0), np.repeat(y, w))
    np.testing.assert_allclose(fit_logistic(X, y, weights=w).coef, repeated.coef, rtol=1e-10)
    shifted = fit_logistic(X, y, offset=0.5 * X[:, 1] - 1)
    np.testing.assert_allclose(shifted.coef, fit_logistic(X, y).coef - [-1, 0.5], rtol=1e-9)


@pytest.mark.parametrize("quasi", [False, True])
def test_separation_is_flagged(quasi):
    x = np.arange(20.0)
    y = (x > 9).astype(float)
    if quasi:
        x[9] = x[10]
    fit = fit_logistic(np.column_stack([np.ones(20), x]), y)
    assert fit.separated
    assert not fit.converged


def test_overlap_is_not_separation():
    x = np.r_[np.arange(10.0), 9.5, 9.2]
    fit = fit_logistic(np.column_stack([np.ones(12), x]), np.r_[np.zeros(9), 1, 1, 0])
    assert fit.converged
    assert not fit.separated


def test_profile_limits_solve_the_likelihood_ratio():
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(80), rng.normal(size=80)])
    y = rng.binomial(1, expit(X @ [0.2, 0.8]))
    best = fit_logistic(X, y).loglik
    for limit in profile_interval(X, y, 1):
        loglik = fit_logistic(X[:, :1], y, offset=limit * X[:, 1]).loglik
        assert 2 * (best - loglik) == pytest.approx(3.841458820694124, rel=1e-8)


def test_profile_is_one_sided_under_separation():
    x = np.linspace(-3, 3, 70)
    X = np.column_stack([np.ones(70), x])
    low, high = profile_interval(X, x > 0, 1)
    assert 0 < low < 100
    assert high == np.inf
    assert profile_interval(X, x <= 0, 1) == (-np.inf, pytest.approx(-low, rel=1e-9))
    assert profile_interval(X, x > 0, 0) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (np.ones((4, 2)), [0, 1, 0, 1], {}, "linearly dependent"),
        (np.column_stack([np.ones(4), np.zeros(4)]), [0, 1, 0, 1], {}, "zero throughout"),
        (np.ones((4, 1)), [0, 1, 0], {}, "shape"),
        (np.ones((4, 1)), [0, 1, 0, np.nan], {}, "finite"),
        (np.ones((4, 1)), [0, 1, 0, 2], {}, "between 0 and 1"),
        (np.ones((4, 1)), [0, 1, 0, 1], {"weights": [1, 1, 1, -1]}, "non-negative"),
        (np.ones((4, 1)), [0, 1, 0, 1], {"offset": [1, 2]}, "offset"),
    ],
)
def test_bad_input(X, y, options, message):
    with pytest.raises(ValueError, match=message):
        fit_logistic(X, y, **options)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 60))
def test_score_is_zero_at_the_maximum(seed, n):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    y = rng.integers(0, 2, n).astype(float)
    fit = fit_logistic(X, y)
    if not fit.separated:
        assert np.abs(X.T @ (y - expit(X @ fit.coef))).max() < 1e-7
        assert fit.loglik == pytest.approx(log_likelihood(y, X @ fit.coef), rel=1e-10)
