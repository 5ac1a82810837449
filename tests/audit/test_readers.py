"""What people hold: Word, Excel, PDF, HTML, Markdown, pasted text; and the one error of what cannot be read."""

import io
import sys
import zipfile

import pytest
from typer.testing import CliRunner

from vcfstats import audit_table
from vcfstats.audit.commands import app
from vcfstats.audit.table.files import read_tables
from vcfstats.contracts.errors import InputError

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEADS = ["Model", "Accuracy", "Sensitivity", "Specificity", "PPV", "NPV"]
RIGHT = ["A", "0.762", "0.770", "0.757", "0.653", "0.848"]
WRONG = ["B", "0.762", "0.770", "0.757", "0.653", "0.948"]
TITLE = "Table 2. Performance of the models"


def paragraph(text, *, raised=""):
    mark = f'<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>{raised}</w:t></w:r>' if raised else ""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r>{mark}</w:p>"


def cell(text, *, span=1, merge="", raised=""):
    own = (f'<w:gridSpan w:val="{span}"/>' if span > 1 else "") + merge
    return f"<w:tc><w:tcPr>{own}</w:tcPr>{paragraph(text, raised=raised)}</w:tc>"


def row(*cells):
    return f"<w:tr>{''.join(c if c.startswith('<') else cell(c) for c in cells)}</w:tr>"


def word(path, *blocks):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document {W}><w:body>{''.join(blocks)}</w:body></w:document>")
    return path


def table_of(*rows):
    return f"<w:tbl>{''.join(rows)}</w:tbl>"


def excel(path, sheets, *, formats=("General", "0.000", "0.0%"), merged=""):
    styles = "".join(f'<numFmt numFmtId="{200 + i}" formatCode="{code}"/>' for i, code in enumerate(formats))
    used = "".join(f'<xf numFmtId="{200 + i}"/>' for i in range(len(formats)))
    relations = "".join(f'<Relationship Id="r{i}" Target="worksheets/s{i}.xml"/>' for i in range(len(sheets)))
    names = "".join(f'<sheet name="{name}" sheetId="{i + 1}" r:id="r{i}"/>' for i, name in enumerate(sheets))
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", f'<workbook {S} xmlns:r="{office}"><sheets>{names}</sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relations}</Relationships>")
        archive.writestr(
            "xl/styles.xml", f"<styleSheet {S}><numFmts>{styles}</numFmts><cellXfs>{used}</cellXfs></styleSheet>"
        )
        for i, lines in enumerate(sheets.values()):
            body = ""
            for r, line in enumerate(lines, start=1):
                cells = ""
                for c, value in enumerate(line):
                    if isinstance(value, tuple):  # a number and its format
                        cells += f'<c r="{chr(65 + c)}{r}" s="{value[1]}"><v>{value[0]}</v></c>'
                    elif value:
                        cells += f'<c r="{chr(65 + c)}{r}" t="inlineStr"><is><t>{value}</t></is></c>'
                body += f'<row r="{r}">{cells}</row>'
            archive.writestr(
                f"xl/worksheets/s{i}.xml", f"<worksheet {S}><sheetData>{body}</sheetData>{merged}</worksheet>"
            )
    return path


def hard(path, **options):
    audit = audit_table(read_tables(path), **options)
    return [(f.severity, f.check, f.where) for f in audit.findings if f.severity != "note"]


FOUND = [("impossible", "confusion matrix", "Table 2, row 2 (B)")]


def lines(sign, rows=(HEADS, RIGHT, WRONG)):
    return "\n".join(sign.join(line) for line in rows)


