"""Quantities of regions against closed forms; planted faults among clean cases come first."""

import math

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError
from vcfstats.imaging.batch import correction_file, preprocess_cases
from vcfstats.imaging.correction import describe_correction
from vcfstats.imaging.preprocessing import correct_bias_field
from vcfstats.imaging.quality import (
    QUANTITIES,
    QualitySettings,
    View,
    case_quality,
    find_outliers,
    measure,
    planes,
    window_mm,
)
from vcfstats.imaging.settings import N4Settings, PreprocessSettings

SETTINGS = QualitySettings()


def block(size=(40, 44, 48), low=(10, 14, 20), high=(20, 26, 30), inside=300.0, outside=100.0, spacing=(1.0, 1.0, 1.0)):
    """Return a bright box in a dark volume and its mask; indices as ITK has them: left, back, head."""
    values = np.full(size[::-1], outside, np.float32)
    region = np.zeros(size[::-1], np.uint8)
    box = tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))
    values[box], region[box] = inside, 1
    image, mask = sitk.GetImageFromArray(values), sitk.GetImageFromArray(region)
    for volume in (image, mask):
        volume.SetSpacing(spacing)
    return image, mask


def test_a_box_is_measured_exactly():
    found = measure(*block(spacing=(1.0, 2.0, 0.5)), SETTINGS)
    assert found == pytest.approx(
        {
            "volume": 10 * 12 * 10 / 1000.0,
            "extent_left_right": 10.0, "extent_front_back": 24.0, "extent_head_foot": 5.0,
            "fill": 1.0, "apart": 0.0,
            "offset_left": 14.5 - 19.5, "offset_back": 2.0 * (19.5 - 21.5), "offset_head": 0.5 * (24.5 - 23.5),
            "mean": 300.0, "sd": 0.0, "contrast": 200.0, "edge": found["edge"],
            "away": 0.0, "fit": 1.0,
        }
    )  # fmt: skip
    assert found["edge"] > 1.5
    assert set(found) | {"field"} == set(QUANTITIES)


def test_an_outline_beside_its_edge_is_weaker_and_pieces_are_counted():
    image, mask = block()
    _, beside = block(low=(14, 14, 20), high=(24, 26, 30))
    assert measure(image, beside, SETTINGS)["edge"] < 0.8 * measure(image, mask, SETTINGS)["edge"]
    pieces = mask + 0
    pieces[2:4, 2:4, 2:4] = 1
    assert measure(image, pieces, SETTINGS)["apart"] == pytest.approx(8 / 1208)


def test_what_has_no_surroundings_has_no_contrast():
    image, mask = block(size=(10, 10, 10), low=(0, 0, 0), high=(10, 10, 10))
    found = measure(image, mask, SETTINGS)
    assert math.isnan(found["contrast"])
    for name in ("edge", "away", "fit"):
        assert math.isnan(found[name])
    flat, region = block(inside=100.0)
    for name in ("edge", "away", "fit"):
        assert math.isnan(measure(flat, region, SETTINGS)[name])


@pytest.mark.parametrize("shift", [(4, 0, 0), (0, 3, -2), (-2, 5, 3)])
def test_a_moved_outline_finds_its_way_back(shift):
    image, _ = block(spacing=(1.0, 1.5, 1.0))
    low, high = ((tuple(a + b for a, b in zip(corner, shift, strict=True))) for corner in ((10, 14, 20), (20, 26, 30)))
    _, moved = block(low=low, high=high, spacing=(1.0, 1.5, 1.0))
    found = measure(image, moved, SETTINGS)
    assert found["away"] == pytest.approx(np.linalg.norm(np.array(shift) * [1.0, 1.5, 1.0]))
    assert found["fit"] < 0.8


def test_an_outline_at_the_edge_of_the_volume_is_not_sent_out_of_it():
    image, mask = block(low=(0, 14, 38), high=(10, 26, 48))
    assert measure(image, mask, SETTINGS)["away"] == 0.0


@pytest.mark.parametrize("order", ["RAI", "PIL", "SLA", "ASR"])
def test_quantities_and_planes_do_not_depend_on_how_the_volume_is_stored(order):
    image, mask = block(spacing=(1.0, 2.0, 0.5))
    noise = np.random.default_rng(0).normal(0, 20, sitk.GetArrayFromImage(image).shape).astype(np.float32)
    noisy = sitk.GetImageFromArray(sitk.GetArrayFromImage(image) + noise)
    noisy.CopyInformation(image)
    stored = [sitk.DICOMOrient(volume, order) for volume in (noisy, mask)]
    assert measure(*stored, SETTINGS) == pytest.approx(measure(noisy, mask, SETTINGS), rel=1e-9)
    for name, view in planes(noisy, mask).items():
        other = planes(*stored)[name]
        np.testing.assert_array_equal(view.grey, other.grey)
        np.testing.assert_array_equal(view.region, other.region)
        assert view.pixel_mm == pytest.approx(other.pixel_mm)


