"""A model on patients of elsewhere: every number a function of the predictions and the table, and a report that says what it is."""

import html
import re
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from tests.sharing import made_once
from vcfstats import calibration_summary, roc_auc, standardised_difference
from vcfstats.contracts.errors import InputError
from vcfstats.contracts.predictions import read_predictions
from vcfstats.contracts.records import read_records
from vcfstats.contracts.study import read_study, read_table
from vcfstats.pipeline.application.external import updates
from vcfstats.pipeline.application.validate import validate
from vcfstats.pipeline.evaluation.performance import Predictions
from vcfstats.pipeline.params import read_params
from vcfstats.reporting import external, open_study

from .with_nomogram import folder_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


@pytest.fixture(scope="session")
def there(nomogram_study, tmp_path_factory):
    """The testing patients as a cohort of elsewhere: a scanner column of its own, one patient of an unknown side."""
    folder = folder_of(
        nomogram_study, "testing", tmp_path_factory.mktemp("there"), drop=["partition", "pedicle"], most=99
    )
    table = pd.read_csv(folder / "cohort.csv", dtype=str)
    table.loc[0, "diffuse_change"] = "unclear"
    table.to_csv(folder / "cohort.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    path = tmp_path_factory.mktemp("params") / "there.yaml"
    path.write_text(
        'cohort: { covariates: { machine: { type: categorical, column: scanner, label: Scanner, levels: { "Elsewhere 1": "One", "Elsewhere 2": "Two" } } } }\n'
    )
    return path


def run(study, folder, out, params=None, **more):
    given = {"cache": study / ".vcfstats-cache", "n_resamples": 20, "formats": ("html",), "engine": "offline"}
    return validate(folder, study / "models/dlrn", params_file=params, out=out, **given | more)


@pytest.fixture(scope="session")
def validation(nomogram_study, there, settings, tmp_path_factory):
    return made_once(tmp_path_factory, "validation", lambda f: run(nomogram_study, there, f / "out", settings)) / "out"


def refused(*args, **kwargs):
    with pytest.raises(InputError) as error:
        run(*args, **kwargs)
    return "\n".join(map(str, error.value.problems))


def test_records_are_functions_of_the_predictions(validation, nomogram_study):
    table = read_predictions(validation / "predictions.parquet")
    assert set(table["kind"]) == set(table["partition"]) == {"external"}
    at_home = read_predictions(nomogram_study / "data/predictions.parquet").query("kind == 'testing'")
    both = table.merge(at_home, on=["case_id", "model"])
    assert len(both) == len(table)
    np.testing.assert_allclose(both["probability_x"], both["probability_y"], rtol=0, atol=1e-12)
    assert (both["outcome_x"] == both["outcome_y"]).all()
    records = read_records(validation / "results/results.json")
    for model, rows in table.groupby("model"):
        assert records[f"external/{model}/auc"].value == pytest.approx(
            roc_auc(rows["outcome"], rows["probability"]).auc
        )
    rows = table[table["model"] == "dlrn"]
    summary = calibration_summary(rows["outcome"], rows["probability"], n_resamples=0)
    assert records["external/dlrn/oe_ratio"].value == pytest.approx(summary.oe_ratio)
    assert {record.stage for key, record in records.items() if key.startswith("external/")} == {"validate"}


def test_updates_say_that_they_were_fitted_here_and_are_corrected():
    """Of a model that ranks the new patients; those of the small study are too few to show it."""
    rng = np.random.default_rng(1)
    score = rng.normal(size=200)
    given = Predictions(
        kind="external",
        model="dlrn",
        partition="external",
        outcome=(rng.random(200) < expit(score - 0.5)).astype(np.float64),
        probability=expit(2 * score + 1),
        threshold=0.4,
    )
    evaluation = read_params(Path(__file__).parents[2] / "params.yaml").evaluation
    found, made = updates(given, np.arange(200), evaluation, n_resamples=20, seed=1)
    records = {f"{record.kind}/{record.model}/{record.estimate}": record for record in found}
    assert [one.model for one in made] == ["dlrn_intercept", "dlrn_recalibrated"]
    for one in made:
        assert one.probability.mean() == pytest.approx(given.outcome.mean(), abs=1e-6)
        assert records[f"external/{one.model}/oe_ratio"].value == pytest.approx(1, abs=1e-6)
        assert "fitted to these very patients" in records[f"external/{one.model}/brier"].method
        assert "20 bootstrap samples" in records[f"external/{one.model}/corrected_brier"].method
        corrected = records[f"external/{one.model}/corrected_brier"].value
        assert corrected > records[f"external/{one.model}/brier"].value
    assert records["external/dlrn_recalibrated/calibration_slope"].value == pytest.approx(1, abs=1e-5)
    raw = calibration_summary(given.outcome, given.probability, n_resamples=0).slope
    assert records["external/dlrn_recalibrated/update_slope"].value == pytest.approx(raw, rel=1e-6)
    assert records["external/dlrn_intercept/update_slope"].method == "not fitted"
    for test in ("intercept_none", "logistic_intercept", "logistic_none"):
        assert 0 < records[f"external/dlrn/update_test_{test}"].p_value <= 1


def test_of_a_model_that_does_not_rank_the_new_patients_no_slope_is_updated(validation):
    records = read_records(validation / "results/results.json")
    slope = records["external/dlrn/calibration_slope"]
    assert slope.value <= 0 or slope.ci_low <= 0
    of_update = {key: record for key, record in records.items() if key.startswith("external/dlrn_recalibrated/")}
    assert set(of_update) == {"external/dlrn_recalibrated/update_intercept"}
    (record,) = of_update.values()
    assert record.value is None
    shown = f"calibration slope {slope.value:.2f}, 95% CI ".replace("-", "\N{MINUS SIGN}")
    said = f"not estimable: the model does not rank these patients better than chance, {shown}"
    assert record.method.startswith(said)
    # The intercept alone leaves the order of the patients: it is updated, and both tests stand.
    assert records["external/dlrn_intercept/oe_ratio"].value == pytest.approx(1, abs=1e-6)
    assert "fitted to these very patients" in records["external/dlrn_intercept/brier"].method
    assert "20 bootstrap samples" in records["external/dlrn_intercept/corrected_brier"].method
    assert records["external/dlrn_intercept/corrected_brier"].value > records["external/dlrn_intercept/brier"].value
    assert records["external/dlrn_intercept/update_slope"].method == "not fitted"
    assert 0 < records["external/dlrn/update_test_logistic_none"].p_value <= 1
    page = (validation / "documents/validation.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))
    assert "Intercept and slope could not be updated" in text


def test_subgroups_have_counts_and_reasons(validation, there):
    table = read_table("external_subgroups", validation / "results/tables/external_subgroups.csv")
    own = pd.read_csv(there / "cohort.csv", dtype=str)
    everybody = table.iloc[0]
    assert (everybody["variable"], everybody["n"]) == ("All cases", len(own))
    assert everybody["events"] == (own["diagnosis"] == "malignant").sum()
    for variable, part in table.iloc[1:].groupby("variable"):
        assert part["n"].sum() == len(own), variable
    none = table[(table["events"] == 0) & (table["n"] > 0)]
    assert len(none)
    assert (none["remark"] == "no event: nothing can be estimated").all()
    assert none[["auc", "oe", "slope"]].isna().all(axis=None)
    few = table[(table["events"] > 0) & (table["events"] < 5) & (table["n"] > table["events"])]
    assert few["auc"].isna().all()
    assert few["oe"].notna().all()
    assert few["remark"].str.contains("fewer than 5").all()
    assert "unclear (unknown to the model)" in set(table["level"])
    assert set(own["scanner"]) <= set(table.loc[table["variable"] == "Scanner", "level"])


def test_case_mix_is_that_of_the_patients_themselves(validation, nomogram_study, there):
    table = read_table("case_mix", validation / "results/tables/case_mix.csv")
    home = pd.read_csv(nomogram_study / "data/simulated/cohort.csv", dtype=str).query("partition == 'training'")
    away = pd.read_csv(there / "cohort.csv", dtype=str)
    groups = np.repeat([0, 1], [len(home), len(away)])
    for label, name in (("Age (years)", "age"), ("Sex", "sex"), ("Location", "location")):
        values = pd.concat([home[name], away[name]], ignore_index=True)
        values = values if name != "age" else values.astype(float)
        expected = standardised_difference(values, groups, categorical=name != "age")
        assert table.loc[table["variable"] == label, "difference"].iloc[0] == pytest.approx(expected, rel=1e-9)
    lacking = table[table["variable"].str.startswith("Pedicle")]
    assert (lacking["validation"] == "not given").all()
    record = read_records(validation / "results/results.json")["external/dlrn/membership_auc"]
    assert 0.5 <= record.value <= 1
    assert "linear discriminant of outcome" in record.method


def test_report_says_what_it_is_and_takes_its_numbers_from_records(validation):
    study = open_study(validation)
    words = read_study(validation / "results/study.json")
    assert words.simulated
    assert any("lacks Pedicle" in note.text for note in words.notes)
    page = (validation / "documents/validation.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))
    assert "Model and patients are simulated" in text
    assert str(study.value("external/dlrn/auc")) in text
    assert "fitted to the very patients" in text
    assert "external/dlrn/auc = " in page  # where the number came from
    assert external.main_model(study) == "dlrn"
    assert list(external.headline_models(study)) == ["dlrn", "dlr", "rad", "dl", "clinical"]


def test_document_holds_no_word_of_one_cohort_and_computes_nothing():
    text = files("vcfstats.reporting").joinpath("documents/validation.qmd").read_text(encoding="utf-8")
    found = re.findall(r"vertebra|fractur|malignan|benign|edema|wedge|tumou?r|spin(?:e|al)\b", text, re.IGNORECASE)
    assert found == []
    imports = re.findall(r"^(?:from|import) .*$", text, re.MULTILINE)
    assert imports == ["from vcfstats.reporting import external, open_study, wording"]


def test_banner_tells_model_and_patients_apart(validation, monkeypatch):
    study = open_study(validation)
    for model, cohort, said in (
        ("yes", "no", "The model was developed on"),
        ("no", "yes", "The patients of this"),
        ("no", "no", ""),
    ):
        for name, value in (("model", model), ("cohort", cohort)):
            key = f"design/simulated_{name}"
            monkeypatch.setitem(study.records, key, study.records[key].model_copy(update={"value": value}))
        assert said in external.banner(study).plain
        assert bool(external.banner(study)) == bool(said)


def test_no_row_of_a_patient_is_in_a_bundle_without_neighbours(nomogram_study):
    ids = pd.read_csv(nomogram_study / "data/simulated/cohort.csv", dtype=str)["patient_id"]
    for path in (nomogram_study / "models/dlrn").rglob("*"):
        if path.suffix in (".json", ".md"):
            text = path.read_text(encoding="utf-8")
            assert not any(patient in text for patient in ids), path


def test_what_cannot_be_validated_is_one_clear_error(nomogram_study, there, tmp_path):
    folder = shutil.copytree(there, tmp_path / "cohort")
    table = pd.read_csv(folder / "cohort.csv", dtype=str)

    def said(change, out=tmp_path / "out", **more):
        change.to_csv(folder / "cohort.csv", index=False)
        return refused(nomogram_study, folder, out, **more)

    benign = table[table["diagnosis"] == "benign"].head(3)
    assert "the event 'malignant' among them" in said(benign)
    malignant = table[table["diagnosis"] == "malignant"].head(3)
    assert "one value in column 'diagnosis': malignant (3)" in said(malignant)
    assert "no column 'diagnosis'" in said(table.drop(columns="diagnosis"))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("mine")
    assert "taken: found letter.txt, which vcfstats did not make" in said(table, out=tmp_path / "taken")
    assert {path.name for path in (tmp_path / "taken").iterdir()} == {"letter.txt"}
    assert (tmp_path / "taken" / "letter.txt").read_text() == "mine"
    assert "bootstrap samples" in said(table, n_resamples=2)
    known = folder_of(nomogram_study, "training", tmp_path / "known", most=3)
    assert refused(nomogram_study, known, tmp_path / "out").count("an image that the model was trained on") == 3
    assert not (tmp_path / "out").exists()
