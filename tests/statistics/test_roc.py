"""ROC curves, AUCs, DeLong's tests and the joint comparison against pROC, brute force and exact arithmetic."""

import gzip
import itertools
import json
import math
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.stats import DegenerateDataWarning

from vcfstats import (
    bootstrap_aucs,
    compare_aucs,
    delong_covariance,
    delong_test,
    delong_test_unpaired,
    roc_auc,
    roc_curve,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "roc"
CASES = sorted(path.stem for path in REFERENCE.glob("*.json") if path.stem not in ("power", "partial_bootstrap"))
CLOSED = {"rtol": 1e-9, "atol": 1e-14, "equal_nan": True}
NUMBERS = {"NA": math.nan, "NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}

pytestmark = pytest.mark.filterwarnings("ignore::scipy.stats.DegenerateDataWarning")


def numbers(value):
    """Numbers of a stored value, with R's words for what is not finite."""
    flat = value if isinstance(value, list) else [value]
    return np.array([NUMBERS[v] if isinstance(v, str) else v for v in flat], dtype=float)


def load(case):
    path = REFERENCE / f"{case}.csv"
    text = path.read_text() if path.exists() else gzip.decompress((REFERENCE / f"{case}.csv.gz").read_bytes()).decode()
    names = text.partition("\n")[0].split(",")
    table = np.loadtxt(text.splitlines()[1:], delimiter=",")
    columns = {name: table[:, i] for i, name in enumerate(names)}
    expected = json.loads((REFERENCE / f"{case}.json").read_text())
    return columns.pop("y"), columns, expected


@pytest.mark.parametrize("case", CASES)
def test_auc_variance_and_delong_interval_agree_with_proc(case):
    y, scores, expected = load(case)
    for name, entry in expected["single"].items():
        result = roc_auc(y, scores[name])
        np.testing.assert_allclose(result.auc, numbers(entry["auc"]["value"])[0], **CLOSED)
        np.testing.assert_allclose(result.variance, numbers(entry["var_delong"]["value"])[0], **CLOSED)
        assert (result.n_events, result.n_nonevents) == (int(y.sum()), int((1 - y).sum()))
        for level, key in ((0.95, "ci95_delong"), (0.90, "ci90_delong")):
            low, high = result.confidence_interval(level, method="delong")
            np.testing.assert_allclose([low, result.auc, high], numbers(entry[key]["value"]), **CLOSED)


@pytest.mark.parametrize("case", CASES)
def test_covariance_agrees_with_proc(case):
    y, scores, expected = load(case)
    matrix = np.array([numbers(row) for row in expected["cov"]["value"]["data"]])
    columns = np.column_stack([scores[name] for name in expected["cov"]["value"]["rows"]])
    np.testing.assert_allclose(delong_covariance(y, columns), matrix, **CLOSED)


@pytest.mark.parametrize("case", CASES)
def test_paired_test_agrees_with_proc(case):
    y, scores, expected = load(case)
    for pair, entry in expected["pairs"].items():
        a, _, b = pair.partition("_vs_")
        for alternative, key in (("two-sided", "delong_paired"), ("less", "delong_paired_less")):
            if key not in entry:
                continue
            value = entry[key]["value"]
            test = delong_test(y, scores[a], scores[b], alternative=alternative)
            np.testing.assert_allclose(test.statistic, numbers(value["statistic"]["Z"])[0], **CLOSED)
            np.testing.assert_allclose(test.pvalue, numbers(value["p.value"])[0], rtol=1e-9, atol=0)
            np.testing.assert_allclose(test.confidence_interval(0.95), numbers(value["conf.int"]), **CLOSED)
            np.testing.assert_allclose([test.auc_a, test.auc_b], numbers(list(value["estimate"].values())), **CLOSED)


@pytest.mark.parametrize("case", CASES)
def test_unpaired_test_agrees_with_proc(case):
    y, scores, expected = load(case)
    unpaired = dict(expected["unpaired"])
    k, names = unpaired.pop("k"), list(scores)
    unpaired.pop("split")
    for name, entry in unpaired.items():
        a, b = (name, name) if name in scores else names[:2]
        stored = entry.get("delong_unpaired", entry)
        if "error" in stored:
            with pytest.raises(ValueError, match="one class only"):
                delong_test_unpaired(y[:k], scores[a][:k], y[k:], scores[b][k:])
            continue
        test = delong_test_unpaired(y[:k], scores[a][:k], y[k:], scores[b][k:])
        value = stored["value"]
        np.testing.assert_allclose(test.statistic, numbers(value["statistic"]["D"])[0], **CLOSED)
        np.testing.assert_allclose(test.df, numbers(value["parameter"]["df"])[0], **CLOSED)
        np.testing.assert_allclose(test.pvalue, numbers(value["p.value"])[0], **CLOSED)


@pytest.mark.parametrize("case", CASES)
def test_curve_agrees_with_proc(case):
    y, scores, expected = load(case)
    seen = 0
    for name, entry in expected["single"].items():
        curve = roc_curve(y, scores[name])
        if "curve" in entry:
            value = entry["curve"]["value"]
            np.testing.assert_allclose(curve.thresholds, numbers(value["threshold"]), rtol=1e-15)
            np.testing.assert_allclose(curve.sensitivity, numbers(value["sensitivity"]), rtol=1e-14)
            np.testing.assert_allclose(curve.specificity, numbers(value["specificity"]), rtol=1e-14)
            seen += 1
        for at, other in (("at_sens", "sensitivity"), ("at_spec", "specificity")):
            if "value" not in entry.get(at, {}):
                continue
            value = entry[at]["value"]
            interpolate = curve.specificity_at if other == "sensitivity" else curve.sensitivity_at
            found = interpolate(numbers(value[other]))
            wanted = value["specificity" if other == "sensitivity" else "sensitivity"]
            np.testing.assert_allclose(found, numbers(wanted), **CLOSED)
            seen += 1
    assert seen


@pytest.mark.parametrize("case", [c for c in CASES if c not in ("sim20000", "sim70_sep", "sim70_const")])
def test_joint_test_is_the_quadratic_form_of_procs_covariance(case):
    y, scores, expected = load(case)
    names = expected["cov"]["value"]["rows"]
    covariance = np.array([numbers(row) for row in expected["cov"]["value"]["data"]])
    aucs = np.array([numbers(expected["single"][name]["auc"]["value"])[0] for name in names])
    contrast = np.eye(len(names) - 1, len(names)) - np.eye(len(names) - 1, len(names), 1)
    effect = contrast @ aucs
    wanted = effect @ np.linalg.solve(contrast @ covariance @ contrast.T, effect)
    result = compare_aucs(y, np.column_stack([scores[name] for name in names]), names=names)
    assert result.df == len(names) - 1
    # The condition number of the contrasts' covariance, up to 1e3 here, stands between the two routes.
    np.testing.assert_allclose(result.statistic, wanted, rtol=1e-9)
    np.testing.assert_allclose(result.pvalue, stats.chi2.sf(wanted, result.df), rtol=1e-8)


@pytest.mark.parametrize("case", [c for c in CASES if c not in ("sim70_sep", "sim70_const")])
@pytest.mark.parametrize("adjust", ["holm", "hochberg", "bh", "bonferroni", "hommel", "by"])
def test_pairs_and_their_adjustment_agree_with_proc_and_p_adjust(case, adjust):
    y, scores, expected = load(case)
    names = list(scores)
    result = compare_aucs(y, np.column_stack(list(scores.values())), adjust=adjust, names=names)
    stored = expected["p_adjust"]
    key = {"bh": "BH", "by": "BY"}.get(adjust, adjust)
    frame = result.to_frame()
    pairs = [f"{a}_vs_{b}" for a, b in zip(frame["model_a"], frame["model_b"], strict=True)]
    assert pairs == list(stored["raw"])
    np.testing.assert_allclose(frame["pvalue"], numbers(list(stored["raw"].values())), rtol=1e-9)
    if key in stored:
        np.testing.assert_allclose(frame["pvalue_adjusted"], numbers(list(stored[key]["value"].values())), rtol=1e-9)
    for pair, low, high in zip(pairs, frame["ci_low"], frame["ci_high"], strict=True):
        value = expected["pairs"][pair]["delong_paired"]["value"]
        np.testing.assert_allclose([low, high], numbers(value["conf.int"]), **CLOSED)


def brute_kernel(y, score):
    x, z = score[y == 1], score[y == 0]
    return (x[:, None] > z) + 0.5 * (x[:, None] == z)


def test_joint_test_of_two_models_is_the_square_of_delongs_z():
    y, scores, _ = load("sim164")
    test = delong_test(y, scores["m1"], scores["m5"])
    result = compare_aucs(y, np.column_stack([scores["m1"], scores["m5"]]))
    assert result.df == 1
    np.testing.assert_allclose(result.statistic, test.statistic**2, rtol=1e-12)
    np.testing.assert_allclose(result.pvalue, test.pvalue, rtol=1e-11)


def test_joint_test_does_not_depend_on_the_basis_of_the_contrasts():
    y, scores, _ = load("sim164_r1")
    columns = np.column_stack([scores[f"m{i}"] for i in range(1, 5)])
    against_first = np.column_stack([np.ones(3), -np.eye(3)]) * np.array([[1.0], [50.0], [1e-3]])
    plain, scaled = compare_aucs(y, columns), compare_aucs(y, columns, contrasts=against_first)
    assert scaled.df == plain.df == 3
    np.testing.assert_allclose(scaled.statistic, plain.statistic, rtol=1e-10)


def test_singular_joint_tests_lose_degrees_of_freedom():
    y, scores, _ = load("sim164")
    m1, m2 = scores["m1"], scores["m2"]
    twice = compare_aucs(y, np.column_stack([m1, m1**3, m2]))
    pair = delong_test(y, m1, m2)
    assert twice.df == 1
    np.testing.assert_allclose(twice.statistic, pair.statistic**2, rtol=1e-10)
    same = compare_aucs(y, np.column_stack([m1, 2 * m1 + 1, m1**3]))
    assert (same.statistic, same.df, same.pvalue) == (0.0, 0, 1.0)
    np.testing.assert_array_equal(same.pair_statistic, 0)
    np.testing.assert_array_equal(same.pair_pvalue_adjusted, 1)


def test_an_inconsistent_contrast_is_an_error_that_names_the_models():
    y, scores, _ = load("sim70_sep")
    columns = np.column_stack([scores["m1"], scores["m2"], scores["m3"]])
    with pytest.raises(ValueError, match=r"perfect 1, reversed 0, .*estimated variance is 0"):
        compare_aucs(y, columns, names=["perfect", "reversed", "other"])


def test_more_models_than_the_patients_can_tell_apart_are_refused():
    """Placements vary in at most m + n - 2 dimensions, so that among more contrasts one has variance 0 and is not 0."""
    generator = np.random.default_rng(5)
    with pytest.raises(ValueError, match="estimated variance is 0"):
        compare_aucs([1, 1, 1, 0, 0, 0], generator.normal(size=(6, 12)))


@pytest.mark.parametrize("case", ["sim70", "sim164_r1", "sim70_const", "sim100_3pos", "real_aSAH"])
def test_unbiased_covariance_equals_its_definition(case):
    y, scores, _ = load(case)
    kernels = [brute_kernel(y, score) for score in scores.values()]
    (m, n), k = kernels[0].shape, len(kernels)
    wanted = np.empty((k, k))
    for r, s in itertools.product(range(k), repeat=2):
        a, b = kernels[r], kernels[s]
        crossed = a.sum() * b.sum() - a.sum(1) @ b.sum(1) - a.sum(0) @ b.sum(0) + (a * b).sum()
        wanted[r, s] = a.mean() * b.mean() - crossed / (m * (m - 1) * n * (n - 1))
    found = delong_covariance(y, np.column_stack(list(scores.values())), unbiased=True)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-14)


def test_unbiased_variance_is_unbiased_and_delongs_is_not():
    """All samples of 2 events and 3 non-events from two three-point populations, in exact arithmetic."""
    events, nonevents = [(1, 2), (2, 1), (3, 3)], [(1, 1), (2, 2), (2, 3)]
    aucs, unbiased, delong = [], [], []
    for x in itertools.product(events, repeat=2):
        for z in itertools.product(nonevents, repeat=3):
            scores = np.array([*x, *z], dtype=float)
            y = [1, 1, 0, 0, 0]
            aucs.append([roc_auc(y, scores[:, i]).auc for i in (0, 1)])
            unbiased.append(delong_covariance(y, scores, unbiased=True))
            delong.append(delong_covariance(y, scores))
    truth = np.cov(np.array(aucs).T, ddof=0)
    np.testing.assert_allclose(np.mean(unbiased, axis=0), truth, rtol=1e-12)
    bias = np.mean(delong, axis=0) - truth
    assert np.all(np.linalg.eigvalsh(bias) > 0)


def test_unbiased_test_and_its_negative_variance():
    y, scores, _ = load("sim234")
    covariance = delong_covariance(y, np.column_stack([scores["m1"], scores["m2"]]), unbiased=True)
    test = delong_test(y, scores["m1"], scores["m2"], unbiased=True)
    wanted = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    np.testing.assert_allclose(test.se, wanted, rtol=1e-12)
    np.testing.assert_allclose(roc_auc(y, scores["m1"], unbiased=True).variance, covariance[0, 0], rtol=1e-12)
    with pytest.warns(DegenerateDataWarning, match="negative"):
        assert math.isnan(delong_test([1, 1, 0, 0], [0, 2, 1, 3], [1, 3, 0, 2], unbiased=True).statistic)


@pytest.mark.parametrize("case", ["sim70", "sim234", "sim1000_lowprev", "real_pima_te", "sim164_r1"])
def test_logit_delong_follows_from_procs_variance(case):
    y, scores, expected = load(case)
    for name, entry in expected["single"].items():
        auc, variance = numbers(entry["auc"]["value"])[0], numbers(entry["var_delong"]["value"])[0]
        half = stats.norm.ppf(0.975) * math.sqrt(variance) / (auc * (1 - auc))
        odds = auc / (1 - auc)
        wanted = [odds * math.exp(s * half) / (1 + odds * math.exp(s * half)) for s in (-1, 1)]
        np.testing.assert_allclose(
            roc_auc(y, scores[name]).confidence_interval(0.95, "logit-delong"), wanted, rtol=1e-11
        )


def test_hanley_mcneil_reproduces_the_published_standard_error():
    """Hanley & McNeil 1982: AUC 0.893 from 51 abnormal and 58 normal CT images, SE 0.032."""
    y = np.repeat([1, 0], [51, 58])
    # 40 events outrank 52 and 11 outrank 51 of the 58 non-events: AUC 2641 / 2958.
    result = roc_auc(y, np.concatenate([np.repeat([51.5, 50.5], [40, 11]), np.arange(58.0)]))
    assert result.auc == pytest.approx(0.893, abs=5e-4)
    low, high = result.confidence_interval(0.95, method="hanley-mcneil")
    assert (high - low) / 2 / 1.959964 == pytest.approx(0.032, abs=6e-4)


def test_hanley_mcneil_is_the_exact_variance_under_exponential_scores():
    """For exponential scores Q1 and Q2 are exact probabilities: check them by quadrature."""
    rate = 0.25  # events have mean 4, non-events mean 1
    auc = 1 / (1 + rate)
    grid = np.linspace(0, 200, 2_000_001)
    non, eve = np.exp(-grid), rate * np.exp(-rate * grid)
    q1 = np.trapezoid(np.exp(-rate * grid) ** 2 * non, grid)  # two events above one non-event
    q2 = np.trapezoid((1 - np.exp(-grid)) ** 2 * eve, grid)  # one event above two non-events
    m, n = 12, 30
    wanted = (auc * (1 - auc) + (m - 1) * (q1 - auc**2) + (n - 1) * (q2 - auc**2)) / (m * n)
    from vcfstats.statistics.roc.auc import hanley_mcneil_variance

    assert hanley_mcneil_variance(auc, m, n) == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("case", ["sim70", "sim164", "sim164_r1", "sim234", "real_aSAH", "sim1000_lowprev"])
def test_bootstrap_interval_agrees_with_proc_within_monte_carlo_error(case):
    y, scores, expected = load(case)
    checked = 0
    for name, entry in expected["single"].items():
        for key, stratified in (("ci_bootstrap_STOCHASTIC", True), ("ci_bootstrap_unstratified_STOCHASTIC", False)):
            if "value" not in entry.get(key, {}):
                continue
            low, _, high = numbers(entry[key]["value"])
            result = bootstrap_aucs(y, scores[name], n_resamples=4000, stratified=stratified, random_state=11)
            found = result.confidence_interval(0.95, "percentile")
            for tail, ours, theirs in ((0.025, found.low[0], low), (0.975, found.high[0], high)):
                # Error of a quantile of 2,000 (theirs) and 4,000 (ours), its density from the replicates themselves.
                near = np.quantile(result.replicates, [tail - 0.015, tail + 0.015])
                density = 0.03 / max(near[1] - near[0], 1e-12)
                error = math.sqrt(tail * (1 - tail) * (1 / 2000 + 1 / 4000)) / density
                assert abs(ours - theirs) < 4 * error
            checked += 1
    assert checked


def test_degenerate_aucs_give_a_point_with_a_warning_or_nan_with_the_reason():
    y = np.repeat([1, 0], [5, 7])
    for score, auc in ((y, 1.0), (-y, 0.0)):
        result = roc_auc(y, score)
        assert (result.auc, result.variance) == (auc, 0.0)
        for method in ("delong", "hanley-mcneil"):
            with pytest.warns(DegenerateDataWarning, match="estimated variance of 0"):
                assert result.confidence_interval(method=method) == (auc, auc)
        with pytest.warns(DegenerateDataWarning, match="infinite"):
            assert all(map(math.isnan, result.confidence_interval(method="logit-delong")))
    constant = roc_auc(y, np.zeros(12))
    with pytest.warns(DegenerateDataWarning):
        assert constant.confidence_interval() == (0.5, 0.5)
    with pytest.warns(DegenerateDataWarning):
        assert constant.confidence_interval(method="logit-delong") == pytest.approx((0.5, 0.5))
    single = roc_auc([1, 0, 0], [3, 1, 4])
    assert math.isnan(single.variance)
    for method in ("delong", "logit-delong"):
        with pytest.warns(DegenerateDataWarning, match=r"1 event.*cannot be estimated"):
            assert all(map(math.isnan, single.confidence_interval(method=method)))
    assert single.confidence_interval(method="newcombe").low > 0
    with pytest.warns(DegenerateDataWarning, match="cannot be estimated"):
        assert math.isnan(delong_test([1, 0, 0], [3, 1, 4], [1, 2, 3]).pvalue)
    with pytest.warns(DegenerateDataWarning, match="comparison is NaN"):
        assert math.isnan(compare_aucs([1, 0, 0], [[3, 1], [1, 2], [4, 0]]).pvalue)


def test_zero_over_zero_and_something_over_zero_in_the_tests():
    y = np.repeat([1, 0], [4, 6])
    good, bad = y.astype(float), -y.astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        none = delong_test(y, good, 3 * good)
    assert (none.statistic, none.pvalue, none.difference) == (0.0, 1.0, 0.0)
    assert delong_test(y, good, good, alternative="less").pvalue == 0.5
    with pytest.warns(DegenerateDataWarning, match="say nothing"):
        far = delong_test(y, good, bad)
    assert (far.statistic, far.pvalue, far.confidence_interval()) == (math.inf, 0.0, (1.0, 1.0))
    with pytest.warns(DegenerateDataWarning, match="no degrees of freedom"):
        unpaired = delong_test_unpaired(y, good, y, bad)
    assert unpaired.statistic == math.inf
    assert math.isnan(unpaired.pvalue)


def test_ten_thousand_fold_data_neither_overflows_nor_drifts():
    """n = 400,000 in a pattern whose AUC is a known fraction; the pair count 4e10 exceeds 32 bits."""
    block = np.array([0, 1, 0, 1, 1, 0, 1, 1], dtype=bool)
    y = np.tile(block, 50_000)
    score = np.arange(y.size, dtype=float)
    nonevents_below = np.cumsum(~y)[y]
    exact = Fraction(int(nonevents_below.sum()), int(y.sum()) * int((~y).sum()))
    result = roc_auc(y, score)
    assert result.auc == float(exact)
    placement = nonevents_below / (~y).sum()
    other = 1 - np.cumsum(y)[~y] / y.sum()
    wanted = placement.var(ddof=1) / y.sum() + other.var(ddof=1) / (~y).sum()
    assert result.variance == pytest.approx(wanted, rel=1e-9)


def test_scores_that_differ_in_the_last_bit_are_not_tied():
    low = 0.3
    high = np.nextafter(low, 1)
    assert roc_auc([1, 0], [high, low]).auc == 1.0
    curve = roc_curve([1, 0], [high, low])
    assert curve.thresholds[1] == high
    for threshold, sensitivity, specificity in zip(curve.thresholds, curve.sensitivity, curve.specificity, strict=True):
        assert sensitivity == (high >= threshold)
        assert specificity == (low < threshold)
    infinite = roc_curve([1, 1, 0, 0], [np.inf, 1e308, 1.7e308, -np.inf])
    assert infinite.auc == 0.75
    assert np.all(np.diff(infinite.thresholds[:-1]) > 0)


def test_direction_is_explicit():
    y, scores, _ = load("sim70")
    down = roc_auc(y, scores["m1"], direction="lower")
    up = roc_auc(y, -scores["m1"])
    assert down.auc == up.auc
    assert roc_auc(y, -scores["m1"]).auc < 0.5
    lower = roc_curve(y, scores["m1"], direction="lower")
    for threshold, sensitivity in zip(lower.thresholds, lower.sensitivity, strict=True):
        assert sensitivity == np.mean(scores["m1"][y == 1] <= threshold)


def test_an_outcome_in_words_needs_its_event_named():
    labels = ["case", "control", "case", "control"]
    assert roc_auc(labels, [3, 1, 4, 2], event="case").auc == 1.0
    with pytest.raises(ValueError, match="Pass event="):
        roc_auc(labels, [3, 1, 4, 2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: roc_auc([1, 1], [1, 2]), "one class only"),
        (lambda: roc_auc([1, 0], [1, np.nan]), "NaN"),
        (lambda: roc_auc([1, 0], [1, 2, 3]), r"shape \(2,\)"),
        (lambda: roc_auc([1, 0], [1, 2], direction="auto"), "direction must be one of"),
        (lambda: roc_auc([1, 0], [1, 2]).confidence_interval(method="wald"), "method must be one of"),
        (lambda: roc_auc([1, 0], [1, 2]).confidence_interval(95), "strictly between 0 and 1"),
        (lambda: compare_aucs([1, 0], [1, 2]), "at least two columns"),
        (lambda: compare_aucs([1, 0, 1, 0], np.eye(4)[:, :2], contrasts=[[1, 1]]), "sum to 0"),
        (lambda: compare_aucs([1, 0, 1, 0], np.eye(4)[:, :2], names=["a", "a"]), "different names"),
        (lambda: roc_curve([1, 0], [1, 2]).sensitivity_at(1.2), r"\[0, 1\]"),
    ],
)
def test_bad_input_ends_in_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


