"""Radiomic features against PyRadiomics run as its authors mean it."""

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import ValidationError
from radiomics.featureextractor import RadiomicsFeatureExtractor

from vcfstats.imaging.filters import Region, filtered_images
from vcfstats.imaging.radiomics import extract, feature_names, grey_levels
from vcfstats.imaging.settings import RadiomicsSettings

EVERY_TYPE = (
    "original",
    "wavelet",
    "log",
    "square",
    "square_root",
    "logarithm",
    "exponential",
    "gradient",
    "lbp_3d",
)
PYRADIOMICS_TYPES = {
    "Original": {},
    "Wavelet": {},
    "LoG": {"sigma": [1.0, 2.0, 3.0]},
    "Square": {},
    "SquareRoot": {},
    "Logarithm": {},
    "Exponential": {},
    "Gradient": {},
    "LBP3D": {},
}


# PyRadiomics imports what scipy calls deprecated; scipy is capped below the release that takes it away.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:radiomics")


def _pyradiomics(image, mask, image_types, **settings):
    extractor = RadiomicsFeatureExtractor(additionalInfo=False, **settings)
    extractor.disableAllImageTypes()
    for name, options in image_types.items():
        extractor.enableImageTypeByName(name, customArgs=options)
    return {name: float(value) for name, value in extractor.execute(image, mask).items()}


def _volume(seed, size, low, high):
    """Return smooth noise with a box of a region, its corners cut, between two indices along each axis."""
    rng = np.random.default_rng(seed)
    image = sitk.SmoothingRecursiveGaussian(
        sitk.GetImageFromArray(rng.normal(0, 900, size[::-1]).astype(np.float32)), 1.2
    )
    image = image + sitk.GetImageFromArray(rng.normal(20, 25, size[::-1]).astype(np.float32))
    region = np.zeros(size[::-1], np.uint8)
    region[low[2] : high[2], low[1] : high[1], low[0] : high[0]] = 1
    region[low[2] : low[2] + 2, low[1] : low[1] + 3, :] = 0
    return image, sitk.GetImageFromArray(region)


@pytest.mark.parametrize(
    ("size", "low", "high"),
    [
        ((44, 43, 41), (16, 15, 16), (26, 25, 24)),  # the region in the middle, odd and even sizes
        ((31, 36, 20), (0, 26, 5), (10, 36, 15)),  # at two borders
    ],
)
def test_all_1834_features_equal_pyradiomics_on_the_whole_image(size, low, high):
    image, mask = _volume(1, size, low, high)
    settings = RadiomicsSettings(image_types=EVERY_TYPE, bin_width=40)
    ours = extract(image, mask, settings)
    theirs = _pyradiomics(image, mask, PYRADIOMICS_TYPES, binWidth=40)
    assert len(ours) == 1834
    assert set(theirs) - set(ours) == {name for name in theirs if name.endswith(("glcm_MCC", "glcm_SumAverage"))}
    for name, value in ours.items():
        assert value == pytest.approx(theirs[name], rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize(
    "options", [{"binCount": 16}, {"binWidth": 30, "distances": [2], "gldm_a": 1, "voxelArrayShift": 300}]
)
def test_options_reach_pyradiomics(options):
    image, mask = _volume(2, (24, 22, 14), (4, 5, 2), (20, 18, 12))
    settings = RadiomicsSettings(
        bin_width=options.get("binWidth"),
        bin_count=options.get("binCount"),
        distance=options.get("distances", [1])[0],
        gldm_alpha=options.get("gldm_a", 0),
        energy_shift=options.get("voxelArrayShift", 0),
    )
    theirs = _pyradiomics(image, mask, {"Original": {}}, **options)
    for name, value in extract(image, mask, settings).items():
        assert value == pytest.approx(theirs[name], rel=1e-12), name


@pytest.mark.parametrize("kind", [sitk.sitkInt16, sitk.sitkFloat32, sitk.sitkFloat64])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 1.1, 2.5)])
def test_laplacian_of_gaussian_is_itks_to_the_last_bit(kind, spacing):
    image, mask = _volume(4, (30, 33, 21), (6, 20, 4), (18, 33, 15))
    image.SetSpacing(spacing)
    mask.SetSpacing(spacing)
    image = sitk.Cast(image, kind)
    settings = RadiomicsSettings(image_types=("log",), log_sigma_mm=(1.0, 3.0))
    made = list(filtered_images(image, mask, Region.of(mask), settings))
    for (name, ours), sigma in zip(made, (1.0, 3.0), strict=True):
        theirs = sitk.LaplacianRecursiveGaussian(image, sigma, True)[6:18, 20:33, 4:15]
        assert name == f"log-sigma-{sigma:.0f}-0-mm-3D"
        np.testing.assert_array_equal(ours, sitk.GetArrayFromImage(theirs))


