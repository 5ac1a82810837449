"""Intensities of DICOM files whose images differ in how stored values become intensities, which ITK reads by the first one's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from vcfstats.contracts.files import scratch_folder
from vcfstats.imaging.dicom_header import Header, Scale

# Multi-frame images of grey words and bytes: classes whose reader wants no more than size, bits and pixels.
_PLAIN_CLASS = {8: "1.2.840.10008.5.1.4.1.1.7.2", 16: "1.2.840.10008.5.1.4.1.1.7.3", 32: "1.2.840.10008.5.1.4.1.1.7.3"}
_KEPT = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData")


def is_uniform(headers: Sequence[Header]) -> bool:
    """Whether ITK reads these files as they are: one scale, given whole or not at all, one type, no inverted grey."""
    kinds = {
        (
            header.scales,
            *(str(header.values.get(name)) for name in ("BitsAllocated", "BitsStored", "PixelRepresentation")),
            "RescaleSlope" in header.values,
            "RescaleIntercept" in header.values,
        )
        for header in headers
    }
    first = headers[0]
    if len(kinds) > 1 or str(first.values.PhotometricInterpretation) != "MONOCHROME2":
        return False
    if first.frames > 1:
        return set(first.scales) == {Scale()}
    return ("RescaleSlope" in first.values) == ("RescaleIntercept" in first.values)


def intensities(headers: Sequence[Header]) -> npt.NDArray[Any]:
    """Return the images of files, or the frames of one, each with its own scale; shape (images, rows, columns).

    Stored values come back in their own type where none is scaled, and else as float64.
    """
    stored = [_stored(header.path) for header in headers]
    scales = [scale for header in headers for scale in header.scales]
    planes = np.concatenate(stored)  # in a type that holds the values of all
    if set(scales) == {Scale()}:
        return planes
    slopes, intercepts = (
        np.array(values, dtype=np.float64)[:, None, None]
        for values in ([scale.slope for scale in scales], [scale.intercept for scale in scales])
    )
    scaled: npt.NDArray[Any] = planes * slopes + intercepts
    return scaled


def _stored(path: Path) -> npt.NDArray[Any]:
    """Return the values that a file stores: ITK unpacks them from a copy that holds nothing but the pixels."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    whole = pydicom.dcmread(path, specific_tags=[*_KEPT, "NumberOfFrames"])
    bare = Dataset()
    for name in _KEPT:
        bare[name] = whole[name]
    bare.NumberOfFrames = whole.get("NumberOfFrames") or 1
    bare.SamplesPerPixel, bare.PhotometricInterpretation = 1, "MONOCHROME2"
    bare.SOPClassUID = _PLAIN_CLASS[int(whole.BitsAllocated)]
    bare.SOPInstanceUID = "2.25.1"
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = whole.file_meta.TransferSyntaxUID
    bare.file_meta.MediaStorageSOPClassUID = bare.SOPClassUID
    bare.file_meta.MediaStorageSOPInstanceUID = bare.SOPInstanceUID
    with scratch_folder() as folder:
        copy = folder / "pixels.dcm"
        bare.save_as(copy, enforce_file_format=True)
        array = sitk.GetArrayFromImage(sitk.ReadImage(str(copy), imageIO="GDCMImageIO"))
    return array if array.ndim == 3 else array[None]
