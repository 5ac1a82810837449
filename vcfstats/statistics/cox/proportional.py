"""Do hazard ratios stay the same in time? The score test of an interaction with time, by covariate and overall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc
from scipy.stats import rankdata

from vcfstats.statistics.cox.likelihood import event_weights, moments
from vcfstats.statistics.cox.model import CoxData, CoxModel
from vcfstats.statistics.inputs import FloatArray, check_choice
from vcfstats.statistics.results import Result
from vcfstats.statistics.survival.times import just_before, risk_table

if TYPE_CHECKING:
    import pandas as pd

TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True, repr=False, eq=False)
class ProportionalHazards(Result):
    """Tests of proportional hazards.

    Attributes
    ----------
    variables : tuple of str
        The predictors in their order.
    statistic, df, pvalue : ndarray of shape (v,)
        Score test of each variable, its coefficients letting go of constancy together; p upper-tail chi-square.
    global_statistic, global_df, global_pvalue : float
        Of all coefficients at once.
    transform : str
        Function of time with which the coefficients may change.
    terms : tuple of str
        The coefficients, columns of `residuals`.
    event_times, transformed : ndarray of shape (e,)
        Times of the events in ascending order (within strata), and their transforms.
    residuals : ndarray of shape (e, p)
        Scaled Schoenfeld residuals plus coefficients: smoothed against `transformed` they draw the coefficient in time.
    """

    variables: tuple[str, ...]
    statistic: FloatArray
    df: npt.NDArray[np.int64]
    pvalue: FloatArray
    global_statistic: float
    global_df: int
    global_pvalue: float
    transform: str
    terms: tuple[str, ...]
    event_times: FloatArray = field(repr=False)
    transformed: FloatArray = field(repr=False)
    residuals: FloatArray = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a variable and a last one ``GLOBAL``: ``variable, statistic, df, p_value``."""
        import pandas as pd

        return pd.DataFrame(
            {
                "variable": [*self.variables, "GLOBAL"],
                "statistic": [*self.statistic, self.global_statistic],
                "df": [*self.df.tolist(), self.global_df],
                "p_value": [*self.pvalue, self.global_pvalue],
            }
        )


def proportional_hazards_test(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    predictors: pd.DataFrame | npt.ArrayLike,
    *,
    event_value: Any = None,
    transform: str = "km",
    reference: Mapping[str, Any] | None = None,
    strata: npt.ArrayLike | None = None,
    ties: str = "efron",
    missing: str = "raise",
) -> ProportionalHazards:
    """Test the proportional hazards of a Cox model of all predictors.

    The coefficient of each variable is let grow as b + c g(t); the test is the score test of c = 0 with the full
    information of b and c, as cox.zph of survival 3.0 and later, and not the older approximation from the correlation
    of residuals.

    Parameters
    ----------
    time, event, event_value, predictors, reference, strata, ties, missing
        As in `cox_table`.
    transform : {"km", "rank", "identity", "log"}
        g(t): 1 - Kaplan-Meier just before t (of all patients), the rank of t among all times, t, or log t.

    Returns
    -------
    ProportionalHazards

    Raises
    ------
    ValueError
        As `cox_table`; an infinite coefficient; events at time 0 with "log"; event times that are all the same.

    Notes
    -----
    A large p proves nothing where events are few, and a small one says that the hazard ratio is an average over the
    follow-up. The size at 0.05 was 0.02 to 0.10 over 250 samples a design (standard error 0.02): above the level in
    70 patients without ties, below it where times lie in twelve steps (benchmarks/results/coverage_cox.md).

    References
    ----------
    Grambsch and Therneau (1994), doi 10.1093/biomet/81.3.515.

    Examples
    --------
    >>> from vcfstats import proportional_hazards_test
    >>> time, event = [5, 8, 3, 9, 2, 7, 6, 4, 1, 10], [1, 1, 1, 0, 1, 0, 1, 1, 0, 1]
    >>> result = proportional_hazards_test(time, event, [2.0, 1.1, 2.2, 0.7, 1.4, 2.6, 1.9, 0.4, 1.2, 1.8])
    >>> round(result.global_statistic, 3), result.global_df
    (0.017, 1)
    """
    from vcfstats.statistics.cox.table import cox_table

    check_choice(transform, TRANSFORMS, name="transform")
    table = cox_table(
        time,
        event,
        predictors,
        event_value=event_value,
        univariable=False,
        reference=reference,
        strata=strata,
        ties=ties,
        missing=missing,
    )
    assert table.multivariable is not None
    return test_of_model(table.multivariable, transform)


