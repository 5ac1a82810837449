"""The report of an audit as one page: each table drawn as it was read, with the findings on its cells."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from vcfstats.audit.table.echo import LABEL, UNCHECKED, UNREAD, TableRead
from vcfstats.audit.table.findings import SEVERITIES, Finding
from vcfstats.audit.table.pages import MEANING, or_dash, summary

if TYPE_CHECKING:
    from vcfstats.audit.table.findings import TableAudit

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #ccc; }
th { background: #f2f2f2; } td.printed { font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } .drawn td { font-variant-numeric: tabular-nums; white-space: nowrap; }
.severity { font-weight: 700; white-space: nowrap; }
.impossible { border-left: .5rem solid #8b1a1a; } .inconsistent { border-left: .5rem solid #c46a00; } .note { border-left: .5rem solid #5b6b7a; }
.drawn .impossible { background: #fbe9e9; } .drawn .inconsistent { background: #fdf0dd; } .drawn .note { background: #eef2f6; }
.unread { outline: 2px dashed #8b1a1a; outline-offset: -3px; } .unchecked { color: #555; } sup a { text-decoration: none; font-weight: 700; }
@media print { body { margin: 0; max-width: none; } }
"""
_CLASSES = {UNREAD: "unread", UNCHECKED: "unchecked"}


def html_page(audit: TableAudit, title: str) -> str:
    """Return the report as one page without scripts, images or links to other files."""
    cohorts = "".join(
        f"<tr><td>{escape(c.cohort or 'all')}</td><td>{or_dash(c.n)}</td><td>{or_dash(c.events)}</td><td>{or_dash(c.nonevents)}</td>"
        f"<td>{escape(c.basis)}{escape('; ' + c.also_fits if c.also_fits else '')}</td><td>{c.rows_fitting} of {c.rows}</td></tr>"
        for c in audit.cohorts
    )
    rows = "".join(_finding_row(number, finding) for number, finding in enumerate(audit.findings, start=1))
    meaning = "".join(f"<li><b>{name}</b>: {escape(text)}</li>" for name, text in MEANING.items())
    looked = ", ".join(f"{escape(name)} {count}" for name, count in audit.checked.items() if count)
    parts = [
        f"<h1>{escape(title)}</h1><p>{escape(summary(audit))}</p><ul>{meaning}</ul>",
        "<h2>Class counts</h2><table><thead><tr><th>cohort</th><th>n</th><th>events</th><th>non-events</th><th>basis</th><th>rows that fit</th></tr></thead>"
        f"<tbody>{cohorts}</tbody></table>" if cohorts else "",
        "<h2>Findings</h2><table><thead><tr><th>no.</th><th>severity</th><th>check</th><th>where</th><th>printed</th><th>arithmetic</th><th>to mend</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>" if rows else "",
        *(_table(audit, table) for table in audit.tables),
        f"<p>Looked at: {looked}.</p>",
    ]  # fmt: skip
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _finding_row(number: int, finding: Finding) -> str:
    return (
        f'<tr class="{finding.severity}" id="f{finding.id}"><td class="{finding.severity}">{number}</td><td class="severity">{finding.severity}</td><td>{escape(finding.check)}</td>'
        f'<td>{escape(finding.where)}</td><td class="printed">{escape(finding.printed)}</td><td>{escape(finding.arithmetic)}</td><td>{escape(finding.mend)}</td></tr>'
    )


def _table(audit: TableAudit, table: TableRead) -> str:
    """Draw a table: the worst finding colours a cell, numbers lead to the findings, the pointer tells what it was read as."""
    on: dict[tuple[int, int], list[tuple[int, Finding]]] = {}
    for number, finding in enumerate(audit.findings, start=1):
        for order, row, column in dict.fromkeys(finding.cells):
            if order == table.order:
                on.setdefault((row, column), []).append((number, finding))
    lines: dict[int, list[str]] = {}
    for cell in table.cells:
        found = on.get((cell.row, cell.column), [])
        worst = min((f.severity for _, f in found), key=SEVERITIES.index, default="")
        classes = " ".join(part for part in (worst, _CLASSES.get(cell.state, "")) if part)
        marks = ", ".join(f'<a href="#f{f.id}">{number}</a>' for number, f in found)
        said = cell.role if cell.state == LABEL else f"{cell.role or 'no role'}: {cell.state}"
        lines.setdefault(cell.row, []).append(
            f'<td{f" class={chr(34)}{classes}{chr(34)}" if classes else ""} title="{escape(said or cell.state)}">{escape(cell.text)}{f"<sup>{marks}</sup>" if marks else ""}</td>'
        )
    heads = "".join(f"<th>{escape(name)}</th>" for name in table.headings)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for _, cells in sorted(lines.items()))
    return (
        f"<h2>{escape(table.name)} as it was read</h2><p>{escape(table.kind)}; a dashed frame marks what was not understood, grey what nothing could be held against.</p>"
        f'<div class="scroll"><table class="drawn"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )
