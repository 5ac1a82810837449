"""A stage's outputs: folders are made beside their place and moved there when whole; what no stage made is never replaced.

DVC leaves all outputs to the stages (``persist``), since it would delete whatever lies there before a stage could look.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from vcfstats.audit.change.revision import safe_yaml
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import file_hash, making_folder, sweep, write_text
from vcfstats.contracts.made import files_of, refuse_strangers
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.graph import SIMULATED, Stage

_WHATEVER: dict[str, str] = {}  # noted of a file that a stage is about to write
_RECORDS = "data/.made"  # what each stage made, untracked: DVC's lock says the same once it has seen the files


def refuse_others(study: StudyDirectory, stage: Stage) -> None:
    """Refuse to begin where an output is a file, or a folder that holds files, which the stage did not make.

    An output is the stage's own if every file is as a run noted it, or if the whole is what dvc.lock names. Of files that git
    keeps names alone count, since git changes their content.

    Raises
    ------
    InputError
        Naming the first file, and what to do.
    """
    noted = _noted(study, stage)
    for name in stage.files:
        path, made, locked = study.root / name, noted.get(name), _locked(study.root, name)
        if not path.exists() and not path.is_symlink():
            continue
        own = made is not None or locked is not None
        if own and name in stage.cached:
            known = _of_one(path)
            own = made in (_WHATEVER, known) or (path.is_file() and locked == digest_of(path))
        if not own or not path.is_file():
            raise InputError(
                Problem(
                    f"something that stage {stage.name} did not make, or which was changed since",
                    f"nothing, or what stage {stage.name} made: it would be replaced",
                    "move it elsewhere if you want to keep it, else delete it, and run this again",
                    file=path,
                )
            )
    for name in stage.folders:
        folder = study.root / name
        if not folder.exists() and not folder.is_symlink():
            continue
        if folder.exists() and not folder.is_dir():
            refuse_strangers(folder, [folder.name], f"the folder that stage {stage.name} makes")
        found, made = files_of(folder), noted.get(name, {})
        if name in stage.cached:
            others = [file for file, digest in found.items() if made.get(file) != digest]
        else:
            others = [file for file in found if file not in made and file not in {f"{table}.csv" for table in TABLES}]
        if others and (name not in stage.cached or _locked(study.root, name) != digest_of(folder)):
            refuse_strangers(folder, others, f"what stage {stage.name} makes")


@contextmanager
def making(study: StudyDirectory, stage: Stage) -> Iterator[StudyDirectory]:
    """Yield the study with the stage's output folders elsewhere; they take their places when the block ends well.

    A stage that fails or is killed leaves the folders of the run before.
    """
    refuse_others(study, stage)
    before = {name: made for name, made in _noted(study, stage).items() if name in stage.folders}
    # A stage that is killed finds the files that it had begun, whatever they hold, when it begins again.
    _note(study, stage, before, dict.fromkeys(stage.files, _WHATEVER))
    sweep(study.root, *{(study.root / out).parent for out in stage.outs})
    with contextlib.ExitStack() as stack:
        made: dict[str, Path] = {}
        besides: dict[str, Path] = {}
        for name in stage.folders:
            if name in stage.cached and (name != SIMULATED or study.params.simulate):
                besides[name] = stack.enter_context(making_folder(study.root / name))
                made[name] = besides[name] / Path(name).name
                made[name].mkdir()
        own = replace(study, making=made)
        own.__dict__.update(
            {key: study.__dict__[key] for key in ("body", "params", "protocol") if key in study.__dict__}
        )
        try:
            yield own
        except BaseException:
            _note(study, stage, before, _written(study, stage))
            raise
        # Noted before the folders move: a run killed in between finds its own files either way.
        folders = {name: files_of(made.get(name, study.root / name)) for name in stage.folders}
        _note(study, stage, folders, _written(study, stage))
        for name, ready in made.items():
            place = study.root / name
            if place.is_symlink():
                place.unlink()
            elif place.exists():
                place.rename(besides[name] / "before")
            ready.rename(place)


def note_made(study: StudyDirectory, stage: Stage) -> None:
    """Note what lies in a stage's outputs as made by it, where a program that the project called put it there."""
    _note(study, stage, {name: files_of(study.root / name) for name in stage.folders}, _written(study, stage))


def _note(
    study: StudyDirectory, stage: Stage, folders: Mapping[str, dict[str, str]], files: Mapping[str, dict[str, str]]
) -> None:
    record = {**folders, **files}
    write_text(_record_file(study, stage), json.dumps(record, indent=1, sort_keys=True) + "\n")


def _written(study: StudyDirectory, stage: Stage) -> dict[str, dict[str, str]]:
    paths = {name: study.root / name for name in stage.files}
    return {name: _of_one(path) for name, path in paths.items() if path.is_file()}


def _of_one(path: Path) -> dict[str, str]:
    """Return the SHA-256 of a file by its name, as `files_of` does of a folder's."""
    return {path.name: file_hash(path)} if path.is_file() else {}


def _record_file(study: StudyDirectory, stage: Stage) -> Path:
    return study.root / _RECORDS / f"{stage.name}.json"


def _noted(study: StudyDirectory, stage: Stage) -> Mapping[str, dict[str, str]]:
    try:
        found = json.loads(_record_file(study, stage).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _locked(root: Path, name: str) -> str | None:
    """Return the hash that dvc.lock has of an output."""
    path = root / "dvc.lock"
    if not path.is_file():
        return None
    stages: dict[str, Any] = safe_yaml(path.read_text(encoding="utf-8")).get("stages", {})
    outs = [out for stage in stages.values() for out in stage.get("outs") or []]
    return next((str(out.get("md5")) for out in outs if out.get("path") == name), None)


def digest_of(path: Path) -> str:
    """Return the MD5 that DVC notes of a file, or of a folder: that of the list of its files."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        listed = [{"md5": _md5(file.read_bytes()), "relpath": file.relative_to(path).as_posix()} for file in files]
        listed.sort(key=lambda item: item["relpath"])
        return f"{_md5(json.dumps(listed).encode())}.dir"
    return _md5(path.read_bytes())


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
