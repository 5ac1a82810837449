"""Everything that is wrong with a cohort's images and masks, found in one pass."""

from __future__ import annotations

import functools
import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.imaging.geometry import grid_differences, slice_axis
from vcfstats.imaging.headers.formats import files_of
from vcfstats.imaging.loading import grid_problem, on_grid
from vcfstats.imaging.paths import split_choice
from vcfstats.imaging.reading import notes_of, read_image, read_mask
from vcfstats.imaging.running import run_cases

_NAMED = 12  # patients of one fault


@dataclass(frozen=True)
class _Looked:
    """What one case's files are: their problems, the hash of the image's voxels and of the region's."""

    problems: list[Problem]
    image: str | None = None
    region: str | None = None


def check_case(case: Case, *, folder: Path | None = None, min_slices: int = 1) -> list[Problem]:
    """Return every problem of one case's image and mask.

    Parameters
    ----------
    case : Case
        The case.
    folder : Path or None
        The cohort's folder; where given, a path or a link that leaves it is an error, and what it leads to is not read.
    min_slices : int
        Fewest slices that a region may span, and fewest rows and columns.

    Returns
    -------
    list of Problem
        Empty where nothing is wrong. Warnings are a region that touches the border of its image, since a field of view may
        end at the region, and a header that leaves open how its image lies.
    """
    return _look(case, folder=folder, min_slices=min_slices).problems


def _look(case: Case, *, folder: Path | None, min_slices: int, image_only: bool = False) -> _Looked:
    paths = (case.image,) if image_only else (case.image, case.mask)
    if folder is not None and (outside := [problem for path in paths for problem in _outside(case, path, folder)]):
        return _Looked(outside)
    problems: list[Problem] = []
    image = mask = None
    try:
        image = read_image(case.image, patient=case.case_id)
        problems += _intensity_problems(case, image)
    except InputError as error:
        problems += error.problems
    try:
        mask = None if image_only else read_mask(case.mask, case.mask_label, patient=case.case_id)
    except InputError as error:
        problems += error.problems
    flat = any(problem.file == case.image for problem in problems)
    for path, volume in ((case.image, image), (case.mask, mask)):
        problems += notes_of(path, patient=case.case_id) if volume is not None else []
    if image is not None and mask is not None:
        mask = on_grid(mask, image, case)
        if differences := grid_differences(image, mask):
            problems.append(grid_problem(case, differences))
        else:
            if not flat:
                problems += _region_problems(case, image, mask)
            problems += _extent_problems(case, mask, min_slices)
    return _Looked(problems, _voxels(image), _voxels(mask))


def _outside(case: Case, path: Path, folder: Path) -> list[Problem]:
    """Say whether a path, or a link anywhere among the files that it names, leaves the cohort's folder.

    The folder itself may be a link, and so may what lies in it, as long as it stays inside.
    """
    inside = Path(os.path.abspath(folder))
    try:
        source, _ = split_choice(path)
        entries = [entry for entry in source.rglob("*") if entry.is_symlink()] if source.is_dir() else files_of(source)
        ends = [entry.resolve() for entry in (source, *entries) if entry == source or entry.exists()]
        real = folder.resolve()
    except (OSError, ValueError, RuntimeError):
        return []  # no path that leads anywhere: the reader says so
    if not Path(os.path.abspath(source)).is_relative_to(inside):
        found, mend = "a path that leaves the cohort's folder", "move the file into the folder and correct its path"
    elif beyond := [end for end in ends if not end.is_relative_to(real)]:
        found = f"a link that leads out of the cohort's folder, to {beyond[0]}"
        mend = "copy the file itself into the folder (cp -L), or name the folder that holds both as cohort.folder"
    else:
        return []
    return [Problem(found, f"files inside {folder}", mend, patient=case.case_id, file=path)]


def _voxels(image: sitk.Image | None) -> str | None:
    """Hash what an image shows, so that the same one is known again in another file format."""
    if image is None:
        return None
    array = sitk.GetArrayViewFromImage(image)
    # Plane by plane: a large image is not held a second time in a wider type.
    whole = np.issubdtype(array.dtype, np.integer) or all(bool((plane == np.rint(plane)).all()) for plane in array)
    digest = hashlib.sha256(repr(array.shape).encode())
    for plane in array:
        digest.update(np.ascontiguousarray(plane, dtype=np.int64 if whole else np.float64).tobytes())
    return digest.hexdigest()


