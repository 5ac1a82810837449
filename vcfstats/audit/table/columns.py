"""What a column, a row or a cohort is called: the names that papers use, brought to one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vcfstats.audit.table.cells import clean

# The order matters: the longer name is tried before the shorter one that it holds.
_METRICS: tuple[tuple[str, str], ...] = (
    ("balanced_accuracy", r"balanced acc(uracy)?|bacc|b acc"),
    ("accuracy", r"acc|accuracy|correct classification( rate)?|diagnostic accuracy"),
    ("sensitivity", r"sens|sen|se|sensitivity|recall|tpr|true positive rate|hit rate"),
    ("specificity", r"spec|spe|sp|specificity|tnr|true negative rate|selectivity"),
    ("ppv", r"ppv|precision|positive predictive( value)?|pos pred value"),
    ("npv", r"npv|negative predictive( value)?|neg pred value"),
    ("f1", r"f1|f1 score|f score|f measure|f1 measure"),
    ("youden", r"youden|youden s? ?index|j index|youden s? ?j|informedness"),
    ("lr_positive", r"lr ?\+|plr|positive likelihood( ratio)?|likelihood ratio positive|lr pos(itive)?"),
    ("lr_negative", r"lr ?-|nlr|negative likelihood( ratio)?|likelihood ratio negative|lr neg(ative)?"),
    ("auc", r"auc|auroc|au roc|roc auc|auc roc|aucroc|rocauc|c statistics?|c index|concordance index|area under( the)?( roc| receiver operating characteristic)?( curve)?"),
)  # fmt: skip
METRICS = tuple(name for name, _ in _METRICS)
RATES = tuple(name for name in METRICS if name != "auc")
_COUNTS = {
    "tp": r"tp|true positives?",
    "fp": r"fp|false positives?",
    "fn": r"fn|false negatives?",
    "tn": r"tn|true negatives?",
    "events": r"events?|n events?|no of events|positives?|n pos(itives?)?|number of events|diseased",
    "nonevents": r"non ?events?|n non ?events?|negatives?|n neg(atives?)?|number of non ?events|non diseased",
    "n": r"n|no|number|total|n total|sample size|n patients|patients|number of patients|cases|no of patients|size|subjects",
}
_LABELS = {
    "table": r"table|tab|table no|table number",
    "cohort": r"cohort|cohorts|set|sets|dataset|data ?set|group|groups|partition|split|phase|population|cohort as printed|data",
    "model": r"models?|classifiers?|algorithms?|methods?|signatures?|name|model name|nomogram|reader|marker|test",
    "row": r"row label|label|row|row name",
}
_LOW = r"\b(low|lower|ll|lcl|inf|lci|lo|lower limit|lower bound|2 5)\b"
_HIGH = r"\b(high|upper|ul|ucl|sup|uci|hi|up|upper limit|upper bound|97 5)\b"
_COHORTS = (
    ("training", r"train|training|trained|development|derivation|primary|tra|develop"),
    ("external", r"external( (testing|test|validation))?|ext|external val"),
    ("internal validation", r"internal validation"),
    ("testing", r"test|testing|internal test(ing)?|hold ?out|tes"),
    ("validation", r"validation|valid|val|validate"),
    ("all", r"all|overall|total|whole|entire|combined|all patients|whole cohort"),
)
_COHORT_NOISE = r"\b(cohorts?|sets?|groups?|datasets?|data|samples?|patients?|population|as printed|the|phase)\b"
_COHORT_AT = "|".join(words for name, words in _COHORTS if name != "all")


def plain(text: object) -> str:
    """Return a name in lower case, its punctuation turned into single blanks; + and a trailing - are kept."""
    text = clean(str(text)).lower().replace("'", " ")
    text = re.sub(r"(?<=lr) ?\(([+-])\)", r"\1", text)
    text = re.sub(r"[^a-z0-9+%±\-]+", " ", text.replace("_", " "))
    return re.sub(r"\s+", " ", re.sub(r"-(?=\w)", " ", text)).strip()


def column_role(header: object) -> tuple[str, str]:
    """Return (role, cohort) of a column of a performance table.

    A role is a metric, ``ci``, ``ci_low``, ``ci_high``, ``se``, a metric with ``:ci``, a count or a label column; empty
    where the name says nothing. A cohort is given where the name holds one ("AUC (training)").
    """
    cohort, name = _take_cohort(re.sub(r"\b(9\d) ?cis?\b", r"\1 ci", plain(header)))
    bare = _bare(name)
    is_ci = bool(re.search(r"\b(ci|cis|limits?|bounds?|lcl|ucl|lci|uci)\b", bare))
    low, high = re.search(_LOW, bare), re.search(_HIGH, bare)
    if low or high:
        stem = re.sub(rf"{_LOW}|{_HIGH}|\b(ci|limit|bound|of)\b", "", bare).strip()
        metric = _match(stem, _METRICS) if stem else "auc"
        if metric or is_ci:
            side = "ci_low" if low else "ci_high"
            return (side if metric in ("", "auc") else f"{metric}:{side}"), cohort
    if bare in {"se", "standard error", "std error", "s e"} and "standard" in bare:
        return "se", cohort
    if bare in {"auc se", "se auc", "se of auc", "standard error auc", "auc standard error", "std err"}:
        return "se", cohort
    stem = re.sub(r"\s+", " ", re.sub(r"\b(ci|cis)\b", "", bare)).strip()
    if is_ci and not stem:
        return "ci", cohort
    if metric := _match(stem, _METRICS):
        return metric, cohort
    counts = _match(re.sub(r"^(no|number) of ", "", stem) or stem, tuple(_COUNTS.items())) or _match(
        stem, tuple(_COUNTS.items())
    )
    if counts:
        return counts, cohort
    label = _match(name, tuple(_LABELS.items())) or _match(plain(header), tuple(_LABELS.items()))
    return label, "" if label else cohort


def _match(name: str, table: Sequence[tuple[str, str]]) -> str:
    return next((role for role, pattern in table if re.fullmatch(pattern, name)), "")


def _bare(name: str) -> str:
    """Drop what says how a metric is given: its unit, the level of its interval, "value"."""
    bare = re.sub(
        r"\b9\d( \d)? ?%|\b9\d(?= ci)|%|\b(mean|value|score|unit|percent|percentage)\b",
        "",
        name.replace("confidence interval", "ci"),
    )
    bare = re.sub(r"\s+", " ", bare)
    return bare.strip() if "lr" in bare else bare.strip(" -")


def _take_cohort(name: str) -> tuple[str, str]:
    """Split a cohort's name off a column's: "auc training set" gives ("training", "auc")."""
    for canonical, words in _COHORTS[:-1]:
        pattern = rf"\b(?:{words})(?: (?:cohort|set|group|dataset|data))?\b"
        if (found := re.search(pattern, name)) and found.group() != name:
            rest = re.sub(r"\s+", " ", (name[: found.start()] + " " + name[found.end() :])).strip(" -")
            stem = re.sub(r"\bcis?\b", "", _bare(rest)).strip()
            if _match(stem, _METRICS) or _match(stem, tuple(_COUNTS.items())) or re.search(r"\bcis?\b", _bare(rest)):
                return canonical, rest
    return "", name


def metric_count(names: Iterable[object]) -> int:
    """Count the names that are metrics or the AUC's interval."""
    roles = [column_role(name)[0] for name in names]
    return sum(role in METRICS or role in {"ci", "ci_low", "ci_high"} for role in roles)


