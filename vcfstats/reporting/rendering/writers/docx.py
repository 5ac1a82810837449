"""Word: a manuscript that can be edited."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vcfstats.reporting.rendering.crossref import Float
from vcfstats.reporting.rendering.syntax import Node, attributes, node, walk, words
from vcfstats.reporting.rendering.word import keep_together
from vcfstats.reporting.rendering.writers.document import Document
from vcfstats.reporting.rendering.writers.parts import as_png, bare_table, captioned, titled
from vcfstats.reporting.rendering.writers.writing import write


def write_docx(document: Document, path: Path) -> list[Path]:
    """Write a Word file: tables that can be edited, figures as PNG at 300 dpi, where they stand or all at the end."""
    args = []
    for reference in document.configuration.paths("reference-doc", "docx")[:1]:
        args += ["--reference-doc", str(reference)]
    if document.configuration.get("figures-at-end", "docx"):
        document, draw = _with_figures_at_end(document), _docx_place
    else:
        draw = _docx_float
    # Word draws an SVG without a PNG beside it in its newest versions alone.
    write(document, "docx", path, draw, _docx_callout, args, lambda image: as_png(image, document))
    keep_together(path)
    return [path]


def _docx_float(given: Float, document: Document) -> list[Node]:
    if given.is_table:
        return bare_table(given, document.html, _docx_notes, _docx_group)
    images = [as_png(image, document) for image in walk(given.content) if image["t"] == "Image"]
    return [
        node(
            "Figure",
            [attributes(given.identifier), [None, [node("Plain", captioned(given))]], [node("Plain", images)]],
        )
    ]


def _with_figures_at_end(document: Document) -> Document:
    """Return the document with a list of legends and then one figure a page after everything else, as editors ask for."""
    figures = [given for given in document.floats.values() if not given.is_table]
    if not figures:
        return document
    heading = node("Header", [1, attributes("figure-legends", ("unnumbered",)), words("Figure legends")])
    # A span, not a div, carries the label: divs with a figure's label are where it stood, and say so.
    legends = [node("Para", [node("Span", [attributes(given.identifier), captioned(given)])]) for given in figures]
    pages: list[Node] = []
    for given in figures:
        images = [as_png(image, document) for image in walk(given.content) if image["t"] == "Image"]
        new_page = node("RawInline", ["openxml", '<w:r><w:br w:type="page"/></w:r>'])
        pages += [node("Para", [new_page, node("Strong", words(given.label))]), node("Para", images)]
    tree = {**document.tree, "blocks": [*document.tree["blocks"], heading, *legends, *pages]}
    return replace(document, tree=tree)


def _docx_place(given: Float, document: Document) -> list[Node]:
    """Return a table, or the words that keep the place of a figure."""
    return _docx_float(given, document) if given.is_table else [node("Para", words(f"[{given.label} about here]"))]


def _docx_group(blocks: list[Node]) -> list[Node]:
    """Return a group's heading as it is: `keep_together` knows its row by the one cell over all columns."""
    return blocks


def _docx_notes(notes: list[Node]) -> list[Node]:
    return [node("Div", [attributes("", (), custom_style="Table Note"), notes])]


def _docx_callout(item: Node, kind: str) -> list[Node]:
    title, blocks = titled(item, kind)
    return [node("Div", [attributes("", (), custom_style="Callout"), [node("Para", [node("Strong", title)]), *blocks]])]
