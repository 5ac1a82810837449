"""P values adjusted for the number of tests made."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vcfstats.statistics.inputs import FloatArray, as_numbers, check_choice

METHODS = ("holm", "hochberg", "hommel", "bonferroni", "bh", "by", "none")


def adjustment(method: str, *, name: str = "method") -> str:
    """Return the name of a method of adjustment, or raise ValueError; fdr is another name of bh."""
    chosen = method.lower() if isinstance(method, str) else method
    return check_choice("bh" if isinstance(chosen, str) and chosen == "fdr" else chosen, METHODS, name=name)


def adjust_pvalues(p_values: npt.ArrayLike, *, method: str = "holm") -> FloatArray:
    """Return the p values adjusted for multiple testing, in the order given.

    With p(1) <= ... <= p(m) the ordered p values, each capped at 1:

    - ``bonferroni``: m p(i) (family-wise error);
    - ``holm``: running maximum of (m - i + 1) p(i), step-down (family-wise error, no assumption);
    - ``hochberg``: running minimum from the largest of (m - i + 1) p(i), step-up (independent or positively dependent);
    - ``hommel``: Hommel's closed Simes procedure, at least as powerful as Hochberg's (same assumption);
    - ``bh``: running minimum from the largest of (m / i) p(i) (false discovery rate, positive dependence);
    - ``by``: ``bh`` times 1 + 1/2 + ... + 1/m (false discovery rate, any dependence);
    - ``none``: unchanged.

    Parameters
    ----------
    p_values : array-like of shape (m,)
        Probabilities in [0, 1]. NaN (a test that has no answer) stays NaN and does not count among the m.
    method : str
        One of the above; upper case and ``fdr`` (for ``bh``) are understood.

    Returns
    -------
    ndarray of shape (m,)
        Adjusted p values.

    Raises
    ------
    ValueError
        Another shape, values outside [0, 1], or an unknown method.

    References
    ----------
    Holm (1979), Scand J Stat 6:65. Hochberg (1988), doi 10.1093/biomet/75.4.800. Hommel (1988),
    doi 10.1093/biomet/75.2.383. Benjamini and Hochberg (1995), doi 10.1111/j.2517-6161.1995.tb02031.x. Benjamini and
    Yekutieli (2001), doi 10.1214/aos/1013699998.

    Examples
    --------
    >>> from vcfstats import adjust_pvalues
    >>> adjust_pvalues([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    chosen = adjustment(method)
    given = as_numbers(p_values, "p_values", booleans=False)
    if given.ndim != 1 or given.size == 0:
        raise ValueError(f"p_values must have shape (m,) with m >= 1; got shape {given.shape}.")
    outside = (given < 0) | (given > 1)
    if outside.any():
        position = int(np.argmax(outside))
        raise ValueError(
            f"p_values must lie in [0, 1]; found {given[position]:.6g} at position {position}. Pass p values, not statistics."
        )
    adjusted = given.copy()
    known = ~np.isnan(given)
    p = given[known]
    if p.size > 0:
        adjusted[known] = _adjust(p, chosen)
    return adjusted


def _adjust(p: FloatArray, method: str) -> FloatArray:
    m = p.size
    if method == "none" or m == 1:
        return p
    if method == "bonferroni":
        return np.minimum(1.0, m * p)
    order = np.argsort(p, kind="stable")
    ordered = p[order]
    rank = np.arange(1, m + 1)
    if method == "holm":
        values = np.maximum.accumulate((m - rank + 1) * ordered)
    elif method == "hommel":
        values = _hommel(ordered)
    else:
        if method == "hochberg":
            factor = m - rank + 1.0
        else:
            factor = m / rank
            if method == "by":
                factor = factor * np.sum(1.0 / rank)
        values = np.minimum.accumulate((factor * ordered)[::-1])[::-1]
    result = np.empty(m)
    result[order] = np.minimum(1.0, values)
    return result


def _hommel(ordered: FloatArray) -> FloatArray:
    """Closed testing with Simes' test: for each p the largest Simes p value over all index sets of size s, s = 1..m.

    Among the sets of size s that hold p(i), the one of the largest Simes p value is p(i) with the s - 1 largest others.
    """
    m = ordered.size
    result = ordered.copy()
    for size in range(2, m + 1):
        tail = ordered[m - size + 1 :]  # the size - 1 largest
        simes_of_tail = np.min(size * tail / np.arange(2, size + 1))
        # A p value outside the tail is the smallest of its set; one inside it belongs to the set of the size largest.
        head = np.minimum(size * ordered[: m - size + 1], simes_of_tail)
        result[: m - size + 1] = np.maximum(result[: m - size + 1], head)
        result[m - size + 1 :] = np.maximum(result[m - size + 1 :], head[-1])
    return result
