"""How the simulated patients came and went: the screening log and the time under observation. Nothing here is published."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Reasons for exclusion, and how many patients each takes on average per 100 included. The publication's own numbers are
# not used: these are made up.
EXCLUSIONS = {
    "no water series of a T2-weighted Dixon sequence": 9.0,
    "poor image quality": 4.0,
    "surgery or radiation before the examination": 6.0,
    "another disease of the spine": 5.0,
    "neither follow-up nor pathology": 12.0,
}
OBSERVED_MONTHS = (6.0, 30.0)  # observation is cut off evenly between these
PROGRESSION_PER_MONTH = 0.04  # of patients with a malignant fracture


def screening_log(n_included: int, seed: np.random.SeedSequence) -> pd.DataFrame:
    """Return a screening log that adds up: ``step`` (screened, excluded, included), ``reason``, ``n``.

    Parameters
    ----------
    n_included : int
        Patients of the cohort.
    seed : SeedSequence
        Of the numbers excluded.
    """
    rng = np.random.default_rng(seed)
    excluded = {reason: int(rng.poisson(rate * n_included / 100)) for reason, rate in EXCLUSIONS.items()}
    rows = [("screened", "", n_included + sum(excluded.values()))]
    rows += [("excluded", reason, n) for reason, n in excluded.items()]
    rows.append(("included", "", n_included))
    return pd.DataFrame(rows, columns=["step", "reason", "n"])


def follow_up(diagnosis: pd.Series, seed: np.random.SeedSequence) -> pd.DataFrame:
    """Return ``followup_months`` and ``progression`` (1 where observation ended with it) of each patient.

    Parameters
    ----------
    diagnosis : Series
        malignant or benign, by patient; progression occurs in malignant fractures only, at a constant rate.
    seed : SeedSequence
        Of the times.
    """
    rng = np.random.default_rng(seed)
    cut_off = rng.uniform(*OBSERVED_MONTHS, size=len(diagnosis))
    progressed = rng.exponential(1 / PROGRESSION_PER_MONTH, size=len(diagnosis))
    event = (diagnosis.to_numpy() == "malignant") & (progressed < cut_off)
    months = np.where(event, progressed, cut_off)
    return pd.DataFrame({"followup_months": months.round(1), "progression": event.astype(int)}, index=diagnosis.index)
