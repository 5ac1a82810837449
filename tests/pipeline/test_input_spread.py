"""What the paper tells of the nomogram's input: how it spreads on patients whom no fitted step saw, and by what it was shrunken."""

import json

import numpy as np
import pandas as pd
import pytest

from vcfstats.contracts.predictions import SECOND_STAGE, performance, second_stage
from vcfstats.learning.spread import ratio_of_spreads
from vcfstats.pipeline.evaluation.models import nomogram_records, spread
from vcfstats.pipeline.params import read_params

from .test_internal_validation import ROOT

TERM = {"variable": "dlr", "column": "dlr", "coefficient": 2.0}
KEPT = {"ratio": 1.4, "low": 1.1, "high": 1.7, "n": 50, "source": "out of bag", "level": 0.95}


def table(tested=60):
    rng = np.random.default_rng(0)
    rows = [(SECOND_STAGE, "dlr", value) for value in rng.uniform(0.3, 0.5, 100)]
    rows += [("testing", "dlr", value) for value in rng.uniform(0.2, 0.6, tested)]
    rows += [("testing", "rad", 0.5)] * 5
    return pd.DataFrame(rows, columns=["kind", "model", "probability"])


def folder(tmp_path, terms=(TERM,), kept=KEPT):
    (tmp_path / "dlrn.json").write_text(json.dumps({"terms": list(terms), "shrinkage": 0.9}))
    (tmp_path / "spread.json").write_text(json.dumps(kept))
    return tmp_path


@pytest.fixture(scope="module")
def params():
    return read_params(ROOT / "params.yaml")


def test_internal_test_set_goes_before_bootstrap_samples(tmp_path, params):
    predictions = table()
    found = spread(folder(tmp_path), predictions, params)
    known = second_stage(predictions, "dlr")["probability"].to_numpy()
    tested = predictions.query("kind == 'testing' and model == 'dlr'")["probability"].to_numpy()
    assert (found.ratio, found.low, found.high) == ratio_of_spreads(tested, known)
    records = {record.estimate: record for record in nomogram_records({"shrinkage": 0.9}, found)}
    assert records["shrinkage"].value == 0.9
    assert records["input_spread"].ci_low == found.low > 1
    assert "internal test set (n = 60)" in records["input_spread"].method
    assert len(performance(predictions)) == 65


def test_without_a_test_set_bootstrap_samples_tell(tmp_path, params):
    found = spread(folder(tmp_path), table(tested=0), params)
    assert (found.ratio, found.source) == (1.4, "out of bag")
    assert "quantiles over bootstrap samples" in nomogram_records(None, found)[0].method


@pytest.mark.parametrize(("terms", "kept"), [((), KEPT), ([{**TERM, "variable": "age"}], KEPT), ((TERM,), None)])
def test_where_there_is_nothing_to_compare_nothing_is_told(tmp_path, params, terms, kept):
    assert spread(folder(tmp_path, terms, kept), table(tested=0), params) is None
    assert nomogram_records(None, None) == []
