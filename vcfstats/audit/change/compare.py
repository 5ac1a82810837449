"""Two revisions side by side: decisions, stages, results; conclusions that flipped come first."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from vcfstats.audit.change.revision import Revision

ABSENT = "(absent)"
_REASONS = ("deviations.", "choices.")
# Estimates whose interval is read against a value of no effect, by the end of their name.
_NULLS = {"difference": 0.0, "odds_ratio": 1.0, "hazard_ratio": 1.0, "auc": 0.5, "nri": 0.0, "idi": 0.0}


@dataclass(frozen=True)
class Decision:
    """A changed key of params.yaml; `undeclared` where its new value owes a reason that is not there."""

    key: str
    old: Any
    new: Any
    meaning: str
    published: str
    reason: str
    undeclared: bool


@dataclass(frozen=True)
class Moved:
    """A changed result; `size` is the change over the old estimate's standard error (half width of the CI over z)."""

    key: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    size: float | None
    flips: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """What differs between two revisions; `undeclared` holds every such key of the new one, changed or not."""

    before: Revision
    after: Revision
    decisions: tuple[Decision, ...]
    stages: dict[str, str]
    moved: tuple[Moved, ...]
    undeclared: tuple[str, ...]


def compare_revisions(before: Revision, after: Revision) -> Audit:
    """Compare two revisions of a study."""
    keys = [*before.params, *(key for key in after.params if key not in before.params)]
    decisions = tuple(
        _decision(key, before, after)
        for key in keys
        if not key.startswith(_REASONS) and _differ(before.params.get(key, ABSENT), after.params.get(key, ABSENT))
    )
    moved = [
        _moved(key, before.records.get(key), after.records.get(key))
        for key in sorted({*before.records, *after.records})
        if before.records.get(key) != after.records.get(key)
    ]
    moved.sort(key=lambda m: (not m.flips, m.size is None, -abs(m.size or 0.0), m.key))
    return Audit(
        before=before,
        after=after,
        decisions=decisions,
        stages=_stages(before, after),
        moved=tuple(moved),
        undeclared=tuple(key for key in after.params if _owes(key, after)[1]),
    )


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


def _decision(key: str, before: Revision, after: Revision) -> Decision:
    entry = after.protocol.get(key) or before.protocol.get(key)
    published = "not an analytic key of the protocol"
    if entry is not None:
        values = [entry["value"]] if "value" in entry else entry.get("values") or []
        published = f"{entry.get('status')}{': ' if values else ''}{' or '.join(map(str, values))}"
    reason, undeclared = _owes(key, after) if key in after.params else ("", False)
    return Decision(
        key=key,
        old=before.params.get(key, ABSENT),
        new=after.params.get(key, ABSENT),
        meaning=after.comments.get(key) or before.comments.get(key, ""),
        published=published,
        reason=reason,
        undeclared=undeclared,
    )


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


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _moved(key: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Moved:
    if old is None or new is None:
        return Moved(key, old, new, None, ())
    a: Any = old.get("value")
    b: Any = new.get("value")
    low: Any = old.get("ci_low")
    high: Any = old.get("ci_high")
    level: Any = old.get("level")
    size = None
    if _numbers(a, b, low, high, level) and high > low:
        error = (high - low) / (2 * NormalDist().inv_cdf((1 + level) / 2))
        size = (b - a) / error
    return Moved(key, old, new, size, _flips(key, old, new))


def _flips(key: str, old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    flips = []
    p, q = old.get("p_value"), new.get("p_value")
    if p is not None and q is not None and (p < 0.05) != (q < 0.05):
        flips.append(f"p crossed 0.05: {p:.3g} to {q:.3g}")
    null = next((value for name, value in _NULLS.items() if key.endswith(name)), None)
    ends: list[Any] = [side.get(end) for side in (old, new) for end in ("ci_low", "ci_high")]
    if null is not None and _numbers(*ends):
        within = [ends[0] <= null <= ends[1], ends[2] <= null <= ends[3]]
        if within[0] != within[1]:
            flips.append(f"the interval {'no longer' if within[0] else 'now'} holds {null:g}")
    a, b = old.get("value"), new.get("value")
    if isinstance(a, str | bool) and a != b and old.get("kind") != "design":
        flips.append(f"{a} became {b}")
    return tuple(flips)
