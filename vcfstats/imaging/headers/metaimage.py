"""MetaImage: one file (.mha), or a header that names the files of its voxels (.mhd)."""

from __future__ import annotations

import functools
import math
import re
import sys
from pathlib import Path

from vcfstats.imaging.headers import content
from vcfstats.imaging.headers.declared import (
    Declared,
    DefectError,
    beside,
    checked_axes,
    checked_origin,
    checked_size,
    checked_spacing,
    numbers,
    regular,
    whole_numbers,
)

ENDINGS = (".mha", ".mhd")
_FORMAT = "a MetaImage file"
_LONGEST = 1 << 16  # bytes of a header
_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
# Names for one thing, of which a header may give one.
_ORIGIN = ("Offset", "Position", "Origin")
_AXES = ("TransformMatrix", "Rotation", "Orientation")
_ORDER = ("ElementByteOrderMSB", "BinaryDataByteOrderMSB")
_LISTED = 10_000


def _header(path: Path) -> tuple[dict[str, str], list[str], int]:
    """Return the fields of a header, the lines after it where it ends in a list, and where the voxels of one file begin."""
    regular(path)
    with path.open("rb") as stream:
        start = stream.read(_LONGEST)
    fields: dict[str, str] = {}
    place = 0
    while "ElementDataFile" not in fields:
        end = start.find(b"\n", place)
        if end < 0:
            raise DefectError("no MetaImage header, or one that is cut short", _FORMAT)
        line = start[place:end].decode("latin-1").rstrip("\r")
        place = end + 1
        if not line.strip():
            continue
        key, equals, value = line.partition("=")
        key = key.strip()
        # MetaIO ends a name at a colon too.
        if not equals or not key.isascii() or not key or ":" in key or "\0" in line:
            raise DefectError(f"{line[:60]!r} in the header", "lines of the form NAME = value")
        if key in fields:
            raise DefectError(f"a header that gives {key} twice", "each field once")
        fields[key] = value.strip()
    rest = start[place:].decode("latin-1").splitlines() if fields["ElementDataFile"].upper().startswith("LIST") else []
    return fields, rest, place


def _one_of(fields: dict[str, str], names: tuple[str, ...]) -> tuple[str, str] | None:
    given = [name for name in names if name in fields]
    if len(given) > 1:
        raise DefectError(f"a header that gives {' and '.join(given)}", "one of them")
    return (given[0], fields[given[0]]) if given else None


def _needed(fields: dict[str, str], name: str) -> str:
    if name not in fields:
        raise DefectError(
            f"a header without {name}", _FORMAT, f"write {name} into the header, or export the image again"
        )
    return fields[name]


def _truth(text: str, name: str) -> bool:
    if text.casefold() not in ("true", "false", "1", "0"):
        raise DefectError(f"{name} of {text[:20]!r}", "True or False")
    return text.casefold() in ("true", "1")


