"""Clinical findings: coding, agreement, screening and models against the regression tables, statsmodels and scikit-learn."""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_cohorts import COVARIATES, Finding, seeds, simulated
from scipy.optimize import minimize
from scipy.special import expit

from vcfstats import SeparationWarning, firth_logistic, logistic_table
from vcfstats.contracts.errors import InputError
from vcfstats.learning.clinical import code_findings, fill_values, fit_clinical, screen
from vcfstats.learning.fusion import leaves_nothing
from vcfstats.learning.linear import Column, LinearModel, fit_linear, shrunken
from vcfstats.learning.settings import ClinicalSettings


@pytest.fixture(scope="module")
def coded():
    cohort, _ = simulated(164, 10, n_radiomics=5, n_units=1, seed=3)
    training = cohort[cohort["partition"] == "training"]
    return training, code_findings(training, COVARIATES, {}, ClinicalSettings())


def test_coding_is_against_the_reference_level(coded):
    training, findings = coded
    assert list(findings.design) == [
        "age",
        "sex=male",
        "location=thoracic",
        "location=cervical",
        "wedge=1",
        "edema=1",
        "mass=1",
    ]
    assert findings.columns["location=cervical"] == Column("location", "cervical", "lumbar")
    assert (findings.design["location=thoracic"] == (training["location"] == "thoracic")).all()
    gap = training.assign(sex=training["sex"].where(training["age"] > 60))
    missing = code_findings(gap, COVARIATES, {}, ClinicalSettings()).design["sex=male"].isna()
    assert (missing == gap["sex"].isna()).all()


def test_agreement_is_asked_of_findings_read_twice_alone(coded):
    kappas = {"wedge": 0.75, "edema": 0.751, "mass": float("nan")}
    found = code_findings(coded[0], COVARIATES, kappas, ClinicalSettings())
    assert found.variables == ("age", "sex", "location", "edema")
    assert found.dropped["mass"] == "how the readers agree is not known (kappa is undefined)"
    assert code_findings(coded[0], COVARIATES, kappas, ClinicalSettings(kappa_above=None)).dropped == {}


def test_screening_is_that_of_the_regression_table(coded):
    training, findings = coded
    y = training["outcome"].to_numpy()
    found = screen([findings.design], y, findings.columns, ClinicalSettings())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        reference = {name: levels.levels and next(iter(levels.levels)) for name, levels in COVARIATES.items()}
        table = logistic_table(
            y, training[list(COVARIATES)], reference={k: v for k, v in reference.items() if v}, select_below=0.05
        )
    expected = {model.variables[0]: model.variable_pvalue[0] for model in table.univariable}
    assert found.table.set_index("variable")["univariable_p"].to_dict() == pytest.approx(expected, rel=1e-8)
    joint = dict(zip(table.multivariable.variables, table.multivariable.variable_pvalue, strict=True))
    assert set(joint) == set(found.screened)
    mine = found.table.set_index("variable")["multivariable_p"].dropna().to_dict()
    assert mine == pytest.approx(joint, rel=1e-7)
    assert set(found.independent) == {name for name, p in joint.items() if p < 0.05}


def test_walds_test_is_that_of_statsmodels(coded):
    training, _ = coded
    y = training["outcome"].to_numpy()
    third = training.assign(
        third=pd.cut(training["age"], [0, 60, 70, 200], labels=["young", "middle", "old"]).astype(str)
    )
    covariates = {**COVARIATES, "third": Finding("categorical", {"young": "", "middle": "", "old": ""})}
    findings = code_findings(third, covariates, {}, ClinicalSettings())
    by = {
        test: screen([findings.design], y, findings.columns, ClinicalSettings(screening_test=test)).table.set_index(
            "variable"
        )["univariable_p"]
        for test in ("wald", "likelihood_ratio")
    }
    for name, columns in (("age", ["age"]), ("wedge", ["wedge=1"]), ("third", ["third=middle", "third=old"])):
        fit = sm.Logit(y, sm.add_constant(findings.design[columns])).fit(disp=0, tol=1e-12)
        expected = fit.wald_test(np.eye(len(columns) + 1)[1:], scalar=True).pvalue
        assert by["wald"][name] == pytest.approx(float(expected), rel=1e-6)
        assert by["wald"][name] != by["likelihood_ratio"][name]
    # Nobody with a cervical fracture has the event here: Wald's test is undefined, the likelihood ratio is not.
    assert third.loc[third["location"] == "cervical", "outcome"].sum() == 0
    assert by["wald"]["location"] == by["likelihood_ratio"]["location"]


