"""Is the region where it should be: simple quantities of each case, and which cases lie far from the others."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import SimpleITK as sitk
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat
from scipy import ndimage

from vcfstats.contracts.case import Case
from vcfstats.contracts.errors import InputError, Problem
from vcfstats.contracts.files import file_hash
from vcfstats.imaging.cache import READING, cached, code_version, entry_key, path_hash
from vcfstats.imaging.correction import Correction, read_correction
from vcfstats.imaging.geometry import region_volume
from vcfstats.imaging.loading import load_case
from vcfstats.imaging.outline import STEEP, best_place, normals
from vcfstats.imaging.preprocessing import ORIENTATION

FloatArray = npt.NDArray[np.float64]
Plane = Literal["sagittal", "coronal", "axial"]

_MODULES = (*READING, "preprocessing", "correction", "outline", "quality")
_PACKAGES = ("SimpleITK", "numpy", "scipy")
_GREY = (0.5, 99.5)  # percentiles of the volume that become black and white
# A median absolute deviation of fewer cases says little; with fewer, none is called an outlier.
MIN_CASES = 8


class QualitySettings(BaseModel):
    """What the quality pages measure and when a case is named."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    limit: PositiveFloat = Field(
        default=3.5,
        description="A case is named where a quantity lies further from the cohort's median, in robust standard deviations.",
    )
    surround_mm: NonNegativeFloat = Field(
        default=5.0, gt=0, le=100, description="Thickness of the surroundings that a region is compared with, in mm."
    )
    plane: Plane = Field(default="sagittal", description="Plane of the contact sheet: sagittal, coronal or axial.")


@dataclass(frozen=True)
class Quantity:
    """One quantity of a case: its name in print, its unit, whether distances are of its logarithm.

    `least` is the smallest spread that counts, for quantities that are the same in nearly all cases.
    """

    label: str
    unit: str
    log: bool = False
    least: float = 0.0


QUANTITIES: dict[str, Quantity] = {
    "volume": Quantity("Volume", "ml", log=True),
    "extent_left_right": Quantity("Extent, left to right", "mm", log=True),
    "extent_front_back": Quantity("Extent, front to back", "mm", log=True),
    "extent_head_foot": Quantity("Extent, head to foot", "mm", log=True),
    "fill": Quantity("Share of its bounding box", ""),
    "apart": Quantity("Share outside the largest piece", "", least=0.01),
    "offset_left": Quantity("Centre left of the image's", "mm", least=1.0),
    "offset_back": Quantity("Centre behind the image's", "mm", least=1.0),
    "offset_head": Quantity("Centre above the image's", "mm", least=1.0),
    "mean": Quantity("Mean intensity", "units"),
    "sd": Quantity("SD of intensity", "units"),
    "contrast": Quantity("Contrast to the surroundings", "units"),
    "edge": Quantity("Edge at the outline", ""),
    "away": Quantity("Distance to where the outline fits best", "mm", least=0.7),
    "fit": Quantity("Edge at the outline, share of that there", "", least=0.05),
    "field": Quantity("Range of the bias field", "", log=True, least=0.02),
}


@dataclass(frozen=True, eq=False)
class View:
    """One plane through a region's centre: grey levels, the region in it, and the size of a pixel in mm (down, across)."""

    grey: npt.NDArray[np.uint8]
    region: npt.NDArray[np.bool_]
    pixel_mm: tuple[float, float]


@dataclass(frozen=True, eq=False)
class CaseQuality:
    """What the quality page of a case shows.

    Attributes
    ----------
    quantities : dict of str to float
        By the names of `QUANTITIES`; NaN where undefined.
    views : dict of str to View
        sagittal (front at the left), coronal and axial (the patient's right at the left); head, or front, at the top.
    correction : Correction
        Intensities before and after the correction of the bias field.
    """

    quantities: dict[str, float]
    views: dict[Plane, View]
    correction: Correction


