"""Each feature class against PyRadiomics' own, on ordinary and on awkward regions."""

import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from radiomics import getFeatureClasses

from vcfstats.imaging.features import firstorder, glcm, gldm, glrlm, glszm, ngtdm, shape
from vcfstats.imaging.features.levels import Levels
from vcfstats.imaging.features.neighbourhood import Neighbourhood
from vcfstats.imaging.radiomics import extract
from vcfstats.imaging.settings import RadiomicsSettings

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:radiomics"),
    pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning"),
]

MODULES = {
    "shape": shape, "firstorder": firstorder, "glcm": glcm, "glrlm": glrlm, "glszm": glszm, "gldm": gldm, "ngtdm": ngtdm,
}  # fmt: skip


def _pyradiomics(image, mask, options):
    """Values of PyRadiomics' feature classes on the bounding box, NaN where it has none."""
    binning = {"binCount": options.bin_count} if options.bin_count else {"binWidth": options.bin_width}
    found = {}
    for name in options.feature_classes:
        calculator = getFeatureClasses()[name](
            image,
            mask,
            label=1,
            distances=[options.distance],
            gldm_a=options.gldm_alpha,
            voxelArrayShift=options.energy_shift,
            **binning,
        )
        for feature in MODULES[name].NAMES:
            if f"{name}_{feature}" not in options.excluded_features:
                calculator.enableFeatureByName(feature)
        with np.errstate(all="ignore"):
            found |= {
                f"original_{name}_{feature}": float(np.squeeze(value))
                for feature, value in calculator.execute().items()
            }
    return found


def _case(intensities, inside):
    """The bounding box of a region, spacing 1 x 1.5 x 2 mm."""
    box = tuple(slice(axis.min(), axis.max() + 1) for axis in np.nonzero(inside))
    image = sitk.GetImageFromArray(np.ascontiguousarray(intensities[box]))
    mask = sitk.GetImageFromArray(np.ascontiguousarray(inside[box].astype(np.uint8)))
    for volume in (image, mask):
        volume.SetSpacing((1.0, 1.5, 2.0))
    return image, mask


