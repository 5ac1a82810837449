"""Competing risks: cumulative incidence by Aalen and Johansen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from vcfstats.statistics.inputs import FloatArray, as_numbers, check_alignment, check_choice, check_level
from vcfstats.statistics.results import Result
from vcfstats.statistics.survival.times import as_cause, as_competing, warn_beyond

if TYPE_CHECKING:
    import pandas as pd

_SCALES = ("log-log", "log", "plain")


@dataclass(frozen=True, repr=False, eq=False)
class CumulativeIncidence(Result):
    """Cumulative incidence of one cause; arrays run over the distinct times.

    Attributes
    ----------
    time : ndarray of shape (k,)
        Distinct times of follow-up.
    incidence, se : ndarray of shape (k,)
        Probability of an event of the cause by that time, and its standard error.
    event_free : ndarray of shape (k,)
        Probability of no event of any cause yet.
    at_risk, events, competing, censored : ndarray of shape (k,)
        Patients at risk just before; events of the cause and of others, and censorings then.
    cause : int
        Code of the cause.
    n, n_events, n_competing : int
        Patients, events of the cause, events of other causes.
    """

    time: FloatArray
    incidence: FloatArray
    se: FloatArray
    event_free: FloatArray
    at_risk: FloatArray
    events: FloatArray
    competing: FloatArray
    censored: FloatArray
    cause: int
    n: int
    n_events: int
    n_competing: int

    def bands(self, confidence_level: float = 0.95, *, method: str = "log-log") -> tuple[FloatArray, FloatArray]:
        """Return the pointwise (low, high), each of shape (k,).

        Parameters
        ----------
        confidence_level : float
            Of each interval.
        method : {"log-log", "log", "plain"}
            F^exp(-+ z se / (F log F)), F exp(-+ z se / F), or F -+ z se; kept within [0, 1]. Where F is 0 or 1 both limits
            are F.

        Raises
        ------
        ValueError
            An unknown method.

        Notes
        -----
        Of a nominal 0.95 log-log covers 0.935 to 0.97 from some 6 expected events of the cause on, plain 0.92 to 0.97; with
        3 expected events log-log covers 0.91 to 0.92 and log 0.87 to 0.90, since a sample without any gives the point 0
        (benchmarks/results/coverage_groups.md).
        """
        z = float(ndtri(0.5 + check_level(confidence_level) / 2))
        chosen = check_choice(method, _SCALES, name="method")
        f, half = self.incidence, z * self.se
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if chosen == "log-log":
                spread = half / np.abs(f * np.log(f))
                low, high = f ** np.exp(spread), f ** np.exp(-spread)
            elif chosen == "log":
                low, high = f * np.exp(-half / f), f * np.exp(half / f)
            else:
                low, high = f - half, f + half
        settled = (f <= 0) | (f >= 1)
        return np.where(settled, f, np.clip(low, 0, 1)), np.where(settled, f, np.clip(high, 0, 1))

    def at(self, times: npt.ArrayLike, *, confidence_level: float = 0.95, method: str = "log-log") -> pd.DataFrame:
        """Return ``time, at_risk, incidence, se, low, high`` at some times; NaN, with a warning, beyond the last follow-up.

        Raises
        ------
        ValueError
            Times that are negative or no numbers.
        """
        import pandas as pd

        wanted = np.atleast_1d(as_numbers(times, "times", booleans=False))
        if wanted.ndim != 1 or not (wanted >= 0).all():
            raise ValueError(f"times must be at least 0, shape (k,); got {times!r}.")
        low, high = self.bands(confidence_level, method=method)
        place = np.searchsorted(self.time, wanted, side="right")
        columns = {
            name: np.concatenate([[0.0], values])[place]
            for name, values in (("incidence", self.incidence), ("se", self.se), ("low", low), ("high", high))
        }
        at_risk = np.append(self.at_risk, 0.0)[np.searchsorted(self.time, wanted, side="left")].astype(int)
        frame = pd.DataFrame({"time": wanted, "at_risk": at_risk, **columns})
        unknown = (wanted > self.time[-1]) & (self.event_free[-1] > 0)
        if unknown.any():
            warn_beyond("times", wanted[unknown], float(self.time[-1]))
            frame.loc[unknown, ["incidence", "se", "low", "high"]] = np.nan
        return frame

    def to_frame(self) -> pd.DataFrame:
        """Return one row a distinct time: ``time, at_risk, events, competing, censored, incidence, se, low, high``."""
        import pandas as pd

        low, high = self.bands()
        return pd.DataFrame(
            {
                "time": self.time,
                "at_risk": self.at_risk.astype(int),
                "events": self.events.astype(int),
                "competing": self.competing.astype(int),
                "censored": self.censored.astype(int),
                "incidence": self.incidence,
                "se": self.se,
                "low": low,
                "high": high,
            }
        )


def cumulative_incidence(time: npt.ArrayLike, event: npt.ArrayLike, *, cause: int | None = None) -> CumulativeIncidence:
    """Cumulative incidence of one cause where others compete: F(t) = sum over times up to t of S(t-) d_cause / n.

    S is the Kaplan-Meier curve of events of any cause. 1 - Kaplan-Meier of the cause alone, others censored, would be
    too high. The variance is that of the influence functions of the patients: the sum over times s up to t of
    (F(t) - F(s))^2 d / (n (n - d)) + S(s-)^2 d_cause (n - d_cause) / n^3 - 2 (F(t) - F(s)) S(s-) d_cause / n^2, which
    without competing events is Greenwood's.

    Parameters
    ----------
    time : array-like of shape (n,)
        Follow-up, not negative; events precede censorings at the same time.
    event : array-like of shape (n,)
        0 censored, 1, 2, 3, ... the causes.
    cause : int, optional
        Code of the cause of interest: 1 where not given, and then a 0 is needed among the codes.

    Returns
    -------
    CumulativeIncidence

    Raises
    ------
    ValueError
        Bad times or codes, or a cause that never occurs.

    Notes
    -----
    Equals survival::survfit of a factor and prodlim; cmprsk::cuminc has the same curve and a slightly larger variance.

    References
    ----------
    Aalen and Johansen (1978), Scand J Stat 5:141-150. Variance: Marubini and Valsecchi (1995), ISBN 0471939870.

    Examples
    --------
    >>> from vcfstats import cumulative_incidence
    >>> curve = cumulative_incidence([2, 3, 3, 5, 8, 9], [1, 2, 0, 1, 0, 2])
    >>> curve.at([4, 6])[["time", "incidence"]].round(3)
       time  incidence
    0   4.0      0.167
    1   6.0      0.389
    """
    check_alignment(time=time, event=event)
    times, codes = as_competing(time, event)
    chosen = as_cause(codes, cause)
    if not (codes == chosen).any():
        raise ValueError(f"cause {chosen} never occurs in event; its codes are {sorted(set(codes.tolist()))}.")
    distinct, place = np.unique(times, return_inverse=True)

    def count(rows: npt.NDArray[np.bool_]) -> FloatArray:
        return np.bincount(place[rows], minlength=len(distinct)).astype(np.float64)

    own, other, censored = count(codes == chosen), count((codes > 0) & (codes != chosen)), count(codes == 0)
    at_risk = np.cumsum((own + other + censored)[::-1])[::-1]
    event_free: FloatArray = np.cumprod(1 - (own + other) / at_risk).astype(np.float64)
    before = np.concatenate([[1.0], event_free[:-1]])
    incidence = np.cumsum(before * own / at_risk)
    return CumulativeIncidence(
        time=distinct,
        incidence=incidence,
        se=np.sqrt(_variance(incidence, before, own, own + other, at_risk)),
        event_free=event_free,
        at_risk=at_risk,
        events=own,
        competing=other,
        censored=censored,
        cause=chosen,
        n=len(times),
        n_events=int(own.sum()),
        n_competing=int(other.sum()),
    )


def _variance(f: FloatArray, before: FloatArray, own: FloatArray, all_: FloatArray, n: FloatArray) -> FloatArray:
    """Expand the square (F(t) - F(s))^2, so that running sums give every t at once."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # Where nobody is left F(t) - F(s) is 0 from then on.
        greenwood = np.where(n > all_, all_ / (n * (n - all_)), 0.0)
    cross = before * own / n**2
    binomial = before**2 * own * (n - own) / n**3
    squares = f**2 * np.cumsum(greenwood) - 2 * f * np.cumsum(greenwood * f) + np.cumsum(greenwood * f**2)
    products = f * np.cumsum(cross) - np.cumsum(cross * f)
    return np.asarray(np.maximum(squares + np.cumsum(binomial) - 2 * products, 0.0))
