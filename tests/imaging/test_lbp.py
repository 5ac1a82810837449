"""Local binary patterns against PyRadiomics', to the last bit: ties between a sample and its voxel hang on it."""

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics import imageoperations
from scipy.stats import kurtosis

from vcfstats.imaging import lbp

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:radiomics")


def _compare(values, inside, *, levels=2, radius=1.0, subdivision=1):
    box = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in np.nonzero(inside))
    theirs = imageoperations.getLBP3DImage(
        sitk.GetImageFromArray(values),
        sitk.GetImageFromArray(inside.astype(np.uint8)),
        label=1,
        lbp3DLevels=levels,
        lbp3DIcosphereRadius=radius,
        lbp3DIcosphereSubdivision=subdivision,
    )
    ours = lbp.lbp_3d(values, box, inside[box], levels=levels, radius=radius, subdivision=subdivision)
    names = []
    for (name, found), (image, expected, _) in zip(ours, theirs, strict=True):
        assert name == expected
        np.testing.assert_array_equal(found[inside[box]], sitk.GetArrayFromImage(image)[inside])
        names.append(name)
    assert names == [*(f"lbp-3D-m{level + 1}" for level in range(levels)), "lbp-3D-k"]


def _image(seed=0, dtype=np.float32):
    """Noise whose slices come twice, as after resampling thick slices by nearest neighbour."""
    noise = np.random.default_rng(seed).normal(0, 100, (12, 26, 25))
    return np.repeat(noise, 2, axis=0).astype(dtype)


def _region(low, high):
    inside = np.zeros((24, 26, 25), dtype=bool)
    inside[tuple(map(slice, low, high))] = True
    inside[low[0], low[1], low[2]] = False
    return inside


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_every_kind_of_number(dtype):
    _compare(_image(dtype=dtype), _region((6, 7, 8), (17, 18, 19)))


@pytest.mark.parametrize(("low", "high"), [((0, 0, 0), (9, 8, 7)), ((15, 17, 20), (24, 26, 25))])
def test_a_region_at_the_border_of_the_image(low, high):
    _compare(_image(1), _region(low, high))


@pytest.mark.parametrize(
    "options", [{"levels": 3}, {"radius": 2.5}, {"subdivision": 0}, {"radius": 0.4, "subdivision": 2}]
)
def test_every_option(options):
    _compare(_image(2), _region((6, 7, 8), (15, 16, 17)), **options)


def test_flat_parts_where_every_sample_ties():
    values = np.zeros((24, 26, 25), dtype=np.float32)
    values[:12] = 100.1
    values[5:8, 12:, 10:] = -3
    _compare(values, _region((9, 7, 8), (15, 16, 17)))


@pytest.mark.parametrize(("low", "high"), [((6, 7, 8), (17, 18, 19)), ((0, 0, 14), (11, 11, 25))])
def test_few_samples_are_taken_a_second_time(monkeypatch, low, high):
    counted = []
    whole = lbp._Sampler._exact
    monkeypatch.setattr(lbp._Sampler, "_exact", lambda self, places: counted.append(len(places)) or whole(self, places))
    inside, box = _region(low, high), tuple(map(slice, low, high))
    list(lbp.lbp_3d(_image(), box, inside[box], levels=2, radius=1.0, subdivision=1))
    assert sum(counted) < 0.01 * inside.sum() * 42


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_kurtosis_is_that_of_scipy_to_the_last_bit(dtype):
    samples = np.random.default_rng(3).normal(1000, 50, (200, 42)).astype(dtype)
    samples[7] = 5
    ours = lbp._excess_kurtosis(samples)
    expected = kurtosis(samples, axis=1)
    assert np.isnan(ours[7])
    assert ours.dtype == expected.dtype
    np.testing.assert_array_equal(ours, expected)
