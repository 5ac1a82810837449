"""Radiomic features of one region by PyRadiomics, with fixed names in a fixed order."""

from __future__ import annotations

import logging
import math

import numpy as np
import SimpleITK as sitk
from radiomics import getFeatureClasses

from vcfstats.imaging.filters import Region, filtered_images, image_names
from vcfstats.imaging.settings import RadiomicsSettings

# PyRadiomics logs on standard error; what it says of a failing feature is found again as a value that is not finite.
logging.getLogger("radiomics").setLevel(logging.CRITICAL)


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
    names = (
        [f"original_shape_{feature}" for feature in _features("shape", settings)]
        if "shape" in settings.feature_classes
        else []
    )
    for image in image_names(settings):
        for feature_class in _grey_classes(settings):
            names.extend(f"{image}_{feature_class}_{feature}" for feature in _features(feature_class, settings))
    unknown = [
        name for name in settings.excluded_features if name.split("_", 1)[1] not in _all_features(name.split("_", 1)[0])
    ]
    if unknown:
        raise ValueError(f"excluded_features names {', '.join(unknown)}, which PyRadiomics does not have")
    return names


def extract(image: sitk.Image, mask: sitk.Image, settings: RadiomicsSettings) -> dict[str, float]:
    """Compute the radiomic features of a region.

    Values are those of PyRadiomics run on the whole image: filters see what they need beyond the region, features see the
    region alone.

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
    RuntimeError
        PyRadiomics returned other features than asked for.

    References
    ----------
    van Griethuysen et al. 2017, doi:10.1158/0008-5472.CAN-17-0339.
    """
    region = Region.of(mask)
    if sum(high - low > 1 for low, high in zip(region.start, region.stop, strict=True)) < 2:
        raise ValueError("the region is a point or a line; a region of at least two voxels along two axes is allowed")
    inside = region.of_image(mask)
    values: dict[str, float] = {}
    if "shape" in settings.feature_classes:
        values |= _class_values("original", "shape", region.of_image(image), inside, settings)
    for name, filtered in filtered_images(image, mask, region, settings):
        for feature_class in _grey_classes(settings):
            values |= _class_values(name, feature_class, filtered, inside, settings)
    expected = feature_names(settings)
    if list(values) != expected:
        missing = sorted(set(expected) - set(values)) or ["order"]
        raise RuntimeError(
            f"PyRadiomics returned {len(values)} features where {len(expected)} were asked for: {missing[0]}, ..."
        )
    wrong = [name for name, value in values.items() if not math.isfinite(value)]
    if wrong:
        raise ValueError(
            f"{len(wrong)} feature{'s' if len(wrong) > 1 else ''} without a finite value: "
            + ", ".join(f"{name} = {values[name]}" for name in wrong[:5])
            + (", ..." if len(wrong) > 5 else "")
        )
    return values


def _grey_classes(settings: RadiomicsSettings) -> list[str]:
    return [name for name in settings.feature_classes if name != "shape"]


def _all_features(feature_class: str) -> list[str]:
    """Return the features of a class, sorted, without those that PyRadiomics calls deprecated."""
    classes = getFeatureClasses()
    if feature_class not in classes:
        return []
    return sorted(name for name, deprecated in classes[feature_class].getFeatureNames().items() if not deprecated)


def _features(feature_class: str, settings: RadiomicsSettings) -> list[str]:
    return [
        name for name in _all_features(feature_class) if f"{feature_class}_{name}" not in settings.excluded_features
    ]


def _class_values(
    image_name: str, feature_class: str, image: sitk.Image, mask: sitk.Image, settings: RadiomicsSettings
) -> dict[str, float]:
    binning = {"binCount": settings.bin_count} if settings.bin_count else {"binWidth": settings.bin_width}
    options = {
        "label": 1,
        "distances": [settings.distance],
        "gldm_a": settings.gldm_alpha,
        "voxelArrayShift": settings.energy_shift,
        **binning,
    }
    calculator = getFeatureClasses()[feature_class](image, mask, **options)
    wanted = _features(feature_class, settings)
    for feature in wanted:
        calculator.enableFeatureByName(feature)
    with np.errstate(all="ignore"):
        found = calculator.execute()
    return {
        f"{image_name}_{feature_class}_{feature}": float(np.squeeze(found[feature]))
        for feature in wanted
        if feature in found
    }
