"""Fisher's exact test of an r x c table (Freeman and Halton), with a named Monte Carlo limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln
from scipy.stats import fisher_exact, random_table

from vcfstats.statistics.inputs import FloatArray

IntArray = npt.NDArray[np.int64]

_TIE = 1e-7  # relative: tables as probable as the observed one but for rounding count as extreme
_MOST_STEPS = 6_000_000  # transitions tried, two seconds; beyond them tables are drawn
_MOST_STATES = 1_000_000
_DRAWS = 100_000
_SEED = 20_240_601


def fisher_pvalue(table: npt.ArrayLike) -> tuple[float, str]:
    """Two-sided p value (sum over tables no more probable than the observed one) and the name of what was done.

    2 x 2 tables and all that a network of some million steps resolves are exact; larger ones are simulated with 100,000
    tables and a fixed seed, which the name says with the standard error of p. Rows and columns are put in one order first,
    so that neither their order nor the orientation of the table changes the p value.

    References
    ----------
    Freeman and Halton (1951), doi 10.1093/biomet/38.1-2.141. Mehta and Patel (1983), doi 10.1080/01621459.1983.10477989.
    """
    counts = np.asarray(table, dtype=np.int64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return float("nan"), "Fisher's exact test"
    if counts.shape == (2, 2):
        return float(fisher_exact(counts).pvalue), "Fisher's exact test"
    rows, columns = sorted(sorted(counts.sum(axis=axis).tolist()) for axis in (1, 0))
    if len(rows) > len(columns):
        rows, columns = columns, rows
    observed = float(-gammaln(counts + 1.0).sum())
    exact = _network(np.array(rows), np.array(columns[::-1]), observed)
    if exact is not None:
        return exact, "Fisher's exact test"
    pvalue = _simulate(np.array(rows), np.array(columns), observed)
    se = math.sqrt(pvalue * (1 - pvalue) / _DRAWS)
    return pvalue, f"Fisher's exact test (Monte Carlo, {_DRAWS:,} tables, SE {se:.2g})"


@dataclass(frozen=True)
class _Stage:
    """Remaining row totals, sorted, after some columns; from each of them the ways to fill the next column.

    Attributes
    ----------
    nodes : ndarray of shape (m, r)
        Row totals that remain.
    start, target, cost, ways : ndarray
        Transitions of node i are those from start[i] to start[i + 1]: the node they reach, the log of the product of
        1 / count! of the column, and how many fillings do that.
    longest, shortest : ndarray of shape (m,)
        Largest and smallest log probability (but for a constant) with which the table can still be completed.
    """

    nodes: IntArray
    start: IntArray
    target: IntArray
    cost: FloatArray
    ways: FloatArray
    longest: FloatArray
    shortest: FloatArray


def _network(rows: IntArray, columns: IntArray, observed: float) -> float | None:
    """Walk the columns, carrying how probable the part filled so far is; drop what is sure to end on one side."""
    totals = np.append(np.cumsum(columns[::-1])[::-1], 0)
    if sum(_count(int(total), rows) for total in (*totals[1:], *columns)) > _MOST_STATES:
        return None
    nodes = [np.unique(np.sort(_compositions(int(total), rows), axis=1), axis=0) for total in totals]
    fillings = [_compositions(int(total), rows) for total in columns]
    if sum(len(n) * len(f) for n, f in zip(nodes, fillings, strict=False)) > _MOST_STEPS:
        return None
    stages: list[_Stage] = []
    ahead = np.zeros(1), np.zeros(1)
    for step in range(len(columns) - 1, -1, -1):
        stages.append(_stage(nodes[step], nodes[step + 1], fillings[step], rows, *ahead))
        ahead = stages[-1].longest, stages[-1].shortest
    constant = gammaln(rows + 1.0).sum() + gammaln(columns + 1.0).sum() - gammaln(rows.sum() + 1.0)
    at, logs, weights = np.zeros(1, dtype=np.int64), np.zeros(1), np.ones(1)
    found = 0.0
    for step, stage in enumerate(reversed(stages)):
        surely = logs + stage.longest[at] <= observed + _TIE
        if surely.any():  # every completion counts, and their sum is known
            left = stage.nodes[at[surely]]
            rest = gammaln(left.sum(axis=1) + 1.0) - gammaln(left + 1.0).sum(axis=1)
            rest = rest - gammaln(columns[step:] + 1.0).sum()
            found += float(np.sum(weights[surely] * np.exp(logs[surely] + rest + constant)))
        open_ = ~surely & (logs + stage.shortest[at] <= observed + _TIE)
        at, logs, weights = at[open_], logs[open_], weights[open_]
        if not at.size:
            break
        size = stage.start[at + 1] - stage.start[at]
        if size.sum() > _MOST_STEPS:
            return None
        offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        move = np.repeat(stage.start[at], size) + offset
        at, logs, weights = _merge(
            stage.target[move], np.repeat(logs, size) + stage.cost[move], np.repeat(weights, size) * stage.ways[move]
        )
    return min(1.0, found)


def _stage(
    nodes: IntArray, following: IntArray, fillings: IntArray, rows: IntArray, longest: FloatArray, shortest: FloatArray
) -> _Stage:
    base = int(rows.max()) + 1
    radix = base ** np.arange(nodes.shape[1] - 1, -1, -1, dtype=np.int64)
    keys = following @ radix  # ascending, as the nodes are
    costs = -gammaln(fillings + 1.0).sum(axis=1)
    sources, targets, moved, ways = [], [], [], []
    for first in range(0, len(nodes), max(1, 1_000_000 // len(fillings))):
        part = nodes[first : first + max(1, 1_000_000 // len(fillings))]
        left = part[:, None, :] - fillings[None]
        node, filling = np.nonzero((left >= 0).all(axis=2))
        target = np.searchsorted(keys, np.sort(left[node, filling], axis=1) @ radix)
        # One transition for all fillings that reach the same node at the same cost.
        source, cost, number = _merge(
            node * len(following) + target, costs[filling], np.ones(len(node)), digits=np.round(costs[filling] * 1e8)
        )
        sources.append(first + source // len(following))
        targets.append(source % len(following))
        moved.append(cost)
        ways.append(number)
    source, target, cost = np.concatenate(sources), np.concatenate(targets), np.concatenate(moved)
    start = np.searchsorted(source, np.arange(len(nodes) + 1))
    return _Stage(
        nodes,
        start,
        target,
        cost,
        np.concatenate(ways),
        np.maximum.reduceat(cost + longest[target], start[:-1]),
        np.minimum.reduceat(cost + shortest[target], start[:-1]),
    )


def _merge(
    at: IntArray, logs: FloatArray, weights: FloatArray, digits: FloatArray | None = None
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Join states at one node with one probability, but for rounding; in the order of the nodes."""
    rounded = np.round(logs * 1e8) if digits is None else digits
    order = np.lexsort((rounded, at))
    new = np.append(True, (np.diff(at[order]) != 0) | (np.diff(rounded[order]) != 0))
    starts = np.flatnonzero(new)
    return at[order][starts], logs[order][starts], np.add.reduceat(weights[order], starts)


