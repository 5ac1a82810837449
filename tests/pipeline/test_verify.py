"""Results recomputed and compared: by which rule, what differs by name, and what is missing."""

import json
import shutil

import pytest
from ruamel.yaml import YAML

from vcfstats.audit.verification import compare_results
from vcfstats.contracts.errors import InputError
from vcfstats.contracts.study import read_study, write_study
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.environment import differences, here
from vcfstats.pipeline.verify import _rule, check_inputs, digest_of, run_verify

DATA = ("data/predictions.parquet", "data/cohort.parquet", "data/split.csv", "models/learned")


def lock(root):
    """Write the dvc.lock that a repro would have left, as far as verify reads it."""
    outs = [{"path": path, "md5": digest_of(root / path)} for path in DATA]
    body = {"stages": {"learn": {"outs": outs}, "evaluate": {"deps": [*outs, {"path": "protocol.yaml", "md5": "0"}]}}}
    with (root / "dvc.lock").open("w") as stream:
        YAML().dump(body, stream)


def test_finished_results_are_verified_bit_for_bit_and_a_planted_digit_is_named(
    finished_study, study_copy, tmp_path, monkeypatch, capsys
):
    lock(study_copy)
    before = {path: path.read_bytes() for path in (study_copy / "results").rglob("*") if path.is_file()}
    assert run_verify(study_copy)
    said = capsys.readouterr().out
    assert "rule: bit for bit: the same platform" in said
    assert "largest difference 0\n" in said
    assert {path: path.read_bytes() for path in before} == before  # nothing of the study is touched

    file = study_copy / "results" / "results.json"
    records = json.loads(file.read_text())
    records["testing/rad/auc"]["value"] += 1e-12
    file.write_text(json.dumps(records))
    # The second time the results that the first time found to be those recomputed stand in for them: bootstraps take a while.
    kept = shutil.copytree(finished_study / "results", tmp_path / "kept")
    monkeypatch.setattr("vcfstats.pipeline.evaluate.run", lambda again: shutil.copytree(kept, again.results, dirs_exist_ok=True))  # fmt: skip
    assert not run_verify(study_copy)
    said = capsys.readouterr().out
    assert "testing/rad/auc: value: committed" in said
    assert "NOT VERIFIED: 1 values of 1 results" in said
    assert "--within 1e-09" in said
    assert run_verify(study_copy, within=1e-9)


@pytest.fixture
def results(finished_study, tmp_path):
    return finished_study / "results", shutil.copytree(finished_study / "results", tmp_path / "again")


def test_every_kind_of_difference_is_named(results):
    committed, again = results
    same = compare_results(committed, again, tolerance=0)
    assert (same.differences, same.largest) == ((), 0.0)
    assert same.records > 500
    assert same.cells > 1000
    records = json.loads((again / "results.json").read_text())
    records["testing/rad/auc"]["ci_low"] += 3e-6
    records["testing/rad/brier"]["method"] = "by hand"
    del records["testing/dl/auc"]
    (again / "results.json").write_text(json.dumps(records))
    table = again / "tables" / "comparison.csv"
    header, first, *rest = table.read_text().splitlines()
    cells = first.split(",")
    cells[3] = repr(float(cells[3]) + 1e-7)
    table.write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
    (again / "tables" / "flow.csv").unlink()
    (again / "plan.json").write_text((again / "plan.json").read_text().replace('"open"', '"locked"'))
    keys = [d.key for d in compare_results(committed, again, tolerance=1e-9).differences]
    assert keys == [
        "testing/dl/auc", "testing/rad/auc: ci_low", "testing/rad/brier: method", "plan/state", "comparison.csv row 1: difference", "flow.csv",
    ]  # fmt: skip
    wider = [d.key for d in compare_results(committed, again, tolerance=1e-6).differences]
    assert "testing/rad/auc: ci_low" in wider
    assert "comparison.csv row 1: difference" not in wider


def test_the_rule_follows_the_environment(study_copy):
    study = StudyDirectory(study_copy)
    assert _rule(study)[0] == 0
    info = read_study(study.results / "study.json")
    other = info.environment.model_copy(update={"packages": {**info.environment.packages, "numpy": "1.0"}})
    write_study(info.model_copy(update={"environment": other}), study.results / "study.json")
    tolerance, words = _rule(study)
    assert tolerance == 1e-9
    assert "numpy 1.0 -> " in words
    write_study(info.model_copy(update={"environment": None}), study.results / "study.json")
    assert "do not say on what" in _rule(study)[1]


def test_environments_differ_by_what_changed():
    now = here()
    assert differences(now, now) == []
    assert {"numpy", "scipy", "pandas"} <= set(now.packages)
    assert not {"pytest", "vcfstats"} & set(now.packages)
    other = now.model_copy(update={"python": "3.9.1", "platform": "Darwin arm64"})
    assert differences(other, now)[0].startswith("Darwin arm64 -> ")


def test_missing_or_other_data_is_one_message(study_copy):
    lock(study_copy)
    study = StudyDirectory(study_copy)
    check_inputs(study)
    split = study_copy / "data" / "split.csv"
    split.write_text(split.read_text() + "\n")
    with pytest.raises(InputError, match=r"inputs that are not those of the committed results \(data/split\.csv\)"):
        check_inputs(study)
    split.unlink()
    shutil.rmtree(study_copy / "models" / "learned")
    with pytest.raises(InputError, match=r"2 of 4 inputs of the statistics missing \(data/split\.csv, models/learned\).*dvc repro") as error:  # fmt: skip
        check_inputs(study)
    assert len(error.value.problems) == 1
    (study_copy / "dvc.lock").unlink()
    with pytest.raises(InputError, match=r"dvc\.lock, which names"):
        check_inputs(study)


def test_a_folder_s_hash_is_dvc_s(tmp_path):
    for name, text in (("b.md", "two\n"), ("a.md", "one\n")):
        (tmp_path / name).write_text(text)
    assert (
        digest_of(tmp_path) == "98d7e770ed8e5af3a3cbd0314eddb06f.dir"
    )  # as `dvc add` of DVC 3.67 notes these two files
