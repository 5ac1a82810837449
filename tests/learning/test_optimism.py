"""The chain in bootstrap samples: whole patients, the same for any number of workers, kept, and as pessimistic as it should be."""

import json

import numpy as np
import pandas as pd
import pytest
from learning_cohorts import COVARIATES, learned, seeds, simulated, small_settings

from vcfstats import optimism_from_resamples
from vcfstats.learning.classifiers import NAMES
from vcfstats.learning.clinical import PlainCovariate
from vcfstats.learning.inputs import check_inputs
from vcfstats.learning.models import Taken
from vcfstats.learning.optimism import _content
from vcfstats.learning.resamples import Resample
from vcfstats.learning.work import Work

HEADLINE = ("clinical", "rad", "dl", "dlr", "dlrn")
KNN = {name: None for name in NAMES} | {"knn": {"n_neighbors": [5]}, "logistic_regression": {"C": [0.1, 1.0]}}


def settings(n=2, **more):
    return small_settings(classifiers=KNN, optimism={"n_resamples": n, **more})


class Store:
    """Keeps in memory and counts what is made."""

    def __init__(self):
        self.content, self.made = {}, 0

    def __call__(self, key, make):
        if key not in self.content:
            self.made += 1
            self.content[key] = make()
        return self.content[key]


@pytest.fixture(scope="module")
def drawn(small):
    cohort, matrices, _ = small
    store = Store()
    return learned(cohort, matrices, settings(), keep=store), store


def test_every_headline_model_scores_every_training_case_in_every_resample(small, drawn):
    cohort, resamples = small[0], drawn[0].resamples
    training = cohort.index[cohort["partition"] == "training"]
    assert list(resamples.cases) == sorted(training)
    assert len(resamples.samples) == 2
    for sample in resamples.samples:
        assert sum(sample.drawn) == len(training)
        assert min(sample.drawn) == 0
        assert max(sample.drawn) > 1
        assert set(sample.probabilities) == set(HEADLINE)
        assert np.isfinite(np.array(list(sample.probabilities.values()))).all()
    assert len({sample.drawn for sample in resamples.samples}) == 2


def test_workers_change_nothing_and_finished_resamples_are_kept(small, drawn):
    cohort, matrices, _ = small
    result, store = drawn
    assert store.made == 2
    again = learned(cohort, matrices, settings(), workers=2)
    pd.testing.assert_frame_equal(again.resamples.to_frame(), result.resamples.to_frame())
    more = learned(cohort, matrices, settings(3), keep=store)  # one more, the others from the store
    assert store.made == 3
    assert more.resamples.samples[:2] == result.resamples.samples


def test_key_is_of_training_patients_settings_and_what_was_chosen(small):
    cohort, matrices, _ = small

    def key(cohort=cohort, given=None, chosen="knn", agreement=0.9):
        given = given or settings()
        plain = {name: PlainCovariate.of(found) for name, found in COVARIATES.items()}
        work = Work(check_inputs(cohort, matrices, given, plain), given, seeds, workers=1)
        return _content(work, Taken(plain, {"wedge": agreement}, {}), {"fused": chosen})

    testing, training = (cohort.index[cohort["partition"] == side] for side in ("testing", "training"))
    other = cohort.copy()
    other.loc[testing, "age"] = 1.0
    other.loc[testing, "outcome"] = 1 - other.loc[testing, "outcome"]
    assert key(other) == key()
    assert key(given=settings(50)) == key()  # more resamples: those there are stay
    older = cohort.copy()
    older.loc[training[0], "age"] += 1
    plain = settings().model_copy(update={"fusion": settings().fusion.model_copy(update={"scale": "probability"})})
    changed = [key(older), key(given=plain), key(chosen="svm"), key(agreement=0.8), key()]
    assert len(set(changed)) == 5


def test_content_is_read_as_it_was_written():
    sample = Resample((0, 2, 1), {"dlr": (0.1, 1 / 3, np.nan)}, {"dlrn": "no finding"})
    again = Resample.from_bytes(sample.to_bytes())
    np.testing.assert_array_equal(again.probabilities["dlr"], sample.probabilities["dlr"])
    assert (again.drawn, again.failures) == (sample.drawn, sample.failures)


def test_patients_are_drawn_not_cases(small):
    cohort, matrices, _ = small
    pairs = cohort.copy()
    training = cohort.index[cohort["partition"] == "training"]
    for level in (0, 1):  # two vertebrae of a patient, alike in outcome and fold
        for fold in range(3):
            mine = [
                case for case in training if (cohort.loc[case, "outcome"], cohort.loc[case, "fold"]) == (level, fold)
            ]
            for first, second in zip(mine[::2], mine[1::2], strict=False):
                pairs.loc[second, "patient_id"] = pairs.loc[first, "patient_id"]
    result = learned(pairs, {"radiomics": matrices["radiomics"]}, settings())
    for sample in result.resamples.samples:
        counts = pd.Series(sample.drawn, index=list(result.resamples.cases))
        assert (counts.groupby(pairs.loc[counts.index, "patient_id"]).nunique() == 1).all()


def test_choice_of_the_classifier_may_be_repeated(small, drawn):
    cohort, matrices, _ = small
    result = learned(cohort, {"radiomics": matrices["radiomics"]}, settings(repeat_choice=True))
    assert "the choice among them" in result.resamples.repeated["rad"]
    assert "was not" in drawn[0].resamples.repeated["rad"]
    for fixed, free in zip(drawn[0].resamples.samples, result.resamples.samples, strict=True):
        assert fixed.drawn == free.drawn
        assert fixed.probabilities["clinical"] == free.probabilities["clinical"]
        assert free.failures["dlr"] == "there are no deep features"


def test_files_hold_all_of_it(drawn, tmp_path):
    result = drawn[0]
    result.write(tmp_path)
    frame = pd.read_parquet(tmp_path / "resamples.parquet")
    pd.testing.assert_frame_equal(frame, result.resamples.to_frame())
    account = json.loads((tmp_path / "resamples.json").read_text())
    assert account["n_resamples"] == 2
    assert list(account["repeated"]) == list(HEADLINE)
    assert all("the network was not refitted" in account["repeated"][model] for model in ("dl", "dlr", "dlrn"))


def test_of_noise_the_apparent_performance_is_corrected_towards_chance():
    """Nothing is there to find: the apparent AUC is high, the out-of-bag and .632+ values are near one half."""
    cohort, matrices = simulated(60, 12, n_radiomics=200, n_units=4, effect=0.0, folds=3, seed=3)
    result = learned(cohort, {"radiomics": matrices["radiomics"]}, settings(12), covariates={})
    table = result.predictions
    rows = table[(table["model"] == "rad") & (table["kind"] == "apparent")]
    frame = result.resamples.to_frame()
    wide = {
        name: frame.pivot(index="resample", columns="case_id", values=name)[rows["case_id"]]
        for name in ("rad", "drawn")
    }
    found = optimism_from_resamples(
        rows["outcome"], rows["probability"], resampled_prob=wide["rad"], drawn=wide["drawn"], measures=("auc",)
    )
    assert found.apparent[0] > 0.75
    assert found.corrected[0] < found.apparent[0] - 0.1
    assert 0.35 < found.out_of_bag[0] < 0.62
    assert found.corrected_632plus[0] < 0.65
