"""The stages by name; each module is loaded only when its stage runs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.graph import before, stages
from vcfstats.pipeline.outputs import making
from vcfstats.pipeline.ran import check_settings, check_unchanged, write_settings

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
        An unknown stage, files in its outputs that no stage made, files of earlier stages made with other settings, or whatever
        is wrong with the study's input.
    """
    if name not in STAGES:
        raise InputError(Problem(f"stage {name!r}", ", ".join(STAGES), "correct the name"))
    stage = stages()[name]
    study = StudyDirectory(root)
    study.params  # noqa: B018 (bad params end the stage before it works)
    check_settings(root, before(name), study.body, study.params_file)
    with making(study, stage) as own, own.timed(name):
        import_module(f"vcfstats.pipeline.{name}").run(own)
        check_unchanged(study.params_file, stage, study.body)
        write_settings(root, stage, study.body)
