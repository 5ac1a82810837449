"""A nomogram in numbers and words, for a program that draws and computes without knowing the model's code."""

from __future__ import annotations

import math
from typing import Any

from scipy.stats import norm

from vcfstats.contracts.nomogram import NomogramFile, Predictor
from vcfstats.statistics.nomogram import Axis, Variable


def nomogram_data(content: NomogramFile) -> dict[str, Any]:
    """Return the numbers of the model, the words of its predictors, and the ticks of every axis in points.

    Raises
    ------
    ValueError
        There is no nomogram in it.
    """
    model = content.model_of()
    names = [variable.name for variable in model.variables]
    words = {name: content.predictors.get(name, Predictor()) for name in names}
    groups: dict[int, list[int]] = {}
    for axis in model.axes:
        members = [names.index(axis.variable), *(names.index(name) for name in axis.settings)]
        groups[axis.group] = list(dict.fromkeys([*groups.get(axis.group, []), *members]))
    labels = {name: words[name].label or name for name in names}
    risks = model.risk_axis()
    return {
        "outcome": content.outcome,
        "link": model.link,
        "baseline": model.baseline_survival,
        "intercept": model.intercept,
        "lpAtZero": model.lp_at_zero,
        "lpRange": list(model.lp_range),
        "pointsPerUnit": model.points_per_unit,
        "maxPoints": model.maxscale,
        "level": content.confidence_level,
        "z": float(norm.ppf((1 + content.confidence_level) / 2)),
        "covariance": None if model.covariance is None else model.covariance.tolist(),
        "terms": [
            {
                "coef": term.coef,
                "factors": [
                    {
                        "variable": names.index(factor.variable),
                        "function": factor.function,
                        "level": factor.level,
                        "numbers": list(factor.numbers),
                    }
                    for factor in term.factors
                ],
            }
            for term in model.terms
        ],
        "variables": [_variable(variable, words[variable.name]) for variable in model.variables],
        "groups": [
            {
                "label": " and ".join(labels[names[i]] for i in groups[number]),
                "members": groups[number],
                "low": float(model.group_lows[number]),
            }
            for number in sorted(groups)
        ],
        "axes": [_axis(axis, names, labels, words) for axis in model.axes],
        "totalTicks": [{"label": f"{tick:g}", "at": float(tick)} for tick in model.total_points_ticks],
        "riskTicks": [
            {"label": f"{risk:g}", "at": total}
            for risk, total in zip(risks["risk"].tolist(), risks["total_points"].tolist(), strict=True)
        ],
    }


def _variable(variable: Variable, words: Predictor) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": variable.name,
        "label": words.label or variable.name,
        "unit": words.unit,
        "help": words.help,
    }
    if variable.levels is not None or (variable.values is not None and words.levels):
        given = (
            variable.levels if variable.levels is not None else tuple(f"{value:g}" for value in variable.values or ())
        )
        # The order of the words, reference level first, is what a reader expects; levels without a word keep theirs.
        order = sorted(given, key=lambda level: list(words.levels).index(level) if level in words.levels else math.inf)
        body["levels"] = [
            {"value": level if variable.levels is not None else float(level), "label": words.levels.get(level, level)}
            for level in order
        ]
        return body
    step = 10.0 ** math.floor(math.log10((variable.high - variable.low) / 20))
    ends = (math.floor(variable.low / step) * step, math.ceil(variable.high / step) * step)
    lowest = -math.inf if words.lowest is None else words.lowest
    highest = math.inf if words.highest is None else words.highest
    return body | {
        "low": variable.low,
        "high": variable.high,
        "min": max(_rounded(ends[0], step), lowest),
        "max": min(_rounded(ends[1], step), highest),
        "step": step,
        "lowest": words.lowest,
        "highest": words.highest,
    }


def _rounded(value: float, step: float) -> float:
    return round(value, max(0, -math.floor(math.log10(step))))


def _axis(axis: Axis, names: list[str], labels: dict[str, str], words: dict[str, Predictor]) -> dict[str, Any]:
    settings = [
        f"{labels[name]} {words[name].levels.get(_level(value), _level(value))}"
        for name, value in axis.settings.items()
    ]
    label = labels[axis.variable] + (f" ({', '.join(settings)})" if settings else "")
    unit = words[axis.variable].unit
    return {
        "label": f"{label}, {unit}" if unit else label,
        "variable": names.index(axis.variable),
        "group": axis.group,
        "settings": [
            {"variable": names.index(name), "value": value if isinstance(value, str) else float(value)}
            for name, value in axis.settings.items()
        ],
        "ticks": [
            {"label": words[axis.variable].levels.get(_level(tick), _level(tick)), "at": float(points)}
            for tick, points in zip(axis.ticks, axis.points, strict=True)
        ],
        "named": any(isinstance(tick, str) for tick in axis.ticks) or bool(words[axis.variable].levels),
    }


def _level(value: Any) -> str:
    return value if isinstance(value, str) else f"{float(value):g}"
