"""Follow-up: the reverse Kaplan-Meier curve with the numbers at risk below it."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import numpy as np
import pandas as pd
import plotnine as p9

from vcfstats.reporting.figures.style import COLOURS, SINGLE_MM, caption, empty_figure, journal_theme

_TITLE, _NUMBERS = -0.13, -0.21  # where the numbers at risk stand, in units of the axis
_STEPS = (1, 2, 3, 6, 12, 24, 36, 60, 120, 180, 365, 730, 1825)


def followup_figure(followup: pd.DataFrame, *, unit: str = "", simulated: bool = False) -> p9.ggplot:
    """Draw the reverse Kaplan-Meier estimate of follow-up with its pointwise band and the numbers at risk.

    Parameters
    ----------
    followup : DataFrame
        Columns group, time, estimate, low, high, at_risk: the estimate from each time on, and how many were under
        observation up to it.
    unit : str
        Unit of the time.
    simulated : bool
        As for `roc_figure`.
    """
    if followup.empty:
        return empty_figure("Follow-up times were not given", SINGLE_MM, 40.0)
    known = followup.sort_values("time", kind="stable").reset_index(drop=True)
    start = known.iloc[[0]].assign(time=0.0, estimate=1.0, low=1.0, high=1.0)
    known = pd.concat([start, known[known["time"] > 0]], ignore_index=True)
    bands = known.dropna(subset=["low", "high"])
    # A step's band is drawn as rectangles: from each time to the next.
    steps = bands.assign(until=bands["time"].shift(-1)).dropna(subset=["until"])
    last = float(known["time"].max())
    ticks = _ticks(last)
    # At risk at a time: those whose observation ends then or later.
    at_risk = [int(known.loc[known["time"] >= tick, "at_risk"].max()) for tick in ticks]
    numbers = pd.DataFrame({"time": ticks, "text": [f"{n:,}" for n in at_risk]})
    return (
        p9.ggplot(known, p9.aes("time", "estimate"))
        + p9.geom_rect(
            p9.aes(xmin="time", xmax="until", ymin="low", ymax="high"),
            data=steps,
            inherit_aes=False,
            fill=COLOURS[0],
            alpha=0.2,
        )
        + p9.geom_step(size=0.8, color=COLOURS[0])
        + p9.geom_text(p9.aes("time", label="text"), data=numbers, y=_NUMBERS, size=6.5)
        + p9.annotate("text", x=0.0, y=_TITLE, label="Under observation", size=6.5, ha="left", fontweight="bold")
        + p9.geom_hline(yintercept=0, size=0.3)
        + p9.coord_cartesian(xlim=(0, last), ylim=(-0.25, 1))
        + p9.scale_x_continuous(breaks=ticks)
        + p9.scale_y_continuous(breaks=[0, 0.25, 0.5, 0.75, 1], labels=["0", "0.25", "0.50", "0.75", "1"])
        + p9.labs(x=f"Time ({unit})" if unit else "Time", y="Proportion still under observation", **caption(simulated))
        + journal_theme(SINGLE_MM, 76.0)
    )


def _ticks(last: float) -> list[float]:
    """Return round times, four to eight of them: months and years where these fit."""
    step = next((step for step in _STEPS if last / step <= 7), None) or 10 ** np.floor(np.log10(last))
    if last / step < 1:
        return [0.0]
    return [float(step * i) for i in range(int(last // step) + 1)]
