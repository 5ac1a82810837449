"""Hosmer-Lemeshow, scores, summary and curves against R, and their own laws."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vcfstats import brier_score, calibration_curve, calibration_summary, hosmer_lemeshow, spiegelhalter_test
from vcfstats.statistics.calibration.loess import loess
from vcfstats.statistics.calibration.splines import spline_basis, spline_knots

REFERENCE = Path(__file__).parents[1] / "reference"
HOSLEM = sorted(path.stem for path in (REFERENCE / "hoslem").glob("*.json"))
CASES = sorted(path.stem for path in (REFERENCE / "calibration").glob("*.json"))
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def number(value):
    return {"NA": math.nan, "NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}.get(value, value)


def numbers(values):
    return np.array([number(value) for value in np.ravel(values)], dtype=float)


def models(topic, case):
    content = json.loads((REFERENCE / topic / f"{case}.json").read_text())
    data = pd.read_csv(REFERENCE / "calibration" / "data" / f"{case}.csv")
    for name, entry in content["results"].items():
        prob = data[name].to_numpy()
        if entry.get("clamped"):
            prob = np.clip(prob, 1e-6, 1 - 1e-6)
        yield name, data["y"].to_numpy(), prob, entry


def value(entry, key):
    found = entry.get(key)
    return None if found is None or "error" in found else found["value"]


# ---- Hosmer-Lemeshow


@pytest.mark.parametrize("case", HOSLEM)
@pytest.mark.parametrize("groups", [5, 10, 20])
def test_hosmer_lemeshow_as_resourceselection(case, groups):
    for _, y, prob, entry in models("hoslem", case):
        peer = entry[f"g{groups}"]
        if "error" in peer:  # R refuses one group or two
            with pytest.raises(ValueError, match="distinct value"):
                hosmer_lemeshow(y, prob, groups)
            continue
        result, peer = hosmer_lemeshow(y, prob, groups), peer["value"]
        assert result.df == peer["parameter"]["df"]
        statistic = number(peer["statistic"]["X-squared"])
        if math.isnan(statistic):  # R: 0/0 where nobody is expected, which counts for nothing here
            expected = result.table[["expected_events", "expected_nonevents"]].to_numpy()
            assert (expected < 1e-12).any()
            assert not math.isnan(result.statistic)
            continue
        assert result.statistic == pytest.approx(statistic, rel=1e-9)
        assert result.pvalue == pytest.approx(peer["p.value"], rel=1e-9, abs=1e-15)
        if groups == 10:
            filled = result.table[result.table["n"] > 0]
            for ours, theirs in (("observed_nonevents", "observed"), ("expected_nonevents", "expected")):
                np.testing.assert_allclose(filled[ours], peer[theirs]["y0"], rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(filled["expected_events"], peer["expected"]["y1"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", HOSLEM)
def test_hosmer_lemeshow_as_desctools(case):
    """C drops empty cells as here; H has equal intervals, and DescTools' df is always 8."""
    compared = 0
    for _, y, prob, entry in models("hoslem", case):
        for letter, grouping in (("C", "quantile"), ("H", "equal_width")):
            peer = (value(entry, "DescTools_HL") or {}).get(letter)
            if peer is None or peer["parameter"]["df"] < 1 or np.unique(prob).size < 3:
                continue
            result = hosmer_lemeshow(y, prob, 10, grouping)
            assert result.statistic == pytest.approx(number(peer["statistic"]["X-squared"]), rel=1e-9)
            compared += 1
    assert compared or case == "sim70_const"


def test_hosmer_lemeshow_stata_groups():
    """Stata's xtile on 1..10 in four groups: percentiles 3, 5.5 and 8, so 3, 2, 3 and 2 patients."""
    prob = np.arange(1, 11) / 20
    table = hosmer_lemeshow([0, 1] * 5, prob, 4, "stata").table
    assert table["n"].tolist() == [3, 2, 3, 2]
    assert table["upper"].tolist() == [3 / 20, pytest.approx(5.5 / 20), 8 / 20, 10 / 20]


