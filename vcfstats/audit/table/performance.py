"""All checks of the performance tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from scipy.special import ndtri

from vcfstats.audit.table import (
    agreement,
    calls,
    crosscheck,
    hypotheses,
    intervals,
    misfits,
    paired,
    rate_intervals,
    rows,
)
from vcfstats.audit.table.cohorts import Recovery, checkable, recover
from vcfstats.audit.table.columns import cohort_name
from vcfstats.audit.table.counts import MAX_N, list_matrices
from vcfstats.audit.table.findings import NOTE, CohortCounts, Finding
from vcfstats.audit.table.reading import Row, read_performance
from vcfstats.audit.table.sheets import Place


@dataclass
class Performance:
    """What the performance tables hold, for the checks that compare them with other tables."""

    rows: list[Row] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, set[str]] = field(default_factory=dict)
    seen: set[Place] = field(default_factory=set)


def audit_performance(
    frames: Sequence[pd.DataFrame],
    *,
    n: Mapping[str, int],
    events: Mapping[str, int],
    ci_method: str | None,
    confidence_level: float,
    identified: bool = False,
    hints: Mapping[str, int] | None = None,
) -> Performance:
    """Run every check of the performance tables; `hints` are totals that baseline tables state in their headings."""
    audit = Performance()
    for row in rows.mark_averages(read_performance(frames)):
        whole, findings = rows.completed(row)
        audit.rows.append(whole)
        audit.findings += findings
    if frames and not audit.rows:
        raise ValueError(
            "no row of the performance table holds a figure; a table needs a heading such as model, cohort, AUC, 95% CI, accuracy, sensitivity."
        )
    audit.recoveries = _recover_all(audit, n, events, hints or {})
    z = float(ndtri(0.5 + confidence_level / 2))
    for name, (findings, looked) in {
        "ranges and counts in cells": rows.check_ranges(audit.rows),
        "row labels": rows.check_labels(audit.rows),
        "rates printed twice": rows.check_again(audit.rows),
        "confusion matrices": misfits.check_fit(audit.recoveries),
        "interval order": intervals.check_order(audit.rows),
        "interval centres": intervals.check_centres(audit.rows, ci_method),
        "standard errors": intervals.check_widths(audit.recoveries, ci_method, z),
        "AUC against operating point": rows.check_operating_point(audit.rows),
        "AUC in steps": rows.check_steps(audit.recoveries),
    }.items():
        audit.findings += findings
        audit.checked[name] = looked
    audit.findings += rows.check_undefined(audit.recoveries)
    for name, (findings, looked, seen) in {
        "kappa, MCC, odds ratio": agreement.check_derived(audit.recoveries),
        "numbers called positive": calls.check_called(audit.rows),
        "intervals of rates": rate_intervals.check_rate_intervals(audit.recoveries, confidence_level),
        "p values of paired AUCs": paired.check_paired(audit.rows, z),
    }.items():
        audit.findings += findings
        audit.checked[name] = looked
        audit.seen |= seen
    between, looked, audit.aliases = crosscheck.check_between(audit.rows, audit.recoveries, identified=identified)
    audit.findings += between
    audit.checked["pairs of rows in two tables"] = looked
    return audit


def _recover_all(
    audit: Performance, n: Mapping[str, int], events: Mapping[str, int], hints: Mapping[str, int]
) -> list[Recovery]:
    """Recover the class counts of each cohort, of all tables together unless they cannot share them.

    `hints` are totals that a baseline table states for a cohort: used where at least half of its rows fit them.
    """
    groups: dict[tuple[str, int | None, int | None], list[Row]] = {}
    for row in audit.rows:
        total = row.counts.get("n", n.get(row.cohort))
        positive = row.counts.get("events", events.get(row.cohort))
        if positive is None and total is not None and "nonevents" in row.counts:
            positive = total - row.counts["nonevents"]
        groups.setdefault((row.cohort, total, positive), []).append(row)
    several = {cohort for cohort, _, _ in groups if sum(key[0] == cohort for key in groups) > 1}
    found: list[tuple[Recovery, int | None, int | None]] = []
    for (cohort, total, positive), members in groups.items():
        _check_counts(members[0], total, positive)
        name = f"{cohort} (n = {total})" if cohort in several and total is not None else cohort
        together = recover(name, members, n=total, events=positive)
        hint = hints.get(cohort) if total is None and cohort not in several else None
        if hint is not None and 2 <= hint <= MAX_N and (positive is None or positive < hint):
            stated = recover(name, members, n=hint, events=positive)
            if stated.m.size and 2 * int((stated.fits[:, stated.best] > 0).sum()) >= len(stated.rows) > 0:
                together, total = stated, hint
            elif stated.rows:
                text = f"n = {hint} by the baseline table, of which fewer than half of the {len(stated.rows)} rows can be: not used"
                audit.findings.append(
                    Finding(NOTE, "class counts", name, "", text, "say what patients the rows are of")
                )
        found += [(part, total, positive) for part in _apart(audit, together, members, total, positive)]
    return _cut_off(audit, found)


def _check_counts(row: Row, total: int | None, positive: int | None) -> None:
    if (total is not None and not 2 <= total <= MAX_N) or (
        positive is not None and not 1 <= positive <= (total or MAX_N) - 1
    ):
        raise ValueError(
            f"{row.where}: n = {total}, events = {positive}; n must lie between 2 and {MAX_N:,} and events between 1 and n - 1."
        )


def _apart(
    audit: Performance, together: Recovery, members: Sequence[Row], total: int | None, positive: int | None
) -> list[Recovery]:
    """Return a cohort's recovery, or one for each table where these cannot share their counts."""
    tables = list(dict.fromkeys(row.table for row in together.rows))
    misfit = bool(together.m.size) and not (together.fits[:, together.best] > 0).all()
    if len(tables) < 2 or together.m.size < 2 or not misfit:
        return [together]
    apart = [
        recover(f"{together.name}, {table}", [row for row in members if row.table == table], n=total, events=positive)
        for table in tables
    ]
    if not all(part.m.size for part in apart):
        return [together]
    gain = sum(float(part.scores[part.best]) for part in apart) - float(together.scores[together.best])
    if gain <= (len(tables) - 1) * together.threshold:
        return [together]
    shown = ", ".join(f"{part.name} {part.events} and {part.nonevents}" for part in apart)
    text = f"the tables do not fit one pair of class counts; taken apart: {shown}"
    audit.findings.append(Finding(NOTE, "class counts", together.name, "", text, "say what patients each table holds"))
    return apart


