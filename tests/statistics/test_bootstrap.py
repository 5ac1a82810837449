"""The bootstrap against scipy on the same replicates, R's boot, hand calculation, and itself on other paths."""

import json
import math
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import DegenerateDataWarning

from vcfstats import bootstrap_aucs, bootstrap_ci, roc_auc
from vcfstats.statistics.bootstrap.intervals import acceleration
from vcfstats.statistics.bootstrap.plan import make_plan

REFERENCE = Path(__file__).parents[1] / "reference"
BOOT = json.loads((REFERENCE / "bootstrap" / "boot_auc.json").read_text())


def load(case):
    table = np.genfromtxt(REFERENCE / "roc" / f"{case}.csv", delimiter=",", names=True)
    return table["y"], table["m1"], np.column_stack([table[f"m{i}"] for i in range(1, 5)])


def area(y, score):
    """Top level, so that worker processes can import it."""
    return roc_auc(y, score).auc


def fragile(values):
    if values[0] > 17:
        raise ValueError("the first value is too large")
    return values.mean() if values[0] > 2 else math.nan


@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_intervals_agree_with_scipy_on_the_same_replicates(method, level):
    values = np.random.default_rng(1).exponential(size=40)
    result = bootstrap_ci(values, np.mean, n_resamples=999, random_state=2)
    given_replicates = SimpleNamespace(bootstrap_distribution=result.replicates)
    peer = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=0,
        confidence_level=level,
        method="BCa" if method == "bca" else method,
        bootstrap_result=given_replicates,
    )
    found = result.confidence_interval(level, method)
    np.testing.assert_allclose(found, peer.confidence_interval, rtol=1e-9)
    assert result.se == pytest.approx(peer.standard_error, rel=1e-12)


@pytest.mark.parametrize("case", ["sim70", "sim234"])
def test_auc_intervals_agree_with_r_boot_within_monte_carlo_error(case):
    y, score, _ = load(case)
    stored = BOOT[case]
    result = bootstrap_aucs(y, score, n_resamples=4000, random_state=7)
    assert result.estimate[0] == pytest.approx(stored["t0"], rel=1e-12)
    assert result.se[0] == pytest.approx(stored["boot_se"], rel=4 * math.sqrt(2) / math.sqrt(2 * 4000))
    spread = stored["boot_se"]
    # Error of a 2.5% quantile of 4,000 normal replicates, twice (theirs and ours); BCa also moves with its z0.
    error = math.sqrt(2) * spread * math.sqrt(0.025 * 0.975 / 4000) / stats.norm.pdf(1.959964)
    moved = 2 * spread * math.sqrt(2) * math.sqrt(math.pi / 2 / 4000)
    for ours, theirs, allowed in (
        ("normal", "norm", error),
        ("basic", "basic", error),
        ("percentile", "perc", error),
        ("bca", "bca", math.hypot(error, moved)),
    ):
        low, high = result.confidence_interval(0.95, ours)
        np.testing.assert_allclose([low[0], high[0]], stored[theirs], atol=4 * allowed, rtol=0)


@pytest.mark.parametrize("case", ["sim70", "sim234"])
def test_jackknife_influence_reproduces_r_boot_and_the_weights_of_the_strata_differ(case):
    """R adds the cubes of all strata as they stand; ours weights each stratum by its variance, as the variance is made."""
    y, score, _ = load(case)
    jackknife = bootstrap_aucs(y, score, n_resamples=2, random_state=1, method="normal")._jackknife()
    influence = [(len(v) - 1) * (v.mean() - v[:, 0]) for v in jackknife]
    plain = sum((v**3).sum() for v in influence) / (6 * sum((v**2).sum() for v in influence) ** 1.5)
    assert plain == pytest.approx(BOOT[case]["acceleration_jack"]["value"], rel=1e-9)
    cubes = sum((v**3).sum() / len(v) ** 3 for v in influence)
    squares = sum((v**2).sum() / len(v) ** 2 for v in influence)
    assert acceleration(jackknife)[0] == pytest.approx(cubes / squares**1.5 / 6, rel=1e-12)
    # Weighted so, the squares are the jackknife's variance, which for the AUC is nearly DeLong's.
    assert squares == pytest.approx(roc_auc(y, score).variance, rel=0.05)


