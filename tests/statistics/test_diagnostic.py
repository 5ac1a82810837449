"""Accuracy at a threshold, intervals of proportions, McNemar and paired tests against R and exact enumeration."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from vcfstats import (
    compare_diagnostic_tests,
    diagnostic_accuracy,
    mcnemar_test,
    predictive_values,
    proportion_ci,
)

REFERENCE = Path(__file__).parents[1] / "reference"
CLOSED = {"rtol": 1e-9, "atol": 1e-14, "equal_nan": True}
PRINTED = {"rtol": 5e-7}  # the digits that the manual prints
NUMBERS = {"NA": math.nan, "NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}
PROPORTIONS = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
EPIR = {
    "ap": "predicted_positive_rate",
    "tp": "prevalence",
    "se": "sensitivity",
    "sp": "specificity",
    "diag.ac": "accuracy",
    "diag.or": "diagnostic_odds_ratio",
    "youden": "youden",
    "pv.pos": "ppv",
    "pv.neg": "npv",
    "lr.pos": "lr_positive",
    "lr.neg": "lr_negative",
}
RATIOS = ("diagnostic_odds_ratio", "lr_positive", "lr_negative")


def numbers(value):
    flat = value if isinstance(value, list) else [value]
    return np.array([NUMBERS[v] if isinstance(v, str) else v for v in flat], dtype=float)


def stored(name):
    return json.loads((REFERENCE / "diagnostic" / f"{name}.json").read_text())


def table(tp, fp, fn, tn):
    return np.repeat([1, 0, 1, 0], [tp, fp, fn, tn]), np.repeat([1, 1, 0, 0], [tp, fp, fn, tn])


@pytest.mark.parametrize("method", ["wilson", "clopper-pearson", "jeffreys", "agresti-coull"])
def test_proportion_ci_agrees_with_desctools_binom_test_and_prop_test(method):
    checked = 0
    for entry in stored("binom_ci")["results"].values():
        for key, levels in entry.items():
            if not key.startswith("conf"):
                continue
            found = proportion_ci(entry["x"], entry["n"], method=method, confidence_level=float(key[4:]))
            peer = levels.get(f"DescTools::BinomCI/{method}")
            if peer is not None:
                np.testing.assert_allclose(found, numbers(peer["value"])[1:], **CLOSED)
                checked += 1
            other = {"clopper-pearson": "binom.test", "wilson": "prop.test_nocorrect"}.get(method)
            if other in levels:
                np.testing.assert_allclose(found, numbers(levels[other]["value"]["conf.int"]), **CLOSED)
    assert checked >= 12


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_clopper_pearson_and_wilson_solve_their_defining_equations(counts, level):
    x, n = counts
    alpha = (1 - level) / 2
    low, high = proportion_ci(x, n, "clopper-pearson", confidence_level=level)
    assert (low == 0) if x == 0 else stats.binom.sf(x - 1, n, low) == pytest.approx(alpha, rel=1e-8)
    assert (high == 1) if x == n else stats.binom.cdf(x, n, high) == pytest.approx(alpha, rel=1e-8)
    for limit in proportion_ci(x, n, "wilson", confidence_level=level):
        score = (x / n - limit) ** 2 * n
        assert score == pytest.approx(stats.norm.ppf(alpha) ** 2 * limit * (1 - limit), rel=1e-8, abs=1e-12)
    for method in ("wilson", "clopper-pearson", "jeffreys", "agresti-coull"):
        low, high = proportion_ci(x, n, method, confidence_level=level)
        assert 0 <= low <= x / n <= high <= 1
        mirror = proportion_ci(n - x, n, method, confidence_level=level)
        np.testing.assert_allclose([1 - high, 1 - low], mirror, rtol=1e-9, atol=1e-12)


def test_proportion_edges():
    assert all(math.isnan(limit) for limit in proportion_ci(0, 0))
    assert proportion_ci(0, 33).low == 0
    assert proportion_ci(10, 10).high == 1
    low, high = proportion_ci(5_000_000, 10_000_000)
    assert high - low == pytest.approx(2 * 1.959964 * 0.5 / math.sqrt(1e7), rel=1e-6)
    for count, nobs, message in (
        (3, 2, "exceed"),
        (-1, 2, "non-negative"),
        (1.5, 2, "non-negative integer"),
        (True, 2, "integer"),
    ):
        with pytest.raises(ValueError, match=message):
            proportion_ci(count, nobs)


@pytest.mark.parametrize("case", list(stored("metrics")))
def test_counts_and_intervals_agree_with_r(case):
    path = next((REFERENCE / "roc").glob(f"{case}.csv*"))  # numpy reads .gz as it is
    columns = np.genfromtxt(path, delimiter=",", names=True)
    for cut, entry in stored("metrics")[case].items():
        result = diagnostic_accuracy(columns["y"], columns["m1"], threshold=float(cut.removeprefix("cut_")))
        assert [result.tp, result.fp, result.fn, result.tn] == [entry[k] for k in ("tp", "fp", "fn", "tn")]
        for measure in PROPORTIONS:
            wilson = [getattr(result, measure), *result.confidence_interval(measure, 0.95, "wilson")]
            np.testing.assert_allclose(wilson, numbers(entry[measure]["wilson"]["value"]), **CLOSED)
            exact = entry[measure]["clopper_pearson"]
            found = result.confidence_interval(measure, method="clopper-pearson")
            if "error" in exact:
                assert all(map(math.isnan, found))
            else:
                np.testing.assert_allclose(found, numbers(exact["value"]), **CLOSED)
        pair = entry["mcnemar_correctness_m1_m2"]
        cut_at = float(cut.removeprefix("cut_"))
        right = [(columns[m] >= cut_at) == (columns["y"] == 1) for m in ("m1", "m2")]
        for key, method, correction in (
            ("cc", "asymptotic", True),
            ("nocc", "asymptotic", False),
            ("exact", "exact", True),
        ):
            test = mcnemar_test(*right, method=method, correction=correction)
            # R's table() puts FALSE first, which transposes neither b nor c's roles in a two-sided p.
            np.testing.assert_allclose(test.pvalue, numbers(pair[key]["value"]["p.value"])[0], **CLOSED)


@pytest.mark.parametrize("method", ["exact", "wilson"])
@pytest.mark.parametrize("case", list(stored("diag2x2")["results"]))
def test_measures_and_ratios_agree_with_epir(case, method):
    entry = stored("diag2x2")["results"][case]
    y, positive = table(*(entry[k] for k in ("tp", "fp", "fn", "tn")))
    result = diagnostic_accuracy(y, positive, threshold=1)
    value = entry[f"epi.tests_{method}"]["value"]
    for i, name in enumerate(value["statistic"]):
        if name not in EPIR:
            continue
        measure = EPIR[name]
        np.testing.assert_allclose(getattr(result, measure), numbers(value["est"])[i], **CLOSED)
        limits = [numbers(value["lower"])[i], numbers(value["upper"])[i]]
        if measure in RATIOS:
            np.testing.assert_allclose(result.confidence_interval(measure), limits, **CLOSED)
        elif measure != "youden":  # epiR adds the limits of two proportions, which is no interval of their sum
            chosen = {"exact": "clopper-pearson"}.get(method, method)
            np.testing.assert_allclose(result.confidence_interval(measure, method=chosen), limits, **CLOSED)


def test_f1_and_mcc_against_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    for entry in stored("diag2x2")["results"].values():
        y, positive = table(*(entry[k] for k in ("tp", "fp", "fn", "tn")))
        result = diagnostic_accuracy(y, positive, threshold=1)
        assert result.f1 == pytest.approx(metrics.f1_score(y, positive), rel=1e-12)
        assert result.mcc == pytest.approx(metrics.matthews_corrcoef(y, positive), rel=1e-12)
        assert result.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(y, positive), rel=1e-12)


def test_mover_limits_lie_between_the_sum_of_limits_and_wald():
    """Newcombe's method squares and adds: checked by its formula on Wilson limits from R's prop.test."""
    y, positive = table(30, 9, 3, 28)
    result = diagnostic_accuracy(y, positive, threshold=1)
    entry = stored("diag2x2")["results"]["tp30_fp9_fn3_tn28"]["epi.tests_wilson"]["value"]
    at = {name: i for i, name in enumerate(entry["statistic"])}
    (se, se_low, se_high), (sp, sp_low, sp_high) = (
        [entry[k][at[name]] for k in ("est", "lower", "upper")] for name in ("se", "sp")
    )
    youden = se + sp - 1
    low, high = youden - math.hypot(se - se_low, sp - sp_low), youden + math.hypot(se_high - se, sp_high - sp)
    np.testing.assert_allclose(result.confidence_interval("youden"), [low, high], rtol=1e-12)
    np.testing.assert_allclose(
        result.confidence_interval("balanced_accuracy"), [(low + 1) / 2, (high + 1) / 2], rtol=1e-12
    )


def test_zero_over_zero_is_nan_and_large_counts_do_not_overflow():
    none = diagnostic_accuracy([1, 1, 0], [0.1, 0.2, 0.3], threshold=0.5)
    assert math.isnan(none.ppv)
    assert math.isnan(none.mcc)
    assert math.isnan(none.lr_positive)
    assert (none.sensitivity, none.npv) == (0, pytest.approx(1 / 3))
    events_only = diagnostic_accuracy([1, 1], [0.9, 0.1], threshold=0.5)
    assert math.isnan(events_only.specificity)
    assert events_only.sensitivity == 0.5
    from vcfstats.statistics.diagnostic.accuracy import from_table

    tp, fp, fn, tn = 3_000_000_000, 1_000_000_001, 700_000_003, 9_000_000_007
    big = from_table(tp, fp, fn, tn)
    square = Fraction((tp * tn - fp * fn) ** 2, (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert big.mcc**2 == pytest.approx(float(square), rel=1e-14)


def test_threshold_is_inclusive_to_the_last_bit():
    below = np.nextafter(0.3, 0)
    result = diagnostic_accuracy([1, 1, 0], [0.3, below, below], threshold=0.3)
    assert (result.tp, result.fn, result.tn) == (1, 1, 1)
    lower = diagnostic_accuracy([1, 1, 0], [0.3, below, 1], threshold=below, direction="lower")
    assert (lower.tp, lower.fn, lower.tn) == (1, 1, 1)


def test_frame_and_bad_measures():
    result = diagnostic_accuracy(*table(30, 9, 3, 28), threshold=1)
    frame = result.to_frame().set_index("measure")
    assert frame.loc["sensitivity", ["count", "nobs"]].tolist() == [30, 33]
    assert frame.loc["accuracy", "ci_low"] == result.confidence_interval("accuracy").low
    for measure, message in (("f1", "bootstrap_ci"), ("auc", "measure must be one of")):
        with pytest.raises(ValueError, match=message):
            result.confidence_interval(measure)
    with pytest.raises(ValueError, match="got NaN"):
        diagnostic_accuracy([1, 0], [1, 0], threshold=math.nan)


@pytest.mark.parametrize("case", list(stored("mcnemar")["results"]))
def test_mcnemar_agrees_with_r_and_exact2x2(case):
    entry = stored("mcnemar")["results"][case]
    cells = [[entry["a"], entry["b"]], [entry["c"], entry["d"]]]
    for key, correction in (("cc", True), ("nocc", False)):
        test, value = mcnemar_test(cells, method="asymptotic", correction=correction), entry[key]["value"]
        np.testing.assert_allclose(test.statistic, numbers(list(value["statistic"].values()))[0], **CLOSED)
        np.testing.assert_allclose(test.pvalue, numbers(value["p.value"])[0], **CLOSED)
        assert test.df == 1
    exact, value = mcnemar_test(cells, method="exact"), entry["exact"]["value"]
    np.testing.assert_allclose(exact.pvalue, numbers(value["p.value"])[0], rtol=1e-9)
    np.testing.assert_allclose(exact.confidence_interval(of="odds_ratio"), numbers(value["conf.int"]), **CLOSED)
    mid, value = mcnemar_test(cells, method="mid-p"), entry["exact_midp"]["value"]
    np.testing.assert_allclose(mid.pvalue, numbers(value["p.value"])[0], rtol=1e-9)
    # exact2x2 stops its search of the mid-p limits at uniroot's default tolerance, 1.2e-4 of a probability.
    limits = mid.confidence_interval(of="odds_ratio", method="mid-p")
    np.testing.assert_allclose(limits, numbers(value["conf.int"]), rtol=2e-3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.8, 0.99))
def test_mid_p_limits_satisfy_their_equation(b, c, level):
    n = b + c
    test = mcnemar_test([[5, b], [c, 5]], method="mid-p")
    low, high = test.confidence_interval(level, "mid-p", of="odds_ratio")
    alpha = (1 - level) / 2
    for limit, bound in ((low, 0.0), (high, math.inf)):
        if limit == bound or n == 0:
            continue
        p = limit / (1 + limit)
        strict = stats.binom.sf(b, n, p) if bound == 0 else stats.binom.cdf(b - 1, n, p)
        assert strict + stats.binom.pmf(b, n, p) / 2 == pytest.approx(alpha, rel=1e-7)
    swapped = mcnemar_test([[5, c], [b, 5]], method="mid-p")
    assert swapped.pvalue == test.pvalue
    assert swapped.difference == -test.difference
    np.testing.assert_allclose(
        swapped.confidence_interval(level), [-x for x in test.confidence_interval(level)[::-1]], atol=1e-9
    )


def test_mcnemar_of_vectors_is_that_of_their_table():
    first, second = [1, 1, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0]
    test = mcnemar_test(first, second)
    assert (test.b, test.c, test.n) == (3, 1, 6)
    assert test.difference == pytest.approx(2 / 6)
    for bad in ([[1, 2, 3]], [[1, -2], [3, 4]], [[0.5, 1], [2, 3]], "table"):
        with pytest.raises(ValueError, match="2 x 2 counts"):
            mcnemar_test(bad)
    with pytest.raises(ValueError, match="must be paired"):
        mcnemar_test([1, 0], [1, 0, 1])


def paired(entry):
    """Outcome and the results of tests 1 and 2 from a paired table."""
    rows = []
    for event, group in ((1, "diseased"), (0, "nondiseased")):
        cells = entry[group]
        for key, one, two in (("both", 1, 1), ("only_1", 1, 0), ("only_2", 0, 1), ("neither", 0, 0)):
            rows += [(event, one, two)] * cells[key]
    return np.array(rows).T


def test_paired_sensitivity_and_specificity_agree_with_dtcompair():
    entry = stored("paired")["Paired1"]
    y, one, two = paired(entry["table"])
    result = compare_diagnostic_tests(y, two, one, method="asymptotic", correction=False)
    for measure in ("sensitivity", "specificity"):
        ours, theirs = getattr(result, measure), entry["sesp.mcnemar"][measure]
        np.testing.assert_allclose([ours.a, ours.b], [theirs["test2"], theirs["test1"]], **PRINTED)
        np.testing.assert_allclose(ours.difference, theirs["diff"], **PRINTED)
        np.testing.assert_allclose([ours.statistic, ours.pvalue], [theirs["statistic"], theirs["p.value"]], rtol=1e-6)


def test_paired_predictive_values_agree_with_dtcompair():
    entry = stored("paired")["Paired1"]
    y, one, two = paired(entry["table"])
    result = compare_diagnostic_tests(y, two, one)
    for measure in ("ppv", "npv"):
        ours, score, relative = getattr(result, measure), entry["pv.wgs"][measure], entry["pv.rpv"][measure]
        np.testing.assert_allclose([ours.a, ours.b], [score["test2"], score["test1"]], **PRINTED)
        np.testing.assert_allclose([ours.statistic, ours.pvalue], [score["statistic"], score["p.value"]], **PRINTED)
        np.testing.assert_allclose([ours.ratio, ours.se_log_ratio], [relative["ratio"], relative["se.log"]], **PRINTED)
        np.testing.assert_allclose(
            ours.confidence_interval(of="ratio"), [relative["lower"], relative["upper"]], **PRINTED
        )


def test_paired_difference_intervals_agree_with_dtcompair():
    entry = stored("paired")["sesp.diff.ci"]
    y, one, two = paired(entry["table"])
    result = compare_diagnostic_tests(y, two, one)
    for method, tolerance in (("wald", 5e-7), ("tango", 2e-6)):
        for measure in ("sensitivity", "specificity"):
            ours = getattr(result, measure)
            found = [ours.difference, *ours.confidence_interval(0.95, method)]
            np.testing.assert_allclose(found, entry[method][measure], rtol=tolerance)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 40), st.floats(0.8, 0.99))
def test_tango_limits_solve_the_score_equation(b, c, rest, level):
    """The constrained maximum by a numerical search in place of the closed root."""
    n = b + c + rest
    if n == 0:
        return
    z = stats.norm.ppf(0.5 + level / 2)
    low, high = mcnemar_test([[rest, b], [c, 0]]).confidence_interval(level)
    assert -1 <= low <= (b - c) / n <= high <= 1
    for limit, sign in ((low, -1), (high, 1)):
        if abs(limit) > 1 - 1e-9:
            continue

        def loss(q, limit=limit):
            with np.errstate(divide="ignore"):
                terms = [(b, q + limit), (c, q), (rest, 1 - 2 * q - limit)]
                return -sum(count * np.log(p) if count else 0.0 for count, p in terms)

        lower, upper = max(0.0, -limit), (1 - limit) / 2
        q = optimize.minimize_scalar(loss, bounds=(lower, upper), method="bounded", options={"xatol": 1e-13}).x
        score = (b - c - n * limit) / math.sqrt(n * (2 * q + limit * (1 - limit)))
        assert score == pytest.approx(-sign * z, abs=2e-3)


def test_paired_edges():
    y = [1, 1, 0, 0]
    silent = compare_diagnostic_tests(y, [1, 0, 0, 1], [0, 0, 0, 0])
    assert math.isnan(silent.ppv.b)
    assert math.isnan(silent.ppv.pvalue)
    same = compare_diagnostic_tests(y, [1, 0, 0, 1], [1, 0, 0, 1])
    assert (same.ppv.statistic, same.ppv.pvalue, same.sensitivity.pvalue) == (0.0, 1.0, 1.0)
    assert list(same.to_frame()["measure"]) == ["sensitivity", "specificity", "accuracy", "ppv", "npv"]
    with pytest.raises(ValueError, match="test_b must have shape"):
        compare_diagnostic_tests(y, [1, 0, 0, 1], [1, 0])


def test_ppv_at_another_prevalence_agrees_with_dtcompair_and_bayes():
    """The manual's NPV there is not Bayes' theorem (0.414 at prevalence 0.2, where it is 0.958), so PPV alone is compared."""
    entry = stored("paired")["Paired1"]["pv.prev"]
    accuracy = diagnostic_accuracy(*table(397, 84, 54, 177), threshold=1)
    for prevalence in ("0.2", "0.5"):
        result = predictive_values(accuracy, prevalence=float(prevalence))
        np.testing.assert_allclose(
            [result.ppv, *result.confidence_interval("ppv")], entry[prevalence]["ppv"], **PRINTED
        )
        pi = Fraction(prevalence)
        se, sp = Fraction(397, 451), Fraction(177, 261)
        assert result.npv == pytest.approx(float(sp * (1 - pi) / (sp * (1 - pi) + (1 - se) * pi)), rel=1e-14)
        low, high = result.confidence_interval("npv")
        half = 1.959963984540054 * math.sqrt(float(se / (1 - se)) / 451 + float((1 - sp) / sp) / 261)
        np.testing.assert_allclose(
            stats.logistic.ppf([low, high]), stats.logistic.ppf(result.npv) + np.array([-half, half])
        )


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 60)] * 4))
def test_predictive_values_at_the_prevalence_of_the_data_are_those_of_the_data(cells):
    accuracy = diagnostic_accuracy(*table(*cells), threshold=1)
    result = predictive_values(accuracy, prevalence=accuracy.prevalence)
    assert result.ppv == pytest.approx(accuracy.ppv, rel=1e-12)
    assert result.npv == pytest.approx(accuracy.npv, rel=1e-12)
    low, high = result.confidence_interval("npv")
    assert low <= result.npv <= high


def test_prevalence_is_checked_and_empty_cells_have_no_interval():
    accuracy = diagnostic_accuracy(*table(5, 0, 1, 9), threshold=1)
    assert all(map(math.isnan, predictive_values(accuracy, prevalence=0.3).confidence_interval("ppv")))
    with pytest.raises(ValueError, match="prevalence must lie"):
        predictive_values(accuracy, prevalence=0)


@pytest.mark.parametrize(
    "cells", [(30, 9, 3, 28), (45, 30, 12, 77), (500, 300, 120, 4080), (3, 1, 5, 40), (7, 2, 1, 9)]
)
def test_score_interval_of_a_likelihood_ratio_agrees_with_statsmodels(cells):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    tp, fp, fn, tn = cells
    result = diagnostic_accuracy(*table(*cells), threshold=1)
    for measure, x1, x0 in (("lr_positive", tp, fp), ("lr_negative", fn, tn)):
        wanted = proportion.confint_proportions_2indep(
            x1, tp + fn, x0, fp + tn, method="score", compare="ratio", correction=False
        )
        # statsmodels stops its search at a tolerance of about 1e-6 of the ratio.
        np.testing.assert_allclose(result.confidence_interval(measure, 0.95, "score"), wanted, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 40)] * 4), st.floats(0.8, 0.99))
def test_score_limits_of_a_ratio_solve_their_equation(cells, level):
    tp, fp, fn, tn = cells
    result = diagnostic_accuracy(*table(tp, fp, fn, tn + 1), threshold=1)
    n1, n0 = tp + fn, fp + tn + 1
    low, high = result.confidence_interval("lr_positive", level, "score")
    if n1 == 0 or tp + fp == 0:
        assert math.isnan(low)
        return
    assert (low == 0) == (tp == 0)
    assert (high == math.inf) == (fp == 0)
    assert low <= result.lr_positive <= high
    for limit, sign in ((low, 1), (high, -1)):
        if not 0 < limit < math.inf:
            continue

        def loss(p0, limit=limit):
            with np.errstate(divide="ignore", invalid="ignore"):
                terms = [(tp, limit * p0), (fn, 1 - limit * p0), (fp, p0), (n0 - fp, 1 - p0)]
                return -sum(count * np.log(p) if count else 0.0 for count, p in terms)

        p0 = optimize.minimize_scalar(loss, bounds=(0, min(1, 1 / limit)), method="bounded", options={"xatol": 1e-13}).x
        variance = limit * p0 * (1 - limit * p0) / n1 + limit**2 * p0 * (1 - p0) / n0
        score = (tp / n1 - limit * fp / n0) / math.sqrt(variance)
        assert score == pytest.approx(sign * stats.norm.ppf(0.5 + level / 2), abs=5e-3)
