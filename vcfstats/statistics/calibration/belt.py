"""The calibration belt and its test."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import chi2

from vcfstats.statistics.calibration.belt_bounds import profile_bounds
from vcfstats.statistics.calibration.belt_distribution import belt_quantile, belt_sf
from vcfstats.statistics.calibration.logits import check_clip, linear_predictor
from vcfstats.statistics.glm import LogisticFit, fit_logistic, log_likelihood
from vcfstats.statistics.inputs import (
    FloatArray,
    as_count,
    as_numbers,
    as_outcome,
    as_probabilities,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.results import Result

if TYPE_CHECKING:
    import pandas as pd

Intervals = tuple[tuple[float, float], ...]


@dataclass(frozen=True, repr=False, eq=False)
class CalibrationBelt(Result):
    """Result of `calibration_belt`.

    Attributes
    ----------
    statistic : float
        Twice the log-likelihood gained over the predictions themselves.
    pvalue : float
        Of calibration, given the degree that the selection chose.
    degree : int
        Degree of the polynomial on the log odds.
    coef : ndarray of shape (degree + 1,)
        Its coefficients, constant first. NaN where the data are separated.
    devel : str
        "external" or "internal".
    predicted : ndarray of shape (m,)
        Predicted probabilities at which the belt is given.
    confidence_levels : tuple of float
        Largest first.
    low, high : ndarray of shape (levels, m)
        Limits of the belt.
    above, below : dict of float to tuple of (float, float)
        By level, the intervals of predicted probability where the belt lies above the diagonal (risk underestimated)
        and below it (risk overestimated).
    n, n_events : int
        Patients and events.
    """

    statistic: float
    pvalue: float
    degree: int
    coef: FloatArray
    devel: str
    predicted: FloatArray
    confidence_levels: tuple[float, ...]
    low: FloatArray
    high: FloatArray
    above: dict[float, Intervals]
    below: dict[float, Intervals]
    n: int
    n_events: int

    def to_frame(self) -> pd.DataFrame:
        """Return rows of `confidence_level, predicted, low, high`."""
        import pandas as pd

        m = len(self.predicted)
        return pd.DataFrame(
            {
                "confidence_level": np.repeat(self.confidence_levels, m),
                "predicted": np.tile(self.predicted, len(self.confidence_levels)),
                "low": self.low.ravel(),
                "high": self.high.ravel(),
            }
        )


def calibration_belt(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    *,
    devel: str = "external",
    confidence_levels: Sequence[float] = (0.95, 0.80),
    selection_level: float = 0.95,
    max_degree: int = 4,
    n_points: int = 200,
    clip: float = 1e-6,
    event: Any = None,
) -> CalibrationBelt:
    """Compute the calibration belt and its test (GiViTI).

    logit(P) is a polynomial in lp = log(p / (1 - p)) whose degree grows while the likelihood-ratio test of one more term
    passes the selection level, from 1 (external) or 2 (internal) to `max_degree`. Statistic: 2 (log-likelihood of the
    polynomial - log-likelihood of p); its null distribution allows for the selection. The belt is, at each p, the range
    of the polynomial over all coefficients whose log-likelihood lies within half the quantile of that distribution from
    the maximum: a simultaneous region. So an external belt at level L contains the diagonal wherever the test's p value
    exceeds 1 - L; the converse does not hold, and neither does for internal belts. At a nominal 5% the external test
    rejected a calibrated model in 9% of samples with 4 events among 70 and in 5 to 6% from 8 events on
    (benchmarks/results/coverage_calibration_tests.md). An external belt of 95% held the whole true curve in 94 to 96% of
    samples from 8 events on, in 84% with 4 events among 70, where 12% had no belt. An internal belt is no region for the
    true curve: its quantile counts the terms added to the fitted model, not that model's own two, and it held the curve
    in 79 to 81% of samples, in 59 and 74% with 4 and 8 events (coverage_calibration_bands.md).

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`; both classes.
    y_prob : array-like of shape (n,)
        Predicted probability of the event.
    devel : {"external", "internal"}
        "internal" where the model is a logistic regression fitted to these very data (its slope is 1 by construction).
    confidence_levels : sequence of float
        Levels of the belt.
    selection_level : float
        Confidence level at which a further term is taken in.
    max_degree : int
        1 (2 for internal) to 4.
    n_points : int
        Points of the belt: half equally spaced in p, half in its log odds.
    clip : float
        Where a probability is exactly 0 or 1, all are kept within [clip, 1 - clip], with a warning.
    event : object, optional
        The value of `y_true` that is the event.

    Returns
    -------
    CalibrationBelt
        Where the predictions (or the polynomial chosen) separate the classes, no maximum exists: the test uses the
        supremum, and the belt and `coef` are NaN, with a warning.

    Raises
    ------
    ValueError
        Bad input, or fewer distinct predictions than the starting degree + 1.

    References
    ----------
    Finazzi et al. (2011), doi 10.1371/journal.pone.0016110; Nattino, Finazzi and Bertolini (2014),
    doi 10.1002/sim.6100; (2016), doi 10.1002/sim.6997.

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import calibration_belt
    >>> rng = np.random.default_rng(1)
    >>> risk = rng.uniform(0.05, 0.95, size=300)
    >>> belt = calibration_belt(rng.random(300) < risk, risk, n_points=20)
    >>> belt.degree, round(belt.pvalue, 2), belt.above[0.95]
    (1, 0.69, ())
    """
    check_choice(devel, ("external", "internal"), name="devel")
    given_levels = as_numbers(confidence_levels, "confidence_levels", booleans=False)
    if given_levels.ndim != 1 or not given_levels.size:
        raise ValueError(f"confidence_levels must be some levels, such as (0.95, 0.80); got {confidence_levels!r}.")
    levels = tuple(
        sorted({check_level(level, name="confidence_levels") for level in given_levels.tolist()}, reverse=True)
    )
    selection = check_level(selection_level, name="selection_level")
    start = 1 if devel == "external" else 2
    max_degree = as_count(max_degree, "max_degree", least=0)
    if max_degree not in range(start, 5):
        raise ValueError(
            f"max_degree must be a whole number from {start} to 4 for devel={devel!r}; got {max_degree!r}."
        )
    n_points = as_count(n_points, "n_points", least=4, most=100_000)
    check_alignment(y_true=y_true, y_prob=y_prob)
    outcome = as_outcome(y_true, event=event)
    prob = as_probabilities(y_prob, len(outcome))
    lp, _ = linear_predictor(prob, check_clip(clip))
    distinct = np.unique(lp).size
    if distinct < start + 1:
        raise ValueError(
            f"y_prob has {distinct} distinct value(s); a polynomial of degree {start} needs at least {start + 1}."
        )
    y = outcome.astype(float)
    if devel == "external" and abs(y.sum() - prob.sum()) < 1e-4:
        warnings.warn(
            "Observed and expected events agree to four decimals: a model fitted to these data needs devel='internal'.",
            RuntimeWarning,
            stacklevel=2,
        )
    degree, fit = _select(y, lp, start, min(max_degree, distinct - 1), selection)
    statistic = max(0.0, 2 * (fit.loglik - log_likelihood(y, lp)))
    half = int(np.round(n_points / 2))
    at = np.sort(
        np.concatenate(
            [np.linspace(lp.min(), lp.max(), half), logit(np.linspace(expit(lp.min()), expit(lp.max()), half))]
        )
    )
    if fit.separated:
        warnings.warn(
            "The predictions separate events from non-events: no belt can be drawn (NaN); the test uses the supremum"
            " of the likelihood.",
            RuntimeWarning,
            stacklevel=2,
        )
        low = high = np.full((len(levels), len(at)), np.nan)
    else:
        low, high = _belt(y, lp, at, fit, [belt_quantile(level, degree, devel, selection) for level in levels])
    points = expit(at)
    return CalibrationBelt(
        statistic=statistic,
        pvalue=belt_sf(statistic, degree, devel, selection),
        degree=degree,
        coef=np.full(degree + 1, np.nan) if fit.separated else fit.coef,
        devel=devel,
        predicted=points,
        confidence_levels=levels,
        low=low,
        high=high,
        above={level: _stretches(points, row - points) for level, row in zip(levels, low, strict=True)},
        below={level: _stretches(points, points - row) for level, row in zip(levels, high, strict=True)},
        n=len(y),
        n_events=int(y.sum()),
    )


def _powers(lp: FloatArray, degree: int) -> FloatArray:
    return np.asarray(lp[:, None] ** np.arange(degree + 1))


def _select(y: FloatArray, lp: FloatArray, start: int, most: int, selection: float) -> tuple[int, LogisticFit]:
    gain = chi2.ppf(selection, 1)
    degree, fit = start, fit_logistic(_powers(lp, start), y)
    while degree < most:
        larger = fit_logistic(_powers(lp, degree + 1), y)
        if 2 * (larger.loglik - fit.loglik) < gain:
            break
        degree, fit = degree + 1, larger
    return degree, fit


def _belt(
    y: FloatArray, lp: FloatArray, at: FloatArray, fit: LogisticFit, quantiles: list[float]
) -> tuple[FloatArray, FloatArray]:
    degree = len(fit.coef) - 1
    basis, triangle = np.linalg.qr(_powers(lp, degree))  # powers of lp are nearly collinear
    rows = np.linalg.solve(triangle.T, _powers(at, degree).T).T
    coef = triangle @ fit.coef
    covariance = triangle @ fit.covariance @ triangle.T
    bounds = [profile_bounds(basis, y, rows, coef, covariance, fit.loglik, q / 2) for q in quantiles]
    return expit(np.array([low for low, _ in bounds])), expit(np.array([high for _, high in bounds]))


def _stretches(points: FloatArray, gap: FloatArray) -> Intervals:
    """Return the intervals where `gap` is positive, their ends interpolated linearly."""
    positive = gap > 0
    if not positive.any():
        return ()
    edges = np.flatnonzero(np.diff(positive.astype(int)))
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = points[edges] - gap[edges] * (points[edges + 1] - points[edges]) / (gap[edges + 1] - gap[edges])
    ends = list(crossings)
    if positive[0]:
        ends.insert(0, points[0])
    if positive[-1]:
        ends.append(points[-1])
    return tuple((float(a), float(b)) for a, b in zip(ends[::2], ends[1::2], strict=True))
