"""Two revisions side by side: decisions, stages, results; conclusions that flipped come first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

from vcfstats.audit.change.conclusions import drawn_conclusions, flips, numbers, rank, set_change, weight
from vcfstats.audit.change.entries import rows_changed, table_entries
from vcfstats.audit.change.paired import Paired, pair
from vcfstats.audit.change.revision import Revision, keyed

ABSENT = "(absent)"
RESULTS, LOCK = "results/results.json", "dvc.lock"
_NO_DECISIONS = ("deviations.", "choices.", "forks.")  # reasons, and what else was tried


@dataclass(frozen=True)
class Decision:
    """A changed key of params.yaml.

    Attributes
    ----------
    key : str
        Dotted key.
    old, new : object
        Its values; "(absent)" where it is not there.
    meaning : str
        What it is: the schema's description and the comment on its line.
    published : str
        What the protocol says of it.
    reason : str
        The declared reason for the new value.
    stages : tuple of str
        Stages that read it and ran again; what follows them ran because of them.
    undeclared : bool
        Whether the new value owes a reason that is not there.
    stale : bool
        Whether the results beside it were computed with another value.
    """

    key: str
    old: Any
    new: Any
    meaning: str
    published: str
    reason: str
    stages: tuple[str, ...]
    undeclared: bool
    stale: bool


@dataclass(frozen=True)
class Moved:
    """A changed result.

    Attributes
    ----------
    key : str
        Of the record; of an estimate in a table, ``table/row/estimate``; of a conclusion, ``conclusion/...``.
    old, new : dict or None
        The record on both sides.
    size : float or None
        Change over the old estimate's standard error (half width of its interval over z); without an interval, None.
    flips : tuple of str
        Conclusions that a reader would now draw otherwise.
    paired : Paired or None
        The change on the same patients, where the predictions of both sides could be had.
    """

    key: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    size: float | None
    flips: tuple[str, ...]
    paired: Paired | None = None


@dataclass(frozen=True)
class Audit:
    """What differs between two revisions.

    Attributes
    ----------
    before, after : Revision
        The two sides.
    decisions : tuple of Decision
        Changed keys, in the order of params.yaml.
    stages : dict of str to str
        Stages that ran again, and what they met that was new.
    moved : tuple of Moved
        Changed results: flips first, then the AUCs of the paper's models on patients they had not seen; by size within each rank.
    tables : dict of str to int
        Table -> rows that are not the same on both sides.
    undeclared : tuple of str
        Keys of the new side that owe a reason, changed or not.
    remarks : tuple of str
        What could not be compared, and why.
    """

    before: Revision
    after: Revision
    decisions: tuple[Decision, ...]
    stages: dict[str, str]
    moved: tuple[Moved, ...]
    tables: dict[str, int]
    undeclared: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def flipped(self) -> tuple[Moved, ...]:
        """Results whose conclusion flipped."""
        return tuple(moved for moved in self.moved if moved.flips)


def compare_revisions(
    before: Revision,
    after: Revision,
    *,
    descriptions: Mapping[str, str] | None = None,
    paired: Mapping[str, Paired] | None = None,
    remarks: tuple[str, ...] = (),
) -> Audit:
    """Compare two revisions of a study.

    Parameters
    ----------
    before, after : Revision
        As `read_revision` gives them.
    descriptions : mapping, optional
        Dotted key -> what the schema says of it.
    paired : mapping, optional
        Record key -> its change on the same patients.
    remarks : tuple of str
        What the caller could not do, for the report.
    """
    stages = _stages(before, after)
    keys = [*before.params, *(key for key in after.params if key not in before.params)]
    decisions = tuple(
        _decision(key, before, after, stages, (descriptions or {}).get(key, ""))
        for key in keys
        if not key.startswith(_NO_DECISIONS) and _differ(before.params.get(key, ABSENT), after.params.get(key, ABSENT))
    )
    comparable = RESULTS not in {*before.missing, *after.missing}
    moved = _all_moved(before, after, paired or {}) if comparable else ()
    names = sorted({*before.tables, *after.tables})
    changed = {name: rows_changed(before.tables.get(name, ""), after.tables.get(name, "")) for name in names}
    return Audit(
        before=before,
        after=after,
        decisions=decisions,
        stages=stages,
        moved=moved,
        tables={name: count for name, count in changed.items() if count} if comparable else {},
        undeclared=tuple(key for key in after.params if _owes(key, after)[1]),
        remarks=remarks,
    )


def audit_revisions(
    root: Path, before: Revision, after: Revision, *, descriptions: Mapping[str, str] | None = None
) -> Audit:
    """Compare two revisions of the study in a directory, paired where DVC still has the predictions of both."""
    changes, remarks = pair(root, before, after)
    return compare_revisions(before, after, descriptions=descriptions, paired=changes, remarks=tuple(remarks))


def _all_moved(before: Revision, after: Revision, paired: Mapping[str, Paired]) -> tuple[Moved, ...]:
    moved = []
    for read in (lambda revision: revision.records, table_entries, drawn_conclusions):
        old, new = read(before), read(after)
        moved += [
            _moved(key, old.get(key), new.get(key), paired.get(key))
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key)
        ]
    moved.sort(
        key=lambda m: (
            not m.flips,
            weight(m.key) if m.flips else rank(m.key, m.new or m.old),
            m.size is None,
            -abs(m.size or 0.0),
            m.key,
        )
    )
    return tuple(moved)


def _differ(old: Any, new: Any) -> bool:
    return bool(type(old) is not type(new) or old != new)


def _owes(key: str, revision: Revision) -> tuple[str, bool]:
    """Return the reason given for a key, and whether one is owed and lacking."""
    entry = revision.protocol.get(key)
    table, owes = "choices", False
    if entry is not None:
        published = [entry["value"]] if "value" in entry else entry.get("values") or []
        departs = bool(published) and revision.params[key] not in published
        table, owes = "deviations" if departs else "choices", departs or entry.get("status") != "printed"
    reason = revision.params.get(f"{table}.{key}")
    return str(reason or ""), owes and not reason


def _decision(key: str, before: Revision, after: Revision, stages: Mapping[str, str], description: str) -> Decision:
    entry = after.protocol.get(key) or before.protocol.get(key)
    published = "not an analytic key of the protocol"
    if entry is not None:
        values = [entry["value"]] if "value" in entry else entry.get("values") or []
        published = f"{entry.get('status')}{': ' if values else ''}{' or '.join(map(str, values))}"
    reason, undeclared = _owes(key, after) if key in after.params else ("", False)
    comment = after.comments.get(key) or before.comments.get(key, "")
    said = [description, comment] if comment.lower() not in description.lower() else [description]
    read = {name: _stage_params(after.stages.get(name)) for name in after.stages}
    new = after.params.get(key, ABSENT)
    return Decision(
        key=key,
        old=before.params.get(key, ABSENT),
        new=new,
        meaning="; ".join(part for part in said if part),
        published=published,
        reason=reason,
        stages=tuple(name for name, params in read.items() if name in stages and key in params),
        undeclared=undeclared,
        stale=any(key in params and params[key] != new for params in read.values()),
    )


def _stage_params(stage: dict[str, Any] | None) -> dict[str, Any]:
    """Return the keys of params.yaml that dvc.lock says a stage was run with."""
    given = ((stage or {}).get("params") or {}).get("params.yaml") or {}
    return {key: value for key, value, _ in keyed(given)}


def _stages(before: Revision, after: Revision) -> dict[str, str]:
    """Return the stages whose entry in dvc.lock differs, with what they met that was new."""
    why = {}
    for name in sorted({*before.stages, *after.stages}):
        old, new = before.stages.get(name), after.stages.get(name)
        if old == new:
            continue
        if old is None or new is None:
            why[name] = "new stage" if old is None else "stage removed"
            continue
        was = {item["path"]: item.get("md5") for item in old.get("deps") or []}
        now = {item["path"]: item.get("md5") for item in new.get("deps") or []}
        changed = [path for path in sorted({*was, *now}) if was.get(path) != now.get(path)]
        if old.get("params") != new.get("params"):
            changed.insert(0, "params.yaml")
        why[name] = ", ".join(changed) or "its outputs alone"
    return why


def _moved(key: str, old: dict[str, Any] | None, new: dict[str, Any] | None, paired: Paired | None) -> Moved:
    if old is None or new is None:
        said = ("was not there before" if old is None else "is gone") if key.startswith("conclusion/") else ""
        return Moved(key, old, new, None, (said,) if said else ())
    a: Any = old.get("value")
    b: Any = new.get("value")
    if isinstance(a, tuple) and isinstance(b, tuple):
        return Moved(key, old, new, None, (set_change(a, b),))
    low: Any = old.get("ci_low")
    high: Any = old.get("ci_high")
    level: Any = old.get("level")
    size = None
    if numbers(a, b, low, high, level) and high > low:
        error = (high - low) / (2 * NormalDist().inv_cdf((1 + level) / 2))
        size = (b - a) / error
    return Moved(key, old, new, size, flips(key, old, new), paired)
