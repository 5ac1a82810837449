"""One model's calibration in numbers: in the large, intercept and slope, O/E, Brier, ICI and its kin."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import beta, chi2, norm

from vcfstats.statistics.bootstrap import Bootstrap, bootstrap_ci
from vcfstats.statistics.calibration.loess import SURFACES, loess
from vcfstats.statistics.calibration.logits import check_clip, linear_predictor
from vcfstats.statistics.calibration.scores import BrierScore, brier_of, spiegelhalter_of
from vcfstats.statistics.glm import LogisticFit, fit_logistic, log_likelihood, profile_interval
from vcfstats.statistics.inputs import (
    BoolArray,
    FloatArray,
    RandomState,
    as_count,
    as_outcome,
    as_probabilities,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.results import ConfidenceInterval, Result

if TYPE_CHECKING:
    import pandas as pd

_LIKELIHOOD = ("calibration_in_the_large", "intercept", "slope")
_SMOOTHED = ("ici", "e50", "e90", "emax")
_DRAWN = ("brier", "scaled_brier", *_SMOOTHED)
_METHODS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_LIKELIHOOD, ("wald", "profile")),
    "oe_ratio": ("log", "exact"),
    **dict.fromkeys(("brier", "scaled_brier"), ("wald", "bootstrap")),
    **dict.fromkeys(_SMOOTHED, ("bootstrap",)),
}


@dataclass(frozen=True, repr=False, eq=False)
class CalibrationSummary(Result):
    """Result of `calibration_summary`.

    Attributes
    ----------
    n, n_events : int
        Patients and events.
    calibration_in_the_large : float
        Intercept of logit(P) = a + lp, slope fixed at 1: 0 where the mean risk is right, above 0 where risk is
        underestimated.
    intercept, slope : float
        Coefficients of logit(P) = a + b lp, fitted together: 0 and 1 under calibration. Where lp separates events from
        non-events the slope is infinite and the intercept NaN; where lp is constant both are NaN.
    oe_ratio : float
        Observed over expected number of events.
    brier, scaled_brier : float
        Brier score, and 1 - Brier / (prevalence (1 - prevalence)).
    spiegelhalter_z, spiegelhalter_pvalue : float
        Spiegelhalter's test.
    unreliability_chi2, unreliability_pvalue : float
        Likelihood-ratio test of intercept 0 and slope 1 together, 2 df (Cox 1958).
    ici, e50, e90, emax : float
        Mean, median, 90th percentile and maximum over patients of |p - smooth|, smooth being the loess of the outcome
        on p (Austin and Steyerberg).
    n_extreme : int
        Probabilities of exactly 0 or 1, which were kept within [clip, 1 - clip] for the fits on the log odds.
    surface : str
        Loess surface behind ici, e50, e90, emax.
    """

    n: int
    n_events: int
    calibration_in_the_large: float
    intercept: float
    slope: float
    oe_ratio: float
    brier: float
    scaled_brier: float
    spiegelhalter_z: float
    spiegelhalter_pvalue: float
    unreliability_chi2: float
    unreliability_pvalue: float
    ici: float
    e50: float
    e90: float
    emax: float
    n_extreme: int
    surface: str
    _y: FloatArray
    _prob: FloatArray
    _lp: FloatArray
    _large: LogisticFit
    _joint: LogisticFit | None
    _brier: BrierScore
    _level: float
    _n_resamples: int
    _random_state: RandomState

    def confidence_interval(
        self, measure: str, confidence_level: float = 0.95, *, method: str | None = None
    ) -> ConfidenceInterval:
        """Return the interval of one measure.

        Parameters
        ----------
        measure : str
            Name of a field: calibration_in_the_large, intercept, slope, oe_ratio, brier, scaled_brier, ici, e50, e90 or
            emax.
        confidence_level : float
            Such as 0.95.
        method : str, optional
            calibration_in_the_large, intercept, slope: "wald" (default) or "profile" (likelihood; keeps a finite limit
            under separation, where Wald's is NaN). oe_ratio: "log", normal on log(O/E) with variance
            (1 - O/n) / O (default), or "exact", Clopper-Pearson for O over E. brier, scaled_brier: "wald" (default) or
            "bootstrap". ici, e50, e90, emax: "bootstrap", percentiles over resampled patients with
            the smoother fitted anew. A calibrated model has ici 0, the edge of its range, and every smoother finds
            some error in noise: these intervals then lie above the truth. Measured at 95%
            (benchmarks/results/coverage_calibration_smooth.md): 0 for a calibrated model; for one with slope 0.8,
            0.46 with 26 events of 70 and 0.78 with 61 of 164. No interval here is better; report intercept and slope.
            Profile intervals cover 0.92 to 0.93 with 4 events of 70, where Wald's keep 0.95, and 0.94 to 0.95 otherwise.

        Returns
        -------
        ConfidenceInterval

        Notes
        -----
        Nominal 95% in simulation (benchmarks/results/coverage_calibration.md): intercept and slope cover 95 to 96% from
        4 events on. Calibration-in-the-large takes the slope for 1 and covers 93 to 95% where it is 0.8; use the
        intercept's interval, or recalibrate, then. O/E covers 95 to 97% (log) and 97 to 98% (exact): both take the
        variance for that of equal risks and are wide. Brier: see `BrierScore.confidence_interval`.

        Raises
        ------
        ValueError
            Unknown measure or method, a level outside (0, 1), or a bootstrap where `n_resamples` was 0.
        """
        check_choice(measure, tuple(_METHODS), name="measure")
        level = check_level(confidence_level)
        chosen = check_choice(method, _METHODS[measure], name=f"method of {measure}", default=_METHODS[measure][0])
        if chosen == "bootstrap":
            low, high = np.asarray(self._bootstrap.confidence_interval(level, method="percentile"))
            return ConfidenceInterval(float(low[_DRAWN.index(measure)]), float(high[_DRAWN.index(measure)]))
        if measure in _LIKELIHOOD:
            return self._likelihood_interval(measure, level, chosen)
        if measure == "oe_ratio":
            return _oe_interval(self.n_events, self.n, float(self._prob.sum()), level, chosen)
        return self._brier.confidence_interval(level, scaled=measure == "scaled_brier")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a measure: `measure, estimate, ci_low, ci_high, method`.

        The default method of each interval and the level given to `calibration_summary`; bootstrap intervals are drawn
        on the first call, and left NaN where `n_resamples` is 0.
        """
        import pandas as pd

        rows = []
        for measure, methods in _METHODS.items():
            drawn = methods[0] != "bootstrap" or self._n_resamples > 0
            interval = self.confidence_interval(measure, self._level) if drawn else (np.nan, np.nan)
            rows.append((measure, getattr(self, measure), *interval, methods[0] if drawn else "none"))
        return pd.DataFrame(rows, columns=["measure", "estimate", "ci_low", "ci_high", "method"])

    @cached_property
    def _bootstrap(self) -> Bootstrap:
        if not self._n_resamples:
            raise ValueError("This interval is a bootstrap's, and n_resamples was 0; ask calibration_summary for some.")

        def statistic(y: FloatArray, prob: FloatArray) -> FloatArray:
            brier = brier_of(y, prob)
            errors = smoothed_errors(y, prob, self.surface)
            return np.array([brier.statistic, brier.scaled, *(errors[name] for name in _SMOOTHED)])

        return bootstrap_ci(
            (self._y, self._prob), statistic, n_resamples=self._n_resamples, random_state=self._random_state
        )

    def _likelihood_interval(self, measure: str, level: float, method: str) -> ConfidenceInterval:
        ones = np.ones((self.n, 1))
        if measure == "calibration_in_the_large":
            fit, column, design, offset = self._large, 0, ones, self._lp
        elif self._joint is None:
            return ConfidenceInterval(float("nan"), float("nan"))
        else:
            fit, column = self._joint, int(measure == "slope")
            design, offset = np.column_stack([ones, self._lp]), np.zeros(self.n)
        if method == "profile":
            return profile_interval(design, self._y, column, offset=offset, confidence_level=level, fit=fit)
        if fit.separated:
            return ConfidenceInterval(float("nan"), float("nan"))
        half = norm.ppf((1 + level) / 2) * np.sqrt(fit.covariance[column, column])
        return ConfidenceInterval(float(fit.coef[column] - half), float(fit.coef[column] + half))


def calibration_summary(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    *,
    event: Any = None,
    surface: str = "interpolate",
    clip: float = 1e-6,
    confidence_level: float = 0.95,
    n_resamples: int = 2000,
    random_state: RandomState = None,
) -> CalibrationSummary:
    """Summarise the calibration of predicted probabilities.

    With lp = log(p / (1 - p)): calibration-in-the-large a of logit(P) = a + lp; intercept a and slope b of
    logit(P) = a + b lp; O/E = sum y / sum p; Brier = mean (y - p)^2; Spiegelhalter's z; and ICI, E50, E90, Emax, the
    mean, median, 90th percentile (type 7) and maximum of |p - loess(p)|.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`; both classes.
    y_prob : array-like of shape (n,)
        Predicted probability of the event.
    event : object, optional
        The value of `y_true` that is the event.
    surface : {"interpolate", "direct"}
        Loess surface behind ici, e50, e90 and emax: R's default, or the exact local fit. They differ in the third or
        fourth digit.
    clip : float
        Where a probability is exactly 0 or 1, all are kept within [clip, 1 - clip] for the fits on the log odds, with
        a warning.
    confidence_level : float
        Level of the intervals in `to_frame`.
    n_resamples : int
        Bootstrap resamples for ici, e50, e90, emax, drawn when they are first asked for; 0 for none.
    random_state : int, SeedSequence or Generator, optional
        Seed of the bootstrap.

    Returns
    -------
    CalibrationSummary

    Raises
    ------
    ValueError
        Bad input, or an outcome of one class.

    References
    ----------
    Cox (1958), doi 10.1093/biomet/45.3-4.562; Van Calster et al. (2016), doi 10.1016/j.jclinepi.2015.12.005; Debray et
    al. (2017), doi 10.1136/bmj.i6460 (O/E); Austin and Steyerberg (2019), doi 10.1002/sim.8281 (ICI, E50, E90, Emax).

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import calibration_summary
    >>> rng = np.random.default_rng(1)
    >>> risk = rng.uniform(0.05, 0.95, size=300)
    >>> summary = calibration_summary(rng.random(300) < risk, risk)
    >>> round(summary.slope, 2), round(summary.oe_ratio, 2)
    (1.11, 1.0)
    >>> low, high = summary.confidence_interval("slope", method="profile")
    >>> bool(low < 1 < high)
    True
    """
    check_alignment(y_true=y_true, y_prob=y_prob)
    outcome = as_outcome(y_true, event=event)
    prob = as_probabilities(y_prob, len(outcome))
    check_choice(surface, SURFACES, name="surface")
    level = check_level(confidence_level)
    n_resamples = as_count(n_resamples, "n_resamples", least=0)  # 0 for no bootstrap
    lp, extreme = linear_predictor(prob, check_clip(clip))
    y = outcome.astype(float)
    large = fit_logistic(np.ones((len(y), 1)), y, offset=lp)
    joint, intercept, slope, loglik = _recalibrate(outcome, lp)
    unreliability = max(0.0, 2 * (loglik - log_likelihood(y, lp)))
    brier = brier_of(y, prob)
    spiegelhalter = spiegelhalter_of(y, prob)
    return CalibrationSummary(
        n=len(y),
        n_events=int(y.sum()),
        calibration_in_the_large=float(large.coef[0]),
        intercept=intercept,
        slope=slope,
        oe_ratio=_ratio(float(y.sum()), float(prob.sum())),
        brier=brier.statistic,
        scaled_brier=brier.scaled,
        spiegelhalter_z=spiegelhalter.statistic,
        spiegelhalter_pvalue=spiegelhalter.pvalue,
        unreliability_chi2=unreliability,
        unreliability_pvalue=float(chi2.sf(unreliability, 2)),
        **smoothed_errors(y, prob, surface),
        n_extreme=extreme,
        surface=surface,
        _y=y,
        _prob=prob,
        _lp=lp,
        _large=large,
        _joint=joint,
        _brier=brier,
        _level=level,
        _n_resamples=int(n_resamples),
        _random_state=random_state,
    )


def _recalibrate(outcome: BoolArray, lp: FloatArray) -> tuple[LogisticFit | None, float, float, float]:
    """Fit intercept and slope; return the fit, both coefficients and the log-likelihood, where they exist."""
    y = outcome.astype(float)
    if np.ptp(lp) == 0:
        warnings.warn(
            f"Every probability is {expit(lp[0]):.6g}: no calibration slope exists; intercept and slope are NaN.",
            RuntimeWarning,
            stacklevel=3,
        )
        prevalence = y.mean()
        return None, float("nan"), float("nan"), log_likelihood(y, np.full(len(y), logit(prevalence)))
    fit = fit_logistic(np.column_stack([np.ones(len(y)), lp]), y)
    if not fit.separated:
        return fit, float(fit.coef[0]), float(fit.coef[1]), fit.loglik
    warnings.warn(
        "The predictions separate events from non-events: the calibration slope is infinite and the intercept NaN;"
        ' confidence_interval("slope", method="profile") gives the finite limit.',
        RuntimeWarning,
        stacklevel=3,
    )
    return fit, float("nan"), float(np.copysign(np.inf, fit.coef[1])), fit.loglik


def _ratio(observed: float, expected: float) -> float:
    return observed / expected if expected > 0 else float("inf")


def _oe_interval(events: int, n: int, expected: float, level: float, method: str) -> ConfidenceInterval:
    if expected == 0:
        return ConfidenceInterval(float("nan"), float("nan"))
    if method == "log":
        half = norm.ppf((1 + level) / 2) * np.sqrt((1 - events / n) / events)
        ratio = events / expected
        return ConfidenceInterval(float(ratio * np.exp(-half)), float(ratio * np.exp(half)))
    tail = (1 - level) / 2
    low, high = beta.ppf(tail, events, n - events + 1), beta.isf(tail, events + 1, n - events)
    return ConfidenceInterval(float(low * n / expected), float(high * n / expected))


def smoothed_errors(y: FloatArray, prob: FloatArray, surface: str) -> dict[str, float]:
    """Return ici, e50, e90 and emax of checked arrays."""
    error = np.abs(prob - loess(prob, y, surface=surface).fitted)
    e50, e90 = np.quantile(error, [0.5, 0.9])
    return {"ici": float(error.mean()), "e50": float(e50), "e90": float(e90), "emax": float(error.max())}
