"""Three sagittal slices of a case (2.5D): the one with the largest region and a neighbour on either side."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.features import FeatureDescription
from vcfstats.contracts.slices import N_SLICES, SliceStack
from vcfstats.imaging.cache import READING, cached, code_version, entry_key, path_hash
from vcfstats.imaging.loading import load_case
from vcfstats.imaging.preprocessing import ORIENTATION
from vcfstats.imaging.running import run_cases

# Modules whose code, and packages whose version, a slice depends on.
_MODULES = (*READING, "preprocessing", "slices")
_PACKAGES = ("SimpleITK", "numpy")


class SliceSettings(BaseModel):
    """Which three slices are cut from a preprocessed case, and what becomes of their intensities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    offset: PositiveInt = Field(
        default=5,
        le=100,
        description=(
            "Distance of the two neighbours from the slice with the largest region. After nearest-neighbour resampling, "
            "an offset below the acquired slice thickness may give the same acquired slice again."
        ),
    )
    offset_unit: Literal["slices", "mm"] = Field(
        default="slices",
        description="Unit of the offset: slices of the preprocessed volume, or mm, rounded to whole slices, at least one.",
    )
    box: Literal["largest_slice", "each_slice"] = Field(
        default="largest_slice",
        description=(
            "Bounding box that the three slices are cropped to: that of the region in the slice with the largest region, "
            "or each slice's own."
        ),
    )
    margin_mm: NonNegativeFloat = Field(
        default=0.0, le=100, description="Margin around the bounding box, in mm, as far as the volume reaches."
    )
    clip_sd: PositiveFloat | None = Field(
        default=None,
        description=(
            "Z-scores beyond this many standard deviations are set to it before they are stretched to [-1, 1]; null clips "
            "nothing."
        ),
    )
    scale_over: Literal["slice", "case"] = Field(
        default="slice",
        description="Pixels that mean, standard deviation, minimum and maximum are taken from: each crop's own, or the case's three.",
    )
    size: PositiveInt = Field(
        default=224,
        ge=32,
        le=1024,
        multiple_of=32,
        description="Rows and columns after resizing by nearest neighbour, in pixels; a multiple of the networks' stride, 32.",
    )


@dataclass(frozen=True, eq=False)
class ThreeSlices:
    """The slices of one case; the fields are those of `vcfstats.contracts.slices.SliceStack`, without the first axis."""

    images: npt.NDArray[np.uint8]
    index: npt.NDArray[np.int64]
    wanted: npt.NDArray[np.int64]
    area: npt.NDArray[np.int64]
    box: npt.NDArray[np.int64]


def sagittal_view(image: sitk.Image) -> npt.NDArray[np.generic]:
    """Return the sagittal planes of a volume, however it is stored, shape (slices, rows, columns).

    Slices run from the patient's right to the left, rows from head to foot, columns from front to back; an oblique
    volume is taken along its own axes, each named by the patient's axis that it lies nearest to.
    """
    array: npt.NDArray[np.generic] = sitk.GetArrayFromImage(sitk.DICOMOrient(image, ORIENTATION))
    return np.moveaxis(array[::-1], 2, 0)


