"""How the patients came to be these: screening and follow-up, where the cohort has them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from vcfstats.contracts.records import Record
from vcfstats.contracts.study import TABLES
from vcfstats.pipeline.directory import StudyDirectory
from vcfstats.pipeline.screening import read_screening


def tables(study: StudyDirectory, cohort: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the flow of patients and the follow-up; a table that the cohort cannot support is absent."""
    settings = study.params.cohort
    found = {}
    if settings.screening is not None:
        found["flow"] = read_screening(study.cohort_folder / settings.screening)
    if settings.followup is not None:
        found["followup"] = followup(cohort)
    return found


def followup(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return the reverse Kaplan-Meier estimate of follow-up, all patients together.

    Being under observation is what is estimated: the end of observation is the event, and the event that ends it cuts off.
    """
    from vcfstats import reverse_kaplan_meier

    known = cohort.dropna(subset=["followup_time", "followup_event"])
    if known.empty:
        return pd.DataFrame(columns=list(TABLES["followup"]))
    frame = reverse_kaplan_meier(known["followup_time"], known["followup_event"]).to_frame()
    return pd.DataFrame(
        {
            "group": "all", "time": frame["time"], "estimate": frame["survival"], "low": frame["low"], "high": frame["high"],
            "at_risk": frame["at_risk"],
        }
    )  # fmt: skip


def followup_records(study: StudyDirectory, cohort: pd.DataFrame) -> list[Record]:
    """Return the median follow-up by the reverse Kaplan-Meier estimate; without a value where the curve stays above one half."""
    from vcfstats import reverse_kaplan_meier

    settings = study.params.cohort.followup
    if settings is None:
        return []
    known = cohort.dropna(subset=["followup_time", "followup_event"])
    level = study.params.evaluation.confidence_level
    about: dict[str, Any] = {
        "kind": "cohort", "partition": "all", "estimate": "median_followup", "n": len(known), "unit": settings.unit, "stage": "evaluate",
    }  # fmt: skip
    if known.empty:
        return [Record(value=None, events=0, method="not estimable: no patient has a follow-up time", **about)]
    curve = reverse_kaplan_meier(known["followup_time"], known["followup_event"])
    median = float(curve.median)
    low, high = (float(limit) for limit in curve.confidence_interval(level))
    bounded = math.isfinite(low) and math.isfinite(high)
    return [
        Record(
            value=median if math.isfinite(median) else None, ci_low=low if bounded else None, ci_high=high if bounded else None,
            level=level if bounded else None, events=int(known["followup_event"].sum()), method="reverse Kaplan-Meier", **about,
        )
    ]  # fmt: skip
