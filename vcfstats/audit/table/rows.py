"""Single rows: figures outside their range, counts in the cells, rates of 0/0, the AUC against the operating point."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from vcfstats.audit.table.cells import Printed, clean, decimal_text
from vcfstats.audit.table.cohorts import Recovery
from vcfstats.audit.table.columns import RATIOS, column_role
from vcfstats.audit.table.counts import list_matrices, rate_of
from vcfstats.audit.table.findings import IMPOSSIBLE, INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.reading import Row
from vcfstats.audit.table.sheets import base_of

SHOWN = {
    "auc": "AUC", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "sensitivity": "sensitivity",
    "specificity": "specificity", "ppv": "PPV", "npv": "NPV", "f1": "F1", "youden": "Youden's index",
    "lr_positive": "LR+", "lr_negative": "LR-", "fnr": "false negative rate", "fpr": "false positive rate", "fdr": "false discovery rate",
    "for": "false omission rate", "kappa": "kappa", "mcc": "MCC", "dor": "diagnostic odds ratio",
}  # fmt: skip
_AVERAGE = re.compile(
    r"\b(mean|average|averaged|pooled|cross[- ]?validat\w*|cv|\d+[- ]fold|macro|weighted)\b", re.IGNORECASE
)
# metric -> what its fraction's numerator and the rest of its denominator count
_FRACTIONS = {"sensitivity": ("tp", "fn"), "specificity": ("tn", "fp"), "ppv": ("tp", "fp"), "npv": ("tn", "fn")}


def figures(row: Row, names: Iterable[str] | None = None) -> str:
    """Print the figures of a row: ``accuracy 0.671, sensitivity 0.131``."""
    return ", ".join(f"{SHOWN[name]} {row.cells[name].text}" for name in (row.rates if names is None else names))


def completed(row: Row) -> tuple[Row, list[Finding]]:
    """Take the counts that the cells hold (58/65) into the row, and report those that contradict one another."""
    findings = []
    row = _from_complements(row)
    counts = dict(row.counts)
    said: dict[str, str] = dict.fromkeys(counts, "its own column")
    for metric, (part, total) in row.fractions.items():
        new = dict(zip(_FRACTIONS[metric], (part, total - part), strict=True)) if metric in _FRACTIONS else {}
        if metric == "accuracy":
            new = {"n": total}
        for name, value in new.items():
            if counts.setdefault(name, value) != value:
                arithmetic = f"{name.upper()} is {value} by {SHOWN[metric]} {part}/{total} and {counts[name]} by {said.get(name, 'another cell')}"
                findings.append(
                    Finding(
                        IMPOSSIBLE,
                        "counts in cells",
                        row.where,
                        f"{part}/{total}",
                        arithmetic,
                        cells=row.at(*row.fractions),
                    )
                )
            said.setdefault(name, SHOWN[metric])
    for total_name, parts in (("events", ("tp", "fn")), ("nonevents", ("tn", "fp")), ("n", ("events", "nonevents"))):
        if all(part in counts for part in parts):
            total = sum(counts[part] for part in parts)
            if counts.setdefault(total_name, total) != total:
                shown = " + ".join(f"{part.upper() if len(part) == 2 else part} {counts[part]}" for part in parts)
                findings.append(
                    Finding(
                        IMPOSSIBLE,
                        "counts in cells",
                        row.where,
                        f"{total_name} {counts[total_name]}",
                        f"{shown} = {total}, not {counts[total_name]}",
                        cells=row.at(total_name, *parts, *row.fractions),
                    )
                )
    if "n" in counts:
        for one, other in (("events", "nonevents"), ("nonevents", "events")):
            if one in counts and other not in counts and counts["n"] > counts[one]:
                counts[other] = counts["n"] - counts[one]
    return replace(row, counts=counts), findings


def _from_complements(row: Row) -> Row:
    """Let 1 - FNR stand for a sensitivity that is not printed itself, and so on."""
    cells, places = dict(row.cells), dict(row.places)
    for metric, figure, place in row.again:
        base = base_of(metric)
        if base not in cells:
            cells[base] = _as_base(metric, figure)
            places[base] = place
    return replace(row, cells=cells, places=places)


def _as_base(metric: str, figure: Printed) -> Printed:
    """Return FNR as the sensitivity that it says: 1 - u/10**d, with the same decimals, stands for the same interval."""
    if base_of(metric) == metric:
        return figure
    return Printed(f"1 - {figure.text}", 10**figure.decimals - figure.units, figure.decimals)


def check_again(rows: Sequence[Row]) -> tuple[list[Finding], int]:
    """Flag a rate that is printed twice, as Recall beside Sensitivity or FNR, with figures that are not one number."""
    findings, looked = [], 0
    for row in rows:
        for metric, figure, place in row.again:
            base = base_of(metric)
            first = row.cells[base]
            if row.places.get(base) == place:
                continue
            looked += 1
            other = _as_base(metric, figure)
            # Averages of a rate and of its complement round each for themselves, and still add up to one.
            if same_figure(first, other):
                continue
            named = f"{SHOWN[metric]} {figure.text}" if metric != base else f"{SHOWN[base]} again as {figure.text}"
            text = (
                f"{SHOWN[base]} {first.text} and {named} are one rate"
                if metric == base
                else f"{SHOWN[base]} {first.text} leaves {first.like(1 - first.value)} for the {SHOWN[metric]}, printed {figure.text}"
            )
            # 62.16 beside 37.83: a last digit cut off, not another number.
            near = abs(first.value - other.value) <= 2 * max(first.half, other.half)
            findings.append(
                Finding(NOTE if near else INCONSISTENT, "one rate twice", f"{row.where}, {SHOWN[base]}", f"{first.text} and {figure.text}", text, "one of the two",
                        cells=(*row.at(base), place))
            )  # fmt: skip
    return findings, looked


def mark_averages(rows: Sequence[Row]) -> list[Row]:
    """Mark the rows whose rates are averages: over folds, runs, models or (weighted by size) over the two classes.

    The sensitivity weighted over both classes is the accuracy; a table in which the two agree in every row prints that.
    """
    marked = []
    for row in rows:
        name = f"{row.label} {row.model} {row.cohort}"
        if not row.averaged and (found := _AVERAGE.search(name)):
            row = replace(row, averaged=f"the label says {found.group()!r}")
        marked.append(row)
    for table in dict.fromkeys(row.table for row in rows):
        group = [row for row in marked if row.table == table and {"accuracy", "sensitivity"} <= set(row.rates)]
        distinct = {row.rates["accuracy"].units for row in group}
        if len(distinct) > 2 and all(same_figure(row.rates["accuracy"], row.rates["sensitivity"]) for row in group):
            why = "sensitivity is the accuracy in every row of the table, as when weighted over both classes"
            marked = [
                replace(row, averaged=row.averaged or why) if any(row is g for g in group) else row for row in marked
            ]
    return marked


def check_ranges(rows: Sequence[Row]) -> tuple[list[Finding], int]:
    """Flag proportions outside 0 to 1, fractions that do not give the figure beside them, and unread cells."""
    findings, looked = [], 0
    for row in rows:
        for name, figure in row.cells.items():
            looked += 1
            if name not in RATIOS and figure.value > 1:
                findings.append(
                    Finding(
                        IMPOSSIBLE,
                        "range",
                        f"{row.where}, {SHOWN[name]}",
                        figure.text,
                        f"{figure.text} is above 1: no proportion",
                        cells=row.at(name),
                    )
                )
        for name, (part, total) in row.fractions.items():
            printed = row.cells.get(name)
            looked += 1
            where = f"{row.where}, {SHOWN[name]}"
            if total == 0 or part > total:
                findings.append(
                    Finding(
                        IMPOSSIBLE,
                        "counts in cells",
                        where,
                        f"{part}/{total}",
                        f"{part} of {total} cannot be",
                        cells=row.at(name),
                    )
                )
            elif printed is not None and not printed.holds(Fraction(part, total)):
                value = Fraction(part, total)
                findings.append(
                    Finding(IMPOSSIBLE, "counts in cells", where, f"{printed.text} ({part}/{total})",
                            f"{part}/{total} = {decimal_text(value, printed.decimals + 2)}, printed as {printed.text}",
                            f"{printed.like(value)} for {printed.text}, if the counts are right", cells=row.at(name))
                )  # fmt: skip
        if row.unread:
            findings.append(Finding(NOTE, "unread", row.where, "; ".join(row.unread), "no figure could be read here"))
    findings += _averaged(rows)
    return findings, looked


def _averaged(rows: Sequence[Row]) -> list[Finding]:
    """Note, once for each table and reason, the rows whose rates are averages."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.averaged:
            groups.setdefault((row.table, row.averaged), []).append(row)
    found = []
    for (table, why), group in groups.items():
        where = group[0].where if len(group) == 1 else ", ".join(part for part in (table, f"{len(group)} rows") if part)
        text = f"{why}: averages, which no single confusion matrix need give; the rates are not checked"
        cells = tuple(place for row in group for place in row.at())
        found.append(
            Finding(NOTE, "averaged rates", where, figures(group[0]) if len(group) == 1 else "", text, cells=cells)
        )
    return found


