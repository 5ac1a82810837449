"""Outputs of a rebuild beside the committed ones: which class each stage falls into, and what is said of it."""

import json

import numpy as np
import pandas as pd
import pytest

from vcfstats.audit.rebuilding import compare_stages
from vcfstats.pipeline.rebuild import told


def csv(path, value):
    pd.DataFrame({"case_id": ["a", "b"], "x": [1.5, value]}).to_csv(path, index=False)


def parquet(path, value):
    pd.DataFrame({"x": [1.5, value], "flag": [True, False]}, index=["a", "b"]).to_parquet(path)


def body(path, value):
    path.write_text(json.dumps({"a": {"value": [1.0, value], "file": f"{abs(hash(value)) % 16**8:064x}"}}))


def arrays(path, value):
    np.savez(path, x=np.array([[1.5, value]]))


WRITERS = {"x.csv": csv, "x.parquet": parquet, "x.json": body, "x.npz": arrays}


@pytest.fixture
def sides(tmp_path):
    for side in ("old", "new"):
        (tmp_path / side).mkdir()
    return tmp_path / "old", tmp_path / "new"


def compared(sides, name, *, hashes=("1", "2"), tolerance=1e-9):
    return compare_stages({"s": {name: hashes[0]}}, {"s": {name: hashes[1]}}, roots=sides, tolerance=tolerance)[0]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("value", "verdict"), [(2.0 + 1e-12, "same to a tolerance"), (2.001, "different"), (float("nan"), "different")]
)
def test_numbers_are_compared_to_a_tolerance_in_each_kind_of_file(sides, name, value, verdict):
    WRITERS[name](sides[0] / name, 2.0)
    WRITERS[name](sides[1] / name, value)
    found = compared(sides, name)
    assert found.verdict == verdict
    assert found.said[0].startswith(f"{name}: ")
    assert compared(sides, name, hashes=("1", "1")).verdict == "same bytes"  # dvc.lock alone decides it


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": 1}, {"a": "1"}),
        ({"a": True}, {"a": 1}),
        ({"a": None}, {"a": 0.0}),
        ({"a": 1.0}, {"b": 1.0}),
        ({"a": "yes"}, {"a": "no"}),
        ({"a": [1, 2]}, {"a": [1]}),
    ],
)
def test_other_words_kinds_and_lengths_are_different(sides, old, new):
    for side, content in zip(sides, (old, new), strict=True):
        (side / "x.json").write_text(json.dumps(content))
    assert compared(sides, "x.json", tolerance=1.0).verdict == "different"


def test_hashes_of_files_and_what_made_them_are_no_results(sides):
    for side, digit in zip(sides, "12", strict=True):
        (side / "x.json").write_text(json.dumps({"hashes": {"code": digit, "data": digit * 64}, "environment": digit}))
    assert compared(sides, "x.json").verdict == "same to a tolerance"


def test_a_folder_is_as_its_worst_file_and_names_it(sides):
    for side, value in zip(sides, (2.0, 3.0), strict=True):
        (side / "d").mkdir()
        csv(side / "d" / "a.csv", 2.0)
        csv(side / "d" / "b.csv", value)
        (side / "d" / f"only-{value}.txt").write_text("x")
    found = compared(sides, "d")
    assert found.verdict == "different"
    assert found.said[0].startswith("d: 3 of 4 files are other bytes; b.csv: row 2, x differs by")


def test_files_of_unknown_kinds_must_be_equal_and_documents_may_only_follow_results(sides):
    for side, text in zip(sides, ("a", "b"), strict=True):
        for name in ("x.safetensors", "x.html"):
            (side / name).write_text(text)
    assert compared(sides, "x.safetensors").verdict == "different"
    outs = {"evaluate": {"x.safetensors": "1"}, "render": {"x.html": "1"}}
    again = {"evaluate": {"x.safetensors": "2"}, "render": {"x.html": "2"}}
    after_other_results = compare_stages(outs, again, roots=sides, tolerance=0)
    assert [v.verdict for v in after_other_results] == ["different", "same to a tolerance"]
    assert compared(sides, "x.html").verdict == "different"  # nothing before it explains that


def test_what_is_not_here_cannot_be_compared(sides):
    csv(sides[1] / "x.csv", 2.0)
    found = compared(sides, "x.csv")
    assert found.verdict == "not to be compared"
    assert "dvc pull" in found.said[0]


def test_the_first_stage_that_differs_is_named_in_the_order_of_the_study(sides):
    outs = {"simulate": {"a": "1"}, "learn": {"b": "1"}, "evaluate": {"c": "1"}}
    again = {"evaluate": {"c": "1"}, "simulate": {"a": "1"}}
    verdicts = compare_stages(outs, again, roots=sides, tolerance=0)
    assert [v.verdict for v in verdicts] == ["same bytes", "different", "same bytes"]
    assert told(verdicts)[-1] == "NOT REBUILT: 1 of 3 stages differ, the first of them learn"
    same = compare_stages(outs, outs, roots=sides, tolerance=0)
    assert told(same)[-1] == "rebuilt: all 3 stages gave the same bytes"
