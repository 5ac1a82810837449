"""Images per second of networks beside loops written by hand: features, and training. Writes results/speed_network.md.

python -m benchmarks.speed_network [--cases 4] [--rounds 3]

Both sides see the same simulated images in batches of the same size, in one process, in turn; the least time of the rounds
counts. On the CPU each has one thread and CPU seconds are measured, since other work on the machine lengthens wall seconds
alone; on a GPU, where there is one, wall seconds from synchronised start to synchronised end. The loops by hand are those of
tutorials: the whole network, on a GPU with channels last and automatic mixed precision.
"""

from __future__ import annotations

import argparse
import copy
import io
import platform
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import Tensor, nn

from vcfstats.contracts.slices import N_SLICES, SliceStack
from vcfstats.learning.network import (
    AugmentationSettings,
    FrozenOutputs,
    Hardware,
    TrainingSettings,
    Trunk,
    TrunkSettings,
    choose_hardware,
    load_trunk,
    trunk_features,
)
from vcfstats.learning.network.examples import Examples
from vcfstats.learning.network.frozen import CUT_OF
from vcfstats.learning.network.training import train

RESULTS = Path(__file__).parent / "results"
SIZE = 224
NETWORKS = {
    "EfficientNet-Lite0, packaged weights": TrunkSettings(),
    "ResNet-50, no weights": TrunkSettings(backbone="resnet50", weights="none"),
}
UNCHANGED = AugmentationSettings(
    views=1, rotation_degrees=0.0, shift=0.0, scale=0.0, brightness=0.0, contrast=0.0, noise=0.0
)


@dataclass(frozen=True)
class Amount:
    """How much is done on a kind of device: cases of three images, images a step, epochs behind frozen layers and of all."""

    cases: int
    batch: int
    epochs_block: int
    epochs_all: int


AMOUNT = {"cpu": Amount(4, 6, 3, 1), "cuda": Amount(128, 32, 3, 2)}


def simulated(n: int) -> SliceStack:
    """Slices of n cases: smooth noise, which costs a network what any image costs it."""
    rng = np.random.default_rng(1)
    coarse = torch.from_numpy(rng.uniform(0, 255, (n * N_SLICES, 1, 28, 28)).astype(np.float32))
    images = nn.functional.interpolate(coarse, SIZE, mode="bilinear")[:, 0].numpy().astype(np.uint8)
    whole = np.zeros((n, N_SLICES), dtype=np.int64)
    box = np.tile(np.array([0, SIZE, 0, SIZE]), (n, N_SLICES, 1))
    return SliceStack(
        tuple(f"C{i:03}" for i in range(n)), images.reshape(n, N_SLICES, SIZE, SIZE), whole, whole, whole, box
    )


def features_by_hand(trunk: Trunk, network: nn.Module, images: np.ndarray, device: str) -> np.ndarray:
    """Global average pooling of the whole network, three images a step."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(images), N_SLICES):
            x = tensor(trunk, images[start : start + N_SLICES], device)
            found.append(forward(trunk, network, x).cpu().numpy())
    return np.concatenate(found)


def train_by_hand(
    trunk: Trunk, images: np.ndarray, outcome: np.ndarray, device: str, trained: str, batch: int, epochs: int
) -> None:
    """AdamW on all layers, or on the last block alone, the layers before it frozen; a logit for each image."""
    network = layout(trunk.network, device)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(
            not name.startswith(trunk.backbone.head)
            and (trained == "all" or name.startswith(trunk.backbone.last_block))
        )
    head = nn.Linear(trunk.width, 1).to(device)
    network.train()
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW([*learned, *head.parameters()], lr=1e-4)
    rng = np.random.default_rng(2)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            y = torch.from_numpy(outcome[rows].astype(np.float32)).to(device)
            optimizer.zero_grad()
            with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
                logits = head(forward(trunk, network, tensor(trunk, images[rows], device)))[:, 0]
            nn.functional.binary_cross_entropy_with_logits(logits.float(), y).backward()
            optimizer.step()


def layout(network: nn.Module, device: str) -> nn.Module:
    """A copy of the network, in memory as a loop by hand would have it."""
    memory = torch.channels_last if device == "cuda" else torch.contiguous_format
    return copy.deepcopy(network).to(device, memory_format=memory)


def tensor(trunk: Trunk, images: np.ndarray, device: str) -> Tensor:
    shift, scale = (torch.tensor(values).view(1, -1, 1, 1) for values in (trunk.backbone.shift, trunk.backbone.scale))
    x = (torch.from_numpy(images.astype(np.float32))[:, None].expand(-1, 3, -1, -1) - shift) / scale
    return x.to(device, memory_format=torch.channels_last) if device == "cuda" else x


def forward(trunk: Trunk, network: nn.Module, x: Tensor) -> Tensor:
    """The architectures' own forward passes up to the pooling, as their packages give them."""
    if isinstance(network, torchvision.models.ResNet):
        x = network.maxpool(network.relu(network.bn1(network.conv1(x))))
        return network.layer4(network.layer3(network.layer2(network.layer1(x)))).mean(dim=(2, 3))
    return network.extract_features(x).mean(dim=(2, 3))


