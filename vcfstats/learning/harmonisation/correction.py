"""What harmonisation does to each feature of a case: a shift and a factor by its scanner, around what its covariates explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.learning.harmonisation.columns import SCANNER, lacking, unseen
from vcfstats.statistics.inputs import FloatArray


@dataclass(frozen=True)
class Correction:
    """A fitted correction of p features.

    A value x of a case of scanner i with covariates c becomes m + (x - m - shift_i) / divisor_i, m = center + c effects.

    Attributes
    ----------
    scanners : tuple of str
        Those of the training cases.
    covariates : tuple of str
        Columns that carry the covariates.
    center : tuple of p floats
        Mean over the training cases where all covariates are 0; 0 of a feature that stays as it is.
    effects : tuple of tuples of p floats
        For each covariate, its effect on each feature.
    shift, divisor : tuple of tuples of p floats
        For each scanner, in units of the feature, and a ratio of standard deviations.
    """

    scanners: tuple[str, ...]
    covariates: tuple[str, ...]
    center: tuple[float, ...]
    effects: tuple[tuple[float, ...], ...]
    shift: tuple[tuple[float, ...], ...]
    divisor: tuple[tuple[float, ...], ...]

    @classmethod
    def identity(cls, scanners: tuple[str, ...], covariates: tuple[str, ...], p: int) -> Correction:
        """Return the correction that leaves p features as they are."""
        zeros, ones = (0.0,) * p, (1.0,) * p
        return cls(
            scanners, covariates, zeros, (zeros,) * len(covariates), (zeros,) * len(scanners), (ones,) * len(scanners)
        )

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Correction:
        """Return the correction whose `dataclasses.asdict` was written as JSON."""

        def tuples(value: Any) -> Any:
            return tuple(map(tuples, value)) if isinstance(value, list | tuple) else value

        return cls(**{name: tuples(value) for name, value in body.items()})

    def at(self, columns: Sequence[int]) -> Correction:
        """Return the correction of some of the features, in the order given."""

        def chosen(values: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(values[j] for j in columns)

        return Correction(
            self.scanners,
            self.covariates,
            chosen(self.center),
            tuple(map(chosen, self.effects)),
            tuple(map(chosen, self.shift)),
            tuple(map(chosen, self.divisor)),
        )

    def beside(self, other: Correction) -> Correction:
        """Return the correction of these features followed by the other's."""
        return Correction(
            self.scanners,
            self.covariates,
            self.center + other.center,
            tuple(a + b for a, b in zip(self.effects, other.effects, strict=True)),
            tuple(a + b for a, b in zip(self.shift, other.shift, strict=True)),
            tuple(a + b for a, b in zip(self.divisor, other.divisor, strict=True)),
        )

    def apply(self, values: FloatArray, frame: pd.DataFrame) -> FloatArray:
        """Return the values, shape (n, p), corrected by the scanner and the covariates that stand in the frame's rows.

        Raises
        ------
        InputError
            A case whose scanner no training patient was examined on, or that lacks a covariate.
        """
        absent = [name for name in (SCANNER, *self.covariates) if name not in frame]
        if absent:
            raise InputError(
                Problem(
                    f"no column {absent[0]!r} beside the features",
                    "the scanner of every case and the covariates whose effect was preserved",
                    "join them to the features: the model was fitted to harmonised ones",
                )
            )
        scanner = frame[SCANNER].to_numpy(dtype=object)
        for case, own in zip(frame.index, scanner, strict=True):
            if own not in self.scanners:
                raise InputError(unseen(str(case), own, self.scanners))
        design = frame.loc[:, list(self.covariates)].to_numpy(dtype=np.float64)
        if np.isnan(design).any():
            row, column = np.argwhere(np.isnan(design))[0]
            raise InputError(lacking(str(frame.index[row]), self.covariates[column]))
        return self.corrected(values, np.array([self.scanners.index(own) for own in scanner], dtype=np.int64), design)

    def corrected(self, values: FloatArray, scanner: npt.NDArray[np.int64], covariates: FloatArray) -> FloatArray:
        """Return the values corrected, given the position of each case's scanner and its covariates, shape (n, q)."""
        effects = np.array(self.effects, dtype=np.float64).reshape(len(self.covariates), len(self.center))
        mean = np.array(self.center) + covariates @ effects
        shift, divisor = np.array(self.shift)[scanner], np.array(self.divisor)[scanner]
        still = (np.array(self.divisor) == 1).all(axis=0) & (np.array(self.shift) == 0).all(axis=0)
        return np.asarray(np.where(still, values, mean + (values - mean - shift) / divisor), dtype=np.float64)
