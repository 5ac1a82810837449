"""What Word files get after they are written: rows that stay together, and a line on every page that says that the data are simulated."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from vcfstats.contracts.files import replacing
from vcfstats.reporting.tables import INDENT

_NAME = "study-label.xml"
_SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/header"


# A row of one cell over several columns: the heading of a row group. A style of its own would not tell it: pandoc gives
# the text of every cell the style Compact.
_GROUP_CELL = re.compile(r'<w:gridSpan w:val="\d+"\s*/>')


def keep_together(path: Path) -> None:
    """Keep the heading of a row group with its rows, a variable with its levels, a caption with its table, each row on one page."""
    with (
        zipfile.ZipFile(path) as source,
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for item in source.infolist():
            body = source.read(item)
            if item.filename == "word/document.xml":
                text = body.decode()
                text = re.sub(r'(<w:pStyle w:val="TableCaption"\s*/>)(?!<w:keepNext)', r"\1<w:keepNext/>", text)
                text = re.sub(r"<w:tr>(?!\s*<w:trPr)", "<w:tr><w:trPr><w:cantSplit/></w:trPr>", text)
                # Not the heading that comes again on each page: where only that would fit, LibreOffice drops all rows below.
                text = re.sub(r"<w:trPr>(?!<w:cantSplit|\s*<w:tblHeader)", "<w:trPr><w:cantSplit/>", text)
                body = _headings_with_rows(text).encode()
            target.writestr(item, body, zipfile.ZIP_DEFLATED)


def _headings_with_rows(text: str) -> str:
    """Keep the heading of a row group, and each row that indented rows follow, on the page of the next row."""
    rows = re.split(r"(?=<w:tr>)", text)
    indented = [bool(re.match(rf"<w:tr>(?:(?!</w:tc>).)*?<w:t(?: [^>]*)?>{INDENT}", row, re.DOTALL)) for row in rows]
    for at in range(1, len(rows) - 1):
        heads = rows[at].count("<w:tc>") == 1 and _GROUP_CELL.search(rows[at])
        if heads or (indented[at + 1] and not indented[at]):
            rows[at] = re.sub(r"(<w:pStyle [^>]*/>)(?!<w:keepNext)", r"\1<w:keepNext/>", rows[at], count=1)
    return "".join(rows)


def label_pages(path: Path, label: str) -> None:
    """Put a label into the header of every page of a Word file; once, however often it is asked."""
    with zipfile.ZipFile(path) as labelled:
        if f"word/{_NAME}" in labelled.namelist():
            return
    header = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:hdr {_SPACE}><w:p><w:pPr><w:jc w:val="right"/></w:pPr>'
        f'<w:r><w:rPr><w:color w:val="B3261E"/><w:sz w:val="16"/></w:rPr><w:t>{escape(label)}</w:t></w:r></w:p></w:hdr>'
    )
    reference = '<w:headerReference xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" w:type="default" r:id="rIdStudyLabel"/>'
    with (
        zipfile.ZipFile(path) as source,
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for item in source.infolist():
            body = source.read(item)
            if item.filename == "[Content_Types].xml":
                body = _before(body, "</Types>", f'<Override PartName="/word/{_NAME}" ContentType="{_TYPE}"/>')
            elif item.filename == "word/_rels/document.xml.rels":
                body = _before(
                    body, "</Relationships>", f'<Relationship Id="rIdStudyLabel" Type="{_RELATION}" Target="{_NAME}"/>'
                )
            elif item.filename == "word/document.xml":
                body, count = re.subn(
                    rb"(<w:sectPr[^>]*?)(?:/>|>)",
                    lambda match: (
                        match[1] + b">" + reference.encode() + (b"</w:sectPr>" if match[0].endswith(b"/>") else b"")
                    ),
                    body,
                )
                if not count:
                    body = _before(body, "</w:body>", f"<w:sectPr>{reference}</w:sectPr>")
            target.writestr(item, body, zipfile.ZIP_DEFLATED)
        target.writestr(zipfile.ZipInfo(f"word/{_NAME}", date_time=item.date_time), header, zipfile.ZIP_DEFLATED)


def _before(body: bytes, mark: str, addition: str) -> bytes:
    head, found, tail = body.decode().rpartition(mark)
    if not found:
        raise RuntimeError(f"a Word file without {mark}")
    return (head + addition + found + tail).encode()