def _cut_off(audit: Performance, found: Sequence[tuple[Recovery, int | None, int | None]]) -> list[Recovery]:
    """Replace the recoveries of tables whose digits are cut off; what one cohort of a table shows holds for the others."""
    cut = [hypotheses.as_cut_off(recovery, n=total, events=positive) for recovery, total, positive in found]
    tables = {row.table for recovery in cut if recovery is not None for row in recovery.rows}
    settled = []
    for (recovery, total, positive), other in zip(found, cut, strict=True):
        if other is None and tables & {row.table for row in recovery.rows}:
            other = hypotheses.as_cut_off(recovery, n=total, events=positive, known=True)
        if other is not None:
            audit.findings.append(hypotheses.note_cut_off(recovery, other))
        settled.append(recovery if other is None else other)
    return settled


def cohort_counts(recovery: Recovery) -> CohortCounts:
    """Describe the class counts of a cohort and what else fits."""
    fitting = int((recovery.fits[:, recovery.best] > 0).sum()) if recovery.m.size else 0
    total = len(recovery.rows)
    if not recovery.m.size:
        return CohortCounts(
            recovery.name,
            recovery.n,
            None,
            None,
            "n given" if recovery.n else "not determined by the table",
            total,
            fitting,
        )
    events, nonevents = recovery.events, recovery.nonevents
    if recovery.given:
        return CohortCounts(recovery.name, events + nonevents, events, nonevents, "counts given", total, fitting)
    if recovery.n is None and not recovery.is_covered and fitting < total:
        return CohortCounts(recovery.name, None, None, None, "not determined by the table", total, fitting)
    pairs = [f"{int(recovery.m[i])} + {int(recovery.k[i])}" for i in recovery.rivals]
    if recovery.n is not None:
        if recovery.is_settled:
            return CohortCounts(
                recovery.name, recovery.n, events, nonevents, "n given, events recovered", total, fitting
            )
        if recovery.is_pointed:
            weak = "rests on few rows"
            return CohortCounts(
                recovery.name, recovery.n, events, nonevents, "n given, events recovered", total, fitting, weak
            )
        known = sorted(int(recovery.m[i]) for i in (recovery.best, *recovery.rivals)) if fitting else []
        rest = f"events not determined: {_some(known)} fit alike" if known else "no number of events fits a row"
        return CohortCounts(recovery.name, recovery.n, None, None, "n given", total, fitting, rest)
    also = f"every multiple fits too: {2 * events} + {2 * nonevents}, {3 * events} + {3 * nonevents}, ..."
    if pairs:
        also = f"other pairs fit as well ({_some(pairs)}); {also}"
    basis = "smallest that fits best, recovered without n"
    return CohortCounts(recovery.name, events + nonevents, events, nonevents, basis, total, fitting, also)


