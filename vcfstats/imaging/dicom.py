"""DICOM folders: which volumes lie in them, told apart by their headers, and one of them read whole."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from vcfstats.imaging.dicom_header import (
    UNREADABLE,
    Header,
    Known,
    object_of,
    pixel_spacing,
    read_header,
    spacing_defect,
)
from vcfstats.imaging.dicom_pixels import intensities, is_uniform
from vcfstats.imaging.headers.formats import is_known

# Gaps between neighbours, and the places of images beside their common axis, may differ by this part of the usual gap:
# positions are rounded in headers.
_UNEVEN = 0.05
_ENDINGS = (".dcm", ".dicom", ".ima")  # of single files
# What the images of one volume have in common. (Of the study's UID programs write one for each image.)
_COMMON = (
    "Rows", "Columns", "PhotometricInterpretation", "FrameOfReferenceUID", "Units", "RescaleType", "Modality", "PatientID",
)  # fmt: skip
_UNTOLD = ("PatientID",)  # of these a message says that they differ, never what they are


@dataclass(frozen=True)
class _Place:
    """Where an image lies: its first voxel, the directions of its rows and columns, the distances of columns and rows."""

    name: str
    axes: npt.NDArray[np.float64]
    position: npt.NDArray[np.float64]
    pixel: tuple[float, float]


@dataclass(frozen=True)
class Volume:
    """One volume of a DICOM folder.

    Attributes
    ----------
    name : str
        Series number, with the echo and the image type where the series holds several: ``4``, ``4.e2``, ``4.W``.
    files : tuple of Path
        Its images, along the normal of the slices; one file where it holds many frames.
    description : str
        Number and size of its images and the echo time, for messages.
    defect : str or None
        What is wrong with its images or their places.
    spacing : float or None
        Distance between neighbouring images, in mm.
    stack : tuple
        Where its images lie, in the order of `files`, or of the frames of a single file; empty for one image.
    headers : tuple of Header
        Those of `files`.
    """

    name: str
    files: tuple[Path, ...]
    description: str
    defect: str | None
    spacing: float | None = None
    stack: tuple[_Place, ...] = ()
    headers: tuple[Header, ...] = field(default=(), repr=False)

    def read(self) -> sitk.Image:
        """Return the volume with each image's intensities, and the grid that its headers give it.

        Raises
        ------
        RuntimeError
            ITK cannot read its pixels.
        """
        uniform = is_uniform(self.headers)
        if uniform:
            names = [str(file) for file in self.files]
            image = sitk.ReadImage(names if len(names) > 1 else names[0], imageIO="GDCMImageIO")
        else:
            image = sitk.GetImageFromArray(intensities(self.headers))
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise RuntimeError("ERROR: pixels that are no planes of one component")
        if image.GetSize() != (self.headers[0].values.Columns, self.headers[0].values.Rows, max(len(self.stack), 1)):
            raise RuntimeError(f"ERROR: {image.GetSize()} voxels, other than the headers say")
        if not self.stack:
            return self._alone(image)
        if uniform and self._fits(image):
            return image  # its last digits are those of masks that were drawn on it
        return self._rebuilt(image)

    def _alone(self, image: sitk.Image) -> sitk.Image:
        """Give a single image its pixel size, and its place where its header has one."""
        across, down = pixel_spacing(self.headers[0].values) or (1.0, 1.0)
        image.SetSpacing((across, down, image.GetSpacing()[2]))
        return image

    def _fits(self, image: sitk.Image) -> bool:
        """Whether ITK placed the images, in the order of `stack`, where the headers do."""
        step = self.spacing or 1.0
        axes = np.array(image.GetDirection()).reshape(3, 3)
        first = self.stack[0]
        origin = np.array(image.GetOrigin())
        if not np.allclose(image.GetSpacing()[:2], first.pixel, rtol=1e-4, atol=0):
            return False
        if abs(image.GetSpacing()[2] - step) > _UNEVEN * step or np.abs(origin - first.position).max() > 0.01 * step:
            return False
        if np.abs(axes[:, :2].T.ravel() - first.axes).max() > 1e-3:
            return False
        along = (self.stack[-1].position - first.position) @ axes[:, 2]
        return bool(abs(along - step * (len(self.stack) - 1)) <= _UNEVEN * step * len(self.stack)) and self._in_order()

    def _in_order(self) -> bool:
        """Whether the images lie in space in their order, or in its reverse."""
        places = np.array([place.position for place in self.stack]) @ _normal(self.stack[0].axes)
        return bool((np.diff(places) > 0).all() or (np.diff(places) < 0).all())

    def _rebuilt(self, image: sitk.Image) -> sitk.Image:
        """Return the images in their order in space, on the grid of their headers."""
        axes = self.stack[0].axes
        normal = _normal(axes)
        order = np.argsort([place.position @ normal for place in self.stack], kind="stable")
        stacked = sitk.GetImageFromArray(sitk.GetArrayViewFromImage(image)[order])
        stacked.SetSpacing((*self.stack[0].pixel, self.spacing or 1.0))
        stacked.SetOrigin(self.stack[order[0]].position.tolist())
        stacked.SetDirection(np.column_stack([axes[:3], axes[3:], normal]).ravel().tolist())
        return stacked


@dataclass(frozen=True)
class Contents:
    """What lies in a DICOM folder, or in one file: volumes sorted by name, and objects that are no images.

    Attributes
    ----------
    volumes : list of Volume
        Its volumes.
    objects : list of (Path, str, str)
        Files that hold a segmentation, a report or the like: what it is, and what to do with it.
    """

    volumes: list[Volume]
    objects: list[tuple[Path, str, str]]

    @property
    def drawing(self) -> tuple[Path, str, str] | None:
        """The first of its objects that holds a region, in a form that is no label map."""
        return next((each for each in self.objects if "label map" in each[2]), None)


def holds_dicom(path: Path) -> bool:
    """Whether a path is a folder, or a file that calls itself DICOM by its name, or has no known name and begins as one."""
    if path.is_dir() or path.suffix.lower() in _ENDINGS:
        return True
    if is_known(path) or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def volumes(folder: Path) -> list[Volume]:
    """Return the volumes of a folder, or of one DICOM file, sorted by name.

    Files of another kind are passed over; one that is named like the images but cannot be read makes every volume defective,
    since it may be an image of any of them.
    """
    return contents(folder).volumes


def contents(folder: Path) -> Contents:
    """Return the volumes and other objects of a folder, or of one DICOM file; see `volumes`."""
    from pydicom.errors import InvalidDicomError  # slow to load, and no other format needs it

    headers: dict[tuple[Any, ...], list[Header]] = defaultdict(list)
    known: Known = {}
    unread, objects = [], []
    entries = folder.iterdir() if folder.is_dir() else [folder]
    for path in sorted(entry for entry in entries if entry.is_file() and not entry.name.startswith(".")):
        try:
            header = read_header(path, known)
            if (what := object_of(header.values)) is not None:
                objects.append((path, *what))
            else:
                headers[_kind(header.values)].append(header)
        except (InvalidDicomError, *UNREADABLE):
            unread.append(path)
    kinds = {_ending(header.path) for images in headers.values() for header in images}
    lost = next((path.name for path in unread if _ending(path) in kinds), None)
    found = [_volume(name, headers[kind], lost) for kind, name in _names(list(headers)).items()]
    return Contents(sorted(found, key=lambda volume: volume.name), objects)


def _ending(path: Path) -> str:
    """Return the ending of a name; none for the numbers that scanners end names with."""
    ending = path.suffix.lower()
    return "" if ending[1:].isdigit() else ending


def _kind(header: Any) -> tuple[Any, ...]:
    number = header.get("SeriesNumber")
    echo = header.get("EchoNumbers")
    types = tuple(str(part) for part in header.get("ImageType", ()))[2:]
    return (
        str(header.SeriesInstanceUID),
        "" if number is None else str(number),
        "" if echo in (None, "") else str(echo),
        _number(header.get("EchoTime")),
        types,
    )


def _number(value: Any) -> float | None:
    try:
        return None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return None


def _names(kinds: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
    """Give each volume the shortest name that tells it from the others."""
    by_series: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for kind in kinds:
        by_series[kind[0]].append(kind)
    names = {}
    for own in by_series.values():
        for kind in own:
            _, number, echo, time, types = kind
            name = number or "series"
            if len({(other[2], other[3]) for other in own}) > 1:
                times = sorted({(other[3] or 0.0, other[2]) for other in own})
                name += (
                    f".e{echo}" if len({other[2] for other in own}) > 1 else f".e{times.index((time or 0.0, echo)) + 1}"
                )
            if len({other[4] for other in own}) > 1:
                name += "." + "_".join(types)
            names[kind] = re.sub(r"[^A-Za-z0-9_.-]", "-", name)
    # Two series of one number are told apart by the end of their identifiers.
    shared = {name for name in names.values() if list(names.values()).count(name) > 1}
    return {
        kind: f"{name}.{kind[0].rsplit('.', 1)[-1][-8:]}" if name in shared else name for kind, name in names.items()
    }


def _volume(name: str, images: list[Header], lost: str | None) -> Volume:
    files = tuple(header.path for header in images)
    first = images[0].values
    count, time = len(images), _number(first.get("EchoTime"))
    frames = images[0].frames if count == 1 else 1
    size = f"{count * frames} {'frame' if frames > 1 else 'image'}{'s' if count * frames > 1 else ''} of {first.get('Rows')} x {first.get('Columns')}"
    description = size + ("" if time is None else f", TE {time:g} ms")

    def defective(defect: str) -> Volume:
        return Volume(name, files, description, defect, headers=tuple(images))

    if lost is not None:
        return defective(f"{lost} lies among the images and cannot be read as one")
    if (found := _own_defect(images)) is not None:
        return defective(found)
    if frames == 1 and (bare := next((header for header in images if pixel_spacing(header.values) is None), None)):
        return defective(
            f"{bare.path.name} has {spacing_defect(bare.values)}, so that the size of its pixels is unknown"
        )
    if count * frames == 1:
        return Volume(name, files, description, None, headers=tuple(images))
    try:
        placed = _frames(images[0]) if frames > 1 else [_place(h.path.name, h.values, h.values) for h in images]
    except UNREADABLE:
        return defective("images that do not say where they lie, or how large their pixels are")
    normal = _normal(placed[0].axes)
    order = sorted(range(len(placed)), key=lambda index: float(placed[index].position @ normal))
    stack = [placed[index] for index in order]
    gaps = np.diff([place.position @ normal for place in stack])
    return Volume(
        name,
        files if frames > 1 else tuple(files[index] for index in order),
        description,
        _defect(stack, gaps, normal),
        float(np.mean(gaps)),
        tuple(placed) if frames > 1 else tuple(stack),
        tuple(images) if frames > 1 else tuple(images[index] for index in order),
    )


def _own_defect(images: Sequence[Header]) -> str | None:
    """Say what is wrong with an image's own pixels, or what one has and another has not."""
    for header in images:
        if header.defect is not None:
            return f"{header.path.name} has {header.defect}"
        if len(images) > 1 and header.frames > 1:
            return f"{header.path.name} has {header.frames} frames beside files of other images"
    first = images[0]
    for name in _COMMON:
        told = [str(header.values.get(name, "none")) for header in images]
        other = next((index for index, value in enumerate(told) if value != told[0]), None)
        if other is not None and name in _UNTOLD:
            return f"{first.path.name} and {images[other].path.name} differ in {name}"
        if other is not None:
            return f"{first.path.name} has {name} {told[0]} and {images[other].path.name} {told[other]}"
    return None


