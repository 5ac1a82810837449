"""NIfTI-1: one file (.nii, .nii.gz), or a header and its voxels in two (.hdr with .img)."""

from __future__ import annotations

import functools
import gzip
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vcfstats.imaging.headers import content
from vcfstats.imaging.headers.declared import (
    EXPORT,
    Declared,
    DefectError,
    beside,
    checked_axes,
    checked_origin,
    checked_size,
    checked_spacing,
    numbers,
    regular,
)

_PAIR = (".hdr.gz", ".hdr", ".img.gz", ".img")
ENDINGS = (".nii", ".nii.gz", *_PAIR)
_HEADER = 348
_SINGLE = 352  # header and the four bytes that say whether more of it follows
_FORMAT = "a NIfTI-1 file"
# Code of the voxels' type -> its bits. Colours and complex numbers are no intensities, and ITK halves 128 bits.
_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64}
_FLOATS = {16: "f4", 64: "f8"}
_OTHERS = {
    0: "of no stated type",
    1: "of one bit",
    32: "complex",
    128: "RGB colours",
    1536: "of 128 bits",
    1792: "complex",
    2048: "complex",
    2304: "RGBA colours",
}
_UNITS = {1: "metres", 3: "micrometres"}


class _Fields(NamedTuple):
    """What is looked at of a header."""

    dim: tuple[int, ...]
    datatype: int
    bitpix: int
    pixdim: tuple[float, ...]
    offset: float
    slope: float
    intercept: float
    units: int
    qform: int
    sform: int
    quatern: tuple[float, ...]
    place: tuple[float, ...]
    rows: tuple[float, ...]
    order: str
    magic: bytes


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files of an image, the header first, whichever of a pair's two is named; raise `DefectError` where one is missing."""
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return (path,)
    ending = next(ending for ending in _PAIR if name.endswith(ending))
    stem = path.name[: -len(ending)]
    upper = path.name[-len(ending) :].isupper()
    pair = {each: path.with_name(stem + (each.upper() if upper else each)) for each in _PAIR}
    headers, voxels = (
        [pair[each] for each in _PAIR if kind in each and pair[each].exists()] for kind in ("hdr", "img")
    )
    if len(headers) != 1 or len(voxels) != 1:
        there = ", ".join(sorted(each.name for each in pair.values() if each.exists())) or "neither"
        raise DefectError(
            f"of the files of a pair {there}",
            f"{stem}.hdr and {stem}.img",
            "put the one that is meant beside the other",
        )
    return headers[0], beside(headers[0], voxels[0].name)


