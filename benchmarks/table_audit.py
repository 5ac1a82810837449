"""How often does the table audit flag a table that is consistent, and how often does it find one planted error?

Simulated papers: patients, scores, calls, intervals and baseline characteristics are drawn and tabulated, so that every
printed figure is true; a paper varies in cohorts, class counts, models, metrics, decimals, percentages, rounding rule,
layout, interval method and in what it states. The first study audits them as they are, the second with one error each.

    python benchmarks/table_audit.py --papers 1000 --seed 7 --out benchmarks/results/table_audit.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from vcfstats import audit_table

Z = stats.norm.ppf(0.975)
NAMES = ["LR", "SVM", "KNN", "RandomForest", "ExtraTrees", "XGBoost", "LightGBM", "MLP", "NaiveBayes"]
FUSED = ["Clinical", "Radiomics", "Fusion"]
RATES = ["accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "youden"]
HEADINGS = {
    "auc": ["AUC", "AUROC", "AUC value"],
    "accuracy": ["Accuracy", "ACC"],
    "sensitivity": ["Sensitivity", "SEN", "Recall"],
    "specificity": ["Specificity", "SPE"],
    "ppv": ["PPV", "Precision", "Positive predictive value"],
    "npv": ["NPV", "Negative predictive value"],
    "f1": ["F1-score"],
    "youden": ["Youden index"],
}


@dataclass
class Paper:
    """Printed tables as lists of dicts of text, and what the paper states."""

    performance: list[dict[str, str]]
    metrics: list[str]
    style: dict[str, object]
    cohorts: dict[str, tuple[int, int]]
    baseline: list[dict[str, str]] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    options: dict[str, object] = field(default_factory=dict)


def rounded(value: Fraction, places: int, rule: str) -> str:
    """Print a fraction by one of three rounding rules."""
    if rule == "float":
        return f"{float(value):.{places}f}"
    scaled = value * 10**places
    units = round(scaled) if rule == "half even" else int((scaled + Fraction(1, 2)) // 1)
    return f"{units // 10**places}.{units % 10**places:0{places}d}" if places else str(units)


def delong(events: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Return the AUC and DeLong's standard error from all pairs."""
    wins = (events[:, None] > others) + 0.5 * (events[:, None] == others)
    v10, v01 = wins.mean(axis=1), wins.mean(axis=0)
    return float(wins.mean()), float(np.sqrt(v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01)))


def draw_model(
    rng: np.random.Generator, m: int, k: int, paper_rule: str
) -> tuple[dict[str, Fraction | None], tuple[float, float, float]]:
    """Draw one model's scores in one cohort: its rates as exact fractions, its AUC with limits."""
    strength = rng.uniform(0.5, 2.6)
    events, others = rng.normal(strength, 1, m), rng.normal(0, 1, k)
    if rng.random() < 0.15:  # few binary predictors: a handful of distinct scores
        events, others = np.round(events), np.round(others)
    cut = rng.normal(strength / 2, 0.6)
    tp, fp = int((events > cut).sum()), int((others > cut).sum())
    fn, tn = m - tp, k - fp

    def share(a: int, b: int) -> Fraction | None:
        return Fraction(a, b) if b else None

    rates = {
        "accuracy": share(tp + tn, m + k), "sensitivity": share(tp, m), "specificity": share(tn, k),
        "ppv": share(tp, tp + fp), "npv": share(tn, tn + fn), "f1": share(2 * tp, 2 * tp + fp + fn),
        "youden": share(tp * k + tn * m - m * k, m * k),
    }  # fmt: skip
    auc, se = delong(events, others)
    if paper_rule == "logit" and 0 < auc < 1:
        width = Z * se / (auc * (1 - auc))
        low, high = (1 / (1 + np.exp(-(np.log(auc / (1 - auc)) + side * width))) for side in (-1, 1))
    else:
        low, high = max(auc - Z * se, 0.0), min(auc + Z * se, 1.0)
    return rates, (auc, float(low), float(high))


