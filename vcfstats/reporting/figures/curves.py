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
    line_scales,
    ordered,
    panel_labels,
)
from vcfstats.reporting.study import KINDS

# Order of the panels: the patients a model was fitted to, the internal test set, and then the training patients again.
PANELS = ("apparent", "testing", "out_of_fold", "external")
TREAT_ALL, TREAT_NONE = "treat all", "treat none"
_BREAKS = [0.0, 0.25, 0.5, 0.75, 1.0]
_TICKS = ["0", "0.25", "0.50", "0.75", "1"]


def roc_figure(
    points: pd.DataFrame, models: Mapping[str, str], *, width_mm: float | None = None, simulated: bool = False
) -> p9.ggplot:
    """Draw ROC curves.

    Parameters
    ----------
    points : DataFrame
        Columns kind, model, false_positive_rate, sensitivity; rows in the order of the curve.
    models : mapping
        Name in `points` -> name in print, in the order of the legend; other models are not drawn.
    width_mm : float, optional
        Width on paper. Default: 85 mm for one panel, 180 mm for more.
    simulated : bool
        Write "Simulated data" into the figure, so that it says so wherever it is taken.
    """
    frame, panels, width, height = _layout(points, models, ["false_positive_rate", "sensitivity"], width_mm)
    if not panels:
        return empty_figure("ROC curve not estimable", width, height)
    return (
        p9.ggplot(frame, p9.aes("false_positive_rate", "sensitivity", color="model", linetype="model"))
        + _diagonal()
        + p9.geom_path(size=0.8)
        + p9.facet_wrap("panel", nrow=1)
        + line_scales(list(models.values()), _shown(models, frame))
        + _unit_axes()
        + p9.coord_fixed(xlim=(0, 1), ylim=(0, 1))
        + p9.labs(x="1 − specificity", y="Sensitivity", **caption(simulated))
        + journal_theme(width, height)
    )


def calibration_figure(
    curve: pd.DataFrame,
    groups: pd.DataFrame,
    models: Mapping[str, str],
    *,
    notes: pd.DataFrame | None = None,
    width_mm: float | None = None,
    simulated: bool = False,
) -> p9.ggplot:
    """Draw smoothed calibration curves with their pointwise bands, and groups of patients as points.

    One model has a panel for each set of predictions; several have a row of panels for each set, one column for each model.

    Parameters
    ----------
    curve : DataFrame
        Columns kind, model, predicted, observed, low, high. The band is left out where its limits are undefined.
    groups : DataFrame
        Columns kind, model, predicted, observed: mean prediction and observed share of events.
    notes : DataFrame, optional
        Columns kind, model, text: what to write into a panel, such as a test's p value.
    models, width_mm, simulated
        As for `roc_figure`.
    """
    both = pd.concat([curve.assign(part="curve"), groups.assign(part="group")], ignore_index=True)
    if notes is not None and len(notes):
        both = pd.concat([both, notes.assign(part="note", predicted=1.0, observed=0.03)], ignore_index=True)
    frame, panels, width, height = _layout(both, models, ["predicted", "observed"], width_mm)
    if not (frame["part"] != "note").any():
        return empty_figure("Calibration not estimable", width, 40.0)
    shown = _shown(models, frame)
    several = len(shown) > 1
    if several:
        # Headings of rows stand upright: two lines fit where one would run into the next row.
        headings = {name: name.replace(", ", ",\n") for name in panels}
        frame["panel"] = frame["panel"].cat.rename_categories(headings)
    lines, points = frame[frame["part"] == "curve"], frame[frame["part"] == "group"]
    bands = lines.dropna(subset=["low", "high"]).assign(
        low=lambda f: f["low"].clip(0, 1), high=lambda f: f["high"].clip(0, 1)
    )
    figure = p9.ggplot(frame, p9.aes("predicted", "observed", color="model")) + _diagonal()
    if len(bands):
        figure += p9.geom_ribbon(p9.aes(ymin="low", ymax="high", fill="model"), data=bands, alpha=0.2, color="none")
        figure += fill_scale(list(models.values()), shown)
    if len(lines):
        figure += p9.geom_line(p9.aes(linetype="model"), data=lines, size=0.7)
    if len(points):
        figure += p9.geom_point(data=points, shape="o", fill="white", size=1.4, stroke=0.5)
    written = frame[frame["part"] == "note"]
    if len(written):
        figure += p9.geom_text(p9.aes(label="text"), data=written, ha="right", va="bottom", size=6, color="black")
    if several:
        height = len(panels) * (width - 18.0) / len(shown) + 20.0
        ticks: Any = [
            p9.scale_x_continuous(breaks=[0.0, 0.5, 1.0], labels=["0", "0.5", "1"]),
            p9.scale_y_continuous(breaks=[0.0, 0.5, 1.0], labels=["0", "0.5", "1"]),
        ]
    else:
        ticks = _unit_axes()
    figure = (
        figure
        + (p9.facet_grid("panel", "model") if several else p9.facet_wrap("panel", nrow=1))
        + line_scales(list(models.values()), shown)
        + ticks
        + p9.coord_fixed(xlim=(0, 1), ylim=(0, 1))
        + p9.labs(x="Predicted probability", y="Observed proportion", **caption(simulated))
        + journal_theme(width, height)
    )
    return figure + p9.theme(legend_position="none", strip_text=p9.element_text(size=7)) if several else figure


