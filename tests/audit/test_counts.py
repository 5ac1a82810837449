"""The whole-number arithmetic against enumeration, and the recovery of class counts."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcfstats.audit.table.cells import Printed, decimal_text, printed
from vcfstats.audit.table.cohorts import recover
from vcfstats.audit.table.counts import count_matrices, formula, list_matrices, prevalence_range, rate_of
from vcfstats.audit.table.misfits import single_mends
from vcfstats.audit.table.reading import Row

NAMES = (
    "accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "youden", "lr_positive", "lr_negative",
)  # fmt: skip


def fits(name, figure, matrix):
    """Say whether a matrix may be printed so, from the definition of the rate."""
    value = rate_of(name, *matrix)
    if value is not None:
        return figure.holds(value)
    tp, _, fn, _ = matrix
    if name == "lr_positive":
        return tp == 0 and figure.units == 0
    if name == "lr_negative":
        return fn == 0
    return figure.value in (0, 1)  # 0/0 is printed as 0, by some as 1


@st.composite
def rows(draw):
    m, k = draw(st.integers(1, 10)), draw(st.integers(1, 10))
    tp, tn = draw(st.integers(0, m)), draw(st.integers(0, k))
    places = draw(st.integers(1, 3))
    rates = {}
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True)):
        value = rate_of(name, tp, k - tn, m - tp, tn)
        if value is None or value < 0:
            continue
        units = printed(decimal_text(value, places)).units + draw(st.sampled_from([0, 0, 0, 1, -1]))
        top = 10**9 if name.startswith("lr") else 10**places
        rates[name] = Printed("figure", min(max(units, 0), top), places)
    return m, k, rates


@settings(max_examples=150, deadline=None)
@given(rows())
def test_matrices_are_those_of_enumeration(case):
    m, k, rates = case
    everything = [(tp, k - tn, m - tp, tn) for tp in range(m + 1) for tn in range(k + 1)]
    expected = [matrix for matrix in everything if all(fits(name, figure, matrix) for name, figure in rates.items())]
    assert sorted(list_matrices(rates, m, k)) == sorted(expected)
    assert count_matrices(rates, [m], [k])[0] == len(expected)


def test_known_cells_of_the_matrix_count():
    rates = {"accuracy": printed("0.75")}
    assert list_matrices(rates, 4, 4, known={"tp": 2, "fp": 0}) == [(2, 0, 2, 4)]
    assert list_matrices(rates, 4, 4, known={"fn": 1, "tn": 4}) == []


def test_published_row_by_hand():
    """Sensitivity 47/61, specificity 78/103, accuracy 125/164, PPV 47/72, NPV 78/92."""
    rates = {
        name: printed(text)
        for name, text in zip(NAMES[:1] + NAMES[2:6], ("0.762", "0.770", "0.757", "0.653", "0.848"), strict=True)
    }
    assert list_matrices(rates, 61, 103) == [(47, 25, 14, 78)]
    assert formula("npv", 47, 25, 14, 78) == "78/92"
    m = np.arange(1, 164)
    assert m[count_matrices(rates, m, 164 - m) > 0].tolist() == [61]
    wrong = Row("", 1, "XGBoost", "XGBoost", "training", {**rates, "npv": printed("0.948")})
    assert single_mends(wrong, 61, 103) == ["NPV 0.848 = 78/92 for 0.948"]


@given(st.integers(2, 60), st.integers(2, 60), st.data())
def test_prevalence_range_holds_the_truth(m, k, data):
    tp, tn = data.draw(st.integers(0, m)), data.draw(st.integers(0, k))
    values = {
        name: rate_of(name, tp, k - tn, m - tp, tn) for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv")
    }
    rates = {
        name: printed(decimal_text(value if value is not None else Fraction(0), 3)) for name, value in values.items()
    }
    low, high = prevalence_range(rates)
    assert low <= Fraction(m, m + k) <= high


def test_prevalence_range_is_empty_where_no_share_of_events_gives_the_row():
    rates = {
        name: printed(text)
        for name, text in (("sensitivity", "0.770"), ("specificity", "0.757"), ("accuracy", "0.790"))
    }
    low, high = prevalence_range(rates)
    assert low > high  # a mean of 0.770 and 0.757 cannot be 0.790


def table(m, k, seed, models=7, places=3):
    rng = np.random.default_rng(seed)
    made = []
    for number in range(models):
        tp, tn = int(rng.integers(m // 3, m + 1)), int(rng.integers(k // 3, k + 1))
        cells = {}
        for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv"):
            value = rate_of(name, tp, k - tn, m - tp, tn)
            cells[name] = printed(decimal_text(value if value is not None else Fraction(0), places))
        made.append(Row("Table 1", number + 1, f"model {number}", f"model {number}", "training", cells))
    return made


@pytest.mark.parametrize(("m", "k"), [(61, 103), (24, 46), (13, 190), (211, 187)])
def test_recovered_class_counts(m, k):
    with_n, without = recover("c", table(m, k, 1), n=m + k), recover("c", table(m, k, 1))
    for found in (with_n, without):
        assert (found.events, found.nonevents) == (m, k)
        assert (found.fits[:, found.best] > 0).all()
    assert with_n.is_settled
    multiples = [(int(without.m[i]), int(without.k[i])) for i in without.rivals]
    assert all(pair[0] > m for pair in multiples)  # what it cannot be told from is larger
    assert not multiples or (2 * m, 2 * k) in multiples


def test_one_misprint_does_not_drive_the_counts_away():
    rows = table(61, 103, 2)
    rows[3].cells["npv"] = Printed("0.123", 123, 3)
    found = recover("c", rows)
    assert (found.events, found.nonevents) == (61, 103)
    assert [i for i in range(7) if not found.fits[i, found.best]] == [3]
    assert found.margin(3) > found.threshold


def test_nothing_to_recover_from():
    assert not recover("c", [Row("", 1, "A", "A", "", {"auc": printed("0.8")})]).m.size
