"""From a number back to the raw files, in a study made by hand."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from vcfstats.audit.why import why
from vcfstats.contracts.errors import InputError
from vcfstats.contracts.forks import Fork, Forks, write_forks
from vcfstats.contracts.predictions import write_predictions
from vcfstats.contracts.records import Record

PARAMS = """seed: 1
a:
  t: 0.75 # ICC kept from
  s: 2
evaluation:
  level: 0.95
deviations:
  a.t: "few stay"
choices:
  a.s: "usual"
"""
PROTOCOL = "keys:\n  a.t: { status: printed, value: 0.85 }\n  a.s: { status: silent }\n"
RECORD = {"kind": "testing", "estimate": "auc", "model": "m", "value": 0.8, "ci_low": 0.7, "ci_high": 0.9, "level": 0.95, "method": "DeLong", "n": 4, "events": 2, "stage": "evaluate", "p_value": None}  # fmt: skip


def rows():
    return pd.DataFrame({
        "case_id": list("abcd"), "patient_id": list("abcd"), "partition": "testing", "kind": "testing", "repeat": np.int64(0), "fold": np.int64(-1),
        "feature_set": "fused", "model": "m", "probability": [0.1, 0.2, 0.8, 0.9], "outcome": [0, 0, 1, 1],
    })  # fmt: skip


@pytest.fixture
def study(tmp_path):
    (tmp_path / "results" / "tables").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    write_predictions(rows(), tmp_path / "data" / "predictions.parquet")
    digest = hashlib.md5((tmp_path / "data" / "predictions.parquet").read_bytes()).hexdigest()
    out = {"path": "data/predictions.parquet", "md5": digest}
    other = {"path": "data/activation.json", "md5": "9"}
    raw = {"path": "raw", "md5": "77.dir", "nfiles": 9}
    cohort = {"path": "data/cohort.parquet", "md5": "5"}
    stages = {
        "evaluate": {"cmd": "e", "deps": [out, other], "params": {"params.yaml": {"a": {"t": 0.75, "s": 2}, "evaluation": {"level": 0.95}}}},
        "activation": {"cmd": "x", "deps": [cohort], "outs": [other]},
        "learn": {"cmd": "l", "deps": [cohort], "outs": [out], "params": {"params.yaml": {"seed": 1, "a": {"t": 0.75, "s": 2}}}},
        "ingest": {"cmd": "i", "deps": [raw], "outs": [cohort]},
    }  # fmt: skip
    (tmp_path / "dvc.lock").write_text(json.dumps({"stages": stages}))
    (tmp_path / "results" / "results.json").write_text(json.dumps({"testing/m/auc": RECORD, "testing/m/threshold": {**RECORD, "value": 0.5}}))  # fmt: skip
    table = "kind,model_a,model_b,difference,low,high,p_value,p_adjusted\ntesting,m,n,0.1,0.0,0.2,0.04,0.05\n"
    (tmp_path / "results" / "tables" / "comparison.csv").write_text(table)
    case = {"image": "c" * 64, "mask": "d" * 64}
    (tmp_path / "data" / "ingest.json").write_text(json.dumps({"table": "e" * 64, "cases": {"P1": case}}))
    return tmp_path


def test_the_chain_reads_from_the_number_to_the_raw_files(study):
    text = "\n".join(why(study, "testing/m/auc"))
    order = ["testing/m/auc = 0.8 (0.7 to 0.9)", "method: DeLong; n 4; events 2", "1. stage evaluate", "evaluation.level = 0.95",
             "4 rows: kind testing, model m, feature set fused; 4 patients, 2 events, probabilities 0.1000 to 0.9000, threshold 0.5",
             "besides, for other results: data/activation.json", "2. stage learn", "seed = 1", "a.t = 0.75; protocol printed: 0.85; deviation: few stay",
             "1 more key", "3. stage ingest", "reads raw  md5 77.dir  (9 files)", "raw files", "cohort table  sha256 eee", "P1: image ccc"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "stage activation" not in text  # it made nothing of this number
    assert text.count("a.t = ") == 1  # where it acts first, not at every stage that depends on it
    assert "a.s = 2; protocol silent; choice: usual" in "\n".join(why(study, "testing/m/auc", everything=True))


def test_a_number_of_a_table_has_a_chain_too(study):
    lines = why(study, "comparison/testing/m/n/difference")
    assert lines[0] == "comparison/testing/m/n/difference = 0.1 (0 to 0.2), p 0.05"
    assert "in results/tables/comparison.csv" in lines[1]
    assert any("model m" in line for line in lines)


def test_a_number_of_the_alternatives_names_their_configurations(study):
    auc = {"out_of_fold/m/auc": Record(**{**RECORD, "kind": "out_of_fold", "stage": "forks"})}
    rank = Record(kind="model", model="m", estimate="forks_rank", value=2, method="rank of the reported choice", stage="forks")  # fmt: skip
    found = [
        Fork(kind="reference", changed={}, params="1" * 64, data="d" * 64, records=auc),
        Fork(kind="analytic", changed={"ICC": "0.9"}, params="2" * 64, data="d" * 64, records={}),
    ]
    forks = Forks(named=2, primary="m", configurations=tuple(found), summary={"model/m/forks_rank": rank})
    write_forks(forks, study / "results" / "forks.json")
    text = "\n".join(why(study, "model/m/forks_rank"))
    parts = ["model/m/forks_rank = 2", "in results/forks.json; method: rank", "as reported  params 1111", "AUC 0.8 (0.7 to 0.9)",
             "ICC: 0.9  params 2222", "not fitted", "cohort table  sha256 eee"]  # fmt: skip
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_what_is_out_of_date_or_not_at_hand_is_said(study):
    (study / "params.yaml").write_text(PARAMS.replace("t: 0.75", "t: 0.9"))
    (study / "data" / "predictions.parquet").write_bytes(b"others")
    (study / "data" / "ingest.json").unlink()
    text = "\n".join(why(study, "testing/m/auc"))
    assert "params.yaml now says 0.9: the result is out of date" in text
    assert "its rows are not at hand: the predictions of working tree are neither" in text
    assert "data/ingest.json, with the hash of every image and mask, is not at hand" in text


def test_an_unknown_key_names_the_nearest(study):
    with pytest.raises(InputError, match=r"no result 'testing/m/acu'.*testing/m/auc"):
        why(study, "testing/m/acu")
