import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from vcfstats import sample_size_binary, sample_size_continuous, sample_size_survival, sample_size_validation
from vcfstats.statistics.glm import fit_logistic
from vcfstats.statistics.sample_size.criteria import copas_shrinkage, r2_of_c_statistic
from vcfstats.statistics.sample_size.external import newcombe_se

R = json.loads((Path(__file__).parents[1] / "reference" / "pmsampsize" / "pmsampsize.json").read_text())["results"]
BINARY = [key for key in R if key.isdigit()]
ARGUMENTS = {
    "r2_cox_snell": "csrsquared",
    "r2_nagelkerke": "nagrsquared",
    "c_statistic": "cstatistic",
    "shrinkage": "shrinkage",
}


@pytest.mark.parametrize("case", BINARY)
def test_binary_of_pmsampsize(case):
    call = dict(re.findall(r"(\w+)=([\d.]+)", R[case]["call"]))
    peer = R[case]["value"]
    options = {name: float(call[theirs]) for name, theirs in ARGUMENTS.items() if theirs in call}
    found = sample_size_binary(
        n_parameters=int(call["parameters"]), prevalence=float(call["prevalence"]), rounding="pmsampsize", **options
    )
    table = peer["results_table"]["data"]
    if "c_statistic" in options:  # theirs is one simulation of 10^6 patients
        assert_allclose(found.r2, peer["rsquared"], rtol=5e-3)
        assert_allclose(found.n, peer["sample_size"], rtol=5e-3)
        return
    assert (found.n, list(found.sizes)) == (peer["sample_size"], [row[0] for row in table[:3]])
    assert_allclose(found.shrinkages, [row[1] for row in table[:3]], atol=5.1e-4)  # printed with 3 decimals
    assert_allclose(found.shrinkage, peer["final_shrinkage"], rtol=1e-12)
    assert_allclose(
        [found.r2, found.max_r2, found.n_events], [peer["rsquared"], peer["max_r2a"], peer["events"]], rtol=1e-12
    )
    assert_allclose(found.per_parameter, peer["EPP"], atol=5.1e-3)


def test_survival_and_continuous_of_pmsampsize():
    found = sample_size_survival(
        n_parameters=30, rate=0.065, mean_follow_up=2.07, time=2, r2_cox_snell=0.051, rounding="pmsampsize"
    )
    peer = R["surv"]["value"]
    assert [found.n, *found.sizes] == [peer["sample_size"], *(row[0] for row in peer["results_table"]["data"][:3])]
    assert_allclose([found.max_r2, found.n_events], [peer["max_r2a"], peer["events"]], rtol=1e-10)
    assert_allclose(
        [found.estimate, found.low, found.high], [peer["int_cuminc"], peer["int_lci"], peer["int_uci"]], atol=6e-4
    )
    found = sample_size_continuous(n_parameters=25, r2=0.2, mean=1.9, sd=0.6, rounding="pmsampsize")
    peer = R["cont"]["value"]
    assert [found.n, *found.sizes] == [peer["sample_size"], *(row[0] for row in peer["results_table"]["data"][:4])]
    assert_allclose(found.high / found.estimate, peer["int_mmoe"], rtol=1e-12)
    assert_allclose(found.shrinkages, [row[1] for row in peer["results_table"]["data"][:4]], atol=5.1e-4)


def test_published_examples():
    # Riley et al. (2020), BMJ m441: 24 parameters, prevalence 0.174, Cox-Snell R2 0.288 x ... -> 662 and 623 patients.
    box = sample_size_binary(n_parameters=24, prevalence=0.174, r2_cox_snell=0.288)
    assert box.sizes[0] == 623
    assert box.sizes[1] == 662
    assert box.n == 662
    # Same paper, a time to event (recurrent venous thromboembolism): 30 parameters -> 5143 patients.
    assert sample_size_survival(n_parameters=30, rate=0.065, mean_follow_up=2.07, time=2, r2_cox_snell=0.051).n == 5143
    # Same paper, fat-free mass: 25 parameters, adjusted R2 0.2 ... criterion 1 of 918 patients.
    assert sample_size_continuous(n_parameters=25, r2=0.2, mean=1.9, sd=0.6).n == 918


def test_rounding_of_the_derived_r2_moves_the_size():
    exact = sample_size_binary(n_parameters=30, prevalence=0.02, r2_nagelkerke=0.2)
    rounded = sample_size_binary(n_parameters=30, prevalence=0.02, r2_nagelkerke=0.2, rounding="pmsampsize")
    assert_allclose(exact.r2, 0.2 * exact.max_r2)
    assert (rounded.n, exact.n) == (7349, 7432)


def test_r2_of_a_c_statistic_is_that_of_a_large_sample():
    rng = np.random.default_rng(1)
    n, prevalence, c = 400_000, 0.3, 0.75
    y = np.arange(n) < n * prevalence
    x = rng.normal(size=n) + np.sqrt(2) * 0.6744897501960817 * y
    fit = fit_logistic(np.column_stack([np.ones(n), x]), y)
    null = n * (prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence))
    assert_allclose(r2_of_c_statistic(c, prevalence), 1 - np.exp(-2 * (fit.loglik - null) / n), atol=2e-3)


