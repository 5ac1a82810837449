"""Minimum sample size to develop a prediction model (Riley et al. 2019, 2020)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit, ndtri, stdtrit
from scipy.stats import chi2

from vcfstats.statistics.inputs import check_choice
from vcfstats.statistics.results import Result

if TYPE_CHECKING:
    import pandas as pd

_Z = 1.96  # as in the papers
_ROUNDINGS = ("none", "pmsampsize")
_REFERENCE_N = 10_000  # pmsampsize derives the maximal R2 of a survival model at this size


@dataclass(frozen=True, repr=False, eq=False)
class SampleSize(Result):
    """Sample size by criteria, of which the largest decides.

    Attributes
    ----------
    n : int
        Patients needed.
    n_events : float
        Expected events among them (NaN for a continuous outcome).
    per_parameter : float
        Events per candidate parameter (patients for a continuous outcome).
    criteria : tuple of str
        What each size secures.
    sizes : tuple of int
        Patients by criterion.
    shrinkages : tuple of float
        Expected shrinkage factor at each size.
    shrinkage : float
        Expected shrinkage at `n`; at least the one asked for.
    r2, max_r2 : float
        Cox-Snell R squared (adjusted R squared for a continuous outcome), and its maximum (1).
    n_parameters : int
        Candidate parameters, all that enter the selection.
    estimate, low, high : float
        What the last criterion makes precise, with its 95% interval at `n`: prevalence, cumulative incidence, or mean.
    """

    n: int
    n_events: float
    per_parameter: float
    criteria: tuple[str, ...]
    sizes: tuple[int, ...]
    shrinkages: tuple[float, ...]
    shrinkage: float
    r2: float
    max_r2: float
    n_parameters: int
    estimate: float
    low: float
    high: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row a criterion: ``criterion, n, shrinkage, decides``."""
        import pandas as pd

        return pd.DataFrame(
            {
                "criterion": self.criteria,
                "n": self.sizes,
                "shrinkage": self.shrinkages,
                "decides": [size == self.n for size in self.sizes],
            }
        )


def sample_size_binary(
    *,
    n_parameters: int,
    prevalence: float,
    r2_cox_snell: float | None = None,
    r2_nagelkerke: float | None = None,
    c_statistic: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
    rounding: str = "none",
) -> SampleSize:
    """Sample size to develop a model of a binary outcome.

    1. Shrinkage at least S: n = P / ((S - 1) ln(1 - R2 / S)). 2. Optimism of Nagelkerke's R2 at most `optimism`: the same
    with S = R2 / (R2 + optimism max R2). 3. Prevalence within `margin`: n = (1.96 / margin)^2 prevalence (1 - prevalence).
    max R2 = 1 - exp(2 (p ln p + (1 - p) ln(1 - p))).

    Parameters
    ----------
    n_parameters : int
        Candidate predictor parameters, those later dropped included.
    prevalence : float
        Expected share of events.
    r2_cox_snell, r2_nagelkerke, c_statistic : float
        Anticipated performance, one of the three. A C statistic becomes the R2 of a normal linear predictor with equal
        variances in both classes, by quadrature (Riley et al. 2021).
    shrinkage, optimism, margin : float
        Targets of the criteria.
    rounding : {"none", "pmsampsize"}
        pmsampsize rounds the derived Cox-Snell R2 to 3 decimals (4 from a C statistic) and so gets other sizes.

    Returns
    -------
    SampleSize

    Raises
    ------
    ValueError
        Not exactly one measure of performance, an R2 above its maximum, or values out of range.

    References
    ----------
    Riley et al. (2019), doi 10.1002/sim.7992; (2020), doi 10.1136/bmj.m441; (2021), doi 10.1002/sim.8806.

    Examples
    --------
    >>> from vcfstats import sample_size_binary
    >>> result = sample_size_binary(n_parameters=24, prevalence=0.174, r2_cox_snell=0.25)
    >>> result.n, result.sizes
    (738, (738, 679, 221))
    """
    count = _parameters(n_parameters)
    _within("prevalence", prevalence)
    _targets(shrinkage, optimism, margin)
    rounded = check_choice(rounding, _ROUNDINGS, name="rounding") == "pmsampsize"
    max_r2 = 1 - math.exp(2 * (prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)))
    given = {"r2_cox_snell": r2_cox_snell, "r2_nagelkerke": r2_nagelkerke, "c_statistic": c_statistic}
    name, value = _one_of(given)
    if name == "r2_cox_snell":
        r2 = value
    elif name == "r2_nagelkerke":
        _within(name, value)
        r2 = round(value * max_r2, 3) if rounded else value * max_r2
    else:
        r2 = r2_of_c_statistic(value, prevalence)
        r2 = round(r2, 4) if rounded else r2
    _below_maximum(r2, max_r2)
    first = _shrinking(count, r2, shrinkage)
    second_shrinkage = r2 / (r2 + optimism * max_r2)
    second = _shrinking(count, r2, second_shrinkage)
    third = math.ceil((_Z / margin) ** 2 * prevalence * (1 - prevalence))
    n = max(first, second, third)
    half = _Z * math.sqrt(prevalence * (1 - prevalence) / n)
    return _development(
        n,
        n * prevalence,
        count,
        (first, second, third),
        (shrinkage, second_shrinkage, max(shrinkage, second_shrinkage) if second > first else shrinkage),
        r2,
        max_r2,
        (prevalence, prevalence - half, prevalence + half),
        "prevalence",
    )


