"""A model's bundle and new patients: the study's own probabilities again, and one clear error for whatever is wrong."""

import json
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml
from scipy.special import expit, logit

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.predictions import read_predictions, recalibrated
from vcfstats.learning.recalibration import Recalibration
from vcfstats.pipeline.application.bundle import MANIFEST, SUFFIXES, read_bundle, write_manifest
from vcfstats.pipeline.application.predict import LABELS, predict, run_predict

from .with_nomogram import folder_of

MODELS = ("dlrn", "dlr", "rad", "dl", "clinical")


@pytest.fixture(scope="session")
def newcomers(nomogram_study, tmp_path_factory):
    """The testing patients as another hospital would send them: a folder of their own, without the outcome."""
    return folder_of(nomogram_study, "testing", tmp_path_factory.mktemp("newcomers"), drop=["diagnosis", "partition"])


@pytest.fixture(scope="session")
def predicted(nomogram_study, newcomers):
    return predict(newcomers, nomogram_study / "models/dlrn", cache=nomogram_study / ".vcfstats-cache", workers=1)


@pytest.fixture
def bundle(nomogram_study, tmp_path):
    return shutil.copytree(nomogram_study / "models/dlrn", tmp_path / "dlrn")


@pytest.fixture
def folder(newcomers, tmp_path):
    return shutil.copytree(newcomers, tmp_path / "newcomers")


def edit(folder, change):
    table = pd.read_csv(folder / "cohort.csv", dtype=str)
    changed = change(table)
    (table if changed is None else changed).to_csv(folder / "cohort.csv", index=False)


def refused(call, *args, **kwargs):
    with pytest.raises(InputError) as error:
        call(*args, **kwargs)
    return "\n".join(map(str, error.value.problems))


def rejected(nomogram_study, folder, **more):
    """What `predict` says of a folder that it refuses."""
    given = {"cache": nomogram_study / ".vcfstats-cache", "workers": 1}
    return refused(predict, folder, nomogram_study / "models/dlrn", **given, **more)


# ---- the same numbers as the study


def test_new_patients_get_the_probabilities_of_the_study(nomogram_study, predicted):
    table = read_predictions(nomogram_study / "data/predictions.parquet").query("kind == 'testing'")
    assert predicted.bundle.models == MODELS
    for model in MODELS:
        column = "probability" if model == "dlrn" else f"probability_{model}"
        expected = table[table["model"] == model].set_index("case_id")["probability"].loc[predicted.table.index]
        np.testing.assert_allclose(predicted.table[column], expected, rtol=0, atol=1e-12)
        changed = table[table["model"] == recalibrated(model)].set_index("case_id")["probability"]
        own = predicted.table.get(f"{column}_recalibrated")
        useless = predicted.bundle.scorer.useless.get(model)
        assert (own is None) == changed.empty == (useless is not None)  # nothing makes risks of what does not rank
        told = f"{LABELS[model]}: {useless}; its probability must not be used"
        assert predicted.table["warnings"].str.contains(told, regex=False).eq(useless is not None).all()
        if own is not None:
            np.testing.assert_allclose(own, changed.loc[predicted.table.index], rtol=0, atol=1e-12)
            assert not np.allclose(own, expected)


def test_models_that_rank_get_their_recalibrated_probabilities_too(nomogram_study, newcomers, bundle, predicted):
    """A bundle as of a study in which two models do rank: their maps are applied, and they are warned of no more."""
    body = json.loads((bundle / "models.json").read_text())
    maps = {"dlrn": (-0.4, 0.6), "dlr": (0.3, 1.7)}
    for model, (intercept, slope) in maps.items():
        own = Recalibration("logistic", intercept, slope, (), (), clip=0.001, n=25, n_events=10)
        body["recalibrations"][model] = own.to_dict()
        body["useless"].pop(model, None)
    (bundle / "models.json").write_text(json.dumps(body))
    write_manifest(bundle)
    table = predict(newcomers, bundle, cache=nomogram_study / ".vcfstats-cache", workers=1).table
    for model, column in (("dlrn", "probability"), ("dlr", "probability_dlr")):
        intercept, slope = maps[model]
        expected = expit(intercept + slope * logit(np.clip(table[column], 0.001, 0.999)))
        np.testing.assert_allclose(table[f"{column}_recalibrated"], expected, rtol=0, atol=1e-12)
        assert not table["warnings"].str.contains(f"{LABELS[model]}: out of fold", regex=False).any()
    more = {name for name in table if name.endswith("_recalibrated")}
    others = {f"probability_{name}_recalibrated" for name in set(body["recalibrations"]) - set(maps)}
    assert more == {"probability_recalibrated", "probability_dlr_recalibrated"} | others
    kept = [name for name in predicted.table if name != "warnings"]
    pd.testing.assert_frame_equal(table[kept], predicted.table[kept])  # class and threshold are not of it


