"""The offline path: cells run once by nbclient, then pandoc and typst, all from packages, nothing from a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from vcfstats.reporting.rendering import execution
from vcfstats.reporting.rendering.assembly import assemble
from vcfstats.reporting.rendering.configuration import configuration
from vcfstats.reporting.rendering.crossref import number_everything
from vcfstats.reporting.rendering.pandoc import pandoc, pandoc_version
from vcfstats.reporting.rendering.source import read_source
from vcfstats.reporting.rendering.writers import WRITERS, Document, check_citations, take_local_images


def offline_version() -> str:
    """Return what makes the documents, with versions."""
    return f"pandoc {pandoc_version()}, typst {version('typst')}"


def render_offline(
    path: Path, folder: Path, *, formats: Sequence[str], out: Path, work: Path, environment: Mapping[str, str]
) -> list[Path]:
    """Render one document into the folder `out`; `work` takes what lies in between."""
    source = read_source(path)
    settings = configuration(folder, source)
    results = execution.run(source, folder=folder, environment=environment)
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
    tree = json.loads(pandoc(head + assembled.markdown, source="markdown", target="json", args=filters, cwd=folder))
    tree, floats = number_everything(tree, settings, source)
    check_citations(
        {
            "blocks": [
                tree["blocks"],
                [given.caption for given in floats.values()],
                [given.content for given in floats.values()],
            ]
        },
        settings,
        source,
    )
    take_local_images({"blocks": [tree["blocks"], [given.content for given in floats.values()]]}, source, work, folder)
    document = Document(tree, floats, settings, source, work)
    made = []
    for name in formats:
        made += WRITERS[name](document, out / f"{path.stem}.{name}")
    return made
