"""What one resample is: rows or whole clusters drawn with replacement, within strata where there are any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import BoolArray, FloatArray, RandomState, as_count, as_flag, as_generator, as_labels

IntArray = npt.NDArray[np.int64]
# Resamples per random stream. The streams, not the workers, decide what is drawn; a change here changes every result.
CHUNK = 100


@dataclass(frozen=True)
class Plan:
    """A resampling plan over n rows.

    The units drawn are rows or clusters of rows; `unit` says to which unit a row belongs and `strata` lists the units of
    each stratum. A resample draws from each stratum as many units as it has.
    """

    n: int
    unit: IntArray
    strata: tuple[IntArray, ...]
    clustered: bool

    @property
    def n_units(self) -> int:
        """Number of rows, or of clusters."""
        return sum(stratum.size for stratum in self.strata)

    def draw_units(self, generator: np.random.Generator) -> IntArray:
        """Draw the units of one resample."""
        return np.concatenate([s[generator.integers(0, s.size, s.size)] for s in self.strata])

    def rows_of(self, units: IntArray) -> IntArray:
        """Return the rows of units drawn, a unit drawn twice giving its rows twice."""
        if not self.clustered:
            return units
        order = np.argsort(self.unit, kind="stable")
        size = np.bincount(self.unit, minlength=self.n_units)
        start = np.cumsum(size) - size
        length = size[units]
        offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        rows: IntArray = order[np.repeat(start[units], length) + offset]
        return rows

    def weights_of(self, units: IntArray) -> FloatArray:
        """Return how often each row occurs in the resample, shape (n,)."""
        weights: FloatArray = np.bincount(units, minlength=self.n_units).astype(np.float64)[self.unit]
        return weights


def make_plan(n: int, *, strata: npt.ArrayLike | None = None, clusters: npt.ArrayLike | None = None) -> Plan:
    """Return the plan for n rows, stratified and clustered as asked.

    Raises
    ------
    ValueError
        Labels of another length, or a cluster that lies in two strata.
    """
    unit = np.arange(n)
    if clusters is not None:
        unit = as_labels(clusters, n, name="clusters")
    n_units = int(unit.max()) + 1
    if strata is None:
        return Plan(n, unit, (np.arange(n_units),), clusters is not None)
    stratum = as_labels(strata, n, name="strata")
    of_unit = np.empty(n_units, dtype=np.int64)
    of_unit[unit] = stratum
    crossing = stratum != of_unit[unit]
    if crossing.any():
        row = int(np.argmax(crossing))
        raise ValueError(
            f"Cluster {np.asarray(clusters)[row]!s} lies in more than one stratum (see row {row}); strata must be constant"
            " within a cluster. Leave strata out, or define them by cluster."
        )
    groups = tuple(np.flatnonzero(of_unit == s) for s in range(int(stratum.max()) + 1))
    return Plan(n, unit, groups, clusters is not None)


def strata_of(outcome: BoolArray, stratified: bool | None, clusters: Any) -> BoolArray | None:
    """Return the classes as strata where patients are drawn by class: unless asked otherwise, or whole clusters are drawn.

    Raises
    ------
    ValueError
        `stratified` and clusters, which may hold both classes.
    """
    by_class = None if stratified is None else as_flag(stratified, "stratified")
    if clusters is None:
        return None if by_class is False else outcome
    if by_class:
        raise ValueError(
            "stratified=True and clusters= exclude each other: a cluster may hold both classes; choose one."
        )
    return None


def streams(random_state: RandomState, n_resamples: int) -> Iterator[tuple[np.random.Generator, int]]:
    """Yield the random stream and the number of resamples of each chunk."""
    for i, generator in enumerate(as_generator(random_state).spawn(-(-n_resamples // CHUNK))):
        yield generator, min(CHUNK, n_resamples - i * CHUNK)


def check_resamples(n_resamples: int) -> int:
    """Return the number of resamples, or raise ValueError unless it is an integer of at least 2."""
    return as_count(n_resamples, "n_resamples", least=2, example="2000")
