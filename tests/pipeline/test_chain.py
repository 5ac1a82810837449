"""The chain on three dozen simulated patients: same bytes twice, nothing leaks, killed runs go on, bad input is named."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from ruamel.yaml import YAML

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.predictions import performance, read_predictions, second_stage
from vcfstats.contracts.records import read_records
from vcfstats.contracts.study import TABLES, read_study, read_table
from vcfstats.pipeline import plan as planning
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.stages import run_stage

from .conftest import CHAIN, make_small_study, run_chain
from .with_nomogram import GRIDS


def bytes_of(root: Path, *folders: str) -> dict[str, bytes]:
    files = [path for folder in folders for path in sorted((root / folder).rglob("*")) if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in files if path.name != "run.json"}


SIZE = 36


def test_results_keep_their_contracts(finished_study):
    records = read_records(finished_study / "results" / "results.json")
    assert records["cohort/all/n_cases"].value == SIZE
    assert {key.split("/")[0] for key in records} == {"apparent", "out_of_fold", "testing", "cohort", "design", "model"}
    words = read_study(finished_study / "results" / "study.json")
    assert words.simulated
    assert len(words.classifiers) == 8
    found = {path.stem for path in (finished_study / "results" / "tables").glob("*.csv")}
    assert found <= set(TABLES)
    assert found >= {
        "roc",
        "calibration",
        "decision",
        "baseline",
        "regression",
        "agreement",
        "comparison",
        "funnel",
        "lasso_path",
        "flow",
        "followup",
        "roc_band",
        "decision_band",
        "calibration_belt",
        "distribution",
        "subgroups",
        "sample_size",
        "missing",
        "scaling",
        "workflow",
    }
    for name in found:
        read_table(name, finished_study / "results" / "tables" / f"{name}.csv")


def test_the_look_at_the_test_set_is_logged_and_a_second_evaluation_adds_nothing(study_copy):
    log = (study_copy / "results" / "looks.jsonl").read_text()
    assert len(log.splitlines()) == 1
    run_stage("evaluate", study_copy)
    assert (study_copy / "results" / "looks.jsonl").read_text() == log


def test_plan_is_locked_and_changes_with_a_decision_only(finished_study, study_copy):
    plan = (finished_study / "results" / "plan.json").read_text()
    text = (study_copy / "params.yaml").read_text()
    (study_copy / "params.yaml").write_text(
        text.replace("workers: 1", "workers: 2").replace('label: "Age"', 'label: "Years"')
    )
    planning.run(StudyDirectory(study_copy))
    assert (study_copy / "results" / "plan.json").read_text() == plan
    (study_copy / "params.yaml").write_text(text.replace("threshold: 0.85", "threshold: 0.75"))
    with pytest.raises(InputError, match=r"learning\.reliability\.threshold = 0\.75 without a reason"):
        planning.run(StudyDirectory(study_copy))
    (study_copy / "params.yaml").write_text(
        text.replace("deviations:", "deviations:\n  learning.reliability.threshold: a test", 1).replace(
            "threshold: 0.85", "threshold: 0.75"
        )
    )
    planning.run(StudyDirectory(study_copy))
    assert (study_copy / "results" / "plan.json").read_text() != plan


def test_records_are_functions_of_the_predictions_table(finished_study):
    records = read_records(finished_study / "results" / "results.json")
    table = read_predictions(finished_study / "data" / "predictions.parquet")
    # What later steps learned from is no performance: no record is of it.
    assert len(second_stage(table)) == len(table[table["kind"] == "out_of_fold"])
    assert not [key for key in records if key.startswith("second_stage_input")]
    for (model, kind), rows in performance(table).groupby(["model", "kind"]):
        events = rows.loc[rows["outcome"] == 1, "probability"].to_numpy()
        others = rows.loc[rows["outcome"] == 0, "probability"].to_numpy()
        pairs = (events[:, None] > others).mean() + (events[:, None] == others).mean() / 2
        assert records[f"{kind}/{model}/auc"].value == pytest.approx(pairs, rel=1e-12)
        threshold = records[f"{kind}/{model}/threshold"].value
        assert records[f"{kind}/{model}/tp"].value == (events >= threshold).sum()
        assert records[f"{kind}/{model}/brier"].value == pytest.approx(
            ((rows["probability"] - rows["outcome"]) ** 2).mean()
        )


def test_same_bytes_again_whatever_the_number_of_workers(finished_study, study_copy):
    text = (study_copy / "params.yaml").read_text()
    (study_copy / "params.yaml").write_text(text.replace("workers: 1", "workers: 2"))
    for folder in ("models", "results"):
        shutil.rmtree(study_copy / folder)
    run_chain(study_copy, CHAIN[4:])
    first, second = (bytes_of(root, "data", "models", "results") for root in (finished_study, study_copy))
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_nothing_fitted_learns_from_testing_patients(finished_study, study_copy):
    """Swap labels and images among testing patients: every fitted object stays the same to the byte."""
    table = pd.read_csv(study_copy / "data/simulated/cohort.csv", dtype=str)
    testing = table.index[table["partition"] == "testing"]
    rolled = np.roll(testing, 1)
    for column in ("diagnosis", "age", "sex", "location", "band_edema", "band_edema_reader2", "anterior_wedge"):
        table.loc[testing, column] = table.loc[rolled, column].to_numpy()
    for row, other in zip(testing, rolled, strict=True):
        for column in ("image", "mask"):
            shutil.copy(
                finished_study / "data/simulated" / table.loc[other, column],
                study_copy / "data/simulated" / table.loc[row, column],
            )
    table.loc[testing, ["mask_intra", "mask_inter"]] = None  # drawn on the images that are gone
    table.to_csv(study_copy / "data/simulated/cohort.csv", index=False)
    run_chain(study_copy, [stage for stage in CHAIN[1 : CHAIN.index("learn") + 1] if stage != "quality"])
    assert bytes_of(study_copy, "models") == bytes_of(finished_study, "models")
    assert bytes_of(study_copy, "data/repeats") == bytes_of(finished_study, "data/repeats")
    before, after = (read_predictions(root / "data/predictions.parquet") for root in (finished_study, study_copy))
    kept = before["kind"] != "testing"
    pd.testing.assert_frame_equal(before[kept], after[kept])
    assert not before.equals(after)  # the testing patients did change


def test_killed_stage_redoes_no_finished_patient(study_copy):
    """Kill the radiomics stage with SIGKILL once some patients are done; the next run computes only the others."""
    shutil.rmtree(study_copy / ".vcfstats-cache" / "radiomics")
    (study_copy / "data/radiomics.parquet").unlink()
    command = [sys.executable, "-m", "vcfstats.cli", "stage", "radiomics"]
    process = subprocess.Popen(command, cwd=study_copy, stderr=subprocess.PIPE, start_new_session=True)
    cache = study_copy / ".vcfstats-cache" / "radiomics"
    deadline = time.monotonic() + 120
    while len(finished_entries(cache)) < 3:
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in finished_entries(cache)}
    assert 3 <= len(kept) < SIZE, "the stage was over before it was killed"
    assert not (study_copy / "data/radiomics.parquet").exists()
    run_stage("radiomics", study_copy)
    after = {path: path.stat().st_mtime_ns for path in finished_entries(cache)}
    assert len(after) == SIZE
    assert {path: after[path] for path in kept} == kept


def finished_entries(cache: Path) -> list[Path]:
    """Entries under their final name, `xx/<key>`; a killed worker may leave a folder under a temporary one."""
    found = sorted(cache.glob("??/*/features.json")) if cache.exists() else []
    return [path for path in found if len(path.parent.name) == 64]


def fail(root, stage="ingest"):
    with pytest.raises(InputError) as error:
        run_stage(stage, root)
    return "\n".join(map(str, error.value.problems))


def test_corrupt_image_is_one_clear_error_and_nothing_half_written(study_copy):
    (study_copy / "data/cohort.parquet").unlink()
    image = next((study_copy / "data/simulated/images").glob("*.nii.gz"))
    image.write_bytes(image.read_bytes()[:500])
    said = fail(study_copy)
    assert image.name in said
    assert f"patient {image.name.split('.')[0]}" in said
    assert not (study_copy / "data/cohort.parquet").exists()


def test_mask_on_another_grid_is_one_clear_error(study_copy):
    path = next((study_copy / "data/simulated/masks").glob("*.nii.gz"))
    mask = sitk.ReadImage(str(path))
    mask.SetOrigin([v + 5 for v in mask.GetOrigin()])
    sitk.WriteImage(mask, str(path))
    said = fail(study_copy)
    assert f"patient {path.name.split('.')[0]}" in said
    assert "origin" in said


def test_duplicate_id_is_one_clear_error(study_copy):
    path = study_copy / "data/simulated/cohort.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    assert "the same id again, in lines 2, 38" in fail(study_copy)


def test_command_line_prints_the_problem_and_no_traceback(study_copy):
    (study_copy / "params.yaml").write_text((study_copy / "params.yaml").read_text().replace("kappa_above", "kappa"))
    done = subprocess.run(
        [sys.executable, "-m", "vcfstats.cli", "stage", "split"],
        cwd=study_copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "unknown key learning.clinical.kappa" in done.stderr
    assert "Traceback" not in done.stderr


def test_stages_without_their_input_say_which_stage_makes_it(tmp_path):
    root = make_small_study(tmp_path / "empty")
    assert "run the stage ingest first" in fail(root, "split")
    assert "no such file" in fail(root, "ingest")
    assert "stage 'train'" in fail(root, "train")


def test_a_study_of_other_words_and_columns_runs_by_params_alone(finished_study, tmp_path):
    """The same images under other column names, another outcome and no protocol: `vcfstats new`, then params."""
    folder = tmp_path / "folder"
    shutil.copytree(finished_study / "data/simulated", folder)
    table = pd.read_csv(folder / "cohort.csv", dtype=str).rename(
        columns={"patient_id": "subject", "image": "scan", "mask": "roi"}
    )
    table["grade"] = table["diagnosis"].map({"benign": "low", "malignant": "high"})
    table = table.groupby(["grade", "partition"]).head(7)
    table[["subject", "scan", "roi", "grade", "age"]].to_csv(folder / "cohort.csv", index=False)
    study = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "vcfstats.cli", "new", str(study), "--cohort", str(folder)], check=True)
    text = (study / "params.yaml").read_text()
    for old, new in {
        'title: "FILL IN"': "title: Telling high from low grade",
        'condition: "FILL IN"': "condition: a tumour",
        'data_source: "FILL IN"': "data_source: A test.",
        "patient_id: FILL IN": "patient_id: subject",
        "image: FILL IN": "image: scan",
        "mask: FILL IN": "mask: roi",
        "column: FILL IN": "column: grade",
        "event: FILL IN": "event: high",
        "test_fraction: 0.3": "test_fraction: 0.4",
        "n: 5 #": "n: 3 #",
        "folds: 10 #": "folds: 3 #",
    }.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    yaml = YAML()
    params = yaml.load(text)
    params["radiomics"]["image_types"] = ["original"]  # what takes minutes, and is not what this study is about
    params["preprocess"]["n4"]["iterations"], params["compute"]["workers"] = [5], 1
    params["learning"]["optimism"]["n_resamples"] = params["learning"]["stability"]["n_subsamples"] = 0
    params["evaluation"]["bootstrap_samples"] = 200
    for name, grid in GRIDS.items():
        params["learning"]["classifiers"][name].update(grid)
    yaml.dump(params, study / "params.yaml")
    run_chain(study, CHAIN[1:])
    words = read_study(study / "results/study.json")
    assert (words.title, words.simulated, words.protocol.registered) == ("Telling high from low grade", False, False)
    assert read_records(study / "results/results.json")["cohort/all/n_events"].value == (table["grade"] == "high").sum()
    tables = {path.stem for path in (study / "results/tables").glob("*.csv")}
    assert not tables & {"agreement", "flow", "followup", "regression", "nomogram"}  # what the data cannot support
    assert {"clinical", "dlrn"} <= {note.subject for note in words.notes}  # is said in words