def row_frame(audit: Performance, confidence_level: float) -> pd.DataFrame:
    """Return one line a row: the matrices that reproduce it and its standard error beside DeLong's largest."""
    z = float(ndtri(0.5 + confidence_level / 2))
    lines: list[dict[str, Any]] = []
    homes = {id(row): recovery for recovery in audit.recoveries for row in recovery.members}
    for row in audit.rows:
        line: dict[str, Any] = {
            "table": row.table,
            "row": row.number,
            "label": row.label,
            "model": row.model,
            "cohort": row.cohort,
        }
        recovery = homes.get(id(row))
        if recovery is not None and recovery.is_pointed and checkable(row):
            matrices = list_matrices(row.rates, recovery.events, recovery.nonevents, known=row.matrix_cells)
            line["matrices"] = len(matrices)
            if matrices:
                line |= dict(zip(("tp", "fp", "fn", "tn"), matrices[0], strict=True))
        se = intervals.standard_error(row, recovery, z)
        if se is not None:
            line |= {"se": se.printed, "se_delong_maximum": se.delong_maximum, "se_hanley_mcneil": se.hanley_mcneil}
        lines.append(line)
    columns = [
        "table",
        "row",
        "label",
        "model",
        "cohort",
        "matrices",
        "tp",
        "fp",
        "fn",
        "tn",
        "se",
        "se_delong_maximum",
        "se_hanley_mcneil",
    ]
    frame = pd.DataFrame(lines, columns=columns)
    return frame.astype(
        {name: "Int64" for name in ("row", "matrices", "tp", "fp", "fn", "tn")} | dict.fromkeys(columns[-3:], "float64")
    )


def cohort_keys(
    given: Mapping[str, int] | int | None, cohorts: Sequence[str], name: str, *, also: Sequence[str] = ()
) -> dict[str, int]:
    """Bring the cohorts of `n` or `events` to the names in the tables.

    Raises
    ------
    ValueError
        A cohort that no table has.
    """
    if given is None:
        return {}
    found = list(dict.fromkeys(cohorts))
    if isinstance(given, int):
        if len(found) > 1:
            raise ValueError(
                f"{name}={given} names no cohort; the tables have {', '.join(found)}: pass {name}={{'{found[0]}': {given}}}."
            )
        return {found[0]: given} if found else {}
    keys = {}
    for cohort, value in given.items():
        key = cohort_name(cohort)
        matches = [c for c in found if c == key] or [
            c for c in found if key and (c.startswith(key) or key in c.split())
        ]
        if not matches and len(found) == 1 and not found[0]:
            matches = found
        if found and not matches and key not in also:
            raise ValueError(
                f"{name} speaks of {cohort!r}, which no table has; its cohorts are {', '.join(map(repr, found))}."
            )
        for match in matches or [key]:
            keys[match] = int(value)
    return keys


def _some(values: Sequence[object]) -> str:
    shown = ", ".join(map(str, values[:5]))
    return f"{shown}, ..." if len(values) > 5 else shown
