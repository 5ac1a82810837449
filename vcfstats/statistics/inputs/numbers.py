"""What may stand where numbers are meant: everything NumPy would turn into other numbers in silence is refused here."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Iterator, Mapping, Set
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
# By name, since nothing here may import pandas for a user who passes plain arrays.
_PANDAS_TIMES = ("Period",)
_MISSING = ("NoneType", "NAType", "NaTType")
LARGEST = 1e100  # squares and products of larger numbers would overflow
_LARGEST_INT = 2**63 - 1
_MOST = 10_000_000  # resamples, groups, knots: more would fill the memory long before they end


def as_array(values: Any, name: str) -> npt.NDArray[Any]:
    """Return values as an array of whatever kind, unless NumPy would drop a part of them in silence.

    Raises
    ------
    ValueError
        A masked array that masks anything, a sparse matrix, a structured array, text or a mapping in place of an array,
        rows of unequal length.
    """
    if isinstance(values, np.ma.MaskedArray):
        hidden = int(np.ma.getmaskarray(values).sum()) if values.dtype.names is None else values.size
        if hidden:
            raise ValueError(
                f"{name} is a masked array with {hidden} of {values.size} values masked; leave those rows out of every"
                " argument, or fill them, first."
            )
        values = values.data
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise ValueError(f"{name} is a sparse matrix ({type(values).__name__}); pass {name}.toarray().")
    if isinstance(values, str | bytes | Mapping | Set | Iterator):
        raise ValueError(f"{name} must be an array, a list or a pandas object; got {type(values).__name__}.")
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} cannot be read as an array, such as rows of unequal length: {error}") from None
    if array.dtype.names is not None or array.dtype.kind == "V":
        fields = ", ".join(array.dtype.names or ("no named ones",))
        raise ValueError(f"{name} is a structured array with the fields {fields}; pass one of them, such as a[field].")
    return array


def as_numbers(values: Any, name: str, *, booleans: bool = True) -> FloatArray:
    """Return values as float64 of any shape; what is missing (None, NaN, NA) is NaN.

    Raises
    ------
    ValueError
        As `as_array`, and dates, time spans, complex numbers, text (also where it looks like numbers), other objects;
        truth values unless `booleans`.
    """
    array = as_array(values, name)
    kind = array.dtype.kind
    if kind in "fiu" or (kind == "b" and booleans):
        return array.astype(np.float64, copy=False)
    if kind == "b":
        raise ValueError(f"{name} must hold numbers; got truth values (bool), which measure nothing.")
    if hasattr(values, "columns") and array.ndim == 2:  # say which column
        columns = [
            as_numbers(values.iloc[:, at], f"{name}[{column!r}]", booleans=booleans)
            for at, column in enumerate(values.columns)
        ]
        return np.column_stack(columns) if columns else np.empty(array.shape)
    if kind == "O":
        return _from_objects(array, name, booleans=booleans)
    raise ValueError(_foreign(name, array.dtype.kind, str(array.dtype), array.ravel()[:1].tolist()))


def as_number(value: Any, name: str) -> float:
    """Return one number as a float; infinity is one, NaN and truth values are none.

    Raises
    ------
    ValueError
        As `as_numbers`, and more than one number, or NaN.
    """
    if isinstance(value, str | bytes):
        raise ValueError(f"{name} must be a number; got {value!r}, which is text.")
    if isinstance(value, Decimal | Fraction):
        raise ValueError(f"{name} must be an int or a float; got {value!r}: pass float(...) of it.")
    found = as_numbers(value, name, booleans=False)
    if found.ndim != 0:
        raise ValueError(f"{name} must be one number; got an array of shape {found.shape}.")
    if np.isnan(found):
        raise ValueError(f"{name} must be a number; got {'None' if value is None else 'NaN'}.")
    return float(found)


def as_finite(value: Any, name: str) -> float:
    """Return one finite number, or raise ValueError."""
    number = np.nan if isinstance(value, float) and np.isnan(value) else as_number(value, name)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be a finite number; got {value!r}.")
    return number


def as_share(value: Any, name: str, *, example: str = "") -> float:
    """Return a number strictly between 0 and 1, or raise ValueError."""
    share = as_number(value, name)
    if not 0 < share < 1:
        raise ValueError(
            f"{name} must lie strictly between 0 and 1{', such as ' + example if example else ''}; got {value!r}."
        )
    return share


def as_positive(value: Any, name: str, *, example: str = "") -> float:
    """Return a positive number that can be squared and divided by, or raise ValueError."""
    number = as_number(value, name)
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be a positive number{', such as ' + example if example else ''}; got {value!r}.")
    if not 1 / LARGEST < number < LARGEST:
        raise ValueError(f"{name} must lie between {1 / LARGEST:g} and {LARGEST:g}; got {value!r}.")
    return number


def as_count(value: Any, name: str, *, least: int, most: int = _MOST, example: str = "") -> int:
    """Return a whole number within its bounds, or raise ValueError."""
    wanted = "a non-negative integer" if least == 0 else f"a whole number of at least {least}"
    wanted += f", such as {example}" if example else ""
    if isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be {wanted}; got {value!r}.")
    number = as_number(value, name)
    if not (number >= least and number == np.floor(number)):
        raise ValueError(f"{name} must be {wanted}; got {value!r}.")
    if number > most:
        raise ValueError(f"{name} must be at most {most:,}; got {value!r}.")
    return int(number)


def check_level(confidence_level: Any, *, name: str = "confidence_level") -> float:
    """Return the confidence level, or raise ValueError unless it lies strictly between 0 and 1."""
    return as_share(confidence_level, name, example="0.95")


def refuse_huge(values: npt.NDArray[Any], name: str) -> None:
    """Raise ValueError where finite numbers are so large that their squares overflow; infinite ones are others' to judge."""
    size = np.abs(values.astype(np.float64, copy=False))
    huge = np.asarray((size > LARGEST) & np.isfinite(size), dtype=np.bool_)
    if huge.any():
        raise ValueError(
            f"{name} holds {int(huge.sum())} value(s) beyond {LARGEST:g}, such as {values[huge][0]:.6g}; recode or rescale them."
        )


