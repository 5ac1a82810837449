"""Reading and writing YAML as people mean it: every value as it is written, or one error with file, key and line.

The reader takes less than YAML has: plain text, numbers in decimal notation, true and false, null, lists and mappings. What
stands for something else (aliases, tags) or can be read in two ways (007, 0x10, 1_000) is refused; dates are text, and so is
every key.
"""

from __future__ import annotations

import copy
import io
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from vcfstats.contracts.errors import InputError, Problem

Loc = tuple[str | int, ...]
# How deep lists and mappings may lie in one another; params.yaml needs 7.
_DEEPEST = 30
_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    InputError
        Missing, unreadable, a key twice, a value that can be read in two ways, or no mapping.
    """
    return copy.deepcopy(_read(path)[0])


def key_lines(path: Path) -> dict[Loc, int]:
    """Return the line of each key of a YAML file that `read_yaml` reads."""
    return dict(_read(path)[1])


def _read(path: Path) -> tuple[dict[str, Any], dict[Loc, int]]:
    if not path.is_file():
        raise InputError(
            Problem(
                "no regular file" if path.exists() else "no such file",
                "a study's directory, with params.yaml",
                "change to the study's directory, or make one with `vcfstats new`",
                file=path,
            )
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Reader(path).refusal(
            f"no UTF-8 (byte 0x{error.object[error.start]:02X} at {error.start})", "YAML in UTF-8", "save it as UTF-8"
        ) from None
    except OSError as error:
        raise _Reader(path).refusal(
            f"a file that cannot be read ({error.strerror})", "YAML in UTF-8", "look at its rights"
        ) from None
    try:
        return _parsed(text)
    except InputError as error:
        raise InputError([replace(problem, file=path) for problem in error.problems]) from None


@lru_cache(
    maxsize=16
)  # a stage looks at params.yaml when it begins and when it ends; parsing it takes a third of a second
def _parsed(text: str) -> tuple[dict[str, Any], dict[Loc, int]]:
    reader = _Reader(Path("params.yaml"))  # whichever file it is, errors get its name
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except YAMLError as error:
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise reader.refusal(
            f"no valid YAML ({' '.join(problem.split())})", "YAML in UTF-8", f"correct the syntax{_line(error)}"
        ) from None
    except RecursionError:
        raise reader.too_deep() from None
    if not isinstance(node, MappingNode):
        kind = {SequenceNode: "a list", ScalarNode: "one value", type(None): "an empty file"}[type(node)]
        raise reader.refusal(kind, "a mapping of keys to values", "start the file with `key: value`")
    body = reader.value(node, ())
    return body, reader.lines


class _Reader:
    """Makes values of the nodes of one file and remembers their lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Loc, int] = {}
        self._seen: set[int] = set()

    def refusal(self, found: str, allowed: str, mend: str) -> InputError:
        return InputError(Problem(found, allowed, mend, file=self.path))

    def too_deep(self) -> InputError:
        return self.refusal(
            f"more than {_DEEPEST} lists and mappings within one another", f"{_DEEPEST} at most", "correct the brackets"
        )

    def value(self, node: Node, loc: Loc) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(loc, line)
        self._once(node, loc)
        if len(loc) > _DEEPEST:
            raise self.too_deep()
        tag = str(node.tag)
        if isinstance(node, MappingNode) and tag == f"{_TAG}map":
            return self._mapping(node, loc)
        if isinstance(node, SequenceNode) and tag == f"{_TAG}seq":
            return [self.value(item, (*loc, at)) for at, item in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node, tag.removeprefix(_TAG), loc, line)
        raise self._tagged(tag, loc, line)

    def _once(self, node: Node, loc: Loc) -> None:
        """Refuse a node that stands elsewhere too: the parser hands out the same one for every alias."""
        if id(node) in self._seen:
            line = node.start_mark.line + 1
            raise self.refusal(
                f"an alias (*name) of line {line} under {dotted(loc)}",
                "values written out",
                "write the value where it belongs",
            )
        self._seen.add(id(node))

    def _tagged(self, tag: str, loc: Loc, line: int) -> InputError:
        return self.refusal(
            f"the tag {tag} under {dotted(loc)} in line {line}", "values without tags", "remove the tag"
        )

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                raise self.refusal(f"a list or mapping as a key in line {line}", "text as key", "put the key in quotes")
            self._once(key, loc)
            name = self._text(key.value, (*loc, key.value), line)
            if name in found:
                first = self.lines[(*loc, name)]
                raise self.refusal(
                    f"key {dotted((*loc, name))} twice, in lines {first} and {line}", "each key once", "remove one"
                )
            self.lines[(*loc, name)] = line
            found[name] = self.value(item, (*loc, name))
        return found

    def _scalar(self, node: ScalarNode, tag: str, loc: Loc, line: int) -> Any:
        text = node.value
        if tag in ("str", "timestamp", "value", "merge"):
            return self._text(text, loc, line)
        if tag == "null":
            return None
        if tag == "bool":
            return text.casefold() in ("true", "yes", "on", "y")
        if tag == "int" and _INTEGER.fullmatch(text):
            return int(text)
        if tag == "float" and _FLOAT.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        if tag not in ("int", "float"):
            raise self._tagged(tag, loc, line)
        raise self.refusal(
            f"{dotted(loc)} = {text[:60]} in line {line}",
            "a finite number in decimal notation, without leading zeros and underscores",
            "write it so, or put it in quotes if it is a name or a code",
        )

    def _text(self, text: str, loc: Loc, line: int) -> str:
        if (character := unfit_character(text)) is not None:
            raise self.refusal(
                f"the character U+{ord(character):04X} in {dotted(loc)!r} in line {line}",
                "text without control characters",
                "remove it",
            )
        return text


def unfit_character(text: str) -> str | None:
    """Return the first character that no value may hold, None where there is none."""
    return next(
        (c for c in text if c not in "\n\t" and (unicodedata.category(c) in ("Cc", "Cs") or c in "\ufffe\uffff")), None
    )


def dotted(loc: Loc) -> str:
    """Return a key as messages write it."""
    return ".".join(map(str, loc)) or "the file"


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" at line {mark.line + 1}" if mark is not None else ""


def yaml_scalar(text: str) -> str:
    """Return text as a YAML scalar in quotes and in one line, which reads back as the same text."""
    yaml = YAML(pure=True)
    yaml.width = 10**9
    yaml.allow_unicode = True
    stream = io.StringIO()
    yaml.dump(DoubleQuotedScalarString(text), stream)
    return stream.getvalue().removesuffix("...\n").strip("\n")


def leaves(body: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as one of dotted keys; a list, or an empty mapping, is a value."""
    flat: dict[str, Any] = {}
    for key, value in body.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat |= leaves(value, path + ".")
        else:
            flat[path] = value
    return flat
