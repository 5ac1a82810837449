"""What the evaluation makes of repeated chains, groups of risk and recalibrated probabilities, from what the learning stage writes."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vcfstats import optimism_from_resamples, selection_stability
from vcfstats.learning.resamples import Resample, Resamples
from vcfstats.learning.stability import Subsamples
from vcfstats.pipeline.evaluation.risk import risk_groups
from vcfstats.pipeline.evaluation.validation import optimism_records, selection_frequency, stability_records
from vcfstats.pipeline.params import read_params
from vcfstats.reporting.values import full

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study():
    """Return predictions of 40 training cases, and eight resamples of one model, one of them failed."""
    rng = np.random.default_rng(0)
    cases = tuple(f"p{i:02d}" for i in range(40))
    outcome = (np.arange(40) < 16).astype(int)
    samples = []
    for i in range(8):
        drawn = tuple(np.bincount(rng.integers(0, 40, 40), minlength=40).tolist())
        probability = tuple(np.clip(0.3 * outcome + rng.random(40) * 0.7, 0.01, 0.99).tolist())
        found = {"dlr": probability} if i else {}
        samples.append(Resample(drawn, found, {} if i else {"dlr": "no feature"}))
    resamples = Resamples(cases, tuple(samples), {"dlr": "selection and fit were repeated"})
    predictions = pd.DataFrame(
        {
            "case_id": cases,
            "kind": "apparent",
            "model": "dlr",
            "outcome": outcome,
            "probability": np.clip(0.3 * outcome + rng.random(40) * 0.69, 0.01, 0.99),
        }
    )
    return predictions, resamples, json.loads(json.dumps(resamples.account()))


def test_records_are_the_library_s_figures_and_say_what_was_repeated(study):
    predictions, resamples, account = study
    records = {r.estimate: r for r in optimism_records(predictions, resamples.to_frame(), account, 0.95)}
    probability = [sample.probabilities.get("dlr", [np.nan] * 40) for sample in resamples.samples]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = optimism_from_resamples(
            predictions["outcome"],
            predictions["probability"],
            resampled_prob=probability,
            drawn=[sample.drawn for sample in resamples.samples],
            measures=("auc", "slope", "intercept"),
        )
    assert records["auc_corrected"].value == pytest.approx(expected.corrected[0])
    assert records["calibration_slope_corrected"].value == pytest.approx(expected.corrected[1])
    assert records["auc_out_of_bag"].value == pytest.approx(expected.out_of_bag[0])
    assert records["auc_632plus"].value == pytest.approx(expected.corrected_632plus[0])
    assert (records["resamples"].value, records["resamples_failed"].value) == (8, 1)
    assert "selection and fit were repeated" in records["auc_corrected"].method
    assert "1 of 8 resamples" in records["auc_corrected"].method
    assert records["auc_corrected"].ci_low < records["auc_corrected"].value < records["auc_corrected"].ci_high
    assert full(records["auc_corrected"]).startswith(f"{expected.corrected[0]:.3f}")


def test_stability_counts_features_that_no_subsample_kept():
    rng = np.random.default_rng(0)
    selected = tuple({"fused": tuple(f"f{j}" for j in range(5) if rng.random() < 0.6)} for _ in range(8))
    account = json.loads(json.dumps(Subsamples(0.5, {"fused": 12}, selected).account()))
    record = {r.estimate: r for r in stability_records(account, 0.95)}["selection_stability"]
    assert "8 subsamples of 50% of the patients of each class, without replacement, 12 features" in record.method
    kept = [[f"f{j}" in each["fused"] for j in range(12)] for each in selected]
    assert record.value == pytest.approx(selection_stability(kept).stability)
    table = selection_frequency(account, {"fused": {"features": ["f0", "f9"]}})
    assert table.set_index("feature").loc["f9", ["frequency", "kept"]].tolist() == [0.0, "yes"]
    assert table.set_index("feature").loc["f0", "frequency"] == pytest.approx(np.mean(kept, axis=0)[0])


def test_groups_hold_every_case_once(study):
    predictions = study[0]
    settings = read_params(ROOT / "params.yaml").evaluation
    table = risk_groups(predictions, {"dlr": [0.3, 0.6]}, settings)
    assert table["n"].sum() == 40
    assert table["events"].sum() == 16
    assert table["number"].tolist() == [1, 2, 3]
    inside = predictions["probability"].between(0.3, 0.6, inclusive="left")
    row = table.iloc[1]
    assert row["predicted"] == pytest.approx(predictions.loc[inside, "probability"].mean())
    assert row["low"] <= row["observed"] <= row["high"]
    assert risk_groups(predictions, {}, settings).empty
