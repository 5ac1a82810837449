"""Stage radiomics: the feature matrix; finished patients are kept, so that a killed run goes on where it stopped."""

from vcfstats.contracts.cohort import cases_of
from vcfstats.contracts.features import write_features
from vcfstats.imaging import extract_cases, preprocessed_case
from vcfstats.pipeline.directory import StudyDirectory


def run(study: StudyDirectory) -> None:
    """Write data/radiomics.parquet and data/radiomics.json."""
    params = study.params
    cases = [preprocessed_case(case, study.preprocessed) for case in cases_of(study.read_cohort(), study.cohort_folder)]
    features, description = extract_cases(
        cases, params.radiomics, cache=study.cache, workers=params.compute.workers, scheduler=study.scheduler
    )
    write_features(features, description, study.radiomics_file)
