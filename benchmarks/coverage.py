"""Coverage of confidence intervals by seeded simulation, or exactly where the outcomes can be enumerated.

    python benchmarks/coverage.py                  # every study, as committed under benchmarks/results
    python benchmarks/coverage.py roc --workers 2  # one study; the workers change nothing
    python benchmarks/coverage.py roc --replicates 500 --out /tmp/try

A study is a function registered in any ``benchmarks/coverage_*.py``:

    from benchmarks.coverage import DESIGNS, register

    @register("roc", designs=[{**d, "auc": a} for d in DESIGNS for a in (0.7, 0.9)], replicates=10_000)
    def auc_intervals(design, generator):
        y, score = draw(design, generator)                  # one simulated data set
        return design["auc"], {"delong": roc_auc(y, score).confidence_interval(0.95)}

It returns the true value and the intervals of one data set; an interval of NaN, or a ValueError in place of all, counts as
not covering and is reported as undefined. With ``exact=True`` the function takes the design alone and returns
``{method: (coverage, mean width)}``. Every study writes ``coverage_<name>.csv`` and ``.md``; studies of one name share a file.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import math
import sys
import warnings
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
SEED = 20260101
CHUNK = 250
# The event counts of the study protocol's cohorts and of others of its size: rare and common events.
DESIGNS = [
    {"n": n, "events": events} for n, counts in ((70, (4, 26)), (164, (8, 61)), (1000, (50, 370))) for events in counts
]
COLUMNS = ["method", "level", "replicates", "coverage", "mc_se", "below", "above", "undefined", "width"]


@dataclass(frozen=True)
class Study:
    name: str
    about: str
    function: Callable
    designs: tuple[dict, ...]
    replicates: int
    level: float
    exact: bool


REGISTRY: list[Study] = []


def register(name: str, *, designs: Iterable[dict], replicates: int = 10_000, level: float = 0.95, exact: bool = False):
    """Register a function as a study; its docstring heads the table."""

    def add(function: Callable) -> Callable:
        about = " ".join((function.__doc__ or "").split())
        REGISTRY.append(Study(name, about, function, tuple(designs), replicates, level, exact))
        return function

    return add


def run(study: Study, *, replicates: int | None = None, workers: int = 1, seed: int = SEED) -> list[dict]:
    """Return one row a design and method."""
    if study.exact:
        return [
            {
                **design,
                "method": method,
                "level": study.level,
                "replicates": "exact",
                "coverage": coverage,
                "mc_se": 0.0,
            }
            | {"below": "", "above": "", "undefined": 0.0, "width": width}
            for design in study.designs
            for method, (coverage, width) in study.function(design).items()
        ]
    total = replicates or study.replicates
    tasks = []
    for number in range(len(study.designs)):
        key = (zlib.crc32(f"{study.name}.{study.function.__name__}".encode()), number)
        seeds = np.random.SeedSequence(seed, spawn_key=key).spawn(-(-total // CHUNK))
        tasks += [(study, number, s, min(CHUNK, total - i * CHUNK)) for i, s in enumerate(seeds)]
    if workers == 1:
        parts = list(map(_chunk, tasks))
    else:
        with ProcessPoolExecutor(workers) as pool:
            parts = list(pool.map(_chunk, tasks))
    rows = []
    for number, design in enumerate(study.designs):
        mine = [part for task, part in zip(tasks, parts, strict=True) if task[1] == number]
        for method in dict.fromkeys(m for part in mine for m in part):
            found = np.concatenate([part[method] for part in mine if method in part])
            rows.append({**design, "method": method, "level": study.level} | _summary(found, total))
    return rows


def _chunk(task: tuple) -> dict[str, np.ndarray]:
    study, number, seed, size = task
    generator = np.random.default_rng(seed)
    found: dict[str, list] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # degenerate samples are what a coverage study is made of
        for _ in range(size):
            try:
                truth, intervals = study.function(study.designs[number], generator)
            except ValueError:
                continue
            for method, (low, high) in intervals.items():
                found.setdefault(method, []).append((truth, low, high))
    return {method: np.array(values, dtype=float) for method, values in found.items()}


def _summary(found: np.ndarray, total: int) -> dict:
    truth, low, high = found.T
    defined = ~(np.isnan(low) | np.isnan(high))
    width = (high - low)[np.isfinite(low) & np.isfinite(high)]
    below, above = np.mean(truth[defined] < low[defined]), np.mean(truth[defined] > high[defined])
    covered = float(np.sum((low <= truth) & (truth <= high))) / total
    return {
        "replicates": total,
        "coverage": covered,
        "mc_se": math.sqrt(covered * (1 - covered) / total),
        "below": float(below),
        "above": float(above),
        "undefined": 1 - float(defined.sum()) / total,
        "width": float(np.mean(width)),
    }


def write(name: str, studies: list[tuple[Study, list[dict]]], folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    keys = list(dict.fromkeys(k for study, _ in studies for d in study.designs for k in d))
    columns = ["study", *keys, *COLUMNS]
    with (folder / f"coverage_{name}.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, restval="", lineterminator="\n")
        writer.writeheader()
        for study, rows in studies:
            for row in rows:
                writer.writerow({"study": study.function.__name__} | {k: _cell(v) for k, v in row.items()})
    lines = [
        f"# Coverage: {name}",
        "",
        f"Seed {seed}. Nominal level in the column `level`; `mc_se` is the Monte Carlo standard",
    ]
    lines += [
        "error of the coverage; `below` and `above` are the shares of intervals, among those defined, that lie above and"
    ]
    lines += [
        "below the truth (the truth is below, above them); `undefined` intervals count as not covering. Simulated data.",
        "",
    ]
    for study, rows in studies:
        names = [*study.designs[0], *COLUMNS]
        lines += [
            f"## {study.function.__name__}",
            "",
            study.about,
            "",
            "| " + " | ".join(names) + " |",
            "|---" * len(names) + "|",
        ]
        lines += ["| " + " | ".join(_cell(row[c]) for c in names) + " |" for row in rows]
        lines.append("")
    (folder / f"coverage_{name}.md").write_text("\n".join(lines), encoding="utf-8")


def _cell(value: object) -> str:
    return (
        f"{value:.4f}"
        if isinstance(value, float) and value not in (0.0, 1.0)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="studies to run; all where left out")
    parser.add_argument("--replicates", type=int, help="in place of each study's own number")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    for path in sorted((ROOT / "benchmarks").glob("coverage_*.py")):
        importlib.import_module(f"benchmarks.{path.stem}")
    known = sorted({study.name for study in REGISTRY})
    unknown = set(arguments.names) - set(known)
    if unknown:
        parser.error(f"no study named {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in arguments.names or known:
        done = []
        for study in (s for s in REGISTRY if s.name == name):
            rows = run(study, replicates=arguments.replicates, workers=arguments.workers, seed=arguments.seed)
            done.append((study, rows))
            print(name, study.function.__name__, "done", flush=True)
        write(name, done, arguments.out, arguments.seed)


if __name__ == "__main__":
    # The studies import benchmarks.coverage; run that one copy, so that there is one registry.
    sys.path.insert(0, str(ROOT))
    importlib.import_module("benchmarks.coverage").main()
