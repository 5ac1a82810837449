"""Calibration: smoothed curves with bands, groups and the distribution of predictions; belts."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotnine as p9

from vcfstats.reporting.figures.curves import diagonal, in_grid, layout, names_shown, short_axes, together, unit_axes
from vcfstats.reporting.figures.style import (
    COLOURS,
    caption,
    empty_figure,
    fill_scale,
    journal_theme,
    line_scales,
    need_columns,
)

_STRIP = 0.3  # height of the strip below the panel that shows the distribution of predictions, in units of the axis
_NOTE = 0.36  # height of the notes above a panel


def calibration_figure(
    curve: pd.DataFrame,
    groups: pd.DataFrame,
    models: Mapping[str, str],
    *,
    distribution: pd.DataFrame | None = None,
    notes: pd.DataFrame | None = None,
    headings: Mapping[str, str] | None = None,
    width_mm: float | None = None,
    simulated: bool = False,
) -> p9.ggplot:
    """Draw smoothed calibration curves with their pointwise bands, groups of patients, and where predictions lie.

    One model has a panel for each set of predictions; several have a row of panels for each set, one column for each model.

    Parameters
    ----------
    curve : DataFrame
        Columns kind, model, predicted, observed, low, high. The band is left out where its limits are undefined.
    groups : DataFrame
        Columns kind, model, predicted, observed: mean prediction and observed share of events.
    distribution : DataFrame, optional
        Columns kind, model, lower, upper, events, nonevents: cases by predicted probability, drawn below the panel, events
        upwards and non-events downwards.
    notes : DataFrame, optional
        Columns kind, model, text: what to write into a panel, such as a test's p value.
    headings : mapping, optional
        Value of `kind` -> heading of its panels, in order, where they are not sets of predictions.
    models, width_mm, simulated
        As for `roc_figure`.
    """
    need_columns(curve, "curve", ("kind", "model", "predicted", "observed", "low", "high"))
    need_columns(groups, "groups", ("kind", "model", "predicted", "observed"))
    if notes is not None:
        need_columns(notes, "notes", ("kind", "model", "text"))
    if distribution is not None:
        need_columns(distribution, "distribution", ("kind", "model", "lower", "upper", "events", "nonevents"))
    parts: dict[str, pd.DataFrame | None] = {"curve": curve, "group": groups}
    if notes is not None:
        parts["note"] = notes.assign(predicted=0.0, observed=1.06)  # above the curve, whatever its course
    if distribution is not None:
        parts["bar"] = distribution.assign(predicted=(distribution["lower"] + distribution["upper"]) / 2, observed=0.0)
    frame, panels, width, height = layout(together(parts), models, ["predicted", "observed"], width_mm, headings)
    if not frame["part"].isin(["curve", "group"]).any():
        return empty_figure("Calibration not estimable", width, 40.0)
    shown = names_shown(models, frame)
    lines, points, written = (frame[frame["part"] == part] for part in ("curve", "group", "note"))
    lines = lines.assign(
        observed=lines["observed"].clip(0, 1)
    )  # as the bands: a proportion, and room for what is below
    bands = lines.dropna(subset=["low", "high"]).assign(
        low=lambda f: f["low"].clip(0, 1), high=lambda f: f["high"].clip(0, 1)
    )
    figure = p9.ggplot(frame, p9.aes("predicted", "observed", color="model")) + diagonal()
    if len(bands):
        figure += p9.geom_ribbon(p9.aes(ymin="low", ymax="high", fill="model"), data=bands, alpha=0.2, color="none")
        figure += fill_scale(list(models.values()), shown)
    if len(lines):
        figure += p9.geom_line(p9.aes(linetype="model"), data=lines, size=0.7)
    if len(points):
        figure += p9.geom_point(data=points, shape="o", fill="white", size=1.4, stroke=0.5)
    bars = frame[frame["part"] == "bar"]
    if len(bars):
        figure += p9.geom_rect(
            p9.aes(xmin="lower", xmax="upper", ymin="bottom", ymax="top"), data=_bars(bars), inherit_aes=False,
            fill="#555555", color="none",
        )  # fmt: skip
    if len(written):
        figure += p9.geom_text(
            p9.aes(label="text"), data=written, ha="left", va="bottom", size=5.5, color="black", lineheight=1.3
        )
    bottom, top = (-_STRIP if len(bars) else 0.0), (1.0 + _NOTE if len(written) else 1.0)
    figure += line_scales(list(models.values()), shown)
    figure += p9.coord_fixed(xlim=(0, 1), ylim=(bottom, top))
    figure += p9.labs(x="Predicted probability", y="Observed proportion", **caption(simulated))
    if len(shown) > 1:
        taller = len(panels) * (width - 18.0) / len(shown) * (top - bottom - 1)
        grid = in_grid(panels, len(shown), width)
        size = p9.theme(figure_size=(width / 25.4, (len(panels) * (width - 18.0) / len(shown) + 20.0 + taller) / 25.4))
        return figure + grid + size + short_axes()
    return (
        figure
        + p9.facet_wrap("panel", nrow=1)
        + unit_axes()
        + journal_theme(width, height * (0.3 + 0.7 * (top - bottom)))
    )


def _bars(bars: pd.DataFrame) -> pd.DataFrame:
    """Return bars up (events) and down (non-events) from a line below the panel, the tallest of a panel filling its strip."""
    most = bars.groupby(["panel", "model"], observed=True)[["events", "nonevents"]].transform("max").max(axis=1)
    half = _STRIP / 2 - 0.02
    up = bars.assign(bottom=-_STRIP / 2 + 0.004, top=-_STRIP / 2 + 0.004 + half * bars["events"] / most)
    down = bars.assign(bottom=-_STRIP / 2 - 0.004 - half * bars["nonevents"] / most, top=-_STRIP / 2 - 0.004)
    both = pd.concat([up[up["events"] > 0], down[down["nonevents"] > 0]])
    gap = 0.1 * (both["upper"] - both["lower"])
    return both.assign(lower=both["lower"] + gap, upper=both["upper"] - gap)


def belt_figure(
    belt: pd.DataFrame,
    models: Mapping[str, str],
    *,
    notes: pd.DataFrame | None = None,
    width_mm: float | None = None,
    simulated: bool = False,
) -> p9.ggplot:
    """Draw calibration belts: the inner one at the lower level, the outer one at the higher.

    Parameters
    ----------
    belt : DataFrame
        Columns kind, model, confidence_level, predicted, low, high.
    notes : DataFrame, optional
        Columns kind, model, text: what to write into a panel, such as the test's p value.
    models, width_mm, simulated
        As for `roc_figure`.
    """
    need_columns(belt, "belt", ("kind", "model", "confidence_level", "predicted", "low", "high"))
    if notes is not None:
        need_columns(notes, "notes", ("kind", "model", "text"))
    noted = None if notes is None else notes.assign(predicted=0.03)
    frame, panels, width, _ = layout(together({"belt": belt, "note": noted}), models, ["predicted"], width_mm)
    drawn = frame[frame["part"] == "belt"].dropna(subset=["low", "high"])
    if drawn.empty:
        return empty_figure("Calibration belt not estimable", width, 40.0)
    levels = sorted(drawn["confidence_level"].unique(), reverse=True)
    figure = p9.ggplot(drawn, p9.aes("predicted")) + diagonal()
    for number, level in enumerate(levels):
        figure += p9.geom_ribbon(
            p9.aes(ymin="low", ymax="high"), data=drawn[drawn["confidence_level"] == level], fill=COLOURS[0],
            alpha=0.22 if number == 0 else 0.4, color="none",
        )  # fmt: skip
    written = frame[frame["part"] == "note"]
    if len(written):
        figure += p9.geom_text(
            p9.aes("predicted", "y", label="text"), data=written.assign(y=0.97), ha="left", va="top", size=5.5
        )  # fmt: skip
    return (
        figure
        + p9.coord_fixed(xlim=(0, 1), ylim=(0, 1))
        + p9.labs(x="Predicted probability", y="Observed proportion", **caption(simulated))
        + in_grid(panels, len(names_shown(models, frame)), width)
        + short_axes()
    )
