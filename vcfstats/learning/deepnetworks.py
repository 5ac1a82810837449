"""Trained networks as the learning stage meets them: the classification layer of each, and features of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.features import check_features
from vcfstats.learning.crossfit import HeldOut, described, held_out_sets
from vcfstats.learning.deephead import DeepHead


@dataclass(frozen=True)
class DeepNetworks:
    """Networks that were trained on the study's patients; empty where none was.

    Attributes
    ----------
    heads : dict
        Folds that a network never saw -> its classification layer; () is the network for new patients. All sets of
        `held_out_sets` where networks were cross-fitted, () alone where there is one network.
    matrices : dict
        Folds that a network never saw -> its features of the training cases; index case_id. Empty where all networks have
        the same features, those of a frozen trunk.
    """

    heads: Mapping[HeldOut, DeepHead] = field(default_factory=dict)
    matrices: Mapping[HeldOut, pd.DataFrame] = field(default_factory=dict)

    @property
    def cross_fitted(self) -> bool:
        """Whether there are networks that did not see every training patient."""
        return len(self.heads) > 1

    def features(self, held_out: HeldOut, shared: pd.DataFrame) -> pd.DataFrame:
        """Return a network's features of the training cases; `shared` are those of a trunk that all have in common."""
        return self.matrices.get(held_out, shared)

    def alone(self) -> DeepNetworks:
        """Return the network for new patients by itself: what there is without cross-fitting."""
        return DeepNetworks({held_out: head for held_out, head in self.heads.items() if not held_out})

    def checked(self, training: pd.Index, deep: pd.DataFrame | None, folds: Sequence[int]) -> DeepNetworks:
        """Return the networks with rows in the order of the training cases.

        Raises
        ------
        InputError
            Networks of other folds, or features that do not fit the final network's.
        """
        if not self.heads:
            return self
        mend = "run the stages deep and learn again, on the same split"
        expected = set(held_out_sets(folds))
        if deep is None or set(self.heads) not in ({()}, expected) or not set(self.matrices) <= expected - {()}:
            found = ", ".join(described(held_out) for held_out in sorted(self.heads, key=lambda s: (len(s), s)))
            raise InputError(
                Problem(
                    f"trained networks of {found}{'' if deep is not None else ' without deep features'}",
                    f"one of all folds and, cross-fitted, one without each and each pair of folds 0 to {len(folds) - 1}",
                    mend,
                )
            )
        columns = list(deep.columns)
        ordered = {}
        for held_out, frame in self.matrices.items():
            lost = training.difference(frame.index)
            if len(lost) or list(frame.columns) != columns:
                found = f"no features of case {lost[0]}" if len(lost) else "other units than the final network has"
                raise InputError(
                    Problem(f"{found} in the network {described(held_out)}", "every training case and unit", mend)
                )
            rows = check_features(frame).loc[training]
            ordered[held_out] = pd.DataFrame(
                np.ascontiguousarray(rows.to_numpy()), index=rows.index, columns=rows.columns
            )
        return replace(self, matrices=ordered)


def network_head(
    units: Sequence[str], weights: Sequence[float], intercept: float, *, rule: str, n: int, n_events: int
) -> DeepHead:
    """Return a network's classification layer on its features as they are."""
    width = len(units)
    return DeepHead(
        tuple(units),
        np.zeros(width),
        np.ones(width),
        np.asarray(weights, dtype=np.float64),
        intercept,
        None,
        rule,
        n,
        n_events,
    )
