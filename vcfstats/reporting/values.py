"""Numbers in words, by the rules of medical journals: nothing here computes, it only writes down."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from vcfstats.contracts.markup import NOTHING, attribute, markdown
from vcfstats.contracts.records import Record

NOT_ESTIMABLE = "not estimable"
_MOST_DECIMALS = 8  # beyond, a power of ten says it
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MINUS = "\N{MINUS SIGN}"

# Decimals of an estimate; what is not listed has three.
_DECIMALS = {
    "calibration_slope": 2,
    "calibration_slope_corrected": 2,
    "calibration_slope_optimism": 2,
    "calibration_intercept": 2,
    "calibration_intercept_corrected": 2,
    "calibration_intercept_optimism": 2,
    "calibration_in_the_large": 2,
    "oe_ratio": 2,
    "median_followup": 1,
    "confidence_level": 2,
    "update_intercept": 2,
    "update_slope": 2,
    "linear_predictor_mean_development": 2,
    "linear_predictor_sd_development": 2,
    "linear_predictor_mean_external": 2,
    "linear_predictor_sd_external": 2,
}
_PROPORTIONS = frozenset({"sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence"})


@dataclass(frozen=True)
class Text:
    """Words for a page: plain, and as Markdown where each number carries its record.

    A document's inline code shows `markdown`; `str()` gives `plain`.

    Attributes
    ----------
    plain : str
        The words alone.
    markdown : str
        The same words as Pandoc Markdown.
    """

    plain: str
    markdown: str

    @classmethod
    def of(cls, words: str | Text) -> Text:
        """Return words as a Text; a str is escaped."""
        return words if isinstance(words, Text) else cls(words, markdown(words))

    @classmethod
    def of_source(cls, words: str, source: str, name: str = "result") -> Text:
        """Return words in a span that carries where they came from: readers of the HTML see it when they point at them."""
        return cls(words, f'[{markdown(words)}]{{.{name} title="{attribute(source)}"}}')

    def __str__(self) -> str:
        """Return the plain words."""
        return self.plain

    def __bool__(self) -> bool:
        """Whether there are any words."""
        return bool(self.plain)

    def _repr_markdown_(self) -> str:
        return self.markdown or NOTHING


class Sourced(str):
    """Words of a table's cell that know where they come from: a record's key, or ``TABLE.csv, row N`` of results/tables."""

    source: str

    def __new__(cls, text: str, source: str) -> Sourced:
        """Return text with its source."""
        made = super().__new__(cls, text)
        made.source = source
        return made


def compose(template: str, /, **parts: str | Text) -> Text:
    r"""Fill the fields of a template, which is plain text, with words.

    Examples
    --------
    >>> compose("AUC {auc} in {n} cases.", auc="0.871", n=Text("70", "**70**"))
    Text(plain='AUC 0.871 in 70 cases.', markdown='AUC 0\\.871 in **70** cases\\.')
    """
    texts = {name: Text.of(part) for name, part in parts.items()}
    plain = template.format_map({name: text.plain for name, text in texts.items()})
    # The template's own braces are fields, so that only what stands between them is escaped.
    pieces = re.split(r"(\{\w+\})", template)
    marked = "".join(texts[piece[1:-1]].markdown if piece.startswith("{") else markdown(piece) for piece in pieces)
    return Text(plain, marked)


def join(parts: list[Text], separator: str = " ") -> Text:
    """Join texts."""
    return Text(separator.join(part.plain for part in parts), separator.join(part.markdown for part in parts))


def decimal(value: float | None, digits: int) -> str:
    """Write a number with a fixed count of decimals and a true minus sign; never minus zero.

    Examples
    --------
    >>> decimal(0.8714, 3), decimal(-0.204, 2), decimal(-0.0001, 2), decimal(None, 2)
    ('0.871', '−0.20', '0.00', 'not estimable')
    """
    if value is None or math.isnan(value):
        return NOT_ESTIMABLE
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def significant(value: float | None, digits: int = 3) -> str:
    """Write a number with so many significant digits, none of them an exponent's, whole digits all kept.

    Examples
    --------
    >>> significant(1834.2), significant(-12.345), significant(0.01234), significant(0.0)
    ('1834', '−12.3', '0.0123', '0')
    """
    if value is None or math.isnan(value):
        return NOT_ESTIMABLE
    return "0" if value == 0 else decimal(value, max(digits - 1 - math.floor(math.log10(abs(value))), 0))


def scaled(value: float | None, digits: int) -> str:
    """Write a number with so many decimals, or with as many as leave a small one two significant digits.

    Examples
    --------
    >>> scaled(-0.2041, 3), scaled(0.0000123, 3), scaled(0.0, 3), scaled(-1.26e-9, 3)
    ('−0.204', '0.000012', '0.000', '−1.3 × 10⁻⁹')
    """
    if value is None or math.isnan(value) or value == 0 or math.isinf(value):
        return decimal(value, digits)
    needed = 1 - math.floor(math.log10(abs(value)))
    if abs(value) >= 0.5 * 10**-digits or needed <= digits:
        return decimal(value, digits)
    return decimal(value, needed) if needed <= _MOST_DECIMALS else power(f"{value:.1e}")


def ratio(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Write a ratio with its limits: three significant digits, large ones in whole numbers, and never 0.000.

    Limits that differ never print alike: a ratio per very small step has the decimals that tell them apart.

    Examples
    --------
    >>> ratio(1.8234, 1.2, 2.75), ratio(0.0341), ratio(1.0000213, 1.0000102, 1.0000324)
    ('1.82 (1.20 to 2.75)', '0.034', '1.000021 (1.000010 to 1.000032)')
    >>> ratio(1.2e-250, 3e-300, 4e-200)
    '1.2 × 10⁻²⁵⁰ (3.0 × 10⁻³⁰⁰ to 4.0 × 10⁻²⁰⁰)'
    """
    if value is None or math.isnan(value):
        return NOT_ESTIMABLE
    limits = [] if low is None or high is None or math.isnan(low) or math.isnan(high) else [low, high]
    shown = [_ratio(number) for number in (value, *limits)]
    if limits and shown[1] == shown[2] and limits[0] != limits[1]:
        digits = min(1 - math.floor(math.log10(abs(limits[1] - limits[0]))), _MOST_DECIMALS)
        shown = [decimal(number, digits) for number in (value, *limits)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})" if limits else shown[0]


