"""Partial areas, thresholds, sample sizes and clustered AUCs against pROC, brute force and limiting cases."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.stats import DegenerateDataWarning

from vcfstats import (
    auc_difference_power,
    auc_difference_sample_size,
    auc_power,
    auc_sample_size,
    clustered_auc,
    clustered_auc_covariance,
    clustered_auc_test,
    delong_covariance,
    delong_test,
    detectable_auc,
    optimal_threshold,
    partial_auc,
    partial_auc_test,
    roc_auc,
    roc_band,
    roc_curve,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "roc"
CASES = sorted(path.stem for path in REFERENCE.glob("*.csv"))
CLOSED = {"rtol": 1e-9, "atol": 1e-14, "equal_nan": True}
NUMBERS = {"NA": math.nan, "NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}

pytestmark = pytest.mark.filterwarnings("ignore::scipy.stats.DegenerateDataWarning")


def numbers(value):
    flat = value if isinstance(value, list) else [value]
    return np.array([NUMBERS[v] if isinstance(v, str) else v for v in flat], dtype=float)


def load(case):
    text = (REFERENCE / f"{case}.csv").read_text()
    names = text.partition("\n")[0].split(",")
    table = np.loadtxt(text.splitlines()[1:], delimiter=",")
    columns = {name: table[:, i] for i, name in enumerate(names)}
    return columns.pop("y"), columns, json.loads((REFERENCE / f"{case}.json").read_text())


@pytest.mark.parametrize("case", CASES)
def test_partial_auc_agrees_with_proc(case):
    y, scores, expected = load(case)
    checked = 0
    for name, entry in expected["single"].items():
        for key, stored in entry.items():
            found = re.fullmatch(r"pauc_(\w+)_c\(([\d.]+),([\d.]+)\)_corrected_(TRUE|FALSE)", key)
            if found is None:
                continue
            focus, high, low, corrected = found.groups()
            result = partial_auc(y, scores[name], bounds=(float(high), float(low)), focus=focus)
            value = result.corrected if corrected == "TRUE" else result.auc
            np.testing.assert_allclose(value, numbers(stored["value"])[0], **CLOSED)
            checked += 1
    assert checked


def test_partial_auc_over_everything_is_the_auc():
    y, scores, _ = load("sim164_r1")
    for score in scores.values():
        for focus in ("specificity", "sensitivity"):
            assert partial_auc(y, score, bounds=(0, 1), focus=focus).auc == pytest.approx(
                roc_auc(y, score).auc, rel=1e-12
            )


def test_partial_bootstrap_agrees_with_proc_within_monte_carlo_error():
    stored = json.loads((REFERENCE / "partial_bootstrap.json").read_text())
    for case in ("sim70", "sim164_r1", "sim234"):
        y, scores, _ = load(case)
        for key, focus, corrected in (
            ("ci_pauc_spec_1_0.8_STOCHASTIC", "specificity", False),
            ("ci_pauc_sens_1_0.8_corrected_STOCHASTIC", "sensitivity", True),
        ):
            low, _, high = numbers(stored[case][key]["value"])
            replicates = partial_auc(y, scores["m1"], bounds=(0.8, 1), focus=focus).bootstrap(
                corrected=corrected, n_resamples=1000, random_state=2
            )
            for tail, theirs in ((0.025, low), (0.975, high)):
                kept = replicates.replicates[np.isfinite(replicates.replicates)]
                ours, near = np.quantile(kept, tail), np.quantile(kept, [tail - 0.015, tail + 0.015])
                error = math.sqrt(tail * (1 - tail) * (1 / 2000 + 1 / 1000)) * (near[1] - near[0]) / 0.03
                assert abs(ours - theirs) < 4 * error


def test_partial_auc_below_the_diagonal_has_no_correction():
    with pytest.warns(DegenerateDataWarning, match="below the diagonal"):
        result = partial_auc([1, 1, 0, 0], [1, 2, 3, 4])
    assert result.auc == 0
    assert math.isnan(result.corrected)
    with pytest.raises(ValueError, match="not defined below the diagonal"):
        result.confidence_interval(corrected=True, n_resamples=10)


@pytest.mark.parametrize("case", CASES)
def test_optimal_thresholds_agree_with_proc_ties_included(case):
    y, scores, expected = load(case)
    checked = 0
    for name, entry in expected["single"].items():
        for key, arguments in (
            ("best_youden", {"criterion": "youden"}),
            ("best_closest_topleft", {"criterion": "closest"}),
            ("best_youden_weighted_cost2_prev0.2", {"criterion": "cost", "cost": 2, "prevalence": 0.2}),
        ):
            if "value" not in entry.get(key, {}):
                continue
            value = entry[key]["value"]
            result = optimal_threshold(y, scores[name], **arguments)
            for ours, theirs in (
                ("thresholds", "threshold"),
                ("sensitivity", "sensitivity"),
                ("specificity", "specificity"),
            ):
                np.testing.assert_allclose(getattr(result, ours), numbers(value[theirs]), **CLOSED)
            if key != "best_closest_topleft":
                shift = 1 if key == "best_youden" else 0
                np.testing.assert_allclose(result.value + shift, numbers(value["youden"])[0], **CLOSED)
            else:
                np.testing.assert_allclose(result.value, numbers(value["closest.topleft"])[0], rtol=1e-9, atol=1e-14)
            checked += 1
    assert checked


@pytest.mark.parametrize("case", ["sim70", "sim164_r1", "sim234"])
@pytest.mark.parametrize("criterion", ["sensitivity", "specificity"])
def test_fixed_sensitivity_or_specificity_is_the_best_of_all_thresholds(case, criterion):
    y, scores, _ = load(case)
    other = "specificity" if criterion == "sensitivity" else "sensitivity"
    for target in (0.5, 0.8, 0.9, 1.0):
        result = optimal_threshold(y, scores["m1"], criterion=criterion, target=target)
        curve = roc_curve(y, scores["m1"])
        held, free = getattr(curve, criterion), getattr(curve, other)
        best = max((f, h) for f, h in zip(free, held, strict=True) if h >= target)
        assert np.all(getattr(result, other) == best[0])
        assert np.all(getattr(result, criterion) == best[1])


def test_ties_of_the_criterion_survive_rounding():
    """Two thresholds equal as fractions stay tied, whatever the last bits of their sums."""
    events = np.repeat([3.0, 2.0, 1.0], [10, 5, 15])
    nonevents = np.repeat([3.0, 2.0, 1.0], [2, 2, 8])
    y = np.repeat([1, 0], [30, 12])
    result = optimal_threshold(y, np.concatenate([events, nonevents]))
    # J is 10/30 - 2/12 = 1/6 at 2.5 and 15/30 - 4/12 = 1/6 at 1.5.
    np.testing.assert_array_equal(result.thresholds, [1.5, 2.5])
    assert result.value == pytest.approx(1 / 6)
    assert result.threshold == 1.5
    lower = optimal_threshold(y, -np.concatenate([events, nonevents]), direction="lower")
    np.testing.assert_array_equal(lower.thresholds, [-2.5, -1.5])
    assert lower.threshold == -2.5


def test_threshold_interval_repeats_the_search():
    y, scores, _ = load("sim164")
    result = optimal_threshold(y, scores["m1"])
    low, high = result.confidence_interval(0.95, n_resamples=300, random_state=4)
    assert low <= result.threshold <= high
    again = result.confidence_interval(0.95, n_resamples=300, random_state=4)
    assert (low, high) == again
    sensitivity = result.confidence_interval(measure="sensitivity", n_resamples=300, random_state=4)
    assert 0 <= sensitivity.low < sensitivity.high <= 1
    with pytest.raises(ValueError, match="infinite threshold"):
        optimal_threshold([1, 1, 0, 0], [1, 2, 3, 4], criterion="cost", cost=100).confidence_interval()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"criterion": "sensitivity"}, "needs target="),
        ({"criterion": "youden", "target": 0.9}, "does not use it"),
        ({"criterion": "specificity", "target": 90}, r"\[0, 1\]"),
        ({"criterion": "cost", "cost": 0}, "positive number"),
        ({"criterion": "cost", "prevalence": 1}, "strictly between"),
        ({"criterion": "best"}, "criterion must be one of"),
    ],
)
def test_threshold_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        optimal_threshold([1, 0], [2, 1], **arguments)


@pytest.mark.parametrize("bounds", [(0.9, 0.9), (-0.1, 1), (0.8,), "high"])
def test_bounds_are_checked(bounds):
    with pytest.raises(ValueError, match="bounds must be two"):
        partial_auc([1, 0], [2, 1], bounds=bounds)


def power_entries():
    stored = json.loads((REFERENCE / "power.json").read_text())["results"]
    for key, entry in stored.items():
        if key.isdigit():
            arguments = {k: float(v) for k, v in re.findall(r"([\w.]+)=([\d.]+)", entry["call"])}
            yield key, arguments, entry["value"]


def test_sample_size_and_power_of_one_auc_agree_with_proc():
    seen = set()
    for _, a, value in power_entries():
        if "auc" in a and "ncases" in a:
            power = auc_power(
                a["auc"], n_events=a["ncases"], n_nonevents=a["ncontrols"], significance_level=a["sig.level"]
            )
            np.testing.assert_allclose(power, value["power"], rtol=1e-9)
            seen.add("power")
        elif "auc" in a:
            size = auc_sample_size(a["auc"], power=a["power"], ratio=a["kappa"], significance_level=a["sig.level"])
            np.testing.assert_allclose(
                [size.n_events, size.n_nonevents], [value["ncases"], value["ncontrols"]], rtol=1e-9
            )
            assert size.events == math.ceil(value["ncases"])
            seen.add("size")
    assert seen == {"power", "size"}


def test_detectable_auc_agrees_with_proc_and_inverts_the_power():
    """pROC stops its search at uniroot's default tolerance, about 1e-4 of the AUC; ours satisfies the equation."""
    for _, a, value in power_entries():
        if "auc" not in a:
            size = {"n_events": a["ncases"], "n_nonevents": a["ncontrols"], "significance_level": a["sig.level"]}
            found = detectable_auc(power=a["power"], **size)
            assert found == pytest.approx(value["auc"], abs=1.2e-4)
            assert auc_power(found, **size) == pytest.approx(a["power"], abs=1e-12)


