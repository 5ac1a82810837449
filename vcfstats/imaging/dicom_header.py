"""One DICOM file's header: what kind of object it is, whether its pixels are whole, and how stored values become intensities."""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from vcfstats.imaging.headers.content import unpacked_size
from vcfstats.imaging.headers.declared import COARSEST_MM, FINEST_MM, LARGEST, LARGEST_BYTES, regular

# What tells volumes apart, puts their images in order and gives their voxels a value and a size; nothing else of a header
# is read, no name, no date, no free text. Whose images they are is compared among the images of a volume, and told nobody.
_TAGS = [
    "SOPClassUID", "SeriesInstanceUID", "SeriesNumber", "ImageType", "EchoNumbers", "EchoTime", "FrameOfReferenceUID",
    "ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "Rows", "Columns", "NumberOfFrames",
    "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "Units", "Modality", "PatientID", "ModalityLUTSequence", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]  # fmt: skip

# What pydicom raises over a DICOM file that is cut short, or holds values that break the standard.
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    struct.error,
    NotImplementedError,
    OverflowError,
)

_LABEL_MAP = (
    "save it as a label map in NIfTI or NRRD (in 3D Slicer: load it with its images, then export the segmentation)"
)
# Objects that hold no volume of intensities: the start of their SOP class -> what they are, and what to do.
_OBJECTS = {
    "66.4": ("a DICOM segmentation (SEG), whose voxels of one bit are not read", _LABEL_MAP),
    "66.7": ("a DICOM segmentation (SEG)", _LABEL_MAP),
    "66.5": ("a DICOM surface segmentation, which holds no voxels", _LABEL_MAP),
    "481.3": ("an RT structure set (RTSTRUCT): contours, no voxels", f"fill its contours on the image's grid and {_LABEL_MAP}"),
    "481.": ("an object of radiotherapy, no image", "name the images"),
    "88.": ("a DICOM report, no image", "name the images"),
    "11.": ("a DICOM presentation state, no image", "name the images"),
    "104.": ("a document, no image", "name the images"),
    "9.": ("a waveform, no image", "name the images"),
    "4.2": ("a spectrum, no image", "name the images"),
    "66": ("DICOM raw data or a registration, no image", "name the images"),
    "67": ("a mapping of values, no image", "name the images"),
    "30": ("a parametric map, whose voxels of floating point are not read", "save it as NIfTI or NRRD"),
}  # fmt: skip
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_DIRECTORY = "1.2.840.10008.1.3.10"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META = 4096  # bytes within which a file says how it is packed
_ITEM, _END, _UNDEFINED = 0xFFFEE000, 0xFFFEE0DD, 0xFFFFFFFF
_MANY = 1_000_000  # frames, or fragments of compressed pixels


@dataclass(frozen=True)
class Scale:
    """How a stored value becomes an intensity."""

    slope: float = 1.0
    intercept: float = 0.0


Known = dict[tuple[Any, ...], tuple[str, Any]]


