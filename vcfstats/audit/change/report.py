"""An audit as sections of text and tables, which the writers turn into a terminal's lines, Markdown and a page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from vcfstats.audit.change.compare import LOCK, RESULTS, Audit, Moved
from vcfstats.audit.change.conclusions import of_candidate

_NUMBERS = ("value", "ci_low", "ci_high", "p_value")
_ENDLESS = 1000.0


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes
    ----------
    title : str
        Heading.
    lines : tuple of str
        Items, each a line; keys stand between backticks.
    header, rows : tuples of str
        A table, empty where there is none. The first column holds a key.
    note : str
        What the table needs to be read rightly, or what was left out of it.
    alarm : bool
        Whether somebody must act on it.
    """

    title: str
    lines: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class Report:
    """Title and sections, in order."""

    title: str
    sections: tuple[Section, ...]


def report(audit: Audit, *, most: int | None = 40) -> Report:
    """Return an audit in words.

    Parameters
    ----------
    audit : Audit
        As `compare_revisions` gives it.
    most : int or None
        Beyond the flips, so many of the largest moves are listed and the rest counted; None lists all.
    """
    sections = [
        _missing(audit),
        _undeclared(audit),
        _stale(audit),
        *_flips(audit),
        _decisions(audit),
        _stages(audit),
        *([] if _lacks(audit, RESULTS) else [_moves(audit, most), _tables(audit)]),
    ]
    kept = tuple(section for section in sections if section is not None)
    return Report(f"Audit of params.yaml: {audit.before.name} to {audit.after.name}", kept)


def _lacks(audit: Audit, path: str) -> bool:
    return path in {*audit.before.missing, *audit.after.missing}


def _missing(audit: Audit) -> Section | None:
    lines = [
        f"{revision.name} has no {path}: nothing to compare there."
        for revision in (audit.before, audit.after)
        for path in revision.missing
    ]
    return Section("What is missing", tuple(lines)) if lines else None


def _undeclared(audit: Audit) -> Section | None:
    if not audit.undeclared:
        return None
    return Section("Undeclared deviations", tuple(f"`{key}` owes a reason" for key in audit.undeclared), alarm=True)


def _stale(audit: Audit) -> Section | None:
    keys = [decision.key for decision in audit.decisions if decision.stale]
    if not keys:
        return None
    lines = [f"`{key}`: the results of {audit.after.name} were computed with another value" for key in keys]
    return Section("Results that are out of date: run `dvc repro`", tuple(lines), alarm=True)


def _flips(audit: Audit) -> list[Section]:
    title = "Conclusions that flipped"
    if _lacks(audit, RESULTS):
        return [Section(title, ("Not known: the results of one side are missing.",))]
    # A classifier that became a model of the paper has the same results under two names: told once, under the model's.
    same: dict[tuple[Any, ...], list[Moved]] = {}
    for m in audit.flipped:
        same.setdefault(_what(m), []).append(m)
    groups = [sorted(group, key=_is_candidate) for group in same.values()]
    told = tuple(_flip(group) for group in groups if not _is_candidate(group[0]))
    rest = tuple(_flip(group) for group in groups if _is_candidate(group[0]))
    sections = [Section(title, told or ("None.",), alarm=bool(told))]
    if rest:
        sections.append(Section("Conclusions on candidate classifiers that flipped", rest))
    return sections


def _is_candidate(m: Moved) -> bool:
    return of_candidate(m.key, m.new or m.old)


def _what(m: Moved) -> tuple[Any, ...]:
    """Return what is told of a flip but for the model's name; a change without numbers is like no other."""
    if not _has_number(m):
        return (m.key,)
    sides = [tuple((side or {}).get(part) for part in _NUMBERS) for side in (m.old, m.new)]
    parts = m.key.split("/")
    return parts[0], parts[-1], m.flips, *sides


def _flip(group: list[Moved]) -> str:
    first, *others = group
    also = f" (the same: {', '.join(f'`{m.key}`' for m in others)})" if others else ""
    change = (
        f" ({shown(first.old)} to {shown(first.new)}{_paired(first, '; same patients ')})" if _has_number(first) else ""
    )
    return f"`{first.key}`: {'; '.join(first.flips)}{change}{also}"


