"""Decision curves against dcurves and rmda, and their own laws."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from vcfstats import decision_curve, net_benefit_difference, survival_decision_curve
from vcfstats.statistics.glm import fit_logistic

REFERENCE = Path(__file__).parents[1] / "reference"
DATA = REFERENCE / "calibration" / "data"
CASES = sorted(path.stem for path in (REFERENCE / "dca").glob("*.json"))
BINARY = [case for case in CASES if case.startswith(("dcurves", "rmda")) and "surv" not in case]
SURVIVAL = [case for case in CASES if "surv" in case]


def numbers(values, m):
    coded = {"NA": math.nan, "NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}
    return np.array([coded.get(v, v) for v in np.atleast_1d(values)], dtype=float) * np.ones(m)


def load(case):
    results = json.loads((REFERENCE / "dca" / f"{case}.json").read_text())["results"]
    return results, pd.read_csv(DATA / f"{case.split('_', 1)[1]}.csv")


def option(call, pattern):
    found = re.search(pattern, call)
    return float(found.group(1)) if found else None


@pytest.mark.parametrize("case", BINARY)
def test_binary_curves_as_dcurves_and_rmda(case):
    results, data = load(case)
    strict = case.startswith("rmda")  # rmda counts risk > threshold
    for entry in results.values():
        call, peer = entry["call"], entry["value"]
        outcome, columns = re.search(r"\((\w+) ~ ([\w+ ]+),", call).groups()
        names = [name.strip() for name in columns.split("+")]
        frame = data[[outcome, *names]].dropna()
        y, prob = frame[outcome].astype(int).to_numpy(), {name: frame[name].to_numpy() for name in names}
        if "as_probability" in call:
            for name in names:
                X = np.column_stack([np.ones(len(y)), prob[name]])
                prob[name] = expit(X @ fit_logistic(X, y).coef)
        first = peer.get("all", peer.get("All"))
        t = np.array(first.get("threshold", first.get("thresholds")), dtype=float)
        harm = re.search(r"harm=list\((\w+)=([\d.]+)\)", call)
        curve = decision_curve(
            y,
            prob,
            t,
            option(call, r"prevalence=([\d.]+)"),
            harms={harm.group(1): float(harm.group(2))} if harm else None,
            policy="opt-out" if "opt-out" in call else "opt-in",
            per=option(call, r"nper=(\d+)") or 1,
        )
        for name, benefit, scaled, avoided in zip(
            curve.models, curve.net_benefit, curve.standardized_net_benefit, curve.interventions_avoided, strict=True
        ):
            theirs = peer.get(name, peer.get(name.capitalize(), peer.get(f"{outcome} ~ {name}")))
            tied = np.zeros(len(t), dtype=bool)
            if strict:
                tied = t == 0 if "opt-out" in call else tied  # 0 x Inf in R
                if name in prob:
                    tied |= np.isin(np.round(t, 9), np.round(prob[name], 9))
            for key, ours in (
                ("net_benefit", benefit),
                ("NB", benefit),
                ("sNB", scaled),
                ("net_intervention_avoided", avoided),
            ):
                if key in theirs:
                    np.testing.assert_allclose(
                        ours[~tied],
                        numbers(theirs[key], len(t))[~tied],
                        rtol=1e-9,
                        atol=1e-12,
                        err_msg=f"{call} {name}",
                    )


@pytest.mark.parametrize("case", SURVIVAL)
def test_survival_curves_as_dcurves(case):
    """With a given prevalence dcurves 0.5.1 prints it but leaves the net benefit as it was; tested by hand below."""
    results, data = load(case)
    compared = 0
    for entry in results.values():
        call, peer = entry["call"], entry["value"]
        time, event, columns = re.search(r"Surv\((\w+), (\w+)\) ~ ([\w+ ]+),", call).groups()
        if "prevalence" in call or "as_probability" in call:
            continue
        if event in ("crf", "cr") and "cr" in data:
            codes = data["cr"]
        elif event == "cr":
            codes = data["cancer_cr"].map({"censor": 0, "diagnosed with cancer": 1, "dead other causes": 2})
        else:
            codes = data[event]
        names = [name.strip() for name in columns.split("+")]
        t = np.array(peer["all"]["threshold"], dtype=float)
        curve = survival_decision_curve(
            data[time], codes.astype(int), data[names], t, horizon=option(call, r"time=([\d.]+)")
        )
        for name, benefit, avoided in zip(curve.models, curve.net_benefit, curve.interventions_avoided, strict=True):
            theirs = peer[name]
            np.testing.assert_allclose(benefit, numbers(theirs["net_benefit"], len(t)), rtol=1e-9, atol=1e-12)
            if "net_intervention_avoided" in theirs:
                ref = numbers(theirs["net_intervention_avoided"], len(t))
                np.testing.assert_allclose(avoided, ref, rtol=1e-9, atol=1e-12)
            compared += 1
    assert compared >= 6


def test_survival_without_censoring_is_binary():
    rng = np.random.default_rng(1)
    time, risk = rng.exponential(10, 200), rng.random(200)
    event = np.ones(200, dtype=int)
    for prevalence in (None, 0.2):
        survival = survival_decision_curve(time, event, risk, prevalence=prevalence, horizon=7)
        binary = decision_curve(time <= 7, risk, prevalence=prevalence)
        np.testing.assert_allclose(survival.net_benefit, binary.net_benefit, rtol=1e-9, atol=1e-12)
    event[::3] = 2
    with pytest.warns(UserWarning, match="nobody counts as censored"):
        competing = survival_decision_curve(time, event, risk, horizon=7, cause=1)
    binary = decision_curve((time <= 7) & (event == 1), risk)
    np.testing.assert_allclose(competing.net_benefit, binary.net_benefit, rtol=1e-9, atol=1e-12)


def test_survival_where_follow_up_of_the_positives_ends():
    curve = survival_decision_curve([1, 2, 9, 9], [1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1], thresholds=[0.5, 0.95], horizon=5)
    assert math.isnan(curve.net_benefit[2, 0])
    assert curve.net_benefit[2, 1] == 0
    with pytest.raises(ValueError, match="Follow-up ends"):
        survival_decision_curve([1, 2], [1, 0], [0.9, 0.8], horizon=5)


def test_last_bit_of_thresholds_counts():
    y, prob = [0, 1, 1], [0.15, 0.15, 0.3]
    curve = decision_curve(y, prob, [0.15, 0.15000000000000002])
    assert curve.net_benefit[2].tolist() == pytest.approx([2 / 3 - 0.15 / 0.85 / 3, 1 / 3])


def test_frame_and_inputs():
    y = np.array([0, 1, 0, 1, 1])
    prob = np.column_stack([[0.2, 0.7, 0.4, 0.6, 0.9], [0.1, 0.6, 0.6, 0.4, 0.7]])
    columns = ["model", "threshold", "net_benefit", "standardized_net_benefit", "interventions_avoided"]
    frames = [
        decision_curve(y, prob, [0.2, 0.5]).to_frame(),
        decision_curve(y, pd.DataFrame(prob, columns=["model_1", "model_2"]), [0.2, 0.5]).to_frame(),
        decision_curve(y, {"model_1": prob[:, 0], "model_2": prob[:, 1]}, [0.2, 0.5]).to_frame(),
    ]
    for frame in frames:
        assert frame.columns.tolist() == columns
        pd.testing.assert_frame_equal(frame, frames[0])
    assert frames[0]["model"].unique().tolist() == ["all", "none", "model_1", "model_2"]
    assert decision_curve(y, pd.Series(prob[:, 0], name="score")).models == ("all", "none", "score")
    assert len(decision_curve(y, prob[:, 0]).thresholds) == 99


def test_degenerate():
    constant = decision_curve([0, 1, 0, 1], [0.3] * 4, [0.2, 0.3, 0.4])
    np.testing.assert_array_equal(constant.net_benefit[2, :2], constant.net_benefit[0, :2])
    assert constant.net_benefit[2, 2] == 0
    perfect = decision_curve([0, 0, 1, 1], [0.0, 0.0, 1.0, 1.0])
    np.testing.assert_allclose(perfect.standardized_net_benefit[2], 1)
    nobody = decision_curve([0, 0, 0], [0.1, 0.2, 0.3], [0.15])
    assert nobody.net_benefit[2, 0] < 0
    assert np.isnan(nobody.standardized_net_benefit).all()
    assert np.isnan(decision_curve([0, 1], [0.2, 0.6], [0.0]).interventions_avoided).all()


def test_bands():
    rng = np.random.default_rng(2)
    prob = rng.random(300)
    y = rng.random(300) < prob
    for prevalence in (None, 0.3):
        curve = decision_curve(y, prob, [0.2, 0.5], prevalence, harms=0.01)
        wald = curve.confidence_band()
        boot = curve.confidence_band(method="bootstrap", n_resamples=2000, random_state=1)
        np.testing.assert_allclose(boot[["low", "high"]], wald[["low", "high"]], atol=0.02)
        pd.testing.assert_frame_equal(boot, curve.confidence_band(method="bootstrap", n_resamples=2000, random_state=1))


def test_bootstrap_band_as_rmda():
    """500 resamples there, 2,000 here: 4 Monte Carlo standard errors of a 2.5% normal quantile are 0.136 widths."""
    results, data = load("bootstrap_sim234")
    peer = results["ci_bootstrap"]["value"]
    curve = decision_curve(data["y"], data["m1"], peer["thresholds"])
    band = curve.confidence_band(method="bootstrap", random_state=1).iloc[12:]
    width = np.array(peer["NB_upper"]) - np.array(peer["NB_lower"])
    assert (np.abs(band["low"] - peer["NB_lower"]) < 0.136 * width).all()
    assert (np.abs(band["high"] - peer["NB_upper"]) < 0.136 * width).all()


def test_wald_variance_by_hand():
    """Mean of y B - (1 - y) B w over patients: its variance over n."""
    y, prob = np.array([1, 1, 0, 0, 0, 1, 0, 1]), np.array([0.9, 0.3, 0.6, 0.1, 0.2, 0.7, 0.8, 0.4])
    parts = np.where(prob >= 0.4, np.where(y == 1, 1.0, -0.4 / 0.6), 0.0)
    band = decision_curve(y, prob, [0.4]).confidence_band()
    half = 1.959963984540054 * parts.std() / math.sqrt(8)
    row = band[band["model"] == "model"].iloc[0]
    assert row["high"] - row["net_benefit"] == pytest.approx(half, rel=1e-9)


def test_difference_by_hand():
    y = np.array([1, 1, 0, 0, 0, 1, 0, 1])
    a = np.array([0.9, 0.3, 0.6, 0.1, 0.2, 0.7, 0.8, 0.4])
    b = np.array([0.8, 0.5, 0.3, 0.2, 0.1, 0.6, 0.9, 0.2])
    parts = ((b >= 0.4).astype(float) - (a >= 0.4)) * np.where(y == 1, 1.0, -0.4 / 0.6)
    result = net_benefit_difference(y, a, b, [0.4])
    assert result.difference == pytest.approx([parts.mean()])
    assert result.se == pytest.approx([parts.std() / math.sqrt(8)])
    curves = decision_curve(y, {"a": a, "b": b}, [0.4]).net_benefit
    assert result.difference == pytest.approx(curves[3] - curves[2])
    adjusted = net_benefit_difference(y, a, b, [0.4], 0.2)
    moves = (b >= 0.4).astype(float) - (a >= 0.4)
    expected = 0.2 * moves[y == 1].mean() - 0.8 * 0.4 / 0.6 * moves[y == 0].mean()
    assert adjusted.difference == pytest.approx([expected])
    variance = 0.04 * moves[y == 1].var() / 4 + (0.8 * 0.4 / 0.6) ** 2 * moves[y == 0].var() / 4
    assert adjusted.se == pytest.approx([math.sqrt(variance)])


def test_difference_degenerate_and_bootstrap():
    y, p = np.array([0, 1, 0, 1, 1, 0]), np.array([0.1, 0.8, 0.3, 0.6, 0.7, 0.5])
    same = net_benefit_difference(y, p, p, [0.2, 0.5])
    assert same.statistic.tolist() == [0, 0] and same.pvalue.tolist() == [1, 1]  # noqa: PT018
    harmed = net_benefit_difference(y, p, p, [0.5], harm_b=0.1)
    assert harmed.difference == pytest.approx([-0.1])
    assert harmed.pvalue.tolist() == [0]
    rng = np.random.default_rng(3)
    a, b = rng.random(300), rng.random(300)
    outcome = rng.random(300) < (a + b) / 2
    result = net_benefit_difference(outcome, a, b, [0.3, 0.6])
    low, high = result.confidence_interval(method="bootstrap", random_state=1)
    np.testing.assert_allclose([low, high], result.confidence_interval(), atol=0.03)
    assert result.to_frame().shape == (2, 9)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 50), st.floats(0.01, 0.95))
def test_invariants(seed, n, t):
    """Net benefit never exceeds the prevalence; order and repetition of patients do not matter; a minus b is -(b - a)."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:2] = [0, 1]
    a, b = np.round(rng.random(n), 1), rng.random(n)
    curve = decision_curve(y, {"a": a, "b": b}, [t])
    assert (curve.net_benefit <= y.mean() + 1e-12).all()
    twice = decision_curve(np.tile(y, 2)[::-1], {"a": np.tile(a, 2)[::-1], "b": np.tile(b, 2)[::-1]}, [t])
    np.testing.assert_allclose(twice.net_benefit, curve.net_benefit, atol=1e-12)
    own = decision_curve(y, {"a": a, "b": b}, [t], prevalence=y.mean())
    np.testing.assert_allclose(own.net_benefit, curve.net_benefit, atol=1e-12)
    forth, back = net_benefit_difference(y, a, b, [t]), net_benefit_difference(y, b, a, [t])
    np.testing.assert_allclose(forth.difference, -back.difference, atol=1e-14)
    np.testing.assert_allclose(forth.se, back.se, atol=1e-14)
    out = decision_curve(y, {"a": a, "b": b}, [t], policy="opt-out")
    odds = t / (1 - t)  # opt-in less treat-all is odds times opt-out
    np.testing.assert_allclose(
        (curve.net_benefit - curve.net_benefit[0])[:, 0], odds * out.net_benefit[:, 0], atol=1e-9
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decision_curve([0, 1], [0.2, 0.3], [1.0]), "below 1"),
        (lambda: decision_curve([0, 1], [0.2, 0.3], []), "thresholds"),
        (lambda: decision_curve([0, 1], [0.2, 3.0]), r"\[0, 1\]"),
        (lambda: decision_curve([0, 1], {"all": [0.2, 0.3]}), "may not be called"),
        (lambda: decision_curve([0, 1], {}), "no model"),
        (lambda: decision_curve([0, 1], [0.2, 0.3], prevalence=1.2), "prevalence"),
        (lambda: decision_curve([0, 0], [0.2, 0.3], prevalence=0.2), "one class"),
        (lambda: decision_curve([0, 1], [0.2, 0.3], harms={"m": 0.1}), "harms names"),
        (lambda: decision_curve([0, 1], [0.2, 0.3], harms=-0.1), "harm of"),
        (lambda: decision_curve([0, 1], [0.2, 0.3], policy="out"), "policy"),
        (lambda: decision_curve([0, 1], [0.2, 0.3], per=0), "per must"),
        (lambda: decision_curve([0, 1], pd.DataFrame([[0.1, 0.2], [0.3, 0.4]], columns=["a", "a"])), "more than once"),
        (lambda: survival_decision_curve([1, -2], [1, 0], [0.2, 0.3], horizon=1), "at least 0"),
        (lambda: survival_decision_curve([1, 2], [0, 0], [0.2, 0.3], horizon=1), "never occurs"),
        (lambda: survival_decision_curve([1, 2], [1, 0.5], [0.2, 0.3], horizon=1), "must hold 0"),
        (lambda: survival_decision_curve([1, 2], [1, 0], [0.2, 0.3], horizon=0), "horizon"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
