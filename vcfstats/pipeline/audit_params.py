"""`vcfstats audit params`: the audit room's comparison, with what the schema says of each key."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from rich.console import Console

from vcfstats.audit.change import audit_revisions, read_revision
from vcfstats.audit.change.report import report
from vcfstats.audit.change.writing import markdown, page, to_terminal
from vcfstats.contracts.files import write_text
from vcfstats.contracts.made import HTML, MARKDOWN, refuse_other_file
from vcfstats.pipeline.params import Params


def run_audit(
    root: Path, old: str, new: str | None, *, markdown_file: Path | None, html: Path | None, most: int
) -> bool:
    """Compare two revisions, print the report and write it where asked; return whether every deviation is declared.

    Parameters
    ----------
    root : Path
        The study's directory.
    old, new : str or None
        Revisions of git; None is the working tree.
    markdown_file : Path or None
        Where to write Markdown for a pull request; ``-`` prints it in place of the terminal's report.
    html : Path or None
        Where to write the page, which lists all moves.
    most : int
        Moves listed on the terminal and in Markdown, beyond the flips.
    """
    refuse_other_file(markdown_file if markdown_file != Path("-") else None, begins=MARKDOWN, option="--markdown")
    refuse_other_file(html, begins=HTML, option="--html")
    print("audit: reading both revisions", file=sys.stderr)
    audit = audit_revisions(root, read_revision(root, old), read_revision(root, new), descriptions=describe_keys())
    short = report(audit, most=most)
    if markdown_file == Path("-"):
        sys.stdout.write(markdown(short))
    else:
        to_terminal(short, Console(highlight=False))
        if markdown_file is not None:
            write_text(markdown_file, markdown(short))
    if html is not None:
        write_text(html, page(report(audit, most=None)))
    return not audit.undeclared


def describe_keys() -> dict[str, str]:
    """Return what the schema says of every key of params.yaml, dotted key -> description."""
    return dict(_described(Params))


def _described(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}", field.description or ""
        for inner in _models(field.annotation):
            yield from _described(inner, f"{prefix}{name}.")


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models in an annotation such as `X | None`; a mapping's entries have names of their own and are left out."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if getattr(annotation, "__origin__", None) in (dict, tuple, list):
        return []
    return [model for part in get_args(annotation) for model in _models(part)]