TEXTS = {
    "a.md": f"Some prose with 0.9 in it.\n\n**{TITLE}**\n\n| {' | '.join(HEADS)} |\n|---|---|---|---|---|---|\n| {' | '.join(RIGHT)} |\n| **B** | {' | '.join(WRONG[1:])} |\n",
    "a.tsv": f"{TITLE}\n{lines(chr(9))}\n",
    "a.txt": f"{TITLE}\n{lines(chr(9))}\n",
    "b.txt": f"{TITLE}\n{lines(',')}\n".replace("\nModel", "\n\nModel"),
    "b.csv": f"{TITLE}\n{lines(',')}\n",
    "c.txt": f"Figures were computed in R.\n{TITLE}\n" + "\n".join(f"{line[0]:10}" + "".join(f"{c:>14}" for c in line[1:]) for line in (HEADS, RIGHT, WRONG)) + "\nThe end of the page.\n",
    "a.html": f"<html><head><title>x 0.9</title></head><body><p>Text</p><p>{TITLE}</p><table><thead><tr><th>{'</th><th>'.join(HEADS)}<sup>a</sup></th></tr></thead><tbody><tr><td>{'</td><td>'.join(RIGHT)}</td></tr><tr><td>{'</td><td>'.join(WRONG)}<sup>b</sup></td></tr></tbody></table></body></html>",
    "b.htm": f"<table><caption>{TITLE}</caption><tr><td>{'<td>'.join(HEADS)}<tr><td>{'<td>'.join(RIGHT)}<tr><td>{'<td>'.join(WRONG)}</table>",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_text_of_every_kind_holds_the_same_table(name, tmp_path):
    (tmp_path / name).write_text(TEXTS[name], encoding="utf-8")
    assert hard(tmp_path / name) == FOUND


def test_a_word_document(tmp_path):
    body = table_of(
        row(*HEADS[:-1], cell("NPV", raised="a")), row(*RIGHT), row(*WRONG[:-1], cell("0.948", raised="b, c"))
    )
    assert hard(word(tmp_path / "a.docx", paragraph(TITLE), body, paragraph("a Negative predictive value."))) == FOUND


def test_merged_headings_and_merged_rows_of_a_word_document(tmp_path):
    """Cohorts above metrics, the model's cell over two lines; B's training accuracy should be 0.762."""
    start, on = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    body = table_of(
        row(cell("Model", merge=start), cell("Inputs", merge=start), cell("Training cohort (n = 164)", span=3), cell("Testing cohort (n = 70)", span=3)),
        row(cell("", merge=on), cell("", merge=on), "SEN", "SPE", "ACC", "SEN", "SPE", "ACC"),
        row(cell("SVM", merge=start), "five", "0.770", "0.757", "0.762", "0.667", "0.739", "0.714"),
        row(cell("", merge=on), "twenty", "0.770", "0.757", "0.862", "0.667", "0.739", "0.714"),
    )  # fmt: skip
    path = word(tmp_path / "a.docx", body)
    audit = audit_table(read_tables(path))
    assert hard(path) == [("impossible", "confusion matrix", "row 2 (SVM, twenty-Training cohort (n = 164))")]
    assert {(c.cohort, c.n, c.events) for c in audit.cohorts} == {("training", 164, 61), ("testing", 70, 24)}


def test_a_manuscript_is_audited_as_a_whole(tmp_path):
    """Two tables and the text; what the discussion cites of others is left alone."""
    described = [["Variable", "All", "Training", "Testing"], ["Sex", "", "", ""], ["Male", "105 (44.87)", "73 (44.51)", "32 (46.71)"],
                 ["Female", "129 (55.13)", "91 (55.49)", "38 (54.29)"]]  # fmt: skip
    path = word(
        tmp_path / "paper.docx",
        paragraph("Results"),
        paragraph("The nomogram had a sensitivity of 0.797, and 44.5% were men."),
        paragraph("Table 1. Characteristics"),
        table_of(*(row(*line) for line in described)),
        paragraph(TITLE),
        table_of(row(*HEADS), row(*RIGHT), row(*WRONG)),
        paragraph("Table 3. Software"),
        table_of(row("Name", "Version"), row("R", "4.2.2"), row("Python", "3.11")),
        paragraph("Discussion"),
        paragraph("Others reported a sensitivity of 0.797 for model A."),
    )
    audit = audit_table(read_tables(path))
    assert {(f.check, f.where.split(",")[0]) for f in audit.findings if f.severity != "note"} == {
        ("confusion matrix", "Table 2"),
        ("percentage", "Table 1. Characteristics"),
    }
    assert not [f for f in audit.findings if f.check == "claim"]  # prose speaks of what no table prints
    assert [table.kind for table in audit.tables] == ["baseline", "performance", "unknown"]
    assert "not understood" in audit.to_text()


def test_an_excel_workbook_keeps_zeros_and_percent_signs(tmp_path):
    """0.77 under the format 0.000 is 0.770, 0.653 under 0.0% is 65.3%: without them B's row would stand for more."""
    numbers = [("0.762", 1), ("0.77", 1), ("0.757", 1), ("0.653", 2)]
    path = excel(tmp_path / "a.xlsx", {"Table 2": [HEADS, ["A", *numbers, ("0.848", 1)], ["B", *numbers, ("0.94799999999999995", 0)]],
                                       "Notes": [["Prose", ""], ["nothing", ""]]})  # fmt: skip
    frame = read_tables(path)[0]
    assert frame.iloc[0].tolist() == ["A", "0.762", "0.770", "0.757", "65.3%", "0.848"]
    assert frame.iloc[1, 5] == "0.948"
    assert hard(path) == FOUND


def test_a_pdf(tmp_path):
    """Words placed on the page as a journal's typesetter does, without any structure."""
    rows = [(700, [TITLE]), (680, HEADS), (660, RIGHT), (640, WRONG)]
    text = "".join(
        f"BT /F1 9 Tf {60 + 85 * at} {y} Td ({word}) Tj ET\n" for y, words in rows for at, word in enumerate(words)
    )
    (tmp_path / "a.pdf").write_bytes(pdf(text))
    assert hard(tmp_path / "a.pdf") == FOUND


def pdf(content):
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}endstream", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]  # fmt: skip
    out, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(
        f"{place:010d} 00000 n \n" for place in places
    )
    return (out + f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").encode("latin-1")


def test_pasted_text(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(TEXTS["a.tsv"]))
    result = CliRunner().invoke(app, ["table", "-"], input=TEXTS["a.tsv"])
    assert result.exit_code == 1
    assert "NPV" in result.output


BAD = {
    "a.docx": b"PK\x03\x04 nothing", "b.docx": b"words", "a.xlsx": b"words", "a.pdf": b"%PDF-1.4 nothing", "a.doc": b"\xd0\xcf", "a.xls": b"\xd0\xcf",
    "a.csv": b"PK\x03\x04\x00", "a.html": b"<p>No table here</p>", "b.html": b"", "a.md": b"",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_ends_in_one_error(name, tmp_path):
    (tmp_path / name).write_bytes(BAD[name])
    with pytest.raises(InputError, match="To mend: "):
        read_tables(tmp_path / name)


def test_hostile_archives_are_refused(tmp_path):
    entities = f'<!DOCTYPE a [<!ENTITY b "bbbb">]><w:document {W}><w:body><w:p/></w:body></w:document>'
    for name, content in (("a.docx", entities), ("b.docx", "<w"), ("c.docx", f"<w:document {W}/>")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("word/document.xml", content)
        with pytest.raises(InputError, match="a Word document"):
            read_tables(tmp_path / name)
    far = excel(tmp_path / "far.xlsx", {"a": [["x"]]}, merged=f'<x {S}><row><c r="XFD1048576"><v>1</v></c></row></x>')
    with pytest.raises(InputError, match="more than any printed table"):
        read_tables(far)
