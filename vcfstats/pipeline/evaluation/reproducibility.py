"""How reproducibility was filtered by, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vcfstats.pipeline.params import Params


def reliability(params: Params, measured: Mapping[str, Any]) -> str:
    """Say by which readings features were filtered, or that they were not.

    Parameters
    ----------
    params : Params
        The decisions.
    measured : mapping
        data/repeats/repeats.json: the cases that were read again or changed, and those where that failed.
    """
    r = params.learning.reliability
    if r.source == "none":
        return "Features were not filtered by reproducibility."
    value = "" if r.value == "estimate" else "the lower confidence limit of "
    kinds = "Radiomic and deep features" if r.deep else "Radiomic features"
    if r.source == "perturbation":
        return f"{kinds} stayed if {value}{r.form} reached {r.threshold:g} over the images as they are and changed a little: {_changes(params)}. {_counted(measured)}"
    if params.cohort.mask_intra is None and params.cohort.mask_inter is None:
        return "No region was drawn again, so that features were not filtered by reproducibility."
    which = {
        "both": "within and between readers",
        "either": "within or between readers",
        "intra": "within readers",
        "inter": "between readers",
    }
    return (
        f"{kinds} stayed if {value}{r.form} reached {r.threshold:g} {which.get(r.combine, 'on average within and between readers')}, "
        "computed on the training patients whose region was drawn again."
    )


def _changes(params: Params) -> str:
    p = params.perturbation
    parts = [
        (p.rotation_deg, f"turned by up to {p.rotation_deg:g} degrees"),
        (p.translation_mm, f"shifted by up to {p.translation_mm:g} mm"),
        (p.volume, f"the region grown or shrunk by up to {p.volume:.0%} of its volume"),
        (
            p.contour_mm,
            f"its contour displaced at random with a standard deviation of {p.contour_mm:g} mm, smooth over {p.contour_scale_mm:g} mm",
        ),
    ]
    said = ", ".join(text for size, text in parts if size)
    of = "all training patients" if p.patients is None else f"{p.patients} training patients at most, drawn at random"
    return f"{said}; {p.number} copies of {of}"


def _counted(measured: Mapping[str, Any]) -> str:
    failed = measured["failed"]
    counted = f"Correlations are those of {len(measured['perturbation'])} training cases."
    if failed:
        why = next(iter(failed.values()))
        counted += f" {len(failed)} more could not be changed or measured and were left out (one of them: {why})."
    return counted
