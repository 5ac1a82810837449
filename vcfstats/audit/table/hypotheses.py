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

from vcfstats.audit.table.cells import Printed
from vcfstats.audit.table.cohorts import ODDS, Recovery, recover
from vcfstats.audit.table.columns import RATIOS
from vcfstats.audit.table.counts import prevalence_range
from vcfstats.audit.table.findings import NOTE, Finding
from vcfstats.audit.table.reading import Row

NEAR = Fraction(1, 50)  # by which averages over folds lie off what one matrix gives; printed as 0.02
NEAR_ACCURACY = Fraction(1, 1000)  # by which the average accuracy lies off its place between the other two
_FURTHER = 3
_LEAST_ROWS = 3  # rows that must fit cut off before a table is taken to be printed so
_LEAST_OTHERS = 2  # rows that share other class counts before these are taken for other patients


def as_cut_off(recovery: Recovery, *, n: int | None, events: int | None, known: bool = False) -> Recovery | None:
    """Return the recovery from figures cut off after their last decimal, where these explain the rows and rounded ones do not.

    Cut off, every row must fit one pair of class counts, and the odds against rounding must exceed those asked of counts.
    Where another cohort of the table is `known` to be printed so, it is enough that no fewer rows fit.
    """
    if known:
        cut = recover(recovery.name, [_cut_off(row) for row in recovery.members], n=n, events=events)
        return cut if _fitting(cut) >= _fitting(recovery) else None
    if len({row.operating_point for row in recovery.rows}) < _LEAST_ROWS:
        return None
    fitting = _fitting(recovery)
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
    text = (
        f"rounded, {_fitting(recovery)} of {len(cut.rows)} rows fit one pair of class counts; cut off after the last decimal, all fit "
        f"{cut.events} events and {cut.nonevents} non-events; the rows are judged so"
    )
    cells = tuple(dict.fromkeys(place for row in cut.rows for place in row.at()))
    return Finding(NOTE, "digits cut off", cut.name or "all rows", "", text, "round the figures", cells=cells)


def is_near(row: Row, recovery: Recovery, times: int = 1) -> bool:
    """Say whether averages over folds could print as the row, or lie within so many `times` what is usual.

    An average sensitivity or specificity may be any number, the accuracy lies between them at the share of events but for
    `NEAR_ACCURACY` (folds have nearly the same share), and PPV, NPV lie within `NEAR` of what these give, in small
    cohorts, with few calls a fold, within more.
    """
    near = times * (NEAR + (Fraction(2, recovery.n) if recovery.n else 0))
    wide: dict[str, Printed] = {}
    for name, figure in row.rates.items():
        wide[name] = (
            figure.widened(NEAR_ACCURACY)
            if name == "accuracy"
            else figure.widened(near)
            if name in ("ppv", "npv")
            else figure
        )
    low, high = prevalence_range(wide)
    if recovery.given:
        share = Fraction(recovery.events, recovery.events + recovery.nonevents)
        low, high = max(low, share - NEAR), min(high, share + NEAR)
    return low <= high


def _chance(row: Row, recovery: Recovery, index: int) -> float:
    """Return about how probable it is that averages would print as one confusion matrix all the same.

    A sensitivity of m events takes m + 1 values of those that its decimals can print; PPV, NPV and the like, once
    sensitivity and specificity are known, would have to be hit within what averages lie off.
    """
    if not recovery.m.size or not recovery.fits[index, recovery.best]:
        return 1.0
    known = recovery.n is not None or recovery.is_covered
    chances = []
    for name, figure in row.rates.items():
        printable = 10.0**figure.decimals
        if name in ("sensitivity", "specificity"):
            count = recovery.events if name == "sensitivity" else recovery.nonevents
            chances.append(min(1.0, (count + 1) / printable) if known else 1.0)
        elif name not in RATIOS and name != "youden":
            chances.append(min(1.0, 1 / (printable * float(NEAR_ACCURACY if name == "accuracy" else NEAR / 2))))
    # Where nothing else tells the share of events, one figure of the row does, and proves nothing itself.
    return math.prod(sorted(chances)[0 if known else 1 :])


@dataclass(frozen=True)
class Misfit:
    """A row that no matrix gives: whether another row or cohort explains it, and whether a single change would."""

    row: Row
    recovery: Recovery
    has_source: bool
    has_mend: bool


def averages(misfits: Sequence[Misfit], recoveries: Sequence[Recovery]) -> tuple[list[Row], list[Finding]]:
    """Return the misfits that are taken for averages, and one note for each table that holds them.

    The rows off must lie near what a matrix gives, and be more than half of the table's, or the rows that fit must be such
    as averages would give too. Of a table of one or two rows each must be such that no single change mends it.
    """
    excused: list[Row] = []
    notes = []
    for table in dict.fromkeys(misfit.row.table for misfit in misfits):
        indexed = [
            (row, recovery, i) for recovery in recoveries for i, row in enumerate(recovery.rows) if row.table == table
        ]
        rows = [row for row, _, _ in indexed]
        alone = [m for m in misfits if m.row.table == table and not m.has_source]
        # That most rows are off speaks for one cause itself; small folds lie further off.
        times = _FURTHER if len(alone) >= _LEAST_ROWS and 2 * len(alone) > len(rows) else 1
        off = [m for m in alone if is_near(m.row, m.recovery, times)]
        if len(rows) < _LEAST_ROWS:
            off = [m for m in off if not (m.has_mend or _mends(m.row))]
        chance = math.prod(_chance(*item) for item in indexed)
        if not off or (2 * len(off) <= len(rows) and (len(rows) < _LEAST_ROWS or chance * ODDS < 1)):
            continue
        excused += [m.row for m in off]
        text = (
            f"{len(off)} of {len(rows)} rows fit no single confusion matrix, each by little: averages over folds, "
            "readers or classes would look so, as would digits cut off or other patients for each model; these rows are not judged one by one"
        )
        cells = tuple(dict.fromkeys(place for m in off for place in m.row.at()))
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


def _fitting(recovery: Recovery) -> int:
    return int((recovery.fits[:, recovery.best] > 0).sum()) if recovery.m.size else 0


def _cut_off(row: Row) -> Row:
    return replace(row, cells={name: figure.cut_off() for name, figure in row.cells.items()})