class Values:
    """A header's values by their keywords, each decoded once: images of a series repeat most of each other's bytes.

    Parameters
    ----------
    header : pydicom.Dataset
        As read; pydicom decodes a value when it is first asked for, and may fail then.
    known : dict
        What was decoded before, to which new values are added.
    """

    def __init__(self, header: Any, known: Known) -> None:
        self.file_meta = header.file_meta
        self._own: dict[str, Any] = {}
        for tag in list(header.keys()):  # iterating over the dataset itself decodes it
            raw = header.get_item(tag)
            key = (tag, getattr(raw, "VR", None), getattr(raw, "is_little_endian", True), raw.value)
            if not isinstance(raw.value, bytes):  # a sequence, which pydicom has decoded
                self._own[header[tag].keyword] = header[tag].value
                continue
            if key not in known:
                element = header[tag]
                known[key] = (element.keyword, element.value)
            name, value = known[key]
            self._own[name] = value

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or the default where the header has none."""
        return self._own.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._own

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_own"][name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class Header:
    """A DICOM file's header.

    Attributes
    ----------
    path : Path
        The file.
    values : Values
        What was read of it.
    frames : int
        Number of its images.
    defect : str or None
        What is wrong with it.
    scales : tuple of Scale
        One a frame, empty where there is a defect.
    """

    path: Path
    values: Any
    frames: int
    defect: str | None
    scales: tuple[Scale, ...] = ()


def _check_deflated(first: bytes, path: Path) -> None:
    """Refuse a deflated file that unpacks to more than an image may have: pydicom unpacks the whole at once."""
    if _DEFLATED not in first:
        return
    place = 132  # after the preamble; elements of group 2 are never packed
    while first[place : place + 2] == b"\x02\0":
        long = first[place + 4 : place + 6] in (b"OB", b"UN")
        (length,) = struct.unpack_from("<I" if long else "<H", first, place + (8 if long else 6))
        place += (12 if long else 8) + length
    if unpacked_size(path, place) > LARGEST_BYTES:
        raise ValueError(f"more than {LARGEST}")


@functools.cache
def _tags() -> list[Any]:
    """Return the tags once: to find one by its name takes longer than to read its value."""
    from pydicom.tag import Tag

    return [Tag(name) for name in _TAGS]


def read_header(path: Path, known: Known) -> Header:
    """Read a file's header; raises `pydicom.errors.InvalidDicomError` or one of `UNREADABLE` where it has none, or none of an image.

    `known` holds what was decoded of other headers of its folder.
    """
    import pydicom  # slow to load, and no other format needs it

    with path.open("rb") as stream:
        _check_deflated(stream.read(_META), path)
        stream.seek(0)
        try:
            values = Values(pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=_tags()), known)
        except pydicom.errors.BytesLengthException as error:
            raise ValueError(str(error)) from None
        here = stream.tell()
        if object_of(values) is not None:
            return Header(path, values, 1, None)
        if lacking := [name for name in ("SeriesInstanceUID", "Rows", "Columns") if values.get(name) in (None, "")]:
            raise ValueError(f"no {lacking[0]}")
        frames = _whole(values.get("NumberOfFrames")) if values.get("NumberOfFrames") not in (None, "") else 1
        try:
            if frames is None or not 1 <= frames <= _MANY:
                return Header(path, values, 1, f"a NumberOfFrames of {values.NumberOfFrames}")
            defect = _kind_defect(values) or _pixel_defect(path, stream, here, values, frames)
            scales = () if defect else _scales(values, frames)
        except UNREADABLE:
            return Header(path, values, frames or 1, "a header that breaks the standard")
    for scale in scales:
        if not (math.isfinite(scale.slope) and math.isfinite(scale.intercept) and 1e-30 < abs(scale.slope) < 1e30):
            return Header(
                path, values, frames, f"a RescaleSlope of {scale.slope:g} and a RescaleIntercept of {scale.intercept:g}"
            )
    return Header(path, values, frames, defect, scales)


def object_of(values: Any) -> tuple[str, str] | None:
    """Return what an object is that is no image, and what to do with it; None for images."""
    uid = str(values.get("SOPClassUID", ""))
    if uid == _DIRECTORY or str(values.file_meta.get("MediaStorageSOPClassUID", "")) == _DIRECTORY:
        return "a directory of a disc (DICOMDIR), no image", "name the folder that holds the images"
    own = uid.removeprefix(_STORAGE)
    if own == uid:
        return None
    return next(
        (what for start, what in _OBJECTS.items() if own == start or (own.startswith(start) and start.endswith("."))),
        _OBJECTS["66"] if own.startswith("66.") else None,
    )


def pixel_spacing(values: Any) -> tuple[float, float] | None:
    """Return the distances of columns and of rows in mm, or None where a header holds no two numbers that could be."""
    try:
        down, across = (float(value) for value in values.PixelSpacing)
    except (AttributeError, TypeError, ValueError):
        return None
    return (across, down) if all(FINEST_MM <= value <= COARSEST_MM for value in (across, down)) else None


def spacing_defect(values: Any) -> str:
    """Say what stands in the place of a pixel spacing."""
    given = values.get("PixelSpacing")
    if given in (None, ""):
        return "no PixelSpacing"
    told = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return f"a PixelSpacing of {' x '.join(str(value).removesuffix('.0') or 'nothing' for value in told)}"


def _whole(value: Any) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _kind_defect(values: Any) -> str | None:
    """Say what of a header's pixels is no plane of whole numbers."""
    rows, columns = _whole(values.get("Rows")), _whole(values.get("Columns"))
    if not rows or not columns or min(rows, columns) < 1:
        return f"{values.get('Rows')} rows and {values.get('Columns')} columns"
    samples, light = _whole(values.get("SamplesPerPixel", 1)), str(values.get("PhotometricInterpretation", ""))
    if samples != 1:
        return f"{samples} components a voxel ({light})"
    if light not in ("MONOCHROME1", "MONOCHROME2"):
        return f"pixels of the kind {light or 'unknown'} where MONOCHROME2 is allowed"
    allocated, stored = _whole(values.get("BitsAllocated")), _whole(values.get("BitsStored"))
    high, signed = _whole(values.get("HighBit")), _whole(values.get("PixelRepresentation"))
    if (
        allocated not in (8, 16, 32)
        or stored is None
        or not 1 <= stored <= allocated
        or high != stored - 1
        or signed not in (0, 1)
    ):
        told = (
            f"{name} {values.get(name)}" for name in ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
        )
        return f"pixels of {', '.join(told)}"
    if values.get("ModalityLUTSequence"):
        return "a table of intensities (ModalityLUTSequence), which is not applied"
    return None


