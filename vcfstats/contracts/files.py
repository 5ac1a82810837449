"""Files that are whole or absent: written under a temporary name beside the target, then renamed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WRITING = ".writing-"
_SCRATCH = "vcfstats-scratch-"
_OTHER_MACHINE_S = 86_400.0  # a half-written thing of another machine is taken for dead after a day


def writing_name(suffix: str = "", prefix: str = WRITING) -> str:
    """Return a temporary name that says which process of which machine writes it, so that a later one can tell what is dead."""
    return f"{prefix}{_machine()}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"


def _machine() -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", platform.node())[:16] or "machine"


def sweep(*folders: Path) -> None:
    """Remove what killed processes left half written in folders, never what a living one still writes."""
    for folder in folders:
        _sweep(folder, WRITING)


def _sweep(folder: Path, prefix: str) -> None:
    for left in folder.glob(f"{prefix}*"):
        if _is_dead(left, prefix):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):  # another's, whom it does not hinder
                    left.unlink()


def _is_dead(path: Path, prefix: str) -> bool:
    machine, _, rest = path.name.removeprefix(prefix).partition("-")
    process = rest.partition("-")[0]
    if machine == _machine() and process.isdigit():
        return not process_runs(int(process))
    try:
        return path.lstat().st_mtime < time.time() - _OTHER_MACHINE_S
    except FileNotFoundError:
        return False  # its writer has just finished


def process_runs(process: int) -> bool:
    """Whether a process of this machine is alive."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to it when the block ends well and deleted when it does not.

    The temporary name keeps the target's suffixes, since image writers choose the format by them. Who may read the file is
    what the process's umask says; a file that is replaced is never opened to more people than before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / writing_name("".join(path.suffixes))
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # less what the umask takes away
    try:
        yield temporary
        if path.is_file():
            temporary.chmod(temporary.stat().st_mode & (path.stat().st_mode | 0o700) & 0o777)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def making_folder(beside: Path) -> Iterator[Path]:
    """Yield an empty folder beside a path, for what is moved to its place when it is ready; gone when the block ends."""
    beside.parent.mkdir(parents=True, exist_ok=True)
    sweep(beside.parent)
    work = beside.parent / writing_name()
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield an empty folder among the machine's temporary files that nobody else may read, gone when the block ends.

    Those of killed processes are removed first: a scratch folder may hold pictures of patients.
    """
    base = Path(tempfile.gettempdir())
    _sweep(base, _SCRATCH)
    work = base / writing_name(prefix=_SCRATCH)
    work.mkdir(mode=0o700)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
