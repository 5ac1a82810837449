"""The nomogram of a fitted model, drawn from the positions of its ticks."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import pandas as pd
import plotnine as p9

from vcfstats.reporting.figures.style import DOUBLE_MM, blank_axes, caption, empty_figure, journal_theme

_LEFT, _RIGHT = 52.0, DOUBLE_MM - 14.0  # where scales begin and end, in mm
_ROW = 13.0
_CHARACTER = 1.35  # width of a character of a tick's label, in mm
_ORDER = ("points", "predictor", "total", "probability")


def nomogram_figure(ticks: pd.DataFrame, *, simulated: bool = False) -> p9.ggplot:
    """Draw a nomogram: points, one axis for each predictor, total points, probability.

    Labels that would run into one another are moved above the axis; of a number that fits neither below nor above, the
    tick stays and the label is left out.

    Parameters
    ----------
    ticks : DataFrame
        Columns axis, kind (points, predictor, total, probability), label, points.
    simulated : bool
        As for `roc_figure`.
    """
    if ticks.empty:
        return empty_figure("No nomogram: its model was not fitted", DOUBLE_MM, 40.0)
    axes = [
        (axis, kind)
        for kind in _ORDER
        for axis in dict.fromkeys(ticks.loc[ticks["kind"] == kind, "axis"])
    ]  # fmt: skip
    height = _ROW * len(axes) + 2.0
    marks, lines, names = [], [], []
    for row, (axis, kind) in enumerate(axes):
        y = height - _ROW * (row + 0.5)
        own = ticks[(ticks["axis"] == axis) & (ticks["kind"] == kind)].sort_values("points", kind="stable")
        scale = ticks[ticks["kind"].isin(["total"] if kind in ("total", "probability") else ["points"])]["points"]
        low, high = float(scale.min()), float(scale.max())
        own = own[own["points"].between(low - 1e-6, high + 1e-6)]
        x = [_LEFT + (_RIGHT - _LEFT) * (float(p) - low) / (high - low) for p in own["points"]]
        if not x:
            continue
        names.append({"x": 0.0, "y": y, "label": axis})
        lines.append({"x": x[0], "xend": x[-1], "y": y})
        marks += _placed([_tidy(label) for label in own["label"]], x, y)
    frame = pd.DataFrame(marks)
    return (
        p9.ggplot(frame, p9.aes("x", "y"))
        + p9.geom_segment(p9.aes("x", "y", xend="xend", yend="y"), data=pd.DataFrame(lines), size=0.5)
        + p9.geom_segment(p9.aes("x", "y", xend="x", yend="tick"), size=0.4)
        + p9.geom_text(p9.aes("x", "at", label="label"), size=6.3)
        + p9.geom_text(p9.aes("x", "y", label="label"), data=pd.DataFrame(names), size=7, ha="left", fontweight="bold")
        + p9.coord_fixed(xlim=(0, DOUBLE_MM - 8), ylim=(0, height), expand=False)
        + p9.labs(**caption(simulated))
        + journal_theme(DOUBLE_MM, height + (8 if simulated else 2))
        + blank_axes()
    )


def _placed(labels: list[str], x: list[float], y: float) -> list[dict[str, object]]:
    """Return ticks with labels below the axis, above it where below is taken, and numbers nowhere where both are."""
    # Side of the axis and distance from it; only the levels of findings, which must be named, go farther out.
    tracks = [(-1.0, 3.2), (1.0, 3.2), (1.0, 5.6), (-1.0, 5.6)]
    ends = [-1e9] * len(tracks)
    marks = []
    for label, position in zip(labels, x, strict=True):
        half = _CHARACTER * len(label) / 2 + 0.6
        allowed = range(2 if _is_number(label) else len(tracks))
        free = next((track for track in allowed if position - half >= ends[track]), None)
        side, distance = tracks[free or 0]
        if free is not None:
            ends[free] = position + half
        shown = "" if free is None else label
        marks.append({"x": position, "y": y, "tick": y + side * 1.2, "at": y + side * distance, "label": shown})
    return marks


def _tidy(label: str) -> str:
    """Return a number without needless decimals, a word as it is."""
    return f"{float(label):g}" if _is_number(label) else label


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
