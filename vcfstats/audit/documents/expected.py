"""The tables that the documents should hold, made anew from the results."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from vcfstats.audit.documents.reading import ReadTable, tidy
from vcfstats.reporting.rendering.source import Prose, read_source
from vcfstats.reporting.tables import Table


def expected_tables(document: Path, root: Path) -> dict[str, Table]:
    """Return label -> table, by running the cells of a document that make one; the documents' setup cell comes first.

    Only cells under a table's label run, and what they return is compared cell by cell with what a reader sees: a table
    that was edited, cut off or garbled on its way into a format does not pass.
    """
    source = read_source(document)
    space: dict[str, Any] = {}
    label = ""
    found: dict[str, Table] = {}
    before = Path.cwd()
    os.chdir(document.parent if document.parent.is_dir() else root)
    try:
        for part in source.body:
            if isinstance(part, Prose):
                label = _opened(part.text) or label
                continue
            own = str(part.options.get("label", ""))
            name = own if own.startswith(("tbl-", "supptbl-")) else label
            if part.options.get("include") is False:
                exec(compile(part.code, str(document), "exec"), space)
            elif name:
                made = eval(compile(part.code.strip(), str(document), "eval"), space)
                if isinstance(made, Table):
                    found[name] = made
                label = ""
    finally:
        os.chdir(before)
    return found


def _opened(text: str) -> str:
    """Return the label of a table's div that opens in this text, or nothing."""
    found = re.findall(r"\{#((?:supp)?tbl-[\w-]+)", text)
    return found[-1] if found else ""


def rows_of(table: Table) -> list[tuple[str, ...]]:
    """Return a table's rows as pages print them: heading, group headings alone, cells. Notes are text."""
    rows = [tuple(tidy(column.label) for column in table.columns)]
    last = None
    for number in table.order:
        row = table.rows[number]
        if table.groups and table.groups[number] != last:
            last = table.groups[number]
            rows.append((tidy(last),))
        rows.append(tuple(map(tidy, row)))
    return rows


def differences(table: Table, read: ReadTable) -> list[str]:
    """Return where a table as printed departs from the table as made."""
    width = len(table.columns)
    wanted = [row for row in rows_of(table) if len(row) == width]
    there = [row for row in read.rows if len(row) == width]
    if width == 1:
        there = there[: len(wanted)]  # a format may lay the notes under a table of one column as further rows
    heading = wanted[0]
    if any(column.spanner for column in table.columns):
        # Headings over headings come in two rows, whose cells formats share out differently: the body is compared.
        wanted, there = wanted[1:], there[-(len(wanted) - 1) :] if len(wanted) > 1 else []
    if len(wanted) != len(there):
        return [f"{len(there)} rows where the results make {len(wanted)}"]
    return [
        f"row {number} ({row[0]}), column {name}: {shown!r} where the results say {cell!r}"
        for number, (row, printed) in enumerate(zip(wanted, there, strict=True))
        for name, cell, shown in zip(heading, row, printed, strict=True)
        if cell != shown
    ]
