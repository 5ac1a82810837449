"""Rows that no confusion matrix of their cohort reproduces: which figure would mend them, and where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vcfstats.audit.table import hypotheses
from vcfstats.audit.table.cells import Printed, decimal_text
from vcfstats.audit.table.cohorts import Recovery
from vcfstats.audit.table.counts import count_matrices, formula, list_matrices, prevalence_range, rate_of
from vcfstats.audit.table.findings import IMPOSSIBLE, INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.reading import Row
from vcfstats.audit.table.rows import SHOWN, figures

_MOST_MENDS = 3
_LEAST_AGREEING = 3  # models that must share class counts before another row is held against them without n
_SWAPS = (
    ("sensitivity", "specificity"),
    ("ppv", "npv"),
    ("sensitivity", "ppv"),
    ("specificity", "npv"),
    ("accuracy", "sensitivity"),
    ("accuracy", "specificity"),
)


def check_fit(recoveries: Sequence[Recovery]) -> tuple[list[Finding], int]:
    """Flag the rows that no confusion matrix reproduces.

    Impossible: none under the stated total, or no share of events at all gives the row. Inconsistent: the row
    contradicts the class counts that the other rows give. A contradiction too weak to hold against the row is a note.
    """
    findings: list[Finding] = []
    looked = 0
    accused: list[tuple[hypotheses.Misfit, str, str, _Told]] = []
    for recovery in recoveries:
        for index, row in enumerate(recovery.rows):
            if len(row.rates) + len({"tp", "fp", "fn", "tn"} & set(row.counts)) < 2 and recovery.n is None:
                continue
            looked += 1
            severity, reason = _judged(recovery, index)
            if severity == NOTE:
                findings.append(Finding(NOTE, "confusion matrix", row.where, figures(row), reason, cells=row.at()))
            elif severity:
                told = _explain(row, recovery, recoveries)
                accused.append(
                    (hypotheses.Misfit(row, recovery, told.source, bool(told.mends)), severity, reason, told)
                )
    # Before rows are held to be wrong: does one cause meet several of them?
    excused: list[Row] = []
    for recovery in recoveries:
        lone = [m.row for m, *_ in accused if m.recovery is recovery and not m.has_source]
        others, notes = hypotheses.other_patients(lone, recovery) if recovery.m.size else ([], [])
        excused += others
        findings += notes
    off, notes = hypotheses.averages([m for m, *_ in accused if not _among(m.row, excused)], recoveries)
    excused += off
    findings += notes
    for misfit, severity, reason, told in accused:
        row = misfit.row
        if _among(row, excused):
            continue
        arithmetic = "; ".join([reason, *(part for part in told.parts if part)])
        mend = "; or ".join(told.mends)
        findings.append(
            Finding(severity, "confusion matrix", row.where, figures(row), arithmetic, mend, cells=row.at())
        )
    return findings, looked


def _among(row: Row, rows: Sequence[Row]) -> bool:
    return any(row is other for other in rows)


def _judged(recovery: Recovery, index: int) -> tuple[str, str]:
    """Return how a row stands against the class counts and why; an empty severity where it can stand."""
    row = recovery.rows[index]
    low, high = prevalence_range(row.rates)
    if recovery.m.size and recovery.fits[index, recovery.best]:
        return "", ""
    if low > high:
        return IMPOSSIBLE, "whatever the number of patients, no share of events gives these figures together"
    if not recovery.m.size:
        return "", ""
    if recovery.n is not None and not recovery.fits[index].any():
        if recovery.given:
            return (
                IMPOSSIBLE,
                f"no confusion matrix of {recovery.events} events and {recovery.nonevents} non-events gives these figures together",
            )
        return IMPOSSIBLE, f"with n = {recovery.n}, no number of events gives these figures together"
    if recovery.margin(index) > recovery.threshold:
        fitting = int((recovery.fits[:, recovery.best] > 0).sum())
        agreeing = {
            other.operating_point
            for other, fits in zip(recovery.rows, recovery.fits[:, recovery.best], strict=True)
            if fits
        }
        if recovery.n is None and len(agreeing) < _LEAST_AGREEING:
            return NOTE, (
                f"{len(agreeing)} other rows fit {recovery.events} events and {recovery.nonevents} non-events, of which this row cannot be: "
                "too few rows to say which are of other patients"
            )
        return INCONSISTENT, (
            f"{fitting} other rows of {recovery.name or 'the table'} fit {recovery.events} events and "
            f"{recovery.nonevents} non-events; no confusion matrix of these gives this row"
        )
    if recovery.margin(index) > 0:
        return (
            NOTE,
            f"the counts that suit the other rows best ({recovery.events} events, {recovery.nonevents} non-events) do not give this row; others do",
        )
    return "", ""


@dataclass(frozen=True)
class _Told:
    """What explains a misfit: the arithmetic, what would mend it, whether another row or cohort is its source."""

    parts: list[str]
    mends: list[str]
    source: bool = False


def _explain(row: Row, recovery: Recovery, recoveries: Sequence[Recovery]) -> _Told:
    parts = [shown_arithmetic(row, recovery)] if recovery.is_pointed else []
    known = row.matrix_cells
    for other in recoveries:
        if other is recovery or not other.is_settled or len(row.rates) < 3:
            continue
        if count_matrices(row.rates, other.events, other.nonevents, known=known)[0]:
            matrix = list_matrices(row.rates, other.events, other.nonevents, known=known)[0]
            parts.append(
                f"the row fits {other.name or 'another cohort'} ({other.events} events, {other.nonevents} non-events): {matrix_text(matrix)}"
            )
            return _Told(parts, [f"{other.name} for {recovery.name} in the row's label"], source=True)
    if not recovery.is_pointed:
        return _Told(parts, _lone_mends(row, recovery))
    copy = _copied(row, recovery, recoveries)
    if copy is not None:
        text, mend = copy
        return _Told([*parts, text], [mend], source=True)
    m, k = recovery.events, recovery.nonevents
    mends = [*_cell_mends(row), *single_mends(row, m, k)]
    if mends:
        parts.append(_from_neighbour(row, mends[0], recoveries))
        return _Told(parts, mends)
    if len(row.rates) > 1 and count_matrices(row.rates, k, m, known=known)[0]:
        return _Told(parts, [f"the classes exchanged: with {k} events and {m} non-events the row fits"])
    for one, two in _SWAPS:
        if one in row.rates and two in row.rates:
            swapped = {**row.rates, one: row.rates[two], two: row.rates[one]}
            if count_matrices(swapped, m, k, known=known)[0]:
                return _Told(parts, [f"{SHOWN[one]} and {SHOWN[two]} exchanged"])
    parts.append("changing any one rate does not mend it")
    return _Told(parts, [])


def _cell_mends(row: Row) -> list[str]:
    """Return what one printed cell of the matrix may have been before a slip of a digit, so that every rate fits.

    The class counts are sums of the cells, and a wrong cell makes them wrong too.
    """
    names = ("tp", "fp", "fn", "tn")
    if len(row.matrix_cells) < len(names) or len(row.rates) < 2:
        return []
    matrix = [row.matrix_cells[name] for name in names]
    found = []
    for position, name in enumerate(names):
        for count in _slips(matrix[position]):
            tried = [*matrix[:position], count, *matrix[position + 1 :]]
            values = {rate: rate_of(rate, *tried) for rate in row.rates}
            if all(value is not None and row.rates[rate].holds(value) for rate, value in values.items()):
                found.append(f"{name.upper()} {count} for {matrix[position]}")
    return found[:_MOST_MENDS]


def _slips(count: int) -> list[int]:
    """Return the numbers that one changed, lost or added digit, or two exchanged ones, may have turned into `count`."""
    text = str(count)
    places = range(len(text))
    made = {text[:i] + digit + text[i + 1 :] for i in places for digit in "0123456789"}
    made |= {text[:i] + text[i + 1] + text[i] + text[i + 2 :] for i in places if i + 1 < len(text)}
    made |= {text[:i] + text[i + 1 :] for i in places}
    made |= {text[:i] + digit + text[i:] for i in range(len(text) + 1) for digit in "0123456789"}
    return sorted({int(word) for word in made if word} - {count})


def shown_arithmetic(row: Row, recovery: Recovery) -> str:
    """Say, figure by figure, what the class counts allow: the figure itself, or the values on both sides of it."""
    if not recovery.m.size:
        return ""
    m, k = recovery.events, recovery.nonevents
    totals = {"sensitivity": m, "specificity": k, "accuracy": m + k}
    texts = []
    for name, total in totals.items():
        if name not in row.rates:
            continue
        figure = row.rates[name]
        count = round(figure.value * total)
        if not figure.holds(Fraction(count, total)):
            near = sorted(
                {max(count - 1, 0), count, min(count + 1, total)}, key=lambda c: abs(Fraction(c, total) - figure.value)
            )[:2]
            shown = " and ".join(
                f"{c}/{total} = {decimal_text(Fraction(c, total), figure.decimals)}" for c in sorted(near)
            )
            texts.append(f"{SHOWN[name]} {figure.text} is no count of {total} ({shown})")
    if texts:
        return "; ".join(texts)
    anchor: dict[str, Printed] = {name: row.rates[name] for name in ("sensitivity", "specificity") if name in row.rates}
    matrices = list_matrices(anchor, m, k, known=row.matrix_cells, limit=2)
    if len(anchor) < 2 or len(matrices) != 1:
        return ""
    wrong = []
    for name, figure in row.rates.items():
        value = rate_of(name, *matrices[0])
        if value is not None and not figure.holds(value):
            wrong.append(
                f"{SHOWN[name]} {formula(name, *matrices[0])} = {decimal_text(value, figure.decimals)}, printed {figure.text}"
            )
    return f"by sensitivity and specificity {matrix_text(matrices[0])}; {', '.join(wrong)}" if wrong else ""


def single_mends(row: Row, events: int, nonevents: int) -> list[str]:
    """Return what each single figure would have to be for the row to fit, the smallest change of digits first."""
    found: list[tuple[int, str]] = []
    for name, figure in row.rates.items():
        rest = {other: value for other, value in row.rates.items() if other != name}
        if not rest:
            continue
        matrices = list_matrices(rest, events, nonevents, known=row.matrix_cells, limit=200)
        values = [
            value for value in (rate_of(name, *matrix) for matrix in matrices) if value is not None and value >= 0
        ]
        shown = sorted({figure.like(value) for value in values})
        if not 0 < len(shown) <= _MOST_MENDS:
            continue
        distance = min(sum(a != b for a, b in zip(figure.text.rjust(9), text.rjust(9), strict=False)) for text in shown)
        because = (
            f" = {formula(name, *matrices[0])}"
            if len(matrices) == 1 and "TP" not in formula(name, *matrices[0])
            else ""
        )
        found.append((distance, f"{SHOWN[name]} {' or '.join(shown)}{because} for {figure.text}"))
    return [text for _, text in sorted(found, key=lambda item: item[0])]


def _lone_mends(row: Row, recovery: Recovery) -> list[str]:
    """Return the single changes that some class counts of the known total would allow, where these are few."""
    found = []
    for name in row.rates if recovery.n is not None else ():
        rest = {other: figure for other, figure in row.rates.items() if other != name}
        fitting = (
            [int(i) for i in count_matrices(rest, recovery.m, recovery.k, known=row.matrix_cells).nonzero()[0]]
            if rest
            else []
        )
        if 0 < len(fitting) <= _MOST_MENDS:
            for i in fitting:
                m, k = int(recovery.m[i]), int(recovery.k[i])
                found += [
                    f"{mend} (with {m} events)"
                    for mend in single_mends(row, m, k)
                    if mend.startswith(f"{SHOWN[name]} ")
                ]
    return found


def _from_neighbour(row: Row, mend: str, recoveries: Sequence[Recovery]) -> str:
    """Say where the figure to be mended stands in the row above or below: a slip of the line."""
    name = next((name for name in row.rates if mend.startswith(f"{SHOWN[name]} ")), "")
    if not name:
        return ""
    near = [
        other for recovery in recoveries for other in recovery.rows
        if other.table == row.table and abs(other.number - row.number) == 1 and name in other.rates
        and other.rates[name].text == row.rates[name].text
    ]  # fmt: skip
    return f"{SHOWN[name]} {row.rates[name].text} stands in row {near[0].number} ({near[0].label}) too" if near else ""


def _copied(row: Row, recovery: Recovery, recoveries: Sequence[Recovery]) -> tuple[str, str] | None:
    """Find a row whose figures stand in this one, where these cannot belong to this row's remaining figures."""
    best: tuple[int, Row, list[str], str] | None = None
    everyone = [(other, where) for where in recoveries for other in where.rows if other is not row]
    for other, where in everyone:
        same = [name for name in row.rates if name in other.rates and other.rates[name].units == row.rates[name].units]
        rest = {name: figure for name, figure in row.rates.items() if name not in same}
        distinct = [name for name in same if row.rates[name].value not in (0, 1)]
        if len(distinct) < 2 or not rest:
            continue
        at_home = where.m.size and where.fits[where.rows.index(other), where.best]
        if not at_home:
            continue
        # Figures that the row shares and that fit its own cohort are no copy: models may make the same calls.
        common = {name: row.rates[name] for name in same}
        own = count_matrices(common, recovery.events, recovery.nonevents)[0] if where is not recovery else 0
        home = next(
            (
                r
                for r in recoveries
                if r.is_settled and r is not recovery and count_matrices(rest, r.events, r.nonevents)[0]
            ),
            None,
        )
        own_rest = count_matrices(rest, recovery.events, recovery.nonevents)[0]
        if where is recovery and (own_rest or home is None):
            continue
        if where is not recovery and own:
            continue
        tail = ""
        if where is recovery and home is not None:
            tail = f"; what is left ({figures(row, rest)}) fits {home.name} ({home.events} events, {home.nonevents} non-events)"
        if best is None or len(same) > best[0]:
            best = (len(same), other, same, tail)
    if best is None:
        return None
    _, other, same, tail = best
    text = f"{figures(row, same)} are those of {other.where}{tail}"
    home_text = " and the row's label" if tail else ""
    return text, f"the copied cells ({', '.join(SHOWN[name] for name in same)}){home_text}"


def matrix_text(matrix: tuple[int, int, int, int]) -> str:
    """Print a confusion matrix."""
    return "TP {}, FP {}, FN {}, TN {}".format(*matrix)
