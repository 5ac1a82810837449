"""Activation maps: who is shown, what the maps add up to, and that they depend on what the network learned."""

import numpy as np
import pandas as pd
import pytest

from vcfstats.contracts.slices import SliceStack
from vcfstats.learning.network import load_trunk
from vcfstats.learning.network.activation import cases_shown, randomised_correlations, slice_maps, unit_weights
from vcfstats.learning.network.settings import TrunkSettings


@pytest.fixture(scope="module")
def stack():
    rng = np.random.default_rng(3)
    n, size = 3, 96
    images = np.zeros((n, 3, size, size), dtype=np.uint8)
    images[:] = rng.integers(0, 60, images.shape)
    for case in range(n):
        images[case, :, 20 + 15 * case : 50 + 15 * case, 30:70] += 150
    ones = np.ones((n, 3), dtype=np.int64)
    return SliceStack(
        tuple(f"P{case}" for case in range(n)), images, ones, ones, ones, np.zeros((n, 3, 4), dtype=np.int64)
    )


def test_the_median_case_of_each_cell_is_shown():
    frame = pd.DataFrame(
        {
            "case_id": list("abcdefgh"),
            "outcome": [1, 1, 1, 1, 0, 0, 0, 0],
            "probability": [0.5, 0.9, 0.7, 0.8, 0.1, 0.2, 0.3, 0.49],
        }
    )
    shown = cases_shown(frame, 0.5)
    # Four events called positive: the lower of the two middle ones; no event below the threshold; no non-event above.
    assert [(s.outcome, s.called, s.case_id) for s in shown] == [
        ("event", "positive", "c"),
        ("nonevent", "negative", "f"),
    ]
    assert cases_shown(frame.sample(frac=1, random_state=1), 0.5) == shown
    assert [s.case_id for s in cases_shown(frame, 0.75)] == ["d", "a", "f"]


def test_signed_maps_add_up_to_the_heads_score(stack):
    trunk = load_trunk(TrunkSettings())
    rng = np.random.default_rng(0)
    coefficients, scale = rng.normal(size=trunk.width), rng.uniform(0.5, 2, trunk.width)
    scale[7], coefficients[7] = np.inf, 3.0  # a unit that did not vary in training
    weights = unit_weights([f"DL_{k}" for k in range(trunk.width)], coefficients, scale, trunk.width)
    assert weights[7] == 0
    maps = slice_maps(stack, ["P2", "P0"], trunk, weights, rectified=False)
    for place, case in ((0, 2), (1, 0)):
        pooled = trunk.maps(stack.images[case, :1])[0].mean(axis=(1, 2))
        assert maps[place].sum() == pytest.approx(pooled @ (coefficients / scale), rel=1e-9)


def test_random_weights_change_the_maps(stack):
    settings = TrunkSettings()
    trunk = load_trunk(settings)
    weights = np.random.default_rng(1).normal(size=trunk.width)
    maps = slice_maps(stack, stack.case_ids, trunk, weights, rectified=False)
    assert np.abs(randomised_correlations(stack, stack.case_ids, settings, maps, weights)).max() < 0.9
    drawn = TrunkSettings(weights="none")
    same = slice_maps(stack, stack.case_ids, load_trunk(drawn), weights, rectified=False)
    np.testing.assert_allclose(randomised_correlations(stack, stack.case_ids, drawn, same, weights), 1.0)
    flat = np.zeros_like(maps)
    assert np.isnan(randomised_correlations(stack, stack.case_ids, settings, flat, weights)).all()
