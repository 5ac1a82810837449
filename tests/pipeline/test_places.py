"""No setting and no stage costs anybody a file: every byte of somebody's own is still there after whatever was tried."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from vcfstats.contracts.errors import InputError
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.graph import SIMULATED, before, own_stages, stages
from vcfstats.pipeline.outputs import making, note_made, refuse_others
from vcfstats.pipeline.stages import STAGES, run_stage

OWN = {"cohort.csv": "patient_id,image,mask\nA,a.nii.gz,b.nii.gz\n", "images/a.nii.gz": "somebody's only copy"}
OUTS = sorted({out for stage in stages().values() for out in stage.outs})
SIMULATE = {"cohort": {"n_patients": 234, "n_repeat": 100, "second_reader_kappa": 0.86}}


@cache
def template() -> str:
    """Return params.yaml of a study on the cohort FOLDER, as JSON, which is YAML and quickly read."""
    text = files("vcfstats.pipeline").joinpath("template.yaml").read_text(encoding="utf-8")
    text = text.replace("{columns}", "").replace("{folder}", "FOLDER").replace("FILL IN", "words")
    return json.dumps(YAML(typ="safe").load(text))


def body_of(folder: str, *, simulate=None, weights: str | None = None):
    body = json.loads(template())
    body["cohort"]["folder"] = folder
    body["simulate"] = simulate or {}
    if weights is not None:
        body["trunk"].update(weights="file", weights_file=weights)
    return body


@pytest.fixture(autouse=True)
def params_are_json(monkeypatch):
    """Read params.yaml, which is JSON here, in a millisecond: these tests are about where it points."""
    monkeypatch.setattr("vcfstats.pipeline.directory.read_yaml", lambda path: json.loads(path.read_text()))
    monkeypatch.setattr("vcfstats.pipeline.ran.read_yaml", lambda path: json.loads(path.read_text()))


def study(root: Path, folder: str, **given) -> Path:
    """Write params.yaml of a study on the cohort in a folder."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(json.dumps(body_of(folder, **given)))
    return root


def fill(folder: Path, content: dict[str, str] = OWN) -> dict[Path, str]:
    for name, text in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return {folder / name: text for name, text in content.items()}


def held(own: dict[Path, str]) -> bool:
    return all(path.read_text() == text for path, text in own.items())


def refused(root: Path, word: str = "") -> None:
    """What every stage and command begins with refuses, and so does a stage."""
    with pytest.raises(InputError, match=word):
        _ = StudyDirectory(root).params
    with pytest.raises(InputError, match=word):
        run_stage("ingest", root)


@pytest.mark.parametrize("place", ["data", "models", "results", "report", "figures", ".vcfstats-cache", *OUTS])
@pytest.mark.parametrize("form", ["relative", "absolute", "dots", "link", "upper", "below"])
def test_a_cohort_where_stages_write_is_refused_and_stays(tmp_path, place, form):
    root = tmp_path / "study"
    written = {
        "relative": place,
        "absolute": str(root / place),
        "dots": f"../study/./{place}",
        "link": "linked",
        "upper": place.upper(),
        "below": f"{place}/mine",
    }[form]
    study(root, written)
    own = fill(root / (place if form == "link" else written))
    if form == "link":
        (root / "linked").symlink_to(root / place, target_is_directory=True)
    with pytest.raises(InputError, match=r"cohort\.folder"):
        run_stage("ingest", root)
    assert held(own)


@pytest.mark.parametrize("folder", [".", "..", "../..", "/", "{absolute}", "linked", "../study"])
def test_a_cohort_that_holds_the_study_is_refused_and_stays(tmp_path, folder):
    root = tmp_path / "hospital" / "study"
    own = fill(tmp_path / "hospital")
    study(root, folder.format(absolute=root.parent))
    (root / "linked").symlink_to(tmp_path, target_is_directory=True)
    refused(root, "study's directory")
    assert held(own)


def test_an_output_that_is_a_link_to_the_cohort_is_refused(tmp_path):
    own = fill(tmp_path / "patients")
    root = study(tmp_path / "study", "../patients")
    (root / "data").mkdir()
    (root / "data" / "preprocessed").symlink_to(tmp_path / "patients", target_is_directory=True)
    refused(root, "which is data/preprocessed")
    assert held(own)


@pytest.mark.parametrize(
    "folder", ["../patients", "cohort", "data/raw", "data/simulated/more", "/data/simulated", "data"]
)
def test_with_a_simulated_cohort_no_other_folder_can_be_named(tmp_path, folder):
    own = fill(tmp_path / "study" / folder) if not folder.startswith("/") else {}
    root = study(tmp_path / "study", folder, simulate=SIMULATE)
    refused(root, "simulate: {}")
    assert held(own)


