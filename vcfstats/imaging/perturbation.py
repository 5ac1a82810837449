"""Small changes of an image and its region, by which features that depend on chance are found without a second reader."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter

from vcfstats.contracts.case import Case
from vcfstats.contracts.faults import writer_of
from vcfstats.contracts.files import replacing
from vcfstats.imaging.batch import preprocessed_case
from vcfstats.imaging.cache import READING, cached, code_version, entry_key, path_hash, sweep
from vcfstats.imaging.loading import load_case
from vcfstats.imaging.running import run_cases
from vcfstats.imaging.settings import Interpolator, PerturbationSettings

_MODULES = (*READING, "perturbation")
_PACKAGES = ("SimpleITK", "numpy", "scipy")
_INTERPOLATORS = {"nearest": sitk.sitkNearestNeighbor, "linear": sitk.sitkLinear, "bspline": sitk.sitkBSpline}
_LOST = 0.1  # share of the region that may leave the image


def perturb(
    image: sitk.Image,
    mask: sitk.Image,
    settings: PerturbationSettings,
    rng: np.random.Generator,
    *,
    image_interpolator: Interpolator,
    mask_interpolator: Interpolator,
) -> tuple[sitk.Image, sitk.Image]:
    """Turn and shift an image with its region, then grow or shrink the region and move its contour.

    The turn is uniform within its limits about a uniformly random axis, the shift uniform along each axis, the change of
    volume uniform. The contour moves by a Gaussian random field; the region becomes the voxels of least distance to it
    (negative inside) plus that field, as many as its new volume asks for; displacements far below a voxel change nothing.
    Zwanenburg et al. turn within the slice and move
    the contour by supervoxels.

    Parameters
    ----------
    image : SimpleITK.Image
        3D scalar image, preprocessed.
    mask : SimpleITK.Image
        1 inside the region, on the image's grid.
    settings : PerturbationSettings
        Largest changes.
    rng : numpy.random.Generator
        Of this patient and this copy.
    image_interpolator, mask_interpolator : str
        nearest, linear or bspline, for the turned grid; an interpolated mask of at least one half is inside.

    Raises
    ------
    ValueError
        Nothing is left of the region, or the turn takes more than a tenth of it out of the image.

    References
    ----------
    Zwanenburg et al. (2019), doi 10.1038/s41598-018-36938-4.
    """
    axis = rng.standard_normal(3)
    angle = np.deg2rad(settings.rotation_deg) * rng.uniform(-1, 1)
    shift = settings.translation_mm * rng.uniform(-1, 1, 3)
    growth = settings.volume * rng.uniform(-1, 1)
    if settings.rotation_deg or settings.translation_mm:
        before = _voxels(mask)
        turn = sitk.VersorRigid3DTransform()
        turn.SetCenter(_centre(mask))
        turn.SetRotation((axis / np.linalg.norm(axis)).tolist(), float(angle))
        turn.SetTranslation(shift.tolist())
        image = _resampled(image, turn, image_interpolator, goes_on=True)
        if mask_interpolator == "nearest":
            mask = _resampled(mask, turn, mask_interpolator, goes_on=False)
        else:
            mask = _resampled(sitk.Cast(mask, sitk.sitkFloat32), turn, mask_interpolator, goes_on=False) >= 0.5
        after = _voxels(mask)
        if after < (1 - _LOST) * before:
            raise ValueError(f"{before - after} of the region's {before} voxels left the image or the grid")
    if settings.volume or settings.contour_mm:
        mask = _reshaped(mask, growth, settings, rng)
    return image, mask


def _reshaped(mask: sitk.Image, growth: float, settings: PerturbationSettings, rng: np.random.Generator) -> sitk.Image:
    array = sitk.GetArrayFromImage(mask)
    count = round(int(np.count_nonzero(array)) * (1 + growth))
    if count < 1:
        raise ValueError("nothing is left of the region")
    spacing = np.array(mask.GetSpacing())[::-1]
    # The contour moves less than this but for one voxel in thousands, and grows by no more than the region's own radius.
    reach = 4 * settings.contour_mm + 2 * float(spacing.max())
    reach += ((count * float(spacing.prod())) ** (1 / 3)) * settings.volume
    where = np.argwhere(array)
    steps = np.ceil(reach / spacing).astype(int)
    low = np.maximum(where.min(axis=0) - steps, 0)
    high = np.minimum(where.max(axis=0) + steps + 1, array.shape)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    part = sitk.GetImageFromArray(array[window])
    part.SetSpacing(mask.GetSpacing())
    distance = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(part, False, False, True)).astype(np.float64)
    if settings.contour_mm:
        noise = gaussian_filter(
            rng.standard_normal(distance.shape), settings.contour_scale_mm / spacing, mode="reflect"
        )
        spread = noise.std()
        if spread > 0:  # a window far smaller than the kernel has a constant field: the volume alone changes there
            distance += settings.contour_mm * noise / spread
    order = np.lexsort((rng.random(distance.size), distance.ravel()))
    region = np.zeros(distance.size, dtype=np.uint8)
    region[order[: min(count, region.size)]] = 1
    result = np.zeros_like(array, dtype=np.uint8)
    result[window] = region.reshape(distance.shape)
    changed = sitk.GetImageFromArray(result)
    changed.CopyInformation(mask)
    return changed


def _voxels(mask: sitk.Image) -> int:
    return int(np.count_nonzero(sitk.GetArrayViewFromImage(mask)))


def _centre(mask: sitk.Image) -> list[float]:
    """Return the region's centre in mm."""
    middle = np.argwhere(sitk.GetArrayViewFromImage(mask)).mean(axis=0)[::-1]
    return list(mask.TransformContinuousIndexToPhysicalPoint(middle.tolist()))


