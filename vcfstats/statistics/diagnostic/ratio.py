"""The score interval of a ratio of two independent proportions, such as a likelihood ratio."""

from __future__ import annotations

import math

from scipy import optimize, special

from vcfstats.statistics.results import ConfidenceInterval

# The ratio is sought between these bounds, on the log scale.
WIDEST = 1e12


def ratio_score_interval(x1: int, n1: int, x0: int, n0: int, level: float) -> ConfidenceInterval:
    r"""Return Koopman's (1984) interval of (x1 / n1) / (x0 / n0).

    All ratios r with :math:`|\hat p_1-r\hat p_0|\le z\{\tilde p_1(1-\tilde p_1)/n_1+r^2\tilde p_0(1-\tilde p_0)/n_0\}^{1/2}`,
    the variance taken at the maximum of the likelihood under :math:`p_1=rp_0`. With x1 = 0 the lower limit is 0, with x0 = 0
    the upper one is infinite; with both there is no ratio, and both are NaN.
    """
    if n1 == 0 or n0 == 0 or (x1 == 0 and x0 == 0):
        return ConfidenceInterval(math.nan, math.nan)
    z = float(special.ndtri(0.5 + level / 2))

    def score(log_ratio: float) -> float:
        r = math.exp(log_ratio)
        b = r * (n1 + x0) + x1 + n0
        p0 = 2 * (x1 + x0) / (b + math.sqrt(max(0.0, b * b - 4 * r * (n1 + n0) * (x1 + x0))))
        p1 = min(1.0, r * p0)
        variance = p1 * (1 - p1) / n1 + r * r * p0 * (1 - p0) / n0
        gap = x1 / n1 - r * x0 / n0
        return gap / math.sqrt(variance) if variance > 0 else (math.copysign(math.inf, gap) if gap else 0.0)

    edge = math.log(WIDEST)
    low = 0.0 if x1 == 0 else math.exp(optimize.brentq(lambda t: score(t) - z, -edge, edge, xtol=1e-14))
    high = math.inf if x0 == 0 else math.exp(optimize.brentq(lambda t: score(t) + z, -edge, edge, xtol=1e-14))
    return ConfidenceInterval(low, high)
