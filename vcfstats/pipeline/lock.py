"""`vcfstats lock` and `vcfstats looks`: the plan frozen with its date, and every look at the internal test set told."""

from __future__ import annotations

import datetime
from pathlib import Path

from vcfstats.audit.history import past_results
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.plan import Lock, Look, add_looks, is_chain, read_locks, read_looks, write_locks
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.looks import configuration_hash
from vcfstats.pipeline.plan import decisions_hash, locked_values, plan_of, protocol_hash


def lock_plan(study: StudyDirectory, *, reason: str = "", today: datetime.date | None = None) -> Lock | None:
    """Freeze the protocol and every analytic decision with today's date; return the new lock, None where nothing is new.

    The date is noted once, here: no stage writes lock.json, so that a rebuild never changes it. Looks at the internal test
    set before the lock are counted, those that only git remembers among them.

    Parameters
    ----------
    study : StudyDirectory
        The study; its params must be valid and every deviation declared.
    reason : str
        Why the plan is locked anew; needed from the second lock on.
    today : date, optional
        Default: the date in UTC.

    Raises
    ------
    InputError
        lock.json was edited, or the plan was locked before, has changed and no reason is given.
    """
    locks = read_locks(study.lock_file)
    if not is_chain(locks):
        raise InputError(
            Problem("a lock that was edited", "locks as vcfstats lock wrote them", "restore the file from git", file=study.lock_file)
        )  # fmt: skip
    plan = plan_of(study)
    if plan.state == "locked":
        return None
    if locks and not reason:
        keys = ", ".join(change.key for change in plan.changed)
        raise InputError(
            Problem(
                f"a plan locked on {locks[-1].date} that has changed since ({keys})", "a reason for locking it anew",
                "give --reason, or change the decisions back", file=study.lock_file,
            )
        )  # fmt: skip
    log_history(study)
    lock = Lock(
        date=(today or datetime.datetime.now(datetime.UTC).date()).isoformat(),
        protocol=protocol_hash(study),
        decisions=decisions_hash(study.params),
        looks_before=len(read_looks(study.looks_file)),
        reason=reason,
        values=locked_values(study.params),
        previous=locks[-1].seal if locks else "",
    ).sealed()
    write_locks((*locks, lock), study.lock_file)
    return lock


def log_history(study: StudyDirectory) -> int:
    """Note the looks that results committed to git, or lying in results/, bear witness to; return how many were new to the log."""
    return add_looks([look for look, _ in _past_looks(study.root)], study.looks_file)


def lost_looks(study: StudyDirectory) -> list[tuple[Look, str]]:
    """Return the looks, each with a commit, of which git has the results and the log has no line: taken out, or never written."""
    known = {look.key for look in read_looks(study.looks_file)}
    lost: dict[tuple[str, str], tuple[Look, str]] = {}
    for look, revision in _past_looks(study.root):
        if look.key not in known:
            lost.setdefault(look.key, (look, revision))
    return list(lost.values())


def _past_looks(root: Path) -> list[tuple[Look, str]]:
    return [
        (Look(params=configuration_hash(past.params), data=past.data, plan=past.plan, source="history"), past.revision)
        for past in past_results(root)
        if past.testing
    ]


def run_lock(root: Path, *, reason: str) -> None:
    """Lock the plan and say so."""
    study = StudyDirectory(root)
    lock = lock_plan(study, reason=reason)
    if lock is None:
        print(f"locked on {read_locks(study.lock_file)[-1].date}, and nothing has changed since")
        return
    before = f"after {_looks(lock.looks_before)}" if lock.looks_before else "before any look"
    print(f"locked on {lock.date}, {before} at results of the internal test set: {len(lock.values)} decisions")
    print(f"  protocol  {lock.protocol or 'none registered'}\n  decisions {lock.decisions}")
    print("commit lock.json and results/looks.jsonl now: a lock is worth what its date in git is worth")
    print("then run `dvc repro`, which brings the plan in results/ and the documents up to date")


def run_looks(root: Path) -> None:
    """List the looks and what the plan was at each; end in an error where git knows of looks that the log lacks."""
    study = StudyDirectory(root)
    looks = read_looks(study.looks_file)
    plan = plan_of(study)
    for lock in plan.locks:
        print(f"locked on {lock.date} after {_looks(lock.looks_before)}{f': {lock.reason}' if lock.reason else ''}")
    states = {"open": "not locked", "locked": "as locked", "changed": "changed since the lock", "edited": "lock edited"}
    print(f"plan: {states[plan.state]}{'' if plan.locks else ' (vcfstats lock)'}")
    for change in plan.changed:
        print(f"  {change.key}: locked {change.locked}, now {change.used}")
    print(f"{_looks(len(looks))} at results of the internal test set")
    for number, look in enumerate(looks, 1):
        where = ", from the history of git" if look.source == "history" else ""
        print(f"  {number}. params {look.params[:16]}, data {look.data[:16]}: plan {states[look.plan]}{where}")
    if lost := lost_looks(study):
        raise InputError(
            [
                Problem(
                    f"results of the internal test set at {revision[:12]} (params {look.params[:16]}, data {look.data[:16]}) and no line for them",
                    "a line for every configuration that was evaluated", "restore the line from git, or run `vcfstats lock`, which adds it",
                    file=study.looks_file,
                )
                for look, revision in lost
            ]
        )  # fmt: skip


def _looks(count: int) -> str:
    return "one look" if count == 1 else f"{count} looks"