def declared(path: Path) -> Declared:
    """Read the header of an image; raise `DefectError` where it cannot be what it says."""
    parts = files_of(path)
    header, voxels = parts[0], parts[-1]
    single = header == voxels
    packed = voxels.name.lower().endswith(".gz")
    for part in parts:
        regular(part)
    fields = _read(header, single=single)
    bits = _type(fields)
    size = fields.dim[1 : 1 + fields.dim[0]]
    total = checked_size(size, bits // 8)
    start = _start(fields, single=single)
    spatial = min(3, len(size))
    _units(fields.units)
    spacing = checked_spacing(fields.pixdim[1 : 1 + spatial], "voxel sizes (pixdim)")
    _scaling(fields)
    notes = _placed(fields, spacing) if spatial == 3 else ()
    finite = _Finite(fields.order + _FLOATS[fields.datatype]) if fields.datatype in _FLOATS else None
    return Declared(
        reader="NiftiImageIO",
        parts=parts,
        size=size[:3],
        spacing=spacing,
        check=functools.partial(_check, voxels, start, total, finite, packed=packed),
        notes=notes,
    )


def _read(header: Path, *, single: bool) -> _Fields:
    packed = header.name.lower().endswith(".gz")
    if packed:
        content.begins(header, 0)
    opener: Callable[[Path, str], Any] = gzip.open if packed else open
    with opener(header, "rb") as stream:
        first = b"".join(content.pieces(stream, _SINGLE - 1))
    if len(first) < (_SINGLE if single else _HEADER):
        raise DefectError(f"{len(first)} bytes, too few for a NIfTI header", _FORMAT)
    order = next((order for order in "<>" if struct.unpack_from(order + "i", first)[0] == _HEADER), None)
    if order is None:
        if struct.unpack_from("<i", first)[0] in (540, 0x1C020000):
            raise DefectError("a NIfTI-2 file", _FORMAT, "save it as NIfTI-1")
        raise DefectError("no NIfTI header", _FORMAT)

    def field(letters: str, place: int) -> tuple[Any, ...]:
        return struct.unpack_from(order + letters, first, place)

    fields = _Fields(
        dim=field("8h", 40),
        datatype=field("h", 70)[0],
        bitpix=field("h", 72)[0],
        pixdim=field("8f", 76),
        offset=field("f", 108)[0],
        slope=field("f", 112)[0],
        intercept=field("f", 116)[0],
        units=first[123],
        qform=field("h", 252)[0],
        sform=field("h", 254)[0],
        quatern=field("3f", 256),
        place=field("3f", 268),
        rows=field("12f", 280),
        order=order,
        magic=first[344:348],
    )
    wanted = b"n+1\0" if single else b"ni1\0"
    if fields.magic != wanted:
        if not single and fields.magic[:1] not in (b"n",):
            raise DefectError(
                "an Analyze 7.5 file, which does not say which side is the patient's left",
                _FORMAT,
                "convert it to NIfTI",
            )
        raise DefectError(f"a header marked {fields.magic!r} where {wanted!r} belongs", _FORMAT)
    if not 1 <= fields.dim[0] <= 7:
        raise DefectError(f"a header of {fields.dim[0]} axes", "3 axes")
    return fields


def _type(fields: _Fields) -> int:
    """Return the bits of a voxel."""
    bits = _BITS.get(fields.datatype)
    if bits is None:
        kind = _OTHERS.get(fields.datatype, f"of the unknown type {fields.datatype}")
        mend = "save the part that is meant (magnitude, one channel) as an image of plain numbers"
        raise DefectError(f"voxels that are {kind}", "integers of 8 to 64 bits, or floats of 32 or 64", mend)
    if fields.bitpix != bits:
        raise DefectError(
            f"a header whose type {fields.datatype} has {bits} bits and whose bitpix says {fields.bitpix}"
        )
    return bits


def _start(fields: _Fields, *, single: bool) -> int:
    least = _SINGLE if single else 0
    offset = fields.offset
    if not (math.isfinite(offset) and offset == int(offset) and least <= offset < 2**31):
        raise DefectError(f"a vox_offset of {offset:g}", f"a whole number of bytes, {least} at least")
    return int(offset)


def _units(code: int) -> None:
    unit = code & 7
    if unit not in (0, 2):
        raise DefectError(
            f"voxel sizes in {_UNITS.get(unit, f'an unknown unit ({unit})')} (xyzt_units)",
            "voxel sizes in mm",
            "write the header again with the sizes in mm and xyzt_units 2",
        )


_SINGLE_PRECISION = 2**23  # steps of a slope that single precision tells apart beside an intercept


def _scaling(fields: _Fields) -> None:
    """Refuse a scale that is none; slope 0, and by the custom of other software not a number, stand for no scale at all."""
    slope, intercept = fields.slope, fields.intercept
    if slope == 0 or math.isnan(slope):
        if intercept == 0 or math.isnan(intercept):
            return
        raise DefectError(
            f"scl_inter {intercept:g} beside scl_slope {slope:g}, which stands for no scale: readers disagree whether it is added",
            "both 0, or a slope",
            "write the true scale into the header, or export the image again",
        )
    # What is scaled must stay within single precision, in which it is read: neighbouring grey levels must stay apart.
    largest = 1e18
    if (
        not (math.isfinite(slope) and math.isfinite(intercept) and 1 / largest < abs(slope) < largest > abs(intercept))
        or abs(intercept) > abs(slope) * _SINGLE_PRECISION
    ):
        raise DefectError(
            f"intensities scaled by scl_slope {slope:g} and scl_inter {intercept:g}",
            "finite numbers of ordinary size, an intercept of 8,388,608 slopes at most (single precision), or slope 0 for none",
            "write the true scale into the header, or export the image again",
        )


def _placed(fields: _Fields, spacing: tuple[float, ...]) -> tuple[str, ...]:
    """Check where a header places the image in space; return what somebody should look at."""
    if fields.pixdim[0] not in (-1.0, 0.0, 1.0):
        raise DefectError(
            f"a pixdim[0] of {fields.pixdim[0]:g}", "-1 or 1, which says on which side the third axis lies"
        )
    by_sform = _by_sform(fields, spacing) if fields.sform > 0 else None
    by_qform = _by_qform(fields) if fields.qform > 0 else None
    if by_sform is None and by_qform is None:
        return ("a header that does not say how the image lies in the patient (no qform, no sform)",)
    if by_sform is None or by_qform is None:
        return ()
    (axes, origin), (others, other) = by_sform, by_qform
    if (np.abs(axes).argmax(axis=0) != np.abs(others).argmax(axis=0)).any() or (
        np.sum(axes * others, axis=0) <= 0
    ).any():
        raise DefectError(
            "a header whose qform and sform name different axes of the patient",
            "one way in which the image lies",
            "write the right one into both, or set the code of the wrong one to 0",
        )
    if np.abs(axes - others).max() > 0.01 or np.abs(origin - other).max() > 0.5:
        return ("a header whose qform and sform lie apart; the sform is taken",)
    return ()


def _by_sform(fields: _Fields, spacing: tuple[float, ...]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    matrix = np.array(fields.rows).reshape(3, 4)
    checked_origin(matrix[:, 3].tolist(), "an origin (sform)")
    steps = np.linalg.norm(matrix[:, :3], axis=0)
    if not np.allclose(steps, spacing, rtol=1e-3, atol=0):
        sizes = [", ".join(f"{value:g}" for value in values) for values in (steps, spacing)]
        raise DefectError(
            f"a header whose sform has voxels of {sizes[0]} mm and whose pixdim says {sizes[1]}",
            "one size of the voxels",
            "write the true size into both, or export the image again",
        )
    axes = matrix[:, :3] / steps
    checked_axes(axes.T.tolist(), "a grid (sform)")
    return axes, matrix[:, 3]


def _by_qform(fields: _Fields) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    checked_origin(fields.place, "an origin (qoffset)")
    b, c, d = numbers(" ".join(map(repr, fields.quatern)), "a rotation (quatern)", 3)
    length = b * b + c * c + d * d
    if not length <= 1 + 1e-3:
        raise DefectError(f"a rotation (quatern) of {b:g}, {c:g}, {d:g}", "parts of a unit quaternion")
    if length > 1:
        b, c, d = (part / math.sqrt(length) for part in (b, c, d))
    a = math.sqrt(max(0.0, 1 - (b * b + c * c + d * d)))
    axes = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    if fields.pixdim[0] < 0:
        axes[:, 2] *= -1
    return axes, np.array(fields.place)


class _Finite:
    """Count voxels that are not finite, in chunks: ITK puts zeros in their place."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.bad, self._rest = np.dtype(dtype), 0, b""

    def feed(self, chunk: bytes) -> None:
        chunk = self._rest + chunk
        whole = len(chunk) - len(chunk) % self.dtype.itemsize
        self._rest = chunk[whole:]
        values = np.frombuffer(chunk, self.dtype, count=whole // self.dtype.itemsize)
        self.bad += values.size - int(np.count_nonzero(np.isfinite(values)))


def _check(voxels: Path, start: int, total: int, finite: _Finite | None, *, packed: bool) -> None:
    if packed:
        content.gzipped(voxels, 0, start, total, finite.feed if finite else None)
    else:
        content.raw(voxels, start, total)
        if finite:
            with voxels.open("rb") as stream:
                content.counted(voxels, content.pieces(stream, start + total), start, total, finite.feed)
    if finite and finite.bad:
        many = finite.bad > 1
        raise DefectError(
            f"{finite.bad} voxel{'s' if many else ''} that {'are' if many else 'is'} not finite",
            "finite values",
            EXPORT,
        )
