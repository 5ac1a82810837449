"""The nomogram against rms, against the models it was built from, and its own laws."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from vcfstats import Nomogram
from vcfstats.statistics.nomogram.pretty import pretty_ticks

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = sorted(path.stem for path in (REFERENCE / "nomogram").glob("*.json"))


def build(case):
    content = json.loads((REFERENCE / "nomogram" / f"{case}.json").read_text())
    peer, data = content["results"], pd.read_csv(REFERENCE / "calibration" / "data" / content["data"])
    if "race" in data:
        names = {1: "white", 2: "black", 3: "other"}
        data["race"] = data["race"].map(names).astype(pd.CategoricalDtype(list(names.values())))
    model = peer.get("lrm", peer)
    coef = model["coef"]
    if "log(marker+1)" in peer["formula"]:  # rms names the coefficient after the variable
        coef = {"log(marker + 1)" if name == "marker" else name: b for name, b in coef.items()}
    params = model.get("params", {})
    knots = {k: v for k, v in params.items() if isinstance(v, list) and len(v) > 2} if isinstance(params, dict) else {}
    columns = [name for name in data.columns if name in peer["formula"]]
    data = data.dropna(subset=columns)
    options = {}
    if "center" in peer:
        (survival,) = peer["surv_at_center_t"].values()
        options = {"intercept": -peer["center"], "link": "survival", "baseline_survival": survival}
    return Nomogram.from_coefficients(coef, data, knots=knots, **options), data, peer


@pytest.mark.parametrize("case", CASES)
def test_tables_as_rms(case):
    nomogram, data, peer = build(case)
    table = peer["nomogram"]["value"]
    axes = {axis.name: axis for axis in nomogram.axes}
    assert list(axes) == [name for name, axis in table.items() if isinstance(axis, dict) and "points" in axis]
    for name, axis in axes.items():
        theirs = table[name]
        if isinstance(axis.ticks[0], str):
            assert list(axis.ticks) == theirs[axis.variable]
        else:
            np.testing.assert_allclose(axis.ticks, np.array(theirs[axis.variable], dtype=float), rtol=1e-12)
        np.testing.assert_allclose(axis.effect, theirs["Xbeta"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(axis.points, theirs["points"], rtol=1e-9, atol=1e-10)
    info = table[".info"]
    intercept = info["Intercept"]["Intercept"] if isinstance(info["Intercept"], dict) else info["Intercept"]
    assert nomogram.points_per_unit == pytest.approx(info["sc"], rel=1e-9)
    assert nomogram.lp_at_zero == pytest.approx(intercept, rel=1e-9)
    np.testing.assert_allclose(nomogram.total_points_ticks, table["total.points"]["x"], rtol=1e-12)
    np.testing.assert_allclose(nomogram.lp_ticks, table["lp"]["x.real"], rtol=1e-12, atol=1e-12)
    axis = table.get("Risk") or table["S(t0)"]
    ours = nomogram.risk_axis(axis["x.real"])
    # rms inverts the function on a grid of 1,000 points
    np.testing.assert_allclose(ours["total_points"], axis["x"], atol=1e-3)
    if "Risk" in table:
        np.testing.assert_allclose(nomogram.risk_axis()["risk"], axis["x.real"], rtol=1e-12)
    if "fitted_first10" in peer:
        first = data.head(10)
        np.testing.assert_allclose(
            nomogram.linear_predictor(first), peer["fitted_first10"]["lp"], rtol=1e-9, atol=1e-11
        )
        np.testing.assert_allclose(nomogram.predict(first), peer["fitted_first10"]["prob"], rtol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_points_are_the_linear_predictor_and_json_returns(case):
    nomogram, data, _ = build(case)
    points = nomogram.points(data)
    total = points["total"].to_numpy()
    lp = nomogram.linear_predictor(data)
    np.testing.assert_allclose(nomogram.lp_at_zero + total / nomogram.points_per_unit, lp, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(points.drop(columns="total").sum(axis=1), total, rtol=1e-12)
    np.testing.assert_allclose(nomogram.total_to_probability(total), nomogram.predict(data), rtol=1e-9)
    np.testing.assert_allclose(nomogram.probability_to_total(nomogram.predict(data)), total, rtol=1e-7, atol=1e-6)
    back = Nomogram.from_json(nomogram.to_json())
    assert back.to_json() == nomogram.to_json()
    np.testing.assert_array_equal(back.predict(data), nomogram.predict(data))
    pd.testing.assert_frame_equal(back.to_frame(), nomogram.to_frame())
    for axis in nomogram.axes:
        assert axis.points.min() >= -1e-9
        assert axis.points.max() <= nomogram.maxscale + 1e-9


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (47, 78, [45, 50, 55, 60, 65, 70, 75, 80]),
        (-1.9651, 2.3091, [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5]),
        (0.017, 0.997, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (0, 137.35, list(range(0, 141, 10))),
    ],
)
def test_pretty_as_r(low, high, ticks):
    np.testing.assert_allclose(pretty_ticks(low, high), ticks, atol=1e-12)


@pytest.fixture
def cohort():
    rng = np.random.default_rng(1)
    n = 300
    data = pd.DataFrame(
        {
            "age": rng.normal(60, 10, n).round(1),
            "sex": rng.integers(0, 2, n),
            "stage": rng.choice(["I", "II", "III"], n),
            "marker": rng.exponential(2, n).round(3),
        }
    )
    lp = -6 + 0.08 * data["age"] + 0.6 * data["sex"] + 0.7 * (data["stage"] == "III") + 0.3 * np.log(data["marker"] + 1)
    data["y"] = (rng.random(n) < expit(lp)).astype(int)
    return data


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ age + sex + stage + np.log(marker + 1)",
        "y ~ age * sex + C(stage)",
        "y ~ age + I(age ** 2) + C(stage, Treatment('II'))",
        "y ~ np.log1p(marker) + age:C(stage) + age",
    ],
)
def test_from_statsmodels_formula(cohort, formula):
    smf = pytest.importorskip("statsmodels.formula.api")
    result = smf.logit(formula, cohort).fit(disp=0, maxiter=200)
    interact = {"marker": [1.0]} if "marker:" in formula else None
    nomogram = Nomogram.from_statsmodels(result, interact=interact)
    np.testing.assert_allclose(nomogram.predict(cohort), result.predict(cohort), rtol=1e-8)
    frame = result.get_prediction(cohort.head(8)).summary_frame()
    ours = nomogram.prediction_interval(cohort.head(8))
    se = np.sqrt(np.einsum("ij,jk,ik->i", result.model.exog[:8], result.cov_params(), result.model.exog[:8]))
    lp = result.model.exog[:8] @ result.params.to_numpy()
    np.testing.assert_allclose(ours["low"], expit(lp - 1.959963984540054 * se), rtol=1e-8)
    np.testing.assert_allclose(ours["probability"], frame["predicted"], rtol=1e-8)


def test_a_probability_enters_by_its_logit_on_an_axis_of_probabilities(cohort):
    data = pd.DataFrame(
        {"p": np.r_[0.0, np.random.default_rng(0).beta(1, 2, 200), 1.0], "age": np.linspace(30, 90, 202)}
    )
    named = {"Intercept": -1.0, "logit(p, 0.001)": 0.8, "age": 0.02}
    nomogram = Nomogram.from_coefficients(named, data, ticks={"p": [0.001, 0.1, 0.5, 0.9, 0.999]})
    expected = expit(-1 + 0.8 * logit(data["p"].clip(0.001, 0.999)) + 0.02 * data["age"])
    np.testing.assert_allclose(nomogram.predict(data), expected, rtol=1e-12)
    np.testing.assert_array_equal(Nomogram.from_json(nomogram.to_json()).predict(data), nomogram.predict(data))
    axis = next(axis for axis in nomogram.axes if axis.variable == "p")
    np.testing.assert_allclose(np.diff(axis.points)[1], np.diff(axis.points)[2])  # 0.1 and 0.9 lie as far from 0.5
    plain = Nomogram.from_coefficients({"Intercept": 0.0, "logit(p)": 1.0}, data[1:-1], ticks={"p": [0.1, 0.9]})
    np.testing.assert_allclose(plain.predict(data[1:-1]), data["p"][1:-1], rtol=1e-12)
    with pytest.raises(ValueError, match=r"allowed: from 0 to below 0\.5"):
        Nomogram.from_coefficients({"Intercept": 0.0, "logit(p, 0.5)": 1.0}, data)


def test_from_statsmodels_matrix_and_linear(cohort):
    sm = pytest.importorskip("statsmodels.api")
    X = sm.add_constant(cohort[["age", "sex"]])
    glm = sm.GLM(cohort["y"], X, family=sm.families.Binomial()).fit()
    np.testing.assert_allclose(Nomogram.from_statsmodels(glm).predict(cohort), glm.predict(X), rtol=1e-8)
    ols = sm.OLS(cohort["marker"], X).fit()
    linear = Nomogram.from_statsmodels(ols)
    assert linear.link == "identity"
    np.testing.assert_allclose(linear.predict(cohort), ols.predict(X), rtol=1e-9)


def test_models_without_a_link_that_is_known_are_refused_by_name(cohort):
    sm = pytest.importorskip("statsmodels.api")
    X = cohort[["age", "sex"]]
    time = 1 + cohort["age"].to_numpy() % 7
    cox = sm.PHReg(time, X, status=cohort["y"].to_numpy()).fit()
    with pytest.raises(ValueError, match=r"A PHReg model has no link .*link='survival'.*baseline_survival="):
        Nomogram.from_statsmodels(cox)
    shown = Nomogram.from_statsmodels(cox, X, link="survival", baseline_survival=0.7)
    np.testing.assert_allclose(shown.predict(X), 0.7 ** np.exp(X.to_numpy() @ cox.params), rtol=1e-9)
    counts = sm.GLM(cohort["age"].round(), sm.add_constant(X[["sex"]]), family=sm.families.Poisson()).fit()
    with pytest.raises(ValueError, match="GLM of the family Poisson with the link log"):
        Nomogram.from_statsmodels(counts)
    with pytest.raises(ValueError, match="A Probit model"):
        Nomogram.from_statsmodels(sm.Probit(cohort["y"], sm.add_constant(X)).fit(disp=0))


def test_scores_that_are_no_log_odds_are_refused(cohort):
    pytest.importorskip("sklearn")
    from sklearn.linear_model import RidgeClassifier, SGDClassifier

    X, y = cohort[["age", "sex"]], cohort["y"]
    with pytest.raises(ValueError, match="RidgeClassifier predicts no probabilities: its score is no log odds"):
        Nomogram.from_sklearn(RidgeClassifier().fit(X, y), X)
    small = X / 100
    huber = SGDClassifier(loss="modified_huber", random_state=0).fit(small, y)
    with pytest.raises(ValueError, match="The probabilities of SGDClassifier are up to"):
        Nomogram.from_sklearn(huber, small)
    assert Nomogram.from_sklearn(RidgeClassifier().fit(X, y), X, link="identity").link == "identity"


def test_columns_are_read_as_numbers(cohort):
    nomogram = Nomogram.from_coefficients({"Intercept": -5.0, "age": 0.05}, cohort)
    for age, message in (
        (["60"], "'age' must hold numbers; got text"),
        (pd.to_timedelta([60], unit="D"), "'age' must hold numbers; got time spans"),
        ([np.inf], "'age' is infinite in row 0"),
    ):
        with pytest.raises(ValueError, match=message):
            nomogram.predict(pd.DataFrame({"age": age}))


def test_from_sklearn(cohort):
    pytest.importorskip("sklearn")
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_selection import SelectKBest
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, RobustScaler, StandardScaler

    numeric, X, y = ["age", "sex", "marker"], cohort[["age", "sex", "stage", "marker"]], cohort["y"]
    scaled = make_pipeline(SimpleImputer(), StandardScaler(), SelectKBest(k=2))
    for part, encoder in (
        (scaled, OneHotEncoder(drop="first")),
        (MinMaxScaler(), OneHotEncoder()),
        (RobustScaler(), OneHotEncoder(drop="if_binary")),
        ("passthrough", OneHotEncoder(drop="first")),
    ):
        prepare = ColumnTransformer([("num", part, numeric), ("cat", encoder, ["stage"])])
        pipeline = make_pipeline(prepare, LogisticRegression(max_iter=5000)).fit(X, y)
        nomogram = Nomogram.from_sklearn(pipeline, X)
        np.testing.assert_allclose(nomogram.predict(X), pipeline.predict_proba(X)[:, 1], rtol=1e-9)
    line = make_pipeline(StandardScaler(with_mean=False), LinearRegression()).fit(X[["age", "sex"]], cohort["marker"])
    np.testing.assert_allclose(
        Nomogram.from_sklearn(line, X[["age", "sex"]]).predict(X), line.predict(X[["age", "sex"]]), rtol=1e-9
    )
    bent = make_pipeline(PolynomialFeatures(2), LogisticRegression(max_iter=9000)).fit(X[["age", "sex"]], y)
    with pytest.raises(ValueError, match="cannot be folded"):
        Nomogram.from_sklearn(bent, X[["age", "sex"]])


def test_interaction_of_numbers_needs_settings(cohort):
    coef = {"Intercept": -5, "age": 0.05, "marker": 0.1, "age:marker": 0.002}
    with pytest.raises(ValueError, match="interact="):
        Nomogram.from_coefficients(coef, cohort)
    nomogram = Nomogram.from_coefficients(coef, cohort, interact={"marker": [1.0, 4.0]})
    assert [axis.name for axis in nomogram.axes] == ["age (marker=1)", "age (marker=4)"]
    points = nomogram.points(cohort)
    lp = nomogram.lp_at_zero + points["total"] / nomogram.points_per_unit
    np.testing.assert_allclose(lp, nomogram.linear_predictor(cohort), rtol=1e-10)


def test_survival_link():
    data = {"x": np.arange(20.0)}
    nomogram = Nomogram.from_coefficients({"x": 0.1}, data, intercept=-1, link="survival", baseline_survival=0.8)
    assert nomogram.predict({"x": [10.0]}) == pytest.approx([0.8])
    assert nomogram.probability_to_total(nomogram.total_to_probability(40.0)) == pytest.approx([40])
    assert nomogram.predict({"x": [15.0]})[0] < 0.8


def test_negative_effect_gives_points_to_low_values():
    nomogram = Nomogram.from_coefficients({"a": -1.0, "b": 0.5}, {"a": np.arange(0, 11.0), "b": np.arange(0, 11.0)})
    assert nomogram.axes[0].points[0] == pytest.approx(100)
    assert nomogram.points({"a": [10.0], "b": [0.0]})["total"].tolist() == pytest.approx([0])
    assert nomogram.maxscale == 100 and math.isclose(nomogram.points_per_unit, 10)  # noqa: PT018


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(1, 1000))
def test_invariants(seed, p, maxscale):
    """Points sum to the linear predictor on any patient, inside the axes or out; the widest effect spans maxscale."""
    rng = np.random.default_rng(seed)
    names = [f"x{j}" for j in range(p)]
    data = pd.DataFrame(rng.normal(size=(25, p)) * 10.0 ** rng.integers(-3, 4, p), columns=names)
    coef = dict(zip(names, rng.normal(size=p), strict=True))
    nomogram = Nomogram.from_coefficients(coef, data, intercept=0.3, maxscale=maxscale)
    new = data * 3 + 1
    lp = 0.3 + new.to_numpy() @ np.array(list(coef.values()))
    total = nomogram.points(new)["total"].to_numpy()
    back = nomogram.lp_at_zero + total / nomogram.points_per_unit
    np.testing.assert_allclose(back, lp, rtol=1e-8, atol=1e-8 * np.abs(lp).max())
    assert max(axis.points.max() for axis in nomogram.axes) == pytest.approx(maxscale)
    for axis, name in zip(nomogram.axes, names, strict=True):
        assert axis.ticks[0] <= data[name].min()
        assert axis.ticks[-1] >= data[name].max()


DATA = pd.DataFrame({"age": [50.0, 60, 70], "stage": ["I", "II", "I"]})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Nomogram.from_coefficients({"weight": 1}, DATA), "cannot be read"),
        (lambda: Nomogram.from_coefficients({"age'": 1}, DATA), "knots="),
        (lambda: Nomogram.from_coefficients({"stage": 1}, DATA), "uses it as a number"),
        (lambda: Nomogram.from_coefficients({"stage=IV": 1}, DATA), "its levels are"),
        (lambda: Nomogram.from_coefficients({"Intercept": 1}, DATA), "no predictor"),
        (lambda: Nomogram.from_coefficients({"Intercept": 1, "age": 1}, DATA, intercept=2), "more than once"),
        (lambda: Nomogram.from_coefficients({"age": 0}, DATA), "Every effect is zero"),
        (lambda: Nomogram.from_coefficients({"age": np.nan}, DATA), "finite"),
        (lambda: Nomogram.from_coefficients({"age": 1}, DATA, link="probit"), "link"),
        (lambda: Nomogram.from_coefficients({"age": 1}, DATA, link="survival"), "baseline_survival"),
        (lambda: Nomogram.from_coefficients({"age": 1}, DATA, maxscale=0), "maxscale"),
        (lambda: Nomogram.from_coefficients({"age": 1}, DATA, covariance=np.eye(2)), "covariance"),
        (lambda: Nomogram.from_coefficients({"age": 1}, DATA.assign(age=[1, np.nan, 2])), "missing"),
        (lambda: Nomogram.from_coefficients({"age": 1}, DATA.assign(age=5)), "distinct"),
        (lambda: Nomogram.from_coefficients({"age": 1}, DATA).predict({"size": [1]}), "lacks the column"),
        (lambda: Nomogram.from_coefficients({"stage=II": 1}, DATA).predict({"stage": ["V"]}), "knows the levels"),
        (lambda: Nomogram.from_coefficients({"age": 1}, DATA).prediction_interval(DATA), "covariance"),
        (lambda: Nomogram.from_coefficients({"age": 1}, DATA).probability_to_total(1.0), "strictly between"),
        (lambda: Nomogram.from_json('{"format": "other"}'), "no nomogram"),
        (lambda: Nomogram.from_json("{"), "Expecting"),
        (lambda: Nomogram.from_sklearn(object(), DATA), "coef_"),
        (lambda: Nomogram.from_statsmodels(object()), "statsmodels"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
