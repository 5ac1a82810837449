"""How features were selected: the LASSO's path and error, what it kept, with which coefficients."""

# plotnine is typed in part: its own calls are not checked, ours are.
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9

from vcfstats.reporting.figures.style import COLOURS, DOUBLE_MM, REFERENCE, caption, empty_figure, journal_theme, signed

_PATH, _ERROR, _IMPORTANCE = (
    "A  Coefficients",
    "B  Cross-validated error",
    "C  Features by importance",
)
_LAMBDAS = ("least error", "one standard error")


def lasso_figure(
    path: pd.DataFrame,
    error: pd.DataFrame,
    coefficients: pd.DataFrame,
    lambdas: tuple[float | None, float | None],
    *,
    simulated: bool = False,
) -> p9.ggplot:
    """Draw the LASSO of one feature set: path (A), cross-validated error (B), histogram of feature importance (C).

    Parameters
    ----------
    path : DataFrame
        Columns lambda, feature, coefficient.
    error : DataFrame
        Columns lambda, mean, se.
    coefficients : DataFrame
        Columns feature, coefficient: what was kept. Importance is the absolute coefficient per standard deviation.
    lambdas : tuple of float or None
        The penalty of the least error, and the largest within one standard error of it.
    simulated : bool
        As for `roc_figure`.
    """
    if path.empty or error.empty:
        return empty_figure("No LASSO was fitted: no feature was left to it", DOUBLE_MM, 40.0)
    curves = path.assign(panel=_PATH, x=np.log10(path["lambda"].astype(float)), y=path["coefficient"].astype(float))
    errors = error.assign(panel=_ERROR, x=np.log10(error["lambda"].astype(float)), y=error["mean"].astype(float))
    errors = errors.assign(low=errors["y"] - errors["se"].astype(float), high=errors["y"] + errors["se"].astype(float))
    kept = pd.DataFrame({"panel": _IMPORTANCE, "x": coefficients["coefficient"].astype(float).abs()})
    panels = [_PATH, _ERROR, *([_IMPORTANCE] if len(kept) else [])]
    marks = pd.DataFrame(
        [
            {"panel": panel, "x": np.log10(value), "penalty": name}
            for panel in (_PATH, _ERROR)
            for name, value in zip(_LAMBDAS, lambdas, strict=True)
            if value is not None and value > 0
        ],
        columns=["panel", "x", "penalty"],
    )
    for frame in (curves, errors, kept, marks):
        frame["panel"] = pd.Categorical(frame["panel"], categories=panels, ordered=True)
    marks["penalty"] = pd.Categorical(marks["penalty"], categories=list(_LAMBDAS), ordered=True)
    figure = (
        p9.ggplot(curves, p9.aes("x", "y"))
        + p9.geom_line(p9.aes(group="feature"), size=0.35, color=COLOURS[0], alpha=0.7)
        + p9.geom_linerange(p9.aes("x", ymin="low", ymax="high"), data=errors, inherit_aes=False, size=0.3, color=REFERENCE)
        + p9.geom_point(data=errors, size=0.7, color="black")
    )  # fmt: skip
    if len(kept):
        figure += p9.geom_histogram(
            p9.aes("x"), data=kept, inherit_aes=False, bins=12, boundary=0, fill=COLOURS[0], color="white", size=0.2
        )
    if len(marks):
        figure += p9.geom_vline(p9.aes(xintercept="x", linetype="penalty"), data=marks, size=0.5)
        figure += p9.scale_linetype_manual(values=dict(zip(_LAMBDAS, ("dashed", "dotted"), strict=True)))
    return (
        figure
        + p9.facet_wrap("panel", nrow=1, scales="free")
        + p9.scale_x_continuous(labels=signed)
        + p9.scale_y_continuous(labels=signed)
        + p9.labs(
            x="log₁₀ of the penalty λ (A, B); absolute coefficient per standard deviation (C)",
            y="",
            **caption(simulated),
        )
        + journal_theme(DOUBLE_MM, 75.0)
    )


