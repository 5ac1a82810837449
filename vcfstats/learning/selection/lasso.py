"""The LASSO as a selector: features with a non-zero coefficient at the penalty chosen by cross-validation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vcfstats.learning.selection.base import FeatureFilter
from vcfstats.statistics.inputs import BoolArray, FloatArray, check_choice
from vcfstats.statistics.lasso import LassoPath, lasso_path


class LassoSelector(FeatureFilter):
    """Keep features whose LASSO coefficient is not zero.

    Features are penalised as they are given: standardise them first. A fold of the cross-validation is not standardised anew.

    Parameters
    ----------
    family : {"gaussian", "binomial"}
        Linear model of the 0/1 outcome, or logistic.
    folds : int or array-like of shape (n,)
        Number of random folds, or the fold of each row of the training data.
    rule : {"min", "1se"}
        Penalty with the least cross-validated error, or the largest within one standard error of it.
    n_lambdas, lambda_ratio : int, float
        Number of penalties, and the smallest as a fraction of the largest.
    random_state : int, SeedSequence, Generator or None
        Of random folds.

    Attributes
    ----------
    path_ : LassoPath
        Path and cross-validated error.
    lambda_, intercept_, coef_ : float, float, ndarray of shape (p,)
        The penalty and the model at it.
    """

    def __init__(
        self,
        *,
        family: str = "gaussian",
        folds: int | npt.ArrayLike = 10,
        rule: str = "min",
        n_lambdas: int = 100,
        lambda_ratio: float = 0.01,
        random_state: int | np.random.SeedSequence | np.random.Generator | None = None,
    ) -> None:
        self.family = family
        self.folds = folds
        self.rule = rule
        self.n_lambdas = n_lambdas
        self.lambda_ratio = lambda_ratio
        self.random_state = random_state

    def _select(self, X: FloatArray, event: BoolArray) -> None:
        check_choice(self.rule, ("min", "1se"), name="rule")
        path: LassoPath = lasso_path(
            X,
            event.astype(np.float64),
            family=self.family,
            standardize=False,
            n_lambdas=self.n_lambdas,
            smallest_ratio=self.lambda_ratio,
            n_folds=int(self.folds) if np.ndim(self.folds) == 0 else None,  # type: ignore[arg-type]
            folds=None if np.ndim(self.folds) == 0 else self.folds,
            random_state=self.random_state,
        )
        self.path_ = path
        self.lambda_ = path.lambda_min if self.rule == "min" else path.lambda_1se
        at = path.coef_at(f"lambda_{self.rule}").to_numpy(dtype=np.float64)
        self.intercept_ = float(at[0])
        self.coef_ = at[1:]
        self.support_ = self.coef_ != 0
        self.reasons_ = {
            int(j): f"coefficient 0 at lambda = {self.lambda_:.4g}" for j in np.flatnonzero(~self.support_)
        }
