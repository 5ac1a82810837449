import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import chi2

from vcfstats import SeparationWarning, firth_logistic, logistic_table, variance_inflation
from vcfstats.statistics.glm import fit_logistic
from vcfstats.statistics.regression.firth import maximise

REFERENCE = Path(__file__).parents[1] / "reference" / "regression"
CASES = sorted(p.stem for p in REFERENCE.glob("logit_*.json"))
SEPARATED = {"logit_firth_sep30", "logit_firth_sep50", "logit_real_sex2", "logit_sim70_sep"}
FIRTH = [case for case in CASES if "logistf_pl" in json.loads((REFERENCE / f"{case}.json").read_text())["results"]]
OUTCOME = {"logit_real_birthwt": "low", "logit_real_sex2": "case"}
CODES = {"NA": np.nan, "NaN": np.nan, "Inf": np.inf, "-Inf": -np.inf}


def load(case):
    content = json.loads((REFERENCE / f"{case}.json").read_text())
    data = pd.read_csv(REFERENCE / Path(content["meta"]["data"]).name)
    names = [name.strip() for name in content["meta"]["description"].split("y ~ ")[1].split("+")]
    if case == "logit_real_birthwt":
        levels = ["white", "black", "other"]
        data["race"] = pd.Categorical.from_codes(data["race"] - 1, categories=levels)
    data = data.dropna(subset=names)
    return data[OUTCOME.get(case, "y")], data[names], content["results"]


def numbers(values):
    return np.array([CODES[v] if isinstance(v, str) else v for v in values], dtype=float)


def matrix(table):
    return np.array([numbers(row) for row in table["data"]])


def first_column(vif):
    return matrix(vif)[:, 0] if "data" in vif else numbers(vif.values())


@pytest.mark.parametrize("case", [case for case in CASES if case not in SEPARATED])
def test_logistic_table_of_glm(case):
    y, x, r = load(case)
    table = logistic_table(y, x)
    models = [(table.multivariable, r["multivariable"]["value"])]
    models += [
        (model, r["univariate"][name]["value"]) for model, name in zip(table.univariable, x.columns, strict=True)
    ]
    for model, peer in models:
        coef = matrix(peer["coef"])
        assert_allclose(model.coef, coef[:, 0], rtol=1e-9, atol=1e-12)
        # glm's covariance belongs to its last but one iterate: 1e-7 off with epsilon=1e-14.
        assert_allclose(model.se, coef[:, 1], rtol=3e-7)
        assert_allclose(model.statistic, coef[:, 2], rtol=3e-7, atol=1e-10)
        assert_allclose(model.pvalue, coef[:, 3], rtol=2e-5)  # z^2 times that of z
        assert_allclose(model.odds_ratio, numbers(peer["OR"].values()), rtol=1e-9)
        size = np.outer(model.se, model.se)
        assert_allclose(model.covariance / size, matrix(peer["vcov"]) / size, atol=1e-6)
        found = [model.deviance, model.null_deviance, model.aic, model.bic, model.loglik, model.df_residual]
        names = ("deviance", "null.deviance", "aic", "bic", "logLik", "df.residual")
        assert_allclose(found, [peer[name] for name in names], rtol=1e-11)
        limits = np.column_stack(model.confidence_interval(scale="log odds ratio"))
        assert_allclose(limits, matrix(peer["wald_ci"]), rtol=1e-6, atol=1e-9)
        profile = np.column_stack(model.confidence_interval(method="profile", scale="log odds ratio"))
        scale = model.se[:, None]  # MASS interpolates the profile by a spline: to 2e-3 standard errors here
        assert_allclose(profile / scale, matrix(peer["profile_ci"]) / scale, atol=2e-3, rtol=1e-4)
    for model, name in zip(table.univariable, x.columns, strict=True):
        peer = r["univariate"][name]["LRT"]["value"]
        assert_allclose(
            [model.lr_statistic, model.lr_df, model.lr_pvalue], [peer["chisq"], peer["df"], peer["p"]], rtol=1e-8
        )


