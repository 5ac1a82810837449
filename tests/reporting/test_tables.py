"""One table, five formats."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import typst
from pypdf import PdfReader

from vcfstats.reporting import Column, Table
from vcfstats.reporting.rendering.crossref import Float
from vcfstats.reporting.rendering.pandoc import pandoc
from vcfstats.reporting.rendering.writers import parts, pdf
from vcfstats.reporting.tables import INDENT


@pytest.fixture
def table() -> Table:
    columns = [
        Column("name", "Name", width=40),
        Column("low", "Low & <high>", "right", "Interval", width=30),
        Column("high", "High", "center", "Interval", width=30),
    ]
    rows = [{"name": "A & <b>", "low": "0.1", "high": "−0.2"}, {"name": "\u2003B", "low": "12.5", "high": "3"}]
    return (
        Table.of(columns, rows, groups=["First", "Second"])
        .with_footnote("low", "Lower <limit>.")
        .with_footnote("B", "Of B.")
        .with_note("CI, interval.")
    )


def test_footnotes_are_letters_in_order_and_notes_come_last(table: Table) -> None:
    assert [column.label for column in table.columns] == ["Name", "Low & <high>ᵃ", "High"]
    assert table.rows[1][0] == "\u2003Bᵇ"
    assert table.notes == ("ᵃ Lower <limit>.", "ᵇ Of B.", "CI, interval.")


def test_adding_a_note_leaves_the_table_as_it_was(table: Table) -> None:
    before = repr(table)
    assert table.with_note("x") != table
    assert repr(table) == before
    with pytest.raises(AttributeError):
        table.notes = ()  # type: ignore[misc]


def test_a_footnote_to_nothing_and_rows_that_do_not_fit_are_refused(table: Table) -> None:
    with pytest.raises(ValueError, match="no column with key 'absent'"):
        table.with_footnote("absent", "x")
    with pytest.raises(ValueError, match="row 0 has 1 cells, the table 2 columns"):
        Table((Column("a", "A"), Column("b", "B")), (("1",),))
    with pytest.raises(ValueError, match="1 row groups for 2 rows"):
        Table((Column("a", "A"),), (("1",), ("2",)), groups=("g",))


def test_csv_reads_back(table: Table) -> None:
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert rows[0] == {"group": "First", "name": "A & <b>", "low": "0.1", "high": "-0.2"}
    assert float(rows[0]["high"]) == -0.2


def test_html_escapes_and_aligns(table: Table) -> None:
    html = table.to_html()
    assert "A &amp; &lt;b&gt;" in html
    assert "<b>" not in html
    assert re.search(r'<td style="text-align: right"[^>]*>0\.1</td>', html)
    assert html == table.to_html()


def test_typst_and_latex_hold_every_cell(table: Table) -> None:
    typst, latex = table.to_typst(), table.to_latex()
    for cell in ("0.1", "−0.2", "12.5", "Interval", "ᵃ Lower", "First", "Second"):
        assert cell in typst
        assert cell in latex
    assert "align(right" in typst or "align: right" in typst or "(left,right,center,)" in typst


def test_word_cells_are_aligned_and_notes_survive(
    table: Table, tmp_path: Path, cell_alignment: Callable[[str, str], str | None]
) -> None:
    path = tmp_path / "table.docx"
    table.to_docx(path)
    body = zipfile.ZipFile(path).read("word/document.xml").decode()
    assert cell_alignment(body, "0.1") == "right"
    assert cell_alignment(body, "−0.2") == "center"
    assert cell_alignment(body, "A &amp; &lt;b&gt;") in ("left", "start", None)
    assert "ᵃ" in body
    assert "superscript" not in body


def typst_texts(table: Table) -> tuple[str, str]:
    """A table in Typst as pandoc writes it, and with the rows marked that others belong to."""
    text = table.to_html()
    given = Float("tbl-x", "Table 1", [], [{"t": "RawBlock", "c": ["html", text]}])
    blocks = parts.bare_table(given, parts.html_blocks([text]), pdf._typst_notes, pdf._typst_group, pdf._typst_stay)
    version = json.loads(pandoc("x", source="markdown", target="json"))["pandoc-api-version"]
    tree = {"pandoc-api-version": version, "meta": {}, "blocks": blocks}
    written = pandoc(json.dumps(tree), source="json", target="typst")
    return written, pdf._group_headers(written)


def set_pages(body: str, height: int, folder: Path) -> list[list[str]]:
    """The lines of each page, of this height in mm."""
    source, out = folder / "table.typ", folder / "table.pdf"
    source.write_text(
        f"#set page(height: {height}mm, width: 100mm)\n#show figure: set block(breakable: true)\n{body}",
        encoding="utf-8",
    )
    typst.compile(str(source), output=str(out), ignore_system_fonts=True)
    return [page.extract_text().splitlines() for page in PdfReader(out).pages]


def test_the_heading_of_a_group_never_ends_a_page(tmp_path: Path) -> None:
    rows = [{"name": f"row{i}", "value": str(i)} for i in range(24)]
    groups = [f"Heading {'ABC'[i // 8]} [of 8]" for i in range(24)]
    table = Table.of([Column("name", "Name"), Column("value", "Value", "right")], rows, groups=groups)
    text, marked = typst_texts(table)
    assert marked.count("table.header(level: 2") == 3
    wrong = {"before": 0, "after": 0}
    repeated = 0
    for height in range(70, 120, 4):
        for name, body in (("before", text), ("after", marked)):
            pages = set_pages(body, height, tmp_path)
            wrong[name] += sum("Heading" in lines[-1] for lines in pages[:-1])
            if name == "after":
                repeated += sum(any("Heading" in line for line in lines[:3]) for lines in pages[1:])
                assert sum(line.startswith("row") for lines in pages for line in lines) == 24
    assert wrong["before"] > 0  # the pages are such that it would happen
    assert wrong["after"] == 0
    assert repeated > 0


def levels() -> Table:
    """Variables of two levels each, one that has none between them; brackets as in a heading's unit."""
    rows = []
    for name in "ABCD":
        rows += [{"name": f"Variable {name} [n (%)]", "value": ""}, *({"name": f"{INDENT}level {name}{k}", "value": str(k)} for k in (1, 2))]  # fmt: skip
    return Table.of(
        [Column("name", "Name"), Column("value", "Value", "right")], [*rows, {"name": "Age", "value": "64"}]
    )


