"""What the decision curves share: named predictions, thresholds, harms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import LARGEST, FloatArray, as_array, as_number, as_numbers, as_probabilities, as_share

RESERVED = ("all", "none")
DEFAULT_THRESHOLDS = np.arange(1, 100) / 100


def named_probabilities(y_prob: Any, n: int) -> dict[str, FloatArray]:
    """Return predictions by model name, from a vector, an (n, k) matrix, a DataFrame or a mapping.

    A vector is "model" (or its own `name`), the columns of a matrix are "model_1", "model_2" and so on.

    Raises
    ------
    ValueError
        Probabilities outside [0, 1], wrong shapes, repeated names, or a model called "all" or "none".
    """
    if isinstance(y_prob, Mapping):
        given = [(str(name), values) for name, values in y_prob.items()]
    elif hasattr(y_prob, "columns"):
        given = [(str(name), y_prob.iloc[:, position]) for position, name in enumerate(y_prob.columns)]
    else:
        values = as_array(y_prob, "y_prob")
        if values.ndim == 2:
            given = [(f"model_{column + 1}", values[:, column]) for column in range(values.shape[1])]
        else:
            name = getattr(y_prob, "name", None)
            given = [("model" if name is None else str(name), y_prob)]
    names = [name for name, _ in given]
    if not names:
        raise ValueError("y_prob holds no model; give at least one column of probabilities.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"y_prob holds the model name(s) {repeated} more than once; names must differ.")
    taken = sorted(set(names) & set(RESERVED))
    if taken:
        raise ValueError(f"A model may not be called {taken[0]!r}: that row is the strategy to treat {taken[0]}.")
    return {name: as_probabilities(values, n, name=f"y_prob[{name!r}]") for name, values in given}


def as_thresholds(thresholds: npt.ArrayLike | None) -> FloatArray:
    """Return the thresholds as given, shape (m,); 0.01, 0.02, ..., 0.99 by default.

    Raises
    ------
    ValueError
        None at all, NaN, or values outside [0, 1).
    """
    if thresholds is None:
        return DEFAULT_THRESHOLDS.copy()
    values = np.atleast_1d(as_numbers(thresholds, "thresholds", booleans=False))
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"thresholds must have shape (m,) with m >= 1; got shape {values.shape}.")
    outside = ~((values >= 0) & (values < 1))
    if outside.any():
        raise ValueError(
            f"thresholds are risks of at least 0 and below 1 (at 1 the odds are infinite); got {values[outside][0]:.6g}."
        )
    return values


def as_harms(harms: float | Mapping[str, float] | None, names: list[str]) -> dict[str, float]:
    """Return the harm of each model, in units of net benefit; one number serves all models.

    Raises
    ------
    ValueError
        Harm of a model that does not exist, negative or not finite.
    """
    if harms is None:
        return dict.fromkeys(names, 0.0)
    given = (
        {str(k): as_harm(v, f"harms[{k!r}]") for k, v in harms.items()}
        if isinstance(harms, Mapping)
        else dict.fromkeys(names, as_harm(harms, "harms"))
    )
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(f"harms names {unknown}, which y_prob does not hold; its models are {names}.")
    return {name: given.get(name, 0.0) for name in names}


def as_harm(harm: float, name: str) -> float:
    """Return the harm of obtaining a prediction, in units of net benefit, or raise ValueError."""
    value = as_number(harm, name)
    if not 0 <= value < LARGEST:
        raise ValueError(f"{name}: the harm of a model must be a finite number of at least 0; got {value!r}.")
    return value


def as_prevalence(prevalence: float | None) -> float | None:
    """Return the prevalence, or raise ValueError unless it lies strictly between 0 and 1."""
    if prevalence is None:
        return None
    return as_share(prevalence, "prevalence")
