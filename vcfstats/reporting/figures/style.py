"""What all figures share: journal widths, a palette for grey print and colour blindness, stable bytes."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import plotnine as p9

from vcfstats.reporting.reproducible import STABLE_RC
from vcfstats.reporting.values import MINUS

SINGLE_MM = 85.0
DOUBLE_MM = 180.0
DPI = 300
# After Okabe and Ito, darkened to stand out on white and ordered so that neighbours differ in grey print; each colour goes
# with a line type of its own.
COLOURS = ("#004488", "#D55E00", "#000000", "#009E73", "#5B2A86", "#CC79A7", "#7A4E00", "#3A86C8")
LINE_TYPES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "solid", "dashed", "dashdot", (0, (1, 1)), (0, (6, 1, 1, 1, 1, 1)), (0, (8, 3)), (0, (3, 1)), (0, (1, 3)),
)  # fmt: skip
REFERENCE = "#767676"
OUTLINE = "#FFC20A"  # of a region on a grey image
FONT = "DejaVu Sans"


def journal_theme(width_mm: float, height_mm: float) -> p9.theme:
    """Return the theme of all figures, at a size on paper; add to it with ``figure + theme(...)``."""
    return p9.theme_classic(base_size=8, base_family=FONT) + p9.theme(
        figure_size=(width_mm / 25.4, height_mm / 25.4),
        dpi=DPI,
        axis_line=p9.element_line(size=0.5),
        axis_ticks=p9.element_line(size=0.5),
        axis_text=p9.element_text(size=7, color="black"),
        axis_title=p9.element_text(size=8),
        legend_position="bottom",
        legend_title=p9.element_blank(),
        legend_text=p9.element_text(size=7),
        legend_key_width=24,
        legend_key_height=9,
        legend_box_spacing=0.01,
        legend_margin=0,
        plot_margin=0.015,
        plot_caption=p9.element_text(size=7, color="#b3261e", ha="right"),
        panel_spacing_x=0.03,
        strip_background=p9.element_blank(),
        strip_text=p9.element_text(size=8, weight="bold", ha="left", x=0),
    )


def height_for(panels: int, width_mm: float, *, extra_mm: float = 22.0) -> float:
    """Return the height that gives square panels in one row, with `extra_mm` for strips, axis title and legend."""
    return (width_mm - 14.0 - 4.0 * panels) / panels + extra_mm


def panel_labels(kinds: Sequence[str], names: dict[str, str]) -> dict[str, str]:
    """Return kind -> panel heading, lettered A, B, ... where there are several."""
    if len(kinds) == 1:
        return {kinds[0]: names[kinds[0]]}
    return {kind: f"{chr(ord('A') + number)}  {names[kind]}" for number, kind in enumerate(kinds)}


def need_columns(frame: pd.DataFrame, argument: str, columns: Sequence[str]) -> None:
    """Refuse a frame without the columns that a figure draws, in one sentence; an empty one needs none.

    Raises
    ------
    ValueError
        Columns that are lacking, with those that there are.
    """
    lacking = [column for column in columns if column not in frame.columns]
    if lacking and len(frame):
        raise ValueError(
            f"{argument} lacks the columns {', '.join(lacking)}; the figure draws {', '.join(columns)}, and found"
            f" {', '.join(map(str, frame.columns)) or 'none'}."
        )


def kinds_in(frame: pd.DataFrame, known: Sequence[str]) -> list[str]:
    """Return the kinds of a frame: those known in their order, then its own in the order of its rows."""
    present = [str(kind) for kind in dict.fromkeys(frame["kind"].dropna())] if "kind" in frame else []
    return [*(kind for kind in known if kind in present), *(kind for kind in present if kind not in known)]


def line_scales(names: Sequence[str], shown: Sequence[str] | None = None) -> Any:
    """Return the scales that give each name a colour and a line type, the same whichever of the names are shown."""
    shown = list(names) if shown is None else list(shown)
    rows = -(-len(shown) // 4)
    if len(names) > len(COLOURS):
        raise ValueError(f"{len(names)} lines in one figure; a reader can tell apart {len(COLOURS)}: split the figure")
    return [
        p9.scale_color_manual(values=dict(zip(names, COLOURS, strict=False)), limits=shown),
        p9.scale_linetype_manual(values=dict(zip(names, LINE_TYPES, strict=False)), limits=shown),
        p9.guides(color=p9.guide_legend(nrow=rows), linetype=p9.guide_legend(nrow=rows)),
    ]


def fill_scale(names: Sequence[str], shown: Sequence[str]) -> Any:
    """Return the scale that fills bands in the colours of their lines."""
    return p9.scale_fill_manual(values=dict(zip(names, COLOURS, strict=False)), limits=list(shown), guide=None)


def signed(values: Any) -> list[str]:
    """Return tick labels with a true minus sign and no needless decimals."""
    return [f"{value:.6g}".replace("-", MINUS) for value in values]


def blank_axes() -> p9.theme:
    """Return what takes the axes away, for drawings without scales."""
    blank = p9.element_blank()
    return p9.theme(axis_title=blank, axis_text=blank, axis_ticks=blank, axis_line=blank)


def caption(simulated: bool) -> dict[str, str]:
    """Return the label of figures made from simulated data."""
    return {"caption": "Simulated data"} if simulated else {}


def ordered(frame: pd.DataFrame, column: str, order: Sequence[str], names: dict[str, str] | None = None) -> pd.Series:
    """Return a column as an ordered category, under the names of print."""
    shown = [names[item] if names else item for item in order]
    values = frame[column].map(dict(zip(order, shown, strict=True)))
    return pd.Series(pd.Categorical(values, categories=shown, ordered=True), index=frame.index)


def empty_figure(message: str, width_mm: float, height_mm: float) -> p9.ggplot:
    """Return a figure that says why there is nothing to draw."""
    frame = pd.DataFrame({"x": [0.5], "y": [0.5], "label": [message]})
    return (
        p9.ggplot(frame, p9.aes("x", "y", label="label"))
        + p9.geom_text(size=8)
        + journal_theme(width_mm, height_mm)
        + blank_axes()
    )


def save_figure(figure: p9.ggplot, path: str | Path, *more: str | Path) -> None:
    """Write a figure at its own size, the format by the suffix (.svg, .pdf, .png, .tiff), the same bytes each time.

    Drawing takes longer than writing: give several paths to have one drawing in several formats. Fonts are embedded: as
    outlines in SVG, so that the text looks the same on every machine, and as TrueType in PDF. TIFF is RGB without
    transparency, which printers ask for.
    """
    import matplotlib  # slow, and only needed to draw
    from matplotlib import pyplot

    stamps: dict[str, dict[str, Any]] = {
        "svg": {"Date": None},
        "pdf": {"CreationDate": None},
        "png": {"Software": None},
    }
    sized: Any = figure + p9.theme(dpi=DPI)
    with matplotlib.rc_context(STABLE_RC):
        drawn = sized.draw(show=False)
    try:
        for target in map(Path, (path, *more)):
            kind = target.suffix.lstrip(".").lower()
            with matplotlib.rc_context(STABLE_RC):
                if kind == "tiff":
                    _save_tiff(drawn, target)
                else:
                    drawn.savefig(target, dpi=DPI, metadata=stamps[kind])
    finally:
        pyplot.close(drawn)


def _save_tiff(drawn: Any, path: Path) -> None:
    from PIL import Image

    pixels = BytesIO()
    drawn.savefig(pixels, format="png", dpi=DPI)
    with Image.open(pixels) as image:
        image.convert("RGB").save(path, compression="tiff_lzw", dpi=(DPI, DPI))
