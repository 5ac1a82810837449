"""The offline path: cells run once by nbclient, then pandoc and typst, all from packages, nothing from a network."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from vcfstats.contracts.progress import progress
from vcfstats.reporting.rendering import execution
from vcfstats.reporting.rendering.assembly import assemble
from vcfstats.reporting.rendering.configuration import Configuration, configuration
from vcfstats.reporting.rendering.crossref import number_everything
from vcfstats.reporting.rendering.pandoc import pandoc, pandoc_version
from vcfstats.reporting.rendering.source import Source, read_source
from vcfstats.reporting.rendering.syntax import walk
from vcfstats.reporting.rendering.writers import WRITERS, Document, check_citations, html_blocks, take_local_images

T = TypeVar("T")


def offline_version() -> str:
    """Return what makes the documents, with versions."""
    return f"pandoc {pandoc_version()}, typst {version('typst')}"


def render_offline(
    paths: Sequence[Path],
    folder: Path,
    *,
    formats: Sequence[str],
    out: Path,
    work: Path,
    environment: Mapping[str, str],
    label: str | None = None,
) -> list[Path]:
    """Render documents into the folder `out`; `work` takes what lies in between, `label` heads the lines of progress.

    Documents are run, and their formats written, side by side: pandoc and typst are programs that leave this one idle.
    """
    sources = [read_source(path) for path in paths]
    settings = [configuration(folder, source) for source in sources]
    results = execution.run(sources, folder=folder, environment=environment, label=label)
    works = [work / path.stem for path in paths]
    for own in works:
        own.mkdir()

    def number(index: int) -> Document:
        return _told(
            lambda: _document(sources[index], settings[index], results[index], works[index], formats),
            f"{label} {paths[index].stem}, numbers" if label else None,
            "documents",
        )

    def write(task: tuple[Document, str]) -> list[Path]:
        document, name = task
        path = out / f"{document.source.path.stem}.{name}"
        return _told(lambda: WRITERS[name](document, path), f"{label} {path.name}" if label else None, "files")

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        documents = list(pool.map(number, range(len(paths))))
        written = pool.map(write, [(document, name) for document in documents for name in formats])
        return [file for files in written for file in files]


def _told(work: Callable[[], T], label: str | None, unit: str) -> T:
    """Do a piece of work; with a label, between two lines that say so."""
    if label is None:
        return work()
    (done,) = [work() for _ in progress([None], 1, label=label, unit=unit)]
    return done


def _document(
    source: Source, settings: Configuration, results: execution.Results, work: Path, formats: Sequence[str]
) -> Document:
    """Return a document with its numbers and figures, before it takes a format."""
    assembled = assemble(source, results, settings)
    for name, content in assembled.files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(content)
    titles = {
        key: settings.metadata[key] for key in ("title", "subtitle", "lang", "pagetitle") if key in settings.metadata
    }
    filters = [
        argument for given in settings.filters if not given.late for argument in ("--lua-filter", str(given.path))
    ]
    head = "---\n" + json.dumps(titles) + "\n---\n\n" if titles else ""
    # Filters find the study's files relative to the document, as they do in Quarto.
    text = head + assembled.markdown
    tree = json.loads(pandoc(text, source="markdown", target="json", args=filters, cwd=settings.folder))
    tree, floats = number_everything(tree, settings, source)
    contents = [given.content for given in floats.values()]
    check_citations(
        {"blocks": [tree["blocks"], [given.caption for given in floats.values()], contents]}, settings, source
    )
    take_local_images({"blocks": [tree["blocks"], contents]}, source, work, settings.folder)
    shown = [
        item["c"][1] for item in walk([tree["blocks"], contents]) if item["t"] == "RawBlock" and item["c"][0] == "html"
    ]
    return Document(tree, floats, settings, source, work, html_blocks(shown) if set(formats) - {"html"} else {})
