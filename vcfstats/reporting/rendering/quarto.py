"""The same documents by Quarto, where it is installed.

Cells run once, as in the offline path, and Quarto gets the documents with what they showed: it numbers nothing and runs
nothing. floats.lua and drawing.lua beside the documents see to it that both paths say the same.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.progress import progress
from vcfstats.reporting.rendering import execution
from vcfstats.reporting.rendering.assembly import Assembled, assemble
from vcfstats.reporting.rendering.configuration import TARGETS, configuration
from vcfstats.reporting.rendering.finishing import finish
from vcfstats.reporting.rendering.pandoc import fixed_time
from vcfstats.reporting.rendering.source import read_source

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_WARNING = re.compile(r"^\s*(?:\[?WARN(?:ING)?\b|\(W\)|\(E\)|ERROR\b)")
# What Quarto or pandoc only warns of, and a document with something missing comes of.
_LOST = re.compile(
    r"Unable to parse table|Running juice failed|Unable to resolve|Could not (?:fetch|find|convert|determine)|citation \S+ not found"
    r"|Unable to (?:find|read)|not found in resource path|Duplicate (?:identifier|note)|Undefined cross-ref",
    re.IGNORECASE,
)


def quarto_path() -> str | None:
    """Return Quarto's program, if it is on the PATH."""
    return shutil.which("quarto")


def quarto_version(program: str) -> str:
    """Return Quarto's version."""
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def render_quarto(
    documents: Sequence[Path],
    folder: Path,
    *,
    program: str,
    formats: Sequence[str],
    out: Path,
    work: Path,
    environment: Mapping[str, str],
    label: str | None = None,
) -> list[Path]:
    """Render documents into the folder `out`; `label` heads the lines of progress.

    Quarto leaves folders beside what it renders: each document gets a copy of the sources, in a study whose other parts are
    links, and all its formats are made in one go. A document that goes beyond what the offline path understands is run by
    Quarto itself, once for each format, and that is said.
    """
    given = _assembled(documents, folder, environment, label)
    kernels = _kernel(work)

    def one(document: Path) -> list[Path]:
        report = _copy(document, given.get(document), folder, work / document.stem, formats)
        source = report / document.relative_to(folder)
        _quarto(program, source, folder, report, kernels, environment)
        made: list[Path] = []
        for name in formats:
            file = source.with_suffix(f".{name}")
            if not file.is_file():
                raise RuntimeError(f"Quarto said that it rendered {document.name}, but left no {file.name}")
            made += finish(file, out / file.name, folder)
        return made

    def told(document: Path) -> list[Path]:
        if label is None:
            return one(document)
        (made,) = [one(document) for _ in progress([None], 1, label=f"{label} {document.stem}", unit="documents")]
        return made

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return [file for files in pool.map(told, documents) for file in files]


def _assembled(
    documents: Sequence[Path], folder: Path, environment: Mapping[str, str], label: str | None
) -> dict[Path, Assembled]:
    """Run the cells of the documents once, and put what they showed in their places."""
    known = {}
    for document in documents:
        try:
            source = read_source(document)
            known[document] = (source, configuration(folder, source))
        except InputError as beyond:
            print(f"{document.name}: Quarto runs its cells, once for each format ({beyond})", file=sys.stderr)
    sources = [source for source, _ in known.values()]
    results = execution.run(sources, folder=folder, environment=environment, label=label) if sources else []
    made = {}
    for (document, (source, settings)), shown in zip(known.items(), results, strict=True):
        assembled = assemble(source, shown, settings, bare_figures=True)
        # Without cells there is nothing to run: Quarto need not look for a kernel, and takes no heading for the title.
        head = yaml.safe_dump({**source.metadata, "engine": "markdown"}, allow_unicode=True, sort_keys=False)
        made[document] = Assembled(f"---\n{head}---\n\n{assembled.markdown}", assembled.files)
    return made


