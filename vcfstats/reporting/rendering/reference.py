"""The Word template of the documents: pandoc's own, in the plain dress of a manuscript."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from pathlib import Path

from vcfstats.contracts.files import replacing
from vcfstats.reporting.rendering.pandoc import pandoc_path

_TEXT, _HEADING = "Times New Roman", "Arial"
_SIZES = {"Title": 36, "Subtitle": 26, "Heading1": 28, "Heading2": 24, "Heading3": 22}  # half points
_NEW_STYLES = """
<w:style w:type="paragraph" w:customStyle="1" w:styleId="DocumentFooter"><w:name w:val="Document Footer"/><w:basedOn w:val="Normal"/><w:qFormat/>
<w:pPr><w:pBdr><w:top w:val="single" w:sz="4" w:space="6" w:color="808080"/></w:pBdr><w:spacing w:before="360" w:after="0"/></w:pPr>
<w:rPr><w:color w:val="595959"/><w:sz w:val="17"/><w:szCs w:val="17"/></w:rPr></w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="TableNote"><w:name w:val="Table Note"/><w:basedOn w:val="Normal"/><w:qFormat/>
<w:pPr><w:spacing w:before="20" w:after="200"/><w:contextualSpacing/></w:pPr><w:rPr><w:sz w:val="17"/><w:szCs w:val="17"/></w:rPr></w:style>
<w:style w:type="paragraph" w:customStyle="1" w:styleId="Callout"><w:name w:val="Callout"/><w:basedOn w:val="Normal"/><w:qFormat/>
<w:pPr><w:pBdr><w:top w:val="single" w:sz="8" w:space="4" w:color="B3261E"/><w:left w:val="single" w:sz="36" w:space="6" w:color="B3261E"/>
<w:bottom w:val="single" w:sz="8" w:space="4" w:color="B3261E"/><w:right w:val="single" w:sz="8" w:space="4" w:color="B3261E"/></w:pBdr>
<w:spacing w:before="160" w:after="160"/><w:ind w:left="170" w:right="170"/><w:contextualSpacing/></w:pPr></w:style>
"""
_TABLE = (
    '<w:tblPr><w:tblInd w:w="0" w:type="dxa"/><w:tblBorders><w:top w:val="single" w:sz="8" w:color="000000"/>'
    '<w:bottom w:val="single" w:sz="8" w:color="000000"/></w:tblBorders><w:tblCellMar><w:left w:w="70" w:type="dxa"/>'
    '<w:right w:w="70" w:type="dxa"/></w:tblCellMar></w:tblPr><w:tblStylePr w:type="firstRow"><w:rPr><w:b/></w:rPr><w:tcPr><w:tcBorders>'
    '<w:bottom w:val="single" w:sz="6" w:color="000000"/></w:tcBorders><w:vAlign w:val="bottom"/></w:tcPr></w:tblStylePr>'
)
_PAGE = '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1247" w:right="1247" w:bottom="1247" w:left="1247" w:header="709" w:footer="709" w:gutter="0"/>'
# Editors ask for numbered lines and room between them; tables, captions and notes stay close.
_LINES = '<w:lnNumType w:countBy="1" w:restart="continuous"/>'
_DOUBLE = 'w:line="480" w:lineRule="auto"'


def write_reference(path: Path) -> None:
    """Write the Word template: A4, numbered lines, double spacing, Times and Arial, black headings, ruled tables in small type."""
    default = subprocess.run(
        [pandoc_path(), "--print-default-data-file", "reference.docx"], capture_output=True, check=True
    ).stdout
    with (
        zipfile.ZipFile(io.BytesIO(default)) as source,
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            body = source.read(name)
            if name == "word/styles.xml":
                body = _styles(body.decode()).encode()
            elif name == "word/document.xml":
                body = re.sub(r"(</w:footnotePr>)", rf"\1{_PAGE}{_LINES}", body.decode(), count=1).encode()
            # The same bytes each time: no time of making.
            target.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)


def _styles(text: str) -> str:
    text = _everywhere(text)
    text = re.sub(r"<w:style [^>]*>.*?</w:style>", lambda match: _style(match[0]), text, flags=re.DOTALL)
    return text.replace("</w:styles>", f"{_NEW_STYLES}</w:styles>")


def _everywhere(text: str) -> str:
    """Set the fonts by name: a theme's font may be missing where the file is opened, and then every line breaks elsewhere."""
    text = re.sub(
        r"<w:rFonts [^>]*majorHAnsi[^>]*/>",
        f'<w:rFonts w:ascii="{_HEADING}" w:hAnsi="{_HEADING}" w:cs="{_HEADING}"/>',
        text,
    )
    text = re.sub(
        r"<w:rFonts [^>]*minorHAnsi[^>]*/>", f'<w:rFonts w:ascii="{_TEXT}" w:hAnsi="{_TEXT}" w:cs="{_TEXT}"/>', text
    )
    text = text.replace('w:eastAsia="zh-CN"', 'w:eastAsia="en-US"').replace(
        'w:lang w:val="en-US"', 'w:lang w:val="en-GB"'
    )
    head, sep, tail = text.partition("</w:docDefaults>")
    return head.replace('w:val="24"', 'w:val="22"') + sep + tail


def _style(text: str) -> str:
    found = re.search(r'w:styleId="(\w+)"', text)
    name = found[1] if found else ""
    base = name.removesuffix("Char")
    if base.startswith(("Heading", "Title", "Subtitle")):
        text = re.sub(r"<w:color [^>]*/>", '<w:color w:val="000000"/>', text)
        if "<w:rPr>" in text and base.startswith("Heading") and "<w:b " not in text and "<w:b/>" not in text:
            text = text.replace("<w:rPr>", "<w:rPr><w:b/>", 1)
    if base == "Subtitle":
        text = re.sub(r'<w:spacing w:val="15"\s*/>', "", text)
    if base in _SIZES:
        text = re.sub(r'<w:(sz|szCs) w:val="\d+"\s*/>', rf'<w:\1 w:val="{_SIZES[base]}"/>', text)
    if name == "Table":
        text = re.sub(r"<w:tblPr>.*</w:tblStylePr>", _TABLE, text, flags=re.DOTALL)
    if name == "Compact":
        text = text.replace('w:after="36"', 'w:after="36" w:line="240" w:lineRule="auto"')
        text = text.replace("</w:pPr>", '</w:pPr><w:rPr><w:sz w:val="18"/><w:szCs w:val="18"/></w:rPr>')
    if name == "Caption":
        text = re.sub(r"<w:rPr>\s*<w:i\s*/>\s*</w:rPr>", '<w:rPr><w:sz w:val="20"/><w:szCs w:val="20"/></w:rPr>', text)
    if name == "Hyperlink":
        text = re.sub(r"<w:color [^>]*/>", '<w:color w:val="0758A5"/>', text)
    if name in ("BodyText", "Bibliography"):
        hanging = '<w:tabs><w:tab w:val="left" w:pos="480"/></w:tabs>' if name == "Bibliography" else ""
        indent = '<w:ind w:left="480" w:hanging="480"/>' if name == "Bibliography" else ""
        text = re.sub(
            r"<w:pPr>.*?</w:pPr>|<w:pPr\s*/>",
            f'<w:pPr>{hanging}<w:spacing w:before="0" w:after="120" {_DOUBLE}/>{indent}</w:pPr>',
            text,
            flags=re.DOTALL,
        )
    return text
