"""How much of each feature's variation lies between scanners, as the features are and harmonised."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import pandas as pd
import plotnine as p9

from vcfstats.reporting.figures.style import (
    DOUBLE_MM,
    caption,
    empty_figure,
    journal_theme,
    line_scales,
    ordered,
    panel_labels,
)

STATES = {
    "before": "As they are",
    "apparent": "Harmonised",
    "out_of_fold": "Harmonised by other folds",
}
MATRICES = {"radiomics": "Radiomic features", "deep": "Deep features"}


def scanner_figure(shares: pd.DataFrame, *, simulated: bool = False) -> p9.ggplot:
    """Draw the distribution over features of the share of variation between scanners, one panel a kind of feature.

    Parameters
    ----------
    shares : DataFrame
        Columns matrix, state, proportion, share: the quantiles of the shares.
    simulated : bool
        As for `roc_figure`.
    """
    if shares.empty:
        return empty_figure("Differences between scanners were not measured", DOUBLE_MM, 40.0)
    kinds = [name for name in MATRICES if name in set(shares["matrix"])]
    panels = panel_labels(kinds, MATRICES)
    frame = shares.assign(
        matrix=ordered(shares, "matrix", kinds, panels),
        state=ordered(shares, "state", list(STATES), STATES),
        proportion=100 * shares["proportion"].astype(float),
        share=100 * shares["share"].astype(float),
    )
    return (
        p9.ggplot(frame, p9.aes("proportion", "share", color="state", linetype="state"))
        + p9.geom_line(size=0.7)
        + line_scales(list(STATES.values()))
        + p9.facet_wrap("matrix", nrow=1)
        + p9.labs(
            x="Features, from the least to the most different (%)",
            y="Variation of ranks\nbetween scanners (%)",
            **caption(simulated),
        )
        + journal_theme(DOUBLE_MM, 70.0)
    )
