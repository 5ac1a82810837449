"""Finished patients, kept by content: a run that was killed, or a cohort that grew, redoes only what is missing."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from vcfstats.contracts import arithmetic, files
from vcfstats.contracts.files import file_hash, writing_name
from vcfstats.imaging.headers.formats import files_of
from vcfstats.imaging.paths import split_choice

_MANIFEST = "manifest.json"
_ROOM = "vcfstats.imaging"
# Modules of this room by whose code an image and its mask come into memory.
READING = (
    "reading", "dicom", "dicom_header", "dicom_pixels", "segments", "paths", "geometry", "loading",
    *(f"headers/{name}" for name in ("content", "declared", "formats", "metaimage", "nifti", "nrrd")),
)  # fmt: skip


def path_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of a folder's files, and of what is chosen of either.

    Of an image in several files, a header that names those of its voxels, all are taken.
    """
    path, choice = split_choice(path)
    files = files_of(path) if path.is_file() else ()
    if len(files) == 1 and not choice:
        return file_hash(path)
    digest = hashlib.sha256(f"#{choice}\0".encode() if choice else b"")
    if len(files) == 1:
        digest.update(file_hash(path).encode())
    for file in files if len(files) > 1 else ():
        digest.update(f"{file.name}\0{file_hash(file) if file.is_file() else ''}\0".encode())
    for file in sorted(entry for entry in path.rglob("*") if entry.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{file_hash(file)}\0".encode())
    return digest.hexdigest()


# What carries cases about and changes no number: hashed where it is named, and not followed further.
_FRAME = ("batch", "cache", "cluster", "running", "settings", "__init__")


@cache
def modules_behind(modules: tuple[str, ...]) -> tuple[str, ...]:
    """Return modules of this room with all that they import of it, by file name or folder/name.

    What a module calls decides its result as much as its own lines do; a list kept by hand forgets one.
    """
    found: set[str] = set()
    todo = list(modules)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            if name not in _FRAME:
                todo += [other for other in _imported(name) if other not in _FRAME]
    return tuple(sorted(found))


def _imported(module: str) -> Iterator[str]:
    room = Path(__file__).parent
    for item in ast.walk(ast.parse((room / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(item, ast.ImportFrom) and (item.module or "").startswith(_ROOM):
            place = (item.module or "").removeprefix(_ROOM).strip(".").replace(".", "/")
            # `from room.module import name`, or `from room import module`.
            for name in (place, *(f"{place}/{alias.name}".strip("/") for alias in item.names)):
                if name and (room / f"{name}.py").is_file():
                    yield name


@cache
def code_version(modules: tuple[str, ...], packages: tuple[str, ...]) -> str:
    """Return a hash of modules of this room, of all that they import of it, and of the versions of packages.

    Two runs whose code or libraries differ never share an entry.

    Parameters
    ----------
    modules : tuple of str
        By file name, or folder/name.
    packages : tuple of str
        As they are installed.
    """
    digest = hashlib.sha256()
    for module in modules_behind(modules):
        digest.update((Path(__file__).parent / f"{module}.py").read_bytes())
    for package in packages:
        digest.update(f"{package}=={version(package)}\n".encode())
    return digest.hexdigest()


def entry_key(**parts: object) -> str:
    """Return the key of an entry: the SHA-256 of its named parts and the arithmetic, in JSON with sorted names."""
    said = {"arithmetic": arithmetic.active(), "parts": parts}
    return hashlib.sha256(json.dumps(said, sort_keys=True, allow_nan=False).encode()).hexdigest()


def cached(root: Path, kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of an entry, making it where it is missing or damaged.

    Parameters
    ----------
    root : Path
        The cache's folder.
    kind : str
        What the entry holds; a folder under `root`.
    key : str
        From `entry_key`.
    make : callable
        Called with an empty folder, to fill with files. The folder becomes the entry by one rename, so that an entry is
        whole or absent however the process ends.
    """
    target = root / kind / key[:2] / key
    if target.exists():
        if (defect := _defect(target)) is None:
            return target
        print(f"cache: {kind} entry {key[:12]} is damaged ({defect}); computing it again", file=sys.stderr, flush=True)
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.parent / writing_name()
    work.mkdir()
    try:
        make(work)
        manifest = {file.name: file_hash(file) for file in sorted(work.iterdir())}
        (work / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        try:
            work.rename(target)
        except OSError:
            # Another process finished the same entry first; equal keys hold equal content.
            if _defect(target) is not None:
                raise
        return target
    finally:
        shutil.rmtree(work, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove what killed runs left half written, never what a living one still writes."""
    files.sweep(*root.glob("*/*"), root)


def _defect(entry: Path) -> str | None:
    try:
        manifest = json.loads((entry / _MANIFEST).read_text(encoding="utf-8"))
        for name, digest in manifest.items():
            if file_hash(entry / name) != digest:
                return f"{name} has another checksum"
    except (OSError, ValueError, AttributeError) as error:
        return str(error)
    return None if manifest else "it is empty"
