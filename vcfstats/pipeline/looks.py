"""Looks at results of the internal test set: what makes two of them the same, and the line that stage evaluate writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from vcfstats.contracts.files import file_hash
from vcfstats.contracts.plan import Look, Run, add_looks, add_runs, read_plan
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.params import NOT_ANALYTIC, Params

# Sections of params.yaml that can move a number: the analytic ones, the seed, and what says who the patients are.
SECTIONS = tuple(
    name for name in Params.model_fields if name not in NOT_ANALYTIC or name in ("seed", "simulate", "cohort")
)
_WORDS = {"label", "unit", "event_label", "nonevent_label", "folder"}


def configuration_hash(body: Mapping[str, Any]) -> str:
    """Hash what params.yaml decides, words left out.

    Taken from the file as written, not through the schema, so that a configuration of the past, read from dvc.lock, has the
    hash that it would have today.

    Parameters
    ----------
    body : mapping
        params.yaml, or the parameters of the stage evaluate in dvc.lock.
    """
    kept = {name: _plain(body[name]) for name in SECTIONS if name in body}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        if name == "levels":  # names in print; the values in the table, reference first, are the decision
            return [str(key) for key in value]
        return {str(key): _plain(item, str(key)) for key, item in value.items() if key not in _WORDS}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)  # 1 and 1.0 are one decision
    return value


def log_look(study: StudyDirectory) -> Look:
    """Note in results/looks.jsonl that results of the internal test set are computed; the same configuration adds nothing."""
    plan = read_plan(study.plan_file)
    look = Look(
        params=configuration_hash(study.body),
        data=file_hash(study.data / "ingest.json"),
        plan=plan.state if plan else "open",
    )
    add_looks([look], study.looks_file)
    return look


def log_run(study: StudyDirectory) -> Run:
    """Note in results/configurations.jsonl that this configuration is run; the same configuration adds nothing."""
    run = Run(params=configuration_hash(study.body), data=file_hash(study.data / "ingest.json"))
    add_runs([run], study.runs_file)
    return run
