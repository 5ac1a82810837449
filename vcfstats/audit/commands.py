"""Commands of the audit room: ``vcfstats audit ...``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from vcfstats.audit.table import TableAudit, audit_table
from vcfstats.audit.table.files import read_tables
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.contracts.made import HTML, refuse_other_file
from vcfstats.contracts.markup import csv_text

app = typer.Typer(help="What changed, what it moved, and whether the numbers can be true.", no_args_is_help=True)

_COLOURS = {"IMPOSSIBLE": "bold red", "INCONSISTENT": "bold yellow", "NOTE": "bold cyan"}


@app.callback(help=app.info.help)
def room() -> None:
    """Keep the commands' names where this module's is the only one known."""


@app.command("table")
def table(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="A manuscript (.docx, .pdf, .html) or tables (.xlsx, .csv, .tsv, .md, .txt); - reads pasted text."
        ),
    ],
    baseline: Annotated[list[Path] | None, typer.Option(help="CSV file of a baseline table.")] = None,
    claims: Annotated[
        list[Path] | None, typer.Option(help="CSV file of claims of the text, or a text file with one a line.")
    ] = None,
    n: Annotated[list[str] | None, typer.Option(help="Patients of a cohort: training=164. May be repeated.")] = None,
    events: Annotated[list[str] | None, typer.Option(help="Events of a cohort: training=61. May be repeated.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Cohort that a column of the baseline table is labelled as: 'Column 2=training'."),
    ] = None,
    ci_method: Annotated[
        str | None,
        typer.Option(
            help="How the paper made its AUC intervals: delong, wald, hanley-mcneil, bootstrap, logit, exact, other."
        ),
    ] = None,
    confidence_level: Annotated[float, typer.Option(help="Level of the printed intervals.")] = 0.95,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML page.")] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write findings, verdict and every cell with its role as JSON.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the findings as CSV.")] = None,
    rows: Annotated[
        Path | None, typer.Option(help="Write one line a row: confusion matrix and standard errors, as CSV.")
    ] = None,
) -> None:
    """Check by arithmetic whether the figures of published tables can stand together.

    Exits with 1 if anything is impossible or inconsistent, with 2 if the input cannot be used, with 3 if nothing in it could
    be checked.
    """  # fmt: skip
    console, errors = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        audit = audit_files(
            files, baseline=baseline or [], claims=claims or [], n=_counts(n, "--n"), events=_counts(events, "--events"),
            columns=_pairs(column, "--column"), ci_method=ci_method, confidence_level=confidence_level,
        )  # fmt: skip
    except InputError as error:
        errors.print(escape(str(error)))
        raise typer.Exit(2) from None
    try:
        refuse_other_file(html, begins=HTML, option="--html")
        refuse_other_file(json, begins='{\n "verdict"', option="--json")
        refuse_other_file(csv, begins=",".join(map(str, audit.to_frame().columns)), option="--csv")
        refuse_other_file(rows, begins=",".join(map(str, audit.rows.columns)), option="--rows")
    except InputError as error:
        errors.print(escape(str(error)))
        raise typer.Exit(2) from None
    if html is not None:
        audit.to_html(html, title=f"Table audit: {', '.join(path.name for path in files)}")
    if json is not None:
        audit.to_json(json)
    if csv is not None:
        audit.to_csv(csv)
    if rows is not None:
        write_text(rows, csv_text(audit.rows))
    for line in audit.to_text().splitlines():
        shown = escape(line)
        for word, colour in _COLOURS.items():
            if f". {word}  " in line[:20]:
                shown = shown.replace(word, f"[{colour}]{word}[/{colour}]", 1)
        console.print(shown)
    if audit.verdict != "nothing found":
        raise typer.Exit(1 if audit.verdict == "found" else 3)


def audit_files(
    files: Sequence[Path],
    *,
    baseline: Sequence[Path] = (),
    claims: Sequence[Path] = (),
    n: dict[str, int] | None = None,
    events: dict[str, int] | None = None,
    columns: dict[str, str] | None = None,
    ci_method: str | None = None,
    confidence_level: float = 0.95,
) -> TableAudit:
    """Audit the tables of files.

    Raises
    ------
    InputError
        A file that cannot be read, a table of no known kind, or an option that does not fit the tables.
    """
    frames = []
    for path in files:
        tables = read_tables(path)
        for table in tables:
            if len(files) > 1 and not table.attrs.get("title"):
                table.attrs["title"] = path.stem
        frames += tables
    given = {
        name: [table for path in paths for table in read_tables(path)] or None
        for name, paths in (("baseline", baseline), ("claims", claims))
    }
    try:
        return audit_table(
            frames, baseline=given["baseline"], claims=given["claims"], n=n or None, events=events or None,
            columns=columns or None, ci_method=ci_method, confidence_level=confidence_level,
        )  # fmt: skip
    except InputError:
        raise
    except ValueError as error:
        where = ", ".join(str(path) for path in (*files, *baseline, *claims))
        message = f"tables and options that do not go together ({str(error).rstrip('.')})"
        problem = Problem(
            message,
            "a performance table, a baseline table or claims",
            "name the columns or the option accordingly",
            file=where,
        )
        raise InputError(problem) from None


def _pairs(options: Sequence[str] | None, name: str) -> dict[str, str]:
    pairs = {}
    for option in (part for given in options or [] for part in re.split(r",\s*(?=[^,]*=)", given)):
        key, sign, value = option.rpartition("=")
        if not sign or not key.strip() or not value.strip():
            raise InputError(Problem(f"{name} {option}", f"{name} NAME=VALUE", f"write it like {name} training=164"))
        pairs[key.strip()] = value.strip()
    return pairs


def _counts(options: Sequence[str] | None, name: str) -> dict[str, int]:
    counts = {}
    for key, value in _pairs(options, name).items():
        if not value.replace(",", "").isdigit():
            raise InputError(
                Problem(f"{name} {key}={value}", "a whole number of patients", f"write it like {name} {key}=164")
            )
        counts[key] = int(value.replace(",", ""))
    return counts
