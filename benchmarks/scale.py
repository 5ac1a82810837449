"""What one examination costs, and how throughput grows from one worker to two. Writes results/scale.md and results/scale.csv.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/scale.py --folder data/simulated --cases 16

Run in a study's directory whose cohort.csv has image and mask files. Each stage runs on the same cases with an empty cache:
in this process, in two worker processes, and on a Dask cluster of one worker and of two. Workers are started, and have loaded
their libraries, before the clock runs; how long that took is told apart. CPU seconds are those of this process and its
workers, wall seconds those of a machine whose load stands beside them. Selection is timed on random features
of the study's number, for its time and memory grow with the cohort as no other stage's do.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from joblib.externals.loky import get_reusable_executor

from vcfstats.contracts.case import Case
from vcfstats.imaging import RadiomicsSettings, extract_cases, preprocess_cases, slice_cases
from vcfstats.imaging.batch import correction_file
from vcfstats.imaging.checking import check_cases
from vcfstats.imaging.quality import QualitySettings, case_quality
from vcfstats.imaging.running import run_cases
from vcfstats.imaging.settings import PreprocessSettings
from vcfstats.imaging.slices import SliceSettings

RESULTS = Path(__file__).parent / "results"
EVERY_TYPE = ("original", "wavelet", "log", "square", "square_root", "logarithm", "exponential", "gradient", "lbp_3d")
PREPROCESS = PreprocessSettings(image_interpolator="nearest")
RADIOMICS = RadiomicsSettings(image_types=EVERY_TYPE)
SELECTION = """
import resource, sys, time
import numpy as np, pandas as pd
from threadpoolctl import threadpool_limits
from vcfstats.learning.selection import select_features
from vcfstats.learning.settings import SelectionSettings
n, p = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
y = (np.arange(n) % 3 == 0).astype(np.int64)
X = rng.standard_normal((n, p)) + 0.3 * np.outer(y, rng.random(p) < 0.1)
frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(p)])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
with threadpool_limits(1):
    select_features(frame, y, np.arange(n).astype(str), SelectionSettings(), np.random.SeedSequence(1))