def test_places_of_one_s_own_are_taken(tmp_path):
    for folder in ("cohort", "../patients", str(tmp_path / "elsewhere"), "database", "data2/raw"):
        assert StudyDirectory(study(tmp_path / "study", folder)).params.cohort.folder == folder
    for folder in (SIMULATED, f"./{SIMULATED}/"):
        assert StudyDirectory(study(tmp_path / "study", folder, simulate=SIMULATE)).params.simulate


@pytest.mark.parametrize(
    "weights", ["models/network/w.safetensors", "data/w.pth", "results/w.pth", ".vcfstats-cache/w.pth"]
)
def test_weights_where_stages_write_are_refused_and_stay(tmp_path, weights):
    root = study(tmp_path / "study", "../patients", weights=weights)
    own = fill(root, {weights: "trained for a week"})
    refused(root, r"trunk\.weights_file")
    assert held(own)


def test_an_older_dvc_yaml_that_deletes_the_cohort_is_refused(tmp_path):
    root = study(tmp_path / "study", "../patients")
    stage = {"foreach": "${simulate}", "do": {"cmd": "vcfstats stage simulate", "outs": ["${cohort.folder}"]}}
    (root / "dvc.yaml").write_text(json.dumps({"stages": {"simulate": stage}}))
    with pytest.raises(InputError, match=r"copy dvc\.yaml"):
        own_stages(root)
    with pytest.raises(InputError, match=r"copy dvc\.yaml"):
        run_stage("ingest", root)


@pytest.mark.parametrize(("name", "folder"), [(s.name, folder) for s in stages().values() for folder in s.folders])
def test_no_stage_begins_where_its_folder_holds_files_of_others(tmp_path, name, folder):
    simulate = SIMULATE if name == "simulate" else None
    root = study(tmp_path / "study", SIMULATED if simulate else "../patients", simulate=simulate)
    own = fill(root / folder)
    with pytest.raises(InputError, match=r"did not make.*move what you want to keep") as error:
        run_stage(name, root)
    assert error.value.problems[0].file == root / folder
    assert held(own)


@pytest.fixture
def stage_that_writes(monkeypatch):
    """Make the stage preprocess write what a test says, without images."""
    said = {"content": {"A_image.nii.gz": "image", "A_mask.nii.gz": "mask"}}

    def run(own):
        fill(own.preprocessed, said["content"])
        if said.get("then"):
            said["then"](own)

    monkeypatch.setattr("vcfstats.pipeline.preprocess.run", run)
    return said


def test_a_stage_replaces_its_own_folder_as_a_whole(tmp_path, stage_that_writes):
    root = study(tmp_path / "study", "../patients")
    run_stage("preprocess", root)
    stage_that_writes["content"] = {"B_image.nii.gz": "another"}
    run_stage("preprocess", root)
    assert [path.name for path in (root / "data" / "preprocessed").iterdir()] == ["B_image.nii.gz"]
    assert not list(root.rglob(".writing-*"))


@pytest.mark.parametrize(
    ("name", "text"), [("A_mask.nii.gz", "corrected by hand"), ("notes.txt", "mine"), ("sub/B.nii.gz", "mine")]
)
def test_what_was_changed_or_added_by_hand_ends_the_stage(tmp_path, stage_that_writes, name, text):
    root = study(tmp_path / "study", "../patients")
    run_stage("preprocess", root)
    own = fill(root / "data" / "preprocessed", {name: text})
    with pytest.raises(InputError, match=name):
        run_stage("preprocess", root)
    assert held(own)


def test_a_stage_that_fails_leaves_the_folder_of_the_run_before(tmp_path, stage_that_writes):
    root = study(tmp_path / "study", "../patients")
    run_stage("preprocess", root)
    stage_that_writes["content"] = {"B_image.nii.gz": "half"}

    def fail(_):
        raise OSError(28, "No space left on device")

    stage_that_writes["then"] = fail
    with pytest.raises(OSError, match="No space"):
        run_stage("preprocess", root)
    assert sorted(path.name for path in (root / "data" / "preprocessed").iterdir()) == [
        "A_image.nii.gz",
        "A_mask.nii.gz",
    ]
    assert not list(root.rglob(".writing-*"))


def test_what_dvc_put_there_is_the_stage_s_own(tmp_path, stage_that_writes):
    """After a clone and `dvc pull` nothing but dvc.lock says who made the files."""
    from vcfstats.pipeline.outputs import digest_of

    root = study(tmp_path / "study", "../patients")
    pulled = fill(root / "data" / "preprocessed", {"A_image.nii.gz": "pulled"})
    with pytest.raises(InputError):
        run_stage("preprocess", root)
    assert held(pulled)
    digest = digest_of(root / "data" / "preprocessed")
    lock = {"schema": "2.0", "stages": {"preprocess": {"outs": [{"path": "data/preprocessed", "md5": digest}]}}}
    YAML().dump(lock, root / "dvc.lock")
    run_stage("preprocess", root)
    assert (root / "data" / "preprocessed" / "A_image.nii.gz").read_text() != "pulled"


