"""The methods in words: each sentence reads the decisions that it tells, and changes with any of them."""

from __future__ import annotations

from vcfstats.contracts.features import FeatureDescription
from vcfstats.imaging.settings import RadiomicsSettings
from vcfstats.learning.settings import ImputationSettings
from vcfstats.pipeline.evaluation.models import CLASSIFIERS
from vcfstats.pipeline.params import Params

INTERPOLATORS = {
    "nearest": "nearest neighbour",
    "linear": "linear interpolation",
    "bspline": "cubic B-spline interpolation",
}


def slices(params: Params) -> str:
    """Say what the network sees of a case."""
    s = params.slices
    unit = "mm" if s.offset_unit == "mm" else "slices"
    margin = f" with a margin of {s.margin_mm:g} mm" if s.margin_mm else ""
    box = "the bounding box of the region" if s.box == "largest_slice" else "the bounding box of the region in each"
    over = "" if s.scale_over == "slice" else ", all three together"
    cut = f"cut off beyond {s.clip_sd:g} standard deviations, " if s.clip_sd is not None else ""
    return (
        f"The sagittal slice with the largest region and its neighbours {s.offset} {unit} to either side were cropped to {box}{margin}, "
        f"standardised{over}, {cut}scaled to [-1, 1] and resized to {s.size} x {s.size} pixels by nearest neighbour."
    )


def selection(params: Params) -> str:
    """Say by which steps features were selected."""
    s = params.learning.selection
    test = {"student": "Student's", "welch": "Welch's"}[s.t_test.variances]
    steps = [
        f"{test} t-test (p < {s.t_test.alpha:g}"
        + ("" if s.t_test.adjustment == "none" else f", false discovery rate, {s.t_test.adjustment.upper()}")
        + ")"
    ]
    steps.append(f"one of each pair with absolute Pearson correlation above {s.correlation.limit:g}")
    if s.collinearity.limit is not None:
        first = {
            "mean_correlation": "the one with the largest mean absolute correlation with the others",
            "association": "the one with the largest p value of the t-test",
        }[s.collinearity.surplus]
        steps += [
            f"while features outnumbered cases, so that no variance-inflation factor is defined, {first} was taken out",
            f"recursively the one with the largest variance-inflation factor above {s.collinearity.limit:g}",
        ]
    rule = (
        "the least cross-validated error"
        if s.lasso.rule == "min"
        else "the largest penalty within one standard error of the least error"
    )
    steps.append(
        f"a {'linear' if s.lasso.family == 'gaussian' else 'logistic'} LASSO with the penalty of {rule} in {s.lasso.folds} folds, "
        f"of {s.lasso.n_lambdas} penalties down to {s.lasso.lambda_ratio:g} of the largest"
    )
    return "Features were standardised and selected in this order: " + "; ".join(steps) + "."


def classifiers(params: Params) -> str:
    """Say how classifiers were tuned and chosen."""
    names = ", ".join(CLASSIFIERS[name] for name in params.learning.classifiers.grids())
    n = params.learning.folds.n
    repeated = (
        f"Selection and tuning were repeated without each of {n} patient-level folds"
        if params.learning.folds.nested
        else f"Selection and fit were repeated without each of {n} patient-level folds, the tuning was not"
        + (
            ", but for the out-of-fold probabilities of the nomogram model"
            if params.learning.fusion.input == "out_of_fold"
            else ""
        )
        + ": the folds that give the out-of-fold probabilities also chose the parameters"
    )
    return (
        f"Classifiers were tuned by cross-validation on training patients ({names}). {repeated}; the best classifier of a feature set is the "
        "one with the largest out-of-fold AUC."
    )


def delivered(params: Params) -> str:
    """Say what a classifier is in the end, and what the steps after it learned from."""
    n = params.learning.folds.n
    anew = params.trunk.trained != "none" and params.trunk.cross_fit == "folds"
    what = (
        f"What is delivered of a classifier is the mean of the {n} models without each fold, each with the features selected there"
        + (
            " (of features of the network, which was trained anew without each fold, one model fitted to all training patients)"
            if anew
            else ""
        )
        if params.learning.delivered == "mean_of_folds"
        else "What is delivered of a classifier is one model, fitted again to all training patients"
    )
    return (
        f"{what}; thresholds, recalibration and groups of risk were learned from the training patients' probabilities by the models without their fold, "
        "with the parameters delivered."
    )


def grids(params: Params) -> str:
    """Name every value that tuning tries, by the names of scikit-learn, XGBoost and LightGBM."""
    tried = []
    for name, label in CLASSIFIERS.items():
        settings = getattr(params.learning.classifiers, name)
        if settings is None:
            continue
        values = [
            f"{key} {' or '.join(_given(value) for value in (held if isinstance(held, tuple) else (held,)))}"
            for key, held in settings.model_dump().items()
        ]
        tried.append(f"{label}: {', '.join(values)}")
    return f"Parameters tried: {'; '.join(tried)}."