def choose_slices(area: npt.NDArray[np.integer], offset: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Choose the slice with the largest region and its neighbours at `offset` slices on both sides.

    Of several slices that are equally large, the middle one is taken (the lower of two). Where the slice at the offset
    lies outside the volume or holds no region, the nearest slice between it and the largest that does is taken; at the
    very edge of a region that is the largest slice itself.

    Parameters
    ----------
    area : int array, shape (slices,)
        Voxels of the region in each slice.
    offset : int
        Slices, at least 1.

    Returns
    -------
    index : int64 array, shape (3,)
        The largest, its neighbour at a lower number, its neighbour at a higher number.
    wanted : int64 array, shape (3,)
        The same before the edge was considered.

    Raises
    ------
    ValueError
        No slice holds the region.

    Examples
    --------
    >>> import numpy as np
    >>> index, wanted = choose_slices(np.array([0, 4, 9, 9, 9, 2]), 3)
    >>> index.tolist(), wanted.tolist()
    ([3, 1, 5], [3, 0, 6])
    """
    if not area.any():
        raise ValueError("the region is empty")
    largest = np.flatnonzero(area == area.max())
    centre = int(largest[(len(largest) - 1) // 2])
    held = np.flatnonzero(area)
    below = held[(held >= centre - offset) & (held <= centre)].min()
    above = held[(held <= centre + offset) & (held >= centre)].max()
    return np.array([centre, below, above]), np.array([centre, centre - offset, centre + offset])


def resize_nearest(plane: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    """Resize a plane to `size` x `size` pixels, each taking the value of the pixel that holds its centre."""
    rows, columns = (((np.arange(size) + 0.5) * count / size).astype(int) for count in plane.shape)
    return plane[np.ix_(rows, columns)]


def three_slices(image: sitk.Image, mask: sitk.Image, settings: SliceSettings) -> ThreeSlices:
    """Cut three sagittal slices, crop, z-score, stretch to [-1, 1], resize, and store as uint8.

    Without `clip_sd` the z-score has no effect, since the stretch (x - min) / (max - min) * 2 - 1 undoes any shift and
    any scale. Neither the crop nor the resizing keeps the region's proportions: a box of any shape becomes a square.
    The value v in [-1, 1] is stored as the integer nearest to (v + 1) * 127.5; reading back is off by at most 1 / 255.

    Parameters
    ----------
    image : SimpleITK.Image
        3D scalar image, preprocessed.
    mask : SimpleITK.Image
        1 inside the region, on the image's grid.
    settings : SliceSettings
        Every choice made on the way.

    Returns
    -------
    ThreeSlices
        Pixels, and where they come from.

    Raises
    ------
    ValueError
        The region is empty, or a crop is constant.
    """
    inside = sagittal_view(mask) == 1
    planes = sagittal_view(sitk.Cast(image, sitk.sitkFloat64))
    across, *in_plane = sagittal_spacing(image)
    area = inside.sum(axis=(1, 2))
    index, wanted = choose_slices(area, _offset(settings, across))
    margins = [round(settings.margin_mm / step) for step in in_plane]
    boxes = [_box(inside[number if settings.box == "each_slice" else index[0]], margins) for number in index]
    crops = [
        planes[number, top:bottom, left:right].astype(np.float64)
        for number, (top, bottom, left, right) in zip(index, boxes, strict=True)
    ]
    pixels = [resize_nearest(crop, settings.size) for crop in _scaled(crops, settings)]
    return ThreeSlices(
        images=np.floor((np.array(pixels) + 1.0) * 127.5 + 0.5).astype(np.uint8),
        index=index,
        wanted=wanted,
        area=area[index].astype(np.int64),
        box=np.array(boxes, dtype=np.int64),
    )


def sagittal_spacing(image: sitk.Image) -> tuple[float, float, float]:
    """Return the spacing in mm across slices, between rows and between columns of the sagittal view."""
    x, y, z = sitk.DICOMOrient(image, ORIENTATION).GetSpacing()
    return x, z, y


def _offset(settings: SliceSettings, spacing: float) -> int:
    return settings.offset if settings.offset_unit == "slices" else max(1, round(settings.offset / spacing))


def _box(region: npt.NDArray[np.bool_], margins: Sequence[int]) -> tuple[int, int, int, int]:
    ends: list[int] = []
    for axis, margin in enumerate(margins):
        held = np.flatnonzero(region.any(axis=1 - axis))
        ends += [max(int(held[0]) - margin, 0), min(int(held[-1]) + 1 + margin, region.shape[axis])]
    return ends[0], ends[1], ends[2], ends[3]


def _scaled(crops: list[npt.NDArray[np.float64]], settings: SliceSettings) -> list[npt.NDArray[np.float64]]:
    if settings.scale_over == "slice":
        return [_stretch(crop, crop, settings.clip_sd) for crop in crops]
    pool = np.concatenate([crop.ravel() for crop in crops])
    return [_stretch(crop, pool, settings.clip_sd) for crop in crops]


def _stretch(
    crop: npt.NDArray[np.float64], pool: npt.NDArray[np.float64], clip_sd: float | None
) -> npt.NDArray[np.float64]:
    """Z-score by the pool's mean and standard deviation, clip, and map the pool's range to [-1, 1]."""
    if pool.min() == pool.max():
        raise ValueError(f"the crop of {pool.size} pixels is constant ({pool.flat[0]:g})")
    mean, deviation = pool.mean(), pool.std()
    limit = np.inf if clip_sd is None else clip_sd
    low, high = np.clip((np.array([pool.min(), pool.max()]) - mean) / deviation, -limit, limit)
    z: npt.NDArray[np.float64] = np.clip((crop - mean) / deviation, low, high)
    z *= 2.0 / (high - low)
    z -= (high + low) / (high - low)
    return z


def slice_cases(
    cases: Sequence[Case],
    settings: SliceSettings,
    *,
    cache: Path,
    workers: int = 1,
    scheduler: str | None = None,
) -> tuple[SliceStack, FeatureDescription]:
    """Cut the three slices of every case.

    Parameters
    ----------
    cases : sequence of Case
        The cohort, preprocessed.
    settings : SliceSettings
        Which slices, and what becomes of them.
    cache : Path
        Folder in which finished cases are kept.
    workers : int
        Parallel processes.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then take their place; all must see the same files.

    Returns
    -------
    stack : SliceStack
        The slices, in the order of the cases; `vcfstats.contracts.slices.write_slices` makes one file of it.
    description : FeatureDescription
        Versions, settings, and the hashes of each case's image and mask.

    Raises
    ------
    ValueError
        There are no cases, or one stands twice.
    InputError
        All cases that cannot be read or cut, once the others are finished.
    """
    if not cases:
        raise ValueError("no cases were given; at least one is needed")
    results = run_cases(
        functools.partial(_slice_case, settings=settings, cache=cache.absolute()),
        [replace(case, image=case.image.absolute(), mask=case.mask.absolute()) for case in cases],
        workers=workers,
        label="slices",
        scheduler=scheduler,
        shared=cache,
    )
    stack = SliceStack(
        case_ids=tuple(case.case_id for case in cases),
        images=np.stack([cut.images for cut, _ in results]),
        index=np.stack([cut.index for cut, _ in results]),
        wanted=np.stack([cut.wanted for cut, _ in results]),
        area=np.stack([cut.area for cut, _ in results]),
        box=np.stack([cut.box for cut, _ in results]),
    )
    description = FeatureDescription(
        versions={package: version(package) for package in _PACKAGES},
        settings=settings.model_dump(mode="json"),
        inputs={case.case_id: hashes for case, (_, hashes) in zip(cases, results, strict=True)},
    )
    return stack, description


def _slice_case(case: Case, *, settings: SliceSettings, cache: Path) -> tuple[ThreeSlices, dict[str, str]]:
    def make(folder: Path) -> None:
        image, mask = load_case(case)
        try:
            cut = three_slices(image, mask, settings)
        except ValueError as error:
            allowed = f"a region and intensities that {N_SLICES} slices can be cut from"
            mend = "look at the image and the mask of this patient"
            raise InputError(Problem(str(error), allowed, mend, patient=case.case_id, file=case.image)) from error
        np.savez_compressed(folder / "slices.npz", allow_pickle=False, **vars(cut))

    hashes = {"image": path_hash(case.image), "mask": path_hash(case.mask)}
    key = entry_key(
        **hashes,
        label=case.mask_label,
        settings=settings.model_dump(mode="json"),
        code=code_version(_MODULES, _PACKAGES),
    )
    with np.load(cached(cache, "slices", key, make) / "slices.npz", allow_pickle=False) as archive:
        return ThreeSlices(**archive), hashes
