"""The params.yaml of a new study: the template, with what the cohort's table tells of its columns."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.cells import Told, known
from vcfstats.pipeline.cohort_settings import FILL_IN, BidsSection
from vcfstats.pipeline.feasible import tell_infeasible
from vcfstats.pipeline.params import Params, check_params
from vcfstats.pipeline.proposals import ROLES, Proposal, propose
from vcfstats.pipeline.textfile import TextTable
from vcfstats.pipeline.yamlfile import read_yaml, unfit_character, yaml_scalar

_BIDS = BidsSection()
_BIDS_TABLE = (
    "  table: participants.tsv\n  bids: # where images and masks lie: {patient} and * stand for names, ** for any folders\n"
    f"    image: {yaml_scalar(_BIDS.image)}\n    mask: {yaml_scalar(_BIDS.mask)}\n"
)
_CANDIDATES = 6  # columns that may be the outcome, that are named in a comment


def new_params(template: str, folder: str, table: TextTable) -> str:
    """Return the template with the cohort's folder, its columns and what is to be filled in.

    Parameters
    ----------
    template : str
        The packaged params.yaml.
    folder : str
        The cohort's folder, as it is written.
    table : TextTable
        The cohort's table.

    Raises
    ------
    InputError
        The folder's name cannot be written as text.
    """
    if (character := unfit_character(folder)) is not None:
        raise InputError(
            Problem(
                f"the character U+{ord(character):04X} in the folder's name",
                "a name that can be written as text",
                "rename the folder",
                file=ascii(folder),
            )
        )
    found = propose(table)
    columns = ", ".join(_comment(column) for column in table.cells.columns)
    # In one pass: a folder may be called {columns}.
    values = {"{folder}": yaml_scalar(folder), "{columns}": columns}
    text = re.sub(r"\{(folder|columns)\}", lambda match: values[match[0]], template)
    roles: tuple[str, ...] = ROLES
    if table.path.name.endswith(".tsv") and "participant_id" in table.cells:
        text = text.replace("  table: cohort.csv\n", _BIDS_TABLE)
        text = text.replace("  patient_id: patient_id ", "  patient_id: participant_id ")
        roles = ()
    for role in roles:
        column = found.roles.get(role)
        if column != role:
            guess = f"perhaps {_comment(column)}; " if column is not None else ""
            text = _replaced(text, rf"  {role}: {role} # ", f"  {role}: {FILL_IN} # {guess}")
    candidates = "; ".join(f"{_comment(column)} ({_values(counts)})" for column, counts in list(found.two_valued.items())[:_CANDIDATES])  # fmt: skip
    hint = f"; of two values are {candidates}" if candidates else ""
    text = _replaced(text, rf"    column: {FILL_IN} # reference standard", f"    column: {FILL_IN} # reference standard{hint}")  # fmt: skip
    return _replaced(text, r"    event: 1 # ", f"    event: {FILL_IN} # ")


def _replaced(text: str, pattern: str, value: str) -> str:
    """Replace one place of the template; that it is there is the template's and this module's own affair."""
    changed, count = re.subn(f"^{pattern}", lambda match: value, text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"the template has {count} places {pattern!r}; one is expected")
    return changed


def _comment(text: str) -> str:
    """Return text for a comment: in one line, what cannot be seen written out."""
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    return shown if re.fullmatch(r"[\w.\-]+", shown) else f'"{shown}"'


def _values(counts: Counter[str]) -> str:
    return ", ".join(f"{_comment(value)} {count}" for value, count in sorted(counts.items()))


def tell_columns(params_file: Path, table: TextTable) -> list[str]:
    """Return in words what the table's columns may be, and which of them could not be the outcome for want of cases.

    Parameters
    ----------
    params_file : Path
        Of the new study.
    table : TextTable
        The cohort's table.
    """
    found = propose(table)
    said = [str(table), *found.lines()]
    for column, counts in found.two_valued.items():
        told = Told(table.path)
        tell_infeasible(
            _cohort(table, column, min(counts, key=lambda value: counts[value])), _filled(params_file), told
        )
        said += [f"{column!r} as the outcome: {problem}" for problem in told.problems]
    return said


def _cohort(table: TextTable, column: str, event: str) -> pd.DataFrame:
    """Return the least of a cohort that partition and folds are drawn from."""
    found: Proposal = propose(table)
    values = known(table.cells[column], column, Told(table.path))
    patients = table.cells[found.roles["patient_id"]] if "patient_id" in found.roles else values.index.astype(str)
    cohort = pd.DataFrame(
        {
            "patient_id": list(patients),
            "outcome": (values == event).astype("int64").to_numpy(),
            "partition": None,
            "mask_intra": None,
            "mask_inter": None,
        },
        index=pd.Index(values.index.astype(str), name="case_id"),
    )
    return cohort[values.notna().to_numpy()]


def _filled(params_file: Path) -> Params:
    """Return the new study's decisions, its words and columns whatever they be."""
    body = read_yaml(params_file)
    return check_params(_stand_ins(body, Counter()), params_file)


def _stand_ins(part: Any, count: Counter[str]) -> Any:
    if isinstance(part, dict):
        return {name: _stand_ins(value, count) for name, value in part.items()}
    if part != FILL_IN:
        return part
    count["used"] += 1
    return f"column {count['used']}"
