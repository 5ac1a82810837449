"""What every statistic returns: a frozen dataclass that turns into a frame and prints as a short table."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


class ConfidenceInterval(NamedTuple):
    """A confidence interval.

    Attributes
    ----------
    low, high : float
        Limits of the interval, in the unit of the estimate. NaN where the method has no answer.

    Examples
    --------
    >>> from vcfstats import ConfidenceInterval
    >>> low, high = ConfidenceInterval(0.70, 0.89)
    >>> low
    0.7
    """

    low: float
    high: float


class Result:
    """Base of all results. Subclasses are ``@dataclass(frozen=True, repr=False, eq=False)``.

    A result of scalars is one row of a frame; a result whose body is a table overrides `to_frame`.
    """

    def to_frame(self) -> pd.DataFrame:
        """Return the scalar fields as a frame of one row."""
        import pandas as pd  # loaded on use: importing a statistic must not cost pandas

        return pd.DataFrame(
            [{name: value for name, value in self._fields() if is_scalar(value) and not name.startswith("_")}]
        )

    def _fields(self) -> list[tuple[str, Any]]:
        return [(f.name, getattr(self, f.name)) for f in fields(self)]  # type: ignore[arg-type]

    def __repr__(self) -> str:
        """One field a line; arrays and frames by their shape, so that a result of a million patients stays readable."""
        lines = [f"{name}: {_short(value)}" for name, value in self._fields() if not name.startswith("_")]
        return "\n  ".join([type(self).__name__, *lines])


def is_scalar(value: Any) -> bool:
    """Say whether a field is a number, a word or a truth value."""
    return isinstance(value, str | bool | int | float | np.generic) or value is None


def _short(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, ConfidenceInterval):
        return f"({value.low:.6g}, {value.high:.6g})"
    shape = getattr(value, "shape", None)
    if shape:
        return f"<{type(value).__name__} of shape {tuple(shape)}>"
    return str(value)
