"""The stages by name; each module is loaded only when its stage runs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.directory import StudyDirectory

STAGES = (
    "simulate",
    "ingest",
    "preprocess",
    "quality",
    "radiomics",
    "split",
    "slices",
    "deep",
    "repeats",
    "learn",
    "activation",
    "plan",
    "evaluate",
    "render",
    "audit",
)


def run_stage(name: str, root: Path) -> None:
    """Run one stage in a study's directory.

    Raises
    ------
    InputError
        An unknown stage, or whatever is wrong with the study's input.
    """
    if name not in STAGES:
        raise InputError(Problem(f"stage {name!r}", ", ".join(STAGES), "correct the name"))
    study = StudyDirectory(root)
    study.params  # noqa: B018 (bad params end the stage before it works)
    with study.timed(name):
        import_module(f"vcfstats.pipeline.{name}").run(study)
