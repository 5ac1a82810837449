"""Do predicted risks at a time agree with what happened, where some follow-up ended before?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import LinAlgWarning
from scipy.special import ndtri

from vcfstats.statistics.calibration.splines import spline_basis, spline_knots
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    as_count,
    as_flag,
    as_number,
    as_probabilities,
    check_alignment,
    check_level,
    refuse_unused,
)
from vcfstats.statistics.results import ConfidenceInterval, Result
from vcfstats.statistics.survival.kaplan_meier import kaplan_meier
from vcfstats.statistics.survival.times import (
    as_survival,
    censoring_survival,
    just_after,
    just_before,
    risk_table,
)

_CLIP = 1e-8  # of risks on the complementary log-log scale


@dataclass(frozen=True, repr=False, eq=False)
class SurvivalCalibration(Result):
    """Calibration of predicted risks at one time.

    Attributes
    ----------
    time : float
        The horizon.
    observed, expected, oe_ratio : float
        1 - Kaplan-Meier at the horizon, mean predicted risk, and their ratio.
    brier, brier_null : float
        Brier score at the horizon with inverse-probability-of-censoring weights, of the predictions and of the
        Kaplan-Meier estimate alone.
    ici, e50, e90, emax : float
        Mean, median, 90th percentile and maximum of |smoothed observed - predicted| over patients; NaN without
        smoothing.
    groups : DataFrame
        ``group, n, n_events, predicted, observed, low, high`` by quantiles of the predicted risk.
    smoothed : ndarray of shape (n,) or None
        Smoothed observed risk at each patient's prediction.
    n, n_events : int
        Patients, and events up to the horizon.
    """

    time: float
    observed: float
    expected: float
    oe_ratio: float
    brier: float
    brier_null: float
    ici: float
    e50: float
    e90: float
    emax: float
    groups: pd.DataFrame = field(repr=False)
    smoothed: FloatArray | None = field(repr=False)
    n: int
    n_events: int
    _log_se: float = field(repr=False)

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the interval of O/E: log scale, Greenwood's variance of the observed risk, predictions fixed.

        A nominal 95% covers 96 to 97%. The intervals of the groups cover 95% with 200 patients a group, 87 to 97% with 33
        and 61 to 91% with 14: a group in which everyone had the event, or no one is followed to the horizon, has none
        (benchmarks/results/coverage_survival_calibration.md).
        """
        half = float(ndtri(0.5 + check_level(confidence_level) / 2)) * self._log_se
        return ConfidenceInterval(float(self.oe_ratio * np.exp(-half)), float(self.oe_ratio * np.exp(half)))


def survival_calibration(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    risk: npt.ArrayLike,
    at: float,
    *,
    event_value: Any = None,
    n_groups: int = 5,
    smooth: bool = True,
    n_knots: int | None = None,
    confidence_level: float = 0.95,
) -> SurvivalCalibration:
    """Calibration of the predicted risk of an event by a time: overall, in groups, smoothed, and the Brier score.

    The smoothed curve is a Cox model on a restricted cubic spline of log(-log(1 - risk)) (Austin et al. 2020), fitted
    by lifelines.

    Parameters
    ----------
    time, event, event_value
        As in `kaplan_meier`.
    risk : array-like of shape (n,)
        Predicted probability of the event by `at`.
    at : float
        Horizon, within the follow-up.
    n_groups : int
        Quantile groups of the predicted risk; ties stay together, so that there may be fewer.
    smooth : bool
        Fit the smoothed curve; needs the extra ``vcfstats[survival]``.
    n_knots : int
        Of the spline.
    confidence_level : float
        Of the intervals of the groups (complementary log-log scale).

    Returns
    -------
    SurvivalCalibration

    Raises
    ------
    ValueError
        Bad input, or a horizon beyond the last follow-up.
    ImportError
        With smooth=True and without lifelines.

    References
    ----------
    Austin, Harrell and van Klaveren (2020), doi 10.1002/sim.8570. Graf et al. (1999),
    doi 10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5.

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import survival_calibration
    >>> rng = np.random.default_rng(0)
    >>> rate = rng.lognormal(-2, 0.5, 200)
    >>> result = survival_calibration(rng.exponential(1 / rate), np.ones(200), 1 - np.exp(-5 * rate), 5, smooth=False)
    >>> round(result.observed, 3), round(result.expected, 3)
    (0.445, 0.505)
    """
    check_alignment(time=time, event=event, risk=risk)
    times, happened = as_survival(time, event, event_value=event_value)
    n = len(times)
    prob = as_probabilities(risk, n, name="risk")
    horizon = as_number(at, "at")
    if not as_flag(smooth, "smooth"):
        refuse_unused("with smooth=False", n_knots=n_knots)
    n_groups = as_count(n_groups, "n_groups", least=1, most=max(10_000, n))
    if not 0 < horizon <= times.max():
        raise ValueError(f"at must lie within the follow-up, (0, {times.max():.6g}]; got {at!r}.")
    level = check_level(confidence_level)
    observed, se = _observed(times, happened, horizon)
    expected = float(prob.mean())
    brier, null = _brier(times, happened, np.column_stack([prob, np.full(n, observed)]), horizon)
    smoothed = _smoothed(times, happened, prob, horizon, 3 if n_knots is None else n_knots) if smooth else None
    error = np.full(1, np.nan) if smoothed is None else np.abs(smoothed - prob)
    return SurvivalCalibration(
        time=horizon,
        observed=observed,
        expected=expected,
        oe_ratio=observed / expected if expected > 0 else float("inf"),
        brier=float(brier),
        brier_null=float(null),
        ici=float(error.mean()),
        e50=float(np.quantile(error, 0.5)),
        e90=float(np.quantile(error, 0.9)),
        emax=float(error.max()),
        groups=_groups(times, happened, prob, horizon, n_groups, level),
        smoothed=smoothed,
        n=n,
        n_events=int(np.sum(happened & (times <= horizon))),
        _log_se=se / observed if observed > 0 else float("nan"),
    )


