"""What a change of params.yaml moved, in tiny repositories with results made by hand."""

import json
import subprocess

import pytest
from typer.testing import CliRunner

from vcfstats.audit.change import compare_revisions, read_revision
from vcfstats.audit.commands import app
from vcfstats.contracts.errors import InputError

PROTOCOL = "source: s\nkeys:\n  a.t: { status: printed, value: 0.85 }\n  a.s: { status: silent }\n"
PARAMS = 'a:\n  t: 0.85 # ICC kept from\n  s: 1\nchoices:\n  a.s: "why"\n'


def record(value, low=None, high=None, p=None, kind="testing"):
    return {"kind": kind, "value": value, "ci_low": low, "ci_high": high, "level": 0.95 if low is not None else None, "p_value": p}  # fmt: skip


RECORDS = {
    "testing/m/auc": record(0.60, 0.45, 0.75),
    "testing/m/auc_difference": record(0.10, 0.01, 0.19, 0.03),
    "testing/m/brier": record(0.20, 0.16, 0.24),
    "model/best": record("ridge", kind="model"),
    "testing/m/gone": record(1),
}


def lock(value, out):
    return json.dumps({"stages": {
        "learn": {"params": {"params.yaml": {"a.t": value}}, "deps": [{"path": "raw", "md5": "1"}], "outs": []},
        "evaluate": {"deps": [{"path": "p", "md5": out}]},
        "split": {"deps": [{"path": "raw", "md5": "1"}]},
    }})  # fmt: skip


def git(root, *arguments):
    subprocess.run(["git", "-C", root, "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True)  # fmt: skip


def write(root, params=PARAMS, records=RECORDS, value=0.85, out="1"):
    (root / "results").mkdir(exist_ok=True)
    (root / "params.yaml").write_text(params)
    (root / "protocol.yaml").write_text(PROTOCOL)
    (root / "dvc.lock").write_text(lock(value, out))
    (root / "results" / "results.json").write_text(json.dumps(records))


@pytest.fixture
def study(tmp_path):
    root = tmp_path / "outer" / "study"  # a study may lie below the repository's root
    root.mkdir(parents=True)
    git(tmp_path / "outer", "init", "-q")
    write(root)
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


CHANGED = PARAMS.replace("0.85", "0.75")
MOVED = {
    "testing/m/auc": record(0.70, 0.55, 0.85),
    "testing/m/auc_difference": record(0.08, -0.01, 0.17, 0.08),
    "testing/m/brier": record(0.18, 0.14, 0.22),
    "model/best": record("lasso", kind="model"),
}


def test_same_is_empty(study):
    audit = compare_revisions(read_revision(study, "HEAD"), read_revision(study, None))
    assert (audit.decisions, audit.stages, audit.moved, audit.undeclared) == ((), {}, (), ())


def test_flips_first_stages_and_sizes(study):
    write(study, CHANGED + 'deviations:\n  a.t: "because"\n', MOVED, 0.75, "2")
    audit = compare_revisions(read_revision(study, "HEAD"), read_revision(study, None))
    (decision,) = audit.decisions
    assert (decision.key, decision.old, decision.new, decision.meaning) == ("a.t", 0.85, 0.75, "ICC kept from")
    assert (decision.published, decision.reason, decision.undeclared) == ("printed: 0.85", "because", False)
    assert audit.stages == {"learn": "params.yaml", "evaluate": "p"}
    assert {m.key for m in audit.moved if m.flips} == {"testing/m/auc", "testing/m/auc_difference", "model/best"}
    assert [bool(m.flips) for m in audit.moved] == [True, True, True, False, False]
    flips = {m.key: m.flips for m in audit.moved}
    assert flips["testing/m/auc_difference"] == ("p crossed 0.05: 0.03 to 0.08", "the interval now holds 0")
    assert flips["testing/m/auc"] == ("the interval no longer holds 0.5",)
    brier = next(m for m in audit.moved if m.key.endswith("brier"))
    assert brier.size == pytest.approx(-0.02 / (0.04 / 1.959963984540054), rel=1e-9)


def test_exit_codes_of_the_command(study, monkeypatch):
    monkeypatch.chdir(study)
    assert CliRunner().invoke(app, ["params"]).exit_code == 0
    write(study, CHANGED, MOVED, 0.75, "2")
    result = CliRunner().invoke(app, ["params"])
    assert result.exit_code == 1
    assert "`a.t` owes a reason" in result.output
    assert result.output.index("flipped") < result.output.index("### Decisions")
    git(study, "commit", "-qam", "second")
    assert (
        CliRunner().invoke(app, ["params", "HEAD~1", "HEAD"]).output.splitlines()[2:] == result.output.splitlines()[2:]
    )


def test_removed_and_added_keys(study):
    write(study, "a:\n  t: 0.85\n  r: {}\n")
    audit = compare_revisions(read_revision(study, "HEAD"), read_revision(study, None))
    assert [(d.key, d.old, d.new) for d in audit.decisions] == [("a.s", 1, "(absent)"), ("a.r", "(absent)", {})]


def test_what_cannot_be_read(study, tmp_path):
    with pytest.raises(InputError, match="no git repository"):
        read_revision(tmp_path, None)
    with pytest.raises(InputError, match="revision nowhere"):
        read_revision(study, "nowhere")
    (study / "params.yaml").write_text("a: [")
    with pytest.raises(InputError, match="unreadable"):
        read_revision(study, None)
    (study / "params.yaml").unlink()
    with pytest.raises(InputError, match=r"no params\.yaml"):
        read_revision(study, None)


def test_a_side_without_results_is_not_compared(tmp_path):
    from vcfstats.audit.change.compare import compare_revisions
    from vcfstats.audit.change.revision import Revision
    from vcfstats.audit.change.writing import markdown

    record = {"value": 0.8, "ci_low": 0.4, "ci_high": 0.9}
    old = Revision("old", {"a": 1}, {}, {}, {}, {}, missing=("dvc.lock", "results/results.json"))
    new = Revision("new", {"a": 2}, {}, {}, {"learn": {}}, {"testing/dlrn/auc": record})
    said = markdown(compare_revisions(old, new))
    assert "Not known: the results of one side are missing." in said
    assert "Not known: dvc.lock of one side is missing." in said
    assert "testing/dlrn/auc" not in said
    assert "| `a` | 1 | 2 |" in said


def test_what_is_undeclared_is_what_the_study_refuses(tmp_path):
    """The audit reads old revisions without a schema; on a valid study it must agree with the comparison that has one."""
    from dataclasses import replace
    from pathlib import Path

    from vcfstats.pipeline.directory import StudyDirectory

    root = Path(__file__).parents[2]
    for name in ("params.yaml", "protocol.yaml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    git(tmp_path, "init", "-q")
    whole = read_revision(tmp_path, None)
    assert compare_revisions(whole, whole).undeclared == ()
    departures = StudyDirectory(tmp_path).departures()
    assert len(departures) > 50
    for departure in departures:
        reason = f"{'deviations' if departure.is_deviation else 'choices'}.{departure.key}"
        without = replace(whole, params={key: value for key, value in whole.params.items() if key != reason})
        assert compare_revisions(whole, without).undeclared == (departure.key,)
