"""Opening a study and reading from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES, Protocol, read_study, read_table, write_table
from vcfstats.reporting import open_study
from vcfstats.reporting.study import reason

MakeStudy = Callable[..., Path]


def test_the_study_is_found_from_a_folder_within(make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_study()
    (root / "report" / "deep").mkdir(parents=True)
    monkeypatch.chdir(root / "report" / "deep")
    assert open_study().root == root.resolve()
    assert open_study(root).info == open_study().info


def test_no_study_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no results/results\.json in .* or above it"):
        open_study()
    with pytest.raises(InputError, match=r"study\.json: found no such file"):
        open_study(tmp_path)


def test_values_carry_where_they_come_from(make_study: MakeStudy) -> None:
    value = open_study(make_study()).value("testing/first/auc")
    assert value.plain == "0.600 (95% CI 0.450 to 0.750)"
    assert (
        '.result title="testing/first/auc = 0.6; 95% CI 0.45 to 0.75; DeLong; n = 70; events = 24; stage evaluate"'
        in value.markdown
    )


def test_an_undefined_value_says_so_and_why(make_study: MakeStudy) -> None:
    study = open_study(make_study("undefined"))
    assert str(study.value("testing/first/auc")) == "not estimable"
    assert str(study.reason("testing/first/auc")) == "the reference standard holds one class"
    assert str(study.share("cohort/all/n_events", "cohort/all/n_cases")) == "0/12 (0.0%)"


def test_of_several_remarks_the_one_on_the_estimate_is_its_reason() -> None:
    remarks = "Wald (The predictions are odd: the slope is infinite and the intercept NaN; Every probability is 1, so the statistic is 0/0: NaN.)"
    blank = {"kind": "testing", "value": None, "stage": "evaluate"}
    slope = Record(estimate="calibration_slope", method=remarks, **blank)
    assert reason(slope) == "the predictions are odd: the slope is infinite and the intercept undefined"
    assert reason(Record(estimate="brier", method=remarks, **blank)).startswith("every probability is 1")
    assert reason(Record(estimate="ppv", method="undefined: 0/0", **blank)) == "the denominator is zero"
    why = "a group with predicted risks of 0 or 1 throughout holds the other outcome"
    infinite = Record(estimate="hosmer_lemeshow", method=f"not estimable: {why}", df=5, p_value=0, **blank)
    assert reason(infinite) == why
    assert (infinite.df, infinite.p_value) == (None, None)


def test_a_wrong_key_names_the_near_ones(make_study: MakeStudy) -> None:
    with pytest.raises(InputError, match=r"no record 'testing/first/auk'; allowed: keys such as testing/first/auc"):
        open_study(make_study()).value("testing/first/auk")


def test_a_model_without_a_name_is_refused(make_study: MakeStudy) -> None:
    root = make_study("two")
    path = root / "results" / "study.json"
    words = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(words | {"models": {"first": "First"}}), encoding="utf-8")
    with pytest.raises(InputError, match="records of model 'second'"):
        open_study(root)


def test_unknown_words_are_refused_by_name(make_study: MakeStudy) -> None:
    path = make_study() / "results" / "study.json"
    words = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(words | {"titel": "x"}), encoding="utf-8")
    with pytest.raises(InputError, match="titel: Extra inputs are not permitted"):
        read_study(path)


def test_without_a_protocol_there_are_no_deviations() -> None:
    with pytest.raises(ValueError, match="nothing to deviate from"):
        Protocol.model_validate(
            {"registered": False, "deviations": [{"key": "a", "published": 1, "used": 2, "reason": "x"}]}
        )


def test_tables_read_back_and_bad_cells_are_named(make_study: MakeStudy, tmp_path: Path) -> None:
    roc = open_study(make_study()).table("roc")
    assert tuple(roc.columns) == TABLES["roc"]
    assert roc["sensitivity"].dtype == float
    path = tmp_path / "roc.csv"
    write_table(
        "roc",
        [{"kind": "testing", "model": "first", "threshold": None, "false_positive_rate": 0.0, "sensitivity": 0.0}],
        path,
    )
    assert read_table("roc", path)["threshold"].isna().all()
    path.write_text(path.read_text().replace("first,,0.0", "first,,high"), encoding="utf-8")
    with pytest.raises(InputError, match=r"row 2, column false_positive_rate: 'high'"):
        read_table("roc", path)
    path.write_text("kind,model\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns kind, model"):
        read_table("roc", path)