def _ratio(value: float) -> str:
    if value == 0 or math.isinf(value):
        return "0" if value == 0 else "infinite"
    if value >= 1e6:
        return power(f"{value:.1e}")
    if value >= 100:
        return f"{value:,.0f}"
    return decimal(value, 1) if value >= 10 else decimal(value, 2) if value >= 1 else scaled(value, 3)


def power(text: str) -> str:
    """Write a number such as 1.2e-09 with its power of ten.

    Examples
    --------
    >>> power("-1.2e-09")
    '−1.2 × 10⁻⁹'
    """
    mantissa, exponent = text.split("e")
    return f"{mantissa.replace('-', MINUS)} × 10{str(int(exponent)).translate(_RAISED)}"


def p_value(p: float | None) -> str:
    """Write a p value: three decimals, and bounds where these would print 0 or 1.

    Examples
    --------
    >>> p_value(0.0338), p_value(0.00002), p_value(0.99991)
    ('0.034', '<0.001', '>0.999')
    """
    if p is None or math.isnan(p):
        return NOT_ESTIMABLE
    if p < 0.001:
        return "<0.001"
    return ">0.999" if p > 0.999 else f"{p:.3f}"


def p_phrase(p: float | None) -> str:
    """Write a p value with its relation sign, for running text.

    Examples
    --------
    >>> p_phrase(0.0338), p_phrase(0.00002)
    ('p = 0.034', 'p < 0.001')
    """
    text = p_value(p)
    return f"p {text[0]} {text[1:]}" if text[0] in "<>" else f"p = {text}" if text != NOT_ESTIMABLE else f"p {text}"


def is_proportion(record: Record) -> bool:
    """Whether a record's value is printed as a percentage."""
    return record.estimate in _PROPORTIONS or record.unit == "proportion"


def point(record: Record) -> str:
    """Write a record's value without its interval: 0.871, 83.3%, 1,834, a word, or "not estimable"."""
    value = record.value
    if value is None:
        return NOT_ESTIMABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    if is_proportion(record):
        return f"{decimal(100 * value, 1)}%"
    return decimal(value, _DECIMALS.get(record.estimate, 3))