def _count(total: int, limits: IntArray) -> float:
    """Number of ways to share `total` among the rows within their limits."""
    ways = np.zeros(total + 1)
    ways[0] = 1.0
    for limit in limits.tolist():
        running = np.concatenate([[0.0], np.cumsum(ways)])
        ways = running[1:] - running[np.maximum(np.arange(total + 1) - limit, 0)]
    return float(ways[total])


def _compositions(total: int, limits: IntArray) -> IntArray:
    """All ways to share `total` among the rows within their limits, shape (ways, rows)."""
    ways = np.zeros((1, 0), dtype=np.int64)
    for i, limit in enumerate(limits):
        used = ways.sum(axis=1)
        room = int(limits[i + 1 :].sum())  # what the rows to come can hold
        share = np.arange(min(int(limit), total) + 1)
        rest = total - used[:, None] - share[None]
        row, which = np.nonzero((rest >= 0) & (rest <= room))
        ways = np.column_stack([ways[row], share[which]])
    return ways


def _simulate(rows: IntArray, columns: IntArray, observed: float) -> float:
    drawn = random_table(rows, columns, seed=np.random.default_rng(_SEED)).rvs(_DRAWS)
    logs = -gammaln(drawn + 1.0).sum(axis=(1, 2))
    extreme = int(np.sum(logs <= observed + _TIE))
    return (extreme + 1) / (_DRAWS + 1)
