import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from vcfstats import lasso_path

REFERENCE = Path(__file__).parents[1] / "reference" / "lasso"
CASES = sorted(p.stem.removeprefix("glmnet_") for p in REFERENCE.glob("*.json"))
# How far glmnet's own solution is from the exact one (thresh 1e-14 bounds its objective, not its coefficients).
SLACK = {"lasso1000x12": 2e-6, "lasso164x30": 1e-5, "lasso70x100": 6e-4}


def load(case):
    data = pd.read_csv(REFERENCE / f"{case}.csv")
    return data.filter(regex=r"^x\d"), data, json.loads((REFERENCE / f"glmnet_{case}.json").read_text())["results"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize(("standardize", "alpha"), [(True, 1), (True, 0.5), (False, 1)])
def test_path_of_glmnet(case, family, standardize, alpha):
    X, data, r = load(case)
    peer = r[f"{family}_std{str(standardize).upper()}_alpha{alpha}"]["value"]
    y = data["yc"] if family == "gaussian" else data["yb"]
    path = lasso_path(X, y, family=family, lambdas=r["lambda"], standardize=standardize, alpha=alpha)
    coef = np.zeros((len(r["lambda"]), X.shape[1]))
    for name, values in peer["beta_by_var"].items():
        coef[:, X.columns.get_loc(name)] = values
    assert_allclose(path.coef, coef, atol=SLACK[case])
    assert_allclose(path.intercept, peer["a0"], atol=5 * SLACK[case])
    assert_allclose(path.dev_ratio, peer["dev.ratio"], atol=5e-7)
    assert_array_equal(path.df, peer["df"])
    assert_allclose(path.null_deviance, peer["nulldev"], rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_default_sequence_of_glmnet(case):
    X, data, r = load(case)
    for family, y in (("gaussian", data["yc"]), ("binomial", data["yb"])):
        peer = np.array(r[f"default_lambda_sequence_{family}"]["value"])
        found = lasso_path(X, y, family=family).lambdas
        # The stored call stops at thresh 1e-7, whose deviances may end the sequence one penalty later.
        assert abs(len(found) - len(peer)) <= 1
        shared = min(len(found), len(peer))
        assert_allclose(found[:shared], peer[:shared], rtol=1e-12)


CV = [
    ("gaussian", "mse"),
    ("gaussian", "mae"),
    ("binomial", "deviance"),
    ("binomial", "auc"),
    ("binomial", "class"),
    ("binomial", "mse"),
    ("gaussian", None),
    ("binomial", None),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("family", "measure"), CV)
def test_cross_validation_of_glmnet(case, family, measure):
    X, data, r = load(case)
    peer = r[f"cv_{family}_{measure or 'default_lambda'}"]["value"]
    y = data["yc"] if family == "gaussian" else data["yb"]
    lambdas = r["lambda"] if measure else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = lasso_path(X, y, family=family, lambdas=lambdas, folds=data["foldid"], measure=measure)
    few = measure == "auc" and case == "lasso70x100"
    assert [str(w.message)[:22] for w in caught] == (["70 rows in 10 folds ar"] if few else [])
    assert_allclose(path.lambdas, peer["lambda"], rtol=1e-12)
    assert_allclose(path.cv_mean, peer["cvm"], atol=2e-4 if case == "lasso70x100" else 1e-6)
    assert_allclose(path.cv_se, peer["cvsd"], atol=1e-4 if case == "lasso70x100" else 1e-6)
    assert_allclose([path.lambda_min, path.lambda_1se], [peer["lambda.min"], peer["lambda.1se"]], rtol=1e-12)
    for rule, key in (("lambda_min", "coef_min"), ("lambda_1se", "coef_1se")):
        assert_allclose(path.coef_at(rule), list(peer[key].values()), atol=2e-5)


def optimality(X, y, path, family):
    """Largest breach of the optimality conditions, in units of the penalty: 0 at an exact solution."""
    Z = (X - path.center) / path.scale
    worst = 0.0
    for penalty, intercept, coef in zip(path.lambdas, path.intercept, path.coef, strict=True):
        eta = intercept + X @ coef
        residual = y - (expit(eta) if family == "binomial" else eta)
        gradient = Z.T @ residual / len(y)
        active = coef != 0
        breach = np.append(np.abs(gradient[~active]) - penalty, np.abs(gradient - penalty * np.sign(coef))[active])
        worst = max(worst, breach.max(initial=0) / penalty, abs(residual.mean()) / penalty)
    return worst


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_solutions_are_exact(case, family):
    X, data, _ = load(case)
    y = (data["yc"] if family == "gaussian" else data["yb"]).to_numpy(dtype=float)
    assert optimality(X.to_numpy(), y, lasso_path(X, y, family=family), family) < 1e-8


def test_orthonormal_predictors_are_soft_thresholded():
    rng = np.random.default_rng(2)
    Q = np.linalg.qr(np.column_stack([np.ones(50), rng.normal(size=(50, 4))]))[0][:, 1:] * np.sqrt(50)
    y = 2 + Q @ [1.0, -0.6, 0.2, 0] + rng.normal(size=50)
    least_squares = Q.T @ y / 50
    path = lasso_path(Q, y, lambdas=[0.5, 0.3, 0.05])
    for penalty, coef in zip(path.lambdas, path.coef, strict=True):
        assert_allclose(coef, np.sign(least_squares) * np.maximum(np.abs(least_squares) - penalty, 0), atol=1e-12)


def test_gaussian_lasso_of_an_outcome_has_the_prevalence_as_intercept():
    """As published: the intercept of the score on z-scored features is 61 / 164 = 0.37195."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(164, 30))
    y = np.arange(164) < 61
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    path = lasso_path(z, y.astype(float), lambdas=[0.05, 0.0095])
    assert_allclose(path.intercept, 0.37195, atol=5e-6)
    with pytest.raises(ValueError, match="no probability"):
        path.predict_proba(z, 0.05)


def test_ddof_rescales_the_penalty():
    X, data, _ = load("lasso164x30")
    n = len(X)
    first = lasso_path(X, data["yc"], lambdas=[0.1])
    second = lasso_path(X, data["yc"], lambdas=[0.1 * np.sqrt((n - 1) / n)], ddof=1)
    assert_allclose(first.coef, second.coef, rtol=1e-10, atol=1e-14)


def test_scikit_learn_agrees():
    from sklearn.linear_model import Lasso

    X, data, _ = load("lasso164x30")
    z = (X - X.mean()) / X.std(ddof=0)
    for penalty in (0.5, 0.05):
        peer = Lasso(alpha=penalty, tol=1e-14, max_iter=200_000).fit(z, data["yc"])
        path = lasso_path(z, data["yc"], lambdas=[penalty])
        assert_allclose(path.coef[0], peer.coef_, atol=1e-8)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("rank", [3, 5])
def test_saturated_models_settle(family, rank):
    """As many predictors as rows, of less rank: whatever enters lies in the span of the others, and the minimum is exact."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(6, rank)) @ rng.normal(size=(rank, 6))
        X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
        y = np.array([0.0, 1, 0, 1, 0, 1])
        path = lasso_path(X, y, family=family, standardize=False, n_lambdas=20, smallest_ratio=0.01)
        assert optimality(X, y, path, family) < 1e-7
        followed = np.linalg.matrix_rank(X[:, path.coef[-1] != 0])
        assert followed == path.df[-1]  # a minimum that no combination of copies could share


def test_following_the_path_finds_what_the_active_set_finds():
    from vcfstats.statistics.lasso.homotopy import Homotopy
    from vcfstats.statistics.lasso.solver import Problem, solve, start

    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 60))
    X[:, 7] = X[:, 3]  # copies stop the following where both would enter
    X -= X.mean(axis=0)
    y = X[:, 3] - X[:, 5] + rng.normal(size=40)
    problem = Problem(X, y, binomial=False)
    follow, state, followed = Homotopy(problem), start(problem), 0
    for penalty in np.abs(X.T @ (y - y.mean())).max() / 40 * 0.01 ** np.linspace(0, 1, 30):
        state = solve(problem, penalty, 0.0, state)
        found = follow.advance(penalty)
        if found is None:
            follow.restart(state, penalty)
            continue
        followed += 1
        difference = found.coef - state.coef
        difference[3] += difference[7]
        difference[7] = 0
        assert_allclose(difference, 0, atol=1e-9)
        assert found.intercept == pytest.approx(state.intercept, abs=1e-12)
    assert followed >= 25


