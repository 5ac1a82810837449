"""Stage simulate: the simulated cohort, where params ask for one."""

from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.simulation import simulate_cohort


def run(study: StudyDirectory) -> None:
    """Write the simulated cohort to its folder."""
    params = study.params
    for settings in params.simulate.values():
        simulate_cohort(study.cohort_folder, settings, params.seed_for("simulate"), workers=params.compute.workers)
