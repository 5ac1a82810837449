"""Radiomic features against PyRadiomics run as its authors mean it, and against the IBSI digital phantom."""

import math

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import ValidationError
from radiomics.featureextractor import RadiomicsFeatureExtractor

from vcfstats.imaging.filters import Region, filtered_images
from vcfstats.imaging.radiomics import extract, feature_names
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


# The IBSI 1 digital phantom (Zwanenburg et al. 2020, doi:10.1148/radiol.2020191145): grey levels by slice and row, voxels
# outside the region marked with a dot before the value.
PHANTOM = """
1 4 4 1 1 | 1 4 6 1 1 | 4 1 6 4 1 | 4 4 6 4 1
1 4 4 1 1 | 1 1 6 1 1 | .1 1 3 1 1 | 4 4 6 1 1
1 4 4 .1 .1 | 1 1 1 1 1 | 1 1 .9 1 1 | 1 1 6 1 1
1 4 4 .1 .1 | 1 1 1 1 1 | 1 1 1 1 1 | 1 1 6 1 1
"""
# Consensus values for the phantom as it is, 3D, texture matrices averaged over directions; features whose definition
# PyRadiomics shares.
IBSI = {
    "shape_VoxelVolume": 592, "shape_MeshVolume": 556, "shape_SurfaceArea": 388, "shape_SurfaceVolumeRatio": 0.698,
    "shape_Sphericity": 0.843, "shape_Maximum3DDiameter": 13.1, "shape_Elongation": 0.816, "shape_Flatness": 0.749,
    "firstorder_Mean": 2.15, "firstorder_Variance": 3.05, "firstorder_Skewness": 1.08, "firstorder_Median": 1,
    "firstorder_Minimum": 1, "firstorder_10Percentile": 1, "firstorder_90Percentile": 4, "firstorder_Maximum": 6,
    "firstorder_InterquartileRange": 3, "firstorder_Range": 5, "firstorder_MeanAbsoluteDeviation": 1.55,
    "firstorder_RobustMeanAbsoluteDeviation": 1.11, "firstorder_Energy": 567, "firstorder_RootMeanSquared": 2.77,
    "glcm_MaximumProbability": 0.503, "glcm_JointAverage": 2.14, "glcm_SumSquares": 3.1, "glcm_JointEntropy": 2.4,
    "glcm_DifferenceAverage": 1.43, "glcm_DifferenceVariance": 3.06, "glcm_DifferenceEntropy": 1.56,
    "glcm_SumEntropy": 1.92, "glcm_JointEnergy": 0.303, "glcm_Contrast": 5.32, "glcm_Id": 0.677, "glcm_Idn": 0.851,
    "glcm_Idm": 0.618, "glcm_Idmn": 0.898, "glcm_InverseVariance": 0.0604, "glcm_Correlation": 0.157,
    "glcm_Autocorrelation": 5.06, "glcm_ClusterTendency": 7.07, "glcm_ClusterShade": 16.6, "glcm_ClusterProminence": 145,
    "glcm_Imc1": -0.157, "glcm_Imc2": 0.52,
    "glrlm_ShortRunEmphasis": 0.705, "glrlm_LongRunEmphasis": 3.06, "glrlm_LowGrayLevelRunEmphasis": 0.603,
    "glrlm_HighGrayLevelRunEmphasis": 9.7, "glrlm_ShortRunLowGrayLevelEmphasis": 0.352,
    "glrlm_ShortRunHighGrayLevelEmphasis": 8.54, "glrlm_LongRunLowGrayLevelEmphasis": 2.39,
    "glrlm_LongRunHighGrayLevelEmphasis": 17.6, "glrlm_GrayLevelNonUniformity": 21.8,
    "glrlm_GrayLevelNonUniformityNormalized": 0.43, "glrlm_RunLengthNonUniformity": 26.9,
    "glrlm_RunLengthNonUniformityNormalized": 0.513, "glrlm_RunPercentage": 0.68, "glrlm_GrayLevelVariance": 3.46,
    "glrlm_RunVariance": 0.574, "glrlm_RunEntropy": 2.43,
    "glszm_SmallAreaEmphasis": 0.255, "glszm_LargeAreaEmphasis": 550, "glszm_LowGrayLevelZoneEmphasis": 0.253,
    "glszm_HighGrayLevelZoneEmphasis": 15.6, "glszm_SmallAreaLowGrayLevelEmphasis": 0.0256,
    "glszm_SmallAreaHighGrayLevelEmphasis": 2.76, "glszm_LargeAreaLowGrayLevelEmphasis": 503,
    "glszm_LargeAreaHighGrayLevelEmphasis": 1490, "glszm_GrayLevelNonUniformity": 1.4,
    "glszm_GrayLevelNonUniformityNormalized": 0.28, "glszm_SizeZoneNonUniformity": 1,
    "glszm_SizeZoneNonUniformityNormalized": 0.2, "glszm_ZonePercentage": 0.0676, "glszm_GrayLevelVariance": 2.64,
    "glszm_ZoneVariance": 331, "glszm_ZoneEntropy": 2.32,
    "ngtdm_Coarseness": 0.0296, "ngtdm_Contrast": 0.584, "ngtdm_Busyness": 6.54, "ngtdm_Complexity": 13.5,
    "ngtdm_Strength": 0.763,
    "gldm_SmallDependenceEmphasis": 0.045, "gldm_LargeDependenceEmphasis": 109, "gldm_LowGrayLevelEmphasis": 0.693,
    "gldm_HighGrayLevelEmphasis": 7.66, "gldm_SmallDependenceLowGrayLevelEmphasis": 0.00963,
    "gldm_SmallDependenceHighGrayLevelEmphasis": 0.736, "gldm_LargeDependenceLowGrayLevelEmphasis": 102,
    "gldm_LargeDependenceHighGrayLevelEmphasis": 235, "gldm_GrayLevelNonUniformity": 37.9,
    "gldm_DependenceNonUniformity": 4.86, "gldm_DependenceNonUniformityNormalized": 0.0657,
    "gldm_GrayLevelVariance": 3.05, "gldm_DependenceVariance": 22.1, "gldm_DependenceEntropy": 4.4,
}  # fmt: skip
# Tolerances of the standard, for features of the mesh and of the moments; all others are to be met as printed.
IBSI_TOLERANCE = {
    "shape_VoxelVolume": 4, "shape_MeshVolume": 4, "shape_SurfaceArea": 3, "shape_SurfaceVolumeRatio": 0.004,
    "shape_Sphericity": 0.005, "shape_Maximum3DDiameter": 0.1, "shape_Elongation": 0.005, "shape_Flatness": 0.005,
}  # fmt: skip


