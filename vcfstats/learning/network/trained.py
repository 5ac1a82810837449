"""The network of a study as its stages use it: as it came, or with the layers that were trained on the study's images."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import replacing
from vcfstats.learning.network.settings import TrunkSettings
from vcfstats.learning.network.trunk import Trunk, load_trunk, state_hash

WEIGHTS = "network.safetensors"
_HEAD = ("head.weight", "head.bias")


def with_training(trunk: Trunk, state: Mapping[str, Tensor]) -> Trunk:
    """Return the trunk with its trained layers filled in; its card names them and hashes the whole."""
    network = copy.deepcopy(trunk.network)
    layers = {name: value for name, value in state.items() if name not in _HEAD}
    network.load_state_dict(layers, strict=False)
    network.eval().requires_grad_(False)
    card = {
        **trunk.card,
        "trained_layers": sorted(layers),
        "weights_sha256": state_hash(network, (trunk.backbone.head,)),
    }
    return replace(trunk, network=network, card=card)


def write_trained(state: Mapping[str, Tensor], folder: Path) -> None:
    """Write trained layers and classification layer as ``network.safetensors``; equal weights give equal bytes."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in sorted(state.items())}
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(save(tensors))


def study_trunk(settings: TrunkSettings, folder: Path, *, device: str = "cpu") -> Trunk:
    """Load the network of a study: its weights before training, then what was trained.

    Parameters
    ----------
    settings : TrunkSettings
        The study's.
    folder : Path
        Holds ``network.safetensors`` where layers were trained (``models/network`` of a study).

    Raises
    ------
    InputError
        The file is missing, damaged, or of other layers than the settings say.
    """
    trunk = load_trunk(settings, device=device)
    if settings.trained == "none":
        return trunk
    path = folder / WEIGHTS

    def refuse(found: str) -> InputError:
        return InputError(
            Problem(
                found, f"the layers of {settings.backbone} that were trained", "run the stage deep again", file=path
            )
        )

    if not path.is_file():
        raise refuse("no such file")
    try:
        state: dict[str, Any] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise refuse(f"a file that cannot be read ({error})") from error
    own = trunk.network.state_dict()
    for name, value in state.items():
        shape = {_HEAD[0]: (1, trunk.width), _HEAD[1]: (1,)}.get(name) or tuple(own[name].shape if name in own else ())
        if (name not in own and name not in _HEAD) or tuple(value.shape) != shape:
            raise refuse(f"weights {name} of shape {tuple(value.shape)}")
        if not torch.isfinite(value).all():
            raise refuse(f"values that are not finite in {name}")
    if not set(_HEAD) <= set(state):
        raise refuse("no classification layer")
    return with_training(trunk, state)
