"""The cohort table: what is refused, who and which line it names."""

import pandas as pd
import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.learning.settings import SplitSettings
from vcfstats.pipeline.cohort_table import read_cohort_table
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
