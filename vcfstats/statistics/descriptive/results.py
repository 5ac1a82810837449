"""What a baseline table holds, and how it is printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcfstats.statistics.digits import decimals_for, fixed
from vcfstats.statistics.inputs import FloatArray, as_count
from vcfstats.statistics.results import Result


@dataclass(frozen=True, repr=False, eq=False)
class BaselineVariable(Result):
    """One variable of the table; arrays run over the groups.

    Attributes
    ----------
    name, kind : str
        ``normal`` (shown as mean ± SD), ``nonnormal`` (median and quartiles) or ``categorical``.
    n, missing : ndarray of shape (g,)
        Known and missing values.
    mean, sd, median, q1, q3 : ndarray of shape (g,)
        Of a numeric variable (quartiles by linear interpolation, type 7); NaN for a categorical one.
    levels : tuple of str
        Of a categorical variable.
    counts : ndarray of shape (g, levels)
        Its counts.
    normality_pvalue : ndarray of shape (g,)
        Shapiro-Wilk in each group.
    homogeneity_pvalue, smallest_expected : float
        Levene's test; smallest expected count.
    test : str
        The test made.
    reason : str
        The rule that chose it.
    statistic, pvalue : float
        Of the test (Fisher's has no statistic).
    df : tuple of float
        Its degrees of freedom.
    smd : float
        Absolute standardised difference; over more than two groups the mean of all pairs. Infinite where groups share no level.
    overall : BaselineVariable or None
        The same over all patients; None where there are no groups.
    """

    name: str
    kind: str
    n: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]
    mean: FloatArray
    sd: FloatArray
    median: FloatArray
    q1: FloatArray
    q3: FloatArray
    levels: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    normality_pvalue: FloatArray
    homogeneity_pvalue: float
    smallest_expected: float
    test: str
    reason: str
    statistic: float
    df: tuple[float, ...]
    pvalue: float
    smd: float
    overall: BaselineVariable | None = None


@dataclass(frozen=True, repr=False, eq=False)
class BaselineTable(Result):
    """A baseline table.

    Attributes
    ----------
    groups : tuple of str
        Names of the groups, in the order of the columns; ``("overall",)`` where none were given.
    n : ndarray of shape (g,)
        Patients in each.
    variables : tuple of BaselineVariable
        In the order of the rows.
    """

    groups: tuple[str, ...]
    n: npt.NDArray[np.int64]
    variables: tuple[BaselineVariable, ...]

    def to_frame(self, *, digits: int | Mapping[str, int] | None = None, percent_digits: int = 1) -> pd.DataFrame:
        """Return the table as it is printed.

        ``variable, level, overall, <one column a group>, missing, p_value, test, smd``: mean ± SD, median (Q1, Q3) or
        count (%) of known values. p and SMD are numbers and stand in the first row of a variable; without groups they and
        the name of the test are left out.

        Parameters
        ----------
        digits : int or mapping of variable to int, optional
            Decimals of means, SDs, medians and quartiles. Where none are given, 1 or as many as leave the spread two
            significant digits (a diffusion coefficient of 0.0012 mm²/s is 0.00120 ± 0.00031). One number for all variables
            is raised where a variable would print as 0.0; a number given for a variable by name is taken as it is.
        percent_digits : int
            Decimals of percentages.

        Raises
        ------
        ValueError
            No whole numbers of decimals, or a name that is no variable.
        """
        named = dict(digits) if isinstance(digits, Mapping) else {}
        unknown = [name for name in named if name not in {variable.name for variable in self.variables}]
        if unknown:
            raise ValueError(f"digits names {unknown}, which the table does not hold.")
        given = digits if not isinstance(digits, Mapping) else None
        for what, value in (
            ("digits", given),
            ("percent_digits", percent_digits),
            *(("digits", v) for v in named.values()),
        ):
            if value is not None or what == "percent_digits":
                as_count(value, what, least=0, most=15)
        rows: list[dict[str, Any]] = []
        for variable in self.variables:
            if variable.name in named:
                shown = named[variable.name]
            else:
                shown = decimals_for(_spreads(variable), 1 if given is None else given, least=2 if given is None else 1)
            rows += _printed(variable, self.groups, shown, percent_digits)
        frame = pd.DataFrame(rows)
        return frame if len(self.groups) > 1 else frame.drop(columns=["p_value", "test", "smd"], errors="ignore")

    def to_tidy(self) -> pd.DataFrame:
        """Return the numbers: one row a variable, level and group (``overall`` among them)."""
        rows: list[dict[str, Any]] = []
        for variable in self.variables:
            overall = variable.overall
            rows += [] if overall is None else _numbers(overall, ("overall",))
            rows += _numbers(variable, self.groups)
        return pd.DataFrame(rows)


def _spreads(variable: BaselineVariable) -> list[float]:
    """Return the spreads of what is printed of a numeric variable; where nothing varies, its size."""
    parts = [variable] if variable.overall is None else [variable, variable.overall]
    if variable.kind == "categorical":
        return []
    if variable.kind == "normal":
        spreads = [float(sd) for part in parts for sd in part.sd]
        return spreads if any(sd > 0 for sd in spreads) else [float(mean) for part in parts for mean in part.mean]
    spreads = [float(q3 - q1) for part in parts for q1, q3 in zip(part.q1, part.q3, strict=True)]
    return spreads if any(width > 0 for width in spreads) else [float(q) for part in parts for q in part.median]


def _printed(variable: BaselineVariable, groups: tuple[str, ...], digits: int, percent: int) -> list[dict[str, Any]]:
    overall = variable.overall
    columns = [("overall", overall, 0)] if overall is not None else []
    columns += [(group, variable, i) for i, group in enumerate(groups)]
    level_count = max(len(variable.levels), 1)
    rows = []
    for j in range(level_count):
        first = j == 0
        row: dict[str, Any] = {"variable": variable.name, "level": variable.levels[j] if variable.levels else ""}
        for label, source, i in columns:
            row[label] = _cell(source, i, j, digits, percent)
        row |= {
            "missing": int(variable.missing.sum()) if first else pd.NA,
            "p_value": variable.pvalue if first else np.nan,
            "test": variable.test if first else "",
            "smd": variable.smd if first else np.nan,
        }
        rows.append(row)
    return rows


def _cell(variable: BaselineVariable, i: int, j: int, digits: int, percent: int) -> str:
    if variable.kind == "normal":
        return f"{fixed(variable.mean[i], digits)} ± {fixed(variable.sd[i], digits)}"
    if variable.kind == "nonnormal":
        quartiles = f"{fixed(variable.q1[i], digits)}, {fixed(variable.q3[i], digits)}"
        return f"{fixed(variable.median[i], digits)} ({quartiles})"
    count = int(variable.counts[i, j])
    return f"{count} ({100 * count / variable.n[i]:.{percent}f}%)"


def _numbers(variable: BaselineVariable, groups: tuple[str, ...]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for i, group in enumerate(groups):
        shared = {"variable": variable.name, "kind": variable.kind, "group": group, "n": int(variable.n[i])}
        shared["missing"] = int(variable.missing[i])
        if variable.kind == "categorical":
            rows += [
                shared
                | {"level": level, "count": int(variable.counts[i, j]), "share": variable.counts[i, j] / variable.n[i]}
                for j, level in enumerate(variable.levels)
            ]
        else:
            rows.append(
                shared | {name: float(getattr(variable, name)[i]) for name in ("mean", "sd", "median", "q1", "q3")}
            )
    return rows
