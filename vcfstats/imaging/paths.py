"""Names of images in a cohort table: a file, a folder, one volume of a folder (``P1/dicom#4.e2``), one segment of a file."""

from __future__ import annotations

import os
from pathlib import Path


def split_choice(path: Path) -> tuple[Path, str | None]:
    """Return the file or folder, and the volume or segment chosen of it after ``#``, None where none is named.

    The name of a segment may hold anything, ``/`` and ``#`` too: the file ends at the first ``#`` before which there is one.
    """
    whole = str(path)
    if "#" not in whole or os.path.exists(whole):
        return path, None
    for place in (place for place, letter in enumerate(whole) if letter == "#"):
        name, choice = whole[:place], whole[place + 1 :]
        # A folder is chosen from by the last part of a path alone: `studies` may lie beside `studies#2`.
        if choice and (os.path.isfile(name) or (os.path.isdir(name) and "/" not in choice and not name.endswith("/"))):
            return Path(name), choice
    if "#" not in path.name:
        return path, None
    name, _, choice = path.name.rpartition("#")
    return (path.with_name(name), choice) if name else (path, None)
