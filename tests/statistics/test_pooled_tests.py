"""Tests of several coefficients pooled over imputations: D1 and D2 by hand, what leaves them alone, and their size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from vcfstats.statistics.pooled_tests import pool_chi_squares, pool_wald
from vcfstats.statistics.pooling import pool_imputations


def f_two(statistic, df2):
    """Upper tail of F(2, df2), which has a closed form."""
    return (1 + 2 * statistic / df2) ** (-df2 / 2)


def test_d1_by_hand():
    # B has trace 1 + 1/2 in units of U, r = 4/3 * 3/2 / 2 = 1, t = 4.
    test = pool_wald([[1, 0], [2, 1], [3, -1]], [np.diag([1.0, 2.0])] * 3)
    assert (test.statistic, test.df1, test.df2) == pytest.approx((1.0, 2, 12.0), rel=1e-12)
    assert test.pvalue == pytest.approx((6 / 7) ** 6, rel=1e-12)
    # r = 5/4 * (8/3 + 4/3) / 2 = 5/2, t = 6.
    test = pool_wald([[1, 1], [1, -1], [-1, 1], [3, -1]], [np.eye(2)] * 4)
    df2 = 4 + 2 * (1 + (2 / 3) / 2.5) ** 2
    assert (test.statistic, test.df2) == pytest.approx((1 / 7, df2), rel=1e-12)
    assert test.pvalue == pytest.approx(f_two(1 / 7, df2), rel=1e-12)


def test_d2_by_hand():
    # Square roots 4, 5, 6 have variance 1, r = 4/3; df2 = 2^(-1) * 2 * (7/4)^2.
    test = pool_chi_squares([16, 25, 36], 2)
    assert (test.statistic, test.df2) == pytest.approx((61 / 14, 49 / 16), rel=1e-12)
    assert test.pvalue == pytest.approx(f_two(61 / 14, 49 / 16), rel=1e-12)
    # Statistics that differ so much that nothing is left of their mean.
    assert (pool_chi_squares([1, 4, 9], 2).statistic, pool_chi_squares([1, 4, 9], 2).pvalue) == (0.0, 1.0)


numbers = st.floats(-3, 3).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=8), numbers, numbers)
def test_d1_does_not_depend_on_how_coefficients_are_coded(rows, a, b):
    Q, U = np.array(rows), np.array([[0.5, 0.1], [0.1, 0.3]])
    coding = np.array([[1.0, a], [0.0, 1.0 + abs(b)]])
    one = pool_wald(Q, [U] * len(Q))
    other = pool_wald(Q @ coding.T, [coding @ U @ coding.T] * len(Q))
    assert other.statistic == pytest.approx(one.statistic, rel=1e-6, abs=1e-9)
    assert other.pvalue == pytest.approx(one.pvalue, rel=1e-5, abs=1e-9)
    assert 0 <= one.pvalue <= 1


@given(st.lists(st.floats(0, 50), min_size=2, max_size=10), st.integers(1, 5), st.randoms())
def test_d2_does_not_depend_on_the_order_of_imputations(statistics, df, random):
    shuffled = random.sample(statistics, len(statistics))
    one, other = pool_chi_squares(statistics, df), pool_chi_squares(shuffled, df)
    assert other.statistic == pytest.approx(one.statistic, rel=1e-9, abs=1e-12)
    assert 0 <= one.pvalue <= 1


def test_size_with_values_missing():
    """Two means are 0; 40% of 60 values of each are missing and imputed 10 times from their posterior: 5% of tests reject."""
    rng, n, m, repeats = np.random.default_rng(5), 60, 10, 1500
    rejected = np.zeros(2)
    for _ in range(repeats):
        Q, U = np.zeros((m, 2)), np.zeros((m, 2, 2))
        for k in range(2):
            seen = rng.standard_normal(36)
            sigma = np.sqrt(35 * seen.var(ddof=1) / rng.chisquare(35, m))
            centre = seen.mean() + sigma / 6 * rng.standard_normal(m)
            whole = np.concatenate(
                [np.tile(seen, (m, 1)), centre[:, None] + sigma[:, None] * rng.standard_normal((m, 24))], axis=1
            )
            Q[:, k], U[:, k, k] = whole.mean(axis=1), whole.var(axis=1, ddof=1) / n
        squares = np.einsum("mi,mij,mj->m", Q, np.linalg.inv(U), Q)
        rejected += [pool_wald(Q, U).pvalue < 0.05, pool_chi_squares(squares, 2).pvalue < 0.05]
    size = rejected / repeats
    assert 0.03 < size[0] < 0.07, size
    assert 0.02 < size[1] < 0.08, size


def test_pooled_tests_agree_with_the_pooled_coefficient_and_with_one_another():
    rng = np.random.default_rng(2)
    q, errors = rng.normal(0.5, 0.1, 20), rng.uniform(0.2, 0.3, 20)
    pooled = pool_imputations(q, errors)
    wald = pool_wald(q[:, None], (errors**2)[:, None, None])
    assert wald.statistic == pytest.approx(pooled.estimate**2 / pooled.total, rel=1e-12)
    # Without spread over the imputations both are the test of one data set.
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])
    same = pool_wald(np.tile([0.3, 0.5], (5, 1)), np.tile(covariance, (5, 1, 1)))
    square = np.array([0.3, 0.5]) @ np.linalg.solve(covariance, [0.3, 0.5])
    assert same.statistic == pytest.approx(square / 2)
    assert same.pvalue == pytest.approx(chi2.sf(square, 2), rel=1e-6)
    assert pool_chi_squares([square] * 5, 2).pvalue == pytest.approx(chi2.sf(square, 2), rel=1e-6)
    # Statistics that differ say less than their mean.
    assert pool_chi_squares([2.0, 6.0, 10.0], 2).pvalue > chi2.sf(6.0, 2)
    with pytest.raises(ValueError, match="at least 2"):
        pool_wald([[1.0]], [[[1.0]]])
    with pytest.raises(ValueError, match="none negative"):
        pool_chi_squares([1.0, -1.0], 1)