def sample_size_survival(
    *,
    n_parameters: int,
    rate: float,
    mean_follow_up: float,
    time: float,
    r2_cox_snell: float | None = None,
    r2_nagelkerke: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
    rounding: str = "none",
) -> SampleSize:
    """Sample size to develop a model of a time to event.

    Criteria 1 and 2 as for a binary outcome, with max R2 = 1 - exp(2 e (ln e - 1)), e = rate x mean follow-up being the
    events per patient. 3. The cumulative incidence at `time`, 1 - exp(-rate time), within `margin` on both sides, the
    rate having standard error sqrt(rate / (n x mean follow-up)).

    Parameters
    ----------
    n_parameters : int
        Candidate predictor parameters.
    rate : float
        Events per unit of time and patient.
    mean_follow_up, time : float
        In the same unit of time; `time` is the horizon of the prediction.
    r2_cox_snell, r2_nagelkerke : float
        Anticipated performance, one of the two.
    shrinkage, optimism, margin : float
        Targets of the criteria.
    rounding : {"none", "pmsampsize"}
        pmsampsize derives the maximum from a whole number of events among 10,000, rounds a derived R2 to 3 decimals, and
        reports criterion 3 at the size of the others without asking for more.

    Returns
    -------
    SampleSize

    Raises
    ------
    ValueError
        As `sample_size_binary`.

    References
    ----------
    Riley et al. (2019), doi 10.1002/sim.7992; (2020), doi 10.1136/bmj.m441.

    Examples
    --------
    >>> from vcfstats import sample_size_survival
    >>> result = sample_size_survival(n_parameters=30, rate=0.065, mean_follow_up=2.07, time=2, r2_cox_snell=0.051)
    >>> result.n, round(result.n_events)
    (5143, 692)
    """
    count = _parameters(n_parameters)
    for name, value in (("rate", rate), ("mean_follow_up", mean_follow_up), ("time", time)):
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name} must be positive; got {value!r}.")
    _targets(shrinkage, optimism, margin)
    rounded = check_choice(rounding, _ROUNDINGS, name="rounding") == "pmsampsize"
    per_patient = rate * mean_follow_up
    if rounded:
        per_patient = math.ceil(round(per_patient * _REFERENCE_N, 6)) / _REFERENCE_N
    max_r2 = 1 - math.exp(2 * per_patient * (math.log(per_patient) - 1))
    if per_patient >= math.e:
        raise ValueError(f"rate x mean_follow_up is {per_patient:.3g} events a patient; no maximal R2 exists beyond e.")
    name, value = _one_of({"r2_cox_snell": r2_cox_snell, "r2_nagelkerke": r2_nagelkerke})
    r2 = value
    if name == "r2_nagelkerke":
        _within(name, value)
        r2 = round(value * max_r2, 3) if rounded else value * max_r2
    _below_maximum(r2, max_r2)
    first = _shrinking(count, r2, shrinkage)
    second_shrinkage = r2 / (r2 + optimism * max_r2)
    second = _shrinking(count, r2, second_shrinkage)
    incidence = 1 - math.exp(-rate * time)
    third = max(first, second) if rounded else _incidence_size(rate, mean_follow_up, time, margin)
    n = max(first, second, third)
    low, high = _incidence_limits(n, rate, mean_follow_up, time)
    return _development(
        n,
        n * rate * mean_follow_up,
        count,
        (first, second, third),
        (shrinkage, second_shrinkage, max(shrinkage, second_shrinkage) if second > first else shrinkage),
        r2,
        max_r2,
        (incidence, low, high),
        "cumulative incidence",
    )


