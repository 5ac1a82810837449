"""NRRD: one file (.nrrd), or a header that names the files of its voxels (.nhdr)."""

from __future__ import annotations

import functools
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
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

ENDINGS = (".nrrd", ".nhdr")
_FORMAT = "an NRRD file"
_LONGEST = 1 << 22  # bytes of a header; a segmentation's lists all of its segments
_LISTED = 10_000
_NAMES = {
    "i1": "char, signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
_TYPES = {name: code for code, names in _NAMES.items() for name in names.split(", ")}
_SPACES = {
    "right-anterior-superior", "ras", "left-anterior-superior", "las", "left-posterior-superior", "lps", "scanner-xyz",
    "3d-right-handed", "3d-left-handed",
}  # fmt: skip
_IN_TIME = {"right-anterior-superior-time", "rast", "left-anterior-superior-time", "last", "left-posterior-superior-time"} | {
    "lpst", "scanner-xyz-time", "3d-right-handed-time", "3d-left-handed-time",
}  # fmt: skip
_DOMAIN = {"domain", "space", "time", "???", "none"}
_MM = {"mm", "millimeter", "millimeters", "millimetre", "millimetres", "???", ""}
_ENCODINGS = {"raw": "raw", "gz": "gzip", "gzip": "gzip", "txt": "text", "text": "text", "ascii": "text"}


@dataclass(frozen=True)
class _Header:
    """The fields of a header by their names without spaces, the lines of a list after it, and where the voxels begin."""

    fields: dict[str, str]
    listed: list[str]
    start: int


def _header(path: Path) -> _Header:
    regular(path)
    with path.open("rb") as stream:
        begin = stream.read(_LONGEST)
    if not re.match(rb"NRRD000[1-6]\r?\n", begin):
        raise DefectError("no NRRD header", _FORMAT)
    fields: dict[str, str] = {}
    keys: set[str] = set()
    place = begin.find(b"\n") + 1
    while place < len(begin):
        end = begin.find(b"\n", place)
        end = len(begin) if end < 0 else end
        line = begin[place:end].decode("utf-8", "replace").rstrip("\r")
        place = end + 1
        if not line:
            return _Header(fields, [], place)
        if line.startswith("#"):
            continue
        colon = re.search(":[ =]", line)
        if colon is None:
            raise DefectError(f"{line[:60]!r} in the header", "lines of the form field: value")
        if colon.group() == ":=":
            name, kind = line[: colon.start()], keys
        else:
            name, kind = line[: colon.start()].replace(" ", "").casefold(), set(fields)
        if "\ufffd" in name or "\0" in line:
            raise DefectError(f"{line[:60]!r} in the header", "text in UTF-8")
        if name in kind:
            raise DefectError(f"a header that gives {line[: colon.start()][:40]!r} twice", "each field once")
        if colon.group() == ":=":
            keys.add(name)
            continue
        fields[name] = line[colon.end() :].strip()
        if name == "datafile" and fields[name].upper().split()[:1] == ["LIST"]:
            return _Header(fields, begin[place:].decode("utf-8", "replace").splitlines(), place)
    if "datafile" not in fields:
        raise DefectError("an NRRD header that is cut short", _FORMAT)
    return _Header(fields, [], place)


def _needed(header: _Header, name: str, shown: str = "") -> str:
    if name not in header.fields:
        raise DefectError(f"a header without the field {shown or name}", _FORMAT)
    return header.fields[name]


def _voxel_files(path: Path, header: _Header, dimension: int) -> tuple[list[Path], int]:
    """Return the files of the voxels and how many axes each of them has."""
    named = header.fields.get("datafile")
    if named is None:
        return [path], dimension
    words = named.split()
    axes = dimension - 1
    if words and words[0].upper() == "LIST":
        if len(words) > 1:
            axes = whole_numbers(" ".join(words[1:]), "a LIST of files", 1)[0]
        names = [line.strip() for line in header.listed if line.strip()]
    elif "%" in named:
        pattern, *bounds = words
        values = whole_numbers(" ".join(bounds), "a pattern of files")
        if not re.fullmatch(r"[^%]*%0?\d{0,2}d[^%]*", pattern) or len(values) not in (3, 4) or values[2] == 0:
            raise DefectError(f"the files {named[:60]!r}", "a pattern such as slice%03d.raw 1 20 1")
        low, high, step = values[:3]
        axes = values[3] if len(values) > 3 else axes
        if abs(high - low) > _LISTED * abs(step):
            raise DefectError(f"the files {named[:60]!r}", f"{_LISTED} files at most")
        names = [pattern % number for number in range(low, high + (1 if step > 0 else -1), step)]
    else:
        return [beside(path, named)], dimension
    if not 1 <= axes <= dimension or not 1 <= len(names) <= _LISTED:
        raise DefectError(f"{len(names)} files of {axes} axes", f"files of 1 to {dimension} axes")
    return [beside(path, name) for name in names], axes


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files of an image, the header first; raise `DefectError` where it cannot be read so far."""
    header = _header(path)
    files, _ = _voxel_files(path, header, whole_numbers(_needed(header, "dimension"), "a dimension", 1)[0])
    return (path, *(file for file in files if file != path))


def declared(path: Path) -> Declared:
    """Read the header of an image; raise `DefectError` where it cannot be what it says."""
    header = _header(path)
    fields = header.fields
    dimension = whole_numbers(_needed(header, "dimension"), "a dimension", 1)[0]
    if not 1 <= dimension <= 16:
        raise DefectError(f"a header of {dimension} axes (dimension)", "3 axes")
    sizes = whole_numbers(_needed(header, "sizes"), "the field sizes", dimension)
    kind = _TYPES.get(_needed(header, "type").casefold())
    if kind is None:
        raise DefectError(f"voxels of the type {fields['type'][:30]!r}", "integers of 8 to 64 bits, float or double")
    total = checked_size(sizes, int(kind[1]))
    encoding = _ENCODINGS.get(_needed(header, "encoding").casefold())
    if encoding is None:
        raise DefectError(
            f"the encoding {fields['encoding'][:20]!r}", "raw, gzip or text", "save it again with one of these"
        )
    endian = fields.get("endian", "").casefold()
    if endian not in ("little", "big") and (endian or (int(kind[1]) > 1 and encoding != "text")):
        raise DefectError(
            f"the field endian {endian[:20]!r}" if endian else "a header without the field endian", "little or big"
        )
    axes = _domain(header, dimension)[:3]
    spacing = _spacing(header, dimension, axes)
    files, own = _voxel_files(path, header, dimension)
    wanted = math.prod(sizes[own:])
    if len(files) != wanted and own < dimension:
        raise DefectError(f"{len(files)} files of voxels", f"{wanted} for the sizes {fields['sizes']}")
    each = total // len(files)
    local = files == [path]
    checks = [_content(header, kind, encoding, file, header.start if local else 0, each, local=local) for file in files]

    def check() -> None:
        for one in checks:
            one()

    return Declared(
        reader="NrrdImageIO",
        parts=(path, *(file for file in files if file != path)),
        size=tuple(sizes[axis] for axis in axes),
        spacing=spacing,
        check=check,
        # The components of a voxel come first in ITK's order, wherever the file keeps them.
        checksum=(
            content.of_gzip(files[0])
            if encoding == "gzip" and len(files) == 1 and not _skip(header) and dimension - 1 in axes[-1:]
            else None
        ),
        swapped=int(kind[1]) > 1 and endian not in ("", sys.byteorder),
    )


def _domain(header: _Header, dimension: int) -> list[int]:
    """Return the axes in space or time; the others hold components of a voxel."""
    if "kinds" not in header.fields:
        directions = _directions(header, dimension) if "spacedirections" in header.fields else [()] * dimension
        return [axis for axis, direction in enumerate(directions) if direction is not None]
    kinds = header.fields["kinds"].casefold().split()
    if len(kinds) != dimension:
        raise DefectError(f"{len(kinds)} kinds of axes", f"{dimension}")
    return [axis for axis, kind in enumerate(kinds) if kind in _DOMAIN]


def _space(header: _Header) -> int:
    """Return the number of axes of the space that directions are given in."""
    fields = header.fields
    if "space" in fields:
        space = fields["space"].casefold()
        if space not in _SPACES | _IN_TIME:
            raise DefectError(f"the space {fields['space'][:40]!r}", "a space such as left-posterior-superior")
        return 3 if space in _SPACES else 4
    axes = whole_numbers(_needed(header, "spacedimension", "space"), "a space dimension", 1)[0]
    if axes not in (3, 4):
        raise DefectError(f"a space of {axes} axes", "3 axes")
    return axes


def _directions(header: _Header, dimension: int) -> list[tuple[float, ...] | None]:
    found: list[tuple[float, ...] | None] = []
    axes = _space(header)
    for word in re.findall(r"none|\([^)]*\)|[^\s()]+", header.fields["spacedirections"].casefold()):
        if word == "none":
            found.append(None)
        elif word.startswith("("):
            found.append(tuple(numbers(word[1:-1].replace(",", " "), "the field space directions", axes)))
        else:
            raise DefectError(f"space directions with {word[:20]!r}", "vectors such as (0.5,0,0), or none")
    if len(found) != dimension:
        raise DefectError(f"{len(found)} space directions", f"{dimension}")
    return found


def _spacing(header: _Header, dimension: int, axes: list[int]) -> tuple[float, ...]:
    fields = header.fields
    mend = "write space directions (or spacings) in mm into the header, or export the image again"
    for name, several in (("spaceunits", False), ("units", True)):
        words = re.findall(r'"([^"]*)"', fields.get(name, ""))
        if name in fields and not words:
            raise DefectError(f"the field {name} {fields[name][:40]!r}", 'units in quotation marks, such as "mm"')
        judged = [words[axis] for axis in axes if axis < len(words)] if several else words
        if wrong := [word for word in judged if word.casefold() not in _MM]:
            raise DefectError(
                f"distances of voxels in {wrong[0][:20]!r} ({name})", "distances in mm", "write them in mm"
            )
    if "spacedirections" in fields and "spacings" in fields:
        raise DefectError("a header that gives space directions and spacings", "one of them")
    if "spacedirections" in fields:
        vectors = [_directions(header, dimension)[axis] for axis in axes]
        if None in vectors:
            raise DefectError("an axis without a direction in space", "a direction for each axis", mend)
        columns = [vector for vector in vectors if vector is not None]
        spacing = checked_spacing([math.hypot(*column) for column in columns], "distances of voxels (space directions)")
        units = [tuple(part / step for part in column) for column, step in zip(columns, spacing, strict=True)]
        checked_axes(units, "a grid (space directions)")
    elif "spacings" in fields:
        values = numbers(fields["spacings"], "the field spacings", dimension)
        spacing = checked_spacing([values[axis] for axis in axes], "distances of voxels (spacings)")
    else:
        raise DefectError(
            "a header without space directions and without spacings", "the distances of voxels in mm", mend
        )
    if "spaceorigin" in fields:
        text = fields["spaceorigin"].strip().removeprefix("(").removesuffix(")").replace(",", " ")
        checked_origin(numbers(text, "the field space origin", _space(header)), "an origin (space origin)")
    return spacing


def _skip(header: _Header) -> int:
    return whole_numbers(header.fields.get("byteskip", "0"), "a byte skip", 1)[0]


def _content(
    header: _Header, kind: str, encoding: str, file: Path, start: int, total: int, *, local: bool
) -> Callable[[], None]:
    """Return the check of one file of voxels."""
    there = regular(file)
    lines = whole_numbers(header.fields.get("lineskip", "0"), "a line skip", 1)[0]
    skip = _skip(header)
    if not 0 <= lines <= _LISTED or skip < -1 or (skip and encoding == "text") or (skip == -1 and encoding != "raw"):
        raise DefectError(f"a line skip of {lines} and a byte skip of {skip}", "none, or as many as there are")
    if lines or (skip == -1 and not local):
        with file.open("rb") as stream:
            stream.seek(start)
            for _ in range(lines):
                stream.readline(_LONGEST)
            start = stream.tell()
    if encoding == "text":
        return functools.partial(content.as_text, file, start, kind, total)
    if encoding == "gzip":
        return functools.partial(content.gzipped, file, start, skip, total, says="header")
    if skip == -1:  # the voxels are the end of the file, whatever stands before them
        return functools.partial(content.raw, file, max(there - total, start), total)
    return functools.partial(content.raw, file, start + skip, total)
