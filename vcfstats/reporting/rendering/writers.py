"""HTML, Word and PDF from one numbered document tree."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

from vcfstats.reporting.rendering.configuration import Configuration
from vcfstats.reporting.rendering.crossref import Float
from vcfstats.reporting.rendering.pandoc import pandoc
from vcfstats.reporting.rendering.source import Source, unsupported
from vcfstats.reporting.rendering.syntax import Node, attributes, node, plain, transformed, walk, words
from vcfstats.reporting.rendering.word import GROUP_STYLE, keep_together
from vcfstats.reporting.reproducible import epoch

_ASSETS = Path(str(files("vcfstats.reporting.rendering") / "assets"))
_CALLOUT_TITLES = {"note": "Note", "warning": "Warning", "important": "Important", "tip": "Tip", "caution": "Caution"}
_TYPST_COLOURS = {
    "note": "#0758a5",
    "warning": "#8a5a00",
    "important": "#b3261e",
    "tip": "#00694a",
    "caution": "#b04a00",
}


@dataclass(frozen=True)
class Document:
    """A document before it takes a format.

    Attributes
    ----------
    tree : dict
        Pandoc's tree; floats are empty divs with their ids.
    floats : mapping of str to Float
        What goes into these.
    configuration : Configuration
        Merged metadata.
    source : Source
        For the places of errors.
    work : Path
        Folder with the files of the figures; pandoc and typst run there.
    """

    tree: dict[str, Any]
    floats: Mapping[str, Float]
    configuration: Configuration
    source: Source
    work: Path


def write_html(document: Document, path: Path) -> None:
    """Write one self-contained HTML file: styles and figures inside, formulas as MathML, nothing from a network."""
    args = [
        "--mathml",
        "--embed-resources",
        "--template",
        str(_ASSETS / "page.html"),
        "--css",
        str(_ASSETS / "page.css"),
    ]
    for sheet in document.configuration.paths("css", "html"):
        args += ["--css", str(sheet)]
    if document.configuration.get("toc", "html"):
        args += ["--toc", f"--toc-depth={document.configuration.get('toc-depth', 'html', 3)}"]
    write(document, "html5", path, _html_float, _html_callout, args)


def write_docx(document: Document, path: Path) -> None:
    """Write a Word file: tables that can be edited, figures as PNG at 300 dpi, where they stand or all at the end."""
    args = []
    for reference in document.configuration.paths("reference-doc", "docx")[:1]:
        args += ["--reference-doc", str(reference)]
    if document.configuration.get("figures-at-end", "docx"):
        document, draw = _with_figures_at_end(document), _docx_place
    else:
        draw = _docx_float
    write(document, "docx", path, draw, _docx_callout, args)
    keep_together(path)


def write_pdf(document: Document, path: Path) -> None:
    """Write a PDF by typst, with its own fonts only: the machine's would change the pages."""
    header = document.work / "header.typ"
    given = [file.read_text(encoding="utf-8") for file in document.configuration.paths("include-in-header", "typst")]
    header.write_text("\n".join([(_ASSETS / "page.typ").read_text(encoding="utf-8"), *given]), encoding="utf-8")
    target = document.work / f"{path.stem}.typ"
    write(document, "typst", target, _typst_float, _typst_callout, ["--include-in-header", str(header)])
    target.write_text(_group_headers(target.read_text(encoding="utf-8")), encoding="utf-8")
    # typst takes the time for the file's metadata from here alone.
    try:
        typst.compile(
            str(target), output=str(path), root=str(document.work), timestamp=epoch(), ignore_system_fonts=True
        )
    except typst.TypstError as error:
        raise RuntimeError(f"typst could not set {document.source.path.name}: {error}") from None


Writer = Callable[[Document, Path], None]
WRITERS: dict[str, Writer] = {"html": write_html, "docx": write_docx, "pdf": write_pdf}