def check_cases(
    cases: Sequence[Case],
    *,
    repeats: Mapping[str, Sequence[Case]] | None = None,
    without_mask: Sequence[Case] = (),
    folder: Path | None = None,
    min_slices: int = 1,
    workers: int = 1,
) -> list[Problem]:
    """Return every problem of the images and masks of a cohort, in the order of its cases.

    To those of `check_case` it adds images that stand under the ids of several patients and repeated regions that are the first
    one again, by their voxels, and mask files that several patients share.

    Parameters
    ----------
    cases : sequence of Case
        The cohort.
    repeats : mapping of str to sequence of Case, optional
        Cases whose mask is a region drawn again; the key says by whom, such as ``mask_intra``.
    without_mask : sequence of Case, optional
        Cases whose row names no mask: their images are looked at all the same, whatever their field `mask` holds.
    folder : Path or None
        As for `check_case`.
    min_slices : int
        As for `check_case`.
    workers : int
        Parallel processes.

    Returns
    -------
    list of Problem
        Empty where nothing is wrong.
    """
    look = functools.partial(_look, folder=folder, min_slices=min_slices)
    found = run_cases(look, cases, workers=workers, label="check")
    problems = [problem for looked in found for problem in looked.problems]
    everyone, seen = list(cases), list(found)
    if without_mask:
        alone = run_cases(
            functools.partial(look, image_only=True), without_mask, workers=workers, label="check images without mask"
        )
        problems += [problem for looked in alone for problem in looked.problems]
        everyone, seen = [*cases, *without_mask], [*found, *alone]
    problems += _same(everyone, [looked.image for looked in seen], "image", {})
    pictures = {case.case_id: looked.image for case, looked in zip(cases, found, strict=True)}
    problems += _same(cases, [_file_of(case.mask) for case in cases], "mask", pictures)
    regions = {case.case_id: looked.region for case, looked in zip(cases, found, strict=True)}
    said = set(problems)
    for name, again in (repeats or {}).items():
        if not again:
            continue
        for case, looked in zip(again, run_cases(look, again, workers=workers, label=f"check {name}"), strict=True):
            problems += [problem for problem in looked.problems if problem not in said]  # the image's were said before
            if looked.region is not None and looked.region == regions.get(case.case_id):
                problems.append(
                    Problem(
                        f"the region of {name} is the first reading's, voxel for voxel",
                        "a region drawn again",
                        "put the second reading's file there, or leave the cell empty",
                        patient=case.case_id,
                        file=case.mask,
                    )
                )
    return problems


def _file_of(path: Path) -> str | None:
    """Return which file on the disk a path names, through links; None where there is none."""
    try:
        status = split_choice(path)[0].stat()
    except (OSError, ValueError):
        return None  # said by the reader
    return f"{status.st_dev}:{status.st_ino}"


def _same(
    cases: Sequence[Case], marks: Sequence[str | None], what: str, pictures: Mapping[str, str | None]
) -> list[Problem]:
    """Say which images, or which masks, stand under the ids of several patients; `pictures` are the images of masks."""
    problems = []
    owners: dict[str, list[Case]] = defaultdict(list)
    for case, own in zip(cases, marks, strict=True):
        if own is not None:
            owners[own].append(case)
    for same in owners.values():
        patients = {case.patient_id for case in same}
        # Two regions of one patient may lie in one image; of one image under two ids, which is said, so is its mask.
        images = {pictures.get(case.case_id) for case in same}
        if len(patients) > 1 and (what == "image" or len(images) > 1):
            names = ", ".join(case.case_id for case in same[:_NAMED])
            names += f" and {len(same) - _NAMED} more" if len(same) > _NAMED else ""
            problems.append(
                Problem(
                    f"the same {what} under {len(same)} ids: {names}",
                    f"{'one image' if what == 'image' else 'a mask of its own'} for each patient",
                    f"find out whose {what} it is and correct the other rows",
                    patient=same[0].case_id,
                    file=same[0].image if what == "image" else same[0].mask,
                )
            )
    return problems


def _extent_problems(case: Case, mask: sitk.Image, min_slices: int) -> list[Problem]:
    """Say where a region ends with its image, and whether it spans too few slices, rows or columns."""
    array = sitk.GetArrayViewFromImage(mask)
    problems = []
    across = array.ndim - 1 - slice_axis(mask)  # numpy's axes run the other way
    in_plane = iter(("row", "column"))
    names = ["slice" if axis == across else next(in_plane) for axis in range(array.ndim)]
    spanned = {
        name: int(np.count_nonzero(array.any(axis=tuple(other for other in range(array.ndim) if other != axis))))
        for axis, name in enumerate(names)
    }
    # Where voxels are of one size along several axes, any of these may be the one across slices.
    for name, count in sorted(spanned.items(), key=lambda item: item[0] != "slice"):
        if count < min_slices:
            problems.append(
                Problem(
                    f"a region in {count} {name}{'s' if count > 1 else ''}",
                    f"at least {min_slices}",
                    "draw the region on its other slices, or leave the patient out",
                    patient=case.case_id,
                    file=case.mask,
                )
            )
    sides = [
        f"{'first' if index == 0 else 'last'} {name}"
        for axis, name in enumerate(names)
        for index in (0, -1)
        if array.take(index, axis=axis).any()
    ]
    if sides:
        problems.append(
            Problem(
                f"a region that touches the border of its image ({', '.join(sides)})",
                "a region whole within its image",
                "look whether the image cuts it off",
                patient=case.case_id,
                file=case.mask,
                warning=True,
            )
        )
    return problems


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