def _given(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def clinical(params: Params) -> str:
    """Say how findings were chosen, and what became of missing ones."""
    c = params.learning.clinical
    if not params.cohort.covariates:
        return "There were no clinical findings."
    text = ""
    if c.kappa_above is not None and any(finding.second_reading for finding in params.cohort.covariates.values()):
        text = f"Findings that were read twice were considered if the readers' kappa exceeded {c.kappa_above:g}. "
    text += (
        f"Clinical findings with univariable p < {c.screening_alpha:g} entered a multivariable logistic regression; "
    )
    text += (
        "those with p below the same limit there made the clinical model."
        if c.predictors == "independent"
        else "all of them made the clinical model."
    )
    missing = {
        "complete_case": "Cases with a missing finding have no clinical probability.",
        "median_mode": "Missing findings were filled by the training median or mode.",
        "multiple_imputation": _imputation(c.imputation),
    }
    return f"{text} {missing[c.missing]}"


def _imputation(i: ImputationSettings) -> str:
    return (
        f"Missing findings were imputed {i.n_imputations} times by chained equations of {i.iterations} rounds, fitted on training cases alone and again "
        f"within every fold: numbers by predictive mean matching of {i.donors} donors, levels by Bayesian logistic regression, on all other findings and, "
        "in training cases, the outcome. Coefficients were pooled by Rubin's rules, tests of several coefficients likewise. Whenever a case is given a "
        "probability, be it of the training or the internal test set or a new patient, its missing findings are imputed as often by models without the "
        "outcome, and the probability is the mean over these imputations; the classifiers see the mean of the imputed values. Image features took no part "
        "in the imputation."
    )


def fusion(params: Params) -> str:
    """Say what the nomogram model is."""
    f = params.learning.fusion
    scale = (
        "probability" if f.scale == "probability" else f"logit (probabilities cut off at {f.clip:g} and {1 - f.clip:g})"
    )
    of = (
        "each training patient's by the model without the patient's fold, with the parameters of the delivered one"
        if f.input == "out_of_fold"
        else "resubstituted: each training patient's by the delivered model itself"
    )
    penalty = f"with a ridge penalty (C = {f.penalty_c:g})" if f.penalty_c is not None else "by maximum likelihood"
    shrunken = (
        "; its coefficients were multiplied by (chi-square - degrees of freedom) / chi-square of its likelihood ratio and the intercept fitted again"
        if f.shrinkage == "heuristic"
        else ""
    )
    return (
        f"The nomogram model is a logistic regression, {penalty}, of the {scale} of the best classifier of all features ({of}) and the clinical "
        f"predictors{shrunken}."
    )


def stability(params: Params) -> str:
    """Say how it was measured whether selection keeps the same features."""
    s = params.learning.stability
    if not s.n_subsamples:
        return "The stability of the selection was not measured."
    return (
        f"The selection was repeated in {s.n_subsamples} subsamples of {100 * s.share:.3g}% of the training patients of each class, drawn without "
        "replacement."
    )


def split(params: Params) -> str:
    """Say how patients were divided."""
    share = f"{1 - params.split.test_fraction:.0%} training and {params.split.test_fraction:.0%} internal testing"
    return {
        "column": "The partition into training and internal test set was given with the cohort.",
        "random": f"Patients were divided at random into {share}.",
        "stratified": f"Patients were divided at random, stratified by the reference standard, into {share}.",
    }[params.split.method]


def bias_field(params: Params) -> str:
    """Say how the bias field was corrected."""
    if not params.preprocess.n4.enabled:
        return "The bias field was not corrected."
    n4 = params.preprocess.n4
    plane, across = n4.shrink_in_plane, n4.shrink_across
    factors = [f"{factor} {way}" for factor, way in ((plane, "in plane"), (across, "across slices")) if factor != 1]
    lowered = f", on images shrunk by a factor of {' and '.join(factors)}" if factors else ""
    if len(set(n4.iterations)) == 1 and len(n4.iterations) > 1:
        levels = f"{n4.iterations[0]} iterations at each of {len(n4.iterations)} levels"
    else:
        levels = f"{', '.join(map(str, n4.iterations))} iterations from level to level"
    voxels = {"otsu": "voxels above Otsu's threshold", "all": "all voxels"}[n4.foreground]
    return (
        f"The bias field was corrected by the N4 algorithm, fitted to {voxels}{lowered}, with {n4.control_points} control points per axis at the first "
        f"level and at most {levels}, until the field changed by less than {n4.convergence:g}."
    )


def resampling(params: Params) -> str:
    """Say to what images were resampled."""
    settings = params.preprocess
    size = " x ".join(f"{s:g}" for s in settings.spacing_mm)
    image, mask = INTERPOLATORS[settings.image_interpolator], INTERPOLATORS[settings.mask_interpolator]
    how = f"both by {image}" if image == mask else f"images by {image} and masks by {mask}"
    return (
        f"Images and masks were resampled to {size} mm, {how}; a change of a region's volume by more than "
        f"{100 * settings.volume_tolerance:.3g}% would have ended the analysis."
    )


def normalization(params: Params) -> str:
    """Say how intensities were normalised."""
    n = params.preprocess.normalization
    over = {"image": "of the whole image", "region": "of the region of interest"}[n.over]
    return {
        "none": "Intensities were not normalised.",
        "zscore": f"Intensities were normalised by mean and standard deviation {over}, one standard deviation becoming {n.scale:g} units.",
        "percentile": f"Intensities were scaled so that the range between the percentiles {n.lower:g} and {n.upper:g} {over} became {n.scale:g} units.",
    }[n.method]


# What `vcfstats predict` does, whatever the params; what becomes of a missing finding stands with the clinical model.
USE = (
    "In use, image and region of a new patient are checked and processed as those of the study were, and a value outside the range of the "
    "training patients is told beside the probability."
)
# Filters and classes whose keys are short for the name.
_IMAGES = {"log": "Laplacian-of-Gaussian", "lbp_3d": "3D local binary pattern"}
_CLASSES = {
    "shape": "shape",
    "firstorder": "first-order",
    "glcm": "grey-level co-occurrence",
    "glrlm": "run-length",
    "glszm": "size-zone",
    "gldm": "dependence",
    "ngtdm": "neighbouring grey-tone difference",
}


def _texture(r: RadiomicsSettings) -> str:
    """Say what texture matrices and energies were computed with, where they were."""
    said = ""
    if set(r.feature_classes) & {"glcm", "gldm", "ngtdm"}:
        said += f", neighbours {r.distance} voxel{'s' if r.distance != 1 else ''} apart"
    if "gldm" in r.feature_classes:
        said += f", dependent levels at most {r.gldm_alpha:g} apart"
    if "firstorder" in r.feature_classes and r.energy_shift:
        said += f", {r.energy_shift:g} added to intensities for energies"
    return said


def radiomics(params: Params, made: FeatureDescription) -> str:
    """Say from which images features were taken, and how."""
    r = params.radiomics
    *names, last = (_IMAGES.get(kind, kind.replace("_", " ")) for kind in r.image_types)
    bins = f"in bins of width {r.bin_width:g}" if r.bin_width is not None else f"in {r.bin_count} bins"
    kinds = f"{', '.join(names)} and {last} images" if names else f"{last} image"
    classes = ", ".join(_CLASSES[name] for name in r.feature_classes)
    left_out = f"; without {' and '.join(r.excluded_features)}" if r.excluded_features else ""
    sentence = f"Features were taken from the {kinds} ({classes}{left_out}), grey levels {bins}{_texture(r)}."
    filters = [
        (f"Laplacian-of-Gaussian filters had sigmas of {', '.join(f'{x:g}' for x in r.log_sigma_mm)} mm", "log"),
        (f"wavelets were {r.wavelet}", "wavelet"),
        (
            f"local binary patterns had a radius of {r.lbp_radius:g} voxel{'s' if r.lbp_radius != 1 else ''}, {r.lbp_levels} levels and a sampling sphere subdivided {r.lbp_subdivision} times",
            "lbp_3d",
        ),
    ]  # fmt: skip
    if said := [words for words, kind in filters if kind in r.image_types]:
        sentence += f" {said[0][0].upper()}{'; '.join(said)[1:]}."
    if (medians := made.median_levels()) is not None:
        sentence += (
            f" A region had a median of {medians[0]:g} grey levels, of which {medians[1]:g} held 90% of its voxels."
        )
    return sentence


def recalibration(params: Params) -> str:
    """Say how probabilities were recalibrated."""
    method = params.learning.recalibration.method
    if method == "none":
        return "No probability was recalibrated."
    clip = params.learning.recalibration.clip
    how = (
        f"a logistic model of their logit (probabilities cut off at {clip:g} and {1 - clip:g})"
        if method == "logistic"
        else "isotonic regression"
    )
    return (
        f"Recalibrated probabilities came from {how}, learned on the out-of-fold probabilities of training patients alone; those of the training "
        "patients themselves from maps that had not seen their fold."
    )


def risk_groups(params: Params) -> str:
    """Say where groups of risk begin."""
    settings = params.learning.risk_groups
    if settings.cuts is not None:
        return f"Groups of risk begin at predicted probabilities of {', '.join(f'{cut:g}' for cut in settings.cuts)}, set beforehand."
    return f"Risk was cut into {settings.groups} groups at quantiles of the out-of-fold probabilities of training patients; the cuts were then frozen."


def threshold(params: Params) -> str:
    """Say from which probability on a case is called positive."""
    threshold = params.learning.threshold
    if threshold.rule == "fixed":
        return f"A predicted probability of {threshold.value:g} or more was called positive."
    return (
        "Each model's threshold was the one with the largest sum of sensitivity and specificity on out-of-fold predictions of training patients, "
        "then frozen; a predicted probability at or above it was called positive."
    )
