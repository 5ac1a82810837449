"""What a machine does to a program (a full disk, a folder that nobody may write, too little memory) said as input is refused."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from subprocess import CalledProcessError

from vcfstats.contracts.errors import Problem
from vcfstats.contracts.files import WRITING, writing_name

KEPT = "finished patients are kept, and the same command goes on from them"
FAULTS = (OSError, MemoryError, RecursionError, BrokenProcessPool, CalledProcessError)
_PROBE = 1 << 16  # bytes; more than a file system keeps for small files


def problem_of(fault: BaseException) -> Problem:
    """Return in words what went wrong with the machine, on which file, and what to do about it."""
    if isinstance(fault, OSError):
        return _of_file(fault)
    if isinstance(fault, MemoryError):
        return Problem(
            "too little memory",
            "memory for the patients that are worked on at the same time",
            f"lower compute.workers (or --workers), or use a machine with more; {KEPT}",
        )
    if isinstance(fault, CalledProcessError):
        command = fault.cmd if isinstance(fault.cmd, str) else " ".join(map(str, fault.cmd))
        return Problem(
            f"a program that failed with exit code {fault.returncode} ({command})",
            "programs that do their part",
            "read what it said above; run it by itself to see more",
        )
    if isinstance(fault, RecursionError):
        return Problem(
            "a file nested deeper than can be read",
            "params, tables and models as vcfstats writes them",
            "write it flatter",
        )
    return Problem(
        "a worker process that ended before its work, as when the system runs out of memory",
        "workers that live until they are done",
        f"lower compute.workers (or --workers), or use a machine with more memory; {KEPT}",
    )


def _of_file(fault: OSError) -> Problem:
    file = _named(fault.filename)
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem(
            "no space left on the disk" if fault.errno == errno.ENOSPC else "no space left of your quota",
            "room for what is written; no file is left half written",
            f"free space, or move the study to a larger disk; {KEPT}",
            file=file,
        )
    if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        found = "a disk that is read only" if fault.errno == errno.EROFS else "no permission"
        return Problem(
            found,
            "folders that you may write, and files that you may read",
            f"change the permissions (ls -l shows them), or work in a copy that is yours; {KEPT}",
            file=file,
        )
    if fault.errno in (errno.ENOENT, errno.ENOTDIR):
        return Problem(
            "no such file, or one that went away while it was needed",
            "files that stay until the command has ended",
            f"put it back, or run the stage that makes it; {KEPT}",
            file=file,
        )
    if fault.errno in (errno.EEXIST, errno.EISDIR, errno.ENOTEMPTY):
        return Problem(
            "something else where a file or folder is to be written",
            "a free name",
            "move away what lies there",
            file=file,
        )
    if fault.errno in (errno.EMFILE, errno.ENFILE):
        return Problem("too many open files", "a file more", f"raise the limit (ulimit -n 4096); {KEPT}", file=file)
    if fault.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return Problem("a path that the system cannot follow", "shorter names, links that end", "rename it", file=file)
    why = fault.strerror or str(fault) or type(fault).__name__
    return Problem(
        f"a file or connection that failed ({why})",
        "a machine that reads and writes",
        f"look at the disk and the network, then run the same command again; {KEPT}",
        file=file,
    )


def _named(name: object) -> str:
    """Return a file's name; of one that is being written its folder, since the temporary name says nothing."""
    if not isinstance(name, str | bytes | os.PathLike):
        return ""
    path = Path(os.fsdecode(name))
    for part in (path, *path.parents):
        if part.name.startswith(WRITING):
            return str(part.parent)
    return str(path)


@contextmanager
def writer_of(path: Path, kinds: type[Exception] = RuntimeError) -> Iterator[None]:
    """Turn the errors of libraries that write a file without saying what the system said into the system's own error.

    Parameters
    ----------
    path : Path
        The file.
    kinds : type
        What the library raises.

    Raises
    ------
    OSError
        What a write to the same folder gives: a full disk, a folder that may not be written; else the library's words.
    """
    try:
        yield
    except kinds as error:
        probe = path.parent / writing_name()
        try:
            with probe.open("wb") as stream:
                stream.write(b"\0" * _PROBE)
                stream.flush()
                os.fsync(stream.fileno())
        finally:
            probe.unlink(missing_ok=True)
        words = str(error).strip().splitlines() or ["no reason given"]
        raise OSError(errno.EIO, words[-1], str(path)) from error
