"""Pictures of regions: what is drawn where, the same bytes each time, and pages that hold every case."""

import numpy as np
import pytest
from PIL import Image

from vcfstats.reporting.pictures import (
    Cut,
    Histograms,
    Picture,
    Thumbnail,
    case_picture,
    contact_sheets,
    save_picture,
)

OUTLINE = (255, 194, 10)
RED = (179, 38, 30)


def cut(size=(40, 50), low=(10, 20), high=(20, 40), pixel_mm=(1.0, 1.0)):
    grey = np.full(size, 60, np.uint8)
    region = np.zeros(size, bool)
    region[low[0] : high[0], low[1] : high[1]] = True
    return Cut(grey, region, pixel_mm)


def where(picture, colour):
    return np.argwhere((np.asarray(picture.convert("RGB")) == colour).all(axis=-1))


def test_the_outline_lies_on_the_border_of_the_region():
    (sheet,) = contact_sheets([Thumbnail("A", cut(pixel_mm=(2.0, 1.0)))], 40.0, heading="All")
    drawn = where(sheet, OUTLINE)
    sheet_side = (1280 - 8 * 9) // 8
    extent = (drawn.max(axis=0) + 1 - drawn.min(axis=0)) / sheet_side * 40.0
    assert extent == pytest.approx([20.0, 20.0], abs=1.0)  # 10 rows of 2 mm, 20 columns of 1 mm
    middle = (drawn.max(axis=0) + drawn.min(axis=0)) / 2 - np.array([44, 8])
    assert middle == pytest.approx([sheet_side / 2] * 2, abs=2.0)  # centred on the region
    assert len(where(sheet, RED)) == 0


def test_a_named_case_has_a_frame_and_every_case_a_place():
    cases = [Thumbnail(f"P{number:03d}", cut(), 6.2 if number == 1 else None) for number in range(130)]
    sheets = contact_sheets(cases, 30.0, heading="All", simulated=True)
    assert len(sheets) == 3
    assert sheets[0].height > sheets[2].height  # two cases on the last
    side = (1280 - 8 * 9) // 8
    frame = where(sheets[0].crop((0, 40, 1280, 44 + side + 3)), RED)
    assert frame[:, 1].min() == 8 + side + 8 - 3
    assert frame[:, 1].max() == 8 + side + 8 + side + 2
    assert len(where(sheets[1].crop((0, 40, 1280, sheets[1].height)), RED)) == 0


def test_a_region_at_the_border_of_the_image_is_shown_with_black_beyond():
    (sheet,) = contact_sheets([Thumbnail("A", cut(low=(0, 0), high=(10, 10)))], 40.0, heading="All")
    values = np.asarray(sheet)[44 + 5, 8 + 5]
    assert values.tolist() == [0, 0, 0]


def test_files_are_the_same_each_time_and_hold_the_colours(tmp_path):
    histograms = Histograms(0.0, 1500.0, [5, 100, 7, 0], [1, 90, 20, 1])
    picture = case_picture("P1", {"Sagittal": cut(), "Axial": cut((50, 30), high=(20, 28))}, histograms, ["Volume 1 ml"], simulated=True)  # fmt: skip
    for name in ("a.png", "b.png"):
        save_picture(picture, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    stored = Image.open(tmp_path / "a.png")
    assert len(where(stored, OUTLINE)) > 100
    assert len(where(stored, RED)) > 10
    assert stored.info["dpi"] == pytest.approx((190, 190), abs=0.1)
    assert Picture(tmp_path / "a.png")._repr_png_() == (tmp_path / "a.png").read_bytes()
    assert not list(tmp_path.glob(".writing-*"))


def test_an_uncorrected_image_has_one_histogram_and_a_long_name_is_cut():
    blue = (0, 68, 136)
    pictures = [case_picture("P" * 200, {"Sagittal": cut()}, Histograms(0.0, 1.0, [1, 2], after), []) for after in ([], [2, 1])]  # fmt: skip
    assert [len(where(picture, blue)) > 0 for picture in pictures] == [False, True]
    (sheet,) = contact_sheets([Thumbnail("P" * 64, cut())], 40.0, heading="All")
    below = np.asarray(sheet.convert("L"))[44 + 151 + 2 :, 8 + 151 + 8 :]
    assert below.min() > 200  # the name ends where its picture does