def test_studentized_interval_by_hand_on_given_indices():
    values = np.array(
        [3.0, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]
    )  # hours between failures, Davison & Hinkley 1.1
    rows = np.random.default_rng(3).integers(0, 12, (200, 12))

    def error(x):
        return x.std(ddof=1) / math.sqrt(x.size)

    result = bootstrap_ci(values, np.mean, standard_error=error, indices=rows)
    means = values[rows].mean(axis=1)
    np.testing.assert_allclose(result.replicates, means, rtol=1e-14)
    ratio = (means - values.mean()) / (values[rows].std(axis=1, ddof=1) / math.sqrt(12))
    lower, upper = np.quantile(ratio, [0.025, 0.975])
    wanted = values.mean() - error(values) * np.array([upper, lower])
    np.testing.assert_allclose(result.confidence_interval(0.95, "studentized"), wanted, rtol=1e-12)
    assert result.n_resamples == 200


@pytest.mark.parametrize("clustered", [False, True])
def test_weighted_ranks_equal_resampling_and_sorting_bit_for_bit(clustered):
    y, _, scores = load("sim164_r1")
    patients = np.random.default_rng(0).integers(0, 60, y.size) if clustered else None
    fast = bootstrap_aucs(y, scores, n_resamples=250, clusters=patients, random_state=5)
    strata = None if clustered else y
    for column in range(scores.shape[1]):
        slow = bootstrap_ci(
            (y, scores[:, column]), area, n_resamples=250, strata=strata, clusters=patients, random_state=5
        )
        np.testing.assert_array_equal(fast.replicates[:, column], slow.replicates)
        one = fast.contrast(np.eye(4)[column])
        np.testing.assert_allclose(
            one.confidence_interval(0.9, "bca"), slow.confidence_interval(0.9, "bca"), rtol=1e-12
        )
    difference = fast.contrast([1, -1, 0, 0])
    np.testing.assert_allclose(difference.replicates, fast.replicates[:, 0] - fast.replicates[:, 1], atol=1e-15)


def test_workers_change_nothing():
    y, score, _ = load("sim70")
    one = bootstrap_ci((y, score), area, n_resamples=250, strata=y, random_state=9)
    two = bootstrap_ci((y, score), area, n_resamples=250, strata=y, random_state=9, n_workers=2)
    np.testing.assert_array_equal(one.replicates, two.replicates)
    assert one.confidence_interval(method="bca") == two.confidence_interval(method="bca")
    with pytest.raises(ValueError, match="top level of a module"):
        bootstrap_ci((y, score), lambda a, b: roc_auc(a, b).auc, n_workers=2)


def test_the_seed_decides_and_more_resamples_extend():
    values = np.arange(30.0)
    short = bootstrap_ci(values, np.mean, n_resamples=200, random_state=4)
    same = bootstrap_ci(values, np.mean, n_resamples=200, random_state=np.random.SeedSequence(4))
    longer = bootstrap_ci(values, np.mean, n_resamples=300, random_state=4)
    np.testing.assert_array_equal(short.replicates, same.replicates)
    np.testing.assert_array_equal(short.replicates, longer.replicates[:200])
    other = bootstrap_ci(values, np.mean, n_resamples=200, random_state=5)
    assert not np.array_equal(short.replicates, other.replicates)


