"""Alternatives to the study's decisions: what is refused, what is run and once only, what the summary says."""

import copy
import functools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.forks import Fork, Forks, read_forks, write_forks
from vcfstats.contracts.plan import read_looks, read_runs
from vcfstats.contracts.records import Record, read_records
from vcfstats.pipeline import plan as planning
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.evaluation.description import params_hash
from vcfstats.pipeline.forks import run as running
from vcfstats.pipeline.forks.clone import Clone, cloned
from vcfstats.pipeline.forks.configurations import effort_of, plan_forks
from vcfstats.pipeline.forks.summary import summarise
from vcfstats.pipeline.lock import lock_plan
from vcfstats.pipeline.looks import configuration_hash
from vcfstats.pipeline.protocol import compare
from vcfstats.pipeline.yamlfile import read_yaml

ROOT = Path(__file__).parents[2]
ICC = "learning.reliability.threshold"
LIMIT = "learning.selection.correlation.limit"


BODY = read_yaml(ROOT / "params.yaml")


@pytest.fixture(autouse=True)
def quick_yaml(monkeypatch):
    """Read what tests wrote as JSON, which is YAML too, and the protocol once: ruamel takes half a second for each."""
    read = functools.cache(lambda text, path: read_yaml(path))

    def quick(path):
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if text.startswith("{") else copy.deepcopy(read(text, path))

    for module in ("params", "protocol", "forks.configurations"):
        monkeypatch.setattr(f"vcfstats.pipeline.{module}.read_yaml", quick)


def write_params(root, change):
    body = copy.deepcopy(BODY)
    change(body)
    (root / "params.yaml").write_text(json.dumps(body))
    return StudyDirectory(root)


def alternative(reason="Because.", **values):
    return {"set": {key.replace("__", "."): value for key, value in values.items()}, "reason": reason}


@pytest.fixture
def with_forks(tmp_path):
    """The repository's params with other alternatives; no stage has run but for the hash of the data."""
    shutil.copy(ROOT / "protocol.yaml", tmp_path)
    (tmp_path / "lock.json").write_text('{"locks": []}')
    for name in ("dvc.yaml", "dvc.lock"):
        (tmp_path / name).write_text("")
    for name in ("data", ".dvc"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "ingest.json").write_text("{}")

    def make(decisions=None, seeds=(), effort=None, change=lambda params: None):
        if decisions is None:
            decisions = {
                "ICC": [{"set": {ICC: 0.75}, "reason": "Good."}, {"set": {ICC: 0.9}, "reason": "Excellent."}],
                "Pearson": [{"set": {LIMIT: 0.8}, "reason": "Stricter."}],
            }

        def body(params):
            params["forks"] = {"effort": effort or {}, "seeds": list(seeds), "decisions": decisions}
            change(params)

        return write_params(tmp_path, body)

    return make


def test_the_repository_s_own_alternatives_can_be_planned():
    study = StudyDirectory(ROOT)
    decisions, planned = plan_forks(study)
    assert planned[0].kind == "reference"
    assert len(planned) == 1 + sum(len(decision.values) for decision in decisions) + len(study.params.forks.seeds)
    assert len({one.params for one in planned}) == len(planned)
    template = read_yaml(ROOT / "vcfstats" / "pipeline" / "template.yaml")
    assert set(template["forks"]) == {"effort", "seeds", "decisions"}


