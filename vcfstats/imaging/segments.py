"""Segmentations of 3D Slicer (``.seg.nrrd``): named segments, some in layers of their own, cropped to what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from vcfstats.imaging.geometry import SAME_GRID_FRACTION
from vcfstats.imaging.paths import split_choice


@dataclass(frozen=True)
class Segment:
    """A segment as the file's header lists it."""

    name: str
    label: int
    layer: int


def is_segmentation(path: Path) -> bool:
    """Say whether a path names a segmentation of 3D Slicer, or one segment of it, by the file's name."""
    return split_choice(path)[0].name.lower().endswith((".seg.nrrd", ".seg.nhdr"))


def segments_of(image: sitk.Image) -> list[Segment]:
    """Return the segments that a header lists, in its order.

    Raises
    ------
    ValueError
        A label or a layer in the header is no whole number.
    """
    keys = set(image.GetMetaDataKeys())
    found = []
    for number in range(len(keys)):
        start = f"Segment{number}_"
        if start + "LabelValue" not in keys:
            break
        name = image.GetMetaData(start + "Name") if start + "Name" in keys else f"segment {number}"
        try:
            name.encode()
        except UnicodeEncodeError:  # written in another encoding than the format's own
            name = name.encode("utf-8", "surrogateescape").decode("latin-1")
        layer = int(image.GetMetaData(start + "Layer")) if start + "Layer" in keys else 0
        found.append(Segment(name, int(image.GetMetaData(start + "LabelValue")), layer))
    return found


def layer_of(image: sitk.Image, layer: int) -> sitk.Image:
    """Return one layer of a segmentation whose segments overlap."""
    return image if image.GetNumberOfComponentsPerPixel() == 1 else sitk.VectorIndexSelectionCast(image, layer)


def placed_on(mask: sitk.Image, image: sitk.Image) -> sitk.Image | None:
    """Return a mask of another extent on its image's grid, or None where its region does not fit there, voxel on voxel.

    Slicer stores what was drawn, cropped to it or on the grid of another volume: what lies around the region is of no account.
    """
    spacing, tolerance = image.GetSpacing(), SAME_GRID_FRACTION
    if not np.allclose(mask.GetSpacing(), spacing, rtol=0, atol=tolerance * min(spacing) / max(image.GetSize())):
        return None
    if not np.allclose(mask.GetDirection(), image.GetDirection(), rtol=0, atol=1e-4):
        return None
    start = np.array(image.TransformPhysicalPointToContinuousIndex(mask.GetOrigin()))
    if np.abs(start - np.rint(start)).max() > tolerance:
        return None
    drawn = np.argwhere(sitk.GetArrayViewFromImage(mask)) + np.rint(start).astype(int)[::-1]
    if (drawn < 0).any() or (drawn >= image.GetSize()[::-1]).any():
        return None
    array = np.zeros(image.GetSize()[::-1], dtype=np.uint8)
    array[tuple(drawn.T)] = 1
    full = sitk.GetImageFromArray(array)
    full.CopyInformation(image)
    return full
