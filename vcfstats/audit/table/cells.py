"""Figures as printed: the number, its decimals, and the closed interval of all values that round to it.

Rounding half up, half to even and the rounding of binary floating point differ only where a value lies exactly half way
between two printed figures. The interval is closed at both ends, so each of the three is allowed everywhere.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

MAX_DECIMALS = 6  # longer figures are read to six decimals: exact in int64 up to a million patients
_MISSING = {
    "",
    "-",
    "--",
    "/",
    ".",
    "na",
    "n/a",
    "n.a.",
    "nan",
    "none",
    "nr",
    "n.r.",
    "null",
    "nd",
    "ns",
    "<na>",
    "ref",
    "reference",
}
_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
_SEPARATOR = r"\s*(?:-|~|,|;|:|\bto\b|\band\b)\s*"
_RANGE = re.compile(rf"({_NUMBER})\s*%?{_SEPARATOR}({_NUMBER})")
_SLASH = re.compile(r"(?<![\d.])(\d+)\s*(?:/|\bof\b)\s*(\d+)(?![\d.])")
_SPREAD = re.compile(rf"\s*({_NUMBER})\s*%?\s*\(\s*(\d*\.\d+)\s*%?\s*\)\s*")
# Marks of footnotes behind a figure or its bracket: 68.4a, b; 0.83 (0.76-0.90)c; 0.05*, with the raised letters of Unicode.
_MARKS = re.compile(
    r"(?<=[\d%)])\s?(?:[a-h](?:,\s?[a-h])*|[*\u2020\u2021\u00a7\u00b6#\u1d43-\u1d61\u02b0-\u02b8\u00aa]+)(?=\s*(?:\(|$))"
)
_PLAIN = re.compile(r"(?:\d*\.\d+|\d+|[A-Za-z ]+)%?")
_SIGNS = str.maketrans("\uff08\uff09\uff0c\uff05[]\uff1b", "(),%();")
_LEVEL = re.compile(r"\b(?:9\d(?:\.\d+)?\s*%\s*)?(?:ci|confidence interval)s?\b\s*[:=,]?", re.IGNORECASE)


@dataclass(frozen=True)
class Printed:
    """A figure on its natural scale: `units` / 10**`decimals`, with the text it was read from.

    A percentage is held as a proportion (67.1% is 671 / 10**3), so that one scale serves the arithmetic. `below` and `above`
    are the half units by which the true value may lie on either side: 1 and 1 where it was rounded, 0 and 2 where its digits
    were cut off.
    """

    text: str
    units: int
    decimals: int
    below: int = 1
    above: int = 1

    @property
    def value(self) -> Fraction:
        """The figure itself."""
        return Fraction(self.units, 10**self.decimals)

    @property
    def half(self) -> Fraction:
        """Half a unit of the last decimal."""
        return Fraction(1, 2 * 10**self.decimals)

    @property
    def low(self) -> Fraction:
        """The smallest value that may round to the figure."""
        return Fraction(2 * self.units - self.below, 2 * 10**self.decimals)

    @property
    def high(self) -> Fraction:
        """The largest value that may round to the figure."""
        return Fraction(2 * self.units + self.above, 2 * 10**self.decimals)

    def holds(self, value: Fraction) -> bool:
        """Say whether `value` may have been printed as this figure."""
        return self.low <= value <= self.high

    def cut_off(self) -> Printed:
        """The figure taken for one whose further digits were cut off instead of rounded."""
        return replace(self, below=0, above=2)

    def widened(self, by: Fraction) -> Printed:
        """The figure allowed to be off by a proportion of its scale."""
        more = int(2 * by * 10**self.decimals)
        return replace(self, below=self.below + more, above=self.above + more)

    def __float__(self) -> float:
        """The figure as a float."""
        return float(self.value)

    def like(self, value: Fraction) -> str:
        """Print another value in the way in which this figure is printed: decimals, percent sign, leading zero."""
        percent = "%" in self.text
        shown = re.search(_NUMBER, clean(self.text))
        number = shown.group() if shown else ""
        places = len(number.partition(".")[2]) if "e" not in number.lower() else self.decimals
        scaled = value * (100 if self.decimals >= places + 2 else 1)
        text = decimal_text(scaled, places)
        return text + ("%" if percent else "")


@dataclass(frozen=True)
class Cell:
    """What one cell of a table holds: a figure, an interval, a fraction of counts, a spread after a plus-minus sign."""

    text: str
    value: Printed | None = None
    interval: tuple[Printed, Printed] | None = None
    counts: tuple[int, int] | None = None
    spread: Printed | None = None
    is_garbled: bool = False

    @property
    def is_empty(self) -> bool:
        """True where nothing was read."""
        return self.value is None and self.interval is None and self.counts is None


def decimal_text(value: Fraction, places: int) -> str:
    """Return `value` rounded half up to `places` decimals."""
    units = math.floor(abs(value) * 10**places + Fraction(1, 2))
    sign = "-" if value < 0 and units else ""
    whole, rest = divmod(units, 10**places)
    return f"{sign}{whole}.{rest:0{places}d}" if places else f"{sign}{whole}"


@lru_cache(maxsize=50_000)
def clean(text: str) -> str:
    """Return the text with one kind of dash, blank, decimal sign and bracket."""
    if _PLAIN.fullmatch(text):
        return text.strip()
    text = re.sub(r"[\u2010-\u2015\u2212\uff0d\ufe63]", "-", text)
    text = re.sub(r"[\u223c\uff5e\u301c]", "~", text)
    text = re.sub(r"\[(\d+),(\d+)\]", r"[\1, \2]", text)  # quartiles, no decimal comma
    text = text.translate(_SIGNS)
    text = re.sub(r"(?<=\d)[\u00b7\u2027\u2219\u22c5\u2022\u30fb](?=\d)", ".", text)
    # Thin and no-break spaces part thousands: 12 345 is one number wherever it stands, with plain blanks where it stands alone.
    text = re.sub(
        r"(?<![\d.,])\d{1,3}(?:[\u00a0\u2007-\u2009\u202f]\d{3})+(?![\d.])",
        lambda m: re.sub(r"\s", "", m.group()),
        text,
    )
    text = re.sub(r"[\u00a0\u2000-\u200a\u202f\u3000\s]+", " ", text)
    if re.fullmatch(r"\s*\d{1,3}(?: \d{3})+\s*", text):
        text = text.replace(" ", "")
    text = re.sub(r"(?<![\d.])([01])(?: \.|\. )(?=\d)", r"\1.", text)  # "0 .820", as copied from a PDF
    if "." not in text:  # a decimal comma: 0,820; 67,1; never 1,234 or a list such as 0,1
        text = re.sub(r"(?<![\d,])0,(?=\d)", "0.", text)
        text = re.sub(r"(?<![\d,])(\d{1,3}),(\d{1,2}|\d{4,})(?![\d,])", r"\1.\2", text)
    text = re.sub(r"(?<![\d.])(\d{1,3}(?:,\d{3})+)(?![\d])", lambda m: m.group().replace(",", ""), text)
    return text.strip()


def is_missing(value: Any) -> bool:
    """Say whether a cell is empty or one of the usual signs for it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return clean(str(value)).lower() in _MISSING


