"""A nomogram as other rooms receive it: the model's own JSON with the words that a reader needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import write_text
from vcfstats.contracts.strict import finite_numbers, strict_json
from vcfstats.contracts.study import Hashes
from vcfstats.statistics.nomogram import Nomogram

FORMAT = "vcfstats-nomogram-file-1"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Predictor(_Part):
    """How one predictor is called.

    `levels` maps the model's values to their names; `lowest` and `highest` are limits beyond which a value makes no sense,
    not the range of the training data, which the model itself holds.
    """

    label: str = ""
    unit: str = ""
    levels: dict[str, str] = Field(default_factory=dict)
    help: str = ""
    lowest: float | None = None
    highest: float | None = None


class NomogramFile(_Part):
    """A nomogram with its words.

    `nomogram` is the content of `Nomogram.to_json`, or None with the `reason` why there is none; `caution` says why its
    probabilities must not be used, where they must not; `spread` that its input spreads otherwise than what it was fitted to.
    """

    format: str = FORMAT
    nomogram: dict[str, Any] | None
    reason: str = ""
    caution: str = ""
    spread: str = ""
    title: str = ""
    model: str = ""
    outcome: str = "the event"
    condition: str = ""
    simulated: bool = False
    predictors: dict[str, Predictor] = Field(default_factory=dict)
    n: int | None = None
    events: int | None = None
    confidence_level: float = Field(default=0.95, gt=0, lt=1)
    hashes: Hashes | None = None
    version: str = ""

    @model_validator(mode="after")
    def _reason_or_model(self) -> NomogramFile:
        if self.format != FORMAT:
            raise ValueError(f"format {self.format!r}; known is {FORMAT!r}")
        if self.nomogram is None and not self.reason:
            raise ValueError("without a nomogram there must be a reason")
        return self

    def model_of(self) -> Nomogram:
        """Return the nomogram itself.

        Raises
        ------
        ValueError
            There is none, or its content is not a nomogram's.
        """
        if self.nomogram is None:
            raise ValueError(f"there is no nomogram: {self.reason}")
        return Nomogram.from_json(json.dumps(self.nomogram))


def write_nomogram(content: NomogramFile, path: Path) -> None:
    """Write the file; floats keep every bit."""
    write_text(path, json.dumps(content.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_nomogram(path: Path) -> NomogramFile:
    """Read what `write_nomogram` wrote, or what `Nomogram.to_json` did: then predictors go by their column names.

    Raises
    ------
    InputError
        The file is missing or holds no nomogram.
    """
    allowed = "a nomogram in JSON, as a study's results/nomogram.json or Nomogram.to_json() holds it"
    try:
        content = strict_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(Problem("no such file", allowed, "correct the name", file=path)) from None
    except ValueError as error:
        raise InputError(Problem(f"no JSON ({error})", allowed, "write it again", file=path)) from None
    try:
        own = isinstance(content, dict) and content.get("format") == FORMAT
        given = NomogramFile.model_validate(content) if own else NomogramFile(nomogram=content)
        if given.nomogram is not None:
            model = given.model_of()
            finite_numbers([float(model.points_per_unit), float(model.maxscale)], "the point scale", above=0.0)
            finite_numbers(map(float, model.lp_range), "the linear predictor's range")
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InputError(Problem(said, allowed, "write it again", file=path)) from None
    return given
