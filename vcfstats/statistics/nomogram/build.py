"""Coefficients and training data, checked and read as the parts of a nomogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import (
    FloatArray,
    as_array,
    as_finite,
    as_list,
    as_numbers,
    as_positive,
    as_share,
    check_choice,
)
from vcfstats.statistics.nomogram.names import read_name
from vcfstats.statistics.nomogram.terms import Term, Variable, describe

if TYPE_CHECKING:
    import pandas as pd

LINKS = ("logit", "survival", "identity")
_INTERCEPTS = ("Intercept", "(Intercept)", "const", "intercept")


def read_model(
    coefficients: Mapping[str, float],
    frame: pd.DataFrame,
    *,
    intercept: float | None,
    knots: Mapping[str, Sequence[float]],
    covariance: npt.ArrayLike | None,
    maxscale: float,
    link: str,
    baseline_survival: float | None,
) -> dict[str, Any]:
    """Return the fields of a Nomogram that the coefficients and the data give; errors as `from_coefficients`."""
    check_choice(link, LINKS, name="link")
    if (link == "survival") != (baseline_survival is not None):
        raise ValueError('link="survival" and baseline_survival go together.')
    if baseline_survival is not None:
        baseline_survival = as_share(baseline_survival, "baseline_survival")
    maxscale = as_positive(maxscale, "maxscale", example="100 points")
    if not hasattr(coefficients, "items"):
        raise ValueError(f"coefficients must map names to numbers; got {type(coefficients).__name__}.")
    values = {str(name): as_finite(value, f"coefficients[{name!r}]") for name, value in coefficients.items()}
    strange = [name for name in mapping_of(knots, "knots") if name not in frame.columns]
    if strange:
        raise ValueError(f"knots names {strange}, not among the columns {list(frame.columns)}.")
    constants = [name for name in values if name in _INTERCEPTS and name not in frame.columns]
    if len(constants) + (intercept is not None) > 1:
        raise ValueError(f"The intercept was given more than once: {constants} and intercept={intercept!r}.")
    columns = [str(name) for name in frame.columns]
    terms = tuple(
        Term(value, read_name(name, columns, knots)) for name, value in values.items() if name not in constants
    )
    if not terms:
        raise ValueError("coefficients holds no predictor.")
    return {
        "intercept": (
            values[constants[0]] if constants else 0.0 if intercept is None else as_finite(intercept, "intercept")
        ),
        "variables": _variables(terms, frame),
        "terms": terms,
        "maxscale": float(maxscale),
        "link": link,
        "baseline_survival": baseline_survival,
        "covariance": None if covariance is None else _aligned(covariance, list(values), constants),
    }


def as_frame(data: Any) -> pd.DataFrame:
    """Return a DataFrame from one, or from a mapping of names to values (numbers are one patient)."""
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        if data.columns.has_duplicates:
            raise ValueError(f"data repeats the columns {list(data.columns[data.columns.duplicated()])}; rename them.")
        return data
    if isinstance(data, Mapping):
        columns = {name: np.atleast_1d(as_array(values, f"data[{name!r}]")) for name, values in data.items()}
        if len({column.shape for column in columns.values()}) > 1 or any(c.ndim > 1 for c in columns.values()):
            raise ValueError(
                f"data must give each variable as many values; got { {name: c.shape for name, c in columns.items()} }."
            )
        return pd.DataFrame(columns)
    raise ValueError(f"data must be a DataFrame or a mapping of names to values; got {type(data).__name__}.")


def as_values(
    given: Mapping[str, Sequence[Any]] | None, argument: str, variables: Sequence[str]
) -> dict[str, tuple[Any, ...]] | None:
    """Return the values at which to draw axes of variables of the model."""
    if given is None:
        return None
    listed = mapping_of(given, argument)
    strange = [name for name in listed if name not in variables]
    if strange:
        raise ValueError(f"{argument} names {strange}, which the model does not use; it uses {list(variables)}.")
    values = {name: as_list(each, f"{argument}[{name!r}]", what="values of it") for name, each in listed.items()}
    empty = [name for name, each in values.items() if not each]
    if empty:
        raise ValueError(f"{argument} gives no value of {empty}.")
    return as_tuples(values)


def mapping_of(given: Any, argument: str) -> dict[str, Any]:
    """Return a mapping as a dictionary, empty where none is given, or raise ValueError."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ValueError(f"{argument} must map names of variables to values; got {given!r}.")
    return dict(given)


def as_tuples(given: Mapping[str, Sequence[Any]] | None) -> dict[str, tuple[Any, ...]] | None:
    """Return the values as tuples of plain Python objects."""
    if given is None:
        return None
    return {name: tuple(v.item() if hasattr(v, "item") else v for v in values) for name, values in given.items()}


def _variables(terms: Sequence[Term], frame: pd.DataFrame) -> tuple[Variable, ...]:
    used = dict.fromkeys(name for term in terms for name in term.variables)
    named: dict[str, set[str]] = {}
    for factor in (factor for term in terms for factor in term.factors):
        if factor.level is not None:
            named.setdefault(factor.variable, set()).add(factor.level)
    variables = tuple(describe(name, frame[name], name in named) for name in used)
    for variable in variables:
        unknown = sorted(named.get(variable.name, set()) - set(variable.levels or ()))
        if unknown:
            raise ValueError(
                f"{variable.name!r} has coefficients for {unknown}, but its levels are {list(variable.levels or ())}."
            )
    return variables


def _aligned(covariance: npt.ArrayLike, names: list[str], constants: list[str]) -> FloatArray:
    """Return the covariance with the intercept first, zero where it is not among the coefficients."""
    matrix = as_numbers(covariance, "covariance", booleans=False)
    for axis in ("index", "columns"):
        given = getattr(covariance, axis, None)
        labels = [] if given is None or callable(given) else [str(label) for label in given]
        if labels != names and sorted(labels) == sorted(names):
            raise ValueError(
                f"The {axis} of covariance names the coefficients in another order ({labels[:6]}) than they are given"
                f" ({names[:6]}); pass covariance.loc[names, names] in that order."
            )
    p = len(names)
    if matrix.shape != (p, p):
        raise ValueError(f"covariance must have shape ({p}, {p}), as the coefficients; got {matrix.shape}.")
    if not np.isfinite(matrix).all() or (np.diagonal(matrix) < 0).any():
        raise ValueError("covariance must be finite, its variances not negative.")
    slopes = [position for position, name in enumerate(names) if name not in constants]
    if constants:
        order = [names.index(constants[0]), *slopes]
        return np.asarray(matrix[np.ix_(order, order)])
    full = np.zeros((p + 1, p + 1))
    full[1:, 1:] = matrix
    return full
