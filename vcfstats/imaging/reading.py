"""Read one image or one mask: whole, three-dimensional, with one clear error where it is not."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.imaging.dicom import Contents, Volume, contents, holds_dicom
from vcfstats.imaging.headers.declared import (
    EXPORT,
    WHOLE,
    Declared,
    DefectError,
    checked_axes,
    checked_origin,
    checked_spacing,
    regular,
)
from vcfstats.imaging.headers.formats import FORMATS, declared
from vcfstats.imaging.paths import split_choice
from vcfstats.imaging.segments import is_segmentation, layer_of, segments_of

_FINITE = "finite values"
# Single precision, in which images are preprocessed, ends not far above.
_LARGEST_VALUE = 1e30
_LISTED = 12


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what ITK's C and C++ libraries print off the terminal: the error that is raised says it once, and clearly.

    They write to the file descriptor, not to sys.stderr. What Python itself writes meanwhile would vanish too, so the
    block must hold nothing but the call into ITK.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _refuse(path: Path, patient: str, found: str, allowed: str = FORMATS, mend: str = EXPORT) -> InputError:
    return InputError(Problem(found, allowed, mend, patient=patient, file=path))


def _not_finite(values: npt.NDArray[Any]) -> str | None:
    if np.issubdtype(values.dtype, np.integer):
        return None
    bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if bad:
        return f"{bad} voxel{'s' if bad > 1 else ''} that {'are' if bad > 1 else 'is'} not finite"
    largest = max(abs(float(values.min())), abs(float(values.max())))
    return f"voxels of up to {largest:g}" if largest > _LARGEST_VALUE else None


def dicom_volume(folder: Path, choice: str | None, patient: str) -> Volume:
    """Return the volume of a DICOM folder that is meant.

    Raises
    ------
    InputError
        The folder holds none, several while none is chosen, or not the one chosen; or images are missing from it.
    """
    return _chosen(folder, contents(folder), choice, patient)


def _chosen(folder: Path, held: Contents, choice: str | None, patient: str) -> Volume:
    there = held.volumes
    listed = "; ".join(f"{volume.name} ({volume.description})" for volume in there)
    if not there:
        if held.objects:
            raise _object(folder, held, patient)
        if not folder.is_dir():
            raise _refuse(folder, patient, "a file that cannot be read as a DICOM image")
        raise _refuse(folder, patient, "a folder without a DICOM image", mend="name the folder that holds the images")
    chosen = [volume for volume in there if choice in (None, volume.name)]
    if len(chosen) != 1:
        found = f"{len(there)} DICOM volumes: {listed}" if choice is None else f"no volume {choice!r} among {listed}"
        raise _refuse(
            folder,
            patient,
            found,
            "one volume",
            f"write {folder.name}#NAME in the cohort table, with one of these names, or give each volume a folder of its own",
        )
    if chosen[0].defect:
        raise _refuse(
            folder,
            patient,
            f"in volume {chosen[0].name}, {chosen[0].defect}",
            "whole images of one kind side by side at even distances, none missing, none twice, each with its pixel size in mm",
            "export the series again, whole",
        )
    return chosen[0]


def _object(folder: Path, held: Contents, patient: str) -> InputError:
    """Return the error over a DICOM object that is no image."""
    path, what, mend = held.drawing or held.objects[0]
    where = "" if path == folder else f"{path.name}, "
    return _refuse(folder, patient, where + what, "DICOM images, or a label map in NIfTI, NRRD or MetaImage", mend)


def reason_of(error: RuntimeError) -> str:
    """Return the last telling line of an ITK message, without its source addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "ERROR" in line] or lines
    return telling[-1].split("ERROR:")[-1].split("): ")[-1].strip().rstrip(".:") or "unknown"


def read_image(path: Path, *, patient: str = "") -> sitk.Image:
    """Read a three-dimensional scalar image.

    Parameters
    ----------
    path : Path
        NIfTI, NRRD, MetaImage or DICOM file (.dcm), or a folder of DICOM images; where it holds several volumes (echoes, water and fat
        images), ``folder#name`` chooses one.
    patient : str
        Named in the error.

    Returns
    -------
    SimpleITK.Image
        Three axes, one component a voxel, in the type it was stored in.

    Raises
    ------
    InputError
        The file is missing, damaged, cut short, of another format, not a 3D scalar image, or holds values that are not
        finite.
    """
    image = _read_any(path, patient)
    for key in image.GetMetaDataKeys():
        image.EraseMetaData(key)  # names and dates of a header go no further
    _check_volume(image, path, patient)
    return image


