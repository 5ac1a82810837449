"""Minimum sample size to validate a prediction model of a binary outcome externally (Riley et al. 2021)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit, ndtri

from vcfstats.statistics.inputs import FloatArray, as_number, as_numbers, as_share, refuse_huge, refuse_unused
from vcfstats.statistics.results import Result
from vcfstats.statistics.sample_size.criteria import within

if TYPE_CHECKING:
    import pandas as pd

_Z = float(ndtri(0.975))
_MOST = 10**9
_NARROWEST = 1e-6  # of an interval; narrower ones need more patients than there are


@dataclass(frozen=True, repr=False, eq=False)
class ValidationSampleSize(Result):
    """Sample size by criteria, of which the largest decides.

    Attributes
    ----------
    n : int
        Patients needed.
    n_events : float
        Expected events among them.
    criteria : tuple of str
        O/E ratio, calibration slope, C statistic and, with a threshold, standardised net benefit.
    sizes : tuple of int
        Patients by criterion.
    widths : tuple of float
        Width of the 95% interval asked for.
    """

    n: int
    n_events: float
    criteria: tuple[str, ...]
    sizes: tuple[int, ...]
    widths: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a criterion: ``criterion, width, n, decides``."""
        import pandas as pd

        return pd.DataFrame(
            {
                "criterion": self.criteria,
                "width": self.widths,
                "n": self.sizes,
                "decides": [size == self.n for size in self.sizes],
            }
        )


def sample_size_validation(
    *,
    prevalence: float,
    c_statistic: float,
    linear_predictor: tuple[float, float] | npt.ArrayLike | None = None,
    oe_width: float = 0.2,
    slope_width: float = 0.2,
    c_width: float = 0.1,
    sensitivity: float | None = None,
    specificity: float | None = None,
    threshold: float | None = None,
    net_benefit_width: float | None = None,
) -> ValidationSampleSize:
    """Sample size to validate a model of a binary outcome with precise calibration, discrimination and net benefit.

    With 95% intervals of the widths asked for, at O/E = 1 and slope 1:
    O/E: SE(ln O/E) = sqrt((1 - p) / (n p)); slope: Fisher information of the recalibration model over the distribution of
    the linear predictor; C: Newcombe's standard error; standardised net benefit at a threshold t: SE^2 =
    (sens (1 - sens) / p + w^2 spec (1 - spec) / (1 - p) + w^2 (1 - spec)^2 / (p (1 - p))) / n, w = (1 - p) / p t / (1 - t).

    Parameters
    ----------
    prevalence, c_statistic : float
        Anticipated in the validation population.
    linear_predictor : (mean, sd) or array-like of shape (n,), optional
        Distribution of the log odds: normal with these moments, or the values themselves. By default normal with unit
        variance in both classes, which the C statistic fixes.
    oe_width, slope_width, c_width, net_benefit_width : float
        Widths of the intervals.
    sensitivity, specificity, threshold : float, optional
        All three for the criterion of net benefit.

    Returns
    -------
    ValidationSampleSize

    Raises
    ------
    ValueError
        Values out of range, or an incomplete threshold.

    References
    ----------
    Riley et al. (2021), doi 10.1002/sim.9025. Newcombe (2006), doi 10.1002/sim.2324.

    Examples
    --------
    >>> from vcfstats import sample_size_validation
    >>> sample_size_validation(prevalence=0.372, c_statistic=0.8).sizes
    (651, 2011, 323)
    """
    for name, value in (("prevalence", prevalence), ("c_statistic", c_statistic)):
        within(name, value)
    if c_statistic <= 0.5:
        raise ValueError(f"c_statistic must exceed 0.5; got {c_statistic!r}. A model below that is worse than chance.")
    operating = {"sensitivity": sensitivity, "specificity": specificity, "threshold": threshold}
    given = {name: as_share(value, name) for name, value in operating.items() if value is not None}
    if not given:
        refuse_unused("without sensitivity, specificity and threshold", net_benefit_width=net_benefit_width)
    benefit_width = 0.2 if net_benefit_width is None else net_benefit_width
    wanted = {"oe_width": oe_width, "slope_width": slope_width, "c_width": c_width, "net_benefit_width": benefit_width}
    for name, value in wanted.items():
        if not _NARROWEST <= as_number(value, name) < math.inf:
            raise ValueError(f"{name}: widths must be positive, at least {_NARROWEST:g} and finite; got {value!r}.")
    widths = [oe_width, slope_width, c_width]
    p = prevalence
    se_ratio = math.asinh(oe_width / 2) / _Z  # exp(z se) - exp(-z se) = width
    sizes = [math.ceil((1 - p) / (p * se_ratio**2)), _slope_size(p, c_statistic, linear_predictor, slope_width)]
    sizes.append(_first(lambda n: 2 * _Z * newcombe_se(c_statistic, n, p) <= c_width))
    criteria = ["O/E ratio", "calibration slope", "C statistic"]
    if given:
        if sensitivity is None or specificity is None or threshold is None:
            raise ValueError("The criterion of net benefit needs sensitivity, specificity and threshold, all three.")
        weight = (1 - p) / p * threshold / (1 - threshold)
        unit = sensitivity * (1 - sensitivity) / p + weight**2 * specificity * (1 - specificity) / (1 - p)
        unit += weight**2 * (1 - specificity) ** 2 / (p * (1 - p))
        sizes.append(math.ceil(unit * (2 * _Z / benefit_width) ** 2))
        criteria.append("standardised net benefit")
        widths.append(benefit_width)
    n = max(sizes)
    return ValidationSampleSize(n, n * p, tuple(criteria), tuple(sizes), tuple(widths))


