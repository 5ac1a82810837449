"""What accumulates while a study is learned: selections, clinical models, rows of the predictions table, notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from vcfstats.contracts.predictions import SECOND_STAGE, predictions_of
from vcfstats.contracts.study import NOT_FITTED
from vcfstats.learning.clinical import ClinicalFit
from vcfstats.learning.crossfit import HeldOut, held_out_sets
from vcfstats.learning.inputs import Inputs
from vcfstats.learning.notes import Note
from vcfstats.learning.selection import Selection
from vcfstats.learning.settings import LearningSettings
from vcfstats.learning.tuning import FeatureSet, Seeds
from vcfstats.statistics.inputs import FloatArray

# Headline models, and those of them that are the best classifier of a feature set.
HEADLINE = ("clinical", "rad", "dl", "dlr", "dlrn")
BEST_OF = {"rad": "radiomics", "dlr": "fused"}


@dataclass
class Work:
    """What accumulates while a study is learned; `quiet` leaves the progress lines to whoever repeats it many times.

    `nested_input`: whether the fused probabilities that the nomogram model is fitted to are of models tuned within each
    fold, also where the tuning is otherwise done once on all folds.
    """

    given: Inputs
    settings: LearningSettings
    seeds: Seeds
    workers: int
    quiet: bool = False
    nested_input: bool = True
    rows: list[pd.DataFrame] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    selections: dict[str, dict[HeldOut, Selection]] = field(default_factory=dict)
    clinical: dict[HeldOut, ClinicalFit] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    imputed: list[pd.DataFrame] = field(default_factory=list)
    nomogram_input: pd.Series | None = None  # where it is not what the other later steps learn from

    @property
    def held_out(self) -> list[HeldOut]:
        """What is left out of each fit."""
        return held_out_sets(self.given.folds, nested=self.settings.folds.nested)

    @property
    def tunes_nomogram_within_folds(self) -> bool:
        """Whether pairs of folds are left out of the fused model for the nomogram's sake alone."""
        return self.nested_input and not self.settings.folds.nested and self.settings.fusion.input == "out_of_fold"

    def held_out_of(self, feature_set: str, *, nomogram: bool) -> list[HeldOut]:
        """What is left out of each selection of a feature set; `nomogram`: whether one is to be fitted."""
        if feature_set == "fused" and nomogram and self.tunes_nomogram_within_folds:
            return held_out_sets(self.given.folds)
        return self.held_out

    def label(self, text: str) -> str | None:
        """Return what the progress lines say."""
        return None if self.quiet else text

    def note(self, subject: str, text: str) -> None:
        """Add a note."""
        self.notes.append(Note(subject, text))

    def give_up(self, model: str, why: str) -> None:
        """Record that a headline model is not fitted, and why."""
        self.absent.setdefault(model, why)
        self.note(model, f"{NOT_FITTED}{why}")

    def add(
        self,
        model: str,
        cases: FeatureSet,
        out_of_fold: FloatArray,
        apparent: FloatArray,
        testing: FloatArray,
        *,
        feature_set: str | None = None,
        learned_from: FloatArray | None = None,
    ) -> None:
        """Add a model's rows to the predictions; `learned_from`: what later steps learn from, where not out_of_fold."""
        said: dict[str, Any] = {"feature_set": feature_set or cases.name, "model": model}
        training, tested = self.given.training, self.given.testing
        inside, outside = cases.training.index, cases.testing.index
        self.rows += [
            predictions_of(training, pd.Series(apparent, index=inside), kind="apparent", **said),
            predictions_of(
                training, pd.Series(out_of_fold, index=inside), kind="out_of_fold", fold=training["fold"], **said
            ),
            predictions_of(tested, pd.Series(testing, index=outside), kind="testing", **said),
            predictions_of(
                training,
                pd.Series(out_of_fold if learned_from is None else learned_from, index=inside),
                kind=SECOND_STAGE,
                fold=training["fold"],
                **said,
            ),
        ]

    def add_imputed(self, model: str, cases: FeatureSet, each: Mapping[str, FloatArray]) -> None:
        """Keep a model's probabilities from each imputation, shape (m, n) by kind, where imputations differ."""
        for kind, values in each.items():
            if len(values) > 1 and (values != values[0]).any():
                index = cases.testing.index if kind == "testing" else cases.training.index
                m, n = values.shape
                self.imputed.append(
                    pd.DataFrame(
                        {
                            "kind": kind,
                            "model": model,
                            "imputation": np.repeat(np.arange(m), n),
                            "case_id": np.tile(index.to_numpy(dtype=object), m),
                            "probability": values.ravel(),
                        }
                    )
                )
