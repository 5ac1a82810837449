"""The chain from selection on, repeated in bootstrap samples of the training patients: how much its own data flatter it.

Patients are drawn, not cases, and copies of a patient stay in one fold of everything tuned inside. What a resample teaches
is scored on all training cases: in the resample, outside it, and overall. What knows no outcome is not repeated: the
filter by reproducibility, the readers' agreement and the network's weights. Tuning is done once on a resample's folds, not
anew within each, so that a resample costs a third.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import scipy
import sklearn
import xgboost

from vcfstats.contracts import arithmetic
from vcfstats.contracts.errors import InputError
from vcfstats.learning.classifiers import NAMES, grid_points
from vcfstats.learning.crossfit import run_tasks
from vcfstats.learning.harmonisation import SCANNER
from vcfstats.learning.inputs import Inputs
from vcfstats.learning.models import Taken, fit_models
from vcfstats.learning.resamples import Resample, Resamples
from vcfstats.learning.settings import LearningSettings
from vcfstats.learning.work import BEST_OF, HEADLINE, Work
from vcfstats.statistics.bootstrap.plan import make_plan
from vcfstats.statistics.validation.folds import random_folds

# Given the key of a result and a function that makes it, returns it, made now or kept from an earlier run.
Keep = Callable[[str, Callable[[], bytes]], bytes]
_LIBRARIES = (np, scipy, sklearn, lightgbm, xgboost, pd)


def keep_nothing(key: str, make: Callable[[], bytes]) -> bytes:
    """Make every result anew."""
    return make()


@dataclass(frozen=True)
class _Seeds:
    """Seeds within a resample, by purpose, from the resample's own."""

    root: tuple[int, ...]

    def __call__(self, purpose: str) -> np.random.SeedSequence:
        return np.random.SeedSequence([*self.root, *purpose.encode()])


@dataclass(frozen=True)
class _Task:
    given: Inputs
    taken: Taken
    settings: LearningSettings
    chosen: Mapping[str, str]
    seeds: _Seeds
    keep: Keep
    content: str  # hash of everything that all resamples share


def resample_models(work: Work, taken: Taken, chosen: Mapping[str, str], keep: Keep) -> Resamples:
    """Draw and fit every bootstrap sample, in `work.workers` processes; what `keep` already holds is not fitted again.

    Parameters
    ----------
    work : Work
        Training cases, settings, seeds.
    taken : Taken
        What is taken as given.
    chosen : mapping
        Feature set -> classifier of the headline model; tried alone unless the choice is repeated.
    keep : callable
        Keeps finished resamples; it travels to worker processes.
    """
    settings = work.settings
    content = _content(work, taken, chosen)
    tasks = []
    for i in range(settings.optimism.n_resamples):
        root = tuple(int(word) for word in work.seeds(f"learn/optimism/{i}").generate_state(4))
        tasks.append(_Task(work.given, taken, settings, dict(chosen), _Seeds(root), keep, content))
    samples = run_tasks(
        _resample, tasks, workers=work.workers, label=work.label("repeat the chain"), unit="bootstrap samples"
    )
    return Resamples(
        tuple(map(str, work.given.training.index)),
        tuple(samples),
        _in_words(settings, chosen, trained=bool(work.given.networks.heads)),
    )


def _resample(task: _Task) -> Resample:
    key = hashlib.sha256(f"{task.content} {task.seeds.root}".encode()).hexdigest()
    return Resample.from_bytes(task.keep(key, lambda: _fit(task).to_bytes()))


