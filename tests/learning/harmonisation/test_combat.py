"""ComBat against neuroCombat, by its invariants, at its edges, and on what it must refuse."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from sklearn.base import clone

from vcfstats.learning.harmonisation import ComBat, Correction

HERE = Path(__file__).parents[2] / "reference" / "combat"
spec = importlib.util.spec_from_file_location("combat_data", HERE / "combat_cohort.py")
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)
VALUES = json.loads((HERE / "combat.json").read_text(encoding="utf-8"))


def fitted(X, batch, age, sex, *, covariates, prior, mean_only):
    design = np.column_stack([sex, age]) if covariates else None
    estimator = ComBat(prior=prior, mean_only=mean_only)
    return estimator, estimator.fit_transform(X, batch=batch, covariates=design)


def configured(name):
    given = dict(reference.CONFIGURATIONS[name])
    data = reference.cohort(**given.pop("data"))
    return data, given


@pytest.mark.parametrize("name", reference.CONFIGURATIONS)
def test_values_of_neurocombat(name):
    data, given = configured(name)
    estimator, found = fitted(*data, **given)
    expected = VALUES[name]
    np.testing.assert_allclose(found, expected["data"], rtol=1e-8, atol=0)
    np.testing.assert_allclose(estimator.gamma_, expected["gamma_star"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(estimator.delta_**2, expected["delta_star"], rtol=1e-8)


def test_neurocombat_s_own_stopping_rule_is_a_little_off_the_fixed_point():
    data, given = configured("two scanners")
    _, found = fitted(*data, **given)
    off = np.abs(found - np.array(VALUES["two scanners, default tolerance"]["data"])) / data[0].std(axis=0)
    assert 1e-9 < off.max() < 1e-3


def simulated(counts=(30, 25), p=15, seed=0, shift=1.0):
    rng = np.random.default_rng(seed)
    scanner = np.repeat([f"s{i}" for i in range(len(counts))], counts)
    which = np.repeat(np.arange(len(counts)), counts)
    X = rng.normal(size=(sum(counts), p)) * rng.uniform(0.5, 2, (len(counts), p))[which]
    X += shift * rng.normal(size=(len(counts), p))[which]
    return X * 10 ** rng.uniform(-3, 3, p) + rng.normal(size=p), scanner


def test_estimates_are_the_fixed_point_of_the_posterior_means():
    X, scanner = simulated()
    estimator = ComBat().fit(X, batch=scanner)
    center = np.array([X[scanner == name].mean(axis=0) for name in estimator.scanners_])
    residual = np.sqrt(((X - center[(scanner == "s1").astype(int)]) ** 2).mean(axis=0))
    z = (X - X.mean(axis=0)) / residual
    for i, name in enumerate(estimator.scanners_):
        own = z[scanner == name]
        mean, variance = own.mean(axis=0), own.var(axis=0, ddof=1)
        m, s2 = variance.mean(), variance.var(ddof=1)
        a, b = 2 + m**2 / s2, m + m**3 / s2
        gamma, delta = estimator.gamma_[i], estimator.delta_[i] ** 2
        t2, n = mean.var(ddof=1), len(own)
        np.testing.assert_allclose(gamma, (n * t2 * mean + delta * mean.mean()) / (n * t2 + delta), atol=1e-9)
        squares = ((own - gamma) ** 2).sum(axis=0)
        np.testing.assert_allclose(delta, (b + squares / 2) / (a + n / 2 - 1), rtol=1e-9)


def test_posterior_mean_of_the_variance_is_the_integral():
    """With gamma known, delta*^2 is the mean of the inverse gamma posterior: by quadrature."""
    X, scanner = simulated(counts=(8, 9), p=6, seed=3)
    estimator = ComBat().fit(X, batch=scanner)
    center = np.array([X[scanner == name].mean(axis=0) for name in estimator.scanners_])
    residual = np.sqrt(((X - center[(scanner == "s1").astype(int)]) ** 2).mean(axis=0))
    own = ((X - X.mean(axis=0)) / residual)[scanner == "s0"]
    variance = own.var(axis=0, ddof=1)
    m, s2 = variance.mean(), variance.var(ddof=1)
    a, b = 2 + m**2 / s2, m + m**3 / s2
    for g in range(3):
        squares = ((own[:, g] - estimator.gamma_[0, g]) ** 2).sum()

        def density(v, squares=squares):
            return np.exp(-(a + 1 + len(own) / 2) * np.log(v) - (b + squares / 2) / v + 40)

        total = quad(density, 0, np.inf, epsabs=0, epsrel=1e-11)[0]
        mean = quad(lambda v, f=density: v * f(v), 0, np.inf, epsabs=0, epsrel=1e-11)[0] / total
        assert estimator.delta_[0, g] ** 2 == pytest.approx(mean, rel=1e-7)


def test_without_a_prior_every_scanner_has_the_same_mean_and_variance():
    X, scanner = simulated()
    after = ComBat(prior="none").fit_transform(X, batch=scanner)
    first, second = after[scanner == "s0"], after[scanner == "s1"]
    scale = X.std(axis=0)
    np.testing.assert_allclose((first.mean(axis=0) - second.mean(axis=0)) / scale, 0, atol=1e-9)
    np.testing.assert_allclose(first.std(axis=0, ddof=1), second.std(axis=0, ddof=1), rtol=1e-9)


def test_mean_only_leaves_the_spread():
    X, scanner = simulated()
    after = ComBat(mean_only=True).fit_transform(X, batch=scanner)
    for name in ("s0", "s1"):
        np.testing.assert_allclose(after[scanner == name].std(axis=0), X[scanner == name].std(axis=0), rtol=1e-9)


def test_shrunken_estimates_of_a_little_scanner_are_nearer_the_truth():
    rng = np.random.default_rng(5)
    gamma, delta = rng.normal(0.5, 0.3, 200), np.exp(rng.normal(0.3, 0.2, 200))
    scanner = np.repeat(["s0", "s1"], [400, 5])
    X = rng.normal(size=(405, 200))
    X[400:] = gamma + delta * X[400:]
    errors = []
    for prior in ("none", "parametric", "nonparametric"):
        found = ComBat(prior=prior).fit(X, batch=scanner)
        errors.append(
            [np.mean((found.gamma_[1] - gamma) ** 2), np.mean((np.log(found.delta_[1]) - np.log(delta)) ** 2)]
        )
    assert (np.array(errors[1:]) < 0.6 * np.array(errors[0])).all(), errors


def test_effect_of_a_preserved_covariate_stays_and_is_lost_without_it():
    """Scanner B examines the older patients: what age does to the feature is no scanner's doing."""
    rng = np.random.default_rng(8)
    age = np.concatenate([rng.normal(50, 5, 80), rng.normal(70, 5, 80)])
    scanner = np.repeat(["A", "B"], 80)
    X = 0.2 * age[:, None] + rng.normal(size=(160, 40)) + 3.0 * (scanner == "B")[:, None]
    slope = [np.polyfit(age, column, 1)[0] for column in X.T]
    kept = ComBat().fit_transform(X, batch=scanner, covariates=age[:, None])
    lost = ComBat().fit_transform(X, batch=scanner)
    assert np.mean(slope) > 0.3
    assert np.mean([np.polyfit(age, column, 1)[0] for column in kept.T]) == pytest.approx(0.2, abs=0.02)
    assert np.mean([np.polyfit(age, column, 1)[0] for column in lost.T]) < 0.1


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    counts=st.lists(st.integers(3, 12), min_size=2, max_size=4),
    p=st.integers(2, 9),
    prior=st.sampled_from(["parametric", "nonparametric", "none"]),
    mean_only=st.booleans(),
)
def test_invariants(seed, counts, p, prior, mean_only):
    X, scanner = simulated(tuple(counts), p, seed)
    rng = np.random.default_rng(seed)
    make = {"prior": prior, "mean_only": mean_only}
    after = ComBat(**make).fit_transform(X, batch=scanner)
    scale = X.std(axis=0)

    def same(found, expected):
        np.testing.assert_allclose(found / scale, expected / scale, atol=1e-7)

    # Order of the cases and of the features, names of the scanners.
    rows, columns = rng.permutation(len(X)), rng.permutation(p)
    same(ComBat(**make).fit_transform(X[rows], batch=scanner[rows]), after[rows])
    swapped = ComBat(**make).fit_transform(X[:, columns], batch=scanner)
    np.testing.assert_allclose(swapped / scale[columns], after[:, columns] / scale[columns], atol=1e-7)
    renamed = np.array([f"z{9 - int(name[1])}" for name in scanner])
    same(ComBat(**make).fit_transform(X, batch=renamed), after)
    # Units: a feature times a positive factor plus a constant.
    factor, constant = 10 ** rng.uniform(-2, 2, p), rng.normal(size=p)
    moved = ComBat(**make).fit_transform(X * factor + constant, batch=scanner)
    same((moved - constant) / factor, after)
    # A case is harmonised by its scanner alone, in whatever company.
    estimator = ComBat(**make).fit(X, batch=scanner)
    one = int(rng.integers(len(X)))
    same(estimator.transform(X[[one]], batch=scanner[[one]]), after[[one]])
    # Within a scanner the order of the cases' values stays.
    for name in np.unique(scanner):
        own = scanner == name
        assert (np.argsort(X[own], axis=0, kind="stable") == np.argsort(after[own], axis=0, kind="stable")).all()


