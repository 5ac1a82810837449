"""DICOM folders: volumes told apart, gaps refused, and nothing about the person but what the allow-list holds."""

import json
import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from tests.imaging.conftest import make_image
from vcfstats.contracts.errors import InputError
from vcfstats.imaging.acquisition import acquisition_of
from vcfstats.imaging.cache import path_hash
from vcfstats.imaging.dicom import volumes
from vcfstats.imaging.reading import read_image

SECRETS = {
    "PatientName": "Doe^Jane", "PatientID": "HOSP-77", "PatientBirthDate": "19500101", "AccessionNumber": "ACC123",
    "InstitutionName": "Saint Elsewhere", "ReferringPhysicianName": "Strange^Stephen", "StudyDate": "20200202",
    "StationName": "ROOM4", "SeriesDescription": "Jane Doe spine", "DeviceSerialNumber": "SN998",
}  # fmt: skip


def write_volume(folder: Path, image: sitk.Image, *, uid: str, start: int = 0, skip=(), **tags) -> None:
    """Write a volume as one DICOM file a slice."""
    folder.mkdir(parents=True, exist_ok=True)
    direction = image.GetDirection()
    array = sitk.GetArrayViewFromImage(image)
    for index in range(image.GetDepth()):
        if index in skip:
            continue
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[uid, str(start + index)])
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"IM{start + index:04d}"
        data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        data.SeriesInstanceUID, data.Modality, data.InstanceNumber = uid, "MR", index + 1
        for name, value in {**SECRETS, **tags}.items():
            setattr(data, name, value)
        data.ImagePositionPatient = [float(v) for v in image.TransformIndexToPhysicalPoint((0, 0, index))]
        data.ImageOrientationPatient = [direction[i] for i in (0, 3, 6, 1, 4, 7)]
        data.PixelSpacing = [image.GetSpacing()[1], image.GetSpacing()[0]]
        data.Rows, data.Columns = array.shape[1], array.shape[2]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 1
        data.PixelData = array[index].astype("<i2").tobytes()
        data.save_as(path)


@pytest.fixture
def dixon(tmp_path):
    """One folder with two echoes of a Dixon series, water and fat of the second, and a scout of another series."""
    folder = tmp_path / "P1"
    common = {"uid": "1.2.3.4", "SeriesNumber": 5, "RepetitionTime": 3000.0, "MagneticFieldStrength": 3.0}
    scanner = {"Manufacturer": "Simulated Systems", "ManufacturerModelName": "Phantom 3T", "SliceThickness": 3.0}
    for number, (echo, time, kind) in enumerate(((1, 1.2, "IN_PHASE"), (2, 2.4, "WATER"), (2, 2.4, "FAT"))):
        write_volume(
            folder,
            make_image(number),
            start=100 * number,
            **common,
            **scanner,
            EchoNumbers=echo,
            EchoTime=time,
            ImageType=["ORIGINAL", "PRIMARY", "DIXON", kind],
        )
    write_volume(folder, make_image(9)[:, :, :3], uid="1.2.3.9", start=900, SeriesNumber=1)
    (folder / "DICOMDIR.txt").write_text("not an image")
    return folder


def test_volumes_of_a_dixon_series_are_told_apart(dixon):
    names = [volume.name for volume in volumes(dixon)]
    assert names == ["1", "5.e1.DIXON_IN_PHASE", "5.e2.DIXON_FAT", "5.e2.DIXON_WATER"]
    with pytest.raises(InputError) as error:
        read_image(dixon, patient="P1")
    said = str(error.value)
    assert "4 DICOM volumes: 1 (3 images of 34 x 30); 5.e1.DIXON_IN_PHASE (12 images of 34 x 30, TE 1.2 ms)" in said
    assert "write P1#NAME" in said
    for number, name in ((1, "5.e2.DIXON_WATER"), (2, "5.e2.DIXON_FAT")):
        chosen = dixon.with_name(f"P1#{name}")
        back, expected = read_image(chosen), make_image(number)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(expected))
        assert back.GetOrigin() == pytest.approx(expected.GetOrigin(), abs=1e-4)
        assert back.GetDirection() == pytest.approx(expected.GetDirection(), abs=1e-6)
    with pytest.raises(InputError, match=r"no volume '7' among 1 \("):
        read_image(dixon.with_name("P1#7"))
    assert (
        path_hash(dixon.with_name("P1#1")) != path_hash(dixon.with_name("P1#5.e1.DIXON_IN_PHASE")) != path_hash(dixon)
    )


