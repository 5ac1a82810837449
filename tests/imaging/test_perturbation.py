"""Small changes of image and region: what they do, where they fail, and that nothing but the case and its seed matters."""

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vcfstats.contracts.case import Case
from vcfstats.imaging import PerturbationSettings, perturb_cases
from vcfstats.imaging.perturbation import _reshaped, perturb

NOTHING = {"rotation_deg": 0, "translation_mm": 0, "volume": 0, "contour_mm": 0}


def only(**sizes):
    return PerturbationSettings.model_validate(NOTHING | sizes)


def ball(radius=8.0, size=40, spacing=(1.0, 1.0, 1.0), seed=0):
    """Return a smooth random image and a ball in its middle."""
    rng = np.random.default_rng(seed)
    grid = np.indices((size, size, size)) - (size - 1) / 2
    mask = sitk.GetImageFromArray((np.sqrt((grid**2).sum(axis=0)) <= radius).astype(np.uint8))
    image = sitk.GetImageFromArray(rng.normal(size=(size, size, size)).astype(np.float32))
    image = sitk.DiscreteGaussian(image, 4.0)
    for what in (image, mask):
        what.SetSpacing(spacing)
        what.SetOrigin((-20.0, 7.0, 100.0))
    return image, mask


def changed(image, mask, sizes, seed=0, interpolators=("linear", "nearest")):
    return perturb(
        image,
        mask,
        sizes,
        np.random.default_rng(seed),
        image_interpolator=interpolators[0],
        mask_interpolator=interpolators[1],
    )


def voxels(mask):
    return sitk.GetArrayFromImage(mask).astype(bool)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def drawn(seed):
    rng = np.random.default_rng(seed)
    return seed, rng.standard_normal(3), np.deg2rad(20.0) * rng.uniform(-1, 1)


def test_turn_is_that_of_a_point_about_the_region_s_centre():
    """A bar off centre turns about the region's own centre by the angle drawn, whatever the origin and the spacing."""
    image, _ = ball(spacing=(1.0, 1.5, 2.0))
    array = np.zeros((40, 40, 40), dtype=np.uint8)
    array[17:22, 12:17, 5:35] = 1
    mask = sitk.GetImageFromArray(array)
    mask.CopyInformation(image)
    seed, axis, angle = next(draw for draw in map(drawn, range(20)) if abs(draw[2]) > np.deg2rad(12.0))
    _, after = changed(image, mask, only(rotation_deg=20.0), seed=seed)
    turn = sitk.VersorRigid3DTransform()
    turn.SetRotation((axis / np.linalg.norm(axis)).tolist(), -angle)  # the image moves against the grid
    directions = []
    for what in (mask, after):
        points = np.argwhere(sitk.GetArrayFromImage(what))[:, ::-1] * np.array(what.GetSpacing())
        directions.append(np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0])
        assert np.abs(points.mean(axis=0) - np.array([19.5, 14 * 1.5, 19 * 2.0])).max() < 0.7
    expected = np.array(turn.TransformPoint(directions[0].tolist()))
    assert abs(expected @ directions[1]) > np.cos(np.deg2rad(3.0))  # a voxel of 2 mm at the end of 30 mm is 4 degrees
    assert abs(directions[0] @ directions[1]) < np.cos(np.deg2rad(11.0))  # it did turn


def test_image_and_region_move_together():
    image, mask = ball()
    moved, after = changed(image, mask, only(rotation_deg=10.0, translation_mm=3.0), seed=1)
    assert 0.6 < dice(voxels(mask), voxels(after)) < 0.95
    before, now = (sitk.GetArrayFromImage(i)[voxels(m)] for i, m in ((image, mask), (moved, after)))
    assert abs(before.mean() - now.mean()) < 0.02 * before.std()
    assert abs(before.std() / now.std() - 1) < 0.1
    assert moved.GetOrigin() == image.GetOrigin()
    assert moved.GetPixelID() == image.GetPixelID()
    assert after.GetPixelID() == sitk.sitkUInt8


def test_a_shift_of_a_whole_voxel_is_exact():
    image, mask = ball()
    sizes = only(translation_mm=1.0)
    rng = np.random.default_rng(0)
    rng.standard_normal(3), rng.uniform(-1, 1)
    shift = rng.uniform(-1, 1, 3)
    moved, _ = changed(image, mask, sizes, interpolators=("nearest", "nearest"))
    step = np.rint(shift[::-1]).astype(int)  # nearest neighbour takes the nearest whole voxel
    expected = sitk.GetArrayFromImage(image)[tuple(np.clip(np.arange(40) + s, 0, 39) for s in [step[0]])]
    for axis in (1, 2):
        expected = np.take(expected, np.clip(np.arange(40) + step[axis], 0, 39), axis=axis)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(moved), expected)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    radius=st.floats(1.0, 10.0),
    volume=st.sampled_from([0.0, 0.1, 0.5]),
    contour=st.sampled_from([0.0, 0.5, 2.0]),
)
def test_region_has_the_volume_that_was_drawn(seed, radius, volume, contour):
    if not volume and not contour:
        return
    image, mask = ball(radius, size=30)
    rng = np.random.default_rng(seed)
    rng.standard_normal(3), rng.uniform(-1, 1), rng.uniform(-1, 1, 3)
    growth = volume * rng.uniform(-1, 1)
    same, after = changed(image, mask, only(volume=volume, contour_mm=contour), seed=seed)
    assert voxels(after).sum() == round(int(voxels(mask).sum()) * (1 + growth))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(same), sitk.GetArrayFromImage(image))
    again = changed(image, mask, only(volume=volume, contour_mm=contour), seed=seed)[1]
    np.testing.assert_array_equal(voxels(after), voxels(again))