def decision_figure(
    curve: pd.DataFrame, models: Mapping[str, str], *, width_mm: float | None = None, simulated: bool = False
) -> p9.ggplot:
    """Draw decision curves: net benefit over threshold probability, with treating all and treating none.

    Parameters
    ----------
    curve : DataFrame
        Columns kind, model, threshold, net_benefit; `model` also holds "treat all" and "treat none".
    models, width_mm, simulated
        As for `roc_figure`.
    """
    names = {**models, TREAT_ALL: "Treat all", TREAT_NONE: "Treat none"}
    frame, panels, width, height = _layout(curve, names, ["threshold", "net_benefit"], width_mm)
    if not panels:
        return empty_figure("Decision curve not estimable", width, height)
    top = frame["net_benefit"].max()
    # "Treat all" falls without bound: what lies far below zero is of no interest, would flatten the rest, and is cut off.
    floor = -0.25 * max(top, 0.04)
    return (
        p9.ggplot(frame, p9.aes("threshold", "net_benefit", color="model", linetype="model"))
        + p9.geom_line(size=0.8)
        + p9.facet_wrap("panel", nrow=1)
        + line_scales(list(names.values()), _shown(names, frame))
        + p9.scale_x_continuous(breaks=_BREAKS, labels=_TICKS)
        + p9.coord_cartesian(xlim=(0, 1), ylim=(floor, 1.05 * max(top, 0.04)))
        + p9.labs(x="Threshold probability", y="Net benefit", **caption(simulated))
        + journal_theme(width, height)
    )


def _layout(
    points: pd.DataFrame, models: Mapping[str, str], needed: Sequence[str], width_mm: float | None
) -> tuple[pd.DataFrame, list[str], float, float]:
    """Return the rows that can be drawn, with panel and model as ordered categories, the panels, and the size in mm."""
    chosen = points[points["model"].isin(list(models))]
    frame = chosen.dropna(subset=list(needed)).reset_index(drop=True)
    kinds = [kind for kind in PANELS if kind in set(frame["kind"])]
    width = width_mm or (SINGLE_MM if len(kinds) < 2 else DOUBLE_MM)
    if not kinds:
        return frame, [], width, 40.0
    panels = panel_labels(kinds, {kind: names[0] for kind, names in KINDS.items()})
    drawn = [name for name in models if name in set(frame["model"])]
    frame = frame.assign(
        panel=ordered(frame, "kind", kinds, panels), model=ordered(frame, "model", drawn, dict(models))
    )
    rows = -(-len(drawn) // 4)
    return frame, list(panels.values()), width, height_for(len(kinds), width) + 5.0 * (rows - 1)


def _shown(models: Mapping[str, str], frame: pd.DataFrame) -> list[str]:
    present = set(frame["model"].astype(str))
    return [name for name in models.values() if name in present]


def _diagonal() -> p9.geom_segment:
    line = pd.DataFrame({"x": [0.0], "y": [0.0], "xend": [1.0], "yend": [1.0]})
    return p9.geom_segment(
        p9.aes("x", "y", xend="xend", yend="yend"), data=line, inherit_aes=False, color=REFERENCE, size=0.4
    )


def _unit_axes() -> Any:
    return [
        p9.scale_x_continuous(breaks=_BREAKS, labels=_TICKS),
        p9.scale_y_continuous(breaks=_BREAKS, labels=_TICKS),
    ]
