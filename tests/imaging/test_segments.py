"""Segmentations of 3D Slicer: by label, in layers, cropped to what was drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from tests.imaging.conftest import make_image, make_mask
from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError
from vcfstats.imaging.cache import path_hash
from vcfstats.imaging.loading import load_case
from vcfstats.imaging.paths import split_choice


def write(path: Path, mask: sitk.Image, segments: list[tuple[str, int, int]]) -> None:
    for number, (name, label, layer) in enumerate(segments):
        for key, value in (("Name", name), ("LabelValue", label), ("Layer", layer)):
            mask.SetMetaData(f"Segment{number}_{key}", str(value))
    sitk.WriteImage(mask, str(path), useCompression=True)


@pytest.fixture
def case(tmp_path):
    image = make_image()
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    return Case("P1", "P1", tmp_path / "image.nii.gz", tmp_path / "mask.seg.nrrd")


def _cropped(mask: sitk.Image) -> sitk.Image:
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(mask)
    box = shape.GetBoundingBox(shape.GetLabels()[0])
    return sitk.RegionOfInterest(mask, box[3:], box[:3])


def test_a_cropped_segmentation_lies_where_it_was_drawn(case):
    full = make_mask(make_image(), label=3)
    write(case.mask, _cropped(full), [("L3", 3, 0)])
    image, mask = load_case(case)
    assert mask.GetSize() == image.GetSize()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(full) // 3)


def test_a_crop_that_lies_between_voxels_or_leaves_the_image_is_refused(case):
    for offset in (0.4, 40.0):
        cropped = _cropped(make_mask(make_image()))
        cropped.SetOrigin([value + offset for value in cropped.GetOrigin()])
        write(case.mask, cropped, [("L3", 1, 0)])
        with pytest.raises(InputError, match="another grid"):
            load_case(case)


def test_several_segments_are_named(case):
    full = make_mask(make_image())
    array = sitk.GetArrayFromImage(full)
    array[:4] *= 2
    two = sitk.GetImageFromArray(array)
    two.CopyInformation(full)
    write(case.mask, two, [("L3 body", 1, 0), ("L3 arch", 2, 0)])
    with pytest.raises(InputError, match=r"the labels 1 \(L3 body\), 2 \(L3 arch\)"):
        load_case(case)
    _, mask = load_case(Case("P1", "P1", case.image, case.mask, 2))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), array == 2)


def test_layers_that_overlap(case):
    full = make_mask(make_image())
    inner = sitk.Cast(sitk.BinaryErode(full, (1, 1, 0)), sitk.sitkUInt8)
    write(case.mask, sitk.Compose(full, inner), [("body", 1, 0), ("core", 1, 1)])
    with pytest.raises(InputError, match=r"segments that overlap: 1 \(body\) in layer 0, 1 \(core\) in layer 1"):
        load_case(case)
    write(case.mask, sitk.Compose(full, inner * 2), [("body", 1, 0), ("core", 2, 1)])
    _, mask = load_case(Case("P1", "P1", case.image, case.mask, 2))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(inner))


def test_a_segment_is_chosen_by_its_name(case):
    full = make_mask(make_image())
    inner = sitk.Cast(sitk.BinaryErode(full, (1, 1, 0)), sitk.sitkUInt8)
    write(case.mask, sitk.Compose(full, inner), [("body", 1, 0), ("core", 1, 1), ("twin", 1, 0), ("twin", 1, 1)])
    for name, expected in (("body", full), ("core", inner)):
        _, mask = load_case(replace(case, mask=case.mask.with_name(f"mask.seg.nrrd#{name}")))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(expected))
    for name, said in (("arch", "no segment 'arch' among 1 (body) in layer 0"), ("twin", "2 segments 'twin' among")):
        with pytest.raises(InputError) as error:
            load_case(replace(case, mask=case.mask.with_name(f"mask.seg.nrrd#{name}")))
        assert said in str(error.value)
    hashes = {path_hash(case.mask.with_name(f"mask.seg.nrrd{choice}")) for choice in ("", "#body", "#core")}
    assert len(hashes) == 3


@pytest.mark.parametrize("name", ["L3/L4", "level: L3", "L3 #2", "#", "a/b: c #1", "Körper, L3 ", "../x", "a//b"])
def test_a_segment_may_be_called_anything(case, name):
    full = make_mask(make_image())
    inner = sitk.Cast(sitk.BinaryErode(full, (1, 1, 0)), sitk.sitkUInt8)
    write(case.mask, sitk.Compose(full, inner), [("other", 1, 0), (name, 1, 1)])
    chosen = Path(f"{case.mask}#{name}")
    assert split_choice(chosen)[0] == case.mask
    _, mask = load_case(replace(case, mask=chosen))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(inner))
    assert path_hash(chosen) != path_hash(case.mask)


def test_a_folder_beside_one_of_a_longer_name_is_not_taken_for_it(tmp_path):
    (tmp_path / "study").mkdir()
    absent = tmp_path / "study#2" / "a.nii.gz"
    assert split_choice(absent) == (absent, None)
    (tmp_path / "study#2").mkdir()
    absent.touch()
    assert split_choice(absent) == (absent, None)
    assert split_choice(tmp_path / "study#4.e2") == (tmp_path / "study", "4.e2")


@pytest.mark.parametrize(("label", "layer", "said"), [("one", 0, "cannot be understood"), (1, 4, "names layer 4")])
def test_a_header_that_does_not_fit(case, label, layer, said):
    write(case.mask, make_mask(make_image()), [("body", label, layer)])
    with pytest.raises(InputError, match=said):
        load_case(case)


def test_the_extent_of_another_volume_does_not_matter(case):
    full = make_mask(make_image())
    write(case.mask, sitk.ConstantPad(full, (3, 4, 2), (1, 0, 5), 0), [("L3", 1, 0)])
    _, mask = load_case(case)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(full))
    padded = sitk.ConstantPad(full, (3, 4, 2), (1, 0, 5), 0)
    padded[1, 10, 5] = 1  # outside the image
    write(case.mask, padded, [("L3", 1, 0)])
    with pytest.raises(InputError, match="another grid"):
        load_case(case)


def test_a_segmentation_of_numbers_that_are_none_or_of_no_layer(case):
    full = sitk.GetArrayFromImage(make_mask(make_image())).astype(np.float32)
    full[2, 2, 2] = np.nan
    broken = sitk.GetImageFromArray(full)
    broken.CopyInformation(make_image())
    write(case.mask, broken, [("L3", 1, 0)])
    with pytest.raises(InputError, match="1 voxel that is not finite"):
        load_case(case)
    write(case.mask, make_mask(make_image()), [("L3", 1, -1)])
    with pytest.raises(InputError, match="names layer -1"):
        load_case(case)
    write(case.mask, make_mask(make_image())[:, :, 3], [("L3", 1, 0)])
    with pytest.raises(InputError, match="2 axes"):
        load_case(case)


def test_a_segments_name_in_another_encoding_can_be_told(case):
    full = make_mask(make_image())
    write(case.mask, sitk.Compose(full, full), [("Koerper", 1, 0), ("core", 1, 1)])
    case.mask.write_bytes(case.mask.read_bytes().replace(b"Koerper", b"K\xf6rper "))
    with pytest.raises(InputError) as error:
        load_case(case)
    assert b"1 (K\xc3\xb6rper ) in layer 0" in str(error.value).encode()
