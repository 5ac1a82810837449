"""From a table of features to the standardised columns that a model sees, by what training patients taught."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.learning.harmonisation.correction import Correction
from vcfstats.statistics.inputs import BoolArray, FloatArray


@dataclass(frozen=True)
class Prepared:
    """Which features a model sees and how they are standardised.

    Attributes
    ----------
    features : tuple of str
        Columns, in order; empty where nothing was left.
    mean, scale : tuple of float
        Training mean and standard deviation.
    fill : tuple of float
        What stands in for a missing value; NaN where a case with a missing value gets no probability.
    low, high : tuple of float
        Training range, of the features as they are standardised.
    reason : str
        Why there is no feature; empty where there are some.
    correction : Correction or None
        What harmonisation does to them before they are standardised; None where it does nothing.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    fill: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    reason: str = ""
    correction: Correction | None = None

    def apply(self, frame: pd.DataFrame) -> FloatArray:
        """Return the standardised features, shape (n, p).

        Raises
        ------
        InputError
            A feature is not among the columns, or a case cannot be harmonised.
        """
        return np.asarray((self.values(frame) - np.array(self.mean)) / np.array(self.scale), dtype=np.float64)

    def values(self, frame: pd.DataFrame) -> FloatArray:
        """Return the features as they are standardised: missing values filled, scanners harmonised; shape (n, p).

        Raises
        ------
        InputError
            As `apply`.
        """
        absent = [name for name in self.features if name not in frame]
        if absent:
            raise InputError(
                Problem(
                    f"no column {absent[0]!r}",
                    "every feature of the model",
                    "extract the features with the settings of the model",
                )
            )
        values = frame.loc[:, list(self.features)].to_numpy(dtype=np.float64)
        values = np.where(np.isnan(values), np.array(self.fill), values)
        return values if self.correction is None else self.correction.apply(values, frame)

    def ranging_over(self, frame: pd.DataFrame) -> Prepared:
        """Return the same with the range of these rows: what is delivered knows all training patients, not those of a fold alone."""
        values = self.values(frame)
        return replace(self, low=tuple(values.min(axis=0).tolist()), high=tuple(values.max(axis=0).tolist()))

    def outside(self, frame: pd.DataFrame) -> BoolArray:
        """Return which features lie outside their training range, shape (n, p); a missing one does not."""
        values = self.values(frame)
        return np.asarray((values < np.array(self.low)) | (values > np.array(self.high)))


def prepared(frame: pd.DataFrame, features: tuple[str, ...], *, ddof: int, fill: pd.Series | None = None) -> Prepared:
    """Learn mean, standard deviation and range of `features` from training rows."""
    columns = frame.loc[:, list(features)]
    filled = columns if fill is None else columns.fillna(fill)
    values = np.ascontiguousarray(filled.to_numpy(dtype=np.float64))
    return Prepared(
        features=features,
        mean=tuple(values.mean(axis=0).tolist()),
        scale=tuple(values.std(axis=0, ddof=ddof).tolist()),
        fill=tuple((np.nan if fill is None else float(fill[name])) for name in features),
        low=tuple(values.min(axis=0).tolist()),
        high=tuple(values.max(axis=0).tolist()),
    )
