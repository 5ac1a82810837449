"""Class activation maps on the anatomy."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotnine as p9

from vcfstats.reporting.figures.style import DOUBLE_MM, OUTLINE, blank_axes, caption, empty_figure, journal_theme

_VIEWS = ("Slice with the region's outline", "Activation map")


def activation_figure(pixels: pd.DataFrame, headings: Sequence[str], *, simulated: bool = False) -> p9.ggplot:
    """Draw slices with the outline of the region above, the same with their activation maps below, one column a case.

    Parameters
    ----------
    pixels : DataFrame
        One row a row of pixels: panel (number of the column), row, height and width (of a pixel, mm), and as words with
        spaces between the pixels intensity (0 to 255), map (0 to 255, one scale for all cases) and region (0 or 1).
    headings : sequence of str
        Heading of each column.
    simulated : bool
        As for `roc_figure`.
    """
    if pixels.empty:
        return empty_figure("No class activation maps: no network's own model was tested", DOUBLE_MM, 30.0)
    tiles, outlines = [], []
    for panel in sorted(set(pixels["panel"].astype(int))):
        rows = pixels[pixels["panel"] == panel].sort_values("row", kind="stable")
        grey, share, region = (
            np.array([line.split() for line in rows[name]], dtype=float) for name in ("intensity", "map", "region")
        )
        height, width = float(rows["height"].iloc[0]), float(rows["width"].iloc[0])
        heading = headings[panel]
        y, x = np.indices(grey.shape)
        place = {"x": (x.ravel() + 0.5) * width, "y": -(y.ravel() + 0.5) * height, "case": heading}
        for view, colours in zip(_VIEWS, (_grey(grey), _heat(grey, share)), strict=True):
            tiles.append(pd.DataFrame({**place, "view": view, "fill": colours, "w": width, "h": height}))
        outlines.append(_outline(region > 0, height, width).assign(case=heading, view=_VIEWS[0]))
    order = {"case": list(headings), "view": list(_VIEWS)}
    frame, lines = (_ordered(pd.concat(parts, ignore_index=True), order) for parts in (tiles, outlines))
    columns = len(headings)
    side = (DOUBLE_MM - 8.0 - 2.0 * columns) / max(columns, 4)
    return (
        p9.ggplot(frame, p9.aes("x", "y"))
        + p9.geom_tile(p9.aes(fill="fill", width="w", height="h"), raster=True)
        + p9.geom_segment(p9.aes("x", "y", xend="xend", yend="yend"), data=lines, color=OUTLINE, size=0.45)
        + p9.facet_grid("view", "case")
        + p9.scale_fill_identity()
        + p9.coord_fixed(expand=False)
        + p9.labs(**caption(simulated))
        + journal_theme(DOUBLE_MM, 2 * side + 22.0)
        + p9.theme(
            panel_spacing_x=0.01, panel_spacing_y=0.01,
            strip_text_x=p9.element_text(size=7, ha="left", x=0), strip_text_y=p9.element_text(size=7),
        )
        + blank_axes()
    )  # fmt: skip


def _ordered(frame: pd.DataFrame, order: dict[str, list[str]]) -> pd.DataFrame:
    return frame.assign(**{name: pd.Categorical(frame[name], categories=values) for name, values in order.items()})


def _grey(values: npt.NDArray[np.float64]) -> list[str]:
    return [f"#{level:02x}{level:02x}{level:02x}" for level in values.ravel().astype(int)]


def _heat(grey: npt.NDArray[np.float64], share: npt.NDArray[np.float64]) -> list[str]:
    """Lay a map over a grey image: the stronger, the brighter and the less of the image is seen, in grey print too."""
    from matplotlib import colormaps

    scale: Any = colormaps["inferno"]
    strength = (share / 255.0)[..., None]
    colour = np.asarray(scale(0.25 + 0.75 * share / 255.0))[..., :3] * 255.0
    cover = 0.85 * np.sqrt(strength)
    mixed = (1 - cover) * 0.8 * grey[..., None] + cover * colour
    return ["#{:02x}{:02x}{:02x}".format(*pixel) for pixel in np.rint(mixed).astype(int).reshape(-1, 3)]


def _outline(region: npt.NDArray[np.bool_], height: float, width: float) -> pd.DataFrame:
    """Return the edges between pixels inside and outside of a region."""
    padded = np.pad(region, 1)
    across = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])  # edges above or below a pixel
    along = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])  # edges left or right of one
    rows = [(c * width, -r * height, (c + 1) * width, -r * height) for r, c in across]
    rows += [(c * width, -r * height, c * width, -(r + 1) * height) for r, c in along]
    return pd.DataFrame(rows, columns=["x", "y", "xend", "yend"], dtype=float)
