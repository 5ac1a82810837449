"""ROC, calibration and decision curves, from tidy tables: one panel for each set of predictions, one line for each model."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotnine as p9

from vcfstats.reporting.figures.style import (
    DOUBLE_MM,
    REFERENCE,
    SINGLE_MM,
    caption,
    empty_figure,
    fill_scale,
    height_for,
    journal_theme,
    kinds_in,
    line_scales,
    need_columns,
    ordered,
    panel_labels,
    signed,
)
from vcfstats.reporting.study import KINDS

# Order of the panels: the patients a model was fitted to, the internal test set, and then the training patients again.
PANELS = ("apparent", "testing", "out_of_fold", "external")
TREAT_ALL, TREAT_NONE = "treat all", "treat none"
_BREAKS = [0.0, 0.25, 0.5, 0.75, 1.0]
_TICKS = ["0", "0.25", "0.50", "0.75", "1"]


def roc_figure(
    points: pd.DataFrame,
    models: Mapping[str, str],
    *,
    band: pd.DataFrame | None = None,
    operating: pd.DataFrame | None = None,
    grid: bool = False,
    width_mm: float | None = None,
    simulated: bool = False,
) -> p9.ggplot:
    """Draw ROC curves, with bands and operating points where they are given.

    Parameters
    ----------
    points : DataFrame
        Columns kind, model, false_positive_rate, sensitivity; rows in the order of the curve. `kind` is a set of predictions
        (apparent, testing, out_of_fold, external) or a heading of one's own.
    models : mapping
        Name in `points` -> name in print, in the order of the legend; other models are not drawn.
    band : DataFrame, optional
        Columns kind, model, false_positive_rate, low, high: of the models that shall have a band.
    operating : DataFrame, optional
        Columns kind, model, false_positive_rate, sensitivity: one point a model and set, at its frozen threshold.
    grid : bool
        A panel for each model and set of predictions, rather than all models in the panel of a set.
    width_mm : float, optional
        Width on paper. Default: 85 mm for one panel, 180 mm for more.
    simulated : bool
        Write "Simulated data" into the figure, so that it says so wherever it is taken.
    """
    need_columns(points, "points", ("kind", "model", "false_positive_rate", "sensitivity"))
    if band is not None:
        need_columns(band, "band", ("kind", "model", "false_positive_rate", "low", "high"))
    if operating is not None:
        need_columns(operating, "operating", ("kind", "model", "false_positive_rate", "sensitivity"))
    parts = {"curve": points, "band": band, "operating": operating}
    both = together(parts)
    frame, panels, width, height = layout(both, models, ["false_positive_rate"], width_mm)
    lines = frame[frame["part"] == "curve"].dropna(subset=["sensitivity"])
    if lines.empty:
        return empty_figure("ROC curve not estimable", width, 40.0)
    shown = names_shown(models, frame)
    figure = p9.ggplot(lines, p9.aes("false_positive_rate", "sensitivity", color="model")) + diagonal()
    bands = frame[frame["part"] == "band"]
    if len(bands):
        figure += p9.geom_ribbon(
            p9.aes("false_positive_rate", ymin="low", ymax="high", fill="model", color="model", linetype="model"),
            data=bands, inherit_aes=False, alpha=0.18, size=0.25, show_legend=False,  # edges tell bands apart in grey print
        )  # fmt: skip
    figure += p9.geom_path(p9.aes(linetype="model"), size=0.7)
    marks = frame[frame["part"] == "operating"].dropna(subset=["sensitivity"])
    if len(marks):
        figure += p9.geom_point(p9.aes(fill="model"), data=marks, shape="o", color="black", size=1.9, stroke=0.35)
    if len(bands) or len(marks):
        figure += fill_scale(list(models.values()), shown)
    figure += line_scales(list(models.values()), shown)
    figure += p9.coord_fixed(xlim=(0, 1), ylim=(0, 1))
    figure += p9.labs(x="1 − specificity", y="Sensitivity", **caption(simulated))
    if grid:
        return figure + in_grid(panels, len(shown), width) + short_axes()
    return figure + p9.facet_wrap("panel", nrow=1) + unit_axes() + journal_theme(width, height)


def decision_figure(
    curve: pd.DataFrame,
    models: Mapping[str, str],
    *,
    band: pd.DataFrame | None = None,
    sensible: tuple[float, float] | None = None,
    grid: bool = False,
    headings: Mapping[str, str] | None = None,
    width_mm: float | None = None,
    simulated: bool = False,
) -> p9.ggplot:
    """Draw decision curves: net benefit over threshold probability, with treating all and treating none.

    Parameters
    ----------
    curve : DataFrame
        Columns kind, model, threshold, net_benefit; `model` also holds "treat all" and "treat none".
    band : DataFrame, optional
        Columns kind, model, threshold, low, high: of the models that shall have a band.
    sensible : tuple of float, optional
        Lowest and highest threshold at which somebody would hesitate: what lies outside is shaded.
    headings : mapping, optional
        Value of `kind` -> heading of its panel, in order, where the panels are not sets of predictions.
    models, grid, width_mm, simulated
        As for `roc_figure`.
    """
    need_columns(curve, "curve", ("kind", "model", "threshold", "net_benefit"))
    if band is not None:
        need_columns(band, "band", ("kind", "model", "threshold", "low", "high"))
    names = {**models, TREAT_ALL: "Treat all", TREAT_NONE: "Treat none"}
    parts = {"curve": curve.drop_duplicates(["kind", "model", "threshold"]), "band": band}
    both = together(parts)
    frame, panels, width, height = layout(both, names, ["threshold"], width_mm, headings)
    lines = frame[frame["part"] == "curve"].dropna(subset=["net_benefit"])
    if lines.empty:
        return empty_figure("Decision curve not estimable", width, 40.0)
    top = max(float(lines["net_benefit"].max()), 0.04)
    # "Treat all" falls without bound: what lies far below zero is of no interest, would flatten the rest, and is cut off.
    floor, roof = -0.25 * top, 1.15 * top
    shown = names_shown(names, frame)
    if grid:
        return _decision_grid(frame, panels, names, shown, (floor, roof), sensible, width, simulated)
    figure = p9.ggplot(lines, p9.aes("threshold", "net_benefit", color="model")) + _outside(sensible)
    bands = frame[frame["part"] == "band"]
    if len(bands):
        figure += p9.geom_ribbon(
            p9.aes("threshold", ymin="low", ymax="high", fill="model", color="model", linetype="model"),
            data=_cut(bands, floor, roof), inherit_aes=False, alpha=0.18, size=0.25, show_legend=False,
        )  # fmt: skip
        figure += fill_scale(list(names.values()), shown)
    return (
        figure
        + p9.geom_line(p9.aes(linetype="model"), size=0.7)
        + p9.facet_wrap("panel", nrow=1)
        + line_scales(list(names.values()), shown)
        + p9.scale_x_continuous(breaks=_BREAKS, labels=_TICKS)
        + p9.scale_y_continuous(labels=signed)
        + p9.coord_cartesian(xlim=(0, 1), ylim=(floor, roof))
        + p9.labs(x="Threshold probability", y="Net benefit", **caption(simulated))
        + journal_theme(width, height)
    )


def _decision_grid(
    frame: pd.DataFrame,
    panels: list[str],
    names: Mapping[str, str],
    shown: list[str],
    limits: tuple[float, float],
    sensible: tuple[float, float] | None,
    width: float,
    simulated: bool,
) -> p9.ggplot:
    """Draw a panel for each model and set; treating all and none stand in grey in each."""
    both = [names[TREAT_ALL], names[TREAT_NONE]]
    own = [name for name in shown if name not in both]
    reference = frame[frame["model"].isin(both)].rename(columns={"model": "policy"})
    reference = reference.assign(policy=reference["policy"].astype(str))
    frame = frame[frame["model"].isin(own)]
    frame = frame.assign(model=frame["model"].cat.set_categories(own))
    bands = frame[frame["part"] == "band"]
    figure = p9.ggplot(frame[frame["part"] == "curve"], p9.aes("threshold", "net_benefit")) + _outside(sensible)
    figure += p9.geom_line(p9.aes(group="policy"), data=reference, color=REFERENCE, size=0.4)
    if len(bands):
        figure += p9.geom_ribbon(
            p9.aes("threshold", ymin="low", ymax="high", fill="model"),
            data=_cut(bands, *limits),
            inherit_aes=False,
            alpha=0.22,
            color="none",
        )
        figure += fill_scale(list(names.values()), own)
    return (
        figure
        + p9.geom_line(p9.aes(color="model", linetype="model"), size=0.7)
        + line_scales(list(names.values()), own)
        + p9.scale_x_continuous(breaks=[0.0, 0.5, 1.0], labels=["0", "0.5", "1"])
        + p9.scale_y_continuous(labels=signed)
        + p9.coord_cartesian(xlim=(0, 1), ylim=limits)
        + p9.labs(x="Threshold probability", y="Net benefit", **caption(simulated))
        + in_grid(panels, len(own), width)
    )


def _cut(bands: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Return bands cut at the ends of the axis: what leaves it would not be drawn at all."""
    return bands.assign(low=bands["low"].clip(low, high), high=bands["high"].clip(low, high))


