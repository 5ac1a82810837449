"""Pictures of images and their regions, pixel by pixel: the quality page of a case and the contact sheets of a cohort."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from vcfstats.contracts.files import replacing
from vcfstats.reporting.figures.style import COLOURS, OUTLINE, REFERENCE
from vcfstats.reporting.values import significant

Grey = npt.NDArray[np.uint8]
Region = npt.NDArray[np.bool_]

_DPI = 190
_WIDTH = 1280  # pixels: 171 mm at that resolution, the width of a page's text
_BLACK, _WHITE, _RED, _BLUE = "#000000", "#FFFFFF", "#B3261E", COLOURS[0]
_COLUMNS, _ROWS = 8, 8
_GAP = 8


@dataclass(frozen=True, eq=False)
class Cut:
    """A grey image with a region in it; `pixel_mm` is the size of a pixel (down, across)."""

    grey: Grey
    region: Region
    pixel_mm: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """One case of a contact sheet: its id, its plane, and how far it lies from the others if it is named for that."""

    case_id: str
    cut: Cut
    distance: float | None = None


@dataclass(frozen=True)
class Histograms:
    """Voxels in equal bins between two intensities, before and after a correction; `after` is empty where there was none."""

    low: float
    high: float
    before: Sequence[int]
    after: Sequence[int]


@dataclass(frozen=True)
class Picture:
    """A PNG file that shows itself in a document."""

    path: Path

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()


def case_picture(
    case_id: str,
    cuts: Mapping[str, Cut],
    histograms: Histograms,
    lines: Sequence[str],
    *,
    simulated: bool = False,
) -> Image.Image:
    """Draw one case: its planes with the outline of the region, on one scale, and its intensities.

    Parameters
    ----------
    case_id : str
        Heads the picture.
    cuts : mapping
        Heading of each plane -> the plane.
    histograms : Histograms
        Before and after the correction of the bias field.
    lines : sequence of str
        Printed below the histogram.
    simulated : bool
        Labels the picture.
    """
    chart = 360
    sizes = [np.array(cut.grey.shape) * cut.pixel_mm for cut in cuts.values()]
    per_mm = min((_WIDTH - chart - _GAP * (len(sizes) + 2)) / sum(size[1] for size in sizes), 4.0)
    tall = max(max(math.ceil(size[0] * per_mm) for size in sizes), 330)
    picture = Image.new("RGB", (_WIDTH, tall + 92), _WHITE)
    draw = ImageDraw.Draw(picture)
    draw.text(
        (_GAP, 8), _shortened(case_id, _WIDTH - 220, _font(26, bold=True)), font=_font(26, bold=True), fill=_BLACK
    )
    if simulated:
        draw.text((_WIDTH - _GAP, 12), "Simulated data", font=_font(18), fill=_RED, anchor="ra")
    x = _GAP
    for (heading, cut), size in zip(cuts.items(), sizes, strict=True):
        drawn = _drawn(cut, (max(round(size[1] * per_mm), 1), max(round(size[0] * per_mm), 1)))
        draw.text((x, 50), _shortened(heading, drawn.width + _GAP, _font(17)), font=_font(17), fill=_BLACK)
        picture.paste(drawn, (x, 78))
        x += drawn.width + _GAP
    left = _WIDTH - chart
    _histogram(draw, histograms, (left, 78, _WIDTH - _GAP, 78 + 170))
    for number, line in enumerate(lines):
        draw.text((left, 300 + 21 * number), _shortened(line, chart - _GAP, _font(15)), font=_font(15), fill=_BLACK)
    return picture


def contact_sheets(
    thumbnails: Sequence[Thumbnail], window_mm: float, *, heading: str, simulated: bool = False
) -> list[Image.Image]:
    """Draw all cases, each centred on its region, on pages of 64; a named case has a red frame and its distance.

    Parameters
    ----------
    thumbnails : sequence of Thumbnail
        In the order of the pages.
    window_mm : float
        Side of the square that is shown of each, in mm.
    heading : str
        Stands above each page, before its number.
    simulated : bool
        Labels the pages.
    """
    side = (_WIDTH - _GAP * (_COLUMNS + 1)) // _COLUMNS
    pages = [thumbnails[start : start + _COLUMNS * _ROWS] for start in range(0, len(thumbnails), _COLUMNS * _ROWS)]
    sheets = []
    for number, shown in enumerate(pages, 1):
        rows = -(-len(shown) // _COLUMNS)
        sheet = Image.new("RGB", (_WIDTH, 44 + rows * (side + 32)), _WHITE)
        draw = ImageDraw.Draw(sheet)
        page = f"{heading}, page {number} of {len(pages)}" if len(pages) > 1 else heading
        draw.text((_GAP, 10), page, font=_font(20, bold=True), fill=_BLACK)
        if simulated:
            draw.text((_WIDTH - _GAP, 12), "Simulated data", font=_font(18), fill=_RED, anchor="ra")
        for position, thumbnail in enumerate(shown):
            x = _GAP + position % _COLUMNS * (side + _GAP)
            y = 44 + position // _COLUMNS * (side + 32)
            sheet.paste(_drawn(_window(thumbnail.cut, window_mm), (side, side)), (x, y))
            named = thumbnail.distance is not None
            label = f"{thumbnail.case_id}  {thumbnail.distance:.1f}" if named else thumbnail.case_id
            font = _font(17, bold=named)
            draw.text((x, y + side + 3), _shortened(label, side, font), font=font, fill=_RED if named else _BLACK)
            if named:
                draw.rectangle((x - 3, y - 3, x + side + 2, y + side + 2), outline=_RED, width=4)
        sheets.append(sheet)
    return sheets


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture as PNG of at most 256 colours, whole or not at all, the same bytes each time."""
    small = picture.quantize(palette=_palette(), dither=Image.Dither.NONE)
    with replacing(path) as temporary:
        small.save(temporary, format="PNG", dpi=(_DPI, _DPI), optimize=False, compress_level=6)


