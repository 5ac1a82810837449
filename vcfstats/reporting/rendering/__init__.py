"""Rendering: the documents of a study as HTML, Word and PDF, by Quarto or by the offline path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import making_folder, scratch_folder
from vcfstats.reporting.rendering.configuration import TARGETS, project_metadata
from vcfstats.reporting.rendering.finishing import SIMULATED, simulated
from vcfstats.reporting.rendering.offline import offline_version, render_offline
from vcfstats.reporting.rendering.quarto import quarto_path, quarto_version, render_quarto
from vcfstats.reporting.rendering.word import label_pages
from vcfstats.reporting.reproducible import ENGINE_VARIABLE, epoch, matplotlibrc

__all__ = ["Rendered", "render"]

FORMATS = tuple(TARGETS)
USUAL = ("html", "docx", "pdf")
_BESIDE = ("png",)  # figures of JATS, which holds none itself
ENGINES = ("auto", "quarto", "offline")


@dataclass(frozen=True)
class Rendered:
    """What a rendering left.

    Attributes
    ----------
    files : tuple of Path
        The documents, in the order of the sources, then of the formats.
    engine : str
        "quarto" or "offline".
    version : str
        The engine's version.
    """

    files: tuple[Path, ...]
    engine: str
    version: str


def render(
    report_dir: str | Path,
    *,
    formats: Sequence[str] = USUAL,
    out_dir: str | Path,
    engine: str = "auto",
    pages: Mapping[str, str] | None = None,
    label: str | None = None,
) -> Rendered:
    """Render the documents of a folder.

    Parameters
    ----------
    report_dir : path
        Folder with .qmd files; with _quarto.yml, its `project: render:` names them, else all are rendered.
    formats : sequence of {"html", "docx", "pdf", "xml"}
        Formats to write; PDF is set by typst, XML is JATS with its figures as PNG beside it.
    out_dir : path
        Where the documents go. It is replaced as a whole when all of them are ready: it holds either the old documents or
        the new ones.
    engine : {"auto", "quarto", "offline"}
        ``auto`` takes Quarto where it is on the PATH. The offline path understands a subset of Quarto and stops at anything
        else.
    pages : mapping of str to str, optional
        HTML pages that go beside the documents: file name -> content.
    label : str, optional
        What lines on stderr call the work, which then tell every few seconds what is being done; without it there are none.

    Raises
    ------
    InputError
        Something in the documents, or in what their cells read, with file and line.
    """
    folder, out = Path(report_dir).resolve(), Path(out_dir).resolve()
    program = quarto_path()
    _check(formats, engine, program, folder, out)
    documents = _documents(folder)
    use_quarto = program is not None and engine != "offline"
    version = quarto_version(program) if use_quarto and program else offline_version()
    shown = f"Quarto {version}" if use_quarto else f"vcfstats, offline path ({version})"
    environment = {"SOURCE_DATE_EPOCH": str(epoch()), ENGINE_VARIABLE: shown}
    with making_folder(out) as beside, scratch_folder() as scratch:
        ready = beside / "ready"
        ready.mkdir()
        rc = scratch / "matplotlibrc"
        rc.write_text(matplotlibrc(*_figure_size(folder)), encoding="utf-8")
        environment["MATPLOTLIBRC"] = str(rc)
        if use_quarto and program:
            _refuse_figures_at_end(folder, formats)
            made = render_quarto(
                documents,
                folder,
                program=program,
                formats=formats,
                out=ready,
                work=scratch,
                environment=environment,
                label=label,
            )
        else:
            made = render_offline(
                documents,
                folder,
                formats=formats,
                out=ready,
                work=scratch,
                environment=environment,
                label=label,
            )
        if simulated(folder):
            for file in made:
                if file.suffix == ".docx":
                    label_pages(file, SIMULATED)
        for name, page in (pages or {}).items():
            made.append(ready / name)
            made[-1].write_text(page, encoding="utf-8")
        if out.exists():
            out.rename(beside / "old")
        ready.rename(out)
    return Rendered(tuple(out / file.name for file in made), "quarto" if use_quarto else "offline", version)


def _check(formats: Sequence[str], engine: str, program: str | None, folder: Path, out: Path) -> None:
    if isinstance(formats, str) or not formats or any(name not in FORMATS for name in formats):
        raise ValueError(f"formats {formats!r}; allowed is a sequence of {', '.join(FORMATS)}")
    if engine not in ENGINES:
        raise ValueError(f"engine {engine!r}; allowed are {', '.join(ENGINES)}")
    if engine == "quarto" and program is None:
        raise InputError(
            Problem(
                "no quarto on the PATH",
                "an installed Quarto, or another engine",
                "install Quarto, or render with engine offline",
            )
        )
    if not folder.is_dir():
        raise InputError(Problem("no such folder", "a folder with .qmd files", "correct the name", file=folder))
    if out == folder or out in folder.parents:
        raise InputError(
            Problem(
                "an output folder that holds the sources",
                "a folder of its own, which is replaced as a whole",
                "name another",
                file=out,
            )
        )
    if out.is_dir() and any(entry.suffix.lstrip(".") not in FORMATS + _BESIDE for entry in out.iterdir()):
        other = next(entry for entry in out.iterdir() if entry.suffix.lstrip(".") not in FORMATS + _BESIDE)
        raise InputError(
            Problem(
                f"{other.name} in the output folder",
                "rendered documents only: the folder is replaced as a whole",
                "move it, or name another folder",
                file=out,
            )
        )


def _refuse_figures_at_end(folder: Path, formats: Sequence[str]) -> None:
    docx = (project_metadata(folder).get("format") or {}).get("docx")
    if "docx" in formats and isinstance(docx, dict) and docx.get("figures-at-end"):
        raise InputError(
            Problem(
                "figures-at-end with Quarto, which leaves figures where they stand",
                "the offline path for Word with figures at the end",
                "render with --engine offline, or remove the key",
                file=folder / "_quarto.yml",
            )
        )


def _figure_size(folder: Path) -> tuple[float, float]:
    """Return the size in inches of figures that have none of their own, as the project says or as Quarto has it."""
    given = project_metadata(folder)
    return float(given.get("fig-width", 7)), float(given.get("fig-height", 5))


def _documents(folder: Path) -> list[Path]:
    named = (project_metadata(folder).get("project") or {}).get("render", [])
    documents = [folder / name for name in named] or sorted(folder.glob("*.qmd"))
    if not documents:
        raise InputError(Problem("no .qmd file", "documents to render", "add one", file=folder))
    for document in documents:
        if not document.is_file():
            raise InputError(
                Problem(
                    f"no file {document.name}, which _quarto.yml lists",
                    "existing .qmd files",
                    "correct `project: render:`",
                    file=folder / "_quarto.yml",
                )
            )
    return documents