def test_a_series_number_used_twice(tmp_path):
    for start, uid in ((0, "1.2.3.11"), (50, "1.2.3.12")):
        write_volume(tmp_path / "twice", make_image(), uid=uid, start=start, SeriesNumber=4)
    assert [volume.name for volume in volumes(tmp_path / "twice")] == ["4.11", "4.12"]


def test_a_missing_image_and_one_twice(tmp_path):
    write_volume(tmp_path / "gap", make_image(), uid="1.2.3.1", skip=(5,))
    with pytest.raises(InputError, match=r"a gap of 7.00 mm between IM0004 and IM0006 where 3.50 mm are usual"):
        read_image(tmp_path / "gap")
    write_volume(tmp_path / "twice", make_image(), uid="1.2.3.1")
    write_volume(tmp_path / "twice", make_image()[:, :, :1], uid="1.2.3.1", start=80)
    with pytest.raises(InputError, match="two images at one place"):
        read_image(tmp_path / "twice")


def test_acquisition_holds_what_methods_print_and_nothing_of_the_person(dixon):
    chosen = next(volume for volume in volumes(dixon) if volume.name == "5.e2.DIXON_WATER")
    found = acquisition_of(dixon.with_name("P1#" + chosen.name), files=chosen.files)
    assert found == {
        "repetition_time_ms": 3000.0,
        "echo_time_ms": 2.4,
        "slice_thickness_mm": 3.0,
        "field_strength_t": 3.0,
        "manufacturer": "Simulated Systems",
        "model": "Phantom 3T",
        "matrix": "34 x 30",
        "field_of_view_mm": "31 x 27",
    }
    kept = json.dumps(found) + repr(volumes(dixon))
    image = read_image(dixon.with_name("P1#" + chosen.name))
    kept += repr([image.GetMetaData(key) for key in image.GetMetaDataKeys()])
    single = dixon.parent / "one.dcm"
    (dixon / "IM0900").rename(single)
    assert pydicom.dcmread(single).PatientName == "Doe^Jane"
    frame = sitk.ReadImage(str(single))
    assert "Doe" in repr([frame.GetMetaData(key) for key in frame.GetMetaDataKeys()])
    back = read_image(single)
    assert back.GetSize() == frame.GetSize()
    kept += repr([back.GetMetaData(key) for key in back.GetMetaDataKeys()])
    for secret in SECRETS.values():
        assert secret not in kept


def test_a_name_that_is_no_machine_is_left_out(tmp_path):
    write_volume(tmp_path / "a", make_image(), uid="1.2.3.5", Manufacturer="<script>alert(1)</script>")
    assert "manufacturer" not in acquisition_of(tmp_path / "a", files=volumes(tmp_path / "a")[0].files)


def test_sidecar_of_bids(tmp_path):
    image = tmp_path / "sub-1_T2w.nii.gz"
    image.touch()
    assert acquisition_of(image) == {}
    content = {
        "RepetitionTime": 3.5,
        "EchoTime": 0.102,
        "MagneticFieldStrength": 1.5,
        "PatientName": "Doe",
        "Manufacturer": "Maker",
    }
    (tmp_path / "sub-1_T2w.json").write_text(json.dumps(content), encoding="utf-8")
    assert acquisition_of(image) == {
        "repetition_time_ms": 3500.0,
        "echo_time_ms": 102.0,
        "field_strength_t": 1.5,
        "manufacturer": "Maker",
    }