print(time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def cases_of(folder: Path, n: int) -> list[Case]:
    table = pd.read_csv(folder / "cohort.csv", dtype=str).head(n)
    return [
        Case(row["patient_id"], row["patient_id"], folder.absolute() / row["image"], folder.absolute() / row["mask"])
        for _, row in table.iterrows()
    ]


def cpu() -> float:
    """CPU seconds of this process and of its workers that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def ready(case: Case) -> None:
    """Load what the stages load; a moment longer, so that every worker takes one."""
    for module in ("batch", "slices"):
        importlib.import_module(f"vcfstats.imaging.{module}")
    time.sleep(1)


def look(case: Case, *, out: Path, cache: Path) -> None:
    case_quality(case, correction_file(case, out), QualitySettings(), cache=cache)


@contextmanager
def machine(kind: str, workers: int):
    """Yield where cases are worked on; when it ends, the workers' CPU seconds are those of ended children."""
    nobody = [Case(f"start{k}", "start", Path(), Path()) for k in range(workers)]
    if kind != "dask":
        if workers > 1:
            run_cases(ready, nobody, workers=workers, label="start")
        yield {"workers": workers}
        get_reusable_executor().shutdown(wait=True)
        return
    from distributed import LocalCluster

    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster:
        where = {"workers": 1, "scheduler": cluster.scheduler_address}
        with TemporaryDirectory() as shared:
            run_cases(ready, nobody, label="start", shared=Path(shared), **where)
        yield where


def measured(stage: str, kind: str, workers: int, n: int, work: Callable[[dict], object]) -> dict[str, object]:
    print(f"-- {stage}, {kind}, {workers} worker{'s' if workers > 1 else ''}", file=sys.stderr, flush=True)
    load, before, start = os.getloadavg()[0], cpu(), time.perf_counter()
    with machine(kind, workers) as where:
        begun = time.perf_counter()
        work(where)
        wall = time.perf_counter() - begun
    return {
        "stage": stage,
        "machine": {"serial": "this process", "processes": "processes", "dask": "Dask workers"}[kind],
        "workers": workers,
        "cases": n,
        "cpu_per_case_s": (cpu() - before) / n,
        "wall_s": wall,
        "start_s": begun - start,
        "load": load,
        "worker_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def run(folder: Path, n: int, root: Path, *, dask: bool) -> tuple[pd.DataFrame, dict[str, float]]:
    cases = cases_of(folder, n)
    rows, bytes_of = [], {"raw": sum(size_of(case) for case in cases) / n}
    machines = [("serial", 1), ("processes", 2), *((("dask", 1), ("dask", 2)) if dask else ())]
    for kind, workers in machines:
        cache, out = root / f"{kind}{workers}" / "cache", root / f"{kind}{workers}" / "out"
        stages: dict[str, Callable[[dict], object]] = {
            "preprocess": lambda where, out=out, cache=cache: preprocess_cases(
                cases, PREPROCESS, out=out, cache=cache, **where
            )
        }
        done = [
            Case(c.case_id, c.patient_id, out / f"{c.case_id}_image.nii.gz", out / f"{c.case_id}_mask.nii.gz", 1)
            for c in cases
        ]
        stages["radiomics"] = lambda where, done=done, cache=cache: extract_cases(done, RADIOMICS, cache=cache, **where)
        stages["slices"] = lambda where, done=done, cache=cache: slice_cases(
            done, SliceSettings(), cache=cache, **where
        )
        stages["quality"] = lambda where, done=done, cache=cache, out=out: run_cases(
            functools.partial(look, out=out.absolute(), cache=cache.absolute()),
            done,
            label="quality",
            shared=cache,
            **where,
        )
        if kind != "dask":
            rows.append(
                measured(
                    "check", kind, workers, n, lambda where: check_cases(cases, repeats={}, folder=folder, **where)
                )
            )
        rows += [measured(stage, kind, workers, n, work) for stage, work in stages.items()]
    bytes_of["preprocessed"] = size(root / "serial1" / "out") / n
    for name in ("preprocess", "radiomics", "slices", "quality"):
        bytes_of[f"cache of {name}"] = size(root / "serial1" / "cache" / name) / n
    return pd.DataFrame(rows), bytes_of


def size_of(case: Case) -> int:
    return case.image.stat().st_size + case.mask.stat().st_size


def selection(p: int, sizes: tuple[int, ...]) -> pd.DataFrame:
    rows = []
    for n in sizes:
        said = subprocess.run(
            [sys.executable, "-c", SELECTION, str(n), str(p)], capture_output=True, text=True, check=True
        )
        spent, memory = map(float, said.stdout.split())
        rows.append({"cases": n, "features": p, "cpu_s": spent, "memory_mb": memory / 1024, "matrix_mb": n * p * 8e-6})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--no-dask", action="store_true")
    given = parser.parse_args()
    with TemporaryDirectory() as temporary:
        run(given.folder, 1, Path(temporary) / "warm", dask=False)  # libraries loaded, compiled code in memory
        table, bytes_of = run(given.folder, given.cases, Path(temporary) / "run", dask=not given.no_dask)
        shutil.rmtree(temporary, ignore_errors=True)
        Path(temporary).mkdir()
    chosen = selection(5674, (164, 500, 1000))
    first = table[table["machine"] == "this process"].set_index("stage")["wall_s"]
    table["speed_up"] = table["stage"].map(first) / table["wall_s"]
    table.to_csv(RESULTS / "scale.csv", index=False, float_format="%.4g", lineterminator="\n")
    text = [
        "# What one examination costs, and two workers against one",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {given.cases} simulated cases, 1,834 features; caches empty. "
        "CPU seconds per case are user and system time of all processes, starting them and loading libraries included, which "
        "weighs less the more cases there are; wall seconds leave the start out. "
        "Load is the machine's average over the minute before: above the number of cores, wall seconds and speed-up say little.",
        "",
        "| Stage | On | Workers | CPU s per case | Wall s | Start s | Speed-up | Load | Largest worker so far MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    text += [
        f"| {r.stage} | {r.machine} | {r.workers} | {r.cpu_per_case_s:.2f} | {r.wall_s:.1f} | {r.start_s:.1f} | {r.speed_up:.2f} | {r.load:.1f} | "
        f"{'' if r.machine == 'this process' else f'{r.worker_mb:.0f}'} |"
        for r in table.itertuples()
    ]
    text += ["", "| Bytes per case | kB |", "|---|---|"]
    text += [f"| {name} | {value / 1000:.0f} |" for name, value in bytes_of.items()]
    text += [
        "",
        "| Selection, cases | Features | CPU s | Memory beyond the matrix (MB) | Matrix (MB) |",
        "|---|---|---|---|---|",
    ]
    text += [
        f"| {r.cases} | {r.features} | {r.cpu_s:.1f} | {r.memory_mb:.0f} | {r.matrix_mb:.0f} |"
        for r in chosen.itertuples()
    ]
    (RESULTS / "scale.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