def _resampled(image: sitk.Image, turn: sitk.Transform, interpolator: Interpolator, *, goes_on: bool) -> sitk.Image:
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(image)
    resampler.SetTransform(turn)
    resampler.SetInterpolator(_INTERPOLATORS[interpolator])
    # Beyond its border an image goes on as it is there; a region ends.
    resampler.SetUseNearestNeighborExtrapolator(goes_on)
    changed: sitk.Image = resampler.Execute(image)
    return changed


def perturb_cases(
    cases: Sequence[Case],
    settings: PerturbationSettings,
    seeds: Callable[[str], np.random.SeedSequence],
    *,
    image_interpolator: Interpolator,
    mask_interpolator: Interpolator,
    out: Path,
    cache: Path,
    workers: int = 1,
    scheduler: str | None = None,
) -> tuple[list[list[Case]], dict[str, str]]:
    """Write the changed copies of every case to `out`, one folder a copy.

    Parameters
    ----------
    cases : sequence of Case
        Preprocessed.
    settings : PerturbationSettings
        Number and sizes of the changes.
    seeds : callable
        case_id -> SeedSequence: what becomes of a case does not depend on the others.
    image_interpolator, mask_interpolator : str
        As for `perturb`.
    out, cache : Path
        Folder of the copies, and of finished ones.
    workers, scheduler
        As for `preprocess_cases`.

    Returns
    -------
    copies : list of list of Case
        For each number the copies, of the cases that could be changed every time, in their order.
    failed : dict of str to str
        case_id -> why not.

    Raises
    ------
    InputError
        Cases that cannot be read.
    """
    sweep(cache)
    states = {case.case_id: seeds(case.case_id).generate_state(4).tolist() for case in cases}
    results = run_cases(
        functools.partial(
            _perturb_case,
            settings=settings,
            states=states,
            interpolators=(image_interpolator, mask_interpolator),
            out=out.absolute(),
            cache=cache.absolute(),
        ),
        [replace(case, image=case.image.absolute(), mask=case.mask.absolute()) for case in cases],
        workers=workers,
        label="perturb",
        scheduler=scheduler,
        shared=cache,
    )
    failed = {case.case_id: why for case, why in zip(cases, results, strict=True) if why}
    kept = [case for case in cases if case.case_id not in failed]
    return [[preprocessed_case(case, out / str(k)) for case in kept] for k in range(settings.number)], failed


def _perturb_case(
    case: Case,
    *,
    settings: PerturbationSettings,
    states: dict[str, list[int]],
    interpolators: tuple[Interpolator, Interpolator],
    out: Path,
    cache: Path,
) -> str:
    """Write the copies of one case; return why that could not be done, or nothing."""
    state = states[case.case_id]

    def make(folder: Path) -> None:
        image, mask = load_case(case)
        for k, child in enumerate(np.random.SeedSequence(state).spawn(settings.number)):
            try:
                changed = perturb(
                    image,
                    mask,
                    settings,
                    np.random.default_rng(child),
                    image_interpolator=interpolators[0],
                    mask_interpolator=interpolators[1],
                )
            except ValueError as error:
                (folder / "failed.txt").write_text(f"copy {k + 1}: {error}", encoding="utf-8")
                return
            for what, name in zip(changed, ("image", "mask"), strict=True):
                path = folder / f"{k}_{name}.nii.gz"
                with writer_of(path):
                    sitk.WriteImage(what, str(path), useCompression=True, compressionLevel=1)

    key = entry_key(
        image=path_hash(case.image),
        mask=path_hash(case.mask),
        label=case.mask_label,
        settings=settings.model_dump(mode="json", exclude={"patients"}),
        interpolators=interpolators,
        state=state,
        code=code_version(_MODULES, _PACKAGES),
    )
    entry = cached(cache, "perturbation", key, make)
    if (entry / "failed.txt").is_file():
        return (entry / "failed.txt").read_text(encoding="utf-8")
    for k in range(settings.number):
        target = preprocessed_case(case, out / str(k))
        for name, path in (("image", target.image), ("mask", target.mask)):
            with replacing(path) as temporary:
                shutil.copyfile(entry / f"{k}_{name}.nii.gz", temporary)
    return ""
