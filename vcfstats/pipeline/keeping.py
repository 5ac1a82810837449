"""Finished pieces of work that are no patients, kept in the study's cache under the hash of what decides them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vcfstats.imaging.cache import cached

_FILE = "content"


@dataclass(frozen=True)
class Kept:
    """Returns what a function makes, from the cache where an earlier run, killed or not, has made it.

    Attributes
    ----------
    root : Path
        The study's cache.
    kind : str
        What is kept; a folder under it.
    """

    root: Path
    kind: str

    def __call__(self, key: str, make: Callable[[], bytes]) -> bytes:
        """Return the content of a key."""

        def write(folder: Path) -> None:
            (folder / _FILE).write_bytes(make())

        return (cached(self.root, self.kind, key, write) / _FILE).read_bytes()

    def get(self, key: str) -> bytes | None:
        """Return the content of a key, None where no run has made it."""
        try:
            return self(key, _missing)
        except LookupError:
            return None


def _missing() -> bytes:
    raise LookupError("nobody has made it")
