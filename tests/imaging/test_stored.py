"""One anatomy, stored in several axis orders and formats, gives one image, one set of features and the same slices."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from tests.imaging.conftest import make_image, make_mask
from tests.imaging.test_dicom import write_volume
from vcfstats.contracts.cohort import Case
from vcfstats.imaging.loading import load_case
from vcfstats.imaging.preprocessing import preprocess
from vcfstats.imaging.radiomics import extract
from vcfstats.imaging.settings import N4Settings, PreprocessSettings, RadiomicsSettings
from vcfstats.imaging.slices import SliceSettings, three_slices

SETTINGS = PreprocessSettings(n4=N4Settings(iterations=(5,)))
FEATURES = RadiomicsSettings(feature_classes=("shape", "firstorder", "glcm"))


def stored(folder: Path, order: str, ending: str) -> Case:
    """Write image and mask with their axes in some order, in some format."""
    image = make_image(3)
    image, mask = (sitk.DICOMOrient(volume, order) for volume in (image, make_mask(image)))
    folder.mkdir()
    paths = [folder / f"{name}{ending}" for name in ("image", "mask")]
    if ending:
        for volume, path in zip((image, mask), paths, strict=True):
            sitk.WriteImage(volume, str(path))
    else:
        write_volume(paths[0], image, uid="1.2.3.9")
        paths[1] = folder / "mask.nrrd"
        sitk.WriteImage(mask, str(paths[1]))
    return Case("P", "P", *paths)


def test_axis_orders_and_formats_give_one_result(tmp_path):
    plain = stored(tmp_path / "plain", "LPS", ".nii.gz")
    image, mask = preprocess(*load_case(plain), SETTINGS)
    values, features = sitk.GetArrayFromImage(image), extract(image, mask, FEATURES)
    cut = three_slices(image, mask, SliceSettings())
    for order, ending in (("RAS", ".nii.gz"), ("PIL", ".nrrd"), ("SLA", ".mha"), ("PIR", ""), ("LSP", ".nii")):
        other, region = preprocess(*load_case(stored(tmp_path / order, order, ending)), SETTINGS)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(region), sitk.GetArrayFromImage(mask))
        # Formats keep origin and spacing in single or double precision, which the fitted field may feel.
        np.testing.assert_allclose(
            sitk.GetArrayFromImage(other), values, rtol=0, atol=0.01
        )  # of 100 a standard deviation
        np.testing.assert_allclose(other.GetOrigin(), image.GetOrigin(), atol=1e-3)
        found = extract(other, region, FEATURES)
        assert found == pytest.approx(features, rel=1e-3, abs=1e-4)
        again = three_slices(other, region, SliceSettings())
        np.testing.assert_array_equal(again.index, cut.index)
        np.testing.assert_array_equal(again.box, cut.box)
        assert np.abs(again.images.astype(int) - cut.images).max() <= 1
