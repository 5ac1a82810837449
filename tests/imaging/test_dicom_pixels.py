"""Every DICOM image has its own intensities, size and kind: applied where that loses nothing, refused where they contradict."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from tests.imaging.conftest import make_image
from tests.imaging.test_dicom import _write_enhanced, write_volume
from vcfstats.contracts.errors import InputError
from vcfstats.imaging.reading import read_image, read_mask

MR, PET = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.128"
STORED = sitk.GetArrayFromImage(make_image(size=(6, 5, 3))).astype(np.float64)


def series(folder: Path, edit: Callable[[Dataset, int], None] | None = None, sop: str = MR) -> Path:
    """Write three images and change them one by one."""
    write_volume(folder, make_image(size=(6, 5, 3)), uid="1.2.3.4", SliceThickness=3.5)
    for index, path in enumerate(sorted(folder.iterdir())):
        data = pydicom.dcmread(path)
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = sop
        if edit is not None:
            edit(data, index)
        data.save_as(path)
    return folder


def values(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(read_image(path)).astype(np.float64)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_image(path, patient="P7")
    (problem,) = error.value.problems
    assert (problem.patient, problem.file) == ("P7", path)
    return str(problem)


@pytest.mark.parametrize("sop", [MR, PET])
def test_each_image_has_its_own_slope_and_intercept(tmp_path, sop):
    slopes, intercepts = ("1", "0.25", "0.35"), ("0", "-3", "100.5")

    def edit(data: Dataset, index: int) -> None:
        data.RescaleSlope, data.RescaleIntercept = slopes[index], intercepts[index]

    expected = STORED * np.array([1, 0.25, 0.35])[:, None, None] + np.array([0, -3, 100.5])[:, None, None]
    np.testing.assert_allclose(values(series(tmp_path / "a", edit, sop)), expected, rtol=1e-12)


def test_seven_in_three_images_and_what_does_not_fit_the_first_ones_type(tmp_path):
    def edit(data: Dataset, index: int) -> None:
        data.PixelData = np.full((5, 6), 7, "<i2").tobytes()
        data.RescaleSlope, data.RescaleIntercept = ("1", "0.25", "0.35")[index], "0"

    assert values(series(tmp_path / "a", edit, PET))[:, 2, 2] == pytest.approx([7, 1.75, 2.45])

    def large(data: Dataset, index: int) -> None:
        data.PixelData, data.PixelRepresentation = np.full((5, 6), (70, 2000, 65535)[index], "<u2").tobytes(), 0
        data.RescaleSlope, data.RescaleIntercept = ("1", "70.02", "2000")[index], "0"

    assert values(series(tmp_path / "b", large, PET))[:, 2, 2] == pytest.approx([70, 140_040, 131_070_000])


def test_a_slope_that_only_one_image_has(tmp_path):
    def edit(data: Dataset, index: int) -> None:
        if index == 1:
            data.RescaleSlope = "2"  # and no intercept

    expected = STORED * np.array([1, 2, 1])[:, None, None]
    np.testing.assert_array_equal(values(series(tmp_path / "a", edit)), expected)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_bits_and_signs_of_each_image(tmp_path, syntax):
    order = "<" if syntax.is_little_endian else ">"

    def edit(data: Dataset, index: int) -> None:
        if index == 1:  # 12 of 16 bits, signed: 0xFFF is -1
            data.BitsStored, data.HighBit = 12, 11
            data.PixelData = np.full((5, 6), 0x0FFF, order + "u2").tobytes()
        elif index == 2:
            data.PixelRepresentation, data.PixelData = 0, np.full((5, 6), 65535, order + "u2").tobytes()
        else:
            data.PixelData = np.full((5, 6), -5, order + "i2").tobytes()

    folder = series(tmp_path / "a")
    for index, path in enumerate(sorted(folder.iterdir())):
        data = pydicom.dcmread(path)
        edit(data, index)
        data.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(path, data, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    assert values(folder)[:, 1, 1].tolist() == [-5, -1, 65535]


def test_inverted_grey_keeps_its_values(tmp_path):
    def edit(data: Dataset, _: int) -> None:
        data.PhotometricInterpretation = "MONOCHROME1"
        data.RescaleSlope, data.RescaleIntercept = "2", "1"

    image = read_image(series(tmp_path / "a", edit))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), STORED * 2 + 1)
    plain = read_image(series(tmp_path / "b"))
    for kind in ("GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(image, kind)() == pytest.approx(getattr(plain, kind)(), abs=1e-6)


@pytest.mark.parametrize(
    "sop", ["1.2.840.10008.5.1.4.1.1.20", "1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.7"]
)
def test_the_grid_is_the_headers_whatever_the_class(tmp_path, sop):
    # ITK takes 1 mm for slices of nuclear medicine and for pixels of angiography.
    image = read_image(series(tmp_path / "a", sop=sop))
    assert image.GetSpacing() == pytest.approx((0.9, 0.9, 3.5), abs=1e-6)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), STORED)


CONTRADICTIONS = {
    "PixelSpacing": [0.9, 0.95],
    "PhotometricInterpretation": "MONOCHROME1",
    "Units": "CNTS",
    "RescaleType": "US",
    "FrameOfReferenceUID": "1.2.9",
    "Modality": "CT",
    "PatientID": "ANOTHER-PERSON",
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_images_that_contradict_each_other_are_named(tmp_path, name):
    def edit(data: Dataset, index: int) -> None:
        data.Units, data.RescaleType, data.FrameOfReferenceUID = "BQML", "HU", "1.2.8"
        data.Modality, data.PatientID = "MR", "ONE-PERSON"
        if index == 1:
            setattr(data, name, CONTRADICTIONS[name])

    said = refused(series(tmp_path / "a", edit))
    assert "IM0000" in said
    assert "IM0001" in said
    assert "PERSON" not in said
    assert (
        name if name != "PixelSpacing" else "pixels of 0.9 x 0.9 mm in IM0000 and of 0.9 x 0.95 mm in IM0001"
    ) in said


def test_rows_that_differ(tmp_path):
    folder = series(tmp_path / "a")
    data = pydicom.dcmread(folder / "IM0002")
    data.Rows, data.PixelData = 4, data.PixelData[: 4 * 6 * 2]
    data.save_as(folder / "IM0002")
    assert "IM0000 has Rows 5 and IM0002 4" in refused(folder)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PixelSpacing", None, "IM0001 has no PixelSpacing, so that the size of its pixels is unknown"),
        ("PixelSpacing", [0.0, 0.9], "IM0001 has a PixelSpacing of 0 x 0.9"),
        ("RescaleSlope", "0", "a RescaleSlope of 0"),
        ("RescaleSlope", "1e40", "a RescaleSlope of 1e+40"),
        ("SamplesPerPixel", 3, "3 components a voxel"),
        ("PhotometricInterpretation", "PALETTE COLOR", "pixels of the kind PALETTE COLOR"),
        ("BitsStored", 17, "BitsStored 17"),
        ("HighBit", 3, "HighBit 3"),
        ("Rows", 0, "0 rows and 6 columns"),
        ("Columns", 60, "60 bytes of PixelData where 1 x 5 x 60 pixels need 600"),
        ("NumberOfFrames", "0", "a NumberOfFrames of 0"),
        ("PixelData", b"\0" * 58, "58 bytes of PixelData where 1 x 5 x 6 pixels need 60"),
        ("PixelData", None, "no PixelData"),
        ("ImageOrientationPatient", [1, 0, 0, 0.5, 1, 0], "IM0001"),
        ("ImagePositionPatient", None, "images that do not say where they lie"),
    ],
)  # fmt: skip
def test_one_image_that_cannot_be_what_it_says(tmp_path, name, value, said):
    def edit(data: Dataset, index: int) -> None:
        if index == 1 and value is None:
            delattr(data, name)
        elif index == 1:
            setattr(data, name, value)

    folder = series(tmp_path / "a", edit)
    assert said in refused(folder)


def test_an_image_that_lacks_what_makes_it_one_is_not_passed_over(tmp_path):
    for name in ("Rows", "Columns", "SeriesInstanceUID"):
        folder = series(tmp_path / name)
        data = pydicom.dcmread(folder / "IM0002")  # at the end no gap would show
        delattr(data, name)
        data.save_as(folder / "IM0002")
        assert "IM0002 lies among the images and cannot be read as one" in refused(folder)


def test_a_table_of_intensities_is_not_passed_over(tmp_path):
    def edit(data: Dataset, _: int) -> None:
        table = Dataset()
        table.LUTDescriptor, table.ModalityLUTType = [16, 0, 16], "US"
        table.LUTData = np.arange(16, dtype="<u2").tobytes()
        data.ModalityLUTSequence = [table]

    assert "ModalityLUTSequence" in refused(series(tmp_path / "a", edit))


def enhanced(path: Path, scales: list[tuple[float, float]] | None, *, shared: bool = False, edit=None) -> np.ndarray:
    """Write a file of twelve frames with a scale each, or one for all; return the intensities."""
    image = make_image()
    _write_enhanced(path, image, list(range(12)))
    data = pydicom.dcmread(path)
    for index, own in enumerate(data.PerFrameFunctionalGroupsSequence):
        if scales is not None and (index == 0 or not shared):
            scale = Dataset()
            scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = (*scales[index], "US")
            (data.SharedFunctionalGroupsSequence[0] if shared else own).PixelValueTransformationSequence = [scale]
    if edit is not None:
        edit(data)
    data.save_as(path)
    slopes, intercepts = np.array(scales if not shared else scales[:1] * 12).T[:, :, None, None] if scales else (1, 0)
    return sitk.GetArrayFromImage(image) * slopes + intercepts


@pytest.mark.parametrize("shared", [False, True])
def test_each_frame_has_its_own_scale(tmp_path, shared):
    path = tmp_path / "f" / "a.dcm"
    expected = enhanced(path, [(0.5 + index, -index) for index in range(12)], shared=shared)
    image = read_image(path.parent)
    np.testing.assert_allclose(
        sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(_turned(expected, image)), rtol=1e-12
    )
    assert image.GetSpacing() == pytest.approx(make_image().GetSpacing(), abs=1e-6)


def _turned(array: np.ndarray, image: sitk.Image) -> sitk.Image:
    """Return an array on the grid of `make_image`, on that of an image."""
    own = sitk.GetImageFromArray(array)
    own.CopyInformation(make_image())
    return sitk.Resample(own, image, sitk.Transform(), sitk.sitkNearestNeighbor, -9999)


def test_frames_that_contradict_each_other(tmp_path):
    def sizes(data: Dataset) -> None:
        measures = Dataset()
        measures.PixelSpacing = [0.9, 1.0]
        data.PerFrameFunctionalGroupsSequence[3].PixelMeasuresSequence = [measures]

    enhanced(tmp_path / "a" / "a.dcm", None, edit=sizes)
    assert "pixels of 0.9 x 0.9 mm in frame" in refused(tmp_path / "a")

    def turned(data: Dataset) -> None:
        axes = Dataset()
        axes.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.PerFrameFunctionalGroupsSequence[3].PlaneOrientationSequence = [axes]

    enhanced(tmp_path / "b" / "a.dcm", None, edit=turned)
    assert "images of several orientations" in refused(tmp_path / "b")

    def fewer(data: Dataset) -> None:
        del data.PerFrameFunctionalGroupsSequence[3]

    enhanced(tmp_path / "c" / "a.dcm", None, edit=fewer)
    assert "a header that breaks the standard" in refused(tmp_path / "c")

    def cut(data: Dataset) -> None:
        data.PixelData = data.PixelData[:-2]

    enhanced(tmp_path / "d" / "a.dcm", None, edit=cut)
    assert "bytes of PixelData where 12 x" in refused(tmp_path / "d")


@pytest.mark.parametrize(
    ("sop", "what"), [("66.4", "a DICOM segmentation (SEG)"), ("481.3", "an RT structure set (RTSTRUCT): contours")]
)
def test_objects_that_are_no_label_map_say_what_they_are(tmp_path, sop, what):
    folder = series(tmp_path / "a")
    data = pydicom.dcmread(folder / "IM0000")
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = f"1.2.840.10008.5.1.4.1.1.{sop}"
    if sop == "481.3":
        for name in ("Rows", "Columns", "PixelData"):
            delattr(data, name)
    alone = tmp_path / "object.dcm"
    data.save_as(alone)
    data.save_as(folder / "object")
    for path in (alone, folder):
        with pytest.raises(InputError) as error:
            read_mask(path, patient="P7")
        assert what in str(error.value)
        assert "save it as a label map in NIfTI or NRRD" in str(error.value)
    np.testing.assert_array_equal(values(folder), STORED)  # beside the images it is none of them
    assert what in refused(alone)


def _rle(path: Path) -> None:
    data = pydicom.dcmread(path)
    data.compress(RLELossless)
    data.save_as(path)


def _jpeg_2000(path: Path) -> None:
    whole, data = sitk.ReadImage(str(path), imageIO="GDCMImageIO"), pydicom.dcmread(path)
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG2000")
    writer.SetFileName(str(path))
    writer.Execute(whole)
    packed = pydicom.dcmread(path)
    data["PixelData"] = packed["PixelData"]
    data.file_meta.TransferSyntaxUID = packed.file_meta.TransferSyntaxUID
    data.save_as(path)


@pytest.mark.parametrize("pack", [_rle, _jpeg_2000])
def test_compressed_pixels_are_scaled_and_whole(tmp_path, pack):
    image, slopes = make_image(size=(64, 48, 3)), (1, 0.25, 0.35)
    folder = tmp_path / "a"
    write_volume(folder, image, uid="1.2.3.4")
    for slope, path in zip(slopes, sorted(folder.iterdir()), strict=True):
        pack(path)
        data = pydicom.dcmread(path)
        data.RescaleSlope, data.RescaleIntercept = str(slope), "0"
        data.save_as(path)
    expected = sitk.GetArrayFromImage(image) * np.array(slopes)[:, None, None]
    np.testing.assert_allclose(values(folder), expected, rtol=1e-12)
    last = folder / "IM0002"
    content = last.read_bytes()
    for lost in (8, 30, 200):  # the end of the fragments, and what stands before it
        last.write_bytes(content[:-lost])
        assert "compressed PixelData that is cut short" in refused(folder)


def test_a_deflated_file(tmp_path):
    folder = series(tmp_path / "a")
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        data.save_as(path)
    np.testing.assert_array_equal(values(folder), STORED)


def test_a_deflated_bomb_is_not_unpacked(tmp_path, monkeypatch):
    folder = series(tmp_path / "a")
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        data.add_new(0x00091001, "OB", bytes(10_000_000))
        data.save_as(path)
    assert values(folder).shape == STORED.shape
    monkeypatch.setattr("vcfstats.imaging.dicom_header.LARGEST_BYTES", 5_000_000)
    with pytest.raises(InputError):
        read_image(folder)
