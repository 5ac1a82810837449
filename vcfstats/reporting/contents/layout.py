"""What the tables of the documents share."""

from __future__ import annotations

from vcfstats.reporting.tables import Column, Table


def message(text: str) -> Table:
    """Return a table that says why there is none."""
    return Table.of([Column("text", "Not available", width=100)], [{"text": text}])


def breakable(name: str) -> str:
    """Let a long name break after its dots, slashes and underscores."""
    return name.replace(".", ".\u200b").replace("/", "/\u200b").replace("_", "_\u200b")