def test_dvc_itself_deletes_nothing_of_somebody_s_own(tmp_path):
    """The whole way: DVC removes a stage's outputs before the stage could look, but for those that it leaves to the stage."""
    root = study(tmp_path / "study", SIMULATED, simulate=SIMULATE)
    own = fill(root / SIMULATED)
    dvc = [sys.executable, "-m", "dvc"]
    environment = os.environ | {
        "DVC_NO_ANALYTICS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    shutil.copy(str(files("vcfstats.pipeline").joinpath("dvc.yaml")), root)
    subprocess.run([*dvc, "init", "--no-scm", "-q"], cwd=root, env=environment, check=True)
    done = subprocess.run(
        [*dvc, "repro", "--force"], cwd=root, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode
    assert "which vcfstats did not make" in done.stdout + done.stderr
    assert held(own)


def test_the_graph_is_that_of_dvc_yaml():
    assert before("ingest") == ["simulate"]
    assert before("slices") == ["simulate", "ingest", "preprocess"]
    assert before("audit") == [name for name in STAGES if name not in ("audit",)]
    for stage in stages().values():
        assert stage.settings_file in stage.outs
        assert "${cohort.folder}" not in stage.outs


def test_what_quarto_rendered_by_itself_is_the_stage_s_own_afterwards(tmp_path):
    """`vcfstats render --finish`, which Quarto calls, notes the documents; what somebody adds later is still refused."""
    made = StudyDirectory(study(tmp_path / "study", "cohort"))
    render = stages()["render"]
    page = made.documents / "paper.html"
    page.parent.mkdir(parents=True)
    page.write_text("by Quarto")
    with pytest.raises(InputError, match=r"paper\.html"):
        refuse_others(made, render)
    note_made(made, render)
    refuse_others(made, render)
    (page.parent / "letter.docx").write_text("somebody's own")
    with pytest.raises(InputError, match=r"letter\.docx"):
        refuse_others(made, render)


@pytest.mark.parametrize("name", ["data/split.csv", "data/settings/split.json"])
def test_a_file_of_somebody_s_own_is_not_replaced(tmp_path, name):
    made = StudyDirectory(study(tmp_path / "study", "cohort"))
    split = stages()["split"]
    fill(made.root, {name: "mine"})
    with pytest.raises(InputError, match="which was changed since") as error:
        refuse_others(made, split)
    assert error.value.problems[0].file == made.root / name
    assert (made.root / name).read_text() == "mine"


def test_files_of_results_are_replaced_where_a_lock_names_them(tmp_path):
    made = StudyDirectory(study(tmp_path / "study", "cohort"))
    plan = stages()["plan"]
    fill(made.root, {"results/plan.json": "mine"})
    with pytest.raises(InputError, match="which was changed since"):
        refuse_others(made, plan)
    lock = {"stages": {"plan": {"outs": [{"path": "results/plan.json", "md5": "0"}]}}}
    (made.root / "dvc.lock").write_text(json.dumps(lock))
    refuse_others(made, plan)  # git keeps it, and changes what it holds


def test_a_killed_stage_finds_its_own_files_when_it_begins_again(tmp_path):
    made = StudyDirectory(study(tmp_path / "study", "cohort"))
    split = stages()["split"]
    made.data.mkdir()
    with contextlib.suppress(KeyboardInterrupt), making(made, split):
        (made.data / "split.csv").write_text("half")
        raise KeyboardInterrupt
    refuse_others(made, split)
    (made.data / "split.csv").write_text("mine")  # by now somebody's own
    with pytest.raises(InputError, match="which was changed since"):
        refuse_others(made, split)
    (made.data / "split.csv").unlink()
    with making(made, split):
        (made.data / "split.csv").write_text("whole")
        # Killed here, nothing more is noted.
        refuse_others(made, split)
    refuse_others(made, split)


def test_dvc_deletes_no_output_before_a_stage_has_looked():
    """Every output of every stage is left to the stage."""
    for place in (Path(__file__).parents[2], Path(str(files("vcfstats.pipeline")))):
        body = YAML(typ="safe").load((place / "dvc.yaml").read_text(encoding="utf-8"))
        for name, given in body["stages"].items():
            given = given.get("do", given)
            for item in (*given["outs"], *given.get("metrics", [])):
                assert isinstance(item, dict), (name, item)
                assert next(iter(item.values()))["persist"] is True, (name, item)
