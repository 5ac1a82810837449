"""Bias field, orientation, voxel size, intensity: from the scanner's image to the one that features are taken from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from vcfstats.imaging.geometry import region_volume, slice_axis
from vcfstats.imaging.settings import Interpolator, N4Settings, NormalizationSettings, PreprocessSettings

# Axes run right to left, front to back, foot to head (DICOM's patient axes), as near as an oblique volume allows.
ORIENTATION = "LPS"

_ITK_INTERPOLATORS = {"linear": sitk.sitkLinear, "bspline": sitk.sitkBSpline}


def preprocess(
    image: sitk.Image,
    mask: sitk.Image,
    settings: PreprocessSettings,
    watch: Callable[[sitk.Image, sitk.Image | None], None] | None = None,
) -> tuple[sitk.Image, sitk.Image]:
    """Correct the bias field, turn to canonical orientation, resample, normalise.

    Parameters
    ----------
    image : SimpleITK.Image
        3D scalar image.
    mask : SimpleITK.Image
        uint8, 1 inside the region, on the image's grid.
    settings : PreprocessSettings
        Every choice made on the way.
    watch : callable, optional
        Called with the turned image before and after the correction of its bias field; None after, where it is left in.

    Returns
    -------
    image, mask : SimpleITK.Image
        float32 and uint8, on one grid of the asked spacing.

    Raises
    ------
    ValueError
        The region vanishes or changes its volume by more than the tolerance, or the intensities cannot be normalised.
    """
    image = sitk.DICOMOrient(sitk.Cast(image, sitk.sitkFloat32), ORIENTATION)
    mask = sitk.DICOMOrient(mask, ORIENTATION)
    corrected = correct_bias_field(image, settings.n4) if settings.n4.enabled else None
    if watch is not None:
        watch(image, corrected)
    image = image if corrected is None else corrected
    before = region_volume(mask)
    image = resample(image, settings.spacing_mm, settings.image_interpolator)
    mask = resample_mask(mask, settings.spacing_mm, settings.mask_interpolator)
    _check_volume(before, region_volume(mask), settings)
    return normalize(image, mask, settings.normalization), mask


def correct_bias_field(image: sitk.Image, settings: N4Settings) -> sitk.Image:
    """Divide a float32 image by the bias field that N4 fits to its shrunken copy.

    Raises
    ------
    ValueError
        Shrinking leaves a single voxel along an axis.

    References
    ----------
    Tustison et al. 2010, doi:10.1109/TMI.2010.2046908.
    """
    across = slice_axis(image)
    factors = [
        min(settings.shrink_across if axis == across else settings.shrink_in_plane, size)
        for axis, size in enumerate(image.GetSize())
    ]
    if min(size // factor for size, factor in zip(image.GetSize(), factors, strict=True)) < 2:
        raise ValueError(
            f"an image of {image.GetSize()} voxels shrunk by {tuple(factors)} leaves N4 a single voxel along an axis; "
            "lower shrink_in_plane or shrink_across, or turn N4 off"
        )
    foreground = (
        sitk.OtsuThreshold(image, 0, 1, 200)
        if settings.foreground == "otsu"
        else sitk.Image(image.GetSize(), sitk.sitkUInt8) + 1
    )
    foreground.CopyInformation(image)
    corrector = sitk.N4BiasFieldCorrectionImageFilter()
    corrector.SetMaximumNumberOfIterations(list(settings.iterations))
    corrector.SetConvergenceThreshold(settings.convergence)
    corrector.SetNumberOfControlPoints([settings.control_points] * 3)
    corrector.Execute(sitk.Shrink(image, factors), sitk.Shrink(foreground, factors))
    changed: sitk.Image = image / sitk.Exp(corrector.GetLogBiasFieldAsImage(image))
    return changed


def resample(image: sitk.Image, spacing_mm: tuple[float, float, float], interpolator: Interpolator) -> sitk.Image:
    """Resample onto voxels of the given size; the outer corner of the first voxel stays where it is.

    Nearest neighbour is computed on indices, not by ITK: at a ratio such as 0.5 mm to 1 mm every new centre lies on the
    border of two old voxels, and rounding of coordinates would choose between them voxel by voxel.
    """
    old = np.array(image.GetSpacing())
    new = np.array(spacing_mm)
    size = np.maximum(np.floor(np.array(image.GetSize()) * old / new + 0.5).astype(int), 1)
    first = 0.5 * (new / old - 1.0)
    origin = image.TransformContinuousIndexToPhysicalPoint(first.tolist())
    if interpolator == "nearest":
        picks = [
            np.minimum(((np.arange(count) + 0.5) * ratio + 1e-9).astype(int), limit - 1)
            for count, ratio, limit in zip(size, new / old, image.GetSize(), strict=True)
        ]
        result = sitk.GetImageFromArray(sitk.GetArrayViewFromImage(image)[np.ix_(*reversed(picks))])
        result.SetOrigin(origin)
        result.SetSpacing(new.tolist())
        result.SetDirection(image.GetDirection())
        return result
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(size.tolist())
    resampler.SetOutputOrigin(origin)
    resampler.SetOutputSpacing(new.tolist())
    resampler.SetOutputDirection(image.GetDirection())
    resampler.SetInterpolator(_ITK_INTERPOLATORS[interpolator])
    resampler.SetUseNearestNeighborExtrapolator(True)
    changed: sitk.Image = resampler.Execute(image)
    return changed


def resample_mask(mask: sitk.Image, spacing_mm: tuple[float, float, float], interpolator: Interpolator) -> sitk.Image:
    """Resample a binary mask; an interpolated value of at least one half is inside."""
    if interpolator == "nearest":
        return resample(mask, spacing_mm, interpolator)
    changed: sitk.Image = resample(sitk.Cast(mask, sitk.sitkFloat32), spacing_mm, interpolator) >= 0.5
    return changed


def normalize(image: sitk.Image, mask: sitk.Image, settings: NormalizationSettings) -> sitk.Image:
    """Shift and scale the intensities of an image; float32.

    Raises
    ------
    ValueError
        The voxels that the scale is taken from are constant or not finite.
    """
    if settings.method == "none":
        changed: sitk.Image = sitk.Cast(image, sitk.sitkFloat32)
        return changed
    values = sitk.GetArrayViewFromImage(image).astype(np.float64)
    pool = values[sitk.GetArrayViewFromImage(mask) == 1] if settings.over == "region" else values.ravel()
    shift, width = _shift_and_width(pool, settings)
    if not (np.isfinite(shift) and np.isfinite(width) and width > 0):
        what = "the region" if settings.over == "region" else "the image"
        raise ValueError(f"{what} has no spread to normalise by ({settings.method}: centre {shift:g}, width {width:g})")
    result = sitk.GetImageFromArray(((values - shift) * (settings.scale / width)).astype(np.float32))
    result.CopyInformation(image)
    return result


def _shift_and_width(pool: npt.NDArray[np.float64], settings: NormalizationSettings) -> tuple[float, float]:
    if settings.method == "zscore":
        return float(pool.mean()), float(pool.std())
    lower, upper = np.percentile(pool, [settings.lower, settings.upper])
    return float(lower), float(upper - lower)


def _check_volume(before: float, after: float, settings: PreprocessSettings) -> None:
    change = abs(after - before) / before
    if change > settings.volume_tolerance:
        raise ValueError(
            f"resampling changes the region's volume from {before:.0f} to {after:.0f} cubic mm ({change:.1%}), "
            f"more than volume_tolerance {settings.volume_tolerance:.1%}"
        )
