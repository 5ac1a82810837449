"""Outputs of a rebuilt study beside those that are committed: the same bytes, the same to a tolerance, or different."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

Verdict = Literal["same bytes", "same to a tolerance", "different", "not to be compared"]
VERDICTS: tuple[Verdict, ...] = (
    "same bytes",
    "same to a tolerance",
    "not to be compared",
    "different",
)  # mildest first

_HASH = re.compile(r"[0-9a-f]{32}(?:[0-9a-f]{32})?")  # of a file: follows from bytes that are compared themselves
# What tells where and by which code results were made, and is no result.
_APART = ("environment", "hashes.code")
# Documents print what the results say, and the rebuild's own stage `audit` has read them back against it: where results before
# them are other bytes, so may they be, but not by themselves.
_DOCUMENTS = (".html", ".docx", ".pdf", ".xml", ".png", ".svg", ".typ")


@dataclass(frozen=True)
class StageVerdict:
    """What became of one stage.

    Attributes
    ----------
    stage : str
        Its name in dvc.lock.
    verdict : str
        One of `VERDICTS`, the worst of its outputs.
    said : tuple of str
        The outputs that are not the same bytes, with the largest difference or the first thing that differs.
    """

    stage: str
    verdict: Verdict
    said: tuple[str, ...] = ()


def compare_stages(
    committed: Mapping[str, Mapping[str, str]],
    rebuilt: Mapping[str, Mapping[str, str]],
    *,
    roots: tuple[Path, Path],
    tolerance: float,
) -> list[StageVerdict]:
    """Compare stage by stage, in the order of the committed ones.

    Parameters
    ----------
    committed, rebuilt : mapping
        Stage -> path of an output -> its hash, as the two dvc.lock have them.
    roots : tuple of Path
        The directories in which the committed and the rebuilt outputs lie.
    tolerance : float
        Largest difference of two numbers, relative above 1, that counts as the same.
    """
    found = []
    for stage in [*committed, *(name for name in rebuilt if name not in committed)]:
        old, new = committed.get(stage), rebuilt.get(stage)
        if old is None or new is None:
            where = "rebuild" if new is None else "committed results"
            found.append(StageVerdict(stage, "different", (f"the {where} lack this stage",)))
            continue
        worst, said = 0, []
        for path in sorted({*old, *new}):
            if old.get(path) == new.get(path):
                continue
            follows = any(before.verdict != "same bytes" for before in found)
            verdict, words = _compare_output(roots[0] / path, roots[1] / path, tolerance, follows=follows)
            worst = max(worst, VERDICTS.index(verdict))
            said.append(f"{path}: {words}")
        found.append(StageVerdict(stage, VERDICTS[worst], tuple(said)))
    return found


def _compare_output(old: Path, new: Path, tolerance: float, *, follows: bool) -> tuple[Verdict, str]:
    if not old.exists():
        return "not to be compared", "other bytes, and the committed ones are not here (`dvc pull` or `dvc checkout`)"
    if not new.exists():
        return "different", "the rebuild lacks it"
    if not old.is_dir():
        return _compare_file(old, new, tolerance, follows=follows)
    names = sorted({f.relative_to(top).as_posix() for top in (old, new) for f in top.rglob("*") if f.is_file()})
    worst, first, count = 0, "", 0
    for name in names:
        if not ((old / name).is_file() and (new / name).is_file()):
            verdict: Verdict = "different"
            words = "on one side alone"
        elif (old / name).read_bytes() == (new / name).read_bytes():
            continue
        else:
            verdict, words = _compare_file(old / name, new / name, tolerance, follows=follows)
        count += 1
        if not first or VERDICTS.index(verdict) > worst:
            first = f"{name}: {words}"
        worst = max(worst, VERDICTS.index(verdict))
    return VERDICTS[worst], f"{count} of {len(names)} files are other bytes; {first}"


def _compare_file(old: Path, new: Path, tolerance: float, *, follows: bool) -> tuple[Verdict, str]:
    """Compare two files whose bytes differ."""
    if old.suffix in _DOCUMENTS:
        if follows:
            return "same to a tolerance", "a document or picture of results that are other bytes, compared above"
        return "different", "another document or picture of results of the same bytes"
    read = _READERS.get("".join(old.suffixes[-2:])) or _READERS.get(old.suffix)
    if read is None:
        return "different", "other bytes"
    largest = 0.0
    pairs = dict(read(old)), dict(read(new))
    for key in [*pairs[0], *(key for key in pairs[1] if key not in pairs[0])]:
        a, b = (side.get(key) for side in pairs)
        size = _size(a, b)
        if size is None:
            return "different", f"{key} is {_short(a)} and {_short(b)}"
        if size > tolerance:
            return "different", f"{key} differs by {size:.2g}"
        largest = max(largest, size)
    return "same to a tolerance", f"largest difference {largest:.2g}"


def _size(a: Any, b: Any) -> float | None:
    """Return by how much two values differ, None where they do not agree in kind, shape, words or missing values."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
            return None
        if a.dtype.kind not in "fiu":
            return 0.0 if np.array_equal(a, b) else None
        a, b = a.astype(float), b.astype(float)
        if not np.array_equal(np.isfinite(a), np.isfinite(b)):
            return None
        apart = np.abs(a - b) / np.maximum(1.0, np.abs(a))
        return float(np.max(apart[np.isfinite(apart)], initial=0.0))
    if isinstance(a, str) and isinstance(b, str):
        return 0.0 if a == b or (_HASH.fullmatch(a) and _HASH.fullmatch(b)) else None
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, int | float) or not isinstance(b, int | float):
        return 0.0 if type(a) is type(b) and a == b else None
    if not (math.isfinite(a) and math.isfinite(b)):
        return 0.0 if str(a) == str(b) else None
    return abs(a - b) / max(1.0, abs(a))


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if at.startswith(_APART):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(item, f"{at}[{position}]")
    else:
        yield at, value


def _json(path: Path) -> Iterator[tuple[str, Any]]:
    return _leaves(json.loads(path.read_text(encoding="utf-8")), "")


def _csv(path: Path) -> Iterator[tuple[str, Any]]:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    yield "columns", " ".join(map(str, frame.columns))
    for number, row in enumerate(frame.itertuples(index=False), 1):
        for column, cell in zip(frame.columns, row, strict=True):
            try:
                yield f"row {number}, {column}", float(cell)
            except ValueError:
                yield f"row {number}, {column}", cell


def _parquet(path: Path) -> Iterator[tuple[str, Any]]:
    frame = pd.read_parquet(path)
    yield "index", np.asarray(frame.index.astype(str), dtype=str)
    for column in frame.columns:
        values = frame[column]
        numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
        yield (
            str(column),
            values.to_numpy(dtype=float, na_value=np.nan) if numeric else values.astype(str).to_numpy(str),
        )


def _arrays(path: Path) -> Iterator[tuple[str, Any]]:
    with np.load(path, allow_pickle=False) as arrays:
        yield from arrays.items()


def _image(path: Path) -> Iterator[tuple[str, Any]]:
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    yield "grid", repr((image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()))
    yield "voxels", sitk.GetArrayFromImage(image)


_READERS = {
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".npz": _arrays,
    ".nii.gz": _image,
    ".nrrd": _image,
    ".mha": _image,
}


def _short(value: Any) -> str:
    text = "absent" if value is None else repr(value).replace("\n", " ")
    return text if len(text) <= 60 else f"{text[:57]}..."
