"""The steps of the study as its dvc.yaml has them: which stage takes what from which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.params import Params
from vcfstats.pipeline.yamlfile import read_yaml


def workflow(path: Path, params: Params) -> pd.DataFrame:
    """Return one row a stage: its name, its description in words, and the stages that it takes from.

    DVC accepts no dvc.yaml as a dependency: after an edit of descriptions alone, run the stage evaluate by hand.

    A stage takes from another if it depends on one of its outputs, or on a file within one. Of what a stage takes, that
    which it also gets through another stage is left out (transitive reduction), so that a drawing shows no arrow twice.

    Parameters
    ----------
    path : Path
        dvc.yaml of the study.
    params : Params
        For paths that dvc.yaml takes from params, and for stages that a study does not have.
    """
    stages = {name: body for name, body in read_yaml(path)["stages"].items() if _exists(body, params)}
    outs = {name: [_path(item, params) for item in _listed(body, ("outs", "metrics"))] for name, body in stages.items()}
    takes = {
        name: {
            other
            for other in stages
            if other != name
            for dep in (_path(item, params) for item in _listed(body, ("deps",)))
            if any(dep == out or dep.startswith(f"{out}/") for out in outs[other])
        }
        for name, body in stages.items()
    }
    before = {name: _before(name, takes) for name in stages}
    rows = []
    for name, body in stages.items():
        direct = [other for other in stages if other in takes[name]]
        kept = [o for o in direct if not any(o in before[between] for between in direct if between != o)]
        text = str(_of(body).get("desc") or name.replace("_", " ").capitalize())
        rows.append((name, text, " ".join(kept)))
    return pd.DataFrame(rows, columns=list(TABLES["workflow"]))


def _exists(body: Any, params: Params) -> bool:
    return "foreach" not in body or bool(params.simulate)


def _of(body: Any) -> Any:
    return body.get("do", body)


def _listed(body: Any, keys: tuple[str, ...]) -> list[str]:
    items = [item for key in keys for item in _of(body).get(key) or []]
    return [next(iter(item)) if isinstance(item, dict) else str(item) for item in items]


def _path(text: str, params: Params) -> str:
    return text.replace("${cohort.folder}", params.cohort.folder)


def _before(name: str, takes: dict[str, set[str]]) -> set[str]:
    """Return all stages that come before one."""
    found: set[str] = set()
    ahead = list(takes[name])
    while ahead:
        other = ahead.pop()
        if other not in found:
            found.add(other)
            ahead += takes[other]
    return found
