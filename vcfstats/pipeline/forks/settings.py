"""The section `forks` of params.yaml: alternatives that other researchers might have decided for with good reason."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from vcfstats.contracts.forks import SEED

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AlternativeSettings(_Settings):
    """One alternative."""

    set: dict[str, Any] = Field(min_length=1, description="dotted analytic key of params.yaml -> the other value")
    reason: Text = Field(description="why somebody would decide so")


class ForksSettings(_Settings):
    """Alternatives that `vcfstats audit forks` runs; no stage reads them, and no number of the study depends on them."""

    effort: dict[str, Any] = Field(
        default_factory=dict,
        description="dotted analytic key -> value of every configuration, that of the study's own decisions among them: what may cost less here",
    )
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = Field(
        default=(),
        description="other roots of the random numbers, on the same patients: sampling variation, no decision",
    )
    decisions: dict[Text, tuple[AlternativeSettings, ...]] = Field(
        default_factory=dict, description="name of a decision in print -> its alternatives"
    )

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        twice = [seed for seed, count in Counter(value).items() if count > 1]
        if twice:
            raise ValueError(f"seed {twice[0]} stands there twice")
        return value

    @model_validator(mode="after")
    def _one_decision_a_key(self) -> ForksSettings:
        if SEED in self.decisions:
            raise ValueError(f"a decision named {SEED!r}: give another name, this is what `seeds` are called in print")
        owner = dict.fromkeys(self.effort, "effort")
        for name, alternatives in self.decisions.items():
            for key in {key for alternative in alternatives for key in alternative.set}:
                if owner.setdefault(key, name) != name:
                    raise ValueError(f"{key} stands under {owner[key]!r} and under {name!r}: put it under one of them")
        return self
