"""Intraclass correlation of n subjects read by k raters, for one feature or for thousands at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv

from vcfstats.statistics.inputs import FloatArray, as_numbers, check_level, refuse_huge
from vcfstats.statistics.results import ConfidenceInterval, Result

if TYPE_CHECKING:
    import pandas as pd

FORMS = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)")


@dataclass(frozen=True, repr=False, eq=False)
class IntraclassCorrelation(Result):
    """The six intraclass correlations of McGraw and Wong; arrays end in an axis of 6 in the order of `forms`.

    Attributes
    ----------
    forms : tuple of str
        ICC(1,1), ICC(A,1), ICC(C,1) for a single reading; ICC(1,k), ICC(A,k), ICC(C,k) for the mean of the k readings.
        1 is one-way random, A two-way absolute agreement, C two-way consistency (Shrout and Fleiss: ICC1, ICC2, ICC3).
    icc : ndarray of shape (6,) or (features, 6)
        Estimates; negative ones are not truncated. NaN where nothing varies.
    low, high : ndarray, same shape
        Limits of the confidence interval at `confidence_level`.
    statistic, df1, df2, pvalue : ndarray, same shape
        F test of "no correlation" (exact for every form: under it MSR / MSE follows F whatever the raters' means).
    mean_squares : dict of str to ndarray of shape () or (features,)
        ``subjects``, ``raters``, ``within``, ``residual``.
    n_subjects, n_raters : int
        Shape of the readings.
    confidence_level : float
        Of `low` and `high`.
    features : tuple of str, optional
        Names of the features, where there are several.
    """

    forms: tuple[str, ...]
    icc: FloatArray
    low: FloatArray
    high: FloatArray
    statistic: FloatArray
    df1: FloatArray
    df2: FloatArray
    pvalue: FloatArray
    mean_squares: dict[str, FloatArray] = field(repr=False)
    n_subjects: int
    n_raters: int
    confidence_level: float
    features: tuple[str, ...] | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return one row a form (and a feature): ``[feature,] form, icc, low, high, f, df1, df2, p_value``."""
        import pandas as pd

        columns = {
            "icc": self.icc,
            "low": self.low,
            "high": self.high,
            "f": self.statistic,
            "df1": self.df1,
            "df2": self.df2,
            "p_value": self.pvalue,
        }
        count = 1 if self.features is None else len(self.features)
        frame = pd.DataFrame(
            {"form": list(self.forms) * count} | {name: values.ravel() for name, values in columns.items()}
        )
        if self.features is not None:
            frame.insert(0, "feature", np.repeat(np.asarray(self.features, dtype=object), len(self.forms)))
        return frame

    def confidence_interval(self, confidence_level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return (low, high), each shaped as `icc`, at another confidence level."""
        level = check_level(confidence_level)
        return _limits(self.mean_squares, self.icc, self.n_subjects, self.n_raters, level)

    def form(self, name: str) -> tuple[float, ConfidenceInterval]:
        """Return the estimate and interval of one form, for a single feature.

        Raises
        ------
        ValueError
            An unknown form, or a result of several features.
        """
        if not isinstance(name, str) or name not in self.forms or self.features is not None:
            raise ValueError(f"form(name) needs one feature and a name among {', '.join(self.forms)}; got {name!r}.")
        i = self.forms.index(name)
        return float(self.icc[i]), ConfidenceInterval(float(self.low[i]), float(self.high[i]))


def icc(
    ratings: npt.ArrayLike, *, confidence_level: float = 0.95, features: tuple[str, ...] | list[str] | None = None
) -> IntraclassCorrelation:
    """Intraclass correlations in all six forms, with confidence intervals and F tests.

    With MSR, MSC, MSE the mean squares of subjects, raters and residual, MSW that within subjects:
    ICC(1,1) = (MSR - MSW) / (MSR + (k-1) MSW); ICC(C,1) = (MSR - MSE) / (MSR + (k-1) MSE);
    ICC(A,1) = (MSR - MSE) / (MSR + (k-1) MSE + k (MSC - MSE) / n); a mean of k readings by Spearman-Brown. Intervals
    are those of the F distribution, for A with Satterthwaite's degrees of freedom taken at ICC(A,1) for both A forms;
    that approximation may leave a negative estimate of an A form outside its own interval.

    Parameters
    ----------
    ratings : array-like of shape (n, k) or (features, n, k)
        n subjects, each read once by the same k raters (or on k occasions); complete and finite.
    confidence_level : float
        Of the intervals.
    features : sequence of str, optional
        Names of the features of a three-dimensional array; their numbers otherwise.

    Returns
    -------
    IntraclassCorrelation

    Raises
    ------
    ValueError
        Fewer than two subjects or raters, another shape, or missing values.

    Notes
    -----
    Estimates equal psych::ICC(lmer=FALSE), irr::icc and DescTools::ICC. Intervals equal psych's and DescTools'; irr's
    interval of ICC(A,k) differs, since it multiplies by k once too often in the degrees of freedom, so that its limits
    are not the Spearman-Brown transform of those of ICC(A,1). Its p value of the A forms takes degrees of freedom at
    the estimate, although the hypothesis is 0, where the F test with (n-1)(k-1) is exact: that one is given here.
    Identical readings give 1 with the interval (1, 1); readings that do not vary at all give NaN. The intervals assume
    normal subjects and errors; then they cover 0.94 to 0.96 for 0.95 (benchmarks/results/coverage_agreement.md).

    References
    ----------
    Shrout and Fleiss (1979), doi 10.1037/0033-2909.86.2.420. McGraw and Wong (1996), doi 10.1037/1082-989X.1.1.30.

    Examples
    --------
    >>> from vcfstats import icc
    >>> readings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> icc(readings).to_frame()[["form", "icc", "low", "high"]].round(2)
           form   icc   low  high
    0  ICC(1,1)  0.17 -0.13  0.72
    1  ICC(A,1)  0.29  0.02  0.76
    2  ICC(C,1)  0.71  0.34  0.95
    3  ICC(1,k)  0.44 -0.88  0.91
    4  ICC(A,k)  0.62  0.07  0.93
    5  ICC(C,k)  0.91  0.68  0.99
    """
    level = check_level(confidence_level)
    values, several = _as_ratings(ratings)
    count, n, k = values.shape
    names = _feature_names(features, count, several)
    squares = _mean_squares(values)
    estimates, ratio = _estimates(squares, n, k)
    low, high = _limits(squares, estimates, n, k, level)
    df1 = np.full(estimates.shape, n - 1.0)
    residual_df = np.array([n * (k - 1.0), (n - 1.0) * (k - 1), (n - 1.0) * (k - 1)] * 2)
    df2 = np.broadcast_to(residual_df, estimates.shape).copy()
    pvalue = _f_upper_tail(ratio, df1, df2)

    def shaped(array: FloatArray) -> FloatArray:
        return array if several else array[0]

    return IntraclassCorrelation(
        forms=FORMS,
        icc=shaped(estimates),
        low=shaped(low),
        high=shaped(high),
        statistic=shaped(ratio),
        df1=shaped(df1),
        df2=shaped(df2),
        pvalue=shaped(pvalue),
        mean_squares={name: shaped(value) for name, value in squares.items()},
        n_subjects=n,
        n_raters=k,
        confidence_level=level,
        features=names,
    )


def _as_ratings(ratings: npt.ArrayLike) -> tuple[FloatArray, bool]:
    values = as_numbers(ratings, "ratings", booleans=False)
    if values.ndim not in (2, 3) or values.shape[-2] < 2 or values.shape[-1] < 2 or values.shape[0] == 0:
        raise ValueError(
            f"ratings must have shape (n, k) or (features, n, k) with n >= 2 subjects and k >= 2 raters; got {values.shape}."
        )
    bad = ~np.isfinite(values)
    if bad.any():
        where = np.argwhere(bad)[0]
        place = f"subject {where[-2]}, rater {where[-1]}" + (f", feature {where[0]}" if values.ndim == 3 else "")
        raise ValueError(
            f"ratings has {int(bad.sum())} missing or infinite value(s), first at {place}; the ANOVA needs every reading:"
            " drop the subject or impute it."
        )
    refuse_huge(values, "ratings")
    return (values[None] if values.ndim == 2 else values), values.ndim == 3


def _feature_names(features: tuple[str, ...] | list[str] | None, count: int, several: bool) -> tuple[str, ...] | None:
    if not several:
        if features is not None:
            raise ValueError("features names the first axis of a (features, n, k) array; ratings has shape (n, k).")
        return None
    names = tuple(str(i) for i in range(count)) if features is None else tuple(features)
    if len(names) != count:
        raise ValueError(f"features must name each of the {count} features; got {len(names)} names.")
    return names


def _mean_squares(values: FloatArray) -> dict[str, FloatArray]:
    _, n, k = values.shape
    # From a reading of the feature itself, so that a constant feature has sums of squares of exactly 0.
    centred = values - values[:, :1, :1]
    by_subject = centred.mean(axis=2)
    by_rater = centred.mean(axis=1)
    grand = by_rater.mean(axis=1)
    subjects = k * np.square(by_subject - grand[:, None]).sum(axis=1)
    raters = n * np.square(by_rater - grand[:, None]).sum(axis=1)
    within = np.square(centred - by_subject[:, :, None]).sum(axis=(1, 2))
    residual = np.square(centred - by_subject[:, :, None] - by_rater[:, None, :] + grand[:, None, None]).sum(
        axis=(1, 2)
    )
    return {
        "subjects": subjects / (n - 1),
        "raters": raters / (k - 1),
        "within": within / (n * (k - 1)),
        "residual": residual / ((n - 1) * (k - 1)),
    }


def _estimates(squares: dict[str, FloatArray], n: int, k: int) -> tuple[FloatArray, FloatArray]:
    between, raters, within, residual = (squares[name] for name in ("subjects", "raters", "within", "residual"))
    # The total variance of a mean of k readings; where the terms cancel, their rounding must not pass for a variance.
    total = between + (raters - residual) / n
    total = np.where(np.abs(total) <= 1e-13 * (between + (raters + residual) / n), 0.0, total)
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [
            (between - within) / (between + (k - 1) * within),
            (between - residual) / (between + (k - 1) * residual + k * (raters - residual) / n),
            (between - residual) / (between + (k - 1) * residual),
            (between - within) / between,
            (between - residual) / total,
            (between - residual) / between,
        ]
        ratio = np.stack([between / within, between / residual, between / residual] * 2, axis=-1)
    return np.stack(columns, axis=-1), ratio


def _limits(
    squares: dict[str, FloatArray], estimates: FloatArray, n: int, k: int, level: float
) -> tuple[FloatArray, FloatArray]:
    """Limits of the single-reading forms by F quantiles, of the averaged forms by Spearman-Brown (an identity)."""
    between, raters, within, residual = (
        np.asarray(squares[name]) for name in ("subjects", "raters", "within", "residual")
    )
    tail = (1 - level) / 2
    satterthwaite = _satterthwaite(raters, residual, estimates[..., 1], n, k)
    low, high = np.empty_like(estimates), np.empty_like(estimates)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for column, error, df2 in ((0, within, n * (k - 1.0)), (2, residual, (n - 1.0) * (k - 1))):
            upper = _f_quantile(tail, n - 1.0, df2)
            lower = 1 / _f_quantile(tail, df2, n - 1.0)
            for target, q in ((low, upper), (high, lower)):
                target[..., column] = (between - q * error) / (between + (k - 1) * q * error)
                target[..., column + 3] = (between - q * error) / between
        upper = _f_quantile(tail, n - 1.0, satterthwaite)
        lower = 1 / _f_quantile(tail, satterthwaite, n - 1.0)
        for target, q in ((low, upper), (high, lower)):
            numerator = n * (between - q * residual)
            target[..., 1] = numerator / (q * (k * raters + (k * n - k - n) * residual) + n * between)
            target[..., 4] = numerator / (q * (raters - residual) + n * between)
    return low, high


def _satterthwaite(raters: FloatArray, residual: FloatArray, rho: FloatArray, n: int, k: int) -> FloatArray:
    """Degrees of freedom of a MSC + b MSE, with a and b multiplied by n (1 - rho) so that rho = 1 has an answer."""
    a = k * rho
    b = n * (1 - rho) + k * rho * (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.square(a * raters + b * residual) / (
            np.square(a * raters) / (k - 1) + np.square(b * residual) / ((n - 1) * (k - 1))
        )
    no_error = (raters == 0) & (residual == 0)  # identical readings: any df leads to the point interval
    return np.where(no_error, (n - 1.0) * (k - 1), df)


def _f_quantile(tail: float, df1: FloatArray | float, df2: FloatArray | float) -> FloatArray:
    """Upper quantile of F, by the beta quantile of the smaller side so that far tails keep their digits."""
    x = betaincinv(np.divide(df2, 2.0), np.divide(df1, 2.0), tail)  # df2 / (df2 + df1 F)
    with np.errstate(divide="ignore"):
        return np.asarray(df2 * (1 - x) / (df1 * x), dtype=np.float64)


def _f_upper_tail(f: FloatArray, df1: FloatArray, df2: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        return np.asarray(betainc(df2 / 2, df1 / 2, df2 / (df2 + df1 * f)), dtype=np.float64)
