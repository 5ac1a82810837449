"""Read one image or one mask: whole, three-dimensional, with one clear error where it is not."""

from __future__ import annotations

import gzip
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.imaging.dicom import Volume, holds_dicom, volumes
from vcfstats.imaging.paths import split_choice
from vcfstats.imaging.segments import is_segmentation, layer_of, segments_of

FORMATS = "a 3D image in NIfTI (.nii, .nii.gz), NRRD (.nrrd, .nhdr), MetaImage (.mha, .mhd), a DICOM file (.dcm), or a folder of DICOM images"
_WHOLE = "a whole file, as it was exported"
_FINITE = "finite values"
_EXPORT = "export the file again, or leave the patient out of the cohort"
_NIFTI_FLOATS = {16: "f4", 64: "f8"}


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


def _refuse(path: Path, patient: str, found: str, allowed: str = FORMATS, mend: str = _EXPORT) -> InputError:
    return InputError(Problem(found, allowed, mend, patient=patient, file=path))


def _nifti_defect(path: Path) -> tuple[str, str] | None:
    """Say how a NIfTI file is cut short or damaged, and what is allowed instead.

    ITK reads such files without a word, and puts zeros for what is missing and for what is not finite.
    """
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as stream:
            content = stream.read()
    except EOFError:
        return "a compressed file that ends too early", _WHOLE
    except gzip.BadGzipFile:
        return "a file that is not compressed by gzip as its name says", _WHOLE
    except zlib.error as error:
        return f"a damaged compressed file ({error})", _WHOLE
    if len(content) < 348:
        return f"{len(content)} bytes, too few for a NIfTI header", _WHOLE
    for order in "<>":
        if struct.unpack_from(order + "i", content)[0] == 348 and content[344:347] == b"n+1":
            dim = struct.unpack_from(order + "8h", content, 40)
            datatype, bits = struct.unpack_from(order + "2h", content, 70)
            offset = int(struct.unpack_from(order + "f", content, 108)[0])
            count = int(np.prod(dim[1 : 1 + max(dim[0], 0)], dtype=np.int64))
            if len(content) < offset + count * bits // 8:
                return f"{len(content)} bytes where its header asks for {offset + count * bits // 8}", _WHOLE
            if datatype in _NIFTI_FLOATS:
                values = np.frombuffer(content, dtype=order + _NIFTI_FLOATS[datatype], count=count, offset=offset)
                defect = _not_finite(values)
                return (defect, _FINITE) if defect else None
    return None


def _not_finite(values: npt.NDArray[Any]) -> str | None:
    bad = 0 if np.issubdtype(values.dtype, np.integer) else int(np.count_nonzero(~np.isfinite(values)))
    return f"{bad} voxel{'s' if bad > 1 else ''} that {'are' if bad > 1 else 'is'} not finite" if bad else None


def dicom_volume(folder: Path, choice: str | None, patient: str) -> Volume:
    """Return the volume of a DICOM folder that is meant.

    Raises
    ------
    InputError
        The folder holds none, several while none is chosen, or not the one chosen; or images are missing from it.
    """
    there = volumes(folder)
    listed = "; ".join(f"{volume.name} ({volume.description})" for volume in there)
    if not there:
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
            "images side by side at even distances, none missing, none twice",
            "export the series again, whole",
        )
    return chosen[0]


def _reason(error: RuntimeError) -> str:
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
    return image


def _read_any(path: Path, patient: str) -> sitk.Image:
    """Read what a path names, header and all, its last axes of length 1 dropped."""
    source, choice = split_choice(path)
    if not source.exists():
        raise _refuse(path, patient, "no such file", mend="correct the path in cohort.csv, or put the file there")
    try:
        if holds_dicom(source):
            volume = dicom_volume(source, choice, patient)
            files = volume.files
            with _quiet():
                image = sitk.ReadImage([str(file) for file in files] if len(files) > 1 else str(files[0]))
            image = volume.placed(image)
        else:
            if choice is not None:
                mend = "name the file alone, or the folder that holds several volumes"
                raise _refuse(path, patient, f"a volume {choice!r} chosen of a single file", mend=mend)
            if source.name.lower().endswith((".nii", ".nii.gz")) and (defect := _nifti_defect(source)):
                raise _refuse(path, patient, *defect)
            with _quiet():
                image = sitk.ReadImage(str(source))
    except OSError as error:
        raise _refuse(path, patient, f"an unreadable file ({error.strerror or error})") from None
    except RuntimeError as error:
        raise _refuse(path, patient, f"a file that cannot be read as an image ({_reason(error)})") from None
    while image.GetDimension() > 3 and image.GetSize()[-1] == 1:
        image = image[(slice(None),) * (image.GetDimension() - 1) + (0,)]
    return image


def labels_of(mask: sitk.Image) -> list[float]:
    """Return the non-zero values of a mask, in ascending order."""
    values = np.unique(sitk.GetArrayViewFromImage(mask))
    return [float(value) for value in values if value != 0]


def _listed(values: list[float], names: Mapping[int, str]) -> str:
    shown = ", ".join(f"{value:g}{f' ({names[int(value)]})' if value in names else ''}" for value in values[:12])
    return shown + (f", ... ({len(values)} in all)" if len(values) > 12 else "")


def _read_segment(path: Path, label: int | None, patient: str) -> tuple[sitk.Image, int | None, dict[int, str]]:
    """Return the layer of a segmentation that holds the segment meant, its label, and the names of that layer by label."""
    source, name = split_choice(path)
    image = _read_any(source, patient)
    try:
        segments = segments_of(image)
    except ValueError as error:
        raise _refuse(path, patient, f"a segmentation whose header cannot be understood ({error})") from None
    listed = ", ".join(f"{segment.label} ({segment.name}) in layer {segment.layer}" for segment in segments)
    if name is not None:
        named = [segment for segment in segments if segment.name == name and label in (None, segment.label)]
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
    if layer >= image.GetNumberOfComponentsPerPixel():
        raise _refuse(
            path, patient, f"{image.GetNumberOfComponentsPerPixel()} layers where its header names layer {layer}"
        )
    return (
        layer_of(image, layer),
        label,
        {segment.label: segment.name for segment in segments if segment.layer == layer},
    )


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
        As `read_image`; or the mask is empty, lacks the label, or holds several while none is named.
    """
    if is_segmentation(path):
        mask, label, names = _read_segment(path, label, patient)
    else:
        mask, names = read_image(path, patient=patient), {}
    labels = labels_of(mask)
    if not labels:
        raise _refuse(path, patient, "an empty mask", "a mask with at least one voxel that is not 0", "draw the region")
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
