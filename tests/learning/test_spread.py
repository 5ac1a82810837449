"""The spread of what is delivered against that of what later steps learned from."""

import numpy as np
import pandas as pd
import pytest

from vcfstats.contracts.predictions import SECOND_STAGE
from vcfstats.learning.resamples import Resample, Resamples
from vcfstats.learning.spread import ratio_of_spreads, spread_in_testing, spread_out_of_bag


def table(known, tested):
    rows = [(SECOND_STAGE, value) for value in known] + [("testing", value) for value in tested]
    return pd.DataFrame(rows, columns=["kind", "probability"]).assign(model="dlr")


def test_interval_is_that_of_bonett_where_it_was_worked_out_by_hand():
    """Ten values: nothing is trimmed but one at each end (10 / (2 sqrt(6)) = 2.04: two)."""
    given = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 20])
    d = given - np.mean([3, 4, 5, 6, 7, 8])
    g = 10 * np.sum(d**4) / np.sum((given - 6.5) ** 2) ** 2
    se = np.sqrt(2 * (g - 0.7) / 36)
    ratio, low, high = ratio_of_spreads(2 * given, given)
    assert ratio == pytest.approx(2)
    assert (low, high) == pytest.approx((2 * np.exp(-1.959964 * se), 2 * np.exp(1.959964 * se)), rel=1e-6)


def test_interval_covers_the_ratio_of_skewed_probabilities():
    rng = np.random.default_rng(7)
    truth = np.sqrt(1.5 * 3 / (4.5**2 * 5.5)) / np.sqrt(2 * 4 / (36 * 7))
    hits = 0
    for _ in range(1000):
        _, low, high = ratio_of_spreads(rng.beta(1.5, 3, 70), rng.beta(2, 4, 164))
        hits += low <= truth <= high
    assert 0.93 <= hits / 1000 <= 0.97


def test_order_of_samples_turns_the_ratio_round():
    rng = np.random.default_rng(1)
    a, b = rng.random(40), rng.random(60) ** 2
    ratio, low, high = ratio_of_spreads(a, b)
    assert ratio_of_spreads(b, a) == pytest.approx((1 / ratio, 1 / high, 1 / low))


def test_only_a_difference_is_told():
    rng = np.random.default_rng(2)
    known = rng.uniform(0.3, 0.5, 150)
    same = spread_in_testing(table(known, rng.uniform(0.3, 0.5, 70)))
    assert same.warning == ""
    wide = spread_in_testing(table(known, rng.uniform(0.1, 0.7, 70)))
    assert wide.ratio == pytest.approx(3, rel=0.15)
    assert "spreads wider on patients of the internal test set" in wide.warning
    assert "more extreme" in wide.warning
    narrow = spread_in_testing(table(known, rng.uniform(0.38, 0.42, 70)))
    assert "spreads narrower" in narrow.warning


@pytest.mark.parametrize("tested", [[], [0.5] * 9, [0.5] * 40])
def test_where_nothing_can_be_compared_nothing_is(tested):
    assert spread_in_testing(table(np.linspace(0.1, 0.9, 50), tested)) is None


def test_out_of_bag_looks_at_patients_left_out_alone():
    rng = np.random.default_rng(3)
    known = rng.uniform(0.3, 0.5, 60)
    samples = []
    for _ in range(20):
        drawn = np.bincount(rng.integers(0, 60, 60), minlength=60)
        p = np.where(drawn == 0, rng.uniform(0.1, 0.7, 60), 0.999)
        samples.append(Resample(tuple(drawn.tolist()), {"dlr": tuple(p)}, {}))
    cases = tuple(f"p{i}" for i in range(60))
    found = spread_out_of_bag(table(known, []), Resamples(cases, tuple(samples), {"dlr": ""}))
    assert (found.n, found.source) == (20, "out of bag")
    assert found.ratio == pytest.approx(3, rel=0.15)
    assert "left out of bootstrap samples" in found.warning
    assert spread_out_of_bag(table(known, []), None) is None
    assert spread_out_of_bag(table(known, []), Resamples(cases, tuple(samples[:9]), {"dlr": ""})) is None
