"""Groups of survival times: log-rank tests in pairs, strata and trend, restricted means, competing risks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from vcfstats import (
    adjust_pvalues,
    cox_table,
    cumulative_incidence,
    gray_test,
    kaplan_meier,
    log_rank_test,
    log_rank_trend,
    pairwise_log_rank,
    restricted_mean_survival,
)

ROOT = Path(__file__).parents[1] / "reference" / "groups"
PEER = json.loads((ROOT / "groups.json").read_text())
CASES = list(PEER)


def load(case):
    data = pd.read_csv(ROOT / f"{case}.csv")
    return data["time"], data["code"], data["group"], data["site"], PEER[case]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rho", [0, 1])
def test_log_rank_tests_of_survdiff(case, rho):
    time, code, group, site, r = load(case)
    event = code == 1
    for strata, key in ((None, "FALSE"), (site, "TRUE")):
        peer = r[f"logrank_{rho}{key}"]
        result = log_rank_test(time, event, group, rho=rho, strata=strata)
        assert_allclose(result.statistic, peer["chisq"], rtol=1e-9)
        assert_allclose(result.covariance, peer["var"], rtol=1e-9, atol=1e-12)
        trend = log_rank_trend(time, event, group, rho=rho, strata=strata)
        assert_allclose(trend.statistic, peer["trend"], rtol=1e-9)
    pairs, peer = pairwise_log_rank(time, event, group, rho=rho), r[f"pairs_{rho}"]
    assert_allclose(pairs.statistic, peer["chisq"], rtol=1e-9)
    assert_allclose(pairs.adjusted, peer["holm"], rtol=1e-8)
    assert pairs.pairs == (("high", "low"), ("high", "mid"), ("low", "mid"))


@pytest.mark.parametrize("case", CASES)
def test_restricted_mean_of_survfit(case):
    time, code, group, _, r = load(case)
    peer = r["rmean"]
    result = restricted_mean_survival(time, code == 1, tau=peer["tau"], groups=group)
    assert_allclose(result.rmst, peer["mean"], rtol=1e-9)
    assert_allclose(result.se, peer["se"], rtol=1e-9)
    two = (group != "mid").to_numpy()
    pair = restricted_mean_survival(time[two], code[two] == 1, tau=peer["tau"], groups=group[two])
    assert_allclose(pair.difference, peer["mean"][1] - peer["mean"][0], rtol=1e-8, atol=1e-12)
    assert_allclose(pair.difference_se, np.hypot(*peer["se"][:2]), rtol=1e-9)
    assert_allclose(
        pair.log_ratio_se, np.hypot(peer["se"][0] / peer["mean"][0], peer["se"][1] / peer["mean"][1]), rtol=1e-9
    )


@pytest.mark.parametrize("case", ["plain", "tied", "tiny"])
def test_cumulative_incidence_of_survfit_and_prodlim(case):
    time, code, _, _, r = load(case)
    for cause in (1, 2):
        curve = cumulative_incidence(time, code, cause=cause)
        for method in ("log-log", "log", "plain"):
            peer = r[f"aj_{method}"]
            row = curve.at(peer["times"], method=method)
            for ours, theirs in (("incidence", "value"), ("se", "se"), ("low", "low"), ("high", "high")):
                assert_allclose(row[ours], np.array(peer[theirs])[:, cause - 1], rtol=1e-9, atol=1e-12)
        assert_allclose(curve.at(peer["times"])["se"], np.array(r["prodlim_se"])[:, cause - 1], rtol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_gray_of_cmprsk(case):
    time, code, group, site, r = load(case)
    for key, options in (
        ("gray", {}),
        ("gray_rho", {"rho": 1}),
        ("gray_strata", {"strata": site}),
        ("gray_single", {}),
    ):
        for cause, peer in enumerate(r.get(key, []), start=1):
            result = gray_test(time, code, group, cause=cause, **options)
            assert_allclose([result.statistic, result.pvalue, result.df], peer, rtol=1e-8)


rows = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2), st.integers(0, 2)), min_size=8, max_size=30)


@given(rows)
@settings(deadline=None, max_examples=60)
def test_invariants(drawn):
    time, code, group = (np.array(column) for column in zip(*drawn, strict=True))
    if not ((code == 1).any() and (code == 2).any() and (code == 0).any()) or len(set(group)) < 2:
        return
    one, two, free = (
        cumulative_incidence(time, code, cause=1),
        cumulative_incidence(time, code, cause=2),
        kaplan_meier(time, code > 0),
    )
    assert_allclose(one.incidence + two.incidence + one.event_free, 1, rtol=1e-12)
    assert_allclose(one.event_free, free.survival, rtol=1e-12)
    assert (one.incidence <= 1 - kaplan_meier(time, code == 1).survival + 1e-12).all()
    alone = cumulative_incidence(time, (code > 0) * 1, cause=1)  # without competing events: Kaplan-Meier and Greenwood
    assert_allclose(alone.incidence, 1 - free.survival, atol=1e-12)
    before_end = free.survival > 0
    assert_allclose(alone.se[before_end], free.se[before_end], rtol=1e-6, atol=1e-9)
    low, high = one.bands()
    assert (low <= one.incidence + 1e-12).all()
    assert (one.incidence <= high + 1e-12).all()
    result, other = gray_test(time, code, group, cause=1), gray_test(time * 2.0, code, 5 - group, cause=1)
    assert_allclose(result.score, other.score[::-1], atol=1e-9)
    assert_allclose(result.score.sum(), 0, atol=1e-9)
    assert_allclose(result.covariance.sum(axis=0), 0, atol=1e-9)


@given(rows, st.sampled_from(["holm", "bh"]))
@settings(deadline=None, max_examples=40)
def test_pairs_and_trend(drawn, adjust):
    time, code, group = (np.array(column) for column in zip(*drawn, strict=True))
    event = code == 1
    if len(set(group)) < 2 or not event.any():
        return
    pairs = pairwise_log_rank(time, event, group, adjust=adjust)
    for (a, b), statistic in zip(pairs.pairs, pairs.statistic, strict=True):
        mine = (group == a) | (group == b)
        alone = log_rank_test(time[mine], event[mine], group[mine]).statistic
        if not np.isnan(statistic):
            assert_allclose(statistic, alone, rtol=1e-8, atol=1e-10)
    assert_allclose(pairs.adjusted, adjust_pvalues(pairs.pvalue, method=adjust))
    trend, turned = log_rank_trend(time, event, group), log_rank_trend(time, event, -group)
    assert_allclose(trend.statistic, -turned.statistic, rtol=1e-9, atol=1e-12)
    if len(set(group)) == 2 and not np.isnan(trend.statistic):
        assert_allclose(trend.statistic**2, log_rank_test(time, event, group).statistic, rtol=1e-8, atol=1e-12)
    end = min(time[group == g].max() for g in set(group))
    means = restricted_mean_survival(time, event, tau=end, groups=group)
    assert (means.rmst <= end + 1e-12).all()
    assert (means.rmst > 0).all()


def test_trend_is_the_score_test_of_a_cox_model():
    rng = np.random.default_rng(8)
    time, event, dose = rng.permutation(90) + 1.0, rng.random(90) < 0.6, rng.integers(0, 4, 90)
    model = cox_table(time, event, dose, univariable=False).multivariable
    result = log_rank_trend(time, event, dose, scores=[0, 1, 2, 3])
    assert_allclose(result.statistic**2, model.score_statistic, rtol=1e-9)
    assert np.sign(result.statistic) == np.sign(model.coef[0])


def test_restricted_mean_without_censoring_is_a_mean():
    rng = np.random.default_rng(9)
    time = rng.exponential(3, 50)
    result = restricted_mean_survival(time, np.ones(50), tau=4.0)
    assert_allclose(result.rmst, np.minimum(time, 4).mean(), rtol=1e-12)
    assert_allclose(result.se, np.minimum(time, 4).std() / np.sqrt(50), rtol=1e-9)
    low, high = result.intervals()
    assert low[0] < result.rmst[0] < high[0]
    beyond = restricted_mean_survival(time, np.ones(50), tau=1000.0)  # all had the event: a plain mean
    assert_allclose(beyond.rmst, time.mean(), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: restricted_mean_survival([1, 2, 3], [1, 0, 0], tau=4),
            "tau must not lie beyond the last follow-up, 3",
        ),
        (lambda: restricted_mean_survival([1, 2, 3], [1, 0, 0], tau=0), "tau must be a positive time"),
        (lambda: restricted_mean_survival([1, 2, 3], [1, 0, 0], tau=2).confidence_interval(), "needs two groups"),
        (lambda: cumulative_incidence([1, 2, 3], [1, 1, 2]), "no 0"),
        (lambda: cumulative_incidence([1, 2, 3], [0, 0.5, 2]), "event must hold 0"),
        (lambda: cumulative_incidence([1, 2, 3], [0, 1, 2], cause=7), "cause 7 never occurs"),
        (lambda: gray_test([1, 2, 3], [0, 2, 2], [1, 2, 2]), "cause 1 never occurs"),
        (lambda: gray_test([1, 2, 3], [0, 1, 2], [1, 1, 1]), "two groups"),
        (lambda: log_rank_trend([1, 2, 3], [0, 1, 1], [1, 2, 2], scores=[1, 1]), "not all the same"),
        (lambda: pairwise_log_rank([1, 2, 3], [0, 1, 1], [1, 2, 2], adjust="tukey"), "adjust must be one of"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