def check_undefined(recoveries: Sequence[Recovery]) -> list[Finding]:
    """Note PPV, NPV that are 0/0 in every matrix that reproduces the row."""
    findings = []
    for recovery in recoveries:
        if not recovery.is_settled:
            continue
        for index, row in enumerate(recovery.rows):
            if not recovery.fits[index, recovery.best]:
                continue
            matrices = list_matrices(row.rates, recovery.events, recovery.nonevents)
            for name, what in (("ppv", "no patient is called positive"), ("npv", "no patient is called negative")):
                if name in row.rates and matrices and all(rate_of(name, *matrix) is None for matrix in matrices):
                    findings.append(
                        Finding(NOTE, "undefined rate", f"{row.where}, {SHOWN[name]}", row.rates[name].text,
                                f"{what}: {SHOWN[name]} is 0/0, which has no value", f"print {SHOWN[name]} as not defined", cells=row.at(name))
                    )  # fmt: skip
    return findings


def check_operating_point(rows: Sequence[Row]) -> tuple[list[Finding], int]:
    """Flag an AUC that no curve through the row's own operating point can have.

    A curve that rises from (0, 0) to (1, 1) through (1 - spec, sens) has an area between sens * spec and
    1 - (1 - sens)(1 - spec).
    """
    findings, looked = [], 0
    for row in rows:
        if not {"auc", "sensitivity", "specificity"} <= set(row.cells) or row.averaged:
            continue
        auc, sens, spec = (row.cells[name] for name in ("auc", "sensitivity", "specificity"))
        if any(figure.value > 1 for figure in (auc, sens, spec)):
            continue
        looked += 1
        low = max(sens.low, Fraction(0)) * max(spec.low, Fraction(0))
        high = 1 - (1 - min(sens.high, Fraction(1))) * (1 - min(spec.high, Fraction(1)))
        if auc.high < low or auc.low > high:
            places = max(figure.decimals for figure in (auc, sens, spec))
            findings.append(
                Finding(INCONSISTENT, "AUC and operating point", row.where, figures(row, ("auc", "sensitivity", "specificity")),
                        f"a curve through this point has an area from {decimal_text(low, places)} to {decimal_text(high, places)}",
                        "AUC, sensitivity or specificity; or the calls were not made from the score of the curve",
                        cells=row.at("auc", "sensitivity", "specificity"))
            )  # fmt: skip
    return findings, looked


