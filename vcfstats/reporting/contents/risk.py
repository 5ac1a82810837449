"""Tables of risk: groups of patients with predicted and observed risk, and the nomogram as a score."""

from __future__ import annotations

from vcfstats.reporting import absence, values
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.layout import row_sources
from vcfstats.reporting.study import KINDS, Study
from vcfstats.reporting.tables import Column, Table


def risk_group_table(study: Study, model: str | None = None) -> Table | Absent:
    """Return predicted and observed risk by group, one row group for each set of predictions; by default of the first of the primary comparison."""
    chosen = model or absence.first_model(study)
    frame = study.rows("risk_groups")
    frame = frame[frame["model"] == chosen]
    if why := absence.risk_groups(study, chosen):
        return Absent(why)
    columns = [
        Column("number", "Group", width=10),
        Column("bounds", "Predicted probability", "right", width=28),
        Column("events", "Events/cases", "right", width=16),
        Column("predicted", "Mean predicted", "right", width=18),
        Column("observed", "Observed (CI)", "right", width=28),
    ]
    rows, groups = [], []
    sources: list[str] = []
    for kind, (heading, *_) in KINDS.items():
        sources += row_sources(study, "risk_groups", frame[frame["kind"] == kind])
        for row in frame[frame["kind"] == kind].to_dict("records"):
            rows.append(
                {
                    "number": f"{row['number']:.0f}",
                    "bounds": f"{row['from']:.3f} to below {row['below']:.3f}"
                    if row["below"] < 1
                    else f"{row['from']:.3f} and above",
                    "events": f"{row['events']:.0f}/{row['n']:.0f}",
                    "predicted": _percent(row["predicted"]),
                    "observed": f"{_percent(row['observed'])} ({_percent(row['low'])} to {_percent(row['high'])})"
                    if row["n"]
                    else "–",
                }
            )
            groups.append(heading)
    table = Table.of(columns, rows, groups=groups, sources=sources)
    words = study.records.get("design/risk_groups")
    if words is not None:
        table = table.with_note(str(words.value))
    return table.with_note(
        f"Model: {study.info.models.get(chosen, chosen)}. CI, confidence interval of the proportion."
    )


def risk_score_table(study: Study) -> Table | Absent:
    """Return the probability at every tenth point of the nomogram."""
    frame = study.rows("risk_score")
    if why := absence.risk_score(study):
        return Absent(why)
    columns = [
        Column("points", "Total points", "right", width=34),
        Column("probability", "Probability", "right", width=33),
        Column("number", "Group of risk", "right", width=33),
    ]
    rows = [
        {
            "points": f"{row['points']:.0f}",
            "probability": values.p_value(row["probability"]),  # bounds where three decimals would print 0 or 1
            "number": "–" if row["number"] != row["number"] else f"{row['number']:.0f}",
        }
        for row in frame.to_dict("records")
    ]
    return Table.of(columns, rows, sources=row_sources(study, "risk_score", frame)).with_note(
        "Points of each predictor are read from the nomogram's axes and added; between two rows the probability lies between theirs."
    )


def _percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f}%"