def draw_paper(rng: np.random.Generator) -> Paper:
    """Draw one consistent paper."""
    style = {
        "places": int(rng.choice([2, 3, 3, 3, 4])), "percent": bool(rng.random() < 0.4), "rule": str(rng.choice(["half up", "half even", "float"])),
        "stripped": bool(rng.random() < 0.15), "layout": str(rng.choice(["column", "label", "wide", "sections"])),
        "combined": bool(rng.random() < 0.4), "separator": str(rng.choice(["-", "–", " ~ ", ", ", " to "])),
        "intervals": str(rng.choice(["delong", "delong", "unstated", "logit"])), "sign": bool(rng.random() < 0.5),
        "frame": str(rng.choice(["text", "text", "numbers"])), "heading": int(rng.integers(3)),
    }  # fmt: skip
    chosen = list(rng.choice(["training", "testing", "external"], size=int(rng.integers(1, 4)), replace=False))
    chosen.sort(key=["training", "testing", "external"].index)
    cohorts = {}
    for cohort in chosen:
        n = int(rng.integers(60, 800)) if cohort == "training" else int(rng.integers(30, 300))
        cohorts[cohort] = (max(6, min(n - 6, round(n * rng.uniform(0.12, 0.6)))), 0)
        cohorts[cohort] = (cohorts[cohort][0], n - cohorts[cohort][0])
    metrics = [m for m in RATES if m in ("sensitivity", "specificity") or rng.random() < 0.6]
    tables = int(rng.integers(1, 4))
    names = list(rng.choice(NAMES, size=int(rng.integers(3, 9)), replace=False))
    rows = []
    for table in range(1, tables + 1):
        for cohort, (m, k) in cohorts.items():
            for name in names:
                rates, auc = draw_model(rng, m, k, str(style["intervals"]))
                rows.append(print_row(rng, f"Table {table}", name, cohort, rates, auc, metrics, style))
    if tables > 1:  # the best of each table again, under the name of its feature set
        for table in range(1, tables + 1):
            best = names[int(rng.integers(len(names)))]
            again = [dict(r) for r in rows if r["table"] == f"Table {table}" and r["model"] == best]
            rows += [{**r, "table": f"Table {tables + 1}", "model": FUSED[table - 1]} for r in again]
    paper = Paper(rows, metrics, style, cohorts)
    known = rng.random()
    if known < 0.7:
        paper.options["n"] = {c: m + k for c, (m, k) in cohorts.items()}
    if known < 0.2:
        paper.options["events"] = {c: m for c, (m, _) in cohorts.items()}
    if style["intervals"] != "unstated":
        paper.options["ci_method"] = style["intervals"]
    if len(cohorts) > 1:
        paper.baseline = draw_baseline(rng, {c: m + k for c, (m, k) in cohorts.items()})
    paper.claims = draw_claims(rng, paper)
    return paper


def print_row(rng, table, name, cohort, rates, auc, metrics, style) -> dict[str, str]:
    places, row = style["places"], {"table": table, "model": name, "cohort": cohort}
    for key, value in zip(("auc", "low", "high"), auc, strict=True):
        row[key] = f"{value:.{max(places, 2)}f}"
    for metric in metrics:
        value = rates[metric]
        if value is None or (metric == "youden" and value < 0):
            row[metric] = "" if metric == "youden" or rng.random() < 0.5 else rounded(Fraction(0), places, "half up")
            continue
        if style["percent"] and metric != "youden":
            row[metric] = rounded(value * 100, max(places - 2, 0), str(style["rule"])) + ("%" if style["sign"] else "")
        else:
            row[metric] = rounded(value, places, str(style["rule"]))
        if style["stripped"] and "." in row[metric] and "%" not in row[metric]:
            row[metric] = row[metric].rstrip("0").rstrip(".") or "0"
    return row


