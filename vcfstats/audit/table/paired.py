"""P values of two AUCs of the same patients, from the standard errors alone: their correlation lies between -1 and 1."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import ndtr

from vcfstats.audit.table.findings import NOTE, Finding
from vcfstats.audit.table.intervals import standard_error
from vcfstats.audit.table.pvalues import read_p
from vcfstats.audit.table.reading import Row
from vcfstats.audit.table.sheets import Place


def check_paired(rows: Sequence[Row], z: float) -> tuple[list[Finding], int, set[Place]]:
    """Note a p value that no correlation of two AUCs with the printed standard errors gives.

    Where one row of a table's cohort has no p value and all others have one, that row is taken for what they are compared
    with. The standard error of the difference lies in [|s1 - s2|, s1 + s2]. A note: p values may be adjusted, one-sided,
    or of another comparison.
    """
    findings: list[Finding] = []
    looked = 0
    seen: set[Place] = set()
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.table, row.cohort), []).append(row)
    for group in groups.values():
        without = [row for row in group if not row.p]
        if len(without) != 1 or len(group) < 2:
            continue
        reference = without[0]
        base = standard_error(reference, None, z)
        for row in group:
            se, p = standard_error(row, None, z), read_p(row.p) if row.p else None
            if row is reference or se is None or base is None or p is None:
                continue
            looked += 1
            seen |= {*row.at("auc", "p"), *reference.at("auc")}
            one, other = reference.cells["auc"], row.cells["auc"]
            slack = float(one.half + other.half)
            gap = abs(float(one.value - other.value))
            nearest = max(se.least - base.largest, base.least - se.largest, 0.0)
            lowest = 2 * float(ndtr(-(gap + slack) / nearest)) if nearest else 0.0
            highest = (
                2 * float(ndtr(-max(gap - slack, 0.0) / (se.largest + base.largest)))
                if se.largest + base.largest
                else 1.0
            )
            if p.meets(lowest, highest):
                continue
            text = (
                f"AUC {one.text} and {other.text} with standard errors of about {base.printed:.4f} and {se.printed:.4f} differ by {gap:.3f} with a standard error of "
                f"{nearest:.4f} to {base.largest + se.largest:.4f}: two-sided p from {lowest:.4f} to {highest:.4f}, printed {p.text}"
            )
            findings.append(
                Finding(
                    NOTE,
                    "p of two AUCs",
                    row.where,
                    p.text,
                    text,
                    "the p value, an interval, or say what is compared and how",
                    cells=(*row.at("auc", "p"), *reference.at("auc")),
                )
            )
    return findings, looked, seen
