"""What the documents say of the plan: whether and when it was locked, what changed since, and how often the test set was looked at."""

from __future__ import annotations

from vcfstats.contracts.plan import PROTOCOL, Plan, read_looks, read_plan
from vcfstats.reporting import absence
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.decisions import words
from vcfstats.reporting.contents.layout import breakable
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Column, Table
from vcfstats.reporting.values import Text, join

_STATES = {
    "open": "not locked",
    "locked": "as locked",
    "changed": "changed since the lock",
    "edited": "the file of locks had been edited",
}
_SOURCES = {
    "evaluate": "the evaluation",
    "forks": "the run of the alternatives",
    "history": "the history of git",
}


def told(study: Study) -> Text:
    """Say when the plan was locked, before or after how many looks at the internal test set, and whether it held."""
    plan = read_plan(study.root / "results" / "plan.json")
    if plan is None:
        return Text.of("The study has no file of its plan, so that nothing is known of a lock.")
    looks = len(read_looks(study.root / "results" / "looks.jsonl"))
    opened = any(record.kind == "testing" for record in study.records.values())
    unlogged = "There are results of the internal test set, yet no look at them is logged: the log was lost."
    sentences = [*_locked(plan), unlogged if opened and not looks else _looked(looks, plan)]
    return join([Text.of(sentence) for sentence in sentences])


def _locked(plan: Plan) -> list[str]:
    if plan.state == "edited":
        return [
            "The file of the plan's locks is not what the software wrote: it was edited, and its dates prove nothing."
        ]
    if not plan.locks:
        return ["The plan was not locked before the internal test set was opened."]
    first, last = plan.locks[0], plan.locks[-1]
    said = [
        f"The plan was locked {_times(len(plan.locks))}: first on {first.date}, {_when(first.looks_before)}, and last on {last.date}, {_when(last.looks_before)}."
        if len(plan.locks) > 1
        else f"The plan was locked on {first.date}, {_when(first.looks_before)}."
    ]
    if first.looks_before:
        said.append("Its first lock binds what came after it and shows nothing of what was tried before.")
    if not plan.changed:
        said.append("The decisions and the protocol are those that were locked.")
    else:
        keys = [change.key for change in plan.changed if change.key != PROTOCOL]
        protocol = any(change.key == PROTOCOL for change in plan.changed)
        parts = [f"{len(keys)} decision{'s are' if len(keys) > 1 else ' is'} not as locked"] if keys else []
        parts += ["the protocol's file is not the one that was locked"] if protocol else []
        said.append(f"Since then the plan was changed: {' and '.join(parts)}.")
    return said


def _when(looks: int) -> str:
    if not looks:
        return "before any result of the internal test set"
    return f"after {_many(looks)} had been evaluated on the internal test set"


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _many(count: int) -> str:
    return "one configuration" if count == 1 else f"{count} configurations"


def _looked(looks: int, plan: Plan) -> str:
    if not looks:
        return "No configuration has been evaluated on the internal test set."
    since = looks - plan.locks[-1].looks_before if plan.locks else 0
    tail = f", {since if since else 'none'} of them after the last lock" if plan.locks else ""
    verb = "has" if looks == 1 else "have"
    return f"In all, {_many(looks)} of decisions and data {verb} been evaluated on the internal test set{tail}; evaluating one again is no new look."


def locks_table(study: Study) -> Table | Absent:
    """Return the locks of the plan: date, hashes, looks before, reason."""
    plan = read_plan(study.root / "results" / "plan.json")
    if plan is None or absence.locks(study):
        return Absent(absence.locks(study))
    columns = [
        Column("date", "Locked on", width=12),
        Column("looks", "Looks before", "right", width=10),
        Column("protocol", "Protocol (SHA-256)", width=24),
        Column("decisions", "Decisions (SHA-256)", width=24),
        Column("reason", "Reason", width=30),
    ]
    rows = [
        {
            "date": lock.date,
            "looks": str(lock.looks_before),
            "protocol": lock.protocol[:16] if lock.protocol else "none registered",
            "decisions": lock.decisions[:16],
            "reason": lock.reason or "first lock",
        }
        for lock in plan.locks
    ]
    return Table.of(columns, rows)


def changes_table(study: Study) -> Table | Absent:
    """Return what is not as it was locked last, with the declared reason."""
    plan = read_plan(study.root / "results" / "plan.json")
    if plan is None or absence.changes(study):
        return Absent(absence.changes(study))
    protocol = study.info.protocol
    reasons = {d.key: d.reason for d in protocol.deviations} | {c.key: c.reason for c in protocol.choices}
    columns = [
        Column("key", "Decision", width=26),
        Column("locked", "Locked", width=18),
        Column("used", "Used", width=18),
        Column("reason", "Declared reason", width=38),
    ]
    rows = [
        {
            "key": breakable(change.key),
            "locked": _cell(change.locked, change.key),
            "used": _cell(change.used, change.key),
            "reason": reasons.get(change.key, ""),
        }
        for change in plan.changed
    ]
    return Table.of(columns, rows)


def looks_table(study: Study) -> Table | Absent:
    """Return the log of looks at results of the internal test set."""
    looks = read_looks(study.root / "results" / "looks.jsonl")
    if why := absence.looks(study):
        return Absent(why)
    columns = [
        Column("number", "No.", "right", width=6),
        Column("params", "Decisions (SHA-256)", width=26),
        Column("data", "Data (SHA-256)", width=26),
        Column("plan", "Plan at the first look", width=22),
        Column("source", "Noted by", width=20),
    ]
    rows = [
        {
            "number": str(number),
            "params": look.params[:16],
            "data": look.data[:16],
            "plan": _STATES[look.plan],
            "source": _SOURCES[look.source],
        }
        for number, look in enumerate(looks, 1)
    ]
    return Table.of(columns, rows)


def _cell(value: object, key: str) -> str:
    if value is None:
        return "none"
    return str(value)[:16] if key == PROTOCOL else words(value)
