"""Random-effects meta-analysis of a performance measure over centres: its mean, its heterogeneity, the next centre."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import chdtrc, expit, logit, ndtri, stdtrit

from vcfstats.statistics.inputs import (
    LARGEST,
    FloatArray,
    as_numbers,
    check_alignment,
    check_choice,
    check_level,
    refuse_huge,
)
from vcfstats.statistics.results import ConfidenceInterval, Result

SCALES = ("identity", "logit", "log")
_METHODS = ("hartung-knapp", "wald")
_FARTHEST = (
    1e6  # ratio of standard errors, or distance in them, beyond which the input is no set of estimates of one thing
)


@dataclass(frozen=True, repr=False, eq=False)
class MetaAnalysis(Result):
    """A random-effects meta-analysis.

    Attributes
    ----------
    estimate : float
        Mean over centres, in the unit of the estimates.
    pooled, se, se_hartung_knapp : float
        The mean on the scale of the analysis, its standard error if tau2 were known, and Hartung and Knapp's.
    tau2 : float
        Variance between centres on that scale (REML); 0 where the centres differ by no more than their errors.
    i2 : float
        Share of the variance of the estimates that lies between centres.
    q, q_df, q_pvalue : float
        Cochran's test of homogeneity.
    k : int
        Centres.
    scale : str
        ``identity``, ``logit`` or ``log``.
    weights : ndarray of shape (k,)
        Share of each centre in the mean.
    """

    estimate: float
    pooled: float
    se: float
    se_hartung_knapp: float
    tau2: float
    i2: float
    q: float
    q_df: int
    q_pvalue: float
    k: int
    scale: str
    weights: FloatArray = field(repr=False)

    def confidence_interval(
        self, confidence_level: float = 0.95, *, method: str = "hartung-knapp"
    ) -> ConfidenceInterval:
        """Return the interval of the mean over centres.

        Parameters
        ----------
        confidence_level : float
            Of the interval.
        method : {"hartung-knapp", "wald"}
            Mean -+ t se with t on k - 1 degrees of freedom and Hartung and Knapp's se, or mean -+ z se; both on the scale of
            the analysis, and transformed back.

        Raises
        ------
        ValueError
            An unknown method.

        Notes
        -----
        With standard errors of 0.05 to 0.3 and 3 to 20 centres, of a nominal 0.95 Hartung and Knapp's covers 0.92 to 0.95,
        Wald's 0.82 to 0.96, least with few centres that differ much (benchmarks/results/coverage_centres.md).
        """
        level = check_level(confidence_level)
        if check_choice(method, _METHODS, name="method") == "wald":
            return self._around(float(ndtri(0.5 + level / 2)) * self.se)
        return self._around(float(stdtrit(self.k - 1, 0.5 + level / 2)) * self.se_hartung_knapp)

    def prediction_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the interval in which the value of a new centre lies: mean -+ t sqrt(tau2 + se^2), t on k - 1 df.

        The se is Hartung and Knapp's, as in metafor. It takes tau2 as known and covers too little where that is often
        estimated as 0: of a nominal 0.95, 0.83 to 0.89 where tau is about the smaller standard errors; 0.87 (3 centres) to
        0.93 (20) where it is large; 0.95 where centres do not differ (benchmarks/results/coverage_centres.md).
        """
        level = check_level(confidence_level)
        spread = float(np.sqrt(self.tau2 + self.se_hartung_knapp**2))
        return self._around(float(stdtrit(self.k - 1, 0.5 + level / 2)) * spread)

    def _around(self, half: float) -> ConfidenceInterval:
        return ConfidenceInterval(_back(self.pooled - half, self.scale), _back(self.pooled + half, self.scale))


