import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from vcfstats import calibration_curve, prediction_instability

PEER = {
    name: np.array(value, dtype=float)
    for name, value in json.loads(
        (Path(__file__).parents[1] / "reference" / "instability" / "instability.json").read_text()
    ).items()
}


def test_instability_of_r():
    result = prediction_instability(PEER["y"], PEER["p"], PEER["P"], threshold=0.4)
    assert_allclose(result.mape, PEER["mape"][0], rtol=1e-12)
    assert_allclose(result.patient_mape, PEER["patient_mape"], rtol=1e-12)
    assert_allclose(result.mape_max, PEER["patient_mape"].max(), rtol=1e-12)
    assert_allclose(result.low, PEER["low"], rtol=1e-12)
    assert_allclose(result.high, PEER["high"], rtol=1e-12)
    assert_allclose(result.patient_instability, PEER["patient_instability"], rtol=1e-12)
    assert_allclose(result.classification_instability, PEER["patient_instability"].mean(), rtol=1e-12)
    frame = result.performance()
    for name in ("auc", "brier", "slope", "intercept"):
        assert_allclose(frame[name], PEER[name], rtol=1e-7)


def test_curves_are_those_of_each_model():
    result = prediction_instability(PEER["y"], PEER["p"], PEER["P"])
    grid = [0.3, 0.5]
    curves = result.calibration_curves(method="logistic", grid=grid)
    assert curves["resample"].nunique() == 13
    for number, prob in ((0, PEER["p"]), (4, PEER["P"][3])):
        own = calibration_curve(PEER["y"], prob, method="logistic", grid=grid)
        assert_allclose(curves.loc[curves["resample"] == number, "observed"], own.observed)
    assert np.isnan(result.classification_instability)
    assert len(result.to_frame()) == 80


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=15)
def test_invariants(seed):
    rng = np.random.default_rng(seed)
    y, p = rng.permutation([0, 0, 0, 1, 1, 1, 0, 1]), rng.random(8)
    drawn = rng.random((5, 8))
    same = prediction_instability(y, p, np.tile(p, (3, 1)), threshold=0.5)
    assert (same.mape, same.classification_instability) == (0, 0)
    result = prediction_instability(y, p, drawn, threshold=0.5)
    turned = prediction_instability(1 - y, 1 - p, 1 - drawn)
    assert_allclose(result.mape, turned.mape)
    assert_allclose(result.low, 1 - turned.high)
    order = rng.permutation(5)
    assert_allclose(prediction_instability(y, p, drawn[order], threshold=0.5).patient_mape, result.patient_mape)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resampled_prob": np.full((3, 5), 0.5)}, r"shape \(B, 4\)"),
        ({"resampled_prob": np.full((1, 4), 0.5)}, "B >= 2"),
        ({"resampled_prob": np.full((2, 4), 1.5)}, r"resampled_prob\[0\] must lie in \[0, 1\]"),
        ({"threshold": 1.0}, "threshold must lie strictly"),
        ({"y_true": [1, 1, 1, 1]}, "one class"),
        ({"range_level": 95}, "range_level"),
    ],
)
def test_errors(change, message):
    valid = {"y_true": [0, 1, 0, 1], "y_prob": [0.2, 0.4, 0.6, 0.7], "resampled_prob": np.full((2, 4), 0.5)}
    with pytest.raises(ValueError, match=message):
        prediction_instability(**(valid | change))
