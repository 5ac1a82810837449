import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from vcfstats import SeparationWarning, concordance_index, cox_table, log_rank_test, proportional_hazards_test

ROOT = Path(__file__).parents[1] / "reference" / "cox"
PEER = json.loads((ROOT / "cox.json").read_text())
CASES = [key for key in PEER if key != "monotone"]


def load(key):
    r = PEER[key]
    data = pd.read_csv(ROOT / f"{r['data']}.csv")
    left, right = r["formula"].split(" ~ ")
    time = left[5:].split(",")[0]
    names = [name for name in right.split(" + ") if "strata" not in name]
    strata = data["site"] if "strata" in right else None
    arguments = {"strata": strata, "ties": r["ties"]}
    return (data[time], data["status"], data[names]), arguments, r


def fit(key):
    data, arguments, r = load(key)
    return cox_table(*data, univariable=False, **arguments).multivariable, r


@pytest.mark.parametrize("key", CASES)
def test_cox_table_of_coxph(key):
    model, r = fit(key)
    assert_allclose(model.coef, r["coef"], rtol=1e-8, atol=1e-10)
    assert_allclose(model.se, r["se"], rtol=1e-8)
    assert_allclose([model.null_loglik, model.loglik], r["loglik"], rtol=1e-12)
    assert_allclose([model.score_statistic, model.wald_statistic], [r["score"], r["wald"]], rtol=1e-8)
    assert_allclose(model.variable_statistic, np.atleast_1d(r["drop1"])[: len(model.variables)], rtol=1e-7, atol=1e-10)
    assert_allclose(model.likelihood_ratio()[0], r["single"], rtol=1e-7, atol=1e-10)
    low, high = model.confidence_interval(method="profile", scale="log hazard ratio")
    assert_allclose(np.column_stack([low, high]), r["profile"], rtol=1e-7, atol=1e-8)
    assert_allclose(model.cumulative_hazard()[:5], load(key)[0][1][:5] - r["martingale"], rtol=1e-7, atol=1e-10)
    if r["hazard"]:
        found = model.baseline_survival(np.atleast_1d(r["times"]))["survival"]
        assert_allclose(-np.log(found), r["hazard"], rtol=1e-7)


