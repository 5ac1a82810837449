"""Variance inflation: how much correlation among predictors widens the intervals of their coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcfstats.statistics.inputs import FloatArray, as_array
from vcfstats.statistics.regression.design import Design, as_frame, build_design, complete_rows, read_columns
from vcfstats.statistics.results import Result


@dataclass(frozen=True, repr=False, eq=False)
class VarianceInflation(Result):
    """Generalised variance-inflation factors, one a variable.

    Attributes
    ----------
    variables : tuple of str
        The predictors.
    gvif : ndarray of shape (v,)
        Generalised variance-inflation factor; the usual VIF where `df` is 1.
    df : ndarray of shape (v,)
        Columns of the variable.
    gvif_scaled : ndarray of shape (v,)
        gvif^(1 / (2 df)), comparable across variables: the widening of the interval.
    """

    variables: tuple[str, ...]
    gvif: FloatArray
    df: npt.NDArray[np.int64]
    gvif_scaled: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """Return ``variable, gvif, df, gvif_scaled``."""
        return pd.DataFrame(
            {"variable": self.variables, "gvif": self.gvif, "df": self.df, "gvif_scaled": self.gvif_scaled}
        )


def variance_inflation(
    predictors: pd.DataFrame | npt.ArrayLike, *, reference: Mapping[str, Any] | None = None
) -> VarianceInflation:
    """(Generalised) variance-inflation factors of predictors in a linear model, whatever the outcome.

    With R the correlation matrix of the design's columns, GVIF = det(R11) det(R22) / det(R), R11 the block of the
    variable's columns, R22 that of all others; for one column it is 1 / (1 - R^2).

    Parameters
    ----------
    predictors : DataFrame or array-like of shape (n, p)
        At least two variables, complete; categorical columns are allowed.
    reference : mapping, optional
        Reference level by variable (GVIF does not depend on it).

    Returns
    -------
    VarianceInflation

    Raises
    ------
    ValueError
        Missing values, variables that do not vary, or exact collinearity, with the variable named.

    Notes
    -----
    Equals car::vif of a linear model. The factors of a fitted logistic model weight patients by their fitted
    probabilities and differ: they are in the `gvif` of the model.

    References
    ----------
    Fox and Monette (1992), doi 10.1080/01621459.1992.10475190.

    Examples
    --------
    >>> from vcfstats import variance_inflation
    >>> x = [[1, 2, 0], [2, 1, 1], [3, 5, 0], [4, 3, 1], [5, 6, 1], [6, 4, 0]]
    >>> variance_inflation(x).gvif.round(3).tolist()
    [1.846, 1.846, 1.059]
    """
    rows = (
        len(predictors)
        if isinstance(predictors, pd.DataFrame)
        else len(np.atleast_1d(as_array(predictors, "predictors")))
    )
    frame = read_columns(as_frame(predictors, rows), reference)
    complete_rows(frame, "raise")
    design = build_design(frame, reference)
    if len(design.variables) < 2:
        raise ValueError("Variance inflation needs at least two predictors; one has nothing to be collinear with.")
    correlation = np.asarray(np.corrcoef(design.matrix, rowvar=False))
    return inflation_of(correlation, design)


def inflation_of(correlation: FloatArray, design: Design) -> VarianceInflation:
    """GVIF from a correlation matrix of columns, or, equally, of coefficients."""
    variables = design.variables
    blocks = [design.columns_of(variable) for variable in variables]
    gvif = np.array([_gvif(correlation, block) for block in blocks])
    df = np.array([len(block) for block in blocks])
    return VarianceInflation(variables, gvif, df, gvif ** (1 / (2 * df)))


def _gvif(correlation: FloatArray, block: npt.NDArray[np.intp]) -> float:
    others = np.setdiff1d(np.arange(len(correlation)), block)
    sign, whole = np.linalg.slogdet(correlation)
    if sign <= 0:
        return float("inf")
    inner = np.linalg.slogdet(correlation[np.ix_(block, block)])[1]
    outer = np.linalg.slogdet(correlation[np.ix_(others, others)])[1] if others.size else 0.0
    return float(np.exp(inner + outer - whole))