def test_sample_size_and_power_of_two_aucs_agree_with_proc():
    y, scores, _ = load("real_aSAH")
    stored = json.loads((REFERENCE / "power.json").read_text())["results"]
    pair = np.column_stack([scores["s100b"], scores["ndka"]])
    a, b = (roc_auc(y, column).auc for column in pair.T)
    pilot = {"pilot_covariance": delong_covariance(y, pair), "pilot_events": 41}
    power = auc_difference_power(a, b, n_events=41, n_nonevents=72, **pilot)
    np.testing.assert_allclose(power, stored["two_roc"]["value"]["power"], rtol=1e-9)
    value = stored["two_roc_n"]["value"]
    size = auc_difference_sample_size(a, b, power=0.9, ratio=72 / 41, **pilot)
    np.testing.assert_allclose([size.n_events, size.n_nonevents], [value["ncases"], value["ncontrols"]], rtol=1e-9)
    one = auc_power(a, n_events=41, n_nonevents=72)
    np.testing.assert_allclose(one, stored["one_roc"]["value"]["power"], rtol=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.55, 0.95), st.floats(0.3, 5), st.floats(0.5, 0.95), st.floats(1, 4))
def test_sample_size_inverts_power(auc, ratio, power, design_effect):
    size = auc_sample_size(auc, power=power, ratio=ratio, design_effect=design_effect)
    found = auc_power(auc, n_events=size.n_events, n_nonevents=size.n_nonevents, design_effect=design_effect)
    assert found == pytest.approx(power, abs=1e-9)
    plain = auc_sample_size(auc, power=power, ratio=ratio)
    assert size.n_events == pytest.approx(design_effect * plain.n_events)
    two = auc_difference_sample_size(auc, auc - 0.05, correlation=0.4, power=power, ratio=ratio)
    back = auc_difference_power(auc, auc - 0.05, n_events=two.n_events, n_nonevents=two.n_nonevents, correlation=0.4)
    assert back == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: auc_sample_size(0.5), "must differ from null_auc"),
        (lambda: auc_sample_size(0.4, alternative="greater"), "must differ from null_auc"),
        (lambda: auc_sample_size(1.2), "auc must lie strictly"),
        (lambda: auc_sample_size(0.7, power=0.01), "any study"),
        (lambda: auc_power(0.7, n_events=0, n_nonevents=5), "positive number"),
        (lambda: auc_difference_sample_size(0.8, 0.7), "exactly one"),
        (lambda: auc_difference_sample_size(0.8, 0.7, correlation=1), r"\[-1, 1\)"),
        (lambda: auc_difference_sample_size(0.8, 0.7, pilot_covariance=np.eye(2)), "pilot_events"),
        (lambda: auc_difference_sample_size(0.8, 0.7, pilot_covariance=np.ones((2, 2)), pilot_events=9), "no variance"),
        (lambda: detectable_auc(n_events=2, n_nonevents=2, power=0.99999), "cannot detect"),
    ],
)
def test_sample_size_arguments_are_checked(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_simulated_power_of_the_binormal_approximation():
    """The power that the formula promises, met by 4,000 simulated studies within the approximation's 3 points."""
    size = auc_sample_size(0.7, power=0.8, ratio=2)
    shift = math.sqrt(2) * stats.norm.ppf(0.7)
    generator = np.random.default_rng(8)
    x = generator.normal(shift, 1, (4000, size.events))
    z = generator.normal(0, 1, (4000, size.nonevents))
    rank = np.array(
        [stats.mannwhitneyu(a, b, method="asymptotic", use_continuity=False).pvalue for a, b in zip(x, z, strict=True)]
    )
    assert np.mean(rank < 0.05) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("case", ["sim70", "sim164_r1", "real_aSAH", "sim70_sep"])
def test_clusters_of_one_give_delongs_variance(case):
    y, scores, expected = load(case)
    patients = np.arange(y.size)
    columns = np.column_stack(list(scores.values()))
    stored = np.array([numbers(row) for row in expected["cov"]["value"]["data"]])
    np.testing.assert_allclose(clustered_auc_covariance(y, columns, clusters=patients), stored, **CLOSED)
    first = clustered_auc(y, columns[:, 0], clusters=patients)
    np.testing.assert_allclose(first.variance, stored[0, 0], **CLOSED)
    if case != "sim70_sep":
        assert first.design_effect == pytest.approx(1)
        test = clustered_auc_test(y, columns[:, 0], columns[:, 1], clusters=patients)
        value = next(iter(expected["pairs"].values()))["delong_paired"]["value"]
        np.testing.assert_allclose(test.statistic, numbers(value["statistic"]["Z"])[0], rtol=1e-9)
        np.testing.assert_allclose(test.confidence_interval(), numbers(value["conf.int"]), **CLOSED)


def test_copies_of_a_reading_within_the_patient_add_no_information():
    y, scores, expected = load("sim70")
    copies = 4
    patients = np.repeat(np.arange(y.size), copies)
    result = clustered_auc(np.repeat(y, copies), np.repeat(scores["m1"], copies), clusters=patients)
    stored = expected["single"]["m1"]
    np.testing.assert_allclose(result.auc, numbers(stored["auc"]["value"])[0], **CLOSED)
    np.testing.assert_allclose(result.variance, numbers(stored["var_delong"]["value"])[0], rtol=1e-9)
    naive = roc_auc(np.repeat(y, copies), np.repeat(scores["m1"], copies)).variance
    assert result.design_effect == pytest.approx(result.variance / naive)
    assert result.design_effect > 3.5


def test_clustered_variance_equals_its_definition():
    generator = np.random.default_rng(3)
    patients = generator.integers(0, 25, 90)
    y = generator.integers(0, 2, 90)
    scores = generator.integers(0, 12, (90, 2)) + y[:, None] + generator.normal(size=25)[patients][:, None]
    by = {}
    for r in range(2):
        x, z = scores[y == 1, r], scores[y == 0, r]
        kernel = (x[:, None] > z) + 0.5 * (x[:, None] == z)
        theta, v10, v01 = kernel.mean(), kernel.mean(axis=1), kernel.mean(axis=0)
        labels = np.unique(patients)
        e = np.array([(v10[patients[y == 1] == i] - theta).sum() for i in labels])
        f = np.array([(v01[patients[y == 0] == i] - theta).sum() for i in labels])
        by[r] = (e, f)
    m, n, total = (y == 1).sum(), (y == 0).sum(), np.unique(patients).size
    i10, i01 = np.unique(patients[y == 1]).size, np.unique(patients[y == 0]).size

    def covariance(r, s):
        (e, f), (g, h) = by[r], by[s]
        s10, s01 = i10 / ((i10 - 1) * m) * (e @ g), i01 / ((i01 - 1) * n) * (f @ h)
        return s10 / m + s01 / n + total / (total - 1) * (e @ h + f @ g) / (m * n)

    wanted = np.array([[covariance(r, s) for s in range(2)] for r in range(2)])
    np.testing.assert_allclose(clustered_auc_covariance(y, scores, clusters=patients), wanted, rtol=1e-9)
    test = clustered_auc_test(y, scores[:, 0], scores[:, 1], clusters=patients)
    np.testing.assert_allclose(test.se**2, wanted[0, 0] + wanted[1, 1] - 2 * wanted[0, 1], rtol=1e-9)
    plain = delong_test(y, scores[:, 0], scores[:, 1])
    assert test.difference == plain.difference
    assert test.se != plain.se
    result = clustered_auc(y, scores[:, 0], clusters=[f"patient {i}" for i in patients])
    np.testing.assert_allclose(result.variance, wanted[0, 0], rtol=1e-9)
    low, high = result.confidence_interval(0.95, "logit")
    half = 1.959963984540054 * result.se / (result.auc * (1 - result.auc))
    np.testing.assert_allclose(
        stats.logistic.ppf([low, high]), stats.logistic.ppf(result.auc) + np.array([-half, half])
    )


def test_too_few_clusters_and_missing_labels():
    y, score = [1, 1, 0, 0], [4, 3, 2, 1]
    assert math.isnan(clustered_auc(y, score, clusters=[1, 1, 2, 3]).variance)
    with pytest.raises(ValueError, match="missing label"):
        clustered_auc(y, score, clusters=["a", None, "b", "c"])
    with pytest.warns(DegenerateDataWarning, match="variance of 0"):
        assert clustered_auc(y, score, clusters=[1, 2, 3, 4]).confidence_interval() == (1.0, 1.0)


def test_partial_area_equals_quadrature_of_the_interpolated_curve():
    y, scores, _ = load("sim234")
    curve = roc_curve(y, scores["m2"])
    wanted, _ = integrate.quad(
        curve.sensitivity_at,
        0.63,
        0.91,
        limit=2000,
        epsabs=1e-11,
        points=np.unique(curve.specificity[(curve.specificity > 0.63) & (curve.specificity < 0.91)]),
    )
    assert partial_auc(y, scores["m2"], bounds=(0.63, 0.91)).auc == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("case", ["sim70", "sim164_r1", "sim234", "real_aSAH"])
def test_bootstrap_tests_agree_with_proc_within_monte_carlo_error(case):
    """z = difference / sd of the replicates; the sd of 2,000 (theirs) and 2,000 (ours) normal replicates errs by 2.2%."""
    y, scores, expected = load(case)
    pair, entry = next((k, v) for k, v in expected["pairs"].items() if "bootstrap_paired_STOCHASTIC" in v)
    a, _, b = pair.partition("_vs_")
    found = partial_auc_test(y, scores[a], scores[b], bounds=(0, 1), random_state=3)
    stored = numbers(entry["bootstrap_paired_STOCHASTIC"]["value"]["statistic"]["D"])[0]
    assert found.statistic == pytest.approx(stored, rel=4 * math.sqrt(2 / (2 * 2000)))
    assert found.difference == pytest.approx(delong_test(y, scores[a], scores[b]).difference, rel=1e-9)
    part = json.loads((REFERENCE / "partial_bootstrap.json").read_text()).get(case)
    if part is not None:
        value = part["roc_test_pauc_STOCHASTIC"]["value"]
        test = partial_auc_test(y, scores["m1"], scores["m2"], bounds=(0.8, 1), random_state=3)
        np.testing.assert_allclose([test.auc_a, test.auc_b], numbers(list(value["estimate"].values())), rtol=1e-9)
        assert test.statistic == pytest.approx(numbers(value["statistic"]["D"])[0], rel=4 * math.sqrt(2 / (2 * 2000)))


@pytest.mark.parametrize("case", ["sim70", "sim234"])
def test_band_agrees_with_proc_within_monte_carlo_error(case):
    y, scores, expected = load(case)
    value = expected["single"]["m1"]["ci_se_at_sp_STOCHASTIC"]["value"]
    wanted = np.array([numbers(row) for row in value["data"]])
    grid = [float(row) for row in value["rows"]]
    band = roc_band(y, scores["m1"], specificity=grid, random_state=2)
    for column, tail in ((0, 0.025), (2, 0.975)):
        near = np.quantile(band.replicates, [tail - 0.015, tail + 0.015], axis=0)
        error = math.sqrt(2 * tail * (1 - tail) / 2000) * (near[1] - near[0]) / 0.03
        # Sensitivities are counts of events: a quantile moves in steps of one event.
        step = 1 / y.sum()
        ours = band.low if column == 0 else band.high
        assert np.all(np.abs(ours - wanted[:, column]) <= 4 * error + step)
    np.testing.assert_allclose(band.estimate, roc_curve(y, scores["m1"]).sensitivity_at(grid))
    with pytest.raises(ValueError, match="specificity must lie"):
        roc_band(y, scores["m1"], specificity=[80])