def _noise(size, seed=0, scale=60.0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    smooth = rng.normal(0, scale, size).cumsum(axis=2) / 2
    return (smooth + rng.normal(0, scale / 4, size)).astype(dtype)


def _sparse(size, share, seed=1):
    return np.random.default_rng(seed).random(size) < share


def _all(size):
    return np.ones(size, dtype=bool)


def _two_blocks():
    inside = np.zeros((9, 8, 7), dtype=bool)
    inside[:3, :3, :3] = inside[6:, 5:, 4:] = True
    return inside


REGIONS = {
    "a block": (_noise((9, 11, 10)), _all((9, 11, 10)), {}),
    "a block of integers": (_noise((6, 7, 8), dtype=np.int16), _all((6, 7, 8)), {}),
    "a block of doubles": (_noise((6, 7, 8), dtype=np.float64), _all((6, 7, 8)), {"bin_width": 3.7}),
    "scattered voxels": (_noise((10, 9, 12)), _sparse((10, 9, 12), 0.4), {}),
    "few scattered voxels": (_noise((7, 7, 7)), _sparse((7, 7, 7), 0.08), {}),
    "two blocks far apart": (_noise((9, 8, 7)), _two_blocks(), {}),
    "one slice": (_noise((1, 12, 9)), _all((1, 12, 9)), {}),
    "one column": (_noise((12, 9, 1)), _all((12, 9, 1)), {}),
    "one row": (_noise((5, 1, 9)), _all((5, 1, 9)), {}),
    "a slice with a voxel above it": (
        _noise((2, 6, 6)),
        np.concatenate([np.ones((1, 6, 6), bool), np.eye(6, dtype=bool)[:1, None] * np.eye(6, dtype=bool)[:1, :, None]]),
        {},
    ),
    "two by two voxels": (_noise((1, 2, 2)), _all((1, 2, 2)), {}),
    "two levels": (np.arange(60, dtype=np.float32).reshape(3, 4, 5) % 2 * 25, _all((3, 4, 5)), {}),
    "one level": (_noise((4, 5, 6), scale=0.01) + 7, _all((4, 5, 6)), {"bin_width": 1000}),
    "a constant": (np.full((4, 5, 6), 0.1, np.float32), _all((4, 5, 6)), {}),
    "a constant of zeros": (np.zeros((4, 5, 6), np.float32), _sparse((4, 5, 6), 0.7), {}),
    "a constant in bins": (np.full((4, 5, 6), -3.3, np.float64), _all((4, 5, 6)), {"bin_width": None, "bin_count": 8}),
    "a number of bins": (_noise((7, 6, 8)), _all((7, 6, 8)), {"bin_width": None, "bin_count": 16}),
    "many levels": (_noise((7, 6, 8), scale=300), _all((7, 6, 8)), {"bin_width": 20.0}),
    "levels beyond one byte": (_noise((10, 9, 9), scale=400), _sparse((10, 9, 9), 0.6), {"bin_width": 4.0, "gldm_alpha": 3, "excluded_features": ("glcm_MCC",)}),
    "distance 2": (_noise((8, 7, 9)), _sparse((8, 7, 9), 0.8), {"distance": 2, "gldm_alpha": 1}),
    "distance 3, thin": (_noise((2, 9, 8)), _sparse((2, 9, 8), 0.8), {"distance": 3}),
    "a shift of the energy": (_noise((5, 6, 7)), _all((5, 6, 7)), {"energy_shift": 200.0, "gldm_alpha": 2}),
}  # fmt: skip


@pytest.mark.parametrize("region", REGIONS)
def test_every_feature_equals_pyradiomics(region):
    intensities, inside, options = REGIONS[region]
    image, mask = _case(intensities, inside)
    options = RadiomicsSettings(**{"excluded_features": ()} | options)
    theirs = _pyradiomics(image, mask, options)
    assert len(theirs) == 107 - len(options.excluded_features)
    ours = extract(image, mask, options)
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        assert value == pytest.approx(theirs[name], rel=1e-9, abs=1e-12), name


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(*[st.integers(1, 5)] * 3).filter(lambda size: sum(axis > 1 for axis in size) > 1),
    share=st.floats(0.15, 1),
    levels=st.integers(1, 6),
    distance=st.integers(1, 2),
)
@settings(max_examples=40, deadline=None)
def test_tiny_regions_equal_pyradiomics_and_fail_where_it_has_no_value(seed, size, share, levels, distance):
    rng = np.random.default_rng(seed)
    inside = rng.random(size) < share
    inside.flat[[0, -1]] = True
    intensities = rng.integers(0, levels, size).astype(np.float32) * 25
    image, mask = _case(intensities, inside)
    options = RadiomicsSettings(feature_classes=tuple(MODULES)[1:], distance=distance)
    try:
        theirs = _pyradiomics(image, mask, options)
    except RuntimeError:  # the box is too small for the distance
        theirs = {"": math.nan}
    if not all(map(math.isfinite, theirs.values())):
        with pytest.raises(ValueError, match="without a finite value"):
            extract(image, mask, options)
        return
    for name, value in extract(image, mask, options).items():
        # Imc2 is the root of a difference of entropies: where that is nothing but rounding, so is its root.
        assert value == pytest.approx(theirs[name], rel=1e-9, abs=1e-7 if name.endswith("_Imc2") else 1e-12), name


def _corners():
    inside = np.zeros((5, 5, 5), dtype=bool)
    inside[::4, ::4, ::4] = True
    return inside


# Voxels none of which has a neighbour; in the second region PyRadiomics' steps do not fit into the box.
LONELY = {"corners of a box": (_corners(), 1, True), "a box of two by two": (np.ones((2, 2, 2), dtype=bool), 2, False)}


