"""Result records: every number or word that reaches a page is one of these, and says where it came from."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text

Kind = Literal["apparent", "out_of_fold", "testing", "external", "cohort", "model", "design"]


class Record(BaseModel):
    """One result.

    `kind` says of which predictions a performance figure is a function (apparent, out_of_fold, testing, external);
    `cohort` is a count or description of patients, `model` a property of a fitted model, `design` a decision in words.
    A value that is undefined (0/0) is null, with the reason in `method`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    estimate: str
    value: float | int | str | bool | None
    stage: str
    model: str | None = None
    partition: str | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    level: float | None = None
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    method: str | None = None
    n: int | None = None
    events: int | None = None
    unit: str | None = None

    @field_validator("value", "ci_low", "ci_high", "statistic", "df", "p_value", mode="before")
    @classmethod
    def _undefined_is_null(cls, value: Any) -> Any:
        """JSON has no NaN: undefined is null. Infinity would be read back by no strict parser, so it is refused."""
        if hasattr(value, "item"):
            value = value.item()
        if isinstance(value, float) and math.isnan(value):
            return None
        if isinstance(value, float) and math.isinf(value):
            raise ValueError("an infinite value cannot be a record; record it as null and say so in method")
        return value

    @model_validator(mode="before")
    @classmethod
    def _no_test_without_a_value(cls, given: Any) -> Any:
        """A test whose statistic is undefined has no p value: one by itself, such as 0.0, would say what nobody computed."""
        if isinstance(given, dict) and _is_undefined(given.get("value")):
            return given | dict.fromkeys(("statistic", "df", "p_value"), None)
        return given


def _is_undefined(value: Any) -> bool:
    return value is None or (isinstance(value, numbers.Real) and math.isnan(value))


Records = dict[str, Record]


def record_key(kind: str, owner: str | None, estimate: str) -> str:
    """Return the key of a record; its owner is a model, or a partition: ``testing/radiomics/auc``, ``cohort/all/n_cases``."""
    return "/".join(part for part in (kind, owner, estimate) if part)


def add_record(records: Records, record: Record) -> None:
    """Put a record under its key; the same key twice is a defect of the caller."""
    key = record_key(record.kind, record.partition if record.kind == "cohort" else record.model, record.estimate)
    if key in records:
        raise KeyError(f"two result records share the key {key!r}")
    records[key] = record


def write_records(records: Mapping[str, Record], path: Path) -> None:
    """Write records as JSON, keys sorted, one key a block: a commit's diff shows what a parameter moved."""
    body = {key: records[key].model_dump(exclude_none=False) for key in sorted(records)}
    write_text(path, json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_records(path: Path) -> Records:
    """Read records written by `write_records`.

    Raises
    ------
    InputError
        The file is missing or does not hold records.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return {key: Record.model_validate(value) for key, value in body.items()}
    except FileNotFoundError:
        raise InputError(
            Problem("no such file", "result records in JSON", "run `dvc repro` first", file=path)
        ) from None
    except (ValueError, AttributeError) as error:
        raise InputError(
            Problem(
                f"no result records ({error})", "a dictionary of records in JSON", "run `dvc repro` again", file=path
            )
        ) from None
