"""The axes of a nomogram: tick values, effects and points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from vcfstats.statistics.inputs import FloatArray
from vcfstats.statistics.nomogram.pretty import pretty_ticks
from vcfstats.statistics.nomogram.terms import Term, Variable, clusters


@dataclass(frozen=True, eq=False)
class Axis:
    """One line of the nomogram.

    Attributes
    ----------
    name : str
        Variable, with the settings of its partners where it interacts: "age (sex=0)".
    variable : str
        The variable along the axis.
    settings : dict of str to value
        Values of the interacting variables; empty for a main effect.
    ticks : tuple
        Tick values: numbers, or levels.
    effect : ndarray of shape (t,)
        Linear predictor that the tick contributes, partners included.
    points : ndarray of shape (t,)
        (effect - smallest effect of the group) times points per unit.
    group : int
        Axes of one group share a zero; a patient uses one of them.
    """

    name: str
    variable: str
    settings: dict[str, Any]
    ticks: tuple[Any, ...]
    effect: FloatArray
    points: FloatArray
    group: int


def build_axes(
    variables: Mapping[str, Variable],
    terms: Sequence[Term],
    maxscale: float,
    interact: Mapping[str, Sequence[Any]] | None,
    ticks: Mapping[str, Sequence[Any]] | None,
) -> tuple[list[Axis], float, FloatArray]:
    """Return the axes, the points per unit of linear predictor, and the smallest effect of each group.

    Raises
    ------
    ValueError
        Interacting numbers without settings (`interact`), or effects that are all zero or not finite.
    """
    groups = clusters(list(variables), terms)
    if any(len(group) > 1 for group in groups):  # numbers first, so that they run along the axes
        order = sorted(variables, key=lambda name: (variables[name].is_discrete, name in (interact or {})))
        groups = clusters(order, terms)
    raw: list[tuple[int, str, dict[str, Any], tuple[Any, ...], FloatArray]] = []
    for number, group in enumerate(groups):
        own = [term for term in terms if set(term.variables) <= set(group)]
        main, partners = group[0], group[1:]
        values = _tick_values(variables[main], ticks)
        for combination in product(*reversed([_settings(variables[p], interact) for p in partners])):
            settings = dict(zip(partners, reversed(combination), strict=True))
            data = {main: values, **{name: [value] * len(values) for name, value in settings.items()}}
            effect = np.sum([term.coef * term.column(data) for term in own], axis=0) + np.zeros(len(values))
            raw.append((number, main, settings, values, effect))
    if not all(np.isfinite(effect).all() for *_, effect in raw):
        bad = next(main for _, main, _, _, effect in raw if not np.isfinite(effect).all())
        raise ValueError(
            f"The ticks of {bad!r} reach values where its effect is infinite; pass ticks={{{bad!r}: [...]}}."
        )
    lows = np.array([min(e.min() for n, *_, e in raw if n == number) for number in range(len(groups))])
    highs = np.array([max(e.max() for n, *_, e in raw if n == number) for number in range(len(groups))])
    widest = float((highs - lows).max())
    if widest == 0:
        raise ValueError("Every effect is zero; a nomogram needs one coefficient that is not.")
    scale = maxscale / widest
    axes = [
        Axis(_axis_name(main, settings), main, settings, values, effect, (effect - lows[number]) * scale, number)
        for number, main, settings, values, effect in raw
    ]
    return axes, scale, lows


def _tick_values(variable: Variable, ticks: Mapping[str, Sequence[Any]] | None) -> tuple[Any, ...]:
    if ticks is not None and variable.name in ticks:
        return tuple(ticks[variable.name])
    if variable.levels is not None:
        return variable.levels
    if variable.values is not None:
        return variable.values
    return tuple(pretty_ticks(variable.low, variable.high).tolist())


def _settings(variable: Variable, interact: Mapping[str, Sequence[Any]] | None) -> tuple[Any, ...]:
    if interact is not None and variable.name in interact:
        return tuple(interact[variable.name])
    values = variable.levels or variable.values
    if values is None:
        raise ValueError(
            f"{variable.name!r} interacts and has too many values to list; pass interact={{{variable.name!r}: [...]}}"
            " with the values at which to draw axes."
        )
    return tuple(values)


def _axis_name(main: str, settings: Mapping[str, Any]) -> str:
    if not settings:
        return main
    shown = (f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in settings.items())
    return f"{main} ({' '.join(shown)})"