def test_of_model(model: CoxModel, transform: str) -> ProportionalHazards:
    """Return the test of a fitted model."""
    check_choice(transform, TRANSFORMS, name="transform")
    if model.infinite.any():
        names = [term for term, is_infinite in zip(model.terms, model.infinite, strict=True) if is_infinite]
        raise ValueError(
            f"predictors: {', '.join(names)} has no finite coefficient, so that nothing can be said of it in time; leave it out."
        )
    data, design = model._data, model._design
    sets = data.sets
    X = (design.matrix - design.matrix.mean(axis=0))[sets.order]
    scale = X.std(axis=0)
    X = X / scale
    now = moments(X, X @ (model.coef * scale), sets)
    at = sets.positions
    times = data.time[sets.order][at]
    g = _transformed(data, transform)[sets.order][at]
    centred = g - g.mean()
    if np.ptp(g) == 0:
        raise ValueError("time: all events happen at one time, so that no change of the hazard ratios can be seen.")
    schoenfeld = X[at] - _mean_over_ties(now.mean, sets.tied)
    score = centred @ schoenfeld

    def information(value: FloatArray) -> FloatArray:
        weight = now.hazard * event_weights(value, now.total, sets)
        return np.asarray((X * weight[:, None]).T @ X - (now.mean * value[:, None]).T @ now.mean)

    base, mixed, changing = (information(value) for value in (np.ones(len(g)), centred, centred**2))

    def statistic(block: npt.NDArray[np.intp]) -> float:
        inner = changing[np.ix_(block, block)] - mixed[block] @ np.linalg.solve(base, mixed[:, block])
        return float(score[block] @ np.linalg.lstsq(inner, score[block], rcond=None)[0])

    blocks = [design.columns_of(variable) for variable in model.variables]
    found, sizes = np.array([statistic(block) for block in blocks]), np.array([len(block) for block in blocks])
    whole = statistic(np.arange(len(score)))
    order = np.lexsort((times, data.stratum[sets.order][at]))
    residuals = len(g) * np.linalg.solve(base, schoenfeld.T).T / scale + model.coef
    return ProportionalHazards(
        variables=model.variables,
        statistic=found,
        df=sizes,
        pvalue=np.asarray(chdtrc(sizes, found)),
        global_statistic=whole,
        global_df=len(score),
        global_pvalue=float(chdtrc(len(score), whole)),
        transform=transform,
        terms=model.terms,
        event_times=times[order],
        transformed=g[order],
        residuals=residuals[order],
    )


def _mean_over_ties(mean: FloatArray, tied: npt.NDArray[np.int64]) -> FloatArray:
    """Give each event the average of the means of its time: Efron's differ by the order in which tied events are put."""
    count = np.bincount(tied)
    starts = np.cumsum(count) - count
    return np.asarray((np.add.reduceat(mean, starts, axis=0) / count[:, None])[tied])


def _transformed(data: CoxData, transform: str) -> FloatArray:
    """Return the function of time of each patient's own time."""
    if transform == "identity":
        return data.time
    if transform == "log":
        if data.time[data.event].min() <= 0:
            raise ValueError("transform='log' needs events at positive times; one happens at time 0.")
        with np.errstate(divide="ignore"):  # of times without an event
            return np.log(data.time)
    if transform == "rank":
        return np.asarray(rankdata(data.time), dtype=np.float64)
    table = risk_table(data.time, data.event)
    survival: FloatArray = np.cumprod(1 - table.events / table.at_risk).astype(np.float64)
    return 1 - just_before(table, survival, data.time)
