"""DICOM folders: which volumes lie in them, told apart by their headers, and one of them read whole."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

# What tells volumes apart and puts their images in order; nothing else of a header is read, no name, no date, no free text.
_TAGS = [
    "SeriesInstanceUID", "SeriesNumber", "ImageType", "EchoNumbers", "EchoTime", "ImageOrientationPatient",
    "ImagePositionPatient", "Rows", "Columns", "NumberOfFrames", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]  # fmt: skip
# Gaps between neighbours, and the places of images beside their common axis, may differ by this part of the usual gap:
# positions are rounded in headers.
_UNEVEN = 0.05


_ENDINGS = (".dcm", ".dicom", ".ima")  # of single files

# What pydicom raises over a DICOM file that is cut short, or holds values that break the standard.
_UNREADABLE = (OSError, EOFError, ValueError, TypeError, AttributeError, KeyError)


@dataclass(frozen=True)
class _Place:
    """Where an image lies: its first voxel, the directions of its rows and columns, for a frame the size of a pixel."""

    name: str
    axes: npt.NDArray[np.float64]
    position: npt.NDArray[np.float64]
    pixel: tuple[float, float] = (1.0, 1.0)


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
    frames : tuple
        Where the frames of a single file lie, in the order of the file.
    """

    name: str
    files: tuple[Path, ...]
    description: str
    defect: str | None
    spacing: float | None = None
    frames: tuple[_Place, ...] = ()

    def placed(self, image: sitk.Image) -> sitk.Image:
        """Return the volume as read from its files, frames of one file brought into their order in space."""
        if not self.frames or image.GetDimension() != 3 or image.GetDepth() != len(self.frames):
            return image
        axes = self.frames[0].axes
        normal = _normal(axes)
        order = np.argsort([frame.position @ normal for frame in self.frames], kind="stable")
        if (np.diff(order) == 1).all() or (np.diff(order) == -1).all():
            return image  # in order either way, ITK has it right, and masks drawn on it have its grid
        stacked = sitk.GetImageFromArray(sitk.GetArrayViewFromImage(image)[order])
        stacked.SetSpacing((*self.frames[0].pixel, self.spacing or 1.0))
        stacked.SetOrigin(self.frames[order[0]].position.tolist())
        stacked.SetDirection(np.column_stack([axes[:3], axes[3:], normal]).ravel().tolist())
        return stacked


def holds_dicom(path: Path) -> bool:
    """Whether a path is a folder, or a file that calls itself DICOM."""
    return path.is_dir() or path.suffix.lower() in _ENDINGS


def volumes(folder: Path) -> list[Volume]:
    """Return the volumes of a folder, or of one DICOM file, sorted by name.

    Files of another kind are passed over; one that is named like the images but cannot be read makes every volume defective,
    since it may be an image of any of them.
    """
    import pydicom  # slow to load, and no other format needs it
    from pydicom.errors import InvalidDicomError

    headers: dict[tuple[Any, ...], list[tuple[Path, Any]]] = defaultdict(list)
    unread = []
    entries = folder.iterdir() if folder.is_dir() else [folder]
    for path in sorted(entry for entry in entries if entry.is_file() and not entry.name.startswith(".")):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
            if "Rows" in header and "SeriesInstanceUID" in header:
                headers[_kind(header)].append((path, header))
        except (InvalidDicomError, *_UNREADABLE):
            unread.append(path)
    kinds = {_ending(path) for images in headers.values() for path, _ in images}
    lost = next((path.name for path in unread if _ending(path) in kinds), None)
    found = [_volume(name, headers[kind], lost) for kind, name in _names(list(headers)).items()]
    return sorted(found, key=lambda volume: volume.name)


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


def _volume(name: str, images: list[tuple[Path, Any]], lost: str | None) -> Volume:
    files = tuple(path for path, _ in images)
    first = images[0][1]
    count, time = len(images), _number(first.get("EchoTime"))
    frames = int(_number(first.get("NumberOfFrames")) or 1) if count == 1 else 1
    size = f"{count * frames} {'frame' if frames > 1 else 'image'}{'s' if count * frames > 1 else ''} of {first.Rows} x {first.Columns}"
    description = size + ("" if time is None else f", TE {time:g} ms")
    if lost is not None:
        return Volume(name, files, description, f"{lost} lies among the images and cannot be read as one")
    if count * frames == 1:
        return Volume(name, files, description, None)
    try:
        placed = _frames(first) if frames > 1 else [_place(path.name, header, header) for path, header in images]
    except _UNREADABLE:
        return Volume(name, files, description, "images that do not say where they lie")
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
        tuple(placed) if frames > 1 else (),
    )


def _frames(header: Any) -> list[_Place]:
    """Return the places of the frames of one file, in its order."""
    shared = header.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in header else {}
    places = []
    for number, own in enumerate(header.PerFrameFunctionalGroupsSequence, start=1):
        orientation = own if "PlaneOrientationSequence" in own else shared
        measures = own if "PixelMeasuresSequence" in own else shared
        place = _place(f"frame {number}", orientation["PlaneOrientationSequence"][0], own["PlanePositionSequence"][0])
        down, across = measures["PixelMeasuresSequence"][0].PixelSpacing
        places.append(replace(place, pixel=(float(across), float(down))))
    return places


def _place(name: str, orientation: Any, position: Any) -> _Place:
    axes = np.array(orientation.ImageOrientationPatient, dtype=np.float64)
    where = np.array(position.ImagePositionPatient, dtype=np.float64)
    if axes.shape != (6,) or where.shape != (3,) or not np.isfinite([*axes, *where]).all():
        raise ValueError("no place")
    return _Place(name, axes, where)


def _normal(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.cross(axes[:3], axes[3:])


def _defect(stack: Sequence[_Place], gaps: npt.NDArray[np.float64], normal: npt.NDArray[np.float64]) -> str | None:
    """Say what is wrong with the places of images that are sorted along their normal."""
    if any(np.abs(place.axes - stack[0].axes).max() > 1e-3 or place.pixel != stack[0].pixel for place in stack):
        return "images of several orientations or pixel sizes"
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
