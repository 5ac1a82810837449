"""All tests run in the portable arithmetic; Hypothesis draws the same examples every time, so that a change alone can fail.

HYPOTHESIS_PROFILE=explore draws new ones.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from vcfstats.contracts import arithmetic

if arithmetic.active() != arithmetic.PORTABLE:
    if "numpy" in sys.modules:  # it has chosen its code already
        pytest.exit('set the arithmetic before NumPy is loaded: eval "$(vcfstats arithmetic)"', returncode=4)
    arithmetic.apply(os.environ)  # for this process and those that it starts

settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", derandomize=False, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# Longest first, so that no process ends with minutes of work while the other has none; the first two make what others share.
LONGEST = (
    "pipeline/test_chain.py", "reporting/test_documents.py", "pipeline/test_drawn_studies.py", "reporting/test_self_audit.py",
    "learning/test_training.py", "reporting/test_rendering.py", "reporting/test_accessibility.py", "pipeline/test_trained_network.py",
    "pipeline/test_repeats.py", "imaging/test_cluster.py", "pipeline/test_forks.py", "reporting/test_web_nomogram.py",
    "pipeline/test_predict.py", "reporting/test_quarto.py", "learning/harmonisation/test_harmonised_study.py", "pipeline/test_check.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files of `LONGEST` first; all else stays in its order."""
    tests = Path(__file__).parent
    place = {tests / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


collect_ignore_glob = ["reference/*/make.py"]  # written with packages that the tests do without
