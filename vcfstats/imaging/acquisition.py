"""How an image was acquired, for the methods section: an allow-list of header values, none of which identifies a person."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pydicom
from pydicom.errors import BytesLengthException, InvalidDicomError

from vcfstats.imaging.dicom_header import UNREADABLE
from vcfstats.imaging.paths import split_choice

# Parameter -> DICOM keyword. Numbers, and the two names of the machine; no free text, no date, no institution.
_NUMBERS = {
    "repetition_time_ms": "RepetitionTime",
    "echo_time_ms": "EchoTime",
    "flip_angle_deg": "FlipAngle",
    "slice_thickness_mm": "SliceThickness",
    "slice_spacing_mm": "SpacingBetweenSlices",
    "field_strength_t": "MagneticFieldStrength",
}
_MACHINE = {"manufacturer": "Manufacturer", "model": "ManufacturerModelName"}
# The JSON file that lies beside an image in BIDS has the same numbers, times in seconds, and another name for the model.
_SIDECAR_MACHINE = {"manufacturer": "Manufacturer", "model": "ManufacturersModelName"}
# Where headers of files with many frames keep the same: in groups of all frames or of each one.
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_NESTED = {
    "RepetitionTime": ("MRTimingAndRelatedParametersSequence", "RepetitionTime"),
    "FlipAngle": ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "EchoTime": ("MREchoSequence", "EffectiveEchoTime"),
    "SliceThickness": ("PixelMeasuresSequence", "SliceThickness"),
    "SpacingBetweenSlices": ("PixelMeasuresSequence", "SpacingBetweenSlices"),
    "PixelSpacing": ("PixelMeasuresSequence", "PixelSpacing"),
}
_BIDS_ROOT = "dataset_description.json"
_WORDS = re.compile(r"[A-Za-z0-9 .+/()-]{1,40}\Z")

Acquisition = dict[str, float | str]


def acquisition_of(image: Path, *, files: tuple[Path, ...] = ()) -> Acquisition:
    """Return how an image was acquired, as far as its header or its sidecar says.

    Parameters
    ----------
    image : Path
        The image as the cohort names it.
    files : tuple of Path
        Its DICOM files, where it is a DICOM volume.

    Returns
    -------
    dict
        Of ``repetition_time_ms, echo_time_ms, flip_angle_deg, slice_thickness_mm, slice_spacing_mm, field_strength_t,
        matrix, field_of_view_mm, manufacturer, model`` those that are known; empty where nothing is.
    """
    if files:
        return _of_dicom(files[0])
    path, _ = split_choice(image)
    found: Acquisition = {}
    for sidecar in _sidecars(path):
        found |= _of_sidecar(sidecar)
    return found


def _sidecars(image: Path) -> list[Path]:
    """Return the JSON files that tell of an image, the farthest first: what a nearer one says goes before.

    By the inheritance principle of BIDS a file in any folder up to the dataset's root applies where its suffix is the
    image's and its entities are among the image's. Outside of a dataset only the file beside the image does.
    """
    *entities, suffix = re.sub(r"\.nii(\.gz)?$", "", image.name, flags=re.IGNORECASE).split("_")
    above = list(image.absolute().parents)
    root = next((place for place, folder in enumerate(above) if (folder / _BIDS_ROOT).is_file()), None)
    home = above[root or 0].resolve()
    found = []
    for folder in reversed(above[: (root or 0) + 1]):
        told = []
        for path in sorted(path for path in folder.glob("*.json") if path.is_file()):  # no pipe, no device
            if not path.resolve().is_relative_to(home):
                continue  # a link to elsewhere is none of the image's
            *own, last = path.stem.split("_")
            applies = own == entities if root is None else set(own) <= set(entities)
            if last == suffix and applies and path != image.absolute():
                told.append((len(own), path))
        found += [path for _, path in sorted(told)]
    return found


def _of_dicom(path: Path) -> Acquisition:
    tags: list[Any] = [*_NUMBERS.values(), *_MACHINE.values(), "Rows", "Columns", "PixelSpacing", *_GROUPS]
    try:
        return _of_header(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags))
    except (InvalidDicomError, BytesLengthException, *UNREADABLE):
        return {}  # the methods do without: nothing is measured by it


def _of_header(header: Any) -> Acquisition:
    found: Acquisition = {}
    for name, key in _NUMBERS.items():
        _put_number(found, name, _value(header, key), 1.0)
    for name, key in _MACHINE.items():
        _put_words(found, name, header.get(key))
    rows, columns, spacing = header.get("Rows"), header.get("Columns"), _value(header, "PixelSpacing")
    if rows and columns:
        found["matrix"] = f"{int(rows)} x {int(columns)}"
        if spacing:
            found["field_of_view_mm"] = f"{rows * float(spacing[0]):.0f} x {columns * float(spacing[1]):.0f}"
    return found


def _value(header: Any, key: str) -> Any:
    """Return a value of a header, or the first frame's where it lies in the groups of frames."""
    value = header.get(key)
    if value not in (None, ""):
        return value
    sequence, name = _NESTED.get(key, ("", ""))
    for place in _GROUPS:
        for group in (header.get(place) or [])[:1]:
            for item in (group.get(sequence) or [])[:1] if sequence else []:
                if (value := item.get(name)) not in (None, ""):
                    return value
    return None


def _of_sidecar(path: Path) -> Acquisition:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    found: Acquisition = {}
    for name, key in _NUMBERS.items():
        _put_number(found, name, content.get(key), 1000.0 if name.endswith("_ms") else 1.0)
    for name, key in _SIDECAR_MACHINE.items():
        _put_words(found, name, content.get(key))
    return found


def _put_number(found: Acquisition, name: str, value: Any, factor: float) -> None:
    try:
        number = float(value) * factor
    except (TypeError, ValueError, OverflowError):
        return
    if 0 < number < 1e6:
        found[name] = float(f"{number:.6g}")  # seconds times 1,000 leave rounding behind


def _put_words(found: Acquisition, name: str, value: Any) -> None:
    text = " ".join(str(value or "").split())
    if _WORDS.match(text):
        found[name] = text
