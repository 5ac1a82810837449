"""Pairs of models: differences of AUC with interval and p value, as a matrix."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotnine as p9

from vcfstats.reporting import values
from vcfstats.reporting.figures.curves import PANELS
from vcfstats.reporting.figures.style import (
    DOUBLE_MM,
    caption,
    empty_figure,
    journal_theme,
    kinds_in,
    need_columns,
    panel_labels,
)
from vcfstats.reporting.study import KINDS


def comparison_figure(pairs: pd.DataFrame, models: Mapping[str, str], *, simulated: bool = False) -> p9.ggplot:
    """Draw a matrix of DeLong comparisons for each set of predictions: AUC of the row's model less that of the column's.

    Parameters
    ----------
    pairs : DataFrame
        Columns kind, model_a, model_b, difference, low, high, p_value, p_adjusted; p values may be undefined.
    models : mapping
        Name in `pairs` -> name in print, in the order of rows and columns.
    simulated : bool
        As for `roc_figure`.
    """
    need_columns(pairs, "pairs", ("kind", "model_a", "model_b", "difference", "low", "high", "p_adjusted"))
    shown = pairs[pairs["model_a"].isin(list(models)) & pairs["model_b"].isin(list(models))]
    kinds = kinds_in(shown, PANELS)
    if not kinds:
        return empty_figure("No two models to compare", DOUBLE_MM, 40.0)
    panels = panel_labels(kinds, {kind: KINDS.get(kind, (kind, ""))[0] for kind in kinds})
    order = list(models)
    rows = []
    for pair in shown.to_dict("records"):
        # Each pair once, the later model in the row, so that a positive difference speaks for the later one.
        a, b, sign = str(pair["model_a"]), str(pair["model_b"]), 1.0
        if order.index(a) < order.index(b):
            a, b, sign = b, a, -1.0
        limits = sorted((sign * float(pair["low"]), sign * float(pair["high"])))
        rows.append(
            {
                "panel": panels[str(pair["kind"])],
                "row": models[a],
                "column": models[b],
                "text": _cell(sign * float(pair["difference"]), limits, pair["p_adjusted"]),
                "clear": "yes" if limits[0] > 0 or limits[1] < 0 else "no",
            }
        )
    frame = pd.DataFrame(rows)
    names = [models[name] for name in order if models[name] in set(frame["row"]) | set(frame["column"])]
    frame["row"] = pd.Categorical(frame["row"], categories=names[:0:-1], ordered=True)
    frame["column"] = pd.Categorical(frame["column"], categories=names[:-1], ordered=True)
    frame["panel"] = pd.Categorical(frame["panel"], categories=list(panels.values()), ordered=True)
    height = len(kinds) * (13.0 * (len(names) - 1) + 12.0) + 6.0
    return (
        p9.ggplot(frame, p9.aes("column", "row"))
        + p9.geom_tile(p9.aes(fill="clear"), color="#999999", size=0.3)
        + p9.geom_text(p9.aes(label="text"), size=6.5, lineheight=1.25)
        + p9.scale_fill_manual(values={"yes": "#CFE0F3", "no": "white"}, guide=None)
        + p9.facet_wrap("panel", ncol=1)
        + p9.labs(x="", y="", **caption(simulated))
        + journal_theme(DOUBLE_MM, height)
    )


def _cell(difference: float, limits: list[float], p: object) -> str:
    low, high = limits
    text = f"{values.decimal(difference, 3)}\n({values.decimal(low, 3)} to {values.decimal(high, 3)})"
    return f"{text}\n{values.p_phrase(float(p))}" if isinstance(p, float) and p == p else text
