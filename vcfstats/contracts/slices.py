"""Three slices of every case in one file: what imaging cuts and a network reads."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.features import FeatureDescription
from vcfstats.contracts.files import replacing, write_text

N_SLICES = 3


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Sagittal slices of a cohort, ready for a network; n cases, three slices of s x s pixels each.

    Slice 0 is the one with the largest region, 1 its neighbour towards the patient's right, 2 towards the left. Rows run
    from head to foot, columns from front to back.

    Attributes
    ----------
    case_ids : tuple of str
        The cases, in the order of the arrays.
    images : uint8 array, shape (n, 3, s, s)
        Intensity q stands for q / 127.5 - 1, in [-1, 1].
    index : int64 array, shape (n, 3)
        Number of each slice, counted from the patient's right from 0.
    wanted : int64 array, shape (n, 3)
        Number of the slice at the asked offset. It differs from `index` where that slice holds no region.
    area : int64 array, shape (n, 3)
        Voxels of the region in each slice.
    box : int64 array, shape (n, 3, 4)
        The part of the slice that was cut out: first row, row after the last, first column, column after the last.
    """

    case_ids: tuple[str, ...]
    images: npt.NDArray[np.uint8]
    index: npt.NDArray[np.int64]
    wanted: npt.NDArray[np.int64]
    area: npt.NDArray[np.int64]
    box: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit one another."""
        n = len(self.case_ids)
        shape = self.images.shape
        if self.images.dtype != np.uint8 or len(shape) != 4 or shape[:2] != (n, N_SLICES) or shape[2] != shape[3]:
            raise ValueError(f"images must be uint8 of shape ({n}, {N_SLICES}, s, s), got {self.images.dtype} {shape}")
        for name, expected in (("index", (n, 3)), ("wanted", (n, 3)), ("area", (n, 3)), ("box", (n, 3, 4))):
            if getattr(self, name).shape != expected:
                raise ValueError(f"{name} must be of shape {expected}, got {getattr(self, name).shape}")
        if len(set(self.case_ids)) != n:
            raise ValueError("case_ids holds one case twice")

    @property
    def moved(self) -> tuple[str, ...]:
        """Cases with a neighbour that was taken nearer than asked, since the region ends before."""
        return self._cases_where((self.index != self.wanted).any(axis=1))

    @property
    def repeated(self) -> tuple[str, ...]:
        """Cases of whose three images two are the same, pixel for pixel."""
        a, b, c = (self.images[:, k].reshape(len(self.case_ids), -1) for k in range(N_SLICES))
        return self._cases_where((a == b).all(axis=1) | (a == c).all(axis=1) | (b == c).all(axis=1))

    def _cases_where(self, chosen: npt.NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(case for case, is_chosen in zip(self.case_ids, chosen, strict=True) if is_chosen)

    def sorted(self) -> SliceStack:
        """Return the stack in the order of its case ids."""
        order = sorted(range(len(self.case_ids)), key=self.case_ids.__getitem__)
        arrays = {name: getattr(self, name)[order] for name in _ARRAYS}
        return SliceStack(tuple(self.case_ids[i] for i in order), **arrays)


_ARRAYS = tuple(field.name for field in fields(SliceStack) if field.name != "case_ids")


def write_slices(stack: SliceStack, description: FeatureDescription, path: Path) -> None:
    """Write the stack, sorted by case, as compressed ``.npz`` and its description beside it as ``.json``.

    Equal stacks give equal bytes: the archive carries no time.
    """
    ordered = stack.sorted()
    arrays: dict[str, Any] = {name: getattr(ordered, name) for name in _ARRAYS}
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, case_ids=np.array(ordered.case_ids, dtype=np.str_), **arrays)
    write_text(path.with_suffix(".json"), description.text())


def read_slices(path: Path) -> SliceStack:
    """Read a stack that `write_slices` wrote; nothing is unpickled.

    Raises
    ------
    InputError
        The file is missing, damaged or holds something else.
    """
    if not path.is_file():
        raise InputError(Problem("no such file", "the slices of a cohort (.npz)", "run `dvc repro` first", file=path))
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("case_ids", *_ARRAYS)}
        return SliceStack(tuple(map(str, arrays.pop("case_ids"))), **arrays)
    except Exception as error:  # zip, zlib, NumPy and missing names each raise their own kind
        problem = Problem(
            f"a file that cannot be read ({error})", "the slices of a cohort", "build the slices again", file=path
        )
        raise InputError(problem) from error
