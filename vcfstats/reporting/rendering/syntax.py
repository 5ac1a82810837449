"""Pandoc's document tree, as far as it is worked on here: plain JSON with a few helpers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Node = dict[str, Any]


def node(kind: str, content: Any = None) -> Node:
    """Make a node."""
    return {"t": kind} if content is None else {"t": kind, "c": content}


def attributes(identifier: str = "", classes: tuple[str, ...] = (), **pairs: str) -> list[Any]:
    """Make an attribute triple."""
    return [identifier, list(classes), [[name.replace("_", "-"), value] for name, value in pairs.items()]]


def words(text: str) -> list[Node]:
    """Make inlines of plain text; blanks may break a line, hard blanks may not."""
    out: list[Node] = []
    for number, word in enumerate(text.split(" ")):
        out += [node("Space")] if number else []
        out += [node("Str", word)] if word else []
    return out


def walk(tree: Any) -> Iterator[Node]:
    """Yield every node, parents before children, in the order of the text."""
    if isinstance(tree, list):
        for item in tree:
            yield from walk(item)
    elif isinstance(tree, dict):
        if "t" in tree:
            yield tree
        for item in tree.values():
            if isinstance(item, list | dict):
                yield from walk(item)


def transformed(tree: Any, change: Callable[[Node], Node | list[Node] | None]) -> Any:
    """Return the tree with `change` applied from the leaves up: None keeps a node, a list stands in its place."""
    if isinstance(tree, dict):
        return {key: transformed(value, change) for key, value in tree.items()}
    if not isinstance(tree, list):
        return tree
    out: list[Any] = []
    for item in tree:
        new = transformed(item, change)
        changed = change(new) if isinstance(new, dict) and "t" in new else None
        if isinstance(changed, list):
            out += changed
        else:
            out.append(new if changed is None else changed)
    return out


def plain(inlines: Any) -> str:
    """Return the words of inlines."""
    parts = []
    for item in walk(inlines):
        if item["t"] == "Str":
            parts.append(item["c"])
        elif item["t"] in ("Space", "SoftBreak", "LineBreak"):
            parts.append(" ")
        elif item["t"] in ("Code", "Math"):
            parts.append(item["c"][1])
    return "".join(parts)