def test_an_image_too_small_for_its_filter_is_an_error():
    image, mask = (volume[:, :, 4:7] for volume in _volume(3, (12, 12, 10), (2, 2, 2), (10, 10, 8)))
    with pytest.raises(ValueError, match="too small for a Laplacian of Gaussian of 1 mm"):
        extract(image, mask, RadiomicsSettings(image_types=("log",)))


def test_names_are_fixed_and_counted():
    names = feature_names(RadiomicsSettings(image_types=EVERY_TYPE))
    assert len(names) == len(set(names)) == 1834
    per_class = {
        name: sum(f"_{name}_" in feature for feature in names)
        for name in ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
    }
    assert per_class == {"shape": 14, "firstorder": 18 * 20, "glcm": 22 * 20, "glrlm": 16 * 20, "glszm": 16 * 20, "gldm": 14 * 20, "ngtdm": 5 * 20}  # fmt: skip
    assert len(feature_names(RadiomicsSettings())) == 105
    assert len(feature_names(RadiomicsSettings(feature_classes=("shape",)))) == 14
    assert len(feature_names(RadiomicsSettings(excluded_features=()))) == 107


def test_a_value_that_is_not_finite_is_named(monkeypatch):
    from vcfstats.imaging.features import glcm

    image, mask = _volume(3, (12, 12, 10), (2, 2, 2), (10, 10, 8))
    whole = glcm.glcm
    monkeypatch.setattr(glcm, "glcm", lambda *args, **options: whole(*args, **options) | {"Idm": float("nan")})
    with pytest.raises(ValueError, match="1 feature without a finite value: original_glcm_Idm = nan"):
        extract(image, mask, RadiomicsSettings())


def test_a_line_is_no_region():
    image, mask = _volume(3, (12, 12, 10), (2, 2, 2), (10, 10, 8))
    line = mask * 0
    line[3:8, 4, 4] = 1
    with pytest.raises(ValueError, match="a point or a line"):
        extract(image, line, RadiomicsSettings())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"bin_width": 5, "bin_count": 16}, "exactly one of bin_width and bin_count"),
        ({"bin_width": None}, "exactly one of bin_width and bin_count"),
        ({"image_types": ("original", "original")}, "names one value twice"),
        ({"image_types": ("lbp_2d",)}, "lbp_3d"),
        ({"image_types": ("wavelet",), "wavelet": "coif99"}, "no discrete wavelet"),
        ({"log_sigma_mm": (0.0,)}, "greater than 0"),
        ({"excluded_features": ("MCC",)}, "pattern"),
    ],
)
def test_impossible_settings(values, said):
    with pytest.raises(ValidationError, match=said):
        RadiomicsSettings.model_validate(values)


def test_an_unknown_feature_to_exclude():
    with pytest.raises(ValueError, match="glcm_Mcc, which PyRadiomics does not have"):
        feature_names(RadiomicsSettings(excluded_features=("glcm_Mcc",)))


def test_grey_levels_of_a_region_are_counted(image, mask):
    values = sitk.GetArrayFromImage(image)
    inside = sitk.GetArrayFromImage(mask) == 1
    places = np.argwhere(inside)
    values[inside] = 10
    for level in range(1, 12):  # eleven voxels of a level each, all others in the first
        values[tuple(places[level])] = 10 + 25 * level
    few = sitk.GetImageFromArray(values)
    few.CopyInformation(image)
    assert grey_levels(few, mask, RadiomicsSettings()) == {"levels": 12, "of_90_percent": 1}
    values[inside] = 10 + 25 * (np.arange(inside.sum()) % 20)
    many = sitk.GetImageFromArray(values)
    many.CopyInformation(image)
    assert grey_levels(many, mask, RadiomicsSettings()) == {"levels": 20, "of_90_percent": 18}
