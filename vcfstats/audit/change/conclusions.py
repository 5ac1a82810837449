"""Conclusions that flipped: a p value or an interval that crossed, another model best, another set of features."""

from __future__ import annotations

import io
import re
from typing import Any

import pandas as pd

from vcfstats.audit.change.revision import Revision
from vcfstats.contracts.predictions import as_fitted

ALPHA = 0.05
# Estimate -> its value of no effect, or of perfect calibration.
NULLS = {
    "auc": 0.5, "difference": 0.0, "auc_difference": 0.0, "or": 1.0, "adjusted_or": 1.0, "odds_ratio": 1.0, "hazard_ratio": 1.0,
    "coefficient": 0.0, "calibration_slope": 1.0, "calibration_intercept": 0.0, "calibration_in_the_large": 0.0, "oe_ratio": 1.0,
    "nri": 0.0, "idi": 0.0, "kappa": 0.0,
}  # fmt: skip
# A reader of the paper meets the test sets first; what a model says of the patients it learned from convinces nobody.
_WEIGHT = {"external": 0, "testing": 0, "out_of_fold": 1, "apparent": 3}
_OTHERS = 2
_HEADLINE = ("auc", "auc_difference", "difference")
_CANDIDATE = re.compile(r"[a-z_]+\.[a-z_]+")
_KINDS = {"testing": "internal test set", "out_of_fold": "out-of-fold predictions", "external": "external test set"}


def flips(key: str, old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """Return what a reader would now conclude otherwise from one result."""
    found = []
    p, q = old.get("p_value"), new.get("p_value")
    if p is not None and q is not None and (p < ALPHA) != (q < ALPHA):
        found.append(f"p crossed {ALPHA:g}: {p:.3g} to {q:.3g}")
    null = NULLS.get(str(old.get("estimate") or key.rsplit("/", 1)[-1]))
    limits = [side.get(end) for side in (old, new) for end in ("ci_low", "ci_high")]
    if null is not None and numbers(*limits):
        ends: list[Any] = limits
        within = [ends[0] <= null <= ends[1], ends[2] <= null <= ends[3]]
        if within[0] != within[1]:
            found.append(f"the interval {'no longer' if within[0] else 'now'} holds {null:g}")
        elif not within[0] and (ends[1] < null) != (ends[3] < null):
            found.append(f"the interval went to the other side of {null:g}")
    a, b = old.get("value"), new.get("value")
    if isinstance(a, str | bool) and a != b and old.get("kind") != "design":
        found.append(f"{a} became {b}")
    if numbers(a) and b is None:
        found.append("no longer estimable")
    return tuple(found)


def of_candidate(key: str, record: dict[str, Any] | None) -> bool:
    """Whether a result is that of a candidate classifier, named ``set.classifier``, and of none of the paper's models."""
    return "." in str((record or {}).get("model") or "") or any(_CANDIDATE.fullmatch(part) for part in key.split("/"))


def weight(key: str) -> int:
    """Return the place of a flip among the others, by what it was estimated on; smaller is read first."""
    parts = key.split("/")
    return (
        -1 if parts[0] == "conclusion" else min((_WEIGHT[part] for part in parts if part in _WEIGHT), default=_OTHERS)
    )


def rank(key: str, record: dict[str, Any] | None) -> int:
    """Return the place of a result that moved without flipping a conclusion; smaller is read first.

    AUCs of the paper's models on patients that they had not seen come before their other results there, those before what is
    no result of a model, and recalibrated models, candidate classifiers and training patients at the end.
    """
    model = str((record or {}).get("model") or "")
    parts = key.split("/")
    if of_candidate(key, record):
        return 5
    if weight(key) == _WEIGHT["apparent"]:
        return 4
    if (model and as_fitted(model) != model) or any(as_fitted(part) != part for part in parts):
        return 3
    if weight(key) in (_WEIGHT["testing"], _WEIGHT["out_of_fold"]):
        return 0 if parts[-1] in _HEADLINE else 1
    return 2


def numbers(*values: Any) -> bool:
    """Whether all values are numbers."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def drawn_conclusions(revision: Revision) -> dict[str, dict[str, Any]]:
    """Return what no single number says: the best model of each set of predictions, the features and terms that were kept.

    The values are words, so that any change of them is a flip.
    """
    found: dict[str, dict[str, Any]] = {}
    for kind, where in _KINDS.items():
        aucs = {
            str(record["model"]): record["value"]
            for record in revision.records.values()
            if record.get("kind") == kind and record.get("estimate") == "auc" and numbers(record.get("value"))
        }
        headline = {model: auc for model, auc in aucs.items() if "." not in model}
        if headline:
            best = max(sorted(headline), key=headline.__getitem__)
            found[f"conclusion/best_model/{kind}"] = {"value": best, "method": f"largest AUC, {where}"}
    for name, group, member, what in (
        ("coefficients", "feature_set", "feature", "features"),
        ("nomogram_model", None, "term", "nomogram_terms"),
    ):
        for owner, members in _members(revision.tables.get(name, ""), group, member).items():
            found["/".join(filter(None, ("conclusion", what, owner)))] = {"value": members}
    return found


def set_change(old: tuple[str, ...], new: tuple[str, ...], *, most: int = 8) -> str:
    """Say which members of a set came and went."""
    came, went = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    parts = [f"{len(old)} became {len(new)}"]
    for names, verb in ((came, "in"), (went, "out")):
        if names:
            more = f" and {len(names) - most} more" if len(names) > most else ""
            parts.append(f"{len(names)} {verb}: {', '.join(names[:most])}{more}")
    return "; ".join(parts)


def _members(text: str, group: str | None, member: str) -> dict[str, tuple[str, ...]]:
    if not text:
        return {}
    frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    if member not in frame or (group and group not in frame):
        return {}
    if group is None:
        return {"": tuple(sorted(frame[member]))}
    return {str(owner): tuple(sorted(rows[member])) for owner, rows in frame.groupby(group)}
