"""The results that a study's git history holds: which decisions, on which data, with which results of the internal test set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcfstats.audit.change.revision import git, safe_yaml
from vcfstats.contracts.plan import Plan, State
from vcfstats.contracts.progress import progress

FILES = ("dvc.lock", "results/study.json", "results/results.json", "results/plan.json")


@dataclass(frozen=True)
class PastResult:
    """Results that were committed once.

    Attributes
    ----------
    revision : str
        Commit, or "working tree".
    params : dict
        Parameters of the stage evaluate as dvc.lock notes them: those that the results were computed with.
    data : str
        Hash of the raw cohort as study.json has it.
    testing : bool
        Whether there are results of the internal test set.
    plan : str
        State of the plan, as results/plan.json has it.
    """

    revision: str
    params: dict[str, Any]
    data: str
    testing: bool
    plan: State


def past_results(root: Path) -> list[PastResult]:
    """Return the results of every commit that changed them, oldest first, and those of the working tree last.

    Commits whose dvc.lock or results cannot be read are left out: they print no number either. Outside git there is the
    working tree alone.
    """
    listed = git(root, "log", "--reverse", "--format=%H", "--", "results/study.json")
    revisions = [*(listed.stdout.split() if listed.returncode == 0 else []), None]
    found = []
    for revision in progress(revisions, len(revisions), label="history of the results", unit="revisions"):
        texts = {name: _text(root, revision, name) for name in FILES}
        if None not in texts.values():
            result = _result(revision or "working tree", *map(str, texts.values()))
            found += [result] if result else []
    return found


def _text(root: Path, revision: str | None, name: str) -> str | None:
    if revision is None:
        path = root / name
        return path.read_text(encoding="utf-8") if path.is_file() else None
    shown = git(root, "show", f"{revision}:./{name}")
    return None if shown.returncode else shown.stdout


def _result(revision: str, lock: str, study: str, records: str, plan: str) -> PastResult | None:
    try:
        params = safe_yaml(_stage(lock, "evaluate"))["evaluate"]["params"]["params.yaml"]
        data = json.loads(study)["hashes"]["data"]
        state = Plan.model_validate_json(plan).state
        testing = any(record.get("kind") == "testing" for record in json.loads(records).values())
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return PastResult(revision, dict(params), str(data), testing, state)


def _stage(lock: str, name: str) -> str:
    """Return the text of one stage of dvc.lock: parsing the whole file takes a second."""
    lines = lock.splitlines()
    start = lines.index(f"  {name}:")
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith("   ")), len(lines))
    return "\n".join(line[2:] for line in lines[start:end]) + "\n"
