"""NRI and IDI against Hmisc and nricens, and their own laws."""

import json
import math
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcfstats import integrated_discrimination, net_reclassification

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = sorted(path.stem for path in (REFERENCE / "reclass").glob("*.json"))
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
NRI = {
    "nri": "nri",
    "se": "se.nri",
    "statistic": "z.nri",
    "pvalue": "nri_p",
    "nri_events": "nri.ev",
    "se_events": "se.nri.ev",
    "nri_nonevents": "nri.ne",
    "se_nonevents": "se.nri.ne",
    "up_events": "pup.ev",
    "down_events": "pdown.ev",
    "up_nonevents": "pup.ne",
    "down_nonevents": "pdown.ne",
}
IDI = {
    "idi": "idi",
    "se": "se.idi",
    "statistic": "z.idi",
    "pvalue": "idi_p",
    "idi_events": "improveSens",
    "idi_nonevents": "improveSpec",
}


def number(value):
    return {"NA": math.nan, "NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}.get(value, value)


def agree(result, peer, names):
    for ours, theirs in names.items():
        assert getattr(result, ours) == pytest.approx(number(peer[theirs]), rel=1e-9, abs=1e-13), theirs


def pairs(case):
    data = pd.read_csv(REFERENCE / "calibration" / "data" / f"{case}.csv")
    for pair, entry in json.loads((REFERENCE / "reclass" / f"{case}.json").read_text())["results"].items():
        old, new = pair.split("_to_")
        yield data["y"], data[old], data[new], entry


@pytest.mark.parametrize("case", CASES)
def test_continuous_as_improveprob(case):
    for y, old, new, entry in pairs(case):
        peer = entry["improveProb_continuous"]["value"]
        nri, idi = net_reclassification(y, old, new), integrated_discrimination(y, old, new)
        agree(nri, peer, NRI)
        agree(idi, peer, IDI)
        np.testing.assert_allclose(nri.confidence_interval(), peer["nri_ci95"], rtol=1e-9)
        np.testing.assert_allclose(idi.confidence_interval(), peer["idi_ci95"], rtol=1e-9)
        slopes = entry["discrimination_slope"]
        assert idi.slope_old == pytest.approx(slopes["model1"], rel=1e-9)
        assert idi.slope_new == pytest.approx(slopes["model2"], rel=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_categorical_as_improveprob(case):
    for y, old, new, entry in pairs(case):
        for key, peer in entry.items():
            if not key.startswith(("categorical", "tables")):
                continue
            cutoffs = [float(cut) for cut in re.search(r"c\(([^)]*)\)", key).group(1).split(",")][1:-1]
            result = net_reclassification(y, old, new, cutoffs=cutoffs)
            if key.startswith("tables"):
                assert result.table_events.to_numpy().tolist() == peer["value"]["present"]["data"]
                assert result.table_nonevents.to_numpy().tolist() == peer["value"]["absent"]["data"]
            else:
                agree(result, peer["value"], NRI)


@pytest.mark.parametrize("case", CASES)
def test_point_values_as_nricens(case):
    for y, old, new, entry in pairs(case):
        for key, options in (
            ("nribin_cat", {"cutoffs": [0.2, 0.5]}),
            ("nribin_diff0", {}),
            ("nribin_diff0.05", {"min_change": 0.05}),
        ):
            r = net_reclassification(y, old, new, **options)
            ours = [r.nri, r.nri_events, r.nri_nonevents, r.up_events, r.down_events, r.down_nonevents, r.up_nonevents]
            np.testing.assert_allclose(ours, entry[key]["value"]["Estimate"], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("case", ["sim70", "real_birthwt_risk"])
def test_standard_errors_as_the_bootstrap_of_nricens(case):
    """1,000 resamples give a standard error to 2.2%: 4 of these are 9%."""
    for y, old, new, entry in pairs(case):
        peer = entry["nribin_cat_boot_STOCHASTIC"]["value"]["Std.Error"]
        result = net_reclassification(y, old, new, cutoffs=[0.2, 0.5])
        np.testing.assert_allclose([result.se, result.se_events, result.se_nonevents], peer[:3], rtol=0.09)


def test_caution_is_given():
    with pytest.warns(UserWarning, match="not a proper score"):
        result = net_reclassification([0, 1, 0, 1], [0.2, 0.4, 0.5, 0.7], [0.1, 0.6, 0.5, 0.9])
    assert "events and non-events apart" in result.caution.replace("\n", " ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        integrated_discrimination([0, 1, 0, 1], [0.2, 0.4, 0.5, 0.7], [0.1, 0.6, 0.5, 0.9])


def test_degenerate():
    y, p = [0, 1, 0, 1], [0.2, 0.4, 0.5, 0.7]
    for same in (
        net_reclassification(y, p, p),
        net_reclassification(y, p, p, cutoffs=0.3),
        integrated_discrimination(y, p, p),
    ):
        assert (same.statistic, same.pvalue, same.se) == (0, 1, 0)
        assert same.confidence_interval() == (0, 0)
    perfect = net_reclassification(y, [0.5] * 4, [0.1, 0.9, 0.1, 0.9])
    assert (perfect.nri, perfect.se, perfect.statistic, perfect.pvalue) == (2, 0, math.inf, 0)
    single = integrated_discrimination([0, 0, 1], [0.1, 0.2, 0.3], [0.1, 0.1, 0.5])
    assert math.isnan(single.se) and math.isnan(single.pvalue)  # noqa: PT018
    assert single.idi == pytest.approx(0.25)


def test_bootstrap_is_seeded_and_near_wald():
    rng = np.random.default_rng(1)
    old = rng.random(300)
    y = rng.random(300) < old
    new = np.clip(old + rng.normal(0, 0.1, 300) + 0.05 * y, 0, 1)
    for function in (net_reclassification, integrated_discrimination):
        result = function(y, old, new, random_state=3)
        for component in ("overall", "events", "nonevents"):
            wald = result.confidence_interval(component=component)
            boot = result.confidence_interval(component=component, method="bootstrap")
            np.testing.assert_allclose(boot, wald, atol=0.25 * (wald.high - wald.low))
        again = function(y, old, new, random_state=3).confidence_interval(method="bootstrap")
        assert result.confidence_interval(method="bootstrap") == again
        assert result.to_frame()["component"].tolist() == ["overall", "events", "nonevents"]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(6, 50))
def test_invariants(seed, n):
    """Swapping the models turns the signs; swapping the classes swaps the components; limits of the ranges."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:4] = [0, 1, 0, 1]
    old, new = np.round(rng.random(n), 1), rng.random(n)
    for function in (net_reclassification, integrated_discrimination):
        forth, back = function(y, old, new), function(y, new, old)
        turned = function(1 - y, 1 - old, 1 - new)
        assert forth.statistic == pytest.approx(-back.statistic, abs=1e-9)
        np.testing.assert_allclose(forth.to_frame()["estimate"], -back.to_frame()["estimate"], atol=1e-12)
        np.testing.assert_allclose(
            forth.to_frame()["estimate"], turned.to_frame()["estimate"].iloc[[0, 2, 1]], atol=1e-12
        )
        assert abs(forth.to_frame()["estimate"].iloc[0]) <= 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: net_reclassification([0, 1], [0.1, 0.2], [0.1, 0.2], cutoffs=[0.3, 0.2]), "cutoffs"),
        (lambda: net_reclassification([0, 1], [0.1, 0.2], [0.1, 0.2], cutoffs=[0, 0.2]), "cutoffs"),
        (lambda: net_reclassification([0, 1], [0.1, 0.2], [0.1, 0.2], cutoffs=[0.2], min_change=0.1), "min_change"),
        (lambda: net_reclassification([0, 1], [0.1, 0.2], [0.1, 0.2], min_change=-1), "min_change"),
        (lambda: net_reclassification([0, 1], [0.1, 0.2], [0.1, 2]), "prob_new"),
        (lambda: integrated_discrimination([1, 1], [0.1, 0.2], [0.1, 0.2]), "one class"),
        (
            lambda: integrated_discrimination([0, 1], [0.1, 0.2], [0.1, 0.2]).confidence_interval(component="all"),
            "component",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
