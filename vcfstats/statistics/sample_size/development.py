"""Minimum sample size to develop a prediction model (Riley et al. 2019, 2020)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcfstats.statistics.inputs import LARGEST, as_finite, as_number, check_choice, refuse_unused
from vcfstats.statistics.results import Result
from vcfstats.statistics.sample_size.criteria import (
    Z,
    below_maximum,
    copas_shrinkage,
    deviation_margin,
    incidence_limits,
    incidence_size,
    mean_half_width,
    one_of,
    parameters,
    r2_of_c_statistic,
    shrinking,
    smallest,
    targets,
    within,
)

if TYPE_CHECKING:
    import pandas as pd

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
    count = parameters(n_parameters)
    within("prevalence", prevalence)
    targets(shrinkage, optimism, margin)
    rounded = check_choice(rounding, _ROUNDINGS, name="rounding") == "pmsampsize"
    max_r2 = 1 - math.exp(2 * (prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)))
    given = {"r2_cox_snell": r2_cox_snell, "r2_nagelkerke": r2_nagelkerke, "c_statistic": c_statistic}
    name, value = one_of(given)
    if name == "r2_cox_snell":
        r2 = value
    elif name == "r2_nagelkerke":
        within(name, value)
        r2 = round(value * max_r2, 3) if rounded else value * max_r2
    else:
        r2 = r2_of_c_statistic(value, prevalence)
        r2 = round(r2, 4) if rounded else r2
    below_maximum(r2, max_r2)
    first = shrinking(count, r2, shrinkage)
    second_shrinkage = r2 / (r2 + optimism * max_r2)
    second = shrinking(count, r2, second_shrinkage)
    third = math.ceil((Z / margin) ** 2 * prevalence * (1 - prevalence))
    n = max(first, second, third)
    half = Z * math.sqrt(prevalence * (1 - prevalence) / n)
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
    margin: float | None = None,
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
    count = parameters(n_parameters)
    for name, value in (("rate", rate), ("mean_follow_up", mean_follow_up), ("time", time)):
        if not 1e-12 < as_number(value, name) < 1e12:
            raise ValueError(f"{name} must be positive and of a size that can be, below 1e12; got {value!r}.")
    rounded = check_choice(rounding, _ROUNDINGS, name="rounding") == "pmsampsize"
    if rounded:
        refuse_unused("with rounding='pmsampsize', which leaves that criterion out", margin=margin)
    margin = 0.05 if margin is None else margin
    targets(shrinkage, optimism, margin)
    per_patient = rate * mean_follow_up
    if rounded:
        per_patient = math.ceil(round(per_patient * _REFERENCE_N, 6)) / _REFERENCE_N
    if per_patient >= math.e:
        raise ValueError(f"rate x mean_follow_up is {per_patient:.3g} events a patient; no maximal R2 exists beyond e.")
    max_r2 = 1 - math.exp(2 * per_patient * (math.log(per_patient) - 1))
    name, value = one_of({"r2_cox_snell": r2_cox_snell, "r2_nagelkerke": r2_nagelkerke})
    r2 = value
    if name == "r2_nagelkerke":
        within(name, value)
        r2 = round(value * max_r2, 3) if rounded else value * max_r2
    below_maximum(r2, max_r2)
    first = shrinking(count, r2, shrinkage)
    second_shrinkage = r2 / (r2 + optimism * max_r2)
    second = shrinking(count, r2, second_shrinkage)
    incidence = 1 - math.exp(-rate * time)
    third = max(first, second) if rounded else incidence_size(rate, mean_follow_up, time, margin)
    n = max(first, second, third)
    low, high = incidence_limits(n, rate, mean_follow_up, time)
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
    multiplicative_margin: float | None = None,
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
    count = parameters(n_parameters)
    within("r2", r2)
    targets(shrinkage, optimism, 0.05)
    rounded = check_choice(rounding, _ROUNDINGS, name="rounding") == "pmsampsize"
    if rounded:
        refuse_unused("with rounding='pmsampsize', which fixes it", multiplicative_margin=multiplicative_margin)
    mean, ratio = as_finite(mean, "mean"), 1.1
    if multiplicative_margin is not None:
        ratio = as_number(multiplicative_margin, "multiplicative_margin")
    if not (as_number(sd, "sd") > 0 and max(abs(mean), sd) < LARGEST and 1 < ratio < LARGEST):
        raise ValueError(
            f"sd must be positive, mean and sd below {LARGEST:g} and multiplicative_margin above 1; got {sd!r}, {mean!r}, {ratio!r}."
        )
    first = smallest(lambda n: copas_shrinkage(n, count, r2) >= shrinkage, count + 2)
    second = math.ceil(round(1 + count * (1 - r2) / optimism, 9))
    if rounded:
        third = 234 + count
        fourth = max(first, second, third)
    else:
        third = smallest(lambda n: deviation_margin(n - count - 1) <= ratio, count + 2)
        target = abs(mean) * (ratio - 1)
        fourth = smallest(lambda n: mean_half_width(n, count, r2, sd) <= target, count + 2) if target > 0 else 0
    sizes = (first, second, third, fourth)
    n = max(sizes)
    half = mean_half_width(n, count, r2, sd)
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
