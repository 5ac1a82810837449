"""Multiple imputation: draws, coverage, leaks, and the next patient."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_cohorts import COVARIATES, learned, seeds, simulated, small_settings
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from vcfstats.learning.classifiers import NAMES
from vcfstats.learning.featuresets import clinical_findings, clinical_set
from vcfstats.learning.headline import headline_clinical
from vcfstats.learning.imputation import Imputer, impute
from vcfstats.learning.imputation.conditional import levels_draw, linear_draw, matched
from vcfstats.learning.inputs import check_inputs
from vcfstats.learning.linear import Column, fit_linear
from vcfstats.learning.pooled import averaged, fit_pooled, pooled_terms
from vcfstats.learning.scoring import read_scorer, write_scorer
from vcfstats.learning.settings import ImputationSettings
from vcfstats.learning.work import Work

COLUMNS = {
    "age": Column("age"),
    "sex=m": Column("sex", "m", "f"),
    "site=b": Column("site", "b", "a"),
    "site=c": Column("site", "c", "a"),
}
BETA = np.array([0.6, -0.8, 0.7, 1.0])
FEW = ImputationSettings(n_imputations=5, iterations=3)


def drawn(rng, n):
    """Return correlated findings and an outcome with the coefficients BETA."""
    age = rng.normal(size=n)
    sex = (rng.random(n) < expit(0.8 * age)).astype(float)
    odds = np.exp(np.stack([np.zeros(n), 0.5 * age + 0.3 * sex - 0.3, -0.5 * age - 0.2], axis=1))
    site = (rng.random(n)[:, None] > (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)).sum(axis=1)
    X = np.column_stack([age, sex, site == 1, site == 2]).astype(float)
    return pd.DataFrame(X, columns=list(COLUMNS)), (rng.random(n) < expit(X @ BETA - 0.6)).astype(int)


def gaps(rng, X, y, *, at_random):
    """Return the findings with about a fifth of the values of each lost: by chance alone, or more often with the event."""
    lost = X.copy()
    for columns in (["age"], ["sex=m"], ["site=b", "site=c"]):
        share = expit(-1.9 + 1.2 * y) if at_random else 0.2
        lost.loc[rng.random(len(X)) < share, columns] = np.nan
    return lost


def test_draws_scatter_about_the_estimate_as_its_covariance_says():
    """Posterior draws over many chains against statsmodels and the prior's mode by scikit-learn."""
    rng = np.random.default_rng(1)
    X, _ = drawn(rng, 400)
    others = X[["age", "site=b", "site=c"]]
    Z = np.column_stack([np.ones(400), (others - others.mean()) / others.std(ddof=0)])
    many = np.repeat(Z[None], 2000, axis=0)
    fit = sm.OLS(X["age"], sm.add_constant(Z[:, 2:])).fit()
    estimate, beta, sigma = linear_draw(many[:, :, [0, 2, 3]], X["age"].to_numpy(), rng)
    np.testing.assert_allclose(estimate[0], fit.params, atol=1e-5)
    np.testing.assert_allclose(np.cov(beta, rowvar=False), fit.cov_params(), atol=5e-4)
    assert np.mean(sigma**2) == pytest.approx(fit.scale * fit.df_resid / (fit.df_resid - 2), rel=0.02)
    mode, drawn_ = levels_draw(many, X["sex=m"].to_numpy().astype(int), 2, rng)
    penalised = LogisticRegression(C=2.5**2, tol=1e-10, max_iter=1000).fit(Z[:, 1:], X["sex=m"])
    np.testing.assert_allclose(mode[0, 0, 1:], penalised.coef_[0], atol=2e-3)  # its intercept has no prior
    covariance = np.linalg.inv(sm.Logit(X["sex=m"], Z).fit(disp=0).cov_params())
    covariance = np.linalg.inv(covariance + np.diag([0.01, *[1 / 6.25] * 3]))
    np.testing.assert_allclose(np.cov(drawn_[:, 0], rowvar=False), covariance, atol=2e-3)
    third = np.where(X["site=b"] == 1, 1, np.where(X["site=c"] == 1, 2, 0))
    two = many[:3, :, :2]
    mode, _ = levels_draw(two, third, 3, rng)
    softmax = LogisticRegression(C=2.5**2, tol=1e-10, max_iter=1000).fit(Z[:, 1:2], third)
    relative = softmax.coef_ - softmax.coef_[0]  # a symmetric prior there, against the reference here
    np.testing.assert_allclose(mode[0, :, 1], relative[1:, 0], atol=0.02)