def test_failures_are_counted_and_reported():
    values = np.arange(20.0)
    values[0] = 3.5
    with pytest.warns(RuntimeWarning, match=r"failed on \d+ of 400 resamples.*"):
        result = bootstrap_ci(values, fragile, n_resamples=400, random_state=1)
    assert result.n_failed == np.isnan(result.replicates).sum() > 0
    assert result.failure
    kept = result.replicates[np.isfinite(result.replicates)]
    np.testing.assert_allclose(result.confidence_interval(0.9), np.quantile(kept, [0.05, 0.95]))
    with pytest.raises(ValueError, match="fails on the data itself"):
        bootstrap_ci(values[::-1], fragile, n_resamples=10)
    with pytest.warns(RuntimeWarning, match="one class only"):
        rare = bootstrap_aucs([1, 0, 0, 0, 0], [5, 4, 3, 2, 1], stratified=False, n_resamples=200, random_state=1)
    assert 0 < rare.n_failed < 200


def test_a_statistic_that_fails_on_every_resample_is_an_error():
    def only_whole(values):
        if np.unique(values).size < values.size:
            raise ValueError("repeated rows")
        return values.sum()

    with pytest.raises(ValueError, match=r"failed on 50 of 50 resamples.*repeated rows"):
        bootstrap_ci(np.arange(40.0), only_whole, n_resamples=50, random_state=1)


def test_vector_statistics_go_elementwise():
    values = np.random.default_rng(2).normal(size=(50, 3))
    whole = bootstrap_ci(values, lambda x: x.mean(axis=0), n_resamples=300, random_state=6)
    for method in ("percentile", "basic", "normal", "bca"):
        low, high = whole.confidence_interval(0.9, method)
        for column in range(3):
            one = whole.contrast(np.eye(3)[column]).confidence_interval(0.9, method)
            np.testing.assert_allclose([low[column], high[column]], one, rtol=1e-12)
    assert whole.se.shape == whole.bias.shape == (3,)
    frame = whole.to_frame()
    np.testing.assert_array_equal(frame["ci_low"], whole.low)
    assert frame["n_resamples"].tolist() == [300] * 3
    assert len(whole.contrast([1, 0, 0]).to_frame()) == 1


def test_error_of_the_mean_is_the_plug_in_error():
    """The bootstrap's variance of a mean is exactly the variance of the data over n; of a cluster mean, that of clusters."""
    generator = np.random.default_rng(1)
    values = generator.normal(size=60)
    plain = bootstrap_ci(values, np.mean, n_resamples=6000, random_state=1)
    assert plain.se == pytest.approx(values.std() / math.sqrt(60), rel=4 / math.sqrt(2 * 6000))
    patients = np.repeat(np.arange(12), 5)
    sums = np.bincount(patients, values)
    clustered = bootstrap_ci(values, np.mean, clusters=patients, n_resamples=6000, random_state=1)
    assert clustered.se == pytest.approx(sums.std() / 5 / math.sqrt(12), rel=4 / math.sqrt(2 * 6000))
    strata = np.repeat([0, 1, 2], [10, 20, 30])
    shifted = values + 100 * strata
    stratified = bootstrap_ci(shifted, np.mean, strata=strata, n_resamples=6000, random_state=1)
    within = sum(np.var(shifted[strata == s]) * np.sum(strata == s) for s in range(3)) / 60**2
    assert stratified.se == pytest.approx(math.sqrt(within), rel=4 / math.sqrt(2 * 6000))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=2, max_size=40), st.integers(0, 99))
def test_plans_keep_strata_and_draw_whole_clusters(rows, seed):
    clusters = np.array([f"{a}-{b}" for a, b in rows])
    strata = np.array([b for _, b in rows])
    plan = make_plan(len(rows), strata=strata, clusters=clusters)
    units = plan.draw_units(np.random.default_rng(seed))
    drawn = plan.rows_of(units)
    weights = plan.weights_of(units)
    np.testing.assert_array_equal(np.bincount(drawn, minlength=len(rows)), weights)
    for label in np.unique(clusters):
        assert np.unique(weights[clusters == label]).size == 1
    for s in np.unique(strata):
        members = np.unique(clusters[strata == s])
        drawn_units = sum(weights[np.argmax(clusters == label)] for label in members)
        assert drawn_units == members.size


