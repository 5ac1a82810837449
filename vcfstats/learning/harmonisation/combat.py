"""ComBat: location and scale of each feature on each scanner, shrunken towards what all features of the scanner share."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from vcfstats.learning.harmonisation.correction import Correction
from vcfstats.learning.varying import varying
from vcfstats.statistics.inputs import FloatArray, check_choice

_TOLERANCE = 1e-12  # of the iteration, on standardised features
_ITERATIONS = 100_000
_BLOCK = 4_000_000  # elements of a block of the nonparametric prior: 32 MB
PRIORS = ("parametric", "nonparametric", "none")


class ComBat(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Take out of every feature what a scanner adds to it and multiplies it by; the effect of covariates stays.

    The model of feature g of case j on scanner i is

        x_ijg = a_g + c_j b_g + s_g (gamma_ig + delta_ig e_ijg),

    a_g the mean over the training cases (scanners weighted by their cases), c_j the covariates, s_g the pooled standard
    deviation of the residuals (their sum of squares divided by n). gamma_ig and delta_ig^2 are estimated by the mean and
    the variance (divided by n_i - 1) of the standardised residuals of scanner i, and shrunken by empirical Bayes: the prior
    of the gamma_ig of one scanner is normal, that of the delta_ig^2 inverse gamma, hyperparameters by the method of moments
    over features (``parametric``), or both are the distribution of the other features' estimates (``nonparametric``). The
    posterior means gamma*, delta*^2 give the harmonised value a_g + c_j b_g + (x_ijg - a_g - c_j b_g - s_g gamma*_ig) / delta*_ig.

    Fitted on training cases, it transforms any case of their scanners. It never sees the outcome: ``y`` is ignored. Order of
    cases, of scanners and of features change nothing but the last bits. Features with the same distribution on all scanners
    change little, and n_i to infinity leaves each scanner the same mean and variance. A feature that does not vary on one of
    the scanners, or whose residuals are zero, is left as it is, and no prior learns from it. The model is of continuous
    features: of one that has the same value (0, say) in many cases, each scanner gets another value for it, by which whoever
    looks at ranks, as trees do, can tell the scanners apart.

    Parameters
    ----------
    prior : {"parametric", "nonparametric", "none"}
        Form of the empirical prior; none: estimates are not shrunken.
    mean_only : bool
        Leave the spread as it is. The mean is then shrunken as that of one case with variance 1, as the published
        implementations do.
    min_cases : int
        Fewest cases of a scanner, at least 2.

    Attributes
    ----------
    correction_ : Correction
        What is done to each feature.
    scanners_ : tuple of str
        The scanners, sorted.
    counts_ : dict of str to int
        Training cases of each.
    unchanged_ : dict of int to str
        Column of a feature that is left as it is -> why.
    gamma_, delta_ : ndarray of shape (scanners, p)
        gamma* and delta*, in standard deviations and as a ratio of them; 0 and 1 where nothing is changed.

    References
    ----------
    Johnson, Li, Rabinovic (2007), doi 10.1093/biostatistics/kxj037. Fortin et al. (2018), doi
    10.1016/j.neuroimage.2017.11.024.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> scanner = np.repeat(["A", "B"], 50)
    >>> X = rng.normal(size=(100, 8)) + 2.0 * (scanner == "B")[:, None]
    >>> fitted = ComBat().fit(X, batch=scanner)
    >>> after = fitted.transform(X, batch=scanner)
    >>> bool(abs(after[scanner == "A"].mean() - after[scanner == "B"].mean()) < 0.02)
    True
    """

    def __init__(self, *, prior: str = "parametric", mean_only: bool = False, min_cases: int = 2) -> None:
        self.prior = prior
        self.mean_only = mean_only
        self.min_cases = min_cases

    def fit(
        self, X: npt.ArrayLike, y: object = None, *, batch: npt.ArrayLike, covariates: npt.ArrayLike | None = None
    ) -> Self:
        """Learn from training cases in rows.

        Parameters
        ----------
        X : array-like of shape (n, p)
            Features.
        y : ignored
            For scikit-learn.
        batch : array-like of shape (n,)
            The scanner of each case.
        covariates : array-like of shape (n, q), optional
            Numbers whose effect is preserved; a factor of k levels is k - 1 columns of 0 and 1.

        Raises
        ------
        ValueError
            One scanner only, a scanner of too few cases, covariates that the scanners determine, fewer than two features
            that vary on every scanner (with a prior), shapes that do not match, missing values.
        """
        check_choice(self.prior, PRIORS, name="prior")
        values: FloatArray = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        names, scanner = _scanners(batch, len(values))
        given = _covariates(covariates, len(values))
        counts = np.bincount(scanner, minlength=len(names))
        if len(names) < 2:
            raise ValueError(f"batch has one scanner, {names[0]!r}; two or more can be harmonised: leave ComBat out.")
        least = max(2, self.min_cases)
        if counts.min() < least:
            few = names[int(counts.argmin())]
            raise ValueError(
                f"batch has {counts.min()} cases of {few!r}; at least {least} are needed: join scanners or leave it out."
            )
        design = np.column_stack([np.eye(len(names))[scanner], given])
        if np.linalg.matrix_rank(design) < design.shape[1]:
            raise ValueError(
                "covariates are determined by the scanners or by one another, so that their effects cannot be told apart; leave one out."
            )
        coefficients, *_ = np.linalg.lstsq(design, values, rcond=None)
        residual = np.sqrt(((values - design @ coefficients) ** 2).mean(axis=0))
        moving = np.all([varying(values[scanner == i]) for i in range(len(names))], axis=0)
        fitted = moving & (residual > 1e-12 * np.abs(values).max(axis=0))
        if self.prior != "none" and fitted.sum() < 2:
            raise ValueError(
                f"{fitted.sum()} features vary on every scanner; a prior needs at least 2: use prior='none' or more features."
            )
        self.scanners_ = tuple(names)
        self.counts_ = dict(zip(names, counts.tolist(), strict=True))
        self.unchanged_ = {
            int(j): "covariates leave nothing of it" if moving[j] else "does not vary on every scanner"
            for j in np.flatnonzero(~fitted)
        }
        center = counts / len(values) @ coefficients[: len(names)]
        effects = coefficients[len(names) :]
        z = (values - center - given @ effects)[:, fitted] / residual[fitted]
        self.gamma_, self.delta_ = np.zeros((len(names), values.shape[1])), np.ones((len(names), values.shape[1]))
        for i in range(len(names)):
            gamma, variance = self._estimates(z[scanner == i])
            self.gamma_[i, fitted], self.delta_[i, fitted] = gamma, np.sqrt(variance)
        self.correction_ = Correction(
            self.scanners_,
            tuple(f"covariate {k}" for k in range(given.shape[1])),
            tuple(np.where(fitted, center, 0.0).tolist()),
            tuple(tuple(row) for row in np.where(fitted, effects, 0.0).tolist()),
            tuple(tuple(row) for row in (self.gamma_ * residual).tolist()),
            tuple(tuple(row) for row in self.delta_.tolist()),
        )
        return self

    def transform(
        self, X: npt.ArrayLike, *, batch: npt.ArrayLike, covariates: npt.ArrayLike | None = None
    ) -> FloatArray:
        """Harmonise cases, of the training set or not.

        Raises
        ------
        ValueError
            A scanner that no training case has, other covariates than those fitted, missing values.
        """
        check_is_fitted(self)
        values: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        names, scanner = _scanners(batch, len(values))
        strange = [name for name in names if name not in self.scanners_]
        if strange:
            row = int(np.flatnonzero(scanner == names.index(strange[0]))[0])
            raise ValueError(
                f"batch[{row}] is {strange[0]!r}, on which no training case was examined; known are {', '.join(self.scanners_)}."
            )
        given = _covariates(covariates, len(values))
        if given.shape[1] != len(self.correction_.covariates):
            raise ValueError(f"covariates: {given.shape[1]} columns; fitted with {len(self.correction_.covariates)}.")
        position = np.array([self.scanners_.index(name) for name in names], dtype=np.int64)
        return self.correction_.corrected(values, position[scanner], given)

    def fit_transform(
        self, X: npt.ArrayLike, y: object = None, *, batch: npt.ArrayLike, covariates: npt.ArrayLike | None = None
    ) -> FloatArray:
        """Fit to cases and harmonise them."""
        return self.fit(X, y, batch=batch, covariates=covariates).transform(X, batch=batch, covariates=covariates)

    def _estimates(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return gamma* and delta*^2 of one scanner from its standardised residuals, shape (n_i, p)."""
        mean, variance = z.mean(axis=0), np.ones(z.shape[1]) if self.mean_only else z.var(axis=0, ddof=1)
        if self.prior == "none":
            return mean, variance
        if self.prior == "nonparametric":
            return _nonparametric(z, mean, variance, mean_only=self.mean_only)
        spread = mean.var(ddof=1)
        if self.mean_only:
            return (spread * mean + mean.mean()) / (spread + 1), variance
        return _parametric(z, mean, variance)


def _parametric(z: FloatArray, mean: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the posterior means given one another: the fixed point of the published iteration, from the estimates on."""
    n = len(z)
    center, spread = mean.mean(), mean.var(ddof=1)  # of the normal prior
    m, s2 = variance.mean(), variance.var(ddof=1)  # of the inverse gamma prior
    squares = ((z - mean) ** 2).sum(axis=0)
    gamma, delta = mean, variance
    for _ in range(_ITERATIONS):
        before = gamma, delta
        gamma = (spread * n * mean + delta * center) / (spread * n + delta)
        # (b + SS / 2) / (a + n / 2 - 1), a = 2 + m^2 / s2, b = m + m^3 / s2, without a division by s2: it may be zero
        half = (squares + n * (mean - gamma) ** 2) / 2
        delta = (s2 * (half + m) + m**3) / (s2 * (n / 2 + 1) + m**2)
        if (np.abs(gamma - before[0]) <= _TOLERANCE).all() and (np.abs(delta - before[1]) <= _TOLERANCE * delta).all():
            return gamma, delta
    raise ValueError("the empirical Bayes estimates did not settle; use prior='nonparametric' or prior='none'.")


def _nonparametric(
    z: FloatArray, mean: FloatArray, variance: FloatArray, *, mean_only: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the posterior means under the distribution of the other features' estimates, each with its likelihood as weight."""
    n, p = z.shape
    squares = ((z - mean) ** 2).sum(axis=0)
    gamma, delta = np.empty(p), np.empty(p)
    step = max(1, _BLOCK // p)
    for start in range(0, p, step):
        rows = np.arange(start, min(p, start + step))
        residual = squares[rows, None] + n * (mean[rows, None] - mean[None, :]) ** 2
        weight = -n / 2 * np.log(variance)[None, :] - residual / (2 * variance)[None, :]
        weight[np.arange(len(rows)), rows] = -np.inf  # a feature is no prior of itself
        weight = np.exp(weight - logsumexp(weight, axis=1, keepdims=True))
        gamma[rows], delta[rows] = weight @ mean, weight @ variance
    return gamma, np.ones(p) if mean_only else delta


def _scanners(batch: npt.ArrayLike, n: int) -> tuple[list[str], npt.NDArray[np.int64]]:
    given = np.asarray(batch, dtype=object)
    if given.shape != (n,):
        raise ValueError(f"batch has shape {given.shape}; one scanner for each of {n} cases is needed.")
    missing = [row for row, value in enumerate(given) if value is None or value != value]
    if missing:
        raise ValueError(f"batch[{missing[0]}] is missing; give the scanner of every case.")
    names, position = np.unique(given.astype(str), return_inverse=True)
    return names.tolist(), position.astype(np.int64)


def _covariates(covariates: npt.ArrayLike | None, n: int) -> FloatArray:
    if covariates is None:
        return np.empty((n, 0))
    given = np.asarray(covariates, dtype=np.float64)
    if given.ndim != 2 or len(given) != n:
        raise ValueError(f"covariates have shape {given.shape}; {n} rows are needed, one column a covariate.")
    if not np.isfinite(given).all():
        raise ValueError(f"covariates[{np.argwhere(~np.isfinite(given))[0][0]}] is missing or infinite.")
    return given
