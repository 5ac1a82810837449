"""HTML: one file with everything in it."""

from __future__ import annotations

from pathlib import Path

from vcfstats.reporting.rendering.crossref import Float
from vcfstats.reporting.rendering.look import with_page
from vcfstats.reporting.rendering.syntax import Node, attributes, node, plain
from vcfstats.reporting.rendering.writers.document import Document
from vcfstats.reporting.rendering.writers.parts import captioned, titled
from vcfstats.reporting.rendering.writers.writing import write


def write_html(document: Document, path: Path) -> list[Path]:
    """Write one self-contained HTML file: styles and figures inside, formulas as MathML, nothing from a network."""
    args = [
        "--mathml",
        "--embed-resources",
        "--template",
        str((document.configuration.paths("template", "html") or with_page([], "page.html"))[0]),
    ]
    for sheet in with_page(document.configuration.paths("css", "html"), "page.css"):
        args += ["--css", str(sheet)]
    if document.configuration.get("toc", "html"):
        args += ["--toc", f"--toc-depth={document.configuration.get('toc-depth', 'html', 3)}"]
    write(document, "html5", path, _html_float, _html_callout, args)
    return [path]


def _html_float(given: Float, document: Document) -> list[Node]:
    caption = node("Div", [attributes("", ("study-caption",)), [node("Plain", captioned(given))]])
    content = [caption, *given.content] if given.is_table else [*given.content, caption]
    pairs = {"role": "group", "aria_label": given.label}
    return [node("Div", [attributes(given.identifier, ("study-float",), **pairs), content])]


def _html_callout(item: Node, kind: str) -> list[Node]:
    title, blocks = titled(item, kind)
    heading = node("Para", [node("Strong", title)])
    return [
        node(
            "Div",
            [
                attributes("", ("study-callout", f"study-callout-{kind}"), role="note", aria_label=plain(title)),
                [heading, *blocks],
            ],
        )
    ]
