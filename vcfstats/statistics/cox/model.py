"""One Cox model: hazard ratios, Wald and profile intervals, likelihood-ratio tests, concordance, baseline survival."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri
from scipy.stats import chi2

from vcfstats.statistics.cox.likelihood import CoxFit, IntArray, RiskSets, event_weights, fit_cox, moments, risk_sets
from vcfstats.statistics.glm import crossing, profile_when_separated
from vcfstats.statistics.inputs import BoolArray, FloatArray, as_numbers, check_choice, check_level
from vcfstats.statistics.regression.design import Design, Term
from vcfstats.statistics.regression.inflation import VarianceInflation, inflation_of
from vcfstats.statistics.results import Result
from vcfstats.statistics.survival.concordance import ConcordanceResult, concordance_index
from vcfstats.statistics.survival.times import warn_beyond

if TYPE_CHECKING:
    import pandas as pd

    from vcfstats.statistics.cox.proportional import ProportionalHazards


@dataclass(frozen=True)
class CoxData:
    """Checked times, events and strata of n patients, with their risk sets."""

    time: FloatArray
    event: BoolArray
    stratum: IntArray
    strata: tuple[Any, ...]
    ties: str
    sets: RiskSets


def cox_data(time: FloatArray, event: BoolArray, stratum: IntArray, strata: tuple[Any, ...], ties: str) -> CoxData:
    """Lay out the risk sets of checked input.

    Raises
    ------
    ValueError
        No event, or no event at which anybody else of its stratum is at risk.
    """
    if not event.any():
        raise ValueError(f"event holds no event among {len(event)} patients; a Cox model needs some.")
    sets = risk_sets(time, event, stratum, efron=ties == "efron")
    if (sets.stop - sets.start).max() < 2:
        raise ValueError("time: at no event is anybody else at risk, so that nothing can be compared.")
    return CoxData(time, event, stratum, strata, ties, sets)


@dataclass(frozen=True, repr=False, eq=False)
class CoxModel(Result):
    """A fitted Cox model. Arrays run over the coefficients.

    Attributes
    ----------
    terms : tuple of str
        A numeric variable's name or ``variable=level``.
    coef, se, statistic, pvalue : ndarray of shape (p,)
        Log hazard ratios per unit, standard errors, Wald z and p. Where `infinite`, -inf or inf, and NaN for the rest.
    hazard_ratio : ndarray of shape (p,)
        exp(coef).
    infinite : ndarray of bool, shape (p,)
        Coefficients in which the likelihood is monotone: no finite estimate exists. The others keep theirs.
    covariance : ndarray of shape (p, p)
        Inverse information; NaN in rows and columns of infinite coefficients.
    loglik, null_loglik : float
        Partial log-likelihood of the model and of no covariates.
    aic : float
        -2 loglik + 2p.
    lr_statistic, lr_pvalue, wald_statistic, wald_pvalue, score_statistic, score_pvalue, df : float
        Tests of the whole model on p degrees of freedom; the score test of one group is the log-rank test.
    variables : tuple of str
        The predictors in their order.
    variable_statistic, variable_df, variable_pvalue : ndarray of shape (v,)
        Likelihood-ratio test of each variable given all others (all columns of a categorical one at once).
    inflation : VarianceInflation or None
        GVIF of each variable; None for a single one or where a coefficient is infinite.
    n, n_events, n_strata : int
        Patients, events, strata.
    ties : str
        ``efron`` or ``breslow``.
    """

    terms: tuple[str, ...]
    coef: FloatArray
    se: FloatArray
    statistic: FloatArray
    pvalue: FloatArray
    hazard_ratio: FloatArray
    infinite: BoolArray
    covariance: FloatArray
    loglik: float
    null_loglik: float
    aic: float
    lr_statistic: float
    lr_pvalue: float
    wald_statistic: float
    wald_pvalue: float
    score_statistic: float
    score_pvalue: float
    df: int
    variables: tuple[str, ...]
    variable_statistic: FloatArray
    variable_df: npt.NDArray[np.int64]
    variable_pvalue: FloatArray
    inflation: VarianceInflation | None
    n: int
    n_events: int
    n_strata: int
    ties: str
    _design: Design = field(repr=False)
    _data: CoxData = field(repr=False)
    _fit: CoxFit = field(repr=False)

    def confidence_interval(
        self, confidence_level: float = 0.95, *, method: str = "wald", scale: str = "hazard ratio"
    ) -> tuple[FloatArray, FloatArray]:
        """Return (low, high), each of shape (p,).

        Parameters
        ----------
        confidence_level : float
            Of the intervals.
        method : {"wald", "profile"}
            coef -+ z se, or the values at which twice the profile log-likelihood has fallen by the chi-square quantile.
            Wald's is NaN for an infinite coefficient, where the profile keeps one finite limit.
        scale : {"hazard ratio", "log hazard ratio"}
            Of the limits.

        Raises
        ------
        ValueError
            An unknown choice.

        Notes
        -----
        Of a nominal 0.95 for a binary covariate, over 250 samples a design (standard error 0.015), both cover 0.92 to 0.97
        from about 10 events on; with so few, an infinite coefficient leaves Wald's undefined in 2% of samples
        (benchmarks/results/coverage_cox.md).
        """
        level = check_level(confidence_level)
        check_choice(method, ("wald", "profile"), name="method")
        check_choice(scale, ("hazard ratio", "log hazard ratio"), name="scale")
        if method == "wald":
            half = ndtri(0.5 + level / 2) * self.se
            with np.errstate(invalid="ignore"):
                low, high = self.coef - half, self.coef + half
        else:
            limits = [self._profile(j, level) for j in range(len(self.coef))]
            low, high = np.array([limit[0] for limit in limits]), np.array([limit[1] for limit in limits])
        if scale == "hazard ratio":
            with np.errstate(over="ignore"):
                return np.exp(low), np.exp(high)
        return low, high

    def _profile(self, j: int, level: float) -> tuple[float, float]:
        X, sets, limit = self._design.matrix, self._data.sets, chi2.ppf(level, 1)
        rest = np.delete(X, j, axis=1)

        def excess(value: float) -> float:
            fixed = value * (X[:, j] - X[:, j].mean())
            return float(2 * (self.loglik - fit_cox(rest, sets, offset=fixed, prove=False).loglik) - limit)

        scale = 1 / float(np.std(X[:, j]))
        if self.infinite[j]:
            return profile_when_separated(excess, scale, float(np.sign(self.coef[j])))
        centre, step = float(self._fit.coef[j]), float(self.se[j])
        return crossing(excess, centre, -step, scale), crossing(excess, centre, step, scale)

    def likelihood_ratio(self) -> tuple[FloatArray, FloatArray]:
        """Return statistics and p values, each of shape (p,), of likelihood-ratio tests of the single coefficients.

        They belong beside the profile interval, which excludes a hazard ratio of 1 exactly where p is below 1 - level.
        """
        X, sets = self._design.matrix, self._data.sets
        without = [fit_cox(np.delete(X, j, axis=1), sets, prove=False).loglik for j in range(X.shape[1])]
        statistic = np.maximum(2 * (self.loglik - np.array(without)), 0.0)
        return statistic, np.asarray(chdtrc(1, statistic))

    def concordance(self, *, method: str = "harrell", tau: float | None = None) -> ConcordanceResult:
        """Return the apparent concordance of the linear predictor, as `concordance_index`; pairs lie within strata."""
        # Row by row, so that patients alike are tied to the last bit.
        risk = np.sum(self._design.matrix * self._fit.coef, axis=1)
        return concordance_index(
            self._data.time,
            self._data.event,
            risk,
            method=method,
            tau=tau,
            strata=self._data.stratum if self.n_strata > 1 else None,
        )

    def proportional_hazards(self, *, transform: str = "km") -> ProportionalHazards:
        """Test that the hazard ratios do not change in time, as `proportional_hazards_test`."""
        from vcfstats.statistics.cox.proportional import test_of_model

        return test_of_model(self, transform)

    def baseline_survival(self, times: npt.ArrayLike, *, at: str = "zero") -> pd.DataFrame:
        """Return ``stratum, time, survival``: exp of minus the cumulative baseline hazard, Efron's or Breslow's as the ties.

        The survival of a patient is survival ^ exp(coef'x), with at="mean" survival ^ exp(coef'(x - mean)).

        Parameters
        ----------
        times : array-like of shape (k,)
            Within the follow-up; beyond that of a stratum NaN.
        at : {"zero", "mean"}
            Of all covariates (reference levels), or of the columns' means.

        Raises
        ------
        ValueError
            Bad times, an unknown choice, or an infinite coefficient.
        """
        import pandas as pd

        check_choice(at, ("zero", "mean"), name="at")
        wanted = np.atleast_1d(as_numbers(times, "times", booleans=False))
        if wanted.ndim != 1 or not wanted.size or not (np.isfinite(wanted) & (wanted >= 0)).all():
            raise ValueError(f"times must be finite and not negative, shape (k,) with k >= 1; got {wanted.tolist()}.")
        if self.infinite.any():
            names = [term for term, is_infinite in zip(self.terms, self.infinite, strict=True) if is_infinite]
            raise ValueError(f"times: no baseline survival exists, since {', '.join(names)} has no finite coefficient.")
        data, sets = self._data, self._data.sets
        centre = self._design.matrix.mean(axis=0)
        eta = ((self._design.matrix - centre) @ self.coef)[sets.order]
        now = moments(np.zeros((len(eta), 0)), eta, sets)
        shift = now.shift + (0.0 if at == "mean" else float(centre @ self.coef))
        event_time, event_stratum = data.time[sets.order][sets.event], data.stratum[sets.order][sets.event]
        frames = []
        for code, name in enumerate(data.strata):
            mine = event_stratum == code
            order = np.argsort(event_time[mine], kind="stable")
            steps = np.concatenate([[0.0], np.cumsum((np.exp(-shift) / now.total[mine])[order])])
            hazard = steps[np.searchsorted(event_time[mine][order], wanted, side="right")]
            last = float(data.time[data.stratum == code].max())
            if (wanted > last).any():
                warn_beyond("times", wanted[wanted > last], last)
            survival = np.where(wanted <= last, np.exp(-hazard), np.nan)
            frames.append(pd.DataFrame({"stratum": name, "time": wanted, "survival": survival}))
        return pd.concat(frames, ignore_index=True)

    def cumulative_hazard(self) -> FloatArray:
        """Return the cumulative hazard of each patient at its own time, shape (n,): event minus it is the martingale residual."""
        sets = self._data.sets
        eta = (self._design.matrix @ self._fit.coef)[sets.order]
        now = moments(np.zeros((len(eta), 0)), eta, sets)
        result = np.empty(len(eta))
        result[sets.order] = now.hazard * event_weights(np.ones(len(now.total)), now.total, sets)
        return result

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient: ``term, hazard_ratio, low, high, p_value, coef, se, statistic, infinite`` (95%, Wald)."""
        import pandas as pd

        low, high = self.confidence_interval()
        return pd.DataFrame(
            {
                "term": self.terms,
                "hazard_ratio": self.hazard_ratio,
                "low": low,
                "high": high,
                "p_value": self.pvalue,
                "coef": self.coef,
                "se": self.se,
                "statistic": self.statistic,
                "infinite": self.infinite,
            }
        )

    @property
    def term_details(self) -> tuple[Term, ...]:
        """Variable, level and reference of each coefficient."""
        return self._design.terms


