"""Kappa, Matthews' correlation and the diagnostic odds ratio against the confusion matrices that the other rates allow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

from vcfstats.audit.table.cells import Printed, decimal_text
from vcfstats.audit.table.cohorts import Recovery
from vcfstats.audit.table.columns import DERIVED
from vcfstats.audit.table.counts import list_matrices, prevalence_range
from vcfstats.audit.table.findings import INCONSISTENT, Finding
from vcfstats.audit.table.reading import Row
from vcfstats.audit.table.rows import SHOWN, figures
from vcfstats.audit.table.sheets import Place

Matrix = tuple[int, int, int, int]
_MOST_COUNTS = 50  # pairs of class counts, and matrices of each, beyond which a row is left out
_MOST_MATRICES = 500
_FOUR = ("sensitivity", "specificity", "ppv", "npv")


def check_derived(recoveries: Sequence[Recovery]) -> tuple[list[Finding], int, set[Place]]:
    """Flag a kappa, MCC or odds ratio that no confusion matrix gives that prints as the row's other rates.

    Only where the class counts are known, or are among those that the rows leave: larger counts might give another value.
    """
    findings: list[Finding] = []
    looked = 0
    seen: set[Place] = set()
    for recovery in recoveries:
        for index, row in enumerate(recovery.rows):
            printed = {name: row.cells[name] for name in DERIVED if name in row.cells}
            certain = recovery.given or recovery.is_covered  # else larger class counts may give other values
            matrices = _matrices(recovery, index) if printed and certain else None
            for name, figure in printed.items():
                if matrices is None:
                    found = _mcc_by_rates(row, figure) if name == "mcc" else None
                else:
                    found = _by_matrices(row, name, figure, matrices)
                if found is None:
                    continue
                looked += 1
                seen |= set(row.at(name, *row.rates))
                findings += found
    return findings, looked, seen


def holds(name: str, figure: Printed, matrix: Matrix) -> bool:
    """Say, in whole numbers, whether a matrix may have been printed so; a value that is 0/0 is printed as anything."""
    tp, fp, fn, tn = matrix
    product = tp * tn - fp * fn
    if name == "dor":
        if not fp * fn:
            tp, fp, fn, tn = (
                2 * tp + 1,
                2 * fp + 1,
                2 * fn + 1,
                2 * tn + 1,
            )  # by custom half a patient is added to each cell
        return figure.holds(Fraction(tp * tn, fp * fn)) or not (matrix[1] * matrix[2])
    if name == "kappa":
        below = (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)
        return not below or figure.holds(Fraction(2 * product, below))
    squared = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return not squared or (_at_least(product, squared, figure.low) and _at_least(-product, squared, -figure.high))


def value_of(name: str, matrix: Matrix) -> float | None:
    """Return the measure of a matrix, None where it is 0/0."""
    tp, fp, fn, tn = matrix
    product = tp * tn - fp * fn
    below = {
        "dor": float(fp * fn),
        "kappa": ((tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)) / 2,
        "mcc": math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
    }[name]
    return (tp * tn if name == "dor" else product) / below if below else None


def _at_least(product: int, squared: int, bound: Fraction) -> bool:
    """Say whether product / sqrt(squared) >= bound, by squares of whole numbers."""
    a, b = bound.numerator, bound.denominator
    if a <= 0:
        return product >= 0 or (product * b) ** 2 <= a * a * squared
    return product > 0 and (product * b) ** 2 >= a * a * squared


def _matrices(recovery: Recovery, index: int) -> list[Matrix] | None:
    """Return every matrix of plausible class counts that prints as the row; None where these are too many to list."""
    if not recovery.m.size:
        return None
    row = recovery.rows[index]
    pairs = [recovery.best] if recovery.given else [int(i) for i in recovery.plausible if recovery.fits[index, i]]
    if not 0 < len(pairs) <= _MOST_COUNTS or int(sum(recovery.fits[index, i] for i in pairs)) > _MOST_MATRICES:
        return None
    found: list[Matrix] = []
    for i in pairs:
        found += list_matrices(row.rates, int(recovery.m[i]), int(recovery.k[i]), known=row.matrix_cells)
    return found or None


def _by_matrices(row: Row, name: str, figure: Printed, matrices: Iterable[Matrix]) -> list[Finding]:
    if any(holds(name, figure, matrix) for matrix in matrices):
        return []
    values = sorted({round(value, 12) for matrix in matrices if (value := value_of(name, matrix)) is not None})
    if not values:
        return []
    shown = list(dict.fromkeys(figure.like(Fraction(value)) for value in (values[0], values[-1])))
    text = f"{figures(row)} give {SHOWN[name]} {' to '.join(decimal_text(Fraction(v), figure.decimals + 1) for v in dict.fromkeys((values[0], values[-1])))}, printed {figure.text}"
    return [
        Finding(
            INCONSISTENT,
            "agreement",
            f"{row.where}, {SHOWN[name]}",
            figure.text,
            text,
            f"{' or '.join(shown)} for {figure.text}",
            cells=row.at(name, *row.rates),
        )
    ]


def _mcc_by_rates(row: Row, figure: Printed) -> list[Finding] | None:
    """Hold MCC against sqrt(sens spec PPV NPV) - sqrt((1 - sens)(1 - spec)(1 - PPV)(1 - NPV)), whatever the number of patients.

    It rises with each of the four, so that their smallest and largest values bound it.
    """
    low_share, high_share = prevalence_range(row.rates)
    if (
        not set(_FOUR) <= set(row.rates) or row.averaged or low_share > high_share
    ):  # rates that cannot stand together are told already
        return None
    zero, one = Fraction(0), Fraction(1)
    lows = [max(row.rates[name].low, zero) for name in _FOUR]
    highs = [min(row.rates[name].high, one) for name in _FOUR]
    low, high = (math.sqrt(math.prod(r)) - math.sqrt(math.prod(1 - x for x in r)) for r in (lows, highs))
    if low - 1e-9 <= figure.high and high + 1e-9 >= figure.low:
        return []
    text = f"{figures(row, _FOUR)} leave MCC between {low:.{figure.decimals + 1}f} and {high:.{figure.decimals + 1}f}, printed {figure.text}"
    return [
        Finding(
            INCONSISTENT,
            "agreement",
            f"{row.where}, MCC",
            figure.text,
            text,
            f"about {figure.like(Fraction((low + high) / 2))} for {figure.text}",
            cells=row.at("mcc", *_FOUR),
        )
    ]
