"""What a reader would see in a simulated image is what the patient's row says."""

import numpy as np
import pytest
import SimpleITK as sitk

from vcfstats.simulation.patient import simulate_examination
from vcfstats.simulation.scanner import Acquisition
from vcfstats.simulation.settings import EffectSettings, SimulationSettings

NO_EFFECT = EffectSettings(roughness=0, coarseness=0, signal=0, bulge=0)
CLEAN = SimulationSettings(noise=0.0, bias=0.0, effects=NO_EFFECT)
PATIENT = {
    "diagnosis": "benign",
    "sex": "female",
    "age": 70,
    "location": "lumbar",
    "anterior_wedge": 0,
    "band_edema": 0,
    "diffuse_change": 0,
    "pedicle": 0,
    "paravertebral_mass": 0,
}


def _arrays(seed, settings=CLEAN, **findings):
    """Return image and mask with axes head-foot (up), front-back, right-left, the scanner's gain taken out."""
    examination = simulate_examination(PATIENT | findings, settings, np.random.SeedSequence(seed), repeat=False)
    image = sitk.GetArrayFromImage(sitk.DICOMOrient(examination.image, "LPS")).astype(float)
    mask = sitk.GetArrayFromImage(sitk.DICOMOrient(examination.masks["mask"], "LPS")) == 1
    return image / np.percentile(image, 99.9), mask


def _difference(measure, finding, seeds=range(6), **more):
    """Return what a finding changes in a measurement, the same patients with and without it."""
    return np.array(
        [measure(*_arrays(seed, **more, **{finding: 1})) - measure(*_arrays(seed, **more)) for seed in seeds]
    )


def _front_against_back(_, mask):
    """Return the mean height at the front over that at the back, the outermost eighths left out."""
    heights = mask.sum(axis=0).astype(float)  # front to back, right to left
    depth = np.flatnonzero(heights.any(axis=1))
    depth = depth[depth.size // 8 : -(depth.size // 8)]
    quarter = depth.size // 4
    front, back = heights[depth[:quarter]], heights[depth[-quarter:]]
    return front[front > 0].mean() / back[back > 0].mean()


@pytest.mark.parametrize("location", ["cervical", "thoracic", "lumbar"])
def test_wedge_takes_height_from_the_front(location):
    change = _difference(_front_against_back, "anterior_wedge", location=location)
    assert (change < -0.08).all()
    assert (
        np.mean([_front_against_back(*_arrays(seed, location=location, anterior_wedge=1)) for seed in range(6)]) < 0.85
    )


def test_band_edema_brightens_the_upper_part():
    def upper_against_lower(image, mask):
        depth = np.cumsum(mask[::-1], axis=0)[::-1]  # voxels below the top of each column
        top, total = depth * mask, mask.sum(axis=0)
        upper = mask & (top <= 0.45 * total)
        lower = mask & (top > 0.6 * total)
        return image[upper].mean() - image[lower].mean()

    assert (_difference(upper_against_lower, "band_edema") > 0.03).all()


def test_diffuse_change_brightens_the_body():
    assert (_difference(lambda image, mask: image[mask].mean(), "diffuse_change") > 0.05).all()


def test_a_mass_lies_beside_the_body():
    def bright_outside(image, mask):
        near = np.asarray(
            sitk.GetArrayFromImage(sitk.BinaryDilate(sitk.GetImageFromArray(mask.astype(np.uint8)), (3, 9, 6)))
        )
        return ((image > 0.3) & (image < 0.7) & (near == 1) & ~mask).sum() / mask.sum()

    assert (_difference(bright_outside, "paravertebral_mass") > 0.1).all()


def test_pedicle_involvement_brightens_behind_the_body_only():
    inside = _difference(lambda image, mask: image[mask].mean(), "pedicle")
    everywhere = _difference(lambda image, mask: image.mean(), "pedicle")
    assert (everywhere > 0).all()
    assert np.abs(inside).max() < 0.02


def test_effects_move_the_texture_and_nothing_moves_without_them():
    def spread(image, mask):
        return image[mask].std() / image[mask].mean()

    strong = SimulationSettings(noise=0.0, bias=0.0, effects=NO_EFFECT.model_copy(update={"roughness": 3.0}))
    for seed in range(4):
        benign, malignant = (spread(*_arrays(seed, strong, diagnosis=name)) for name in ("benign", "malignant"))
        assert malignant > 1.3 * benign
        a, b = (_arrays(seed, diagnosis=name) for name in ("benign", "malignant"))
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])


def test_acquisitions_lie_in_the_published_ranges_on_two_scanners():
    seen = set()
    for seed in range(60):
        sidecar = Acquisition.of(np.random.default_rng(seed)).sidecar()
        assert 2.129 <= sidecar["RepetitionTime"] <= 3.862
        assert 0.075 <= sidecar["EchoTime"] <= 0.107
        assert 230 <= sidecar["FieldOfView"] <= 360
        assert 256 <= sidecar["Matrix"] <= 320
        assert 3 <= sidecar["SliceThickness"] <= 4
        assert sidecar["Simulated"] is True
        seen.add(sidecar["ManufacturersModelName"])
    assert seen == {"Ingenia CX", "Signa Architect"}


def test_image_and_masks_share_a_sagittal_right_handed_grid():
    examination = simulate_examination(PATIENT, SimulationSettings(), np.random.SeedSequence(4), repeat=True)
    image = examination.image
    assert image.GetPixelID() == sitk.sitkInt16
    assert set(examination.masks) == {"mask", "mask_intra", "mask_inter"}
    for mask in examination.masks.values():
        assert mask.GetSize() == image.GetSize()
        assert mask.GetDirection() == image.GetDirection()
        assert mask.GetOrigin() == image.GetOrigin()
    assert image.GetSpacing()[2] == examination.acquisition.thickness_mm
    assert image.GetSpacing()[0] == pytest.approx(examination.acquisition.fov_mm / examination.acquisition.matrix)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    np.testing.assert_allclose(direction @ direction.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(direction) == pytest.approx(1)
    assert abs(direction[0, 2]) > 0.95  # slices go from side to side


def _dice(a, b):
    a, b = (sitk.GetArrayFromImage(mask) == 1 for mask in (a, b))
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_readers_agree_nearly_and_reader_2_less():
    intra, inter, larger = [], [], []
    for seed in range(6):
        masks = simulate_examination(PATIENT, CLEAN, np.random.SeedSequence(seed), repeat=True).masks
        intra.append(_dice(masks["mask"], masks["mask_intra"]))
        inter.append(_dice(masks["mask"], masks["mask_inter"]))
        volume = [sitk.GetArrayFromImage(masks[name]).sum() for name in ("mask", "mask_inter")]
        larger.append(volume[1] / volume[0])
    assert 0.90 < np.mean(intra) < 0.995
    assert 0.85 < np.mean(inter) < np.mean(intra)
    assert np.mean(larger) > 1.01


@pytest.mark.parametrize("location", ["cervical", "thoracic", "lumbar"])
def test_the_region_is_one_body_within_the_field(location):
    for seed in range(4):
        _, mask = _arrays(seed, location=location)
        parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8))))
        assert np.bincount(parts.ravel())[1:].max() / mask.sum() > 0.99
        for axis in range(3):
            others = tuple(other for other in range(3) if other != axis)
            filled = mask.any(axis=others)
            assert not filled[0]
            assert not filled[-1]
