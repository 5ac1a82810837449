"""One small study, learned once for all tests that look at it."""

import importlib.util
import sys
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("learning_cohorts", Path(__file__).parent / "cohorts.py")
cohorts = importlib.util.module_from_spec(spec)
sys.modules["learning_cohorts"] = cohorts
spec.loader.exec_module(cohorts)


@pytest.fixture(scope="session")
def small():
    """A simulated cohort of 84 patients, its matrices, and what was learned of them with small grids."""
    cohort, matrices = cohorts.simulated(60, 24, n_radiomics=100, n_units=20, folds=3)
    return cohort, matrices, cohorts.learned(cohort, matrices)
