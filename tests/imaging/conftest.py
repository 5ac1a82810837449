"""Small synthetic cases: an anisotropic volume of noise and a slow gradient with an ellipsoid drawn in it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from vcfstats.contracts.case import Case

SPACING = (0.9, 0.9, 3.5)  # column, row, slice in mm
# Sagittal: columns run to the back, rows to the feet, slices to the right.
SAGITTAL = (0, 0, -1, 1, 0, 0, 0, -1, 0)


def make_image(seed: int = 0, size: tuple[int, int, int] = (30, 34, 12)) -> sitk.Image:
    rng = np.random.default_rng(seed)
    nx, ny, nz = size
    z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
    values = 300 + 6 * x + 3 * y + 10 * z + 40 * rng.standard_normal((nz, ny, nx))
    image = sitk.GetImageFromArray(np.clip(values, 0, 4000).astype(np.int16))
    image.SetSpacing(SPACING)
    image.SetOrigin((12.0, -31.0, 54.0))
    image.SetDirection(SAGITTAL)
    return image


def make_mask(image: sitk.Image, label: int = 1) -> sitk.Image:
    size = image.GetSize()
    z, y, x = np.meshgrid(*(np.arange(n) for n in reversed(size)), indexing="ij")
    radius = sum(((axis - (n - 1) / 2) / (0.32 * n)) ** 2 for axis, n in zip((x, y, z), size, strict=True))
    mask = sitk.GetImageFromArray((radius <= 1).astype(np.uint8) * label)
    mask.CopyInformation(image)
    return mask


@pytest.fixture
def image() -> sitk.Image:
    return make_image()


@pytest.fixture
def mask(image: sitk.Image) -> sitk.Image:
    return make_mask(image)


@pytest.fixture
def cohort(tmp_path: Path) -> Callable[[int], list[Case]]:
    """Return a function that writes a cohort of so many cases."""

    def write(count: int) -> list[Case]:
        folder = tmp_path / "cohort"
        folder.mkdir()
        cases = []
        for number in range(count):
            volume = make_image(seed=number, size=(24 + number, 26, 9))
            case = Case(f"P{number}", f"P{number}", folder / f"P{number}.nii.gz", folder / f"P{number}_mask.nii.gz")
            sitk.WriteImage(volume, str(case.image))
            sitk.WriteImage(make_mask(volume), str(case.mask))
            cases.append(case)
        return cases

    return write
