import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from vcfstats import optimism_bootstrap, optimism_from_resamples, repeated_cross_validation
from vcfstats.statistics.validation.crossvalidation import logistic_procedure
from vcfstats.statistics.validation.measures import evaluate, no_information
from vcfstats.statistics.validation.optimism import OptimismResult, _plus

ROOT = Path(__file__).parents[1] / "reference"
CASES = sorted(p.stem for p in (ROOT / "validate").glob("validate_*.json"))
OF_RMS = {"auc": "Dxy", "brier": "B", "slope": "Slope", "intercept": "Intercept"}
FOUR = ("auc", "brier", "slope", "intercept")


def load(case):
    content = json.loads((ROOT / "validate" / f"{case}.json").read_text())
    data = pd.read_csv(ROOT / "regression" / Path(content["meta"]["data"]).name)
    names = [name.strip() for name in content["results"]["formula"].split("~")[1].split("+")]
    return pd.get_dummies(data[names], drop_first=True).astype(float), data["y"], content["results"]


def rows(table):
    return dict(zip(table["rows"], np.array(table["data"]), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_optimism_of_rms(case):
    X, y, r = load(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # 5% separated resamples of sim164, counted
        result = optimism_bootstrap("logistic", X, y, n_resamples=2000, measures=FOUR, random_state=7)
    peer, error = rows(r["boot"]["mean"]), rows(r["boot"]["monte_carlo_se"])
    for k, name in enumerate(FOUR):
        scale = 0.5 if name == "auc" else 1.0
        shift = 0.5 if name == "auc" else 0.0
        # Both sides are means over 2,000 resamples; rms bins the predictions behind its Dxy.
        for column, found in ((1, result.training), (2, result.test), (4, result.corrected)):
            slack = 4 * np.sqrt(2) * scale * error[OF_RMS[name]][column] + (1e-3 if name == "auc" else 1e-6)
            assert abs(found[k] - (peer[OF_RMS[name]][column] * scale + shift)) < slack, (name, column)
        assert_allclose(result.apparent[k], peer[OF_RMS[name]][0] * scale + shift, atol=1e-3 if name == "auc" else 1e-8)


@pytest.mark.parametrize("case", CASES)
def test_632_of_rms(case):
    X, y, r = load(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        result = optimism_bootstrap("logistic", X, y, n_resamples=1000, measures=("auc", "brier"), random_state=8)
    peer, error = rows(r["dot632"]["mean"]), rows(r["dot632"]["monte_carlo_se"])
    for k, (name, scale, shift) in enumerate((("Dxy", 0.5, 0.5), ("B", 1.0, 0.0))):
        slack = 4 * np.sqrt(2) * scale * error[name][4] + 1e-3
        assert abs(result.corrected_632[k] - (peer[name][4] * scale + shift)) < slack


@pytest.mark.parametrize("case", CASES)
def test_cross_validation_of_given_folds(case):
    X, y, r = load(case)
    result = repeated_cross_validation("logistic", X, y, folds=np.arange(len(y)) % 10, measures=FOUR)
    peer = r["cv10_deterministic"]["value"]
    assert_allclose(result.estimate[:2], [peer["pooled_auc"], peer["brier"]], rtol=1e-8)
    # The peer's glm stops at its default epsilon of 1e-8.
    assert_allclose(result.estimate[2:], [peer["slope"], peer["intercept"]], rtol=3e-7)
    lp = np.log(result.probability[:10, 0] / (1 - result.probability[:10, 0]))
    assert_allclose(lp, peer["first10_lp"], rtol=1e-6)


def test_vectorised_path_equals_fitting_one_by_one():
    X, y, _ = load("validate_sim70")
    fast = optimism_bootstrap("logistic", X, y, n_resamples=30, n_outer=3, n_inner=10, random_state=5)
    slow = optimism_bootstrap(
        logistic_procedure, X.to_numpy(), y, n_resamples=30, n_outer=3, n_inner=10, random_state=5
    )
    for name in ("apparent", "training", "test", "corrected", "out_of_bag", "corrected_632", "corrected_632plus"):
        assert_allclose(getattr(fast, name), getattr(slow, name), rtol=1e-7, atol=1e-8)
    assert_allclose(fast._two_stage, slow._two_stage, rtol=1e-7, atol=1e-8)


def test_scikit_learn_pipeline_of_maximum_likelihood_agrees():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y, _ = load("validate_sim70")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000))
    peer = optimism_bootstrap(model, X, y, n_resamples=15, random_state=5)
    ours = optimism_bootstrap("logistic", X, y, n_resamples=15, random_state=5)
    assert_allclose(peer.corrected, ours.corrected, atol=1e-4)


@pytest.mark.parametrize("clustered", [False, True])
def test_probabilities_of_refitted_models_give_the_same_optimism(clustered):
    """The procedure's own draws and probabilities, overheard, give what the procedure's bootstrap gives."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(90, 3))
    y = rng.random(90) < 1 / (1 + np.exp(-X[:, 0]))
    patient = np.arange(90) // 2 if clustered else None
    draws, models = [], []

    def procedure(inside, outcome, patients):
        draws.append(inside)
        predict = logistic_procedure(inside, outcome, patients)
        models.append(predict)
        return predict

    options = {"measures": ("auc", "brier", "slope", "intercept")}
    peer = optimism_bootstrap(procedure, X, y, groups=patient, n_resamples=20, random_state=4, **options)
    drawn = [(inside[:, None, :] == X[None]).all(axis=2).sum(axis=0) for inside in draws[1:]]
    found = optimism_from_resamples(
        y, models[0](X), resampled_prob=[model(X) for model in models[1:]], drawn=drawn, **options
    )
    for name in ("apparent", "training", "test", "corrected", "out_of_bag", "corrected_632", "corrected_632plus"):
        assert_allclose(getattr(found, name), getattr(peer, name), rtol=1e-9, atol=1e-12, equal_nan=True, err_msg=name)
    assert found.n_resamples == 20


def test_optimism_of_resamples_by_hand():
    y = np.array([0, 0, 1, 1])
    prob = [[0.1, 0.6, 0.5, 0.9], [np.nan] * 4, [0.2, 0.4, 0.3, 0.7]]
    drawn = [[2, 0, 1, 1], [1, 1, 1, 1], [0, 1, 0, 3]]
    with pytest.warns(RuntimeWarning, match="1 of 3 resamples gave no auc"):
        found = optimism_from_resamples(y, [0.1, 0.4, 0.35, 0.8], resampled_prob=prob, drawn=drawn, measures=("auc",))
    assert found.apparent[0] == 0.75
    assert found.training[0] == 1.0  # both resamples rank their own rows rightly
    assert found.test[0] == 0.75
    assert found.corrected[0] == 0.5
    assert found.out_of_bag[0] == 1.0  # the first leaves out one class; the second rows 0 and 2, ranked rightly
    assert found.failures == {"no model": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_prob": [0.1, 0.2]}, "one probability for each of the 4 rows"),
        ({"y_prob": [0.1, 0.2, 0.3, 1.2]}, "y_prob must hold probabilities"),
        ({"resampled_prob": [[0.1] * 4]}, "at least 2 resamples"),
        ({"drawn": [[1] * 4]}, "drawn must have the shape"),
        ({"drawn": [[1, 1, 1, 0.5], [1] * 4]}, "whole numbers"),
        ({"resampled_prob": [[0.1, np.nan, 0.2, 0.3], [0.1] * 4]}, "resample 0 has a probability for some rows"),
        ({"measures": ("gini",)}, "measures must be one of"),
    ],
)
def test_resamples_that_do_not_fit_are_refused(change, message):
    given = {
        "y_prob": [0.1, 0.4, 0.3, 0.8],
        "resampled_prob": [[0.1, 0.4, 0.3, 0.8]] * 2,
        "drawn": [[1] * 4] * 2,
    } | change
    with pytest.raises(ValueError, match=message):
        optimism_from_resamples([0, 0, 1, 1], given.pop("y_prob"), **given)


def test_plus_of_efron_and_tibshirani():
    # Relative overfitting 0 leaves .632; 1 gives the out-of-bag value; beyond no information it is held there.
    assert _plus(0.8, 0.8, 0.5) == pytest.approx(0.8)
    assert _plus(1.0, 0.5, 0.5) == pytest.approx(0.5)
    assert _plus(1.0, 0.3, 0.5) == pytest.approx(0.5)
    r = (0.7 - 0.9) / (0.5 - 0.9)
    w = 0.632 / (1 - 0.368 * r)
    assert _plus(0.9, 0.7, 0.5) == pytest.approx((1 - w) * 0.9 + w * 0.7)
    assert _plus(0.1, 0.4, 0.3) == pytest.approx(0.3)


def test_no_information_is_over_all_pairings():
    y, p = np.array([True, False, False]), np.array([0.9, 0.2, 0.4])
    pairs = [(float(a) - b) ** 2 for a in y for b in p]
    assert_allclose(no_information(y, p)["brier"], np.mean(pairs), rtol=1e-12)


def test_noise_is_corrected_to_noise():
    """Eight predictors of pure noise: the apparent AUC flatters, the corrected one holds 0.5 on average."""
    rng = np.random.default_rng(0)
    corrected, apparent = [], []
    for seed in range(40):
        X, y = rng.normal(size=(100, 8)), np.arange(100) < 40
        result = optimism_bootstrap("logistic", X, y, n_resamples=60, measures=("auc",), random_state=seed)
        corrected.append(result.corrected[0])
        apparent.append(result.apparent[0])
    assert np.mean(apparent) > 0.65
    assert abs(np.mean(corrected) - 0.5) < 4 * np.std(corrected) / np.sqrt(40) + 0.02


def test_copies_of_a_patient_stay_together():
    seen = []

    def procedure(X, y, patients):
        seen.append((X[:, 1], patients))
        return lambda new: np.clip(0.5 + 0.1 * new[:, 0], 0, 1)

    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(30), 3)
    X = np.column_stack([rng.normal(size=90), patient])
    y = rng.random(90) < 0.5
    optimism_bootstrap(procedure, X, y, groups=patient, n_resamples=5, measures=("auc",), random_state=0)
    assert len(seen) == 6
    for named, handed in seen:
        table = pd.DataFrame({"a": named, "b": handed}).groupby("b")["a"].agg(["nunique", "size"])
        assert (table["nunique"] == 1).all()
        assert (table["size"] % 3 == 0).all()  # whole patients


def test_inner_cross_validation_must_know_the_patients():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y, _ = load("validate_sim70")
    grid = {"C": [0.01, 1.0]}
    options = {"n_resamples": 3, "measures": ("auc",), "random_state": 0}
    with pytest.raises(ValueError, match="copies of one patient"):
        optimism_bootstrap(GridSearchCV(LogisticRegression(), grid, cv=3), X, y, **options)
    search = make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), grid, cv=3))
    with pytest.raises(ValueError, match="copies of one patient"):
        optimism_bootstrap(search, X, y, **options)

    class Spy(GroupKFold):
        def split(self, X, y=None, groups=None):
            assert groups is not None
            for train, test in super().split(X, y, groups):
                assert not set(groups[train]) & set(groups[test])
                yield train, test

    Spy.__name__ = "SpyGroupKFold"
    result = optimism_bootstrap(GridSearchCV(LogisticRegression(), grid, cv=Spy(3)), X, y, **options)
    assert result.n_failed.tolist() == [0]
    accepted = GridSearchCV(LogisticRegression(), grid, cv=3)
    assert optimism_bootstrap(accepted, X, y, groups_argument="", **options).n_failed.tolist() == [0]


def test_failures_are_counted_and_said():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(25, 2)), np.arange(25) < 3
    with pytest.warns(RuntimeWarning, match="of 200 resamples gave no"):
        result = optimism_bootstrap("logistic", X, y, n_resamples=200, measures=("auc",), random_state=1)
    assert result.n_failed[0] == sum(result.failures.values()) > 0
    assert (
        optimism_bootstrap("logistic", X, y, stratified=True, n_resamples=50, measures=("brier",), random_state=1).n
        == 25
    )


def test_location_shifted_interval_is_the_apparent_one_shifted():
    X, y, _ = load("validate_sim164")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        result = optimism_bootstrap("logistic", X, y, n_resamples=200, random_state=3)
    values = result._training[:, 0]
    low, high = np.nanquantile(values, [0.025, 0.975]) - result.optimism[0]
    assert_allclose(result.confidence_interval("auc"), (low, high), rtol=1e-12)
    assert np.isnan(result.confidence_interval("slope")).all()
    with pytest.raises(ValueError, match="n_outer"):
        result.confidence_interval("slope", method="two-stage")


def test_a_model_that_memorises_its_resamples_has_no_shifted_interval():
    """One neighbour knows every patient: apparent AUC 1 in all resamples but for copies' ties; a deep tree nearly so."""
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(80, 5)), rng.random(80) < 0.4
    for estimator in (
        KNeighborsClassifier(1),
        DecisionTreeClassifier(random_state=0),
        DecisionTreeClassifier(max_depth=7, random_state=0),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            result = optimism_bootstrap(estimator, X, y, n_resamples=40, measures=("auc", "brier"), random_state=1)
        assert 0.3 < result.corrected[0] < 0.95
        for measure in ("auc", "brier"):
            assert np.isnan(result.confidence_interval(measure)).all()
            assert np.isnan(result.confidence_interval(measure, 0.5)).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.5, 1.0), min_size=2, max_size=30), st.floats(0.5, 1.0), st.floats(0.0, 0.4))
