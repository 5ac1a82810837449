"""Shape features of a mask, by PyRadiomics: once for a case, they cost little."""

from __future__ import annotations

import logging

import SimpleITK as sitk
from radiomics.shape import RadiomicsShape

# PyRadiomics logs on standard error; what it says of a failing feature is found again as a value that is not finite.
logging.getLogger("radiomics").setLevel(logging.CRITICAL)

NAMES = (
    "Elongation", "Flatness", "LeastAxisLength", "MajorAxisLength", "Maximum2DDiameterColumn", "Maximum2DDiameterRow",
    "Maximum2DDiameterSlice", "Maximum3DDiameter", "MeshVolume", "MinorAxisLength", "Sphericity", "SurfaceArea",
    "SurfaceVolumeRatio", "VoxelVolume",
)  # fmt: skip


def shape(mask: sitk.Image) -> dict[str, float]:
    """Compute the shape features of the voxels that are 1; lengths in mm."""
    calculator = RadiomicsShape(mask, mask, label=1)
    calculator.enableAllFeatures()
    return {name: float(value) for name, value in calculator.execute().items()}
