"""The change of every measure on the same patients, where the predictions of both revisions can be had."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vcfstats.audit.change.revision import Revision
from vcfstats.contracts.errors import InputError
from vcfstats.contracts.predictions import performance, read_predictions
from vcfstats.statistics.performance_change import performance_change

PREDICTIONS = "data/predictions.parquet"


@dataclass(frozen=True)
class Paired:
    """A measure's change on the same patients: new less old, with limits at the study's confidence level."""

    difference: float
    low: float
    high: float
    n: int


def predictions_of(root: Path, revision: Revision) -> tuple[pd.DataFrame | None, str]:
    """Return the predictions that a revision's dvc.lock names, or None and the reason why they cannot be had.

    They are taken from the working tree if these are the same bytes, else from DVC's cache; nothing is downloaded.
    """
    digest = revision.out(PREDICTIONS)
    if digest is None:
        return None, f"dvc.lock of {revision.name} names no {PREDICTIONS}"
    places = [root / PREDICTIONS, *(folder / "files" / "md5" / digest[:2] / digest[2:] for folder in _caches(root))]
    for place in places:
        if place.is_file() and _md5(place) == digest:
            try:
                return performance(read_predictions(place)), ""
            except InputError:
                return None, f"the predictions of {revision.name} are not in today's format"
    return None, f"the predictions of {revision.name} are neither in the working tree nor in DVC's cache"


def paired_changes(
    old: pd.DataFrame, new: pd.DataFrame, before: Revision, after: Revision
) -> tuple[dict[str, Paired], list[str]]:
    """Return record key -> paired change for every model whose predictions are of the same cases on both sides.

    Returns
    -------
    changes : dict
        ``testing/dlrn/auc`` -> change; measures that are undefined on a side are left out.
    remarks : list of str
        Models that could not be paired, and why.
    """
    level = float((after.records.get("design/confidence_level") or {}).get("value") or 0.95)
    found: dict[str, Paired] = {}
    apart: list[str] = []
    sides = [dict(list(table.groupby(["kind", "model"], sort=True))) for table in (old, new)]
    for kind, model in sorted(sides[0].keys() & sides[1].keys()):
        a, b = (side[kind, model].set_index(["repeat", "case_id"]).sort_index() for side in sides)
        if not a.index.equals(b.index) or not (a["outcome"] == b["outcome"]).all():
            apart.append(f"{kind}/{model}")
            continue
        limits: list[Any] = [side.records.get(f"{kind}/{model}/threshold", {}).get("value") for side in (before, after)]
        try:
            change = performance_change(
                a["outcome"],
                a["probability"],
                b["probability"],
                thresholds=(limits[0], limits[1]) if None not in limits else None,
                clusters=a["patient_id"].astype(str),
            )
        except ValueError:
            continue  # one class only: the records of both sides say that nothing is estimable
        for row in change.to_frame(level).dropna().itertuples():
            key = f"{kind}/{model}/{row.measure}"
            found[key] = Paired(float(row.difference), float(row.ci_low), float(row.ci_high), change.n_clusters)  # type: ignore[arg-type]
    remarks = [f"not the same patients or outcomes on both sides, so not paired: {', '.join(apart)}"] if apart else []
    return found, remarks


def pair(root: Path, before: Revision, after: Revision) -> tuple[dict[str, Paired], list[str]]:
    """Pair two revisions, or say why not."""
    if before.out(PREDICTIONS) is not None and before.out(PREDICTIONS) == after.out(PREDICTIONS):
        return {}, ["the predictions are the same bytes on both sides: no probability moved"]
    tables: list[Any] = []
    reasons = []
    for revision in (before, after):
        table, reason = predictions_of(root, revision)
        tables.append(table)
        reasons += [reason] if reason else []
    if reasons:
        return {}, [f"not paired: {'; '.join(reasons)}"]
    return paired_changes(tables[0], tables[1], before, after)


def _caches(root: Path) -> list[Path]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", "cache", "dir"], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return []
    line = done.stdout.strip().splitlines()
    return [root / line[-1]] if done.returncode == 0 and line else []


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
