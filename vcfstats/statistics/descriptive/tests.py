"""The tests of a baseline table, each with its name, and the rules that choose among them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from vcfstats.statistics.descriptive.fisher import fisher_pvalue
from vcfstats.statistics.inputs import FloatArray

IntArray = npt.NDArray[np.int64]
_SHAPIRO_LIMIT = 5000  # of Royston's approximation
_EXACT_RANK_LIMIT = 50  # per group, without ties: as R's wilcox.test


@dataclass(frozen=True)
class TestOutcome:
    """A test that was made: its name, statistic, degrees of freedom (NaN where none) and p value."""

    name: str
    statistic: float
    df: tuple[float, ...]
    pvalue: float


def student(groups: list[FloatArray]) -> TestOutcome:
    """Two-sample t test with a pooled variance."""
    result = stats.ttest_ind(*groups, equal_var=True)
    return TestOutcome("Student t-test", float(result.statistic), (float(result.df),), float(result.pvalue))


def welch(groups: list[FloatArray]) -> TestOutcome:
    """Two-sample t test without pooling."""
    result = stats.ttest_ind(*groups, equal_var=False)
    return TestOutcome("Welch t-test", float(result.statistic), (float(result.df),), float(result.pvalue))


def mann_whitney(groups: list[FloatArray]) -> TestOutcome:
    """Mann-Whitney U: exact for small groups without ties, else normal with tie and continuity corrections."""
    first, second = groups
    tied = len(np.unique(np.concatenate(groups))) < len(first) + len(second)
    exact = max(len(first), len(second)) < _EXACT_RANK_LIMIT and not tied
    result = stats.mannwhitneyu(first, second, use_continuity=True, method="exact" if exact else "asymptotic")
    return TestOutcome("Mann-Whitney U test", float(result.statistic), (), float(result.pvalue))


def anova(groups: list[FloatArray]) -> TestOutcome:
    """One-way analysis of variance."""
    result = stats.f_oneway(*groups)
    n = sum(map(len, groups))
    return TestOutcome(
        "one-way ANOVA", float(result.statistic), (len(groups) - 1.0, float(n - len(groups))), float(result.pvalue)
    )


def welch_anova(groups: list[FloatArray]) -> TestOutcome:
    """One-way analysis of means without equal variances (Welch 1951, doi 10.1093/biomet/38.3-4.330)."""
    sizes = np.array([len(g) for g in groups], dtype=float)
    weight = sizes / np.array([np.var(g, ddof=1) for g in groups])
    means = np.array([np.mean(g) for g in groups])
    k = len(groups)
    centre = np.sum(weight * means) / weight.sum()
    imbalance = np.sum((1 - weight / weight.sum()) ** 2 / (sizes - 1)) / (k**2 - 1)
    f = np.sum(weight * (means - centre) ** 2) / ((k - 1) * (1 + 2 * (k - 2) * imbalance))
    df2 = 1 / (3 * imbalance)
    return TestOutcome("Welch ANOVA", float(f), (k - 1.0, float(df2)), float(stats.f.sf(f, k - 1, df2)))


def kruskal(groups: list[FloatArray]) -> TestOutcome:
    """Kruskal-Wallis rank test with tie correction."""
    result = stats.kruskal(*groups)
    return TestOutcome("Kruskal-Wallis test", float(result.statistic), (len(groups) - 1.0,), float(result.pvalue))


def chi_square(counts: IntArray, *, yates: bool) -> TestOutcome:
    """Pearson's chi-square; Yates' correction, for 2 x 2 tables alone, is capped at |observed - expected|."""
    corrected = yates and counts.shape == (2, 2)
    result = stats.chi2_contingency(counts, correction=corrected)
    name = "chi-square test (Yates)" if corrected else "chi-square test"
    return TestOutcome(name, float(result.statistic), (float(result.dof),), float(result.pvalue))


def fisher(counts: IntArray) -> TestOutcome:
    """Fisher's exact test."""
    pvalue, name = fisher_pvalue(counts)
    return TestOutcome(name, float("nan"), (), pvalue)


CONTINUOUS: dict[str, Callable[[list[FloatArray]], TestOutcome]] = {
    "student": student,
    "welch": welch,
    "mann-whitney": mann_whitney,
    "anova": anova,
    "welch-anova": welch_anova,
    "kruskal-wallis": kruskal,
}
TWO_GROUPS = ("student", "welch", "mann-whitney")


def normality_pvalue(values: FloatArray) -> float:
    """Shapiro-Wilk p value; beyond 5,000 values, where it is not defined, D'Agostino and Pearson's. NaN below 3."""
    if len(values) < 3 or np.ptp(values) == 0:
        return float("nan")
    if len(values) > _SHAPIRO_LIMIT:
        return float(stats.normaltest(values).pvalue)
    return float(stats.shapiro(values).pvalue)


def homogeneity_pvalue(groups: list[FloatArray], center: str) -> float:
    """Levene's test about the mean, or about the median (Brown and Forsythe)."""
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # groups without spread: NaN
        return float(stats.levene(*groups, center=center).pvalue)


def expected_counts(counts: IntArray) -> FloatArray:
    """Expected counts under independence."""
    return np.asarray(np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum())


def chi_square_holds(counts: IntArray) -> bool:
    """Cochran's rule: no expected count below 1 and at most a fifth below 5 (in a 2 x 2 table: none below 5)."""
    expected = expected_counts(counts)
    small = np.mean(expected < 5)
    return bool(expected.min() >= 1 and small <= 0.2)