def draw_baseline(rng: np.random.Generator, totals: dict[str, int]) -> list[dict[str, str]]:
    """Draw a baseline table by cohort with the p values that scipy gives."""
    cohorts = list(totals)
    lines = []
    everyone = sum(totals.values())
    for variable in range(int(rng.integers(2, 5))):
        levels = int(rng.integers(2, 4))
        share = rng.dirichlet(np.full(levels, 3.0))
        counts = np.array([rng.multinomial(totals[c], share) for c in cohorts]).T
        seen = counts[counts.sum(axis=1) > 0]
        if seen.shape[0] < 2:
            continue
        if seen.shape == (2, 2) and rng.random() < 0.3:
            p = stats.fisher_exact(seen)[1]
        else:
            p = stats.chi2_contingency(seen, correction=bool(rng.random() < 0.5))[1]
        lines.append({"variable": f"Factor {variable + 1}", "level": "", "p": print_p(p)})
        for level in range(levels):
            line = {"variable": f"Factor {variable + 1}", "level": f"level {level + 1}", "p": ""}
            for c, count in zip(("all", *cohorts), (counts[level].sum(), *counts[level]), strict=True):
                total = everyone if c == "all" else totals[c]
                line[c] = f"{count} ({rounded(Fraction(int(count) * 100, total), 1, 'float')})"
            lines.append(line)
    for variable in range(int(rng.integers(1, 4))):
        values = [
            rng.normal(rng.uniform(20, 80), rng.uniform(5, 15)) + rng.normal(0, rng.uniform(5, 15), totals[c])
            for c in cohorts
        ]
        shift = rng.normal(0, 2)
        values = [v - v.mean() + 60 + shift * i for i, v in enumerate(values)]
        whole = np.concatenate(values)
        if rng.random() < 0.3:
            p = stats.mannwhitneyu(*values)[1] if len(values) == 2 else stats.kruskal(*values)[1]
            line = {"variable": f"Median {variable + 1}, median (IQR)", "level": "", "p": print_p(p)}
            for c, v in zip(("all", *cohorts), (whole, *values), strict=True):
                low, middle, high = np.quantile(v, [0.25, 0.5, 0.75])
                line[c] = f"{middle:.1f} ({low:.1f}-{high:.1f})"
        else:
            p = (
                stats.ttest_ind(*values, equal_var=bool(rng.random() < 0.5))[1]
                if len(values) == 2
                else stats.f_oneway(*values)[1]
            )
            line = {"variable": f"Mean {variable + 1}", "level": "", "p": print_p(p)}
            for c, v in zip(("all", *cohorts), (whole, *values), strict=True):
                line[c] = f"{v.mean():.2f} ± {v.std(ddof=1):.2f}"
        lines.append(line)
    return lines


def print_p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def draw_claims(rng: np.random.Generator, paper: Paper) -> list[str]:
    """Say in words what the last table prints, and the range of a table."""
    last = paper.performance[-1]["table"]
    rows = [r for r in paper.performance if r["table"] == last]
    row = rows[int(rng.integers(len(rows)))]
    claims = [
        f"The {row['model']} model reached an AUC of {row['auc']} ({row['low']}-{row['high']}) in the {row['cohort']} cohort."
    ]
    group = [r for r in paper.performance if r["table"] == "Table 1" and r["cohort"] == row["cohort"]]
    aucs = sorted((r["auc"] for r in group), key=float)
    claims.append(f"In Table 1 the {row['cohort']} AUCs ranged from {aucs[0]} to {aucs[-1]}.")
    return claims