def test_head_and_front_are_up_and_left():
    image, mask = block()
    values = sitk.GetArrayFromImage(image)
    values[-1] += 100  # the uppermost layer
    values[:, 0] += 50  # the foremost one
    marked = sitk.GetImageFromArray(values)
    views = planes(marked, mask)
    assert views["sagittal"].grey[0].mean() > views["sagittal"].grey[-1].mean()
    assert views["sagittal"].grey[5:, 0].mean() > views["sagittal"].grey[5:, -1].mean()
    assert views["coronal"].grey[0].mean() > views["coronal"].grey[-1].mean()
    assert views["axial"].grey[0].mean() > views["axial"].grey[-1].mean()
    assert views["sagittal"].region.sum() == 120
    assert views["axial"].region.shape == (44, 40)


def test_the_window_is_two_and_a_half_median_sides():
    region = np.zeros((40, 40), bool)
    region[5:25, 5:15] = True
    views = {name: View(region.astype(np.uint8), region, (1.0 * scale, 1.0)) for name, scale in (("a", 1), ("b", 1), ("c", 9))}  # fmt: skip
    assert window_mm(views) == 50.0


def test_the_spread_is_scipys_scaled_median_absolute_deviation():
    rng = np.random.default_rng(4)
    values = rng.normal(50, 3, 60)
    found = find_outliers(pd.DataFrame({"mean": values, "volume": np.exp(values / 20)}), 5)
    assert found.spread["mean"] == pytest.approx(stats.median_abs_deviation(values, scale="normal"), rel=1e-4)
    assert found.spread["volume"] == pytest.approx(stats.median_abs_deviation(values / 20, scale="normal"), rel=1e-4)
    assert found.median["volume"] == pytest.approx(np.exp(np.median(values / 20)))
    expected = np.abs(values - np.median(values)) / stats.median_abs_deviation(values, scale="normal")
    np.testing.assert_allclose(found.distances["mean"], expected, rtol=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(-50, 50), min_size=9, max_size=30),
    st.floats(0.1, 100),
    st.floats(-1e3, 1e3),
)
def test_distances_follow_no_unit_and_no_order(numbers, scale, shift):
    values = pd.Series(numbers, dtype=float)
    own = find_outliers(pd.DataFrame({"mean": values}), 3).distances["mean"]
    moved = find_outliers(pd.DataFrame({"mean": values * scale + shift}), 3).distances["mean"]
    np.testing.assert_allclose(own, moved, rtol=1e-6, atol=1e-6)
    turned = find_outliers(pd.DataFrame({"mean": values[::-1]}), 3).distances["mean"]
    np.testing.assert_allclose(own, turned[::-1])


def test_ties_small_cohorts_and_missing_values():
    same = pd.DataFrame({"mean": [1.0] * 9 + [2.0], "sd": [3.0] * 10, "apart": [0.0] * 9 + [0.04], "contrast": [np.nan] + [1.0] * 9}, index=list("abcdefghij"))  # fmt: skip
    found = find_outliers(same, 5)
    assert found.to_frame()[["case_id", "quantity"]].to_numpy().tolist() == [["j", "mean"]]  # nine at 1: mean deviation
    assert found.distances.loc["j", "mean"] == pytest.approx(1 / (1.2533 * 0.1))
    assert found.distances.loc["j", "apart"] == pytest.approx(4.0)  # a spread of less than 0.01 counts as 0.01
    assert found.distances[["sd", "contrast"]].to_numpy().max() == 0.0
    few = find_outliers(same.iloc[-7:], 5)
    assert not few.enough
    assert few.to_frame().empty


