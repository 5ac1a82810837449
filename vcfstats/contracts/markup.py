"""Words on their way to a page: one escape for each language that pages are written in.

Labels, titles, units, names of scanners and whatever else comes from a study's files is text, never markup: each function here
returns it so that a reader sees it as it was written, and nothing in it is live.
"""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# Markdown of no words: where an expression gives none at all, Quarto leaves its code standing in the text.
NOTHING = "<!-- -->"
# No format has a place for control characters; XML refuses a file that holds one. Line breaks are blanks.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")
_BREAKS = re.compile("[ \t\n\r\x0b\x0c\x85\u2028\u2029]+")
# Punctuation that Markdown reads as markup within a line, wherever it stands.
_MARKUP = re.compile(r'([\\`*_{}\[\]<>#$@^~|&"])')
# An apostrophe within or after a word is set as one; any other quotation mark stays as it was written.
_QUOTE = re.compile(r"(?<![^\W\d_])'|'(?![^\W\d_]|\s|$)")
_RUNS = re.compile(r"--+|\.\.\.+")  # set as dashes and as an ellipsis
_BEGINS = re.compile(
    r"^( ?)(?:([-+:=%])|(\d+|[A-Za-z]+)([.)])|(\()(?=\w+\)))"
)  # what makes a list, a rule or a definition of a line
_COMMON = re.compile(r"([\\`*_{}\[\]<>#|~&$@])")
# What a pandoc attribute, or one who reads the text before pandoc does, could take for more than text.
_ATTRIBUTE = re.compile(r"[\"&\\{}<>`]")
_RUNNABLE = "=+-@\t\r＝＋－＠"
_NUMBER = re.compile(r"[-+]?(?:\d[\d.,]*|\.\d+|inf)(?:[eE][-+]?\d+)?%?(?: \([-+−\d.,;% to]+\))?|[-+]")


def one_line(text: str) -> str:
    """Return text without control characters, its line breaks and runs of blanks as one blank; hard blanks stay."""
    return _BREAKS.sub(" ", _CONTROL.sub("", text))


def markdown(text: str) -> str:
    r"""Return text as Pandoc Markdown that prints it as it stands.

    Examples
    --------
    >>> markdown("PSA > 4 & <b>"), markdown("the patients' age"), markdown("1. first"), markdown("a -- b")
    ('PSA \\> 4 \\& \\<b\\>', "the patients' age", '1\\. first', 'a \\-\\- b')
    """
    escaped = _MARKUP.sub(r"\\\1", one_line(text))
    escaped = _QUOTE.sub(r"\\'", escaped)
    escaped = _RUNS.sub(lambda run: "".join(f"\\{sign}" for sign in run[0]), escaped)
    return _BEGINS.sub(_begun, escaped)


def _begun(line: re.Match[str]) -> str:
    blank, sign, number, delimiter, bracket = line.groups()
    return f"{blank}{number}\\{delimiter}" if number else f"{blank}\\{sign or bracket}"


def common(text: str) -> str:
    """Return text as the Markdown of code hosts, in a line or in the cell of a table."""
    return _COMMON.sub(r"\\\1", one_line(text))


def attribute(text: str) -> str:
    """Return text for between the quotation marks of an attribute of Pandoc Markdown."""
    return _ATTRIBUTE.sub(lambda sign: f"&#{ord(sign[0])};", one_line(text))


def hypertext(text: str) -> str:
    """Return text for HTML, be it between elements or within an attribute's quotation marks."""
    return html.escape(one_line(text), quote=True)


def raw_html(text: str) -> str:
    """Return a block of Markdown that is HTML for the formats that are, whatever stands in it."""
    return fenced(text, "{=html}")


def fenced(text: str, kind: str = "") -> str:
    """Return text as a block of code of Markdown: the fence is longer than any in it."""
    fence = "`" * max(12, *(len(run) + 1 for run in re.findall("`+", text)), 0)
    return f"{fence}{kind}\n{text}\n{fence}"


def cell(text: str) -> str:
    """Return the cell of a table that people open in a spreadsheet: what one would run gets an apostrophe before it.

    Numbers stay as they are, with or without an interval; `uncell` takes the apostrophe away.

    Examples
    --------
    >>> cell("=1+1"), cell("-1.2"), cell("-0.05 (-0.1 to 0.2)"), cell("@x"), cell("'=1")
    ("'=1+1", '-1.2', '-0.05 (-0.1 to 0.2)', "'@x", "''=1")
    """
    return f"'{text}" if text.lstrip("'")[:1] in _signs(text) and not _NUMBER.fullmatch(text) else text


def uncell(text: str) -> str:
    """Return the text that `cell` was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'")[:1] in _signs(text) else text


def _signs(text: str) -> tuple[str, ...]:
    return tuple(_RUNNABLE) if text.strip("'") else ()


def csv_text(frame: pd.DataFrame, *, index: bool = False) -> str:
    """Return a table as CSV for people and programs: words that a spreadsheet would run are marked as `cell` does."""
    shown = frame.reset_index() if index else frame.copy()
    for name in shown.columns:
        if shown[name].dtype == object or str(shown[name].dtype) in ("str", "string"):
            shown[name] = shown[name].map(lambda value: cell(value) if isinstance(value, str) else value)
    shown.columns = [cell(name) if isinstance(name, str) else name for name in shown.columns]
    stream = io.StringIO()
    shown.to_csv(stream, index=False, lineterminator="\n")
    return stream.getvalue()