def check_steps(recoveries: Sequence[Recovery]) -> tuple[list[Finding], int]:
    """Flag an AUC that is no multiple of 1 / (2 m k), which pairs of m events and k non-events must give."""
    findings, looked = [], 0
    for recovery in recoveries:
        if not recovery.is_settled or recovery.n is None:
            continue
        pairs = 2 * recovery.events * recovery.nonevents
        for row in (row for row in recovery.members if "auc" in row.cells and not row.averaged):
            auc = row.cells["auc"]
            looked += 1
            first = -((-auc.low * pairs) // 1)
            if first > auc.high * pairs:
                below = decimal_text(Fraction(first - 1, pairs), auc.decimals + 1)
                above = decimal_text(Fraction(first, pairs), auc.decimals + 1)
                findings.append(
                    Finding(INCONSISTENT, "AUC in steps", f"{row.where}, AUC", auc.text,
                            f"{recovery.events} events and {recovery.nonevents} non-events make {pairs // 2} pairs; the nearest AUCs are {below} and {above}",
                            f"{below} or {above} for {auc.text}", cells=row.at("auc"))
                )  # fmt: skip
    return findings, looked


def check_labels(rows: Sequence[Row]) -> tuple[list[Finding], int]:
    """Flag a model that stands twice under one cohort of a table and is missing from another cohort of it."""
    findings: list[Finding] = []
    by_table: dict[str, dict[tuple[str, str], list[Row]]] = {}
    for row in rows:
        by_table.setdefault(row.table, {}).setdefault((_key(row.model), row.cohort), []).append(row)
    for table in by_table.values():
        cohorts = list(dict.fromkeys(cohort for _, cohort in table))
        models = {model for model, _ in table}
        for (model, cohort), group in table.items():
            if len(group) < 2 or not model:
                continue
            missing = [c for c in cohorts if (model, c) not in table and all((m, c) in table for m in models - {model})]
            where = f"{group[0].table + ', ' if group[0].table else ''}rows {' and '.join(str(r.number) for r in group)} ({group[0].label})"
            if missing:
                text = f"{group[0].model} stands {len(group)} times as {cohort} and never as {' or '.join(missing)}, where every other model stands"
                findings.append(
                    Finding(
                        INCONSISTENT,
                        "row label",
                        where,
                        group[-1].label,
                        text,
                        f"{missing[0]} for {cohort} in one of them",
                    )
                )
            elif (
                all(column_role(m)[0] == "" for m in (group[0].model,)) and len({r.operating_point for r in group}) > 1
            ):
                findings.append(
                    Finding(
                        NOTE,
                        "row label",
                        where,
                        group[-1].label,
                        f"{group[0].model} stands {len(group)} times as {cohort or 'one cohort'}",
                    )
                )
    return findings, len(rows)


def same_figure(one: Printed, other: Printed) -> bool:
    """Say whether two figures can be prints of one number: the interval of the finer one meets that of the coarser."""
    if one.decimals == other.decimals:
        return one.units == other.units
    return one.low <= other.high and other.low <= one.high


def _key(model: str) -> str:
    return re.sub(r"[\W_]+", "", clean(model).lower())
