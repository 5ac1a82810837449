"""Stage slices: three sagittal slices of each case, for the network."""

from vcfstats.contracts.cohort import cases_of
from vcfstats.contracts.slices import write_slices
from vcfstats.imaging import preprocessed_case, slice_cases
from vcfstats.pipeline.directory import StudyDirectory


def run(study: StudyDirectory) -> None:
    """Write data/slices.npz and data/slices.json."""
    params = study.params
    cases = [preprocessed_case(case, study.preprocessed) for case in cases_of(study.read_cohort(), study.cohort_folder)]
    stack, description = slice_cases(
        cases, params.slices, cache=study.cache, workers=params.compute.workers, scheduler=study.scheduler
    )
    write_slices(stack, description, study.slices_file)
    print(
        f"slices: {len(stack.moved)} cases with a neighbour nearer than asked, {len(stack.repeated)} with two identical slices"
    )
