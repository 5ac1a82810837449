"""What cells mean: missing words, numbers, levels; what is doubtful is refused or told."""

import math
from pathlib import Path

import pandas as pd
import pytest

from vcfstats.pipeline.cells import Told, known, levels_of, numbers


def told():
    return Told(Path("cohort.csv"))


def column(*cells):
    return pd.Series(list(cells), index=[f"P{at}" for at in range(len(cells))])


def read_numbers(*cells, commas=False, least=None):
    account = told()
    values = numbers(column(*cells), "age", account, commas=commas, least=least)
    return [None if math.isnan(value) else value for value in values], account


@pytest.mark.parametrize("word", ["NA", "n/a", "N/A", "NaN", "null", "None", "#N/A", "<NA>", ".", "n.a."])
def test_a_word_for_missing_is_missing_and_told_unless_it_is_a_level(word):
    account = told()
    assert known(column(word, "x", ""), "edema", account).tolist() == [None, "x", None]
    assert account.notes == [f"edema: 1 of 3 cells read as missing, since they say {word}"]
    account = told()
    assert levels_of(column(word, "x", ""), "edema", {word: "a", "x": "b"}, account, key="k").tolist() == [
        word,
        "x",
        None,
    ]
    assert (account.notes, account.problems) == ([], [])


def test_a_word_that_is_a_level_in_another_case_is_neither_missing_nor_taken():
    account = told()
    assert levels_of(column("none", "x"), "edema", {"None": "a", "x": "b"}, account, key="k").tolist() == [None, "x"]
    assert "edema = 'none'" in account.problems[0].found
    assert "write it as 'None'" in account.problems[0].mend


def test_levels_match_as_numbers_but_not_by_likeness():
    account = told()
    found = levels_of(column("0.0", "1", "01", "2"), "sign", {"0": "Absent", "1": "Present"}, account, key="k")
    assert found.tolist() == ["0", "1", "1", None]
    assert [problem.patient for problem in account.problems] == ["P3"]
    # Where two levels are the same number, letters alone tell.
    assert levels_of(column("1", "01"), "centre", {"01": "A", "1": "B"}, told(), key="k").tolist() == ["1", "01"]


@pytest.mark.parametrize("cell", ["Male", "male\u200b", "MALE", "m", "maIe"])
def test_a_level_written_otherwise_is_told(cell):
    account = told()
    levels_of(column(cell), "sex", {"female": "F", "male": "M"}, account, key="k")
    assert len(account.problems) == 1


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["61", "-1.5", "+2", ".5", "3.", "1e3", "0.1", ""], [61, -1.5, 2, 0.5, 3, 1000, 0.1, None]),
        (["61,5", "0,25", "7", "1e0"], [61.5, 0.25, 7, 1]),
        (["1,234", "12,5"], [1.234, 12.5]),
        (["0,987", "1,100"], [0.987, 1.1]),
        (["0.1234567890123456789"], [0.1234567890123456789]),
    ],
)
def test_numbers_as_they_are_written(cells, values):
    found, account = read_numbers(*cells)
    assert found == values
    assert account.problems == []
    assert bool(account.notes) == any("," in cell for cell in cells)


@pytest.mark.parametrize(
    ("cells", "mend"),
    [
        (["65 y"], "the number alone"),
        (["65y"], "the number alone"),
        (["45%"], "without the sign"),
        (["<0.5"], "values beyond a limit"),
        (["2021-05-03"], "in place of the date"),
        (["03.05.2021"], "in place of the date"),
        (["1 234"], "separators of thousands"),
        (["1\u00a0234"], "separators of thousands"),
        (["1,234.5"], "separators of thousands"),
        (["1.234,5"], "separators of thousands"),
        (["1.234.567"], "separators of thousands"),
        (["1'234"], "separators of thousands"),
        (["1,234"], "separators of thousands"),  # 1.234 or 1234?
        (["\u22125"], "plain minus"),
        (["inf"], "finite"),
        (["-Infinity"], "finite"),
        (["1e400"], "below 1e308"),
        (["1_000"], "correct the cell"),
        (["0x10"], ""),
        (["\u0661\u0662"], "correct the cell"),  # digits of another script
        (["True"], "correct the cell"),
        (["61,5", "59.5"], "correct the cell"),
        (["="], "correct the cell"),
    ],
)  # fmt: skip
def test_what_is_no_number_says_what_to_write(cells, mend):
    _, account = read_numbers(*cells)
    assert account.problems
    assert all(not problem.warning for problem in account.problems)
    assert mend in account.problems[0].mend


def test_points_are_doubtful_where_other_columns_have_decimal_commas():
    assert read_numbers("150.000", "95.000", commas=True)[1].problems
    assert not read_numbers("150.000", "95.5", commas=True)[1].problems
    assert not read_numbers("150.000", "95.000")[1].problems


def test_a_least_value_is_kept():
    values, account = read_numbers("3", "-1", least=0.0)
    assert values == [3, None]
    assert account.problems[0].patient == "P1"


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["40", "50", "60", "-99"], -99),
        (["40", "50", "60", "999"], 999),
        (["40", "50", "60", "99", "99"], 99),
        (["40", "50", "85", "99"], None),  # an age
        (["-3", "-1", "2"], None),
        (["999", "999"], None),  # nothing else to compare with
    ],
)
def test_numbers_that_look_like_codes_are_told_with_their_count(cells, code):
    values, account = read_numbers(*cells)
    assert values == [float(cell) for cell in cells]
    assert [problem.warning for problem in account.problems] == [True] * (code is not None)
    if code is not None:
        assert f"age = {code} in {cells.count(str(code))} of {len(cells)} cells" in account.problems[0].found


def test_dates_without_separators_are_told():
    assert "like a date" in read_numbers("20210503", "19991231")[1].problems[0].found


def test_one_point_among_commas_is_the_cell_that_is_told():
    values, account = read_numbers("30,5", "41,2", "1.060", "35,1")
    assert values == [None] * 4
    (problem,) = account.problems
    assert (problem.patient, problem.warning) == ("P2", False)
    assert "'1.060', with a point, beside 3 cells with a comma, such as '30,5'" in problem.found


def test_a_point_in_a_column_of_whole_numbers_is_told():
    values, account = read_numbers("59", "1.060", "61")
    assert values == [59.0, 1.06, 61.0]
    assert any(
        problem.warning and "write 1060 if the point divides thousands" in problem.mend for problem in account.problems
    )
    assert read_numbers("59", "60.5", "61")[1].problems == []
    assert read_numbers("1.060", "1.211", "0.985")[1].problems == []  # three decimals throughout


def test_each_point_among_commas_is_told():
    assert [problem.patient for problem in read_numbers("30,5", "4.2", "1,1", "35,1", "9.5")[1].problems] == [
        "P1",
        "P4",
    ]