def test_hosmer_lemeshow_df_on_other_data():
    rng = np.random.default_rng(1)
    prob = rng.random(100)
    y = rng.random(100) < prob
    inside, outside = hosmer_lemeshow(y, prob), hosmer_lemeshow(y, prob, devel="external")
    assert (inside.df, outside.df) == (8, 10)
    assert outside.pvalue == pytest.approx(stats.chi2.sf(inside.statistic, 10), rel=1e-12)


def test_hosmer_lemeshow_certain_and_wrong():
    y, prob = np.array([1, 0] * 10), np.r_[np.zeros(8), np.linspace(0.5, 0.8, 12)]
    result = hosmer_lemeshow(y, prob, 4, "equal_width")
    assert result.statistic == math.inf
    assert result.pvalue == 0


# ---- scores


@pytest.mark.parametrize("case", CASES)
def test_scores_as_r(case):
    for _, y, prob, entry in models("calibration", case):
        score = brier_score(y, prob)
        assert float(score) == pytest.approx(value(entry, "brier"), rel=1e-12)
        assert score.scaled == pytest.approx(value(entry, "brier_scaled"), rel=1e-9, abs=1e-12)
        test, peer = spiegelhalter_test(y, prob), value(entry, "spiegelhalter")
        np.testing.assert_allclose(
            [test.statistic, test.pvalue], numbers([peer["z"], peer["p_two_sided"]]), rtol=1e-9, atol=1e-15
        )


def test_scores_degenerate():
    assert float(brier_score([0, 0], [0.1, 0.1])) == pytest.approx(0.01)
    assert math.isnan(brier_score([0, 0], [0.1, 0.1]).scaled)
    assert spiegelhalter_test([0, 1], [1.0, 1.0]).statistic == math.inf
    with pytest.warns(RuntimeWarning, match="0/0"):
        assert math.isnan(spiegelhalter_test([0, 1], [0.5, 0.5]).statistic)


# ---- summary