def frames_of(paper: Paper) -> list[pd.DataFrame]:
    """Lay the paper's tables out as frames."""
    style = paper.style
    heading = {m: HEADINGS[m][int(style["heading"]) % len(HEADINGS[m])] for m in HEADINGS}
    if style["percent"] and not style["sign"]:
        heading |= {m: f"{heading[m]} (%)" for m in RATES if m != "youden"}
    frames = []
    for table in dict.fromkeys(r["table"] for r in paper.performance):
        lines, wide = [], {}
        cohort = ""
        for r in (r for r in paper.performance if r["table"] == table):
            cells = {}
            limits = f"{r['low']}{style['separator']}{r['high']}"
            if style["combined"]:
                cells[f"{heading['auc']} (95% CI)"] = f"{r['auc']} ({limits})"
            elif style["frame"] == "numbers":
                cells |= {heading["auc"]: r["auc"], "CI low": r["low"], "CI high": r["high"]}
            else:
                cells |= {heading["auc"]: r["auc"], "95% CI": limits}
            cells |= {heading[m]: r[m] for m in paper.metrics}
            if style["layout"] == "wide":
                if any(f"{key} ({r['cohort']})" in wide.setdefault(r["model"], {"Model": r["model"]}) for key in cells):
                    lines.append(
                        {"Model": r["model"], **{f"{key} ({r['cohort']})": value for key, value in cells.items()}}
                    )
                    continue
                wide[r["model"]] |= {f"{key} ({r['cohort']})": value for key, value in cells.items()}
            elif style["layout"] == "label":
                lines.append({"Model": f"{r['model']}-{r['cohort']}", **cells})
            elif style["layout"] == "sections":
                if r["cohort"] != cohort:
                    lines.append({"Model": f"{r['cohort'].capitalize()} cohort"})
                    cohort = r["cohort"]
                lines.append({"Model": r["model"], **cells})
            else:
                lines.append({"Model": r["model"], "Cohort": f"{r['cohort']} set", **cells})
        frame = pd.DataFrame([*wide.values(), *lines]).fillna("")
        if style["frame"] == "numbers" and style["layout"] != "sections":
            for column in frame.columns:
                try:
                    frame[column] = pd.to_numeric(frame[column].replace("", np.nan))
                except (ValueError, TypeError):
                    continue
        frame.attrs["title"] = table
        frames.append(frame)
    return frames


def audit(paper: Paper):
    baseline = None
    if paper.baseline:
        cohorts = list(paper.cohorts)
        baseline = pd.DataFrame(paper.baseline, columns=["variable", "level", "all", *cohorts, "p"]).fillna("")
    return audit_table(frames_of(paper), baseline=baseline, claims=paper.claims, **paper.options)


# --- one error -------------------------------------------------------------------------------------------------------


def other_digit(rng: np.random.Generator, text: str, *, last: bool = False, first: bool = False) -> str:
    """Change one decimal digit of the first number in a text (or its last or first decimal)."""
    match = re.search(r"\d+\.(\d+)|\d+", text)
    places = (
        [i for i in range(match.start(1), match.end(1))]
        if match.group(1)
        else [i for i in range(match.start(), match.end())]
    )
    at = places[-1] if last else places[0] if first else int(rng.choice(places))
    digit = str((int(text[at]) + int(rng.integers(1, 10))) % 10)
    return text[:at] + digit + text[at + 1 :]


def plant(rng: np.random.Generator, paper: Paper, kind: str) -> bool:
    """Put one error of a kind into the paper; False where the paper has no place for it."""
    rows, metrics = paper.performance, paper.metrics
    row = rows[int(rng.integers(len(rows)))]
    metric = str(rng.choice(metrics))
    if kind in ("rate: any digit", "rate: last digit"):
        if not row[metric]:
            return False
        new = other_digit(rng, row[metric], last=kind.endswith("last digit"))
        changed, row[metric] = new != row[metric], new
        return changed
    if kind == "rate of the next row":
        index = rows.index(row)
        if (
            index + 1 == len(rows)
            or rows[index + 1]["table"] != row["table"]
            or rows[index + 1][metric] in ("", row[metric])
            or not row[metric]
        ):
            return False
        row[metric] = rows[index + 1][metric]
        return True
    if kind == "row under another cohort's label":
        others = [c for c in paper.cohorts if c != row["cohort"]]
        if not others or paper.style["layout"] == "wide":
            return False
        row["cohort"] = str(rng.choice(others))
        return True
    if kind == "rates of another cohort's row":
        source = [
            r
            for r in rows
            if r["model"] == row["model"] and r["cohort"] != row["cohort"] and r["table"] == row["table"]
        ]
        if not source or len(metrics) < 3:
            return False
        keep = str(rng.choice(metrics))
        changed = [m for m in metrics if m != keep and source[0][m] != row[m]]
        for m in changed:
            row[m] = source[0][m]
        return len(changed) > 1
    if kind == "sensitivity and specificity exchanged":
        if row["sensitivity"] == row["specificity"]:
            return False
        row["sensitivity"], row["specificity"] = row["specificity"], row["sensitivity"]
        return True
    if kind == "interval limit: first or second decimal":
        side = str(rng.choice(["low", "high"]))
        if row[side].startswith("1") or float(row["high"]) >= 1:
            return False
        at = int(rng.integers(2, 4))
        row[side] = row[side][:at] + str((int(row[side][at]) + int(rng.integers(1, 10))) % 10) + row[side][at + 1 :]
        return True
    if kind == "AUC: first or second decimal":
        if float(row["high"]) >= 1 or row["auc"].startswith("1"):
            return False
        at = int(rng.integers(2, 4))
        row["auc"] = row["auc"][:at] + str((int(row["auc"][at]) + int(rng.integers(1, 10))) % 10) + row["auc"][at + 1 :]
        return True
    if kind == "second print of a model differs":
        again = [r for r in rows if r["model"] in FUSED]
        if not again:
            return False
        row = again[int(rng.integers(len(again)))]
        name = str(rng.choice(["low", "high", *metrics]))
        if not row[name]:
            return False
        new = other_digit(rng, row[name], last=True)
        changed, row[name] = new != row[name], new
        return changed
    if kind.startswith("claim"):
        if kind == "claim: a digit":
            figures = list(re.finditer(r"0\.\d+", paper.claims[0]))
            pick = figures[int(rng.integers(len(figures)))]
            paper.claims[0] = (
                paper.claims[0][: pick.start()] + other_digit(rng, pick.group()) + paper.claims[0][pick.end() :]
            )
            return True
        first = next(r for r in rows if r["table"] == "Table 1" and r["cohort"] in paper.claims[1])
        paper.claims[1] = re.sub(r"from .* to .*\.$", f"from {first['low']} to {first['high']}.", paper.claims[1])
        return True
    return plant_in_baseline(rng, paper, kind)


