"""One anatomy, stored in several axis orders and formats, gives one image, one set of features and the same slices."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from tests.imaging.conftest import make_image, make_mask
from tests.imaging.test_dicom import write_volume
from vcfstats.contracts.case import Case
from vcfstats.imaging.loading import load_case
from vcfstats.imaging.preprocessing import preprocess
from vcfstats.imaging.radiomics import extract
from vcfstats.imaging.settings import N4Settings, PreprocessSettings, RadiomicsSettings
from vcfstats.imaging.slices import SliceSettings, sagittal_view, three_slices

SETTINGS = PreprocessSettings(n4=N4Settings(iterations=(5,)))
PLAIN = PreprocessSettings(n4=N4Settings(enabled=False))
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


def turned_grid(spacing=(1.1, 0.8, 2.4), size=(52, 60, 26)) -> sitk.Image:
    """Return an empty volume none of whose axes is one of the patient's: turned by 24 degrees about a slanting axis."""
    turn = sitk.VersorTransform([0.6, -0.64, 0.48], np.deg2rad(24.0)).GetMatrix()
    grid = sitk.Image(size, sitk.sitkFloat32)
    grid.SetSpacing(spacing)
    # Stored as slices from head to foot, rows from left to right, columns from back to front.
    stored = np.array(turn).reshape(3, 3) @ np.array([[0, -1, 0], [-1, 0, 0], [0, 0, -1]]).astype(float)
    grid.SetDirection(stored.ravel().tolist())
    grid.SetOrigin((31.0, -12.0, 7.0))
    return grid


def test_an_oblique_sphere_is_cut_through_its_centre_and_at_the_offset_in_mm():
    grid = turned_grid()
    points = np.stack(np.meshgrid(*(np.arange(n) for n in grid.GetSize()), indexing="ij"), axis=-1)
    direction = np.array(grid.GetDirection()).reshape(3, 3)
    places = np.array(grid.GetOrigin()) + (points * np.array(grid.GetSpacing())) @ direction.T
    centre = np.array(grid.TransformContinuousIndexToPhysicalPoint((26.3, 28.6, 12.2)))
    inside = np.linalg.norm(places - centre, axis=-1) <= 14.0
    image, mask = (
        sitk.GetImageFromArray(np.ascontiguousarray(np.transpose(values, (2, 1, 0))))
        for values in (100.0 + places @ np.array([3.0, 2.0, 1.0]), inside.astype(np.uint8))
    )
    for volume in (image, mask):
        volume.CopyInformation(grid)
    new, region = preprocess(image, mask, PLAIN)
    cut = three_slices(new, region, SliceSettings(offset=6))
    # The volume stays oblique; its sagittal planes are those whose normal lies nearest to left.
    lps = sitk.DICOMOrient(new, "LPS")
    normal = np.array(lps.GetDirection()).reshape(3, 3)[:, 0]
    assert 0.9 < normal[0] < 0.99
    away = [normal @ (np.array(lps.TransformIndexToPhysicalPoint((int(k), 0, 0))) - centre) for k in cut.index]
    # A row of the source is 0.8 mm, so a plane of it repeats or is dropped at 1 mm.
    assert abs(away[0]) <= 1.5
    assert cut.wanted.tolist() == cut.index.tolist()
    assert away[1] - away[0] == pytest.approx(-6.0)
    assert away[2] - away[0] == pytest.approx(6.0)
    # Sections of a sphere are discs.
    expected = np.pi * (14.0**2 - np.array(away) ** 2)
    np.testing.assert_allclose(cut.area, expected, rtol=0.1)


@pytest.mark.parametrize(("where", "lacking"), [("first", 1), ("last", 2)])
def test_at_the_edge_of_the_volume_the_largest_slice_is_its_own_neighbour(where, lacking):
    """A region whose largest section is the volume's first or last sagittal plane has no neighbour beyond it."""
    left, back, head = np.meshgrid(*(np.arange(n) for n in (20, 24, 24)), indexing="ij")
    reach = left if where == "first" else 19 - left
    inside = (np.hypot(back - 12, head - 12) <= 9 - reach) & (reach < 8)
    image, mask = (
        sitk.GetImageFromArray(np.ascontiguousarray(np.transpose(values, (2, 1, 0))))
        for values in ((7.0 * back + head + left).astype(np.float32), inside.astype(np.uint8))
    )
    cut = three_slices(image, mask, SliceSettings(offset=5, size=64))
    edge = 0 if where == "first" else 19
    inwards = 5 if where == "first" else 14
    assert cut.index[0] == cut.index[lacking] == edge
    assert cut.index[3 - lacking] == inwards
    assert cut.wanted[lacking] == (-5 if where == "first" else 24)  # what was asked for stays on record
    np.testing.assert_array_equal(cut.images[lacking], cut.images[0])
    assert cut.area[lacking] == cut.area[0]


def vertebra() -> Path | None:
    """Return the folder of a vertebra of an unusual axis order, where there is one."""
    places = (parent / "shared" / "data" / "tptbox" for parent in Path(__file__).parents)
    return next((place for place in places if place.is_dir()), None)


@pytest.mark.skipif(vertebra() is None, reason="the vertebra's files are not on this machine")
def test_a_vertebra_is_cut_through_its_middle_however_it_is_stored():
    folder = vertebra()
    image = sitk.ReadImage(str(folder / "sub-mri_label-6_T2w.nii.gz"), sitk.sitkFloat32)
    labels = sitk.ReadImage(str(folder / "sub-mri_seg-vert_label-6_msk.nii.gz"))
    mask = sitk.Cast(labels == 6, sitk.sitkUInt8)
    mask.CopyInformation(image)
    direction = np.abs(np.array(image.GetDirection()).reshape(3, 3))
    assert direction.argmax(axis=0).tolist() != [0, 1, 2]  # of another axis order
    new, region = preprocess(image, mask, PLAIN)
    cut = three_slices(new, region, SliceSettings())
    areas = (sagittal_view(region) == 1).sum(axis=(1, 2))
    assert cut.area[0] == areas.max()
    below, above = cut.index[1], cut.index[2]
    assert below < cut.index[0] < above
    # Sagittal planes of a vertebra: the largest lies near the middle of its width.
    held = np.flatnonzero(areas)
    assert abs(cut.index[0] - (held[0] + held[-1]) / 2) < 0.3 * (held[-1] - held[0])
    assert sitk.DICOMOrient(new, "LPS").GetDirection()[0] > 0.7
    for order in ("RAS", "PIL", "SLA"):
        turned = [sitk.DICOMOrient(volume, order) for volume in (image, mask)]
        other = three_slices(*preprocess(*turned, PLAIN), SliceSettings())
        np.testing.assert_array_equal(other.images, cut.images)
        np.testing.assert_array_equal(other.index, cut.index)
