"""A training on disk: weights, optimiser and history after each epoch, as safetensors; nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vcfstats.contracts.files import replacing


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images.

    Attributes
    ----------
    epoch : int
        From 1.
    training_loss : float
        Weighted binary cross-entropy, mean over the images as the epoch met them.
    stopping_loss, stopping_auc : float or None
        Of the patients that the network does not learn from: mean over images, and of cases by their mean probability.
    learning_rate : float
        Of the classification layer.
    """

    epoch: int
    training_loss: float
    stopping_loss: float | None
    stopping_auc: float | None
    learning_rate: float


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands after an epoch.

    Attributes
    ----------
    history : tuple of Epoch
        All epochs so far.
    best_epoch : int
        The epoch whose weights are kept.
    finished : bool
        Whether training is over; then only `best` is stored.
    best, state, optimizer : dict of str to Tensor
        Trained layers of the best and of the last epoch; the optimiser's memory, ``<parameter number>/<name>``.
    loss_scale : float or None
        Of float16 training.
    """

    history: tuple[Epoch, ...]
    best_epoch: int
    finished: bool
    best: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    loss_scale: float | None = None


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint, whole or not at all."""
    parts = {"best": checkpoint.best, "state": checkpoint.state, "optimizer": checkpoint.optimizer}
    tensors = {
        f"{part}:{name}": value.detach().cpu().contiguous()
        for part, held in parts.items()
        for name, value in held.items()
    }
    said = {
        "history": [asdict(epoch) for epoch in checkpoint.history],
        "best_epoch": checkpoint.best_epoch,
        "finished": checkpoint.finished,
        "loss_scale": checkpoint.loss_scale,
    }
    with replacing(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"training": json.dumps(said)}))


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None where there is none, or one that cannot be read: training then starts again."""
    try:
        with safe_open(path, framework="pt") as file:
            said = json.loads(file.metadata()["training"])
            held: dict[str, dict[str, Tensor]] = {"best": {}, "state": {}, "optimizer": {}}
            for key in file.keys():  # noqa: SIM118 (no mapping)
                part, name = key.split(":", 1)
                held[part][name] = file.get_tensor(key)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    history = tuple(Epoch(**row) for row in said["history"])
    return Checkpoint(history, said["best_epoch"], said["finished"], **held, loss_scale=said["loss_scale"])


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's memory as tensors by name."""
    return {
        f"{number}/{name}": value
        for number, memory in optimizer.state_dict()["state"].items()
        for name, value in memory.items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser of the same parameters its memory back."""
    memory: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split("/", 1)
        memory.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})
