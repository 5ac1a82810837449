"""Restricted cubic splines: knots and basis."""

from __future__ import annotations

import warnings

import numpy as np

from vcfstats.statistics.inputs import FloatArray, as_count

_FEW = 100  # below this many patients the outer knots are the fifth value from each end


def spline_knots(x: FloatArray, n_knots: int) -> FloatArray:
    """Return Harrell's default knots: quantiles (type 7) from 0.05 to 0.95 (0.10 to 0.90 with three, 0.025 to 0.975
    with seven or more), the outer two being the fifth smallest and largest values below 100 patients.

    Raises
    ------
    ValueError
        Fewer than three knots asked for, or fewer than three knots that differ because of ties.
    """
    n_knots = as_count(n_knots, "n_knots", least=3, most=1000)
    outer = 0.05 if 3 < n_knots < 7 else (0.10 if n_knots == 3 else 0.025)
    knots = np.quantile(x, np.linspace(outer, 1 - outer, int(n_knots)))
    if 10 <= len(x) < _FEW:
        ordered = np.sort(x)
        knots[0], knots[-1] = ordered[4], ordered[-5]
    distinct = np.unique(knots)
    if len(distinct) < 3:
        raise ValueError(
            f"n_knots: {n_knots} knots cannot be placed: the {len(x)} values hold {np.unique(x).size} distinct ones, too many of"
            " them tied. Use another method."
        )
    if len(distinct) < n_knots:
        warnings.warn(
            f"Ties leave {len(distinct)} of {n_knots} knots distinct; these were used.", RuntimeWarning, stacklevel=3
        )
    return distinct


def spline_basis(x: FloatArray, knots: FloatArray) -> FloatArray:
    """Return the basis of a restricted cubic spline, shape (n, len(knots) - 1), x itself first.

    Term j is [(x - t_j)+^3 - (x - t_(k-1))+^3 (t_k - t_j) / (t_k - t_(k-1)) + (x - t_k)+^3 (t_(k-1) - t_j) /
    (t_k - t_(k-1))] / (t_k - t_1)^2, linear beyond the outer knots (Stone and Koo 1985; Harrell 2015,
    doi 10.1007/978-3-319-19425-7).
    """
    last, before = knots[-1], knots[-2]

    def cube(knot: float) -> FloatArray:
        return np.asarray(np.maximum(x - knot, 0.0) ** 3)

    terms = [
        (cube(t) - cube(before) * (last - t) / (last - before) + cube(last) * (before - t) / (last - before))
        / (last - knots[0]) ** 2
        for t in knots[:-2]
    ]
    return np.column_stack([x, *terms])