def plant_in_baseline(rng: np.random.Generator, paper: Paper, kind: str) -> bool:
    lines = paper.baseline
    columns = ["all", *paper.cohorts]
    if not lines:
        return False
    column = str(rng.choice(columns))
    counted = [line for line in lines if "(" in line.get(column, "") and "median" not in line["variable"]]
    means = [line for line in lines if "±" in line.get(column, "")]
    if kind in ("baseline: count", "baseline: percentage"):
        if not counted:
            return False
        line = counted[int(rng.integers(len(counted)))]
        count, percent = re.fullmatch(r"(\d+) \((.*)\)", line[column]).groups()
        new = (other_digit(rng, count), percent) if kind.endswith("count") else (count, other_digit(rng, percent))
        line[column] = f"{int(new[0])} ({new[1]})"
        return True
    if kind in ("baseline: mean", "baseline: SD"):
        if not means:
            return False
        line = means[int(rng.integers(len(means)))]
        mean, sd = line[column].split(" ± ")
        line[column] = (
            f"{other_digit(rng, mean)} ± {sd}" if kind.endswith("mean") else f"{mean} ± {other_digit(rng, sd)}"
        )
        return True
    if kind == "baseline: columns exchanged":
        one, two = list(paper.cohorts)[:2]
        if sum(paper.cohorts[one]) == sum(paper.cohorts[two]):
            return False
        for line in lines:
            if one in line:
                line[one], line[two] = line[two], line[one]
        return True
    if kind == "baseline: p value":
        tested = [line for line in lines if line["p"].startswith("0") and "median" not in line["variable"]]
        if not tested:
            return False
        line = tested[int(rng.integers(len(tested)))]
        line["p"] = other_digit(rng, line["p"])
        return True
    raise ValueError(kind)


KINDS = [
    "rate: any digit", "rate: last digit", "rate of the next row", "row under another cohort's label", "rates of another cohort's row",
    "sensitivity and specificity exchanged", "interval limit: first or second decimal", "AUC: first or second decimal",
    "second print of a model differs", "claim: a digit", "claim: limits of an interval as a range", "baseline: count",
    "baseline: percentage", "baseline: mean", "baseline: SD", "baseline: columns exchanged", "baseline: p value",
]  # fmt: skip


