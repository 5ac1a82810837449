"""Preprocessing against ITK called directly, closed forms and invariants of space."""

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import ValidationError

from vcfstats.imaging.geometry import region_volume
from vcfstats.imaging.preprocessing import correct_bias_field, normalize, preprocess, resample, resample_mask
from vcfstats.imaging.settings import N4Settings, NormalizationSettings, PreprocessSettings

NO_N4 = N4Settings(enabled=False)
PLAIN = PreprocessSettings(n4=NO_N4, normalization=NormalizationSettings(method="none"))


def _array(image):
    return sitk.GetArrayFromImage(image)


def _centroid(mask):
    index = np.argwhere(_array(mask) == 1).mean(axis=0)[::-1]
    return np.array(mask.TransformContinuousIndexToPhysicalPoint(index.tolist()))


def _oblique(image, degrees=17.0):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    image.SetDirection((turn @ np.array(image.GetDirection()).reshape(3, 3)).ravel().tolist())
    return image


@pytest.mark.parametrize("interpolator", ["nearest", "linear", "bspline"])
def test_resampling_is_itks(image, interpolator):
    spacing = (0.83, 1.1, 1.3)
    ours = resample(sitk.Cast(image, sitk.sitkFloat32), spacing, interpolator)
    kind = {"nearest": sitk.sitkNearestNeighbor, "linear": sitk.sitkLinear, "bspline": sitk.sitkBSpline}[interpolator]
    theirs = sitk.Resample(sitk.Cast(image, sitk.sitkFloat32), ours, sitk.Transform(), kind, -1e6)
    a, b = _array(ours), _array(theirs)
    inside = b != -1e6  # past the outermost voxel borders ITK leaves the default
    assert inside.mean() > 0.9
    np.testing.assert_allclose(a[inside], b[inside], rtol=1e-5)


def test_nearest_neighbour_takes_the_voxel_that_holds_the_centre(image):
    half = resample(image, (1.8, 0.9, 7.0), "nearest")  # each new centre lies on the border of two old voxels
    assert half.GetSize() == (15, 34, 6)
    np.testing.assert_array_equal(_array(half), _array(image)[1::2, :, 1::2])
    twice = resample(image, (0.45, 0.9, 3.5), "nearest")
    np.testing.assert_array_equal(_array(twice), np.repeat(_array(image), 2, axis=2))


@pytest.mark.parametrize("interpolator", ["nearest", "linear", "bspline"])
@pytest.mark.parametrize("oblique", [False, True])
def test_the_region_stays_where_it_is(image, mask, interpolator, oblique):
    if oblique:
        image, mask = _oblique(image), _oblique(mask)
    settings = PLAIN.model_copy(update={"mask_interpolator": interpolator, "image_interpolator": interpolator})
    new_image, new_mask = preprocess(image, mask, settings)
    assert new_mask.GetSpacing() == (1.0, 1.0, 1.0)
    assert new_mask.GetSize() == new_image.GetSize()
    assert set(np.unique(_array(new_mask))) == {0, 1}
    np.testing.assert_allclose(_centroid(new_mask), _centroid(mask), atol=0.3)
    assert region_volume(new_mask) == pytest.approx(region_volume(mask), rel=0.05)


def test_voxels_do_not_depend_on_how_the_volume_is_stored(image, mask):
    expected = [_array(part) for part in preprocess(image, mask, PLAIN)]
    for order in ("LPS", "RAI", "PIL", "SLA"):
        stored = [sitk.DICOMOrient(part, order) for part in (image, mask)]
        for got, wanted in zip(preprocess(*stored, PLAIN), expected, strict=True):
            np.testing.assert_array_equal(_array(got), wanted)


def test_n4_is_itks_n4(image):
    settings = N4Settings(iterations=(10, 5), shrink_in_plane=2, shrink_across=1, foreground="all")
    volume = sitk.Cast(image, sitk.sitkFloat32)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([10, 5])
    n4.SetConvergenceThreshold(0.001)
    everything = sitk.Cast(volume * 0 + 1, sitk.sitkUInt8)
    n4.Execute(sitk.Shrink(volume, [2, 2, 1]), sitk.Shrink(everything, [2, 2, 1]))
    expected = _array(volume) / np.exp(_array(n4.GetLogBiasFieldAsImage(volume)))
    np.testing.assert_allclose(_array(correct_bias_field(volume, settings)), expected, rtol=1e-5)


