"""Reading figures: their forms, their rounding intervals, the names of columns and cohorts."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcfstats.audit.table.cells import Printed, decimal_text, printed, read_cell
from vcfstats.audit.table.columns import cohort_in, cohort_name, column_role, stated_n
from vcfstats.audit.table.pvalues import read_p

FORMS = [
    ("0.820", "0.820", None, None),
    (".820", "0.820", None, None),
    ("0·820", "0.820", None, None),
    ("0,820", "0.820", None, None),
    ("0 .820", "0.820", None, None),
    ("82.0%", "0.820", None, None),
    ("0.820*", "0.820", None, None),
    ("0.820 (0.761-0.880)", "0.820", ("0.761", "0.880"), None),
    ("0.820 (0.761–0.880)", "0.820", ("0.761", "0.880"), None),
    ("0·820 (0·761–0·880)", "0.820", ("0.761", "0.880"), None),
    ("0,820 (0,761; 0,880)", "0.820", ("0.761", "0.880"), None),
    ("0,997 (0,992-1,000)", "0.997", ("0.992", "1.000"), None),
    ("0.820 [95% CI: 0.761, 0.880]", "0.820", ("0.761", "0.880"), None),
    ("0.820 (95%CI 0.761 to 0.880)", "0.820", ("0.761", "0.880"), None),
    ("0.820, 0.761-0.880", "0.820", ("0.761", "0.880"), None),
    ("0.820\n(0.761−0.880)", "0.820", ("0.761", "0.880"), None),
    ("0.761 ~ 0.880", None, ("0.761", "0.880"), None),
    ("0.761～0.880", None, ("0.761", "0.880"), None),
    ("58/65 (89.2%)", "0.892", None, (58, 65)),
    ("89.2% (58/65)", "0.892", None, (58, 65)),
    ("89.2% (80.1–95.0) (58/65)", "0.892", ("0.801", "0.950"), (58, 65)),
    ("1,000", "1.000", None, None),
    ("-", None, None, None),
    ("NA", None, None, None),
    ("", None, None, None),
]


@pytest.mark.parametrize(("text", "value", "interval", "counts"), FORMS)
def test_forms_of_a_cell(text, value, interval, counts):
    cell = read_cell(text)
    assert (None if cell.value is None else decimal_text(cell.value.value, 3)) == value
    assert (None if cell.interval is None else tuple(decimal_text(x.value, 3) for x in cell.interval)) == interval
    assert cell.counts == counts


def test_spread_percent_column_and_lost_zeros():
    assert read_cell("0.82 ± 0.03").spread.value == Fraction(3, 100)
    assert read_cell("67.1", percent=True).value == Printed("67.1%", 671, 3)
    assert read_cell(0.7, decimals=3).value.units == 700
    assert read_cell(0.7878787878787878).value.half == Fraction(1, 2 * 10**6)


@given(st.integers(0, 400), st.integers(1, 400), st.integers(0, 4))
def test_the_interval_holds_the_value_by_each_rounding_rule(count, total, places):
    """Half up, half to even and binary floating point: whatever printed it, the value lies in the closed interval."""
    value = Fraction(min(count, total), total)
    half_even = round(value * 10**places)
    for text in (
        decimal_text(value, places),
        f"{float(value):.{places}f}",
        decimal_text(Fraction(half_even, 10**places), places),
    ):
        assert printed(text).holds(value)
        assert not printed(text).holds(value + Fraction(1001, 1000 * 10**places))


def test_print_like():
    assert printed("67.1", percent=True).like(Fraction(2, 3)) == "66.7%"
    assert printed("0.671").like(Fraction(2, 3)) == "0.667"


@pytest.mark.parametrize(
    ("heading", "role"),
    [
        ("AUC (95% CI)", ("auc", "")),
        ("C-statistic", ("auc", "")),
        ("95% CI", ("ci", "")),
        ("95%CI lower", ("ci_low", "")),
        ("Sensitivity, % (95% CI)", ("sensitivity", "")),
        ("SEN", ("sensitivity", "")),
        ("Recall", ("sensitivity", "")),
        ("Precision", ("ppv", "")),
        ("macro precision", ("averaged", "")),
        ("Youden's index", ("youden", "")),
        ("LR (+)", ("lr_positive", "")),
        ("SE (AUC)", ("se", "")),
        ("AUC value (testing)", ("auc", "testing")),
        ("95% CI (training)", ("ci", "training")),
        ("Test ACC", ("accuracy", "testing")),
        ("No. of patients", ("n", "")),
        ("cohort_as_printed", ("cohort", "")),
        ("P value", ("p", "")),
        ("Cut-off", ("threshold", "")),
    ],
)
def test_names_of_columns(heading, role):
    assert column_role(heading) == role


def test_names_of_cohorts():
    assert (
        cohort_name("Training cohort (n = 164)") == cohort_name("train") == cohort_name("Development set") == "training"
    )
    assert cohort_name("Test set") == "testing"
    assert cohort_name("Center A") == "center a"
    assert cohort_in("DL -training") == ("training", "DL")
    assert cohort_in("Nomogram (validation cohort)") == ("validation", "Nomogram")
    assert cohort_in("ResNet50") == ("", "ResNet50")
    assert stated_n("Training (n = 1,164)") == 1164


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.034", 0.0335, 0.0345),
        (".034*", 0.0335, 0.0345),
        ("<0.001", 0, 0.001),
        ("P = 0.03", 0.025, 0.035),
        ("> 0.99", 0.99, 1),
        ("3.2×10−5", 3.15e-5, 3.25e-5),
        ("0.000", 0, 0.0005),
    ],
)
def test_p_values(text, low, high):
    p = read_p(text)
    assert p.low == pytest.approx(low, rel=1e-9)
    assert p.high == pytest.approx(high, rel=1e-9)


def test_no_p_value():
    assert read_p("NS") is None
    assert read_p("17.3") is None