def case_quality(case: Case, correction: Path, settings: QualitySettings, *, cache: Path) -> CaseQuality:
    """Measure a preprocessed case, or find it in the cache.

    Parameters
    ----------
    case : Case
        Preprocessed.
    correction : Path
        What `preprocess_cases` wrote of its bias field.
    settings : QualitySettings
        What is measured.
    cache : Path
        Folder in which finished cases are kept.

    Raises
    ------
    InputError
        A file is missing or cannot be read.
    """
    if not correction.is_file():
        raise InputError(
            Problem(
                "no such file",
                "what preprocessing says of the bias field",
                "run the stage preprocess first",
                patient=case.case_id,
                file=correction,
            )
        )

    def make(folder: Path) -> None:
        image, mask = load_case(case)
        field = read_correction(correction)
        quantities = measure(image, mask, settings) | {"field": field.field_ratio}
        body = {name: None if math.isnan(value) else value for name, value in quantities.items()}
        (folder / "quality.json").write_text(
            json.dumps({"quantities": body, "correction": asdict(field)}, allow_nan=False), encoding="utf-8"
        )
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        for name, view in planes(image, mask).items():
            arrays |= {f"{name}_grey": view.grey, f"{name}_region": view.region, f"{name}_mm": np.array(view.pixel_mm)}
        np.savez_compressed(folder / "planes.npz", allow_pickle=False, **arrays)

    key = entry_key(
        image=path_hash(case.image),
        mask=path_hash(case.mask),
        correction=file_hash(correction),
        settings=settings.model_dump(mode="json", include={"surround_mm"}),
        code=code_version(_MODULES, _PACKAGES),
    )
    entry = cached(cache, "quality", key, make)
    body = json.loads((entry / "quality.json").read_text(encoding="utf-8"))
    with np.load(entry / "planes.npz", allow_pickle=False) as archive:
        views: dict[Plane, View] = {
            name: View(archive[f"{name}_grey"], archive[f"{name}_region"], (float(archive[f"{name}_mm"][0]), float(archive[f"{name}_mm"][1])))
            for name in ("sagittal", "coronal", "axial")
        }  # fmt: skip
    return CaseQuality(
        quantities={name: math.nan if value is None else value for name, value in body["quantities"].items()},
        views=views,
        correction=read_correction(correction),
    )


def measure(image: sitk.Image, mask: sitk.Image, settings: QualitySettings) -> dict[str, float]:
    """Measure a region, all of `QUANTITIES` but the range of the bias field.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        Preprocessed; 1 inside the region.
    settings : QualitySettings
        How thick the surroundings are.

    Returns
    -------
    dict of str to float
        Lengths in mm along the volume's own axes, volume in ml, intensities in the image's units. `edge` is the mean
        slope of the intensity across the outline over the mean slope in the region's box and `surround_mm` around it, both
        cut off at the box's 80th percentile: low where the outline follows no edge. `away` and `fit` say how far off the outline
        would follow edges best, and how much less it does where it lies (`vcfstats.imaging.outline.best_place`). Undefined
        values are NaN: no surroundings within the volume, or no gradient in them.
    """
    image, mask = (sitk.DICOMOrient(volume, ORIENTATION) for volume in (image, mask))
    values = sitk.GetArrayFromImage(image).astype(np.float64)
    inside = sitk.GetArrayFromImage(mask) == 1
    spacing = np.array(image.GetSpacing()[::-1])  # as the array's axes: head, back, left
    if not inside.any():
        raise ValueError("the region is empty")
    found = np.argwhere(inside)
    low, high = found.min(axis=0), found.max(axis=0) + 1
    head, back, left = (float(length) for length in (high - low) * spacing)
    up, behind, leftwards = (
        float(shift) for shift in (found.mean(axis=0) - (np.array(inside.shape) - 1) / 2) * spacing
    )
    pieces, count = ndimage.label(inside[_box(low, high)], np.ones((3, 3, 3)))
    largest = int(np.bincount(pieces.ravel())[1:].max()) if count else 0
    within = values[inside]
    contrast, edge = _against_surroundings(values, inside, low, high, spacing, settings.surround_mm)
    away, fit = best_place(values, inside, spacing)
    return {
        "volume": region_volume(mask) / 1000.0,
        "extent_left_right": left,
        "extent_front_back": back,
        "extent_head_foot": head,
        "fill": len(found) / float(np.prod(high - low)),
        "apart": 1.0 - largest / len(found),
        "offset_left": leftwards,
        "offset_back": behind,
        "offset_head": up,
        "mean": float(within.mean()),
        "sd": float(within.std()),
        "contrast": contrast,
        "edge": edge,
        "away": away,
        "fit": fit,
    }


def _box(low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> tuple[slice, ...]:
    return tuple(slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))


def _against_surroundings(
    values: FloatArray,
    inside: npt.NDArray[np.bool_],
    low: npt.NDArray[np.int64],
    high: npt.NDArray[np.int64],
    spacing: FloatArray,
    thickness: float,
) -> tuple[float, float]:
    """Return contrast and edge, from the region's box and what lies around it."""
    margin = np.ceil(thickness / spacing).astype(int) + 2
    box = _box(np.maximum(low - margin, 0), np.minimum(high + margin, inside.shape))
    near, values = inside[box], values[box]
    if near.all() or min(near.shape) < 2:
        return math.nan, math.nan
    outwards = ndimage.distance_transform_edt(~near, sampling=spacing)
    shell = (outwards > 0) & (outwards <= thickness)
    contrast = float(values[near].mean() - values[shell].mean()) if shell.any() else math.nan
    signed, normal = normals(near, spacing)
    slope = np.array(np.gradient(values, *spacing))
    strength = np.linalg.norm(slope, axis=0)
    # Cut off at a percentile: else a few bright neighbours, such as fluid, would say more than the whole outline.
    sloping = strength[strength > 0]
    if not len(sloping):
        return contrast, math.nan
    most = float(np.percentile(sloping, STEEP))
    usual = float(np.minimum(strength, most).mean())
    across = np.abs((slope * normal).sum(axis=0)) * np.minimum(1.0, most / np.maximum(strength, 1e-12))
    outline = np.abs(signed) <= 1.2 * float(spacing.max())
    return contrast, float(across[outline].mean()) / usual