def test_validation_of_pmvalsampsize():
    """pmvalsampsize 0.2.1: O/E by a grid of SE (one patient off), slope by one simulation, C without."""
    first = sample_size_validation(prevalence=0.018, c_statistic=0.8, linear_predictor=(-5, 2.5), oe_width=1)
    assert_allclose(first.sizes, [905, 4544, 4252], atol=1, rtol=5e-3)
    assert first.sizes[2] == 4252
    second = sample_size_validation(prevalence=0.43, c_statistic=0.8, linear_predictor=(-0.5, 1.8))
    assert_allclose(second.sizes, [510, 1682, 308], atol=1, rtol=5e-3)
    assert second.sizes[2] == 308


def test_validation_sizes_give_their_widths():
    size = sample_size_validation(
        prevalence=0.3, c_statistic=0.75, linear_predictor=(-1, 1.2), sensitivity=0.6, specificity=0.75, threshold=0.3
    )
    oe, _, c, benefit = size.sizes
    se = np.sqrt(0.7 / (0.3 * oe))
    assert 0.199 < np.exp(1.959964 * se) - np.exp(-1.959964 * se) <= 0.2
    assert 2 * 1.959964 * newcombe_se(0.75, c, 0.3) <= 0.1 < 2 * 1.959964 * newcombe_se(0.75, c - 1, 0.3)
    # Standardised net benefit: its variance by the delta method, against simulated patients.
    rng = np.random.default_rng(0)
    y = rng.random((4000, benefit)) < 0.3
    positive = rng.random((4000, benefit)) < np.where(y, 0.6, 0.25)
    events = y.mean(axis=1)
    odds = 0.3 / 0.7
    snb = ((y & positive).mean(axis=1) - odds * (~y & positive).mean(axis=1)) / events
    assert_allclose(2 * 1.96 * snb.std(), 0.2, rtol=0.04)


def test_slope_size_by_simulated_models():
    rng = np.random.default_rng(3)
    lp = rng.normal(-1, 1.2, size=(300, 1000))
    y = rng.random(lp.shape) < 1 / (1 + np.exp(-lp))
    slopes = [fit_logistic(np.column_stack([np.ones(1000), row]), out).coef[1] for row, out in zip(lp, y, strict=True)]
    size = sample_size_validation(prevalence=0.3, c_statistic=0.75, linear_predictor=(-1, 1.2)).sizes[1]
    assert_allclose(np.std(slopes), 0.2 / (2 * 1.96) * np.sqrt(size / 1000), rtol=0.17)  # 4 Monte Carlo SE


@given(st.integers(1, 60), st.floats(0.02, 0.98), st.floats(0.1, 0.8), st.floats(0.85, 0.97))
def test_invariants(parameters, prevalence, nagelkerke, shrinkage):
    def size(p=parameters, r=nagelkerke, s=shrinkage):
        return sample_size_binary(n_parameters=p, prevalence=prevalence, r2_nagelkerke=r, shrinkage=s)

    base = size()
    assert base.n == max(base.sizes)
    assert size(p=parameters + 1).n >= base.n
    assert size(s=min(shrinkage + 0.01, 0.99)).sizes[0] >= base.sizes[0]
    mirrored = sample_size_binary(
        n_parameters=parameters, prevalence=1 - prevalence, r2_nagelkerke=nagelkerke, shrinkage=shrinkage
    )
    assert abs(mirrored.n - base.n) <= 1


@given(st.integers(1, 40), st.floats(0.05, 0.9))
def test_continuous_size_is_the_smallest(parameters, r2):
    found = sample_size_continuous(n_parameters=parameters, r2=r2, mean=2.0, sd=1.0)
    n = found.sizes[0]
    assert copas_shrinkage(n, parameters, r2) >= 0.9
    if n > parameters + 2:
        assert copas_shrinkage(n - 1, parameters, r2) < 0.9


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (sample_size_binary, {"r2_cox_snell": 0.1, "c_statistic": 0.8}, "exactly one"),
        (sample_size_binary, {}, "exactly one"),
        (sample_size_binary, {"r2_cox_snell": 0.9}, "its maximum"),
        (sample_size_binary, {"r2_cox_snell": 0.1, "prevalence": 1}, "prevalence must lie"),
        (sample_size_binary, {"r2_cox_snell": 0.1, "n_parameters": 0}, "whole number"),
        (sample_size_binary, {"c_statistic": 0.4}, "between 0.5 and 1"),
        (sample_size_binary, {"r2_cox_snell": 0.1, "rounding": "up"}, "rounding must be one of"),
    ],
)
def test_errors(function, options, message):
    with pytest.raises(ValueError, match=message):
        function(**({"n_parameters": 5, "prevalence": 0.3} | options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"c_statistic": 0.5}, "exceed 0.5"),
        ({"threshold": 0.2}, "all three"),
        ({"oe_width": 0}, "positive"),
        ({"linear_predictor": (0, 0)}, "standard deviation"),
        ({"linear_predictor": [1.0, 1.0, 1.0]}, "does not vary"),
    ],
)
def test_validation_errors(options, message):
    with pytest.raises(ValueError, match=message):
        sample_size_validation(**({"prevalence": 0.3, "c_statistic": 0.8} | options))


def test_other_errors():
    with pytest.raises(ValueError, match="rate must be positive"):
        sample_size_survival(n_parameters=3, rate=-1, mean_follow_up=2, time=1, r2_cox_snell=0.1)
    with pytest.raises(ValueError, match="sd must be positive"):
        sample_size_continuous(n_parameters=3, r2=0.2, mean=1, sd=0)
