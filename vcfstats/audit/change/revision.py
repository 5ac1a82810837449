"""The committed files of a study at one revision, or those of the working tree."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from vcfstats.contracts.errors import InputError, Problem

TABLES = "results/tables"


@dataclass(frozen=True)
class Revision:
    """A study at one revision; no schema is asked, since an old revision need not fit today's.

    Attributes
    ----------
    name : str
        The revision as it was asked for.
    params, comments : dict
        Dotted key of params.yaml -> value, and -> the comment on its line.
    protocol : dict
        Dotted key -> entry of protocol.yaml with status, value or values.
    stages : dict
        Stage -> its entry in dvc.lock.
    records : dict
        Key -> result record, as in results/results.json.
    tables : dict
        Name -> text of results/tables/NAME.csv.
    missing : tuple of str
        Files that this revision does not have.
    """

    name: str
    params: dict[str, Any]
    comments: dict[str, str]
    protocol: dict[str, dict[str, Any]]
    stages: dict[str, dict[str, Any]]
    records: dict[str, dict[str, Any]]
    missing: tuple[str, ...] = ()
    tables: dict[str, str] = field(default_factory=dict)

    def out(self, path: str) -> str | None:
        """Return the MD5 that dvc.lock has of an output of some stage."""
        outs = [out for stage in self.stages.values() for out in stage.get("outs") or []]
        return next((out.get("md5") for out in outs if out.get("path") == path), None)


def git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in a directory; the caller looks at the return code."""
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, encoding="utf-8", check=False
        )
    except FileNotFoundError:
        raise InputError(Problem("no git", "git on the path", "install git")) from None


def read_revision(root: Path, revision: str | None) -> Revision:
    """Read a study's files at a revision; None is the working tree.

    Raises
    ------
    InputError
        A revision is asked for outside git, it does not exist or has no params.yaml, or a file cannot be parsed.
    """
    if revision is None:
        name = "working tree"

        def text(path: str) -> str | None:
            file = root / path
            return file.read_text(encoding="utf-8") if file.is_file() else None

        names = sorted(path.name for path in (root / TABLES).glob("*.csv"))
    else:
        if git(root, "rev-parse", "--is-inside-work-tree").returncode:
            raise InputError(
                Problem("no git repository", "a study under git", "run it in the study's repository, or `git init` and commit", file=root)
            )  # fmt: skip
        name = revision
        commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if commit.returncode:
            raise InputError(
                Problem(f"revision {revision}", "a commit, branch or tag of this repository", "see `git log`; a shallow clone lacks old ones")
            )  # fmt: skip
        sha = commit.stdout.strip()

        def text(path: str) -> str | None:
            shown = git(root, "show", f"{sha}:./{path}")
            return None if shown.returncode else shown.stdout

        listed = git(root, "ls-tree", "--name-only", sha, f"./{TABLES}/").stdout.split("\n")
        names = sorted(Path(line).name for line in listed if line.endswith(".csv"))
    files = {path: text(path) for path in ("params.yaml", "protocol.yaml", "dvc.lock", "results/results.json")}
    if files["params.yaml"] is None:
        raise InputError(
            Problem(
                f"no params.yaml in {name}", "a revision of the study", "choose a later revision", file="params.yaml"
            )
        )
    body = _parse(files["params.yaml"], f"params.yaml of {name}", YAML(typ="rt").load)
    return Revision(
        name=name,
        params={key: value for key, value, _ in keyed(body)},
        comments={key: comment for key, _, comment in keyed(body)},
        protocol=_parse(files["protocol.yaml"], f"protocol.yaml of {name}", safe_yaml).get("keys") or {},
        stages=_parse(files["dvc.lock"], f"dvc.lock of {name}", safe_yaml).get("stages") or {},
        records=_parse(files["results/results.json"], f"results/results.json of {name}", json.loads),
        missing=tuple(path for path, found in files.items() if found is None),
        tables={name.removesuffix(".csv"): text(f"{TABLES}/{name}") or "" for name in names},
    )


def safe_yaml(text: str) -> Any:
    """Parse YAML as data."""
    return YAML(typ="safe", pure=True).load(text)


def _parse(text: str | None, where: str, load: Callable[[str], Any]) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        body = load(text)
    except (YAMLError, ValueError) as error:
        message = " ".join(str(getattr(error, "problem", None) or error).split())
        raise InputError(
            Problem(f"unreadable ({message})", "a valid file", "correct or commit it", file=where)
        ) from None
    if not isinstance(body, dict):
        raise InputError(Problem(type(body).__name__, "a mapping", "correct the file", file=where))
    return body


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return value


def keyed(body: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield dotted key, value and the comment on its line."""
    for key, value in body.items():
        if isinstance(value, dict) and value:
            yield from keyed(value, f"{prefix}{key}.")
            continue
        tokens = body.ca.items.get(key) if isinstance(body, CommentedMap) else None
        comment = tokens[2].value.split("\n")[0].lstrip("# ").strip() if tokens and tokens[2] else ""
        yield f"{prefix}{key}", _plain(value), comment