def test_points_add_up_to_the_probability(predicted):
    table, nomogram = predicted.table, predicted.bundle.nomogram
    points = table[[name for name in table if name.startswith("points_")]]
    assert points.shape[1] == len(nomogram.variables) >= 2
    np.testing.assert_allclose(points.sum(axis=1), table["total_points"], atol=1e-9)
    np.testing.assert_allclose(nomogram.total_to_probability(table["total_points"]), table["probability"], atol=1e-12)
    called = table["probability"] >= table["threshold"]
    assert list(table["class"]) == ["malignant" if positive else "benign" for positive in called]


def test_predictions_file_and_what_made_it(nomogram_study, newcomers, predicted, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("vcfstats.pipeline.application.predict.predict", lambda *args, **kwargs: predicted)
    out = tmp_path / "out" / "predictions.csv"
    run_predict(newcomers, nomogram_study / "models/dlrn", params_file=None, out=out, cache=tmp_path, workers=1)
    again = pd.read_csv(out, dtype={"case_id": str}, float_precision="round_trip").set_index("case_id")
    assert list(again["probability"]) == list(predicted.table["probability"])  # all digits
    about = json.loads(out.with_suffix(".json").read_text())
    assert set(about["columns"]) == set(again)
    assert set(about["inputs"]) == set(again.index)
    assert about["developed_on_simulated_patients"]
    assert set(again["developed_on"]) == {"simulated patients"}
    assert "SIMULATED" in capsys.readouterr().out


def test_columns_and_codes_of_another_hospital(nomogram_study, folder, predicted, tmp_path):
    def rename(table):
        table["sex"] = table["sex"].map({"female": "F", "male": "M"})
        return table.rename(columns={"patient_id": "subject", "image": "scan", "sex": "gender"})

    edit(folder, rename)
    assert "no column 'patient_id'" in rejected(nomogram_study, folder)
    params = tmp_path / "there.yaml"
    sex = {"type": "binary", "label": "Sex", "column": "gender", "levels": {"M": "male", "F": "Female"}}
    cohort = {"patient_id": "subject", "image": "scan", "covariates": {"sex": sex}, "folder": "elsewhere"}
    params.write_text(yaml.safe_dump({"cohort": cohort, "seed": 1}))
    cache = nomogram_study / ".vcfstats-cache"
    again = predict(folder, nomogram_study / "models/dlrn", params_file=params, cache=cache, workers=1)
    pd.testing.assert_frame_equal(again.table, predicted.table)


# ---- what the model has to guess


def test_training_images_missing_findings_and_unseen_levels_are_told(nomogram_study, tmp_path):
    model = nomogram_study / "models/dlrn"
    folder = folder_of(nomogram_study, "training", tmp_path / "known", most=2)
    body = json.loads((model / "bundle.json").read_text())

    def change(table):
        table.loc[0, "band_edema"] = None

    edit(folder, change)
    table = predict(folder, model, cache=nomogram_study / ".vcfstats-cache", workers=1).table
    assert table["warnings"].str.contains("trained on this image").all()
    first = table.iloc[0]
    assert "Band-pattern edema is missing: no probability" in first["warnings"]
    assert np.isnan(first["probability"])
    assert np.isnan(first["total_points"])
    assert first["class"] == ""
    assert not np.isnan(first["probability_dlr"])
    assert not np.isnan(table["probability"].iloc[1])
    assert len(body["development"]["images"]) == body["development"]["n_cases"]


def test_a_level_that_no_training_patient_had_is_scored_as_the_reference_and_told(nomogram_study, newcomers, bundle):
    body = json.loads((bundle / "bundle.json").read_text())
    body["cohort"]["covariates"]["location"]["levels"]["sacral"] = "Sacral"
    body["development"]["levels"]["location"]["counts"]["sacral"] = 0
    (bundle / "bundle.json").write_text(json.dumps(body))
    write_manifest(bundle)
    folder = shutil.copytree(newcomers, bundle.parent / "sacral")

    def change(table, level="sacral"):
        table["location"] = level
        return table.head(1)

    edit(folder, change)
    cache = nomogram_study / ".vcfstats-cache"
    strange = predict(folder, bundle, cache=cache, workers=1).table
    edit(folder, lambda table: change(table, "lumbar"))
    reference = predict(folder, bundle, cache=cache, workers=1).table
    assert "Location = Sacral: no training patient; scored as the reference level" in strange["warnings"].iloc[0]
    columns = ["probability", "total_points"]
    pd.testing.assert_frame_equal(strange[columns], reference[columns])


def test_a_scanner_that_no_training_image_came_from_is_told(nomogram_study, folder):
    edit(folder, lambda table: table.assign(scanner="Somewhere else").head(1))
    table = predict(folder, nomogram_study / "models/dlrn", cache=nomogram_study / ".vcfstats-cache", workers=1).table
    assert "scanner Somewhere else, none of the development's (" in table["warnings"].iloc[0]


# ---- bad input


def test_wrong_levels_numbers_and_files_are_told_at_once(nomogram_study, folder):
    def change(table):
        table.loc[0, "sex"] = "unknown"
        table.loc[1, "band_edema"] = "2"
        table.loc[2, "image"] = "../elsewhere.nii.gz"

    edit(folder, change)
    said = rejected(nomogram_study, folder)
    assert "sex = 'unknown'; allowed: one of female, male" in said
    assert "band_edema = '2'" in said
    assert "'../elsewhere.nii.gz'" in said


def test_missing_column_and_missing_folder(nomogram_study, folder, tmp_path):
    edit(folder, lambda table: table.drop(columns="band_edema"))
    said = rejected(nomogram_study, folder)
    assert "no column 'band_edema'" in said
    assert "cohort.covariates.band_edema.column" in said
    assert "no such folder" in rejected(nomogram_study, tmp_path / "nowhere")


def test_other_columns_are_not_asked_for(nomogram_study, folder, predicted):
    needed = ["patient_id", "image", "mask", *predicted.bundle.scorer.variables]
    edit(folder, lambda table: table[needed].head(1))
    table = predict(folder, nomogram_study / "models/dlrn", cache=nomogram_study / ".vcfstats-cache", workers=1).table
    pd.testing.assert_frame_equal(table, predicted.table.head(1))


def test_broken_image_is_one_clear_error(nomogram_study, folder):
    image = next((folder / "images").glob("*.nii.gz"))
    image.write_bytes(image.read_bytes()[:300])
    said = rejected(nomogram_study, folder)
    assert f"patient {image.name.split('.')[0]}" in said


def test_params_file_without_columns_or_with_impossible_ones(nomogram_study, folder, tmp_path):
    params = tmp_path / "p.yaml"
    params.write_text("seed: 1\n")
    assert "no section `cohort`" in rejected(nomogram_study, folder, params_file=params)
    params.write_text("cohort: {patient_idd: a}\n")
    assert "unknown key cohort.patient_idd" in rejected(nomogram_study, folder, params_file=params)


# ---- the bundle


def test_bundle_that_was_changed_by_itself_is_refused(bundle):
    read_bundle(bundle)
    path = bundle / "models.json"
    path.write_text(path.read_text().replace('"intercept": ', '"intercept": 1', 1))
    assert "another SHA-256" in refused(read_bundle, bundle)
    path.unlink()
    assert "no such file" in refused(read_bundle, bundle)


def test_folder_that_is_no_bundle_and_bundle_of_another_version(bundle, tmp_path):
    assert "no manifest.json" in refused(read_bundle, tmp_path / "nothing")
    body = json.loads((bundle / "bundle.json").read_text())
    body |= {"version": "9.0", "unheard_of": 1}
    (bundle / "bundle.json").write_text(json.dumps(body))
    write_manifest(bundle)
    said = refused(read_bundle, bundle)
    assert "unheard_of" in said
    assert "made by vcfstats 9.0" in said
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps(manifest | {"format": 1}))
    assert "a bundle of format 1" in refused(read_bundle, bundle)
    (bundle / MANIFEST).write_text("[]")
    assert "cannot be read" in refused(read_bundle, bundle)


