"""Everything that is wrong with a cohort's images and masks, found in one pass."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from vcfstats.contracts.cohort import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.imaging.cache import path_hash
from vcfstats.imaging.geometry import grid_differences
from vcfstats.imaging.loading import grid_problem
from vcfstats.imaging.reading import read_image, read_mask
from vcfstats.imaging.running import run_cases


def check_case(case: Case, *, folder: Path | None = None) -> list[Problem]:
    """Return every problem of one case's image and mask.

    Parameters
    ----------
    case : Case
        The case.
    folder : Path or None
        The cohort's folder; where given, files outside it are a problem, links followed.

    Returns
    -------
    list of Problem
        Empty where nothing is wrong.
    """
    problems: list[Problem] = []
    if folder is not None:
        outside = [path for path in (case.image, case.mask) if not path.resolve().is_relative_to(folder.resolve())]
        if outside:
            return [
                Problem(
                    "a path that leaves the cohort's folder",
                    f"files inside {folder}",
                    "move the file into the folder and correct its path",
                    patient=case.case_id,
                    file=path,
                )
                for path in outside
            ]
    image = mask = None
    try:
        image = read_image(case.image, patient=case.case_id)
        problems += _intensity_problems(case, image)
    except InputError as error:
        problems += error.problems
    try:
        mask = read_mask(case.mask, case.mask_label, patient=case.case_id)
    except InputError as error:
        problems += error.problems
    if image is not None and mask is not None:
        if differences := grid_differences(image, mask):
            problems.append(grid_problem(case, differences))
        elif not any(problem.file == case.image for problem in problems):
            problems += _region_problems(case, image, mask)
    return problems


def check_cases(cases: Sequence[Case], *, folder: Path | None = None, workers: int = 1) -> list[Problem]:
    """Return every problem of the images and masks of a cohort, in the order of its cases.

    To those of `check_case` it adds images that stand under two ids, by their content.

    Parameters
    ----------
    cases : sequence of Case
        The cohort.
    folder : Path or None
        As for `check_case`.
    workers : int
        Parallel processes.

    Returns
    -------
    list of Problem
        Empty where nothing is wrong.
    """
    found = run_cases(functools.partial(_check_and_hash, folder=folder), cases, workers=workers, label="check")
    problems = [problem for own, _ in found for problem in own]
    owners: dict[str, list[Case]] = defaultdict(list)
    for case, (_, digest) in zip(cases, found, strict=True):
        if digest is not None:
            owners[digest].append(case)
    for same in owners.values():
        patients = {case.patient_id for case in same}
        # Two regions of one patient may lie in one image.
        if len(patients) > 1:
            names = ", ".join(case.case_id for case in same)
            problems.append(
                Problem(
                    f"the same image under {len(same)} ids: {names}",
                    "one image for each patient",
                    "find out whose image it is and correct the other rows",
                    patient=same[0].case_id,
                    file=same[0].image,
                )
            )
    return problems


def _check_and_hash(case: Case, *, folder: Path | None) -> tuple[list[Problem], str | None]:
    return check_case(case, folder=folder), path_hash(case.image) if case.image.exists() else None


def _intensity_problems(case: Case, image: sitk.Image) -> list[Problem]:
    values = sitk.GetArrayViewFromImage(image)
    if values.min() != values.max():
        return []
    found = f"the same value, {values.flat[0]:g}, in every voxel"
    return [Problem(found, "intensities that differ", "export the image again", patient=case.case_id, file=case.image)]


def _region_problems(case: Case, image: sitk.Image, mask: sitk.Image) -> list[Problem]:
    inside = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(mask) == 1]
    if inside.min() == inside.max():
        return [
            Problem(
                f"the same value, {inside[0]:g}, in all {inside.size} voxels of the region",
                "a region over varying tissue",
                "look whether the mask lies where it should",
                patient=case.case_id,
                file=case.mask,
            )
        ]
    return []