def planes(image: sitk.Image, mask: sitk.Image) -> dict[Plane, View]:
    """Return the three planes through the centre of a region, or the nearest that hold some of it."""
    image, mask = (sitk.DICOMOrient(volume, ORIENTATION) for volume in (image, mask))
    values = sitk.GetArrayFromImage(image).astype(np.float64)
    low, high = np.percentile(values, _GREY)
    grey = np.rint(np.clip((values - low) / max(high - low, 1e-12), 0, 1) * 255).astype(np.uint8)
    inside = sitk.GetArrayFromImage(mask) == 1
    across, down, up = image.GetSpacing()
    centre = np.argwhere(inside).mean(axis=0)

    def plane(axis: int, pixel_mm: tuple[float, float], head_up: bool) -> View:
        held = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        number = int(held[np.argmin(np.abs(held - centre[axis]))])
        cuts = [np.take(array, number, axis=axis) for array in (grey, inside)]
        shown, region = (cut[::-1] if head_up else cut for cut in cuts)
        return View(np.ascontiguousarray(shown), np.ascontiguousarray(region), pixel_mm)

    return {
        "sagittal": plane(2, (up, down), True),
        "coronal": plane(1, (up, across), True),
        "axial": plane(0, (down, across), False),
    }


@dataclass(frozen=True, eq=False)
class Outliers:
    """How far each case lies from the others.

    Attributes
    ----------
    distances : DataFrame
        Index case_id, one column a quantity: distance from the median in robust standard deviations, without sign.
    median, spread : Series
        Of each quantity; of quantities compared by their logarithm the geometric centre, and the spread of the logarithm.
    limit : float
        Distance above which a case is named.
    enough : bool
        False where there are too few cases to name any.
    """

    distances: pd.DataFrame
    median: pd.Series
    spread: pd.Series
    limit: float
    enough: bool

    def to_frame(self) -> pd.DataFrame:
        """Return the distances beyond the limit, one row each: the farthest case first, its quantities by distance."""
        rows: list[dict[str, object]] = []
        if self.enough:
            order = self.distances.max(axis=1).sort_values(ascending=False, kind="stable").index
            for case_id in order:
                own = self.distances.loc[case_id].sort_values(ascending=False, kind="stable")
                rows += [
                    {"case_id": case_id, "quantity": name, "distance": float(value)}
                    for name, value in own.items()
                    if value > self.limit
                ]
        return pd.DataFrame(rows, columns=["case_id", "quantity", "distance"])


def find_outliers(quantities: pd.DataFrame, limit: float) -> Outliers:
    """Measure how far each case lies from the cohort's median, quantity by quantity.

    The distance is ``|x - median| / s`` with ``s = 1.4826 median |x - median|``, which estimates the standard deviation of
    normal data and is moved by no minority of bad cases. Where that is 0, since more than half of the cases share one value,
    ``s = 1.2533 mean |x - median|`` (Iglewicz and Hoaglin 1993); where that is 0 too, no case is far. A missing value is
    at no distance.

    Parameters
    ----------
    quantities : DataFrame
        Index case_id, columns of `QUANTITIES`.
    limit : float
        Distance above which a case is named.

    References
    ----------
    Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers, ASQC; Rousseeuw and Hubert 2011, doi:10.1002/widm.2.
    """
    scaled = quantities.astype(float).copy()
    scaled.columns = scaled.columns.astype(str)
    logs = [name for name in map(str, scaled) if QUANTITIES[name].log]
    scaled[logs] = np.log(scaled[logs].where(scaled[logs] > 0))
    median = scaled.median()
    away = (scaled - median).abs()
    spread = 1.4826 * away.median()
    spread = spread.where(spread > 0, 1.2533 * away.mean())
    spread = spread.clip(lower=pd.Series({name: QUANTITIES[name].least for name in map(str, scaled)}, dtype=float))
    distances = (away / spread.where(spread > 0)).fillna(0.0)
    centre = median.copy()
    centre[logs] = np.exp(median[logs])
    return Outliers(distances, centre, spread, limit, enough=len(scaled) >= MIN_CASES)


def window_mm(views: Mapping[str, View]) -> float:
    """Return the side of the square that shows every case's region with its surroundings on the contact sheet.

    Two and a half times the median of the regions' longer sides in that plane: the same for all, so that sizes compare.
    """
    sides = []
    for view in views.values():
        found = np.argwhere(view.region)
        sides.append(float(((found.max(axis=0) + 1 - found.min(axis=0)) * np.array(view.pixel_mm)).max()))
    return float(math.ceil(2.5 * float(np.median(sides)) / 5.0) * 5.0)