def test_sidecars_above_the_image_are_inherited_nearest_first(tmp_path):
    image = tmp_path / "sub-1" / "anat" / "sub-1_acq-tse_T2w.nii.gz"
    image.parent.mkdir(parents=True)
    image.touch()
    told = {
        "dataset_description.json": {"RepetitionTime": 99.0},
        "T2w.json": {"RepetitionTime": 3.0, "EchoTime": 0.1, "FlipAngle": 90, "Manufacturer": "Maker"},
        "T1w.json": {"MagneticFieldStrength": 7.0},
        "acq-stir_T2w.json": {"EchoTime": 0.9},
        "acq-tse_T2w.json": {"EchoTime": 0.08},
        "sub-1/sub-1_T2w.json": {"FlipAngle": 120},
        "sub-2_T2w.json": {"FlipAngle": 10},
        "sub-1/anat/sub-1_acq-tse_T2w.json": {"RepetitionTime": 2.5},
    }
    for name, content in told.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    assert acquisition_of(image) == {
        "repetition_time_ms": 2500.0, "echo_time_ms": 80.0, "flip_angle_deg": 120.0, "manufacturer": "Maker",
    }  # fmt: skip
    (tmp_path / "dataset_description.json").unlink()  # no dataset: the file beside the image alone
    assert acquisition_of(image) == {"repetition_time_ms": 2500.0}


@pytest.mark.parametrize("alone", [False, True])
def test_a_file_of_many_frames_tells_its_acquisition_and_is_an_image_of_its_own(tmp_path, alone):
    image = make_image()
    path = tmp_path / "f" / "a.dcm"
    _write_enhanced(path, image, [3, 0, 1, 2, *range(11, 3, -1)])
    named = path if alone else path.parent
    assert acquisition_of(named, files=volumes(named)[0].files) == {
        "repetition_time_ms": 2500.0, "echo_time_ms": 85.0, "flip_angle_deg": 90.0, "slice_thickness_mm": 3.0,
        "matrix": "34 x 30", "field_of_view_mm": "31 x 27",
    }  # fmt: skip
    back = read_image(named)
    there = sitk.Resample(back, image, sitk.Transform(), sitk.sitkNearestNeighbor, -9999)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(there), sitk.GetArrayFromImage(image))


def test_a_single_file_that_is_no_dicom_says_so(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="a file that cannot be read as a DICOM image"):
        read_image(tmp_path / "a.dcm")


def test_an_image_that_cannot_be_read_is_not_passed_over(tmp_path):
    write_volume(tmp_path / "cut", make_image(), uid="1.2.3.1")
    last = tmp_path / "cut" / "IM0011"  # at the end no gap would show
    last.write_bytes(last.read_bytes()[:100])
    with pytest.raises(InputError, match="IM0011 lies among the images and cannot be read as one"):
        read_image(tmp_path / "cut")
    write_volume(tmp_path / "pixels", make_image(), uid="1.2.3.1")
    last = tmp_path / "pixels" / "IM0011"
    last.write_bytes(last.read_bytes()[:-900])
    with pytest.raises(InputError):
        read_image(tmp_path / "pixels")


def test_images_beside_their_axis_are_refused(tmp_path):
    write_volume(tmp_path / "a", make_image(), uid="1.2.3.1")
    path = tmp_path / "a" / "IM0004"
    data = pydicom.dcmread(path)
    axis = np.array([float(v) for v in data.ImageOrientationPatient[:3]])
    data.ImagePositionPatient = [float(v) for v in np.array(data.ImagePositionPatient, dtype=float) + 2 * axis]
    data.save_as(path)
    with pytest.raises(InputError, match=r"IM0004 2\.00 mm beside the axis of the first image"):
        read_image(tmp_path / "a")
    del data.ImagePositionPatient
    data.save_as(path)
    with pytest.raises(InputError, match="images that do not say where they lie"):
        read_image(tmp_path / "a")


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_names_of_volumes_are_fit_for_a_path(tmp_path):
    for start, kind in ((0, "W/1:x"), (50, "F")):
        write_volume(
            tmp_path / "a",
            make_image(start),
            uid="1.2.3.1",
            start=start,
            SeriesNumber=4,
            ImageType=["ORIGINAL", "PRIMARY", kind],
        )
    assert [volume.name for volume in volumes(tmp_path / "a")] == ["4.F", "4.W-1-x"]


