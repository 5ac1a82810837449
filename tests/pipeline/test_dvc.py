"""dvc.yaml: one source, every stage known, every output declared."""

import ast
import importlib.util
from pathlib import Path

import pytest

from vcfstats.pipeline.graph import stages
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
    listed = read_yaml(PACKAGED)["stages"]
    assert tuple(listed) == STAGES
    assert len(listed) <= 15
    for name, stage in listed.items():
        assert stage.get("do", stage)["cmd"] == f"vcfstats stage {name}"


@pytest.mark.parametrize("path", [PACKAGED, ROOT / "dvc.yaml"])
def test_no_stage_depends_on_all_code(path):
    assert "- vcfstats\n" not in path.read_text(encoding="utf-8")


def test_dvc_deletes_no_folder():
    """Folders are the stages' to empty, who look first whether all in them is theirs; single files are DVC's."""
    for stage in stages().values():
        assert set(stage.folders) == {out for out in stage.outs if "." not in out.rpartition("/")[2]}


def test_listed_code_exists():
    for rooms in code_dependencies().ROOMS.values():
        for room in rooms:
            assert (ROOT / "vcfstats" / room).exists(), room


# Rooms that compute or draw. What reads params or files changes no number, or is in the stage's own module; two modules of
# statistics hold types alone.
COMPUTING = ("audit", "imaging", "learning", "reporting", "simulation", "statistics")
SCHEMAS = ("params", "directory", "protocol", "yamlfile", "settings", "grids")
TYPES = {"vcfstats.statistics.inputs", "vcfstats.statistics.results"}


def modules():
    package = ROOT / "vcfstats"
    return {
        ".".join(("vcfstats", *path.relative_to(package).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in package.rglob("*.py")
    }


def imported(path, known):
    """Return the package's modules that a file imports, be it within a function."""
    for item in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(item, ast.Import):
            yield from (name.name for name in item.names if name.name in known)
        elif isinstance(item, ast.ImportFrom) and item.module in known:
            yield from (
                whole if (whole := f"{item.module}.{name.name}") in known else item.module for name in item.names
            )


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_all_code_that_computes_in_it(stage):
    """Else a change of that code would leave old results beside new code."""
    known, listed = modules(), code_dependencies().ROOMS[stage]
    owned = tuple("vcfstats." + room.removesuffix(".py").replace("/", ".") for room in listed)
    needed, todo = set(), [f"vcfstats.pipeline.{stage}"]
    while todo:
        name = todo.pop()
        if name not in needed and name.rpartition(".")[2] not in SCHEMAS and not name.startswith("vcfstats.contracts"):
            needed.add(name)
            todo += imported(known[name], known)
    missing = {
        name
        for name in needed - TYPES
        if not name.startswith("vcfstats.statistics.inputs.")  # which checks arguments and changes no number
        and name.startswith(tuple(f"vcfstats.{room}" for room in COMPUTING))
        and not any(name == own or name.startswith(f"{own}.") for own in owned)
    }
    assert missing == set()


def test_dvc_tells_nobody():
    text = (ROOT / ".dvc" / "config").read_text(encoding="utf-8")
    assert "analytics = false" in text
    assert "check_update = false" in text
