"""Subgroups: the AUC by level of each covariate, with counts."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotnine as p9

from vcfstats.reporting import values
from vcfstats.reporting.figures.style import (
    COLOURS,
    DOUBLE_MM,
    REFERENCE,
    caption,
    empty_figure,
    journal_theme,
    need_columns,
)
from vcfstats.reporting.figures.workflow import wrapped

_ROW = 4.6  # mm
_NAME_CHARACTERS = 25
_NAME, _COUNT, _NUMBER = -1.42, -0.24, 1.06  # where the columns of text stand, in units of the axis from 0 to 1


def forest_figure(subgroups: pd.DataFrame, kinds: Mapping[str, str], *, simulated: bool = False) -> p9.ggplot:
    """Draw the AUC of one model by level of each covariate, with its interval and the counts.

    Parameters
    ----------
    subgroups : DataFrame
        Columns variable, level, kind, n, events, auc, low, high, remark, of one model; the row without a level is all cases.
    kinds : mapping
        Sets of predictions to draw -> heading.
    simulated : bool
        As for `roc_figure`.
    """
    need_columns(subgroups, "subgroups", ("variable", "level", "kind", "n", "events", "auc", "low", "high", "remark"))
    shown = subgroups[subgroups["kind"].isin(list(kinds))]
    if shown.empty:
        return empty_figure("No subgroups: the model was not fitted, or there are no covariates", DOUBLE_MM, 30.0)
    frames = []
    for kind, heading in kinds.items():
        part = shown[shown["kind"] == kind].reset_index(drop=True)
        rows, y = [], 0.0
        for variable, levels in part.groupby("variable", sort=False):
            several = len(levels) > 1 or bool(levels["level"].iloc[0])
            if several:
                lines = wrapped(str(variable), _NAME_CHARACTERS)
                y -= 0.6 * (len(lines) - 1)  # a long name stands on several lines, so that it stays out of the axis
                rows.append({"y": y, "name": "\n".join(lines), "count": "", "text": "", "bold": "yes"})
                y -= 1 + 0.2 * (len(lines) - 1)
            for row in levels.to_dict("records"):
                rows.append(
                    {
                        "y": y, "name": ("  " + str(row["level"])) if several else str(variable), "bold": "no",
                        "count": f"{int(row['n']):,} ({int(row['events']):,})", "text": _estimate(row),
                        "auc": row["auc"], "low": row["low"], "high": row["high"],
                    }
                )  # fmt: skip
                y -= 1
            y -= 0.35
        frames.append(pd.DataFrame(rows).assign(panel=heading))
    frame = pd.concat(frames, ignore_index=True)
    frame["panel"] = pd.Categorical(frame["panel"], categories=list(kinds.values()), ordered=True)
    # The axis begins where the lowest limit needs it to, and fills the same width whatever it spans.
    start = min(0.4, math.floor(10 * float(frame["low"].min())) / 10) if frame["low"].notna().any() else 0.4
    for name in ("auc", "low", "high"):
        frame[name] = (frame[name] - start) / (1 - start)
    half = (0.5 - start) / (1 - start)
    ticks = [0.0, half, 1.0] if half > 0.25 else [half, (0.75 - start) / (1 - start), 1.0]
    overall = frame[(frame["name"] == frame["name"].iloc[0]) & frame["auc"].notna()]
    drawn = frame.dropna(subset=["auc"])
    lowest = float(frame["y"].min()) - 0.8
    head = pd.DataFrame(
        {
            "x": [_COUNT, 0.5, _NUMBER],
            "label": ["Cases\n(events)", "AUC", "AUC (CI)"],
            "ha": ["center", "center", "left"],
        }
    )
    texts = [("name", _NAME, "left"), ("count", _COUNT, "center"), ("text", _NUMBER, "left")]
    figure = (
        p9.ggplot(frame, p9.aes(y="y"))
        + p9.geom_segment(p9.aes(y="y", yend="y"), data=frame.iloc[[0]], x=0.0, xend=0.0, alpha=0)
        + p9.annotate("segment", x=min(ticks), xend=1.0, y=lowest - 0.3, yend=lowest - 0.3, size=0.5)
        + p9.annotate("segment", x=half, xend=half, y=0.6, yend=lowest, color=REFERENCE, size=0.4, linetype="dotted")
        + p9.geom_segment(
            p9.aes(x="auc", xend="auc"), data=overall, y=0.6, yend=lowest, color=REFERENCE, size=0.4, linetype="dashed"
        )
        + p9.geom_segment(
            p9.aes(x="low", xend="high", yend="y"), data=drawn.dropna(subset=["low"]), size=0.6, color=COLOURS[0]
        )
        + p9.geom_point(p9.aes(x="auc"), data=drawn, size=1.9, color=COLOURS[0], shape="s")
    )
    for column, x, side in texts:
        figure += p9.geom_text(p9.aes(label=column), data=frame[frame["bold"] == "no"], x=x, ha=side, size=5.9)
        figure += p9.geom_text(
            p9.aes(label=column), data=frame[frame["bold"] == "yes"], x=x, ha=side, size=5.9, fontweight="bold"
        )
    for row in head.to_dict("records"):
        figure += p9.annotate("text", x=row["x"], y=1.5, label=row["label"], ha=row["ha"], size=5.9)
    return (
        figure
        + p9.facet_wrap("panel", nrow=1)
        + p9.scale_x_continuous(
            breaks=ticks, labels=[f"{start + (1 - start) * tick:.6g}" for tick in ticks], minor_breaks=[]
        )
        + p9.coord_cartesian(xlim=(_NAME - 0.15, 2.37), ylim=(lowest - 0.35, 2.2), expand=False)
        + p9.labs(x="", y="", **caption(simulated))
        + journal_theme(DOUBLE_MM, _ROW * (2.2 - lowest) + 18.0)
        + p9.theme(axis_text_y=p9.element_blank(), axis_ticks_y=p9.element_blank(), axis_line=p9.element_blank())
    )


def _estimate(row: Mapping[Any, Any]) -> str:
    if row["remark"]:
        return f"\u2013 ({row['remark']})"
    auc, low, high = (float(row[name]) for name in ("auc", "low", "high"))
    if low != low or low == high:
        return values.decimal(auc, 3)
    return f"{values.decimal(auc, 3)} ({values.decimal(low, 3)} to {values.decimal(high, 3)})"