outcomes_and_scores = st.integers(4, 40).flatmap(
    lambda n: st.tuples(
        hnp.arrays(bool, n).filter(lambda y: 2 <= y.sum() <= y.size - 2),
        hnp.arrays(np.float64, (n, 3), elements=st.integers(-4, 4).map(float)),
    )
)


@settings(max_examples=60, deadline=None)
@given(outcomes_and_scores)
def test_ranks_equal_brute_force_on_any_ties(data):
    y, scores = data
    kernels = [brute_kernel(y.astype(int), column) for column in scores.T]
    events = np.array([kernel.mean(axis=1) for kernel in kernels])
    nonevents = np.array([kernel.mean(axis=0) for kernel in kernels])
    wanted = np.cov(events) / y.sum() + np.cov(nonevents) / (~y).sum()
    np.testing.assert_allclose(delong_covariance(y, scores), wanted, rtol=1e-9, atol=1e-14)
    for column, kernel in zip(scores.T, kernels, strict=True):
        assert roc_auc(y, column).auc == pytest.approx(kernel.mean(), rel=1e-14, abs=1e-15)


@settings(max_examples=60, deadline=None)
@given(outcomes_and_scores, st.randoms(use_true_random=False))
def test_invariants_of_the_auc(data, random):
    y, scores = data
    score = scores[:, 0]
    result = roc_auc(y, score)
    assert 0 <= result.auc <= 1
    assert result.variance >= 0
    moved = roc_auc(y, np.exp(score / 3) + 7)
    assert (moved.auc, moved.variance) == (result.auc, result.variance)
    mirrored = roc_auc(~y, score)
    assert mirrored.auc == pytest.approx(1 - result.auc, abs=1e-15)
    assert mirrored.variance == pytest.approx(result.variance, rel=1e-9, abs=1e-15)
    order = list(range(y.size))
    random.shuffle(order)
    shuffled = roc_auc(y[order], score[order])
    assert shuffled.auc == result.auc
    assert shuffled.variance == pytest.approx(result.variance, rel=1e-12, abs=1e-16)
    covariance = delong_covariance(y, scores)
    assert np.linalg.eigvalsh(covariance).min() > -1e-12
    curve = roc_curve(y, score)
    assert curve.auc == result.auc
    area = float(np.sum(np.diff(curve.specificity) * (curve.sensitivity[1:] + curve.sensitivity[:-1]) / 2))
    assert area == pytest.approx(result.auc, abs=1e-12)
    assert np.all(np.diff(curve.thresholds) > 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.floats(0, 1), st.floats(0.8, 0.99))
def test_newcombe_limits_solve_their_equation(m, n, share, level):
    from vcfstats.statistics.roc.auc import newcombe_interval

    auc = round(share * 2 * m * n) / (2 * m * n)
    z = stats.norm.ppf(0.5 + level / 2)
    low, high = newcombe_interval(auc, m, n, z)
    assert 0 <= low <= auc <= high <= 1
    assert low < high
    size = (m + n) / 2
    for theta in (low, high):
        if theta not in (0.0, 1.0):
            q1, q2 = theta / (2 - theta), 2 * theta**2 / (1 + theta)
            variance = (theta * (1 - theta) + (size - 1) * (q1 + q2 - 2 * theta**2)) / (m * n)
            assert (auc - theta) ** 2 == pytest.approx(z**2 * variance, rel=1e-6, abs=1e-12)
    mirrored = newcombe_interval(1 - auc, m, n, z)
    np.testing.assert_allclose(mirrored, [1 - high, 1 - low], atol=1e-9)
    result = roc_auc(np.repeat([1, 0], [m, n]), np.repeat([1, 0], [m, n]))
    assert result.confidence_interval(level, "newcombe").high == 1.0