def _voxel_files(path: Path, fields: dict[str, str], rest: list[str], size: list[int]) -> tuple[list[Path], int]:
    """Return the files of the voxels and how many axes each of them has."""
    named = fields["ElementDataFile"]
    words = named.split()
    if named.upper() == "LOCAL":
        return [path], len(size)
    if words and words[0].upper() == "LIST":
        axes = whole_numbers(" ".join(words[1:]), "a LIST of files", 1)[0] if len(words) > 1 else len(size) - 1
        names = [line.strip() for line in rest if line.strip()]
    elif "%" in named:
        pattern, *bounds = words
        low, high, step = [*whole_numbers(" ".join(bounds), "a pattern of files"), 1, 1, 1][:3]
        if not re.fullmatch(r"[^%]*%0?\d{0,2}d[^%]*", pattern) or len(bounds) not in (2, 3) or step < 1 or high < low:
            raise DefectError(f"the files {named[:60]!r}", "a pattern such as slice%03d.raw 1 20 1")
        if high - low > _LISTED * step:
            raise DefectError(f"the files {named[:60]!r}", f"{_LISTED} files at most")
        names, axes = [pattern % number for number in range(low, high + 1, step)], len(size) - 1
    else:
        return [beside(path, named)], len(size)
    if not 1 <= axes < len(size) or len(names) > _LISTED:
        raise DefectError(f"{len(names)} files of {axes} axes", f"files of 1 to {len(size) - 1} axes")
    return [beside(path, name) for name in names], axes


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files of an image, the header first; raise `DefectError` where it cannot be read so far."""
    fields, rest, _ = _header(path)
    size = whole_numbers(_needed(fields, "DimSize"), "a DimSize")
    files, _ = _voxel_files(path, fields, rest, size)
    return (path, *(file for file in files if file != path))


def declared(path: Path) -> Declared:
    """Read the header of an image; raise `DefectError` where it cannot be what it says."""
    fields, rest, start = _header(path)
    if fields.get("ObjectType", "Image") != "Image":
        raise DefectError(f"an object of the type {fields['ObjectType'][:20]!r}", "an image")
    axes = whole_numbers(_needed(fields, "NDims"), "NDims", 1)[0]
    if not 1 <= axes <= 10:
        raise DefectError(f"a header of {axes} axes (NDims)", "3 axes")
    size = whole_numbers(_needed(fields, "DimSize"), "a DimSize", axes)
    kind = _needed(fields, "ElementType")
    if kind not in _TYPES:
        raise DefectError(f"voxels of the type {kind[:30]!r}", f"one of {', '.join(_TYPES)}")
    channels = whole_numbers(fields.get("ElementNumberOfChannels", "1"), "ElementNumberOfChannels", 1)[0]
    code = _TYPES[kind]
    total = checked_size([*size, channels], int(code[1]))
    spatial = min(3, axes)
    spacing = checked_spacing(
        numbers(_spacing(fields), "an ElementSpacing", axes)[:spatial], "voxel sizes (ElementSpacing)"
    )
    _placed(fields, axes, spatial)
    _unscaled(fields)
    order = _one_of(fields, _ORDER)
    swapped = (order is not None and _truth(order[1], order[0])) != (sys.byteorder == "big")
    files, own = _voxel_files(path, fields, rest, size)
    packed = _truth(fields.get("CompressedData", "False"), "CompressedData")
    local = files == [path]
    if len(files) != math.prod(size[own:]):
        raise DefectError(
            f"{len(files)} files of voxels", f"{math.prod(size[own:])} for a DimSize of {fields['DimSize']}"
        )
    if packed and len(files) > 1:
        raise DefectError(
            "compressed voxels in several files", "one compressed file, or several that are not compressed"
        )
    each = total // len(files)
    checks = []
    for file in files:
        regular(file)
        checks.append(_content(fields, code, file, start if local else 0, each, packed=packed, local=local))

    def check() -> None:
        for one in checks:
            one()

    return Declared(
        reader="MetaImageIO",
        parts=(path, *(file for file in files if file != path)),
        size=tuple(size[:3]),
        spacing=spacing,
        check=check,
        checksum=content.of_zlib(files[0]) if packed else None,
        swapped=swapped and int(code[1]) > 1,
    )


def _spacing(fields: dict[str, str]) -> str:
    units = fields.get("DistanceUnits", "mm").casefold()
    if units not in ("mm", "?", "???", "unknown", ""):
        raise DefectError(f"voxel sizes in {units[:20]!r} (DistanceUnits)", "voxel sizes in mm", "write them in mm")
    if "ElementSpacing" not in fields:
        raise DefectError(
            "a header without ElementSpacing",
            "the distances of voxels in mm",
            "write ElementSpacing = COLUMN ROW SLICE, in mm, into the header, or export the image again",
        )
    return fields["ElementSpacing"]


def _placed(fields: dict[str, str], axes: int, spatial: int) -> None:
    if (given := _one_of(fields, _ORIGIN)) is not None:
        checked_origin(numbers(given[1], f"an {given[0]}", axes), f"an origin ({given[0]})")
    if (given := _one_of(fields, _AXES)) is not None:
        matrix = numbers(given[1], f"a {given[0]}", axes * axes)
        columns = [matrix[axis * axes : axis * axes + spatial] for axis in range(spatial)]
        checked_axes(columns, f"a grid ({given[0]})")


def _unscaled(fields: dict[str, str]) -> None:
    for name, nothing in (("ElementToIntensityFunctionSlope", 1.0), ("ElementToIntensityFunctionOffset", 0.0)):
        if name in fields and numbers(fields[name], name, 1)[0] != nothing:
            mend = "scale the voxels themselves and take the field out of the header"
            raise DefectError(f"{name} = {fields[name][:20]}", f"{nothing:g}, or no such field", mend)


def _content(
    fields: dict[str, str], kind: str, file: Path, start: int, total: int, *, packed: bool, local: bool
) -> functools.partial[None]:
    """Return the check of one file of voxels."""
    skip = whole_numbers(fields.get("HeaderSize", "0"), "a HeaderSize", 1)[0]
    if skip < -1 or (skip and (packed or local)):
        raise DefectError(f"a HeaderSize of {skip}", "0, or for uncompressed voxels in a file of their own -1 or more")
    if not _truth(fields.get("BinaryData", "True"), "BinaryData"):
        if packed:
            raise DefectError("text that is compressed", "binary voxels")
        return functools.partial(content.as_text, file, start, kind, total)
    if packed:
        # Without it ITK takes the compressed bytes themselves for voxels.
        length = whole_numbers(_needed(fields, "CompressedDataSize"), "CompressedDataSize", 1)[0]
        content.packed(file, start, length)
        return functools.partial(content.deflated, file, start, total)
    if skip == -1:  # the voxels are the end of the file, whatever stands before them
        return functools.partial(content.raw, file, max(regular(file) - total, 0), total)
    return functools.partial(content.raw, file, start + skip, total)
