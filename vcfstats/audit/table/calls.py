"""Numbers of patients called positive: with PPV they give TP, with sensitivity the events, which the rows of a cohort share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from vcfstats.audit.table.cells import decimal_text
from vcfstats.audit.table.findings import INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.reading import Row
from vcfstats.audit.table.sheets import Place

_LEAST_ROWS = 3


def check_called(rows: Sequence[Row]) -> tuple[list[Finding], int, set[Place]]:
    """Flag a PPV that is no count of those called positive, and a row whose events are not those of the other rows."""
    findings: list[Finding] = []
    seen: set[Place] = set()
    looked = 0
    by_cohort: dict[tuple[str, str], list[tuple[Row, int, int, int, int]]] = {}
    for row in rows:
        called = row.counts.get("called")
        if called is None or "ppv" not in row.rates or row.averaged:
            continue
        looked += 1
        seen |= set(row.at("called", "ppv"))
        ppv = row.rates["ppv"]
        first, last = max(math.ceil(ppv.low * called), 0), min(math.floor(ppv.high * called), called)
        if first > last and called:
            near = sorted({math.floor(ppv.value * called), min(math.ceil(ppv.value * called), called)})
            text = " and ".join(f"{c}/{called} = {decimal_text(Fraction(c, called), ppv.decimals + 1)}" for c in near)
            findings.append(Finding(INCONSISTENT, "called positive", f"{row.where}, PPV", f"{ppv.text}, {called}", f"PPV {ppv.text} is no count of {called} called positive ({text})", "the PPV, or the number called positive", cells=row.at("called", "ppv")))  # fmt: skip
            continue
        if "sensitivity" in row.rates and last > 0:
            sens = row.rates["sensitivity"]
            lowest = math.ceil(first / sens.high) if sens.high > 0 else first
            highest = math.floor(last / sens.low) if sens.low > 0 else 10**9
            by_cohort.setdefault((row.table, row.cohort), []).append((row, max(lowest, first), highest, first, last))
    for group in by_cohort.values():
        if len(group) < _LEAST_ROWS + 1:
            continue
        points = sorted({low for _, low, *_ in group})
        events = max(points, key=lambda p: sum(low <= p <= high for _, low, high, *_ in group))
        agreeing = [item for item in group if item[1] <= events <= item[2]]
        low, high = max(item[1] for item in agreeing), min(item[2] for item in agreeing)
        for row, lowest, highest, first, last in group:
            seen |= set(row.at("called", "ppv", "sensitivity"))
            if lowest <= high and highest >= low:
                continue
            text = (
                f"PPV {row.rates['ppv'].text} of {row.counts['called']} called positive makes TP {first if first == last else f'{first} to {last}'}, with sensitivity {row.rates['sensitivity'].text} "
                f"{lowest} to {highest} events; {len(agreeing)} other rows leave {low if low == high else f'{low} to {high}'}"
            )
            severity = INCONSISTENT if len(agreeing) >= _LEAST_ROWS and len(agreeing) > len(group) / 2 else NOTE
            findings.append(Finding(severity, "called positive", row.where, f"{row.rates['sensitivity'].text}, {row.rates['ppv'].text}", text, "sensitivity, PPV or the number called positive", cells=row.at("called", "ppv", "sensitivity")))  # fmt: skip
    return findings, looked, seen
