"""A nomogram as JSON text, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from vcfstats.statistics.inputs import check_choice
from vcfstats.statistics.nomogram.build import LINKS, as_tuples
from vcfstats.statistics.nomogram.terms import FUNCTIONS, Factor, Term, Variable

if TYPE_CHECKING:
    from vcfstats.statistics.nomogram.model import Nomogram

FORMAT = "vcfstats-nomogram-1"


def dumps(nomogram: Nomogram) -> str:
    """Return the nomogram as JSON text; floats keep every bit."""
    content = {
        "format": FORMAT,
        "intercept": nomogram.intercept,
        "variables": [{**asdict(v), "low": _finite(v.low), "high": _finite(v.high)} for v in nomogram.variables],
        "terms": [asdict(term) for term in nomogram.terms],
        "lp_range": list(nomogram.lp_range),
        "maxscale": nomogram.maxscale,
        "link": nomogram.link,
        "baseline_survival": nomogram.baseline_survival,
        "covariance": None if nomogram.covariance is None else nomogram.covariance.tolist(),
        "interact": nomogram.interact,
        "ticks": nomogram.ticks,
    }
    return json.dumps(content, indent=1, allow_nan=False)


def loads(text: str) -> dict[str, Any]:
    """Return the fields of the nomogram that `dumps` wrote.

    Raises
    ------
    ValueError
        Text that is no JSON, of another format, without a field, or with a function that is not known.
    """
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"This is no nomogram of format {FORMAT!r}.")
    try:
        covariance = content["covariance"]
        return {
            "intercept": float(content["intercept"]),
            "variables": tuple(_variable(v) for v in content["variables"]),
            "terms": tuple(_term(t) for t in content["terms"]),
            "lp_range": (float(content["lp_range"][0]), float(content["lp_range"][1])),
            "maxscale": float(content["maxscale"]),
            "link": check_choice(content["link"], LINKS, name="link"),
            "baseline_survival": content["baseline_survival"],
            "covariance": None if covariance is None else np.array(covariance, dtype=np.float64),
            "interact": as_tuples(content["interact"]),
            "ticks": as_tuples(content["ticks"]),
        }
    except KeyError as error:
        raise ValueError(f"The nomogram lacks the field {error}.") from None


def _variable(content: Mapping[str, Any]) -> Variable:
    low, high = (float("nan") if content[end] is None else float(content[end]) for end in ("low", "high"))
    levels, values = (None if content[key] is None else tuple(content[key]) for key in ("levels", "values"))
    return Variable(content["name"], levels, low, high, values)


def _term(content: Mapping[str, Any]) -> Term:
    factors = []
    for factor in content["factors"]:
        check_choice(factor["function"], FUNCTIONS, name="function")
        numbers = tuple(float(number) for number in factor["numbers"])
        factors.append(Factor(factor["variable"], factor["function"], factor["level"], numbers))
    return Term(float(content["coef"]), tuple(factors))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
