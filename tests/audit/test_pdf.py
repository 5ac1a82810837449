"""PDFs read back: words off the page, over one another, and what a PDF lacks of the page beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typst

from vcfstats.audit.documents.pdf import ReadPdf, Run, missing, overprinted, read_pdf
from vcfstats.audit.documents.reading import Block, ReadTable
from vcfstats.contracts.errors import InputError

ROWS = [(f"Feature {number}", f"{number / 7:.3f}", f"−{number / 9:.2f}") for number in range(70)]
CELLS = ", ".join(f"[{cell}]" for row in ROWS for cell in row)
TABLE = ReadTable("supptbl-score", (("Feature", "Mean", "SD"), *ROWS))
BLOCKS = [Block(text, text) for text in ("The AUC was 0.871.", "Table S1. Scores of the LASSO.", "Table S2. Few.")]
FEW = ReadTable("supptbl-few", (("A", "B"), ("x", "12")))
# A table as Quarto 1.11 writes it for Typst: a figure of a kind of its own, which is not cut at the end of a page unless a rule
# for that very kind says so.
FLOAT = """
#figure([#table(columns: 3, table.header([Feature], [Mean], [SD]), {cells})],
  caption: figure.caption(position: top, separator: none, [{caption}]), kind: "{kind}", supplement: none, numbering: none)
"""
SMALL = FLOAT.format(cells="[x], [12], [–]", caption="Table S2. Few.", kind="quarto-float-supptbl")


def pdf(tmp_path: Path, *parts: str) -> ReadPdf:
    source = tmp_path / "a.typ"
    source.write_text("#set page(width: 12cm, height: 16cm)\n" + "\n".join(parts), encoding="utf-8")
    typst.compile(str(source), output=str(tmp_path / "a.pdf"), ignore_system_fonts=True)
    return read_pdf(tmp_path / "a.pdf")


def long(kind: str, cells: str = CELLS) -> str:
    return FLOAT.format(cells=cells, caption="Table S1. Scores of the LASSO.", kind=kind)


WHOLE = '#show figure.where(kind: "quarto-float-supptbl"): set block(breakable: true)'


def test_a_pdf_that_holds_all_lacks_nothing(tmp_path: Path) -> None:
    read = pdf(tmp_path, WHOLE, "The AUC was 0.871.", long("quarto-float-supptbl"), SMALL)
    assert read.lost == ()
    assert missing(read, BLOCKS, [TABLE, FEW]) == []


def test_a_table_that_runs_off_its_page_is_found(tmp_path: Path) -> None:
    read = pdf(tmp_path, "The AUC was 0.871.", long("quarto-float-supptbl"), SMALL)
    assert len(read.lost) > 50
    # Its last rows are printed over one another at the foot of the page.
    assert any(" over " in lost for lost in read.lost)


def test_a_table_that_is_left_out_is_found_by_its_name(tmp_path: Path) -> None:
    read = pdf(tmp_path, WHOLE, "The AUC was 0.871.", "Table S1. Scores of the LASSO.", SMALL)
    (lack,) = missing(read, BLOCKS, [TABLE, FEW])
    assert lack == "209 numbers of Table S1 missing, such as 0, 0.000, -0.00"


def test_a_caption_and_a_number_that_are_missing_are_found(tmp_path: Path) -> None:
    read = pdf(tmp_path, WHOLE, "The AUC was 0.872.", long("quarto-float-supptbl"))
    assert missing(read, BLOCKS, [TABLE, FEW]) == [
        "no caption 'Table S2. Few.'",
        "1 number of the text missing, such as 0.871",
    ]


def test_a_changed_cell_is_found(tmp_path: Path) -> None:
    read = pdf(
        tmp_path, WHOLE, "The AUC was 0.871.", long("quarto-float-supptbl", CELLS.replace("[9.857]", "[9.858]")), SMALL
    )
    assert missing(read, BLOCKS, [TABLE, FEW]) == ["1 number of Table S1 missing, such as 9.857"]


def test_words_over_words_are_found_and_neighbours_are_not(tmp_path: Path) -> None:
    over = pdf(tmp_path, "#place(dx: 5mm, dy: 20mm)[wavelet feature]", "#place(dx: 12mm, dy: 21mm)[another one]")
    assert over.lost == ("'another one' over 'wavelet feature' on page 1",)
    beside = pdf(tmp_path, "#place(dx: 5mm, dy: 20mm)[wavelet feature]", "#place(dx: 5mm, dy: 25mm)[another one]")
    assert beside.lost == ()
    below = pdf(tmp_path, "#place(dx: 5mm, dy: 17cm)[wavelet feature]")
    assert below.lost == ("'wavelet feature' off page 1",)


def test_a_line_of_words_in_several_runs_is_not_over_itself() -> None:
    line = [Run("Table S6.", 62.0, 500.0, 9.0), Run(" Calibration of the headline models.", 98.0, 500.0, 9.0)]
    assert overprinted(line) == []
    assert overprinted([*line, Run("Something", 110.0, 502.0, 9.0)])


def test_names_that_break_at_a_hyphen_are_no_negative_numbers(tmp_path: Path) -> None:
    read = ReadPdf(tmp_path, " Table S1. Sums. SHA\u00ad 256 2 ", ())
    table = ReadTable("supptbl-a", (("SHA-256", "2"),))
    said = "Table S1. Sums."
    assert missing(read, [Block(said, said)], [table]) == []


def test_what_is_no_pdf_and_what_is_absent(tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(b"no document")
    with pytest.raises(InputError, match="no PDF"):
        read_pdf(tmp_path / "b.pdf")
    with pytest.raises(InputError, match="no such file"):
        read_pdf(tmp_path / "c.pdf")
