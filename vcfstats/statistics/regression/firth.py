"""Firth's penalised logistic regression: finite estimates under separation, less bias in small samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import chdtrc, expit, ndtr, ndtri

from vcfstats.statistics.glm import fit_logistic, is_separated, log_likelihood
from vcfstats.statistics.inputs import BoolArray, FloatArray, as_outcome, check_alignment, check_choice
from vcfstats.statistics.regression.design import Design, as_frame, build_design, complete_rows, read_columns
from vcfstats.statistics.regression.inflation import inflation_of
from vcfstats.statistics.regression.logistic import LogisticModel, wald_tests

_ITERATIONS = 2000
_LONGEST_STEP = 5.0  # of a coefficient in units of 1 / RMS of its column


@dataclass(frozen=True)
class FirthFit:
    """Maximum of the penalised likelihood: coefficients, inverse information, penalised log-likelihood."""

    coef: FloatArray
    covariance: FloatArray
    loglik: float
    score: FloatArray


def firth_logistic(
    y_true: npt.ArrayLike,
    predictors: pd.DataFrame | npt.ArrayLike,
    *,
    event: Any = None,
    reference: Mapping[str, Any] | None = None,
    test: str = "likelihood ratio",
    information: str = "augmented",
    missing: str = "raise",
) -> LogisticModel:
    """Logistic regression with Firth's penalty (Jeffreys' prior), finite even under separation.

    Maximises log L(b) + 1/2 log det I(b). Tests and (by default) intervals are those of the penalised profile
    likelihood, in which the penalty keeps the information of all coefficients.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        0/1 outcome, or any with `event`.
    predictors : DataFrame or array-like of shape (n, p)
        Numeric columns as they are; categorical ones as treatment contrasts. The intercept is added.
    event : object, optional
        The value of `y_true` that is the event.
    reference : mapping, optional
        Reference level by variable.
    test : {"likelihood ratio", "wald"}
        Source of `statistic` and `pvalue`.
    information : {"augmented", "fisher"}
        What `covariance` and `se` invert: X'W(1 + H)X, the information of the data augmented by the penalty's
        pseudo-observations (H the leverages), as logistf does since 1.25; or X'WX, as Heinze and Schemper (2002) do.
        Only Wald's tests and intervals depend on it.
    missing : {"raise", "drop"}
        What to do with incomplete rows.

    Returns
    -------
    LogisticModel
        With ``method`` "Firth"; ``confidence_interval(method="profile" or "wald")``.

    Raises
    ------
    ValueError
        Bad outcome or predictors, or an unknown choice.

    Notes
    -----
    Equals logistf with tight convergence (its defaults stop at about 1e-6). Firth's predictions are drawn towards 1/2:
    their mean exceeds the prevalence where events are rare. `flic_intercept` mends that (Puhr et al. 2017).

    References
    ----------
    Firth (1993), doi 10.1093/biomet/80.1.27. Heinze and Schemper (2002), doi 10.1002/sim.1047. Puhr et al. (2017),
    doi 10.1002/sim.7273.

    Examples
    --------
    >>> from vcfstats import firth_logistic
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> x = [[1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0], [8.0]]  # separated: maximum likelihood is infinite
    >>> model = firth_logistic(y, x)
    >>> model.separated, round(float(model.coef[1]), 3)
    (True, 1.033)
    """
    check_choice(test, ("likelihood ratio", "wald"), name="test")
    check_choice(information, ("augmented", "fisher"), name="information")
    check_choice(missing, ("raise", "drop"), name="missing")
    check_alignment(y_true=y_true, predictors=predictors)
    outcome = as_outcome(y_true, event=event)
    frame = read_columns(as_frame(predictors, len(outcome)), reference)
    keep = complete_rows(frame, missing)
    if not keep.all():
        outcome = as_outcome(outcome[keep])
    return fit_firth(outcome, build_design(frame.loc[keep], reference), test=test, information=information)


def fit_firth(
    outcome: BoolArray, design: Design, *, test: str = "likelihood ratio", information: str = "augmented"
) -> LogisticModel:
    """Fit the model of a design; the work of `firth_logistic` after its checks."""
    X = design.with_intercept()
    n, p = X.shape
    y = outcome.astype(np.float64)
    fit = maximise(X, y)
    covariance = fit.covariance if information == "fisher" else _augmented_covariance(X, fit)
    se = np.sqrt(np.diagonal(covariance))
    if test == "wald":
        statistic = fit.coef / se
        pvalue = 2 * ndtr(-np.abs(statistic))
    else:
        statistic = np.array([_drop(X, y, fit, np.array([j])) for j in range(p)])
        pvalue = chdtrc(1, statistic)
    variables = design.variables
    blocks = [design.columns_of(variable) + 1 for variable in variables]
    by_variable = np.array([_drop(X, y, fit, block) for block in blocks])
    sizes = np.array([len(block) for block in blocks])
    null = maximise(X, y, free=np.arange(p) == 0)
    lr = max(2 * (fit.loglik - null.loglik), 0.0)
    correlation = covariance[1:, 1:] / np.outer(se[1:], se[1:])
    wald, wald_pvalue = wald_tests(fit.coef, covariance, design)
    with np.errstate(over="ignore"):  # of one unit that is far from what patients differ by: infinite
        odds_ratio = np.exp(fit.coef)
    return LogisticModel(
        method="Firth",
        terms=("(Intercept)", *(term.name for term in design.terms)),
        coef=fit.coef,
        se=se,
        statistic=statistic,
        pvalue=np.asarray(pvalue),
        odds_ratio=odds_ratio,
        covariance=covariance,
        loglik=fit.loglik,
        null_loglik=null.loglik,
        deviance=float("nan"),
        null_deviance=float("nan"),
        aic=float("nan"),
        bic=float("nan"),
        df_residual=n - p,
        lr_statistic=lr,
        lr_df=p - 1,
        lr_pvalue=float(chdtrc(p - 1, lr)),
        variables=variables,
        variable_statistic=by_variable,
        variable_df=sizes,
        variable_pvalue=np.asarray(chdtrc(sizes, by_variable)),
        variable_wald=wald,
        variable_wald_pvalue=wald_pvalue,
        r2_cox_snell=float("nan"),
        r2_nagelkerke=float("nan"),
        inflation=inflation_of(correlation, design) if len(variables) > 1 else None,
        vif=np.diagonal(np.linalg.inv(correlation)).copy(),
        n=n,
        n_events=int(outcome.sum()),
        separated=is_separated(X / np.sqrt(np.mean(X**2, axis=0)), y),
        flic_intercept=_flic_intercept(X, y, fit.coef),
        _design=design,
        _outcome=outcome,
        _fit=fit,
    )


def firth_coefficients(X: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return coefficients, the intercept corrected (FLIC), and covariance as `firth_logistic` gives them, without its tests.

    The tests profile every coefficient, which takes many times as long; who fits in each of many samples needs none.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Design with its column of ones first.
    y : ndarray of shape (n,)
        0/1.

    Returns
    -------
    coef, covariance : ndarray of shape (p,), (p, p)
    """
    fit = maximise(X, y)
    coef = fit.coef.copy()
    coef[0] = _flic_intercept(X, y, coef)
    return coef, _augmented_covariance(X, fit)


