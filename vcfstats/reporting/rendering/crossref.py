"""Numbers for figures, tables and sections, and the references to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vcfstats.reporting.rendering.configuration import Configuration, Kind
from vcfstats.reporting.rendering.source import Source, unsupported
from vcfstats.reporting.rendering.syntax import Node, attributes, node, plain, transformed, walk, words


@dataclass(frozen=True)
class Float:
    """A numbered figure or table: its caption with the number, and what it shows."""

    identifier: str
    label: str
    caption: list[Node]
    content: list[Node]

    @property
    def is_table(self) -> bool:
        """Whether it shows a table."""
        return not any(item["t"] == "Image" for item in walk(self.content))


def number_everything(
    document: dict[str, Any], configuration: Configuration, source: Source
) -> tuple[dict[str, Any], dict[str, Float]]:
    """Number floats and sections and resolve references.

    Floats come back as empty divs with their id, and as `Float`, for each writer to draw in its own way.

    Raises
    ------
    InputError
        A reference to nothing, a label twice, or a float that shows neither one table nor figures.
    """
    labels: dict[str, str] = {}
    floats: dict[str, Float] = {}
    counts: dict[str, int] = {}
    depth: list[int] = []

    def place(text: str) -> Any:
        return source.where(text)

    for item in walk(document["blocks"]):
        identifier = _identifier(item)
        kind = _kind(identifier, configuration)
        if item["t"] == "Header" and "unnumbered" not in item["c"][1][1]:
            level = item["c"][0]
            depth = [*depth[:level], *[0] * (level - len(depth))]
            depth[-1] += 1
            if kind and kind.key == "sec":
                if not configuration.get("number-sections"):
                    raise unsupported(
                        place(identifier),
                        f"label {identifier} without number-sections",
                        "number-sections: true",
                        "set it, or remove the label",
                    )
                labels[identifier] = kind.label(".".join(map(str, depth)))
        elif kind and kind.key != "sec" and item["t"] in ("Div", "Figure", "Table"):
            if identifier in labels:
                raise unsupported(
                    place(identifier), f"label {identifier} twice", "labels that are unique", "rename one"
                )
            counts[kind.key] = counts.get(kind.key, 0) + 1
            labels[identifier] = kind.label(str(counts[kind.key]))
            floats[identifier] = _float(identifier, labels[identifier], item, source)

    def change(item: Node) -> Node | list[Node] | None:
        if item["t"] == "Cite":
            return _references(item, labels, configuration, source)
        identifier = _identifier(item)
        if identifier in floats and item["t"] in ("Div", "Figure", "Table"):
            return node("Div", [attributes(identifier), []])
        if item["t"] == "Figure" and not identifier and plain(item["c"][1][1]) == plain(_image(item)["c"][1]):
            # Pandoc captions an image that stands alone with its alternative text; nobody wrote that as a caption.
            return node("Para", [_image(item)])
        return None

    blocks = transformed(document["blocks"], change)
    resolved = {
        name: Float(
            name,
            given.label,
            transformed(given.caption, change),
            transformed(given.content, lambda item: change(item) if item["t"] == "Cite" else None),
        )
        for name, given in floats.items()
    }
    return {**document, "blocks": blocks}, resolved


def _identifier(item: Node) -> str:
    content = item.get("c")
    if item["t"] == "Header" and content:
        return str(content[1][0])
    if item["t"] in ("Div", "Figure", "Table") and content:
        return str(content[0][0])
    return ""


def _kind(identifier: str, configuration: Configuration) -> Kind | None:
    return configuration.kinds.get(identifier.split("-")[0]) if "-" in identifier else None


def _float(identifier: str, label: str, item: Node, source: Source) -> Float:
    place = source.where(identifier)
    if item["t"] == "Figure":
        content, caption = [node("Para", [_image(item)])], [i for block in item["c"][1][1] for i in block["c"]]
    else:
        if item["t"] != "Div" or len(item["c"][1]) < 2 or item["c"][1][-1]["t"] != "Para":
            raise unsupported(
                place,
                f"{identifier} without a caption",
                "a div whose last paragraph is the caption",
                "add the caption as the last paragraph",
            )
        content, caption = item["c"][1][:-1], item["c"][1][-1]["c"]
    images = [inner for inner in walk(content) if inner["t"] == "Image"]
    tables = [inner for inner in walk(content) if inner["t"] == "Table" or _is_html_table(inner)]
    if bool(images) == bool(tables) or len(tables) > 1:
        raise unsupported(
            place,
            f"{identifier} with {len(images)} images and {len(tables)} tables",
            "one table, or figures",
            "give each table a label of its own",
        )
    if images and not all(plain(image["c"][1]) for image in images):
        raise unsupported(place, f"{identifier} without words for readers who do not see it", "fig-alt", "add fig-alt")
    return Float(identifier, label, caption, tables or [node("Para", images)])


def _image(figure: Node) -> Node:
    """Return a figure's image; its alternative text is `fig-alt`, and only without one the caption."""
    image = next(item for item in walk(figure["c"][2]) if item["t"] == "Image")
    (identifier, classes, pairs), alt, target = image["c"]
    given = dict(pairs).get("fig-alt")
    rest = [pair for pair in pairs if pair[0] != "fig-alt"]
    return node("Image", [[identifier, classes, rest], words(given) if given else alt, target])


def _is_html_table(item: Node) -> bool:
    return item["t"] == "RawBlock" and item["c"][0] == "html" and "<table" in item["c"][1]


def _references(item: Node, labels: dict[str, str], configuration: Configuration, source: Source) -> list[Node] | None:
    citations = item["c"][0]
    ours = [_kind(citation["citationId"], configuration) is not None for citation in citations]
    if not any(ours):
        return None
    first = citations[0]["citationId"]
    if not all(ours):
        raise unsupported(
            source.where(f"@{first}"),
            f"references and citations in one bracket (@{first})",
            "one bracket for each",
            "write two brackets",
        )
    out: list[Node] = []
    for number, citation in enumerate(citations):
        name = citation["citationId"]
        if name not in labels:
            known = ", ".join(sorted(labels)) or "none"
            raise unsupported(
                source.where(f"@{name}"),
                f"a reference to @{name}, which is nowhere",
                f"labels of this document: {known}",
                "correct the name, or label what is meant",
            )
        text = labels[name]
        if citation["citationMode"]["t"] == "SuppressAuthor":
            kind = _kind(name, configuration)
            text = text.removeprefix(kind.label("")) if kind else text
        out += [*words(", ")] if number else []
        out += [*citation["citationPrefix"], node("Space")] if citation["citationPrefix"] else []
        out += [
            node("Link", [attributes("", ("study-reference",)), [node("Str", text)], [f"#{name}", ""]]),
            *citation["citationSuffix"],
        ]
    return out
