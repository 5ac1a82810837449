"""Where voxels lie in space: do two grids agree, and by how much do they differ."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

# Two grids are one when no corner of them lies further apart than this part of a voxel's shortest edge: NIfTI keeps
# its geometry in single precision, and writers round it differently.
SAME_GRID_FRACTION = 0.01


def corners(image: sitk.Image) -> npt.NDArray[np.float64]:
    """Return the centres of the eight corner voxels in mm, shape (8, 3)."""
    ends = [(0, size - 1) for size in image.GetSize()]
    return np.array(
        [image.TransformContinuousIndexToPhysicalPoint([float(i) for i in index]) for index in product(*ends)]
    )


def grid_differences(image: sitk.Image, mask: sitk.Image) -> str | None:
    """Say in what the grids of an image and its mask differ, or None where they are the same.

    The grids are the same when sizes are equal and no corner lies further apart than 1% of the shortest voxel edge.
    """
    parts = []
    if image.GetSize() != mask.GetSize():
        parts.append(f"size {_triple(mask.GetSize())} against {_triple(image.GetSize())} voxels")
    elif np.abs(corners(image) - corners(mask)).max() <= SAME_GRID_FRACTION * min(image.GetSpacing()):
        return None
    for name, unit, ours, theirs in (
        ("origin", " mm", mask.GetOrigin(), image.GetOrigin()),
        ("spacing", " mm", mask.GetSpacing(), image.GetSpacing()),
        ("direction", "", mask.GetDirection(), image.GetDirection()),
    ):
        if not np.allclose(ours, theirs, rtol=0, atol=1e-6):
            parts.append(f"{name} {_triple(ours)} against {_triple(theirs)}{unit}")
    return "; ".join(parts)


def _triple(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"


def voxel_volume(image: sitk.Image) -> float:
    """Return the volume of one voxel in cubic mm."""
    return float(np.prod(image.GetSpacing()))


def region_volume(mask: sitk.Image) -> float:
    """Return the volume of a binary mask in cubic mm."""
    return float(np.count_nonzero(sitk.GetArrayViewFromImage(mask))) * voxel_volume(mask)


def slice_axis(image: sitk.Image) -> int:
    """Return the axis across slices: that of the largest spacing, the first of equals."""
    return int(np.argmax(image.GetSpacing()))
