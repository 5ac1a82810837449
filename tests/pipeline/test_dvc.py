"""dvc.yaml: one source, every stage known, every output declared."""

import importlib.util
from pathlib import Path

import pytest

from vcfstats.pipeline.stages import STAGES
from vcfstats.pipeline.yamlfile import read_yaml

ROOT = Path(__file__).parents[2]
PACKAGED = ROOT / "vcfstats" / "pipeline" / "dvc.yaml"


def code_dependencies():
    spec = importlib.util.spec_from_file_location("code_dependencies", Path(__file__).with_name("code_dependencies.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_repository_s_copy_differs_only_by_the_code_it_lists():
    expected = code_dependencies().with_code(PACKAGED.read_text(encoding="utf-8"))
    assert (ROOT / "dvc.yaml").read_text(encoding="utf-8") == expected, "run tests/pipeline/code_dependencies.py"


def test_stages_are_those_of_the_command_line_and_at_most_fifteen():
    stages = read_yaml(PACKAGED)["stages"]
    assert tuple(stages) == STAGES
    assert len(stages) <= 15
    for name, stage in stages.items():
        assert stage.get("do", stage)["cmd"] == f"vcfstats stage {name}"


@pytest.mark.parametrize("path", [PACKAGED, ROOT / "dvc.yaml"])
def test_no_stage_depends_on_all_code_and_none_persists_its_outputs(path):
    text = path.read_text(encoding="utf-8")
    assert "- vcfstats\n" not in text
    assert "persist" not in text


def test_listed_code_exists():
    for rooms in code_dependencies().ROOMS.values():
        for room in rooms:
            assert (ROOT / "vcfstats" / room).exists(), room


def test_dvc_tells_nobody():
    text = (ROOT / ".dvc" / "config").read_text(encoding="utf-8")
    assert "analytics = false" in text
    assert "check_update = false" in text
