"""Stage activation: where in the images the network's own probability comes from, for cases chosen by a rule."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from vcfstats.contracts.cohort import cases_of
from vcfstats.contracts.files import write_text
from vcfstats.contracts.predictions import read_predictions
from vcfstats.contracts.slices import SliceStack, read_slices
from vcfstats.imaging import preprocessed_case
from vcfstats.imaging.loading import load_case
from vcfstats.imaging.slices import sagittal_spacing, sagittal_view
from vcfstats.learning.network import study_trunk
from vcfstats.learning.network.activation import (
    Shown,
    cases_shown,
    randomised_correlations,
    slice_maps,
    unit_weights,
)
from vcfstats.learning.network.gradcam import resize_map
from vcfstats.learning.thresholds import read_thresholds
from vcfstats.pipeline.directory import StudyDirectory

MODEL = "dl"
_AROUND_MM = 12.0  # anatomy shown around the largest box


def run(study: StudyDirectory) -> None:
    """Write data/activation.json: the panels of the figure, and how the maps change with random weights."""
    head = study.learned / "deep_head.json"
    predictions = read_predictions(study.predictions_file)
    testing = predictions[(predictions["model"] == MODEL) & (predictions["kind"] == "testing")]
    content: dict[str, Any] = {"panels": [], "correlations": []}
    if head.is_file() and len(testing):
        content = _maps(study, json.loads(head.read_text(encoding="utf-8")), testing)
    write_text(study.activation_file, json.dumps(content, separators=(",", ":")) + "\n")


def _maps(study: StudyDirectory, head: dict[str, Any], testing: Any) -> dict[str, Any]:
    settings = study.params.trunk
    stack, trunk = read_slices(study.slices_file), study_trunk(settings, study.network)
    scale = [np.inf if value is None else value for value in head["scale"]]
    weights = unit_weights(head["units"], head["coefficients"], scale, trunk.width)
    cases = sorted(testing["case_id"].astype(str))
    signed = slice_maps(stack, cases, trunk, weights, rectified=False)
    correlations = randomised_correlations(stack, cases, settings, signed, weights)
    shown = cases_shown(testing, read_thresholds(study.learned / "thresholds.json")[MODEL])
    evidence = {case: np.maximum(own, 0.0) for case, own in zip(cases, signed, strict=True)}
    strongest = max((evidence[panel.case_id].max() for panel in shown), default=0.0) or 1.0
    return {
        "panels": [_panel(study, stack, panel, evidence[panel.case_id] / strongest, shown) for panel in shown],
        "correlations": [None if np.isnan(value) else float(value) for value in correlations],
    }


def _panel(
    study: StudyDirectory, stack: SliceStack, panel: Shown, share: npt.NDArray[np.float64], shown: list[Shown]
) -> dict[str, Any]:
    """Return one case's slice as it was preprocessed, the region in it, and the map laid over its crop."""
    cohort = study.read_cohort().loc[[panel.case_id]]
    case = preprocessed_case(next(iter(cases_of(cohort, study.cohort_folder))), study.preprocessed)
    image, mask = load_case(case)
    place = stack.case_ids.index(panel.case_id)
    number, box = int(stack.index[place, 0]), stack.box[place, 0]
    plane = sagittal_view(image)[number].astype(np.float64)
    region = sagittal_view(mask)[number] == 1
    overlay = np.zeros_like(plane)
    top, bottom, left, right = map(int, box)
    overlay[top:bottom, left:right] = resize_map(share, (bottom - top, right - left))
    _, down, along = sagittal_spacing(image)
    boxes = [stack.box[stack.case_ids.index(other.case_id), 0] for other in shown]
    side = max(max((b[1] - b[0]) * down, (b[3] - b[2]) * along) for b in boxes) + 2 * _AROUND_MM
    rows = _window((top + bottom) // 2, round(side / down))
    columns = _window((left + right) // 2, round(side / along))
    window = _cut(plane, rows, columns, float(plane.min()))
    low, high = np.percentile(window, [1, 99])
    grey = np.clip((window - low) / max(high - low, 1e-12), 0, 1)
    return {
        "outcome": panel.outcome,
        "called": panel.called,
        "case_id": panel.case_id,
        "probability": panel.probability,
        "pixel_mm": [down, along],
        "intensity": _bytes(grey),
        "map": _bytes(_cut(overlay, rows, columns, 0.0)),
        "region": _cut(region.astype(np.float64), rows, columns, 0.0).astype(int).tolist(),
    }


def _window(centre: int, size: int) -> tuple[int, int]:
    return centre - size // 2, centre - size // 2 + size


def _cut(
    plane: npt.NDArray[np.float64], rows: tuple[int, int], columns: tuple[int, int], outside: float
) -> npt.NDArray[np.float64]:
    """Cut a window out of a plane; beyond its edges stands `outside`."""
    cut = np.full((rows[1] - rows[0], columns[1] - columns[0]), outside)
    top, left = max(rows[0], 0), max(columns[0], 0)
    inside = plane[top : rows[1], left : columns[1]]
    cut[top - rows[0] : top - rows[0] + inside.shape[0], left - columns[0] : left - columns[0] + inside.shape[1]] = (
        inside
    )
    return cut


def _bytes(share: npt.NDArray[np.float64]) -> list[list[int]]:
    return [[int(value) for value in row] for row in np.floor(share * 255 + 0.5)]