def _copy(document: Path, given: Assembled | None, folder: Path, study: Path, formats: Sequence[str]) -> Path:
    """Copy the sources into a study of their own, with one document to render into the formats asked for."""
    study.mkdir()
    for entry in folder.parent.iterdir():
        if entry != folder:
            (study / entry.name).symlink_to(entry)
    report = study / folder.name
    shutil.copytree(folder, report, ignore=shutil.ignore_patterns("_output", ".quarto", "*_files", ".writing-*"))
    file = report / "_quarto.yml"
    project: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
    options = project.get("format") or {}
    options = {options: {}} if isinstance(options, str) else options
    # What Quarto does around a project is done here: outputs are moved, and finished, by the caller.
    project["project"] = {"render": [document.relative_to(folder).as_posix()]}
    project["format"] = {TARGETS[name]: options.get(TARGETS[name]) or {"toc": False} for name in formats}
    file.write_text(yaml.safe_dump(project, allow_unicode=True, sort_keys=False), encoding="utf-8")
    if given is not None:
        (report / document.relative_to(folder)).write_text(given.markdown, encoding="utf-8")
        for name, content in given.files.items():
            (report / name).parent.mkdir(parents=True, exist_ok=True)
            (report / name).write_bytes(content)
    return report


def _kernel(work: Path) -> Path:
    """Describe this Python as the kernel python3, found before any that the machine has of that name."""
    folder = work / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    argv = [
        sys.executable,
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
        "--HistoryManager.enabled=False",
        "--log-level=ERROR",
    ]
    (folder / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}), encoding="utf-8"
    )
    return work / "jupyter"


def _quarto(
    program: str, document: Path, folder: Path, report: Path, kernels: Path, environment: Mapping[str, str]
) -> None:
    done = subprocess.run(
        [program, "render", str(document)],
        capture_output=True, text=True, cwd=report, check=False,
        # Fonts of the machine would change the PDF's pages.
        env={
            **fixed_time(), "QUARTO_PYTHON": sys.executable, "JUPYTER_PATH": str(kernels), "NO_COLOR": "1",
            "TYPST_IGNORE_SYSTEM_FONTS": "true", **environment,
        },
    )  # fmt: skip
    source = str(folder / document.relative_to(report))
    said = [line.strip() for line in _COLOURS.sub("", done.stderr).replace(str(report), str(folder)).splitlines()]
    if done.returncode:
        tail = " / ".join(_reason([line for line in said if line]))
        raise InputError(
            Problem(
                f"Quarto stopped: {tail}",
                "documents that Quarto renders",
                "correct the document, or what it reads",
                file=source,
            )
        )
    for warning in warnings_of(said):
        print(f"{document.name}: Quarto says: {warning}", file=sys.stderr)
        if _LOST.search(warning):
            raise InputError(
                Problem(
                    f"Quarto left something out: {warning}",
                    "documents that Quarto renders whole",
                    "correct the document, or render with --engine offline",
                    file=source,
                )
            )


def warnings_of(lines: Sequence[str]) -> list[str]:
    """Return the warnings among what Quarto said, each once; a warning goes on with the line after it where it ends in a colon."""
    found = []
    for at, line in enumerate(lines):
        if _WARNING.match(line) or _LOST.search(line):
            rest = lines[at + 1 : at + 2] if line.endswith((":", ")")) else []
            found.append(" ".join([line, *rest]))
    return list(dict.fromkeys(found))


# Lines that lead through Quarto's own program.
_TRACE = re.compile(
    r"at (?:async )?\S|stack traceback|WARN: Error encountered|(?:\[C\]|\[string .*|\S+\.lua:\d+):.* in (?:field|function|local|method|upvalue|\?)"
    r"|\[C\]: in",
    re.IGNORECASE,
)


def _reason(lines: Sequence[str]) -> list[str]:
    """Return what Quarto said of its stop: from the first error on, without the way through its program."""
    first = next(
        (at for at, line in enumerate(lines) if re.match(r"ERROR\b|error:|Error running filter", line)),
        max(0, len(lines) - 12),
    )
    return list(dict.fromkeys(line for line in lines[first:] if not _TRACE.match(line)))[:6]