@cache
def _palette() -> Image.Image:
    """Return the colours of pictures: greys, and the few others with what lies between them and white or grey."""
    colours = [(level, level, level) for level in (round(index * 255 / 207) for index in range(208))]
    for name in (OUTLINE, _RED, _BLUE, "#C8C8C8"):
        tone = np.array([int(name[start : start + 2], 16) for start in (1, 3, 5)])
        for share in np.linspace(0, 0.9, 12):
            red, green, blue = np.rint(tone + (255 - tone) * share).astype(int)
            colours.append((int(red), int(green), int(blue)))
    palette = Image.new("P", (1, 1))
    palette.putpalette([level for colour in colours for level in colour])
    return palette


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size, layout_engine=ImageFont.Layout.BASIC
    )


def _shortened(text: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    """Cut a text in its middle until it is no wider than `width` pixels."""
    shown, kept = text, len(text)
    while kept > 2 and font.getlength(shown) > width:
        kept -= 1
        shown = text[: kept - kept // 2] + "…" + text[len(text) - kept // 2 :]
    return shown


def _drawn(cut: Cut, size: tuple[int, int]) -> Image.Image:
    """Enlarge a plane to a size in pixels (across, down) and draw the outline of its region, two pixels wide."""
    grey = Image.fromarray(cut.grey).resize(size, Image.Resampling.BICUBIC)
    region = np.asarray(Image.fromarray(cut.region.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)) > 127
    shown = np.stack([np.asarray(grey)] * 3, axis=-1)
    padded = np.pad(region, 2, mode="edge")
    core = np.ones_like(region)
    for down in range(5):
        for across in range(5):
            if abs(down - 2) + abs(across - 2) <= 2:
                core &= padded[down : down + region.shape[0], across : across + region.shape[1]]
    shown[region & ~core] = [int(OUTLINE[start : start + 2], 16) for start in (1, 3, 5)]
    return Image.fromarray(shown)


def _window(cut: Cut, side_mm: float) -> Cut:
    """Cut a square out of a plane, centred on its region; beyond the plane it is black."""
    found = np.argwhere(cut.region)
    centre = (found.min(axis=0) + found.max(axis=0) + 1) / 2
    sizes = np.maximum(np.rint(side_mm / np.array(cut.pixel_mm)).astype(int), 1)
    start = np.rint(centre - sizes / 2).astype(int)
    cuts = []
    for array in (cut.grey, cut.region):
        window = np.zeros(tuple(sizes), array.dtype)
        low, high = np.maximum(start, 0), np.minimum(start + sizes, array.shape)
        window[low[0] - start[0] : high[0] - start[0], low[1] - start[1] : high[1] - start[1]] = array[
            low[0] : high[0], low[1] : high[1]
        ]
        cuts.append(window)
    return Cut(cuts[0], cuts[1], cut.pixel_mm)


def _histogram(draw: ImageDraw.ImageDraw, histograms: Histograms, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    # Square roots, so that the many dark voxels leave something to see of the others.
    most = math.sqrt(max(*histograms.before, *histograms.after, 1))
    corrected = bool(histograms.after)
    heading = "Intensities, square root of counts"
    draw.text((left, top - 28), heading, font=_font(17), fill=_BLACK)
    for counts, filled in ((histograms.before, True), (histograms.after, False)):
        if not counts:
            continue
        steps: list[tuple[float, float]] = []
        for number, count in enumerate(counts):
            y = bottom - (bottom - top) * math.sqrt(count) / most
            steps += [(left + (right - left) * edge / len(counts), y) for edge in (number, number + 1)]
        if filled:
            draw.polygon([(left, bottom), *steps, (right, bottom)], fill="#C8C8C8")
        else:
            draw.line(steps, fill=_BLUE, width=3)
    draw.line([(left, bottom), (right, bottom)], fill=REFERENCE, width=1)
    font = _font(15)
    draw.text((left, bottom + 4), significant(histograms.low, 4), font=font, fill=_BLACK)
    draw.text((right, bottom + 4), significant(histograms.high, 4), font=font, fill=_BLACK, anchor="ra")
    if corrected:
        draw.rectangle((left, bottom + 28, left + 14, bottom + 40), fill="#C8C8C8")
        draw.text((left + 20, bottom + 25), "before N4", font=font, fill=_BLACK)
        draw.line([(left + 150, bottom + 34), (left + 174, bottom + 34)], fill=_BLUE, width=3)
        draw.text((left + 180, bottom + 25), "after N4", font=font, fill=_BLACK)