def newcombe_se(c: float, n: float, prevalence: float) -> float:
    """Standard error of a C statistic without data (Newcombe 2006, method 4)."""
    half = n / 2 - 1
    numerator = c * (1 - c) * (1 + half * (1 - c) / (2 - c) + half * c / (1 + c))
    return math.sqrt(numerator / (n**2 * prevalence * (1 - prevalence)))


def _slope_size(p: float, c: float, given: tuple[float, float] | npt.ArrayLike | None, width: float) -> int:
    lp, weight = _distribution(p, c, given)
    variance = weight * expit(lp) * expit(-lp)
    a, ab, b = variance.sum(), (variance * lp).sum(), (variance * lp * lp).sum()
    determinant = a * b - ab**2
    if determinant <= 0:
        raise ValueError("The linear predictor does not vary; no calibration slope can be estimated.")
    return math.ceil(float(a / determinant) * (2 * _Z / width) ** 2)


def _distribution(
    p: float, c: float, given: tuple[float, float] | npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Points of the linear predictor on the log-odds scale, and their probabilities."""
    points, weights = hermegauss(200)
    weights = weights / weights.sum()
    if given is None:
        distance = math.sqrt(2) * float(ndtri(c))
        start = math.log(p / (1 - p)) - distance**2 / 2
        lp = np.concatenate([start + distance * (points + distance), start + distance * points])
        return lp, np.concatenate([p * weights, (1 - p) * weights])
    values = as_numbers(given, "linear_predictor", booleans=False)
    if values.ndim != 1 or values.size < 2 or not np.isfinite(values).all():
        raise ValueError("linear_predictor must be (mean, sd) or the finite log odds of some patients.")
    refuse_huge(values, "linear_predictor")
    if isinstance(given, tuple) and values.size == 2:
        if values[1] <= 0:
            raise ValueError(f"The standard deviation of the linear predictor must be positive; got {values[1]!r}.")
        return values[0] + values[1] * points, weights
    return values, np.full(values.size, 1 / values.size)


def _first(holds: Callable[[int], bool]) -> int:
    low, high = 1, 2
    while not holds(high):
        low, high = high, high * 2
        if high > _MOST:
            raise ValueError("More than 10^9 patients would be needed; widen the interval.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
