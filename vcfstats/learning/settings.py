"""Decisions of the learning room, with what each means and its unit."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vcfstats.learning.grids import ClassifierSettings


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SplitSettings(_Settings):
    """How patients are divided into a training and an internal test set."""

    method: Literal["column", "random", "stratified"] = Field(
        description="column: as given in the cohort table; random: by patient; stratified: by patient within outcome"
    )
    column: str | None = Field(
        default=None, description="column of the cohort table that holds the partition (method column)"
    )
    training_value: str = Field(default="training", description="value of that column for a training patient")
    testing_value: str = Field(default="testing", description="value of that column for a testing patient")
    test_fraction: float = Field(
        default=0.3, gt=0, lt=1, description="share of patients in the internal test set (random, stratified)"
    )

    @model_validator(mode="after")
    def _column_is_named(self) -> SplitSettings:
        if self.method == "column" and not self.column:
            raise ValueError("method 'column' needs the name of the column that holds the partition")
        return self


class ThresholdSettings(_Settings):
    """Which probability calls a patient positive; learned on out-of-fold training predictions, then frozen."""

    rule: Literal["youden", "fixed"] = Field(
        description="youden: largest sensitivity + specificity, lowest threshold of ties; fixed: `value`"
    )
    value: float | None = Field(default=None, ge=0, le=1, description="threshold of rule fixed (probability)")

    @model_validator(mode="after")
    def _fixed_has_a_value(self) -> ThresholdSettings:
        if (self.rule == "fixed") != (self.value is not None):
            raise ValueError("rule 'fixed' needs a value, and only rule 'fixed' takes one")
        return self


class FoldSettings(_Settings):
    """The cross-validation that tunes, ranks and gives out-of-fold probabilities."""

    n: int = Field(
        default=5, ge=3, le=20, description="folds of training patients; each fold's tuning uses the other folds"
    )
    nested: bool = Field(
        default=False,
        description="whether all tuning is repeated without each fold, so that no out-of-fold probability was by parameters that its fold helped to choose, and so is the choice among classifiers; false: only for the out-of-fold probabilities of the nomogram model, a third of the fits",
    )


class ReliabilitySettings(_Settings):
    """Which features are reproducible: a filter before everything else, from regions of training patients."""

    source: Literal["repeats", "perturbation", "none"] = Field(
        default="repeats",
        description="regions that readers drew again, or small changes of image and region; none: no filter",
    )
    form: Literal["ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)"] = Field(
        default="ICC(A,1)",
        description="form of the intraclass correlation (1 one-way, A absolute agreement, C consistency; one reading or the mean of k)",
    )
    value: Literal["estimate", "lower_limit"] = Field(
        default="estimate", description="what must reach the threshold: the estimate or its lower confidence limit"
    )
    combine: Literal["both", "either", "intra", "inter", "mean"] = Field(
        default="both",
        description="which of the intra- and inter-reader value must reach it; mean: their average (source repeats)",
    )
    threshold: float = Field(default=0.85, ge=0, le=1, description="smallest value of a feature that stays")
    deep: bool = Field(default=False, description="whether deep features are filtered too")
    patients: Literal["training"] = Field(
        default="training",
        description="whose repeated regions count; those of testing patients would let the filter see them",
    )


class TTestSettings(_Settings):
    """Filter by a two-sample t-test between events and non-events."""

    variances: Literal["student", "welch"] = Field(default="welch", description="student: equal variances; welch: not")
    alpha: float = Field(
        default=0.05, gt=0, le=1, description="features with p below it stay; 1 keeps every feature that varies"
    )
    adjustment: Literal["none", "bh", "by"] = Field(
        default="none",
        description="adjustment of the p values: none, or a false discovery rate (Benjamini-Hochberg, -Yekutieli)",
    )


class CorrelationSettings(_Settings):
    """Of features that correlate, one stays."""

    limit: float = Field(
        default=0.9, gt=0, le=1, description="absolute Pearson r above which one of two features is dropped"
    )
    keep: Literal["smallest_p", "first"] = Field(
        default="smallest_p",
        description="which of the two stays: that with the smaller p value of the t-test, or the first column; ties: the first column",
    )


class CollinearitySettings(_Settings):
    """Recursive elimination of collinear features by variance inflation."""

    limit: float | None = Field(
        default=None, gt=1, description="largest variance-inflation factor that stays; null leaves the step out"
    )
    surplus: Literal["mean_correlation", "association"] = Field(
        default="mean_correlation",
        description="which feature goes first while features outnumber the cases, for which no factor is defined: that with the largest mean absolute correlation with the others, or that with the largest p of the t-test",
    )


class LassoSettings(_Settings):
    """The LASSO whose non-zero coefficients are the selected features."""

    family: Literal["gaussian", "binomial"] = Field(
        default="gaussian", description="linear model of the 0/1 outcome, or logistic"
    )
    folds: int = Field(
        default=10, ge=3, le=50, description="folds of the cross-validation that chooses lambda, whole patients"
    )
    rule: Literal["min", "1se"] = Field(
        default="min",
        description="lambda with the least cross-validated error, or the largest within one standard error of it",
    )
    n_lambdas: int = Field(default=100, ge=2, le=1000, description="values of lambda, evenly spaced in the logarithm")
    lambda_ratio: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="smallest lambda as a fraction of the largest, at which every coefficient is zero",
    )


class HarmonisationSettings(_Settings):
    """Features of several scanners brought to a common location and spread, fitted wherever selection is."""

    method: Literal["none", "combat"] = Field(
        default="none", description="combat: empirical Bayes estimates of what each scanner adds and multiplies by"
    )
    matrices: tuple[Literal["radiomics", "deep"], ...] = Field(
        default=("radiomics",),
        min_length=1,
        description="features that are harmonised, each kind by itself; units of a network that are 0 in many cases have their zeros moved apart by scanner",
    )
    prior: Literal["parametric", "nonparametric", "none"] = Field(
        default="parametric",
        description="form of the empirical prior over features: normal and inverse gamma, or the distribution of the estimates; none: not shrunken",
    )
    mean_only: bool = Field(default=False, description="whether the spread is left as it is")
    covariates: tuple[str, ...] = Field(
        default=(), description="clinical columns whose effect on the features is preserved; never the outcome"
    )
    min_cases: int = Field(
        default=10, ge=2, description="fewest training cases of a scanner in every fit, folds left out"
    )
    describe: bool = Field(
        default=True,
        description="whether differences between scanners are measured on training patients, also where nothing is harmonised",
    )


class SelectionSettings(_Settings):
    """Feature selection, in this order; fitted on training patients and again inside every fold."""

    harmonisation: HarmonisationSettings = Field(
        default=HarmonisationSettings(), description="differences between scanners taken out"
    )
    sd_ddof: int = Field(
        default=1, ge=0, le=1, description="standard deviation of the z-score divides by n (0) or n - 1 (1)"
    )
    t_test: TTestSettings = Field(default=TTestSettings(), description="filter by t-test")
    correlation: CorrelationSettings = Field(default=CorrelationSettings(), description="filter by correlation")
    collinearity: CollinearitySettings = Field(
        default=CollinearitySettings(), description="filter by variance inflation"
    )
    lasso: LassoSettings = Field(default=LassoSettings(), description="LASSO")


class ImputationSettings(_Settings):
    """Multiple imputation of clinical findings by chained equations."""

    n_imputations: int = Field(
        default=20,
        ge=2,
        le=500,
        description="completed data sets; at least as many as per cent of the cases lack a finding",
    )
    iterations: int = Field(default=10, ge=1, le=100, description="rounds of each chain before a value is kept")
    donors: int = Field(
        default=5,
        ge=1,
        description="nearest cases that a number's imputed value is drawn from (predictive mean matching)",
    )


class ClinicalSettings(_Settings):
    """The clinical findings and the logistic model of them."""

    kappa_above: float | None = Field(
        default=0.75,
        ge=-1,
        lt=1,
        description="findings read twice enter if the readers' kappa exceeds it; null: all enter. Findings without a second reading always enter",
    )
    missing: Literal["complete_case", "median_mode", "multiple_imputation"] = Field(
        default="complete_case",
        description="complete_case: no clinical probability for cases with a missing finding; median_mode: the training median, or the commonest training level, fills it; multiple_imputation: chained equations on training cases",
    )
    imputation: ImputationSettings = Field(
        default=ImputationSettings(), description="multiple imputation, used by rule multiple_imputation"
    )
    screening_alpha: float = Field(
        default=0.05, gt=0, le=1, description="findings whose univariable p lies below it enter the multivariable model"
    )
    screening_test: Literal["likelihood_ratio", "wald"] = Field(
        default="likelihood_ratio", description="test of a finding by itself, all its levels at once"
    )
    predictors: Literal["screened", "independent"] = Field(
        default="independent",
        description="predictors of the clinical model and of the nomogram: all screened ones, or those of them with multivariable p below the same limit",
    )
    classifiers_use: Literal["all", "screened", "independent"] = Field(
        default="screened", description="findings that the eight classifiers see"
    )


class DeepHeadSettings(_Settings):
    """The network's own probability: a ridge-penalised logistic head on the frozen trunk's features, slice by slice."""

    C: tuple[float, ...] = Field(
        default=(1e-4, 1e-3, 1e-2, 1e-1), min_length=1, description="inverse penalty strengths tried, strongest first"
    )
    slices: Literal["mean_probability", "mean_logit", "max"] = Field(
        default="mean_probability", description="how the slices' probabilities become one per case"
    )


class FusionSettings(_Settings):
    """The nomogram model: the fused model's output and the clinical predictors in one logistic regression."""

    input: Literal["out_of_fold", "resubstituted"] = Field(
        default="out_of_fold",
        description="fused probabilities that the coefficients are fitted on: by models with the delivered parameters that had not seen the patient, or by the delivered model of its own training patients",
    )
    scale: Literal["probability", "logit"] = Field(
        default="logit", description="how the fused model's output enters; axis and fields are read as probabilities"
    )
    clip: float = Field(
        default=0.001,
        gt=0,
        lt=0.5,
        description="probabilities are kept this far from 0 and 1 before the logit (scale logit)",
    )
    penalty_c: float | None = Field(
        default=None, gt=0, description="inverse strength of a ridge penalty on standardised predictors; null: none"
    )
    shrinkage: Literal["heuristic", "none"] = Field(
        default="heuristic",
        description="coefficients multiplied by (chi2 - df) / chi2 of the model's likelihood ratio, or left as they are",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> FusionSettings:
        if self.penalty_c is not None and self.shrinkage != "none":
            raise ValueError("penalty_c shrinks coefficients already; allowed beside it: shrinkage: none")
        return self


class RecalibrationSettings(_Settings):
    """A map from a model's probability to a recalibrated one, learned on out-of-fold probabilities of training patients."""

    method: Literal["logistic", "isotonic", "none"] = Field(
        default="logistic",
        description="logistic: intercept and slope on the logit (Platt); isotonic: monotone steps, for many patients; none: raw probabilities alone",
    )
    clip: float = Field(
        default=0.001,
        gt=0,
        lt=0.5,
        description="probabilities are kept this far from 0 and 1 before the logit (method logistic)",
    )


class RiskGroupSettings(_Settings):
    """Groups of patients by predicted risk."""

    groups: int = Field(
        default=3,
        ge=2,
        le=10,
        description="number of groups by quantiles of out-of-fold probabilities of training patients, where `cuts` is null",
    )
    cuts: tuple[float, ...] | None = Field(
        default=None,
        min_length=1,
        description="probabilities at which the next group begins, ascending; null: quantiles",
    )

    @model_validator(mode="after")
    def _cuts_ascend(self) -> RiskGroupSettings:
        if self.cuts is not None and (
            list(self.cuts) != sorted(set(self.cuts)) or not all(0 < cut < 1 for cut in self.cuts)
        ):
            raise ValueError("cuts must be probabilities between 0 and 1, each larger than the one before")
        return self


class OptimismSettings(_Settings):
    """The chain repeated in bootstrap samples of the training patients, for the optimism of the headline models."""

    n_resamples: int = Field(
        default=50, ge=0, description="bootstrap samples of training patients; 0: none. 200 for a publication"
    )
    repeat_choice: bool = Field(
        default=False,
        description="whether every classifier is tuned in each of them and the best chosen anew, or only the one that was chosen",
    )

    @model_validator(mode="after")
    def _one_is_no_spread(self) -> OptimismSettings:
        if self.n_resamples == 1:
            raise ValueError("one bootstrap sample says nothing: 0 for none, 50 or more")
        return self


class StabilitySettings(_Settings):
    """The selection of features repeated in subsamples of the training patients, for how stable it is."""

    n_subsamples: int = Field(default=50, ge=0, description="subsamples of training patients; 0: none")
    share: float = Field(
        default=0.5, gt=0, lt=1, description="share of the patients of each class in a subsample, without replacement"
    )

    @model_validator(mode="after")
    def _one_is_no_spread(self) -> StabilitySettings:
        if self.n_subsamples == 1:
            raise ValueError("one subsample says nothing: 0 for none, 50 or more")
        return self


class LearningSettings(_Settings):
    """Everything between the feature matrices and the table of probabilities."""

    folds: FoldSettings = Field(default=FoldSettings(), description="cross-validation on training patients")
    reliability: ReliabilitySettings = Field(default=ReliabilitySettings(), description="filter by reproducibility")
    selection: SelectionSettings = Field(default=SelectionSettings(), description="feature selection")
    clinical: ClinicalSettings = Field(default=ClinicalSettings(), description="clinical findings")
    best_by: Literal["out_of_fold_auc"] = Field(
        default="out_of_fold_auc",
        description="what the best classifier of a feature set is chosen by; never a testing result",
    )
    classifiers: ClassifierSettings = Field(
        default=ClassifierSettings(), description="classifiers and what is tried of each"
    )
    delivered: Literal["mean_of_folds", "refitted"] = Field(
        default="mean_of_folds",
        description="what a classifier is in the end: the mean of the models without each fold, or one model fitted again to all training cases; always the latter where networks are trained, or findings imputed, without each fold",
    )
    deep_head: DeepHeadSettings = Field(default=DeepHeadSettings(), description="the network's own probability")
    fusion: FusionSettings = Field(default=FusionSettings(), description="the nomogram model")
    recalibration: RecalibrationSettings = Field(
        default=RecalibrationSettings(), description="a map to recalibrated probabilities"
    )
    risk_groups: RiskGroupSettings = Field(
        default=RiskGroupSettings(), description="groups of patients by predicted risk"
    )
    optimism: OptimismSettings = Field(
        default=OptimismSettings(), description="the chain repeated in bootstrap samples"
    )
    stability: StabilitySettings = Field(
        default=StabilitySettings(), description="the selection repeated in subsamples"
    )
    threshold: ThresholdSettings = Field(
        default=ThresholdSettings(rule="youden"), description="which probability calls a patient positive"
    )
