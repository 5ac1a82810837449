"""Restricted mean survival time: the area under a Kaplan-Meier curve up to a horizon, and how two groups differ in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_named_labels,
    as_number,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.survival.times import as_survival, risk_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class RestrictedMean(Result):
    """Restricted mean survival times; arrays run over the groups.

    Attributes
    ----------
    groups : tuple
        Names in order; ``("all",)`` where no groups were given.
    rmst, se : ndarray of shape (g,)
        Mean time lived free of the event up to `tau`, in the unit of time, and its standard error (Greenwood's).
    n, n_events : ndarray of shape (g,)
        Patients, and events up to `tau`.
    difference, difference_se, statistic, pvalue : float
        Second group minus first, its standard error, z and two-sided p; NaN unless there are two groups.
    ratio, log_ratio_se : float
        Second over first, and the standard error of its logarithm; NaN unless there are two groups.
    tau : float
        The horizon.
    """

    groups: tuple[Any, ...]
    rmst: FloatArray
    se: FloatArray
    n: npt.NDArray[np.int64]
    n_events: npt.NDArray[np.int64]
    difference: float
    difference_se: float
    statistic: float
    pvalue: float
    ratio: float
    log_ratio_se: float
    tau: float

    def confidence_interval(self, confidence_level: float = 0.95, *, of: str = "difference") -> ConfidenceInterval:
        """Return the Wald interval of the difference or, on the log scale, of the ratio; `intervals` has those of the groups.

        Raises
        ------
        ValueError
            Not two groups, or an unknown choice.

        Notes
        -----
        Of a nominal 0.95 both cover 0.94 to 0.96; with 35 patients a group of whom half are censored the difference covers
        0.93 (benchmarks/results/coverage_groups.md).
        """
        z = float(ndtri(0.5 + check_level(confidence_level) / 2))
        check_choice(of, ("difference", "ratio"), name="of")
        if len(self.groups) != 2:
            raise ValueError(f"of: a {of} needs two groups; there is {list(self.groups)}.")
        if of == "ratio":
            half = np.exp(z * self.log_ratio_se)
            return ConfidenceInterval(float(self.ratio / half), float(self.ratio * half))
        return ConfidenceInterval(self.difference - z * self.difference_se, self.difference + z * self.difference_se)

    def intervals(self, confidence_level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return (low, high) of the groups, each of shape (g,): rmst -+ z se, kept within [0, tau]."""
        half = float(ndtri(0.5 + check_level(confidence_level) / 2)) * self.se
        return np.maximum(self.rmst - half, 0.0), np.minimum(self.rmst + half, self.tau)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group: ``group, n, n_events, rmst, se, low, high`` (95%)."""
        import pandas as pd

        low, high = self.intervals()
        return pd.DataFrame(
            {
                "group": self.groups,
                "n": self.n,
                "n_events": self.n_events,
                "rmst": self.rmst,
                "se": self.se,
                "low": low,
                "high": high,
            }
        )


def restricted_mean_survival(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    tau: float,
    groups: npt.ArrayLike | None = None,
    event_value: Any = None,
) -> RestrictedMean:
    """Restricted mean survival time up to tau, of all patients or by group, with the difference and ratio of two groups.

    RMST = integral of the Kaplan-Meier curve S from 0 to tau; its variance is the sum over event times t of
    (integral of S from t to tau)^2 d / (n (n - d)), Greenwood's. Unlike a hazard ratio it needs no proportional hazards.

    Parameters
    ----------
    time, event, event_value
        As in `kaplan_meier`.
    tau : float
        Horizon, in the unit of time, chosen beforehand; not beyond the last follow-up of any group, unless all of the
        group had the event by then.
    groups : array-like of shape (n,), optional
        Group of each patient.

    Returns
    -------
    RestrictedMean

    Raises
    ------
    ValueError
        Bad input, or a horizon that is not positive or beyond the follow-up of a group.

    Notes
    -----
    Equals the restricted mean of survival::survfit (`rmean`) with its standard error.

    References
    ----------
    Royston and Parmar (2013), doi 10.1186/1471-2288-13-152. Uno et al. (2014), doi 10.1200/JCO.2014.55.2208.

    Examples
    --------
    >>> from vcfstats import restricted_mean_survival
    >>> result = restricted_mean_survival([2, 3, 4, 5, 8, 9, 9, 12], [1, 1, 0, 1, 0, 1, 1, 0], tau=8, groups=list("aababbab"))
    >>> result.rmst.round(3).tolist(), round(result.difference, 3)
    ([4.5, 8.0], 3.5)
    """
    check_alignment(time=time, event=event, groups=groups)
    times, happened = as_survival(time, event, event_value=event_value)
    horizon = as_number(tau, "tau")
    if not 0 < horizon < np.inf:
        raise ValueError(f"tau must be a positive time in the unit of `time`; got {tau!r}.")
    names: tuple[Any, ...] = ("all",)
    codes = np.zeros(len(times), dtype=np.int64)
    if groups is not None:
        codes, names = as_named_labels(groups, len(times), name="groups")
    found = [_area(times[codes == code], happened[codes == code], horizon, name) for code, name in enumerate(names)]
    rmst, variance = np.array([area for area, _ in found]), np.array([spread for _, spread in found])
    difference = se = statistic = pvalue = ratio = log_se = float("nan")
    if len(names) == 2:
        difference, se = float(rmst[1] - rmst[0]), float(np.sqrt(variance.sum()))
        statistic = difference / se if se > 0 else float("nan")
        pvalue = float(2 * ndtr(-abs(statistic)))
        if (rmst > 0).all():
            ratio, log_se = float(rmst[1] / rmst[0]), float(np.hypot(*(np.sqrt(variance) / rmst)))
    return RestrictedMean(
        groups=names,
        rmst=rmst,
        se=np.sqrt(variance),
        n=np.bincount(codes),
        n_events=np.bincount(codes[happened & (times <= horizon)], minlength=len(names)),
        difference=difference,
        difference_se=se,
        statistic=statistic,
        pvalue=pvalue,
        ratio=ratio,
        log_ratio_se=log_se,
        tau=horizon,
    )


def _area(time: FloatArray, event: BoolArray, tau: float, name: Any) -> tuple[float, float]:
    """Area under the curve up to tau, and its variance."""
    table = risk_table(time, event)
    survival: FloatArray = np.cumprod(1 - table.events / table.at_risk).astype(np.float64)
    if tau > table.time[-1] and survival[-1] > 0:
        raise ValueError(
            f"tau must not lie beyond the last follow-up, {table.time[-1]:.6g} in group {name!r}; got {tau:.6g}."
        )
    early = table.time < tau
    at, curve = table.time[early], survival[early]
    pieces = np.concatenate([[1.0], curve]) * np.diff(np.concatenate([[0.0], at, [tau]]))
    after = np.cumsum(pieces[::-1])[::-1][1:]  # area from each time on
    n, d = table.at_risk[early], table.events[early]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(after > 0, after**2 * d / (n * (n - d)), 0.0)
    return float(pieces.sum()), float(spread.sum())