def run_one(task: tuple[np.random.SeedSequence, str]) -> dict[str, object]:
    """Draw one paper, plant an error if asked, audit it."""
    seed, kind = task
    rng = np.random.default_rng(seed)
    paper = draw_paper(rng)
    while kind and not plant(rng, paper, kind):
        paper = draw_paper(rng)
    start = time.perf_counter()
    result = audit(paper)
    seconds = time.perf_counter() - start
    return {
        "kind": kind, "seconds": seconds, "rows": len(paper.performance), "stated n": "n" in paper.options,
        "places": paper.style["places"], "method": paper.style["intervals"], "metrics": len(paper.metrics), "checked": result.checked,
        "findings": [(f.severity, f.check, f.where, f.printed, f.arithmetic) for f in result.findings],
        "cohorts": [(c.cohort, c.events, paper.cohorts.get(c.cohort.split(" ")[0].rstrip(","), (0, 0))[0]) for c in result.cohorts],
    }  # fmt: skip


def wilson(hits: int, n: int) -> list[float]:
    interval = stats.binomtest(hits, n).proportion_ci(method="wilson")
    return [round(interval.low, 4), round(interval.high, 4)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    clean_seeds, planted_seeds = (s.spawn(args.papers) for s in np.random.SeedSequence(args.seed).spawn(2))
    tasks = [(s, "") for s in clean_seeds] + [(s, KINDS[i % len(KINDS)]) for i, s in enumerate(planted_seeds)]
    results = []
    with multiprocessing.Pool(args.workers) as pool:
        for result in pool.imap(run_one, tasks, chunksize=10):
            results.append(result)
            hard_findings = [f for f in result["findings"] if f[0] in ("impossible", "inconsistent")]
            if not result["kind"] and hard_findings:
                print(
                    len(results) - 1,
                    "flagged though consistent:",
                    result["stated n"],
                    result["places"],
                    hard_findings,
                    flush=True,
                )
            if len(results) % 250 == 0:
                print(len(results), "papers", flush=True)
    clean, planted = results[: args.papers], results[args.papers :]
    hard = ("impossible", "inconsistent")
    flagged = [r for r in clean if any(f[0] in hard for f in r["findings"])]
    looked, notes, alarms = defaultdict(int), defaultdict(int), defaultdict(int)
    for r in clean:
        for name, count in r["checked"].items():
            looked[name] += count
        for severity, check, *_ in r["findings"]:
            (alarms if severity in hard else notes)[check] += 1
    recovered = [c for r in clean if not r["stated n"] for c in r["cohorts"]]
    summary = {
        "what": "simulated papers; no real data", "papers": args.papers, "seed": args.seed,
        "consistent papers": {
            "flagged impossible or inconsistent": len(flagged), "share with 95% Wilson interval": [len(flagged) / args.papers, *wilson(len(flagged), args.papers)],
            "flags by check": dict(alarms), "notes by check": dict(notes), "things looked at": dict(looked),
            "cohorts without stated n": len(recovered), "of these, events recovered as simulated": sum(e == t for _, e, t in recovered),
        },
        "one planted error": {}, "by stated n": {}, "seconds per paper": {},
    }  # fmt: skip
    for kind in KINDS:
        group = [r for r in planted if r["kind"] == kind]
        if not group:
            continue
        hits = sum(any(f[0] in hard for f in r["findings"]) for r in group)
        noted = sum(bool(r["findings"]) for r in group)
        summary["one planted error"][kind] = {
            "papers": len(group),
            "found": hits,
            "share": round(hits / len(group), 3),
            "interval": wilson(hits, len(group)),
            "found or noted": noted,
        }
    for stated in (True, False):
        group = [r for r in planted if r["stated n"] == stated]
        hits = sum(any(f[0] in hard for f in r["findings"]) for r in group)
        summary["by stated n"]["stated" if stated else "not stated"] = {
            "papers": len(group),
            "found": hits,
            "share": round(hits / max(len(group), 1), 3),
        }
    seconds = np.array([r["seconds"] for r in results])
    timing = {
        "median": round(float(np.median(seconds)), 3),
        "largest": round(float(seconds.max()), 3),
        "largest table, rows": max(r["rows"] for r in results),
    }
    del summary["seconds per paper"]
    text = json.dumps(summary, indent=1, ensure_ascii=False)
    print(text)
    print("seconds per paper:", timing)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
