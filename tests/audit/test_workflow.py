"""The workflows of a pull request: the one that runs its code may only read, the one that may write runs none of it."""

from pathlib import Path

from ruamel.yaml import YAML

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"


def read(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    return YAML(typ="safe", pure=True).load(text), text


def test_the_workflow_that_runs_a_fork_s_code_may_only_read():
    body, text = read("audit.yml")
    assert list(body["on"]) == ["pull_request"]  # never pull_request_target: its token may write
    assert body["permissions"] == {"contents": "read"}
    assert "permissions" not in body["jobs"]["audit"]
    assert "persist-credentials: false" in text
    assert "secrets." not in text


def test_the_workflow_that_may_write_runs_nothing_of_the_pull_request():
    body, text = read("audit-comment.yml")
    assert body["on"]["workflow_run"]["workflows"] == [read("audit.yml")[0]["name"]]
    assert body["permissions"] == {}
    assert body["jobs"]["comment"]["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert "checkout" not in text.replace("no checkout", "")
    scripts = [step["run"] for step in body["jobs"]["comment"]["steps"] if "run" in step]
    assert scripts
    assert all("${{" not in script for script in scripts)  # a branch's name is a variable, never part of the script


def test_no_script_of_the_audit_takes_its_words_from_the_event():
    body, _ = read("audit.yml")
    assert all("${{" not in step.get("run", "") for step in body["jobs"]["audit"]["steps"])
