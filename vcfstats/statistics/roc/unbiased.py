"""The exactly unbiased covariance of AUCs, in O(n log n) by counting dominated points with a wavelet matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import BoolArray, FloatArray

IntArray = npt.NDArray[np.int64]


def unbiased_covariance(
    outcome: BoolArray, scores: FloatArray, events: npt.NDArray[Any], nonevents: npt.NDArray[Any]
) -> FloatArray:
    r"""Return the unbiased estimate of the covariance matrix of k AUCs, shape (k, k).

    The AUC is a two-sample U-statistic with kernel :math:`\psi_{ij}\in\{0,1/2,1\}`, so that
    :math:`\operatorname{cov}(\hat\theta_r,\hat\theta_s)=E\hat\theta_r\hat\theta_s-\theta_r\theta_s`, and the last term
    has the unbiased estimate :math:`\{m(m-1)n(n-1)\}^{-1}\sum_{i\ne i',j\ne j'}\psi^r_{ij}\psi^s_{i'j'}`. With row sums
    R, column sums C and total T of the kernel that sum is :math:`T_rT_s-\sum_i R^r_iR^s_i-\sum_j C^r_jC^s_j
    +\sum_{ij}\psi^r_{ij}\psi^s_{ij}`. `events` and `nonevents` are the doubled row and column sums.
    """
    (m, k), n = events.shape, nonevents.shape[0]
    if m < 2 or n < 2:
        return np.full((k, k), np.nan)
    by_event = events / 2.0 - events.sum(axis=0) / (2.0 * m)
    by_nonevent = nonevents / 2.0 - nonevents.sum(axis=0) / (2.0 * n)
    aucs = events.sum(axis=0) / (2.0 * m * n)
    product = np.empty((k, k))
    for r in range(k):
        for s in range(r, k):
            product[r, s] = product[s, r] = _kernel_product(outcome, scores[:, r], scores[:, s]) / (m * n)
    # T_r T_s (1 - 1/m - 1/n + 1/(mn)) is split off, which leaves only centred sums and no cancellation of large terms.
    rows = by_event.T @ by_event / (m * n)
    columns = by_nonevent.T @ by_nonevent / (m * n)
    covariance: FloatArray = (rows + columns - (product - np.outer(aucs, aucs))) / ((m - 1.0) * (n - 1.0))
    return covariance


def _kernel_product(outcome: BoolArray, a: FloatArray, b: FloatArray) -> float:
    """Return the sum over all pairs of psi_a psi_b, as psi = (1[<] + 1[<=]) / 2."""
    a_nonevents, a_events = a[~outcome], a[outcome]
    b_nonevents, b_events = np.sort(b[~outcome]), b[outcome]
    order = np.argsort(a_nonevents, kind="stable")
    a_sorted = a_nonevents[order]
    ranks = np.searchsorted(b_nonevents, b[~outcome][order])
    prefixes = [np.searchsorted(a_sorted, a_events, side=side) for side in ("left", "right")]
    bounds = [np.searchsorted(b_nonevents, b_events, side=side) for side in ("left", "right")]
    quarter = sum(_dominated(ranks, prefix, bound) for prefix in prefixes for bound in bounds)
    return quarter / 4


def _dominated(values: IntArray, prefix: IntArray, bound: IntArray) -> int:
    """Return, summed over queries q, how many of the first `prefix[q]` values are below `bound[q]`.

    A wavelet matrix, one bit of the values at a time from the highest; each level is a few passes over the arrays.
    """
    size = values.size
    start, stop, limit = np.zeros_like(prefix), prefix.copy(), bound
    total = 0
    # A bound of `size` (everything is below it) needs one bit more than the largest value.
    for bit in range(int(size).bit_length() - 1, -1, -1):
        ones = (values >> bit) & 1
        zeros_before = np.append(0, np.cumsum(1 - ones))
        n_zeros = int(zeros_before[-1])
        high = ((limit >> bit) & 1).astype(bool)
        zero_start, zero_stop = zeros_before[start], zeros_before[stop]
        total += int((zero_stop - zero_start)[high].sum())
        start = np.where(high, n_zeros + start - zero_start, zero_start)
        stop = np.where(high, n_zeros + stop - zero_stop, zero_stop)
        values = np.concatenate([values[ones == 0], values[ones == 1]])
    return total
