"""Sentences against the tables' p values and numbers, and against one another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from vcfstats.audit.table.baseline import Audited
from vcfstats.audit.table.columns import plain
from vcfstats.audit.table.findings import INCONSISTENT, NOTE, Finding
from vcfstats.audit.table.performance import Performance
from vcfstats.audit.table.reading import table_name

if TYPE_CHECKING:
    from vcfstats.audit.table.claims import Claim

_BASELINE = re.compile(
    r"\b(baseline|characteristics|demographic|clinical features|the two (cohorts|groups|sets)|between the (training|groups|cohorts))",
    re.IGNORECASE,
)
_NO_DIFFERENCE = re.compile(
    r"\b(no|not|none|without|nor)\b.{0,60}\b(significant|significance|differ\w*)|\b(none|all|no)\b.{0,40}\bp ?(?:>|≥) ?0?\.05|\bcomparable\b|\bp ?> ?0?\.05",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(most|majority|many|except|apart from|other than|aside from|mostly|but for|some)\b", re.IGNORECASE
)
_FOLD = re.compile(r"\b(\d+|five|ten|three)[- ]?fold\b", re.IGNORECASE)
_WORDS = {"three": "3", "five": "5", "ten": "10"}
_SUBJECTS = r"lasso|ridge|elastic net|grid search|hyper-?parameter|lambda|random forest|network|classifier"
_OR = re.compile(
    r"((?:[A-Za-z][\w/-]*\s+){1,4}?)(?:OR|odds ratio)s?\s*(?:of|was|=|:)?\s*(\d+(?:\.\d+)?)", re.IGNORECASE
)
_SMALL_WORDS = {
    "and",
    "or",
    "the",
    "of",
    "with",
    "a",
    "an",
    "in",
    "like",
    "multivariable",
    "univariable",
    "independent",
    "predictors",
    "sign",
}


def check_sentences(claims: Sequence[Claim], performance: Performance, baseline: Audited) -> tuple[list[Finding], int]:
    """Run the checks that need no figure of the performance tables."""
    findings: list[Finding] = []
    for claim in claims:
        findings += _significance(claim, baseline)
        findings += _cited_table(claim, performance, baseline)
    looked = len(claims)
    for one, other in combinations(claims, 2):
        findings += _folds(one, other)
    findings += _directions(claims)
    return findings, looked


def _significance(claim: Claim, baseline: Audited) -> list[Finding]:
    """Flag "no significant difference" beside a printed p below 0.05; a hedge such as "most" is taken at its word."""
    if not (_BASELINE.search(f"{claim.text} {claim.topic}")):
        return []
    clauses = [c for c in re.split(r"[;.](?!\d)", claim.text) if _NO_DIFFERENCE.search(c)]
    firm = [c for c in clauses if not _HEDGE.search(c)]
    if not firm:
        return []
    found = []
    for table in baseline.tables:
        low = [f"{v.name} {p.text}" for v in table.variables for p in v.p.values() if p.high < 0.05]
        if low:
            found.append(
                Finding(
                    INCONSISTENT,
                    "claim",
                    f"{claim.place}: significance",
                    firm[0].strip(),
                    f"the {table.title} prints p below 0.05: {', '.join(low)}",
                    "the sentence, or the p value",
                )
            )
    return found


def _cited_table(claim: Claim, performance: Performance, baseline: Audited) -> list[Finding]:
    """Flag a sentence on the baseline table that cites a performance table by number."""
    if not re.search(
        r"\bbaseline\b|\bdemographic|patient characteristics", f"{claim.text} {claim.topic}", re.IGNORECASE
    ):
        return []
    numbers = {row.table for row in performance.rows}
    own = {table.title for table in baseline.tables}
    wrong = [
        t
        for match in re.findall(r"\bTable\s+S?\d+", claim.text)
        if (t := table_name(match)) in numbers and t not in own
    ]
    return [
        Finding(
            INCONSISTENT,
            "claim",
            f"{claim.place}: table cited",
            table,
            f"the sentence speaks of the baseline table; {table} holds performance figures",
            "the number of the table",
        )
        for table in dict.fromkeys(wrong)
    ]


def _folds(one: Claim, other: Claim) -> list[Finding]:
    """Flag two numbers of folds for one procedure."""
    a, b = ({_WORDS.get(v.lower(), v) for v in _FOLD.findall(c.text)} for c in (one, other))
    shared = set(re.findall(_SUBJECTS, one.text.lower())) & set(re.findall(_SUBJECTS, other.text.lower()))
    if not a or not b or a & b or not shared:
        return []
    text = f"{one.place} says {', '.join(sorted(a))}-fold, {other.place} {', '.join(sorted(b))}-fold, both of {', '.join(sorted(shared))}"
    return [
        Finding(
            INCONSISTENT,
            "claim",
            f"{one.place} and {other.place}: folds",
            f"{'/'.join(sorted(a))}-fold and {'/'.join(sorted(b))}-fold",
            text,
            "one of the two numbers",
        )
    ]


def _directions(claims: Sequence[Claim]) -> list[Finding]:
    """Compare the direction of odds ratios with a list of predictors that names the absence of one."""
    ratios: dict[str, tuple[float, str]] = {}
    for claim in claims:
        for name, value in _OR.findall(claim.text):
            words = " ".join(w for w in plain(name).split() if w not in _SMALL_WORDS)
            if words:
                ratios[words] = (float(value), claim.place)
    findings = []
    for claim in claims:
        if not re.search(r"\b(absence|lack) of\b", claim.text, re.IGNORECASE) or _OR.search(claim.text):
            continue
        signs: dict[str, bool] = {}
        for item in re.split(r"[,;:]|\band\b", claim.text):
            said = set(plain(item).split())
            for name, (value, _) in ratios.items():
                parts = set(name.split())
                if len(parts & said) * 2 > len(parts):
                    signs[name] = (value > 1) != bool(re.search(r"\b(absence|lack) of\b", item, re.IGNORECASE))
        if len(signs) < 2:
            continue
        shown = ", ".join(f"{name} OR {ratios[name][0]:g}" for name in signs)
        place = next(iter(ratios.values()))[1]
        if len(set(signs.values())) > 1:
            text = f"{shown} ({place}): taken as listed they point in opposite directions"
            findings.append(
                Finding(
                    INCONSISTENT, "claim", f"{claim.place}: direction", claim.text, text, "the list, or an odds ratio"
                )
            )
        elif not any(signs.values()):
            text = f"{shown} ({place}): as listed all of them speak for the non-event of these odds ratios"
            findings.append(
                Finding(
                    NOTE, "claim", f"{claim.place}: direction", claim.text, text, "say which outcome the list predicts"
                )
            )
    return findings
