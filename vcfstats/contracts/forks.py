"""results/forks.json: what defensible alternatives to the study's decisions gave, on the same patients.

No stage owns the file: `vcfstats audit forks` writes it as a whole, git keeps it, and the documents read it. A study of which no
alternative was run has one without configurations.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.contracts.records import Record

Kind = Literal["reference", "analytic", "sampling"]
REFERENCE, ANALYTIC, SAMPLING = "reference", "analytic", "sampling"
SEED = "Seed"  # the name, in `changed`, of what is sampling variation and no decision


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Decision(_Part):
    """A decision with alternatives.

    `name` is its name in print, `keys` the keys of params.yaml that it sets, `reference` the study's own value in print and
    `values` those of the alternatives.
    """

    name: str
    keys: tuple[str, ...]
    reference: str
    values: tuple[str, ...]


class Fork(_Part):
    """One configuration and what it gave.

    `changed` maps each decision that is not the study's own to its value in print, and is empty for the reference; `params` and
    `data` are the hashes that the logs have; `features` counts those that selection kept, by feature set; `records` holds the
    AUCs of the headline models under their keys, such as ``out_of_fold/dlrn/auc``.
    """

    kind: Kind
    changed: dict[str, str] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    params: str
    data: str
    features: dict[str, int] = Field(default_factory=dict)
    records: dict[str, Record]


class Forks(_Part):
    """The file.

    `design` says whether each configuration departs from the reference in one decision, or all combinations were run; `named`
    counts the configurations that params.yaml names, of which all are here unless the run was cut short; `primary`
    is the model whose AUC is drawn, `comparator` the one that it is compared with first; `summary` holds the records that the
    documents tell of.
    """

    design: Literal["one_at_a_time", "factorial"] = "one_at_a_time"
    named: int = 0
    primary: str = ""
    comparator: str = ""
    decisions: tuple[Decision, ...] = ()
    configurations: tuple[Fork, ...] = ()
    summary: dict[str, Record] = Field(default_factory=dict)

    def of_kind(self, *kinds: str) -> tuple[Fork, ...]:
        """Return the configurations of some kinds, in the order of the file."""
        return tuple(fork for fork in self.configurations if fork.kind in kinds)


def write_forks(forks: Forks, path: Path) -> None:
    """Write results/forks.json."""
    write_text(path, json.dumps(forks.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_forks(path: Path) -> Forks:
    """Read results/forks.json; where there is none, no alternative was run.

    Raises
    ------
    InputError
        It holds something else.
    """
    try:
        return Forks.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Forks()
    except ValidationError as error:
        said = error.errors()[0]
        raise InputError(
            Problem(
                f"{'.'.join(map(str, said['loc'])) or 'the file'}: {said['msg']}", "what vcfstats audit forks writes",
                "run vcfstats audit forks again, or restore the file from git", file=path,
            )
        ) from None  # fmt: skip
