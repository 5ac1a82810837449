"""tests/oracles.csv: every public statistic is vouched for, and every row names a test that exists."""

import ast
import csv
import inspect
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import vcfstats

TESTS = Path(__file__).parent
ROWS = list(csv.DictReader((TESTS / "oracles.csv").open(encoding="utf-8")))
KINDS = {"package", "published", "analytic", "invariant", "mechanics"}
INDEPENDENT = {"package", "published", "analytic"}


@cache
def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _of_a_room(name: str) -> bool:
    """Whether a dotted name, such as learning.harmonisation.ComBat, is what a room of the package offers."""
    module, _, attribute = name.rpartition(".")
    return bool(module) and hasattr(import_module(f"vcfstats.{module}"), attribute)


def test_rows_name_existing_tests_and_known_kinds():
    wrong = []
    for number, row in enumerate(ROWS, start=2):
        file, _, function = row["test"].partition("::")
        path = TESTS.parent / file
        if not path.is_file() or function not in _functions(path):
            wrong.append(f"line {number}: no test {row['test']}")
        if row["kind"] not in KINDS:
            wrong.append(f"line {number}: kind {row['kind']!r} is not one of {sorted(KINDS)}")
        if not all(row[column] for column in ("statistic", "configuration", "oracle", "tolerance")):
            wrong.append(f"line {number}: an empty cell")
        if row["statistic"] not in vcfstats.__all__ and not _of_a_room(row["statistic"]):
            wrong.append(f"line {number}: {row['statistic']!r} is not a public name")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "name", [n for n in vcfstats.__all__ if inspect.isfunction(getattr(vcfstats, n)) or n == "Nomogram"]
)
def test_every_public_function_has_a_row(name):
    assert any(row["statistic"] == name and row["kind"] in INDEPENDENT for row in ROWS), (
        f"no independent oracle for {name}"
    )


def test_independent_share_is_printed_in_the_readme():
    share = sum(row["kind"] in INDEPENDENT for row in ROWS) / len(ROWS)
    assert share >= 0.95
    assert f"{share:.1%}" in (TESTS.parent / "README.md").read_text(encoding="utf-8"), f"README must print {share:.1%}"
