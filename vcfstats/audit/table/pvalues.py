"""P values that a baseline table can have: the candidate tests recomputed from what is printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, fdtrc, gammaln, stdtr

from vcfstats.audit.table.cells import Printed, clean, number_text, printed

_TABLES = 300_000  # tables enumerated for an exact test before it is given up
_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"


@dataclass(frozen=True)
class PrintedP:
    """A p value as printed: the closed interval of values it stands for."""

    text: str
    low: float
    high: float
    figure: Printed | None = None

    def meets(self, low: float, high: float) -> bool:
        """Say whether a p value between `low` and `high` may have been printed so."""
        slack = 1e-9 + 1e-6 * self.high  # numerical error of the recomputation
        return low <= self.high + slack and high >= self.low - slack


def read_p(value: Any) -> PrintedP | None:
    """Read ``0.034``, ``.034*``, ``<0.001``, ``p = 0.03``, ``> 0.99``, ``1.2e-5``; None where there is no p value."""
    text = clean(number_text(value))
    power = re.search(rf"({_NUMBER})\s*[x×*]\s*10\s*\^?\s*\(?-\s*(\d+)", text)
    if power:
        number = printed(f"{power.group(1)}e-{power.group(2)}")
        return PrintedP(text, float(number.low), float(number.high), number)
    found = re.search(rf"([<>≤≥=]?)\s*=?\s*({_NUMBER})", text)
    if not found or re.search(r"[A-Za-z]{3}", re.sub(r"\b(value|p)\b", "", text, flags=re.IGNORECASE)):
        return None
    sign, number = found.group(1), printed(found.group(2))
    if number.value > 1:
        return None
    if sign in ("<", "≤"):
        return PrintedP(text, 0.0, float(number.value))
    if sign in (">", "≥"):
        return PrintedP(text, float(number.value), 1.0)
    return PrintedP(text, max(float(number.low), 0.0), min(float(number.high), 1.0), number)


def categorical_candidates(counts: npt.ArrayLike) -> dict[str, float]:
    """Return the p values of the tests of an r x c table of counts: Pearson, Yates, Fisher and relatives.

    Yates' correction is of 2 x 2 tables; Fisher's test of r x 2 tables by enumeration (Freeman and Halton), left out
    where there are too many; also the likelihood ratio test and, for levels in the order printed, the test of linear
    trend, Kruskal-Wallis and (of two groups) the rank sum test with its correction for continuity.
    """
    statistics = categorical_statistics(counts)
    if not statistics:
        return {}
    found = {name: float(chdtrc(df, value)) for name, (value, df) in statistics.items()}
    if (exact := _exact(_filled(counts).astype(np.int64))) is not None:
        found["Fisher"] = exact
    return found


def categorical_statistics(counts: npt.ArrayLike) -> dict[str, tuple[float, int]]:
    """Return the chi-square statistics of an r x c table of counts with their degrees of freedom."""
    table = _filled(counts)
    if table.shape[0] < 2 or table.shape[1] < 2:
        return {}
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    found = {"Pearson": (float(((table - expected) ** 2 / expected).sum()), df)}
    if table.shape == (2, 2):
        gap = np.abs(table - expected)
        found["Yates"] = (float(((gap - np.minimum(0.5, gap)) ** 2 / expected).sum()), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 2 * np.nansum(np.where(table > 0, table * np.log(table / expected), 0.0))
    found["likelihood ratio"] = (float(max(ratio, 0.0)), df)
    if table.shape[0] > 2 or table.shape[1] > 2:
        rows, columns = np.arange(table.shape[0]), np.arange(table.shape[1])
        found["trend"] = (float((total - 1) * _correlation(table, rows, columns) ** 2), 1)
    return found | _rank_statistics(table)


def _filled(counts: npt.ArrayLike) -> Any:
    table = np.asarray(counts, dtype=np.float64)
    return table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]


def _rank_statistics(table: Any) -> dict[str, tuple[float, int]]:
    """Return Kruskal and Wallis's H over the levels in their order, ties shared, and the squared z of two groups."""
    levels, groups, total = table.sum(axis=1), table.sum(axis=0), table.sum()
    ranks = np.cumsum(levels) - (levels - 1) / 2  # the middle rank of each level
    middle = (total + 1) / 2
    spread = (levels * (ranks - middle) ** 2).sum()
    if spread <= 0:
        return {}
    means = (table * ranks[:, None]).sum(axis=0) / groups
    found = {"Kruskal-Wallis": (float((total - 1) * (groups * (means - middle) ** 2).sum() / spread), groups.size - 1)}
    if groups.size == 2:
        variance = groups[0] * groups[1] / (total * (total - 1)) * spread
        distance = max(abs(groups[0] * (means[0] - middle)) - 0.5, 0.0)
        found["rank sum, corrected"] = (float(distance**2 / variance), 1)
    return found


