"""The cohort table: what is refused, who and which line it names."""

import pandas as pd
import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.learning.settings import SplitSettings
from vcfstats.pipeline.cohort_settings import FollowupSection
from vcfstats.pipeline.cohort_table import collect_cohort_table, read_cohort_table
from vcfstats.pipeline.params import CohortSection

SETTINGS = CohortSection.model_validate(
    {
        "folder": ".",
        "patient_id": "id",
        "outcome": {"column": "dx", "event": "bad", "event_label": "bad", "nonevent_label": "good"},
        "covariates": {
            "age": {"type": "continuous", "label": "Age", "column": "years"},
            "sex": {"type": "binary", "label": "Sex", "levels": {"F": "Female", "M": "Male"}},
        },
    }
)
RANDOM = SplitSettings(method="random")
BY_COLUMN = SplitSettings(method="column", column="set", training_value="dev", testing_value="val")
TABLE = """id,image,mask,dx,years,sex,set
007,a.nii.gz,a_mask.nii.gz,bad,61,F,dev
010,b.nii.gz,b_mask.nii.gz,good,,M,val
p-3,sub/c.nii.gz,c_mask.nii.gz,good,44.5,F,dev
"""


def read(tmp_path, text, settings=SETTINGS, split=RANDOM):
    (tmp_path / "cohort.csv").write_text(text, encoding="utf-8")
    return read_cohort_table(tmp_path, settings, split)


def refused(tmp_path, text, settings=SETTINGS, split=RANDOM):
    with pytest.raises(InputError) as error:
        read(tmp_path, text, settings, split)
    assert all("cohort.csv" in str(problem) for problem in error.value.problems)
    return [str(problem) for problem in error.value.problems]


def test_table_of_other_names_meets_the_contract(tmp_path):
    cohort = read(tmp_path, TABLE, split=BY_COLUMN)
    assert list(cohort.index) == ["007", "010", "p-3"]  # leading zeros stay
    assert cohort["outcome"].tolist() == [1, 0, 0]
    assert cohort["partition"].tolist() == ["training", "testing", "training"]
    assert cohort["age"].tolist()[::2] == [61.0, 44.5]
    assert pd.isna(cohort.loc["010", "age"])


@pytest.mark.parametrize("event", ["1", 1, 1.0])
def test_numeric_event_is_found_however_it_is_written(tmp_path, event):
    settings = SETTINGS.model_copy(update={"outcome": SETTINGS.outcome.model_copy(update={"event": event})})
    text = TABLE.replace("bad", "1.0" if event == 1.0 else "1").replace("good", "0")
    assert read(tmp_path, text, settings)["outcome"].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("010,b.nii", "007,b.nii", "patient 007, {f}: found the same id again, in lines 2, 3"),
        ("010,b.nii", ",b.nii", "patient in line 3, {f}: found no id"),
        ("010,b.nii", "../010,b.nii", "found the id '../010'; allowed: letters, digits"),
        ("b.nii.gz", "../b.nii.gz", "patient 010, {f}: found the image path '../b.nii.gz'"),
        ("b.nii.gz", "/etc/b.nii.gz", "patient 010, {f}: found the image path '/etc/b.nii.gz'"),
        ("b_mask.nii.gz", "C:\\masks\\b.nii.gz", "patient 010, {f}: found the mask path"),
        ("b_mask.nii.gz", "", "patient 010, {f}: found no mask file"),
        ("good,44.5", ",44.5", "patient p-3, {f}: found no value in column 'dx'"),
        ("good,44.5", "unsure,44.5", "found 3 values in column 'dx': bad, good, unsure"),
        ("bad,61", "good,61", "allowed: the event 'bad' among them"),
        ("44.5", "44,5", "cohort.csv"),
        ("61,F", "old,F", "patient 007, {f}: found age = 'old'; allowed: a number"),
        ("61,F", "61,f", "patient 007, {f}: found sex = 'f'; allowed: one of F, M"),
    ],
)
def test_bad_cell_is_one_clear_error(tmp_path, old, new, said):
    assert old in TABLE
    found = refused(tmp_path, TABLE.replace(old, new, 1))
    assert any(said.format(f=tmp_path / "cohort.csv") in problem for problem in found), found


