"""Published values beside the rebuilt ones, where a study brings such values with it."""

from __future__ import annotations

import csv

import pandas as pd

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.reporting import absence, values
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.study import Study
from vcfstats.reporting.tables import Column, Table
from vcfstats.reporting.values import Text, compose, join

COLUMNS = ["group", "item", "key", "value", "low", "high"]


def has_published(study: Study) -> bool:
    """Whether the study has a file of published values."""
    return not absence.published(study)


def published(study: Study) -> Text:
    """Say what is compared with what, or that nothing was published before."""
    if not has_published(study):
        return Text.of("The study rebuilds no published one: there are no values to compare with.")
    source = study.info.protocol.source
    begin = (
        compose("The values published by {source} stand beside those of this study.", source=source)
        if source
        else Text.of("Published values stand beside those of this study.")
    )
    if not study.info.simulated:
        return begin
    return join(
        [
            begin,
            Text.of(
                "Its patients are simulated after published counts, so that an agreement is one by construction and no replication."
            ),
        ]
    )


def by_construction(study: Study) -> Text:
    """Say, for a caption, that values which agree with published ones do so by construction; empty where they do not."""
    if not (study.info.simulated and has_published(study)):
        return Text("", "")
    return Text.of("Simulated patients: where values agree with published ones, they do so by construction.")


def published_table(study: Study) -> Table | Absent:
    """Return the published values of report/study/published.csv, each beside the study's own.

    The file has the columns group, item, key, value, low, high: the words of print, the key of the result record (or
    ``regression/FINDING``, the adjusted odds ratio of a finding), and the published value as printed, with limits if it
    has any. Values are printed as they stand in the file, so that a published rounding is not improved upon.

    Raises
    ------
    InputError
        A file with other columns, or a key without a record.
    """
    if why := absence.published(study):
        return Absent(why)
    path = study.root / absence.PUBLISHED
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames != COLUMNS:
            raise InputError(
                Problem(
                    f"columns {', '.join(reader.fieldnames or ())}",
                    f"columns {', '.join(COLUMNS)}",
                    "rename them",
                    file=path,
                )
            )
        given = list(reader)
    columns = [
        Column("item", "", width=40),
        Column("published", "Published", "right", width=30),
        Column("rebuilt", "Rebuilt", "right", width=30),
    ]
    rows = [
        {
            "item": row["item"],
            "published": f"{row['value']} ({row['low']} to {row['high']})" if row["low"] else row["value"],
            "rebuilt": _rebuilt(study, row["key"]),
        }
        for row in given
    ]
    table = Table.of(columns, rows, groups=[row["group"] for row in given])
    if any(row["low"] for row in given):
        table = table.with_note(
            "In parentheses: confidence interval. AUC, area under the receiver operating characteristic curve."
        )
    if any("–" in row for row in table.rows):
        table = table.with_note("–: not fitted here, or not estimable.")
    if study.info.simulated:
        table = table.with_note(
            "Rebuilt on simulated patients: where the values agree, they do so by construction; this is no replication."
        )
    return table


def _rebuilt(study: Study, key: str) -> str:
    if key.startswith("regression/"):
        return _odds_ratio(study, key.removeprefix("regression/"))
    record = study.records.get(key)
    if record is None or record.value is None:
        return "–"
    if record.p_value is not None and record.estimate in ("hosmer_lemeshow", "calibration_belt"):
        return study.sourced(values.p_value(record.p_value), key)
    limits = values.interval(record) if record.estimate == "auc" else ""
    return study.sourced(f"{values.point(record)} ({limits})" if limits else values.point(record), key)


def _odds_ratio(study: Study, finding: str) -> str:
    frame = study.rows("regression")
    own = frame[frame["variable"] == finding]
    if len(own) != 1 or pd.isna(own["adjusted_or"].iloc[0]):
        return "–"
    row = own.iloc[0]
    limits = [values.scaled(row[f"adjusted_{name}"], 3) for name in ("or", "low", "high")]
    shown = f"{limits[0]} ({limits[1]} to {limits[2]})"
    return study.sourced(shown, study.row_source("regression", int(own.index[0])))
