"""A study's directory once more, for a while: other params, the same data, the same caches, and nothing of the study touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import making_folder
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.yamlfile import read_yaml

LAST = "learn"  # the last stage that is run: later ones compute results of the internal test set
_FOLDER = Path("forks") / "clones" / "study"
_TAIL = 8  # last lines of a failed run that the message repeats


@dataclass(frozen=True)
class Clone:
    """A copy of a study's directory, of which files come from the study's caches.

    Attributes
    ----------
    root : Path
        The copy.
    original : StudyDirectory
        The study.
    """

    root: Path
    original: StudyDirectory

    def run(self, body: dict[str, Any], name: str) -> StudyDirectory:
        """Run the stages up to the predictions with these params, what is unchanged or was run before from DVC's cache.

        Raises
        ------
        InputError
            A stage failed; the message repeats what it said.
        """
        with (self.root / "params.yaml").open("w", encoding="utf-8") as stream:
            YAML().dump(body, stream)
        # The study's own lock again: what a configuration has in common with the study is checked out, not run.
        shutil.copy(self.original.root / "dvc.lock", self.root / "dvc.lock")
        self._dvc("checkout", "--quiet", "--force", "--with-deps", LAST)  # what the cache lacks is run below
        code, said = self._dvc("repro", LAST)
        if code:
            raise InputError(
                Problem(
                    f"a run that failed with {name}: {' / '.join(said)}", "alternatives with which the stages run",
                    "mend what it names, or take the alternative out; finished configurations are kept",
                    file=self.original.params_file,
                )
            )  # fmt: skip
        return StudyDirectory(self.root)

    def rebuild(self) -> None:
        """Run every stage with the study's own params.

        Raises
        ------
        InputError
            A stage failed; the message repeats what it said.
        """
        shutil.copy(self.original.params_file, self.root / "params.yaml")
        code, said = self._dvc("repro")
        if code:
            raise InputError(
                Problem(
                    f"a stage that failed: {' / '.join(said)}", "a study whose stages run",
                    "run `dvc repro` in the study, and mend what it names", file=self.original.params_file,
                )
            )  # fmt: skip

    def _dvc(self, *arguments: str) -> tuple[int, list[str]]:
        """Run DVC in the copy, its words passed on as they come; return its exit code and its last words."""
        scripts = Path(sys.executable).parent
        environment = os.environ | {
            "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}",
            "DVC_SITE_CACHE_DIR": str(self.root / ".dvc" / "site"),
            "DVC_NO_ANALYTICS": "1",
        }
        tail: deque[str] = deque(maxlen=_TAIL)
        with subprocess.Popen(
            [sys.executable, "-m", "dvc", *arguments], cwd=self.root, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
        ) as process:  # fmt: skip
            try:
                for line in process.stdout or ():
                    sys.stderr.write(f"  {line}")
                    sys.stderr.flush()
                    if line.strip():
                        tail.append(line.strip())
            except BaseException:
                process.terminate()
                raise
        return process.returncode, list(tail)


def check_was_run(study: StudyDirectory) -> None:
    """Refuse a study that was not run with DVC yet.

    Raises
    ------
    InputError
        Naming what it lacks.
    """
    lacking = [
        name for name in ("dvc.yaml", "dvc.lock", ".dvc", "data/ingest.json") if not (study.root / name).exists()
    ]
    if lacking:
        raise InputError(
            Problem(f"no {', '.join(lacking)}", "a study that was run", "run `dvc repro` first, or `dvc pull`", file=study.root)
        )  # fmt: skip


@contextmanager
def cloned(study: StudyDirectory, *, apart: bool = False) -> Iterator[Clone]:
    """Yield a copy of a study's directory that is gone afterwards.

    Code, cohort and other files that no stage makes are links to the study's own; what stages make comes from DVC's cache, which
    both share, as they share the cache of finished patients. The simulated cohort is frozen: another root of the random
    numbers changes what is done with the patients, not the patients. A copy `apart` shares no cache and freezes nothing:
    all is made anew, but for the logs that no stage makes.
    """
    with making_folder((study.cache / _FOLDER).absolute()) as base:
        stages = read_yaml(study.root / "dvc.yaml")
        given = _given(stages["stages"], study)
        # As deep as paths climb out of the study's directory, so that the links to what lies there stay within the folder.
        climbs = max((Path(path).parts.count("..") for path in given), default=0)
        root = base.joinpath(*(["up"] * climbs), "study")
        root.mkdir(parents=True)
        if "simulate" in stages["stages"] and not apart:
            stages["stages"]["simulate"]["do"]["frozen"] = True
        with (root / "dvc.yaml").open("w", encoding="utf-8") as stream:
            YAML().dump(stages, stream)
        for path in given:
            _link(study.root / path, Path(os.path.normpath(root / path)))
        if apart:
            _keep_logs(study, root)
        else:
            _link(study.cache, root / study.cache.name)
        _configure(study, root, apart=apart)
        yield Clone(root, study)


def _given(stages: dict[str, Any], study: StudyDirectory) -> list[str]:
    """Return the relative paths that stages read and no stage makes, and the files that params name; none inside another."""
    folder = study.params.cohort.folder
    bodies = [stage.get("do", stage) for name, stage in stages.items() if name != "simulate" or study.params.simulate]

    def paths(*kinds: str) -> list[str]:
        found = [item for body in bodies for kind in kinds for item in body.get(kind) or []]
        names = [next(iter(item)) if isinstance(item, dict) else item for item in found]
        return [os.path.normpath(str(name).replace("${cohort.folder}", folder)) for name in names]

    made = {Path(path) for path in paths("outs", "metrics", "plots")}
    named = [name for name in (study.params.study.protocol, study.params.trunk.weights_file, ".dvcignore") if name]
    own = {Path(path) for path in (*paths("deps"), *map(os.path.normpath, named)) if not Path(path).is_absolute()}
    free = {path for path in own if not made & {path, *path.parents} and path.parts[0] != "results"}
    return sorted(str(path) for path in free if not free & set(path.parents) and (study.root / path).exists())


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.symlink_to(source.resolve(), target_is_directory=source.is_dir())


def _keep_logs(study: StudyDirectory, root: Path) -> None:
    """Give a copy what no stage makes and documents print: logs of looks and runs, and the alternatives."""
    for file in (study.looks_file, study.runs_file, study.forks_file):
        if file.is_file():
            target = root / file.relative_to(study.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)


def _configure(study: StudyDirectory, root: Path, *, apart: bool) -> None:
    """Give the copy a DVC of its own that shares the study's cache: files are linked where the file system can.

    A copy `apart` has a cache of its own too.
    """
    own = "[core]\n    analytics = false\n    check_update = false\n    no_scm = true\n"
    (root / ".dvc").mkdir()
    if apart:
        (root / ".dvc" / "config").write_text(own, encoding="utf-8")
        return
    asked = subprocess.run(
        [sys.executable, "-m", "dvc", "cache", "dir"], cwd=study.root, capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise InputError(
            Problem(f"no cache of DVC ({asked.stderr.strip()})", "a study under DVC", "run `dvc init` and `dvc repro`", file=study.root)
        )  # fmt: skip
    (root / ".dvc" / "config").write_text(
        f'{own}[cache]\n    dir = {asked.stdout.strip()}\n    type = "reflink,hardlink,symlink,copy"\n',
        encoding="utf-8",
    )
