"""Fisher's exact test of an r x c table (Freeman and Halton), with a named Monte Carlo limit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln
from scipy.stats import fisher_exact, random_table

from vcfstats.statistics.inputs import FloatArray

IntArray = npt.NDArray[np.int64]

_TIE = 1e-7  # relative: tables as probable as the observed one but for rounding count as extreme
_MOST_NODES = 3_000_000
_DRAWS = 100_000
_SEED = 20_240_601


def fisher_pvalue(table: npt.ArrayLike) -> tuple[float, str]:
    """Two-sided p value (sum over tables no more probable than the observed one) and the name of what was done.

    2 x 2 tables and all that enumerate in a few million nodes are exact; larger ones are simulated with 100,000 tables
    and a fixed seed, which the name says.

    References
    ----------
    Freeman and Halton (1951), doi 10.1093/biomet/38.1-2.141.
    """
    counts = np.asarray(table, dtype=np.int64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return float("nan"), "Fisher's exact test"
    if counts.shape == (2, 2):
        return float(fisher_exact(counts).pvalue), "Fisher's exact test"
    if counts.shape[0] > counts.shape[1]:
        counts = counts.T
    exact = _enumerate(counts)
    if exact is not None:
        return exact, "Fisher's exact test"
    return _simulate(counts), f"Fisher's exact test (Monte Carlo, {_DRAWS:,} tables)"


def _enumerate(counts: IntArray) -> float | None:
    """Fill column after column, merging partial tables that leave the same row totals at the same probability."""
    # Both sorted: merged nodes hold their row totals sorted too, and stay within `rows` element by element.
    rows, columns = np.sort(counts.sum(axis=1)), np.sort(counts.sum(axis=0))[::-1]
    observed = float(-gammaln(counts + 1.0).sum())
    remaining, logs, weights = rows[None, :], np.zeros(1), np.ones(1)
    for total in columns[:-1]:
        fillings = _compositions(int(total), rows)
        if len(remaining) * len(fillings) > 40 * _MOST_NODES:
            return None
        cost = -gammaln(fillings + 1.0).sum(axis=1)
        parts = []
        nodes = 0
        for start in range(0, len(remaining), 512):
            left = remaining[start : start + 512, None, :] - fillings[None, :, :]
            node, filling = np.nonzero((left >= 0).all(axis=2))
            if node.size == 0:
                continue
            merged = _merge(left[node, filling], logs[start + node] + cost[filling], weights[start + node])
            nodes += len(merged[1])
            if nodes > _MOST_NODES:
                return None
            parts.append(merged)
        remaining, logs, weights = _merge(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    logs = logs - gammaln(remaining + 1.0).sum(axis=1)
    extreme = logs <= observed + _TIE
    constant = gammaln(rows + 1.0).sum() + gammaln(columns + 1.0).sum() - gammaln(rows.sum() + 1.0)
    return float(min(1.0, np.sum(weights[extreme] * np.exp(logs[extreme] + constant))))


def _merge(remaining: IntArray, logs: FloatArray, weights: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    ordered = np.sort(remaining, axis=1)  # what is still possible does not depend on the order of the rows
    key = np.column_stack([ordered, np.round(logs * 1e8).astype(np.int64)])
    order = np.lexsort(key.T)
    key = key[order]
    first = np.concatenate([[True], (key[1:] != key[:-1]).any(axis=1)])
    starts = np.flatnonzero(first)
    return ordered[order][starts], logs[order][starts], np.add.reduceat(weights[order], starts)


def _compositions(total: int, limits: IntArray) -> IntArray:
    """All ways to share `total` among the rows within their limits, shape (ways, rows)."""
    ways = np.zeros((1, 0), dtype=np.int64)
    for i, limit in enumerate(limits):
        used = ways.sum(axis=1)
        if i == len(limits) - 1:
            last = total - used
            keep = (last >= 0) & (last <= limit)
            return np.column_stack([ways[keep], last[keep]])
        share = np.arange(min(int(limit), total) + 1)
        ways = np.column_stack([np.repeat(ways, len(share), axis=0), np.tile(share, len(ways))])
        ways = ways[ways.sum(axis=1) <= total]
    return ways


def _simulate(counts: IntArray) -> float:
    drawn = random_table(counts.sum(axis=1), counts.sum(axis=0), seed=np.random.default_rng(_SEED)).rvs(_DRAWS)
    logs = -gammaln(drawn + 1.0).sum(axis=(1, 2))
    extreme = int(np.sum(logs <= -gammaln(counts + 1.0).sum() + _TIE))
    return (extreme + 1) / (_DRAWS + 1)
