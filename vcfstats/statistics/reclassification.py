"""Net reclassification improvement and integrated discrimination improvement."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from vcfstats.statistics.bootstrap import Bootstrap, bootstrap_ci
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    RandomState,
    as_count,
    as_number,
    as_numbers,
    as_outcome,
    as_probabilities,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.results import ConfidenceInterval, Result

if TYPE_CHECKING:
    import pandas as pd

COMPONENTS = ("overall", "events", "nonevents")
NRI_CAUTION = (
    "The net reclassification improvement is not a proper score: it can be positive for a useless marker or a"
    " miscalibrated model, and its sum weighs events and non-events as if they were equally common. Report events and"
    " non-events apart and judge by net_benefit_difference (Pepe 2015; Hilden and Gerds 2014; Kerr 2014)."
)


@dataclass(frozen=True, repr=False, eq=False)
class _Improvement(Result):
    """What both measures share: an estimate in three components, their standard errors, tests and intervals."""

    statistic: float
    pvalue: float
    n: int
    n_events: int
    _estimates: FloatArray
    _errors: FloatArray
    _outcome: BoolArray
    _change: FloatArray
    _n_resamples: int
    _random_state: RandomState

    def confidence_interval(
        self, confidence_level: float = 0.95, *, component: str = "overall", method: str = "wald"
    ) -> ConfidenceInterval:
        """Return the interval of one component.

        Parameters
        ----------
        confidence_level : float
            Such as 0.95.
        component : {"overall", "events", "nonevents"}
            Which.
        method : {"wald", "bootstrap"}
            "wald": estimate -+ z se, not clipped, a point where se is 0. "bootstrap": percentiles over resampled
            events and non-events (the risks of both models as they are; a model fitted to the same patients would have
            to be fitted anew).

        Notes
        -----
        Wald's nominal 95% covers 94 to 95% from 26 events on, 88 to 90% with 8 among 164 and 72 to 83% with 4 among 70
        (benchmarks/results/coverage_reclassification.md): with fewer than some 25 events, no interval here is to be
        trusted.

        Raises
        ------
        ValueError
            Unknown component or method, or a level outside (0, 1).
        """
        level = check_level(confidence_level)
        which = COMPONENTS.index(check_choice(component, COMPONENTS, name="component"))
        if check_choice(method, ("wald", "bootstrap"), name="method") == "bootstrap":
            low, high = np.asarray(self._bootstrap.confidence_interval(level, method="percentile"))
            return ConfidenceInterval(float(low[which]), float(high[which]))
        half = norm.ppf((1 + level) / 2) * self._errors[which]
        return ConfidenceInterval(float(self._estimates[which] - half), float(self._estimates[which] + half))

    def to_frame(self) -> pd.DataFrame:
        """Return rows of `component, estimate, se, ci_low, ci_high, statistic, pvalue` with 95% Wald intervals."""
        import pandas as pd

        rows = []
        for name, estimate, se in zip(COMPONENTS, self._estimates, self._errors, strict=True):
            z, p = _test(float(estimate), float(se))
            rows.append((name, estimate, se, *self.confidence_interval(component=name), z, p))
        return pd.DataFrame(rows, columns=["component", "estimate", "se", "ci_low", "ci_high", "statistic", "pvalue"])

    @cached_property
    def _bootstrap(self) -> Bootstrap:
        def statistic(outcome: BoolArray, change: FloatArray) -> FloatArray:
            return _components(change[outcome].mean(), -change[~outcome].mean())

        return bootstrap_ci(
            (self._outcome, self._change),
            statistic,
            n_resamples=self._n_resamples,
            strata=self._outcome,
            random_state=self._random_state,
        )


@dataclass(frozen=True, repr=False, eq=False)
class NetReclassification(_Improvement):
    """Result of `net_reclassification`.

    Attributes
    ----------
    nri, se : float
        Sum of both components, -2 to 2, and its standard error.
    nri_events, se_events : float
        Share of events that move up less share that move down.
    nri_nonevents, se_nonevents : float
        Share of non-events that move down less share that move up.
    statistic, pvalue : float
        nri / se, and its two-sided normal p value.
    up_events, down_events, up_nonevents, down_nonevents : float
        Shares that move.
    cutoffs : tuple of float or None
        Inner limits of the risk categories; None for the continuous NRI.
    table_events, table_nonevents : DataFrame or None
        Patients by category under the old (rows) and the new model (columns).
    n, n_events : int
        Patients and events.
    caution : str
        What the literature warns of.
    """

    nri: float
    se: float
    nri_events: float
    se_events: float
    nri_nonevents: float
    se_nonevents: float
    up_events: float
    down_events: float
    up_nonevents: float
    down_nonevents: float
    cutoffs: tuple[float, ...] | None
    table_events: pd.DataFrame | None
    table_nonevents: pd.DataFrame | None
    caution: str


@dataclass(frozen=True, repr=False, eq=False)
class IntegratedDiscrimination(_Improvement):
    """Result of `integrated_discrimination`.

    Attributes
    ----------
    idi, se : float
        Gain in discrimination slope, and its standard error.
    idi_events, se_events : float
        Mean rise of the predicted risk among events.
    idi_nonevents, se_nonevents : float
        Mean fall of the predicted risk among non-events.
    statistic, pvalue : float
        idi / se, and its two-sided normal p value.
    slope_old, slope_new : float
        Discrimination slopes: mean risk of events less mean risk of non-events.
    n, n_events : int
        Patients and events.
    """

    idi: float
    se: float
    idi_events: float
    se_events: float
    idi_nonevents: float
    se_nonevents: float
    slope_old: float
    slope_new: float


def net_reclassification(
    y_true: npt.ArrayLike,
    prob_old: npt.ArrayLike,
    prob_new: npt.ArrayLike,
    *,
    cutoffs: npt.ArrayLike | None = None,
    min_change: float = 0.0,
    event: Any = None,
    n_resamples: int = 2000,
    random_state: RandomState = None,
) -> NetReclassification:
    """Compute the net reclassification improvement of a new model over an old one, categorical or continuous.

    NRI = [P(up | event) - P(down | event)] + [P(down | non-event) - P(up | non-event)], up meaning a higher risk
    category or, without `cutoffs`, a risk higher by more than `min_change`. Variance of each component:
    [up + down - (up - down)^2] / n of its class (the non-null variance); those of both add.

    Warning: the NRI is not a proper score. Useless markers and miscalibration can make it positive, in the same data as
    in new ones, and the overall NRI weighs events and non-events as if they were equally common. Report both components,
    never the sum alone, and judge by `net_benefit_difference`. A UserWarning says so on each call.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`; both classes.
    prob_old, prob_new : array-like of shape (n,)
        Predicted probabilities of the two models.
    cutoffs : array-like of float, optional
        Limits between risk categories, such as [0.1, 0.3]; a category holds its lower limit. None: continuous NRI.
    min_change : float
        Continuous NRI: changes of at most this size count as none.
    event : object, optional
        The value of `y_true` that is the event.
    n_resamples : int
        Resamples of the bootstrap interval, drawn when it is first asked for.
    random_state : int, SeedSequence or Generator, optional
        Its seed.

    Returns
    -------
    NetReclassification
        Where nobody moves, nri and se are 0: statistic 0, p 1. Where everybody moves the same way in a class, se is 0:
        an infinite statistic, p 0, and a point interval.

    Raises
    ------
    ValueError
        Bad input, or cutoffs that do not rise strictly within (0, 1).

    References
    ----------
    Pencina et al. (2008), doi 10.1002/sim.2929; (2011), doi 10.1002/sim.4085 (continuous). Cautions: Hilden and Gerds
    (2014), doi 10.1002/sim.5804; Kerr et al. (2014), doi 10.1097/EDE.0000000000000018; Pepe et al. (2015),
    doi 10.1007/s12561-014-9118-0.

    Examples
    --------
    >>> import warnings
    >>> from vcfstats import net_reclassification
    >>> y = [0, 0, 0, 0, 1, 1, 1]
    >>> old, new = [0.1, 0.4, 0.6, 0.2, 0.3, 0.7, 0.8], [0.2, 0.1, 0.4, 0.2, 0.6, 0.7, 0.9]
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     result = net_reclassification(y, old, new, cutoffs=[0.5])
    >>> round(result.nri_events, 3), round(result.nri_nonevents, 3)
    (0.333, 0.25)
    """
    outcome, old, new = _pair(y_true, prob_old, prob_new, event)
    n_resamples = as_count(n_resamples, "n_resamples", least=2, example="2000")
    limits = None if cutoffs is None else _cutoffs(cutoffs)
    if limits is None:
        if not 0 <= as_number(min_change, "min_change") < 1:
            raise ValueError(f"min_change must lie in [0, 1); got {min_change!r}.")
        difference = new - old
        change = np.where(np.abs(difference) > min_change, np.sign(difference), 0.0)
        events_table = nonevents_table = None
    else:
        if min_change != 0:
            raise ValueError("min_change belongs to the continuous NRI; leave it out where cutoffs are given.")
        before, after = np.searchsorted(limits, old, side="right"), np.searchsorted(limits, new, side="right")
        change = np.sign(after - before).astype(float)
        events_table, nonevents_table = (_table(before[rows], after[rows], limits) for rows in (outcome, ~outcome))
    warnings.warn(NRI_CAUTION, UserWarning, stacklevel=2)
    up = [float((change[rows] > 0).mean()) for rows in (outcome, ~outcome)]
    down = [float((change[rows] < 0).mean()) for rows in (outcome, ~outcome)]
    sizes = (int(outcome.sum()), int((~outcome).sum()))
    estimates = _components(up[0] - down[0], down[1] - up[1])
    variances = [(u + d - (u - d) ** 2) / size for u, d, size in zip(up, down, sizes, strict=True)]
    errors = np.sqrt(np.maximum([sum(variances), *variances], 0.0))
    z, p = _test(float(estimates[0]), float(errors[0]))
    return NetReclassification(
        statistic=z,
        pvalue=p,
        n=len(outcome),
        n_events=sizes[0],
        _estimates=estimates,
        _errors=errors,
        _outcome=outcome,
        _change=change,
        _n_resamples=n_resamples,
        _random_state=random_state,
        nri=float(estimates[0]),
        se=float(errors[0]),
        nri_events=float(estimates[1]),
        se_events=float(errors[1]),
        nri_nonevents=float(estimates[2]),
        se_nonevents=float(errors[2]),
        up_events=up[0],
        down_events=down[0],
        up_nonevents=up[1],
        down_nonevents=down[1],
        cutoffs=None if limits is None else tuple(limits.tolist()),
        table_events=events_table,
        table_nonevents=nonevents_table,
        caution=NRI_CAUTION,
    )


def integrated_discrimination(
    y_true: npt.ArrayLike,
    prob_old: npt.ArrayLike,
    prob_new: npt.ArrayLike,
    *,
    event: Any = None,
    n_resamples: int = 2000,
    random_state: RandomState = None,
) -> IntegratedDiscrimination:
    """Compute the integrated discrimination improvement of a new model over an old one.

    With d = p_new - p_old: IDI = mean(d | event) - mean(d | non-event), the gain in discrimination slope;
    se = sqrt(var(d | event) / n_1 + var(d | non-event) / n_0), variances with n - 1.

    Like the NRI, the IDI can be positive for useless markers, and its normal test is anticonservative where the old model
    is nested in a new one fitted to the same patients: there, test the marker's coefficient.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`; both classes.
    prob_old, prob_new : array-like of shape (n,)
        Predicted probabilities of the two models.
    event : object, optional
        The value of `y_true` that is the event.
    n_resamples : int
        Resamples of the bootstrap interval, drawn when it is first asked for.
    random_state : int, SeedSequence or Generator, optional
        Its seed.

    Returns
    -------
    IntegratedDiscrimination
        Equal predictions give idi 0, se 0, statistic 0, p 1. With a single event (or non-event) the standard errors,
        the statistic and p are NaN.

    Raises
    ------
    ValueError
        Bad input.

    References
    ----------
    Pencina et al. (2008), doi 10.1002/sim.2929; Kerr et al. (2011), doi 10.1093/aje/kwr086 (its test).

    Examples
    --------
    >>> from vcfstats import integrated_discrimination
    >>> y = [0, 0, 0, 0, 1, 1, 1]
    >>> old, new = [0.1, 0.4, 0.6, 0.2, 0.3, 0.7, 0.8], [0.2, 0.1, 0.4, 0.2, 0.6, 0.7, 0.9]
    >>> result = integrated_discrimination(y, old, new)
    >>> round(result.idi, 4), round(result.se, 4)
    (0.2333, 0.1269)
    """
    outcome, old, new = _pair(y_true, prob_old, prob_new, event)
    n_resamples = as_count(n_resamples, "n_resamples", least=2, example="2000")
    change = new - old
    events, nonevents = change[outcome], change[~outcome]
    estimates = _components(events.mean(), -nonevents.mean())
    variances = [values.var(ddof=1) / values.size if values.size > 1 else np.nan for values in (events, nonevents)]
    errors = np.sqrt([sum(variances), *variances])
    z, p = _test(float(estimates[0]), float(errors[0]))
    return IntegratedDiscrimination(
        statistic=z,
        pvalue=p,
        n=len(outcome),
        n_events=int(outcome.sum()),
        _estimates=estimates,
        _errors=errors,
        _outcome=outcome,
        _change=change,
        _n_resamples=n_resamples,
        _random_state=random_state,
        idi=float(estimates[0]),
        se=float(errors[0]),
        idi_events=float(estimates[1]),
        se_events=float(errors[1]),
        idi_nonevents=float(estimates[2]),
        se_nonevents=float(errors[2]),
        slope_old=float(old[outcome].mean() - old[~outcome].mean()),
        slope_new=float(new[outcome].mean() - new[~outcome].mean()),
    )


def _pair(
    y_true: npt.ArrayLike, prob_old: npt.ArrayLike, prob_new: npt.ArrayLike, event: Any
) -> tuple[BoolArray, FloatArray, FloatArray]:
    check_alignment(y_true=y_true, prob_old=prob_old, prob_new=prob_new)
    outcome = as_outcome(y_true, event=event)
    n = len(outcome)
    return outcome, as_probabilities(prob_old, n, name="prob_old"), as_probabilities(prob_new, n, name="prob_new")


def _cutoffs(cutoffs: npt.ArrayLike) -> FloatArray:
    limits = np.atleast_1d(as_numbers(cutoffs, "cutoffs", booleans=False))
    if limits.ndim != 1 or not limits.size or not ((limits > 0) & (limits < 1)).all() or (np.diff(limits) <= 0).any():
        raise ValueError(f"cutoffs must rise strictly between 0 and 1, such as [0.1, 0.3]; got {limits.tolist()}.")
    return limits


def _components(events: Any, nonevents: Any) -> FloatArray:
    return np.array([events + nonevents, events, nonevents], dtype=np.float64)


def _test(estimate: float, se: float) -> tuple[float, float]:
    if np.isnan(se):
        return float("nan"), float("nan")
    if se == 0:
        return (0.0, 1.0) if estimate == 0 else (float(np.copysign(np.inf, estimate)), 0.0)
    return estimate / se, float(2 * norm.sf(abs(estimate / se)))


def _table(before: npt.NDArray[np.intp], after: npt.NDArray[np.intp], limits: FloatArray) -> pd.DataFrame:
    import pandas as pd

    edges = [0.0, *limits.tolist(), 1.0]
    names = [f"[{a:g}, {b:g})" for a, b in pairwise(edges[:-1])] + [f"[{edges[-2]:g}, 1]"]
    counts = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(counts, (before, after), 1)
    return pd.DataFrame(counts, index=pd.Index(names, name="old"), columns=pd.Index(names, name="new"))
