"""What every filter of features has in common: a mask, and for each feature it dropped the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from vcfstats.learning.varying import varying
from vcfstats.statistics.inputs import BoolArray, FloatArray


class FeatureFilter(SelectorMixin, BaseEstimator):  # type: ignore[misc]
    """A selector for a two-class outcome. Subclasses fill `support_` and `reasons_` in `_select`.

    Attributes
    ----------
    support_ : ndarray of shape (p,)
        Which features stay.
    reasons_ : dict of int to str
        Column of each dropped feature -> why.
    """

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Learn from patients in rows which features stay.

        Raises
        ------
        ValueError
            Shapes that do not match, missing or infinite values, or an outcome of other than two classes.
        """
        values: FloatArray
        values, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) != 2:
            raise ValueError(
                f"The outcome must have two classes; found {len(classes)} (1 class cannot be told from another)."
            )
        self.support_: BoolArray = np.zeros(values.shape[1], dtype=np.bool_)
        self.reasons_: dict[int, str] = {}
        self._select(values, np.asarray(y == classes[1]))
        return self

    def _select(self, X: FloatArray, event: BoolArray) -> None:
        raise NotImplementedError

    def _get_support_mask(self) -> BoolArray:
        check_is_fitted(self)
        return self.support_

    def dropped(self, names: Sequence[str] | npt.NDArray[np.object_]) -> dict[str, str]:
        """Return the dropped features and why, by the names of the columns."""
        check_is_fitted(self)
        return {str(names[column]): self.reasons_[column] for column in sorted(self.reasons_)}

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn that an outcome of two classes is needed."""
        tags: Any = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


def unit_columns(X: FloatArray) -> FloatArray:
    """Return the columns centred and scaled to length 1 (a column that does not vary to 0), in Fortran order.

    The product of two of them is their Pearson correlation.
    """
    unit = np.asfortranarray(X - X.mean(axis=0))
    unit[:, ~varying(X)] = 0.0
    norm = np.sqrt(np.einsum("ij,ij->j", unit, unit))
    np.divide(unit, norm, out=unit, where=norm > 0)
    return unit
