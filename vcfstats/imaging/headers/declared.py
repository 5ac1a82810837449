"""What a header declares, and the limits that every format shares."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

WHOLE = "a whole file, as it was exported"
EXPORT = "export the file again, or leave the patient out of the cohort"

# Largest image that is read: its voxels, uncompressed. A header that asks for more is damaged, or a trap.
LARGEST_BYTES = 2**31
LARGEST = "at most 2 GiB of voxels"
# Between the finest clinical CT and the coarsest scout; metres and micrometres that call themselves mm lie beyond.
FINEST_MM, COARSEST_MM = 0.01, 100.0
_FARTHEST_MM = 1e5
_AXES = 16
N = TypeVar("N", int, float)


class DefectError(Exception):
    """What is wrong with a file, in the parts of `vcfstats.contracts.errors.Problem`; who reads it adds patient and file."""

    def __init__(self, found: str, allowed: str = WHOLE, mend: str = EXPORT) -> None:
        self.found, self.allowed, self.mend = found, allowed, mend
        super().__init__(found)


@dataclass(frozen=True)
class Declared:
    """What a header declares.

    Attributes
    ----------
    reader : str
        ITK's reader of the format.
    parts : tuple of Path
        The files that the image is made of, its header first.
    size : tuple of int
        Voxels along each axis in space.
    spacing : tuple of float
        Their distances in mm, as many.
    check : callable
        Raises `DefectError` where the voxels are not there, or are more than declared.
    checksum : callable or None
        Given the voxels' bytes as they lie in the file, says whether its own checksum is theirs.
    swapped : bool
        Whether the file's bytes are in the other order than this machine's.
    notes : tuple of str
        What somebody should look at, though the image can be read.
    """

    reader: str
    parts: tuple[Path, ...]
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    check: Callable[[], None]
    checksum: Callable[[memoryview], bool] | None = None
    swapped: bool = False
    notes: tuple[str, ...] = ()


def regular(path: Path) -> int:
    """Return the size of a file in bytes; raise `DefectError` where there is none, or no file but a pipe or a device."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise DefectError("no such file", "a file", "correct the path in cohort.csv, or put the file there") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DefectError(
            f"a path that cannot be followed ({reason[:1].lower()}{reason[1:]})",
            "the path of a file",
            "correct the path",
        ) from None
    if stat.S_ISDIR(status.st_mode):
        raise DefectError("a folder", "a file", "name the file itself")
    if not stat.S_ISREG(status.st_mode):
        raise DefectError("a pipe, a socket or a device", "a file", "put the image's file there")
    return status.st_size


def checked_size(size: Sequence[int], voxel_bytes: int) -> int:
    """Return the number of bytes of so many voxels; raise `DefectError` where an axis is empty or the image is beyond the limit."""
    shown = " x ".join(map(str, size[:_AXES]))
    if not 1 <= len(size) <= _AXES:
        raise DefectError(f"a header of {len(size)} axes", "3 axes")
    if min(size) < 1:
        raise DefectError(f"a header that declares a size of {shown} voxels", "at least one voxel along each axis")
    total = math.prod(size) * voxel_bytes
    if total > LARGEST_BYTES:
        raise DefectError(
            f"a header that declares {shown} voxels of {voxel_bytes} byte{'s' if voxel_bytes > 1 else ''}",
            LARGEST,
            "export the file again; crop or resample an image that is truly so large",
        )
    return total


def checked_spacing(spacing: Sequence[float], what: str) -> tuple[float, ...]:
    """Return spacings in mm; raise `DefectError` where one is no possible distance of voxels.

    Parameters
    ----------
    spacing : sequence of float
        Of the axes in space.
    what : str
        The header's own word for them.
    """
    for value in spacing:
        if not (math.isfinite(value) and FINEST_MM <= value <= COARSEST_MM):
            raise DefectError(
                f"{what} of {', '.join(f'{each:g}' for each in spacing)}",
                f"distances of voxels between {FINEST_MM:g} and {COARSEST_MM:g} mm",
                "write the true distances in mm into the header, or export the image again",
            )
    return tuple(spacing)


def checked_axes(columns: Sequence[Sequence[float]], what: str) -> None:
    """Raise `DefectError` where the directions of axes, one a column of unit length, are not at right angles."""
    for first, a in enumerate(columns):
        for second, b in enumerate(columns[first:], start=first):
            product = sum(x * y for x, y in zip(a, b, strict=True))
            if not abs(product - (first == second)) <= 1e-3:
                raise DefectError(
                    f"{what} whose axes are not at right angles, or not of unit length",
                    "axes at right angles",
                    "resample the image to a straight grid, or export it again",
                )


def checked_origin(origin: Sequence[float], what: str) -> None:
    """Raise `DefectError` where the place of the first voxel is none."""
    if not all(math.isfinite(value) and abs(value) <= _FARTHEST_MM for value in origin):
        raise DefectError(
            f"{what} of {', '.join(f'{value:g}' for value in origin)}", f"places within {_FARTHEST_MM:g} mm"
        )


def numbers(text: str, what: str, count: int | None = None) -> list[float]:
    """Return the numbers of a header's field; raise `DefectError` where they are none, or not so many."""
    return _parsed(text, what, count, float, "numbers")


def whole_numbers(text: str, what: str, count: int | None = None) -> list[int]:
    """Return the whole numbers of a header's field; raise `DefectError` where they are none, or not so many."""
    return _parsed(text, what, count, int, "whole numbers")


def _parsed(text: str, what: str, count: int | None, kind: Callable[[str], N], words: str) -> list[N]:
    try:
        found = [kind(word) for word in text.split()]
    except ValueError:
        raise DefectError(f"{what} of {text[:60]!r}", words) from None
    if count is not None and len(found) != count:
        raise DefectError(f"{what} of {len(found)} numbers", f"{count} {words}")
    return found


def beside(header: Path, name: str) -> Path:
    """Return the file that a header names; raise `DefectError` where it lies elsewhere than beside the header or below it."""
    allowed = "a file beside its header, or in a folder below"
    mend = "move the file there and name it relative to the header"
    words = name.replace("\\", "/").split("/")
    if not name or "\0" in name or ".." in words or os.path.isabs(name) or ":" in words[0] or "\\" in name:
        raise DefectError(f"a header that names the file {name[:120]!r}", allowed, mend)
    path = header.parent / name
    try:
        real, folder = path.resolve(), header.parent.resolve()
    except (OSError, RuntimeError, ValueError):
        raise DefectError(
            f"a header that names the file {name[:120]!r}, a path that cannot be followed", allowed, mend
        ) from None
    if not real.is_relative_to(folder):
        raise DefectError(f"a header that names the file {name[:120]!r}, a link that leads elsewhere", allowed, mend)
    return path