def write(
    document: Document,
    target: str,
    path: Path,
    draw: Callable[[Float, Document], list[Node]],
    callout: Callable[[Node, str], list[Node]],
    args: list[str],
) -> None:
    """Write a document by pandoc, with floats and boxes drawn in the format's own way."""

    def change(item: Node) -> list[Node] | None:
        if item["t"] == "Div":
            (identifier, classes, _), _ = item["c"]
            if identifier in document.floats:
                return draw(document.floats[identifier], document)
            kinds = [name.removeprefix("callout-") for name in classes if name.startswith("callout-")]
            if kinds:
                return callout(item, kinds[0])
        if target != "html5" and item["t"] == "RawBlock" and item["c"][0] == "html":
            return html_blocks(item["c"][1])
        if target == "typst" and item["t"] == "Image":
            return [_typst_image(item)]
        return None

    tree = {**document.tree, "blocks": transformed(document.tree["blocks"], change)}
    configuration = document.configuration
    common = ["--standalone", "--output", str(path)]
    if configuration.get("number-sections"):
        common.append("--number-sections")
    if configuration.get("citeproc", default=True) and configuration.paths("bibliography"):
        # By names, found on the resource path: pandoc writes what it is given into the Word file's properties.
        folder = configuration.folder
        common += ["--citeproc", "--resource-path", os.pathsep.join([".", str(folder)])]
        for library in configuration.paths("bibliography"):
            common += ["--bibliography", os.path.relpath(library, folder)]
        for style in configuration.paths("csl")[:1]:
            common += ["--csl", os.path.relpath(style, folder)]
        if configuration.get("link-citations", default=True):
            common += ["--metadata", "link-citations=true"]
    for late in configuration.filters:
        common += ["--lua-filter", str(late.path)] if late.late else []
    for key in ("papersize", "fontsize", "mainfont"):
        value = configuration.get(key, "typst")
        common += ["--variable", f"{key}={value}"] if value and target == "typst" else []
    if target == "typst" and (margin := configuration.get("margin", "typst")):
        common += ["--variable-json", f"margin:{json.dumps(margin)}"]
    pandoc(json.dumps(tree), source="json", target=target, args=[*common, *args], cwd=document.work)


def check_citations(tree: dict[str, Any], configuration: Configuration, source: Source) -> None:
    """Stop at a citation that the bibliography does not have; pandoc would print its key in bold and go on."""
    cited = [
        citation["citationId"] for item in walk(tree["blocks"]) if item["t"] == "Cite" for citation in item["c"][0]
    ]
    if not cited:
        return
    libraries = configuration.paths("bibliography")
    known = {
        entry["id"]
        for library in libraries
        for entry in json.loads(pandoc(library.read_text(encoding="utf-8"), source="biblatex", target="csljson"))
    }
    for key in cited:
        if key not in known:
            names = (
                ", ".join(library.name for library in libraries) or "a bibliography, which this document does not name"
            )
            raise unsupported(
                source.where(f"@{key}"),
                f"a citation of @{key}, which is nowhere",
                f"entries of {names}",
                "correct the key, or add the entry",
            )


def html_blocks(text: str) -> list[Node]:
    """Parse HTML that a cell showed, for formats that are not HTML; column widths and alignment come with it."""
    bare = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.DOTALL)
    blocks: list[Node] = json.loads(pandoc(bare, source="html", target="json"))["blocks"]
    return [inner for block in blocks for inner in (block["c"][1] if block["t"] == "Div" else [block])]


def captioned(given: Float) -> list[Node]:
    """Return a float's caption with its number."""
    return [node("Strong", words(f"{given.label}.")), node("Space"), *given.caption]


def _html_float(given: Float, document: Document) -> list[Node]:
    caption = node("Div", [attributes("", ("study-caption",)), [node("Plain", captioned(given))]])
    content = [caption, *given.content] if given.is_table else [*given.content, caption]
    pairs = {"role": "group", "aria_label": given.label}
    return [node("Div", [attributes(given.identifier, ("study-float",), **pairs), content])]


def _docx_float(given: Float, document: Document) -> list[Node]:
    if given.is_table:
        return bare_table(given, _docx_notes, _docx_group)
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


def _typst_float(given: Float, document: Document) -> list[Node]:
    if given.is_table:
        return bare_table(given, _typst_notes, _typst_group)
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


def bare_table(
    given: Float, wrap_notes: Callable[[list[Node]], list[Node]], mark: Callable[[list[Node]], list[Node]]
) -> list[Node]:
    """Return the table with its caption, and its notes as paragraphs after it: in a cell they would widen a column."""
    item = given.content[0]
    blocks = html_blocks(item["c"][1]) if item["t"] == "RawBlock" else [item]
    table = next(block for block in blocks if block["t"] == "Table")
    (_, classes, pairs), _, specs, head, bodies, foot = table["c"]
    notes = [node("Para", [i for block in cell[4] for i in block["c"]]) for row in foot[1] for cell in row[1]]
    caption = [None, [node("Plain", captioned(given))]]
    # Ids inside the table are those of its HTML cells; only the label is ever referred to.
    head, bodies = _without_ids(head), [_group_rows(body, mark) for body in _without_ids(bodies)]
    plain_table = node("Table", [[given.identifier, classes, pairs], caption, specs, head, bodies, [foot[0], []]])
    return [plain_table, *wrap_notes(notes)] if notes else [plain_table]


def _group_rows(body: list[Any], mark: Callable[[list[Node]], list[Node]]) -> list[Any]:
    """Return a table body whose row groups' headings are bold rows of the body, marked so that each stays with its group."""
    attribute, columns, heads, rows = body
    return [
        attribute,
        columns,
        [],
        [_bold(row, mark) if "gt_group_heading" in row[1][0][0][1] else row for row in [*heads, *rows]],
    ]


