"""What a column, a row or a cohort is called: the names that papers use, brought to one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from vcfstats.audit.table.cells import clean
from vcfstats.audit.table.words import english

# The order matters: the longer name is tried before the shorter one that it holds.
_METRICS: tuple[tuple[str, str], ...] = (
    ("balanced_accuracy", r"bal(anced)? acc(uracy)?|bacc|b acc|bal acc"),
    ("accuracy", r"ac|acc|accuracy|accuracy rate|overall accuracy|correct classification( rate)?|diagnostic accuracy|correctly classified"),
    ("sensitivity", r"sens|sen|se|sn|sensitivity|sensitivity recall|se recall|recall sensitivity|recall|recall rate|tpr|true positive rate|hit rate"),
    ("specificity", r"spec|spe|spc|sp|specificity|tnr|true negative rate|selectivity"),
    ("ppv", r"ppv|prec|precision|ppv precision|precision ppv|positive predictive( value)?|positive prediction value|pos(itive)? pred(ictive)?( value)?|pv ?\+|\+ ?pv"),
    ("npv", r"npv|negative predictive( value)?|negative prediction value|neg(ative)? pred(ictive)?( value)?|pv ?-|- ?pv"),
    ("fnr", r"fnr|false negative( rate)?|miss rate"),
    ("fpr", r"fpr|false positive rate|fall out|1 ?-? ?specificity"),
    ("fdr", r"fdr|false discovery( rate)?"),
    ("for", r"for|false omission( rate)?"),
    ("f1", r"f1|f1 score|f score|f measure|f1 measure|f 1|f 1 score"),
    ("youden", r"youden|youden s? ?index( j)?|j index|youden s? ?j( index| statistic)?|informedness|yi"),
    ("lr_positive", r"lr ?\+|\+ ?lr|plr|positive lr|positive likelihood( ratio)?|likelihood ratio ?(positive|\+)|lr pos(itive)?"),
    ("lr_negative", r"lr ?-|- ?lr|nlr|negative lr|negative likelihood( ratio)?|likelihood ratio ?(negative|-)|lr neg(ative)?"),
    ("dor", r"dor|diagnostic odds ratio"),
    ("kappa", r"kappa|cohen s? ?kappa|kappa (coefficient|statistic|value)|k coefficient"),
    ("mcc", r"mcc|matthews?( s)?( correlation)?( coefficient)?|phi( coefficient)?"),
    ("auc", r"auc|aucs|auroc|au roc|roc auc|auc roc|aucroc|rocauc|roc|c statistics?|c index|concordance index|area|area under( the)?( roc| receiver operating characteristic)?( curve)?( \(?auc\)?)?"),
)  # fmt: skip
METRICS = tuple(name for name, _ in _METRICS)
# A rate printed again under another name, or as what it lacks of 1: what it is called -> the rate.
COMPLEMENTS = {"fnr": "sensitivity", "fpr": "specificity", "fdr": "ppv", "for": "npv"}
# Measures that a confusion matrix gives, held against it once the class counts are known.
DERIVED = ("kappa", "mcc", "dor")
RATIOS = ("lr_positive", "lr_negative", "dor")  # no proportions
# What is recognised and not checked, so that nobody takes it for a rate.
_OTHERS = {
    "p": r"p|p ?values?( for .*)?|p val|sig|significance|asymptotic sig( b)?|delong p( value)?|p .*value|mcnemar s test p value|p .*vs.*",
    "threshold": r"cut ?off( value| point| score)?s?|(optimal|best) (cut ?off|threshold)( value| point)?|thresholds?|criterion|associated criterion",
    "prevalence": r"prevalence|disease prevalence|detection rate|detection prevalence|no information rate|event rate",
    "other": r"brier( score)?|calibration (slope|intercept)|slope|intercept|e max|ici|hosmer lemeshow.*|h l.*|aic|bic|log loss|loss|nri|idi|net benefit|pr auc|auprc|average precision|time.*|epochs?|parameters?|features?( number)?|number of features|no of features|seed|rank|z statistic|z|chi.*|t value|df",
}
_AVERAGED = r"\b(macro|micro|weighted)\b( averaged?| avg)?"
_COUNTS = {
    "tp": r"tp|true positives?",
    "fp": r"fp|false positives?",
    "fn": r"fn|false negatives?",
    "tn": r"tn|true negatives?",
    "events": r"support|events?|n events?|no of events|positives?|n pos(itives?)?|number of events|diseased",
    "nonevents": r"non ?events?|n non ?events?|negatives?|n neg(atives?)?|number of non ?events|non diseased",
    "called": r"tpp|test positives?|predicted positives?|total predicted positives?|positive calls|called positive|alerts?",
    "n": r"n|no|number|total|n total|sample size|n patients|patients|number of patients|cases|no of patients|size|subjects",
}
_LABELS = {
    "table": r"table|tab|table no|table number",
    "cohort": r"cohort|cohorts|set|sets|dataset|data ?set|group|groups|partition|split|phase|population|cohort as printed|data",
    "model": r"models?|classifiers?|algorithms?|methods?|signatures?|name|model name|nomogram|reader|marker|test",
    "row": r"row label|label|row|row name",
}
_BOUND = r"(lower|upper)( limit| bound)?|low|high|ll|ul|lcl|ucl|lci|uci|lo|hi|up|inf|sup|2 5|97 5"
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
    text = re.sub(
        r"[\u00aa\u00b2\u00b3\u00b9\u02b0-\u02b8\u1d43-\u1d61\u2020\u2021\u00a7\u00b6*#]",
        " ",
        clean(english(str(text))),
    )
    text = text.lower().replace("'", " ").replace("\u2019", " ")
    text = re.sub(r"(?<=lr) ?\(([+-])\)|(?<=ratio) ?\(([+-])\)", lambda found: found.group(1) or found.group(2), text)
    lead = re.match(r"\s*-\s*(?=lr|pv)", text)  # MedCalc's -LR, -PV
    text = text.replace("-", "\u2212", 1) if lead else text
    text = re.sub(r"[^a-z0-9+%±\-\u2212]+", " ", text.replace("_", " "))
    return re.sub(r"\s+", " ", re.sub(r"-(?=\w)", " ", text)).replace("\u2212", "-").strip()


def column_role(header: object) -> tuple[str, str]:
    """Return (role, cohort) of a column of a performance table.

    A role is a metric, ``ci``, ``ci_low``, ``ci_high``, ``se``, a metric with ``:ci``, a count, a label column,
    ``averaged`` for a metric averaged over classes, or what is recognised and not checked (``p``, ``threshold``,
    ``prevalence``, ``other``); empty where the name says nothing. A cohort is given where the name holds one
    ("AUC (training)").
    """
    role, cohort = _role(plain(header))
    if not role and (
        bare := re.sub(r"(?<=[A-Z]{2})[a-h]\b|(?<=[a-z]{5})(?<!al)[a-c]\b(?=$| \()", "", str(header))
    ) != str(header):
        role, cohort = _role(plain(bare))  # AUCa, Accuracyb: a footnote's mark
        role = role if role in METRICS else ""
    return role, cohort


@lru_cache(maxsize=20_000)
def _role(header: str) -> tuple[str, str]:
    cohort, name = _take_cohort(re.sub(r"\b(9\d) ?cis?\b", r"\1 ci", header))
    bare = _bare(name)
    if re.search(_AVERAGED, bare):
        stem = re.sub(r"\s+", " ", re.sub(_AVERAGED, "", bare)).strip()
        return ("averaged" if _match(stem, _METRICS) else ""), cohort
    is_ci = bool(re.search(r"\b(ci|cis|limits?|bounds?|lcl|ucl|lci|uci)\b", bare))
    low, high = re.search(_LOW, bare), re.search(_HIGH, bare)
    if low or high:
        stem = re.sub(rf"{_LOW}|{_HIGH}|\b(ci|limit|bound|of|asymptotic|the)\b", "", bare).strip()
        metric = _match(stem, _METRICS) if stem else "auc"
        # Low, High, Upper alone are levels of a variable as often as limits: see `bound_side`.
        if (is_ci and metric) or (stem and metric):
            side = "ci_low" if low else "ci_high"
            return (side if metric in ("", "auc") else f"{metric}:{side}"), cohort
    if bare in {
        "standard error",
        "std error",
        "s e",
        "auc se",
        "se auc",
        "se of auc",
        "standard error auc",
        "auc standard error",
        "std err",
    }:
        return "se", cohort
    stem = re.sub(r"\s+", " ", re.sub(r"\b(ci|cis|asymptotic|of|for)\b", "", bare) if is_ci else bare).strip()
    if is_ci and not stem:
        return "ci", cohort
    if metric := _match(stem, _METRICS):
        return (
            f"{metric}:ci"
            if is_ci and re.match(r"(9\d ?%? ?)?(ci|cis|confidence)\b", name) and metric != "auc"
            else metric
        ), cohort
    counted = re.sub(r"^(no|number) of |(?<=\w) n$", "", stem) or stem
    counts = _match(counted, tuple(_COUNTS.items())) or _match(stem, tuple(_COUNTS.items()))
    if counts:
        return counts, cohort
    label = _match(name, tuple(_LABELS.items())) or _match(header, tuple(_LABELS.items()))
    other = "" if label else _match(name, tuple(_OTHERS.items())) or _match(stem, tuple(_OTHERS.items()))
    return label or other, "" if label else cohort


def bound_side(header: object) -> str:
    """Return ``ci_low`` or ``ci_high`` where a heading is a bare Lower or Upper, which beside an estimate is a limit."""
    name = plain(header)
    if not re.fullmatch(_BOUND, name):
        return ""
    return "ci_low" if re.search(_LOW, name) else "ci_high"


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
    return bare.strip() if re.search(r"lr|ratio|\bpv\b", bare) else bare.strip(" -")


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
    """Count the names that are metrics, with the AUC's interval where a metric stands among them."""
    roles = [column_role(name)[0] for name in names]
    metrics = sum(role in METRICS or role == "averaged" for role in roles)
    return metrics + (sum(role in {"ci", "ci_low", "ci_high"} for role in roles) if metrics else 0)