def _fit(task: _Task) -> Resample:
    given, settings = task.given, task.settings
    n = len(given.outcome)
    plan = make_plan(n, clusters=given.patients)
    rows = plan.rows_of(plan.draw_units(np.random.default_rng(task.seeds("patients"))))
    drawn = tuple(np.bincount(rows, minlength=n).tolist())
    outcome, patients = given.outcome[rows], given.patients[rows]
    fewest = min(len(set(patients[outcome == level].tolist())) for level in (0, 1))
    if fewest < settings.folds.n:
        why = f"{fewest} patients of a class in a resample, fewer than the {settings.folds.n} folds"
        return Resample(drawn, {}, dict.fromkeys(HEADLINE, why))
    rng = np.random.default_rng(task.seeds("folds"))
    fold = random_folds(n_rows := len(rows), settings.folds.n, rng, groups=patients, strata=outcome == 1)
    index = pd.Index([f"drawn {i}" for i in range(n_rows)], name="case_id")
    inside = given.training.iloc[rows].set_axis(index).assign(fold=fold)
    everyone = given.training.index
    matrices = {}
    for name, frame in given.matrices.items():
        values = frame.loc[everyone].to_numpy(dtype=np.float64)
        matrices[name] = pd.DataFrame(np.concatenate([values[rows], values]), [*index, *everyone], frame.columns)
    work = Work(
        Inputs(inside, given.training, matrices, outcome, patients, fold, given.folds, given.networks.alone()),
        settings.model_copy(update={"folds": settings.folds.model_copy(update={"nested": False})}),
        task.seeds,
        workers=1,
        quiet=True,
        nested_input=False,
    )
    grids = {name: grid_points(grid) for name, grid in settings.classifiers.grids().items()}

    def tried(feature_set: str) -> dict[str, Any]:
        if feature_set not in BEST_OF.values():  # the clinical headline model is none of the eight
            return {}
        if settings.optimism.repeat_choice:
            return grids
        return {task.chosen[feature_set]: grids[task.chosen[feature_set]]} if feature_set in task.chosen else {}

    try:
        fit_models(work, task.taken, tried)
    except InputError as error:  # a sample with too few cases of a scanner, say: it is counted as failed
        return Resample(drawn, {}, dict.fromkeys(HEADLINE, error.problems[0].found))
    table = pd.concat(work.rows) if work.rows else pd.DataFrame({"model": [], "kind": []})
    probabilities = {}
    for model in HEADLINE:
        part = table[(table["model"] == model) & (table["kind"] == "testing")]
        if len(part):
            probabilities[model] = tuple(part.set_index("case_id")["probability"].reindex(everyone).tolist())
    return Resample(
        drawn,
        probabilities,
        {model: work.absent.get(model, "not fitted") for model in HEADLINE if model not in probabilities},
    )


def _in_words(settings: LearningSettings, chosen: Mapping[str, str], *, trained: bool) -> dict[str, str]:
    """Say for each headline model which steps a resample repeats; a trained network's own model has none."""

    def image_model(feature_set: str) -> str:
        classifier = NAMES[chosen[feature_set]] if feature_set in chosen else "a classifier"
        if settings.optimism.repeat_choice:
            return "selection, the tuning of every classifier, the choice among them and the fit were repeated"
        return f"selection, tuning and fit of the {classifier} were repeated, its choice among the classifiers was not"

    dlr = image_model("fused")
    once = ", on fused probabilities tuned once on all folds" if settings.fusion.input == "out_of_fold" else ""
    fixed = "; the network was not refitted: " + (
        "what it learned of these patients by heart is not corrected for"
        if trained
        else "it is frozen and has learned from no patient of the study"
    )
    return {
        "clinical": "screening and fit were repeated",
        "rad": image_model("radiomics"),
        **({} if trained else {"dl": "tuning and fit of the head were repeated" + fixed}),
        "dlr": dlr + fixed,
        "dlrn": f"screening of findings, {dlr}; the fit of the nomogram model was repeated{once}" + fixed,
    }


def _content(work: Work, taken: Taken, chosen: Mapping[str, str]) -> str:
    """Return a hash of all that decides a resample beside its seed: training cases, settings and code."""
    training = work.given.training
    digest = hashlib.sha256()
    settings = work.settings.model_dump(
        mode="json", exclude={"threshold": True, "stability": True, "optimism": {"n_resamples"}}
    )
    kept = {name: sorted(found.dropped) for name, found in taken.reliability.items()}
    findings = {name: [c.type, list(c.levels)] for name, c in taken.covariates.items()}
    parts = [settings, dict(chosen), dict(taken.agreement), kept, findings, _code(), arithmetic.active()]
    digest.update(json.dumps(parts, sort_keys=True).encode())
    columns = [name for name in ("patient_id", "outcome", SCANNER) if name in training]
    digest.update(training[[*columns, *taken.covariates]].to_json(orient="split").encode())
    for name, frame in work.given.matrices.items():
        digest.update(f"{name} {list(frame.columns)}".encode())
        digest.update(np.ascontiguousarray(frame.loc[training.index].to_numpy(dtype=np.float64)).tobytes())
    return digest.hexdigest()


@cache
def _code() -> str:
    """Return a hash of this room, of the statistics below it, and of the versions of the libraries."""
    room = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted([*room.rglob("*.py"), *(room.parent / "statistics").rglob("*.py")]):
        digest.update(file.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library.__name__}=={library.__version__}\n".encode())
    return digest.hexdigest()