@pytest.mark.parametrize("case", [case for case in CASES if case not in SEPARATED])
def test_tests_and_inflation_of_car_and_rms(case):
    y, x, r = load(case)
    model = logistic_table(y, x, univariable=False).multivariable
    peer = r["drop1_LRT"]["value"]
    assert_allclose(model.variable_statistic, peer["LRT"][1:], rtol=1e-8)
    assert_allclose(model.variable_pvalue, peer["Pr(>Chi)"][1:], rtol=1e-8)
    assert_allclose(model.variable_df, peer["Df"][1:])
    peer = r["Anova_car_II"]["value"]
    assert_allclose(model.variable_wald, peer["Chisq"], rtol=1e-6)
    assert_allclose(model.variable_wald_pvalue, peer["Pr(>Chisq)"], rtol=1e-5)
    assert_allclose(model.r2_nagelkerke, r["lrm_stats"]["value"]["R2"], rtol=1e-6)
    assert_allclose(model.lr_statistic, r["lrm_stats"]["value"]["Model L.R."], rtol=1e-6)
    assert_allclose(model.inflation.gvif, first_column(r["vif_car"]["value"]), rtol=1e-7)
    if "data" in r["vif_car"]["value"]:
        assert_allclose(model.inflation.gvif_scaled, matrix(r["vif_car"]["value"])[:, 2], rtol=1e-7)
    assert_allclose(model.vif, numbers(r["vif_rms"]["value"].values()), rtol=1e-6)  # lrm stops earlier
    assert_allclose(variance_inflation(x).gvif, first_column(r["vif_lm"]["value"]), rtol=1e-9)


@pytest.mark.parametrize("case", FIRTH)
def test_firth_of_logistf(case):
    y, x, r = load(case)
    peer, wald = r["logistf_pl"]["value"], r["logistf_wald"]["value"]
    model = firth_logistic(y, x)
    assert_allclose(model.coef, numbers(peer["coef"].values()), rtol=1e-8, atol=1e-9)
    assert_allclose(model.se, peer["se"], rtol=1e-8)
    assert_allclose(model.pvalue, peer["prob"], rtol=1e-8, atol=1e-16)
    assert_allclose([model.loglik, model.null_loglik], peer["loglik"], rtol=1e-10)
    limits = model.confidence_interval(scale="log odds ratio")
    assert_allclose(limits, [peer["ci_lower"], peer["ci_upper"]], rtol=1e-7, atol=1e-8)
    limits = model.confidence_interval(method="wald", scale="log odds ratio")
    assert_allclose(limits, [wald["ci_lower"], wald["ci_upper"]], rtol=1e-7, atol=1e-8)
    assert_allclose(firth_logistic(y, x, test="wald").pvalue, wald["prob"], rtol=1e-7)
    assert_allclose(model.flic_intercept, r["logistf_flic"]["value"]["(Intercept)"], rtol=1e-6, atol=1e-7)
    assert_allclose(model.lr_pvalue, r["logistf_test"]["value"]["prob"]["null"], rtol=1e-8, atol=1e-16)
    assert model.separated == (case in SEPARATED)


@pytest.mark.parametrize("case", sorted(SEPARATED))
def test_separation_is_announced(case):
    y, x, r = load(case)
    with pytest.warns(SeparationWarning, match="separates? the"):
        table = logistic_table(y, x)
    model = table.multivariable
    assert model.separated
    assert np.isnan(model.odds_ratio).all()
    # What R still gets right there: the likelihood-ratio tests, and the finite limits of the profile.
    assert_allclose(model.variable_statistic, r["drop1_LRT"]["value"]["LRT"][1:], rtol=1e-5, atol=1e-6)
    with pytest.warns(SeparationWarning, match="Firth's method instead"):
        refitted = logistic_table(y, x, separation="firth")
    assert refitted.multivariable.method == "Firth"
    assert_allclose(
        refitted.multivariable.coef, numbers(r["logistf_pl"]["value"]["coef"].values()), rtol=1e-8, atol=1e-9
    )
    methods = {m.variables[0]: m.method for m in refitted.univariable}
    assert {name for name, method in methods.items() if method == "Firth"} == {
        m.variables[0] for m in table.univariable if m.separated
    }
    with pytest.raises(ValueError, match="firth_logistic"):
        logistic_table(y, x, separation="raise")


