"""What each stage ran with, noted among its outputs, so that data and params.yaml cannot part in silence.

DVC notes the settings of params.yaml as they are when a stage ends. Edited while the stage ran, they are not those that it
ran with, and the next `dvc repro` would find everything up to date.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.pipeline.graph import Stage, own_stages, stages
from vcfstats.pipeline.yamlfile import read_yaml

_ABSENT = "no value"


def write_settings(root: Path, stage: Stage, body: Mapping[str, Any]) -> None:
    """Write data/settings/STAGE.json: the values of the stage's keys with which it ran."""
    text = json.dumps({"stage": stage.name, "settings": _plain(stage.settings(body))}, indent=1, sort_keys=True)
    write_text(root / stage.settings_file, text + "\n")


def check_unchanged(params_file: Path, stage: Stage, body: Mapping[str, Any]) -> None:
    """Refuse to end a stage whose settings in params.yaml were changed while it ran.

    Raises
    ------
    InputError
        Naming every key, with what the stage ran with and what the file says now.
    """
    now = _plain(stage.settings(read_yaml(params_file)))
    raise_any(
        Problem(
            f"{key} changed from {_shown(then)} to {_shown(new)} while stage {stage.name} ran",
            "settings that stay as they are until a stage has ended",
            "run `dvc repro` again: the stage then runs with the new value",
            file=params_file,
        )
        for key, then, new in _differences(_plain(stage.settings(body)), now)
    )


def check_settings(root: Path, names: Iterable[str], body: Mapping[str, Any], params_file: Path) -> None:
    """Check that stages ran with what params.yaml says; those that are frozen in dvc.yaml are left out.

    Raises
    ------
    InputError
        One problem for each key that differs, naming the stage, both values and how to mend it.
    """
    left_out = {name for name, given in own_stages(root).items() if given.get("frozen")}
    if not body.get("simulate"):
        left_out.add("simulate")
    problems = []
    for name in names:
        stage = stages()[name]
        then = _read(root / stage.settings_file)
        if then is None or name in left_out:
            continue
        problems += [
            Problem(
                f"{key} = {_shown(new)}, but the files of stage {name} were made with {_shown(old)}",
                "settings that the files were made with",
                f"run `dvc repro --force {name}` and then `dvc repro`, or `vcfstats stage {name}` where there is no DVC; "
                "or set the value back",
                file=params_file,
            )
            for key, old, new in _differences(then, _plain(stage.settings(body)))
        ]
    raise_any(problems)


def raise_any(problems: Iterable[Problem]) -> None:
    """Raise the problems together, if there are any."""
    found = list(problems)
    if found:
        raise InputError(found)


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a stage noted, None where it has not run."""
    if not path.is_file():
        return None
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))["settings"]
    except (ValueError, KeyError, TypeError):
        settings = None
    if not isinstance(settings, dict):
        raise InputError(
            Problem("no settings of a stage", "what the stage wrote", f"run `dvc repro --force {path.stem}`", file=path)
        )
    return settings


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    keys = dict.fromkeys((*then, *now))
    pairs = [(key, then.get(key, _ABSENT), now.get(key, _ABSENT)) for key in keys]
    return [(key, old, new) for key, old, new in pairs if old != new]


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as JSON gives them back: names of levels as text, lists as lists."""
    return dict(json.loads(json.dumps(dict(settings), default=str)))


def _shown(value: Any) -> str:
    text = value if value == _ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
