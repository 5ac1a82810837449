"""PDF, set by typst."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typst

from vcfstats.reporting.rendering.crossref import Float
from vcfstats.reporting.rendering.look import with_page
from vcfstats.reporting.rendering.syntax import Node, attributes, node, plain, walk
from vcfstats.reporting.rendering.writers.document import Document
from vcfstats.reporting.rendering.writers.parts import bare_table, captioned, titled
from vcfstats.reporting.rendering.writers.writing import write
from vcfstats.reporting.reproducible import epoch

_TYPST_COLOURS = {
    "note": "#0758a5",
    "warning": "#8a5a00",
    "important": "#b3261e",
    "tip": "#00694a",
    "caution": "#b04a00",
}


def write_pdf(document: Document, path: Path) -> list[Path]:
    """Write a PDF by typst, with its own fonts only: the machine's would change the pages."""
    header = document.work / "header.typ"
    given = with_page(document.configuration.paths("include-in-header", "typst"), "page.typ")
    header.write_text("\n".join(file.read_text(encoding="utf-8") for file in given), encoding="utf-8")
    target = document.work / f"{path.stem}.typ"
    write(document, "typst", target, _typst_float, _typst_callout, ["--include-in-header", str(header)], _typst_image)
    target.write_text(_group_headers(target.read_text(encoding="utf-8")), encoding="utf-8")
    # typst takes the time for the file's metadata from here alone.
    try:
        typst.compile(
            str(target), output=str(path), root=str(document.work), timestamp=epoch(), ignore_system_fonts=True
        )
    except typst.TypstError as error:
        raise RuntimeError(f"typst could not set {document.source.path.name}: {error}") from None
    return [path]


def _typst_float(given: Float, document: Document) -> list[Node]:
    if given.is_table:
        return bare_table(given, document.html, _typst_notes, _typst_group, _typst_stay)
    images = [_typst_image(image) for image in walk(given.content) if image["t"] == "Image"]
    caption = [None, [node("Plain", captioned(given))]]
    return [node("Figure", [attributes(given.identifier), caption, [node("Plain", images)]])]


def _typst_image(image: Node) -> Node:
    """Return an image with its alternative text, which pandoc's writer leaves out."""
    (_, _, pairs), alt, (target, _) = image["c"]
    width = f", width: {dict(pairs)['width']}" if "width" in dict(pairs) else ""
    return node("RawInline", ["typst", f"#image({_typst_string(target)}, alt: {_typst_string(plain(alt))}{width})"])


def _typst_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Between these stands a row that others belong to in Typst's text; what pandoc writes for a cell is not known otherwise.
_GROUP_BEGINS, _GROUP_ENDS = "/*group*/", "/*end of group*/"
_STAY_BEGINS, _STAY_ENDS = "/*row*/", "/*end of row*/"
_HEADERS = {
    # The heading of a group comes again on the next page; a variable's row stays where it is, with its first level.
    "level: 2": (_GROUP_BEGINS, _GROUP_ENDS),
    "level: 3, repeat: false": (_STAY_BEGINS, _STAY_ENDS),
}


def _typst_group(blocks: list[Node]) -> list[Node]:
    inlines = [inline for block in blocks for inline in block["c"]]
    marks = [node("RawInline", ["typst", text]) for text in (_GROUP_BEGINS, _GROUP_ENDS)]
    return [node("Plain", [marks[0], *inlines, marks[1]])]


def _typst_stay(cells: list[Any]) -> list[Any]:
    texts = [[inline for block in cell[4] for inline in block["c"]] for cell in cells]
    texts[0].insert(0, node("RawInline", ["typst", _STAY_BEGINS]))
    texts[-1].append(node("RawInline", ["typst", _STAY_ENDS]))
    return [[*cell[:4], [node("Plain", text)]] for cell, text in zip(cells, texts, strict=True)]


def _group_headers(text: str) -> str:
    """Make rows that others belong to headers of their own: they stay with their rows."""
    for options, (begins, ends) in _HEADERS.items():
        row = r"(table\.cell\([^\[\]]*\)\[\s*" + re.escape(begins) + r".*?" + re.escape(ends) + r"\s*\]),"
        text = re.sub(row, rf"table.header({options}, \1),", text, flags=re.DOTALL)
    return text


def _typst_notes(notes: list[Node]) -> list[Node]:
    lines = [
        inline for number, note in enumerate(notes) for inline in ([node("LineBreak")] if number else []) + note["c"]
    ]
    return [node("RawBlock", ["typst", "#study-notes["]), node("Para", lines), node("RawBlock", ["typst", "]"])]


def _typst_callout(item: Node, kind: str) -> list[Node]:
    title, blocks = titled(item, kind)
    return [
        node("RawBlock", ["typst", f'#study-callout(rgb("{_TYPST_COLOURS[kind]}"))[']),
        node("Para", [node("Strong", title)]),
        *blocks,
        node("RawBlock", ["typst", "]"]),
    ]