def _write_enhanced(path: Path, image: sitk.Image, order: list[int], places: list[int] | None = None) -> None:
    """Write a volume as one multi-frame file whose frames come in some order."""
    array = sitk.GetArrayViewFromImage(image)
    direction = image.GetDirection()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["frames"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.SeriesInstanceUID, data.Modality, data.SeriesNumber = "1.2.3.7", "MR", 7
    data.NumberOfFrames, data.Rows, data.Columns = len(order), array.shape[1], array.shape[2]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 1
    orientation, measures, timing, echo, shared = (Dataset() for _ in range(5))
    orientation.ImageOrientationPatient = [direction[i] for i in (0, 3, 6, 1, 4, 7)]
    measures.PixelSpacing = [image.GetSpacing()[1], image.GetSpacing()[0]]
    measures.SliceThickness = 3.0
    timing.RepetitionTime, timing.FlipAngle, echo.EffectiveEchoTime = 2500.0, 90.0, 85.0
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    shared.MRTimingAndRelatedParametersSequence, shared.MREchoSequence = [timing], [echo]
    data.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for index in places or order:
        own, position = Dataset(), Dataset()
        position.ImagePositionPatient = [float(v) for v in image.TransformIndexToPhysicalPoint((0, 0, index))]
        own.PlanePositionSequence = [position]
        frames.append(own)
    data.PerFrameFunctionalGroupsSequence = frames
    data.PixelData = array[order].astype("<i2").tobytes()
    path.parent.mkdir()
    data.save_as(path)


@pytest.mark.parametrize("order", [range(12), range(11, -1, -1), [3, 0, 1, 2, *range(11, 3, -1)]])
def test_frames_of_one_file_lie_where_their_headers_say(tmp_path, order):
    image = make_image()
    _write_enhanced(tmp_path / "f" / "a.dcm", image, list(order))
    back = read_image(tmp_path / "f")
    assert back.GetSpacing() == pytest.approx(image.GetSpacing(), abs=1e-6)
    there = sitk.Resample(back, image, sitk.Transform(), sitk.sitkNearestNeighbor, -9999)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(there), sitk.GetArrayFromImage(image))


def test_frames_of_two_volumes_in_one_file_are_refused(tmp_path):
    _write_enhanced(tmp_path / "f" / "a.dcm", make_image(), [*range(6), *range(6)])
    with pytest.raises(InputError, match="two images at one place"):
        read_image(tmp_path / "f")


@pytest.mark.parametrize("content", ["[" * 100_000, '{"EchoTime": 1' + "0" * 400 + "}", "{", '"x"'])
def test_a_sidecar_that_is_none_tells_nothing(tmp_path, content):
    (tmp_path / "a_T2w.nii.gz").touch()
    (tmp_path / "a_T2w.json").write_text(content, encoding="utf-8")
    assert acquisition_of(tmp_path / "a_T2w.nii.gz") == {}
    (tmp_path / "a_T2w.json").unlink()
    os.mkfifo(tmp_path / "a_T2w.json")
    assert acquisition_of(tmp_path / "a_T2w.nii.gz") == {}


def test_a_header_that_breaks_the_standard_tells_what_it_can(tmp_path):
    write_volume(tmp_path / "a", make_image(), uid="1.2.3.5", RepetitionTime=3000.0)
    path = tmp_path / "a" / "IM0000"
    content = path.read_bytes()
    assert content.count(b"3000.0") == 1
    path.write_bytes(content.replace(b"3000.0", b"x000.0"))
    assert "repetition_time_ms" not in acquisition_of(tmp_path / "a", files=volumes(tmp_path / "a")[0].files)