def test_a_variable_never_ends_a_page_before_its_levels(tmp_path: Path) -> None:
    text, marked = typst_texts(levels())
    assert marked.count("repeat: false") == 4
    wrong = {"before": 0, "after": 0}
    for height in range(66, 110, 3):
        for name, body in (("before", text), ("after", marked)):
            pages = set_pages(body, height, tmp_path)
            lines = [line for page in pages for line in page]
            # Each once, in order: a variable does not come again over the levels of the next page, or over another variable.
            assert [line[9] for line in lines if line.startswith("Variable")] == list("ABCD")
            assert sum("level" in line for line in lines) == 8
            wrong[name] += sum(page[-1].startswith("Variable") for page in pages[:-1])
    assert wrong["before"] > 0  # the pages are such that it would happen
    assert wrong["after"] == 0


def test_a_variable_stays_with_its_levels_in_word(tmp_path: Path) -> None:
    from vcfstats.reporting.rendering.word import keep_together

    path = tmp_path / "table.docx"
    levels().to_docx(path)
    keep_together(path)
    rows = zipfile.ZipFile(path).read("word/document.xml").decode().split("<w:tr>")[1:]
    kept = {re.sub(r"<[^>]+>", "", row.partition("</w:tc>")[0]) for row in rows if "<w:keepNext/>" in row}
    assert kept == {f"Variable {name} [n (%)]" for name in "ABCD"}


def test_rows_stay_whole_and_groups_with_their_headings_in_word(tmp_path: Path) -> None:
    from vcfstats.reporting.rendering.word import keep_together

    path = tmp_path / "table.docx"
    body = '<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr></w:tr><w:tr><w:tc><w:tcPr><w:gridSpan w:val="9" /></w:tcPr><w:p><w:pPr><w:pStyle w:val="Compact" /></w:pPr></w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:pPr><w:pStyle w:val="Compact" /></w:pPr></w:p></w:tc></w:tr></w:tbl>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", body)
        archive.writestr("word/other.xml", body)
    keep_together(path)
    found = zipfile.ZipFile(path).read("word/document.xml").decode()
    assert found.count("<w:cantSplit/>") == 2
    assert "<w:trPr><w:tblHeader/></w:trPr>" in found
    assert found.count('<w:pStyle w:val="Compact" /><w:keepNext/>') == 1
    assert found.index("keepNext") < found.rindex("<w:tr>")  # of the heading, not of its row
    assert zipfile.ZipFile(path).read("word/other.xml").decode() == body
    keep_together(path)
    assert zipfile.ZipFile(path).read("word/document.xml").decode() == found


def test_a_narrow_screen_scrolls_instead_of_breaking_numbers(table: Table) -> None:
    wide = Table.of([Column("a", "A", width=6), Column("b", "B", "right", width=94)], [{"a": "0.871", "b": "1"}])
    for made in (table, wide):
        text = made.to_html()
        assert "table-layout: fixed" not in text
        assert "overflow-x:auto" in text
