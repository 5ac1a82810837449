"""One small simulated study, run once for all tests of the chain."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from tests.sharing import made_once
from vcfstats.pipeline.stages import STAGES, run_stage

from .with_nomogram import learn_nomogram

CHAIN = STAGES[: STAGES.index("render")]  # all before the documents


def make_small_study(directory: Path) -> Path:
    """Make it with one worker: others would spend more time on starting than on three dozen patients."""
    spec = importlib.util.spec_from_file_location("small_study", Path(__file__).parents[1] / "small_study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = module.make(directory)
    params = root / "params.yaml"
    text = params.read_text(encoding="utf-8")
    assert "workers: 2" in text
    params.write_text(text.replace("workers: 2", "workers: 1"), encoding="utf-8")
    return Path(root)


def run_chain(root: Path, stages=CHAIN) -> Path:
    for stage in stages:
        run_stage(stage, root)
    return root


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory):
    """A study of three dozen simulated patients with all stages run but render; tests copy it before they change it."""
    return made_once(tmp_path_factory, "study", lambda folder: run_chain(make_small_study(folder / "small"))) / "small"


@pytest.fixture
def study_copy(finished_study, tmp_path):
    return Path(shutil.copytree(finished_study, tmp_path / "copy"))


@pytest.fixture(scope="session")
def nomogram_study(finished_study, tmp_path_factory):
    """The same study learned again so that it has a nomogram."""
    return (
        made_once(tmp_path_factory, "nomogram", lambda folder: learn_nomogram(finished_study, folder / "study"))
        / "study"
    )
