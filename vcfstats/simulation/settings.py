"""What the simulated cohort is made with: how many patients, and how much of the diagnosis shows in the images."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, model_validator

# The patients that the reconstructed counts describe.
FULL_COHORT = 234


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EffectSettings(_Settings):
    """How the diagnosis moves what an image shows beyond the readers' findings.

    Each effect d moves the mean of a standard normal that every patient draws, by d where the diagnosis is malignant: a
    measurement of it without error would have an AUC of Phi(d / sqrt 2), 0.80 at d = 1.2.
    """

    roughness: float = Field(
        default=2.0, ge=-5, le=5, description="Amplitude of the marrow's texture: difference of means, in SD."
    )
    coarseness: float = Field(
        default=1.5, ge=-5, le=5, description="Correlation length of the texture: difference of means, in SD."
    )
    signal: float = Field(
        default=-0.6, ge=-5, le=5, description="Mean signal of the fractured body: difference of means, in SD."
    )
    bulge: float = Field(
        default=1.0, ge=-5, le=5, description="Convexity of the posterior wall: difference of means, in SD."
    )


class SimulationSettings(_Settings):
    """The simulated cohort."""

    n_patients: int = Field(
        default=FULL_COHORT,
        ge=8,
        le=FULL_COHORT,
        description="Patients; fewer than 234 are a subset of them, stratified by partition and diagnosis.",
    )
    n_repeat: int = Field(
        default=0, ge=0, le=FULL_COHORT, description="Patients whose region is drawn again by reader 1 and by reader 2."
    )
    second_reader_kappa: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Cohen's kappa between the findings and those of a second reader, over all 234; null: no second reader.",
    )
    field_ap_mm: PositiveFloat = Field(
        default=96.0, ge=70, le=300, description="Field of view kept, front to back, in mm."
    )
    field_hf_mm: PositiveFloat = Field(
        default=120.0, ge=90, le=360, description="Field of view kept, head to foot, in mm."
    )
    noise: NonNegativeFloat = Field(
        default=0.022,
        le=0.5,
        description="SD of the noise in each channel, as a fraction of the signal of cerebrospinal fluid.",
    )
    bias: NonNegativeFloat = Field(
        default=0.35, le=1.5, description="Logarithm of the bias field: largest swing over the field of view."
    )
    reader_sd_mm: NonNegativeFloat = Field(
        default=0.35, le=3, description="SD of a reader's outline about the true border, in mm."
    )
    reader_2_shift_mm: float = Field(
        default=0.3, ge=-3, le=3, description="How much further out reader 2 draws than reader 1, in mm."
    )
    effects: EffectSettings = Field(
        default=EffectSettings(), description="How much of the diagnosis shows in the images."
    )

    @model_validator(mode="after")
    def _consistent(self) -> SimulationSettings:
        if self.n_repeat > self.n_patients:
            raise ValueError(f"n_repeat ({self.n_repeat}) exceeds n_patients ({self.n_patients})")
        return self
