"""Whole cohorts: every case through one function in parallel, finished cases kept in the cache."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import SimpleITK as sitk
from pydantic import BaseModel

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.faults import writer_of
from vcfstats.contracts.features import FeatureDescription
from vcfstats.contracts.files import replacing
from vcfstats.imaging.cache import READING, cached, code_version, entry_key, path_hash, sweep
from vcfstats.imaging.correction import describe_correction, write_correction
from vcfstats.imaging.loading import load_case
from vcfstats.imaging.paths import split_choice
from vcfstats.imaging.preprocessing import preprocess
from vcfstats.imaging.radiomics import extract, feature_names, grey_levels
from vcfstats.imaging.running import run_cases
from vcfstats.imaging.settings import PreprocessSettings, RadiomicsSettings

FloatArray = npt.NDArray[np.float64]

# Modules whose code, and packages whose version, a result depends on: another version is another cache entry.
_PREPROCESSING = (*READING, "batch", "preprocessing", "correction")
_RADIOMICS = (
    *READING,
    "batch",
    "filters",
    "lbp",
    "radiomics",
    *(f"features/{name}" for name in ("firstorder", "glcm", "gldm", "glrlm", "glszm", "levels", "neighbourhood")),
    *(f"features/{name}" for name in ("ngtdm", "shape", "sizes")),
)
_PREPROCESSING_PACKAGES = ("SimpleITK", "numpy")
_RADIOMICS_PACKAGES = ("SimpleITK", "numpy", "pyradiomics-bhklab", "PyWavelets", "scipy", "trimesh")


@dataclass(frozen=True)
class _Hashes:
    image: str
    mask: str

    @classmethod
    def of(cls, case: Case) -> _Hashes:
        """Hash the files of a case."""
        missing = [path for path in (case.image, case.mask) if not os.path.exists(split_choice(path)[0])]
        if missing:
            problem = Problem(
                "no such file",
                "an image and a mask",
                "put the file there, or correct its path",
                case.case_id,
                missing[0],
            )
            raise InputError(problem)
        return cls(path_hash(case.image), path_hash(case.mask))


def preprocessed_case(case: Case, folder: Path) -> Case:
    """Return the case whose files `preprocess_cases` wrote to `folder`."""
    return replace(
        case, image=folder / f"{case.case_id}_image.nii.gz", mask=folder / f"{case.case_id}_mask.nii.gz", mask_label=1
    )


def correction_file(case: Case, folder: Path) -> Path:
    """Return the file in which `preprocess_cases` said what the bias-field correction did to a case."""
    return folder / f"{case.case_id}_correction.json"


def preprocess_cases(
    cases: Sequence[Case],
    settings: PreprocessSettings,
    *,
    out: Path,
    cache: Path,
    workers: int = 1,
    scheduler: str | None = None,
) -> list[Case]:
    """Preprocess every case and write it to `out` as ``<case_id>_image.nii.gz`` and ``<case_id>_mask.nii.gz``.

    ``<case_id>_correction.json`` beside them tells intensities before and after the correction of the bias field. The files' bytes depend on the input and the settings alone. Files of other cases from an earlier run are removed.

    Parameters
    ----------
    cases : sequence of Case
        The cohort.
    settings : PreprocessSettings
        What is done to each.
    out : Path
        Folder of the results.
    cache : Path
        Folder in which finished cases are kept.
    workers : int
        Parallel processes.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then take their place; all must see the same files.

    Returns
    -------
    list of Case
        The cases as they lie in `out`, in the order given.

    Raises
    ------
    InputError
        All cases that cannot be read or preprocessed, with the reason, once the others are finished.
    """
    sweep(cache)
    results = [preprocessed_case(case, out) for case in cases]
    kept = {path for case in results for path in (case.image, case.mask, correction_file(case, out))}
    for pattern in ("*_image.nii.gz", "*_mask.nii.gz", "*_correction.json"):
        for stale in set(out.glob(pattern)) - kept:
            stale.unlink()
    run_cases(
        functools.partial(_preprocess_case, settings=settings, out=out.absolute(), cache=cache.absolute()),
        [_absolute(case) for case in cases],
        workers=workers,
        label="preprocess",
        scheduler=scheduler,
        shared=cache,
    )
    return results


def extract_cases(
    cases: Sequence[Case],
    settings: RadiomicsSettings,
    *,
    cache: Path,
    workers: int = 1,
    scheduler: str | None = None,
) -> tuple[pd.DataFrame, FeatureDescription]:
    """Compute the radiomic features of every case.

    Parameters
    ----------
    cases : sequence of Case
        The cohort, preprocessed.
    settings : RadiomicsSettings
        Which features.
    cache : Path
        Folder in which finished cases are kept.
    workers : int
        Parallel processes.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then take their place; all must see the same files.

    Returns
    -------
    features : DataFrame
        Index case_id in the order given, one float64 column a feature, as `feature_names` lists them.
    description : FeatureDescription
        Versions, settings, the hashes of each case's image and mask, and the grey levels of its region.

    Raises
    ------
    InputError
        All cases that cannot be read or that yield a value that is not finite, once the others are finished.
    """
    sweep(cache)
    names = feature_names(settings)
    rows = run_cases(
        functools.partial(_extract_case, settings=settings, cache=cache.absolute()),
        [_absolute(case) for case in cases],
        workers=workers,
        label="radiomics",
        scheduler=scheduler,
        shared=cache,
    )
    index = pd.Index([case.case_id for case in cases], name="case_id")
    values = np.stack([row for row, _, _ in rows]) if rows else np.empty((0, len(names)))
    features = pd.DataFrame(values, index=index, columns=names)
    description = FeatureDescription(
        versions={package: version(package) for package in _RADIOMICS_PACKAGES},
        settings=settings.model_dump(mode="json"),
        inputs={
            case.case_id: {"image": hashes.image, "mask": hashes.mask}
            for case, (_, hashes, _) in zip(cases, rows, strict=True)
        },
        grey_levels={case.case_id: levels for case, (_, _, levels) in zip(cases, rows, strict=True)},
    )
    return features, description


def _absolute(case: Case) -> Case:
    """Return the case with paths that hold on another machine, or in another directory."""
    return replace(case, image=case.image.absolute(), mask=case.mask.absolute())


def _key(case: Case, hashes: _Hashes, settings: BaseModel, modules: tuple[str, ...], packages: tuple[str, ...]) -> str:
    return entry_key(
        image=hashes.image,
        mask=hashes.mask,
        label=case.mask_label,
        settings=settings.model_dump(mode="json"),
        code=code_version(modules, packages),
    )


def _preprocess_case(case: Case, *, settings: PreprocessSettings, out: Path, cache: Path) -> None:
    def make(folder: Path) -> None:
        image, mask = load_case(case)

        def watch(before: sitk.Image, after: sitk.Image | None) -> None:
            write_correction(describe_correction(before, after), folder / "correction.json")

        try:
            image, mask = preprocess(image, mask, settings, watch)
        except ValueError as error:
            raise _unusable(
                case, error, "look at the image and the mask of this patient, or change the settings"
            ) from error
        _write(image, folder / "image.nii.gz")
        _write(mask, folder / "mask.nii.gz")

    key = _key(case, _Hashes.of(case), settings, _PREPROCESSING, _PREPROCESSING_PACKAGES)
    entry = cached(cache, "preprocess", key, make)
    result = preprocessed_case(case, out)
    for source, target in (
        (entry / "image.nii.gz", result.image),
        (entry / "mask.nii.gz", result.mask),
        (entry / "correction.json", correction_file(case, out)),
    ):
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)


def _extract_case(
    case: Case, *, settings: RadiomicsSettings, cache: Path
) -> tuple[FloatArray, _Hashes, dict[str, int]]:
    def make(folder: Path) -> None:
        image, mask = load_case(case)
        try:
            values = extract(image, mask, settings)
            levels = grey_levels(image, mask, settings)
        except ValueError as error:
            raise _unusable(
                case, error, "look at the image and the mask of this patient, or leave the feature out"
            ) from error
        (folder / "features.json").write_text(json.dumps(values, indent=0, allow_nan=False), encoding="utf-8")
        (folder / "levels.json").write_text(json.dumps(levels), encoding="utf-8")

    hashes = _Hashes.of(case)
    entry = cached(cache, "radiomics", _key(case, hashes, settings, _RADIOMICS, _RADIOMICS_PACKAGES), make)
    values = json.loads((entry / "features.json").read_text(encoding="utf-8"))
    # Numbers in the order of the columns: names with each case would be ten times the memory of a large cohort.
    row = np.array([values[name] for name in feature_names(settings)], dtype=np.float64)
    return row, hashes, json.loads((entry / "levels.json").read_text(encoding="utf-8"))


def _unusable(case: Case, error: ValueError, mend: str) -> InputError:
    return InputError(Problem(str(error), "a region that can be measured", mend, patient=case.case_id, file=case.image))


def _write(image: sitk.Image, path: Path) -> None:
    """Write a compressed NIfTI; zlib leaves time and name out of the header, so that equal images are equal bytes."""
    with writer_of(path):
        sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=1)