def test_growth_and_shrinkage_are_nested_and_the_contour_moves_without_them():
    image, mask = ball()
    whole = voxels(mask)
    seen = set()
    for seed in range(8):
        after = voxels(changed(image, mask, only(volume=0.2), seed=seed)[1])
        grown = after.sum() > whole.sum()
        seen.add(bool(grown))
        assert (whole <= after).all() if grown else (after <= whole).all()
    assert seen == {True, False}
    near, far = (dice(whole, voxels(changed(image, mask, only(contour_mm=size))[1])) for size in (1.0, 3.0))
    assert far + 0.1 < near < 1.0


@pytest.mark.parametrize("mask_interpolator", ["nearest", "linear", "bspline"])
def test_every_interpolator_of_a_mask_gives_a_mask(mask_interpolator):
    image, mask = ball()
    _, after = changed(image, mask, PerturbationSettings(), interpolators=("bspline", mask_interpolator))
    assert set(np.unique(sitk.GetArrayFromImage(after))) == {0, 1}
    assert after.GetPixelID() == sitk.sitkUInt8


def test_region_that_leaves_the_image_or_vanishes_is_refused():
    image, mask = ball()
    array = np.zeros((40, 40, 40), dtype=np.uint8)
    array[:2] = 1  # along the border
    edge = sitk.GetImageFromArray(array)
    edge.CopyInformation(mask)
    with pytest.raises(ValueError, match="voxels left the image or the grid"):
        changed(image, edge, only(rotation_deg=40.0))
    one = sitk.GetImageFromArray(np.pad(np.ones((1, 1, 1), dtype=np.uint8), 10))
    with pytest.raises(ValueError, match="nothing is left of the region"):
        _reshaped(one, -0.6, only(volume=0.5), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (NOTHING, "must be above 0"),
        ({"number": 0}, "number"),
        ({"volume": 0.9}, "volume"),
        ({"patients": 2}, "patients"),
    ],
)
def test_settings_that_change_nothing_or_too_much(body, said):
    with pytest.raises(ValidationError, match=said):
        PerturbationSettings.model_validate(body)


def seeds(case):
    return np.random.SeedSequence([5, *case.encode()])


def written(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.nii.gz"))}


def cohort(folder, n):
    cases = []
    for i in range(n):
        image, mask = ball(radius=4 + i, size=24, seed=i)
        paths = [folder / f"c{i}_{name}.nii.gz" for name in ("image", "mask")]
        for what, path in zip((image, mask), paths, strict=True):
            sitk.WriteImage(what, str(path))
        cases.append(Case(f"c{i}", f"c{i}", *paths, mask_label=1))
    return cases


def run(cases, root, workers=1, **changes):
    return perturb_cases(
        cases,
        PerturbationSettings(number=2, **changes),
        seeds,
        image_interpolator="linear",
        mask_interpolator="nearest",
        out=root / "out",
        cache=root / "cache",
        workers=workers,
    )


def test_workers_company_and_a_second_run_change_nothing(tmp_path):
    cases = cohort(tmp_path, 3)
    copies, failed = run(cases, tmp_path / "one")
    assert failed == {}
    assert [[case.case_id for case in copy] for copy in copies] == [["c0", "c1", "c2"]] * 2
    first = written(tmp_path / "one" / "out")
    assert len(first) == 12
    run(cases[::-1], tmp_path / "two", workers=2)
    assert written(tmp_path / "two" / "out") == first
    entries = {path: path.stat().st_mtime_ns for path in (tmp_path / "one" / "cache").rglob("*.nii.gz")}
    run(cases[1:], tmp_path / "one")  # finished patients are not done again
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "one" / "cache").rglob("*.nii.gz")} == entries
    assert first["0/c1_mask.nii.gz"] != first["1/c1_mask.nii.gz"]


def test_case_that_cannot_be_changed_is_told_and_the_others_go_on(tmp_path):
    cases = cohort(tmp_path, 2)
    speck = np.zeros((24, 24, 24), dtype=np.uint8)
    speck[0, 0, 0] = 1
    sitk.WriteImage(sitk.GetImageFromArray(speck), str(tmp_path / "c2_mask.nii.gz"))
    sitk.WriteImage(sitk.GetImageFromArray(speck.astype(np.float32)), str(tmp_path / "c2_image.nii.gz"))
    odd = Case("c2", "c2", tmp_path / "c2_image.nii.gz", tmp_path / "c2_mask.nii.gz", mask_label=1)
    for _ in range(2):  # what failed is kept as well
        copies, failed = run([*cases, odd], tmp_path / "run", translation_mm=5.0)
        assert list(failed) == ["c2"]
        assert "1 of the region's 1 voxels left the image or the grid" in failed["c2"]
        assert [case.case_id for case in copies[0]] == ["c0", "c1"]
