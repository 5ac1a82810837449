"""Data and params.yaml do not part in silence: what a stage ran with is noted, compared, and told."""

import json
from pathlib import Path

import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.graph import stages
from vcfstats.pipeline.ran import check_settings, check_unchanged, write_settings
from vcfstats.pipeline.stages import STAGES, run_stage

from .test_places import body_of, params_are_json, study

__all__ = ["params_are_json"]  # a fixture for all tests


def edit(root: Path, key: str, value: object) -> None:
    body = json.loads((root / "params.yaml").read_text())
    part = body
    *path, last = key.split(".")
    for name in path:
        part = part[name]
    part[last] = value
    (root / "params.yaml").write_text(json.dumps(body))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A study of which every stage runs in a moment and writes one file."""
    root = study(tmp_path / "study", "../patients")
    for name in STAGES:
        monkeypatch.setattr(f"vcfstats.pipeline.{name}.run", lambda own: own.params.seed)
    return root


# A key of each stage, and the stage that is run next.
KEYS = [
    ("preprocess", "preprocess.n4.shrink_across", 2, "radiomics"),
    ("quality", "quality.limit", 4.5, "render"),
    ("radiomics", "radiomics.bin_width", 10.0, "learn"),
    ("slices", "slices.offset", 4, "deep"),
    ("split", "split.test_fraction", 0.4, "learn"),
    ("deep", "trunk.seed", 7, "activation"),
    ("repeats", "perturbation.number", 3, "audit"),
    ("learn", "learning.folds.n", 4, "evaluate"),
    ("ingest", "cohort.outcome.event_label", "dead", "split"),
    ("evaluate", "evaluation.bootstrap_samples", 500, "audit"),
]


@pytest.mark.parametrize(("stage", "key", "value", "later"), KEYS)
def test_a_later_stage_refuses_files_made_with_other_settings(root, stage, key, value, later):
    run_stage(stage, root)
    run_stage(later, root)
    edit(root, key, value)
    with pytest.raises(InputError) as error:
        run_stage(later, root)
    said = str(error.value)
    assert all(word in said for word in (f"stage {stage}", key, json.dumps(value), f"dvc repro --force {stage}"))
    run_stage(stage, root)
    run_stage(later, root)


def test_a_stage_that_does_not_come_before_is_not_asked(root):
    run_stage("slices", root)
    edit(root, "slices.size", 192)
    run_stage("radiomics", root)


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [("slices.size", 192, False), ("compute.workers", 1, True), ("radiomics.distance", 2, True)],
)
def test_an_edit_while_a_stage_runs_ends_it(root, monkeypatch, key, value, kept):
    def run(own):
        edit(root, key, value)
        assert own.params.slices.size == 224

    monkeypatch.setattr("vcfstats.pipeline.slices.run", run)
    if kept:
        run_stage("slices", root)
        assert (root / "data" / "settings" / "slices.json").is_file()
        return
    with pytest.raises(InputError, match=r"slices\.size changed from 224 to 192 while stage slices ran"):
        run_stage("slices", root)
    assert not (root / "data" / "settings" / "slices.json").exists()


def test_verify_asks_every_stage(root):
    body = StudyDirectory(root).body
    for name in STAGES:
        write_settings(root, stages()[name], body)
    edit(root, "quality.limit", 4.5)
    study = StudyDirectory(root)
    with pytest.raises(InputError) as error:
        check_settings(root, stages(), study.body, study.params_file)
    assert {problem.mend.split()[4].rstrip("`") for problem in error.value.problems} == {"quality", "plan", "evaluate"}


def test_a_frozen_stage_and_a_cohort_no_longer_simulated_are_left_out(root):
    simulated = body_of("data/simulated", simulate={"cohort": {"n_patients": 10}})
    write_settings(root, stages()["simulate"], simulated)
    check_settings(root, ["simulate"], body_of("../patients"), root / "params.yaml")
    changed = simulated | {"seed": 99}
    with pytest.raises(InputError, match="seed = 99"):
        check_settings(root, ["simulate"], changed, root / "params.yaml")
    (root / "dvc.yaml").write_text('{"stages": {"simulate": {"do": {"frozen": true}}}}')
    check_settings(root, ["simulate"], changed, root / "params.yaml")


def test_numbers_and_levels_count_by_what_they_are(root):
    stage = stages()["preprocess"]
    body = StudyDirectory(root).body
    body["preprocess"]["spacing_mm"] = (1, 1.0, 1.0)
    check_unchanged(root / "params.yaml", stage, body)


def test_settings_that_were_damaged_are_told(root):
    run_stage("slices", root)
    (root / "data" / "settings" / "slices.json").write_text("{")
    with pytest.raises(InputError, match="dvc repro --force slices"):
        run_stage("deep", root)
