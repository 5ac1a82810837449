"""A model's probabilities brought to new patients: intercept alone, or intercept and slope, fitted on these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.stats import chi2, norm

from vcfstats.statistics.calibration.logits import check_clip, linear_predictor
from vcfstats.statistics.glm import fit_logistic, log_likelihood
from vcfstats.statistics.inputs import (
    FloatArray,
    as_numbers,
    as_outcome,
    as_probabilities,
    check_alignment,
    check_choice,
    check_level,
)
from vcfstats.statistics.results import ConfidenceInterval, Result

METHODS = ("none", "intercept", "logistic")


@dataclass(frozen=True, repr=False, eq=False)
class CalibrationUpdate(Result):
    """Result of `update_calibration`: p becomes expit(intercept + slope logit(p)).

    Attributes
    ----------
    method : str
        "none", "intercept" or "logistic".
    intercept, slope : float
        0 and 1 where they are not fitted.
    intercept_se, slope_se : float
        Standard errors; NaN where not fitted.
    loglik : float
        Log-likelihood in these patients.
    n_parameters : int
        Fitted: 0, 1 or 2.
    n, n_events : int
        Patients and events that it was fitted to.
    clip : float
        Distance kept from 0 and 1 where a probability is exactly that.
    """

    method: str
    intercept: float
    slope: float
    intercept_se: float
    slope_se: float
    loglik: float
    n_parameters: int
    n: int
    n_events: int
    clip: float

    def predict(self, y_prob: npt.ArrayLike) -> FloatArray:
        """Return the updated probabilities, shape (n,); where nothing is fitted, the probabilities as they are."""
        given = as_numbers(y_prob, "y_prob")
        prob = as_probabilities(y_prob, given.size, name="y_prob") if given.ndim == 1 else given
        if given.ndim > 1 or not ((prob >= 0) & (prob <= 1)).all():
            raise ValueError(f"y_prob must be probabilities of shape (n,), from 0 to 1; got shape {given.shape}.")
        if self.method == "none":
            return prob
        bounded = np.clip(prob, self.clip, 1 - self.clip) if ((prob == 0) | (prob == 1)).any() else prob
        return np.asarray(expit(self.intercept + self.slope * (np.log(bounded) - np.log1p(-bounded))))

    def confidence_interval(self, measure: str, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return Wald's interval of "intercept" or "slope"; NaN where it was not fitted."""
        check_choice(measure, ("intercept", "slope"), name="measure")
        half = norm.ppf((1 + check_level(confidence_level)) / 2) * getattr(self, f"{measure}_se")
        value = getattr(self, measure)
        return ConfidenceInterval(float(value - half), float(value + half))

    def test_against(self, smaller: CalibrationUpdate) -> float:
        """Return the p value of the likelihood-ratio test against an update with fewer parameters, of the same patients.

        Raises
        ------
        ValueError
            `smaller` has as many parameters, or was fitted to other patients.
        """
        df = self.n_parameters - smaller.n_parameters
        if df < 1 or (self.n, self.n_events) != (smaller.n, smaller.n_events):
            raise ValueError(
                f"{self.method!r} of {self.n} patients is tested against an update of fewer parameters in the same patients;"
                f" got {smaller.method!r} of {smaller.n}."
            )
        return float(chi2.sf(max(0.0, 2 * (self.loglik - smaller.loglik)), df))


def update_calibration(
    y_true: npt.ArrayLike, y_prob: npt.ArrayLike, *, method: str = "logistic", event: Any = None, clip: float = 1e-6
) -> CalibrationUpdate:
    """Recalibrate predicted probabilities to new patients.

    With lp = log(p / (1 - p)): "intercept" fits a of logit(P) = a + lp, which mends the mean risk; "logistic" fits a and b
    of logit(P) = a + b lp, which mends predictions that are too extreme as well; "none" leaves them. In the patients that
    it was fitted to the updated model has by construction intercept 0 and slope 1: that is no evidence; see
    `optimism_bootstrap`.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any coding with `event`; both classes.
    y_prob : array-like of shape (n,)
        Predicted probability of the event.
    method : {"none", "intercept", "logistic"}
        What is fitted.
    event : object, optional
        The value of `y_true` that is the event.
    clip : float
        Where a probability is exactly 0 or 1, all are kept within [clip, 1 - clip], with a warning.

    Returns
    -------
    CalibrationUpdate

    Raises
    ------
    ValueError
        Bad input, one class only, probabilities that are all equal or that separate events from non-events ("logistic").

    References
    ----------
    Steyerberg et al. (2004), doi 10.1002/sim.1844. Vergouwe et al. (2017), doi 10.1002/sim.7179 (tests between updates).

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import update_calibration
    >>> rng = np.random.default_rng(1)
    >>> risk = rng.uniform(0.05, 0.95, size=400)
    >>> y = rng.random(400) < risk / 2
    >>> update = update_calibration(y, risk, method="intercept")
    >>> round(update.intercept, 2), bool(abs(update.predict(risk).mean() - y.mean()) < 1e-6)
    (-1.48, True)
    """
    chosen = check_choice(method, METHODS, name="method")
    check_alignment(y_true=y_true, y_prob=y_prob)
    outcome = as_outcome(y_true, event=event)
    prob = as_probabilities(y_prob, len(outcome))
    lp, _ = linear_predictor(prob, check_clip(clip))
    y = outcome.astype(float)
    n, n_events = len(y), int(y.sum())
    if chosen == "none":
        loglik = log_likelihood(y, lp)
        return CalibrationUpdate(chosen, 0.0, 1.0, np.nan, np.nan, loglik, 0, n, n_events, float(clip))
    if chosen == "intercept":
        fit = fit_logistic(np.ones((n, 1)), y, offset=lp)
        error = float(np.sqrt(fit.covariance[0, 0]))
        return CalibrationUpdate(
            chosen, float(fit.coef[0]), 1.0, error, np.nan, fit.loglik, 1, n, n_events, float(clip)
        )
    if np.ptp(lp) == 0:
        raise ValueError("Every probability is the same: no slope can be fitted; use method='intercept'.")
    fit = fit_logistic(np.column_stack([np.ones(n), lp]), y)
    if fit.separated:
        raise ValueError(
            "The probabilities separate events from non-events: no finite slope fits; use method='intercept' or more patients."
        )
    errors = np.sqrt(np.diagonal(fit.covariance))
    return CalibrationUpdate(
        chosen, float(fit.coef[0]), float(fit.coef[1]), float(errors[0]), float(errors[1]), fit.loglik, 2, n, n_events, float(clip)
    )  # fmt: skip
