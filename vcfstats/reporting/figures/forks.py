"""The specification curve: an estimate under each defensible set of choices, and below it which choices these are."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotnine as p9

from vcfstats.contracts.forks import SEED, Fork, Forks
from vcfstats.reporting import values
from vcfstats.reporting.figures.style import (
    COLOURS,
    DOUBLE_MM,
    REFERENCE,
    blank_axes,
    caption,
    empty_figure,
    journal_theme,
)

# The page in units of its own: rows of the matrix below zero, the curve above; names to the left of zero, configurations from 0 to 1.
_NAMES, _VALUES, _TOP = -0.68, -0.10, 9.0
_ROW = 3.7  # mm
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
_MANY = 40  # configurations from which on marks are thin
_LEAST, _GAP = 0.14, 0.04


def fork_figure(forks: Forks, label: str, *, simulated: bool = False) -> p9.ggplot:
    """Draw the out-of-fold AUC of the primary model in every configuration, sorted, with the matrix of choices below.

    Analytic choices and seeds are panels of their own: the one somebody decides, the other is sampling variation.

    Parameters
    ----------
    forks : Forks
        The configurations; those without an AUC are not drawn.
    label : str
        The primary model in print.
    simulated : bool
        As for `roc_figure`.
    """
    analytic = _sorted(forks, "reference", "analytic")
    if analytic.empty:
        return empty_figure("No alternative choices were run", DOUBLE_MM, 30.0)
    seeds = _sorted(forks, "reference", "sampling") if forks.of_kind("sampling") else analytic.iloc[:0]
    # Seeds have room in proportion to their number, and enough to be seen beside hundreds of combinations.
    share = max((len(seeds) + 1) / (len(analytic) + len(seeds) + 3), _LEAST) if len(seeds) else 0.0
    end = 1.0 - share - (_GAP if len(seeds) else 0.0)
    for frame, start, room in ((analytic, 0.0, end), (seeds, 1.0 - share, share)):
        frame["x"] = [start + room * (number + 0.5) / len(frame) for number in range(len(frame))]
    drawn = pd.concat([analytic, seeds], ignore_index=True)
    ticks = _ticks(drawn[["auc", "low", "high"]])
    for name in ("auc", "low", "high"):
        drawn[name] = _height(drawn[name], ticks)
    matrix = _matrix(forks, analytic)
    lowest = min([0.0, *(row["y"] for row in matrix.to_dict("records"))]) - 1.0
    size = 2.1 if len(drawn) <= _MANY else 0.9
    own = drawn[drawn["own"]]
    figure = p9.ggplot(drawn, p9.aes("x", "auc")) + p9.annotate("segment", x=0.0, xend=0.0, y=1.0, yend=_TOP, size=0.5)
    for tick in ticks:
        y = float(_height(pd.Series([tick]), ticks).iloc[0])
        figure += p9.annotate("segment", x=0.0, xend=1.0, y=y, yend=y, color="#DDDDDD", size=0.3)
        figure += p9.annotate("text", x=-0.015, y=y, label=values.decimal(tick, 2), ha="right", size=6.2)
    told = forks.summary[f"model/{forks.primary}/forks_median"].value
    middle = float(_height(pd.Series([told], dtype=float), ticks).iloc[0])
    figure += p9.geom_segment(
        p9.aes(x="x", xend="x", y="low", yend="high"),
        data=drawn.dropna(subset=["low"]),
        color=REFERENCE if len(drawn) <= _MANY else "#BBBBBB",
        size=0.5 if len(drawn) <= _MANY else 0.25,
    )
    figure += p9.annotate(
        "segment", x=0.0, xend=end, y=middle, yend=middle, color="#000000", size=0.5, linetype="dashed"
    )
    figure += p9.geom_point(data=drawn[~drawn["own"]], color=COLOURS[0], size=size)
    figure += p9.geom_point(data=own, color="#000000", fill="#FFFFFF", shape="D", size=size + 0.4, stroke=0.8)
    figure += p9.annotate(
        "text", x=-0.1, y=(1.0 + _TOP) / 2, label=f"Out-of-fold AUC\nof {label}", ha="right", size=6.6
    )
    figure += p9.annotate(
        "text",
        x=0.0,
        y=_TOP + 1.0,
        label="A  Analytic choices" if len(seeds) else "Analytic choices",
        ha="left",
        size=7,
        fontweight="bold",
    )
    if len(seeds):
        figure += p9.annotate(
            "text", x=1.0 - share, y=_TOP + 1.0, label="B  Seeds", ha="left", size=7, fontweight="bold"
        )
        if len(seeds) <= _MANY:
            figure += p9.geom_text(p9.aes(label="seed"), data=seeds, y=0.4, angle=90, va="top", size=5.6)
    if not matrix.empty:
        there = matrix.dropna(subset=["x"])
        if len(drawn) <= _MANY:
            for kind, shape, colour, scale in ((False, "|", "#AAAAAA", 0.8), (True, "s", "#000000", 1.0)):
                part = there[there["changed"] == kind]
                figure += p9.geom_point(p9.aes("x", "y"), data=part, shape=shape, color=colour, size=size * scale)
        else:
            bars = there.assign(low=there["y"] - 0.35, high=there["y"] + 0.35)
            for kind, colour in ((False, "#AAAAAA"), (True, "#000000")):
                figure += p9.geom_segment(
                    p9.aes(x="x", xend="x", y="low", yend="high"),
                    data=bars[bars["changed"] == kind],
                    color=colour,
                    size=0.2,
                )
        names = matrix.drop_duplicates(["decision", "value"])
        figure += p9.geom_text(p9.aes(y="y", label="value"), data=names, x=_VALUES + 0.085, ha="right", size=5.9)
        heads = names.drop_duplicates("decision")
        figure += p9.geom_text(
            p9.aes(y="y", label="decision"), data=heads, x=_NAMES, ha="left", size=5.9, fontweight="bold"
        )
        for y in heads["y"]:
            figure += p9.annotate(
                "segment", x=_NAMES, xend=end, y=float(y) + 0.5, yend=float(y) + 0.5, color="#DDDDDD", size=0.3
            )
    return (
        figure
        + p9.coord_cartesian(xlim=(_NAMES, 1.0), ylim=(lowest, _TOP + 1.6), expand=False)
        + p9.labs(x="", y="", **caption(simulated))
        + journal_theme(DOUBLE_MM, _ROW * (_TOP + 1.6 - lowest) + 8.0)
        + blank_axes()
    )


def _sorted(forks: Forks, *kinds: str) -> pd.DataFrame:
    rows = []
    for fork in forks.of_kind(*kinds):
        record = fork.records.get(f"out_of_fold/{forks.primary}/auc")
        if record is None or not isinstance(record.value, int | float):
            continue
        rows.append(
            {
                "auc": float(record.value), "low": _number(record.ci_low), "high": _number(record.ci_high), "own": fork.kind == "reference",
                "seed": fork.changed.get(SEED, "own"), "fork": fork,
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows, columns=["auc", "low", "high", "own", "seed", "fork"])
    return frame.sort_values("auc", kind="stable").reset_index(drop=True)


def _matrix(forks: Forks, analytic: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each configuration and decision: at which height the value in force stands, and whether it was changed."""
    rows: list[dict[str, Any]] = []
    y = -1.0
    for decision in forks.decisions:
        heights = {}
        for value in (decision.reference, *decision.values):
            heights[value] = y
            rows.append({"decision": decision.name, "value": value, "y": y, "x": math.nan, "changed": False})
            y -= 1.0
        for row in analytic.to_dict("records"):
            fork: Fork = row["fork"]
            value = fork.changed.get(decision.name, decision.reference)
            rows.append(
                {"decision": decision.name, "value": value, "y": heights[value], "x": row["x"], "changed": decision.name in fork.changed}
            )  # fmt: skip
        y -= 0.25
    return pd.DataFrame(rows, columns=["decision", "value", "y", "x", "changed"])


def _ticks(frame: pd.DataFrame) -> list[float]:
    low, high = float(frame.min().min()), float(frame.max().max())
    step = next((step for step in _STEPS if (high - low) / step <= 5), _STEPS[-1])
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(start, max(end, start + 1) + 1)]


def _height(column: pd.Series, ticks: Sequence[float]) -> pd.Series:
    return 1.0 + (_TOP - 1.0) * (column - ticks[0]) / (ticks[-1] - ticks[0])


def _number(value: float | None) -> float:
    return math.nan if value is None else value