def coefficient_figure(coefficients: pd.DataFrame, *, most: int = 30, simulated: bool = False) -> p9.ggplot:
    """Draw the selected features with their coefficients per standard deviation, largest first.

    Parameters
    ----------
    coefficients : DataFrame
        Columns feature, coefficient.
    most : int
        How many are drawn, those with the largest absolute coefficients; the axis says of how many.
    simulated : bool
        As for `roc_figure`.
    """
    if coefficients.empty:
        return empty_figure("No feature was selected", DOUBLE_MM, 40.0)
    ranked = coefficients.assign(coefficient=coefficients["coefficient"].astype(float))
    ranked = ranked.loc[ranked["coefficient"].abs().sort_values(kind="stable").index].tail(most)
    ranked = ranked.assign(feature=ranked["feature"].map(_two_lines))
    order = list(ranked["feature"])
    frame = ranked.assign(
        feature=pd.Categorical(ranked["feature"], categories=order, ordered=True),
        sign=pd.Categorical(
            np.where(ranked["coefficient"] > 0, "raises the score", "lowers the score"),
            categories=["raises the score", "lowers the score"],
        ),
    )
    few = f" ({len(frame)} of {len(coefficients)} features)" if len(frame) < len(coefficients) else ""
    # Two lines of a name need a wider row, or they touch those of its neighbours.
    row = 6.2 if any("\n" in name for name in order) else 4.6
    return (
        p9.ggplot(frame, p9.aes("feature", "coefficient", fill="sign"))
        + p9.geom_col(width=0.7, color="black", size=0.25)
        + p9.geom_hline(yintercept=0, size=0.4)
        + p9.scale_fill_manual(values={"raises the score": COLOURS[1], "lowers the score": COLOURS[0]})
        + p9.scale_y_continuous(labels=signed)
        + p9.coord_flip()
        + p9.labs(x="", y="Coefficient per standard deviation" + few, **caption(simulated))
        + journal_theme(DOUBLE_MM, 24.0 + row * len(frame))
        + p9.theme(axis_text_y=p9.element_text(size=6, lineheight=1.1))
    )


def _two_lines(feature: str, most: int = 38) -> str:
    """Break a long name after the underscore nearest to its middle, so that the bars keep their room."""
    places = [place + 1 for place, letter in enumerate(feature) if letter == "_"]
    if len(feature) <= most or not places:
        return feature
    middle = min(places, key=lambda place: abs(place - len(feature) / 2))
    return f"{feature[:middle]}\n{feature[middle:]}"


def funnel_figure(
    funnel: pd.DataFrame, steps: Mapping[str, str], feature_sets: Mapping[str, str], *, simulated: bool = False
) -> p9.ggplot:
    """Draw how many features each step of the selection left, one panel for each feature set, on a logarithmic axis.

    Parameters
    ----------
    funnel : DataFrame
        Columns feature_set, step, feature_class, n.
    steps, feature_sets : mapping
        Names in `funnel` -> names in print, in order.
    simulated : bool
        As for `roc_figure`.
    """
    if funnel.empty:
        return empty_figure("No features were selected from", DOUBLE_MM, 30.0)
    names = [name for name in feature_sets if name in set(funnel["feature_set"])]
    kinds = funnel["feature_class"].map(lambda name: "deep" if name == "deep" else "radiomic")
    counts = funnel.assign(kind=kinds).groupby(["feature_set", "step", "kind"], sort=False, as_index=False)["n"].sum()
    totals = funnel.groupby(["feature_set", "step"], sort=False, as_index=False)["n"].sum()
    split = counts.pivot_table(index=["feature_set", "step"], columns="kind", values="n", fill_value=0)
    done = [step for step in steps if step in set(funnel["step"])]

    def text(row: Any) -> str:
        part = split.loc[(row["feature_set"], row["step"])]
        both = "deep" in part and part["deep"] > 0 and part.get("radiomic", 0) > 0
        return f"{int(row['n']):,}" + (f" ({int(part['deep']):,} deep)" if both else "")

    frame = totals.assign(
        label=totals.apply(text, axis=1),
        start=0.8,
        end=totals["n"].clip(lower=0.8),
        panel=pd.Categorical(
            totals["feature_set"].map(feature_sets), [feature_sets[name] for name in names], ordered=True
        ),
        step=pd.Categorical(totals["step"].map(steps), [steps[name] for name in reversed(done)], ordered=True),
    )
    most = float(frame["n"].max())
    decades = [10**i for i in range(len(str(int(most))))]
    return (
        p9.ggplot(frame, p9.aes("step"))
        + p9.geom_linerange(p9.aes(ymin="start", ymax="end"), size=4.2, color=COLOURS[0])
        + p9.geom_text(p9.aes(y="end", label="label"), ha="left", nudge_y=0.06, size=6.5)
        + p9.facet_wrap("panel", nrow=1)
        + p9.scale_y_log10(breaks=decades, minor_breaks=[], labels=[f"{tick:,}" for tick in decades])
        + p9.coord_flip(ylim=(0.8, most * 40))
        + p9.labs(x="", y="Features left (logarithmic axis)", **caption(simulated))
        + journal_theme(DOUBLE_MM, 6.5 * len(done) + 26.0)
    )