@pytest.fixture(scope="module")
def phantom_features():
    rows = [[row.split() for row in line.split("|")] for line in PHANTOM.strip().splitlines()]
    values = np.array([[[int(cell.strip(".")) for cell in row] for row in plane] for plane in rows], dtype=np.float32)
    inside = np.array([[["." not in cell for cell in row] for row in plane] for plane in rows], dtype=np.uint8)
    image, mask = sitk.GetImageFromArray(values), sitk.GetImageFromArray(inside)
    for volume in (image, mask):
        volume.SetSpacing((2.0, 2.0, 2.0))
    return extract(image, mask, RadiomicsSettings(bin_width=1))


@pytest.mark.parametrize("feature", sorted(IBSI))
def test_ibsi_digital_phantom(phantom_features, feature):
    value, expected = phantom_features[f"original_{feature}"], IBSI[feature]
    # Printed with three significant digits.
    printed = 0.51 * 10.0 ** (math.floor(math.log10(abs(expected))) - 2)
    assert value == pytest.approx(expected, abs=IBSI_TOLERANCE.get(feature, printed))


def test_ibsi_kurtosis_is_excess_and_pyradiomics_is_not(phantom_features):
    assert phantom_features["original_firstorder_Kurtosis"] - 3 == pytest.approx(-0.355, abs=0.0005)


@pytest.mark.parametrize(
    ("feature", "expected", "tolerance"),
    [("MajorAxisLength", 11.4, 0.1), ("MinorAxisLength", 9.31, 0.06), ("LeastAxisLength", 8.54, 0.05)],
)
def test_ibsi_axes_divide_by_one_voxel_less(phantom_features, feature, expected, tolerance):
    # PyRadiomics divides the covariance of the region's 74 voxels by 74, the standard by 73.
    value = phantom_features[f"original_shape_{feature}"] * math.sqrt(74 / 73)
    assert value == pytest.approx(expected, abs=tolerance)


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
