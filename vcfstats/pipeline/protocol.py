"""params.yaml against protocol.yaml: no analytic key departs from what was published without saying why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.params import Params, analytic_leaves
from vcfstats.pipeline.yamlfile import read_yaml


class ProtocolKey(BaseModel):
    """What the protocol says of one analytic key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["printed", "contradictory", "silent"]
    value: Any = None
    values: list[Any] = Field(default_factory=list)
    note: str = ""

    @property
    def published(self) -> tuple[Any, ...]:
        """The printed value or values; empty where the protocol is silent."""
        return (
            tuple(self.values) if self.status == "contradictory" else (self.value,) if self.status == "printed" else ()
        )

    def table_for(self, value: Any) -> str | None:
        """Return under which of `deviations` and `choices` a value needs a reason, None where it is the printed one."""
        if self.published and value not in self.published:
            return "deviations"
        return None if self.status == "printed" else "choices"

    @model_validator(mode="after")
    def _status_fits_values(self) -> ProtocolKey:
        given = self.model_fields_set
        if self.status == "printed" and ("value" not in given or "values" in given):
            raise ValueError("status printed needs `value`, and no `values`")
        if self.status == "contradictory" and (len(self.values) < 2 or "value" in given):
            raise ValueError("status contradictory needs `values`, at least two, and no `value`")
        if self.status == "silent" and ({"value", "values"} & given):
            raise ValueError("status silent has neither `value` nor `values`")
        return self


class Protocol(BaseModel):
    """protocol.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    doi: str = ""
    keys: dict[str, ProtocolKey]


@dataclass(frozen=True)
class Departure:
    """One analytic key for which params.yaml owes a reason.

    Attributes
    ----------
    key : str
        Dotted key.
    status : str
        printed, contradictory or silent.
    published : tuple
        Printed value or values; empty where the protocol is silent.
    used : object
        Value in params.yaml.
    reason : str
        Why, from `deviations` or `choices`.
    """

    key: str
    status: str
    published: tuple[Any, ...]
    used: Any
    reason: str

    @property
    def is_deviation(self) -> bool:
        """Whether a printed value was departed from."""
        return bool(self.published) and self.used not in self.published


def read_protocol(path: Path) -> Protocol:
    """Read protocol.yaml."""
    body = read_yaml(path)
    try:
        return Protocol.model_validate(body)
    except ValidationError as error:
        raise InputError(
            [Problem(f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}", "a key with status, value or values, note", "correct the entry", file=path)
             for e in error.errors()]
        ) from None  # fmt: skip


def compare(params: Params, protocol: Protocol | None, *, path: Path) -> list[Departure]:
    """Return the declared departures, or raise for each that is undeclared, needless or unknown.

    Parameters
    ----------
    params : Params
        The study's decisions.
    protocol : Protocol or None
        With None nothing is compared, and a reason is then a reason for nothing.
    path : Path
        params.yaml, for messages.

    Raises
    ------
    InputError
        All problems at once.
    """
    if protocol is None:
        needless = [*params.deviations, *params.choices]
        if needless:
            raise InputError([_needless(key, "no protocol is named in study.protocol", path) for key in needless])
        return []
    used = analytic_leaves(params)
    problems = [
        Problem(
            f"protocol key {key} that params.yaml does not have",
            "analytic keys of params.yaml",
            "correct its spelling or remove it",
            file=path.with_name("protocol.yaml"),
        )
        for key in protocol.keys
        if key not in used
    ]
    departures = []
    for key, value in used.items():
        entry = protocol.keys.get(key)
        if entry is None:
            problems.append(
                Problem(
                    f"analytic key {key} of which the protocol file says nothing",
                    "an entry for every analytic key",
                    "add it with its status (silent, if the source is)",
                    file=path.with_name("protocol.yaml"),
                )
            )
            continue
        published, owed = entry.published, entry.table_for(value)
        owes, table = owed is not None, owed or "choices"
        other = "choices" if table == "deviations" else "deviations"
        reason = getattr(params, table).get(key)
        if owes and reason is None:
            said = {
                "printed": f"the protocol prints {entry.value!r}",
                "contradictory": f"the protocol gives {entry.values!r}",
                "silent": "the protocol is silent",
            }[entry.status]
            problems.append(
                Problem(
                    f"{key} = {value!r} without a reason; {said}",
                    f"a reason under `{table}:`",
                    f"add `{key}: why` to {table}, or change the value",
                    file=path,
                )
            )
        if not owes and reason is not None:
            problems.append(_needless(f"{table}.{key}", f"the value is the printed one ({value!r})", path))
        if key in getattr(params, other):
            problems.append(
                _needless(
                    f"{other}.{key}",
                    f"a reason for this key belongs under {table}"
                    if owes
                    else f"the value is the printed one ({value!r})",
                    path,
                )
            )
        if owes and reason is not None:
            departures.append(Departure(key, entry.status, published, value, reason))
    problems += [
        _needless(f"{table}.{key}", "params.yaml has no analytic key of that name", path)
        for table in ("deviations", "choices")
        for key in getattr(params, table)
        if key not in used
    ]
    if problems:
        raise InputError(problems)
    return departures


def _needless(key: str, why: str, path: Path) -> Problem:
    return Problem(
        f"a reason {key} for nothing: {why}",
        "reasons for keys that deviate or had to be settled",
        "remove it or correct the key",
        file=path,
    )
