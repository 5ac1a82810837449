"""PyRadiomics' filtered images over the region alone, with the values of filtering the whole image.

Most of PyRadiomics' time on a whole volume goes into filtering voxels that no feature looks at. Cropping first is the
usual remedy, and it changes values: square, square root, logarithm and exponential scale by the maximum of the image they
are given, the stationary wavelet wraps around at the border, and the Laplacian of Gaussian sees a mirrored edge. Here every
filter is given what it needs to reach the value of the whole image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pywt  # type: ignore[import-untyped]
import SimpleITK as sitk

from vcfstats.imaging.lbp import lbp_3d
from vcfstats.imaging.settings import RadiomicsSettings

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """The bounding box of a mask within its image, indices along SimpleITK's axes, `stop` exclusive."""

    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    @classmethod
    def of(cls, mask: sitk.Image) -> Region:
        """Return the bounding box of the voxels that are 1."""
        inside = sitk.GetArrayViewFromImage(mask) == 1
        planes = inside.any(axis=0)
        spans = [np.flatnonzero(line) for line in (planes.any(axis=0), planes.any(axis=1), inside.any(axis=(1, 2)))]
        start = tuple(int(span[0]) for span in spans)
        stop = tuple(int(span[-1]) + 1 for span in spans)
        return cls(start, stop)  # type: ignore[arg-type]

    def widened(self, margin: int, size: tuple[int, ...]) -> Region:
        """Return the box grown by `margin` voxels on all sides, within the image."""
        start = tuple(max(low - margin, 0) for low in self.start)
        stop = tuple(min(high + margin, limit) for high, limit in zip(self.stop, size, strict=True))
        return Region(start, stop)  # type: ignore[arg-type]

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box in an array (z, y, x)."""
        (x0, y0, z0), (x1, y1, z1) = self.start, self.stop
        return slice(z0, z1), slice(y0, y1), slice(x0, x1)

    def of_image(self, image: sitk.Image) -> sitk.Image:
        """Cut the box out of an image; geometry follows."""
        (x0, y0, z0), (x1, y1, z1) = self.start, self.stop
        box: sitk.Image = image[x0:x1, y0:y1, z0:z1]
        return box

    def within(self, outer: Region) -> Region:
        """Return the same box in the indices of a box around it."""
        start = tuple(low - base for low, base in zip(self.start, outer.start, strict=True))
        stop = tuple(high - base for high, base in zip(self.stop, outer.start, strict=True))
        return Region(start, stop)  # type: ignore[arg-type]


def filtered_images(
    image: sitk.Image, mask: sitk.Image, region: Region, settings: RadiomicsSettings
) -> Iterator[tuple[str, Array]]:
    """Yield the name and the array (z, y, x) over `region` of every image type, in the settings' order."""
    for image_type in settings.image_types:
        yield from _MAKERS[image_type](image, mask, region, settings)


def image_names(settings: RadiomicsSettings) -> list[str]:
    """Return the names of the filtered images that the settings ask for, in order."""
    names: list[str] = []
    for image_type in settings.image_types:
        if image_type == "wavelet":
            names.extend(f"wavelet-{bands}" for bands in _BANDS)
        elif image_type == "log":
            names.extend(map(_log_name, settings.log_sigma_mm))
        elif image_type == "lbp_3d":
            names.extend([*(f"lbp-3D-m{level}" for level in range(1, settings.lbp_levels + 1)), "lbp-3D-k"])
        else:
            names.append(image_type.replace("_", ""))
    return names


_Named = Iterator[tuple[str, Array]]
_Maker = Callable[[sitk.Image, sitk.Image, Region, RadiomicsSettings], _Named]


def _original(image: sitk.Image, mask: sitk.Image, region: Region, settings: RadiomicsSettings) -> _Named:
    yield "original", sitk.GetArrayViewFromImage(image)[region.slices]


def _gradient(image: sitk.Image, mask: sitk.Image, region: Region, settings: RadiomicsSettings) -> _Named:
    outer = region.widened(1, image.GetSize())
    filtered = sitk.GradientMagnitude(outer.of_image(image), True)
    yield "gradient", sitk.GetArrayFromImage(filtered)[region.within(outer).slices]


def _pointwise(image_type: str) -> _Maker:
    """Return the maker of an image whose voxels depend on their own value and on the whole image's maximum."""

    def make(image: sitk.Image, mask: sitk.Image, region: Region, settings: RadiomicsSettings) -> _Named:
        values = sitk.GetArrayViewFromImage(image)
        largest = max(abs(float(values.min())), abs(float(values.max())))
        yield image_type.replace("_", ""), _POINTWISE[image_type](values[region.slices].astype(np.float64), largest)

    return make


def _square(x: Floats, largest: float) -> Floats:
    filtered: Floats = np.square(x / np.sqrt(largest))
    return filtered


def _square_root(x: Floats, largest: float) -> Floats:
    return np.sign(x) * np.sqrt(np.abs(x) * largest)