def test_a_shifted_interval_holds_the_corrected_value_or_is_not_given(training, apparent, optimism):
    known = np.array(training)[:, None]
    one = np.array([apparent])
    result = OptimismResult(
        measures=("auc",), apparent=one, training=one, test=one - optimism, optimism=np.array([optimism]), corrected=one - optimism,
        out_of_bag=one, corrected_632=one, corrected_632plus=one, n=10, n_events=5, n_resamples=len(training),
        n_failed=np.array([0]), failures={}, _training=known, _two_stage=None,
    )  # fmt: skip
    low, high = result.confidence_interval("auc")
    assert np.isnan([low, high]).all() or low <= result.corrected[0] <= high


def test_two_stage_gives_the_slope_an_interval():
    X, y, _ = load("validate_sim234")
    result = optimism_bootstrap(
        "logistic", X, y, measures=("auc", "slope"), n_resamples=100, n_outer=60, n_inner=30, random_state=3
    )
    low, high = result.confidence_interval("slope")
    assert low < result.corrected[1] < high
    assert result.to_frame().loc[0, ["low", "high"]].between(0.4, 1).all()


def test_speed_of_the_job_of_rms_validate():
    """200 resamples of a logistic model, 332 patients: rms needs about a second; the target is 5 times its speed."""
    X, y, _ = load("validate_real_pima_te")
    begin = time.process_time()
    optimism_bootstrap("logistic", X, y, measures=FOUR, n_resamples=200, random_state=0)
    assert time.process_time() - begin < 0.2


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_invariants(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 2))
    y = rng.random(60) < 0.5
    options = {"n_resamples": 20, "measures": FOUR, "random_state": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        first = optimism_bootstrap("logistic", X, y, **options)
        again = optimism_bootstrap("logistic", X, y, **options)
        moved = optimism_bootstrap("logistic", X * 3 + 1, y, **options)
        flipped = optimism_bootstrap("logistic", X, ~y, **options)
    assert_array_equal(first.corrected, again.corrected)
    assert_allclose(moved.corrected, first.corrected, rtol=1e-6, atol=1e-8)
    assert_allclose(flipped.corrected[:3], first.corrected[:3], rtol=1e-6, atol=1e-8)
    assert_allclose(first.apparent[2:], [1, 0], atol=1e-8)


def test_measures_of_useless_predictions():
    y = np.array([True, False, True, False])
    found = evaluate(y, np.full(4, 0.5), ("auc", "brier", "slope", "ici"))
    assert_allclose(found, [0.5, 0.25, np.nan, np.nan])


@pytest.mark.parametrize(
    ("estimator", "options", "message"),
    [
        ("ridge", {}, "estimator must be one of"),
        (object(), {}, "estimator must be 'logistic'"),
        ("logistic", {"measures": ("kappa",)}, "measures must be one of"),
        ("logistic", {"groups": [1, 2]}, "groups|clusters"),
        ("logistic", {"groups": np.arange(20), "stratified": True}, "exclude each other"),
        (lambda X, y, g: lambda new: new[:, 0] * 100, {}, "no probability"),
    ],
)
def test_errors(estimator, options, message):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), np.arange(20) < 8
    with pytest.raises(ValueError, match=message):
        optimism_bootstrap(estimator, X, y, n_resamples=5, **options)


def test_separated_data_are_refused():
    x = np.arange(20.0)[:, None]
    with pytest.raises(ValueError, match="separate events"):
        optimism_bootstrap("logistic", x, np.arange(20) > 9, n_resamples=5)
    with pytest.raises(ValueError, match="shape"):
        optimism_bootstrap("logistic", x[:5], np.arange(20) > 9)


def test_repeats_average_and_patients_share_a_fold():
    X, y, _ = load("validate_sim70")
    patient = np.arange(70) // 2
    result = repeated_cross_validation("logistic", X, y, n_folds=5, n_repeats=4, groups=patient, random_state=1)
    assert_allclose(result.estimate, result.by_repeat.mean(axis=0))
    for fold in result.folds.T:
        assert (pd.DataFrame({"p": patient, "f": fold}).groupby("p")["f"].nunique() == 1).all()
    assert result.to_frame()["measure"].tolist() == ["auc", "brier", "slope", "intercept", "ici"]
