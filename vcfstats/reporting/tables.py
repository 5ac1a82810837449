"""One table, defined once, for HTML, Word, Typst, LaTeX and CSV."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import great_tables
import pandas as pd

from vcfstats.contracts.markup import csv_text, hypertext
from vcfstats.reporting.kernel import run_by_quarto
from vcfstats.reporting.values import MINUS

Align = Literal["left", "center", "right"]
INDENT = "\N{EM SPACE}"
_INTERVAL = re.compile(r"(\d%?) to ([−-]?\d)")
_FENCE = "`" * 12  # longer than any that a cell may hold
FOOTNOTE_MARKS = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐ"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key : str
        Its name in `rows`, and in CSV.
    label : str
        Its heading.
    align : {"left", "center", "right"}
        Of heading and cells.
    spanner : str
        Heading over this and the neighbouring columns with the same spanner.
    width : int
        Share of the page's width in percent; 0 leaves it to the text. Give it to all columns or to none.
    """

    key: str
    label: str
    align: Align = "left"
    spanner: str = ""
    width: int = 0


@dataclass(frozen=True)
class Table:
    """An immutable table of finished text.

    Build one with `Table.of`, add to it with `with_footnote` and `with_note`, which return new tables. In a notebook or a
    Quarto document it shows itself as HTML, which Quarto turns into Word and Typst.

    Attributes
    ----------
    columns : tuple of Column
        In order.
    rows : tuple of tuple of str
        One cell for each column.
    groups : tuple of str
        The row group of each row, or empty.
    notes : tuple of str
        Notes under the table, footnotes first.
    sources : tuple of tuple of str
        Where the cells come from, one for each cell, or empty: HTML tells readers who point at a cell.

    Examples
    --------
    >>> table = Table.of([Column("model", "Model"), Column("auc", "AUC", "right")], [{"model": "A", "auc": "0.871"}])
    >>> table = table.with_footnote("auc", "Area under the ROC curve.")
    >>> print(table.to_csv())
    model,auc
    A,0.871
    <BLANKLINE>
    >>> table.columns[1].label, table.notes
    ('AUCᵃ', ('ᵃ Area under the ROC curve.',))
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sources: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse rows that do not fit the columns."""
        width = len(self.columns)
        for number, row in enumerate(self.rows):
            if len(row) != width:
                raise ValueError(f"row {number} has {len(row)} cells, the table {width} columns")
        if (whole := sum(column.width for column in self.columns)) > 100:
            raise ValueError(
                f"the columns take {whole}% of the page's width: give them 100% at most, or the last are cut off"
            )
        if self.groups and len(self.groups) != len(self.rows):
            raise ValueError(f"{len(self.groups)} row groups for {len(self.rows)} rows: give one for each row, or none")

    @classmethod
    def of(
        cls,
        columns: Sequence[Column],
        rows: Iterable[Mapping[str, object]],
        *,
        groups: Sequence[str] = (),
        notes: Sequence[str] = (),
        sources: Sequence[str] = (),
    ) -> Table:
        """Make a table from one mapping a row.

        A cell that is `values.Sourced` brings its source; `sources`, one for each row, holds for the row's other cells that
        hold a number.
        """
        rows = list(rows)
        found = [[row[column.key] for column in columns] for row in rows]
        cells = tuple(tuple(str(cell) for cell in row) for row in found)
        of_rows = sources or [""] * len(rows)
        known = tuple(tuple(_source(cell, of_row) for cell in row) for row, of_row in zip(found, of_rows, strict=True))
        return cls(tuple(columns), cells, tuple(groups), tuple(notes), known if any(map(any, known)) else ())

    @property
    def _n_footnotes(self) -> int:
        return sum(note.startswith(mark + " ") for note, mark in zip(self.notes, FOOTNOTE_MARKS, strict=False))

    @property
    def order(self) -> list[int]:
        """Numbers of the rows in the order of print: those of a group stand together."""
        names = list(dict.fromkeys(self.groups))
        return sorted(range(len(self.rows)), key=lambda row: names.index(self.groups[row]) if names else 0)

    def with_footnote(self, where: str, text: str) -> Table:
        """Return the table with a footnote to a column (by key) or to a row (by its first cell).

        The mark is a Unicode letter, not formatting: it survives in Word, where a superscript becomes part of the number.
        """
        count = self._n_footnotes
        mark = FOOTNOTE_MARKS[count]
        columns = tuple(replace(c, label=c.label + mark) if c.key == where else c for c in self.columns)
        rows = tuple((row[0] + mark, *row[1:]) if row[0].strip(INDENT) == where else row for row in self.rows)
        if columns == self.columns and rows == self.rows:
            raise ValueError(f"no column with key {where!r} and no row with that first cell")
        notes = (*self.notes[:count], f"{mark} {text}", *self.notes[count:])
        return replace(self, columns=columns, rows=rows, notes=notes)

    def with_note(self, text: str) -> Table:
        """Return the table with a further note under it."""
        return replace(self, notes=(*self.notes, text))

    def to_frame(self) -> pd.DataFrame:
        """Return the cells as a frame; row groups are the column ``group``."""
        frame = pd.DataFrame(list(self.rows), columns=[column.key for column in self.columns], dtype=str)
        if self.groups:
            frame.insert(0, "group", list(self.groups))
        return frame

    def gt(self) -> great_tables.GT:
        """Return the great_tables object: style it further with its own methods."""
        identifier = "t" + hashlib.sha256(repr(self).encode()).hexdigest()[:10]
        keys = [f"column-{number}" for number in range(len(self.columns))]
        # A narrow cell breaks before an interval, never within it.
        shown = [
            [_INTERVAL.sub("\\1\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}\\2", cell) for cell in row] for row in self.rows
        ]
        frame = pd.DataFrame(shown, columns=keys, dtype=str)
        if self.groups:
            frame["row-group"] = list(self.groups)
        table = great_tables.GT(frame, groupname_col="row-group" if self.groups else None, id=identifier)
        table = table.cols_label(
            {key: great_tables.html(hypertext(c.label)) for key, c in zip(keys, self.columns, strict=True)}
        )
        for align in ("left", "center", "right"):
            chosen = [key for key, column in zip(keys, self.columns, strict=True) if column.align == align]
            table = table.cols_align(align, chosen) if chosen else table
        for spanner in dict.fromkeys(column.spanner for column in self.columns if column.spanner):
            under = [key for key, column in zip(keys, self.columns, strict=True) if column.spanner == spanner]
            table = table.tab_spanner(spanner, under, id=f"spanner-{keys.index(under[0])}")
        widths = {key: f"{column.width}%" for key, column in zip(keys, self.columns, strict=True) if column.width}
        table = table.cols_width(widths) if widths else table
        for note in self.notes:
            table = table.tab_source_note(great_tables.html(hypertext(note)))
        return table.tab_options(
            table_font_size="0.9em", data_row_padding="4px", source_notes_font_size="0.9em", table_width="100%",
            column_labels_font_weight="bold", row_group_font_weight="bold",
        )  # fmt: skip

    def to_html(self) -> str:
        """Return the table as HTML with its style."""
        # Classes alone do not tell Word and Typst how a cell is aligned: a readable `style` does, in HTML and out of it.
        aligned = re.sub(
            r'<(t[hd]) ([^>]*class="[^"]*gt_(left|center|right)[^"]*")',
            lambda m: f'<{m[1]} style="text-align: {m[3]}" {m[2]}',
            self.gt().as_raw_html(),
        )
        # Of a fixed layout a narrow screen would break numbers between their digits; so it scrolls sideways instead.
        aligned = aligned.replace('<table style="table-layout: fixed;', '<table style="table-layout: auto;', 1)
        return self._with_sources(aligned) if self.sources else aligned

    def _with_sources(self, text: str) -> str:
        """Name the source of each cell that has one, in the order in which the cells are printed."""
        sources = iter([source for row in self.order for source in self.sources[row]])

        def named(found: re.Match[str]) -> str:
            source = next(sources)
            return f'<td data-from="{hypertext(source)}"{found[1]}' if source else found[0]

        done = re.sub(r'<td( [^>]*class="gt_row [^"]*")', named, text)
        if next(sources, None) is not None:
            raise RuntimeError("the table has fewer cells in HTML than it has sources")
        return done

    def _bare_html(self) -> str:
        return re.sub(r"<style>.*?</style>", "", self.to_html(), flags=re.DOTALL)

    def to_typst(self) -> str:
        """Return the table as Typst markup."""
        return _pandoc(self._bare_html(), "typst")

    def to_latex(self) -> str:
        """Return the table as LaTeX (package longtable)."""
        return _pandoc(self._bare_html(), "latex")

    def to_docx(self, path: Path) -> None:
        """Write the table as a Word document of its own."""
        _pandoc(self._bare_html(), "docx", ("--output", str(path)))

    def to_csv(self) -> str:
        """Return the table as CSV; minus signs are hyphens there, so that programs read the numbers."""
        return csv_text(self.to_frame().map(lambda cell: cell.replace(MINUS, "-").replace(INDENT, "")))

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Show the table as HTML; to Quarto as HTML within Markdown, since for bare HTML it adds scripts of a CDN to the page."""
        if not run_by_quarto():
            return {"text/html": self.to_html(), "text/plain": str(self)}
        return {"text/markdown": f"{_FENCE}{{=html}}\n{self.to_html()}\n{_FENCE}", "text/plain": str(self)}

    def __str__(self) -> str:
        """Return the cells as aligned plain text."""
        return self.to_frame().to_string(index=False)


def _source(cell: object, row: str) -> str:
    return getattr(cell, "source", "") or (row if re.search(r"\d", str(cell)) else "")


def _pandoc(text: str, target: str, args: Sequence[str] = ()) -> str:
    from vcfstats.reporting.rendering.pandoc import pandoc  # so that a table is made without the rendering machinery

    return pandoc(text, source="html", target=target, args=args)
