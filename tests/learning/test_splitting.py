"""Splits and folds: whole patients, both classes, nothing but the seed and the patients decides."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcfstats.contracts.errors import InputError
from vcfstats.learning.settings import SplitSettings
from vcfstats.learning.splitting import assign_folds, split_cohort


def cohort_of(n_events, n_nonevents, cases_per_patient=1):
    patients = [f"p{i:03d}" for i in range(n_events + n_nonevents)]
    rows = [(f"{p}-{c}", p, int(i < n_events)) for i, p in enumerate(patients) for c in range(cases_per_patient)]
    frame = pd.DataFrame(rows, columns=["case_id", "patient_id", "outcome"]).set_index("case_id")
    frame["partition"] = None
    return frame


@given(st.integers(10, 40), st.integers(10, 40), st.integers(1, 3), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_stratified_split_keeps_patients_whole_and_the_share_by_class(n_events, n_nonevents, cases, seed):
    cohort = cohort_of(n_events, n_nonevents, cases)
    partition = split_cohort(
        cohort, SplitSettings(method="stratified", test_fraction=0.3), np.random.SeedSequence(seed)
    )
    assert (partition.groupby(cohort["patient_id"]).nunique() == 1).all()
    for level, n in ((1, n_events), (0, n_nonevents)):
        assert (partition[cohort["outcome"] == level] == "testing").sum() == cases * round(0.3 * n)


def test_split_does_not_depend_on_the_order_of_rows():
    cohort = cohort_of(20, 30)
    how = SplitSettings(method="random")
    first = split_cohort(cohort, how, np.random.SeedSequence(1))
    second = split_cohort(cohort.sample(frac=1, random_state=0), how, np.random.SeedSequence(1))
    pd.testing.assert_series_equal(first, second.loc[first.index])
    assert not first.equals(split_cohort(cohort, how, np.random.SeedSequence(2)))


def test_given_partition_that_tears_a_patient_apart_is_refused():
    cohort = cohort_of(5, 5, cases_per_patient=2)
    cohort["partition"] = ["training", "testing"] * 10
    with pytest.raises(InputError, match=r"patient p000: found cases in training and in testing"):
        split_cohort(cohort, SplitSettings(method="column", column="set"), np.random.SeedSequence(1))


def test_side_without_events_is_refused():
    cohort = cohort_of(1, 20)
    with pytest.raises(InputError, match="events and non-events in both partitions"):
        split_cohort(cohort, SplitSettings(method="stratified"), np.random.SeedSequence(1))


@given(st.integers(3, 30), st.integers(3, 30), st.integers(1, 3), st.integers(2, 3), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_folds_hold_whole_patients_and_spread_both_classes(n_events, n_nonevents, cases, folds, seed):
    cohort = cohort_of(n_events, n_nonevents, cases)
    fold = assign_folds(cohort, folds, np.random.SeedSequence(seed))
    assert (fold.groupby(cohort["patient_id"]).nunique() == 1).all()
    patients = cohort.groupby("patient_id")["outcome"].max()
    by_patient = fold.groupby(cohort["patient_id"]).first()
    for level in (0, 1):
        sizes = by_patient[patients == level].value_counts().reindex(range(folds), fill_value=0)
        assert sizes.max() - sizes.min() <= 1
    sizes = by_patient.value_counts().reindex(range(folds), fill_value=0)
    assert sizes.max() - sizes.min() <= 1


def test_fewer_events_than_folds_is_refused():
    with pytest.raises(
        InputError, match=r"found 3 events among the training patients; allowed: at least one per fold \(5 folds\)"
    ):
        assign_folds(cohort_of(3, 20), 5, np.random.SeedSequence(1))