def printed(text: str, *, percent: bool = False, decimals: int | None = None) -> Printed:
    """Read one number; `decimals` restores zeros that a numeric column has lost (0.7 for 0.700)."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, rest = mantissa.partition(".")
    shift = int(exponent) if exponent else 0
    if decimals is not None and len(rest) < decimals:
        rest = rest.ljust(decimals, "0")
    places = len(rest) - shift + (2 if percent else 0)
    units = int((whole or "0") + rest)
    if places < 0:
        units, places = units * 10**-places, 0
    if places > MAX_DECIMALS:
        units, places = round(Fraction(units, 10 ** (places - MAX_DECIMALS))), MAX_DECIMALS
    return Printed(text + ("%" if percent and "%" not in text else ""), units, places)


def number_text(value: Any) -> str:
    """Return a cell as text; a float loses the digits beyond the twelfth decimal, which binary rounding made."""
    if isinstance(value, bool) or not isinstance(value, float):
        if hasattr(value, "dtype") and value.dtype.kind == "f":
            return number_text(float(value))
        return str(value)
    if math.isnan(value) or math.isinf(value):
        return ""
    shortest = repr(value)
    if "e" in shortest or len(shortest.partition(".")[2]) > 12:
        shortest = f"{value:.12f}".rstrip("0").rstrip(".")
    return shortest.removesuffix(".0")


def read_cell(value: Any, *, percent: bool = False, decimals: int | None = None) -> Cell:
    """Read a cell of a performance table.

    Understood: ``0.820``, ``.820``, ``82.0%``, ``0.820 (0.761-0.880)``, ``0.761 ~ 0.880``, ``58/65 (89.2%)``,
    ``0.82 +/- 0.03``, with any dash, a middle dot or a decimal comma, and with "95% CI" in it.
    """
    if is_missing(value):
        return Cell("")
    return _read_text(number_text(value), percent, decimals)


def _is_garbled(text: str) -> bool:
    """Say whether figures ran into one another or a bracket is lost: 0.7910.636-0.946)."""
    return bool(re.search(r"\d\.\d+\.\d", text)) or text.count("(") != text.count(")")


@lru_cache(maxsize=50_000)
def _read_text(raw: str, percent: bool, decimals: int | None) -> Cell:
    # 1,000 beside 0,820 is one, not a thousand: no figure of these tables is that large.
    text = raw if "." in raw else re.sub(r"(?<![\d,])(\d),(\d{2,})(?![\d,])", r"\1.\2", raw)
    text = _MARKS.sub("", _LEVEL.sub(" ", clean(text)))
    if _is_garbled(text):
        return Cell(raw.strip(), is_garbled=True)
    spread = None
    if match := re.search(rf"(?:±|\+/-|\+-)\s*({_NUMBER})", text):
        spread = printed(match.group(1), percent=percent or "%" in text)
        text = text[: match.start()] + text[match.end() :]
    counts = None
    if match := _SLASH.search(text):
        counts = (int(match.group(1)), int(match.group(2)))
        text = text[: match.start()] + " " + text[match.end() :]
    as_percent = percent or "%" in text
    interval = None
    figure = None
    inside = re.search(rf"\(.*?{_RANGE.pattern}.*?\)", text)
    match = _RANGE.search(inside.group()) if inside else None
    if match is None and len(re.findall(_NUMBER, text)) >= 2:
        found = list(_RANGE.finditer(text))
        match = found[-1] if found and len(re.findall(_NUMBER, text)) == 2 else match
        if match is None and len(re.findall(_NUMBER, text)) == 3 and "(" not in text:  # 0.820, 0.761-0.880
            first, second, third = re.finditer(_NUMBER, text)
            figure = printed(first.group(), percent=as_percent, decimals=decimals)
            interval = (printed(second.group(), percent=as_percent), printed(third.group(), percent=as_percent))
            return Cell(raw.strip(), figure, interval, counts, spread)
    if match is not None:
        interval = (printed(match.group(1), percent=as_percent), printed(match.group(2), percent=as_percent))
        text = text[: text.index(inside.group())] if inside else text[: match.start()]
    beside = _SPREAD.fullmatch(text) if spread is None and interval is None else None
    # 0.751 (0.05): with decimals and far below the figure it is its spread.
    if beside is not None and Fraction(beside.group(2)) < Fraction(beside.group(1)) / 2:
        spread = printed(beside.group(2), percent=as_percent)
    if first_number := re.search(_NUMBER, text):
        figure = printed(first_number.group(), percent=as_percent, decimals=decimals)
    return Cell(raw.strip(), figure, interval, counts, spread)
