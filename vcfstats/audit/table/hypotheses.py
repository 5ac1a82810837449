"""What a whole table may be, before a row of it is held to be wrong: figures cut off, averages, other patients.

A row that no confusion matrix gives need not be in error: its figures may be averages over folds, readers or classes, or
their digits may be cut off instead of rounded, or a model may have been tried on other patients. Such a cause meets most
rows of a table at once and each by little; an error meets one, and a single change mends it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from vcfstats.audit.table.cohorts import Recovery, recover
from vcfstats.audit.table.columns import RATIOS
from vcfstats.audit.table.counts import count_matrices, prevalence_range
from vcfstats.audit.table.findings import NOTE, Finding
from vcfstats.audit.table.reading import Row

NEAR = Fraction(1, 50)  # by which averages over folds lie off what one matrix gives; printed as 0.02
_LEAST_ROWS = 3  # rows that must fit cut off before a table is taken to be printed so
_LEAST_OTHERS = 2  # rows that share other class counts before these are taken for other patients


def as_cut_off(recovery: Recovery, *, n: int | None, events: int | None) -> Recovery | None:
    """Return the recovery from figures cut off after their last decimal, where these explain the rows and rounded ones do not.

    Cut off, every row must fit one pair of class counts, and the odds against rounding must exceed those asked of counts.
    """
    if len({row.operating_point for row in recovery.rows}) < _LEAST_ROWS:
        return None
    fitting = int((recovery.fits[:, recovery.best] > 0).sum()) if recovery.m.size else 0
    if fitting == len(recovery.rows) and (recovery.is_covered or recovery.given):
        return None
    if n is not None and 2 * fitting > len(recovery.rows):
        return None
    cut = recover(recovery.name, [_cut_off(row) for row in recovery.members], n=n, events=events)
    if not cut.m.size or not (cut.fits[:, cut.best] > 0).all() or not (cut.is_covered or cut.given):
        return None
    rounded = float(recovery.scores.max()) if recovery.m.size else -math.inf
    return cut if float(cut.scores.max()) - rounded > cut.threshold else None


def note_cut_off(recovery: Recovery, cut: Recovery) -> Finding:
    """Say that the digits of a table are cut off."""
    fitting = int((recovery.fits[:, recovery.best] > 0).sum()) if recovery.m.size else 0
    text = (
        f"rounded, {fitting} of {len(cut.rows)} rows fit one pair of class counts; cut off after the last decimal, all fit "
        f"{cut.events} events and {cut.nonevents} non-events; the rows are judged so"
    )
    cells = tuple(dict.fromkeys(place for row in cut.rows for place in row.at()))
    return Finding(NOTE, "digits cut off", cut.name or "all rows", "", text, "round the figures", cells=cells)


def is_near(row: Row, recovery: Recovery) -> bool:
    """Say whether a row lies within `NEAR` of what some class counts give, as averages do."""
    wide = {name: figure.widened(NEAR) for name, figure in row.rates.items() if name not in RATIOS}
    if not wide:
        return True
    if recovery.n is None:
        low, high = prevalence_range(wide)
        return low <= high
    m, k = recovery.m, recovery.k
    return bool(m.size) and bool((count_matrices(wide, m, k, known=row.matrix_cells) > 0).any())


@dataclass(frozen=True)
class Misfit:
    """A row that no matrix gives: whether another row or cohort explains it, and whether a single change would."""

    row: Row
    recovery: Recovery
    has_source: bool
    has_mend: bool


def averages(misfits: Sequence[Misfit], recoveries: Sequence[Recovery]) -> tuple[list[Row], list[Finding]]:
    """Return the misfits that are taken for averages, and one note for each table that holds them.

    More than half of a table's rows must be off, each by little; of a table of one or two rows, each so that no single
    change mends it.
    """
    excused: list[Row] = []
    notes = []
    for table in dict.fromkeys(misfit.row.table for misfit in misfits):
        rows = [row for recovery in recoveries for row in recovery.rows if row.table == table]
        few = len(rows) < _LEAST_ROWS
        off = [
            m.row for m in misfits
            if m.row.table == table and not m.has_source and not (few and (m.has_mend or _mends(m.row))) and is_near(m.row, m.recovery)
        ]  # fmt: skip
        if 2 * len(off) <= len(rows):
            continue
        excused += off
        text = (
            f"{len(off)} of {len(rows)} rows fit no single confusion matrix, each by at most {float(NEAR):.2f}: averages over folds, "
            "readers or classes would look so, as would digits cut off or other patients for each model; these rows are not judged one by one"
        )
        cells = tuple(dict.fromkeys(place for row in off for place in row.at()))
        mend = "say what the figures are averaged over, and the patients of each row"
        notes.append(Finding(NOTE, "averages?", table or "all rows", "", text, mend, cells=cells))
    return excused, notes


def _mends(row: Row) -> bool:
    """Say whether leaving out one figure leaves the others some share of events: of averages no single one is to blame."""
    if len(row.rates) < 3:
        return True
    rests = [{other: f for other, f in row.rates.items() if other != name} for name in row.rates]
    low, high = prevalence_range(row.rates)
    return low > high and any(prevalence_range(rest)[0] <= prevalence_range(rest)[1] for rest in rests)


def other_patients(misfits: Sequence[Row], recovery: Recovery) -> tuple[list[Row], list[Finding]]:
    """Return misfits that all fit one other pair of class counts, and a note: a model tried on other patients."""
    if len({row.operating_point for row in misfits}) < _LEAST_OTHERS:
        return [], []
    own = recover(recovery.name, [replace(row, counts={}) for row in misfits])
    if not own.m.size or not own.is_covered or not (own.fits[:, own.best] > 0).all():
        return [], []
    text = (
        f"{len(own.rows)} rows ({', '.join(row.label for row in own.rows[:4])}{', ...' if len(own.rows) > 4 else ''}) fit {own.events} events and {own.nonevents} non-events, "
        f"the others {recovery.events} and {recovery.nonevents}: other patients, or a multiple of these numbers"
    )
    cells = tuple(dict.fromkeys(place for row in misfits for place in row.at()))
    return list(misfits), [
        Finding(
            NOTE,
            "other patients?",
            recovery.name or "all rows",
            "",
            text,
            "say the number of patients of each row",
            cells=cells,
        )
    ]


def _cut_off(row: Row) -> Row:
    return replace(row, cells={name: figure.cut_off() for name, figure in row.cells.items()})