def _bold(row: Any, mark: Callable[[list[Node]], list[Node]]) -> Any:
    strong = transformed(
        row, lambda item: node("Plain", [node("Strong", item["c"])]) if item["t"] in ("Plain", "Para") else None
    )
    attribute, cells = strong
    return [attribute, [[*cell[:4], mark(cell[4])] for cell in cells]]


def _docx_group(blocks: list[Node]) -> list[Node]:
    return [node("Div", [attributes("", (), custom_style=GROUP_STYLE), blocks])]


# Between these stands the heading of a row group in Typst's text; what pandoc writes for a cell is not known otherwise.
_GROUP_BEGINS, _GROUP_ENDS = "/*group*/", "/*end of group*/"
_GROUP_CELL = re.compile(
    r"table\.cell\([^\[\]]*\)\[\s*" + re.escape(_GROUP_BEGINS) + r".*?" + re.escape(_GROUP_ENDS) + r"\s*\],", re.DOTALL
)


def _typst_group(blocks: list[Node]) -> list[Node]:
    inlines = [inline for block in blocks for inline in block["c"]]
    marks = [node("RawInline", ["typst", text]) for text in (_GROUP_BEGINS, _GROUP_ENDS)]
    return [node("Plain", [marks[0], *inlines, marks[1]])]


def _group_headers(text: str) -> str:
    """Make the heading of each row group a header of its own: it stays with its rows and comes again on the next page."""
    return _GROUP_CELL.sub(lambda found: f"table.header(level: 2, {found[0].removesuffix(',')}),", text)


def _docx_notes(notes: list[Node]) -> list[Node]:
    return [node("Div", [attributes("", (), custom_style="Table Note"), notes])]


def _typst_notes(notes: list[Node]) -> list[Node]:
    lines = [
        inline for number, note in enumerate(notes) for inline in ([node("LineBreak")] if number else []) + note["c"]
    ]
    return [node("RawBlock", ["typst", "#study-notes["]), node("Para", lines), node("RawBlock", ["typst", "]"])]


def _without_ids(tree: Any) -> Any:
    """Return rows and cells without attributes: [id, classes, pairs] as the first item."""
    if isinstance(tree, list):
        if (
            len(tree) == 3
            and isinstance(tree[0], str)
            and isinstance(tree[1], list)
            and isinstance(tree[2], list)
            and all(isinstance(c, str) for c in tree[1])
        ):
            return ["", tree[1], []]
        return [_without_ids(item) for item in tree]
    return tree


def as_png(image: Node, document: Document) -> Node:
    """Return an image as PNG, where there is one beside the SVG."""
    attribute, alt, (target, title) = image["c"]
    png = str(Path(target).with_suffix(".png"))
    return node("Image", [attribute, alt, [png if (document.work / png).is_file() else target, title]])


def titled(item: Node, kind: str) -> tuple[list[Node], list[Node]]:
    """Return the title and the body of a box."""
    (_, _, pairs), blocks = item["c"]
    if "title" in dict(pairs):
        return words(dict(pairs)["title"]), blocks
    if blocks and blocks[0]["t"] == "Header":
        return blocks[0]["c"][2], blocks[1:]
    return words(_CALLOUT_TITLES[kind]), blocks


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


def _docx_callout(item: Node, kind: str) -> list[Node]:
    title, blocks = titled(item, kind)
    return [node("Div", [attributes("", (), custom_style="Callout"), [node("Para", [node("Strong", title)]), *blocks]])]


def _typst_callout(item: Node, kind: str) -> list[Node]:
    title, blocks = titled(item, kind)
    return [
        node("RawBlock", ["typst", f'#study-callout(rgb("{_TYPST_COLOURS[kind]}"))[']),
        node("Para", [node("Strong", title)]),
        *blocks,
        node("RawBlock", ["typst", "]"]),
    ]


def take_local_images(tree: dict[str, Any], source: Source, work: Path, folder: Path) -> None:
    """Copy images that the document refers to beside the others: pandoc and typst look nowhere else."""
    for item in walk(tree["blocks"]):
        if item["t"] != "Image":
            continue
        name = item["c"][2][0]
        if (work / name).is_file():
            continue
        if re.match(r"[a-z]+:", name):
            raise unsupported(
                source.where(name), f"an image from a network ({name})", "images beside the document", "save it there"
            )
        if not (folder / name).is_file():
            raise unsupported(
                source.where(name),
                f"an image {name}, which is nowhere",
                "images beside the document",
                "correct the name",
            )
        target = work / "given" / name.replace("..", "up")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target)
        item["c"][2][0] = str(target.relative_to(work))
