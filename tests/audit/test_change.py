"""What a change of params.yaml moved, in tiny repositories with results made by hand."""

import hashlib
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from vcfstats import delong_test
from vcfstats.audit.change import compare_revisions, read_revision
from vcfstats.audit.change.conclusions import rank
from vcfstats.audit.change.report import report
from vcfstats.audit.change.revision import Revision
from vcfstats.audit.change.writing import markdown
from vcfstats.cli import app
from vcfstats.contracts.errors import InputError

PROTOCOL = "source: s\nkeys:\n  a.t: { status: printed, value: 0.85 }\n  a.s: { status: silent }\n"
PARAMS = 'a:\n  t: 0.85 # ICC kept from\n  s: 1\nchoices:\n  a.s: "why"\n'


def record(value, low=None, high=None, p=None, kind="testing", **more):
    return {**more, "kind": kind, "value": value, "ci_low": low, "ci_high": high, "level": 0.95 if low is not None else None, "p_value": p}  # fmt: skip


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


def test_flips_are_told_once_test_sets_first_and_candidates_apart(study):
    """A classifier chosen as a model has its results twice; what was estimated on the patients learned from comes last."""
    base = [record(0.60, 0.45, 0.75), record(0.70, 0.55, 0.85)]
    faint = [record(1e-12, 0.9e-12, 1.1e-12), record(0.02, 0.01, 0.03)]
    keys = (
        "apparent/dlr/auc",
        "out_of_fold/dlr/auc",
        "testing/dlr/auc",
        "comparison/testing/rad/dlr/difference",
        "testing/fused.svm/auc",
    )
    old = {key: base[0] for key in keys} | {
        "testing/fused.knn/auc": record(0.6, 0.4, 0.8),
        "testing/dlr/brier": faint[0],
    }
    new = {key: base[1] for key in keys} | {
        "testing/fused.knn/auc": record(0.8, 0.6, 1.0),
        "testing/dlr/brier": faint[1],
    }
    for side in (old, new):
        side["comparison/testing/rad/dlr/difference"] = {
            **side["testing/dlr/auc"],
            "p_value": 0.04 if side is old else 0.06,
        }
    write(study, records=old)
    git(study, "commit", "-qam", "before")
    write(study, CHANGED, new, 0.75, "2")
    told = report(compare_revisions(read_revision(study, "HEAD"), read_revision(study, None)))
    flipped, candidates = (section for section in told.sections if section.title.startswith("Conclusions"))
    named = [re.findall(r"`([^`]+)`", line) for line in flipped.lines]
    assert sorted(named[:2]) == [
        ["comparison/testing/rad/dlr/difference"],
        ["testing/dlr/auc", "testing/fused.svm/auc"],
    ]
    assert named[2:] == [["out_of_fold/dlr/auc"], ["apparent/dlr/auc"]]
    assert [re.findall(r"`([^`]+)`", line) for line in candidates.lines] == [["testing/fused.knn/auc"]]
    (moves,) = (section for section in told.sections if section.title.startswith("Results that moved"))
    assert [(row[0], row[-1]) for row in moves.rows] == [("`testing/dlr/brier`", "beyond +1000")]


def test_exit_codes_and_the_three_forms_of_the_command(study, monkeypatch, tmp_path):
    monkeypatch.chdir(study)
    monkeypatch.setenv("COLUMNS", "200")
    run = CliRunner().invoke
    assert run(app, ["audit", "params"]).exit_code == 0
    write(study, CHANGED, MOVED, 0.75, "2")
    shown = run(app, ["audit", "params", "--html", str(tmp_path / "a.html"), "--markdown", str(tmp_path / "a.md")])
    assert shown.exit_code == 1
    for text in (shown.output, (tmp_path / "a.md").read_text(), (tmp_path / "a.html").read_text()):
        assert text.index("Undeclared") < text.index("flipped") < text.index("Decisions")
        assert "UNDECLARED" in text
        assert "the interval no longer holds 0.5" in text
    page = (tmp_path / "a.html").read_text()
    assert not re.search(r"<script|<link|<img|src=|href=|@import|url\(", page)  # one page by itself
    result = run(app, ["audit", "params", "--markdown", "-"])
    assert "`a.t` owes a reason" in result.stdout
    git(study, "commit", "-qam", "second")
    later = run(app, ["audit", "params", "HEAD~1", "HEAD", "--markdown", "-"])
    first = result.stdout.replace("HEAD", "OLD").replace("working tree", "NEW")
    assert later.stdout.replace("HEAD\\~1", "OLD").replace("HEAD", "NEW") == first