def test_unknown_partition_names_the_patient(tmp_path):
    (found,) = refused(tmp_path, TABLE.replace("M,val", "M,test"), split=BY_COLUMN)
    assert "patient 010" in found
    assert "'dev' or 'val'" in found


def test_missing_columns_are_told_at_once_with_those_there_are(tmp_path):
    found = refused(tmp_path, TABLE.replace("dx", "diagnosis").replace("years", "year"))
    assert len(found) == 2
    assert "the columns there are: id, image, mask, diagnosis, year, sex, set" in found[0]
    assert "cohort.outcome.column" in found[0]
    assert "cohort.covariates.age" in found[1]


def test_all_problems_are_told_at_once(tmp_path):
    text = TABLE.replace("010", "007").replace("44.5", "x").replace("61,F", "61,q")
    assert len(refused(tmp_path, text)) == 3


@pytest.mark.parametrize("text", ["", "id,image,mask,dx,years,sex,set\n"])
def test_empty_table(tmp_path, text):
    refused(tmp_path, text)


def test_no_table(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_cohort_table(tmp_path, SETTINGS, RANDOM)


def test_several_cases_of_a_patient_need_a_case_column(tmp_path):
    text = TABLE.replace("010,b", "007,b").replace("id,image", "id,image").replace("set\n", "set,case\n", 1)
    text = "\n".join(f"{line},c{i}" if i else line for i, line in enumerate(text.strip().splitlines()))
    settings = SETTINGS.model_copy(update={"case_id": "case"})
    cohort = read(tmp_path, text + "\n", settings)
    assert cohort["patient_id"].tolist() == ["007", "007", "p-3"]
    assert list(cohort.index) == ["c1", "c2", "c3"]


def with_outcome(**values):
    return SETTINGS.model_copy(update={"outcome": SETTINGS.outcome.model_copy(update=values)})


def collected(tmp_path, text, settings=SETTINGS, split=RANDOM):
    (tmp_path / "cohort.csv").write_text(text, encoding="utf-8")
    return collect_cohort_table(tmp_path, settings, split)


def test_semicolons_and_decimal_commas_are_read_and_told(tmp_path):
    text = TABLE.replace("44.5", "44§5").replace(",", ";").replace("§", ",")
    cohort, told = collected(tmp_path, text)
    assert cohort["age"].tolist()[::2] == [61.0, 44.5]
    assert told.notes[0] == "cohort.csv: 3 rows, 7 columns, separated by semicolon, UTF-8"
    assert any("decimal commas in 1 cells, 44,5 is read as 44.5" in note for note in told.notes)
    assert told.problems == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("years,sex", "sex,sex", "2 columns named 'sex'"),
        ("10,b.nii", "07 ,b.nii", "the same id again"),
        ("010,b", "P-3,b", "ids that differ in case alone: P-3, p-3"),
        ("010,b", "1.2E+11,b", "a spreadsheet shortened a long number"),
        ("b_mask", "./a_mask", "one region for 2 cases: 007, 010"),
        ("b_mask.nii", "b.nii", "the mask 'b.nii.gz', which is the image"),
        ("good,44.5", "NA,44.5", "no value in column 'dx'"),
        ("good,44.5", "Good,44.5", "differ in case alone: Good, good"),
        ("44.5", "inf", "age = 'inf'"),
        ("44.5", "44\u00a0500", "age = '44\\xa0500'"),
        ("M,val", "F\u200b,val", "sex = 'F\\u200b'"),
        ("val\n", "val,x\n", "8 cells in line 3"),
        ("M,val", "M", "6 cells in line 3"),
    ],
)
def test_nothing_doubtful_is_taken(tmp_path, old, new, said):
    assert old in TABLE
    found = refused(tmp_path, TABLE.replace(old, new, 1))
    assert any(said in problem for problem in found), found


def test_a_cohort_of_events_alone_is_refused(tmp_path):
    (found,) = refused(tmp_path, TABLE.replace("good", "bad"))
    assert "one value in column 'dx': bad (3)" in found


def test_a_column_written_otherwise_is_named(tmp_path):
    (found,) = refused(tmp_path, TABLE.replace("years", "Years"))
    assert "no column 'years', but 'Years'" in found


