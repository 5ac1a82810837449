"""2.5D slices against other software and closed forms, in any storage orientation and at every edge."""

import time
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from vcfstats.contracts.errors import InputError
from vcfstats.contracts.slices import SliceStack, read_slices, write_slices
from vcfstats.imaging.preprocessing import preprocess
from vcfstats.imaging.settings import N4Settings, NormalizationSettings, PreprocessSettings
from vcfstats.imaging.slices import (
    SliceSettings,
    choose_slices,
    resize_nearest,
    sagittal_view,
    slice_cases,
    three_slices,
)

PLAIN = PreprocessSettings(n4=N4Settings(enabled=False), normalization=NormalizationSettings(method="none"))
FIELDS = ("images", "index", "wanted", "area", "box")


def _volume(values):
    """Return an image from an array with axes left, back, up, stored so at 1 mm."""
    return sitk.GetImageFromArray(np.ascontiguousarray(np.transpose(values, (2, 1, 0))).astype(np.float32))


def _same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in FIELDS)


@pytest.fixture
def known():
    """A volume whose value tells its voxel, and a region that is largest in slice 6 and ends at slices 3 and 12."""
    left, back, up = np.meshgrid(np.arange(16), np.arange(20), np.arange(24), indexing="ij")
    region = np.zeros(left.shape, bool)
    for number in range(3, 13):
        half = 6 - abs(number - 6) // 2 if number != 6 else 7
        region[number, 10 - half : 10 + half - 1, 12 - half : 12 + half] = True
    return _volume(1e4 * left + 100 * back + up), _volume(region), region


def test_pixels_come_from_the_stated_voxels(known):
    image, mask, region = known
    cut = three_slices(image, sitk.Cast(mask, sitk.sitkUInt8), SliceSettings(offset=2, size=32))
    assert cut.index.tolist() == [6, 4, 8]
    assert cut.area.tolist() == [region[n].sum() for n in (6, 4, 8)]
    # Region of slice 6: back 3..15, up 5..18; rows count from the head, 23 - up.
    assert cut.box.tolist() == [[5, 19, 3, 16]] * 3
    rows, columns = (((np.arange(32) + 0.5) * n / 32).astype(int) for n in (14, 13))
    for picture in cut.images:
        up, back = 18 - rows[:, None], 3 + columns[None, :]
        values = 100.0 * back + up  # the slice's own term is lost in the stretch
        expected = 2 * (values - values.min()) / (values.max() - values.min()) - 1
        np.testing.assert_allclose(picture / 127.5 - 1, expected, atol=1 / 255 + 1e-12)
        assert picture.min() == 0
        assert picture.max() == 255


def test_slices_do_not_depend_on_how_the_volume_is_stored(image, mask):
    settings = SliceSettings(offset=2, size=64)
    expected = three_slices(image, mask, settings)
    for order in ("LPS", "RAI", "PIL", "SLA", "ASR"):
        stored = [sitk.DICOMOrient(part, order) for part in (image, mask)]
        assert _same(three_slices(*stored, settings), expected)


def test_an_oblique_volume_is_cut_along_its_own_axes(image, mask):
    settings = SliceSettings(offset=2, size=64)
    expected = three_slices(image, mask, settings)
    angle = np.deg2rad(25.0)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    for part in (image, mask):
        part.SetDirection((turn @ np.array(part.GetDirection()).reshape(3, 3)).ravel().tolist())
    assert _same(three_slices(image, mask, settings), expected)


def test_sagittal_view_runs_right_to_left_head_to_foot_front_to_back(image):
    view = sagittal_view(image)
    lps = sitk.DICOMOrient(image, "LPS")
    nx, ny, nz = lps.GetSize()
    assert view.shape == (nx, nz, ny)
    for number, row, column in ((0, 0, 0), (3, 5, 7), (nx - 1, nz - 1, ny - 1)):
        assert view[number, row, column] == lps[number, column, nz - 1 - row]
    start, left, down, back = (
        np.array(lps.TransformIndexToPhysicalPoint(i)) for i in ((0, 0, nz - 1), (1, 0, nz - 1), (0, 0, nz - 2), (0, 1, nz - 1))
    )  # fmt: skip
    assert (left - start)[0] > 0  # DICOM's x grows to the patient's left
    assert (down - start)[2] < 0
    assert (back - start)[1] > 0


