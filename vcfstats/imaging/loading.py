"""One case in memory: its image and its mask, on one grid."""

from __future__ import annotations

import SimpleITK as sitk

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.imaging.geometry import grid_differences
from vcfstats.imaging.reading import read_image, read_mask
from vcfstats.imaging.segments import is_segmentation, placed_on


def load_case(case: Case) -> tuple[sitk.Image, sitk.Image]:
    """Read image and mask of a case.

    Returns
    -------
    image, mask : SimpleITK.Image
        The mask is uint8, 1 inside the region, and carries the image's geometry to the last digit.

    Raises
    ------
    InputError
        Either cannot be read, or they lie on different grids.
    """
    image = read_image(case.image, patient=case.case_id)
    mask = on_grid(read_mask(case.mask, case.mask_label, patient=case.case_id), image, case)
    if differences := grid_differences(image, mask):
        raise InputError(grid_problem(case, differences))
    mask.CopyInformation(image)
    return image, mask


def on_grid(mask: sitk.Image, image: sitk.Image, case: Case) -> sitk.Image:
    """Return the mask, on its image's grid where it is a segmentation that was stored cropped."""
    if is_segmentation(case.mask) and (whole := placed_on(mask, image)) is not None:
        return whole
    return mask


def grid_problem(case: Case, differences: str) -> Problem:
    """Return the problem of a mask that was drawn on another grid."""
    return Problem(
        f"a mask on another grid than its image: {differences}",
        "a mask with its image's size, spacing, origin and direction",
        "draw the mask on this image, or resample the mask to it",
        patient=case.case_id,
        file=case.mask,
    )