def test_removed_and_added_keys(study):
    write(study, "a:\n  t: 0.85\n  r: {}\n")
    audit = compare_revisions(read_revision(study, "HEAD"), read_revision(study, None))
    assert [(d.key, d.old, d.new) for d in audit.decisions] == [("a.s", 1, "(absent)"), ("a.r", "(absent)", {})]


def test_what_cannot_be_read(study, tmp_path):
    with pytest.raises(InputError, match="no git repository"):
        read_revision(tmp_path, "HEAD")
    with pytest.raises(InputError, match="revision nowhere"):
        read_revision(study, "nowhere")
    (study / "params.yaml").write_text("a: [")
    with pytest.raises(InputError, match="unreadable"):
        read_revision(study, None)
    (study / "params.yaml").unlink()
    with pytest.raises(InputError, match=r"no params\.yaml"):
        read_revision(study, None)


def test_a_side_without_results_is_not_compared(tmp_path):
    from vcfstats.audit.change.revision import Revision

    record = {"value": 0.8, "ci_low": 0.4, "ci_high": 0.9}
    old = Revision("old", {"a": 1}, {}, {}, {}, {}, missing=("dvc.lock", "results/results.json"))
    new = Revision("new", {"a": 2}, {}, {}, {"learn": {}}, {"testing/dlrn/auc": record})
    said = markdown(report(compare_revisions(old, new)))
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


def test_results_of_another_value_are_called_out_of_date(study):
    write(study, CHANGED + 'deviations:\n  a.t: "because"\n', RECORDS, 0.85, "1")
    audit = compare_revisions(read_revision(study, "HEAD"), read_revision(study, None))
    assert [d.stale for d in audit.decisions] == [True]
    assert "computed with another value" in markdown(report(audit))


def test_a_decision_names_its_stages_and_what_the_schema_says_of_it(study):
    write(study, CHANGED + 'deviations:\n  a.t: "because"\n', MOVED, 0.75, "2")
    before, after = read_revision(study, "HEAD"), read_revision(study, None)
    (decision,) = compare_revisions(before, after, descriptions={"a.t": "smallest value that stays"}).decisions
    assert decision.stages == ("learn",)
    assert decision.meaning == "smallest value that stays; ICC kept from"


COMPARISON = "kind,model_a,model_b,difference,low,high,p_value,p_adjusted,primary\n"
TABLES = {
    "comparison": COMPARISON + "testing,m,n,0.10,0.01,0.19,0.03,0.03,yes\ntesting,m,o,0.05,-0.01,0.11,0.1,0.2,no\n",
    "regression": "variable,level,or,low,high,p_value,adjusted_or,adjusted_low,adjusted_high,adjusted_p_value\n"
    "Sex,Male,2.9,1.5,5.5,0.001,1.5,0.9,3.0,0.1\nAge,,0.9,0.8,1.1,0.2,,,,\n",
    "baseline": "variable,level,statistic,all,training,testing,test,p_value\nSex,Male,n (%),3 (30%),2,1,chi-square,0.04\n",
    "coefficients": "feature_set,feature,coefficient\nfused,a,0.1\nfused,b,0.2\n",
    "roc": "kind,model,threshold,false_positive_rate,sensitivity\ntesting,m,0.1,0.2,0.3\ntesting,m,0.2,0.1,0.2\n",
}
AFTER = {
    "comparison": COMPARISON + "testing,m,n,0.08,-0.01,0.17,0.08,0.08,yes\ntesting,m,o,0.05,-0.01,0.11,0.1,0.2,no\n",
    "regression": TABLES["regression"].replace("1.5,0.9,3.0,0.1", "2.0,1.2,3.9,0.01"),
    "baseline": TABLES["baseline"].replace("0.04", "0.06"),
    "coefficients": "feature_set,feature,coefficient\nfused,b,0.2\nfused,c,0.3\nfused,d,0.3\n",
    "roc": TABLES["roc"].replace("0.2,0.1,0.2", "0.2,0.1,0.25"),
}


