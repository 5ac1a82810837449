"""Segmentations of 3D Slicer: by label, in layers, cropped to what was drawn."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from tests.imaging.conftest import make_image, make_mask
from vcfstats.contracts.cohort import Case
from vcfstats.contracts.errors import InputError
from vcfstats.imaging.loading import load_case


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
