"""What a cell of a table means: missing, a number, a level. Nothing that is doubtful is taken without a word."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vcfstats.contracts.errors import InputError, Problem, lines_of
from vcfstats.pipeline.textfile import folded, shown

# Words that mean a missing value, whatever their case, where they are no declared level.
MISSING_WORDS = ("NA", "N/A", "n.a.", "NaN", "null", "None", "#N/A", "<NA>", ".")
_MISSING = frozenset(map(folded, MISSING_WORDS))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}", re.ASCII)
# Numbers that stand for "missing" or "unknown" in many data bases.
_CODES = frozenset({-1, -7, -8, -9, -77, -88, -99, -777, -888, -999, -9999, 77, 88, 99, 777, 888, 999, 7777, 8888, 9999, 99999})  # fmt: skip
# What is wrong with a cell that should be a number, by its shape -> what to do.
_SHAPES = (
    (r"[+-]?inf(inity)?", "write a finite number, or leave the cell empty"),
    (r".*%.*", "write the number without the sign; the unit stands in params.yaml"),
    (r"[<>≤≥~].*", "decide on a number for values beyond a limit, or leave the cell empty"),
    (r"\d{4}-\d{1,2}-\d{1,2}.*|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.*", "write a number in place of the date, such as an age in years"),
    (r"\d{1,3}([ \u00a0\u202f'’.,]\d{3})+([.,]\d+)?", "write the number without separators of thousands, and with a decimal point"),
    (r"[\u2212\u2013].*", "write a plain minus sign, -"),
    (r"[+-]?[\d.,]+([eE][+-]?\d+)?\s*[^\W\d_].*", "write the number alone; its unit stands in params.yaml"),
)  # fmt: skip


@dataclass
class Told:
    """What there is to say of a table: problems, and notes on how it was read.

    Attributes
    ----------
    file : Path
        The table.
    problems : list of Problem
        Errors and warnings.
    notes : list of str
        How something was read, which is no problem but should be seen.
    """

    file: Path
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def error(self, found: str, allowed: str, mend: str, *, patient: object = "") -> None:
        """Note what cannot be taken."""
        self.problems.append(Problem(found, allowed, mend, patient=str(patient), file=self.file))

    def warn(self, found: str, allowed: str, mend: str, *, patient: object = "") -> None:
        """Note what somebody should look at."""
        self.problems.append(Problem(found, allowed, mend, patient=str(patient), file=self.file, warning=True))

    def refuse(self) -> None:
        """Raise the errors, where there are any.

        Raises
        ------
        InputError
            All errors at once.
        """
        if errors := [problem for problem in self.problems if not problem.warning]:
            raise InputError(errors)

    def say(self) -> None:
        """Raise the errors; without any, print notes and warnings.

        Raises
        ------
        InputError
            All errors at once.
        """
        self.refuse()
        self.say_notes()
        tell(self.problems)

    def say_notes(self) -> None:
        """Print the notes."""
        for note in self.notes:
            print(note, file=sys.stderr)


def tell(problems: Sequence[Problem]) -> None:
    """Raise the errors among problems; without any, print the warnings, of many alike the first few.

    Raises
    ------
    InputError
        All errors at once.
    """
    if errors := [problem for problem in problems if not problem.warning]:
        raise InputError(errors)
    for line in lines_of(problems):
        print(f"warning: {line}", file=sys.stderr)


def known(values: pd.Series, name: str, told: Told, declared: Collection[str] = ()) -> pd.Series:
    """Return the cells, None where they are missing: empty, or a word of `MISSING_WORDS` that is no declared value."""
    kept = {folded(value) for value in declared}
    words = values.map(lambda cell: folded(cell) in _MISSING and folded(cell) not in kept)
    if words.any():
        said = ", ".join(sorted(set(values[words])))
        told.notes.append(f"{name}: {int(words.sum())} of {len(values)} cells read as missing, since they say {said}")
    cells = [None if word or cell == "" else cell for cell, word in zip(values, words, strict=True)]
    return pd.Series(cells, index=values.index, dtype=object, name=values.name)


def number(cell: str) -> float | None:
    """Return the finite number that a cell says with a decimal point, None where it says none."""
    value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    return value if math.isfinite(value) else None


def has_decimal_commas(values: pd.Series) -> bool:
    """Whether the commas of a column can only be decimal commas: no points beside them, and one cell is no thousands."""
    commas = [cell for cell in values if "," in cell]
    return (
        any(not _THOUSANDS.fullmatch(cell) for cell in commas)
        and all(_WITH_COMMA.fullmatch(cell) for cell in commas)
        and not any(_NUMBER.fullmatch(cell) and "." in cell for cell in values)
    )


def numbers(values: pd.Series, name: str, told: Told, *, commas: bool, least: float | None = None) -> pd.Series:
    """Return a column of numbers, NaN where missing; cells that are none are problems.

    Parameters
    ----------
    values : Series of str
        The cells; index: how messages name the rows.
    name : str
        The column's name in messages.
    told : Told
        Where to say so.
    commas : bool
        Whether the table is of a country of decimal commas, by another column or by its semicolons: a point may then divide thousands.
    least : float, optional
        Smallest number allowed.
    """
    cells = known(values, name, told)
    given = cells.dropna()
    decimal = has_decimal_commas(given)
    if decimal:
        count = int(given.str.contains(",", regex=False).sum())
        told.notes.append(f"{name}: decimal commas in {count} cells, {next(c for c in given if ',' in c)} is read as {next(c for c in given if ',' in c).replace(',', '.')}")  # fmt: skip
    points = [cell for cell in given if "." in cell]
    doubtful = commas and bool(points) and not decimal and all(_THOUSANDS.fullmatch(cell) for cell in points)
    commaed = [cell for cell in given if "," in cell and "." not in cell]
    pointed = [(case, cell) for case, cell in given.items() if "." in cell and "," not in cell]
    if pointed and 2 * len(commaed) > len(given):
        for case, odd in pointed:
            told.error(f"{name} = {shown(odd)}, with a point, beside {len(commaed)} cells with a comma, such as {shown(commaed[0])}", "one decimal mark throughout the column", "write this cell as the others are", patient=str(case))  # fmt: skip
        return pd.Series(math.nan, index=values.index, dtype="float64", name=values.name)
    if (
        points
        and not doubtful
        and not decimal
        and len(points) < len(given)
        and all(_THOUSANDS.fullmatch(cell) for cell in points)
    ):
        told.warn(f"{name} = {shown(points[0])} in a column of whole numbers", "numbers that can be read in one way", f"write {points[0].replace('.', '')} if the point divides thousands")  # fmt: skip
    parsed: list[float] = []
    for case, cell in cells.items():
        if cell is None:
            parsed.append(math.nan)
            continue
        value = number(cell.replace(",", ".") if decimal else cell)
        if value is not None and not (doubtful and "." in cell) and (least is None or value >= least):
            parsed.append(value)
            continue
        parsed.append(math.nan)
        if (doubtful or value is None) and (mark := _THOUSANDS.fullmatch(cell)):
            meant = cell.replace(mark[1], ".")
            told.error(f"{name} = {shown(cell)}, which may be {meant} or {meant.replace('.', '')}", "a number that can be read in one way", "write it without separators of thousands, and with a decimal point", patient=case)  # fmt: skip
        elif value is not None:
            told.error(f"{name} = {shown(cell)}", f"a number of {least:g} or more", "correct the cell", patient=case)
        else:
            told.error(f"{name} = {shown(cell)}", "a number", _advice(cell), patient=case)
    found = pd.Series(parsed, index=values.index, dtype="float64", name=values.name)
    _warn_of_codes(found, name, told)
    return found


def _advice(cell: str) -> str:
    if _NUMBER.fullmatch(cell):
        return "write a number below 1e308"
    return next((mend for shape, mend in _SHAPES if re.fullmatch(shape, cell, re.IGNORECASE)), "correct the cell")


def _warn_of_codes(values: pd.Series, name: str, told: Told) -> None:
    """Warn of numbers that look like codes for missing values: they lie beyond all others."""
    given = values.dropna()
    codes = given[given.isin(_CODES)]
    others = given[~given.isin(_CODES)]
    if others.empty:
        return
    low, high = others.min(), others.max()
    for code, count in codes.value_counts().sort_index().items():
        value = float(str(code))
        below = value < 0 <= low
        above = value > high and (count > 1 or value - high > high - low)
        if below or above:
            told.warn(
                f"{name} = {value:g} in {count} of {len(given)} cells, the others {low:g} to {high:g}",
                "numbers that were measured, and empty cells where none was",
                "empty these cells if the number stands for a missing value",
            )
    days = given[(given % 1 == 0) & (given > 19000000) & (given < 21010000)]
    if len(days) == len(given):
        told.warn(f"{name} = {given.iloc[0]:.0f}, like a date without separators, in all cells", "numbers", "write a number in place of the date, such as an age in years")  # fmt: skip


def same(cell: str, wanted: object) -> bool:
    """Whether a cell means a value of params.yaml: as text, or as numbers (1 and 1.0)."""
    if isinstance(wanted, bool) or str(wanted) in ("true", "false"):
        return cell.casefold() == str(wanted).casefold()
    return cell == str(wanted) or (number(cell) is not None and number(cell) == number(str(wanted)))


def levels_of(values: pd.Series, name: str, levels: Mapping[str, str], told: Told, *, key: str) -> pd.Series:
    """Return a column of levels, None where missing; cells that are none of them are problems.

    Parameters
    ----------
    values : Series of str
        The cells; index: how messages name the rows.
    name : str
        The column's name in messages.
    levels : mapping
        The levels; a cell that is none by its letters may be one by its number (1.0 and 1).
    told : Told
        Where to say so.
    key : str
        Of params.yaml, where they are declared.
    """
    cells = known(values, name, told, levels)
    meant: dict[str, str | None] = {}
    for cell in cells.dropna().unique():
        matches = [level for level in levels if same(cell, level)]
        meant[cell] = cell if cell in levels else matches[0] if len(matches) == 1 else None
    for case, cell in cells.dropna().items():
        if meant[cell] is None:
            near = next((level for level in levels if folded(level) == folded(cell)), None)
            correct = "correct the cell" if near is None else f"write it as {shown(near)}"
            told.error(
                f"{name} = {shown(cell)}",
                f"one of {', '.join(levels)}",
                f"{correct}, or correct {key} in params.yaml",
                patient=case,
            )
    found = [None if cell is None else meant[cell] for cell in cells]
    return pd.Series(found, index=values.index, dtype=object, name=values.name)


def differing_in_case(values: pd.Series) -> list[list[str]]:
    """Return the groups of cells that are the same but for case and spaces."""
    groups: dict[str, list[str]] = {}
    for value in sorted(values.dropna().unique()):
        groups.setdefault(folded(value), []).append(value)
    return [group for group in groups.values() if len(group) > 1]
