"""What the packaged dvc.yaml says of each stage: the settings it reads, the files it takes, the files it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.yamlfile import leaves, read_yaml

SIMULATED = "data/simulated"  # where the stage simulate writes; no setting names another place
SETTINGS = "data/settings"  # what each stage ran with
COHORT = "${cohort.folder}"


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml.

    Attributes
    ----------
    name : str
        Its name.
    keys : tuple of str
        Dotted keys of params.yaml that it reads, a key standing for all below it.
    deps, outs : tuple of str
        Paths within the study's directory.
    folders, files : tuple of str
        Its outputs that are folders, and those that are files, told apart by their endings; DVC deletes neither before a run (``persist``), so that the stage can
        look at what lies there.
    cached : frozenset of str
        Those of its outputs that DVC keeps in its cache; git keeps the others.
    """

    name: str
    keys: tuple[str, ...]
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    folders: tuple[str, ...]
    files: tuple[str, ...]
    cached: frozenset[str]

    @property
    def settings_file(self) -> str:
        """Where the stage notes what it ran with."""
        return f"{SETTINGS}/{self.name}.json"

    def settings(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return what params.yaml says of the keys that the stage reads, dotted key -> value."""
        flat = leaves(dict(body))
        return {key: value for key, value in flat.items() if any(f"{key}.".startswith(f"{own}.") for own in self.keys)}


@cache
def stages() -> dict[str, Stage]:
    """Return the stages in their order."""
    with as_file(files("vcfstats.pipeline").joinpath("dvc.yaml")) as path:
        body = read_yaml(path)["stages"]
    return {name: _stage(name, given.get("do", given)) for name, given in body.items()}


def _stage(name: str, body: Mapping[str, Any]) -> Stage:
    outs: dict[str, Mapping[str, Any]] = {}
    for item in (*(body.get("outs") or []), *(body.get("metrics") or [])):
        outs |= item if isinstance(item, dict) else {item: {}}
    return Stage(
        name=name,
        keys=tuple(str(key).replace("${key}", "cohort") for key in body.get("params") or []),
        deps=tuple(map(str, body.get("deps") or [])),
        outs=tuple(outs),
        folders=tuple(path for path in outs if not Path(path).suffix),
        files=tuple(path for path in outs if Path(path).suffix),
        cached=frozenset(path for path, options in outs.items() if options.get("cache", True)),
    )


def before(name: str) -> list[str]:
    """Return the stages that a stage's inputs come from, directly or through others, in their order."""
    found: set[str] = set()
    todo = [name]
    while todo:
        for dep in stages()[todo.pop()].deps:
            for other in stages().values():
                if other.name not in found and (SIMULATED if dep == COHORT else dep) in other.outs:
                    found.add(other.name)
                    todo.append(other.name)
    return [other for other in stages() if other in found]


def own_stages(root: Path) -> dict[str, Mapping[str, Any]]:
    """Return the stages of a study's own dvc.yaml, name -> body; none where it has no such file.

    Raises
    ------
    InputError
        A dvc.yaml of an earlier version, with which DVC deletes the cohort's folder before it simulates.
    """
    path = root / "dvc.yaml"
    if not path.is_file():
        return {}
    found = {name: given.get("do", given) for name, given in (read_yaml(path).get("stages") or {}).items()}
    for name, given in found.items():
        outs = [*(given.get("outs") or []), *(given.get("metrics") or [])]
        if any(COHORT in (item if isinstance(item, str) else next(iter(item))) for item in outs):
            raise InputError(
                Problem(
                    f"stage {name} with the cohort's folder as its output, which DVC deletes before the stage runs",
                    f"{SIMULATED} as output of the stage simulate, as in the dvc.yaml of this version",
                    "copy dvc.yaml of a study that `vcfstats new` makes, before `dvc repro` runs again",
                    file=path,
                )
            )
    return found
