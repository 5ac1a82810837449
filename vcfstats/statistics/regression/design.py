"""From a frame of predictors to the columns of a regression: treatment contrasts, named terms, no silent change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcfstats.statistics.inputs import BoolArray, FloatArray, as_array
from vcfstats.statistics.inputs.columns import as_column


@dataclass(frozen=True)
class Term:
    """One column of the design: a numeric variable, or one level of a categorical one against its reference."""

    variable: str
    level: str | None
    reference: str | None

    @property
    def name(self) -> str:
        """`variable`, or ``variable=level``."""
        return self.variable if self.level is None else f"{self.variable}={self.level}"


@dataclass(frozen=True)
class Design:
    """Columns of the predictors without the intercept, and what each column is."""

    matrix: FloatArray
    terms: tuple[Term, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables in their order."""
        return tuple(dict.fromkeys(term.variable for term in self.terms))

    def columns_of(self, variable: str) -> npt.NDArray[np.intp]:
        """Positions of a variable's columns."""
        return np.array([i for i, term in enumerate(self.terms) if term.variable == variable], dtype=np.intp)

    def only(self, variables: tuple[str, ...]) -> Design:
        """The design of some of the variables."""
        keep = [i for i, term in enumerate(self.terms) if term.variable in variables]
        return Design(self.matrix[:, keep], tuple(self.terms[i] for i in keep))

    def with_intercept(self) -> FloatArray:
        """The matrix behind a column of ones."""
        return np.column_stack([np.ones(len(self.matrix)), self.matrix])


def as_frame(predictors: pd.DataFrame | pd.Series | npt.ArrayLike, n: int) -> pd.DataFrame:
    """Return the predictors as a frame of n rows with unique string names; arrays get x1, x2, ...

    Raises
    ------
    ValueError
        Another number of rows, no column, or names that repeat.
    """
    if isinstance(predictors, pd.Series):
        frame = predictors.to_frame(predictors.name if predictors.name is not None else "x1")
    elif isinstance(predictors, pd.DataFrame):
        frame = predictors
    else:
        values = as_array(predictors, "predictors")
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2:
            raise ValueError(f"predictors must be a frame or an array of shape (n, p); got shape {values.shape}.")
        frame = pd.DataFrame(values, columns=[f"x{i + 1}" for i in range(values.shape[1])]).infer_objects()
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if len(frame) != n or frame.shape[1] == 0 or n == 0:
        raise ValueError(f"predictors must have {n} rows, as the outcome has, and a column; got shape {frame.shape}.")
    if frame.columns.has_duplicates:
        raise ValueError(f"Predictor names repeat: {sorted(frame.columns[frame.columns.duplicated()])}; rename them.")
    return frame


def read_columns(frame: pd.DataFrame, reference: Mapping[str, Any] | None) -> pd.DataFrame:
    """Return the predictors as numbers or levels.

    Raises
    ------
    ValueError
        Columns that are neither, such as dates; as `as_column`.
    """
    stated = _as_reference(reference, frame)
    return pd.DataFrame(
        {name: as_column(frame[name], f"Predictor {name!r}", categorical=name in stated) for name in frame.columns}
    )


def _as_reference(reference: Mapping[str, Any] | None, frame: pd.DataFrame) -> dict[str, Any]:
    if reference is not None and not isinstance(reference, Mapping):
        raise ValueError(f"reference must map predictors to their reference level; got {reference!r}.")
    stated = dict(reference or {})
    unknown = [name for name in stated if name not in frame.columns]
    if unknown:
        raise ValueError(f"reference names {unknown}, which are not predictors ({list(frame.columns)}).")
    return stated


def complete_rows(frame: pd.DataFrame, missing: str) -> BoolArray:
    """Return which rows are complete; with ``missing="raise"`` an incomplete row is an error that names it."""
    absent = frame.isna()
    rows = np.asarray(absent.any(axis=1), dtype=bool)
    if missing == "raise" and rows.any():
        counts = {name: int(count) for name, count in absent.sum().items() if count}
        raise ValueError(
            f"Predictors have missing values in {int(rows.sum())} row(s), first in row {frame.index[int(np.argmax(rows))]!r}"
            f" (by column: {counts}). Impute them, or pass missing='drop' to leave those rows out."
        )
    return ~rows


def build_design(frame: pd.DataFrame, reference: Mapping[str, Any] | None = None) -> Design:
    """Build the design of complete predictors.

    Numeric and bool columns stay one column. Strings, objects and Categoricals get treatment contrasts against
    `reference[variable]`, else the first level (alphabetical, or the order of the Categorical).

    Raises
    ------
    ValueError
        A variable that does not vary, infinite values, a reference that is no level, or columns that are linear
        combinations of earlier ones; the message names the variable.
    """
    reference = _as_reference(reference, frame)
    columns: list[FloatArray] = []
    terms: list[Term] = []
    for name in frame.columns:
        series = frame[name]
        if pd.api.types.is_numeric_dtype(series) and name not in reference:
            values = series.to_numpy(dtype=np.float64)
            if not np.isfinite(values).all():
                raise ValueError(f"Predictor {name!r} holds infinite values; recode them.")
            if np.ptp(values) == 0:
                raise ValueError(f"Predictor {name!r} does not vary (all {values[0]:.6g}); leave it out.")
            columns.append(values)
            terms.append(Term(name, None, None))
            continue
        for level, base, column in _contrasts(series, name, reference.get(name)):
            columns.append(column)
            terms.append(Term(name, level, base))
    design = Design(np.column_stack(columns), tuple(terms))
    _refuse_aliased(design)
    return design


def _contrasts(series: pd.Series, name: str, base: Any) -> list[tuple[str, str, FloatArray]]:
    codes = series if isinstance(series.dtype, pd.CategoricalDtype) else series.astype("category")
    present = set(codes.dropna().unique())
    levels = [level for level in codes.cat.categories if level in present]
    if len(levels) < 2:
        raise ValueError(f"Predictor {name!r} does not vary (level {levels[:1]}); leave it out.")
    if base is None:
        base = levels[0]
    elif base not in levels:
        raise ValueError(f"reference {base!r} is no level of {name!r}; its levels are {levels}.")
    return [(str(level), str(base), (codes == level).to_numpy(dtype=np.float64)) for level in levels if level != base]


def _refuse_aliased(design: Design) -> None:
    X = design.with_intercept()
    norms = np.sqrt(np.einsum("ij,ij->j", X, X))
    diagonal = np.abs(np.diagonal(np.linalg.qr(X / norms, mode="r")))
    if X.shape[1] > X.shape[0]:
        raise ValueError(f"{X.shape[1]} coefficients cannot be fitted to {X.shape[0]} rows; choose fewer predictors.")
    aliased = np.flatnonzero(diagonal < 1e-9)
    if aliased.size:
        names = [design.terms[i - 1].name for i in aliased]
        raise ValueError(f"{', '.join(names)}: a linear combination of the predictors before it; leave it out.")
