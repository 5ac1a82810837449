"""The headline models written, read again and given patients of every kind."""

import json
from dataclasses import replace

import numpy as np
import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.predictions import recalibrated
from vcfstats.learning.deephead import DeepHead
from vcfstats.learning.scoring import ORDER, read_scorer, write_scorer

from .cohorts import COVARIATES, learned, ranking, simulated
from .cohorts import small_settings as settings_with_resamples


def small_settings(**changes):
    """Settings without what no probability of a new patient depends on."""
    return settings_with_resamples(**changes | {"optimism": {"n_resamples": 0}})


@pytest.fixture(scope="module")
def study():
    cohort, matrices = simulated(60, 20, n_radiomics=100, n_units=10, folds=3)
    return cohort, matrices, learned(cohort, matrices, small_settings())


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("scorer")
    write_scorer(study[2], small_settings(), path)
    return path


def test_scores_are_those_of_the_study_whatever_their_number_and_order(study, folder):
    cohort, matrices, result = study
    scorer = read_scorer(folder)
    assert scorer.models == ORDER
    of_use = tuple(model for model in ORDER if model in ranking(result))
    assert 0 < len(of_use) < len(ORDER)
    assert scorer.useless == {model: result.useless[model] for model in ORDER if model not in of_use}
    testing = cohort[cohort["partition"] == "testing"]
    shuffled = testing.sample(frac=0.5, random_state=1)
    for rows in (testing, shuffled, testing.head(1)):
        scored = scorer.score(rows, COVARIATES, matrices)
        for found, name, models in (
            (scored.probabilities, str, ORDER),
            (scored.recalibrated, recalibrated, of_use),  # of a model that does not rank there is none
        ):
            assert list(found.index) == list(rows.index)
            assert tuple(found) == models
            for model in models:
                given = result.predictions[result.predictions["model"] == name(model)].query("kind == 'testing'")
                expected = given.set_index("case_id")["probability"].loc[rows.index]
                np.testing.assert_allclose(found[model], expected, rtol=0, atol=1e-12)


def test_written_twice_the_same_bytes(study, folder, tmp_path):
    write_scorer(study[2], small_settings(), tmp_path)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(names) >= 3
    assert all((folder / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


def test_a_missing_finding_takes_the_probability_of_the_models_that_need_it(study, folder):
    cohort, matrices, _ = study
    scorer = read_scorer(folder)
    rows = cohort[cohort["partition"] == "testing"].head(3).copy()
    rows.loc[rows.index[1], scorer.variables[0]] = None
    probabilities = scorer.score(rows, COVARIATES, matrices).probabilities
    assert list(probabilities["dlrn"].isna()) == [False, True, False]
    assert not probabilities[["dlr", "rad", "dl"]].isna().any(axis=None)


def test_training_patients_lie_inside_their_own_ranges_and_others_are_told(study, folder):
    cohort, matrices, _ = study
    scorer = read_scorer(folder)
    training = cohort[cohort["partition"] == "training"]
    inside = scorer.score(training, COVARIATES, matrices)
    assert not any(counts.any() for counts in inside.features_outside.values())
    case = training.index[0]
    feature = scorer.best["dlr"].features[0]
    far = {name: frame.copy() for name, frame in matrices.items()}
    far["deep" if feature.startswith("DL_") else "radiomics"].loc[case, feature] = 1e9
    scored = scorer.score(training, COVARIATES, far)
    assert scored.features_outside["dlr"].loc[case] == 1
    assert scored.features_outside["dlr"].drop(case).sum() == 0


def test_a_finding_missing_or_out_of_range_where_the_study_fills_what_is_missing(tmp_path):
    """Filled as the study filled it; a number outside its training range is told with the range."""
    settings = small_settings(clinical={"missing": "median_mode", "screening_alpha": 1.0, "predictors": "screened"})
    cohort, matrices = simulated(60, 20, n_radiomics=50, n_units=5, folds=3)
    lost = cohort.index[cohort["partition"] == "testing"][:2]
    cohort.loc[lost[0], "age"] = np.nan
    cohort.loc[lost[1], "location"] = None
    result = learned(cohort, matrices, settings)
    write_scorer(result, settings, tmp_path)
    scorer = read_scorer(tmp_path)
    assert "age" in scorer.variables
    probability = scorer.score(cohort.loc[lost], COVARIATES, matrices).probabilities["dlrn"]
    expected = result.predictions.query("model == 'dlrn' and kind == 'testing'").set_index("case_id")["probability"]
    np.testing.assert_allclose(probability, expected.loc[lost], rtol=0, atol=1e-12)
    rows = cohort[cohort["partition"] == "testing"].tail(2).copy()
    rows["age"] = [65.0, 140.0]
    ages = [found for found in scorer.score(rows, COVARIATES, matrices).outside if found.variable == "age"]
    assert [(found.case_id, found.value) for found in ages] == [(rows.index[1], 140.0)]
    training = cohort.loc[cohort["partition"] == "training", "age"]
    assert (ages[0].low, ages[0].high) == (training.min(), training.max())


def test_a_study_without_findings_and_deep_features_has_fewer_models(tmp_path):
    cohort, matrices = simulated(60, 20, n_radiomics=50, n_units=5, folds=3)
    only = {"radiomics": matrices["radiomics"]}
    result = learned(cohort, only, small_settings(), covariates={})
    write_scorer(result, small_settings(), tmp_path)
    scorer = read_scorer(tmp_path)
    assert (scorer.models, scorer.variables) == (("rad",), ())
    rows = cohort[cohort["partition"] == "testing"][["patient_id"]]
    assert list(scorer.score(rows, {}, only).probabilities.columns) == ["rad"]


def test_a_unit_of_the_network_that_does_not_vary_keeps_its_place(study):
    head = study[2].deep_head
    dead = replace(head, scale=np.where(np.arange(len(head.scale)) == 0, np.inf, head.scale))
    again = DeepHead.from_dict(json.loads(json.dumps(dead.to_dict(), allow_nan=False)))
    assert np.isinf(again.scale[0])
    slices = np.random.default_rng(1).normal(size=(4, 3, len(head.scale)))
    np.testing.assert_array_equal(dead.predict(slices), again.predict(slices))


def test_harmonised_features_need_the_scanner_and_refuse_an_unknown_one(tmp_path):
    combat = {"method": "combat", "min_cases": 2, "covariates": ["age"]}
    settings = small_settings(selection={"lasso": {"folds": 5, "n_lambdas": 30}, "harmonisation": combat})
    cohort, matrices = simulated(60, 20, n_radiomics=100, n_units=10, folds=3)
    cohort["scanner"] = np.where(np.arange(len(cohort)) % 2, "A", "B")
    result = learned(cohort, matrices, settings)
    write_scorer(result, settings, tmp_path)
    scorer = read_scorer(tmp_path)
    assert "age" in scorer.variables
    rows = cohort[cohort["partition"] == "testing"]
    scored = scorer.score(rows, COVARIATES, matrices)
    for model in scorer.models:
        given = result.predictions.query("model == @model and kind == 'testing'").set_index("case_id")["probability"]
        np.testing.assert_allclose(scored.probabilities[model], given.loc[rows.index], rtol=0, atol=1e-12)
    training = cohort[cohort["partition"] == "training"]
    assert not scorer.score(training, COVARIATES, matrices).features_outside["dlr"].any()
    with pytest.raises(InputError, match="the scanner 'C', on which no training patient was examined"):
        scorer.score(rows.assign(scanner="C"), COVARIATES, matrices)
