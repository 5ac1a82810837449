"""Contracts between rooms: what is let through and what is not."""

import io
import json
import math
import pickle

import numpy as np
import pandas as pd
import pytest

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.features import FeatureDescription, read_features, write_features
from vcfstats.contracts.files import replacing, write_text
from vcfstats.contracts.predictions import predictions_of, read_predictions, write_predictions
from vcfstats.contracts.progress import progress
from vcfstats.contracts.records import Record, add_record, read_records, write_records


def record(**changes):
    return Record(**{"kind": "testing", "model": "m", "estimate": "auc", "value": 0.8, "stage": "evaluate"} | changes)


def test_records_round_trip_sorted_and_undefined_is_null(tmp_path):
    records = {}
    add_record(records, record(value=np.float64(0.8), ci_low=math.nan))
    add_record(records, record(estimate="accuracy", value=math.nan, method="0/0"))
    write_records(records, tmp_path / "results.json")
    body = json.loads((tmp_path / "results.json").read_text())
    assert list(body) == ["testing/m/accuracy", "testing/m/auc"]
    assert body["testing/m/auc"]["ci_low"] is None
    assert read_records(tmp_path / "results.json") == records


def test_record_refuses_what_json_cannot_say_and_a_key_twice():
    with pytest.raises(ValueError, match="infinite"):
        record(value=math.inf)
    with pytest.raises(ValueError, match="kind"):
        record(kind="validation")
    records = {}
    add_record(records, record())
    with pytest.raises(KeyError, match="testing/m/auc"):
        add_record(records, record(value=0.9))


def test_missing_or_foreign_records_are_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="dvc repro"):
        read_records(tmp_path / "results.json")
    (tmp_path / "results.json").write_text("[1]")
    with pytest.raises(InputError, match="no result records"):
        read_records(tmp_path / "results.json")


def test_a_file_is_whole_or_as_it_was(tmp_path):
    target = tmp_path / "deep" / "table.csv"
    write_text(target, "old")

    def killed_halfway():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        killed_halfway()
    assert target.read_text() == "old"
    assert [p.name for p in target.parent.iterdir()] == ["table.csv"]


def test_problem_says_who_where_what_and_how_to_mend_and_survives_a_worker():
    error = InputError(
        [Problem("an empty mask", "a mask of at least one voxel", "draw it", patient="007", file="m.nii")]
    )
    assert (
        str(error)
        == "patient 007, m.nii: found an empty mask; allowed: a mask of at least one voxel. To mend: draw it."
    )
    assert pickle.loads(pickle.dumps(error)).problems == error.problems  # noqa: S301 (our own bytes)


def cohort():
    index = pd.Index(["a", "b", "c"], name="case_id")
    return pd.DataFrame({"patient_id": ["a", "b", "c"], "partition": "training", "outcome": [0, 1, 1]}, index=index)


def test_predictions_keep_their_contract(tmp_path):
    rows = predictions_of(
        cohort(), pd.Series([0.1, 0.5, 1.0], index=["c", "a", "b"]), kind="apparent", feature_set="f", model="m"
    )
    assert rows["outcome"].tolist() == [1, 0, 1]
    write_predictions(rows, tmp_path / "p.parquet")
    assert read_predictions(tmp_path / "p.parquet")["case_id"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "change", [{"probability": 1.2}, {"probability": np.nan}, {"kind": "validation"}, {"outcome": 2}, {"case_id": "a"}]
)
def test_predictions_outside_the_contract_are_refused(tmp_path, change):
    rows = predictions_of(
        cohort(), pd.Series([0.1, 0.5, 1.0], index=["a", "b", "c"]), kind="apparent", feature_set="f", model="m"
    )
    rows.loc[1, list(change)] = list(change.values())
    with pytest.raises(Exception, match=r"probability|kind|outcome|unique|case_id"):
        write_predictions(rows, tmp_path / "p.parquet")
    assert not (tmp_path / "p.parquet").exists()
    rows.to_parquet(tmp_path / "q.parquet")
    with pytest.raises(InputError, match="breaks its contract"):
        read_predictions(tmp_path / "q.parquet")


def test_features_name_the_patient_and_the_feature_at_fault(tmp_path):
    frame = pd.DataFrame({"x": [1.0, np.inf]}, index=pd.Index(["p1", "p2"], name="case_id"))
    about = FeatureDescription(versions={}, settings={}, inputs={})
    with pytest.raises(InputError, match=r"patient p2.*feature 'x' is inf"):
        write_features(frame, about, tmp_path / "f.parquet")
    write_features(frame.clip(upper=9), about, tmp_path / "f.parquet")
    assert read_features(tmp_path / "f.parquet").loc["p2", "x"] == 9
    assert (tmp_path / "f.json").is_file()
    with pytest.raises(InputError, match="float64"):
        write_features(frame.clip(upper=9).astype("float32"), about, tmp_path / "g.parquet")


def test_progress_says_done_rate_and_time_left():
    clock = iter([0.0, 4.0, 6.0, 8.0, 10.0]).__next__
    out = io.StringIO()
    assert list(progress(range(3), 3, label="radiomics", stream=out, clock=clock)) == [0, 1, 2]
    assert out.getvalue().splitlines() == [
        "radiomics 0/3 patients",
        "radiomics 2/3 patients, 0.33/s, 3 s left",
        "radiomics 3/3 patients in 10.0 s",
    ]