def _outside(sensible: tuple[float, float] | None) -> Any:
    """Shade the thresholds at which nobody would hesitate."""
    if sensible is None:
        return []
    low, high = sensible
    ends = pd.DataFrame({"xmin": [-1.0, high], "xmax": [low, 2.0]})
    return [
        p9.geom_rect(
            p9.aes(xmin="xmin", xmax="xmax"),
            data=ends,
            inherit_aes=False,
            ymin=-9.0,
            ymax=9.0,
            fill="#000000",
            alpha=0.08,
        )
    ]


def in_grid(panels: Sequence[str], columns: int, width: float) -> Any:
    """Return one row of panels for each set of predictions, one column for each model, and their theme."""
    headings: Any = p9.labeller(rows=_two_lines)
    return [
        p9.facet_grid("panel", "model", labeller=headings),
        journal_theme(width, len(panels) * (width - 18.0) / columns + 20.0),
        p9.theme(legend_position="none", strip_text=p9.element_text(size=7)),
    ]


def _two_lines(heading: str) -> str:
    """Headings of rows stand upright: two lines fit where one would run into the next row."""
    return heading.replace(", ", ",\n")


def together(parts: Mapping[str, pd.DataFrame | None]) -> pd.DataFrame:
    """Return the rows of several frames as one, each with the name of its own in the column part."""
    given = {name: frame for name, frame in parts.items() if frame is not None}
    filled = {name: frame for name, frame in given.items() if len(frame)} or given
    rows = pd.concat([frame.assign(part=name) for name, frame in filled.items()], ignore_index=True)
    return rows.reindex(columns=list(dict.fromkeys([*rows.columns, *(c for frame in given.values() for c in frame)])))


