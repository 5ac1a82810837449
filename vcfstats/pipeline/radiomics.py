"""Stage radiomics: the feature matrix; finished patients are kept, so that a killed run goes on where it stopped."""

import sys

from vcfstats.contracts.cohort import cases_of
from vcfstats.contracts.features import FeatureDescription, write_features
from vcfstats.imaging import extract_cases, preprocessed_case
from vcfstats.pipeline.directory import StudyDirectory

# Of fewer grey levels textures say little (IBSI and PyRadiomics advise 16 to 128 in a region); half of them hold most voxels.
_FEWEST_LEVELS = 16


def run(study: StudyDirectory) -> None:
    """Write data/radiomics.parquet and data/radiomics.json."""
    params = study.params
    cases = [preprocessed_case(case, study.preprocessed) for case in cases_of(study.read_cohort(), study.cohort_folder)]
    features, description = extract_cases(
        cases, params.radiomics, cache=study.cache, workers=params.compute.workers, scheduler=study.scheduler
    )
    write_features(features, description, study.radiomics_file)
    if warning := levels_warning(description):
        print(f"warning: {warning}", file=sys.stderr)


def levels_warning(description: FeatureDescription) -> str | None:
    """Say that the regions have too few grey levels for textures, or None where they do not."""
    medians = description.median_levels()
    if medians is None or (medians[0] >= _FEWEST_LEVELS and medians[1] >= _FEWEST_LEVELS / 2):
        return None
    width = description.settings.get("bin_width")
    bins = (
        f"radiomics.bin_width {width:g}"
        if width is not None
        else f"radiomics.bin_count {description.settings['bin_count']}"
    )
    return (
        f"found a median of {medians[0]:g} grey levels in a region, of which {medians[1]:g} hold 90% of its voxels, with {bins}; "
        f"allowed: {_FEWEST_LEVELS} or more for textures that mean something. To mend: set a smaller bin_width or a larger "
        "bin_count, or another preprocess.normalization, in params.yaml"
    )
