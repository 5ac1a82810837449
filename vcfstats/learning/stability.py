"""The selection of features repeated in subsamples of the training patients: how alike what it keeps is from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vcfstats.learning.crossfit import run_tasks
from vcfstats.learning.featuresets import SelectionTask, matrices_of, run_selection, unreliable_in
from vcfstats.learning.selection import Reliability
from vcfstats.learning.work import Work
from vcfstats.statistics.inputs import BoolArray


@dataclass(frozen=True)
class Subsamples:
    """What selection kept in each subsample.

    Attributes
    ----------
    share : float
        Of the patients of each class that a subsample holds, drawn without replacement: a patient drawn twice, as in a
        bootstrap sample, would stand in several folds of the LASSO's cross-validation.
    candidates : dict
        Feature set -> number of features that selection chose from.
    selected : tuple of dict
        For each subsample: feature set -> features kept.
    """

    share: float
    candidates: dict[str, int]
    selected: tuple[dict[str, tuple[str, ...]], ...]

    def account(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"share": self.share, "candidates": self.candidates, "selected": [dict(each) for each in self.selected]}


def subsample_selections(
    work: Work, reliability: Mapping[str, Reliability], context: pd.DataFrame | None = None
) -> Subsamples:
    """Repeat the selection of every feature set of images in `learning.stability.n_subsamples` subsamples.

    Parameters
    ----------
    work : Work
        Training cases, settings, seeds.
    reliability : mapping
        Filters that were applied; they know no outcome and are taken as given.
    context : DataFrame, optional
        The scanners of the cases, where features are harmonised.

    References
    ----------
    Meinshausen and Buehlmann (2010), doi 10.1111/j.1467-9868.2010.00740.x.
    """
    given, settings = work.given, work.settings
    frames = matrices_of(work, context)
    tasks, names = [], []
    for i in range(settings.stability.n_subsamples):
        rows = _drawn(work, i)
        for name, (parts, frame) in frames.items():
            names.append((i, name))
            tasks.append(
                SelectionTask(
                    features=frame.loc[given.training.index[rows]],
                    outcome=given.outcome[rows],
                    patients=given.patients[rows],
                    settings=settings.selection,
                    seed=work.seeds(f"learn/stability/{i}/{name}"),
                    unreliable=unreliable_in(parts, reliability),
                )
            )
    done = run_tasks(
        run_selection, tasks, workers=work.workers, label=work.label("repeat the selection"), unit="selections"
    )
    selected: list[dict[str, tuple[str, ...]]] = [{} for _ in range(settings.stability.n_subsamples)]
    for (i, name), found in zip(names, done, strict=True):
        selected[i][name] = found.prepared.features
    candidates = {
        name: selections[()].steps[0].n_out if selections[()].steps else 0
        for name, selections in work.selections.items()
    }
    return Subsamples(settings.stability.share, candidates, tuple(selected))


def _drawn(work: Work, number: int) -> BoolArray:
    """Return which training rows a subsample holds: whole patients, the same share of those with and without an event."""
    given = work.given
    rng = np.random.default_rng(work.seeds(f"learn/stability/{number}"))
    event = pd.Series(given.outcome).groupby(given.patients).max()
    kept: list[Any] = []
    for level in (0, 1):
        ids = event.index[event == level].to_numpy()
        kept += rng.choice(ids, size=max(1, round(work.settings.stability.share * len(ids))), replace=False).tolist()
    return np.isin(given.patients, kept)
