"""The schema of params.yaml: every key, its type, its limits and what it means."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.imaging.quality import QualitySettings
from vcfstats.imaging.settings import PerturbationSettings, PreprocessSettings, RadiomicsSettings
from vcfstats.imaging.slices import SliceSettings
from vcfstats.learning.network.settings import TrunkSettings
from vcfstats.learning.settings import LearningSettings, SplitSettings
from vcfstats.pipeline.cohort_settings import FILL_IN, Line, Section, Text
from vcfstats.pipeline.cohort_settings import BidsSection as BidsSection
from vcfstats.pipeline.cohort_settings import CohortSection as CohortSection
from vcfstats.pipeline.cohort_settings import Covariate as Covariate
from vcfstats.pipeline.cohort_settings import ImageColumns as ImageColumns
from vcfstats.pipeline.forks.settings import ForksSettings
from vcfstats.pipeline.graph import SIMULATED
from vcfstats.pipeline.schema import checked
from vcfstats.pipeline.yamlfile import Loc, key_lines, leaves, read_yaml
from vcfstats.simulation.settings import SimulationSettings

Headline = Literal["clinical", "rad", "dl", "dlr", "dlrn"]


class Author(Section):
    """An author of the paper."""

    name: Text = Field(description="name as it is printed")
    affiliation: str = Field(default="", description="institution, city, country")
    roles: tuple[str, ...] = Field(default=(), description="roles by the CRediT taxonomy")
    orcid: str = Field(default="", pattern=r"^$|^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$", description="ORCID iD")


def _statement(what: str) -> Any:
    return Field(default="", description=f"{what}, in sentences; empty: the checklists ask the authors for it")


class Statements(Section):
    """What only the authors can say; what is given is printed, what is empty is asked for by the checklists."""

    keywords: str = _statement("keywords")
    correspondence: str = _statement("whom to write to, with address")
    design: str = _statement("nature of the study, such as retrospective, single-centre")
    setting: str = _statement("setting and centres")
    centres: str = _statement("which centres gave patients, where there are several")
    dates: str = _statement("dates of accrual and of the end of follow-up")
    representative: str = _statement("why the criteria give a representative population")
    overlap: str = _statement("overlap with earlier studies of the same patients")
    deidentification: str = _statement("how the images were de-identified")
    image_source: str = _statement("why clinics have images of this kind")
    parameters: str = _statement("why one or several imaging parameters")
    interval: str = _statement("interval between imaging and the reference standard")
    segmentation: str = _statement("who drew the regions, with what, how")
    test_masks: str = _statement("who or what drew the regions of the internal test set")
    outcome_assessment: str = _statement("who assessed the reference standard, and why it is a good one")
    blinding: str = _statement("what the assessors of the reference standard did not know")
    confounders: str = _statement("how confounding was handled")
    imbalance: str = _statement("how an imbalance of the classes was handled, or why not")
    limitations: str = _statement("what else limits the study, such as how the reference standard was set")
    use: str = _statement("who may use the model, with what training, and what they must give it")
    ethics: str = _statement("ethical approval and consent")
    registration: str = _statement("registration")
    involvement: str = _statement("involvement of patients and the public")
    funding: str = _statement("funding")
    competing_interests: str = _statement("competing interests")
    data_availability: str = _statement("availability of images and data")
    feature_availability: str = _statement("availability of the feature matrices")
    code_availability: str = _statement("availability of the code")
    acknowledgements: str = _statement("acknowledgements")


class StudySection(Section):
    """The words of this cohort."""

    title: Line = Field(description="title of the paper")
    subtitle: str = Field(default="", description="subtitle of the paper")
    condition: Line = Field(description="what the patients have, as in 'patients with CONDITION'")
    case_noun: Line = Field(description="what one case is, in the singular")
    authors: tuple[Author, ...] = Field(default=(), description="authors in order")
    statements: Statements = Field(default=Statements(), description="what only the authors can say")
    data_source: Text = Field(description="where the cohort comes from, one sentence")
    protocol: Literal["protocol.yaml"] | None = Field(
        description="the file with the published or registered values, or null: none was registered"
    )


class DecisionSection(Section):
    """Threshold probabilities of the decision curve."""

    low: float = Field(gt=0, lt=1, description="lowest threshold probability")
    high: float = Field(gt=0, lt=1, description="highest threshold probability")
    step: float = Field(gt=0, lt=1, description="distance between threshold probabilities")
    sensible_low: float = Field(gt=0, lt=1, description="lowest threshold at which somebody would act")
    sensible_high: float = Field(gt=0, lt=1, description="highest threshold at which somebody would still wait")

    @model_validator(mode="after")
    def _range(self) -> DecisionSection:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        if not self.low <= self.sensible_low < self.sensible_high <= self.high:
            raise ValueError(
                f"sensible_low ({self.sensible_low}) and sensible_high ({self.sensible_high}) must lie within {self.low} to {self.high}, in this order"
            )
        return self


class EvaluationSection(Section):
    """Statistics of the predictions."""

    confidence_level: float = Field(gt=0.5, lt=1, description="level of all confidence intervals")
    auc_interval: Literal["delong", "logit-delong"] = Field(description="interval of the AUC")
    proportion_interval: Literal["wilson", "clopper-pearson", "jeffreys", "agresti-coull"] = Field(
        description="interval of sensitivity, specificity, predictive values and accuracy"
    )
    hosmer_lemeshow_groups: int = Field(ge=3, le=20, description="groups of the Hosmer-Lemeshow test")
    calibration_smoother: Literal["loess", "rcs", "logistic"] = Field(
        description="curve drawn through predicted and observed"
    )
    decision: DecisionSection = Field(description="range of the decision curve")
    bootstrap_samples: int = Field(ge=200, le=100_000, description="resamples behind the band of the ROC curve")
    subgroup_minimum: int = Field(
        ge=2, description="events, and non-events, that a subgroup must hold for an AUC of its own"
    )
    anticipated_r2: float = Field(
        gt=0, lt=1, description="share of Nagelkerke's R2 anticipated for the least sample size (Riley et al. 2020)"
    )
    primary_comparison: tuple[Headline, Headline] = Field(
        description="the two models compared first, on the internal test set; all other pairs are adjusted for multiplicity"
    )
    pairs_adjusted_by: Literal["holm", "hochberg", "hommel", "bonferroni", "bh", "by", "none"] = Field(
        description="adjustment of the p values of all other pairs of models"
    )
    baseline_yates: bool = Field(description="chi-square of two-by-two baseline tables corrected for continuity")

    @field_validator("primary_comparison")
    @classmethod
    def _two_models(cls, value: tuple[str, str]) -> tuple[str, str]:
        if value[0] == value[1]:
            raise ValueError("two different models")
        return value


class ComputeSection(Section):
    """How, not what: no decision of the analysis."""

    arithmetic: Literal["portable", "native"] = Field(
        default="portable",
        description="portable: the instructions that all x86-64 processors with AVX2 and FMA share, so that all give the same "
        "bytes; it implies the CPU. native: whatever this machine has; results agree with others' to a tolerance",
    )
    workers: int = Field(ge=1, description="patients worked on at the same time")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where networks are trained: auto takes a GPU where there is one"
    )
    mixed_precision: bool = Field(
        default=True, description="whether training on a GPU multiplies in 16 bits; without a GPU it has no effect"
    )
    scheduler: str | None = Field(
        default=None,
        pattern=r"^[a-z]+://\S+$",
        description="address of a Dask scheduler whose workers take the patients, such as tcp://host:8786; null: this machine",
    )

    @model_validator(mode="after")
    def _portable_is_of_the_cpu(self) -> ComputeSection:
        if self.arithmetic == "portable" and self.device == "cuda":
            raise ValueError(
                "device cuda with arithmetic portable: no other processor repeats a GPU's numbers to the byte; set device to "
                "auto or cpu, or arithmetic to native"
            )
        return self


class ReportSection(Section):
    """The documents."""

    formats: tuple[Literal["html", "docx", "pdf", "xml"], ...] = Field(min_length=1, description="formats to render")
    patient_ids: bool = Field(
        default=False,
        description="whether results, documents and contact sheets call cases by their ids; false: by numbers",
    )


class Params(Section):
    """params.yaml."""

    seed: int = Field(ge=0, lt=2**63, description="root of every random number")
    study: StudySection
    simulate: dict[str, SimulationSettings] = Field(description="cohort to simulate, or an empty map for a real one")
    cohort: CohortSection
    split: SplitSettings
    preprocess: PreprocessSettings
    quality: QualitySettings
    radiomics: RadiomicsSettings
    perturbation: PerturbationSettings
    slices: SliceSettings
    trunk: TrunkSettings
    learning: LearningSettings
    evaluation: EvaluationSection
    compute: ComputeSection
    report: ReportSection
    forks: ForksSettings = Field(
        default_factory=ForksSettings, description="alternatives that vcfstats audit forks runs beside the decisions"
    )
    deviations: dict[str, Text] = Field(
        default_factory=dict, description="key that departs from a printed value -> reason"
    )
    choices: dict[str, Text] = Field(
        default_factory=dict, description="key on which the protocol is silent or contradictory -> reason"
    )

    @field_validator("simulate")
    @classmethod
    def _one_cohort(cls, value: dict[str, SimulationSettings]) -> dict[str, SimulationSettings]:
        if len(value) > 1 or (value and list(value) != ["cohort"]):
            raise ValueError("either {} or one entry named 'cohort'")
        return value

    @model_validator(mode="after")
    def _a_simulated_cohort_has_its_own_folder(self) -> Params:
        if self.simulate and PurePosixPath(self.cohort.folder) != PurePosixPath(SIMULATED):
            raise ValueError(
                f"cohort.folder: {self.cohort.folder!r} with `simulate` filled in, but a simulated cohort is written to "
                f"{SIMULATED} alone; for patients of your own write `simulate: {{}}`, else `folder: {SIMULATED}`"
            )
        return self

    @model_validator(mode="after")
    def _partition_has_a_column_of_its_own(self) -> Params:
        role = self.cohort.columns().get(self.split.column or "") if self.split.method == "column" else None
        if role is not None:
            raise ValueError(
                f"column {self.split.column!r} stands under split.column and under cohort.{role}: each column says one thing"
            )
        return self

    @model_validator(mode="after")
    def _harmonisation_has_its_columns(self) -> Params:
        chosen = self.learning.selection.harmonisation
        key = "learning.selection.harmonisation"
        if chosen.method != "none" and self.cohort.scanner is None:
            raise ValueError(
                f"{key}.method {chosen.method!r} needs cohort.scanner, where each image's scanner is named"
            )
        later = ("outcome", "followup.time", "followup.event")
        roles = self.cohort.columns()
        for name in chosen.covariates:
            if roles.get(name) in later:
                raise ValueError(
                    f"{key}.covariates: {name!r} is the column of {roles[name]}; preserving its effect would hand it to the features"
                )
            if name not in self.cohort.covariates:
                raise ValueError(
                    f"{key}.covariates: {name!r} is none of cohort.covariates: {', '.join(self.cohort.covariates) or 'there are none'}"
                )
        return self

    @model_validator(mode="after")
    def _repeated_deep_features_have_one_network(self) -> Params:
        if self.learning.reliability.deep and self.trunk.trained != "none":
            raise ValueError(
                f"learning.reliability.deep needs trunk.trained none; with {self.trunk.trained!r} a feature belongs to one of several networks"
            )
        return self

    def seed_for(self, purpose: str) -> np.random.SeedSequence:
        """Return the seed of one purpose: it depends on the root seed and the purpose's name, on nothing drawn before."""
        return np.random.SeedSequence([self.seed, *purpose.encode("utf-8")])


