"""How often does the table audit flag a true table printed by a convention that it is not told of?

Each table is drawn from simulated patients and written as CSV, so that it is read as a file would be: means over folds that
do not say so, digits cut off instead of rounded, models tried on fewer patients, tied scores, intervals by bootstrap, the
other class counted as the event, metrics in rows, cohorts above metrics, rates once more under other names.

    python benchmarks/table_audit_conventions.py --tables 400 --seed 11 --out benchmarks/results/table_audit_conventions.json
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy import stats

from vcfstats import audit_table
from vcfstats.audit.table.headings import frames_of
from vcfstats.audit.table.readers.document import Grid
from vcfstats.audit.table.readers.pasted import read_delimited

Z = stats.norm.ppf(0.975)
CONVENTIONS = ["plain", "ties", "fold means", "cut off", "fewer patients", "bootstrap", "other class", "agreement"]
METRICS = {
    "accuracy": ["Accuracy", "ACC (%)", "Ac"], "sensitivity": ["Sensitivity", "SEN (%)", "Sn"], "specificity": ["Specificity", "SPE (%)", "Sp"],
    "ppv": ["PPV", "Pos Pred Value", "Precision"], "npv": ["NPV", "Neg Pred Value", "NPV"], "f1": ["F1-score"], "youden": ["Youden index J"],
    "fnr": ["FNR"], "lr_positive": ["+LR"], "lr_negative": ["-LR"], "kappa": ["Kappa"], "mcc": ["MCC"],
}  # fmt: skip


def rates(tp: int, fp: int, fn: int, tn: int) -> dict[str, Fraction | float | None]:
    """Return every measure from its definition."""
    m, k, n = tp + fn, tn + fp, tp + fp + fn + tn

    def share(a: int, b: int) -> Fraction | None:
        return Fraction(a, b) if b else None

    below = (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)
    squared = (tp + fp) * m * k * (tn + fn)
    return {
        "accuracy": share(tp + tn, n), "sensitivity": share(tp, m), "specificity": share(tn, k), "ppv": share(tp, tp + fp),
        "npv": share(tn, tn + fn), "f1": share(2 * tp, 2 * tp + fp + fn), "youden": share(tp * k + tn * m - m * k, m * k), "fnr": share(fn, m),
        "lr_positive": share(tp * k, m * fp), "lr_negative": share(fn * k, m * tn), "kappa": share(2 * (tp * tn - fp * fn), below),
        "mcc": (tp * tn - fp * fn) / math.sqrt(squared) if squared else None,
    }  # fmt: skip


def shown(value: Fraction | float, places: int, *, cut: bool) -> str:
    """Print a number rounded half up, or with its further digits cut off."""
    scaled = Fraction(value) * 10**places
    units = math.floor(abs(scaled) + (0 if cut else Fraction(1, 2)))
    sign = "-" if scaled < 0 and units else ""
    return f"{sign}{units // 10**places}.{units % 10**places:0{places}d}" if places else f"{sign}{units}"


def auc_with_limits(
    rng: np.random.Generator, events: np.ndarray, others: np.ndarray, how: str
) -> tuple[float, float, float]:
    wins = (events[:, None] > others) + 0.5 * (events[:, None] == others)
    auc = float(wins.mean())
    if how == "bootstrap":
        draws = [
            float(
                wins[
                    np.ix_(rng.integers(0, len(events), len(events)), rng.integers(0, len(others), len(others)))
                ].mean()
            )
            for _ in range(200)
        ]
        low, high = np.quantile(draws, [0.025, 0.975])
        return auc, float(low), float(high)
    se = math.sqrt(wins.mean(axis=1).var(ddof=1) / len(events) + wins.mean(axis=0).var(ddof=1) / len(others))
    return auc, max(auc - Z * se, 0.0), min(auc + Z * se, 1.0)


def draw_row(
    rng: np.random.Generator, m: int, k: int, convention: str
) -> tuple[dict, tuple[float, float, float], tuple[int, int, int, int]]:
    """Draw one model: its rates (means over folds where that is the convention), its AUC, its matrix."""
    strength = rng.uniform(0.4, 2.6)
    events, others = rng.normal(strength, 1, m), rng.normal(0, 1, k)
    if convention == "ties":
        events, others = np.round(events), np.round(others)
    cut = rng.normal(strength / 2, 0.4)
    called = events > cut, others > cut
    tp, fp = int(called[0].sum()), int(called[1].sum())
    matrix = (tp, fp, m - tp, k - fp)
    auc = auc_with_limits(rng, events, others, convention)
    if convention == "other class":
        matrix = (matrix[3], matrix[2], matrix[1], matrix[0])
    if convention != "fold means":
        return rates(*matrix), auc, matrix
    folds = int(rng.choice([5, 10]))
    parts = []
    for e, o in zip(np.array_split(called[0], folds), np.array_split(called[1], folds), strict=True):
        parts.append(rates(int(e.sum()), int(o.sum()), int((~e).sum()), int((~o).sum())))
    means = {}
    for name in parts[0]:
        values = [Fraction(part[name]) for part in parts if part[name] is not None]
        means[name] = sum(values, Fraction(0)) / len(values) if values else None
    return means, auc, matrix


def draw_table(rng: np.random.Generator, convention: str) -> tuple[str, int]:
    """Return one true table as CSV, and the number of its rows (of one model in one cohort)."""
    places = int(rng.choice([2, 3, 3, 4]))
    cut = convention == "cut off"
    names = [m for m in ("accuracy", "ppv", "npv", "f1", "youden") if rng.random() < 0.6]
    names = ["sensitivity", "specificity", *names]
    if convention == "agreement":
        names += ["kappa", "mcc", *(m for m in ("fnr", "lr_positive", "lr_negative") if rng.random() < 0.5)]
    percent = rng.random() < 0.4
    cohorts = ["Training", "Testing"][: int(rng.integers(1, 3))]
    models = int(rng.integers(3, 9))
    # Where digits are cut off or means are taken, what tells it is several rows; one row alone would be held wrong.
    states_n = rng.random() < 0.6
    lines: dict[tuple[str, str], dict[str, str]] = {}
    heads = {name: METRICS[name][int(rng.integers(len(METRICS[name])))] for name in names}
    totals = {}
    for cohort in cohorts:
        n = int(rng.integers(60, 600))
        m = max(12, min(n - 12, round(n * rng.uniform(0.15, 0.6))))
        totals[cohort] = n
        for number in range(models):
            fewer = convention == "fewer patients" and number >= models - 2 and not states_n
            mm, kk = (m - m // 8, n - m - (n - m) // 9) if fewer else (m, n - m)
            values, auc, (tp, _, fn, _) = draw_row(rng, mm, kk, convention)
            line = {"AUC (95% CI)": f"{auc[0]:.3f} ({auc[1]:.3f}-{auc[2]:.3f})"}
            for name in names:
                value = values[name]
                scale = 100 if percent and name not in ("youden", "lr_positive", "lr_negative", "kappa", "mcc") else 1
                decimals = max(places - (2 if scale == 100 else 0), 0)
                line[heads[name]] = "NA" if value is None else shown(value * scale, decimals, cut=cut)
            if convention == "bootstrap" and values["sensitivity"] is not None:
                draws = rng.binomial(tp + fn, tp / (tp + fn), 500) / (tp + fn) * (100 if percent else 1)
                low, high = np.quantile(draws, [0.025, 0.975])
                line[heads["sensitivity"]] += f" ({low:.{places}f}-{high:.{places}f})"
            lines[cohort, f"Model {chr(65 + number)}"] = line
    said = {c: f"{c} cohort (n = {totals[c]})" if states_n else f"{c} cohort" for c in cohorts}
    return laid_out(rng, lines, said), len(lines)


def laid_out(rng: np.random.Generator, lines: dict[tuple[str, str], dict[str, str]], said: dict[str, str]) -> str:
    heads = list(next(iter(lines.values())))
    models = list(dict.fromkeys(model for _, model in lines))
    layout = str(rng.choice(["column", "sections", "above", "rows"]))
    if layout == "column":
        table = [["Model", "Cohort", *heads], *([model, said[c], *line.values()] for (c, model), line in lines.items())]
    elif layout == "sections":
        table = [["Model", *heads]]
        for cohort, words in said.items():
            table += [[words], *([model, *lines[cohort, model].values()] for model in models)]
    elif layout == "above":
        table = [
            ["Model", *(word for words in said.values() for word in (words, *[""] * (len(heads) - 1)))],
            ["", *heads * len(said)],
        ]
        table += [[model, *(v for c in said for v in lines[c, model].values())] for model in models]
    else:
        table = [["", *models]]
        for cohort, words in said.items():
            table += [[words], *([head, *(lines[cohort, model][head] for model in models)] for head in heads)]
    stream = io.StringIO()
    csv.writer(stream).writerows(table)
    return stream.getvalue()


def clopper_pearson(hits: int, n: int) -> list[float]:
    interval = stats.binomtest(hits, n).proportion_ci(method="exact")
    return [round(interval.low, 5), round(interval.high, 5)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    summary: dict[str, dict[str, object]] = {}
    start = time.perf_counter()
    rows, flagged, tables, unread = Counter(), Counter(), Counter(), Counter()
    flagged_tables, notes, checks = Counter(), Counter(), Counter()
    for number, seed in enumerate(np.random.SeedSequence(args.seed).spawn(args.tables)):
        rng = np.random.default_rng(seed)
        convention = CONVENTIONS[number % len(CONVENTIONS)]
        text, count = draw_table(rng, convention)
        audit = audit_table(frames_of(Grid("", read_delimited(text))))
        hard = [f for f in audit.findings if f.severity != "note"]
        tables[convention] += 1
        rows[convention] += count
        flagged[convention] += len({f.where.split(")")[0] for f in hard})
        flagged_tables[convention] += bool(hard)
        unread[convention] += sum(table.counts["not understood"] for table in audit.tables)
        notes.update((convention, f.check) for f in audit.findings if f.severity == "note")
        checks.update(f.check for f in hard)
        for finding in hard:
            print(
                number,
                convention,
                finding.severity,
                finding.check,
                finding.where,
                finding.printed,
                "|",
                finding.arithmetic,
                flush=True,
            )
    for convention in CONVENTIONS:
        summary[convention] = {
            "tables": tables[convention], "tables flagged": flagged_tables[convention], "rows": rows[convention], "rows flagged": flagged[convention],
            "figures not understood": unread[convention], "notes": {check: c for (name, check), c in sorted(notes.items()) if name == convention},
        }  # fmt: skip
    total, wrong = rows.total(), flagged.total()
    result = {
        "what": "simulated true tables; no real data", "tables": args.tables, "seed": args.seed, "rows": total, "rows flagged": wrong,
        "share of rows with Clopper-Pearson interval": [round(wrong / total, 6), *clopper_pearson(wrong, total)],
        "tables flagged": flagged_tables.total(), "share of tables with Clopper-Pearson interval": [round(flagged_tables.total() / args.tables, 6), *clopper_pearson(flagged_tables.total(), args.tables)],
        "flags by check": dict(checks), "by convention": summary,
    }  # fmt: skip
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    print(f"{time.perf_counter() - start:.0f} seconds")
    if args.out:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
