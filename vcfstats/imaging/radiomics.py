"""Radiomic features of one region as PyRadiomics defines them, with fixed names in a fixed order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from vcfstats.imaging.features import firstorder as _firstorder
from vcfstats.imaging.features import glcm as _glcm
from vcfstats.imaging.features import gldm as _gldm
from vcfstats.imaging.features import glrlm as _glrlm
from vcfstats.imaging.features import glszm as _glszm
from vcfstats.imaging.features import ngtdm as _ngtdm
from vcfstats.imaging.features import shape as _shape
from vcfstats.imaging.features.levels import Levels
from vcfstats.imaging.features.neighbourhood import Neighbourhood
from vcfstats.imaging.filters import Region, filtered_images, image_names
from vcfstats.imaging.settings import RadiomicsSettings

_NAMES: dict[str, tuple[str, ...]] = {
    "shape": _shape.NAMES,
    "firstorder": _firstorder.NAMES,
    "glcm": _glcm.NAMES,
    "glrlm": _glrlm.NAMES,
    "glszm": _glszm.NAMES,
    "gldm": _gldm.NAMES,
    "ngtdm": _ngtdm.NAMES,
}


def feature_names(settings: RadiomicsSettings) -> list[str]:
    """Return the names of the features that `extract` computes, in its order.

    A name is ``image_class_Feature`` as PyRadiomics has it, such as ``wavelet-LLH_glcm_Contrast``. Shape features are of
    the mask, come once and are called ``original_shape_...``.

    Raises
    ------
    ValueError
        A feature to exclude does not exist.

    Examples
    --------
    >>> from vcfstats.imaging.settings import RadiomicsSettings
    >>> names = feature_names(RadiomicsSettings())
    >>> len(names), names[0], names[-1]
    (105, 'original_shape_Elongation', 'original_ngtdm_Strength')
    """
    for excluded in settings.excluded_features:
        feature_class, feature = excluded.split("_", 1)
        if feature not in _NAMES.get(feature_class, ()):
            raise ValueError(f"excluded_features names {excluded}, which PyRadiomics does not have")
    names = (
        [f"original_shape_{feature}" for feature in _wanted("shape", settings)]
        if "shape" in settings.feature_classes
        else []
    )
    for image in image_names(settings):
        for feature_class in settings.feature_classes:
            if feature_class != "shape":
                names.extend(f"{image}_{feature_class}_{feature}" for feature in _wanted(feature_class, settings))
    return names


def extract(image: sitk.Image, mask: sitk.Image, settings: RadiomicsSettings) -> dict[str, float]:
    """Compute the radiomic features of a region.

    Values are those of PyRadiomics run on the whole image: filters see what they need beyond the region, features see the
    region alone. What depends on the mask alone is found once for all image types.

    Parameters
    ----------
    image : SimpleITK.Image
        3D scalar image, resampled and normalised.
    mask : SimpleITK.Image
        1 inside the region, on the image's grid.
    settings : RadiomicsSettings
        Image types, classes, binning.

    Returns
    -------
    dict of str to float
        As `feature_names` lists them. Lengths are in mm, intensities in the image's unit.

    Raises
    ------
    ValueError
        The region is smaller than two voxels along two axes, or a feature is not finite; it says which.

    References
    ----------
    van Griethuysen et al. 2017, doi:10.1158/0008-5472.CAN-17-0339.
    """
    region = Region.of(mask)
    if sum(high - low > 1 for low, high in zip(region.start, region.stop, strict=True)) < 2:
        raise ValueError("the region is a point or a line; a region of at least two voxels along two axes is allowed")
    box = region.of_image(mask)
    inside = sitk.GetArrayViewFromImage(box) == 1
    around = Neighbourhood(inside, settings.distance)
    voxel_volume = math.prod(mask.GetSpacing())
    names, values = feature_names(settings), dict[str, float]()
    if "shape" in settings.feature_classes:
        values |= _named("original", "shape", _shape.shape(box), settings)
    classes = [name for name in settings.feature_classes if name != "shape"]
    # Images of one level only, as LBP's often are, share their textures: those of the mask.
    flat: dict[tuple[str, int] | None, dict[str, float]] = {}
    for name, filtered in filtered_images(image, mask, region, settings) if classes else ():
        intensities = filtered[inside]
        levels = Levels.of(intensities, settings)
        for feature_class in classes:
            is_shared = levels.present.size == 1 and feature_class != "firstorder"
            key = (feature_class, levels.highest) if is_shared else None
            found = flat.get(key)
            if found is None:
                with np.errstate(all="ignore"):
                    found = _features(feature_class, intensities, levels, around, voxel_volume, settings)
                if is_shared:
                    flat[key] = found
            values |= _named(name, feature_class, found, settings)
    wrong = [name for name, value in values.items() if not math.isfinite(value)]
    if wrong:
        raise ValueError(
            f"{len(wrong)} feature{'s' if len(wrong) > 1 else ''} without a finite value: "
            + ", ".join(f"{name} = {values[name]}" for name in wrong[:5])
            + (", ..." if len(wrong) > 5 else "")
        )
    return {name: values[name] for name in names}


def grey_levels(image: sitk.Image, mask: sitk.Image, settings: RadiomicsSettings) -> dict[str, int]:
    """Count the grey levels that a region has in the image itself, before any filter.

    Returns
    -------
    dict of str to int
        ``levels`` that occur, and ``of_90_percent``, the fewest of them that hold nine tenths of the voxels.
    """
    intensities = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(mask) == 1]
    counts = np.sort(np.bincount(Levels.of(intensities, settings).index))[::-1]
    return {"levels": counts.size, "of_90_percent": int(np.searchsorted(np.cumsum(counts), 0.9 * counts.sum())) + 1}


def _features(
    feature_class: str,
    intensities: npt.NDArray[Any],
    levels: Levels,
    around: Neighbourhood,
    voxel_volume: float,
    settings: RadiomicsSettings,
) -> dict[str, float]:
    """Compute a class other than shape, of one image."""
    match feature_class:
        case "firstorder":
            return _firstorder.firstorder(
                intensities, levels, energy_shift=settings.energy_shift, voxel_volume=voxel_volume
            )
        case "glcm":
            return _glcm.glcm(levels, around, with_mcc="glcm_MCC" not in settings.excluded_features)
        case "glrlm":
            return _glrlm.glrlm(levels, around)
        case "glszm":
            return _glszm.glszm(levels, around)
        case "gldm":
            return _gldm.gldm(levels, around, alpha=settings.gldm_alpha)
        case "ngtdm":
            return _ngtdm.ngtdm(levels, around)
    raise ValueError(f"no feature class {feature_class!r}")


def _wanted(feature_class: str, settings: RadiomicsSettings) -> list[str]:
    return [name for name in _NAMES[feature_class] if f"{feature_class}_{name}" not in settings.excluded_features]


def _named(image: str, feature_class: str, found: dict[str, float], settings: RadiomicsSettings) -> dict[str, float]:
    return {f"{image}_{feature_class}_{feature}": found[feature] for feature in _wanted(feature_class, settings)}
