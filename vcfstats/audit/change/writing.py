"""An audit in words: Markdown, for a pull request and, as it stands, for a terminal."""

from __future__ import annotations

from typing import Any

from vcfstats.audit.change.compare import Audit, Moved

LOCK, RESULTS = "dvc.lock", "results/results.json"


def markdown(audit: Audit, *, most: int = 40) -> str:
    """Return the audit as Markdown; beyond the flips, the `most` largest moves are listed and the rest counted."""
    lines = [f"## Audit of params.yaml: {audit.before.name} to {audit.after.name}", ""]
    absent = {*audit.before.missing, *audit.after.missing}
    for revision in (audit.before, audit.after):
        lines += [f"- {revision.name} has no {path}: nothing to compare there." for path in revision.missing]
    if audit.undeclared:
        lines += ["### Undeclared deviations", "", *(f"- `{key}` owes a reason" for key in audit.undeclared), ""]
    flipped = [m for m in audit.moved if m.flips]
    lines += ["### Conclusions that flipped", ""]
    if RESULTS in absent:
        lines.append("Not known: the results of one side are missing.")
    else:
        lines += [f"- `{m.key}`: {'; '.join(m.flips)} ({_change(m)})" for m in flipped] or [
            "None among the result records; the tables of results/tables (pairs of models, odds ratios) are not compared."
        ]
    lines += ["", "### Decisions", ""]
    if audit.decisions:
        lines += ["| Key | Old | New | Meaning | Protocol | Reason |", "|---|---|---|---|---|---|"]
        lines += [
            _row(f"`{d.key}`", d.old, d.new, d.meaning, d.published, "**UNDECLARED**" if d.undeclared else d.reason)
            for d in audit.decisions
        ]
    else:
        lines.append("No key changed.")
    lines += ["", "### Stages that ran again", ""]
    if LOCK in absent:
        lines.append("Not known: dvc.lock of one side is missing.")
    else:
        lines += [f"- {name}: {why}" for name, why in audit.stages.items()] or ["None, by dvc.lock."]
    if RESULTS in absent:
        return "\n".join(lines) + "\n"
    rest = [m for m in audit.moved if not m.flips]
    lines += ["", f"### Results that moved: {len(audit.moved)}", ""]
    if rest:
        lines += [
            "Size: change over the old estimate's standard error. The same patients stand on both sides,",
            "so the size is no test.",
            "",
            "| Result | Old | New | Size |",
            "|---|---|---|---|",
        ]
        lines += [_row(f"`{m.key}`", _shown(m.old), _shown(m.new), _size(m)) for m in rest[:most]]
        if len(rest) > most:
            lines += ["", f"... and {len(rest) - most} more."]
    return "\n".join(lines) + "\n"


def _row(*cells: Any) -> str:
    return "| " + " | ".join(" ".join(str(cell).replace("|", "\\|").split()) for cell in cells) + " |"


def _size(moved: Moved) -> str:
    return "" if moved.size is None else f"{moved.size:+.2f}"


def _change(moved: Moved) -> str:
    return f"{_shown(moved.old)} to {_shown(moved.new)}"


def _shown(record: dict[str, Any] | None) -> str:
    if record is None:
        return "(absent)"
    text = _value(record.get("value"))
    if record.get("ci_low") is not None and record.get("ci_high") is not None:
        text += f" ({_value(record['ci_low'])} to {_value(record['ci_high'])})"
    if record.get("p_value") is not None:
        text += f", p {record['p_value']:.3g}"
    return text


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "undefined" if value is None else str(value)