def sample_size_continuous(
    *,
    n_parameters: int,
    r2: float,
    mean: float,
    sd: float,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    multiplicative_margin: float = 1.1,
    rounding: str = "none",
) -> SampleSize:
    """Sample size to develop a linear model of a continuous outcome.

    1. Copas' shrinkage 1 + (P - 2) / (n ln(1 - R2_app)) at least S, R2_app = (R2 (n - P - 1) + P) / (n - 1). 2. R2_app - R2
    at most `optimism`: n = 1 + P (1 - R2) / optimism. 3. Residual standard deviation within the multiplicative margin.
    4. Mean within the margin: t-interval with standard error sqrt(sd^2 (1 - R2) / n).

    Parameters
    ----------
    n_parameters : int
        Candidate predictor parameters.
    r2 : float
        Anticipated adjusted R squared.
    mean, sd : float
        Of the outcome, in its unit.
    shrinkage, optimism, multiplicative_margin : float
        Targets of the criteria.
    rounding : {"none", "pmsampsize"}
        pmsampsize takes 234 + P for criterion 3 (the size for a margin of 10%) and reports criterion 4 at the size of the
        others without asking for more.

    Returns
    -------
    SampleSize

    Raises
    ------
    ValueError
        Values out of range.

    References
    ----------
    Riley et al. (2019), doi 10.1002/sim.7993. Harrell (2015), doi 10.1007/978-3-319-19425-7.

    Examples
    --------
    >>> from vcfstats import sample_size_continuous
    >>> sample_size_continuous(n_parameters=25, r2=0.2, mean=1.9, sd=0.6).sizes
    (918, 401, 259, 38)
    """
    count = _parameters(n_parameters)
    _within("r2", r2)
    _targets(shrinkage, optimism, 0.05)
    if not (sd > 0 and math.isfinite(mean) and multiplicative_margin > 1):
        raise ValueError(
            f"sd must be positive, mean finite and multiplicative_margin above 1; got {sd!r}, {mean!r}, {multiplicative_margin!r}."
        )
    rounded = check_choice(rounding, _ROUNDINGS, name="rounding") == "pmsampsize"
    first = _smallest(lambda n: copas_shrinkage(n, count, r2) >= shrinkage, count + 2)
    second = math.ceil(round(1 + count * (1 - r2) / optimism, 9))
    if rounded:
        third = 234 + count
        fourth = max(first, second, third)
    else:
        third = _smallest(lambda n: _deviation_margin(n - count - 1) <= multiplicative_margin, count + 2)
        target = abs(mean) * (multiplicative_margin - 1)
        fourth = _smallest(lambda n: _mean_half_width(n, count, r2, sd) <= target, count + 2) if target > 0 else 0
    sizes = (first, second, third, fourth)
    n = max(sizes)
    half = _mean_half_width(n, count, r2, sd)
    return SampleSize(
        n=n,
        n_events=float("nan"),
        per_parameter=n / count,
        criteria=("shrinkage", "optimism of R2", "residual standard deviation", "mean"),
        sizes=sizes,
        shrinkages=tuple(copas_shrinkage(max(size, count + 2), count, r2) for size in sizes),
        shrinkage=copas_shrinkage(n, count, r2),
        r2=r2,
        max_r2=1.0,
        n_parameters=count,
        estimate=mean,
        low=mean - half,
        high=mean + half,
    )


def r2_of_c_statistic(c_statistic: float, prevalence: float) -> float:
    """Cox-Snell R squared of a linear predictor that is normal with unit variance in both classes.

    The logistic model is then exact: slope d = sqrt(2) Phi^-1(C), and R2 = 1 - exp(-2 x mean gain in log-likelihood).
    """
    if not 0.5 < c_statistic < 1:
        raise ValueError(f"c_statistic must lie between 0.5 and 1; got {c_statistic!r}.")
    distance = math.sqrt(2) * float(ndtri(c_statistic))
    points, weights = hermegauss(200)
    weights = weights / weights.sum()
    start = math.log(prevalence / (1 - prevalence)) - distance**2 / 2
    events = np.sum(weights * np.log(expit(start + distance * (points + distance))))
    others = np.sum(weights * np.log(expit(-(start + distance * points))))
    null = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
    return float(1 - math.exp(-2 * (prevalence * events + (1 - prevalence) * others - null)))