@pytest.mark.parametrize("region", LONELY)
@pytest.mark.parametrize("feature_class", [name for name in MODULES if name not in ("shape", "glcm")])
def test_without_neighbours_every_class_but_glcm_has_values(region, feature_class):
    inside, distance, has_values = LONELY[region]
    image, mask = _case(np.random.default_rng(5).integers(0, 3, inside.shape).astype(np.float32) * 25, inside)
    options = RadiomicsSettings(feature_classes=(feature_class,), distance=distance)
    ours = extract(image, mask, options)
    if has_values or feature_class not in ("gldm", "ngtdm"):
        theirs = _pyradiomics(image, mask, options)
        assert ours == {name: pytest.approx(value, rel=1e-9, abs=1e-12) for name, value in theirs.items()}
        return
    with pytest.raises(RuntimeError, match="angle count"):
        _pyradiomics(image, mask, options)
    if feature_class == "gldm":
        assert ours["original_gldm_SmallDependenceEmphasis"] == ours["original_gldm_LargeDependenceEmphasis"] == 1
    else:
        assert ours == {f"original_ngtdm_{name}": 1e6 if name == "Coarseness" else 0 for name in MODULES["ngtdm"].NAMES}


@pytest.mark.parametrize("region", LONELY)
def test_without_neighbours_glcm_is_an_error_whatever_else_is_wanted(region):
    inside, distance, has_values = LONELY[region]
    image, mask = _case(np.ones(inside.shape, dtype=np.float32), inside)
    options = RadiomicsSettings(feature_classes=("firstorder", "glcm", "gldm", "ngtdm"), distance=distance)
    with pytest.raises(ValueError, match="22 features without a finite value: original_glcm_Autocorrelation = nan"):
        extract(image, mask, options)
    if has_values:
        theirs = _pyradiomics(image, mask, options)
        assert {name for name, value in theirs.items() if not math.isfinite(value)} == {
            name for name in theirs if "_glcm_" in name
        }


def test_matrices_count_every_pair_run_zone_and_voxel():
    inside = _sparse((8, 9, 10), 0.6, seed=4)
    around = Neighbourhood(inside, 1)
    levels = Levels.of(_noise((8, 9, 10))[inside], RadiomicsSettings(bin_width=40))
    pairs = glcm.matrix(levels, around)
    assert pairs.shape[2] == 13
    np.testing.assert_array_equal(pairs, pairs.transpose(1, 0, 2))
    assert pairs.sum() == around.n_neighbours.sum()
    runs, lengths = glrlm.matrix(levels, around)
    np.testing.assert_array_equal((runs * lengths[:, None]).sum(axis=(0, 1)), np.full(13, inside.sum()))
    zones, sizes = glszm.matrix(levels, around)
    assert (zones[:, :, 0] @ sizes).sum() == inside.sum()
    dependences, _ = gldm.matrix(levels, around, alpha=0)
    np.testing.assert_array_equal(dependences.sum(axis=(1, 2)), np.bincount(levels.index))


def test_features_do_not_depend_on_where_or_how_the_region_lies():
    intensities, inside = _noise((7, 8, 9)), _sparse((7, 8, 9), 0.7)
    inside[0, 0, 0] = inside[-1, -1, -1] = True
    classes = ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
    options = RadiomicsSettings(feature_classes=classes)
    first = extract(*_case(intensities, inside), options)
    turned = extract(
        *_case(intensities[::-1, :, ::-1].transpose(1, 0, 2), inside[::-1, :, ::-1].transpose(1, 0, 2)), options
    )
    moved = extract(*_case(np.pad(intensities, 3), np.pad(inside, 3)), options)
    assert moved == first
    energy = "original_firstorder_TotalEnergy"
    for name in set(first) - {energy}:
        assert turned[name] == pytest.approx(first[name], rel=1e-9), name
