"""From a number back to the raw files: its record, the stage, what the stage read and who made that, down to the patients."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

from vcfstats.audit.change.entries import table_entries
from vcfstats.audit.change.paired import PREDICTIONS, predictions_of
from vcfstats.audit.change.report import shown
from vcfstats.audit.change.revision import Revision, keyed, read_revision
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.forks import Forks, read_forks

KINDS = ("apparent", "out_of_fold", "testing", "external")
# What stage evaluate needs for a statistic of predictions; its other inputs belong to other results.
_OF_PREDICTIONS = (PREDICTIONS, "models/learned")
_WORDS = ("study", "cohort", "deviations", "choices", "simulate", "report", "compute", "forks")


def why(root: Path, key: str, *, everything: bool = False) -> list[str]:
    """Return the chain of one result, a record (``testing/dlrn/auc``) or an estimate in a table, as lines.

    Stages come in the order from the number to the raw files, each once, with what it read and the decisions that no
    earlier stage had read. Data that are not at hand are named by their hash alone.

    Parameters
    ----------
    root : Path
        The study's directory.
    key : str
        Key of results.json or of the summary in forks.json, or ``table/row/estimate`` as in ``comparison/testing/clinical/dlrn/difference``.
    everything : bool
        List every decision; without it those of the first stage, and of the others the declared deviations.

    Raises
    ------
    InputError
        There is no such key: the nearest ones are named.
    """
    revision = read_revision(root, None)
    entries = {} if key in revision.records else table_entries(revision)
    body = revision.records.get(key) or entries.get(key)
    forks = read_forks(root / "results" / "forks.json")
    if body is None and key in forks.summary:
        return [*_of_forks(key, forks), "", *_raw(root, revision)]
    if body is None:
        every = [*revision.records, *entries, *forks.summary]
        near = difflib.get_close_matches(key, every, n=5, cutoff=0.4) or [k for k in every if key in k][:5]
        raise InputError(
            Problem(f"no result {key!r}", f"keys such as {', '.join(near or every[:3])}", "correct the key", file=root / "results")
        )  # fmt: skip
    in_records = key in revision.records
    file = "results/results.json" if in_records else f"results/tables/{key.split('/')[0]}.csv"
    lines = [f"{key} = {shown(body)}", f"  {_about(body, file)}"]
    kind = body.get("kind") if in_records else next((part for part in key.split("/") if part in KINDS), None)
    steps = _steps(revision, from_predictions=kind in KINDS)
    for number, (name, reads, more) in enumerate(steps, 1):
        lines += ["", f"{number}. stage {name}: {revision.stages[name].get('cmd', '')}"]
        if name == body.get("stage") != "evaluate":
            lines.append("   leaves this number; stage evaluate copies it")
        lines += [f"   {line}" for line in _decisions(revision, name, everything=everything or number == 1)]
        for dep in reads:
            lines.append(f"   reads {dep['path']}  md5 {dep.get('md5')}{_files(dep)}")
            if dep["path"] == PREDICTIONS and name == "evaluate" and kind in KINDS:
                lines += [f"     {line}" for line in _rows(root, revision, str(kind), key, body)]
        lines += [f"   besides, for other results: {', '.join(more)}"] if more else []
    if not steps:
        lines += ["", "dvc.lock names no stage that makes this number; run `dvc repro`"]
    return [*lines, "", *_raw(root, revision)]


def _of_forks(key: str, forks: Forks) -> list[str]:
    """Tell of a number that no stage makes: which configurations it was taken from, and what each gave."""
    body = forks.summary[key].model_dump(mode="json")
    lines = [f"{key} = {shown(body)}", f"  {_about(body, 'results/forks.json')}", ""]
    lines.append(
        "vcfstats audit forks ran these, each in a copy of the study up to its predictions, and no result of a stage depends on them:"
    )
    for fork in forks.configurations:
        record = fork.records.get(f"out_of_fold/{forks.primary}/auc")
        said = ", ".join(f"{name}: {value}" for name, value in fork.changed.items()) or "as reported"
        auc = "not fitted" if record is None else shown(record.model_dump(mode="json"))
        lines.append(f"   {said}  params {fork.params[:16]}  data {fork.data[:16]}  out-of-fold AUC {auc}")
    return lines


def _about(body: dict[str, Any], file: str) -> str:
    said = [f"in {file}"]
    said += [f"method: {body['method']}"] if body.get("method") else []
    said += [f"{name} {body[name]}" for name in ("n", "events") if body.get(name) is not None]
    said += [f"level {body['level']:g}"] if body.get("level") else []
    return "; ".join(said)


def _makers(revision: Revision) -> dict[str, str]:
    """Return path -> stage that makes it."""
    return {out["path"]: name for name, stage in revision.stages.items() for out in stage.get("outs") or []}


def _steps(revision: Revision, *, from_predictions: bool) -> list[tuple[str, list[dict[str, Any]], list[str]]]:
    """Return stage, what it read for this number, what it read besides; from the evaluation to the raw files.

    A stage comes after all that read its outputs, so that the chain reads downwards.
    """
    made = _makers(revision)
    if "evaluate" not in revision.stages:
        return []
    reads: dict[str, list[dict[str, Any]]] = {}
    besides: dict[str, list[str]] = {}
    todo = ["evaluate"]
    while todo:
        name = todo.pop(0)
        deps = revision.stages[name].get("deps") or []
        if name == "evaluate" and from_predictions:
            besides[name] = [
                dep["path"] for dep in deps if made.get(dep["path"]) and dep["path"] not in _OF_PREDICTIONS
            ]
            deps = [dep for dep in deps if dep["path"] not in besides[name]]
        reads[name] = deps
        found = {made[dep["path"]] for dep in deps if dep["path"] in made} - {"plan"}
        todo += sorted(found - set(reads) - set(todo))
    order: list[str] = []
    while len(order) < len(reads):
        wanted = {made.get(dep["path"]) for name in reads if name not in order for dep in reads[name]}
        order.append(
            next(
                (name for name in reads if name not in order and name not in wanted),
                next(n for n in reads if n not in order),
            )
        )
    return [(name, reads[name], besides.get(name, [])) for name in order]


def _files(dep: dict[str, Any]) -> str:
    return f"  ({dep['nfiles']} files)" if dep.get("nfiles") else ""


def _decisions(revision: Revision, name: str, *, everything: bool) -> list[str]:
    """Return the decisions that this stage reads and no stage before it has read, each with protocol and reason."""
    given = {key: value for key, value, _ in keyed(_given(revision, name))}
    upstream = _upstream_keys(revision, name)
    own = [key for key in given if key.split(".")[0] not in _WORDS and key not in upstream]
    lines, hidden = [], 0
    for key in own:
        now = revision.params.get(key)
        deviation = revision.params.get(f"deviations.{key}")
        if not (everything or deviation or key == "seed" or now != given[key]):
            hidden += 1
            continue
        entry = revision.protocol.get(key) or {}
        values = [entry["value"]] if "value" in entry else entry.get("values") or []
        said = f"; protocol {entry['status']}{': ' + ' or '.join(map(str, values)) if values else ''}" if entry else ""
        reason = deviation or revision.params.get(f"choices.{key}")
        why_so = f"; {'deviation' if deviation else 'choice'}: {reason}" if reason else ""
        stale = "" if now == given[key] else f"; params.yaml now says {now}: the result is out of date"
        lines.append(f"decided {key} = {given[key]}{said}{why_so}{stale}")
    if hidden:
        more, keys = " more" if lines else "", "key" if hidden == 1 else "keys"
        lines.append(f"decided {hidden}{more} {keys} as the protocol has them or by a choice (--all lists them)")
    return lines


def _given(revision: Revision, name: str) -> dict[str, Any]:
    given: dict[str, Any] = (revision.stages[name].get("params") or {}).get("params.yaml") or {}
    return given


def _upstream_keys(revision: Revision, name: str) -> set[str]:
    made = _makers(revision)
    todo, found = [name], {name, "plan"}
    keys: set[str] = set()
    while todo:
        for dep in revision.stages[todo.pop()].get("deps") or []:
            maker = made.get(dep["path"])
            if maker and maker not in found:
                found.add(maker)
                todo.append(maker)
                keys |= {key for key, _, _ in keyed(_given(revision, maker))}
    return keys


def _rows(root: Path, revision: Revision, kind: str, key: str, body: dict[str, Any]) -> list[str]:
    table, reason = predictions_of(root, revision)
    if table is None:
        return [f"its rows are not at hand: {reason}; `dvc pull` or `dvc repro` brings them"]
    known = set(table["model"])
    lines = []
    for model in [body["model"]] if body.get("model") else [part for part in key.split("/") if part in known]:
        rows = table[(table["kind"] == kind) & (table["model"] == model)]
        threshold = (revision.records.get(f"{kind}/{model}/threshold") or {}).get("value")
        called = f", threshold {threshold:.6g}" if isinstance(threshold, float) else ""
        sets = ", ".join(sorted(set(rows["feature_set"])))
        lines.append(
            f"{len(rows)} rows: kind {kind}, model {model}, feature set {sets}; {rows['patient_id'].nunique()} patients, "
            f"{int(rows['outcome'].sum())} events, probabilities {rows['probability'].min():.4f} to {rows['probability'].max():.4f}{called}"
        )
    return lines


def _raw(root: Path, revision: Revision) -> list[str]:
    lines = ["raw files"]
    deps = revision.stages.get("ingest", {}).get("deps") or []
    folder = next((dep for dep in deps if not dep["path"].startswith("vcfstats")), None)
    lines += [f"   {folder['path']}  md5 {folder.get('md5')}{_files(folder)}"] if folder else []
    try:
        ingested = json.loads((root / "data" / "ingest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return [
            *lines,
            "   data/ingest.json, with the hash of every image and mask, is not at hand: `dvc pull` or `dvc repro` brings it",
        ]
    cases = ingested["cases"]
    first = min(cases)
    return [
        *lines,
        f"   cohort table  sha256 {ingested['table']}",
        f"   images and masks of {len(cases)} cases, each with its SHA-256 in data/ingest.json, such as",
        f"     {first}: image {cases[first]['image']}",
        f"     {first}: mask  {cases[first]['mask']}",
    ]
