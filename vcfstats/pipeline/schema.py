"""A part of a YAML file against its schema: every type as it is written, everything that is wrong told in words."""

from __future__ import annotations

import copy
import difflib
import json
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.yamlfile import Loc, dotted

M = TypeVar("M", bound=BaseModel)
# What pydantic calls an error -> what is allowed, in words.
_ALLOWED: dict[str, Callable[[dict[str, Any]], str]] = {
    "string_type": lambda given: "text",
    "int_type": lambda given: "a whole number",
    "int_from_float": lambda given: "a whole number",
    "float_type": lambda given: "a number",
    "bool_type": lambda given: "true or false",
    "none_required": lambda given: "null",
    "finite_number": lambda given: "a finite number",
    "literal_error": lambda given: f"one of {given['expected']}",
    "greater_than": lambda given: f"more than {given['gt']:g}",
    "greater_than_equal": lambda given: f"{given['ge']:g} or more",
    "less_than": lambda given: f"less than {given['lt']:g}",
    "less_than_equal": lambda given: f"{given['le']:g} or less",
    "too_short": lambda given: f"at least {given['min_length']} entries",
    "too_long": lambda given: f"at most {given['max_length']} entries",
    "string_too_short": lambda given: "text that is not empty",
    "string_pattern_mismatch": lambda given: f"text of the form {given['pattern']}",
    "tuple_type": lambda given: "a list, such as [a, b]",
    "dict_type": lambda given: "a mapping of keys to values",
    "model_type": lambda given: "a mapping of keys to values",
}
_LONGEST = 80  # characters of a value in a message


def checked(
    model: type[M], body: Any, path: Path, *, prefix: Loc = (), lines: Callable[[], Mapping[Loc, int]] | None = None
) -> M:
    """Return the part of a file that a schema describes.

    A value has the type that it is written with: no text is taken for a number, no true for 1.

    Parameters
    ----------
    model : type
        The schema.
    body : dict
        As `read_yaml` gives it.
    path : Path
        The file, for messages.
    prefix : tuple
        Where in the file this part stands.
    lines : callable, optional
        Returns the line of each key of the file; called where something is wrong.

    Raises
    ------
    InputError
        Every unknown key, wrong type and impossible value at once.
    """
    found = _validated(model, body)
    if isinstance(found, ValidationError) and (whole := _whole_numbers(body, found)) is not None:
        found = _validated(model, whole)
    if not isinstance(found, ValidationError):
        return found
    places: dict[Loc, list[Any]] = {}
    for item in found.errors():
        places.setdefault(_place(body, item), []).append(item)
    where = lines() if lines else {}
    raise InputError([_problem(place, items, model, path, prefix, where) for place, items in places.items()])


def _validated(model: type[M], body: Any) -> M | ValidationError:
    try:
        # From JSON, since only there strict types go with lists for tuples; a number or text of YAML stays what it is.
        return model.model_validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        return error


def _whole_numbers(body: Any, error: ValidationError) -> Any | None:
    """Return the body with 5 for 5.0 wherever a whole number belongs, None where nothing is written so."""
    places = [
        _place(body, item)
        for item in error.errors()
        if item["type"] in ("int_type", "int_from_float")
        and isinstance(item["input"], float)
        and item["input"].is_integer()
    ]
    if not places:
        return None
    changed = copy.deepcopy(body)
    for *parents, last in places:
        part = changed
        for name in parents:
            part = part[name]
        part[last] = int(part[last])
    return changed


def _place(body: Any, item: Any) -> Loc:
    """Return where in the body an error stands; the rest of pydantic's path names members of unions."""
    place: list[str | int] = []
    for part in item["loc"]:
        within = isinstance(body, Mapping) and part in body
        if not within and not (isinstance(body, list) and isinstance(part, int) and part < len(body)):
            if item["type"] == "missing":
                place.append(part)
            break
        body = body[part]
        place.append(part)
    return tuple(place)


def _problem(
    place: Loc, items: list[Any], model: type[BaseModel], path: Path, prefix: Loc, lines: Mapping[Loc, int]
) -> Problem:
    loc = (*prefix, *place)
    key = dotted(loc)
    line = f" in line {lines[loc]}" if loc in lines else ""
    types = {item["type"] for item in items}
    if types == {"extra_forbidden"}:
        return Problem(f"unknown key {key}{line}", _known(place, model), "correct its spelling or remove it", file=path)
    if types == {"missing"}:
        return Problem(f"no key {key}", "a value for it", "add the key", file=path)
    value = items[0]["input"]
    own = types == {"value_error"} and isinstance(value, Mapping)
    found = f"{key}{line}" if own else f"{key} = {_written(value)}{line}"
    allowed = " or ".join(dict.fromkeys(map(_allowed, items)))
    mend = "change the value"
    if isinstance(value, str) and types & {"int_type", "float_type", "bool_type"}:
        mend = "write it without quotes, if it is one"
    elif types == {"string_type"} and isinstance(value, bool | int | float):
        mend = f'put it in quotes: "{_written(value)}"'
    return Problem(found, allowed, mend, file=path)


def _known(place: Loc, model: type[BaseModel]) -> str:
    """Say which keys there are where an unknown one stands: the nearest, or all where they are few."""
    inner: Any = model
    for part in place[:-1]:
        fields = inner.model_fields if isinstance(inner, type) and issubclass(inner, BaseModel) else {}
        inner = next(_models(fields[part].annotation), None) if part in fields else None
    if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
        return "the keys of the schema"
    keys = [field.alias or name for name, field in inner.model_fields.items()]
    if near := difflib.get_close_matches(str(place[-1]), keys, n=1):
        return f"the keys of the schema, of which {near[0]} is nearest"
    return f"of {', '.join(keys)}" if len(keys) <= 12 else "the keys of the schema"


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models(part)


def _allowed(item: Any) -> str:
    words = _ALLOWED.get(item["type"])
    return words(item.get("ctx", {})) if words else str(item["msg"]).removeprefix("Value error, ")


def _written(value: Any) -> str:
    """Return a value much as YAML writes it."""
    plain = "null" if value is None else json.dumps(value, ensure_ascii=False)
    text = repr(value) if isinstance(value, str) else plain
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
