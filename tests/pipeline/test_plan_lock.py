"""The plan's lock and the log of looks: dates noted once, edits seen, the same configuration noted once."""

import datetime
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.plan import Look, add_looks, read_locks, read_looks, read_plan
from vcfstats.pipeline import plan as planning
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.lock import lock_plan, lost_looks, run_looks
from vcfstats.pipeline.looks import configuration_hash, log_look
from vcfstats.pipeline.yamlfile import read_yaml

ROOT = Path(__file__).parents[2]
DAY = datetime.date(2026, 3, 1)


@pytest.fixture
def study(tmp_path):
    """Params and protocol of the repository's study, before any stage has run."""
    for name in ("params.yaml", "protocol.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "lock.json").write_text('{"locks": []}')
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ingest.json").write_text("{}")
    return StudyDirectory(tmp_path)


def edit(study, *pairs):
    """A study object reads its params once: return a new one after the edit."""
    text = study.params_file.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    study.params_file.write_text(text)
    return StudyDirectory(study.root)


LOOSER = (
    ("threshold: 0.85", "threshold: 0.75"),
    ("deviations:", "deviations:\n  learning.reliability.threshold: 'few stay'"),
)


def state(study):
    planning.run(study)
    return read_plan(study.plan_file)


def test_a_plan_is_open_then_locked_then_changed(study):
    assert state(study).state == "open"
    lock = lock_plan(study, today=DAY)
    assert (lock.date, lock.looks_before) == ("2026-03-01", 0)
    locked = study.plan_file.read_bytes(), state(study)
    assert (locked[1].state, locked[1].changed) == ("locked", ())
    before = study.lock_file.read_bytes()
    assert lock_plan(study, today=datetime.date(2027, 1, 1)) is None  # the date is noted once
    assert study.lock_file.read_bytes() == before

    changed = state(edit(study, *LOOSER))
    assert changed.state == "changed"
    assert [(c.key, c.locked, c.used) for c in changed.changed] == [("learning.reliability.threshold", 0.85, 0.75)]


def test_words_and_workers_are_no_change_of_plan_a_protocol_edited_after_the_lock_is(study):
    lock_plan(study, today=DAY)
    study = edit(study, ('label: "Age"', 'label: "Years"'), ("workers: 2", "workers: 1"))
    assert state(study).state == "locked"
    protocol = study.root / "protocol.yaml"
    protocol.write_text(protocol.read_text(encoding="utf-8").replace("for the image too", "for the image as well"))
    plan = state(StudyDirectory(study.root))
    assert plan.state == "changed"
    assert [change.key for change in plan.changed] == ["protocol.yaml"]


@pytest.mark.parametrize(("old", "new"), [("2026-03-01", "2025-03-01"), ('"looks_before": 0', '"looks_before": 3'), ("0.85", "0.75")])  # fmt: skip
def test_an_edited_lock_is_seen_and_never_built_upon(study, old, new):
    lock_plan(study, today=DAY)
    text = study.lock_file.read_text(encoding="utf-8")
    assert old in text
    study.lock_file.write_text(text.replace(old, new, 1))
    assert state(study).state == "edited"
    with pytest.raises(InputError, match="a lock that was edited"):
        lock_plan(study, reason="again", today=DAY)


def test_a_lock_taken_out_of_the_chain_is_seen(study):
    lock_plan(study, today=DAY)
    lock_plan(edit(study, *LOOSER), reason="few stay", today=DAY)
    body = json.loads(study.lock_file.read_text(encoding="utf-8"))
    body["locks"] = body["locks"][1:]
    study.lock_file.write_text(json.dumps(body))
    assert state(study).state == "edited"


def test_a_changed_plan_is_locked_anew_only_with_a_reason_and_the_first_lock_stays(study):
    lock_plan(study, today=DAY)
    looser = edit(study, *LOOSER)
    with pytest.raises(InputError, match=r"changed since \(learning\.reliability\.threshold\)"):
        lock_plan(looser)
    log_look(looser)
    lock_plan(looser, reason="few features stay", today=datetime.date(2026, 4, 1))
    first, second = read_locks(study.lock_file)
    assert (first.date, second.date, second.looks_before) == ("2026-03-01", "2026-04-01", 1)
    assert state(looser).state == "locked"


def test_the_same_configuration_is_one_look_and_leaves_the_same_bytes(study):
    log_look(study)
    log = study.looks_file.read_bytes()
    log_look(edit(study, ('label: "Age"', 'label: "Years"'), ("workers: 2", "workers: 1"), ("test_fraction: 0.3 ", "test_fraction: 0.30 ")))  # fmt: skip
    assert study.looks_file.read_bytes() == log
    log_look(edit(study, *LOOSER))
    assert study.looks_file.read_bytes().startswith(log)  # lines are added, none is changed
    (study.data / "ingest.json").write_text('{"table": "another"}')
    log_look(StudyDirectory(study.root))
    looks = read_looks(study.looks_file)
    assert len(looks) == 3
    assert looks[0].params != looks[1].params == looks[2].params
    assert looks[0].data == looks[1].data != looks[2].data


def test_a_configuration_read_back_from_dvc_lock_is_the_same(study):
    from dvc.utils.serialize import dumps_yaml

    from vcfstats.audit.change.revision import safe_yaml

    body = read_yaml(study.params_file)
    assert configuration_hash(safe_yaml(dumps_yaml(body))) == configuration_hash(body)


def test_merged_logs_hold_each_configuration_once(tmp_path):
    path = tmp_path / "looks.jsonl"
    first, second = (Look(params=name, data="d", plan="open") for name in "ab")
    add_looks([first, second, first], path)
    path.write_text(
        path.read_text(encoding="utf-8") + path.read_text(encoding="utf-8").splitlines()[0]
    )  # as a union merge may leave it
    assert read_looks(path) == (first, second)
    assert add_looks([second], path) == 0
    path.write_text("{")
    with pytest.raises(InputError, match="one look a line"):
        read_looks(path)


def git(root, *arguments):
    subprocess.run(["git", "-C", root, "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True)  # fmt: skip


def commit_results(study):
    """Commit what a repro would leave of this configuration."""
    from dvc.utils.serialize import dumps_yaml

    body = {"stages": {"evaluate": {"cmd": "x", "params": {"params.yaml": read_yaml(study.params_file)}}, "learn": {"cmd": "y"}}}  # fmt: skip
    (study.root / "dvc.lock").write_text(dumps_yaml({"schema": "2.0", **body}))
    planning.run(study)
    data = str(len((study.data / "ingest.json").read_bytes()))
    (study.results / "study.json").write_text(json.dumps({"hashes": {"data": data}, "params": configuration_hash(read_yaml(study.params_file))}))  # fmt: skip
    (study.results / "results.json").write_text(json.dumps({"testing/m/auc": {"kind": "testing", "value": 0.8}}))
    git(study.root, "add", ".")
    git(study.root, "commit", "-qm", "results")


def test_results_of_the_past_are_looks_and_a_line_taken_out_is_missed(study, capsys):
    git(study.root, "init", "-q")
    commit_results(study)
    looser = edit(study, *LOOSER)
    commit_results(looser)
    assert len(lost_looks(looser)) == 2
    lock = lock_plan(looser, today=DAY)
    assert lock.looks_before == 2
    assert [look.source for look in read_looks(study.looks_file)] == ["history", "history"]
    run_looks(study.root)
    assert "locked on 2026-03-01 after 2 looks" in capsys.readouterr().out
    study.looks_file.write_text(study.looks_file.read_text(encoding="utf-8").splitlines()[1] + "\n")
    with pytest.raises(InputError, match="no line for them"):
        run_looks(study.root)


def test_what_is_no_lock_is_refused(study):
    study.lock_file.write_text("[]")
    with pytest.raises(InputError, match=r"lock\.json: found unreadable"):
        planning.run(study)
    study.lock_file.unlink()
    with pytest.raises(InputError, match=r'write \{"locks": \[\]\} to it'):
        planning.run(study)