def test_an_interval_of_a_perfect_auc_is_the_point():
    result = bootstrap_aucs([1, 1, 1, 0, 0, 0], [6, 5, 4, 3, 2, 1], n_resamples=100, random_state=1)
    for method in ("percentile", "basic", "normal", "bca"):
        low, high = result.confidence_interval(0.95, method)
        assert (low[0], high[0]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap_ci([1.0, 2], np.mean, n_resamples=1), "at least 2"),
        (lambda: bootstrap_ci([1.0, 2], np.mean, method="t"), "method must be one of"),
        (lambda: bootstrap_ci(([1, 2], [1, 2, 3]), area), "common length"),
        (lambda: bootstrap_ci(3.0, np.mean), "first axis"),
        (lambda: bootstrap_ci([np.arange(4), np.arange(4)], area), "as a tuple"),
        (lambda: bootstrap_ci([1.0, 2], np.mean, strata=[1]), r"strata must have shape \(2,\)"),
        (
            lambda: bootstrap_ci([1.0, 2, 3], np.mean, strata=[0, 1, 1], clusters=["a", "a", "b"]),
            "more than one stratum",
        ),
        (
            lambda: bootstrap_ci([1.0, 2], np.mean, n_resamples=9).confidence_interval(0.9, "studentized"),
            "standard_error=",
        ),
        (lambda: bootstrap_ci([1.0, 2], np.mean, indices=[[0, 2]]), "between 0 and 1"),
        (lambda: bootstrap_ci([1.0, 2], np.mean, n_workers=0), "n_workers"),
        (
            lambda: bootstrap_ci(np.arange(9.0), lambda x: x.sum() if x.size == 9 else math.nan, method="bca"),
            "not finite",
        ),
        (lambda: bootstrap_ci([1.0, 2], np.mean, random_state=-1), "random_state"),
        (lambda: bootstrap_ci([1.0, 2], lambda x: math.inf), "not finite"),
        (lambda: bootstrap_ci([1.0, 2], np.mean, n_resamples=9).contrast([1.0]), "shape of the estimate"),
        (lambda: bootstrap_aucs([1, 0, 0], [3, 1, 2], n_resamples=9, method="bca"), "no jackknife"),
    ],
)
def test_bad_input_ends_in_one_clear_error(call, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=message):
            call()


def test_two_thousand_resamples_of_eight_models_take_under_a_second():
    generator = np.random.default_rng(1)
    y = np.repeat([1, 0], [100, 200])
    scores = generator.normal(size=(300, 8)) + y[:, None]
    start = time.perf_counter()
    bootstrap_aucs(y, scores, n_resamples=2000, random_state=1)
    assert time.perf_counter() - start < 1


def test_replicates_that_cannot_vary_say_so():
    perfect = [[6, 1], [5, 4], [4, 3], [3, 6], [2, 2], [1, 5]]
    with pytest.warns(DegenerateDataWarning, match=r"\(1\) on all 50 resamples in 1 of 2 elements"):
        drawn = bootstrap_aucs([1, 1, 1, 0, 0, 0], perfect, n_resamples=50, random_state=1)
    with pytest.warns(DegenerateDataWarning, match="says nothing of sampling error"):
        drawn.contrast([1.0, 0.0])
    with pytest.warns(DegenerateDataWarning, match=r"\(3\) on all 50"):
        constant = bootstrap_ci(np.full(9, 3.0), np.mean, n_resamples=50, random_state=1)
    assert (constant.low, constant.high) == (3.0, 3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DegenerateDataWarning)
        bootstrap_ci(np.arange(9.0), lambda v: np.array([1.0, v.mean()]), n_resamples=50, random_state=1)
