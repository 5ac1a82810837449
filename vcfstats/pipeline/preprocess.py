"""Stage preprocess: bias field, grid and intensities of every image."""

from vcfstats.contracts.cohort import cases_of
from vcfstats.imaging import preprocess_cases
from vcfstats.pipeline.directory import StudyDirectory


def run(study: StudyDirectory) -> None:
    """Write data/preprocessed."""
    params = study.params
    cases = list(cases_of(study.read_cohort(), study.cohort_folder))
    preprocess_cases(
        cases,
        params.preprocess,
        out=study.preprocessed,
        cache=study.cache,
        workers=params.compute.workers,
        scheduler=study.scheduler,
    )