def _observed(time: FloatArray, event: BoolArray, horizon: float) -> tuple[float, float]:
    row = kaplan_meier(time, event).carried(np.array([horizon])).iloc[0]
    return float(1 - row["survival"]), float(row["se"])


def _groups(
    time: FloatArray, event: BoolArray, prob: FloatArray, horizon: float, n_groups: int, level: float
) -> pd.DataFrame:
    cuts = np.unique(np.quantile(prob, np.linspace(0, 1, n_groups + 1)[1:-1]))
    member = np.searchsorted(cuts, prob, side="left")
    rows = []
    for i, code in enumerate(np.unique(member)):
        inside = member == code
        beyond = time[inside].max() < horizon and not event[inside][np.argmax(time[inside])]
        row = (
            kaplan_meier(time[inside], event[inside], band="log-log")
            .carried(np.array([horizon]), confidence_level=level)
            .iloc[0]
        )
        missing = np.nan if beyond else 1.0  # nobody of the group is followed to the horizon
        rows.append(
            {
                "group": i + 1,
                "n": int(inside.sum()),
                "n_events": int(np.sum(event[inside] & (time[inside] <= horizon))),
                "predicted": float(prob[inside].mean()),
                "observed": (1 - row["survival"]) * missing,
                "low": (1 - row["high"]) * missing,
                "high": (1 - row["low"]) * missing,
            }
        )
    return pd.DataFrame(rows)


def _brier(time: FloatArray, event: BoolArray, probs: FloatArray, horizon: float) -> FloatArray:
    """IPCW Brier scores: events weigh 1 / G(T-), those beyond the horizon 1 / G(horizon), those censored before 0."""
    table = risk_table(time, event)
    uncensored = censoring_survival(table)
    case, beyond = event & (time <= horizon), time > horizon
    weight = np.zeros(len(time))
    weight[case] = 1 / just_before(table, uncensored, time)[case]
    weight[beyond] = 1 / just_after(table, uncensored, np.array([horizon]))[0]
    return np.asarray(np.mean(weight[:, None] * np.square(case[:, None] - probs), axis=0))


def _smoothed(time: FloatArray, event: BoolArray, prob: FloatArray, horizon: float, n_knots: int) -> FloatArray:
    try:
        from lifelines import CoxPHFitter
        from lifelines.exceptions import ConvergenceError
    except ImportError as error:
        raise ImportError(
            "The smoothed curve needs lifelines: pip install 'vcfstats[survival]', or pass smooth=False."
        ) from error
    scale = np.log(-np.log1p(-np.clip(prob, _CLIP, 1 - _CLIP)))
    basis = spline_basis(scale, spline_knots(scale, n_knots))
    names = [f"s{i}" for i in range(basis.shape[1])]
    spread = basis.std(axis=0)
    frame = pd.DataFrame((basis - basis.mean(axis=0)) / spread, columns=names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("error", LinAlgWarning)
        try:
            fitter = CoxPHFitter().fit(frame.assign(time=time, event=event.astype(int)), "time", "event")
        except (ConvergenceError, LinAlgWarning):
            raise ValueError(
                f"risk: the smoothed curve cannot be fitted to {int(event.sum())} events in {len(event)} patients with"
                f" {np.unique(prob).size} distinct risks; pass smooth=False."
            ) from None
    hazard = np.exp(
        frame.to_numpy() @ fitter.params_.to_numpy() - float(fitter._norm_mean.to_numpy() @ fitter.params_.to_numpy())
    )
    baseline = fitter.baseline_cumulative_hazard_.iloc[:, 0]
    reached = baseline[baseline.index <= horizon]
    cumulative = float(reached.iloc[-1]) if len(reached) else 0.0
    return np.asarray(1 - np.exp(-cumulative * hazard))
