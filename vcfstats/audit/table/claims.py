"""What the text says of the tables: figures, ranges, significance, and sentences that contradict one another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vcfstats.audit.table.baseline import Audited
from vcfstats.audit.table.cells import Printed, clean, is_missing, printed
from vcfstats.audit.table.columns import METRICS, cohort_in, cohort_name, column_role, plain
from vcfstats.audit.table.crosscheck import fields_of
from vcfstats.audit.table.findings import INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.performance import Performance
from vcfstats.audit.table.reading import Row, table_name
from vcfstats.audit.table.rows import SHOWN, same_figure
from vcfstats.audit.table.sentences import check_sentences

_F = r"(?:\d+(?:\.\d+)?|\.\d+)"
_TRIPLE = re.compile(
    rf"({_F})\s*%?\s*\(\s*(?:9\d\s*%\s*)?(?:CI\s*[:,=]?\s*)?({_F})\s*%?\s*(?:-|~|,|to|;)\s*({_F})\s*%?\s*\)",
    re.IGNORECASE,
)
_SPAN = re.compile(
    rf"(?:between|from|ranging from|ranged from|range[ds]?:?)\s*({_F})\s*%?\s*(?:and|to|-|~)\s*({_F})", re.IGNORECASE
)
_METRIC = r"(AUROC|AUC|accuracy|sensitivity|specificity|PPV|NPV|positive predictive value|negative predictive value|precision|recall|F1(?:[ -]score)?)"
_SINGLE = re.compile(
    rf"\b{_METRIC}s?\b\s*(?:\([A-Z]+\))?\s*(?:of|was|is|were|=|:|reached|at)?\s*({_F})\s*(%?)(?!\s*(?:\(|-|~|to\b)?\s*\d)",
    re.IGNORECASE,
)
_COHORT = re.compile(
    r"\b(training|train|development|derivation|internal validation|internal test(?:ing)?|external (?:validation|test(?:ing)?)|testing|test|validation|external)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Claim:
    """One sentence: where it stands, what it is about, its words.

    A sentence of a manuscript's prose speaks of much that its tables do not print; a claim picked by hand should not.
    """

    place: str
    topic: str
    text: str
    is_prose: bool = False


@dataclass(frozen=True)
class Figure:
    """Figures in a claim: an AUC with its limits, a single rate, or the ends of a range."""

    kind: str
    metric: str
    values: tuple[Printed, ...]
    cohort: str
    position: int


def read_claims(frames: Sequence[pd.DataFrame]) -> list[Claim]:
    """Return the claims: the longest text column holds them, the others say where and of what."""
    claims = []
    for frame in frames:
        lengths = [
            max((len(str(v)) for v in frame.iloc[:, p] if not is_missing(v)), default=0) for p in range(frame.shape[1])
        ]
        named = next(
            (p for p, h in enumerate(frame.columns) if re.search(r"\b(claims?|statements?|sentences?)\b", plain(h))),
            None,
        )
        body = named if named is not None else max(range(len(lengths)), key=lambda p: lengths[p])
        topic = next(
            (p for p, h in enumerate(frame.columns) if p != body and re.fullmatch(r"topic|subject|about", plain(h))),
            None,
        )
        for index in range(len(frame)):
            text = frame.iloc[index, body]
            if is_missing(text):
                continue
            others = [
                str(frame.iloc[index, p])
                for p in range(frame.shape[1])
                if p not in (body, topic) and not is_missing(frame.iloc[index, p])
            ]
            subject = (
                str(frame.iloc[index, topic]) if topic is not None and not is_missing(frame.iloc[index, topic]) else ""
            )
            claims.append(
                Claim(", ".join(("text", *others)), subject, clean(str(text)), bool(frame.attrs.get("prose")))
            )
    return claims


def audit_claims(
    frames: Sequence[pd.DataFrame], performance: Performance, baseline: Audited
) -> tuple[list[Finding], dict[str, int]]:
    """Compare each claim with the tables, and the claims with one another."""
    claims = read_claims(frames)
    findings: list[Finding] = []
    looked = 0
    for claim in claims:
        for figure in figures_in(claim):
            if performance.rows:
                looked += 1
                findings += (
                    _check_span(claim, figure, performance)
                    if figure.kind == "span"
                    else _check_figure(claim, figure, performance)
                )
    more, compared = check_sentences(claims, performance, baseline)
    return findings + more, {"figures in claims": looked, "claims compared": compared}


def figures_in(claim: Claim) -> list[Figure]:
    """Find the figures of a claim and the cohort each speaks of."""
    text = claim.text
    found: list[Figure] = []
    taken: list[tuple[int, int]] = []
    speaks_of_auc = re.search(r"\bAUR?O?C\b|area under", f"{text} {claim.topic}", re.IGNORECASE) is not None
    for match in _TRIPLE.finditer(text):
        percent = "%" in match.group().split("(")[0]
        before = text[max(0, match.start() - 40) : match.start()]
        names = [m.group(1) for m in re.finditer(_METRIC, before, re.IGNORECASE)]
        metric = column_role(names[-1])[0] if names else "auc"
        if re.search(r"\b(OR|HR|odds ratio|hazard ratio)\b[^.;]{0,25}$", before, re.IGNORECASE):
            continue
        values = tuple(printed(match.group(i), percent=percent) for i in (1, 2, 3))
        found.append(Figure("interval", metric, values, "", match.start()))
        taken.append(match.span())
    for match in _SPAN.finditer(text):
        if (
            speaks_of_auc
            or re.search(_METRIC, text[: match.start()], re.IGNORECASE)
            or (found and found[-1].kind == "span")
        ):
            names = [m.group(1) for m in re.finditer(_METRIC, text[: match.start()], re.IGNORECASE)]
            metric = column_role(names[-1])[0] if names else "auc"
            values = (printed(match.group(1)), printed(match.group(2)))
            if all(v.value <= 1 for v in values):
                found.append(Figure("span", metric, values, "", match.start()))
                taken.append(match.span())
    # "... between 0.763 and 0.880, testing between ..." was matched; "testing 0.697 and 0.892" is no claim of a form known.
    for match in _SINGLE.finditer(text):
        if any(start <= match.start(2) < end for start, end in taken):
            continue
        value = printed(match.group(2), percent=bool(match.group(3)) or float(match.group(2)) > 1)
        found.append(Figure("single", column_role(match.group(1))[0], (value,), "", match.start()))
    return _with_cohorts(text, sorted(found, key=lambda f: f.position))


def _with_cohorts(text: str, found: list[Figure]) -> list[Figure]:
    """Give each figure its cohort: the nearest name before it or, where the names follow the figures, after it."""
    names = [(match.start(), cohort_name(match.group(1))) for match in _COHORT.finditer(text)]
    if not names or not found:
        return found
    follows = found[0].position < names[0][0]
    result = []
    for index, figure in enumerate(found):
        if follows:
            end = found[index + 1].position if index + 1 < len(found) else len(text)
            cohort = next((c for at, c in names if figure.position < at <= end), "")
        else:
            cohort = next((c for at, c in reversed(names) if at < figure.position), "")
        result.append(Figure(figure.kind, figure.metric, figure.values, cohort, figure.position))
    return result


def named_rows(claim: Claim, rows: Sequence[Row], aliases: dict[str, set[str]]) -> dict[str, list[Row]]:
    """Return the rows of each model, or of each table under its other name, that the claim names."""
    words = f" {plain(claim.text)} "
    found: dict[str, list[Row]] = {}
    for row in rows:
        for name in dict.fromkeys((row.model, *(part for part in row.model.split(", ")))):
            key = plain(name)
            if key and len(key) > 1 and not cohort_in(name)[0] and f" {key} " in words:
                found.setdefault(name, []).append(row)
    for table, others in aliases.items():
        for name in others:
            if f" {plain(name)} " in words:
                found.setdefault(f"{table} ({name})", []).extend(row for row in rows if row.table == table)
    return found


def _check_figure(claim: Claim, figure: Figure, performance: Performance) -> list[Finding]:
    """Compare an AUC with its limits, or one rate, with the rows of the models and the cohort that the claim names."""
    rows = [row for row in performance.rows if not figure.cohort or row.cohort == figure.cohort or not row.cohort]
    rows = rows if rows else list(performance.rows)
    shown = _shown(figure)
    where = f"{claim.place}: {shown}{' (' + figure.cohort + ')' if figure.cohort else ''}"
    named = named_rows(claim, rows, performance.aliases)
    exact = [row for row in rows if _agrees(row, figure)]
    # A name that stands in one table and cohort once is that model; one that stands in several tables is any of them.
    sole = {name: group[0] for name, group in named.items() if len(group) == 1 and not name.startswith("Table ")}
    if not figure.cohort and not sole:
        sole = {}
    findings = []
    for row in sole.values():
        if _agrees(row, figure) or not _comparable(row, figure):
            continue
        if not _near(row, figure) and exact:
            continue  # the figures are those of another model that the claim speaks of
        agreeing = (
            f"; {', '.join(r.where for r in exact[:2])} agree{'s' if len(exact) == 1 else ''} with the text"
            if exact
            else ""
        )
        findings.append(
            Finding(
                INCONSISTENT,
                "claim",
                where,
                shown,
                f"{row.where} prints {_row_text(row, figure)}{agreeing}",
                f"one of text and {row.where}",
            )
        )
    if findings or exact:
        return findings
    near = [row for row in rows if _near(row, figure)] if figure.kind == "interval" else []
    candidates = [row for group in named.values() for row in group]
    of_named = [row for row in near if row in candidates]
    near = of_named or near
    if near:
        # Two decimals agree by chance, with figures of other studies too.
        severity = INCONSISTENT if of_named or min(value.decimals for value in figure.values) > 2 else NOTE
        text = f"no row prints these; {near[0].where} prints {_row_text(near[0], figure)}"
        return [Finding(severity, "claim", where, shown, text, f"one of text and {near[0].where}")]
    if claim.is_prose or not any(_comparable(row, figure) for row in rows):
        return []
    return [Finding(NOTE, "claim", where, shown, "no row of the tables prints this")]


def _check_span(claim: Claim, figure: Figure, performance: Performance) -> list[Finding]:
    """Compare "AUCs between a and b" with the smallest and the largest of each table, and with the limits of intervals."""
    low, high = figure.values
    shown = f"{low.text} to {high.text}"
    where = f"{claim.place}: {SHOWN[figure.metric]} {shown}{' (' + figure.cohort + ')' if figure.cohort else ''}"
    groups: dict[str, list[Row]] = {}
    for row in performance.rows:
        if figure.metric in row.cells and (not figure.cohort or row.cohort == figure.cohort):
            groups.setdefault(row.table, []).append(row)
    named = {name for name in named_rows(claim, performance.rows, performance.aliases) if name.startswith("Table ")}
    cited = {table_name(match) for match in re.findall(r"\bTable\s+\w+", claim.text)}
    tables = [table for table in groups if any(name.startswith(f"{table} (") for name in named) or table in cited]
    subject = " ".join(re.findall(r"[A-Za-z]+", claim.text[: figure.position]))
    if not tables and len(groups) == 1:
        tables = list(groups)
    for table in tables or groups:
        cells = sorted((row.cells[figure.metric] for row in groups[table]), key=float)
        if same_figure(cells[0], low) and same_figure(cells[-1], high):
            return []
    limits = [
        row for row in performance.rows
        if figure.metric in row.intervals and (not figure.cohort or row.cohort == figure.cohort)
        and same_figure(row.intervals[figure.metric][0], low) and same_figure(row.intervals[figure.metric][1], high)
    ]  # fmt: skip
    actual = "; ".join(
        f"{table or 'the table'}: {min(r.cells[figure.metric].text for r in groups[table])} to {max(r.cells[figure.metric].text for r in groups[table])}"
        for table in (tables or (list(dict.fromkeys(row.table for row in limits if row.table in groups))))
    )
    if limits:
        text = f"{shown} are the confidence limits of {limits[0].where}, not the range of the {SHOWN[figure.metric]}s{'; ' + actual if actual else ''}"
        return [Finding(INCONSISTENT, "claim", where, shown, text, "the range of the estimates, or the word interval")]
    if tables:
        return [
            Finding(
                INCONSISTENT,
                "claim",
                where,
                shown,
                f"the {SHOWN[figure.metric]}s printed: {actual}",
                "the range as the table prints it",
            )
        ]
    if claim.is_prose:
        return []
    return [Finding(NOTE, "claim", where, shown, f"no table has this range{' of ' + subject if subject else ''}")]


def _shown(figure: Figure) -> str:
    if figure.kind == "interval":
        return f"{SHOWN[figure.metric]} {figure.values[0].text} ({figure.values[1].text}-{figure.values[2].text})"
    return f"{SHOWN[figure.metric]} {figure.values[0].text}"


def _pairs(row: Row, figure: Figure) -> list[tuple[Printed, Printed]]:
    """Pair the figures of the claim with those of the row."""
    if figure.metric == "auc":
        cells: dict[str, Any] = fields_of(row)
        order = ("auc", "low", "high")
    else:
        limits = row.intervals.get(figure.metric)
        cells = {
            "auc": row.cells.get(figure.metric),
            "low": limits[0] if limits else None,
            "high": limits[1] if limits else None,
        }
        order = ("auc", "low", "high")
    return [
        (cells[name], value) for name, value in zip(order, figure.values, strict=False) if cells.get(name) is not None
    ]


def _agrees(row: Row, figure: Figure) -> bool:
    pairs = _pairs(row, figure)
    return bool(pairs) and all(same_figure(a, b) for a, b in pairs)


def _comparable(row: Row, figure: Figure) -> bool:
    return figure.metric in METRICS and figure.metric in row.cells


def _near(row: Row, figure: Figure) -> bool:
    """Say whether two of three figures agree: the same model, printed with a slip."""
    pairs = _pairs(row, figure)
    return len(pairs) == 3 and sum(same_figure(a, b) for a, b in pairs) == 2


def _row_text(row: Row, figure: Figure) -> str:
    pairs = _pairs(row, figure)
    return f"{pairs[0][0].text} ({pairs[1][0].text}-{pairs[2][0].text})" if len(pairs) == 3 else pairs[0][0].text
