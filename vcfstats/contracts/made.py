"""What vcfstats made and may therefore replace: a file or folder that somebody else put there is left as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import WRITING, file_hash, write_text

MARKER = ".made-by-vcfstats.json"
_OF_DESKTOPS = (".DS_Store", "Thumbs.db")  # what looking at a folder leaves in it


def files_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder by its name within it; a link has its target in place of a hash."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name == MARKER or path.name.startswith(WRITING) or path.name in _OF_DESKTOPS:
            continue
        if path.is_symlink() and path.is_dir():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file():  # a link to a file counts as the file: DVC may keep outputs as links into its cache
            found[name] = file_hash(path)
        elif not path.is_dir():
            found[name] = "no file"
    return found


def strangers(folder: Path, made: Mapping[str, str]) -> list[str]:
    """Return the files of a folder that are not among those made, or are no longer as they were made."""
    if folder.exists() and not folder.is_dir():
        return [folder.name]
    return [name for name, digest in files_of(folder).items() if made.get(name) != digest]


def refuse_strangers(folder: Path, found: Iterable[str], what: str) -> None:
    """Refuse to replace a folder that holds files that vcfstats did not make.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    names = list(found)
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise InputError(
            Problem(
                f"{names[0]}{more}, which vcfstats did not make or which was changed since",
                f"nothing but {what}, since the folder is replaced as a whole",
                "move what you want to keep to another folder, delete the rest of this one, and run it again",
                file=folder,
            )
        )


def mark_folder(folder: Path) -> None:
    """Note in a folder which files it holds, so that a later run may replace them."""
    write_text(folder / MARKER, json.dumps({"files": files_of(folder)}, indent=1) + "\n")


def refuse_unmarked(folder: Path, what: str) -> None:
    """Refuse a folder that is to be replaced and holds anything else than what an earlier run left and noted.

    Raises
    ------
    InputError
        Naming the first file that no run made.
    """
    refuse_strangers(folder, strangers(folder, _noted(folder / MARKER)), what)


def _noted(path: Path) -> dict[str, str]:
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return {}
    return files if isinstance(files, dict) else {}


HTML, MARKDOWN = "<!DOCTYPE html>", "## "  # how pages and reports begin


def refuse_other_file(path: Path | None, *, begins: str, option: str = "--out") -> None:
    """Refuse to write over a file that this command did not write: one that begins otherwise.

    Parameters
    ----------
    path : Path or None
        The file; None where none was asked for.
    begins : str
        How the files of the command begin: a table with its header.
    option : str
        What names it on the command line.

    Raises
    ------
    InputError
        The file exists and is another's, or is no file.
    """
    if path is None or not (path.exists() or path.is_symlink()):
        return
    if path.is_file():
        with path.open("rb") as stream:
            head = stream.read(len(begins.encode()))
        if head in (b"", begins.encode()):
            return
    raise InputError(
        Problem(
            "a file that this command did not write" if path.is_file() else "something that is no file",
            "a new name, or the file of an earlier run, which is replaced",
            f"name another with {option}",
            file=path,
        )
    )