# What is no analytic decision: words, columns, paths, workers, what else is tried, the reasons themselves.
NOT_ANALYTIC = ("study", "simulate", "cohort", "compute", "report", "forks", "deviations", "choices", "seed")
_COLUMNS = ("split.column", "split.training_value", "split.testing_value")


def analytic_leaves(params: Params) -> dict[str, Any]:
    """Return the analytic decisions of params.yaml, dotted key -> value, in the order of the schema."""
    flat = leaves(params.model_dump(mode="json", exclude=set(NOT_ANALYTIC)))
    return {key: value for key, value in flat.items() if key not in _COLUMNS}


def read_params(path: Path) -> Params:
    """Read and check params.yaml.

    Raises
    ------
    InputError
        Every unknown key, wrong type and impossible value at once, each with the key's path.
    """
    return check_params(read_yaml(path), path, lines=lambda: key_lines(path))


def check_params(body: dict[str, Any], path: Path, *, lines: Callable[[], Mapping[Loc, int]] | None = None) -> Params:
    """Check the body of params.yaml; `path` names it in messages, `lines` returns where its keys stand."""
    stated = leaves(body)
    problems = [
        Problem(f"{key} not filled in", "the words and columns of this study", f"replace {FILL_IN}", file=path)
        for key, value in stated.items()
        if value == FILL_IN
    ]
    try:
        params = checked(Params, body, path, lines=lines)
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    # A default that nobody wrote down would be a decision that no diff shows.
    problems += [
        Problem(f"no key {key}", "every analytic decision written down", f"add it; its usual value is {json.dumps(value)}", file=path)
        for key, value in analytic_leaves(params).items()
        if key not in stated
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    return params
