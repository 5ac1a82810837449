"""How networks were trained: loss and discrimination by epoch."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import pandas as pd
import plotnine as p9

from vcfstats.reporting.figures.style import COLOURS, DOUBLE_MM, caption, empty_figure, journal_theme

_MEASURES = {
    "training_loss": "Loss, learned from",
    "stopping_loss": "Loss, kept aside",
    "stopping_auc": "AUC, kept aside",
}
FINAL = "all folds"  # the network for new patients in the table's column `network`


def training_figure(curves: pd.DataFrame, *, simulated: bool = False) -> p9.ggplot:
    """Draw loss and AUC of every network against the epoch, the network for new patients in front.

    Parameters
    ----------
    curves : DataFrame
        Columns network, epoch, training_loss, stopping_loss, stopping_auc, best.
    simulated : bool
        As for `roc_figure`.
    """
    if curves.empty:
        return empty_figure("No network was trained on the study's images", DOUBLE_MM, 40.0)
    long = curves.melt(["network", "epoch", "best"], list(_MEASURES), var_name="measure", value_name="y").dropna()
    long["y"], long["epoch"] = long["y"].astype(float), long["epoch"].astype(float)
    shown = [name for name in _MEASURES if (long["measure"] == name).any()]
    names = {name: f"{chr(ord('A') + number)}  {_MEASURES[name]}" for number, name in enumerate(shown)}
    long["panel"] = pd.Categorical(long["measure"].map(names), categories=list(names.values()), ordered=True)
    final = long[long["network"] == FINAL]
    others = long[long["network"] != FINAL]
    figure = p9.ggplot(final, p9.aes("epoch", "y"))
    if len(others):
        figure += p9.geom_line(p9.aes(group="network"), data=others, size=0.3, color=COLOURS[7], alpha=0.6)
        figure += p9.geom_point(data=others[others["best"] == "yes"], size=0.8, color=COLOURS[7], alpha=0.8)
    return (
        figure
        + p9.geom_line(size=0.7, color=COLOURS[0])
        + p9.geom_point(data=final[final["best"] == "yes"], size=1.6, color=COLOURS[0])
        + p9.facet_wrap("panel", nrow=1, scales="free_y")
        + p9.labs(x="Epoch", y="", **caption(simulated))
        + journal_theme(DOUBLE_MM, 65.0)
    )