def _pixel_defect(path: Path, stream: BinaryIO, here: int, values: Any, frames: int) -> str | None:
    """Say how the pixels that follow a header are not as many as it declares."""
    wanted = values.Rows * values.Columns * frames * int(values.BitsAllocated) // 8
    if wanted > LARGEST_BYTES:
        return f"{wanted} bytes of pixels declared where {LARGEST} are allowed"
    syntax = values.file_meta.get("TransferSyntaxUID", "1.2.840.10008.1.2")
    if syntax == _DEFLATED.decode():  # unpacked as a whole, so that no place in the file is that of the pixels
        import pydicom

        return _length_defect(len(pydicom.dcmread(path, specific_tags=["PixelData"]).PixelData), wanted, values, frames)
    order = "<" if syntax.is_little_endian else ">"
    stream.seek(here)
    if regular(path) - here < 12:
        return "no PixelData"
    group, element, kind = struct.unpack(order + "HH2s", _read(stream, 6))
    if group != 0x7FE0 or element != 0x0010:
        return "no PixelData" if group != 0x7FE0 else "pixels of floating point, which are not read"
    if not syntax.is_implicit_VR and kind not in (b"OB", b"OW", b"UN"):
        return f"PixelData of the type {kind!r}"
    stream.seek(here + (4 if syntax.is_implicit_VR else 8))
    (length,) = struct.unpack(order + "I", _read(stream, 4))
    left = regular(path) - stream.tell()
    if length == _UNDEFINED:
        if not syntax.is_compressed:
            return "PixelData without a length"
        return _fragment_defect(stream, left, frames)
    if syntax.is_compressed:
        return "compressed PixelData that is not in fragments"
    if length > left:
        return f"PixelData that is cut short: {left} bytes where its header asks for {length}"
    return _length_defect(length, wanted, values, frames)


def _length_defect(length: int, wanted: int, values: Any, frames: int) -> str | None:
    if length in (wanted, wanted + wanted % 2):
        return None
    return f"{length} bytes of PixelData where {frames} x {values.Rows} x {values.Columns} pixels need {wanted}"


def _fragment_defect(stream: BinaryIO, left: int, frames: int) -> str | None:
    """Walk the fragments of compressed pixels to their end."""
    fragments = 0
    for number in range(_MANY):
        if left < 8:
            return "compressed PixelData that is cut short"
        group, element, length = struct.unpack("<HHI", _read(stream, 8))
        left -= 8
        tag = (group << 16) | element
        if tag == _END:
            return (
                None if fragments > frames - 1 else f"{fragments} compressed images where its header asks for {frames}"
            )
        if tag != _ITEM or length > left:
            return "compressed PixelData that is cut short or damaged"
        stream.seek(length, 1)
        left -= length
        fragments += number > 0 and length > 0  # the first item is the table of offsets
    return "compressed PixelData in too many fragments"


def _read(stream: BinaryIO, count: int) -> bytes:
    """Read so many bytes; fewer raise EOFError."""
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found


def _scales(values: Any, frames: int) -> tuple[Scale, ...]:
    """Return the scale of every frame: its own, else that of all frames, else the file's."""
    own = values.get("PerFrameFunctionalGroupsSequence") or []
    shared = (values.get("SharedFunctionalGroupsSequence") or [{}])[0]
    if own and len(own) != frames:
        raise ValueError("frames without groups")
    scales = []
    for number in range(frames):
        groups = [own[number], shared] if own else [shared]
        given = next(
            (
                group["PixelValueTransformationSequence"][0]
                for group in groups
                if "PixelValueTransformationSequence" in group
            ),
            values,
        )
        scales.append(Scale(_number(given, "RescaleSlope", 1.0), _number(given, "RescaleIntercept", 0.0)))
    return tuple(scales)


def _number(values: Any, name: str, default: float) -> float:
    value = values.get(name)
    return default if value in (None, "") else float(value)
