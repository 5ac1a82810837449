"""`vcfstats verify`: every statistic computed again from the predictions table, beside what is committed."""

from __future__ import annotations

import contextlib
import io
import shutil
import time
from pathlib import Path
from typing import Any

from vcfstats.audit.change.revision import safe_yaml
from vcfstats.audit.verification import TOLERANCE, Comparison, compare_results
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import scratch_folder
from vcfstats.contracts.plan import read_plan
from vcfstats.contracts.study import read_study
from vcfstats.pipeline import evaluate, plan
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.environment import differences, here
from vcfstats.pipeline.graph import stages
from vcfstats.pipeline.outputs import digest_of
from vcfstats.pipeline.ran import check_settings

# Of study.json: what the rule of comparison and the remark on code are made from, not results.
APART = ("study/environment", "study/hashes.code")


def run_verify(root: Path, *, within: float | None = None) -> bool:
    """Recompute and compare, say by which rule, and return whether everything agrees.

    Parameters
    ----------
    root : Path
        The study's directory, with the data that `dvc repro` or `dvc pull` leave.
    within : float or None
        Tolerance in place of the rule's own.
    """
    study = StudyDirectory(root)
    check_inputs(study)
    committed = read_study(study.results / "study.json")
    tolerance, rule = _rule(study) if within is None else (within, f"within {within:g}, as asked for")
    print(f"rule: {rule}")
    start = time.monotonic()
    comparison, code_differs = _recompute(study, tolerance)
    if code_differs:
        print(
            f"the code is not that of the committed results (hash {committed.hashes.code[:16]}): compared all the same"
        )
    print(
        f"compared {comparison.records:,} records and {comparison.cells:,} cells of tables in {time.monotonic() - start:.0f} s; "
        f"largest difference {comparison.largest:.2g}"
    )
    for difference in comparison.differences[:40]:
        print(f"  {difference}")
    if len(comparison.differences) > 40:
        print(f"  ... and {len(comparison.differences) - 40} more")
    if comparison.differences:
        keys = {difference.key.partition(":")[0] for difference in comparison.differences}
        print(
            f"NOT VERIFIED: {len(comparison.differences)} values of {len(keys)} results differ from what is committed"
        )
        if 0 < comparison.largest <= TOLERANCE and tolerance == 0:
            print(
                f"  all numbers agree within {TOLERANCE:g}: another processor may round otherwise (--within {TOLERANCE:g})"
            )
        print(f"  {_advice(study)}")
    else:
        print("verified: the committed results are what the predictions, params and models give")
    return not comparison.differences


def _advice(study: StudyDirectory) -> str:
    if read_plan(study.plan_file) != plan.plan_of(study):
        return "the plan changed since the results were computed (vcfstats lock, protocol.yaml or a decision): run `dvc repro`, then verify again"
    return (
        "run `dvc repro`, which computes what is out of date, then verify again; git diff results shows what it moved"
    )


def _rule(study: StudyDirectory) -> tuple[float, str]:
    then = read_study(study.results / "study.json").environment
    if then is None:
        return TOLERANCE, f"within {TOLERANCE:g}, since the committed results do not say on what they were computed"
    differs = differences(then, here())
    if not differs:
        count = len(then.packages)
        return (
            0.0,
            f"bit for bit: the same platform ({then.platform}, Python {then.python}) and versions of {count} packages",
        )
    shown = ", ".join(differs[:5]) + (f" and {len(differs) - 5} more" if len(differs) > 5 else "")
    return TOLERANCE, f"within {TOLERANCE:g}, since the environment is another: {shown}"


def _recompute(study: StudyDirectory, tolerance: float) -> tuple[Comparison, bool]:
    with scratch_folder() as folder:
        again = StudyDirectory(study.root, results_folder=folder)
        if study.looks_file.is_file():
            shutil.copy(study.looks_file, again.looks_file)
        with contextlib.redirect_stdout(io.StringIO()):  # the stages' own words; progress goes to stderr
            plan.run(again)
            evaluate.run(again)
        old, new = (read_study(results / "study.json").hashes.code for results in (study.results, again.results))
        return compare_results(study.results, again.results, tolerance=tolerance, leave=APART), old != new


def check_inputs(study: StudyDirectory) -> None:
    """Check that everything that the stage evaluate reads lies there and is what dvc.lock names.

    Raises
    ------
    InputError
        All that is missing, another, or made with other settings, with one way to mend it.
    """
    check_settings(study.root, stages(), study.body, study.params_file)
    deps = _dependencies(study.root)
    missing = [path for path in deps if not (study.root / path).exists()]
    missing += [str(study.results.relative_to(study.root) / "results.json")] * (
        not (study.results / "results.json").is_file()
    )
    mend = "run `dvc repro`, which computes it, or `dvc pull` where a remote holds it"
    if missing:
        raise InputError(
            Problem(f"{len(missing)} of {len(deps)} inputs of the statistics missing ({', '.join(missing)})", "the data that the results were computed from", mend)
        )  # fmt: skip
    other = [path for path, digest in deps.items() if digest_of(study.root / path) != digest]
    if other:
        raise InputError(
            Problem(
                f"inputs that are not those of the committed results ({', '.join(other)})", "the bytes that dvc.lock names",
                "run `dvc checkout`, or `dvc repro` and commit what it changes",
            )
        )  # fmt: skip


def _dependencies(root: Path) -> dict[str, str]:
    """Return the data that the stage evaluate depends on, path -> MD5 of dvc.lock; code and what git holds are left out."""
    path = root / "dvc.lock"
    if not path.is_file():
        raise InputError(
            Problem(
                "no such file",
                "dvc.lock, which names what the results were computed from",
                "run `dvc repro`",
                file=path,
            )
        )
    locked: dict[str, Any] = safe_yaml(path.read_text(encoding="utf-8")).get("stages", {})
    outs = {out["path"] for stage in locked.values() for out in stage.get("outs") or []}
    deps = {dep["path"]: str(dep.get("md5")) for dep in locked.get("evaluate", {}).get("deps") or []}
    return {path: digest for path, digest in deps.items() if path in outs and not path.startswith("results/")}