def write_tables(study, tables):
    folder = study / "results" / "tables"
    folder.mkdir(exist_ok=True)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)


def test_tables_are_compared_estimate_by_estimate(study):
    write_tables(study, TABLES)
    git(study, "add", ".")
    git(study, "commit", "-qm", "tables")
    write_tables(study, AFTER)
    audit = compare_revisions(read_revision(study, "HEAD"), read_revision(study, None))
    assert audit.tables == {"baseline": 1, "coefficients": 2, "comparison": 1, "regression": 1, "roc": 1}
    flips = {m.key: m.flips for m in audit.moved}
    assert flips == {
        "comparison/testing/m/n/difference": ("p crossed 0.05: 0.03 to 0.08", "the interval now holds 0"),
        "regression/Sex/Male/adjusted_or": ("p crossed 0.05: 0.1 to 0.01", "the interval no longer holds 1"),
        "baseline/Sex/Male/p_value": ("p crossed 0.05: 0.04 to 0.06",),
        "conclusion/features/fused": ("2 became 3; 2 in: c, d; 1 out: a",),
    }
    difference = next(m for m in audit.moved if m.key.startswith("comparison"))
    assert difference.size is None  # the level of its interval is not known without its record
    write(study, records={**RECORDS, "design/confidence_level": record(0.95, kind="design")})
    git(study, "commit", "-qam", "level")
    write_tables(study, TABLES)
    audit = compare_revisions(read_revision(study, "HEAD"), read_revision(study, None))
    assert next(m for m in audit.moved if m.key.startswith("comparison")).size == pytest.approx(0.02 / (0.18 / 2 / 1.959964), rel=1e-6)  # fmt: skip


def test_what_names_a_row_does_not_depend_on_the_other_rows():
    from vcfstats.audit.change.entries import entries_of

    one = "kind,model_a,model_b,difference,low,high,p_value,p_adjusted,primary\ntesting,m,n,0.1,0.0,0.2,0.03,0.04,yes\n"
    assert list(entries_of("comparison", one, 0.95)) == ["comparison/testing/m/n/difference"]
    model = "term,coefficient,standard_error,low,high\nAge,0.1,0.02,0.06,0.14\n"
    (entry,) = entries_of("nomogram_model", model, 0.95).items()
    assert (entry[0], entry[1]["value"]) == ("nomogram_model/Age/coefficient", 0.1)
    curve = "kind,model,predicted,observed,low,high\ntesting,m,0.1,0.2,0.1,0.3\ntesting,m,0.2,0.3,0.2,0.4\n"
    assert entries_of("calibration", curve, 0.95) == {}


def test_another_best_model_is_a_flip(study):
    def aucs(**values):
        return {f"testing/{model}/auc": record(value, model=model, estimate="auc") for model, value in values.items()}

    write(study, records=aucs(dlr=0.80, dlrn=0.82, svm=0.7) | {"testing/fused.svm/auc": record(0.99, model="fused.svm", estimate="auc")})  # fmt: skip
    git(study, "commit", "-qam", "before")
    write(study, records=aucs(dlr=0.83, dlrn=0.82, svm=0.7))
    audit = compare_revisions(read_revision(study, "HEAD"), read_revision(study, None))
    assert [(m.key, m.flips) for m in audit.flipped] == [("conclusion/best_model/testing", ("dlrn became dlr",))]


def predictions(seed, shift=0.0):
    rng = np.random.default_rng(1)
    outcome = np.arange(60) % 2
    score = rng.normal(outcome * 0.8, 1) + shift * np.random.default_rng(seed).normal(size=60)
    return pd.DataFrame({
        "case_id": [f"P{i:02}" for i in range(60)], "patient_id": [f"P{i:02}" for i in range(60)], "partition": "testing", "kind": "testing",
        "repeat": np.int64(0), "fold": np.int64(-1), "feature_set": "f", "model": "m", "probability": 1 / (1 + np.exp(-score)), "outcome": outcome,
    })  # fmt: skip


