"""What the stage evaluate adds to the curves: bands, subgroups, sample sizes, gaps, the workflow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vcfstats import roc_auc, roc_band
from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.evaluation import methods
from vcfstats.pipeline.evaluation.bands import belt, decision_band_points, roc_band_points
from vcfstats.pipeline.evaluation.clinical import agreement, baseline, regression
from vcfstats.pipeline.evaluation.completeness import missing
from vcfstats.pipeline.evaluation.curves import distribution
from vcfstats.pipeline.evaluation.performance import Predictions, performance_records
from vcfstats.pipeline.evaluation.planning import sample_sizes
from vcfstats.pipeline.evaluation.subgroups import subgroups
from vcfstats.pipeline.evaluation.workflow import workflow
from vcfstats.pipeline.params import Covariate, read_params
from vcfstats.reporting.study import reason

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def params():
    found = read_params(ROOT / "params.yaml")
    return found.model_copy(update={"evaluation": found.evaluation.model_copy(update={"bootstrap_samples": 200})})


@pytest.fixture(scope="module")
def cohort(params):
    """A made-up cohort with the columns of the study."""
    rng = np.random.default_rng(20261124)
    n = 120
    frame = pd.DataFrame({"partition": ["training"] * 80 + ["testing"] * 40, "outcome": rng.integers(0, 2, n)})
    for name, covariate in params.cohort.covariates.items():
        codes = list(covariate.levels)
        frame[name] = rng.normal(64, 10, n).round() if not codes else rng.choice(codes, n)
    frame["paravertebral_mass"] = np.where(np.arange(n) % 40 < 3, "1", "0")
    frame["followup_time"], frame["followup_event"] = rng.uniform(1, 30, n), 0.0
    return frame.set_index(pd.Index([f"C{i:03}" for i in range(n)], name="case_id"))


@pytest.fixture(scope="module")
def predictions(cohort):
    rng = np.random.default_rng(1)
    rows = []
    for model in ("clinical", "dlrn"):
        probability = 1 / (1 + np.exp(-(rng.normal(size=len(cohort)) + 1.5 * cohort["outcome"] - 0.7)))
        for kind, partition in (("apparent", "training"), ("out_of_fold", "training"), ("testing", "testing")):
            own = cohort.index[cohort["partition"] == partition]
            rows.append(
                pd.DataFrame(
                    {"case_id": own, "kind": kind, "model": model, "partition": partition, "probability": probability[own].to_numpy(),
                     "outcome": cohort.loc[own, "outcome"].to_numpy()}
                )
            )  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def given(predictions, kind="testing", model="dlrn"):
    own = predictions[(predictions["kind"] == kind) & (predictions["model"] == model)]
    return Predictions(
        kind, model, own["partition"].iloc[0], own["outcome"].to_numpy(float), own["probability"].to_numpy(float), 0.5
    )


def test_the_band_is_that_of_the_statistic_and_the_same_each_time(predictions, params):
    frame = roc_band_points(given(predictions), params)
    own = given(predictions)
    band = roc_band(
        own.outcome, own.probability, specificity=1 - frame["false_positive_rate"], n_resamples=200,
        random_state=params.seed_for("evaluation/roc_band/testing/dlrn"),
    )  # fmt: skip
    assert frame["low"].tolist() == band.low.tolist()
    assert frame["high"].tolist() == band.high.tolist()
    pd.testing.assert_frame_equal(frame, roc_band_points(given(predictions), params))
    one_class = Predictions("testing", "dlrn", "testing", np.ones(5), np.linspace(0.1, 0.9, 5), 0.5)
    assert roc_band_points(one_class, params).empty


def test_the_band_of_net_benefit_holds_the_curve(predictions, params):
    frame = decision_band_points(given(predictions), params.evaluation)
    assert (frame["low"] <= frame["high"]).all()
    assert frame["threshold"].tolist()[:2] == [0.01, 0.02]
    assert set(frame["model"]) == {"dlrn"}


def test_there_is_no_belt_of_apparent_predictions(predictions, params):
    assert belt(given(predictions, "apparent"), params.evaluation)[1] == []
    frame, (record,) = belt(given(predictions), params.evaluation)
    assert set(frame["confidence_level"]) == {0.95, 0.8}
    assert 0 <= record.p_value <= 1
    assert "degree" in record.method
    few = Predictions("testing", "dlrn", "testing", np.ones(5), np.linspace(0.1, 0.9, 5), 0.5)
    frame, (record,) = belt(few, params.evaluation)
    assert frame.empty
    assert record.value is None
    assert "not estimable" in record.method


def test_every_prediction_is_counted_once(predictions):
    own = given(predictions)
    frame = distribution(own)
    assert frame[["events", "nonevents"]].to_numpy().sum() == len(own.outcome)
    assert frame["events"].sum() == own.outcome.sum()
    edge = distribution(Predictions("testing", "dlrn", "testing", np.array([1.0, 0.0]), np.array([1.0, 0.0]), 0.5))
    assert (edge["events"].iloc[-1], edge["nonevents"].iloc[0]) == (1, 1)


def test_subgroups_cut_at_the_training_median_and_say_what_is_too_few(cohort, predictions, params):
    frame = subgroups(cohort, predictions, params)
    own = frame[(frame["model"] == "dlrn") & (frame["kind"] == "testing")]
    cut = cohort.loc[cohort["partition"] == "training", "age"].median()
    below = own[own["level"] == f"below {cut:g} years"].iloc[0]
    cases = cohort.index[(cohort["age"] < cut) & (cohort["partition"] == "testing")]
    p = (
        predictions[(predictions["model"] == "dlrn") & (predictions["kind"] == "testing")]
        .set_index("case_id")
        .loc[cases]
    )
    assert (below["n"], below["events"]) == (len(cases), cohort.loc[cases, "outcome"].sum())
    assert below["auc"] == roc_auc(p["outcome"], p["probability"]).auc
    few = own[(own["variable"] == "Paravertebral mass") & (own["level"] == "Present")].iloc[0]
    assert few["n"] == 3
    assert np.isnan(few["auc"])
    assert few["remark"].startswith("too few")
    for _, levels in own[own["level"] != ""].groupby("variable"):
        assert levels["n"].sum() == 40
    assert "apparent" not in set(frame["kind"])
    # Testing patients do not move the cut.
    other = cohort.copy()
    other.loc[other["partition"] == "testing", "age"] += 50
    assert f"below {cut:g} years" in set(subgroups(other, predictions, params)["level"])


def test_sample_sizes_count_all_candidates(cohort, params):
    matrices = {"radiomics": [f"r{i}" for i in range(1834)], "deep": [f"d{i}" for i in range(3840)]}
    auc = Record(kind="out_of_fold", model="dlrn", estimate="auc", value=0.8, stage="evaluate")
    frame = sample_sizes(cohort, matrices, params, {"out_of_fold/dlrn/auc": auc})
    development = frame[frame["purpose"] == "development"].set_index("subject")
    # One for age and each of six binary findings and sex, two for the three levels of location.
    assert development["parameters"].to_dict() == {
        "Clinical findings": 9,
        "Radiomics": 1834,
        "Radiomics and deep features": 5674,
    }
    events = int(cohort.loc[cohort["partition"] == "training", "outcome"].sum())
    assert development.loc["Clinical findings", "events_per_parameter"] == events / 9
    assert (development["minimum_n"].diff().dropna() > 0).all()
    testing = frame[frame["purpose"] == "testing"]
    assert len(testing) == 3
    assert set(testing["n"]) == {40}
    assert set(sample_sizes(cohort, matrices, params, {})["purpose"]) == {"development"}
    nobody = cohort.assign(outcome=0)
    assert sample_sizes(nobody, matrices, params, {}).empty


def test_missing_values_and_predictions_are_counted(cohort, predictions, params):
    gaps = cohort.copy()
    gaps.iloc[[0, 1, 90], gaps.columns.get_loc("band_edema")] = None
    fewer = predictions[~((predictions["model"] == "clinical") & predictions["case_id"].isin(["C000", "C090"]))]
    frame = missing(gaps, fewer, params).set_index(["item", "what"])
    assert frame.loc[("Band-pattern edema", "value")].tolist() == [80, 2, 40, 1]
    assert frame.loc[("Clinical", "prediction")].tolist() == [80, 1, 40, 1]
    assert frame.loc[("DLRN", "prediction")].tolist() == [80, 0, 40, 0]
    assert ("Rad", "prediction") not in frame.index


def test_the_workflow_is_that_of_the_stages(params):
    frame = workflow(ROOT / "dvc.yaml", params).set_index("stage")
    assert frame.loc["learn", "takes"].split() == ["repeats"]  # radiomics, deep features and split come through repeats
    assert frame.loc["simulate", "takes"] == ""
    assert frame.loc["render", "takes"] == "evaluate"
    assert (frame["description"].str.len() > 5).all()
    assert "simulate" not in set(workflow(ROOT / "dvc.yaml", params.model_copy(update={"simulate": {}}))["stage"])


def test_a_stage_without_words_is_named_as_it_is(params, tmp_path):
    path = tmp_path / "dvc.yaml"
    path.write_text(
        "stages:\n  first_one: {cmd: x, outs: [a]}\n  second: {cmd: y, deps: [a/b.csv], outs: [c]}\n"
        "  third: {cmd: z, deps: [a, c]}\n"
    )
    frame = workflow(path, params)
    assert frame.to_numpy().tolist() == [
        ["first_one", "First one", ""],
        ["second", "Second", "first_one"],
        ["third", "Third", "second"],
    ]


def findings_cohort(**columns):
    """Forty training cases and a few testing ones, with the findings given."""
    n = 48
    frame = pd.DataFrame({"partition": ["training"] * 40 + ["testing"] * 8, "outcome": np.arange(n) % 2})
    return frame.assign(**columns).set_index(pd.Index([f"C{i:03}" for i in range(n)], name="case_id"))


def with_findings(params, *names, **binary):
    """Params whose covariates are continuous under `names`, or have the levels given."""
    covariates = {name: Covariate(type="continuous", label=name.capitalize()) for name in names}
    covariates |= {name: Covariate(type="binary", label=name, levels=levels) for name, levels in binary.items()}
    return params.model_copy(update={"cohort": params.cohort.model_copy(update={"covariates": covariates})})


def test_no_finding_passes_the_screening(params):
    """The commonest small study: the odds ratios of each finding by itself stand, the multivariable ones are empty."""
    rng = np.random.default_rng(3)
    cohort = findings_cohort(age=rng.normal(60, 8, 48), size=rng.normal(20, 4, 48))
    table, (told,) = regression(cohort, with_findings(params, "age", "size"), [])
    assert table["variable"].tolist() == ["Age", "Size"]
    assert table["or"].notna().all()
    assert table["adjusted_or"].isna().all()
    assert list(table.columns) == list(TABLES["regression"])
    assert (told.estimate, told.value) == ("n_findings_entered", 0)
    joint, (told,) = regression(cohort, with_findings(params, "age", "size"), ["size"])
    assert joint["adjusted_or"].notna().tolist() == [False, True]
    assert joint["or"].tolist() == table["or"].tolist()
    assert told.value == 1


def test_findings_that_repeat_one_another_are_fitted_each_by_itself(params):
    age = np.random.default_rng(4).normal(60, 8, 48)
    cohort = findings_cohort(age=age, months=12 * age, fixed=1.0)
    given = with_findings(params, "age", "months", "fixed")
    table, _ = regression(cohort, given, ["age"])
    assert table["variable"].tolist() == ["Age", "Months"]  # what does not vary has no odds ratio
    assert table["p_value"].iloc[0] == pytest.approx(table["p_value"].iloc[1])
    assert table["adjusted_or"].notna().tolist() == [True, False]
    table, (told,) = regression(cohort, given, ["age", "months"])  # as after a screening on filled values
    assert table["adjusted_or"].isna().all()
    assert told.value is None
    assert told.method.startswith("not estimable: ")


@pytest.mark.parametrize(
    ("age", "outcome", "why"),
    [
        (np.nan, None, "no training case has all findings"),
        (50.0, None, "no finding varies among the training cases that have all of them"),
        (None, 1, "the training cases with all findings are of one class"),
    ],
)
def test_why_no_finding_could_be_modelled_is_a_record(params, age, outcome, why):
    cohort = findings_cohort(age=np.arange(48.0) if age is None else age)
    if outcome is not None:
        cohort["outcome"] = outcome
    table, (told,) = regression(cohort, with_findings(params, "age"), [])
    assert table.empty
    assert list(table.columns) == list(TABLES["regression"])
    assert (told.value, told.method) == (None, f"not estimable: {why}")


def test_a_finding_without_a_value_is_described_and_its_readers_agreement_is_not_known(params):
    given = with_findings(params, "age")
    cohort = findings_cohort(age=np.nan, age_second=np.nan)
    (row,) = agreement(cohort, given).to_dict("records")
    assert (row["n"], row["kept"]) == (0, "no")
    assert np.isnan(row["kappa"])
    described = baseline(cohort, given).set_index("variable")
    assert described.loc["Age", "all"].tolist() == ["-", "48"]


def test_a_finding_of_a_small_unit_keeps_its_digits(params):
    diffusion = np.random.default_rng(4).normal(0.0012, 0.0003, 48)
    row = baseline(findings_cohort(age=diffusion), with_findings(params, "age")).set_index("variable").loc["Age"]
    assert row["statistic"] == "mean ± SD"
    assert row["all"] == f"{diffusion.mean():.5f} ± {diffusion.std(ddof=1):.5f}"


# Probabilities that a model should not give, and that some give.
DEGENERATE = {
    "one for all": lambda y, rng: np.full(len(y), 0.37),
    "all 0": lambda y, rng: np.zeros(len(y)),
    "all 1": lambda y, rng: np.ones(len(y)),
    "0 or 1, right": lambda y, rng: y.astype(float),
    "0 or 1, wrong": lambda y, rng: 1.0 - y,
    "0 or 1, mostly right": lambda y, rng: np.where(rng.random(len(y)) < 0.8, y, 1.0 - y),
    "separated": lambda y, rng: np.where(y == 1, 0.8, 0.2) + 0.1 * rng.random(len(y)),
    "reversed": lambda y, rng: 0.7 - 0.4 * y + 0.1 * rng.random(len(y)),
    "noise": lambda y, rng: rng.random(len(y)),
}


@pytest.mark.parametrize(("n", "events"), [(40, 12), (16, 5), (12, 1), (12, 11), (5, 0)])
@pytest.mark.parametrize("name", DEGENERATE)
def test_what_has_no_value_has_a_reason_and_no_p(name, n, events, params):
    y = (np.arange(n) < events).astype(float)
    probability = DEGENERATE[name](y, np.random.default_rng(2))
    for kind in ("apparent", "testing"):
        for record in performance_records(Predictions(kind, "m", kind, y, probability, 0.5), params.evaluation):
            if record.value is None:
                assert record.p_value is record.statistic is record.df is None, record
                said = reason(record)
                assert said not in (
                    "",
                    "no reason recorded",
                    "the estimate is not finite",
                    "intercept and slope are undefined",
                ), record


@pytest.mark.parametrize(("n", "groups"), [(70, 10), (50, 10), (49, 9), (16, 3), (14, None), (6, None)])
def test_groups_of_the_hosmer_lemeshow_test_hold_five_cases(n, groups, params):
    rng = np.random.default_rng(4)
    probability = rng.uniform(0.1, 0.9, n)
    y = (rng.random(n) < probability).astype(float)
    y[:2] = 0, 1
    (record,) = [
        record
        for record in performance_records(
            Predictions("testing", "m", "testing", y, probability, 0.5), params.evaluation
        )
        if record.estimate == "hosmer_lemeshow"
    ]
    if groups is None:
        assert record.value is None
        assert reason(record) == f"{n} cases are too few for 3 groups of 5"
    else:
        assert record.method.startswith(f"{groups} groups by quantiles")
        assert ("as many as leave 5 cases to each" in record.method) is (groups < 10)


def test_no_record_holds_a_p_value_without_a_value():
    made = Record(
        kind="testing", estimate="any", value=float("nan"), statistic=3.0, df=2, p_value=0.0, stage="evaluate"
    )
    assert (made.value, made.statistic, made.df, made.p_value) == (None, None, None, None)
    assert Record(kind="testing", estimate="any", value=0, statistic=3.0, p_value=0.0, stage="evaluate").p_value == 0.0


def test_what_is_said_of_tuning_within_folds_follows_the_decision(params):
    def said(nested):
        folds = params.learning.folds.model_copy(update={"nested": nested})
        return methods.classifiers(
            params.model_copy(update={"learning": params.learning.model_copy(update={"folds": folds})})
        )

    assert "Selection and tuning were repeated without each of 5 patient-level folds" in said(True)
    assert "the tuning was not" in said(False)
    assert "also chose the parameters" in said(False)
    assert "tuning were repeated" not in said(False)
