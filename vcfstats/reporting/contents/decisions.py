"""Tables of the decisions, of what was not done, and of the records behind every number."""

from __future__ import annotations

from typing import Any

from vcfstats.contracts.records import Record
from vcfstats.reporting import absence, values
from vcfstats.reporting.absence import Absent
from vcfstats.reporting.contents.layout import breakable
from vcfstats.reporting.contents.performance import ACCURACY, CALIBRATION
from vcfstats.reporting.study import KINDS, Study, reason
from vcfstats.reporting.tables import Column, Table

# Python's words for a switch, as values or as the text of one -> those of people.
_SWITCHES = {"True": "yes", "False": "no", "None": "none"}
_LONG = 60  # characters of a method or a value that still fit a narrow column


def deviations_table(study: Study) -> Table | Absent:
    """Return what departs from the protocol's printed values, and why."""
    columns = [
        Column("key", "Decision", width=24),
        Column("published", "Published", width=17),
        Column("used", "Used", width=17),
        Column("reason", "Reason", width=42),
    ]
    rows = [
        {"key": breakable(d.key), "published": words(d.published), "used": words(d.used) or "none", "reason": d.reason}
        for d in study.info.protocol.deviations
    ]
    return Table.of(columns, rows) if rows else Absent(absence.deviations(study))


def choices_table(study: Study) -> Table | Absent:
    """Return what the protocol leaves open, what was chosen, and why."""
    columns = [
        Column("key", "Decision", width=24),
        Column("published", "Published", width=17),
        Column("used", "Used", width=17),
        Column("reason", "Reason", width=42),
    ]
    rows = [
        {
            "key": breakable(c.key),
            "published": words(c.published) or "nothing",
            "used": words(c.used) or "none",
            "reason": c.reason,
        }
        for c in study.info.protocol.choices
    ]
    return Table.of(columns, rows) if rows else Absent(absence.choices(study))


def provenance_table(study: Study) -> Table:
    """Return the records behind the documents: key, value in full, method, n, events, stage.

    All of the cohort and the design, what is printed of the headline models, and of the other classifiers the AUC and the
    threshold; `results/results.json` holds the rest.
    """
    columns = [
        Column("key", "Key", width=29),
        Column("value", "Value", width=26),
        Column("method", "Method", width=22),
        Column("n", "n", "right", width=5),
        Column("events", "Events", "right", width=8),
        Column("stage", "Stage", width=10),
    ]
    long: dict[str, str] = {}
    rows = []
    for key, record in study.records.items():
        if not _is_printed(study, record) or _is_sentence(record):
            continue
        how = reason(record) if record.value is None else values.method(record).partition(" (")[0]
        if len(how) > _LONG:
            # Said once under the table: in the cells of many rows it would fill pages.
            how = long.setdefault(how, f"note {len(long) + 1}")
        rows.append(
            {
                "key": breakable(key),
                "value": _in_full(record),
                "method": how,
                "n": "" if record.n is None else str(record.n),
                "events": "" if record.events is None else str(record.events),
                "stage": record.stage,
            }
        )
    return Table.of(columns, rows, notes=[f"{mark.capitalize()}: {how}." for how, mark in long.items()])


def sentences_table(study: Study) -> Table:
    """Return the records that are sentences of the text rather than numbers: key, words, stage."""
    rows = [
        {"key": breakable(key), "value": str(record.value), "stage": record.stage}
        for key, record in study.records.items()
        if _is_printed(study, record) and _is_sentence(record)
    ]
    columns = [Column("key", "Key", width=26), Column("value", "Words", width=62), Column("stage", "Stage", width=12)]
    return Table.of(columns, rows)


def _is_sentence(record: Record) -> bool:
    return isinstance(record.value, str) and len(record.value) > _LONG


def _is_printed(study: Study, record: Record) -> bool:
    if record.kind not in KINDS:
        return True
    headline = ("auc", "threshold", *ACCURACY, *CALIBRATION)
    return record.estimate in (headline if record.model in study.info.models else ("auc", "threshold"))


def notes_table(study: Study) -> Table | Absent:
    """Return what was not done, or done otherwise, and why."""
    names = {"study": "Study"} | study.info.feature_sets | study.names
    columns = [Column("subject", "Concerns", width=24), Column("text", "What", width=76)]
    rows = [
        {"subject": names.get(note.subject, note.subject.upper()), "text": note.text[:1].upper() + note.text[1:]}
        for note in study.info.notes
    ]
    return Table.of(columns, rows) if rows else Absent(absence.notes(study))


def _in_full(record: Record) -> str:
    """Write a value with six significant digits, its interval and its p value: more than the text prints."""
    if record.value is None:
        return values.NOT_ESTIMABLE
    parts = [_number(record.value)]
    if record.ci_low is not None and record.ci_high is not None:
        parts.append(f"({_number(record.ci_low)} to {_number(record.ci_high)})")
    if record.df is not None:
        parts.append(f"df {record.df:g}")
    if record.p_value is not None:
        parts.append(f"p {_number(record.p_value)}")
    return " ".join(parts)


def _number(value: float | int | str | bool) -> str:
    if isinstance(value, bool | str | int):
        return words(value)
    return f"{value:.6g}".replace("-", values.MINUS)


def words(value: Any) -> str:
    """Write a value of a decision as people do: yes and no, lists with commas, nothing as nothing."""
    if value is None:
        return ""
    if str(value) in _SWITCHES:
        return _SWITCHES[str(value)]
    if isinstance(value, list | tuple):
        return ", ".join(words(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