def test_each_departs_in_one_decision_or_all_are_combined(with_forks):
    study = with_forks(seeds=[1, 2], effort={"learning.optimism.n_resamples": 0})
    decisions, planned = plan_forks(study)
    assert [(d.name, d.reference, d.values) for d in decisions] == [
        ("ICC", "0.85", ("0.75", "0.9")),
        ("Pearson", "0.9", ("0.8",)),
    ]
    assert [(one.kind, one.changed) for one in planned] == [
        ("reference", {}), ("analytic", {"ICC": "0.75"}), ("analytic", {"ICC": "0.9"}), ("analytic", {"Pearson": "0.8"}),
        ("sampling", {"Seed": "1"}), ("sampling", {"Seed": "2"}),
    ]  # fmt: skip
    assert [one.body["learning"]["optimism"]["n_resamples"] for one in planned] == [0] * 6
    # How many samples tell the optimism moves no probability: the reference counts as the study itself does.
    assert planned[0].params == configuration_hash(read_yaml(study.params_file))
    assert effort_of(study) == "learning.optimism.n_resamples 0 (the study: 50)"
    _, combined = plan_forks(study, factorial=True)
    assert len([one for one in combined if one.kind != "sampling"]) == 3 * 2
    assert {"ICC": "0.9", "Pearson": "0.8"} in [one.changed for one in combined]


def test_reasons_stand_where_the_protocol_asks_for_them(with_forks):
    key = "slices.offset"
    study = with_forks({"ICC": [{"set": {ICC: 0.75}, "reason": "Good."}], "Bins": [alternative(radiomics__bin_width=None, radiomics__bin_count=32)], "Offset": [{"set": {key: 3}, "reason": "Nearer."}]})  # fmt: skip
    decisions, (reference, icc, bins, offset) = plan_forks(study)
    assert icc.body["deviations"][ICC] == "Good."
    assert ICC not in reference.body["deviations"]
    assert bins.body["choices"]["radiomics.bin_count"] == "Because."
    assert bins.changed == {"Bins": "bin count 32"}
    assert decisions[1].reference == "bin width 25"
    assert (key in offset.body["choices"], offset.body["deviations"][key]) == (False, "Nearer.")  # neither 1 nor 5
    assert compare(study.params, study.protocol, path=study.params_file)  # the study's own are as they were


@pytest.mark.parametrize(
    ("decisions", "more", "said"),
    [
        ({"ICC": [{"set": {"learning.reliabilty.threshold": 0.75}, "reason": "x"}]}, {}, "unknown key learning.reliabilty.threshold under forks.decisions.ICC"),
        ({"Seed of all": [{"set": {"seed": 1}, "reason": "x"}]}, {}, "unknown key seed"),
        ({"ICC": [{"set": {ICC: 75}, "reason": "x"}]}, {}, "learning.reliability.threshold = 75"),
        ({"ICC": [{"set": {ICC: 0.85}, "reason": "x"}]}, {}, "the study's own value"),
        ({"ICC": [{"set": {ICC: 0.75}, "reason": "x"}, {"set": {ICC: 0.75}, "reason": "y"}]}, {}, "0.75 twice"),
        ({"A": [{"set": {ICC: 0.75}, "reason": "x"}], "B": [{"set": {ICC: 0.9}, "reason": "x"}]}, {}, "put it under one of them"),
        ({"A": [{"set": {ICC: 0.75}, "reason": " "}]}, {}, "reason"),
        ({"A": [{"set": {"learning.optimism.n_resamples": 9}, "reason": "x"}]}, {"effort": {"learning.optimism.n_resamples": 0}}, "put it under one of them"),
        ({}, {"seeds": [20250711]}, "seed 20250711, the study's own"),
        ({}, {"seeds": [1, 1]}, "stands there twice"),
        ({}, {}, "no alternatives"),
        ({"ICC": [{"set": {ICC: 0.75}, "reason": "x"}]}, {"effort": {"learning.optimism.samples": 0}}, "unknown key learning.optimism.samples"),
    ],
)  # fmt: skip
def test_what_is_no_alternative_is_one_clear_error(with_forks, decisions, more, said):
    with pytest.raises(InputError) as error:
        plan_forks(with_forks(decisions, **more))
    assert any(said in str(problem) for problem in error.value.problems), str(error.value)


