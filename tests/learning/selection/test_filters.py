"""Each step of selection against an independent implementation, on ordinary, degenerate and p >> n input."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import Lasso, LassoCV, LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.estimator_checks import check_estimator
from statsmodels.stats.outliers_influence import variance_inflation_factor
from threadpoolctl import threadpool_limits

from vcfstats import adjust_pvalues
from vcfstats.learning.selection import (
    CollinearityFilter,
    CorrelationFilter,
    LassoSelector,
    TTestFilter,
    ZScore,
    select_features,
    selection_pipeline,
)
from vcfstats.learning.settings import CollinearitySettings, SelectionSettings


def data(n=60, p=40, seed=0, effect=1.0):
    rng = np.random.default_rng(seed)
    y = (np.arange(n) < 0.4 * n).astype(int)
    X = np.repeat(rng.normal(size=(n, -(-p // 4))), 4, axis=1)[:, :p] + 0.5 * rng.normal(size=(n, p))
    return X * rng.uniform(0.01, 100, p) + effect * np.outer(y, rng.random(p) < 0.3) * 50, y


@pytest.mark.parametrize(
    "estimator",
    [
        ZScore(),
        TTestFilter(),
        TTestFilter(variances="student", adjustment="bh"),
        CorrelationFilter(),
        CorrelationFilter(keep="first"),
        CollinearityFilter(),
        LassoSelector(folds=3, random_state=0),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_accepts_it(estimator):
    assert all(result["status"] in ("passed", "skipped") for result in check_estimator(estimator, on_skip=None))


@pytest.mark.parametrize("ddof", [0, 1])
def test_z_score_is_that_of_scipy_and_of_training_alone(ddof):
    X, y = data()
    X[:, 3] = 0.1  # its mean is 0.1 but for rounding
    fitted = ZScore(ddof=ddof).fit(X[:40], y[:40])
    keep = np.arange(40) != 3
    np.testing.assert_allclose(
        fitted.transform(X[:40])[:, keep], stats.zscore(X[:40][:, keep], ddof=ddof), rtol=1e-10, atol=1e-12
    )
    mean, sd = X[:40].mean(axis=0), X[:40].std(axis=0, ddof=ddof)
    np.testing.assert_allclose(fitted.transform(X[40:])[:, keep], ((X[40:] - mean) / sd)[:, keep], rtol=1e-10)
    assert (fitted.transform(X)[:, 3] == 0).all()


@pytest.mark.parametrize("variances", ["student", "welch"])
def test_t_test_is_that_of_scipy(variances):
    X, y = data(effect=0.05)
    X[:, 5] = 3.0
    X[:, 6] = y  # no variance within the classes
    expected = stats.ttest_ind(X[y == 1], X[y == 0], equal_var=variances == "student").pvalue
    fitted = TTestFilter(variances=variances).fit(X, y)
    others = np.setdiff1d(np.arange(X.shape[1]), [5, 6])
    np.testing.assert_allclose(fitted.pvalues_[others], expected[others], rtol=1e-9)
    assert np.isnan(fitted.pvalues_[5])
    assert fitted.pvalues_[6] == 0
    assert (fitted.support_[others] == (expected[others] < 0.05)).all()
    assert fitted.dropped([f"f{j}" for j in range(X.shape[1])])["f5"] == "does not vary"
    # Feature 5 has no test and does not count among those adjusted for.
    adjusted = TTestFilter(variances=variances, adjustment="bh").fit(X, y).pvalues_
    known = np.arange(X.shape[1]) != 5
    np.testing.assert_allclose(adjusted[known], adjust_pvalues(fitted.pvalues_[known], method="bh"), rtol=1e-12)


def test_t_test_keeps_all_that_varies_at_alpha_one():
    X, y = data()
    X[:, 0] = 1.0
    assert TTestFilter(alpha=1.0).fit(X, y).support_.tolist() == [False] + [True] * 39


@given(st.integers(0, 10_000), st.sampled_from(["smallest_p", "first"]), st.floats(0.3, 0.99))
@settings(max_examples=40, deadline=None)
def test_correlation_filter_leaves_no_pair_and_drops_none_without_a_rival(seed, keep, limit):
    X, y = data(n=30, p=24, seed=seed)
    X[:, 7] = -2 * X[:, 0] + 1  # |r| = 1 with the sign turned
    fitted = CorrelationFilter(limit=limit, keep=keep).fit(X, y)
    r = np.abs(np.corrcoef(X, rowvar=False))
    kept = np.flatnonzero(fitted.support_)
    assert (r[np.ix_(kept, kept)][np.triu_indices(len(kept), 1)] <= limit + 1e-12).all()
    p = stats.ttest_ind(X[y == 1], X[y == 0], equal_var=False).pvalue
    for j in np.flatnonzero(~fitted.support_):
        rival = fitted.rival_[j]
        assert rival in kept
        assert r[j, rival] == pytest.approx(fitted.correlation_[j], abs=1e-12)
        assert r[j, rival] > limit - 1e-12
        assert (rival < j) if keep == "first" else (p[rival] <= p[j] * (1 + 1e-9))
    assert sum(fitted.support_[[0, 7]]) <= 1


def slow_elimination(X, limit):
    """The same rule by regressions of statsmodels."""
    left = list(range(X.shape[1]))
    while len(left) > len(X) - 2:
        r = np.abs(np.corrcoef(X[:, left], rowvar=False))
        left.pop(int(np.argmax((r.sum(axis=0) - 1) / (len(left) - 1))))
    while len(left) > 1:
        design = np.column_stack([np.ones(len(X)), X[:, left]])
        vif = [variance_inflation_factor(design, j + 1) for j in range(len(left))]
        if max(vif) <= limit:
            break
        left.pop(int(np.argmax(vif)))
    return left


@pytest.mark.parametrize(("n", "p", "limit"), [(60, 16, 5.0), (60, 40, 10.0), (20, 40, 10.0), (20, 18, 3.0)])
def test_collinearity_by_regressions(n, p, limit):
    X, y = data(n, p, seed=n + p)
    fitted = CollinearityFilter(limit=limit).fit(X, y)
    left = np.flatnonzero(fitted.support_)
    assert left.tolist() == slow_elimination((X - X.mean(axis=0)) / X.std(axis=0), limit)
    for i, j in enumerate(left):
        r2 = (
            LinearRegression()
            .fit(np.delete(X[:, left], i, axis=1), X[:, j])
            .score(np.delete(X[:, left], i, axis=1), X[:, j])
        )
        assert fitted.inflation_[j] == pytest.approx(1 / (1 - r2), rel=1e-8)
        assert fitted.inflation_[j] <= limit


def test_exact_linear_combination_goes_and_the_rest_stays():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 5))
    X = np.column_stack([X, X[:, 0] + X[:, 1] - X[:, 2], np.full(50, 2.0)])
    y = (np.arange(50) < 20).astype(int)
    fitted = CollinearityFilter(limit=10.0).fit(X, y)
    gone = np.flatnonzero(~fitted.support_).tolist()
    assert len(gone) == 2
    assert gone[1] == 6
    assert gone[0] in (0, 1, 2, 5)
    assert fitted.reasons_[6] == "does not vary"
    assert CollinearityFilter(limit=None).fit(X, y).support_.tolist() == [True] * 6 + [False]


def test_what_goes_while_features_outnumber_cases_goes_by_the_rule_asked_for():
    X, y = data(n=20, p=30)
    p = stats.ttest_ind(X[y == 1], X[y == 0], equal_var=False).pvalue
    fitted = CollinearityFilter(surplus="association", limit=1e12).fit(X, y)
    assert np.flatnonzero(fitted.surplus_).tolist() == sorted(np.argsort(p)[18:].tolist())
    assert all("features outnumber the cases" in fitted.reasons_[j] for j in np.flatnonzero(fitted.surplus_))
    other = CollinearityFilter(limit=1e12).fit(X, y)
    assert other.surplus_.sum() == 12
    worst = int(np.argmax(np.abs(np.corrcoef(X.T)).sum(axis=0)))
    assert other.surplus_[worst]
    assert not CollinearityFilter().fit(X[:, :10], y).surplus_.any()
    with pytest.raises(ValueError, match="surplus"):
        CollinearityFilter(surplus="size").fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rows_drawn_twice_do_not_make_more_features_defined():
    X, y = data(n=20, p=30)
    once = CollinearityFilter().fit(X, y)
    twice = CollinearityFilter().fit(np.vstack([X, X]), np.concatenate([y, y]))
    assert once.support_.sum() <= 18
    np.testing.assert_array_equal(twice.support_, once.support_)


def test_lasso_is_that_of_scikit_learn():
    X, y = data(n=80, p=20, seed=4)
    Z = ZScore().fit_transform(X)
    folds = np.arange(80) % 5
    fitted = LassoSelector(folds=folds, lambda_ratio=0.01).fit(Z, y)
    splits = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]
    reference = LassoCV(alphas=fitted.path_.lambdas, cv=splits, tol=1e-10, max_iter=100_000).fit(Z, y)
    at = int(np.argmin(np.abs(fitted.path_.lambdas - fitted.lambda_)))
    # The same grid for every fold against each fold's own grid interpolated: neighbours at most.
    assert abs(int(np.argmin(np.abs(reference.alphas_ - reference.alpha_))) - at) <= 3
    direct = Lasso(alpha=fitted.lambda_, tol=1e-12, max_iter=1_000_000).fit(Z, y)
    np.testing.assert_allclose(fitted.coef_, direct.coef_, atol=1e-7)
    assert fitted.intercept_ == pytest.approx(y.mean())  # z-scored features: the prevalence
    assert (fitted.support_ == (direct.coef_ != 0)).all()
    one_se = LassoSelector(folds=folds, lambda_ratio=0.01, rule="1se").fit(Z, y)
    assert one_se.lambda_ >= fitted.lambda_
    assert one_se.support_.sum() <= fitted.support_.sum()


def test_chain_is_its_steps_and_logs_every_feature_once():
    X, y = data(n=80, p=80, seed=6)
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(80)])
    frame["still"] = 1.0
    patients = np.array([f"p{i // 2}" for i in range(80)])  # two cases a patient
    out = {"f0": "intra 0.200 < 0.85"}
    asked = SelectionSettings(collinearity=CollinearitySettings(limit=10.0))
    found = select_features(frame, y, patients, asked, np.random.SeedSequence(1), unreliable=out)
    assert [step.name for step in found.steps] == [
        "reliability",
        "zscore",
        "t_test",
        "correlation",
        "surplus",
        "collinearity",
        "lasso",
    ]
    left_out = select_features(frame, y, patients, SelectionSettings(), np.random.SeedSequence(1))
    assert [step.name for step in left_out.steps] == ["zscore", "t_test", "correlation", "lasso"]
    assert found.steps[0].n_in == 81
    for before, after in zip(found.steps, found.steps[1:], strict=False):
        assert before.n_out == after.n_in
    for step in found.steps:
        assert step.n_in - step.n_out == len(step.dropped)
    gone = [name for step in found.steps for name in step.dropped]
    assert sorted([*gone, *found.prepared.features]) == sorted(frame.columns)
    assert set(found.coefficients) == set(found.prepared.features)
    folds = pd.Series(found.lasso.folds).groupby(patients).nunique()
    assert (folds == 1).all()
    pipeline = selection_pipeline(asked, lasso_folds=found.lasso.folds)
    assert isinstance(pipeline, Pipeline)
    kept = pipeline.fit(frame.drop(columns="f0"), y)
    np.testing.assert_allclose(
        kept.transform(frame.drop(columns="f0")), found.prepared.apply(frame), rtol=1e-9, atol=1e-12
    )
    assert [names for _, step in kept.steps for names in getattr(step, "feature_names_in_", [])][-1:]


def test_chain_ends_with_the_reason_where_nothing_is_left():
    X, y = data(n=20, p=12, effect=0)
    frame = pd.DataFrame(X, columns=list("abcdefghijkl"))
    patients = np.arange(20).astype(str)

    def reason(frame=frame, y=y, patients=patients, unreliable=None, **changes):
        found = select_features(
            frame,
            y,
            patients,
            SelectionSettings.model_validate(changes),
            np.random.SeedSequence(0),
            unreliable=unreliable,
        )
        assert found.prepared.features == ()
        assert found.lasso is None
        return found.prepared.reason

    assert reason(t_test={"alpha": 1e-9}) == "step t_test kept none of 12 features"
    assert reason(unreliable=dict.fromkeys("abcdefghijkl", "x")) == "the reliability filter kept no feature"
    assert reason(frame * 0) == "step t_test kept none of 12 features"
    assert "2 events and 18 non-events are too few" in reason(y=(np.arange(20) < 2).astype(int))
    assert "2 patients of the rarer class" in reason(
        patients=np.array(["a"] * 4 + ["b"] * 4 + [f"p{i}" for i in range(12)])
    )


def test_eight_thousand_features_in_seconds():
    rng = np.random.default_rng(8)
    n, p = 164, 8000
    X = np.repeat(rng.normal(size=(n, p // 4)), 4, axis=1) + 0.3 * rng.normal(size=(n, p))
    y = (np.arange(n) < 61).astype(int)
    X[:, :400] += 0.8 * y[:, None]
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(p)])
    with threadpool_limits(1):
        start = time.process_time()
        found = select_features(frame, y, np.arange(n).astype(str), SelectionSettings(), np.random.SeedSequence(2))
        spent = time.process_time() - start
    assert found.prepared.features
    assert spent < 4.0  # 1.6 s where this was written; slower machines may take twice that
