"""What a file of Quarto's gets after it is written, in the stage and after a plain `quarto render` alike."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import unquote
from xml.sax.saxutils import escape, unescape

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.contracts.study import read_study
from vcfstats.reporting.rendering.word import keep_together, label_pages

SIMULATED = "Simulated data"
_HREF = re.compile(r'(<(?:inline-)?graphic\b[^>]*?xlink:href=")([^"]+)(")')


def simulated(folder: Path) -> bool:
    """Whether the documents of a folder belong to a study whose patients are simulated."""
    words = folder.parent / "results" / "study.json"
    return words.is_file() and read_study(words).simulated


def finish(made: Path, target: Path, folder: Path) -> list[Path]:
    """Put a file that Quarto made where it belongs and finish it; return it and what lies beside it.

    Parameters
    ----------
    made : Path
        The file as Quarto left it.
    target : Path
        Where it goes; may be the same.
    folder : Path
        Folder of the documents' sources.
    """
    if made != target:
        shutil.copyfile(made, target)
    if target.suffix == ".docx":
        keep_together(target)
    if target.suffix == ".xml":
        return [target, *_finish_jats(made, target)]
    return [target]


def finish_folder(out: Path, folder: Path) -> list[Path]:
    """Finish what a plain `quarto render` left in its output folder: Word's rows and header, JATS with its figures beside it.

    Raises
    ------
    InputError
        There is no document in it.
    """
    documents = [path for path in sorted(out.glob("*")) if path.suffix in (".html", ".docx", ".pdf", ".xml")]
    if not documents:
        raise InputError(
            Problem("no documents", "what `quarto render` left", "run `quarto render`, which calls this", file=out)
        )
    made = [file for document in documents for file in finish(document, document, folder)]
    for document in documents:
        if document.suffix == ".docx" and simulated(folder):
            label_pages(document, SIMULATED)
        shutil.rmtree(out / f"{document.stem}_files", ignore_errors=True)
        shutil.rmtree(folder / f"{document.stem}_files", ignore_errors=True)
    return made


def _finish_jats(made: Path, target: Path) -> list[Path]:
    """Label the sections of a JATS file, and give each of its figures a name of its own beside it: all documents lie in one folder."""
    text = made.read_text(encoding="utf-8")
    figures: dict[str, Path] = {}

    def renamed(found: re.Match[str]) -> str:
        href = unescape(found[2])
        source = made.parent / unquote(href)
        if not source.is_file():
            return found[0]
        figures[href] = target.with_name(f"{target.stem}-{source.name}")
        if figures[href] != source:
            shutil.copyfile(source, figures[href])
        return f"{found[1]}{escape(figures[href].name)}{found[3]}"

    # A section's number, which documents.lua can only leave in its title.
    text = re.sub(r"<title>\s*<!--label (\S+?)-->\s*", r"<label>\1</label><title>", text)
    write_text(target, _HREF.sub(renamed, text))
    return list(dict.fromkeys(figures.values()))
