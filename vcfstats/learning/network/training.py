"""Training of a network's last layers, or of all, on training patients' slices: the same weights each time, killed or not."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.progress import progress
from vcfstats.contracts.slices import N_SLICES
from vcfstats.learning.network.backbones import Backbone
from vcfstats.learning.network.checkpoint import (
    Checkpoint,
    Epoch,
    optimizer_tensors,
    read_checkpoint,
    restore_optimizer,
    write_checkpoint,
)
from vcfstats.learning.network.examples import Examples, derived, varied, versions
from vcfstats.learning.network.frozen import Cut, Floats, FrozenOutputs
from vcfstats.learning.network.hardware import Hardware, reproducible
from vcfstats.learning.network.settings import TrainingSettings
from vcfstats.learning.settings import SplitSettings
from vcfstats.learning.splitting import split_cohort

_HEAD = "head."
# Purposes of the numbers drawn from a training's seed.
_STOPPING, _EPOCH = 0, 2
OnEpoch = Callable[[str, Epoch], None]


@dataclass(frozen=True)
class Training:
    """A finished training.

    Attributes
    ----------
    state : dict of str to Tensor
        Trained layers: names of the architecture's state dictionary, and ``head.weight``, ``head.bias``.
    history : tuple of Epoch
        Every epoch.
    best_epoch : int
        The epoch whose weights these are.
    n_learned, n_stopping : int
        Cases that the network learned from, and cases that said when to stop.
    """

    state: dict[str, Tensor]
    history: tuple[Epoch, ...]
    best_epoch: int
    n_learned: int
    n_stopping: int


class _Classifier(nn.Module):
    """A trunk from the cut on, average pooling, and one logit for each image."""

    def __init__(self, network: nn.Module, backbone: Backbone, cut: Cut) -> None:
        super().__init__()
        self.network, self.backbone, self.cut = network, backbone, cut
        self.head = nn.Linear(backbone.width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        prefixes = {"pooled": (), "block": backbone.last_block, "pixels": ("",)}[cut]
        self.names = [
            name
            for name in network.state_dict()
            if name.startswith(prefixes) and not name.startswith(backbone.head) and "num_batches_tracked" not in name
        ]

    def forward(self, x: Tensor) -> Tensor:
        if self.cut == "pixels":
            x = self.backbone.maps(self.network, x)
        elif self.cut == "block":
            x = self.backbone.tail(self.network, x)
        features = x.mean(dim=(2, 3)) if x.ndim == 4 else x
        logits: Tensor = self.head(features)[:, 0]
        return logits

    def learning(self, *, batch_norm: str) -> None:
        """Put the trained layers into training mode, the others into evaluation."""
        self.eval()
        trained = {name.rsplit(".", 1)[0] for name in self.names}
        for name, module in self.network.named_modules():
            above = any(layer == name or layer.startswith(f"{name}.") for layer in trained)
            norm = isinstance(module, nn.BatchNorm2d)
            module.training = above and not (norm and batch_norm == "keep")

    def state(self) -> dict[str, Tensor]:
        """Return a copy of the trained layers."""
        held = self.network.state_dict()
        own = {name: held[name] for name in self.names}
        own |= {_HEAD + name: value for name, value in self.head.state_dict().items()}
        return {name: value.detach().clone() for name, value in own.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Fill in the trained layers."""
        self.network.load_state_dict(
            {name: value for name, value in state.items() if not name.startswith(_HEAD)}, strict=False
        )
        self.head.load_state_dict(
            {name.removeprefix(_HEAD): value for name, value in state.items() if name.startswith(_HEAD)}
        )


