"""What the frozen layers make of an image, computed once: training then starts behind them, in minutes without a GPU."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from vcfstats.contracts import arithmetic
from vcfstats.contracts.files import replacing
from vcfstats.contracts.progress import progress
from vcfstats.learning.network.hardware import reproducible
from vcfstats.learning.network.trunk import Trunk, state_hash

# Where training starts, by the layers that are trained.
Cut = Literal["pixels", "block", "pooled"]
CUT_OF: dict[str, Cut] = {"none": "pooled", "head": "pooled", "last_block": "block", "all": "pixels"}
Floats = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class FrozenOutputs:
    """The frozen layers of a trunk, with what they made of the images seen so far.

    Attributes
    ----------
    trunk : Trunk
        The network; its layers before the cut are used.
    cut : str
        ``pixels`` (nothing is frozen), ``block`` (what enters the last block, float32) or ``pooled`` (the features, float64).
    folder : Path or None
        Where outputs are kept, one file an image stack and version, named by the content of both and the frozen layers'
        weights; None keeps them in memory.
    """

    trunk: Trunk
    cut: Cut
    folder: Path | None = None
    _identity: str = field(init=False)
    _kept: dict[str, Floats] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Hash the frozen layers."""
        above = self.trunk.backbone.last_block if self.cut == "block" else ()
        said = {
            "cut": self.cut,
            "layers": state_hash(self.trunk.network, (self.trunk.backbone.head, *above)),
            "backbone": self.trunk.settings.backbone,
            "device": self.trunk.device,
            "arithmetic": arithmetic.active(),
            "versions": {name: version(name) for name in ("torch", *self.trunk.backbone.packages)},
        }
        object.__setattr__(self, "_identity", json.dumps(said, sort_keys=True))

    def fill(self, stacks: Sequence[Floats], *, workers: int = 1, label: str = "frozen layers") -> None:
        """Compute the outputs of stacks not seen so far, each forward pass on one thread of its own."""
        missing = [images for images in stacks if not self._knows(images)]
        if not missing:
            return
        with reproducible(), ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for _ in progress(pool.map(self.of, missing), len(missing), label=label, unit="cases"):
                pass

    def _knows(self, images: Floats) -> bool:
        if self.cut == "pixels":
            return True
        key = self._key(images)
        return key in self._kept if self.folder is None else self._file(self.folder, key).is_file()

    def _key(self, images: Floats) -> str:
        said = f"{self._identity}{images.dtype}{images.shape}\0"
        return hashlib.sha256(said.encode() + images.tobytes()).hexdigest()

    def _file(self, folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key}.npy"

    def of(self, images: Floats) -> Floats:
        """Return the output for the slices of one case, shape (m, s, s), one forward pass together.

        Returns
        -------
        array
            (m, s, s), (m, channels, h, w) or (m, width), by the cut. Kept outputs are mapped from their file.
        """
        if self.cut == "pixels":
            return np.asarray(images, dtype=np.float32)
        key = self._key(images)
        if self.folder is None:
            if key not in self._kept:
                self._kept[key] = self._compute(images)
            return self._kept[key]
        return _kept_file(self._file(self.folder, key), lambda: self._compute(images))

    def _compute(self, images: Floats) -> Floats:
        with torch.inference_mode():
            batch = self.trunk.batch(images)
            if self.cut == "block":
                values: Floats = self.trunk.backbone.body(self.trunk.network, batch).contiguous().cpu().numpy()
                return values
            return self.trunk.pooled(self.trunk.backbone.maps(self.trunk.network, batch))


def _kept_file(path: Path, make: Callable[[], Floats]) -> Floats:
    """Return the array of a file, made where it is missing or cannot be read."""
    try:
        kept: Floats = np.load(path, mmap_mode="r", allow_pickle=False)
        return kept
    except (OSError, ValueError):
        values = make()
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
    return values
