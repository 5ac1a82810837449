"""Stage render: the documents, from finished results, by Quarto where it is installed and else by the offline path."""

from __future__ import annotations

from collections.abc import Sequence

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.contracts.nomogram import read_nomogram
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.reporting import render
from vcfstats.reporting.rendering import FORMATS
from vcfstats.reporting.rendering.finishing import finish_folder
from vcfstats.reporting.web import PAGE, nomogram_page


def run(study: StudyDirectory) -> None:
    """Write report/_output."""
    render_documents(study, formats=study.params.report.formats, engine="auto")


def render_documents(study: StudyDirectory, *, formats: Sequence[str], engine: str) -> None:
    """Render the documents of a study and say what rendered them."""
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise InputError(Problem(f"format {unknown[0]!r}", ", ".join(FORMATS), "correct --formats"))
    if engine not in ("auto", "quarto", "offline"):
        raise InputError(Problem(f"engine {engine!r}", "auto, quarto, offline", "correct --engine"))
    rendered = render(
        study.report,
        formats=tuple(formats),
        out_dir=study.documents,
        engine=engine,
        pages=_pages(study),
        label="render",
    )
    print(f"rendered by {rendered.engine} {rendered.version}:")
    for file in rendered.files:
        print(f"  report/_output/{file.name}")


def _pages(study: StudyDirectory) -> dict[str, str]:
    """Return the web nomogram, where the study has a nomogram."""
    content = read_nomogram(study.results / "nomogram.json")
    return {} if content.nomogram is None else {PAGE: nomogram_page(content)}


def finish_documents(study: StudyDirectory) -> None:
    """Finish what a plain `quarto render` left in report/_output, so that it holds what the stage makes; Quarto calls this.

    Raises
    ------
    InputError
        Quarto left no documents there.
    """
    out = study.report / "_output"
    made = finish_folder(out, study.report)
    for name, page in _pages(study).items():
        write_text(out / name, page)
        made.append(out / name)
    print(f"finished {len(made)} files in {out.relative_to(study.root)}")