def interval(record: Record) -> str:
    """Write a record's confidence limits, as in "0.786 to 0.957"; empty where there are none.

    An interval without width is no interval: a variance estimated as zero does not make a result certain.
    """
    if record.ci_low is None or record.ci_high is None:
        return ""
    if record.ci_low == record.ci_high:
        return NOT_ESTIMABLE
    scale, digits = (100, 1) if is_proportion(record) else (1, _DECIMALS.get(record.estimate, 3))
    return f"{decimal(scale * record.ci_low, digits)} to {decimal(scale * record.ci_high, digits)}"


# What a remark says of the package's own calls and arguments is for programmers.
_CALL = re.compile(r"\b\w+_\w+\(|\w=|\(clip\b")
_ARGUMENTS = {
    "y_prob": "the predicted probability",
    "y_true": "the reference standard",
    "value(s)": "values",
    "group(s)": "groups",
    "NaN": "undefined",
}


def method(record: Record) -> str:
    """Write how a record was computed, without what its remark tells programmers.

    Examples
    --------
    >>> remark = "Wald (The slope is infinite; confidence_interval('slope', method='profile') gives a limit.)"
    >>> method(Record(kind="testing", estimate="calibration_slope", value=None, method=remark, stage="evaluate"))
    'Wald (The slope is infinite)'
    """
    name, _, remark = (record.method or "").partition(" (")
    if not remark:
        return _plain(name)
    said = [_plain(part) for part in remark.removesuffix(")").split("; ") if not _CALL.match(part.lstrip())]
    shown = "; ".join(part for part in said if part)
    return f"{name} ({shown})" if shown else name


def reason(record: Record) -> str:
    """Write why a record has no value, as a clause of one sentence.

    Examples
    --------
    >>> blank = dict(kind="testing", estimate="ppv", value=None, stage="evaluate")
    >>> reason(Record(**blank, method="undefined: 0/0")), reason(Record(**blank, method="not estimable: y_true holds one class."))
    ('the denominator is zero', 'the reference standard holds one class')
    """
    said = record.method or ""
    if said.startswith("undefined: 0/0"):
        return "the denominator is zero"
    if said.startswith("not estimable: "):
        return _plain(said.removeprefix("not estimable: "))
    shown = method(record).partition(" (")[2].removesuffix(")")
    clauses = [clause for clause in shown.split("; ") if clause]
    if not clauses:
        return "the estimate is not finite" if said else "no reason recorded"
    return clauses[-1][:1].lower() + clauses[-1][1:]


def _plain(text: str) -> str:
    """Return the first sentence, without what stands in it for programmers."""
    first = re.split(r"(?<=[^.])\. (?=[A-Z])|; (?=\w+_\w+\()", text)[0]
    first = re.sub(r" \([^()]*=\)", "", first).rstrip(". ")
    for argument, words in _ARGUMENTS.items():
        first = first.replace(argument, words)
    return first


def level(record: Record) -> str:
    """Write a record's confidence level, as in "95% CI"."""
    return f"{100 * record.level:g}% CI" if record.level is not None else "CI"


def fraction(record: Record) -> str:
    """Write numerator and denominator of a proportion, as in "24/70"; empty where the record does not hold them."""
    value, n, events = record.value, record.n, record.events
    if (
        not isinstance(value, float)
        or not n
        or events is None
        or not math.isclose(events / n, value, rel_tol=0, abs_tol=1e-9)
    ):
        return ""
    return f"{events:,}/{n:,}"


def full(record: Record) -> str:
    """Write a record's value with all that belongs to it, as running text has it.

    Examples
    --------
    >>> auc = dict(kind="testing", estimate="auc", value=0.8714, ci_low=0.7861, ci_high=0.9567, level=0.95, stage="evaluate")
    >>> full(Record(**auc))
    '0.871 (95% CI 0.786 to 0.957)'
    >>> full(Record(kind="testing", estimate="ppv", value=24 / 70, n=70, events=24, stage="evaluate"))
    '24/70 (34.3%)'
    """
    if record.value is None:
        return NOT_ESTIMABLE
    if record.statistic is not None and record.p_value is not None:
        df = f", {record.df:g} df" if record.df is not None else ""
        return f"χ² = {decimal(record.statistic, 2)}{df}, {p_phrase(record.p_value)}"
    shown, limits, counts = point(record), interval(record), fraction(record) if is_proportion(record) else ""
    bounds = f"{level(record)} {limits}" if limits else ""
    if counts:
        return f"{counts} ({shown}; {bounds})" if bounds else f"{counts} ({shown})"
    return f"{shown} ({bounds})" if bounds else shown
