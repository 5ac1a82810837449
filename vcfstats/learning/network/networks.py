"""All networks of a study: one for new patients and, cross-fitted, one without each fold and each pair of folds.

Units of different networks are not the same features, even under the same name: each network comes with a matrix of its
own, and a model fitted on one is never applied to another. Out-of-fold probabilities of fold k come from networks that saw
no patient of fold k; what was tuned for fold k was tuned on other folds j by networks that saw neither. That takes
K (K - 1) / 2 + K networks beside the one for new patients: 15 for five folds, 6 for three.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from vcfstats.contracts.slices import SliceStack
from vcfstats.learning.crossfit import HeldOut, described, held_out_sets, run_tasks
from vcfstats.learning.network.examples import Examples, versions
from vcfstats.learning.network.frozen import CUT_OF, FrozenOutputs
from vcfstats.learning.network.hardware import Hardware
from vcfstats.learning.network.settings import TrunkSettings
from vcfstats.learning.network.trained import with_training
from vcfstats.learning.network.training import OnEpoch, Training, train
from vcfstats.learning.network.trunk import check_size, load_trunk, trunk_features

# Code whose change makes a stored training another one.
_CODE = ("augmentation", "backbones", "checkpoint", "examples", "frozen", "hardware", "training")


@dataclass(frozen=True)
class TrainedNetwork:
    """One trained network and what it sees.

    Attributes
    ----------
    held_out : tuple of int
        Folds that it never saw; () is the network for new patients.
    training : Training
        Its weights and history.
    card : dict
        Model card.
    features : DataFrame
        As `trunk_features`: of all cases for (), of training cases otherwise.
    weights, intercept : float64 array of shape (width,), float
        Of its classification layer: log odds of a slice = intercept + features @ weights.
    """

    held_out: HeldOut
    training: Training
    card: dict[str, Any]
    features: pd.DataFrame
    weights: npt.NDArray[np.float64]
    intercept: float


@dataclass(frozen=True)
class _Task:
    held_out: HeldOut
    examples: Examples
    scored: SliceStack
    settings: TrunkSettings
    seed: np.random.SeedSequence
    views_seed: np.random.SeedSequence
    hardware: Hardware
    folder: Path | None
    on_epoch: OnEpoch | None


def train_networks(
    stack: SliceStack,
    cohort: pd.DataFrame,
    settings: TrunkSettings,
    seeds: Callable[[str], np.random.SeedSequence],
    hardware: Hardware,
    *,
    workers: int,
    folder: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> list[TrainedNetwork]:
    """Train every network that the settings ask for, on training patients alone, and extract its features.

    Parameters
    ----------
    stack : SliceStack
        Slices of all cases.
    cohort : DataFrame
        Index case_id: ``patient_id, partition, fold`` (of training cases) and ``outcome``.
    settings : TrunkSettings
        With trained other than ``none``.
    seeds : callable
        Purpose -> SeedSequence.
    hardware : Hardware
        Where; on a GPU one network at a time.
    workers : int
        Processes, each training one network; no number depends on it.
    folder : Path, optional
        Where frozen outputs and checkpoints are kept, by content: a killed run goes on where it was.
    on_epoch : callable, optional
        Called with the network's name and the epoch, in the process that trains it; picklable with several workers.

    Returns
    -------
    list of TrainedNetwork
        The one for new patients first.

    Raises
    ------
    InputError
        Bad weights, a slice size that does not fit, too few patients to stop by, or a training that diverges.
    """
    check_size(stack)
    ordered = cohort.sort_index()
    training = ordered[ordered["partition"] == "training"]
    folds = sorted(int(k) for k in training["fold"].unique())
    sets = held_out_sets(folds) if settings.cross_fit == "folds" else [()]
    place = {case: number for number, case in enumerate(stack.case_ids)}
    everyone = _rows(stack, [place[case] for case in ordered.index])
    trained_on = _rows(stack, [place[case] for case in training.index])
    tasks = []
    for held_out in sets:
        inside = ~training["fold"].isin(held_out).to_numpy()
        own = training[inside]
        tasks.append(
            _Task(
                held_out,
                Examples(
                    tuple(map(str, own.index)),
                    trained_on.images[inside],
                    own["outcome"].to_numpy(dtype=np.int64),
                    own["patient_id"].to_numpy(dtype=object).astype(str),
                ),
                trained_on if held_out else everyone,
                settings,
                seeds(f"deep/{described(held_out)}"),
                seeds("deep/versions of images"),
                hardware,
                folder,
                on_epoch,
            )
        )
    _fill(tasks[0], workers)
    at_once = 1 if hardware.device == "cuda" else workers
    with warnings.catch_warnings():
        # joblib renews processes whose memory has grown, and says so; torch's grows with the first network.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        return run_tasks(_train, tasks, workers=at_once, label="train networks", unit="networks")


def _fill(task: _Task, workers: int) -> None:
    """Compute once what all networks share: the frozen layers' outputs for every training case, the scored ones as well."""
    cut = CUT_OF[task.settings.trained]
    if cut == "pixels" or task.folder is None:
        return
    frozen = FrozenOutputs(load_trunk(task.settings, device=task.hardware.device), cut, task.folder / "frozen")
    at_once = 1 if task.hardware.device == "cuda" else workers
    shown = versions(task.examples, task.settings.training.augmentation, task.views_seed, cut)
    for number, stacks in enumerate(shown):
        frozen.fill(stacks, workers=at_once, label=f"frozen layers, version {number + 1} of the images")
    frozen.fill(list(task.scored.images), workers=at_once, label="frozen layers, other cases")


