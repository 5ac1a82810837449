"""Stage simulate: the simulated cohort, where params ask for one."""

from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.simulation import simulate_cohort


def run(study: StudyDirectory) -> None:
    """Write data/simulated, which no setting can move: DVC and the stage delete what lies there."""
    params = study.params
    for settings in params.simulate.values():
        simulate_cohort(study.simulated, settings, params.seed_for("simulate"), workers=params.compute.workers)
