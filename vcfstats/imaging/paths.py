"""Names of images in a cohort table: a file, a folder, one volume of a folder (``P1/dicom#4.e2``), one segment of a file."""

from __future__ import annotations

from pathlib import Path


def split_choice(path: Path) -> tuple[Path, str | None]:
    """Return the file or folder, and the volume or segment chosen of it after ``#``, None where none is named."""
    if "#" not in path.name or path.exists():
        return path, None
    name, _, choice = path.name.rpartition("#")
    return path.with_name(name), choice
