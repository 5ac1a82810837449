"""Where a step leaves nothing: ties rather than prevalences over folds, models given up with a reason, findings that say why."""

import numpy as np
import pandas as pd
import pytest

from vcfstats.contracts.study import NOT_MEASURED
from vcfstats.learning import clinical as clinical_room
from vcfstats.learning.clinical import code_findings, fit_clinical
from vcfstats.learning.crossfit import held_out_sets, pooled_auc, tells_nothing
from vcfstats.learning.fusion import OUTPUT, _adds_nothing
from vcfstats.learning.inputs import check_inputs
from vcfstats.learning.prepared import Prepared
from vcfstats.learning.scanners import describe_scanners
from vcfstats.learning.settings import ClinicalSettings
from vcfstats.learning.tuning import FeatureSet, cross_fit
from vcfstats.learning.work import Work

from .cohorts import Finding, seeds, simulated, small_settings

OUTCOME = np.array([1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0])
FOLD = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2])


def nothing_left(prepared):
    index = pd.Index([f"p{i:02d}" for i in range(len(OUTCOME))], name="case_id")
    frame = pd.DataFrame({"a": np.arange(12.0)}, index=index)
    return FeatureSet("radiomics", frame, frame.iloc[:0], OUTCOME, index.to_numpy(), FOLD, prepared)


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_a_study_without_a_feature_in_any_fold_ranks_nobody(nested, averaged):
    """The prevalences of the other folds, pooled, would give an AUC below one half from nothing at all."""
    others = np.array([OUTCOME[k != FOLD].mean() for k in FOLD])
    assert pooled_auc(OUTCOME, others) < 0.5
    held_out = held_out_sets([0, 1, 2])
    given = nothing_left({key: Prepared((), reason="nothing") for key in held_out})
    fitted, table, failed = cross_fit(
        [given],
        {"radiomics": {"knn": [{"n_neighbors": 3}]}},
        seeds,
        nested=nested,
        averaged=averaged,
        workers=1,
        label=None,
    )
    assert failed == {}
    life = fitted["radiomics", "knn"]
    np.testing.assert_array_equal(life.out_of_fold, np.full(12, OUTCOME.mean()))
    assert life.auc == 0.5
    assert set(table["auc"]) == {0.5}
    for k, inner in life.inner.items():  # what scores the other folds never met fold k
        np.testing.assert_array_equal(inner[k != FOLD], np.full((k != FOLD).sum(), OUTCOME[k != FOLD].mean()))


def test_a_fit_that_gives_everybody_one_value_tells_nothing():
    values = np.array([[0.3, 0.3, np.nan], [0.3, 0.4, np.nan], [np.nan, np.nan, np.nan], [0.3, 0.3 + 1e-15, 0.3]])
    assert tells_nothing(values).ravel().tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("output", "nothing"),
    [
        (np.full(6, 0.4), True),
        (0.4 + 1e-6 * np.arange(6), True),  # no page prints the difference
        (np.array([0.2, 0.7, 0.2, 0.7, 0.7, 0.2]), True),  # two values, one for each level of the finding
        (np.array([0.2, 0.7, 0.3, 0.7, 0.7, 0.2]), False),
    ],
)
def test_an_output_that_the_findings_hold_already_is_no_predictor(output, nothing):
    design = pd.DataFrame({OUTPUT: output, "sex=male": [0.0, 1, 0, 1, 1, 0]})
    assert _adds_nothing(design) is nothing


def findings_of(columns, agreement=None):
    cohort = pd.DataFrame(columns, index=pd.Index([f"p{i}" for i in range(12)], name="case_id"))
    covariates = {name: Finding("continuous") for name in columns}
    return code_findings(cohort, covariates, agreement or {}, ClinicalSettings(kappa_above=0.75))


def test_a_kappa_that_is_not_known_is_no_number():
    found = findings_of({"age": np.arange(12.0)}, {"age": float("nan")})
    assert found.dropped == {"age": "how the readers agree is not known (kappa is undefined)"}


def test_a_likelihood_without_a_maximum_is_no_model_and_says_why(monkeypatch):
    def refused(*args, **kwargs):
        raise ValueError("it did not converge")

    monkeypatch.setattr(clinical_room, "fit_pooled", refused)
    findings = findings_of({"age": np.arange(12.0) + 20 * OUTCOME})
    settings = ClinicalSettings(screening_alpha=0.99, predictors="screened")
    fit = fit_clinical(findings, findings.design.index, OUTCOME, settings, np.random.SeedSequence(1), ddof=1)
    assert fit.predictors == ("age",)
    assert fit.model is None
    assert fit.failed == "the regression of age could not be fitted: it did not converge"


@pytest.mark.parametrize(
    ("scanners", "why"),
    [
        (None, "the cohort names none"),
        ([None] * 60, "no training case has a known scanner"),
        (["A"] * 60, "all training cases whose scanner is known were examined on one (A)"),
        (
            ["A"] * 30 + ["B"] * 28 + ["C"] * 2,
            "fewer than 10 training cases are left of C (2 in all, 0 without a fold)",
        ),
    ],
)
def test_why_scanners_were_not_compared_is_said_cause_by_cause(scanners, why):
    cohort, matrices = simulated(60, 8, n_radiomics=10, n_units=2, folds=3)
    if scanners is not None:
        cohort["scanner"] = [*scanners, *["A"] * 8]
    settings = small_settings()
    work = Work(check_inputs(cohort, matrices, settings, {}), settings, seeds, 1)
    if scanners is not None and "C" in scanners:
        work.given.fold[-2:] = 0  # both cases of C in one fold
    assert describe_scanners(work, {}) is None
    assert [note.text for note in work.notes if note.subject == "scanner"] == [NOT_MEASURED + why]
