"""Stage plan: what was decided, against what was locked, before any result is computed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from vcfstats.contracts.forks import Forks, write_forks
from vcfstats.contracts.plan import PROTOCOL, Change, Lock, LockShown, Plan, State, is_chain, read_locks, write_plan
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.params import Params, analytic_leaves


def run(study: StudyDirectory) -> None:
    """Write results/plan.json; the stage evaluate needs it."""
    plan = plan_of(study)
    write_plan(plan, study.plan_file)
    if not study.forks_file.is_file():
        write_forks(Forks(), study.forks_file)  # DVC runs no stage, evaluate here, one of whose files is absent
    said = {
        "open": "the plan was never locked (vcfstats lock)",
        "locked": f"as locked on {plan.locks[-1].date}" if plan.locks else "",
        "changed": "not as locked: " + ", ".join(change.key for change in plan.changed),
        "edited": "lock.json is not what vcfstats lock wrote",
    }
    print(f"plan: {said[plan.state]}")


def plan_of(study: StudyDirectory) -> Plan:
    """Return the decisions of params.yaml and the protocol, compared with the last lock."""
    locks = read_locks(study.lock_file)
    protocol, values = protocol_hash(study), locked_values(study.params)
    changed = _changes(locks[-1], protocol, values) if locks else ()
    state: State = "changed" if changed else "locked" if locks else "open"
    return Plan(
        protocol=protocol,
        decisions=decisions_hash(study.params),
        seed=study.params.seed,
        state=state if is_chain(locks) else "edited",
        locks=tuple(
            LockShown(**lock.model_dump(include={"date", "protocol", "decisions", "looks_before", "reason"}))
            for lock in locks
        ),
        changed=changed,
    )


def protocol_hash(study: StudyDirectory) -> str | None:
    """Return the hash of the protocol's file, None where no protocol was registered."""
    name = study.params.study.protocol
    return hashlib.sha256((study.root / name).read_bytes()).hexdigest() if name else None


def decisions_hash(params: Params) -> str:
    """Return the hash of every analytic decision."""
    return hashlib.sha256(json.dumps(analytic_leaves(params), sort_keys=True).encode()).hexdigest()


def locked_values(params: Params) -> dict[str, Any]:
    """Return what a lock freezes: every analytic decision, and the seed."""
    return {"seed": params.seed, **analytic_leaves(params)}


def _changes(lock: Lock, protocol: str | None, values: dict[str, Any]) -> tuple[Change, ...]:
    changes = [
        Change(key=key, locked=lock.values.get(key), used=values.get(key))
        for key in dict.fromkeys((*lock.values, *values))
        if (key in lock.values) != (key in values) or lock.values.get(key) != values.get(key)
    ]
    if protocol != lock.protocol:
        changes.insert(0, Change(key=PROTOCOL, locked=lock.protocol, used=protocol))
    return tuple(changes)
