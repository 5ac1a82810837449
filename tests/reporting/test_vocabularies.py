"""Every word of a closed vocabulary that reaches a page has its words in print: a vocabulary widened in one room is found here."""

from __future__ import annotations

import ast
import importlib
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

import vcfstats
from vcfstats.contracts.plan import Look, State, add_looks
from vcfstats.reporting import open_study, plan

# Rooms that hold vocabularies, and rooms that put their members into words.
HOLDERS = ("contracts", "imaging", "learning", "pipeline")
WRITERS = ("reporting", "audit", "pipeline")


def sources(rooms: tuple[str, ...]) -> Iterator[tuple[str, Path, str]]:
    """Name, file and text of the modules of some rooms; only those that matter are imported, none for its own sake."""
    root = Path(vcfstats.__file__).parent
    for room in rooms:
        for file in sorted((root / room).rglob("*.py")):
            parts = file.relative_to(root.parent).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), file, file.read_text(encoding="utf-8")


def literals(annotation: Any) -> Iterator[tuple[Any, ...]]:
    """The members of each Literal within an annotation."""
    if typing.get_origin(annotation) is Literal:
        yield typing.get_args(annotation)
    for inner in typing.get_args(annotation):
        yield from literals(inner)


def vocabularies() -> dict[str, set[tuple[Any, ...]]]:
    """The vocabularies of all fields of data classes and pydantic models, by the field's name."""
    found: dict[str, set[tuple[Any, ...]]] = {}
    for name, _, text in sources(HOLDERS):
        if "Literal[" not in text and not name.endswith("settings"):
            continue
        module = importlib.import_module(name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ != name or not getattr(kind, "__annotations__", None):
                continue
            for field, annotation in typing.get_type_hints(kind).items():
                for members in literals(annotation):
                    found.setdefault(field, set()).add(members)
    return found


def lookups() -> Iterator[tuple[str, str, frozenset[Any]]]:
    """Each `WORDS[thing.attribute]`: where it stands, the attribute, and what the dictionary knows."""
    root = Path(vcfstats.__file__).parent.parent
    for name, file, text in sources(WRITERS):
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Attribute):
                continue
            where = f"{file.relative_to(root)}, {ast.unparse(node.slice)}"
            if isinstance(node.value, ast.Dict):
                keys = [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
                if len(keys) == len(node.value.keys):
                    yield where, node.slice.attr, frozenset(keys)
            elif isinstance(node.value, ast.Name) and node.value.id.isupper():
                words = getattr(importlib.import_module(name), node.value.id)
                yield f"{where} in {node.value.id}", node.slice.attr, frozenset(words)


# Members that the function has told of before it comes to the dictionary.
TOLD_BEFORE = {"vcfstats/pipeline/evaluation/network.py, settings.trained": {"none"}}
KNOWN = vocabularies()
LOOKUPS = [
    (where, members, words)
    for where, attribute, words in lookups()
    # Of vocabularies whose fields share a name, the dictionary speaks of the one that it has most words of.
    for members in [max(KNOWN.get(attribute, ()), key=lambda members: len(words & set(members)), default=())]
    if words & set(members)
]


def test_the_lookups_are_found() -> None:
    assert len(LOOKUPS) > 12
    assert any("reporting/plan.py, look.source" in where for where, _, _ in LOOKUPS)
    assert any("methods.py, n.method" in where for where, _, _ in LOOKUPS)


@pytest.mark.parametrize(("where", "members", "words"), LOOKUPS, ids=[where for where, _, _ in LOOKUPS])
def test_every_member_has_its_words(where: str, members: tuple[Any, ...], words: frozenset[Any]) -> None:
    assert set(members) - words == TOLD_BEFORE.get(where, set())


def test_a_look_of_every_source_and_state_has_a_row(make_study: Any) -> None:
    study = open_study(make_study())
    sources = typing.get_args(typing.get_type_hints(Look)["source"])
    looks = [
        Look(params=f"{source} {state}", data="x", plan=state, source=source)
        for source in sources
        for state in typing.get_args(State)
    ]
    add_looks(looks, study.root / "results" / "looks.jsonl")
    rows = plan.looks_table(study).rows
    assert len(rows) == len(looks)
    assert "the run of the alternatives" in {row[-1] for row in rows}