def train(
    examples: Examples,
    frozen: FrozenOutputs,
    settings: TrainingSettings,
    seed: np.random.SeedSequence,
    hardware: Hardware,
    *,
    name: str,
    views_seed: np.random.SeedSequence,
    checkpoint: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> Training:
    """Train the layers behind the cut, and a classification layer, on single slices with their case's outcome.

    Numbers of epoch e are drawn from the seed and e, not from what was drawn before: a training that went on from a
    checkpoint ends with the weights of one that was never interrupted.

    Parameters
    ----------
    examples : Examples
        Training cases.
    frozen : FrozenOutputs
        The network as it was, and where training starts in it.
    settings : TrainingSettings
        How.
    seed : SeedSequence
        Order of images, split of the stopping patients, dropped layers.
    hardware : Hardware
        Where.
    name : str
        What the network is called in progress.
    views_seed : SeedSequence
        Of the versions of images, the same for networks that share their frozen outputs.
    checkpoint : Path, optional
        File to keep each epoch in, and to go on from.
    on_epoch : callable, optional
        Called with name and epoch, also for epochs read from a checkpoint.

    Raises
    ------
    InputError
        Too few patients of a class to keep some aside for stopping.
    """
    kept = read_checkpoint(checkpoint) if checkpoint else None
    stopping = _stopping(examples, settings, seed)
    for epoch in kept.history if kept else ():
        if on_epoch:
            on_epoch(name, epoch)
    if kept is None or not kept.finished:
        with reproducible():
            kept = _Run(examples, stopping, frozen, settings, seed, views_seed, hardware, name).train(
                kept, checkpoint, on_epoch
            )
    return Training(dict(kept.best), kept.history, kept.best_epoch, int((~stopping).sum()), int(stopping.sum()))


def _stopping(examples: Examples, settings: TrainingSettings, seed: np.random.SeedSequence) -> npt.NDArray[np.bool_]:
    """Return which cases only say when to stop: whole patients, stratified by outcome."""
    if settings.patience is None:
        return np.zeros(len(examples.case_ids), dtype=bool)
    cohort = pd.DataFrame(
        {"patient_id": examples.patients, "outcome": examples.outcome}, index=pd.Index(examples.case_ids)
    )
    how = SplitSettings(method="stratified", test_fraction=settings.stop_share)
    try:
        aside = split_cohort(cohort, how, derived(seed, _STOPPING)) == "testing"
    except InputError:
        raise InputError(
            Problem(
                f"{len(cohort)} training cases, {int(cohort['outcome'].sum())} of them events, too few to keep a share of "
                f"{settings.stop_share:g} aside",
                "events and non-events among the patients that the network learns from and among those that say when to stop",
                "raise trunk.training.stop_share, set trunk.training.patience to null, or train on more patients",
            )
        ) from None
    return aside.to_numpy(dtype=bool)


class _Run:
    """One training under way."""

    def __init__(
        self,
        examples: Examples,
        stopping: npt.NDArray[np.bool_],
        frozen: FrozenOutputs,
        settings: TrainingSettings,
        seed: np.random.SeedSequence,
        views_seed: np.random.SeedSequence,
        hardware: Hardware,
        name: str,
    ) -> None:
        self.examples, self.frozen, self.settings = examples, frozen, settings
        self.seed, self.views_seed, self.hardware, self.name = seed, views_seed, hardware, name
        self.learned, self.aside = np.flatnonzero(~stopping), np.flatnonzero(stopping)
        network = copy.deepcopy(frozen.trunk.network)
        self.classifier = _Classifier(network, frozen.trunk.backbone, frozen.cut).to(hardware.device)
        events = examples.outcome[self.learned].mean()
        balanced = settings.class_weights == "balanced"
        self.weight = (0.5 / (1 - events), 0.5 / events) if balanced else (1.0, 1.0)
        if not balanced:
            nn.init.constant_(self.classifier.head.bias, math.log(events / (1 - events)))
        named = dict(network.named_parameters())
        trained = [named[each].requires_grad_() for each in self.classifier.names if each in named]
        head: list[Tensor] = list(self.classifier.head.parameters())
        self.optimizer = self._optimizer(trained, head)
        self.scaler = torch.amp.GradScaler(hardware.device, enabled=hardware.half is torch.float16)
        self.views = self._views()
        self.original = self.views[0]

    def _optimizer(self, trained: list[Tensor], head: list[Tensor]) -> torch.optim.Optimizer:
        s = self.settings
        groups = [
            {"params": chosen, "lr": rate, "start": rate, "weight_decay": decay}
            for parameters, rate in ((trained, s.learning_rate), (head, s.head_learning_rate))
            for decay, wide in ((s.weight_decay, True), (0.0, False))
            if (chosen := [p for p in parameters if (p.ndim > 1) == wide])
        ]
        if s.optimizer == "adamw":
            return torch.optim.AdamW(groups)
        return torch.optim.SGD(groups, momentum=0.9)

    def _views(self) -> list[list[Floats]]:
        """Return the versions of every case, frozen layers applied; the first is the case as it is."""
        found = []
        for stacks in versions(self.examples, self.settings.augmentation, self.views_seed, self.frozen.cut):
            self.frozen.fill(stacks)
            found.append([self.frozen.of(stack) for stack in stacks])
        return found

    def train(self, kept: Checkpoint | None, path: Path | None, on_epoch: OnEpoch | None) -> Checkpoint:
        """Train to the end, from a checkpoint where there is one."""
        devices = [torch.cuda.current_device()] if self.hardware.device == "cuda" else []
        if kept:
            self.classifier.restore(dict(kept.state))
            restore_optimizer(self.optimizer, kept.optimizer)
            if kept.loss_scale is not None:
                self.scaler.load_state_dict({**self.scaler.state_dict(), "scale": kept.loss_scale})
        steps = -(-len(self.learned) * N_SLICES // self.settings.batch_size)
        first = len(kept.history) if kept else 0
        total = steps * (self.settings.epochs - first)
        ticks = progress(count(), total, label=f"train network, {self.name}", unit="batches")
        with torch.random.fork_rng(devices=devices):
            for epoch in range(first + 1, self.settings.epochs + 1):
                row = self._epoch(epoch, ticks)
                kept = self._after(row, kept)
                if path:
                    write_checkpoint(kept, path)
                if on_epoch:
                    on_epoch(self.name, row)
                if kept.finished:
                    break
        ticks.close()  # type: ignore[attr-defined]
        if kept is None:
            raise RuntimeError("a training of no epoch: settings ask for at least one")
        return kept

    def _epoch(self, epoch: int, ticks: Iterator[int]) -> Epoch:
        s = self.settings
        rng = np.random.default_rng(derived(self.seed, _EPOCH, epoch))
        torch.manual_seed(int(rng.integers(2**63)))
        share = 0.5 * (1 + math.cos(math.pi * (epoch - 1) / s.epochs)) if s.schedule == "cosine" else 1.0
        for group in self.optimizer.param_groups:
            group["lr"] = group["start"] * share
        units = np.array([(case, which) for case in self.learned for which in range(N_SLICES)])
        units = units[rng.permutation(len(units))]
        version = rng.integers(len(self.views), size=len(units))
        source = self._fresh(epoch) if self.frozen.cut == "pixels" else self.views
        self.classifier.learning(batch_norm=s.batch_norm)
        total = 0.0
        for start in range(0, len(units), s.batch_size):
            part = slice(start, start + s.batch_size)
            batch = np.stack([source[v][c][k] for (c, k), v in zip(units[part], version[part], strict=True)])
            total += self._step(batch, self.examples.outcome[units[part, 0]]) * len(batch)
            next(ticks)
        loss, auc = self._stopping_loss() if len(self.aside) else (None, None)
        if not math.isfinite(total) or (loss is not None and not math.isfinite(loss)):
            raise InputError(
                Problem(
                    f"a loss that is no number in epoch {epoch} of the network, {self.name}",
                    "a training that converges",
                    "lower trunk.training.learning_rate or head_learning_rate",
                )
            )
        return Epoch(epoch, total / len(units), loss, auc, s.head_learning_rate * share)

    def _fresh(self, epoch: int) -> list[list[Floats]]:
        how = self.settings.augmentation
        fresh = {int(case): varied(self.examples, int(case), how, self.seed, _EPOCH, epoch) for case in self.learned}
        return [[fresh.get(case, self.original[case]) for case in range(len(self.original))]]

    def _tensor(self, batch: Floats) -> Tensor:
        if self.frozen.cut == "pixels":
            return self.frozen.trunk.batch(batch)
        x = torch.from_numpy(np.array(batch, dtype=np.float32)).to(self.hardware.device)
        return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x

    def _losses(self, logits: Tensor, outcome: npt.NDArray[np.int64]) -> Tensor:
        y = torch.from_numpy(outcome.astype(np.float32)).to(logits.device)
        weight = torch.where(y > 0, self.weight[1], self.weight[0])
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, y, weight=weight, reduction="none")

    def _step(self, batch: Floats, outcome: npt.NDArray[np.int64]) -> float:
        half = self.hardware.half
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.hardware.device, dtype=half, enabled=half is not None):
            logits = self.classifier(self._tensor(batch))
        loss = self._losses(logits.float(), outcome).mean()
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return float(loss.detach())

    def _stopping_loss(self) -> tuple[float, float]:
        self.classifier.eval()
        logits = np.empty((len(self.aside), N_SLICES))
        losses = np.empty_like(logits)
        with torch.no_grad():
            for number, case in enumerate(self.aside):
                outcome = np.repeat(self.examples.outcome[case], N_SLICES)
                found = self.classifier(self._tensor(np.asarray(self.original[case])))
                logits[number] = found.double().cpu().numpy()
                losses[number] = self._losses(found, outcome).double().cpu().numpy()
        mean = expit(logits).mean(axis=1)
        return float(losses.mean()), float(roc_auc_score(self.examples.outcome[self.aside], mean))

    def _after(self, row: Epoch, before: Checkpoint | None) -> Checkpoint:
        s, history = self.settings, (*(before.history if before else ()), row)
        lowest = min((e.stopping_loss for e in history[:-1] if e.stopping_loss is not None), default=math.inf)
        state = self.classifier.state()
        if s.patience is None or before is None or (row.stopping_loss is not None and row.stopping_loss < lowest):
            best, best_epoch = state, row.epoch
        else:
            best, best_epoch = dict(before.best), before.best_epoch
        over = row.epoch == s.epochs or (s.patience is not None and row.epoch - best_epoch >= s.patience)
        best = {name: value.cpu().clone() for name, value in best.items()}  # the file holds no tensor twice
        if over:
            return Checkpoint(history, best_epoch, True, best, {}, {})
        scale = self.scaler.get_scale() if self.hardware.half is torch.float16 else None
        return Checkpoint(history, best_epoch, False, best, state, optimizer_tensors(self.optimizer), scale)
