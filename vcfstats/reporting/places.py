"""What is said of figures and tables that may be empty: what they show, or that they keep their places and say so."""

from __future__ import annotations

from vcfstats.reporting.study import Study
from vcfstats.reporting.values import Text, compose, join


def scanners(study: Study, table: str, figure: str) -> Text:
    """Refer to the table and the figure of the scanners, by their labels in the document."""
    if study.rows("scanners").empty or study.rows("scanner_effect").empty:
        return _kept(table, figure)
    return compose(
        "{table} and {figure} show what ComBat {cite} takes out.",
        table=_at(table),
        figure=_at(figure),
        cite=Text("", "[@johnson2007; @fortin2018]"),
    )


def flow(study: Study, figure: str) -> Text:
    """Refer to the figure of the flow of patients."""
    if study.rows("flow").empty:
        return compose("The flow of patients is not known, as {figure} says.", figure=_at(figure))
    return compose("{figure} shows the flow of patients.", figure=_at(figure))


def agreement(study: Study, table: str) -> Text:
    """Refer to the table of the readers' agreement."""
    return _kept(table) if study.rows("agreement").empty else compose("{table} gives the numbers.", table=_at(table))


def regression(study: Study, table: str) -> Text:
    """Refer to the table of odds ratios."""
    if study.rows("regression").empty:
        return _kept(table)
    return compose(
        "{table} gives odds ratios, each finding by itself and those that entered together.", table=_at(table)
    )


def risk(study: Study, groups: str, score: str) -> Text:
    """Refer to the tables of the groups of risk and of the nomogram as a score."""
    if study.rows("risk_groups").empty:
        return _kept(groups, score)
    first = compose("{groups} sets the observed risk beside the predicted one.", groups=_at(groups))
    if study.rows("risk_score").empty:
        return join([first, _kept(score)])
    return join([first, compose("{score} turns points of the nomogram into probabilities.", score=_at(score))])


def _at(label: str) -> Text:
    return Text(f"@{label}", f"@{label}")


def _kept(*labels: str) -> Text:
    """Say that items keep their places: a supplement's numbering is the same whatever a study has."""
    if len(labels) == 1:
        return compose("{label} keeps its place and says so.", label=_at(labels[0]))
    return compose("{labels} keep their places and say so.", labels=join([_at(label) for label in labels], " and "))