def test_other_package_versions_are_told(bundle):
    body = json.loads((bundle / "bundle.json").read_text())
    body["versions"]["scikit-learn"] = "0.1"
    (bundle / "bundle.json").write_text(json.dumps(body))
    write_manifest(bundle)
    assert [text.split()[0] for text in read_bundle(bundle).differences()] == ["scikit-learn"]


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_is_unpickled(bundle, capsys):
    """A bundle holds JSON, safetensors, skops and its card; a pickle is refused by name, by manifest and by content."""
    assert {path.suffix for path in bundle.rglob("*") if path.is_file()} <= set(SUFFIXES)
    for name in ("network.pkl", "network.pt", "classifiers/model.joblib"):
        path = bundle / name
        path.write_bytes(pickle.dumps(Evil()))
        assert "does not list" in refused(read_bundle, bundle)
        write_manifest(bundle)
        assert str(path) in refused(read_bundle, bundle)
        path.unlink()
    write_manifest(bundle)
    read_bundle(bundle)
    described = next(bundle.glob("classifiers/fused.*.json"))
    body = json.loads(described.read_text())  # one that is linear needs no skops file: as if it were another
    for member in body["members"]:
        member.pop("coefficients", None)
    described.write_text(json.dumps(body))
    stored = described.with_name(f"{described.stem}.1.skops")
    for content in (skops.io.dumps(Evil), skops.io.dumps({"a": subprocess.Popen}), pickle.dumps(Evil())):
        stored.write_bytes(content)
        write_manifest(bundle)
        assert str(stored) in refused(read_bundle, bundle)
    assert "executed" not in capsys.readouterr().out


