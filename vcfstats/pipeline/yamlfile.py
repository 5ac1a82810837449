"""Reading YAML as people mean it: YAML 1.2, a key twice is an error, messages name file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from vcfstats.contracts.errors import InputError, Problem


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    InputError
        Missing, unreadable, a key twice, or no mapping.
    """
    try:
        body = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            Problem(
                "no such file",
                "a study's directory, with params.yaml",
                "change to the study's directory, or make one with `vcfstats new`",
                file=path,
            )
        ) from None
    except DuplicateKeyError as error:
        raise InputError(
            Problem(" ".join(str(error.problem).split()), "each key once", f"remove one{_line(error)}", file=path)
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        problem = getattr(error, "problem", None) or str(error)
        raise InputError(
            Problem(f"no valid YAML ({problem})", "YAML in UTF-8", f"correct the syntax{_line(error)}", file=path)
        ) from None
    if not isinstance(body, dict):
        raise InputError(
            Problem(
                f"{type(body).__name__}", "a mapping of keys to values", "start the file with `key: value`", file=path
            )
        )
    return body


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" at line {mark.line + 1}" if mark is not None else ""


def leaves(body: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as one of dotted keys; a list, or an empty mapping, is a value."""
    flat: dict[str, Any] = {}
    for key, value in body.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat |= leaves(value, path + ".")
        else:
            flat[path] = value
    return flat
