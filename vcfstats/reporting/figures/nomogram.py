"""The nomogram of a fitted model, drawn from the positions of its ticks."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pandas as pd
import plotnine as p9

from vcfstats.contracts.numbers import plainly
from vcfstats.reporting.figures.style import (
    COLOURS,
    DOUBLE_MM,
    blank_axes,
    caption,
    empty_figure,
    journal_theme,
    need_columns,
)

_LEFT, _RIGHT = 54.0, DOUBLE_MM - 28.0  # where scales begin and end, in mm
_ROW = 13.0
_CHARACTER = 1.35  # width of a character of a tick's label, in mm
_ORDER = ("points", "predictor", "total", "probability")
_GUIDE = "#DDDDDD"
_TRACE = COLOURS[1]


def nomogram_figure(
    ticks: pd.DataFrame,
    *,
    example: pd.DataFrame | None = None,
    outcome: tuple[float, float] | None = None,
    simulated: bool = False,
) -> p9.ggplot:
    """Draw a nomogram: points, one axis for each predictor, total points, probability; and one patient traced through it.

    Faint lines carry the scale of points down to the predictors. Labels that would run into one another are moved above
    the axis; of a number that fits neither below nor above, the tick stays and the label is left out.

    Parameters
    ----------
    ticks : DataFrame
        Columns axis, kind (points, predictor, total, probability), label, points.
    example : DataFrame, optional
        Columns axis, value, points: a patient's points on each predictor's axis.
    outcome : tuple of float, optional
        That patient's total points and probability.
    simulated : bool
        As for `roc_figure`.
    """
    need_columns(ticks, "ticks", ("axis", "kind", "label", "points"))
    if ticks.empty:
        return empty_figure("No nomogram: its model was not fitted", DOUBLE_MM, 40.0)
    axes = [
        (axis, kind)
        for kind in _ORDER
        for axis in dict.fromkeys(ticks.loc[ticks["kind"] == kind, "axis"])
    ]  # fmt: skip
    height = _ROW * len(axes) + 2.0
    at = {axis: height - _ROW * (row + 0.5) for row, axis in enumerate(axes)}
    points, total = _Scale(ticks, "points"), _Scale(ticks, "total")
    marks, lines, names, minor = [], [], [], []
    for axis, kind in axes:
        y = at[axis, kind]
        own = ticks[(ticks["axis"] == axis) & (ticks["kind"] == kind)].sort_values("points", kind="stable")
        scale = total if kind in ("total", "probability") else points
        own = own[own["points"].between(scale.low - 1e-6, scale.high + 1e-6)]
        x = [scale.at(float(p)) for p in own["points"]]
        if not x:
            continue
        names.append({"x": 0.0, "y": y, "label": axis})
        lines.append({"x": x[0], "xend": x[-1], "y": y})
        labels = [_tidy(label) for label in own["label"]]
        # The arrow of the patient leads from the total down to the probability: no label of either stands in its way.
        barred = None
        if outcome is not None and kind in ("total", "probability"):
            barred = (total.at(outcome[0]), -1.0 if kind == "total" else 1.0)
        marks += _placed(labels if kind == "probability" else _thinned(labels, x), x, y, barred=barred)
        if kind in ("points", "total"):
            minor += [{"x": place, "y": y} for place in _between(x, 5 if kind == "total" else 2)]
    guides = _guides(ticks, at, points, total)
    figure = p9.ggplot(pd.DataFrame(marks), p9.aes("x", "y"))
    if len(guides):
        figure += p9.geom_segment(p9.aes("x", "y", xend="x", yend="yend"), data=guides, size=0.25, color=_GUIDE)
    figure += p9.geom_segment(p9.aes("x", "y", xend="xend", yend="y"), data=pd.DataFrame(lines), size=0.5)
    figure += p9.geom_segment(p9.aes("x", "y", xend="x", yend="tick"), size=0.4)
    if minor:
        ends = pd.DataFrame(minor).assign(yend=lambda f: f["y"] - 0.7)
        figure += p9.geom_segment(p9.aes("x", "y", xend="x", yend="yend"), data=ends, size=0.25)
    if example is not None and len(example) and outcome is not None:
        for layer in _traced(example, outcome, at, points, total, height):
            figure += layer
    return (
        figure
        + p9.geom_text(p9.aes("x", "at", label="label"), size=6.3)
        + p9.geom_text(p9.aes("x", "y", label="label"), data=pd.DataFrame(names), size=7, ha="left", fontweight="bold")
        + p9.coord_fixed(xlim=(0, DOUBLE_MM - 8), ylim=(0, height), expand=False)
        + p9.labs(**caption(simulated))
        + journal_theme(DOUBLE_MM, height + (8 if simulated else 2))
        + blank_axes()
    )


class _Scale:
    """Points along the page, in mm."""

    def __init__(self, ticks: pd.DataFrame, kind: str) -> None:
        own = ticks.loc[ticks["kind"] == kind, "points"]
        self.low, self.high = float(own.min()), float(own.max())

    def at(self, points: float) -> float:
        """Return where points stand; what lies off the axis stands at its end."""
        share = (min(max(points, self.low), self.high) - self.low) / (self.high - self.low)
        return _LEFT + (_RIGHT - _LEFT) * share


def _between(x: list[float], parts: int) -> list[float]:
    """Return where minor ticks stand that divide each step into equal parts."""
    return [a + (b - a) * i / parts for a, b in pairwise(x) for i in range(1, parts)]


def _guides(ticks: pd.DataFrame, at: dict[tuple[str, str], float], points: _Scale, total: _Scale) -> pd.DataFrame:
    """Return faint lines from the scale of points down to the last predictor, and from total points to the probability."""
    rows = []
    for kind, below, scale in (("points", "predictor", points), ("total", "probability", total)):
        top, bottom = ([y for (_, k), y in at.items() if k == name] for name in (kind, below))
        if top and bottom:
            own = ticks.loc[ticks["kind"] == kind, "points"]
            rows += [{"x": scale.at(float(p)), "y": top[0], "yend": min(bottom)} for p in own]
    return pd.DataFrame(rows)


def _traced(
    example: pd.DataFrame,
    outcome: tuple[float, float],
    at: dict[tuple[str, str], float],
    points: _Scale,
    total: _Scale,
    height: float,
) -> list[Any]:
    """Return the layers of a patient: a mark on each axis, its points beside it, the total and the probability below."""
    rows = [
        {
            "x": points.at(float(row["points"])), "y": at[str(row["axis"]), "predictor"],
            "value": _tidy(str(row["value"])), "note": f"{float(row['points']):.0f}",
        }
        for row in example.to_dict("records")
        if (str(row["axis"]), "predictor") in at
    ]  # fmt: skip
    ends = {kind: y for (_, kind), y in at.items() if kind in ("total", "probability")}
    sums, probability = outcome
    rows.append({"x": total.at(sums), "y": ends["total"], "value": "", "note": f"{sums:.0f}"})
    rows.append({"x": total.at(sums), "y": ends["probability"], "value": "", "note": f"{probability:.2f}"})
    frame = pd.DataFrame(rows)
    drop = pd.DataFrame([{"x": total.at(sums), "y": ends["total"], "yend": ends["probability"] + 0.9}])
    edge = DOUBLE_MM - 12.0
    return [
        p9.geom_segment(p9.aes("x", "y", xend="x", yend="yend"), data=drop, size=0.6, color=_TRACE, arrow=p9.arrow(length=0.06, type="closed")),
        p9.geom_point(p9.aes("x", "y"), data=frame, size=2.4, color=_TRACE, fill="white", stroke=0.9),
        p9.geom_text(p9.aes(y="y", label="note"), data=frame, x=edge, ha="right", size=6.8, color="black"),
        p9.annotate("text", x=edge, y=height - _ROW * 0.5, label="Example:\npoints", ha="right", size=6.3, fontweight="bold"),
    ]  # fmt: skip


def _thinned(labels: list[str], x: list[float]) -> list[str]:
    """Return the labels of a scale of numbers, at even steps only as many as stand clear of one another; ticks all stay."""
    if not all(map(_is_number, labels)):
        return labels
    halves = [_CHARACTER * len(label) / 2 + 0.9 for label in labels]
    for step in range(1, len(labels) + 1):
        # Of the ways to leave out, the one with the rounder numbers: 90, 80, 70 rather than 95, 85, 75.
        for start in sorted(
            range(step), key=lambda start: (sum(len(word.rstrip("0")) for word in labels[start::step]), start)
        ):
            kept = range(start, len(labels), step)
            if all(abs(x[b] - x[a]) >= halves[a] + halves[b] for a, b in pairwise(kept)):
                return [label if number in kept else "" for number, label in enumerate(labels)]
    return labels


def _placed(
    labels: list[str], x: list[float], y: float, *, barred: tuple[float, float] | None = None
) -> list[dict[str, object]]:
    """Return ticks with labels below the axis, above it where below is taken, and numbers nowhere where both are.

    `barred` is a place on one side of the axis (1 above, -1 below) that is kept clear.
    """
    # Side of the axis and distance from it; only the levels of findings, which must be named, go farther out.
    tracks = [(-1.0, 3.2), (1.0, 3.2), (1.0, 5.6), (-1.0, 5.6)]
    ends = [-1e9] * len(tracks)
    marks = []
    for label, position in zip(labels, x, strict=True):
        half = _CHARACTER * len(label) / 2 + 0.6
        allowed = range(2 if _is_number(label) else len(tracks))
        shut = barred[1] if barred is not None and abs(position - barred[0]) < half + 1.0 else None
        free = next((track for track in allowed if position - half >= ends[track] and tracks[track][0] != shut), None)
        side, distance = tracks[free or 0]
        if free is not None:
            ends[free] = position + half
        shown = "" if free is None or not label else label
        marks.append({"x": position, "y": y, "tick": y + side * 1.2, "at": y + side * distance, "label": shown})
    return marks


def _tidy(label: str) -> str:
    """Return a number without needless decimals, a word as it is."""
    return plainly(float(label)) if _is_number(label) else label


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
