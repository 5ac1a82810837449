"""The report of an audit for people: plain text and one self-contained HTML page."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

from vcfstats.audit.table.findings import SEVERITIES, CohortCounts, Finding

if TYPE_CHECKING:
    from vcfstats.audit.table.findings import TableAudit

_WIDTH = 110
_MEANING = {
    "impossible": "no data can give these figures, under the counts stated",
    "inconsistent": "two printed things contradict each other; at least one is wrong",
    "note": "worth a look, no error by itself",
}
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #ccc; }
th { background: #f2f2f2; } td.printed { font-variant-numeric: tabular-nums; }
.severity { font-weight: 700; white-space: nowrap; }
.impossible { border-left: .5rem solid #8b1a1a; } .inconsistent { border-left: .5rem solid #c46a00; } .note { border-left: .5rem solid #5b6b7a; }
@media print { body { margin: 0; max-width: none; } }
"""


def summary(audit: TableAudit) -> str:
    """Return the verdict in one sentence."""
    counts = ", ".join(f"{audit.count(severity)} {severity}" for severity in SEVERITIES[:2])
    notes = audit.count("note")
    tail = f", {notes} note{'s' if notes != 1 else ''}"
    return f"{counts}{tail}." if audit.findings else "Nothing found: the figures can stand together."


def text_page(audit: TableAudit) -> str:
    """Return the report as plain text."""
    lines = ["Table audit: " + summary(audit), ""]
    for cohort in audit.cohorts:
        lines.append(_cohort_text(cohort))
    if audit.cohorts:
        lines.append("")
    for number, finding in enumerate(audit.findings, start=1):
        lines.append(f"{number}. {finding.severity.upper()}  {finding.check}  {finding.where}")
        for name, value in (("printed", finding.printed), ("because", finding.arithmetic), ("to mend", finding.mend)):
            if value:
                lines += textwrap.wrap(value, _WIDTH, initial_indent=f"   {name}: ", subsequent_indent="            ")
        lines.append("")
    lines.append("Looked at: " + ", ".join(f"{name} {count}" for name, count in audit.checked.items() if count) + ".")
    return "\n".join(lines)


def html_page(audit: TableAudit, title: str) -> str:
    """Return the report as one page without scripts, images or links to other files."""
    cohorts = "".join(
        f"<tr><td>{escape(c.cohort or 'all')}</td><td>{_or_dash(c.n)}</td><td>{_or_dash(c.events)}</td><td>{_or_dash(c.nonevents)}</td>"
        f"<td>{escape(c.basis)}{escape('; ' + c.also_fits if c.also_fits else '')}</td><td>{c.rows_fitting} of {c.rows}</td></tr>"
        for c in audit.cohorts
    )
    rows = "".join(_finding_row(number, finding) for number, finding in enumerate(audit.findings, start=1))
    meaning = "".join(f"<li><b>{name}</b>: {escape(text)}</li>" for name, text in _MEANING.items())
    looked = ", ".join(f"{escape(name)} {count}" for name, count in audit.checked.items() if count)
    parts = [
        f"<h1>{escape(title)}</h1><p>{escape(summary(audit))}</p><ul>{meaning}</ul>",
        "<h2>Class counts</h2><table><thead><tr><th>cohort</th><th>n</th><th>events</th><th>non-events</th><th>basis</th><th>rows that fit</th></tr></thead>"
        f"<tbody>{cohorts}</tbody></table>" if cohorts else "",
        "<h2>Findings</h2><table><thead><tr><th>no.</th><th>severity</th><th>check</th><th>where</th><th>printed</th><th>arithmetic</th><th>to mend</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>" if rows else "",
        f"<p>Looked at: {looked}.</p>",
    ]  # fmt: skip
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _finding_row(number: int, finding: Finding) -> str:
    return (
        f'<tr class="{finding.severity}"><td class="{finding.severity}">{number}</td><td class="severity">{finding.severity}</td><td>{escape(finding.check)}</td>'
        f'<td>{escape(finding.where)}</td><td class="printed">{escape(finding.printed)}</td><td>{escape(finding.arithmetic)}</td><td>{escape(finding.mend)}</td></tr>'
    )


def _cohort_text(c: CohortCounts) -> str:
    counts = f"n = {_or_dash(c.n)}, {_or_dash(c.events)} events, {_or_dash(c.nonevents)} non-events"
    also = f"; {c.also_fits}" if c.also_fits else ""
    return f"{c.cohort or 'all rows'}: {counts} ({c.basis}{also}); {c.rows_fitting} of {c.rows} rows fit."


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)