def test_profile_keeps_a_finite_limit_under_separation():
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    y = (x > 4) * 1
    with pytest.warns(SeparationWarning):
        model = logistic_table(y, x).multivariable
    low, high = model.confidence_interval(method="profile", scale="log odds ratio")
    assert high[1] == np.inf
    X = np.column_stack([np.ones(8), x])
    at_limit = fit_logistic(X[:, :1], y, offset=low[1] * x).loglik
    assert_allclose(2 * (0 - at_limit), chi2.ppf(0.95, 1), rtol=1e-6)


def test_profile_limits_solve_their_equation():
    y, x, _ = load("logit_sim234")
    model = logistic_table(y, x, univariable=False).multivariable
    X = model._design.with_intercept()
    for limit in model.confidence_interval(method="profile", scale="log odds ratio"):
        for j in range(X.shape[1]):
            fit = fit_logistic(np.delete(X, j, axis=1), y, offset=limit[j] * X[:, j])
            assert_allclose(2 * (model.loglik - fit.loglik), chi2.ppf(0.95, 1), rtol=1e-8)


def test_odds_ratio_of_a_2x2_table():
    """One binary predictor: OR = ad / bc, SE = sqrt(1/a + 1/b + 1/c + 1/d) (Woolf); Firth adds 1/2 to each cell."""
    a, b, c, d = 15, 6, 9, 22
    y = np.repeat([1, 0, 1, 0], [a, b, c, d])
    x = np.repeat([1.0, 1, 0, 0], [a, b, c, d])
    model = logistic_table(y, x).multivariable
    assert_allclose(model.odds_ratio[1], a * d / (b * c), rtol=1e-10)
    assert_allclose(model.se[1], np.sqrt(1 / a + 1 / b + 1 / c + 1 / d), rtol=1e-10)
    firth = firth_logistic(y, x, information="fisher")
    assert_allclose(firth.odds_ratio[1], (a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5)), rtol=1e-9)


def test_firth_on_an_empty_cell():
    y = np.repeat([1, 0, 0], [7, 5, 9])  # no event among x = 0
    x = np.repeat([1.0, 1, 0], [7, 5, 9])
    assert_allclose(firth_logistic(y, x).odds_ratio[1], 7.5 * 9.5 / (5.5 * 0.5), rtol=1e-9)


seeds = st.integers(0, 10_000)


@given(seeds, st.floats(0.1, 20), st.floats(-5, 5))
@settings(deadline=None, max_examples=25)
def test_invariants(seed, scale, shift):
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "b"])
    y = rng.random(40) < 1 / (1 + np.exp(-x["a"]))
    if y.sum() in (0, 40):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        model = logistic_table(y, x, univariable=False).multivariable
        moved = logistic_table(y, x.assign(a=x["a"] * scale + shift), univariable=False).multivariable
        reversed_ = logistic_table(~y, x, univariable=False).multivariable
    assert_allclose(moved.coef[1] * scale, model.coef[1], rtol=1e-7, atol=1e-9)
    assert_allclose(moved.loglik, model.loglik, rtol=1e-9)
    assert_allclose(reversed_.coef, -model.coef, rtol=1e-7, atol=1e-9)
    firth, opposite = firth_logistic(y, x), firth_logistic(~y, x)
    assert_allclose(opposite.coef, -firth.coef, rtol=1e-6, atol=1e-8)
    X = np.column_stack([np.ones(40), x])
    assert np.abs(maximise(X, y.astype(float)).score).max() < 1e-6  # the penalised score vanishes
    if not model.separated:
        assert np.abs(firth.coef[1:]).sum() <= np.abs(model.coef[1:]).sum() * 1.02 + 1e-9  # shrinkage


