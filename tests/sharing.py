"""What is slow to make is made once a run of the tests, whichever of its processes asks first; the others wait for it."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder that `make` has filled in some process of this run of the tests; tests only read it.

    Where `make` fails in one process, the next one tries again, so that each tells the failure.
    """
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent  # the run's, above the processes' own
    shared = base / "made-once"
    shared.mkdir(exist_ok=True)
    tries = 0
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = shared / f"{name}.done"
        if done.is_file():
            return Path(done.read_text(encoding="utf-8"))
        while (folder := shared / f"{name}-{tries}").exists():
            tries += 1
        folder.mkdir()
        make(folder)
        done.write_text(str(folder), encoding="utf-8")
    return folder
