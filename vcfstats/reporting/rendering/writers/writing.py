"""A document by pandoc, whatever the format: what its writer is told, and where floats and boxes go."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from vcfstats.reporting.rendering.crossref import Float
from vcfstats.reporting.rendering.pandoc import pandoc
from vcfstats.reporting.rendering.syntax import Node, transformed
from vcfstats.reporting.rendering.writers.document import Document


def write(
    document: Document,
    target: str,
    path: Path,
    draw: Callable[[Float, Document], list[Node]],
    callout: Callable[[Node, str], list[Node]],
    args: list[str],
    image: Callable[[Node], Node] | None = None,
) -> None:
    """Write a document by pandoc, with floats, boxes and images drawn in the format's own way."""

    def change(item: Node) -> list[Node] | None:
        if item["t"] == "Div":
            (identifier, classes, _), _ = item["c"]
            if identifier in document.floats:
                return draw(document.floats[identifier], document)
            kinds = [name.removeprefix("callout-") for name in classes if name.startswith("callout-")]
            if kinds:
                return callout(item, kinds[0])
        if target != "html5" and item["t"] == "RawBlock" and item["c"][0] == "html":
            return document.html[item["c"][1]]
        if image is not None and item["t"] == "Image":
            return [image(item)]
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