def test_levels_that_a_finding_separates_have_a_finite_mode():
    Z = np.column_stack([np.ones(40), np.repeat([-1.0, 1.0], 20)])[None]
    mode, beta = levels_draw(Z, np.repeat([0, 1], 20), 2, np.random.default_rng(0))
    assert 1 < mode[0, 0, 1] < 8
    assert np.isfinite(beta).all()


def test_a_matched_value_is_one_of_the_nearest_donors():
    seen, values = np.array([[0.0, 1.0, 2.0, 10.0]]), np.array([5.0, 6.0, 7.0, 8.0])
    found = matched(seen, np.full((1, 300), 1.2), values, 2, np.random.default_rng(0))
    assert set(found.ravel()) == {6.0, 7.0}
    assert set(matched(seen, np.full((1, 300), 1.2), values, 9, np.random.default_rng(0)).ravel()) == set(values)


@pytest.mark.parametrize("at_random", [False, True])
def test_pooled_coefficients_are_unbiased_and_their_intervals_cover(at_random):
    """Values lost by chance, or depending on the outcome; docs/imputation.md has the run at full size."""
    rng = np.random.default_rng([9, at_random])
    estimates, covered, complete = [], [], []
    for i in range(30):
        X, y = drawn(rng, 300)
        full = fit_linear(X, y, name="", columns=COLUMNS)
        completed, _ = impute(gaps(rng, X, y, at_random=at_random), y, COLUMNS, FEW, np.random.SeedSequence([4, i]))
        pooled = [estimate for _, estimate in pooled_terms(completed, y, COLUMNS)]
        estimates.append([estimate.estimate for estimate in pooled])
        complete.append([term.coefficient for term in full.terms])
        limits = [estimate.confidence_interval() for estimate in pooled]
        covered.append([low <= b <= high for (low, high), b in zip(limits, BETA, strict=True)])
    error = np.array(estimates) - np.array(complete)
    # The mean distance from what the data would have said without gaps, in standard errors of that mean.
    assert np.abs(error.mean(axis=0) / (error.std(axis=0, ddof=1) / np.sqrt(len(error)))).max() < 3.5
    assert 0.90 <= np.mean(covered) <= 0.99


def test_without_gaps_everything_is_as_with_complete_cases():
    X, y = drawn(np.random.default_rng(0), 120)
    completed, imputer = impute(X, y, COLUMNS, FEW, np.random.SeedSequence(1))
    assert len(completed) == 1
    pd.testing.assert_frame_equal(completed[0], X)
    pooled = fit_pooled(completed, y, name="m", columns=COLUMNS)
    assert pooled == fit_linear(X, y, name="m", columns=COLUMNS)
    assert all(part.equals(X) for part in imputer.complete(X))


