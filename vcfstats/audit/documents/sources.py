"""What words of a page may say, given the record or the row of a table that they name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from vcfstats.audit.documents.reading import Shown, tidy
from vcfstats.contracts.records import Record
from vcfstats.reporting import values, wording
from vcfstats.reporting.study import reason

_NUMBER = re.compile(r"[−-]?\d[\d,]*(?:\.\d+)?")
_SHARE = re.compile(r"^([\d,]+)/([\d,]+) \(([\d.]+)%\)$")
# What stands between a record's key and its value in the words that a span carries.
_KEY = re.compile(r"^([\w.+-]+(?:/[\w.+-]+)*)(?: = |: )")
_SHORT = 40  # rows of a table whose counts may be subtracted from one another
_TABLE = re.compile(r"^results/tables/(\w+)\.csv: ")


def numbers(text: str) -> list[str]:
    """Return the numbers of a text, with a plain minus sign and without thousands separators."""
    return [found.replace("−", "-").replace(",", "") for found in _NUMBER.findall(text)]


def misquoted(shown: Shown, records: Mapping[str, Record], tables: Path) -> str:
    """Return what is wrong with words that name their source; nothing where they say what it holds."""
    table = _TABLE.match(shown.source)
    if table:
        return _against_table(shown, tables / f"{table[1]}.csv")
    key = _KEY.match(shown.source)
    record = records.get(key[1]) if key else None
    if key is None or record is None:
        return f"names no record ({shown.source[:60]!r})"
    allowed = forms(record)
    if shown.text in allowed or _is_share(shown.text, record, records) or _is_share_of_none(shown.text, records):
        return ""
    return f"the record {key[1]} says {', or '.join(sorted(allowed, key=len, reverse=True)[:2])}"


def forms(record: Record) -> set[str]:
    """Return the ways in which a record may be printed."""
    made = {values.full(record), values.point(record), values.interval(record), values.p_phrase(record.p_value)}
    if isinstance(record.value, int | float) and not isinstance(record.value, bool):
        made |= {f"{100 * record.value:g}%", f"{record.value:g}"}
    made |= {f"{count:,}" for count in (record.n, record.events) if count is not None}
    if record.p_value is not None:
        made.add(values.p_value(record.p_value))
    if record.value is None:
        made.add(reason(record))
    if record.estimate == "pairs_adjusted_by":
        made.add(wording.ADJUSTMENTS[str(record.value)])
    return {tidy(text) for text in made if text}


def _is_share(text: str, record: Record, records: Mapping[str, Record]) -> bool:
    """Whether a text is this count over another count of the records, with the right percentage."""
    found = _SHARE.match(text)
    if found is None:
        return False
    top, bottom = (int(part.replace(",", "")) for part in found.groups()[:2])
    wholes = {other.value for other in records.values() if isinstance(other.value, int)}
    return record.value == top and bottom in wholes and bottom > 0 and found[3] == f"{100 * top / bottom:.1f}"


def _is_share_of_none(text: str, records: Mapping[str, Record]) -> bool:
    """Whether a text says that a share cannot be given, where some count is 0."""
    return text == values.NOT_ESTIMABLE and any(other.value == 0 for other in records.values())


def _against_table(shown: Shown, path: Path) -> str:
    if not path.is_file():
        return f"names {path.name}, which results/tables does not hold"
    held = printed(pd.read_csv(path, dtype=str, keep_default_na=False))
    strange = [number for number in numbers(shown.text) if number.lstrip("-") not in held]
    return f"{path.name} holds no {', '.join(strange)}" if strange else ""


def printed(table: pd.DataFrame) -> set[str]:
    """Return the numbers of a table as pages print them: as they stand, with up to four decimals, as percentages.

    A difference may be told from either side, so that signs do not count; rows may be counted, and of counts the
    difference of two may be told (screened less included: excluded).
    """
    made = {"0.001", "0.999", "95"}  # bounds of p values, the usual level
    made |= {str(count) for count in range(len(table) + 1)}
    counts = {int(text) for column in table.columns for text in table[column] if re.fullmatch(r"\d+", str(text))}
    made |= {str(abs(a - b)) for a in counts for b in counts} if len(table) <= _SHORT else set()
    for text in {str(value) for column in table.columns for value in table[column]}:
        made.update(numbers(text))
        try:
            value = float(text)
        except ValueError:
            continue
        if math.isfinite(value):
            made |= {values.decimal(value, digits) for digits in range(5)}
            made |= {values.decimal(100 * value, digits) for digits in range(2)}
    return {text.lstrip("−-") for text in made}
