"""Pop-ups of HTML documents: where a number of the text or of a table, or a figure, comes from.

One block of data for each document holds what every pop-up says, a small script shows it. Without the script numbers of the
text keep their titles; nothing is loaded from anywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from vcfstats.contracts.markup import raw_html
from vcfstats.contracts.records import Record
from vcfstats.reporting.study import Study
from vcfstats.reporting.values import level, method

# A figure's label -> the tables of results/ that it is drawn from, or a file of results/ by its full name.
FIGURES: Mapping[str, tuple[str, ...]] = {
    "fig-flow": ("flow",),
    "fig-workflow": ("workflow",),
    "fig-activation": ("activation",),
    "fig-lasso": ("lasso_path", "lasso_error", "coefficients"),
    "fig-coefficients": ("coefficients",),
    "fig-nomogram": ("nomogram", "nomogram_example"),
    "fig-roc": ("roc", "roc_band"),
    "fig-decision": ("decision", "decision_band"),
    "suppfig-roc-clinical": ("roc",),
    "suppfig-roc-radiomics": ("roc",),
    "suppfig-roc-fused": ("roc",),
    "suppfig-comparison": ("comparison",),
    "suppfig-calibration": ("calibration", "calibration_groups", "distribution"),
    "suppfig-roc-bands": ("roc", "roc_band"),
    "suppfig-decision-bands": ("decision", "decision_band"),
    "suppfig-belts": ("calibration_belt",),
    "suppfig-subgroups": ("subgroups",),
    "suppfig-funnel": ("funnel",),
    "suppfig-scanners": ("scanner_shares",),
    "suppfig-training": ("training",),
    "suppfig-recalibration": ("calibration", "calibration_groups"),
    "suppfig-recalibration-classifiers": ("calibration", "calibration_groups"),
    "suppfig-recalibrated-decision": ("decision",),
    "suppfig-followup": ("followup",),
    "suppfig-forks": ("forks.json",),
}
_ROW = re.compile(r"^(\w+)\.csv, row (\d+)$")


def popups(study: Study) -> str:
    """Return Markdown with the pop-ups of a document: to be printed last, when it is known what was printed.

    Other formats see nothing of it.
    """
    rows = cache(study.rows)  # a table is read once, not for each of its rows that was printed
    data = {
        "hashes": {name: getattr(study.info.hashes, name) for name in ("params", "data", "code")},
        "sources": {key: _explained(study, rows, key) for key in sorted(study.printed)},
        "figures": {label: _drawn_from(study, rows, names) for label, names in FIGURES.items()},
    }
    # In a script element only "</" could end the data, and only "<!--" change how it is read.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    assets = files("vcfstats.reporting.web") / "assets"
    style, script = ((assets / f"provenance.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return (
        raw_html(
            f'<style>\n{style}</style>\n<script type="application/json" id="study-sources">{text}</script>\n<script>\n{script}</script>'
        )
        + "\n"
    )


def _explained(study: Study, rows: Callable[[str], pd.DataFrame], key: str) -> list[tuple[str, str]]:
    """Return what a pop-up says of a key: terms and their words."""
    row = _ROW.match(key)
    if row:
        return _of_row(rows(row[1]), row[1], int(row[2]))
    return _of_record(key, study.record(key))


def _of_record(key: str, record: Record) -> list[tuple[str, str]]:
    said = [("Record", key), ("Value", "none" if record.value is None else _full(record.value))]
    if record.unit:
        said.append(("Unit", record.unit))
    if record.ci_low is not None and record.ci_high is not None:
        said.append((level(record), f"{record.ci_low!r} to {record.ci_high!r}"))
    numbers = {
        "Statistic": record.statistic,
        "df": record.df,
        "p": record.p_value,
        "n": record.n,
        "Events": record.events,
    }
    said += [(name, f"{value!r}") for name, value in numbers.items() if value is not None]
    if record.method:
        said.append(("Method", method(record)))
    return [*said, ("Stage", record.stage)]


def _of_row(table: pd.DataFrame, name: str, number: int) -> list[tuple[str, str]]:
    """Return a row of a table of results/ as it stands, without what is empty."""
    row = table.iloc[number]
    cells = {column: value for column, value in row.items() if value == value and value not in ("", None)}
    return [
        ("Table", f"results/tables/{name}.csv, row {number + 1}"),
        *((str(column), _full(value)) for column, value in cells.items()),
        ("Stage", "evaluate"),
    ]


def _drawn_from(study: Study, rows: Callable[[str], pd.DataFrame], names: tuple[str, ...]) -> list[tuple[str, str]]:
    said = []
    for name in names:
        file = f"results/{name}" if "." in name else f"results/tables/{name}.csv"
        path = study.root / file
        if not path.is_file():
            said.append((file, "the study has none"))
            continue
        count = "" if "." in name else f"{len(rows(name)):,} rows, "
        said.append((file, f"{count}SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"))
    return said


def _full(value: Any) -> str:
    """Write a value with all its digits."""
    if hasattr(value, "item"):
        value = value.item()
    return (
        repr(value)
        if isinstance(value, float) and not value.is_integer()
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
