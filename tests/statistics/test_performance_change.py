"""The paired change of every measure: against DeLong, McNemar, a sandwich by statsmodels, the bootstrap; coverage."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from vcfstats import calibration_summary, compare_diagnostic_tests, delong_test, diagnostic_accuracy, performance_change
from vcfstats.statistics.performance_change import MEASURES

THRESHOLDS = (0.4, 0.45)


def patients(seed, n=120, noise=0.5):
    rng = np.random.default_rng(seed)
    lp = rng.normal(-0.5, 1.2, n)
    y = rng.random(n) < expit(lp)
    old, new = (expit(lp + rng.normal(0, noise, n)) for _ in range(2))
    return y, old, new


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("digits", [9, 1])  # one decimal: many ties
def test_auc_is_delong_s_paired_test(seed, digits):
    y, old, new = patients(seed)
    old, new = old.round(digits), new.round(digits)
    change = performance_change(y, old, new)
    expected = delong_test(y, new, old)
    assert change.difference[0] == pytest.approx(expected.difference, abs=1e-14)
    assert change.se[0] == pytest.approx(expected.se, rel=1e-12)
    assert change.confidence_interval("auc") == pytest.approx(tuple(expected.confidence_interval()), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_proportions_are_mcnemar_s(seed):
    y, old, new = patients(seed)
    change = performance_change(y, old, new, thresholds=THRESHOLDS)
    tests = compare_diagnostic_tests(y, new >= THRESHOLDS[1], old >= THRESHOLDS[0])
    for name in ("sensitivity", "specificity", "accuracy"):
        at = change.measures.index(name)
        expected = getattr(tests, name)
        assert change.difference[at] == pytest.approx(expected.difference, abs=1e-14)
        wald = expected.confidence_interval(method="wald")
        assert change.confidence_interval(name) == pytest.approx(tuple(wald), abs=1e-12)
        rows = {"sensitivity": y, "specificity": ~y, "accuracy": np.ones(len(y), dtype=bool)}[name]
        gained = ((new >= 0.45) & (old < 0.4))[rows].sum(), ((new < 0.45) & (old >= 0.4))[rows].sum()
        if name != "accuracy":  # discordant pairs b and c of m patients
            (b, c), m = gained, rows.sum()
            assert change.se[at] == pytest.approx(np.sqrt(b + c - (b - c) ** 2 / m) / m, rel=1e-12)
    for name in ("ppv", "npv"):
        at = change.measures.index(name)
        assert change.difference[at] == pytest.approx(getattr(tests, name).difference, abs=1e-14)
        assert change.se[at] == pytest.approx(getattr(tests, name).se, rel=1e-9)


def test_values_are_those_of_the_statistics_themselves():
    y, old, new = patients(7)
    frame = performance_change(y, old, new, thresholds=THRESHOLDS).to_frame().set_index("measure")
    assert list(frame.index) == list(MEASURES)
    for side, prob, threshold in (("old", old, 0.4), ("new", new, 0.45)):
        summary = calibration_summary(y, prob, n_resamples=0)
        accuracy = diagnostic_accuracy(y, prob, threshold=threshold)
        for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy"):
            assert frame.loc[name, side] == pytest.approx(getattr(accuracy, name), abs=1e-14)
        for name in ("brier", "oe_ratio", "calibration_in_the_large"):
            assert frame.loc[name, side] == pytest.approx(getattr(summary, name), abs=1e-12)
        assert frame.loc["calibration_intercept", side] == pytest.approx(summary.intercept, abs=1e-10)
        assert frame.loc["calibration_slope", side] == pytest.approx(summary.slope, abs=1e-10)


def test_calibration_is_the_sandwich_of_statsmodels():
    """With a constant on the old side the new side's influences stand alone, and their variance is White's (HC0)."""
    y, _, new = patients(3)
    design = sm.add_constant(logit(new))
    fit = sm.Logit(y.astype(float), design).fit(disp=0, tol=1e-12, maxiter=200)
    influence = design * (y - fit.predict())[:, None] @ np.linalg.inv(design.T @ (design * (fit.predict() * (1 - fit.predict()))[:, None]))  # fmt: skip
    robust = sm.Logit(y.astype(float), design).fit(disp=0, tol=1e-12, maxiter=200, cov_type="HC0").bse
    assert np.sqrt((influence**2).sum(axis=0)) == pytest.approx(robust, rel=1e-8)
    from vcfstats.statistics.performance_change import _error, _measures

    ours = _measures(y, new, 1e-6)
    found = [_error(ours[name][1], np.arange(len(y))) for name in ("calibration_intercept", "calibration_slope")]
    assert found == pytest.approx(robust, rel=1e-7)


def test_every_standard_error_is_near_the_bootstrap_s():
    y, old, new = patients(11, n=400)
    change = performance_change(y, old, new, thresholds=THRESHOLDS)
    rng = np.random.default_rng(0)
    drawn = []
    while len(drawn) < 400:
        rows = rng.integers(0, len(y), len(y))
        drawn.append(performance_change(y[rows], old[rows], new[rows], thresholds=THRESHOLDS).difference)
    assert change.se == pytest.approx(np.std(drawn, axis=0, ddof=1), rel=0.15)


def test_patients_doubled_as_clusters_change_nothing():
    y, old, new = patients(5)
    once = performance_change(y, old, new, thresholds=THRESHOLDS)
    twice = performance_change(
        np.tile(y, 2), np.tile(old, 2), np.tile(new, 2), thresholds=THRESHOLDS, clusters=np.tile(np.arange(len(y)), 2)
    )
    assert (twice.n, twice.n_clusters) == (240, 120)
    assert twice.difference == pytest.approx(once.difference, abs=1e-10)
    assert twice.se[1:] == pytest.approx(once.se[1:], rel=1e-8)
    assert twice.se[0] == pytest.approx(once.se[0], rel=0.02)  # DeLong's degrees of freedom count cases


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(8, 60))
def test_swapping_sides_turns_the_sign_and_no_change_has_no_width(seed, n):
    y, old, new = patients(seed, n=n)
    if y.all() or not y.any():
        return
    there, back = (performance_change(y, a, b, thresholds=(0.4, 0.4)) for a, b in ((old, new), (new, old)))
    np.testing.assert_array_equal(there.difference, -back.difference)
    np.testing.assert_array_equal(there.se, back.se)
    same = performance_change(y, old, old)
    defined = np.isfinite(same.difference) & np.isfinite(same.se)
    assert not same.difference[defined].any()
    assert not same.se[defined].any()


def test_what_is_undefined_is_nan_and_bad_input_is_named():
    y = np.array([0, 0, 1, 1])
    change = performance_change(y, [0.1, 0.2, 0.7, 0.8], [0.3, 0.3, 0.3, 0.3], thresholds=(0.9, 0.9))
    values = dict(zip(change.measures, change.difference, strict=True))
    assert np.isnan(values["ppv"])  # nobody is called positive
    assert np.isnan(values["calibration_slope"])  # separated before, constant after
    assert values["auc"] == -0.5
    with pytest.raises(ValueError, match="prob_new must lie in"):
        performance_change(y, [0.1] * 4, [2.0] * 4)
    with pytest.raises(ValueError, match="one class only"):
        performance_change([0, 0], [0.1, 0.2], [0.1, 0.2])
    with pytest.raises(ValueError, match="measure must be one of"):
        change.confidence_interval("f1")


def test_intervals_cover_with_seventy_patients():
    """Nominal 95%; the truth is the difference over 200,000 patients. Twenty-four events of seventy, as in the study."""
    rng = np.random.default_rng(2)
    thresholds = (0.35, 0.35)

    def draw(size):
        lp = rng.normal(-0.9, 1.5, size)
        y = rng.random(size) < expit(lp)
        shared = rng.normal(0, 0.6, size)
        return y, expit(lp + shared), expit(0.8 * lp + 0.5 * shared + rng.normal(0, 0.8, size))

    truth = performance_change(*draw(200_000), thresholds=thresholds).difference
    hits = []
    for _ in range(600):
        change = performance_change(*draw(70), thresholds=thresholds)
        with np.errstate(invalid="ignore"):
            hits.append(np.abs(change.difference - truth) <= 1.959964 * change.se)
    coverage = dict(zip(MEASURES, np.mean(hits, axis=0), strict=True))
    assert all(0.91 <= value <= 0.98 for value in coverage.values()), coverage
