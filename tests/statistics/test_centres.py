import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import logit

from vcfstats import meta_analysis

PEER = json.loads((Path(__file__).parents[1] / "reference" / "centres" / "centres.json").read_text())
FORWARD = {"identity": np.asarray, "logit": logit, "log": np.log}


@pytest.mark.parametrize("case", list(PEER))
def test_meta_analysis_of_metafor(case):
    r = PEER[case]
    result = meta_analysis(r["y"], r["se"], scale=r["scale"])
    # metafor stops its scoring when a step is small: its tau2 is known to some 1e-8.
    assert_allclose(result.tau2, r["tau2"], rtol=1e-6, atol=1e-9)
    assert_allclose(
        [result.pooled, result.se, result.se_hartung_knapp], [r["pooled"], r["se_wald"], r["se_hk"]], rtol=1e-6
    )
    assert_allclose([result.q, result.q_pvalue], [r["q"], r["q_pvalue"]], rtol=1e-9)
    assert_allclose(result.i2, r["i2"], rtol=1e-6, atol=1e-8)
    forward = FORWARD[r["scale"]]
    assert_allclose(forward(result.confidence_interval()), r["hk"], rtol=1e-6)
    assert_allclose(forward(result.confidence_interval(method="wald")), r["wald"], rtol=1e-6)
    assert_allclose(forward(result.prediction_interval()), r["prediction"], rtol=1e-6)


def test_equal_errors_have_a_closed_form():
    y = np.array([0.2, 0.5, 0.9, 1.4, 0.1])
    result = meta_analysis(y, np.full(5, 0.1))
    assert_allclose(result.tau2, y.var(ddof=1) - 0.01, rtol=1e-9)  # REML of a balanced design
    assert_allclose(result.estimate, y.mean(), rtol=1e-12)
    assert_allclose(result.se_hartung_knapp, y.std(ddof=1) / np.sqrt(5), rtol=1e-9)


@given(st.integers(0, 10**6), st.floats(-5, 5), st.floats(0.01, 100))
@settings(deadline=None, max_examples=40)
def test_invariants(seed, shift, factor):
    rng = np.random.default_rng(seed)
    y, se = rng.normal(size=6), rng.uniform(0.1, 1, 6)
    result, other = meta_analysis(y, se), meta_analysis(shift + factor * y[::-1], factor * se[::-1])
    assert_allclose(other.estimate, shift + factor * result.estimate, rtol=1e-6, atol=1e-6 * factor)
    assert_allclose(other.tau2, factor**2 * result.tau2, rtol=1e-5, atol=1e-8 * factor**2)
    assert_allclose(other.i2, result.i2, rtol=1e-5, atol=1e-8)
    low, high = result.prediction_interval()
    inner = result.confidence_interval()
    assert low <= inner.low + 1e-9
    assert inner.high <= high + 1e-9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.7], [0.1]), "k >= 2"),
        (([0.7, 0.8], [0.1, 0.0]), "standard_errors must be positive"),
        (([0.7, 1.0], [0.1, 0.1], "logit"), "strictly between 0 and 1"),
        (([0.7, -1.0], [0.1, 0.1], "log"), "above 0"),
        (([0.7, np.nan], [0.1, 0.1]), "estimates must be finite"),
        (([0.7, 0.8], [0.1, 0.1], "probit"), "scale must be one of"),
    ],
)
def test_errors(arguments, message):
    estimates, errors, *scale = arguments
    with pytest.raises(ValueError, match=message):
        meta_analysis(estimates, errors, **({"scale": scale[0]} if scale else {}))