def test_alternatives_are_no_decision_of_the_study(with_forks):
    study = with_forks()
    lock_plan(study)
    before = params_hash(study.params), configuration_hash(read_yaml(study.params_file)), planning.plan_of(study)
    study = with_forks({"ICC": [{"set": {ICC: 0.7}, "reason": "x"}]}, seeds=[1])
    assert (
        params_hash(study.params),
        configuration_hash(read_yaml(study.params_file)),
        planning.plan_of(study),
    ) == before
    for stage in read_yaml(ROOT / "vcfstats" / "pipeline" / "dvc.yaml")["stages"].values():
        assert "forks" not in stage.get("do", stage).get("params", [])


def record(model, value, kind="out_of_fold"):
    return Record(kind=kind, model=model, partition="training", estimate="auc", value=value, ci_low=0.5, ci_high=0.99, level=0.95, n=164, events=61, stage="forks", method="DeLong")  # fmt: skip


def fork(kind, value, other=0.8, **changed):
    return Fork(kind=kind, changed=changed, params="p", data="d", records={"out_of_fold/dlrn/auc": record("dlrn", value), "out_of_fold/clinical/auc": record("clinical", other)})  # fmt: skip


def summary(forks):
    records = summarise(forks, named=9, primary="dlrn", comparator="clinical", effort="")
    assert {record.stage for record in records.values()} == {"forks"}
    return {key.removeprefix("model/dlrn/forks_"): record.value for key, record in records.items()}


def test_the_summary_counts_by_hand():
    told = summary(
        [
            fork("reference", 0.90), fork("analytic", 0.92, 0.95, A="1"), fork("analytic", 0.86, A="2"), fork("analytic", 0.90, B="1"),
            fork("analytic", None, B="2"), fork("sampling", 0.80, Seed="1"), fork("sampling", 0.94, Seed="2"),
        ]
    )  # fmt: skip
    assert (told["n"], told["failed"], told["named"], told["run"]) == (4, 1, 9, 7)
    assert told["median"] == pytest.approx(0.90)
    assert (told["lowest"], told["highest"]) == (0.86, 0.92)
    assert told["from_median"] == pytest.approx(0, abs=1e-15)
    assert (told["rank"], told["tied"]) == (2, 1)
    assert (told["compared"], told["ahead"]) == (4, 3)
    assert (told["seeds"], told["seeds_lowest"], told["seeds_highest"]) == (3, 0.80, 0.94)
    assert told["seeds_median"] == pytest.approx(0.90)
    assert told["seeds_sd"] == pytest.approx(0.0721110255, abs=1e-9)  # the root of (0.02² + 0.08² + 0.06²) / 2
    assert "effort" not in told


def test_a_reference_without_a_model_has_no_rank():
    told = summary([fork("reference", None), fork("analytic", 0.9, A="1")])
    assert told["n"] == 1
    assert not {"rank", "reference", "from_median", "seeds"} & set(told)
    told = summary([fork("reference", None), fork("analytic", None, A="1")])
    assert (told["n"], told["failed"]) == (0, 2)
    assert "median" not in told


@pytest.fixture
def ran(monkeypatch):
    """Replace the stages and their estimates: a configuration's AUC is its ICC threshold; return what was run."""
    done = []

    def stages(self, body, name):
        done.append(name)
        (self.root / "params.yaml").write_text(json.dumps(body))
        (self.root / "data").mkdir(exist_ok=True)
        shutil.copy(self.original.data / "ingest.json", self.root / "data")
        return StudyDirectory(self.root)

    def estimates(study, *, testing):
        value = json.loads(study.params_file.read_text())["learning"]["reliability"]["threshold"]
        if value == 0.9 and estimates.broken:
            raise KeyboardInterrupt
        found = [record("dlrn", value), *([record("dlrn", 0.7, "testing")] if testing else [])]
        return {
            "records": {f"{one.kind}/dlrn/auc": one.model_dump(mode="json") for one in found},
            "features": {"fused": 3},
        }

    estimates.broken = False
    monkeypatch.setattr(Clone, "run", stages)
    monkeypatch.setattr(running, "_estimates", estimates)
    monkeypatch.setattr("vcfstats.pipeline.forks.clone._configure", lambda *_, **__: None)
    monkeypatch.setattr("vcfstats.pipeline.forks.clone._given", lambda stages, study: [])
    return done, estimates


