"""JATS, the XML that journals and PubMed Central take, from the same numbered document tree."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from vcfstats.contracts.markup import one_line
from vcfstats.contracts.study import StudyFile, read_study
from vcfstats.reporting.rendering.crossref import Float
from vcfstats.reporting.rendering.syntax import Node, attributes, node, walk
from vcfstats.reporting.rendering.writers.document import Document
from vcfstats.reporting.rendering.writers.parts import as_png, bare_table, captioned, titled
from vcfstats.reporting.rendering.writers.writing import write


def write_jats(document: Document, path: Path) -> list[Path]:
    """Write an article as JATS with its figures as PNG beside it, and return all its files.

    The article's front matter (authors with ORCID and affiliation, keywords) comes from results/study.json where the
    documents belong to a study.
    """
    figures: list[Path] = []

    def beside(image: Node) -> Node:
        attribute, alt, (target, title) = as_png(image, document)["c"]
        # A name of its own for each figure of each document: all lie in one folder.
        figures.append(path.with_name(f"{path.stem}-{Path(target).name}"))
        shutil.copyfile(document.work / target, figures[-1])
        return node("Image", [attribute, alt, [figures[-1].name, title]])

    def draw(given: Float, document: Document) -> list[Node]:
        if given.is_table:
            return bare_table(given, document.html, lambda notes: notes, lambda blocks: blocks)
        images = [beside(item) for item in walk(given.content) if item["t"] == "Image"]
        caption = [None, [node("Plain", captioned(given))]]
        return [node("Figure", [attributes(given.identifier), caption, [node("Plain", images)]])]

    study = document.configuration.folder.parent / "results" / "study.json"
    front = _front(read_study(study)) if study.is_file() else {}
    tree = {**document.tree, "meta": {**document.tree["meta"], **front}}
    write(replace(document, tree=tree), "jats", path, draw, _callout, [], beside)
    return [path, *dict.fromkeys(figures)]


def _callout(item: Node, kind: str) -> list[Node]:
    title, blocks = titled(item, kind)
    return [node("Para", [node("Strong", title)]), *blocks]


def _front(info: StudyFile) -> dict[str, Any]:
    """Return what the article's front matter says, as metadata of pandoc."""
    places = list(dict.fromkeys(author.affiliation for author in info.authors if author.affiliation))
    authors = [
        {
            "name": author.name,
            **({"orcid": f"https://orcid.org/{author.orcid}"} if author.orcid else {}),
            **({"affiliation": [str(places.index(author.affiliation) + 1)]} if author.affiliation else {}),
        }
        for author in info.authors
    ]
    affiliations = [{"id": str(number), "organization": place} for number, place in enumerate(places, 1)]
    words = [word.strip() for word in info.statements.get("keywords", "").split(";") if word.strip()]
    given = {"author": authors, "affiliation": affiliations, "tags": words}
    return {name: _meta(value) for name, value in given.items() if value}


def _meta(value: Any) -> Node:
    if isinstance(value, list):
        return node("MetaList", [_meta(item) for item in value])
    if isinstance(value, dict):
        return node("MetaMap", {name: _meta(item) for name, item in value.items()})
    return node("MetaString", one_line(value))
