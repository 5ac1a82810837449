"""A new study's directory: params to fill in, the stages, the documents' sources, DVC without telemetry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.contracts.plan import write_locks
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.cohort_files import find_table, read_table
from vcfstats.pipeline.filling import new_params, tell_columns
from vcfstats.reporting.rendering.look import report_sources

TEMPLATE = Path(str(files("vcfstats.pipeline").joinpath("template.yaml")))
DVC_CONFIG = "[core]\n    analytics = false\n    check_update = false\n"
PROTOCOL = (
    "# No protocol was registered for this study: `study.protocol` in params.yaml is null and nothing is compared.\n"
    "# To register one, list here what it says of every analytic key, and write `protocol: protocol.yaml` in params.yaml:\n"
    '#   source: "registry and number"\n#   keys:\n#     model.folds: { status: printed, value: 5 }\n'
    "source: none\nkeys: {}\n"
)
# Private by default: git sees what is named here and nothing else, so that a cohort, predictions, a validation, pictures or DVC's
# cache never get into a commit by `git add -A`, wherever they are put.
_RESULTS = ("results.json", "study.json", "nomogram.json", "plan.json", "forks.json", "self_audit.json", "looks.jsonl", "configurations.jsonl")  # fmt: skip
_TABLES = "".join(f"!/results/tables/{name}.csv\n" for name in sorted(TABLES))
IGNORED = f"""# Private by default: git keeps what is named below, and nothing else of this folder.
# To share more, add a line such as !/notes.md; think of patients before you do.
/*
!/.gitignore
!/.gitattributes
!/.dvcignore
!/.dvc/
/.dvc/*
!/.dvc/.gitignore
!/.dvc/config
!/params.yaml
!/protocol.yaml
!/dvc.yaml
!/dvc.lock
!/lock.json
!/README.md
!/results/
/results/*
{"".join(f"!/results/{name}{chr(10)}" for name in _RESULTS)}!/results/tables/
/results/tables/*
{_TABLES}!/report/
/report/*
!/report/*.qmd
!/report/*.lua
!/report/*.css
!/report/*.csl
!/report/*.bib
!/report/header.typ
!/report/reference.docx
!/report/_quarto.yml
!/report/study/
/report/study/*
!/report/study/*.md
.writing-*
"""
# Two branches each add lines to a log: a merge keeps both.
ATTRIBUTES = "results/looks.jsonl merge=union\nresults/configurations.jsonl merge=union\n"
WORDS = {
    "background.md": "The background of this study has not been written yet (`report/study/background.md`).\n",
    "participants.md": "Eligibility, setting and dates have not been written yet (`report/study/participants.md`).\n",
}


def template() -> str:
    """Return the packaged params.yaml, to be filled in."""
    return TEMPLATE.read_text(encoding="utf-8")


def new_study(directory: Path, cohort: Path) -> None:
    """Make the directory of a study on the cohort in a folder.

    Raises
    ------
    InputError
        The directory holds files already, or the folder has neither cohort.csv nor participants.tsv.
    """
    if directory.exists() and any(directory.iterdir()):
        raise InputError(
            Problem("a directory that is not empty", "a new or empty directory", "choose another name", file=directory)
        )
    table = read_table(cohort / find_table(cohort))
    params = new_params(template(), os.path.relpath(cohort.resolve(), directory.resolve()), table)
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / "params.yaml", params)
    for line in tell_columns(directory / "params.yaml", table):
        print(line)
    write_text(directory / "protocol.yaml", PROTOCOL)
    write_text(directory / "dvc.yaml", files("vcfstats.pipeline").joinpath("dvc.yaml").read_text(encoding="utf-8"))
    write_locks((), directory / "lock.json")
    write_text(directory / ".gitattributes", ATTRIBUTES)
    _copy_report(directory / "report")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", *_scm(directory)], cwd=directory, check=True)
    write_text(directory / ".dvc" / "config", _with_core(directory / ".dvc" / "config"))
    write_text(directory / ".gitignore", IGNORED)  # after DVC, which makes no repository in an ignored folder
    write_text(directory / ".dvcignore", ".vcfstats-cache\n__pycache__\n")
    print(f"made {directory}: fill in params.yaml and report/study/*.md, then run `dvc repro` there")


def _copy_report(target: Path) -> None:
    ignored = shutil.ignore_patterns("_output", ".quarto", "study", "__pycache__", ".ipynb_checkpoints")
    shutil.copytree(report_sources(), target, ignore=ignored)
    for name in sorted(path.name for path in (report_sources() / "study").glob("*.md")):
        write_text(target / "study" / name, WORDS.get(name, f"Not written yet (`report/study/{name}`).\n"))


def _scm(directory: Path) -> list[str]:
    """DVC stands beside git where there is git (in a subdirectory of it, if so), and alone where there is none."""
    inside = subprocess.run(
        ["git", "rev-parse", "--show-toplevel"], cwd=directory, capture_output=True, text=True, check=False
    )
    if inside.returncode:
        return ["--no-scm"]
    return [] if Path(inside.stdout.strip()).resolve() == directory.resolve() else ["--subdir"]


def _with_core(config: Path) -> str:
    """Return DVC's configuration with telemetry and update checks off, keeping what `dvc init` wrote."""
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    if "[core]" in text:
        return text.replace("[core]\n", DVC_CONFIG, 1)
    return DVC_CONFIG + text