def cohort_name(text: object) -> str:
    """Bring a cohort's printed name to one form: "Training cohort (n = 164)" and "train" are both ``training``."""
    name = re.sub(r"[(,;]?\s*\bn ?= ?\d[\d, ]*\)?", "", clean(english(str(text))).lower())
    name = re.sub(r"\s+", " ", re.sub(_COHORT_NOISE, "", plain(name))).strip(" -")
    return next((canonical for canonical, words in _COHORTS if re.fullmatch(words, name)), name)


def cohort_in(text: object) -> tuple[str, str]:
    """Split a cohort's name off either end of a row's label: "LR-training" gives ("training", "LR")."""
    label = re.sub(r"\s*[(,]?\s*\bn\s*=\s*\d[\d, ]*\)?$", "", clean(english(str(text))).strip(), flags=re.IGNORECASE)
    noise = r"(?:[\s_-]*(?:cohort|set|group|dataset))?"
    end = re.fullmatch(rf"(.*?)[\s_\-(,:/]+({_COHORT_AT}){noise}\s*\)?", label, flags=re.IGNORECASE)
    if end:
        return cohort_name(end.group(2)), re.sub(r"\s+(?:in|on|for)(?:\s+the)?$", "", end.group(1).strip(" -_(,:/"))
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
    found = re.search(
        r"\bn\s*=\s*(\d{1,3}(?:[, ]\d{3})+(?!\d)|\d+)(?!\s*[/.]\d|\s*[/%])", clean(str(text)), flags=re.IGNORECASE
    )
    return int(re.sub(r"[, ]", "", found.group(1))) if found else None
