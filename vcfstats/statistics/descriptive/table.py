"""The baseline table: one row a variable or level, the rule that chose each test on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcfstats.statistics.descriptive import tests
from vcfstats.statistics.descriptive.difference import difference_of_counts, difference_of_means
from vcfstats.statistics.descriptive.results import BaselineTable, BaselineVariable
from vcfstats.statistics.descriptive.tests import TestOutcome
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_array,
    as_flag,
    as_numbers,
    check_alignment,
    check_choice,
    check_level,
    refuse_cells,
    refuse_unused,
)
from vcfstats.statistics.inputs.columns import as_column, as_names

_CHOICES = (*tests.CONTINUOUS, "chi-square", "chi-square-yates", "fisher", "none")
_NO_TEST = TestOutcome("", float("nan"), (), float("nan"))


def baseline_table(
    data: pd.DataFrame,
    by: str | npt.ArrayLike | None = None,
    *,
    variables: Sequence[str] | None = None,
    categorical: Sequence[str] = (),
    continuous: Sequence[str] = (),
    normal: Sequence[str] = (),
    nonnormal: Sequence[str] = (),
    test: Mapping[str, str] | None = None,
    yates: bool = True,
    small_expected: str = "fisher",
    variance_center: str = "mean",
    alpha: float = 0.05,
) -> BaselineTable:
    """Baseline characteristics by group, each p value with its test and the rule that chose the test.

    Numeric variables: normal if Shapiro-Wilk gives p >= alpha in every group; then Student's t (or ANOVA) if Levene
    gives p >= alpha, else Welch's; not normal: Mann-Whitney (or Kruskal-Wallis). Categorical: chi-square where no
    expected count is below 1 and at most a fifth are below 5, else Fisher's exact test.

    Parameters
    ----------
    data : DataFrame of n rows
        One row a patient.
    by : str or array-like of shape (n,), optional
        Column of the groups, or the groups. At least two; missing is an error. None describes all patients in one column,
        ``overall``, and tests nothing.
    variables : sequence of str, optional
        Rows of the table; all columns but `by`.
    categorical, continuous : sequence of str
        What the type of a column does not say: numeric columns count as continuous unless they hold at most two values.
    normal, nonnormal : sequence of str
        Numeric variables whose shape is known: no test of normality decides. A test of normality finds nothing in small
        samples and everything in large ones; naming the variables is the better practice.
    test : mapping of str to str, optional
        Force a variable's test: student, welch, mann-whitney, anova, welch-anova, kruskal-wallis, chi-square,
        chi-square-yates, fisher, none.
    yates : bool
        Correct chi-square for continuity in 2 x 2 tables.
    small_expected : {"fisher", "chi-square"}
        What to do where the rule of expected counts fails.
    variance_center : {"mean", "median"}
        Of Levene's test; the median (Brown and Forsythe) is the more robust.
    alpha : float
        Of the tests that choose tests.

    Returns
    -------
    BaselineTable

    Raises
    ------
    ValueError
        Unknown columns, fewer than two groups, missing groups, a forced test that does not fit, or a variable without
        a known value in some group.

    Notes
    -----
    Tests equal R's t.test, wilcox.test (exact below 50 a group without ties, else with continuity correction),
    oneway.test, kruskal.test, chisq.test and fisher.test; standardised differences equal tableone's. A p value of
    baseline groups that were randomised tests what is known to be true; the standardised difference speaks of balance.

    References
    ----------
    Cochran (1954), doi 10.2307/3001616. Austin (2009), doi 10.1002/sim.3697. Rochon et al. (2012),
    doi 10.1186/1471-2288-12-81 (tests that choose tests).

    Examples
    --------
    >>> import pandas as pd
    >>> from vcfstats import baseline_table
    >>> data = pd.DataFrame(
    ...     {"group": [0] * 6 + [1] * 6, "age": [50, 61, 43, 70, 66, 58, 49, 72, 64, 77, 69, 60], "sex": list("fmfmmffmmmfm")}
    ... )
    >>> frame = baseline_table(data, "group").to_frame()
    >>> frame[["variable", "level", "0", "1", "test"]]
      variable level            0            1                 test
    0      age        58.0 ± 10.1   65.2 ± 9.9       Student t-test
    1      sex     f    3 (50.0%)    2 (33.3%)  Fisher's exact test
    2      sex     m    3 (50.0%)    4 (66.7%)
    """
    alpha = check_level(alpha, name="alpha")
    if not isinstance(data, pd.DataFrame):
        raise ValueError(f"data must be a DataFrame, one row a patient; got {type(data).__name__}.")
    check_alignment(data=data, by=by)
    as_flag(yates, "yates")
    check_choice(small_expected, ("fisher", "chi-square"), name="small_expected")
    check_choice(variance_center, ("mean", "median"), name="variance_center")
    if by is None:
        refuse_unused("without groups (by=None)", test=test)
        if not len(data):
            raise ValueError("data holds no row.")
    labels, names = (np.zeros(len(data), dtype=np.int64), ("overall",)) if by is None else _groups(data, by)
    if variables is None:
        rows = [c for c in data.columns if not (isinstance(by, str) and c == by)]
    else:
        rows = as_names(variables, "variables", data.columns)
    categorical = as_names(categorical, "categorical", data.columns)
    continuous = as_names(continuous, "continuous", data.columns)
    normal = as_names(normal, "normal", data.columns)
    nonnormal = as_names(nonnormal, "nonnormal", data.columns)
    if test is not None and not isinstance(test, Mapping):
        raise ValueError(f"test must map variables to tests; got {test!r}.")
    forced = dict(test or {})
    as_names(list(forced), "test", data.columns)
    for choice in forced.values():
        check_choice(choice, _CHOICES, name="test")
    masks = [labels == i for i in range(len(names))]
    done = []
    for name in rows:
        series = as_column(data[name], repr(name), categorical=name in categorical)
        if _is_categorical(series, name, categorical, (*continuous, *normal, *nonnormal)):
            done.append(_categorical(series, name, masks, names, forced.get(name), yates, small_expected))
        else:
            known = True if name in normal else (False if name in nonnormal else None)
            done.append(_continuous(series, name, masks, names, forced.get(name), known, variance_center, alpha))
    return BaselineTable(names, np.array([int(mask.sum()) for mask in masks]), tuple(done))


def _groups(data: pd.DataFrame, by: str | npt.ArrayLike) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    if isinstance(by, str):
        if by not in data.columns:
            raise ValueError(f"by={by!r} is no column; the columns are {list(data.columns)}.")
        series = data[by]
    else:
        array = as_array(by, "by")
        if array.shape != (len(data),):
            raise ValueError(
                f"by has {array.size} entries for {len(data)} rows (shape {array.shape}); give one a row, or a column's name."
            )
        refuse_cells(array, "by")
        series = by if isinstance(by, pd.Series) else pd.Series(by)
    series = as_column(series, repr(by) if isinstance(by, str) else "by", categorical=True)
    if series.isna().any():
        position = int(np.argmax(series.isna().to_numpy()))
        raise ValueError(
            f"by: the group is missing in {int(series.isna().sum())} row(s), first in row {data.index[position]!r}."
        )
    coded = series.astype("category")
    coded = coded.cat.remove_unused_categories()
    if len(coded.cat.categories) < 2:
        raise ValueError(f"by: a comparison needs two groups; found {list(coded.cat.categories)}.")
    return np.asarray(coded.cat.codes, dtype=np.int64), tuple(map(str, coded.cat.categories))


def _is_categorical(series: pd.Series, name: str, categorical: Sequence[str], continuous: Sequence[str]) -> bool:
    if name in categorical:
        return True
    numeric = pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)
    if name in continuous:
        if not numeric:
            raise ValueError(f"{name!r} is called continuous but holds {series.dtype}; convert it to numbers.")
        return False
    return not numeric or series.nunique() <= 2


def _continuous(
    series: pd.Series,
    name: str,
    masks: list[BoolArray],
    names: tuple[str, ...],
    forced: str | None,
    known_normal: bool | None,
    center: str,
    alpha: float,
) -> BaselineVariable:
    values = as_numbers(series, repr(name))
    infinite = np.isinf(values)
    if infinite.any():
        raise ValueError(f"{name!r} is infinite in row {series.index[int(np.argmax(infinite))]!r}; recode it.")
    present = ~np.isnan(values)
    groups = [values[mask & present] for mask in masks]
    _need_values(name, names, [len(group) for group in groups])
    normality = np.array([tests.normality_pvalue(group) for group in groups])
    several = len(groups) > 1
    testable = several and min(map(len, groups)) > 1
    homogeneity = tests.homogeneity_pvalue(groups, center) if testable else float("nan")
    if known_normal is None:
        is_normal = bool((normality >= alpha).all())
        shape = f"Shapiro-Wilk p {'>=' if is_normal else '<'} {alpha:g}" + (
            " in every group" if is_normal else " in a group"
        )
        if np.isnan(normality).any():
            shape = "normality cannot be tested in a group"
    else:
        is_normal = known_normal
        shape = "declared normal" if is_normal else "declared not normal"
    choice, reason = _choose_continuous(len(groups), is_normal, homogeneity, alpha, shape)
    if forced is not None:
        fits = (forced in tests.TWO_GROUPS) == (len(groups) == 2) and forced in tests.CONTINUOUS
        if not (fits or forced in ("none", "anova", "welch-anova", "kruskal-wallis")):
            raise ValueError(f"test {forced!r} does not fit {name!r}, a numeric variable in {len(groups)} groups.")
        choice, reason = forced, "asked for"
        is_normal = is_normal if forced == "none" else forced not in ("mann-whitney", "kruskal-wallis")
    outcome = _NO_TEST
    if choice != "none":
        testable = testable and bool(np.ptp(np.concatenate(groups)) > 0)
        outcome = tests.CONTINUOUS[choice](groups) if testable else _NO_TEST
        reason = reason if testable else "no test: a group of one, or values all equal"
    kind = "normal" if is_normal else "nonnormal"
    whole = _summary(name, kind, [values[present]], [int((~present).sum())])
    split = _summary(name, kind, groups, [int((mask & ~present).sum()) for mask in masks])
    return BaselineVariable(
        **split,
        levels=(),
        counts=np.empty((len(groups), 0), dtype=np.int64),
        normality_pvalue=normality,
        homogeneity_pvalue=homogeneity,
        smallest_expected=float("nan"),
        test=outcome.name,
        reason=reason,
        statistic=outcome.statistic,
        df=outcome.df,
        pvalue=outcome.pvalue,
        smd=difference_of_means(groups) if several else float("nan"),
        overall=_overall(whole, (), np.empty((1, 0), dtype=np.int64)) if several else None,
    )


def _choose_continuous(k: int, is_normal: bool, homogeneity: float, alpha: float, shape: str) -> tuple[str, str]:
    if k == 1:
        return "none", shape
    if not is_normal:
        return ("mann-whitney" if k == 2 else "kruskal-wallis"), shape
    equal = homogeneity >= alpha
    choice = ("student" if equal else "welch") if k == 2 else ("anova" if equal else "welch-anova")
    return choice, f"{shape}; Levene p {'>=' if equal else '<'} {alpha:g}"


def _categorical(
    series: pd.Series,
    name: str,
    masks: list[BoolArray],
    names: tuple[str, ...],
    forced: str | None,
    yates: bool,
    small_expected: str,
) -> BaselineVariable:
    coded = series.astype("category")
    levels = coded.cat.categories
    codes = coded.cat.codes.to_numpy()
    counts = np.array([[int((codes[mask] == i).sum()) for i in range(len(levels))] for mask in masks])
    _need_values(name, names, counts.sum(axis=1).tolist())
    used = counts[:, counts.sum(axis=0) > 0]
    expected = tests.expected_counts(used)
    if forced is not None:
        if forced in tests.CONTINUOUS:
            raise ValueError(f"test {forced!r} does not fit {name!r}, a categorical variable.")
        choice, reason = forced, "asked for"
    elif len(masks) == 1:
        choice, reason = "none", "no groups"
    elif tests.chi_square_holds(used):
        choice, reason = ("chi-square-yates" if yates else "chi-square"), "expected counts suffice"
    else:
        choice = "fisher" if small_expected == "fisher" else ("chi-square-yates" if yates else "chi-square")
        reason = f"small expected counts (smallest {expected.min():.2g})"
    outcome = _NO_TEST
    if used.shape[1] < 2 and len(masks) > 1:
        reason = "no test: one level only"
    elif choice == "fisher":
        outcome = tests.fisher(used)
    elif choice != "none":
        outcome = tests.chi_square(used, yates=choice == "chi-square-yates")
    empty = [np.empty(0)] * len(masks)
    split = _summary(name, "categorical", empty, [int((codes[mask] < 0).sum()) for mask in masks])
    whole = _summary(name, "categorical", [np.empty(0)], [int((codes < 0).sum())])
    labels = tuple(map(str, levels))
    return BaselineVariable(
        **(split | {"n": counts.sum(axis=1)}),
        levels=labels,
        counts=counts,
        normality_pvalue=np.full(len(masks), np.nan),
        homogeneity_pvalue=float("nan"),
        smallest_expected=float(expected.min()),
        test=outcome.name,
        reason=reason,
        statistic=outcome.statistic,
        df=outcome.df,
        pvalue=outcome.pvalue,
        smd=difference_of_counts(counts) if len(masks) > 1 else float("nan"),
        overall=_overall(whole | {"n": np.array([counts.sum()])}, labels, counts.sum(axis=0, keepdims=True))
        if len(masks) > 1
        else None,
    )


def _need_values(name: str, names: tuple[str, ...], sizes: list[int]) -> None:
    for group, size in zip(names, sizes, strict=True):
        if size == 0:
            where = f" in group {group!r}; leave it out or merge groups." if len(names) > 1 else "; leave it out."
            raise ValueError(f"{name!r} has no known value{where}")


def _summary(name: str, kind: str, groups: list[FloatArray], missing: list[int]) -> dict[str, Any]:
    def each(function: Any, least: int = 1) -> FloatArray:
        return np.array([float(function(g)) if len(g) >= least else np.nan for g in groups])

    return {
        "name": name,
        "kind": kind,
        "n": np.array([len(g) for g in groups]),
        "missing": np.array(missing),
        "mean": each(np.mean),
        "sd": each(lambda g: np.std(g, ddof=1), 2),
        "median": each(np.median),
        "q1": each(lambda g: np.quantile(g, 0.25)),
        "q3": each(lambda g: np.quantile(g, 0.75)),
    }


def _overall(summary: dict[str, Any], levels: tuple[str, ...], counts: npt.NDArray[np.int64]) -> BaselineVariable:
    nan = float("nan")
    return BaselineVariable(
        **summary,
        levels=levels,
        counts=counts,
        normality_pvalue=np.array([nan]),
        homogeneity_pvalue=nan,
        smallest_expected=nan,
        test="",
        reason="",
        statistic=nan,
        df=(),
        pvalue=nan,
        smd=nan,
    )
