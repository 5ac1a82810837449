"""Rubin's rules: one estimate, with its interval, from the analyses of several imputed data sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, stdtr, stdtrit

from vcfstats.statistics.inputs import as_number, as_numbers, check_alignment, check_choice, check_level, refuse_huge
from vcfstats.statistics.results import ConfidenceInterval, Result

SCALES = ("identity", "log", "logit")


@dataclass(frozen=True, repr=False, eq=False)
class PooledEstimate(Result):
    """An estimate pooled over imputations; variances and the standard error are on the scale of pooling.

    Attributes
    ----------
    estimate : float
        Pooled, back on the scale it was given on.
    scale : str
        ``identity``, ``log`` or ``logit``: where it was pooled.
    within, between, total : float
        Mean variance, variance over imputations, within + (1 + 1/m) between.
    df : float
        Degrees of freedom of the interval; infinite where the imputations agree and no `df_complete` was given.
    missing_information : float
        Share of the information that is missing, (r + 2/(df + 3)) / (r + 1) with r = (1 + 1/m) between / within.
    n_imputations : int
        m.
    """

    estimate: float
    scale: str
    within: float
    between: float
    total: float
    df: float
    missing_information: float
    n_imputations: int

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the interval by Student's t on the scale of pooling, turned back."""
        level = check_level(confidence_level)
        t = float(stdtrit(self.df, (1 + level) / 2)) if np.isfinite(self.df) else float(stdtrit(1e12, (1 + level) / 2))
        at, half = _forth(np.array(self.estimate), self.scale), t * np.sqrt(self.total)
        return ConfidenceInterval(float(_back(at - half, self.scale)), float(_back(at + half, self.scale)))

    def pvalue(self, null: float = 0.0) -> float:
        """Return the two-sided p value of the estimate against `null`, which is on the scale it was given on."""
        if self.total == 0:
            return float("nan")
        distance = float(_forth(np.array(self.estimate), self.scale) - _forth(np.array(null), self.scale))
        df = self.df if np.isfinite(self.df) else 1e12
        return float(2 * stdtr(df, -abs(distance) / np.sqrt(self.total)))


def pool_imputations(
    estimates: npt.ArrayLike,
    standard_errors: npt.ArrayLike,
    *,
    scale: str = "identity",
    df_complete: float | None = None,
) -> PooledEstimate:
    """Pool an estimate over multiply imputed data sets by Rubin's rules.

    With Q_i and U_i the estimate and its squared standard error in imputation i of m, pooled Q = mean Q_i, total variance
    T = mean U_i + (1 + 1/m) B with B the variance of the Q_i (divisor m - 1), and degrees of freedom (m - 1)(1 + 1/r)^2,
    r = (1 + 1/m) B / mean U_i; with `df_complete` those of Barnard and Rubin. On another scale Q_i is transformed first and
    U_i follows by the delta method: an AUC, which lies in (0, 1) and is skewed near 1, is pooled on the logit.

    Parameters
    ----------
    estimates, standard_errors : array-like of shape (m,)
        Of each imputed data set, on the estimate's own scale; m of at least 2.
    scale : {"identity", "log", "logit"}
        Where to pool: coefficients as they are, odds ratios on the log, AUCs and proportions on the logit.
    df_complete : float, optional
        Degrees of freedom that the complete data would have had (n - number of coefficients); without it, infinitely many.

    Returns
    -------
    PooledEstimate

    Raises
    ------
    ValueError
        Shapes that differ, fewer than two imputations, standard errors that are negative or not finite, or estimates
        outside the scale.

    References
    ----------
    Rubin (1987), doi 10.1002/9780470316696. Barnard and Rubin (1999), doi 10.1093/biomet/86.4.948. Marshall, Altman,
    Holder and Royston (2009), doi 10.1186/1471-2288-9-57 (measures of performance).

    Examples
    --------
    >>> from vcfstats import pool_imputations
    >>> pooled = pool_imputations([0.80, 0.82, 0.81], [0.04, 0.04, 0.04], scale="logit")
    >>> round(pooled.estimate, 3)
    0.81
    """
    check_choice(scale, SCALES, name="scale")
    check_alignment(estimates=estimates, standard_errors=standard_errors)
    q = as_numbers(estimates, "estimates", booleans=False)
    error = as_numbers(standard_errors, "standard_errors", booleans=False)
    if q.ndim != 1 or q.shape != error.shape or len(q) < 2:
        raise ValueError(
            f"estimates and standard_errors must each have one value for each of at least 2 imputations; got shapes {q.shape} and {error.shape}."
        )
    if not (np.isfinite(q).all() and np.isfinite(error).all() and (error >= 0).all()):
        raise ValueError("estimates and standard_errors must be finite, standard errors not negative.")
    refuse_huge(q, "estimates")
    refuse_huge(error, "standard_errors")
    if df_complete is not None and not as_number(df_complete, "df_complete") > 0:
        raise ValueError(f"df_complete must be positive; got {df_complete!r}.")
    inside = {"identity": np.ones(len(q), dtype=bool), "log": q > 0, "logit": (q > 0) & (q < 1)}[scale]
    if not inside.all():
        allowed = "positive" if scale == "log" else "between 0 and 1"
        raise ValueError(f"On the scale {scale} estimates must be {allowed}; got {q[~inside][0]:g}.")
    slope = np.ones(len(q)) if scale == "identity" else 1 / q if scale == "log" else 1 / (q * (1 - q))
    values, variances = _forth(q, scale), np.square(error * slope)
    m = len(q)
    within, between = float(variances.mean()), float(values.var(ddof=1))
    added = (1 + 1 / m) * between
    total = within + added
    share = added / total if total > 0 else 0.0  # lambda
    df = (m - 1) / share**2 if share > 0 else float("inf")
    if df_complete is not None:
        observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
        df = observed if not np.isfinite(df) else df * observed / (df + observed)
    r = added / within if within > 0 else float("inf")
    missing = 1.0 if not np.isfinite(r) else (r + 2 / (df + 3)) / (r + 1)
    return PooledEstimate(
        float(_back(values.mean(), scale)), scale, within, between, total, df, missing if between > 0 else 0.0, m
    )


def _forth(values: npt.NDArray[np.float64], scale: str) -> npt.NDArray[np.float64]:
    return np.asarray({"identity": np.array, "log": np.log, "logit": logit}[scale](values))


def _back(values: npt.NDArray[np.float64] | float, scale: str) -> npt.NDArray[np.float64]:
    return np.asarray({"identity": np.array, "log": np.exp, "logit": expit}[scale](values))
