"""The report of an audit for people and machines: verdict, plain text, JSON."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vcfstats.audit.table.echo import CHECKED, FIGURES, UNCHECKED, UNREAD
from vcfstats.audit.table.findings import SEVERITIES, CohortCounts

if TYPE_CHECKING:
    from vcfstats.audit.table.findings import TableAudit

_WIDTH = 110
_MOST_NAMES = 6
MEANING = {
    "impossible": "no data can give these figures, under the counts stated",
    "inconsistent": "two printed things contradict each other; at least one is not as it should be",
    "note": "worth a look, no error by itself",
}


def figure_counts(audit: TableAudit) -> Counter[str]:
    """Return how many figures of all tables were checked, could not be, or were not understood."""
    return sum((table.counts for table in audit.tables), Counter())


def summary(audit: TableAudit) -> str:
    """Return the verdict: what was found; nothing, in how many of how many figures; or that nothing could be checked."""
    counts = figure_counts(audit)
    checked, total = counts[CHECKED], sum(counts[state] for state in FIGURES)
    notes = audit.count("note")
    tail = f", {notes} note{'s' if notes != 1 else ''}"
    rest = "".join(f"; {part}" for part in _rest(audit, counts))
    if not audit.is_consistent:
        found = ", ".join(f"{audit.count(severity)} {severity}" for severity in SEVERITIES[:2])
        return f"{found}{tail}." + (f" {checked} of {total} figures checked{rest}." if total else "")
    shown = tail if notes else ""
    if not total:  # sentences alone, or a table given in another form
        looked = sum(audit.checked.values())
        return (
            f"Nothing found in {looked} comparisons{shown}."
            if looked
            else f"Not checkable: no figure was found{shown}."
        )
    if not checked:
        return f"Not checkable: none of {total} figures could be held against another{rest}{shown}."
    if counts[UNREAD]:
        return f"Read in part: no contradiction in the {checked} of {total} figures that could be checked{rest}{shown}."
    return f"Nothing found in {checked} of {total} figures{rest}{shown}."


def _rest(audit: TableAudit, counts: Counter[str]) -> list[str]:
    parts = []
    for state, words in ((UNCHECKED, "read with nothing to hold them against"), (UNREAD, "not understood")):
        if counts[state]:
            names = list(
                dict.fromkeys(
                    name or "a column without a heading"
                    for table in audit.tables
                    for name, _, states in table.lines
                    if states[state]
                )
            )
            shown = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
            parts.append(f"{counts[state]} {words} ({shown})")
    return parts


def text_page(audit: TableAudit) -> str:
    """Return the report as plain text."""
    lines = ["Table audit: " + summary(audit), ""]
    for cohort in audit.cohorts:
        lines.append(cohort_text(cohort))
    if audit.cohorts:
        lines.append("")
    for number, finding in enumerate(audit.findings, start=1):
        lines.append(f"{number}. {finding.severity.upper()}  {finding.check}  {finding.where}")
        for name, value in (("printed", finding.printed), ("because", finding.arithmetic), ("to mend", finding.mend)):
            if value:
                lines += textwrap.wrap(value, _WIDTH, initial_indent=f"   {name}: ", subsequent_indent="            ")
        lines.append("")
    for table in audit.tables:
        parts = []
        for name, role, states in table.lines:
            figures = sum(states.values())
            missed = (
                f" ({states[UNREAD]} of {figures} not understood)"
                if states[UNREAD] and states[UNREAD] < figures
                else ""
            )
            parts.append(
                f"{name or 'no heading'} = {role if states[UNREAD] < figures or not figures else 'NOT UNDERSTOOD'}{missed}"
            )
        kind = table.kind if table.kind != "unknown" else "of no known kind"
        lines += textwrap.wrap(f"Read {table.name} ({kind}): {'; '.join(parts)}.", _WIDTH, subsequent_indent="  ")
    lines.append("Looked at: " + ", ".join(f"{name} {count}" for name, count in audit.checked.items() if count) + ".")
    return "\n".join(lines)


def cohort_text(c: CohortCounts) -> str:
    """Return what is known of a cohort's class counts."""
    if c.n is None and c.rows and c.rows_fitting < c.rows and not c.also_fits:
        return f"{c.cohort or 'all rows'}: class counts not determined by the table; its {c.rows} rows were held against every share of events."
    counts = f"n = {or_dash(c.n)}, {or_dash(c.events)} events, {or_dash(c.nonevents)} non-events"
    also = f"; {c.also_fits}" if c.also_fits else ""
    return f"{c.cohort or 'all rows'}: {counts} ({c.basis}{also}); {c.rows_fitting} of {c.rows} rows fit."


def or_dash(value: int | None) -> str:
    """Print a number that may be unknown."""
    return "-" if value is None else str(value)


def as_json(audit: TableAudit) -> dict[str, Any]:
    """Return the audit for machines: findings under ids that stay, the cells of each table with role and state."""
    counts = figure_counts(audit)
    ids: dict[tuple[int, int, int], list[str]] = {}
    for finding in audit.findings:
        for place in finding.cells:
            ids.setdefault(place, []).append(finding.id)
    return {
        "verdict": audit.verdict,
        "summary": summary(audit),
        "figures": {state.replace(" ", "_"): counts[state] for state in FIGURES},
        "findings": [
            {"id": f.id, "severity": f.severity, "check": f.check, "where": f.where, "printed": f.printed,
             "arithmetic": f.arithmetic, "mend": f.mend, "cells": [list(place) for place in f.cells]}
            for f in audit.findings
        ],
        "cohorts": [asdict(cohort) for cohort in audit.cohorts],
        "tables": [
            {"table": table.order, "name": table.name, "kind": table.kind, "headings": list(table.headings),
             "cells": [
                 {"row": c.row, "column": c.column, "text": c.text, "role": c.role, "state": c.state,
                  "findings": list(dict.fromkeys(ids.get((table.order, c.row, c.column), [])))}
                 for c in table.cells if c.text
             ]}
            for table in audit.tables
        ],
        "checked": dict(audit.checked),
    }  # fmt: skip