def test_features_that_cannot_be_harmonised_stay_bit_for_bit_and_teach_nothing():
    X, scanner = simulated(p=10)
    before = ComBat().fit(X, batch=scanner)
    odd = np.column_stack([X[:, :4], np.full(len(X), 7.1), np.where(scanner == "s0", 3.3, X[:, 9]), X[:, 4:]])
    estimator = ComBat().fit(odd, batch=scanner)
    after = estimator.transform(odd, batch=scanner)
    assert estimator.unchanged_ == dict.fromkeys((4, 5), "does not vary on every scanner")
    assert (after[:, 4:6] == odd[:, 4:6]).all()
    rest = np.r_[0:4, 6:12]
    np.testing.assert_allclose(after[:, rest], before.transform(X, batch=scanner), rtol=1e-12)


def test_equal_features_have_equal_estimates_and_no_spread_of_the_priors():
    X, scanner = simulated(p=1)
    doubled = np.repeat(X, 3, axis=1)
    estimator = ComBat().fit(doubled, batch=scanner)
    assert np.isfinite(estimator.gamma_).all()
    plain = ComBat(prior="none").fit(X, batch=scanner)
    np.testing.assert_allclose(estimator.gamma_[:, 0], plain.gamma_[:, 0], rtol=1e-9)
    np.testing.assert_allclose(estimator.delta_[:, 0], plain.delta_[:, 0], rtol=1e-9)