def _flic_intercept(X: FloatArray, y: FloatArray, coef: FloatArray) -> float:
    """Return the intercept at which the mean probability is the prevalence, the slopes being as they are (Puhr et al. 2017)."""
    return float(fit_logistic(X[:, :1], y, offset=X[:, 1:] @ coef[1:]).coef[0])


def maximise(
    X: FloatArray, y: FloatArray, *, free: BoolArray | None = None, start: FloatArray | None = None
) -> FirthFit:
    """Maximise the penalised likelihood over the free coefficients, the others staying at `start` (0 by default)."""
    scale = np.sqrt(np.mean(X**2, axis=0))
    Z = X / scale
    moving = np.ones(X.shape[1], dtype=bool) if free is None else free
    b = np.zeros(X.shape[1]) if start is None else start * scale
    state = _penalised(Z, y, b)
    damping, last = 1.0, np.zeros_like(b)
    for _ in range(_ITERATIONS):
        value, score, information, _ = state
        block = np.ix_(moving, moving)
        step = np.zeros_like(b)
        if moving.any():
            step[moving] = damping * np.linalg.solve(information[block], score[moving])
        longest = np.abs(step).max()
        if longest > _LONGEST_STEP:
            step *= _LONGEST_STEP / longest
        for _ in range(40):
            trial = b + step
            state = _penalised(Z, y, trial)
            if state[0] >= value - 1e-11 * (1 + abs(value)):
                break
            step = step / 2
        b = trial
        if np.abs(step).max() <= 1e-11 * (1 + np.abs(b).max()):
            break
        if step @ last < 0 and np.abs(step).max() > 0.5 * np.abs(last).max():
            # The information is the likelihood's alone, not the penalty's: full steps may circle about the maximum.
            damping = 0.5
        last = step
    else:
        raise ValueError(
            f"Firth's penalised likelihood did not converge in {_ITERATIONS} steps; rescale the predictors."
        )
    value, score, _, factor = state
    covariance = cho_solve(factor, np.eye(len(b))) / np.outer(scale, scale)
    return FirthFit(b / scale, covariance, value + float(np.log(scale).sum()), score * scale)