def test_weights_that_are_no_tensors_are_refused(nomogram_study, newcomers, bundle, capsys):
    (bundle / "network.safetensors").write_bytes(pickle.dumps(Evil()))
    write_manifest(bundle)
    said = refused(predict, newcomers, bundle, cache=nomogram_study / ".vcfstats-cache", workers=1)
    assert "network.safetensors" in said
    assert "executed" not in capsys.readouterr().out


def test_the_card_says_which_files_are_patients(finished_study, nomogram_study):
    for study in (finished_study, nomogram_study):
        body = json.loads((study / "models/dlrn/bundle.json").read_text())
        card = (study / "models/dlrn/README.md").read_text()
        assert "simulated patients" in card
        best = json.loads((study / "models/dlrn/models.json").read_text())["best"].values()
        holding = {".".join(pair) for pair in best if pair[1] in ("svm", "knn")}
        assert set(body["holds_patients"]) == holding
        assert ("are patients" in card) == bool(holding)


def test_a_study_without_a_nomogram_predicts_by_what_it_has(finished_study, newcomers):
    found = predict(newcomers, finished_study / "models/dlrn", cache=finished_study / ".vcfstats-cache", workers=1)
    assert found.bundle.body.model == "dlr"
    assert "total_points" not in found.table
    table = read_predictions(finished_study / "data/predictions.parquet").query("kind == 'testing' and model == 'dlr'")
    expected = table.set_index("case_id")["probability"].loc[found.table.index]
    np.testing.assert_allclose(found.table["probability"], expected, rtol=0, atol=1e-12)


def test_command_line_ends_in_a_message(nomogram_study, folder, tmp_path):
    edit(folder, lambda table: table.drop(columns="sex"))
    command = [sys.executable, "-m", "vcfstats.cli", "predict", str(folder), "--out", str(tmp_path / "p.csv")]
    command += ["--model", str(nomogram_study / "models/dlrn")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no column 'sex'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "p.csv").exists()
