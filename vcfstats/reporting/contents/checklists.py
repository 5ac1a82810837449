"""Reporting guidelines as tables: each item with its status and the place or artefact that shows it."""

from __future__ import annotations

from vcfstats.reporting import absence
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.layout import breakable
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Column, Table
from vcfstats.reporting.values import Text, compose, join

# Guideline -> its name in print, and whether its items carry weights.
GUIDELINES = {
    "tripod_ai": "TRIPOD+AI",
    "tripod_ai_abstracts": "TRIPOD+AI for Abstracts",
    "clear": "CLEAR",
    "metrics": "METRICS",
    "claim": "CLAIM",
}
# What is said of one item and of several, by status.
_VERBS = (
    ("is reported", "are reported"),
    ("is not", "are not"),
    ("does not apply", "do not apply"),
    ("is for the authors to supply", "are for the authors to supply"),
)
STATUSES = ("reported", "not reported", "not applicable", "author must supply")


def checklist_table(study: Study, guideline: str) -> Table | Absent:
    """Return the items of a guideline: label, status, where a reader finds it or why it does not apply, and what shows it."""
    rows = study.rows("checklists")
    rows = rows[rows["guideline"] == guideline] if len(rows) else rows
    if why := absence.checklist(study, guideline):
        return Absent(why)
    weighted = bool(rows["weight"].notna().any())
    columns = [
        Column("item", "Item", width=7),
        Column("label", "What is asked for", width=30 if weighted else 33),
        Column("status", "Status", width=15),
        Column("where", "Where, or why not", width=24 if weighted else 27),
        Column("evidence", "Shown by", width=16 if weighted else 18),
    ]
    if weighted:
        columns.append(Column("weight", "Weight", "right", width=8))
    body = [
        {
            "item": row.item,
            "label": row.label,
            "status": str(row.status).capitalize(),
            "where": breakable(str(row.place)),
            "evidence": breakable(str(row.evidence)) or "–",
            "weight": f"{row.weight:.4f}",
        }
        for row in rows.itertuples(index=False)
    ]
    return Table.of(columns, body).with_note(
        "Labels are this report's own words; the guideline's publication has the items in full. Author must supply: no "
        "statement of the authors was given, or only they can judge whether their text answers the item."
    )


def checklists_told(study: Study) -> Text:
    """Say how many items of each guideline the study reports, and METRICS' score."""
    sentences = []
    for key, name in GUIDELINES.items():
        if not study.has(f"design/{key}_reported"):
            continue
        keys = [f"design/{key}_{status.replace(' ', '_')}" for status in STATUSES]
        counted = [
            compose("{n} {verb}", n=study.point(each), verb=verbs[study.record(each).value != 1])
            for each, verbs in zip(keys, _VERBS, strict=True)
        ]
        sentences.append(
            compose(
                "Of the items of {name}, {most}, and {last}.",
                name=name,
                most=join(counted[:-1], ", "),
                last=counted[-1],
            )
        )
    if study.has("design/metrics_score"):
        sentences.append(
            compose(
                "The METRICS score is {score}, and {upper} if the authors supplied all that only they can.",
                score=study.point("design/metrics_score"),
                upper=study.point("design/metrics_score_upper"),
            )
        )
    return join(sentences) if sentences else Text.of("Reporting guidelines were not assessed.")