def _both(m: Moved) -> tuple[str, str]:
    """Write both sides; of two long texts what differs, with an ellipsis for what does not."""
    old, new = shown(m.old), shown(m.new)
    if min(len(old), len(new)) < 60:
        return old, new
    a, b = old.split(), new.split()
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    room = min(len(a), len(b)) - start
    end = next((i for i, (x, y) in enumerate(zip(a[::-1], b[::-1], strict=False)) if x != y), room)
    return _cut(a, start, min(end, room)), _cut(b, start, min(end, room))


def _cut(words: list[str], start: int, end: int) -> str:
    first, last = max(start - 2, 0), len(words) - max(end - 2, 0)
    return f"{'... ' if first else ''}{' '.join(words[first:last])}{' ...' if last < len(words) else ''}"


def _has_number(m: Moved) -> bool:
    return any(isinstance((side or {}).get("value"), int | float) for side in (m.old, m.new))


def _decisions(audit: Audit) -> Section:
    if not audit.decisions:
        return Section("Decisions", ("No key changed.",))
    rows = tuple(
        (
            f"`{d.key}`",
            str(d.old),
            str(d.new),
            d.meaning,
            d.published,
            "UNDECLARED" if d.undeclared else d.reason,
            ", ".join(d.stages) or "none",
        )
        for d in audit.decisions
    )
    header = ("Key", "Old", "New", "Meaning", "Protocol", "Declared reason", "Stages that read it and ran again")
    return Section("Decisions", header=header, rows=rows)


def _stages(audit: Audit) -> Section:
    title = "Stages that ran again"
    if _lacks(audit, LOCK):
        return Section(title, ("Not known: dvc.lock of one side is missing.",))
    return Section(title, tuple(f"{name}: {why}" for name, why in audit.stages.items()) or ("None, by dvc.lock.",))


def _moves(audit: Audit, most: int | None) -> Section:
    rest = [m for m in audit.moved if not m.flips]
    listed = rest[:most]
    rows = tuple((f"`{m.key}`", *_both(m), _paired(m), _size(m)) for m in listed)
    notes = [*audit.remarks]
    if rows:
        notes.insert(
            0,
            "Size: change over the old estimate's standard error; the same patients stand on both sides, so that it is no test.",
        )
        notes.insert(
            1, "Same patients: the paired change with its confidence interval (infinitesimal jackknife; AUC: DeLong)."
        )
    if len(rest) > len(listed):
        notes.append(
            f"{len(rest) - len(listed)} more stand behind these: of candidates, recalibrated models or training patients, or moved by less."
        )
    return Section(
        f"Results that moved: {len(audit.moved)}",
        header=("Result", "Old", "New", "Same patients", "Size") if rows else (),
        rows=rows,
        note=" ".join(f"{note[0].upper()}{note[1:].removesuffix('.')}." for note in notes),
    )


def _tables(audit: Audit) -> Section | None:
    if not audit.tables:
        return None
    return Section("Tables that changed", tuple(f"{name}: {count:,} rows" for name, count in audit.tables.items()))


def _size(moved: Moved) -> str:
    if moved.size is None:
        return ""
    # An old estimate that hardly varied makes any change look endless.
    return f"{moved.size:+.2f}" if abs(moved.size) < _ENDLESS else f"beyond {math.copysign(_ENDLESS, moved.size):+.0f}"


def _paired(moved: Moved, before: str = "") -> str:
    if moved.paired is None:
        return ""
    p = moved.paired
    return f"{before}{p.difference:+.3g} ({p.low:+.3g} to {p.high:+.3g})"


def shown(record: dict[str, Any] | None) -> str:
    """Write a record's value with its interval and its p value."""
    if record is None:
        return "(absent)"
    if record.get("estimate") == "p_value":
        return f"p {record['p_value']:.3g}"
    text = _value(record.get("value"))
    if record.get("ci_low") is not None and record.get("ci_high") is not None:
        text += f" ({_value(record['ci_low'])} to {_value(record['ci_high'])})"
    if record.get("p_value") is not None:
        text += f", p {record['p_value']:.3g}"
    return text


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{len(value)} members"
    return f"{value:.4g}" if isinstance(value, float) else "undefined" if value is None else str(value)