def _check_volume(image: sitk.Image, path: Path, patient: str) -> None:
    """Refuse what is no volume of finite numbers."""
    if image.GetDimension() != 3:
        size = " x ".join(map(str, image.GetSize()))
        raise _refuse(
            path, patient, f"an image of {image.GetDimension()} dimensions ({size})", mend="keep one 3D volume of it"
        )
    if image.GetNumberOfComponentsPerPixel() != 1:
        found = f"{image.GetNumberOfComponentsPerPixel()} components a voxel"
        raise _refuse(path, patient, found, "one component a voxel", "keep one channel or segment")
    if defect := _not_finite(sitk.GetArrayViewFromImage(image)):
        raise _refuse(path, patient, defect, _FINITE, "export the image again from the scanner's data")


def _read_any(path: Path, patient: str) -> sitk.Image:
    """Read what a path names, header and all, its last axes of length 1 dropped."""
    source, choice = _split(path, patient)
    try:
        if not source.is_dir():
            regular(source)
        if holds_dicom(source):
            image = _read_dicom(source, choice, patient)
        elif choice is not None:
            mend = "name the file alone, or the folder that holds several volumes"
            raise _refuse(path, patient, f"a volume {choice!r} chosen of a single file", mend=mend)
        else:
            image = _read_file(source)
        while image.GetDimension() > 3 and image.GetSize()[-1] == 1:
            image = image[(slice(None),) * (image.GetDimension() - 1) + (0,)]
        if image.GetDimension() == 3:
            _check_grid(image)
    except DefectError as defect:
        raise _refuse(path, patient, defect.found, defect.allowed, defect.mend) from None
    except OSError as error:
        raise _refuse(path, patient, f"an unreadable file ({error.strerror or error})") from None
    except RuntimeError as error:
        raise _refuse(path, patient, f"a file that cannot be read as an image ({reason_of(error)})") from None
    except MemoryError:
        raise _refuse(
            path, patient, "an image larger than this machine's memory", WHOLE, "free memory, or crop the image"
        ) from None
    return image


def _split(path: Path, patient: str) -> tuple[Path, str | None]:
    """Return the file and what is chosen of it; a path that the system cannot follow at all is refused."""
    try:
        source, choice = split_choice(path)
        source.is_dir()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refuse(
            path, patient, f"a path that cannot be followed ({reason})", "the path of a file", "correct the path"
        ) from None
    return source, choice


def _read_dicom(source: Path, choice: str | None, patient: str) -> sitk.Image:
    volume = dicom_volume(source, choice, patient)
    with _quiet():
        return volume.read()


def _read_file(source: Path) -> sitk.Image:
    """Read a file whose header was found sound, and see that ITK took it as it is."""
    header = declared(source)
    if header.checksum is None:
        header.check()
    try:
        with _quiet():
            image = sitk.ReadImage(str(header.parts[0]), imageIO=header.reader)
    except RuntimeError:
        header.check()  # where it knows what is wrong, it says it better
        raise
    if header.checksum is not None and not header.checksum(_stored_bytes(image, header)):
        header.check()
        raise DefectError("compressed voxels whose checksum is not theirs")
    size, spacing = image.GetSize()[:3], image.GetSpacing()[:3]
    if (
        image.GetDimension() >= 3
        and len(header.size) == 3
        and (size != header.size or not np.allclose(spacing, header.spacing, rtol=1e-5, atol=0))
    ):
        told = " and ".join(f"{' x '.join(f'{value:g}' for value in each)}" for each in (header.size, header.spacing))
        taken = " and ".join(f"{' x '.join(f'{value:g}' for value in each)}" for each in (size, spacing))
        raise DefectError(f"a header of {told} mm that is read as {taken} mm")
    return image


def _stored_bytes(image: sitk.Image, header: Declared) -> memoryview:
    """Return the voxels' bytes in the order in which the file keeps them."""
    array = sitk.GetArrayViewFromImage(image)
    return np.ascontiguousarray(array.byteswap() if header.swapped else array).data.cast("B")


def _check_grid(image: sitk.Image) -> None:
    """Refuse a grid that no scanner has, whatever the format."""
    checked_spacing(image.GetSpacing(), "voxel sizes")
    checked_origin(image.GetOrigin(), "an origin")
    checked_axes(np.array(image.GetDirection()).reshape(3, 3).T.tolist(), "a grid")


def _no_object(path: Path, patient: str) -> None:
    """Refuse a folder or a file of DICOM as a mask where it holds contours or a segmentation object beside its images."""
    source, choice = _split(path, patient)
    if choice is None and (source.is_dir() or source.is_file()) and holds_dicom(source):
        held = contents(source)
        if held.drawing is not None:
            raise _object(source, held, patient)


def notes_of(path: Path, *, patient: str = "") -> list[Problem]:
    """Return warnings of a file's header, where the image can be read and somebody should look all the same."""
    source, _ = _split(path, patient)
    if holds_dicom(source):
        return []
    mend = "look whether the picture of the patient lies as it should"
    return [
        Problem(note, "a header that says how the image lies", mend, patient=patient, file=path, warning=True)
        for note in declared(source).notes
    ]


