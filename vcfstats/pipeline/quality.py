"""Stage quality: a picture of every case, contact sheets of the cohort, and the cases that lie far from the others."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from vcfstats.contracts.case import Case
from vcfstats.contracts.cohort import cases_of
from vcfstats.contracts.files import write_text
from vcfstats.contracts.naming import printed_names
from vcfstats.imaging.batch import correction_file, preprocessed_case
from vcfstats.imaging.quality import (
    QUANTITIES,
    CaseQuality,
    Outliers,
    QualitySettings,
    View,
    case_quality,
    find_outliers,
    window_mm,
)
from vcfstats.imaging.running import run_cases
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.reporting.pictures import Cut, Histograms, Thumbnail, case_picture, contact_sheets, save_picture
from vcfstats.reporting.values import significant

_HEADINGS = {
    "sagittal": "Sagittal, front at the left",
    "coronal": "Coronal, right at the left",
    "axial": "Axial, right at the left",
}


def run(study: StudyDirectory) -> None:
    """Write data/quality, a picture for each case and the contact sheets in sheets/, and data/quality.json."""
    params = study.params
    out = study.quality
    cases = [preprocessed_case(case, study.preprocessed) for case in cases_of(study.read_cohort(), study.cohort_folder)]
    names = printed_names((case.case_id for case in cases), patient_ids=params.report.patient_ids)
    results = run_cases(
        functools.partial(
            _draw_case,
            settings=params.quality,
            preprocessed=study.preprocessed.absolute(),
            cache=study.cache.absolute(),
            out=out.absolute(),
            simulated=bool(params.simulate),
            names=names,
        ),
        cases,
        workers=params.compute.workers,
        label="quality",
        scheduler=study.scheduler,
        shared=study.cache,
    )
    ids = [case.case_id for case in cases]
    quantities = pd.DataFrame([found for found, _ in results], index=ids, columns=list(QUANTITIES))
    outliers = find_outliers(quantities, params.quality.limit)
    views = dict(zip(ids, (view for _, view in results), strict=True))
    window = window_mm(views)
    _draw_sheets(study, views, outliers, window, names)
    write_text(study.quality_file, json.dumps(_content(quantities, outliers, window), indent=1, allow_nan=False) + "\n")
    named = list(dict.fromkeys(outliers.to_frame()["case_id"]))
    print(f"quality: {len(ids)} cases, {len(named)} far from the others{': ' if named else ''}{', '.join(named[:10])}")


def _draw_case(
    case: Case,
    *,
    settings: QualitySettings,
    preprocessed: Path,
    cache: Path,
    out: Path,
    simulated: bool,
    names: Mapping[str, str],
) -> tuple[dict[str, float], View]:
    found = case_quality(case, correction_file(case, preprocessed), settings, cache=cache)
    cuts = {_HEADINGS[name]: _cut(view) for name, view in found.views.items()}
    correction = found.correction
    name = names[case.case_id]
    picture = case_picture(
        case.case_id if name == case.case_id else f"{name}: {case.case_id}",  # stays on this machine, as the images do
        cuts,
        Histograms(correction.low, correction.high, correction.before, correction.after),
        _lines(found),
        simulated=simulated,
    )
    save_picture(picture, out / f"{case.case_id}.png")
    return found.quantities, found.views[settings.plane]


def _cut(view: View) -> Cut:
    return Cut(view.grey, view.region, view.pixel_mm)


def _lines(found: CaseQuality) -> list[str]:
    q = found.quantities
    extent = " x ".join(f"{q[f'extent_{name}']:.0f}" for name in ("left_right", "front_back", "head_foot"))
    return [
        f"Volume {significant(q['volume'])} ml, extent {extent} mm",
        f"Intensity {_number(q['mean'])}, SD {_number(q['sd'])}",
        f"Contrast to the surroundings {_number(q['contrast'])}",
        f"Outline fits best {_number(q['away'])} mm away",
        f"Range of the bias field {q['field']:.2f}",
    ]


def _number(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.0f}".replace("-", "−")


def _draw_sheets(
    study: StudyDirectory, views: dict[str, View], outliers: Outliers, window: float, names: Mapping[str, str]
) -> None:
    order = outliers.distances.max(axis=1).sort_values(ascending=False, kind="stable").index
    far = outliers.to_frame().groupby("case_id", sort=False)["distance"].max().to_dict()
    plane = study.params.quality.plane
    thumbnails = [Thumbnail(names[case_id], _cut(views[case_id]), far.get(case_id)) for case_id in order]
    heading = f"{plane.capitalize()}, {window:g} mm wide, farthest from the others first"
    sheets = contact_sheets(thumbnails, window, heading=heading, simulated=bool(study.params.simulate))
    for number, sheet in enumerate(sheets, 1):
        save_picture(sheet, study.quality / "sheets" / f"sheet_{number:03d}.png")


def _content(quantities: pd.DataFrame, outliers: Outliers, window: float) -> dict[str, Any]:
    def plain(value: float) -> float | None:
        return None if math.isnan(value) else float(value)

    rows = outliers.to_frame()
    return {
        "n": len(quantities),
        "enough": outliers.enough,
        "limit": outliers.limit,
        "window_mm": window,
        "outliers": [
            {**row, "value": float(quantities.loc[row["case_id"], row["quantity"]])} for row in rows.to_dict("records")
        ],
        "median": {name: plain(value) for name, value in outliers.median.items()},
        "spread": {name: plain(value) for name, value in outliers.spread.items()},
        "cases": {
            case_id: {name: plain(value) for name, value in row.items()} for case_id, row in quantities.iterrows()
        },
    }