def test_a_killed_run_goes_on_where_it_was_and_the_log_counts_each_configuration_once(with_forks, ran, capsys):
    done, estimates = ran
    study = with_forks()
    (study.root / "dvc.yaml").write_text("stages: {}")
    estimates.broken = True
    with pytest.raises(KeyboardInterrupt):
        running.run_forks(study)
    assert done == ["the study's own decisions", "ICC: 0.75", "ICC: 0.9"]
    assert not study.forks_file.exists()
    assert not list((study.cache / "forks" / "clones").iterdir())

    partly = running.run_forks(study, finished=True)
    assert (len(partly.configurations), partly.named, len(done)) == (2, 4, 3)

    estimates.broken = False
    forks = running.run_forks(study)
    assert done[3:] == ["ICC: 0.9", "Pearson: 0.8"]
    assert read_forks(study.forks_file) == forks
    assert [one.records["out_of_fold/dlrn/auc"].value for one in forks.configurations] == [0.85, 0.75, 0.9, 0.85]
    assert forks.summary["model/dlrn/forks_rank"].value == 2
    assert "forks 4/4 configurations" in capsys.readouterr().err

    written, log = study.forks_file.read_bytes(), study.runs_file.read_bytes()
    assert running.run_forks(study) == forks
    assert (study.forks_file.read_bytes(), study.runs_file.read_bytes(), len(done)) == (written, log, 5)
    assert len(read_runs(study.runs_file)) == 4
    assert {run.source for run in read_runs(study.runs_file)} == {"forks"}
    assert read_looks(study.looks_file) == ()


def test_the_test_set_is_looked_at_only_after_the_lock_and_each_look_is_logged(with_forks, ran):
    study = with_forks()
    (study.root / "dvc.yaml").write_text("stages: {}")
    with pytest.raises(InputError, match="asked for with a plan that is open"):
        running.run_forks(study, testing=True)
    assert ran[0] == []
    lock_plan(study)
    forks = running.run_forks(study, testing=True)
    assert all("testing/dlrn/auc" in one.records for one in forks.configurations)
    looks = read_looks(study.looks_file)
    assert [look.plan for look in looks] == ["locked", "changed", "changed", "changed"]
    assert looks[0].params == configuration_hash(read_yaml(study.params_file))


def test_a_redrawn_partition_is_a_look_too(with_forks, ran):
    def drawn(params):
        params["split"]["method"] = "stratified"
        params["deviations"].pop("split.method", None)
        params["choices"]["split.method"] = "Drawn."

    study = with_forks(seeds=[1], change=drawn)
    (study.root / "dvc.yaml").write_text("stages: {}")
    assert [one.redraws for one in plan_forks(study)[1]] == [False, False, False, False, True]
    with pytest.raises(InputError, match="would be learned from"):
        running.run_forks(study)
    lock_plan(study)
    running.run_forks(study)
    assert len(read_looks(study.looks_file)) == 1


def test_a_study_that_was_not_run_is_one_error(with_forks):
    study = with_forks()
    (study.data / "ingest.json").unlink()
    (study.root / "dvc.lock").unlink()
    with pytest.raises(InputError, match=r"no dvc\.lock, data/ingest\.json"):
        running.run_forks(study)


