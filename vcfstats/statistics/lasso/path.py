"""The lasso over a sequence of penalties, and the penalty chosen by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from vcfstats.statistics.inputs import (
    FloatArray,
    RandomState,
    as_count,
    as_flag,
    as_generator,
    as_number,
    as_numbers,
    as_outcome,
    check_alignment,
    check_choice,
    refuse_huge,
    refuse_unused,
)
from vcfstats.statistics.lasso.crossvalidation import MEASURES, choose, cross_validate
from vcfstats.statistics.lasso.fitting import Fitted, Settings, fit_path
from vcfstats.statistics.results import Result
from vcfstats.statistics.validation.folds import IntArray, given_folds, random_folds


@dataclass(frozen=True, repr=False, eq=False)
class LassoPath(Result):
    """A lasso path; arrays over penalties run from the largest to the smallest.

    Attributes
    ----------
    family : str
        ``gaussian`` or ``binomial``.
    features : tuple of str
        The predictors.
    lambdas : ndarray of shape (m,)
        Penalties, in the unit of the outcome times a standard deviation of a predictor (gaussian).
    intercept, coef : ndarray of shape (m,), (m, p)
        On the original scale of the predictors.
    df : ndarray of shape (m,)
        Coefficients that are not 0.
    dev_ratio : ndarray of shape (m,)
        Share of the null deviance explained.
    null_deviance : float
        Of the intercept alone.
    center, scale : ndarray of shape (p,)
        What the predictors were standardised by (scale 1 where they were not).
    ddof : int
        Of `scale`.
    measure : str or None
        Of cross-validation; None where none was made.
    folds : ndarray of shape (n,) or None
        Fold of each row.
    cv_mean, cv_se : ndarray of shape (m,) or None
        Cross-validated measure, its standard error over the folds.
    lambda_min, lambda_1se : float
        Penalty of the best mean; the largest within one standard error of it. NaN without cross-validation.
    """

    family: str
    features: tuple[str, ...]
    lambdas: FloatArray
    intercept: FloatArray
    coef: FloatArray
    df: npt.NDArray[np.int64]
    dev_ratio: FloatArray
    null_deviance: float
    center: FloatArray
    scale: FloatArray
    ddof: int
    measure: str | None
    folds: IntArray | None
    cv_mean: FloatArray | None
    cv_se: FloatArray | None
    lambda_min: float
    lambda_1se: float
    _fitted: Fitted = field(repr=False)

    def coef_at(self, which: str | float = "lambda_1se") -> pd.Series:
        """Return intercept and coefficients at ``"lambda_min"``, ``"lambda_1se"`` or a penalty.

        A penalty of the sequence gives its solution, another one the linear interpolation of its neighbours (exact for
        the gaussian family between penalties at which no predictor enters or leaves).

        Raises
        ------
        ValueError
            A penalty outside the sequence, or a rule without cross-validation.
        """
        if isinstance(which, str):
            check_choice(which, ("lambda_min", "lambda_1se"), name="which")
            if self.cv_mean is None:
                raise ValueError(f"{which} needs cross-validation: pass n_folds= or folds= to lasso_path.")
            which = self.lambda_min if which == "lambda_min" else self.lambda_1se
        value = as_number(which, "which")
        if not self.lambdas[-1] <= value <= self.lambdas[0]:
            raise ValueError(
                f"which: the penalty must lie within {self.lambdas[-1]:.4g} to {self.lambdas[0]:.4g}; got {value:.4g}."
            )
        intercept, coef = self._fitted.at(np.array([value]))
        return pd.Series(np.append(intercept, coef[0]), index=["(Intercept)", *self.features], name=value)

    def predict(self, X: pd.DataFrame | npt.ArrayLike, which: str | float = "lambda_1se") -> FloatArray:
        """Return the linear predictor (gaussian: the fitted value) of new rows; `coef_at` says which penalty.

        Raises
        ------
        ValueError
            Another number of columns.
        """
        values = as_numbers(self._in_order(X), "X")
        if values.ndim != 2 or values.shape[1] != len(self.features):
            raise ValueError(f"X must have the {len(self.features)} columns of the fit; got shape {values.shape}.")
        coefficients = self.coef_at(which).to_numpy()
        return np.asarray(coefficients[0] + values @ coefficients[1:])

    def _in_order(self, X: Any) -> Any:
        """Return a frame's columns in the order of the fit where they bear its names."""
        names = [str(name) for name in getattr(X, "columns", ())]
        if not names or names == list(self.features) or not set(names) & set(self.features):
            return X
        lacking = [name for name in self.features if name not in names]
        if lacking or len(set(names)) != len(names):
            raise ValueError(f"X lacks the columns {lacking[:6]} of the fit, or repeats names.")
        return X.iloc[:, [names.index(name) for name in self.features]]

    def predict_proba(self, X: pd.DataFrame | npt.ArrayLike, which: str | float = "lambda_1se") -> FloatArray:
        """Return the probability of the event; binomial alone, since a gaussian fit of 0/1 is no probability.

        Raises
        ------
        ValueError
            A gaussian path, or another number of columns.
        """
        if self.family != "binomial":
            raise ValueError("A gaussian lasso predicts no probability, even of a 0/1 outcome; fit family='binomial'.")
        return np.asarray(expit(self.predict(X, which)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a penalty: ``lambda, df, dev_ratio, intercept`` and, where made, ``cv_mean, cv_se, choice``."""
        frame = pd.DataFrame(
            {"lambda": self.lambdas, "df": self.df, "dev_ratio": self.dev_ratio, "intercept": self.intercept}
        )
        if self.cv_mean is not None:
            frame["cv_mean"], frame["cv_se"] = self.cv_mean, self.cv_se
            frame["choice"] = [
                " ".join(n for n, v in (("lambda_min", self.lambda_min), ("lambda_1se", self.lambda_1se)) if v == value)
                for value in self.lambdas
            ]
        return frame

    def coef_frame(self) -> pd.DataFrame:
        """Return the coefficients, one row a penalty, one column a predictor."""
        return pd.DataFrame(self.coef, index=pd.Index(self.lambdas, name="lambda"), columns=list(self.features))


def lasso_path(
    X: pd.DataFrame | npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    family: str = "gaussian",
    event: Any = None,
    lambdas: npt.ArrayLike | None = None,
    n_lambdas: int | None = None,
    smallest_ratio: float | None = None,
    alpha: float = 1.0,
    standardize: bool = True,
    ddof: int = 0,
    n_folds: int | None = None,
    folds: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    measure: str | None = None,
    random_state: RandomState = None,
) -> LassoPath:
    """Lasso path of a gaussian or binomial outcome, with the penalty chosen by cross-validation.

    Minimises loss + lambda (alpha |b|_1 + (1 - alpha) |b|_2^2 / 2) over standardised predictors: the gaussian loss is
    RSS / (2n) with y in its own unit, the binomial one -log-likelihood / n. Solutions are exact (active set), not
    stopped by a tolerance.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n, p)
        Finite numbers; a constant column keeps coefficient 0.
    y : array-like of shape (n,)
        Numbers (gaussian), or 0/1 (binomial; with `event` any coding). A gaussian lasso of a 0/1 outcome is a linear
        score, not a probability: its intercept, for centred predictors, is the prevalence.
    family : {"gaussian", "binomial"}
        The likelihood.
    event : object, optional
        The value of `y` that is the event; binomial alone.
    lambdas : array-like, optional
        Penalties. By default `n_lambdas` of them, log-spaced from the smallest that empties the model down to
        `smallest_ratio` times it (1e-4, or 0.01 where n < p), ending early where the fit no longer improves.
    alpha : float in (0, 1]
        1 is the lasso; below it the elastic net (gaussian: with glmnet's ridge part, which divides by the standard
        deviation of y).
    standardize, ddof : bool, int
        Scale predictors by their standard deviation with this ddof (0: 1/n, as glmnet and scikit-learn do; 1: as pandas
        and R's scale do). A penalty compares with a published one only under the same ddof and an unscaled y.
    n_folds, folds : int, array-like of shape (n,)
        Cross-validate over random folds, or over these.
    groups : array-like of shape (n,), optional
        Patient of each row: rows of a patient share a random fold.
    measure : str, optional
        gaussian: mse (default) or mae; binomial: deviance (default), auc, class or mse.
    random_state : int, SeedSequence or Generator, optional
        Of the random folds.

    Returns
    -------
    LassoPath

    Raises
    ------
    ValueError
        Bad shapes, missing values, unknown choices, penalties that are not positive, or folds without both classes in
        their training part.

    Notes
    -----
    Paths, default penalties, cross-validated means and errors, lambda.min and lambda.1se equal glmnet's and cv.glmnet's
    for given folds to the tolerance at which glmnet itself stops. As there, with default penalties each fold runs down
    its own sequence and is interpolated; a measure is averaged by fold, weighted by its size (by row where folds have
    fewer than 3); and auc with fewer than 10 rows a fold becomes deviance, here with a warning.

    References
    ----------
    Tibshirani (1996), doi 10.1111/j.2517-6161.1996.tb02080.x. Friedman, Hastie and Tibshirani (2010),
    doi 10.18637/jss.v033.i01. Osborne, Presnell and Turlach (2000), doi 10.1093/imanum/20.3.389 (active set).

    Examples
    --------
    >>> import numpy as np
    >>> from vcfstats import lasso_path
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 5))
    >>> y = X[:, 0] - 0.5 * X[:, 1] + rng.normal(size=60)
    >>> path = lasso_path(X, y, n_folds=5, random_state=1)
    >>> path.coef_at("lambda_1se").round(2).tolist()
    [0.03, 0.71, -0.07, 0.0, 0.0, 0.0]
    """
    check_choice(family, ("gaussian", "binomial"), name="family")
    check_alignment(X=X, y=y, folds=folds, groups=groups)
    if family == "gaussian":
        refuse_unused("with family='gaussian'", event=event)
    if lambdas is not None:
        refuse_unused("with lambdas=", n_lambdas=n_lambdas, smallest_ratio=smallest_ratio)
    if folds is not None:
        refuse_unused("with folds=", n_folds=n_folds, groups=groups)
    elif n_folds is None:
        refuse_unused("without n_folds= or folds=", groups=groups, measure=measure)
    values, names = _as_predictors(X)
    n = len(values)
    binomial = family == "binomial"
    outcome = as_outcome(y, event=event, name="y").astype(np.float64) if binomial else as_numbers(y, "y")
    if outcome.shape != (n,) or not np.isfinite(outcome).all():
        raise ValueError(f"y must be {n} finite numbers, one a row of X; got shape {outcome.shape}.")
    refuse_huge(outcome, "y")
    if family == "gaussian" and np.ptp(outcome) == 0:
        raise ValueError("y does not vary; there is nothing to explain.")
    if not 0 < as_number(alpha, "alpha") <= 1:
        raise ValueError(f"alpha must lie in (0, 1], 1 being the lasso; got {alpha!r}.")
    as_flag(standardize, "standardize")
    ddof = as_count(ddof, "ddof", least=0)
    if ddof not in (0, 1):
        raise ValueError(f"ddof must be 0 or 1; got {ddof!r}.")
    if smallest_ratio is not None and not 0 < as_number(smallest_ratio, "smallest_ratio") < 1:
        raise ValueError(f"smallest_ratio must lie strictly between 0 and 1; got {smallest_ratio!r}.")
    count = 100 if n_lambdas is None else as_count(n_lambdas, "n_lambdas", least=1, most=100_000)
    settings = Settings(family == "binomial", alpha, standardize, ddof, count, smallest_ratio, _as_penalties(lambdas))
    fitted = fit_path(values, outcome, settings)
    chosen_measure, fold, cv_mean, cv_se = None, None, None, None
    lambda_min = lambda_1se = float("nan")
    if folds is not None or n_folds is not None:
        if folds is not None:
            fold = given_folds(folds, n)
        else:
            fold = random_folds(n, 0 if n_folds is None else n_folds, as_generator(random_state), groups=groups)
        default = "mse" if family == "gaussian" else "deviance"
        chosen_measure = check_choice(default if measure is None else measure, MEASURES[family], name="measure")
        chosen_measure, cv_mean, cv_se = cross_validate(values, outcome, fold, fitted, settings, chosen_measure)
        lambda_min, lambda_1se = choose(fitted.lambdas, cv_mean, cv_se, larger_is_better=chosen_measure == "auc")
    return LassoPath(
        family=family,
        features=names,
        lambdas=fitted.lambdas,
        intercept=fitted.intercept,
        coef=fitted.coef,
        df=np.count_nonzero(fitted.coef, axis=1),
        dev_ratio=fitted.dev_ratio,
        null_deviance=fitted.null_deviance,
        center=fitted.center,
        scale=fitted.scale,
        ddof=ddof,
        measure=chosen_measure,
        folds=fold,
        cv_mean=cv_mean,
        cv_se=cv_se,
        lambda_min=lambda_min,
        lambda_1se=lambda_1se,
        _fitted=fitted,
    )


def _as_predictors(X: pd.DataFrame | npt.ArrayLike) -> tuple[FloatArray, tuple[str, ...]]:
    values = as_numbers(X, "X")
    if values.ndim != 2 or values.shape[0] < 3 or values.shape[1] == 0:
        raise ValueError(f"X must have shape (n, p) with n >= 3; got {values.shape}.")
    bad = ~np.isfinite(values)
    names = (
        tuple(map(str, X.columns))
        if isinstance(X, pd.DataFrame)
        else tuple(f"x{i + 1}" for i in range(values.shape[1]))
    )
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"X has {int(bad.sum())} missing or infinite value(s), first in {names[column]!r}, row {row}; impute first."
        )
    refuse_huge(values, "X")
    return values, names


def _as_penalties(lambdas: npt.ArrayLike | None) -> FloatArray | None:
    if lambdas is None:
        return None
    values = np.atleast_1d(as_numbers(lambdas, "lambdas", booleans=False))
    if values.ndim != 1 or not values.size:
        raise ValueError(f"lambdas must have shape (l,) with l >= 1; got shape {values.shape}.")
    if not np.isfinite(values).all() or (values <= 0).any():
        raise ValueError(f"lambdas must be positive and finite; got {values.min():.4g} to {values.max():.4g}.")
    return np.sort(values)[::-1].copy()
