"""The plan of a study, its locks, and the log of every look at results of the internal test set.

- `lock.json`, in the study's directory and in git: one entry a lock, each with the decisions of its day; entries are added, never changed.
- `results/plan.json`: what stage plan found, the decisions of today against the last lock.
- `results/looks.jsonl`: one line a look, keyed by what was decided and on which data, not by time: evaluating the same configuration
  again adds nothing, so that a rebuild leaves the same bytes. No stage owns it (DVC would delete it first); git keeps it.
- `results/configurations.jsonl`: the same for every configuration that was run, whether the internal test set was looked at or not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text

State = Literal["open", "locked", "changed", "edited"]
PROTOCOL = "protocol.yaml"  # stands among the changed keys where the protocol's file is another


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lock(_Part):
    """One lock.

    `protocol` and `decisions` are SHA-256 hashes, `values` the decisions themselves; `looks_before` counts the configurations
    whose results on the internal test set had been computed by then; `previous` and `seal` chain the locks, so that an edited
    one is seen.
    """

    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    protocol: str | None
    decisions: str
    looks_before: int = Field(ge=0)
    reason: str = ""
    values: dict[str, Any]
    previous: str = ""
    seal: str = ""

    def sealed(self) -> Lock:
        """Return the lock with its seal."""
        return self.model_copy(update={"seal": self._digest()})

    @property
    def is_whole(self) -> bool:
        """Whether the entry is the one that was sealed."""
        return self.seal == self._digest()

    def _digest(self) -> str:
        body = self.model_dump(mode="json", exclude={"seal"})
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class Change(_Part):
    """A decision that is not as it was locked; `null` on either side may also mean that the key was not there."""

    key: str
    locked: Any = None
    used: Any = None


class LockShown(_Part):
    """What the documents say of a lock."""

    date: str
    protocol: str | None
    decisions: str
    looks_before: int
    reason: str = ""


class Plan(_Part):
    """results/plan.json.

    `state` is open (never locked), locked (as locked), changed (decisions or protocol differ from the last lock) or edited
    (lock.json is not what `vcfstats lock` wrote).
    """

    protocol: str | None
    decisions: str
    seed: int
    state: State = "open"
    locks: tuple[LockShown, ...] = ()
    changed: tuple[Change, ...] = ()


class Configuration(_Part):
    """One configuration that was run: the hash of every decision that can move a number, and that of the raw cohort."""

    params: str
    data: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes two of them the same."""
        return self.params, self.data


class Look(Configuration):
    """One configuration whose results on the internal test set were computed.

    `plan` is the state of the plan at the first look; `source` says whether the evaluation wrote the line itself, the run of the
    alternatives did, or it was found in the history of git.
    """

    plan: State
    source: Literal["evaluate", "forks", "history"] = "evaluate"


class Run(Configuration):
    """One configuration that was run; `source` says whether the evaluation wrote the line or the run of the alternatives."""

    source: Literal["evaluate", "forks"] = "evaluate"


_Line = TypeVar("_Line", bound=Configuration)


def read_locks(path: Path) -> tuple[Lock, ...]:
    """Read lock.json, in the order of locking.

    Raises
    ------
    InputError
        The file is missing or holds no locks.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(body, dict) or set(body) != {"locks"}:
            raise ValueError("not a mapping with the one key `locks`")
        return tuple(Lock.model_validate(item) for item in body["locks"])
    except FileNotFoundError:
        raise InputError(
            Problem("no such file", 'the locks of the plan, {"locks": []} where it was never locked', 'write {"locks": []} to it', file=path)
        ) from None  # fmt: skip
    except (ValueError, TypeError) as error:
        raise InputError(_unreadable(error, "locks of a plan in JSON", path)) from None


def write_locks(locks: tuple[Lock, ...], path: Path) -> None:
    """Write lock.json."""
    body = {"locks": [lock.model_dump(mode="json") for lock in locks]}
    write_text(path, json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def is_chain(locks: tuple[Lock, ...]) -> bool:
    """Whether every lock is as sealed and follows the one before it."""
    before = ["", *(lock.seal for lock in locks)]
    return all(lock.is_whole and lock.previous == seal for lock, seal in zip(locks, before, strict=False))


def write_plan(plan: Plan, path: Path) -> None:
    """Write results/plan.json."""
    write_text(path, json.dumps(plan.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_plan(path: Path) -> Plan | None:
    """Read results/plan.json; None where the study has none.

    Raises
    ------
    InputError
        It does not describe a plan.
    """
    try:
        return Plan.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise InputError(_unreadable(error, "a plan in JSON", path)) from None


def read_looks(path: Path) -> tuple[Look, ...]:
    """Read results/looks.jsonl, each configuration once, in the order of the lines; empty where there is no log.

    Raises
    ------
    InputError
        A line is no look.
    """
    return _read_lines(Look, path, "one look a line")


def read_runs(path: Path) -> tuple[Run, ...]:
    """Read results/configurations.jsonl as `read_looks` reads its log."""
    return _read_lines(Run, path, "one configuration a line")


def add_looks(looks: Sequence[Look], path: Path) -> int:
    """Append the looks whose configuration is not in the log yet, and return how many these were.

    Lines that are there stay as they are, in their order; an empty log is written where there is none.
    """
    return _add_lines(looks, read_looks(path), path)


def add_runs(runs: Sequence[Run], path: Path) -> int:
    """Append the configurations that are not in results/configurations.jsonl yet, as `add_looks` does."""
    return _add_lines(runs, read_runs(path), path)


def _read_lines(kind: type[_Line], path: Path, allowed: str) -> tuple[_Line, ...]:
    if not path.is_file():
        return ()
    found: dict[tuple[str, str], _Line] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            item = kind.model_validate_json(line)
        except ValidationError as error:
            raise InputError(_unreadable(error, f"{allowed} (line {number})", path)) from None
        found.setdefault(item.key, item)
    return tuple(found.values())


def _add_lines(items: Sequence[Configuration], there: Sequence[Configuration], path: Path) -> int:
    known = {item.key for item in there}
    new: dict[tuple[str, str], Configuration] = {}
    for item in items:
        if item.key not in known:
            new.setdefault(item.key, item)
    if new or not path.is_file():
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        old += "\n" if old and not old.endswith("\n") else ""
        lines = [json.dumps(item.model_dump()) + "\n" for item in new.values()]
        write_text(path, old + "".join(lines))
    return len(new)


def _unreadable(error: Exception, allowed: str, path: Path) -> Problem:
    said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return Problem(f"unreadable ({said})", allowed, "restore the file from git", file=path)