def layout(
    points: pd.DataFrame,
    models: Mapping[str, str],
    needed: Sequence[str],
    width_mm: float | None,
    headings: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, list[str], float, float]:
    """Return the rows that can be drawn, with panel and model as ordered categories, the panels, and the size in mm.

    `headings` maps the values of `kind`, in order, to the panels' headings where these are not sets of predictions; without
    it a kind of the caller's own is the heading of its panel.
    """
    chosen = points[points["model"].isin(list(models))]
    frame = chosen.dropna(subset=list(needed)).reset_index(drop=True)
    kinds = kinds_in(frame, PANELS) if headings is None else [kind for kind in headings if kind in set(frame["kind"])]
    width = width_mm or (SINGLE_MM if len(kinds) < 2 else DOUBLE_MM)
    if not kinds:
        return frame, [], width, 40.0
    panels = panel_labels(kinds, dict(headings or {kind: KINDS.get(kind, (kind, ""))[0] for kind in kinds}))
    drawn = [name for name in models if name in set(frame["model"])]
    frame = frame.assign(
        panel=ordered(frame, "kind", kinds, panels), model=ordered(frame, "model", drawn, dict(models))
    )
    rows = -(-len(drawn) // 4)
    return frame, list(panels.values()), width, height_for(len(kinds), width) + 5.0 * (rows - 1)


def names_shown(models: Mapping[str, str], frame: pd.DataFrame) -> list[str]:
    """Return the printed names of the models that a frame holds."""
    present = set(frame["model"].astype(str))
    return [name for name in models.values() if name in present]


def diagonal() -> p9.geom_segment:
    """Return the grey diagonal of the unit square."""
    line = pd.DataFrame({"x": [0.0], "y": [0.0], "xend": [1.0], "yend": [1.0]})
    return p9.geom_segment(
        p9.aes("x", "y", xend="xend", yend="yend"), data=line, inherit_aes=False, color=REFERENCE, size=0.4
    )


def short_axes() -> Any:
    """Return axes from 0 to 1 for small panels."""
    return [
        p9.scale_x_continuous(breaks=[0.0, 0.5, 1.0], labels=["0", "0.5", "1"]),
        p9.scale_y_continuous(breaks=[0.0, 0.5, 1.0], labels=["0", "0.5", "1"]),
    ]


def unit_axes() -> Any:
    """Return axes from 0 to 1."""
    return [
        p9.scale_x_continuous(breaks=_BREAKS, labels=_TICKS),
        p9.scale_y_continuous(breaks=_BREAKS, labels=_TICKS),
    ]
