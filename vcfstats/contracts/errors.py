"""The one way in which bad input ends: who, which file, what was found, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what a user gave.

    Attributes
    ----------
    found : str
        What is there.
    allowed : str
        What would be accepted.
    mend : str
        What the user can do about it.
    patient : str
        Identifier of the patient or case, empty where the problem belongs to none.
    file : str
        The file, relative to the study's directory or the cohort's folder, empty where there is none.
    warning : bool
        Work can go on; somebody should look.
    """

    found: str
    allowed: str
    mend: str
    patient: str = ""
    file: str | Path = ""
    warning: bool = False

    def __str__(self) -> str:
        where = ", ".join(part for part in (f"patient {self.patient}" if self.patient else "", str(self.file)) if part)
        return f"{where + ': ' if where else ''}found {self.found}; allowed: {self.allowed}. To mend: {self.mend}."


class InputError(ValueError):
    """Input that cannot be used. The command line prints its problems and exits with 2, without a traceback."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        """Survive the way back from a worker process with the problems intact."""
        return (type(self), (self.problems,))


def lines_of(problems: Sequence[Problem], most: int = 5) -> list[str]:
    """Return one line a problem; of many with the same mend the first few, since one mistake often meets every patient."""
    kinds: dict[str, list[str]] = {}
    for problem in problems:
        kinds.setdefault(problem.mend, []).append(str(problem))
    lines = []
    for of_kind in kinds.values():
        lines += of_kind[:most]
        if len(of_kind) > most:
            lines.append(f"... and {len(of_kind) - most:,} more of this kind")
    return lines