@given(
    area=hnp.arrays(np.int64, st.integers(1, 40), elements=st.sampled_from([0, 0, 1, 2, 5, 9])),
    offset=st.integers(1, 45),
)
def test_chosen_slices_hold_the_region_and_lie_as_near_to_the_wanted_as_any(area, offset):
    if not area.any():
        with pytest.raises(ValueError, match="empty"):
            choose_slices(area, offset)
        return
    index, wanted = choose_slices(area, offset)
    centre, below, above = index
    assert area[centre] == area.max()
    equals = np.flatnonzero(area == area.max())
    assert 0 <= (equals > centre).sum() - (equals < centre).sum() <= 1
    assert below <= centre <= above
    assert (area[index] > 0).all()
    assert wanted.tolist() == [centre, centre - offset, centre + offset]
    for got, asked in ((below, wanted[1]), (above, wanted[2])):
        between = [k for k in np.flatnonzero(area) if min(asked, centre) <= k <= max(asked, centre)]
        assert abs(got - asked) == min(abs(k - asked) for k in between)


@given(shape=st.tuples(st.integers(1, 60), st.integers(1, 60)), size=st.integers(32, 80))
def test_nearest_neighbour_is_torchs(shape, size):
    plane = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(plane)[None, None], size=(size, size), mode="nearest-exact"
    )
    got = resize_nearest(plane, size)
    # At even ratios a centre lies on the border of two pixels, where single precision may take either.
    differing = got != theirs[0, 0].numpy()
    centres = [(np.arange(size) + 0.5) * count / size for count in shape]
    border = [np.isclose(centre, np.round(centre), atol=1e-5) for centre in centres]
    assert not (differing & ~(border[0][:, None] | border[1][None, :])).any()


def test_the_z_score_alone_changes_nothing_and_clipping_does(image, mask):
    plain = three_slices(image, mask, SliceSettings(offset=2, size=64))
    louder = three_slices(image * 7.0 - 300.0, mask, SliceSettings(offset=2, size=64))
    assert np.abs(plain.images.astype(int) - louder.images).max() <= 1  # a tie of rounding at most
    assert (plain.images != louder.images).mean() < 1e-3
    clipped = three_slices(image, mask, SliceSettings(offset=2, size=64, clip_sd=1.0))
    number, (top, bottom, left, right) = plain.index[0], plain.box[0]
    crop = sagittal_view(image)[number, top:bottom, left:right].astype(float)
    z = np.clip((crop - crop.mean()) / crop.std(), -1, 1)
    np.testing.assert_allclose(clipped.images[0] / 127.5 - 1, resize_nearest(z, 64), atol=1 / 255 + 1e-12)


def test_scaling_over_the_case_keeps_the_slices_relation(image, mask):
    cut = three_slices(image, mask, SliceSettings(offset=2, size=64, scale_over="case"))
    view = sagittal_view(image).astype(float)
    crops = [view[n, t:b, lo:hi] for n, (t, b, lo, hi) in zip(cut.index, cut.box, strict=True)]
    low, high = min(c.min() for c in crops), max(c.max() for c in crops)
    for picture, crop in zip(cut.images, crops, strict=True):
        expected = resize_nearest(2 * (crop - low) / (high - low) - 1, 64)
        np.testing.assert_allclose(picture / 127.5 - 1, expected, atol=1 / 255 + 1e-12)


def test_boxes_margins_and_units(known):
    image, mask, _ = known
    mask = sitk.Cast(mask, sitk.sitkUInt8)
    own = three_slices(image, mask, SliceSettings(offset=4, box="each_slice"))
    assert own.index.tolist() == [6, 3, 10]  # the region ends at slice 3
    assert own.wanted.tolist() == [6, 2, 10]
    assert own.box.tolist() == [[5, 19, 3, 16], [7, 17, 5, 14], [8, 16, 6, 13]]
    wide = three_slices(image, mask, SliceSettings(offset=4, margin_mm=4))
    assert wide.box[0].tolist() == [1, 23, 0, 20]  # as far as the volume reaches
    for part in (image, mask):
        part.SetSpacing((2.0, 1.0, 1.0))
    assert three_slices(image, mask, SliceSettings(offset=3, offset_unit="mm")).wanted.tolist() == [6, 4, 8]
    assert three_slices(image, mask, SliceSettings(offset=1, offset_unit="mm")).wanted.tolist() == [6, 5, 7]


