"""`vcfstats params`: everything that params.yaml, its protocol, its alternatives and its cohort's table show."""

from __future__ import annotations

from vcfstats.contracts.errors import InputError, Problem
from vcfstats.pipeline.cells import tell
from vcfstats.pipeline.cohort_check import examine
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.forks.configurations import plan_forks


def tell_study(study: StudyDirectory) -> None:
    """Check params.yaml, its protocol, its alternatives and its cohort's table; print what there is to say.

    Raises
    ------
    InputError
        All that is wrong with alternatives and table at once, or first with params.yaml.
    """
    params, departures = study.params, study.departures()
    problems: list[Problem] = []
    notes = []
    if params.forks.decisions or params.forks.seeds:
        try:
            plan_forks(study)
        except InputError as error:
            problems += error.problems
    if params.simulate and not (study.cohort_folder / params.cohort.table).is_file():
        notes.append("the simulated cohort is not there yet: its table was not looked at")
    else:
        try:
            _, told = examine(study.cohort_folder, params)
            problems += told.problems
            notes += told.notes
        except InputError as error:
            problems += error.problems
    tell(problems)
    print(f"params.yaml is valid; protocol: {params.study.protocol or 'none registered'}")
    for note in notes:
        print(note)
    for d in departures:
        kind = "deviation" if d.is_deviation else f"choice ({d.status})"
        published = f"; published: {', '.join(map(str, d.published))}" if d.published else ""
        print(f"{kind}: {d.key} = {d.used}{published}\n    {d.reason}")