def _logarithm(x: Floats, largest: float) -> Floats:
    filtered: Floats = np.sign(x) * np.log1p(np.abs(x)) * (largest / np.log1p(largest))
    return filtered


def _exponential(x: Floats, largest: float) -> Floats:
    filtered: Floats = np.exp(np.log(largest) / largest * x)
    return filtered


# PyRadiomics' order: detail bands as PyWavelets returns them, the approximation last. Letters go from the last axis of
# the array to the first, which are SimpleITK's axes in their order.
_BANDS = ("LLH", "LHL", "LHH", "HLL", "HLH", "HHL", "HHH", "LLL")


def _wavelet(image: sitk.Image, mask: sitk.Image, region: Region, settings: RadiomicsSettings) -> _Named:
    values = sitk.GetArrayViewFromImage(image)
    wavelet = pywt.Wavelet(settings.wavelet)
    start, stop = region.start[::-1], region.stop[::-1]
    # The transform is periodic over the image padded to even sizes by its own beginning. A window that keeps the filter's
    # length around the region gives the same values in its middle; where it would reach over the border, the axis is
    # taken whole, since the border is summed in another order.
    margin = wavelet.dec_len + wavelet.dec_len % 2
    picks, inner = [], []
    for low, high, size in zip(start, stop, values.shape, strict=True):
        if low < margin or high + margin + 1 > size:
            index = np.arange(size + size % 2) % size
            inner.append(slice(low, high))
        else:
            index = np.arange(low - margin, high + margin + (high - low) % 2)
            inner.append(slice(margin, margin + high - low))
        picks.append(index)
    window = values[np.ix_(*picks)]
    bands = pywt.swtn(window, wavelet, level=1, start_level=0, axes=(2, 1, 0))[0]
    for name in _BANDS:
        yield f"wavelet-{name}", bands[name.replace("L", "a").replace("H", "d")][tuple(inner)]


def _log_name(sigma: float) -> str:
    return f"log-sigma-{str(float(sigma)).replace('.', '-')}-mm-3D"


def _log(image: sitk.Image, mask: sitk.Image, region: Region, settings: RadiomicsSettings) -> _Named:
    for sigma in settings.log_sigma_mm:
        # PyRadiomics leaves the image out with no more than a log line.
        needed = np.maximum(np.ceil(sigma / np.array(image.GetSpacing())) + 1, 4)
        if (np.array(image.GetSize()) < needed).any():
            raise ValueError(
                f"the image of {image.GetSize()} voxels is too small for a Laplacian of Gaussian of {sigma:g} mm"
            )
        yield _log_name(sigma), _laplacian_of_gaussian(image, region, sigma)


def _laplacian_of_gaussian(image: sitk.Image, region: Region, sigma: float) -> npt.NDArray[np.float32]:
    """Return ITK's LaplacianRecursiveGaussian over the region, scale-normalised, to the last bit.

    ITK runs nine recursive passes along whole axes, one second derivative and two smoothings for each axis, in single
    precision between them. Once a pass along an axis is done, only the region's extent along that axis is needed further:
    three passes see the whole image, the others ever less.
    """
    total = np.zeros(tuple(high - low for low, high in zip(region.start, region.stop, strict=True))[::-1], np.float32)
    for axis in range(3):
        part = image
        for order, along in [(2, axis), *((0, other) for other in range(3) if other != axis)]:
            gaussian = sitk.RecursiveGaussianImageFilter()
            gaussian.SetNormalizeAcrossScale(True)
            gaussian.SetSigma(sigma)
            gaussian.SetDirection(along)
            gaussian.SetOrder(order)
            part = gaussian.Execute(part)
            start, size = [0, 0, 0], list(part.GetSize())
            if size[along] > region.stop[along] - region.start[along]:
                start[along], size[along] = region.start[along], region.stop[along] - region.start[along]
                part = sitk.RegionOfInterest(part, size, start)
            if part.GetPixelID() != sitk.sitkFloat32:
                part = sitk.Cast(part, sitk.sitkFloat32)
        values = sitk.GetArrayViewFromImage(part).astype(np.float64)
        total = (total + values * (1 / image.GetSpacing()[axis] ** 2)).astype(np.float32)
    return total


def _lbp_3d(image: sitk.Image, mask: sitk.Image, region: Region, settings: RadiomicsSettings) -> _Named:
    yield from lbp_3d(
        sitk.GetArrayViewFromImage(image),
        region.slices,
        sitk.GetArrayViewFromImage(mask)[region.slices] == 1,
        levels=settings.lbp_levels,
        radius=settings.lbp_radius,
        subdivision=settings.lbp_subdivision,
    )


_POINTWISE = {"square": _square, "square_root": _square_root, "logarithm": _logarithm, "exponential": _exponential}
_MAKERS = {
    "original": _original,
    "gradient": _gradient,
    "wavelet": _wavelet,
    "log": _log,
    "lbp_3d": _lbp_3d,
    **{name: _pointwise(name) for name in _POINTWISE},
}
