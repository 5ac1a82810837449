"""What bootstrap samples of the training patients left: which cases were drawn, and the probabilities of the models refitted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Resample:
    """One bootstrap sample and the headline models fitted to it.

    Attributes
    ----------
    drawn : tuple of int
        How often each training case is in it, in the order of the cases.
    probabilities : dict
        Headline model -> probability of each training case, NaN where it has none.
    failures : dict
        Headline model that could not be fitted -> why.
    """

    drawn: tuple[int, ...]
    probabilities: dict[str, tuple[float, ...]]
    failures: dict[str, str]

    def to_bytes(self) -> bytes:
        """Return it as JSON, every digit kept."""
        body: dict[str, Any] = {
            "drawn": self.drawn,
            "probabilities": {
                model: [None if np.isnan(value) else value for value in values]
                for model, values in self.probabilities.items()
            },
            "failures": self.failures,
        }
        return json.dumps(body, allow_nan=False).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Resample:
        """Read what `to_bytes` wrote."""
        body = json.loads(content)
        return cls(
            tuple(body["drawn"]),
            {
                model: tuple(np.nan if value is None else value for value in values)
                for model, values in body["probabilities"].items()
            },
            body["failures"],
        )


@dataclass(frozen=True)
class Resamples:
    """All bootstrap samples.

    Attributes
    ----------
    cases : tuple of str
        The training cases, in order.
    samples : tuple of Resample
        One each.
    repeated : dict
        Headline model -> the steps that were repeated, and those that were not, in words. Without the network's own model
        where the network was trained on the patients: nothing of it is repeated, and nothing is corrected.
    """

    cases: tuple[str, ...]
    samples: tuple[Resample, ...]
    repeated: dict[str, str]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a resample and case: ``resample, case_id, drawn`` and a probability for each headline model."""
        parts = [
            pd.DataFrame(
                {
                    "resample": np.int64(i),
                    "case_id": np.array(self.cases, dtype=object),
                    "drawn": np.array(sample.drawn, dtype=np.int64),
                    **{
                        model: np.array(sample.probabilities.get(model, [np.nan] * len(self.cases)), dtype=np.float64)
                        for model in self.repeated
                    },
                }
            )
            for i, sample in enumerate(self.samples)
        ]
        return pd.concat(parts, ignore_index=True)

    def account(self) -> dict[str, Any]:
        """Return what was repeated and what failed, for JSON."""
        return {
            "n_resamples": len(self.samples),
            "repeated": self.repeated,
            "failures": [sample.failures for sample in self.samples],
        }
