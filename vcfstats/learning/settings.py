"""Decisions of the learning room, with what each means and its unit."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SplitSettings(_Settings):
    """How patients are divided into a training and an internal test set."""

    method: Literal["column", "random", "stratified"] = Field(
        description="column: as given in the cohort table; random: by patient; stratified: by patient within outcome"
    )
    column: str | None = Field(default=None, description="column of the cohort table that holds the partition (method column)")
    training_value: str = Field(default="training", description="value of that column for a training patient")
    testing_value: str = Field(default="testing", description="value of that column for a testing patient")
    test_fraction: float = Field(default=0.3, gt=0, lt=1, description="share of patients in the internal test set (random, stratified)")

    @model_validator(mode="after")
    def _column_is_named(self) -> SplitSettings:
        if self.method == "column" and not self.column:
            raise ValueError("method 'column' needs the name of the column that holds the partition")
        return self


class LogisticSettings(_Settings):
    """A ridge-penalised logistic model on standardised features."""

    correlation_max: float = Field(gt=0, le=1, description="of two features with a larger absolute Pearson r on training, the later is dropped")
    penalty_c: float = Field(gt=0, description="inverse strength of the ridge penalty (scikit-learn's C)")
    folds: int = Field(ge=2, description="folds of the patient-level cross-validation on training patients")


class ThresholdSettings(_Settings):
    """Which probability calls a patient positive; learned on out-of-fold training predictions, then frozen."""

    rule: Literal["youden", "fixed"] = Field(description="youden: largest sensitivity + specificity, lowest threshold of ties; fixed: `value`")
    value: float | None = Field(default=None, ge=0, le=1, description="threshold of rule fixed (probability)")

    @model_validator(mode="after")
    def _fixed_has_a_value(self) -> ThresholdSettings:
        if (self.rule == "fixed") != (self.value is not None):
            raise ValueError("rule 'fixed' needs a value, and only rule 'fixed' takes one")
        return self
