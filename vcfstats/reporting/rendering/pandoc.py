"""Pandoc, as it comes with the package: one call, the same bytes for the same input."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pypandoc

from vcfstats.reporting.reproducible import epoch


@cache
def pandoc_path() -> str:
    """Return the packaged pandoc."""
    return str(pypandoc.get_pandoc_path())


@cache
def pandoc_version() -> str:
    """Return pandoc's version."""
    return str(pypandoc.get_pandoc_version())


def fixed_time() -> dict[str, str]:
    """Return the environment with a fixed time for writers that stamp their output."""
    return {**os.environ, "SOURCE_DATE_EPOCH": str(epoch())}


def pandoc(text: str, *, source: str, target: str, args: Sequence[str] = (), cwd: Path | None = None) -> str:
    """Convert text; with an ``--output`` among `args` the result is written there and "" returned.

    Raises
    ------
    RuntimeError
        Pandoc refused, with its own words.
    """
    done = subprocess.run(
        [pandoc_path(), "--from", source, "--to", target, *args],
        input=text.encode(), capture_output=True, cwd=cwd, env=fixed_time(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"pandoc to {target}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()
