"""A report of an audit for three readers: a pull request (Markdown), a browser (one page by itself), a terminal."""

from __future__ import annotations

import re
from html import escape

from rich.console import Console, RenderableType
from rich.markup import escape as literal
from rich.table import Table
from rich.text import Text

from vcfstats.audit.change.report import Report, Section
from vcfstats.contracts.markup import common, one_line

_CODE = re.compile(r"`([^`]*)`")
_BREAK = re.compile(r"(?<=[/.])")  # where a long key may break
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #ccc; font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
td:first-child { min-width: 11rem; }
th { background: #f2f2f2; overflow-wrap: normal; } code { font-size: .95em; }
section.alarm { border-left: .4rem solid #8b1a1a; padding-left: 1rem; } p.note { color: #444; font-size: .9rem; }
div.wide { overflow-x: auto; }
@media print { body { margin: 0; max-width: none; } }
"""


def markdown(report: Report) -> str:
    """Return the report as Markdown."""
    lines = [f"## {_common(report.title)}", ""]
    for section in report.sections:
        lines += [f"### {_common(section.title)}", ""]
        lines += [f"- {_common(line)}" for line in section.lines]
        lines += [""] if section.lines else []
        if section.rows:
            lines += [_row(section.header), "|" + "---|" * len(section.header), *map(_row, section.rows), ""]
        lines += [_common(section.note), ""] if section.note else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_common(cell) for cell in cells) + " |"


def _common(text: str) -> str:
    """Escape, but for what stands between backticks, which is code as it is."""
    parts = _CODE.split(text)
    return "".join(
        f"`{one_line(part)}`".replace("|", "\\|") if at % 2 else common(part) for at, part in enumerate(parts)
    ).strip()


def page(report: Report) -> str:
    """Return the report as one HTML page without scripts, images or links to other files."""
    body = "".join(_section(section) for section in report.sections)
    title = escape(report.title)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>\n"
    )


def _section(section: Section) -> str:
    parts = [f"<h2>{_html(section.title)}</h2>"]
    if section.lines:
        parts.append(f"<ul>{''.join(f'<li>{_html(line)}</li>' for line in section.lines)}</ul>")
    if section.rows:
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in section.header)
        rows = "".join(f"<tr>{''.join(f'<td>{_html(cell)}</td>' for cell in row)}</tr>" for row in section.rows)
        parts.append(f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>')
    if section.note:
        parts.append(f'<p class="note">{_html(section.note)}</p>')
    return f"<section{' class=alarm' if section.alarm else ''}>{''.join(parts)}</section>"


def _html(text: str) -> str:
    """Escape, with what stands between backticks as code that may break after slashes and dots."""
    return _CODE.sub(lambda m: f"<code>{_BREAK.sub('<wbr>', m[1])}</code>", escape(text))


def to_terminal(report: Report, console: Console) -> None:
    """Print the report."""
    console.print(Text(report.title, style="bold"))
    for section in report.sections:
        console.print()
        console.print(Text(_CODE.sub(r"\1", section.title), style="bold red" if section.alarm else "bold cyan"))
        for line in section.lines:
            console.print("  " + _CODE.sub(r"[bold]\1[/bold]", literal(line)), soft_wrap=True)
        if section.rows:
            console.print(_table(section))
        if section.note:
            console.print(Text(_CODE.sub(r"\1", section.note), style="dim"))


def _table(section: Section) -> RenderableType:
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for name in section.header:
        table.add_column(name, overflow="fold")
    for row in section.rows:
        table.add_row(*(literal(_CODE.sub(r"\1", cell)) for cell in row))
    return table