def test_known_values_stay_and_imputed_ones_are_values_that_occur():
    rng = np.random.default_rng(3)
    X, y = drawn(rng, 80)
    lost = gaps(rng, X, y, at_random=True)
    completed, imputer = impute(lost, y, COLUMNS, FEW, np.random.SeedSequence(1))
    again, _ = impute(lost, y, COLUMNS, FEW, np.random.SeedSequence(1))
    other, _ = impute(lost, y, COLUMNS, FEW, np.random.SeedSequence(2))
    assert all(a.equals(b) for a, b in zip(completed, again, strict=True))
    assert not all(a.equals(b) for a, b in zip(completed, other, strict=True))
    ages = set(lost["age"].dropna())
    for part in (*completed, *imputer.complete(lost)):
        assert not part.isna().any(axis=None)
        assert part.where(lost.notna()).equals(lost)
        assert set(part[["site=b", "site=c"]].sum(axis=1)) <= {0.0, 1.0}
        assert lost["age"].min() <= part["age"].min() <= part["age"].max() <= lost["age"].max()
    assert all(set(part["age"]) <= ages for part in completed)


@pytest.mark.parametrize("case", ["nobody has it", "everybody has the same", "one has it", "one level", "twelve cases"])
def test_degenerate_findings(case):
    rng = np.random.default_rng(5)
    X, y = drawn(rng, 12 if case == "twelve cases" else 40)
    lost = gaps(rng, X, y, at_random=False)
    if case == "nobody has it":
        lost[["site=b", "site=c"]] = np.nan
    elif case == "everybody has the same":
        lost["age"] = lost["age"].where(lost["age"].isna(), 60.0)
    elif case == "one has it":
        lost["age"] = np.where(np.arange(40) == 7, 61.0, np.nan)
    elif case == "one level":
        lost[["site=b", "site=c"]] = lost[["site=b", "site=c"]].where(lost[["site=b", "site=c"]].isna(), 0.0)
    completed, imputer = impute(lost, y, COLUMNS, FEW, np.random.SeedSequence(1))
    for part in (*completed, *Imputer.from_dict(json.loads(json.dumps(imputer.to_dict()))).complete(lost)):
        assert np.isfinite(part.to_numpy()).all()
        if case in ("everybody has the same", "one has it"):
            assert part["age"].nunique() == 1
        if case in ("nobody has it", "one level"):
            assert (part[["site=b", "site=c"]] == 0).all(axis=None)


@pytest.fixture(scope="module")
def imputer():
    rng = np.random.default_rng(8)
    X, y = drawn(rng, 100)
    return impute(gaps(rng, X, y, at_random=True), y, COLUMNS, FEW, np.random.SeedSequence(1))[1]


@settings(max_examples=10, deadline=None)
@given(
    ages=st.lists(st.one_of(st.none(), st.floats(-3, 3)), min_size=1, max_size=4),
    data=st.data(),
)
def test_a_patient_is_imputed_alike_alone_and_in_any_company(imputer, ages, data):
    n = len(ages)
    sexes = data.draw(st.lists(st.sampled_from([np.nan, 0.0, 1.0]), min_size=n, max_size=n))
    sites = data.draw(st.lists(st.sampled_from([(np.nan, np.nan), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]), min_size=n, max_size=n))  # fmt: skip
    frame = pd.DataFrame(np.column_stack([np.array(ages, dtype=float), sexes, sites]), columns=list(COLUMNS))
    together = imputer.complete(frame)
    for i in range(n):
        alone = imputer.complete(frame.iloc[[i]].set_axis(["another name"]))
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_array_equal(a.iloc[i].to_numpy(), b.iloc[0].to_numpy())
    stored = Imputer.from_dict(json.loads(json.dumps(imputer.to_dict(), allow_nan=False)))
    assert all(a.equals(b) for a, b in zip(together, stored.complete(frame), strict=True))


def test_a_probability_that_nothing_was_imputed_for_is_the_same_to_the_bit():
    p = np.random.default_rng(0).random(50)
    assert (averaged(np.repeat(p[None], 7, axis=0)) == p).all()
    assert averaged(np.array([[0.2], [0.4]])) == pytest.approx(0.3)