@pytest.mark.parametrize(
    ("event", "other"), [("1", "2"), ("0", "1"), ("no", "yes"), ("FALSE", "TRUE"), ("absent", "present")]
)
def test_an_event_that_looks_like_its_absence_is_named_with_the_other_value(tmp_path, event, other):
    text = TABLE.replace("bad", event).replace("good", other)
    (found,) = refused(tmp_path, text, with_outcome(event=event))
    assert f"of which {event} is called the event" in found
    assert f"add cohort.outcome.nonevent: {other}" in found
    cohort, told = collected(tmp_path, text, with_outcome(event=event, nonevent=other))
    assert cohort["outcome"].tolist() == [1, 0, 0]
    assert f"outcome 'dx': event {event} (1 of 3), non-event {other} (2 of 3)" in told.notes
    assert read(tmp_path, text, with_outcome(event=other))["outcome"].tolist() == [0, 1, 1]
    assert "the non-event 'else' among them" in refused(tmp_path, text, with_outcome(event=event, nonevent="else"))[0]


def test_a_word_for_missing_can_be_a_value_of_the_outcome(tmp_path):
    text = TABLE.replace("good", "None")
    assert "no value in column 'dx'" in refused(tmp_path, text)[0]
    assert read(tmp_path, text, with_outcome(nonevent="None"))["outcome"].tolist() == [1, 0, 0]


def test_backslashes_are_slashes_and_told(tmp_path):
    cohort, told = collected(tmp_path, TABLE.replace("sub/c", "sub\\c"))
    assert cohort.loc["p-3", "image"] == "sub/c.nii.gz"
    assert "image: backslashes of 1 paths read as slashes" in told.notes


def test_ids_that_differ_in_leading_zeros_stay_two_and_are_told(tmp_path):
    cohort, told = collected(tmp_path, TABLE.replace("010,b", "7,b"))
    assert list(cohort.index) == ["007", "7", "p-3"]
    assert [problem.warning for problem in told.problems] == [True]
    assert "leading zeros alone: 007, 7" in told.problems[0].found


def test_a_level_without_cases_is_told(tmp_path):
    _, told = collected(tmp_path, TABLE.replace("M,val", "F,val"))
    assert [problem.found for problem in told.problems] == ["sex: no case of M"]


@pytest.mark.parametrize(
    ("time", "event", "said"),
    [("-1", "1", "a number of 0 or more"), ("3", "2", "1 for the event"), ("x", "1", "followup_time = 'x'")],
)
def test_follow_up_is_a_time_and_an_event(tmp_path, time, event, said):
    rows = [
        line.replace(",set", ",set,t,e") if "set" in line else f"{line},{time},{event}"
        for line in TABLE.strip().splitlines()
    ]
    settings = SETTINGS.model_copy(update={"followup": FollowupSection(time="t", event="e")})
    assert said in refused(tmp_path, "\n".join(rows), settings)[0]


@pytest.mark.parametrize("odd", ["1956", "1e3", "20411", "-4"])
def test_an_age_that_is_none_is_told(tmp_path, odd):
    covariates = {"age": SETTINGS.covariates["age"].model_copy(update={"unit": "years"})}
    settings = SETTINGS.model_copy(update={"covariates": covariates})

    def said(text):
        (tmp_path / "cohort.csv").write_text(text)
        _, told = collect_cohort_table(tmp_path, settings, RANDOM)
        return [str(problem) for problem in told.problems if "0 to 130" in str(problem)]

    assert said(TABLE) == []
    (words,) = said(TABLE.replace(",61,", f",{odd},"))
    assert f"age = {float(odd):g} years in 1 of 2 cells" in words


def test_points_are_doubtful_in_a_table_with_semicolons(tmp_path):
    text = TABLE.replace("61", "1.200").replace("44.5", "1.259")
    assert read(tmp_path, text)["age"].tolist()[::2] == [1.2, 1.259]
    said = refused(tmp_path, text.replace(",", ";"))
    assert "age = '1.200', which may be 1.200 or 1200" in said[0]
    assert read(tmp_path, TABLE.replace(",", ";"))["age"].tolist()[::2] == [61.0, 44.5]