def test_the_same_patients_are_paired_from_working_tree_and_cache(study):
    from vcfstats.audit.change import audit_revisions
    from vcfstats.contracts.predictions import write_predictions

    file = study / "data" / "predictions.parquet"

    def at(frame, auc):
        write_predictions(frame, file)
        digest = hashlib.md5(file.read_bytes()).hexdigest()
        write(study, records={"testing/m/auc": record(auc, 0.5, 0.9), "testing/m/threshold": record(0.5)})
        lock = {"stages": {"learn": {"outs": [{"path": "data/predictions.parquet", "md5": digest}]}}}
        (study / "dvc.lock").write_text(json.dumps(lock))
        return digest

    old = at(predictions(1), 0.7)
    git(study, "add", "-f", "dvc.lock", "results")
    git(study, "commit", "-qm", "old")
    before, kept = predictions(1), file.read_bytes()
    after = predictions(2, shift=0.3)
    at(after, 0.75)
    revisions = read_revision(study, "HEAD"), read_revision(study, None)
    audit = audit_revisions(study, *revisions)
    assert audit.moved[0].paired is None
    assert "neither in the working tree nor in DVC's cache" in audit.remarks[0]

    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=study, check=True)
    cached = study / ".dvc" / "cache" / "files" / "md5" / old[:2] / old[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(kept)
    audit = audit_revisions(study, *revisions)
    test = delong_test(before["outcome"], after["probability"], before["probability"])
    paired = audit.moved[0].paired
    low, high = test.confidence_interval()
    assert (paired.difference, paired.low, paired.high) == pytest.approx((test.difference, low, high), abs=1e-12)
    assert f"{test.difference:+.3g} (" in markdown(report(audit))

    cached.write_bytes(b"other bytes")  # a cache that was tampered with is not believed
    assert audit_revisions(study, *revisions).moved[0].paired is None


def test_other_patients_are_not_paired():
    from vcfstats.audit.change.paired import paired_changes
    from vcfstats.audit.change.revision import Revision

    nothing = Revision("r", {}, {}, {}, {}, {})
    old, new = predictions(1), predictions(2)
    changes, remarks = paired_changes(old, new.assign(case_id=new["case_id"] + "x"), nothing, nothing)
    assert changes == {}
    assert remarks == ["not the same patients or outcomes on both sides, so not paired: testing/m"]
    assert "testing/m/auc" in paired_changes(old, new, nothing, nothing)[0]


def test_every_key_of_params_is_described_by_the_schema():
    from pathlib import Path

    from vcfstats.pipeline.audit_params import describe_keys
    from vcfstats.pipeline.params import analytic_leaves, read_params

    described = describe_keys()
    undescribed = [key for key in analytic_leaves(read_params(Path(__file__).parents[2] / "params.yaml")) if not described.get(key)]  # fmt: skip
    assert undescribed == []


def test_moves_are_listed_by_what_a_reader_asks_first():
    keys = [
        "testing/rad/auc", "out_of_fold/rad/auc", "comparison/testing/clinical/dlrn/difference", "testing/rad/specificity",
        "cohort/all/n_cases", "testing/rad_recalibrated/auc", "apparent/rad/auc", "testing/rad.svm/auc",
    ]  # fmt: skip
    ranks = [
        rank(key, {"model": key.split("/")[1] if key.count("/") == 2 and "cohort" not in key else None}) for key in keys
    ]
    assert ranks == [0, 0, 0, 1, 2, 3, 4, 5]
    old = {key: {"kind": key.split("/")[0], "model": key.split("/")[1], "estimate": key.rsplit("/", 1)[1], "value": 0.6, "ci_low": 0.55, "ci_high": 0.65} for key in keys}  # fmt: skip
    new = {key: record | {"value": 0.9 if "apparent" in key else 0.61} for key, record in old.items()}
    sides = [Revision("x", {}, {}, {}, {}, records) for records in (old, new)]
    moved = [found.key for found in compare_revisions(*sides, descriptions={}).moved if not found.flips]
    assert moved.index("testing/rad/auc") < moved.index("testing/rad/specificity") < moved.index("apparent/rad/auc")