def copas_shrinkage(n: int, n_parameters: int, r2: float) -> float:
    """Expected shrinkage of a linear model at n patients."""
    apparent = (r2 * (n - n_parameters - 1) + n_parameters) / (n - 1)
    return 1 + (n_parameters - 2) / (n * math.log(1 - apparent)) if apparent < 1 else -math.inf


def _shrinking(count: int, r2: float, shrinkage: float) -> int:
    if r2 >= shrinkage:
        raise ValueError(f"A shrinkage of {shrinkage:.3g} cannot go with an R2 of {r2:.3g}; R2 must be the smaller.")
    return math.ceil(count / ((shrinkage - 1) * math.log(1 - r2 / shrinkage)))


def _incidence_limits(n: float, rate: float, mean_follow_up: float, time: float) -> tuple[float, float]:
    half = _Z * math.sqrt(rate / (n * mean_follow_up))
    return 1 - math.exp(-max(rate - half, 0.0) * time), 1 - math.exp(-(rate + half) * time)


def _incidence_size(rate: float, mean_follow_up: float, time: float, margin: float) -> int:
    centre = 1 - math.exp(-rate * time)

    def precise(n: int) -> bool:
        low, high = _incidence_limits(n, rate, mean_follow_up, time)
        return max(centre - low, high - centre) <= margin

    return _smallest(precise, 1)


def _deviation_margin(df: int) -> float:
    """Multiplicative error of a residual standard deviation: the wider side of its 95% interval."""
    if df < 1:
        return math.inf
    return math.sqrt(max(float(chi2.ppf(0.975, df)) / df, df / float(chi2.ppf(0.025, df))))


def _mean_half_width(n: int, count: int, r2: float, sd: float) -> float:
    return float(stdtrit(n - count - 1, 0.975)) * math.sqrt(sd**2 * (1 - r2) / n)


def _smallest(holds: Callable[[int], bool], start: int) -> int:
    """Smallest n from `start` on at which a condition that stays true becomes true."""

    if holds(start):
        return start
    step = 1
    while not holds(start + step):
        step *= 2
        if step > 2**50:
            raise ValueError("No sample size meets the criterion; relax its target.")
    low, high = start + step // 2, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _development(
    n: int,
    n_events: float,
    count: int,
    sizes: tuple[int, ...],
    shrinkages: tuple[float, ...],
    r2: float,
    max_r2: float,
    interval: tuple[float, float, float],
    what: str,
) -> SampleSize:
    return SampleSize(
        n=n,
        n_events=n_events,
        per_parameter=n_events / count,
        criteria=("shrinkage", "optimism of R2", what),
        sizes=sizes,
        shrinkages=shrinkages,
        shrinkage=shrinkages[2],
        r2=r2,
        max_r2=max_r2,
        n_parameters=count,
        estimate=interval[0],
        low=interval[1],
        high=interval[2],
    )


def _parameters(n_parameters: int) -> int:
    if isinstance(n_parameters, bool) or int(n_parameters) != n_parameters or n_parameters < 1:
        raise ValueError(f"n_parameters must be a whole number of at least 1; got {n_parameters!r}.")
    return int(n_parameters)


def _within(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1; got {value!r}.")


def _targets(shrinkage: float, optimism: float, margin: float) -> None:
    for name, value in (("shrinkage", shrinkage), ("optimism", optimism), ("margin", margin)):
        _within(name, value)


def _one_of(given: dict[str, float | None]) -> tuple[str, float]:
    present = [(name, value) for name, value in given.items() if value is not None]
    if len(present) != 1:
        raise ValueError(f"Give exactly one of {', '.join(given)}; got {[name for name, _ in present] or 'none'}.")
    return present[0]


def _below_maximum(r2: float, max_r2: float) -> None:
    if not 0 < r2 < max_r2:
        raise ValueError(
            f"Cox-Snell R2 must lie between 0 and its maximum {max_r2:.4f} at this event rate; got {r2:.4g}."
        )
