"""The cases that lie far from the others, as records and a table of results/."""

from __future__ import annotations

from typing import Any

import pandas as pd

from vcfstats.contracts.naming import printed_names
from vcfstats.contracts.records import Record
from vcfstats.imaging.quality import MIN_CASES, QUANTITIES


def quality_table(content: dict[str, Any], *, patient_ids: bool = False) -> pd.DataFrame:
    """Return the cases far from the others as a table of results/, from the content of data/quality.json."""
    names = _names(content, patient_ids=patient_ids)
    rows = [
        {
            "case": names[row["case_id"]],
            "quantity": QUANTITIES[row["quantity"]].label,
            "unit": QUANTITIES[row["quantity"]].unit,
            "found": row["value"],
            "median": content["median"][row["quantity"]],
            "distance": row["distance"],
        }
        for row in content["outliers"]
    ]
    return pd.DataFrame(rows, columns=["case", "quantity", "unit", "found", "median", "distance"])


def quality_records(content: dict[str, Any], *, patient_ids: bool = False) -> list[Record]:
    """Return how many cases lie far from the others and which, and by what rule."""
    names = _names(content, patient_ids=patient_ids)
    cases = list(dict.fromkeys(names[row["case_id"]] for row in content["outliers"]))
    rule = (
        f"a quantity more than {content['limit']:g} robust standard deviations (1.4826 times the median absolute deviation) "
        f"from the cohort's median, of {len(QUANTITIES)} quantities of the region and its image"
    )
    if not content["enough"]:
        return [
            Record(
                kind="cohort", partition="all", estimate="n_quality_outliers", value=None, n=content["n"], stage="quality",
                method=f"not estimable: fewer than {MIN_CASES} cases",
            )
        ]  # fmt: skip
    return [
        Record(
            kind="cohort", partition="all", estimate="n_quality_outliers", value=len(cases), n=content["n"], unit="cases", method=rule, stage="quality",
        ),
        Record(
            kind="cohort", partition="all", estimate="quality_outliers", value=", ".join(cases) or "none", n=content["n"], method=rule, stage="quality",
        ),
        Record(kind="design", estimate="n_quality_quantities", value=len(QUANTITIES), stage="quality"),
        Record(kind="design", estimate="quality_limit", value=f"{content['limit']:g} robust standard deviations", stage="quality"),
        Record(kind="design", estimate="quality_window", value=f"{content['window_mm']:g} mm", stage="quality"),
    ]  # fmt: skip


def _names(content: dict[str, Any], *, patient_ids: bool) -> dict[str, str]:
    return printed_names(content["cases"], patient_ids=patient_ids) if content["outliers"] else {}
