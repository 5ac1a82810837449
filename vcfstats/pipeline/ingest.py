"""Stage ingest: the cohort table and every image and mask, checked, all problems reported at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from vcfstats.contracts.case import Case
from vcfstats.contracts.cohort import COHORT, REPEATS, cases_of
from vcfstats.contracts.files import file_hash, replacing, write_text
from vcfstats.contracts.progress import progress
from vcfstats.imaging.acquisition import Acquisition, acquisition_of
from vcfstats.imaging.cache import path_hash
from vcfstats.imaging.checking import check_cases
from vcfstats.imaging.dicom import holds_dicom
from vcfstats.imaging.paths import split_choice
from vcfstats.imaging.reading import dicom_volume
from vcfstats.pipeline.cells import tell
from vcfstats.pipeline.cohort_check import examine
from vcfstats.pipeline.directory import StudyDirectory


def run(study: StudyDirectory) -> None:
    """Check the cohort and write data/cohort.parquet and data/ingest.json."""
    params = study.params
    cohort, told = examine(study.cohort_folder, params)
    told.say()
    cohort = COHORT.validate(cohort.sort_index())
    cases = list(cases_of(cohort, study.cohort_folder))
    problems = check_cases(
        cases,
        repeats={name: list(cases_of(cohort, study.cohort_folder, mask=name)) for name in REPEATS},
        folder=study.cohort_folder,
        min_slices=params.cohort.min_slices,
        workers=params.compute.workers,
    )
    tell(problems)
    hashes, acquired = {}, {}
    for case in progress(cases, len(cases), label="hashes and headers"):
        hashes[case.case_id] = {"image": path_hash(case.image), "mask": path_hash(case.mask)}
        if found := _acquisition(case):
            acquired[case.case_id] = found
    if params.cohort.scanner is not None and params.cohort.scanner.header is not None:
        cohort["scanner"] = scanners_of_headers(cohort.index, acquired, params.cohort.scanner.header)
    with replacing(study.cohort_file) as temporary:
        cohort.to_parquet(temporary)
    content: dict[str, object] = {
        "table": file_hash(study.cohort_folder / params.cohort.table),
        "cases": hashes,
        **({"acquisition": acquired} if acquired else {}),
    }
    write_text(study.data / "ingest.json", json.dumps(content, indent=1, sort_keys=True) + "\n")
    count = len(problems) + len(told.problems)
    print(
        f"ingest: {len(cohort)} cases of {cohort['patient_id'].nunique()} patients, {int(cohort['outcome'].sum())} events; "
        f"{count} warning{'' if count == 1 else 's'}"
    )


def scanners_of_headers(cases: pd.Index, acquired: Mapping[str, Acquisition], fields: Sequence[str]) -> pd.Series:
    """Return each case's scanner, the header's fields joined by spaces; missing where the header lacks one of them."""
    names = []
    for case in cases:
        own = acquired.get(str(case), {})
        values = [own.get(field) for field in fields]
        known = [f"{value:g}" if isinstance(value, float) else str(value) for value in values if value is not None]
        names.append(" ".join(known) if len(known) == len(values) else None)
    return pd.Series(names, index=cases, dtype=object)


def _acquisition(case: Case) -> Acquisition:
    folder, choice = split_choice(case.image)
    files = dicom_volume(folder, choice, case.case_id).files if holds_dicom(folder) else ()
    return acquisition_of(case.image, files=files)