def labels_of(mask: sitk.Image) -> list[float]:
    """Return the non-zero values of a mask, in ascending order."""
    values = np.unique(sitk.GetArrayViewFromImage(mask))
    return [float(value) for value in values if value != 0]


def _listed(values: list[float], names: Mapping[int, str]) -> str:
    shown = ", ".join(
        f"{_exact(value)}{f' ({names[int(value)]})' if value in names else ''}" for value in values[:_LISTED]
    )
    return shown + (f", ... ({len(values)} in all)" if len(values) > _LISTED else "")


def _exact(value: float) -> str:
    """Return a number so that no other one reads alike."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _read_segment(path: Path, label: int | None, patient: str) -> tuple[sitk.Image, int | None, dict[int, str]]:
    """Return the layer of a segmentation that holds the segment meant, its label, and the names of that layer by label."""
    source, name = _split(path, patient)
    image = _read_any(source, patient)
    try:
        segments = segments_of(image)
    except ValueError as error:
        raise _refuse(path, patient, f"a segmentation whose header cannot be understood ({error})") from None
    listed = ", ".join(f"{segment.label} ({segment.name}) in layer {segment.layer}" for segment in segments)
    if name is not None:
        named = [each for each in segments if _alike(each.name, name) and label in (None, each.label)]
        if len(named) != 1:
            found = f"{len(named) or 'no'} segment{'s' if len(named) > 1 else ''} {name!r} among {listed or 'none'}"
            mend = f"write {source.name}#NAME in the cohort table, with one of these names, and leave mask_label empty"
            raise _refuse(path, patient, found, "one segment of that name", mend)
        segments, label = named, named[0].label
    layers = {segment.layer for segment in segments if label in (None, segment.label)} or {0}
    if len(layers) > 1:
        raise _refuse(
            path,
            patient,
            f"segments that overlap: {listed}",
            "one segment, or a mask_label that only one of them has",
            f"write {source.name}#NAME in the cohort table, with one of these names, or fill the column mask_label",
        )
    layer = layers.pop()
    if not 0 <= layer < image.GetNumberOfComponentsPerPixel():
        raise _refuse(
            path, patient, f"{image.GetNumberOfComponentsPerPixel()} layers where its header names layer {layer}"
        )
    mask = layer_of(image, layer)
    _check_volume(mask, path, patient)
    return (
        mask,
        label,
        {segment.label: segment.name for segment in segments if segment.layer == layer},
    )


def _alike(name: str, chosen: str) -> bool:
    """Whether a segment's name is the one chosen, which has been a cell of a table and the end of a path."""
    return name == chosen or str(PurePosixPath("#" + name.strip())) == str(PurePosixPath("#" + chosen.strip()))


def read_mask(path: Path, label: int | None = None, *, patient: str = "") -> sitk.Image:
    """Read a mask and keep one label of it.

    Parameters
    ----------
    path : Path
        As for `read_image`; of a segmentation of 3D Slicer, ``file.seg.nrrd#name`` takes the segment of that name.
    label : int or None
        The region's label; None takes the only non-zero label.
    patient : str
        Named in the error.

    Returns
    -------
    SimpleITK.Image
        uint8, 1 inside the region and 0 elsewhere.

    Raises
    ------
    InputError
        As `read_image`; or the mask is empty, lacks the label, holds several while none is named, or is no label map.
    """
    _no_object(path, patient)
    if is_segmentation(path):
        mask, label, names = _read_segment(path, label, patient)
    else:
        mask, names = read_image(path, patient=patient), {}
    labels = labels_of(mask)
    if not labels:
        raise _refuse(path, patient, "an empty mask", "a mask with at least one voxel that is not 0", "draw the region")
    between = [value for value in labels if value != int(value)]
    if between and len(labels) > 1:
        raise _refuse(
            path,
            patient,
            f"{len(between)} value{'s' if len(between) > 1 else ''} that {'are' if len(between) > 1 else 'is'} no whole "
            f"number, such as {', '.join(map(_exact, between[:3]))}",
            "a label map: 0 outside, a whole number inside each region",
            "if it is a map of probabilities, or a mask that was interpolated, cut it at a threshold and save the label map",
        )
    if label is None:
        if len(labels) > 1:
            raise _refuse(
                path,
                patient,
                f"the labels {_listed(labels, names)}",
                "one non-zero label, or a mask_label that names one",
                "fill the column mask_label of cohort.csv",
            )
        wanted = labels[0]
    elif float(label) not in labels:
        raise _refuse(
            path,
            patient,
            f"the label{'s' if len(labels) > 1 else ''} {_listed(labels, names)}, not mask_label {label}",
            "a mask that holds its mask_label",
            "correct the column mask_label of cohort.csv",
        )
    else:
        wanted = float(label)
    binary = sitk.GetImageFromArray((sitk.GetArrayViewFromImage(mask) == wanted).astype(np.uint8))
    binary.CopyInformation(mask)
    return binary