def is_missing(value: Any) -> bool:
    """Whether an object stands for no value: None, NaN, NaT, or NA, which answers no comparison."""
    if value is None or type(value).__name__ in _MISSING:
        return True
    return isinstance(value, numbers.Real | np.floating | np.datetime64 | np.timedelta64) and bool(value != value)


def missing_of(values: npt.NDArray[Any]) -> BoolArray:
    """Return which elements of an array are missing."""
    if values.dtype.kind in "fcmM":
        return np.asarray(np.isnat(values) if values.dtype.kind in "mM" else np.isnan(values))
    if values.dtype.kind == "O":
        found = np.fromiter((is_missing(v) for v in values.ravel().tolist()), dtype=np.bool_, count=values.size)
        return np.asarray(found.reshape(values.shape))
    return np.zeros(values.shape, dtype=bool)


def refuse_cells(values: npt.NDArray[Any], name: str) -> None:
    """Raise ValueError where a cell holds a list or the like, or a whole number beyond 64 bits: these are no labels."""
    if values.dtype.kind == "O":
        cells = values.ravel().tolist()
        for kind in set(map(type, cells)):
            if kind.__hash__ is None:
                raise ValueError(f"{name} holds a {kind.__name__} in a cell; give one number or word a cell.")
            if kind is int and any(type(cell) is int and abs(cell) > _LARGEST_INT for cell in cells):
                raise ValueError(f"{name} holds whole numbers beyond {_LARGEST_INT:.0e}; recode them.")


def is_time(values: npt.NDArray[Any]) -> bool:
    """Whether an array holds dates or time spans, as a type of its own or as objects."""
    if values.dtype.kind in "mM":
        return True
    return values.dtype.kind == "O" and any(_is_time(kind) for kind in set(map(type, values.ravel().tolist())))


def refuse_times(values: npt.NDArray[Any], name: str) -> None:
    """Raise ValueError where an array holds dates or time spans: codes and labels are none."""
    if is_time(values):
        first = next((v for v in values.ravel().tolist() if not is_missing(v)), None)
        kind = "m" if isinstance(first, datetime.timedelta) or values.dtype.kind == "m" else "M"
        raise ValueError(_foreign(name, kind, str(values.dtype), [first]))


def where(given: Any, rows: BoolArray) -> str:
    """Name the first bad row, by its label where the caller gave a Series or a frame."""
    position = int(np.argmax(rows))
    index = getattr(given, "index", None)
    if index is not None and not callable(index):
        return f"row {index[position]!r} (position {position})"
    return f"position {position}"


def refuse_missing(given: Any, values: FloatArray, name: str) -> None:
    """Raise ValueError that counts what is missing and names the first row."""
    missing: BoolArray = np.isnan(values)
    if missing.any():
        rows = np.asarray(missing.reshape(len(missing), -1).any(axis=1), dtype=np.bool_)
        raise ValueError(
            f"{name} has {int(missing.sum())} missing value(s) (NaN), first at {where(given, rows)}; drop or impute them"
            " first."
        )


def _is_time(kind: type) -> bool:
    if kind.__name__ in _MISSING:
        return False
    return issubclass(kind, _TIMES) or kind.__name__ in _PANDAS_TIMES


def _from_objects(array: npt.NDArray[Any], name: str, *, booleans: bool) -> FloatArray:
    flat = array.ravel().tolist()
    for kind in set(map(type, flat)):
        truth = kind in (bool, np.bool_)
        real = (issubclass(kind, numbers.Real | Decimal) and not truth) or (truth and booleans)
        if real or kind.__name__ in _MISSING:
            continue
        example = [next(v for v in flat if type(v) is kind)]
        letter = "O"
        if _is_time(kind):
            letter = "m" if issubclass(kind, datetime.timedelta | np.timedelta64) else "M"
        elif issubclass(kind, str | bytes):
            letter = "U"
        elif issubclass(kind, complex | np.complexfloating):
            letter = "c"
        raise ValueError(_foreign(name, letter, kind.__name__, example))
    try:
        converted = [np.nan if is_missing(v) else float(v) for v in flat]
    except OverflowError:
        raise ValueError(f"{name} must hold numbers below 1.8e308; it holds larger ones: rescale them.") from None
    return np.asarray(converted, dtype=np.float64).reshape(array.shape)


def _foreign(name: str, kind: str, dtype: str, example: list[Any]) -> str:
    """Say what was found in place of numbers, and how to mend it."""
    if kind == "m":
        return (
            f"{name} must hold numbers; got time spans ({dtype}). Convert them to one unit first, such as"
            f' {name} / np.timedelta64(1, "D") for days.'
        )
    if kind == "M":
        return (
            f"{name} must hold numbers; got dates ({dtype}). Take the time since a date of reference first, such as"
            f' ({name} - start) / np.timedelta64(1, "D") for days.'
        )
    if kind == "c":
        return f"{name} must hold numbers; got complex ones ({dtype}). Pass their real part or their absolute value."
    if kind in "UST":
        shown = f", such as {example[0]!r}" if example else ""
        return f"{name} must hold numbers; got text{shown}. Convert it first, as pd.to_numeric does."
    return f"{name} must hold numbers; got objects of type {dtype}."
