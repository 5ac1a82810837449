"""Numbers in words."""

from __future__ import annotations

import pytest

from vcfstats.contracts.records import Record
from vcfstats.reporting.values import Text, compose, decimal, full, interval, p_phrase, p_value, point, ratio


def record(estimate: str, value: object, **more: object) -> Record:
    return Record.model_validate({"kind": "testing", "estimate": estimate, "value": value, "stage": "evaluate", **more})


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.8714, 3, "0.871"),
        (-0.204, 2, "−0.20"),
        (-0.0001, 2, "0.00"),
        (1.0, 3, "1.000"),
        (float("nan"), 2, "not estimable"),
        (None, 1, "not estimable"),
    ],
)
def test_decimal(value: float | None, digits: int, shown: str) -> None:
    assert decimal(value, digits) == shown


@pytest.mark.parametrize(
    ("p", "shown", "phrase"),
    [
        (0.0338, "0.034", "p = 0.034"),
        (0.00099, "<0.001", "p < 0.001"),
        (0.0, "<0.001", "p < 0.001"),
        (0.001, "0.001", "p = 0.001"),
        (0.9994, ">0.999", "p > 0.999"),
        (1.0, ">0.999", "p > 0.999"),
        (None, "not estimable", "p not estimable"),
    ],
)
def test_p_values_are_never_zero_or_one(p: float | None, shown: str, phrase: str) -> None:
    assert (p_value(p), p_phrase(p)) == (shown, phrase)


def test_auc_has_three_decimals_and_its_interval() -> None:
    auc = record("auc", 0.8709, ci_low=0.7861, ci_high=0.9567, level=0.95)
    assert full(auc) == "0.871 (95% CI 0.786 to 0.957)"
    assert full(auc.model_copy(update={"level": 0.9})) == "0.871 (90% CI 0.786 to 0.957)"


def test_proportions_come_with_their_counts() -> None:
    share = record("sensitivity", 24 / 70, ci_low=0.2431, ci_high=0.4601, level=0.95, n=70, events=24)
    assert full(share) == "24/70 (34.3%; 95% CI 24.3 to 46.0)"
    # Counts that are not those of the proportion are not printed as if they were.
    assert full(share.model_copy(update={"events": 25})) == "34.3% (95% CI 24.3 to 46.0)"


def test_an_interval_without_width_is_none() -> None:
    perfect = record("auc", 1.0, ci_low=1.0, ci_high=1.0, level=0.95)
    assert full(perfect) == "1.000 (95% CI not estimable)"
    assert interval(perfect) == "not estimable"


def test_a_p_value_comes_after_its_statistic() -> None:
    test = record("hosmer_lemeshow", 9.214, statistic=9.214, df=8.0, p_value=0.3251)
    assert full(test) == "χ² = 9.21, 8 df, p = 0.325"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "not estimable"), (1834, "1,834"), (True, "yes"), ("Wilson", "Wilson"), (-0.0312, "−0.031")],
)
def test_point(value: object, shown: str) -> None:
    assert point(record("anything", value)) == shown


def test_compose_escapes_what_is_plain_and_keeps_what_is_marked_up() -> None:
    text = compose("{a} < {b} *", a="x_y", b=Text("1", "[1]{.result}"))
    assert text.plain == "x_y < 1 *"
    assert text.markdown == r"x\_y \< [1]{.result} \*"


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (1.8234, 1.2, 2.75, "1.82 (1.20 to 2.75)"),
        (0.0341, 0.02, 0.05, "0.034 (0.020 to 0.050)"),
        (12.34, 1.1, 456.7, "12.3 (1.10 to 457)"),
        (0.0, 0.0, 0.0, "0 (0 to 0)"),
        (4e-5, 1e-5, 2e-4, "0.000040 (0.000010 to 0.00020)"),
        (1e-30, 1e-40, 1e-20, "1.0 × 10⁻³⁰ (1.0 × 10⁻⁴⁰ to 1.0 × 10⁻²⁰)"),
        (1.0000213, 1.0000102, 1.0000324, "1.000021 (1.000010 to 1.000032)"),
        (1e300, 1e200, float("inf"), "1.0 × 10³⁰⁰ (1.0 × 10²⁰⁰ to infinite)"),
        (2.0, float("nan"), 3.0, "2.00"),
    ],
)
def test_ratios_per_unit_of_any_size(value: float, low: float, high: float, shown: str) -> None:
    assert ratio(value, low, high) == shown


def test_no_words_are_markdown_all_the_same() -> None:
    """Quarto prints the code of an expression that gives nothing: `{python} ` stood in a paper."""
    assert Text.of("")._repr_markdown_() == "<!-- -->"
    assert str(Text.of("")) == Text.of("").markdown == ""
    assert Text.of("a")._repr_markdown_() == "a"
