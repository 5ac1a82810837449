"""Columns of a frame: numbers or levels, and nothing that would become one level a day or one level a number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from vcfstats.statistics.inputs.numbers import as_numbers, is_time, refuse_cells, refuse_huge, refuse_times
from vcfstats.statistics.inputs.options import as_list
from vcfstats.statistics.inputs.patients import refuse_spellings

_LEVELS_OF_TEXT = 10  # whole numbers as text are taken as codes of levels up to so many


def as_column(series: pd.Series | pd.DataFrame, name: str, *, categorical: bool = False) -> pd.Series:
    """Return a column as numbers, truth values, or levels; objects that are all numbers become numbers.

    Parameters
    ----------
    series : Series
        The column; a frame where several bear its name, which is refused.
    name : str
        What to call it in a message, quotes included.
    categorical : bool
        Whether the caller said that its values are levels.

    Raises
    ------
    ValueError
        Dates and time spans, complex numbers, numbers mixed with text, numbers as text that are no codes of levels, levels that
        differ in case or blanks alone, lists in cells, numbers beyond 1e100.
    """
    if isinstance(series, pd.DataFrame):
        raise ValueError(f"{name} names {series.shape[1]} columns; names must differ from one another.")
    if isinstance(series.dtype, pd.CategoricalDtype):
        refuse_times(np.asarray(series.cat.categories), name)
        return series
    if pd.api.types.is_complex_dtype(series):
        as_numbers(series, name)  # says what to do
    values = np.asarray(series)
    if is_time(values):
        refuse_times(values, name)
    if values.dtype.kind in "fiu":
        refuse_huge(values, name)
    if values.dtype.kind != "O" or isinstance(series.dtype, pd.BooleanDtype):
        return series
    refuse_cells(values, name)
    known = series[series.notna()]
    kinds = {type(value) for value in known}
    numeric = {kind for kind in kinds if issubclass(kind, int | float | np.number) and kind is not bool}
    if kinds and kinds == numeric and not categorical:
        return pd.Series(as_numbers(series, name), index=series.index, name=series.name)
    if not categorical and numeric and kinds - numeric - {bool}:
        shown = [next(v for v in known if type(v) in numeric), next(v for v in known if type(v) not in numeric)]
        raise ValueError(f"{name} mixes numbers and text ({shown[0]!r}, {shown[1]!r}); recode it to either.")
    refuse_spellings(values, name)
    if not categorical and kinds and all(issubclass(kind, str) for kind in kinds):
        _refuse_numbers_as_text(known, name)
    return series


def as_names(given: Any, argument: str, allowed: Iterable[Any]) -> list[Any]:
    """Return the names of columns that an argument lists; a single name is a list of one.

    Raises
    ------
    ValueError
        A name that is none of those allowed, or no list.
    """
    names = [given] if isinstance(given, str) else as_list(given, argument, what="names of columns")
    columns = list(allowed)
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise ValueError(f"{argument} names {unknown}, not among the columns {columns}.")
    return names


def _refuse_numbers_as_text(known: pd.Series, name: str) -> None:
    numbers = pd.to_numeric(known, errors="coerce")
    if numbers.isna().any():
        return
    if known.nunique() > _LEVELS_OF_TEXT or not (numbers == np.floor(numbers)).all():
        raise ValueError(
            f"{name} holds numbers as text (such as {known.iloc[0]!r}), each of which would be a level; convert it with"
            " pd.to_numeric, or make it categorical (astype('category'))."
        )