def test_n4_removes_a_field_that_was_put_on():
    rng = np.random.default_rng(3)
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (12, 48, 48)), indexing="ij")
    truth = np.where(np.hypot(x, y) < 0.55, 500.0, 250.0) + 5 * rng.standard_normal(x.shape)
    field = np.exp(0.45 * x + 0.25 * y * y - 0.2 * z)
    image = sitk.GetImageFromArray((truth * field).astype(np.float32))
    image.SetSpacing((1.0, 1.0, 4.0))
    corrected = _array(correct_bias_field(image, N4Settings(shrink_in_plane=2, foreground="all")))

    def unevenness(values):
        ratio = np.log(values / truth)
        return ratio.std()

    assert unevenness(truth * field) > 0.2
    assert unevenness(corrected) < 0.05


def test_n4_needs_more_than_one_voxel_along_an_axis(image):
    with pytest.raises(ValueError, match=r"\(30, 34, 1\) voxels shrunk by \(4, 4, 1\) leaves N4 a single voxel"):
        correct_bias_field(sitk.Cast(image[:, :, 3:4], sitk.sitkFloat32), N4Settings())


@pytest.mark.parametrize("over", ["image", "region"])
def test_zscore(image, mask, over):
    result = _array(normalize(image, mask, NormalizationSettings(method="zscore", over=over, scale=100)))
    pool = result[_array(mask) == 1] if over == "region" else result
    assert pool.mean(dtype=np.float64) == pytest.approx(0, abs=1e-3)
    assert pool.std(dtype=np.float64) == pytest.approx(100, rel=1e-5)


def test_percentiles(image, mask):
    settings = NormalizationSettings(method="percentile", over="region", scale=10, lower=5, upper=90)
    result = _array(normalize(image, mask, settings))
    inside = result[_array(mask) == 1].astype(float)
    np.testing.assert_allclose(np.percentile(inside, [5, 90]), [0, 10], atol=1e-4)


def test_no_normalization_changes_nothing(image, mask):
    np.testing.assert_array_equal(_array(normalize(image, mask, PLAIN.normalization)), _array(image))


def test_a_constant_image_has_nothing_to_normalise_by(image, mask):
    with pytest.raises(ValueError, match="no spread"):
        normalize(image * 0 + 4, mask, NormalizationSettings())


def test_a_volume_that_changes_too_much_is_an_error(image, mask):
    with pytest.raises(ValueError, match=r"more than volume_tolerance 1\.0%"):
        preprocess(image, mask, PLAIN.model_copy(update={"spacing_mm": (6.0, 6.0, 6.0), "volume_tolerance": 0.01}))


def test_a_small_region_never_vanishes_in_silence(image, mask):
    dot = mask * 0
    dot[15, 17, 6] = 1
    with pytest.raises(ValueError, match="volume"):
        preprocess(image, dot, PLAIN.model_copy(update={"spacing_mm": (9.0, 9.0, 9.0)}))


def test_mask_interpolation_keeps_one_half(mask):
    smooth = resample_mask(mask, (0.45, 0.45, 3.5), "linear")
    assert smooth.GetPixelID() == sitk.sitkUInt8
    assert region_volume(smooth) == pytest.approx(region_volume(mask), rel=0.05)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"spacing_mm": (1, 1, 0)}, "greater than 0"),
        ({"image_interpolator": "cubic"}, "nearest"),
        ({"volume_tolerance": float("nan")}, "finite"),
        ({"spacing": (1, 1, 1)}, "Extra inputs"),
        ({"n4": {"iterations": []}}, "at least 1 item"),
        ({"normalization": {"lower": 60, "upper": 40}}, "must lie below"),
    ],
)
def test_impossible_settings(values, said):
    with pytest.raises(ValidationError, match=said):
        PreprocessSettings.model_validate(values)