def test_a_field_that_was_put_on_shows_in_its_range():
    rng = np.random.default_rng(3)
    _, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (12, 48, 48)), indexing="ij")
    truth = np.where(np.hypot(x, y) < 0.7, 500.0, 20.0) + 5 * rng.standard_normal(x.shape)
    image = sitk.GetImageFromArray((truth * np.exp(0.4 * x)).astype(np.float32))
    corrected = correct_bias_field(image, N4Settings(shrink_in_plane=2))
    found = describe_correction(image, corrected)
    # 0.4 x runs from -0.28 to 0.28 over the foreground.
    assert found.field_ratio == pytest.approx(math.exp(0.55), rel=0.1)
    assert sum(found.before) == sum(found.after) == x.size
    assert max(found.after[10:]) > 1.5 * max(found.before[10:])  # the tissue's peak is sharper
    assert describe_correction(image, None).after == ()
    assert describe_correction(image, None).field_ratio == 1.0


def test_a_finished_case_is_not_measured_again(cohort, tmp_path, monkeypatch):
    from vcfstats.imaging import quality

    done = preprocess_cases(cohort(2), PreprocessSettings(n4=N4Settings(enabled=False)), out=tmp_path / "out", cache=tmp_path / "cache")  # fmt: skip
    calls = []
    monkeypatch.setattr(quality, "measure", lambda *given: calls.append(1) or measure(*given))

    def look(settings=SETTINGS):
        return [case_quality(case, correction_file(case, tmp_path / "out"), settings, cache=tmp_path / "cache") for case in done]  # fmt: skip

    first, second = look(), look(QualitySettings(limit=2.0))
    assert len(calls) == 2  # the limit is no part of what is measured
    assert first[0].quantities == second[0].quantities
    assert first[0].quantities["field"] == 1.0
    look(QualitySettings(surround_mm=2.0))
    assert len(calls) == 4
    correction_file(done[1], tmp_path / "out").unlink()
    with pytest.raises(InputError, match=r"patient P1.*run the stage preprocess first"):
        look()


def plant(folder, rng, count=30):
    """Write cases of a bright ellipsoid about the middle of a textured volume, with masks that fit."""
    cases = []
    z, y, x = np.meshgrid(*(np.arange(n, dtype=float) for n in (60, 64, 68)), indexing="ij")
    texture = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(rng.normal(0, 1, z.shape).astype(np.float32)), 3.0))  # fmt: skip
    for number in range(count):
        centre, radii = np.array([29.5, 31.5, 33.5]) + rng.normal(0, 1.5, 3), np.array([9, 10, 12]) * rng.uniform(0.85, 1.15, 3)  # fmt: skip
        inside = sum(((axis - c) / r) ** 2 for axis, c, r in zip((z, y, x), centre, radii, strict=True)) <= 1
        values = 200 + 500 * np.roll(texture, int(rng.integers(60))) + 120 * inside + rng.normal(0, 8, z.shape)
        case = Case(f"C{number:02d}", f"C{number:02d}", folder / f"{number}.nii.gz", folder / f"{number}_mask.nii.gz")
        sitk.WriteImage(sitk.GetImageFromArray(values.astype(np.float32)), str(case.image))
        sitk.WriteImage(sitk.GetImageFromArray(inside.astype(np.uint8)), str(case.mask))
        cases.append(case)
    return cases


def test_planted_faults_are_named_first(tmp_path):
    cases = plant(tmp_path, np.random.default_rng(8))

    rows = {}

    def outliers(changed):
        for case in changed:
            rows[case.case_id] = measure(sitk.ReadImage(str(case.image)), sitk.ReadImage(str(case.mask)), SETTINGS)
        return find_outliers(pd.DataFrame(rows).T, SETTINGS.limit).to_frame()

    assert outliers(cases)["distance"].max() < 4
    faults = {
        4: lambda a: np.roll(a, 15, axis=2),  # shifted by 1.5 cm
        9: lambda a: np.roll(a, -12, axis=0),
        17: lambda a: a * (np.cumsum(a, axis=1) <= 3),  # a slab of it
        21: lambda a: 1 - a,  # everything but it
        25: lambda a: np.roll(a, (5, 5, 5), axis=(0, 1, 2)),  # half a centimetre each way
    }
    for number, change in faults.items():
        mask = sitk.ReadImage(str(cases[number].mask))
        changed = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(mask)).astype(np.uint8))
        sitk.WriteImage(changed, str(cases[number].mask))
    found = outliers([cases[number] for number in faults])
    assert set(found["case_id"].unique()[:5]) == {"C04", "C09", "C17", "C21", "C25"}
    why = found.groupby("case_id")["quantity"].agg(set)
    assert "offset_left" in why["C04"]
    assert "offset_head" in why["C09"]
    assert "volume" in why["C17"]
    assert "volume" in why["C21"]
    assert "edge" in why["C25"]