@given(st.integers(0, 10_000), st.sampled_from(["gaussian", "binomial"]), st.integers(1, 12), st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_invariants(seed, family, p, unit):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(25, p))
    X[:, -1] = X[:, 0] if p > 3 else X[:, -1]  # an exact copy
    y = X[:, 0] + rng.normal(size=25)
    y = (y > 0).astype(float) if family == "binomial" else y
    if np.ptp(y) == 0:
        return
    path = lasso_path(X, y, family=family, n_lambdas=12, smallest_ratio=0.01)
    assert optimality(X, y, path, family) < 1e-7
    assert path.df[0] == 0
    assert (np.diff(path.dev_ratio) > -1e-10).all()
    assert (
        np.abs(path.coef * path.scale).sum(axis=1)[1:] >= np.abs(path.coef * path.scale).sum(axis=1)[:-1] - 1e-9
    ).all()
    scaled = lasso_path(X * unit + 3, y, family=family, lambdas=path.lambdas)
    if p <= 3:
        assert_allclose(scaled.coef * unit, path.coef, rtol=1e-6, atol=1e-8)


def test_folds_keep_patients_together_and_seed_decides():
    X, data, _ = load("lasso164x30")
    patient = np.arange(164) // 4
    first = lasso_path(X, data["yb"], family="binomial", n_folds=5, groups=patient, random_state=3)
    again = lasso_path(X, data["yb"], family="binomial", n_folds=5, groups=patient, random_state=3)
    assert (pd.DataFrame({"p": patient, "f": first.folds}).groupby("p")["f"].nunique() == 1).all()
    assert_array_equal(first.cv_mean, again.cv_mean)
    frame = first.to_frame()
    assert frame.loc[frame["choice"].str.contains("lambda_min"), "lambda"].tolist() == [first.lambda_min]
    probability = first.predict_proba(X)
    assert ((probability > 0) & (probability < 1)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": [1.0, 2, 3]}, "10 finite numbers"),
        ({"y": np.ones(10)}, "does not vary"),
        ({"y": np.arange(10.0), "family": "binomial"}, "0/1 or bool"),
        ({"X": np.full((10, 2), np.nan)}, "missing or infinite"),
        ({"alpha": 0}, "alpha must lie"),
        ({"lambdas": [0.1, -1]}, "positive"),
        ({"ddof": 2}, "ddof must be"),
        ({"n_folds": 11}, "between 2 and the 10 rows"),
        ({"folds": np.zeros(10)}, "at least two folds"),
        ({"n_folds": 5, "measure": "auc"}, "measure must be one of"),
        ({"X": np.ones((10, 2))}, "No predictor varies"),
    ],
)
def test_errors(options, message):
    rng = np.random.default_rng(0)
    arguments = {"X": rng.normal(size=(10, 2)), "y": np.arange(10.0)} | options
    with pytest.raises(ValueError, match=message):
        lasso_path(arguments.pop("X"), arguments.pop("y"), **arguments)


def test_coef_at_needs_its_rule():
    rng = np.random.default_rng(0)
    path = lasso_path(rng.normal(size=(10, 2)), np.arange(10.0))
    with pytest.raises(ValueError, match="needs cross-validation"):
        path.coef_at("lambda_min")
    with pytest.raises(ValueError, match="must lie within"):
        path.coef_at(1e9)
