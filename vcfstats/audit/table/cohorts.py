"""Class counts of a cohort, recovered from all rows of the tables that speak of it.

Each pair of counts (m events, k non-events) is scored by how probable it makes the printed rows. If a row's confusion
matrix is any of the (m + 1)(k + 1) possible ones, a row that c of them reproduce has probability c / ((m + 1)(k + 1)); a
row that none reproduces is a misprint (probability `MISPRINT`) and may then hold any figures. The best score wins, so
that one wrong row among eight does not drive the counts up to where everything fits. A likelihood ratio against wrong
counts exceeds c with probability of at most 1 / c; over s candidates, ln s + ln `ODDS` is the margin beyond which the
recovered counts are held against a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from vcfstats.audit.table.counts import IntArray, bounds_of, count_matrices, prevalence_range
from vcfstats.audit.table.reading import Row
from vcfstats.statistics.inputs import FloatArray

MISPRINT = 0.01
ODDS = 1000.0
_PAIRS = 60_000
_MOST_N = 3000
_MOST_CELLS = 100_000_000


@dataclass(frozen=True)
class Recovery:
    """Candidate class counts of one cohort and how well they explain its rows.

    `rows` can be checked, `members` are all rows of the cohort. `fits` has shape (rows, s): the number of matrices of each candidate that reproduce each row. `n` is the total where it
    is known. `far` is the score of counts beyond those searched, were they to explain every row; `tried` the
    number of candidates before those were left out that no more than half of the rows could fit.
    """

    name: str
    rows: tuple[Row, ...]
    members: tuple[Row, ...]
    n: int | None
    given: bool
    m: IntArray
    k: IntArray
    fits: IntArray
    scores: FloatArray
    far: float
    tried: int = 0

    @cached_property
    def best(self) -> int:
        """Position of the counts that explain the rows best; without a known total, of the smallest that do.

        Smallest: among the plausible counts that reproduce as many rows as those with the best score.
        """
        top = int(np.argmax(self.scores))
        if self.n is not None:
            return top
        reproduced = (self.fits > 0).sum(axis=0)
        equal = np.flatnonzero((self.scores >= self.scores[top] - self.threshold) & (reproduced == reproduced[top]))
        return int(equal[np.argmin((self.m + self.k)[equal])])

    @property
    def events(self) -> int:
        """Events of the best counts."""
        return int(self.m[self.best])

    @property
    def nonevents(self) -> int:
        """Non-events of the best counts."""
        return int(self.k[self.best])

    @property
    def threshold(self) -> float:
        """Log odds by which counts must win before they are held against a row."""
        return math.log(max(self.tried, 1)) + math.log(ODDS)

    @cached_property
    def plausible(self) -> IntArray:
        """Candidates that the rows do not rule out, in the order of n."""
        near = np.flatnonzero(self.scores >= self.scores.max() - self.threshold)
        return near[np.argsort((self.m + self.k)[near], kind="stable")]

    @property
    def is_settled(self) -> bool:
        """True where one pair of counts stands alone."""
        return bool(self.m.size) and (self.given or (self.is_covered and self.plausible.size == 1))

    @property
    def is_covered(self) -> bool:
        """True where the true counts are among the candidates: n is known, or larger counts explain the rows far worse."""
        return bool(self.m.size) and bool(self.scores.max() - self.far > self.threshold)

    @cached_property
    def rivals(self) -> IntArray:
        """Plausible counts, other than the best, that reproduce as many rows."""
        reproduced = (self.fits > 0).sum(axis=0)
        return np.array(
            [i for i in self.plausible if i != self.best and reproduced[i] >= reproduced[self.best]], dtype=np.int64
        )

    @property
    def is_pointed(self) -> bool:
        """True where no other counts reproduce as many rows: good enough to show, not to hold against a row."""
        return bool(self.m.size) and (
            self.is_settled
            or (self.n is not None and not self.rivals.size and bool((self.fits[:, self.best] > 0).any()))
        )

    def margin(self, row: int) -> float:
        """Return by how much the best counts beat the best that reproduce the row."""
        allowed = self.scores[self.fits[row] > 0]
        other = max(allowed.max(initial=-np.inf), self.far)
        return float(self.scores.max() - other)


def checkable(row: Row) -> bool:
    """Say whether a row holds rates of one confusion matrix that can be checked."""
    inside = all(
        0 <= figure.units <= 10**figure.decimals
        for name, figure in row.rates.items()
        if name not in {"lr_positive", "lr_negative"}
    )
    return not row.averaged and len(row.rates) >= 1 and inside


def recover(name: str, rows: Sequence[Row], *, n: int | None = None, events: int | None = None) -> Recovery:
    """Score the class counts that a cohort may have.

    Parameters
    ----------
    name : str
        The cohort.
    rows : sequence of Row
        Its rows; those that cannot be checked are left out.
    n, events : int, optional
        Total and events where they are known.

    Returns
    -------
    Recovery
        With at least one candidate, or with empty arrays where no row can be checked.
    """
    used = tuple(row for row in rows if checkable(row))
    m, k = _candidates(used, n, events)
    tried = int(m.size)
    if n is None and events is None and tried:
        m, k = _sieved(used, m, k)
    # Without a sensitivity every TP of every pair is looked at: beyond this, a row is left out rather than waited for.
    used = tuple(row for row in used if "sensitivity" in row.rates or m.size * int(m.max(initial=0)) <= _MOST_CELLS)
    if not m.size or not (used or (n is not None and events is not None)):
        empty = np.zeros(0, dtype=np.int64)
        none = np.zeros((len(used), 0), dtype=np.int64)
        return Recovery(name, used, tuple(rows), n, False, empty, empty, none, np.zeros(0), -math.inf)
    known = [row.matrix_cells for row in used]
    fits = np.zeros((len(used), m.size), dtype=np.int64)
    for index, (row, have) in enumerate(zip(used, known, strict=True)):
        fits[index] = count_matrices(row.rates, m, k, known=have)
    scores = np.zeros(m.size)
    possible = np.log((m + 1.0) * (k + 1.0))
    far = 0.0
    seen: set[tuple[object, ...]] = set()
    for row, fit in zip(used, fits, strict=True):
        if row.operating_point in seen:  # models that agree in every call are one piece of evidence
            continue
        seen.add(row.operating_point)
        # log of the density of two rates printed to their decimals, whatever the counts
        free = -math.log(10.0) * sum(sorted((figure.decimals for figure in row.rates.values()), reverse=True)[:2])
        with np.errstate(divide="ignore"):
            scores += np.where(fit > 0, math.log1p(-MISPRINT) + np.log(fit) - possible, math.log(MISPRINT) + free)
        far += free
    known_total = n is not None or events is not None
    return Recovery(
        name, used, tuple(rows), n, m.size == 1 and known_total, m, k, fits, scores, -math.inf if known_total else far
    )


def _candidates(rows: Sequence[Row], n: int | None, events: int | None) -> tuple[IntArray, IntArray]:
    if n is not None and events is not None:
        return np.array([events]), np.array([n - events])
    if n is not None:
        m = np.arange(1, n, dtype=np.int64)
        if n > 2000:
            low, high = _common_prevalence(rows)
            keep = (m >= math.floor(n * low) - 1) & (m <= math.ceil(n * high) + 1)
            m = m[keep] if keep.any() else m
        return m, n - m
    if events is not None:
        k = np.arange(1, _MOST_N, dtype=np.int64)
        return np.full(k.size, events, dtype=np.int64), k
    if sum(len(row.rates) for row in rows) < 3:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    low, high = _common_prevalence(rows)
    ms, ks, total = [], [], 0
    for size in range(2, _MOST_N):
        first = -(-size * low.numerator // low.denominator)
        last = size * high.numerator // high.denominator
        m = np.arange(max(1, first), min(size - 1, last) + 1, dtype=np.int64)
        if m.size:
            ms.append(m)
            ks.append(size - m)
            total += m.size
        if total > _PAIRS:
            break
    if not ms:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(ms), np.concatenate(ks)


def _sieved(rows: Sequence[Row], m: IntArray, k: IntArray) -> tuple[IntArray, IntArray]:
    """Leave out counts of which half of the operating points have a sensitivity, or a specificity, that is no share.

    A necessary condition, checked on single counts instead of pairs; such counts could not be the best.
    """
    distinct = list({row.operating_point: row for row in rows}.values())
    if len(distinct) < 3:
        return m, k
    keep = np.ones(m.size, dtype=bool)
    for name, counts in (("sensitivity", m), ("specificity", k)):
        figures = [row.rates[name] for row in distinct if name in row.rates]
        whole = np.arange(int(counts.max()) + 1, dtype=np.int64)
        possible = np.zeros(whole.size, dtype=np.int64)
        for figure in figures:
            a, b, scale = bounds_of(figure)
            possible += np.maximum(-((-a * whole) // scale), 0) <= np.minimum(b * whole // scale, whole)
        keep &= 2 * possible[counts] >= len(figures)
    return (m[keep], k[keep]) if keep.any() else (m, k)


def _common_prevalence(rows: Sequence[Row]) -> tuple[Fraction, Fraction]:
    """Return the range of shares of events that at least half of the rows allow."""
    ranges = [found for found in (prevalence_range(row.rates) for row in rows) if found[0] <= found[1]]
    if not ranges:
        return Fraction(0), Fraction(1)
    points = sorted({end for found in ranges for end in found})
    depth = {point: sum(low <= point <= high for low, high in ranges) for point in points}
    need = min(max(depth.values()), (len(ranges) + 1) // 2)
    inside = [point for point in points if depth[point] >= need]
    return inside[0], inside[-1]