def firth_profile(X: FloatArray, outcome: BoolArray, fit: FirthFit, level: float) -> tuple[FloatArray, FloatArray]:
    """Limits of every coefficient by the penalised profile likelihood."""
    y = outcome.astype(np.float64)
    p = X.shape[1]
    root = float(ndtri(0.5 + level / 2))
    limits = np.empty((2, p))
    for j in range(p):
        for side, sign in ((0, -1.0), (1, 1.0)):
            limits[side, j] = _profile_limit(_profile(X, y, fit, j), fit, j, sign, root)
    return limits[0], limits[1]


def _profile(X: FloatArray, y: FloatArray, fit: FirthFit, j: int) -> Callable[[float], tuple[float, float]]:
    """Drop of twice the profile likelihood at a value of coefficient j, and its slope (the score: envelope theorem)."""
    free = np.arange(X.shape[1]) != j
    warm = fit

    def at(value: float) -> tuple[float, float]:
        nonlocal warm
        warm = _constrained(X, y, warm, free, value - warm.coef[j], j, both=warm is fit)
        return 2 * (fit.loglik - warm.loglik), -2 * float(warm.score[j])

    return at


def _constrained(
    X: FloatArray, y: FloatArray, near: FirthFit, free: BoolArray, shift: float, j: int, *, both: bool
) -> FirthFit:
    """Maximise with coefficient j moved by `shift`, the others starting where the curvature sends them.

    Far out the profile may have two summits: a long move is made from a second start too, and the higher one taken.
    """
    stay = near.coef.copy()
    stay[j] += shift
    along = near.coef + shift * near.covariance[:, j] / near.covariance[j, j]
    along[~free] = stay[~free]
    fits = [maximise(X, y, free=free, start=start) for start in ((along, stay) if both else (along,))]
    return max(fits, key=lambda fit: fit.loglik)


def _profile_limit(
    profile: Callable[[float], tuple[float, float]], fit: FirthFit, j: int, sign: float, root: float
) -> float:
    """Newton on the signed root of the drop, which is nearly linear, kept within a shrinking bracket."""
    centre, se = float(fit.coef[j]), float(np.sqrt(fit.covariance[j, j]))
    inside, outside = centre, None
    value = centre + sign * root * se
    for _ in range(100):
        drop, slope = profile(value)
        distance = float(np.sqrt(max(drop, 0.0)))
        if distance < root:
            inside = value
        else:
            outside = value
        gradient = slope / (2 * distance) if distance > 0 else 0.0
        new = value + (root - distance) / gradient if gradient * sign > 0 else np.nan
        if abs(new - value) <= 1e-10 * (se + abs(value)):
            return float(new)
        beyond = inside + sign * 4 * max(abs(inside - centre), se)
        within = sorted((inside, outside if outside is not None else beyond))
        if not within[0] < new < within[1]:
            new = (inside + outside) / 2 if outside is not None else beyond
        value = new
    return float(value)


def _drop(X: FloatArray, y: FloatArray, fit: FirthFit, columns: npt.NDArray[np.intp]) -> float:
    """Penalised likelihood-ratio statistic of some coefficients being 0."""
    free = ~np.isin(np.arange(X.shape[1]), columns)
    if len(columns) == 1:
        there = _constrained(X, y, fit, free, -fit.coef[columns[0]], int(columns[0]), both=True)
    else:
        there = maximise(X, y, free=free, start=np.where(free, fit.coef, 0.0))
    return max(2 * (fit.loglik - there.loglik), 0.0)


def _augmented_covariance(X: FloatArray, fit: FirthFit) -> FloatArray:
    prob = expit(X @ fit.coef)
    weight = prob * (1 - prob)
    leverage = weight * np.einsum("ij,jk,ik->i", X, fit.covariance, X)
    return np.asarray(np.linalg.inv((X * (weight * (1 + leverage))[:, None]).T @ X))


def _penalised(
    X: FloatArray, y: FloatArray, b: FloatArray
) -> tuple[float, FloatArray, FloatArray, tuple[FloatArray, bool]]:
    """Penalised log-likelihood, its score, the information and its Cholesky factor."""
    eta = X @ b
    prob = expit(eta)
    root_weight = np.sqrt(prob * expit(-eta))
    weighted = X * root_weight[:, None]
    information = weighted.T @ weighted
    try:
        factor = cho_factor(information, lower=True)
    except np.linalg.LinAlgError:
        return -np.inf, np.zeros_like(b), information, (np.eye(len(b)), True)
    leverage = np.square(solve_triangular(factor[0], weighted.T, lower=True)).sum(axis=0)
    value = log_likelihood(y, eta) + float(np.log(np.diagonal(factor[0])).sum())
    score = X.T @ (y - prob + leverage * (0.5 - prob))
    return value, score, information, factor
