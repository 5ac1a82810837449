"""Where a setting may point: never to what stages write or delete, to the study itself, or to what holds it."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.graph import SIMULATED, stages
from vcfstats.pipeline.params import Params

# Folders of a study in which stages and commands write and delete as they need, and DVC's and git's own.
_TOPS = ("data", "models", "results", "report", "figures", ".vcfstats-cache", ".dvc", ".git")


def check_places(params: Params, root: Path, file: Path) -> None:
    """Check that the settings that name a file or folder keep away from what the study's stages write and delete.

    Both what is written and where links lead is looked at, in any case of letters: a study may move to a machine on which
    Data and data are one folder.

    Parameters
    ----------
    params : Params
        The settings.
    root : Path
        The study's directory.
    file : Path
        params.yaml, for messages.

    Raises
    ------
    InputError
        Every setting that points there.
    """
    problems: list[Problem] = []
    if not params.simulate:  # a simulated cohort has its own folder, which the schema checks
        problems += _of("cohort.folder", params.cohort.folder, root, file, "a folder with the cohort's data, outside")
    if params.trunk.weights_file is not None:
        problems += _of("trunk.weights_file", params.trunk.weights_file, root, file, "a file outside")
    if problems:
        raise InputError(problems)


def _of(key: str, value: str, root: Path, file: Path, what: str) -> Iterator[Problem]:
    place = _clash(root / value, root)
    if place:
        tops = ", ".join(_TOPS)
        yield Problem(
            f"{key} = {value!r}, {place}",
            f"{what} what the stages write and delete ({tops} of the study), and not the study's directory or one that holds it",
            "move the data to a folder of its own, beside the study for instance, and name that",
            file=file,
        )


def _clash(path: Path, root: Path) -> str:
    """Return in words how a path meets the study's own folders, empty where it does not."""
    for form in (_written, _led):
        own, study = form(path), form(root)
        if own == study or own == study[: len(own)]:
            return "which is the study's directory" if own == study else "which holds the study's directory"
        for place in (*_TOPS, SIMULATED, *(out for stage in stages().values() for out in stage.outs)):
            there = form(root / place)
            if own[: len(there)] == there:
                return f"which lies in {place}" if own != there else f"which is {place}"
            if own == there[: len(own)]:
                return f"which holds {place}"
    return ""


def _written(path: Path) -> tuple[str, ...]:
    return _parts(os.path.abspath(path))


def _led(path: Path) -> tuple[str, ...]:
    return _parts(os.path.realpath(path))


def _parts(path: str) -> tuple[str, ...]:
    return Path(unicodedata.normalize("NFC", path).casefold()).parts