def test_findings_that_cannot_enter_say_why(coded):
    training, _ = coded
    odd = training.assign(still="0", again=training["wedge"])
    covariates = {
        "wedge": COVARIATES["wedge"],
        "still": Finding("binary", {"0": "no", "1": "yes"}),
        "again": COVARIATES["wedge"],
    }
    findings = code_findings(odd, covariates, {}, ClinicalSettings())
    table = screen([findings.design], odd["outcome"].to_numpy(), findings.columns, ClinicalSettings()).table.set_index(
        "variable"
    )
    assert table.loc["still", "reason"] == "does not vary"
    assert table.loc["again", "reason"] == "a linear combination of findings before it"
    fit = fit_clinical(
        findings, odd.index, odd["outcome"].to_numpy(), ClinicalSettings(classifiers_use="all"), seeds("c"), ddof=1
    )
    assert fit.prepared.features == ("wedge=1",)


def test_rules_choose_nested_predictors(coded):
    training, findings = coded
    y = training["outcome"].to_numpy()
    chosen = {
        rule: fit_clinical(
            findings, training.index, y, ClinicalSettings(predictors=rule, classifiers_use="all"), seeds("c"), ddof=0
        )
        for rule in ("screened", "independent")
    }
    assert set(chosen["independent"].predictors) <= set(chosen["screened"].predictors)
    assert {term.variable for term in chosen["screened"].model.terms} == set(chosen["screened"].predictors)
    assert chosen["screened"].prepared.features == tuple(findings.design)
    nothing = fit_clinical(findings, training.index, y, ClinicalSettings(screening_alpha=1e-12), seeds("c"), ddof=1)
    assert nothing.model is None
    assert nothing.prepared.reason == "no clinical finding was left (rule screened)"


def test_fill_is_the_median_and_the_commonest_level():
    frame = pd.DataFrame(
        {"age": [50, 60, 80, None], "x": ["b", "b", "c", None], "y": ["a", "b", None, None]},
        index=pd.Index(list("pqrs"), name="case_id"),
    )
    levels = {"a": "A", "b": "B", "c": "C"}
    covariates = {
        "age": Finding("continuous"),
        "x": Finding("categorical", levels),
        "y": Finding("categorical", levels),
    }
    findings = code_findings(frame, covariates, {}, ClinicalSettings())
    fill = fill_values(findings.design, findings.columns)
    assert fill.to_dict() == {"age": 60.0, "x=b": 1.0, "x=c": 0.0, "y=b": 0.0, "y=c": 0.0}  # of equals the reference


def test_maximum_likelihood_is_that_of_statsmodels(coded):
    training, findings = coded
    y = training["outcome"].to_numpy()
    design = findings.design[["age", "wedge=1", "edema=1"]]
    model = fit_linear(design, y, name="m", columns=findings.columns)
    fit = sm.Logit(y, sm.add_constant(design)).fit(disp=0, tol=1e-12)
    np.testing.assert_allclose([model.intercept, *(t.coefficient for t in model.terms)], fit.params, rtol=1e-6)
    np.testing.assert_allclose([model.intercept_error, *(t.standard_error for t in model.terms)], fit.bse, rtol=1e-6)
    np.testing.assert_allclose(model.predict(design), fit.predict(), rtol=1e-6)
    assert (model.method, model.n, model.n_events) == ("maximum likelihood", 164, int(y.sum()))
    assert (model.terms[0].low, model.terms[0].high) == (design["age"].min(), design["age"].max())
    assert LinearModel.from_dict(model.to_dict()) == model
    with pytest.raises(InputError, match="no column 'age'"):
        model.predict(design.drop(columns="age"))


