"""The criteria behind a development sample size, one function each, and the checks of what is anticipated."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit, ndtri, stdtrit
from scipy.stats import chi2

from vcfstats.statistics.inputs import as_count, as_number, as_share

_MOST = 1e12  # patients
_EDGE = 1e-6  # of a share: nothing rarer is planned for
Z = 1.96  # as in the papers


def r2_of_c_statistic(c_statistic: float, prevalence: float) -> float:
    """Cox-Snell R squared of a linear predictor that is normal with unit variance in both classes.

    The logistic model is then exact: slope d = sqrt(2) Phi^-1(C), and R2 = 1 - exp(-2 x mean gain in log-likelihood).
    """
    if not 0.5 < as_number(c_statistic, "c_statistic") < 1:
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


def shrinking(count: int, r2: float, shrinkage: float) -> int:
    """Patients for which the expected shrinkage is as asked."""
    if r2 >= shrinkage:
        raise ValueError(f"A shrinkage of {shrinkage:.3g} cannot go with an R2 of {r2:.3g}; R2 must be the smaller.")
    slope = (shrinkage - 1) * math.log(1 - r2 / shrinkage)
    if not slope * _MOST > count:
        raise ValueError(
            f"With an R2 of {r2:.3g} a shrinkage of {shrinkage:.3g} needs more than {_MOST:.0e} patients; expect more of the"
            " model, or ask for less."
        )
    return math.ceil(count / ((shrinkage - 1) * math.log(1 - r2 / shrinkage)))


def incidence_limits(n: float, rate: float, mean_follow_up: float, time: float) -> tuple[float, float]:
    """95% limits of a cumulative incidence under a constant rate."""
    half = Z * math.sqrt(rate / (n * mean_follow_up))
    return 1 - math.exp(-max(rate - half, 0.0) * time), 1 - math.exp(-(rate + half) * time)


def incidence_size(rate: float, mean_follow_up: float, time: float, margin: float) -> int:
    """Patients for a cumulative incidence within its margin."""
    centre = 1 - math.exp(-rate * time)

    def precise(n: int) -> bool:
        low, high = incidence_limits(n, rate, mean_follow_up, time)
        return max(centre - low, high - centre) <= margin

    return smallest(precise, 1)


def deviation_margin(df: int) -> float:
    """Multiplicative error of a residual standard deviation: the wider side of its 95% interval."""
    if df < 1:
        return math.inf
    return math.sqrt(max(float(chi2.ppf(0.975, df)) / df, df / float(chi2.ppf(0.025, df))))


def mean_half_width(n: int, count: int, r2: float, sd: float) -> float:
    """Half the 95% interval of the mean, after adjustment for the predictors."""
    return float(stdtrit(n - count - 1, 0.975)) * math.sqrt(sd**2 * (1 - r2) / n)


def smallest(holds: Callable[[int], bool], start: int) -> int:
    """Smallest n from `start` on at which a condition that stays true becomes true."""

    if holds(start):
        return start
    step = 1
    while not holds(start + step):
        step *= 2
        if step > 2**40:
            raise ValueError("No sample size meets the margin or shrinkage asked for; relax it.")
    low, high = start + step // 2, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def parameters(n_parameters: int) -> int:
    """Return a whole number of parameters."""
    return as_count(n_parameters, "n_parameters", least=1, most=1_000_000)


def within(name: str, value: float) -> None:
    """Refuse what is no proper share."""
    if not _EDGE <= as_share(value, name) <= 1 - _EDGE:
        raise ValueError(f"{name} must keep {_EDGE:g} away from 0 and 1; got {value!r}.")


def targets(shrinkage: float, optimism: float, margin: float) -> None:
    """Refuse targets outside (0, 1)."""
    for name, value in (("shrinkage", shrinkage), ("optimism", optimism), ("margin", margin)):
        within(name, value)


def one_of(given: dict[str, float | None]) -> tuple[str, float]:
    """Return the one measure of performance that was given."""
    present = [(name, value) for name, value in given.items() if value is not None]
    if len(present) != 1:
        raise ValueError(f"Give exactly one of {', '.join(given)}; got {[name for name, _ in present] or 'none'}.")
    name, value = present[0]
    return name, as_number(value, name)


def below_maximum(r2: float, max_r2: float) -> None:
    """Refuse an R squared above its maximum."""
    if not 0 < r2 < max_r2:
        raise ValueError(
            f"r2_cox_snell, Cox-Snell's R2, must lie between 0 and its maximum {max_r2:.4f} at this event rate; got {r2:.4g}."
        )