def cohort_name(text: object) -> str:
    """Bring a cohort's printed name to one form: "Training cohort (n = 164)" and "train" are both ``training``."""
    name = re.sub(r"\(?\bn ?= ?\d[\d,]*\)?", "", clean(str(text)).lower())
    name = re.sub(r"\s+", " ", re.sub(_COHORT_NOISE, "", plain(name))).strip(" -")
    return next((canonical for canonical, words in _COHORTS if re.fullmatch(words, name)), name)


def cohort_in(text: object) -> tuple[str, str]:
    """Split a cohort's name off either end of a row's label: "LR-training" gives ("training", "LR")."""
    label = clean(str(text)).strip()
    noise = r"(?:[\s_-]*(?:cohort|set|group|dataset))?"
    end = re.fullmatch(rf"(.*?)[\s_\-(,:/]+({_COHORT_AT}){noise}\s*\)?", label, flags=re.IGNORECASE)
    if end:
        return cohort_name(end.group(2)), end.group(1).strip(" -_(,:/")
    start = re.fullmatch(rf"({_COHORT_AT}){noise}[\s_\-,:/]+(.+)", label, flags=re.IGNORECASE)
    if start:
        return cohort_name(start.group(1)), next(g for g in reversed(start.groups()) if g).strip(" -_(,:/")
    return ("", label)


def is_cohort(text: object) -> bool:
    """Say whether a text names a cohort and nothing else."""
    name = cohort_name(text)
    return any(name == canonical for canonical, _ in _COHORTS)


def stated_n(text: object) -> int | None:
    """Return the n in a label such as "Training cohort (n = 164)"."""
    found = re.search(r"\bn\s*=\s*(\d[\d,]*)", clean(str(text)), flags=re.IGNORECASE)
    return int(found.group(1).replace(",", "")) if found else None
