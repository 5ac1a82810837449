"""One logistic model: coefficients, odds ratios, Wald and profile intervals, likelihood-ratio tests, inflation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri

from vcfstats.statistics.glm import LogisticFit, fit_logistic, profile_interval
from vcfstats.statistics.inputs import BoolArray, FloatArray, check_choice, check_level
from vcfstats.statistics.regression.design import Design, Term
from vcfstats.statistics.regression.inflation import VarianceInflation, inflation_of
from vcfstats.statistics.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from vcfstats.statistics.regression.firth import FirthFit


class SeparationWarning(UserWarning):
    """Predictors separate events from non-events: maximum likelihood has no finite answer."""


@dataclass(frozen=True, repr=False, eq=False)
class LogisticModel(Result):
    """A fitted logistic model. Arrays over coefficients begin with the intercept.

    Attributes
    ----------
    method : str
        ``maximum likelihood`` or ``Firth``.
    terms : tuple of str
        ``(Intercept)``, then a numeric variable's name or ``variable=level``.
    coef, se, statistic, pvalue : ndarray of shape (p,)
        Log odds ratios, standard errors, Wald z and p. For Firth the p value is that of the penalised likelihood-ratio
        test and `statistic` its chi-square, unless Wald was asked for. NaN where maximum likelihood is separated.
    odds_ratio : ndarray of shape (p,)
        exp(coef).
    covariance : ndarray of shape (p, p)
        Inverse Fisher information.
    loglik, null_loglik : float
        (Penalised) log-likelihood of the model and of the intercept alone.
    deviance, null_deviance, aic, bic : float
        -2 loglik; -2 loglik + 2p; -2 loglik + p log n. NaN for Firth, whose likelihoods do not compare so.
    df_residual : int
        n - p.
    lr_statistic, lr_df, lr_pvalue : float
        Likelihood-ratio test of the whole model against the intercept.
    variables : tuple of str
        The predictors in their order.
    variable_statistic, variable_df, variable_pvalue : ndarray of shape (v,)
        Likelihood-ratio test of each variable given all others (all columns of a categorical one at once).
    variable_wald, variable_wald_pvalue : ndarray of shape (v,)
        Wald chi-square of each variable on the same degrees of freedom, and its p value. NaN where separated.
    r2_cox_snell, r2_nagelkerke : float
        1 - exp(-LR / n), and the same over its maximum. NaN for Firth.
    inflation : VarianceInflation or None
        GVIF of each variable, from the correlation of the coefficients; None for a single variable, or where separated.
    vif : ndarray of shape (p - 1,)
        Inflation of each coefficient by itself (rms's convention; for a categorical variable it depends on the reference).
    n, n_events : int
        Patients, events.
    separated : bool
        Whether events and non-events are separated, wholly or in part.
    flic_intercept : float
        Firth only: intercept refitted by maximum likelihood, after which mean prediction equals prevalence; else NaN.
    """

    method: str
    terms: tuple[str, ...]
    coef: FloatArray
    se: FloatArray
    statistic: FloatArray
    pvalue: FloatArray
    odds_ratio: FloatArray
    covariance: FloatArray
    loglik: float
    null_loglik: float
    deviance: float
    null_deviance: float
    aic: float
    bic: float
    df_residual: int
    lr_statistic: float
    lr_df: int
    lr_pvalue: float
    variables: tuple[str, ...]
    variable_statistic: FloatArray
    variable_df: npt.NDArray[np.int64]
    variable_pvalue: FloatArray
    variable_wald: FloatArray
    variable_wald_pvalue: FloatArray
    r2_cox_snell: float
    r2_nagelkerke: float
    inflation: VarianceInflation | None
    vif: FloatArray
    n: int
    n_events: int
    separated: bool
    flic_intercept: float
    _design: Design = field(repr=False)
    _outcome: BoolArray = field(repr=False)
    _fit: LogisticFit | FirthFit = field(repr=False)

    def confidence_interval(
        self, confidence_level: float = 0.95, *, method: str | None = None, scale: str = "odds ratio"
    ) -> tuple[FloatArray, FloatArray]:
        """Return (low, high), each of shape (p,).

        Parameters
        ----------
        confidence_level : float
            Of the intervals.
        method : {"wald", "profile"}, optional
            coef -+ z se, or the values at which twice the (penalised) profile log-likelihood has fallen by the
            chi-square quantile. Wald by default for maximum likelihood, profile for Firth. Wald is NaN where separated;
            the profile then keeps one finite limit.
        scale : {"odds ratio", "log odds ratio"}
            Of the limits.

        Raises
        ------
        ValueError
            An unknown choice.

        Notes
        -----
        With 26 events or more all cover 0.94 to 0.96 of a nominal 0.95. With 4 events of 70 Wald covers 0.75 to 0.87
        (separated samples have no interval), the profile 0.89 to 0.95, Firth's profile 0.97 to 0.98; with 8 of 164 they
        cover 0.92 to 0.97, 0.92 to 0.95 and 0.94 to 0.96: prefer the last (benchmarks/results/coverage_regression.md).
        """
        level = check_level(confidence_level)
        usual = "profile" if self.method == "Firth" else "wald"
        chosen = check_choice(method, ("wald", "profile"), name="method", default=usual)
        check_choice(scale, ("odds ratio", "log odds ratio"), name="scale")
        if chosen == "wald":
            half = ndtri(0.5 + level / 2) * self.se
            low, high = self.coef - half, self.coef + half
        elif isinstance(self._fit, LogisticFit):
            X = self._design.with_intercept()
            limits = [
                profile_interval(X, self._outcome, j, confidence_level=level, fit=self._fit) for j in range(X.shape[1])
            ]
            low, high = np.array([limit.low for limit in limits]), np.array([limit.high for limit in limits])
        else:
            from vcfstats.statistics.regression.firth import firth_profile

            low, high = firth_profile(self._design.with_intercept(), self._outcome, self._fit, level)
        if scale == "odds ratio":
            with np.errstate(over="ignore"):
                return np.exp(low), np.exp(high)
        return low, high

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient: ``term, odds_ratio, low, high, p_value, coef, se, statistic`` (95%)."""
        import pandas as pd

        low, high = self.confidence_interval()
        return pd.DataFrame(
            {
                "term": self.terms,
                "odds_ratio": self.odds_ratio,
                "low": low,
                "high": high,
                "p_value": self.pvalue,
                "coef": self.coef,
                "se": self.se,
                "statistic": self.statistic,
            }
        )

    @property
    def term_details(self) -> tuple[Term, ...]:
        """Variable, level and reference of each coefficient but the intercept."""
        return self._design.terms


def fit_model(outcome: BoolArray, design: Design) -> LogisticModel:
    """Fit by maximum likelihood; where separated, estimates are NaN and the likelihood-ratio tests remain."""
    X = design.with_intercept()
    n, p = X.shape
    fit = fit_logistic(X, outcome)
    null = fit_logistic(X[:, :1], outcome).loglik
    coef, covariance = fit.coef, fit.covariance
    if fit.separated:
        coef, covariance = np.full(p, np.nan), np.full((p, p), np.nan)
    se = np.sqrt(np.diagonal(covariance))
    statistic = coef / se
    variables = design.variables
    tests = [_variable_test(X, outcome, design, variable, fit.loglik) for variable in variables]
    inflation, vif = None, np.full(p - 1, np.nan)
    if not fit.separated:
        correlation = covariance[1:, 1:] / np.outer(se[1:], se[1:])
        vif = np.diagonal(np.linalg.inv(correlation)).copy()
        inflation = inflation_of(correlation, design) if len(variables) > 1 else None
    lr = 2 * (fit.loglik - null)
    wald, wald_pvalue = wald_tests(coef, covariance, design)
    with np.errstate(over="ignore"):  # of one unit that is far from what patients differ by: infinite
        odds_ratio = np.exp(coef)
    r2 = 1 - float(np.exp(-lr / n))
    return LogisticModel(
        method="maximum likelihood",
        terms=("(Intercept)", *(term.name for term in design.terms)),
        coef=coef,
        se=se,
        statistic=statistic,
        pvalue=np.asarray(2 * ndtr(-np.abs(statistic))),
        odds_ratio=odds_ratio,
        covariance=covariance,
        loglik=fit.loglik,
        null_loglik=null,
        deviance=-2 * fit.loglik,
        null_deviance=-2 * null,
        aic=-2 * fit.loglik + 2 * p,
        bic=-2 * fit.loglik + p * float(np.log(n)),
        df_residual=n - p,
        lr_statistic=lr,
        lr_df=p - 1,
        lr_pvalue=float(chdtrc(p - 1, max(lr, 0.0))),
        variables=variables,
        variable_statistic=np.array([test[0] for test in tests]),
        variable_df=np.array([test[1] for test in tests]),
        variable_pvalue=np.array([test[2] for test in tests]),
        variable_wald=wald,
        variable_wald_pvalue=wald_pvalue,
        r2_cox_snell=r2,
        r2_nagelkerke=r2 / (1 - float(np.exp(2 * null / n))),
        inflation=inflation,
        vif=vif,
        n=n,
        n_events=int(outcome.sum()),
        separated=fit.separated,
        flic_intercept=float("nan"),
        _design=design,
        _outcome=outcome,
        _fit=fit,
    )


def _variable_test(
    X: FloatArray, outcome: BoolArray, design: Design, variable: str, loglik: float
) -> tuple[float, int, float]:
    columns = design.columns_of(variable) + 1
    without = fit_logistic(np.delete(X, columns, axis=1), outcome).loglik
    statistic = max(2 * (loglik - without), 0.0)
    return statistic, len(columns), float(chdtrc(len(columns), statistic))


def wald_tests(coef: FloatArray, covariance: FloatArray, design: Design) -> tuple[FloatArray, FloatArray]:
    """Wald chi-square and p value of each variable, all its columns at once."""
    statistics, sizes = [], []
    for variable in design.variables:
        columns = design.columns_of(variable) + 1
        b = coef[columns]
        known = bool(np.isfinite(b).all())
        statistics.append(float(b @ np.linalg.solve(covariance[np.ix_(columns, columns)], b)) if known else np.nan)
        sizes.append(len(columns))
    return np.array(statistics), np.asarray(chdtrc(np.array(sizes, dtype=np.float64), np.array(statistics)))
