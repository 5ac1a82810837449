"""What the supplement says of the plan's lock and of the looks at the internal test set."""

import pytest

from vcfstats.contracts.plan import Change, LockShown, Look, Plan, add_looks, write_plan
from vcfstats.reporting import plan as shown
from vcfstats.reporting.study import Study, open_study


@pytest.fixture
def study(make_study):
    return open_study(make_study())


def lock(looks, date="2026-03-01", reason=""):
    return LockShown(date=date, protocol="p" * 64, decisions="d" * 64, looks_before=looks, reason=reason)


def write(study: Study, looks: int, **more):
    write_plan(Plan(protocol=None, decisions="d", seed=1, **more), study.root / "results" / "plan.json")
    add_looks([Look(params=str(i), data="x", plan="open") for i in range(looks)], study.root / "results" / "looks.jsonl")  # fmt: skip


def test_without_a_lock_it_says_so(study):
    write(study, 2)
    said = shown.told(study).plain
    assert said.startswith("The plan was not locked before the internal test set was opened.")
    assert "2 configurations of decisions and data have been evaluated" in said
    assert "never locked" in str(shown.locks_table(study))
    assert len(shown.looks_table(study).rows) == 2


def test_a_lock_before_any_look(study):
    write(study, 1, state="locked", locks=(lock(0),))
    said = shown.told(study).plain
    assert "locked on 2026-03-01, before any result of the internal test set" in said
    assert "are those that were locked" in said
    assert "one configuration of decisions and data has been evaluated on the internal test set, 1 of them" in said


def test_a_lock_after_looks_is_honest(study):
    write(study, 3, state="locked", locks=(lock(3),))
    said = shown.told(study).plain
    assert "locked on 2026-03-01, after 3 configurations had been evaluated" in said
    assert "shows nothing of what was tried before" in said
    assert "none of them after the last lock" in said


def test_changes_after_the_lock_are_told_and_tabled(study):
    changes = (Change(key="protocol.yaml", locked="a" * 64, used="b" * 64), Change(key="a.b", locked=0.85, used=0.75))
    write(study, 1, state="changed", locks=(lock(0), lock(1, "2026-04-01", "few stay")), changed=changes)
    said = shown.told(study).plain
    assert "locked twice: first on" in said
    assert "1 decision is not as locked and the protocol's file is not the one that was locked" in said
    cells = [list(row) for row in shown.changes_table(study).rows]
    assert cells[0][1:3] == ["a" * 16, "b" * 16]
    assert cells[1][1:3] == ["0.85", "0.75"]
    assert shown.locks_table(study).rows[1][-1] == "few stay"


def test_an_edited_lock_proves_nothing(study):
    write(study, 0, state="edited", locks=(lock(0),))
    assert "its dates prove nothing" in shown.told(study).plain
    assert "No look" in str(shown.looks_table(study))


def test_a_study_without_a_plan(study):
    (study.root / "results" / "plan.json").unlink(missing_ok=True)
    assert "nothing is known of a lock" in shown.told(study).plain


def test_results_without_a_log_are_not_called_unopened(study):
    write(study, 0)
    assert "the log was lost" in shown.told(study).plain
