"""Sample size and power for one AUC and for two AUCs read on the same patients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from vcfstats.statistics.inputs import (
    as_count,
    as_number,
    as_numbers,
    as_positive,
    as_share,
    check_choice,
    refuse_unused,
)
from vcfstats.statistics.results import Result
from vcfstats.statistics.roc.delong import ALTERNATIVES

# Obuchowski and McClish's approximation takes 1.414, not the root of 2, times the normal quantile of the AUC.
BINORMAL_SCALE = 1.414
# No study is planned beyond; what follows could not be computed there.
_EDGE = 1e-12


@dataclass(frozen=True, repr=False, eq=False)
class AucSampleSize(Result):
    """Size and power of a study of one or two AUCs.

    Attributes
    ----------
    n_events, n_nonevents : float
        Patients needed (or given) in each class, not rounded.
    events, nonevents : int
        The same, rounded up.
    power : float
        Probability of rejecting the null hypothesis.
    significance_level : float
        Of the test.
    alternative : str
        "two-sided" or one-sided.
    design_effect : float
        Factor by which clustering multiplies the variance; 1 without clusters.
    """

    n_events: float
    n_nonevents: float
    events: int
    nonevents: int
    power: float
    significance_level: float
    alternative: str
    design_effect: float = 1.0


def auc_sample_size(
    auc: float,
    *,
    null_auc: float = 0.5,
    power: float = 0.9,
    significance_level: float = 0.05,
    alternative: str = "two-sided",
    ratio: float = 1.0,
    design_effect: float = 1.0,
) -> AucSampleSize:
    r"""Return the number of patients for a test that one AUC differs from a null value.

    :math:`m=\{z_\alpha\sqrt{V(\theta_0)}+z_\beta\sqrt{V(\theta)}\}^2/(\theta-\theta_0)^2` events, with the binormal
    approximation :math:`V(\theta)=0.0099\,e^{-A^2/2}\{5A^2+8+(A^2+8)/\kappa\}`, :math:`A=1.414\,\Phi^{-1}(\theta)`, and
    :math:`\kappa` non-events an event.

    Parameters
    ----------
    auc : float
        AUC expected, in (0, 1) and other than `null_auc`.
    null_auc : float
        AUC under the null hypothesis.
    power : float
        Power wanted, in (0, 1).
    significance_level : float
        Of the test.
    alternative : {"two-sided", "less", "greater"}
        A one-sided test spends all of the level on one side; the other tail of a two-sided one is neglected.
    ratio : float
        Non-events per event.
    design_effect : float
        Multiplies the variance where patients have several lesions: take `clustered_auc(...).design_effect` of a pilot.
        The numbers are then of lesions.

    Returns
    -------
    AucSampleSize
        Sizes as they come out of the formula and rounded up.

    Raises
    ------
    ValueError
        A value out of its range.

    References
    ----------
    Obuchowski & McClish (1997), doi 10.1002/(SICI)1097-0258(19970715)16:13<1529::AID-SIM565>3.0.CO;2-H.

    Examples
    --------
    >>> from vcfstats import auc_sample_size
    >>> result = auc_sample_size(0.7, power=0.9, ratio=2)
    >>> round(result.n_events, 3), result.events, result.nonevents
    (30.599, 31, 62)
    """
    _check_open(auc=auc, null_auc=null_auc)
    _check_open(power=power)
    _check_positive(ratio=ratio, design_effect=design_effect)
    z_alpha, z_beta = _z_alpha(significance_level, alternative), float(special.ndtri(power))
    null = math.sqrt(design_effect * binormal_variance(null_auc, ratio))
    actual = math.sqrt(design_effect * binormal_variance(auc, ratio))
    n_events = _solve_size(auc - null_auc, z_alpha * null + z_beta * actual, alternative, "null_auc")
    return _size(n_events, ratio, power, significance_level, alternative, design_effect)


def auc_power(
    auc: float,
    *,
    n_events: float,
    n_nonevents: float,
    null_auc: float = 0.5,
    significance_level: float = 0.05,
    alternative: str = "two-sided",
    design_effect: float = 1.0,
) -> float:
    """Return the power of a test that one AUC differs from a null value, by the formula of `auc_sample_size`.

    Parameters
    ----------
    auc, null_auc, significance_level, alternative, design_effect
        As in `auc_sample_size`.
    n_events, n_nonevents : float
        Size of the study.

    Raises
    ------
    ValueError
        A value out of its range.

    References
    ----------
    Obuchowski & McClish (1997), doi 10.1002/(SICI)1097-0258(19970715)16:13<1529::AID-SIM565>3.0.CO;2-H.

    Examples
    --------
    >>> from vcfstats import auc_power
    >>> round(auc_power(0.7, n_events=30, n_nonevents=60), 4)
    0.8942
    """
    _check_open(auc=auc, null_auc=null_auc)
    _check_positive(n_events=n_events, n_nonevents=n_nonevents, design_effect=design_effect)
    ratio = n_nonevents / n_events
    null = math.sqrt(design_effect * binormal_variance(null_auc, ratio) / n_events)
    actual = math.sqrt(design_effect * binormal_variance(auc, ratio) / n_events)
    z_alpha = _z_alpha(significance_level, alternative)
    return float(special.ndtr((_signed(auc - null_auc, alternative) - z_alpha * null) / actual))


def detectable_auc(
    *,
    n_events: float,
    n_nonevents: float,
    null_auc: float = 0.5,
    power: float = 0.9,
    significance_level: float = 0.05,
    alternative: str = "two-sided",
    design_effect: float = 1.0,
) -> float:
    """Return the smallest AUC above the null value that a study of given size detects with the power wanted.

    Parameters
    ----------
    n_events, n_nonevents, null_auc, significance_level, design_effect
        As in `auc_power`.
    power : float
        Power wanted.
    alternative : {"two-sided", "greater"}
        As in `auc_sample_size`.

    Raises
    ------
    ValueError
        A value out of its range, or a study too small to detect even an AUC of 0.9999.

    References
    ----------
    Obuchowski & McClish (1997), doi 10.1002/(SICI)1097-0258(19970715)16:13<1529::AID-SIM565>3.0.CO;2-H.

    Examples
    --------
    >>> from vcfstats import detectable_auc
    >>> round(detectable_auc(n_events=30, n_nonevents=60, power=0.95), 4)
    0.7232
    """
    check_choice(alternative, ("two-sided", "greater"), name="alternative")
    _check_open(power=power, null_auc=null_auc)

    def shortfall(auc: float) -> float:
        reached = auc_power(
            auc,
            n_events=n_events,
            n_nonevents=n_nonevents,
            null_auc=null_auc,
            significance_level=significance_level,
            alternative=alternative,
            design_effect=design_effect,
        )
        return reached - power

    low, high = null_auc + 1e-9, 0.9999
    if shortfall(high) < 0:
        raise ValueError(f"{n_events} events and {n_nonevents} non-events cannot detect any AUC with power {power}.")
    return float(optimize.brentq(shortfall, low, high, xtol=1e-15, rtol=8.9e-16))


def auc_difference_sample_size(
    auc_a: float,
    auc_b: float,
    *,
    correlation: float | None = None,
    pilot_covariance: npt.ArrayLike | None = None,
    pilot_events: int | None = None,
    power: float = 0.9,
    significance_level: float = 0.05,
    alternative: str = "two-sided",
    ratio: float = 1.0,
    design_effect: float = 1.0,
) -> AucSampleSize:
    r"""Return the number of patients for a test that two AUCs, read on the same patients, differ.

    :math:`m=\{z_\alpha\sqrt{V_0}+z_\beta\sqrt{V_A}\}^2/(\theta_a-\theta_b)^2` with the variances of the difference per
    event :math:`V_A=V_a+V_b-2C` and, under equal AUCs, :math:`V_0=2V_a-2C_0`. From a pilot, :math:`V_a,V_b,C` are DeLong's
    (co)variances times the pilot's events and :math:`C_0=C`. From a `correlation` r, V is the binormal approximation of
    `auc_sample_size`, :math:`C=r\sqrt{V_aV_b}` and :math:`C_0=rV_a`.

    Parameters
    ----------
    auc_a, auc_b : float
        AUCs expected; a is the one whose variance stands for both under the null hypothesis.
    correlation : float, optional
        Correlation of the two estimated AUCs, in [-1, 1); 0 for unpaired curves of equal size each.
    pilot_covariance : array-like of shape (2, 2), optional
        `delong_covariance` of a pilot, in place of `correlation`.
    pilot_events : int, optional
        Number of events in the pilot, whose ratio of non-events to events should be `ratio`.
    power, significance_level, alternative, ratio, design_effect
        As in `auc_sample_size`.

    Raises
    ------
    ValueError
        A value out of its range, or not exactly one of `correlation` and the pilot.

    References
    ----------
    Obuchowski & McClish (1997), doi 10.1002/(SICI)1097-0258(19970715)16:13<1529::AID-SIM565>3.0.CO;2-H.

    Examples
    --------
    >>> from vcfstats import auc_difference_sample_size
    >>> auc_difference_sample_size(0.85, 0.80, correlation=0.5, ratio=2).events
    353
    """
    _check_open(power=power)
    _check_positive(ratio=ratio, design_effect=design_effect)
    null, actual = _difference_variances(auc_a, auc_b, correlation, pilot_covariance, pilot_events, ratio)
    z_alpha, z_beta = _z_alpha(significance_level, alternative), float(special.ndtri(power))
    noise = z_alpha * math.sqrt(design_effect * null) + z_beta * math.sqrt(design_effect * actual)
    n_events = _solve_size(auc_a - auc_b, noise, alternative, "auc_b")
    return _size(n_events, ratio, power, significance_level, alternative, design_effect)


def auc_difference_power(
    auc_a: float,
    auc_b: float,
    *,
    n_events: float,
    n_nonevents: float,
    correlation: float | None = None,
    pilot_covariance: npt.ArrayLike | None = None,
    pilot_events: int | None = None,
    significance_level: float = 0.05,
    alternative: str = "two-sided",
    design_effect: float = 1.0,
) -> float:
    """Return the power of a test that two AUCs, read on the same patients, differ.

    Parameters
    ----------
    auc_a, auc_b, correlation, pilot_covariance, pilot_events, significance_level, alternative, design_effect
        As in `auc_difference_sample_size`, whose formula this inverts.
    n_events, n_nonevents : float
        Size of the study.

    Raises
    ------
    ValueError
        As `auc_difference_sample_size`.

    References
    ----------
    Obuchowski & McClish (1997), doi 10.1002/(SICI)1097-0258(19970715)16:13<1529::AID-SIM565>3.0.CO;2-H.

    Examples
    --------
    >>> from vcfstats import auc_difference_power
    >>> round(auc_difference_power(0.85, 0.80, n_events=353, n_nonevents=706, correlation=0.5), 2)
    0.9
    """
    _check_positive(n_events=n_events, n_nonevents=n_nonevents, design_effect=design_effect)
    ratio = n_nonevents / n_events
    null, actual = _difference_variances(auc_a, auc_b, correlation, pilot_covariance, pilot_events, ratio)
    z_alpha = _z_alpha(significance_level, alternative)
    noise = z_alpha * math.sqrt(design_effect * null / n_events)
    return float(
        special.ndtr((_signed(auc_a - auc_b, alternative) - noise) / math.sqrt(design_effect * actual / n_events))
    )


def binormal_variance(auc: float, ratio: float) -> float:
    """Return the variance of an estimated AUC times the number of events, after Obuchowski and McClish."""
    a = BINORMAL_SCALE * float(special.ndtri(auc))
    return 0.0099 * math.exp(-a * a / 2) * (5 * a * a + 8 + (a * a + 8) / ratio)


def _difference_variances(
    auc_a: float,
    auc_b: float,
    correlation: float | None,
    pilot_covariance: npt.ArrayLike | None,
    pilot_events: int | None,
    ratio: float,
) -> tuple[float, float]:
    _check_open(auc_a=auc_a, auc_b=auc_b)
    if (correlation is None) == (pilot_covariance is None):
        raise ValueError("Give exactly one of correlation and pilot_covariance (with pilot_events).")
    if correlation is not None:
        refuse_unused("with correlation=", pilot_events=pilot_events)
        if not -1 <= as_number(correlation, "correlation") < 1:
            raise ValueError(f"correlation must lie in [-1, 1); got {correlation!r}.")
        a, b = binormal_variance(auc_a, ratio), binormal_variance(auc_b, ratio)
        return 2 * a * (1 - correlation), a + b - 2 * correlation * math.sqrt(a * b)
    if pilot_events is None:
        raise ValueError("pilot_covariance needs pilot_events, the events of the pilot (at least 2); got None.")
    pilot_events = as_count(pilot_events, "pilot_events", least=2)
    pilot = as_numbers(pilot_covariance, "pilot_covariance", booleans=False)
    if pilot.shape != (2, 2) or not np.isfinite(pilot).all():
        raise ValueError(f"pilot_covariance must be a finite (2, 2) matrix; got shape {pilot.shape}.")
    a, b, c = (pilot_events * float(value) for value in (pilot[0, 0], pilot[1, 1], pilot[0, 1]))
    null, actual = 2 * a - 2 * c, a + b - 2 * c
    if not (null > 0 and actual > 0):
        raise ValueError(
            "The pilot's covariance leaves the difference no variance, so no size can be computed from it."
        )
    return null, actual


def _z_alpha(significance_level: float, alternative: str) -> float:
    _check_open(significance_level=significance_level)
    sides = 2 if check_choice(alternative, ALTERNATIVES, name="alternative") == "two-sided" else 1
    return float(-special.ndtri(significance_level / sides))


def _signed(effect: float, alternative: str) -> float:
    return abs(effect) if alternative == "two-sided" else (-effect if alternative == "less" else effect)


def _solve_size(effect: float, noise: float, alternative: str, name: str) -> float:
    signed = _signed(effect, alternative)
    if not signed > 0:
        raise ValueError(f"The AUC expected must differ from {name} in the direction {alternative!r}; got {effect:+g}.")
    if not noise > 0:
        raise ValueError("This power is reached by any study at this significance level; ask for more power.")
    return (noise / signed) ** 2


def _size(
    n_events: float, ratio: float, power: float, significance_level: float, alternative: str, design_effect: float
) -> AucSampleSize:
    events = math.ceil(n_events)
    nonevents = math.ceil(ratio * events - 1e-9)
    return AucSampleSize(
        n_events, ratio * n_events, events, nonevents, power, significance_level, alternative, design_effect
    )


def _check_open(**values: float) -> None:
    for name, value in values.items():
        if not _EDGE <= as_share(value, name) <= 1 - _EDGE:
            raise ValueError(f"{name} must keep {_EDGE:g} away from 0 and 1; got {value!r}.")


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not _EDGE <= as_positive(value, name) <= 1 / _EDGE:
            raise ValueError(f"{name} must lie between {_EDGE:g} and {1 / _EDGE:g}; got {value!r}.")