def meta_analysis(estimates: npt.ArrayLike, standard_errors: npt.ArrayLike, *, scale: str = "identity") -> MetaAnalysis:
    """Random-effects meta-analysis of one estimate a centre, such as the AUC, O/E or calibration slope of a model.

    y_i = mu + u_i + e_i with variances tau2 and se_i^2; tau2 by restricted maximum likelihood, mu by the weights
    1 / (se_i^2 + tau2). An AUC is pooled on the logit, O/E on the log scale, a slope or intercept as it is (Snell et al.
    2018); standard errors are carried over by the delta method.

    Parameters
    ----------
    estimates : array-like of shape (k,)
        One a centre, k >= 2, in their own unit.
    standard_errors : array-like of shape (k,)
        Of the estimates, in the same unit.
    scale : {"identity", "logit", "log"}
        Scale on which centres are normal.

    Returns
    -------
    MetaAnalysis

    Raises
    ------
    ValueError
        Fewer than two centres, missing values, standard errors that are not positive, or estimates outside the scale.

    Notes
    -----
    Equals metafor::rma with method "REML" and test "knha" or "z".

    References
    ----------
    Hartung and Knapp (2001), doi 10.1002/sim.791. Viechtbauer (2005), doi 10.3102/10769986030003261. Higgins, Thompson and
    Spiegelhalter (2009), doi 10.1111/j.1467-985X.2008.00552.x. Snell, Ensor, Debray, Moons and Riley (2018),
    doi 10.1177/0962280217705678.

    Examples
    --------
    >>> from vcfstats import meta_analysis
    >>> result = meta_analysis([0.72, 0.80, 0.68, 0.77], [0.03, 0.04, 0.03, 0.02], scale="logit")
    >>> round(result.estimate, 2)
    0.74
    """
    check_choice(scale, SCALES, name="scale")
    check_alignment(estimates=estimates, standard_errors=standard_errors)
    given = as_numbers(estimates, "estimates", booleans=False)
    errors = as_numbers(standard_errors, "standard_errors", booleans=False)
    if given.ndim != 1 or given.size < 2 or errors.shape != given.shape:
        raise ValueError(
            "estimates and standard_errors must have one shape (k,) with k >= 2, one value a centre; got"
            f" {given.shape} and {errors.shape}."
        )
    for name, values in (("estimates", given), ("standard_errors", errors)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite; position {int(np.argmin(np.isfinite(values)))} is not.")
        refuse_huge(values, name)
    if not (errors > 1e-100).all():
        raise ValueError(f"standard_errors must be positive; found {errors.min():.6g}.")
    inside = {"identity": np.isfinite(given), "logit": (given > 0) & (given < 1), "log": given > 0}[scale]
    if not inside.all():
        allowed = "strictly between 0 and 1" if scale == "logit" else "above 0"
        raise ValueError(f"estimates must lie {allowed} with scale={scale!r}; found {given[~inside][0]:.6g}.")
    y, se = given, errors
    with np.errstate(over="ignore", divide="ignore"):
        if scale == "logit":
            y, se = logit(given), errors / (given * (1 - given))
        elif scale == "log":
            y, se = np.log(given), errors / given
    if not (se < LARGEST).all():
        raise ValueError(
            f"estimates must not lie so close to the end of the scale {scale!r}; found {given[np.argmax(se)]:.6g} with the standard"
            f" error {errors[np.argmax(se)]:.6g}."
        )
    unit, centre = float(np.median(se)), float(np.mean(y))
    y, se = (y - centre) / unit, se / unit
    if se.max() > _FARTHEST * se.min():
        raise ValueError(
            f"standard_errors lie more than {_FARTHEST:g} times apart (on the scale {scale!r}); they are not of one measure."
        )
    if np.abs(y).max() > _FARTHEST:
        raise ValueError(
            f"estimates lie more than {_FARTHEST:g} standard errors apart (on the scale {scale!r}); check their unit."
        )
    k = len(y)
    tau2 = _reml(y, se**2)
    w = 1 / (se**2 + tau2)
    mean = float(w @ y / w.sum())
    hk = float(np.sqrt(w @ (y - mean) ** 2 / ((k - 1) * w.sum())))
    fixed = 1 / se**2
    q = float(fixed @ (y - fixed @ y / fixed.sum()) ** 2)
    typical = (k - 1) / (fixed.sum() - fixed @ fixed / fixed.sum())
    pooled = centre + unit * mean
    return MetaAnalysis(
        estimate=_back(pooled, scale),
        pooled=pooled,
        se=unit / float(np.sqrt(w.sum())),
        se_hartung_knapp=unit * hk,
        tau2=unit**2 * tau2,
        i2=float(tau2 / (tau2 + typical)),
        q=q,
        q_df=k - 1,
        q_pvalue=float(chdtrc(k - 1, q)),
        k=k,
        scale=scale,
        weights=w / w.sum(),
    )


def _reml(y: FloatArray, v: FloatArray) -> float:
    """Root of the derivative of the restricted log-likelihood, or 0 where that falls from there on."""

    def slope(tau2: float) -> float:
        w = 1 / (v + tau2)
        mean = w @ y / w.sum()
        return float(w**2 @ (y - mean) ** 2 - w.sum() + w @ w / w.sum())

    if slope(0.0) <= 0:
        return 0.0
    high = float(np.sum((y - y.mean()) ** 2) + v.max())
    while slope(high) > 0:
        high *= 2
    return float(brentq(slope, 0.0, high, xtol=1e-14 * high, rtol=1e-13, maxiter=500))


def _back(value: float, scale: str) -> float:
    if scale == "logit":
        return float(expit(value))
    with np.errstate(over="ignore"):
        return float(np.exp(value)) if scale == "log" else float(value)
