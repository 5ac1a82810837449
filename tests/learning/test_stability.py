"""The selection repeated in subsamples: whole patients without replacement, training patients alone."""

import numpy as np
import pandas as pd
import pytest
from learning_cohorts import learned, simulated, small_settings
from pydantic import ValidationError

from vcfstats.learning.classifiers import NAMES
from vcfstats.learning.featuresets import matrices_of
from vcfstats.learning.inputs import check_inputs
from vcfstats.learning.selection import select_features
from vcfstats.learning.settings import StabilitySettings
from vcfstats.learning.stability import _drawn, subsample_selections
from vcfstats.learning.work import Work

from .cohorts import seeds

SETTINGS = small_settings(
    classifiers={name: None for name in NAMES} | {"logistic_regression": {"C": [0.1]}},
    optimism={"n_resamples": 0},
    stability={"n_subsamples": 3, "share": 0.6},
)


@pytest.fixture(scope="module")
def given():
    cohort, matrices = simulated(60, 20, n_radiomics=60, n_units=4, folds=3)
    # Two vertebrae of a patient, alike in outcome and fold.
    for level in (0, 1):
        mine = cohort.index[(cohort["outcome"] == level) & (cohort["fold"] == 0)]
        for first, second in zip(mine[::2], mine[1::2], strict=False):
            cohort.loc[second, "patient_id"] = cohort.loc[first, "patient_id"]
    return cohort, matrices


def work_of(cohort, matrices, workers=1):
    return Work(check_inputs(cohort, matrices, SETTINGS, {}), SETTINGS, seeds, workers)


def test_a_subsample_holds_whole_patients_of_each_class_once(given):
    work = work_of(*given)
    rows = [_drawn(work, i) for i in range(3)]
    assert len({tuple(r.tolist()) for r in rows}) == 3
    event = pd.Series(work.given.outcome).groupby(work.given.patients).max()
    for each in rows:
        inside = set(work.given.patients[each])
        assert not inside & set(work.given.patients[~each])
        for level in (0, 1):
            ids = set(event.index[event == level])
            assert len(ids & inside) == round(0.6 * len(ids))


def test_what_is_kept_is_the_selection_of_these_rows(given):
    cohort, matrices = given
    work = work_of(cohort, matrices)
    found = subsample_selections(work, {})
    assert [set(each) for each in found.selected] == [{"radiomics", "fused"}] * 3
    rows = _drawn(work, 1)
    frame = matrices_of(work, None)["fused"][1].loc[work.given.training.index[rows]]
    expected = select_features(
        frame, work.given.outcome[rows], work.given.patients[rows], SETTINGS.selection, seeds("learn/stability/1/fused")
    )
    assert found.selected[1]["fused"] == expected.prepared.features


def test_workers_and_testing_patients_change_nothing(given):
    cohort, matrices = given
    found = learned(cohort, matrices, SETTINGS).subsamples
    other, tested = cohort.copy(), cohort["partition"] == "testing"
    other.loc[tested, "outcome"] = 1 - other.loc[tested, "outcome"]
    changed = {name: frame.copy() for name, frame in matrices.items()}
    for frame in changed.values():
        frame.loc[cohort.index[tested]] = np.random.default_rng(0).normal(size=(tested.sum(), frame.shape[1]))
    assert learned(other, changed, SETTINGS, workers=2).subsamples == found
    assert found.candidates == {"radiomics": 60, "fused": 72}


def test_one_subsample_is_refused_and_none_is_none(given):
    with pytest.raises(ValidationError, match="one subsample says nothing"):
        StabilitySettings(n_subsamples=1)
    none = SETTINGS.model_copy(update={"stability": StabilitySettings(n_subsamples=0)})
    assert learned(*given, none).subsamples is None