def fit_model(data: CoxData, design: Design) -> CoxModel:
    """Fit the model of a design.

    Raises
    ------
    ValueError
        A column of which the risk sets say nothing.
    """
    X, p = design.matrix, design.matrix.shape[1]
    try:
        fit = fit_cox(X, data.sets)
    except ValueError as error:
        if error.args[0] != "unidentified":
            raise
        raise ValueError(
            f"{design.terms[error.args[1]].name}: does not vary, given the predictors before it, among the patients of one stratum"
            " at risk together at an event, so that it has no hazard ratio; leave it out."
        ) from None
    coef, covariance = fit.coef.copy(), fit.covariance.copy()
    coef[fit.infinite] = np.copysign(np.inf, fit.coef[fit.infinite])
    covariance[fit.infinite], covariance[:, fit.infinite] = np.nan, np.nan
    se = np.sqrt(np.diagonal(covariance))
    with np.errstate(invalid="ignore"):
        statistic = coef / se
    lr, wald = max(2 * (fit.loglik - fit.null_loglik), 0.0), float("nan")
    inflation = None
    if not fit.infinite.any():
        wald = float(coef @ np.linalg.solve(covariance, coef))
        if len(design.variables) > 1:
            inflation = inflation_of(covariance / np.outer(se, se), design)
    blocks = [design.columns_of(variable) for variable in design.variables]
    reduced = [fit_cox(np.delete(X, block, axis=1), data.sets, prove=False).loglik for block in blocks]
    by_variable = np.maximum(2 * (fit.loglik - np.array(reduced)), 0.0)
    sizes = np.array([len(block) for block in blocks])
    with np.errstate(over="ignore"):  # of one unit that is far from what patients differ by: infinite
        hazard_ratio = np.exp(coef)
    return CoxModel(
        terms=tuple(term.name for term in design.terms),
        coef=coef,
        se=se,
        statistic=statistic,
        pvalue=np.asarray(2 * ndtr(-np.abs(statistic))),
        hazard_ratio=hazard_ratio,
        infinite=fit.infinite,
        covariance=covariance,
        loglik=fit.loglik,
        null_loglik=fit.null_loglik,
        aic=-2 * fit.loglik + 2 * p,
        lr_statistic=lr,
        lr_pvalue=float(chdtrc(p, lr)),
        wald_statistic=wald,
        wald_pvalue=float(chdtrc(p, wald)),
        score_statistic=fit.null_score,
        score_pvalue=float(chdtrc(p, fit.null_score)),
        df=p,
        variables=design.variables,
        variable_statistic=by_variable,
        variable_df=sizes,
        variable_pvalue=np.asarray(chdtrc(sizes, by_variable)),
        inflation=inflation,
        n=len(data.time),
        n_events=int(data.event.sum()),
        n_strata=len(data.strata),
        ties=data.ties,
        _design=design,
        _data=data,
        _fit=fit,
    )
