"""Screening log and follow-up: numbers that add up, times within their limits."""

import numpy as np
import pandas as pd

from vcfstats.simulation.course import EXCLUSIONS, OBSERVED_MONTHS, follow_up, screening_log


def test_screening_log_adds_up():
    log = screening_log(234, np.random.SeedSequence(1))
    n = log.groupby("step")["n"].sum()
    assert n["screened"] - n["excluded"] == n["included"] == 234
    assert set(log.loc[log["step"] == "excluded", "reason"]) == set(EXCLUSIONS)


def test_follow_up_ends_with_progression_in_malignant_fractures_only():
    diagnosis = pd.Series(["malignant", "benign"] * 500)
    course = follow_up(diagnosis, np.random.SeedSequence(2))
    assert course["followup_months"].between(0, OBSERVED_MONTHS[1]).all()
    assert course.loc[diagnosis == "benign", "progression"].sum() == 0
    # Progression at 0.04 a month, observation cut off evenly between 6 and 30 months: 1 - mean of exp(-0.04 t).
    expected = 1 - (np.exp(-0.04 * 6) - np.exp(-0.04 * 30)) / (0.04 * 24)
    assert abs(course.loc[diagnosis == "malignant", "progression"].mean() - expected) < 4 * np.sqrt(
        expected * (1 - expected) / 500
    )
    assert course.equals(follow_up(diagnosis, np.random.SeedSequence(2)))
