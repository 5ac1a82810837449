"""McNemar's test of paired proportions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from vcfstats.statistics.diagnostic.proportion import proportion_ci
from vcfstats.statistics.inputs import (
    as_flag,
    as_numbers,
    as_outcome,
    check_alignment,
    check_choice,
    check_level,
    check_order,
)
from vcfstats.statistics.results import ConfidenceInterval, Result

METHODS = ("exact", "mid-p", "asymptotic")
_MOST_PAIRS = 10**12  # counts beyond are no counts, and their products would overflow
DIFFERENCE_METHODS = ("tango", "wald")


@dataclass(frozen=True, repr=False, eq=False)
class McNemar(Result):
    """McNemar's test of a 2 x 2 table of pairs.

    Attributes
    ----------
    statistic : float
        Chi-square ("asymptotic"), else b, the first of the two discordant counts.
    pvalue : float
        Two-sided.
    df : float
        1 ("asymptotic"), else NaN.
    b, c : int
        Discordant counts, row 1 column 2 and row 2 column 1.
    n : int
        Pairs.
    odds_ratio : float
        b / c, conditional on the discordant pairs; NaN with none.
    difference : float
        (b - c) / n, the first proportion less the second.
    method : str
        "exact", "mid-p" or "asymptotic".
    """

    statistic: float
    pvalue: float
    df: float
    b: int
    c: int
    n: int
    odds_ratio: float
    difference: float
    method: str

    def confidence_interval(
        self, confidence_level: float = 0.95, method: str | None = None, *, of: str = "difference"
    ) -> ConfidenceInterval:
        r"""Return an interval of the difference of the two proportions, or of the odds ratio b / c.

        Parameters
        ----------
        confidence_level : float
            Such as 0.95.
        method : str, optional
            Of the difference: "tango" (default), the score interval; "wald",
            :math:`d\pm z\sqrt{b+c-(b-c)^2/n}/n`. Of the odds ratio: "exact" (default), "mid-p" or "wald",
            :math:`\exp(\log(b/c)\pm z\sqrt{1/b+1/c})`.
        of : {"difference", "odds_ratio"}
            Of what.

        Raises
        ------
        ValueError
            An unknown method, or a level outside (0, 1).

        References
        ----------
        Tango (1998), doi 10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B; Fagerland, Lydersen & Laake
        (2014), doi 10.1002/sim.6148.
        """
        level = check_level(confidence_level)
        if check_choice(of, ("difference", "odds_ratio"), name="of") == "difference":
            chosen = check_choice(method, DIFFERENCE_METHODS, name="method", default="tango")
            return paired_difference_ci(self.b, self.c, self.n, chosen, level)
        chosen = check_choice(method, ("exact", "mid-p", "wald"), name="method", default="exact")
        return _odds_interval(self.b, self.c, chosen, level)


def mcnemar_test(
    table: npt.ArrayLike,
    second: npt.ArrayLike | None = None,
    *,
    method: str = "exact",
    correction: bool = True,
) -> McNemar:
    r"""Test whether two paired proportions are equal.

    With b and c the discordant pairs, "exact" refers b to Binomial(b + c, 1/2), two-sided; "mid-p" counts the observed
    value by half; "asymptotic" refers :math:`(|b-c|-k)^2/(b+c)` to chi-square with 1 degree of freedom, k = 1 with
    correction (0 where b = c) and 0 without.

    Parameters
    ----------
    table : array-like of shape (2, 2), or of shape (n,)
        Counts of pairs: rows the first reading, columns the second, both in the same order. Or the first of two 0/1 vectors.
    second : array-like of shape (n,), optional
        The second 0/1 vector, paired with the first; rows and columns are then 1, 0, so that b counts "first only".
    method : {"exact", "mid-p", "asymptotic"}
        "mid-p" keeps its level nearly always and is less conservative than "exact".
    correction : bool
        Continuity correction of "asymptotic", which makes it conservative.

    Returns
    -------
    McNemar
        With no discordant pair: p 1 for "exact" and "mid-p"; 0/0, NaN, for "asymptotic".

    Raises
    ------
    ValueError
        Another shape, or counts that are negative or not integers.

    References
    ----------
    McNemar (1947), doi 10.1007/BF02295996; Fagerland, Lydersen & Laake (2013), doi 10.1186/1471-2288-13-91.

    Examples
    --------
    >>> from vcfstats import mcnemar_test
    >>> test = mcnemar_test([[59, 6], [16, 80]], method="mid-p")
    >>> round(test.difference, 4), round(test.pvalue, 4)
    (-0.0621, 0.0347)
    >>> low, high = test.confidence_interval(0.95)
    >>> round(low, 3), round(high, 3)
    (-0.124, -0.005)
    """
    check_choice(method, METHODS, name="method")
    as_flag(correction, "correction")
    cells = _table(table) if second is None else _cross(table, second)
    (_, b), (c, _) = cells
    n, discordant = sum(map(sum, cells)), b + c
    statistic: float = float(b)
    if method == "asymptotic":
        shift = 1 if correction and b != c else 0
        statistic = (abs(b - c) - shift) ** 2 / discordant if discordant else math.nan
        pvalue = float(special.chdtrc(1, statistic))
    else:
        smaller = min(b, c)
        tail = float(special.bdtr(smaller, discordant, 0.5)) if discordant else 1.0
        if method == "mid-p" and discordant:
            tail = (tail + (float(special.bdtr(smaller - 1, discordant, 0.5)) if smaller else 0.0)) / 2
        pvalue = min(1.0, 2 * tail)
    return McNemar(
        statistic=statistic,
        pvalue=pvalue,
        df=1.0 if method == "asymptotic" else math.nan,
        b=b,
        c=c,
        n=n,
        odds_ratio=b / c if c else (math.inf if b else math.nan),
        difference=(b - c) / n if n else math.nan,
        method=method,
    )


def paired_difference_ci(b: int, c: int, n: int, method: str, level: float) -> ConfidenceInterval:
    """Return the interval of (b - c) / n by Tango's score method or Wald's; NaN without pairs."""
    if n == 0:
        return ConfidenceInterval(math.nan, math.nan)
    z = float(special.ndtri(0.5 + level / 2))
    difference = (b - c) / n
    if method == "wald":
        half = z * math.sqrt(b + c - (b - c) ** 2 / n) / n
        return ConfidenceInterval(difference - half, difference + half)

    def score(delta: float) -> float:
        linear = -b - c + (2 * n - b + c) * delta
        root = math.sqrt(linear * linear + 8 * n * c * delta * (1 - delta))
        # The stable form of the positive root of 2n q^2 + linear q - c delta (1 - delta) = 0.
        q = 2 * c * delta * (1 - delta) / (root + linear) if linear > 0 else (root - linear) / (4 * n)
        spread = n * (2 * q + delta * (1 - delta))
        gap = b - c - n * delta
        return gap / math.sqrt(spread) if spread > 0 else math.copysign(math.inf, gap) if gap else 0.0

    edge = 1 - 1e-12
    low = -1.0 if score(-edge) < z else optimize.brentq(lambda d: score(d) - z, -edge, difference, xtol=1e-15)
    high = 1.0 if score(edge) > -z else optimize.brentq(lambda d: score(d) + z, difference, edge, xtol=1e-15)
    return ConfidenceInterval(float(low), float(high))


def _odds_interval(b: int, c: int, method: str, level: float) -> ConfidenceInterval:
    if b + c == 0:
        return ConfidenceInterval(0.0, math.inf)
    if method == "wald":
        if not (b and c):
            return ConfidenceInterval(math.nan, math.nan)
        half = float(special.ndtri(0.5 + level / 2)) * math.sqrt(1 / b + 1 / c)
        return ConfidenceInterval(b / c * math.exp(-half), b / c * math.exp(half))
    if method == "exact":
        low, high = proportion_ci(b, b + c, "clopper-pearson", confidence_level=level)
    else:
        low, high = _mid_p_interval(b, b + c, (1 - level) / 2)
    return ConfidenceInterval(low / (1 - low), high / (1 - high) if high < 1 else math.inf)


def _mid_p_interval(x: int, n: int, alpha: float) -> tuple[float, float]:
    def upper_tail(p: float) -> float:
        return float(special.bdtrc(x, n, p) + special.bdtrc(x - 1, n, p) if x else special.bdtrc(x, n, p) + 1) / 2

    low = 0.0 if x == 0 else float(optimize.brentq(lambda p: upper_tail(p) - alpha, 0.0, 1.0, xtol=1e-15))
    high = 1.0 if x == n else float(optimize.brentq(lambda p: 1 - upper_tail(p) - alpha, 0.0, 1.0, xtol=1e-15))
    return low, high


def _table(table: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    cells = np.empty(0) if isinstance(table, str) else as_numbers(table, "table", booleans=False)
    check_order("the columns of table", getattr(table, "columns", None), "its rows", getattr(table, "index", None))
    if (
        cells.shape != (2, 2)
        or not np.isfinite(cells).all()
        or (cells < 0).any()
        or (cells != np.floor(cells)).any()
        or (cells > _MOST_PAIRS).any()
    ):
        raise ValueError(
            "table must be 2 x 2 counts, rows the first reading and columns the second; or pass two 0/1 vectors."
            f" Got shape {cells.shape}."
        )
    (a, b), (c, d) = cells.astype(np.int64).tolist()
    return (a, b), (c, d)


def _cross(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[tuple[int, int], tuple[int, int]]:
    check_alignment(table=first, second=second)
    x = as_outcome(first, both_classes=False, name="table", argument=None)
    y = as_outcome(second, both_classes=False, name="second", argument=None)
    if x.size != y.size:
        raise ValueError(f"table and second must be paired readings; got {x.size} and {y.size} values.")
    return (int((x & y).sum()), int((x & ~y).sum())), (int((~x & y).sum()), int((~x & ~y).sum()))
