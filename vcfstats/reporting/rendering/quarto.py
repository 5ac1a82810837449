"""The same documents by Quarto, where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.progress import progress
from vcfstats.reporting.rendering.configuration import TARGETS
from vcfstats.reporting.rendering.pandoc import fixed_time


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

    Quarto leaves folders beside what it renders: it gets a copy of the documents, in a study whose other parts are links.
    """
    study = work / "study"
    study.mkdir()
    for entry in folder.parent.iterdir():
        if entry != folder:
            (study / entry.name).symlink_to(entry)
    report = study / folder.name
    shutil.copytree(folder, report, ignore=shutil.ignore_patterns("_output", ".quarto", "*_files", ".writing-*"))
    kernels = _kernel(work)
    made = []
    wanted = [(document, name) for document in documents for name in formats]
    for document, name in wanted if label is None else _told(wanted, label):
        _quarto(program, report / document.relative_to(folder), TARGETS[name], folder, report, kernels, environment)
        # Where the project names an output directory, Quarto puts it there; else beside the source.
        file = f"{document.stem}.{name}"
        found = sorted((path for path in report.rglob(file)), key=lambda path: len(path.parts), reverse=True)
        if not found:
            raise RuntimeError(f"Quarto said that it rendered {document.name} to {name}, but left no {file}")
        made.append(out / file)
        shutil.move(found[0], made[-1])
    return made


def _told(wanted: list[tuple[Path, str]], label: str) -> Iterator[tuple[Path, str]]:
    for document, name in wanted:
        yield from progress([(document, name)], 1, label=f"{label} {document.stem}.{name}", unit="files")


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
    program: str, document: Path, target: str, folder: Path, report: Path, kernels: Path, environment: Mapping[str, str]
) -> None:
    done = subprocess.run(
        [program, "render", str(document), "--to", target],
        capture_output=True, text=True, cwd=report, check=False,
        env={**fixed_time(), "QUARTO_PYTHON": sys.executable, "JUPYTER_PATH": str(kernels), "NO_COLOR": "1", **environment},
    )  # fmt: skip
    if done.returncode:
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr).replace(str(report), str(folder)).strip()
        tail = " / ".join(line.strip() for line in said.splitlines()[-12:] if line.strip())
        raise InputError(
            Problem(
                f"Quarto stopped: {tail}",
                "documents that Quarto renders",
                "correct the document, or what it reads",
                file=str(folder / document.relative_to(report)),
            )
        )
