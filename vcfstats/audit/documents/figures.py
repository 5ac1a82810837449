"""Performance and baseline tables as printed, for the audit of whether their figures can stand together."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from vcfstats.audit.documents.reading import ReadTable
from vcfstats.audit.table import TableAudit, audit_table
from vcfstats.audit.table.reading import frame_kind

_SIZE = re.compile(r"^(?P<cohort>.+): (?P<n>[\d,]+) cases, (?P<events>[\d,]+) events$")
_MARKS = re.compile(r"[ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐ]")


def together(tables: Mapping[str, ReadTable], *, auc_interval: str, level: float) -> TableAudit | None:
    """Audit the performance and baseline tables among those of a document; None where there is none.

    Parameters
    ----------
    tables : mapping of str to ReadTable
        Label -> table as read back.
    auc_interval : str
        How intervals of AUCs were made, a method of the table audit.
    level : float
        Their confidence level.
    """
    performance, baseline = [], []
    sizes: dict[str, int] = {}
    events: dict[str, int] = {}
    for label, read in tables.items():
        frame = _frame(label, read, sizes, events)
        kind = frame_kind(frame) if len(frame) else ""
        if kind == "performance":
            performance.append(frame)
        elif kind == "baseline" and "baseline" in label:
            baseline.append(frame)
    if not performance:
        return None
    return audit_table(
        performance,
        baseline=baseline or None,
        n=sizes or None,
        events=events or None,
        ci_method=auc_interval,
        confidence_level=level,
    )


def _frame(label: str, read: ReadTable, sizes: dict[str, int], events: dict[str, int]) -> pd.DataFrame:
    """Return a table with its groups as a column of cohorts; sizes that group headings tell are added."""
    width = max((len(row) for row in read.rows), default=0)
    whole = [row for row in read.rows if len(row) == width]
    if not whole:
        return pd.DataFrame()
    heading = [_MARKS.sub("", cell) for cell in whole[0]]
    rows, cohort = [], ""
    for row in read.rows[read.rows.index(whole[0]) + 1 :]:
        if len(row) == 1:
            found = _SIZE.match(row[0])
            if found:
                cohort = found["cohort"]
                # The same cohort may come with fewer cases in another table: sizes that differ are left to the audit.
                sizes.setdefault(cohort, int(found["n"].replace(",", "")))
                events.setdefault(cohort, int(found["events"].replace(",", "")))
        elif len(row) == width:
            rows.append((cohort, *(_MARKS.sub("", cell) for cell in row)))
    frame = pd.DataFrame(rows, columns=["Cohort", *heading], dtype=object).drop(columns="Threshold", errors="ignore")
    if not frame["Cohort"].any():
        frame = frame.drop(columns="Cohort")
    frame.attrs["title"] = label
    return frame