def _frames(header: Header) -> list[_Place]:
    """Return the places of the frames of one file, in its order."""
    values = header.values
    shared = values.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in values else {}
    places = []
    for number, own in enumerate(values.PerFrameFunctionalGroupsSequence, start=1):
        groups = [own if name in own else shared for name in ("PlaneOrientationSequence", "PixelMeasuresSequence")]
        pixel = pixel_spacing(groups[1]["PixelMeasuresSequence"][0])
        if pixel is None:
            raise ValueError("no size of pixels")
        orientation = groups[0]["PlaneOrientationSequence"][0]
        places.append(_place(f"frame {number}", orientation, own["PlanePositionSequence"][0], pixel))
    return places


def _place(name: str, orientation: Any, position: Any, pixel: tuple[float, float] | None = None) -> _Place:
    axes = np.array(orientation.ImageOrientationPatient, dtype=np.float64)
    where = np.array(position.ImagePositionPatient, dtype=np.float64)
    if axes.shape != (6,) or where.shape != (3,) or not np.isfinite([*axes, *where]).all():
        raise ValueError("no place")
    pixel = pixel or pixel_spacing(orientation)
    if pixel is None:
        raise ValueError("no size of pixels")
    return _Place(name, axes, where, pixel)


def _normal(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.cross(axes[:3], axes[3:])


def _defect(stack: Sequence[_Place], gaps: npt.NDArray[np.float64], normal: npt.NDArray[np.float64]) -> str | None:
    """Say what is wrong with the places of images that are sorted along their normal."""
    across, down = stack[0].axes[:3], stack[0].axes[3:]
    if max(abs(across @ across - 1), abs(down @ down - 1), abs(across @ down)) > 1e-3:
        return f"an orientation in {stack[0].name} whose axes are not at right angles"
    for place in stack:
        if np.abs(place.axes - stack[0].axes).max() > 1e-3:
            return f"images of several orientations ({stack[0].name} and {place.name})"
        if not np.allclose(place.pixel, stack[0].pixel, rtol=1e-4, atol=0):
            sizes = [" x ".join(f"{value:g}" for value in reversed(each.pixel)) for each in (stack[0], place)]
            return f"pixels of {sizes[0]} mm in {stack[0].name} and of {sizes[1]} mm in {place.name}"
    usual = float(np.median(gaps))
    worst = int(np.argmax(np.abs(gaps - usual)))
    if np.min(gaps) < 1e-3:
        at = int(np.argmin(gaps))
        return f"two images at one place ({stack[at].name} and {stack[at + 1].name})"
    if abs(gaps[worst] - usual) > _UNEVEN * usual:
        between = f"between {stack[worst].name} and {stack[worst + 1].name}"
        return f"a gap of {gaps[worst]:.2f} mm {between} where {usual:.2f} mm are usual"
    offsets = np.array([place.position - stack[0].position for place in stack])
    beside = np.linalg.norm(offsets - np.outer(offsets @ normal, normal), axis=1)
    if beside.max() > _UNEVEN * usual:
        return f"{stack[int(np.argmax(beside))].name} {beside.max():.2f} mm beside the axis of the first image"
    return None
