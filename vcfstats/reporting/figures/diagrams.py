"""Boxes and arrows: how the patients came to be these, and what was done with them."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotnine as p9

from vcfstats.reporting.figures.style import DOUBLE_MM, blank_axes, caption, empty_figure, journal_theme

_LINE_MM = 3.6


@dataclass(frozen=True)
class Box:
    """A box of lines of text, in mm from the lower left corner; x and y are its centre."""

    x: float
    y: float
    width: float
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        """Height in mm."""
        return 4.0 + _LINE_MM * len(self.lines)


Arrow = tuple[float, float, float, float]


def diagram(
    boxes: Sequence[Box],
    arrows: Sequence[Arrow],
    height_mm: float,
    *,
    lines: Sequence[Arrow] = (),
    simulated: bool = False,
) -> p9.ggplot:
    """Draw boxes, and between them arrows and lines without heads as (x, y, xend, yend) in mm."""
    frame = pd.DataFrame(
        {
            "x": [b.x for b in boxes], "y": [b.y for b in boxes], "text": ["\n".join(b.lines) for b in boxes],
            "xmin": [b.x - b.width / 2 for b in boxes], "xmax": [b.x + b.width / 2 for b in boxes],
            "ymin": [b.y - b.height / 2 for b in boxes], "ymax": [b.y + b.height / 2 for b in boxes],
        }
    )  # fmt: skip
    ends = p9.aes("x", "y", xend="xend", yend="yend")
    figure = p9.ggplot(frame)
    for segments, head in ((lines, None), (arrows, p9.arrow(length=0.07, type="closed", angle=22))):
        if segments:  # a layer without rows would take the scales of the others with it
            rows = pd.DataFrame(list(segments), columns=["x", "y", "xend", "yend"])
            figure += p9.geom_segment(ends, data=rows, size=0.4, arrow=head)
    return (
        figure
        + p9.geom_rect(
            p9.aes(xmin="xmin", xmax="xmax", ymin="ymin", ymax="ymax"), fill="white", color="black", size=0.4
        )
        + p9.geom_text(p9.aes("x", "y", label="text"), size=6.8, lineheight=1.25)
        + p9.coord_fixed(xlim=(0, DOUBLE_MM - 8), ylim=(0, height_mm), expand=False)
        + p9.labs(**caption(simulated))
        + journal_theme(DOUBLE_MM, height_mm + (8 if simulated else 2))
        + blank_axes()
    )


def flow_figure(
    flow: pd.DataFrame, sets: Sequence[tuple[str, int, int]], labels: tuple[str, str], *, simulated: bool = False
) -> p9.ggplot:
    """Draw the flow of patients from the screening log.

    Parameters
    ----------
    flow : DataFrame
        Columns step (screened, excluded, included), reason, n.
    sets : sequence of (name, cases, events)
        The sets into which the included were divided.
    labels : tuple of str
        Names of events and non-events.
    simulated : bool
        As for `roc_figure`.
    """
    if flow.empty:
        return empty_figure("No screening log was given: the flow of patients is not known", DOUBLE_MM, 40.0)
    excluded = flow[flow["step"] == "excluded"]
    top = [f"Screened: {_sum(flow, 'screened'):,}"]
    out = [
        f"Excluded: {_sum(flow, 'excluded'):,}",
        *(f"{reason}: {int(n):,}" for reason, n in zip(excluded["reason"], excluded["n"], strict=True)),
    ]
    height = 62.0 + _LINE_MM * len(out)
    side = Box(122.0, height - 16.0 - _LINE_MM * len(out) / 2, 92.0, tuple(out))
    first = Box(44.0, height - 7.0, 50.0, tuple(top))
    middle = Box(44.0, 36.0, 50.0, (f"Included: {_sum(flow, 'included'):,}",))
    boxes = [first, side, middle]
    elbows: list[Arrow] = []
    arrows = [
        (44.0, first.y - first.height / 2, 44.0, middle.y + middle.height / 2),
        (44.0, side.y, side.x - side.width / 2, side.y),
    ]
    for x, (name, cases, events) in zip((44.0, 122.0), sets, strict=False):
        lines = (f"{name}: {cases:,} cases", f"{labels[0]}: {events:,}", f"{labels[1]}: {cases - events:,}")
        box = Box(x, 10.0, 60.0, lines)
        boxes.append(box)
        if x == 44.0:
            arrows.append((x, middle.y - middle.height / 2, x, box.y + box.height / 2))
        else:
            elbows.append((69.0, middle.y, x, middle.y))
            arrows.append((x, middle.y, x, box.y + box.height / 2))
    return diagram(boxes, arrows, height, lines=elbows, simulated=simulated)


def _sum(flow: pd.DataFrame, step: str) -> int:
    return int(flow.loc[flow["step"] == step, "n"].sum())