def train_here(trunk: Trunk, examples: Examples, trained: str, hardware: Hardware, batch: int, epochs: int) -> None:
    """The package's training: frozen layers once, then every epoch on the layers behind them."""
    settings = TrainingSettings(
        epochs=epochs, batch_size=batch, batch_norm="update", patience=None, augmentation=UNCHANGED
    )
    frozen = FrozenOutputs(trunk, CUT_OF[trained])
    seed = np.random.SeedSequence(3)
    train(examples, frozen, settings, seed, hardware, name="benchmark", views_seed=seed)


def spent(call: Callable[[], object], device: str) -> float:
    """CPU seconds; on a GPU wall seconds until it has finished."""
    if device == "cpu":
        start = time.process_time()
        call()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def measured(label: str, trunk: Trunk, hardware: Hardware, device_name: str, amount: Amount, rounds: int) -> list[str]:
    """Return the rows of one network on one device."""
    device = hardware.device
    stack = simulated(amount.cases)
    flat = stack.images.reshape(-1, SIZE, SIZE)
    outcome = np.arange(amount.cases) % 2
    examples = Examples(stack.case_ids, stack.images, outcome.astype(np.int64), np.array(stack.case_ids))
    each = np.repeat(outcome, N_SLICES)
    ours = trunk_features(stack, trunk).to_numpy().reshape(len(flat), trunk.width)
    network = layout(trunk.network, device)
    theirs = features_by_hand(trunk, network, flat, device)
    difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    tasks: dict[str, tuple[int, Callable[[], object], Callable[[], object]]] = {
        f"features, {N_SLICES} images a step": (
            len(flat),
            lambda: trunk_features(stack, trunk),
            lambda: features_by_hand(trunk, network, flat, device),
        )
    }
    for trained, words, epochs in (
        ("last_block", "last block", amount.epochs_block),
        ("all", "all layers", amount.epochs_all),
    ):
        tasks[f"training, {words}, {epochs} epoch{'s' if epochs > 1 else ''}, {amount.batch} images a step"] = (
            len(flat) * epochs,
            lambda trained=trained, epochs=epochs: train_here(trunk, examples, trained, hardware, amount.batch, epochs),
            lambda trained=trained, epochs=epochs: train_by_hand(
                trunk, flat, each, device, trained, amount.batch, epochs
            ),
        )
    rows = []
    for task, (images, here, by_hand) in tasks.items():
        pairs = [(spent(here, device), spent(by_hand, device)) for _ in range(rounds)]
        rates = [images / min(side) for side in zip(*pairs, strict=True)]
        apart = f"{difference:.0e}" if task.startswith("features") else ""
        rows.append(
            f"| {label} | {device_name} | {task} | {rates[0]:.3g} | {rates[1]:.3g} | {rates[0] / rates[1]:.2f} | {apart} |"
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=AMOUNT["cpu"].cases, help="cases of three images on the CPU")
    parser.add_argument("--rounds", type=int, default=3, help="times that each side runs")
    options = parser.parse_args()
    amounts = {**AMOUNT, "cpu": replace(AMOUNT["cpu"], cases=options.cases)}
    torch.set_num_threads(1)
    kinds = [(Hardware("cpu"), "CPU, one thread")]
    if torch.cuda.is_available():
        kinds.append((choose_hardware("cuda", mixed_precision=True), torch.cuda.get_device_name()))
    rows = []
    for hardware, name in kinds:
        for label, settings in NETWORKS.items():
            with redirect_stderr(io.StringIO()):  # lines of progress
                trunk = load_trunk(settings, device=hardware.device)
                rows += measured(label, trunk, hardware, name, amounts[hardware.device], options.rounds)
    if len(kinds) == 1:
        rows.append("| both | GPU | no GPU was at hand where this was run | | | | |")
    text = "\n".join(
        [
            "# Speed of networks",
            "",
            f"Images of {SIZE} x {SIZE} pixels a second, simulated, beside loops written by hand in PyTorch on the same images, in batches of the "
            f"same size, in one process, in turn; the least time of {options.rounds} rounds counts. {options.cases * N_SLICES} images on the CPU. Python {platform.python_version()}, torch "
            f"{torch.__version__}, torchvision {torchvision.__version__}, {platform.machine()}. CPU: one thread, images a CPU second, float32. GPU, "
            "where there is one: images a wall second; training in mixed precision, channels last on both sides. Training includes copying the network, "
            "AdamW and batch normalisation that follows the batches, no augmentation; where the last block alone is trained the package computes the "
            "layers before it once for each image, the loop by hand once for each image and epoch. The package's features and trainings are "
            "deterministic on either device. Difference: largest of all features, of the largest feature.",
            "",
            "| network | device | task | vcfstats (images/s) | by hand (images/s) | times as fast | difference |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )
    (RESULTS / "speed_network.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
