"""DICOM folders: which volumes lie in them, told apart by their headers, and one of them read whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

# What tells volumes apart and puts their images in order; nothing else of a header is read, no name, no date, no free text.
_TAGS = [
    "SeriesInstanceUID", "SeriesNumber", "ImageType", "EchoNumbers", "EchoTime", "ImageOrientationPatient",
    "ImagePositionPatient", "Rows", "Columns", "NumberOfFrames",
]  # fmt: skip
# Neighbouring gaps between images may differ by this part of the usual gap: positions are rounded in headers.
_UNEVEN = 0.05


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
        What is wrong with its images' places.
    """

    name: str
    files: tuple[Path, ...]
    description: str
    defect: str | None


def volumes(folder: Path) -> list[Volume]:
    """Return the volumes of a folder, sorted by name. Files that are no DICOM images are passed over."""
    headers: dict[tuple[Any, ...], list[tuple[Path, Any]]] = defaultdict(list)
    for path in sorted(entry for entry in folder.iterdir() if entry.is_file()):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
        except (InvalidDicomError, OSError, EOFError):
            continue
        if "Rows" in header and "SeriesInstanceUID" in header:
            headers[_kind(header)].append((path, header))
    return sorted(
        (_volume(name, headers[kind]) for kind, name in _names(list(headers)).items()), key=lambda volume: volume.name
    )


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
            names[kind] = name
    # Two series of one number are told apart by the end of their identifiers.
    shared = {name for name in names.values() if list(names.values()).count(name) > 1}
    return {
        kind: f"{name}.{kind[0].rsplit('.', 1)[-1][-8:]}" if name in shared else name for kind, name in names.items()
    }


def _volume(name: str, images: list[tuple[Path, Any]]) -> Volume:
    first = images[0][1]
    count, time = len(images), _number(first.get("EchoTime"))
    size = f"{count} image{'s' if count > 1 else ''} of {first.Rows} x {first.Columns}"
    description = size + ("" if time is None else f", TE {time:g} ms")
    if count == 1:
        return Volume(name, (images[0][0],), description, None)
    placed = []
    for path, header in images:
        orientation, position = header.get("ImageOrientationPatient"), header.get("ImagePositionPatient")
        if orientation is None or position is None:
            return Volume(
                name, tuple(path for path, _ in images), description, f"{path.name} does not say where it lies"
            )
        placed.append((path, np.array(orientation, dtype=float), np.array(position, dtype=float)))
    normal = np.cross(placed[0][1][:3], placed[0][1][3:])
    if any(np.abs(orientation - placed[0][1]).max() > 1e-3 for _, orientation, _ in placed):
        return Volume(name, tuple(path for path, *_ in placed), description, "images of several orientations")
    placed.sort(key=lambda image: float(image[2] @ normal))
    gaps = np.diff([image[2] @ normal for image in placed])
    return Volume(
        name, tuple(image[0] for image in placed), description, _uneven(gaps, [image[0].name for image in placed])
    )


def _uneven(gaps: np.ndarray, names: Sequence[str]) -> str | None:
    usual = float(np.median(gaps))
    worst = int(np.argmax(np.abs(gaps - usual)))
    if np.min(gaps) < 1e-3:
        at = int(np.argmin(gaps))
        return f"two images at one place ({names[at]} and {names[at + 1]})"
    if abs(gaps[worst] - usual) > _UNEVEN * usual:
        return f"a gap of {gaps[worst]:.2f} mm between {names[worst]} and {names[worst + 1]} where {usual:.2f} mm are usual"
    return None