def test_value_that_many_cases_share_is_moved_apart_by_scanner():
    """What the docstring warns of: a unit that is 0 in most cases tells the scanners apart once it is harmonised."""
    X, scanner = simulated(p=10)
    X[:, 0] = np.where(np.arange(len(X)) % 5 == 0, np.abs(X[:, 0]), 0.0)
    after = ComBat().fit_transform(X, batch=scanner)
    zeros = X[:, 0] == 0
    values = [np.unique(after[zeros & (scanner == name), 0].round(9)) for name in ("s0", "s1")]
    assert [len(found) for found in values] == [1, 1]
    assert values[0] != values[1]


def test_two_cases_of_a_scanner_are_enough_where_they_are_allowed():
    X, scanner = simulated(counts=(20, 2), p=6)
    assert np.isfinite(ComBat().fit_transform(X, batch=scanner)).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch": np.repeat("s0", 55)}, "one scanner, 's0'"),
        ({"batch": np.repeat(["s0", "s1"], [54, 1])}, "1 cases of 's1'; at least 2"),
        ({"batch": [None] * 55}, r"batch\[0\] is missing"),
        ({"batch": ["s0", "s1"]}, "one scanner for each of 55 cases"),
        ({"covariates": np.repeat([0.0, 1.0], [30, 25])[:, None]}, "determined by the scanners"),
        ({"covariates": np.full((55, 1), np.nan)}, r"covariates\[0\] is missing"),
        ({"covariates": np.zeros(55)}, "one column a covariate"),
        ({"X": np.full((55, 3), np.nan)}, "NaN"),
        ({"X": np.ones((55, 3))}, "0 features vary on every scanner"),
    ],
)
def test_what_is_refused(change, said):
    X, scanner = simulated()
    given = {"X": X, "batch": scanner} | change
    with pytest.raises(ValueError, match=said):
        ComBat().fit(given.pop("X"), **given)


def test_a_scanner_of_too_few_cases_is_refused():
    X, scanner = simulated(counts=(30, 9))
    with pytest.raises(ValueError, match="9 cases of 's1'; at least 10"):
        ComBat(min_cases=10).fit(X, batch=scanner)
    with pytest.raises(ValueError, match="prior"):
        ComBat(prior="normal").fit(X, batch=scanner)


def test_an_unseen_scanner_is_refused_at_transform():
    X, scanner = simulated()
    estimator = ComBat().fit(X, batch=scanner)
    with pytest.raises(ValueError, match=r"batch\[1\] is 'new', on which no training case"):
        estimator.transform(X[:2], batch=["s0", "new"])
    with pytest.raises(ValueError, match="1 columns; fitted with 0"):
        estimator.transform(X, batch=scanner, covariates=np.ones((55, 1)))
    with pytest.raises(ValueError, match="features"):
        estimator.transform(X[:, :3], batch=scanner)


def test_it_is_an_estimator_of_scikit_learn_that_never_sees_the_outcome():
    X, scanner = simulated()
    estimator = ComBat(prior="none", min_cases=5)
    assert clone(estimator).get_params() == estimator.get_params()
    fitted_with, fitted_without = (
        clone(estimator).fit(X, scanner == "s0", batch=scanner),
        estimator.fit(X, batch=scanner),
    )
    assert fitted_with.correction_ == fitted_without.correction_
    assert list(estimator.get_feature_names_out()) == [f"x{j}" for j in range(X.shape[1])]


def test_correction_survives_json():
    data, given = configured("three scanners, one small")
    correction = fitted(*data, **given)[0].correction_
    from dataclasses import asdict

    assert Correction.from_dict(json.loads(json.dumps(asdict(correction)))) == correction
