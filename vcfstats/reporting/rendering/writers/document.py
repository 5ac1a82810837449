"""A document before it takes a format, and what is checked of it then."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcfstats.reporting.rendering.configuration import Configuration
from vcfstats.reporting.rendering.crossref import Float
from vcfstats.reporting.rendering.pandoc import pandoc
from vcfstats.reporting.rendering.source import Source, unsupported
from vcfstats.reporting.rendering.syntax import Node, walk


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
    html : mapping of str to list
        What cells showed as HTML -> the same as blocks, for formats that are not HTML.
    """

    tree: dict[str, Any]
    floats: Mapping[str, Float]
    configuration: Configuration
    source: Source
    work: Path
    html: Mapping[str, list[Node]]


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
