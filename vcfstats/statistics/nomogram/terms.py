"""An additive model in parts: variables with their ranges, and coefficients times products of simple functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logit

from vcfstats.statistics.calibration.splines import spline_basis
from vcfstats.statistics.inputs import FloatArray, as_numbers, refuse_huge, refuse_times

FUNCTIONS = ("linear", "level", "spline", "power", "log", "sqrt", "logit")
FEW_VALUES = 10  # a number with at most this many distinct values has its ticks at them


@dataclass(frozen=True)
class Variable:
    """A predictor and what the training data said of it.

    Attributes
    ----------
    name : str
        Column name.
    levels : tuple of str or None
        Levels of a category, in order; None for a number.
    low, high : float
        Smallest and largest value (NaN for a category).
    values : tuple of float or None
        All distinct values of a number that has at most ten.
    """

    name: str
    levels: tuple[str, ...] | None
    low: float
    high: float
    values: tuple[float, ...] | None

    @property
    def is_discrete(self) -> bool:
        """Whether its values can be listed."""
        return self.levels is not None or self.values is not None


@dataclass(frozen=True)
class Factor:
    """A function of one variable: x, [x = level], a spline term, x^k, log(x + shift), sqrt(x + shift) or logit(x).

    Attributes
    ----------
    variable : str
        Its name.
    function : str
        "linear", "level", "spline", "power", "log", "sqrt" or "logit".
    level : str or None
        For "level".
    numbers : tuple of float
        "spline": index of the nonlinear term (1 first), then the knots; "power": exponent; "log", "sqrt": shift;
        "logit": how far x, a probability, is kept from 0 and 1 (0: not at all).
    """

    variable: str
    function: str
    level: str | None = None
    numbers: tuple[float, ...] = ()

    def __call__(self, values: Any) -> FloatArray:
        """Return the function of the values, shape (n,)."""
        if self.function == "level":
            return np.array([level_name(v) == self.level for v in values], dtype=np.float64)
        x = np.asarray(values, dtype=np.float64)
        if self.function == "spline":
            return np.asarray(spline_basis(x, np.array(self.numbers[1:]))[:, int(self.numbers[0])])
        if self.function == "power":
            return np.asarray(x ** self.numbers[0])
        if self.function == "log":
            return np.asarray(np.log(x + self.numbers[0]))
        if self.function == "sqrt":
            return np.asarray(np.sqrt(x + self.numbers[0]))
        if self.function == "logit":
            return np.asarray(logit(np.clip(x, self.numbers[0], 1 - self.numbers[0])))
        return x


@dataclass(frozen=True)
class Term:
    """A coefficient times the product of its factors.

    Attributes
    ----------
    coef : float
        Units of the linear predictor.
    factors : tuple of Factor
        One for a main effect, several for an interaction.
    """

    coef: float
    factors: tuple[Factor, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables it needs, each once."""
        return tuple(dict.fromkeys(factor.variable for factor in self.factors))

    def column(self, data: Mapping[str, Any]) -> FloatArray:
        """Return the product of the factors, shape (n,): the term's column of the design matrix."""
        return np.asarray(np.prod([factor(data[factor.variable]) for factor in self.factors], axis=0))


def level_name(value: Any) -> str:
    """Return a level as text: whole numbers without a point, so that 2, 2.0 and "2" are one level."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, int | float | np.integer | np.floating):
        return f"{value:.12g}"
    return str(value)


def describe(name: str, column: Any, categorical: bool) -> Variable:
    """Return the Variable of a column of training data.

    Raises
    ------
    ValueError
        Missing or infinite values, words in a variable that the model uses as a number, or a constant.
    """
    import pandas as pd

    series = pd.Series(column)
    if series.isna().any():
        raise ValueError(
            f"{name!r} has {int(series.isna().sum())} missing value(s) in the training data; drop them first."
        )
    if categorical:
        refuse_times(np.asarray(series), repr(name))
        order = series.cat.categories if isinstance(series.dtype, pd.CategoricalDtype) else sorted(series.unique())
        return Variable(name, tuple(dict.fromkeys(level_name(v) for v in order)), float("nan"), float("nan"), None)
    if series.dtype == object or isinstance(series.dtype, pd.CategoricalDtype | pd.StringDtype):
        words = [value for value in series if isinstance(value, str)]
        if words:
            raise ValueError(
                f"{name!r} holds text ({words[0]!r}) but the model uses it as a number; its levels need coefficients such as"
                f' "{name}=LEVEL".'
            )
    x = as_numbers(series, repr(name))
    refuse_huge(x, repr(name))
    distinct = np.unique(x)
    if not np.isfinite(distinct).all() or len(distinct) < 2:
        raise ValueError(
            f"{name!r} must hold at least two distinct finite values in the training data to have an axis."
        )
    few = tuple(distinct.tolist()) if len(distinct) <= FEW_VALUES else None
    return Variable(name, None, float(distinct[0]), float(distinct[-1]), few)


def clusters(order: Sequence[str], terms: Sequence[Term]) -> list[list[str]]:
    """Return the variables in groups that interactions tie together, in the order given."""
    group = {name: {name} for name in order}
    for term in terms:
        joined = set().union(*(group[name] for name in term.variables))
        for name in joined:
            group[name] = joined
    done: set[str] = set()
    result = []
    for name in order:
        if name not in done:
            result.append([other for other in order if other in group[name]])
            done |= group[name]
    return result