def test_separated_findings_are_fitted_by_firth():
    x = pd.DataFrame({"x": np.arange(20.0), "z": np.tile([0.0, 1.0], 10)})
    y = (np.arange(20) >= 9).astype(int)
    model = fit_linear(x, y, name="m", columns={"x": Column("x"), "z": Column("z")})
    firth = firth_logistic(y, x)
    assert model.method == "Firth"
    np.testing.assert_array_equal([t.coefficient for t in model.terms], firth.coef[1:])
    assert model.intercept == firth.flic_intercept
    np.testing.assert_array_equal(model.covariance, firth.covariance)
    assert model.predict(x).mean() == pytest.approx(y.mean(), rel=1e-6)


def test_ridge_is_the_penalised_likelihood_maximised_directly(coded):
    training, findings = coded
    y = training["outcome"].to_numpy()
    design = findings.design[["age", "wedge=1", "mass=1"]]
    model = fit_linear(design, y, name="m", columns=findings.columns, penalty_c=0.3)
    z = ((design - design.mean()) / design.std()).to_numpy()

    def objective(beta):
        eta = beta[0] + z @ beta[1:]
        return 0.3 * np.sum(np.logaddexp(0, eta) - y * eta) + 0.5 * beta[1:] @ beta[1:]

    best = minimize(objective, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(model.predict(design), 1 / (1 + np.exp(-(best[0] + z @ best[1:]))), atol=1e-6)
    assert all(term.standard_error is None for term in model.terms)
    assert model.method == "ridge, C = 0.3"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_shrinkage_moves_the_intercept_alone_with_the_slopes(seed, factor):
    """With nothing shrunken, estimates and covariance are those of maximum likelihood; the mean risk stays whatever the factor."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(80, 2))
    y = (rng.random(80) < expit(X[:, 0] - 0.5)).astype(np.int64)
    peer = sm.Logit(y, sm.add_constant(X)).fit(disp=0)
    coef, covariance = shrunken(peer.params, peer.cov_params(), X, y, 1.0)
    np.testing.assert_allclose(coef, peer.params, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(covariance, peer.cov_params(), rtol=1e-5, atol=1e-9)
    coef, covariance = shrunken(peer.params, peer.cov_params(), X, y, factor)
    np.testing.assert_allclose(coef[1:], factor * peer.params[1:])
    p = expit(coef[0] + X @ coef[1:])
    assert p.mean() == pytest.approx(y.mean(), abs=1e-9)
    np.testing.assert_allclose(covariance[1:, 1:], factor**2 * peer.cov_params()[1:, 1:], atol=1e-15)
    # The intercept follows the slopes as the equation of the mean risk says: by minus the weighted mean of the columns.
    moved, _ = shrunken(peer.params + np.array([0, 1e-6, 0]), peer.cov_params(), X, y, factor)
    w = p * (1 - p)
    assert (moved[0] - coef[0]) / 1e-6 == pytest.approx(-factor * (w @ X[:, 0]) / w.sum(), abs=1e-4)


def test_predictors_without_a_signal_leave_nothing_after_shrinkage():
    design = pd.DataFrame({"x": [0.0, 1, 0, 1, 0, 1, 0, 1]})
    y = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    model = fit_linear(design, y, name="m", columns={"x": Column("x")}, shrink=True)
    assert model.shrinkage == 0
    assert leaves_nothing(model)
    np.testing.assert_allclose(model.predict(design), 0.5)