def test_estimates_are_those_of_the_evaluation(finished_study):
    found = running._estimates(StudyDirectory(finished_study), testing=False)
    records = read_records(finished_study / "results" / "results.json")
    assert not [key for key in found["records"] if key.startswith("testing")]
    assert any(key.endswith("auc_corrected") for key in found["records"])
    for key, body in found["records"].items():
        assert Record.model_validate(body).model_copy(update={"stage": "evaluate"}) == records[key]
    for name, count in found["features"].items():
        assert count == records[f"model/{name}/n_features_kept"].value
    assert read_forks(finished_study / "results" / "forks.json") == Forks()
    assert len(read_runs(finished_study / "results" / "configurations.jsonl")) == 1


MAKE = """
import sys
from pathlib import Path
from ruamel.yaml import YAML
name, log = sys.argv[1:]
with open(log, "a") as stream:
    stream.write(name + chr(10))
params = YAML(typ="safe").load(Path("params.yaml"))
Path("data").mkdir(exist_ok=True)
if name == "ingest":
    Path("data/ingest.json").write_text(Path(params["cohort"]["folder"], "cohort.csv").read_text())
elif params["learning"]["reliability"]["threshold"] == 0.9:
    sys.exit("vcfstats: 1 problem: too few features")
else:
    Path("data/out.txt").write_text(str(params["learning"]["reliability"]["threshold"]))
"""


def dvc(root, *arguments):
    subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=root, check=True, capture_output=True)


def test_a_clone_shares_the_caches_and_touches_nothing(tmp_path):
    """The cohort lies beside the study, as `vcfstats new` names it."""
    root, log = tmp_path / "study", tmp_path / "log"
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "cohort.csv").write_text("patients")
    root.mkdir()
    shutil.copy(ROOT / "protocol.yaml", root)
    (root / "make.py").write_text(MAKE)
    command = f"{sys.executable} make.py"
    stages = {
        "ingest": {"cmd": f"{command} ingest {log}", "params": ["cohort"], "deps": ["make.py", "${cohort.folder}"], "outs": ["data/ingest.json"]},
        "learn": {"cmd": f"{command} learn {log}", "params": ["learning"], "deps": ["data/ingest.json"], "outs": ["data/out.txt"]},
    }  # fmt: skip
    (root / "dvc.yaml").write_text(json.dumps({"vars": ["params.yaml"], "stages": stages}))
    study = write_params(root, lambda params: (params.update(simulate={}), params["cohort"].update(folder="../raw")))
    dvc(root, "init", "--no-scm", "-q")
    dvc(root, "repro", "-q")
    (root / "data" / "out.txt").unlink()  # DVC's cache has it
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and ".dvc" not in path.parts}
    body = read_yaml(root / "params.yaml")
    body["learning"]["reliability"]["threshold"] = 0.75
    with cloned(study) as clone:
        assert (clone.run(body, "ICC: 0.75").data / "out.txt").read_text() == "0.75"
        assert log.read_text().split() == ["ingest", "learn", "learn"]  # the cohort was not read again
        body["learning"]["reliability"]["threshold"] = 0.85
        assert (clone.run(body, "as the study").data / "out.txt").read_text() == "0.85"
        assert len(log.read_text().split()) == 3
        body["learning"]["reliability"]["threshold"] = 0.9
        with pytest.raises(InputError, match=r"failed with ICC: 0\.9: .*too few features"):
            clone.run(body, "ICC: 0.9")
    assert {
        path: path.read_bytes() for path in root.rglob("*") if path.is_file() and ".dvc" not in path.parts
    } == before
    assert not list((study.cache / "forks" / "clones").iterdir())


def test_the_file_reads_back(tmp_path):
    path = tmp_path / "forks.json"
    assert read_forks(path) == Forks()
    forks = Forks(named=2, primary="dlrn", configurations=(fork("reference", 0.9), fork("analytic", 0.8, A="1")))
    write_forks(forks, path)
    assert read_forks(path) == forks
    path.write_text('{"configurations": [1]}')
    with pytest.raises(InputError, match=r"forks\.json: found configurations\.0"):
        read_forks(path)