def test_reference_level_and_order_of_columns_change_no_test():
    y, x, _ = load("logit_sim164")
    first = logistic_table(y, x)
    other = logistic_table(y, x[x.columns[::-1]], reference={"stage": "III"})
    a = dict(zip(first.multivariable.variables, first.multivariable.variable_pvalue, strict=True))
    b = dict(zip(other.multivariable.variables, other.multivariable.variable_pvalue, strict=True))
    assert_allclose([a[k] for k in a], [b[k] for k in a], rtol=1e-7)
    frame = other.to_frame().set_index(["variable", "level"])
    assert set(frame.loc["stage", "reference"]) == {"III"}
    assert_allclose(frame.loc[("stage", "I"), "univariable_or"], 1 / first.univariable[2].odds_ratio[2], rtol=1e-8)


def test_frame_and_selection():
    y, x, _ = load("logit_real_birthwt")
    table = logistic_table(y, x, select_below=0.05, interval="profile")
    frame = table.to_frame()
    entered = [m.variables[0] for m in table.univariable if m.variable_pvalue[0] < 0.05]
    assert table.multivariable.variables == tuple(entered) == ("lwt", "smoke", "ptl", "ht", "ui")
    outside = frame["variable"].isin(["age", "race"])
    assert frame.loc[outside, "multivariable_or"].isna().all()
    assert (frame.loc[~outside, "multivariable_low"] < frame.loc[~outside, "multivariable_or"]).all()
    numeric = x.assign(race=x["race"].cat.codes)
    coded = logistic_table(y, numeric, reference={"race": 0}).multivariable
    assert_allclose(coded.coef, logistic_table(y, x).multivariable.coef, rtol=1e-9)


def test_missing_rows():
    y, x, _ = load("logit_sim70")
    holed = x.copy()
    holed.loc[holed.index[5], "age"] = np.nan
    with pytest.raises(ValueError, match=r"first in row 5 .*'age': 1"):
        logistic_table(y, holed)
    table = logistic_table(y, holed, missing="drop")
    assert (table.n, table.n_dropped) == (69, 1)
    assert_allclose(table.multivariable.coef, logistic_table(y.drop(5), x.drop(5)).multivariable.coef)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        ({"a": [1.0, 1, 1, 1, 1, 1]}, {}, "'a' does not vary"),
        ({"a": ["u", "u", "u", "u", "u", "u"]}, {}, "'a' does not vary"),
        ({"a": [1.0, 2, 3, 4, 5, 6], "b": [2.0, 4, 6, 8, 10, 12]}, {}, "b: a linear combination"),
        ({"a": [1.0, 2, 3, 4, 5, np.inf]}, {}, "infinite"),
        ({"a": [1.0, 2, 3, 4, 5]}, {}, "6 rows"),
        ({"a": list("uvuvuv")}, {"reference": {"a": "w"}}, "no level of 'a'"),
        ({"a": list("uvuvuv")}, {"reference": {"c": "w"}}, "not predictors"),
        ({"a": [1.0, 2, 3, 4, 5, 6]}, {"interval": "exact"}, "interval must be one of"),
        ({"a": [1.0, 2, 3, 4, 5, 6]}, {"multivariable": ["z"]}, "'z'"),
        ({"a": [1.0, 3, 3, 1, 2, 2.5]}, {"select_below": 1e-9}, "No variable has p <"),
    ],
)
def test_errors(x, options, message):
    with pytest.raises(ValueError, match=message):
        logistic_table([0, 1, 0, 1, 0, 1], pd.DataFrame(x), **options)


def test_inflation_of_orthogonal_and_collinear_columns():
    x = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1.0]])
    assert_allclose(variance_inflation(x).gvif, 1)
    with pytest.raises(ValueError, match="at least two"):
        variance_inflation(x[:, :1])
