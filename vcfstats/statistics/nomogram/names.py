"""Coefficient names of rms, patsy and plain tables, read as terms."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from vcfstats.statistics.inputs import as_numbers
from vcfstats.statistics.nomogram.terms import Factor

_LEVEL = re.compile(
    r"^(?:C\((?P<wrapped>[^,()]+)[^()]*(?:\([^()]*\))?[^()]*\)|(?P<bare>[^=\[\]]+))(?:\[T\.(?P<t>.+)\]|=(?P<e>.+))$"
)
_CALL = re.compile(
    r"^(?:np\.|numpy\.)?(?P<f>log|log1p|sqrt)\(\s*(?P<name>.+?)\s*(?:\+\s*(?P<shift>[0-9.eE+-]+)\s*)?\)$"
)
_LOGIT = re.compile(r"^logit\(\s*(?P<name>.+?)\s*(?:,\s*(?P<clip>[0-9.eE+-]+)\s*)?\)$")
_POWER = re.compile(r"^(?:I\(\s*(?P<i>.+?)\s*\*\*\s*(?P<ik>[0-9.]+)\s*\)|(?P<n>.+?)\^(?P<nk>[0-9.]+))$")


def read_name(name: str, columns: Collection[str], knots: Mapping[str, Sequence[float]]) -> tuple[Factor, ...]:
    """Return the factors of one coefficient.

    Understood: ``age``; ``stage=II``, ``stage[T.II]``, ``C(stage)[T.II]``; ``age'``, ``age''`` (spline terms, with
    `knots`); ``age^2``, ``I(age ** 2)``; ``log(x)``, ``np.log(x + 1)``, ``np.log1p(x)``, ``sqrt(x)``; ``logit(p)``, ``logit(p, 0.001)`` (p kept 0.001 from 0 and 1);
    and interactions of these with ``*`` or ``:``.

    Raises
    ------
    ValueError
        A name that is none of these, or names a variable that the data do not hold.
    """
    if name in columns:
        return (Factor(name, "linear"),)
    parts = _split(name)
    return tuple(_read_factor(part, name, columns, knots) for part in parts)


def _read_factor(part: str, name: str, columns: Collection[str], knots: Mapping[str, Sequence[float]]) -> Factor:
    if part in columns:
        return Factor(part, "linear")
    if match := _LEVEL.match(part):
        variable = (match["wrapped"] or match["bare"]).strip()
        if variable in columns:
            return Factor(variable, "level", level=match["t"] or match["e"])
    stem = part.rstrip("'")
    primes = len(part) - len(stem)
    if primes and stem in columns:
        if stem not in knots:
            raise ValueError(f"Coefficient {name!r} is a spline term of {stem!r}; pass knots={{{stem!r}: [...]}}.")
        placed = as_numbers(knots[stem], f"knots[{stem!r}]", booleans=False)
        if placed.ndim != 1 or placed.size < 3 or not np.isfinite(placed).all() or (np.diff(placed) <= 0).any():
            raise ValueError(f"knots[{stem!r}] must be at least three finite rising numbers; got {knots[stem]!r}.")
        if primes > placed.size - 2:
            raise ValueError(f"Coefficient {name!r} needs more than the {placed.size} knots given for {stem!r}.")
        return Factor(stem, "spline", numbers=(float(primes), *placed.tolist()))
    if match := _CALL.match(part):
        shift = float(match["shift"] or 0) + (1.0 if match["f"] == "log1p" else 0.0)
        if match["name"] in columns:
            return Factor(match["name"], "sqrt" if match["f"] == "sqrt" else "log", numbers=(shift,))
    if (match := _LOGIT.match(part)) and match["name"] in columns:
        clip = float(match["clip"] or 0)
        if not 0 <= clip < 0.5:
            raise ValueError(
                f"Coefficient {name!r} keeps a probability {clip:g} from 0 and 1; allowed: from 0 to below 0.5."
            )
        return Factor(match["name"], "logit", numbers=(clip,))
    if match := _POWER.match(part):
        variable, exponent = match["i"] or match["n"], match["ik"] or match["nk"]
        if variable in columns:
            return Factor(variable, "power", numbers=(float(exponent),))
    raise ValueError(
        f"Coefficient {name!r} cannot be read. Allowed: a column of the data ({', '.join(list(columns)[:8])}), 'x=LEVEL',"
        " 'x[T.LEVEL]', \"x'\" with knots=, 'x^2', 'log(x + 1)', 'sqrt(x)', 'logit(p, 0.001)', and products of these with '*' or ':'."
    )


def _split(name: str) -> list[str]:
    """Split an interaction at ``*`` or ``:`` outside brackets; ``**`` is a power."""
    parts, depth, current = [], 0, ""
    for position, character in enumerate(name):
        depth += (character in "([") - (character in ")]")
        power = character == "*" and "**" in name[max(0, position - 1) : position + 2]
        if depth == 0 and character in "*:" and not power:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    return [*parts, current.strip()]
