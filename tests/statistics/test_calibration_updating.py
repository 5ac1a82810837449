"""Recalibration against R's fits, and its own laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2
from statsmodels.api import GLM, families

from vcfstats import calibration_summary, update_calibration

from .test_calibration import CASES, models, value

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.mark.parametrize("case", CASES)
def test_coefficients_of_r(case):
    """R's glm stops at a relative deviance of 1e-8 and takes standard errors one step earlier."""
    for name, y, prob, entry in models("calibration", case):
        if (case, name) in {("sim70_const", "m1"), ("sim70_sep", "m1")}:
            continue  # no slope exists; tested below
        one, two = value(entry, "recal_intercept_only"), value(entry, "recal_intercept_slope")
        first, both = update_calibration(y, prob, method="intercept"), update_calibration(y, prob)
        assert first.intercept == pytest.approx(one["coef"], rel=1e-6, abs=1e-7)
        np.testing.assert_allclose((both.intercept, both.slope), two["coef"], rtol=3e-6, atol=1e-7)
        np.testing.assert_allclose((both.intercept_se, both.slope_se), two["se"], rtol=1e-3, atol=1e-4)


def data(seed, n=200, shift=-0.7, slope=0.6):
    rng = np.random.default_rng(seed)
    lp = rng.normal(size=n) * 1.5
    return rng.random(n) < 1 / (1 + np.exp(-(shift + slope * lp))), 1 / (1 + np.exp(-lp))


def test_standard_errors_and_tests_of_statsmodels():
    y, prob = data(1)
    lp = np.log(prob / (1 - prob))
    both = GLM(y.astype(float), np.column_stack([np.ones(len(y)), lp]), family=families.Binomial()).fit()
    one = GLM(y.astype(float), np.ones(len(y)), offset=lp, family=families.Binomial()).fit()
    updates = {method: update_calibration(y, prob, method=method) for method in ("none", "intercept", "logistic")}
    np.testing.assert_allclose((updates["logistic"].intercept_se, updates["logistic"].slope_se), both.bse, rtol=1e-6)
    assert updates["intercept"].intercept_se == pytest.approx(one.bse[0], rel=1e-6)
    assert updates["logistic"].loglik == pytest.approx(both.llf, rel=1e-10)
    assert updates["intercept"].loglik == pytest.approx(one.llf, rel=1e-10)
    expected = chi2.sf(2 * (both.llf - one.llf), 1)
    assert updates["logistic"].test_against(updates["intercept"]) == pytest.approx(expected, rel=1e-6)
    assert updates["logistic"].test_against(updates["none"]) == pytest.approx(
        calibration_summary(y, prob).unreliability_pvalue, rel=1e-6
    )


@given(st.integers(0, 10_000), st.sampled_from(["intercept", "logistic"]))
def test_the_update_is_calibrated_where_it_was_fitted_and_keeps_the_order(seed, method):
    y, prob = data(seed)
    update = update_calibration(y, prob, method=method)
    again = update.predict(prob)
    assert again.mean() == pytest.approx(y.mean(), abs=1e-6)
    second = update_calibration(y, again, method=method)
    assert (second.intercept, second.slope) == pytest.approx((0, 1), abs=1e-5)
    order = np.argsort(prob)
    assert (np.diff(again[order]) * np.sign(update.slope) >= 0).all()


def test_none_leaves_every_bit_and_extremes_stay_probabilities():
    y, prob = data(2)
    prob[:2] = 0.0, 1.0
    np.testing.assert_array_equal(update_calibration(y, prob, method="none").predict(prob), prob)
    moved = update_calibration(y, prob).predict(prob)
    assert ((moved > 0) & (moved < 1)).all()


def test_what_cannot_be_fitted_is_said():
    y = np.repeat([0, 1], 10)
    with pytest.raises(ValueError, match="separate"):
        update_calibration(y, np.linspace(0.1, 0.9, 20))
    with pytest.raises(ValueError, match="no slope"):
        update_calibration(y, np.full(20, 0.3))
    with pytest.raises(ValueError, match="class"):
        update_calibration(np.zeros(20), np.linspace(0.1, 0.9, 20))
    with pytest.raises(ValueError, match="method"):
        update_calibration(y, np.linspace(0.1, 0.9, 20), method="isotonic")
    first = update_calibration(y, np.full(20, 0.3), method="intercept")
    with pytest.raises(ValueError, match="fewer parameters"):
        first.test_against(first)
    assert np.isnan(first.confidence_interval("slope")).all()