# Without the finding that hardly anybody has, which separates few patients.
FINDINGS = {name: covariate for name, covariate in COVARIATES.items() if name != "mass"}
SETTINGS = small_settings(
    clinical={
        "missing": "multiple_imputation",
        "imputation": {"n_imputations": 4, "iterations": 3},
        "screening_alpha": 1.0,
        "predictors": "screened",
    },
    folds={"n": 3, "nested": False},
    classifiers={name: None for name in NAMES if name != "knn"} | {"knn": {"n_neighbors": [5]}},
)


def with_gaps(cohort):
    rng = np.random.default_rng(11)
    lost = cohort.copy()
    for name in FINDINGS:
        lost[name] = lost[name].where(rng.random(len(lost)) > 0.12, None if COVARIATES[name].levels else np.nan)
    lost["age"] = lost["age"].astype(float)
    return lost


@pytest.fixture(scope="module")
def study():
    cohort, matrices = simulated(90, 24, n_radiomics=20, n_units=3, folds=3)
    lost = with_gaps(cohort)
    return lost, matrices, learned(lost, matrices, SETTINGS, covariates=FINDINGS)


def test_every_case_has_a_probability_and_the_account_says_who_lacked_what(study):
    cohort, _, result = study
    for model in ("clinical", "clinical.knn", "dlrn"):
        for kind, side in (("apparent", "training"), ("out_of_fold", "training"), ("testing", "testing")):
            own = result.predictions.query(f"model == '{model}' and kind == '{kind}'").set_index("case_id")[
                "probability"
            ]
            assert sorted(own.index) == sorted(cohort.index[cohort["partition"] == side])
            assert own.between(0, 1).all()
    account = result.imputed.account
    for side in ("training", "testing"):
        own = cohort.loc[cohort["partition"] == side, list(FINDINGS)].isna()
        assert account["cases"][side] == own.any(axis=1).sum()
        assert {name: counts[side] for name, counts in account["missing"].items()} == own.sum().to_dict()
    assert any("imputed 4 times" in note.text for note in result.notes)
    mean = result.imputed.probabilities.groupby(["model", "kind", "case_id"])["probability"].mean()
    table = result.predictions.set_index(["model", "kind", "case_id"])["probability"]
    np.testing.assert_allclose(mean, table.loc[mean.index], atol=1e-12)
    assert set(mean.index.get_level_values("model")) == {"clinical", "dlrn"}


def test_the_model_is_pooled_by_rubins_rules(study):
    cohort, _, result = study
    fit = result.clinical[()]
    assert len(fit.completed) == 4
    y = cohort.loc[fit.completed[0].index, "outcome"].to_numpy()
    each = [fit_linear(part[fit.own_columns], y, name="", columns=result.findings.columns) for part in fit.completed]
    coef = np.array([[term.coefficient for term in model.terms] for model in each])
    np.testing.assert_allclose([term.coefficient for term in fit.model.terms], coef.mean(axis=0), rtol=1e-12)
    within = np.mean([[term.standard_error**2 for term in model.terms] for model in each], axis=0)
    total = within + 1.25 * coef.var(axis=0, ddof=1)
    np.testing.assert_allclose([term.standard_error**2 for term in fit.model.terms], total, rtol=1e-9)
    stored = {row["column"]: row for row in result.imputed.account["regression"]["clinical"]}
    np.testing.assert_allclose([stored[name]["total"] for name in fit.own_columns], total, rtol=1e-9)


def test_bootstrap_samples_impute_anew(study):
    result = study[2]
    assert all(not sample.failures for sample in result.resamples.samples)
    assert not np.isnan([sample.probabilities["clinical"] for sample in result.resamples.samples]).any()


def clinical_alone(cohort, rule="multiple_imputation"):
    """Fit the clinical models alone, as the study does, and return them with their probabilities."""
    chosen = SETTINGS.model_copy(update={"clinical": SETTINGS.clinical.model_copy(update={"missing": rule})})
    images = {"radiomics": pd.DataFrame({"r": np.zeros(len(cohort))}, index=cohort.index)}
    work = Work(check_inputs(cohort, images, chosen, FINDINGS), chosen, seeds, workers=1, quiet=True)
    findings = clinical_findings(work, FINDINGS, {})
    sets = clinical_set(work, findings)
    headline_clinical(work, findings)
    return work, sets[0]


