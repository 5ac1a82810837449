"""`vcfstats verify --rebuild`: the whole study from raw data once more, in a place of its own, beside what is committed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vcfstats.audit.change.revision import safe_yaml
from vcfstats.audit.rebuilding import StageVerdict, compare_stages
from vcfstats.audit.verification import TOLERANCE
from vcfstats.contracts import arithmetic
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.forks.clone import cloned


def run_rebuild(root: Path, *, within: float | None = None) -> bool:
    """Rebuild every stage with caches of its own, say of each how it compares, and return whether all agree.

    Parameters
    ----------
    root : Path
        The study's directory; nothing in it is touched.
    within : float or None
        Largest difference of two numbers that counts as the same, 1e-9 without.

    Raises
    ------
    InputError
        The study was never run, or a stage fails when it is rebuilt.
    """
    study = StudyDirectory(root)
    if not (root / "dvc.lock").is_file():
        raise InputError(
            Problem(
                "no such file", "dvc.lock, which names what is committed", "run `dvc repro`", file=root / "dvc.lock"
            )
        )
    print(
        f"rebuilding every stage from raw data, in {arithmetic.active()} arithmetic, with caches of its own", flush=True
    )
    start = time.monotonic()
    with cloned(study, apart=True) as clone:
        clone.rebuild()
        verdicts = compare_stages(
            _outputs(root),
            _outputs(clone.root),
            roots=(root, clone.root),
            tolerance=TOLERANCE if within is None else within,
        )
    for line in told(verdicts):
        print(line)
    print(f"rebuilt and compared in {time.monotonic() - start:.0f} s")
    return all(v.verdict in ("same bytes", "same to a tolerance") for v in verdicts)


def told(verdicts: list[StageVerdict]) -> list[str]:
    """Say what became of each stage, and in one sentence of all."""
    width = max((len(v.stage) for v in verdicts), default=0)
    lines = []
    for v in verdicts:
        lines.append(f"  {v.stage:<{width}}  {v.verdict}")
        lines += [f"  {'':<{width}}    {words}" for words in v.said]
    different = [v.stage for v in verdicts if v.verdict == "different"]
    unknown = [v.stage for v in verdicts if v.verdict == "not to be compared"]
    if different:
        lines.append(
            f"NOT REBUILT: {len(different)} of {len(verdicts)} stages differ, the first of them {different[0]}"
        )
    elif unknown:
        lines.append(
            f"not known: {len(unknown)} of {len(verdicts)} stages gave other bytes than dvc.lock names, and what it names is not here"
        )
    elif all(v.verdict == "same bytes" for v in verdicts):
        lines.append(f"rebuilt: all {len(verdicts)} stages gave the same bytes")
    else:
        lines.append(f"rebuilt: all {len(verdicts)} stages agree, some to a tolerance only")
    return lines


def _outputs(root: Path) -> dict[str, dict[str, str]]:
    stages: dict[str, Any] = safe_yaml((root / "dvc.lock").read_text(encoding="utf-8")).get("stages", {})
    return {
        name: {str(out["path"]): str(out.get("md5")) for out in stage.get("outs") or []}
        for name, stage in stages.items()
    }