@pytest.mark.parametrize("case", CASES)
def test_recalibration_as_glm(case):
    """R's glm stops at a relative deviance of 1e-8 and takes standard errors one step earlier: 1e-6 and 1e-4."""
    for name, y, prob, entry in models("calibration", case):
        if (case, name) in {("sim70_const", "m1"), ("sim70_sep", "m1")}:
            continue  # no slope exists; tested below
        summary = calibration_summary(y, prob, n_resamples=0)
        one, two = value(entry, "recal_intercept_only"), value(entry, "recal_intercept_slope")
        assert summary.calibration_in_the_large == pytest.approx(one["coef"], rel=1e-6, abs=1e-7)
        np.testing.assert_allclose(
            summary.confidence_interval("calibration_in_the_large"), one["wald_ci"], rtol=2e-4, atol=1e-5
        )
        np.testing.assert_allclose([summary.intercept, summary.slope], two["coef"], rtol=3e-6, atol=1e-7)
        wald = [summary.confidence_interval(measure) for measure in ("intercept", "slope")]
        np.testing.assert_allclose(wald, two["wald_ci"]["data"], rtol=2e-3, atol=2e-4)
        assert summary.oe_ratio == pytest.approx(value(entry, "o_e_ratio"), rel=1e-12)
        peer = value(entry, "LR_unreliability_2df")
        assert summary.unreliability_chi2 == pytest.approx(peer["chisq"], rel=1e-8, abs=1e-9)
        assert summary.unreliability_pvalue == pytest.approx(peer["p"], rel=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_profile_intervals_as_mass(case):
    """MASS interpolates the profile by splines: 2e-2, and the likelihood ratio itself is tested in test_glm."""
    for name, y, prob, entry in models("calibration", case):
        two = value(entry, "recal_intercept_slope")
        if (case, name) in {("sim70_const", "m1"), ("sim70_sep", "m1")} or not isinstance(two["profile_ci"], dict):
            continue
        summary = calibration_summary(y, prob, n_resamples=0)
        ours = [summary.confidence_interval(measure, method="profile") for measure in ("intercept", "slope")]
        np.testing.assert_allclose(ours, two["profile_ci"]["data"], rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("case", CASES)
def test_summary_as_val_prob_ci(case):
    for name, y, prob, entry in models("calibration", case):
        peer = value(entry, "val.prob.ci.2")
        if peer is None or (case, name) in {("sim70_const", "m1"), ("sim70_sep", "m1")}:
            continue
        summary = calibration_summary(y, prob, n_resamples=0)
        for measure, key in (("calibration_in_the_large", "Intercept"), ("slope", "Slope")):
            ours = [getattr(summary, measure), *summary.confidence_interval(measure)]
            np.testing.assert_allclose(ours, list(peer["Calibration"][key].values()), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("surface", ["interpolate", "direct"])
def test_integrated_calibration_index_as_loess(case, surface):
    for _, y, prob, entry in models("calibration", case):
        peer = value(entry, "loess" if surface == "interpolate" else "loess_direct")
        if peer is None or np.ptp(prob) == 0:
            continue
        summary = calibration_summary(y, prob, surface=surface, n_resamples=0)
        ours = [summary.ici, summary.e50, summary.e90, summary.emax]
        np.testing.assert_allclose(ours, [peer[key] for key in ("ICI", "E50", "E90", "Emax")], rtol=1e-9, atol=1e-12)


def test_summary_of_constant_predictions():
    y = np.r_[np.zeros(40), np.ones(30)]
    with pytest.warns(RuntimeWarning, match="no calibration slope"):
        summary = calibration_summary(y, np.full(70, 0.3), n_resamples=0)
    assert math.isnan(summary.slope)
    assert math.isnan(summary.intercept)
    assert all(math.isnan(limit) for limit in summary.confidence_interval("slope", method="profile"))
    expected = math.log(30 / 40) - math.log(0.3 / 0.7)
    assert summary.calibration_in_the_large == pytest.approx(expected, rel=1e-12)
    gap = 30 / 70 - 0.3
    assert [summary.ici, summary.e50, summary.emax] == pytest.approx([gap] * 3)


def test_summary_of_separated_predictions():
    y = np.r_[np.zeros(40), np.ones(30)]
    prob = np.r_[np.linspace(0.05, 0.4, 40), np.linspace(0.6, 0.95, 30)]
    for flip, sign in ((False, 1), (True, -1)):
        with pytest.warns(RuntimeWarning, match="slope is infinite"):
            summary = calibration_summary(1 - y if flip else y, prob, n_resamples=0)
        assert summary.slope == sign * math.inf
        assert math.isnan(summary.intercept)
        limits = summary.confidence_interval("slope", method="profile")
        assert sum(map(math.isinf, limits)) == 1


def test_summary_of_certain_predictions():
    with pytest.warns(RuntimeWarning, match="exactly 0 or 1"):
        summary = calibration_summary([0, 1, 0, 1, 1], [0.0, 0.4, 0.6, 0.7, 1.0], n_resamples=0)
    assert summary.n_extreme == 2
    assert math.isfinite(summary.slope)
    assert summary.brier == pytest.approx(np.mean([0, 0.36, 0.36, 0.09, 0]))


def test_oe_intervals():
    """Log interval by hand; the exact one is Clopper-Pearson over the mean prediction."""
    y, prob = np.r_[np.ones(12), np.zeros(38)], np.full(50, 0.2) + np.linspace(-0.1, 0.1, 50)
    summary = calibration_summary(y, prob, n_resamples=0)
    half = 1.959963984540054 * math.sqrt((1 - 0.24) / 12)
    np.testing.assert_allclose(
        summary.confidence_interval("oe_ratio"), [1.2 * math.exp(-half), 1.2 * math.exp(half)], rtol=1e-9
    )
    exact = stats.binomtest(12, 50).proportion_ci(method="exact")
    np.testing.assert_allclose(
        summary.confidence_interval("oe_ratio", method="exact"), np.array([exact.low, exact.high]) / 0.2, rtol=1e-9
    )


def test_bootstrap_intervals_are_seeded_and_framed():
    rng = np.random.default_rng(4)
    prob = rng.random(80)
    y = rng.random(80) < prob
    first, second = (calibration_summary(y, prob, n_resamples=50, random_state=7).to_frame() for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert first["measure"].tolist()[:4] == ["calibration_in_the_large", "intercept", "slope", "oe_ratio"]
    assert (first["ci_low"] <= first["ci_high"]).all()
    with pytest.raises(ValueError, match="n_resamples was 0"):
        calibration_summary(y, prob, n_resamples=0).confidence_interval("ici")


# ---- loess and curves


@pytest.mark.parametrize("case", CASES)
def test_loess_curve_as_r(case):
    for _, y, prob, entry in models("calibration", case):
        for key, surface in (("loess", "interpolate"), ("loess_direct", "direct")):
            peer = value(entry, key)
            if peer is None or np.ptp(prob) == 0:
                continue
            fit, grid = numbers(peer["fit"]), numbers(peer["grid"])
            if surface == "direct":  # far outside the data R's fit explodes and so does rounding
                inside = (grid >= prob.min()) & (grid <= prob.max())
                grid, fit = grid[inside], fit[inside]
            curve = calibration_curve(y, prob, surface=surface, grid=grid)
            np.testing.assert_allclose(curve.observed, fit, rtol=1e-9, atol=1e-9)
            if surface == "interpolate":
                smoother = loess(prob, y)
                se, df = numbers(peer["se"]), number(peer["df"])
                assert smoother.residual_scale == pytest.approx(peer["residual_scale"], rel=1e-9)
                assert smoother.df == pytest.approx(df, rel=1e-9)
                half = stats.t.ppf(0.975, df) * se
                np.testing.assert_allclose(curve.high - curve.observed, half, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_spline_curve_as_rms(case):
    """lrm.fit stops when the deviance moves by less than 0.025; near separation its coefficients are no reference."""
    for name, y, prob, entry in models("calibration", case):
        peer = value(entry, "rcs_cal")
        if peer is None:
            continue
        curve = calibration_curve(y, prob, method="rcs")
        np.testing.assert_allclose(curve.knots, numbers(peer["knots"]), rtol=1e-12)
        runaway = {("sim234_highprev", "m4"), ("sim70_sep", "m1")}
        if peer["coef"] is not None and (case, name) not in runaway:
            np.testing.assert_allclose(curve.coef, numbers(list(peer["coef"].values())), rtol=1e-2)


def test_logistic_curve_is_the_recalibration():
    _, y, prob, entry = next(models("calibration", "sim164"))
    two = value(entry, "recal_intercept_slope")
    curve = calibration_curve(y, prob, method="logistic", grid=[0.2, 0.6])
    lp = np.log([0.2 / 0.8, 0.6 / 0.4])
    eta = two["coef"][0] + two["coef"][1] * lp
    np.testing.assert_allclose(curve.observed, 1 / (1 + np.exp(-eta)), rtol=1e-8)
    cov = np.array(two["vcov"]["data"])
    se = np.sqrt(cov[0, 0] + 2 * lp * cov[0, 1] + lp**2 * cov[1, 1])
    np.testing.assert_allclose(curve.low, 1 / (1 + np.exp(-(eta - 1.959963984540054 * se))), rtol=1e-4)


def test_curves_of_degenerate_predictions():
    y = np.r_[np.zeros(40), np.ones(30)]
    assert calibration_curve(y, np.full(70, 0.3), grid=[0.3]).observed == pytest.approx([3 / 7])
    with pytest.raises(ValueError, match="no logistic curve"):
        calibration_curve(y, np.full(70, 0.3), method="logistic")
    with pytest.warns(RuntimeWarning, match="step"):
        curve = calibration_curve(y, np.r_[np.linspace(0.1, 0.4, 40), np.linspace(0.6, 0.9, 30)], method="logistic")
    assert np.isnan(curve.low).all()
    assert curve.observed[0] < 1e-3
    assert curve.observed[-1] > 1 - 1e-3
    with pytest.raises(ValueError, match="knots cannot be placed"):
        calibration_curve(y, np.where(y == 1, 0.6, 0.4), method="rcs")


def test_loess_of_heavy_ties_is_the_mean_of_the_tied():
    """R stops where three quarters of the patients share one prediction."""
    rng = np.random.default_rng(8)
    prob = np.r_[np.full(90, 0.1), np.linspace(0.15, 0.9, 20)]
    y = (rng.random(110) < prob).astype(float)
    for surface in ("interpolate", "direct"):
        fit = loess(prob, y, surface=surface)
        np.testing.assert_allclose(fit.fitted[:90], y[:90].mean(), rtol=1e-9)
        assert np.isfinite(fit.fitted).all()
    constant = loess(np.full(30, 0.2), y[:30])
    np.testing.assert_allclose(constant.fitted, y[:30].mean(), rtol=1e-12)


def test_spline_basis_is_linear_outside_the_knots():
    x = np.linspace(0, 1, 200)
    knots = spline_knots(x, 4)
    outside = np.array([2.0, 3.0, 4.0])
    assert np.abs(np.diff(spline_basis(outside, knots), 2, axis=0)).max() < 1e-9
    assert np.abs(spline_basis(np.array([-1.0]), knots)[:, 1:]).max() == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(15, 60))
def test_invariants(seed, n):
    """Order of patients; swapping classes turns the sign of the intercepts; loess reproduces quadratics."""
    rng = np.random.default_rng(seed)
    prob = rng.uniform(0.02, 0.98, n)
    y = (rng.random(n) < prob).astype(int)
    y[:2] = [0, 1]
    order = rng.permutation(n)
    a = calibration_summary(y, prob, n_resamples=0)
    b = calibration_summary(y[order], prob[order], n_resamples=0)
    c = calibration_summary(1 - y, 1 - prob, n_resamples=0)
    for measure in ("calibration_in_the_large", "slope", "brier", "ici", "emax", "unreliability_chi2"):
        assert getattr(a, measure) == pytest.approx(getattr(b, measure), rel=1e-7, abs=1e-9)
    assert a.calibration_in_the_large == pytest.approx(-c.calibration_in_the_large, abs=1e-9)
    assert (a.slope, a.brier) == (pytest.approx(c.slope, rel=1e-6), pytest.approx(c.brier))
    assert a.e50 <= a.e90 + 1e-15 <= a.emax + 2e-15
    assert a.ici <= a.emax
    quadratic = 0.2 + prob - 0.5 * prob**2
    np.testing.assert_allclose(loess(prob, quadratic, surface="direct").fitted, quadratic, rtol=1e-8)
    table = hosmer_lemeshow(y, prob, 5).table
    assert table["n"].sum() == n
    assert table["observed_events"].sum() == y.sum()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hosmer_lemeshow([0, 1], [0.2, 0.3], 1), "n_groups"),
        (lambda: hosmer_lemeshow([0, 1], [0.2, 0.3], 10, "deciles"), "grouping"),
        (lambda: hosmer_lemeshow([0, 1, 1], [0.2, 0.3, 1.3]), r"\[0, 1\]"),
        (lambda: calibration_summary([0, 0], [0.2, 0.3]), "one class"),
        (lambda: calibration_summary([0, 1], [0.2, 0.3], surface="spline"), "surface"),
        (lambda: calibration_summary([0, 1], [0.2, 0.3], clip=0), "clip"),
        (lambda: calibration_summary([0, 1, 1], [0.2, 0.3, 0.1], n_resamples=0).confidence_interval("auc"), "measure"),
        (lambda: calibration_curve([0, 1], [0.2, 0.3], method="lowess"), "method"),
        (lambda: calibration_curve([0, 1], [0.2, 0.3], span=2), "span"),
        (lambda: calibration_curve([0, 1], [0.2, 0.3], grid=[-1]), "grid"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
