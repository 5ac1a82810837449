"""What the bias-field correction did to an image's intensities: two histograms and the range of the field."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

_BINS = 60
_CUT = 99.8  # percentile above which intensities share the last bin: a few bright vessels would squeeze all the rest
_FIELD = (1.0, 99.0)  # percentiles of the field that its range is taken between


@dataclass(frozen=True)
class Correction:
    """Intensities of an image before and after the correction of its bias field.

    Attributes
    ----------
    low, high : float
        Outer edges of the histograms, in the scanner's units; what lies beyond is counted in the outermost bins.
    before, after : tuple of int
        Voxels in each bin; `after` is empty where the bias field was left in.
    field_ratio : float
        99th over 1st percentile of the field that was divided by, over the foreground; 1 where there was none.
    """

    low: float
    high: float
    before: tuple[int, ...]
    after: tuple[int, ...]
    field_ratio: float


def describe_correction(before: sitk.Image, after: sitk.Image | None) -> Correction:
    """Compare an image with itself after correction.

    A bias field is known up to a factor: the corrected intensities are scaled so that both have the same median. The
    field's range is taken over the voxels above Otsu's threshold of the uncorrected image: in air it is extrapolated.

    Parameters
    ----------
    before, after : SimpleITK.Image
        On one grid; `after` is None where nothing was corrected.
    """
    old = sitk.GetArrayViewFromImage(before).astype(np.float64)
    new = old
    if after is not None:
        new = sitk.GetArrayViewFromImage(after).astype(np.float64)
        middle = float(np.median(new))
        new = new * (float(np.median(old)) / middle) if middle > 0 else new
    low = float(min(old.min(), new.min()))
    high = float(max(np.percentile(old, _CUT), np.percentile(new, _CUT)))
    edges = np.linspace(low, max(high, low + 1e-6), _BINS + 1)
    lit = (sitk.GetArrayFromImage(sitk.OtsuThreshold(before, 0, 1, 200)) == 1) & (old > 0) & (new > 0)
    least, most = np.percentile(old[lit] / new[lit], _FIELD) if after is not None and lit.any() else (1.0, 1.0)
    return Correction(
        low=float(edges[0]),
        high=float(edges[-1]),
        before=_counts(old, edges),
        after=_counts(new, edges) if after is not None else (),
        field_ratio=float(most / least),
    )


def _counts(values: np.ndarray, edges: np.ndarray) -> tuple[int, ...]:
    return tuple(int(count) for count in np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0])


def write_correction(correction: Correction, path: Path) -> None:
    """Write a correction as JSON."""
    path.write_text(json.dumps(asdict(correction)) + "\n", encoding="utf-8")


def read_correction(path: Path) -> Correction:
    """Read what `write_correction` wrote."""
    body = json.loads(path.read_text(encoding="utf-8"))
    return Correction(**{**body, "before": tuple(body["before"]), "after": tuple(body["after"])})
