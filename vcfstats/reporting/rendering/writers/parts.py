"""What several formats draw alike: captions, boxes, tables without their HTML, figures as PNG."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from vcfstats.reporting.rendering.crossref import Float
from vcfstats.reporting.rendering.pandoc import pandoc
from vcfstats.reporting.rendering.syntax import Node, node, plain, transformed, words
from vcfstats.reporting.rendering.writers.document import Document
from vcfstats.reporting.tables import INDENT

_PIECE = "study-piece-of-html"
_CALLOUT_TITLES = {"note": "Note", "warning": "Warning", "important": "Important", "tip": "Tip", "caution": "Caution"}


def html_blocks(texts: Iterable[str]) -> dict[str, list[Node]]:
    """Parse pieces of HTML that cells showed, for formats that are not HTML; column widths and alignment come with them.

    Pandoc takes longer to start than to read a table: it reads all of them at once.
    """
    bare = {text: re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.DOTALL) for text in texts}
    if not bare:
        return {}
    together = "\n".join(f'<div class="{_PIECE}">\n{piece}\n</div>' for piece in bare.values())
    pieces = [block["c"][1] for block in _read(together) if block["t"] == "Div" and _PIECE in block["c"][0][1]]
    if len(pieces) != len(bare):
        # One opens or closes what another one should.
        pieces = [_read(piece) for piece in bare.values()]
    return {
        text: [inner for block in blocks for inner in (block["c"][1] if block["t"] == "Div" else [block])]
        for text, blocks in zip(bare, pieces, strict=True)
    }


def _read(text: str) -> list[Node]:
    blocks: list[Node] = json.loads(pandoc(text, source="html", target="json"))["blocks"]
    return blocks


def captioned(given: Float) -> list[Node]:
    """Return a float's caption with its number."""
    return [node("Strong", words(f"{given.label}.")), node("Space"), *given.caption]


def titled(item: Node, kind: str) -> tuple[list[Node], list[Node]]:
    """Return the title and the body of a box."""
    (_, _, pairs), blocks = item["c"]
    if "title" in dict(pairs):
        return words(dict(pairs)["title"]), blocks
    if blocks and blocks[0]["t"] == "Header":
        return blocks[0]["c"][2], blocks[1:]
    return words(_CALLOUT_TITLES[kind]), blocks


def as_png(image: Node, document: Document) -> Node:
    """Return an image as PNG, where there is one beside the SVG."""
    attribute, alt, (target, title) = image["c"]
    png = str(Path(target).with_suffix(".png"))
    return node("Image", [attribute, alt, [png if (document.work / png).is_file() else target, title]])


def bare_table(
    given: Float,
    html: Mapping[str, list[Node]],
    wrap_notes: Callable[[list[Node]], list[Node]],
    mark: Callable[[list[Node]], list[Node]],
    stay: Callable[[list[Any]], list[Any]] = list,
) -> list[Node]:
    """Return the table with its caption, and its notes as paragraphs after it: in a cell they would widen a column.

    `mark` takes the heading of a row group, `stay` the cells of a row that indented rows follow, a variable with its levels.
    """
    item = given.content[0]
    blocks = html[item["c"][1]] if item["t"] == "RawBlock" else [item]
    table = next(block for block in blocks if block["t"] == "Table")
    (_, classes, pairs), _, specs, head, bodies, foot = table["c"]
    notes = [node("Para", [i for block in cell[4] for i in block["c"]]) for row in foot[1] for cell in row[1]]
    caption = [None, [node("Plain", captioned(given))]]
    # Ids inside the table are those of its HTML cells; only the label is ever referred to.
    head, bodies = _without_ids(head), [_group_rows(body, mark, stay) for body in _without_ids(bodies)]
    plain_table = node("Table", [[given.identifier, classes, pairs], caption, specs, head, bodies, [foot[0], []]])
    return [plain_table, *wrap_notes(notes)] if notes else [plain_table]


def _group_rows(
    body: list[Any], mark: Callable[[list[Node]], list[Node]], stay: Callable[[list[Any]], list[Any]]
) -> list[Any]:
    """Return a table body whose rows that others belong to are marked, so that none of them ends a page.

    The heading of a row group is a bold row of the body.
    """
    attribute, columns, heads, rows = body
    shown = [*heads, *rows]
    below = [*map(_indented, shown[1:]), False]
    return [
        attribute,
        columns,
        [],
        [
            _bold(row, mark)
            if "gt_group_heading" in row[1][0][0][1]
            else [row[0], stay(row[1])]
            if followed and not _indented(row)
            else row
            for row, followed in zip(shown, below, strict=True)
        ],
    ]


def _indented(row: Any) -> bool:
    return plain(row[1][0][4]).startswith(INDENT)


def _bold(row: Any, mark: Callable[[list[Node]], list[Node]]) -> Any:
    strong = transformed(
        row, lambda item: node("Plain", [node("Strong", item["c"])]) if item["t"] in ("Plain", "Para") else None
    )
    attribute, cells = strong
    return [attribute, [[*cell[:4], mark(cell[4])] for cell in cells]]


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
