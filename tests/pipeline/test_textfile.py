"""Tables of text: whatever wrote them, the cells come back as they are written, or one sentence says why not."""

import pandas as pd
import pytest

from vcfstats.contracts.errors import InputError
from vcfstats.pipeline.cohort_files import find_table
from vcfstats.pipeline.textfile import folded, read_text_table

ROWS = [["id", "Größe", "note"], ["007", "1,5", "a; b"], ["7", "", 'the "x"']]


def read(path):
    return read_text_table(path, what="a table", mend="make one")


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, content):
    with pytest.raises(InputError) as error:
        read(written(path, content))
    return [str(problem) for problem in error.value.problems]


def text_of(separator, end="\n"):
    def quote(cell):
        return '"' + cell.replace('"', '""') + '"' if set(cell) & {separator, '"', ";"} else cell

    return end.join(separator.join(map(quote, row)) for row in ROWS) + end


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_separator_encoding_and_line_end_gives_the_same_cells(tmp_path, separator, codec, end):
    table = read(written(tmp_path / "t.csv", text_of(separator, end).encode(codec)))
    assert table.separator == separator
    assert [list(table.cells.columns), *table.cells.to_numpy().tolist()] == ROWS


def test_spaces_blank_lines_and_empty_columns_at_the_end_say_nothing(tmp_path):
    table = read(written(tmp_path / "t.csv", " id , a\u00a0,,\n\n 1,\u00a0x ,,\n,,,\n2, y,,\n"))
    assert table.cells.to_dict("list") == {"id": ["1", "2"], "a": ["x", "y"]}
    assert list(table.cells.index) == [3, 5]  # lines of the file
    assert table.problems == ()


def test_the_line_that_a_spreadsheet_puts_first_names_the_separator(tmp_path):
    assert read(written(tmp_path / "t.csv", "sep=;\r\nid;a,b\r\n1;2\r\n")).cells.to_dict("list") == {"id": ["1"], "a,b": ["2"]}  # fmt: skip
    assert "sep=x" in refused(tmp_path / "t.csv", "sep=x\nidxa\n1x2\n")[0]


def test_column_names_keep_their_line_breaks(tmp_path):
    table = read(written(tmp_path / "t.csv", 'id,"Age\n(years)"\n1,2\n'))
    assert list(table.cells.columns) == ["id", "Age\n(years)"]
    assert list(table.cells.index) == [3]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"\n\n", "an empty file"),
        (b"id,a\n", "no rows"),
        (b"id,a\n6\x003,1\n", "the character U+0000 in line 2 (in 'id,a\\n"[:33]),
        (b"id,a\n1,x\x1a\n", "U+001A in line 2"),
        ("id,a\n1,M\ufffdller\n".encode(), "U+FFFD in line 2"),
        ("id,a\n1,\ufeff2\n".encode(), "U+FEFF in line 2"),
        ("id,a\n1,männlich\n".encode("cp1252"), "no UTF-8 in line 2 (byte 0xE4: '1,männlich', if it is Windows text)"),
        (b"PK\x03\x04rest", "an Excel or LibreOffice workbook"),
        (b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"),
        (b"\x1f\x8brest", "compressed by gzip"),
        ("id,a\n1,2\n".encode("utf-16")[:-1], "no UTF-16"),
        (b"id,a\n1\n2,3\n", "1 cells in line 2 ('1')"),
        (b"id,a\n1,2\n2,3,4\n", "3 cells in line 3 ('2,3,4')"),
        (b'id,a\n1,"2\n3,4\n', "cannot be read (unexpected end of data)"),
        (b'id,a\n1,"2"x\n', "a row that begins in line 2"),
        (b"id,age,age\n1,2,3\n", "2 columns named 'age', whose cells differ in 1 row"),
        (b"id,age, age \n1,2,2\n", "2 columns named 'age', all cells alike"),
        (b"id,a;b\n1,x;y\n", "2 columns by comma and as many by semicolon"),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_line(tmp_path, content, said):
    found = refused(tmp_path / "t.csv", content)
    assert any(said in problem for problem in found), found
    assert all("t.csv" in problem for problem in found)


def test_what_is_no_file_is_one_error(tmp_path):
    for path, said in ((tmp_path, "no regular file"), (tmp_path / "none.csv", "no such file")):
        with pytest.raises(InputError, match=said):
            read(path)


def test_a_column_without_a_name_is_left_out_and_told(tmp_path):
    table = read(written(tmp_path / "t.csv", '"","id"\n"1","a"\n'))  # as R writes row names
    assert table.cells.to_dict("list") == {"id": ["a"]}
    assert "values without a name in column 1" in table.problems[0].found


def test_rows_that_a_stray_quotation_mark_joins_are_told(tmp_path):
    table = read(written(tmp_path / "t.csv", 'id,note,age\n1,"x,6\n2,y",7\n'))
    assert "over several lines in line 2" in table.problems[0].found


def test_decimal_commas_do_not_make_columns(tmp_path):
    table = read(written(tmp_path / "t.csv", "id;age;bmi\n1;61,5;20,1\n2;59,5;19,2\n"))
    pd.testing.assert_series_equal(table.cells["age"], pd.Series(["61,5", "59,5"], index=[2, 3], name="age"), check_index=False)  # fmt: skip


def test_what_looks_the_same_is_folded_to_the_same():
    assert folded(" Größe\u00a0(cm) ") == folded("Gro\u0308ße (CM)")


def test_a_workbook_beside_no_table_is_seen(tmp_path):
    (tmp_path / "Patienten.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r"no cohort table, but Patienten.xlsx.*save it as `CSV UTF-8`.*cohort.csv"):
        find_table(tmp_path)
    (tmp_path / "a.csv").write_text("id\n1\n")
    with pytest.raises(InputError, match=r"rename a\.csv to cohort\.csv"):
        find_table(tmp_path)