def _rows(stack: SliceStack, rows: list[int]) -> SliceStack:
    return SliceStack(
        tuple(stack.case_ids[row] for row in rows),
        *(getattr(stack, name)[rows] for name in ("images", "index", "wanted", "area", "box")),
    )


def _train(task: _Task) -> TrainedNetwork:
    settings, hardware = task.settings, task.hardware
    trunk = load_trunk(settings, device=hardware.device)
    frozen = FrozenOutputs(trunk, CUT_OF[settings.trained], task.folder / "frozen" if task.folder else None)
    identity = {
        "data_sha256": _data_hash(task.examples),
        "params_sha256": _digest(json.dumps(settings.model_dump(mode="json"), sort_keys=True).encode()),
        "seed_sha256": _digest(repr((task.seed.entropy, task.views_seed.entropy)).encode()),
        "start_sha256": trunk.card["weights_sha256"],
        "arithmetic": hardware.arithmetic,
        "code_sha256": _digest(*(Path(__file__).with_name(f"{name}.py").read_bytes() for name in _CODE)),
        "versions": {name: version(name) for name in ("torch", "numpy", *trunk.backbone.packages)},
    }
    key = _digest(json.dumps(identity, sort_keys=True).encode())
    done = train(
        task.examples,
        frozen,
        settings.training,
        task.seed,
        hardware,
        name=described(task.held_out),
        views_seed=task.views_seed,
        checkpoint=task.folder / "trainings" / key[:2] / f"{key}.safetensors" if task.folder else None,
        on_epoch=task.on_epoch,
    )
    trained = with_training(trunk, done.state)
    kept = done.history[done.best_epoch - 1]
    card = {
        **trained.card,
        "training": {
            **{name: identity[name] for name in ("data_sha256", "params_sha256", "start_sha256", "arithmetic")},
            "patients": "all folds of the training set" if not task.held_out else described(task.held_out),
            "n_cases": len(task.examples.case_ids),
            "n_events": int(task.examples.outcome.sum()),
            "n_learned_from": done.n_learned,
            "n_stopping": done.n_stopping,
            "epochs": len(done.history),
            "best_epoch": done.best_epoch,
            "metrics": {
                "training_loss": kept.training_loss,
                "stopping_loss": kept.stopping_loss,
                "stopping_auc": kept.stopping_auc,
            },
        },
    }
    below = FrozenOutputs(trained, frozen.cut, frozen.folder) if frozen.cut != "pixels" else None
    features = trunk_features(
        task.scored,
        trained,
        workers=1,
        pooled=(lambda images: _behind(below, images)) if below is not None else None,
        label=f"deep features, {described(task.held_out)}",
    )
    weight = done.state["head.weight"].double().cpu().numpy()[0]
    return TrainedNetwork(task.held_out, done, card, features, weight, float(done.state["head.bias"].double()[0]))


def _behind(frozen: FrozenOutputs, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the features of one case from what its frozen layers gave."""
    known = frozen.of(images)
    if frozen.cut == "pooled":
        return np.asarray(known, dtype=np.float64)
    x: Tensor = torch.from_numpy(np.array(known)).to(frozen.trunk.device).contiguous(memory_format=torch.channels_last)
    return frozen.trunk.pooled(frozen.trunk.backbone.tail(frozen.trunk.network, x))


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _data_hash(examples: Examples) -> str:
    """Return the SHA-256 of training cases: ids, patients, outcomes and pixels."""
    rows = "\n".join(
        f"{case} {patient} {outcome}"
        for case, patient, outcome in zip(examples.case_ids, examples.patients, examples.outcome, strict=True)
    )
    return _digest(rows.encode(), np.ascontiguousarray(examples.images).tobytes())
