"""Numbers and JSON of files that somebody may have rewritten: finite, of the right length, or refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn


def strict_json(text: str) -> Any:
    """Return the content of a JSON text in which every number is finite.

    Raises
    ------
    ValueError
        No JSON, nested too deep, or a number that is infinite or none.
    """
    try:
        content = json.loads(text, parse_constant=_not_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("JSON nested deeper than can be read") from None
    return content


def _not_finite(word: str) -> NoReturn:
    raise ValueError(f"{word} where a number stands")


def _finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{word}, a number that is too large")
    return value


def finite_numbers(values: Iterable[Any], what: str, *, above: float | None = None) -> None:
    """Check that values are finite numbers, all above a limit where one is given.

    Raises
    ------
    ValueError
        Naming what they are of, and the first that is not.
    """
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{what} {value!r} where a finite number stands")
        if above is not None and value <= above:
            raise ValueError(f"{what} {value!r} where a number above {above:g} stands")