def same(one, other):
    """Whether two clinical models and all that imputed their cases are the same to the bit."""
    return (
        one.imputer == other.imputer
        and one.model == other.model
        and one.prepared == other.prepared
        and all(a.equals(b) for a, b in zip(one.completed, other.completed, strict=True))
    )


def test_no_testing_patient_touches_an_imputation(study):
    """Other outcomes, other findings or fewer testing patients: imputations, pooled coefficients, classifiers' input stay."""
    cohort, _, result = study
    tested = cohort["partition"] == "testing"
    strange = cohort.assign(outcome=np.where(tested, 1 - cohort["outcome"], cohort["outcome"]))
    strange.loc[tested, "age"] = 120.0
    strange.loc[tested, "wedge"] = "1"
    for other in (strange, cohort[~tested | (np.arange(len(cohort)) % 2 == 0)]):
        work, _ = clinical_alone(other)
        assert all(same(work.clinical[held_out], fit) for held_out, fit in result.clinical.items())


def test_a_fold_is_imputed_without_itself(study):
    """Other outcomes and findings in one fold leave what imputes it, and the model that scores it, as they were."""
    cohort, _, result = study
    fold = (cohort["fold"] == 0).to_numpy(dtype=bool, na_value=False)
    other = cohort.copy()
    other.loc[fold, "outcome"] = other.loc[fold, "outcome"].to_numpy()[::-1]
    other.loc[fold, "age"] = 120.0
    work, _ = clinical_alone(other)
    for held_out, fit in result.clinical.items():
        assert same(work.clinical[held_out], fit) == (0 in held_out)


def test_outcomes_help_to_impute_training_cases_alone(study):
    """What scores a case, and what the classifiers see of it, does not know its outcome."""
    cohort, _, result = study
    fit, design = result.clinical[()], result.findings.design
    training = cohort.index[cohort["partition"] == "training"]
    seen = fit.complete(design.loc[training])
    assert not all(a.equals(b) for a, b in zip(seen, fit.completed, strict=True))
    _, given = clinical_alone(cohort)
    mean = np.mean([part.to_numpy() for part in seen], axis=0)
    np.testing.assert_allclose(given.seen(()).loc[training].to_numpy(), mean, atol=1e-12)


def test_the_next_patient_is_imputed_as_the_study_did(study, tmp_path):
    cohort, matrices, result = study
    write_scorer(result, SETTINGS, tmp_path)
    scorer = read_scorer(tmp_path)
    rows = cohort[cohort["partition"] == "testing"]
    scored = scorer.score(rows, FINDINGS, matrices)
    for model in ("clinical", "dlrn"):
        expected = result.predictions.query(f"model == '{model}' and kind == 'testing'").set_index("case_id")[
            "probability"
        ]
        np.testing.assert_allclose(scored.probabilities[model], expected.loc[rows.index], rtol=0, atol=1e-12)
    whole = rows[list(FINDINGS)].notna().all(axis=1)
    assert scored.design[~whole].isna().any(axis=1).any()
    few = [name for name in FINDINGS if name not in scorer.helpful]
    if scorer.helpful:  # a table without them is scored all the same
        assert not scorer.score(rows[few], FINDINGS, matrices).probabilities.isna().any(axis=None)


def test_findings_without_a_missing_value_need_no_imputation():
    cohort, _ = simulated(60, 24, n_radiomics=5, n_units=1, folds=3)
    imputed, complete = clinical_alone(cohort)[0], clinical_alone(cohort, "complete_case")[0]
    pd.testing.assert_frame_equal(pd.concat(imputed.rows), pd.concat(complete.rows))
    assert imputed.clinical[()].model == complete.clinical[()].model
    assert imputed.imputed == []
