"""One model printed in two tables: the same figures but for one or two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from vcfstats.audit.table.cells import Printed
from vcfstats.audit.table.cohorts import Recovery
from vcfstats.audit.table.findings import INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.intervals import centre_gap
from vcfstats.audit.table.reading import Row
from vcfstats.audit.table.rows import SHOWN, same_figure

_AUC_FIELDS = ("auc", "low", "high")
_MOST_DIFFERING = 2
_LEAST_SHARED = 5
_LEAST_AUCS = 1000  # as many as three decimals can print
_LEAST_DECIMALS = 3  # with fewer, two good models of one cohort agree by chance


def fields_of(row: Row) -> dict[str, Printed]:
    """Return all figures of a row by name, the limits of the AUC as ``low`` and ``high``."""
    limits = dict(zip(("low", "high"), row.intervals["auc"], strict=True)) if "auc" in row.intervals else {}
    return {**row.cells, **limits}


def check_between(
    rows: Sequence[Row], recoveries: Sequence[Recovery] = (), *, identified: bool = False
) -> tuple[list[Finding], int, dict[str, set[str]]]:
    """Flag rows of two tables that agree in all but one or two figures, and return the tables' other names.

    Two rows of one cohort are taken for one model where at least `_LEAST_SHARED` figures agree that tell models apart, two of
    the AUC and its limits among them, and at most two differ; where rows are `identified`, where they name the same model.
    Rows that share their operating point alone are left in peace: models on few binary predictors make the same calls. Nor
    do figures tell models apart that every useless one has: those of a row that calls all or none positive, rates and
    limits of 0 and 1, an AUC of one half. In a cohort with fewer than `_LEAST_AUCS` possible AUCs, two models have the
    same one by chance, and nothing is held against their rows. A row that stands in a table of several models and, under another name,
    in a second table gives its first table that name ("Table 3" is the table of "Rad").
    """
    findings: list[Finding] = []
    aliases: dict[str, set[str]] = {}
    looked = 0
    pairs = [
        (one, other) for one, other in combinations(rows, 2) if one.table != other.table and one.cohort == other.cohort
    ]
    twins = {
        (row.where, table)
        for pair in pairs
        if _identical(*pair)
        for row, table in zip(pair, (pair[1].table, pair[0].table), strict=True)
    }
    few = {
        id(row)
        for recovery in recoveries
        if recovery.is_settled and 2 * recovery.events * recovery.nonevents < _LEAST_AUCS
        for row in recovery.members
    }
    for one, other in pairs:
        a, b = fields_of(one), fields_of(other)
        shared = [name for name in a if name in b]
        differing = [name for name in shared if not same_figure(a[name], b[name])]
        agreeing = [name for name in shared if name not in differing]
        same_name = _plain(one.model) == _plain(other.model)
        if identified and not same_name:
            continue
        looked += 1
        telling = [name for name in agreeing if same_name or (_is_telling(one, name) and _is_telling(other, name))]
        if len(telling) < _LEAST_SHARED or len(differing) > _MOST_DIFFERING:
            continue
        auc_fields = [name for name in _AUC_FIELDS if name in shared]
        if auc_fields and sum(name in agreeing for name in auc_fields) < min(2, len(auc_fields)):
            continue
        if not auc_fields and not same_name:
            continue
        if differing and ((one.where, other.table) in twins or (other.where, one.table) in twins):
            continue  # one of the two stands in the other's table to the digit: that is its second print
        if not same_name:
            aliases.setdefault(one.table, set()).add(other.model)
            aliases.setdefault(other.table, set()).add(one.model)
        for name in differing:
            shown = {"low": "AUC lower limit", "high": "AUC upper limit"}.get(name) or SHOWN[name]
            fine = min(figure.decimals for figure in (a[name], b[name])) >= _LEAST_DECIMALS and (
                same_name or not (id(one) in few or id(other) in few)
            )
            findings.append(
                Finding(
                    INCONSISTENT if fine else NOTE, "two tables", f"{one.where} and {other.where}, {shown}", f"{a[name].text} and {b[name].text}",
                    f"{len(agreeing)} other figures of the two rows are the same ({one.cohort or 'one cohort'})", _nearer(one, other, name, a, b),
                    cells=(*one.at(_metric(name)), *other.at(_metric(name))),
                )
            )  # fmt: skip
    return findings, looked, aliases


def _metric(name: str) -> str:
    return "auc" if name in _AUC_FIELDS else name


def _is_telling(row: Row, name: str) -> bool:
    """Whether a figure tells a model from one that is of no use."""
    figure = fields_of(row)[name]
    if figure.value in (0, 1) or (name == "auc" and figure.value == Fraction(1, 2)):
        return False
    called = tuple(row.cells[rate].value for rate in ("sensitivity", "specificity") if rate in row.cells)
    # All or none are called positive: accuracy and predictive values are then the share of events.
    none, everyone = (Fraction(0), Fraction(1)), (Fraction(1), Fraction(0))
    return name in _AUC_FIELDS or called not in (none, everyone)


def _identical(one: Row, other: Row) -> bool:
    a, b = fields_of(one), fields_of(other)
    shared = [name for name in a if name in b]
    return len(shared) > _LEAST_SHARED and all(same_figure(a[name], b[name]) for name in shared)


def _nearer(one: Row, other: Row, name: str, a: dict[str, Printed], b: dict[str, Printed]) -> str:
    """Say which of two differing limits leaves its interval better centred."""
    plain = f"one of {a[name].text} and {b[name].text}"
    if name not in ("low", "high", "auc") or not {"auc", "low", "high"} <= set(a) & set(b):
        return plain
    gaps = [
        (centre_gap(f["auc"], f["low"], f["high"]), abs((f["low"].value + f["high"].value) / 2 - f["auc"].value))
        for f in (a, b)
    ]
    if gaps[0][0] != gaps[1][0]:
        better = a if gaps[0][0] < gaps[1][0] else b
        return f"{better[name].text}, with which the interval is centred on the AUC"
    if gaps[0][1] != gaps[1][1]:
        better = a if gaps[0][1] < gaps[1][1] else b
        return f"{plain}; the interval with {better[name].text} is nearer to symmetric, but rounding allows both"
    return plain


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())