def continuous_candidates(
    means: Sequence[Printed], sds: Sequence[Printed], sizes: Sequence[int]
) -> dict[str, tuple[float, float]]:
    """Return the range of p values of Student's and Welch's test (of two groups) or of their analyses of variance.

    For two groups |t| grows with the distance of the means and falls with each SD, so that the corners of the rounding
    intervals hold its extremes; the degrees of freedom of Welch's test are taken at their extremes too. For more groups
    the corners are searched, the exact extremes may lie a little outside, and the range is widened by a tenth.
    """
    n = np.asarray(sizes, dtype=np.float64)
    corners_of_sd = np.array(list(product(*[(max(float(s.low), 1e-12), float(s.high)) for s in sds])))
    if len(means) == 2:
        distance = float(abs(means[0].value - means[1].value))
        slack = float(means[0].half + means[1].half)
        gaps = np.array([max(distance - slack, 0.0), distance + slack])
        variance = corners_of_sd**2
        pooled = ((n - 1) * variance).sum(axis=1) / (n.sum() - 2) * (1 / n).sum()
        apart = (variance / n).sum(axis=1)
        df = apart**2 / ((variance / n) ** 2 / (n - 1)).sum(axis=1)
        student = 2 * stdtr(n.sum() - 2, -np.array([gaps[1] / np.sqrt(pooled.min()), gaps[0] / np.sqrt(pooled.max())]))
        welch = 2 * stdtr(
            np.array([df.max(), df.min()]), -np.array([gaps[1] / np.sqrt(apart.min()), gaps[0] / np.sqrt(apart.max())])
        )
        return {"Student": (float(student[0]), float(student[1])), "Welch": (float(welch[0]), float(welch[1]))}
    if len(means) > 4:
        corners_of_mean, corners_of_sd = np.array([[float(m) for m in means]]), np.array([[float(s) for s in sds]])
    else:
        corners_of_mean = np.array(list(product(*[(float(m.low), float(m), float(m.high)) for m in means])))
    pairs = [(mean, sd) for mean in corners_of_mean for sd in corners_of_sd]
    ordinary = [_anova(mean, sd**2, n) for mean, sd in pairs]
    unequal = [_welch_anova(mean, sd**2, n) for mean, sd in pairs]
    return {"analysis of variance": _widened(ordinary), "Welch's analysis of variance": _widened(unequal)}


def _widened(values: list[float]) -> tuple[float, float]:
    return 0.9 * min(values), min(1.1 * max(values), 1.0)


def _anova(mean: Any, variance: Any, n: Any) -> float:
    k, total = n.size, n.sum()
    between = (n * (mean - (n * mean).sum() / total) ** 2).sum() / (k - 1)
    within = ((n - 1) * variance).sum() / (total - k)
    return float(fdtrc(k - 1, total - k, between / within))


def _welch_anova(mean: Any, variance: Any, n: Any) -> float:
    k, w = n.size, n / variance
    centre = (w * mean).sum() / w.sum()
    lack = ((1 - w / w.sum()) ** 2 / (n - 1)).sum()
    statistic = (w * (mean - centre) ** 2).sum() / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    return float(fdtrc(k - 1, (k**2 - 1) / (3 * lack), statistic))


def _correlation(table: Any, rows: Any, columns: Any) -> float:
    share = table / table.sum()
    x, y = (share.sum(axis=1) * rows).sum(), (share.sum(axis=0) * columns).sum()
    a, b = rows - x, columns - y
    spread = np.sqrt((share.sum(axis=1) * a**2).sum() * (share.sum(axis=0) * b**2).sum())
    return float((share * np.outer(a, b)).sum() / spread) if spread else 0.0


def _exact(table: npt.NDArray[np.int64]) -> float | None:
    """Return Fisher's p of an r x 2 (or 2 x c) table: the tables no more probable than this one, margins fixed."""
    if table.shape[1] != 2:
        table = table.T
    if table.shape[1] != 2:
        return None
    sizes, first = table.sum(axis=1), int(table[:, 0].sum())
    order = np.argsort(sizes, kind="stable")
    sums, logs = np.zeros(1, dtype=np.int64), np.zeros(1)
    for size in sizes[order[:-1]]:  # the largest row follows from the rest
        x = np.arange(size + 1)
        if sums.size * x.size > _TABLES:
            return None
        sums = (sums[:, None] + x).ravel()
        logs = (logs[:, None] + _log_choose(size, x)).ravel()
        keep = sums <= first
        sums, logs = sums[keep], logs[keep]
    rest = first - sums
    last = sizes[order[-1]]
    keep = rest <= last
    logs = logs[keep] + _log_choose(last, rest[keep]) - _log_choose(sizes.sum(), np.array(first))
    observed = _log_choose(sizes, table[:, 0]).sum() - _log_choose(sizes.sum(), np.array(first))
    return float(min(np.exp(logs[logs <= observed + 1e-7]).sum(), 1.0))


def _log_choose(n: Any, k: Any) -> Any:
    return gammaln(np.asarray(n) + 1.0) - gammaln(np.asarray(k) + 1.0) - gammaln(np.asarray(n) - np.asarray(k) + 1.0)
