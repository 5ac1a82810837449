"""Kaplan-Meier curve with its bands, its median, and the median follow-up by its reverse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri

from vcfstats.statistics.inputs import FloatArray, as_numbers, check_alignment, check_choice, check_level
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.survival.times import RiskTable, as_survival, risk_table, warn_beyond

if TYPE_CHECKING:
    import pandas as pd

BANDS = ("log", "log-log", "plain", "logit", "arcsin")
_TOLERANCE = 1.5e-8  # of a curve that passes a quantile exactly, as rounding would have it


@dataclass(frozen=True, repr=False, eq=False)
class KaplanMeier(Result):
    """A Kaplan-Meier curve; arrays run over the distinct times.

    Attributes
    ----------
    time, at_risk, events, censored : ndarray of shape (k,)
        Distinct times, patients at risk just before, events and censorings at each.
    survival : ndarray of shape (k,)
        Share still free of the event after each time.
    se : ndarray of shape (k,)
        Greenwood's standard error of `survival`.
    median : float
        Time at which the curve reaches 1/2; the middle of its step where it stays at exactly 1/2; NaN if never reached.
    n, n_events : int
        Patients and events.
    band : str
        Transformation behind the default intervals.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    survival: FloatArray
    se: FloatArray
    median: float
    n: int
    n_events: int
    band: str
    _relative: FloatArray = field(repr=False)

    def bands(self, confidence_level: float = 0.95, *, method: str | None = None) -> tuple[FloatArray, FloatArray]:
        """Return pointwise (low, high) after each time; `method` among log, log-log, plain, logit, arcsin."""
        chosen = check_choice(method, BANDS, name="method", default=self.band)
        return _bands(self.survival, self._relative, float(ndtri(0.5 + check_level(confidence_level) / 2)), chosen)

    def confidence_interval(self, confidence_level: float = 0.95, *, method: str | None = None) -> ConfidenceInterval:
        """Return the interval of the median: where the bands reach 1/2 (Brookmeyer and Crowley).

        A limit of NaN was not reached: above it the interval has no end. Of the scales, log covers least well in small
        samples (benchmarks/results/coverage_survival.md); log-log is the better one for the median.
        """
        low, high = self.bands(confidence_level, method=method)
        return ConfidenceInterval(_quantile(self.time, low, 0.5), _quantile(self.time, high, 0.5))

    @overload
    def quantile(self, probability: float) -> float: ...

    @overload
    def quantile(self, probability: npt.ArrayLike) -> float | FloatArray: ...

    def quantile(self, probability: npt.ArrayLike) -> float | FloatArray:
        """Return the time at which the curve has fallen by `probability`, NaN where it has not.

        Parameters
        ----------
        probability : float or array-like
            Between 0 and 1; for several, an array of their shape is returned.

        Raises
        ------
        ValueError
            Outside [0, 1].
        """
        wanted = as_numbers(probability, "probability", booleans=False)
        if not ((wanted >= 0) & (wanted <= 1)).all():
            raise ValueError(f"probability must lie between 0 and 1; got {probability!r}.")
        found = np.array([_quantile(self.time, self.survival, 1 - p) for p in wanted.ravel().tolist()])
        return found.reshape(wanted.shape) if wanted.ndim else float(found[0])

    def at(self, times: npt.ArrayLike, *, confidence_level: float = 0.95, method: str | None = None) -> pd.DataFrame:
        """Return ``time, at_risk, survival, se, low, high`` at some times.

        Beyond the last follow-up the curve says nothing unless everybody had the event: NaN, with a warning.

        Raises
        ------
        ValueError
            Times that are negative or no numbers.
        """
        wanted = np.atleast_1d(as_numbers(times, "times", booleans=False))
        if wanted.ndim != 1 or not (wanted >= 0).all():
            raise ValueError(f"times must be at least 0, shape (k,); got {times!r}.")
        frame = self.carried(wanted, confidence_level=confidence_level, method=method)
        unknown = (wanted > self.time[-1]) & (self.survival[-1] > 0)
        if unknown.any():
            warn_beyond("times", wanted[unknown], float(self.time[-1]))
            frame.loc[unknown, ["survival", "se", "low", "high"]] = np.nan
        return frame

    def carried(self, wanted: FloatArray, *, confidence_level: float = 0.95, method: str | None = None) -> pd.DataFrame:
        """Return the frame of `at`, the curve carried on beyond the last follow-up; of checked times."""
        import pandas as pd

        low, high = self.bands(confidence_level, method=method)
        position = np.searchsorted(self.time, wanted, side="right") - 1
        inside = np.maximum(position, 0)
        before = np.searchsorted(self.time, wanted, side="left")
        at_risk = np.append(self.at_risk, 0.0)[before]

        def pick(values: FloatArray, start: float) -> FloatArray:
            return np.where(position >= 0, values[inside], start)

        return pd.DataFrame(
            {
                "time": wanted,
                "at_risk": at_risk.astype(int),
                "survival": pick(self.survival, 1.0),
                "se": pick(self.se, 0.0),
                "low": pick(low, 1.0),
                "high": pick(high, 1.0),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a distinct time: ``time, at_risk, events, censored, survival, se, low, high``."""
        import pandas as pd

        low, high = self.bands()
        return pd.DataFrame(
            {
                "time": self.time,
                "at_risk": self.at_risk.astype(int),
                "events": self.events.astype(int),
                "censored": self.censored.astype(int),
                "survival": self.survival,
                "se": self.se,
                "low": low,
                "high": high,
            }
        )


def kaplan_meier(
    time: npt.ArrayLike, event: npt.ArrayLike, *, event_value: Any = None, band: str = "log"
) -> KaplanMeier:
    """Kaplan-Meier estimate S(t) = prod over times up to t of (1 - d / n), with Greenwood's variance.

    Parameters
    ----------
    time : array-like of shape (n,)
        Follow-up, not negative; events precede censorings at the same time.
    event : array-like of shape (n,)
        1 where the event happened, 0 where follow-up ended without it; any coding with `event_value`.
    event_value : object, optional
        The value of `event` that is the event.
    band : {"log", "log-log", "plain", "logit", "arcsin"}
        Scale of the intervals; log is the default of R's survfit, log-log that of lifelines.

    Returns
    -------
    KaplanMeier

    Raises
    ------
    ValueError
        Bad times or events, or an unknown band.

    References
    ----------
    Kaplan and Meier (1958), doi 10.1080/01621459.1958.10501452. Brookmeyer and Crowley (1982), doi 10.2307/2530286.

    Examples
    --------
    >>> from vcfstats import kaplan_meier
    >>> curve = kaplan_meier([2, 3, 3, 5, 8, 9], [1, 1, 0, 1, 0, 1])
    >>> curve.survival.round(3).tolist(), curve.median
    ([0.833, 0.667, 0.444, 0.444, 0.0], 5.0)
    """
    check_alignment(time=time, event=event)
    times, happened = as_survival(time, event, event_value=event_value)
    return _curve(risk_table(times, happened), check_choice(band, BANDS, name="band"))


def reverse_kaplan_meier(
    time: npt.ArrayLike, event: npt.ArrayLike, *, event_value: Any = None, band: str = "log"
) -> KaplanMeier:
    """Follow-up by the reverse Kaplan-Meier curve: censoring is the event, and events end its observation.

    Its median is the median potential follow-up, which the median of all observed times understates.

    Parameters
    ----------
    time, event, event_value, band
        As in `kaplan_meier`; `event` is the clinical event, not its reverse.

    Returns
    -------
    KaplanMeier
        Of the time to censoring; ``median`` and ``confidence_interval()`` are the follow-up to report.

    Raises
    ------
    ValueError
        As `kaplan_meier`.

    References
    ----------
    Schemper and Smith (1996), doi 10.1016/0197-2456(96)00075-X.

    Examples
    --------
    >>> from vcfstats import reverse_kaplan_meier
    >>> reverse_kaplan_meier([2, 3, 3, 5, 8, 9], [1, 1, 0, 1, 0, 1]).median
    8.0
    """
    check_alignment(time=time, event=event)
    times, happened = as_survival(time, event, event_value=event_value)
    return _curve(risk_table(times, ~happened), check_choice(band, BANDS, name="band"))


def _curve(table: RiskTable, band: str) -> KaplanMeier:
    survival: FloatArray = np.cumprod(1 - table.events / table.at_risk).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.sqrt(np.cumsum(table.events / (table.at_risk * (table.at_risk - table.events))))
        se = np.where(survival > 0, survival * relative, 0.0)
    return KaplanMeier(
        time=table.time,
        at_risk=table.at_risk,
        events=table.events,
        censored=table.censored,
        survival=survival,
        se=se,
        median=_quantile(table.time, survival, 0.5),
        n=int(table.at_risk[0]),
        n_events=int(table.events.sum()),
        band=band,
        _relative=relative,
    )


def _bands(survival: FloatArray, relative: FloatArray, z: float, method: str) -> tuple[FloatArray, FloatArray]:
    """Bands of a curve with standard error `relative` of its logarithm; NaN where the curve is 0 (1 and 1 at 1)."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if method == "log":
            low, high = survival * np.exp(-z * relative), survival * np.exp(z * relative)
        elif method == "plain":
            low, high = survival * (1 - z * relative), survival * (1 + z * relative)
        elif method == "log-log":
            spread = z * relative / np.abs(np.log(survival))
            low, high = survival ** np.exp(spread), survival ** np.exp(-spread)
        elif method == "logit":
            spread = z * relative / (1 - survival)
            low, high = expit(logit(survival) - spread), expit(logit(survival) + spread)
        else:
            angle, spread = np.arcsin(np.sqrt(survival)), 0.5 * z * relative * np.sqrt(survival / (1 - survival))
            low = np.sin(np.maximum(0.0, angle - spread)) ** 2
            high = np.sin(np.minimum(np.pi / 2, angle + spread)) ** 2
    low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    untouched, gone = survival == 1, survival == 0
    low, high = np.where(untouched, 1.0, low), np.where(untouched, 1.0, high)
    return np.where(gone, np.nan, low), np.where(gone, np.nan, high)


def _quantile(time: FloatArray, curve: FloatArray, level: float) -> float:
    """First time at which a falling curve is at `level` or below; mid-step where it rests exactly there."""
    values = np.where(np.isnan(curve), 0.0, curve) if np.isnan(curve[-1]) else curve
    if np.isnan(curve[-1]) and not (curve[~np.isnan(curve)] <= level + _TOLERANCE).any():
        return float("nan")
    below = np.flatnonzero(values <= level + _TOLERANCE)
    if below.size == 0:
        return float("nan")
    first = int(below[0])
    if abs(values[first] - level) > _TOLERANCE:
        return float(time[first])
    later = np.flatnonzero(values < level - _TOLERANCE)
    return float((time[first] + time[later[0]]) / 2) if later.size else float(time[first])
