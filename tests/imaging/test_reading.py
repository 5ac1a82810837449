"""Images and masks are read whole or refused in one line that says why."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from vcfstats.contracts.errors import InputError
from vcfstats.imaging.reading import read_image, read_mask

FORMATS = ("nii.gz", "nii", "nrrd", "mha")


def _only(error: pytest.ExceptionInfo[InputError]):
    assert len(error.value.problems) == 1
    return error.value.problems[0]


@pytest.mark.parametrize("suffix", FORMATS)
def test_formats_come_back_as_written(tmp_path, image, suffix):
    path = tmp_path / f"image.{suffix}"
    sitk.WriteImage(image, str(path))
    back = read_image(path)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
    np.testing.assert_allclose(back.GetDirection(), image.GetDirection(), atol=1e-6)
    np.testing.assert_allclose(back.GetOrigin(), image.GetOrigin(), atol=1e-4)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kept", [0.0, 0.002, 0.6])
def test_a_file_cut_short_is_refused_quietly(tmp_path, image, suffix, kept, capfd):
    whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    sitk.WriteImage(image, str(whole))
    content = whole.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputError) as error:
        read_image(path, patient="P7")
    problem = _only(error)
    assert (problem.patient, problem.file) == ("P7", path)
    assert "\n" not in str(problem)
    assert capfd.readouterr() == ("", "")


def test_damaged_compression_is_refused(tmp_path, image):
    path = tmp_path / "image.nii.gz"
    sitk.WriteImage(image, str(path))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match="compressed"):
        read_image(path)


def test_a_compressed_file_that_lacks_voxels_is_refused(tmp_path, image):
    path = tmp_path / "image.nii.gz"
    sitk.WriteImage(image, str(path))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-2]))
    with pytest.raises(InputError, match="bytes where its header asks for"):
        read_image(path)


@pytest.mark.parametrize("name", ["image.nii.gz", "image.nrrd", "image.mha", "image.txt", "image"])
def test_rubbish_is_refused_quietly(tmp_path, name, capfd):
    path = tmp_path / name
    path.write_bytes(b"not an image " * 100)
    with pytest.raises(InputError):
        read_image(path)
    assert capfd.readouterr() == ("", "")


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_image(tmp_path / "absent.nii.gz")


def test_four_dimensions(tmp_path, image):
    path = tmp_path / "image.nii.gz"
    sitk.WriteImage(sitk.JoinSeries([image, image]), str(path))
    with pytest.raises(InputError, match=r"4 dimensions \(30 x 34 x 12 x 2\)"):
        read_image(path)


def test_a_fourth_axis_of_length_one_is_dropped(tmp_path, image):
    path = tmp_path / "image.nrrd"
    sitk.WriteImage(sitk.JoinSeries([image]), str(path))
    back = read_image(path)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
    assert back.GetSpacing() == pytest.approx(image.GetSpacing())


def test_two_dimensions_and_components(tmp_path, image):
    sitk.WriteImage(image[:, :, 3], str(tmp_path / "flat.mha"))
    with pytest.raises(InputError, match="2 dimensions"):
        read_image(tmp_path / "flat.mha")
    sitk.WriteImage(sitk.Compose(image, image), str(tmp_path / "vector.mha"))
    with pytest.raises(InputError, match="2 components a voxel"):
        read_image(tmp_path / "vector.mha")


def _write_series(folder: Path, image: sitk.Image, uid: str) -> None:
    folder.mkdir(exist_ok=True)
    direction = image.GetDirection()
    for index in range(image.GetDepth()):
        part = image[:, :, index]
        position = image.TransformIndexToPhysicalPoint((0, 0, index))
        for tag, value in (
            ("0008|0060", "MR"),
            ("0020|000e", uid),
            ("0020|0032", "\\".join(f"{v:.6f}" for v in position)),
            ("0020|0037", "\\".join(f"{direction[i]:.6f}" for i in (0, 3, 6, 1, 4, 7))),
            ("0020|0013", str(index)),
        ):
            part.SetMetaData(tag, value)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetFileName(str(folder / f"{uid[-1]}{index:03d}.dcm"))
        writer.Execute(part)


def test_dicom_series(tmp_path, image, capfd):
    folder = tmp_path / "series"
    _write_series(folder, image, "1.2.826.0.1.1")
    back = read_image(folder)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
    assert back.GetOrigin() == pytest.approx(image.GetOrigin(), abs=1e-4)
    assert back.GetSpacing()[2] == pytest.approx(image.GetSpacing()[2])
    _write_series(folder, image, "1.2.826.0.1.2")
    with pytest.raises(InputError, match="2 DICOM volumes"):
        read_image(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="without a DICOM image"):
        read_image(tmp_path / "empty")
    assert capfd.readouterr().err == ""


def test_mask_labels(tmp_path, mask):
    path = tmp_path / "mask.nii.gz"
    values = sitk.GetArrayFromImage(mask)
    values[0, :3, :3] = 5
    both = sitk.GetImageFromArray(values)
    both.CopyInformation(mask)
    sitk.WriteImage(both, str(path))
    with pytest.raises(InputError, match="the labels 1, 5"):
        read_mask(path)
    with pytest.raises(InputError, match="not mask_label 3"):
        read_mask(path, 3)
    kept = sitk.GetArrayFromImage(read_mask(path, 5))
    np.testing.assert_array_equal(kept, values == 5)
    sitk.WriteImage(mask * 7, str(path))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_mask(path)), sitk.GetArrayFromImage(mask))


def test_labels_that_differ_in_the_last_digit_read_otherwise(tmp_path, mask):
    path = tmp_path / "mask.nrrd"
    values = sitk.GetArrayFromImage(mask).astype(np.float64)
    values[0, :3, :3] = 1.0000001
    close = sitk.GetImageFromArray(values)
    close.CopyInformation(mask)
    sitk.WriteImage(close, str(path))
    for label in (None, 1):
        with pytest.raises(InputError, match=r"1 value that is no whole number, such as 1\.0000001"):
            read_mask(path, label)
    values[0, :3, :3] = 1_000_001
    values[0, 3:5, :3] = 1_000_002
    close = sitk.GetImageFromArray(values)
    close.CopyInformation(mask)
    sitk.WriteImage(close, str(path))
    with pytest.raises(InputError, match="the labels 1, 1000001, 1000002"):
        read_mask(path)


def test_a_map_of_probabilities_is_no_label_map(tmp_path, image, mask):
    path = tmp_path / "mask.nii.gz"
    soft = sitk.SmoothingRecursiveGaussian(sitk.Cast(mask, sitk.sitkFloat32), 2.0)
    sitk.WriteImage(soft, str(path))
    with pytest.raises(InputError) as error:
        read_mask(path, patient="P7")
    said = str(_only(error))
    assert "no whole number, such as" in said
    assert "cut it at a threshold" in said
    assert "mask_label" not in said
    sitk.WriteImage(sitk.Cast(mask, sitk.sitkFloat32) * 0.0039, str(path))  # one value, whatever it is, is one region
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_mask(path)), sitk.GetArrayFromImage(mask))


def test_empty_mask(tmp_path, mask):
    path = tmp_path / "mask.nii.gz"
    sitk.WriteImage(mask * 0, str(path))
    with pytest.raises(InputError, match="an empty mask"):
        read_mask(path, 1)