@pytest.mark.parametrize("key", CASES)
def test_concordance_of_a_cox_model(key):
    model, r = fit(key)
    harrell, uno = model.concordance(), model.concordance(method="uno")
    found = [harrell.concordance, harrell.se, uno.concordance, uno.se]
    assert_allclose(found, [r[k] for k in ("concordance", "concordance_se", "uno", "uno_se")], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("key", CASES)
def test_proportional_hazards_of_cox_zph(key):
    data, arguments, r = load(key)
    for transform, table in r["zph"].items():
        result = proportional_hazards_test(*data, transform=transform, **arguments)
        frame = result.to_frame()
        peer = np.array(table, dtype=float)
        assert_allclose(frame[["statistic", "df"]].iloc[-1], peer[-1, :2], rtol=1e-7, atol=1e-10)
        if len(table) == len(frame):
            assert_allclose(frame[["statistic", "df", "p_value"]], peer, rtol=1e-7, atol=1e-9)
    result = proportional_hazards_test(*data, **arguments)
    peer = np.array([[np.nan if v == "NA" else v for v in np.atleast_1d(row)] for row in r["zph_residuals"]], float)
    known = ~np.isnan(peer)  # left out there where a covariate does not vary within a stratum
    if arguments["strata"] is None:
        assert_allclose(result.residuals[: len(peer)][known], peer[known], rtol=1e-6, atol=1e-8)


def test_only_the_infinite_coefficient_is_marked():
    data, r = pd.read_csv(ROOT / "monotone.csv"), PEER["monotone"]
    with pytest.warns(SeparationWarning, match=r"^g: the likelihood is monotone"):
        table = cox_table(data["time"], data["status"], data[["g", "x", "z"]], interval="profile")
    model = table.multivariable
    assert model.infinite.tolist() == [True, False, False]
    assert (model.coef[0], model.hazard_ratio[0]) == (-np.inf, 0.0)
    # Its limit: those with g = 1, who have no event, are at risk at none.
    assert_allclose(model.coef[1:], r["coef"], rtol=1e-8)
    assert_allclose(model.se[1:], r["se"], rtol=1e-8)
    assert_allclose(model.loglik, r["loglik"], rtol=1e-10)
    low, high = model.confidence_interval(method="profile", scale="log hazard ratio")
    assert low[0] == -np.inf
    assert np.isfinite(high).all()
    assert np.isnan(model.confidence_interval()[0][0])
    frame = table.to_frame()
    assert frame["multivariable_infinite"].tolist() == [True, False, False]
    assert_allclose(frame["multivariable_p_value"], model.likelihood_ratio()[1])
    with pytest.raises(ValueError, match="g has no finite coefficient"):
        model.proportional_hazards()
    with pytest.raises(ValueError, match="g has no finite coefficient"):
        model.baseline_survival([1])


def test_profile_limits_solve_their_equation():
    data = pd.read_csv(ROOT / "lung.csv")
    X = data[["age", "sex"]].to_numpy()
    model = cox_table(data["tied"], data["status"], X, univariable=False, ties="breslow").multivariable
    low, high = model.confidence_interval(0.9, method="profile", scale="log hazard ratio")
    for limit in (low[0], high[0]):
        best = -np.inf
        for b in np.linspace(model.coef[1] - 0.5, model.coef[1] + 0.5, 4001):  # over a grid, by the definition
            best = max(best, breslow(data["tied"].to_numpy(), data["status"].to_numpy(), X @ [limit, b]))
        assert_allclose(2 * (model.loglik - best), 2.705543, atol=1e-4)


def breslow(time, event, eta):
    """Partial log-likelihood, event by event."""
    order = np.argsort(-time, kind="stable")
    running = np.logaddexp.accumulate(eta[order])
    last = np.searchsorted(-time[order], -time, side="right") - 1
    return float(np.sum(event * (eta - running[last])))


def test_score_test_of_a_group_is_the_log_rank_test():
    rng = np.random.default_rng(5)
    time, event, group = rng.permutation(80) + 1.0, rng.random(80) < 0.7, rng.integers(0, 2, 80)
    model = cox_table(time, event, group, univariable=False).multivariable
    assert_allclose(model.score_statistic, log_rank_test(time, event, group).statistic, rtol=1e-9)


rows = st.lists(
    st.tuples(st.integers(1, 8), st.booleans(), st.integers(-3, 3), st.integers(-3, 3)), min_size=12, max_size=30
)


@given(rows, st.sampled_from(["efron", "breslow"]))
@settings(deadline=None, max_examples=25)
def test_invariants(drawn, ties):
    time, event, a, b = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = cox_table(time, event, np.column_stack([a, b]), univariable=False, ties=ties).multivariable
        except ValueError:
            return
        other = cox_table(
            time**3, event, np.column_stack([10 - 2 * b, a + 3]), univariable=False, ties=ties
        ).multivariable
    assert_allclose(model.loglik, other.loglik, rtol=1e-8)
    assert_array_equal(model.infinite, other.infinite[::-1])
    if model.infinite.any() or np.abs(model.coef).max() > 5:
        return
    assert_allclose(other.coef, [-model.coef[1] / 2, model.coef[0]], rtol=1e-5, atol=1e-7)
    assert_allclose(event.sum(), model.cumulative_hazard().sum(), rtol=1e-7)  # martingale residuals sum to 0
    low, high = model.confidence_interval(method="profile")
    significant = (low > 1) | (high < 1)
    assert_array_equal(significant, model.likelihood_ratio()[1] < 0.05)


def test_strata_are_apart():
    """Two strata are two likelihoods: values add up, and times of one mean nothing in the other."""
    data = pd.read_csv(ROOT / "lung.csv")
    north = (data["site"] == "north").to_numpy()
    X, shifted = data[["age"]], data["time"] + 1000 * north
    whole = cox_table(data["time"], data["status"], X, strata=data["site"], univariable=False).multivariable
    other = cox_table(shifted, data["status"], X, strata=data["site"], univariable=False).multivariable
    assert_allclose(whole.coef, other.coef, rtol=1e-10)
    parts = [
        cox_table(data["time"][m], data["status"][m], X[m], univariable=False).multivariable for m in (north, ~north)
    ]
    assert_allclose(whole.null_loglik, sum(part.null_loglik for part in parts), rtol=1e-12)
    usable = [concordance_index(data["time"][m], data["status"][m], X["age"][m]).concordant for m in (north, ~north)]
    assert_allclose(concordance_index(data["time"], data["status"], X["age"], strata=north).concordant, sum(usable))


def test_frame_selection_and_missing():
    data = pd.read_csv(ROOT / "lung.csv")
    X = data[["age", "sex", "ecog"]].assign(age=data["age"].where(data.index != 3))
    with pytest.raises(ValueError, match="missing values in 1 row"):
        cox_table(data["time"], data["status"], X)
    table = cox_table(data["time"], data["status"], X, missing="drop", select_below=0.01)
    assert table.n_dropped == 1
    frame = table.to_frame()
    assert frame["level"].tolist() == [None, None, "ecog1", "ecog2"]
    assert frame["multivariable_hr"].isna().tolist() == [True, False, False, False]
    assert_allclose(frame["univariable_p_value"][0], table.univariable[0].pvalue[0])
    assert table.multivariable.inflation is not None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t, e, x: cox_table(t, np.zeros(10), x), "no event"),
        (lambda t, e, x: cox_table(t, e, x, strata=np.arange(10)), "nobody|anybody else"),
        (lambda t, e, x: cox_table(t, e, x, strata=x > 0.5), "x1: does not vary"),
        (lambda t, e, x: cox_table(t, e, np.column_stack([x, 2 * x])), "linear combination"),
        (lambda t, e, x: cox_table(t, e, x, ties="exact"), "ties must be one of"),
        (lambda t, e, x: cox_table(t, e, x, interval="score"), "interval must be one of"),
        (lambda t, e, x: cox_table(-t, e, x), "not negative"),
        (lambda t, e, x: proportional_hazards_test(t, e, x, transform="sqrt"), "transform must be one of"),
        (lambda t, e, x: proportional_hazards_test(t - 1, e, x, transform="log"), "positive times"),
    ],
)
def test_errors(call, message):
    time, event = np.arange(1.0, 11), np.array([1, 1, 0, 1, 1, 0, 1, 0, 1, 1])
    with pytest.raises(ValueError, match=message):
        call(time, event, np.array([0, 1, 0, 1, 1, 0, 0, 1, 0, 1.0]))