def test_preprocessed_thick_slices_repeat_at_a_small_offset(image, mask):
    new_image, new_mask = preprocess(image, mask, PLAIN)  # slices of 3.5 mm at 1 mm
    near, far = (three_slices(new_image, new_mask, SliceSettings(offset=k, size=64)) for k in (1, 5))
    stack = SliceStack(("near", "far"), **{f: np.stack([getattr(near, f), getattr(far, f)]) for f in FIELDS})
    assert stack.repeated == ("near",)
    assert stack.moved == ()


def test_whole_cohort(cohort, tmp_path, capsys):
    cases = cohort(3)
    settings = SliceSettings(offset=2, size=32)
    stack, description = slice_cases(cases, settings, cache=tmp_path / "cache")
    assert stack.images.shape == (3, 3, 32, 32)
    assert stack.case_ids == ("P0", "P1", "P2")
    assert "slices 3/3 patients" in capsys.readouterr().err
    assert sorted(description.inputs) == ["P0", "P1", "P2"]
    for case in cases:  # from the cache, without reading the images
        case.image.touch()
    again, _ = slice_cases(cases[::-1], settings, cache=tmp_path / "cache", workers=2)
    assert again.case_ids == ("P2", "P1", "P0")
    assert _same(again.sorted(), stack)

    file = tmp_path / "slices.npz"
    write_slices(stack, description, file)
    first = file.read_bytes(), file.with_suffix(".json").read_bytes()
    time.sleep(2.1)  # zip archives tell time in steps of two seconds
    write_slices(again, description, file)
    assert (file.read_bytes(), file.with_suffix(".json").read_bytes()) == first
    read = read_slices(file)
    assert read.case_ids == stack.case_ids
    assert _same(read, stack)


def test_finished_cases_come_from_the_cache(cohort, tmp_path, monkeypatch):
    cases = cohort(2)
    slice_cases(cases, SliceSettings(offset=2), cache=tmp_path / "cache")
    monkeypatch.setattr("vcfstats.imaging.slices.load_case", lambda case: pytest.fail("read again"))
    slice_cases(cases, SliceSettings(offset=2), cache=tmp_path / "cache")
    with pytest.raises(pytest.fail.Exception):
        slice_cases(cases, SliceSettings(offset=3), cache=tmp_path / "cache")


def test_all_bad_cases_are_named_at_once(cohort, tmp_path):
    cases = cohort(3)
    flat = sitk.ReadImage(str(cases[0].image)) * 0 + 7
    sitk.WriteImage(flat, str(cases[0].image))
    cases[2] = replace(cases[2], mask=tmp_path / "nowhere.nii.gz")
    with pytest.raises(InputError) as caught:
        slice_cases(cases, SliceSettings(), cache=tmp_path / "cache")
    assert [problem.patient for problem in caught.value.problems] == ["P0", "P2"]
    assert "constant (7)" in caught.value.problems[0].found
    with pytest.raises(ValueError, match="no cases"):
        slice_cases([], SliceSettings(), cache=tmp_path / "cache")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", None])
def test_a_damaged_file_is_one_clear_error(tmp_path, content):
    file = tmp_path / "slices.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match="slices"):
        read_slices(file)


def test_pickled_arrays_are_refused(tmp_path):
    file = tmp_path / "slices.npz"
    np.savez(file, case_ids=np.array([object()], dtype=object))
    with pytest.raises(InputError, match="cannot be read"):
        read_slices(file)


@pytest.mark.parametrize(
    "wrong",
    [
        {"offset": 0},
        {"offset": 2.5},
        {"offset_unit": "cm"},
        {"size": 8},
        {"size": 225},
        {"clip_sd": 0},
        {"margin_mm": -1},
    ],
)
def test_settings_refuse_what_cannot_be(wrong):
    with pytest.raises(ValidationError):
        SliceSettings(**wrong)


def test_stack_refuses_arrays_that_do_not_fit():
    arrays = {"index": np.zeros((1, 3), int), "wanted": np.zeros((1, 3), int), "area": np.ones((1, 3), int)}
    good = {"images": np.zeros((1, 3, 8, 8), np.uint8), "box": np.zeros((1, 3, 4), int), **arrays}
    assert SliceStack(("a",), **good).repeated == ("a",)
    for name, value in (
        ("images", np.zeros((1, 3, 8, 8))),
        ("box", np.zeros((1, 4), int)),
        ("index", np.zeros((2, 3), int)),
    ):
        with pytest.raises(ValueError, match=name):
            SliceStack(("a",), **{**good, name: value})
    with pytest.raises(ValueError, match="twice"):
        SliceStack(("a", "a"), **{name: np.concatenate([value, value]) for name, value in good.items()})
